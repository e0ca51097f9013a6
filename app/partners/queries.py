"""Reads of partner organisations."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session, selectinload

from app.foundation.actor import Actor
from app.foundation.journal import JournalEntry
from app.foundation.paging import Page, page
from app.foundation.scope import scoped, visible
from app.foundation.text import fold
from app.geography.models import County, District, Settlement
from app.partners.errors import OrganisationNotFound
from app.partners.models import Agreement, Organisation, ServiceArea

ENDS_SOON_DAYS = 60
"""An agreement that ends within these days asks to be renewed."""


@dataclass(frozen=True)
class OrganisationRow:
    """An organisation as lists show it."""

    organisation: Organisation
    settlement: str
    county: str
    may_report_until: date | None
    """The last day of the agreement in force; none: it may not report."""


def organisation(session: Session, actor: Actor, organisation_id: int) -> Organisation:
    """Return an organisation that the actor may see, with its agreements and area."""
    statement = (
        select(Organisation)
        .where(Organisation.id == organisation_id, _seen_by(actor))
        .options(selectinload(Organisation.agreements), selectinload(Organisation.service_area))
    )
    found: Organisation | None = session.scalars(statement).one_or_none()
    if found is None:
        raise OrganisationNotFound(organisation_id)
    return found


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    """Who manages partners sees them all; who reports for one sees that one."""
    return or_(visible(actor, "partners.read", Organisation), visible(actor, "signals.report", Organisation))


def organisation_for_change(session: Session, actor: Actor, organisation_id: int) -> Organisation:
    """Return the organisation, locked."""
    statement = (
        scoped(select(Organisation), actor, "partners.manage", Organisation)
        .where(Organisation.id == organisation_id)
        .options(selectinload(Organisation.agreements), selectinload(Organisation.service_area))
        .with_for_update(of=Organisation)
        .execution_options(populate_existing=True)
    )
    found: Organisation | None = session.scalars(statement).one_or_none()
    if found is None:
        raise OrganisationNotFound(organisation_id)
    return found


def may_report(session: Session, organisation_id: int, on: date) -> bool:
    """Tell whether an agreement in force lets the organisation report on this day."""
    in_force = exists().where(
        Agreement.organisation_id == organisation_id,
        Agreement.may_report,
        Agreement.starts_on <= on,
        Agreement.ends_on >= on,
    )
    active = exists().where(Organisation.id == organisation_id, Organisation.active)
    return bool(session.scalar(select(and_(in_force, active))))


def last_agreement_ended_on(session: Session, organisation_id: int, on: date) -> date | None:
    """Return when the last reporting agreement ended that is over."""
    return session.scalar(
        select(func.max(Agreement.ends_on)).where(
            Agreement.organisation_id == organisation_id, Agreement.may_report, Agreement.ends_on < on
        )
    )


def organisations(
    session: Session,
    actor: Actor,
    *,
    on: date,
    text: str | None = None,
    kind: str | None = None,
    county_id: int | None = None,
    agreement: str | None = None,
    after: str | None = None,
    size: int = 50,
) -> Page[OrganisationRow]:
    """Return a page of organisations by name. ``agreement`` is "ending", "none" or "in_force"."""
    until = (
        select(func.max(Agreement.ends_on))
        .where(
            Agreement.organisation_id == Organisation.id,
            Agreement.may_report,
            Agreement.starts_on <= on,
            Agreement.ends_on >= on,
        )
        .scalar_subquery()
    )
    statement = (
        _narrowed(
            select(Organisation, Settlement.name, County.name, until).where(
                visible(actor, "partners.read", Organisation)
            ),
            text=text,
            kind=kind,
            county_id=county_id,
        )
        .join(Settlement, Settlement.id == Organisation.settlement_id)
        .join(County, County.id == Organisation.county_id)
    )
    if agreement == "ending":
        statement = statement.where(until <= on + timedelta(days=ENDS_SOON_DAYS))
    elif agreement == "none":
        statement = statement.where(until.is_(None))
    elif agreement == "in_force":
        statement = statement.where(until.is_not(None))
    found = page(session, statement, order=[Organisation.name_key, Organisation.id], after=after, size=size)
    return Page([OrganisationRow(*row) for row in found.rows], found.next_after)


def _narrowed(
    statement: Any,
    *,
    text: str | None,
    kind: str | None,
    county_id: int | None,
) -> Any:
    if text:
        folded = fold(text)
        in_settlement = Organisation.settlement_id.in_(
            select(Settlement.id).where(Settlement.name_key.startswith(folded, autoescape=True))
        )
        named = Organisation.name_key.contains(folded, autoescape=True)
        statement = statement.where(or_(named, in_settlement) if folded else false())
    if kind:
        statement = statement.where(Organisation.kind == kind)
    if county_id:
        statement = statement.where(Organisation.county_id == county_id)
    return statement


@dataclass(frozen=True)
class Totals:
    """How many organisations there are, and how many ask for attention."""

    all: int
    ending: int
    without: int


def totals(session: Session, actor: Actor, *, on: date) -> Totals:
    """Return the counts of the list's saved views."""
    in_force = (
        select(Agreement.organisation_id, func.max(Agreement.ends_on).label("until"))
        .where(Agreement.may_report, Agreement.starts_on <= on, Agreement.ends_on >= on)
        .group_by(Agreement.organisation_id)
        .subquery()
    )
    row = session.execute(
        select(
            func.count(),
            func.count().filter(in_force.c.until <= on + timedelta(days=ENDS_SOON_DAYS)),
            func.count().filter(in_force.c.until.is_(None)),
        )
        .select_from(Organisation)
        .outerjoin(in_force, in_force.c.organisation_id == Organisation.id)
        .where(visible(actor, "partners.read", Organisation))
    ).one()
    return Totals(row[0], row[1], row[2])


