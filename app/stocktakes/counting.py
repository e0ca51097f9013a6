"""The thinking of a stocktake: what the books held when something was counted, and what differs. Plain values.

Two clocks: a movement counts from when it happened, not from when we learnt of it. So the hall goes on working while
it is counted, and each lot in each place is compared with the books of the very moment at which it was counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

COUNTED, EMPTY, DONE = "counted", "empty", "done"
FIRST, SECOND, CHOSEN = 1, 2, 3
TOLERANCE_PERMILLE = 10
"""What is weighed or measured may differ so much without being counted again; pieces never."""

Key = tuple[int, int]
"""A place and a lot."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A row of the counting, as somebody said it."""

    id: int
    round: int
    place_id: int
    deed: str
    lot_id: int | None
    item_id: int | None
    expires_on: date | None
    quantity: int
    counted_at: datetime
    by: int | None


@dataclass(frozen=True, slots=True)
class Booked:
    """What the books hold of a lot in a place now."""

    lot_id: int
    place_id: int
    item_id: int
    expires_on: date | None
    on_hand: int
    pieces: bool = True
    """Counted in pieces, not weighed or measured."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What came into a place (positive) or left it, and when it happened."""

    lot_id: int
    place_id: int
    quantity: int
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """When the counts of a place were closed."""

    place_id: int
    first_at: datetime
    second_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What who approves has chosen instead of both counts."""

    place_id: int
    lot_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Line:
    """What was expected of a lot in a place against what was counted."""

    place_id: int
    lot_id: int
    expected: int
    counted: int
    counted_at: datetime
    round: int
    first: int
    second: int | None
    recount: bool
    """Somebody else must count it before it is believed."""

    @property
    def difference(self) -> int:
        """Return what was found (positive) or is missing."""
        return self.counted - self.expected


class Books:
    """What the books say of each lot in each place, at any moment."""

    def __init__(self, booked: Iterable[Booked], moved: Iterable[Moved]) -> None:
        self._now: dict[Key, Booked] = {(each.place_id, each.lot_id): each for each in booked}
        self._moved: dict[Key, list[Moved]] = defaultdict(list)
        self._lots: dict[int, list[Booked]] = defaultdict(list)
        for each in self._now.values():
            self._lots[each.place_id].append(each)
        for step in moved:
            self._moved[step.place_id, step.lot_id].append(step)

    def at(self, place_id: int, lot_id: int, moment: datetime) -> int:
        """Return what the place held at a moment: what it holds now, less what happened later."""
        now = self._now.get((place_id, lot_id))
        later = sum(each.quantity for each in self._moved[place_id, lot_id] if each.happened_at > moment)
        return (now.on_hand if now else 0) - later

    def lots(self, place_id: int) -> Sequence[Booked]:
        """Return the lots that the books know in a place, whatever they hold of them."""
        return self._lots[place_id]

    def in_pieces(self, place_id: int, lot_id: int) -> bool:
        """Tell whether the lot is counted in pieces."""
        now = self._now.get((place_id, lot_id))
        return now.pieces if now else True


def standing(counts: Iterable[Counted], place_id: int, round_: int) -> list[Counted]:
    """Return the counts that hold in a place and round: the newest of each lot, after the place was last found empty.

    The newest by when it was counted; of two at one moment, the one that was told later.
    """
    rows = sorted(
        (each for each in counts if each.place_id == place_id and each.round == round_),
        key=lambda each: (each.counted_at, each.id),
    )
    newest: dict[tuple[int | None, int | None, date | None], Counted] = {}
    for row in rows:
        if row.deed == EMPTY:
            newest.clear()
        elif row.deed == COUNTED:
            together = row.lot_id is None
            newest[row.lot_id, row.item_id if together else None, row.expires_on if together else None] = row
    return list(newest.values())


def share_out(quantity: int, expected: Sequence[tuple[int, date | None, int]]) -> dict[int, int]:
    """Deal what was counted of several lots together out to them: (lot, expiry, expected) → quantity by lot.

    What is given first expires first, so a shortage is taken to be of the lots that expire first; a surplus too is
    theirs, to be on the safe side.
    """
    ordered = sorted(expected, key=lambda each: (each[1] is None, each[1] or date.max, each[0]))
    left, dealt = quantity, {}
    for lot_id, _, wanted in reversed(ordered):
        dealt[lot_id] = min(max(wanted, 0), left)
        left -= dealt[lot_id]
    if left and ordered:
        dealt[ordered[0][0]] += left
    return dealt


def found(
    counts: Sequence[Counted], books: Books, place_id: int, round_: int, closed_at: datetime
) -> dict[int, tuple[int, datetime]]:
    """Return what one round found in a place, by lot: (quantity, when); what was not counted is not there."""
    rows = standing(counts, place_id, round_)
    result = {row.lot_id: (row.quantity, row.counted_at) for row in rows if row.lot_id is not None}
    for row in rows:
        if row.lot_id is not None:
            continue
        together = [
            (lot.lot_id, lot.expires_on, books.at(place_id, lot.lot_id, row.counted_at))
            for lot in books.lots(place_id)
            if lot.item_id == row.item_id
            and lot.lot_id not in result
            and (row.expires_on is None or lot.expires_on == row.expires_on)
        ]
        for lot_id, quantity in share_out(row.quantity, [each for each in together if each[2] > 0] or together).items():
            result[lot_id] = (quantity, row.counted_at)
    for lot in books.lots(place_id):
        if lot.lot_id not in result and books.at(place_id, lot.lot_id, closed_at) != 0:
            result[lot.lot_id] = (0, closed_at)
    return result


def needs_recount(expected: int, counted: int, *, pieces: bool) -> bool:
    """Tell whether a difference is large enough to be counted again by somebody else."""
    allowed = 0 if pieces else abs(expected) * TOLERANCE_PERMILLE // 1000
    return abs(counted - expected) > allowed


def compare(
    counts: Sequence[Counted], closed: Iterable[Closed], books: Books, chosen: Iterable[Chosen] = ()
) -> list[Line]:
    """Return a line for each lot in each place whose first count is closed, in the order of places and lots.

    The second count decides where the first one differed; what who approves has chosen decides over both.
    """
    choices = {(each.place_id, each.lot_id): each.quantity for each in chosen}
    by_place: dict[int, list[Counted]] = defaultdict(list)
    for row in counts:
        by_place[row.place_id].append(row)
    lines = []
    for place in closed:
        rows = by_place[place.place_id]
        first = found(rows, books, place.place_id, FIRST, place.first_at)
        explicit = {row.lot_id for row in standing(rows, place.place_id, SECOND)}
        second = found(rows, books, place.place_id, SECOND, place.second_at) if place.second_at else {}
        for lot_id in sorted(first.keys() | {lot for lot in second if lot in explicit}):
            quantity, at = first.get(lot_id, (0, place.first_at))
            differs = needs_recount(
                books.at(place.place_id, lot_id, at), quantity, pieces=books.in_pieces(place.place_id, lot_id)
            )
            again = None
            if place.second_at and (differs or lot_id in explicit):
                again = second.get(lot_id, (0, place.second_at))
            choice = choices.get((place.place_id, lot_id))
            decided, decided_at = again or (quantity, at)
            lines.append(
                Line(
                    place_id=place.place_id,
                    lot_id=lot_id,
                    expected=books.at(place.place_id, lot_id, decided_at),
                    counted=decided if choice is None else choice,
                    counted_at=decided_at,
                    round=CHOSEN if choice is not None else SECOND if again else FIRST,
                    first=quantity,
                    second=again[0] if again else None,
                    recount=differs and again is None and choice is None,
                )
            )
    return sorted(lines, key=lambda line: (line.place_id, line.lot_id))


def contained(
    movements: Iterable[tuple[int, int, int, datetime]], counted_at: Mapping[Key, datetime]
) -> dict[Key, int]:
    """Return by how much a late operation makes the books wrong, where a posted stocktake had contained it.

    ``movements``: (place, lot, signed quantity, when it happened); ``counted_at``: when a place's lot was counted.
    """
    wrong: dict[Key, int] = defaultdict(int)
    for place_id, lot_id, quantity, happened_at in movements:
        counted = counted_at.get((place_id, lot_id))
        if counted is not None and happened_at <= counted:
            wrong[place_id, lot_id] += quantity
    return {key: quantity for key, quantity in wrong.items() if quantity}
