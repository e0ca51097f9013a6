"""Reads over the whole stock. Rows are seen by those whose right to ``stock.read`` covers them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from inspect import isfunction
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, any_, case, cast, func, literal, or_, select, text
from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.catalogue.models import Category, Item
from app.conversions.models import Kit, KitPart
from app.delivery.models import Parcel, ParcelLine, Run, Stop
from app.donations.models import Arrival, ArrivalLine, Donor, Offer
from app.foundation.actor import Actor
from app.foundation.bulk import among
from app.foundation.errors import NotFound
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.scope import visible
from app.foundation.text import fold
from app.geography.models import County, Settlement
from app.stock import queries as stock
from app.stock.models import Balance, Lot, Movement, Place, StockLevel, Warehouse
from app.stock.totals import IN_ROOM, IS_STATED, ROOM, STATED, available, summed, there_by_level, usable
from app.transfers.models import Transfer, TransferLine, TransferLot, TransferState

GROUPS = ("item", "lot", "place", "warehouse", "county")
DAYS = (7, 30, 90)
NO_EXPIRY = date(9999, 12, 31)
ROWS_AT_A_TIME = 1_000
"""Of a table that leaves the house."""
GENERATIONS_MAX = 8
"""How many conversions back and forth the way of a lot is followed."""


@dataclass(frozen=True)
class Filters:
    """What a view of the stock is narrowed to."""

    today: date
    q: str | None = None
    category_id: int | None = None
    county_id: int | None = None
    warehouse_id: int | None = None
    storage_class: str | None = None
    language: str = "hu"


# What there is ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One line of a view: of an item, a lot, a place, a warehouse or a county."""

    id: int
    name: str
    sub: str
    """A code beside the name."""
    on_hand: int
    reserved: int
    available: int
    weight_g: int
    value: int
    """In hundredths of a forint."""
    expires_on: date | None
    """The first of it to expire."""
    lots: int
    unit: str | None
    """None where different things are counted together."""
    more: int | None = None
    """What the line belongs to: the item of a lot, the county of a warehouse."""
    coming: int = 0
    """On its way from another warehouse."""
    asked_for: int = 0
    """Of transfers that have not left yet."""


def _value() -> ColumnElement[int]:
    return summed(Balance.on_hand * func.coalesce(STATED.unit_value_huf, Item.value_huf))


def _weight() -> ColumnElement[int]:
    return cast(summed(Balance.on_hand * Item.weight_mg) / 1000, BigInteger)


def _lying(session: Session, actor: Actor, filters: Filters) -> list[ColumnElement[bool]]:
    """Return which balances a view is about. The conditions name balances only, so that their indexes answer them."""
    found: list[ColumnElement[bool]] = [visible(actor, "stock.read", Balance), and_(Balance.stocked)]
    if filters.county_id is not None:
        found.append(Balance.county_id == filters.county_id)
    if filters.warehouse_id is not None:
        found.append(Balance.warehouse_id == filters.warehouse_id)
    kept = [Item.storage_class == filters.storage_class] if filters.storage_class else []
    if filters.category_id is not None:
        kept.append(among(Item.category_id, ids_below(session, filters.category_id)))
    if kept:
        found.append(Balance.item_id.in_(select(Item.id).where(*kept)))
    if filters.q and filters.q.strip():
        found.append(_named(filters.q.strip()))
    return found


def _named(q: str) -> ColumnElement[bool]:
    """Return which balances a search means: by item, place, warehouse, county or number of the lot."""
    key, number = fold(q), q.upper().removeprefix("L-")
    named = [
        _one_of(Balance.place_id, Place, Place.code.icontains(q, autoescape=True)),
        _one_of(Balance.warehouse_id, Warehouse, Warehouse.name.icontains(q, autoescape=True)),
    ]
    if key:
        names = [each.contains(key, autoescape=True) for each in (Item.name_hu_key, Item.name_en_key)]
        named.append(_one_of(Balance.item_id, Item, or_(*names)))
        named.append(_one_of(Balance.county_id, County, County.name_key.contains(key, autoescape=True)))
    if number.isascii() and number.isdigit() and len(number) < 19:
        named.append(Balance.lot_id == int(number))
    return or_(*named)


