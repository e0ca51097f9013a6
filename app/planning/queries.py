"""Reads: plans, their newest answer, how it fell, and what a new plan starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.orm import Session, undefer

from app.delivery.models import Parcel, ParcelState, Run, RunState, Vehicle
from app.foundation.actor import Actor, Scope
from app.foundation.job import ENDED, Job
from app.foundation.paging import PAGE_SIZE, Page, page
from app.geography.models import County, Settlement
from app.planning import formats
from app.planning.errors import NoAnswerYet, NoSuchPlan
from app.planning.models import Plan, PlanState, PlanVersion
from app.planning.picture import Question
from app.planning.problem import Plan as Answer
from app.planning.problem import Problem, Visit
from app.stock.models import Warehouse

READ = "plans.read"
LIVE = (PlanState.QUEUED, PlanState.SOLVING)
"""Still being worked on."""


def may_see(actor: Actor, permission: str = READ) -> ColumnElement[bool]:
    """Return the condition that leaves the plans whose counties are all the actor's."""
    scope = actor.grants.get(permission)
    if scope is Scope.ALL:
        return true()
    if scope is not Scope.COUNTY:
        return false()
    counties = list(actor.reach.get(Scope.COUNTY, ()))
    return and_(Plan.county_ids.contained_by(counties), func.cardinality(Plan.county_ids) > 0)


def plan(session: Session, actor: Actor, plan_id: int, permission: str = READ) -> Plan:
    """Return a plan that the actor may see."""
    found = session.scalar(select(Plan).where(Plan.id == plan_id, may_see(actor, permission)))
    if found is None:
        raise NoSuchPlan(plan_id=plan_id)
    return found


def plan_for_change(session: Session, actor: Actor, plan_id: int, permission: str) -> Plan:
    """Return a plan under lock, if the actor may do this with it."""
    statement = select(Plan).where(Plan.id == plan_id, may_see(actor, permission)).with_for_update()
    found = session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NoSuchPlan(plan_id=plan_id)
    return found


@dataclass(frozen=True)
class Asked:
    """What a list of plans is narrowed to."""

    on: date | None = None
    state: str | None = None
    county_id: int | None = None


def plans_page(
    session: Session, actor: Actor, asked: Asked | None = None, *, after: str | None = None, size: int = PAGE_SIZE
) -> Page[Plan]:
    """Return plans, the newest day first."""
    asked = asked or Asked()
    statement = select(Plan).where(may_see(actor))
    if asked.on is not None:
        statement = statement.where(Plan.on == asked.on)
    if asked.state is not None:
        statement = statement.where(Plan.state == asked.state)
    if asked.county_id is not None:
        statement = statement.where(Plan.county_ids.contains([asked.county_id]))
    return page(session, statement, order=[Plan.on, Plan.id], after=after, size=size, descending=True)


def newest_plan(session: Session, actor: Actor, on: date | None = None) -> Plan | None:
    """Return the newest plan that the actor may see, of a day if given."""
    statement = select(Plan).where(may_see(actor)).order_by(Plan.id.desc()).limit(1)
    if on is not None:
        statement = statement.where(Plan.on == on)
    return session.scalar(statement)


def published_plan(session: Session, actor: Actor, on: date, county_ids: Iterable[int] = ()) -> Plan | None:
    """Return the newest published plan of a day that shares a county with these (of any county without them)."""
    statement = select(Plan).where(may_see(actor), Plan.on == on, Plan.state == PlanState.PUBLISHED)
    if county_ids := list(county_ids):
        statement = statement.where(Plan.county_ids.overlap(county_ids))
    return session.scalar(statement.order_by(Plan.id.desc()).limit(1))


def live_plan(session: Session, on: date, county_ids: Sequence[int]) -> Plan | None:
    """Return a plan of this day and exactly these counties that is still being worked on."""
    statement = select(Plan).where(Plan.on == on, Plan.state.in_(LIVE), Plan.county_ids == sorted(county_ids))
    return session.scalar(statement.order_by(Plan.id.desc()).limit(1))


def problems_live(session: Session) -> int:
    """Return how many problems that were sent in wait or are being worked on; whoever asks next waits for this."""
    session.execute(select(func.pg_advisory_xact_lock(PROBLEMS_LOCK)))
    statement = select(func.count()).where(Plan.state.in_(LIVE), Plan.figures["imported"].as_boolean())
    return session.scalar(statement) or 0


