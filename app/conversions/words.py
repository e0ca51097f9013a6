"""What conversions are called."""

from __future__ import annotations

from app.conversions.models import ConversionKind
from app.foundation.words import Message, say

KINDS: dict[str, Message] = {
    ConversionKind.KIT: say("Kit made up"),
    ConversionKind.TAKE_APART: say("Kit taken apart"),
    ConversionKind.REPACK: say("Repacked"),
}
