"""Verbs of planning: start, take up, keep the best so far, answer, stop, publish, read in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.delivery import queries as fleet_and_parcels
from app.delivery import service as delivery
from app.foundation.errors import NotAllowed, Stale
from app.foundation.job import JobState
from app.foundation.unit_of_work import UnitOfWork
from app.geography import queries as geography
from app.geography.point import PointRefused
from app.planning import audit, explain, formats, gathering, queries
from app.planning.errors import (
    DayTooFar,
    NoCounty,
    NotADraft,
    NothingToPublish,
    NotToBeServed,
    PastDay,
    PlanOutOfDate,
    PlanWrong,
    ProblemUnreadable,
    TooManyProblems,
)
from app.planning.models import Plan, PlanState, PlanVersion
from app.planning.problem import Plan as Answer
from app.planning.problem import Problem
from app.planning.solver import Progress
from app.planning.travel import RoadServer

HOME = ZoneInfo("Europe/Budapest")
SECONDS_MAX = 300
SECONDS_USUAL = 60
COURSE_MAX = 400
"""So many points of the falling line are kept."""
IMPORTED = "imported"
DAYS_AHEAD_MAX = 30
PROBLEMS_LIVE_MAX = 2
"""One that is worked on and one that waits: they share the workers with the day's own plans."""


@dataclass(frozen=True)
class TakenUp:
    """A plan's question, ready to be thought about."""

    plan_id: int
    problem: Problem
    seconds_max: int
    seed: int
    engine: str


def start(
    uow: UnitOfWork,
    *,
    on: date,
    county_ids: Sequence[int] | None = None,
    seconds_max: int = SECONDS_USUAL,
    seed: int = 1,
    engine: str = "auto",
) -> Plan:
    """Ask for a plan of a day for these counties (None: all that the actor plans for).

    One that is being worked on for the same day and counties is returned instead of a second one.
    """
    uow.actor.require("plans.plan")
    if county_ids is None:
        county_ids = queries.county_ids(uow.session, uow.actor, "plans.plan")
    counties = sorted(set(county_ids))
    if not counties or not queries.all_counties(uow.session, counties):
        raise NoCounty
    for county_id in counties:
        uow.actor.require_for("plans.plan", county=county_id)
    today = uow.now.astimezone(HOME).date()
    if on < today:
        raise PastDay
    if on > today + timedelta(days=DAYS_AHEAD_MAX):
        raise DayTooFar(days=DAYS_AHEAD_MAX)
    live = queries.live_plan(uow.session, on, counties)
    if live is not None:
        return live
    return _ask(uow, on=on, county_ids=counties, seconds_max=seconds_max, seed=seed, engine=engine)


def _ask(uow: UnitOfWork, *, on: date, county_ids: Sequence[int], seconds_max: int, seed: int, engine: str) -> Plan:
    plan = Plan(
        on=on,
        county_ids=list(county_ids),
        seconds_max=max(1, min(seconds_max, SECONDS_MAX)),
        seed=seed,
        engine=engine,
        asked_by_id=uow.actor.id,
        asked_at=uow.now,
    )
    uow.session.add(plan)
    uow.session.flush()
    job = uow.promise("planning.solve", subject=("plan", plan.id), plan_id=plan.id)
    uow.session.flush()
    plan.job_id = job.id
    uow.record("plan.started", subject=("plan", plan.id), on=on.isoformat(), counties=len(county_ids))
    uow.session.flush()
    return plan


def read_in(
    uow: UnitOfWork, *, problem: Any, on: date | None = None, seconds_max: int = SECONDS_USUAL, seed: int = 1
) -> Plan:
    """Plan a problem that any program wrote in the exchange format; it is measured, never published."""
    uow.actor.require_for("plans.import")
    if queries.problems_live(uow.session) >= PROBLEMS_LIVE_MAX:
        raise TooManyProblems
    try:
        read = formats.problem_from_json(problem)
    except formats.UnreadableProblem as wrong:
        raise ProblemUnreadable(where=wrong.where, message=wrong.message) from wrong
    _not_swapped(read)
    counties = [county.id for county in geography.counties(uow.session)]
    day = on or uow.now.astimezone(HOME).date()
    plan = _ask(uow, on=day, county_ids=counties, seconds_max=seconds_max, seed=seed, engine="auto")
    plan.figures = {IMPORTED: True}
    _store(uow, plan, read, Answer((), (), 0, 0), numbers=True)
    return plan


