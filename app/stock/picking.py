"""Which lots first: the first to expire. Pure.

What is expired, quarantined or blocked is never picked; nor is what would have too few days left when handed out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class LotOnShelf:
    """What a place holds of a lot, and how much of it nobody has spoken for."""

    lot_id: int
    place_id: int
    available: int
    expires_on: date | None = None
    state: str = "free"


def may_be_handed_out(lot: LotOnShelf, on: date, days_left_min: int = 0) -> bool:
    """Tell whether the lot may leave on a day: free, and with enough days left."""
    if lot.state != "free" or lot.available <= 0:
        return False
    return lot.expires_on is None or lot.expires_on >= on + timedelta(days=days_left_min)


def first_to_expire(
    lots: Iterable[LotOnShelf], quantity: int, on: date, days_left_min: int = 0
) -> list[tuple[LotOnShelf, int]]:
    """Return which lots give how much, soonest expiry first, undated last; all there is if that is too little."""
    good = [lot for lot in lots if may_be_handed_out(lot, on, days_left_min)]
    picked: list[tuple[LotOnShelf, int]] = []
    for lot in sorted(good, key=lambda lot: (lot.expires_on or date.max, lot.lot_id, lot.place_id)):
        if quantity <= 0:
            break
        part = min(quantity, lot.available)
        picked.append((lot, part))
        quantity -= part
    return picked
