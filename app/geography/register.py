"""An official register of settlements, judged row by row before anything is loaded.

Problem: why a row cannot be loaded.  Remark: what is odd about a row that can.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from app.foundation.spreadsheets import Row, Table, Unreadable, read_table
from app.foundation.text import fold
from app.foundation.words import Message, say
from app.geography.point import Point, PointRefused, distance_m, point_in_hungary

COLUMNS_NEEDED = ("ksh_code", "name", "county", "district")
COLUMNS_TAKEN = (
    *COLUMNS_NEEDED,
    *("county_code", "nuts3", "district_code", "district_seat", "population", "postal_codes", "lat", "lon"),
    *("benef_settlement_code", "benef_district_code"),
)
POPULATION_MAX = 5_000_000
SETTLEMENT_CLASS_MAX = 3
DISTRICT_CLASS_MAX = 4
POINT_OFF_M_MAX = 15_000
POINT_ODD_M = 5_000

CODE_WEIGHTS = (9, 7, 3, 1)
"""Weights of the first four digits of a KSH code; the fifth makes the sum a multiple of ten."""
DISTRICT_WORD = "járás"
YEAR = re.compile(r"_(19|20)\d\d$")
"""A column may say of which year its figures are: population_2024."""


@dataclass(frozen=True)
class KnownSettlement:
    """A settlement as it is stored now."""

    id: int
    name: str
    county: str
    point: Point
    postal_codes: frozenset[str]
    ksh_code: str | None
    district: str
    provisional: bool
    population: int | None
    deprivation_class: int | None


@dataclass(frozen=True)
class Known:
    """What the register is held against: the settlements by name, and each county's NUTS 3 code."""

    settlements: Mapping[str, tuple[KnownSettlement, ...]]
    counties: Mapping[str, str]

    @cached_property
    def by_code(self) -> dict[str, KnownSettlement]:
        """The settlements that have a KSH code already."""
        return {each.ksh_code: each for same in self.settlements.values() for each in same if each.ksh_code}


