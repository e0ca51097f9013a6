"""Operations of devices: once and for ever, in order, each with a final answer."""

import json
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from app.factory import create_app
from app.foundation.database import make_engine, make_sessions
from app.foundation.unit_of_work import unit_of_work
from app.stock import operations, queries, service
from app.stock.models import Balance, Kind, Movement, Operation
from tests.conftest import EVERYTHING, NOON
from tests.stock.conftest import build_hall, on_hand


@pytest.fixture
def web(settings, clock, sessions):
    """A browser of somebody with every right, over the whole application."""
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: EVERYTHING)
    app.config["TESTING"] = True
    return app.test_client


class Phone:
    """A phone that numbers what it sends."""

    def __init__(self, device_id=None):
        self.device_id, self.sequence = str(device_id or uuid4()), 0

    def __call__(self, kind, payload, happened_at=NOON, **more):
        self.sequence += 1
        return {
            "operation_id": str(uuid4()),
            "device_id": self.device_id,
            "sequence": self.sequence,
            "happened_at": happened_at if isinstance(happened_at, str) else happened_at.isoformat(),
            "kind": kind,
            "payload": payload,
            **more,
        }


def send(web, *sent):
    """Send operations; return the answers."""
    response = web().post("/api/v1/operations", json={"operations": list(sent)})
    assert response.status_code == 200, response.json
    return response.json["answers"]


def a_move(hall, quantity=1, **more):
    return {
        "lot_id": hall.lot_id,
        "from_place_id": hall.shelf,
        "to_place_id": hall.van,
        "quantity": quantity,
        **more,
    }


def test_a_lot_goes_its_whole_way_by_operations(web, work, hall):
    phone = Phone()
    received = phone("receive", {"item_id": hall.item_id, "quantity": 24, "place_id": hall.dock})
    same = {"lot_operation_id": received["operation_id"]}
    put = phone("put_away", {**same, "from_place_id": hall.dock, "to_place_id": hall.shelf, "quantity": 24})
    picked = phone("pick", {**same, "from_place_id": hall.shelf, "to_place_id": hall.staging, "quantity": 20})
    loaded = phone("load", {**same, "from_place_id": hall.staging, "to_place_id": hall.van, "quantity": 20})
    handed = phone("hand_over", {**same, "from_place_id": hall.van, "quantity": 15})
    back = phone("bring_back", {**same, "from_place_id": hall.van, "to_place_id": hall.dock, "quantity": 5})
    lost = phone("write_off", {**same, "from_place_id": hall.dock, "quantity": 1, "reason": "torn"})
    undone = phone("reverse", {"reversed_operation_id": lost["operation_id"]})
    moved = phone("move", {**same, "from_place_id": hall.dock, "to_place_id": hall.other_shelf, "quantity": 5})
    answers = send(web, received, put, picked, loaded, handed, back, lost, undone, moved)
    assert [answer["outcome"] for answer in answers] == ["applied"] * 9, answers
    lot_id = answers[0]["result"]["lot_id"]
    with work() as uow:
        places = (hall.dock, hall.shelf, hall.staging, hall.van, hall.out, hall.loss, hall.other_shelf)
        assert [on_hand(uow, lot_id, place) for place in places] == [0, 4, 0, 0, 15, 0, 5]
        assert queries.verify(uow.session).holds


def test_places_and_items_may_be_named_by_what_is_printed_on_them(web, work, hall):
    with work() as uow:
        shelf, dock = (queries.place(uow.session, each).code for each in (hall.shelf, hall.dock))
    phone = Phone()
    received = phone("receive", {"item_code": "flour-1kg", "quantity": 3, "place": dock.lower()})
    same = {"lot_operation_id": received["operation_id"]}
    put = phone("put_away", {**same, "from_place": dock, "to_place": shelf, "quantity": 3})
    assert [answer["outcome"] for answer in send(web, received, put)] == ["applied", "applied"]


def test_sent_twice_is_moved_once(web, work, hall):
    """I5."""
    one = Phone()("load", a_move(hall, 4))
    first, second = send(web, one)[0], send(web, one)[0]
    assert (first["outcome"], second["outcome"], second["first_outcome"]) == ("applied", "duplicate", "applied")
    assert second["result"] == first["result"]
    assert send(web, one, one)[1]["outcome"] == "duplicate"
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.van) == 4


