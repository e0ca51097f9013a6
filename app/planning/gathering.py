"""Makes a day's problem out of parcels, vehicles and warehouses. Pure.

A stop is one settlement served from one warehouse: its parcels together, as far as one vehicle and one hour can take
them. What needs cold goes apart, so that blankets do not wait for a vehicle with cooling.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import time
from statistics import median_low
from typing import Any

from app.planning.problem import (
    ROOMY,
    UNLIMITED,
    Depot,
    Load,
    Point,
    Problem,
    Stop,
    TimeWindow,
    Vehicle,
)
from app.planning.travel import RoadServer, Travel, matrices

HANDING_OVER = TimeWindow(8 * 3600, 17 * 3600)
"""When people and drop points can be visited."""
STOP_SECONDS = 300
PARCEL_SECONDS = 150
PARCELS_MAX = 20
"""A stop with more is made into several, so that one settlement cannot fill a day by itself."""
APART = frozenset({"chilled", "frozen", "hazardous"})
"""Storage classes that few vehicles have."""
PALLET_ML = 1_500_000
"""A pallet place's worth of bulky goods."""
PENALTY_OF_URGENCY = {1: 1_000_000_000, 2: 500_000_000, 3: 250_000_000, 4: 125_000_000}
"""Leaving out a stop, thousandths of a forint: any stop is worth any way, an urgent one worth several others."""
PENALTY_OF_PARCEL = 5_000_000
BREAK_SECONDS = 45 * 60
"""A heavy vehicle's driver rests so long on a day (EU 561/2006); the shift is planned that much shorter."""
VOLUNTEER_SECONDS_MAX = 8 * 3600
LICENCES = {
    "B": {"B"},
    "BE": {"B", "BE"},
    "C1": {"B", "C1"},
    "C": {"B", "C1", "C"},
    "CE": {"B", "BE", "C1", "C", "CE"},
}
"""What a licence lets its holder drive."""


def gather(
    parcels: Iterable[Any],
    fleet: Iterable[Any],
    warehouses: Sequence[Any],
    *,
    settlement_names: Mapping[int, str],
    name: str = "",
    travel: Travel | None = None,
    road_server: RoadServer | None = None,
) -> Problem:
    """Return the problem of these parcels, vehicles and warehouses (rows of the queries of delivery and planning)."""
    travel = travel or Travel()
    depots = [
        Depot(row.id, at, row.name, TimeWindow(_seconds(row.opens_at), _seconds(row.closes_at)))
        for at, row in enumerate(warehouses)
    ]
    known = {depot.id for depot in depots}
    vehicles = [vehicle(row) for row in fleet if row.warehouse_id in known]
    points = [Point(row.lat, row.lon) for row in warehouses]
    where: dict[int, int] = {}
    stops = []
    for group in _groups([row for row in parcels if row.warehouse_id in known], vehicles):
        first = group[0]
        if first.settlement_id not in where:
            where[first.settlement_id] = len(points)
            points.append(Point(first.lat, first.lon))
        stops.append(_stop(group, where[first.settlement_id], settlement_names.get(first.settlement_id, "")))
    distances_m, durations_seconds = matrices(points, travel, road_server)
    return Problem(
        depots=tuple(depots),
        vehicles=tuple(vehicles),
        stops=tuple(stops),
        distances_m=distances_m,
        durations_seconds=durations_seconds,
        points=tuple(points),
        travel=None if road_server else travel.to_json(),
        name=name,
    )


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def vehicle(row: Any) -> Vehicle:
    """Return a vehicle of the fleet with its driver's day."""
    starts, ends = _seconds(row.shift_starts_at), _seconds(row.shift_ends_at)
    heavy = row.licence not in ("B", "")
    return Vehicle(
        id=row.vehicle_id,
        start_depot_id=row.warehouse_id,
        end_depot_id=row.warehouse_id,
        capacity=Load(row.capacity_g, row.capacity_ml, row.capacity_pallets),
        shift=TimeWindow(starts, max(starts, ends - (BREAK_SECONDS if heavy else 0))),
        name=f"{row.model} · {row.plate}",
        storage_classes=frozenset(row.storage_classes),
        licence_needed=row.licence,
        licences=frozenset(LICENCES.get(row.driver_licence, {row.driver_licence})),
        duration_max_seconds=VOLUNTEER_SECONDS_MAX if row.volunteer else UNLIMITED,
        fixed_cost=row.cost_fixed_huf * 1000,
        # A forint a kilometre is a thousandth a metre.
        metre_cost=row.cost_per_km_huf,
        second_cost=round(row.cost_per_hour_huf * 1000 / 3600),
        driver_id=row.driver_id,
    )


def _groups(parcels: Sequence[Any], vehicles: Sequence[Vehicle]) -> Iterator[list[Any]]:
    together: dict[tuple[int, int, frozenset[str]], list[Any]] = defaultdict(list)
    for parcel in parcels:
        apart = frozenset(parcel.storage_classes) & APART
        together[parcel.warehouse_id, parcel.settlement_id, apart].append(parcel)
    for (warehouse_id, _, apart), group in together.items():
        room = _usual_room([v for v in vehicles if v.start_depot_id == warehouse_id and apart <= v.storage_classes])
        yield from _cut(sorted(group, key=lambda parcel: (parcel.urgency, parcel.parcel_id)), room)


def _usual_room(vehicles: Sequence[Vehicle]) -> Load:
    """Return the room of the middle vehicle, so that half of them could take the stop."""
    if not vehicles:
        return ROOMY
    return Load(*(median_low([v.capacity[i] for v in vehicles]) for i in range(len(Load._fields))))


def _cut(group: Sequence[Any], room: Load) -> Iterator[list[Any]]:
    piece: list[Any] = []
    for parcel in group:
        if piece and (len(piece) >= PARCELS_MAX or not _demand([*piece, parcel]).fits(room)):
            yield piece
            piece = []
        piece.append(parcel)
    if piece:
        yield piece


def _demand(parcels: Sequence[Any]) -> Load:
    bulky_ml = sum(parcel.volume_ml for parcel in parcels if "bulky" in parcel.storage_classes)
    return Load(
        sum(parcel.weight_g for parcel in parcels),
        sum(parcel.volume_ml for parcel in parcels),
        -(-bulky_ml // PALLET_ML),
    )


def _stop(parcels: Sequence[Any], location: int, name: str) -> Stop:
    urgency = min(parcel.urgency for parcel in parcels)
    return Stop(
        id=min(parcel.parcel_id for parcel in parcels),
        location=location,
        demand=_demand(parcels),
        windows=(HANDING_OVER,),
        service_seconds=STOP_SECONDS + PARCEL_SECONDS * len(parcels),
        storage_classes=frozenset(name for parcel in parcels for name in parcel.storage_classes),
        penalty=PENALTY_OF_URGENCY[urgency] + PENALTY_OF_PARCEL * len(parcels),
        priority=urgency,
        depot_ids=frozenset({parcels[0].warehouse_id}),
        name=name,
        settlement_id=parcels[0].settlement_id,
        parcel_ids=tuple(parcel.parcel_id for parcel in parcels),
    )
