"""Reads of kits, of what can be made from what lies where, of conversions, and of what lots were made of what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Integer, and_, cast, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from app.accounts import queries as accounts
from app.catalogue.models import Item
from app.conversions.errors import NoSuchConversion, NoSuchKit
from app.conversions.models import Conversion, ConversionKind, ConversionLot, Kit, KitPart
from app.foundation.actor import Actor
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.scope import visible
from app.stock.models import Balance, Lot, LotState, Movement, Place, PlaceKind, Warehouse

PICKABLE = (PlaceKind.SHELF, PlaceKind.DOCK)
"""Where parts are taken from, unless places are named."""
ROOT = aliased(Place, name="root_place")


# Kits ---------------------------------------------------------------------------------------------------------------


def kit(session: Session, kit_id: int, *, locked: bool = False) -> Kit:
    """Return a kit with its parts."""
    statement = select(Kit).where(Kit.id == kit_id).options(selectinload(Kit.parts))
    if locked:
        statement = statement.with_for_update(of=Kit).execution_options(populate_existing=True)
    found = session.scalar(statement)
    if found is None:
        raise NoSuchKit(kit_id=kit_id)
    return found


def kit_of_item(session: Session, item_id: int) -> Kit | None:
    """Return how an item is made up."""
    return session.scalar(select(Kit).where(Kit.item_id == item_id).options(selectinload(Kit.parts)))


def kit_by_code(session: Session, code: str) -> Kit:
    """Return the kit of an item's code."""
    statement = select(Kit).join(Item, Item.id == Kit.item_id).where(Item.code == code.strip().upper())
    found = session.scalar(statement.options(selectinload(Kit.parts)))
    if found is None:
        raise NoSuchKit
    return found


def kits(session: Session, *, retired: bool = False) -> list[Kit]:
    """Return the kits by name."""
    statement = select(Kit).join(Item, Item.id == Kit.item_id).options(selectinload(Kit.parts))
    if not retired:
        statement = statement.where(Kit.retired_at.is_(None))
    return list(session.scalars(statement.order_by(Item.name_hu_key, Kit.id)))


def items_of(session: Session, kits: Iterable[Kit]) -> dict[int, Item]:
    """Return the items of kits and of their parts, by their ids."""
    ids = {each.item_id for each in kits} | {part.item_id for each in kits for part in each.parts}
    return {item.id: item for item in session.scalars(select(Item).where(Item.id.in_(ids)))} if ids else {}


def available(session: Session, actor: Actor, item_ids: Iterable[int], today: date) -> dict[int, dict[int, int]]:
    """Return how much of each item may be taken, by warehouse: free, not expired, with days enough left."""
    ids = set(item_ids)
    if not ids:
        return {}
    statement = (
        select(Balance.warehouse_id, Balance.item_id, func.sum(Balance.on_hand - Balance.reserved))
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Place, Place.id == Balance.place_id)
        .outerjoin(ROOT, ROOT.id == Place.root_id)
        .join(Item, Item.id == Balance.item_id)
        .where(
            visible(actor, "stock.read", Balance),
            Balance.stocked,
            Balance.item_id.in_(ids),
            Balance.on_hand > Balance.reserved,
            Lot.state == LotState.FREE,
            func.coalesce(ROOT.kind, Place.kind).in_(PICKABLE),
            Balance.expires_on >= literal(today, Date) + cast(Item.shelf_life_left_days_min, Integer),
        )
        .group_by(Balance.warehouse_id, Balance.item_id)
    )
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for warehouse_id, item_id, quantity in session.execute(statement):
        found[warehouse_id][item_id] = int(quantity)
    return dict(found)


@dataclass(frozen=True)
class PartLot:
    """What a place holds of a lot of a part."""

    balance: Balance
    lot: Lot
    place: Place
    item: Item


