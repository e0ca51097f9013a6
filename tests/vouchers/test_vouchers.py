"""Vouchers: numbers without gaps whatever goes wrong, papers that never change, a register for the auditor."""

import io
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import uuid4

import openpyxl
import pypdfium2
import pytest
from sqlalchemy import select

from app.accounts.roles import GRANTS, Role
from app.factory import create_app
from app.foundation.actor import Actor, Scope
from app.foundation.database import make_engine, make_sessions
from app.foundation.errors import NotAllowed, NotFound
from app.foundation.unit_of_work import unit_of_work
from app.stock import service as stock
from app.stock import voucher_papers
from app.stock.models import Voucher
from app.vouchers import exporting, queries, service
from app.vouchers.queries import VouchersAsked
from app.vouchers.words import KIND_NAMES
from tests import builders
from tests.conftest import EVERYTHING, NOON
from tests.untranslated import untranslated

AUDITOR = Actor(31, "Auditor", Role.AUDITOR, GRANTS[Role.AUDITOR], {}, "en")


@pytest.fixture
def houses(work):
    """Two warehouses and who manages the first."""
    with work() as uow:
        first = builders.a_warehouse(uow, builders.a_county(uow, "BAZ"), "MIS")
        second = builders.a_warehouse(uow, builders.a_county(uow, "ZAL"), "ZEG")
        return first.id, second.id


def manager(warehouse_id, role=Role.WAREHOUSE_MANAGER):
    return Actor(23, "Manager", role, GRANTS[role], {Scope.WAREHOUSE: (warehouse_id,)}, "en")


def issue(uow, warehouse_id, kind="issue", **content):
    given = {"warehouse": "W", "reason": None, "lines": [], **content}
    return stock.issue_voucher(uow, kind=kind, warehouse_id=warehouse_id, subject=("movement", 1), content=given)


@pytest.fixture
def client_of(settings, sessions, clock):
    def make(actor, **config):
        app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: actor)
        app.config.update(TESTING=True, **config)
        return app.test_client()

    return make


def send(client, path, form, page_path):
    page = client.get(page_path).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]*)"', page)
    return client.post(path, data={**form, "csrf_token": token[1] if token else ""})


def test_sixteen_writers_of_whom_a_third_fail_leave_no_gap(database_url, houses):
    engine = make_engine(database_url, pool_size=16)
    sessions, gate = make_sessions(engine), threading.Barrier(16)
    kinds, each, failed, made = ("receipt", "transfer"), 12, [], []

    class Undone(Exception):
        pass

    def write(number):
        chance = random.Random(number)
        gate.wait()
        for _ in range(each):
            kind = chance.choice(kinds)
            with suppress(Undone), unit_of_work(sessions, EVERYTHING, lambda: NOON) as uow:
                voucher = issue(uow, houses[0], kind)
                if chance.random() < 1 / 3:
                    failed.append(voucher.number)
                    raise Undone
                made.append((kind, voucher.number))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    engine.dispose()
    assert len(made) + len(failed) == 16 * each
    assert len(failed) > 16 * each / 5
    for kind in kinds:
        numbers = sorted(number for told, number in made if told == kind)
        assert numbers == list(range(1, len(numbers) + 1))
    engine = make_engine(database_url, pool_size=1)
    with unit_of_work(make_sessions(engine), EVERYTHING, lambda: NOON) as uow:
        stored = uow.session.execute(select(Voucher.kind, Voucher.number)).all()
        assert sorted(map(tuple, stored)) == sorted(made)
        assert [found.missing for found in queries.series(uow.session, EVERYTHING, VouchersAsked())] == [0, 0]
    engine.dispose()


def test_each_kind_warehouse_and_year_has_its_own_numbers(work, clock, houses):
    codes = []
    for warehouse_id, kind, year in ((0, "receipt", 2026), (1, "receipt", 2026), (0, "write_off", 2026),
                                     (0, "receipt", 2027), (0, "receipt", 2027)):  # fmt: skip
        clock.now = NOON.replace(year=year)
        with work() as uow:
            codes.append(issue(uow, houses[warehouse_id], kind).code)
    assert codes == [
        "BEV/MIS/2026/00001",
        "BEV/ZEG/2026/00001",
        "SEL/MIS/2026/00001",
        "BEV/MIS/2027/00001",
        "BEV/MIS/2027/00002",
    ]


def test_a_number_that_is_missing_is_seen(work, houses):
    with work() as uow:
        for _ in range(4):
            issue(uow, houses[0])
        third = uow.session.scalar(select(Voucher).where(Voucher.number == 3))
        third.number = 9
        uow.session.flush()
        (found,) = queries.series(uow.session, EVERYTHING, VouchersAsked())
        assert (found.first, found.last, found.count, found.drawn, found.missing) == (1, 9, 4, 4, 5)