def _not_swapped(problem: Problem) -> None:
    """Refuse points that would be in the country only the other way round; a problem may be about any other one."""
    for number, point in enumerate(problem.points):
        try:
            geography.checked_point(point.latitude, point.longitude)
        except PointRefused as refused:
            if refused.suggested is not None:
                raise ProblemUnreadable(where=f"problem.points[{number}]", message=refused.message) from refused


# What the job does ----------------------------------------------------------------------------------------------------


def take_up(uow: UnitOfWork, *, plan_id: int, road_server: RoadServer | None = None) -> TakenUp | None:
    """Gather the question of a plan; None when it has been answered already (the job came twice)."""
    plan = queries.plan_for_change(uow.session, uow.actor, plan_id, "plans.plan")
    if plan.state not in queries.LIVE:
        return None
    if plan.figures.get(IMPORTED):
        problem = queries.problem_of(uow.session, plan_id)
    else:
        problem = _gather(uow, plan, road_server)
        _store(uow, plan, problem, Answer((), (), 0, 0))
    plan.state, plan.course = PlanState.SOLVING, []
    plan.figures = {
        **({IMPORTED: True} if plan.figures.get(IMPORTED) else {}),
        "stops": len(problem.stops),
        "parcels": sum(len(stop.parcel_ids) for stop in problem.stops),
        "vehicles": len(problem.vehicles),
    }
    _figures(plan, Answer((), (), 0, 0), Progress("first", 0.0, float(plan.seconds_max), 0, 0), uow.now)
    return TakenUp(plan.id, problem, plan.seconds_max, plan.seed, plan.engine)


def _gather(uow: UnitOfWork, plan: Plan, road_server: RoadServer | None) -> Problem:
    session = uow.session
    parcels = fleet_and_parcels.parcels_to_plan(session, plan.county_ids)
    busy = queries.busy_vehicles(session, plan.on)
    fleet = [
        row for row in fleet_and_parcels.fleet_to_plan(session, plan.county_ids, plan.on) if row.vehicle_id not in busy
    ]
    return gathering.gather(
        parcels,
        fleet,
        queries.warehouses(session, plan.county_ids),
        settlement_names=queries.settlement_names(session, {row.settlement_id for row in parcels}),
        name=plan.on.isoformat(),
        road_server=road_server,
    )


def _store(uow: UnitOfWork, plan: Plan, problem: Problem, answer: Answer, *, numbers: bool = False) -> None:
    """Keep the question, and room for its answer, as a new version."""
    before = queries.newest_version(uow.session, plan.id)
    uow.session.add(
        PlanVersion(
            plan_id=plan.id,
            number=before.number + 1 if before else 1,
            made_at=uow.now,
            problem=formats.problem_to_json(problem, numbers=numbers),
            answer=formats.plan_to_json(answer),
        )
    )
    uow.session.flush()


def keep(uow: UnitOfWork, *, taken: TakenUp, answer: Answer, progress: Progress) -> None:
    """Keep the best answer so far, so that a page shows it and a killed job still leaves a plan."""
    plan = queries.plan_for_change(uow.session, uow.actor, taken.plan_id, "plans.plan")
    version = queries.newest_version(uow.session, taken.plan_id)
    assert version is not None, "a plan that is solving has its question stored"
    version.answer = formats.plan_to_json(answer)
    _figures(plan, answer, progress, uow.now)


def finish(uow: UnitOfWork, *, taken: TakenUp, answer: Answer, progress: Progress) -> dict[str, Any]:
    """Store the answer, if it holds when everything is computed again; else nothing of it is kept (PlanWrong)."""
    violations = audit.check(taken.problem, answer)
    wrong = [violation for violation in violations if violation.code != "required_left_out"]
    if wrong:
        raise PlanWrong(violations=len(wrong), first=wrong[0].message)
    plan = queries.plan_for_change(uow.session, uow.actor, taken.plan_id, "plans.plan")
    version = queries.newest_version(uow.session, taken.plan_id)
    assert version is not None, "a plan that is solving has its question stored"
    version.answer, version.made_at, version.violations = formats.plan_to_json(answer), uow.now, len(violations)
    _figures(plan, answer, progress, uow.now)
    plan.state, plan.solved_at = PlanState.DRAFT, uow.now
    figures = plan.figures
    uow.record(
        "plan.solved",
        subject=("plan", plan.id),
        stops=figures["stops"],
        served=figures["served"],
        runs=figures["runs"],
        distance_m=figures["distance_m"],
        seconds=figures["seconds"],
    )
    return {
        name: figures[name] for name in ("stops", "served", "runs", "distance_m", "cost", "seconds", "first_seconds")
    }


