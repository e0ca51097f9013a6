"""The routing question and its answer, as plain values. Pure.

Everything is a whole number. Weights are grams, volumes millilitres, distances metres, times seconds after the start of
the planning day (a shift may run past 86,400), money thousandths of the currency, so that one forint a kilometre is one
thousandth a metre. A *location* is a row of the two matrices; several stops and depots may share one.

The instances of the literature keep their own units: a metre is then their unit of length times ``scale``, and a cost
divided by ``scale`` is the figure that others publish.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.foundation.words import Message

Matrix = NDArray[np.int32]
"""Whole numbers, row: from which location; column: to which."""

UNLIMITED = 2**40
"""A capacity or limit that nobody set."""

DAY_SECONDS = 86_400


class Load(NamedTuple):
    """How much of each thing that fills a vehicle."""

    weight_g: int = 0
    volume_ml: int = 0
    pallet_places: int = 0

    def plus(self, other: Load) -> Load:
        """Return both together."""
        return Load(
            self.weight_g + other.weight_g, self.volume_ml + other.volume_ml, self.pallet_places + other.pallet_places
        )

    def fits(self, capacity: Load) -> bool:
        """Return whether no dimension is over the capacity."""
        return (
            self.weight_g <= capacity.weight_g
            and self.volume_ml <= capacity.volume_ml
            and self.pallet_places <= capacity.pallet_places
        )


ROOMY = Load(UNLIMITED, UNLIMITED, UNLIMITED)
"""The capacity of a vehicle that nothing fills."""


class TimeWindow(NamedTuple):
    """From when until when, in seconds; both ends belong to it."""

    opens_seconds: int
    closes_seconds: int


NOTHING = Load()

ALWAYS = TimeWindow(0, UNLIMITED)


class Point(NamedTuple):
    """A place on the earth in degrees (WGS 84)."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Depot:
    """Where vehicles start and end, and where goods wait: a warehouse."""

    id: int
    location: int
    name: str = ""
    opening: TimeWindow = ALWAYS


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle with its driver for the day."""

    id: int
    start_depot_id: int
    end_depot_id: int
    capacity: Load = ROOMY
    shift: TimeWindow = ALWAYS
    name: str = ""
    storage_classes: frozenset[str] = frozenset()
    """What it can carry. A stop that needs chilled goods goes only on a vehicle that has "chilled"."""
    licence_needed: str | None = None
    licences: frozenset[str] = frozenset()
    """What its driver may drive."""
    duration_max_seconds: int = UNLIMITED
    distance_max_m: int = UNLIMITED
    stops_max: int = UNLIMITED
    fixed_cost: int = 0
    """Thousandths of the currency for leaving at all."""
    metre_cost: int = 1
    """Thousandths of the currency a metre."""
    second_cost: int = 0
    """Thousandths of the currency a second between leaving and being back."""
    driver_id: int | None = None
    """For whoever publishes the plan; the search does not look at it."""

    @property
    def may_leave(self) -> bool:
        """Return whether its driver has the licence that it needs."""
        return self.licence_needed is None or self.licence_needed in self.licences


@dataclass(frozen=True, slots=True)
class Stop:
    """A visit that hands something over."""

    id: int
    location: int
    demand: Load = NOTHING
    windows: tuple[TimeWindow, ...] = (ALWAYS,)
    """Service must begin in one of them. In order, not overlapping."""
    service_seconds: int = 0
    storage_classes: frozenset[str] = frozenset()
    penalty: int | None = None
    """What leaving it out costs, thousandths of the currency; None: it must be served."""
    priority: int = 0
    """Its urgency class for people to read; the search knows only the penalty."""
    depot_ids: frozenset[int] | None = None
    """Depots that hold its goods; only vehicles that start there serve it. None: any."""
    vehicle_ids: frozenset[int] | None = None
    """Vehicles that may serve it. None: any."""
    name: str = ""
    settlement_id: int | None = None
    parcel_ids: tuple[int, ...] = ()
    """What is handed over there. For whoever publishes the plan; the search does not look at them."""


@dataclass(frozen=True)
class Problem:
    """One day's question."""

    depots: tuple[Depot, ...]
    vehicles: tuple[Vehicle, ...]
    stops: tuple[Stop, ...]
    distances_m: Matrix
    durations_seconds: Matrix
    points: tuple[Point, ...] = ()
    """Where each location is, if known."""
    travel: Mapping[str, object] | None = None
    """How the matrices were made, to make them again (see ``travel.Travel.to_json``)."""
    name: str = ""
    scale: int = 1

    def __post_init__(self) -> None:
        size = len(self.distances_m)
        if self.distances_m.shape != (size, size) or self.durations_seconds.shape != (size, size):
            raise ValueError(
                f"matrices must be square and alike: {self.distances_m.shape}, {self.durations_seconds.shape}"
            )
        if self.points and len(self.points) != size:
            raise ValueError(f"{len(self.points)} points for {size} locations")
        for kind, ids, things in (
            ("depot", self.depot_by_id, self.depots),
            ("vehicle", self.vehicle_by_id, self.vehicles),
            ("stop", self.stop_by_id, self.stops),
        ):
            if len(ids) != len(things):
                raise ValueError(f"two {kind}s have one id")
        places: list[Depot | Stop] = [*self.depots, *self.stops]
        for place in places:
            if not 0 <= place.location < size:
                raise ValueError(f"location {place.location} of {place.id} is not in the matrices")
        for vehicle in self.vehicles:
            if vehicle.start_depot_id not in self.depot_by_id or vehicle.end_depot_id not in self.depot_by_id:
                raise ValueError(f"vehicle {vehicle.id} has no such depot")
        for stop in self.stops:
            if not stop.windows:
                raise ValueError(f"stop {stop.id} has no window")

    @cached_property
    def depot_by_id(self) -> dict[int, Depot]:
        """Depots by id."""
        return {depot.id: depot for depot in self.depots}

    @cached_property
    def vehicle_by_id(self) -> dict[int, Vehicle]:
        """Vehicles by id."""
        return {vehicle.id: vehicle for vehicle in self.vehicles}

    @cached_property
    def stop_by_id(self) -> dict[int, Stop]:
        """Stops by id."""
        return {stop.id: stop for stop in self.stops}

    @property
    def load(self) -> Load:
        """All that is to be handed over."""
        return Load(*(sum(stop.demand[dimension] for stop in self.stops) for dimension in range(len(Load._fields))))

    @cached_property
    def required_penalty(self) -> int:
        """What leaving out a stop that must be served counts for: more than any detour."""
        far = int(self.distances_m.max(initial=0))
        long = int(self.durations_seconds.max(initial=0)) + max((s.service_seconds for s in self.stops), default=0)
        dearest = max(
            (v.fixed_cost + 2 * far * v.metre_cost + 2 * long * v.second_cost for v in self.vehicles), default=0
        )
        named = max((stop.penalty or 0 for stop in self.stops), default=0)
        return int(10 * max(dearest, 1) + named)

    def penalty_of(self, stop: Stop) -> int:
        """Return what leaving this stop out counts for."""
        return self.required_penalty if stop.penalty is None else stop.penalty

    def working_hours(self, vehicle: Vehicle) -> tuple[int, int]:
        """Return when the vehicle may leave at the earliest and must be back at the latest."""
        start, end = self.depot_by_id[vehicle.start_depot_id], self.depot_by_id[vehicle.end_depot_id]
        return (
            max(vehicle.shift.opens_seconds, start.opening.opens_seconds),
            min(vehicle.shift.closes_seconds, end.opening.closes_seconds),
        )


