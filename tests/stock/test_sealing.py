"""The chain of seals: whoever rewrites the ledger by force, with every right in the database, is found and named."""

import hashlib
import os
import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import ProgrammingError

from app.foundation.actor import Scope
from app.foundation.errors import NotAllowed
from app.foundation.journal import JournalEntry
from app.stock import sealing
from app.stock.models import LedgerSeal, Movement
from app.stock.sealing import Breach
from tests.stock.conftest import build_hall, move

ROOT = Path(__file__).resolve().parents[2]
WORKS = {"ledger.verify": Scope.WAREHOUSE}


@pytest.fixture
def sealed(work, hall, clock):
    """Three seals of the hall, of one, two and three movements."""
    sealing_at(work)
    for number in (2, 3):
        clock.now += timedelta(minutes=1)
        with work() as uow:
            for _ in range(number):
                move(uow, hall, 1, hall.shelf, hall.other_shelf)
        sealing_at(work)
    return hall


def sealing_at(work):
    with work() as uow:
        return sealing.seal(uow)


def proof(work, warehouse_ids=None):
    with work() as uow:
        return sealing.verify_chain(uow.session, warehouse_ids)


def by_force(superuser_url, statement, *values, ledger=True):
    """Do what only somebody with the whole database in hand can do."""
    with psycopg.connect(superuser_url) as database:
        if ledger:
            database.execute("ALTER TABLE movement DISABLE TRIGGER movement_only_grows")
        database.execute(statement, values)
        if ledger:
            database.execute("ALTER TABLE movement ENABLE ALWAYS TRIGGER movement_only_grows")


def seals_of(work, warehouse_id):
    with work() as uow:
        statement = select(LedgerSeal).where(LedgerSeal.warehouse_id == warehouse_id).order_by(LedgerSeal.number)
        return list(uow.session.scalars(statement))


def test_every_movement_is_sealed_once_and_the_chain_holds(work, sealed):
    found = proof(work)
    assert (found.holds, found.seals, found.movements, found.waiting) == (True, 3, 6, 0)
    assert [len(seal.movement_ids) for seal in seals_of(work, sealed.warehouse_id)] == [1, 2, 3]
    again = sealing_at(work)
    assert (again.seals, again.movements, again.heads) == (0, 0, [])


def test_the_chain_can_be_computed_by_anybody_from_the_ledger_alone(work, sealed):
    with work() as uow:
        movements = {each.id: each for each in uow.session.scalars(select(Movement))}
    before = hashlib.sha256(struct.pack(">q", sealed.warehouse_id)).digest()
    for seal in seals_of(work, sealed.warehouse_id):
        digests = b"".join(digest(movements[each]) for each in seal.movement_ids)
        before = hashlib.sha256(before + digests).digest()
        assert (seal.digests, seal.hash) == (digests, before)


