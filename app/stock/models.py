"""Tables of the stock ledger.

A movement takes a quantity of one lot out of one place and into another, so the ledger balances by its shape.
Donors, recipients, loss and discrepancies are places too; every warehouse has its own.
"""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, LargeBinary, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, TEXT
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered


class PlaceKind(StrEnum):
    """What a place is. The last six are accounts without walls."""

    DOCK = "dock"
    SHELF = "shelf"
    QUARANTINE = "quarantine"
    STAGING = "staging"
    VEHICLE = "vehicle"
    BOX = "box"
    DONOR = "donor"
    HANDED_OVER = "handed_over"
    LOSS = "loss"
    DISCREPANCY = "discrepancy"
    IN_TRANSIT = "in_transit"
    CONVERSION = "conversion"


REAL = frozenset(
    {
        PlaceKind.DOCK,
        PlaceKind.SHELF,
        PlaceKind.QUARANTINE,
        PlaceKind.STAGING,
        PlaceKind.VEHICLE,
        PlaceKind.BOX,
    }
)
"""Places that hold things: their balance never goes below zero."""


class Kind(StrEnum):
    """Why something moved."""

    RECEIVE = "receive"
    PUT_AWAY = "put_away"
    MOVE = "move"
    PICK = "pick"
    LOAD = "load"
    HAND_OVER = "hand_over"
    BRING_BACK = "bring_back"
    WRITE_OFF = "write_off"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    FIND = "find"
    LOSE = "lose"
    CONVERT = "convert"
    REVERSE = "reverse"


class LotState(StrEnum):
    """Whether a lot may be picked."""

    FREE = "free"
    QUARANTINED = "quarantined"
    BLOCKED = "blocked"


class ReservationState(StrEnum):
    """The life of a reservation."""

    PENDING = "pending"
    CONSUMED = "consumed"
    RELEASED = "released"


class Warehouse(Numbered, Base):
    """A warehouse (raktár): at least one a county."""

    __tablename__ = "warehouse"
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "id"}

    code: Mapped[str] = mapped_column(unique=True)
    """Three letters that begin its place codes: "MIS"."""
    name: Mapped[str]
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"), index=True)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"))
    lat: Mapped[float]
    lon: Mapped[float]
    opens_at: Mapped[time] = mapped_column(default=time(6))
    closes_at: Mapped[time] = mapped_column(default=time(18))
    loading_bays: Mapped[int] = mapped_column(default=4)
    storage_classes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Place(Numbered, Base):
    """Where things are, or where they came from and went."""

    __tablename__ = "place"
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"), index=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    """The shelf of a bin; what a box stands on or in."""
    code: Mapped[str] = mapped_column(unique=True)
    """Printed on the shelf: "MIS-A-03-2"."""
    kind: Mapped[str]
    storage_class: Mapped[str] = mapped_column(default="ambient")
    retired_at: Mapped[datetime | None]
    root_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"), index=True)
    """Of a box: the place with walls where it stands, through all boxes that it stands in."""

    warehouse: Mapped[Warehouse] = relationship()
    root: Mapped[Place | None] = relationship(remote_side="Place.id", foreign_keys=[root_id], viewonly=True)

    @property
    def guarded(self) -> bool:
        """Tell whether its balance must not go below zero."""
        return self.kind in REAL

    @property
    def stands_in(self) -> str:
        """Return the kind of place by which it is judged: a box is where it stands."""
        return self.root.kind if self.root is not None else self.kind

    @property
    def shown(self) -> str:
        """Return its code; of a box also where it stands: "MIS-A-03-2 · MIS-D-000123"."""
        return f"{self.root.code} · {self.code}" if self.root is not None else self.code


class Lot(Numbered, Base):
    """One item with one expiry and one condition, from one source. Shown as L-20811."""

    __tablename__ = "lot"
    __table_args__ = (
        Index("ix_lot_item_id_expires_on", "item_id", "expires_on"),
        # Exceptions: sums over the whole stock look these up instead of joining every lot there ever was.
        Index("ix_lot_not_free", "id", postgresql_where=text("state <> 'free'")),
        Index(
            "ix_lot_stated_value",
            "id",
            postgresql_include=["unit_value_huf"],
            postgresql_where=text("unit_value_huf IS NOT NULL"),
        ),
    )

    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    expires_on: Mapped[date | None]
    use_by: Mapped[bool] = mapped_column(default=False)
    """True: use-by (fogyasztható); False: best-before (minőségét megőrzi)."""
    batch: Mapped[str | None]
    """The maker's own lot number."""
    condition: Mapped[str] = mapped_column(default="new")
    """new, good, worn."""
    state: Mapped[str] = mapped_column(default=LotState.FREE)
    unit_value_huf: Mapped[int | None]
    """Donor's stated value of one base unit in hundredths of a forint; none: the catalogue's."""
    source: Mapped[str | None]
    """Document it came with: "F-2214"."""
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"), index=True)
    """Where it was first received."""
    received_at: Mapped[datetime]


