"""Reads the files that the routing world measures itself on: CVRPLIB/VRPLIB, Solomon, Homberger, Cordeau. Pure.

Each family has its own rounding. It is kept, as whole numbers, by a scale: X rounds to whole units, Solomon and
Homberger cut to tenths, VRPLIB files with fleets and windows round to thousandths, Cordeau's are real numbers (here
ten-thousandths). ``cost / problem.scale`` is then the figure that is published.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.planning.problem import (
    ALWAYS,
    ROOMY,
    UNLIMITED,
    Depot,
    Load,
    Matrix,
    Problem,
    Stop,
    TimeWindow,
    Vehicle,
)


class UnknownFormat(ValueError):
    """The file is none that we can read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A problem of the literature and which family it belongs to."""

    problem: Problem
    family: str


def read(path: Path) -> Instance:
    """Read an instance file of any known kind."""
    return parse(path.read_text(encoding="utf-8", errors="replace"), name=path.stem)


def parse(text: str, *, name: str) -> Instance:
    """Read an instance from its text; raises UnknownFormat."""
    try:
        if re.search(r"^\s*(NODE_COORD_SECTION|EDGE_WEIGHT_SECTION)\s*$", text, re.MULTILINE):
            return _vrplib(text, name)
        if re.search(r"^\s*VEHICLE\s*$", text, re.MULTILINE):
            return _solomon(text, name)
        if re.match(r"\s*2\s+\d+\s+\d+\s+\d+\s", text):
            return _cordeau(text, name)
    except (ValueError, IndexError, KeyError) as error:
        raise UnknownFormat(f"{name}: {error}") from error
    raise UnknownFormat(f"{name}: neither VRPLIB, Solomon nor Cordeau")


def read_solution(text: str) -> tuple[list[list[int]], float | None]:
    """Return the routes of a CVRPLIB solution, each the customers in order (the first is 1), and the cost it states.

    An empty route keeps its place, for in a mixed fleet the place says which vehicle.
    """
    routes = [[int(word) for word in row.split()] for row in re.findall(r"^Route\s*#\d+\s*:(.*)$", text, re.MULTILINE)]
    cost = re.search(r"^Cost:?\s+([\d.eE+]+)", text, re.MULTILINE)
    return routes, float(cost.group(1)) if cost else None


# ---------------------------------------------------------------------------------------------------------- VRPLIB

ROUNDINGS: dict[str, tuple[int, Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = {
    "round": (1, lambda values: np.floor(values + 0.5)),
    "trunc_tenths": (10, lambda values: np.floor(values * 10 + 1e-9)),
    "thousandths": (1_000, lambda values: np.floor(values * 1_000 + 0.5)),
    "ten_thousandths": (10_000, lambda values: np.floor(values * 10_000 + 0.5)),
}


def _euclidean(coordinates: NDArray[np.float64], rounding: str) -> Matrix:
    difference = coordinates[:, None, :] - coordinates[None, :, :]
    straight = np.sqrt((difference**2).sum(axis=2))
    return ROUNDINGS[rounding][1](straight).astype(np.int32)


def _sections(text: str) -> tuple[dict[str, str], dict[str, list[list[str]]]]:
    header: dict[str, str] = {}
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] | None = None
    for line in text.splitlines():
        line = line.strip()
        if not line or line == "EOF":
            continue
        if re.fullmatch(r"[A-Z_]+_SECTION\s*:?", line):
            current = sections.setdefault(line.rstrip(": ").removesuffix("_SECTION"), [])
        elif re.match(r"[A-Z_]+\s*:", line):
            key, _, value = line.partition(":")
            header[key.strip()] = value.strip().strip('"')
            current = None
        elif current is not None:
            current.append(line.split())
    return header, sections


def _vrplib(text: str, name: str) -> Instance:
    header, sections = _sections(text)
    size = int(header["DIMENSION"])
    plain = header.get("TYPE", "CVRP") == "CVRP" and not any(
        key in sections for key in ("TIME_WINDOW", "SERVICE_TIME", "CAPACITY", "VEHICLES_DEPOT")
    )
    rounding = "round" if plain else "thousandths"
    scale = ROUNDINGS[rounding][0]
    distances_m = _vrplib_matrix(header, sections, size, rounding)

    def column(key: str, default: float) -> list[float]:
        rows = sections.get(key)
        if rows is None:
            value = float(header[key]) if key in header else default
            return [value] * size
        return [float(row[1]) for row in sections[key]]

    def times(key: str) -> list[int]:
        return [round(value * scale) for value in column(key, 0)]

    depots_at = [int(row[0]) - 1 for row in sections["DEPOT"] if int(row[0]) > 0]
    demands, service = [round(value) for value in column("DEMAND", 0)], times("SERVICE_TIME")
    windows = [
        TimeWindow(round(float(row[1]) * scale), round(float(row[2]) * scale))
        for row in sections.get("TIME_WINDOW", [])
    ] or [ALWAYS] * size
    stops = tuple(
        Stop(at, at, Load(demands[at]), (windows[at],), service[at]) for at in range(size) if at not in set(depots_at)
    )
    depots = tuple(Depot(at, at, f"{at + 1}", windows[at]) for at in depots_at)
    fleet = _vrplib_fleet(header, sections, depots_at, sum(demands), max(demands, default=0), name, scale)
    problem = Problem(depots, fleet, stops, distances_m, distances_m, name=name, scale=scale)
    family = "X" if plain and name.startswith("X-") else header.get("TYPE", "CVRP")
    return Instance(problem, family)


def _vrplib_matrix(header: dict[str, str], sections: dict[str, list[list[str]]], size: int, rounding: str) -> Matrix:
    if "EDGE_WEIGHT" in sections:
        numbers = [float(word) for row in sections["EDGE_WEIGHT"] for word in row]
        form = header.get("EDGE_WEIGHT_FORMAT", "FULL_MATRIX")
        weights = np.zeros((size, size))
        if form == "FULL_MATRIX":
            weights[:] = np.reshape(numbers, (size, size))
        elif form in ("LOWER_ROW", "LOWER_DIAG_ROW"):
            lower = np.tril_indices(size, -1 if form == "LOWER_ROW" else 0)
            weights[lower] = numbers
            weights = np.maximum(weights, weights.T)
        else:
            raise ValueError(f"EDGE_WEIGHT_FORMAT {form} is not known")
        return ROUNDINGS[rounding][1](weights).astype(np.int32)
    if header.get("EDGE_WEIGHT_TYPE", "EUC_2D") != "EUC_2D":
        raise ValueError(f"EDGE_WEIGHT_TYPE {header['EDGE_WEIGHT_TYPE']} is not known")
    rows = sections["NODE_COORD"]
    if len(rows) != size:
        raise ValueError(f"{len(rows)} coordinates for a dimension of {size}")
    return _euclidean(np.array([[float(row[1]), float(row[2])] for row in rows]), rounding)


def _vrplib_fleet(
    header: dict[str, str],
    sections: dict[str, list[list[str]]],
    depots_at: Sequence[int],
    demand: int,
    demand_most: int,
    name: str,
    scale: int,
) -> tuple[Vehicle, ...]:
    capacities = [int(float(row[1])) for row in sections.get("CAPACITY", [])]
    if "VEHICLES" in header:
        count = int(header["VEHICLES"])
    elif capacities:
        count = len(capacities)
    else:
        count = _fleet_size(demand, int(float(header["CAPACITY"])), demand_most, name)
    capacities = capacities or [int(float(header.get("CAPACITY", UNLIMITED)))] * count

    def column(key: str, default: int, times: int = 1) -> list[int]:
        rows = sections.get(key)
        if rows is not None:
            return [round(float(row[1]) * times) for row in rows]
        return [round(float(header[key]) * times) if key in header else default] * count

    at = [int(row[1]) - 1 for row in sections["VEHICLES_DEPOT"]] if "VEHICLES_DEPOT" in sections else None
    at = at or [depots_at[0]] * count
    metre = column("VEHICLES_UNIT_DISTANCE_COST", 1)
    fixed = column("VEHICLES_FIXED_COST", 0, scale)
    duration = column("VEHICLES_MAX_DURATION", UNLIMITED, scale)
    distance = column("VEHICLES_MAX_DISTANCE", UNLIMITED, scale)
    return tuple(
        Vehicle(
            i,
            at[i],
            at[i],
            Load(capacities[i], UNLIMITED, UNLIMITED),
            duration_max_seconds=duration[i],
            distance_max_m=distance[i],
            fixed_cost=fixed[i],
            metre_cost=metre[i],
        )
        for i in range(count)
    )


def _fleet_size(demand: int, capacity: int, demand_most: int, name: str) -> int:
    """Return enough vehicles where the file says that there is no limit: a few more than can be needed."""
    named = re.search(r"-k(\d+)", name)
    least = max(-(-demand // capacity), int(named.group(1)) if named else 0)
    return least + max(3, least // 10) + (least // 4 if demand_most * 2 > capacity else 0)


# --------------------------------------------------------------------------------------------- Solomon and Homberger


def _solomon(text: str, name: str) -> Instance:
    rows = [
        [float(word) for word in line.split()]
        for line in text.splitlines()
        if re.fullmatch(r"[\s\d.]*\d[\s\d.]*", line)
    ]
    if len(rows[0]) != 2 or any(len(row) != 7 for row in rows[1:]):
        raise ValueError("rows of 7 numbers are needed after the vehicles")
    count, capacity = int(rows[0][0]), int(rows[0][1])
    nodes = np.array(rows[1:])
    distances_m = _euclidean(nodes[:, 1:3], "trunc_tenths")
    whole = nodes.astype(int)
    depot = Depot(0, 0, "1", TimeWindow(int(whole[0, 4]) * 10, int(whole[0, 5]) * 10))
    stops = tuple(
        Stop(i, i, Load(int(row[3])), (TimeWindow(int(row[4]) * 10, int(row[5]) * 10),), int(row[6]) * 10)
        for i, row in enumerate(whole)
        if i
    )
    fleet = tuple(Vehicle(i, 0, 0, Load(capacity, UNLIMITED, UNLIMITED)) for i in range(count))
    problem = Problem((depot,), fleet, stops, distances_m, distances_m, name=name, scale=10)
    return Instance(problem, "Solomon" if len(stops) <= 100 else "Homberger")


# ---------------------------------------------------------------------------------------------------------- Cordeau


def _cordeau(text: str, name: str) -> Instance:
    rows = [line.split() for line in text.splitlines() if line.strip()]
    _, per_depot, customers, depot_count = (int(word) for word in rows[0][:4])
    scale = ROUNDINGS["ten_thousandths"][0]
    limits = [(float(row[0]), int(float(row[1]))) for row in rows[1 : 1 + depot_count]]
    nodes = rows[1 + depot_count : 1 + depot_count + customers + depot_count]
    if len(nodes) != customers + depot_count:
        raise ValueError(f"{len(nodes)} places for {customers} customers and {depot_count} depots")
    coordinates = np.array([[float(row[1]), float(row[2])] for row in nodes])
    distances_m = _euclidean(coordinates, "ten_thousandths")
    stops = tuple(
        Stop(i, i, Load(int(float(row[4]))), (ALWAYS,), round(float(row[3]) * scale))
        for i, row in enumerate(nodes[:customers])
    )
    depots = tuple(Depot(customers + i, customers + i, f"{i + 1}") for i in range(depot_count))
    fleet = tuple(
        Vehicle(
            depot * per_depot + i,
            customers + depot,
            customers + depot,
            Load(capacity, UNLIMITED, UNLIMITED) if capacity else ROOMY,
            # Rounding each leg up must not forbid a route that is exactly as long as allowed.
            duration_max_seconds=round(duration * scale) + customers if duration else UNLIMITED,
        )
        for depot, (duration, capacity) in enumerate(limits)
        for i in range(per_depot)
    )
    problem = Problem(depots, fleet, stops, distances_m, distances_m, name=name, scale=scale)
    return Instance(problem, "MDVRP")
