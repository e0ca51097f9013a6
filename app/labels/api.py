"""Labels as PDF for programs: /api/v1/labels/…"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork
from app.labels import printing, schemas
from app.labels.faces import Face

blueprint = Blueprint("labels-api", "labels", description="Labels as PDF, ready to print")

NOTHING = "nothing-to-print: it is not there, or not yours to see"
TOO_MANY = "too-many-labels, or a code that no label can carry"


def pdf(make: Callable[..., list[Face]], uow: UnitOfWork, asked: dict[str, Any], name: str) -> Response:
    """Return the labels of what is asked as a PDF that the browser shows."""
    start, copies = asked.pop("start"), asked.pop("copies")
    document = printing.printed(make(uow, **asked), size=asked["size"], start=start, copies=copies)
    headers = {"Content-Disposition": f'inline; filename="{name}-labels.pdf"'}
    return Response(document, mimetype="application/pdf", headers=headers)


@blueprint.get("/labels/places")
@blueprint.arguments(schemas.PlacesAsked, location="query")
@blueprint.response(200, content_type="application/pdf", description="Labels of places")
@blueprint.alt_response(404, description=NOTHING)
@blueprint.alt_response(422, description=TOO_MANY)
@in_unit_of_work("stock.operate")
def places(uow: UnitOfWork, asked: dict[str, Any]) -> Response:
    """Return the labels of shelves and other places."""
    return pdf(printing.places, uow, asked, "place")


@blueprint.get("/labels/lots")
@blueprint.arguments(schemas.LotsAsked, location="query")
@blueprint.response(200, content_type="application/pdf", description="Labels of lots")
@blueprint.alt_response(404, description=NOTHING)
@blueprint.alt_response(422, description=TOO_MANY)
@in_unit_of_work("stock.operate")
def lots(uow: UnitOfWork, asked: dict[str, Any]) -> Response:
    """Return the labels of lots."""
    return pdf(printing.lots, uow, asked, "lot")


@blueprint.get("/labels/boxes")
@blueprint.arguments(schemas.BoxesAsked, location="query")
@blueprint.response(200, content_type="application/pdf", description="Labels of boxes, GS1 logistic labels of pallets")
@blueprint.alt_response(404, description=NOTHING)
@blueprint.alt_response(422, description=TOO_MANY)
@in_unit_of_work("stock.operate")
def boxes(uow: UnitOfWork, asked: dict[str, Any]) -> Response:
    """Return the labels of boxes and pallets with their SSCC."""
    return pdf(printing.boxes, uow, asked, "box")


@blueprint.get("/labels/parcels")
@blueprint.arguments(schemas.ParcelsAsked, location="query")
@blueprint.response(200, content_type="application/pdf", description="Labels of parcels; they name no household")
@blueprint.alt_response(404, description=NOTHING)
@blueprint.alt_response(422, description=TOO_MANY)
@in_unit_of_work("runs.load")
def parcels(uow: UnitOfWork, asked: dict[str, Any]) -> Response:
    """Return the labels of parcels in the order of loading."""
    return pdf(printing.parcels, uow, asked, "parcel")


@blueprint.get("/labels/runs")
@blueprint.arguments(schemas.RunsAsked, location="query")
@blueprint.response(200, content_type="application/pdf", description="Labels of runs")
@blueprint.alt_response(404, description=NOTHING)
@blueprint.alt_response(422, description=TOO_MANY)
@in_unit_of_work("runs.load")
def runs(uow: UnitOfWork, asked: dict[str, Any]) -> Response:
    """Return the labels of runs, to begin loading with a scan."""
    return pdf(printing.runs, uow, asked, "run")


@blueprint.get("/labels/documents")
@blueprint.arguments(schemas.DocumentsAsked, location="query")
@blueprint.response(200, content_type="application/pdf", description="Labels of transfers, stocktakes or offers")
@blueprint.alt_response(404, description=NOTHING)
@blueprint.alt_response(422, description=TOO_MANY)
@in_unit_of_work("stock.operate")
def documents(uow: UnitOfWork, asked: dict[str, Any]) -> Response:
    """Return the labels of transfers, stocktakes or offers, to begin the work with a scan."""
    return pdf(printing.documents, uow, asked, asked["kind"])


@blueprint.get("/labels/multipliers")
@blueprint.arguments(schemas.LabelsAsked, location="query")
@blueprint.response(200, content_type="application/pdf", description="The sheet of multipliers, × 2 … × 100")
@in_unit_of_work("stock.operate")
def multipliers(uow: UnitOfWork, asked: dict[str, Any]) -> Response:
    """Return the sheet to scan "so many of the next item" from."""
    return pdf(printing.multipliers, uow, asked, "multiplier")
