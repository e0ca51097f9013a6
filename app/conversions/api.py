"""Kits and conversions, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_smorest import Blueprint

from app.conversions import kit_parts, makeup, queries, schemas, service
from app.conversions import operation_kinds as _registers_its_kinds  # noqa: F401
from app.foundation.http import in_unit_of_work
from app.foundation.language import today
from app.foundation.unit_of_work import UnitOfWork

blueprint = Blueprint("conversions-api", __name__, description="Kits, and what is made of what")

OPERATION = "01936b2e-7f3a-7c1d-9a40-3b1f6f1f2a10"
KIT_EXAMPLE = {
    "item_id": 141,
    "parts": [{"item_id": 1, "quantity": 2}, {"item_id": 14, "quantity": 1}],
    "tolerance_permille": 20,
}
ASSEMBLE_EXAMPLE = {"operation_id": OPERATION, "kit_id": 1, "count": 12, "to_place_id": 44}
TAKE_APART_EXAMPLE = {"operation_id": OPERATION, "lot_id": 20811, "from_place_id": 44, "count": 2, "to_place_id": 44}
REPACK_EXAMPLE = {
    "operation_id": OPERATION,
    "lot_id": 20811,
    "from_place_id": 44,
    "quantity": 1,
    "to_item_id": 1,
    "to_quantity": 25,
    "to_place_id": 44,
    "lost": 1,
    "lost_reason": "one bag was torn",
}


# Kits ---------------------------------------------------------------------------------------------------------------


def _sheets(uow: UnitOfWork, kits: Iterable[Any]) -> list[dict[str, Any]]:
    kits = list(kits)
    parts = {kit.id: {part.item_id: part.quantity for part in kit.parts} for kit in kits}
    there = queries.available(uow.session, uow.actor, {item for each in parts.values() for item in each}, today())
    return [
        {
            **{name: getattr(kit, name) for name in schemas.KitOut().fields},
            "makeable": [
                {
                    "warehouse_id": warehouse_id,
                    "makeable": makeup.makeable(available, parts[kit.id]),
                    "scarcest_item_ids": makeup.scarcest(available, parts[kit.id]),
                }
                for warehouse_id, available in sorted(there.items())
            ],
        }
        for kit in kits
    ]


def _tag(kit: Any) -> dict[str, int]:
    return {"id": kit.id, "version": kit.version}


def _kit(uow: UnitOfWork, found: Any) -> dict[str, Any]:
    blueprint.set_etag(_tag(found))
    return _sheets(uow, [found])[0]


@blueprint.get("/kits")
@blueprint.arguments(schemas.KitQuery(only=("retired",)), location="query", as_kwargs=True)
@blueprint.response(200, schemas.KitsOut)
@in_unit_of_work("stock.read")
def kits(uow: UnitOfWork, retired: bool) -> Any:
    """List kits by name, with how many can be made in each warehouse from what lies there."""
    return {"items": _sheets(uow, queries.kits(uow.session, retired=retired))}


@blueprint.post("/kits")
@blueprint.etag
@blueprint.arguments(schemas.KitIn, example=KIT_EXAMPLE)
@blueprint.response(201, schemas.KitSheet)
@blueprint.alt_response(409, description="kit-exists, weight-differs")
@blueprint.alt_response(422, description="parts-wrong")
@in_unit_of_work("kits.manage")
def define_kit(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Say what an item is made up from. Parts and kit must weigh the same, within the tolerance."""
    return _kit(uow, kit_parts.define(uow, **body))


@blueprint.get("/kits/<int:kit_id>")
@blueprint.etag
@blueprint.response(200, schemas.KitSheet)
@in_unit_of_work("stock.read")
def kit(uow: UnitOfWork, kit_id: int) -> Any:
    """Show a kit."""
    return _kit(uow, queries.kit(uow.session, kit_id))


@blueprint.put("/kits/<int:kit_id>")
@blueprint.etag
@blueprint.arguments(schemas.KitChange, example={name: KIT_EXAMPLE[name] for name in ("parts", "tolerance_permille")})
@blueprint.response(200, schemas.KitSheet)
@blueprint.alt_response(409, description="weight-differs")
@in_unit_of_work("kits.manage")
def change_kit(uow: UnitOfWork, body: dict[str, Any], kit_id: int) -> Any:
    """Say anew what a kit is made up from; If-Match holds the ETag that was read."""
    found = queries.kit(uow.session, kit_id)
    blueprint.check_etag(_tag(found))
    return _kit(uow, kit_parts.change(uow, kit_id=kit_id, version=found.version, **body))


