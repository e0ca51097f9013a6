"""Tables of stocktakes."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered


class StocktakeState(StrEnum):
    """The life of a stocktake."""

    COUNTING = "counting"
    RECOUNTING = "recounting"
    TO_APPROVE = "to_approve"
    POSTED = "posted"
    CANCELLED = "cancelled"


class Deed(StrEnum):
    """What a row of the counting says."""

    COUNTED = "counted"
    EMPTY = "empty"
    """Nothing is in the place: whatever was counted there before counts nothing."""
    DONE = "done"
    """The place is counted: what was not counted in it is not there."""


class Stocktake(Numbered, Base):
    """A stocktake (leltár) of some places, some categories, or a whole warehouse."""

    __tablename__ = "stocktake"
    __table_args__ = (Index("ix_stocktake_warehouse_id_id", "warehouse_id", "id"),)
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    state: Mapped[str] = mapped_column(default=StocktakeState.COUNTING)
    place_ids: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    """Counted places; empty: all places with walls but vehicles."""
    category_ids: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    """Counted categories; empty: all."""
    note: Mapped[str | None]
    opened_at: Mapped[datetime]
    opened_by_id: Mapped[int | None]
    counted_at: Mapped[datetime | None]
    """When the first count was declared complete."""
    approved_at: Mapped[datetime | None]
    approved_by_id: Mapped[int | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    voucher_id: Mapped[int | None] = mapped_column(ForeignKey("voucher.id"))
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class StocktakePlace(Numbered, Base):
    """A place to be counted, and how far it is. Boxes are places of their own, wherever they stand meanwhile."""

    __tablename__ = "stocktake_place"
    __table_args__ = (UniqueConstraint("stocktake_id", "place_id"), Index("ix_stocktake_place_place_id", "place_id"))

    stocktake_id: Mapped[int] = mapped_column(ForeignKey("stocktake.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    first_at: Mapped[datetime | None]
    """When the first count of it was closed, by the device; none: it is not counted yet."""
    first_by_id: Mapped[int | None]
    recount: Mapped[bool] = mapped_column(default=False)
    """Its first count differs from the books: somebody else counts it again."""
    second_at: Mapped[datetime | None]
    second_by_id: Mapped[int | None]


class Count(Numbered, Base):
    """What somebody counted of a lot in a place. Only grows: a correction is a newer count of the same round."""

    __tablename__ = "stocktake_count"
    __table_args__ = (
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        CheckConstraint("round IN (1, 2)", name="round_one_or_two"),
        Index("ix_stocktake_count_stocktake_id_place_id", "stocktake_id", "place_id", "lot_id"),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    operation_id: Mapped[UUID] = mapped_column(unique=True)
    stocktake_id: Mapped[int] = mapped_column(ForeignKey("stocktake.id"))
    round: Mapped[int]
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    deed: Mapped[str] = mapped_column(default=Deed.COUNTED)
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    """None: several lots of the item lie there and were counted together; or the row is about the place."""
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))
    expires_on: Mapped[date | None]
    """The date that was read from the pack, where lots were counted together."""
    quantity: Mapped[int]
    counted_at: Mapped[datetime]
    """When it was counted, by the device: movements that happened later are not held against it."""
    recorded_at: Mapped[datetime]
    counted_by_id: Mapped[int | None]
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))


class StocktakeLine(Numbered, Base):
    """What the books expect of a lot in a place against what was counted, as it was posted."""

    __tablename__ = "stocktake_line"
    __table_args__ = (UniqueConstraint("stocktake_id", "place_id", "lot_id"),)

    stocktake_id: Mapped[int] = mapped_column(ForeignKey("stocktake.id"), index=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    expected: Mapped[int]
    """By the movements that happened before it was counted."""
    counted: Mapped[int]
    counted_at: Mapped[datetime]
    """When: what happened before it is contained in it, whenever we learn of it."""
    round: Mapped[int] = mapped_column(default=1)
    """Which count decided: 1, 2, or 3 for a choice of who approves."""
    reason: Mapped[str | None]
    """Why the difference is accepted."""
    movement_id: Mapped[int | None] = mapped_column(ForeignKey("movement.id"))
