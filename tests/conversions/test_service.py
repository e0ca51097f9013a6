"""Kits are made up and taken apart, goods repacked: nothing comes from nothing, and the way can be walked back."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.conversions import kit_parts, queries, service
from app.conversions import operation_kinds as _registered  # noqa: F401
from app.conversions.errors import (
    KitExists,
    LossReasonNeeded,
    LossTooLarge,
    MoreThanMade,
    NotAKit,
    NotEnoughParts,
    NotHere,
    PartOfConversion,
    PartsWrong,
    ReleaseFirst,
    WeightDiffers,
)
from app.conversions.models import Conversion
from app.foundation.errors import NotAllowed, Stale
from app.stock import queries as stock
from app.stock import service as ledger
from app.stock.errors import NotEnoughStock
from app.stock.models import Lot, Movement
from app.stock.operations import apply_batch
from tests.builders import a_lot, an_item
from tests.conversions.conftest import EARLY, LATE, assemble, lot_out
from tests.stock.conftest import on_hand


def proved(work):
    with work() as uow:
        proof = stock.verify(uow.session)
        assert proof.holds, proof.as_json()


def take_apart(work, room, lot_id, count=1, **more):
    facts = {"operation_id": uuid4(), "from_place_id": room.dock, "to_place_id": room.shelf, "count": count, **more}
    with work(room.worker()) as uow:
        return service.take_apart(uow, lot_id=lot_id, **facts).conversion.id


def undo(work, room, conversion_id):
    with work(room.worker()) as uow:
        service.undo(uow, conversion_id=conversion_id, operation_id=uuid4(), reason="by mistake")


# Making up ----------------------------------------------------------------------------------------------------------


def test_a_kit_takes_what_expires_first_and_carries_the_worst_of_its_parts(work, room):
    made, lot_id = assemble(work, room, 6)
    with work() as uow:
        assert on_hand(uow, room.early, room.shelf) == 0 and on_hand(uow, room.late, room.shelf) == 8
        assert on_hand(uow, room.oils, room.shelf) == 2 and on_hand(uow, lot_id, room.dock) == 6
        lot = uow.session.get(Lot, lot_id)
        assert (lot.expires_on, lot.use_by, lot.condition, lot.source) == (EARLY, True, "good", f"A-{made}")
        assert lot.unit_value_huf == 2 * 30_000 + 100_000
        conversion = uow.session.get(Conversion, made)
        assert (conversion.weight_in_g, conversion.weight_out_g, conversion.tolerance_permille) == (17_520, 17_520, 20)
        operations = uow.session.scalars(select(Movement.operation_id).where(Movement.kind == "convert")).all()
        assert set(operations) == {conversion.operation_id} and len(operations) == 4
    proved(work)


def test_kits_made_up_twice_under_one_number_are_made_once(work, room):
    operation_id = uuid4()
    first = assemble(work, room, operation_id=operation_id)
    assert assemble(work, room, operation_id=operation_id) == first
    with work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Conversion)) == 1


def test_a_missing_part_refuses_all_and_says_how_many_can_be_made(work, room):
    with pytest.raises(NotEnoughParts) as refused:
        assemble(work, room, 9)
    assert refused.value.facts["available"] == 8 and refused.value.facts["makeable"] == 8
    with work() as uow:
        assert on_hand(uow, room.early, room.shelf) == 10
        assert uow.session.scalar(select(func.count()).select_from(Conversion)) == 0


def test_what_is_blocked_expired_or_spoken_for_goes_into_no_kit(work, room, clock):
    with work() as uow:
        uow.session.get(Lot, room.early).state = "blocked"
        uow.session.get(Lot, room.late).expires_on = clock.now.date() - timedelta(days=1)
    with pytest.raises(NotEnoughParts):
        assemble(work, room, 1)
    with work() as uow:
        uow.session.get(Lot, room.early).state = "free"
        ledger.reserve(
            uow,
            lot_id=room.oils,
            place_id=room.shelf,
            quantity=7,
            purpose=("share", 1),
            expires_at=clock.now + timedelta(days=1),
        )
    with pytest.raises(NotEnoughParts):
        assemble(work, room, 2)
    assemble(work, room, 1)
    proved(work)


def test_parts_come_from_the_places_that_are_named(work, room):
    with work() as uow:
        ledger.move(
            uow, operation_id=uuid4(), lot_id=room.late, from_place_id=room.shelf, to_place_id=room.dock, quantity=4
        )
    with pytest.raises(NotEnoughParts):
        assemble(work, room, 2, from_place_ids=[room.dock])
    with work() as uow:
        ledger.move(
            uow, operation_id=uuid4(), lot_id=room.oils, from_place_id=room.shelf, to_place_id=room.dock, quantity=2
        )
    assemble(work, room, 2, from_place_ids=[room.dock])
    with work() as uow:
        assert on_hand(uow, room.late, room.dock) == 0 and on_hand(uow, room.early, room.shelf) == 10


def test_kits_are_not_made_up_on_a_van_or_by_a_stranger(work, room):
    with pytest.raises(NotHere):
        assemble(work, room, to_place_id=room.van)
    stranger = replace(room.worker(), reach={next(iter(room.worker().reach)): (room.warehouse_id + 1,)})
    with pytest.raises(NotAllowed):
        assemble(work, room, actor=stranger)


# Definitions --------------------------------------------------------------------------------------------------------


def test_a_kit_weighs_what_its_parts_weigh_or_is_refused_with_both_numbers(work, room):
    with pytest.raises(WeightDiffers) as refused, work() as uow:
        heavy = an_item(uow, "KIT-HEAVY", weight_mg=5_000_000)
        kit_parts.define(uow, item_id=heavy.id, parts=[{"item_id": room.flour, "quantity": 4}])
    assert "4000" in str(refused.value) and "5000" in str(refused.value)
    with work() as uow:
        near = an_item(uow, "KIT-NEAR", weight_mg=4_080_000)
        kit_parts.define(uow, item_id=near.id, parts=[{"item_id": room.flour, "quantity": 4}])


def test_a_kit_is_not_made_up_from_itself_however_deep(work, room):
    with work() as uow:
        outer = an_item(uow, "KIT-OUTER", weight_mg=2_920_000)
        kit = kit_parts.define(uow, item_id=outer.id, parts=[{"item_id": room.parcel, "quantity": 1}])
        assert kit.version == 1
    for item_id in (room.parcel, outer.id):
        with pytest.raises(PartsWrong), work() as uow:
            kit_parts.change(uow, kit_id=room.kit, version=1, parts=[{"item_id": item_id, "quantity": 1}])
    with pytest.raises(KitExists), work() as uow:
        kit_parts.define(uow, item_id=room.parcel, parts=[{"item_id": room.flour, "quantity": 3}])


def test_a_changed_kit_has_a_new_version_though_only_its_parts_changed(work, room):
    parts = [{"item_id": room.flour, "quantity": 1}, {"item_id": room.oil, "quantity": 2}]
    with work() as uow:
        assert kit_parts.change(uow, kit_id=room.kit, version=1, parts=parts, tolerance_permille=50).version == 2
    with work() as uow:
        changed = kit_parts.change(uow, kit_id=room.kit, version=2, parts=parts[::-1], tolerance_permille=50)
        assert changed.version == 3
    with pytest.raises(Stale), work() as uow:
        kit_parts.change(uow, kit_id=room.kit, version=2, parts=parts, tolerance_permille=50)
    with pytest.raises(NotAllowed), work(room.worker()) as uow:
        kit_parts.retire(uow, kit_id=room.kit)


# Taking apart -------------------------------------------------------------------------------------------------------


def test_the_lots_that_went_in_come_back_as_themselves(work, room):
    _, lot_id = assemble(work, room, 6)
    take_apart(work, room, lot_id, 2)
    take_apart(work, room, lot_id, 4)
    with work() as uow:
        assert on_hand(uow, lot_id, room.dock) == 0
        assert on_hand(uow, room.early, room.shelf) == 10 and on_hand(uow, room.late, room.shelf) == 10
        assert on_hand(uow, room.oils, room.shelf) == 8
        for lot in (room.early, room.late, room.oils, lot_id):
            assert on_hand(uow, lot, room.bench) == 0
    proved(work)


def test_a_kit_that_came_ready_made_gives_new_lots_with_its_expiry(work, room):
    with work() as uow:
        warehouse = uow.session.get(Lot, room.early).warehouse_id
        from app.stock.models import Warehouse

        given = a_lot(
            uow, uow.session.get(Warehouse, warehouse), 5, item=an_item(uow, "KIT-FOOD"), expires_on=LATE, use_by=True
        ).id
    made = take_apart(work, room, given, 2, from_place_id=room.shelf)
    with work() as uow:
        rows = [row for row in queries.lots_of(uow.session, [made])[made] if row.part.comes_out]
        assert {(row.item.id, row.part.quantity) for row in rows} == {(room.flour, 4), (room.oil, 2)}
        assert {(row.lot.expires_on, row.lot.use_by, row.lot.source) for row in rows} == {(LATE, True, f"A-{made}")}
    with pytest.raises(NotAKit):
        take_apart(work, room, room.early, 1, from_place_id=room.shelf)
    proved(work)


def test_no_more_kits_are_taken_apart_than_are_there_or_were_made(work, room, clock):
    _, lot_id = assemble(work, room, 2)
    with pytest.raises((NotEnoughStock, MoreThanMade)):
        take_apart(work, room, lot_id, 3)
    take_apart(work, room, lot_id, 2)
    with pytest.raises(MoreThanMade):
        take_apart(work, room, lot_id, 1, done=True)
    proved(work)


# Repacking ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def sacks(work, room):
    """Four sacks of 25 kg."""
    with work() as uow:
        from app.stock.models import Warehouse

        sack = an_item(uow, "SACK-25KG", weight_mg=25_000_000, value_huf=500_000)
        warehouse = uow.session.get(Warehouse, room.warehouse_id)
        return a_lot(uow, warehouse, 4, item=sack, expires_on=LATE, batch="M-7").id


def repack(work, room, lot_id, **more):
    facts = {
        "operation_id": uuid4(),
        "from_place_id": room.shelf,
        "quantity": 1,
        "to_item_id": room.flour,
        "to_quantity": 25,
        "to_place_id": room.shelf,
        **more,
    }
    with work(room.worker()) as uow:
        made = service.repack(uow, lot_id=lot_id, **facts).conversion.id
        return made, lot_out(uow, made)


def test_a_sack_becomes_bags_of_the_same_weight_expiry_and_batch(work, room, sacks):
    _, bags = repack(work, room, sacks)
    with work() as uow:
        lot = uow.session.get(Lot, bags)
        assert (lot.expires_on, lot.batch, lot.unit_value_huf) == (LATE, "M-7", 20_000)
        assert on_hand(uow, bags, room.shelf) == 25 and on_hand(uow, sacks, room.shelf) == 3
    proved(work)


@pytest.mark.parametrize(("bags", "good"), [(24, False), (25, True), (26, False)])
def test_weights_further_apart_than_the_tolerance_are_refused_with_both_numbers(work, room, sacks, bags, good):
    if good:
        repack(work, room, sacks, to_quantity=bags)
        return
    with pytest.raises(WeightDiffers) as refused:
        repack(work, room, sacks, to_quantity=bags)
    assert "25000" in str(refused.value) and f"{bags}000" in str(refused.value)
    repack(work, room, sacks, to_quantity=bags, tolerance_permille=50)
    with work() as uow:
        assert uow.session.scalar(select(Conversion.tolerance_permille)) == 50
    proved(work)


def test_what_is_spilt_is_a_line_of_its_own_with_a_reason(work, room, sacks):
    with pytest.raises(LossReasonNeeded):
        repack(work, room, sacks, lost=1)
    with pytest.raises(LossTooLarge):
        repack(work, room, sacks, lost=3, lost_reason="spilt")
    made, bags = repack(work, room, sacks, lost=2, lost_reason="spilt")
    with work() as uow:
        assert on_hand(uow, bags, room.shelf) == 23 and on_hand(uow, bags, room.loss) == 2
        lost = queries.lost_in(uow.session, uow.session.get(Conversion, made))
        assert [(each.quantity, each.reason) for each in lost] == [(2, "spilt")]
    undo(work, room, made)
    with work() as uow:
        assert on_hand(uow, bags, room.shelf) == 0 and on_hand(uow, bags, room.loss) == 0
        assert on_hand(uow, sacks, room.shelf) == 4
    proved(work)


def test_what_lies_in_quarantine_does_not_leave_it_by_being_repacked(work, room, sacks):
    with work() as uow:
        ledger.move(
            uow,
            operation_id=uuid4(),
            lot_id=sacks,
            from_place_id=room.shelf,
            to_place_id=room.quarantine,
            quantity=4,
            reason="a torn sack",
        )
    with pytest.raises(ReleaseFirst):
        repack(work, room, sacks, from_place_id=room.quarantine)
    with work() as uow:
        uow.session.get(Lot, sacks).state = "blocked"
    _, bags = repack(work, room, sacks, from_place_id=room.quarantine, to_place_id=room.quarantine)
    with work() as uow:
        assert uow.session.get(Lot, bags).state == "blocked"


# Taking back, and the way of goods ----------------------------------------------------------------------------------


def test_a_conversion_is_taken_back_as_a_whole_while_its_outcome_is_there(work, room):
    made, lot_id = assemble(work, room, 3)
    with work() as uow:
        line = uow.session.scalar(select(Movement.id).where(Movement.kind == "convert").limit(1))
    with pytest.raises(PartOfConversion), work() as uow:
        ledger.reverse(uow, operation_id=uuid4(), movement_id=line, reason="no")
    with work() as uow:
        ledger.move(
            uow, operation_id=uuid4(), lot_id=lot_id, from_place_id=room.dock, to_place_id=room.shelf, quantity=1
        )
    with pytest.raises(NotEnoughStock):
        undo(work, room, made)
    with work() as uow:
        ledger.move(
            uow, operation_id=uuid4(), lot_id=lot_id, from_place_id=room.shelf, to_place_id=room.dock, quantity=1
        )
    undo(work, room, made)
    undo(work, room, made)
    with work() as uow:
        assert on_hand(uow, room.early, room.shelf) == 10 and on_hand(uow, lot_id, room.dock) == 0
        assert queries.parents_of(uow.session, [lot_id]) == []
    proved(work)


def test_the_way_of_goods_is_walked_both_ways_through_a_conversion(work, room, sacks):
    _, bags = repack(work, room, sacks)
    made, kits = assemble(work, room, 8)
    with work() as uow:
        parents = queries.parents_of(uow.session, [kits])
        assert {link.parent_lot_id for link in parents} == {room.early, room.late, room.oils}
        assert {link.conversion_id for link in parents} == {made}
        assert [(link.parent_lot_id, link.child_lot_id) for link in queries.children_of(uow.session, [sacks])] == [
            (sacks, bags)
        ]


def test_a_blocked_lot_blocks_the_kits_that_hold_it_and_their_other_parts_are_saved(work, room):
    _, kits = assemble(work, room, 5)
    with work() as uow:
        ledger.change_lot_state(uow, lot_id=room.early, state="blocked", reason="called back")
        assert uow.session.get(Lot, kits).state == "blocked" and uow.session.get(Lot, room.oils).state == "free"
    take_apart(work, room, kits, 5)
    with work() as uow:
        assert uow.session.get(Lot, room.oils).state == "free" and on_hand(uow, room.oils, room.shelf) == 8
        assert uow.session.get(Lot, room.early).state == "blocked"


# Phones -------------------------------------------------------------------------------------------------------------


def phone(work, room, kind, payload, happened_at):
    asked = {
        "operation_id": str(uuid4()),
        "device_id": str(uuid4()),
        "sequence": 1,
        "happened_at": happened_at.isoformat(),
        "kind": kind,
        "payload": payload,
    }
    return apply_batch(lambda: work(room.worker()), room.worker(), [asked])[0]


def test_a_phone_makes_up_takes_apart_and_repacks_by_printed_codes(work, room, clock, sacks):
    with work() as uow:
        dock, shelf = (stock.place(uow.session, place).code for place in (room.dock, room.shelf))
    made = phone(work, room, "assemble_kit", {"kit": "KIT-FOOD", "quantity": 2, "to_place": dock}, clock.now)
    assert made.outcome == "applied", made.kept
    lot_id = made.kept["result"]["lot_id"]
    apart = phone(
        work, room, "take_apart", {"lot_id": lot_id, "from_place": dock, "quantity": 1, "to_place": shelf}, clock.now
    )
    assert apart.outcome == "applied", apart.kept
    payload = {
        "lot_id": sacks, "from_place": shelf, "quantity": 1, "to_item": "FLOUR-1KG", "to_quantity": 25,
        "to_place": shelf, "lost": 1, "lost_reason": "spilt",
    }  # fmt: skip
    bags = phone(work, room, "repack", payload, clock.now)
    assert bags.outcome == "applied", bags.kept
    with work() as uow:
        assert on_hand(uow, bags.kept["result"]["lot_id"], room.shelf) == 24
    proved(work)


def test_kits_that_were_made_while_offline_stand_there_and_what_the_books_lack_is_looked_at(work, room, clock):
    payload = {"kit_id": room.kit, "quantity": 9, "to_place_id": room.dock}
    assert phone(work, room, "assemble_kit", payload, clock.now).outcome == "rejected"
    late = phone(work, room, "assemble_kit", payload, clock.now - timedelta(hours=1))
    assert late.outcome == "needs_review" and len(late.kept["review"]) == 1
    with work() as uow:
        assert on_hand(uow, late.kept["result"]["lot_id"], room.dock) == 9
        assert on_hand(uow, room.oils, room.shelf) == 0
    proved(work)
