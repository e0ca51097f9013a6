"""The RQ edge: names jobs, rings for them, runs them, rings again. The database is the letterbox, Redis the doorbell.

A job is a function of a :class:`Run` and plain values. It may be run again after a crash, so it must not mind: it
reads, thinks with no transaction open, and writes through ``run.work()``, which commits only while the job is still
ours.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from app.foundation import job_life
from app.foundation.actor import Actor
from app.foundation.child import die_with_parent
from app.foundation.clock import HOME
from app.foundation.errors import Refusal
from app.foundation.job import Job, JobState
from app.foundation.job_life import FenceLost, Taken
from app.foundation.unit_of_work import UnitOfWork, unit_of_work, utc_now
from app.foundation.words import Message, say

QUEUE = "work"
REDIS_SECONDS_MAX = 0.4
DEAF_SECONDS = 5.0
BEAT_SECONDS = 2.0
STOP_SECONDS = 10.0
"""A job that was told to stop has this long to keep what it has; then its process is ended."""
LEADER_LOCK = 7_316_204_958
RUN = "app.foundation.job_queue.run"

log = structlog.get_logger("jobs")


# Names --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Registered:
    """A job by name: what people call it, its steps as far as they are known before, its limit, its times."""

    name: str
    function: Callable[..., dict[str, Any] | None]
    title: Message
    steps: tuple[Message, ...] = ()
    seconds_max: int = 600
    every: timedelta | None = None
    daily_at: time_of_day | None = None

    @property
    def routine(self) -> bool:
        """Tell whether it is promised by the clock, again and again."""
        return self.every is not None or self.daily_at is not None

    def slot(self, now: datetime) -> datetime | None:
        """Return the newest slot of periodic work that has begun."""
        if self.every:
            length = self.every.total_seconds()
            return datetime.fromtimestamp(now.timestamp() // length * length, UTC)
        if self.daily_at:
            here = now.astimezone(HOME)
            today = datetime.combine(here.date(), self.daily_at, HOME)
            return (today if today <= here else today - timedelta(days=1)).astimezone(UTC)
        return None


JOBS: dict[str, Registered] = {}


class Cancelled(Exception):
    """The job stopped because somebody asked it to; nothing of it is kept."""


def job(
    name: str,
    *,
    title: Message | None = None,
    steps: Sequence[Message] = (),
    seconds_max: int = 600,
    every: timedelta | None = None,
    daily_at: time_of_day | None = None,
) -> Callable[[Callable[..., dict[str, Any] | None]], Callable[..., dict[str, Any] | None]]:
    """Name a job: ``@job("planning.solve", title=say("National plan"))`` over ``def solve(run, *, plan_id)``.

    What it returns is kept as its result. ``every`` or ``daily_at`` (Budapest) promise it again and again; a result of
    such routine work that holds zeros only is not kept: it found nothing to do.
    """

    def register(function: Callable[..., dict[str, Any] | None]) -> Callable[..., dict[str, Any] | None]:
        JOBS[name] = Registered(name, function, title or Message(name), tuple(steps), seconds_max, every, daily_at)
        return function

    return register


def title_of(name: str) -> Message:
    """Return what people call a job."""
    known = JOBS.get(name)
    return known.title if known else Message(name)


def routine_names() -> list[str]:
    """Return the names of the jobs that the clock promises."""
    return sorted(name for name, known in JOBS.items() if known.routine)


def steps_ahead(job: Job) -> list[Message]:
    """Return the steps that are known to come and have not been said yet."""
    known = JOBS.get(job.name)
    if known is None or job.state not in (JobState.QUEUED, JobState.RUNNING):
        return []
    said = {each["step"]["text"] for each in job.steps}
    texts = [step.text for step in known.steps]
    reached = max((index for index, words in enumerate(texts) if words in said), default=-1)
    return list(known.steps[reached + 1 :])


# The doorbell -------------------------------------------------------------------------------------------------------


class Doorbell:
    """Redis, as far as the web needs it: ring and forget. When it is away or hangs, nobody waits for it twice."""

    def __init__(self, redis_url: str) -> None:
        self.redis = Redis.from_url(
            redis_url,
            socket_timeout=REDIS_SECONDS_MAX,
            socket_connect_timeout=REDIS_SECONDS_MAX,
            retry=Retry(NoBackoff(), 0),
        )
        self.deaf_until = 0.0

    def ring(self, job_ids: Sequence[int], queue: str = QUEUE) -> bool:
        """Tell the workers that these jobs wait. If Redis cannot be told, the clock rings within seconds."""
        if time.monotonic() < self.deaf_until:
            return False
        try:
            line = Queue(queue, connection=self.redis, serializer=JSONSerializer)
            line.enqueue_many([envelope(job_id) for job_id in job_ids])
        except (RedisError, OSError) as error:
            self.deaf_until = time.monotonic() + DEAF_SECONDS
            log.warning("doorbell away", error=type(error).__name__, count=len(job_ids))
            return False
        return True

    def waiting(self, queue: str) -> set[int]:
        """Return the jobs whose bell hangs in Redis."""
        line = Queue(queue, connection=self.redis, serializer=JSONSerializer)
        return {int(name.split("-")[1]) for name in line.get_job_ids() if name.startswith("job-")}

    def answers(self) -> bool:
        """Tell whether Redis answers."""
        try:
            return bool(self.redis.ping())
        except (RedisError, OSError):
            return False


def envelope(job_id: int) -> Any:
    """Return what RQ keeps: only a number. The time limit is ours to watch; RQ's is the net below."""
    return Queue.prepare_data(
        RUN,
        args=[job_id],
        timeout=24 * 3600,
        result_ttl=0,
        failure_ttl=60,
        description="job",
        # A new name each time: RQ must not take a second bell for the first one's job.
        job_id=f"job-{job_id}-{time.time_ns():x}",
    )


