"""Reads for labels: what is to be printed, as far as the actor may see it. Constant numbers of statements."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.orm import Session, joinedload

from app.boxes.models import Box, BoxState
from app.catalogue.models import Item, Pack
from app.delivery.models import Parcel, Run, Stop
from app.donations.models import Offer
from app.foundation.actor import Actor
from app.foundation.scope import visible
from app.geography.models import Settlement
from app.stock.models import Balance, Lot, Place, PlaceKind, Warehouse
from app.stocktakes.models import Stocktake
from app.transfers.models import Transfer

PLACES = (PlaceKind.SHELF, PlaceKind.DOCK, PlaceKind.QUARANTINE, PlaceKind.STAGING, PlaceKind.VEHICLE)
"""Kinds of places that can carry a label; boxes have their own."""


@dataclass(frozen=True)
class PlacesAsked:
    """Which places: these, or those of a warehouse whose codes lie between two codes or begin alike."""

    ids: Collection[int] = ()
    warehouse_id: int | None = None
    first: str | None = None
    last: str | None = None
    kind: str | None = None


def places(session: Session, actor: Actor, asked: PlacesAsked, *, most: int) -> list[Place]:
    """Return places by code, at most one more than ``most``."""
    statement = (
        select(Place)
        .where(visible(actor, "stock.operate", Place), Place.kind.in_(PLACES), Place.retired_at.is_(None))
        .options(joinedload(Place.warehouse))
        .order_by(Place.code)
        .limit(most + 1)
    )
    if asked.ids:
        statement = statement.where(Place.id.in_(asked.ids))
    if asked.warehouse_id is not None:
        statement = statement.where(Place.warehouse_id == asked.warehouse_id)
    if asked.kind:
        statement = statement.where(Place.kind == asked.kind)
    if asked.first and asked.last:
        # Up to and with all that begins like the last code: MIS-A … MIS-B takes MIS-B-04 too.
        high = asked.last.upper() + "\U0010ffff"
        codes = Place.code.collate("C")
        statement = statement.where(codes >= asked.first.upper(), codes <= high)
    elif asked.first or asked.last:
        statement = statement.where(Place.code.istartswith(asked.first or asked.last, autoescape=True))
    return list(session.scalars(statement))


def lots(
    session: Session, actor: Actor, ids: Collection[int], *, place_id: int | None, most: int
) -> list[tuple[Lot, Item]]:
    """Return lots with their items: these, or those that lie in a place now."""
    seen = select(Balance.lot_id).where(visible(actor, "stock.operate", Balance))
    if place_id is not None:
        seen = seen.where(Balance.place_id == place_id, Balance.on_hand > 0)
    statement = select(Lot, Item).join(Item, Item.id == Lot.item_id).where(Lot.id.in_(seen))
    if ids:
        statement = statement.where(Lot.id.in_(ids))
    return [(lot, item) for lot, item in session.execute(statement.order_by(Lot.id).limit(most + 1))]


def boxes(
    session: Session, actor: Actor, ids: Collection[int], *, warehouse_id: int | None, kind: str | None, most: int
) -> list[Box]:
    """Return boxes and pallets: these, or those of a warehouse that are in use, the newest first."""
    statement = (
        select(Box)
        .where(visible(actor, "stock.operate", Box), Box.state != BoxState.DISSOLVED)
        .options(joinedload(Box.place))
        .order_by(Box.id.desc())
        .limit(most + 1)
    )
    if ids:
        statement = statement.where(Box.id.in_(ids))
    if warehouse_id is not None:
        statement = statement.where(Box.warehouse_id == warehouse_id)
    if kind:
        statement = statement.where(Box.kind == kind)
    return list(session.scalars(statement))


_CONTENTS = text(
    """
    WITH RECURSIVE inside AS (
        SELECT id AS top, id, place_id, 0 AS depth FROM box WHERE id = ANY (:boxes)
        UNION ALL
        SELECT inside.top, box.id, box.place_id, inside.depth + 1 FROM box JOIN inside ON box.parent_id = inside.id
        WHERE inside.depth < 20
    )
    SELECT top, lot.item_id, lot.expires_on, lot.use_by, lot.batch, sum(balance.on_hand)::bigint AS quantity
    FROM inside
    JOIN balance ON balance.place_id = inside.place_id AND balance.on_hand > 0
    JOIN lot ON lot.id = balance.lot_id
    GROUP BY top, lot.item_id, lot.expires_on, lot.use_by, lot.batch
    ORDER BY top, lot.item_id, lot.expires_on, lot.batch
    """
).bindparams(bindparam("boxes", type_=ARRAY(BIGINT)))


def contents(session: Session, box_ids: Sequence[int]) -> list[Row[Any]]:
    """Return what is in boxes and in the boxes in them: (top, item_id, expires_on, use_by, batch, quantity)."""
    return list(session.execute(_CONTENTS, {"boxes": list(box_ids)})) if box_ids else []


def items_with_packs(session: Session, ids: Collection[int]) -> tuple[dict[int, Item], dict[int, list[Pack]]]:
    """Return items, and their packs, the largest first."""
    items = {each.id: each for each in session.scalars(select(Item).where(Item.id.in_(ids)))}
    packs: dict[int, list[Pack]] = {}
    for pack in session.scalars(select(Pack).where(Pack.item_id.in_(ids)).order_by(Pack.quantity.desc(), Pack.id)):
        packs.setdefault(pack.item_id, []).append(pack)
    return items, packs


@dataclass(frozen=True)
class ParcelSeen:
    """What a parcel's label may say."""

    id: int
    weight_g: int
    storage_classes: Sequence[str]
    settlement: str
    run_number: int | None
    run_on: date | None
    stop: int | None


