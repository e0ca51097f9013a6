"""Goods that come in scan by scan: each line stands on the dock at once, the end numbers the note."""

from datetime import date
from uuid import uuid4

import pytest

from app.donations import queries, service
from app.donations.errors import ArrivalEnded, LinesWrong
from app.donations.models import Arrival, Offer
from app.factory import create_app
from app.stock import queries as stock_queries
from app.stock import service as stock
from tests.conftest import EVERYTHING
from tests.stock.conftest import on_hand
from tests.stock.test_operations import Phone, send

EXPIRES = "2027-04-30"


@pytest.fixture
def web(settings, sessions, clock):
    """Browsers of somebody with every right."""
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: EVERYTHING)
    app.config["TESTING"] = True
    return app.test_client


@pytest.fixture
def offer(work, mill):
    """An accepted offer of 600 bags of flour."""
    with work() as uow:
        made = service.offer(
            uow,
            lines=mill.lines(),
            settlement_id=mill.settlement_id,
            donor={"kind": "company", "name": "Tisza Malom Kft."},
        )
        service.accept(uow, offer_id=made.id, warehouse_id=mill.warehouse_id)
    return made


def dock_of(uow, mill):
    """Return the dock's place."""
    return stock_queries.virtual_place(uow.session, mill.warehouse_id, "dock").id


def begin(client, mill, offer):
    """Begin an arrival of an offer as a program does, and return a sender of its lines."""
    asked = {"operation_id": str(uuid4()), "warehouse_id": mill.warehouse_id, "offer_id": offer.id}
    arrival = client.post("/api/v1/arrivals/begin", json=asked).json["id"]

    def line(**facts):
        answer = client.post(f"/api/v1/arrivals/{arrival}/lines", json={"operation_id": str(uuid4()), **facts})
        assert answer.status_code == 200, answer.json
        return answer.json["lines"][-1]

    return arrival, line


def test_each_line_is_on_the_dock_at_once_and_the_end_numbers_the_note_with_what_differs(web, work, mill, offer):
    client = web()
    arrival, line = begin(client, mill, offer)
    flour = {"item_id": mill.flour_id, "expires_on": EXPIRES}
    first = line(**flour, quantity=400)
    with work() as uow:
        assert on_hand(uow, first["lot_id"], dock_of(uow, mill)) == 400
        assert uow.session.get_one(Offer, offer.id).state == "arrived"
        assert [each.id for each in queries.open_arrivals(uow.session, uow.actor)] == [arrival]
    quarantined = line(**flour, quantity=20, inspection="quarantine", reason="wet")
    refused = line(**flour, quantity=5, inspection="refuse", reason="torn")
    line(item_id=mill.blanket_id, quantity=3, condition="good")
    assert refused["lot_id"] is None
    assert client.post(f"/api/v1/arrivals/{arrival}/close").status_code == 200
    with work() as uow:
        shut = stock_queries.virtual_place(uow.session, mill.warehouse_id, "quarantine").id
        assert on_hand(uow, quarantined["lot_id"], shut) == 20
        (voucher,) = stock_queries.vouchers_of(uow.session, uow.actor, ("arrival", arrival))
        differs = {(each["kind"], each["offered"], each["came"]) for each in voucher.content["differences"]}
        assert differs == {("short", 600, 425), ("refused", 5, 0), ("other", 0, 3)}
        assert len(voucher.content["lines"]) == 4
        assert uow.session.get_one(Offer, offer.id).state == "arrived", "the rest may still come"
        assert stock_queries.verify(uow.session).holds
    page = web().get(f"/arrivals/{arrival}?lang=en")
    assert "600 offered, 425 came" in page.text and web().get("/offers").status_code == 200


def test_what_came_in_whole_closes_the_offer_and_more_than_offered_is_told(web, work, mill, offer):
    client = web()
    arrival, line = begin(client, mill, offer)
    line(item_id=mill.flour_id, expires_on=EXPIRES, quantity=610)
    client.post(f"/api/v1/arrivals/{arrival}/close")
    with work() as uow:
        (voucher,) = stock_queries.vouchers_of(uow.session, uow.actor, ("arrival", arrival))
        assert voucher.content["differences"] == [
            {"kind": "over", "item_id": mill.flour_id, "offered": 600, "came": 610}
        ]
        assert uow.session.get_one(Offer, offer.id).state == "closed"


def test_a_line_taken_back_is_off_the_arrival_and_off_the_offer(work, mill, offer):
    with work() as uow:
        arrival = service.open_arrival(uow, operation_id=uuid4(), warehouse_id=mill.warehouse_id, offer_id=offer.id)
        name = uuid4()
        service.receive_line(
            uow,
            operation_id=name,
            arrival_id=arrival.id,
            item_id=mill.flour_id,
            quantity=9,
            expires_on=date(2027, 4, 30),
        )
    with work() as uow:
        (movement,) = stock_queries.movements_of_operation(uow.session, name)
        stock.reverse(uow, operation_id=uuid4(), movement_id=movement.id, reason="counted wrong")
    with work() as uow:
        assert queries.arrival(uow.session, uow.actor, arrival.id).lines == []
        assert queries.offer(uow.session, uow.actor, offer.id).lines[0].arrived == 0
        assert stock_queries.verify(uow.session).holds


