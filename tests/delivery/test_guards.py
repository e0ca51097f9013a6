"""What a run drafted by hand may name, and how often a code may be guessed."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.accounts.roles import GRANTS, Role
from app.delivery.errors import NoSuchDriver, NoSuchVehicle, NotItsDriver, VehicleRetired
from app.delivery.models import Driver, Run, Vehicle
from app.factory import create_app
from app.foundation.actor import Actor, Scope
from app.foundation.journal import JournalEntry
from tests.builders import a_county, a_driver, a_vehicle, a_warehouse
from tests.delivery.conftest import EVERYTHING, code_of, draft, somebody


@pytest.fixture
def elsewhere(work):
    """A van and a driver of another county."""
    with work(EVERYTHING) as uow:
        warehouse = a_warehouse(uow, a_county(uow, "ZAL"))
        vehicle = a_vehicle(uow, warehouse)
        return {"vehicle": vehicle.id, "driver": a_driver(uow, warehouse, vehicle).id}


def test_a_run_names_only_vehicles_and_drivers_of_the_planners_own_county(work, world, elsewhere):
    dispatcher = somebody(Role.DISPATCHER, Scope.COUNTY, world["county"])
    for changes, refused in (
        ({"driver_id": elsewhere["driver"]}, NoSuchDriver),
        ({"driver_id": 10**12}, NoSuchDriver),
        ({"vehicle_id": elsewhere["vehicle"]}, NoSuchVehicle),
        ({"vehicle_id": 10**12}, NoSuchVehicle),
    ):
        with pytest.raises(refused), work(dispatcher) as uow:
            draft(uow, world, **changes)
    with work(EVERYTHING) as uow:
        assert uow.session.scalars(select(Run)).all() == []


def test_a_driver_without_the_licence_or_who_drives_no_more_gets_no_run(work, world):
    with work(EVERYTHING) as uow:
        uow.session.get_one(Vehicle, world["vehicle"]).licence = "C"
    with pytest.raises(NotItsDriver) as refused, work(EVERYTHING) as uow:
        draft(uow, world)
    assert "needs a licence of class C" in str(refused.value.fields["driver_id"][0])
    with work(EVERYTHING) as uow:
        uow.session.get_one(Driver, world["driver"]).licence = "CE"
        draft(uow, world)
        uow.session.rollback()
    with work(EVERYTHING) as uow:
        uow.session.get_one(Driver, world["driver"]).active = False
    with pytest.raises(NotItsDriver, match="look at its driver"), work(EVERYTHING) as uow:
        draft(uow, world)
    with work(EVERYTHING) as uow:
        uow.session.get_one(Vehicle, world["vehicle"]).active = False
    with pytest.raises(VehicleRetired), work(EVERYTHING) as uow:
        draft(uow, world)


def test_five_wrong_codes_close_the_lock_for_a_quarter_of_an_hour(settings, sessions, clock, work, world, on_the_road):
    driver = Actor(None, "driver", "driver", GRANTS[Role.DRIVER], {Scope.OWN: (world["driver"],)}, "en")
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: driver)
    app.config["TESTING"] = True
    client = app.test_client()
    with work(EVERYTHING) as uow:
        code = code_of(uow, world)
    wrong = "000000" if code != "000000" else "111111"

    def tried(digits):
        body = {"operation_id": str(uuid4()), "relation": "self", "code": digits}
        return client.post(f"/api/v1/parcels/{world['parcel']}/hand-over", json=body)

    assert [tried(wrong).status_code for _ in range(6)] == [422] * 5 + [429]
    answer = tried(code)
    assert (answer.status_code, answer.json["type"]) == (429, "codes-tried"), "even the right one waits"
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    with work(EVERYTHING) as uow:
        noted = uow.session.scalars(select(JournalEntry).where(JournalEntry.deed == "parcel.code_wrong")).all()
        assert [(each.subject_kind, each.subject_id, each.details) for each in noted] == [
            ("parcel", world["parcel"], {})
        ] * 5
    clock.now += timedelta(minutes=16)
    answer = tried(code)
    assert answer.status_code == 200, answer.text