def test_the_same_number_with_other_content_changes_nothing(web, work, hall):
    """B3, I6."""
    one = Phone()("load", a_move(hall, 4))
    send(web, one)
    for other in (
        {**one, "payload": a_move(hall, 5)},
        {**one, "kind": "move", "payload": a_move(hall, 4)},
        {**one, "payload": a_move(hall, 4, reason="why")},
    ):
        answer = send(web, other)[0]
        assert (answer["outcome"], answer["problem"]["status"]) == ("rejected", 422)
        assert answer["problem"]["type"] == "operation-differs"
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.van) == 4
        assert uow.session.scalar(select(func.count()).select_from(Operation)) == 1


def test_each_operation_sent_several_times_at_once_acts_once(web, work, hall):
    """B1: the last unit is among them, so a twin finds nothing left and must still be told that it worked."""
    phone = Phone()
    sent = [phone("load", a_move(hall, 1)) for _ in range(10)] * 4
    random.Random(1).shuffle(sent)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: send(web, one)[0], sent))
    assert sorted({answer["outcome"] for answer in answers}) == ["applied", "duplicate"]
    assert sum(answer["outcome"] == "applied" for answer in answers) == 10
    assert all(answer.get("first_outcome", "applied") == "applied" for answer in answers)
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.van) == 10
        assert uow.session.scalar(select(func.count()).select_from(Movement).where(Movement.kind == "load")) == 10
        assert queries.verify(uow.session).holds


def test_a_reply_lost_after_the_commit_is_asked_for_again(work, sessions, clock, hall):
    """B2."""
    one = Phone()("load", a_move(hall, 4))
    committed = threading.Event()

    @contextmanager
    def breaks_after_the_commit():
        with unit_of_work(sessions, EVERYTHING, clock) as uow:
            yield uow
        if not committed.is_set():
            committed.set()
            raise ConnectionResetError("the answer never reached the phone")

    with pytest.raises(ConnectionResetError):
        operations.apply_batch(breaks_after_the_commit, EVERYTHING, [one])
    (answer,) = operations.apply_batch(breaks_after_the_commit, EVERYTHING, [one])
    assert (answer.outcome, answer.first_outcome) == ("duplicate", "applied")
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.van) == 4


def test_batches_shuffled_cut_and_replayed_end_the_same(web, work, hall):
    """B4."""
    phone, chance = Phone(), random.Random(4)
    received = phone("receive", {"item_id": hall.item_id, "quantity": 30, "place_id": hall.dock})
    same = {"lot_operation_id": received["operation_id"]}
    way = [received]
    for _ in range(10):
        way.append(phone("put_away", {**same, "from_place_id": hall.dock, "to_place_id": hall.shelf, "quantity": 3}))
        way.append(phone("load", {**same, "from_place_id": hall.shelf, "to_place_id": hall.van, "quantity": 3}))
    for cut in (5, 12, 21, 21):
        batch = way[:cut]
        chance.shuffle(batch)
        assert {answer["outcome"] for answer in send(web, *batch)} <= {"applied", "duplicate"}
    with work() as uow:
        lot_id = queries.movements_of_operation(uow.session, received["operation_id"])[0].lot_id
        assert [on_hand(uow, lot_id, place) for place in (hall.dock, hall.shelf, hall.van)] == [0, 0, 30]
        assert queries.verify(uow.session).holds


