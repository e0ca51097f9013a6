"""What is done with a transfer: ask for it, reserve, pick, send, receive with differences, settle them, cancel.

Rights: to ask, ``transfers.request`` over one of the two warehouses; to pick and send, ``stock.operate`` where the
goods are; to receive, ``stock.operate`` where they arrive. Every piece is at all times in one place with a name: on a
shelf, in staging, in transit, on the receiver's dock, in quarantine, or in a place for what nobody can explain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from sqlalchemy.orm.attributes import flag_modified

from app.boxes import queries as box_queries
from app.boxes import service as boxes
from app.boxes import travelling
from app.foundation.errors import NotAllowed, Stale
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import carrying, issuing
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.errors import NoSuchWarehouse, NotToBeHandedOut, OperationDiffers, WrongPlace
from app.stock.models import Kind, LotState, PlaceKind
from app.stock.picking import first_to_expire
from app.stock.service import Step
from app.transfers import queries
from app.transfers.errors import (
    AlreadyReceived,
    BelongsToTransfer,
    BoxCannotTravel,
    LinesWrong,
    MoreThanAsked,
    NoDifference,
    NoSuchTransferLot,
    NotAsked,
    NothingPicked,
    TransferPast,
)
from app.transfers.models import Outcome, Transfer, TransferLine, TransferLot, TransferState

if TYPE_CHECKING:
    from app.stock.models import Movement, Voucher

RESERVED_DAYS = 7
"""So long the goods of a transfer stay reserved on their shelves; then somebody else may take them."""
WAITING_DAYS = 30
"""So long what was picked stays reserved in staging."""

MOVES: dict[tuple[str, str], str] = {
    (TransferState.REQUESTED, "accept"): TransferState.REQUESTED,
    (TransferState.REQUESTED, "pick"): TransferState.REQUESTED,
    (TransferState.REQUESTED, "finish"): TransferState.PICKED,
    (TransferState.REQUESTED, "unpick"): TransferState.REQUESTED,
    (TransferState.PICKED, "unpick"): TransferState.REQUESTED,
    (TransferState.REQUESTED, "send"): TransferState.IN_TRANSIT,
    (TransferState.PICKED, "send"): TransferState.IN_TRANSIT,
    (TransferState.IN_TRANSIT, "receive"): TransferState.IN_TRANSIT,
    (TransferState.IN_TRANSIT, "settle"): TransferState.IN_TRANSIT,
    (TransferState.RECEIVED, "settle"): TransferState.RECEIVED,
    (TransferState.REQUESTED, "cancel"): TransferState.CANCELLED,
    (TransferState.PICKED, "cancel"): TransferState.CANCELLED,
}
"""The life of a transfer. With its last lot it is received."""


# Asking -------------------------------------------------------------------------------------------------------------


def request(
    uow: UnitOfWork,
    *,
    from_warehouse_id: int,
    to_warehouse_id: int,
    lines: Sequence[Mapping[str, Any]],
    wanted_on: date | None = None,
    note: str | None = None,
    operation_id: UUID | None = None,
) -> Transfer:
    """Ask for goods of another warehouse: lines of ``item_id quantity``. Asked twice under one number, asked once."""
    warehouses = queries.warehouses(uow.session)
    for warehouse_id in (from_warehouse_id, to_warehouse_id):
        if warehouse_id not in warehouses:
            raise NoSuchWarehouse(warehouse_id=warehouse_id)
    ends = [warehouses[from_warehouse_id], warehouses[to_warehouse_id]]
    if not any(uow.actor.covers("transfers.request", warehouse=each.id, county=each.county_id) for each in ends):
        raise NotAllowed(permission="transfers.request")
    if from_warehouse_id == to_warehouse_id:
        raise LinesWrong({"to_warehouse_id": [say("Choose another warehouse: it is there already.")]})
    asked = _asked(uow, lines)
    with uow.office("transfers"):
        known = queries.requested_by(uow.session, operation_id) if operation_id else None
        if known is not None:
            same = {line.item_id: line.quantity for line in known.lines} == asked
            if not same or (known.from_warehouse_id, known.to_warehouse_id) != (from_warehouse_id, to_warehouse_id):
                raise OperationDiffers
            return known
        made = Transfer(
            from_warehouse_id=from_warehouse_id,
            to_warehouse_id=to_warehouse_id,
            from_county_id=ends[0].county_id,
            to_county_id=ends[1].county_id,
            state=TransferState.REQUESTED.value,
            wanted_on=wanted_on,
            note=note,
            requested_at=uow.now,
            requested_by_id=uow.actor.id,
            operation_id=operation_id,
        )
        made.lines = [TransferLine(item_id=item_id, quantity=quantity) for item_id, quantity in asked.items()]
        uow.session.add(made)
        uow.session.flush()
    uow.record("transfer.requested", subject=("transfer", made.id), lines=len(asked), pieces=sum(asked.values()))
    return made


def _asked(uow: UnitOfWork, lines: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Return quantities by item; an item that stands twice is asked for once, together."""
    items = queries.items_by_id(uow.session, {line["item_id"] for line in lines})
    wrong: dict[str, list[Message | str]] = {}
    asked: dict[int, int] = {}
    for number, line in enumerate(lines):
        item = items.get(line["item_id"])
        if item is None or item.retired_at is not None:
            wrong[f"lines.{number}.item_id"] = [say("Choose an item of the catalogue.")]
        asked[line["item_id"]] = asked.get(line["item_id"], 0) + line["quantity"]
    if not lines:
        wrong["lines"] = [say("Name at least one item.")]
    if wrong:
        raise LinesWrong(wrong)
    return asked


