"""What a phone asks of things that have changed meanwhile gets a final answer; a unit never changes under stock."""

from datetime import timedelta
from uuid import uuid4

import pytest

from app.boxes import service as boxes
from app.catalogue import service as catalogue
from app.catalogue.errors import BarcodeTaken
from app.catalogue.gtin import check_digit
from app.factory import create_app
from app.stock import queries, service
from tests.builders import an_item
from tests.conftest import EVERYTHING
from tests.stock.conftest import on_hand
from tests.stock.test_operations import Phone, a_move, send

GTIN = "599123456789" + check_digit("599123456789")


@pytest.fixture
def web(settings, clock, sessions):
    """Browsers of somebody with every right."""
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: EVERYTHING)
    app.config["TESTING"] = True
    return app.test_client


def test_what_is_asked_of_something_gone_meanwhile_is_answered_once_and_for_ever(web, work, hall):
    """B9: a retired shelf, a dissolved box, a reversed movement, a lot that never was."""
    phone = Phone()
    with work() as uow:
        box = boxes.open_box(uow, operation_id=uuid4(), place_id=hall.shelf)
        boxes.dissolve_box(uow, box_id=box.id)
        service.retire_place(uow, place_id=hall.other_shelf)
        moved = service.move(
            uow,
            operation_id=uuid4(),
            lot_id=hall.lot_id,
            from_place_id=hall.shelf,
            to_place_id=hall.staging,
            quantity=1,
        )
        service.reverse(uow, operation_id=uuid4(), movement_id=moved.id, reason="wrong")
    asked = [
        phone("move", {**a_move(hall), "to_place_id": hall.other_shelf}),
        phone("move", {**a_move(hall), "to_place_id": box.place_id}),
        phone("fill_box", {"box_id": box.id, "lot_id": hall.lot_id, "from_place_id": hall.shelf, "quantity": 1}),
        phone("reverse", {"movement_id": moved.id}),
        phone("move", {**a_move(hall), "lot_id": 10**9}),
        phone("receive", {"item_id": 10**9, "place_id": hall.dock, "quantity": 1}),
    ]
    first = send(web, *asked)
    assert [answer["outcome"] for answer in first] == ["rejected"] * 6, first
    assert [answer["problem"]["status"] for answer in first] == [409, 409, 409, 409, 404, 404]
    assert all(answer["problem"]["detail"] for answer in first)
    again = send(web, *asked)
    assert [(answer["outcome"], answer["first_outcome"]) for answer in again] == [("duplicate", "rejected")] * 6
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.shelf) == 10


def test_what_was_done_offline_before_a_shelf_was_retired_is_booked_and_shown(web, work, hall, clock):
    """B9: the world wins, and a person looks at it."""
    with work() as uow:
        service.retire_place(uow, place_id=hall.other_shelf)
    late = Phone()(
        "move", {**a_move(hall), "to_place_id": hall.other_shelf}, happened_at=clock.now - timedelta(hours=3)
    )
    answer = send(web, late)[0]
    assert answer["outcome"] == "needs_review" and answer["review"]
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.other_shelf) == 1
        assert queries.verify(uow.session).holds


def test_an_item_is_counted_in_one_unit_for_ever(web, work, hall):
    """A12: neither the JSON nor the form knows a way to change the base unit, with stock or without."""
    client = web()
    with work() as uow:
        empty = an_item(uow, "EMPTY").id
    for item_id in (hall.item_id, empty):
        found = client.get(f"/api/v1/items/{item_id}")
        assert found.status_code == 200
        tag = {"If-Match": found.headers["ETag"]}
        for name in ("base_unit", "unit"):
            refused = client.patch(f"/api/v1/items/{item_id}", json={name: "g"}, headers=tag)
            assert refused.status_code == 422 and name in refused.json["fields"], refused.json
        assert client.get(f"/api/v1/items/{item_id}").json["base_unit"] == found.json["base_unit"]


def test_a_pack_that_was_learnt_is_not_learnt_with_another_quantity(work, hall):
    """A12: what a barcode was counted as stays what it was counted as."""
    with work() as uow:
        first = catalogue.learn_pack(uow, item_id=hall.item_id, gtin=GTIN, quantity=10)
        assert catalogue.learn_pack(uow, item_id=hall.item_id, gtin=GTIN, quantity=10).id == first.id
    with pytest.raises(BarcodeTaken), work() as uow:
        catalogue.learn_pack(uow, item_id=hall.item_id, gtin=GTIN, quantity=12)


def test_a_document_that_was_read_before_somebody_changed_it_is_not_overwritten(web, work, hall):
    """B11."""
    client = web()
    address = f"/api/v1/warehouses/{hall.warehouse_id}"
    seen = client.get(address).headers["ETag"]
    assert client.patch(address, json={"loading_bays": 5}, headers={"If-Match": seen}).status_code == 200
    stale = client.patch(address, json={"loading_bays": 6}, headers={"If-Match": seen})
    assert (stale.status_code, client.get(address).json["loading_bays"]) == (412, 5)
    assert client.patch(address, json={"loading_bays": 6}).status_code == 428
    item = f"/api/v1/items/{hall.item_id}"
    seen = client.get(item).headers["ETag"]
    assert client.patch(item, json={"usual_quantity": 3}, headers={"If-Match": seen}).status_code == 200
    assert client.patch(item, json={"usual_quantity": 4}, headers={"If-Match": seen}).status_code == 412


def test_a_cloned_phone_is_refused_whatever_it_asks_and_the_first_goes_on(web, work, hall):
    """B7: both send on; each of the clone's operations gets its final answer, none of the first's is lost."""
    device = uuid4()
    phone, clone = Phone(device), Phone(device)
    mine = [phone("load", a_move(hall, 1)) for _ in range(4)]
    its = [clone("load", a_move(hall, 1)) for _ in range(4)]
    assert {answer["outcome"] for answer in send(web, *mine[:2])} == {"applied"}
    answers = send(web, *its[:2])
    assert {(answer["outcome"], answer["problem"]["type"]) for answer in answers} == {("rejected", "device-cloned")}
    assert {answer["outcome"] for answer in send(web, *mine[2:])} == {"applied"}
    assert {answer["outcome"] for answer in send(web, *its)} == {"rejected"}
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.van) == 4
