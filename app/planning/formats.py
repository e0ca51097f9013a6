"""The exchange format: a whole problem and a plan as JSON that any program can write, read and recompute. Pure.

An *exchange* is ``{"problem": {…}, "plan": {…}}``; a problem alone is read as well. All numbers are whole.

``problem`` – ``{"format": "adomanybank-problem", "version": 1, …}`` and

===============  ====================================================================================================
``name``         text, for people
``scale``        1; instances of the literature: their unit × scale
``points``       ``[[latitude, longitude], …]`` in degrees, one a location; or null if the matrices say all
``travel``       how metres and seconds follow from points: ``{"ellipsoid": "WGS84", "circuity_permille": 1300,
                 "speeds": [[3000, 35], …, [null, 85]]}``: the geodesic × circuity is metres; each class of metres at
                 its own km/h, summed, is seconds; both are rounded at the end. null if a road server said
``matrices``     ``[{"locations": [0, 5, …], "distances_m": [[…]], "durations_seconds": [[…]]}]``: the numbers used.
                 Each block holds all pairs of its locations, row: from, column: to; ``locations`` null means all. Pairs
                 in no block follow from points and travel
``depots``       ``{"id", "name", "location", "opens_seconds", "closes_seconds"}``
``vehicles``     ``{"id", "name", "start_depot_id", "end_depot_id", "weight_g", "volume_ml", "pallet_places"``
                 (capacity, null: no limit)``, "shift_opens_seconds", "shift_closes_seconds", "storage_classes": […],
                 "licence_needed", "licences": […], "duration_max_seconds", "distance_max_m", "stops_max", "fixed_cost",
                 "metre_cost", "second_cost", "driver_id"}``; costs in thousandths of the currency
``stops``        ``{"id", "name", "location", "weight_g", "volume_ml", "pallet_places", "windows": [[opens, closes], …],
                 "service_seconds", "storage_classes": […], "penalty"`` (null: must be served)``, "priority",
                 "depot_ids"`` (null: any)``, "vehicle_ids"`` (null: any)``, "settlement_id", "parcel_ids"}``
===============  ====================================================================================================

Times are seconds after the start of the day; null for an end means no end. Only ``id``, ``location``, a vehicle's
``start_depot_id`` and either points or matrices are needed; the rest has the defaults of ``problem``.

``plan`` – ``{"format": "adomanybank-plan", "version": 1, "engine", "seed", "seconds", "cost", "penalty", "bound",
"routes": [{"vehicle_id", "start_seconds", "end_seconds", "distance_m", "duration_seconds", "weight_g", "volume_ml",
"pallet_places", "cost", "visits": [{"stop_id", "arrival_seconds", "begins_seconds", "departure_seconds"}]}],
"unserved": [{"stop_id", "code", "reason", "relaxations": [{"code", "facts", "message", "vehicle_id", "position",
"extra_m", "extra_cost"}]}]}``. Messages are ``{"text", "facts"}``.

A route's duration is its end less its start, its cost ``fixed_cost + metre_cost × metres + second_cost × seconds``,
and a plan's objective the cost of its routes plus the penalties of what it leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.foundation.words import Message, say
from app.planning.problem import (
    ALWAYS,
    UNLIMITED,
    Depot,
    Load,
    Matrix,
    Plan,
    Point,
    Problem,
    Relaxation,
    Route,
    Stop,
    TimeWindow,
    Unserved,
    Vehicle,
    Visit,
)
from app.planning.split import Part, by_depot, part_of
from app.planning.travel import Travel, matrices

PROBLEM_FORMAT, PLAN_FORMAT, VERSION = "adomanybank-problem", "adomanybank-plan", 1
LOCATIONS_MAX = 4_000
STOPS_MAX = 6_000
VEHICLES_MAX = 2_000
TEXT_MAX = 200
NUMBER_MAX = UNLIMITED
CELLS_MAX = 4_000_000
"""Up to so many pairs the numbers used are always written; above, only if they cannot be made again."""


class UnreadableProblem(ValueError):
    """What was sent is not in the format; ``where`` names the place and ``message`` what is wrong there."""

    def __init__(self, where: str, message: Message) -> None:
        super().__init__(f"{where}: {message}")
        self.where, self.message = where, message


# ------------------------------------------------------------------------------------------------------------ writing


def _end(seconds: int) -> int | None:
    return None if seconds >= UNLIMITED else seconds


def _load_json(load: Load) -> dict[str, int | None]:
    return {name: None if amount >= UNLIMITED else amount for name, amount in load._asdict().items()}


def problem_to_json(problem: Problem, *, numbers: bool = True) -> dict[str, Any]:
    """Return a problem as JSON. ``numbers``: with the matrices used; without, only if they cannot be made again."""
    remakable = bool(problem.points) and problem.travel is not None
    return {
        "format": PROBLEM_FORMAT,
        "version": VERSION,
        "name": problem.name,
        "scale": problem.scale,
        "points": [[p.latitude, p.longitude] for p in problem.points] or None,
        "travel": dict(problem.travel) if problem.travel is not None else None,
        "matrices": _blocks(problem, remakable) if numbers or not remakable else [],
        "depots": [
            {
                "id": depot.id,
                "name": depot.name,
                "location": depot.location,
                "opens_seconds": depot.opening.opens_seconds,
                "closes_seconds": _end(depot.opening.closes_seconds),
            }
            for depot in problem.depots
        ],
        "vehicles": [_vehicle_json(vehicle) for vehicle in problem.vehicles],
        "stops": [_stop_json(stop) for stop in problem.stops],
    }


def _vehicle_json(vehicle: Vehicle) -> dict[str, Any]:
    return {
        "id": vehicle.id,
        "name": vehicle.name,
        "start_depot_id": vehicle.start_depot_id,
        "end_depot_id": vehicle.end_depot_id,
        **_load_json(vehicle.capacity),
        "shift_opens_seconds": vehicle.shift.opens_seconds,
        "shift_closes_seconds": _end(vehicle.shift.closes_seconds),
        "storage_classes": sorted(vehicle.storage_classes),
        "licence_needed": vehicle.licence_needed,
        "licences": sorted(vehicle.licences),
        "duration_max_seconds": _end(vehicle.duration_max_seconds),
        "distance_max_m": _end(vehicle.distance_max_m),
        "stops_max": _end(vehicle.stops_max),
        "fixed_cost": vehicle.fixed_cost,
        "metre_cost": vehicle.metre_cost,
        "second_cost": vehicle.second_cost,
        "driver_id": vehicle.driver_id,
    }


def _stop_json(stop: Stop) -> dict[str, Any]:
    return {
        "id": stop.id,
        "name": stop.name,
        "location": stop.location,
        **_load_json(stop.demand),
        "windows": [[window.opens_seconds, _end(window.closes_seconds)] for window in stop.windows],
        "service_seconds": stop.service_seconds,
        "storage_classes": sorted(stop.storage_classes),
        "penalty": stop.penalty,
        "priority": stop.priority,
        "depot_ids": None if stop.depot_ids is None else sorted(stop.depot_ids),
        "vehicle_ids": None if stop.vehicle_ids is None else sorted(stop.vehicle_ids),
        "settlement_id": stop.settlement_id,
        "parcel_ids": list(stop.parcel_ids),
    }


def _blocks(problem: Problem, remakable: bool) -> list[dict[str, Any]]:
    groups: list[list[int]] | None = None
    parts = by_depot(problem, stops_max=STOPS_MAX)
    if remakable and len(parts) > 1:
        # Each depot's own square is all that any route can use; the rest follows from the points.
        groups = []
        for part in parts:
            vehicles = [problem.vehicle_by_id[vehicle_id] for vehicle_id in part.vehicle_ids]
            depots = {d for v in vehicles for d in (v.start_depot_id, v.end_depot_id)}
            places = {problem.depot_by_id[depot].location for depot in depots}
            groups.append(sorted(places | {problem.stop_by_id[stop_id].location for stop_id in part.stop_ids}))
    if groups is None:
        groups = [list(range(len(problem.distances_m)))]
    if remakable and sum(len(group) ** 2 for group in groups) > CELLS_MAX:
        return []
    return [
        {
            "locations": None if len(group) == len(problem.distances_m) else group,
            "distances_m": problem.distances_m[np.ix_(group, group)].tolist(),
            "durations_seconds": problem.durations_seconds[np.ix_(group, group)].tolist(),
        }
        for group in groups
    ]


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON."""
    return {
        "format": PLAN_FORMAT,
        "version": VERSION,
        "engine": plan.engine,
        "seed": plan.seed,
        "seconds": plan.seconds,
        "cost": plan.cost,
        "penalty": plan.penalty,
        "bound": plan.bound,
        "routes": [
            {
                "vehicle_id": route.vehicle_id,
                "start_seconds": route.start_seconds,
                "end_seconds": route.end_seconds,
                "distance_m": route.distance_m,
                "duration_seconds": route.duration_seconds,
                **route.load._asdict(),
                "cost": route.cost,
                "visits": [
                    {
                        "stop_id": visit.stop_id,
                        "arrival_seconds": visit.arrival_seconds,
                        "begins_seconds": visit.begins_seconds,
                        "departure_seconds": visit.departure_seconds,
                    }
                    for visit in route.visits
                ],
            }
            for route in plan.routes
        ],
        "unserved": [
            {
                "stop_id": unserved.stop_id,
                "code": unserved.code,
                "reason": unserved.reason.to_json() if unserved.reason else None,
                "relaxations": [_relaxation_json(relaxation) for relaxation in unserved.relaxations],
            }
            for unserved in plan.unserved
        ],
        "notes": [note.to_json() for note in plan.notes],
    }


