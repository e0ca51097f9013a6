"""What a phone needs to know of one warehouse: a fixed number of statements, however much lies there.

Parcels are codes: no household, no settlement. A stocktake says where to count, never what the books expect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from app.boxes.models import Box, BoxState
from app.catalogue.models import Category, Item, Pack
from app.delivery.models import Parcel, Run, RunState, Stop, Vehicle
from app.donations.models import Donor, Offer, OfferLine, OfferState
from app.foundation.actor import Actor
from app.foundation.scope import visible
from app.stock import queries as stock
from app.stock.models import Balance, Lot, Place, Reservation, ReservationState, Warehouse
from app.stocktakes.models import Stocktake, StocktakeState
from app.transfers.models import Transfer, TransferLine, TransferLot, TransferState

Rows = list[list[Any]]
FAR = date(9999, 12, 31)
TO_LOAD = (RunState.PUBLISHED, RunState.LOADING, RunState.ON_THE_ROAD)
ON_ITS_WAY = (TransferState.REQUESTED, TransferState.PICKED, TransferState.IN_TRANSIT)


def warehouses(session: Session, actor: Actor) -> list[Warehouse]:
    """Return the warehouses where the actor works with the stock."""
    statement = select(Warehouse).where(visible(actor, "stock.operate", Warehouse))
    return list(session.scalars(statement.order_by(Warehouse.name, Warehouse.id)))


def parts(session: Session, actor: Actor, warehouse: Warehouse, names: Iterable[str]) -> dict[str, Rows]:
    """Return the named parts of the snapshot of a warehouse."""
    return {name: _PARTS[name](session, actor, warehouse) for name in names}


def _places(session: Session, actor: Actor, warehouse: Warehouse) -> Rows:
    statement = (
        select(Place.id, Place.code, Place.kind, Place.storage_class)
        .where(
            visible(actor, "stock.read", Place),
            Place.warehouse_id == warehouse.id,
            Place.kind.in_(stock.REAL_KINDS),
            Place.retired_at.is_(None),
        )
        .order_by(Place.id)
    )
    return [list(row) for row in session.execute(statement)]


def _items(session: Session, actor: Actor, warehouse: Warehouse) -> Rows:
    packs: dict[int, list[list[Any]]] = defaultdict(list)
    for item_id, gtin, quantity in session.execute(
        select(Pack.item_id, Pack.gtin, Pack.quantity).order_by(Pack.item_id, Pack.quantity, Pack.gtin)
    ):
        packs[item_id].append([gtin, quantity])
    statement = (
        select(Item, Category.name_hu, Category.name_en)
        .join(Category, Category.id == Item.category_id)
        .where(Item.retired_at.is_(None))
        .order_by(Item.id)
    )
    return [
        [
            *(item.id, item.code, item.name_hu, item.name_en, item.unit_name_hu, item.unit_name_en),
            *(int(item.tracks_expiry), item.shelf_life_left_days_min, item.icon, category_hu, category_en),
            packs.get(item.id, []),
        ]
        for item, category_hu, category_en in session.execute(statement)
    ]


def _lots(session: Session, actor: Actor, warehouse: Warehouse) -> Rows:
    statement = (
        select(
            *(Balance.lot_id, Balance.item_id, Balance.place_id, Balance.on_hand - Balance.reserved, Balance.on_hand),
            *(Balance.expires_on, Lot.use_by, Lot.state, Lot.batch),
        )
        .join(Lot, Lot.id == Balance.lot_id)
        .where(
            visible(actor, "stock.read", Balance),
            Balance.warehouse_id == warehouse.id,
            Balance.stocked,
        )
        .order_by(Balance.id)
    )
    return [
        [*row[:5], None if row[5] == FAR else row[5].isoformat(), int(row[6]), row[7], row[8]]
        for row in session.execute(statement)
    ]


def _runs(session: Session, actor: Actor, warehouse: Warehouse) -> Rows:
    statement = (
        select(Run, Vehicle.plate)
        .join(Vehicle, Vehicle.id == Run.vehicle_id)
        .where(
            visible(actor, "runs.load", Run),
            Run.warehouse_id == warehouse.id,
            Run.state.in_([str(state) for state in TO_LOAD]),
        )
        .order_by(Run.on, Run.number, Run.id)
    )
    runs = session.execute(statement).all()
    parcels: dict[int, list[list[Any]]] = defaultdict(list)
    if runs:
        of_runs = (
            select(Stop.run_id, Parcel.id, Parcel.state, Stop.position, Parcel.weight_g)
            .join(Stop, Stop.id == Parcel.stop_id)
            .where(visible(actor, "runs.load", Parcel), Stop.run_id.in_([run.id for run, _ in runs]))
            .order_by(Stop.position.desc(), Parcel.id)
        )
        for run_id, *parcel in session.execute(of_runs):
            parcels[run_id].append(parcel)
    return [
        [run.id, run.on.isoformat(), run.number, run.state, plate, run.departs_at.isoformat(), parcels[run.id]]
        for run, plate in runs
    ]


def _boxes(session: Session, actor: Actor, warehouse: Warehouse) -> Rows:
    statement = (
        select(Box.id, Box.sscc, Box.kind, Box.state, Box.place_id, Place.parent_id, Place.root_id)
        .join(Place, Place.id == Box.place_id)
        .where(
            visible(actor, "stock.read", Box), Box.warehouse_id == warehouse.id, Box.state != str(BoxState.DISSOLVED)
        )
        .order_by(Box.id)
    )
    return [list(row) for row in session.execute(statement)]


def _offers(session: Session, actor: Actor, warehouse: Warehouse) -> Rows:
    statement = (
        select(Offer.id, Donor.name, Offer.until, OfferLine)
        .join(Donor, Donor.id == Offer.donor_id)
        .join(OfferLine, OfferLine.offer_id == Offer.id)
        .where(
            visible(actor, "donations.receive", Offer),
            Offer.warehouse_id == warehouse.id,
            Offer.state.in_([str(OfferState.ACCEPTED), str(OfferState.ARRIVED)]),
        )
        .order_by(Offer.id, OfferLine.id)
    )
    offers: dict[int, list[Any]] = {}
    for id, donor, until, line in session.execute(statement):
        offer = offers.setdefault(id, [id, donor, until.isoformat() if until else None, []])
        expires_on = line.expires_on.isoformat() if line.expires_on else None
        offer[3].append([line.id, line.item_id, line.quantity, line.arrived, expires_on, line.unit_value_huf])
    return list(offers.values())


def _transfers(session: Session, actor: Actor, warehouse: Warehouse) -> Rows:
    other = aliased(Warehouse)
    statement = (
        select(Transfer, other.code)
        .join(other, or_(other.id == Transfer.from_warehouse_id, other.id == Transfer.to_warehouse_id))
        .where(
            visible(actor, "transfers.read", Transfer),
            or_(Transfer.from_warehouse_id == warehouse.id, Transfer.to_warehouse_id == warehouse.id),
            other.id != warehouse.id,
            Transfer.state.in_([str(state) for state in ON_ITS_WAY]),
        )
        .order_by(Transfer.id)
    )
    found = session.execute(statement).all()
    if not found:
        return []
    ids = [transfer.id for transfer, _ in found]
    lines: dict[int, Rows] = defaultdict(list)
    for transfer_id, *line in session.execute(
        select(TransferLine.transfer_id, TransferLine.id, TransferLine.item_id, TransferLine.quantity)
        .where(TransferLine.transfer_id.in_(ids))
        .order_by(TransferLine.id)
    ):
        lines[transfer_id].append(line)
    lots: dict[int, Rows] = defaultdict(list)
    for picked, item_id, expires_on in session.execute(
        select(TransferLot, Lot.item_id, Lot.expires_on)
        .join(Lot, Lot.id == TransferLot.lot_id)
        .where(TransferLot.transfer_id.in_(ids))
        .order_by(TransferLot.id)
    ):
        day = expires_on.isoformat() if expires_on else None
        lots[picked.transfer_id].append(
            [picked.id, picked.lot_id, item_id, picked.place_id, picked.quantity, picked.received, day, picked.box_id]
        )
    reserved: dict[int, Rows] = defaultdict(list)
    for transfer_id, *row in session.execute(
        select(Reservation.purpose_id, Reservation.lot_id, Reservation.place_id, Reservation.quantity)
        .where(
            Reservation.purpose_kind == "transfer",
            Reservation.purpose_id.in_([each.id for each, _ in found if each.from_warehouse_id == warehouse.id]),
            Reservation.state == ReservationState.PENDING,
        )
        .order_by(Reservation.id)
    ):
        reserved[transfer_id].append(row)
    return [
        [
            transfer.id,
            "out" if transfer.from_warehouse_id == warehouse.id else "in",
            code,
            transfer.state,
            transfer.expected_on.isoformat() if transfer.expected_on else None,
            lines[transfer.id],
            lots[transfer.id],
            reserved[transfer.id],
        ]
        for transfer, code in found
    ]


def _stocktakes(session: Session, actor: Actor, warehouse: Warehouse) -> Rows:
    statement = (
        select(Stocktake)
        .where(
            visible(actor, "stock.operate", Stocktake),
            Stocktake.warehouse_id == warehouse.id,
            Stocktake.state.in_([str(StocktakeState.COUNTING), str(StocktakeState.RECOUNTING)]),
        )
        .order_by(Stocktake.id)
    )
    return [
        [found.id, found.state, list(found.place_ids), list(found.category_ids), found.opened_at.isoformat()]
        for found in session.scalars(statement)
    ]


_PARTS: dict[str, Callable[[Session, Actor, Warehouse], Rows]] = {
    "places": _places,
    "items": _items,
    "lots": _lots,
    "runs": _runs,
    "boxes": _boxes,
    "offers": _offers,
    "transfers": _transfers,
    "stocktakes": _stocktakes,
}
