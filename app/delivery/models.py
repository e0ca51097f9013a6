"""Tables of vehicles, parcels, runs, stops and proofs."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.delivery.states import ParcelState, RunState, StopState
from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered
from app.foundation.personal import HasPersonalData, PersonalText

__all__ = [
    "Driver",
    "Parcel",
    "ParcelLine",
    "ParcelState",
    "Proof",
    "Run",
    "RunState",
    "Stop",
    "StopState",
    "Vehicle",
    "VehicleAbsence",
]


class Vehicle(Numbered, Base):
    """A vehicle (jármű) with its own place in the ledger."""

    __tablename__ = "vehicle"
    __table_args__ = (
        CheckConstraint("capacity_g > 0 AND capacity_ml > 0 AND capacity_pallets >= 0", name="capacities_positive"),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id"}

    plate: Mapped[str] = mapped_column(unique=True)
    model: Mapped[str]
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"), index=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), unique=True)
    capacity_g: Mapped[int]
    capacity_ml: Mapped[int]
    capacity_pallets: Mapped[int]
    storage_classes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    tail_lift: Mapped[bool] = mapped_column(default=False)
    licence: Mapped[str] = mapped_column(default="B")
    cost_fixed_huf: Mapped[int] = mapped_column(default=0)
    cost_per_km_huf: Mapped[int] = mapped_column(default=0)
    cost_per_hour_huf: Mapped[int] = mapped_column(default=0)
    lent_by: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class VehicleAbsence(Numbered, Base):
    """Days on which a vehicle is not to be had."""

    __tablename__ = "vehicle_absence"
    __table_args__ = (CheckConstraint("until >= since", name="ends_after_start"),)

    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"), index=True)
    since: Mapped[date]
    until: Mapped[date]
    reason: Mapped[str | None]


class Driver(Numbered, Base):
    """Somebody who drives (sofőr); often a volunteer."""

    __tablename__ = "driver"
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id", Scope.OWN: "id"}

    name: Mapped[str]
    name_key: Mapped[str]
    licence: Mapped[str] = mapped_column(default="B")
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"), index=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("vehicle.id"))
    """The vehicle they usually drive."""
    shift_starts_at: Mapped[time] = mapped_column(default=time(7))
    shift_ends_at: Mapped[time] = mapped_column(default=time(16))
    volunteer: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Run(Numbered, Base):
    """A run (járat)."""

    __tablename__ = "run"
    __table_args__ = (
        Index("ix_run_county_id_on_id", "county_id", "on", "id"),
        Index("ix_run_warehouse_id_on_id", "warehouse_id", "on", "id"),
        Index("ix_run_driver_id_on", "driver_id", "on"),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id", Scope.OWN: "driver_id"}

    on: Mapped[date]
    number: Mapped[int]
    """Its number on that day."""
    state: Mapped[str] = mapped_column(default=RunState.DRAFT)
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"))
    driver_id: Mapped[int | None] = mapped_column(ForeignKey("driver.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    departs_at: Mapped[datetime]
    returns_at: Mapped[datetime]
    distance_m: Mapped[int]
    cost_huf: Mapped[int] = mapped_column(default=0)
    published_at: Mapped[datetime | None]
    loading_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    vehicle: Mapped[Vehicle] = relationship()
    driver: Mapped[Driver | None] = relationship()
    stops: Mapped[list[Stop]] = relationship(order_by="Stop.position", back_populates="run")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def code(self) -> str:
        """Return how the run is called on pages."""
        return f"R-{self.id}"


class Stop(Numbered, Base):
    """A place where the run hands over (megálló)."""

    __tablename__ = "stop"
    __table_args__ = (UniqueConstraint("run_id", "position"),)
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id", Scope.OWN: "driver_id"}

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    driver_id: Mapped[int | None] = mapped_column(ForeignKey("driver.id"))
    position: Mapped[int]
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"))
    lat: Mapped[float]
    lon: Mapped[float]
    arrives_at: Mapped[datetime]
    leaves_at: Mapped[datetime]
    window_from: Mapped[datetime | None]
    window_until: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default=StopState.PLANNED)
    reached_at: Mapped[datetime | None]

    run: Mapped[Run] = relationship(back_populates="stops")
    parcels: Mapped[list[Parcel]] = relationship(order_by="Parcel.id", back_populates="stop")


class Parcel(Numbered, Base):
    """A household's goods from one warehouse (csomag), shown as P-48190. Its code is all a warehouse sees."""

    __tablename__ = "parcel"
    __table_args__ = (
        Index("ix_parcel_state_warehouse_id_id", "state", "warehouse_id", "id"),
        Index("ix_parcel_household_id", "household_id"),
        Index("ix_parcel_stop_id", "stop_id", postgresql_where=text("stop_id IS NOT NULL")),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id", Scope.OWN: "driver_id"}

    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"), index=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    """The warehouse's county."""
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    driver_id: Mapped[int | None] = mapped_column(ForeignKey("driver.id"))
    """Whose run it is on; keeps step with the stop."""
    stop_id: Mapped[int | None] = mapped_column(ForeignKey("stop.id"))
    state: Mapped[str] = mapped_column(default=ParcelState.READY)
    urgency: Mapped[int]
    """The most urgent class of its needs."""
    weight_g: Mapped[int]
    volume_ml: Mapped[int]
    storage_classes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    health_related: Mapped[bool] = mapped_column(default=False)
    hand_over_code: Mapped[str]
    """Six digits that the household was given."""
    made_at: Mapped[datetime]
    loaded_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)

    stop: Mapped[Stop | None] = relationship(back_populates="parcels")
    lines: Mapped[list[ParcelLine]] = relationship(order_by="ParcelLine.id", back_populates="parcel")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def code(self) -> str:
        """Return what is printed on the parcel."""
        return f"P-{self.id}"


class ParcelLine(Numbered, Base):
    """One share in a parcel."""

    __tablename__ = "parcel_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), index=True)
    share_id: Mapped[int] = mapped_column(ForeignKey("share.id"), unique=True)
    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), index=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    """The shelf it is picked from."""
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    quantity: Mapped[int]
    quantity_handed_over: Mapped[int] = mapped_column(default=0)

    parcel: Mapped[Parcel] = relationship(back_populates="lines")


class Proof(Numbered, HasPersonalData, Base):
    """Proof of delivery (átvételi igazolás): a code or a signature, when, and who received (relation, no name)."""

    __tablename__ = "proof"
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.OWN: "driver_id"}

    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), unique=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    driver_id: Mapped[int | None] = mapped_column(ForeignKey("driver.id"))
    kind: Mapped[str]
    """code, signature."""
    relation: Mapped[str]
    """self, family_member, neighbour, institution."""
    signature = PersonalText()
    """The strokes as JSON: [[x, y, milliseconds], …] in a list a stroke; sealed, for a signature names a person."""
    signature_sealed: Mapped[bytes | None]
    happened_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