def _relaxation_json(relaxation: Relaxation) -> dict[str, Any]:
    return {
        "code": relaxation.code,
        "facts": dict(relaxation.facts),
        "message": relaxation.message.to_json(),
        "vehicle_id": relaxation.vehicle_id,
        "position": relaxation.position,
        "extra_m": relaxation.extra_m,
        "extra_cost": relaxation.extra_cost,
    }


# ------------------------------------------------------------------------------------------------------------ reading


class _Reader:
    """Takes values out of untrusted JSON, each with its kind and bounds."""

    def __init__(self, thing: object, where: str) -> None:
        if not isinstance(thing, Mapping):
            raise UnreadableProblem(where, say("An object is needed here"))
        self.thing, self.where = thing, where

    def wrong(self, key: str, message: Message) -> UnreadableProblem:
        return UnreadableProblem(f"{self.where}.{key}", message)

    def known(self, *keys: str) -> None:
        for key in self.thing:
            if key not in keys:
                raise self.wrong(str(key)[:40], say("This is not known here"))

    def whole(self, key: str, default: int | None = None, *, least: int = 0, most: int = NUMBER_MAX) -> int:
        value = self.thing.get(key, default)
        if type(value) is not int or not least <= value <= most:
            raise self.wrong(key, say("A whole number from %(least)s to %(most)s is needed", least=least, most=most))
        return value

    def whole_or_none(self, key: str, none: int) -> int:
        return none if self.thing.get(key) is None else self.whole(key)

    def text(self, key: str, default: str = "") -> str:
        value = self.thing.get(key, default)
        if (
            not isinstance(value, str)
            or len(value) > TEXT_MAX
            or "\x00" in value
            or any(0xD800 <= ord(c) <= 0xDFFF for c in value)
        ):
            raise self.wrong(key, say("A text of at most %(most)s letters is needed", most=TEXT_MAX))
        return value

    def list(self, key: str, most: int, *, missing: bool = True) -> list[Any]:
        value = self.thing.get(key)
        if value is None and missing:
            return []
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(key, say("A list of at most %(most)s is needed", most=most))
        return value

    def texts(self, key: str) -> frozenset[str]:
        values = self.list(key, 50)
        if any(not isinstance(value, str) or len(value) > TEXT_MAX for value in values):
            raise self.wrong(key, say("A list of texts is needed"))
        return frozenset(values)

    def ids(self, key: str) -> frozenset[int] | None:
        return None if self.thing.get(key) is None else frozenset(self.id_list(key))

    def id_list(self, key: str) -> tuple[int, ...]:
        values = self.list(key, VEHICLES_MAX)
        if any(type(value) is not int or not 0 <= value < 2**63 for value in values):
            raise self.wrong(key, say("A list of ids is needed"))
        return tuple(values)

    def load(self, none: int) -> Load:
        return Load(*(self.whole_or_none(name, none) for name in Load._fields))

    def window(self, opens: str, closes: str) -> TimeWindow:
        window = TimeWindow(self.whole(opens, 0), self.whole_or_none(closes, UNLIMITED))
        if window.opens_seconds > window.closes_seconds:
            raise self.wrong(closes, say("It ends before it begins"))
        return window


