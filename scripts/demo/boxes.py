"""A pallet with a box or two in each warehouse of the invented country, and an open box on its dock."""

from __future__ import annotations

from random import Random
from uuid import UUID

from sqlalchemy import func, select

from app.boxes import service as boxes
from app.catalogue.models import Item
from app.foundation.unit_of_work import UnitOfWork
from app.stock.models import Balance, Lot, LotState, Place, PlaceKind, Warehouse

SOME = 24
"""At most so many of a lot in a box."""


def pack(uow: UnitOfWork, opened: list[Warehouse]) -> None:
    """Put some of one or two lots of each warehouse into boxes on a pallet; one more box waits to be filled."""
    chance = Random(1_959)
    rank = func.row_number().over(partition_by=Balance.warehouse_id, order_by=(Balance.expires_on.desc(), Balance.id))
    ranked = (
        select(
            Balance.warehouse_id,
            Balance.lot_id,
            Balance.place_id,
            (Balance.on_hand - Balance.reserved).label("there"),
            rank.label("rank"),
        )
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Place, Place.id == Balance.place_id)
        .join(Item, Item.id == Balance.item_id)
        .where(
            Balance.guarded,
            Balance.on_hand >= 8,
            Lot.state == LotState.FREE,
            Place.kind == PlaceKind.SHELF,
            Item.storage_class == "ambient",
        )
        .subquery()
    )
    lots: dict[int, list[tuple[int, int, int]]] = {}
    for row in uow.session.execute(select(ranked).where(ranked.c.rank <= 2)):
        lots.setdefault(row.warehouse_id, []).append((row.lot_id, row.place_id, row.there))
    docks = {
        place.warehouse_id: place.id
        for place in uow.session.scalars(select(Place).where(Place.kind == PlaceKind.DOCK).order_by(Place.id.desc()))
    }
    for number, warehouse in enumerate(opened):
        pallet = None
        for lot_id, place_id, there in lots.get(warehouse.id, [])[: 2 - number % 2]:
            if pallet is None:
                pallet = boxes.open_box(uow, operation_id=_number(chance), place_id=place_id, kind="pallet")
            box = boxes.open_box(uow, operation_id=_number(chance), place_id=pallet.place_id)
            boxes.fill_box(
                uow,
                operation_id=_number(chance),
                box_id=box.id,
                lot_id=lot_id,
                from_place_id=place_id,
                quantity=min(there // 2, chance.randint(6, SOME)),
            )
            boxes.close_box(uow, box_id=box.id)
        boxes.open_box(uow, operation_id=_number(chance), place_id=docks[warehouse.id])


def _number(chance: Random) -> UUID:
    return UUID(int=chance.getrandbits(128), version=4)
