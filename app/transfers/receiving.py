"""What arrives is counted in; each difference wants a reason and ends in a place with a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from app.boxes import travelling
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import carrying, discrepancies
from app.stock import queries as stock_queries
from app.stock.errors import ExpiryNeeded, NoSuchLot, WrongPlace
from app.stock.models import Kind, PlaceKind
from app.stock.service import Step
from app.transfers import life, queries
from app.transfers.errors import AlreadyReceived, LinesWrong, NoDifference, NoSuchTransferLot
from app.transfers.models import Outcome, Transfer, TransferLot, TransferState

if TYPE_CHECKING:
    from app.stock.models import Lot


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

    Short: stays in transit until it is settled. Over: out of the giver's discrepancies. Damaged: quarantine.
    """
    with uow.office("transfers"):
        transfer, parts = life.locked(uow, transfer_id, "receive", again=operation_id)
        life.must_take(uow, transfer)
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
        life.touch(transfer)
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
        unknown=_unknown(uow, transfer),
    )


def _ways_in(part: TransferLot, places: _Places) -> list[Step]:
    """Return how a counted lot comes in: what was sent out of transit, what is too much out of the unknown."""
    assert part.to_place_id is not None, "where it goes is chosen before"
    target = part.place_id if part.box_id else part.to_place_id
    good, sent = part.received - part.damaged, min(part.received, part.quantity)
    good_sent = min(good, sent)
    ways = (
        (places.transit, target, good_sent, Kind.TRANSFER_IN),
        (places.transit, places.quarantine, sent - good_sent, Kind.TRANSFER_IN),
        (places.unknown, target, good - good_sent, Kind.TRANSFER_IN),
        (places.unknown, places.quarantine, part.damaged - (sent - good_sent), Kind.TRANSFER_IN),
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


def _unknown(uow: UnitOfWork, transfer: Transfer) -> int:
    """Return out of where comes what nobody had sent: the giver's discrepancies, where it will be missed."""
    return stock_queries.virtual_place(uow.session, transfer.from_warehouse_id, PlaceKind.DISCREPANCY).id


def add(
    uow: UnitOfWork,
    *,
    transfer_id: int,
    operation_id: UUID,
    quantity: int,
    reason: str,
    lot_id: int | None = None,
    item_id: int | None = None,
    expires_on: date | None = None,
    batch: str | None = None,
    to_place_id: int | None = None,
    happened_at: datetime | None = None,
) -> TransferLot:
    """Take in what came with a transfer though nobody had sent it: a lot of the giver's, else an item.

    It comes out of the giver's discrepancies, so that all sums stay 0. Without a lot it becomes one of its own.
    """
    with uow.office("transfers"):
        transfer, parts = life.locked(uow, transfer_id, "add", again=operation_id)
        life.must_take(uow, transfer)
        known = next((part for part in parts if part.receipt_id == operation_id), None)
        if known is not None:
            return known
        if to_place_id is None:
            to_place_id = stock_queries.virtual_place(uow.session, transfer.to_warehouse_id, PlaceKind.DOCK).id
        target = stock_queries.place(uow.session, to_place_id)
        if target.warehouse_id != transfer.to_warehouse_id:
            raise WrongPlace(place=target.code, deed=Kind.TRANSFER_IN)
        lot = _lot_that_came(uow, transfer, lot_id, item_id, expires_on, batch)
        part = TransferLot(
            transfer_id=transfer.id,
            line_id=next((line.id for line in transfer.lines if line.item_id == lot.item_id), None),
            lot_id=lot.id,
            place_id=_unknown(uow, transfer),
            quantity=0,
            received=quantity,
            damaged=0,
            to_place_id=to_place_id,
            reason=reason,
            received_at=happened_at or uow.now,
            received_by_id=uow.actor.id,
            receipt_id=operation_id,
        )
        uow.session.add(part)
        step = Step(lot.id, part.place_id, to_place_id, quantity, Kind.TRANSFER_IN, reason)
        carrying.carry(uow, operation_id=operation_id, steps=[step], happened_at=happened_at)
        life.touch(transfer)
        uow.session.flush()
    uow.record("transfer.added", subject=("transfer", transfer.id), lot_id=lot.id, quantity=quantity)
    return part


def _lot_that_came(
    uow: UnitOfWork,
    transfer: Transfer,
    lot_id: int | None,
    item_id: int | None,
    expires_on: date | None,
    batch: str | None,
) -> Lot:
    if lot_id is not None:
        lot = carrying.was_there(uow, lot_id=lot_id, warehouse_id=transfer.from_warehouse_id)
        if lot is None:
            raise NoSuchLot(lot_id=lot_id)
        return lot
    item = queries.items_by_id(uow.session, [item_id or 0]).get(item_id or 0)
    if item is None or item.retired_at is not None:
        raise LinesWrong({"item_id": [say("Choose an item of the catalogue.")]})
    if item.tracks_expiry and expires_on is None:
        raise ExpiryNeeded(item=item.name_hu)
    return discrepancies.open_lot(
        uow,
        item_id=item.id,
        warehouse_id=transfer.to_warehouse_id,
        expires_on=expires_on,
        batch=batch,
        source=transfer.code,
    )


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
        transfer, parts = life.locked(uow, transfer_id, "settle")
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
        life.touch(transfer)
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
