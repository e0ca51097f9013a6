"""What the views of the stock are called, and the headings of what leaves the house."""

from __future__ import annotations

from app.foundation.words import Message, say

GROUPS: dict[str, Message] = {
    "item": say("By item"),
    "lot": say("By lot"),
    "place": say("By place"),
    "warehouse": say("By warehouse"),
    "county": say("By county"),
}
FIRST: dict[str, Message] = {
    "item": say("Item"),
    "lot": say("Lot"),
    "place": say("Place"),
    "warehouse": say("Warehouse"),
    "county": say("County"),
    "category": say("Category"),
}
PAST_GROUPS: dict[str, Message] = {
    "item": GROUPS["item"],
    "category": say("By category"),
    "warehouse": GROUPS["warehouse"],
}
PERIODS: dict[str, Message] = {"day": say("By day"), "week": say("By week"), "month": say("By month")}
SPANS: dict[str, Message] = {
    "7": say("Within 7 days"),
    "30": say("Within 30 days"),
    "90": say("Within 90 days"),
    "expired": say("Expired"),
}
CLOCKS: dict[str, Message] = {
    "recorded": say("As the books said that evening"),
    "happened": say("As we know it today, late entries included"),
}
CONVERSIONS: dict[str, Message] = {
    "kit": say("made into a kit"),
    "take_apart": say("taken apart"),
    "repack": say("repacked"),
}
TRANSFER_STATES: dict[str, Message] = {
    "requested": say("requested"),
    "picked": say("picked"),
    "in_transit": say("in transit"),
    "received": say("received"),
    "cancelled": say("cancelled"),
}
PARCEL_STATES: dict[str, Message] = {
    "ready": say("ready"),
    "planned": say("planned"),
    "loaded": say("on the vehicle"),
    "partly": say("partly handed over"),
    "handed_over": say("handed over"),
    "brought_back": say("brought back"),
    "cancelled": say("cancelled"),
}

_SOLD_BY = (say("On hand"), say("Reserved"), say("Available"))
HEADS: dict[str, tuple[Message, ...]] = {
    "overview": (
        say("Name"), say("Code"), say("Unit"), *_SOLD_BY, say("Coming"), say("Asked for"), say("Weight (kg)"),
        say("Value (Ft)"), say("First expiry"),
    ),
    "expiring": (
        say("Lot"), say("Code"), say("Item"), say("Warehouse"), say("Place"), say("Expiry"), *_SOLD_BY,
    ),
    "levels": (
        say("Warehouse"), say("Code"), say("Item"), say("Least"), say("Most"), say("Available"), say("Coming"),
    ),
    "at": (say("Name"), say("Code"), say("On hand"), say("Unit"), say("Weight (kg)"), say("Value (Ft)")),
    "counties": (say("County"), say("Items"), *_SOLD_BY, say("Weight (kg)")),
    "stock": (
        say("Lot"), say("Code"), say("Item"), say("Maker's lot"), say("Condition"), say("State"), say("Expiry"),
        say("Source"), say("County"), say("Warehouse"), say("Stands at"), say("Place"), *_SOLD_BY, say("Value (Ft)"),
    ),
    "movements": (
        say("Number"), say("Recorded"), say("Happened"), say("Kind"), say("Lot"), say("Code"), say("Item"),
        say("Quantity"), say("From"), say("To"), say("Reason"), say("Takes back"), say("Warehouse"),
    ),
}  # fmt: skip
FILES: dict[str, str] = {
    "overview": "keszlet-osszesites",
    "expiring": "lejarat",
    "levels": "keszletszintek",
    "at": "keszlet-adott-napon",
    "counties": "keszlet-varmegyenkent",
    "stock": "keszletlista",
    "movements": "mozgasok",
}
"""Names of the files, without a date."""
