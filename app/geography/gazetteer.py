"""The files that scripts/gazetteer builds: counties, settlements and the map of the country."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from app.geography.errors import GazetteerMissing

DATA = Path(__file__).with_name("data")


@dataclass(frozen=True)
class Map:
    """The map as GeoJSON text, and a mark that changes whenever it does."""

    text: str
    etag: str


def read(name: str, folder: Path = DATA) -> str:
    """Return the text of one of the files; say what to do when it is not there."""
    try:
        return (folder / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise GazetteerMissing(name) from None


def counties(folder: Path = DATA) -> list[dict[str, Any]]:
    """Return the counties with code, nuts3, name, seat, hue and districts."""
    rows: list[dict[str, Any]] = json.loads(read("counties.json", folder))
    return rows


def settlements(folder: Path = DATA) -> list[dict[str, Any]]:
    """Return the settlements with name, county, lat, lon, postal_codes, district, provisional and population."""
    rows: list[dict[str, Any]] = json.loads(read("settlements.json", folder))
    return rows


@cache
def country_map(folder: Path = DATA) -> Map:
    """Return the outline, the county borders, the county areas and the towns; made once a process."""
    drawing = json.loads(read("map.json", folder)) | {"towns": towns(folder)}
    text = json.dumps(drawing, ensure_ascii=False, separators=(",", ":"))
    return Map(text, sha256(text.encode()).hexdigest()[:16])


def towns(folder: Path = DATA) -> list[dict[str, Any]]:
    """Return the seats of counties, then those of districts, with their points: the names that a map shows."""
    points = {(row["county"], row["name"]): (row["lat"], row["lon"]) for row in settlements(folder)}
    seats = [(county["name"], county["seat"]) for county in counties(folder)]
    seats += [(county["name"], district["seat"]) for county in counties(folder) for district in county["districts"]]
    named = dict.fromkeys(seat for seat in seats if seat in points)
    return [{"name": seat[1], "lat": round(points[seat][0], 4), "lon": round(points[seat][1], 4)} for seat in named]
