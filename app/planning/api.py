"""Plans as JSON."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork
from app.planning import queries, schemas, service

blueprint = Blueprint("planning-api", __name__, description="Plans: which run visits whom, in what order")


@blueprint.get("/plans")
@blueprint.arguments(schemas.FindPlans, location="query", as_kwargs=True)
@blueprint.response(200, schemas.PlansPage)
@in_unit_of_work("plans.read")
def plans(uow: UnitOfWork, *, after: str | None, size: int, **asked: Any) -> Any:
    """List plans, the newest day first."""
    return queries.plans_page(uow.session, uow.actor, queries.Asked(**asked), after=after, size=size)


@blueprint.post("/plans")
@blueprint.etag
@blueprint.arguments(schemas.StartPlan, as_kwargs=True)
@blueprint.response(202, schemas.PlanOut)
@blueprint.alt_response(422, description="No county, or a day that has passed: no-county, past-day")
@in_unit_of_work("plans.plan")
def start(uow: UnitOfWork, **asked: Any) -> Any:
    """Ask for a plan of a day. It is worked on by a job; one that is under way already is answered instead."""
    return service.start(uow, **asked)


@blueprint.post("/plans/problems")
@blueprint.etag
@blueprint.arguments(schemas.ReadIn, as_kwargs=True)
@blueprint.response(202, schemas.PlanOut)
@blueprint.alt_response(422, description="What was sent is no problem: problem-unreadable, with the place")
@in_unit_of_work("plans.import")
def read_in(uow: UnitOfWork, **asked: Any) -> Any:
    """Plan a problem of your own, written as the export writes it. Its plan can be read and exported, not published."""
    return service.read_in(uow, **asked)


@blueprint.get("/plans/<int:plan_id>")
@blueprint.etag
@blueprint.response(200, schemas.PlanOut)
@in_unit_of_work("plans.read")
def plan(uow: UnitOfWork, plan_id: int) -> Any:
    """Show a plan: its state and the figures of its best answer so far."""
    return queries.plan(uow.session, uow.actor, plan_id)


@blueprint.get("/plans/<int:plan_id>/runs")
@blueprint.response(200, schemas.RunsOut)
@in_unit_of_work("plans.read")
def runs(uow: UnitOfWork, plan_id: int) -> Any:
    """List a plan's runs with their stops, the best so far while it is being worked on."""
    return {"items": queries.runs(uow.session, uow.actor, plan_id)}


@blueprint.get("/plans/<int:plan_id>/unserved")
@blueprint.response(200, schemas.UnservedPage)
@in_unit_of_work("plans.read")
def unserved(uow: UnitOfWork, plan_id: int) -> Any:
    """List the stops that were left out: why, and the cheapest change that would serve each."""
    return {"items": queries.unserved(uow.session, uow.actor, plan_id)}


@blueprint.post("/plans/<int:plan_id>/unserved/<int:stop_id>")
@blueprint.etag
@blueprint.arguments(schemas.ServeStop, as_kwargs=True)
@blueprint.response(200, schemas.PlanOut)
@blueprint.alt_response(409, description="It does not fit any more: not-to-be-served; or not-a-draft")
@in_unit_of_work("plans.plan")
def serve(uow: UnitOfWork, plan_id: int, stop_id: int, *, code: str) -> Any:
    """Serve a stop that was left out by making one of its relaxations; the draft gets a new version."""
    return service.serve(uow, plan_id=plan_id, stop_id=stop_id, code=code)


@blueprint.get("/plans/<int:plan_id>/export")
@blueprint.response(200, schemas.Exchange)
@blueprint.alt_response(409, description="It has only begun: no-answer-yet")
@in_unit_of_work("plans.read")
def export(uow: UnitOfWork, plan_id: int) -> Any:
    """Give the whole problem and its plan: points, distances used, capacities, windows, costs, routes.

    Anybody can recompute it; the same JSON is read back by POST /plans/problems and by scripts/bench/plan.
    """
    return queries.export(uow.session, uow.actor, plan_id)


@blueprint.post("/plans/<int:plan_id>/stop")
@blueprint.response(202, schemas.PlanOut)
@in_unit_of_work("plans.plan")
def stop(uow: UnitOfWork, plan_id: int) -> Any:
    """Stop a search that is good enough: the best plan so far becomes the draft."""
    return service.cancel(uow, plan_id=plan_id)


@blueprint.post("/plans/<int:plan_id>/publish")
@blueprint.etag
@blueprint.response(200, schemas.PlanOut)
@blueprint.alt_response(409, description="not-a-draft, nothing-to-publish or plan-out-of-date")
@blueprint.alt_response(412, description="The plan was changed since it was read")
@in_unit_of_work("plans.publish")
def publish(uow: UnitOfWork, plan_id: int) -> Any:
    """Publish a draft: its runs can be loaded and its drivers see them."""
    found = queries.plan(uow.session, uow.actor, plan_id, "plans.publish")
    blueprint.check_etag(found, schemas.PlanOut)
    return service.publish(uow, plan_id=plan_id)
