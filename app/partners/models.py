"""Tables of partner organisations."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered


class OrganisationKind(StrEnum):
    """What kind of organisation it is."""

    FAMILY_SUPPORT = "family_support"
    HEALTH_VISITOR = "health_visitor"
    GP = "gp"
    SCHOOL = "school"
    KINDERGARTEN = "kindergarten"
    NOTARY = "notary"
    HOMELESS_CARE = "homeless_care"
    SHELTER = "shelter"
    PARISH = "parish"
    NGO = "ngo"
    VILLAGE_CARETAKER = "village_caretaker"


class Organisation(Numbered, Base):
    """A partner that signals needs, gives goods, provides services or carries."""

    __tablename__ = "organisation"
    __table_args__ = (Index("ix_organisation_name_key_id", "name_key", "id"),)
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.ORGANISATION: "id"}

    kind: Mapped[str]
    name: Mapped[str]
    name_key: Mapped[str]
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"), index=True)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"))
    email: Mapped[str | None]
    phone: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    agreements: Mapped[list[Agreement]] = relationship(order_by="Agreement.starts_on", back_populates="organisation")
    service_area: Mapped[list[ServiceArea]] = relationship(back_populates="organisation", cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Agreement(Numbered, Base):
    """What a partner and the mission agreed on, from when to when."""

    __tablename__ = "agreement"
    __table_args__ = (CheckConstraint("ends_on >= starts_on", name="ends_after_start"),)

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    may_report: Mapped[bool] = mapped_column(default=True)

    organisation: Mapped[Organisation] = relationship(back_populates="agreements")


class ServiceArea(Numbered, Base):
    """A county, district or settlement that a partner works in: exactly one of the three."""

    __tablename__ = "service_area"
    __table_args__ = (CheckConstraint("num_nonnulls(county_id, district_id, settlement_id) = 1", name="one_place"),)

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    county_id: Mapped[int | None] = mapped_column(ForeignKey("county.id"))
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    settlement_id: Mapped[int | None] = mapped_column(ForeignKey("settlement.id"))

    organisation: Mapped[Organisation] = relationship(back_populates="service_area")
