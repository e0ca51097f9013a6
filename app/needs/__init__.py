"""Signals from the network, the households behind them, and what they need.

Signal: a partner says that a household lacks something.  Need: one thing that one household lacks.
Urgency: 1 (today) to 4 (can wait), computed from facts by a table that coordinators can read and change.
"""
