"""Goods that can no longer be given: proposed and reserved, decided by three, recorded, taken back; held apart."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.foundation.errors import Conflict, Invalid, NotAllowed
from app.stock import queries as stock
from app.stock import service as ledger
from app.stock.errors import NotEnoughStock, NotToBeHandedOut, ReasonNeeded
from app.stock.models import Balance, Kind, Lot, Movement, Voucher
from app.stock.operations import apply_batch
from app.write_offs import operation_kinds as _registered  # noqa: F401
from app.write_offs import queries, service
from app.write_offs.errors import (
    CommitteeWrong,
    LinesWrong,
    NothingToPropose,
    NotYourProposal,
    OwnProposal,
    PartOfWriteOff,
    PictureRefused,
    StillBlocked,
    TooManyPictures,
    WriteOffPast,
)
from app.write_offs.models import WriteOff, WriteOffPhoto
from tests.builders import a_lot, a_warehouse
from tests.stock.conftest import on_hand
from tests.write_offs.conftest import a_picture, manager

THREE = ["Kiss Ilona", "Nagy Béla", "Tóth Edit"]


def a_line(hall, quantity=4, place=None):
    return {"lot_id": hall.lot_id, "place_id": place or hall.shelf, "quantity": quantity}


def propose(work, hall, quantity=4, actor=None, **more):
    facts = {"operation_id": uuid4(), "reason": "damaged", "lines": [a_line(hall, quantity)], **more}
    with work(actor or hall.worker()) as uow:
        return service.propose(uow, **facts).write_off.id


def decide(work, hall, write_off_id, actor=None, **more):
    facts = {"operation_id": uuid4(), "committee": THREE, **more}
    with work(actor or manager(hall)) as uow:
        found = service.decide(uow, write_off_id=write_off_id, **facts)
        return uow.session.get(Voucher, found.voucher_id).code


def reserved(uow, hall, place=None):
    statement = select(Balance.reserved).where(Balance.lot_id == hall.lot_id, Balance.place_id == (place or hall.shelf))
    return uow.session.scalar(statement)


def proved(work):
    with work() as uow:
        assert stock.verify(uow.session).holds


def test_what_is_proposed_can_be_taken_by_nobody_else(work, hall):
    propose(work, hall, 8)
    with pytest.raises(NotEnoughStock), work(hall.worker()) as uow:
        ledger.move(
            uow,
            operation_id=uuid4(),
            lot_id=hall.lot_id,
            from_place_id=hall.shelf,
            to_place_id=hall.other_shelf,
            quantity=3,
        )
    with work() as uow:
        assert reserved(uow, hall) == 8
    proved(work)


def test_a_proposal_sent_twice_is_made_once(work, hall):
    operation_id = uuid4()
    first = propose(work, hall, operation_id=operation_id)
    assert propose(work, hall, operation_id=operation_id) == first
    with work() as uow:
        assert reserved(uow, hall) == 4
        assert uow.session.scalar(select(func.count()).select_from(WriteOff)) == 1


def test_more_than_is_free_is_refused_and_nothing_is_reserved(work, hall):
    with pytest.raises(NotEnoughStock):
        propose(work, hall, 11)
    with pytest.raises(LinesWrong):
        propose(work, hall, lines=[a_line(hall, 1, hall.dock)])
    with work() as uow:
        assert reserved(uow, hall) == 0
        assert uow.session.scalar(select(func.count()).select_from(WriteOff)) == 0


def test_the_decision_moves_the_goods_to_the_loss_with_a_numbered_record(work, hall):
    made = propose(work, hall, note="The pallet fell.")
    code = decide(work, hall, made)
    with work() as uow:
        assert code.startswith("SEL/") and code.endswith("/00001")
        assert on_hand(uow, hall.lot_id, hall.shelf) == 6 and on_hand(uow, hall.lot_id, hall.loss) == 4
        assert reserved(uow, hall) == 0
        content = uow.session.scalar(select(Voucher.content))
        assert content["committee"] == THREE and content["note"] == "The pallet fell."
        assert content["lines"][0]["quantity"] == 4 and content["lines"][0]["lot"] == f"L-{hall.lot_id}"
        moved = uow.session.scalars(select(Movement).where(Movement.kind == Kind.WRITE_OFF)).all()
        assert [(each.quantity, each.reason) for each in moved] == [(4, "damaged")]
    proved(work)


def test_who_proposed_does_not_decide(work, hall):
    both = manager(hall, id=7)
    made = propose(work, hall, actor=both)
    with pytest.raises(OwnProposal):
        decide(work, hall, made, actor=both)
    with pytest.raises(NotAllowed):
        decide(work, hall, made, actor=hall.worker())
    assert decide(work, hall, made, actor=manager(hall, id=9))


@pytest.mark.parametrize("names", [THREE[:2], ["Kiss Ilona", "kiss  ILONA", "Tóth Edit"], ["a", "b", "  "], []])
def test_the_committee_is_three_different_people(work, hall, names):
    made = propose(work, hall)
    with pytest.raises(CommitteeWrong):
        decide(work, hall, made, committee=names)
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.shelf) == 10


def test_a_decision_sent_twice_is_made_once_and_another_one_is_refused(work, hall):
    made, operation_id = propose(work, hall), uuid4()
    assert decide(work, hall, made, operation_id=operation_id) == decide(work, hall, made, operation_id=operation_id)
    with pytest.raises(WriteOffPast):
        decide(work, hall, made)
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.loss) == 4
        assert uow.session.scalar(select(func.count()).select_from(Voucher)) == 1


@pytest.mark.parametrize("verb", ["refuse", "withdraw"])
def test_what_is_refused_or_withdrawn_is_free_again(work, hall, verb):
    made = propose(work, hall)
    with work(manager(hall)) as uow:
        getattr(service, verb)(uow, write_off_id=made, note="Only the box is torn.")
    with work() as uow:
        assert reserved(uow, hall) == 0 and on_hand(uow, hall.lot_id, hall.shelf) == 10
    with pytest.raises(WriteOffPast):
        decide(work, hall, made)
    proved(work)


def test_a_worker_withdraws_only_what_is_their_own(work, hall):
    made = propose(work, hall, actor=manager(hall, id=9))
    with pytest.raises(NotYourProposal), work(hall.worker()) as uow:
        service.withdraw(uow, write_off_id=made)


def test_a_record_taken_back_returns_the_goods_and_keeps_its_number(work, hall):
    made = propose(work, hall)
    code = decide(work, hall, made)
    for _ in range(2):
        with work(manager(hall)) as uow:
            service.take_back(uow, write_off_id=made, operation_id=uuid4(), reason="the wrong pallet")
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.shelf) == 10 and on_hand(uow, hall.lot_id, hall.loss) == 0
        voucher = uow.session.scalar(select(Voucher))
        assert voucher.code == code and voucher.cancelled_at is not None
        assert uow.session.get(WriteOff, made).state == "taken_back"
    proved(work)


def test_one_line_of_a_record_is_not_taken_back_alone(work, hall):
    decide(work, hall, propose(work, hall))
    with work() as uow:
        movement_id = uow.session.scalar(select(Movement.id).where(Movement.kind == Kind.WRITE_OFF))
    with pytest.raises(PartOfWriteOff), work(manager(hall)) as uow:
        ledger.reverse(uow, operation_id=uuid4(), movement_id=movement_id, reason="no")
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.loss) == 4


def test_everything_that_has_expired_is_proposed_in_one_step(work, hall, clock):
    today = clock.now.date()
    with work() as uow:
        warehouse = a_warehouse(uow)
        old = [a_lot(uow, warehouse, 5, expires_on=today - timedelta(days=days)) for days in (1, 30)]
        good = a_lot(uow, warehouse, 5, expires_on=today)
        ids, warehouse_id = [lot.id for lot in old], warehouse.id
        assert good.id
    operation_id = uuid4()
    for _ in range(2):
        with work() as uow:
            made = service.propose_expired(uow, operation_id=operation_id, warehouse_id=warehouse_id)
            assert sorted(line.lot_id for line in made.lines) == sorted(ids)
            assert [line.quantity for line in made.lines] == [5, 5] and made.reason == "expired"
    with pytest.raises(NothingToPropose), work() as uow:
        service.propose_expired(uow, operation_id=uuid4(), warehouse_id=warehouse_id)


def test_a_line_whose_reservation_ran_out_takes_what_is_free(work, hall, clock):
    made = propose(work, hall)
    clock.now += timedelta(days=400)
    with work() as uow:
        assert ledger.expire_reservations(uow) == 1
    decide(work, hall, made)
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.loss) == 4
    proved(work)


def test_a_warehouse_does_not_see_what_another_proposes(work, hall):
    made = propose(work, hall)
    with work() as uow:
        stranger = manager(hall)
        stranger.reach[next(iter(stranger.reach))] = (a_warehouse(uow).id,)
    with work(stranger) as uow:
        assert queries.write_off_page(uow.session, uow.actor).rows == []
    with pytest.raises(Exception, match="no such write-off"), work(stranger) as uow:
        service.refuse(uow, write_off_id=made)


def phone(work, actor, kind, payload, happened_at, operation_id=None):
    asked = {
        "operation_id": str(operation_id or uuid4()),
        "device_id": str(uuid4()),
        "sequence": 1,
        "happened_at": happened_at.isoformat(),
        "kind": kind,
        "payload": payload,
    }
    return apply_batch(lambda: work(actor), actor, [asked])[0]


def test_a_phone_proposes_by_printed_code_and_the_world_wins_when_it_was_offline(work, hall, clock):
    with work() as uow:
        code = stock.place(uow.session, hall.shelf).code
    lines = [{"lot_id": hall.lot_id, "place": code, "quantity": 12}]
    payload = {"reason": "spoiled", "lines": lines}
    now = phone(work, hall.worker(), "propose_write_off", payload, clock.now)
    assert now.outcome == "rejected" and now.kept["problem"]["type"] == "not-enough-stock"
    late = phone(work, hall.worker(), "propose_write_off", payload, clock.now - timedelta(hours=2))
    assert (
        late.outcome == "needs_review"
        and "12 of L-" in late.kept["review"][0]["text"] % late.kept["review"][0]["facts"]
    )
    with work() as uow:
        assert reserved(uow, hall) == 10
        assert uow.session.get(WriteOff, late.kept["result"]["write_off_id"]).reason == "spoiled"


# Pictures -----------------------------------------------------------------------------------------------------------


def test_the_same_picture_is_stored_once_and_only_while_it_is_proposed(work, hall):
    made = propose(work, hall)
    for _ in range(2):
        with work(hall.worker()) as uow:
            service.add_photo(uow, write_off_id=made, content=a_picture())
    for number in range(service.PHOTOS_MAX - 1):
        with work(hall.worker()) as uow:
            service.add_photo(uow, write_off_id=made, content=a_picture(size=(50 + 9 * number, 30)))
    with pytest.raises(TooManyPictures), work(hall.worker()) as uow:
        service.add_photo(uow, write_off_id=made, content=a_picture(size=(300, 30)))
    with work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(WriteOffPhoto)) == service.PHOTOS_MAX
    decide(work, hall, made)
    with pytest.raises(Conflict), work(hall.worker()) as uow:
        service.add_photo(uow, write_off_id=made, content=a_picture())
    with pytest.raises(Invalid), work(hall.worker()) as uow:
        service.add_photo(uow, write_off_id=propose(work, hall, 1), content=b"%PDF-1.4")
    assert PictureRefused.status == 422


# Quarantine ---------------------------------------------------------------------------------------------------------


def hold(work, hall, quantity=3, reason="wet boxes"):
    with work(hall.worker()) as uow:
        return service.quarantine(
            uow,
            operation_id=uuid4(),
            lot_id=hall.lot_id,
            from_place_id=hall.shelf,
            quantity=quantity,
            reason=reason,
        )


def release(work, hall, actor=None, **more):
    facts = {"operation_id": uuid4(), "from_place_id": hall.quarantine, "to_place_id": hall.dock, "quantity": 3}
    facts = {**facts, "reason": "looked at", **more}
    with work(actor or hall.worker()) as uow:
        return service.release(uow, lot_id=hall.lot_id, **facts)


def test_what_lies_in_quarantine_says_why_since_when_and_who(work, hall, clock):
    hold(work, hall)
    with work(hall.worker()) as uow:
        rows = queries.quarantine_page(uow.session, uow.actor).rows
        assert [(row.lot.id, row.balance.on_hand, row.why) for row in rows] == [(hall.lot_id, 3, "wet boxes")]
        assert rows[0].since == clock.now
        assert queries.totals(uow.session, uow.actor, clock.now.date()).quarantine == 1


def test_what_is_released_can_be_picked_again(work, hall):
    hold(work, hall)
    release(work, hall)
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.dock) == 3 and on_hand(uow, hall.lot_id, hall.quarantine) == 0
    with pytest.raises(Conflict):
        release(work, hall, from_place_id=hall.shelf)
    proved(work)


def test_quarantine_is_left_with_a_reason_only(work, hall, clock):
    hold(work, hall)
    with work() as uow:
        uow.session.get(Lot, hall.lot_id).expires_on = clock.now.date() - timedelta(days=1)
    for nothing in (None, "", "  "):
        with pytest.raises(ReasonNeeded):
            release(work, hall, reason=nothing)
        with pytest.raises(ReasonNeeded):
            hold(work, hall, reason=nothing)
    release(work, hall, reason="best before, examined")
    with pytest.raises(NotToBeHandedOut), work(hall.worker()) as uow:
        ledger.move(
            uow,
            operation_id=uuid4(),
            lot_id=hall.lot_id,
            from_place_id=hall.dock,
            to_place_id=hall.staging,
            quantity=1,
            kind=Kind.PICK,
        )


def test_a_called_back_batch_is_blocked_wherever_it_lies_here_and_nowhere_else(work, hall):
    with work() as uow:
        uow.session.get(Lot, hall.lot_id).batch = "L 26-11/a"
        other = a_warehouse(uow)
        elsewhere = a_lot(uow, other, 5, batch="L2611A").id
    hold(work, hall)
    with work(manager(hall)) as uow:
        lots = service.block_batch(uow, item_id=hall.item_id, batch="l2611A", reason="called back")
        assert [lot.id for lot in lots] == [hall.lot_id]
    with pytest.raises(StillBlocked):
        release(work, hall)
    with work() as uow:
        assert uow.session.get(Lot, hall.lot_id).state == "blocked"
        assert uow.session.get(Lot, elsewhere).state == "free"
        rows = queries.quarantine_page(uow.session, uow.actor, warehouse_id=hall.warehouse_id).rows
        assert {row.why for row in rows} == {"called back"} and len(rows) == 2
    with pytest.raises(NotAllowed), work(hall.worker()) as uow:
        service.block_batch(uow, item_id=hall.item_id, batch="l2611A", reason="called back")


def test_a_phone_takes_its_own_proposal_back(work, hall, clock):
    with work() as uow:
        code = stock.place(uow.session, hall.shelf).code
    lines = [{"lot_id": hall.lot_id, "place": code, "quantity": 2}]
    name = uuid4()
    made = phone(work, hall.worker(), "propose_write_off", {"reason": "damaged", "lines": lines}, clock.now, name)
    assert made.outcome == "applied"
    back = {"proposal_operation_id": str(name)}
    assert phone(work, hall.worker(), "withdraw_write_off", back, clock.now).outcome == "applied"
    with work() as uow:
        assert reserved(uow, hall) == 0
        assert uow.session.get(WriteOff, made.kept["result"]["write_off_id"]).state == "withdrawn"
    unknown = {"proposal_operation_id": str(uuid4())}
    assert phone(work, hall.worker(), "withdraw_write_off", unknown, clock.now).outcome == "rejected"
