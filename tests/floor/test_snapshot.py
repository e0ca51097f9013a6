"""What a phone is told: only of its own warehouse, only what it lacks, never a family, never what a count expects."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest
from sqlalchemy import event

from app.accounts.roles import GRANTS, Role
from app.floor import api
from app.floor.protocol import OLDEST, PARTS, PROTOCOL, brought_up
from app.stock import service as stock
from app.stock.models import PlaceKind, Warehouse
from tests import builders as make


def test_the_snapshot_holds_the_own_warehouse_and_nothing_of_another(phone, world):
    found = phone.snapshot().json
    assert found["warehouse"]["id"] == world.own["warehouse"] and found["whole"] is True
    assert set(found["parts"]) == set(PARTS)
    assert world.own["lot"] in [row[0] for row in found["parts"]["lots"]]
    assert world.other["lot"] not in [row[0] for row in found["parts"]["lots"]]
    assert world.own["place"] in [row[0] for row in found["parts"]["places"]]
    assert world.other["place"] not in [row[0] for row in found["parts"]["places"]]
    assert phone.snapshot(warehouse_id=world.other["warehouse"]).status_code == 404


def test_a_run_is_told_by_the_codes_of_its_parcels_and_names_no_family(phone, world, work):
    plain = phone.snapshot().get_data(as_text=True)
    runs = json.loads(plain)["parts"]["runs"]
    assert world.own["run"] in [row[0] for row in runs]
    [run] = [row for row in runs if row[0] == world.own["run"]]
    assert [parcel[0] for parcel in run[6]] == [world.own["parcel"]]
    for canary in ("Minta Anna", "+36 30 000 0000", "F\u0151 utca", "household", "settlement"):
        assert canary not in plain


def test_a_stocktake_says_where_to_count_and_never_what_the_books_expect(phone, world):
    rows = phone.snapshot().json["parts"]["stocktakes"]
    assert [row[0] for row in rows] == [world.own["stocktake"]]
    for row in rows:
        assert len(row) == 5 and isinstance(row[2], list) and isinstance(row[3], list)


def test_a_transfer_says_what_is_reserved_for_it_to_who_gives_it_and_to_nobody_else(phone, world, work):
    with work() as uow:
        own, other = (uow.session.get_one(Warehouse, each["warehouse"]) for each in (world.own, world.other))
        reserved = {}
        for giver, taker in ((own, other), (other, own)):
            lot = make.a_lot(uow, giver, on_shelf=9)
            transfer, shelf = make.a_transfer(uow, giver, taker), make.the_place(uow, giver)
            row = {"lot_id": lot.id, "place_id": shelf.id, "quantity": 7, "expires_at": uow.now + timedelta(days=1)}
            stock.reserve_many(uow, [{**row, "purpose_kind": "transfer", "purpose_id": transfer.id}])
            reserved[transfer.id] = [[lot.id, shelf.id, 7]] if giver is own else []
    told = {row[0]: row[7] for row in phone.snapshot().json["parts"]["transfers"]}
    assert {number: told[number] for number in reserved} == reserved


def test_who_does_not_work_with_the_stock_gets_no_snapshot(app, world):
    from tests.floor.conftest import Phone

    for role in Role:
        if "stock.operate" in GRANTS[role] or role in (Role.NATIONAL_COORDINATOR, Role.COUNTY_COORDINATOR):
            continue
        other = Phone(app)
        other.sign_in(str(role))
        assert other.snapshot().status_code == 403, role
        assert other.get("/scan").status_code == 403, role
    assert app.test_client().get("/api/v1/floor/snapshot").status_code == 401


def test_equal_parts_are_left_out_and_an_equal_snapshot_is_a_304(phone, world, work):
    first = phone.snapshot()
    mark = first.json["mark"]
    again = phone.snapshot(since=mark).json
    assert again["parts"] == {} and again["whole"] is False and again["mark"] == mark
    same = phone.get("/api/v1/floor/snapshot", headers={"If-None-Match": first.headers["ETag"]})
    assert same.status_code == 304 and same.data == b""
    [answer] = phone.send(phone.operation("receive", item_id=_item(phone, world), quantity=3, place_id=_dock(phone)))
    assert answer["outcome"] == "applied", answer
    changed = phone.snapshot(since=mark).json
    assert set(changed["parts"]) == {"lots"} and changed["mark"] != mark
    assert any(row[0] == answer["result"]["lot_id"] and row[3] == 3 for row in changed["parts"]["lots"])


def test_a_mark_that_is_not_ours_brings_the_whole(phone):
    for mark in ("x", "....", "a.b.c.d.e.f.g.h.i.j", "\u00e9"):
        assert phone.snapshot(since=mark).json["whole"] is True


def test_the_snapshot_takes_few_statements_however_much_lies_there(phone, app, sessions, world, work):
    def statements() -> int:
        seen: list[str] = []
        engine = sessions.kw["bind"]

        def note(_c, _cursor, statement, *_rest):
            if "set_config" not in statement:
                seen.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            assert phone.snapshot().status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    few = statements()
    with work() as uow:
        warehouse = uow.session.get_one(Warehouse, world.own["warehouse"])
        for number in range(12):
            make.a_lot(uow, warehouse, on_shelf=5 + number)
            make.a_place(uow, warehouse, PlaceKind.SHELF)
    assert statements() == few <= 16


def test_it_is_squeezed_for_a_phone_that_can_read_that(phone, monkeypatch):
    monkeypatch.setattr(api, "GZIP_FROM_BYTES", 200)
    plain = phone.snapshot()
    assert "Content-Encoding" not in plain.headers
    squeezed = phone.get("/api/v1/floor/snapshot", headers={"Accept-Encoding": "gzip, br"})
    assert squeezed.headers["Content-Encoding"] == "gzip" and len(squeezed.data) < len(plain.data)
    assert json.loads(gzip.decompress(squeezed.data))["parts"] == plain.json["parts"]


@pytest.mark.parametrize(
    "asked", ["since=%00", "warehouse_id=0", "warehouse_id=9223372036854775808", "protocol=-1", "since=" + "x" * 300]
)
def test_odd_questions_are_refused_politely(phone, asked):
    assert phone.get(f"/api/v1/floor/snapshot?{asked}").status_code in (200, 404, 422)


# Versions ------------------------------------------------------------------------------------------------------------


def test_a_page_two_versions_old_is_understood_and_an_older_one_is_told_so(phone):
    for version in range(OLDEST, PROTOCOL + 1):
        found = phone.snapshot(protocol=version)
        assert found.status_code == 200
        assert set(found.json["parts"]) == {part for part, since in PARTS.items() if since <= version}
    assert PROTOCOL - OLDEST == 2
    newer = phone.snapshot(protocol=PROTOCOL + 5)
    assert newer.status_code == 200 and newer.json["protocol"] == PROTOCOL


def test_what_an_old_page_queued_is_applied_as_it_was_meant(phone, world):
    item = _item(phone, world)
    old = [
        phone.operation("learn_pack", barcode="5999000412300", item_id=item, pieces=12),
        phone.operation("learn_pack", protocol=2, gtin="5999000412317", item_id=item, pieces=6),
        phone.operation("learn_pack", protocol=3, gtin="5999000412324", item_id=item, quantity=4),
        phone.operation("receive", gtin="5999000412300", quantity=2, place_id=_dock(phone)),
    ]
    answers = phone.send(*old)
    assert [each["outcome"] for each in answers] == ["applied"] * 4, answers
    assert [each["result"]["quantity"] for each in answers] == [12, 6, 4, 24]
    received = answers[3]
    note = phone.operation(
        "goods_received", protocol=2, warehouse_id=world.own["warehouse"], operations=[old[3]["operation_id"]]
    )
    [noted] = phone.send(note)
    assert noted["outcome"] == "applied" and received["outcome"] == "applied", noted


def test_a_payload_says_its_version_or_is_of_the_first():
    assert brought_up("learn_pack", {"barcode": "1", "pieces": 2}) == {"gtin": "1", "quantity": 2}
    assert brought_up("learn_pack", {"protocol": 3, "pieces": 2}) == {"pieces": 2}
    assert brought_up("learn_pack", {"protocol": "x", "pieces": 2}) == {"pieces": 2}
    assert brought_up("move", {"lot_id": 1}) == {"lot_id": 1}


# Learning, and the note ----------------------------------------------------------------------------------------------


def test_a_barcode_is_learnt_once_and_then_known_to_every_warehouse(phone, world, app):
    item = _item(phone, world)
    learn = phone.operation("learn_pack", protocol=3, gtin="5999000412300", item_id=item, quantity=12)
    assert [each["outcome"] for each in phone.send(learn, learn)] == ["applied", "duplicate"]
    again = phone.operation("learn_pack", protocol=3, gtin="05999000412300", item_id=item, quantity=12)
    assert phone.send(again)[0]["outcome"] == "applied"
    other = phone.operation("learn_pack", protocol=3, gtin="5999000412300", item_id=item, quantity=6)
    assert phone.send(other)[0]["outcome"] == "rejected"
    packs = [pack for row in phone.snapshot().json["parts"]["items"] for pack in row[11]]
    assert packs.count(["05999000412300", 12]) == 1


def test_what_was_scanned_in_gets_one_note_without_what_was_taken_back(phone, world, sessions, work):
    item, dock = _item(phone, world), _dock(phone)
    received = [phone.operation("receive", item_id=item, quantity=n, place_id=dock) for n in (10, 4, 7)]
    back = phone.operation("reverse", reversed_operation_id=received[1]["operation_id"], reason="scan")
    assert {each["outcome"] for each in phone.send(*received, back)} == {"applied"}
    note = phone.operation(
        "goods_received",
        protocol=3,
        warehouse_id=world.own["warehouse"],
        receipts=[each["operation_id"] for each in received],
    )
    [first] = phone.send(note)
    assert first["outcome"] == "applied" and first["result"]["lines"] == 2, first
    assert first["result"]["voucher"].startswith("BEV/")
    [twice] = phone.send(note)
    assert twice["outcome"] == "duplicate" and twice["result"] == first["result"]
    once_more = phone.operation("goods_received", **note["payload"])
    [refused] = phone.send(once_more)
    assert refused["outcome"] == "rejected" and refused["problem"]["type"] == "nothing-to-note"


def test_what_is_scanned_against_an_offer_counts_towards_it(phone, world, work):
    with work() as uow:
        from app.donations.models import Offer

        offer = uow.session.get_one(Offer, world.own["offer"])
        offer.state = "accepted"
        [line] = offer.lines
        item, before, wanted = line.item_id, line.arrived, line.quantity
    rows = phone.snapshot().json["parts"]["offers"]
    assert next(row for row in rows if row[0] == world.own["offer"])[3][0][1:4] == [item, wanted, before]
    receive = phone.operation(
        "receive", item_id=item, quantity=wanted, place_id=_dock(phone), source=f"F-{world.own['offer']}"
    )
    note = phone.operation(
        "goods_received",
        protocol=3,
        warehouse_id=world.own["warehouse"],
        receipts=[receive["operation_id"]],
        offer_id=world.own["offer"],
    )
    assert [each["outcome"] for each in phone.send(receive, note)] == ["applied", "applied"]
    with work() as uow:
        offer = uow.session.get_one(Offer, world.own["offer"])
        assert (offer.state, offer.lines[0].arrived) == ("closed", before + wanted)


# The session of a scanner --------------------------------------------------------------------------------------------


def test_a_phone_that_is_a_scanner_may_lie_still_for_a_shift_and_no_longer(phone, clock):
    token = phone.me()["csrf_token"]
    answer = phone.client.post("/api/v1/floor/scanner", json={"scanner": True}, headers={"X-CSRF-Token": token})
    assert answer.status_code == 200 and phone.me()["scanner"] is True
    clock.now += timedelta(hours=8)
    assert phone.me()["person"]["id"] > 0
    clock.now += timedelta(hours=4, minutes=1)
    assert phone.get("/api/v1/floor/me").status_code == 401


def test_another_phone_is_signed_out_after_half_an_hour(phone, clock):
    clock.now += timedelta(minutes=31)
    assert phone.get("/api/v1/floor/me").status_code == 401


def test_who_does_not_work_with_the_stock_makes_no_scanner(app, world):
    from tests.floor.conftest import Phone

    other = Phone(app)
    other.sign_in("dispatcher")
    other.get("/me")
    answer = other.client.post("/api/v1/floor/scanner", json={"scanner": True}, headers={"X-CSRF-Token": other.token})
    assert answer.status_code == 403


def _item(phone, world) -> int:
    return phone.snapshot().json["parts"]["items"][0][0]


def _dock(phone) -> int:
    return next(row[0] for row in phone.snapshot().json["parts"]["places"] if row[2] == "dock")
