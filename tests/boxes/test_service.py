"""Boxes and pallets: places that stand in places; nothing in them is lost, whatever is done with them."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.boxes import queries, service, sscc
from app.boxes.errors import (
    BoxDissolved,
    BoxIsEmpty,
    BoxNotEmpty,
    BoxNotOpen,
    CannotNest,
    CannotStand,
    CountDiffers,
    OtherWarehouse,
)
from app.boxes.models import Box, BoxMove, BoxState
from app.foundation.errors import NotAllowed, Refusal
from app.foundation.unit_of_work import unit_of_work
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.errors import NotEnoughStock, NotToBeHandedOut, PlaceNotEmpty, PlaceRetired, WrongPlace, WrongStorage
from app.stock.models import Movement, Place, PlaceKind, Reservation
from tests.builders import a_lot, a_place, a_warehouse, an_item
from tests.conftest import EVERYTHING
from tests.stock.conftest import on_hand


def opened(uow, at, kind="box"):
    """Open a box at a place."""
    return service.open_box(uow, operation_id=uuid4(), place_id=at, kind=kind)


def filled(uow, hall, quantity=6, at=None, kind="box"):
    """Open a box and put some of the hall's lot into it."""
    box = opened(uow, at or hall.shelf, kind)
    service.fill_box(
        uow, operation_id=uuid4(), box_id=box.id, lot_id=hall.lot_id, from_place_id=hall.shelf, quantity=quantity
    )
    return box


def reserved(uow, lot_id, place_id, quantity):
    """Speak for some of a lot where it lies."""
    return stock.reserve(
        uow,
        lot_id=lot_id,
        place_id=place_id,
        quantity=quantity,
        purpose=("share", 7),
        expires_at=uow.now + timedelta(days=1),
    )


def moved(uow, box, to):
    """Move a box."""
    return service.move_boxes(uow, operation_id=uuid4(), box_ids=[box.id], to_place_id=to, reason="looked at")


def offered(uow, lot_id):
    """Return what the allocation may give of a lot, by place."""
    rows = stock_queries.stock_for_allocation(uow.session)
    return {row.place_id: row.available for row in rows if row.lot_id == lot_id}


def test_a_new_box_has_an_sscc_whose_check_digit_is_right_and_a_place_of_its_own(work, hall):
    with work() as uow:
        box, pallet = opened(uow, hall.shelf), opened(uow, hall.dock, "pallet")
        shelf = stock_queries.place(uow.session, hall.shelf)
        assert sscc.is_sscc(box.sscc) and sscc.is_sscc(pallet.sscc) and box.sscc != pallet.sscc
        assert box.sscc.startswith("0" + sscc.PREFIX)
        assert sscc.is_sscc(box.sscc[:-1] + str((int(box.sscc[-1]) + 1) % 10)) is False
        assert (box.place.parent_id, box.place.root_id) == (hall.shelf, hall.shelf)
        assert box.place.code == f"{shelf.warehouse.code}-D-{box.id:06}"
        assert pallet.place.code == f"{shelf.warehouse.code}-R-{pallet.id:06}"
        assert queries.box_by_code(uow.session, uow.actor, f"(00) {box.sscc}").id == box.id
        assert queries.box_by_code(uow.session, uow.actor, box.place.code.lower()).id == box.id


def test_the_company_prefix_is_in_the_number(work, hall):
    service.use_company_prefix("5991234")
    try:
        with work() as uow:
            assert opened(uow, hall.shelf).sscc[1:8] == "5991234"
    finally:
        service.use_company_prefix(sscc.PREFIX)


def test_opened_twice_under_one_operation_is_opened_once(work, hall):
    name = uuid4()
    with work() as uow:
        first = service.open_box(uow, operation_id=name, place_id=hall.shelf)
    with work() as uow:
        assert service.open_box(uow, operation_id=name, place_id=hall.shelf).id == first.id
        assert uow.session.scalar(select(func.count()).select_from(Box)) == 1


