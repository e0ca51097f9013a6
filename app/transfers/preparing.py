"""What a transfer asks for is reserved on its shelves, picked into staging, and put back where that was wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from app.boxes import queries as box_queries
from app.boxes import service as boxes
from app.boxes import travelling
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.errors import NotToBeHandedOut, WrongPlace
from app.stock.models import Kind, LotState, PlaceKind
from app.stock.picking import first_to_expire
from app.stock.service import Step
from app.transfers import life, queries
from app.transfers.errors import BoxCannotTravel, MoreThanAsked, NoSuchTransferLot, NotAsked, NothingPicked
from app.transfers.models import Transfer, TransferLine, TransferLot, TransferState


@dataclass(frozen=True)
class Proposed:
    """What to take from where, first to expire first."""

    line_id: int
    item_id: int
    lot_id: int
    place_id: int
    quantity: int


def propose(uow: UnitOfWork, *, transfer_id: int) -> list[Proposed]:
    """Return from which lots and places the rest of a transfer would be taken: told to those who work there."""
    found = queries.transfer(uow.session, uow.actor, transfer_id)
    life.must_give(uow, found)
    return _proposal(uow, found, queries.lots_for_change(uow.session, transfer_id))


def _proposal(uow: UnitOfWork, transfer: Transfer, parts: Sequence[TransferLot]) -> list[Proposed]:
    left = _left(transfer, parts)
    reserved = _reserved_by_item(uow, transfer, parts)
    shelves = queries.pickable(uow.session, transfer.from_warehouse_id, {line.item_id for line in transfer.lines})
    today = uow.now.astimezone(stock_queries.HOME).date()
    proposed = []
    for line in transfer.lines:
        wanted = left[line.id] - reserved.get(line.item_id, 0)
        for lot, quantity in first_to_expire(shelves.get(line.item_id, ()), wanted, today):
            proposed.append(Proposed(line.id, line.item_id, lot.lot_id, lot.place_id, quantity))
    return proposed


def _left(transfer: Transfer, parts: Iterable[TransferLot]) -> dict[int, int]:
    """Return how many pieces of each line are still to be picked."""
    picked: dict[int | None, int] = {}
    for part in parts:
        picked[part.line_id] = picked.get(part.line_id, 0) + part.quantity
    return {line.id: max(0, line.quantity - picked.get(line.id, 0)) for line in transfer.lines}


def _reserved_by_item(uow: UnitOfWork, transfer: Transfer, parts: Iterable[TransferLot]) -> dict[int, int]:
    waiting = {(part.lot_id, part.place_id) for part in parts}
    found: dict[int, int] = {}
    for each in queries.pick_list(uow.session, transfer.id):
        if (each.lot_id, each.place_id) not in waiting:
            found[each.item.id] = found.get(each.item.id, 0) + each.quantity
    return found


def accept(uow: UnitOfWork, *, transfer_id: int, version: int | None = None) -> Transfer:
    """Reserve what a transfer asks for on its shelves, first to expire first; what is not there is not reserved."""
    with uow.office("transfers"):
        transfer, parts = life.locked(uow, transfer_id, "accept", version=version)
        life.must_give(uow, transfer)
        _reserve(uow, transfer, parts)
        uow.session.flush()
    return transfer


def _reserve(uow: UnitOfWork, transfer: Transfer, parts: Sequence[TransferLot]) -> None:
    until = uow.now + timedelta(days=life.RESERVED_DAYS)
    rows = [
        life.reservation(transfer, each.lot_id, each.place_id, each.quantity, until)
        for each in _proposal(uow, transfer, parts)
    ]
    made = [each for each in stock.reserve_many(uow, rows, skip_short=True) if each is not None]
    transfer.accepted_at = transfer.accepted_at or uow.now
    life.touch(transfer)
    uow.record("transfer.accepted", subject=("transfer", transfer.id), reservations=len(made))


def pick(
    uow: UnitOfWork,
    *,
    transfer_id: int,
    lot_id: int,
    from_place_id: int,
    quantity: int,
    operation_id: UUID,
    happened_at: datetime | None = None,
    done: bool = False,
) -> tuple[TransferLot, list[Message]]:
    """Move some of a lot from its shelf to staging for a transfer; ``done``: it was moved by hand already."""
    with uow.office("transfers"):
        transfer, parts = life.locked(uow, transfer_id, "pick", again=operation_id)
        life.must_give(uow, transfer)
        known = next((part for part in parts if part.operation_id == operation_id), None)
        if known is not None:
            return known, []
        line = _line_for(uow, transfer, parts, lot_id, quantity, done=done)
        staging = _staging(uow, transfer, from_place_id)
        life.speak(uow, transfer, lot_id, from_place_id, -quantity, days=life.RESERVED_DAYS)
        booked = stock.book(
            uow,
            operation_id=operation_id,
            lot_id=lot_id,
            from_place_id=from_place_id,
            to_place_id=staging,
            quantity=quantity,
            kind=Kind.PICK,
            happened_at=happened_at,
            done=done,
        )
        part = TransferLot(
            transfer_id=transfer.id,
            line_id=line.id,
            lot_id=lot_id,
            place_id=staging,
            from_place_id=from_place_id,
            operation_id=operation_id,
            quantity=quantity,
        )
        uow.session.add(part)
        life.speak(uow, transfer, lot_id, staging, quantity, days=life.WAITING_DAYS)
        _picked_perhaps(uow, transfer, [*parts, part], happened_at)
        uow.session.flush()
    return part, booked.review


def _line_for(
    uow: UnitOfWork, transfer: Transfer, parts: Sequence[TransferLot], lot_id: int, quantity: int, *, done: bool
) -> TransferLine:
    lot = stock_queries.lot(uow.session, uow.actor, lot_id)
    lines = [line for line in transfer.lines if line.item_id == lot.item_id]
    item = queries.items_by_id(uow.session, [lot.item_id])[lot.item_id]
    if not lines:
        raise NotAsked(item=item.name_hu, transfer=transfer.code)
    left = _left(transfer, parts)[lines[0].id]
    if quantity > left and not done:
        raise MoreThanAsked(item=item.name_hu, wanted=quantity, left=left)
    return lines[0]


def _staging(uow: UnitOfWork, transfer: Transfer, from_place_id: int) -> int:
    source = stock_queries.place(uow.session, from_place_id)
    if source.warehouse_id != transfer.from_warehouse_id:
        raise WrongPlace(place=source.code, deed=Kind.PICK)
    return stock_queries.virtual_place(uow.session, transfer.from_warehouse_id, PlaceKind.STAGING).id


def pick_all(uow: UnitOfWork, *, transfer_id: int, operation_id: UUID, happened_at: datetime | None = None) -> Transfer:
    """Note that everything on the pick list stands in staging: each reservation is picked as it is."""
    with uow.office("transfers"):
        transfer, parts = life.locked(uow, transfer_id, "pick", again=operation_id)
        life.must_give(uow, transfer)
        if any(part.operation_id == operation_id for part in parts):
            return transfer
        _reserve(uow, transfer, parts)
        staging = stock_queries.virtual_place(uow.session, transfer.from_warehouse_id, PlaceKind.STAGING).id
        listed = sorted(queries.pick_list(uow.session, transfer.id), key=lambda each: each.reservation_id)
        if not listed:
            raise NothingPicked(transfer=transfer.code)
        stock.consume_many_and_move(
            uow,
            operation_id=operation_id,
            reservation_ids=[each.reservation_id for each in listed],
            to_place_id=staging,
            kind=Kind.PICK,
            happened_at=happened_at,
        )
        line_of = {line.item_id: line.id for line in transfer.lines}
        made = [
            TransferLot(
                transfer_id=transfer.id,
                line_id=line_of[each.item.id],
                lot_id=each.lot_id,
                place_id=staging,
                from_place_id=each.place_id,
                operation_id=operation_id,
                quantity=each.quantity,
            )
            for each in listed
        ]
        uow.session.add_all(made)
        until = uow.now + timedelta(days=life.WAITING_DAYS)
        stock.reserve_many(
            uow, [life.reservation(transfer, each.lot_id, staging, each.quantity, until) for each in made]
        )
        _picked_perhaps(uow, transfer, [*parts, *made], happened_at)
        uow.session.flush()
    return transfer


def pick_box(
    uow: UnitOfWork, *, transfer_id: int, box_id: int, operation_id: UUID, happened_at: datetime | None = None
) -> list[TransferLot]:
    """Pick a whole box or pallet, with the boxes in it: it stands in staging, and travels as it is."""
    with uow.office("transfers"):
        transfer, parts = life.locked(uow, transfer_id, "pick", again=operation_id)
        life.must_give(uow, transfer)
        known = [part for part in parts if part.operation_id == operation_id]
        if known:
            return known
        box = box_queries.box(uow.session, uow.actor, box_id)
        assert box.place.parent_id is not None, "a box stands somewhere"
        staging, stood = _staging(uow, transfer, box.place_id), box.place.parent_id
        contents = box_queries.contents(uow.session, travelling.with_inner(uow, box.id))
        _may_travel(uow, transfer, box.place.code, contents)
        for each in contents:
            life.speak(uow, transfer, each.lot_id, each.place_id, -each.on_hand, days=life.RESERVED_DAYS)
        if stood != staging:
            boxes.move_boxes(
                uow, operation_id=operation_id, box_ids=[box.id], to_place_id=staging, happened_at=happened_at
            )
        line_of = {line.item_id: line.id for line in transfer.lines}
        made = [
            TransferLot(
                transfer_id=transfer.id,
                line_id=line_of[each.item.id],
                lot_id=each.lot_id,
                place_id=each.place_id,
                from_place_id=stood,
                box_id=each.box_id,
                operation_id=operation_id,
                quantity=each.on_hand,
            )
            for each in contents
        ]
        uow.session.add_all(made)
        until = uow.now + timedelta(days=life.WAITING_DAYS)
        rows = [life.reservation(transfer, each.lot_id, each.place_id, each.quantity, until) for each in made]
        stock.reserve_many(uow, rows)
        _picked_perhaps(uow, transfer, [*parts, *made], happened_at)
        uow.session.flush()
    return made


def _may_travel(uow: UnitOfWork, transfer: Transfer, box: str, contents: Sequence[box_queries.Content]) -> None:
    """Refuse a box that is empty, holds what was not asked for, what may not leave, or what others have spoken for."""
    if not contents:
        raise BoxCannotTravel(box=box, why=say("There is nothing in it."))
    asked = {line.item_id for line in transfer.lines}
    today = uow.now.astimezone(stock_queries.HOME).date()
    own: dict[tuple[int, int], int] = {}
    for each in queries.spoken_for(uow.session, transfer.id):
        own[each.lot_id, each.place_id] = own.get((each.lot_id, each.place_id), 0) + each.quantity
    for content in contents:
        lot = content.lot
        if content.item.id not in asked:
            raise NotAsked(item=content.item.name_hu, transfer=transfer.code)
        if lot.state != LotState.FREE or (lot.expires_on is not None and lot.expires_on < today):
            raise NotToBeHandedOut(
                lot_id=lot.id, item=content.item.name_hu, state=lot.state, expires_on=lot.expires_on, today=today
            )
        if content.reserved > own.get((content.lot_id, content.place_id), 0):
            raise BoxCannotTravel(box=box, why=say("Some of what is in it is reserved for others."))


def unpick(
    uow: UnitOfWork,
    *,
    transfer_lot_id: int,
    operation_id: UUID,
    happened_at: datetime | None = None,
) -> Transfer:
    """Put a pick back on its shelf, before the transfer leaves."""
    with uow.office("transfers"):
        transfer_id = queries.transfer_id_of(uow.session, transfer_lot_id)
        transfer, parts = life.locked(uow, transfer_id, "unpick")
        life.must_give(uow, transfer)
        part = next((each for each in parts if each.id == transfer_lot_id), None)
        if part is None:
            raise NoSuchTransferLot(transfer_lot_id=transfer_lot_id)
        # A box goes back as it came: with everything in it.
        with_it = [each for each in parts if part.box_id and each.operation_id == part.operation_id] or [part]
        put_back(uow, transfer, with_it, operation_id, happened_at, reason="unpicked")
        for each in with_it:
            uow.session.delete(each)
        transfer.state, transfer.picked_at = life.MOVES[TransferState(transfer.state), "unpick"], None
        life.touch(transfer)
        uow.session.flush()
    uow.record("transfer.unpicked", subject=("transfer", transfer.id), lot_id=part.lot_id, quantity=part.quantity)
    return transfer


def put_back(
    uow: UnitOfWork,
    transfer: Transfer,
    parts: Sequence[TransferLot],
    operation_id: UUID,
    happened_at: datetime | None,
    *,
    reason: str,
) -> None:
    """Move picked goods to the shelves that they came from; to the dock where the shelf is no longer used."""
    dock = stock_queries.virtual_place(uow.session, transfer.from_warehouse_id, PlaceKind.DOCK)
    shelves = stock_queries.places_by_id(uow.session, {part.from_place_id or dock.id for part in parts})
    steps, boxed = [], {}
    for part in parts:
        life.speak(uow, transfer, part.lot_id, part.place_id, -part.quantity, days=life.WAITING_DAYS)
        shelf = shelves[part.from_place_id or dock.id]
        target = dock.id if shelf.retired_at is not None else shelf.id
        if part.box_id:
            # Out of which box it was taken, nobody promises to find again: it stands where that one stands.
            boxed[travelling.outermost(uow, [part.box_id])[0]] = shelf.root_id or target
        else:
            steps.append(Step(part.lot_id, part.place_id, target, part.quantity, Kind.MOVE, reason))
    stock.move_all(uow, operation_id=operation_id, steps=steps, happened_at=happened_at)
    for box_id, place_id in boxed.items():
        if box_queries.box(uow.session, uow.actor, box_id).place.parent_id != place_id:
            again = uuid5(operation_id, f"box/{box_id}")
            boxes.move_boxes(uow, operation_id=again, box_ids=[box_id], to_place_id=place_id, happened_at=happened_at)


def finish(uow: UnitOfWork, *, transfer_id: int, version: int | None = None) -> Transfer:
    """Say that picking is over, with less than was asked for; what is still reserved goes back to the shelf."""
    with uow.office("transfers"):
        transfer, parts = life.locked(uow, transfer_id, "finish", version=version)
        life.must_give(uow, transfer)
        if not parts:
            raise NothingPicked(transfer=transfer.code)
        listed = queries.pick_list(uow.session, transfer.id)
        stock.release_many(uow, [each.reservation_id for each in listed])
        life.go_on(transfer, "finish")
        transfer.picked_at = uow.now
        uow.session.flush()
    uow.record("transfer.picked", subject=("transfer", transfer.id), lots=len(parts), complete=False)
    return transfer


def _picked_perhaps(
    uow: UnitOfWork, transfer: Transfer, parts: Sequence[TransferLot], happened_at: datetime | None
) -> None:
    """A transfer whose every line is picked is picked; what is reserved beyond the rest of a line is free again."""
    life.touch(transfer)
    _trim(uow, transfer, parts)
    if not any(_left(transfer, parts).values()):
        life.go_on(transfer, "finish")
        transfer.picked_at = happened_at or uow.now
        uow.record("transfer.picked", subject=("transfer", transfer.id), lots=len(parts), complete=True)


def _trim(uow: UnitOfWork, transfer: Transfer, parts: Sequence[TransferLot]) -> None:
    """Free what is reserved on shelves beyond what is left to pick: another lot, or a whole box, was taken instead."""
    waiting = {(part.lot_id, part.place_id) for part in parts}
    left = _left(transfer, parts)
    beyond = {line.item_id: -left[line.id] for line in transfer.lines}
    listed = [
        each for each in queries.pick_list(uow.session, transfer.id) if (each.lot_id, each.place_id) not in waiting
    ]
    for each in listed:
        beyond[each.item.id] += each.quantity
    for each in reversed(listed):
        if beyond[each.item.id] > 0:
            free = min(each.quantity, beyond[each.item.id])
            beyond[each.item.id] -= free
            life.speak(uow, transfer, each.lot_id, each.place_id, -free, days=life.RESERVED_DAYS)


def revise(uow: UnitOfWork, *, reservation_ids: Sequence[int]) -> int:
    """Learn that pieces reserved for transfers are not there: what was picked of them does not travel.

    The transfer asks for them again. Returns how many transfers lost something that was picked.
    """
    changed = 0
    with uow.office("transfers"):
        for transfer_id in queries.transfers_of(uow.session, reservation_ids):
            transfer = queries.transfer_for_change(uow.session, transfer_id)
            parts = queries.lots_for_change(uow.session, transfer_id)
            if (transfer.state, "unpick") in life.MOVES and _shrink(uow, transfer, parts):
                transfer.state, transfer.picked_at = life.MOVES[TransferState(transfer.state), "unpick"], None
                life.touch(transfer)
                uow.record("transfer.revised", subject=("transfer", transfer.id))
                changed += 1
        uow.session.flush()
    return changed


def _shrink(uow: UnitOfWork, transfer: Transfer, parts: Sequence[TransferLot]) -> bool:
    """Bring what was picked to what is still reserved for it; tell whether anything was lost."""
    held: dict[tuple[int, int], int] = {}
    for each in queries.spoken_for(uow.session, transfer.id):
        held[each.lot_id, each.place_id] = held.get((each.lot_id, each.place_id), 0) + each.quantity
    lost = False
    for part in parts:
        here = min(part.quantity, held.get((part.lot_id, part.place_id), 0))
        held[part.lot_id, part.place_id] = held.get((part.lot_id, part.place_id), 0) - here
        lost = lost or here < part.quantity
        if not here:
            uow.session.delete(part)
        elif here < part.quantity:
            part.quantity = here
    return lost
