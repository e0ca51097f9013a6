"""Routine work: what found nothing to do is not in the way, and its rows do not pile up."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.factory import create_app
from app.foundation import job_life, job_queue
from app.foundation.errors import Conflict
from app.foundation.job import Job, PeriodicRun
from app.foundation.unit_of_work import unit_of_work
from app.foundation.words import say
from tests.conftest import EVERYTHING


@pytest.fixture
def results(monkeypatch):
    """What the routine jobs of this test return, in turn: one each minute, one that nobody asked the clock for."""
    given = []

    def work(run):
        result = given.pop(0)
        if result == "failed":
            raise Conflict(say("There is nothing to count."))
        return result

    minute = job_queue.Registered("sample.minute", work, say("Each minute"), every=timedelta(minutes=1))
    asked = job_queue.Registered("sample.asked", work, say("Asked for"))
    monkeypatch.setattr(job_queue, "JOBS", {"sample.minute": minute, "sample.asked": asked})
    return given


@pytest.fixture
def run(sessions, results):
    """Return ``run(name, result)``: do a job to its end, and return its number."""

    def work(name, result):
        results.append(result)
        with unit_of_work(sessions, EVERYTHING) as uow:
            job = uow.promise(name)
            uow.session.flush()
            job_id = job.id
        with sessions.begin() as session:
            taken = job_life.take(session, job_id)
        worker = job_queue.Worker(lambda: sessions, EVERYTHING, ring=lambda job_ids: None)
        job_queue.run_taken(worker, sessions, taken)
        return job_id

    return work


@pytest.fixture
def ask(settings, sessions):
    app = create_app(settings, sessions=sessions, identify=lambda: EVERYTHING, ring=lambda ids: None)
    app.config["TESTING"] = True
    return app.test_client()


def test_routine_work_that_did_nothing_is_listed_only_when_it_is_asked_for(ask, run):
    idle = run("sample.minute", {"seals": 0, "heads": {}})
    nothing = run("sample.minute", None)
    busy = run("sample.minute", {"seals": 2})
    asked = run("sample.asked", {"lines": 0})

    def listed(query=""):
        return {job["id"] for job in ask.get(f"/api/v1/jobs{query}").json["items"]}

    assert listed() == {busy, asked}
    assert listed("?state=done") == {busy, asked}
    assert listed("?idle=true") == {idle, nothing, busy, asked}
    assert ask.get("/jobs?lang=en").text.count("Each minute") == 1
    assert ask.get("/jobs?lang=en&idle=1").text.count("Each minute") == 3
    assert ask.get(f"/jobs/{idle}").status_code == 200


def test_a_routine_job_that_failed_is_always_seen(ask, run):
    failed = run("sample.minute", "failed")
    assert [job["id"] for job in ask.get("/api/v1/jobs").json["items"]] == [failed]


def test_old_rows_of_routine_work_are_cleared_and_no_others(sessions, work, run):
    ids = {
        "idle": run("sample.minute", {"seals": 0}),
        "busy": run("sample.minute", {"seals": 2}),
        "asked": run("sample.asked", None),
        "failed": run("sample.minute", "failed"),
    }

    def left_after(age):
        with sessions.begin() as session:
            session.execute(update(Job).values(finished_at=Job.finished_at - age))
        with work() as uow:
            job_life.tidy_up(uow, job_queue.routine_names())
        with work() as uow:
            left = set(uow.session.scalars(select(Job.id)))
        return {name for name, job_id in ids.items() if job_id in left}

    assert left_after(timedelta(hours=23)) == {"idle", "busy", "asked", "failed"}
    assert left_after(timedelta(hours=2)) == {"busy", "asked", "failed"}
    assert left_after(timedelta(days=91)) == {"asked", "failed"}


def test_slots_long_past_are_cleared_and_the_present_one_is_not_taken_again(sessions, work, clock, results):
    assert len(job_queue.promise_periodic(sessions, EVERYTHING, clock.now)) == 1
    with sessions.begin() as session:
        session.add(PeriodicRun(name="sample.minute", slot=clock.now - timedelta(days=400)))
    with work() as uow:
        assert job_life.tidy_up(uow, ["sample.minute"])["slots"] >= 1
    assert job_queue.promise_periodic(sessions, EVERYTHING, clock.now) == []


def test_the_sealing_of_each_minute_and_its_clearing_are_routine():
    from app.factory import load_jobs

    load_jobs()
    assert {"stock.seal_ledger", "stock.expire_reservations", "audit.tidy_jobs"} <= set(job_queue.routine_names())
    assert "planning.solve" not in job_queue.routine_names()
