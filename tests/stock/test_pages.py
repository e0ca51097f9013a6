"""The pages of the stock and the catalogue: they open for everybody who may, and say what was done."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from app.catalogue import queries as catalogue_queries
from app.catalogue import service as catalogue
from app.factory import create_app
from app.foundation.actor import Scope
from app.stock import queries, service
from app.stock.models import Kind
from tests.conftest import EVERYTHING
from tests.stock.conftest import build_hall, move, on_hand
from tests.untranslated import untranslated


@pytest.fixture
def serve(settings, clock, sessions):
    """Return a browser in which somebody is signed in."""

    def make(actor=EVERYTHING, pseudo=False):
        app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: actor)
        app.config["TESTING"] = True
        app.config["PSEUDO_LANGUAGE"] = pseudo
        return app.test_client()

    return make


@pytest.fixture
def filled(work, clock):
    """A hall with some stock of every kind."""
    with work() as uow:
        catalogue.load_catalogue(uow)
        hall = build_hall(uow)
        items = catalogue_queries.items(uow.session)[:60]
        arrivals = [
            {
                "operation_id": uuid4(),
                "item_id": item.id,
                "quantity": 24,
                "place_id": hall.shelf,
                "warehouse_id": hall.warehouse_id,
                "expires_on": clock.now.date() + timedelta(days=number * 5 - 20) if item.tracks_expiry else None,
                "source": "F-1",
            }
            for number, item in enumerate(items)
        ]
        service.receive_many(uow, arrivals)
        move(uow, hall, 1, hall.shelf, hall.quarantine)
        move(uow, hall, 2, hall.shelf, hall.van, kind=Kind.LOAD)
        move(uow, hall, 1, hall.van, hall.out, kind=Kind.HAND_OVER)
        service.change_lot_state(uow, lot_id=hall.lot_id + 1, state="blocked", reason="recall")
    return hall


PAGES = [
    "/stock/",
    "/stock/?view=expiring",
    "/stock/?view=expired",
    "/stock/?view=quarantine",
    "/stock/?view=discrepancy",
    "/stock/?q=liszt&sort=-name&within_days=90",
    "/stock/?q=%00",
    "/stock/lots/{lot}",
    "/stock/lots/{lot}/move",
    "/stock/receive",
    "/stock/movements",
    "/stock/movements?kind=load&lot_id={lot}",
    "/stock/places",
    "/stock/places/new",
    "/stock/warehouses",
    "/stock/ledger",
    "/catalogue/",
    "/catalogue/?q=pelenka&retired=1",
    "/catalogue/{item}",
    "/catalogue/{item}/edit",
    "/catalogue/{item}/packs",
    "/catalogue/new",
]


def test_every_page_opens_in_both_languages_and_says_nothing_untranslated(serve, filled):
    plain, pseudo = serve(), serve(pseudo=True)
    for path in PAGES:
        address = path.format(lot=filled.lot_id, item=3)
        for language in ("hu", "en"):
            response = plain.get(address, headers={"Accept-Language": language})
            assert response.status_code == (422 if "%00" in path else 200), address
            assert 'style="' not in response.text, address
        if "%00" not in path:
            assert untranslated(pseudo.get(address).text) == [], address


LISTS = [path for path in PAGES if "?" not in path and "new" not in path]


def test_a_list_asks_the_database_a_constant_number_of_times(serve, filled, sessions):
    browser, asked = serve(), []
    event.listen(sessions.kw["bind"], "before_cursor_execute", lambda *args: asked.append(args[2]))
    for path in LISTS:
        asked.clear()
        assert browser.get(path.format(lot=filled.lot_id, item=3)).status_code == 200
        assert len(asked) <= 12, path + "\n" + "\n".join(asked)


def test_a_list_goes_on_where_it_ended_and_shows_every_lot_once(serve, filled):
    seen, address = [], "/stock/"
    while address:
        page = serve().get(address).text
        seen += re.findall(r'<tr id="row-(\d+)"', page)
        more = re.search(r'href="([^"]*after=[^"]*)" hx-get', page)
        address = more[1].replace("&amp;", "&") if more else None
    assert len(seen) == len(set(seen)) == 63


def test_a_sheet_that_is_opened_beside_the_list_does_not_ask_for_the_list_again(serve, filled, sessions):
    browser, asked = serve(), []
    event.listen(sessions.kw["bind"], "before_cursor_execute", lambda *args: asked.append(args[2]))
    page = browser.get(f"/stock/lots/{filled.lot_id}", headers={"HX-Request": "true", "HX-Target": "sheet"}).text
    assert 'id="sheet"' in page and f"L-{filled.lot_id}" in page
    assert '<tr id="row-' not in page
    assert len(asked) <= 10


def hidden(page, name):
    return re.search(rf'name="{name}"[^>]*? value="([^"]*)"', page)[1]


def test_a_form_sent_twice_moves_once_and_can_be_taken_back(serve, work, hall):
    browser = serve(hall.worker(**{"stock.write_off": Scope.WAREHOUSE}))
    form = browser.get(f"/stock/lots/{hall.lot_id}/move").text
    sent = {
        "operation_id": hidden(form, "operation_id"),
        "from_place_id": hall.shelf,
        "to_place_id": hall.other_shelf,
        "quantity": 4,
    }
    for _ in range(2):
        assert browser.post(f"/stock/lots/{hall.lot_id}/move", data=sent).status_code == 302
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.other_shelf) == 4
        moved = queries.movements_of_operation(uow.session, sent["operation_id"])
        assert len(moved) == 1
    back = browser.post(f"/stock/movements/{moved[0].id}/reverse", data={"operation_id": uuid4()})
    assert back.status_code == 302
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.other_shelf) == 0


def test_a_refused_form_comes_back_with_what_was_typed_and_why(serve, hall):
    browser = serve(hall.worker())
    sent = {
        "operation_id": uuid4(),
        "from_place_id": hall.shelf,
        "to_place_id": hall.other_shelf,
        "quantity": 77,
    }
    response = browser.post(f"/stock/lots/{hall.lot_id}/move?lang=en", data=sent)
    assert response.status_code == 409
    assert "77 wanted, 10 available" in response.text
    assert 'value="77"' in response.text
    response = browser.post("/stock/receive?lang=en", data={"operation_id": uuid4(), "quantity": "many"})
    assert response.status_code == 422
    assert "Write a whole number" in response.text


def test_receiving_by_form_makes_a_lot(serve, work, hall):
    browser = serve(hall.worker())
    sent = {
        "operation_id": uuid4(),
        "item_id": hall.item_id,
        "quantity": 12,
        "place_id": hall.dock,
        "condition": "good",
    }
    response = browser.post("/stock/receive", data=sent)
    assert response.status_code == 302
    with work() as uow:
        assert on_hand(uow, hall.lot_id + 1, hall.dock) == 12


def test_a_worker_sees_nothing_of_another_warehouse(serve, work, hall):
    with work() as uow:
        elsewhere = build_hall(uow)
    browser = serve(hall.worker())
    assert browser.get(f"/stock/lots/{elsewhere.lot_id}").status_code == 404
    assert browser.get(f"/api/v1/lots/{elsewhere.lot_id}").status_code == 404
    assert f"L-{elsewhere.lot_id}<" not in browser.get("/stock/").text
    assert browser.get(f"/api/v1/warehouses/{elsewhere.warehouse_id}").status_code == 404
    balances = browser.get("/api/v1/balances").json["items"]
    assert {row["warehouse_id"] for row in balances} == {hall.warehouse_id}
    stolen = {
        "operation_id": uuid4(),
        "from_place_id": elsewhere.shelf,
        "to_place_id": hall.shelf,
        "quantity": 1,
    }
    assert browser.post(f"/stock/lots/{elsewhere.lot_id}/move", data=stolen).status_code == 404


def test_the_ledger_page_shows_the_difference_and_which_balance_it_is(serve, work, hall):
    page = serve().get("/stock/ledger?lang=en").text
    assert 'class="shout">0<' in page and "proved" in page
    with work() as uow:
        uow.session.execute(text("UPDATE balance SET on_hand = on_hand + 3 WHERE guarded"))
    page = serve().get("/stock/ledger?lang=en").text
    assert 'class="shout">3<' in page and "does not hold" in page and f"L-{hall.lot_id}" in page
    assert serve().get("/api/v1/ledger/proof").json["holds"] is False


def test_a_warehouse_is_changed_only_by_who_saw_its_last_version(serve, hall):
    browser = serve()
    address = f"/api/v1/warehouses/{hall.warehouse_id}"
    seen = browser.get(address)
    assert browser.patch(address, json={"loading_bays": 2}).status_code == 428
    assert browser.get(address, headers={"If-None-Match": seen.headers["ETag"]}).status_code == 304
    changed = browser.patch(address, json={"loading_bays": 2}, headers={"If-Match": seen.headers["ETag"]})
    assert (changed.status_code, changed.json["loading_bays"]) == (200, 2)
    again = browser.patch(address, json={"loading_bays": 9}, headers={"If-Match": seen.headers["ETag"]})
    assert again.status_code == 412


def test_an_item_is_changed_only_by_who_saw_its_last_version(serve, filled):
    browser = serve()
    seen = browser.get("/api/v1/items/3")
    match = {"If-Match": seen.headers["ETag"]}
    assert browser.patch("/api/v1/items/3", json={"usual_quantity": 9}, headers=match).status_code == 200
    assert browser.patch("/api/v1/items/3", json={"usual_quantity": 8}, headers=match).status_code == 412
    page = browser.get("/catalogue/3/edit").text
    form = {name: hidden(page, name) for name in ("name_hu", "name_en", "unit_name_hu", "unit_name_en", "version")}
    form |= {"weight_g": "1,5", "volume_ml": "2", "value_ft": "290", "usual_quantity": "5", "icon": "wheat"}
    form |= {"category_id": "2", "storage_class": "ambient"}
    assert browser.post("/catalogue/3/edit", data=form).status_code == 302
    assert browser.get("/api/v1/items/3").json["weight_mg"] == 1500
    assert browser.post("/catalogue/3/edit", data=form).status_code == 412
