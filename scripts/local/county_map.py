"""County areas for the map: Voronoi cells of the settlements, dissolved by county and clipped to the country.

Neighbouring counties share the very same points along their border, so nothing gapes and a border can be drawn once.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiLineString, MultiPoint, Polygon
from shapely.geometry.base import BaseGeometry

from scripts.local.gazetteer import COUNTIES, Report, Settlement

HUNGARY = "348"
NARROW = 0.68
"""Cosine of the latitude in the middle of the country: makes a degree of longitude as long as one of latitude."""
DIGITS = 3
BORDER_OFF_MAX = 0.012
RIM_OFF_MAX = 0.004
"""How many degrees simplifying may move a line. Inner borders are computed, not surveyed: more detail would pretend."""
OUTSIDE_KM_MAX = 3.0
HUES = 8

Place = tuple[float, float]


def read_outline(path: Path) -> BaseGeometry:
    """Return Hungary's outline (lon, lat) from the TopoJSON file of world-atlas."""
    world = json.loads(path.read_text("utf-8"))
    (east, north), (west, south) = world["transform"]["scale"], world["transform"]["translate"]
    country = next(each for each in world["objects"]["countries"]["geometries"] if each.get("id") == HUNGARY)

    def line(arc: int) -> list[Place]:
        steps = np.cumsum(np.array(world["arcs"][~arc if arc < 0 else arc]), axis=0)
        points = [(x * east + west, y * north + south) for x, y in steps.tolist()]
        return points[::-1] if arc < 0 else points

    def ring(arcs: Iterable[int]) -> list[Place]:
        points: list[Place] = []
        for arc in arcs:
            points += line(arc)[1 if points else 0 :]
        return points

    if country["type"] != "Polygon":
        raise SystemExit(f"{path}: Hungary is expected to be one polygon, here it is a {country['type']}.")
    return Polygon(*[ring(arcs) for arcs in country["arcs"]]).simplify(RIM_OFF_MAX)


def county_areas(settlements: Sequence[Settlement], outline: BaseGeometry) -> dict[str, BaseGeometry]:
    """Return county name → area (lon, lat). Together they cover the outline without gap or overlap."""
    flat = shapely.transform(outline, lambda points: points * (NARROW, 1))
    sites = MultiPoint([(each.lon * NARROW, each.lat) for each in settlements])
    cells = shapely.voronoi_polygons(sites, extend_to=flat, ordered=True).geoms
    by_county: dict[str, list[BaseGeometry]] = defaultdict(list)
    for each, cell in zip(settlements, cells, strict=True):
        by_county[each.county].append(cell)
    whole = [shapely.coverage_union_all(by_county[county.name]) for county in COUNTIES]
    simpler = shapely.coverage_simplify(whole, BORDER_OFF_MAX, simplify_boundary=True)
    clipped = [shapely.intersection(area, flat) for area in simpler]
    return {
        county.name: shapely.set_precision(
            shapely.transform(area, lambda points: points / (NARROW, 1)), 10**-DIGITS, mode="valid_output"
        )
        for county, area in zip(COUNTIES, clipped, strict=True)
    }


def segments(area: BaseGeometry) -> list[tuple[Place, Place]]:
    """Return the straight pieces of an area's rim, each with its smaller end first."""
    pieces = []
    for ring in shapely.get_rings(area):
        points = [(round(x, DIGITS), round(y, DIGITS)) for x, y in ring.coords]
        pieces += [(min(a, b), max(a, b)) for a, b in pairwise(points)]
    return pieces


def neighbours(areas: dict[str, BaseGeometry]) -> dict[str, set[str]]:
    """Return county → counties it shares a piece of border with."""
    owners: dict[tuple[Place, Place], list[str]] = defaultdict(list)
    for name, area in areas.items():
        for piece in segments(area):
            owners[piece].append(name)
    near: dict[str, set[str]] = {name: set() for name in areas}
    for names in owners.values():
        for name in names:
            near[name] |= set(names) - {name}
    return near


