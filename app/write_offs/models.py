"""Tables of write-offs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered


class WriteOffState(StrEnum):
    """The life of a write-off."""

    PROPOSED = "proposed"
    POSTED = "posted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    TAKEN_BACK = "taken_back"


class WriteOffReason(StrEnum):
    """Why goods are written off."""

    EXPIRED = "expired"
    DAMAGED = "damaged"
    SPOILED = "spoiled"
    RECALLED = "recalled"
    UNUSABLE = "unusable"
    LOST = "lost"


class WriteOff(Numbered, Base):
    """A proposal to write goods off (selejtezés) and what the committee decided, shown as S-12."""

    __tablename__ = "write_off"
    __table_args__ = (Index("ix_write_off_warehouse_id_id", "warehouse_id", "id"),)
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    operation_id: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    """Of the proposal: sent twice, it is proposed once."""
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    state: Mapped[str] = mapped_column(default=WriteOffState.PROPOSED)
    reason: Mapped[str]
    note: Mapped[str | None]
    proposed_at: Mapped[datetime]
    proposed_by_id: Mapped[int | None]
    committee: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    """The three staff members who decided, by name."""
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None]
    decision_note: Mapped[str | None]
    voucher_id: Mapped[int | None] = mapped_column(ForeignKey("voucher.id"))
    version: Mapped[int] = mapped_column(default=1)

    lines: Mapped[list[WriteOffLine]] = relationship(order_by="WriteOffLine.id", back_populates="write_off")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class WriteOffLine(Numbered, Base):
    """A quantity of a lot in a place that is to be written off; reserved until it is decided."""

    __tablename__ = "write_off_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    write_off_id: Mapped[int] = mapped_column(ForeignKey("write_off.id"), index=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    quantity: Mapped[int]
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey("reservation.id"))
    movement_id: Mapped[int | None] = mapped_column(ForeignKey("movement.id"))

    write_off: Mapped[WriteOff] = relationship(back_populates="lines")


class WriteOffPhoto(Numbered, Base):
    """A picture of the goods, drawn anew as JPEG: no place, no camera, no time is kept in it."""

    __tablename__ = "write_off_photo"

    write_off_id: Mapped[int] = mapped_column(ForeignKey("write_off.id"), index=True)
    jpeg: Mapped[bytes] = mapped_column(LargeBinary)
    added_at: Mapped[datetime]
    added_by_id: Mapped[int | None]
