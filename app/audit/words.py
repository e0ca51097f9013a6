"""What people call the deeds of the journal. A deed without a sentence here is shown by its own name."""

from __future__ import annotations

from app.foundation.words import Message, say

KINDS: dict[str, Message] = {
    "account": say("Sign-in"),
    "session": say("Sign-in"),
    "user": say("Users"),
    "token": say("API tokens"),
    "need": say("Needs"),
    "signal": say("Signals"),
    "household": say("Households"),
    "urgency": say("Urgency table"),
    "allocation": say("Allocation"),
    "share": say("Shares"),
    "stock": say("Stock"),
    "movement": say("Movements"),
    "lot": say("Lots"),
    "reservation": say("Reservations"),
    "offer": say("Offers"),
    "arrival": say("Arrivals"),
    "donation": say("Donations"),
    "donor": say("Donors"),
    "plan": say("Plans"),
    "run": say("Runs"),
    "stop": say("Stops"),
    "parcel": say("Parcels"),
    "vehicle": say("Vehicles"),
    "driver": say("Drivers"),
    "organisation": say("Partners"),
    "agreement": say("Agreements"),
    "item": say("Items"),
    "pack": say("Packs"),
    "settlement": say("Settlements"),
    "geography": say("Settlements"),
    "job": say("Jobs"),
    "ledger": say("Ledger"),
    "voucher": say("Vouchers"),
    "demo": say("Demo data"),
}

DEEDS: dict[str, Message] = {}
"""Filled below, one line a deed."""
