"""Reads of the stock. What lies in which warehouse is seen by those whose right to ``stock.read`` covers it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select, text
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from app.accounts.models import User
from app.catalogue import queries as catalogue
from app.catalogue.models import Item
from app.foundation.actor import Actor
from app.foundation.bulk import among
from app.foundation.job import Job, JobState
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.scope import visible
from app.foundation.text import fold
from app.stock import storage
from app.stock.errors import NoSuchLot, NoSuchMovement, NoSuchPlace, NoSuchReview, NoSuchWarehouse
from app.stock.models import (
    REAL,
    Balance,
    Kind,
    Lot,
    LotState,
    Movement,
    Operation,
    Place,
    PlaceKind,
    Reservation,
    ReservationState,
    Review,
    Voucher,
    Warehouse,
)
from app.stock.picking import Pick, Short, in_walking_order, pick_list

HOME = ZoneInfo("Europe/Budapest")
SOON_DAYS = 30
"""What expires within so many days is shown as such."""
PICKABLE = (PlaceKind.SHELF, PlaceKind.DOCK)
"""Places from which shares are given."""
ROOT = aliased(Place, name="root")
STANDS_IN = func.coalesce(ROOT.kind, Place.kind)
"""The kind of place by which a balance is judged, in a statement that joins ``ROOT`` by ``AT_ROOT``: a box is where it
stands."""
AT_ROOT = ROOT.id == Place.root_id
PROOF_JOB = "stock.verify_ledger"
REAL_KINDS = sorted(REAL)
WALLED = sorted(REAL - {PlaceKind.BOX})


# Warehouses and places ----------------------------------------------------------------------------------------------


def warehouse(session: Session, actor: Actor, warehouse_id: int) -> Warehouse:
    """Return a warehouse that the actor may see into."""
    found = session.scalar(
        select(Warehouse).where(Warehouse.id == warehouse_id, visible(actor, "stock.read", Warehouse))
    )
    if found is None:
        raise NoSuchWarehouse(warehouse_id=warehouse_id)
    return found


def warehouses(session: Session, actor: Actor | None = None) -> list[Warehouse]:
    """Return the warehouses by name: all of them, or those that the actor may see into."""
    statement = select(Warehouse).order_by(Warehouse.name, Warehouse.id)
    if actor is not None:
        statement = statement.where(visible(actor, "stock.read", Warehouse))
    return list(session.scalars(statement))


def place(session: Session, place_id: int) -> Place:
    """Return a place; where it is, is no secret."""
    found = session.get(Place, place_id)
    if found is None:
        raise NoSuchPlace(place_id=place_id)
    return found


def place_by_code(session: Session, code: str) -> Place:
    """Return the place of a printed code, however it was typed."""
    found = session.scalar(select(Place).where(Place.code == code.strip().upper()))
    if found is None:
        raise NoSuchPlace(code=code)
    return found


def places_by_id(session: Session, ids: Iterable[int]) -> dict[int, Place]:
    """Return places by their ids."""
    return {found.id: found for found in session.scalars(select(Place).where(Place.id.in_(list(ids))))}


def virtual_place(session: Session, warehouse_id: int, kind: str) -> Place:
    """Return the first place of a kind in a warehouse: its donor, handed_over, loss, discrepancy; its dock, staging."""
    statement = select(Place).where(Place.warehouse_id == warehouse_id, Place.kind == kind).order_by(Place.id).limit(1)
    found = session.scalar(statement)
    if found is None:
        raise NoSuchPlace(warehouse_id=warehouse_id, place_kind=str(kind))
    return found


def virtual_places(session: Session, warehouse_ids: Iterable[int], kind: str) -> dict[int, Place]:
    """Return the place of one kind of each warehouse, by warehouse."""
    ids = list(warehouse_ids)
    statement = select(Place).where(Place.warehouse_id.in_(ids), Place.kind == kind).order_by(Place.id.desc())
    found = {each.warehouse_id: each for each in session.scalars(statement)}
    for warehouse_id in ids:
        if warehouse_id not in found:
            raise NoSuchPlace(warehouse_id=warehouse_id, place_kind=str(kind))
    return found


def places_of(
    session: Session, warehouse_id: int, kinds: Iterable[str] | None = None, *, retired: bool = False
) -> list[Place]:
    """Return the places of a warehouse by code."""
    statement = select(Place).where(Place.warehouse_id == warehouse_id).order_by(Place.code)
    if kinds is not None:
        statement = statement.where(Place.kind.in_([str(kind) for kind in kinds]))
    if not retired:
        statement = statement.where(Place.retired_at.is_(None))
    return list(session.scalars(statement))


def find_places(
    session: Session, actor: Actor, typed: str, *, warehouse_id: int | None = None, limit: int = 10
) -> list[Place]:
    """Return real places whose code holds what was typed, for search as you type."""
    statement = (
        select(Place)
        .where(
            visible(actor, "stock.read", Place),
            Place.kind.in_(REAL_KINDS),
            Place.retired_at.is_(None),
            Place.code.icontains(typed.strip(), autoescape=True),
        )
        .order_by(Place.code)
        .limit(limit)
    )
    if warehouse_id is not None:
        statement = statement.where(Place.warehouse_id == warehouse_id)
    return list(session.scalars(statement))


def holds_anything(session: Session, place_id: int) -> bool:
    """Tell whether something is in a place, or a box stands there."""
    things = select(Balance.id).where(Balance.place_id == place_id, Balance.on_hand != 0)
    boxes = select(Place.id).where(
        or_(Place.root_id == place_id, and_(Place.kind == PlaceKind.BOX, Place.parent_id == place_id)),
        Place.retired_at.is_(None),
    )
    return any(session.scalar(each.limit(1)) is not None for each in (things, boxes))


def pieces_in(session: Session, place_id: int) -> int:
    """Return how many pieces a place holds by the books, with the boxes that stand there."""
    boxes = select(Place.id).where(Place.root_id == place_id)
    statement = select(func.coalesce(func.sum(Balance.on_hand), 0)).where(
        or_(Balance.place_id == place_id, Balance.place_id.in_(boxes))
    )
    return int(session.scalar(statement) or 0)


_WEIGHT_G = func.coalesce(func.sum(Balance.on_hand * Item.weight_mg) / 1000, 0)


def place_page(
    session: Session,
    actor: Actor,
    *,
    warehouse_id: int | None = None,
    kind: str | None = None,
    q: str | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[tuple[Place, int, int]]:
    """Return one page of places by code: (place, lots, weight_g); what is in their boxes is in them too."""
    chosen = select(Place).where(visible(actor, "stock.read", Place), Place.retired_at.is_(None))
    if warehouse_id is not None:
        chosen = chosen.where(Place.warehouse_id == warehouse_id)
    chosen = chosen.where(Place.kind == kind) if kind else chosen.where(Place.kind.in_(WALLED))
    if q:
        chosen = chosen.where(Place.code.icontains(q.strip(), autoescape=True))
    rows = page(session, chosen.options(joinedload(Place.warehouse)), order=[Place.code], after=after, size=size)
    ids = [each.id for each in rows.rows]
    where = func.coalesce(Place.root_id, Place.id)
    totals = {
        row[0]: row
        for row in session.execute(
            select(where, func.count(), _WEIGHT_G)
            .select_from(Balance)
            .join(Place, Place.id == Balance.place_id)
            .join(Item, Item.id == Balance.item_id)
            .where(or_(Place.id.in_(ids), Place.root_id.in_(ids)), Balance.on_hand > 0)
            .group_by(where)
        )
    }
    listed = [(each, *(int(value) for value in totals.get(each.id, (0, 0, 0))[1:])) for each in rows.rows]
    return Page(listed, rows.next_after)


@dataclass(frozen=True)
class WarehouseTotals:
    """A warehouse and what lies in it."""

    warehouse: Warehouse
    lots: int
    weight_g: int
    expiring: int
    """Lots that expire soon."""


def warehouse_totals(session: Session, actor: Actor, today: date) -> list[WarehouseTotals]:
    """Return the warehouses that the actor may see into, with what lies in each."""
    soon = today + timedelta(days=SOON_DAYS)
    statement = (
        select(
            Balance.warehouse_id,
            func.count(),
            _WEIGHT_G,
            func.count().filter(Balance.expires_on <= soon),
        )
        .join(Item, Item.id == Balance.item_id)
        .where(visible(actor, "stock.read", Balance), Balance.stocked)
        .group_by(Balance.warehouse_id)
    )
    totals = {row[0]: row for row in session.execute(statement)}
    return [
        WarehouseTotals(each, *(int(value) for value in totals.get(each.id, (0, 0, 0, 0))[1:]))
        for each in warehouses(session, actor)
    ]


# Lots on shelves ----------------------------------------------------------------------------------------------------


VIEWS = ("expiring", "expired", "quarantine", "discrepancy")


@dataclass(frozen=True)
class StockAsked:
    """The filters of the stock list."""

    today: date
    q: str | None = None
    warehouse_id: int | None = None
    category_id: int | None = None
    item_id: int | None = None
    place_id: int | None = None
    lot_id: int | None = None
    within_days: int | None = None
    view: str | None = None
    language: str = "hu"


def _in_view(view: str | None, today: date) -> ColumnElement[bool]:
    """Return which balances a saved view shows."""
    if view == "discrepancy":
        return and_(~Balance.guarded, Place.kind == PlaceKind.DISCREPANCY, Balance.on_hand != 0)
    real = and_(Balance.stocked)
    if view == "expiring":
        return and_(real, Balance.expires_on.between(today, today + timedelta(days=SOON_DAYS)))
    if view == "expired":
        return and_(real, Balance.expires_on < today)
    if view == "quarantine":
        return and_(real, or_(STANDS_IN == PlaceKind.QUARANTINE, Lot.state != LotState.FREE))
    return real


def _stock(session: Session, actor: Actor, asked: StockAsked) -> Select[Any]:
    """Return the select of balances that the filters leave, whatever the saved view."""
    statement = (
        select(Balance)
        .join(Balance.lot)
        .join(Balance.place)
        .outerjoin(ROOT, AT_ROOT)
        .join(Item, Item.id == Balance.item_id)
        .where(visible(actor, "stock.read", Balance))
    )
    if asked.place_id is not None:
        statement = statement.where(or_(Balance.place_id == asked.place_id, Place.root_id == asked.place_id))
    for column, value in (
        (Balance.warehouse_id, asked.warehouse_id),
        (Balance.item_id, asked.item_id),
        (Balance.lot_id, asked.lot_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if asked.category_id is not None:
        statement = statement.where(Item.category_id.in_(catalogue.category_ids_below(session, asked.category_id)))
    if asked.within_days is not None:
        statement = statement.where(Balance.expires_on <= asked.today + timedelta(days=asked.within_days))
    if asked.q and asked.q.strip():
        statement = statement.where(_named(asked.q.strip()))
    return statement


def _named(q: str) -> ColumnElement[bool]:
    number = q.upper().removeprefix("L-")
    key = fold(q)
    conditions: list[ColumnElement[bool]] = [
        Place.code.icontains(q, autoescape=True),
        ROOT.code.icontains(q, autoescape=True),
    ]
    if key:
        conditions.append(Item.name_hu_key.contains(key, autoescape=True))
        conditions.append(Item.name_en_key.contains(key, autoescape=True))
    if number.isascii() and number.isdigit() and len(number) < 19:
        conditions.append(Balance.lot_id == int(number))
    return or_(*conditions)


def stock_page(
    session: Session,
    actor: Actor,
    asked: StockAsked,
    *,
    sort: str | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[Balance]:
    """Return one page of balances with their lots, items and places; first to expire first, or by name or place."""
    statement = _stock(session, actor, asked).where(_in_view(asked.view, asked.today))
    at = contains_eager(Balance.place)
    statement = statement.options(contains_eager(Balance.lot), at, at.contains_eager(Place.root.of_type(ROOT)))
    name = Item.name_en_key if asked.language == "en" else Item.name_hu_key
    orders: dict[str, list[Any]] = {
        "name": [name, Balance.expires_on, Balance.id],
        "place": [Place.code, Balance.id],
        "on_hand": [Balance.on_hand, Balance.id],
        "expiry": [Balance.expires_on, Balance.id],
    }
    order = orders.get((sort or "").removeprefix("-"), orders["expiry"])
    return page(session, statement, order=order, after=after, size=size, descending=(sort or "").startswith("-"))


@dataclass(frozen=True)
class StockTotals:
    """What the stock list says above itself."""

    shown: int
    weight_g: int
    expiring: int
    expired: int
    quarantine: int
    discrepancy: int


NO_STOCK: Page[Balance] = Page([], None)
NO_TOTALS = StockTotals(0, 0, 0, 0, 0, 0)


def stock_totals(session: Session, actor: Actor, asked: StockAsked) -> StockTotals:
    """Count the list and its saved views: what has walls in one statement, what nobody can find in another."""
    base = _stock(session, actor, asked)
    real = [view for view in (None, *VIEWS) if view != "discrepancy"]
    shown = _in_view(asked.view, asked.today)
    weight = func.coalesce(func.sum(case((shown, Balance.on_hand * Item.weight_mg), else_=0)) / 1000, 0)
    counted: list[Any] = [weight, *(func.count().filter(_in_view(view, asked.today)) for view in real)]
    walls = base.where(Balance.stocked)
    row = session.execute(walls.with_only_columns(*counted, maintain_column_froms=True)).one()
    lost = base.where(_in_view("discrepancy", asked.today))
    unknown = session.scalar(lost.with_only_columns(func.count(), maintain_column_froms=True)) or 0
    by_view = dict(zip(real, row[1:], strict=True)) | {"discrepancy": unknown}
    return StockTotals(
        shown=by_view[asked.view],
        weight_g=int(row[0]),
        expiring=by_view["expiring"],
        expired=by_view["expired"],
        quarantine=by_view["quarantine"],
        discrepancy=unknown,
    )


def lot(session: Session, actor: Actor, lot_id: int) -> Lot:
    """Return a lot that the actor may see somewhere."""
    somewhere = select(Balance.id).where(Balance.lot_id == lot_id, visible(actor, "stock.read", Balance))
    found = session.get(Lot, lot_id) if session.scalar(somewhere.limit(1)) is not None else None
    if found is None:
        raise NoSuchLot(lot_id=lot_id)
    return found


def balances_of_lot(session: Session, actor: Actor, lot_id: int) -> list[Balance]:
    """Return where a lot lies now, the places with walls first."""
    statement = (
        select(Balance)
        .join(Balance.place)
        .options(contains_eager(Balance.place).joinedload(Place.root), joinedload(Balance.lot))
        .where(Balance.lot_id == lot_id, Balance.on_hand != 0, visible(actor, "stock.read", Balance))
        .order_by(Balance.guarded.desc(), Place.code)
    )
    return list(session.scalars(statement))


def reservations_of_lot(session: Session, lot_id: int) -> list[Row[Any]]:
    """Return for what a lot is reserved: (place_id, purpose_kind, how many, quantity)."""
    statement = (
        select(Reservation.place_id, Reservation.purpose_kind, func.count(), func.sum(Reservation.quantity))
        .where(Reservation.lot_id == lot_id, Reservation.state == ReservationState.PENDING)
        .group_by(Reservation.place_id, Reservation.purpose_kind)
        .order_by(Reservation.place_id)
    )
    return list(session.execute(statement))


def reservations_for(session: Session, purpose_kind: str, purpose_ids: Iterable[int]) -> list[Reservation]:
    """Return the reservations of some purposes, pending and ended, oldest first."""
    statement = (
        select(Reservation)
        .where(Reservation.purpose_kind == purpose_kind, Reservation.purpose_id.in_(list(purpose_ids)))
        .order_by(Reservation.id)
    )
    return list(session.scalars(statement))


def stock_for_allocation(session: Session, county_id: int | None = None) -> list[Row[Any]]:
    """Return what may be given, first to expire first, in one statement.

    Rows of (balance_id, lot_id, place_id, warehouse_id, item_id, expires_on, available, storage_class); ``expires_on``
    is 9999-12-31 for what does not expire, the storage class is the item's.
    """
    statement = (
        select(
            Balance.id.label("balance_id"),
            Balance.lot_id,
            Balance.place_id,
            Balance.warehouse_id,
            Balance.item_id,
            Balance.expires_on,
            (Balance.on_hand - Balance.reserved).label("available"),
            Item.storage_class,
        )
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Place, Place.id == Balance.place_id)
        .outerjoin(ROOT, AT_ROOT)
        .join(Item, Item.id == Balance.item_id)
        .where(
            Balance.stocked,
            Balance.on_hand > Balance.reserved,
            Lot.state == LotState.FREE,
            STANDS_IN.in_(PICKABLE),
        )
        .order_by(Balance.expires_on, Balance.id)
    )
    if county_id is not None:
        statement = statement.where(Balance.county_id == county_id)
    return list(session.execute(statement))


def pickable(session: Session, warehouse_id: int, item_ids: Iterable[int], on: date) -> list[Row[Any]]:
    """Return what may be picked of some items in a warehouse on a day, first to expire first.

    Rows of (balance_id, lot_id, place_id, item_id, expires_on, available, place, box): the code of the place with
    walls, and that of the box in it, if it is in one. ``expires_on`` is 9999-12-31 for what does not expire; what
    would have fewer days left than its item must have at hand-over is left out.
    """
    days_left = Balance.expires_on - on
    statement = (
        select(
            Balance.id.label("balance_id"),
            Balance.lot_id,
            Balance.place_id,
            Balance.item_id,
            Balance.expires_on,
            (Balance.on_hand - Balance.reserved).label("available"),
            func.coalesce(ROOT.code, Place.code).label("place"),
            case((ROOT.id.is_not(None), Place.code)).label("box"),
        )
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Place, Place.id == Balance.place_id)
        .outerjoin(ROOT, AT_ROOT)
        .join(Item, Item.id == Balance.item_id)
        .where(
            Balance.stocked,
            Balance.warehouse_id == warehouse_id,
            Balance.item_id.in_(list(item_ids)),
            Balance.on_hand > Balance.reserved,
            Lot.state == LotState.FREE,
            STANDS_IN.in_(PICKABLE),
            days_left >= Item.shelf_life_left_days_min,
        )
        .order_by(Balance.expires_on, Balance.id)
    )
    return list(session.execute(statement))


def free_pick_list(
    session: Session, warehouse_id: int, wanted: Mapping[int, int], on: date
) -> tuple[list[Pick], list[Short]]:
    """Return what to take for so many of some items in a warehouse, and what is short."""
    substitutes = catalogue.substitutes_of(session, list(wanted))
    others = {other for found in substitutes.values() for other, _ in found}
    rows = pickable(session, warehouse_id, {*wanted, *others}, on)
    shelves = [
        Pick(row.item_id, row.lot_id, row.place_id, row.available, row.place, row.box, _day(row.expires_on))
        for row in rows
    ]
    return pick_list(wanted, shelves, substitutes)


def reserved_pick_list(session: Session, purpose_kind: str, purpose_ids: Iterable[int]) -> list[Pick]:
    """Return what is reserved for some purposes and is not in staging or on a vehicle yet, in walking order."""
    return in_walking_order(
        Pick(
            row.item_id,
            row.lot_id,
            row.place_id,
            row.quantity,
            row.place,
            row.box,
            row.expires_on,
            row.purpose_id,
            row.reservation_id,
        )
        for row in spoken_for(session, purpose_kind, purpose_ids)
        if row.stands_in not in (PlaceKind.STAGING, PlaceKind.VEHICLE)
    )


def where_one_works(session: Session, actor: Actor, picks: Iterable[Pick]) -> list[Pick]:
    """Return the picks in places where the actor may see the stock."""
    found = list(picks)
    ids = {pick.place_id for pick in found}
    seen = set(session.scalars(select(Place.id).where(Place.id.in_(ids), visible(actor, "stock.read", Place))))
    return [pick for pick in found if pick.place_id in seen]


def _day(expires_on: date) -> date | None:
    return None if expires_on == date.max else expires_on


def places_for(session: Session, warehouse_id: int, lot_id: int, *, most: int = 5) -> list[tuple[Place, int, int]]:
    """Return the shelves on which a lot might be put away, the best first: (place, pieces of the lot's item, pieces).

    First where the same item lies, then empty ones, in each case those that keep things as the item needs.
    """
    item = session.execute(
        select(Item.id, Item.storage_class).join(Lot, Lot.item_id == Item.id).where(Lot.id == lot_id)
    ).one_or_none()
    if item is None:
        raise NoSuchLot(lot_id=lot_id)
    good = storage.KEPT_IN.get(item.storage_class, (item.storage_class,))
    holder = aliased(Place, name="holder")
    same = func.coalesce(func.sum(case((Balance.item_id == item.id, Balance.on_hand), else_=0)), 0)
    every = func.coalesce(func.sum(Balance.on_hand), 0)
    statement = (
        select(Place, same, every)
        .outerjoin(holder, or_(holder.id == Place.id, holder.root_id == Place.id))
        .outerjoin(Balance, and_(Balance.place_id == holder.id, Balance.on_hand > 0))
        .where(
            Place.warehouse_id == warehouse_id,
            Place.kind == PlaceKind.SHELF,
            Place.retired_at.is_(None),
            Place.storage_class.in_(good),
        )
        .group_by(Place.id)
        .order_by(
            same.desc(),
            case({name: rank for rank, name in enumerate(good)}, value=Place.storage_class),
            every,
            Place.code,
        )
        .limit(most)
    )
    return [(row[0], int(row[1]), int(row[2])) for row in session.execute(statement)]


def spoken_for(session: Session, purpose_kind: str, purpose_ids: Iterable[int]) -> list[Row[Any]]:
    """Return what is reserved for some purposes and still to be picked.

    Rows of (reservation_id, purpose_id, lot_id, item_id, place_id, quantity, expires_on, place, box, stands_in).
    """
    statement = (
        select(
            Reservation.id.label("reservation_id"),
            Reservation.purpose_id,
            Reservation.lot_id,
            Lot.item_id,
            Reservation.place_id,
            Reservation.quantity,
            Lot.expires_on,
            func.coalesce(ROOT.code, Place.code).label("place"),
            case((ROOT.id.is_not(None), Place.code)).label("box"),
            STANDS_IN.label("stands_in"),
        )
        .join(Lot, Lot.id == Reservation.lot_id)
        .join(Place, Place.id == Reservation.place_id)
        .outerjoin(ROOT, AT_ROOT)
        .where(
            Reservation.purpose_kind == purpose_kind,
            Reservation.purpose_id.in_(list(purpose_ids)),
            Reservation.state == ReservationState.PENDING,
        )
        .order_by(Reservation.id)
    )
    return list(session.execute(statement))


# Movements ----------------------------------------------------------------------------------------------------------


def movement(session: Session, actor: Actor, movement_id: int) -> Movement:
    """Return a movement that the actor may see."""
    found = session.scalar(select(Movement).where(Movement.id == movement_id, visible(actor, "stock.read", Movement)))
    if found is None:
        raise NoSuchMovement(movement_id=movement_id)
    return found


def movements_by_id(session: Session, actor: Actor, movement_ids: Iterable[int]) -> list[Movement]:
    """Return movements, all of which the actor may see, in the order of their ids."""
    wanted = set(movement_ids)
    statement = select(Movement).where(among(Movement.id, wanted), visible(actor, "stock.read", Movement))
    found = list(session.scalars(statement.order_by(Movement.id)))
    if len(found) != len(wanted):
        raise NoSuchMovement(movement_id=min(wanted - {movement.id for movement in found}))
    return found


def reversed_among(session: Session, movement_ids: Iterable[int]) -> set[int]:
    """Return which of some movements were taken back."""
    statement = select(Movement.reverses_id).where(among(Movement.reverses_id, movement_ids))
    return {each for each in session.scalars(statement) if each is not None}


def receipts_of_lots(session: Session, lot_ids: Iterable[int]) -> list[int]:
    """Return the movements by which lots came into the house and that were not taken back, in order."""
    back = aliased(Movement)
    statement = (
        select(Movement.id)
        .outerjoin(back, back.reverses_id == Movement.id)
        .where(among(Movement.lot_id, lot_ids), Movement.kind == Kind.RECEIVE, back.id.is_(None))
        .order_by(Movement.id)
    )
    return list(session.scalars(statement))


@dataclass(frozen=True)
class Gone:
    """A receipt that cannot simply be taken back: some of it is spoken for or no longer there."""

    lot_id: int
    item_name: str
    place_code: str
    received: int
    on_hand: int
    reserved: int


def no_longer_whole(session: Session, movement_ids: Iterable[int]) -> list[Gone]:
    """Return of which receipts something was moved, handed out or reserved since."""
    here = aliased(Balance)
    on_hand, reserved = func.coalesce(here.on_hand, 0), func.coalesce(here.reserved, 0)
    statement = (
        select(Movement.lot_id, Item.name_hu, Place.code, Movement.quantity, on_hand, reserved)
        .join(Lot, Lot.id == Movement.lot_id)
        .join(Item, Item.id == Lot.item_id)
        .join(Place, Place.id == Movement.to_place_id)
        .outerjoin(here, and_(here.lot_id == Movement.lot_id, here.place_id == Movement.to_place_id))
        .where(among(Movement.id, movement_ids), on_hand - reserved < Movement.quantity)
        .order_by(Movement.id)
    )
    return [Gone(*row) for row in session.execute(statement)]


def is_reversed(session: Session, movement_id: int) -> bool:
    """Tell whether a movement was taken back."""
    return session.scalar(select(Movement.id).where(Movement.reverses_id == movement_id)) is not None


def movements_of_operations(session: Session, operation_ids: Sequence[UUID]) -> list[Movement]:
    """Return the movements of some operations, in the order in which they were written."""
    statement = select(Movement).where(Movement.operation_id.in_(operation_ids)).order_by(Movement.id)
    return list(session.scalars(statement))


def movements_of_operation(session: Session, operation_id: UUID) -> list[Movement]:
    """Return the movements of one operation, in order."""
    statement = select(Movement).where(Movement.operation_id == operation_id).order_by(Movement.line)
    return list(session.scalars(statement))


FROM, TO = aliased(Place, name="from_place"), aliased(Place, name="to_place")
_BACK = aliased(Movement, name="back")


@dataclass(frozen=True)
class MovementRow:
    """A movement with what a reader wants to know about it."""

    movement: Movement
    lot: Lot
    item: Item
    from_place: Place
    to_place: Place
    reversed_by_id: int | None


def _movements(actor: Actor) -> Any:
    return (
        select(Movement, Lot, Item, FROM, TO, _BACK.id)
        .join(Lot, Lot.id == Movement.lot_id)
        .join(Item, Item.id == Lot.item_id)
        .join(FROM, FROM.id == Movement.from_place_id)
        .join(TO, TO.id == Movement.to_place_id)
        .outerjoin(_BACK, _BACK.reverses_id == Movement.id)
        .where(visible(actor, "stock.read", Movement))
    )


def movement_page(
    session: Session,
    actor: Actor,
    *,
    warehouse_id: int | None = None,
    kind: str | None = None,
    place_id: int | None = None,
    lot_id: int | None = None,
    on: date | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[MovementRow]:
    """Return one page of movements, the newest first."""
    statement = _movements(actor)
    if warehouse_id is not None:
        statement = statement.where(Movement.warehouse_id == warehouse_id)
    if kind:
        statement = statement.where(Movement.kind == kind)
    if place_id is not None:
        statement = statement.where(or_(Movement.from_place_id == place_id, Movement.to_place_id == place_id))
    if lot_id is not None:
        statement = statement.where(Movement.lot_id == lot_id)
    if on is not None:
        # Up to its last instant, not before the next day: the last day of the calendar has none.
        begins, ends = datetime.combine(on, time(), HOME), datetime.combine(on, time.max, HOME)
        statement = statement.where(Movement.recorded_at.between(begins, ends))
    found = page(session, statement, order=[Movement.id], after=after, size=size, descending=True)
    return Page([MovementRow(*row) for row in found.rows], found.next_after)


def way_of_lot(session: Session, actor: Actor, lot_id: int, *, most: int = 30) -> list[MovementRow]:
    """Return the way of a lot, the newest movement first."""
    statement = _movements(actor).where(Movement.lot_id == lot_id).order_by(Movement.id.desc()).limit(most)
    return [MovementRow(*row) for row in session.execute(statement)]


# Operations and documents -------------------------------------------------------------------------------------------


def operations(session: Session, ids: Iterable[UUID]) -> dict[UUID, Operation]:
    """Return what was answered to operations before."""
    return {found.id: found for found in session.scalars(select(Operation).where(Operation.id.in_(list(ids))))}


def operations_to_review(
    session: Session, actor: Actor, *, after: str | None = None, size: int = PAGE_SIZE
) -> Page[Operation]:
    """Return operations that a person must look at, newest first, of warehouses the actor may see into."""
    seen = select(Movement.operation_id).where(visible(actor, "stock.read", Movement))
    statement = select(Operation).where(Operation.outcome == "needs_review", Operation.id.in_(seen))
    return page(
        session, statement, order=[Operation.recorded_at, Operation.id], after=after, size=size, descending=True
    )


def vouchers_of(session: Session, actor: Actor, subject: tuple[str, int]) -> list[Voucher]:
    """Return the documents of a subject, oldest first."""
    statement = (
        select(Voucher)
        .where(
            Voucher.subject_kind == subject[0],
            Voucher.subject_id == subject[1],
            or_(visible(actor, "stock.read", Voucher), visible(actor, "donations.read", Voucher)),
        )
        .order_by(Voucher.id)
    )
    return list(session.scalars(statement))


# The proof ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """A balance that is not what its movements add up to, or whose reservations are not what it says."""

    warehouse_id: int
    lot_id: int
    place_id: int
    booked: int
    proved: int
    reserved: int
    reserved_proved: int


@dataclass(frozen=True)
class WarehouseProof:
    """The proof of one warehouse."""

    warehouse_id: int
    code: str
    name: str
    movements: int
    balances: int
    differences: int


@dataclass(frozen=True)
class Proof:
    """The ledger against the balances. ``holds`` when every number is as it must be."""

    movements: int
    balances: int
    difference: int
    """Pieces by which balances differ from their movements; 0 is the only good answer."""
    differences: Sequence[Difference]
    items_out_of_balance: Sequence[int]
    negative: int
    warehouses: Sequence[WarehouseProof]

    @property
    def holds(self) -> bool:
        """Tell whether the ledger is proved."""
        return not (self.difference or self.differences or self.items_out_of_balance or self.negative)

    def as_json(self) -> dict[str, Any]:
        """Return the proof as plain values, the first hundred differences with it."""
        return {
            "holds": self.holds,
            "movements": self.movements,
            "balances": self.balances,
            "difference": self.difference,
            "differences": [vars(each) for each in self.differences[:100]],
            "differences_in_all": len(self.differences),
            "items_out_of_balance": list(self.items_out_of_balance[:100]),
            "negative": self.negative,
            "warehouses": [vars(each) for each in self.warehouses],
        }


_PROVE = text(
    """
    WITH side AS (
        SELECT lot_id, to_place_id AS place_id, quantity FROM movement
        UNION ALL
        SELECT lot_id, from_place_id, -quantity FROM movement
    ),
    proved AS (SELECT lot_id, place_id, sum(quantity) AS quantity FROM side GROUP BY lot_id, place_id),
    spoken AS (
        SELECT lot_id, place_id, sum(quantity) AS quantity FROM reservation
        WHERE state = 'pending' GROUP BY lot_id, place_id
    )
    SELECT place.warehouse_id, lot_id, place_id,
           coalesce(balance.on_hand, 0), coalesce(proved.quantity, 0)::bigint,
           coalesce(balance.reserved, 0), coalesce(spoken.quantity, 0)::bigint
    FROM balance
    FULL JOIN proved USING (lot_id, place_id)
    FULL JOIN spoken USING (lot_id, place_id)
    JOIN place ON place.id = place_id
    WHERE (coalesce(balance.on_hand, 0) <> coalesce(proved.quantity, 0)
           OR coalesce(balance.reserved, 0) <> coalesce(spoken.quantity, 0))
      AND (CAST(:warehouses AS bigint[]) IS NULL OR place.warehouse_id = ANY (CAST(:warehouses AS bigint[])))
    ORDER BY lot_id, place_id
    """
)

_OUT_OF_BALANCE = text(
    """
    SELECT item_id FROM balance GROUP BY item_id HAVING sum(on_hand) <> 0
    UNION
    SELECT lot.item_id FROM balance JOIN lot ON lot.id = balance.lot_id WHERE lot.item_id <> balance.item_id
    ORDER BY item_id
    """
)

_COUNTS = text(
    """
    SELECT warehouse.id, warehouse.code, warehouse.name, coalesce(moved.number, 0), coalesce(booked.number, 0),
           coalesce(booked.negative, 0)
    FROM warehouse
    LEFT JOIN (SELECT warehouse_id, count(*) AS number FROM movement GROUP BY warehouse_id) AS moved
           ON moved.warehouse_id = warehouse.id
    LEFT JOIN (
        SELECT warehouse_id, count(*) AS number,
               count(*) FILTER (WHERE reserved < 0 OR guarded AND (on_hand < 0 OR reserved > on_hand)) AS negative
        FROM balance GROUP BY warehouse_id
    ) AS booked ON booked.warehouse_id = warehouse.id
    WHERE CAST(:warehouses AS bigint[]) IS NULL OR warehouse.id = ANY (CAST(:warehouses AS bigint[]))
    ORDER BY warehouse.name, warehouse.id
    """
)


def verify(session: Session, warehouse_ids: Iterable[int] | None = None) -> Proof:
    """Recompute every balance from the movements, and what is reserved from the reservations.

    The session must see all rows: an actor with all grants, or the office of the stock.
    """
    chosen = {"warehouses": None if warehouse_ids is None else list(warehouse_ids)}
    differences = [Difference(*row) for row in session.execute(_PROVE, chosen)]
    items = [int(item_id) for item_id in session.scalars(_OUT_OF_BALANCE)]
    counts = session.execute(_COUNTS, chosen).all()
    wrong = Counter(each.warehouse_id for each in differences)
    return Proof(
        movements=sum(row[3] for row in counts),
        balances=sum(row[4] for row in counts),
        difference=sum(abs(each.booked - each.proved) for each in differences),
        differences=differences,
        items_out_of_balance=items,
        negative=sum(row[5] for row in counts),
        warehouses=[WarehouseProof(row[0], row[1], row[2], row[3], row[4], wrong[row[0]]) for row in counts],
    )


def last_proof(session: Session) -> Job | None:
    """Return the job that proved the ledger last."""
    statement = select(Job).where(Job.name == PROOF_JOB, Job.state == JobState.DONE).order_by(Job.id.desc()).limit(1)
    return session.scalar(statement)


def open_proof(session: Session) -> Job | None:
    """Return the job that is proving the ledger now, or is about to."""
    statement = select(Job).where(Job.name == PROOF_JOB, Job.state.in_([JobState.QUEUED, JobState.RUNNING]))
    return session.scalar(statement.order_by(Job.id.desc()).limit(1))


def movements_about(session: Session) -> int:
    """Return about how many movements there are, as the database last counted them."""
    return max(0, session.scalar(text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'movement'::regclass")) or 0)


# Discrepancies ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReviewRow:
    """A discrepancy with what a reader wants to know about it."""

    review: Review
    place: Place | None
    lot: Lot | None
    item: Item | None
    who: str | None
    resolved_by: str | None


_WHO, _RESOLVER = aliased(User, name="who"), aliased(User, name="resolver")


def _reviews(actor: Actor, permission: str = "stock.read") -> Any:
    return (
        select(Review, Place, Lot, Item, _WHO.name, _RESOLVER.name)
        .outerjoin(Place, Place.id == Review.place_id)
        .outerjoin(Lot, Lot.id == Review.lot_id)
        .outerjoin(Item, Item.id == Lot.item_id)
        .outerjoin(_WHO, _WHO.id == Review.actor_id)
        .outerjoin(_RESOLVER, _RESOLVER.id == Review.resolved_by_id)
        .where(visible(actor, permission, Review))
    )


def review(
    session: Session, actor: Actor, review_id: int, *, permission: str = "stock.read", lock: bool = False
) -> Review:
    """Return a discrepancy that the actor may see, locked where it is about to be resolved."""
    statement = select(Review).where(Review.id == review_id, visible(actor, permission, Review))
    if lock:
        statement = statement.with_for_update()
    found = session.scalar(statement, execution_options={"populate_existing": lock})
    if found is None:
        raise NoSuchReview(review_id=review_id)
    return found


def review_row(session: Session, actor: Actor, review_id: int) -> ReviewRow:
    """Return a discrepancy with its lot, place and people."""
    row = session.execute(_reviews(actor).where(Review.id == review_id)).first()
    if row is None:
        raise NoSuchReview(review_id=review_id)
    return ReviewRow(*row)


def _reviews_asked(
    statement: Any, state: str | None, outcome: str | None, kind: str | None, warehouse_id: int | None
) -> Any:
    for column, value in (
        (Review.state, state),
        (Review.outcome, outcome),
        (Review.kind, kind),
        (Review.warehouse_id, warehouse_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    return statement


def review_page(
    session: Session,
    actor: Actor,
    *,
    state: str | None = "open",
    outcome: str | None = None,
    kind: str | None = None,
    warehouse_id: int | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[ReviewRow]:
    """Return one page of discrepancies, the newest first."""
    statement = _reviews_asked(_reviews(actor), state, outcome, kind, warehouse_id)
    found = page(session, statement, order=[Review.id], after=after, size=size, descending=True)
    return Page([ReviewRow(*row) for row in found.rows], found.next_after)


def reviews_for_export(session: Session, actor: Actor, *, most: int, **asked: Any) -> Iterator[ReviewRow]:
    """Yield discrepancies for a table that leaves the house, the newest first."""
    chosen = {name: asked.get(name) for name in ("state", "outcome", "kind", "warehouse_id")}
    statement = _reviews_asked(_reviews(actor), **chosen).order_by(Review.id.desc()).limit(most)
    for row in session.execute(statement.execution_options(yield_per=1_000)):
        yield ReviewRow(*row)


def reviews_count(session: Session, actor: Actor, *, warehouse_id: int | None = None) -> dict[str, int]:
    """Return how many discrepancies are open, booked or refused, and how many are resolved."""
    every = select(Review.state, Review.outcome, func.count()).where(visible(actor, "stock.read", Review))
    statement = _reviews_asked(every, None, None, None, warehouse_id).group_by(Review.state, Review.outcome)
    counts: Counter[str] = Counter()
    for state, outcome, number in session.execute(statement):
        counts[state] += number
        counts[outcome if state == "open" else f"resolved_{outcome}"] += number
    return dict(counts)


def where_it_lies(session: Session, actor: Actor, lot_id: int) -> list[Balance]:
    """Return the places with walls where a lot lies by the books."""
    return [each for each in balances_of_lot(session, actor, lot_id) if each.guarded]
