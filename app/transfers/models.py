"""Tables of transfers."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

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


class Outcome(StrEnum):
    """What became of pieces that were sent and did not arrive. Each ends in a place with a name."""

    ARRIVED = "arrived"
    """They came later: the receiver's dock."""
    STAYED = "stayed"
    """They never left: the giver's dock."""
    UNEXPLAINED = "unexplained"
    """Nobody knows: the giver's discrepancy place."""
    LOST = "lost"
    """They are gone: the giver's loss place."""


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
    operation_id: Mapped[UUID | None] = mapped_column(unique=True)
    """Of the request: sent twice, asked for once."""
    accepted_at: Mapped[datetime | None]
    """When the giving warehouse reserved the first of it."""
    picked_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    voucher_id: Mapped[int | None] = mapped_column(ForeignKey("voucher.id"))
    """The transfer note, drawn when it leaves."""
    version: Mapped[int] = mapped_column(default=1)

    lines: Mapped[list[TransferLine]] = relationship(order_by="TransferLine.id", back_populates="transfer")

    @property
    def code(self) -> str:
        """Return how people call it."""
        return f"A-{self.id}"

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
    """A lot that was picked for a transfer, and what became of it at the other end; or one that nobody had sent."""

    __tablename__ = "transfer_lot"
    __table_args__ = (
        CheckConstraint("quantity > 0 OR (quantity = 0 AND received > 0)", name="quantity_positive"),
        CheckConstraint("received >= 0 AND damaged >= 0 AND damaged <= received", name="received_makes_sense"),
    )

    transfer_id: Mapped[int] = mapped_column(ForeignKey("transfer.id", ondelete="CASCADE"), index=True)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("transfer_line.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    """Where it lies in the ledger until it leaves: staging, or the box that travels. What nobody had sent comes out of
    the giver's discrepancies."""
    from_place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    """The shelf that it was picked from, and goes back to."""
    operation_id: Mapped[UUID | None]
    """Of the pick."""
    box_id: Mapped[int | None] = mapped_column(ForeignKey("box.id"))
    quantity: Mapped[int]
    """Picked, and sent; 0 for what nobody had sent."""
    received: Mapped[int] = mapped_column(default=0)
    """Found at the other end; more or less than was sent is a difference."""
    damaged: Mapped[int] = mapped_column(default=0)
    """Of what was received."""
    to_place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    reason: Mapped[str | None]
    """Why it differs."""
    received_at: Mapped[datetime | None]
    received_by_id: Mapped[int | None]
    receipt_id: Mapped[UUID | None]
    """The operation that received it."""
    outcome: Mapped[str | None]
    """Of what was short, once it is settled."""
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None]
    settle_reason: Mapped[str | None]
    settlement_id: Mapped[UUID | None]
    """The operation that settled it."""

    @property
    def short(self) -> int:
        """Return how many pieces have not arrived, and nobody has said yet what became of them."""
        return max(0, self.quantity - self.received) if self.received_at and self.settled_at is None else 0

    @property
    def differs(self) -> bool:
        """Tell whether something else arrived than was sent."""
        return self.received_at is not None and (self.received != self.quantity or self.damaged > 0)
