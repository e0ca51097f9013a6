"""Donors, what they offer, what arrives, and the thanks.

Offer: a promise of goods.  Arrival: it is here; each line is inspected and accepted, quarantined or refused.
"""