def part_lots(
    session: Session,
    actor: Actor,
    warehouse_id: int,
    item_ids: Iterable[int],
    place_ids: Sequence[int] | None = None,
) -> list[PartLot]:
    """Return the lots of parts in a warehouse, in its pickable places or in those that are named."""
    statement = (
        select(Balance, Lot, Place, Item)
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Place, Place.id == Balance.place_id)
        .outerjoin(ROOT, ROOT.id == Place.root_id)
        .join(Item, Item.id == Balance.item_id)
        .options(joinedload(Place.root))
        .where(
            visible(actor, "stock.read", Balance),
            Balance.stocked,
            Balance.warehouse_id == warehouse_id,
            Balance.item_id.in_(set(item_ids)),
            Balance.on_hand > Balance.reserved,
        )
        .order_by(Balance.expires_on, Balance.id)
    )
    if place_ids:
        wanted = list(place_ids)
        statement = statement.where(or_(Place.id.in_(wanted), Place.root_id.in_(wanted)))
        statement = statement.where(func.coalesce(ROOT.kind, Place.kind).in_((*PICKABLE, PlaceKind.STAGING)))
    else:
        statement = statement.where(func.coalesce(ROOT.kind, Place.kind).in_(PICKABLE))
    return [PartLot(*row) for row in session.execute(statement)]


def last_lot(session: Session, actor: Actor, warehouse_id: int, item_id: int) -> PartLot | None:
    """Return the lot of an item that was handled last on a shelf or dock of a warehouse, though nothing is left."""
    statement = (
        select(Balance, Lot, Place, Item)
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Place, Place.id == Balance.place_id)
        .join(Item, Item.id == Balance.item_id)
        .where(
            visible(actor, "stock.read", Balance),
            Balance.guarded,
            Balance.warehouse_id == warehouse_id,
            Lot.item_id == item_id,
            Place.kind.in_(PICKABLE),
        )
        .order_by(Balance.id.desc())
        .limit(1)
    )
    row = session.execute(statement).first()
    return PartLot(*row) if row else None


def free_of(session: Session, actor: Actor, lot_id: int, place_id: int) -> int:
    """Return how much of a lot in a place nobody has spoken for."""
    statement = select(Balance.on_hand - Balance.reserved).where(
        Balance.lot_id == lot_id, Balance.place_id == place_id, visible(actor, "stock.read", Balance)
    )
    return session.scalar(statement) or 0


def convertible(session: Session, actor: Actor, lot_id: int) -> list[PartLot]:
    """Return where a lot lies and can be taken from."""
    statement = (
        select(Balance, Lot, Place, Item)
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Place, Place.id == Balance.place_id)
        .join(Item, Item.id == Balance.item_id)
        .options(joinedload(Place.root))
        .where(
            visible(actor, "stock.read", Balance),
            Balance.guarded,
            Balance.lot_id == lot_id,
            Balance.on_hand > Balance.reserved,
        )
        .order_by(Place.code)
    )
    return [PartLot(*row) for row in session.execute(statement)]


# Conversions --------------------------------------------------------------------------------------------------------


def of_operation(session: Session, operation_id: UUID) -> Conversion | None:
    """Return what an operation converted before."""
    return session.scalar(select(Conversion).where(Conversion.operation_id == operation_id))


def conversion(session: Session, actor: Actor, conversion_id: int, *, locked: bool = False) -> Conversion:
    """Return a conversion that the actor may see."""
    statement = select(Conversion).where(Conversion.id == conversion_id, visible(actor, "stock.read", Conversion))
    if locked:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(statement)
    if found is None:
        raise NoSuchConversion(conversion_id=conversion_id)
    return found


@dataclass(frozen=True)
class LotRow:
    """A lot that went in or came out."""

    part: ConversionLot
    lot: Lot
    item: Item
    place: Place

    @property
    def weight_g(self) -> int:
        """Return what it weighs."""
        return self.item.weight_mg * self.part.quantity // 1000