# Reserving and picking ----------------------------------------------------------------------------------------------


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
    _must_give(uow, found)
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
        transfer, parts = _locked(uow, transfer_id, "accept", version=version)
        _must_give(uow, transfer)
        _reserve(uow, transfer, parts)
        uow.session.flush()
    return transfer


def _reserve(uow: UnitOfWork, transfer: Transfer, parts: Sequence[TransferLot]) -> None:
    rows = [
        _reservation(transfer, each.lot_id, each.place_id, each.quantity, uow.now + timedelta(days=RESERVED_DAYS))
        for each in _proposal(uow, transfer, parts)
    ]
    made = [each for each in stock.reserve_many(uow, rows, skip_short=True) if each is not None]
    transfer.accepted_at = transfer.accepted_at or uow.now
    _touch(transfer)
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
        transfer, parts = _locked(uow, transfer_id, "pick", again=operation_id)
        _must_give(uow, transfer)
        known = next((part for part in parts if part.operation_id == operation_id), None)
        if known is not None:
            return known, []
        line = _line_for(uow, transfer, parts, lot_id, quantity, done=done)
        staging = _staging(uow, transfer, from_place_id)
        _speak(uow, transfer, lot_id, from_place_id, -quantity, days=RESERVED_DAYS)
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
        _speak(uow, transfer, lot_id, staging, quantity, days=WAITING_DAYS)
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
        transfer, parts = _locked(uow, transfer_id, "pick", again=operation_id)
        _must_give(uow, transfer)
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
        until = uow.now + timedelta(days=WAITING_DAYS)
        stock.reserve_many(uow, [_reservation(transfer, each.lot_id, staging, each.quantity, until) for each in made])
        _picked_perhaps(uow, transfer, [*parts, *made], happened_at)
        uow.session.flush()
    return transfer


def pick_box(
    uow: UnitOfWork, *, transfer_id: int, box_id: int, operation_id: UUID, happened_at: datetime | None = None
) -> list[TransferLot]:
    """Pick a whole box or pallet, with the boxes in it: it stands in staging, and travels as it is."""
    with uow.office("transfers"):
        transfer, parts = _locked(uow, transfer_id, "pick", again=operation_id)
        _must_give(uow, transfer)
        known = [part for part in parts if part.operation_id == operation_id]
        if known:
            return known
        box = box_queries.box(uow.session, uow.actor, box_id)
        assert box.place.parent_id is not None, "a box stands somewhere"
        staging, stood = _staging(uow, transfer, box.place_id), box.place.parent_id
        contents = box_queries.contents(uow.session, travelling.with_inner(uow, box.id))
        _may_travel(uow, transfer, box.place.code, contents)
        for each in contents:
            _speak(uow, transfer, each.lot_id, each.place_id, -each.on_hand, days=RESERVED_DAYS)
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
        until = uow.now + timedelta(days=WAITING_DAYS)
        rows = [_reservation(transfer, each.lot_id, each.place_id, each.quantity, until) for each in made]
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
        transfer, parts = _locked(uow, transfer_id, "unpick")
        _must_give(uow, transfer)
        part = next((each for each in parts if each.id == transfer_lot_id), None)
        if part is None:
            raise NoSuchTransferLot(transfer_lot_id=transfer_lot_id)
        # A box goes back as it came: with everything in it.
        with_it = [each for each in parts if part.box_id and each.operation_id == part.operation_id] or [part]
        _put_back(uow, transfer, with_it, operation_id, happened_at, reason="unpicked")
        for each in with_it:
            uow.session.delete(each)
        transfer.state, transfer.picked_at = MOVES[TransferState(transfer.state), "unpick"], None
        _touch(transfer)
        uow.session.flush()
    uow.record("transfer.unpicked", subject=("transfer", transfer.id), lot_id=part.lot_id, quantity=part.quantity)
    return transfer