def problem_from_json(stored: object) -> Problem:
    """Read a problem, or the problem of an exchange; raises UnreadableProblem for anything that is not one."""
    if isinstance(stored, Mapping) and "problem" in stored:
        stored = stored["problem"]
    top = _Reader(stored, "problem")
    if top.thing.get("format", PROBLEM_FORMAT) != PROBLEM_FORMAT or top.thing.get("version", VERSION) != VERSION:
        raise top.wrong(
            "format", say("Only %(format)s version %(version)s is read", format=PROBLEM_FORMAT, version=VERSION)
        )
    top.known("format", "version", "name", "scale", "points", "travel", "matrices", "depots", "vehicles", "stops")
    points = _points(top)
    travel = _travel(top)
    distances_m, durations_seconds = _matrices(top, points, travel)
    try:
        return Problem(
            depots=tuple(
                _depot(_Reader(row, f"depots[{i}]")) for i, row in enumerate(top.list("depots", VEHICLES_MAX))
            ),
            vehicles=tuple(
                _vehicle(_Reader(row, f"vehicles[{i}]")) for i, row in enumerate(top.list("vehicles", VEHICLES_MAX))
            ),
            stops=tuple(_stop(_Reader(row, f"stops[{i}]")) for i, row in enumerate(top.list("stops", STOPS_MAX))),
            distances_m=distances_m,
            durations_seconds=durations_seconds,
            points=points,
            travel=travel.to_json() if travel else None,
            name=top.text("name"),
            scale=top.whole("scale", 1, least=1, most=1_000_000),
        )
    except UnreadableProblem:
        raise
    except ValueError as error:
        raise UnreadableProblem("problem", Message(str(error).replace("%", "%%"))) from error