def test_what_is_wrong_with_a_line_is_said_and_a_posted_note_stays(work, mill, offer):
    with work() as uow:
        arrival = service.open_arrival(uow, operation_id=uuid4(), warehouse_id=mill.warehouse_id)
    line = {"arrival_id": arrival.id, "item_id": mill.flour_id, "quantity": 9}
    for wrong in ({}, {"expires_on": date(2027, 1, 1), "inspection": "quarantine"}):
        with pytest.raises(LinesWrong), work() as uow:
            service.receive_line(uow, operation_id=uuid4(), **line, **wrong)
    with work() as uow:
        service.receive_line(uow, operation_id=uuid4(), **line, expires_on=date(2027, 1, 1))
        first = service.close_arrival(uow, arrival_id=arrival.id).voucher_id
    with work() as uow:
        assert service.close_arrival(uow, arrival_id=arrival.id).voucher_id == first
    with pytest.raises(ArrivalEnded), work() as uow:
        service.receive_line(uow, operation_id=uuid4(), **line, expires_on=date(2027, 1, 1))


def test_the_api_receives_line_by_line_once_each(web, work, mill):
    client = web()
    begin = {"operation_id": str(uuid4()), "warehouse_id": mill.warehouse_id}
    made = client.post("/api/v1/arrivals/begin", json=begin)
    assert made.status_code == 201
    assert client.post("/api/v1/arrivals/begin", json=begin).json["id"] == made.json["id"]
    address = f"/api/v1/arrivals/{made.json['id']}"
    line = {"operation_id": str(uuid4()), "item_id": mill.blanket_id, "quantity": 4}
    for _ in range(2):
        answer = client.post(f"{address}/lines", json=line)
        assert (answer.status_code, [each["quantity"] for each in answer.json["lines"]]) == (200, [4])
    assert client.post(f"{address}/lines", json={**line, "quantity": 5}).status_code == 422
    assert client.get(f"/arrivals/{made.json['id']}").status_code == 200
    assert client.post(f"/arrivals/{made.json['id']}/close").status_code == 302
    assert client.post(f"{address}/close").json["voucher_id"]
    with work() as uow:
        assert uow.session.get_one(Arrival, made.json["id"]).voucher_id


# The phone's way, beside the others ---------------------------------------------------------------------------------


def scanned_in(web, mill, phone, offer, quantity, *, item_id=None):
    """Receive flour as the scan page does, and return the operation."""
    facts = {"item_id": item_id or mill.flour_id, "quantity": quantity, "place": mill.dock, "expires_on": EXPIRES}
    received = phone("receive", facts | ({"source": f"F-{offer.id}"} if offer else {}))
    assert [answer["outcome"] for answer in send(web, received)] == ["applied"]
    return received["operation_id"]


def noted(web, mill, phone, receipts, offer=None):
    """Ask for the note of what was scanned in, and return the answer."""
    facts = {"protocol": 3, "warehouse_id": mill.warehouse_id, "receipts": receipts}
    (answer,) = send(web, phone("goods_received", facts | ({"offer_id": offer.id} if offer else {})))
    return answer


@pytest.fixture
def at_dock(work, mill):
    """The mill's warehouse with the code of its dock."""
    with work() as uow:
        mill.dock = stock_queries.place(uow.session, dock_of(uow, mill)).code
    return mill


def test_what_a_phone_scans_in_says_on_its_note_what_differs(web, work, at_dock, offer):
    phone = Phone()
    receipts = [scanned_in(web, at_dock, phone, offer, 400), scanned_in(web, at_dock, phone, offer, 150)]
    receipts.append(scanned_in(web, at_dock, phone, offer, 3, item_id=at_dock.blanket_id))
    answer = noted(web, at_dock, phone, receipts, offer)
    with work() as uow:
        (voucher,) = stock_queries.vouchers_of(uow.session, uow.actor, ("arrival", answer["result"]["arrival_id"]))
        differs = {(each["kind"], each["offered"], each["came"]) for each in voucher.content["differences"]}
        assert differs == {("short", 600, 550), ("other", 0, 3)}
        assert uow.session.get_one(Offer, offer.id).lines[0].arrived == 550


