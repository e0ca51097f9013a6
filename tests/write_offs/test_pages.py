"""The pages and the API of write-offs: they open, say what to do next, and each deed can be done from them."""

import io
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event, select

from app.foundation.journal import JournalEntry
from app.stock.models import Lot, Warehouse
from app.write_offs import service
from tests.builders import a_lot
from tests.stock.conftest import on_hand
from tests.untranslated import untranslated
from tests.write_offs.conftest import a_picture, manager
from tests.write_offs.test_service import THREE, a_line, decide, hold, phone, propose


@pytest.fixture
def filled(work, hall, clock):
    """A proposal with a picture, a record, one taken back, something in quarantine and something expired."""
    made = propose(work, hall, 1, note="The pallet fell.")
    with work(hall.worker()) as uow:
        service.add_photo(uow, write_off_id=made, content=a_picture())
    posted, back = propose(work, hall, 1), propose(work, hall, 1)
    decide(work, hall, posted)
    decide(work, hall, back)
    with work(manager(hall)) as uow:
        service.take_back(uow, write_off_id=back, operation_id=uuid4(), reason="the wrong pallet")
    hold(work, hall)
    with work() as uow:
        warehouse = uow.session.get(Warehouse, hall.warehouse_id)
        a_lot(uow, warehouse, 5, expires_on=clock.now.date() - timedelta(days=3))
        a_lot(uow, warehouse, 5, expires_on=clock.now.date() + timedelta(days=3))
    return {"made": made, "posted": posted, "back": back}


PAGES = [
    "/write-offs/",
    "/write-offs/?view=decided&reason=damaged",
    "/write-offs/quarantine",
    "/write-offs/expiring",
    "/write-offs/{made}",
    "/write-offs/{posted}",
    "/write-offs/{back}",
    "/write-offs/new",
    "/write-offs/new?lot_id={lot}",
    "/write-offs/new?line={lot}-{place}&line=x&line=9223372036854775807-9223372036854775807",
    "/write-offs/lots/{lot}/quarantine",
    "/write-offs/lots/{lot}/release",
    "/write-offs/recall",
]


def test_every_page_opens_in_both_languages_says_nothing_untranslated_and_asks_little(serve, hall, filled, sessions):
    plain, pseudo, asked = serve(manager(hall)), serve(manager(hall), pseudo=True), []
    event.listen(sessions.kw["bind"], "before_cursor_execute", lambda *args: asked.append(args[2]))
    for path in PAGES:
        address = path.format(lot=hall.lot_id, place=hall.shelf, **filled)
        for language in ("hu", "en"):
            asked.clear()
            response = plain.get(address, headers={"Accept-Language": language})
            assert response.status_code == 200, (address, response.text[:2000])
            assert 'style="' not in response.text
            assert len(asked) <= 14, address + "\n" + "\n".join(asked)
        assert untranslated(pseudo.get(address).text) == [], address


def hidden(page, name):
    return re.search(rf'name="{name}"[^>]*? value="([^"]*)"', page)[1]


def test_a_lot_is_proposed_with_a_picture_and_decided_by_somebody_else(serve, work, hall):
    worker = serve(hall.worker())
    page = worker.get(f"/write-offs/new?lot_id={hall.lot_id}").text
    assert "never of people" in worker.get(f"/write-offs/new?lot_id={hall.lot_id}&lang=en").text
    sent = {
        "operation_id": hidden(page, "operation_id"),
        f"quantity-{hall.lot_id}-{hall.shelf}": "3",
        "reason": "damaged",
    }
    for _ in range(2):
        picture = (io.BytesIO(a_picture("JPEG")), "photo.jpg")
        answer = worker.post("/write-offs/new", data={**sent, "photo": picture}, content_type="multipart/form-data")
        assert answer.status_code == 302
    address = answer.headers["Location"]
    shown = worker.get(address).text
    photo = re.search(r'src="(/write-offs/photos/\d+\.jpg)"', shown)[1]
    assert shown.count("<img") == 1
    assert worker.get(photo).data.startswith(b"\xff\xd8\xff") and worker.get(photo).mimetype == "image/jpeg"
    assert worker.post(f"{address}/decide").status_code == 403
    boss = serve(manager(hall))
    names = {f"member_{number}": name for number, name in enumerate(THREE, 1)}
    form = {"operation_id": hidden(boss.get(address).text, "operation_id"), **names}
    assert boss.post(f"{address}/decide?lang=en", data={**form, "member_3": THREE[0]}).status_code == 422
    assert boss.post(f"{address}/decide", data=form).status_code == 302
    assert boss.get(f"{address}/record.pdf").data.startswith(b"%PDF")
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.loss) == 3


