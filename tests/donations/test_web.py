"""Donations in the browser and by the API."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pypdfium2
import pytest

from app.factory import create_app


@pytest.fixture
def client_of(settings, sessions, clock):
    def make(actor):
        app = create_app(settings, sessions=sessions, clock=clock, identify=lambda: actor)
        return app.test_client()

    return make


def send(client, path, form):
    """Fill a form in as a browser does: open its page, then post it with its token."""
    page = client.get(path).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    return client.post(path, data={**form, "csrf_token": token[1] if token else ""})


OFFER = {"donor": {"kind": "company", "name": "Tisza Malom Kft."}}


def test_an_offer_is_made_accepted_and_received_by_a_program(client_of, mill, clock):
    coordinator, worker = client_of(mill.coordinator), client_of(mill.worker)
    body = {**OFFER, "settlement_id": mill.settlement_id, "lines": mill.lines(), "reference": "R1"}
    made = coordinator.post("/api/v1/offers", json=body)
    assert made.status_code == 201, made.json
    clock.now += timedelta(minutes=1)
    assert coordinator.post("/api/v1/offers", json=body).status_code == 200
    path = f"/api/v1/offers/{made.json['id']}"
    unseen = coordinator.post(f"{path}/accept", json={"warehouse_id": mill.warehouse_id})
    assert unseen.status_code == 428 and unseen.json["type"] == "precondition-required"
    seen = {"If-Match": coordinator.get(path).headers["ETag"]}
    accepted = coordinator.post(f"{path}/accept", json={"warehouse_id": mill.warehouse_id}, headers=seen)
    assert accepted.status_code == 200 and accepted.json["state"] == "accepted"
    stale = coordinator.post(f"{path}/decline", json={"reason": "changed my mind"}, headers=seen)
    assert stale.status_code == 412
    arrival = worker.post(
        "/api/v1/arrivals",
        json={
            "operation_id": str(uuid4()),
            "warehouse_id": mill.warehouse_id,
            "offer_id": made.json["id"],
            "lines": [{"item_id": mill.flour_id, "quantity": 590, "inspection": "accept", "expires_on": "2027-04-30"}],
        },
    )
    assert arrival.status_code == 201, arrival.json
    note = worker.get(f"/api/v1/arrivals/{arrival.json['id']}/note.pdf")
    assert note.mimetype == "application/pdf"
    text = pypdfium2.PdfDocument(note.data)[0].get_textpage().get_text_range()
    assert "Goods-received note" in text and "590" in text and "Tisza Malom" in text


@pytest.mark.parametrize(
    ("quantity", "status"),
    [(0, 422), (-1, 422), (2**63, 422), ("12", 201), ("١٢", 422), (1e400, 422), (None, 422), (True, 422)],
)
def test_odd_quantities_are_answered_not_stored(client_of, mill, quantity, status):
    body = {
        **OFFER,
        "settlement_id": mill.settlement_id,
        "lines": [{"item_id": mill.flour_id, "quantity": quantity}],
    }
    answer = client_of(mill.coordinator).post("/api/v1/offers", json=body)
    assert answer.status_code == status, answer.data
    if status == 422:
        assert answer.mimetype == "application/problem+json"


UNSTORABLE = ["\x00", "a\ud800"]
NAUGHTY = ["#set page(width: 1pt)", "*bold* _x_ $x$ <b>", "'; DROP TABLE offer; --", "𝒳" * 50]


@pytest.mark.parametrize("text", UNSTORABLE + NAUGHTY)
def test_whatever_is_typed_comes_back_as_typed_or_is_refused(client_of, mill, text):
    coordinator = client_of(mill.coordinator)
    body = {"donor": {"kind": "company", "name": f"Kft {text}"}, "settlement_id": mill.settlement_id}
    made = coordinator.post("/api/v1/offers", json={**body, "lines": mill.lines()})
    assert made.status_code == (422 if text in UNSTORABLE else 201)
    if text not in UNSTORABLE:
        page = coordinator.get(f"/offers/{made.json['id']}").get_data(as_text=True)
        assert "<b></b>" not in page
        assert text.replace("<b>", "&lt;b&gt;").replace("'", "&#39;") in page


def test_the_public_form_comes_back_filled_in_when_something_is_missing(client_of, mill):
    from app.foundation.actor import NOBODY

    anybody = client_of(NOBODY)
    form = {
        "kind": "person",
        "name": "Adakozó Anna",
        "settlement_id_text": "nowhere at all",
        "item_id-0": mill.flour_id,
    }
    answer = send(anybody, "/felajanlas?lang=en", form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="Adakozó Anna"' in page


def test_a_form_with_a_wrong_line_shows_the_sentence_at_its_field(client_of, mill):
    worker = client_of(mill.worker)
    form = {
        "operation_id": str(uuid4()),
        "warehouse_id": mill.warehouse_id,
        "item_id-0": mill.flour_id,
        "quantity-0": "12",
        "inspection-0": "refuse",
    }
    answer = send(worker, "/arrivals/new?lang=en", form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Write why." in page and 'id="f-reason-0-e"' in page and 'value="12"' in page
