"""Sums of the stock for everybody who may know totals: how much there is where, never which lot lies on which shelf."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import CTE, BigInteger, ColumnElement, and_, case, cast, func, select
from sqlalchemy.orm import Session, aliased

from app.catalogue.models import Item
from app.foundation.actor import Actor
from app.foundation.bulk import among
from app.foundation.scope import visible
from app.foundation.unit_of_work import UnitOfWork
from app.stock.models import Balance, Lot, LotState, Place, PlaceKind, StockLevel, Warehouse

SOON_DAYS = 30
GIVEN_FROM = (PlaceKind.SHELF, PlaceKind.DOCK)
"""What stands there may be promised."""
ROOM = aliased(Place, name="room")
IN_ROOM = ROOM.id == func.coalesce(Place.root_id, Place.id)
"""A box is judged by where it stands."""
_HELD_BACK = aliased(Lot, name="held_back")
STATED = aliased(Lot, name="stated")
IS_STATED = and_(STATED.id == Balance.lot_id, STATED.unit_value_huf.is_not(None))
"""Joined where it is so, it is the lot whose donor stated a value."""


def usable(today: date) -> ColumnElement[bool]:
    """Return which balances may be given: free, not expired, on a shelf or at the dock, also in a box there.

    Lots that are held back are few: they are looked up, so that sums need not join every lot.
    """
    held_back = select(_HELD_BACK.id).where(_HELD_BACK.state != LotState.FREE)
    return and_(Balance.lot_id.not_in(held_back), Balance.expires_on >= today, ROOM.kind.in_(GIVEN_FROM))


def available(today: date) -> ColumnElement[int]:
    """Return the sum of what nobody has spoken for and may be given."""
    free = case((usable(today), Balance.on_hand - Balance.reserved), else_=0)
    return cast(func.coalesce(func.sum(free), 0), BigInteger)


def summed(column: Any) -> ColumnElement[int]:
    """Return a sum as a whole number; nothing is 0."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


@dataclass(frozen=True, slots=True)
class Total:
    """How much of an item a warehouse has."""

    warehouse_id: int
    county_id: int
    item_id: int
    on_hand: int
    reserved: int
    available: int
    expiring: int
    """Pieces that expire within thirty days."""
    weight_g: int
    least: int | None = None
    """How much it should have, where somebody said so."""
    most: int | None = None


def totals(
    uow: UnitOfWork,
    *,
    today: date,
    item_ids: Iterable[int] | None = None,
    category_ids: Iterable[int] | None = None,
) -> list[Total]:
    """Return how much of each item every warehouse of the country has, and should have; one statement."""
    uow.actor.require_for("totals.read")
    soon = Balance.expires_on.between(today, today + timedelta(days=SOON_DAYS))
    there = (
        select(
            Balance.warehouse_id,
            Balance.item_id,
            summed(Balance.on_hand).label("on_hand"),
            summed(Balance.reserved).label("reserved"),
            available(today).label("available"),
            summed(case((soon, Balance.on_hand), else_=0)).label("expiring"),
        )
        .join(Place, Place.id == Balance.place_id)
        .join(ROOM, IN_ROOM)
        .where(Balance.stocked)
        .group_by(Balance.warehouse_id, Balance.item_id)
    )
    if item_ids is not None:
        item_ids = list(item_ids)
        there = there.where(among(Balance.item_id, item_ids))
    have = there.subquery("have")
    same = and_(StockLevel.warehouse_id == have.c.warehouse_id, StockLevel.item_id == have.c.item_id)
    counted = [func.coalesce(have.c[name], 0) for name in ("on_hand", "reserved", "available", "expiring")]
    statement = (
        select(
            Warehouse.id,
            Warehouse.county_id,
            Item.id,
            *counted,
            func.coalesce(cast(have.c.on_hand * Item.weight_mg / 1000, BigInteger), 0),
            StockLevel.least,
            StockLevel.most,
        )
        .select_from(have.join(StockLevel, same, full=True))
        .join(Item, Item.id == func.coalesce(have.c.item_id, StockLevel.item_id))
        .join(Warehouse, Warehouse.id == func.coalesce(have.c.warehouse_id, StockLevel.warehouse_id))
        .order_by(Warehouse.id, Item.id)
    )
    if item_ids is not None:
        statement = statement.where(among(Item.id, item_ids))
    if category_ids is not None:
        statement = statement.where(among(Item.category_id, category_ids))
    with uow.office("stock"):
        return [Total(*row) for row in uow.session.execute(statement)]


def there_by_level(actor: Actor, today: date) -> CTE:
    """Return the id of each level under which something lies, and how much of that may be given (``quantity``)."""
    same = and_(Balance.warehouse_id == StockLevel.warehouse_id, Balance.item_id == StockLevel.item_id)
    there = (
        select(StockLevel.id, available(today).label("quantity"))
        .join(Balance, same)
        .join(Place, Place.id == Balance.place_id)
        .join(ROOM, IN_ROOM)
        .where(Balance.stocked, visible(actor, "stock.read", Balance))
        .group_by(StockLevel.id)
    )
    return there.cte("there").prefix_with("MATERIALIZED")


def below_least(session: Session, actor: Actor, today: date) -> int:
    """Count the levels that the actor sees and that are not reached by what may be given."""
    there = there_by_level(actor, today)
    statement = (
        select(func.count())
        .select_from(StockLevel)
        .outerjoin(there, there.c.id == StockLevel.id)
        .where(visible(actor, "stock.read", StockLevel), func.coalesce(there.c.quantity, 0) < StockLevel.least)
    )
    return session.scalar(statement) or 0


def whereabouts(uow: UnitOfWork, lot_ids: Iterable[int]) -> dict[str, int]:
    """Return by kind of place how many pieces of some lots there are; whoever asks has been judged by their source."""
    statement = (
        select(ROOM.kind, summed(Balance.on_hand))
        .join(Place, Place.id == Balance.place_id)
        .join(ROOM, IN_ROOM)
        .where(among(Balance.lot_id, lot_ids))
        .group_by(ROOM.kind)
    )
    with uow.office("stock"):
        return {kind: int(pieces) for kind, pieces in uow.session.execute(statement)}
