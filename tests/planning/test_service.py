"""A day planned from real rows: gathered, searched, checked, published as runs; stopped, failed, read in."""

from __future__ import annotations

import json
from datetime import date, time, timedelta

import pytest
from sqlalchemy import select

from app.accounts.roles import GRANTS, SYSTEM, Role
from app.delivery.models import Parcel, Run, Stop, Vehicle
from app.foundation import job_life, job_queue
from app.foundation.actor import Actor, Scope
from app.foundation.errors import NotAllowed, Stale
from app.foundation.job import Job
from app.planning import audit, explain, formats, gathering, jobs, queries, service, solver
from app.planning.errors import (
    DayTooFar,
    NoCounty,
    NoSuchPlan,
    NotADraft,
    NothingToPublish,
    NotToBeServed,
    PastDay,
    PlanOutOfDate,
    PlanWrong,
    ProblemUnreadable,
    TooManyProblems,
)
from app.planning.models import Plan, PlanVersion
from tests.builders import (
    a_county,
    a_driver,
    a_household,
    a_lot,
    a_need,
    a_parcel,
    a_settlement,
    a_share,
    a_vehicle,
    a_warehouse,
)
from tests.conftest import EVERYTHING as ANYBODY
from tests.planning.problems import a_county as a_made_up_county

EVERYTHING = Actor(None, "Everything", "admin", ANYBODY.grants)
ON = date(2026, 11, 24)


def dispatcher(*county_ids: int) -> Actor:
    return Actor(None, "Dispatcher", "dispatcher", GRANTS[Role.DISPATCHER], {Scope.COUNTY: county_ids})


ADMIN = Actor(None, "Admin", "admin", GRANTS[Role.ADMIN])


@pytest.fixture
def country(work):
    """Two counties with a warehouse and a van each; five parcels in one, one in the other, one needs cooling."""
    with work(EVERYTHING) as uow:
        made = {}
        for code, count in (("BAZ", 5), ("ZAL", 1)):
            county = a_county(uow, code)
            warehouse = a_warehouse(uow, county)
            vehicle = a_vehicle(uow, warehouse, cost_per_km_huf=120, cost_per_hour_huf=3_600, cost_fixed_huf=6_000)
            driver = a_driver(uow, warehouse, vehicle)
            lot = a_lot(uow, warehouse, on_shelf=100)
            parcels = []
            for number in range(count):
                village = a_settlement(uow, county, f"{code} village {number}")
                village.lat, village.lon = 48.3 + 0.03 * number, 21.0 + 0.02 * number
                household = a_household(uow, county, settlement_id=village.id)
                share = a_share(uow, a_need(uow, household), lot, warehouse)
                cold = ["ambient", "chilled"] if (code, number) == ("BAZ", 4) else ["ambient"]
                parcels.append(a_parcel(uow, share, storage_classes=cold, urgency=1 + number % 4).id)
            made[code] = {"county": county.id, "vehicle": vehicle.id, "driver": driver.id, "parcels": parcels}
        return made


def start(work, actor=SYSTEM, **facts) -> int:
    with work(actor) as uow:
        return service.start(uow, on=ON, seconds_max=2, **facts).id


def work_off(sessions, clock, job_id: int) -> Job:
    """Do what a worker does with the promised job."""
    worker = job_queue.Worker(lambda: sessions, SYSTEM, ring=lambda _: None, clock=clock)
    with sessions.begin() as session:
        taken = job_life.take(session, job_id)
    assert taken is not None
    job_queue.run_taken(worker, sessions, taken)
    with sessions() as session:
        return session.get_one(Job, job_id)


def solved(work, sessions, clock, **facts) -> int:
    plan_id = start(work, **facts)
    with work(EVERYTHING) as uow:
        job_id = queries.plan(uow.session, uow.actor, plan_id).job_id
    assert work_off(sessions, clock, job_id).state == "done"
    return plan_id


def test_a_day_is_planned_by_its_job_and_what_is_left_out_has_a_reason(work, sessions, clock, country):
    plan_id = solved(work, sessions, clock)
    with work(EVERYTHING) as uow:
        plan = queries.plan(uow.session, uow.actor, plan_id)
        assert plan.state == "draft" and plan.solved_at == uow.now
        figures = plan.figures
        assert (figures["stops"], figures["served"], figures["runs"], figures["left_out"]) == (6, 5, 2, 1)
        assert figures["distance_m"] > 0 and figures["cost"] > 0 and figures["first_seconds"] > 0
        assert [point[1] for point in plan.course] == sorted((point[1] for point in plan.course), reverse=True)
        question, answer = queries.shown(uow.session, plan_id)
        assert len(question.points) == 8 and len(answer.routes) == 2
        left = queries.unserved(uow.session, uow.actor, plan_id)
        assert [row["code"] for row in left] == ["storage_class"] and "cooling" in str(left[0]["reason"])
        runs = queries.runs(uow.session, uow.actor, plan_id)
        assert "BAZ village 0" in {visit["name"] for run in runs for visit in run["visits"]}