def _figures(plan: Plan, answer: Answer, progress: Progress, now: datetime) -> None:
    """Write the figures of the best answer; the falling line begins with the first complete plan."""
    before = dict(plan.figures)
    served, load = sum(len(route.visits) for route in answer.routes), answer.load
    seconds = round(progress.seconds, 1)
    complete = progress.stage != "first"
    figures: dict[str, Any] = {
        **{name: before[name] for name in (IMPORTED, "stops", "parcels", "vehicles") if name in before},
        "served": served,
        "left_out": before["stops"] - served,
        "runs": len(answer.routes),
        "distance_m": answer.distance_m,
        "duration_seconds": answer.duration_seconds,
        "weight_g": load.weight_g,
        "volume_ml": load.volume_ml,
        "cost": answer.cost // 1000,
        "objective": answer.objective // 1000,
        "bound": None if answer.bound is None else answer.bound // 1000,
        "seconds": seconds,
        "first_seconds": before.get("first_seconds"),
        "first_distance_m": before.get("first_distance_m"),
        "engine": answer.engine,
        "stage": progress.stage,
        "saved_at": now.isoformat(),
    }
    if complete:
        if figures["first_seconds"] is None:
            figures |= {"first_seconds": seconds, "first_distance_m": answer.distance_m}
        course = list(plan.course)
        if not course or figures["objective"] < course[-1][1]:
            course.append([seconds, figures["objective"], figures["served"]])
        plan.course = course[-COURSE_MAX:]
    plan.figures = figures


def fail(uow: UnitOfWork, *, plan_id: int) -> None:
    """Note that a plan came to nothing; what was published stays valid."""
    plan = queries.plan_for_change(uow.session, uow.actor, plan_id, "plans.plan")
    if plan.state in queries.LIVE:
        plan.state = PlanState.FAILED


def settle(uow: UnitOfWork) -> int:
    """Give plans whose job has ended without a word the state they are in: a draft of the best so far, or failed."""
    plan_ids = queries.orphans(uow.session)
    for plan_id in plan_ids:
        plan = queries.plan_for_change(uow.session, uow.actor, plan_id, "plans.plan")
        kept = plan.figures.get("runs") and _holds(uow, plan_id)
        plan.state, plan.solved_at = (PlanState.DRAFT, uow.now) if kept else (PlanState.FAILED, plan.solved_at)
        uow.record("plan.settled", subject=("plan", plan_id), state=plan.state)
    return len(plan_ids)


def _holds(uow: UnitOfWork, plan_id: int) -> bool:
    version = queries.version(uow.session, plan_id)
    if version is None or not version.answer or not version.problem:
        return False
    problem = formats.problem_from_json(version.problem)
    return not audit.check(problem, formats.plan_from_json(version.answer))


# What people do -------------------------------------------------------------------------------------------------------


def cancel(uow: UnitOfWork, *, plan_id: int) -> Plan:
    """Stop a search that is good enough: the best plan so far becomes the draft."""
    plan = queries.plan_for_change(uow.session, uow.actor, plan_id, "plans.plan")
    _all_counties(uow, plan, "plans.plan")
    job = queries.job_of(uow.session, plan)
    if plan.state not in queries.LIVE or job is None:
        return plan
    if job.state == JobState.QUEUED:
        job.state, job.finished_at = JobState.CANCELLED, uow.now
        plan.state = PlanState.FAILED
    elif job.cancel_requested_at is None:
        job.cancel_requested_at = uow.now
    uow.record("plan.stopped", subject=("plan", plan.id))
    uow.session.flush()
    return plan


def publish(uow: UnitOfWork, *, plan_id: int, version: int | None = None) -> Plan:
    """Turn a draft's runs into runs that warehouses load and drivers see; ``version`` is the one that was read."""
    plan = queries.plan_for_change(uow.session, uow.actor, plan_id, "plans.publish")
    _all_counties(uow, plan, "plans.publish")
    if version is not None and version != plan.version:
        raise Stale
    if plan.state != PlanState.DRAFT:
        raise NotADraft(plan_id=plan.id, state=plan.state)
    runs = [] if plan.figures.get(IMPORTED) else _runs(uow, plan)
    if not runs:
        raise NothingToPublish(plan_id=plan.id)
    parcel_ids = [parcel_id for run in runs for stop in run["stops"] for parcel_id in stop["parcel_ids"]]
    if not queries.still_free(uow.session, parcel_ids, [run["vehicle_id"] for run in runs], plan.on):
        raise PlanOutOfDate(plan_id=plan.id)
    drafted = delivery.draft_runs(uow, plan_id=plan.id, on=plan.on, runs=runs)
    delivery.publish(uow, run_ids=[run.id for run in drafted])
    plan.state, plan.published_at = PlanState.PUBLISHED, uow.now
    for other in queries.overlapping(uow.session, plan):
        other.state = PlanState.SUPERSEDED
    uow.record("plan.published", subject=("plan", plan.id), runs=len(drafted), parcels=len(parcel_ids))
    uow.session.flush()
    return plan


