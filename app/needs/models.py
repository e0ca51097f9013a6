"""Tables of households, signals and needs."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered
from app.foundation.personal import HasPersonalData, PersonalText


class Heating(StrEnum):
    """How the home is heated."""

    WOOD = "wood"
    GAS = "gas"
    ELECTRIC = "electric"
    DISTRICT = "district"
    NONE = "none"
    UNKNOWN = "unknown"


class SignalState(StrEnum):
    """The life of a signal."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    MERGED = "merged"
    ANSWERED = "answered"


class NeedState(StrEnum):
    """The life of a need."""

    OPEN = "open"
    RESERVED = "reserved"
    PLANNED = "planned"
    LOADED = "loaded"
    HANDED_OVER = "handed_over"
    NOT_NEEDED = "not_needed"
    CANNOT_BE_MET = "cannot_be_met"


WAITING = (NeedState.OPEN, NeedState.RESERVED, NeedState.PLANNED, NeedState.LOADED)
"""States of a need that is not over."""

AGE_BANDS = ("age_0_1", "age_2_5", "age_6_13", "age_14_17", "age_18_64", "age_65_up")


class Household(Numbered, HasPersonalData, Base):
    """A household, shown by its code (H-1204). Name, phone and street only while something is open."""

    __tablename__ = "household"
    __table_args__ = (
        CheckConstraint("size BETWEEN 1 AND 30", name="size_plausible"),
        Index("ix_household_county_id_id", "county_id", "id"),
        Index("ix_household_name_index", "name_index"),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id"}

    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"), index=True)
    size: Mapped[int]
    age_0_1: Mapped[int] = mapped_column(default=0)
    age_2_5: Mapped[int] = mapped_column(default=0)
    age_6_13: Mapped[int] = mapped_column(default=0)
    age_14_17: Mapped[int] = mapped_column(default=0)
    age_18_64: Mapped[int] = mapped_column(default=0)
    age_65_up: Mapped[int] = mapped_column(default=0)
    heating: Mapped[str] = mapped_column(default=Heating.UNKNOWN)
    no_running_water: Mapped[bool] = mapped_column(default=False)
    no_fridge: Mapped[bool] = mapped_column(default=False)
    no_road_in_winter: Mapped[bool] = mapped_column(default=False)
    lone_parent: Mapped[bool] = mapped_column(default=False)
    access_need: Mapped[bool] = mapped_column(default=False)
    """Somebody cannot come to the gate or use steps."""
    baby_formula: Mapped[bool] = mapped_column(default=False)
    contact_name = PersonalText()
    contact_name_sealed: Mapped[bytes | None]
    phone = PersonalText()
    phone_sealed: Mapped[bytes | None]
    street = PersonalText()
    street_sealed: Mapped[bytes | None]
    name_index: Mapped[str | None]
    """Blind index of folded contact name and settlement."""
    opened_at: Mapped[datetime]
    last_handed_over_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    needs: Mapped[list[Need]] = relationship(order_by="Need.id", back_populates="household")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def code(self) -> str:
        """Return how the household is called on pages."""
        return f"H-{self.id}"


class Signal(Numbered, HasPersonalData, Base):
    """What a partner reported (jelzés), shown as J-4711. Only its partner and the coordinators see it."""

    __tablename__ = "signal"
    __table_args__ = (
        UniqueConstraint("organisation_id", "reference"),
        CheckConstraint("urgency BETWEEN 1 AND 4", name="urgency_class"),
        Index("ix_signal_waiting", "urgency", "id", postgresql_where=text("decided_at IS NULL")),
        Index("ix_signal_organisation_id_id", "organisation_id", "id"),
        Index("ix_signal_state_id", "state", "id"),
        Index("ix_signal_county_id_state_id", "county_id", "state", "id"),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.ORGANISATION: "organisation_id"}

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    reporter_id: Mapped[int | None]
    reference: Mapped[str]
    """The partner's own reference; ours when it gave none."""
    channel: Mapped[str]
    """page, api, phone, spreadsheet, link."""
    state: Mapped[str] = mapped_column(default=SignalState.RECEIVED)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"))
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    facts: Mapped[dict[str, Any]]
    """Size, age bands, heating and circumstances, by the names of the household's columns."""
    urgency: Mapped[int] = mapped_column(default=4)
    """The class of its most urgent line when it came in: the order of the queue."""
    contact_name = PersonalText()
    contact_name_sealed: Mapped[bytes | None]
    phone = PersonalText()
    phone_sealed: Mapped[bytes | None]
    street = PersonalText()
    street_sealed: Mapped[bytes | None]
    note = PersonalText()
    note_sealed: Mapped[bytes | None]
    household_id: Mapped[int | None] = mapped_column(ForeignKey("household.id"), index=True)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("signal.id"))
    refusal_reason: Mapped[str | None]
    content_hash: Mapped[str]
    """Tells a repeated report from another one under the same reference."""
    received_at: Mapped[datetime]
    acknowledge_by: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None]
    answered_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    lines: Mapped[list[SignalLine]] = relationship(order_by="SignalLine.id", back_populates="signal")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def code(self) -> str:
        """Return how the signal is called on pages."""
        return f"J-{self.id}"