@blueprint.post("/kits/<int:kit_id>/retire")
@blueprint.response(200, schemas.KitSheet)
@in_unit_of_work("kits.manage")
def retire_kit(uow: UnitOfWork, kit_id: int) -> Any:
    """Make a kit no more."""
    return _sheets(uow, [kit_parts.retire(uow, kit_id=kit_id)])[0]


# Conversions --------------------------------------------------------------------------------------------------------


def _shown(found: Any, rows: Iterable[Any]) -> dict[str, Any]:
    rows = list(rows)
    return {
        **{name: getattr(found, name) for name in schemas.ConversionOut().fields},
        "went_in": [row.part for row in rows if not row.part.comes_out],
        "came_out": [row.part for row in rows if row.part.comes_out],
    }


def _conversion(uow: UnitOfWork, found: Any) -> dict[str, Any]:
    return _shown(found, queries.lots_of(uow.session, [found.id]).get(found.id, []))


@blueprint.get("/conversions")
@blueprint.arguments(schemas.ConversionQuery, location="query", as_kwargs=True)
@blueprint.response(200, schemas.ConversionsPage)
@in_unit_of_work("stock.read")
def conversions(uow: UnitOfWork, **asked: Any) -> Any:
    """List conversions, the newest first."""
    page = queries.conversion_page(uow.session, uow.actor, **asked)
    items = [_shown(row.conversion, [*row.went_in, *row.came_out]) for row in page.rows]
    return {"items": items, "next_after": page.next_after}


@blueprint.get("/conversions/<int:conversion_id>")
@blueprint.response(200, schemas.ConversionSheet)
@in_unit_of_work("stock.read")
def conversion(uow: UnitOfWork, conversion_id: int) -> Any:
    """Show a conversion with the lots that went in and came out."""
    return _conversion(uow, queries.conversion(uow.session, uow.actor, conversion_id))


@blueprint.post("/conversions/assemble")
@blueprint.arguments(schemas.AssembleIn, example=ASSEMBLE_EXAMPLE)
@blueprint.response(201, schemas.ConversionSheet)
@blueprint.alt_response(409, description="not-enough-parts, weight-differs, kit-retired, not-here")
@in_unit_of_work("stock.operate")
def assemble(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Make up kits; parts that expire first are taken first. Sent twice, they are made once."""
    return _conversion(uow, service.assemble(uow, **body).conversion)


@blueprint.post("/conversions/take-apart")
@blueprint.arguments(schemas.TakeApartIn, example=TAKE_APART_EXAMPLE)
@blueprint.response(201, schemas.ConversionSheet)
@blueprint.alt_response(409, description="not-a-kit, more-than-made, not-enough-stock, release-first")
@in_unit_of_work("stock.operate")
def take_apart(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Take kits apart; the lots that went in come back. Sent twice, it is done once."""
    return _conversion(uow, service.take_apart(uow, **body).conversion)


@blueprint.post("/conversions/repack")
@blueprint.arguments(schemas.RepackIn, example=REPACK_EXAMPLE)
@blueprint.response(201, schemas.ConversionSheet)
@blueprint.alt_response(409, description="weight-differs (with both weights), not-enough-stock, release-first")
@blueprint.alt_response(422, description="loss-too-large, loss-reason-needed, expiry-needed")
@in_unit_of_work("stock.operate")
def repack(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Repack some of a lot into another item; what is lost on the way is a line of its own."""
    return _conversion(uow, service.repack(uow, **body).conversion)


@blueprint.post("/conversions/<int:conversion_id>/undo")
@blueprint.arguments(schemas.UndoIn, example={"operation_id": OPERATION, "reason": "The wrong sack"})
@blueprint.response(200, schemas.ConversionSheet)
@blueprint.alt_response(409, description="not-enough-stock: what came out is not there any more")
@in_unit_of_work("stock.operate")
def undo(uow: UnitOfWork, body: dict[str, Any], conversion_id: int) -> Any:
    """Take a conversion back as a whole."""
    return _conversion(uow, service.undo(uow, conversion_id=conversion_id, **body))