def question_from_json(stored: Mapping[str, Any]) -> tuple[list[Depot], list[Vehicle], list[Stop], list[Point]]:
    """Read depots, vehicles, stops and points of a stored problem without making its matrices."""
    top = _Reader(stored, "problem")
    return (
        [_depot(_Reader(row, "depots")) for row in top.thing["depots"]],
        [_vehicle(_Reader(row, "vehicles")) for row in top.thing["vehicles"]],
        [_stop(_Reader(row, "stops")) for row in top.thing["stops"]],
        list(_points(top)),
    )


def problem_of_run(stored: Mapping[str, Any], vehicle_id: int, stop_ids: Sequence[int]) -> Problem:
    """Return the problem of one vehicle and some stops out of a stored one, without reading all of it if possible."""
    part = Part((vehicle_id,), tuple(stop_ids))
    if stored["matrices"] or not stored["points"]:
        return part_of(problem_from_json(stored), part)
    vehicle = next(row for row in stored["vehicles"] if row["id"] == vehicle_id)
    depot_ids = {vehicle["start_depot_id"], vehicle["end_depot_id"]}
    rows = {row["id"]: row for row in stored["stops"] if row["id"] in set(stop_ids)}
    depots = [row for row in stored["depots"] if row["id"] in depot_ids]
    stops = [rows[stop_id] for stop_id in stop_ids]
    places = sorted({row["location"] for row in (*depots, *stops)})
    at = {location: i for i, location in enumerate(places)}
    return problem_from_json(
        {
            **stored,
            "points": [stored["points"][location] for location in places],
            "depots": [{**row, "location": at[row["location"]]} for row in depots],
            "vehicles": [vehicle],
            "stops": [{**row, "location": at[row["location"]]} for row in stops],
        }
    )


def problem_with(stored: Mapping[str, Any], changed: Problem) -> dict[str, Any]:
    """Return a stored problem with the vehicles and stops of ``changed`` in place of its own, locations kept."""
    stops = {stop.id: stop for stop in changed.stops}
    vehicles = {vehicle.id: vehicle for vehicle in changed.vehicles}
    return {
        **stored,
        "vehicles": [
            _vehicle_json(vehicles[row["id"]]) if row["id"] in vehicles else row for row in stored["vehicles"]
        ],
        "stops": [
            {**_stop_json(stops[row["id"]]), "location": row["location"]} if row["id"] in stops else row
            for row in stored["stops"]
        ],
    }


