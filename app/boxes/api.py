"""Boxes and pallets as JSON. Devices that lose the network use POST /operations with the same deeds."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from app.boxes import operation_kinds as _registers_its_kinds  # noqa: F401
from app.boxes import queries, schemas, service
from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork

blueprint = Blueprint("boxes-api", __name__, description="Boxes and pallets: handling units that move as one")
EXAMPLE = "0192f6a0-7c1b-7d55-8a3e-1f2d3c4b5a69"


@blueprint.get("/boxes")
@blueprint.arguments(schemas.FindBoxes, location="query")
@blueprint.response(200, schemas.BoxesOut)
@in_unit_of_work("stock.read")
def boxes(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List boxes, the newest first; without a state, those in use."""
    page = queries.box_page(uow.session, uow.actor, **asked)
    items = [
        {**_plain(row.box, row.place), "pieces": row.pieces, "weight_g": row.weight_g, "lots": row.lots,
         "boxes": row.boxes}
        for row in page.rows
    ]  # fmt: skip
    return {"items": items, "next_after": page.next_after}


def _plain(box: Any, place: Any) -> dict[str, Any]:
    nested = ("code", "stands_on_id", "root_id")
    names = [name for name in schemas.BoxOut().fields if name not in nested]
    return {**{name: getattr(box, name) for name in names}, "place": place}


@blueprint.get("/boxes/by-code")
@blueprint.arguments(schemas.FindByCode, location="query")
@blueprint.response(200, schemas.BoxSheetOut)
@in_unit_of_work("stock.read")
def box_by_code(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """Find a box by its SSCC or printed code."""
    return _sheet(uow, queries.box_by_code(uow.session, uow.actor, asked["code"]))


@blueprint.post("/boxes")
@blueprint.arguments(schemas.OpenIn, example={"operation_id": EXAMPLE, "kind": "pallet", "place_id": 12})
@blueprint.response(201, schemas.BoxSheetOut)
@in_unit_of_work("stock.operate")
def open_box(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """Open a box or pallet; it gets its SSCC."""
    return _sheet(uow, service.open_box(uow, **body))


@blueprint.get("/boxes/<int:box_id>")
@blueprint.response(200, schemas.BoxSheetOut)
@in_unit_of_work("stock.read")
def box(uow: UnitOfWork, box_id: int) -> dict[str, Any]:
    """Return a box with all that is in it."""
    return _sheet(uow, queries.box(uow.session, uow.actor, box_id))


def _sheet(uow: UnitOfWork, found: Any) -> dict[str, Any]:
    pieces, weight_g, lots, inner, _ = queries.totals_of(uow.session, found.id)
    branches = [
        {"box": _plain(each.box, each.box.place), "depth": each.depth, "contents": each.contents}
        for each in queries.tree(uow.session, found)
    ]
    totals = {"pieces": pieces, "weight_g": weight_g, "lots": lots, "boxes": inner}
    return {**_plain(found, found.place), **totals, "tree": branches}


@blueprint.post("/boxes/<int:box_id>/fill")
@blueprint.arguments(
    schemas.FillIn, example={"operation_id": EXAMPLE, "lot_id": 20811, "from_place_id": 12, "quantity": 6}
)
@blueprint.response(200, schemas.BoxSheetOut)
@blueprint.alt_response(409, description="not-enough-stock, box-not-open, box-dissolved")
@in_unit_of_work("stock.operate")
def fill(uow: UnitOfWork, body: dict[str, Any], box_id: int) -> dict[str, Any]:
    """Put some of a lot into the box."""
    if not queries.moved_by(uow.session, body["operation_id"]):
        service.fill_box(uow, box_id=box_id, **body)
    return _sheet(uow, queries.box(uow.session, uow.actor, box_id))


@blueprint.post("/boxes/<int:box_id>/empty")
@blueprint.arguments(schemas.EmptyIn, example={"operation_id": EXAMPLE, "lot_id": 20811, "quantity": 6})
@blueprint.response(200, schemas.BoxSheetOut)
@blueprint.alt_response(409, description="not-enough-stock, box-not-open, box-dissolved")
@in_unit_of_work("stock.operate")
def empty(uow: UnitOfWork, body: dict[str, Any], box_id: int) -> dict[str, Any]:
    """Take some of a lot out of the box."""
    if not queries.moved_by(uow.session, body["operation_id"]):
        service.empty_box(uow, box_id=box_id, **body)
    return _sheet(uow, queries.box(uow.session, uow.actor, box_id))


@blueprint.post("/boxes/<int:box_id>/move")
@blueprint.arguments(schemas.MoveIn, example={"operation_id": EXAMPLE, "to_place_id": 14})
@blueprint.response(200, schemas.BoxSheetOut)
@blueprint.alt_response(409, description="cannot-nest, other-warehouse, wrong-storage, box-dissolved")
@in_unit_of_work("stock.operate")
def move(uow: UnitOfWork, body: dict[str, Any], box_id: int) -> dict[str, Any]:
    """Move the box with all that is in it: to a place, or into the box that the place is."""
    service.move_boxes(uow, box_ids=[box_id], **body)
    return _sheet(uow, queries.box(uow.session, uow.actor, box_id))


@blueprint.post("/boxes/<int:box_id>/close")
@blueprint.response(200, schemas.BoxSheetOut)
@in_unit_of_work("stock.operate")
def close(uow: UnitOfWork, box_id: int) -> dict[str, Any]:
    """Close the box."""
    return _sheet(uow, service.close_box(uow, box_id=box_id))


@blueprint.post("/boxes/<int:box_id>/reopen")
@blueprint.response(200, schemas.BoxSheetOut)
@in_unit_of_work("stock.operate")
def reopen(uow: UnitOfWork, box_id: int) -> dict[str, Any]:
    """Open the closed box again."""
    return _sheet(uow, service.reopen_box(uow, box_id=box_id))


@blueprint.post("/boxes/<int:box_id>/dissolve")
@blueprint.response(200, schemas.BoxSheetOut)
@blueprint.alt_response(409, description="box-not-empty")
@in_unit_of_work("stock.operate")
def dissolve(uow: UnitOfWork, box_id: int) -> dict[str, Any]:
    """Use the empty box no more."""
    return _sheet(uow, service.dissolve_box(uow, box_id=box_id))


@blueprint.post("/boxes/<int:box_id>/merge")
@blueprint.arguments(schemas.MergeIn, example={"operation_id": EXAMPLE, "into_box_id": 8, "pieces": 24})
@blueprint.response(200, schemas.BoxSheetOut)
@blueprint.alt_response(409, description="count-differs: the books have another number of pieces in it")
@in_unit_of_work("stock.operate")
def merge(uow: UnitOfWork, body: dict[str, Any], box_id: int) -> dict[str, Any]:
    """Put everything in the box into another one; ``pieces`` is what was counted. Returns the other one."""
    merged = service.merge_boxes(uow, box_id=box_id, **body)
    return _sheet(uow, queries.box(uow.session, uow.actor, merged.into.id))


@blueprint.post("/boxes/<int:box_id>/split")
@blueprint.arguments(schemas.SplitIn, example={"operation_id": EXAMPLE, "lines": [{"lot_id": 20811, "quantity": 6}]})
@blueprint.response(201, schemas.BoxSheetOut)
@in_unit_of_work("stock.operate")
def split(uow: UnitOfWork, body: dict[str, Any], box_id: int) -> dict[str, Any]:
    """Put some of what is in the box into a new one, and return that."""
    return _sheet(uow, service.split_box(uow, box_id=box_id, **body))
