"""A hall to be counted, and who works in it."""

from dataclasses import dataclass, field

import pytest

from app.accounts.roles import GRANTS, Role
from app.foundation.actor import Actor, Scope
from app.foundation.unit_of_work import unit_of_work
from app.stock import operations
from app.stocktakes import operation_kinds, service
from tests.builders import a_lot, a_place, a_warehouse, an_item, the_place
from tests.stock.conftest import on_hand
from tests.stock.test_operations import Phone

__all__ = ["Phone", "on_hand", "operation_kinds"]


@dataclass
class House:
    """Ids of a warehouse with three shelves, two lots on the first and one on the second."""

    warehouse_id: int
    item_id: int
    shelves: list[int]
    lots: list[int]
    unknown: int
    loss: int
    van: int
    people: dict[str, Actor] = field(default_factory=dict)

    def somebody(self, role: str, id: int) -> Actor:
        """Return somebody of a role who works here."""
        reach = {Scope.WAREHOUSE: (self.warehouse_id,), Scope.OWN: (id,)}
        return Actor(id, f"Person {id}", role, GRANTS[Role(role)], reach)

    @property
    def anna(self) -> Actor:
        """Count first."""
        return self.somebody("warehouse_worker", 21)

    @property
    def bela(self) -> Actor:
        """Count again."""
        return self.somebody("warehouse_worker", 22)

    @property
    def chief(self) -> Actor:
        """Open and approve."""
        return self.somebody("warehouse_manager", 30)


@pytest.fixture
def house(work) -> House:
    """A warehouse: 10 and 20 of two lots on the first shelf, 5 of a third on the second."""
    with work() as uow:
        warehouse = a_warehouse(uow)
        item = an_item(uow)
        shelves = [the_place(uow, warehouse).id, a_place(uow, warehouse).id, a_place(uow, warehouse).id]
        van = a_place(uow, warehouse, "vehicle").id
        lots = [a_lot(uow, warehouse, on_shelf=number).id for number in (10, 20)]
        third = a_lot(uow, warehouse, on_shelf=5)
        made = House(
            warehouse_id=warehouse.id,
            item_id=item.id,
            shelves=shelves,
            lots=[*lots, third.id],
            unknown=the_place(uow, warehouse, "discrepancy").id,
            loss=the_place(uow, warehouse, "loss").id,
            van=van,
        )
    with work() as uow:
        from uuid import uuid4

        from app.stock import service as stock

        stock.move(
            uow, operation_id=uuid4(), lot_id=made.lots[2], from_place_id=shelves[0], to_place_id=shelves[1], quantity=5
        )
    return made


@pytest.fixture
def send(sessions, clock):
    """Send operations of a phone as somebody; return the answers."""

    def make(actor, *sent):
        return operations.apply_batch(lambda: unit_of_work(sessions, actor, clock), actor, list(sent))

    return make


@pytest.fixture
def opened(work, house):
    """A running stocktake of the three shelves; its number."""
    with work(house.chief) as uow:
        return service.open_stocktake(uow, warehouse_id=house.warehouse_id, place_ids=house.shelves).id
