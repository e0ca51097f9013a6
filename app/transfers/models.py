"""Tables of transfers."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered


class TransferState(StrEnum):
    """The life of a transfer."""

    REQUESTED = "requested"
    PICKED = "picked"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    CANCELLED = "cancelled"


class Transfer(Numbered, Base):
    """Goods on their way from one warehouse to another (átszállítás), shown as A-17. Both warehouses see it."""

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint("from_warehouse_id <> to_warehouse_id", name="warehouses_differ"),
        Index("ix_transfer_from_warehouse_id_id", "from_warehouse_id", "id"),
        Index("ix_transfer_to_warehouse_id_id", "to_warehouse_id", "id"),
    )
    SCOPED_BY: ClassVar[dict[Scope, str]] = {}
    """No column: whoever may read transfers reads all, because two warehouses see each."""

    from_warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    to_warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    from_county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    to_county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    state: Mapped[str] = mapped_column(default=TransferState.REQUESTED)
    wanted_on: Mapped[date | None]
    expected_on: Mapped[date | None]
    """When it should arrive; said when it leaves."""
    carried_by: Mapped[str | None]
    """Plate or carrier."""
    note: Mapped[str | None]
    requested_at: Mapped[datetime]
    requested_by_id: Mapped[int | None]
    picked_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    voucher_id: Mapped[int | None] = mapped_column(ForeignKey("voucher.id"))
    """The transfer note, drawn when it leaves."""
    version: Mapped[int] = mapped_column(default=1)

    lines: Mapped[list[TransferLine]] = relationship(order_by="TransferLine.id", back_populates="transfer")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class TransferLine(Numbered, Base):
    """How much of an item was asked for."""

    __tablename__ = "transfer_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    transfer_id: Mapped[int] = mapped_column(ForeignKey("transfer.id", ondelete="CASCADE"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    quantity: Mapped[int]

    transfer: Mapped[Transfer] = relationship(back_populates="lines")


class TransferLot(Numbered, Base):
    """A lot that was picked for a transfer, and what became of it at the other end."""

    __tablename__ = "transfer_lot"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("received >= 0 AND damaged >= 0 AND damaged <= received", name="received_makes_sense"),
    )

    transfer_id: Mapped[int] = mapped_column(ForeignKey("transfer.id", ondelete="CASCADE"), index=True)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("transfer_line.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    """Where it lies in the ledger until it leaves: staging, or the box that travels."""
    box_id: Mapped[int | None] = mapped_column(ForeignKey("box.id"))
    quantity: Mapped[int]
    """Picked, and sent."""
    received: Mapped[int] = mapped_column(default=0)
    """Found at the other end; more or less than was sent is a difference."""
    damaged: Mapped[int] = mapped_column(default=0)
    """Of what was received."""
    to_place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    reason: Mapped[str | None]
    """Why it differs."""
    received_at: Mapped[datetime | None]
    received_by_id: Mapped[int | None]
