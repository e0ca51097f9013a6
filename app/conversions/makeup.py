"""What goes into a kit and what comes out of it: how many can be made, how they expire, what they weigh. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.conversions.errors import MoreThanMade

VALUE_MAX = 10**15
"""In hundredths of a forint: more is a slip of the pen, and no column holds it."""
WORST = ("new", "good", "worn")
"""Conditions, the best first."""


@dataclass(frozen=True, slots=True)
class Portion:
    """A quantity of a lot that goes into a conversion."""

    lot_id: int
    place_id: int
    item_id: int
    quantity: int
    weight_mg: int
    """Of one base unit."""
    value: int
    """Of one base unit, in hundredths of a forint."""
    expires_on: date | None = None
    use_by: bool = False
    condition: str = "new"


def makeable(available: Mapping[int, int], parts: Mapping[int, int]) -> int:
    """Return how many kits the available parts make: the scarcest part decides."""
    return max(0, min((available.get(item_id, 0) // each for item_id, each in parts.items()), default=0))


def scarcest(available: Mapping[int, int], parts: Mapping[int, int]) -> list[int]:
    """Return the parts of which the next kit has too little."""
    more = makeable(available, parts) + 1
    return [item_id for item_id, each in parts.items() if available.get(item_id, 0) < each * more]


def soonest(expiries: Iterable[date | None]) -> date | None:
    """Return the first expiry; none where nothing expires."""
    return min((each for each in expiries if each is not None), default=None)


def worst(conditions: Iterable[str]) -> str:
    """Return the worst condition."""
    return max(conditions, key=lambda each: WORST.index(each) if each in WORST else len(WORST), default="new")


def weight_mg(portions: Iterable[Portion]) -> int:
    """Return what the portions weigh together."""
    return sum(portion.weight_mg * portion.quantity for portion in portions)


def value_of_one(portions: Iterable[Portion], pieces: int) -> int:
    """Return what one of what comes out is worth: the sum of what went in, shared out evenly."""
    return min(sum(portion.value * portion.quantity for portion in portions) // pieces, VALUE_MAX)


def agrees(weight_in: int, weight_out: int, permille: int) -> bool:
    """Tell whether what comes out weighs what went in, within a tolerance in thousandths of it."""
    return abs(weight_out - weight_in) * 1000 <= permille * weight_in


def allot(
    went_in: Sequence[tuple[int, int, int]], came_back: Mapping[int, int], made: int, count: int
) -> list[tuple[int, int]]:
    """Return which lots come back from taking apart ``count`` of ``made`` kits: (lot, quantity).

    ``went_in`` are (lot, item, quantity) in the order in which they were taken, ``came_back`` what earlier kits of the
    same lot gave back already. What expires last comes back last.
    """
    whole: dict[int, int] = {}
    for _, item_id, quantity in went_in:
        whole[item_id] = whole.get(item_id, 0) + quantity
    wanted = {item_id: quantity // made * count for item_id, quantity in whole.items()}
    left = dict(came_back)
    allotted: dict[int, int] = {}
    for lot_id, item_id, quantity in went_in:
        gone = min(quantity, left.get(lot_id, 0))
        left[lot_id] = left.get(lot_id, 0) - gone
        part = min(quantity - gone, wanted[item_id])
        if part > 0:
            wanted[item_id] -= part
            allotted[lot_id] = allotted.get(lot_id, 0) + part
    if any(wanted.values()):
        raise MoreThanMade(made=made)
    return list(allotted.items())
