"""Which lots first: the first to expire. Pure.

What is expired, quarantined or blocked is never picked; nor is what would have too few days left when handed out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Pick:
    """So much of a lot to be taken from a place, or from the box that stands there."""

    item_id: int
    lot_id: int
    place_id: int
    quantity: int
    place: str
    box: str | None = None
    expires_on: date | None = None
    purpose_id: int | None = None
    reservation_id: int | None = None


@dataclass(frozen=True, slots=True)
class Instead:
    """What may be given instead of what is short: so much of it stands for the missing quantity."""

    item_id: int
    percent: int
    quantity: int
    available: int


@dataclass(frozen=True, slots=True)
class Short:
    """What the shelves do not hold enough of."""

    item_id: int
    wanted: int
    missing: int
    instead: Sequence[Instead] = ()


_PARTS = re.compile(r"\d+|\D+")


def walking_key(code: str) -> tuple[tuple[int, int, str], ...]:
    """Return the key by which one walks through the hall: MIS-A-2 comes before MIS-A-10."""
    return tuple(
        (0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in _PARTS.findall(code)
    )


def in_walking_order(picks: Iterable[Pick]) -> list[Pick]:
    """Return picks place by place as one walks, the boxes of a place after one another, the first to expire first."""
    return sorted(
        picks,
        key=lambda pick: (
            walking_key(pick.place),
            walking_key(pick.box or ""),
            pick.expires_on or date.max,
            pick.lot_id,
            pick.purpose_id or 0,
        ),
    )


def pick_list(
    wanted: Mapping[int, int],
    shelves: Iterable[Pick],
    substitutes: Mapping[int, Sequence[tuple[int, int]]],
) -> tuple[list[Pick], list[Short]]:
    """Return what to take for so many of some items, in walking order, and what is short with what may stand for it.

    ``shelves`` is what may be picked, first to expire first, ``quantity`` what is available; of substitutes too.
    ``substitutes`` are (item, percent of the quantity asked) by item. What one item takes no other may count on.
    """
    there = list(shelves)
    left = {(pick.lot_id, pick.place_id): pick.quantity for pick in there}
    picks: list[Pick] = []
    missing: dict[int, int] = {}
    for item_id, quantity in wanted.items():
        needed = quantity
        for pick in there:
            part = min(needed, left[pick.lot_id, pick.place_id]) if pick.item_id == item_id else 0
            if part > 0:
                picks.append(replace(pick, quantity=part))
                left[pick.lot_id, pick.place_id] -= part
                needed -= part
        if needed > 0:
            missing[item_id] = needed
    short = []
    for item_id, needed in missing.items():
        instead = []
        for other_id, percent in substitutes.get(item_id, ()):
            free = sum(left[pick.lot_id, pick.place_id] for pick in there if pick.item_id == other_id)
            if free > 0:
                instead.append(Instead(other_id, percent, -(-needed * percent // 100), free))
        short.append(Short(item_id, wanted[item_id], needed, instead))
    return in_walking_order(picks), short
