"""A stocktake from opening to posting: blind, by two people, approved by a third."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.foundation.errors import NotAllowed
from app.foundation.job import Job
from app.stock import discrepancies
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.models import Movement, Reservation, Review, Voucher
from app.stocktakes import queries, service
from app.stocktakes.errors import (
    BeingCounted,
    CounterApproves,
    DateNeeded,
    DifferencesChanged,
    NoSuchStocktake,
    NotToApprove,
    SameCounter,
    StillCounting,
    StocktakeOver,
)
from app.stocktakes.models import Count, StocktakeLine
from tests.builders import a_box, an_item
from tests.stocktakes.conftest import Phone, on_hand


def count(phone, opened, place_id, quantity, **what):
    return phone("count", {"stocktake_id": opened, "place_id": place_id, "quantity": quantity, **what})


def done(phone, opened, place_id, kind="place_counted", **more):
    return phone(kind, {"stocktake_id": opened, "place_id": place_id, **more})


def state_of(work, stocktake_id):
    with work() as uow:
        return queries.stocktake(uow.session, uow.actor, stocktake_id).state


def test_what_is_counted_right_is_posted_without_a_movement(work, house, send, opened):
    phone = Phone()
    first, second, third = house.shelves
    answers = send(
        house.anna,
        count(phone, opened, first, 10, lot_id=house.lots[0]),
        count(phone, opened, first, 20, lot_id=house.lots[1]),
        done(phone, opened, first),
        count(phone, opened, second, 5, lot_id=house.lots[2]),
        done(phone, opened, second),
        done(phone, opened, third, "count_place_empty"),
    )
    assert [each.outcome for each in answers] == ["applied"] * 6
    assert state_of(work, opened) == "to_approve"
    with work(house.chief) as uow:
        posted = service.approve(uow, stocktake_id=opened, operation_id=uuid4())
        assert posted.state == "posted"
        assert uow.session.get_one(Voucher, posted.voucher_id).code.startswith("LEL/")
        assert uow.session.scalar(select(Movement).where(Movement.kind.in_(["find", "lose"]))) is None
        lines = uow.session.scalars(select(StocktakeLine)).all()
        assert [(line.expected, line.counted) for line in lines] == [(10, 10), (20, 20), (5, 5)]


def test_a_difference_is_counted_again_by_somebody_else_and_only_then_posted(work, house, send, opened):
    anna, bela = Phone(), Phone()
    first, second, third = house.shelves
    send(
        house.anna,
        count(anna, opened, first, 8, lot_id=house.lots[0]),
        done(anna, opened, first),
        done(anna, opened, second, "count_place_empty"),
        done(anna, opened, third),
    )
    assert state_of(work, opened) == "recounting"
    again = send(house.anna, count(anna, opened, first, 10, lot_id=house.lots[0], round=2))[0]
    assert (again.outcome, again.kept["problem"]["type"]) == ("rejected", "same-counter")
    with pytest.raises(SameCounter), work(house.somebody("warehouse_manager", 21)) as uow:
        service.count(
            uow, operation_id=uuid4(), stocktake_id=opened, place_id=first, round=2, lot_id=house.lots[0], quantity=1
        )
    with pytest.raises(NotToApprove), work(house.chief) as uow:
        service.approve(uow, stocktake_id=opened, operation_id=uuid4())
    answers = send(
        house.bela,
        count(bela, opened, first, 9, lot_id=house.lots[0]),
        count(bela, opened, first, 20, lot_id=house.lots[1]),
        done(bela, opened, first),
        count(bela, opened, second, 5, lot_id=house.lots[2]),
        done(bela, opened, second),
    )
    assert [each.outcome for each in answers] == ["applied"] * 5
    assert [each.kept["result"]["round"] for each in answers] == [2] * 5
    number = uuid4()
    for _ in range(2):
        with work(house.chief) as uow:
            service.approve(uow, stocktake_id=opened, operation_id=number)
    with work() as uow:
        assert on_hand(uow, house.lots[0], first) == 9
        assert on_hand(uow, house.lots[0], house.unknown) == 1
        assert on_hand(uow, house.lots[1], first) == 20
        assert on_hand(uow, house.lots[2], second) == 5
        assert stock_queries.verify(uow.session).holds
        assert uow.session.scalars(select(Review)).all() == []


def test_who_counted_does_not_approve_and_who_may_not_manage_decides_nothing(work, house, send, opened):
    anna = Phone()
    first, second, third = house.shelves
    send(
        house.chief,
        count(anna, opened, first, 10, lot_id=house.lots[0]),
        count(anna, opened, first, 20, lot_id=house.lots[1]),
        done(anna, opened, first),
        count(anna, opened, second, 5, lot_id=house.lots[2]),
        done(anna, opened, second),
        done(anna, opened, third),
    )
    with pytest.raises(CounterApproves), work(house.chief) as uow:
        service.approve(uow, stocktake_id=opened, operation_id=uuid4())
    for who in (house.anna, house.bela):
        with pytest.raises(NotAllowed), work(who) as uow:
            service.approve(uow, stocktake_id=opened, operation_id=uuid4())
    with work(house.somebody("warehouse_manager", 31)) as uow:
        assert service.approve(uow, stocktake_id=opened, operation_id=uuid4()).state == "posted"


def test_a_newer_count_of_the_round_holds_and_the_older_stays_to_be_seen(work, house, send, opened):
    anna, bela = Phone(), Phone()
    first = house.shelves[0]
    send(house.anna, count(anna, opened, first, 7, lot_id=house.lots[0]))
    send(house.bela, count(bela, opened, first, 10, lot_id=house.lots[0]))
    send(house.anna, count(anna, opened, first, 20, lot_id=house.lots[1]), done(anna, opened, first))
    with work(house.chief) as uow:
        found = queries.stocktake(uow.session, uow.actor, opened)
        lines = service.lines_of(uow, found)
        assert [line.counted for line in lines] == [10, 20]
        assert len(queries.replaced(uow.session, opened, first)) == 4


def test_the_list_for_counting_and_the_answers_never_hold_what_the_books_say(work, house, send, opened):
    first = house.shelves[0]
    with work(house.anna) as uow:
        found = queries.stocktake(uow.session, uow.actor, opened)
        rows = queries.blind_list(uow.session, found, first, 1)
        assert [(row.lot.id, row.counted) for row in rows] == [(house.lots[0], None), (house.lots[1], None)]
        assert not hasattr(rows[0], "on_hand")
    answer = send(house.anna, count(Phone(), opened, first, 3, lot_id=house.lots[0]))[0]
    assert set(answer.kept["result"]) == {"count_id", "round", "lot_id", "quantity"}


def test_the_hall_works_on_each_lot_is_compared_with_the_books_of_its_moment(work, house, send, opened, clock):
    """Counted at noon, moved at ten past, told in any order: nothing differs."""
    first, second, third = house.shelves
    phone, other = Phone(), Phone()
    noon = clock.now
    clock.now = noon + timedelta(minutes=60)
    move = {"lot_id": house.lots[0], "from_place_id": first, "to_place_id": third, "quantity": 4}
    send(house.bela, other("move", move, happened_at=noon + timedelta(minutes=10)))
    before = {"lot_id": house.lots[1], "from_place_id": first, "to_place_id": second, "quantity": 6}
    send(
        house.anna,
        phone("count", {"stocktake_id": opened, "place_id": first, "lot_id": house.lots[0], "quantity": 10}, noon),
        phone("count", {"stocktake_id": opened, "place_id": first, "lot_id": house.lots[1], "quantity": 14}, noon),
        phone("place_counted", {"stocktake_id": opened, "place_id": first}, noon),
    )
    # It had happened before the count, and is told after it.
    send(house.bela, other("move", before, happened_at=noon - timedelta(minutes=5)))
    with work(house.chief) as uow:
        lines = service.lines_of(uow, queries.stocktake(uow.session, uow.actor, opened))
        assert [(line.expected, line.counted) for line in lines] == [(10, 10), (14, 14)]


def test_what_is_told_after_posting_but_happened_before_the_count_is_seen_and_undone_by_one_click(
    work, house, send, opened, clock
):
    first, second, third = house.shelves
    phone, other = Phone(), Phone()
    noon = clock.now
    # Six of lot 1 were carried to the third shelf before noon; the phone was offline.
    carried = other(
        "move",
        {"lot_id": house.lots[1], "from_place_id": first, "to_place_id": third, "quantity": 6},
        happened_at=noon - timedelta(minutes=5),
    )
    counted = {first: {house.lots[0]: 10, house.lots[1]: 14}, second: {house.lots[2]: 5}, third: {house.lots[1]: 6}}
    clock.now = noon + timedelta(minutes=1)
    for round, (who, device) in enumerate(((house.anna, phone), (house.bela, Phone())), 1):
        for place, lots in counted.items():
            if round == 2 and place == second:
                continue
            for lot, quantity in lots.items():
                send(who, count(device, opened, place, quantity, lot_id=lot, round=round))
            send(who, done(device, opened, place, round=round))
    clock.now = noon + timedelta(minutes=30)
    with work(house.chief) as uow:
        service.approve(uow, stocktake_id=opened, operation_id=uuid4())
    (answer,) = send(house.bela, carried)
    assert answer.outcome == "needs_review"
    assert "the stocktake contained it already" in answer.kept["review"][0]["text"]
    with work() as uow:
        (review,) = uow.session.scalars(select(Review)).all()
        assert on_hand(uow, house.lots[1], third) == 12, "booked twice for now"
        review_id = review.id
    with work(house.chief) as uow:
        discrepancies.book_contained(uow, review_id=review_id, operation_id=uuid4())
    with work() as uow:
        assert [on_hand(uow, house.lots[1], each) for each in (first, third, house.unknown)] == [14, 6, 0]
        assert stock_queries.verify(uow.session).holds


def test_a_shortage_takes_what_was_reserved_and_whoever_was_promised_it_is_told(work, house, send, opened, clock):
    first, second, third = house.shelves
    with work() as uow:
        stock.reserve(
            uow, lot_id=house.lots[0], place_id=first, quantity=9, purpose=("share", 812),
            expires_at=clock.now + timedelta(days=1),
        )  # fmt: skip
    for who in (house.anna, house.bela):
        phone = Phone()
        send(
            who,
            count(phone, opened, first, 6, lot_id=house.lots[0]),
            count(phone, opened, first, 20, lot_id=house.lots[1]),
            done(phone, opened, first),
        )
    send(house.anna, count(phone := Phone(), opened, second, 5, lot_id=house.lots[2]), done(phone, opened, second))
    send(house.anna, done(phone, opened, third))
    with work(house.chief) as uow:
        service.approve(uow, stocktake_id=opened, operation_id=uuid4())
    with work() as uow:
        assert on_hand(uow, house.lots[0], first) == 6
        held = uow.session.execute(select(Reservation.state, Reservation.quantity).order_by(Reservation.id)).all()
        assert held == [("released", 9), ("pending", 6)]
        lost = uow.session.scalar(select(Reservation.id).where(Reservation.state == "released"))
        assert uow.session.scalar(select(Job.arguments).where(Job.name == "allocation.revise")) == {
            "reservation_ids": [lost]
        }
        assert uow.session.scalars(select(Review)).all() == []
        assert stock_queries.verify(uow.session).holds


def test_a_third_quantity_is_chosen_with_a_reason_and_damage_goes_to_loss(work, house, send, opened):
    first, second, third = house.shelves
    for who, seen in ((house.anna, 8), (house.bela, 6)):
        phone = Phone()
        send(
            who,
            count(phone, opened, first, seen, lot_id=house.lots[0]),
            count(phone, opened, first, 20, lot_id=house.lots[1]),
            done(phone, opened, first),
        )
    send(house.anna, count(phone := Phone(), opened, second, 5, lot_id=house.lots[2]), done(phone, opened, second))
    send(house.anna, done(phone, opened, third))
    with work(house.chief) as uow:
        found = queries.stocktake(uow.session, uow.actor, opened)
        before, seen = found.version, service.digest(service.lines_of(uow, found))
        service.decide(uow, stocktake_id=opened, place_id=first, lot_id=house.lots[0], reason="damaged", quantity=7)
        assert found.version > before
    with pytest.raises(DifferencesChanged), work(house.chief) as uow:
        service.approve(uow, stocktake_id=opened, operation_id=uuid4(), seen=seen)
    with work(house.chief) as uow:
        service.approve(uow, stocktake_id=opened, operation_id=uuid4())
    with work() as uow:
        assert [on_hand(uow, house.lots[0], each) for each in (first, house.loss, house.unknown)] == [7, 3, 0]
        line = uow.session.scalar(select(StocktakeLine).where(StocktakeLine.lot_id == house.lots[0]))
        assert (line.expected, line.counted, line.round, line.reason) == (10, 7, 3, "damaged")


def test_what_no_lot_explains_becomes_one_and_an_item_of_several_lots_is_dealt_out(work, house, send, opened):
    first, second, third = house.shelves
    with work() as uow:
        soap = an_item(uow, "SOAP", name_hu="Szappan", name_hu_key="szappan", tracks_expiry=True)
        soap_id = soap.id
    anna = Phone()
    answers = send(
        house.anna,
        count(anna, opened, third, 3, item_id=soap_id),
        count(anna, opened, third, 3, item_id=soap_id, expires_on="2027-05-01"),
        count(anna, opened, third, 4, item_id=soap_id, expires_on="2027-05-01"),
        count(anna, opened, first, 30, item_id=house.item_id),
        count(anna, opened, second, 5, item_id=house.item_id),
    )
    assert answers[0].kept["problem"]["type"] == "date-needed"
    assert [each.outcome for each in answers[1:]] == ["applied"] * 4
    lots = [each.kept["result"]["lot_id"] for each in answers[1:]]
    assert lots[0] == lots[1] and lots[2] is None and lots[3] == house.lots[2]
    send(house.anna, *[done(anna, opened, place) for place in house.shelves])
    bela = Phone()
    send(house.bela, count(bela, opened, third, 4, lot_id=lots[0]), done(bela, opened, third))
    with work(house.chief) as uow:
        service.approve(uow, stocktake_id=opened, operation_id=uuid4())
    with work() as uow:
        assert on_hand(uow, lots[0], third) == 4
        assert [on_hand(uow, lot, first) for lot in house.lots[:2]] == [10, 20]
        assert stock_queries.verify(uow.session).holds
    assert DateNeeded.kind == "date-needed"


def test_a_shelf_is_counted_with_its_boxes_wherever_they_stand_meanwhile(work, house):
    with work() as uow:
        warehouse = stock_queries.warehouse(uow.session, uow.actor, house.warehouse_id)
        box = a_box(uow, warehouse)
        box_place = box.place_id
    with work(house.chief) as uow:
        made = service.open_stocktake(uow, warehouse_id=house.warehouse_id, place_ids=[house.shelves[0]])
        assert {each.place_id for each in queries.parts(uow.session, made.id)} == {house.shelves[0], box_place}


def test_one_place_is_counted_in_one_stocktake_at_a_time(work, house, opened):
    with pytest.raises(BeingCounted), work(house.chief) as uow:
        service.open_stocktake(uow, warehouse_id=house.warehouse_id)
    with work(house.chief) as uow:
        service.cancel(uow, stocktake_id=opened, reason="the hall is flooded")
        assert service.open_stocktake(uow, warehouse_id=house.warehouse_id).state == "counting"


def test_places_are_left_out_only_by_saying_so(work, house, send, opened):
    phone, first = Phone(), house.shelves[0]
    with pytest.raises(StillCounting), work(house.chief) as uow:
        service.complete(uow, stocktake_id=opened, leave_out=True)
    send(
        house.anna,
        count(phone, opened, first, 10, lot_id=house.lots[0]),
        count(phone, opened, first, 20, lot_id=house.lots[1]),
        done(phone, opened, first),
    )
    with pytest.raises(StillCounting), work(house.chief) as uow:
        service.complete(uow, stocktake_id=opened)
    with work(house.chief) as uow:
        assert service.complete(uow, stocktake_id=opened, leave_out=True).state == "to_approve"
        assert [each.place_id for each in queries.parts(uow.session, opened)] == [first]


def test_a_count_that_comes_too_late_is_kept_as_a_discrepancy(work, house, send, opened):
    with work(house.chief) as uow:
        service.cancel(uow, stocktake_id=opened, reason="not today")
    answer = send(house.anna, count(Phone(), opened, house.shelves[0], 3, lot_id=house.lots[0]))[0]
    assert answer.kept["problem"]["type"] == StocktakeOver.kind
    with work() as uow:
        (review,) = uow.session.scalars(select(Review)).all()
        assert (review.kind, review.payload["quantity"]) == ("count", 3)
        assert uow.session.scalars(select(Count)).all() == []


def test_nobody_of_another_warehouse_sees_or_counts_in_it(work, house, opened):
    other = house.somebody("warehouse_manager", 40)
    stranger = type(other)(40, "Stranger", other.role, other.grants, dict.fromkeys(other.reach, (999,)))
    with pytest.raises(NoSuchStocktake), work(stranger) as uow:
        queries.stocktake(uow.session, uow.actor, opened)
    with pytest.raises(NoSuchStocktake), work(stranger) as uow:
        service.count(
            uow, operation_id=uuid4(), stocktake_id=opened, place_id=house.shelves[0], lot_id=house.lots[0], quantity=1
        )