def test_goods_that_wait_for_their_note_cannot_be_received_a_second_time_by_another_way(web, work, at_dock, offer):
    phone, client = Phone(), web()
    scanned_in(web, at_dock, phone, offer, 600)
    whole = {"item_id": at_dock.flour_id, "quantity": 600, "inspection": "accept", "expires_on": EXPIRES}
    body = {"operation_id": str(uuid4()), "warehouse_id": at_dock.warehouse_id, "offer_id": offer.id}
    refused = [
        client.post("/api/v1/arrivals", json={**body, "lines": [whole]}),
        client.post("/api/v1/arrivals/begin", json=body),
        client.post(f"/api/v1/offers/{offer.id}/close", headers={"If-Match": etag(client, offer)}),
    ]
    assert [(each.status_code, each.json["type"]) for each in refused] == [(409, "scanned-in")] * 3
    assert "1 lot was scanned in" in client.get(f"/offers/{offer.id}?lang=en").text
    deed = {"operation_id": str(uuid4())}
    for _ in range(2):
        answer = client.post(f"/offers/{offer.id}/note", data=deed)
        assert answer.status_code == 302 and "/arrivals/" in answer.location
    with work() as uow:
        found = uow.session.get_one(Offer, offer.id)
        assert (found.state, found.lines[0].arrived) == ("closed", 600)
        assert len(queries.arrivals_of(uow.session, uow.actor, offer.id)) == 1
    late = client.post("/api/v1/arrivals", json={**body, "lines": [whole]})
    assert (late.status_code, late.json["type"]) == (409, "offer-past")


def test_a_line_of_a_program_is_never_noted_again_by_a_phone(web, work, at_dock, offer):
    phone, client = Phone(), web()
    arrival, _line = begin(client, at_dock, offer)
    name = str(uuid4())
    facts = {"operation_id": name, "item_id": at_dock.flour_id, "expires_on": EXPIRES, "quantity": 40}
    assert client.post(f"/api/v1/arrivals/{arrival}/lines", json=facts).status_code == 200
    answer = noted(web, at_dock, phone, [name], offer)
    assert (answer["outcome"], answer["problem"]["type"]) == ("rejected", "nothing-to-note")
    # What a phone brings in while the program's arrival is open is its own: each lot stands on one line.
    answer = noted(web, at_dock, phone, [name, scanned_in(web, at_dock, phone, offer, 60)], offer)
    assert (answer["outcome"], answer["result"]["lines"]) == ("applied", 1)
    client.post(f"/api/v1/arrivals/{arrival}/close")
    with work() as uow:
        lines = [line for each in queries.arrivals_of(uow.session, uow.actor, offer.id) for line in each.lines]
        assert sorted(line.quantity for line in lines) == [40, 60]
        assert len({line.lot_id for line in lines}) == 2
        assert uow.session.get_one(Offer, offer.id).lines[0].arrived == 100


def test_what_was_scanned_for_one_offer_counts_towards_no_other(web, work, at_dock, mill, offer):
    with work() as uow:
        other = service.offer(
            uow,
            lines=mill.lines(),
            settlement_id=mill.settlement_id,
            donor={"kind": "company", "name": "Bodrog Malom Kft."},
        )
        service.accept(uow, offer_id=other.id, warehouse_id=mill.warehouse_id)
    phone = Phone()
    receipts = [scanned_in(web, at_dock, phone, offer, 7), scanned_in(web, at_dock, phone, other, 5)]
    assert noted(web, at_dock, phone, receipts, other)["result"]["lines"] == 1
    with work() as uow:
        assert [uow.session.get_one(Offer, each.id).lines[0].arrived for each in (offer, other)] == [0, 5]
    assert noted(web, at_dock, phone, receipts, offer)["result"]["lines"] == 1


def test_goods_scanned_in_for_an_offer_that_was_closed_meanwhile_still_get_their_note(web, work, at_dock, offer):
    with work() as uow:
        service.close(uow, offer_id=offer.id)
    phone = Phone()
    answer = noted(web, at_dock, phone, [scanned_in(web, at_dock, phone, offer, 7)], offer)
    assert answer["outcome"] == "applied"
    with work() as uow:
        found = uow.session.get_one(Offer, offer.id)
        assert (found.state, found.lines[0].arrived) == ("closed", 7)


def etag(client, offer):
    """Return the version of an offer as a program has seen it."""
    return client.get(f"/api/v1/offers/{offer.id}").headers["ETag"]


def test_what_is_taken_back_after_its_note_is_expected_again_and_certified_to_nobody(web, work, at_dock, offer):
    phone = Phone()
    receipts = [scanned_in(web, at_dock, phone, offer, quantity) for quantity in (100, 7)]
    arrival_id = noted(web, at_dock, phone, receipts, offer)["result"]["arrival_id"]
    back = phone("reverse", {"reversed_operation_id": receipts[1], "reason": "scan"})
    assert [answer["outcome"] for answer in send(web, back)] == ["applied"]
    with work() as uow:
        assert uow.session.get_one(Offer, offer.id).lines[0].arrived == 100
        assert sorted(line.quantity for line in queries.arrival(uow.session, uow.actor, arrival_id).lines) == [7, 100]
        service.close(uow, offer_id=offer.id)
        certified = service.certificate(uow, offer_id=offer.id).content["lines"]
        assert [line["quantity"] for line in certified] == [100]
