"""Searches routes with OR-Tools' routing library, inside this process. Pure.

Learnt by measuring: matrices, never a callback, in the hot loop; every stop optional with a penalty above any detour;
the cheapest of several first solutions; then an iterated local search that ruins and recreates (SISR), with windows as
without. That search takes no hint, but it takes a first solution from an arc evaluator, and an evaluator that knows
only the arcs of a given plan rebuilds that plan: this is how it starts warm.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2
from ortools.util import optional_boolean_pb2

from app.planning.problem import UNLIMITED, Problem, Stop, Vehicle, may_carry
from app.planning.split import Orders, Part, nearest_depots, part_of, start_depots
from app.planning.timing import Legs, best_times, make_plan

First = routing_enums_pb2.FirstSolutionStrategy
Meta = routing_enums_pb2.LocalSearchMetaheuristic
Parameters: TypeAlias = Any
"""RoutingSearchParameters; its module is known only while running."""

FIRST_STRATEGIES = (
    First.PARALLEL_CHEAPEST_INSERTION,
    First.SAVINGS,
    First.LOCAL_CHEAPEST_INSERTION,
)
FIRST_STRATEGIES_ALIKE = (First.PARALLEL_SAVINGS, *FIRST_STRATEGIES)
FIRST_STRATEGIES_DEPOTS = (First.PARALLEL_CHEAPEST_INSERTION, First.LOCAL_CHEAPEST_INSERTION)
"""Savings merge routes of one depot; across depots they go badly wrong. In parallel they need a fleet of one kind."""

ALL_OPERATORS = frozenset(
    field.name for field in pywrapcp.DefaultRoutingSearchParameters().local_search_operators.DESCRIPTOR.fields
)
SLOW_OPERATORS = frozenset(
    name
    for name in ALL_OPERATORS
    if any(word in name for word in ("lns", "tsp_opt", "relocate_path_global", "full_path", "visit_types"))
)

DESCENTS = 3
"""From how many of the first solutions the downhill search is tried: the cheapest start is not always the best."""
CONSTRUCT_SECONDS_MIN = 4.0
TELL_SECONDS = 0.25
"""A better plan is told at most this often, so that telling costs nothing."""
NOT_THIS_ARC = 10**9
HORIZON_SECONDS = 2**40


def first(
    tell: Callable[[Orders], None], problem: Problem, seconds: float, seed: int = 0, frugal: bool = False
) -> Orders:
    """Return the cheapest of several first solutions. ``frugal`` tries only the one that needs least memory."""
    ends = time.monotonic() + seconds
    usable = _usable(problem)
    if not usable.stops or not usable.vehicles:
        return []
    nothing = make_plan(problem, []).objective
    ranked: list[tuple[int, Orders]] = []
    for orders in _first_orders(usable, ends, seed, frugal):
        objective = make_plan(problem, orders).objective
        ranked.append((objective, orders))
        if objective < min(nothing, *(before for before, _ in ranked[:-1]), nothing):
            tell(orders)
    ranked.sort(key=lambda pair: pair[0])
    starts = ranked[: 0 if frugal else DESCENTS]
    for i, (_, orders) in enumerate(starts):
        left = ends - time.monotonic()
        if left <= 0:
            break
        better = _Model(usable, seed).descend(orders, left / (len(starts) - i))
        if better is not None:
            ranked.append((make_plan(problem, better).objective, better))
    objective, best = min(ranked, key=lambda pair: pair[0], default=(nothing, []))
    return best if objective < nothing else []


def improve(
    tell: Callable[[Orders], None],
    problem: Problem,
    start: Orders,
    seconds: float,
    seed: int = 0,
    solutions: int | None = None,
) -> Orders:
    """Return better orders than ``start``, or it; ``solutions`` bounds the work instead of the clock."""
    usable = _usable(problem)
    if not usable.stops or not usable.vehicles:
        return start
    return _Model(usable, seed).iterate(start, seconds, solutions, tell) or start


def _usable(problem: Problem) -> Problem:
    """Leave out vehicles that may not leave and stops that no vehicle could serve even alone."""
    vehicles = [v for v in problem.vehicles if v.may_leave]
    stops = [s for s in problem.stops if any(alone(problem, v, s) for v in vehicles)]
    return part_of(problem, Part(tuple(v.id for v in vehicles), tuple(s.id for s in stops)))


def alone(problem: Problem, vehicle: Vehicle, stop: Stop) -> bool:
    """Return whether this vehicle could serve this stop if it did nothing else."""
    if not may_carry(vehicle, stop) or not stop.demand.fits(vehicle.capacity) or vehicle.stops_max < 1:
        return False
    legs = Legs(problem, vehicle, [stop])
    if sum(legs.distances_m) > vehicle.distance_max_m:
        return False
    _, start, end, late = best_times(legs)
    return not late and end - start <= vehicle.duration_max_seconds


def _first_orders(problem: Problem, ends: float, seed: int, frugal: bool) -> Iterator[Orders]:
    several = len({(v.start_depot_id, v.end_depot_id) for v in problem.vehicles}) > 1
    alike = len({(v.capacity, v.fixed_cost, v.metre_cost, v.second_cost) for v in problem.vehicles}) == 1
    strategies = FIRST_STRATEGIES_DEPOTS if several else FIRST_STRATEGIES_ALIKE if alike else FIRST_STRATEGIES
    model = _Model(problem, seed)
    found = False
    for strategy in strategies[-1:] if frugal else strategies:
        left = ends - time.monotonic()
        if left <= 0 and found:
            return
        # On a crowded machine the time may be over before it began; one plan is made all the same.
        orders = model.construct(strategy, left if found else max(left, CONSTRUCT_SECONDS_MIN))
        if orders is not None:
            found = True
            yield orders
    if several and not frugal:
        joined: Orders = []
        for part in _each_depot(problem):
            tried: list[Orders] = list(_first_orders(part, ends, seed, frugal))
            if tried:
                best: Orders = min(tried, key=lambda orders: make_plan(part, orders).objective)
                joined += best
        yield joined


def _each_depot(problem: Problem) -> Iterator[Problem]:
    choices = {stop_id: depots for stop_id, depots in start_depots(problem).items() if depots}
    nearest = nearest_depots(problem, choices)
    for depot_id in sorted(set(nearest.values())):
        vehicles = tuple(v.id for v in problem.vehicles if v.start_depot_id == depot_id)
        part = part_of(problem, Part(vehicles, tuple(s for s in nearest if nearest[s] == depot_id)))
        if len({(v.start_depot_id, v.end_depot_id) for v in part.vehicles}) == 1:
            yield part


class _Model:
    """OR-Tools' model of a problem in which every stop can be served."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem = problem
        self.stops = list(problem.stops)
        random.Random(seed).shuffle(self.stops)  # OR-Tools has no seed; the order of its nodes is one.
        self.vehicles = list(problem.vehicles)
        used = {v.start_depot_id for v in self.vehicles} | {v.end_depot_id for v in self.vehicles}
        self.depots = [depot for depot in problem.depots if depot.id in used]
        row = {depot.id: i for i, depot in enumerate(self.depots)}
        self.manager = pywrapcp.RoutingIndexManager(
            len(self.depots) + len(self.stops),
            len(self.vehicles),
            [row[v.start_depot_id] for v in self.vehicles],
            [row[v.end_depot_id] for v in self.vehicles],
        )
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.index = [self.manager.NodeToIndex(len(self.depots) + i) for i in range(len(self.stops))]
        places = [*(d.location for d in self.depots), *(s.location for s in self.stops)]
        cut = np.ix_(places, places)
        self.distances = problem.distances_m[cut].astype(np.int64)
        service = np.array([0] * len(self.depots) + [s.service_seconds for s in self.stops], dtype=np.int64)
        self.seconds = problem.durations_seconds[cut].astype(np.int64) + service[:, None]
        self._costs()
        self._loads()
        self._hours()
        self._limits()
        self._who_may()
        for index, stop in zip(self.index, self.stops, strict=True):
            self.routing.AddDisjunction([index], problem.penalty_of(stop))

    def _costs(self) -> None:
        evaluators: dict[tuple[int, int], int] = {}
        for i, vehicle in enumerate(self.vehicles):
            key = (vehicle.metre_cost, vehicle.second_cost)
            if key not in evaluators:
                costs = self.distances * vehicle.metre_cost + self.seconds * vehicle.second_cost
                evaluators[key] = self.routing.RegisterTransitMatrix(costs.tolist())
            self.routing.SetArcCostEvaluatorOfVehicle(evaluators[key], i)
            self.routing.SetFixedCostOfVehicle(vehicle.fixed_cost, i)

    def _loads(self) -> None:
        for dimension in range(3):
            capacities = [min(v.capacity[dimension], UNLIMITED) for v in self.vehicles]
            demands = [0] * len(self.depots) + [s.demand[dimension] for s in self.stops]
            if sum(demands) > min(capacities):
                unary = self.routing.RegisterUnaryTransitVector(demands)
                self.routing.AddDimensionWithVehicleCapacity(unary, 0, capacities, True, f"load{dimension}")
        if any(v.stops_max < len(self.stops) for v in self.vehicles):
            ones = self.routing.RegisterUnaryTransitVector([0] * len(self.depots) + [1] * len(self.stops))
            most = [min(v.stops_max, len(self.stops)) for v in self.vehicles]
            self.routing.AddDimensionWithVehicleCapacity(ones, 0, most, True, "stops")

    def _hours(self) -> None:
        hours = [self.problem.working_hours(v) for v in self.vehicles]
        longest = int(self.seconds.max()) * (len(self.stops) + 2)
        opens = max(w.opens_seconds for s in self.stops for w in s.windows)
        horizon = int(min(HORIZON_SECONDS, max(opens, *(start for start, _ in hours)) + longest))
        windows = any(len(s.windows) > 1 or s.windows[0].opens_seconds > 0 for s in self.stops) or any(
            s.windows[-1].closes_seconds < horizon for s in self.stops
        )
        shifts = any(end < horizon for _, end in hours)
        durations = any(v.duration_max_seconds < longest for v in self.vehicles)
        if not (windows or shifts or durations):
            return
        transit = self.routing.RegisterTransitMatrix(self.seconds.tolist())
        self.routing.AddDimension(transit, horizon if windows else 0, horizon, not (windows or shifts), "time")
        clock = self.routing.GetDimensionOrDie("time")
        if windows:
            for index, stop in zip(self.index, self.stops, strict=True):
                variable = clock.CumulVar(index)
                variable.SetRange(stop.windows[0].opens_seconds, min(stop.windows[-1].closes_seconds, horizon))
                for before, after in zip(stop.windows, stop.windows[1:], strict=False):
                    variable.RemoveInterval(before.closes_seconds + 1, after.opens_seconds - 1)
        for i, (vehicle, (start, end)) in enumerate(zip(self.vehicles, hours, strict=True)):
            if windows or shifts:
                for variable in (clock.CumulVar(self.routing.Start(i)), clock.CumulVar(self.routing.End(i))):
                    variable.SetRange(max(0, start), max(0, start, min(end, horizon)))
            if vehicle.duration_max_seconds < longest:
                clock.SetSpanUpperBoundForVehicle(vehicle.duration_max_seconds, i)

    def _limits(self) -> None:
        longest = int(self.distances.max()) * (len(self.stops) + 2)
        if any(v.distance_max_m < longest for v in self.vehicles):
            transit = self.routing.RegisterTransitMatrix(self.distances.tolist())
            most = [min(v.distance_max_m, longest) for v in self.vehicles]
            self.routing.AddDimensionWithVehicleCapacity(transit, 0, most, True, "distance")

    def _who_may(self) -> None:
        for index, stop in zip(self.index, self.stops, strict=True):
            allowed = [i for i, v in enumerate(self.vehicles) if may_carry(v, stop) and stop.demand.fits(v.capacity)]
            if len(allowed) < len(self.vehicles):
                self.routing.VehicleVar(index).SetValues([-1, *allowed])

    # ------------------------------------------------------------------------------------------------------- searches

    def construct(self, strategy: int, seconds: float) -> Orders | None:
        """Return the first solution of a strategy."""
        parameters = _parameters(strategy, seconds)
        _switch(parameters, ALL_OPERATORS, on=False)
        return self._orders(self.routing.SolveWithParameters(parameters))

    def descend(self, start: Orders, seconds: float) -> Orders | None:
        """Follow every local search operator downhill from ``start``."""
        parameters = _parameters(First.PARALLEL_CHEAPEST_INSERTION, seconds)
        _switch(parameters, SLOW_OPERATORS, on=False)
        self.routing.CloseModelWithParameters(parameters)
        row = {stop.id: index for stop, index in zip(self.stops, self.index, strict=True)}
        order_of: dict[int, list[int]] = dict(start)
        routes = [[row[s] for s in order_of.get(vehicle.id, ()) if s in row] for vehicle in self.vehicles]
        assignment = self.routing.ReadAssignmentFromRoutes(routes, True)
        if assignment is None:
            return None
        return self._orders(self.routing.SolveFromAssignmentWithParameters(assignment, parameters))

    def iterate(
        self, start: Orders, seconds: float, solutions: int | None, tell: Callable[[Orders], None]
    ) -> Orders | None:
        """Ruin and recreate, from ``start``."""
        parameters = _parameters(First.EVALUATOR_STRATEGY, seconds)
        _switch(parameters, ALL_OPERATORS, on=False)
        _ruin_and_recreate(parameters)
        if solutions is not None:
            parameters.solution_limit = solutions
        after = self._arcs(start)
        self.routing.SetFirstSolutionEvaluator(lambda a, b: 0 if after.get(a) == b else NOT_THIS_ARC)
        self.routing.CloseModelWithParameters(parameters)
        self.routing.AddAtSolutionCallback(_Teller(self, tell))
        return self._orders(self.routing.SolveWithIteratedLocalSearch(parameters))

    def _arcs(self, orders: Orders) -> dict[int, int]:
        row = {stop.id: index for stop, index in zip(self.stops, self.index, strict=True)}
        order_of: dict[int, list[int]] = dict(orders)
        after: dict[int, int] = {}
        for i, vehicle in enumerate(self.vehicles):
            here = self.routing.Start(i)
            for stop_id in order_of.get(vehicle.id, ()):
                if stop_id in row:
                    after[here] = here = row[stop_id]
            after[here] = self.routing.End(i)
        return after

    def _orders(self, assignment: pywrapcp.Assignment | None) -> Orders | None:
        if assignment is None:
            return None
        return self.follow(lambda index: assignment.Value(self.routing.NextVar(index)))

    def follow(self, after: Callable[[int], int]) -> Orders:
        """Return the orders that a function from node to next node describes."""
        orders: Orders = []
        for i, vehicle in enumerate(self.vehicles):
            here, stop_ids = after(self.routing.Start(i)), []
            while not self.routing.IsEnd(here):
                stop_ids.append(self.stops[self.manager.IndexToNode(here) - len(self.depots)].id)
                here = after(here)
            if stop_ids:
                orders.append((vehicle.id, stop_ids))
        return orders


