"""Wire shapes of allocation: queries, forms, JSON bodies and answers."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from app.allocation.states import RunState, ShareState
from app.foundation.fields import Choice, Form, Line, Paged, WholeNumber, Wire, Worded

VIEWS = ("missing", "shares", "pinned", "nowhere")


class Find(Paged):
    """What a list of shares or missing shares is narrowed to."""

    q = Line(load_default=None, most=100, metadata={"description": "household, item or settlement"})
    urgency = WholeNumber(least=1, most=4, load_default=None)
    county_id = WholeNumber(least=1, load_default=None)
    warehouse_id = WholeNumber(least=1, load_default=None)
    code = Line(load_default=None, most=60, metadata={"description": "why it is missing: nowhere_in_stock …"})
    state = Choice(ShareState, load_default=None)


class FindOnPage(Find):
    """The same on a page, with the view that is open."""

    view = Choice(VIEWS, load_default="missing")


class StartForm(Form):
    """Start a run from a page."""

    county_id = WholeNumber(least=1, load_default=None)


class ReasonForm(Form):
    """A decision with its reason, from a page."""

    reason = Line(load_default="", most=300)


class Start(Wire):
    """Start a run over the whole country, or one county."""

    county_id = WholeNumber(
        least=1, load_default=None, allow_none=True, metadata={"description": "null: the whole country"}
    )


class Reason(Wire):
    """A decision by hand and its reason."""

    reason = Line(required=True, least=1, most=300, metadata={"example": "Promised on the phone"})


class AllocationRunOut(Schema):
    """A run and what it brings."""

    id = fields.Integer()
    state = fields.String(metadata={"enum": list(RunState)})
    county_id = fields.Integer(allow_none=True, metadata={"description": "null: the whole country"})
    job_id = fields.Integer(allow_none=True)
    asked_at = fields.AwareDateTime()
    proposed_at = fields.AwareDateTime(allow_none=True)
    approved_at = fields.AwareDateTime(allow_none=True)
    figures = fields.Dict(
        metadata={
            "description": "pairs are [before, after]: covered_pct, least_pct, waiting_days, gini; classes; counties"
        }
    )
    version = fields.Integer()


class AllocationRunsOut(Schema):
    """Some runs, the newest first."""

    items = fields.List(fields.Nested(AllocationRunOut))
    next_after = fields.String(allow_none=True)


class ShareOut(Schema):
    """A quantity of a lot for a need, and why."""

    id = fields.Integer()
    run_id = fields.Integer()
    need_id = fields.Integer()
    household = fields.Function(lambda share: f"H-{share.household_id}")
    county_id = fields.Integer()
    lot_id = fields.Integer()
    place_id = fields.Integer()
    warehouse_id = fields.Integer()
    item_id = fields.Integer()
    quantity = fields.Integer()
    covers = fields.Integer(metadata={"description": "how much of the need, in the need's own units"})
    distance_m = fields.Integer()
    state = fields.String(metadata={"enum": list(ShareState)})
    pinned = fields.Boolean()
    pin_reason = fields.String(allow_none=True)
    reasons = fields.List(Worded())
    version = fields.Integer()


class SharesOut(Schema):
    """Some shares."""

    items = fields.List(fields.Nested(ShareOut))
    next_after = fields.String(allow_none=True)


class Remedy(Schema):
    """What could be done."""

    code = fields.String()
    message = Worded()
    item_id = fields.Integer()
    quantity = fields.Integer()


class Ground(Schema):
    """One step of why."""

    code = fields.String()
    message = Worded()
    item_id = fields.Integer()


class MissingOut(Schema):
    """What a need does not get, and why."""

    id = fields.Integer()
    run_id = fields.Integer()
    need_id = fields.Integer()
    county_id = fields.Integer()
    urgency = fields.Integer()
    quantity = fields.Integer()
    code = fields.String()
    reason = Worded()
    grounds = fields.List(fields.Nested(Ground))
    remedies = fields.List(fields.Nested(Remedy))


class MissingsOut(Schema):
    """Some missing shares, the most urgent first."""

    items = fields.List(fields.Nested(MissingOut))
    next_after = fields.String(allow_none=True)


class NeedSharesOut(Schema):
    """What a need gets and what it lacks."""

    shares = fields.List(fields.Nested(ShareOut))
    missing = fields.Nested(MissingOut, allow_none=True)


def filters(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a query that narrows."""
    names = ("q", "urgency", "county_id", "code", "warehouse_id", "state")
    return {name: asked.get(name) for name in names}