class SignalLine(Numbered, Base):
    """One thing asked for in a signal."""

    __tablename__ = "signal_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    signal_id: Mapped[int] = mapped_column(ForeignKey("signal.id"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    quantity: Mapped[int]
    wanted_by: Mapped[date | None]
    substitutes_accepted: Mapped[bool] = mapped_column(default=True)
    need_id: Mapped[int | None] = mapped_column(ForeignKey("need.id"), index=True)
    """The need it opened, or the open need it joined when the household was known."""

    signal: Mapped[Signal] = relationship(back_populates="lines")


class Need(Numbered, Base):
    """One thing that one household lacks (szükséglet)."""

    __tablename__ = "need"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("quantity_reserved >= 0 AND quantity_handed_over >= 0", name="quantities_not_negative"),
        CheckConstraint("urgency BETWEEN 1 AND 4", name="urgency_class"),
        Index("ix_need_state_urgency_id", "state", "urgency", "id"),
        Index("ix_need_county_id_state_urgency_id", "county_id", "state", "urgency", "id"),
        Index("ix_need_waiting", "urgency", "id", postgresql_where=text("closed_at IS NULL")),
        Index("ix_need_waiting_in_county", "county_id", "urgency", "id", postgresql_where=text("closed_at IS NULL")),
        # The counts above the list and on the home page are answered by the index alone; row-level security looks at
        # the county and the partner.
        Index(
            "ix_need_totals",
            "state",
            "urgency",
            postgresql_include=["county_id", "organisation_id", "opened_at"],
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_need_item_id_state", "item_id", "state"),
        Index("ix_need_organisation_id_id", "organisation_id", "id"),
    )
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.ORGANISATION: "organisation_id"}

    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"), index=True)
    signal_id: Mapped[int | None] = mapped_column(ForeignKey("signal.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    """The partner that signalled it, who may see its state."""
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    quantity: Mapped[int]
    quantity_reserved: Mapped[int] = mapped_column(default=0)
    """Reserved for it and not yet handed over."""
    quantity_handed_over: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(default=NeedState.OPEN)
    urgency: Mapped[int]
    urgency_grounds: Mapped[list[Any]] = mapped_column(default=list)
    """Why this class: Messages as JSON, the deciding one first."""
    urgency_override: Mapped[int | None]
    urgency_override_reason: Mapped[str | None]
    substitutes_accepted: Mapped[bool] = mapped_column(default=True)
    wanted_by: Mapped[date | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)

    household: Mapped[Household] = relationship(back_populates="needs")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def missing(self) -> int:
        """Return what is neither reserved nor handed over."""
        return self.quantity - self.quantity_reserved - self.quantity_handed_over


class UrgencyRule(Numbered, Base):
    """One row of the urgency table: if the fact holds, the need is at least this urgent."""

    __tablename__ = "urgency_rule"
    __table_args__ = (CheckConstraint("urgency BETWEEN 1 AND 4", name="urgency_class"),)

    position: Mapped[int]
    fact: Mapped[str]
    """A fact that triage.py knows: "baby_without_formula", "no_heating", "waiting_days"…"""
    threshold: Mapped[int | None]
    """For facts with a number: from this value on."""
    category: Mapped[str | None]
    """Only for needs of this category code; none: of every category."""
    urgency: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