def may_carry(vehicle: Vehicle, stop: Stop) -> bool:
    """Return whether this vehicle may serve this stop at all, load and time aside."""
    return (
        vehicle.may_leave
        and stop.storage_classes <= vehicle.storage_classes
        and (stop.depot_ids is None or vehicle.start_depot_id in stop.depot_ids)
        and (stop.vehicle_ids is None or vehicle.id in stop.vehicle_ids)
    )


@dataclass(frozen=True, slots=True)
class Visit:
    """When a route is at a stop."""

    stop_id: int
    arrival_seconds: int
    begins_seconds: int
    """When service begins; between arrival and this the vehicle waits."""
    departure_seconds: int


@dataclass(frozen=True, slots=True)
class Route:
    """A vehicle's day: where it goes, when, with how much, how far and for how much."""

    vehicle_id: int
    visits: tuple[Visit, ...]
    start_seconds: int
    end_seconds: int
    load: Load
    distance_m: int
    duration_seconds: int
    cost: int

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """The stops in order."""
        return tuple(visit.stop_id for visit in self.visits)


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A change of the problem that would let a stop be served, and what it would cost."""

    code: str
    facts: Mapping[str, int | str | None]
    message: Message
    vehicle_id: int | None = None
    position: int | None = None
    """Before which visit of that vehicle's route the stop would go."""
    extra_m: int = 0
    extra_cost: int = 0


@dataclass(frozen=True, slots=True)
class Unserved:
    """A stop left out, why, and what would help, cheapest first."""

    stop_id: int
    reason: Message | None = None
    code: str = ""
    relaxations: tuple[Relaxation, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer."""

    routes: tuple[Route, ...]
    unserved: tuple[Unserved, ...]
    cost: int
    """Of the routes alone."""
    penalty: int
    """Of what was left out."""
    bound: int | None = None
    """No plan can cost less than this, if known."""
    engine: str = ""
    seed: int = 0
    seconds: float = 0.0
    notes: tuple[Message, ...] = field(default=())

    @property
    def objective(self) -> int:
        """What the search makes small: cost and penalties together."""
        return self.cost + self.penalty

    @property
    def distance_m(self) -> int:
        """All kilometres, in metres."""
        return sum(route.distance_m for route in self.routes)

    @property
    def duration_seconds(self) -> int:
        """All working time."""
        return sum(route.duration_seconds for route in self.routes)

    @property
    def load(self) -> Load:
        """All that leaves the depots."""
        total = Load()
        for route in self.routes:
            total = total.plus(route.load)
        return total