def parcels(session: Session, actor: Actor, ids: Collection[int], *, run_id: int | None, most: int) -> list[ParcelSeen]:
    """Return parcels in the order of loading: the last stop first. Nothing about whom they are for."""
    statement = (
        select(Parcel.id, Parcel.weight_g, Parcel.storage_classes, Settlement.name, Run.number, Run.on, Stop.position)
        .join(Settlement, Settlement.id == Parcel.settlement_id)
        .outerjoin(Stop, Stop.id == Parcel.stop_id)
        .outerjoin(Run, Run.id == Stop.run_id)
        .where(visible(actor, "runs.load", Parcel))
        .order_by(Stop.position.desc(), Parcel.id)
        .limit(most + 1)
    )
    if ids:
        statement = statement.where(Parcel.id.in_(ids))
    if run_id is not None:
        statement = statement.where(Stop.run_id == run_id)
    return [ParcelSeen(*row) for row in session.execute(statement)]


def runs(session: Session, actor: Actor, ids: Collection[int]) -> list[Run]:
    """Return runs by number, with their vehicles."""
    statement = select(Run).where(visible(actor, "runs.load", Run), Run.id.in_(ids)).options(joinedload(Run.vehicle))
    return list(session.scalars(statement.order_by(Run.id)))


def transfers(session: Session, actor: Actor, ids: Collection[int]) -> list[tuple[Transfer, str, str]]:
    """Return transfers with the names of both warehouses."""
    found = list(
        session.scalars(
            select(Transfer)
            .where(visible(actor, "transfers.read", Transfer), Transfer.id.in_(ids))
            .order_by(Transfer.id)
        )
    )
    ends = {each.from_warehouse_id for each in found} | {each.to_warehouse_id for each in found}
    names = {
        row.id: row.name for row in session.execute(select(Warehouse.id, Warehouse.name).where(Warehouse.id.in_(ends)))
    }
    return [(each, names[each.from_warehouse_id], names[each.to_warehouse_id]) for each in found]


def stocktakes(session: Session, actor: Actor, ids: Collection[int]) -> list[tuple[Stocktake, str]]:
    """Return stocktakes with the names of their warehouses."""
    statement = (
        select(Stocktake, Warehouse.name)
        .join(Warehouse, Warehouse.id == Stocktake.warehouse_id)
        .where(visible(actor, "stock.read", Stocktake), Stocktake.id.in_(ids))
        .order_by(Stocktake.id)
    )
    return [(found, name) for found, name in session.execute(statement)]


def offers(session: Session, actor: Actor, ids: Collection[int]) -> list[Offer]:
    """Return offers; a label never names the donor."""
    statement = select(Offer).where(visible(actor, "donations.read", Offer), Offer.id.in_(ids)).order_by(Offer.id)
    return list(session.scalars(statement))


def warehouses(session: Session, actor: Actor) -> list[Warehouse]:
    """Return the warehouses where the actor prints labels."""
    statement = select(Warehouse).where(visible(actor, "stock.operate", Warehouse)).order_by(Warehouse.name)
    return list(session.scalars(statement))


def runs_ahead(session: Session, actor: Actor, since: date, *, most: int = 30) -> list[Run]:
    """Return the runs from a day on, for a choice."""
    statement = (
        select(Run).where(visible(actor, "runs.load", Run), Run.on >= since).order_by(Run.on, Run.number).limit(most)
    )
    return list(session.scalars(statement.options(joinedload(Run.vehicle))))
