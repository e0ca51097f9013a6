"""Tables of allocation."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.allocation.states import RunState, ShareState
from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered

__all__ = ["AllocationRun", "Exclusion", "MissingShare", "RunState", "Share", "ShareState"]


class AllocationRun(Numbered, Base):
    """One look at every open need and all stock, and what it proposes."""

    __tablename__ = "allocation_run"

    state: Mapped[str] = mapped_column(default=RunState.QUEUED)
    county_id: Mapped[int | None] = mapped_column(ForeignKey("county.id"))
    """None: the whole country."""
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    asked_at: Mapped[datetime]
    proposed_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Needs, shares, coverage by class and county before and after, Gini, seconds."""
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Share(Numbered, Base):
    """A quantity of one lot in one place for one need, reserved in the ledger."""

    __tablename__ = "share"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND covers >= 0", name="quantity_positive"),
        Index("ix_share_run_id_id", "run_id", "id"),
        Index("ix_share_county_id_id", "county_id", "id"),
        Index("ix_share_approved", "warehouse_id", "household_id", postgresql_where=text("state = 'approved'")),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id"}

    run_id: Mapped[int] = mapped_column(ForeignKey("allocation_run.id"))
    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), index=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    """The household's county."""
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    """What is given: the item asked for, or its substitute."""
    quantity: Mapped[int]
    covers: Mapped[int]
    """How much of the need it covers, in units of what was asked for; differs from the quantity for a substitute."""
    distance_m: Mapped[int]
    state: Mapped[str] = mapped_column(default=ShareState.PROPOSED)
    pinned: Mapped[bool] = mapped_column(default=False)
    pin_reason: Mapped[str | None]
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    """Why this much, why this lot, why from there: Messages as JSON."""
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey("reservation.id"))
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class MissingShare(Numbered, Base):
    """What a need did not get in a run, and why."""

    __tablename__ = "missing_share"
    __table_args__ = (
        Index("ix_missing_share_run_id_urgency_id", "run_id", "urgency", "id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id"}

    run_id: Mapped[int] = mapped_column(ForeignKey("allocation_run.id"))
    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), index=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    urgency: Mapped[int]
    quantity: Mapped[int]
    code: Mapped[str]
    """nowhere_in_stock, others_further_from_enough, expires_before_hand_over, storage_class, held_for_others…"""
    reason: Mapped[dict[str, Any]]
    """The deciding reason: a Message as JSON."""
    grounds: Mapped[list[Any]] = mapped_column(default=list)
    """Why this much, step by step: [{"code": …, "message": Message as JSON}]."""
    remedies: Mapped[list[Any]] = mapped_column(default=list)
    """What could be done, the cheapest first: [{"code": …, "message": Message as JSON, …facts}]."""


class Exclusion(Numbered, Base):
    """A need that somebody keeps out of allocation (kizárás), and why; it ends when it is taken back."""

    __tablename__ = "need_exclusion"
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id"}

    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), unique=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    reason: Mapped[str]
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