def test_lots_go_in_and_out_and_the_ledger_holds(work, hall):
    with work() as uow:
        box = filled(uow, hall, 6)
        assert (on_hand(uow, hall.lot_id, hall.shelf), on_hand(uow, hall.lot_id, box.place_id)) == (4, 6)
        service.empty_box(uow, operation_id=uuid4(), box_id=box.id, lot_id=hall.lot_id, quantity=2)
        assert (on_hand(uow, hall.lot_id, hall.shelf), on_hand(uow, hall.lot_id, box.place_id)) == (6, 4)
        assert stock_queries.verify(uow.session).holds
    with pytest.raises(NotEnoughStock, match="5 wanted, 4 available"), work() as uow:
        service.empty_box(uow, operation_id=uuid4(), box_id=box.id, lot_id=hall.lot_id, quantity=5)


def test_what_is_reserved_stays_in_the_box_and_with_it(work, hall):
    with work() as uow:
        box = filled(uow, hall, 6)
        held = reserved(uow, hall.lot_id, box.place_id, 5)
        moved(uow, box, hall.other_shelf)
    with pytest.raises(NotEnoughStock, match="2 wanted, 1 available"), work() as uow:
        service.empty_box(uow, operation_id=uuid4(), box_id=box.id, lot_id=hall.lot_id, quantity=2)
    with work() as uow:
        still = uow.session.get_one(Reservation, held.id)
        assert (still.state, still.place_id, still.quantity) == ("pending", box.place_id, 5)
        assert stock_queries.verify(uow.session).holds


def test_a_box_is_moved_as_one_without_a_movement_in_the_ledger(work, hall):
    with work() as uow:
        pallet = opened(uow, hall.dock, "pallet")
        box = filled(uow, hall, 6)
        service.nest_box(uow, operation_id=uuid4(), box_id=box.id, into_box_id=pallet.id)
        before = uow.session.scalar(select(func.count()).select_from(Movement))
        moved(uow, pallet, hall.other_shelf)
        assert uow.session.scalar(select(func.count()).select_from(Movement)) == before
        assert (pallet.place.parent_id, pallet.place.root_id) == (hall.other_shelf, hall.other_shelf)
        assert (box.place.parent_id, box.place.root_id) == (pallet.place_id, hall.other_shelf)
        assert on_hand(uow, hall.lot_id, box.place_id) == 6
        steps = uow.session.scalars(select(BoxMove).where(BoxMove.box_id == pallet.id).order_by(BoxMove.id)).all()
        assert [(step.from_place_id, step.to_place_id) for step in steps] == [
            (hall.dock, hall.dock),
            (hall.dock, hall.other_shelf),
        ]


def test_several_boxes_move_at_once_or_none(work, hall):
    with work() as uow:
        first, second = opened(uow, hall.shelf), opened(uow, hall.shelf)
        gone = opened(uow, hall.shelf)
        service.dissolve_box(uow, box_id=gone.id)
    with pytest.raises(BoxDissolved), work() as uow:
        service.move_boxes(
            uow, operation_id=uuid4(), box_ids=[first.id, second.id, gone.id], to_place_id=hall.other_shelf
        )
    name = uuid4()
    for _ in range(2):
        with work() as uow:
            boxes = service.move_boxes(
                uow, operation_id=name, box_ids=[first.id, second.id], to_place_id=hall.other_shelf
            )
            assert [box.place.root_id for box in boxes] == [hall.other_shelf] * 2
            assert uow.session.scalar(select(func.count()).select_from(BoxMove)) == 5


def test_a_box_is_judged_by_where_it_stands(work, hall):
    """In quarantine and on a vehicle nothing in it is given; back on the shelf it is."""
    with work() as uow:
        pallet = opened(uow, hall.dock, "pallet")
        box = filled(uow, hall, 6)
        service.nest_box(uow, operation_id=uuid4(), box_id=box.id, into_box_id=pallet.id)
        assert offered(uow, hall.lot_id)[box.place_id] == 6
        for place, free in ((hall.quarantine, False), (hall.van, False), (hall.shelf, True)):
            moved(uow, pallet, place)
            uow.session.flush()
            assert (box.place_id in offered(uow, hall.lot_id)) is free, place
        moved(uow, pallet, hall.quarantine)
    with pytest.raises(NotToBeHandedOut), work() as uow:
        stock.move(
            uow,
            operation_id=uuid4(),
            lot_id=hall.lot_id,
            from_place_id=box.place_id,
            to_place_id=hall.staging,
            quantity=1,
            kind="pick",
        )
    with work() as uow:
        asked = stock_queries.StockAsked(today=uow.now.date(), view="quarantine")
        rows = stock_queries.stock_page(uow.session, uow.actor, asked).rows
        assert [(row.place_id, row.place.stands_in) for row in rows] == [(box.place_id, PlaceKind.QUARANTINE)]
        assert rows[0].place.shown.endswith(f"-KAR · {box.place.code}")
        assert stock_queries.stock_totals(uow.session, uow.actor, asked).quarantine == 1
        assert stock_queries.pieces_in(uow.session, hall.quarantine) == 6


