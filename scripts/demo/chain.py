"""Walks the chain once: what workers would do with the promised jobs is done here and now."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from app.accounts.roles import SYSTEM
from app.config import Settings
from app.factory import load_jobs
from app.foundation import job_life, job_queue
from app.foundation.job import Job, JobState


def work_off(settings: Settings, sessions: sessionmaker[Session]) -> list[str]:
    """Run every promised job, and those that they promise; return their names. A failed one stops the demo."""
    load_jobs()
    worker = job_queue.Worker(
        make_sessions=lambda: sessions, actor=SYSTEM, ring=lambda _job_ids: None, settings=settings
    )
    done = []
    while True:
        with sessions.begin() as session:
            waiting = session.scalars(select(Job.id).filter_by(state=JobState.QUEUED).order_by(Job.id)).first()
            taken = job_life.take(session, waiting) if waiting else None
        if taken is None:
            return done
        job_queue.run_taken(worker, sessions, taken)
        with sessions() as session:
            job = session.get_one(Job, taken.id)
            assert job.state == JobState.DONE, f"{job.name} ended as {job.state}: {job.error}"
        done.append(job.name)
