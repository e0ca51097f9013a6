"""A plan as a page shows it: runs by warehouse with their bars, what was left out, one run's day, the map. Pure.

A run is known by its vehicle, for a vehicle has one run a day; its number is its place in the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.foundation.words import Message
from app.planning.problem import UNLIMITED, Depot, Plan, Point, Route, Stop, TimeWindow, Unserved, Vehicle

URGENCY_LAST = 4
LETTERS = 26
HOUR = 3600
WINDOW_SECONDS_MAX = 6 * HOUR
"""A longer window leaves so much room that drawing it says nothing."""


@dataclass(frozen=True)
class Question:
    """What a picture needs of a problem: everything but the matrices."""

    depots: Sequence[Depot]
    vehicles: Sequence[Vehicle]
    stops: Sequence[Stop]
    points: Sequence[Point]


@dataclass(frozen=True)
class RunLine:
    """A run in the list."""

    id: int
    number: int
    hue: int
    name: str
    stops: int
    distance_m: int
    weight_g: int
    starts_seconds: int
    ends_seconds: int
    weight_pct: int
    volume_pct: int
    time_pct: int


@dataclass(frozen=True)
class DepotLine:
    """A warehouse's runs."""

    id: int
    name: str
    hue: int
    runs: list[RunLine]

    @property
    def stops(self) -> int:
        """Stops of all its runs."""
        return sum(run.stops for run in self.runs)

    @property
    def distance_m(self) -> int:
        """Metres of all its runs."""
        return sum(run.distance_m for run in self.runs)


@dataclass(frozen=True)
class LeftLine:
    """A stop that was left out, and what would help."""

    id: int
    letter: str
    name: str
    urgency: int
    reason: Message | None
    helps: list[Help]


@dataclass(frozen=True)
class Help:
    """A change that would let the stop be served."""

    code: str
    message: Message
    run_number: int | None
    extra_m: int
    at_hand: bool = False
    """It can be done at once: it says which run takes the stop, and where."""


@dataclass(frozen=True)
class Bar:
    """A piece of a day's line, in percent of its width."""

    x: float
    width: float
    label: str = ""
    begins_seconds: int = 0


@dataclass(frozen=True)
class Day:
    """One run's day: when it is where, when people are there to take things, when it waits."""

    run: RunLine
    depot: str
    line: Bar
    hours: list[Bar]
    stops: list[Bar]
    windows: list[Bar]
    waits: list[Bar]
    visits: list[VisitLine]


@dataclass(frozen=True)
class VisitLine:
    """A stop of a run as a row."""

    number: int
    id: int
    name: str
    urgency: int
    arrives_seconds: int
    leaves_seconds: int
    window: TimeWindow | None
    weight_g: int


@dataclass(frozen=True)
class Picture:
    """The whole page."""

    depots: list[DepotLine]
    left: list[LeftLine]
    number_of: Mapping[int, int] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """How many vehicles leave."""
        return sum(len(depot.runs) for depot in self.depots)

    @property
    def stops(self) -> int:
        """How many stops are served."""
        return sum(depot.stops for depot in self.depots)

    @property
    def distance_m(self) -> int:
        """How far all go."""
        return sum(depot.distance_m for depot in self.depots)

    @property
    def weight_g(self) -> int:
        """What all carry."""
        return sum(run.weight_g for depot in self.depots for run in depot.runs)

    def run(self, run_id: int | None) -> RunLine | None:
        """Return a run by its id."""
        return next((run for depot in self.depots for run in depot.runs if run.id == run_id), None)


def picture(question: Question, plan: Plan, hues: Mapping[int, int]) -> Picture:
    """Return the runs by warehouse and what was left out; ``hues`` maps a warehouse to its colour, 1–8."""
    vehicles = {vehicle.id: vehicle for vehicle in question.vehicles}
    by_depot: dict[int, list[Route]] = {}
    for route in plan.routes:
        if route.visits:
            by_depot.setdefault(vehicles[route.vehicle_id].start_depot_id, []).append(route)
    depots, number = [], 0
    for depot in sorted(question.depots, key=lambda each: (-len(by_depot.get(each.id, ())), each.name)):
        lines = []
        for route in sorted(by_depot.get(depot.id, ()), key=lambda each: each.vehicle_id):
            number += 1
            lines.append(_run_line(route, vehicles[route.vehicle_id], number, hues.get(depot.id, 8)))
        if lines:
            depots.append(DepotLine(depot.id, depot.name, hues.get(depot.id, 8), lines))
    numbers = {run.id: run.number for depot in depots for run in depot.runs}
    return Picture(depots, _left_lines(question, plan.unserved, numbers), numbers)


