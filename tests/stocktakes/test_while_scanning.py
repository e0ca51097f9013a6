"""A9: a hall that is counted while it works, with phones that tell late, loses no scan, and the books end as it is."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.foundation.unit_of_work import unit_of_work
from app.stock import discrepancies, operations, queries
from app.stock import service as stock
from app.stock.errors import NotEnoughStock
from app.stock.models import Operation, Review
from app.stocktakes import queries as stocktakes
from app.stocktakes import service
from tests.builders import a_place, a_warehouse, an_item, the_place
from tests.stocktakes.conftest import House, Phone, on_hand

MINUTES = 240
FIRST_COUNT, SECOND_COUNT, POSTING = 60, 110, 150
MOVES = 260


@dataclass
class Told:
    """An operation, by whom, and the minute at which it is told."""

    minute: int
    phone: int
    actor: object
    operation: dict


def a_hall(work):
    """Return a hall of six shelves with eight lots, and what truly lies there: not always what the books say."""
    chance = Random(1)
    with work() as uow:
        warehouse = a_warehouse(uow)
        item = an_item(uow)
        shelves = [the_place(uow, warehouse).id, *[a_place(uow, warehouse).id for _ in range(5)]]
        house = House(
            warehouse.id, item.id, shelves, [], the_place(uow, warehouse, "discrepancy").id,
            the_place(uow, warehouse, "loss").id, 0,
        )  # fmt: skip
    truth = {}
    for number in range(8):
        shelf = shelves[number % 6]
        with work() as uow:
            lot = stock.receive(
                uow, operation_id=uuid4(), item_id=house.item_id, quantity=60, place_id=shelf,
                warehouse_id=house.warehouse_id,
            )  # fmt: skip
            house.lots.append(lot.id)
        truth[shelf, lot.id] = 60 + chance.choice((-7, -2, 0, 0, 3, 5))
    return house, truth


def a_day(house, truth, noon, seed):
    """Return what happens in the hall and when it is told, with the truth at the end and at each count."""
    chance = Random(seed)
    workers = [house.somebody("warehouse_worker", 50 + number) for number in range(5)]
    phones = [Phone() for _ in workers]
    delays = [0, 0, 3, 45, 170]
    steps = [(chance.randint(0, MINUTES - 20) + chance.random(), "move", None) for _ in range(MOVES)]
    for number, place in enumerate(house.shelves):
        steps += [
            (FIRST_COUNT + 5 * number + 0.01 * each, "count", (1, place, lot)) for each, lot in enumerate(house.lots)
        ]
        steps.append((FIRST_COUNT + 5 * number + 0.5, "close", (1, place)))
    told, seen = [], {}
    for minute, deed, what in sorted(steps, key=lambda step: step[0]):
        happened_at = noon + timedelta(minutes=minute)
        if deed == "move":
            there = [key for key, quantity in truth.items() if quantity > 0]
            place, lot = chance.choice(there)
            target = chance.choice([shelf for shelf in house.shelves if shelf != place])
            quantity = chance.randint(1, truth[place, lot])
            truth[place, lot] -= quantity
            truth[target, lot] = truth.get((target, lot), 0) + quantity
            who = chance.randrange(5)
            payload = {
                "lot_id": lot, "from_place_id": place, "to_place_id": target, "quantity": quantity, "done": True,
            }  # fmt: skip
            late = delays[who] if chance.random() < 0.7 else 0
            told.append((minute, late, who, workers[who], phones[who]("move", payload, happened_at)))
        elif deed == "count":
            seen[what] = (truth.get(what[1:], 0), happened_at)
        else:
            seen[what] = (0, happened_at)
    # A phone tells in the order of its scans: what waits for a connection holds back what comes after it.
    ready, queue = {}, []
    for minute, late, who, actor, operation in told:
        ready[who] = max(ready.get(who, 0), minute + late)
        queue.append(Told(int(ready[who]), who, actor, operation))
    return queue, seen, truth


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [3, 8])
def test_a_hall_counted_while_it_works_loses_no_scan_and_ends_as_it_truly_is(sessions, work, clock, seed):
    house, truth = a_hall(work)
    noon = clock.now
    queue, seen, truth = a_day(house, truth, noon, seed)
    with work(house.chief) as uow:
        opened = service.open_stocktake(uow, warehouse_id=house.warehouse_id, place_ids=house.shelves).id
    outcomes, anna = [], Phone()
    for (round, place, *lot), (quantity, happened_at) in seen.items():
        payload = {"stocktake_id": opened, "place_id": place, "round": round}
        kind = "count" if lot else "place_counted"
        if lot:
            payload |= {"lot_id": lot[0], "quantity": quantity}
        minute = int((happened_at - noon) / timedelta(minutes=1)) + 1
        queue.append(Told(minute, 9, house.anna, anna(kind, payload, happened_at)))

    def tell(one_phone):
        for each in one_phone:
            outcomes.extend(operations.apply_batch(works_of(each.actor), each.actor, [each.operation]))

    def works_of(actor):
        return lambda: unit_of_work(sessions, actor, clock)

    def until(minute, since):
        """Let every phone tell what it has to tell by then, all at once."""
        clock.now = noon + timedelta(minutes=minute)
        due = [each for each in queue if since <= each.minute < minute]
        by_phone = [[each for each in due if each.phone == phone] for phone in sorted({each.phone for each in due})]
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(tell, by_phone))

    for minute in range(0, SECOND_COUNT, 10):
        until(minute + 10, minute)
    # Somebody else counts again what differed: what truly lies there at that moment.
    bela = Phone()
    at_second = replay(house, queue, noon, SECOND_COUNT)
    with work() as uow:
        again = [row for row in stocktakes.place_rows(uow.session, opened) if row.state == "recount"]
    assert again, "the seeded mistakes are seen"
    for row in again:
        for lot in house.lots:
            payload = {"stocktake_id": opened, "place_id": row.place.id, "round": 2, "lot_id": lot}
            payload["quantity"] = at_second.get((row.place.id, lot), 0)
            told = Told(0, 8, house.bela, bela("count", payload, noon + timedelta(minutes=SECOND_COUNT)))
            tell([told])
        done = {"stocktake_id": opened, "place_id": row.place.id, "round": 2}
        tell([Told(0, 8, house.bela, bela("place_counted", done, noon + timedelta(minutes=SECOND_COUNT)))])
    for minute in range(SECOND_COUNT, POSTING, 10):
        until(minute + 10, minute)

    def post():
        with unit_of_work(sessions, house.chief, clock) as uow:
            assert service.approve(uow, stocktake_id=opened, operation_id=uuid4()).state == "posted"

    # It is posted while the phones go on telling.
    with ThreadPoolExecutor(2) as pool:
        posting = pool.submit(retried, post)
        until(POSTING + 10, POSTING)
        posting.result()
    last = max(each.minute for each in queue) + 10
    for minute in range(POSTING + 10, last + 10, 10):
        until(minute + 10, minute)

    assert {each.outcome for each in outcomes} <= {"applied", "needs_review"}, "no scan was lost or refused"
    with work() as uow:
        numbers = set(uow.session.scalars(select(Operation.id)))
        assert {str(number) for number in numbers} >= {each.operation["operation_id"] for each in queue}
        open_reviews = uow.session.scalars(select(Review).where(Review.state == "open").order_by(Review.id)).all()
        late = [each.id for each in open_reviews if "contained" in each.payload]
        others = [(each.id, each.lot_id, each.place_id, each.quantity) for each in open_reviews if each.id not in late]
    assert late, "something was told after posting that the count contained"
    settle(work, house, truth, late, others)
    with work() as uow:
        books = {(place, lot): on_hand(uow, lot, place) for place in house.shelves for lot in house.lots}
        assert books == {key: truth.get(key, 0) for key in books}, "the books are as the hall is"
        assert queries.verify(uow.session).holds
        assert uow.session.scalars(select(Review).where(Review.state == "open")).all() == []


def replay(house, queue, noon, minute):
    """Return what truly lay where at a minute: the true beginning with all that had happened by then."""
    chance = Random(1)
    truth = {
        (house.shelves[number % 6], lot): 60 + chance.choice((-7, -2, 0, 0, 3, 5))
        for number, lot in enumerate(house.lots)
    }
    moment = (noon + timedelta(minutes=minute)).isoformat()
    for each in queue:
        payload, operation = each.operation["payload"], each.operation
        if operation["kind"] == "move" and operation["happened_at"] <= moment:
            lot = payload["lot_id"]
            for place, sign in ((payload["from_place_id"], -1), (payload["to_place_id"], 1)):
                truth[place, lot] = truth.get((place, lot), 0) + sign * payload["quantity"]
    return truth


def settle(work, house, truth, late, others):
    """Do what a manager does: one click for what was contained, found pieces first; then a look at the shelf."""
    while late:
        refused = []
        for review in late:
            try:
                with work(house.chief) as uow:
                    discrepancies.book_contained(uow, review_id=review, operation_id=uuid4())
            except NotEnoughStock:
                refused.append(review)
        assert len(refused) < len(late), "each round of clicks brings some forward"
        late = refused
    for review, lot, place, quantity in others:
        with work(house.chief) as uow:
            too_many = min(quantity, on_hand(uow, lot, place) - truth.get((place, lot), 0))
            if too_many > 0:
                discrepancies.book_lost(uow, review_id=review, operation_id=uuid4(), quantity=too_many)
            else:
                discrepancies.close_without(uow, review_id=review, note="the shelf is as the books say")


def retried(deed, times=5):
    """Do it again after a deadlock, as the edge does."""
    for attempt in range(times):
        try:
            return deed()
        except OperationalError:
            if attempt + 1 == times:
                raise
    return None
