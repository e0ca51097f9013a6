"""The life of a job as statements on its row. Times are the database's own, so machines need not agree on a clock.

Take: a worker makes a queued job its own, with a new fence.  Take back: a job whose worker fell silent is queued again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, literal, not_, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from app.foundation.errors import Conflict, NotAllowed, NotFound
from app.foundation.job import ENDED, Job, JobState, PeriodicRun
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say

ATTEMPTS_MAX = 3
SILENT_SECONDS = 30
RING_AGAIN_SECONDS = 5
"""A job that has waited this long without being in Redis is rung for again; with a look every 10 s, a wiped Redis is
whole again within 15 s."""

LEFT_FROM_PERCENT = 3
"""Before this, progress says too little about the time left."""

INTERRUPTED = say("It was interrupted three times: each time the machine or the process ended under it.")


class FenceLost(Exception):
    """Somebody else has this job now, or nobody should; what this worker still writes would be wrong."""


@dataclass(frozen=True)
class Taken:
    """A job that is ours."""

    id: int
    name: str
    arguments: dict[str, Any]
    fence: int
    attempt: int


def take(session: Session, job_id: int) -> Taken | None:
    """Make a queued job ours; None where a twin was quicker or it is no longer wanted."""
    row = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.QUEUED)
        .values(
            state=JobState.RUNNING,
            attempt=Job.attempt + 1,
            fence=Job.fence + 1,
            started_at=func.clock_timestamp(),
            heartbeat_at=func.clock_timestamp(),
            progress=0,
            step=None,
            steps=[],
        )
        .returning(Job.id, Job.name, Job.arguments, Job.fence, Job.attempt)
    ).one_or_none()
    return Taken(*row) if row else None


def ours(job_id: int, fence: int) -> ColumnElement[bool]:
    """Return the condition that every write of a job carries."""
    return and_(Job.id == job_id, Job.fence == fence, Job.state == JobState.RUNNING)


def hold(session: Session, job_id: int, fence: int) -> None:
    """Make sure at the end of a transaction that the job is still ours, until it has committed."""
    found = session.scalar(select(Job.id).where(ours(job_id, fence)).with_for_update(key_share=True))
    if found is None:
        raise FenceLost


def beat(session: Session, job_id: int, fence: int) -> bool:
    """Say that we live; return whether somebody wants the job to stop."""
    row = session.execute(
        update(Job)
        .where(ours(job_id, fence))
        .values(heartbeat_at=func.clock_timestamp())
        .returning(Job.cancel_requested_at)
    ).one_or_none()
    if row is None:
        raise FenceLost
    return row[0] is not None


def progress(session: Session, job_id: int, fence: int, percent: int, step: Message | None) -> None:
    """Write how far the job is; a new step is added to the list, a step said again with other facts takes its place."""
    values: dict[str, Any] = {"progress": max(0, min(100, percent)), "heartbeat_at": func.clock_timestamp()}
    if step is not None:
        said = step.to_json()
        entry = func.jsonb_build_array(
            func.jsonb_build_object("at", func.clock_timestamp(), "progress", percent, "step", literal(said, JSONB))
        )
        again = Job.steps[-1]["step"]["text"].astext == step.text
        values |= {"step": said, "steps": case((again, Job.steps.op("-")(-1)), else_=Job.steps).op("||")(entry)}
    if session.execute(update(Job).where(ours(job_id, fence)).values(values).returning(Job.id)).one_or_none() is None:
        raise FenceLost


def end(
    session: Session,
    job_id: int,
    fence: int,
    state: JobState,
    *,
    result: dict[str, Any] | None = None,
    error: Message | None = None,
) -> None:
    """Write how the job ended."""
    values: dict[str, Any] = {"state": state, "finished_at": func.clock_timestamp(), "result": result}
    if state is JobState.DONE:
        values["progress"] = 100
    if error is not None:
        values["error"] = error.to_json()
    if session.execute(update(Job).where(ours(job_id, fence)).values(values).returning(Job.id)).one_or_none() is None:
        raise FenceLost


def try_again(session: Session, taken: Taken, error: Message) -> JobState:
    """Queue a job that stumbled once more, or leave it to a person after the third time."""
    last = taken.attempt >= ATTEMPTS_MAX
    state = JobState.FAILED if last else JobState.QUEUED
    values: dict[str, Any] = {"state": state, "fence": Job.fence + 1, "error": error.to_json()}
    values |= {"finished_at": func.clock_timestamp()} if last else {"rung_at": func.clock_timestamp()}
    if session.execute(update(Job).where(ours(taken.id, taken.fence)).values(values).returning(Job.id)).first() is None:
        raise FenceLost
    return state


def take_back(session: Session, silent_seconds: float = SILENT_SECONDS) -> list[int]:
    """Queue again what was running and fell silent, with a new fence; after the third time a person sees it."""
    silent = (
        select(Job.id)
        .where(Job.state == JobState.RUNNING, Job.heartbeat_at < ago(silent_seconds))
        .with_for_update(skip_locked=True)
    )
    state = case(
        (Job.cancel_requested_at.is_not(None), JobState.CANCELLED.value),
        (Job.attempt >= ATTEMPTS_MAX, JobState.FAILED.value),
        else_=JobState.QUEUED.value,
    )
    over = or_(Job.cancel_requested_at.is_not(None), Job.attempt >= ATTEMPTS_MAX)
    rows = session.execute(
        update(Job)
        .where(Job.id.in_(silent.scalar_subquery()))
        .values(
            state=state,
            fence=Job.fence + 1,
            heartbeat_at=None,
            rung_at=None,
            finished_at=case((over, func.clock_timestamp()), else_=None),
            error=case(
                (
                    and_(Job.attempt >= ATTEMPTS_MAX, Job.cancel_requested_at.is_(None)),
                    literal(INTERRUPTED.to_json(), JSONB),
                ),
                else_=Job.error,
            ),
        )
        .returning(Job.id, Job.state)
        .execution_options(synchronize_session=False)
    )
    return [job_id for job_id, now in rows if now == JobState.QUEUED]


def waiting(session: Session, seconds: float = RING_AGAIN_SECONDS) -> dict[str, list[int]]:
    """Return the queued jobs that nobody has come for lately, by queue, oldest first."""
    told = func.coalesce(Job.rung_at, Job.promised_at)
    lately = and_(told > ago(seconds), told <= func.clock_timestamp())
    found: dict[str, list[int]] = {}
    rows = session.execute(
        select(Job.queue, Job.id).where(Job.state == JobState.QUEUED, not_(lately)).order_by(Job.id).limit(20_000)
    )
    for queue, job_id in rows:
        found.setdefault(queue, []).append(job_id)
    return found


def rung(session: Session, job_ids: Sequence[int]) -> None:
    """Remember that these were rung for."""
    session.execute(update(Job).where(Job.id.in_(job_ids)).values(rung_at=func.clock_timestamp()))


def seconds_left(job: Job, now: datetime | None = None) -> int | None:
    """Return about how long a running job will still take, by its progress so far; None where nobody can tell."""
    if job.state != JobState.RUNNING or job.started_at is None or not LEFT_FROM_PERCENT <= job.progress < 100:
        return None
    spent = ((now or datetime.now(UTC)) - job.started_at).total_seconds()
    return max(1, round(spent * (100 - job.progress) / job.progress))


def ago(seconds: float) -> ColumnElement[datetime]:
    """Return the time so many seconds before now, by the database's clock."""
    earlier: ColumnElement[datetime] = func.clock_timestamp() - timedelta(seconds=seconds)
    return earlier


