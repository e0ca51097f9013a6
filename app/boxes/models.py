"""Tables of boxes and pallets, and of where they stood."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered
from app.stock.models import Place


class BoxKind(StrEnum):
    """What it is made of."""

    BOX = "box"
    PALLET = "pallet"


class BoxState(StrEnum):
    """The life of a box: filled while it is open, moved as one when it is closed, used no more when dissolved."""

    OPEN = "open"
    CLOSED = "closed"
    DISSOLVED = "dissolved"


class Box(Numbered, Base):
    """A box or pallet (doboz, raklap), shown by its SSCC. Its own place in the ledger holds what is in it."""

    __tablename__ = "box"
    __table_args__ = (CheckConstraint("parent_id <> id", name="not_in_itself"),)
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    sscc: Mapped[str] = mapped_column(unique=True)
    """18 digits with their check digit."""
    kind: Mapped[str] = mapped_column(default=BoxKind.BOX)
    state: Mapped[str] = mapped_column(default=BoxState.OPEN)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), unique=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("box.id"), index=True)
    """The pallet or box that it stands in."""
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"), index=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    dissolved_at: Mapped[datetime | None]
    note: Mapped[str | None]

    place: Mapped[Place] = relationship()


class BoxMove(Numbered, Base):
    """One time that a box was put somewhere else: on another shelf, into another box, out of it. Only grows."""

    __tablename__ = "box_move"
    __table_args__ = (Index("ix_box_move_box_id_id", "box_id", "id"),)
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    operation_id: Mapped[UUID] = mapped_column(unique=True)
    box_id: Mapped[int] = mapped_column(ForeignKey("box.id"))
    from_place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    to_place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    """Where it stands now: a shelf, or the place of the box that it was put into."""
    happened_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor_id: Mapped[int | None]
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
