"""Stocktakes as JSON. Documents carry an ETag; what the books hold is told for closed places, to who decides."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork
from app.stock import queries as stock
from app.stocktakes import operation_kinds as _registers_its_kinds  # noqa: F401
from app.stocktakes import papers, queries, schemas, service, shown

blueprint = Blueprint("stocktakes-api", __name__, description="Stocktakes: counting while the hall works")

OPEN_EXAMPLE = {"warehouse_id": 5, "place_ids": [412, 413], "category_ids": [], "note": "After the flood"}
DECIDE_EXAMPLE = {"place_id": 412, "lot_id": 20811, "reason": "damaged", "quantity": 7}
APPROVE_EXAMPLE = {"operation_id": "01936b2e-7f3a-7c1d-9a40-3b1f6f1f2a10", "seen": None}


def _tag(found: Any) -> dict[str, int]:
    return {"stocktake": found.id, "version": found.version}


def _seen(uow: UnitOfWork, stocktake_id: int) -> int:
    """Return the version that the asker has seen, by its If-Match."""
    found = queries.stocktake(uow.session, uow.actor, stocktake_id)
    blueprint.check_etag(_tag(found))
    return found.version


@blueprint.get("/stocktakes")
@blueprint.arguments(schemas.StocktakesQuery, location="query")
@blueprint.response(200, schemas.StocktakesOut)
@in_unit_of_work("stock.read")
def stocktakes(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List stocktakes, the newest first."""
    page = queries.stocktake_page(uow.session, uow.actor, **asked)
    return {"items": [row.stocktake for row in page.rows], "next_after": page.next_after}


