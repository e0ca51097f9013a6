"""A problem and its plan are written and read without loss; what is no problem is refused with its place."""

from __future__ import annotations

import copy
import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.planning import explain, formats
from app.planning.problem import Load
from app.planning.timing import make_plan
from tests.planning.problems import a_county, a_line, a_stop, a_vehicle, problems


def through_json(thing):
    return json.loads(json.dumps(thing))


def same(one, other) -> bool:
    return (
        (one.depots, one.vehicles, one.stops, one.points, one.scale)
        == (other.depots, other.vehicles, other.stops, other.points, other.scale)
        and np.array_equal(one.distances_m, other.distances_m)
        and np.array_equal(one.durations_seconds, other.durations_seconds)
    )


@settings(max_examples=60, deadline=None)
@given(problems())
def test_any_problem_comes_back_as_it_was(problem):
    assert same(problem, formats.problem_from_json(through_json(formats.problem_to_json(problem))))


@pytest.mark.parametrize("numbers", [True, False])
def test_distances_are_written_or_made_again_the_same(numbers):
    problem = a_county(depots=2)
    stored = through_json(formats.problem_to_json(problem, numbers=numbers))
    assert len(stored["matrices"]) == (2 if numbers else 0)
    assert same(problem, formats.problem_from_json({"problem": stored, "plan": {}}))


def test_a_plan_comes_back_with_its_reasons():
    problem = a_line([a_stop(1, 1), a_stop(2, 2, demand=Load(9, 9, 99))], [a_vehicle()])
    plan = explain.explain(problem, make_plan(problem, [(1, [1])]))
    assert plan.unserved[0].relaxations
    assert formats.plan_from_json(through_json(formats.plan_to_json(plan))) == plan


def test_the_question_is_read_without_matrices():
    problem = a_county()
    depots, vehicles, stops, points = formats.question_from_json(formats.problem_to_json(problem, numbers=False))
    assert (tuple(depots), tuple(vehicles), tuple(stops)) == (problem.depots, problem.vehicles, problem.stops)
    assert tuple(points) == problem.points


GOOD = formats.problem_to_json(a_county(stops=3))


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("stops", 1, "location"), 99, "problem"),
        (("stops", 1, "location"), -1, "stops[1].location"),
        (("stops", 1, "id"), "x", "stops[1].id"),
        (("stops", 1, "weight_g"), 1.5, "stops[1].weight_g"),
        (("stops", 1, "windows"), [[5, 3]], "stops[1].windows.closes"),
        (("stops", 1, "windows"), [[5, 9], [7, 10]], "stops[1].windows"),
        (("stops", 1, "surprise"), 1, "stops[1].surprise"),
        (("stops", 1, "name"), "a\x00b", "stops[1].name"),
        (("stops", 1), None, "stops[1]"),
        (("vehicles", 0, "start_depot_id"), 77, "problem"),
        (("vehicles", 0, "metre_cost"), 2**60, "vehicles[0].metre_cost"),
        (("points", 0), [91, 0], "problem.points[0]"),
        (("points", 0), [float("nan"), 0], "problem.points[0]"),
        (("matrices", 0, "distances_m"), [[1, 2]], "matrices[0].distances_m"),
        (("matrices", 0, "distances_m", 0, 0), "1", "matrices[0].distances_m"),
        (("matrices", 0, "distances_m", 0, 0), 2**40, "matrices[0].distances_m"),
        (("travel",), {"speeds": 1}, "travel"),
        (("format",), "vroom", "problem.format"),
        (("scale",), 0, "problem.scale"),
        (("depots",), "x", "problem.depots"),
    ],
)
def test_what_is_no_problem_is_refused_with_its_place(path, value, where):
    wrong = copy.deepcopy(GOOD)
    at = wrong
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(formats.UnreadableProblem) as refused:
        formats.problem_from_json(wrong)
    assert refused.value.where == where


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["problem", "points", "matrices", "stops", "depots", "vehicles", "travel", "id", "windows"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_makes_the_reader_crash(thing):
    with suppress(formats.UnreadableProblem):
        formats.problem_from_json(thing)
