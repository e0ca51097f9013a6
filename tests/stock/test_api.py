"""The JSON of the stock and the catalogue: what is there, what is refused, and never a fault."""

import base64
import itertools
import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest

from app.factory import create_app
from app.stock import service
from app.stock.operations import KINDS
from tests.conftest import EVERYTHING
from tests.stock.conftest import move


@pytest.fixture
def browser(settings, clock, sessions):
    """A program with every right."""
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: EVERYTHING)
    app.config["TESTING"] = True
    return app.test_client()


def test_what_lies_where_and_how_it_came_there(browser, work, hall, clock):
    with work() as uow:
        move(uow, hall, 4, hall.shelf, hall.other_shelf)
        service.reserve(
            uow,
            lot_id=hall.lot_id,
            place_id=hall.shelf,
            quantity=2,
            purpose=("share", 1),
            expires_at=clock.now + timedelta(days=1),
        )
    rows = browser.get("/api/v1/balances").json["items"]
    assert sorted((row["place_id"], row["on_hand"], row["reserved"], row["available"]) for row in rows) == [
        (hall.shelf, 6, 2, 4),
        (hall.other_shelf, 4, 0, 4),
    ]
    lot = browser.get(f"/api/v1/lots/{hall.lot_id}").json
    assert len(lot["balances"]) == 3 and lot["expires_on"] is None
    moved = browser.get(f"/api/v1/movements?lot_id={hall.lot_id}&kind=move").json["items"]
    assert [(row["from_place_id"], row["to_place_id"], row["quantity"]) for row in moved] == [
        (hall.shelf, hall.other_shelf, 4)
    ]
    places = browser.get(f"/api/v1/places?warehouse_id={hall.warehouse_id}&kind=shelf").json["items"]
    assert {row["id"]: row["lots"] for row in places} == {hall.shelf: 1, hall.other_shelf: 1}
    assert browser.get("/api/v1/ledger/proof").json["difference"] == 0


def test_the_document_names_every_kind_of_operation(browser):
    told = browser.get("/api/openapi.json").json["paths"]["/api/v1/operations"]["post"]["description"]
    assert "receive" in KINDS and sorted(set(KINDS) - set(re.findall(r"\w+", told))) == []


def test_a_page_of_movements_follows_the_other(browser, work, hall):
    with work() as uow:
        for _ in range(5):
            move(uow, hall, 1, hall.shelf, hall.other_shelf)
    seen, after = [], ""
    while after is not None:
        page = browser.get(f"/api/v1/movements?size=2&after={after}").json
        seen += [row["id"] for row in page["items"]]
        after = page["next_after"]
    assert seen == sorted(seen, reverse=True) and len(seen) == 6


def test_a_lot_is_blocked_and_freed(browser, hall):
    address = f"/api/v1/lots/{hall.lot_id}/state"
    assert browser.put(address, json={"state": "blocked", "reason": "recall"}).json["state"] == "blocked"
    assert browser.put(address, json={"state": "eaten", "reason": "x"}).status_code == 422
    assert browser.put(address, json={"state": "free", "reason": "checked"}).json["state"] == "free"


NAUGHTY = [
    0, -1, 2**31, 2**63, 2**70, 1.5, True, None, "", "12", "a\x00b", "\ud800",
    "x" * 2000, [], {}, "NaN", "١٢", "1; DROP",
]  # fmt: skip


def bodies(good, ways=4):
    """Yield the good body with each value spoilt in some ways, a key too many, and a key too few."""
    turns = itertools.cycle(NAUGHTY)
    for name in good:
        for value in itertools.islice(turns, ways):
            yield {**good, name: value}
    yield {**good, "surprise": 1}
    for name in good:
        yield {other: value for other, value in good.items() if other != name}


