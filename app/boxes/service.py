"""What is done with boxes and pallets: open, fill, take out, close, move as one, nest, split, merge, dissolve.

Rights: ``stock.operate`` where the box stands. What moves inside boxes goes through the ledger of the stock; moving a
box moves nothing in the ledger, for its lots lie in the box, wherever that stands. What is reserved stays reserved.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from sqlalchemy import func, select, update

from app.boxes import queries, sscc
from app.boxes.errors import (
    BoxDissolved,
    BoxIsEmpty,
    BoxNotEmpty,
    BoxNotOpen,
    CannotNest,
    CannotStand,
    CodeTaken,
    CountDiffers,
    NoSuchBox,
    NotSenders,
    OtherWarehouse,
    SerialsUsedUp,
)
from app.boxes.models import Box, BoxKind, BoxMove, BoxState
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock import storage
from app.stock.errors import PlaceRetired, SamePlace, WrongStorage
from app.stock.models import Kind, PlaceKind

if TYPE_CHECKING:
    from app.stock.models import Movement, Place

LEVELS_MAX = 4
"""A pallet with boxes, with boxes in them, and one more: what people can still find again."""
LETTERS = {BoxKind.BOX: "D", BoxKind.PALLET: "R"}
"""Of the place's code: MIS-D-000123 is a box (doboz), MIS-R-000124 a pallet (raklap)."""
SERIAL_KEY = 5_118_003
"""Boxes of one warehouse are put into one another one after the other: two that swap would else make a ring."""

_company = {"prefix": sscc.PREFIX}


def use_company_prefix(prefix: str) -> None:
    """Number new boxes under this GS1 company prefix; the factory says which."""
    _company["prefix"] = prefix


def company_prefix() -> str:
    """Return the prefix of the numbers that only we give."""
    return _company["prefix"]


# Opening and ending -------------------------------------------------------------------------------------------------


def open_box(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    place_id: int,
    kind: str = BoxKind.BOX,
    code: str | None = None,
    note: str | None = None,
    happened_at: datetime | None = None,
) -> Box:
    """Open a box or pallet at a place (or in another box); it is given its SSCC. Opened twice is opened once.

    ``code`` is the SSCC that its sender has printed on it: then it keeps that.
    """
    known = queries.move_of_operation(uow.session, operation_id)
    if known is not None:
        return queries.box(uow.session, uow.actor, known.box_id)
    at = stock_queries.place(uow.session, place_id)
    _may_operate(uow, at)
    _must_hold_boxes(at)
    parent = _box_that_is(uow, at)
    _alone(uow, at.warehouse_id)
    uow.session.refresh(at)
    prefix = _company["prefix"]
    printed = _senders(uow, code, prefix) if code else None
    number = queries.next_number(uow.session)
    if number >= sscc.serials_max(prefix):
        raise SerialsUsedUp(prefix=prefix)
    letter = LETTERS[BoxKind(kind)]
    place = stock.open_box_place(uow, code=f"{at.warehouse.code}-{letter}-{number:06}", at=at)
    box = Box(
        id=number,
        sscc=printed or sscc.sscc(prefix, number),
        kind=BoxKind(kind).value,
        state=BoxState.OPEN.value,
        place_id=place.id,
        warehouse_id=at.warehouse_id,
        county_id=at.county_id,
        opened_at=happened_at or uow.now,
        note=note,
    )
    uow.session.add(box)
    uow.session.flush()
    if parent is not None:
        _must_fit(uow, box, parent)
        box.parent_id = parent.id
    note_move(uow, box, operation_id, at, at, happened_at)
    uow.record("box.opened", subject=("box", box.id), sscc=box.sscc, place_id=at.id)
    uow.session.flush()
    return box