def _put_back(
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
        _speak(uow, transfer, part.lot_id, part.place_id, -part.quantity, days=WAITING_DAYS)
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
        transfer, parts = _locked(uow, transfer_id, "finish", version=version)
        _must_give(uow, transfer)
        if not parts:
            raise NothingPicked(transfer=transfer.code)
        listed = queries.pick_list(uow.session, transfer.id)
        stock.release_many(uow, [each.reservation_id for each in listed])
        _to(transfer, "finish")
        transfer.picked_at = uow.now
        uow.session.flush()
    uow.record("transfer.picked", subject=("transfer", transfer.id), lots=len(parts), complete=False)
    return transfer


def _picked_perhaps(
    uow: UnitOfWork, transfer: Transfer, parts: Sequence[TransferLot], happened_at: datetime | None
) -> None:
    """A transfer whose every line is picked is picked; what is reserved beyond the rest of a line is free again."""
    _touch(transfer)
    _trim(uow, transfer, parts)
    if not any(_left(transfer, parts).values()):
        _to(transfer, "finish")
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
            _speak(uow, transfer, each.lot_id, each.place_id, -free, days=RESERVED_DAYS)


def revise(uow: UnitOfWork, *, reservation_ids: Sequence[int]) -> int:
    """Learn that pieces reserved for transfers are not there: what was picked of them does not travel.

    The transfer asks for them again. Returns how many transfers lost something that was picked.
    """
    changed = 0
    with uow.office("transfers"):
        for transfer_id in queries.transfers_of(uow.session, reservation_ids):
            transfer = queries.transfer_for_change(uow.session, transfer_id)
            parts = queries.lots_for_change(uow.session, transfer_id)
            if (transfer.state, "unpick") in MOVES and _shrink(uow, transfer, parts):
                transfer.state, transfer.picked_at = MOVES[TransferState(transfer.state), "unpick"], None
                _touch(transfer)
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


# On the way ---------------------------------------------------------------------------------------------------------


def send(
    uow: UnitOfWork,
    *,
    transfer_id: int,
    operation_id: UUID,
    carried_by: str | None = None,
    expected_on: date | None = None,
    happened_at: datetime | None = None,
    version: int | None = None,
) -> Transfer:
    """Let the picked goods leave; the transfer note is numbered. What is not picked by now does not travel."""
    with uow.office("transfers"):
        transfer = queries.transfer_for_change(uow.session, transfer_id)
        _must_give(uow, transfer)
        if transfer.state == TransferState.IN_TRANSIT:
            return transfer
        transfer, parts = _locked(uow, transfer_id, "send", version=version)
        if not parts:
            raise NothingPicked(transfer=transfer.code)
        stock.release_many(uow, [each.id for each in queries.spoken_for(uow.session, transfer.id)])
        transit = stock_queries.virtual_place(uow.session, transfer.from_warehouse_id, PlaceKind.IN_TRANSIT)
        steps = [Step(each.lot_id, each.place_id, transit.id, each.quantity, Kind.TRANSFER_OUT) for each in parts]
        boxed = {part.box_id for part in parts if part.box_id}
        closed = travelling.closed(uow, boxed)
        carrying.carry(uow, operation_id=operation_id, steps=steps, happened_at=happened_at)
        travelling.close_again(uow, closed)
        travelling.leave(
            uow,
            box_ids=travelling.outermost(uow, boxed),
            transit=transit,
            operation_id=operation_id,
            happened_at=happened_at,
        )
        transfer.carried_by, transfer.expected_on = carried_by, expected_on
        transfer.picked_at = transfer.picked_at or happened_at or uow.now
        transfer.sent_at = happened_at or uow.now
        _to(transfer, "send")
        note = stock.issue_voucher(
            uow,
            kind="transfer",
            warehouse_id=transfer.from_warehouse_id,
            subject=("transfer", transfer.id),
            content=_note(uow, transfer),
        )
        transfer.voucher_id = note.id
        uow.session.flush()
    uow.record("transfer.sent", subject=("transfer", transfer.id), lots=len(parts), voucher=note.code)
    return transfer


def _note(uow: UnitOfWork, transfer: Transfer) -> dict[str, Any]:
    """Return what the transfer note shows, with the names of this day."""
    warehouses = queries.warehouses(uow.session)
    lines = [
        {
            "lot": f"L-{seen.lot.id}",
            "item_hu": seen.item.name_hu,
            "item_en": seen.item.name_en,
            "unit_hu": seen.item.unit_name_hu,
            "unit_en": seen.item.unit_name_en,
            "quantity": seen.part.quantity,
            "expires_on": seen.lot.expires_on.isoformat() if seen.lot.expires_on else None,
            "batch": seen.lot.batch,
            "box": seen.place.code if seen.part.box_id else None,
            "weight_g": seen.part.quantity * seen.item.weight_mg // 1000,
        }
        for seen in queries.lots_of(uow.session, transfer.id)
    ]
    giver, taker = warehouses[transfer.from_warehouse_id], warehouses[transfer.to_warehouse_id]
    return {
        "transfer": transfer.code,
        "from": giver.name,
        "to": taker.name,
        "carried_by": transfer.carried_by,
        "left_at": transfer.sent_at.isoformat() if transfer.sent_at else None,
        "expected_on": transfer.expected_on.isoformat() if transfer.expected_on else None,
        "lines": lines,
    }


def note(uow: UnitOfWork, *, transfer_id: int) -> Voucher | None:
    """Return the transfer note; both warehouses read it."""
    found = queries.transfer(uow.session, uow.actor, transfer_id)
    return None if found.voucher_id is None else issuing.issued(uow, voucher_id=found.voucher_id)


# Arriving -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """What was found of one lot at the other end."""

    transfer_lot_id: int
    received: int
    damaged: int = 0
    """Of what was received; it goes to quarantine."""
    reason: str | None = None
    to_place_id: int | None = None


def receive(
    uow: UnitOfWork,
    *,
    transfer_id: int,
    counted: Sequence[Counted],
    operation_id: UUID,
    happened_at: datetime | None = None,
) -> Transfer:
    """Take lots of a transfer in as they were counted. A difference wants a reason and ends in a place with a name.

    Short: stays in transit until it is settled. Over: out of the receiver's discrepancy place. Damaged: quarantine.
    """
    with uow.office("transfers"):
        transfer, parts = _locked(uow, transfer_id, "receive", again=operation_id)
        _must_take(uow, transfer)
        if any(part.receipt_id == operation_id for part in parts):
            return transfer
        by_id = {part.id: part for part in parts}
        _judge_count(transfer, by_id, counted)
        places = _receiving_places(uow, transfer, counted)
        steps: list[Step] = []
        for each in counted:
            part = by_id[each.transfer_lot_id]
            part.received, part.damaged, part.reason = each.received, each.damaged, each.reason
            part.to_place_id = each.to_place_id or places.dock
            part.received_at, part.received_by_id = happened_at or uow.now, uow.actor.id
            part.receipt_id = operation_id
            steps += _ways_in(part, places)
        came = [by_id[each.transfer_lot_id] for each in counted]
        closed = _boxes_in(uow, transfer, came, operation_id, happened_at)
        carrying.carry(uow, operation_id=operation_id, steps=steps, happened_at=happened_at)
        travelling.close_again(uow, closed - {part.box_id for part in came if part.box_id and part.differs})
        _touch(transfer)
        if all(part.received_at for part in parts):
            transfer.state, transfer.received_at = TransferState.RECEIVED.value, happened_at or uow.now
        uow.session.flush()
    uow.record(
        "transfer.received",
        subject=("transfer", transfer.id),
        lots=len(counted),
        differences=sum(by_id[each.transfer_lot_id].differs for each in counted),
    )
    return transfer


def receive_box(
    uow: UnitOfWork,
    *,
    transfer_id: int,
    box: str,
    operation_id: UUID,
    to_place_id: int | None = None,
    happened_at: datetime | None = None,
) -> Transfer:
    """Take a whole box or pallet in as it was sent, by its SSCC or code; what differs is counted lot by lot instead."""
    ids = set(travelling.with_inner(uow, travelling.named(uow, box)))
    parts = [seen.part for seen in queries.lots_of(uow.session, transfer_id) if seen.part.box_id in ids]
    waiting = [part for part in parts if part.received_at is None or part.receipt_id == operation_id]
    if not parts:
        raise NoSuchTransferLot(transfer_id=transfer_id)
    if not waiting:
        raise AlreadyReceived(lot_id=parts[0].lot_id, received=parts[0].received)
    counted = [Counted(part.id, part.quantity, to_place_id=to_place_id) for part in waiting]
    return receive(uow, transfer_id=transfer_id, counted=counted, operation_id=operation_id, happened_at=happened_at)


def _boxes_in(
    uow: UnitOfWork,
    transfer: Transfer,
    came: Sequence[TransferLot],
    operation_id: UUID,
    happened_at: datetime | None,
) -> set[int]:
    """Let the boxes of what came stand where it was received, once; return those that came closed."""
    boxed = {part.box_id: part for part in came if part.box_id and part.received}
    closed = travelling.closed(uow, boxed)
    for box_id, part in boxed.items():
        assert part.to_place_id is not None, "chosen above"
        place = stock_queries.place(uow.session, part.place_id)
        if place.warehouse_id == transfer.to_warehouse_id:
            continue
        for top in travelling.outermost(uow, [box_id]):
            to = stock_queries.place(uow.session, part.to_place_id)
            travelling.arrive(uow, box_id=top, to=to, operation_id=operation_id, happened_at=happened_at)
    return set(closed)


def _judge_count(transfer: Transfer, by_id: Mapping[int, TransferLot], counted: Sequence[Counted]) -> None:
    wrong: dict[str, list[Message | str]] = {}
    seen: set[int] = set()
    for number, each in enumerate(counted):
        part = by_id.get(each.transfer_lot_id)
        if part is None or part.id in seen:
            raise NoSuchTransferLot(transfer_lot_id=each.transfer_lot_id)
        seen.add(part.id)
        if part.received_at is not None:
            raise AlreadyReceived(lot_id=part.lot_id, received=part.received)
        if each.damaged > each.received:
            wrong[f"lines.{number}.damaged"] = [
                say("%(damaged)s damaged of %(received)s received.", damaged=each.damaged, received=each.received)
            ]
        if (each.received != part.quantity or each.damaged) and not each.reason:
            wrong[f"lines.{number}.reason"] = [
                say("Write why: %(sent)s were sent, %(received)s counted.", sent=part.quantity, received=each.received)
            ]
    if not counted:
        wrong["lines"] = [say("Count at least one lot.")]
    if wrong:
        raise LinesWrong(wrong)


@dataclass(frozen=True)
class _Places:
    """Where goods of a transfer come from and go to."""

    transit: int
    dock: int
    quarantine: int
    unknown: int


def _receiving_places(uow: UnitOfWork, transfer: Transfer, counted: Sequence[Counted]) -> _Places:
    chosen = {each.to_place_id for each in counted if each.to_place_id is not None}
    for place in stock_queries.places_by_id(uow.session, chosen).values():
        chosen.discard(place.id)
        if place.warehouse_id != transfer.to_warehouse_id:
            raise WrongPlace(place=place.code, deed=Kind.TRANSFER_IN)
    if chosen:
        stock_queries.place(uow.session, chosen.pop())
    taker = transfer.to_warehouse_id
    return _Places(
        transit=stock_queries.virtual_place(uow.session, transfer.from_warehouse_id, PlaceKind.IN_TRANSIT).id,
        dock=stock_queries.virtual_place(uow.session, taker, PlaceKind.DOCK).id,
        quarantine=stock_queries.virtual_place(uow.session, taker, PlaceKind.QUARANTINE).id,
        unknown=stock_queries.virtual_place(uow.session, taker, PlaceKind.DISCREPANCY).id,
    )


def _ways_in(part: TransferLot, places: _Places) -> list[Step]:
    """Return how a counted lot comes in: what was sent out of transit, what is too much out of nowhere known."""
    assert part.to_place_id is not None, "where it goes is chosen before"
    target = part.place_id if part.box_id else part.to_place_id
    good, sent = part.received - part.damaged, min(part.received, part.quantity)
    good_sent = min(good, sent)
    ways = (
        (places.transit, target, good_sent, Kind.TRANSFER_IN),
        (places.transit, places.quarantine, sent - good_sent, Kind.TRANSFER_IN),
        (places.unknown, target, good - good_sent, Kind.FIND),
        (places.unknown, places.quarantine, part.damaged - (sent - good_sent), Kind.FIND),
    )
    return [
        Step(part.lot_id, source, target, quantity, kind, part.reason)
        for source, target, quantity, kind in _joined(ways)
        if quantity
    ]


def _joined(ways: Iterable[tuple[int, int, int, Kind]]) -> list[tuple[int, int, int, Kind]]:
    """Return ways with those between the same two places made one: quarantine may be where all of it goes."""
    found: dict[tuple[int, int, Kind], int] = {}
    for source, target, quantity, kind in ways:
        found[source, target, kind] = found.get((source, target, kind), 0) + quantity
    return [(source, target, quantity, kind) for (source, target, kind), quantity in found.items()]


def settle(
    uow: UnitOfWork,
    *,
    transfer_lot_id: int,
    outcome: str,
    reason: str,
    operation_id: UUID,
    happened_at: datetime | None = None,
) -> Transfer:
    """Say what became of pieces that did not arrive; they leave "in transit" for a place with a name."""
    with uow.office("transfers"):
        transfer_id = queries.transfer_id_of(uow.session, transfer_lot_id)
        transfer, parts = _locked(uow, transfer_id, "settle")
        part = next((each for each in parts if each.id == transfer_lot_id), None)
        if part is None:
            raise NoSuchTransferLot(transfer_lot_id=transfer_lot_id)
        if part.settlement_id == operation_id:
            return transfer
        outcome = Outcome(outcome)
        _may_settle(uow, transfer, outcome)
        if not part.short:
            raise NoDifference
        giver, taker = transfer.from_warehouse_id, transfer.to_warehouse_id
        home, place_kind, kind = {
            Outcome.ARRIVED: (taker, PlaceKind.DOCK, Kind.TRANSFER_IN),
            Outcome.STAYED: (giver, PlaceKind.DOCK, Kind.TRANSFER_IN),
            Outcome.UNEXPLAINED: (giver, PlaceKind.DISCREPANCY, Kind.LOSE),
            Outcome.LOST: (giver, PlaceKind.LOSS, Kind.LOSE),
        }[outcome]
        transit = stock_queries.virtual_place(uow.session, giver, PlaceKind.IN_TRANSIT)
        target = stock_queries.virtual_place(uow.session, home, place_kind)
        step = Step(part.lot_id, transit.id, target.id, part.short, kind, reason)
        carrying.carry(uow, operation_id=operation_id, steps=[step], happened_at=happened_at)
        part.outcome, part.settle_reason, part.settlement_id = outcome.value, reason, operation_id
        part.settled_at, part.settled_by_id = happened_at or uow.now, uow.actor.id
        _touch(transfer)
        uow.session.flush()
    uow.record(
        "transfer.settled",
        subject=("transfer", transfer.id),
        lot_id=part.lot_id,
        outcome=outcome.value,
        quantity=step.quantity,
    )
    return transfer


def _may_settle(uow: UnitOfWork, transfer: Transfer, outcome: Outcome) -> None:
    """What ends with the giver's loss is the giver's to write off; what nobody knows, a manager of either side says."""
    giver = {"warehouse": transfer.from_warehouse_id, "county": transfer.from_county_id}
    taker = {"warehouse": transfer.to_warehouse_id, "county": transfer.to_county_id}
    if outcome is Outcome.ARRIVED:
        uow.actor.require_for("stock.operate", **taker)
    elif outcome is Outcome.STAYED:
        uow.actor.require_for("stock.operate", **giver)
    elif outcome is Outcome.LOST:
        uow.actor.require_for("stock.write_off", **giver)
    elif not uow.actor.covers("stock.review", **taker):
        uow.actor.require_for("stock.review", **giver)


# Cancelling ---------------------------------------------------------------------------------------------------------


def cancel(
    uow: UnitOfWork,
    *,
    transfer_id: int,
    reason: str,
    operation_id: UUID,
    version: int | None = None,
) -> Transfer:
    """Cancel a transfer that has not left: nothing stays reserved, what was picked goes back to its shelf."""
    with uow.office("transfers"):
        transfer = queries.transfer_for_change(uow.session, transfer_id)
        parts = queries.lots_for_change(uow.session, transfer_id)
        _may_cancel(uow, transfer, anything_picked=bool(parts))
        if transfer.state == TransferState.CANCELLED:
            return transfer
        transfer, parts = _locked(uow, transfer_id, "cancel", version=version)
        if parts:
            _put_back(uow, transfer, parts, operation_id, None, reason="transfer cancelled")
        stock.release_many(uow, [each.id for each in queries.spoken_for(uow.session, transfer.id)])
        _to(transfer, "cancel")
        transfer.cancelled_at, transfer.cancel_reason = uow.now, reason
        uow.session.flush()
    uow.record("transfer.cancelled", subject=("transfer", transfer.id), lots=len(parts))
    return transfer


def _may_cancel(uow: UnitOfWork, transfer: Transfer, *, anything_picked: bool) -> None:
    """Whoever may ask for it may call it off; once something was picked, those who have to put it back."""
    giver = {"warehouse": transfer.from_warehouse_id, "county": transfer.from_county_id}
    taker = {"warehouse": transfer.to_warehouse_id, "county": transfer.to_county_id}
    if uow.actor.covers("stock.operate", **giver):
        return
    if not any(uow.actor.covers("transfers.request", **end) for end in (giver, taker)):
        raise NotAllowed(permission="transfers.request")
    if anything_picked:
        raise NotAllowed(
            say("Something was picked already: the giving warehouse cancels the transfer, and puts it back."),
            permission="stock.operate",
        )


@stock.asked_before_reversal
def _not_alone(uow: UnitOfWork, movement: Movement) -> None:
    """What belongs to a transfer is not taken back alone: its lots would say otherwise."""
    if movement.kind in (Kind.TRANSFER_OUT, Kind.TRANSFER_IN):
        raise BelongsToTransfer
    if movement.kind in (Kind.PICK, Kind.FIND, Kind.LOSE):
        with uow.office("transfers"):
            if queries.belongs_to_transfer(uow.session, movement.operation_id):
                raise BelongsToTransfer


# Small parts --------------------------------------------------------------------------------------------------------


def _locked(
    uow: UnitOfWork, transfer_id: int, verb: str, *, version: int | None = None, again: UUID | None = None
) -> tuple[Transfer, list[TransferLot]]:
    """Return a transfer under lock with its lots, if the verb is of this point of its life, or was done already."""
    transfer = queries.transfer_for_change(uow.session, transfer_id)
    parts = queries.lots_for_change(uow.session, transfer_id)
    done = again is not None and any(again in (part.operation_id, part.receipt_id) for part in parts)
    if not done and (transfer.state, verb) not in MOVES:
        raise TransferPast(transfer=transfer.code, state=transfer.state, verb=verb)
    if version is not None and transfer.version != version:
        raise Stale(version=transfer.version)
    return transfer, parts


def _to(transfer: Transfer, verb: str) -> None:
    transfer.state = MOVES[TransferState(transfer.state), verb]


def _touch(transfer: Transfer) -> None:
    """Let what changed around a transfer change its version."""
    flag_modified(transfer, "state")


def _must_give(uow: UnitOfWork, transfer: Transfer) -> None:
    uow.actor.require_for("stock.operate", warehouse=transfer.from_warehouse_id, county=transfer.from_county_id)


def _must_take(uow: UnitOfWork, transfer: Transfer) -> None:
    uow.actor.require_for("stock.operate", warehouse=transfer.to_warehouse_id, county=transfer.to_county_id)


def _reservation(transfer: Transfer, lot_id: int, place_id: int, quantity: int, until: datetime) -> dict[str, Any]:
    return {
        "lot_id": lot_id,
        "place_id": place_id,
        "quantity": quantity,
        "purpose_kind": queries.PURPOSE,
        "purpose_id": transfer.id,
        "expires_at": until,
    }


def _speak(uow: UnitOfWork, transfer: Transfer, lot_id: int, place_id: int, change: int, *, days: int) -> None:
    """Reserve more or less of a lot in a place for a transfer: what was reserved is released, what is left reserved."""
    held = [
        each
        for each in queries.spoken_for(uow.session, transfer.id)
        if each.lot_id == lot_id and each.place_id == place_id
    ]
    quantity = max(0, sum(each.quantity for each in held) + change)
    stock.release_many(uow, [each.id for each in held])
    if quantity:
        until = uow.now + timedelta(days=days)
        stock.reserve_many(uow, [_reservation(transfer, lot_id, place_id, quantity, until)], skip_short=True)
