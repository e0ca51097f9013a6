"""Each stop that is left out has a reason and the cheapest change that would serve it; the change really does."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from app.planning import audit, explain
from app.planning.problem import Load, TimeWindow
from app.planning.timing import make_plan
from tests.planning.problems import HOUR, a_line, a_stop, a_vehicle, problems


def left_out(problem, orders, stop_id):
    plan = explain.explain(problem, make_plan(problem, orders))
    return next(each for each in plan.unserved if each.stop_id == stop_id)


def served_after(problem, orders, unserved) -> bool:
    """Make the first relaxation, put the stop where it says, and audit."""
    relaxation = unserved.relaxations[0]
    changed = explain.relaxed(problem, unserved.stop_id, relaxation)
    new = {vehicle_id: list(order) for vehicle_id, order in orders}
    new.setdefault(relaxation.vehicle_id, []).insert(relaxation.position, unserved.stop_id)
    plan = make_plan(changed, list(new.items()))
    return audit.check(changed, plan) == [] and unserved.stop_id not in {each.stop_id for each in plan.unserved}


def test_a_window_that_closes_too_early_is_named_with_its_minutes():
    problem = a_line([a_stop(1, 12, windows=(TimeWindow(8 * HOUR, 8 * HOUR + 1_800),))], [a_vehicle()])
    why = left_out(problem, [], 1)
    assert why.code == "window_later"
    # Two hours from 7:00: there at 9:00, half an hour after the window.
    assert str(why.relaxations[0].message) == "Fits if the window closes 30 min later, at 9:00: Van 1"
    assert why.relaxations[0].extra_m == 240_000
    assert served_after(problem, [], why)


def test_a_shift_that_ends_too_early_is_named_with_its_minutes():
    problem = a_line([a_stop(1, 30)], [a_vehicle()])
    why = left_out(problem, [], 1)
    assert why.code == "shift_later"
    assert str(why.relaxations[0].message) == "Van 1 would be back 70 min after its driver's shift"
    assert served_after(problem, [], why)


def test_leaving_earlier_may_be_the_smaller_change():
    stops = [a_stop(1, 12, windows=(TimeWindow(8 * HOUR, 9 * HOUR - 600),), service_seconds=300)]
    problem = a_line(stops, [a_vehicle(shift=TimeWindow(7 * HOUR, 11 * HOUR))])
    why = left_out(problem, [], 1)
    codes = {relaxation.code for relaxation in why.relaxations}
    assert codes <= {"shift_earlier", "window_later"} and codes
    assert served_after(problem, [], why)


def test_a_full_run_is_named_with_its_kilograms():
    stops = [a_stop(1, 1, demand=Load(900_000, 1, 0)), a_stop(2, 2, demand=Load(140_000, 1, 0))]
    problem = a_line(stops, [a_vehicle()])
    why = left_out(problem, [(1, [1])], 2)
    assert why.code == "more_room"
    assert str(why.relaxations[0].message) == "Van 1 is full: 40 kg too much"
    assert served_after(problem, [(1, [1])], why)


def test_goods_that_no_vehicle_here_can_carry_name_the_vehicle_of_another_warehouse():
    problem = a_line([a_stop(1, 1, storage_classes=frozenset({"chilled"}))], [a_vehicle()])
    why = left_out(problem, [], 1)
    assert why.code == "storage_class" and "cooling" in str(why.reason) and why.relaxations == ()


def test_each_kind_of_nobody_is_told_apart():
    stop = a_stop(1, 1)
    cases = {
        "no_vehicle": a_line([stop], []),
        "no_vehicle_here": a_line([a_stop(1, 1, depot_ids=frozenset({7}))], [a_vehicle()]),
        "licence": a_line([stop], [a_vehicle(licence_needed="C", licences=frozenset({"B"}))]),
        "vehicle_named": a_line([a_stop(1, 1, vehicle_ids=frozenset({9}))], [a_vehicle()]),
        "too_large": a_line([a_stop(1, 1, demand=Load(2_000_000, 0, 0))], [a_vehicle()]),
        "too_dear": a_line([a_stop(1, 1, penalty=1)], [a_vehicle()]),
        "not_found_in_time": a_line([stop], [a_vehicle()]),
        "one_more_stop": a_line([stop], [a_vehicle(stops_max=0)]),
        "longer_way": a_line([stop], [a_vehicle(distance_max_m=100)]),
        "longer_day": a_line([stop], [a_vehicle(duration_max_seconds=100)]),
        "no_room_and_time": a_line(
            [a_stop(1, 1, windows=(TimeWindow(5 * HOUR, 6 * HOUR),))],
            [a_vehicle(shift=TimeWindow(7 * HOUR, 7 * HOUR + 60), duration_max_seconds=60)],
        ),
    }
    assert {code: left_out(problem, [], 1).code for code, problem in cases.items()} == {code: code for code in cases}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(stops_max=5))
def test_every_relaxation_of_any_problem_serves_the_stop_when_it_is_made(problem):
    """With nothing planned yet, each change alone must be enough."""
    for unserved in explain.explain(problem, make_plan(problem, [])).unserved:
        for relaxation in unserved.relaxations:
            if relaxation.position is None:
                continue
            changed = explain.relaxed(problem, unserved.stop_id, relaxation)
            plan = make_plan(changed, [(relaxation.vehicle_id, [unserved.stop_id])])
            assert [each for each in audit.check(changed, plan) if each.code != "required_left_out"] == []