def _run_line(route: Route, vehicle: Vehicle, number: int, hue: int) -> RunLine:
    shift = max(1, vehicle.shift.closes_seconds - vehicle.shift.opens_seconds)
    if vehicle.shift.closes_seconds >= UNLIMITED:
        shift = 8 * HOUR
    return RunLine(
        id=vehicle.id,
        number=number,
        hue=hue,
        name=vehicle.name,
        stops=len(route.visits),
        distance_m=route.distance_m,
        weight_g=route.load.weight_g,
        starts_seconds=route.start_seconds,
        ends_seconds=route.end_seconds,
        weight_pct=_percent(route.load.weight_g, vehicle.capacity.weight_g),
        volume_pct=_percent(route.load.volume_ml, vehicle.capacity.volume_ml),
        time_pct=_percent(route.end_seconds - route.start_seconds, shift),
    )


def _percent(part: int, whole: int) -> int:
    return min(100, round(100 * part / whole)) if 0 < whole < UNLIMITED else 0


def _left_lines(question: Question, unserved: Iterable[Unserved], numbers: Mapping[int, int]) -> list[LeftLine]:
    stops = {stop.id: stop for stop in question.stops}
    left = sorted(unserved, key=lambda each: (stops[each.stop_id].priority or URGENCY_LAST, stops[each.stop_id].name))
    return [
        LeftLine(
            id=each.stop_id,
            letter=letter(place),
            name=stops[each.stop_id].name,
            urgency=stops[each.stop_id].priority or URGENCY_LAST,
            reason=each.reason,
            helps=[
                Help(
                    change.code,
                    change.message,
                    numbers.get(change.vehicle_id or 0),
                    change.extra_m,
                    change.position is not None,
                )
                for change in each.relaxations
            ],
        )
        for place, each in enumerate(left)
    ]


def letter(place: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, LETTERS)
        name = chr(ord("A") + rest) + name
    return name


def day(question: Question, plan: Plan, view: Picture, run_id: int) -> Day | None:
    """Return one run's day, drawn from a quarter of an hour before it leaves until after it is back."""
    run = view.run(run_id)
    route = next((route for route in plan.routes if route.vehicle_id == run_id and route.visits), None)
    if run is None or route is None:
        return None
    stops = {stop.id: stop for stop in question.stops}
    first, last = route.start_seconds - 900, route.end_seconds + 900
    wide = max(1, last - first)

    def bar(begins: int, ends: int, label: str = "") -> Bar:
        begins, ends = max(begins, first), min(ends, last)
        return Bar(round(100 * (begins - first) / wide, 2), round(100 * max(0, ends - begins) / wide, 2), label, begins)

    windows, waits, bars, rows = [], [], [], []
    for number, visit in enumerate(route.visits, 1):
        stop = stops[visit.stop_id]
        window = _window_of(stop, visit.begins_seconds)
        if window:
            windows.append(bar(window.opens_seconds, window.closes_seconds))
        if visit.begins_seconds - visit.arrival_seconds >= 60:
            waits.append(bar(visit.arrival_seconds, visit.begins_seconds))
        bars.append(bar(visit.begins_seconds, max(visit.departure_seconds, visit.begins_seconds + 300), str(number)))
        rows.append(
            VisitLine(
                number, stop.id, stop.name, stop.priority, visit.begins_seconds, visit.departure_seconds, window,
                stop.demand.weight_g,
            )
        )  # fmt: skip
    hours = [bar(hour, hour, f"{hour // HOUR % 24}:00") for hour in range(first - first % HOUR + HOUR, last, HOUR)]
    depot = next(line.name for line in view.depots if run in line.runs)
    return Day(run, depot, bar(route.start_seconds, route.end_seconds), hours, bars, windows, waits, rows)


def _window_of(stop: Stop, begins: int) -> TimeWindow | None:
    """Return the window that service begins in; None where it is most of the day."""
    for window in stop.windows:
        if window.opens_seconds <= begins <= window.closes_seconds:
            return window if window.closes_seconds - window.opens_seconds < WINDOW_SECONDS_MAX else None
    return None