@blueprint.post("/stocktakes")
@blueprint.etag
@blueprint.arguments(schemas.StocktakeIn, example=OPEN_EXAMPLE)
@blueprint.response(201, schemas.StocktakeOut)
@blueprint.alt_response(409, description="being-counted")
@in_unit_of_work("stocktakes.manage")
def open_stocktake(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Open a stocktake of places, of categories, or of the whole warehouse."""
    made = service.open_stocktake(uow, **body)
    blueprint.set_etag(_tag(made))
    return made


@blueprint.get("/stocktakes/<int:stocktake_id>")
@blueprint.etag
@blueprint.response(200, schemas.StocktakeSheet)
@in_unit_of_work("stock.read")
def stocktake(uow: UnitOfWork, stocktake_id: int) -> Any:
    """Show a stocktake and how far each of its places is."""
    found = queries.stocktake(uow.session, uow.actor, stocktake_id)
    blueprint.set_etag(_tag(found))
    plain = {name: getattr(found, name) for name in schemas.StocktakeOut().fields}
    return {**plain, "places": queries.place_rows(uow.session, found.id)}


@blueprint.get("/stocktakes/<int:stocktake_id>/places/<int:place_id>")
@blueprint.response(200, schemas.BlindListOut)
@in_unit_of_work("stock.operate")
def blind_list(uow: UnitOfWork, stocktake_id: int, place_id: int) -> dict[str, Any]:
    """List what is to be counted in a place: never how much of it the books hold."""
    found = queries.stocktake(uow.session, uow.actor, stocktake_id)
    counting = shown.counting_at(uow, found, stock.place(uow.session, place_id))
    return {"place_id": place_id, "round": counting.round, "items": counting.rows}


@blueprint.get("/stocktakes/<int:stocktake_id>/differences")
@blueprint.response(200, schemas.DifferencesOut)
@in_unit_of_work("stocktakes.manage")
def differences(uow: UnitOfWork, stocktake_id: int) -> dict[str, Any]:
    """List what differs in closed places, with the mark of what was seen."""
    found = queries.stocktake(uow.session, uow.actor, stocktake_id)
    uow.actor.require_for("stocktakes.manage", warehouse=found.warehouse_id, county=found.county_id)
    lines = shown.lines(uow, found)
    return {"items": [line.as_json() for line in lines], "seen": shown.mark(uow, found)}


@blueprint.post("/stocktakes/<int:stocktake_id>/complete")
@blueprint.etag
@blueprint.arguments(schemas.CompleteIn, example={"leave_out": True})
@blueprint.response(200, schemas.StocktakeOut)
@blueprint.alt_response(409, description="still-counting, not-to-approve")
@in_unit_of_work("stocktakes.manage")
def complete(uow: UnitOfWork, body: dict[str, Any], stocktake_id: int) -> Any:
    """Close the first count; places that nobody counted are left out, if one says so."""
    found = service.complete(uow, stocktake_id=stocktake_id, version=_seen(uow, stocktake_id), **body)
    blueprint.set_etag(_tag(found))
    return found


@blueprint.post("/stocktakes/<int:stocktake_id>/decide")
@blueprint.etag
@blueprint.arguments(schemas.DecideIn, example=DECIDE_EXAMPLE)
@blueprint.response(200, schemas.StocktakeOut)
@blueprint.alt_response(409, description="counter-approves, stocktake-over")
@in_unit_of_work("stocktakes.manage")
def decide(uow: UnitOfWork, body: dict[str, Any], stocktake_id: int) -> Any:
    """Say why a line differs, or choose a third quantity."""
    found = service.decide(uow, stocktake_id=stocktake_id, version=_seen(uow, stocktake_id), **body)
    blueprint.set_etag(_tag(found))
    return found


@blueprint.post("/stocktakes/<int:stocktake_id>/approve")
@blueprint.etag
@blueprint.arguments(schemas.ApproveIn, example=APPROVE_EXAMPLE)
@blueprint.response(200, schemas.StocktakeOut)
@blueprint.alt_response(409, description="counter-approves, not-to-approve, differences-changed")
@in_unit_of_work("stocktakes.manage")
def approve(uow: UnitOfWork, body: dict[str, Any], stocktake_id: int) -> Any:
    """Post the differences: by somebody who did not count. Sent twice, it is posted once."""
    found = service.approve(uow, stocktake_id=stocktake_id, version=_seen(uow, stocktake_id), **body)
    blueprint.set_etag(_tag(found))
    return found


@blueprint.post("/stocktakes/<int:stocktake_id>/cancel")
@blueprint.etag
@blueprint.arguments(schemas.CancelIn, example={"reason": "The hall is flooded."})
@blueprint.response(200, schemas.StocktakeOut)
@blueprint.alt_response(409, description="stocktake-over")
@in_unit_of_work("stocktakes.manage")
def cancel(uow: UnitOfWork, body: dict[str, Any], stocktake_id: int) -> Any:
    """Give a stocktake up; nothing is posted."""
    found = service.cancel(uow, stocktake_id=stocktake_id, version=_seen(uow, stocktake_id), **body)
    blueprint.set_etag(_tag(found))
    return found


@blueprint.get("/stocktakes/<int:stocktake_id>/sheets.pdf")
@blueprint.response(200, content_type="application/pdf", description="Blind sheets for counting by hand")
@in_unit_of_work("stock.read")
def sheets(uow: UnitOfWork, stocktake_id: int) -> Response:
    """Return the sheets for counting by hand."""
    return shown.sheets(uow, stocktake_id)


@blueprint.get("/stocktakes/<int:stocktake_id>/record.pdf")
@blueprint.response(200, content_type="application/pdf", description="The record of a posted stocktake")
@blueprint.alt_response(409, description="record-missing: it is written when it is posted")
@in_unit_of_work("stock.read")
def record(uow: UnitOfWork, stocktake_id: int) -> Response:
    """Return the record of a posted stocktake."""
    found = queries.stocktake(uow.session, uow.actor, stocktake_id)
    return papers.as_response(papers.record(queries.voucher_of(uow.session, found)), f"LEL-{found.id}")