def claim_slot(session: Session, name: str, slot: datetime) -> bool:
    """Take a slot of periodic work; False where somebody has it."""
    statement = insert(PeriodicRun).values(name=name, slot=slot).on_conflict_do_nothing().returning(PeriodicRun.id)
    return session.scalar(statement) is not None


IDLE_KEPT, ROUTINE_KEPT = timedelta(days=1), timedelta(days=90)
"""How long rows of routine work stay: those that found nothing to do, and the others."""
SLOTS_KEPT = timedelta(days=30)
"""How long a slot stays taken, should a clock go back."""


def idle(names: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a job is routine work, by its name, which found nothing to do."""
    nothing = func.jsonb_typeof(Job.result).is_distinct_from("object")
    return and_(Job.name.in_(names), Job.state == JobState.DONE, nothing)


def tidy_up(uow: UnitOfWork, names: Sequence[str]) -> dict[str, int]:
    """Delete old rows of routine work that ended well, and slots long past; what failed, a person has to see."""
    age = func.clock_timestamp() - Job.finished_at
    over = and_(Job.name.in_(names), Job.state == JobState.DONE)
    old = or_(and_(idle(names), age > IDLE_KEPT), and_(over, age > ROUTINE_KEPT))
    jobs = uow.session.execute(delete(Job).where(old).returning(Job.id)).all()
    past = PeriodicRun.slot < func.clock_timestamp() - SLOTS_KEPT
    slots = uow.session.execute(delete(PeriodicRun).where(past).returning(PeriodicRun.id)).all()
    return {"jobs": len(jobs), "slots": len(slots)}


def cancel(uow: UnitOfWork, *, job_id: int) -> Job:
    """Stop a job: one that waits is cancelled at once, one that runs is told and, if need be, its process is ended."""
    uow.actor.require("jobs.cancel")
    job = uow.session.scalar(
        select(Job).where(Job.id == job_id).with_for_update().execution_options(populate_existing=True)
    )
    if job is None or not uow.actor.covers("jobs.read", own=job.promised_by_id):
        raise NotFound
    if not uow.actor.covers("jobs.cancel", own=job.promised_by_id):
        raise NotAllowed(permission="jobs.cancel")
    if job.state in ENDED:
        raise Conflict(say("Nothing was stopped: it has already ended."), state=job.state)
    if job.state == JobState.QUEUED:
        job.state, job.finished_at, job.fence = JobState.CANCELLED, uow.now, job.fence + 1
    if job.cancel_requested_at is None:
        job.cancel_requested_at = uow.now
        uow.record("job.cancelled", subject=("job", job.id), name=job.name)
    return job
