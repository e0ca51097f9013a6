"""What a phone saw and the books did not: kept, looked at by a person, resolved once."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.accounts.roles import GRANTS, Role
from app.foundation.actor import Actor, Scope
from app.foundation.errors import NotAllowed
from app.foundation.unit_of_work import unit_of_work
from app.stock import discrepancies, operations, queries, service
from app.stock.errors import NoteNeeded, NotEnoughStock, ReviewResolved
from app.stock.models import Movement, Reservation, Review
from tests.stock.conftest import build_hall, on_hand
from tests.stock.test_operations import Phone, a_move


def somebody(hall, role=Role.WAREHOUSE_WORKER, id=7):
    """Return an actor with the rights of a role, who works in the hall."""
    reach = {Scope.WAREHOUSE: (hall.warehouse_id,), Scope.OWN: (id,)}
    return Actor(id, "Somebody", role, GRANTS[role], reach)


def send(sessions, clock, actor, *sent):
    return operations.apply_batch(lambda: unit_of_work(sessions, actor, clock), actor, list(sent))


def reviews(work):
    with work() as uow:
        return list(uow.session.scalars(select(Review).order_by(Review.id)))


def test_what_was_booked_against_the_books_and_what_was_refused_both_wait_for_the_manager(sessions, work, clock, hall):
    phone, worker = Phone(), somebody(hall)
    late = phone("load", a_move(hall, 12), happened_at=clock.now - timedelta(hours=3))
    refused = phone("load", a_move(hall, 5))
    fine = phone("receive", {"item_id": hall.item_id, "quantity": 3, "place_id": hall.dock})
    outcomes = [answer.outcome for answer in send(sessions, clock, worker, late, refused, fine)]
    assert outcomes == ["needs_review", "rejected", "applied"]
    booked, rejected = reviews(work)
    assert (booked.outcome, booked.quantity, booked.lot_id, booked.place_id) == (
        "needs_review", 2, hall.lot_id, hall.shelf,
    )  # fmt: skip
    assert (rejected.outcome, rejected.quantity) == ("rejected", 5)
    assert (rejected.lot_id, rejected.place_id) == (hall.lot_id, hall.shelf)
    assert {each.warehouse_id for each in (booked, rejected)} == {hall.warehouse_id}
    assert rejected.payload["quantity"] == 5 and rejected.actor_id == 7
    assert rejected.said[0]["text"].startswith("Nothing was moved")


def test_the_same_operation_sent_again_after_it_was_resolved_opens_nothing_and_books_nothing(
    sessions, work, clock, hall
):
    """B5: the reply was lost, and meanwhile the manager has resolved it: the answer is the first one, for ever."""
    worker, manager = somebody(hall), somebody(hall, Role.WAREHOUSE_MANAGER, 8)
    refused = Phone()("load", a_move(hall, 12))
    send(sessions, clock, worker, refused)
    (review,) = reviews(work)
    with work(manager) as uow:
        discrepancies.book_found(uow, review_id=review.id, operation_id=uuid4(), quantity=2, note="two behind it")
    answers = send(sessions, clock, worker, refused, refused)
    assert [(each.outcome, each.first_outcome) for each in answers] == [("duplicate", "rejected")] * 2
    assert len(reviews(work)) == 1
    with work() as uow:
        assert [on_hand(uow, hall.lot_id, each) for each in (hall.shelf, hall.van, hall.unknown)] == [12, 0, -2]
        assert queries.verify(uow.session).holds


def test_a_batch_that_is_half_bad_is_half_applied_and_the_other_half_is_looked_at(sessions, work, clock, hall):
    """B6: malformed, unknown and impossible among good ones; each refused one that names itself is kept."""
    phone = Phone()
    good = [phone("load", a_move(hall, 1)) for _ in range(4)]
    bad = [
        phone("load", a_move(hall, 99)),
        phone("fly", {"lot_id": hall.lot_id, "quantity": 1}),
        phone("load", a_move(hall, 1, lot_id=2**62)),
        phone("load", {"\x00\ud800": 1, "quantity": "many"}),
    ]
    sent = [each for pair in zip(good, bad, strict=True) for each in pair]
    outcomes = [answer.outcome for answer in send(sessions, clock, somebody(hall), *sent, "nonsense")]
    assert outcomes == ["applied", "rejected"] * 4 + ["rejected"]
    kept = reviews(work)
    assert [each.kind for each in kept] == ["load", "fly", "load", "load"]
    assert {each.warehouse_id for each in kept} == {hall.warehouse_id}
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.van) == 4


def test_nobody_who_received_and_no_code_or_signature_is_kept():
    payload = {
        "parcel_id": 7, "relation": "neighbour", "code": "123456", "signature": [[[0.1, 0.2]]],
        "reason": "the daughter said no", "to_place_id": 3,
    }  # fmt: skip
    assert operations.what_is_kept(payload) == {"parcel_id": 7, "to_place_id": 3, "left_out": True}
    assert operations.what_is_kept({"lot_id": 1, "quantity": 2, "reason": "torn"}) == {
        "lot_id": 1, "quantity": 2, "reason": "torn",
    }  # fmt: skip
    assert operations.what_is_kept({"lot_id": 10**30, "place": ["x"]}) == {"left_out": True}


def test_what_is_sent_by_those_without_goods_in_their_hands_is_refused_and_that_is_all(sessions, work, clock, hall):
    partner = Actor(9, "Partner", Role.PARTNER, GRANTS[Role.PARTNER], {Scope.OWN: (9,)})
    assert send(sessions, clock, partner, Phone()("load", a_move(hall, 1)))[0].outcome == "rejected"
    assert reviews(work) == []


def test_nobody_writes_into_the_queue_of_a_warehouse_where_they_do_not_work(sessions, work, clock, hall):
    with work() as uow:
        other = build_hall(uow)
    assert send(sessions, clock, somebody(other), Phone()("load", a_move(hall, 1)))[0].outcome == "rejected"
    (review,) = reviews(work)
    assert (review.warehouse_id, review.place_id) == (other.warehouse_id, None)


def test_a_fault_of_ours_stops_no_phone_and_is_seen(sessions, work, clock, hall, monkeypatch):
    def breaks(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(service, "book", breaks)
    phone = Phone()
    sent = [
        phone("load", a_move(hall, 1)),
        phone("receive", {"item_id": hall.item_id, "quantity": 3, "place_id": hall.dock}),
    ]
    answers = send(sessions, clock, somebody(hall), *sent)
    assert [answer.outcome for answer in answers] == ["rejected", "applied"]
    assert answers[0].kept["problem"]["type"] == "fault"
    assert len(reviews(work)) == 1


def test_an_operation_on_something_that_is_gone_gets_a_final_answer(sessions, work, clock, hall):
    """B9."""
    with work() as uow:
        service.retire_place(uow, place_id=hall.other_shelf)
    phone = Phone()
    onto = {**a_move(hall, 1), "to_place_id": hall.other_shelf}
    now = phone("move", onto)
    then = phone("move", onto, happened_at=clock.now - timedelta(hours=1))
    answers = send(sessions, clock, somebody(hall), now, then)
    assert [answer.outcome for answer in answers] == ["rejected", "needs_review"]
    assert [each.outcome for each in send(sessions, clock, somebody(hall), now, then)] == ["duplicate"] * 2
    assert len(reviews(work)) == 2


def a_refused_load(sessions, work, clock, hall, quantity=12, **more):
    send(sessions, clock, somebody(hall), Phone()("load", a_move(hall, quantity, **more)))
    return reviews(work)[-1]


def test_what_is_there_is_booked_in_and_the_refused_deed_is_done_again(sessions, work, clock, hall):
    manager = somebody(hall, Role.WAREHOUSE_MANAGER, 8)
    review = a_refused_load(sessions, work, clock, hall)
    number = uuid4()
    with pytest.raises(NotEnoughStock), work(manager) as uow:
        operations.do_again(uow, review_id=review.id, operation_id=number)
    assert reviews(work)[0].state == "open"
    with work() as uow:
        service.receive(
            uow, operation_id=uuid4(), item_id=hall.item_id, quantity=1, place_id=hall.shelf,
            warehouse_id=hall.warehouse_id,
        )  # fmt: skip
        discrepancies.adjust(
            uow, operation_id=uuid4(), adjustments=[discrepancies.Adjustment(hall.lot_id, hall.shelf, 2)]
        )
    for _ in range(2):
        with work(manager) as uow:
            operations.do_again(uow, review_id=review.id, operation_id=number)
    (done,) = reviews(work)
    assert (done.state, done.resolution, done.resolved_by_id) == ("resolved", "again", 8)
    with work() as uow:
        assert uow.session.get_one(Movement, done.movement_id).operation_id == number
        assert [on_hand(uow, hall.lot_id, each) for each in (hall.shelf, hall.van)] == [0, 12]
        assert queries.verify(uow.session).holds
    with pytest.raises(ReviewResolved), work(manager) as uow:
        discrepancies.close_without(uow, review_id=review.id, note="once more")


def test_pieces_that_the_books_took_out_of_nowhere_go_back_there_if_they_are_not_to_be_found(
    sessions, work, clock, hall
):
    manager = somebody(hall, Role.WAREHOUSE_MANAGER, 8)
    late = Phone()("load", a_move(hall, 12), happened_at=clock.now - timedelta(hours=3))
    send(sessions, clock, somebody(hall), late)
    (review,) = reviews(work)
    with work(manager) as uow:
        discrepancies.book_lost(uow, review_id=review.id, operation_id=uuid4(), place_id=hall.van, note="ten only")
    with work() as uow:
        assert [on_hand(uow, hall.lot_id, each) for each in (hall.van, hall.unknown, hall.loss)] == [10, 0, 0]
        assert queries.verify(uow.session).holds


def test_what_is_gone_for_good_goes_to_loss_by_who_may_write_off_whoever_was_promised_it(sessions, work, clock, hall):
    review = a_refused_load(sessions, work, clock, hall)
    manager = somebody(hall, Role.WAREHOUSE_MANAGER, 8)
    may_not = Actor(8, "M", "x", {**GRANTS[Role.WAREHOUSE_WORKER], "stock.review": Scope.WAREHOUSE}, manager.reach)
    with pytest.raises(NotAllowed), work(may_not) as uow:
        discrepancies.book_lost(uow, review_id=review.id, operation_id=uuid4(), quantity=4)
    with work() as uow:
        service.reserve(
            uow, lot_id=hall.lot_id, place_id=hall.shelf, quantity=8, purpose=("share", 1),
            expires_at=clock.now + timedelta(days=1),
        )  # fmt: skip
    with pytest.raises(NotEnoughStock), work(manager) as uow:
        discrepancies.book_lost(uow, review_id=review.id, operation_id=uuid4(), quantity=11)
    with work(manager) as uow:
        discrepancies.book_lost(uow, review_id=review.id, operation_id=uuid4(), quantity=4)
    with work() as uow:
        assert [on_hand(uow, hall.lot_id, each) for each in (hall.shelf, hall.loss)] == [6, 4]
        assert uow.session.scalar(select(Reservation.quantity).where(Reservation.state == "pending")) == 6
        assert queries.verify(uow.session).holds


def test_nothing_is_closed_without_a_word_and_only_by_who_may(sessions, work, clock, hall):
    review = a_refused_load(sessions, work, clock, hall)
    with pytest.raises(NotAllowed), work(somebody(hall)) as uow:
        discrepancies.close_without(uow, review_id=review.id, note="fine")
    manager = somebody(hall, Role.WAREHOUSE_MANAGER, 8)
    with pytest.raises(NoteNeeded), work(manager) as uow:
        discrepancies.close_without(uow, review_id=review.id, note="")
    with work(manager) as uow:
        discrepancies.close_without(uow, review_id=review.id, note="typed twice")
        assert queries.reviews_count(uow.session, uow.actor) == {"resolved": 1, "resolved_rejected": 1}


def test_the_queue_costs_few_statements_and_pages_skip_nothing(sessions, work, clock, hall):
    phone = Phone()
    send(sessions, clock, somebody(hall), *[phone("load", a_move(hall, 50 + number)) for number in range(7)])
    with work(somebody(hall, Role.WAREHOUSE_MANAGER, 8)) as uow:
        first = queries.review_page(uow.session, uow.actor, size=4)
        second = queries.review_page(uow.session, uow.actor, size=4, after=first.next_after)
        assert [row.review.quantity for row in [*first.rows, *second.rows]] == [46, 45, 44, 43, 42, 41, 40]
        assert first.rows[0].item.id == hall.item_id
