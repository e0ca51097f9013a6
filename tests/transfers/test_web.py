"""Transfers in the browser, by the API and by phones."""

from __future__ import annotations

import re
from uuid import uuid4

import pypdfium2
import pytest
from sqlalchemy import event

from app.accounts.roles import GRANTS, Role
from app.factory import create_app
from app.foundation.actor import Actor
from app.stock.models import PlaceKind
from app.transfers import queries
from tests.conftest import NOON
from tests.transfers.conftest import asked, held, must_be_proved, sent
from tests.untranslated import untranslated

AUDITOR = Actor(31, "Auditor", Role.AUDITOR, GRANTS[Role.AUDITOR], {}, "en")


@pytest.fixture
def client_of(settings, sessions, clock):
    def make(actor, **config):
        app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: actor)
        app.config.update(TESTING=True, **config)
        return app.test_client()

    return make


def send(client, path, form, page_path=None):
    """Fill a form in as a browser does: open its page, then post it with its token."""
    page = client.get(page_path or path).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]*)"', page)
    return client.post(path, data={**form, "csrf_token": token[1] if token else ""})


def parts_of(work, transfer_id):
    with work() as uow:
        return [seen.part for seen in queries.lots_of(uow.session, transfer_id)]


def test_a_transfer_goes_its_whole_way_on_pages(client_of, work, road):
    taker, giver, worker = client_of(road.taking_manager), client_of(road.giver), client_of(road.taker)
    form = {
        "operation_id": str(uuid4()),
        "from_warehouse_id": road.giver_id,
        "to_warehouse_id": road.taker_id,
        "item_id-0": road.flour_id,
        "item_id-0_text": "Flour",
        "quantity-0": "40",
        "item_id-1": "",
        "item_id-1_text": "beans",
        "quantity-1": "5",
        "quantity-2": "",
    }
    made = send(taker, "/transfers/new", form)
    assert made.status_code == 302, made.get_data(as_text=True)
    path = made.headers["Location"]
    assert send(taker, "/transfers/new", form).headers["Location"] == path  # Sent twice, asked for once.
    assert "waits for the giving warehouse" in taker.get(path).get_data(as_text=True)
    assert send(giver, f"{path}/accept", {}, path).status_code == 302
    picking = giver.get(f"{path}/pick").get_data(as_text=True)
    assert "MIS-A-01-1" in picking and f"L-{road.soon_id}" in picking
    row = {"lot_id": road.soon_id, "from_place_id": road.shelf_id, "quantity": 12, "operation_id": str(uuid4())}
    assert send(giver, f"{path}/pick", row, f"{path}/pick").status_code == 302
    assert send(giver, f"{path}/pick-all", {"operation_id": str(uuid4())}, f"{path}/pick").status_code == 302
    left = send(giver, f"{path}/send", {"operation_id": str(uuid4()), "carried_by": "ABC-123"})
    assert left.status_code == 302
    assert "on its way" in giver.get(path).get_data(as_text=True)
    counting = worker.get(f"{path}/receive").get_data(as_text=True)
    ids = re.findall(r'name="received-(\d+)"', counting)
    assert len(ids) == 4
    counted = {"operation_id": str(uuid4()), **{f"received-{each}": "" for each in ids}}
    parts = {part.id: part for part in parts_of(work, int(path.rsplit("/", 1)[1]))}
    counted |= {f"received-{each}": parts[int(each)].quantity for each in ids}
    wrong = send(worker, f"{path}/receive", {**counted, f"received-{ids[0]}": 1}, f"{path}/receive")
    assert wrong.status_code == 422
    assert "Write why" in wrong.get_data(as_text=True)
    counted |= {f"received-{ids[0]}": 1, f"reason-{ids[0]}": "torn box"}
    assert send(worker, f"{path}/receive", counted, f"{path}/receive").status_code == 302
    sheet = client_of(road.giving_manager).get(path).get_data(as_text=True)
    assert "missing" in sheet and "They are lost" in sheet
    gone = {
        "operation_id": str(uuid4()), "transfer_lot_id": ids[0], "outcome": "lost", "reason": "the carrier says so",
    }  # fmt: skip
    assert send(client_of(road.giving_manager), f"{path}/settle", gone, path).status_code == 302
    assert held(work, road.giver_id, PlaceKind.IN_TRANSIT) == 0
    must_be_proved(work)


