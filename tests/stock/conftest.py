"""A warehouse to test in."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.foundation.actor import Actor, Scope
from app.stock import ledger, operation_kinds, service
from app.stock.models import Balance, PlaceKind
from tests.builders import a_lot, a_place, a_warehouse, an_item, the_place


@dataclass
class Hall:
    """Ids of a warehouse, its places, and one lot on its shelf."""

    warehouse_id: int
    county_id: int
    item_id: int
    lot_id: int
    dock: int
    shelf: int
    other_shelf: int
    staging: int
    quarantine: int
    van: int
    donor: int
    out: int
    loss: int
    unknown: int

    def worker(self, role: str = "warehouse_worker", **more: Scope) -> Actor:
        """Return somebody who works here and nowhere else."""
        grants = {"stock.read": Scope.WAREHOUSE, "stock.operate": Scope.WAREHOUSE, "catalogue.read": Scope.ALL, **more}
        return Actor(7, "Worker", role, grants, {Scope.WAREHOUSE: (self.warehouse_id,)})


def build_hall(uow, on_shelf=10, **facts) -> Hall:
    """Make a warehouse with a van and one lot."""
    warehouse = a_warehouse(uow)
    item = an_item(uow)
    van, other = a_place(uow, warehouse, PlaceKind.VEHICLE), a_place(uow, warehouse)
    lot = a_lot(uow, warehouse, on_shelf=on_shelf, **facts)
    ids = {
        kind: the_place(uow, warehouse, kind).id for kind in PlaceKind if kind not in (PlaceKind.VEHICLE, PlaceKind.BOX)
    }
    return Hall(
        warehouse_id=warehouse.id,
        county_id=warehouse.county_id,
        item_id=item.id,
        lot_id=lot.id,
        dock=ids[PlaceKind.DOCK],
        shelf=ids[PlaceKind.SHELF],
        other_shelf=other.id,
        staging=ids[PlaceKind.STAGING],
        quarantine=ids[PlaceKind.QUARANTINE],
        van=van.id,
        donor=ids[PlaceKind.DONOR],
        out=ids[PlaceKind.HANDED_OVER],
        loss=ids[PlaceKind.LOSS],
        unknown=ids[PlaceKind.DISCREPANCY],
    )


@pytest.fixture
def hall(work) -> Hall:
    """A warehouse with ten of a lot on its shelf."""
    with work() as uow:
        return build_hall(uow)


def on_hand(uow, lot_id: int, place_id: int) -> int:
    """Return how much of a lot a place holds."""
    statement = select(Balance.on_hand).where(Balance.lot_id == lot_id, Balance.place_id == place_id)
    return uow.session.scalar(statement) or 0


def move(uow, hall: Hall, quantity: int, source: int, target: int, operation_id: UUID | None = None, **more):
    """Move some of the hall's lot."""
    return service.move(
        uow,
        operation_id=operation_id or uuid4(),
        lot_id=more.pop("lot_id", hall.lot_id),
        from_place_id=source,
        to_place_id=target,
        quantity=quantity,
        **{"reason": "looked at", **more},
    )


__all__ = ["Hall", "build_hall", "ledger", "move", "on_hand", "operation_kinds"]
