"""What boxes, their kinds and states are called."""

from __future__ import annotations

from app.boxes.errors import STATE_NAMES
from app.foundation.words import Message, say

KIND_NAMES: dict[str, Message] = {"box": say("Box"), "pallet": say("Pallet")}
STATES = STATE_NAMES
STATE_LOOKS = {
    "open": ("package", "act"),
    "closed": ("lock", "good"),
    "dissolved": ("ban", ""),
}
