"""Which run visits whom, in what order.

Problem: depots, vehicles and stops of one day, with every rule between them.  Plan: routes and what was left out.
Relaxation: the cheapest change that would serve a stop that was left out.
"""
