"""A warehouse with parts for kits."""

from dataclasses import dataclass
from datetime import date
from uuid import uuid4

import pytest

from app.conversions import kit_parts, service
from app.factory import create_app
from app.foundation.actor import Actor, Scope
from tests.builders import a_lot, a_place, a_warehouse, an_item, the_place
from tests.conftest import EVERYTHING

EARLY, LATE = date(2027, 1, 31), date(2027, 9, 30)


@dataclass
class Room:
    """Ids of a warehouse with flour, oil and a parcel that is made up from two flours and one oil."""

    warehouse_id: int
    dock: int
    shelf: int
    quarantine: int
    bench: int
    loss: int
    van: int
    flour: int
    oil: int
    parcel: int
    kit: int
    early: int
    late: int
    oils: int

    def worker(self, **more: Scope) -> Actor:
        """Return somebody who works here and nowhere else."""
        grants = {"stock.read": Scope.WAREHOUSE, "stock.operate": Scope.WAREHOUSE, "catalogue.read": Scope.ALL, **more}
        return Actor(7, "Worker", "warehouse_worker", grants, {Scope.WAREHOUSE: (self.warehouse_id,)})


def build_room(uow) -> Room:
    """Make the room: ten early and ten late bags of flour, eight bottles of oil."""
    warehouse = a_warehouse(uow)
    flour = an_item(uow, "FLOUR-1KG", weight_mg=1_000_000, value_huf=30_000)
    oil = an_item(uow, "OIL-1L", weight_mg=920_000, value_huf=90_000)
    parcel = an_item(uow, "KIT-FOOD", weight_mg=2_920_000, name_hu="Csomag", name_en="Parcel")
    kit = kit_parts.define(
        uow, item_id=parcel.id, parts=[{"item_id": flour.id, "quantity": 2}, {"item_id": oil.id, "quantity": 1}]
    )
    return Room(
        warehouse_id=warehouse.id,
        dock=the_place(uow, warehouse, "dock").id,
        shelf=the_place(uow, warehouse).id,
        quarantine=the_place(uow, warehouse, "quarantine").id,
        bench=the_place(uow, warehouse, "conversion").id,
        loss=the_place(uow, warehouse, "loss").id,
        van=a_place(uow, warehouse, "vehicle").id,
        flour=flour.id,
        oil=oil.id,
        parcel=parcel.id,
        kit=kit.id,
        late=a_lot(uow, warehouse, 10, item=flour, expires_on=LATE).id,
        early=a_lot(uow, warehouse, 10, item=flour, expires_on=EARLY, use_by=True, condition="good").id,
        oils=a_lot(uow, warehouse, 8, item=oil, unit_value_huf=100_000).id,
    )


@pytest.fixture
def room(work) -> Room:
    """A warehouse with parts for kits."""
    with work() as uow:
        return build_room(uow)


@pytest.fixture
def serve(settings, clock, sessions):
    """Return a browser in which somebody is signed in."""

    def make(actor=EVERYTHING, pseudo=False):
        app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: actor)
        app.config["TESTING"] = True
        app.config["PSEUDO_LANGUAGE"] = pseudo
        return app.test_client()

    return make


def assemble(work, room, count=3, actor=None, **more):
    """Make up kits; return the conversion and the lot of kits."""
    facts = {"operation_id": uuid4(), "kit_id": room.kit, "count": count, "to_place_id": room.dock, **more}
    with work(actor or room.worker()) as uow:
        made = service.assemble(uow, **facts).conversion
        return made.id, lot_out(uow, made.id)


def lot_out(uow, conversion_id):
    """Return the first lot that came out of a conversion."""
    from app.conversions import queries

    return next(
        row.lot.id for row in queries.lots_of(uow.session, [conversion_id])[conversion_id] if row.part.comes_out
    )