def test_a_bad_operation_stops_no_other(web, work, hall):
    """B6."""
    phone = Phone()
    good = [phone("load", a_move(hall, 1)) for _ in range(5)]
    bad = [
        "nonsense",
        None,
        [],
        {},
        phone("load", a_move(hall, 0)),
        phone("load", a_move(hall, 999)),
        phone("fly", {}),
        phone("load", {"quantity": 1}),
        phone("load", a_move(hall, 1, colour="red")),
        phone("load", a_move(hall, 1), operation_id="12"),
        phone("load", a_move(hall, 1), happened_at="yesterday"),
        phone("load", a_move(hall, 1), surprise=True),
        phone("load", a_move(hall, 1, lot_id=2**62)),
        phone("load", {**a_move(hall, 1), "to_place_id": 2**62}),
        phone("load", a_move(hall, 1, reason="a\x00b\ud800")),
        phone("load", {"\x00\ud800": 1}),
        phone("write_off", {"lot_id": hall.lot_id, "from_place_id": hall.shelf, "quantity": 1, "reason": "x" * 300}),
    ]
    sent = [each for pair in zip(good, bad, strict=False) for each in pair] + bad[5:]
    raw = json.dumps({"operations": sent})
    response = web().post("/api/v1/operations", data=raw, content_type="application/json")
    assert response.status_code == 200
    answers = response.json["answers"]
    assert [answer["outcome"] for answer in answers[:10:2]] == ["applied"] * 5
    rejected = [*answers[1:10:2], *answers[10:]]
    assert {answer["outcome"] for answer in rejected} == {"rejected"}
    assert all(400 <= answer["problem"]["status"] < 500 and answer["problem"]["detail"] for answer in rejected)
    again = web().post("/api/v1/operations", data=raw, content_type="application/json").json["answers"]
    assert {answer["outcome"] for answer in again} <= {"duplicate", "rejected"}
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.van) == 5


@pytest.mark.parametrize(
    "quantity", ["0", "-1", str(2**31), str(2**63), "1e400", "NaN", '"١٢"', "1.5", "true", '""', "null"]
)
def test_a_quantity_that_cannot_be_is_refused(web, work, hall, quantity):
    """A10."""
    one = json.dumps(Phone()("load", a_move(hall, 77))).replace('"quantity": 77', f'"quantity": {quantity}')
    body = f'{{"operations": [{one}]}}'
    response = web().post("/api/v1/operations", data=body, content_type="application/json")
    assert response.status_code == 200
    answer = response.json["answers"][0]
    assert (answer["outcome"], answer["problem"]["status"]) == ("rejected", 422)
    assert "quantity" in answer["problem"]["fields"]
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.van) == 0


def test_a_refusal_says_what_is_there_and_is_final(web, work, hall):
    one = Phone()("load", a_move(hall, 11))
    answer = send(web, one)[0]
    assert answer["problem"]["type"] == "not-enough-stock"
    assert (answer["problem"]["wanted"], answer["problem"]["available"]) == (11, 10)
    with work() as uow:
        service.receive(
            uow,
            operation_id=uuid4(),
            item_id=hall.item_id,
            quantity=5,
            place_id=hall.shelf,
            warehouse_id=hall.warehouse_id,
        )
    again = send(web, one)[0]
    assert (again["outcome"], again["first_outcome"]) == ("duplicate", "rejected")


def test_a_cloned_phone_is_told_so(web, work, hall):
    """B7."""
    device = uuid4()
    phone, clone = Phone(device), Phone(device)
    assert send(web, phone("load", a_move(hall, 1)))[0]["outcome"] == "applied"
    answer = send(web, clone("load", a_move(hall, 2)))[0]
    assert (answer["outcome"], answer["problem"]["type"]) == ("rejected", "device-cloned")
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.van) == 1
        flagged = text("SELECT count(*) FROM journal_entry WHERE deed = 'operation.device_cloned'")
        assert uow.session.scalar(flagged) == 1


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("2024-11-23T11:00:00+00:00", "behind"),
        ("2036-11-20T11:00:00+00:00", "ahead"),
        ("1970-01-01T00:00:00+00:00", "behind"),
        ("9999-12-31T23:59:59+00:00", "ahead"),
        ("0001-01-01T00:00:00+00:00", "behind"),
    ],
)
def test_a_clock_that_is_years_off_is_marked_and_our_time_stands_in_the_ledger(web, work, hall, clock, told, state):
    """B8. What the device told is kept with its operation."""
    sent = Phone()("load", a_move(hall, 1), happened_at=told)
    answer = send(web, sent)[0]
    assert (answer["outcome"], answer["clock"]["state"]) == ("applied", state)
    with work() as uow:
        moved = uow.session.scalar(select(Movement).where(Movement.kind == "load"))
        assert (moved.happened_at, moved.recorded_at) == (clock.now, clock.now)
        kept = uow.session.get_one(Operation, UUID(sent["operation_id"]))
        assert kept.happened_at == datetime.fromisoformat(told)


