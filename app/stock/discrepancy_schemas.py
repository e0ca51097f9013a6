"""Wire shapes of discrepancies."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.foundation.fields import Asked, Choice, Form, Id, Line, Moment, Quantity, WholeNumber, Wire, Worded
from app.foundation.paging import PAGE_SIZE_MAX
from app.stock.discrepancies import RESOLUTIONS

DEEDS = tuple(each for each in RESOLUTIONS if each != "counted")
"""What can be done about a discrepancy from here; a count is opened among the stocktakes."""


class ReviewsQuery(Asked):
    """Which discrepancies."""

    state = Choice(("open", "resolved", "all"), load_default="open")
    outcome = Choice(("needs_review", "rejected"), load_default=None)
    kind = Line(most=40, load_default=None)
    warehouse_id = Id(load_default=None)
    after = Line(load_default=None)
    size = WholeNumber(least=1, most=PAGE_SIZE_MAX)


class ExportQuery(ReviewsQuery):
    """Which discrepancies, as which kind of table."""

    form = Choice(("csv", "xlsx"), load_default="csv")


class ReviewOut(Schema):
    """A discrepancy: what a phone saw, and what the books said."""

    id = fields.Integer()
    operation_id = fields.UUID()
    kind = fields.String()
    outcome = fields.String(validate=validate.OneOf(("needs_review", "rejected")))
    payload = fields.Dict()
    said = fields.List(Worded())
    lot_id = fields.Integer(allow_none=True)
    place_id = fields.Integer(allow_none=True)
    quantity = fields.Integer(allow_none=True)
    happened_at = Moment()
    opened_at = Moment()
    actor_id = fields.Integer(allow_none=True)
    warehouse_id = fields.Integer()
    state = fields.String()
    resolution = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    resolved_at = Moment(allow_none=True)
    movement_id = fields.Integer(allow_none=True)


class ReviewsOut(Schema):
    """A page of discrepancies, the newest first."""

    items = fields.List(fields.Nested(ReviewOut))
    next_after = fields.String(allow_none=True)


class ResolveIn(Wire):
    """What is done about a discrepancy."""

    resolution = Choice(DEEDS, required=True)
    operation_id = fields.UUID(required=True)
    lot_id = Id(load_default=None, allow_none=True)
    place_id = Id(load_default=None, allow_none=True)
    quantity = Quantity(load_default=None, allow_none=True)
    note = Line(most=300, load_default=None, allow_none=True)


class ResolveForm(Form):
    """What is done about a discrepancy, by form."""

    resolution = Choice(DEEDS, required=True)
    operation_id = fields.UUID(required=True)
    lot_id = Id(load_default=None)
    place_id = Id(load_default=None)
    quantity = Quantity(load_default=None)
    note = Line(most=300, load_default=None)


def filters(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the filters of a question, without how many and after which."""
    chosen = {name: asked[name] for name in ("outcome", "kind", "warehouse_id")}
    return {**chosen, "state": None if asked["state"] == "all" else asked["state"]}
