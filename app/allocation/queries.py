"""Reads: the question of a run, its proposal with names, and what a need gets."""

from __future__ import annotations

from collections import Counter, namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from app.allocation.fairness import FULL, Standing
from app.allocation.matching import ItemFacts, LotOnShelf, OpenNeed, Store, Withheld
from app.allocation.models import AllocationRun, Exclusion, MissingShare, RunState, Share, ShareState
from app.allocation.states import PIECES_LOST
from app.catalogue.models import Item, Substitute
from app.foundation.actor import Actor
from app.foundation.bulk import among
from app.foundation.errors import NotFound
from app.foundation.job import Job, JobState
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.scope import scoped, visible
from app.foundation.text import fold
from app.foundation.words import Message
from app.geography.models import County, District, Settlement
from app.needs.models import WAITING, Household, Need, NeedState
from app.stock.models import Balance, Lot, LotState, Place, PlaceKind, Warehouse
from app.stock.queries import AT_ROOT, ROOT, STANDS_IN

READ = "allocation.read"
REMEMBERED = timedelta(days=90)
"""How long what was handed over counts for a household's level."""
HOME = ZoneInfo("Europe/Budapest")
GIVEN_FROM = (PlaceKind.SHELF, PlaceKind.DOCK, PlaceKind.STAGING)
"""Places whose stock can be given."""
NEVER = 9999


@dataclass
class Question:
    """All that a run thinks about, as plain values."""

    run_id: int
    county_id: int | None
    run_on: date
    needs: list[OpenNeed] = field(default_factory=list)
    lots: list[LotOnShelf] = field(default_factory=list)
    items: dict[int, ItemFacts] = field(default_factory=dict)
    warehouses: dict[int, Store] = field(default_factory=dict)
    standing: dict[int, Standing] = field(default_factory=dict)
    withheld: dict[int, Withheld] = field(default_factory=dict)


def run(session: Session, actor: Actor, run_id: int) -> AllocationRun:
    """Return a run; its figures are totals that every reader of allocations may see."""
    actor.require(READ)
    found = session.get(AllocationRun, run_id)
    if found is None:
        raise NotFound
    return found


def run_for_change(session: Session, run_id: int) -> AllocationRun:
    """Return a run under lock."""
    statement = select(AllocationRun).where(AllocationRun.id == run_id).with_for_update()
    found = session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


