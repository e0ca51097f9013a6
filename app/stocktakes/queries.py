"""Reads of stocktakes. What the books hold is told only where the count of a place is closed, and to who decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, case, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from app.accounts.models import User
from app.catalogue import queries as catalogue
from app.catalogue.models import BaseUnit, Item
from app.foundation.actor import Actor
from app.foundation.bulk import among
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.scope import visible
from app.stock.errors import NoSuchLot
from app.stock.models import REAL, Balance, Lot, Place, PlaceKind, Voucher, Warehouse
from app.stocktakes import counting
from app.stocktakes.errors import NoSuchStocktake
from app.stocktakes.models import Count, Deed, Stocktake, StocktakeLine, StocktakePlace, StocktakeState

RUNNING = (StocktakeState.COUNTING, StocktakeState.RECOUNTING, StocktakeState.TO_APPROVE)
COUNTABLE = sorted(REAL - {PlaceKind.VEHICLE})
NO_EXPIRY = date(9999, 12, 31)


# Stocktakes ---------------------------------------------------------------------------------------------------------


def stocktake(session: Session, actor: Actor, stocktake_id: int) -> Stocktake:
    """Return a stocktake that the actor may see."""
    found = session.scalar(
        select(Stocktake).where(Stocktake.id == stocktake_id, visible(actor, "stock.read", Stocktake))
    )
    if found is None:
        raise NoSuchStocktake(stocktake_id=stocktake_id)
    return found


def stocktake_for(session: Session, actor: Actor, stocktake_id: int, *, alone: bool) -> Stocktake:
    """Return a stocktake under lock: alone to change it, beside others to count in it."""
    statement = (
        select(Stocktake)
        .where(Stocktake.id == stocktake_id, visible(actor, "stock.read", Stocktake))
        .with_for_update(read=not alone)
        .execution_options(populate_existing=True)
    )
    found = session.scalar(statement)
    if found is None:
        raise NoSuchStocktake(stocktake_id=stocktake_id)
    return found


@dataclass(frozen=True)
class StocktakeRow:
    """A stocktake with how far it is."""

    stocktake: Stocktake
    warehouse: str
    opened_by: str | None
    places: int
    counted: int
    recounts: int
    """Places that somebody else must count again."""


_OPENER = aliased(User, name="opener")


def _rows(actor: Actor) -> Any:
    progress = (
        select(
            StocktakePlace.stocktake_id,
            func.count().label("places"),
            func.count(StocktakePlace.first_at).label("counted"),
            func.count().filter(StocktakePlace.recount, StocktakePlace.second_at.is_(None)).label("recounts"),
        )
        .group_by(StocktakePlace.stocktake_id)
        .subquery()
    )
    return (
        select(
            Stocktake,
            Warehouse.name,
            _OPENER.name,
            func.coalesce(progress.c.places, 0),
            func.coalesce(progress.c.counted, 0),
            func.coalesce(progress.c.recounts, 0),
        )
        .join(Warehouse, Warehouse.id == Stocktake.warehouse_id)
        .outerjoin(_OPENER, _OPENER.id == Stocktake.opened_by_id)
        .outerjoin(progress, progress.c.stocktake_id == Stocktake.id)
        .where(visible(actor, "stock.read", Stocktake))
    )


def stocktake_page(
    session: Session,
    actor: Actor,
    *,
    view: str | None = None,
    warehouse_id: int | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[StocktakeRow]:
    """Return one page of stocktakes, the newest first; ``view``: running, posted or cancelled."""
    statement = _rows(actor)
    if view == "running":
        statement = statement.where(Stocktake.state.in_(RUNNING))
    elif view:
        statement = statement.where(Stocktake.state == view)
    if warehouse_id is not None:
        statement = statement.where(Stocktake.warehouse_id == warehouse_id)
    found = page(session, statement, order=[Stocktake.id], after=after, size=size, descending=True)
    return Page([StocktakeRow(*row) for row in found.rows], found.next_after)


def stocktake_row(session: Session, actor: Actor, stocktake_id: int) -> StocktakeRow:
    """Return a stocktake with how far it is."""
    row = session.execute(_rows(actor).where(Stocktake.id == stocktake_id)).first()
    if row is None:
        raise NoSuchStocktake(stocktake_id=stocktake_id)
    return StocktakeRow(*row)


def counts_by_view(session: Session, actor: Actor) -> dict[str, int]:
    """Return how many stocktakes run, are posted, are cancelled."""
    state = case((Stocktake.state.in_(RUNNING), "running"), else_=Stocktake.state)
    statement = select(state, func.count()).where(visible(actor, "stock.read", Stocktake)).group_by(state)
    return {row[0]: row[1] for row in session.execute(statement)}


def voucher_of(session: Session, stocktake: Stocktake) -> Voucher | None:
    """Return the record, if it is posted."""
    return session.get(Voucher, stocktake.voucher_id) if stocktake.voucher_id else None


# What is to be counted ----------------------------------------------------------------------------------------------

_BELOW = text(
    """
    WITH RECURSIVE below (id) AS (
        SELECT id FROM place WHERE id = ANY (CAST(:chosen AS bigint[]))
        UNION
        SELECT place.id FROM place JOIN below ON place.parent_id = below.id OR place.root_id = below.id
    )
    SELECT place.id FROM place JOIN below ON below.id = place.id
    WHERE place.warehouse_id = :warehouse AND place.kind = ANY (CAST(:kinds AS text[])) AND place.retired_at IS NULL
    ORDER BY place.id
    """
)


def places_below(session: Session, warehouse_id: int, chosen: Iterable[int]) -> list[int]:
    """Return places of a warehouse with their bins, and the boxes that stand on and in them."""
    parameters = {"chosen": list(chosen), "warehouse": warehouse_id, "kinds": COUNTABLE}
    return [row[0] for row in session.execute(_BELOW, parameters)]


def all_places(session: Session, warehouse_id: int) -> list[int]:
    """Return every place of a warehouse that can be counted."""
    statement = select(Place.id).where(
        Place.warehouse_id == warehouse_id, Place.kind.in_(COUNTABLE), Place.retired_at.is_(None)
    )
    return list(session.scalars(statement.order_by(Place.id)))


def places_holding(session: Session, place_ids: Sequence[int], category_ids: Iterable[int]) -> list[int]:
    """Return which of some places hold something of some categories by the books."""
    statement = (
        select(Balance.place_id)
        .join(Item, Item.id == Balance.item_id)
        .where(among(Balance.place_id, place_ids), Balance.on_hand != 0, Item.category_id.in_(list(category_ids)))
        .distinct()
    )
    return sorted(session.scalars(statement))


def categories_below(session: Session, category_ids: Iterable[int]) -> set[int]:
    """Return categories with all below them."""
    return {below for each in category_ids for below in catalogue.category_ids_below(session, each)}


def being_counted(session: Session, place_ids: Sequence[int]) -> list[tuple[str, Stocktake]]:
    """Return which of some places are in a stocktake that runs: (code, stocktake)."""
    statement = (
        select(Place.code, Stocktake)
        .join(StocktakePlace, StocktakePlace.place_id == Place.id)
        .join(Stocktake, Stocktake.id == StocktakePlace.stocktake_id)
        .where(among(Place.id, place_ids), Stocktake.state.in_(RUNNING))
        .order_by(Place.code)
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


@dataclass(frozen=True)
class PlaceRow:
    """A place of a stocktake and how far it is."""

    part: StocktakePlace
    place: Place
    stands_at: str | None
    """Of a bin or box: where it is now."""
    root_id: int
    counts: int
    """How many things were counted in it so far."""

    @property
    def state(self) -> str:
        """Return open, recount or done."""
        if self.part.first_at is None:
            return "open"
        return "recount" if self.part.recount and self.part.second_at is None else "done"


def place_rows(session: Session, stocktake_id: int) -> list[PlaceRow]:
    """Return the places of a stocktake by where they are, then by code."""
    root, parent = aliased(Place), aliased(Place)
    counted = (
        select(Count.place_id, func.count().label("number"))
        .where(Count.stocktake_id == stocktake_id, Count.deed == Deed.COUNTED)
        .group_by(Count.place_id)
        .subquery()
    )
    statement = (
        select(
            StocktakePlace,
            Place,
            func.coalesce(root.code, parent.code),
            func.coalesce(root.id, parent.id, Place.id),
            func.coalesce(counted.c.number, 0),
        )
        .join(Place, Place.id == StocktakePlace.place_id)
        .outerjoin(root, and_(root.id == Place.root_id, root.id != Place.id))
        .outerjoin(parent, parent.id == Place.parent_id)
        .outerjoin(counted, counted.c.place_id == Place.id)
        .where(StocktakePlace.stocktake_id == stocktake_id)
        .order_by(func.coalesce(root.code, parent.code, Place.code), Place.code)
    )
    return [PlaceRow(*row) for row in session.execute(statement)]


def part(session: Session, stocktake_id: int, place_id: int, *, lock: bool = False) -> StocktakePlace | None:
    """Return a place's part in a stocktake."""
    statement = select(StocktakePlace).where(
        StocktakePlace.stocktake_id == stocktake_id, StocktakePlace.place_id == place_id
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return session.scalar(statement)


def parts(session: Session, stocktake_id: int) -> list[StocktakePlace]:
    """Return the places of a stocktake."""
    return list(session.scalars(select(StocktakePlace).where(StocktakePlace.stocktake_id == stocktake_id)))


# Counts and books ---------------------------------------------------------------------------------------------------


def count_of_operation(session: Session, operation_id: Any) -> Count | None:
    """Return what an operation counted."""
    return session.scalar(select(Count).where(Count.operation_id == operation_id))


def counts(session: Session, stocktake_id: int, place_ids: Sequence[int] | None = None) -> list[counting.Counted]:
    """Return the rows of the counting, as values."""
    statement = select(
        Count.id, Count.round, Count.place_id, Count.deed, Count.lot_id, Count.item_id, Count.expires_on,
        Count.quantity, Count.counted_at, Count.counted_by_id,
    ).where(Count.stocktake_id == stocktake_id)  # fmt: skip
    if place_ids is not None:
        statement = statement.where(among(Count.place_id, place_ids))
    rows: Iterable[Any] = session.execute(statement.order_by(Count.id))
    return [counting.Counted(*row) for row in rows]


def counters(session: Session, stocktake_id: int, *, place_id: int | None = None, round: int | None = None) -> set[int]:
    """Return who counted in a stocktake, whatever became of their counts."""
    statement = select(Count.counted_by_id).where(Count.stocktake_id == stocktake_id, Count.counted_by_id.is_not(None))
    if place_id is not None:
        statement = statement.where(Count.place_id == place_id)
    if round is not None:
        statement = statement.where(Count.round == round)
    return {each for each in session.scalars(statement.distinct()) if each is not None}


def booked(session: Session, place_ids: Sequence[int], category_ids: Iterable[int] = ()) -> list[counting.Booked]:
    """Return what the books hold in some places now."""
    held = (
        select(Balance.lot_id, Balance.place_id, Balance.item_id, Lot.expires_on, Balance.on_hand, Item.base_unit)
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Item, Item.id == Balance.item_id)
        .where(among(Balance.place_id, place_ids))
    )
    chosen = list(category_ids)
    if chosen:
        held = held.where(Item.category_id.in_(chosen))
    return [
        counting.Booked(row[0], row[1], row[2], row[3], row[4], row[5] == BaseUnit.PIECE)
        for row in session.execute(held)
    ]


