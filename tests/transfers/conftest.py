"""Two warehouses in two counties, flour and beans on the giver's shelf, and who works where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.accounts.roles import GRANTS, Role
from app.foundation.actor import Actor, Scope
from app.stock import queries as stock_queries
from app.stock.models import Balance, Place, PlaceKind
from app.transfers import service
from tests import builders
from tests.conftest import NOON


@dataclass
class Road:
    """Ids of both ends, and their people."""

    giver_id: int
    taker_id: int
    flour_id: int
    beans_id: int
    soon_id: int
    """A lot of 30 flour that expires soon."""
    later_id: int
    """A lot of 50 flour that expires later."""
    beans_lot_id: int
    """A lot of 20 beans."""
    shelf_id: int
    giver: Actor
    taker: Actor
    giving_manager: Actor
    taking_manager: Actor
    coordinator: Actor
    """Of the taker's county."""
    stranger: Actor


def _actor(role: Role, id: int, **reach: int) -> Actor:
    return Actor(id, role, role, GRANTS[role], {Scope(scope): (value,) for scope, value in reach.items()}, "en")


def build_road(uow) -> Road:
    """Make both warehouses and three lots."""
    giver = builders.a_warehouse(uow, builders.a_county(uow, "BAZ"), "MIS")
    taker = builders.a_warehouse(uow, builders.a_county(uow, "ZAL"), "ZEG")
    other = builders.a_warehouse(uow, builders.a_county(uow, "VAS"), "SZO")
    flour = builders.an_item(uow, "FLOUR-1KG")
    beans = builders.an_item(uow, "BEANS", name_hu="Bab", name_en="Beans", name_hu_key="bab", name_en_key="beans")
    day = NOON.date()
    soon = builders.a_lot(uow, giver, 30, item=flour, expires_on=day + timedelta(days=20))
    later = builders.a_lot(uow, giver, 50, item=flour, expires_on=day + timedelta(days=200))
    lot = builders.a_lot(uow, giver, 20, item=beans)
    return Road(
        giver_id=giver.id,
        taker_id=taker.id,
        flour_id=flour.id,
        beans_id=beans.id,
        soon_id=soon.id,
        later_id=later.id,
        beans_lot_id=lot.id,
        shelf_id=builders.the_place(uow, giver).id,
        giver=_actor(Role.WAREHOUSE_WORKER, 21, warehouse=giver.id),
        taker=_actor(Role.WAREHOUSE_WORKER, 22, warehouse=taker.id),
        giving_manager=_actor(Role.WAREHOUSE_MANAGER, 23, warehouse=giver.id),
        taking_manager=_actor(Role.WAREHOUSE_MANAGER, 24, warehouse=taker.id),
        coordinator=_actor(Role.COUNTY_COORDINATOR, 25, county=taker.county_id),
        stranger=_actor(Role.WAREHOUSE_MANAGER, 26, warehouse=other.id),
    )


@pytest.fixture
def road(work) -> Road:
    with work() as uow:
        return build_road(uow)


def asked(work, road, lines=None, actor=None):
    """Ask for 40 flour and 5 beans; return the transfer's id."""
    with work(actor or road.taking_manager) as uow:
        made = service.request(
            uow,
            from_warehouse_id=road.giver_id,
            to_warehouse_id=road.taker_id,
            lines=lines or [{"item_id": road.flour_id, "quantity": 40}, {"item_id": road.beans_id, "quantity": 5}],
            operation_id=uuid4(),
        )
        return made.id


def sent(work, road, lines=None):
    """Ask for, pick and send; return the transfer's id."""
    transfer_id = asked(work, road, lines)
    with work(road.giver) as uow:
        service.pick_all(uow, transfer_id=transfer_id, operation_id=uuid4())
    with work(road.giver) as uow:
        service.send(uow, transfer_id=transfer_id, operation_id=uuid4(), carried_by="ABC-123")
    return transfer_id


def held(work, warehouse_id, kind, item_id=None) -> int:
    """Return how many pieces the places of a kind in a warehouse hold."""
    statement = (
        select(func.coalesce(func.sum(Balance.on_hand), 0))
        .join(Place, Place.id == Balance.place_id)
        .where(Place.warehouse_id == warehouse_id, Place.kind == kind)
    )
    if item_id is not None:
        statement = statement.where(Balance.item_id == item_id)
    with work() as uow:
        return int(uow.session.scalar(statement))


def must_be_proved(work) -> None:
    """Every balance is what its movements say, and every item's sum over all places is 0."""
    with work() as uow:
        proof = stock_queries.verify(uow.session)
        assert proof.holds, proof.as_json()
        sums = uow.session.execute(select(Balance.item_id, func.sum(Balance.on_hand)).group_by(Balance.item_id))
        assert [row for row in sums if row[1]] == []


__all__ = ["PlaceKind"]