def test_a_place_with_a_box_on_it_stays_in_use(work, hall):
    with work() as uow:
        box = opened(uow, hall.other_shelf)
    with pytest.raises(PlaceNotEmpty), work() as uow:
        stock.retire_place(uow, place_id=hall.other_shelf)
    with pytest.raises(WrongPlace), work() as uow:
        stock.retire_place(uow, place_id=box.place_id)
    with work() as uow:
        service.dissolve_box(uow, box_id=box.id)
        stock.retire_place(uow, place_id=hall.other_shelf)
    with pytest.raises(PlaceRetired), work() as uow:
        opened(uow, hall.other_shelf)


def test_rings_pallets_in_boxes_and_too_many_levels_are_refused(work, hall):
    with work() as uow:
        pallet = opened(uow, hall.shelf, "pallet")
        other = opened(uow, hall.shelf, "pallet")
        boxes = [opened(uow, hall.shelf) for _ in range(4)]
        for inner, outer in ((boxes[1], boxes[0]), (boxes[2], boxes[1]), (boxes[3], boxes[2])):
            service.nest_box(uow, operation_id=uuid4(), box_id=inner.id, into_box_id=outer.id)
    for inner, outer in ((boxes[0], boxes[3]), (boxes[0], pallet), (other, pallet)):
        with pytest.raises(CannotNest, match="Nothing was moved"), work() as uow:
            service.nest_box(uow, operation_id=uuid4(), box_id=inner.id, into_box_id=outer.id)
    with work() as uow:
        service.unnest_box(uow, operation_id=uuid4(), box_id=boxes[3].id)
        service.nest_box(uow, operation_id=uuid4(), box_id=boxes[0].id, into_box_id=pallet.id)
        found = queries.tree(uow.session, pallet)
        assert [(each.box.id, each.depth) for each in found] == [
            (pallet.id, 0),
            (boxes[0].id, 1),
            (boxes[1].id, 2),
            (boxes[2].id, 3),
        ]
        assert {each.place.root_id for each in boxes} == {hall.shelf}


def test_two_that_put_boxes_into_one_another_at_once_never_make_a_ring(sessions, work, clock, hall):
    with work() as uow:
        boxes = [opened(uow, hall.shelf).id for _ in range(3)]

    def nest(pair):
        try:
            with unit_of_work(sessions, EVERYTHING, clock) as uow:
                service.nest_box(uow, operation_id=uuid4(), box_id=pair[0], into_box_id=pair[1])
        except Exception as error:
            return type(error).__name__
        return "nested"

    chance = random.Random(3)
    for _ in range(6):
        pairs = [(a, b) for a in boxes for b in boxes if a != b]
        chance.shuffle(pairs)
        with ThreadPoolExecutor(6) as pool:
            assert set(pool.map(nest, pairs)) <= {"nested", "CannotNest", "SamePlace"}
        with work() as uow:
            for box_id in boxes:
                above = queries.above(uow.session, box_id)
                assert len(above) == len(set(above)) <= 3
                place = uow.session.get_one(Box, box_id).place
                assert place.root_id == hall.shelf
            for box_id in boxes:
                if uow.session.get_one(Box, box_id).parent_id:
                    service.unnest_box(uow, operation_id=uuid4(), box_id=box_id)


