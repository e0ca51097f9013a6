"""The whole stock as JSON: what there is, what expires, what is short, what there was, and the way of a lot."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from app.catalogue import queries as catalogue
from app.foundation.http import in_unit_of_work
from app.foundation.language import language
from app.foundation.unit_of_work import UnitOfWork
from app.inventory import queries, schemas, service
from app.stock import levels as stock_levels
from app.stock import past

blueprint = Blueprint("inventory-api", __name__, description="What the stock is, was and will be")


def _filters(uow: UnitOfWork, asked: dict[str, Any]) -> queries.Filters:
    return schemas.filters_of(asked, today=service.day_of(uow), language=language())


@blueprint.get("/inventory")
@blueprint.arguments(schemas.OverviewQuery, location="query")
@blueprint.response(200, schemas.OverviewOut)
@in_unit_of_work("stock.read")
def overview(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """Show what there is, grouped: on hand, reserved, available, on its way."""
    filters = _filters(uow, asked)
    found = queries.overview(uow.session, uow.actor, filters, **asked)
    return {"items": found.rows, "next_after": found.next_after}


@blueprint.get("/inventory/counties")
@blueprint.arguments(schemas.CountiesQuery, location="query")
@blueprint.response(200, schemas.CountiesStockOut)
@in_unit_of_work("totals.read")
def counties(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """Show what every county has, as sums."""
    return {"items": service.counties(uow, today=service.day_of(uow), **asked)}


@blueprint.get("/inventory/expiring")
@blueprint.arguments(schemas.ExpiringQuery, location="query")
@blueprint.response(200, schemas.ExpiringPage)
@in_unit_of_work("stock.read")
def expiring(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List what expires, and what could be done with it."""
    filters, days = _filters(uow, asked), schemas.days_of(asked.pop("days"))
    found = queries.expiring(uow.session, uow.actor, filters, days=days, **asked)
    proposed = service.proposed(uow, found.rows, filters)
    items = [
        {
            "balance_id": row.balance.id,
            "lot_id": row.lot.id,
            "item_id": row.item.id,
            "item": row.item.name(language()),
            "warehouse_id": row.warehouse.id,
            "place": row.place.code,
            "expires_on": row.balance.expires_on,
            "on_hand": row.balance.on_hand,
            "reserved": row.balance.reserved,
            "available": row.balance.available,
            "proposals": proposed[row.balance.id],
        }
        for row in found.rows
    ]
    return {"items": items, "next_after": found.next_after}


@blueprint.get("/inventory/at")
@blueprint.arguments(schemas.PastQuery, location="query")
@blueprint.response(200, schemas.PastOut)
@in_unit_of_work("stock.read")
def at(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """Show what there was at the end of a day, and what it was worth."""
    filters = _filters(uow, asked)
    found = service.stock_at(uow, filters, on=asked.pop("on", filters.today), **asked)
    return {**vars(found), "clock": asked["clock"]}


@blueprint.get("/items/<int:item_id>/ledger-card")
@blueprint.arguments(schemas.CardQuery, location="query")
@blueprint.response(200, schemas.LedgerCardOut)
@in_unit_of_work("stock.read")
def ledger_card(uow: UnitOfWork, asked: dict[str, Any], item_id: int) -> dict[str, Any]:
    """Show an item's ledger card."""
    item = catalogue.plain_item(uow.session, item_id)
    homes = service.warehouses_asked(uow, warehouse_id=asked.get("warehouse_id"), county_id=asked.get("county_id"))
    until = min(asked.get("until", service.day_of(uow)), service.day_of(uow))
    periods = past.card(
        uow, item_id=item.id, warehouse_ids=[each.id for each in homes], period=asked["period"], until=until
    )
    return {"item_id": item.id, "periods": periods}


@blueprint.get("/lots/<int:lot_id>/history")
@blueprint.response(200, schemas.LotHistoryOut)
@in_unit_of_work("stock.read")
def history(uow: UnitOfWork, lot_id: int) -> dict[str, Any]:
    """Show the way of a lot: donor, movements, conversions, transfers, parcels; never a family."""
    found = service.history(uow, lot_id)
    steps = [
        {
            "movement_id": row.movement.id,
            "kind": row.movement.kind,
            "quantity": row.movement.quantity,
            "from_place": row.from_place.code,
            "to_place": row.to_place.code,
            "happened_at": row.movement.happened_at,
            "recorded_at": row.movement.recorded_at,
            "reversed": row.reversed_by_id is not None,
        }
        for row in found["movements"]
    ]
    lot = found["lot"]
    return {**found, "lot_id": lot.id, "item_id": lot.item_id, "source": lot.source, "movements": steps}


@blueprint.get("/stock-levels")
@blueprint.arguments(schemas.LevelsQuery, location="query")
@blueprint.response(200, schemas.StockLevelsOut)
@in_unit_of_work("stock.read")
def levels(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List how much there should be and how much there is."""
    filters = _filters(uow, asked)
    found = queries.levels(uow.session, uow.actor, filters, **asked)
    items = [
        {
            "id": line.level.id,
            "warehouse_id": line.level.warehouse_id,
            "item_id": line.level.item_id,
            "least": line.level.least,
            "most": line.level.most,
            "available": line.available,
            "coming": line.coming,
            "below": line.below,
            "version": line.level.version,
        }
        for line in found.rows
    ]
    return {"items": items, "next_after": found.next_after}


@blueprint.post("/stock-levels")
@blueprint.arguments(schemas.LevelIn, example={"warehouse_id": 5, "item_id": 1, "least": 200, "most": 600})
@blueprint.response(200, schemas.LevelSet)
@in_unit_of_work("stock.levels")
def set_level(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Say how much of an item a warehouse should have; what was said before is replaced."""
    return stock_levels.set_level(uow, **body)


@blueprint.get("/stock-levels/<int:stock_level_id>")
@blueprint.etag
@blueprint.response(200, schemas.LevelSet)
@in_unit_of_work("stock.read")
def level(uow: UnitOfWork, stock_level_id: int) -> Any:
    """Return a level, with its ETag."""
    found = stock_levels.level(uow, stock_level_id)
    blueprint.set_etag({"stock_level": found.id, "version": found.version})
    return found


@blueprint.delete("/stock-levels/<int:stock_level_id>")
@blueprint.etag
@blueprint.response(204)
@in_unit_of_work("stock.levels")
def drop_level(uow: UnitOfWork, stock_level_id: int) -> None:
    """Say no more how much there should be; If-Match holds the ETag that was read."""
    found = stock_levels.level(uow, stock_level_id)
    blueprint.check_etag({"stock_level": found.id, "version": found.version})
    stock_levels.drop_level(uow, level_id=stock_level_id)