def _senders(uow: UnitOfWork, code: str, prefix: str) -> str:
    """Return the SSCC that a sender has printed: not one of ours, which only we give, and not one that is in use."""
    digits = sscc.read(code)
    if digits is None:
        raise NotSenders(code)
    # In whichever warehouse: the phones of this one cannot see the boxes of others.
    with uow.office("boxes"):
        known = queries.sscc_known(uow.session, digits)
    if known or digits[1:].startswith(prefix):
        raise CodeTaken(code)
    return digits


def close_box(uow: UnitOfWork, *, box_id: int, happened_at: datetime | None = None) -> Box:
    """Close a box: it is moved as one. Closed already, it stays so."""
    box = _to_change(uow, box_id)
    if box.state == BoxState.OPEN:
        box.state, box.closed_at = BoxState.CLOSED.value, happened_at or uow.now
        uow.record("box.closed", subject=("box", box.id))
    uow.session.flush()
    return box


def reopen_box(uow: UnitOfWork, *, box_id: int) -> Box:
    """Open a closed box again, to fill or empty it."""
    box = _to_change(uow, box_id)
    if box.state == BoxState.CLOSED:
        box.state, box.closed_at = BoxState.OPEN.value, None
        uow.record("box.reopened", subject=("box", box.id))
    uow.session.flush()
    return box


@stock.told_of_boxes
def _opened_by_hand(uow: UnitOfWork, place_ids: Collection[int]) -> None:
    """Note that a closed box is open: something went in or out of it, by whatever deed."""
    with uow.office("boxes"):
        opened = uow.session.scalars(
            update(Box)
            .where(Box.place_id.in_(list(place_ids)), Box.state == BoxState.CLOSED)
            .values(state=BoxState.OPEN.value, closed_at=None)
            .returning(Box.id)
        ).all()
    for box_id in opened:
        uow.record("box.reopened", subject=("box", box_id), why="something went in or out")


def dissolve_box(uow: UnitOfWork, *, box_id: int, happened_at: datetime | None = None) -> Box:
    """Use an empty box no more; its number is never given again. Dissolved already, it stays so."""
    box = _to_change(uow, box_id, dissolved_too=True, alone=True)
    if box.state == BoxState.DISSOLVED:
        return box
    pieces, boxes = queries.pieces_and_boxes_in(uow.session, box)
    if pieces or boxes:
        raise BoxNotEmpty(box=box.place.code, pieces=pieces, boxes=boxes)
    stock.retire_box_place(uow, place_id=box.place_id)
    box.state, box.dissolved_at = BoxState.DISSOLVED.value, happened_at or uow.now
    box.parent_id = None
    uow.record("box.dissolved", subject=("box", box.id))
    uow.session.flush()
    return box


# Filling and emptying -----------------------------------------------------------------------------------------------


def fill_box(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    box_id: int,
    lot_id: int,
    from_place_id: int,
    quantity: int,
    happened_at: datetime | None = None,
    reason: str | None = None,
    done: bool = False,
) -> stock.Booked:
    """Put some of a lot into a box. With ``done`` it lies there already, whatever the books say."""
    box = _to_change(uow, box_id)
    _must_be_open(box, done=done)
    return stock.book(
        uow,
        operation_id=operation_id,
        lot_id=lot_id,
        from_place_id=from_place_id,
        to_place_id=box.place_id,
        quantity=quantity,
        kind=Kind.MOVE,
        reason=reason,
        happened_at=happened_at,
        done=done,
    )


def empty_box(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    box_id: int,
    lot_id: int,
    quantity: int,
    to_place_id: int | None = None,
    happened_at: datetime | None = None,
    reason: str | None = None,
    done: bool = False,
) -> stock.Booked:
    """Take some of a lot out of a box: to a place, else to where the box stands. What is reserved stays in it."""
    box = _to_change(uow, box_id)
    _must_be_open(box, done=done)
    if to_place_id is None:
        assert box.place.parent_id is not None, "a box stands somewhere"
        to_place_id = box.place.parent_id
    return stock.book(
        uow,
        operation_id=operation_id,
        lot_id=lot_id,
        from_place_id=box.place_id,
        to_place_id=to_place_id,
        quantity=quantity,
        kind=Kind.MOVE,
        reason=reason,
        happened_at=happened_at,
        done=done,
    )