def test_no_body_makes_a_fault(browser, hall):
    warehouse = {"code": "XYZ", "name": "X", "county_id": 1, "settlement_id": 1, "lat": 47.0, "lon": 19.0}
    item = {"code": "NEW-1", "base_unit": "piece", "category_id": 1, "name_hu": "Új", "name_en": "New", "weight_mg": 1,
            "volume_ul": 1, "icon": "box", "usual_quantity": 1, "value_huf": 1}  # fmt: skip
    tries = {
        "/api/v1/places": {"warehouse_id": hall.warehouse_id, "code": "Q-1", "kind": "shelf"},
        "/api/v1/warehouses": warehouse,
        "/api/v1/items": item,
        f"/api/v1/items/{hall.item_id}/packs": {"gtin": "2000001001004", "quantity": 1},
    }
    for address, good in tries.items():
        for body in bodies(good):
            response = browser.post(address, data=json.dumps(body), content_type="application/json")
            known = {201, 404, 409, 422} if body.keys() <= good.keys() else {422}
            assert response.status_code in known, (address, body, response.text)
            if response.status_code != 201:
                assert response.json["type"] and response.json["detail"]


def test_no_operation_makes_a_fault(browser, hall):
    payload = {
        "lot_id": hall.lot_id,
        "from_place_id": hall.shelf,
        "to_place_id": hall.other_shelf,
        "quantity": 1,
        "reason": "why",
        "done": False,
    }
    good = {
        "operation_id": str(uuid4()),
        "device_id": str(uuid4()),
        "sequence": 1,
        "happened_at": "2026-11-23T10:00:00Z",
        "kind": "move",
        "payload": payload,
    }
    sent = list(bodies(good, ways=len(NAUGHTY)))
    sent += [{**good, "payload": spoilt} for spoilt in bodies(payload)]
    sent += [{**good, "happened_at": at} for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026")]
    for number, one in enumerate(sent):
        if one.get("operation_id") == good["operation_id"]:
            one = {**one, "operation_id": str(uuid4())}
        if one.get("sequence") == 1 and not isinstance(one.get("sequence"), bool):
            one = {**one, "sequence": number + 10}
        response = browser.post(
            "/api/v1/operations", data=json.dumps({"operations": [one]}), content_type="application/json"
        )
        assert response.status_code == 200, (one, response.text)
        assert response.json["answers"][0]["outcome"] in ("applied", "rejected", "needs_review")
    odd = {}
    for whole in ("", "[]", "{}", '{"operations": 1}', '{"operations": []}', "null", "{", "[" * 9000, '"x"', "NaN"):
        response = browser.post("/api/v1/operations", data=whole, content_type="application/json")
        if response.status_code != 422:
            odd[whole] = response.status_code
    assert odd == {"{": 400, '{"operations": []}': 200}, "what is no JSON is a bad request; nothing to do is done"


def test_no_query_makes_a_fault(browser, hall):
    for path in ("/api/v1/balances", "/api/v1/movements", "/api/v1/places", "/api/v1/items"):
        for name in ("after", "size", "q", "warehouse_id", "category_id", "kind", "view", "sort", "on", "within_days"):
            for value in ("0", "9" * 30, "%00", "%ED%A0%80", "2026-02-30", "x" * 600):
                response = browser.get(f"{path}?{name}={value}")
                assert response.status_code in (200, 422), (path, name, value, response.text)
    for path in ("lots", "warehouses", "items"):
        for value, status in ((0, 404), (2**31, 404), (2**63 - 1, 404), (2**63, 422), (10**30, 422)):
            assert browser.get(f"/api/v1/{path}/{value}").status_code == status


@pytest.mark.parametrize("on", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_of_the_calendar_have_no_movements(browser, hall, on):
    answer = browser.get(f"/api/v1/movements?on={on}")
    assert (answer.status_code, answer.json["items"]) == (200, [])


def test_half_a_character_in_the_address_of_a_page_is_refused(browser, hall):
    mark = base64.urlsafe_b64encode(b'["\\ud800"]').decode()
    assert browser.get(f"/api/v1/places?after={mark}").status_code == 422
