"""Warehouses, places, lots, and the ledger that knows where every piece is.

Lot: one item with one expiry, from one source.  Place: a shelf, a dock, a vehicle; also the outside and loss.
Movement: a quantity of a lot from one place to another; never changed.  Balance: what the movements add up to.
"""
