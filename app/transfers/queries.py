"""Reads of transfers. Whoever may read transfers reads all: two warehouses see each, and totals are nobody's secret.

What lies on the giver's shelves is told to those alone who work there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import Session, aliased, selectinload

from app.catalogue.models import Item
from app.foundation.actor import Actor, Scope
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.scope import visible
from app.foundation.text import fold
from app.stock.models import (
    Balance,
    Lot,
    LotState,
    Place,
    PlaceKind,
    Reservation,
    ReservationState,
    Warehouse,
)
from app.stock.picking import LotOnShelf
from app.stock.queries import PICKABLE
from app.transfers.errors import NoSuchTransfer, NoSuchTransferLot
from app.transfers.models import Transfer, TransferLine, TransferLot, TransferState

PURPOSE = "transfer"
VIEWS = ("pick", "transit", "expected", "differences")
BEFORE_LEAVING = (TransferState.REQUESTED, TransferState.PICKED)


# One transfer -------------------------------------------------------------------------------------------------------


def transfer(session: Session, actor: Actor, transfer_id: int) -> Transfer:
    """Return a transfer with its lines."""
    statement = (
        select(Transfer)
        .where(Transfer.id == transfer_id, visible(actor, "transfers.read", Transfer))
        .options(selectinload(Transfer.lines))
    )
    found = session.scalar(statement)
    if found is None:
        raise NoSuchTransfer(transfer_id=transfer_id)
    return found


def transfer_for_change(session: Session, transfer_id: int) -> Transfer:
    """Lock a transfer: whatever is done with it waits in one line. In the office of transfers."""
    statement = select(Transfer).where(Transfer.id == transfer_id).with_for_update()
    found = session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NoSuchTransfer(transfer_id=transfer_id)
    return found


def requested_by(session: Session, operation_id: UUID) -> Transfer | None:
    """Return the transfer that an operation asked for."""
    return session.scalar(select(Transfer).where(Transfer.operation_id == operation_id))


def lots_for_change(session: Session, transfer_id: int) -> list[TransferLot]:
    """Return what was picked for a transfer that is locked, as it is now."""
    statement = select(TransferLot).where(TransferLot.transfer_id == transfer_id).order_by(TransferLot.id)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def transfer_id_of(session: Session, transfer_lot_id: int) -> int:
    """Return the transfer that a picked lot belongs to."""
    found = session.scalar(select(TransferLot.transfer_id).where(TransferLot.id == transfer_lot_id))
    if found is None:
        raise NoSuchTransferLot(transfer_lot_id=transfer_lot_id)
    return found


def lot_picked_by(session: Session, operation_id: UUID | None) -> int:
    """Return what an operation picked."""
    found = session.scalar(select(TransferLot.id).where(TransferLot.operation_id == operation_id).limit(1))
    if found is None:
        raise NoSuchTransferLot()
    return found


def waiting_lot(session: Session, transfer_id: int, lot_id: int | None) -> int:
    """Return the part of a transfer that a scanned lot is: one that was not received, else the last that was."""
    statement = (
        select(TransferLot.id)
        .where(TransferLot.transfer_id == transfer_id, TransferLot.lot_id == lot_id)
        .order_by(TransferLot.received_at.is_not(None), TransferLot.id)
        .limit(1)
    )
    found = session.scalar(statement)
    if found is None:
        raise NoSuchTransferLot(transfer_id=transfer_id, lot_id=lot_id or 0)
    return found


@dataclass(frozen=True)
class LotSeen:
    """What was picked, with what a reader wants to know about it."""

    part: TransferLot
    lot: Lot
    item: Item
    place: Place
    """Where it lay before it left."""


def lots_of(session: Session, transfer_id: int) -> list[LotSeen]:
    """Return what was picked for a transfer, by item and expiry."""
    statement = (
        select(TransferLot, Lot, Item, Place)
        .join(Lot, Lot.id == TransferLot.lot_id)
        .join(Item, Item.id == Lot.item_id)
        .join(Place, Place.id == TransferLot.place_id)
        .where(TransferLot.transfer_id == transfer_id)
        .order_by(Item.name_hu_key, Lot.expires_on, TransferLot.id)
    )
    return [LotSeen(*row) for row in session.execute(statement)]


def belongs_to_transfer(session: Session, operation_id: UUID) -> bool:
    """Tell whether an operation picked, received or settled something of a transfer that was not cancelled."""
    statement = (
        select(TransferLot.id)
        .join(Transfer, Transfer.id == TransferLot.transfer_id)
        .where(
            or_(
                TransferLot.operation_id == operation_id,
                TransferLot.receipt_id == operation_id,
                TransferLot.settlement_id == operation_id,
            ),
            Transfer.state != TransferState.CANCELLED,
        )
        .limit(1)
    )
    return session.scalar(statement) is not None


# What can be picked -------------------------------------------------------------------------------------------------

_ROOT = aliased(Place, name="root")


def pickable(session: Session, warehouse_id: int, item_ids: Iterable[int]) -> dict[int, list[LotOnShelf]]:
    """Return what lies free on shelves and docks of a warehouse, also in boxes that stand there, by item."""
    statement = (
        select(
            Balance.item_id,
            Balance.lot_id,
            Balance.place_id,
            Balance.on_hand - Balance.reserved,
            Lot.expires_on,
            Lot.state,
        )
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Place, Place.id == Balance.place_id)
        .outerjoin(_ROOT, _ROOT.id == Place.root_id)
        .where(
            Balance.warehouse_id == warehouse_id,
            Balance.item_id.in_(list(item_ids)),
            Balance.stocked,
            Balance.on_hand > Balance.reserved,
            Lot.state == LotState.FREE,
            or_(Place.kind.in_(PICKABLE), and_(Place.kind == PlaceKind.BOX, _ROOT.kind.in_(PICKABLE))),
        )
    )
    found: dict[int, list[LotOnShelf]] = {}
    for item_id, lot_id, place_id, available, expires_on, state in session.execute(statement):
        found.setdefault(item_id, []).append(LotOnShelf(lot_id, place_id, available, expires_on, state))
    return found


def spoken_for(session: Session, transfer_id: int) -> list[Reservation]:
    """Return what is reserved for a transfer, in the order of the reservations."""
    statement = (
        select(Reservation)
        .where(
            Reservation.purpose_kind == PURPOSE,
            Reservation.purpose_id == transfer_id,
            Reservation.state == ReservationState.PENDING,
        )
        .order_by(Reservation.id)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(statement))


def transfers_of(session: Session, reservation_ids: Iterable[int]) -> list[int]:
    """Return the transfers for which some reservations were made, in the order of their ids."""
    statement = select(Reservation.purpose_id).where(
        Reservation.id.in_(list(reservation_ids)), Reservation.purpose_kind == PURPOSE
    )
    return sorted(set(session.scalars(statement)))


@dataclass(frozen=True)
class Reserved:
    """What is reserved for a transfer, with its place, as the picker walks."""

    reservation_id: int
    lot_id: int
    place_id: int
    place: str
    quantity: int
    item: Item
    lot: Lot


def pick_list(session: Session, transfer_id: int) -> list[Reserved]:
    """Return what is still to be picked, by place: what is reserved away from staging, where the picked waits."""
    statement = (
        select(Reservation, Place, Item, Lot)
        .join(Place, Place.id == Reservation.place_id)
        .join(Lot, Lot.id == Reservation.lot_id)
        .join(Item, Item.id == Lot.item_id)
        .outerjoin(_ROOT, _ROOT.id == Place.root_id)
        .where(
            Reservation.purpose_kind == PURPOSE,
            Reservation.purpose_id == transfer_id,
            Reservation.state == ReservationState.PENDING,
            func.coalesce(_ROOT.kind, Place.kind) != PlaceKind.STAGING,
        )
        .order_by(Place.code, Lot.expires_on, Reservation.id)
    )
    return [
        Reserved(each.id, each.lot_id, each.place_id, place.code, each.quantity, item, lot)
        for each, place, item, lot in session.execute(statement)
    ]


def places_to_receive(session: Session, warehouse_id: int) -> list[Place]:
    """Return where goods of a transfer may be put: docks first, then shelves."""
    statement = (
        select(Place)
        .where(Place.warehouse_id == warehouse_id, Place.kind.in_(PICKABLE), Place.retired_at.is_(None))
        .order_by(Place.kind, Place.code)
    )
    return list(session.scalars(statement))


# Lists --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TransferAsked:
    """The filters of the list."""

    view: str | None = None
    q: str | None = None
    warehouse_id: int | None = None
    """Of either side."""
    state: str | None = None


@dataclass(frozen=True)
class TransferRow:
    """A transfer with its sums, as a list shows it."""

    transfer: Transfer
    from_name: str
    to_name: str
    items: Sequence[Item]
    """Of its first lines."""
    lines: int
    asked: int
    picked: int
    received: int
    waiting: int
    """Picked, and not counted at the other end."""
    short: int
    """Pieces that nobody has explained yet."""


def ours(actor: Actor, warehouse: Any, county: Any) -> ColumnElement[bool]:
    """Return which warehouses are this person's own: where they work, or coordinate."""
    scope = actor.grants.get("stock.read")
    if scope is Scope.ALL:
        return true()
    if scope is Scope.WAREHOUSE:
        return _among(warehouse, actor.reach.get(scope, ()))
    if scope is Scope.COUNTY:
        return _among(county, actor.reach.get(scope, ()))
    return false()


