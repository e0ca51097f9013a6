"""Operations that are done together: each is still its own deed with its own answer, whatever stops the others."""

from uuid import uuid4

import pytest
from sqlalchemy import event, func, select, text

from app.foundation.unit_of_work import unit_of_work
from app.stock import operations, queries
from app.stock.models import Movement, Operation
from tests.conftest import EVERYTHING
from tests.stock.conftest import build_hall, on_hand
from tests.stock.test_operations import Phone


@pytest.fixture
def hall(work):
    with work() as uow:
        return build_hall(uow, on_shelf=100)


@pytest.fixture
def counted(sessions, clock):
    """Apply a batch; return the outcomes and how many transactions it took."""

    def do(batch):
        opened = []

        def work():
            opened.append(1)
            return unit_of_work(sessions, EVERYTHING, clock)

        answers = operations.apply_batch(work, EVERYTHING, batch)
        return [answer.outcome for answer in answers], len(opened)

    return do


def moves(phone, hall, quantities):
    return [
        phone(
            "move",
            {"lot_id": hall.lot_id, "from_place_id": hall.shelf, "to_place_id": hall.other_shelf, "quantity": quantity},
        )
        for quantity in quantities
    ]


def books(work, hall):
    with work() as uow:
        assert queries.verify(uow.session).holds
        return (
            on_hand(uow, hall.lot_id, hall.shelf),
            on_hand(uow, hall.lot_id, hall.other_shelf),
            uow.session.scalar(select(func.count()).select_from(Operation)),
            uow.session.scalar(select(func.count()).where(Movement.kind == "move")),
        )


def test_fifty_good_operations_are_three_transactions(work, hall, counted):
    outcomes, transactions = counted(moves(Phone(), hall, [1] * 50))
    assert outcomes == ["applied"] * 50
    assert transactions == 3, "one that looks which are known, two of twenty-five"
    assert books(work, hall) == (50, 50, 50, 50)


def test_one_that_is_refused_undoes_no_other_and_keeps_its_place(work, hall, counted):
    quantities = [10, 20, 999, 30, 5]
    outcomes, _ = counted(moves(Phone(), hall, quantities))
    assert outcomes == ["applied", "applied", "rejected", "applied", "applied"]
    assert books(work, hall) == (35, 65, 5, 4)


def test_each_sees_what_the_one_before_it_did(work, hall, counted):
    phone = Phone()
    back = {"lot_id": hall.lot_id, "from_place_id": hall.other_shelf, "to_place_id": hall.shelf}
    batch = [*moves(phone, hall, [60, 40]), phone("move", {**back, "quantity": 100}), *moves(phone, hall, [100, 1])]
    outcomes, _ = counted(batch)
    assert outcomes == ["applied", "applied", "applied", "applied", "rejected"]
    assert books(work, hall) == (0, 100, 5, 4)


def test_sent_again_and_twice_in_one_batch_acts_once(work, hall, counted):
    phone = Phone()
    first = moves(phone, hall, [1, 2, 3])
    second = moves(phone, hall, [4])
    outcomes, _ = counted([*first, first[0], *second])
    assert sorted(outcomes) == ["applied"] * 4 + ["duplicate"]
    outcomes, _ = counted([*first, *second])
    assert outcomes == ["duplicate"] * 4
    assert books(work, hall) == (90, 10, 4, 4)


def test_what_has_no_shape_no_kind_or_no_place_gets_its_own_answer(work, hall, counted):
    phone = Phone()
    good = moves(phone, hall, [1, 1])
    bad = [
        phone("move", {"lot_id": hall.lot_id}),
        phone("juggle", {}),
        phone("move", {"lot_id": 10**15, "from_place_id": hall.shelf, "to_place_id": hall.other_shelf, "quantity": 1}),
    ]
    outcomes, _ = counted([good[0], *bad, good[1], *moves(phone, hall, [1])])
    assert outcomes == ["applied", "rejected", "rejected", "rejected", "applied", "applied"]
    assert books(work, hall)[:2] == (97, 3)