def test_a_refused_proposal_comes_back_with_what_was_typed(serve, hall):
    field = f"quantity-{hall.lot_id}-{hall.shelf}"
    sent = {"operation_id": str(uuid4()), field: "77", "reason": "lost"}
    answer = serve(hall.worker()).post("/write-offs/new?lang=en", data=sent)
    assert answer.status_code == 409 and "77 wanted, 10 available" in answer.text and 'value="77"' in answer.text
    answer = serve(hall.worker()).post("/write-offs/new?lang=en", data={**sent, field: "many"})
    assert answer.status_code == 422 and "Write a whole number" in answer.text


WITHOUT_REASON: list[tuple[dict[str, str], str]] = [
    ({}, "This is missing."),
    ({"reason": "  "}, "Length: 3 to 200."),
]


def test_quarantine_and_release_by_form(serve, work, hall, clock):
    browser = serve(hall.worker())
    form = {"operation_id": str(uuid4()), "from_place_id": hall.shelf, "quantity": 4, "reason": "mouse marks"}
    for _ in range(2):
        assert browser.post(f"/write-offs/lots/{hall.lot_id}/quarantine", data=form).status_code == 302
    assert "mouse marks" in browser.get("/write-offs/quarantine").text
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.quarantine) == 4
        uow.session.get(Lot, hall.lot_id).expires_on = clock.now.date() - timedelta(days=1)
    back = {"from_place_id": hall.quarantine, "to_place_id": hall.dock, "quantity": 4}
    address = f"/write-offs/lots/{hall.lot_id}/release?lang=en"
    for reason, told in WITHOUT_REASON:
        answer = browser.post(address, data={**back, **reason, "operation_id": str(uuid4())})
        assert answer.status_code == 422 and told in answer.text
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.dock) == 0
    assert browser.post(address, data={**back, "operation_id": str(uuid4()), "reason": "examined"}).status_code == 302
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.dock) == 4


def test_the_api_proposes_decides_and_takes_back_by_the_version_that_was_read(serve, work, hall):
    worker, boss = serve(hall.worker()), serve(manager(hall))
    body = {"operation_id": str(uuid4()), "reason": "spoiled", "lines": [a_line(hall)]}
    made = worker.post("/api/v1/write-offs", json=body)
    assert made.status_code == 201 and made.json["lines"][0]["quantity"] == 4
    address = f"/api/v1/write-offs/{made.json['id']}"
    photo = worker.post(f"{address}/photos", data=a_picture("WEBP"), content_type="image/webp")
    assert photo.status_code == 201
    assert worker.get(f"/api/v1/write-offs/photos/{photo.json['id']}.jpg").mimetype == "image/jpeg"
    assert worker.get(f"{address}/record.pdf").status_code == 404
    decision = {"operation_id": str(uuid4()), "committee": THREE}
    assert boss.post(f"{address}/decide", json=decision).status_code == 428
    assert boss.post(f"{address}/decide", json=decision, headers={"If-Match": '"stale"'}).status_code == 412
    tag = {"If-Match": boss.get(address).headers["ETag"]}
    posted = boss.post(f"{address}/decide", json=decision, headers=tag)
    assert posted.status_code == 200 and posted.json["state"] == "posted" and posted.json["voucher_id"]
    assert worker.get(f"{address}/record.pdf").data.startswith(b"%PDF")
    back = {"operation_id": str(uuid4()), "reason": "the wrong pallet"}
    gone = boss.post(f"{address}/take-back", json=back, headers={"If-Match": posted.headers["ETag"]})
    assert gone.json["state"] == "taken_back"
    listed = worker.get("/api/v1/write-offs?state=decided").json["items"]
    assert [each["id"] for each in listed] == [made.json["id"]]


