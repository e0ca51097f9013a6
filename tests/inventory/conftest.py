"""Two counties with stock, levels, needs, a transfer, a conversion and a gift."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event

from app.factory import create_app
from app.foundation.actor import Actor, Scope
from app.needs.models import Need
from app.stock import service
from app.stock.models import PlaceKind
from tests.builders import (
    a_conversion,
    a_county,
    a_donor,
    a_household,
    a_level,
    a_lot,
    a_need,
    a_parcel,
    a_place,
    a_share,
    a_transfer,
    a_warehouse,
    an_arrival,
    an_item,
    an_offer,
    the_place,
)
from tests.conftest import EVERYTHING


@dataclass
class Country:
    """Ids of what the tests stand on."""

    here: int
    there: int
    county: int
    other_county: int
    flour: int
    soap: int
    lot: int
    old_lot: int
    other_lot: int
    kit_lot: int
    level: int
    offer: int
    shelf: int
    parcel: int

    def manager(self, role="warehouse_manager"):
        """Return the manager of the first warehouse."""
        grants = dict.fromkeys(
            ("stock.read", "stock.operate", "stock.levels", "donations.read", "runs.read"), Scope.WAREHOUSE
        )
        return Actor(
            7,
            "Manager",
            role,
            {**grants, "totals.read": Scope.ALL, "transfers.read": Scope.ALL, "catalogue.read": Scope.ALL},
            {Scope.WAREHOUSE: (self.here,), Scope.OWN: (7,)},
        )

    def worker(self):
        """Return somebody who may not know totals."""
        grants = {"stock.read": Scope.WAREHOUSE, "stock.operate": Scope.WAREHOUSE, "catalogue.read": Scope.ALL}
        return Actor(8, "Worker", "warehouse_worker", grants, {Scope.WAREHOUSE: (self.here,), Scope.OWN: (8,)})

    def coordinator(self):
        """Return the coordinator of the first county."""
        grants = {"stock.read": Scope.COUNTY, "stock.levels": Scope.COUNTY, "totals.read": Scope.ALL}
        return Actor(
            9,
            "Coordinator",
            "county_coordinator",
            {**grants, "transfers.read": Scope.ALL, "catalogue.read": Scope.ALL},
            {Scope.COUNTY: (self.county,), Scope.OWN: (9,)},
        )


def build(uow) -> Country:
    """Make the country."""
    today = uow.now.date()
    county, other = a_county(uow, "AAA"), a_county(uow, "BBB")
    here, there = a_warehouse(uow, county), a_warehouse(uow, other)
    flour = an_item(uow, value_huf=40_000, tracks_expiry=True, shelf_life_left_days_min=3)
    soap = an_item(
        uow, "SOAP", name_hu="Szappan", name_en="Soap", name_hu_key="szappan", name_en_key="soap", value_huf=25_000
    )
    lot = a_lot(uow, here, 100, item=flour, expires_on=today + timedelta(days=20), source="F-1")
    old = a_lot(uow, here, 7, item=flour, expires_on=today - timedelta(days=1))
    a_lot(uow, here, 30, item=soap, unit_value_huf=10_000)
    elsewhere = a_lot(uow, there, 500, item=soap)
    level = a_level(uow, here, soap, least=100, most=150)
    a_level(uow, there, flour, least=60)
    a_transfer(uow, there, here, elsewhere, state="in_transit")
    for _ in range(6):
        uow.session.add(_need(uow, other, flour))
    kit = a_lot(uow, here, 4, item=soap)
    made = a_conversion(uow, here, lot, kind="kit")
    _comes_out(uow, made, kit, the_place(uow, here).id)
    offer = an_offer(uow, a_donor(uow, name="Tisza Malom"), county, warehouse_id=here.id)
    arrival = an_arrival(uow, offer, here)
    arrival.lines[0].lot_id, arrival.lines[0].quantity = lot.id, 100
    household = a_household(uow, county)
    share = a_share(uow, a_need(uow, household), lot, here)
    parcel = a_parcel(uow, share, state="handed_over", ended_at=uow.now)
    uow.session.flush()
    return Country(
        here.id, there.id, county.id, other.id, flour.id, soap.id, lot.id, old.id, elsewhere.id, kit.id, level.id,
        offer.id, the_place(uow, here).id, parcel.id,
    )  # fmt: skip


def _need(uow, county, item) -> Need:
    return a_need(uow, a_household(uow, county), item_id=item.id, quantity=9)


def _comes_out(uow, conversion, lot, place_id) -> None:
    from app.conversions.models import ConversionLot

    uow.session.add(
        ConversionLot(conversion_id=conversion.id, lot_id=lot.id, place_id=place_id, comes_out=True, quantity=4)
    )


@pytest.fixture
def country(work) -> Country:
    """Two counties with stock."""
    with work() as uow:
        return build(uow)


@pytest.fixture
def serve(settings, clock, sessions):
    """Return a browser in which somebody is signed in."""

    def make(actor=EVERYTHING, pseudo=False):
        app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: actor)
        app.config["TESTING"] = True
        app.config["PSEUDO_LANGUAGE"] = pseudo
        return app.test_client()

    return make


@pytest.fixture
def statements(sessions):
    """Return the statements sent to the database, as they are sent."""
    asked: list[str] = []
    event.listen(sessions.kw["bind"], "before_cursor_execute", lambda *args: asked.append(args[2]))
    return asked


def moved(uow, lot_id, source, target, quantity, **more):
    """Move some of a lot."""
    return service.move(
        uow,
        operation_id=uuid4(),
        lot_id=lot_id,
        from_place_id=source,
        to_place_id=target,
        quantity=quantity,
        **more,
    )


__all__ = ["PlaceKind", "a_place"]
