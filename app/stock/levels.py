"""How much of an item a warehouse should have at least and at most: set, changed, dropped."""

from __future__ import annotations

from sqlalchemy import select

from app.catalogue import queries as catalogue
from app.foundation.errors import Invalid, NotFound, Stale
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.stock import queries
from app.stock.models import StockLevel


def set_level(
    uow: UnitOfWork, *, warehouse_id: int, item_id: int, least: int, most: int | None = None, version: int | None = None
) -> StockLevel:
    """Say how much there should be; a level that is there already is changed."""
    warehouse = queries.warehouse(uow.session, uow.actor, warehouse_id)
    uow.actor.require_for("stock.levels", warehouse=warehouse.id, county=warehouse.county_id)
    catalogue.plain_item(uow.session, item_id)
    if most is not None and most < least:
        sentence = say("The most must not be below the least.")
        raise Invalid(say("Nothing was saved: please look at the marked fields."), {"most": [sentence]})
    found = uow.session.scalar(
        select(StockLevel)
        .where(StockLevel.warehouse_id == warehouse_id, StockLevel.item_id == item_id)
        .with_for_update()
    )
    if found is None:
        found = StockLevel(warehouse_id=warehouse_id, county_id=warehouse.county_id, item_id=item_id, least=0)
        uow.session.add(found)
    elif version is not None and version != found.version:
        raise Stale
    found.least, found.most = least, most
    uow.session.flush()
    uow.record("stock.level", subject=("item", item_id), warehouse_id=warehouse_id, least=least, most=most)
    return found


def level(uow: UnitOfWork, level_id: int) -> StockLevel:
    """Return a level that the actor may see."""
    found = uow.session.get(StockLevel, level_id)
    if found is None or not uow.actor.covers("stock.read", warehouse=found.warehouse_id, county=found.county_id):
        raise NotFound(level_id=level_id)
    return found


def drop_level(uow: UnitOfWork, *, level_id: int) -> StockLevel:
    """Say no more how much there should be."""
    found = level(uow, level_id)
    uow.actor.require_for("stock.levels", warehouse=found.warehouse_id, county=found.county_id)
    uow.session.delete(found)
    uow.session.flush()
    uow.record("stock.level_dropped", subject=("item", found.item_id), warehouse_id=found.warehouse_id)
    return found
