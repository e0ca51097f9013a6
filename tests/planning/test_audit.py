"""The audit finds every seeded fault, and nothing in a good plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.planning import audit
from app.planning.problem import Load, Plan, TimeWindow, Unserved
from app.planning.timing import make_plan
from tests.planning.problems import HOUR, a_line, a_stop, a_vehicle

STOPS = [a_stop(1, 1), a_stop(2, 2), a_stop(3, 3)]
PROBLEM = a_line(STOPS, [a_vehicle(1), a_vehicle(2)])
GOOD = make_plan(PROBLEM, [(1, [1, 2]), (2, [3])])


def codes(problem, plan) -> set[str]:
    return {violation.code for violation in audit.check(problem, plan)}


def test_a_good_plan_has_no_violation():
    assert audit.check(PROBLEM, GOOD) == []
    assert audit.check(PROBLEM, make_plan(PROBLEM, [(1, [1])])) == []


def changed(**facts) -> Plan:
    return replace(GOOD, routes=(replace(GOOD.routes[0], **facts), GOOD.routes[1]))


def visit_changed(**facts) -> Plan:
    first, *rest = GOOD.routes[0].visits
    return changed(visits=(replace(first, **facts), *rest))


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (replace(GOOD, routes=GOOD.routes[:1], cost=GOOD.routes[0].cost), "stop_missing"),
        (replace(GOOD, routes=(*GOOD.routes, GOOD.routes[1])), "vehicle_twice"),
        (replace(GOOD, routes=(*GOOD.routes, GOOD.routes[1])), "stop_twice"),
        (replace(GOOD, unserved=(Unserved(3),)), "served_and_left_out"),
        (replace(GOOD, unserved=(Unserved(99),)), "left_out_wrongly"),
        (changed(vehicle_id=9), "unknown_vehicle"),
        (visit_changed(stop_id=77), "unknown_stop"),
        (changed(load=Load(1, 2, 3)), "misstated_weight_g"),
        (changed(distance_m=1), "misstated_distance_m"),
        (changed(cost=1), "misstated_cost"),
        (changed(duration_seconds=1), "misstated_duration_seconds"),
        (changed(end_seconds=1), "misstated_end_seconds"),
        (changed(start_seconds=1), "starts_early"),
        (visit_changed(arrival_seconds=7 * HOUR), "times"),
        (visit_changed(begins_seconds=7 * HOUR), "window"),
        (visit_changed(departure_seconds=0), "service_time"),
        (replace(GOOD, cost=5), "misstated_cost"),
        (replace(GOOD, penalty=5), "misstated_penalty"),
        (replace(GOOD, bound=10**15), "bound"),
    ],
)
def test_every_seeded_fault_of_a_plan_is_found(plan, code):
    assert code in codes(PROBLEM, plan)


@pytest.mark.parametrize(
    ("vehicle", "stop", "code"),
    [
        ({"capacity": Load(10, 10**9, 9)}, {}, "load_weight_g"),
        ({"capacity": Load(10**9, 10, 9)}, {}, "load_volume_ml"),
        ({"capacity": Load(10**9, 10**9, 0)}, {"demand": Load(1, 1, 1)}, "load_pallet_places"),
        ({"storage_classes": frozenset()}, {}, "storage_class"),
        ({"licence_needed": "C", "licences": frozenset({"B"})}, {}, "licence"),
        ({"shift": TimeWindow(7 * HOUR, 8 * HOUR)}, {}, "ends_late"),
        ({"duration_max_seconds": 60}, {}, "duration_max"),
        ({"distance_max_m": 60}, {}, "distance_max"),
        ({"stops_max": 1}, {}, "stops_max"),
        ({}, {"windows": (TimeWindow(7 * HOUR, 7 * HOUR + 1),)}, "window"),
        ({}, {"depot_ids": frozenset({5})}, "wrong_depot"),
        ({}, {"vehicle_ids": frozenset({5})}, "wrong_vehicle"),
    ],
)
def test_every_rule_of_a_problem_is_checked(vehicle, stop, code):
    problem = a_line([a_stop(1, 1, **stop), a_stop(2, 2, **stop)], [a_vehicle(1, **vehicle)])
    assert code in codes(problem, make_plan(problem, [(1, [1, 2])]))


def test_a_stop_that_must_be_served_and_is_not_is_a_violation():
    problem = a_line([a_stop(1, 1, penalty=None)], [a_vehicle(1)])
    assert codes(problem, make_plan(problem, [])) == {"required_left_out"}