def share_for_change(session: Session, actor: Actor, share_id: int) -> Share:
    """Return a share under lock, if it is in a county that the actor decides for."""
    statement = scoped(select(Share).where(Share.id == share_id), actor, "allocation.approve", Share)
    found: Share | None = session.scalar(statement.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


def need_to_decide(session: Session, actor: Actor, need_id: int) -> Need:
    """Return a need, if it is in a county that the actor decides for."""
    statement = scoped(select(Need).where(Need.id == need_id), actor, "allocation.approve", Need)
    found: Need | None = session.scalar(statement)
    if found is None:
        raise NotFound
    return found


def exclusion(session: Session, need_id: int) -> Exclusion | None:
    """Return why a need is kept out, if it is."""
    return session.scalar(select(Exclusion).where(Exclusion.need_id == need_id))


def live_run(session: Session, county_id: int | None) -> AllocationRun | None:
    """Return the run of a scope that is still being thought about."""
    statement = (
        select(AllocationRun)
        .join(Job, Job.id == AllocationRun.job_id)
        .where(
            AllocationRun.state.in_([RunState.QUEUED, RunState.THINKING]),
            Job.state.in_([JobState.QUEUED, JobState.RUNNING]),
            AllocationRun.county_id.is_not_distinct_from(county_id),
        )
    )
    return session.scalar(statement.order_by(AllocationRun.id.desc()).limit(1))


# The question of a run ----------------------------------------------------------------------------------------------


def question(session: Session, of: AllocationRun, now: datetime) -> Question:
    """Gather what a run thinks about. What an earlier proposal holds and nobody pinned counts as free."""
    asked = Question(of.id, of.county_id, now.astimezone(HOME).date())
    free_again = _freed(session, of.county_id)
    asked.items = _items(session)
    asked.warehouses = {
        row.id: Store(row.id, row.name, row.lat, row.lon)
        for row in session.execute(select(Warehouse.id, Warehouse.name, Warehouse.lat, Warehouse.lon))
    }
    asked.needs = _needs(session, of.county_id, free_again)
    asked.standing = _standing(session, of.county_id, free_again, asked.needs, now)
    asked.lots = _lots(session, of.county_id, free_again)
    asked.withheld = _withheld(session, of.county_id, free_again)
    return asked


def freed_shares(county_id: int | None) -> Select[Any]:
    """Return the select of the shares that a new run of this scope lets go: proposed, and not pinned."""
    statement = select(Share).where(Share.state == ShareState.PROPOSED, Share.pinned.is_(False))
    return statement.where(Share.county_id == county_id) if county_id else statement


def _freed(session: Session, county_id: int | None) -> list[Share]:
    return list(session.scalars(freed_shares(county_id)))


def _items(session: Session) -> dict[int, ItemFacts]:
    substitutes: dict[int, list[tuple[int, int]]] = {}
    statement = select(Substitute.item_id, Substitute.substitute_id, Substitute.quantity_percent)
    order = (Substitute.item_id, Substitute.quantity_percent, Substitute.substitute_id)
    for item_id, substitute_id, percent in session.execute(statement.order_by(*order)):
        substitutes.setdefault(item_id, []).append((substitute_id, percent))
    rows = session.execute(
        select(Item.id, Item.storage_class, Item.shelf_life_left_days_min, Item.weight_mg, Item.volume_ul)
    )
    return {row[0]: ItemFacts(*row, substitutes=tuple(substitutes.get(row[0], ()))) for row in rows}


def _needs(session: Session, county_id: int | None, freed: Iterable[Share]) -> list[OpenNeed]:
    free_again: Counter[int] = Counter()
    for share in freed:
        free_again[share.need_id] += share.covers
    statement = (
        select(
            Need.id,
            Need.household_id,
            Need.county_id,
            Need.item_id,
            Need.quantity,
            (Need.quantity_reserved + Need.quantity_handed_over).label("covered"),
            Need.urgency,
            Need.substitutes_accepted,
            Household.size,
            Household.no_fridge,
            Need.opened_at,
            Settlement.lat,
            Settlement.lon,
            Exclusion.reason,
            Need.urgency_grounds[0].label("ground"),
        )
        .join(Household, Household.id == Need.household_id)
        .join(Settlement, Settlement.id == Need.settlement_id)
        .outerjoin(Exclusion, Exclusion.need_id == Need.id)
        .where(Need.state.in_(WAITING))
        .where(or_(Need.quantity > Need.quantity_reserved + Need.quantity_handed_over, among(Need.id, free_again)))
        .order_by(Need.id)
    )
    if county_id:
        statement = statement.where(Need.county_id == county_id)
    return [
        OpenNeed(
            id=row.id,
            household_id=row.household_id,
            county_id=row.county_id,
            item_id=row.item_id,
            quantity=row.quantity,
            covered=max(0, row.covered - free_again[row.id]),
            urgency=row.urgency,
            substitutes_accepted=row.substitutes_accepted,
            size=row.size,
            no_fridge=row.no_fridge,
            opened_on=row.opened_at.astimezone(HOME).date(),
            lat=row.lat,
            lon=row.lon,
            excluded=row.reason,
            ground=Message.from_json(row.ground) if row.ground else None,
        )
        for row in session.execute(statement)
    ]


def _standing(
    session: Session, county_id: int | None, freed: Iterable[Share], needs: Iterable[OpenNeed], now: datetime
) -> dict[int, Standing]:
    """Return what the households need or got beside the needs that the run deals with."""
    asked = {need.id for need in needs}
    statement = select(Need.household_id, func.count().label("number")).where(
        or_(
            and_(Need.state.in_(WAITING), Need.quantity <= Need.quantity_reserved + Need.quantity_handed_over),
            and_(Need.state == NeedState.HANDED_OVER, Need.closed_at > now - REMEMBERED),
        )
    )
    freed_needs = {share.need_id for share in freed} & asked
    if freed_needs:
        statement = statement.where(~among(Need.id, freed_needs))
    if county_id:
        statement = statement.where(Need.county_id == county_id)
    rows = session.execute(statement.group_by(Need.household_id))
    return {row.household_id: Standing(FULL * row.number, row.number) for row in rows}


def _lots(session: Session, county_id: int | None, freed: Iterable[Share]) -> list[LotOnShelf]:
    free_again: Counter[tuple[int, int]] = Counter()
    for share in freed:
        free_again[share.lot_id, share.place_id] += share.quantity
    statement = (
        select(
            Balance.lot_id,
            Balance.place_id,
            Balance.warehouse_id,
            Balance.item_id,
            Balance.expires_on,
            (Balance.on_hand - Balance.reserved).label("available"),
        )
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Place, Place.id == Balance.place_id)
        .outerjoin(ROOT, AT_ROOT)
        .where(Balance.stocked, Lot.state == LotState.FREE, STANDS_IN.in_(GIVEN_FROM))
        .order_by(Balance.lot_id, Balance.place_id)
    )
    if county_id:
        statement = statement.where(Balance.county_id == county_id)
    return [
        LotOnShelf(
            row.lot_id,
            row.place_id,
            row.warehouse_id,
            row.item_id,
            None if row.expires_on.year == NEVER else row.expires_on,
            row.available + free_again[row.lot_id, row.place_id],
        )
        for row in session.execute(statement)
    ]


