"""What is asked of labels: of which things, in which size, from which label of the sheet on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, pre_load

from app.boxes.models import BoxKind
from app.foundation.fields import Asked, Choice, Id, Line, WholeNumber
from app.labels.faces import PER_SHEET, SIZES
from app.labels.printing import COPIES_MAX, LABELS_MAX
from app.stock.models import PlaceKind

CALLED = re.compile(r"^[A-Za-z]-(?=[0-9])")
DOCUMENTS = ("transfer", "stocktake", "offer")


class Ids(fields.Field[list[int]]):
    """Numbers of rows: ?ids=3,5,8; as people call them, too: L-3, L-5."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[int]:
        one = Id()
        parts = [CALLED.sub("", part.strip()) for part in str(value).split(",")]
        if len(parts) > LABELS_MAX:
            raise ValidationError("Too many at once.")
        return sorted({one.deserialize(part) for part in parts if part})


class LabelsAsked(Asked):
    """What every kind of label asks."""

    size = Choice(SIZES, load_default="a4", metadata={"description": "A4 sheet of 3 × 8, label printers' sizes"})
    start = WholeNumber(
        least=1,
        most=PER_SHEET,
        load_default=1,
        metadata={"description": "The first label of an A4 sheet that has not been used yet"},
    )
    copies = WholeNumber(least=1, most=COPIES_MAX, load_default=1, metadata={"description": "Of each label"})

    @pre_load
    def join_repeated(self, data: Any, **_: Any) -> Mapping[str, Any]:
        """Read ?ids=3&ids=5, as a form with ticks sends it, like ?ids=3,5."""
        if hasattr(data, "getlist") and len(data.getlist("ids")) > 1:
            return {**data, "ids": ",".join(data.getlist("ids"))}
        return dict(data)


class _OfThings(LabelsAsked):
    ids = Ids(metadata={"type": "string", "example": "3,5,8", "description": "Their numbers"})


class PlacesAsked(_OfThings):
    """Places: these, those of a warehouse, of a kind, from one code to another, or whose code begins so."""

    warehouse_id = Id()
    first = Line(most=40, metadata={"example": "MIS-A-01", "description": "From this code on; alone: begins so"})
    last = Line(most=40, metadata={"example": "MIS-A-09", "description": "To this code, and what begins like it"})
    kind = Choice([PlaceKind.SHELF, PlaceKind.DOCK, PlaceKind.QUARANTINE, PlaceKind.STAGING, PlaceKind.VEHICLE])


class LotsAsked(_OfThings):
    """Lots: these, or those that lie in a place now."""

    place_id = Id()


class BoxesAsked(_OfThings):
    """Boxes and pallets: these, or those of a warehouse that are in use."""

    warehouse_id = Id()
    kind = Choice(BoxKind)


class ParcelsAsked(_OfThings):
    """Parcels: these, or those of a run, in the order of loading."""

    run_id = Id()


class RunsAsked(LabelsAsked):
    """Runs."""

    ids = Ids(required=True, metadata={"type": "string", "example": "7", "description": "Their numbers"})


class DocumentsAsked(RunsAsked):
    """Transfers, stocktakes or offers."""

    kind = Choice(DOCUMENTS, required=True)
