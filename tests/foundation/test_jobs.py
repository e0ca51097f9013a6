"""Jobs: each promise is kept once, whatever is killed, wiped, hung or unplugged."""

import contextlib
import os
import shutil
import signal
import socket
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from app.foundation import child, job_life, job_queue
from app.foundation.actor import Actor, Scope
from app.foundation.errors import Conflict, NotAllowed, NotFound
from app.foundation.job import Job, JobState
from app.foundation.job_life import FenceLost
from app.foundation.journal import JournalEntry
from app.foundation.unit_of_work import unit_of_work
from app.foundation.words import say
from scripts.local import servers, supervisor
from tests.conftest import EVERYTHING
from tests.foundation import sample_jobs  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
QUEUED = int(os.environ.get("TORTURE_QUEUED", "60"))
"""Jobs that wait while Redis is wiped; 1,000 take some minutes."""
ROUNDS = int(os.environ.get("TORTURE_ROUNDS", "1"))
"""How often each way of killing a worker is tried."""


@pytest.fixture
def worker(sessions):
    return job_queue.Worker(make_sessions=lambda: sessions, actor=EVERYTHING, ring=lambda ids: None)


@pytest.fixture
def promise(sessions):
    def make(name, count=1, **arguments):
        with unit_of_work(sessions, EVERYTHING) as uow:
            jobs = [uow.promise(name, **arguments) for _ in range(count)]
            uow.session.flush()
            return [job.id for job in jobs] if count > 1 else jobs[0].id

    return make


@pytest.fixture
def the(sessions):
    """Read a job's row."""

    def read(job_id):
        with sessions() as session:
            return session.get_one(Job, job_id)

    return read


def run_here(worker, sessions, job_id):
    with sessions.begin() as session:
        taken = job_life.take(session, job_id)
    job_queue.run_taken(worker, sessions, taken)