def lots_of(session: Session, conversion_ids: Iterable[int]) -> dict[int, list[LotRow]]:
    """Return what went into conversions and what came out, in order."""
    statement = (
        select(ConversionLot, Lot, Item, Place)
        .join(Lot, Lot.id == ConversionLot.lot_id)
        .join(Item, Item.id == Lot.item_id)
        .join(Place, Place.id == ConversionLot.place_id)
        .options(joinedload(Place.root))
        .where(ConversionLot.conversion_id.in_(list(conversion_ids)))
        .order_by(ConversionLot.comes_out, ConversionLot.id)
    )
    found: dict[int, list[LotRow]] = defaultdict(list)
    for row in session.execute(statement):
        found[row[0].conversion_id].append(LotRow(*row))
    return dict(found)


def lost_in(session: Session, found: Conversion) -> list[Movement]:
    """Return what was lost on the way."""
    statement = select(Movement).where(Movement.operation_id == found.operation_id, Movement.kind == "lose")
    return list(session.scalars(statement.order_by(Movement.line)))


@dataclass(frozen=True)
class ConversionRow:
    """A conversion in a list."""

    conversion: Conversion
    went_in: Sequence[LotRow]
    came_out: Sequence[LotRow]
    warehouse: str
    who: str | None


def conversion_page(
    session: Session,
    actor: Actor,
    *,
    warehouse_id: int | None = None,
    kind: str | None = None,
    kit_id: int | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[ConversionRow]:
    """Return one page of conversions, the newest first."""
    statement = select(Conversion).where(visible(actor, "stock.read", Conversion))
    for column, value in (
        (Conversion.warehouse_id, warehouse_id),
        (Conversion.kind, kind),
        (Conversion.kit_id, kit_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    found = page(session, statement, order=[Conversion.id], after=after, size=size, descending=True)
    lots = lots_of(session, [each.id for each in found.rows])
    homes = {row[0]: row[1] for row in session.execute(select(Warehouse.id, Warehouse.name))}
    names = accounts.names_of(session, [each.done_by_id for each in found.rows])
    rows = [
        ConversionRow(
            conversion=each,
            went_in=[row for row in lots.get(each.id, []) if not row.part.comes_out],
            came_out=[row for row in lots.get(each.id, []) if row.part.comes_out],
            warehouse=homes.get(each.warehouse_id, ""),
            who=names.get(each.done_by_id or 0),
        )
        for each in found.rows
    ]
    return Page(rows, found.next_after)


# What was made of what ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Making:
    """How a lot of kits was made up, and what taking some apart gave back already."""

    conversion: Conversion
    made: int
    went_in: Sequence[tuple[int, int, int]]
    """(lot, item, quantity), in the order in which they were taken."""
    came_back: dict[int, int]
    """Lot → quantity."""


def making_of(session: Session, lot_id: int) -> Making | None:
    """Return how a lot of kits was made up; None where it came ready-made."""
    made = session.execute(
        select(Conversion, ConversionLot.quantity)
        .join(ConversionLot, ConversionLot.conversion_id == Conversion.id)
        .where(
            ConversionLot.lot_id == lot_id,
            ConversionLot.comes_out,
            Conversion.kind == ConversionKind.KIT,
            Conversion.undone_at.is_(None),
        )
    ).first()
    if made is None:
        return None
    went_in = session.execute(
        select(ConversionLot.lot_id, Lot.item_id, ConversionLot.quantity)
        .join(Lot, Lot.id == ConversionLot.lot_id)
        .where(ConversionLot.conversion_id == made[0].id, ~ConversionLot.comes_out)
        .order_by(ConversionLot.id)
    ).all()
    inside, back = aliased(ConversionLot), aliased(ConversionLot)
    came_back = session.execute(
        select(back.lot_id, func.sum(back.quantity))
        .join(Conversion, Conversion.id == back.conversion_id)
        .join(inside, and_(inside.conversion_id == Conversion.id, ~inside.comes_out))
        .where(
            inside.lot_id == lot_id,
            back.comes_out,
            Conversion.kind == ConversionKind.TAKE_APART,
            Conversion.undone_at.is_(None),
        )
        .group_by(back.lot_id)
    )
    return Making(
        conversion=made[0],
        made=made[1],
        went_in=[(row[0], row[1], row[2]) for row in went_in],
        came_back={row[0]: int(row[1]) for row in came_back},
    )


@dataclass(frozen=True)
class Link:
    """A lot went into a conversion out of which another came."""

    conversion_id: int
    kind: str
    parent_lot_id: int
    parent_quantity: int
    child_lot_id: int
    child_quantity: int
    happened_at: datetime


def parents_of(session: Session, lot_ids: Iterable[int]) -> list[Link]:
    """Return what some lots were made of, one step back: kits of their parts, repacked goods of what they were.

    Conversions that were taken back are left out. A part that came back from a kit has that kit among its parents:
    whoever walks on must remember where they have been.
    """
    return _links(session, lot_ids, "child")


def children_of(session: Session, lot_ids: Iterable[int]) -> list[Link]:
    """Return what was made of some lots, one step on. The same holds as for ``parents_of``."""
    return _links(session, lot_ids, "parent")


def _links(session: Session, lot_ids: Iterable[int], end: str) -> list[Link]:
    ids = list(lot_ids)
    if not ids:
        return []
    parent, child = aliased(ConversionLot), aliased(ConversionLot)
    statement = (
        select(
            Conversion.id,
            Conversion.kind,
            parent.lot_id,
            parent.quantity,
            child.lot_id,
            child.quantity,
            Conversion.happened_at,
        )
        .join(parent, and_(parent.conversion_id == Conversion.id, ~parent.comes_out))
        .join(child, and_(child.conversion_id == Conversion.id, child.comes_out))
        .where((parent if end == "parent" else child).lot_id.in_(ids), Conversion.undone_at.is_(None))
        .order_by(Conversion.id, parent.id, child.id)
    )
    return [Link(*row) for row in session.execute(statement)]


def made_with(session: Session, lot_id: int) -> list[int]:
    """Return the lots that hold some of a lot: kits and repacked goods, as far as it goes.

    Parts that came back from a kit are lots of their own again: they hold nothing of their neighbours.
    """
    seen, turn = {lot_id}, {lot_id}
    while turn:
        links = children_of(session, turn)
        own = _opened_by(session, [link for link in links if link.kind == ConversionKind.TAKE_APART])
        turn = {
            link.child_lot_id
            for link in links
            if link.kind != ConversionKind.TAKE_APART or (link.conversion_id, link.child_lot_id) in own
        } - seen
        seen |= turn
    return sorted(seen - {lot_id})


def _opened_by(session: Session, links: Sequence[Link]) -> set[tuple[int, int]]:
    """Return which (conversion, lot) of the links is a lot that the conversion itself opened."""
    keys = {(f"A-{link.conversion_id}", link.child_lot_id): (link.conversion_id, link.child_lot_id) for link in links}
    if not keys:
        return set()
    found = session.execute(select(Lot.source, Lot.id).where(tuple_(Lot.source, Lot.id).in_(list(keys))))
    return {keys[str(row[0]), row[1]] for row in found}


def parts_in_use(session: Session) -> dict[int, set[int]]:
    """Return of each item that is a kit, of what items it is made up."""
    found: dict[int, set[int]] = defaultdict(set)
    for item_id, part_id in session.execute(select(Kit.item_id, KitPart.item_id).join(Kit, Kit.id == KitPart.kit_id)):
        found[item_id].add(part_id)
    return dict(found)


def movements_of(session: Session, operation_id: UUID) -> list[Any]:
    """Return the numbers of the movements of a conversion."""
    statement = select(Movement.id).where(Movement.operation_id == operation_id).order_by(Movement.id)
    return list(session.scalars(statement))
