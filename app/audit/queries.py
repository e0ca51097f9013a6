"""Reads of the journal and of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, func, not_, select
from sqlalchemy.orm import Session

from app.accounts.models import User
from app.foundation import job_life
from app.foundation.actor import Actor, Scope
from app.foundation.clock import HOME
from app.foundation.errors import NotFound
from app.foundation.job import Job, JobState
from app.foundation.journal import JournalEntry
from app.foundation.paging import Page, page

OPEN = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class JournalLine:
    """A deed and who did it."""

    id: int
    at: datetime
    actor_id: int | None
    actor_name: str | None
    actor_role: str
    deed: str
    subject_kind: str | None
    subject_id: int | None
    details: dict[str, Any]


def journal(
    session: Session,
    actor: Actor,
    *,
    deed: str | None = None,
    role: str | None = None,
    person_id: int | None = None,
    subject: tuple[str, int] | None = None,
    on: date | None = None,
    after: str | None = None,
    size: int = 50,
) -> Page[JournalLine]:
    """Return deeds, newest first. ``deed`` is a whole name or the part before its dot. One SQL statement."""
    actor.require("journal.read")
    statement = select(
        JournalEntry.id,
        JournalEntry.at,
        JournalEntry.actor_id,
        User.name.label("actor_name"),
        JournalEntry.actor_role,
        JournalEntry.deed,
        JournalEntry.subject_kind,
        JournalEntry.subject_id,
        JournalEntry.details,
    ).outerjoin(User, User.id == JournalEntry.actor_id)
    if deed:
        exact = "." in deed
        statement = statement.where(
            JournalEntry.deed == deed if exact else JournalEntry.deed.startswith(f"{deed}.", autoescape=True)
        )
    if role:
        statement = statement.where(JournalEntry.actor_role == role)
    if person_id is not None:
        statement = statement.where(JournalEntry.actor_id == person_id)
    if subject is not None:
        statement = statement.where(JournalEntry.subject_kind == subject[0], JournalEntry.subject_id == subject[1])
    if on is not None:
        # Up to its last instant, not before the next day: the last day of the calendar has none.
        begins, ends = datetime.combine(on, time(), HOME), datetime.combine(on, time.max, HOME)
        statement = statement.where(JournalEntry.at.between(begins, ends))
    found = page(session, statement, order=[JournalEntry.id], after=after, size=size, descending=True)
    return Page([JournalLine(*row) for row in found.rows], found.next_after)


def deed_kinds(session: Session) -> list[str]:
    """Return the first parts of all deeds, by a walk over the index that touches each kind once."""
    kinds: list[str] = []
    last = ""
    while True:
        found = session.scalar(select(func.min(JournalEntry.deed)).where(JournalEntry.deed > last))
        if found is None or len(kinds) > 60:
            return kinds
        kind = found.partition(".")[0]
        kinds.append(kind)
        last = f"{kind}/"  # "/" follows "." in the order of letters


def visible_jobs(actor: Actor) -> Select[Any]:
    """Return the select of the jobs this person may see: all, or those they asked for."""
    actor.require("jobs.read")
    statement = select(Job)
    if actor.grants["jobs.read"] is not Scope.ALL:
        statement = statement.where(Job.promised_by_id == actor.id)
    return statement


def jobs(
    session: Session,
    actor: Actor,
    *,
    state: str | None = None,
    but_idle: Sequence[str] = (),
    after: str | None = None,
    size: int = 50,
) -> Page[Job]:
    """Return jobs, newest first; ``state`` is a state, or "open" for those that wait or run.

    Routine work of the names ``but_idle`` is left out where it found nothing to do.
    """
    statement = visible_jobs(actor)
    if but_idle:
        statement = statement.where(not_(job_life.idle(but_idle)))
    if state == "open":
        statement = statement.where(Job.state.in_(OPEN))
    elif state:
        statement = statement.where(Job.state == state)
    return page(session, statement, order=[Job.id], after=after, size=size, descending=True)


def job_counts(session: Session, actor: Actor) -> dict[str, int]:
    """Return how many jobs are open and how many failed in the last week."""
    open_jobs = visible_jobs(actor).where(Job.state.in_(OPEN)).with_only_columns(func.count()).order_by(None)
    failed = (
        visible_jobs(actor)
        .where(Job.state == JobState.FAILED, Job.finished_at > func.now() - timedelta(days=7))
        .with_only_columns(func.count())
    )
    return {"open": session.scalar(open_jobs) or 0, "failed": session.scalar(failed) or 0}


def job(session: Session, actor: Actor, job_id: int) -> Job:
    """Return one job that this person may see."""
    found: Job | None = session.scalar(visible_jobs(actor).where(Job.id == job_id))
    if found is None:
        raise NotFound
    return found
