"""Plans a day: cuts it into parts, has them searched by processes of their own, keeps the best of everything. Pure.

The answer is never the solver's own: only the order of the stops is taken from it, and times, loads and costs are made
again from the problem (``timing``). Whatever happens to a search – time is up, someone presses stop, it eats its memory
or crashes – the best plan so far is the answer.
"""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from app.foundation.words import Message, say
from app.planning.child import MEMORY_MAX_BYTES, Done, Event, Lost, Pool, Task, Told
from app.planning.problem import Plan, Problem, Route, Unserved
from app.planning.split import Orders, Part, by_depot, neighbourhood, part_of, pick_around
from app.planning.timing import Legs, best_times, make_route

ENGINES = {"ortools": "app.planning.solver_ortools"}
"""Modules with ``first`` and ``improve``; ``auto`` takes the first that is there."""

WHOLE_STOPS_MAX = 350
"""Up to here a part is improved as a whole; a larger one a neighbourhood of routes at a time."""
SPLIT_STOPS = 600
"""A problem in which stops may choose between depots is cut by depot only above this: the cut costs."""
WHOLE_AMONG_MANY = 150
"""The same where there are many parts, for then there is little time for each."""
NEIGHBOURHOOD_STOPS = 130
NEIGHBOURHOOD_SECONDS = 1.2
FIRST_SECONDS_MAX = 1.5
FIRST_SECONDS_ALL = 8.0
"""What a part's first plan may take, and all of them together, so that a country stands complete within seconds."""
FIRST_STOPS = 200
FIRST_SHARE = 0.25
TELL_SECONDS = 0.4
LAST_SECONDS = 0.25
"""Kept back for putting the answer together."""
LATE_SECONDS_MAX = 30.0
"""How long past the time a first plan may still be waited for."""
TRIES = 2
"""How often a search that died is tried again, the second time with the frugal start."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is."""

    stage: str
    """``first`` until every part has a plan, then ``improving``, then ``done``."""
    seconds: float
    seconds_max: float
    parts: int
    parts_planned: int


class NoAnswer(RuntimeError):
    """Every search died; the reasons are in ``notes``."""

    def __init__(self, notes: tuple[Message, ...], details: tuple[str, ...] = ()) -> None:
        super().__init__("; ".join(str(note) for note in notes))
        self.notes, self.details = notes, details


