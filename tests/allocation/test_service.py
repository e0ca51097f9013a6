"""One run over the needs of two counties, told on a real database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.accounts.roles import GRANTS, Role
from app.allocation import queries, service
from app.allocation.errors import NotProposed, ReasonMissing, ShareGone
from app.allocation.models import AllocationRun, MissingShare, Share
from app.foundation.actor import Actor, Scope
from app.foundation.errors import NotAllowed, NotFound
from app.foundation.job import Job
from app.needs.models import Need
from app.stock.models import Balance
from tests.builders import a_county, a_household, a_lot, a_need, a_warehouse, an_item
from tests.conftest import EVERYTHING as ANYBODY

EVERYTHING = Actor(None, "Job", "job", ANYBODY.grants)


def coordinator_of(county_id: int) -> Actor:
    reach = {Scope.COUNTY: (county_id,)}
    return Actor(None, "Coordinator", "county_coordinator", GRANTS[Role.COUNTY_COORDINATOR], reach)


def run_it(work, actor=EVERYTHING, county_id=None) -> int:
    """Do what the worker does."""
    with work(actor) as uow:
        run_id = service.start(uow, county_id=county_id).id
    with work(EVERYTHING) as uow:
        question = service.take_up(uow, run_id=run_id)
    proposal = service.think(question, on_step=lambda percent, step: None)
    with work(EVERYTHING) as uow:
        service.propose(uow, question=question, proposal=proposal, seconds=0.1)
    return run_id


@pytest.fixture
def country(work):
    """Two counties with a need each, ten bags of flour in one of them."""
    with work(EVERYTHING) as uow:
        baz, zala = a_county(uow, "BAZ"), a_county(uow, "ZAL")
        near = a_need(uow, a_household(uow, baz), quantity=8)
        far = a_need(uow, a_household(uow, zala), quantity=8)
        warehouse = a_warehouse(uow, baz, "MIS")
        lot = a_lot(uow, warehouse, on_shelf=10, expires_on=uow.now.date() + timedelta(days=90))
        return {"baz": baz.id, "zala": zala.id, "near": near.id, "far": far.id, "lot": lot.id, "shelf": warehouse.id}


def reserved(uow, lot_id):
    return uow.session.scalar(select(Balance.reserved).where(Balance.lot_id == lot_id, Balance.guarded))


def test_a_proposal_is_reserved_in_the_ledger_and_in_the_needs_and_says_what_is_missing(work, country):
    run_id = run_it(work)
    with work(EVERYTHING) as uow:
        run = queries.run(uow.session, uow.actor, run_id)
        assert run.state == "proposed"
        assert run.figures["covered_pct"] == [0, 62] and run.figures["shares"] == 2 and run.figures["missing"] == 2
        shares = uow.session.scalars(select(Share).order_by(Share.id)).all()
        assert sum(share.quantity for share in shares) == 10
        assert all(share.reservation_id and len(share.reasons) == 3 for share in shares)
        assert reserved(uow, country["lot"]) == 10
        near, far = uow.session.get(Need, country["near"]), uow.session.get(Need, country["far"])
        assert (near.quantity_reserved, far.quantity_reserved) == (5, 5)
        assert near.state == "reserved"
        missing = uow.session.scalars(select(MissingShare)).all()
        assert {one.quantity for one in missing} == {3}
        assert all(one.reason["text"] and one.grounds and one.remedies for one in missing)


def test_a_new_run_lets_the_earlier_proposal_go_but_keeps_what_was_pinned(work, country):
    run_it(work)
    with work(EVERYTHING) as uow:
        kept = uow.session.scalar(select(Share.id).where(Share.need_id == country["far"]))
        service.pin(uow, share_id=kept, reason="promised on the phone")
    with work(EVERYTHING) as uow:
        urgent = a_need(uow, a_household(uow, a_county(uow, "BAZ")), quantity=4, urgency=1).id
    second = run_it(work)
    with work(EVERYTHING) as uow:
        assert reserved(uow, country["lot"]) == 10
        by_need = {
            share.need_id: (share.quantity, share.run_id)
            for share in uow.session.scalars(select(Share).where(Share.state == "proposed"))
        }
        assert by_need == {country["far"]: (5, second), urgent: (4, second), country["near"]: (1, second)}
        first = uow.session.scalar(select(AllocationRun).order_by(AllocationRun.id).limit(1))
        assert first.state == "superseded"


def test_approving_promises_the_packing_and_keeps_the_shares_from_the_next_run(work, country):
    run_id = run_it(work)
    with work(EVERYTHING) as uow:
        assert service.approve(uow, run_id=run_id).state == "approved"
    with work(EVERYTHING) as uow:
        assert uow.session.scalar(select(Job.name).where(Job.name == "delivery.pack"))
        assert set(uow.session.scalars(select(Share.state))) == {"approved"}
    with pytest.raises(NotProposed), work(EVERYTHING) as uow:
        service.approve(uow, run_id=run_id)
    run_it(work)
    with work(EVERYTHING) as uow:
        assert set(uow.session.scalars(select(Share.state))) == {"approved"}
        assert reserved(uow, country["lot"]) == 10


def test_a_county_coordinator_decides_in_the_own_county_only(work, country):
    run_id = run_it(work)
    coordinator = coordinator_of(country["baz"])
    with work(EVERYTHING) as uow:
        mine = uow.session.scalar(select(Share.id).where(Share.need_id == country["near"]))
        theirs = uow.session.scalar(select(Share.id).where(Share.need_id == country["far"]))
    with pytest.raises(NotFound), work(coordinator) as uow:
        service.pin(uow, share_id=theirs, reason="mine")
    with pytest.raises(NotAllowed), work(coordinator) as uow:
        service.start(uow)
    with work(coordinator) as uow:
        service.pin(uow, share_id=mine, reason="promised")
        assert [row[0].id for row in queries.shares_page(uow.session, coordinator, run_id, queries.Filters()).rows] == [
            mine
        ]
        service.approve(uow, run_id=run_id)
    with work(EVERYTHING) as uow:
        states = dict(uow.session.execute(select(Share.id, Share.state)).all())
        assert states == {mine: "approved", theirs: "proposed"}
        assert uow.session.get(AllocationRun, run_id).state == "proposed"


def test_a_county_run_leaves_the_other_counties_proposal_alone(work, country):
    run_it(work)
    run_it(work, coordinator_of(country["baz"]), country["baz"])
    with work(EVERYTHING) as uow:
        found = {
            share.need_id: share.run_id for share in uow.session.scalars(select(Share).where(Share.state == "proposed"))
        }
        assert len(set(found.values())) == 2 and reserved(uow, country["lot"]) == 10


def test_a_released_share_is_free_on_the_shelf_and_its_need_is_open_again(work, country):
    run_it(work)
    with work(EVERYTHING) as uow:
        share_id = uow.session.scalar(select(Share.id).where(Share.need_id == country["near"]))
        with pytest.raises(ReasonMissing):
            service.release(uow, share_id=share_id, reason=" ")
        service.release(uow, share_id=share_id, reason="moved away")
    with work(EVERYTHING) as uow:
        assert reserved(uow, country["lot"]) == 5
        need = uow.session.get(Need, country["near"])
        assert (need.state, need.quantity_reserved) == ("open", 0)
        with pytest.raises(ShareGone):
            service.pin(uow, share_id=share_id, reason="too late")


def test_an_excluded_need_gets_nothing_until_it_is_let_in_again(work, country):
    run_it(work)
    with work(EVERYTHING) as uow:
        service.exclude(uow, need_id=country["near"], reason="asks somebody else")
    run_it(work)
    with work(EVERYTHING) as uow:
        [missing] = uow.session.scalars(
            select(MissingShare).where(MissingShare.need_id == country["near"], MissingShare.code == "excluded")
        )
        assert missing.reason["facts"]["reason"] == "asks somebody else"
        assert uow.session.get(Need, country["near"]).quantity_reserved == 0
        service.include(uow, need_id=country["near"])
    run_it(work)
    with work(EVERYTHING) as uow:
        assert uow.session.get(Need, country["near"]).quantity_reserved == 5


def test_what_was_taken_while_the_run_was_thinking_is_missing_not_promised_twice(work, country):
    with work(EVERYTHING) as uow:
        run_id = service.start(uow).id
    with work(EVERYTHING) as uow:
        question = service.take_up(uow, run_id=run_id)
    proposal = service.think(question, on_step=lambda percent, step: None)
    with work(EVERYTHING) as uow:
        uow.session.execute(text("UPDATE balance SET reserved = 7 WHERE guarded"))
    with work(EVERYTHING) as uow:
        service.propose(uow, question=question, proposal=proposal, seconds=0.1)
    with work(EVERYTHING) as uow:
        assert uow.session.scalars(select(Share)).all() == []
        assert reserved(uow, country["lot"]) == 7
        codes = dict(uow.session.execute(select(MissingShare.need_id, MissingShare.quantity)).all())
        assert codes == {country["near"]: 8, country["far"]: 8}


def test_what_an_ended_need_held_is_let_go(work, country):
    run_it(work)
    with work(EVERYTHING) as uow:
        assert service.release_for_need(uow, need_id=country["near"]) == 1
    with work(EVERYTHING) as uow:
        assert reserved(uow, country["lot"]) == 5


def test_asking_twice_while_it_thinks_is_one_run(work, country):
    with work(EVERYTHING) as uow:
        first = service.start(uow).id
    with work(EVERYTHING) as uow:
        assert service.start(uow).id == first


def test_a_substitute_covers_the_need_in_the_needs_own_units(work):
    from app.catalogue.models import Substitute

    with work(EVERYTHING) as uow:
        big = an_item(uow, "FLOUR-2KG", name_hu="Liszt 2 kg")
        small = an_item(uow, "FLOUR-1KG")
        uow.session.add(Substitute(item_id=small.id, substitute_id=big.id, quantity_percent=50))
        need_id = a_need(uow, a_household(uow), item_id=small.id, quantity=6).id
        a_lot(uow, a_warehouse(uow), on_shelf=2, item=big)
    run_it(work)
    with work(EVERYTHING) as uow:
        [share] = uow.session.scalars(select(Share))
        assert (share.quantity, share.covers) == (2, 4)
        assert uow.session.get(Need, need_id).quantity_reserved == 4
