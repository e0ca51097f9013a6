"""The sheets of labels that can be asked for, by page and by API: what is asked, who may, who makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response

from app.foundation.unit_of_work import UnitOfWork
from app.labels import printing, schemas
from app.labels.faces import Face


@dataclass(frozen=True)
class Sheet:
    """Labels of one kind of things."""

    name: str
    """As it stands in addresses: /labels/places.pdf, /api/v1/labels/places."""
    word: str
    """Of the file that is made: place-labels.pdf."""
    asked: type[schemas.LabelsAsked]
    make: Callable[..., list[Face]]
    permission: str
    summary: str
    """For the OpenAPI document."""
    made: str
    needs_choice: bool = True

    def pdf(self, uow: UnitOfWork, asked: dict[str, Any]) -> Response:
        """Return the labels of what is asked as a PDF that the browser shows."""
        start, copies = asked.pop("start"), asked.pop("copies")
        document = printing.printed(self.make(uow, **asked), size=asked["size"], start=start, copies=copies)
        headers = {"Content-Disposition": f'inline; filename="{self.word}-labels.pdf"'}
        return Response(document, mimetype="application/pdf", headers=headers)


SHEETS = (
    Sheet(
        "places", "place", schemas.PlacesAsked, printing.places, "stock.operate",
        "Return the labels of shelves and other places.", "Labels of places",
    ),
    Sheet(
        "lots", "lot", schemas.LotsAsked, printing.lots, "stock.operate",
        "Return the labels of lots.", "Labels of lots",
    ),
    Sheet(
        "boxes", "box", schemas.BoxesAsked, printing.boxes, "stock.operate",
        "Return the labels of boxes and pallets with their SSCC.",
        "Labels of boxes, GS1 logistic labels of pallets",
    ),
    Sheet(
        "parcels", "parcel", schemas.ParcelsAsked, printing.parcels, "runs.load",
        "Return the labels of parcels in the order of loading.", "Labels of parcels; they name no household",
    ),
    Sheet(
        "runs", "run", schemas.RunsAsked, printing.runs, "runs.load",
        "Return the labels of runs, to begin loading with a scan.", "Labels of runs",
    ),
    Sheet(
        "documents", "document", schemas.DocumentsAsked, printing.documents, "stock.operate",
        "Return the labels of transfers, stocktakes or offers, to begin the work with a scan.",
        "Labels of transfers, stocktakes or offers",
    ),
    Sheet(
        "multipliers", "multiplier", schemas.LabelsAsked, printing.multipliers, "stock.operate",
        'Return the sheet to scan "so many of the next item" from.', "The sheet of multipliers, × 2 … × 100",
        needs_choice=False,
    ),
)  # fmt: skip
