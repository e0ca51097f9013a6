"""Metres and seconds between points: along the ellipsoid, or from a road server that is handed in. Pure.

Straight lines on the WGS 84 ellipsoid are made longer by a circuity factor (roads wind) and driven at a speed that
grows with the distance (a village street first, a main road later).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.planning.problem import UNLIMITED, Matrix, Point

EARTH_EQUATOR_M = 6_378_137.0
EARTH_FLATTENING = 1 / 298.257223563
ROWS_AT_ONCE = 256
"""Rows of the matrix made in one go, so that a country needs megabytes, not gigabytes."""


class RoadServer(Protocol):
    """Something that knows roads, such as OSRM's table service."""

    def __call__(self, points: Sequence[Point]) -> tuple[Matrix, Matrix]:
        """Return metres and seconds between all points."""
        ...


@dataclass(frozen=True, slots=True)
class Travel:
    """How straight lines become road kilometres and minutes.

    ``speeds`` are (up to this many metres, km/h). Each speed holds for the metres inside its class, not for the whole
    way, so that a longer way never takes less time.
    """

    circuity_permille: int = 1_300
    speeds: tuple[tuple[int, int], ...] = ((3_000, 35), (15_000, 55), (50_000, 70), (UNLIMITED, 85))

    def metres(self, straight_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return metres by road for metres in a straight line."""
        return straight_m * (self.circuity_permille / 1000)

    def seconds(self, metres: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return driving seconds for metres by road."""
        at_m, at_seconds = [0.0], [0.0]
        for up_to_m, kmh in self.speeds:
            end_m = min(float(up_to_m), 40_000_000.0)
            at_seconds.append(at_seconds[-1] + (end_m - at_m[-1]) * 3.6 / kmh)
            at_m.append(end_m)
        return np.interp(metres, at_m, at_seconds)

    def to_json(self) -> dict[str, object]:
        """Return what another program needs to make the same matrices."""
        return {
            "ellipsoid": "WGS84",
            "circuity_permille": self.circuity_permille,
            "speeds": [[None if up_to >= UNLIMITED else up_to, kmh] for up_to, kmh in self.speeds],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Travel:
        """Read what :meth:`to_json` wrote; raises ValueError for anything else."""
        circuity, speeds = stored.get("circuity_permille"), stored.get("speeds")
        if type(circuity) is not int or not 1000 <= circuity <= 10_000:
            raise ValueError("circuity_permille must be 1000 to 10000")
        if not isinstance(speeds, list) or not speeds:
            raise ValueError("speeds must be a list of [up to metres, km/h]")
        classes, before = [], 0
        for row in speeds:
            if not isinstance(row, list) or len(row) != 2 or type(row[1]) is not int or not 1 <= row[1] <= 200:
                raise ValueError("speeds must be a list of [up to metres, km/h]")
            up_to = UNLIMITED if row[0] is None else row[0]
            if type(up_to) is not int or up_to <= before:
                raise ValueError("the distance classes of speeds must grow")
            classes.append((up_to, row[1]))
            before = up_to
        if before < UNLIMITED:
            classes[-1] = (UNLIMITED, classes[-1][1])
        return cls(circuity, tuple(classes))


def straight_metres(points: Sequence[Point]) -> NDArray[np.float64]:
    """Return all geodesic distances in metres, shape (n, n).

    The chord through the earth is exact and cheap; the arc above it is that of a circle whose radius is the ellipsoid's
    own (Euler's formula) half way, in the direction of travel. Up to 1,500 km it is within half a metre of Karney's
    geodesic (tests say how near).
    """
    degrees = np.asarray([tuple(point) for point in points], dtype=np.float64).reshape(-1, 2)
    latitude, longitude = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    e2 = EARTH_FLATTENING * (2 - EARTH_FLATTENING)
    normal = EARTH_EQUATOR_M / np.sqrt(1 - e2 * np.sin(latitude) ** 2)
    x = normal * np.cos(latitude) * np.cos(longitude)
    y = normal * np.cos(latitude) * np.sin(longitude)
    z = normal * (1 - e2) * np.sin(latitude)
    size = len(degrees)
    out = np.empty((size, size))
    for first in range(0, size, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        chord2 = (x[rows, None] - x) ** 2 + (y[rows, None] - y) ** 2 + (z[rows, None] - z) ** 2
        half_way = (latitude[rows, None] + latitude) / 2
        squeeze = 1 - e2 * np.sin(half_way) ** 2
        prime_vertical = EARTH_EQUATOR_M / np.sqrt(squeeze)
        meridian = prime_vertical * (1 - e2) / squeeze
        north2 = ((latitude[rows, None] - latitude) * meridian) ** 2
        share = north2 / np.maximum(chord2, 1e-6)
        np.clip(share, 0, 1, out=share)
        radius = 1 / (share / meridian + (1 - share) / prime_vertical)
        out[rows] = 2 * radius * np.arcsin(np.minimum(np.sqrt(chord2) / (2 * radius), 1))
    return out


def matrices(
    points: Sequence[Point], travel: Travel | None = None, road_server: RoadServer | None = None
) -> tuple[Matrix, Matrix]:
    """Return metres and seconds between all points, as whole numbers."""
    if road_server is not None:
        return road_server(points)
    travel = travel or Travel()
    straight = straight_metres(points)
    distances_m = np.empty(straight.shape, dtype=np.int32)
    durations_seconds = np.empty(straight.shape, dtype=np.int32)
    for first in range(0, len(straight), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        metres = travel.metres(straight[rows])
        distances_m[rows] = np.rint(metres)
        durations_seconds[rows] = np.rint(travel.seconds(metres))
    return distances_m, durations_seconds
