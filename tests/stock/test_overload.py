"""Too many phones at once: who does not fit is told when to come back, and is not told that the store is away."""

from uuid import uuid4

import pytest

from app.factory import create_app
from app.stock import api
from tests.conftest import EVERYTHING


@pytest.fixture
def browser(settings, clock, sessions):
    """A program with every right."""
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: EVERYTHING)
    app.config["TESTING"] = True
    return app.test_client()


def a_batch(hall, clock, operations=40):
    device = str(uuid4())
    payload = {"lot_id": hall.lot_id, "from_place_id": hall.shelf, "to_place_id": hall.other_shelf, "quantity": 1}
    return {
        "operations": [
            {
                "operation_id": str(uuid4()), "device_id": device, "sequence": number,
                "happened_at": clock.now.isoformat(), "kind": "move", "payload": payload,
            }
            for number in range(operations)
        ]
    }  # fmt: skip


@pytest.mark.parametrize("full", ["room", "queue"])
def test_a_batch_beyond_the_waiting_room_is_told_when_to_come_back(browser, hall, clock, monkeypatch, full):
    room = api.WaitingRoom(2)
    shut = room.seats if full == "room" else room.desk
    shut.acquire()
    browser.application.extensions["stock.waiting-room"] = room
    monkeypatch.setattr(api, "QUEUE_SECONDS_MAX", 0.01)
    batch = a_batch(hall, clock)
    answers = [browser.post("/api/v1/operations", json=batch) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {429}
    assert {answer.json["type"] for answer in answers} == {"busy"}
    waits = {int(answer.headers["Retry-After"]) for answer in answers}
    assert waits <= {1, 2, 3, 4} and len(waits) > 1, "not all come back in the same second"
    one = browser.post("/api/v1/operations", json=a_batch(hall, clock, 1))
    assert one.status_code == 200 and one.json["answers"][0]["outcome"] == "applied", "a single scan does not wait"
    shut.release()
    answer = browser.post("/api/v1/operations", json=batch)
    assert answer.status_code == 200
    outcomes = [each["outcome"] for each in answer.json["answers"]]
    assert outcomes == ["applied"] * 9 + ["rejected"] * 31, "nothing of it was done before"


def test_both_answers_are_written_where_programs_look(browser):
    told = browser.get("/api/openapi.json").json["paths"]["/api/v1/operations"]["post"]["responses"]
    assert "busy" in told["429"]["description"] and "away" in told["503"]["description"]