def drawing(question: Question, plan: Plan, view: Picture, hues: Mapping[int, int]) -> dict[str, Any]:
    """Return what the map draws, as static/js/map.js wants it."""
    stops = {stop.id: stop for stop in question.stops}
    depots = {depot.id: depot for depot in question.depots}
    vehicles = {vehicle.id: vehicle for vehicle in question.vehicles}

    def at(location: int) -> dict[str, float]:
        point = question.points[location]
        return {"lat": round(point.latitude, 5), "lon": round(point.longitude, 5)}

    def run(route: Route) -> dict[str, Any]:
        line = view.run(route.vehicle_id)
        assert line is not None, "every route with visits is in the picture"
        depot = question.points[depots[vehicles[route.vehicle_id].start_depot_id].location]
        return {
            "id": line.id,
            "number": line.number,
            "hue": line.hue,
            "depot": [round(depot.latitude, 5), round(depot.longitude, 5)],
            "stops": [
                {"n": place, "name": stops[visit.stop_id].name, **at(stops[visit.stop_id].location)}
                for place, visit in enumerate(route.visits, 1)
            ],
        }

    return {
        "depots": [
            {"id": depot.id, "name": depot.name, "hue": hues.get(depot.id, 8), **at(depot.location)}
            for depot in question.depots
        ],
        "runs": [run(route) for route in plan.routes if route.visits],
        "left": [
            {"id": left.id, "letter": left.letter, "name": left.name, **at(stops[left.id].location)}
            for left in view.left
        ],
    }


@dataclass(frozen=True)
class Change:
    """What becomes of one run between two plans."""

    kind: str
    """new, gone, more, less, order"""
    name: str
    added: list[str]
    dropped: list[str]


def difference(before: tuple[Question, Plan] | None, after: tuple[Question, Plan]) -> list[Change]:
    """Return what changes run by run, vehicles as the thread: first what is new, then what is otherwise."""

    def days(of: tuple[Question, Plan] | None) -> dict[int, tuple[str, list[tuple[int, str]]]]:
        if of is None:
            return {}
        question, plan = of
        names = {vehicle.id: vehicle.name for vehicle in question.vehicles}
        stops = {stop.id: stop.name for stop in question.stops}
        return {
            route.vehicle_id: (names[route.vehicle_id], [(stop, stops[stop]) for stop in route.stop_ids])
            for route in plan.routes
            if route.visits
        }

    old, new = days(before), days(after)
    changes = []
    for vehicle in {**old, **new}:
        was, now = old.get(vehicle, ("", []))[1], new.get(vehicle, ("", []))[1]
        if was == now:
            continue
        name = (new.get(vehicle) or old[vehicle])[0]
        added = [stop[1] for stop in now if stop not in was]
        dropped = [stop[1] for stop in was if stop not in now]
        kind = "new" if not was else "gone" if not now else "more" if added else "less" if dropped else "order"
        changes.append(Change(kind, name, added, dropped))
    rank = {"gone": 0, "less": 1, "more": 2, "order": 3, "new": 4}
    return sorted(changes, key=lambda change: (rank[change.kind], change.name))


def falling(course: Sequence[Sequence[float]], seconds_max: int, bound: float | None) -> dict[str, Any] | None:
    """Return the falling line in a box of 480 × 84: path, last point, height of the bound; None before the first plan.

    ``course`` is [[seconds, cost, served], …], each better than the one before.
    """
    if not course:
        return None
    dearest = max(point[1] for point in course)
    cheapest = min(*(point[1] for point in course), bound if bound is not None else dearest)
    room = max(1e-9, dearest - cheapest)

    def x(seconds: float) -> float:
        return round(min(480.0, 480 * seconds / max(1, seconds_max)), 1)

    def y(cost: float) -> float:
        return round(16 + 48 * (dearest - cost) / room, 1)

    steps = [f"M{x(course[0][0])},{y(course[0][1])}"]
    for seconds, cost, *_ in course[1:]:
        steps.append(f"H{x(seconds)} V{y(cost)}")
    last = course[-1]
    return {"path": " ".join(steps), "x": x(last[0]), "y": y(last[1]), "bound": y(bound) if bound is not None else None}