# Running ------------------------------------------------------------------------------------------------------------


@dataclass
class Worker:
    """What jobs need from the outside; made once in the worker, before it forks."""

    make_sessions: Callable[[], sessionmaker[Session]]
    actor: Actor
    """Who jobs act as."""
    ring: Callable[[list[int]], object]
    settings: Any = None
    clock: Callable[[], datetime] = utc_now


_worker: Worker | None = None


def prepare(worker: Worker) -> None:
    """Give this process what its jobs need."""
    global _worker
    _worker = worker


@dataclass
class Run:
    """One attempt at a job, as the job sees it."""

    taken: Taken
    sessions: sessionmaker[Session]
    worker: Worker
    stopping: threading.Event = field(default_factory=threading.Event)
    said_at: float = 0.0
    said: str = ""

    @property
    def job_id(self) -> int:
        """The job's number."""
        return self.taken.id

    @property
    def settings(self) -> Any:
        """The application's settings."""
        return self.worker.settings

    @contextmanager
    def work(self) -> Iterator[UnitOfWork]:
        """Open a unit of work that commits only while this attempt is the one that counts."""
        with unit_of_work(self.sessions, self.worker.actor, self.worker.clock, self._ring) as uow:
            yield uow
            uow.session.flush()
            job_life.hold(uow.session, self.taken.id, self.taken.fence)

    def progress(self, percent: int, step: Message | None = None) -> None:
        """Say how far it is, in percent, and what is being done. Call it as often as you like."""
        now, words = time.monotonic(), step.text if step else self.said
        if words == self.said and now - self.said_at < 0.5 and percent < 100:
            return
        self.said, self.said_at = words, now
        with self.sessions.begin() as session:
            job_life.progress(session, self.taken.id, self.taken.fence, percent, step)

    def should_stop(self) -> bool:
        """Tell whether somebody asked the job to stop; it then has ten seconds to keep what it has and return."""
        return self.stopping.is_set()

    def check(self) -> None:
        """End the job here if somebody asked it to stop."""
        if self.stopping.is_set():
            raise Cancelled

    def _ring(self, job_ids: list[int]) -> None:
        self.worker.ring(job_ids)


def run(job_id: int) -> None:
    """Run a job; what RQ calls, in a process of its own that ends with its worker."""
    die_with_parent(signal.SIGKILL)
    assert _worker is not None, "the worker was prepared before it forked"
    sessions = _worker.make_sessions()
    with sessions.begin() as session:
        taken = job_life.take(session, job_id)
    if taken is None:
        return
    run_taken(_worker, sessions, taken)


def run_taken(worker: Worker, sessions: sessionmaker[Session], taken: Taken) -> None:
    """Run a job that is ours, and write how it ended."""
    known = JOBS.get(taken.name)
    attempt = Run(taken, sessions, worker)
    note = log.bind(job=taken.name, job_id=taken.id, attempt=taken.attempt)
    began = time.monotonic()
    try:
        if known is None:
            end(attempt, JobState.FAILED, error=say("This version of the program does not know such work."))
            return
        with heartbeat(attempt, known.seconds_max):
            result = known.function(attempt, **taken.arguments)
            if known.routine and not any((result or {}).values()):
                result = None
        end(attempt, JobState.DONE, result=result)
        note.info("job done", seconds=round(time.monotonic() - began, 2))
    except FenceLost:
        note.warning("job was taken from us")
    except Cancelled:
        end(attempt, JobState.CANCELLED)
        note.info("job cancelled")
    except Refusal as refusal:
        end(attempt, JobState.FAILED, error=refusal.message)
        note.info("job refused", reason_code=refusal.kind)
    except Exception as error:
        note.error("job stumbled", exc_info=error)
        stumbled(attempt, error)


def end(attempt: Run, state: JobState, *, result: dict[str, Any] | None = None, error: Message | None = None) -> None:
    """Write how it ended, unless it is no longer ours."""
    try:
        with attempt.sessions.begin() as session:
            job_life.end(session, attempt.taken.id, attempt.taken.fence, state, result=result, error=error)
    except FenceLost:
        log.warning("job was taken from us", job_id=attempt.taken.id, attempt=attempt.taken.attempt)