def _withheld(session: Session, county_id: int | None, freed: Iterable[Share]) -> dict[int, Withheld]:
    """Return by item what there is and cannot be given: reserved, in quarantine, in other counties."""
    free_again: Counter[int] = Counter()
    for share in freed:
        free_again[share.item_id] += share.quantity
    free = and_(Lot.state == LotState.FREE, STANDS_IN.in_(GIVEN_FROM))
    here = Balance.county_id == county_id if county_id else Balance.id.is_not(None)
    shut = or_(Lot.state == LotState.QUARANTINED, STANDS_IN == PlaceKind.QUARANTINE)
    statement = (
        select(
            Balance.item_id,
            func.sum(case((and_(free, here), Balance.reserved), else_=0)).label("held"),
            func.sum(case((and_(shut, here), Balance.on_hand), else_=0)).label("quarantined"),
            func.sum(case((and_(free, ~here), Balance.on_hand - Balance.reserved), else_=0)).label("elsewhere"),
        )
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Place, Place.id == Balance.place_id)
        .outerjoin(ROOT, AT_ROOT)
        .where(Balance.stocked)
        .group_by(Balance.item_id)
    )
    return {
        row.item_id: Withheld(max(0, int(row.held) - free_again[row.item_id]), int(row.quarantined), int(row.elsewhere))
        for row in session.execute(statement)
    }


def lots_not_free(session: Session, lot_ids: Iterable[int]) -> set[int]:
    """Return the lots that may not be handed out any more."""
    ids = list(lot_ids)
    return set(session.scalars(select(Lot.id).where(among(Lot.id, ids), Lot.state != LotState.FREE))) if ids else set()


