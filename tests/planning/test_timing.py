"""The times of a given order of stops: the shortest day that is on time, and of those the earliest."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.planning.problem import Depot, TimeWindow
from app.planning.timing import Legs, best_times, forward, make_route
from tests.planning.problems import HOUR, a_line, a_stop, a_vehicle


def test_a_run_leaves_late_enough_not_to_wait_and_early_enough_to_be_back():
    problem = a_line([a_stop(1, 1, windows=(TimeWindow(10 * HOUR, 12 * HOUR),))], [a_vehicle()])
    route = make_route(problem, problem.vehicles[0], [1])
    assert route.start_seconds == 10 * HOUR - 600
    assert route.visits[0].arrival_seconds == route.visits[0].begins_seconds == 10 * HOUR
    assert route.end_seconds == 10 * HOUR + 600 + 600
    assert route.cost == 5_000_000 + 120 * 20_000 + 1_000 * 1_800


def test_without_windows_a_run_leaves_when_the_shift_begins():
    problem = a_line([a_stop(1, 1, windows=(TimeWindow(0, 20 * HOUR),))], [a_vehicle()])
    assert make_route(problem, problem.vehicles[0], [1]).start_seconds == 7 * HOUR


def test_of_two_windows_the_one_is_kept_that_makes_the_day_shorter():
    morning, afternoon = TimeWindow(8 * HOUR, 9 * HOUR), TimeWindow(13 * HOUR, 14 * HOUR)
    stops = [a_stop(1, 1, windows=(morning, afternoon)), a_stop(2, 2, windows=(TimeWindow(13 * HOUR, 15 * HOUR),))]
    problem = a_line(stops, [a_vehicle()])
    route = make_route(problem, problem.vehicles[0], [1, 2])
    assert route.visits[0].begins_seconds >= 12 * HOUR and route.duration_seconds == 2 * 1_200 + 2 * 600


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), min_size=1, max_size=3), min_size=1, max_size=5
    ),
    st.lists(st.integers(0, 6), min_size=5, max_size=5),
)
def test_no_start_gives_a_shorter_day(window_lists, services):
    """Every start of the shift is tried, minute by minute, against the answer."""
    stops = []
    for i, pairs in enumerate(window_lists):
        made = []
        for opens, width in sorted(pairs):
            if not made or opens > made[-1].closes_seconds:
                made.append(TimeWindow(opens, opens + width))
        stops.append(a_stop(i + 1, i + 1, windows=tuple(made), service_seconds=services[i % 5]))
    problem = a_line(stops, [a_vehicle(shift=TimeWindow(0, 60))], step_m=1, step_seconds=2)
    problem = replace(problem, depots=(Depot(1, 0),))
    legs = Legs(problem, problem.vehicles[0], stops)
    visits, start, end, late = best_times(legs)
    tried = [(back - at, at) for at in range(61) for _, back, missed in [forward(legs, at)] if not missed]
    if not tried:
        assert late > 0
        return
    shortest = min(tried)[0]
    assert late == 0 and end - start == shortest
    assert all(a.departure_seconds <= b.arrival_seconds for a, b in pairwise(visits))