def counted(sessions):
    """How often each number was counted."""
    with sessions() as session:
        rows = session.scalars(select(JournalEntry).where(JournalEntry.deed == "sample.counted"))
        return [row.details["number"] for row in rows]


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@contextlib.contextmanager
def real_workers(settings, redis_url, count=1):
    """Workers as processes of their own."""
    env = os.environ | {"DATABASE_URL": settings.database_url, "REDIS_URL": redis_url, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.foundation.sample_jobs"]
    log = ROOT / ".var" / "test-workers.log"
    workers = [supervisor.Child("worker", command, env, log, signal.SIGKILL) for _ in range(count)]
    log.parent.mkdir(exist_ok=True)
    for worker in workers:
        worker.start()
    try:
        yield workers
    finally:
        for worker in workers:
            child.stop(worker.process, grace_seconds=0)


def horses_of(process):
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


# One job ------------------------------------------------------------------------------------------------------------


def test_a_promise_is_kept_and_its_result_is_read_from_the_row(worker, sessions, promise, the):
    job_id = promise("sample.count", number=7)
    run_here(worker, sessions, job_id)
    done = the(job_id)
    assert (done.state, done.progress, done.result, done.attempt) == ("done", 100, {"number": 7}, 1)
    assert counted(sessions) == [7]


def test_what_is_rolled_back_promises_nothing(sessions):
    with contextlib.suppress(RuntimeError), unit_of_work(sessions, EVERYTHING) as uow:
        uow.promise("sample.count", number=1)
        raise RuntimeError
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0


def test_two_workers_cannot_take_the_same_job(sessions, promise):
    job_id = promise("sample.count", number=1)
    taken = []

    def try_to_take():
        with sessions.begin() as session:
            taken.append(job_life.take(session, job_id))

    threads = [threading.Thread(target=try_to_take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each is not None for each in taken) == 1


def test_steps_are_listed_and_a_step_said_again_takes_its_own_place(worker, sessions, promise, the):
    job_id = promise("sample.steps")
    run_here(worker, sessions, job_id)
    assert [(each["progress"], each["step"]["text"], each["step"]["facts"]) for each in the(job_id).steps] == [
        (20, "Gathering %(count)s", {"count": 2}),
        (60, "Sorting", {}),
    ]


def test_a_fault_is_tried_three_times_then_left_to_a_person(worker, sessions, promise, the):
    job_id = promise("sample.stumble")
    for attempt in (1, 2, 3):
        run_here(worker, sessions, job_id)
        assert the(job_id).state == ("failed" if attempt == 3 else "queued")
    assert the(job_id).attempt == 3


def test_the_words_of_a_fault_are_kept_nowhere(worker, sessions, promise, the, capfd):
    from app.foundation import logs

    logs.configure()
    job_id = promise("sample.stumble")
    run_here(worker, sessions, job_id)
    told = str(the(job_id).error) + capfd.readouterr().err
    assert "RuntimeError" in told and "Csenyéte" not in told


def test_a_refusal_fails_at_once_and_says_why(worker, sessions, promise, the):
    job_id = promise("sample.refuse")
    run_here(worker, sessions, job_id)
    failed = the(job_id)
    assert (failed.state, failed.attempt, failed.error["text"]) == ("failed", 1, "There is nothing to count.")


def test_unknown_work_fails_with_a_sentence(worker, sessions, promise, the):
    job_id = promise("sample.of_a_later_version")
    run_here(worker, sessions, job_id)
    assert the(job_id).state == "failed"


def test_a_job_is_shown_to_the_reconciler_as_waiting_only_when_nobody_came(sessions, promise):
    promise("sample.count", number=1)
    with sessions() as session:
        assert job_life.waiting(session, seconds=60) == {}
        assert len(job_life.waiting(session, seconds=0)["work"]) == 1


# The fence (E4) -----------------------------------------------------------------------------------------------------


def test_an_orphan_can_write_nothing_once_its_job_was_taken_back(worker, sessions, promise, the):
    job_id = promise("sample.count", number=1)
    with sessions.begin() as session:
        orphan = job_queue.Run(job_life.take(session, job_id), sessions, worker)
    with sessions.begin() as session:
        assert job_life.take_back(session, silent_seconds=0) == [job_id]
    with pytest.raises(FenceLost), orphan.work() as uow:
        uow.record("sample.counted", number=1)
    with pytest.raises(FenceLost):
        orphan.progress(50, say("Still here"))
    job_queue.end(orphan, JobState.DONE, result={"number": 666})
    assert (the(job_id).state, the(job_id).result, counted(sessions)) == ("queued", None, [])
    run_here(worker, sessions, job_id)
    assert (the(job_id).state, the(job_id).attempt, counted(sessions)) == ("done", 2, [1])


def test_a_job_cannot_be_taken_back_while_its_last_write_commits(worker, sessions, promise, the):
    job_id = promise("sample.count", number=1)
    with sessions.begin() as session:
        attempt = job_queue.Run(job_life.take(session, job_id), sessions, worker)
    with unit_of_work(sessions, EVERYTHING) as uow:
        uow.record("sample.counted", number=1)
        uow.session.flush()
        job_life.hold(uow.session, job_id, attempt.taken.fence)
        with sessions.begin() as session:
            assert job_life.take_back(session, silent_seconds=0) == []


def test_what_falls_silent_three_times_is_left_to_a_person(sessions, promise, the):
    job_id = promise("sample.count", number=1)
    for again in ([job_id], [job_id], []):
        with sessions.begin() as session:
            assert job_life.take(session, job_id)
        with sessions.begin() as session:
            assert job_life.take_back(session, silent_seconds=0) == again
    assert (the(job_id).state, the(job_id).error["text"]) == ("failed", job_life.INTERRUPTED.text)


def test_a_living_job_is_not_taken_back(sessions, promise):
    job_id = promise("sample.count", number=1)
    with sessions.begin() as session:
        job_life.take(session, job_id)
    with sessions.begin() as session:
        assert job_life.take_back(session) == []


# Killed workers (E3) ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("_round", range(ROUNDS))
@pytest.mark.parametrize("victim", ["parent", "horse", "both"])
def test_a_killed_worker_costs_time_but_no_work(victim, _round, settings, sessions, promise, the, valkey_url):
    job_id = promise("sample.count", number=1, seconds=1.5)
    doorbell = job_queue.Doorbell(valkey_url)
    doorbell.ring([job_id])
    with real_workers(settings, valkey_url) as (worker,):
        first = worker.process
        wait_until(lambda: the(job_id).state == "running")
        (horse,) = horses_of(first)
        if victim in ("horse", "both"):
            os.kill(horse, signal.SIGKILL)
        if victim in ("parent", "both"):
            first.kill()
            first.wait()
            wait_until(lambda: not Path(f"/proc/{horse}").exists() or "Z" in Path(f"/proc/{horse}/stat").read_text(), 5)
        assert counted(sessions) == []
        wait_until(lambda: job_queue.reconcile(sessions, doorbell, silent_seconds=1.0) == 1)
        with real_workers(settings, valkey_url):
            wait_until(lambda: the(job_id).state == "done")
    assert counted(sessions) == [1]
    assert the(job_id).attempt == 2


def test_the_thinking_child_of_a_killed_worker_ends_too(settings, promise, the, valkey_url):
    job_id = promise("sample.think")
    job_queue.Doorbell(valkey_url).ring([job_id])
    with real_workers(settings, valkey_url) as (worker,):
        wait_until(lambda: the(job_id).step)
        thinker = Path(f"/proc/{the(job_id).step['facts']['pid']}")
        assert thinker.exists()
        worker.process.kill()
        worker.process.wait()
        wait_until(lambda: not thinker.exists() or thinker.joinpath("stat").read_text().split()[2] == "Z", 5)


# Stopping (R10) -----------------------------------------------------------------------------------------------------


def cancel(sessions, job_id, actor=EVERYTHING):
    with unit_of_work(sessions, actor) as uow:
        job_life.cancel(uow, job_id=job_id)


def test_a_job_that_waits_is_cancelled_at_once(sessions, promise, the):
    job_id = promise("sample.count", number=1)
    cancel(sessions, job_id)
    assert the(job_id).state == "cancelled"
    with sessions.begin() as session:
        assert job_life.take(session, job_id) is None
    with pytest.raises(Conflict):
        cancel(sessions, job_id)


def test_a_job_that_is_told_to_stop_may_keep_what_it_has(settings, sessions, promise, the, valkey_url):
    job_id = promise("sample.polite")
    job_queue.Doorbell(valkey_url).ring([job_id])
    with real_workers(settings, valkey_url):
        wait_until(lambda: the(job_id).step)
        cancel(sessions, job_id)
        wait_until(lambda: the(job_id).state == "done", 10)
    assert the(job_id).result == {"best": "so far"}


def test_a_job_that_does_not_listen_is_killed_with_its_process(settings, sessions, promise, the, valkey_url):
    job_id = promise("sample.deaf")
    job_queue.Doorbell(valkey_url).ring([job_id])
    with real_workers(settings, valkey_url) as (worker,):
        wait_until(lambda: the(job_id).step)
        (horse,) = horses_of(worker.process)
        cancel(sessions, job_id)
        wait_until(lambda: the(job_id).state == "cancelled", 10)
        wait_until(lambda: horse not in horses_of(worker.process), 10)


def test_only_who_may_can_stop_a_job(sessions, promise):
    job_id = promise("sample.count", number=1)
    stranger = Actor(2, "S", "dispatcher", {"jobs.read": Scope.OWN, "jobs.cancel": Scope.OWN}, {Scope.OWN: (2,)})
    with pytest.raises(NotFound):
        cancel(sessions, job_id, stranger)
    with pytest.raises(NotAllowed):
        cancel(sessions, job_id, Actor(3, "A", "auditor", {"jobs.read": Scope.ALL}))
    with pytest.raises(NotAllowed):
        cancel(sessions, job_id, Actor(3, "A", "auditor", {"jobs.read": Scope.ALL, "jobs.cancel": Scope.OWN}))


# Redis away, wiped, hung (E5, E6, E7) -------------------------------------------------------------------------------


def test_a_wiped_redis_is_whole_again_and_everything_runs_once(settings, sessions, promise):
    count = QUEUED
    with servers.fleeting_folder() as home:
        valkey = servers.Valkey(home)
        valkey.start()
        try:
            job_ids = [promise("sample.count", number=number) for number in range(count)]
            doorbell = job_queue.Doorbell(valkey.url)
            assert doorbell.ring(job_ids)
            with real_workers(settings, valkey.url, 2) as workers:
                supervise = supervisor.Supervisor(workers)
                wait_until(lambda: len(counted(sessions)) >= 3, 60)
                os.kill(valkey.process.pid, signal.SIGKILL)
                valkey.process.wait()
                shutil.rmtree(home / "valkey")
                valkey.start()
                with sessions.begin() as session:
                    session.execute(update(Job).values(promised_at=datetime.now(UTC) - timedelta(seconds=60)))
                doorbell.deaf_until = 0.0
                assert job_queue.reconcile(sessions, doorbell) > 0

                def look_after():
                    supervise.look()
                    job_queue.reconcile(sessions, doorbell, silent_seconds=15)
                    return len(counted(sessions)) == count

                wait_until(look_after, 90 + count)
        finally:
            valkey.stop()
    assert sorted(counted(sessions)) == list(range(count))


def test_ringing_twice_runs_once(settings, sessions, promise, the, valkey_url):
    job_id = promise("sample.count", number=1)
    doorbell = job_queue.Doorbell(valkey_url)
    for _ in range(5):
        doorbell.ring([job_id])
    last = promise("sample.count", number=2)
    doorbell.ring([last])
    with real_workers(settings, valkey_url):
        wait_until(lambda: the(last).state == "done")
    assert sorted(counted(sessions)) == [1, 2]


def test_without_redis_promises_are_taken_all_the_same_and_rung_for_later(sessions, tmp_path, valkey_url):
    away = job_queue.Doorbell(f"unix://{tmp_path}/nobody.sock")
    started = time.monotonic()
    with unit_of_work(sessions, EVERYTHING, after_commit=away.ring) as uow:
        uow.promise("sample.count", number=1)
    assert time.monotonic() - started < 1
    assert not away.answers()
    with sessions.begin() as session:
        session.execute(update(Job).values(promised_at=datetime.now(UTC) - timedelta(seconds=60)))
    assert job_queue.reconcile(sessions, away) == 0
    assert job_queue.reconcile(sessions, job_queue.Doorbell(valkey_url)) == 1
    assert job_queue.reconcile(sessions, job_queue.Doorbell(valkey_url)) == 0


def test_what_hangs_in_redis_is_not_rung_for_again(sessions, promise, valkey_url):
    doorbell = job_queue.Doorbell(valkey_url)
    doorbell.ring([promise("sample.count", number=1)])
    with sessions.begin() as session:
        session.execute(update(Job).values(promised_at=datetime.now(UTC) - timedelta(seconds=60)))
    assert job_queue.reconcile(sessions, doorbell) == 0


def test_a_redis_that_hangs_costs_less_than_a_second_and_the_next_request_nothing():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        doorbell = job_queue.Doorbell(f"redis://127.0.0.1:{mute.getsockname()[1]}/0")
        started = time.monotonic()
        assert not doorbell.ring([1])
        assert time.monotonic() - started < 1
        started = time.monotonic()
        assert not doorbell.ring([2])
        assert time.monotonic() - started < 0.01


# Periodic work ------------------------------------------------------------------------------------------------------


def test_periodic_work_is_promised_once_a_slot_whoever_asks(sessions, monkeypatch):
    known = job_queue.Registered("sample.hourly", lambda run: None, say("Hourly"), every=timedelta(hours=1))
    monkeypatch.setattr(job_queue, "JOBS", {"sample.hourly": known})
    now = datetime(2026, 11, 23, 11, 20, tzinfo=UTC)
    promised = []
    threads = [
        threading.Thread(target=lambda: promised.extend(job_queue.promise_periodic(sessions, EVERYTHING, now)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(promised) == 1
    assert job_queue.promise_periodic(sessions, EVERYTHING, now + timedelta(minutes=39)) == []
    assert len(job_queue.promise_periodic(sessions, EVERYTHING, now + timedelta(minutes=40))) == 1


def test_daily_work_follows_the_clock_of_budapest_over_summer_time():
    from datetime import time as clock_time

    daily = job_queue.Registered("d", lambda run: None, say("D"), daily_at=clock_time(2, 30))
    assert daily.slot(datetime(2026, 10, 25, 12, tzinfo=UTC)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert daily.slot(datetime(2026, 10, 26, 12, tzinfo=UTC)) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    assert daily.slot(datetime(2026, 10, 26, 1, 29, tzinfo=UTC)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_one_clock_leads_and_another_takes_over_when_it_is_gone(sessions):
    with job_queue.leadership(sessions) as second_leads:
        with job_queue.leadership(sessions) as first_leads:
            assert first_leads()
            assert first_leads()
            assert not second_leads()
        wait_until(second_leads, 5)
