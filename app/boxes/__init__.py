"""Boxes and pallets: handling units with an SSCC that hold lots, nest into one another and move as one.

A box is a place of the ledger that stands in another place: what is in it lies in the box, wherever that stands.
"""
