"""What the stock's states, kinds and places are called, and how its rows are said."""

from __future__ import annotations

from app.foundation.words import Message, say
from app.stock.errors import STORAGE_NAMES
from app.stock.models import Kind, LotState, PlaceKind

PLACE_KINDS: dict[str, Message] = {
    PlaceKind.DOCK: say("Dock"),
    PlaceKind.SHELF: say("Shelf"),
    PlaceKind.QUARANTINE: say("Quarantine"),
    PlaceKind.STAGING: say("Staging"),
    PlaceKind.VEHICLE: say("Vehicle"),
    PlaceKind.DONOR: say("Donor"),
    PlaceKind.HANDED_OVER: say("Handed over"),
    PlaceKind.LOSS: say("Loss"),
    PlaceKind.DISCREPANCY: say("Discrepancy"),
    PlaceKind.IN_TRANSIT: say("In transit"),
    PlaceKind.CONVERSION: say("Conversion"),
    PlaceKind.BOX: say("Box"),
}

KINDS: dict[str, Message] = {
    Kind.RECEIVE: say("Receiving"),
    Kind.PUT_AWAY: say("Putting away"),
    Kind.MOVE: say("Moving"),
    Kind.PICK: say("Picking"),
    Kind.LOAD: say("Loading"),
    Kind.HAND_OVER: say("Hand-over"),
    Kind.BRING_BACK: say("Bringing back"),
    Kind.WRITE_OFF: say("Write-off"),
    Kind.TRANSFER_OUT: say("Sent to another warehouse"),
    Kind.TRANSFER_IN: say("Arrived from another warehouse"),
    Kind.FIND: say("Found"),
    Kind.LOSE: say("Missing"),
    Kind.CONVERT: say("Conversion"),
    Kind.REVERSE: say("Taking back"),
}

CONDITIONS: dict[str, Message] = {"new": say("new"), "good": say("good"), "worn": say("worn")}

LOT_STATES: dict[str, Message] = {
    LotState.FREE: say("free"),
    LotState.QUARANTINED: say("quarantined"),
    LotState.BLOCKED: say("blocked"),
}

STORAGE = STORAGE_NAMES


def step(kind: str, *, quantity: int, unit: str, from_code: str, to_code: str) -> Message:
    """Say one step of a lot's way."""
    facts = {"quantity": quantity, "unit": unit}
    if kind == Kind.RECEIVE:
        return say("%(quantity)s %(unit)s arrived: %(place)s", **facts, place=to_code)
    if kind == Kind.PUT_AWAY:
        return say("%(quantity)s %(unit)s put away: %(place)s", **facts, place=to_code)
    if kind == Kind.PICK:
        return say("%(quantity)s %(unit)s picked: %(place)s", **facts, place=to_code)
    if kind == Kind.LOAD:
        return say("%(quantity)s %(unit)s loaded: %(place)s", **facts, place=to_code)
    if kind == Kind.HAND_OVER:
        return say("%(quantity)s %(unit)s handed over", **facts)
    if kind == Kind.BRING_BACK:
        return say("%(quantity)s %(unit)s brought back: %(place)s", **facts, place=to_code)
    if kind == Kind.WRITE_OFF:
        return say("%(quantity)s %(unit)s written off", **facts)
    if kind == Kind.REVERSE:
        return say("%(quantity)s %(unit)s taken back: %(place)s", **facts, place=to_code)
    return say("%(quantity)s %(unit)s moved: %(place)s", **facts, place=to_code)


BREACHES: dict[str, Message] = {
    "changed": say("a movement was changed"),
    "missing": say("a movement is missing"),
    "inserted": say("a movement was slipped in under an old number"),
    "seal_changed": say("a seal was changed"),
    "seal_missing": say("a seal is missing"),
    "head_differs": say("a seal is not the one that was published"),
}
"""What somebody with the database in hand may have done to the ledger."""
