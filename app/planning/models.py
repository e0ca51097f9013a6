"""Tables of plans."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, Numbered


class PlanState(StrEnum):
    """The life of a plan."""

    QUEUED = "queued"
    SOLVING = "solving"
    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    FAILED = "failed"


class Plan(Numbered, Base):
    """A day's runs as proposed: the question that was asked, and the best answer so far."""

    __tablename__ = "plan"
    __table_args__ = (Index("ix_plan_on_id", "on", "id"),)
    # Scoped by its counties as a whole; see planning.queries.

    on: Mapped[date]
    state: Mapped[str] = mapped_column(default=PlanState.QUEUED)
    county_ids: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    """The counties whose warehouses it plans."""
    engine: Mapped[str] = mapped_column(default="ortools")
    seed: Mapped[int] = mapped_column(default=1)
    seconds_max: Mapped[int]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    asked_at: Mapped[datetime]
    solved_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Of the best answer: stops, served, runs, distance_m, weight_g, cost, bound, seconds to the first plan."""
    course: Mapped[list[Any]] = mapped_column(default=list)
    """How it got better: [[seconds, cost, served], …], the falling line."""
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class PlanVersion(Numbered, Base):
    """One problem and its answer, whole, in the documented exchange format. Versions are only added."""

    __tablename__ = "plan_version"
    __table_args__ = (UniqueConstraint("plan_id", "number"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id", ondelete="CASCADE"))
    number: Mapped[int]
    made_at: Mapped[datetime]
    problem: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    answer: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    violations: Mapped[int] = mapped_column(default=0)
