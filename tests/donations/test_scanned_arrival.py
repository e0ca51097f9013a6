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


def test_each_scan_is_on_the_dock_at_once_and_the_end_numbers_the_note_with_what_differs(web, work, mill, offer):
    phone = Phone()
    begun = phone("arrival_open", {"warehouse_id": mill.warehouse_id, "offer_id": offer.id})
    same = {"arrival_operation_id": begun["operation_id"]}
    flour = {**same, "item_id": mill.flour_id, "expires_on": EXPIRES}
    first = phone("arrival_line", {**flour, "quantity": 400})
    answers = send(web, begun, first)
    assert [answer["outcome"] for answer in answers] == ["applied", "applied"], answers
    with work() as uow:
        assert on_hand(uow, answers[1]["result"]["lot_id"], dock_of(uow, mill)) == 400
        assert uow.session.get_one(Offer, offer.id).state == "arrived"
        assert [each.id for each in queries.open_arrivals(uow.session, uow.actor)] == [
            answers[0]["result"]["arrival_id"]
        ]
    rest = [
        phone("arrival_line", {**flour, "quantity": 20, "inspection": "quarantine", "reason": "wet"}),
        phone("arrival_line", {**flour, "quantity": 5, "inspection": "refuse", "reason": "torn"}),
        phone("arrival_line", {**same, "item_id": mill.blanket_id, "quantity": 3, "condition": "good"}),
        phone("arrival_close", same),
    ]
    answers = send(web, *rest)
    assert [answer["outcome"] for answer in answers] == ["applied"] * 4, answers
    quarantined, refused, other, end = (answer["result"] for answer in answers)
    assert refused["lot_id"] is None and other["offer_line_id"] is None
    differs = {(each["kind"], each["offered"], each["came"]) for each in end["differences"]}
    assert differs == {("short", 600, 425), ("refused", 5, 0), ("other", 0, 3)}
    assert {answer["outcome"] for answer in send(web, begun, first, *rest)} == {"duplicate"}
    with work() as uow:
        shut = stock_queries.virtual_place(uow.session, mill.warehouse_id, "quarantine").id
        assert on_hand(uow, quarantined["lot_id"], shut) == 20
        (voucher,) = stock_queries.vouchers_of(uow.session, uow.actor, ("arrival", end["arrival_id"]))
        assert (voucher.code, len(voucher.content["lines"])) == (end["voucher"], 4)
        assert len(voucher.content["differences"]) == 3
        assert uow.session.get_one(Offer, offer.id).state == "arrived", "the rest may still come"
        assert stock_queries.verify(uow.session).holds
    page = web().get(f"/arrivals/{end['arrival_id']}?lang=en")
    assert "600 offered, 425 came" in page.text and web().get("/offers").status_code == 200


def test_what_came_in_whole_closes_the_offer_and_more_than_offered_is_told(web, work, mill, offer):
    phone = Phone()
    begun = phone("arrival_open", {"warehouse_id": mill.warehouse_id, "offer_id": offer.id})
    same = {"arrival_operation_id": begun["operation_id"]}
    line = phone("arrival_line", {**same, "item_code": "FLOUR-1KG", "expires_on": EXPIRES, "quantity": 610})
    answers = send(web, begun, line, phone("arrival_close", same))
    assert answers[2]["result"]["differences"] == [
        {"kind": "over", "item_id": mill.flour_id, "offered": 600, "came": 610}
    ]
    with work() as uow:
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
