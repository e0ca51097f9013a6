"""What discrepancies are called: the deeds of phones, what became of them, and what is done about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.foundation.words import Message, say
from app.stock import words

DEEDS: dict[str, Message] = {
    **words.KINDS,
    "load_parcel": say("Parcel loaded"),
    "unload_parcel": say("Parcel taken off"),
    "hand_over_parcel": say("Parcel handed over"),
    "fail_parcel": say("Parcel not handed over"),
    "bring_back_parcel": say("Parcel brought back"),
    "count": say("Count in a stocktake"),
    "place_counted": say("Place counted"),
    "count_place_empty": say("Place found empty"),
    "stocktake": say("Stocktake"),
}
OTHER = say("Another deed")

OUTCOMES: dict[str, Message] = {
    "needs_review": say("booked, but does not fit"),
    "rejected": say("not booked"),
}

RESOLUTIONS: dict[str, Message] = {
    "found": say("booked in what was found"),
    "lost": say("booked out what is missing"),
    "contained": say("the stocktake had it: the opposite was booked"),
    "again": say("done again"),
    "counted": say("left to a stocktake"),
    "nothing": say("nothing to do"),
}


def deed(kind: str) -> Message:
    """Return what a kind of operation is called."""
    return DEEDS.get(kind, OTHER)


def said(sentences: list[Mapping[str, Any]]) -> list[Message]:
    """Return stored sentences."""
    return [Message.from_json(each) for each in sentences]
