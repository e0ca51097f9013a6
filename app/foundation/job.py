"""Promised work: one row a job. The row is the truth; Redis is only the doorbell."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, Numbered


class JobState(StrEnum):
    """The life of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


class Job(Numbered, Base):
    """A promise of work. Whoever writes to a running job proves with ``fence`` that it is still theirs."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress_in_percent"),
        Index("ix_job_open", "state", "promised_at", postgresql_where=text("state IN ('queued', 'running')")),
        Index("ix_job_subject", "subject_kind", "subject_id", "id"),
    )

    name: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(default=JobState.QUEUED)
    queue: Mapped[str] = mapped_column(default="work")
    attempt: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(default=0)
    promised_at: Mapped[datetime]
    rung_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    progress: Mapped[int] = mapped_column(default=0)
    step: Mapped[dict[str, Any] | None]
    """What is being done now: a Message as JSON."""
    steps: Mapped[list[Any]] = mapped_column(default=list)
    """What was done: ``[{"at": ISO time, "progress": 40, "step": Message as JSON}]``."""
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    """Why it failed: a Message as JSON, fit for a person; no data of the job's subject."""
    promised_by_id: Mapped[int | None]
    promised_by_role: Mapped[str] = mapped_column(default="nobody")
    subject_kind: Mapped[str | None]
    subject_id: Mapped[int | None]


class PeriodicRun(Numbered, Base):
    """A slot of periodic work that was taken: unique, so that two leaders cannot both run it."""

    __tablename__ = "periodic_run"
    __table_args__ = (UniqueConstraint("name", "slot"),)

    name: Mapped[str]
    slot: Mapped[datetime]
