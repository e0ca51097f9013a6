"""The pages and the API of stocktakes and discrepancies, for those who may and those who may not."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event, select

from app.factory import create_app
from app.foundation.actor import Actor, Scope
from app.stock import service as stock
from app.stock.models import Review
from app.stocktakes import queries, service
from app.stocktakes.models import Stocktake
from tests.stocktakes.conftest import Phone, on_hand
from tests.stocktakes.test_stocktake import count, done
from tests.untranslated import untranslated


@pytest.fixture
def web(settings, clock, sessions):
    def make(actor, **config):
        app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: actor)
        app.config.update(TESTING=True, **config)
        return app.test_client()

    return make


@pytest.fixture
def recounted(house, send, opened):
    """The stocktake after both counts: one piece of the first lot is missing."""
    for who in (house.anna, house.bela):
        phone = Phone()
        send(
            who,
            count(phone, opened, house.shelves[0], 9, lot_id=house.lots[0]),
            count(phone, opened, house.shelves[0], 20, lot_id=house.lots[1]),
            done(phone, opened, house.shelves[0]),
        )
    phone = Phone()
    send(
        house.anna,
        count(phone, opened, house.shelves[1], 5, lot_id=house.lots[2]),
        done(phone, opened, house.shelves[1]),
        done(phone, opened, house.shelves[2]),
    )
    return opened


def page(client, address, status=200):
    response = client.get(address)
    assert response.status_code == status, (address, response.status_code, response.text[:400])
    return response.text


def test_the_whole_way_by_pages(web, work, house):
    chief, anna, bela = (web(each) for each in (house.chief, house.anna, house.bela))
    page(chief, "/stocktakes/new")
    refused = chief.post("/stocktakes/new", data={"warehouse_id": house.warehouse_id, "place_ids": [house.van]})
    assert refused.status_code == 422
    form = {"warehouse_id": house.warehouse_id, "place_ids": house.shelves[:2]}
    assert chief.post("/stocktakes/new", data=form).status_code == 302
    with work() as uow:
        number = uow.session.scalar(select(Stocktake.id))
    assert "LEL-" in page(anna, "/stocktakes/")
    page(anna, f"/stocktakes/{number}/count")
    for client, round in ((anna, 1), (bela, 2)):
        for place, lots in (
            (house.shelves[0], {house.lots[0]: 8, house.lots[1]: 20}),
            (house.shelves[1], {house.lots[2]: 5}),
        ):
            shown = page(client, f"/stocktakes/{number}/count/{place}")
            if round == 2 and place == house.shelves[1]:
                continue
            form = {"operation_id": str(uuid4()), "round": round, "close": "1"}
            form |= {f"lot_{lot}": str(quantity) for lot, quantity in lots.items()}
            answers = [client.post(f"/stocktakes/{number}/count/{place}", data=form) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [302, 302]
            assert ">10<" not in shown
    with work() as uow:
        assert uow.session.scalar(select(Stocktake.state)) == "to_approve"
    assert "L-" in page(chief, f"/stocktakes/{number}/differences")
    decide = {"line": f"{house.shelves[0]}-{house.lots[0]}", "reason": "stolen"}
    assert chief.post(f"/stocktakes/{number}/decide", data=decide).status_code == 302
    shown = page(chief, f"/stocktakes/{number}/approve")
    seen = shown.partition('name="seen" value="')[2].partition('"')[0]
    wrong = {"operation_id": str(uuid4()), "seen": "0" * 32}
    assert chief.post(f"/stocktakes/{number}/approve", data=wrong).status_code == 409
    form = {"operation_id": str(uuid4()), "seen": seen}
    for _ in range(2):
        assert chief.post(f"/stocktakes/{number}/approve", data=form).status_code == 302
    page(chief, f"/stocktakes/{number}")
    with work() as uow:
        assert [on_hand(uow, house.lots[0], each) for each in (house.shelves[0], house.loss)] == [8, 2]
    for paper in ("record", "sheets"):
        answer = chief.get(f"/stocktakes/{number}/{paper}.pdf")
        assert answer.data.startswith(b"%PDF"), paper


def test_who_counts_sees_no_quantity_of_the_books_anywhere(web, house, work, opened, send):
    anna = web(house.anna)
    with work() as uow:
        stock.receive(
            uow, operation_id=uuid4(), item_id=house.item_id, quantity=7411, place_id=house.shelves[2],
            warehouse_id=house.warehouse_id,
        )  # fmt: skip
    send(house.bela, done(Phone(), opened, house.shelves[2]))
    for address in (
        f"/stocktakes/{opened}",
        f"/stocktakes/{opened}/differences",
        f"/stocktakes/{opened}/count",
        f"/stocktakes/{opened}/count/{house.shelves[2]}",
        f"/api/v1/stocktakes/{opened}",
        f"/api/v1/stocktakes/{opened}/places/{house.shelves[2]}",
    ):
        shown = page(anna, address).replace("\u202f", "").replace("\xa0", "").replace(" ", "")
        assert "7411" not in shown, address
    assert anna.get(f"/api/v1/stocktakes/{opened}/differences").status_code == 403


def test_a_place_is_closed_without_counting_again_what_was_counted_before(web, house, work, opened, send, clock):
    """Counted by phone, picked from since; then "done here" is pressed on the page, which shows what was counted."""
    phone, shelf = Phone(), house.shelves[0]
    for lot, quantity in zip(house.lots[:2], (10, 20), strict=True):
        send(house.anna, count(phone, opened, shelf, quantity, lot_id=lot))
    clock.now += timedelta(minutes=10)
    picked = {"lot_id": house.lots[0], "from_place_id": shelf, "to_place_id": house.shelves[1], "quantity": 3}
    send(house.bela, Phone()("move", picked, happened_at=clock.now))
    clock.now += timedelta(minutes=10)
    shown = page(web(house.anna), f"/stocktakes/{opened}/count/{shelf}")
    assert f'name="lot_{house.lots[0]}" type="number" inputmode="numeric" min="0" value="10"' in shown
    form = {"operation_id": str(uuid4()), "round": 1, "close": "1"}
    form |= {f"lot_{house.lots[0]}": "10", f"lot_{house.lots[1]}": ""}
    assert web(house.anna).post(f"/stocktakes/{opened}/count/{shelf}", data=form).status_code == 302
    with work(house.chief) as uow:
        lines = service.lines_of(uow, queries.stocktake(uow.session, uow.actor, opened))
    differing = {line.lot_id: line.difference for line in lines if line.difference}
    assert differing == {house.lots[1]: -20}, "left empty is not there; what was not touched is not counted again"


def test_programs_need_the_version_they_saw(web, house, recounted):
    """B11."""
    chief = web(house.chief)
    address = f"/api/v1/stocktakes/{recounted}"
    tag = chief.get(address).headers["ETag"]
    body = {"place_id": house.shelves[0], "lot_id": house.lots[0], "reason": "damaged"}
    assert chief.post(f"{address}/decide", json=body).status_code == 428
    assert chief.post(f"{address}/decide", json=body, headers={"If-Match": tag}).status_code == 200
    approve = {"operation_id": str(uuid4())}
    assert chief.post(f"{address}/approve", json=approve, headers={"If-Match": tag}).status_code == 412
    tag = chief.get(address).headers["ETag"]
    listed = chief.get(f"{address}/differences").json
    assert [each["difference"] for each in listed["items"] if each["difference"]] == [-1]
    posted = chief.post(f"{address}/approve", json={**approve, "seen": listed["seen"]}, headers={"If-Match": tag})
    assert (posted.status_code, posted.json["state"]) == (200, "posted")


def test_the_queue_of_discrepancies_is_worked_off_by_pages(web, house, send, work):
    load = {"lot_id": house.lots[0], "from_place_id": house.shelves[0], "to_place_id": house.van, "quantity": 12}
    phone = Phone()
    send(house.anna, *[phone("load", load) for _ in range(3)])
    chief = web(house.chief)
    with work() as uow:
        first, second, third = uow.session.scalars(select(Review.id).order_by(Review.id)).all()
    assert "12" in page(chief, "/stock/discrepancies")
    page(chief, f"/stock/discrepancies/{first}")
    found = {
        "resolution": "found", "operation_id": str(uuid4()), "lot_id": house.lots[0], "place_id": house.shelves[0],
        "quantity": "2",
    }  # fmt: skip
    for _ in range(2):
        assert chief.post(f"/stock/discrepancies/{first}", data=found).status_code == 302
    again = {"resolution": "again", "operation_id": str(uuid4())}
    assert chief.post(f"/stock/discrepancies/{second}", data=again).status_code == 302
    assert chief.post(f"/stock/discrepancies/{first}", data=again).status_code == 409
    nothing = {"resolution": "nothing", "operation_id": str(uuid4())}
    assert chief.post(f"/stock/discrepancies/{third}", data=nothing).status_code == 422
    assert chief.post(f"/stocktakes/for-discrepancy/{third}").status_code == 302
    with work() as uow:
        assert [each.resolution for each in uow.session.scalars(select(Review).order_by(Review.id))] == [
            "found", "again", "counted",
        ]  # fmt: skip
        assert on_hand(uow, house.lots[0], house.van) == 12
    table = chief.get("/stock/discrepancies/table?state=all")
    assert table.data.startswith(b"\xef\xbb\xbf") and table.data.count(b"\r\n") == 4
    assert chief.get("/stock/discrepancies/table?state=all&form=xlsx").data.startswith(b"PK")
    anna = web(house.anna)
    assert anna.post(f"/stock/discrepancies/{first}", data=nothing).status_code == 403
    assert anna.get("/api/v1/discrepancies?state=all").json["items"][0]["resolution"] == "counted"


def test_lists_cost_few_statements_and_all_words_are_translated(web, house, recounted, send, work, sessions):
    load = {"lot_id": house.lots[0], "from_place_id": house.shelves[0], "to_place_id": house.van, "quantity": 99}
    send(house.anna, Phone()("load", load))
    with work() as uow:
        review = uow.session.scalar(select(Review.id))
    chief = web(house.chief, PSEUDO_LANGUAGE=True)
    statements = []
    engine = sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for address in (
        "/stocktakes/",
        f"/stocktakes/{recounted}",
        f"/stocktakes/{recounted}/differences",
        f"/stocktakes/{recounted}/approve",
        f"/stocktakes/{recounted}/count",
        f"/stocktakes/{recounted}/count/{house.shelves[0]}",
        "/stocktakes/new",
        "/stock/discrepancies",
        f"/stock/discrepancies/{review}",
    ):
        statements.clear()
        shown = page(chief, address)
        assert untranslated(shown) == [], address
        print(address, len(statements))
        if address in ("/stocktakes/", "/stock/discrepancies"):
            assert len(statements) <= 12, address


def test_other_roles_are_kept_out(web, house, opened):
    driver = web(Actor(5, "Driver", "driver", {"runs.drive": Scope.OWN}, {Scope.OWN: (5,)}))
    for address in ("/stocktakes/", f"/stocktakes/{opened}", "/stock/discrepancies", "/api/v1/stocktakes"):
        assert driver.get(address).status_code == 403
    anna = web(house.anna)
    assert anna.get("/stocktakes/new").status_code == 403
    assert anna.get(f"/stocktakes/{opened}/approve").status_code == 403
