"""The catalogue as JSON."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from app.catalogue import queries, schemas, service
from app.foundation.http import in_unit_of_work
from app.foundation.language import language
from app.foundation.unit_of_work import UnitOfWork

blueprint = Blueprint("catalogue-api", __name__, description="What can be given: categories, items, packs, barcodes")


@blueprint.get("/categories")
@blueprint.response(200, schemas.CategoriesView)
@in_unit_of_work("catalogue.read")
def categories(uow: UnitOfWork) -> dict[str, Any]:
    """List every category, parents before children."""
    return {"items": queries.categories(uow.session)}


@blueprint.get("/items")
@blueprint.arguments(schemas.ItemsAsked, location="query")
@blueprint.response(200, schemas.ItemsView)
@in_unit_of_work("catalogue.read")
def items(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List items by name."""
    page = queries.item_page(uow.session, language=language(), **asked)
    return {"items": page.rows, "next_after": page.next_after}


@blueprint.post("/items")
@blueprint.arguments(schemas.ItemIn)
@blueprint.response(201, schemas.ItemWithPacks)
@in_unit_of_work("catalogue.manage")
def create_item(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Add an item."""
    return queries.item(uow.session, service.create_item(uow, **body).id)


@blueprint.get("/items/<int:item_id>")
@blueprint.etag
@blueprint.response(200, schemas.ItemWithPacks)
@in_unit_of_work("catalogue.read")
def item(uow: UnitOfWork, item_id: int) -> Any:
    """Return an item with its packs, and its ETag."""
    found = queries.item(uow.session, item_id)
    blueprint.set_etag({"item": found.id, "version": found.version, "packs": len(found.packs)})
    return found


@blueprint.patch("/items/<int:item_id>")
@blueprint.etag
@blueprint.arguments(schemas.ItemChange)
@blueprint.response(200, schemas.ItemWithPacks)
@in_unit_of_work("catalogue.manage")
def change_item(uow: UnitOfWork, body: dict[str, Any], item_id: int) -> Any:
    """Change an item; If-Match holds the ETag that was read."""
    found = queries.item(uow.session, item_id)
    blueprint.check_etag({"item": found.id, "version": found.version, "packs": len(found.packs)})
    changed = service.change_item(uow, item_id=item_id, version=found.version, **body)
    blueprint.set_etag({"item": changed.id, "version": changed.version, "packs": len(changed.packs)})
    return changed


@blueprint.post("/items/<int:item_id>/retire")
@blueprint.response(200, schemas.ItemWithPacks)
@in_unit_of_work("catalogue.manage")
def retire_item(uow: UnitOfWork, item_id: int) -> Any:
    """Give no more of an item; it stays in the catalogue."""
    return service.retire_item(uow, item_id=item_id)


@blueprint.post("/items/<int:item_id>/packs")
@blueprint.arguments(schemas.PackIn)
@blueprint.response(201, schemas.PackView)
@in_unit_of_work("catalogue.read")
def learn_pack(uow: UnitOfWork, body: dict[str, Any], item_id: int) -> Any:
    """Learn that a barcode holds so many base units of an item; learnt once, for all warehouses."""
    return service.learn_pack(uow, item_id=item_id, **body)
