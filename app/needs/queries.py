"""Reads of signals, households and needs. Every list costs the same few statements, however long it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, and_, case, cast, false, func, literal, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, selectinload

from app.catalogue.models import Category, Item
from app.foundation.actor import Actor
from app.foundation.journal import JournalEntry
from app.foundation.paging import Page, page
from app.foundation.scope import visible
from app.foundation.text import fold
from app.geography import queries as geography
from app.geography.models import County, District, Settlement
from app.needs.errors import HouseholdNotFound, NeedNotFound, RuleNotFound, SignalNotFound
from app.needs.matching_people import Known
from app.needs.models import (
    AGE_BANDS,
    WAITING,
    Household,
    Need,
    NeedState,
    Signal,
    SignalLine,
    SignalState,
    UrgencyRule,
)
from app.partners.models import Organisation

HOUSEHOLD_FACTS = (
    *("size", *AGE_BANDS),
    *("heating", "no_running_water", "no_fridge", "no_road_in_winter", "lone_parent", "access_need", "baby_formula"),
)
"""Facts of a signal that become columns of the household."""
SIGNAL_FACTS = ("baby_without_formula", "sudden_event")
"""Facts that are true of the day of the signal only."""


# Signals --------------------------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """One line of a signal and what became of it."""

    line: SignalLine
    item: Item
    need: Need | None


@dataclass(frozen=True)
class SignalRow:
    """A signal as lists show it."""

    signal: Signal
    settlement: str
    county: str
    organisation: str
    asked: list[Asked]
    late: bool = False

    @property
    def outcome(self) -> str:
        """Return what has become of it, as one word: see :func:`outcome_of`."""
        return outcome_of(self.signal, [each.need for each in self.asked])


def outcome_of(signal: Signal, needs: Iterable[Need | None]) -> str:
    """Return where a signal stands for whoever reported it.

    Before a decision its state; after it ``helping``, ``on_the_way``, ``handed_over``, ``partly`` or ``not_met``.
    """
    if signal.state in (SignalState.RECEIVED, SignalState.ACKNOWLEDGED, SignalState.REFUSED):
        return str(signal.state)
    known = [need for need in needs if need is not None]
    if any(need.state == NeedState.LOADED for need in known):
        return "on_the_way"
    if any(need.state in WAITING for need in known):
        return "helping"
    given = [need for need in known if need.state == NeedState.HANDED_OVER]
    if known and len(given) == len(known):
        return "handed_over"
    return "partly" if given or any(need.quantity_handed_over for need in known) else "not_met"


def signal(session: Session, actor: Actor, signal_id: int) -> SignalRow:
    """Return a signal that the actor may see, with its lines."""
    statement = _signal_rows().where(Signal.id == signal_id, visible(actor, "signals.read", Signal))
    row = session.execute(statement).one_or_none()
    if row is None:
        raise SignalNotFound(signal_id=signal_id)
    return _with_lines(session, [row])[0]


def _signal_rows() -> Any:
    return (
        select(Signal, Settlement.name, County.name, Organisation.name)
        .join(Settlement, Settlement.id == Signal.settlement_id)
        .join(County, County.id == Signal.county_id)
        .join(Organisation, Organisation.id == Signal.organisation_id)
    )


def _with_lines(session: Session, rows: Iterable[Any], now: datetime | None = None) -> list[SignalRow]:
    rows = list(rows)
    lines: dict[int, list[Asked]] = {row[0].id: [] for row in rows}
    if lines:
        found = session.execute(
            select(SignalLine, Item, Need)
            .join(Item, Item.id == SignalLine.item_id)
            .outerjoin(Need, Need.id == SignalLine.need_id)
            .where(SignalLine.signal_id.in_(lines))
            .order_by(SignalLine.id)
        )
        for line, item, need in found:
            lines[line.signal_id].append(Asked(line, item, need))
    return [
        SignalRow(row[0], row[1], row[2], row[3], lines[row[0].id], is_late(row[0], now) if now else False)
        for row in rows
    ]


def needs_by_id(session: Session, need_ids: Collection[int]) -> dict[int, Need]:
    """Return needs by their ids."""
    return {need.id: need for need in session.scalars(select(Need).where(Need.id.in_(need_ids)))}


def is_late(signal: Signal, now: datetime) -> bool:
    """Tell whether nobody looked at the signal within its working day."""
    return signal.acknowledged_at is None and signal.decided_at is None and signal.acknowledge_by < now


def signal_for_change(session: Session, actor: Actor, signal_id: int) -> Signal:
    """Return a signal to decide on, locked."""
    found: Signal | None = session.scalars(
        select(Signal)
        .where(Signal.id == signal_id, visible(actor, "signals.triage", Signal))
        .options(selectinload(Signal.lines))
        .with_for_update(of=Signal)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise SignalNotFound(signal_id=signal_id)
    return found


def signal_by_reference(session: Session, organisation_id: int, reference: str) -> Signal | None:
    """Return what the partner sent under this reference before."""
    return session.scalars(
        select(Signal)
        .where(Signal.organisation_id == organisation_id, Signal.reference == reference)
        .options(selectinload(Signal.lines))
    ).one_or_none()


SIGNAL_VIEWS = ("waiting", "late", "decided", "all")


def signals(
    session: Session,
    actor: Actor,
    *,
    now: datetime,
    view: str = "waiting",
    q: str | None = None,
    county_id: int | None = None,
    urgency: int | None = None,
    organisation_id: int | None = None,
    after: str | None = None,
    size: int = 50,
) -> Page[SignalRow]:
    """Return a page of signals: those that wait by urgency and age, the rest newest first."""
    statement = _signal_rows().where(visible(actor, "signals.read", Signal), *_signal_view(view, now))
    if q:
        statement = statement.where(_signal_found(q))
    if county_id:
        statement = statement.where(Signal.county_id == county_id)
    if urgency:
        statement = statement.where(Signal.urgency == urgency)
    if organisation_id:
        statement = statement.where(Signal.organisation_id == organisation_id)
    waiting = view in ("waiting", "late")
    order: list[Any] = [Signal.urgency, Signal.id] if waiting else [Signal.id]
    found = page(session, statement, order=order, after=after, size=size, descending=not waiting)
    return Page(_with_lines(session, found.rows, now), found.next_after)


def _signal_view(view: str, now: datetime) -> list[ColumnElement[bool]]:
    waiting = Signal.decided_at.is_(None)
    late = and_(waiting, Signal.acknowledged_at.is_(None), Signal.acknowledge_by < now)
    views: dict[str, list[ColumnElement[bool]]] = {"waiting": [waiting], "late": [late], "decided": [~waiting]}
    return views.get(view, [])


def _signal_found(q: str) -> ColumnElement[bool]:
    number = _number(q, "J")
    if number is not None:
        return Signal.id == number
    return or_(Signal.settlement_id.in_(_settlements_like(q)), Signal.reference == q.strip())


@dataclass(frozen=True)
class SignalTotals:
    """How many signals wait, and how many of them too long."""

    waiting: int
    late: int


def signal_totals(session: Session, actor: Actor, *, now: datetime) -> SignalTotals:
    """Count the queue."""
    late = and_(Signal.acknowledged_at.is_(None), Signal.acknowledge_by < now)
    row = session.execute(
        select(func.count(), func.count().filter(late)).where(
            Signal.decided_at.is_(None), visible(actor, "signals.read", Signal)
        )
    ).one()
    return SignalTotals(row[0], row[1])


def count_signals(session: Session, actor: Actor, organisation_id: int) -> int:
    """Count what an organisation has reported."""
    return (
        session.scalar(
            select(func.count()).where(
                Signal.organisation_id == organisation_id, visible(actor, "signals.read", Signal)
            )
        )
        or 0
    )


def recent_places(session: Session, organisation_id: int, limit: int = 3) -> list[tuple[int, str]]:
    """Return (id, name) of the settlements an organisation reported from last, newest first."""
    last = (
        select(Signal.settlement_id, func.max(Signal.id).label("last"))
        .where(Signal.organisation_id == organisation_id)
        .group_by(Signal.settlement_id)
        .order_by(func.max(Signal.id).desc())
        .limit(limit)
        .subquery()
    )
    rows = session.execute(
        select(Settlement.id, Settlement.name)
        .join(last, last.c.settlement_id == Settlement.id)
        .order_by(last.c.last.desc())
    )
    return [(row[0], row[1]) for row in rows]


FIRST_TILES = ("FORMULA", "FIREWOOD", "FLOUR-BL55", "BLANKET", "DIAPER", "COAT", "BED-SINGLE")
"""How the codes begin of what a new partner is offered first, in this order."""
OWN_TILES = 3


def items_at_hand(session: Session, organisation_id: int | None, limit: int = 7) -> list[Item]:
    """Return what a report offers as tiles: what this partner asks for most often, then what is asked for first."""
    own = _asked_most_often(session, organisation_id) if organisation_id else []
    usual = _first_of_each(session)
    kept = own[:OWN_TILES]
    kept += [item for item in usual if item not in kept]
    kept += [item for item in own if item not in kept]
    return kept[:limit]


def _asked_most_often(session: Session, organisation_id: int) -> list[Item]:
    times = (
        select(SignalLine.item_id, func.count().label("times"), func.max(SignalLine.id).label("last"))
        .join(Signal, Signal.id == SignalLine.signal_id)
        .where(Signal.organisation_id == organisation_id)
        .group_by(SignalLine.item_id)
        .having(func.count() > 1)
        .subquery()
    )
    return list(
        session.scalars(
            select(Item)
            .join(times, times.c.item_id == Item.id)
            .where(Item.retired_at.is_(None))
            .order_by(times.c.times.desc(), times.c.last.desc())
            .limit(len(FIRST_TILES))
        )
    )


def _first_of_each(session: Session) -> list[Item]:
    """Return one item for each beginning of a code: the one asked for most often; else some items."""
    asked = select(Need.item_id, func.count().label("times")).group_by(Need.item_id).subquery()
    begins = [Item.code.startswith(beginning, autoescape=True) for beginning in FIRST_TILES]
    rank = case(*[(condition, number) for number, condition in enumerate(begins)], else_=len(begins))
    found = session.scalars(
        select(Item)
        .outerjoin(asked, asked.c.item_id == Item.id)
        .where(Item.retired_at.is_(None))
        .ext(distinct_on(rank))
        .order_by(rank, func.coalesce(asked.c.times, 0).desc(), Item.name_hu_key)
    )
    return list(found)


def items_by_category(session: Session) -> list[tuple[Category, list[Item]]]:
    """Return everything that can be asked for, under its categories."""
    rows = session.execute(
        select(Item, Category)
        .join(Category, Category.id == Item.category_id)
        .where(Item.retired_at.is_(None))
        .order_by(Category.position, Category.id, Item.name_hu_key)
    )
    found: dict[int, tuple[Category, list[Item]]] = {}
    for item, category in rows:
        found.setdefault(category.id, (category, []))[1].append(item)
    return list(found.values())


def items(session: Session, item_ids: Collection[int]) -> dict[int, Item]:
    """Return items by id; retired ones are left out."""
    if not item_ids:
        return {}
    found = session.scalars(select(Item).where(Item.id.in_(item_ids), Item.retired_at.is_(None)))
    return {item.id: item for item in found}


def item_ids(session: Session, codes: Collection[str]) -> dict[str, int]:
    """Return item ids by code."""
    if not codes:
        return {}
    return {row.code: row.id for row in session.execute(select(Item.code, Item.id).where(Item.code.in_(codes)))}


class Home(NamedTuple):
    """A settlement and the county it lies in."""

    id: int
    name: str
    county_id: int
    county: str


def home(session: Session, settlement_id: int) -> Home | None:
    """Return a settlement with its county."""
    row = session.execute(
        select(Settlement.id, Settlement.name, County.id, County.name)
        .join(County, County.id == Settlement.county_id)
        .where(Settlement.id == settlement_id)
    ).one_or_none()
    return Home(*row) if row else None


# Urgency --------------------------------------------------------------------------------------------------------------


def rules(session: Session, *, active: bool = True) -> list[UrgencyRule]:
    """Return the rows of the urgency table in their order."""
    statement = select(UrgencyRule).order_by(UrgencyRule.position, UrgencyRule.id)
    return list(session.scalars(statement.where(UrgencyRule.active) if active else statement))


def rule(session: Session, rule_id: int) -> UrgencyRule:
    """Return a row of the urgency table."""
    found = session.get(UrgencyRule, rule_id)
    if found is None:
        raise RuleNotFound(rule_id=rule_id)
    return found


def rule_for_change(session: Session, rule_id: int) -> UrgencyRule:
    """Return a row of the urgency table, locked."""
    found: UrgencyRule | None = session.scalars(
        select(UrgencyRule).where(UrgencyRule.id == rule_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise RuleNotFound(rule_id=rule_id)
    return found


def rule_history(session: Session, limit: int = 20) -> list[JournalEntry]:
    """Return the last changes of the urgency table, newest first."""
    return list(
        session.scalars(
            select(JournalEntry)
            .where(JournalEntry.subject_kind == "urgency_rule")
            .order_by(JournalEntry.id.desc())
            .limit(limit)
        )
    )


def categories(session: Session) -> list[Category]:
    """Return the category tree in its order."""
    return list(session.scalars(select(Category).order_by(Category.position, Category.id)))


def category_codes(session: Session) -> dict[int, frozenset[str]]:
    """Return for each category its code and the codes of those above it."""
    by_id = {row.id: row for row in session.execute(select(Category.id, Category.code, Category.parent_id))}
    found = {}
    for category_id, row in by_id.items():
        codes = [row.code]
        while row.parent_id is not None and len(codes) < 10:
            row = by_id[row.parent_id]
            codes.append(row.code)
        found[category_id] = frozenset(codes)
    return found


class ToJudge(NamedTuple):
    """What urgency is computed from, for one need."""

    id: int
    category_id: int
    opened_at: datetime
    wanted_by: date | None
    urgency: int
    grounds: list[Any]
    override: int | None
    household: Mapping[str, Any]


def needs_to_judge(session: Session, need_ids: Collection[int] | None = None) -> list[ToJudge]:
    """Return the needs that wait, with all facts; one statement."""
    columns = [getattr(Household, name) for name in HOUSEHOLD_FACTS]
    statement = (
        select(
            Need.id,
            Item.category_id,
            Need.opened_at,
            Need.wanted_by,
            Need.urgency,
            Need.urgency_grounds,
            Need.urgency_override,
            Signal.facts,
            *columns,
        )
        .join(Household, Household.id == Need.household_id)
        .join(Item, Item.id == Need.item_id)
        .outerjoin(Signal, Signal.id == Need.signal_id)
        .where(Need.closed_at.is_(None))
        .order_by(Need.id)
    )
    if need_ids is not None:
        statement = statement.where(Need.id.in_(need_ids))
    found = []
    for row in session.execute(statement):
        facts = dict(zip(HOUSEHOLD_FACTS, row[8:], strict=True))
        facts |= {name: (row[7] or {}).get(name) for name in SIGNAL_FACTS}
        found.append(ToJudge._make((*row[:7], facts)))
    return found


class SignalToJudge(NamedTuple):
    """What urgency is computed from, for one line of a signal."""

    id: int
    urgency: int
    facts: Mapping[str, Any]
    category_id: int
    wanted_by: date | None
    received_at: datetime


def signals_to_judge(session: Session) -> list[SignalToJudge]:
    """Return the lines of the signals that nobody has decided on; one statement."""
    rows = session.execute(
        select(Signal.id, Signal.urgency, Signal.facts, Item.category_id, SignalLine.wanted_by, Signal.received_at)
        .join(SignalLine, SignalLine.signal_id == Signal.id)
        .join(Item, Item.id == SignalLine.item_id)
        .where(Signal.decided_at.is_(None))
        .order_by(Signal.id)
    )
    return [SignalToJudge._make(row) for row in rows]


# Households -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HouseholdRow:
    """A household as lists show it: no name, no street."""

    household: Household
    settlement: str
    county: str
    waiting: int
    urgency: int | None
    """The most urgent class of what it waits for."""


def _household_rows() -> Any:
    waiting = select(func.count()).where(Need.household_id == Household.id, Need.closed_at.is_(None)).scalar_subquery()
    urgency = (
        select(func.min(Need.urgency))
        .where(Need.household_id == Household.id, Need.closed_at.is_(None))
        .scalar_subquery()
    )
    return (
        select(Household, Settlement.name, County.name, waiting, urgency)
        .join(Settlement, Settlement.id == Household.settlement_id)
        .join(County, County.id == Household.county_id)
    )


def households(
    session: Session,
    actor: Actor,
    *,
    q: str | None = None,
    county_id: int | None = None,
    view: str = "waiting",
    after: str | None = None,
    size: int = 50,
) -> Page[HouseholdRow]:
    """Return a page of households, newest first."""
    statement = _household_rows().where(visible(actor, "households.read", Household))
    if q:
        number = _number(q, "H")
        statement = statement.where(
            Household.id == number if number is not None else Household.settlement_id.in_(_settlements_like(q))
        )
    if county_id:
        statement = statement.where(Household.county_id == county_id)
    if view == "waiting":
        waits = select(literal(1)).where(Need.household_id == Household.id, Need.closed_at.is_(None)).exists()
        statement = statement.where(waits)
    found = page(session, statement, order=[Household.id], after=after, size=size, descending=True)
    return Page([HouseholdRow(*row) for row in found.rows], found.next_after)


def count_households(session: Session, actor: Actor) -> int:
    """Count the households that the actor may see."""
    return session.scalar(select(func.count()).where(visible(actor, "households.read", Household))) or 0


def household(session: Session, actor: Actor, household_id: int) -> HouseholdRow:
    """Return a household that the actor may see."""
    row = session.execute(
        _household_rows().where(Household.id == household_id, visible(actor, "households.read", Household))
    ).one_or_none()
    if row is None:
        raise HouseholdNotFound(household_id=household_id)
    return HouseholdRow(*row)


def household_for_change(session: Session, actor: Actor, household_id: int) -> Household:
    """Return a household, locked."""
    found: Household | None = session.scalars(
        select(Household)
        .where(Household.id == household_id, visible(actor, "households.read", Household))
        .with_for_update(of=Household)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise HouseholdNotFound(household_id=household_id)
    return found


def known_households(session: Session, settlement_id: int, *, limit: int = 500) -> list[Known]:
    """Return the households of a settlement, as far as telling them apart needs; never their names."""
    rows = session.execute(
        select(Household.id, Household.name_index, Household.settlement_id, *[getattr(Household, b) for b in AGE_BANDS])
        .where(Household.settlement_id == settlement_id)
        .order_by(Household.id.desc())
        .limit(limit)
    )
    return [Known(row[0], row[1], row[2], dict(zip(AGE_BANDS, row[3:], strict=True))) for row in rows]


def needs_of(session: Session, household_id: int) -> list[tuple[Need, Item]]:
    """Return a household's needs, newest first."""
    rows = session.execute(
        select(Need, Item)
        .join(Item, Item.id == Need.item_id)
        .where(Need.household_id == household_id)
        .order_by(Need.closed_at.is_not(None), Need.urgency, Need.id.desc())
        .limit(100)
    )
    return [(row[0], row[1]) for row in rows]


