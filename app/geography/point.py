"""Points on the map and the distance between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from geopy.distance import geodesic

from app.foundation.errors import Invalid
from app.foundation.words import Message, say

# fmt: off
HUNGARY = (
    (46.81, 15.97), (47.10, 16.30), (47.45, 16.31), (47.53, 16.52), (47.72, 16.29), (47.85, 16.52), (47.80, 16.90),
    (48.10, 17.10), (48.07, 17.44), (47.85, 17.84), (47.89, 18.60), (48.14, 18.80), (48.35, 20.22), (48.63, 20.45),
    (48.64, 21.52), (48.44, 21.78), (48.51, 22.30), (48.05, 23.00), (47.77, 22.87), (47.46, 22.14), (46.20, 21.23),
    (46.03, 20.63), (46.07, 19.63), (45.64, 18.41), (45.68, 17.79), (45.89, 17.23),
)
"""A ring (lat, lon) drawn 3 to 11 km outside the border: all of the country is inside it, Vienna and Oradea are not."""
# fmt: on


@dataclass(frozen=True)
class Point:
    """A place on the WGS 84 ellipsoid, in degrees."""

    lat: float
    lon: float


class PointRefused(Invalid):
    """The coordinates cannot be right; ``suggested`` holds them the other way round where that would be."""

    kind = "point-refused"

    def __init__(
        self, message: Message, *, lat: float | None, lon: float | None, suggested: Point | None = None
    ) -> None:
        swapped = {"lat": suggested.lat, "lon": suggested.lon} if suggested else None
        super().__init__(message, fields={"lat": [message], "lon": [message]}, lat=lat, lon=lon, suggested=swapped)
        self.suggested = suggested


def distance_m(here: Point, there: Point) -> int:
    """Return the shortest way over the ellipsoid in whole metres (Karney 2013, by geopy)."""
    metres: float = geodesic((here.lat, here.lon), (there.lat, there.lon)).meters
    return round(metres)


def is_in_hungary(point: Point) -> bool:
    """Does the point lie in the country, or a few kilometres beyond its border?"""
    inside = False
    for (lat, lon), (next_lat, next_lon) in zip(HUNGARY, HUNGARY[1:] + HUNGARY[:1], strict=True):
        if (lat > point.lat) != (next_lat > point.lat):
            crossing = lon + (point.lat - lat) / (next_lat - lat) * (next_lon - lon)
            inside ^= point.lon < crossing
    return inside


def point_in_hungary(lat: float, lon: float) -> Point:
    """Return the point, or refuse it and say why: swapped, outside the country, or no place on Earth at all."""
    if not (isfinite(lat) and isfinite(lon)):
        raise PointRefused(say("Latitude and longitude must be numbers."), lat=None, lon=None)
    point = Point(lat, lon)
    if is_in_hungary(point):
        return point
    other = Point(lon, lat)
    if is_in_hungary(other):
        raise PointRefused(
            say(
                "Latitude and longitude look swapped: %(lat)s, %(lon)s would be in Hungary.", lat=str(lon), lon=str(lat)
            ),
            lat=lat,
            lon=lon,
            suggested=other,
        )
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        message = say("There is no such place: latitude goes from -90 to 90, longitude from -180 to 180.")
    else:
        message = say("The point %(lat)s, %(lon)s is outside Hungary.", lat=str(lat), lon=str(lon))
    raise PointRefused(message, lat=lat, lon=lon)
