"""What the states and reasons of write-offs are called."""

from __future__ import annotations

from app.foundation.words import Message, say
from app.write_offs.models import WriteOffReason, WriteOffState

STATES: dict[str, Message] = {
    WriteOffState.PROPOSED: say("proposed"),
    WriteOffState.POSTED: say("written off"),
    WriteOffState.REFUSED: say("refused, goods kept"),
    WriteOffState.WITHDRAWN: say("withdrawn"),
    WriteOffState.TAKEN_BACK: say("taken back"),
}

REASONS: dict[str, Message] = {
    WriteOffReason.EXPIRED: say("Expired"),
    WriteOffReason.DAMAGED: say("Damaged"),
    WriteOffReason.SPOILED: say("Spoiled"),
    WriteOffReason.RECALLED: say("Recalled"),
    WriteOffReason.UNUSABLE: say("Unusable"),
    WriteOffReason.LOST: say("Lost"),
}

APART: dict[str, Message] = {
    "damaged": say("Damaged"),
    "expired": say("Expired"),
    "doubtful": say("Something is wrong with it"),
    "checked": say("Looked at: it is good"),
    "sorted": say("What was wrong is sorted out"),
}
"""Reasons that a phone offers for quarantine; any other is shown as it was written."""