def penalty_of(stored: Mapping[str, Any], stop_id: int) -> int:
    """Return what leaving out a stop of a stored problem counts for."""
    penalty = next(row["penalty"] for row in stored["stops"] if row["id"] == stop_id)
    return problem_from_json(stored).required_penalty if penalty is None else int(penalty)


def _points(top: _Reader) -> tuple[Point, ...]:
    points = []
    for i, row in enumerate(top.list("points", LOCATIONS_MAX)):
        numbers = isinstance(row, list) and len(row) == 2 and all(type(v) in (int, float) for v in row)
        if not numbers or not (-90 <= row[0] <= 90 and -180 <= row[1] <= 180):
            raise top.wrong(f"points[{i}]", say("Latitude and longitude in degrees are needed"))
        points.append(Point(float(row[0]), float(row[1])))
    return tuple(points)


def _travel(top: _Reader) -> Travel | None:
    stored = top.thing.get("travel")
    if stored is None:
        return None
    try:
        return Travel.from_json(_Reader(stored, "travel").thing)
    except ValueError as error:
        raise UnreadableProblem("travel", Message(str(error).replace("%", "%%"))) from error


def _matrices(top: _Reader, points: tuple[Point, ...], travel: Travel | None) -> tuple[Matrix, Matrix]:
    blocks = [_Reader(row, f"matrices[{i}]") for i, row in enumerate(top.list("matrices", 1_000))]
    whole = next((block for block in blocks if block.thing.get("locations") is None), None)
    if whole is not None:
        size = len(whole.list("distances_m", LOCATIONS_MAX, missing=False))
        return _square(whole, "distances_m", size), _square(whole, "durations_seconds", size)
    if not points:
        raise top.wrong("points", say("Points, or a matrix of all locations, are needed"))
    distances_m, durations_seconds = matrices(points, travel or Travel())
    for block in blocks:
        locations = block.list("locations", len(points), missing=False)
        if any(type(at) is not int or not 0 <= at < len(points) for at in locations):
            raise block.wrong("locations", say("There is no such location"))
        cut = np.ix_(locations, locations)
        distances_m[cut] = _square(block, "distances_m", len(locations))
        durations_seconds[cut] = _square(block, "durations_seconds", len(locations))
    return distances_m, durations_seconds


def _square(block: _Reader, key: str, size: int) -> Matrix:
    rows = block.list(key, LOCATIONS_MAX, missing=False)
    if len(rows) != size or any(not isinstance(row, list) or len(row) != size for row in rows):
        raise block.wrong(key, say("A square of %(size)s rows is needed", size=size))
    if any(type(value) is not int for row in rows for value in row):
        raise block.wrong(key, say("Whole numbers are needed"))
    try:
        square = np.array(rows, dtype=np.int64).reshape(size, size)
    except (OverflowError, ValueError) as error:
        raise block.wrong(key, say("Whole numbers are needed")) from error
    if size and (square.min() < 0 or square.max() > 2**30):
        raise block.wrong(key, say("A whole number from %(least)s to %(most)s is needed", least=0, most=2**30))
    return square.astype(np.int32)


def _depot(row: _Reader) -> Depot:
    row.known("id", "name", "location", "opens_seconds", "closes_seconds")
    return Depot(
        row.whole("id", most=2**63),
        row.whole("location"),
        row.text("name"),
        row.window("opens_seconds", "closes_seconds"),
    )