def split_box(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    box_id: int,
    lines: Sequence[Mapping[str, int]],
    happened_at: datetime | None = None,
) -> Box:
    """Put some of what is in a box into a new box beside it: lines of ``lot_id quantity``."""
    known = queries.move_of_operation(uow.session, operation_id)
    if known is not None:
        return queries.box(uow.session, uow.actor, known.box_id)
    box = _to_change(uow, box_id, alone=True)
    _must_be_open(box)
    if not lines:
        raise BoxIsEmpty(box=box.place.code)
    assert box.place.parent_id is not None, "a box stands somewhere"
    made = open_box(
        uow, operation_id=operation_id, place_id=box.place.parent_id, kind=BoxKind.BOX, happened_at=happened_at
    )
    stock.move_all(
        uow,
        operation_id=operation_id,
        steps=[stock.Step(line["lot_id"], box.place_id, made.place_id, line["quantity"], Kind.MOVE) for line in lines],
        happened_at=happened_at,
    )
    uow.record("box.split", subject=("box", box.id), into_box_id=made.id, lots=len(lines))
    uow.session.flush()
    return made


@dataclass(frozen=True)
class Merged:
    """What went from one box into another."""

    box: Box
    into: Box
    movements: list[Movement]
    boxes: int


def merge_boxes(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    box_id: int,
    into_box_id: int,
    pieces: int,
    dissolve: bool = False,
    happened_at: datetime | None = None,
) -> Merged:
    """Put everything of one box into another: its lots with what is reserved of them, and the boxes in it.

    Whoever does it says how many pieces they moved; another number than the books' moves nothing.
    """
    box, into = _two_to_change(uow, box_id, into_box_id)
    moved_before = stock_queries.movements_of_operation(uow.session, operation_id)
    if moved_before:
        return Merged(box, into, moved_before, 0)
    for each in (box, into):
        _must_be_open(each)
    if box.warehouse_id != into.warehouse_id:
        raise OtherWarehouse(box=box.place.code, place=into.place.code)
    known = queries.totals_of(uow.session, box.id)[0]
    inner = [each for each in queries.below(uow.session, box.id) if each.depth == 1]
    if not known and not inner:
        raise BoxIsEmpty(box=box.place.code)
    if pieces != known:
        raise CountDiffers(box=box.place.code, told=pieces, known=known)
    movements = stock.empty_into(
        uow,
        operation_id=operation_id,
        from_place_id=box.place_id,
        to_place_id=into.place_id,
        happened_at=happened_at,
    )
    boxes = queries.boxes_for_change(uow.session, [each.id for each in inner])
    for each in boxes.values():
        _put(uow, each, into.place, uuid5(operation_id, f"box/{each.id}"), happened_at)
    uow.record("box.merged", subject=("box", box.id), into_box_id=into.id, pieces=pieces, boxes=len(boxes))
    uow.session.flush()
    if dissolve:
        dissolve_box(uow, box_id=box.id, happened_at=happened_at)
    return Merged(box, into, movements, len(boxes))


# Moving as one ------------------------------------------------------------------------------------------------------