def test_a_clock_that_is_a_little_ahead_makes_nothing_happen_in_the_future(web, work, hall, clock):
    told = clock.now + timedelta(minutes=3)
    answer = send(web, Phone()("load", a_move(hall, 1), happened_at=told))[0]
    assert answer["outcome"] == "applied" and "clock" not in answer
    with work() as uow:
        assert uow.session.scalar(select(Movement.happened_at).where(Movement.kind == "load")) == clock.now


def test_a_clock_that_is_behind_by_hours_is_believed(web, work, hall, clock):
    told = clock.now - timedelta(days=29)
    answer = send(web, Phone()("load", a_move(hall, 1), happened_at=told))[0]
    assert answer["outcome"] == "applied" and "clock" not in answer
    with work() as uow:
        assert uow.session.scalar(select(Movement.happened_at).where(Movement.kind == "load")) == told


def test_when_the_shelf_says_twelve_and_the_book_says_ten_the_world_wins(web, work, hall, clock):
    """Nothing is dropped, nothing is negative, and a person is told."""
    late = Phone()("load", a_move(hall, 12), happened_at=clock.now - timedelta(hours=3))
    answer = send(web, late)[0]
    assert answer["outcome"] == "needs_review" and "12" in answer["review"][0]
    with work() as uow:
        places = (hall.shelf, hall.van, hall.unknown)
        assert [on_hand(uow, hall.lot_id, place) for place in places] == [0, 12, -2]
        assert queries.verify(uow.session).holds
        assert len(queries.operations_to_review(uow.session, uow.actor).rows) == 1
    assert send(web, late)[0]["first_outcome"] == "needs_review"


def test_what_is_reserved_stays_covered_when_the_world_wins(web, work, hall, clock):
    with work() as uow:
        service.reserve(
            uow,
            lot_id=hall.lot_id,
            place_id=hall.shelf,
            quantity=7,
            purpose=("share", 1),
            expires_at=clock.now + timedelta(days=1),
        )
    assert send(web, Phone()("load", a_move(hall, 5)))[0]["outcome"] == "rejected"
    assert send(web, Phone()("load", a_move(hall, 5, done=True)))[0]["outcome"] == "needs_review"
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.shelf) == 7
        assert queries.verify(uow.session).holds


def test_too_many_or_too_large_is_refused_whole(web, hall):
    phone = Phone()
    sent = [phone("load", a_move(hall, 1)) for _ in range(101)]
    assert web().post("/api/v1/operations", json={"operations": sent}).status_code == 422
    large = [phone("load", a_move(hall, 1, reason="x" * 300_000))]
    assert web().post("/api/v1/operations", json={"operations": large}).status_code == 413
    deep = "[" * 50_000
    response = web().post("/api/v1/operations", data=deep, content_type="application/json")
    assert response.status_code == 422


def test_the_last_unit_has_one_winner(sessions, work, clock, hall):
    """A5: fifty clients, again and again."""
    engine = make_engine(str(sessions.kw["bind"].url.render_as_string(hide_password=False)), pool_size=25)
    many = make_sessions(engine)
    try:
        for _ in range(20):
            with work() as uow:
                lot = service.receive(
                    uow,
                    operation_id=uuid4(),
                    item_id=hall.item_id,
                    quantity=1,
                    place_id=hall.shelf,
                    warehouse_id=hall.warehouse_id,
                )
            sent = [Phone()("load", a_move(hall, 1, lot_id=lot.id)) for _ in range(50)]
            with ThreadPoolExecutor(50) as pool:
                answers = list(
                    pool.map(
                        lambda one: operations.apply_batch(
                            lambda: unit_of_work(many, EVERYTHING, clock), EVERYTHING, [one]
                        )[0],
                        sent,
                    )
                )
            outcomes = sorted(answer.outcome for answer in answers)
            assert outcomes == ["applied"] + ["rejected"] * 49
        with work() as uow:
            assert queries.verify(uow.session).holds
    finally:
        engine.dispose()