def choices(session: Session, stocktake_id: int) -> list[StocktakeLine]:
    """Return what was decided about lines, or said of them, before posting; after posting, all lines."""
    statement = select(StocktakeLine).where(StocktakeLine.stocktake_id == stocktake_id)
    return list(session.scalars(statement.order_by(StocktakeLine.place_id, StocktakeLine.lot_id)))


@dataclass(frozen=True)
class LineFacts:
    """What a reader wants to know about the lot of a line."""

    item: Item
    lot: Lot
    place: str

    @property
    def unit_value_huf(self) -> int:
        """Return the value of one base unit in hundredths of a forint."""
        return self.item.value_huf if self.lot.unit_value_huf is None else self.lot.unit_value_huf


def facts_of(session: Session, keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], LineFacts]:
    """Return item, lot and code by (place, lot)."""
    wanted = list(keys)
    lots = {
        lot.id: (lot, item)
        for lot, item in session.execute(
            select(Lot, Item).join(Item, Item.id == Lot.item_id).where(among(Lot.id, {lot for _, lot in wanted}))
        )
    }
    codes = {
        row[0]: row[1]
        for row in session.execute(select(Place.id, Place.code).where(among(Place.id, {place for place, _ in wanted})))
    }
    return {(place, lot): LineFacts(lots[lot][1], lots[lot][0], codes[place]) for place, lot in wanted}


