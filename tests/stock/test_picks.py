"""Picking and putting away: the first to expire first, also when many pick at once; what is kept cold stays cold."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.catalogue.models import Substitute
from app.factory import create_app
from app.foundation.unit_of_work import unit_of_work
from app.stock import queries, service
from app.stock.errors import EarlierExpires, NotEnoughOfItem, NotEnoughStock, WrongStorage
from app.stock.models import Balance, Lot, Movement, Reservation
from app.stock.picking import Pick, in_walking_order, pick_list, walking_key
from tests.builders import a_lot, a_place, an_item, the_place
from tests.conftest import EVERYTHING, NOON
from tests.stock.conftest import on_hand
from tests.stock.test_operations import Phone, send

TODAY = NOON.date()


@pytest.fixture
def app(settings, clock, sessions):
    """The whole application for somebody with every right."""
    made = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: EVERYTHING)
    made.config["TESTING"] = True
    return made


@pytest.fixture
def web(app):
    """Browsers."""
    return app.test_client


def milk(uow):
    """Return an item that expires and must have five days left."""
    return an_item(uow, "MILK", tracks_expiry=True, shelf_life_left_days_min=5, name_hu="Tej", name_en="Milk")


def lots_of_milk(uow, hall, days, on_shelf=10):
    """Put lots of milk on the shelf that expire in so many days."""
    home = queries.warehouse(uow.session, uow.actor, hall.warehouse_id)
    return [
        a_lot(uow, home, on_shelf=on_shelf, item=milk(uow), expires_on=TODAY + timedelta(days=each)).id for each in days
    ]


def picked(work, lot_id, place_id, to, quantity=1, **more):
    """Pick by the service, as the operation does."""
    with work() as uow:
        service.first_or_why(uow, lot_id=lot_id, from_place_id=place_id, reason=more.get("reason"), done=False)
        return service.move(
            uow,
            operation_id=uuid4(),
            lot_id=lot_id,
            from_place_id=place_id,
            to_place_id=to,
            quantity=quantity,
            kind="pick",
            **more,
        )


# First to expire first ----------------------------------------------------------------------------------------------


def test_a_later_lot_is_picked_only_with_a_reason(work, hall):
    with work() as uow:
        soon, later, undated = *lots_of_milk(uow, hall, [10, 40]), hall.lot_id
    with pytest.raises(EarlierExpires, match=f"L-{soon} expires earlier") as refused:
        picked(work, later, hall.shelf, hall.staging)
    assert "reason" in refused.value.fields
    picked(work, later, hall.shelf, hall.staging, reason="the sooner one is behind the pallet")
    picked(work, soon, hall.shelf, hall.staging, quantity=10)
    picked(work, later, hall.shelf, hall.staging)
    picked(work, undated, hall.shelf, hall.staging)
    with work() as uow:
        assert [on_hand(uow, lot, hall.staging) for lot in (soon, later, undated)] == [10, 2, 1]


def test_what_cannot_be_given_any_more_stands_in_nobodys_way(work, hall):
    """Expired, with too few days left, blocked, reserved, in quarantine: none of them comes first."""
    with work() as uow:
        expired, too_soon, blocked, reserved, shut, good = lots_of_milk(uow, hall, [-1, 4, 10, 11, 12, 50])
        uow.session.get_one(Lot, blocked).state = "blocked"
        service.reserve(
            uow,
            lot_id=reserved,
            place_id=hall.shelf,
            quantity=10,
            purpose=("share", 1),
            expires_at=uow.now + timedelta(days=1),
        )
        service.move(
            uow,
            operation_id=uuid4(),
            lot_id=shut,
            from_place_id=hall.shelf,
            to_place_id=hall.quarantine,
            quantity=10,
            reason="smells",
        )
        rows = queries.pickable(uow.session, hall.warehouse_id, [milk(uow).id], TODAY)
        assert [row.lot_id for row in rows] == [good]
    picked(work, good, hall.shelf, hall.staging)
    assert expired != too_soon


def test_a_phone_is_asked_why_and_one_that_was_offline_is_only_noted(web, work, hall, clock):
    with work() as uow:
        soon, later = lots_of_milk(uow, hall, [10, 40])
    ends = {"from_place_id": hall.shelf, "to_place_id": hall.staging, "quantity": 1}
    phone = Phone()
    refused, told, late = send(
        web,
        phone("pick", {"lot_id": later, **ends}),
        phone("pick", {"lot_id": later, **ends, "reason": "the sooner one is behind the pallet"}),
        phone("pick", {"lot_id": later, **ends}, happened_at=clock.now - timedelta(hours=2)),
    )
    assert (refused["outcome"], refused["problem"]["type"], refused["problem"]["lot_id"]) == (
        "rejected",
        "earlier-expires",
        soon,
    )
    assert told["outcome"] == "applied"
    assert (late["outcome"], str(soon) in late["review"][0]) == ("needs_review", True)


def test_picked_by_many_at_once_the_first_to_expire_goes_first_and_nothing_expired_ever(sessions, work, clock, hall):
    """A11. Twelve pickers, five hot lots, two that must not be given: 0 too many, 0 expired, 0 out of order."""
    with work() as uow:
        days = [-3, 2, 8, 20, 20, 45, 90]
        lots = lots_of_milk(uow, hall, days, on_shelf=20)
        item_id = milk(uow).id
    started, outcomes = threading.Barrier(12), Counter()

    def pick(number):
        chance = random.Random(number)
        started.wait()
        for _ in range(10):
            quantity = chance.randint(1, 3)
            try:
                with unit_of_work(sessions, EVERYTHING, clock) as uow:
                    service.pick_item(
                        uow,
                        operation_id=uuid4(),
                        warehouse_id=hall.warehouse_id,
                        item_id=item_id,
                        quantity=quantity,
                        to_place_id=hall.staging,
                    )
                outcomes["picked"] += quantity
            except NotEnoughOfItem:
                outcomes["refused"] += 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(pick, range(12)))
    with work() as uow:
        left = [on_hand(uow, lot, hall.shelf) for lot in lots]
        assert left[:2] == [20, 20], "what is expired, or has too few days left, stays"
        assert sum(left[2:]) == 100 - outcomes["picked"]
        assert outcomes["refused"] > 0 and sum(left[2:]) < 3, "they wanted more than there was"
        moves = uow.session.scalars(
            select(Movement.lot_id).where(Movement.kind == "pick", Movement.lot_id.in_(lots)).order_by(Movement.id)
        ).all()
        expiry = dict(zip(lots, days, strict=True))
        first_seen = [expiry[lot] for lot in dict.fromkeys(moves)]
        assert first_seen == sorted(first_seen), "no later lot was begun before a sooner one"
        assert queries.verify(uow.session).holds


def test_pickers_with_lists_of_their_own_end_with_the_same_order(sessions, work, clock, hall):
    """A11, by scan: each reads the list, takes what it says, and reads again where another was quicker."""
    with work() as uow:
        lots = lots_of_milk(uow, hall, [8, 20, 45], on_shelf=8)
        item_id = milk(uow).id
    taken, lock = [], threading.Lock()

    def walk(number):
        while True:
            with unit_of_work(sessions, EVERYTHING, clock) as uow:
                picks, _ = queries.free_pick_list(uow.session, hall.warehouse_id, {item_id: 1}, TODAY)
            if not picks:
                return
            try:
                with unit_of_work(sessions, EVERYTHING, clock) as uow:
                    pick = picks[0]
                    service.first_or_why(uow, lot_id=pick.lot_id, from_place_id=pick.place_id, reason=None, done=False)
                    service.move(
                        uow,
                        operation_id=uuid4(),
                        lot_id=pick.lot_id,
                        from_place_id=pick.place_id,
                        to_place_id=hall.staging,
                        quantity=1,
                        kind="pick",
                    )
                with lock:
                    taken.append(pick.lot_id)
            except NotEnoughStock:
                continue

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(walk, range(6)))
    assert Counter(taken) == dict.fromkeys(lots, 8)
    with work() as uow:
        moves = uow.session.scalars(select(Movement.lot_id).where(Movement.kind == "pick").order_by(Movement.id)).all()
        assert list(dict.fromkeys(moves)) == lots
        assert queries.verify(uow.session).holds


def test_a_phone_picks_so_many_of_an_item_whatever_lots(web, work, hall):
    with work() as uow:
        soon, later = lots_of_milk(uow, hall, [10, 40])
    phone = Phone()
    asked = {"item_code": "MILK", "quantity": 14, "to_place_id": hall.staging}
    done, refused = send(web, phone("pick_item", asked), phone("pick_item", asked))
    assert [(line["lot_id"], line["quantity"]) for line in done["result"]["lines"]] == [(soon, 10), (later, 4)]
    assert (refused["problem"]["type"], refused["problem"]["available"]) == ("not-enough-of-item", 6)
    with work() as uow:
        assert on_hand(uow, later, hall.shelf) == 6, "a refused pick moves nothing"


# Lists --------------------------------------------------------------------------------------------------------------


def test_one_walks_by_number_not_by_letter():
    codes = ["MIS-A-10", "MIS-A-2", "MIS-B-1", "MIS-A-2-1", "KI", "MIS-A-02"]
    assert sorted(codes, key=walking_key) == ["KI", "MIS-A-2", "MIS-A-02", "MIS-A-2-1", "MIS-A-10", "MIS-B-1"]
    picks = [
        Pick(1, lot, 1, 1, place, box) for lot, place, box in ((3, "A-10", None), (2, "A-2", "D-9"), (1, "A-2", None))
    ]
    assert [pick.lot_id for pick in in_walking_order(picks)] == [1, 2, 3]


def test_a_list_takes_from_the_first_to_expire_and_says_what_is_short_and_what_may_be_given():
    shelves = [
        Pick(7, 1, 11, 4, "A-2", None, date(2027, 1, 1)),
        Pick(7, 2, 12, 9, "A-1", None, date(2027, 2, 1)),
        Pick(8, 3, 13, 5, "A-3", None, None),
    ]
    picks, short = pick_list({7: 6, 8: 7}, shelves, {8: [(7, 50), (9, 100)]})
    assert [(pick.place, pick.lot_id, pick.quantity) for pick in picks] == [("A-1", 2, 2), ("A-2", 1, 4), ("A-3", 3, 5)]
    (one,) = short
    assert (one.item_id, one.wanted, one.missing) == (8, 7, 2)
    assert [(each.item_id, each.percent, each.quantity, each.available) for each in one.instead] == [(7, 50, 1, 7)]


def test_the_list_is_a_page_and_json_with_substitutes(app, web, work, hall):
    with work() as uow:
        soon, _ = lots_of_milk(uow, hall, [10, 40], on_shelf=3)
        item_id = milk(uow).id
        uow.session.add(Substitute(item_id=item_id, substitute_id=hall.item_id, quantity_percent=200))
    client = web()
    asked = client.get("/api/v1/pick-list", query_string={"warehouse_id": hall.warehouse_id, "items": f"{item_id}:8"})
    assert next((each["lot_id"], each["quantity"]) for each in asked.json["items"]) == (soon, 3)
    assert asked.json["short"] == [
        {
            "item_id": item_id,
            "wanted": 8,
            "missing": 2,
            "instead": [{"item_id": hall.item_id, "percent": 200, "quantity": 4, "available": 10}],
        }
    ]
    for wrong in ("x", "1:0", "1:2:3", "٣:1", f"{2**70}:1", "1"):
        answer = client.get("/api/v1/pick-list", query_string={"warehouse_id": hall.warehouse_id, "items": wrong})
        assert answer.status_code == 422, wrong
    page = {"item_id-0": item_id, "quantity-0": 8, "lang": "en"}
    shown = client.get("/stock/pick", query_string=page)
    assert shown.status_code == 200 and "2 missing here" in shown.text and "4 for what is missing (200%)" in shown.text
    assert client.get("/stock/pick").status_code == 200
    form = {"operation_id": str(uuid4()), "lot_id": soon, "from_place_id": hall.shelf, "quantity": 3}
    for _ in range(2):
        assert client.post("/stock/pick", query_string=page, data=form).status_code == 302
    with work() as uow:
        assert on_hand(uow, soon, hall.staging) == 3


def test_what_is_reserved_for_a_purpose_is_listed_until_it_is_picked_and_stays_reserved(web, work, hall):
    with work() as uow:
        held = service.reserve(
            uow,
            lot_id=hall.lot_id,
            place_id=hall.shelf,
            quantity=6,
            purpose=("transfer", 5),
            expires_at=uow.now + timedelta(days=1),
        )
    asked = {"purpose_kind": "transfer", "purpose_id": 5}
    listed = web().get("/api/v1/pick-list/reserved", query_string=asked).json["items"]
    assert [(each["reservation_id"], each["quantity"]) for each in listed] == [(held.id, 6)]
    with work() as uow:
        service.move_reserved(uow, operation_id=uuid4(), reservation_ids=[held.id], to_place_id=hall.staging)
    assert web().get("/api/v1/pick-list/reserved", query_string=asked).json["items"] == []
    with work() as uow:
        still = uow.session.get_one(Reservation, held.id)
        assert (still.state, still.place_id) == ("pending", hall.staging)
        there = uow.session.scalar(
            select(Balance).where(Balance.lot_id == hall.lot_id, Balance.place_id == hall.staging)
        )
        assert (there.on_hand, there.reserved) == (6, 6)
        assert queries.verify(uow.session).holds


# Putting away -------------------------------------------------------------------------------------------------------


def test_what_must_be_cold_is_not_put_on_a_warm_shelf(web, work, hall, clock):
    with work() as uow:
        home = queries.warehouse(uow.session, uow.actor, hall.warehouse_id)
        fridge = a_place(uow, home)
        fridge.storage_class = "chilled"
        yoghurt = an_item(uow, "YOGHURT", storage_class="chilled")
        lot = a_lot(uow, home, item=yoghurt)
        service.move(
            uow,
            operation_id=uuid4(),
            lot_id=lot.id,
            from_place_id=hall.shelf,
            to_place_id=hall.dock,
            quantity=10,
        )
    ends = {"lot_id": lot.id, "from_place_id": hall.dock, "quantity": 1}
    with pytest.raises(WrongStorage, match="Chilled"), work() as uow:
        service.move(uow, operation_id=uuid4(), to_place_id=hall.other_shelf, kind="put_away", **ends)
    phone = Phone()
    refused, late, good = send(
        web,
        phone("put_away", {**ends, "to_place_id": hall.other_shelf}),
        phone("put_away", {**ends, "to_place_id": hall.other_shelf}, happened_at=clock.now - timedelta(hours=2)),
        phone("put_away", {**ends, "to_place_id": fridge.id}),
    )
    assert (refused["problem"]["type"], refused["problem"]["needs_class"]) == ("wrong-storage", "chilled")
    assert [late["outcome"], good["outcome"]] == ["needs_review", "applied"]


def test_a_place_is_suggested_where_the_same_item_lies_and_things_are_kept_as_it_needs(web, work, hall):
    with work() as uow:
        home = queries.warehouse(uow.session, uow.actor, hall.warehouse_id)
        fridges = [a_place(uow, home) for _ in range(2)]
        for fridge in fridges:
            fridge.storage_class = "chilled"
        yoghurt = an_item(uow, "YOGHURT", storage_class="chilled")
        first, second = a_lot(uow, home, item=yoghurt), a_lot(uow, home, item=yoghurt)
        service.move(
            uow,
            operation_id=uuid4(),
            lot_id=first.id,
            from_place_id=the_place(uow, home).id,
            to_place_id=fridges[1].id,
            quantity=10,
        )
    address = f"/api/v1/lots/{second.id}/put-away"
    found = web().get(address, query_string={"warehouse_id": hall.warehouse_id}).json["items"]
    assert [(each["place_id"], each["same_item"]) for each in found] == [(fridges[1].id, 10), (fridges[0].id, 0)]
