"""Cuts a large problem into parts that are searched alone: by depot first, then by neighbouring routes. Pure."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from app.planning.problem import Load, Problem, Stop, Vehicle, may_carry

Orders = list[tuple[int, list[int]]]
"""Which vehicle visits which stops in which order."""


@dataclass(frozen=True, slots=True)
class Part:
    """Vehicles and stops that are planned together."""

    vehicle_ids: tuple[int, ...]
    stop_ids: tuple[int, ...]
    exact: bool = True
    """Whether no better plan is lost by planning it alone."""


def part_of(problem: Problem, part: Part) -> Problem:
    """Return the problem of these vehicles and stops alone, its matrices cut down to their places."""
    vehicles = tuple(problem.vehicle_by_id[vehicle_id] for vehicle_id in part.vehicle_ids)
    stops = tuple(problem.stop_by_id[stop_id] for stop_id in part.stop_ids)
    depot_ids = {v.start_depot_id for v in vehicles} | {v.end_depot_id for v in vehicles}
    depots = tuple(depot for depot in problem.depots if depot.id in depot_ids)
    locations = sorted({depot.location for depot in depots} | {stop.location for stop in stops})
    row = {location: i for i, location in enumerate(locations)}
    cut = np.ix_(locations, locations)
    return replace(
        problem,
        depots=tuple(replace(depot, location=row[depot.location]) for depot in depots),
        vehicles=vehicles,
        stops=tuple(replace(stop, location=row[stop.location]) for stop in stops),
        distances_m=problem.distances_m[cut],
        durations_seconds=problem.durations_seconds[cut],
        points=(),
    )


def _kind(vehicle: Vehicle) -> tuple[object, ...]:
    """Return what tells vehicles apart; two of one kind are the same to a stop that names no vehicle."""
    return (vehicle.start_depot_id, vehicle.storage_classes, vehicle.may_leave)


def start_depots(problem: Problem) -> dict[int, frozenset[int]]:
    """Return for each stop the depots from which some vehicle may serve it, loads and times aside."""
    kinds: dict[tuple[object, ...], Vehicle] = {}
    for vehicle in problem.vehicles:
        kinds.setdefault(_kind(vehicle), vehicle)
    out = {}
    for stop in problem.stops:
        if stop.vehicle_ids is None:
            out[stop.id] = frozenset(v.start_depot_id for v in kinds.values() if may_carry(v, stop))
        else:
            named = (problem.vehicle_by_id[i] for i in stop.vehicle_ids if i in problem.vehicle_by_id)
            out[stop.id] = frozenset(v.start_depot_id for v in named if may_carry(v, stop))
    return out


def by_depot(problem: Problem, *, stops_max: int) -> list[Part]:
    """Return parts that share neither stop nor vehicle.

    Where goods are tied to one warehouse the parts are exact. A part in which stops may choose between depots is kept
    whole up to ``stops_max`` stops; above that each stop goes to its nearest depot with room (``nearest_depots``).
    A stop that no vehicle may serve is in no part.
    """
    choices = {stop_id: depots for stop_id, depots in start_depots(problem).items() if depots}
    joined = _joined([frozenset({v.start_depot_id}) for v in problem.vehicles] + list(choices.values()))
    stops_of: dict[int, list[int]] = defaultdict(list)
    for stop_id, depots in choices.items():
        stops_of[joined[min(depots)]].append(stop_id)
    parts = []
    for group, stop_ids in stops_of.items():
        vehicles = [v for v in problem.vehicles if joined[v.start_depot_id] == group]
        if len(stop_ids) <= stops_max or len({v.start_depot_id for v in vehicles}) == 1:
            parts.append(Part(tuple(v.id for v in vehicles), tuple(stop_ids)))
            continue
        nearest = nearest_depots(problem, {stop_id: choices[stop_id] for stop_id in stop_ids})
        for depot_id in sorted(set(nearest.values())):
            its_vehicles = tuple(v.id for v in vehicles if v.start_depot_id == depot_id)
            its_stops = tuple(stop_id for stop_id in stop_ids if nearest[stop_id] == depot_id)
            parts.append(Part(its_vehicles, its_stops, exact=False))
    return parts


def _joined(groups: Sequence[frozenset[int]]) -> dict[int, int]:
    leader: dict[int, int] = {}

    def find(depot: int) -> int:
        leader.setdefault(depot, depot)
        while leader[depot] != depot:
            leader[depot] = leader[leader[depot]]
            depot = leader[depot]
        return depot

    for group in groups:
        first, *others = sorted(group)
        for other in others:
            leader[find(other)] = find(first)
        find(first)
    return {depot: find(depot) for depot in list(leader)}


def nearest_depots(problem: Problem, choices: dict[int, frozenset[int]]) -> dict[int, int]:
    """Return a depot for each stop: the nearest that still has room, those served first that would lose most.

    Room is the sum of the capacities that start there, less a twentieth, because a fleet is never filled to the brim.
    """
    room: dict[int, list[int]] = {}
    for vehicle in problem.vehicles:
        if vehicle.may_leave:
            before = room.setdefault(vehicle.start_depot_id, [0] * len(Load._fields))
            for dimension, capacity in enumerate(vehicle.capacity):
                before[dimension] += capacity * 19 // 20
    ways: list[tuple[int, int, list[tuple[int, int]]]] = []
    for stop_id, depots in choices.items():
        stop = problem.stop_by_id[stop_id]
        ranked = sorted((_there_and_back(problem, depot, stop), depot) for depot in depots)
        regret = ranked[1][0] - ranked[0][0] if len(ranked) > 1 else 2**40
        ways.append((-regret, stop_id, ranked))
    chosen: dict[int, int] = {}
    for _, stop_id, ranked in sorted(ways):
        demand = problem.stop_by_id[stop_id].demand
        fitting = (depot for _, depot in ranked if all(a <= b for a, b in zip(demand, room[depot], strict=True)))
        depot = next(fitting, ranked[0][1])
        chosen[stop_id] = depot
        room[depot] = [left - taken for left, taken in zip(room[depot], demand, strict=True)]
    return chosen


def _there_and_back(problem: Problem, depot_id: int, stop: Stop) -> int:
    depot = problem.depot_by_id[depot_id]
    return int(problem.distances_m[depot.location, stop.location] + problem.distances_m[stop.location, depot.location])


def neighbourhood(
    problem: Problem,
    orders: Orders,
    *,
    around_stop_id: int,
    stops_max: int,
    busy_vehicle_ids: Set[int] = frozenset(),
    busy_stop_ids: Set[int] = frozenset(),
    spare: int = 2,
) -> Part:
    """Return the routes nearest to a stop, the left-out stops between them, and a few vehicles that stand idle.

    Routes and stops that are busy (someone else is working on them) are passed by.
    """
    route_of = {stop_id: i for i, (_, stop_ids) in enumerate(orders) for stop_id in stop_ids}
    here = problem.stop_by_id[around_stop_id].location
    locations = np.fromiter((stop.location for stop in problem.stops), dtype=np.intp, count=len(problem.stops))
    routes: list[int] = []
    stop_ids: list[int] = []
    for index in np.argsort(problem.distances_m[here, locations], kind="stable"):
        stop = problem.stops[index]
        route = route_of.get(stop.id)
        if route in routes or stop.id in busy_stop_ids or (route is not None and orders[route][0] in busy_vehicle_ids):
            continue
        more = [stop.id] if route is None else orders[route][1]
        if stop_ids and len(stop_ids) + len(more) > stops_max:
            break
        stop_ids += more
        if route is not None:
            routes.append(route)
    used = {vehicle_id for vehicle_id, order in orders if order}
    working = [problem.vehicle_by_id[orders[route][0]] for route in routes]
    depots = {v.start_depot_id for v in working} or {v.start_depot_id for v in problem.vehicles}
    idle: dict[object, list[int]] = defaultdict(list)
    for vehicle in problem.vehicles:
        free = vehicle.id not in used and vehicle.id not in busy_vehicle_ids
        if free and vehicle.may_leave and vehicle.start_depot_id in depots:
            kind = (*_kind(vehicle), vehicle.capacity, vehicle.fixed_cost, vehicle.metre_cost, vehicle.shift)
            idle[kind].append(vehicle.id)
    spares = [vehicle_id for ids in idle.values() for vehicle_id in ids[:spare]]
    return Part(tuple(v.id for v in working) + tuple(spares), tuple(stop_ids))


def pick_around(problem: Problem, orders: Orders, chance: random.Random) -> int:
    """Return a stop to work around: often one that was left out, else any."""
    served = {stop_id for _, stop_ids in orders for stop_id in stop_ids}
    left_out = [stop.id for stop in problem.stops if stop.id not in served]
    if left_out and chance.random() < 0.3:
        return chance.choice(left_out)
    return chance.choice(problem.stops).id