def _vehicle(row: _Reader) -> Vehicle:
    row.known(
        "id", "name", "start_depot_id", "end_depot_id", *Load._fields, "shift_opens_seconds", "shift_closes_seconds",
        "storage_classes", "licence_needed", "licences", "duration_max_seconds", "distance_max_m", "stops_max",
        "fixed_cost", "metre_cost", "second_cost", "driver_id",
    )  # fmt: skip
    start = row.whole("start_depot_id", most=2**63)
    return Vehicle(
        id=row.whole("id", most=2**63),
        start_depot_id=start,
        end_depot_id=row.whole("end_depot_id", start, most=2**63),
        capacity=row.load(UNLIMITED),
        shift=row.window("shift_opens_seconds", "shift_closes_seconds"),
        name=row.text("name"),
        storage_classes=row.texts("storage_classes"),
        licence_needed=None if row.thing.get("licence_needed") is None else row.text("licence_needed"),
        licences=row.texts("licences"),
        duration_max_seconds=row.whole_or_none("duration_max_seconds", UNLIMITED),
        distance_max_m=row.whole_or_none("distance_max_m", UNLIMITED),
        stops_max=row.whole_or_none("stops_max", UNLIMITED),
        fixed_cost=row.whole("fixed_cost", 0),
        metre_cost=row.whole("metre_cost", 1, most=1_000_000),
        second_cost=row.whole("second_cost", 0, most=1_000_000),
        driver_id=None if row.thing.get("driver_id") is None else row.whole("driver_id", most=2**63),
    )


def _stop(row: _Reader) -> Stop:
    row.known(
        "id", "name", "location", *Load._fields, "windows", "service_seconds", "storage_classes", "penalty",
        "priority", "depot_ids", "vehicle_ids", "settlement_id", "parcel_ids",
    )  # fmt: skip
    return Stop(
        id=row.whole("id", most=2**63),
        location=row.whole("location"),
        demand=row.load(0),
        windows=_windows(row),
        service_seconds=row.whole("service_seconds", 0, most=31 * 86_400 * 1_000),
        storage_classes=row.texts("storage_classes"),
        penalty=None if row.thing.get("penalty") is None else row.whole("penalty"),
        priority=row.whole("priority", 0, most=100),
        depot_ids=row.ids("depot_ids"),
        vehicle_ids=row.ids("vehicle_ids"),
        name=row.text("name"),
        settlement_id=None if row.thing.get("settlement_id") is None else row.whole("settlement_id", most=2**63),
        parcel_ids=row.id_list("parcel_ids"),
    )


def _windows(row: _Reader) -> tuple[TimeWindow, ...]:
    windows: list[TimeWindow] = []
    for pair in row.list("windows", 20):
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise row.wrong("windows", say("A list of [opens, closes] is needed"))
        window = _Reader({"opens": pair[0], "closes": pair[1]}, f"{row.where}.windows").window("opens", "closes")
        if windows and window.opens_seconds <= windows[-1].closes_seconds:
            raise row.wrong("windows", say("Windows must be in order and apart"))
        windows.append(window)
    return tuple(windows) or (ALWAYS,)


def plan_from_json(stored: Mapping[str, Any]) -> Plan:
    """Read a plan that we wrote ourselves."""
    return Plan(
        routes=tuple(
            Route(
                vehicle_id=row["vehicle_id"],
                visits=tuple(
                    Visit(v["stop_id"], v["arrival_seconds"], v["begins_seconds"], v["departure_seconds"])
                    for v in row["visits"]
                ),
                start_seconds=row["start_seconds"],
                end_seconds=row["end_seconds"],
                load=Load(*(row[name] for name in Load._fields)),
                distance_m=row["distance_m"],
                duration_seconds=row["duration_seconds"],
                cost=row["cost"],
            )
            for row in stored["routes"]
        ),
        unserved=tuple(
            Unserved(
                row["stop_id"],
                Message.from_json(row["reason"]) if row.get("reason") else None,
                row.get("code", ""),
                tuple(_relaxation(relaxation) for relaxation in row.get("relaxations", ())),
            )
            for row in stored["unserved"]
        ),
        cost=stored["cost"],
        penalty=stored["penalty"],
        bound=stored.get("bound"),
        engine=stored.get("engine", ""),
        seed=stored.get("seed", 0),
        seconds=stored.get("seconds", 0.0),
        notes=tuple(Message.from_json(note) for note in stored.get("notes", ())),
    )


def _relaxation(stored: Mapping[str, Any]) -> Relaxation:
    return Relaxation(
        stored["code"],
        stored["facts"],
        Message.from_json(stored["message"]),
        stored["vehicle_id"],
        stored["position"],
        stored["extra_m"],
        stored["extra_cost"],
    )