def test_a_closed_box_is_not_filled_and_one_that_is_taken_from_is_open(work, hall):
    with work() as uow:
        box = filled(uow, hall, 6)
        assert service.close_box(uow, box_id=box.id).state == BoxState.CLOSED
    with pytest.raises(BoxNotOpen, match="Open it first"), work() as uow:
        service.fill_box(
            uow, operation_id=uuid4(), box_id=box.id, lot_id=hall.lot_id, from_place_id=hall.shelf, quantity=1
        )
    with work() as uow:
        reserved(uow, hall.lot_id, box.place_id, 2)
        stock.move(
            uow,
            operation_id=uuid4(),
            lot_id=hall.lot_id,
            from_place_id=box.place_id,
            to_place_id=hall.staging,
            quantity=1,
            kind="pick",
        )
    with work() as uow:
        found = queries.box(uow.session, uow.actor, box.id)
        assert (found.state, found.closed_at) == (BoxState.OPEN, None)


def test_only_an_empty_box_is_dissolved_and_it_is_used_no_more(work, hall):
    with work() as uow:
        box, inner = filled(uow, hall, 6), opened(uow, hall.shelf)
        service.nest_box(uow, operation_id=uuid4(), box_id=inner.id, into_box_id=box.id)
    with pytest.raises(BoxNotEmpty, match="6 pieces and 1 boxes"), work() as uow:
        service.dissolve_box(uow, box_id=box.id)
    with work() as uow:
        service.unnest_box(uow, operation_id=uuid4(), box_id=inner.id)
        service.empty_box(uow, operation_id=uuid4(), box_id=box.id, lot_id=hall.lot_id, quantity=6)
        assert service.dissolve_box(uow, box_id=box.id).state == BoxState.DISSOLVED
        assert service.dissolve_box(uow, box_id=box.id).state == BoxState.DISSOLVED
    with pytest.raises(BoxDissolved), work() as uow:
        moved(uow, box, hall.other_shelf)
    with pytest.raises(PlaceRetired), work() as uow:
        stock.move(
            uow,
            operation_id=uuid4(),
            lot_id=hall.lot_id,
            from_place_id=hall.shelf,
            to_place_id=box.place_id,
            quantity=1,
        )


def test_merging_asks_how_many_and_takes_what_is_reserved_along(work, hall):
    with work() as uow:
        box, into = filled(uow, hall, 6), opened(uow, hall.other_shelf)
        inner = opened(uow, hall.shelf)
        service.nest_box(uow, operation_id=uuid4(), box_id=inner.id, into_box_id=box.id)
        held = reserved(uow, hall.lot_id, box.place_id, 4)
    with pytest.raises(CountDiffers, match="5 pieces were counted, the books have 6"), work() as uow:
        service.merge_boxes(uow, operation_id=uuid4(), box_id=box.id, into_box_id=into.id, pieces=5)
    name = uuid4()
    for _ in range(2):
        with work() as uow:
            service.merge_boxes(uow, operation_id=name, box_id=box.id, into_box_id=into.id, pieces=6)
            assert (on_hand(uow, hall.lot_id, box.place_id), on_hand(uow, hall.lot_id, into.place_id)) == (0, 6)
            still = uow.session.get_one(Reservation, held.id)
            assert (still.state, still.place_id, still.quantity) == ("pending", into.place_id, 4)
            place = uow.session.get_one(Place, inner.place_id)
            assert (place.parent_id, place.root_id) == (into.place_id, hall.other_shelf)
            assert stock_queries.verify(uow.session).holds
    with pytest.raises(BoxIsEmpty), work() as uow:
        service.merge_boxes(uow, operation_id=uuid4(), box_id=box.id, into_box_id=into.id, pieces=1)


def test_splitting_puts_some_into_a_new_box_beside_it(work, hall):
    name = uuid4()
    with work() as uow:
        box = filled(uow, hall, 6)
    for _ in range(2):
        with work() as uow:
            made = service.split_box(
                uow, operation_id=name, box_id=box.id, lines=[{"lot_id": hall.lot_id, "quantity": 2}]
            )
            assert [on_hand(uow, hall.lot_id, each.place_id) for each in (box, made)] == [4, 2]
            assert made.place.root_id == hall.shelf
            assert uow.session.scalar(select(func.count()).select_from(Box)) == 2
            assert stock_queries.verify(uow.session).holds
    with pytest.raises(NotEnoughStock), work() as uow:
        service.split_box(uow, operation_id=uuid4(), box_id=box.id, lines=[{"lot_id": hall.lot_id, "quantity": 5}])
    with work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Box)) == 2, "a refused split leaves no box behind"