@dataclass
class Judged:
    """A row with what it would load, what is wrong with it and what is odd about it."""

    line: int
    name: str
    county: str
    settlement_id: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    now: dict[str, Any] = field(default_factory=dict)
    problems: list[Message] = field(default_factory=list)
    remarks: list[Message] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return a value that JSON can keep."""
        return {
            "line": self.line,
            "name": self.name,
            "county": self.county,
            "settlement_id": self.settlement_id,
            "values": self.values,
            "now": self.now,
            "problems": [each.to_json() for each in self.problems],
            "remarks": [each.to_json() for each in self.remarks],
        }


@dataclass(frozen=True)
class Examined:
    """The judged rows as JSON, and their figures."""

    rows: list[dict[str, Any]]
    figures: dict[str, int]


def examine(content: bytes, known: Known, *, say: Callable[[object], None] = lambda _: None) -> Examined | Message:
    """Return the judged rows of a file, or why it cannot be read at all. Runs in a child process of its own."""
    del say  # a short job: it has nothing to tell before it ends
    try:
        table = read_table(content, COLUMNS_NEEDED)
    except Unreadable as refused:
        return refused.message
    missing = [column for column in COLUMNS_NEEDED if column not in table.columns]
    if missing:
        return _missing(missing, table.columns)
    rows = judge(table, known)
    return Examined([row.to_json() for row in rows], figures(rows, known))


def _missing(missing: Iterable[str], found: Iterable[str]) -> Message:
    return say(
        "The heading lacks %(missing)s. Columns found: %(found)s.",
        missing=", ".join(missing),
        found=", ".join(column for column in found if column),
    )


def judge(table: Table, known: Known) -> list[Judged]:
    """Return every row with its problems and remarks."""
    rows = [judge_row(row, len(table.columns), known) for row in table.rows]
    judge_repeats(rows)
    judge_districts(rows)
    return rows


def judge_row(row: Row, width: int, known: Known) -> Judged:
    """Judge one row by itself."""
    cells = {YEAR.sub("", column): cell for column, cell in row.cells.items()}
    judged = Judged(row.line, cells["name"], cells["county"])
    if row.width != width:
        judged.problems.append(
            say(
                "The row has %(cells)s cells, the heading %(columns)s. Is a comma inside a number or a name?",
                cells=row.width,
                columns=width,
            )
        )
        return judged
    settlement = find_settlement(judged, known)
    judged.values = {
        "ksh_code": read_code(judged, cells["ksh_code"]),
        "district": read_district(judged, cells, known),
        "district_code": cells.get("district_code") or None,
        "district_seat": cells.get("district_seat") or None,
        "population": read_number(judged, "population", cells.get("population", ""), POPULATION_MAX),
        "deprivation_class": read_number(
            judged, "benef_settlement_code", cells.get("benef_settlement_code", ""), SETTLEMENT_CLASS_MAX
        ),
        "district_deprivation_class": read_number(
            judged, "benef_district_code", cells.get("benef_district_code", ""), DISTRICT_CLASS_MAX
        ),
    }
    if settlement is not None:
        hold_against(judged, settlement, cells, known)
    return judged


def find_settlement(judged: Judged, known: Known) -> KnownSettlement | None:
    """Return the settlement that the row means; otherwise say why none is meant."""
    name, county = judged.name, judged.county
    if not name or not county:
        judged.problems.append(say("Name and county must be given."))
        return None
    same_name = known.settlements.get(name, ())
    for each in same_name:
        if each.county == county:
            return each
    repaired = repair_encoding(name, known.settlements)
    if repaired or (repaired_county := repair_encoding(county, known.counties)):
        judged.problems.append(
            say(
                "Wrong encoding: “%(written)s” should read “%(meant)s”. Save the file as UTF-8.",
                written=name if repaired else county,
                meant=repaired or repaired_county,
            )
        )
    elif county not in known.counties and name in known.counties and county in known.settlements:
        judged.problems.append(say("Name and county look swapped: “%(name)s” is a county.", name=name))
    elif county not in known.counties:
        nearest = nearest_name(county, known.counties, likeness=0.6)
        judged.problems.append(
            say("There is no county “%(county)s”. Is it %(nearest)s?", county=county, nearest=nearest)
            if nearest
            else say("There is no county “%(county)s”.", county=county)
        )
    elif same_name:
        judged.problems.append(
            say(
                "%(name)s is in %(county)s, not in %(given)s.",
                name=name,
                county=same_name[0].county,
                given=county,
            )
        )
    else:
        names = [each.name for same in known.settlements.values() for each in same if each.county == county]
        nearest = nearest_name(name, names)
        judged.problems.append(
            say("Unknown settlement: “%(name)s”. Is it %(nearest)s?", name=name, nearest=nearest)
            if nearest
            else say("Unknown settlement: “%(name)s”.", name=name)
        )
    return None


def nearest_name(written: str, names: Iterable[str], *, likeness: float = 0.75) -> str | None:
    """Return the name that looks most like the written one, accents and case aside."""
    by_key = {fold(name): name for name in names}
    found = get_close_matches(fold(written), by_key, n=1, cutoff=likeness)
    return by_key[found[0]] if found else None


def repair_encoding(written: str, names: Collection[str]) -> str | None:
    """Return the name behind UTF-8 that was read as something older, or behind letters that were lost."""
    if written in names:
        return None
    for wrong in ("cp1250", "cp1252", "latin-1", "iso8859-2", "cp852"):
        try:
            meant = written.encode(wrong).decode("utf-8")
        except UnicodeError:
            continue
        if meant in names:
            return meant
    if "\ufffd" in written or "?" in written:
        # One unreadable sign for one letter, or for each byte of it.
        shape = re.compile(re.sub(r"(?:\\\?|\ufffd)+", ".{1,2}", re.escape(written)))
        meant_names = [each for each in names if shape.fullmatch(each)]
        return meant_names[0] if len(meant_names) == 1 else None
    return None


def read_code(judged: Judged, cell: str) -> str | None:
    """Return the KSH code; say what is wrong with one that is none."""
    code = cell.zfill(5) if cell.isdigit() and len(cell) in (3, 4) else cell
    if not re.fullmatch(r"[0-9]{5}", code):
        judged.problems.append(say("“%(cell)s” is no KSH code: it has five digits.", cell=cell))
        return None
    if not is_code(code):
        judged.problems.append(
            say("The KSH code %(cell)s is wrong: its last digit does not match the others.", cell=code)
        )
        return None
    if code != cell:
        judged.remarks.append(say("The KSH code lost its leading zero; it was put back."))
    return code


def is_code(code: str) -> bool:
    """Tell whether the fifth digit of a KSH code fits the first four."""
    weighed = sum(int(digit) * weight for digit, weight in zip(code[:4], CODE_WEIGHTS, strict=True))
    return (weighed + int(code[4])) % 10 == 0


def read_district(judged: Judged, cells: Mapping[str, str], known: Known) -> str | None:
    """Return the district by its full name; the capital has none to give."""
    name = cells["district"]
    if not name:
        if judged.county != "Budapest":
            judged.problems.append(say("The district must be given."))
        return None
    seat = cells.get("district_seat", "")
    if seat and not any(each.county == judged.county for each in known.settlements.get(seat, ())):
        judged.problems.append(
            say("The district's seat “%(seat)s” is no settlement of %(county)s.", seat=seat, county=judged.county)
        )
    if judged.county == "Budapest" or name.endswith(f" {DISTRICT_WORD}"):
        return name
    return f"{name} {DISTRICT_WORD}"


def read_number(judged: Judged, column: str, cell: str, most: int) -> int | None:
    """Return a whole number from 0 to ``most``; an empty cell is no number, anything else is a problem."""
    digits = re.sub(r"[\s\u00a0\u202f]", "", cell)
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        judged.problems.append(
            say("%(column)s: “%(cell)s” is no whole number from 0 to %(most)s.", column=column, cell=cell, most=most)
        )
        return None
    if int(digits) > most:
        judged.problems.append(
            say("%(column)s: %(number)s is past its range, 0 to %(most)s.", column=column, number=digits, most=most)
        )
        return None
    return int(digits)


def hold_against(judged: Judged, settlement: KnownSettlement, cells: Mapping[str, str], known: Known) -> None:
    """Compare the row with what is stored: region, point, postal codes."""
    judged.settlement_id = settlement.id
    judged.now = {
        "ksh_code": settlement.ksh_code,
        "district": settlement.district,
        "provisional": settlement.provisional,
        "population": settlement.population,
        "deprivation_class": settlement.deprivation_class,
    }
    code = judged.values["ksh_code"]
    if code and settlement.ksh_code and settlement.ksh_code != code:
        judged.problems.append(
            say("The KSH code was %(now)s until now and cannot become %(code)s.", now=settlement.ksh_code, code=code)
        )
    other = known.by_code.get(code) if code else None
    if other and other.id != settlement.id:
        judged.problems.append(say("The KSH code %(code)s belongs to %(name)s.", code=code, name=other.name))
    region = cells.get("nuts3", "")
    if region and region != known.counties[settlement.county]:
        judged.problems.append(
            say(
                "NUTS 3 of %(county)s is %(right)s, not %(given)s.",
                county=settlement.county,
                right=known.counties[settlement.county],
                given=region,
            )
        )
    judge_point(judged, settlement, cells.get("lat", ""), cells.get("lon", ""))
    given = {code for code in re.split(r"[;,\s]+", cells.get("postal_codes", "")) if code}
    if given and not given & settlement.postal_codes:
        judged.remarks.append(
            say(
                "Postal codes differ: %(given)s here, %(stored)s stored. They are left as they are.",
                given=", ".join(sorted(given)),
                stored=", ".join(sorted(settlement.postal_codes)),
            )
        )


def judge_point(judged: Judged, settlement: KnownSettlement, lat: str, lon: str) -> None:
    """Check the row's point against the stored one. A decimal comma is read as a point."""
    if not lat and not lon:
        return
    try:
        point = point_in_hungary(float(lat.replace(",", ".")), float(lon.replace(",", ".")))
    except ValueError:
        judged.problems.append(
            say("“%(lat)s”, “%(lon)s” are no coordinates: write degrees such as 47.4979.", lat=lat, lon=lon)
        )
        return
    except PointRefused as refused:
        judged.problems.append(refused.message)
        return
    off_m = distance_m(point, settlement.point)
    if off_m > POINT_OFF_M_MAX:
        judged.problems.append(say("The point is %(off_m)s from %(name)s.", off_m=off_m, name=settlement.name))
    elif off_m > POINT_ODD_M:
        judged.remarks.append(say("The point is %(off_m)s from the stored one, which stays.", off_m=off_m))


