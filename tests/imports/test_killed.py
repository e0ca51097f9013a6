"""A job that is killed in the middle of writing is run again, and what it writes is written once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.foundation import job_life
from app.imports import queries, service
from tests.imports.conftest import as_csv
from tests.imports.test_catalogue import HEADING, ROWS, items
from tests.imports.test_opening_stock import GOOD, everything

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def killed_at(work, sessions, database_url, run_jobs):
    """Ask for a deed, let its job write everything but not commit, end it with kill -9; then take the job back."""

    def do(deed, import_id):
        with work() as uow:
            getattr(service, deed)(uow, import_id=import_id)
            uow.session.flush()
            job_id = queries.job_of(uow.session, import_id).id
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.imports.interrupted", database_url, str(job_id)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert any("written" in line for line in process.stdout), "it came to the middle"
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
        return job_id

    return do


def again(sessions, job_id):
    with sessions.begin() as session:
        assert job_life.take_back(session, silent_seconds=-5) == [job_id]


def test_an_opening_stock_killed_in_the_middle_is_loaded_once(work, sessions, taken_in, killed_at, run_jobs, the):
    import_id = taken_in(as_csv(GOOD))
    job_id = killed_at("load", import_id)
    assert everything(work) == (0, 0, 0), "nothing half done is seen"
    assert the(import_id).state == "loading"
    again(sessions, job_id)
    assert run_jobs() == [("imports.load", "done", {"rows": 4})]
    assert the(import_id).state == "loaded"
    assert everything(work) == (4, 4, 1_235_754)
    job_id = killed_at("reverse", import_id)
    assert everything(work) == (4, 4, 1_235_754)
    again(sessions, job_id)
    run_jobs()
    assert everything(work) == (4, 8, 0)


def test_a_catalogue_killed_in_the_middle_is_loaded_once(work, sessions, taken_in, killed_at, run_jobs, the):
    before = items(work)
    import_id = taken_in(as_csv(ROWS, heading=HEADING), kind="catalogue")
    job_id = killed_at("load", import_id)
    assert items(work) == before
    again(sessions, job_id)
    run_jobs()
    assert the(import_id).state == "loaded"
    assert len(items(work)[0]) == len(before[0]) + 1
    assert len(items(work)[1]) == len(before[1]) + 2


def test_a_job_that_came_to_nothing_lets_the_person_go_on(work, sessions, taken_in, run_jobs, the):
    import_id = taken_in(as_csv(GOOD))
    with work() as uow:
        service.load(uow, import_id=import_id)
        uow.session.flush()
        job_id = queries.job_of(uow.session, import_id).id
    with work() as uow:
        job_life.cancel(uow, job_id=job_id)
    with work() as uow:
        assert service.load(uow, import_id=import_id).state == "loading"
    run_jobs()
    assert the(import_id).state == "loaded"
    assert everything(work)[0] == 4