def move_boxes(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    box_ids: Sequence[int],
    to_place_id: int,
    reason: str | None = None,
    happened_at: datetime | None = None,
    done: bool = False,
) -> list[Box]:
    """Move boxes, each with all that is in it, to a place, or into the box that the place is. All of them, or none.

    Into quarantine and out of it they go with a reason. With ``done`` they stand there already: what would else be
    refused about how things must be kept is not.
    """
    known = queries.move_of_operation(uow.session, operation_id)
    if known is not None:
        return [queries.box(uow.session, uow.actor, box_id) for box_id in box_ids]
    target = stock_queries.place(uow.session, to_place_id)
    _may_operate(uow, target)
    _must_hold_boxes(target)
    _alone(uow, target.warehouse_id)
    uow.session.refresh(target)
    boxes = queries.boxes_for_change(uow.session, box_ids)
    ordered = [boxes[box_id] for box_id in dict.fromkeys(box_ids) if box_id in boxes]
    for box_id in box_ids:
        if box_id not in boxes:
            raise NoSuchBox(box_id=box_id)
    for number, box in enumerate(ordered):
        _may_operate(uow, box.place)
        if box.state == BoxState.DISSOLVED:
            raise BoxDissolved(box=box.place.code)
        if box.place.parent_id == target.id:
            raise SamePlace
        _must_be_kept(uow, box, target, done=done)
        stock.needs_reason(Kind.MOVE, box.place.stands_in, target.stands_in, reason, done=done)
        name = operation_id if number == 0 else uuid5(operation_id, f"box/{box.id}")
        _put(uow, box, target, name, happened_at, reason)
    uow.session.flush()
    return ordered


def nest_box(
    uow: UnitOfWork, *, operation_id: UUID, box_id: int, into_box_id: int, happened_at: datetime | None = None
) -> Box:
    """Put a box into another one, or onto a pallet."""
    into = queries.box(uow.session, uow.actor, into_box_id)
    if into.state == BoxState.DISSOLVED:
        raise BoxDissolved(box=into.place.code)
    moved = move_boxes(
        uow, operation_id=operation_id, box_ids=[box_id], to_place_id=into.place_id, happened_at=happened_at
    )
    return moved[0]


def unnest_box(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    box_id: int,
    to_place_id: int | None = None,
    happened_at: datetime | None = None,
) -> Box:
    """Take a box out of the one that it stands in: to a place, else to where that one finally stands."""
    box = queries.box(uow.session, uow.actor, box_id)
    if to_place_id is None:
        assert box.place.root_id is not None, "a box stands somewhere"
        to_place_id = box.place.root_id
    moved = move_boxes(
        uow, operation_id=operation_id, box_ids=[box_id], to_place_id=to_place_id, happened_at=happened_at
    )
    return moved[0]


def _put(
    uow: UnitOfWork,
    box: Box,
    target: Place,
    operation_id: UUID,
    happened_at: datetime | None,
    reason: str | None = None,
) -> None:
    """Let a box stand on a place or in the box that the place is, with everything in it."""
    if target.warehouse_id != box.warehouse_id:
        raise OtherWarehouse(box=box.place.code, place=target.code)
    parent = _box_that_is(uow, target)
    if parent is not None:
        _must_fit(uow, box, parent)
    assert box.place.parent_id is not None, "a box stands somewhere"
    before = stock_queries.place(uow.session, box.place.parent_id)
    inner = [each.place_id for each in queries.below(uow.session, box.id)]
    stock.stand_boxes(uow, place_id=box.place_id, on=target, with_place_ids=inner)
    box.parent_id = parent.id if parent is not None else None
    note_move(uow, box, operation_id, before, target, happened_at)
    why = {"reason": reason} if reason else {}
    uow.record("box.moved", subject=("box", box.id), from_place_id=before.id, to_place_id=target.id, **why)
    uow.session.flush()


def note_move(
    uow: UnitOfWork, box: Box, operation_id: UUID, source: Place, target: Place, happened_at: datetime | None
) -> None:
    """Remember that a box was put somewhere else."""
    uow.session.add(
        BoxMove(
            operation_id=operation_id,
            box_id=box.id,
            from_place_id=source.id,
            to_place_id=target.id,
            happened_at=happened_at or uow.now,
            recorded_at=uow.now,
            actor_id=uow.actor.id,
            warehouse_id=box.warehouse_id,
            county_id=box.county_id,
        )
    )


# Judging ------------------------------------------------------------------------------------------------------------