def colour(near: dict[str, set[str]], hues: int = HUES) -> dict[str, int]:
    """Give each county a hue that no neighbour has; where there is a choice, one that the neighbours' neighbours lack.

    The county with the fewest hues left goes first (Brélaz 1979): eight are plenty, and the answer is always the same.
    """
    given: dict[str, int] = {}
    while len(given) < len(near):
        name = max(
            (each for each in near if each not in given),
            key=lambda each: (len({given[other] for other in near[each] if other in given}), len(near[each]), each),
        )
        taken = {given[other] for other in near[name] if other in given}
        further = Counter(given[far] for other in near[name] for far in near[other] if far in given)
        used = Counter(given.values())
        given[name] = min(
            (hue for hue in range(1, hues + 1) if hue not in taken), key=lambda hue: (further[hue], used[hue], hue)
        )
    return given


def check_areas(
    settlements: Sequence[Settlement],
    outline: BaseGeometry,
    areas: dict[str, BaseGeometry],
    hues: dict[str, int],
    report: Report,
) -> None:
    """Check points against the outline, the areas against each other, and the colours."""
    points = shapely.points([(each.lon * NARROW, each.lat) for each in settlements])
    off = shapely.distance(points, shapely.transform(outline, lambda each: each * (NARROW, 1))) * 111.2
    report.check(
        f"point inside the country's outline or at most {OUTSIDE_KM_MAX:g} km off",
        f"{int((off == 0).sum())} inside, most {off.max():.1f} km off",
        [
            f"{each.name} is {km:.0f} km outside"
            for each, km in zip(settlements, off, strict=True)
            if km > OUTSIDE_KM_MAX
        ],
    )
    total = sum(area.area for area in areas.values())
    gap = abs(total / outline.area - 1)
    report.check(
        "county areas cover the country",
        f"{100 * total / outline.area:.2f} %",
        [] if gap < 0.003 and shapely.coverage_is_valid(list(areas.values())) else ["they leave gaps or overlap"],
    )
    own = [shapely.distance(shapely.Point(each.lon, each.lat), areas[each.county]) * 90 for each in settlements]
    report.check("farthest a settlement lies from its county's drawn area", f"{max(own):.1f} km")
    near = neighbours(areas)
    clash = [
        f"{name} and {other}" for name in near for other in near[name] if name < other and hues[name] == hues[other]
    ]
    report.check("neighbouring counties differ in hue", f"{sum(map(len, near.values())) // 2} borders", clash)


def draw(areas: dict[str, BaseGeometry], hues: dict[str, int]) -> dict[str, Any]:
    """Return the map as GeoJSON: the outline, the borders inside (each drawn once), and the counties."""
    pieces = Counter(piece for area in areas.values() for piece in segments(area))
    inside = shapely.line_merge(MultiLineString([piece for piece, count in sorted(pieces.items()) if count == 2]))
    rim = shapely.coverage_union_all(list(areas.values()))
    return {
        "outline": feature(rim, {"name": "Magyarország"}),
        "borders": feature(inside, {}),
        "counties": {
            "type": "FeatureCollection",
            "features": [
                feature(areas[county.name], {"code": county.code, "name": county.name, "hue": hues[county.name]})
                for county in COUNTIES
            ],
        },
    }


def feature(geometry: BaseGeometry, properties: dict[str, Any]) -> dict[str, Any]:
    """Return a GeoJSON feature with coordinates of three digits (about a hundred metres)."""
    drawn = shapely.geometry.mapping(shapely.normalize(geometry))
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": drawn["type"], "coordinates": rounded(drawn["coordinates"])},
    }


def rounded(coordinates: Any) -> Any:
    """Round nested coordinates."""
    if isinstance(coordinates, float):
        return round(coordinates, DIGITS)
    return [rounded(each) for each in coordinates]