def stumbled(attempt: Run, error: Exception) -> None:
    """Queue it once more, or leave it to a person. Where even that cannot be written, its silence is noticed."""
    said = say("It stopped with an unexpected fault (%(fault)s).", fault=type(error).__name__)
    try:
        with attempt.sessions.begin() as session:
            job_life.try_again(session, attempt.taken, said)
    except (FenceLost, SQLAlchemyError) as trouble:
        log.warning("job left to the clock", job_id=attempt.taken.id, error=type(trouble).__name__)


@contextmanager
def heartbeat(attempt: Run, seconds_max: float) -> Iterator[None]:
    """Keep saying that we live; tell the job to stop when it should; end this process when it does not."""
    finished = threading.Event()
    thread = threading.Thread(target=beat, args=(attempt, seconds_max, finished), daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join(timeout=5)


def beat(attempt: Run, seconds_max: float, finished: threading.Event) -> None:
    """Watch over one attempt, from a thread beside it."""
    job_id, fence = attempt.taken.id, attempt.taken.fence
    deadline, alive_at, told_at, why = time.monotonic() + seconds_max, time.monotonic(), None, "cancelled"
    while not finished.wait(BEAT_SECONDS if told_at is None else 0.2):
        now = time.monotonic()
        try:
            with attempt.sessions.begin() as session:
                wanted_to_stop = job_life.beat(session, job_id, fence)
            alive_at = now
        except FenceLost:
            wanted_to_stop, why = True, "taken"
        except SQLAlchemyError:
            wanted_to_stop = now - alive_at > job_life.SILENT_SECONDS
            why = "taken" if wanted_to_stop else why
        if now > deadline and told_at is None:
            wanted_to_stop, why = True, "overran"
        if wanted_to_stop and told_at is None:
            told_at = now
            attempt.stopping.set()
        if told_at is not None and now - told_at > STOP_SECONDS and not finished.is_set():
            write_last_words(attempt, why, seconds_max)
            os.kill(os.getpid(), signal.SIGKILL)


def write_last_words(attempt: Run, why: str, seconds_max: float) -> None:
    """Write why the process is ended from outside; the row says it, because the process will not."""
    log.warning("job killed", job_id=attempt.taken.id, job=attempt.taken.name, reason_code=why)
    if why == "cancelled":
        end(attempt, JobState.CANCELLED)
    elif why == "overran":
        minutes = max(1, round(seconds_max / 60))
        end(
            attempt,
            JobState.FAILED,
            error=say("It took longer than %(minutes)s minutes and was stopped.", minutes=minutes),
        )


# The clock ----------------------------------------------------------------------------------------------------------


def reconcile(
    sessions: sessionmaker[Session], doorbell: Doorbell, silent_seconds: float = job_life.SILENT_SECONDS
) -> int:
    """Take back jobs that fell silent and ring for those that nobody came for. Return how many were rung for."""
    with sessions.begin() as session:
        taken_back = job_life.take_back(session, silent_seconds)
    if taken_back:
        log.warning("jobs taken back", count=len(taken_back))
    with sessions() as session:
        waiting = job_life.waiting(session)
    count = 0
    for queue, job_ids in waiting.items():
        try:
            hanging = doorbell.waiting(queue)
        except (RedisError, OSError):
            return count
        missing = [job_id for job_id in job_ids if job_id not in hanging]
        for start in range(0, len(missing), 500):
            batch = missing[start : start + 500]
            if doorbell.ring(batch, queue):
                with sessions.begin() as session:
                    job_life.rung(session, batch)
                count += len(batch)
    return count


def promise_periodic(sessions: sessionmaker[Session], actor: Actor, now: datetime) -> list[int]:
    """Promise the periodic jobs whose slot has begun; each slot once, whoever asks."""
    promised: list[int] = []
    for known in JOBS.values():
        slot = known.slot(now)
        if slot is None:
            continue
        with unit_of_work(sessions, actor, lambda: now) as uow:
            if job_life.claim_slot(uow.session, known.name, slot):
                job = uow.promise(known.name)
                uow.session.flush()
                promised.append(job.id)
    return promised


@contextmanager
def leadership(sessions: sessionmaker[Session]) -> Iterator[Callable[[], bool]]:
    """Give a question, `do I lead?`: true in one process of all machines, for as long as its connection lives."""
    engine: Engine = sessions.kw["bind"]
    held: list[Connection] = []

    def leads() -> bool:
        try:
            if not held:
                # The lock belongs to the connection; autocommit leaves no transaction open while we hold it.
                held.append(engine.connect().execution_options(isolation_level="AUTOCOMMIT"))
            return bool(held[0].scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LEADER_LOCK}))
        except SQLAlchemyError:
            for connection in held:
                connection.invalidate()
                connection.close()
            held.clear()
            return False

    try:
        yield leads
    finally:
        for connection in held:
            connection.invalidate()
            connection.close()


__all__ = [
    "JOBS",
    "Cancelled",
    "Doorbell",
    "Job",
    "Run",
    "Worker",
    "job",
    "prepare",
    "reconcile",
    "routine_names",
    "run",
    "steps_ahead",
    "title_of",
]
