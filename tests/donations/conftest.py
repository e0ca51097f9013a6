"""A mill that gives flour, and the warehouse that takes it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from app.accounts.roles import GRANTS, Role
from app.foundation.actor import Actor, Scope
from app.foundation.personal import Keyring, use_keyring
from tests import builders


@pytest.fixture(autouse=True)
def _keys():
    use_keyring(Keyring({"test": bytes(range(32))}, bytes(range(32, 64))))


@dataclass
class Mill:
    """Ids, and who acts."""

    warehouse_id: int
    county_id: int
    settlement_id: int
    flour_id: int
    blanket_id: int
    coordinator: Actor
    worker: Actor
    stranger: Actor
    """A coordinator of another county."""

    def lines(self, quantity: int = 600):
        """Return what the mill offers."""
        return [{"item_id": self.flour_id, "quantity": quantity, "condition": "new"}]


def _actor(role: Role, id: int, **reach: int) -> Actor:
    return Actor(id, role, role, GRANTS[role], {Scope(scope): (value,) for scope, value in reach.items()}, "en")


@pytest.fixture
def mill(work):
    with work() as uow:
        warehouse = builders.a_warehouse(uow)
        county = warehouse.county_id
        elsewhere = builders.a_county(uow, "ZAL")
        settlement = builders.a_settlement(uow)
        flour = builders.an_item(uow, "FLOUR-1KG", tracks_expiry=True)
        blanket = builders.an_item(uow, "BLANKET")
        return Mill(
            warehouse_id=warehouse.id,
            county_id=county,
            settlement_id=settlement.id,
            flour_id=flour.id,
            blanket_id=blanket.id,
            coordinator=_actor(Role.COUNTY_COORDINATOR, 11, county=county),
            worker=_actor(Role.WAREHOUSE_WORKER, 12, warehouse=warehouse.id),
            stranger=_actor(Role.COUNTY_COORDINATOR, 13, county=elsewhere.id),
        )