def test_opposite_moves_never_block_each_other_for_good(web, work):
    """A6."""
    with work() as uow:
        hall = build_hall(uow, on_shelf=1000)
        service.move(
            uow,
            operation_id=uuid4(),
            lot_id=hall.lot_id,
            from_place_id=hall.shelf,
            to_place_id=hall.other_shelf,
            quantity=500,
        )

    def back_and_forth(number):
        phone = Phone()
        ends = [hall.shelf, hall.other_shelf]
        if number % 2:
            ends.reverse()
        payload = {"lot_id": hall.lot_id, "from_place_id": ends[0], "to_place_id": ends[1], "quantity": 1}
        return [send(web, phone("move", payload))[0]["outcome"] for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        outcomes = [outcome for some in pool.map(back_and_forth, range(8)) for outcome in some]
    assert outcomes == ["applied"] * 160
    with work() as uow:
        assert [on_hand(uow, hall.lot_id, place) for place in (hall.shelf, hall.other_shelf)] == [500, 500]
        assert queries.verify(uow.session).holds


def test_opposite_moves_of_many_lots_at_once_never_deadlock(sessions, work, clock, hall):
    """A6, with several balances in one transaction, in any order."""
    with work() as uow:
        lots = [
            service.receive(
                uow,
                operation_id=uuid4(),
                item_id=hall.item_id,
                quantity=100,
                place_id=hall.shelf,
                warehouse_id=hall.warehouse_id,
            ).id
            for _ in range(12)
        ]

    def reserve_some(number):
        chance = random.Random(number)
        for _ in range(10):
            chosen = chance.sample(lots, 8)
            rows = [
                {
                    "lot_id": lot,
                    "place_id": hall.shelf,
                    "quantity": 1,
                    "purpose_kind": "share",
                    "purpose_id": number,
                    "expires_at": clock.now + timedelta(days=1),
                }
                for lot in chosen
            ]
            with unit_of_work(sessions, EVERYTHING, clock) as uow:
                made = service.reserve_many(uow, rows)
            with unit_of_work(sessions, EVERYTHING, clock) as uow:
                chance.shuffle(made)
                service.release_many(uow, made)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(reserve_some, range(8)))
    with work() as uow:
        assert uow.session.scalar(select(func.sum(Balance.reserved))) == 0
        assert queries.verify(uow.session).holds


HAMMERED = int(os.environ.get("TORTURE_OPERATIONS", "3200"))
"""100,000 is the whole measure; the suite takes a part of it."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thousands_of_operations_over_five_hot_lots_through_http_lose_nothing(web, work):
    """A1, A2: 16 threads, 20 % sent twice; over-issue 0, drift 0."""
    total, threads = HAMMERED, 16
    each = total // 8  # of each of the five lots: about half of what is wanted
    with work() as uow:
        hall = build_hall(uow, on_shelf=each)
        lots = [hall.lot_id] + [
            service.receive(
                uow,
                operation_id=uuid4(),
                item_id=hall.item_id,
                quantity=each,
                place_id=hall.shelf,
                warehouse_id=hall.warehouse_id,
            ).id
            for _ in range(4)
        ]
    counted: list[dict[str, int]] = []

    def hammer(number):
        chance, phone, counts, client = random.Random(number), Phone(), {}, web()
        batch = []
        for _ in range(total // threads // 25):
            batch = [phone("load", a_move(hall, chance.randint(1, 2), lot_id=chance.choice(lots))) for _ in range(20)]
            batch += chance.sample(batch, 5)
            while (response := client.post("/api/v1/operations", json={"operations": batch})).status_code == 429:
                time.sleep(0.05)  # The waiting room is full: a phone comes back.
            answers = response.json["answers"]
            for sent, answer in zip(batch, answers, strict=True):
                counts[answer["outcome"]] = counts.get(answer["outcome"], 0) + 1
                if answer["outcome"] == "applied":
                    counts["issued"] = counts.get("issued", 0) + sent["payload"]["quantity"]
        counted.append(counts)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(hammer, range(threads)))
    issued = sum(counts["issued"] for counts in counted)
    assert sum(counts.get("duplicate", 0) for counts in counted) >= total // 5
    with work() as uow:
        loaded = select(func.sum(Balance.on_hand)).where(Balance.place_id == hall.van)
        left = select(func.sum(Balance.on_hand)).where(Balance.place_id == hall.shelf)
        assert uow.session.scalar(loaded) == issued <= 5 * each, "over-issue"
        assert uow.session.scalar(left) == 5 * each - issued
        moved = select(func.sum(Movement.quantity)).where(Movement.kind == Kind.LOAD)
        assert uow.session.scalar(moved) == issued, "drift"
        assert uow.session.scalar(left) == 0, "everything was wanted, so everything went"
        assert queries.verify(uow.session).holds
