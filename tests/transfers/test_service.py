"""A transfer from shelf to shelf: nothing is invented, nothing is lost without a name, and who may do what."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.catalogue.models import Item
from app.foundation.errors import Invalid, NotAllowed, NotFound, Refusal, Stale
from app.foundation.job import Job
from app.stock import discrepancies, shortages
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.errors import ExpiryNeeded, NoSuchLot, NotEnoughStock, OperationDiffers, WrongPlace
from app.stock.models import Kind, Lot, Movement, PlaceKind, Reservation, Voucher, Warehouse
from app.transfers import queries, service
from app.transfers.errors import (
    AlreadyReceived,
    BelongsToTransfer,
    LinesWrong,
    MoreThanAsked,
    NoDifference,
    NotAsked,
    NothingPicked,
    TransferPast,
)
from app.transfers.models import Transfer, TransferState
from app.transfers.service import Counted
from tests import builders
from tests.conftest import EVERYTHING, NOON
from tests.transfers.conftest import asked, held, must_be_proved, sent


def parts_of(work, transfer_id):
    with work() as uow:
        return [seen.part for seen in queries.lots_of(uow.session, transfer_id)]


def state_of(work, transfer_id):
    with work() as uow:
        return uow.session.get(Transfer, transfer_id).state


def receive(work, road, transfer_id, counted, actor=None, operation_id=None):
    with work(actor or road.taker) as uow:
        service.receive(uow, transfer_id=transfer_id, counted=counted, operation_id=operation_id or uuid4())


def pick(work, road, transfer_id, lot_id, quantity, operation_id=None, **more):
    with work(road.giver) as uow:
        part, review = service.pick(
            uow,
            transfer_id=transfer_id,
            lot_id=lot_id,
            from_place_id=more.pop("place_id", road.shelf_id),
            quantity=quantity,
            operation_id=operation_id or uuid4(),
            **more,
        )
        return part.id, review


# Asking


def test_either_side_may_ask_and_nobody_else(work, road):
    for actor in (road.giving_manager, road.taking_manager, road.coordinator):
        assert state_of(work, asked(work, road, actor=actor)) == TransferState.REQUESTED
    for actor in (road.stranger, road.taker):
        with pytest.raises(NotAllowed):
            asked(work, road, actor=actor)


def test_a_request_sent_twice_is_one_and_another_under_its_number_is_refused(work, road):
    operation_id = uuid4()
    facts = {"from_warehouse_id": road.giver_id, "to_warehouse_id": road.taker_id, "operation_id": operation_id}
    for _ in range(2):
        with work(road.taking_manager) as uow:
            service.request(uow, lines=[{"item_id": road.flour_id, "quantity": 4}], **facts)
    with pytest.raises(OperationDiffers), work(road.taking_manager) as uow:
        service.request(uow, lines=[{"item_id": road.flour_id, "quantity": 5}], **facts)
    with work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Transfer)) == 1


def test_an_item_named_twice_is_asked_for_once_together(work, road):
    line = {"item_id": road.flour_id, "quantity": 4}
    transfer_id = asked(work, road, [line, line])
    with work() as uow:
        lines = queries.transfer(uow.session, EVERYTHING, transfer_id).lines
        assert [(each.item_id, each.quantity) for each in lines] == [(road.flour_id, 8)]


def test_a_request_without_lines_to_itself_or_for_nothing_known_is_refused(work, road):
    wrong = [
        ({}, [], "lines"),
        ({"to_warehouse_id": road.giver_id}, [{"item_id": road.flour_id, "quantity": 1}], "to_warehouse_id"),
        ({}, [{"item_id": 999_999, "quantity": 1}], "lines.0.item_id"),
    ]
    for changed, lines, field in wrong:
        ends = {"from_warehouse_id": road.giver_id, "to_warehouse_id": road.taker_id, **changed}
        with pytest.raises(LinesWrong) as refused, work(road.giving_manager) as uow:
            service.request(uow, lines=lines, **ends)
        assert list(refused.value.fields) == [field]


# Picking


def test_what_expires_first_is_reserved_first(work, road):
    transfer_id = asked(work, road)
    with work(road.giver) as uow:
        proposed = service.propose(uow, transfer_id=transfer_id)
    assert [(each.lot_id, each.quantity) for each in proposed] == [
        (road.soon_id, 30),
        (road.later_id, 10),
        (road.beans_lot_id, 5),
    ]
    for _ in range(2):  # Accepting again reserves nothing twice.
        with work(road.giver) as uow:
            service.accept(uow, transfer_id=transfer_id)
    with work() as uow:
        rows = uow.session.scalars(select(Reservation).order_by(Reservation.id)).all()
        assert [(row.lot_id, row.quantity, row.purpose_kind, row.purpose_id) for row in rows] == [
            (road.soon_id, 30, "transfer", transfer_id),
            (road.later_id, 10, "transfer", transfer_id),
            (road.beans_lot_id, 5, "transfer", transfer_id),
        ]
    must_be_proved(work)


def test_others_neither_see_nor_reserve_what_lies_on_the_givers_shelves(work, road):
    transfer_id = asked(work, road)
    for actor in (road.taker, road.taking_manager, road.coordinator, road.stranger):
        for verb in (service.propose, service.accept):
            with pytest.raises(NotAllowed), work(actor) as uow:
                verb(uow, transfer_id=transfer_id)


def test_scanned_picks_stand_in_staging_and_the_last_one_makes_the_transfer_picked(work, road):
    transfer_id = asked(work, road)
    with work(road.giver) as uow:
        service.accept(uow, transfer_id=transfer_id)
    pick(work, road, transfer_id, road.soon_id, 12)
    pick(work, road, transfer_id, road.soon_id, 18)
    pick(work, road, transfer_id, road.later_id, 10)
    assert state_of(work, transfer_id) == TransferState.REQUESTED
    pick(work, road, transfer_id, road.beans_lot_id, 5)
    assert state_of(work, transfer_id) == TransferState.PICKED
    assert held(work, road.giver_id, PlaceKind.STAGING) == 45
    assert held(work, road.giver_id, PlaceKind.SHELF) == 55
    with work() as uow:
        assert queries.pick_list(uow.session, transfer_id) == []
        waiting = queries.spoken_for(uow.session, transfer_id)
        assert sum(each.quantity for each in waiting) == 45  # Nobody takes it out of staging.
    must_be_proved(work)


def test_a_pick_sent_twice_is_picked_once(work, road):
    transfer_id, operation_id = asked(work, road), uuid4()
    first, _ = pick(work, road, transfer_id, road.soon_id, 7, operation_id)
    again, _ = pick(work, road, transfer_id, road.soon_id, 7, operation_id)
    assert first == again
    assert held(work, road.giver_id, PlaceKind.STAGING) == 7


def test_what_was_not_asked_for_or_too_much_is_not_picked(work, road):
    transfer_id = asked(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    with pytest.raises(NotAsked, match="was not asked for"):
        pick(work, road, transfer_id, road.soon_id, 1)
    with pytest.raises(MoreThanAsked, match="6 picked, 5 left"):
        pick(work, road, transfer_id, road.beans_lot_id, 6)
    assert held(work, road.giver_id, PlaceKind.STAGING) == 0


def test_what_was_picked_by_hand_long_ago_counts_even_where_the_books_disagree(work, road):
    transfer_id = asked(work, road, [{"item_id": road.beans_id, "quantity": 25}])
    _, review = pick(work, road, transfer_id, road.beans_lot_id, 25, done=True)
    assert len(review) == 1
    assert held(work, road.giver_id, PlaceKind.STAGING) == 25
    assert held(work, road.giver_id, PlaceKind.DISCREPANCY) == -5
    must_be_proved(work)


def test_goods_of_another_purpose_are_not_picked(work, road):
    with work() as uow:
        stock.reserve(
            uow,
            lot_id=road.beans_lot_id,
            place_id=road.shelf_id,
            quantity=18,
            purpose=("share", 1),
            expires_at=uow.now.replace(year=2027),
        )
    transfer_id = asked(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    with pytest.raises(NotEnoughStock, match="5 wanted, 2 available"):
        pick(work, road, transfer_id, road.beans_lot_id, 5)


def test_a_pick_is_put_back_where_it_was(work, road):
    transfer_id = asked(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    part_id, _ = pick(work, road, transfer_id, road.beans_lot_id, 5)
    assert state_of(work, transfer_id) == TransferState.PICKED
    with work(road.giver) as uow:
        service.unpick(uow, transfer_lot_id=part_id, operation_id=uuid4())
    assert state_of(work, transfer_id) == TransferState.REQUESTED
    assert held(work, road.giver_id, PlaceKind.STAGING) == 0
    assert parts_of(work, transfer_id) == []
    must_be_proved(work)


def test_less_than_was_asked_for_may_travel(work, road):
    transfer_id = asked(work, road)
    with pytest.raises(NothingPicked), work(road.giver) as uow:
        service.finish(uow, transfer_id=transfer_id)
    with work(road.giver) as uow:
        service.accept(uow, transfer_id=transfer_id)
    pick(work, road, transfer_id, road.soon_id, 3)
    with work(road.giver) as uow:
        service.finish(uow, transfer_id=transfer_id)
    with work() as uow:
        assert [each.quantity for each in queries.spoken_for(uow.session, transfer_id)] == [3]
    assert state_of(work, transfer_id) == TransferState.PICKED


# On the way


def test_what_leaves_is_in_transit_with_a_numbered_note_and_sent_twice_leaves_once(work, road):
    transfer_id = sent(work, road)
    with work(road.giver) as uow:
        service.send(uow, transfer_id=transfer_id, operation_id=uuid4())
    assert state_of(work, transfer_id) == TransferState.IN_TRANSIT
    assert held(work, road.giver_id, PlaceKind.IN_TRANSIT) == 45
    assert held(work, road.giver_id, PlaceKind.STAGING) == 0
    with work(road.taker) as uow:  # Both ends read the note.
        note = service.note(uow, transfer_id=transfer_id)
        assert note.code == "ATA/MIS/2026/00001"
        assert [(line["lot"], line["quantity"]) for line in note.content["lines"]] == [
            (f"L-{road.beans_lot_id}", 5),
            (f"L-{road.soon_id}", 30),
            (f"L-{road.later_id}", 10),
        ]
        assert note.content["carried_by"] == "ABC-123"
    with work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Voucher)) == 1
        assert queries.spoken_for(uow.session, transfer_id) == []
    must_be_proved(work)


def test_nothing_leaves_unpicked_or_by_another_warehouse(work, road):
    transfer_id = asked(work, road)
    with pytest.raises(NothingPicked), work(road.giver) as uow:
        service.send(uow, transfer_id=transfer_id, operation_id=uuid4())
    pick(work, road, transfer_id, road.soon_id, 3)
    with pytest.raises(NotAllowed), work(road.taker) as uow:
        service.send(uow, transfer_id=transfer_id, operation_id=uuid4())


def test_a_version_seen_before_a_change_is_refused(work, road):
    transfer_id = asked(work, road)
    with work() as uow:
        version = queries.transfer(uow.session, EVERYTHING, transfer_id).version
    pick(work, road, transfer_id, road.soon_id, 3)
    with pytest.raises(Stale), work(road.giver) as uow:
        service.send(uow, transfer_id=transfer_id, operation_id=uuid4(), version=version)


# Arriving


def test_everything_arrives_on_the_dock_of_the_receiver(work, road):
    transfer_id = sent(work, road)
    receive(work, road, transfer_id, [Counted(each.id, each.quantity) for each in parts_of(work, transfer_id)])
    assert state_of(work, transfer_id) == TransferState.RECEIVED
    assert held(work, road.taker_id, PlaceKind.DOCK) == 45
    assert held(work, road.giver_id, PlaceKind.IN_TRANSIT) == 0
    must_be_proved(work)


def test_each_difference_ends_in_a_place_with_a_name(work, road):
    transfer_id = sent(work, road)
    beans, soon, later = parts_of(work, transfer_id)
    counted = [
        Counted(beans.id, 7, reason="two more in the box"),
        Counted(soon.id, 30, damaged=4, reason="a pallet fell"),
        Counted(later.id, 8, damaged=1, reason="torn and missing"),
    ]
    receive(work, road, transfer_id, counted)
    assert held(work, road.taker_id, PlaceKind.DOCK, road.beans_id) == 7
    assert held(work, road.giver_id, PlaceKind.DISCREPANCY) == -2
    assert held(work, road.taker_id, PlaceKind.DOCK, road.flour_id) == 26 + 7
    assert held(work, road.taker_id, PlaceKind.QUARANTINE) == 4 + 1
    assert held(work, road.giver_id, PlaceKind.IN_TRANSIT) == 2
    must_be_proved(work)
    with work(road.taking_manager) as uow:
        counts = queries.count_transfers(uow.session, uow.actor, queries.TransferAsked())
        row = queries.transfers(uow.session, uow.actor, queries.TransferAsked(view="differences")).rows[0]
        assert (counts["differences"], row.short) == (1, 2)


def test_over_and_all_damaged_at_once_is_counted_once(work, road):
    transfer_id = sent(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    (part,) = parts_of(work, transfer_id)
    with work() as uow:
        quarantine = stock_queries.virtual_place(uow.session, road.taker_id, PlaceKind.QUARANTINE).id
        shelf = stock_queries.virtual_place(uow.session, road.taker_id, PlaceKind.SHELF).id
    with pytest.raises(Refusal):
        receive(work, road, transfer_id, [Counted(part.id, 5, to_place_id=road.shelf_id)])  # The giver's own shelf.
    receive(work, road, transfer_id, [Counted(part.id, 8, 7, "wet", shelf)])
    assert held(work, road.taker_id, PlaceKind.SHELF) == 1
    assert held(work, road.taker_id, PlaceKind.QUARANTINE) == 7
    assert held(work, road.giver_id, PlaceKind.DISCREPANCY) == -3
    assert quarantine != shelf
    must_be_proved(work)


def test_a_difference_without_a_reason_or_more_damaged_than_came_is_refused_at_its_line(work, road):
    transfer_id = sent(work, road)
    beans, soon, later = parts_of(work, transfer_id)
    counted = [Counted(beans.id, 4), Counted(soon.id, 2, 3, "wet"), Counted(later.id, 10)]
    with pytest.raises(Invalid) as refused:
        receive(work, road, transfer_id, counted)
    assert sorted(refused.value.fields) == ["lines.0.reason", "lines.1.damaged"]
    assert held(work, road.taker_id, PlaceKind.DOCK) == 0


def test_a_lot_is_received_once_and_sent_twice_it_changes_nothing(work, road):
    transfer_id, operation_id = sent(work, road), uuid4()
    beans, soon, later = parts_of(work, transfer_id)
    for _ in range(2):
        receive(work, road, transfer_id, [Counted(beans.id, 5)], operation_id=operation_id)
    with pytest.raises(AlreadyReceived, match="5 pieces"):
        receive(work, road, transfer_id, [Counted(beans.id, 5)])
    assert state_of(work, transfer_id) == TransferState.IN_TRANSIT
    receive(work, road, transfer_id, [Counted(soon.id, 30), Counted(later.id, 10)])
    assert state_of(work, transfer_id) == TransferState.RECEIVED
    assert held(work, road.taker_id, PlaceKind.DOCK) == 45


def test_two_phones_receive_the_same_lot_once(work, road):
    transfer_id = sent(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    (part,) = parts_of(work, transfer_id)
    gate = threading.Barrier(6)

    def phone(_):
        gate.wait()
        try:
            receive(work, road, transfer_id, [Counted(part.id, 5)])
        except Refusal as refusal:
            return refusal.kind
        return "received"

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(phone, range(6)))
    assert answers.count("received") == 1
    assert set(answers) <= {"received", "already-received", "transfer-past"}
    assert held(work, road.taker_id, PlaceKind.DOCK) == 5
    must_be_proved(work)


def test_only_those_at_the_receivers_take_it_in(work, road):
    transfer_id = sent(work, road)
    counted = [Counted(each.id, each.quantity) for each in parts_of(work, transfer_id)]
    for actor in (road.giver, road.giving_manager, road.coordinator, road.stranger):
        with pytest.raises(NotAllowed):
            receive(work, road, transfer_id, counted, actor)
    assert held(work, road.giver_id, PlaceKind.IN_TRANSIT) == 45


@pytest.mark.parametrize(
    ("outcome", "who", "kind", "end"),
    [
        ("arrived", "taker", "dock", "taker_id"),
        ("stayed", "giver", "dock", "giver_id"),
        ("unexplained", "taking_manager", "discrepancy", "giver_id"),
        ("lost", "giving_manager", "loss", "giver_id"),
    ],
)
def test_what_did_not_arrive_is_settled_once_into_a_named_place(work, road, outcome, who, kind, end):
    transfer_id = sent(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    (part,) = parts_of(work, transfer_id)
    receive(work, road, transfer_id, [Counted(part.id, 2, reason="three missing")])
    before, operation_id = held(work, getattr(road, end), kind), uuid4()
    facts = {"transfer_lot_id": part.id, "outcome": outcome, "reason": "asked the carrier"}
    with pytest.raises(NotAllowed), work(road.stranger) as uow:
        service.settle(uow, operation_id=uuid4(), **facts)
    for _ in range(2):
        with work(getattr(road, who)) as uow:
            service.settle(uow, operation_id=operation_id, **facts)
    with pytest.raises(NoDifference), work(getattr(road, who)) as uow:
        service.settle(uow, operation_id=uuid4(), **facts)
    assert held(work, getattr(road, end), kind) == before + 3
    assert held(work, road.giver_id, PlaceKind.IN_TRANSIT) == 0
    must_be_proved(work)


def test_the_receiver_alone_does_not_write_off_what_the_giver_sent(work, road):
    transfer_id = sent(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    (part,) = parts_of(work, transfer_id)
    receive(work, road, transfer_id, [Counted(part.id, 2, reason="three missing")])
    for actor, outcome in ((road.taking_manager, "lost"), (road.taker, "unexplained"), (road.taker, "stayed")):
        with pytest.raises(NotAllowed), work(actor) as uow:
            service.settle(uow, transfer_lot_id=part.id, outcome=outcome, reason="gone", operation_id=uuid4())
    assert held(work, road.giver_id, PlaceKind.IN_TRANSIT) == 3


# Cancelling


def test_cancelling_before_leaving_puts_everything_back(work, road):
    transfer_id = asked(work, road)
    with work(road.giver) as uow:
        service.accept(uow, transfer_id=transfer_id)
    pick(work, road, transfer_id, road.soon_id, 12)
    with pytest.raises(NotAllowed, match="picked already"), work(road.coordinator) as uow:
        service.cancel(uow, transfer_id=transfer_id, reason="no van", operation_id=uuid4())
    operation_id = uuid4()
    for _ in range(2):
        with work(road.giver) as uow:
            service.cancel(uow, transfer_id=transfer_id, reason="no van", operation_id=operation_id)
    assert state_of(work, transfer_id) == TransferState.CANCELLED
    assert held(work, road.giver_id, PlaceKind.SHELF) == 100
    assert held(work, road.giver_id, PlaceKind.STAGING) == 0
    with work() as uow:
        assert queries.spoken_for(uow.session, transfer_id) == []
    must_be_proved(work)


def test_what_has_left_is_not_cancelled(work, road):
    transfer_id = sent(work, road)
    with pytest.raises(TransferPast), work(road.giver) as uow:
        service.cancel(uow, transfer_id=transfer_id, reason="no van", operation_id=uuid4())


def test_a_movement_of_a_transfer_is_not_taken_back_alone(work, road):
    transfer_id = sent(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    (part,) = parts_of(work, transfer_id)
    receive(work, road, transfer_id, [Counted(part.id, 6, reason="one more")])
    with work() as uow:
        movements = uow.session.scalars(select(Movement).where(Movement.kind != Kind.RECEIVE)).all()
        ids = {movement.kind: movement.id for movement in movements}
    assert set(ids) == {Kind.PICK, Kind.TRANSFER_OUT, Kind.TRANSFER_IN}
    for movement_id in ids.values():
        with pytest.raises(BelongsToTransfer), work() as uow:
            stock.reverse(uow, operation_id=uuid4(), movement_id=movement_id, reason="no")


def test_there_is_no_transfer_where_there_is_none(work, road):
    for deed in (
        lambda uow: service.accept(uow, transfer_id=2**62),
        lambda uow: service.send(uow, transfer_id=2**62, operation_id=uuid4()),
        lambda uow: service.unpick(uow, transfer_lot_id=2**62, operation_id=uuid4()),
        lambda uow: service.settle(uow, transfer_lot_id=2**62, outcome="lost", reason="gone", operation_id=uuid4()),
    ):
        with pytest.raises(NotFound), work() as uow:
            deed(uow)


# What nobody had sent


def add(work, road, transfer_id, actor=None, **more):
    facts = {"operation_id": uuid4(), "quantity": 6, "reason": "a box too many on the pallet", **more}
    with work(actor or road.taker) as uow:
        return service.add(uow, transfer_id=transfer_id, **facts).id


def test_what_nobody_had_sent_comes_out_of_the_givers_discrepancies_once(work, road):
    transfer_id = sent(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    number = uuid4()
    first = add(work, road, transfer_id, lot_id=road.soon_id, operation_id=number)
    assert add(work, road, transfer_id, lot_id=road.soon_id, operation_id=number) == first
    assert held(work, road.taker_id, PlaceKind.DOCK, road.flour_id) == 6
    assert held(work, road.giver_id, PlaceKind.DISCREPANCY, road.flour_id) == -6
    assert held(work, road.taker_id, PlaceKind.DISCREPANCY) == 0
    part = next(each for each in parts_of(work, transfer_id) if each.id == first)
    assert (part.quantity, part.received, part.line_id, part.differs, part.short) == (0, 6, None, True, 0)
    assert part.reason == "a box too many on the pallet"
    assert state_of(work, transfer_id) == TransferState.IN_TRANSIT, "what was sent is still to be counted"
    (beans,) = [each for each in parts_of(work, transfer_id) if each.id != first]
    receive(work, road, transfer_id, [Counted(beans.id, 5)])
    assert state_of(work, transfer_id) == TransferState.RECEIVED
    add(work, road, transfer_id, lot_id=road.beans_lot_id, quantity=2)
    assert held(work, road.taker_id, PlaceKind.DOCK, road.beans_id) == 7
    must_be_proved(work)


def test_an_item_that_no_lot_explains_becomes_one_of_its_own(work, road):
    transfer_id = sent(work, road, [{"item_id": road.beans_id, "quantity": 5}])
    with work() as uow:
        uow.session.get(Item, road.flour_id).tracks_expiry = True
    with pytest.raises(ExpiryNeeded):
        add(work, road, transfer_id, item_id=road.flour_id)
    day = NOON.date() + timedelta(days=90)
    part_id = add(work, road, transfer_id, item_id=road.flour_id, expires_on=day, batch="B7")
    with work() as uow:
        lot = uow.session.get(Lot, next(each for each in parts_of(work, transfer_id) if each.id == part_id).lot_id)
        assert (lot.item_id, lot.expires_on, lot.batch, lot.source) == (road.flour_id, day, "B7", f"A-{transfer_id}")
        assert lot.warehouse_id == road.taker_id
    assert held(work, road.giver_id, PlaceKind.DISCREPANCY, road.flour_id) == -6
    must_be_proved(work)


def test_only_the_receiver_adds_and_only_what_can_have_come_from_there(work, road):
    transfer_id = sent(work, road)
    for stranger in (road.giver, road.stranger, road.coordinator):
        with pytest.raises(NotAllowed):
            add(work, road, transfer_id, stranger, lot_id=road.soon_id)
    with work() as uow:
        elsewhere = builders.a_lot(uow, uow.session.get(Warehouse, road.taker_id), 5).id
    for lot_id in (elsewhere, 2**62):
        with pytest.raises(NoSuchLot):
            add(work, road, transfer_id, lot_id=lot_id)
    with pytest.raises(WrongPlace):
        add(work, road, transfer_id, lot_id=road.soon_id, to_place_id=road.shelf_id)
    with pytest.raises(LinesWrong):
        add(work, road, transfer_id, item_id=2**62)
    waiting = asked(work, road)
    with pytest.raises(TransferPast):
        add(work, road, waiting, lot_id=road.soon_id)
    assert held(work, road.giver_id, PlaceKind.DISCREPANCY) == 0


def test_picked_pieces_that_are_not_there_do_not_travel(work, road):
    """Of what stands in staging for a transfer, a stocktake finds less: the transfer asks for the rest again."""
    transfer_id = asked(work, road, [{"item_id": road.beans_id, "quantity": 12}])
    with work(road.giver) as uow:
        service.pick_all(uow, transfer_id=transfer_id, operation_id=uuid4())
    assert state_of(work, transfer_id) == TransferState.PICKED
    with work() as uow:
        staging = stock_queries.virtual_place(uow.session, road.giver_id, PlaceKind.STAGING).id
        shortages.give_up(uow, {(road.beans_lot_id, staging): 4})
        discrepancies.adjust(
            uow, operation_id=uuid4(), adjustments=[discrepancies.Adjustment(road.beans_lot_id, staging, -4)]
        )
        arguments = uow.session.scalar(select(Job.arguments).where(Job.name == "transfers.revise"))
    for expected in (1, 0):
        with work() as uow:
            assert service.revise(uow, **arguments) == expected
    assert [part.quantity for part in parts_of(work, transfer_id)] == [8]
    assert state_of(work, transfer_id) == TransferState.REQUESTED
    with work(road.giver) as uow:
        service.send(uow, transfer_id=transfer_id, operation_id=uuid4())
    assert held(work, road.giver_id, PlaceKind.IN_TRANSIT) == 8
    must_be_proved(work)


# Whatever happens


@pytest.mark.parametrize("seed", range(6))
def test_random_transfers_with_random_differences_keep_every_sum_zero(work, road, seed):
    chance = random.Random(seed)
    with work() as uow:
        others = [uow.session.get(Warehouse, road.taker_id), builders.a_warehouse(uow)]
        warehouses = [road.giver_id, *(each.id for each in others)]
        for each in others:
            builders.a_lot(uow, each, 60)
            builders.a_lot(uow, each, 60, item=uow.session.get(Item, road.beans_id))
    open_transfers: list[int] = []
    done: Counter[str] = Counter()
    next_deeds = {
        TransferState.REQUESTED: ("pick", "pick", "pick_all", "pick_all", "pick_all", "send", "cancel"),
        TransferState.PICKED: ("send", "send", "send", "send", "cancel", "pick"),
        TransferState.IN_TRANSIT: ("receive", "receive", "receive", "settle", "cancel", "add"),
        TransferState.RECEIVED: ("settle", "receive", "add"),
        TransferState.CANCELLED: ("pick",),
    }
    for _ in range(60):
        open_ones = [each for each in open_transfers if state_of(work, each) != TransferState.CANCELLED]
        transfer_id = chance.choice(open_ones) if len(open_ones) >= 4 else 0
        deed = chance.choice(next_deeds[state_of(work, transfer_id)]) if transfer_id else "ask"
        try:
            with work() as uow:
                if deed == "ask":
                    giver, taker = chance.sample(warehouses, 2)
                    lines = [
                        {"item_id": item_id, "quantity": chance.randint(1, 25)}
                        for item_id in chance.sample([road.flour_id, road.beans_id], chance.randint(1, 2))
                    ]
                    made = service.request(uow, from_warehouse_id=giver, to_warehouse_id=taker, lines=lines)
                    open_transfers.append(made.id)
                elif deed == "pick":
                    first = service.propose(uow, transfer_id=transfer_id)[:1]
                    for each in first:
                        service.pick(
                            uow,
                            transfer_id=transfer_id,
                            lot_id=each.lot_id,
                            from_place_id=each.place_id,
                            quantity=chance.randint(1, each.quantity),
                            operation_id=uuid4(),
                        )
                elif deed == "pick_all":
                    service.pick_all(uow, transfer_id=transfer_id, operation_id=uuid4())
                elif deed == "send":
                    service.send(uow, transfer_id=transfer_id, operation_id=uuid4())
                elif deed == "receive":
                    waiting = [s.part for s in queries.lots_of(uow.session, transfer_id) if not s.part.received_at]
                    counted = []
                    for part in chance.sample(waiting, chance.randint(1, len(waiting))) if waiting else []:
                        received = max(0, part.quantity + chance.choice((0, 0, -2, -9, 1, 5)))
                        counted.append(Counted(part.id, received, chance.randint(0, received), "counted so"))
                    service.receive(uow, transfer_id=transfer_id, counted=counted, operation_id=uuid4())
                elif deed == "add":
                    came = {"lot_id": road.soon_id} if chance.random() < 0.5 else {"item_id": road.beans_id}
                    more = {"quantity": chance.randint(1, 9), "reason": "too many", "expires_on": NOON.date()}
                    service.add(uow, transfer_id=transfer_id, operation_id=uuid4(), **came, **more)
                elif deed == "settle":
                    short = [s.part for s in queries.lots_of(uow.session, transfer_id) if s.part.short]
                    for part in short[:1]:
                        outcome = chance.choice(("arrived", "stayed", "unexplained", "lost"))
                        service.settle(uow, transfer_lot_id=part.id, outcome=outcome, reason="so", operation_id=uuid4())
                else:
                    service.cancel(uow, transfer_id=transfer_id, reason="so", operation_id=uuid4())
            done[deed] += 1
        except Refusal:
            pass
    assert done["receive"] >= 2 and done["send"] >= 2, done
    must_be_proved(work)
    short = sum(
        part.short
        if state_of(work, part.transfer_id) != TransferState.IN_TRANSIT or part.received_at
        else part.quantity
        for transfer_id in open_transfers
        for part in parts_of(work, transfer_id)
        if state_of(work, transfer_id) in (TransferState.IN_TRANSIT, TransferState.RECEIVED)
    )
    on_the_way = sum(held(work, warehouse_id, PlaceKind.IN_TRANSIT) for warehouse_id in warehouses)
    assert on_the_way == short  # What is in transit is what was sent and neither counted nor settled.
