"""Jobs and the journal by API: who sees which, how far they are, how they are stopped."""

import pytest

from app.factory import create_app
from app.foundation import job_life
from app.foundation.actor import Actor, Scope
from app.foundation.unit_of_work import unit_of_work
from app.foundation.words import say
from tests.conftest import EVERYTHING
from tests.foundation import sample_jobs  # noqa: F401


@pytest.fixture
def ask(settings, sessions):
    """Ask as somebody: `ask(actor).get(...)`."""

    def make(actor=EVERYTHING):
        app = create_app(settings, sessions=sessions, identify=lambda: actor, ring=lambda ids: None)
        app.config["TESTING"] = True
        return app.test_client()

    return make


@pytest.fixture
def job_id(sessions):
    with unit_of_work(sessions, EVERYTHING) as uow:
        job = uow.promise("sample.count", number=1)
        uow.session.flush()
        return job.id


DISPATCHER = Actor(2, "D", "dispatcher", {"jobs.read": Scope.OWN, "jobs.cancel": Scope.OWN}, {Scope.OWN: (2,)})


def test_a_running_job_tells_its_step_and_the_time_left(ask, sessions, job_id):
    with sessions.begin() as session:
        taken = job_life.take(session, job_id)
    with sessions.begin() as session:
        job_life.progress(session, job_id, taken.fence, 50, say("Sorting"))
    shown = ask().get(f"/api/v1/jobs/{job_id}").json
    assert (shown["state"], shown["progress"], shown["step"]) == ("running", 50, "Sorting")
    assert shown["seconds_left"] >= 1
    assert [step["said"] for step in shown["steps"]] == ["Sorting"]


def test_one_sees_the_jobs_one_has_asked_for_and_no_others(ask, sessions, job_id):
    with unit_of_work(sessions, DISPATCHER) as uow:
        uow.promise("sample.refuse")
    assert [job["name"] for job in ask(DISPATCHER).get("/api/v1/jobs").json["items"]] == ["sample.refuse"]
    assert ask(DISPATCHER).get(f"/api/v1/jobs/{job_id}").status_code == 404
    assert ask(DISPATCHER).post(f"/api/v1/jobs/{job_id}/stop").status_code == 404
    assert len(ask().get("/api/v1/jobs?state=open").json["items"]) == 2


def test_a_waiting_job_is_stopped_once(ask, job_id):
    assert ask().post(f"/api/v1/jobs/{job_id}/stop").json["state"] == "cancelled"
    again = ask().post(f"/api/v1/jobs/{job_id}/stop")
    assert (again.status_code, again.json["type"]) == (409, "conflict")
    assert [line["deed"] for line in ask().get("/api/v1/journal?subject_kind=job").json["items"]] == ["job.cancelled"]


def test_pages_of_jobs_follow_each_other_without_gaps(ask, sessions):
    with unit_of_work(sessions, EVERYTHING) as uow:
        for _ in range(5):
            uow.promise("sample.refuse")
    seen, after = [], ""
    while after is not None:
        page = ask().get(f"/api/v1/jobs?size=2&after={after}").json
        seen += [job["id"] for job in page["items"]]
        after = page["next_after"]
    assert len(seen) == 5 and seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("on", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_of_the_calendar_have_no_deeds(ask, on):
    answer = ask().get(f"/api/v1/journal?on={on}")
    assert (answer.status_code, answer.json["items"]) == (200, [])


def test_health_answers_and_figures_are_for_neighbours_only(ask):
    client = ask()
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready", "database": "ok", "redis": "away"}
    assert b"adomanybank_requests_total" in client.get("/metrics").data
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "8.8.8.8"}).status_code == 404


def test_without_its_database_it_is_not_ready_and_says_when_to_come_back(settings):
    from dataclasses import replace

    app = create_app(replace(settings, database_url="postgresql://nobody:none@127.0.0.1:1/none"))
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503 and answer.headers["Retry-After"]


def test_a_request_leaves_a_line_without_its_query_or_its_body(ask, capfd):
    ask().get("/api/v1/jobs?after=Feny%C5%91", json={"name": "Csenyéte"})
    told = capfd.readouterr().err
    assert '"route": "/api/v1/jobs"' in told
    assert "Feny" not in told and "Cseny" not in told


def test_the_journal_page_names_things_and_codes_as_people_do(ask, sessions):
    with unit_of_work(sessions, EVERYTHING) as uow:
        uow.record("signal.confirmed", subject=("signal", 1204))
        uow.record("allocation.proposed", subject=("allocation_run", 7))
    page = ask().get("/journal?lang=en").text
    assert "J-1204" in page and "Allocation proposal 7" in page
    assert "allocation_run 7" not in page