class Movement(Numbered, Base):
    """One line of the ledger. Never changed, never deleted: the database refuses it to everybody."""

    __tablename__ = "movement"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("from_place_id <> to_place_id", name="places_differ"),
        UniqueConstraint("operation_id", "line"),
        Index("ix_movement_kind_id", "kind", "id"),
        Index("ix_movement_lot_id_id", "lot_id", "id"),
        Index("ix_movement_warehouse_id_id", "warehouse_id", "id"),
        # Movements come almost in the order of both clocks: such an index is small, and a scan does not feel it.
        Index("ix_movement_recorded_at", "recorded_at", postgresql_using="brin"),
        Index("ix_movement_happened_at", "happened_at", postgresql_using="brin"),
        # What came and went, by either clock: few of all movements, and all that the past is counted from.
        Index("ix_movement_crossing_recorded_at", "recorded_at", postgresql_where=text("NOT inside")),
        Index("ix_movement_crossing_happened_at", "happened_at", postgresql_where=text("NOT inside")),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    operation_id: Mapped[UUID]
    line: Mapped[int] = mapped_column(default=0)
    """Which movement of the operation it is: 0, 1, …"""
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    from_place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    to_place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    quantity: Mapped[int]
    kind: Mapped[str]
    happened_at: Mapped[datetime]
    """When it happened, by the device."""
    recorded_at: Mapped[datetime]
    """When we learnt of it."""
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("movement.id"), unique=True)
    reason: Mapped[str | None]
    actor_id: Mapped[int | None]
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    """Whose it was when it moved: of the place that it left, if that has walls, else of the one where it came."""
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    inside: Mapped[bool] = mapped_column(default=False, server_default=false())
    """True: from wall to wall of one warehouse, so that the warehouse had as much before as after."""


