"""Boxes and pallets that travel: picked as one, received as one, at home where they arrive."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from app.boxes import queries as box_queries
from app.boxes import service as boxes
from app.boxes.models import Box, BoxMove, BoxState
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.models import Balance, Place, PlaceKind
from app.transfers import queries, service
from app.transfers.errors import BoxCannotTravel, NotAsked
from app.transfers.models import Transfer, TransferState
from app.transfers.service import Counted
from tests.transfers.conftest import asked, held, must_be_proved
from tests.transfers.test_web import Phone, client_of, send, tell

__all__ = ["client_of"]


@pytest.fixture
def pallet(work, road):
    """A pallet on the giver's shelf with a closed box of 12 flour on it; ids of both."""
    with work(road.giver) as uow:
        outer = boxes.open_box(uow, operation_id=uuid4(), place_id=road.shelf_id, kind="pallet")
        inner = boxes.open_box(uow, operation_id=uuid4(), place_id=outer.place_id)
        fill(uow, road, inner.id, road.soon_id, 12)
        boxes.close_box(uow, box_id=inner.id)
        return outer.id, inner.id


def fill(uow, road, box_id, lot_id, quantity):
    boxes.fill_box(
        uow, operation_id=uuid4(), box_id=box_id, lot_id=lot_id, from_place_id=road.shelf_id, quantity=quantity
    )


def pick_box(work, road, transfer_id, box_id, operation_id=None):
    with work(road.giver) as uow:
        made = service.pick_box(uow, transfer_id=transfer_id, box_id=box_id, operation_id=operation_id or uuid4())
        return [part.id for part in made]


def test_a_pallet_travels_as_one_and_is_at_home_where_it_arrives(work, road, pallet):
    transfer_id, operation_id = asked(work, road, [{"item_id": road.flour_id, "quantity": 12}]), uuid4()
    with work(road.giver) as uow:
        service.accept(uow, transfer_id=transfer_id)
    first = pick_box(work, road, transfer_id, pallet[0], operation_id)
    assert pick_box(work, road, transfer_id, pallet[0], operation_id) == first
    with work() as uow:
        assert uow.session.get(Transfer, transfer_id).state == TransferState.PICKED
        root = uow.session.get(Box, pallet[1]).place.root_id
        assert uow.session.get(Place, root).kind == PlaceKind.STAGING
        assert [each.quantity for each in queries.spoken_for(uow.session, transfer_id)] == [12]
    with work(road.giver) as uow:
        service.send(uow, transfer_id=transfer_id, operation_id=uuid4())
    assert held(work, road.giver_id, PlaceKind.IN_TRANSIT) == 12
    with work() as uow:
        box = uow.session.get(Box, pallet[1])
        assert uow.session.get(Place, box.place.root_id).kind == PlaceKind.IN_TRANSIT
        assert box.state == BoxState.CLOSED
    with work(road.taker) as uow:
        service.receive(uow, transfer_id=transfer_id, counted=[Counted(first[0], 12)], operation_id=uuid4())
    with work(road.taker) as uow:  # The receiver sees it by their own right now.
        for box_id in pallet:
            box = box_queries.box(uow.session, uow.actor, box_id)
            root = uow.session.get(Place, box.place.root_id)
            assert (box.warehouse_id, box.place.warehouse_id, root.kind) == (
                road.taker_id,
                road.taker_id,
                PlaceKind.DOCK,
            )
        inner = box_queries.box(uow.session, uow.actor, pallet[1])
        assert (inner.parent_id, inner.state) == (pallet[0], BoxState.CLOSED)
        contents = box_queries.contents(uow.session, [pallet[1]])
        assert [(each.lot_id, each.on_hand) for each in contents] == [(road.soon_id, 12)]
        balance = uow.session.scalar(select(Balance).where(Balance.place_id == inner.place_id))
        assert balance.warehouse_id == road.taker_id
    with work() as uow:
        moves = uow.session.scalars(select(BoxMove).where(BoxMove.box_id == pallet[0]).order_by(BoxMove.id)).all()
        assert [each.warehouse_id for each in moves][-2:] == [road.giver_id, road.taker_id]
    must_be_proved(work)
    with work(road.taker) as uow:  # And works on with it: it is put away, and opened.
        shelf = stock_queries.virtual_place(uow.session, road.taker_id, PlaceKind.SHELF)
        boxes.move_boxes(uow, operation_id=uuid4(), box_ids=[pallet[0]], to_place_id=shelf.id)
        boxes.reopen_box(uow, box_id=pallet[1])
        boxes.empty_box(
            uow, operation_id=uuid4(), box_id=pallet[1], lot_id=road.soon_id, quantity=12, to_place_id=shelf.id
        )
    assert held(work, road.taker_id, PlaceKind.SHELF) == 12
    must_be_proved(work)


def test_what_is_short_in_a_box_leaves_it_open_and_stays_in_transit(work, road, pallet):
    transfer_id = asked(work, road, [{"item_id": road.flour_id, "quantity": 12}])
    (part_id,) = pick_box(work, road, transfer_id, pallet[1])
    with work(road.giver) as uow:
        service.send(uow, transfer_id=transfer_id, operation_id=uuid4())
    with work(road.taker) as uow:
        counted = [Counted(part_id, 10, 3, "two missing, three torn")]
        service.receive(uow, transfer_id=transfer_id, counted=counted, operation_id=uuid4())
    with work() as uow:
        assert uow.session.get(Box, pallet[1]).state == BoxState.OPEN
        assert [each.on_hand for each in box_queries.contents(uow.session, [pallet[1]])] == [7]
    assert held(work, road.taker_id, PlaceKind.QUARANTINE) == 3
    assert held(work, road.giver_id, PlaceKind.IN_TRANSIT) == 2
    must_be_proved(work)