def test_a_batch_in_which_nothing_can_be_done_is_not_done_twice_over(work, hall, counted):
    outcomes, transactions = counted(moves(Phone(), hall, [999] * 40))
    assert outcomes == ["rejected"] * 40
    assert transactions <= 1 + 3 + 2 * 40
    assert books(work, hall) == (100, 0, 40, 0)


def test_a_lot_that_is_blocked_between_two_operations_is_blocked_for_the_second(work, hall, counted):
    from app.stock import service

    @operations.operation("test_block", lambda payload: payload)
    def block(uow, *, operation_id, happened_at, late, lot_id):
        service.change_lot_state(uow, lot_id=lot_id, state="blocked", reason="test")
        return operations.Done({})

    try:
        phone = Phone()
        leave = {"lot_id": hall.lot_id, "from_place_id": hall.shelf, "to_place_id": hall.van, "quantity": 1}
        outcomes, _ = counted(
            [phone("load", leave), phone("test_block", {"lot_id": hall.lot_id}), phone("load", leave)]
        )
        assert outcomes == ["applied", "applied", "rejected"]
    finally:
        del operations.KINDS["test_block"]


def test_a_fault_at_the_end_of_the_transaction_leaves_each_its_own_answer(work, hall, counted, superuser_url):
    import psycopg

    batch = moves(Phone(), hall, [1, 2, 3])
    with psycopg.connect(superuser_url, autocommit=True) as database:
        database.execute(
            "CREATE FUNCTION stop_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'not this one' USING ERRCODE = 'check_violation'; END $$"
        )
        database.execute(
            "CREATE CONSTRAINT TRIGGER stop_it AFTER INSERT ON operation DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
            f"WHEN (NEW.id = '{batch[1]['operation_id']}' AND NEW.outcome = 'applied') EXECUTE FUNCTION stop_it()"
        )
    outcomes, _ = counted(batch)
    assert outcomes == ["applied", "rejected", "applied"]
    assert books(work, hall)[:2] == (96, 4)
    with work() as uow:
        assert uow.session.scalar(text("SELECT count(*) FROM operation")) == 3
    assert uuid4()


@pytest.fixture
def written(sessions):
    """Count statements that write movements."""
    statements = []
    engine = sessions.kw["bind"]

    def note(_connection, _cursor, statement, *_):
        if "INSERT INTO movement" in statement:
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_moves_of_one_transaction_are_written_in_one_statement(work, hall, counted, written):
    outcomes, _ = counted(moves(Phone(), hall, [1] * 25))
    assert outcomes == ["applied"] * 25
    assert len(written) == 1
    assert books(work, hall) == (75, 25, 25, 25)


def test_what_waits_is_written_before_anybody_reads_the_stock(work, hall, counted, written):
    phone = Phone()
    away = moves(phone, hall, [99, 1])
    pick = phone("pick_item", {"item_id": hall.item_id, "quantity": 60, "to_place_id": hall.staging})
    back = phone("reverse", {"reversed_operation_id": away[1]["operation_id"], "reason": "wrong shelf"})
    again = moves(phone, hall, [1])
    outcomes, _ = counted([*away, pick, back, *again])
    assert outcomes == ["applied"] * 5
    assert len(written) == 4, "two moves together, the picking, the way back, the last move"
    with work() as uow:
        assert [on_hand(uow, hall.lot_id, place) for place in (hall.shelf, hall.other_shelf, hall.staging)] == [
            0,
            40,
            60,
        ]
        assert queries.verify(uow.session).holds


def test_movements_keep_the_order_in_which_they_were_made(work, hall, counted):
    counted(moves(Phone(), hall, [1, 2, 3, 4, 5]))
    with work() as uow:
        made = uow.session.scalars(select(Movement.quantity).where(Movement.kind == "move").order_by(Movement.id))
        assert list(made) == [1, 2, 3, 4, 5]
