"""Reading the country: settlements by name and postal code, lists, counties, and what is near."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.foundation.errors import Invalid, NotFound
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.text import fold
from app.foundation.words import say
from app.geography.geocoder import Address, Geocoder, GeocoderAway
from app.geography.models import County, District, PostalCode, RegisterImport, Settlement
from app.geography.point import Point, distance_m, point_in_hungary
from app.geography.register import Known, KnownSettlement

FOUND_MAX = 20
NAME_WORDS_MAX = 4
POSTAL_CODE = re.compile(r"[0-9]{4}")
LAT_KM, LON_KM = 111.2, 75.7
"""Kilometres in a degree in the middle of the country, to put neighbours in order."""


@dataclass(frozen=True)
class Found:
    """A settlement that a search has met, with what tells it from others of a similar name."""

    id: int
    name: str
    county: str
    district: str
    postal_code: str
    postal_codes: int
    """How many postal codes it has; ``postal_code`` is the first that fits the question."""
    population: int | None
    lat: float
    lon: float

    @property
    def sub(self) -> str:
        """What tells it from others: "3837 · Borsod-Abaúj-Zemplén"."""
        return f"{self.postal_code} · {self.county}"


def question(text: str) -> tuple[str, str]:
    """Split what was typed into a folded name and the beginning of a postal code: "3837 Csenye" is both."""
    words = fold(text).split()
    digits = next((word for word in words if word.isdigit()), "")
    return " ".join(word for word in words if not word.isdigit()), digits


def find_settlements(session: Session, text: str, *, county_id: int | None = None, limit: int = 10) -> list[Found]:
    """Return settlements for a name or postal code as it is being typed; accents and case do not matter.

    The whole name first, then names that begin with it, then names with a word that does, then names that hold it;
    among equals the more populous first.
    """
    name, digits = question(text)
    if not name and not digits:
        return []
    fits = PostalCode.settlement_id == Settlement.id
    if digits:
        fits &= PostalCode.code.startswith(digits, autoescape=True)
    statement = (
        select(
            Settlement.id,
            Settlement.name,
            County.name.label("county"),
            District.name.label("district"),
            select(func.min(PostalCode.code)).where(fits).scalar_subquery().label("postal_code"),
            select(func.count())
            .where(PostalCode.settlement_id == Settlement.id)
            .scalar_subquery()
            .label("postal_codes"),
            Settlement.population,
            Settlement.lat,
            Settlement.lon,
        )
        .join(Settlement.county)
        .join(Settlement.district)
        .order_by(
            *([closeness(name)] if name else []),
            Settlement.population.desc().nulls_last(),
            Settlement.name_key,
            Settlement.id,
        )
        .limit(max(1, min(limit, FOUND_MAX)))
    )
    if name:
        statement = statement.where(Settlement.name_key.contains(name, autoescape=True))
    if digits:
        statement = statement.where(select(PostalCode.code).where(fits).exists())
    if county_id is not None:
        statement = statement.where(Settlement.county_id == county_id)
    return [Found(**{**row._mapping, "postal_code": row.postal_code or ""}) for row in session.execute(statement)]


def closeness(name: str) -> ColumnElement[int]:
    """Return the rank of a settlement for a folded name: 0 is the name itself."""
    key = Settlement.name_key
    return case(
        (key == name, 0),
        (key.startswith(name, autoescape=True), 1),
        (key.contains(f" {name}", autoescape=True), 2),
        else_=3,
    )


def settlements(
    session: Session,
    *,
    q: str = "",
    county_id: int | None = None,
    district_id: int | None = None,
    provisional: bool | None = None,
    deprivation_class: int | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
    by: str = "name",
    descending: bool = False,
) -> Page[Settlement]:
    """Return a page of settlements by name or population, with how many there are."""
    conditions: list[ColumnElement[bool]] = []
    name, digits = question(q)
    if name:
        conditions.append(Settlement.name_key.contains(name, autoescape=True))
    if digits:
        conditions.append(Settlement.postal_codes.any(PostalCode.code.startswith(digits, autoescape=True)))
    for column, wanted in (
        (Settlement.county_id, county_id),
        (Settlement.district_id, district_id),
        (Settlement.district_provisional, provisional),
        (Settlement.deprivation_class, deprivation_class),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    statement: Select[Any] = (
        select(Settlement)
        .where(*conditions)
        .options(
            joinedload(Settlement.county),
            joinedload(Settlement.district),
            selectinload(Settlement.postal_codes),
        )
    )
    order: list[ColumnElement[Any]] = [Settlement.name_key.expression, Settlement.id.expression]
    if by == "population":
        order = [func.coalesce(Settlement.population, -1), Settlement.id.expression]
    found = page(session, statement, order=order, after=after, size=size, descending=descending)
    total = session.scalar(select(func.count()).select_from(Settlement).where(*conditions))
    return Page(found.rows, found.next_after, total)


def settlement(session: Session, settlement_id: int) -> Settlement:
    """Return a settlement with its county, district and postal codes, or refuse."""
    statement = (
        select(Settlement)
        .where(Settlement.id == settlement_id)
        .options(joinedload(Settlement.county), joinedload(Settlement.district), selectinload(Settlement.postal_codes))
    )
    found = session.scalar(statement)
    if found is None:
        raise NotFound(say("There is no such settlement."))
    return found


def settlement_named(session: Session, name: str, county: str | None = None) -> Settlement:
    """Return the settlement of exactly this name; names are unique in today's Hungary, the county makes sure."""
    statement = select(Settlement).where(Settlement.name == name)
    if county is not None:
        statement = statement.join(Settlement.county).where(County.name == county)
    found = session.scalar(statement.order_by(Settlement.id).limit(1))
    if found is None:
        raise NotFound(say("There is no such settlement."))
    return found


