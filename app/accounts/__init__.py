"""People who sign in, what they may do, and the tokens of partner systems.

Role: a row of the table in roles.py.  Session: a signed-in browser.  Token: a program's key.
"""