def test_a_county_is_planned_alone_and_only_by_whom_it_is_given(work, sessions, clock, country):
    baz, zal = country["BAZ"]["county"], country["ZAL"]["county"]
    plan_id = solved(work, sessions, clock, actor=dispatcher(zal))
    with work(dispatcher(zal)) as uow:
        assert queries.plan(uow.session, uow.actor, plan_id).figures["served"] == 1
        assert [plan.id for plan in queries.plans_page(uow.session, uow.actor).rows] == [plan_id]
    with work(dispatcher(baz)) as uow, pytest.raises(NoSuchPlan):
        queries.plan(uow.session, uow.actor, plan_id)
    with work(dispatcher(zal)) as uow, pytest.raises(NotAllowed):
        service.start(uow, on=ON, county_ids=[baz, zal])
    with work(dispatcher()) as uow, pytest.raises(NoCounty):
        service.start(uow, on=ON)
    with work(dispatcher(zal)) as uow, pytest.raises(PastDay):
        service.start(uow, on=uow.now.date() - timedelta(days=1))


def test_the_same_question_asked_twice_is_one_plan(work, country):
    assert start(work) == start(work)


def test_published_runs_carry_their_parcels_at_the_hour(work, sessions, clock, country):
    baz = country["BAZ"]
    plan_id = solved(work, sessions, clock)
    other_id = solved(work, sessions, clock, county_ids=[baz["county"]])
    with work(dispatcher(baz["county"], country["ZAL"]["county"])) as uow:
        seen = queries.plan(uow.session, uow.actor, plan_id).version
        with pytest.raises(Stale):
            service.publish(uow, plan_id=plan_id, version=seen + 1)
        plan = service.publish(uow, plan_id=plan_id, version=seen)
        assert plan.state == "published" and plan.published_at == uow.now
    with work(EVERYTHING) as uow:
        runs = uow.session.scalars(select(Run).where(Run.plan_id == plan_id).order_by(Run.id)).all()
        assert {run.state for run in runs} == {"published"}
        first = next(run for run in runs if run.vehicle_id == baz["vehicle"])
        assert first.driver_id == baz["driver"] and first.on == ON
        # Budapest is an hour ahead of UTC in November; a shift begins at seven.
        assert first.departs_at.hour >= 6
        stops = uow.session.scalars(select(Stop).where(Stop.run_id == first.id)).all()
        assert len(stops) == 4 and all(stop.window_from <= stop.arrives_at <= stop.window_until for stop in stops)
        states = uow.session.scalars(select(Parcel.state).order_by(Parcel.id)).all()
        assert sorted(states) == ["planned"] * 5 + ["ready"]
        assert uow.session.get(Plan, other_id).state == "superseded"
    with work(EVERYTHING) as uow, pytest.raises(NotADraft):
        service.publish(uow, plan_id=plan_id)
    with work(EVERYTHING) as uow:
        # The next plan of the day has neither the vehicles nor the parcels that are taken.
        again = service.start(uow, on=ON)
        taken = service.take_up(uow, plan_id=again.id)
        assert taken.problem.vehicles == () and len(taken.problem.stops) == 1


def test_a_plan_whose_parcels_were_taken_meanwhile_is_not_published(work, sessions, clock, country):
    plan_id = solved(work, sessions, clock)
    with work(EVERYTHING) as uow:
        uow.session.get(Parcel, country["ZAL"]["parcels"][0]).state = "cancelled"
    with work(EVERYTHING) as uow, pytest.raises(PlanOutOfDate):
        service.publish(uow, plan_id=plan_id)


def test_an_answer_that_does_not_hold_fails_the_job_and_is_not_kept(work, sessions, clock, country, monkeypatch):
    plan_id = start(work)

    def lying(problem, **facts):
        plan = solver.Judge(problem).route(country["BAZ"]["vehicle"], (problem.stops[0].id,))[0]
        wrong = [stop for stop in problem.stops if stop.id not in plan.stop_ids]
        return solver.Plan((plan,), tuple(solver.Unserved(stop.id) for stop in wrong), cost=0, penalty=0)

    monkeypatch.setattr(jobs.solver, "solve", lying)
    with work(EVERYTHING) as uow:
        job_id = queries.plan(uow.session, uow.actor, plan_id).job_id
    job = work_off(sessions, clock, job_id)
    assert job.state == "failed" and "did not hold" in job.error["text"]
    with work(EVERYTHING) as uow:
        assert queries.plan(uow.session, uow.actor, plan_id).state == "failed"