def judge_repeats(rows: Iterable[Judged]) -> None:
    """Mark every row whose settlement or code stands in an earlier row too."""
    seen: dict[tuple[str, Any], int] = {}
    for row in rows:
        for what in (("settlement", row.settlement_id), ("code", row.values.get("ksh_code"))):
            if what[1] is None:
                continue
            if what in seen:
                row.problems.append(
                    say("The settlement stands in row %(line)s already.", line=str(seen[what]))
                    if what[0] == "settlement"
                    else say("The KSH code stands in row %(line)s already.", line=str(seen[what]))
                )
            else:
                seen[what] = row.line


def judge_districts(rows: list[Judged]) -> None:
    """Mark rows that contradict most rows of their district: its code, seat or class."""
    groups: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for row in rows:
        if row.values.get("district"):
            groups[(row.county, row.values["district"])].append(row)
    for (_, district), members in groups.items():
        for fact in ("district_code", "district_seat", "district_deprivation_class"):
            given = Counter(row.values[fact] for row in members if row.values[fact] is not None)
            if len(given) < 2:
                continue
            usual = given.most_common(1)[0][0]
            for row in members:
                if row.values[fact] not in (None, usual):
                    row.problems.append(
                        say(
                            "%(district)s has %(usual)s as its %(fact)s in other rows, here %(given)s.",
                            district=district,
                            usual=str(usual),
                            fact=FACTS[fact],
                            given=str(row.values[fact]),
                        )
                    )


FACTS = {
    "district_code": say("code"),
    "district_seat": say("seat"),
    "district_deprivation_class": say("deprivation class"),
}


def figures(rows: Iterable[Judged], known: Known) -> dict[str, int]:
    """Return the preview's figures."""
    rows = list(rows)
    met = {row.settlement_id for row in rows if row.settlement_id is not None}
    sound = [row for row in rows if not row.problems]
    return {
        "rows": len(rows),
        "wrong": len(rows) - len(sound),
        "odd": sum(bool(row.remarks) for row in sound),
        "district_changes": sum(row.values["district"] not in (None, row.now["district"]) for row in sound),
        "not_in_file": sum(len(same) for same in known.settlements.values()) - len(met),
    }
