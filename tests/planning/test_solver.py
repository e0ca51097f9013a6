"""Any problem gets a plan that holds; a search that is stopped, or dies, still leaves one."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from app.planning import audit, explain, solver, solver_ortools, timing
from app.planning.problem import Load, TimeWindow
from app.planning.solver import NoAnswer, solve
from app.planning.split import Part, by_depot, nearest_depots, neighbourhood, part_of
from tests.planning.problems import HOUR, a_county, a_line, a_stop, a_vehicle, problems


def wrong(problem, plan) -> list:
    return [each for each in audit.check(problem, plan) if each.code != "required_left_out"]


def quiet(orders):
    """Hear nothing."""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_any_problem_is_searched_without_a_crash_and_its_plan_holds(problem):
    orders = solver_ortools.first(quiet, problem, 0.4)
    better = solver_ortools.improve(quiet, problem, orders, 0.4, solutions=20)
    for found in (orders, better):
        plan = timing.make_plan(problem, found)
        assert wrong(problem, plan) == []
        explained = explain.explain(problem, plan)
        assert all(each.reason and each.code for each in explained.unserved)
        assert wrong(problem, explained) == []
    assert timing.make_plan(problem, better).objective <= timing.make_plan(problem, orders).objective


def test_a_county_is_planned_and_its_plan_holds():
    problem = a_county(stops=40, vehicles=6)
    heard = []
    plan = solve(problem, seconds_max=4, on_progress=lambda plan, progress: heard.append((plan, progress)))
    assert plan.unserved == () and audit.check(problem, plan) == []
    assert plan.engine == "ortools" and 0 < plan.seconds < 6
    assert heard[-1][1].stage == "done" and heard[-1][0] == plan
    assert all(wrong(problem, each) == [] for each, _ in heard)
    objectives = [each.objective for each, _ in heard]
    assert objectives == sorted(objectives, reverse=True)


def test_warehouses_are_planned_side_by_side_each_with_its_own_vehicles():
    problem = a_county(stops=40, vehicles=8, depots=2)
    plan = solve(problem, seconds_max=5, processes=2)
    assert plan.unserved == () and audit.check(problem, plan) == []


def test_the_same_seed_gives_the_same_plan_and_another_may_differ():
    problem = a_county(stops=25, vehicles=5)
    plans = [solve(problem, seconds_max=30, seed=seed, solutions_max=60) for seed in (3, 3)]
    assert plans[0].routes == plans[1].routes and plans[0].cost == plans[1].cost


def test_a_search_that_is_stopped_keeps_the_best_plan():
    problem = a_county(stops=60, vehicles=10)
    heard = []
    began = time.monotonic()
    plan = solve(
        problem,
        seconds_max=60,
        on_progress=lambda plan, progress: heard.append(progress.stage),
        should_stop=lambda: "improving" in heard,
    )
    assert time.monotonic() - began < 20
    assert plan.unserved == () and audit.check(problem, plan) == []


def test_a_search_goes_on_from_a_given_plan():
    problem = a_county(stops=20, vehicles=4)
    before = solve(problem, seconds_max=3)
    start = [(route.vehicle_id, list(route.stop_ids)) for route in before.routes]
    plan = solve(problem, seconds_max=2, start=[*start, (99, [1, 2])], should_stop=lambda: True)
    assert plan.routes == before.routes


@pytest.mark.parametrize(
    "problem",
    [
        a_line([], []),
        a_line([], [a_vehicle()]),
        a_line([a_stop(1, 1)], []),
        a_line([a_stop(1, 1)], [a_vehicle()]),
        a_line([a_stop(1, 1, windows=(TimeWindow(1, 2),))], [a_vehicle()]),
        a_line([a_stop(i, 1) for i in range(1, 30)], [a_vehicle(1), a_vehicle(2)]),
        a_line([a_stop(1, 1, penalty=0)], [a_vehicle()]),
        a_line([a_stop(1, 1, penalty=None)], [a_vehicle(licence_needed="C")]),
    ],
    ids=["nothing", "no stop", "no vehicle", "one stop", "window", "one point", "worthless", "no licence"],
)
def test_odd_problems_have_plans_too(problem):
    plan = explain.explain(problem, solve(problem, seconds_max=2, solutions_max=30))
    assert wrong(problem, plan) == []
    assert all(each.reason for each in plan.unserved)


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="no engine"):
        solve(a_county(stops=2), seconds_max=1, engine="magic")


def test_what_a_dying_search_told_is_kept_and_its_death_is_noted(monkeypatch):
    monkeypatch.setitem(solver.ENGINES, "naughty", "tests.planning.naughty")
    problem = a_line([a_stop(1, 1), a_stop(2, 2)], [a_vehicle()])
    plan = solve(problem, seconds_max=4, engine="naughty")
    assert [route.stop_ids for route in plan.routes] == [(1,)]
    assert audit.check(problem, plan) == []
    assert {note.text for note in plan.notes} >= {"A search crashed"}


def test_a_search_that_only_dies_says_so(monkeypatch):
    monkeypatch.setitem(solver.ENGINES, "gone", "tests.planning.no_such_module")
    with pytest.raises(NoAnswer, match="A search failed"):
        solve(a_line([a_stop(1, 1)], [a_vehicle()]), seconds_max=5, engine="gone")


def test_parts_share_neither_stop_nor_vehicle_and_leave_out_what_nobody_may_serve():
    problem = a_county(stops=30, vehicles=6, depots=2)
    nobody = replace(problem.stops[0], id=999, storage_classes=frozenset({"frozen"}))
    problem = replace(problem, stops=(*problem.stops, nobody))
    parts = by_depot(problem, stops_max=1_000)
    assert len(parts) == 2 and all(part.exact for part in parts)
    stops = [stop_id for part in parts for stop_id in part.stop_ids]
    assert sorted(stops) == sorted(stop.id for stop in problem.stops if stop.id != 999)
    free = replace(problem, stops=tuple(replace(stop, depot_ids=None) for stop in problem.stops))
    assert [part.exact for part in by_depot(free, stops_max=1_000)] == [True]
    assert [part.exact for part in by_depot(free, stops_max=10)] == [False, False]


def test_stops_go_to_the_nearest_depot_with_room():
    problem = a_county(stops=30, vehicles=2, depots=2)
    problem = replace(problem, stops=tuple(replace(stop, depot_ids=None) for stop in problem.stops))
    choices = {stop.id: frozenset({1, 2}) for stop in problem.stops}
    nearest = nearest_depots(problem, choices)
    for depot_id in (1, 2):
        weight = sum(problem.stop_by_id[s].demand.weight_g for s, depot in nearest.items() if depot == depot_id)
        assert weight <= 1_000_000
    assert set(nearest.values()) == {1, 2}


def test_a_neighbourhood_holds_whole_routes_and_passes_by_what_is_busy():
    problem = a_county(stops=40, vehicles=8)
    plan = solve(problem, seconds_max=3, solutions_max=10)
    orders = [(route.vehicle_id, list(route.stop_ids)) for route in plan.routes]
    around = problem.stops[7].id
    part = neighbourhood(problem, orders, around_stop_id=around, stops_max=20)
    assert around in part.stop_ids
    for vehicle_id, stop_ids in orders:
        assert set(stop_ids) <= set(part.stop_ids) or not set(stop_ids) & set(part.stop_ids)
        assert (vehicle_id in part.vehicle_ids) == bool(set(stop_ids) & set(part.stop_ids))
    busy = neighbourhood(
        problem, orders, around_stop_id=around, stops_max=20, busy_vehicle_ids=frozenset(part.vehicle_ids),
        busy_stop_ids=frozenset(part.stop_ids),
    )  # fmt: skip
    assert not set(busy.vehicle_ids) & set(part.vehicle_ids) and not set(busy.stop_ids) & set(part.stop_ids)


def test_a_part_alone_is_the_same_problem_cut_small():
    problem = a_county(stops=30, vehicles=6, depots=2)
    part = part_of(problem, Part((2,), (103, 101)))
    assert len(part.distances_m) == 3 and [stop.id for stop in part.stops] == [103, 101]
    whole, small = timing.make_plan(problem, [(2, [101, 103])]), timing.make_plan(part, [(2, [101, 103])])
    assert whole.routes == small.routes


def test_capacities_bind_in_every_dimension():
    for dimension in range(3):
        demand = Load(*(60 if i == dimension else 1 for i in range(3)))
        problem = a_line(
            [a_stop(i, i, demand=demand) for i in range(1, 5)],
            [a_vehicle(i, capacity=Load(100, 100, 100), shift=TimeWindow(0, 24 * HOUR)) for i in range(1, 4)],
        )
        plan = timing.make_plan(problem, solver_ortools.first(quiet, problem, 2))
        assert len(plan.routes) == 3 and len(plan.unserved) == 1