ID = str(uuid4())
FAR = 2**63 - 1
OF = {"operation_id": ID, "lot_id": 1, "from_place_id": 1, "quantity": 1}
ODD = [
    (422, "write-offs", {"operation_id": "x", "reason": "because", "lines": []}),
    (422, "write-offs", {"operation_id": ID, "reason": "lost", "lines": [{**OF, "lot_id": FAR, "place_id": FAR}]}),
    (404, "write-offs/expired", {"operation_id": ID, "warehouse_id": FAR}),
    (404, "quarantine", {**OF, "lot_id": FAR, "from_place_id": FAR, "reason": "abc"}),
    (422, "quarantine", OF),
    (422, "quarantine", {**OF, "reason": "  "}),
    (404, "quarantine/release", {**OF, "from_place_id": FAR, "to_place_id": 1, "reason": "abc"}),
    (422, "quarantine/release", {**OF, "to_place_id": 1}),
    (422, "recalls", {"item_id": FAR, "batch": "\x00", "reason": "abc"}),
    (404, "recalls", {"item_id": FAR, "batch": "–", "reason": "abc"}),
]


@pytest.mark.parametrize(("status", "path", "body"), ODD)
def test_odd_bodies_are_refused_politely(serve, hall, status, path, body):
    answer = serve(manager(hall)).post(f"/api/v1/{path}", json=body)
    assert answer.status_code == status and answer.json["detail"]


def test_a_lot_is_blocked_and_freed_with_a_reason_and_the_history_says_who_and_why(serve, work, hall):
    browser = serve(hall.worker())
    address = f"/stock/lots/{hall.lot_id}/state?lang=en"
    for reason, told in WITHOUT_REASON:
        refused = browser.post(address, data={"state": "blocked", **reason})
        assert refused.status_code == 422 and told in refused.text
    assert browser.post(address, data={"state": "blocked", "reason": "smells of petrol"}).status_code == 302
    assert "smells of petrol" in browser.get("/write-offs/quarantine").text
    assert browser.post(address, data={"state": "free", "reason": "other pallet"}).status_code == 302
    with work() as uow:
        told = select(JournalEntry.actor_id, JournalEntry.details).where(JournalEntry.deed == "lot.state")
        history = [(who, told["state"], told["reason"]) for who, told in uow.session.execute(told.order_by("id"))]
    assert history == [(7, "blocked", "smells of petrol"), (7, "free", "other pallet")]


def test_no_way_leads_into_quarantine_or_out_of_it_without_a_reason(serve, work, hall, clock):
    browser = serve(hall.worker())
    move = {"operation_id": str(uuid4()), "from_place_id": hall.shelf, "to_place_id": hall.quarantine, "quantity": 4}
    refused = browser.post(f"/stock/lots/{hall.lot_id}/move?lang=en", data=move)
    assert refused.status_code == 422 and "Write why, in a few words." in refused.text
    assert browser.post(f"/stock/lots/{hall.lot_id}/quarantine", data=move).status_code == 404
    payload = {"lot_id": hall.lot_id, **{name: move[name] for name in ("from_place_id", "to_place_id", "quantity")}}
    now = phone(work, hall.worker(), "move", payload, clock.now)
    assert (now.outcome, now.kept["problem"]["type"]) == ("rejected", "reason-needed")
    assert phone(work, hall.worker(), "move", {**payload, "reason": "doubtful"}, clock.now).outcome == "applied"
    back = {**payload, "from_place_id": hall.quarantine, "to_place_id": hall.shelf}
    late = phone(work, hall.worker(), "move", back, clock.now - timedelta(hours=1))
    assert late.outcome == "needs_review" and "nobody said why" in late.kept["review"][0]["text"]
    with work() as uow:
        assert (on_hand(uow, hall.lot_id, hall.quarantine), on_hand(uow, hall.lot_id, hall.shelf)) == (0, 10)
    assert "doubtful" not in browser.get("/write-offs/quarantine?lang=en").text