# Counting on the floor ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ToCount:
    """A lot to be counted: never with what the books hold of it."""

    lot: Lot
    item: Item
    counted: int | None
    """What was counted so far in this round."""
    counted_by_id: int | None


def counted_so_far(session: Session, stocktake_id: int, place_id: int, round: int) -> dict[int, int]:
    """Return what stands as counted in a place and round, by lot."""
    rows = counting.standing(counts(session, stocktake_id, [place_id]), place_id, round)
    return {row.lot_id: row.quantity for row in rows if row.lot_id is not None}


def blind_list(
    session: Session, stocktake: Stocktake, place_id: int, round: int, *, only: Iterable[int] | None = None
) -> list[ToCount]:
    """Return the lots of a place for who counts: those of the books, and those found. No quantity of the books."""
    rows = counting.standing(counts(session, stocktake.id, [place_id]), place_id, round)
    so_far = {row.lot_id: row for row in rows if row.lot_id is not None}
    known = select(Balance.lot_id).where(Balance.place_id == place_id, Balance.on_hand != 0)
    statement = (
        select(Lot, Item)
        .join(Item, Item.id == Lot.item_id)
        .where(or_(Lot.id.in_(known), Lot.id.in_(list(so_far))))
        .order_by(Item.name_hu_key, Lot.expires_on, Lot.id)
    )
    if stocktake.category_ids:
        statement = statement.where(Item.category_id.in_(categories_below(session, stocktake.category_ids)))
    if only is not None:
        statement = statement.where(Lot.id.in_({*only, *so_far}))
    found = []
    for lot, item in session.execute(statement):
        row = so_far.get(lot.id)
        found.append(ToCount(lot, item, row.quantity if row else None, row.by if row else None))
    return found