def test_a_cancelled_voucher_keeps_its_number_and_its_reason_and_moves_nothing(work, houses):
    with work() as uow:
        voucher_id = issue(uow, houses[0]).id
    for reason in ("posted twice", "another word"):
        with work(manager(houses[0])) as uow:
            service.cancel(uow, voucher_id=voucher_id, reason=reason)
    with work() as uow:
        found = uow.session.get(Voucher, voucher_id)
        assert (found.code, found.cancel_reason) == ("KIA/MIS/2026/00001", "posted twice")
        assert found.cancelled_at == NOON
        assert issue(uow, houses[0]).number == 2
        (series,) = queries.series(uow.session, EVERYTHING, VouchersAsked())
        assert (series.missing, series.cancelled) == (0, 1)


def test_only_a_manager_of_the_warehouse_cancels(work, houses):
    with work() as uow:
        voucher_id = issue(uow, houses[0]).id
    for actor, refusal in (
        (manager(houses[1]), NotFound),
        (manager(houses[0], Role.WAREHOUSE_WORKER), NotAllowed),
        (AUDITOR, NotAllowed),
    ):
        with pytest.raises(refusal), work(actor) as uow:
            service.cancel(uow, voucher_id=voucher_id, reason="because")


def test_the_register_is_filtered_and_each_sees_their_own(work, clock, houses):
    with work() as uow:
        ids = [issue(uow, houses[number % 2], kind).id for number, kind in enumerate(("receipt", "issue", "issue"))]
        service.cancel(uow, voucher_id=ids[2], reason="posted twice")
    clock.now = NOON.replace(year=2027)
    with work() as uow:
        ids.append(issue(uow, houses[0]).id)

    def shown(actor, **asked):
        with work(actor) as uow:
            return [row.id for row in queries.vouchers(uow.session, actor, VouchersAsked(**asked)).rows][::-1]

    assert shown(AUDITOR) == ids
    assert shown(manager(houses[1])) == [ids[1]]
    assert shown(AUDITOR, kind="receipt") == [ids[0]]
    assert shown(AUDITOR, warehouse_id=houses[0]) == [ids[0], ids[2], ids[3]]
    assert shown(AUDITOR, year=2027) == [ids[3]]
    assert shown(AUDITOR, cancelled=True) == [ids[2]]
    assert shown(AUDITOR, cancelled=False) == [ids[0], ids[1], ids[3]]
    assert shown(AUDITOR, since=NOON.date(), until=NOON.date()) == ids[:3]
    assert shown(AUDITOR, q="/zeg/") == [ids[1]]


def test_pages_of_the_register_follow_one_another(work, houses):
    with work() as uow:
        ids = [issue(uow, houses[0]).id for _ in range(7)]
        first = queries.vouchers(uow.session, EVERYTHING, VouchersAsked(), size=4)
        second = queries.vouchers(uow.session, EVERYTHING, VouchersAsked(), size=4, after=first.next_after)
    assert [row.id for row in (*first.rows, *second.rows)] == ids[::-1]
    assert second.next_after is None


def test_the_table_for_the_auditor_holds_every_paper_and_the_check_of_each_series(work, houses, monkeypatch, app):
    monkeypatch.setattr(queries, "CHUNK", 3)
    with work() as uow:
        for _ in range(8):
            last = issue(uow, houses[0], reason="=1+1")
        service.cancel(uow, voucher_id=last.id, reason='=HYPERLINK("http://x")')
    for form in ("csv", "xlsx"):
        with app.test_request_context("/?lang=en"), work(AUDITOR) as uow:
            made = b"".join(exporting.register(uow, VouchersAsked(), form))
        if form == "csv":
            lines = made.decode("utf-8-sig").split("\r\n")
            rows = [line.split(";") for line in lines]
        else:
            sheet = openpyxl.load_workbook(io.BytesIO(made)).active
            rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        codes = [row[0] for row in rows if row and row[0].startswith("KIA/")]
        assert codes == [f"KIA/MIS/2026/{number:05}" for number in range(1, 9)]
        assert any(cell.strip('"').startswith("'=HYPERLINK") for row in rows for cell in row)
        check = next(row for row in reversed(rows) if len(row) > 8 and row[8] == "0")
        assert check[2:9] == ["Warehouse MIS", "2026", "1", "8", "8", "1", "0"]


def test_papers_are_drawn_from_what_was_stored_and_say_when_they_hold_no_longer(client_of, work, houses):
    line = {
        "lot": "L-7", "item_hu": "Bab", "item_en": "Beans", "unit_hu": "db", "unit_en": "pcs", "quantity": 5,
        "expires_on": None, "place": "MIS-A-01-1",
    }  # fmt: skip
    with work() as uow:
        ids = [issue(uow, houses[0], kind, lines=[line]).id for kind in ("issue", "something_else")]
    client = client_of(manager(houses[0]))

    def text(voucher_id):
        made = client.get(f"/vouchers/{voucher_id}/paper.pdf")
        assert made.mimetype == "application/pdf"
        return pypdfium2.PdfDocument(made.data)[0].get_textpage().get_text_bounded()

    before = text(ids[0])
    assert "KIA/MIS/2026/00001" in before and "Beans" in before and "Cancelled" not in before
    assert "SOM/MIS/2026/00001" in text(ids[1])
    answer = send(client, f"/vouchers/{ids[0]}/cancel", {"reason": "posted twice"}, f"/vouchers/{ids[0]}")
    assert answer.status_code == 302
    after = text(ids[0])
    assert "Cancelled" in after and "KIA/MIS/2026/00001" in after
    assert "posted twice" in client.get(f"/vouchers/{ids[0]}").get_data(as_text=True)