class _Teller:
    """Tells of a better solution while the search runs, not too often."""

    def __init__(self, model: _Model, tell: Callable[[Orders], None]) -> None:
        self.model, self.tell = model, tell
        self.cost = 2**62
        self.at = time.monotonic()

    def __call__(self) -> None:
        routing = self.model.routing
        cost = routing.CostVar().Max()
        if cost < self.cost and time.monotonic() - self.at >= TELL_SECONDS:
            self.cost, self.at = cost, time.monotonic()
            self.tell(self.model.follow(lambda index: routing.NextVar(index).Value()))


def _parameters(strategy: int, seconds: float) -> Parameters:
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = strategy
    parameters.local_search_metaheuristic = Meta.GREEDY_DESCENT
    parameters.time_limit.FromMilliseconds(max(1, int(seconds * 1000)))
    return parameters


def _switch(parameters: Parameters, names: frozenset[str], *, on: bool) -> None:
    operators = parameters.local_search_operators
    for field in operators.DESCRIPTOR.fields:
        wanted = (field.name in names) == on
        setattr(operators, field.name, optional_boolean_pb2.BOOL_TRUE if wanted else optional_boolean_pb2.BOOL_FALSE)


def _ruin_and_recreate(parameters: Parameters) -> None:
    parameters.use_iterated_local_search = True
    iterated = parameters.iterated_local_search_parameters
    iterated.improve_perturbed_solution = False
    ruin = iterated.ruin_recreate_parameters.ruin_strategies.add().sisr
    ruin.max_removed_sequence_size = 10
    ruin.avg_num_removed_visits = 20
    ruin.bypass_factor = 0.01
    iterated.ruin_recreate_parameters.recreate_strategy.heuristic = First.LOCAL_CHEAPEST_INSERTION
    iterated.reference_solution_acceptance_strategy.simulated_annealing.automatic_temperatures = True