def test_a_search_that_is_told_to_stop_leaves_its_best_plan_as_the_draft(work, sessions, clock, country):
    with work(EVERYTHING) as uow:
        plan = service.start(uow, on=ON, seconds_max=120)
        plan_id, job_id = plan.id, plan.job_id
    with work(EVERYTHING) as uow:
        taken = service.take_up(uow, plan_id=plan_id)

    def stop_at_once(plan, progress):
        with work(EVERYTHING) as uow:
            service.keep(uow, taken=taken, answer=plan, progress=progress)
            service.cancel(uow, plan_id=plan_id)

    def told() -> bool:
        with sessions() as session:
            return session.get_one(Job, job_id).cancel_requested_at is not None

    with sessions.begin() as session:
        job_life.take(session, job_id)
    answer = solver.solve(taken.problem, seconds_max=120, on_progress=stop_at_once, should_stop=told)
    assert answer.seconds < 30 and answer.routes
    with work(EVERYTHING) as uow:
        service.finish(uow, taken=taken, answer=answer, progress=solver.Progress("done", 1.0, 120.0, 1, 1))
    with work(EVERYTHING) as uow:
        assert queries.plan(uow.session, uow.actor, plan_id).state == "draft"


def test_a_plan_that_waits_can_be_withdrawn(work, country):
    plan_id = start(work)
    with work(EVERYTHING) as uow:
        assert service.cancel(uow, plan_id=plan_id).state == "failed"


def test_a_killed_job_leaves_the_best_plan_that_was_kept(work, sessions, country):
    plan_id = start(work)
    with work(EVERYTHING) as uow:
        taken = service.take_up(uow, plan_id=plan_id)
    answer = solver.solve(taken.problem, seconds_max=2)
    with work(EVERYTHING) as uow:
        progress = solver.Progress("improving", 1.0, 2.0, 2, 2)
        service.keep(uow, taken=taken, answer=answer, progress=progress)
        assert service.settle(uow) == 0
        uow.session.get(Job, queries.plan(uow.session, uow.actor, plan_id).job_id).state = "failed"
    with work(EVERYTHING) as uow:
        assert service.settle(uow) == 1
        assert queries.plan(uow.session, uow.actor, plan_id).state == "draft"
    other = start(work)
    with work(EVERYTHING) as uow:
        uow.session.get(Job, queries.plan(uow.session, uow.actor, other).job_id).state = "cancelled"
        uow.session.flush()
        service.settle(uow)
        assert queries.plan(uow.session, uow.actor, other).state == "failed"


def test_the_job_coming_twice_changes_nothing(work, sessions, clock, country):
    plan_id = solved(work, sessions, clock)
    with work(EVERYTHING) as uow:
        assert service.take_up(uow, plan_id=plan_id) is None


def test_the_export_can_be_recomputed_by_anybody_and_read_in_by_an_admin(work, sessions, clock, country):
    plan_id = solved(work, sessions, clock)
    with work(EVERYTHING) as uow:
        exchange = json.loads(json.dumps(queries.export(uow.session, uow.actor, plan_id)))
    problem, plan = formats.problem_from_json(exchange), formats.plan_from_json(exchange["plan"])
    assert audit.check(problem, plan) == [] and exchange["problem"]["matrices"]
    assert sorted(p for stop in problem.stops for p in stop.parcel_ids) == sorted(
        country["BAZ"]["parcels"] + country["ZAL"]["parcels"]
    )
    with work(ADMIN) as uow:
        read = service.read_in(uow, problem=exchange, seconds_max=2)
        read_id, job_id = read.id, read.job_id
    assert work_off(sessions, clock, job_id).state == "done"
    with work(ADMIN) as uow:
        again = queries.plan(uow.session, uow.actor, read_id)
        assert again.figures["served"] == 5
    with work(EVERYTHING) as uow, pytest.raises(NothingToPublish):
        service.publish(uow, plan_id=read_id)
    with work(dispatcher(country["BAZ"]["county"])) as uow:
        with pytest.raises(NoSuchPlan):
            queries.plan(uow.session, uow.actor, read_id)
        with pytest.raises(NotAllowed):
            service.read_in(uow, problem=exchange)


def test_a_problem_that_cannot_be_read_is_refused_with_its_place(work, country):
    stored = formats.problem_to_json(a_made_up_county(stops=3))
    stored["stops"][1]["weight_g"] = "heavy"
    with work(ADMIN) as uow, pytest.raises(ProblemUnreadable, match=r"stops\[1\].weight_g"):
        service.read_in(uow, problem=stored)