def checked_point(lat: float, lon: float) -> Point:
    """Return the point, or refuse it and say why: swapped, outside the country, or no place on Earth at all."""
    return point_in_hungary(lat, lon)


def points(session: Session, settlement_ids: Collection[int]) -> dict[int, Point]:
    """Return the points of many settlements at once."""
    rows = session.execute(
        select(Settlement.id, Settlement.lat, Settlement.lon).where(Settlement.id.in_(settlement_ids))
    )
    return {row.id: Point(row.lat, row.lon) for row in rows}


def nearest(
    session: Session, point: Point, *, limit: int = 5, leave_out: int | None = None
) -> list[tuple[Settlement, int]]:
    """Return the settlements nearest to a point and their distances in metres."""
    off_km2 = func.power((Settlement.lat - point.lat) * LAT_KM, 2) + func.power(
        (Settlement.lon - point.lon) * LON_KM, 2
    )
    statement = select(Settlement).order_by(off_km2, Settlement.id).limit(limit)
    if leave_out is not None:
        statement = statement.where(Settlement.id != leave_out)
    return [
        (each, distance_m(point, Point(each.lat, each.lon)))
        for each in session.scalars(statement.options(joinedload(Settlement.county)))
    ]


def distance_between(session: Session, from_id: int, to_id: int) -> int:
    """Return the distance of two settlements over the ellipsoid, in metres."""
    where = points(session, {from_id, to_id})
    if from_id not in where or to_id not in where:
        raise NotFound(say("There is no such settlement."))
    return distance_m(where[from_id], where[to_id])


@dataclass(frozen=True)
class Located:
    """Where an address is, as exactly as is known: "street" or "settlement"."""

    label: str
    point: Point
    exactness: str
    settlement_id: int


def locate(session: Session, address: str, geocoder: Geocoder | None = None) -> list[Located]:
    """Return places for an address such as "3837 Csenyéte, Petőfi utca 3", the most exact first.

    The gazetteer finds the settlement. Only then, for a street, is a geocoder asked, if there is one; when it is away
    or knows nothing near the settlement, the settlement's point is the answer.
    """
    settled = _settlement_of(session, address)
    if settled is None:
        return []
    town, street, postal_code = settled
    here = Point(town.lat, town.lon)
    answer = [Located(f"{town.name}, {town.county.name}", here, "settlement", town.id)]
    if geocoder is None or not street:
        return answer
    try:
        found = geocoder.find(Address(town.name, postal_code, street, here))
    except GeocoderAway:
        return answer
    return [Located(each.label, each.point, "street", town.id) for each in found] + answer


def _settlement_of(session: Session, address: str) -> tuple[Settlement, str, str] | None:
    """Return the settlement that an address begins with, the street that follows, and the postal code before it."""
    words = address.replace(",", " , ").split()
    postal_code = words.pop(0) if words and POSTAL_CODE.fullmatch(words[0]) else ""
    beginnings: dict[str, int] = {}
    for count, word in enumerate(words[:NAME_WORDS_MAX], 1):
        if word == ",":
            break
        beginnings[fold(" ".join(words[:count]))] = count
    known = select(Settlement).options(joinedload(Settlement.county))
    if found := session.scalars(known.where(Settlement.name_key.in_(beginnings))).all():
        town = max(found, key=lambda each: len(each.name_key))
        rest = words[beginnings[town.name_key] :]
    else:
        served = session.scalars(
            known.where(Settlement.postal_codes.any(PostalCode.code == postal_code)).limit(2)
        ).all()
        if len(served) != 1:
            return None
        town, rest = served[0], words
    return town, " ".join(rest).replace(" ,", ",").strip(" ,"), postal_code


def counties(session: Session) -> Sequence[County]:
    """Return the counties by name."""
    return session.scalars(select(County).order_by(County.name_key, County.id)).all()


@dataclass(frozen=True)
class CountyFigures:
    """A county and what the gazetteer holds of it."""

    id: int
    code: str
    nuts3: str
    name: str
    seat: str
    hue: int
    settlements: int
    provisional: int
    districts: int