def test_a_box_that_was_taken_off_its_pallet_by_mistake_goes_back_to_the_shelf(work, road, pallet):
    transfer_id = asked(work, road, [{"item_id": road.flour_id, "quantity": 20}])
    (part_id,) = pick_box(work, road, transfer_id, pallet[1])
    with work(road.giver) as uow:
        service.unpick(uow, transfer_lot_id=part_id, operation_id=uuid4())
    with work() as uow:
        assert uow.session.get(Box, pallet[1]).place.parent_id == road.shelf_id
        assert queries.lots_of(uow.session, transfer_id) == []
        assert queries.spoken_for(uow.session, transfer_id) == []
    pick_box(work, road, transfer_id, pallet[1])
    with work(road.giver) as uow:
        service.cancel(uow, transfer_id=transfer_id, reason="no van", operation_id=uuid4())
    with work() as uow:
        assert uow.session.get(Box, pallet[1]).place.parent_id == road.shelf_id
    must_be_proved(work)


def test_a_whole_box_frees_what_was_reserved_elsewhere(work, road):
    with work(road.giver) as uow:
        box = boxes.open_box(uow, operation_id=uuid4(), place_id=road.shelf_id)
        fill(uow, road, box.id, road.later_id, 25)
        box_id = box.id
    transfer_id = asked(work, road, [{"item_id": road.flour_id, "quantity": 40}])
    with work(road.giver) as uow:
        service.accept(uow, transfer_id=transfer_id)
    pick_box(work, road, transfer_id, box_id)
    with work() as uow:
        listed = queries.pick_list(uow.session, transfer_id)
        assert sum(each.quantity for each in listed if each.place_id == road.shelf_id) == 15
    with work(road.giver) as uow:
        service.pick_all(uow, transfer_id=transfer_id, operation_id=uuid4())
    assert held(work, road.giver_id, PlaceKind.STAGING) == 15
    must_be_proved(work)


def test_a_box_that_is_empty_or_spoken_for_or_holds_something_else_does_not_travel(work, road):
    with work(road.giver) as uow:
        ids = [boxes.open_box(uow, operation_id=uuid4(), place_id=road.shelf_id).id for _ in range(3)]
        fill(uow, road, ids[1], road.beans_lot_id, 2)
        fill(uow, road, ids[2], road.soon_id, 9)
    with work() as uow:
        stock.reserve(
            uow,
            lot_id=road.soon_id,
            place_id=uow.session.get(Box, ids[2]).place_id,
            quantity=1,
            purpose=("share", 1),
            expires_at=uow.now.replace(year=2027),
        )
    transfer_id = asked(work, road, [{"item_id": road.flour_id, "quantity": 40}])
    for box_id, refusal, words in (
        (ids[0], BoxCannotTravel, "nothing in it"),
        (ids[1], NotAsked, "not asked for"),
        (ids[2], BoxCannotTravel, "reserved for others"),
    ):
        with pytest.raises(refusal, match=words):
            pick_box(work, road, transfer_id, box_id)


def test_phones_pick_and_receive_a_pallet_by_its_sscc(client_of, work, road, pallet):
    transfer_id = asked(work, road, [{"item_id": road.flour_id, "quantity": 12}])
    with work() as uow:
        code = uow.session.get(Box, pallet[0]).sscc
    giver, taker, phone, other = client_of(road.giver), client_of(road.taker), Phone(), Phone()
    picked = phone("pick_transfer_box", {"transfer_id": transfer_id, "box": code})
    assert tell(giver, picked) == ["applied"]
    assert tell(giver, picked) == ["duplicate"]
    with work(road.giver) as uow:
        service.send(uow, transfer_id=transfer_id, operation_id=uuid4())
    arrived = other("receive_transfer_box", {"transfer_id": transfer_id, "box": f"(00){code}"})
    assert tell(taker, arrived) == ["applied"]
    assert tell(taker, arrived) == ["duplicate"]
    assert tell(taker, Phone()("receive_transfer_box", {"transfer_id": transfer_id, "box": code})) == ["rejected"]
    with work() as uow:
        assert uow.session.get(Transfer, transfer_id).state == TransferState.RECEIVED
        assert uow.session.get(Box, pallet[1]).warehouse_id == road.taker_id
    must_be_proved(work)


def test_a_box_is_picked_on_the_page_by_its_code(client_of, work, road, pallet):
    transfer_id = asked(work, road, [{"item_id": road.flour_id, "quantity": 12}])
    with work() as uow:
        code = uow.session.get(Box, pallet[1]).place.code
    path = f"/transfers/{transfer_id}/pick"
    form = {"operation_id": str(uuid4()), "box": code.lower()}
    assert send(client_of(road.giver), f"{path}-box", form, path).status_code == 302
    assert code in client_of(road.giver).get(f"/transfers/{transfer_id}").get_data(as_text=True)
    refused = send(client_of(road.giver), f"{path}-box", {**form, "operation_id": str(uuid4()), "box": "nothing"}, path)
    assert refused.status_code == 404
