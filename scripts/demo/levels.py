"""How much of some items each warehouse of the invented country should have: some of it is there, some is not."""

from __future__ import annotations

from random import Random

from sqlalchemy import func, insert, select

from app.catalogue.models import Item
from app.foundation.unit_of_work import UnitOfWork
from app.stock.models import Balance, StockLevel, Warehouse

ITEMS = 12


def set_them(uow: UnitOfWork, chance: Random) -> None:
    """Set levels of the same items everywhere, near to what there is, so that some are kept and some are not."""
    opened = list(uow.session.scalars(select(Warehouse).order_by(Warehouse.id)))
    items = list(uow.session.scalars(select(Item).where(Item.retired_at.is_(None)).order_by(Item.id)))
    chosen = items[:: max(1, len(items) // ITEMS)][:ITEMS]
    there: dict[tuple[int, int], int] = {
        (row[0], row[1]): int(row[2])
        for row in uow.session.execute(
            select(Balance.warehouse_id, Balance.item_id, func.sum(Balance.on_hand))
            .where(Balance.guarded, Balance.on_hand > 0, Balance.item_id.in_([item.id for item in chosen]))
            .group_by(Balance.warehouse_id, Balance.item_id)
        )
    }
    rows = []
    for warehouse in opened:
        for item in chosen:
            usual = max(there.get((warehouse.id, item.id), 0), 4 * item.usual_quantity)
            least = max(1, round(usual * chance.choice((0.3, 0.5, 0.5, 0.8, 1.5))))
            most = round(least * chance.choice((2, 2.5, 3)))
            rows.append(
                {
                    "warehouse_id": warehouse.id,
                    "county_id": warehouse.county_id,
                    "item_id": item.id,
                    "least": least,
                    "most": most,
                    "version": 1,
                }
            )
    uow.session.execute(insert(StockLevel), rows)