def county_figures(session: Session) -> list[CountyFigures]:
    """Return every county with the number of its settlements, of provisional districts and of districts."""
    statement = (
        select(
            *(County.id, County.code, County.nuts3, County.name, County.seat, County.hue),
            func.count(Settlement.id).label("settlements"),
            func.count().filter(Settlement.district_provisional).label("provisional"),
            func.count(Settlement.district_id.distinct()).label("districts"),
        )
        .outerjoin(Settlement, Settlement.county_id == County.id)
        .group_by(County.id)
        .order_by(County.name_key, County.id)
    )
    return [CountyFigures(**row._mapping) for row in session.execute(statement)]


def districts(session: Session, *, county_id: int | None = None) -> Sequence[District]:
    """Return the districts, of one county or of all, by name."""
    statement = select(District).options(joinedload(District.county)).order_by(District.name_key, District.id)
    if county_id is not None:
        statement = statement.where(District.county_id == county_id)
    return session.scalars(statement).all()


def gazetteer_figures(session: Session) -> dict[str, int]:
    """Return how many settlements there are, and of how many the district or the population is not official yet."""
    row = session.execute(
        select(
            func.count().label("settlements"),
            func.count().filter(Settlement.district_provisional).label("provisional"),
            func.count(Settlement.ksh_code).label("registered"),
        ).select_from(Settlement)
    ).one()
    return dict(row._mapping)


def settlement_typed(session: Session, *, settlement_id: int | None, text: str) -> Settlement:
    """Return the settlement that was chosen in a form, or whose name was only typed there (without scripts).

    Refuses a name that fits none or several, and says what to do.
    """
    if settlement_id is not None:
        return settlement(session, settlement_id)
    named = [each for each in find_settlements(session, text, limit=2) if fold(each.name) == question(text)[0]]
    found = named or find_settlements(session, text, limit=2)
    if len(found) != 1:
        wrong = (
            say("Several settlements fit “%(typed)s”. Choose one from the list.", typed=text)
            if found
            else say("No settlement is called “%(typed)s”. Type its name or postal code.", typed=text)
        )
        raise Invalid(wrong, {"settlement_id": [wrong]})
    return settlement(session, found[0].id)


# --- the register ---------------------------------------------------------------------------------------------------


def known(session: Session) -> Known:
    """Return what a register is held against."""
    codes: dict[int, set[str]] = {}
    for settlement_id, code in session.execute(select(PostalCode.settlement_id, PostalCode.code)):
        codes.setdefault(settlement_id, set()).add(code)
    by_name: dict[str, list[KnownSettlement]] = {}
    rows = session.execute(
        select(
            *(Settlement.id, Settlement.name, Settlement.lat, Settlement.lon, Settlement.ksh_code),
            *(Settlement.district_provisional, Settlement.population, Settlement.deprivation_class),
            County.name.label("county"),
            District.name.label("district"),
        )
        .join(Settlement.county)
        .join(Settlement.district)
    )
    for row in rows:
        by_name.setdefault(row.name, []).append(
            KnownSettlement(
                id=row.id,
                name=row.name,
                county=row.county,
                point=Point(row.lat, row.lon),
                postal_codes=frozenset(codes.get(row.id, ())),
                ksh_code=row.ksh_code,
                district=row.district,
                provisional=row.district_provisional,
                population=row.population,
                deprivation_class=row.deprivation_class,
            )
        )
    return Known(
        {name: tuple(same) for name, same in by_name.items()},
        {county.name: county.nuts3 for county in counties(session)},
    )


def register_imports(session: Session, *, after: str | None = None, size: int = PAGE_SIZE) -> Page[RegisterImport]:
    """Return the registers that were uploaded, newest first."""
    return page(
        session, select(RegisterImport), order=[RegisterImport.id.expression], after=after, size=size, descending=True
    )


def register_import(session: Session, import_id: int, *, for_change: bool = False) -> RegisterImport:
    """Return an uploaded register, locked if it is about to change."""
    found = session.get(RegisterImport, import_id, with_for_update=for_change, populate_existing=for_change)
    if found is None:
        raise NotFound(say("There is no such register."))
    return found


def register_rows(
    upload: RegisterImport, *, show: str = "", after: str | None = None, size: int = PAGE_SIZE
) -> Page[Any]:
    """Return a page of an upload's rows: all, or only those that are wrong, odd or change the district."""
    chosen = [row for row in upload.rows if _is(row, show)]
    start = int(after) if after and after.isdigit() and len(after) < 7 else 0
    shown = chosen[start : start + size]
    end = start + len(shown)
    return Page(shown, str(end) if end < len(chosen) else None, len(chosen))


def _is(row: dict[str, Any], show: str) -> bool:
    if show == "wrong":
        return bool(row["problems"])
    if show == "odd":
        return bool(row["remarks"]) and not row["problems"]
    if show == "moved":
        return not row["problems"] and row["values"]["district"] not in (None, row["now"]["district"])
    return True
