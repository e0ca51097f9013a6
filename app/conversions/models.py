"""Tables of kits and conversions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered


class ConversionKind(StrEnum):
    """What was done."""

    KIT = "kit"
    TAKE_APART = "take_apart"
    REPACK = "repack"


class Kit(Numbered, Base):
    """What an item is made up from (családi csomag): so much of each part makes one."""

    __tablename__ = "kit"

    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), unique=True)
    tolerance_permille: Mapped[int] = mapped_column(default=20)
    """How far the weight of what comes out may be from what goes in."""
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    parts: Mapped[list[KitPart]] = relationship(
        order_by="KitPart.id", back_populates="kit", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class KitPart(Numbered, Base):
    """How much of an item goes into one kit."""

    __tablename__ = "kit_part"
    __table_args__ = (
        UniqueConstraint("kit_id", "item_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
    )

    kit_id: Mapped[int] = mapped_column(ForeignKey("kit.id", ondelete="CASCADE"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    quantity: Mapped[int]

    kit: Mapped[Kit] = relationship(back_populates="parts")


class Conversion(Numbered, Base):
    """One conversion: its movements are the lines of its operation, into and out of the place of conversion."""

    __tablename__ = "conversion"
    __table_args__ = (Index("ix_conversion_warehouse_id_id", "warehouse_id", "id"),)
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    operation_id: Mapped[UUID] = mapped_column(unique=True)
    kind: Mapped[str]
    kit_id: Mapped[int | None] = mapped_column(ForeignKey("kit.id"))
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    weight_in_g: Mapped[int]
    weight_out_g: Mapped[int]
    tolerance_permille: Mapped[int]
    note: Mapped[str | None]
    happened_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    done_by_id: Mapped[int | None]
    undone_at: Mapped[datetime | None]


class ConversionLot(Numbered, Base):
    """A lot that went in or came out, so that the way of goods can be walked through a conversion both ways."""

    __tablename__ = "conversion_lot"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    conversion_id: Mapped[int] = mapped_column(ForeignKey("conversion.id"), index=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), index=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    comes_out: Mapped[bool]
    quantity: Mapped[int]
