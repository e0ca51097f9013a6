"""A code that no label can carry is refused when the place is opened, so that a range of labels prints whole."""

from typing import Any

import pytest

from app.accounts.roles import GRANTS, Role
from app.delivery import service as delivery
from app.factory import create_app
from app.foundation.actor import Actor, Scope
from app.stock import service as stock
from app.stock.errors import CodeUnreadable
from app.stock.models import PlaceKind
from tests import builders as a
from tests.labels.test_labels import decoded

UNREADABLE = ["MIS-Ősz-1", "MIS Ősz", "MIS_A_1", "MIS-", "MIS", "12-34", "LEL-3", "L-20811", "MIS-1234567890123", "Б-1"]


@pytest.fixture
def browser(settings: Any, sessions: Any, work: Any) -> Any:
    """A browser of Miskolc's manager, who knows ``warehouse_id``."""
    with work() as uow:
        warehouse = a.a_warehouse(uow, code="MIS")
        reach = {Scope.WAREHOUSE: (warehouse.id,)}
    actor = Actor(1, "Kovács Anna", Role.WAREHOUSE_MANAGER, grants=dict(GRANTS[Role.WAREHOUSE_MANAGER]), reach=reach)
    made = create_app(settings, sessions=sessions, identify=lambda: actor)
    made.config["TESTING"] = True
    client = made.test_client()
    client.warehouse_id = warehouse.id
    return client


@pytest.mark.parametrize("code", UNREADABLE)
def test_a_program_is_told_which_codes_can_be_read(browser: Any, code: str) -> None:
    answer = browser.post("/api/v1/places?lang=en", json={"warehouse_id": browser.warehouse_id, "code": code})
    assert answer.status_code == 422
    assert answer.json["type"].endswith("code-unreadable")
    assert answer.json["detail"].startswith("Nothing was saved: no scanner could read the code")
    assert "letters without accents" in answer.json["fields"]["code"][0]


def test_a_person_is_told_beside_the_field_and_what_was_typed_stays(browser: Any) -> None:
    form = {"warehouse_id": browser.warehouse_id, "code": "MIS-Ősz-1", "kind": "shelf"}
    answer = browser.post("/stock/places/new?lang=en", data=form)
    assert answer.status_code == 422
    assert "no scanner could read the code MIS-ŐSZ-1" in answer.text
    assert 'value="MIS-Ősz-1"' in answer.text


def test_what_is_opened_is_printed_whole_and_read_back(browser: Any) -> None:
    for code in ("mis-a-04", "MIS-A-05", "Mis-A-10-b"):
        answer = browser.post("/api/v1/places", json={"warehouse_id": browser.warehouse_id, "code": code})
        assert (answer.status_code, answer.json["code"]) == (201, code.upper())
    taken = browser.post("/api/v1/places", json={"warehouse_id": browser.warehouse_id, "code": "MIS-a-04"})
    assert taken.status_code == 409, "capitals and small letters are one code"
    printed = browser.get(
        "/api/v1/labels/places", query_string={"first": "mis-a-02", "last": "MIS-A-10", "size": "62", "kind": "shelf"}
    )
    assert printed.status_code == 200
    assert {text.split(":")[2] for text in decoded(printed.data, 8)} == {"MIS-A-04", "MIS-A-05", "MIS-A-10-B"}


def test_a_warehouse_whose_places_no_label_could_name_is_not_opened(work: Any) -> None:
    with work() as uow:
        county = a.a_county(uow)
        where = {"name": "Győr", "county_id": county.id, "settlement_id": a.a_settlement(uow, county).id}
        for code in ("GYŐ", "G", "G-1", "RAKTARHAZ"):
            with pytest.raises(CodeUnreadable):
                stock.open_warehouse(uow, code=code, lat=47.7, lon=17.6, storage_classes=["ambient"], **where)
        made = stock.open_warehouse(uow, code="gyo", lat=47.7, lon=17.6, storage_classes=["ambient"], **where)
        assert made.code == "GYO"


def test_a_number_plate_with_accents_still_makes_a_vehicle_whose_place_is_printed(work: Any) -> None:
    with work() as uow:
        warehouse = a.a_warehouse(uow, code="MIS")
        vehicle = delivery.add_vehicle(
            uow, plate="árv-ízt 123", warehouse_id=warehouse.id, capacity_g=900_000, capacity_ml=5_000_000
        )
        place = uow.session.get_one(stock.Place, vehicle.place_id)
        assert (place.code, place.kind) == ("MIS-ARVIZT123", PlaceKind.VEHICLE)
        assert vehicle.plate == "ÁRV-ÍZT 123"