PROBLEMS_LOCK = 5_120_331_907


def job_of(session: Session, found: Plan) -> Job | None:
    """Return the job that solves a plan: its progress, step and whether it was told to stop."""
    return session.get(Job, found.job_id) if found.job_id is not None else None


def orphans(session: Session) -> list[int]:
    """Return the plans that are said to be solving while their job has ended."""
    statement = (
        select(Plan.id)
        .join(Job, Job.id == Plan.job_id)
        .where(Plan.state.in_(LIVE), Job.state.in_([state.value for state in ENDED]))
        .order_by(Plan.id)
    )
    return list(session.scalars(statement))


# Answers --------------------------------------------------------------------------------------------------------------


def version(session: Session, plan_id: int, number: int | None = None) -> PlanVersion | None:
    """Return the newest version of a plan, or one by its number, with its problem and answer."""
    statement = select(PlanVersion).where(PlanVersion.plan_id == plan_id)
    if number is not None:
        statement = statement.where(PlanVersion.number == number)
    statement = statement.order_by(PlanVersion.number.desc()).limit(1)
    return session.scalar(statement.options(undefer(PlanVersion.problem), undefer(PlanVersion.answer)))


def newest_version(session: Session, plan_id: int) -> PlanVersion | None:
    """Return the newest version to be written on; its problem and answer are not read."""
    statement = select(PlanVersion).where(PlanVersion.plan_id == plan_id)
    return session.scalar(statement.order_by(PlanVersion.number.desc()).limit(1))


def shown(session: Session, plan_id: int) -> tuple[Question, Answer] | None:
    """Return what a page shows of a plan, the best so far while it is solving; None: nothing yet. No matrices."""
    found = version(session, plan_id)
    if found is None or not found.problem or not found.answer:
        return None
    depots, vehicles, stops, points = formats.question_from_json(found.problem)
    return Question(depots, vehicles, stops, points), formats.plan_from_json(found.answer)


def problem_of(session: Session, plan_id: int) -> Problem:
    """Return the whole problem of a plan, its matrices made again."""
    found = version(session, plan_id)
    if found is None or not found.problem:
        raise NoAnswerYet(plan_id=plan_id)
    return formats.problem_from_json(found.problem)


def export(session: Session, actor: Actor, plan_id: int) -> dict[str, Any]:
    """Return the whole problem and its plan in the exchange format, with the distances used."""
    plan(session, actor, plan_id)
    found = version(session, plan_id)
    if found is None or not found.problem or not found.answer:
        raise NoAnswerYet(plan_id=plan_id)
    problem = formats.problem_from_json(found.problem)
    return {"problem": formats.problem_to_json(problem), "plan": found.answer}


# What a new plan starts from ------------------------------------------------------------------------------------------


def warehouses(session: Session, county_ids: Iterable[int]) -> Sequence[Any]:
    """Return the warehouses of these counties: where runs start."""
    statement = (
        select(Warehouse.id, Warehouse.name, Warehouse.lat, Warehouse.lon, Warehouse.opens_at, Warehouse.closes_at)
        .where(Warehouse.county_id.in_(list(county_ids)))
        .order_by(Warehouse.id)
    )
    return session.execute(statement).all()


