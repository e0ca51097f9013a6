"""When a route is where: the best times for a given order of stops, and the route they make. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from app.planning.problem import UNLIMITED, Load, Plan, Problem, Route, Stop, TimeWindow, Unserved, Vehicle, Visit


class Legs:
    """A vehicle's way through some stops, taken out of the matrices once."""

    def __init__(self, problem: Problem, vehicle: Vehicle, stops: Sequence[Stop]) -> None:
        start = problem.depot_by_id[vehicle.start_depot_id].location
        end = problem.depot_by_id[vehicle.end_depot_id].location
        way = [start, *(stop.location for stop in stops), end]
        self.stops = stops
        self.distances_m: list[int] = problem.distances_m[way[:-1], way[1:]].tolist()
        self.seconds: list[int] = problem.durations_seconds[way[:-1], way[1:]].tolist()
        self.leaves_seconds, self.back_seconds = problem.working_hours(vehicle)


def begins(windows: Sequence[TimeWindow], arrival_seconds: int) -> int | None:
    """Return when service can begin after this arrival, or None when the last window has closed."""
    for window in windows:
        if arrival_seconds <= window.closes_seconds:
            return max(arrival_seconds, window.opens_seconds)
    return None


def forward(legs: Legs, start_seconds: int) -> tuple[list[Visit], int, int]:
    """Drive the legs from a start on.

    Returns the visits, the time of being back, and the seconds by which windows and the end of work are missed in all.
    A stop reached too late is served on arrival, so that the rest of the day can still be judged.
    """
    now, late, visits = start_seconds, 0, []
    for stop, seconds in zip(legs.stops, legs.seconds, strict=False):
        arrival = now + seconds
        begin = begins(stop.windows, arrival)
        if begin is None:
            late += arrival - stop.windows[-1].closes_seconds
            begin = arrival
        now = begin + stop.service_seconds
        visits.append(Visit(stop.id, arrival, begin, now))
    back = now + legs.seconds[-1]
    return visits, back, late + max(0, back - legs.back_seconds)


def _latest_start(legs: Legs, index: int, begin_seconds: int) -> int | None:
    """Return the latest start that still begins service at stop ``index`` by ``begin_seconds``; None: there is none."""
    begin = begin_seconds
    for i in range(index, -1, -1):
        opened = [window for window in legs.stops[i].windows if window.opens_seconds <= begin]
        if not opened:
            return None
        begin = min(begin, opened[-1].closes_seconds)
        previous_service = legs.stops[i - 1].service_seconds if i else 0
        begin -= legs.seconds[i] + previous_service
    return begin


def best_times(legs: Legs) -> tuple[list[Visit], int, int, int]:
    """Return visits, start, end and lateness of the shortest day that is on time; of those, the earliest.

    The finish as a function of the start is a staircase: the day is shortest where leaving a moment later would miss a
    window, so only those starts need to be tried.
    """
    visits, back, late = forward(legs, legs.leaves_seconds)
    if late or not legs.stops:
        return visits, legs.leaves_seconds, back, late
    last = len(legs.stops) - 1
    ends = min(legs.back_seconds, UNLIMITED) - legs.seconds[-1] - legs.stops[last].service_seconds
    marks = [(last, ends)]
    if any(len(stop.windows) > 1 for stop in legs.stops):
        marks += [(i, window.closes_seconds) for i, stop in enumerate(legs.stops) for window in stop.windows]
    best = (back - legs.leaves_seconds, legs.leaves_seconds, visits, back)
    for index, begin in marks:
        start = _latest_start(legs, index, begin)
        if start is None or start <= legs.leaves_seconds:
            continue
        visits, back, late = forward(legs, start)
        if not late and back - start < best[0]:
            best = (back - start, start, visits, back)
    _, start, visits, back = best
    return *_as_early(legs, visits, start, back), 0


def _as_early(legs: Legs, visits: list[Visit], start: int, back: int) -> tuple[list[Visit], int, int]:
    slack = start - legs.leaves_seconds
    for stop, visit in zip(legs.stops, visits, strict=True):
        opened = max(w.opens_seconds for w in stop.windows if w.opens_seconds <= visit.begins_seconds)
        slack = min(slack, visit.begins_seconds - opened)
    if slack <= 0:
        return visits, start, back
    earlier, back_earlier, _ = forward(legs, start - slack)
    return earlier, start - slack, back_earlier


def make_route(problem: Problem, vehicle: Vehicle, stop_ids: Sequence[int]) -> Route:
    """Return this vehicle's route through these stops with its best times, kept or broken rules alike."""
    stops = [problem.stop_by_id[stop_id] for stop_id in stop_ids]
    legs = Legs(problem, vehicle, stops)
    visits, start, end, _ = best_times(legs)
    load = Load(*(sum(amounts) for amounts in zip(*(stop.demand for stop in stops), strict=True))) if stops else Load()
    distance_m = sum(legs.distances_m)
    cost = vehicle.fixed_cost + vehicle.metre_cost * distance_m + vehicle.second_cost * (end - start)
    return Route(vehicle.id, tuple(visits), start, end, load, distance_m, end - start, cost)


def make_plan(
    problem: Problem,
    orders: Sequence[tuple[int, Sequence[int]]],
    *,
    engine: str = "",
    seed: int = 0,
    seconds: float = 0.0,
) -> Plan:
    """Return the plan in which each (vehicle id, stop ids in order) is driven; what is in none is left out."""
    routes = tuple(
        make_route(problem, problem.vehicle_by_id[vehicle_id], stop_ids) for vehicle_id, stop_ids in orders if stop_ids
    )
    served = {stop_id for route in routes for stop_id in route.stop_ids}
    left_out = tuple(stop for stop in problem.stops if stop.id not in served)
    return Plan(
        routes=routes,
        unserved=tuple(Unserved(stop.id) for stop in left_out),
        cost=sum(route.cost for route in routes),
        penalty=sum(problem.penalty_of(stop) for stop in left_out),
        engine=engine,
        seed=seed,
        seconds=seconds,
    )