def test_a_box_stands_where_its_goods_may_be_kept(work, hall):
    with work() as uow:
        milk = an_item(uow, "MILK", storage_class="chilled")
        warehouse = stock_queries.warehouse(uow.session, uow.actor, hall.warehouse_id)
        fridge = a_place(uow, warehouse)
        fridge.storage_class = "chilled"
        lot = a_lot(uow, warehouse, item=milk)
        box = opened(uow, fridge.id)
        service.fill_box(uow, operation_id=uuid4(), box_id=box.id, lot_id=lot.id, from_place_id=hall.shelf, quantity=3)
    with pytest.raises(WrongStorage, match="Chilled"), work() as uow:
        moved(uow, box, hall.shelf)
    with work() as uow:
        moved(uow, box, hall.dock)


def test_a_box_stands_in_its_own_warehouse_and_within_walls(work, hall):
    with work() as uow:
        box = opened(uow, hall.shelf)
        elsewhere = a_place(uow, a_warehouse(uow))
    with pytest.raises(OtherWarehouse, match="transfer"), work() as uow:
        moved(uow, box, elsewhere.id)
    with pytest.raises(CannotStand), work() as uow:
        moved(uow, box, hall.loss)
    with pytest.raises(NotAllowed), work(hall.worker()) as uow:
        opened(uow, elsewhere.id)
    with work(hall.worker()) as uow:
        moved(uow, queries.box(uow.session, uow.actor, box.id), hall.other_shelf)


def test_a_random_life_of_boxes_loses_nothing(work, hall):
    """Whatever is done, everything of the lot is somewhere, and each box stands where its outermost box stands."""
    chance = random.Random(11)
    with work() as uow:
        ids = [opened(uow, hall.shelf, chance.choice(["box", "box", "pallet"])).id for _ in range(6)]
    refused = 0
    for _ in range(120):
        box_id, other = chance.sample(ids, 2)
        deed = chance.choice(["fill", "empty", "move", "nest", "unnest", "merge", "close", "reopen"])
        try:
            with work() as uow:
                box = queries.box(uow.session, uow.actor, box_id)
                name = uuid4()
                if deed == "fill":
                    service.fill_box(
                        uow, operation_id=name, box_id=box_id, lot_id=hall.lot_id, from_place_id=hall.shelf, quantity=2
                    )
                elif deed == "empty":
                    service.empty_box(
                        uow, operation_id=name, box_id=box_id, lot_id=hall.lot_id, quantity=1, to_place_id=hall.shelf
                    )
                elif deed == "move":
                    moved(uow, box, chance.choice([hall.shelf, hall.other_shelf, hall.dock, hall.quarantine]))
                elif deed == "nest":
                    service.nest_box(uow, operation_id=name, box_id=box_id, into_box_id=other)
                elif deed == "unnest":
                    service.unnest_box(uow, operation_id=name, box_id=box_id)
                elif deed == "merge":
                    pieces = queries.totals_of(uow.session, box_id)[0]
                    service.merge_boxes(uow, operation_id=name, box_id=box_id, into_box_id=other, pieces=pieces)
                else:
                    getattr(service, f"{deed}_box")(uow, box_id=box_id)
        except Refusal:
            refused += 1
        with work() as uow:
            everywhere = [hall.shelf, *(uow.session.get_one(Box, each).place_id for each in ids)]
            assert sum(on_hand(uow, hall.lot_id, place) for place in everywhere) == 10
            for each in ids:
                outermost = uow.session.get_one(Box, queries.above(uow.session, each)[-1])
                assert uow.session.get_one(Box, each).place.root_id == outermost.place.parent_id
    assert 0 < refused < 110
    with work() as uow:
        assert stock_queries.verify(uow.session).holds