def settlement_names(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """Return settlements' names by id."""
    rows = session.execute(select(Settlement.id, Settlement.name).where(Settlement.id.in_(list(ids))))
    return {row[0]: row[1] for row in rows}


def busy_vehicles(session: Session, on: date) -> set[int]:
    """Return the vehicles that already have a run on a day."""
    over = [RunState.CANCELLED, RunState.CLOSED]
    return set(session.scalars(select(Run.vehicle_id).where(Run.on == on, Run.state.not_in(over))))


def hues(session: Session) -> Mapping[int, int]:
    """Return the colour, 1-8, of each warehouse: that of its county."""
    rows = session.execute(select(Warehouse.id, County.hue).join(County, County.id == Warehouse.county_id))
    return {row[0]: row[1] for row in rows}


def county_ids(session: Session, actor: Actor, permission: str) -> list[int]:
    """Return the counties with a warehouse in which the actor holds a permission: what a plan is of by default."""
    scope = actor.grants.get(permission)
    statement = select(Warehouse.county_id).distinct().order_by(Warehouse.county_id)
    if scope is Scope.COUNTY:
        statement = statement.where(Warehouse.county_id.in_(list(actor.reach.get(Scope.COUNTY, ()))))
    elif scope is not Scope.ALL:
        return []
    return list(session.scalars(statement))


def all_counties(session: Session, ids: Sequence[int]) -> bool:
    """Tell whether there are all these counties."""
    return session.scalar(select(func.count()).where(County.id.in_(ids))) == len(ids)


def waiting_parcels(session: Session, counties: Iterable[int]) -> int:
    """Return how many parcels of these counties wait for a run."""
    statement = select(func.count()).where(Parcel.state == ParcelState.READY, Parcel.county_id.in_(list(counties)))
    return session.scalar(statement) or 0


def still_free(session: Session, parcel_ids: Sequence[int], vehicle_ids: Sequence[int], on: date) -> bool:
    """Tell whether all these parcels still wait, and no run has these vehicles on that day."""
    waiting = session.scalar(
        select(func.count()).where(Parcel.id.in_(list(parcel_ids)), Parcel.state == ParcelState.READY)
    )
    active = session.scalar(select(func.count()).where(Vehicle.id.in_(list(vehicle_ids)), Vehicle.active))
    taken = busy_vehicles(session, on) & set(vehicle_ids)
    return waiting == len(parcel_ids) and active == len(vehicle_ids) and not taken


def overlapping(session: Session, found: Plan) -> list[Plan]:
    """Return the other drafts of the same day that share a county: publishing one takes the ground from under them."""
    statement = select(Plan).where(
        Plan.id != found.id,
        Plan.on == found.on,
        Plan.state == PlanState.DRAFT,
        or_(Plan.county_ids.overlap(found.county_ids)),
    )
    return list(session.scalars(statement.order_by(Plan.id)))


# For programs ---------------------------------------------------------------------------------------------------------


def runs(session: Session, actor: Actor, plan_id: int) -> list[dict[str, Any]]:
    """Return a plan's runs with the names and points of their stops."""
    plan(session, actor, plan_id)
    found = shown(session, plan_id)
    if found is None:
        return []
    question, answer = found
    vehicles = {vehicle.id: vehicle for vehicle in question.vehicles}
    depots = {depot.id: depot for depot in question.depots}
    stops = {stop.id: stop for stop in question.stops}

    def visited(visit: Visit) -> dict[str, Any]:
        stop = stops[visit.stop_id]
        point = question.points[stop.location] if question.points else None
        return {
            **{name: getattr(visit, name) for name in Visit.__slots__},
            "name": stop.name,
            "lat": point.latitude if point else None,
            "lon": point.longitude if point else None,
            "parcels": len(stop.parcel_ids),
        }

    return [
        {
            "vehicle_id": route.vehicle_id,
            "vehicle": vehicles[route.vehicle_id].name,
            "warehouse_id": vehicles[route.vehicle_id].start_depot_id,
            "warehouse": depots[vehicles[route.vehicle_id].start_depot_id].name,
            "start_seconds": route.start_seconds,
            "end_seconds": route.end_seconds,
            "distance_m": route.distance_m,
            "weight_g": route.load.weight_g,
            "volume_ml": route.load.volume_ml,
            "cost_huf": route.cost // 1000,
            "visits": [visited(visit) for visit in route.visits],
        }
        for route in answer.routes
    ]


def unserved(session: Session, actor: Actor, plan_id: int) -> list[dict[str, Any]]:
    """Return the stops that a plan leaves out, most urgent first, with reasons and relaxations."""
    plan(session, actor, plan_id)
    found = shown(session, plan_id)
    if found is None:
        return []
    question, answer = found
    stops = {stop.id: stop for stop in question.stops}
    rows = [
        {
            "stop_id": each.stop_id,
            "name": stops[each.stop_id].name,
            "priority": stops[each.stop_id].priority,
            "parcels": len(stops[each.stop_id].parcel_ids),
            "code": each.code,
            "reason": each.reason,
            "relaxations": each.relaxations,
        }
        for each in answer.unserved
    ]
    return sorted(rows, key=lambda row: (row["priority"] or 99, row["name"], row["stop_id"]))