def still_missing(session: Session, need_ids: Iterable[int]) -> dict[int, int]:
    """Return what needs still lack, under lock; a need that ended lacks nothing."""
    statement = (
        select(Need.id, Need.quantity - Need.quantity_reserved - Need.quantity_handed_over)
        .where(among(Need.id, sorted(set(need_ids))), Need.state.in_(WAITING))
        .order_by(Need.id)
        .with_for_update()
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def newest_proposal(session: Session, county_id: int) -> int | None:
    """Return the newest proposal in which a county takes part, approved or not."""
    return session.scalar(
        select(func.max(AllocationRun.id)).where(
            AllocationRun.state.in_([RunState.PROPOSED, RunState.APPROVED]),
            or_(AllocationRun.county_id.is_(None), AllocationRun.county_id == county_id),
        )
    )


def needs_by_id(session: Session, need_ids: Iterable[int]) -> Sequence[Need]:
    """Return needs, in the order of their ids."""
    return session.scalars(select(Need).where(among(Need.id, need_ids)).order_by(Need.id)).all()


def groups_of(session: Session, household_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return household → (county, district), for the figures."""
    statement = (
        select(Household.id, Household.county_id, Settlement.district_id)
        .join(Settlement, Settlement.id == Household.settlement_id)
        .where(among(Household.id, household_ids))
    )
    return {row[0]: (row[1], row[2]) for row in session.execute(statement)}


def names_of_groups(session: Session) -> tuple[dict[int, str], dict[int, tuple[str, int]]]:
    """Return the names of counties, and of districts with their county."""
    counties = {row[0]: row[1] for row in session.execute(select(County.id, County.name))}
    districts = {
        row[0]: (row[1], row[2]) for row in session.execute(select(District.id, District.name, District.county_id))
    }
    return counties, districts


# Pages --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filters:
    """What a list of shares or missing shares is narrowed to."""

    q: str | None = None
    urgency: int | None = None
    county_id: int | None = None
    code: str | None = None
    warehouse_id: int | None = None
    state: str | None = None


def latest_run(session: Session, actor: Actor) -> AllocationRun | None:
    """Return the newest run that the actor's counties take part in."""
    actor.require(READ)
    scope = actor.grants.get(READ)
    statement = select(AllocationRun)
    if scope == "county":
        counties = actor.reach.get(scope, ())
        statement = statement.where(or_(AllocationRun.county_id.is_(None), AllocationRun.county_id.in_(counties)))
    return session.scalar(statement.order_by(AllocationRun.id.desc()).limit(1))


def runs(session: Session, actor: Actor, *, after: str | None = None, size: int = PAGE_SIZE) -> Page[AllocationRun]:
    """Return the runs, the newest first."""
    actor.require(READ)
    return page(session, select(AllocationRun), order=[AllocationRun.id], after=after, size=size, descending=True)


def newer_run(session: Session, of: AllocationRun) -> int | None:
    """Return the newest later run of the same scope."""
    statement = select(func.max(AllocationRun.id)).where(
        AllocationRun.id > of.id, AllocationRun.county_id.is_not_distinct_from(of.county_id)
    )
    return session.scalar(statement)


def named_page(session: Session, statement: Select[Any], **asked: Any) -> Page[Any]:
    """Return a page whose rows keep the names of the statement's columns."""
    names = [column["name"] for column in statement.column_descriptions]
    row = namedtuple("Row", names, rename=True)  # type: ignore[misc]
    found = page(session, statement, **asked)
    return Page([row(*each) for each in found.rows], found.next_after)


GIVEN = aliased(Item, name="given_item")


def _named(statement: Select[Any], table: Any, actor: Actor, filters: Filters) -> Select[Any]:
    """Join the names that a list shows, and narrow it to what the actor may see and asked for."""
    statement = (
        statement.join(Need, Need.id == table.need_id)
        .join(Settlement, Settlement.id == Need.settlement_id)
        .join(Item, Item.id == Need.item_id)
    )
    statement = scoped(statement, actor, READ, table)
    if filters.county_id:
        statement = statement.where(table.county_id == filters.county_id)
    if filters.urgency:
        statement = statement.where(Need.urgency == filters.urgency)
    if filters.q:
        statement = statement.where(_found(filters.q))
    return statement


def _found(q: str) -> Any:
    key = fold(q)
    number = q.strip().upper().removeprefix("H-")
    if number.isascii() and number.isdigit() and len(number) < 19:
        return Need.household_id == int(number)
    return or_(
        Item.name_hu_key.contains(key, autoescape=True),
        Item.name_en_key.contains(key, autoescape=True),
        Settlement.name_key.startswith(key, autoescape=True),
    )


_COMMON = (
    Need.household_id,
    Need.item_id.label("wished_item_id"),
    Item.name_hu,
    Item.name_en,
    Item.unit_name_hu,
    Item.unit_name_en,
    Settlement.name.label("settlement"),
    Need.quantity.label("needed"),
    Need.quantity_reserved,
    Need.quantity_handed_over,
    Need.urgency.label("need_urgency"),
)


def _select(table: Any, *more: Any) -> Select[Any]:
    columns: list[Any] = [table, *_COMMON, *more]
    return select(*columns)


def missing_statement(actor: Actor, run_id: int, filters: Filters) -> Select[Any]:
    """Return the select of a run's missing shares with names."""
    statement = _named(_select(MissingShare), MissingShare, actor, filters)
    statement = statement.where(MissingShare.run_id == run_id)
    return statement.where(MissingShare.code == filters.code) if filters.code else statement


def missing_page(
    session: Session, actor: Actor, run_id: int, filters: Filters, *, after: str | None = None, size: int = PAGE_SIZE
) -> Page[Any]:
    """Return a run's missing shares, the most urgent first."""
    statement = missing_statement(actor, run_id, filters)
    return named_page(session, statement, order=[MissingShare.urgency, MissingShare.id], after=after, size=size)


def missing_row(session: Session, actor: Actor, missing_id: int) -> Any:
    """Return one missing share with names."""
    statement = _named(_select(MissingShare), MissingShare, actor, Filters())
    found = session.execute(statement.where(MissingShare.id == missing_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


_SHARED = (
    GIVEN.name_hu.label("given_hu"),
    GIVEN.name_en.label("given_en"),
    GIVEN.unit_name_hu.label("given_unit_hu"),
    GIVEN.unit_name_en.label("given_unit_en"),
    Warehouse.name.label("warehouse"),
    Place.code.label("place"),
    Lot.expires_on,
)


def _shares(actor: Actor, filters: Filters) -> Select[Any]:
    statement = _named(_select(Share, *_SHARED), Share, actor, filters)
    return (
        statement.join(GIVEN, GIVEN.id == Share.item_id)
        .join(Warehouse, Warehouse.id == Share.warehouse_id)
        .join(Place, Place.id == Share.place_id)
        .join(Lot, Lot.id == Share.lot_id)
    )


def shares_page(
    session: Session,
    actor: Actor,
    run_id: int,
    filters: Filters,
    *,
    pinned: bool = False,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[Any]:
    """Return a run's shares in the order in which they were made: class by class."""
    statement = _shares(actor, filters).where(Share.run_id == run_id)
    if pinned:
        statement = statement.where(Share.pinned)
    if filters.warehouse_id:
        statement = statement.where(Share.warehouse_id == filters.warehouse_id)
    if filters.state:
        statement = statement.where(Share.state == filters.state)
    return named_page(session, statement, order=[Share.id], after=after, size=size)


def share_row(session: Session, actor: Actor, share_id: int) -> Any:
    """Return one share with names."""
    found = session.execute(_shares(actor, Filters()).where(Share.id == share_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def counts(session: Session, actor: Actor, run_id: int) -> Mapping[str, int]:
    """Return how many rows each tab of a run holds."""
    missing = session.execute(
        select(func.count(), func.count().filter(MissingShare.code == "nowhere_in_stock"))
        .where(MissingShare.run_id == run_id)
        .where(visible(actor, READ, MissingShare))
    ).one()
    given = session.execute(
        select(
            func.count(),
            func.count().filter(Share.pinned),
            func.count().filter(Share.state == ShareState.PROPOSED),
            func.count(Share.household_id.distinct()).filter(Share.state == ShareState.PROPOSED),
            func.count(Share.warehouse_id.distinct()).filter(Share.state == ShareState.PROPOSED),
        )
        .where(Share.run_id == run_id)
        .where(visible(actor, READ, Share))
    ).one()
    return {
        "missing": missing[0],
        "nowhere": missing[1],
        "shares": given[0],
        "pinned": given[1],
        "proposed": given[2],
        "households": given[3],
        "warehouses": given[4],
    }


def needs_that_lost(session: Session, actor: Actor, run_id: int) -> int:
    """Return how many needs lost pieces that were reserved for them, and still lack something."""
    statement = (
        select(func.count(Need.id.distinct()))
        .join(MissingShare, MissingShare.need_id == Need.id)
        .where(MissingShare.run_id == run_id, MissingShare.code == PIECES_LOST, visible(actor, READ, MissingShare))
        .where(Need.state.in_(WAITING), Need.quantity > Need.quantity_reserved + Need.quantity_handed_over)
    )
    return session.scalar(statement) or 0


def need_shares(session: Session, actor: Actor, need_id: int) -> tuple[Sequence[Any], Any | None]:
    """Return what a need gets (rows of shares, the living ones first), and its newest missing share or None."""
    if session.scalar(select(Need.id).where(Need.id == need_id, visible(actor, "allocation.read", Need))) is None:
        raise NotFound
    shares = session.execute(
        _shares(actor, Filters())
        .where(Share.need_id == need_id)
        .order_by((Share.state == ShareState.RELEASED).asc(), Share.id.desc())
        .limit(20)
    ).all()
    missing = session.execute(
        missing_statement_of_need(actor, need_id).order_by(MissingShare.id.desc()).limit(1)
    ).one_or_none()
    return shares, missing


def missing_statement_of_need(actor: Actor, need_id: int) -> Select[Any]:
    """Return the select of a need's missing shares, of every run."""
    return _named(_select(MissingShare), MissingShare, actor, Filters()).where(MissingShare.need_id == need_id)


def item_names(session: Session, item_ids: Iterable[int], language: str) -> dict[int, str]:
    """Return the names of items in a language."""
    column = Item.name_en if language == "en" else Item.name_hu
    ids = list(set(item_ids))
    return {row[0]: row[1] for row in session.execute(select(Item.id, column).where(Item.id.in_(ids)))} if ids else {}


def warehouses(session: Session) -> list[tuple[int, str]]:
    """Return (id, name) of every warehouse, for a filter."""
    return [(row[0], row[1]) for row in session.execute(select(Warehouse.id, Warehouse.name).order_by(Warehouse.name))]


def counties(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """Return (id, name) of the counties the actor may look at."""
    statement = select(County.id, County.name).order_by(County.name_key)
    scope = actor.grants.get(READ)
    if scope == "county":
        statement = statement.where(County.id.in_(actor.reach.get(scope, ())))
    return [(row[0], row[1]) for row in session.execute(statement)]


def all_counties(session: Session) -> list[tuple[int, str]]:
    """Return (id, name) of every county; names are no secret."""
    return [(row[0], row[1]) for row in session.execute(select(County.id, County.name).order_by(County.name_key))]


def job_of(session: Session, of: AllocationRun) -> Job | None:
    """Return the job that works on a run."""
    return session.get(Job, of.job_id) if of.job_id is not None else None
