"""What the views are made from where more than one package is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from app.catalogue import queries as catalogue
from app.delivery import totals as delivery
from app.foundation.clock import HOME
from app.foundation.unit_of_work import UnitOfWork
from app.inventory import queries
from app.inventory.errors import DayToCome
from app.inventory.proposals import Around, Goods, Lack, Proposal, Refill, Source, proposals, refill, surplus
from app.inventory.queries import Expiring, Filters, LevelLine
from app.needs import totals as needs
from app.stock import past, totals
from app.stock import queries as stock

if TYPE_CHECKING:
    from app.catalogue.models import Item
    from app.stock.models import Warehouse

STEPS_MAX = 200
"""So many movements are shown of the way of a lot."""


def warehouses_asked(
    uow: UnitOfWork, *, warehouse_id: int | None = None, county_id: int | None = None
) -> list[Warehouse]:
    """Return the warehouses that a question is about: those the actor may see into."""
    return [
        warehouse
        for warehouse, county in queries.homes_seen(uow.session, uow.actor)
        if warehouse_id in (None, warehouse.id) and county_id in (None, county.id)
    ]


def day_of(uow: UnitOfWork) -> date:
    """Return today at home."""
    return uow.now.astimezone(HOME).date()


# Counties -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CountyTotal:
    """What a county has: sums only."""

    id: int
    code: str
    name: str
    on_hand: int
    """Of one item; of many items their pieces together say nothing."""
    reserved: int
    available: int
    expiring: int
    weight_g: int
    items: int
    warehouses: int
    wanted: int = 0


def counties(
    uow: UnitOfWork, *, today: date, item_id: int | None = None, category_id: int | None = None
) -> list[CountyTotal]:
    """Return what every county of the country has, by name; also those that the actor sees no shelf of."""
    ids = queries.ids_below(uow.session, category_id) if category_id is not None else None
    rows = totals.totals(uow, today=today, item_ids=None if item_id is None else [item_id], category_ids=ids)
    by_county: dict[int, list[totals.Total]] = defaultdict(list)
    for row in rows:
        by_county[row.county_id].append(row)
    wanted = needs.wanted(uow, [item_id]) if item_id is not None else {}
    waiting = wanted[item_id].by_county if item_id in wanted else {}
    found = []
    for county in queries.counties(uow.session):
        of = by_county[county.id]
        found.append(
            CountyTotal(
                id=county.id,
                code=county.code,
                name=county.name,
                on_hand=sum(row.on_hand for row in of),
                reserved=sum(row.reserved for row in of),
                available=sum(row.available for row in of),
                expiring=sum(row.expiring for row in of),
                weight_g=sum(row.weight_g for row in of),
                items=len({row.item_id for row in of}),
                warehouses=len({row.warehouse_id for row in of}),
                wanted=waiting.get(county.id, 0),
            )
        )
    return found


@dataclass(frozen=True)
class ItemTotal:
    """What a county has of an item."""

    item: Item
    on_hand: int
    reserved: int
    available: int
    expiring: int


def county_items(
    uow: UnitOfWork, county_id: int, *, today: date, language: str, category_id: int | None = None
) -> list[ItemTotal]:
    """Return what a county has of each item, by name."""
    ids = queries.ids_below(uow.session, category_id) if category_id is not None else None
    by_item: dict[int, list[totals.Total]] = defaultdict(list)
    for row in totals.totals(uow, today=today, category_ids=ids):
        if row.county_id == county_id:
            by_item[row.item_id].append(row)
    items = catalogue.items_by_id(uow.session, by_item)
    ordered = sorted(items.values(), key=lambda item: item.name_en_key if language == "en" else item.name_hu_key)
    return [
        ItemTotal(
            item,
            sum(row.on_hand for row in by_item[item.id]),
            sum(row.reserved for row in by_item[item.id]),
            sum(row.available for row in by_item[item.id]),
            sum(row.expiring for row in by_item[item.id]),
        )
        for item in ordered
    ]


# What expires, and what to do with it -------------------------------------------------------------------------------


def proposed(uow: UnitOfWork, rows: Sequence[Expiring], filters: Filters) -> dict[int, list[Proposal]]:
    """Return for each balance what could be done with it; a constant number of statements."""
    item_ids = {row.item.id for row in rows}
    kits = {row.item.id: [(row.kit["id"], row.kit["name"])] for row in rows if row.kit}
    around = _around(uow, item_ids, filters, kits)
    found = {}
    for row in rows:
        goods = Goods(
            item_id=row.item.id,
            warehouse_id=row.warehouse.id,
            county_id=row.warehouse.county_id,
            quantity=row.balance.available,
            days_left=(row.balance.expires_on - filters.today).days,
            days_needed=row.item.shelf_life_left_days_min,
            held=not row.usable and row.balance.expires_on >= filters.today,
        )
        found[row.balance.id] = proposals(goods, around.get(row.item.id, Around()))
    return found


def _around(
    uow: UnitOfWork, item_ids: Iterable[int], filters: Filters, kits: dict[int, list[tuple[int, str]]]
) -> dict[int, Around]:
    ids = sorted(item_ids)
    if not uow.actor.may("totals.read"):
        return {item_id: Around(kits=kits.get(item_id, [])) for item_id in ids}
    names: dict[int, str] = {}
    county_names: dict[int, str] = {}
    homes: dict[int, tuple[int, str]] = {}
    for warehouse, county in queries.homes(uow.session):
        names[warehouse.id], county_names[county.id] = warehouse.name, county.name
        homes.setdefault(county.id, (warehouse.id, warehouse.name))
    lacks: dict[int, list[Lack]] = defaultdict(list)
    for row in totals.totals(uow, today=filters.today, item_ids=ids):
        if row.least is not None and row.available < row.least:
            lack = Lack(row.warehouse_id, row.county_id, names[row.warehouse_id], row.least - row.available)
            lacks[row.item_id].append(lack)
    wanted = needs.wanted(uow, ids)
    return {
        item_id: Around(
            wanted=wanted[item_id].quantity if item_id in wanted else 0,
            wanted_by_county=wanted[item_id].by_county if item_id in wanted else {},
            lacks=lacks[item_id],
            kits=kits.get(item_id, []),
            homes=homes,
            county_names=county_names,
        )
        for item_id in ids
    }


# Levels -------------------------------------------------------------------------------------------------------------


def refills(uow: UnitOfWork, lines: Sequence[LevelLine], *, today: date) -> dict[int, Refill]:
    """Return for each level that is not reached how it could be: from whose surplus, and how much to ask donors for."""
    short = [line for line in lines if line.below]
    sources: dict[int, list[Source]] = defaultdict(list)
    if uow.actor.may("totals.read"):
        names = {warehouse.id: warehouse.name for warehouse, _ in queries.homes(uow.session)}
        for row in totals.totals(uow, today=today, item_ids=sorted({line.item.id for line in short})):
            spare = surplus(row.available, row.least, row.most)
            if spare:
                sources[row.item_id].append(Source(row.warehouse_id, names[row.warehouse_id], spare))
    return {
        line.level.id: refill(
            available=line.available,
            coming=line.coming,
            least=line.level.least,
            most=line.level.most,
            sources=[each for each in sources[line.item.id] if each.warehouse_id != line.warehouse.id],
        )
        for line in short
    }


# The past -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PastLine:
    """What there was of an item, in a category or in a warehouse, and what it was worth."""

    id: int
    name: str
    sub: str
    quantity: int | None
    """None where different things are counted together."""
    unit: str | None
    weight_g: int
    value: int


@dataclass(frozen=True)
class Past:
    """The stock at the end of a day."""

    day: date
    lines: Sequence[PastLine]
    value: int
    weight_g: int


def stock_at(uow: UnitOfWork, filters: Filters, *, on: date, clock: str = "recorded", by: str = "item") -> Past:
    """Return what there was at the end of a day and what it was worth, by item, category or warehouse."""
    if on > filters.today:
        raise DayToCome
    homes = warehouses_asked(uow, warehouse_id=filters.warehouse_id, county_id=filters.county_id)
    item_ids: list[int] | None = None
    if filters.category_id is not None or filters.storage_class or filters.q:
        item_ids = queries.item_ids(uow.session, filters)
    rows = past.stock_at(uow, day=on, clock=clock, warehouse_ids=[each.id for each in homes], item_ids=item_ids)
    lines = _past_lines(uow, rows, by, filters.language, {each.id: each for each in homes})
    return Past(on, lines, sum(row.value for row in rows), sum(row.weight_g for row in rows))


def _past_lines(
    uow: UnitOfWork, rows: Sequence[past.Then], by: str, language: str, homes: dict[int, Warehouse]
) -> list[PastLine]:
    items = catalogue.items_by_id(uow.session, {row.item_id for row in rows})
    names = queries.category_names(uow.session, language) if by == "category" else {}
    grouped: dict[int, list[past.Then]] = defaultdict(list)
    for row in rows:
        key = row.item_id if by == "item" else row.warehouse_id
        grouped[items[row.item_id].category_id if by == "category" else key].append(row)
    lines = []
    for key, of in grouped.items():
        sub, unit, quantity = "", None, None
        if by == "item":
            item = items[key]
            name, sub, quantity = item.name(language), item.code, sum(row.quantity for row in of)
            unit = item.unit_name_en if language == "en" else item.unit_name_hu
        elif by == "warehouse":
            name, sub = homes[key].name, homes[key].code
        else:
            name = names[key]
        weight, value = sum(row.weight_g for row in of), sum(row.value for row in of)
        lines.append(PastLine(key, name, sub, quantity, unit, weight, value))
    return sorted(lines, key=lambda line: (-line.value, line.name, line.id))


# The way of a lot ---------------------------------------------------------------------------------------------------


def history(uow: UnitOfWork, lot_id: int) -> dict[str, Any]:
    """Return everything that is known of the way of a lot, as far as the actor may know it."""
    found = stock.lot(uow.session, uow.actor, lot_id)
    parents, children = queries.kin(uow.session, lot_id)
    return {
        "lot": found,
        "origin": queries.origin(uow.session, uow.actor, lot_id),
        "pieces": queries.pieces_by_kind(uow.session, uow.actor, lot_id),
        "parents": parents,
        "children": children,
        "movements": stock.way_of_lot(uow.session, uow.actor, lot_id, most=STEPS_MAX),
        "transfers": queries.transfers_of(uow.session, uow.actor, lot_id),
        "parcels": queries.parcels_of(uow.session, uow.actor, [lot_id, *(each.lot_id for each in children)]),
    }


# Gifts --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gift:
    """Where an offer's goods went, as counts."""

    offer: Any
    lines: Sequence[Any]
    lots: int
    received: int
    stored: int
    travelling: int
    """Between warehouses, or on a vehicle."""
    handed_over: int
    lost: int
    made_into: int
    """Pieces that became part of something else."""
    parcels: int
    settlements: int


def gift(uow: UnitOfWork, offer_id: int) -> Gift:
    """Return where the goods of an offer are now: counts, never a family."""
    offer = queries.offer(uow.session, uow.actor, offer_id)
    lines = queries.lots_of_offer(uow.session, uow.actor, offer_id)
    own = sorted({row[0] for row in lines})
    every = queries.descendants(uow.session, own) if own else []
    kinds = totals.whereabouts(uow, own) if own else {}
    parcels, settlements = delivery.handed_over(uow, every) if every else (0, 0)
    return Gift(
        offer=offer,
        lines=lines,
        lots=len(own),
        received=sum(row[2] for row in lines),
        stored=sum(kinds.get(kind, 0) for kind in ("dock", "shelf", "quarantine", "staging")),
        travelling=kinds.get("vehicle", 0) + max(0, kinds.get("in_transit", 0)),
        handed_over=kinds.get("handed_over", 0),
        lost=max(0, kinds.get("loss", 0)),
        made_into=max(0, kinds.get("conversion", 0)),
        parcels=parcels,
        settlements=settlements,
    )
