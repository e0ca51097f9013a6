"""Wire shapes of plans."""

from __future__ import annotations

from marshmallow import fields, validate

from app.foundation.fields import Asked, Choice, Line, Moment, WholeNumber, Wire, Worded
from app.foundation.paging import PAGE_SIZE, PAGE_SIZE_MAX
from app.planning.models import PlanState
from app.planning.service import SECONDS_MAX, SECONDS_USUAL

SEED_MAX = 2**31 - 1
COUNTIES_MAX = 50


class FindPlans(Asked):
    """What a list of plans is narrowed to."""

    after = Line(load_default=None, most=500, metadata={"description": "next_after of the page before"})
    size = WholeNumber(least=1, most=PAGE_SIZE_MAX, load_default=PAGE_SIZE)
    on = fields.Date(load_default=None)
    state = Choice(PlanState, load_default=None)
    county_id = WholeNumber(least=1, load_default=None)


class StartPlan(Wire):
    """A day to plan."""

    on = fields.Date(required=True)
    county_ids = fields.List(
        WholeNumber(least=1),
        load_default=None,
        validate=validate.Length(min=1, max=COUNTIES_MAX),
        metadata={"description": "without it: all counties that you plan for"},
    )
    seconds_max = WholeNumber(least=1, most=SECONDS_MAX, load_default=SECONDS_USUAL)
    seed = WholeNumber(least=0, most=SEED_MAX, load_default=1)


class ReadIn(Wire):
    """A problem that any program wrote in the exchange format."""

    problem = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "adomanybank-problem version 1, as /plans/{id}/export gives it"},
    )
    seconds_max = WholeNumber(least=1, most=SECONDS_MAX, load_default=SECONDS_USUAL)
    seed = WholeNumber(least=0, most=SEED_MAX, load_default=1)


class PlanOut(Wire):
    """A plan with the figures of its best answer."""

    id = fields.Integer()
    on = fields.Date()
    state = fields.String(metadata={"description": "queued, solving, draft, published, superseded or failed"})
    county_ids = fields.List(fields.Integer())
    engine = fields.String()
    seed = fields.Integer()
    seconds_max = fields.Integer()
    job_id = fields.Integer(allow_none=True)
    asked_at = Moment()
    solved_at = Moment(allow_none=True)
    published_at = Moment(allow_none=True)
    figures = fields.Dict(keys=fields.String(), metadata={"description": "money in whole forints"})
    course = fields.List(
        fields.List(fields.Float()), metadata={"description": "how it fell: [seconds, objective, served]"}
    )
    version = fields.Integer()


class PlansPage(Wire):
    """A page of plans."""

    items = fields.List(fields.Nested(PlanOut), attribute="rows")
    next_after = fields.String(allow_none=True)


class VisitOut(Wire):
    """A stop on a run."""

    stop_id = fields.Integer()
    name = fields.String()
    lat = fields.Float(allow_none=True)
    lon = fields.Float(allow_none=True)
    arrival_seconds = fields.Integer()
    begins_seconds = fields.Integer()
    departure_seconds = fields.Integer()
    parcels = fields.Integer()


class RunOut(Wire):
    """A proposed run; times are seconds after midnight in Budapest."""

    vehicle_id = fields.Integer()
    vehicle = fields.String()
    warehouse_id = fields.Integer()
    warehouse = fields.String()
    start_seconds = fields.Integer()
    end_seconds = fields.Integer()
    distance_m = fields.Integer()
    weight_g = fields.Integer()
    volume_ml = fields.Integer()
    cost_huf = fields.Integer()
    visits = fields.List(fields.Nested(VisitOut))


class RunsOut(Wire):
    """The runs of a plan."""

    items = fields.List(fields.Nested(RunOut))


class RelaxationOut(Wire):
    """A change that would let a stop be served."""

    code = fields.String()
    facts = fields.Dict(keys=fields.String())
    message = Worded()
    vehicle_id = fields.Integer(allow_none=True)
    position = fields.Integer(allow_none=True)
    extra_m = fields.Integer()


class UnservedOut(Wire):
    """A stop left out, and why."""

    stop_id = fields.Integer()
    name = fields.String()
    priority = fields.Integer()
    parcels = fields.Integer()
    code = fields.String()
    reason = Worded(allow_none=True)
    relaxations = fields.List(fields.Nested(RelaxationOut))


class UnservedPage(Wire):
    """The stops that a plan leaves out, most urgent first."""

    items = fields.List(fields.Nested(UnservedOut))


class ServeStop(Wire):
    """A change that would serve a stop: one of its relaxations."""

    code = Line(required=True, least=1, most=40)


class Exchange(Wire):
    """A whole problem and its plan."""

    problem = fields.Dict(keys=fields.String())
    plan = fields.Dict(keys=fields.String())