def solve(
    problem: Problem,
    *,
    seconds_max: float,
    seed: int = 1,
    engine: str = "auto",
    processes: int = 1,
    start: Orders | None = None,
    solutions_max: int | None = None,
    memory_max_bytes: int = MEMORY_MAX_BYTES,
    on_progress: Callable[[Plan, Progress], None] = lambda plan, progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Plan:
    """Return the best plan found in ``seconds_max``.

    ``start`` is a plan to begin from. ``solutions_max`` bounds each search by work instead of by the clock, so that the
    same seed gives the same plan. ``on_progress`` hears of the best plan at most every 0.4 s. When ``should_stop``
    says so, the searches are ended and the best plan so far is returned.
    """
    search = _Search(problem, seconds_max, seed, _module(engine), processes, solutions_max)
    if start:
        search.take_over(start)
    if search.parts:
        with Pool(min(processes, max(len(search.parts), _useful(search.parts))), memory_max_bytes) as pool:
            search.run(pool, on_progress, should_stop)
    if not search.orders and search.deaths and not search.answers:
        raise NoAnswer(tuple(search.notes), tuple(search.details))
    plan = search.plan()
    on_progress(plan, search.progress("done"))
    return plan


def _module(engine: str) -> str:
    if engine == "auto":
        return next(iter(ENGINES.values()))
    if engine not in ENGINES:
        raise ValueError(f"there is no engine {engine!r}, only {', '.join(ENGINES)}")
    return ENGINES[engine]


def _useful(parts: list[Part]) -> int:
    return max(len(part.stop_ids) for part in parts) // NEIGHBOURHOOD_STOPS


class Judge:
    """Makes routes and what they cost, each only once."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._known: dict[tuple[int, tuple[int, ...]], tuple[Route, bool]] = {}

    def route(self, vehicle_id: int, stop_ids: tuple[int, ...]) -> tuple[Route, bool]:
        """Return the route and whether it is on time."""
        key = (vehicle_id, stop_ids)
        if key not in self._known:
            if len(self._known) > 50_000:
                self._known.clear()
            vehicle = self.problem.vehicle_by_id[vehicle_id]
            stops = [self.problem.stop_by_id[stop_id] for stop_id in stop_ids]
            late = best_times(Legs(self.problem, vehicle, stops))[3]
            self._known[key] = make_route(self.problem, vehicle, stop_ids), late == 0
        return self._known[key]

    def worth(self, orders: dict[int, tuple[int, ...]], stop_ids: tuple[int, ...]) -> int | None:
        """Return the cost of these routes and of what they leave out of ``stop_ids``; None if one is late."""
        total, served = 0, set[int]()
        for vehicle_id, order in orders.items():
            route, on_time = self.route(vehicle_id, order)
            if not on_time:
                return None
            total += route.cost
            served.update(order)
        return total + sum(self.problem.penalty_of(self.problem.stop_by_id[s]) for s in stop_ids if s not in served)


@dataclass
class _Search:
    """The state of a search: the best orders, what is being worked on, what is left to do."""

    problem: Problem
    seconds_max: float
    seed: int
    module: str
    processes: int
    solutions_max: int | None
    orders: dict[int, tuple[int, ...]] = field(default_factory=dict)
    notes: list[Message] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    answers: int = 0
    deaths: int = 0

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.ends = self.began + self.seconds_max
        self.judge = Judge(self.problem)
        self.chance = random.Random(self.seed)
        self.parts = by_depot(self.problem, stops_max=SPLIT_STOPS)
        self.parts.sort(key=lambda part: -len(part.stop_ids))
        self.to_start = deque(enumerate(self.parts))
        self.to_improve = deque[Part]()
        self.improving = False
        self.first_done: set[int] = set()
        self.working: dict[int, tuple[str, Part, int]] = {}
        self.died: Counter[Part] = Counter()
        self.next_key = 0
        self.told_at = 0.0
        self.changed = False

    # ------------------------------------------------------------------------------------------------------ the loop

    def run(self, pool: Pool, on_progress: Callable[[Plan, Progress], None], should_stop: Callable[[], bool]) -> None:
        """Give work and take answers until the time is up, nothing is left to do, or somebody says stop."""
        while self._time_left() and not should_stop():
            while pool.idle and (task := self._next_task()) is not None:
                pool.give(task)
            if not pool.busy:
                break
            for event in pool.events(0.1):
                self._take(event)
            if self.changed and time.monotonic() - self.told_at >= TELL_SECONDS:
                self.changed, self.told_at = False, time.monotonic()
                on_progress(self.plan(), self.progress("improving" if self._complete() else "first"))

    def _time_left(self) -> bool:
        """Return whether to go on; a plan is made complete even when a crowded machine has used up the time."""
        after = time.monotonic() - (self.ends - LAST_SECONDS)
        return after < 0 or (not self._complete() and after < LATE_SECONDS_MAX)

    def _left(self) -> float:
        return max(0.0, self.ends - LAST_SECONDS - time.monotonic())

    def _complete(self) -> bool:
        return len(self.first_done) == len(self.parts)

    def _next_task(self) -> Task | None:
        if self.to_start:
            index, part = self.to_start.popleft()
            tasks = -(-len(self.parts) // self.processes)
            seconds_max = FIRST_SECONDS_MAX * max(1.0, len(part.stop_ids) / FIRST_STOPS)
            seconds = min(seconds_max, max(0.3, min(FIRST_SECONDS_ALL, self.seconds_max * FIRST_SHARE) / tasks))
            if self.solutions_max is not None:
                seconds = self.seconds_max
            return self._task("first", part, seconds, index=index, frugal=self.died[part] > 0)
        if self._left() <= 0.2:
            return None
        if not self.improving:
            self._share_out()
        if self.to_improve:
            return self._improve_part(self.to_improve.popleft())
        if self.solutions_max is not None or not any(not p.exact or self._large(p) for p in self.parts):
            return None
        return self._improve_neighbourhood()

    def _share_out(self) -> None:
        """Every part that can be improved as a whole gets one long turn, long ones first."""
        self.improving = True
        self.to_improve.extend(part for part in self.parts if not self._large(part) or self.solutions_max is not None)

    def _improve_part(self, part: Part) -> Task | None:
        waiting = [part, *self.to_improve]
        others = sum(len(p.stop_ids) for p in self.parts if self._large(p))
        inexact = sum(len(p.stop_ids) for p in waiting if not p.exact)
        all_of_it = sum(len(p.stop_ids) for p in waiting) + others + inexact
        at_once = min(self.processes, max(1, len(waiting)))
        seconds = min(self._left(), self._left() * at_once * len(part.stop_ids) / max(1, all_of_it))
        return self._task("improve", part, seconds, start=self._orders_of(part))

    def _improve_neighbourhood(self) -> Task | None:
        busy_vehicles = {v for _, part, _ in self.working.values() for v in part.vehicle_ids}
        busy_stops = {s for _, part, _ in self.working.values() for s in part.stop_ids}
        orders = [(v, list(order)) for v, order in self.orders.items()]
        for _ in range(10):
            around = pick_around(self.problem, orders, self.chance)
            if around in busy_stops:
                continue
            part = neighbourhood(
                self.problem,
                orders,
                around_stop_id=around,
                stops_max=NEIGHBOURHOOD_STOPS,
                busy_vehicle_ids=busy_vehicles,
                busy_stop_ids=busy_stops,
            )
            if part.vehicle_ids and part.stop_ids:
                seconds = min(self._left(), NEIGHBOURHOOD_SECONDS)
                return self._task("improve", part, seconds, start=self._orders_of(part))
        return None

    def _task(self, what: str, part: Part, seconds: float, index: int = -1, **more: object) -> Task:
        self.next_key += 1
        self.working[self.next_key] = (what, part, index)
        arguments = {
            "problem": part_of(self.problem, part),
            "seconds": seconds,
            "seed": self.seed + self.next_key,
        } | more
        if what == "improve" and self.solutions_max is not None:
            arguments |= {"solutions": self.solutions_max}
        return Task(self.next_key, f"{self.module}:{what}", arguments, seconds)

    def _take(self, event: Event) -> None:
        what, part, index = self.working[event.task.key]
        if isinstance(event, Told):
            self._keep(part, event.value)
            return
        del self.working[event.task.key]
        if isinstance(event, Done):
            self.answers += 1
            self._keep(part, event.value)
        elif isinstance(event, Lost):
            self._note_loss(event, what, part, index)
            if self.to_start and self.to_start[-1] == (index, part):
                return
        if what == "first":
            self.first_done.add(index)
            self.changed = True

    def _note_loss(self, lost: Lost, what: str, part: Part, index: int) -> None:
        self.deaths += 1
        self.died[part] += 1
        reasons = {
            "overrun": say("A search did not end in time and was ended"),
            "out_of_memory": say("A search ran out of memory"),
            "crashed": say("A search crashed"),
        }
        self.notes.append(reasons.get(lost.why, say("A search failed")))
        self.details.append(f"{what}: {lost.why}: {lost.detail[-1000:]}")
        if what == "first" and self.died[part] < TRIES:
            self.to_start.append((index, part))

    def _large(self, part: Part) -> bool:
        return len(part.stop_ids) > (WHOLE_STOPS_MAX if len(self.parts) == 1 else WHOLE_AMONG_MANY)

    # ------------------------------------------------------------------------------------------------- the best so far

    def take_over(self, start: Orders) -> None:
        """Begin from a given plan, as far as it fits this problem."""
        known = self.problem
        served = set[int]()
        for vehicle_id, stop_ids in start:
            kept = tuple(s for s in stop_ids if s in known.stop_by_id and s not in served)
            if vehicle_id in known.vehicle_by_id and kept and self.judge.route(vehicle_id, kept)[1]:
                self.orders[vehicle_id] = kept
                served.update(kept)

    def _orders_of(self, part: Part) -> Orders:
        return [(v, list(self.orders[v])) for v in part.vehicle_ids if v in self.orders]

    def _keep(self, part: Part, orders: Orders) -> None:
        """Put a part's new orders in place of the old if they are worth it."""
        old = {v: self.orders[v] for v in part.vehicle_ids if v in self.orders}
        new = {vehicle_id: tuple(stop_ids) for vehicle_id, stop_ids in orders if stop_ids}
        strange = not new.keys() <= set(part.vehicle_ids) or not {s for o in new.values() for s in o} <= set(
            part.stop_ids
        )
        served = [stop_id for order in new.values() for stop_id in order]
        if strange or len(served) != len(set(served)):
            return
        before, after = self.judge.worth(old, part.stop_ids), self.judge.worth(new, part.stop_ids)
        if after is None or (before is not None and after >= before):
            return
        for vehicle_id in old:
            del self.orders[vehicle_id]
        self.orders |= new
        self.changed = True

    def plan(self) -> Plan:
        """Return the best plan so far."""
        rank = {vehicle.id: i for i, vehicle in enumerate(self.problem.vehicles)}
        routes = tuple(self.judge.route(v, self.orders[v])[0] for v in sorted(self.orders, key=rank.__getitem__))
        served = {stop_id for order in self.orders.values() for stop_id in order}
        left_out = [stop for stop in self.problem.stops if stop.id not in served]
        return Plan(
            routes=routes,
            unserved=tuple(Unserved(stop.id) for stop in left_out),
            cost=sum(route.cost for route in routes),
            penalty=sum(self.problem.penalty_of(stop) for stop in left_out),
            engine=self.module.rpartition("_")[2],
            seed=self.seed,
            seconds=round(time.monotonic() - self.began, 3),
            notes=tuple(self.notes),
        )

    def progress(self, stage: str) -> Progress:
        """Return how far the search is."""
        return Progress(stage, time.monotonic() - self.began, self.seconds_max, len(self.parts), len(self.first_done))