@dataclass(frozen=True)
class SheetLine:
    """A line of the sheets for counting by hand."""

    place: str
    lot: Lot | None
    item: Item | None


def sheet_lines(session: Session, stocktake: Stocktake) -> list[SheetLine]:
    """Return what the sheets hold, by place, item and expiry; an empty place has a line too."""
    categories = sorted(categories_below(session, stocktake.category_ids))
    held = (
        select(Balance.place_id, Lot, Item)
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Item, Item.id == Balance.item_id)
        .join(StocktakePlace, StocktakePlace.place_id == Balance.place_id)
        .where(StocktakePlace.stocktake_id == stocktake.id, Balance.on_hand != 0)
        .order_by(Item.name_hu_key, Lot.expires_on, Lot.id)
    )
    if categories:
        held = held.where(Item.category_id.in_(categories))
    by_place: dict[int, list[tuple[Lot, Item]]] = {}
    for place_id, lot, item in session.execute(held):
        by_place.setdefault(place_id, []).append((lot, item))
    lines: list[SheetLine] = []
    for row in place_rows(session, stocktake.id):
        inside = by_place.get(row.place.id, [])
        lines += [SheetLine(row.place.code, lot, item) for lot, item in inside]
        if not inside:
            lines.append(SheetLine(row.place.code, None, None))
    return lines


