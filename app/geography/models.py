"""Tables of the country: counties, districts, settlements and their postal codes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.database import Base, Numbered


class County(Numbered, Base):
    """A county (vármegye), or the capital."""

    __tablename__ = "county"

    code: Mapped[str] = mapped_column(unique=True)
    """ISO 3166-2 without the country: "BZ"."""
    name: Mapped[str] = mapped_column(unique=True)
    name_key: Mapped[str]
    nuts3: Mapped[str] = mapped_column(unique=True)
    seat: Mapped[str]
    hue: Mapped[int]
    """1–8: the colour of its depots on maps; neighbours never share one."""


class District(Numbered, Base):
    """A district (járás)."""

    __tablename__ = "district"
    __table_args__ = (UniqueConstraint("county_id", "name"),)

    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    seat: Mapped[str]
    code: Mapped[str | None]
    deprivation_class: Mapped[int | None]

    county: Mapped[County] = relationship()


class Settlement(Numbered, Base):
    """A settlement (település): where households live and vans go."""

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("county_id", "name"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="point_on_earth"),
        Index("ix_settlement_name_key", "name_key", postgresql_ops={"name_key": "text_pattern_ops"}),
    )

    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"), index=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), index=True)
    district_provisional: Mapped[bool] = mapped_column(default=True)
    """True until an official register says the district: it is the nearest seat's."""
    name: Mapped[str]
    name_key: Mapped[str]
    ksh_code: Mapped[str | None] = mapped_column(unique=True)
    lat: Mapped[float]
    lon: Mapped[float]
    population: Mapped[int | None]
    deprivation_class: Mapped[int | None]

    county: Mapped[County] = relationship()
    district: Mapped[District] = relationship()
    postal_codes: Mapped[list[PostalCode]] = relationship(order_by="PostalCode.code", back_populates="settlement")


class PostalCode(Base):
    """A settlement has several postal codes, and a code may serve several settlements."""

    __tablename__ = "postal_code"

    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True, index=True)

    settlement: Mapped[Settlement] = relationship(back_populates="postal_codes")


class RegisterImport(Numbered, Base):
    """An official register that somebody loaded: its rows as previewed, and what it changed, so that it can go back."""

    __tablename__ = "register_import"

    file_name: Mapped[str]
    state: Mapped[str]
    """previewed, loaded, reversed."""
    rows: Mapped[list[Any]]
    figures: Mapped[dict[str, Any]]
    before: Mapped[list[Any] | None]
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    uploaded_at: Mapped[datetime]
    loaded_at: Mapped[datetime | None]
    reversed_at: Mapped[datetime | None]
