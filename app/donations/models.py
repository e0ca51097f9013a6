"""Tables of donors, offers and arrivals."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered
from app.foundation.personal import HasPersonalData, PersonalText


class OfferState(StrEnum):
    """The life of an offer."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    ARRIVED = "arrived"
    CLOSED = "closed"


class Inspection(StrEnum):
    """What was decided of an arrived line."""

    ACCEPT = "accept"
    QUARANTINE = "quarantine"
    REFUSE = "refuse"


class Donor(Numbered, HasPersonalData, Base):
    """Who gives. The contact of a person is sealed; a company's public name is not."""

    __tablename__ = "donor"
    __table_args__ = (Index("ix_donor_name_key_id", "name_key", "id"),)
    SCOPED_BY: ClassVar = {Scope.OWN: "id"}

    kind: Mapped[str]
    """person, company, parish, institution, anonymous."""
    name: Mapped[str]
    """Public name; a private person's shown name is "magánszemély"."""
    name_key: Mapped[str]
    settlement_id: Mapped[int | None] = mapped_column(ForeignKey("settlement.id"))
    contact_name = PersonalText()
    contact_name_sealed: Mapped[bytes | None]
    email = PersonalText()
    email_sealed: Mapped[bytes | None]
    phone = PersonalText()
    phone_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Offer(Numbered, Base):
    """A promise of goods (felajánlás), shown as F-2214."""

    __tablename__ = "offer"
    __table_args__ = (Index("ix_offer_state_id", "state", "id"),)
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id", Scope.OWN: "donor_id"}

    donor_id: Mapped[int] = mapped_column(ForeignKey("donor.id"), index=True)
    state: Mapped[str] = mapped_column(default=OfferState.OFFERED)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    settlement_id: Mapped[int | None] = mapped_column(ForeignKey("settlement.id"))
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    """Which warehouse takes it; set when it is accepted."""
    collection: Mapped[bool] = mapped_column(default=False)
    """True: we fetch it; False: the donor brings it."""
    until: Mapped[date | None]
    decline_reason: Mapped[str | None]
    note: Mapped[str | None]
    reference: Mapped[str | None] = mapped_column(unique=True)
    """The sender's own reference, with the sender before it: offered twice, stored once."""
    content_hash: Mapped[str | None]
    offered_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    donor: Mapped[Donor] = relationship()
    lines: Mapped[list[OfferLine]] = relationship(order_by="OfferLine.id", back_populates="offer")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class OfferLine(Numbered, Base):
    """What is offered, and how much of it has come."""

    __tablename__ = "offer_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    quantity: Mapped[int]
    condition: Mapped[str] = mapped_column(default="new")
    expires_on: Mapped[date | None]
    unit_value_huf: Mapped[int | None]
    arrived: Mapped[int] = mapped_column(default=0)

    offer: Mapped[Offer] = relationship(back_populates="lines")


class Arrival(Numbered, Base):
    """Goods that came at one time, with or without an offer; its goods-received note is a voucher."""

    __tablename__ = "arrival"
    SCOPED_BY: ClassVar = {Scope.COUNTY: "county_id", Scope.WAREHOUSE: "warehouse_id", Scope.OWN: "donor_id"}

    offer_id: Mapped[int | None] = mapped_column(ForeignKey("offer.id"), index=True)
    donor_id: Mapped[int] = mapped_column(ForeignKey("donor.id"))
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"), index=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"))
    arrived_at: Mapped[datetime]
    received_by_id: Mapped[int | None]
    voucher_id: Mapped[int | None] = mapped_column(ForeignKey("voucher.id"))
    operation_id: Mapped[UUID | None] = mapped_column(unique=True)
    """Made on the device before it is sent: sent twice, arrived once."""
    content_hash: Mapped[str | None]

    lines: Mapped[list[ArrivalLine]] = relationship(order_by="ArrivalLine.id", back_populates="arrival")


class ArrivalLine(Numbered, Base):
    """One inspected line: accepted and quarantined lines became a lot."""

    __tablename__ = "arrival_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    arrival_id: Mapped[int] = mapped_column(ForeignKey("arrival.id"), index=True)
    offer_line_id: Mapped[int | None] = mapped_column(ForeignKey("offer_line.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    quantity: Mapped[int]
    expires_on: Mapped[date | None]
    condition: Mapped[str] = mapped_column(default="new")
    inspection: Mapped[str]
    reason: Mapped[str | None]
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))

    arrival: Mapped[Arrival] = relationship(back_populates="lines")
