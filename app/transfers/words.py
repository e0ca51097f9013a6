"""What the pages of transfers call things."""

from __future__ import annotations

from typing import Any

from app.foundation.language import as_data, date_, moment
from app.foundation.words import Message, say
from app.transfers.models import Outcome, Transfer, TransferState

STATE_NAMES: dict[str, Message] = {
    TransferState.REQUESTED: say("requested"),
    TransferState.PICKED: say("picked"),
    TransferState.IN_TRANSIT: say("in transit"),
    TransferState.RECEIVED: say("received"),
    TransferState.CANCELLED: say("called off"),
}
STATE_LOOKS = {
    "requested": ("clock", ""),
    "picked": ("package", "act"),
    "in_transit": ("truck", "act"),
    "received": ("circle-check", "good"),
    "cancelled": ("ban", ""),
}
OUTCOME_NAMES: dict[str, Message] = {
    Outcome.ARRIVED: say("They came later: the receiver's dock"),
    Outcome.STAYED: say("They never left: the giver's dock"),
    Outcome.UNEXPLAINED: say("Nobody knows: the giver's discrepancy place"),
    Outcome.LOST: say("They are lost: the giver's losses"),
}
OUTCOMES_DONE: dict[str, Message] = {
    Outcome.ARRIVED: say("came later"),
    Outcome.STAYED: say("never left"),
    Outcome.UNEXPLAINED: say("unexplained"),
    Outcome.LOST: say("lost"),
}


def trail(transfer: Transfer) -> list[dict[str, Any]]:
    """Return the life of a transfer, step by step."""
    if transfer.state == TransferState.CANCELLED:
        return [
            {"text": say("Requested"), "side": moment(transfer.requested_at), "state": "done"},
            {
                "text": say("Called off"),
                "side": moment(transfer.cancelled_at),
                "sub": as_data(transfer.cancel_reason) if transfer.cancel_reason else None,
                "state": "now",
            },
        ]
    steps: list[tuple[Message, Any, str | Message | None]] = [
        (say("Requested"), transfer.requested_at, as_data(transfer.note) if transfer.note else None),
        (say("Reserved"), transfer.accepted_at, None),
        (say("Picked"), transfer.picked_at, None),
        (say("In transit"), transfer.sent_at, _carried(transfer)),
        (say("Received"), transfer.received_at, None),
    ]
    last = max(index for index, step in enumerate(steps) if step[1] is not None)
    shown = []
    for index, (text, at, sub) in enumerate(steps):
        state = "now" if index == last and transfer.received_at is None else "done" if index <= last else ""
        shown.append({"text": text, "side": moment(at) if at else None, "sub": sub, "state": state})
    return shown


def _carried(transfer: Transfer) -> Message | str | None:
    if transfer.expected_on is None:
        return as_data(transfer.carried_by) if transfer.carried_by else None
    if not transfer.carried_by:
        return say("expected: %(day)s", day=date_(transfer.expected_on))
    return say("%(who)s, expected: %(day)s", who=transfer.carried_by, day=date_(transfer.expected_on))
