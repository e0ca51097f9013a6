"""Discrepancies as JSON."""

from __future__ import annotations

from typing import Any

from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork
from app.stock import discrepancy_schemas as schemas
from app.stock import operations, queries
from app.stock.api import blueprint

EXAMPLE = {
    "resolution": "found",
    "operation_id": "01936b2e-7f3a-7c1d-9a40-3b1f6f1f2a10",
    "lot_id": 20811,
    "place_id": 412,
    "quantity": 2,
    "note": "Behind the pallet.",
}


@blueprint.get("/discrepancies")
@blueprint.arguments(schemas.ReviewsQuery, location="query")
@blueprint.response(200, schemas.ReviewsOut)
@in_unit_of_work("stock.read")
def reviews(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List what phones saw and the books did not, the newest first."""
    pages = {name: asked[name] for name in ("after", "size") if asked.get(name) is not None}
    page = queries.review_page(uow.session, uow.actor, **schemas.filters(asked), **pages)
    return {"items": [row.review for row in page.rows], "next_after": page.next_after}


@blueprint.get("/discrepancies/<int:review_id>")
@blueprint.response(200, schemas.ReviewOut)
@in_unit_of_work("stock.read")
def review(uow: UnitOfWork, review_id: int) -> Any:
    """Return a discrepancy."""
    return queries.review(uow.session, uow.actor, review_id)


@blueprint.post("/discrepancies/<int:review_id>/resolve")
@blueprint.arguments(schemas.ResolveIn, example=EXAMPLE)
@blueprint.response(200, schemas.ReviewOut)
@blueprint.alt_response(409, description="discrepancy-resolved, cannot-do-again, not-enough-stock")
@in_unit_of_work("stock.review")
def resolve(uow: UnitOfWork, body: dict[str, Any], review_id: int) -> Any:
    """Resolve a discrepancy: found, lost, contained, again, or nothing with a note. Sent twice, it is done once."""
    return operations.resolve(uow, review_id=review_id, **body)
