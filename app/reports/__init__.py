"""Read-only numbers: the home page of each role, and what was handed over.

Task: something that waits for the person who looks, as a number, a sentence and a reason.
"""