def serve(uow: UnitOfWork, *, plan_id: int, stop_id: int, code: str, version: int | None = None) -> Plan:
    """Serve a stop that was left out, by one of the changes that its explanation offers.

    The run gets the stop where the change says, the new answer is checked, and both are kept as a new version. A change
    that fitted when it was found may not fit after another one to the same run: then nothing changes (NotToBeServed).
    """
    plan = queries.plan_for_change(uow.session, uow.actor, plan_id, "plans.plan")
    _all_counties(uow, plan, "plans.plan")
    if version is not None and version != plan.version:
        raise Stale
    if plan.state != PlanState.DRAFT:
        raise NotADraft(plan_id=plan.id, state=plan.state)
    found = queries.version(uow.session, plan_id)
    refusal = NotToBeServed(stop_id=stop_id, code=code)
    if found is None or not found.problem or not found.answer:
        raise refusal
    answer = formats.plan_from_json(found.answer)
    offered = next((each.relaxations for each in answer.unserved if each.stop_id == stop_id), ())
    relaxation = next((each for each in offered if each.code == code and each.position is not None), None)
    if relaxation is None:
        raise refusal
    route = next((route for route in answer.routes if route.vehicle_id == relaxation.vehicle_id), None)
    on_it = route.stop_ids if route is not None else ()
    assert relaxation.vehicle_id is not None, "a relaxation with a position names its run"
    problem = formats.problem_of_run(found.problem, relaxation.vehicle_id, [*on_it, stop_id])
    changed = explain.relaxed(problem, stop_id, relaxation)
    longer = explain.with_stop(changed, relaxation.vehicle_id, on_it, stop_id)
    if longer is None:
        raise refusal
    answer = explain.with_route(answer, longer, formats.penalty_of(found.problem, stop_id))
    uow.session.add(
        PlanVersion(
            plan_id=plan.id,
            number=found.number + 1,
            made_at=uow.now,
            problem=formats.problem_with(found.problem, changed),
            answer=formats.plan_to_json(answer),
        )
    )
    progress = Progress("done", float(plan.figures["seconds"]), float(plan.seconds_max), 0, 0)
    _figures(plan, answer, progress, uow.now)
    uow.record("plan.changed", subject=("plan", plan.id), stop_id=stop_id, change=code)
    uow.session.flush()
    return plan


def _all_counties(uow: UnitOfWork, plan: Plan, permission: str) -> None:
    for county_id in plan.county_ids:
        if not uow.actor.covers(permission, county=county_id):
            raise NotAllowed(permission=permission)


def _runs(uow: UnitOfWork, plan: Plan) -> list[Mapping[str, Any]]:
    """Return a draft's runs as delivery takes them."""
    found = queries.shown(uow.session, plan.id)
    if found is None:
        return []
    question, answer = found
    vehicles = {vehicle.id: vehicle for vehicle in question.vehicles}
    stops = {stop.id: stop for stop in question.stops}

    def at(seconds: int) -> datetime:
        # Seconds of the day are clock time: a run at 8:00 leaves at 8:00 also when the clocks change at night.
        days, rest = divmod(seconds, 86_400)
        clock = time(rest // 3600, rest // 60 % 60, rest % 60)
        return datetime.combine(plan.on + timedelta(days=days), clock, HOME)

    runs: list[Mapping[str, Any]] = []
    for route in answer.routes:
        visits = []
        for visit in route.visits:
            stop = stops[visit.stop_id]
            point = question.points[stop.location]
            window = next(w for w in stop.windows if w.opens_seconds <= visit.begins_seconds <= w.closes_seconds)
            visits.append(
                {
                    "settlement_id": stop.settlement_id,
                    "lat": point.latitude,
                    "lon": point.longitude,
                    "arrives_at": at(visit.begins_seconds),
                    "leaves_at": at(visit.departure_seconds),
                    "window_from": at(window.opens_seconds),
                    "window_until": at(window.closes_seconds),
                    "parcel_ids": list(stop.parcel_ids),
                }
            )
        runs.append(
            {
                "vehicle_id": route.vehicle_id,
                "driver_id": vehicles[route.vehicle_id].driver_id,
                "departs_at": at(route.start_seconds),
                "returns_at": at(route.end_seconds),
                "distance_m": route.distance_m,
                "cost_huf": route.cost // 1000,
                "stops": visits,
            }
        )
    return runs