def _among(column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.in_(list(ids))
    return found


_SHORT = and_(
    TransferLot.received_at.is_not(None), TransferLot.settled_at.is_(None), TransferLot.received < TransferLot.quantity
)


def _in_view(actor: Actor, view: str | None) -> ColumnElement[bool]:
    gives = ours(actor, Transfer.from_warehouse_id, Transfer.from_county_id)
    takes = ours(actor, Transfer.to_warehouse_id, Transfer.to_county_id)
    if view == "pick":
        return and_(Transfer.state.in_(BEFORE_LEAVING), gives)
    if view == "transit":
        return and_(Transfer.state == TransferState.IN_TRANSIT, or_(gives, takes))
    if view == "expected":
        return and_(Transfer.state.in_([*BEFORE_LEAVING, TransferState.IN_TRANSIT]), takes)
    if view == "differences":
        return and_(exists().where(TransferLot.transfer_id == Transfer.id, _SHORT), or_(gives, takes))
    return true()


def _asked(actor: Actor, asked: TransferAsked) -> Select[Any]:
    statement = select(Transfer).where(visible(actor, "transfers.read", Transfer))
    if asked.warehouse_id is not None:
        statement = statement.where(
            or_(Transfer.from_warehouse_id == asked.warehouse_id, Transfer.to_warehouse_id == asked.warehouse_id)
        )
    if asked.state:
        statement = statement.where(Transfer.state == asked.state)
    if asked.q and asked.q.strip():
        statement = statement.where(_named(asked.q.strip()))
    return statement


def _named(q: str) -> ColumnElement[bool]:
    number = q.upper().removeprefix("A-")
    if number.isascii() and number.isdigit() and len(number) < 19:
        return Transfer.id == int(number)
    key = fold(q)
    if not key:
        return Transfer.carried_by.icontains(q, autoescape=True)
    item = (
        exists()
        .where(
            TransferLine.transfer_id == Transfer.id,
            TransferLine.item_id == Item.id,
            or_(Item.name_hu_key.contains(key, autoescape=True), Item.name_en_key.contains(key, autoescape=True)),
        )
        .correlate(Transfer)
    )
    return or_(item, Transfer.carried_by.icontains(q, autoescape=True))


def transfers(
    session: Session, actor: Actor, asked: TransferAsked, *, after: str | None = None, size: int = PAGE_SIZE
) -> Page[TransferRow]:
    """Return one page of transfers, the newest first, in five statements."""
    chosen = _asked(actor, asked).where(_in_view(actor, asked.view)).options(selectinload(Transfer.lines))
    found = page(session, chosen, order=[Transfer.id], after=after, size=size, descending=True)
    ids = [each.id for each in found.rows]
    parts = {
        row[0]: row
        for row in session.execute(
            select(
                TransferLot.transfer_id,
                func.sum(TransferLot.quantity),
                func.sum(TransferLot.received),
                func.coalesce(func.sum(TransferLot.quantity).filter(TransferLot.received_at.is_(None)), 0),
                func.coalesce(func.sum(TransferLot.quantity - TransferLot.received).filter(_SHORT), 0),
            )
            .where(TransferLot.transfer_id.in_(ids))
            .group_by(TransferLot.transfer_id)
        )
    }
    names = warehouse_names(session)
    wanted = {line.item_id for each in found.rows for line in each.lines[:3]}
    items = {each.id: each for each in session.scalars(select(Item).where(Item.id.in_(wanted)))}
    rows = []
    for each in found.rows:
        _, picked, received, waiting, short = parts.get(each.id, (0, 0, 0, 0, 0))
        rows.append(
            TransferRow(
                transfer=each,
                from_name=names[each.from_warehouse_id],
                to_name=names[each.to_warehouse_id],
                items=[items[line.item_id] for line in each.lines[:3]],
                lines=len(each.lines),
                asked=sum(line.quantity for line in each.lines),
                picked=int(picked),
                received=int(received),
                waiting=int(waiting),
                short=int(short),
            )
        )
    return Page(rows, found.next_after)


def count_transfers(session: Session, actor: Actor, asked: TransferAsked) -> dict[str, int]:
    """Count the list and its saved views in one statement; "all" is the list without a view."""
    counted = [func.count().filter(_in_view(actor, view)) for view in VIEWS]
    statement = _asked(actor, asked).with_only_columns(func.count(), *counted, maintain_column_froms=True)
    row = session.execute(statement).one()
    return dict(zip(("all", *VIEWS), (int(each) for each in row), strict=True))


def warehouse_names(session: Session) -> dict[int, str]:
    """Return the names of all warehouses; they are nobody's secret."""
    statement = select(Warehouse.id, Warehouse.name).order_by(Warehouse.name, Warehouse.id)
    return {row[0]: row[1] for row in session.execute(statement)}


def warehouses(session: Session) -> dict[int, Warehouse]:
    """Return all warehouses by id, in the order of their names."""
    return {each.id: each for each in session.scalars(select(Warehouse).order_by(Warehouse.name, Warehouse.id))}


def items_by_id(session: Session, ids: Iterable[int]) -> dict[int, Item]:
    """Return items by their ids."""
    return {each.id: each for each in session.scalars(select(Item).where(Item.id.in_(list(ids))))}