def _one_of(column: Any, table: Any, named: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return which balances are of what is called so: looked up once, as an array by which an index is searched."""
    found: ColumnElement[bool] = column == any_(
        func.array(select(table.id).where(named).correlate(None).scalar_subquery())
    )
    return found


def _stock(session: Session, actor: Actor, filters: Filters, *columns: Any) -> Select[Any]:
    """Return the select of what lies somewhere, with the item, the place, where a box stands, and the stated value."""
    return (
        select(*columns)
        .select_from(Balance)
        .outerjoin(STATED, IS_STATED)
        .join(Item, Item.id == Balance.item_id)
        .join(Place, Place.id == Balance.place_id)
        .join(ROOM, IN_ROOM)
        .where(*_lying(session, actor, filters))
    )


GROUP_KEYS: dict[str, Any] = {
    "item": Balance.item_id,
    "lot": Balance.lot_id,
    "place": Balance.place_id,
    "warehouse": Balance.warehouse_id,
    "county": Balance.county_id,
}


def _groups(by: str, language: str, lying: Sequence[ColumnElement[bool]]) -> tuple[Any, list[Any]]:
    """Return the select of a view's groups (id, name, sub, unit, more) and its order; nothing is added up yet."""
    name = Item.name_en if language == "en" else Item.name_hu
    key = Item.name_en_key if language == "en" else Item.name_hu_key
    unit = Item.unit_name_en if language == "en" else Item.unit_name_hu
    no_unit, nothing = (
        literal(None, Item.unit_name_hu.type).label("no_unit"),
        literal(None, BigInteger).label("nothing"),
    )

    def there(group: Any) -> ColumnElement[bool]:
        return select(Balance.id).where(GROUP_KEYS[by] == group, *lying).exists()

    if by == "lot":
        lots = select(Balance.lot_id, name, func.concat("L-", Balance.lot_id), unit, Item.id)
        lots = lots.join(Item, Item.id == Balance.item_id).where(*lying)
        return lots.group_by(Balance.expires_on, Balance.lot_id, Item.id), [Balance.expires_on, Balance.lot_id]
    if by == "item":
        items = select(Item.id, name, Item.code, unit, Item.category_id).where(there(Item.id))
        return items, [key, Item.id]
    if by == "place":
        places = select(Place.id, Place.code, Warehouse.name, no_unit, Warehouse.id)
        places = places.join(Warehouse, Warehouse.id == Place.warehouse_id).where(there(Place.id))
        return places, [Place.code, Place.id]
    if by == "warehouse":
        halls = select(Warehouse.id, Warehouse.name, Warehouse.code, no_unit, Warehouse.county_id)
        return halls.where(there(Warehouse.id)), [Warehouse.name, Warehouse.id]
    counties = select(County.id, County.name, County.code, no_unit, nothing)
    return counties.where(there(County.id)), [County.name_key, County.id]


def overview(
    session: Session,
    actor: Actor,
    filters: Filters,
    *,
    by: str = "item",
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[Line]:
    """Return one page of what there is, grouped; with what is on its way to it.

    The groups of the page are chosen first, then only they are added up: a page costs what it shows.
    """
    groups, order = _groups(by, filters.language, _lying(session, actor, filters))
    found = page(session, groups, order=order, after=after, size=size)
    ids = [row[0] for row in found.rows]
    key = GROUP_KEYS[by]
    counted = _stock(
        session,
        actor,
        filters,
        key,
        summed(Balance.on_hand),
        summed(Balance.reserved),
        available(filters.today),
        _weight(),
        _value(),
        func.min(Balance.expires_on),
        func.count(),
    )
    sums_by_id = {row[0]: row for row in session.execute(counted.where(among(key, ids)).group_by(key))}
    coming = _coming(session, actor, filters, by, ids) if by != "place" else {}
    # What left between the two questions is not there any more.
    lines = [
        _line(group, sums_by_id[group[0]], coming.get(group[0], (0, 0)))
        for group in found.rows
        if group[0] in sums_by_id
    ]
    return Page(lines, found.next_after)


def _line(group: Any, counted: Any, coming: tuple[int, int]) -> Line:
    on_hand, reserved, free, weight, value, expires_on, lots = counted[1:]
    name, sub, unit, more = group[1:]
    return Line(
        id=group[0],
        name=name,
        sub=sub,
        on_hand=on_hand,
        reserved=reserved,
        available=free,
        weight_g=weight,
        value=value,
        expires_on=_expiry(expires_on),
        lots=lots,
        unit=unit,
        more=more,
        coming=coming[0],
        asked_for=coming[1],
    )


def _expiry(day: date) -> date | None:
    return None if day == NO_EXPIRY else day


def _coming(
    session: Session, actor: Actor, filters: Filters, by: str, ids: Sequence[int]
) -> dict[int, tuple[int, int]]:
    """Return what is on its way to these lines, and what was asked for and has not left: (id → coming, asked for)."""
    if not ids or not actor.may("transfers.read"):
        return {}
    homes = [
        visible(actor, "stock.read", Warehouse),
        *([Warehouse.county_id == filters.county_id] if filters.county_id is not None else []),
        *([Warehouse.id == filters.warehouse_id] if filters.warehouse_id is not None else []),
    ]
    keys = {
        "item": Item.id,
        "lot": Lot.id,
        "warehouse": Transfer.to_warehouse_id,
        "county": Transfer.to_county_id,
    }
    key = keys[by]
    picked = (
        select(
            key,
            summed(case((Transfer.state == TransferState.IN_TRANSIT, TransferLot.quantity), else_=0)),
            summed(case((Transfer.state == TransferState.PICKED, TransferLot.quantity), else_=0)),
        )
        .select_from(TransferLot)
        .join(Transfer, Transfer.id == TransferLot.transfer_id)
        .join(Warehouse, Warehouse.id == Transfer.to_warehouse_id)
        .join(Lot, Lot.id == TransferLot.lot_id)
        .join(Item, Item.id == Lot.item_id)
        .where(
            visible(actor, "transfers.read", Transfer),
            Transfer.state.in_([TransferState.PICKED, TransferState.IN_TRANSIT]),
            TransferLot.received_at.is_(None),
            among(key, ids),
            *homes,
        )
        .group_by(key)
    )
    found = {row[0]: (int(row[1]), int(row[2])) for row in session.execute(picked)}
    if by != "lot":
        requested = (
            select(key, summed(TransferLine.quantity))
            .select_from(TransferLine)
            .join(Transfer, Transfer.id == TransferLine.transfer_id)
            .join(Warehouse, Warehouse.id == Transfer.to_warehouse_id)
            .join(Item, Item.id == TransferLine.item_id)
            .where(
                visible(actor, "transfers.read", Transfer),
                Transfer.state == TransferState.REQUESTED,
                among(key, ids),
                *homes,
            )
            .group_by(key)
        )
        for row in session.execute(requested):
            before = found.get(row[0], (0, 0))
            found[row[0]] = (before[0], before[1] + int(row[1]))
    return found


@dataclass(frozen=True)
class Sums:
    """What a view adds up to."""

    lines: int
    weight_g: int
    value: int
    reserved_g: int
    expiring: int
    """Balances that expire within thirty days."""


def sums(session: Session, actor: Actor, filters: Filters, *, by: str = "item") -> Sums:
    """Return what the whole view adds up to: first by item and group, so that each pile is weighed and priced once."""
    soon = Balance.expires_on.between(filters.today, filters.today + timedelta(days=30))
    piles = (
        select(
            Balance.item_id,
            GROUP_KEYS[by].label("group_id"),
            func.sum(Balance.on_hand).label("on_hand"),
            func.sum(Balance.reserved).label("reserved"),
            func.coalesce(func.sum(Balance.on_hand).filter(STATED.id.is_not(None)), 0).label("stated"),
            func.coalesce(func.sum(Balance.on_hand * STATED.unit_value_huf), 0).label("stated_value"),
            func.count().filter(soon).label("expiring"),
        )
        .select_from(Balance)
        .outerjoin(STATED, IS_STATED)
        .where(*_lying(session, actor, filters))
        .group_by(Balance.item_id, GROUP_KEYS[by])
        .subquery("pile")
    )
    pile = piles.c
    statement = select(
        func.count(pile.group_id.distinct()),
        cast(summed(pile.on_hand * Item.weight_mg) / 1000, BigInteger),
        summed(pile.stated_value + (pile.on_hand - pile.stated) * Item.value_huf),
        cast(summed(pile.reserved * Item.weight_mg) / 1000, BigInteger),
        summed(pile.expiring),
    ).join(Item, Item.id == pile.item_id)
    return Sums(*session.execute(statement).one())


def counties(session: Session) -> list[County]:
    """Return the counties by name."""
    return list(session.scalars(select(County).order_by(County.name_key)))


def county(session: Session, county_id: int) -> County:
    """Return a county."""
    found = session.get(County, county_id)
    if found is None:
        raise NotFound(county_id=county_id)
    return found


def homes(session: Session) -> list[tuple[Warehouse, County]]:
    """Return every warehouse with its county, by name; asked once a session."""
    if "homes" not in session.info:
        statement = select(Warehouse, County).join(County, County.id == Warehouse.county_id)
        found = session.execute(statement.order_by(Warehouse.name, Warehouse.id))
        session.info["homes"] = [(row[0], row[1]) for row in found]
    known: list[tuple[Warehouse, County]] = session.info["homes"]
    return known


def homes_seen(session: Session, actor: Actor) -> list[tuple[Warehouse, County]]:
    """Return the warehouses that the actor may see into, with their counties."""
    return [
        (warehouse, county)
        for warehouse, county in homes(session)
        if actor.covers("stock.read", warehouse=warehouse.id, county=county.id)
    ]


def categories(session: Session) -> list[Category]:
    """Return every category, parents before children; asked once a session."""
    if "categories" not in session.info:
        session.info["categories"] = catalogue.categories(session)
    known: list[Category] = session.info["categories"]
    return known


def ids_below(session: Session, category_id: int) -> list[int]:
    """Return a category and everything below it."""
    found = [category_id]
    for branch in categories(session):
        if branch.parent_id in found and branch.id not in found:
            found.append(branch.id)
    return found


def category_names(session: Session, language: str) -> dict[int, str]:
    """Return what the categories are called."""
    return {each.id: each.name_en if language == "en" else each.name_hu for each in categories(session)}


# What expires -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expiring:
    """A balance that expires soon."""

    balance: Balance
    lot: Lot
    item: Item
    place: Place
    warehouse: Warehouse
    usable: bool
    """False: it is held back, or expired."""
    kit: dict[str, Any] | None
    """A kit that the item is a part of: id, name."""


def expiring(
    session: Session,
    actor: Actor,
    filters: Filters,
    *,
    days: int | None = 30,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[Expiring]:
    """Return one page of what expires within so many days, the first first; ``days`` None: what has expired."""
    statement = _stock(
        session, actor, filters, Balance, Lot, Item, Place, Warehouse, usable(filters.today), _kit(filters.language)
    )
    statement = statement.join(Lot, Lot.id == Balance.lot_id)
    statement = statement.join(Warehouse, Warehouse.id == Balance.warehouse_id)
    statement = statement.where(_expires(filters.today, days))
    found = page(session, statement, order=[Balance.expires_on, Balance.id], after=after, size=size)
    return Page([Expiring(*row) for row in found.rows], found.next_after)


def _expires(today: date, days: int | None) -> ColumnElement[bool]:
    if days is None:
        return Balance.expires_on < today
    return Balance.expires_on.between(today, today + timedelta(days=days))


def expiring_counts(session: Session, actor: Actor, filters: Filters) -> dict[int | None, tuple[int, int, int]]:
    """Return for each span, and for what has expired: (balances, grams, value)."""
    value = Balance.on_hand * func.coalesce(STATED.unit_value_huf, Item.value_huf)
    columns: list[Any] = []
    for days in (*DAYS, None):
        within = _expires(filters.today, days)
        columns += [
            func.count().filter(within),
            cast(summed(case((within, Balance.on_hand * Item.weight_mg), else_=0)) / 1000, BigInteger),
            summed(case((within, value), else_=0)),
        ]
    statement = _stock(session, actor, filters, *columns)
    statement = statement.where(Balance.expires_on <= filters.today + timedelta(days=max(DAYS)))
    row = session.execute(statement).one()
    return {days: tuple(row[3 * at : 3 * at + 3]) for at, days in enumerate((*DAYS, None))}


def _kit(language: str) -> Any:
    """Return a column that says of which kit an item is a part: {"id", "name"}; one of them, by name."""
    whole = Item.__table__.alias("whole")
    name = whole.c.name_en if language == "en" else whole.c.name_hu
    return (
        select(func.jsonb_build_object("id", Kit.id, "name", name))
        .select_from(KitPart)
        .join(Kit, Kit.id == KitPart.kit_id)
        .join(whole, whole.c.id == Kit.item_id)
        .where(KitPart.item_id == Item.id, Kit.retired_at.is_(None))
        .order_by(name)
        .limit(1)
        .correlate(Item)
        .scalar_subquery()
    )


# Levels -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LevelLine:
    """How much there should be and how much there is."""

    level: StockLevel
    item: Item
    warehouse: Warehouse
    available: int
    coming: int
    """On its way, or asked for."""

    @property
    def below(self) -> bool:
        """Tell whether there is too little, whatever is on its way."""
        return self.available < self.level.least

    @property
    def above(self) -> bool:
        """Tell whether there is more than there should be."""
        return self.level.most is not None and self.available > self.level.most


def _level_statement(session: Session, actor: Actor, filters: Filters, *columns: Any) -> tuple[Select[Any], Any]:
    """Return the select of levels, and its column of what is there; a function makes a column of (there, coming)."""
    there = there_by_level(actor, filters.today)
    coming = (
        select(Transfer.to_warehouse_id, TransferLine.item_id, summed(TransferLine.quantity).label("quantity"))
        .join(Transfer, Transfer.id == TransferLine.transfer_id)
        .where(
            Transfer.state.in_([TransferState.REQUESTED, TransferState.PICKED, TransferState.IN_TRANSIT]),
            visible(actor, "transfers.read", Transfer),
        )
        .group_by(Transfer.to_warehouse_id, TransferLine.item_id)
        .cte("coming")
        .prefix_with("MATERIALIZED")
    )
    amount: Any = func.coalesce(there.c.quantity, 0)
    on_its_way: Any = func.coalesce(coming.c.quantity, 0)
    statement = (
        select(*[column(amount, on_its_way) if isfunction(column) else column for column in columns])
        .select_from(StockLevel)
        .join(Item, Item.id == StockLevel.item_id)
        .join(Warehouse, Warehouse.id == StockLevel.warehouse_id)
        .outerjoin(there, there.c.id == StockLevel.id)
        .outerjoin(
            coming,
            and_(coming.c.to_warehouse_id == StockLevel.warehouse_id, coming.c.item_id == StockLevel.item_id),
        )
        .where(visible(actor, "stock.read", StockLevel))
    )
    if filters.county_id is not None:
        statement = statement.where(StockLevel.county_id == filters.county_id)
    if filters.warehouse_id is not None:
        statement = statement.where(StockLevel.warehouse_id == filters.warehouse_id)
    if filters.storage_class:
        statement = statement.where(Item.storage_class == filters.storage_class)
    if filters.category_id is not None:
        statement = statement.where(among(Item.category_id, ids_below(session, filters.category_id)))
    key = fold(filters.q) if filters.q else ""
    if key:
        names = or_(Item.name_hu_key.contains(key, autoescape=True), Item.name_en_key.contains(key, autoescape=True))
        statement = statement.where(names)
    return statement, amount


def levels(
    session: Session,
    actor: Actor,
    filters: Filters,
    *,
    view: str | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[LevelLine]:
    """Return one page of levels by item; ``view`` "below" and "above" leave what needs a deed."""
    key = Item.name_en_key if filters.language == "en" else Item.name_hu_key
    both: list[Any] = [lambda there, _: there, lambda _, coming: coming]
    statement, amount = _level_statement(session, actor, filters, StockLevel, Item, Warehouse, *both)
    if view == "below":
        statement = statement.where(amount < StockLevel.least)
    elif view == "above":
        statement = statement.where(amount > StockLevel.most)
    found = page(session, statement, order=[key, StockLevel.id], after=after, size=size)
    return Page([LevelLine(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in found.rows], found.next_after)


def level_counts(session: Session, actor: Actor, filters: Filters) -> dict[str, int]:
    """Count the levels: all of them, those below and those above."""
    statement, _ = _level_statement(
        session,
        actor,
        filters,
        func.count(),
        lambda there, _: func.count().filter(there < StockLevel.least),
        lambda there, _: func.count().filter(there > StockLevel.most),
    )
    row = session.execute(statement).one()
    return {"all": row[0], "below": row[1], "above": row[2]}


# The way of a lot ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kin:
    """A lot from which another was made, or that was made from it."""

    lot_id: int
    from_lot_id: int
    """The lot nearer to the one that is asked about."""
    conversion_id: int
    kind: str
    happened_at: Any
    quantity: int
    item: Item
    depth: int


_KIN = """
    WITH RECURSIVE kin (lot_id, near_id, conversion_id, quantity, depth) AS (
        SELECT CAST(:lot AS bigint), NULL::bigint, NULL::bigint, NULL::bigint, 0
        UNION
        SELECT far.lot_id, kin.lot_id, conversion.id, far.quantity, kin.depth + 1
        FROM kin
        JOIN conversion_lot AS near ON near.lot_id = kin.lot_id AND {near} near.comes_out
        JOIN conversion ON conversion.id = near.conversion_id AND conversion.undone_at IS NULL
        JOIN conversion_lot AS far ON far.conversion_id = conversion.id AND {far} far.comes_out
        WHERE kin.depth < :most
    )
    SELECT kin.lot_id, kin.near_id, kin.conversion_id, conversion.kind, conversion.happened_at, kin.quantity,
           kin.depth
    FROM kin JOIN conversion ON conversion.id = kin.conversion_id
    ORDER BY kin.depth, conversion.happened_at, kin.lot_id
    LIMIT 200
"""
_PARENTS = text(_KIN.format(near="", far="NOT"))
_CHILDREN = text(_KIN.format(near="NOT", far=""))


def kin(session: Session, lot_id: int) -> tuple[list[Kin], list[Kin]]:
    """Return (parents, children) of a lot through conversions, as far as the actor may see them."""
    asked = {"lot": lot_id, "most": GENERATIONS_MAX}
    rows = [list(session.execute(statement, asked)) for statement in (_PARENTS, _CHILDREN)]
    ids = {row[0] for side in rows for row in side}
    named = select(Lot.id, Item).join(Item, Item.id == Lot.item_id).where(among(Lot.id, ids))
    items: dict[int, Item] = {row[0]: row[1] for row in session.execute(named)}
    parents, children = (
        [Kin(row[0], row[1], row[2], row[3], row[4], row[5], items[row[0]], row[6]) for row in side] for side in rows
    )
    return parents, children


def descendants(session: Session, lot_ids: Iterable[int]) -> list[int]:
    """Return lots and everything that was made from them."""
    rows = session.scalars(
        text(
            """
            WITH RECURSIVE kin (lot_id) AS (
                SELECT unnest(CAST(:lots AS bigint[]))
                UNION
                SELECT far.lot_id FROM kin
                JOIN conversion_lot AS near ON near.lot_id = kin.lot_id AND NOT near.comes_out
                JOIN conversion ON conversion.id = near.conversion_id AND conversion.undone_at IS NULL
                JOIN conversion_lot AS far ON far.conversion_id = conversion.id AND far.comes_out
            )
            SELECT lot_id FROM kin ORDER BY lot_id
            """
        ),
        {"lots": list(lot_ids)},
    )
    return [int(row) for row in rows]


@dataclass(frozen=True)
class Origin:
    """Where a lot came from, as far as the reader may know."""

    offer_id: int | None = None
    donor: str | None = None
    arrival_id: int | None = None
    arrived_at: Any = None


def origin(session: Session, actor: Actor, lot_id: int) -> Origin:
    """Return the arrival, the offer and the donor of a lot; the donor's public name only to who may read donations."""
    row = session.execute(
        select(Arrival.id, Arrival.arrived_at, Arrival.offer_id, Donor.name)
        .join(ArrivalLine, ArrivalLine.arrival_id == Arrival.id)
        .outerjoin(Donor, and_(Donor.id == Arrival.donor_id, Donor.kind != "person"))
        .where(ArrivalLine.lot_id == lot_id, visible(actor, "donations.read", Arrival))
        .order_by(Arrival.id)
        .limit(1)
    ).first()
    return Origin(row[2], row[3], row[0], row[1]) if row else Origin()


def transfers_of(session: Session, actor: Actor, lot_id: int) -> list[Any]:
    """Return the transfers that a lot travelled with: (transfer, lot line, from, to)."""
    source, target = Warehouse.__table__.alias("source"), Warehouse.__table__.alias("target")
    statement = (
        select(
            Transfer.id,
            Transfer.state,
            Transfer.sent_at,
            Transfer.received_at,
            TransferLot.quantity,
            TransferLot.received,
            source.c.name.label("source"),
            target.c.name.label("target"),
        )
        .join(TransferLot, TransferLot.transfer_id == Transfer.id)
        .join(source, source.c.id == Transfer.from_warehouse_id)
        .join(target, target.c.id == Transfer.to_warehouse_id)
        .where(TransferLot.lot_id == lot_id, visible(actor, "transfers.read", Transfer))
        .order_by(Transfer.id, TransferLot.id)
        .limit(100)
    )
    return list(session.execute(statement))


def parcels_of(session: Session, actor: Actor, lot_ids: Iterable[int], *, most: int = 100) -> list[Any]:
    """Return the parcels that hold some of these lots: their code, settlement and run; never the family."""
    statement = (
        select(
            Parcel.id,
            Parcel.state,
            Parcel.ended_at,
            ParcelLine.lot_id,
            ParcelLine.quantity,
            ParcelLine.quantity_handed_over,
            Settlement.name.label("settlement"),
            Run.id.label("run_id"),
            Run.on.label("run_on"),
        )
        .join(ParcelLine, ParcelLine.parcel_id == Parcel.id)
        .join(Settlement, Settlement.id == Parcel.settlement_id)
        .outerjoin(Stop, Stop.id == Parcel.stop_id)
        .outerjoin(Run, Run.id == Stop.run_id)
        .where(among(ParcelLine.lot_id, lot_ids), visible(actor, "runs.read", Parcel))
        .order_by(Parcel.id.desc())
        .limit(most)
    )
    return list(session.execute(statement))


def pieces_by_kind(session: Session, actor: Actor, lot_id: int) -> dict[str, int]:
    """Return how many pieces of a lot there are in each kind of place that the actor sees."""
    statement = (
        select(ROOM.kind, summed(Balance.on_hand))
        .join(Place, Place.id == Balance.place_id)
        .join(ROOM, IN_ROOM)
        .where(Balance.lot_id == lot_id, visible(actor, "stock.read", Balance))
        .group_by(ROOM.kind)
    )
    return {kind: int(pieces) for kind, pieces in session.execute(statement)}


# Gifts --------------------------------------------------------------------------------------------------------------


def offer(session: Session, actor: Actor, offer_id: int) -> Any:
    """Return an offer with the name of who gives, as far as it is public: (id, donor, donor_kind)."""
    found = session.execute(
        select(Offer.id, Donor.name.label("donor"), Donor.kind.label("donor_kind"))
        .join(Donor, Donor.id == Offer.donor_id)
        .where(Offer.id == offer_id, visible(actor, "donations.read", Offer))
    ).first()
    if found is None:
        raise NotFound(offer_id=offer_id)
    return found


def lots_of_offer(session: Session, actor: Actor, offer_id: int) -> list[Any]:
    """Return what came of an offer: (lot, item, quantity, arrival)."""
    seen = or_(
        visible(actor, "donations.read", Arrival),
        Arrival.offer_id.in_(select(Offer.id).where(Offer.id == offer_id, visible(actor, "donations.read", Offer))),
    )
    statement = (
        select(ArrivalLine.lot_id, Item, ArrivalLine.quantity, Arrival.arrived_at)
        .join(Arrival, Arrival.id == ArrivalLine.arrival_id)
        .join(Item, Item.id == ArrivalLine.item_id)
        .where(Arrival.offer_id == offer_id, ArrivalLine.lot_id.is_not(None), seen)
        .order_by(ArrivalLine.id)
    )
    return list(session.execute(statement))


# Exports ------------------------------------------------------------------------------------------------------------


def _streamed(session: Session, statement: Any) -> Iterator[Any]:
    """Yield rows that the database hands over some at a time."""
    with session.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME)) as rows:
        yield from rows


def balances_to_export(session: Session, actor: Actor, filters: Filters) -> Iterator[Any]:
    """Yield the stock list as rows."""
    name = Item.name_en if filters.language == "en" else Item.name_hu
    statement = _stock(
        session,
        actor,
        filters,
        Balance.lot_id,
        Item.code,
        name,
        Lot.batch,
        Lot.condition,
        Lot.state,
        Lot.expires_on,
        Lot.source,
        County.name,
        Warehouse.name,
        ROOM.code,
        Place.code,
        Balance.on_hand,
        Balance.reserved,
        Balance.on_hand - Balance.reserved,
        Balance.on_hand * func.coalesce(Lot.unit_value_huf, Item.value_huf),
    )
    statement = statement.join(Lot, Lot.id == Balance.lot_id)
    statement = statement.join(Warehouse, Warehouse.id == Balance.warehouse_id)
    statement = statement.join(County, County.id == Balance.county_id)
    return _streamed(session, statement.order_by(Balance.expires_on, Balance.id))


def movements_to_export(session: Session, actor: Actor, filters: Filters, *, since: Any, until: Any) -> Iterator[Any]:
    """Yield movements as rows, in the order in which they were recorded."""
    name = Item.name_en if filters.language == "en" else Item.name_hu
    source, target = stock.FROM, stock.TO
    statement = (
        select(
            Movement.id,
            Movement.recorded_at,
            Movement.happened_at,
            Movement.kind,
            Movement.lot_id,
            Item.code,
            name,
            Movement.quantity,
            source.code,
            target.code,
            Movement.reason,
            Movement.reverses_id,
            Warehouse.name,
        )
        .join(Lot, Lot.id == Movement.lot_id)
        .join(Item, Item.id == Lot.item_id)
        .join(source, source.id == Movement.from_place_id)
        .join(target, target.id == Movement.to_place_id)
        .join(Warehouse, Warehouse.id == Movement.warehouse_id)
        .where(visible(actor, "stock.read", Movement), Movement.recorded_at.between(since, until))
        .order_by(Movement.id)
    )
    if filters.warehouse_id is not None:
        statement = statement.where(Movement.warehouse_id == filters.warehouse_id)
    if filters.county_id is not None:
        statement = statement.where(Movement.county_id == filters.county_id)
    if filters.category_id is not None:
        statement = statement.where(among(Item.category_id, ids_below(session, filters.category_id)))
    return _streamed(session, statement)


def item_ids(session: Session, filters: Filters) -> list[int]:
    """Return the items that the filters leave, retired ones too: the past had them."""
    ids = ids_below(session, filters.category_id) if filters.category_id is not None else None
    statement = catalogue.matching(filters.q, ids, retired=True).with_only_columns(Item.id)
    if filters.storage_class:
        statement = statement.where(Item.storage_class == filters.storage_class)
    return [int(item_id) for item_id in session.scalars(statement)]