def signals_of(session: Session, actor: Actor, household_id: int) -> list[tuple[Signal, str]]:
    """Return (signal, organisation) of a household, newest first, as far as the actor may see."""
    rows = session.execute(
        select(Signal, Organisation.name)
        .join(Organisation, Organisation.id == Signal.organisation_id)
        .where(Signal.household_id == household_id, visible(actor, "signals.read", Signal))
        .order_by(Signal.id.desc())
        .limit(20)
    )
    return [(row[0], row[1]) for row in rows]


def waiting_needs_by_item(session: Session, household_id: int) -> dict[int, Need]:
    """Return what a household waits for, by item; locked, so that two reports do not open the same need."""
    rows = session.scalars(
        select(Need)
        .where(Need.household_id == household_id, Need.closed_at.is_(None))
        .order_by(Need.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {need.item_id: need for need in rows}


def given_lately(session: Session, household_id: int, item_ids: Collection[int], *, now: datetime) -> list[Any]:
    """Return (item, handed over at) of what the household got within the item's own interval."""
    if not item_ids:
        return []
    last = func.max(Need.closed_at)
    interval = func.make_interval(0, 0, 0, cast(Item.given_again_after_days, Integer))
    return list(
        session.execute(
            select(Item, last)
            .join(Need, Need.item_id == Item.id)
            .where(
                Need.household_id == household_id,
                Need.quantity_handed_over > 0,
                Item.id.in_(item_ids),
                Item.given_again_after_days.is_not(None),
            )
            .group_by(Item.id)
            .having(last + interval > now)
        )
    )


def latest_signal_of(session: Session, household_id: int, *, but: int) -> int | None:
    """Return the newest other signal that led to the household."""
    return session.scalar(select(func.max(Signal.id)).where(Signal.household_id == household_id, Signal.id != but))


# Needs ----------------------------------------------------------------------------------------------------------------


class NeedRow(NamedTuple):
    """A need as lists show it."""

    need: Need
    item: Item
    settlement: str
    county: str
    size: int


NEED_VIEWS = ("waiting", "open", "reserved", "on_the_way", "over", "all")


def _need_rows() -> Any:
    return (
        select(Need, Item, Settlement.name, County.name, Household.size)
        .join(Item, Item.id == Need.item_id)
        .join(Settlement, Settlement.id == Need.settlement_id)
        .join(County, County.id == Need.county_id)
        .outerjoin(Household, Household.id == Need.household_id)
    )


def needs(
    session: Session,
    actor: Actor,
    *,
    view: str = "waiting",
    state: str | None = None,
    urgency: int | None = None,
    category_id: int | None = None,
    item_id: int | None = None,
    county_id: int | None = None,
    settlement_id: int | None = None,
    q: str | None = None,
    after: str | None = None,
    size: int = 50,
) -> Page[NeedRow]:
    """Return a page of needs: those that wait by urgency and age, the rest newest first."""
    statement = _need_rows().where(
        visible(actor, "needs.read", Need),
        *_need_filters(
            session,
            view=view,
            state=state,
            urgency=urgency,
            category_id=category_id,
            item_id=item_id,
            county_id=county_id,
            settlement_id=settlement_id,
            q=q,
        ),
    )
    newest_first = view in ("over", "all")
    order: list[Any] = [Need.id] if newest_first else [Need.urgency, Need.id]
    found = page(session, statement, order=order, after=after, size=size, descending=newest_first)
    return Page([NeedRow(*row) for row in found.rows], found.next_after)


def _need_filters(
    session: Session,
    *,
    view: str,
    state: str | None,
    urgency: int | None,
    category_id: int | None,
    item_id: int | None,
    county_id: int | None,
    settlement_id: int | None,
    q: str | None,
) -> list[ColumnElement[bool]]:
    waiting = Need.closed_at.is_(None)
    views: dict[str, list[ColumnElement[bool]]] = {
        "waiting": [waiting],
        "open": [waiting, Need.state == NeedState.OPEN],
        "reserved": [waiting, Need.state.in_((NeedState.RESERVED, NeedState.PLANNED))],
        "on_the_way": [waiting, Need.state == NeedState.LOADED],
        "over": [Need.closed_at.is_not(None)],
    }
    found = list(views.get(view, []))
    if state:
        found.append(Need.state == state)
    if urgency:
        found.append(Need.urgency == urgency)
    if item_id:
        found.append(Need.item_id == item_id)
    if category_id:
        found.append(Need.item_id.in_(_items_below(session, category_id)))
    if county_id:
        found.append(Need.county_id == county_id)
    if settlement_id:
        found.append(Need.settlement_id == settlement_id)
    if q:
        found.append(_need_found(q))
    return found


def _items_below(session: Session, category_id: int) -> list[int]:
    below = select(Category.id).where(or_(Category.id == category_id, Category.parent_id == category_id))
    return list(session.scalars(select(Item.id).where(Item.category_id.in_(below))))


def _need_found(q: str) -> ColumnElement[bool]:
    household, reported = _number(q, "H", bare=False), _number(q, "J", bare=False)
    if household is not None:
        return Need.household_id == household
    if reported is not None:
        return Need.signal_id == reported
    number = _number(q, "", bare=True)
    if number is not None:
        return or_(Need.household_id == number, Need.id == number)
    key = fold(q)
    if not key:
        return false()
    item_ids = select(Item.id).where(
        or_(Item.name_hu_key.contains(key, autoescape=True), Item.name_en_key.contains(key, autoescape=True))
    )
    return or_(Need.item_id.in_(item_ids), Need.settlement_id.in_(_settlements_like(q)))


def _settlements_like(q: str) -> Select[Any]:
    key = fold(q)
    return select(Settlement.id).where(Settlement.name_key.startswith(key, autoescape=True) if key else false())


def _number(q: str, letter: str, *, bare: bool = True) -> int | None:
    """Read "H-1204", "h1204" or (``bare``) "1204"; anything else is None."""
    found = re.fullmatch(rf"(?i)({letter}\s*-?\s*)?([0-9]{{1,18}})", q.strip())
    if found is None or (not bare and not found.group(1)):
        return None
    return int(found.group(2))


@dataclass(frozen=True)
class NeedTotals:
    """How many needs wait, by where they stand and by urgency."""

    waiting: int
    open: int
    reserved: int
    on_the_way: int
    by_urgency: dict[int, int]


def need_totals(session: Session, actor: Actor) -> NeedTotals:
    """Count the needs that wait; one statement."""
    rows = session.execute(
        select(Need.state, Need.urgency, func.count())
        .where(Need.closed_at.is_(None), visible(actor, "needs.read", Need))
        .group_by(Need.state, Need.urgency)
    ).all()
    by_state = {state: sum(row[2] for row in rows if row[0] == state) for state in WAITING}
    return NeedTotals(
        waiting=sum(by_state.values()),
        open=by_state[NeedState.OPEN],
        reserved=by_state[NeedState.RESERVED] + by_state[NeedState.PLANNED],
        on_the_way=by_state[NeedState.LOADED],
        by_urgency={urgency: sum(row[2] for row in rows if row[1] == urgency) for urgency in range(1, 5)},
    )


def need(session: Session, actor: Actor, need_id: int) -> NeedRow:
    """Return a need that the actor may see."""
    row = session.execute(_need_rows().where(Need.id == need_id, visible(actor, "needs.read", Need))).one_or_none()
    if row is None:
        raise NeedNotFound(need_id=need_id)
    return NeedRow(*row)


def need_for_change(session: Session, actor: Actor, need_id: int, permission: str = "needs.change") -> Need:
    """Return a need, locked."""
    found: Need | None = session.scalars(
        select(Need)
        .where(Need.id == need_id, visible(actor, permission, Need))
        .with_for_update(of=Need)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NeedNotFound(need_id=need_id)
    return found


def need_history(session: Session, need_id: int) -> list[JournalEntry]:
    """Return the deeds on a need, oldest first."""
    return list(
        session.scalars(
            select(JournalEntry)
            .where(JournalEntry.subject_kind == "need", JournalEntry.subject_id == need_id)
            .order_by(JournalEntry.id)
            .limit(50)
        )
    )


def counties(session: Session) -> list[tuple[int, str]]:
    """Return (id, name) of each county."""
    return [(row.id, row.name) for row in session.execute(select(County.id, County.name).order_by(County.name_key))]


class OpenNeed(NamedTuple):
    """A need as allocation sees it."""

    id: int
    household_id: int
    county_id: int
    settlement_id: int
    district_id: int
    item_id: int
    quantity: int
    quantity_reserved: int
    quantity_handed_over: int
    state: str
    urgency: int
    urgency_grounds: list[Any]
    substitutes_accepted: bool
    wanted_by: date | None
    opened_at: datetime
    size: int
    no_fridge: bool
    settlement: str
    lat: float
    lon: float

    @property
    def need_id(self) -> int:
        """Return the need's id under its long name."""
        return self.id

    @property
    def covered(self) -> int:
        """Return what is handed over or reserved."""
        return self.quantity_reserved + self.quantity_handed_over

    @property
    def missing(self) -> int:
        """Return what is neither handed over nor reserved."""
        return self.quantity - self.covered


def open_needs_for_allocation(
    session: Session, county_id: int | None = None, *, only_missing: bool = True
) -> list[OpenNeed]:
    """Return every need that still lacks something, most urgent and longest waiting first; one statement.

    ``only_missing=False`` adds those that are wholly reserved, so that fairness can see what a household has.
    """
    statement = (
        select(
            Need.id,
            Need.household_id,
            Need.county_id,
            Need.settlement_id,
            Settlement.district_id,
            Need.item_id,
            Need.quantity,
            Need.quantity_reserved,
            Need.quantity_handed_over,
            Need.state,
            Need.urgency,
            Need.urgency_grounds,
            Need.substitutes_accepted,
            Need.wanted_by,
            Need.opened_at,
            Household.size,
            Household.no_fridge,
            Settlement.name,
            Settlement.lat,
            Settlement.lon,
        )
        .join(Household, Household.id == Need.household_id)
        .join(Settlement, Settlement.id == Need.settlement_id)
        .where(Need.closed_at.is_(None))
        .order_by(Need.urgency, Need.opened_at, Need.id)
    )
    if only_missing:
        statement = statement.where(Need.quantity > Need.quantity_reserved + Need.quantity_handed_over)
    if county_id is not None:
        statement = statement.where(Need.county_id == county_id)
    return [OpenNeed._make(row) for row in session.execute(statement)]


def districts_of(session: Session, settlement_ids: Collection[int]) -> dict[int, str]:
    """Return the district names of settlements."""
    rows = session.execute(
        select(Settlement.id, District.name)
        .join(District, District.id == Settlement.district_id)
        .where(Settlement.id.in_(settlement_ids))
    )
    return {row[0]: row[1] for row in rows}


def settlement_typed(session: Session, *, settlement_id: int | None, text: str) -> int:
    """Return the settlement chosen in a form, or the one whose name was typed there; refuse none or several."""
    return geography.settlement_typed(session, settlement_id=settlement_id, text=text).id