def test_every_kind_has_a_paper_of_its_own(app):
    assert app.blueprints["vouchers"]
    assert set(KIND_NAMES) <= set(voucher_papers.PAPERS)


def test_a_reason_is_asked_for_and_the_page_says_that_no_goods_move(client_of, work, houses):
    with work() as uow:
        voucher_id = issue(uow, houses[0]).id
    client = client_of(manager(houses[0]))
    assert "moves no goods" in client.get(f"/vouchers/{voucher_id}").get_data(as_text=True)
    answer = send(client, f"/vouchers/{voucher_id}/cancel", {"reason": ""}, f"/vouchers/{voucher_id}")
    assert answer.status_code == 422


def test_programs_read_the_register_and_cancel_what_they_have_seen(client_of, work, houses):
    with work() as uow:
        voucher_id = issue(uow, houses[0]).id
    client = client_of(manager(houses[0]))
    assert [each["id"] for each in client.get("/api/v1/vouchers").json["items"]] == [voucher_id]
    assert client.get("/api/v1/vouchers/series").json["items"][0]["missing"] == 0
    path = f"/api/v1/vouchers/{voucher_id}"
    seen = {"If-Match": client.get(path).headers["ETag"]}
    assert client.post(f"{path}/cancel", json={"reason": "posted twice"}).status_code == 428
    assert client.post(f"{path}/cancel", json={"reason": "posted twice"}, headers=seen).status_code == 200
    assert client.post(f"{path}/cancel", json={"reason": "posted twice"}, headers=seen).status_code == 412
    assert client.get(f"{path}/paper.pdf").mimetype == "application/pdf"
    assert client.get("/api/v1/vouchers/register?form=xlsx").status_code == 200
    assert client.get("/api/v1/vouchers?year=99999").status_code == 422
    assert client_of(manager(houses[1])).get(path).status_code == 404


@pytest.mark.parametrize("actor", ["manager", "auditor"])
def test_every_sentence_can_be_translated(client_of, work, houses, actor):
    with work() as uow:
        line = {"lot": "L-7", "item_hu": "Bab", "item_en": "Beans", "unit_hu": "db", "unit_en": "pcs", "quantity": 5}
        ids = [issue(uow, houses[0], lines=[line]).id, issue(uow, houses[0], "receipt").id]
        service.cancel(uow, voucher_id=ids[1], reason="posted twice")
    client = client_of(AUDITOR if actor == "auditor" else manager(houses[0]), PSEUDO_LANGUAGE=True)
    for path in ("/vouchers/", *(f"/vouchers/{each}" for each in ids)):
        answer = client.get(path)
        assert answer.status_code == 200
        assert untranslated(answer.get_data(as_text=True)) == []


def test_a_hand_out_at_the_gate_leaves_an_issue_note_that_falls_when_it_is_taken_back(client_of, work):
    with work() as uow:
        warehouse = builders.a_warehouse(uow, code="GYO")
        lot = builders.a_lot(uow, warehouse, 10)
        facts = {"lot_id": lot.id, "from_place_id": builders.the_place(uow, warehouse).id, "quantity": 3}
        warehouse_id = warehouse.id
    client, device = client_of(manager(warehouse_id)), str(uuid4())

    def tell(number, kind, payload):
        sent = {
            "operation_id": str(uuid4()),
            "device_id": device,
            "sequence": number,
            "happened_at": NOON.isoformat(),
            "kind": kind,
            "payload": payload,
        }
        (answer,) = client.post("/api/v1/operations", json={"operations": [sent]}).json["answers"]
        assert answer["outcome"] == "applied", answer
        return answer["result"]

    out = tell(1, "hand_over", {**facts, "reason": "soup kitchen"})
    with work() as uow:
        (note,) = uow.session.scalars(select(Voucher)).all()
        assert note.code == "KIA/GYO/2026/00001"
        assert (note.subject_kind, note.subject_id) == ("movement", out["movement_id"])
        assert note.content["lines"][0]["quantity"] == 3
    assert client.get(f"/vouchers/{note.id}/paper.pdf").mimetype == "application/pdf"
    tell(2, "reverse", {"movement_id": out["movement_id"], "reason": "wrong lot"})
    with work() as uow:
        assert uow.session.get(Voucher, note.id).cancel_reason == service.TAKEN_BACK
