"""Small problems for tests: each states the facts that its test is about."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import strategies as st

from app.planning.problem import UNLIMITED, Depot, Load, Point, Problem, Stop, TimeWindow, Vehicle
from app.planning.travel import Travel, matrices

HOUR = 3600
MISKOLC, DEBRECEN = Point(48.10, 20.78), Point(47.53, 21.63)
DAY = TimeWindow(8 * HOUR, 16 * HOUR)


def a_vehicle(id: int = 1, depot_id: int = 1, **facts) -> Vehicle:
    values = {
        "capacity": Load(1_000_000, 8_000_000, 4),
        "shift": TimeWindow(7 * HOUR, 16 * HOUR),
        "name": f"Van {id}",
        "storage_classes": frozenset({"ambient"}),
        "fixed_cost": 5_000_000,
        "metre_cost": 120,
        "second_cost": 1_000,
    }
    return Vehicle(id, depot_id, depot_id, **{**values, **facts})


def a_stop(id: int, location: int, **facts) -> Stop:
    values = {
        "demand": Load(50_000, 200_000, 0),
        "windows": (DAY,),
        "service_seconds": 600,
        "storage_classes": frozenset({"ambient"}),
        "penalty": 250_000_000,
        "name": f"Village {id}",
    }
    return Stop(id, location, **{**values, **facts})


def a_line(stops: list[Stop], vehicles: list[Vehicle], *, step_m: int = 10_000, step_seconds: int = 600) -> Problem:
    """Return a problem on a straight road: location 0 is the warehouse, every next one a step farther."""
    size = 1 + max((stop.location for stop in stops), default=0)
    steps = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    return Problem(
        depots=(Depot(1, 0, "Miskolc", TimeWindow(6 * HOUR, 20 * HOUR)),),
        vehicles=tuple(vehicles),
        stops=tuple(stops),
        distances_m=(steps * step_m).astype(np.int32),
        durations_seconds=(steps * step_seconds).astype(np.int32),
    )


def a_county(seed: int = 1, stops: int = 30, vehicles: int = 5, depots: int = 1, **facts) -> Problem:
    """Return a made-up county around each warehouse, the same every time."""
    chance = Random(seed)
    centres = [MISKOLC, DEBRECEN][:depots] or [MISKOLC]
    points = list(centres)
    made = []
    for i in range(stops):
        centre = i % len(centres)
        points.append(
            Point(centres[centre].latitude + chance.gauss(0, 0.2), centres[centre].longitude + chance.gauss(0, 0.3))
        )
        made.append(a_stop(100 + i, len(points) - 1, depot_ids=frozenset({centre + 1}), **facts))
    travel = Travel()
    distances_m, durations_seconds = matrices(points, travel)
    return Problem(
        depots=tuple(Depot(i + 1, i, f"Depot {i + 1}", TimeWindow(6 * HOUR, 20 * HOUR)) for i in range(len(centres))),
        vehicles=tuple(a_vehicle(1 + i, 1 + i % len(centres)) for i in range(vehicles)),
        stops=tuple(made),
        distances_m=distances_m,
        durations_seconds=durations_seconds,
        points=tuple(points),
        travel=travel.to_json(),
        name="county",
    )


windows = st.one_of(
    st.just((TimeWindow(0, UNLIMITED),)),
    st.builds(
        lambda opens, width: (TimeWindow(opens, opens + width),), st.integers(0, 20 * HOUR), st.integers(0, 6 * HOUR)
    ),
    st.builds(
        lambda first, gap: (TimeWindow(first, first + HOUR), TimeWindow(first + HOUR + gap, first + 2 * HOUR + gap)),
        st.integers(6 * HOUR, 10 * HOUR),
        st.integers(1, 4 * HOUR),
    ),
)
classes = st.frozensets(st.sampled_from(["ambient", "chilled", "bulky"]))
some = st.one_of(st.none(), st.frozensets(st.integers(1, 4), max_size=3))


@st.composite
def problems(draw: st.DrawFn, stops_max: int = 9) -> Problem:
    """Draw any problem that can be written: no vehicle, one stop, many in one point, windows nobody can keep."""
    size = draw(st.integers(1, 6))
    entries = st.integers(0, draw(st.sampled_from([0, 900, 40_000])))
    square = st.lists(st.lists(entries, min_size=size, max_size=size), min_size=size, max_size=size)
    places = st.integers(0, size - 1)
    depot_ids = list(range(1, 1 + draw(st.integers(1, 2))))
    loads = st.builds(Load, st.integers(0, 500), st.integers(0, 500), st.integers(0, 2))
    depots = tuple(
        Depot(
            i, draw(places), f"D{i}", draw(st.sampled_from([TimeWindow(0, UNLIMITED), TimeWindow(6 * HOUR, 18 * HOUR)]))
        )
        for i in depot_ids
    )
    vehicles = tuple(
        Vehicle(
            i,
            draw(st.sampled_from(depot_ids)),
            draw(st.sampled_from(depot_ids)),
            draw(st.one_of(loads, st.just(Load(UNLIMITED, UNLIMITED, UNLIMITED)))),
            draw(st.sampled_from([TimeWindow(0, UNLIMITED), TimeWindow(7 * HOUR, 15 * HOUR), TimeWindow(50, 50)])),
            f"V{i}",
            draw(classes),
            draw(st.sampled_from([None, "B", "C"])),
            draw(st.sampled_from([frozenset(), frozenset({"B"})])),
            draw(st.sampled_from([UNLIMITED, 4 * HOUR, 0])),
            draw(st.sampled_from([UNLIMITED, 50_000])),
            draw(st.sampled_from([UNLIMITED, 2, 0])),
            draw(st.integers(0, 10_000)),
            draw(st.integers(0, 200)),
            draw(st.integers(0, 1_000)),
        )
        for i in range(1, 1 + draw(st.integers(0, 4)))
    )
    stops = tuple(
        Stop(
            i,
            draw(places),
            draw(loads),
            draw(windows),
            draw(st.integers(0, HOUR)),
            draw(classes),
            draw(st.one_of(st.none(), st.integers(0, 10**9))),
            draw(st.integers(0, 4)),
            draw(some),
            draw(some),
            f"S{i}",
        )
        for i in range(10, 10 + draw(st.integers(0, stops_max)))
    )
    return Problem(
        depots, vehicles, stops, np.array(draw(square), dtype=np.int32), np.array(draw(square), dtype=np.int32)
    )