def test_an_item_that_is_not_clear_is_asked_for_again_and_what_was_typed_stays(client_of, road):
    form = {
        "operation_id": str(uuid4()),
        "from_warehouse_id": road.giver_id,
        "to_warehouse_id": road.giver_id,
        "item_id-0": "",
        "item_id-0_text": "no such thing",
        "quantity-0": "4",
    }
    answer = send(client_of(road.taking_manager), "/transfers/new", form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "No single item is called so" in page and 'value="no such thing"' in page


def test_the_note_is_read_at_both_ends_and_signed_by_both(client_of, work, road):
    transfer_id = sent(work, road)
    for actor in (road.giver, road.taker, AUDITOR):
        answer = client_of(actor).get(f"/transfers/{transfer_id}/note.pdf")
        assert answer.mimetype == "application/pdf"
        text = pypdfium2.PdfDocument(answer.data)[0].get_textpage().get_text_bounded()
        for word in (
            "ATA/MIS/2026/00001",
            "Warehouse MIS",
            "Warehouse ZEG",
            "ABC-123",
            "Handed over by",
            "Received by",
        ):
            assert word in text
        assert f"L-{road.soon_id}" in text


def test_lists_show_each_side_its_own_work_in_few_statements(client_of, work, road, sessions):
    first, second = asked(work, road), sent(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    views = [
        (road.giver, "pick", [first]),
        (road.giver, "transit", [second]),
        (road.giver, "expected", []),
        (road.taker, "pick", []),
        (road.taker, "expected", [first, second]),
        (road.stranger, "transit", []),
    ]
    for actor, view, expected in views:
        page = client_of(actor).get(f"/transfers/?view={view}").get_data(as_text=True)
        shown = {int(number) for number in re.findall(r'href="/transfers/(\d+)\?', page)}
        assert shown == set(expected), (actor.role, view)
    statements = []
    engine = sessions.kw["bind"]

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    for path in ("/transfers/", f"/transfers/{second}", f"/transfers/{first}/pick"):
        statements.clear()
        client = client_of(road.giver)
        assert client.get(path).status_code == 200
        asked_for = [each for each in statements if "set_config" not in each]
        assert len(asked_for) <= 12, asked_for


OPENED = {"": 4, "new": 4, "{id}": 4, "{id}/pick": 2, "{id}/send": 2, "{id}/receive": 2, "{id}/add": 1}
"""How often a page opens: for two transfers, one asked for and one on its way, and the managers of both ends."""


@pytest.mark.parametrize("page", OPENED)
def test_every_sentence_can_be_translated(client_of, work, road, page):
    first, second = asked(work, road), sent(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    answers = [
        client_of(actor, PSEUDO_LANGUAGE=True).get(f"/transfers/{page.format(id=transfer_id)}")
        for transfer_id in (first, second)
        for actor in (road.giving_manager, road.taking_manager)
    ]
    opened = [answer for answer in answers if answer.status_code == 200]
    assert {answer.status_code for answer in answers} <= {200, 404} and len(opened) == OPENED[page]
    for answer in opened:
        assert untranslated(answer.get_data(as_text=True)) == []


# The API


def test_a_program_asks_picks_sends_and_receives_with_versions(client_of, work, road):
    manager, giver, taker = client_of(road.taking_manager), client_of(road.giver), client_of(road.taker)
    body = {
        "operation_id": str(uuid4()),
        "from_warehouse_id": road.giver_id,
        "to_warehouse_id": road.taker_id,
        "lines": [{"item_id": road.flour_id, "quantity": 40}],
    }
    made = manager.post("/api/v1/transfers", json=body)
    assert made.status_code == 201, made.json
    assert manager.post("/api/v1/transfers", json=body).json["id"] == made.json["id"]
    path = f"/api/v1/transfers/{made.json['id']}"
    unseen = giver.post(f"{path}/accept")
    assert unseen.status_code == 428
    seen = {"If-Match": giver.get(path).headers["ETag"]}
    assert [each["quantity"] for each in giver.get(f"{path}/proposal").json["items"]] == [30, 10]
    assert giver.post(f"{path}/accept", headers=seen).status_code == 200
    stale = giver.post(f"{path}/pick-all", json={"operation_id": str(uuid4())}, headers=seen)
    assert stale.status_code == 412
    picked = giver.post(
        f"{path}/pick-all", json={"operation_id": str(uuid4())}, headers={"If-Match": giver.get(path).headers["ETag"]}
    )
    assert picked.status_code == 200 and picked.json["state"] == "picked", picked.json
    away = giver.post(f"{path}/send", json={"operation_id": str(uuid4())}, headers={"If-Match": picked.headers["ETag"]})
    assert away.status_code == 200 and away.json["state"] == "in_transit", away.json
    lines = [{"transfer_lot_id": lot["id"], "received": lot["quantity"]} for lot in away.json["lots"]]
    refused = giver.post(
        f"{path}/receive",
        json={"operation_id": str(uuid4()), "lines": lines},
        headers={"If-Match": away.headers["ETag"]},
    )
    assert refused.status_code == 403
    arrived = taker.post(
        f"{path}/receive",
        json={"operation_id": str(uuid4()), "lines": lines},
        headers={"If-Match": away.headers["ETag"]},
    )
    assert arrived.status_code == 200 and arrived.json["state"] == "received", arrived.json
    assert taker.get(f"{path}/note.pdf").mimetype == "application/pdf"
    listed = client_of(AUDITOR).get("/api/v1/transfers?state=received").json["items"]
    assert [each["id"] for each in listed] == [made.json["id"]]
    must_be_proved(work)


@pytest.mark.parametrize("transfer_id", [0, 2**62, 2**63 - 1])
def test_what_does_not_exist_is_not_found(client_of, road, transfer_id):
    client = client_of(road.giver)
    for path in ("", "/note.pdf", "/pick", "/receive", "/add"):
        assert client.get(f"/transfers/{transfer_id}{path}").status_code == 404
    for path in ("", "/note.pdf", "/proposal"):
        assert client.get(f"/api/v1/transfers/{transfer_id}{path}").status_code == 404
    sent_there = client.post(f"/api/v1/transfers/{transfer_id}/add", json={**EXTRA, "lot_id": 1})
    assert sent_there.status_code == 404


EXTRA = {"operation_id": str(uuid4()), "quantity": 6, "reason": "a box too many on the pallet"}


def test_what_nobody_had_sent_is_added_by_page_program_and_phone(client_of, work, road):
    transfer_id = sent(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    taker, page = client_of(road.taker), f"/transfers/{transfer_id}"
    assert f'href="{page}/add"' in taker.get(page).get_data(as_text=True)
    form = {**EXTRA, "item_id": road.flour_id, "batch": "B7"}
    without = send(taker, f"{page}/add?lang=en", {**form, "reason": ""})
    assert without.status_code == 422
    odd = send(taker, f"{page}/add?lang=en", {**EXTRA, "lot": "812x"})
    assert odd.status_code == 422 and "A lot is called L- and its number" in odd.text
    for _ in range(2):
        assert send(taker, f"{page}/add", form).status_code == 302
    assert held(work, road.taker_id, PlaceKind.DOCK, road.flour_id) == 6
    shown = taker.get(f"{page}?lang=en").get_data(as_text=True)
    assert "not sent, but here" in shown and "a box too many on the pallet" in shown

    path = f"/api/v1{page}"
    body = {**EXTRA, "operation_id": str(uuid4()), "lot_id": road.soon_id}
    assert taker.post(f"{path}/add", json=body).status_code == 428
    seen = {"If-Match": taker.get(path).headers["ETag"]}
    both = taker.post(f"{path}/add", json={**body, "item_id": 1}, headers=seen)
    assert both.status_code == 422
    told = taker.post(f"{path}/add", json=body, headers=seen)
    assert told.status_code == 200, told.json
    extra = [(lot["lot_id"], lot["quantity"], lot["received"]) for lot in told.json["lots"] if not lot["quantity"]]
    assert (road.soon_id, 0, 6) in extra and len(extra) == 2
    seen = {"If-Match": told.headers["ETag"]}
    assert client_of(road.giver).post(f"{path}/add", json=body, headers=seen).status_code == 403

    phone = Phone()
    scanned = {"transfer_id": transfer_id, "lot_id": road.beans_lot_id, "quantity": 3}
    assert tell(taker, phone("receive_transfer_extra", scanned)) == ["rejected"]  # Nobody says how it came.
    came = phone("receive_transfer_extra", {**scanned, "reason": "extra", "to_place": "ZEG-A-01-1"})
    assert tell(taker, came) == ["applied"]
    assert tell(taker, came) == ["duplicate"]
    assert held(work, road.taker_id, PlaceKind.SHELF, road.beans_id) == 3
    assert held(work, road.giver_id, PlaceKind.DISCREPANCY) == -(6 + 6 + 3)
    must_be_proved(work)


# Phones


class Phone:
    """A phone that numbers what it sends."""

    def __init__(self):
        self.device_id, self.sequence = str(uuid4()), 0

    def __call__(self, kind, payload):
        self.sequence += 1
        return {
            "operation_id": str(uuid4()),
            "device_id": self.device_id,
            "sequence": self.sequence,
            "happened_at": NOON.isoformat(),
            "kind": kind,
            "payload": payload,
        }


def tell(client, *sent):
    answer = client.post("/api/v1/operations", json={"operations": list(sent)})
    assert answer.status_code == 200, answer.json
    return [each["outcome"] for each in answer.json["answers"]]


def test_phones_pick_undo_and_receive_and_say_the_same_twice_for_nothing(client_of, work, road):
    transfer_id = asked(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    giver, taker, phone, other = client_of(road.giver), client_of(road.taker), Phone(), Phone()
    where = {"transfer_id": transfer_id, "lot_id": road.beans_lot_id, "from_place": "mis-a-01-1"}
    first = phone("pick_transfer", {**where, "quantity": 2})
    undo = phone("unpick_transfer", {"picked_operation_id": first["operation_id"]})
    again = phone("pick_transfer", {**where, "quantity": 5})
    too_much = phone("pick_transfer", {**where, "quantity": 1})
    assert tell(giver, first, undo, again, too_much) == ["applied", "applied", "applied", "rejected"]
    assert tell(giver, first, undo, again) == ["duplicate"] * 3
    assert held(work, road.giver_id, PlaceKind.STAGING) == 5
    page = f"/transfers/{transfer_id}"
    assert send(giver, f"{page}/send", {"operation_id": str(uuid4())}).status_code == 302
    line = {"transfer_id": transfer_id, "lot_id": road.beans_lot_id, "received": 4}
    assert tell(taker, other("receive_transfer_line", line)) == ["rejected"]  # It differs, and nobody says why.
    counted = other("receive_transfer_line", {**line, "reason": "one missing", "to_place": "ZEG-A-01-1"})
    assert tell(taker, counted) == ["applied"]
    assert tell(taker, counted) == ["duplicate"]
    assert tell(taker, Phone()("receive_transfer_line", {**line, "received": 5})) == ["rejected"]
    assert held(work, road.taker_id, PlaceKind.SHELF) == 4
    must_be_proved(work)