def digest(movement):
    """What sealing.py describes, in other words: big-endian numbers, microseconds since 2000, the kind at the end."""

    def moment(at):
        return round((at - datetime(2000, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))

    numbers = (movement.line, movement.lot_id, movement.from_place_id, movement.to_place_id, movement.quantity)
    whole = struct.pack(">q", movement.id) + movement.operation_id.bytes + struct.pack(">5q", *numbers)
    times = struct.pack(">3q", moment(movement.happened_at), moment(movement.recorded_at), movement.reverses_id or 0)
    return hashlib.sha256(whole + struct.pack(">q", movement.warehouse_id) + times + movement.kind.encode()).digest()[
        :16
    ]


def test_one_flipped_bit_of_a_quantity_is_found_and_the_movement_is_named(work, sealed, superuser_url):
    """A8."""
    victim = seals_of(work, sealed.warehouse_id)[1].movement_ids[1]
    by_force(superuser_url, "UPDATE movement SET quantity = quantity # 2 WHERE id = %s", victim)
    found = proof(work)
    assert found.breaches == (Breach("changed", sealed.warehouse_id, 2, victim),)
    assert [chain.breaches for chain in found.chains if chain.warehouse_id == sealed.warehouse_id] == [1]


@pytest.mark.parametrize(
    "change",
    [
        "lot_id = lot_id + 1",
        "kind = 'pick'",
        "happened_at = happened_at + interval '1 microsecond'",
        "recorded_at = recorded_at - interval '1 day'",
        "operation_id = gen_random_uuid()",
        "from_place_id = to_place_id, to_place_id = from_place_id",
        "line = line + 1",
        "reverses_id = id - 1",
    ],
)
def test_whatever_is_changed_in_a_movement_is_found(work, sealed, superuser_url, change):
    with work() as uow:
        build_hall(uow)
    victim = seals_of(work, sealed.warehouse_id)[2].movement_ids[0]
    by_force(superuser_url, f"UPDATE movement SET {change} WHERE id = %s", victim)
    assert proof(work).breaches == (Breach("changed", sealed.warehouse_id, 3, victim),)


def test_a_movement_given_to_another_warehouse_is_found(work, sealed, superuser_url):
    with work() as uow:
        other = build_hall(uow)
    sealing_at(work)
    victim = seals_of(work, sealed.warehouse_id)[1].movement_ids[0]
    by_force(superuser_url, "UPDATE movement SET warehouse_id = %s WHERE id = %s", other.warehouse_id, victim)
    assert proof(work).breaches == (Breach("changed", sealed.warehouse_id, 2, victim),)


def test_a_movement_taken_away_is_named(work, sealed, superuser_url):
    victim = seals_of(work, sealed.warehouse_id)[2].movement_ids[1]
    by_force(superuser_url, "DELETE FROM movement WHERE id = %s", victim)
    assert proof(work).breaches == (Breach("missing", sealed.warehouse_id, 3, victim),)


def test_a_movement_slipped_in_under_an_old_number_is_named_and_never_sealed(work, sealed, superuser_url, clock):
    clock.now += timedelta(hours=2)
    with work() as uow:
        move(uow, sealed, 1, sealed.other_shelf, sealed.shelf)
    sealing_at(work)
    by_force(
        superuser_url,
        "INSERT INTO movement (id, operation_id, line, lot_id, from_place_id, to_place_id, quantity, kind, happened_at,"
        " recorded_at, warehouse_id, county_id) OVERRIDING SYSTEM VALUE"
        " SELECT -5, gen_random_uuid(), 0, lot_id, from_place_id, to_place_id, quantity, kind, happened_at,"
        " recorded_at, warehouse_id, county_id FROM movement ORDER BY id LIMIT 1",
    )
    assert sealing_at(work).movements == 0
    assert proof(work).breaches == (Breach("inserted", sealed.warehouse_id, None, -5),)


@pytest.mark.parametrize("column", ["digests", "hash"])
def test_one_flipped_bit_of_a_seal_is_found(work, sealed, superuser_url, column):
    by_force(
        superuser_url,
        f"UPDATE ledger_seal SET {column} = set_bit({column}, 7, 1 - get_bit({column}, 7)) WHERE number = 2",
        ledger=False,
    )
    breaches = proof(work).breaches
    assert Breach("seal_changed", sealed.warehouse_id, 2) in breaches
    first = seals_of(work, sealed.warehouse_id)[1].movement_ids[0]
    assert (Breach("changed", sealed.warehouse_id, 2, first) in breaches) == (column == "digests")


def test_a_seal_rewritten_to_fit_a_changed_movement_breaks_the_link_after_it(work, sealed, superuser_url):
    victim = seals_of(work, sealed.warehouse_id)[1].movement_ids[0]
    by_force(superuser_url, "UPDATE movement SET quantity = 7 WHERE id = %s", victim)
    with work() as uow:
        movements = {each.id: each for each in uow.session.scalars(select(Movement))}
    first, second, _ = seals_of(work, sealed.warehouse_id)
    digests = b"".join(digest(movements[each]) for each in second.movement_ids)
    by_force(
        superuser_url,
        "UPDATE ledger_seal SET digests = %s, hash = %s WHERE number = 2",
        digests,
        sealing.link(first.hash, digests),
        ledger=False,
    )
    breaches = proof(work).breaches
    assert Breach("seal_changed", sealed.warehouse_id, 3) in breaches
    assert Breach("head_differs", sealed.warehouse_id, 2) in breaches


def test_the_last_seal_cut_off_with_its_movements_is_noticed_by_the_journal(work, sealed, superuser_url):
    last = seals_of(work, sealed.warehouse_id)[-1]
    by_force(superuser_url, "DELETE FROM movement WHERE id = ANY (%s)", last.movement_ids)
    by_force(superuser_url, "DELETE FROM ledger_seal WHERE id = %s", last.id, ledger=False)
    assert proof(work).breaches == (Breach("seal_missing", sealed.warehouse_id, 3),)


def test_a_last_seal_made_anew_differs_from_what_was_published(work, sealed, superuser_url):
    last = seals_of(work, sealed.warehouse_id)[-1]
    by_force(superuser_url, "DELETE FROM movement WHERE id = %s", last.movement_ids[0])
    by_force(superuser_url, "DELETE FROM ledger_seal WHERE id = %s", last.id, ledger=False)
    assert sealing_at(work).movements == 2
    assert proof(work).breaches == (Breach("head_differs", sealed.warehouse_id, 3),)


def test_a_seal_taken_out_of_the_middle_is_named(work, sealed, superuser_url):
    by_force(superuser_url, "DELETE FROM ledger_seal WHERE number = 2", ledger=False)
    assert Breach("seal_missing", sealed.warehouse_id, 2) in proof(work).breaches


def test_a_movement_that_commits_after_a_higher_number_is_sealed_all_the_same(work, hall):
    with work() as slow:
        move(slow, hall, 1, hall.shelf, hall.other_shelf)
        with work() as quick:
            other = build_hall(quick)
        assert sealing_at(work).movements == 2
    assert sealing_at(work).movements == 1
    found = proof(work)
    assert (found.holds, found.movements, found.waiting) == (True, 3, 0)
    assert seals_of(work, hall.warehouse_id)[-1].movement_ids < seals_of(work, other.warehouse_id)[-1].movement_ids


def test_many_movements_make_several_seals_at_once(work, hall, monkeypatch):
    with work() as uow:
        for _ in range(6):
            move(uow, hall, 1, hall.shelf, hall.other_shelf)
    whole = sealing._TO_SEAL.text
    monkeypatch.setattr(sealing, "_TO_SEAL", text(whole.replace(f"/ {sealing.SEAL_MOVEMENTS_MAX}", "/ 3")))
    assert (sealing_at(work).seals, proof(work).holds) == (3, True)


def test_what_waits_is_counted_and_a_long_wait_is_noticed(work, sealed, clock):
    with work() as uow:
        move(uow, sealed, 1, sealed.shelf, sealed.other_shelf)
    found = proof(work)
    assert (found.holds, found.waiting, found.behind(clock.now)) == (True, 1, False)
    assert found.behind(clock.now + timedelta(minutes=6))


def test_each_head_stands_in_the_journal_without_anything_personal(work, sealed):
    with work() as uow:
        entries = list(uow.session.scalars(select(JournalEntry).where(JournalEntry.deed == sealing.SEALED)))
    head = seals_of(work, sealed.warehouse_id)[-1]
    assert [entry.details["number"] for entry in entries] == [1, 2, 3]
    assert entries[-1].details == {"number": 3, "hash": head.hash.hex()}


def test_the_application_can_add_seals_and_neither_change_nor_remove_them(work, sealed):
    for statement in ("UPDATE ledger_seal SET number = 9", "DELETE FROM ledger_seal", "TRUNCATE ledger_seal"):
        with pytest.raises(ProgrammingError, match="permission denied"), work() as uow:
            uow.session.execute(text(statement))


def test_a_manager_checks_the_chain_of_the_own_warehouse_only_and_a_worker_none(work, sealed, superuser_url):
    with work() as uow:
        other = build_hall(uow)
    sealing_at(work)
    by_force(superuser_url, "UPDATE movement SET quantity = 3 WHERE warehouse_id = %s", other.warehouse_id)
    with work(sealed.worker("warehouse_manager", **WORKS)) as uow:
        found = sealing.verify(uow)
    assert ([chain.warehouse_id for chain in found.chains], found.holds) == ([sealed.warehouse_id], True)
    with work(sealed.worker()) as uow, pytest.raises(NotAllowed):
        sealing.verify(uow)
    with work(sealed.worker("warehouse_manager", **WORKS)) as uow, pytest.raises(NotAllowed):
        sealing.seal(uow)


def test_sealing_and_checking_cost_the_same_number_of_statements_whatever_the_ledger_holds(work, sealed, sessions):
    with work() as uow:
        few = counted(uow, sealing.verify)
    with work() as uow:
        for _ in range(5):
            build_hall(uow)
    with work() as uow:
        before = counted(uow, sealing.seal)
    with work() as uow:
        assert counted(uow, sealing.verify) == few <= 12
    assert before <= 12


def counted(uow, deed):
    statements = []
    engine = uow.session.get_bind()

    def note(*arguments):
        statements.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    deed(uow)
    uow.session.flush()
    event.remove(engine, "before_cursor_execute", note)
    return len(statements)


def test_the_script_ends_with_0_where_the_chain_is_whole_and_with_1_and_the_movement_where_not(
    sealed, work, database_url, superuser_url
):
    def script():
        environment = {**os.environ, "DATABASE_URL": database_url}
        command = [sys.executable, ROOT / "scripts/verify_ledger"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    whole = script()
    assert (whole.returncode, "the chain is unbroken" in whole.stdout) == (0, True), whole.stderr
    head = seals_of(work, sealed.warehouse_id)[-1]
    assert head.hash.hex() in whole.stdout
    victim = seals_of(work, sealed.warehouse_id)[1].movement_ids[0]
    by_force(superuser_url, "UPDATE movement SET recorded_at = recorded_at + interval '1 day' WHERE id = %s", victim)
    broken = script()
    assert (broken.returncode, f"movement {victim}: changed" in broken.stdout) == (1, True), broken.stdout
