"""Pieces that were promised to a need and are not there: the need is open again, and its coordinator sees it."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from app.accounts.roles import GRANTS, Role
from app.allocation import queries as allocation_queries
from app.allocation import service as allocation
from app.allocation.models import MissingShare, Share
from app.allocation.states import PIECES_LOST
from app.delivery import service
from app.delivery.models import Parcel, ParcelLine
from app.foundation.actor import Actor, Scope
from app.foundation.job import Job
from app.needs.models import Need
from app.stock import discrepancies, queries, shortages
from app.stock import service as stock
from app.stock.errors import NotEnoughStock
from app.stock.models import Balance, Reservation
from app.stocktakes import service as stocktakes
from app.transfers import service as transfers
from app.write_offs import service as write_offs
from tests.builders import a_review, an_allocation_run
from tests.delivery.conftest import EVERYTHING, MORNING, draft

JOBS = {
    "allocation.revise": allocation.revise,
    "delivery.revise": service.revise,
    "transfers.revise": transfers.revise,
}


def do_what_was_promised(work):
    """Run the jobs that tell who was promised what; doing them twice must change nothing."""
    for name, verb in JOBS.items():
        with work(EVERYTHING) as uow:
            arguments = list(uow.session.scalars(select(Job.arguments).where(Job.name == name).order_by(Job.id)))
        for each in arguments:
            for _ in range(2):
                with work(EVERYTHING) as uow:
                    verb(uow, **each)


@pytest.fixture
def flour(work, world):
    """Where the household's flour lies: ten pieces, five of them reserved for it in a packed parcel."""
    with work(EVERYTHING) as uow:
        share = uow.session.scalar(select(Share).where(Share.need_id == world["flour"]))
        return {"lot_id": share.lot_id, "place_id": share.place_id, "share": share.id, "run": share.run_id}


def person(world, role, id=7):
    return Actor(id, "Somebody", role, GRANTS[Role(role)], {Scope.WAREHOUSE: (world["warehouse"],)})


def lose(work, world, flour, quantity):
    """A manager says of a discrepancy that so many pieces are gone."""
    with work(EVERYTHING) as uow:
        warehouse = uow.session.get(stock.Warehouse, world["warehouse"])
        review = a_review(uow, warehouse, outcome="rejected").id
    with work(person(world, "warehouse_manager")) as uow:
        discrepancies.book_lost(
            uow, review_id=review, operation_id=uuid4(), lot_id=flour["lot_id"], place_id=flour["place_id"],
            quantity=quantity, note="fell",
        )  # fmt: skip


def as_it_is(work, world, flour):
    """Return (need's state, reserved for it), (share's state, quantity), lines of the parcel, (on hand, reserved)."""
    with work(EVERYTHING) as uow:
        need, share = uow.session.get(Need, world["flour"]), uow.session.get(Share, flour["share"])
        lines = dict(
            uow.session.execute(
                select(ParcelLine.need_id, ParcelLine.quantity).where(ParcelLine.parcel_id == world["parcel"])
            ).all()
        )
        balance = uow.session.scalar(
            select(Balance).where(Balance.lot_id == flour["lot_id"], Balance.place_id == flour["place_id"])
        )
        assert queries.verify(uow.session).holds
        told = uow.session.scalars(select(MissingShare.quantity).where(MissingShare.code == PIECES_LOST)).all()
        return (
            (need.state, need.quantity_reserved),
            (share.state, share.quantity if share.state == "packed" else 0),
            lines,
            (balance.on_hand, balance.reserved),
            list(told),
        )


def test_a_need_whose_pieces_are_all_gone_is_open_again_and_the_coordinator_sees_it(work, world, flour):
    with work(EVERYTHING) as uow:
        newest = an_allocation_run(uow, state="proposed").id
    lose(work, world, flour, 10)
    do_what_was_promised(work)
    assert as_it_is(work, world, flour) == (("open", 0), ("released", 0), {world["blanket"]: 1}, (0, 0), [5])
    with work(EVERYTHING) as uow:
        assert allocation_queries.still_missing(uow.session, [world["flour"]]) == {world["flour"]: 5}
        missing = uow.session.scalar(select(MissingShare).where(MissingShare.code == PIECES_LOST))
        assert (missing.run_id, missing.need_id, missing.remedies[0]["code"]) == (newest, world["flour"], "again")
        assert allocation_queries.needs_that_lost(uow.session, EVERYTHING, newest) == 1


def test_what_is_left_of_a_promise_stays_in_the_parcel(work, world, flour):
    lose(work, world, flour, 7)
    do_what_was_promised(work)
    assert as_it_is(work, world, flour) == (
        ("reserved", 3), ("packed", 3), {world["flour"]: 3, world["blanket"]: 1}, (3, 3), [2]
    )  # fmt: skip
    with work(EVERYTHING) as uow:
        run = draft(uow, world)
        service.publish(uow, run_ids=[run.id])
        service.load(uow, parcel_id=world["parcel"], run_id=run.id, operation_id=uuid4())
    with work(EVERYTHING) as uow:
        assert queries.verify(uow.session).holds
        assert uow.session.get(Parcel, world["parcel"]).state == "loaded"


def test_what_nobody_was_promised_is_lost_first(work, world, flour):
    lose(work, world, flour, 5)
    do_what_was_promised(work)
    assert as_it_is(work, world, flour)[:2] == (("reserved", 5), ("packed", 5))
    with work(EVERYTHING) as uow:
        assert uow.session.scalar(select(Job.id).where(Job.name == "allocation.revise")) is None


