"""What kinds of vouchers are called."""

from __future__ import annotations

from app.foundation.words import Message, say

KIND_NAMES: dict[str, Message] = {
    "receipt": say("Goods-received note"),
    "issue": say("Issue note"),
    "transfer": say("Transfer note"),
    "delivery": say("Delivery note"),
    "write_off": say("Write-off record"),
    "stocktake": say("Stocktake record"),
    "certificate": say("Donor's certificate"),
}
