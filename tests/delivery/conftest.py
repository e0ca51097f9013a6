"""A household, its parcel, a van: what every story of delivery stands on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.accounts.roles import GRANTS, Role
from app.delivery import service
from app.delivery.models import Parcel
from app.foundation.actor import Actor, Scope
from app.foundation.personal import Keyring, use_keyring
from app.stock import service as stock
from tests.builders import a_driver, a_household, a_lot, a_need, a_share, a_vehicle, a_warehouse, an_item
from tests.conftest import EVERYTHING as ANYBODY

EVERYTHING = Actor(None, "Everything", "admin", ANYBODY.grants)
STROKES = [[[10, 10, 0], [20, 30, 40], [35, 12, 80]], [[40, 10, 200], [60, 11, 260]]]
MORNING = datetime(2026, 11, 24, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def keys():
    use_keyring(Keyring({"test": bytes(32)}, bytes(32)))


@pytest.fixture
def world(work):
    """A household that needs five bags of flour and a blanket, both reserved; a van and its driver."""
    with work(EVERYTHING) as uow:
        warehouse = a_warehouse(uow)
        household = a_household(uow, contact_name="Kovács Anna", phone="+36 30 123 4567", street="Fő utca 41.")
        flour, blanket = an_item(uow), an_item(uow, "BLANKET", name_hu="Takaró", weight_mg=1_200_000)
        flour_need, blanket_need = a_need(uow, household), a_need(uow, household, item_id=blanket.id, quantity=1)
        ids = {"warehouse": warehouse.id, "household": household.id, "county": warehouse.county_id}
        for need, item, quantity in ((flour_need, flour, 5), (blanket_need, blanket, 1)):
            lot = a_lot(uow, warehouse, on_shelf=10, item=item)
            share = a_share(uow, need, lot, warehouse, quantity=quantity)
            made = stock.reserve(
                uow,
                lot_id=lot.id,
                place_id=share.place_id,
                quantity=quantity,
                purpose=("share", share.id),
                expires_at=uow.now + timedelta(days=9),
            )
            share.reservation_id = made.id
            need.quantity_reserved, need.state = quantity, "reserved"
        vehicle = a_vehicle(uow, warehouse)
        driver = a_driver(uow, warehouse, vehicle)
        ids |= {"vehicle": vehicle.id, "driver": driver.id, "flour": flour_need.id, "blanket": blanket_need.id}
        ids |= {"place": vehicle.place_id}
    with work(EVERYTHING) as uow:
        assert service.pack(uow) == {"shares": 2, "parcels": 1}
        assert service.pack(uow) == {"shares": 0, "parcels": 0}
        ids["parcel"] = uow.session.scalar(select(Parcel.id))
    return ids


def draft(uow, world, **changes):
    parcel = uow.session.get(Parcel, world["parcel"])
    stop = {
        "settlement_id": parcel.settlement_id,
        "lat": 48.3,
        "lon": 21.0,
        "arrives_at": MORNING + timedelta(hours=2),
        "leaves_at": MORNING + timedelta(hours=2, minutes=9),
        "parcel_ids": [parcel.id],
    }
    asked = {
        "vehicle_id": world["vehicle"],
        "driver_id": world["driver"],
        "departs_at": MORNING,
        "returns_at": MORNING + timedelta(hours=5),
        "distance_m": 84_000,
        "cost_huf": 12_000,
        "stops": [stop],
        **changes,
    }
    [run] = service.draft_runs(uow, plan_id=None, on=MORNING.date(), runs=[asked])
    return run


@pytest.fixture
def run(work, world):
    """A published run with the parcel on it."""
    with work(EVERYTHING) as uow:
        run_id = draft(uow, world).id
        service.publish(uow, run_ids=[run_id])
    return run_id


@pytest.fixture
def loaded(work, world, run):
    with work(EVERYTHING) as uow:
        service.load(uow, parcel_id=world["parcel"], run_id=run, operation_id=uuid4())
    return run


@pytest.fixture
def on_the_road(work, loaded):
    with work(EVERYTHING) as uow:
        service.depart(uow, run_id=loaded)
    return loaded


def somebody(role: Role, scope: Scope, *ids: int) -> Actor:
    return Actor(None, role, role, GRANTS[role], {scope: ids})


def code_of(uow, world):
    return uow.session.get(Parcel, world["parcel"]).hand_over_code
