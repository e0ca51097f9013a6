import re
from pathlib import Path

import pytest

from app.audit import queries
from app.audit.words import DEEDS, KINDS
from app.foundation.actor import Actor, Scope
from app.foundation.errors import NotAllowed, NotFound
from tests import builders

ROOT = Path(__file__).resolve().parents[2]


def test_the_journal_is_read_newest_first_in_pages_that_skip_nothing(work):
    with work() as uow:
        for number in range(7):
            uow.record("need.closed", subject=("need", number), number=number)
    with work() as uow:
        first = queries.journal(uow.session, uow.actor, size=4)
        second = queries.journal(uow.session, uow.actor, size=4, after=first.next_after)
    assert [line.subject_id for line in [*first.rows, *second.rows]] == [6, 5, 4, 3, 2, 1, 0]
    assert second.next_after is None


def test_deeds_are_found_by_kind_role_person_thing_and_day(work):
    with work() as uow:
        builders.a_user(uow, "admin")
        anna = builders.a_user(uow, "dispatcher", name="Anna")
        anna_id = anna.id
    with work(Actor(anna_id, "Anna", "dispatcher")) as uow:
        uow.record("plan.published", subject=("plan", 7))
    with work() as uow:
        uow.record("need.closed", subject=("need", 1))
    with work() as uow:

        def found(**asked):
            return [line.deed for line in queries.journal(uow.session, uow.actor, **asked).rows]

        assert found(deed="plan") == ["plan.published"]
        assert found(deed="need.closed") == ["need.closed"]
        assert found(role="dispatcher") == ["plan.published"]
        assert found(person_id=anna_id) == ["plan.published"]
        assert found(subject=("need", 1)) == ["need.closed"]
        assert found(on=uow.now.date()) == ["need.closed", "plan.published"]
        assert found(deed="nothing_like_it") == []
        assert queries.deed_kinds(uow.session) == ["need", "plan"]


def test_who_may_not_read_the_journal_is_refused(work):
    with work(Actor(1, "Nobody", "partner")) as uow, pytest.raises(NotAllowed):
        queries.journal(uow.session, uow.actor)


def test_a_person_sees_own_jobs_and_an_admin_all(work):
    person = Actor(5, "Anna", "dispatcher", {"jobs.read": Scope.OWN}, {Scope.OWN: (5,)})
    with work() as uow:
        theirs = uow.promise("planning.solve", plan_id=1)
        uow.session.flush()
        theirs_id = theirs.id
    with work(person) as uow:
        uow.promise("planning.solve", plan_id=2)
    with work(person) as uow:
        assert [job.arguments["plan_id"] for job in queries.jobs(uow.session, person).rows] == [2]
        with pytest.raises(NotFound):
            queries.job(uow.session, person, theirs_id)
    with work() as uow:
        assert len(queries.jobs(uow.session, uow.actor, state="open").rows) == 2
        assert queries.job_counts(uow.session, uow.actor) == {"open": 2, "failed": 0}


def recorded_deeds():
    """Return every deed that the program writes down by a plain name."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        yield from re.findall(r'\brecord\(\s*"([a-z_]+\.[a-z_]+)"', path.read_text(encoding="utf-8"))


def test_every_deed_has_a_sentence():
    assert not sorted(set(recorded_deeds()) - set(DEEDS))
    assert not sorted({deed.partition(".")[0] for deed in recorded_deeds()} - set(KINDS))
