"""Recomputes a plan and says what is wrong with it, trusting nothing that the search said. Pure.

It shares no code with the search or with the times that the search was given: only the problem's own numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from app.foundation.words import Message, say
from app.planning.problem import Load, Plan, Problem, Route, Stop, Vehicle


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a plan breaks, or a figure that it states wrongly."""

    code: str
    message: Message
    vehicle_id: int | None = None
    stop_id: int | None = None


def check(problem: Problem, plan: Plan) -> list[Violation]:
    """Return everything that is wrong with a plan; an empty list is the only good answer."""
    return [
        *_each_stop_once(problem, plan),
        *_each_vehicle_once(problem, plan),
        *_routes(problem, plan),
        *_totals(problem, plan),
    ]


def _each_stop_once(problem: Problem, plan: Plan) -> Iterator[Violation]:
    served = Counter(visit.stop_id for route in plan.routes for visit in route.visits)
    left_out = Counter(unserved.stop_id for unserved in plan.unserved)
    for stop_id, times in served.items():
        if stop_id not in problem.stop_by_id:
            yield Violation("unknown_stop", say("Stop %(stop)s is not in the problem", stop=stop_id), stop_id=stop_id)
        elif times > 1:
            yield Violation(
                "stop_twice", say("Stop %(stop)s is visited %(n)s times", stop=stop_id, n=times), stop_id=stop_id
            )
        if stop_id in left_out:
            yield Violation(
                "served_and_left_out", say("Stop %(stop)s is both visited and left out", stop=stop_id), stop_id=stop_id
            )
    for stop_id, times in left_out.items():
        if stop_id not in problem.stop_by_id or times > 1:
            yield Violation("left_out_wrongly", say("Stop %(stop)s is left out wrongly", stop=stop_id), stop_id=stop_id)
    for stop in problem.stops:
        if stop.id not in served and stop.id not in left_out:
            yield Violation(
                "stop_missing", say("Stop %(stop)s is neither visited nor left out", stop=stop.id), stop_id=stop.id
            )
        elif stop.id not in served and stop.penalty is None:
            yield Violation(
                "required_left_out", say("Stop %(stop)s must be visited and is left out", stop=stop.id), stop_id=stop.id
            )


def _each_vehicle_once(problem: Problem, plan: Plan) -> Iterator[Violation]:
    for vehicle_id, times in Counter(route.vehicle_id for route in plan.routes).items():
        if vehicle_id not in problem.vehicle_by_id:
            yield Violation(
                "unknown_vehicle", say("Vehicle %(vehicle)s is not in the problem", vehicle=vehicle_id), vehicle_id
            )
        elif times > 1:
            yield Violation(
                "vehicle_twice", say("Vehicle %(vehicle)s has %(n)s runs", vehicle=vehicle_id, n=times), vehicle_id
            )


def _routes(problem: Problem, plan: Plan) -> Iterator[Violation]:
    for route in plan.routes:
        vehicle = problem.vehicle_by_id.get(route.vehicle_id)
        stops = [problem.stop_by_id.get(visit.stop_id) for visit in route.visits]
        if vehicle is None or any(stop is None for stop in stops):
            continue
        known = [stop for stop in stops if stop is not None]
        yield from _may_carry(vehicle, known)
        yield from _loads(vehicle, known, route)
        yield from _times(problem, vehicle, known, route)
        yield from _way(problem, vehicle, known, route)


def _may_carry(vehicle: Vehicle, stops: list[Stop]) -> Iterator[Violation]:
    if vehicle.licence_needed is not None and vehicle.licence_needed not in vehicle.licences:
        yield Violation(
            "licence",
            say("Vehicle %(vehicle)s needs a licence %(licence)s", vehicle=vehicle.id, licence=vehicle.licence_needed),
            vehicle.id,
        )
    for stop in stops:
        missing = stop.storage_classes - vehicle.storage_classes
        if missing:
            yield Violation(
                "storage_class",
                say(
                    "Vehicle %(vehicle)s cannot carry %(classes)s to stop %(stop)s",
                    vehicle=vehicle.id,
                    classes=", ".join(sorted(missing)),
                    stop=stop.id,
                ),
                vehicle.id,
                stop.id,
            )
        if stop.depot_ids is not None and vehicle.start_depot_id not in stop.depot_ids:
            yield Violation(
                "wrong_depot",
                say(
                    "The goods of stop %(stop)s are not where vehicle %(vehicle)s starts",
                    stop=stop.id,
                    vehicle=vehicle.id,
                ),
                vehicle.id,
                stop.id,
            )
        if stop.vehicle_ids is not None and vehicle.id not in stop.vehicle_ids:
            yield Violation(
                "wrong_vehicle",
                say("Vehicle %(vehicle)s may not visit stop %(stop)s", vehicle=vehicle.id, stop=stop.id),
                vehicle.id,
                stop.id,
            )