class Balance(Numbered, Base):
    """What the movements of one lot in one place add up to, carried forward in the same transaction."""

    __tablename__ = "balance"
    __table_args__ = (
        UniqueConstraint("lot_id", "place_id"),
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("NOT guarded OR (on_hand >= 0 AND reserved <= on_hand)", name="covered"),
        Index("ix_balance_place_id_stocked", "place_id", "stocked"),
        # What once lay somewhere is left out: after some years that is nearly all. No index holds a quantity, so that a
        # scan touches one only when it fills or empties a place.
        Index("ix_balance_on_shelf", "warehouse_id", "item_id", "expires_on", postgresql_where=text("stocked")),
        Index("ix_balance_expires_on_id", "expires_on", "id", postgresql_where=text("stocked")),
        {"postgresql_with": {"fillfactor": "70"}},
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    expires_on: Mapped[date]
    """The lot's expiry; 9999-12-31 where it has none, so that lists can order by it."""
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    guarded: Mapped[bool]
    on_hand: Mapped[int] = mapped_column(default=0)
    reserved: Mapped[int] = mapped_column(default=0)
    stocked: Mapped[bool] = mapped_column(Computed("guarded AND on_hand > 0", persisted=True))
    """True: something lies there now. Reads that mean this say it, and find it by an index."""

    lot: Mapped[Lot] = relationship()
    place: Mapped[Place] = relationship()

    @property
    def available(self) -> int:
        """Return what nobody has spoken for."""
        return self.on_hand - self.reserved


class Reservation(Numbered, Base):
    """A quantity of a lot in a place that is spoken for by a purpose ("share", 7)."""

    __tablename__ = "reservation"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_reservation_purpose", "purpose_kind", "purpose_id"),
        Index("ix_reservation_pending_lot", "lot_id", "place_id", postgresql_where=text("state = 'pending'")),
        Index("ix_reservation_expiring", "expires_at", postgresql_where=text("state = 'pending'")),
    )

    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    quantity: Mapped[int]
    state: Mapped[str] = mapped_column(default=ReservationState.PENDING)
    purpose_kind: Mapped[str]
    purpose_id: Mapped[int]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Operation(Base):
    """What a device asked for, once and for ever: the same id never acts twice."""

    __tablename__ = "operation"
    __table_args__ = (
        UniqueConstraint("device_id", "sequence"),
        Index("ix_operation_recorded_at", "recorded_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID]
    sequence: Mapped[int]
    kind: Mapped[str]
    payload_hash: Mapped[str]
    """SHA-256 of the canonical JSON of kind and payload."""
    happened_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor_id: Mapped[int | None]
    outcome: Mapped[str]
    """applied, rejected or needs_review."""
    answer: Mapped[dict[str, Any]]


class VoucherSeries(Numbered, Base):
    """The running number of a kind of voucher, in a warehouse and a year: no gaps, never reused."""

    __tablename__ = "voucher_series"
    __table_args__ = (UniqueConstraint("kind", "warehouse_id", "year"),)

    kind: Mapped[str]
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    year: Mapped[int]
    last_number: Mapped[int] = mapped_column(default=0)


class Voucher(Numbered, Base):
    """A numbered document (bizonylat): BEV/MIS/2026/00482. Names no family."""

    __tablename__ = "voucher"
    __table_args__ = (
        UniqueConstraint("series_id", "number"),
        Index("ix_voucher_subject", "subject_kind", "subject_id"),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    series_id: Mapped[int] = mapped_column(ForeignKey("voucher_series.id"))
    number: Mapped[int]
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"), index=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    posted_at: Mapped[datetime]
    posted_by_id: Mapped[int | None]
    cancelled_at: Mapped[datetime | None]
    subject_kind: Mapped[str]
    subject_id: Mapped[int]
    content: Mapped[dict[str, Any]]
    """What the PDF shows, as it was at posting."""
    cancel_reason: Mapped[str | None]


class ReviewState(StrEnum):
    """The life of a discrepancy."""

    OPEN = "open"
    RESOLVED = "resolved"


class Review(Numbered, Base):
    """Something that a phone saw and the books did not: a person resolves it (eltérés), nothing is dropped."""

    __tablename__ = "review"
    __table_args__ = (Index("ix_review_warehouse_id_state_id", "warehouse_id", "state", "id"),)
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    operation_id: Mapped[UUID] = mapped_column(unique=True)
    kind: Mapped[str]
    """The kind of operation."""
    outcome: Mapped[str]
    """needs_review: booked against the discrepancy place; rejected: not booked at all."""
    payload: Mapped[dict[str, Any]]
    said: Mapped[list[Any]]
    """Sentences about what did not fit, as Messages."""
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    quantity: Mapped[int | None]
    """How many pieces the books lacked."""
    happened_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    actor_id: Mapped[int | None]
    """Who did it."""
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    state: Mapped[str] = mapped_column(default=ReviewState.OPEN)
    resolution: Mapped[str | None]
    note: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    resolved_by_id: Mapped[int | None]
    movement_id: Mapped[int | None] = mapped_column(ForeignKey("movement.id"))
    """The movement that resolved it, if one did."""


class StockLevel(Numbered, Base):
    """How much of an item a warehouse should have at least and at most."""

    __tablename__ = "stock_level"
    __table_args__ = (
        UniqueConstraint("warehouse_id", "item_id"),
        CheckConstraint("least >= 0 AND (most IS NULL OR most >= least)", name="least_below_most"),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    least: Mapped[int]
    most: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class LedgerSeal(Numbered, Base):
    """A link of a warehouse's hash chain over movements that no seal held yet: ids and quantities, nobody's name."""

    __tablename__ = "ledger_seal"
    __table_args__ = (UniqueConstraint("warehouse_id", "number"),)

    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    number: Mapped[int]
    """1, 2, … within the warehouse, without gaps."""
    movement_ids: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    digests: Mapped[bytes] = mapped_column(LargeBinary)
    """16 bytes of each movement's SHA-256, in the order of ``movement_ids``: they name the one that was changed."""
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 over the hash before it and all digests."""
    sealed_at: Mapped[datetime]
