"""The pages and the API of kits and conversions: they open, and each deed can be done from them."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import event

from app.foundation.actor import Scope
from app.stock.models import Warehouse
from tests.builders import a_lot, an_item
from tests.conversions.conftest import LATE, assemble
from tests.conversions.test_service import take_apart, undo
from tests.stock.conftest import on_hand
from tests.untranslated import untranslated


def boss(room):
    return room.worker(**{"kits.manage": Scope.ALL})


@pytest.fixture
def filled(work, room):
    """Some conversions of each kind, one of them taken back."""
    made, lot = assemble(work, room, 3)
    take_apart(work, room, lot, 1)
    undone, _ = assemble(work, room, 1)
    undo(work, room, undone)
    return {"made": made, "undone": undone, "kits": lot, "flour": room.late, "kit": room.kit}


PAGES = [
    "/kits",
    "/kits?retired=1",
    "/kits/new",
    "/kits/{kit}",
    "/kits/{kit}/change",
    "/kits/{kit}/assemble",
    "/conversions",
    "/conversions?kind=kit",
    "/conversions/{made}",
    "/conversions/{undone}",
    "/conversions/lots/{kits}/take-apart",
    "/conversions/lots/{flour}/take-apart",
    "/conversions/lots/{flour}/repack",
]


def test_every_page_opens_in_both_languages_says_nothing_untranslated_and_asks_little(serve, room, filled, sessions):
    plain, pseudo, asked = serve(boss(room)), serve(boss(room), pseudo=True), []
    event.listen(sessions.kw["bind"], "before_cursor_execute", lambda *args: asked.append(args[2]))
    for path in PAGES:
        address = path.format(**filled)
        for language in ("hu", "en"):
            asked.clear()
            response = plain.get(address, headers={"Accept-Language": language})
            assert response.status_code == 200, (address, response.text[:2000])
            assert 'style="' not in response.text
            assert len(asked) <= 14, address + "\n" + "\n".join(asked)
        assert untranslated(pseudo.get(address).text) == [], address
    assert serve().get("/kits").status_code == 200


def hidden(page, name):
    return re.search(rf'name="{name}"[^>]*? value="([^"]*)"', page)[1]


def said(answer):
    """Return the weights that a page tells."""
    return set(re.findall(r"\d+ kg", re.sub(r"[\u00a0\u202f\u2009]", " ", answer.text)))


def test_kits_are_made_up_by_form_once_and_taken_back(serve, work, room):
    browser = serve(room.worker())
    page = browser.get(f"/kits/{room.kit}/assemble?lang=en").text
    assert "Enough parts for 8." in page
    sent = {"operation_id": hidden(page, "operation_id"), "count": "2", "to_place_id": room.dock}
    for _ in range(2):
        answer = browser.post(f"/kits/{room.kit}/assemble", data=sent)
        assert answer.status_code == 302
    with work() as uow:
        assert on_hand(uow, room.oils, room.shelf) == 6
    shown = browser.get(answer.headers["Location"]).text
    undo_form = {"operation_id": hidden(shown, "operation_id")}
    assert browser.post(f"{answer.headers['Location']}/undo", data=undo_form).status_code == 302
    with work() as uow:
        assert on_hand(uow, room.oils, room.shelf) == 8
    refused = browser.post(f"/kits/{room.kit}/assemble?lang=en", data={**sent, "operation_id": uuid4(), "count": "99"})
    assert refused.status_code == 409 and "Enough for 8." in refused.text


def test_a_kit_is_defined_and_changed_by_form(serve, work, room):
    with work() as uow:
        box = an_item(uow, "KIT-BOX", weight_mg=3_000_000, name_hu="Doboz").id
    browser = serve(boss(room))
    sent = {"item_id": box, "tolerance_permille": "20", "part-0": room.flour, "quantity-0": "3", "part-1_text": ""}
    answer = browser.post("/kits/new?lang=en", data={**sent, "quantity-0": "4"})
    assert answer.status_code == 409 and {"4 kg", "3 kg"} <= said(answer)
    wrong = browser.post("/kits/new?lang=en", data={**sent, "quantity-0": "many", "part-1_text": "beans"})
    assert wrong.status_code == 422 and "beans" in wrong.text and "Write a whole number" in wrong.text
    answer = browser.post("/kits/new", data=sent)
    assert answer.status_code == 302
    form = browser.get(f"{answer.headers['Location']}/change").text
    changed = {
        "version": hidden(form, "version"),
        "tolerance_permille": "40",
        "part-0": room.oil,
        "quantity-0": "3",
    }
    assert browser.post(f"{answer.headers['Location']}/change", data=changed).status_code == 409
    changed |= {"part-1": room.flour, "quantity-1": "2", "quantity-0": "1"}
    assert browser.post(f"{answer.headers['Location']}/change", data=changed).status_code == 302
    assert browser.post(f"{answer.headers['Location']}/change", data=changed).status_code == 412
    assert serve(room.worker()).get("/kits/new").status_code == 403
    assert browser.post(f"{answer.headers['Location']}/retire").status_code == 302


def test_repacking_by_form_tells_both_weights_when_they_differ(serve, work, room):
    with work() as uow:
        sack = an_item(uow, "SACK-25KG", weight_mg=25_000_000)
        lot = a_lot(uow, uow.session.get(Warehouse, room.warehouse_id), 4, item=sack, expires_on=LATE).id
    browser = serve(room.worker())
    page = browser.get(f"/conversions/lots/{lot}/repack").text
    sent = {
        "operation_id": hidden(page, "operation_id"), "from_place_id": room.shelf, "quantity": "1",
        "to_item_id": room.flour, "to_quantity": "24", "to_place_id": room.shelf,
    }  # fmt: skip
    refused = browser.post(f"/conversions/lots/{lot}/repack?lang=en", data=sent)
    assert refused.status_code == 409 and {"25 kg", "24 kg"} <= said(refused)
    answer = browser.post(f"/conversions/lots/{lot}/repack", data={**sent, "to_quantity": "25"})
    assert answer.status_code == 302
    apart = browser.get(f"/conversions/lots/{lot}/take-apart")
    assert apart.status_code == 200


def test_the_api_makes_up_takes_apart_and_changes_kits_by_version(serve, room):
    browser = serve(boss(room))
    listed = browser.get("/api/v1/kits").json["items"]
    assert listed[0]["makeable"] == [
        {"warehouse_id": room.warehouse_id, "makeable": 8, "scarcest_item_ids": [room.oil]}
    ]
    body = {"operation_id": str(uuid4()), "kit_id": room.kit, "count": 2, "to_place_id": room.dock}
    made = browser.post("/api/v1/conversions/assemble", json=body)
    assert made.status_code == 201 and made.json["weight_in_g"] == made.json["weight_out_g"] == 5840
    assert browser.post("/api/v1/conversions/assemble", json=body).json["id"] == made.json["id"]
    lot = made.json["came_out"][0]["lot_id"]
    apart = {
        "operation_id": str(uuid4()),
        "lot_id": lot,
        "from_place_id": room.dock,
        "count": 1,
        "to_place_id": room.dock,
    }
    assert browser.post("/api/v1/conversions/take-apart", json=apart).status_code == 201
    gone = browser.post(
        f"/api/v1/conversions/{made.json['id']}/undo", json={"operation_id": str(uuid4()), "reason": "wrong"}
    )
    assert gone.status_code == 409 and gone.json["type"] == "not-enough-stock"
    parts = {"parts": [{"item_id": room.flour, "quantity": 3}], "tolerance_permille": 50}
    address = f"/api/v1/kits/{room.kit}"
    assert browser.put(address, json=parts).status_code == 428
    tag = browser.get(address).headers["ETag"]
    assert browser.put(address, json=parts, headers={"If-Match": tag}).status_code == 200
    assert browser.put(address, json=parts, headers={"If-Match": tag}).status_code == 412
    assert browser.post(f"{address}/retire").json["retired_at"]


ID = str(uuid4())
FAR = 2**63 - 1
ENDS = {"from_place_id": FAR, "to_place_id": FAR}
ODD = [
    ("kits", {"item_id": FAR, "parts": [{"item_id": FAR, "quantity": 1}]}),
    ("kits", {"item_id": 1, "parts": []}),
    ("conversions/assemble", {"operation_id": ID, "kit_id": FAR, "count": 1, "to_place_id": FAR}),
    ("conversions/assemble", {"operation_id": ID, "kit_id": 1, "count": FAR, "to_place_id": 1}),
    ("conversions/take-apart", {"operation_id": ID, "lot_id": FAR, "count": 1, **ENDS}),
    (
        "conversions/repack",
        {"operation_id": ID, "lot_id": FAR, "quantity": 1, "to_item_id": 1, "to_quantity": 1, **ENDS},
    ),
    ("conversions/9223372036854775807/undo", {"operation_id": ID, "reason": "because\x00"}),
    ("conversions/9223372036854775807/undo", {"operation_id": ID, "reason": "because"}),
]


@pytest.mark.parametrize(("path", "body"), ODD)
def test_odd_bodies_are_refused_politely(serve, room, path, body):
    answer = serve(boss(room)).post(f"/api/v1/{path}", json=body)
    assert 400 <= answer.status_code < 500 and answer.json["detail"]