def _loads(vehicle: Vehicle, stops: list[Stop], route: Route) -> Iterator[Violation]:
    for dimension, name in enumerate(Load._fields):
        load, capacity = sum(stop.demand[dimension] for stop in stops), vehicle.capacity[dimension]
        if load > capacity:
            yield Violation(
                f"load_{name}",
                say(
                    "Vehicle %(vehicle)s is overloaded: %(load)s of %(capacity)s (%(dimension)s)",
                    vehicle=vehicle.id,
                    load=load,
                    capacity=capacity,
                    dimension=name,
                ),
                vehicle.id,
            )
        if load != route.load[dimension]:
            yield _misstated(vehicle.id, name, route.load[dimension], load)
    if len(stops) > vehicle.stops_max:
        yield Violation(
            "stops_max",
            say(
                "Vehicle %(vehicle)s has %(n)s stops, at most %(most)s",
                vehicle=vehicle.id,
                n=len(stops),
                most=vehicle.stops_max,
            ),
            vehicle.id,
        )


def _times(problem: Problem, vehicle: Vehicle, stops: list[Stop], route: Route) -> Iterator[Violation]:
    leaves, back = problem.working_hours(vehicle)
    if route.start_seconds < leaves:
        yield Violation(
            "starts_early",
            say(
                "Vehicle %(vehicle)s leaves %(seconds)s s too early",
                vehicle=vehicle.id,
                seconds=leaves - route.start_seconds,
            ),
            vehicle.id,
        )
    if route.end_seconds > back:
        yield Violation(
            "ends_late",
            say(
                "Vehicle %(vehicle)s is back %(seconds)s s too late",
                vehicle=vehicle.id,
                seconds=route.end_seconds - back,
            ),
            vehicle.id,
        )
    now, here = route.start_seconds, problem.depot_by_id[vehicle.start_depot_id].location
    for stop, visit in zip(stops, route.visits, strict=True):
        arrival = now + int(problem.durations_seconds[here, stop.location])
        if visit.arrival_seconds != arrival or visit.begins_seconds < arrival:
            yield Violation(
                "times",
                say(
                    "Stop %(stop)s is reached at %(arrival)s, not at %(stated)s",
                    stop=stop.id,
                    arrival=arrival,
                    stated=visit.arrival_seconds,
                ),
                vehicle.id,
                stop.id,
            )
        if not any(w.opens_seconds <= visit.begins_seconds <= w.closes_seconds for w in stop.windows):
            yield Violation(
                "window",
                say(
                    "Stop %(stop)s is served outside its window, at %(begins)s",
                    stop=stop.id,
                    begins=visit.begins_seconds,
                ),
                vehicle.id,
                stop.id,
            )
        if visit.departure_seconds != visit.begins_seconds + stop.service_seconds:
            yield Violation(
                "service_time",
                say(
                    "Stop %(stop)s is not given its %(seconds)s s of service",
                    stop=stop.id,
                    seconds=stop.service_seconds,
                ),
                vehicle.id,
                stop.id,
            )
        now, here = visit.departure_seconds, stop.location
    end = now + int(problem.durations_seconds[here, problem.depot_by_id[vehicle.end_depot_id].location])
    if route.end_seconds != end:
        yield _misstated(vehicle.id, "end_seconds", route.end_seconds, end)
    if end - route.start_seconds > vehicle.duration_max_seconds:
        yield Violation(
            "duration_max",
            say(
                "Vehicle %(vehicle)s works %(seconds)s s, at most %(most)s",
                vehicle=vehicle.id,
                seconds=end - route.start_seconds,
                most=vehicle.duration_max_seconds,
            ),
            vehicle.id,
        )


def _way(problem: Problem, vehicle: Vehicle, stops: list[Stop], route: Route) -> Iterator[Violation]:
    way = [
        problem.depot_by_id[vehicle.start_depot_id].location,
        *(stop.location for stop in stops),
        problem.depot_by_id[vehicle.end_depot_id].location,
    ]
    distance_m = sum(int(problem.distances_m[a, b]) for a, b in pairwise(way))
    duration = route.end_seconds - route.start_seconds
    cost = vehicle.fixed_cost + vehicle.metre_cost * distance_m + vehicle.second_cost * duration
    if distance_m > vehicle.distance_max_m:
        yield Violation(
            "distance_max",
            say(
                "Vehicle %(vehicle)s drives %(metres)s m, at most %(most)s",
                vehicle=vehicle.id,
                metres=distance_m,
                most=vehicle.distance_max_m,
            ),
            vehicle.id,
        )
    for name, stated, real in (
        ("distance_m", route.distance_m, distance_m),
        ("duration_seconds", route.duration_seconds, duration),
        ("cost", route.cost, cost),
    ):
        if stated != real:
            yield _misstated(vehicle.id, name, stated, real)


def _totals(problem: Problem, plan: Plan) -> Iterator[Violation]:
    cost = sum(route.cost for route in plan.routes)
    known = (problem.stop_by_id.get(unserved.stop_id) for unserved in plan.unserved)
    penalty = sum(problem.penalty_of(stop) for stop in known if stop is not None)
    if plan.cost != cost:
        yield _misstated(None, "cost", plan.cost, cost)
    if plan.penalty != penalty:
        yield _misstated(None, "penalty", plan.penalty, penalty)
    if plan.bound is not None and plan.bound > cost + penalty:
        yield Violation(
            "bound", say("The bound %(bound)s is above the plan's own %(cost)s", bound=plan.bound, cost=cost + penalty)
        )


def _misstated(vehicle_id: int | None, name: str, stated: int, real: int) -> Violation:
    message = say("%(name)s is stated as %(stated)s and is %(real)s", name=name, stated=stated, real=real)
    return Violation(f"misstated_{name}", message, vehicle_id)