def lot_here(session: Session, lot_id: int, warehouse_id: int) -> Lot:
    """Return a lot that was received in a warehouse, or lies there."""
    found = session.get(Lot, lot_id)
    lies = select(Balance.id).where(Balance.lot_id == lot_id, Balance.warehouse_id == warehouse_id).limit(1)
    if found is None or (found.warehouse_id != warehouse_id and session.scalar(lies) is None):
        raise NoSuchLot(lot_id=lot_id)
    return found


def lots_for(
    session: Session,
    *,
    item_id: int,
    warehouse_id: int,
    place_id: int | None,
    expires_on: date | None,
    batch: str | None,
) -> list[Lot]:
    """Return the lots of an item by what stands on the pack: those in a place, or in the whole warehouse."""
    statement = select(Lot).where(Lot.item_id == item_id).order_by(Lot.id.desc())
    if expires_on is not None:
        statement = statement.where(Lot.expires_on == expires_on)
    if batch is not None:
        statement = statement.where(Lot.batch == batch)
    if place_id is not None:
        here = select(Balance.lot_id).where(Balance.place_id == place_id, Balance.on_hand != 0)
        return list(session.scalars(statement.where(Lot.id.in_(here))))
    there = select(Balance.lot_id).where(
        Balance.warehouse_id == warehouse_id, Balance.guarded, Balance.item_id == item_id
    )
    found_before = and_(Lot.warehouse_id == warehouse_id, Lot.source.startswith("LEL-"))
    return list(session.scalars(statement.where(or_(Lot.id.in_(there), found_before)).limit(1)))


def replaced(session: Session, stocktake_id: int, place_id: int) -> list[tuple[Count, Item | None, str | None]]:
    """Return every count of a place as it was told, the newest first: what was replaced stays to be seen."""
    item = func.coalesce(Count.item_id, Lot.item_id)
    statement = (
        select(Count, Item, User.name)
        .outerjoin(Lot, Lot.id == Count.lot_id)
        .outerjoin(Item, Item.id == item)
        .outerjoin(User, User.id == Count.counted_by_id)
        .where(Count.stocktake_id == stocktake_id, Count.place_id == place_id)
        .order_by(Count.id.desc())
        .limit(200)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(statement)]


# Late entries -------------------------------------------------------------------------------------------------------

_COVERED = text(
    """
    SELECT part.place_id, lot.id, stocktake.id, coalesce(line.counted_at, part.first_at)
    FROM unnest(CAST(:places AS bigint[]), CAST(:lots AS bigint[])) AS moved (place_id, lot_id)
    JOIN lot ON lot.id = moved.lot_id
    JOIN item ON item.id = lot.item_id
    JOIN stocktake_place AS part ON part.place_id = moved.place_id AND part.first_at IS NOT NULL
    JOIN stocktake ON stocktake.id = part.stocktake_id AND stocktake.state = 'posted'
    LEFT JOIN stocktake_line AS line
           ON line.stocktake_id = stocktake.id AND line.place_id = moved.place_id AND line.lot_id = moved.lot_id
    WHERE (cardinality(stocktake.category_ids) = 0 OR item.category_id IN (
              WITH RECURSIVE below (id) AS (
                  SELECT unnest(stocktake.category_ids)
                  UNION SELECT category.id FROM category JOIN below ON category.parent_id = below.id
              ) SELECT id FROM below))
      AND coalesce(line.counted_at, part.first_at) >= :since
    ORDER BY stocktake.id
    """
)


def covered(
    session: Session, keys: Sequence[tuple[int, int]], since: datetime
) -> dict[tuple[int, int], tuple[int, datetime]]:
    """Return which (place, lot) a posted stocktake counted at or after a moment: (stocktake, when)."""
    parameters = {"places": [place for place, _ in keys], "lots": [lot for _, lot in keys], "since": since}
    return {(row[0], row[1]): (row[2], row[3]) for row in session.execute(_COVERED, parameters)}