def _may_operate(uow: UnitOfWork, place: Place) -> None:
    uow.actor.require_for("stock.operate", warehouse=place.warehouse_id, county=place.county_id)


def _to_change(uow: UnitOfWork, box_id: int, *, dissolved_too: bool = False, alone: bool = False) -> Box:
    seen = queries.box(uow.session, uow.actor, box_id)
    _may_operate(uow, seen.place)
    if alone:
        _alone(uow, seen.warehouse_id)
    box = queries.boxes_for_change(uow.session, [box_id])[box_id]
    if box.state == BoxState.DISSOLVED and not dissolved_too:
        raise BoxDissolved(box=box.place.code)
    return box


def _two_to_change(uow: UnitOfWork, box_id: int, other_id: int) -> tuple[Box, Box]:
    if box_id == other_id:
        raise SamePlace
    homes = set()
    for each in (box_id, other_id):
        seen = queries.box(uow.session, uow.actor, each)
        _may_operate(uow, seen.place)
        homes.add(seen.warehouse_id)
    for home in sorted(homes):
        _alone(uow, home)
    boxes = queries.boxes_for_change(uow.session, [box_id, other_id])
    for box in boxes.values():
        if box.state == BoxState.DISSOLVED:
            raise BoxDissolved(box=box.place.code)
    return boxes[box_id], boxes[other_id]


def _must_be_open(box: Box, *, done: bool = False) -> None:
    if box.state != BoxState.OPEN and not done:
        raise BoxNotOpen(box=box.place.code, state=box.state)


def _must_hold_boxes(place: Place) -> None:
    """Refuse places without walls, and those that are used no more."""
    if not place.guarded:
        raise CannotStand(place=place.code)
    if place.retired_at is not None:
        raise PlaceRetired(place=place.code)


def _box_that_is(uow: UnitOfWork, place: Place) -> Box | None:
    return queries.box_of_place(uow.session, place.id) if place.kind == PlaceKind.BOX else None


def _must_fit(uow: UnitOfWork, box: Box, parent: Box) -> None:
    """Refuse rings, pallets in boxes, closed boxes, and more levels than people find again."""

    def refuse(why: Message) -> CannotNest:
        return CannotNest(box=box.place.code, into=parent.place.code, why=why)

    if parent.state != BoxState.OPEN:
        raise BoxNotOpen(box=parent.place.code, state=parent.state)
    above = queries.above(uow.session, parent.id)
    if box.id in above:
        raise refuse(say("It would stand in itself."))
    if box.kind == BoxKind.PALLET:
        raise refuse(say("A pallet stands on a place."))
    below = max((each.depth for each in queries.below(uow.session, box.id)), default=0)
    if len(above) + 1 + below > LEVELS_MAX:
        raise refuse(say("So many boxes in one another are not found again: at most %(most)s.", most=LEVELS_MAX))


def _must_be_kept(uow: UnitOfWork, box: Box, target: Place, *, done: bool) -> None:
    """Refuse a shelf that does not keep things as something in the box needs."""
    root = target if target.root_id is None else stock_queries.place(uow.session, target.root_id)
    if done or root.kind != PlaceKind.SHELF:
        return
    ids = [box.id, *(each.id for each in queries.below(uow.session, box.id))]
    for content in queries.contents(uow.session, ids):
        if not storage.fits(content.item.storage_class, root.storage_class):
            raise WrongStorage(
                item=content.item.name_hu,
                needs=content.item.storage_class,
                place=root.code,
                kept=root.storage_class,
            )


def _alone(uow: UnitOfWork, warehouse_id: int) -> None:
    """Wait until nobody else puts boxes of the warehouse into one another; always before any row is locked."""
    # Two keys of 32 bits: the first names the idea, the second the warehouse.
    uow.session.execute(select(func.pg_advisory_xact_lock(SERIAL_KEY, warehouse_id % 2**31)))