def test_parcels_of_one_settlement_go_together_as_far_as_a_van_and_an_hour_take_them(work, country):
    class Row:
        def __init__(self, **facts):
            self.__dict__ |= {"warehouse_id": 1, "settlement_id": 7, "lat": 48.0, "lon": 21.0, "weight_g": 1_000,
                              "volume_ml": 1_000, "storage_classes": ["ambient"], "urgency": 3} | facts  # fmt: skip

    class Store:
        id, name, lat, lon = 1, "Miskolc", 48.1, 20.8
        opens_at, closes_at = time(6), time(18)

    rows = [Row(parcel_id=i) for i in range(1, 51)]
    rows += [Row(parcel_id=60, storage_classes=["ambient", "chilled"]), Row(parcel_id=61, urgency=1)]
    problem = gathering.gather(rows, [], [Store()], settlement_names={7: "Csenyéte"})
    assert [len(stop.parcel_ids) for stop in problem.stops] == [20, 20, 11, 1]
    assert problem.stops[0].parcel_ids[0] == 61 and problem.stops[0].priority == 1
    assert problem.stops[3].storage_classes == {"ambient", "chilled"}
    assert {stop.location for stop in problem.stops} == {1} and len(problem.points) == 2
    assert problem.stops[0].penalty > problem.stops[1].penalty
    plan = explain.explain(problem, solver.solve(problem, seconds_max=1))
    assert {each.code for each in plan.unserved} == {"no_vehicle"}


def test_a_wrong_answer_is_refused_before_it_is_stored(work, country):
    plan_id = start(work)
    with work(EVERYTHING) as uow:
        taken = service.take_up(uow, plan_id=plan_id)
    with work(EVERYTHING) as uow, pytest.raises(PlanWrong):
        service.finish(
            uow, taken=taken, answer=solver.Plan((), (), 0, 0), progress=solver.Progress("done", 1.0, 2.0, 1, 1)
        )
    with work(EVERYTHING) as uow:
        assert uow.session.scalar(select(PlanVersion.violations)) == 0


def test_a_left_out_stop_is_served_by_one_of_the_changes_that_are_offered(work, sessions, clock, country):
    with work(EVERYTHING) as uow:
        # The van may carry one parcel less than there are: 2 kg each.
        vehicle = uow.session.get(Vehicle, country["BAZ"]["vehicle"])
        vehicle.capacity_g, vehicle.storage_classes = 8_000, ["ambient", "chilled"]
    plan_id = solved(work, sessions, clock, county_ids=[country["BAZ"]["county"]])
    actor = dispatcher(country["BAZ"]["county"])
    with work(actor) as uow:
        left = queries.unserved(uow.session, uow.actor, plan_id)
        assert [row["code"] for row in left] == ["more_room"]
        before = dict(queries.plan(uow.session, uow.actor, plan_id).figures)
        with pytest.raises(NotToBeServed):
            service.serve(uow, plan_id=plan_id, stop_id=left[0]["stop_id"], code="window_later")
    with work(actor) as uow:
        plan = service.serve(uow, plan_id=plan_id, stop_id=left[0]["stop_id"], code="more_room")
        assert (plan.figures["served"], plan.figures["left_out"]) == (5, 0)
        assert plan.figures["distance_m"] >= before["distance_m"] and plan.state == "draft"
        assert plan.figures["weight_g"] == before["weight_g"] + 2_000
    with work(actor) as uow:
        found = queries.version(uow.session, plan_id)
        assert found.number == 2
        problem, answer = formats.problem_from_json(found.problem), formats.plan_from_json(found.answer)
        assert audit.check(problem, answer) == [] and problem.vehicles[0].capacity.weight_g == 10_000
        assert answer.penalty == 0
        service.publish(uow, plan_id=plan_id)


def test_a_plan_is_asked_for_within_a_month(work, country):
    with work(EVERYTHING) as uow:
        today = uow.now.date()
        assert service.start(uow, on=today + timedelta(days=30)).state == "queued"
    with work(EVERYTHING) as uow, pytest.raises(DayTooFar, match="within 30 days"):
        service.start(uow, on=today + timedelta(days=31))


def test_one_problem_that_was_sent_in_may_wait_beside_the_one_that_is_worked_on(work, country):
    stored = formats.problem_to_json(a_made_up_county(stops=3))
    for _ in range(2):
        with work(ADMIN) as uow:
            plan_id = service.read_in(uow, problem=stored).id
    with work(ADMIN) as uow, pytest.raises(TooManyProblems) as refused:
        service.read_in(uow, problem=stored)
    assert refused.value.status == 429
    with work(EVERYTHING) as uow:
        uow.session.get_one(Plan, plan_id).state = "draft"
    with work(ADMIN) as uow:
        service.read_in(uow, problem=stored)