def counties(session: Session) -> list[tuple[int, str]]:
    """Return (id, name) of each county."""
    return [(row.id, row.name) for row in session.execute(select(County.id, County.name).order_by(County.name_key))]


def reporting_organisations(session: Session, actor: Actor, *, on: date) -> list[tuple[int, str]]:
    """Return (id, name) of the organisations for which the actor may report today: a worker types during a call."""
    in_force = select(Agreement.organisation_id).where(
        Agreement.may_report, Agreement.starts_on <= on, Agreement.ends_on >= on
    )
    statement = (
        select(Organisation.id, Organisation.name)
        .where(visible(actor, "signals.report", Organisation), Organisation.id.in_(in_force), Organisation.active)
        .order_by(Organisation.name_key, Organisation.id)
    )
    return [(row.id, row.name) for row in session.execute(statement)]


def names(session: Session, organisation_ids: Collection[int]) -> dict[int, str]:
    """Return the names of organisations."""
    if not organisation_ids:
        return {}
    rows = session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(organisation_ids)))
    return {row.id: row.name for row in rows}


def area_names(session: Session, areas: Collection[ServiceArea]) -> list[str]:
    """Return the places of a service area in words, counties first."""
    found: list[str] = []
    for table, ids in (
        (County, [area.county_id for area in areas if area.county_id]),
        (District, [area.district_id for area in areas if area.district_id]),
        (Settlement, [area.settlement_id for area in areas if area.settlement_id]),
    ):
        if ids:
            found += session.scalars(select(table.name).where(table.id.in_(ids)).order_by(table.name_key))
    return found


def place_of(session: Session, settlement_id: int) -> tuple[str, str, int] | None:
    """Return (settlement, county, county id)."""
    row = session.execute(
        select(Settlement.name, County.name, County.id)
        .join(County, County.id == Settlement.county_id)
        .where(Settlement.id == settlement_id)
    ).one_or_none()
    return (row[0], row[1], row[2]) if row else None


def settlement_named(session: Session, text: str) -> int | None:
    """Return the settlement that somebody typed, when there is exactly one: "Csenyéte", "Csenyéte (3837)"."""
    name = fold(text.split("(", 1)[0])
    ids = session.scalars(select(Settlement.id).where(Settlement.name_key == name).limit(2)).all()
    return ids[0] if len(ids) == 1 else None


def known_areas(
    session: Session, *, county_ids: Collection[int], district_ids: Collection[int], settlement_ids: Collection[int]
) -> bool:
    """Tell whether all of these places exist."""
    wanted = len(set(county_ids)) + len(set(district_ids)) + len(set(settlement_ids))
    found = session.scalar(
        select(
            select(func.count()).select_from(County).where(County.id.in_(county_ids)).scalar_subquery()
            + select(func.count()).select_from(District).where(District.id.in_(district_ids)).scalar_subquery()
            + select(func.count()).select_from(Settlement).where(Settlement.id.in_(settlement_ids)).scalar_subquery()
        )
    )
    return found == wanted


def history(session: Session, organisation_id: int) -> list[JournalEntry]:
    """Return the last deeds on an organisation, newest first."""
    return list(
        session.scalars(
            select(JournalEntry)
            .where(JournalEntry.subject_kind == "organisation", JournalEntry.subject_id == organisation_id)
            .order_by(JournalEntry.id.desc())
            .limit(20)
        )
    )