def test_the_last_to_be_promised_loses_first_and_what_waits_to_be_destroyed_before_all(work, world, flour, clock):
    key = (flour["lot_id"], flour["place_id"])
    with work(EVERYTHING) as uow:
        for number, kind in enumerate(("write_off", "share", "transfer")):
            stock.reserve(
                uow, lot_id=key[0], place_id=key[1], quantity=1, purpose=(kind, 900 + number), expires_at=MORNING
            )
    with work(EVERYTHING) as uow:
        lost = shortages.foreseen(uow, {key: 9})
        assert [(each.promised.purpose_kind, each.quantity) for each in lost] == [
            ("write_off", 1), ("transfer", 1), ("share", 1), ("share", 4)
        ]  # fmt: skip
        assert [each.promised.purpose_id for each in lost][2:] == [901, flour["share"]]
        assert uow.session.scalar(select(Reservation.id).where(Reservation.state == "released")) is None


def test_what_is_written_off_is_promised_to_nobody(work, world, flour):
    with work(person(world, "warehouse_worker")) as uow:
        line = {"lot_id": flour["lot_id"], "place_id": flour["place_id"], "quantity": 8}
        made = write_offs.propose(uow, operation_id=uuid4(), reason="damaged", lines=[line])
        assert made.needs_lost == 1
    do_what_was_promised(work)
    assert as_it_is(work, world, flour)[:4] == (
        ("reserved", 2), ("packed", 2), {world["flour"]: 2, world["blanket"]: 1}, (10, 10)
    )  # fmt: skip
    with pytest.raises(NotEnoughStock), work(person(world, "warehouse_worker", 9)) as uow:
        # What waits to be destroyed is not proposed twice, nor is the proposal robbed for another.
        write_offs.propose(uow, operation_id=uuid4(), reason="damaged", lines=[{**line, "quantity": 9}])


def test_what_goes_to_quarantine_is_promised_to_nobody(work, world, flour):
    with work(person(world, "warehouse_worker")) as uow:
        write_offs.quarantine(
            uow, operation_id=uuid4(), lot_id=flour["lot_id"], from_place_id=flour["place_id"], quantity=6,
            reason="smells",
        )  # fmt: skip
    do_what_was_promised(work)
    assert as_it_is(work, world, flour)[:4] == (
        ("reserved", 4), ("packed", 4), {world["flour"]: 4, world["blanket"]: 1}, (4, 4)
    )  # fmt: skip


def test_a_batch_that_is_called_back_is_promised_to_nobody(work, world, flour):
    with work(EVERYTHING) as uow:
        lot = uow.session.get(stock.Lot, flour["lot_id"])
        lot.batch, item_id = "L-1", lot.item_id
    with work(person(world, "warehouse_manager")) as uow:
        write_offs.block_batch(uow, item_id=item_id, batch="L-1", reason="called back")
    do_what_was_promised(work)
    assert as_it_is(work, world, flour)[:4] == (("open", 0), ("released", 0), {world["blanket"]: 1}, (10, 0))


def test_a_stocktake_that_finds_less_than_is_promised_opens_the_need_again(work, world, flour):
    with work(person(world, "warehouse_manager", 30)) as uow:
        opened = stocktakes.open_stocktake(uow, warehouse_id=world["warehouse"], place_ids=[flour["place_id"]]).id
    with work(EVERYTHING) as uow:
        others = [
            row[0]
            for row in uow.session.execute(
                select(Balance.lot_id, Balance.on_hand).where(
                    Balance.place_id == flour["place_id"], Balance.lot_id != flour["lot_id"]
                )
            )
        ]
    for number, round in ((21, 1), (22, 2)):
        with work(person(world, "warehouse_worker", number)) as uow:
            at = {"stocktake_id": opened, "place_id": flour["place_id"], "round": round}
            stocktakes.count(uow, operation_id=uuid4(), lot_id=flour["lot_id"], quantity=3, **at)
            for lot_id in others if round == 1 else ():
                stocktakes.count(uow, operation_id=uuid4(), lot_id=lot_id, quantity=10, **at)
            stocktakes.close_place(uow, operation_id=uuid4(), **at)
    with work(person(world, "warehouse_manager", 30)) as uow:
        found = stocktakes.queries.stocktake(uow.session, uow.actor, opened)
        assert stocktakes.promises_losing(uow, found) == 1
        stocktakes.approve(uow, stocktake_id=opened, operation_id=uuid4())
    do_what_was_promised(work)
    assert as_it_is(work, world, flour) == (
        ("reserved", 3), ("packed", 3), {world["flour"]: 3, world["blanket"]: 1}, (3, 3), [2]
    )  # fmt: skip


def test_what_was_loaded_before_the_news_came_was_there_after_all(work, world, flour):
    with work(EVERYTHING) as uow:
        run = draft(uow, world)
        service.publish(uow, run_ids=[run.id])
        run_id = run.id
    lose(work, world, flour, 8)
    with work(EVERYTHING) as uow:
        # Somebody found three more, before the job had told anybody.
        discrepancies.adjust(
            uow, operation_id=uuid4(),
            adjustments=[discrepancies.Adjustment(flour["lot_id"], flour["place_id"], 3)],
        )  # fmt: skip
        left = uow.session.scalar(select(Reservation).where(Reservation.state == "pending", Reservation.quantity == 2))
        stock.release(uow, reservation_id=left.id)
    with work(EVERYTHING) as uow:
        service.load(uow, parcel_id=world["parcel"], run_id=run_id, operation_id=uuid4())
    do_what_was_promised(work)
    need, share, lines, balance, told = as_it_is(work, world, flour)
    assert (need, share, lines) == (("loaded", 5), ("packed", 5), {world["flour"]: 5, world["blanket"]: 1})
    assert (balance, told) == ((0, 0), [])
