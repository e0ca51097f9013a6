"""Tables of the people who sign in, their sessions, and the keys of programs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.database import Base, Numbered
from app.foundation.personal import HasPersonalData, PersonalText


class User(Numbered, HasPersonalData, Base):
    """Somebody who signs in. What they may do is their role's row; where, is their counties, warehouse and so on."""

    __tablename__ = "app_user"

    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_key: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[str]
    language: Mapped[str] = mapped_column(default="hu")
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    driver_id: Mapped[int | None] = mapped_column(ForeignKey("driver.id"))
    donor_id: Mapped[int | None] = mapped_column(ForeignKey("donor.id"))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    totp = PersonalText()
    """The secret of the second factor; none until it is set up."""
    totp_sealed: Mapped[bytes | None]
    totp_last_slot: Mapped[int | None]
    """The last time slot a code was used in: a code works once."""
    version: Mapped[int] = mapped_column(default=1)

    counties: Mapped[list[UserCounty]] = relationship(cascade="all, delete-orphan", lazy="selectin")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class UserCounty(Base):
    """A county that a coordinator or dispatcher works for."""

    __tablename__ = "app_user_county"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), primary_key=True)
    county_id: Mapped[int] = mapped_column(ForeignKey("county.id"), primary_key=True)


class WebSession(Numbered, Base):
    """A signed-in browser. Only a hash of its key is stored."""

    __tablename__ = "web_session"
    __table_args__ = (Index("ix_web_session_user_id", "user_id"),)

    key_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    second_factor_at: Mapped[datetime | None]
    """When the second factor was proved; until then only the page that asks for it opens."""
    browser: Mapped[str | None]
    scanner: Mapped[bool] = mapped_column(default=False)
    """A phone of the warehouse: it may lie still for a shift, and its page asks for a PIN of its own after minutes."""


class ApiToken(Numbered, Base):
    """A program's key: 256 random bits, of which only a hash and the first letters are stored."""

    __tablename__ = "api_token"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    prefix: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SignInAttempt(Numbered, Base):
    """A failed try to sign in, counted by account and by address, both kept as keyed hashes."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("ix_sign_in_attempt_who_at", "who", "at"), Index("ix_sign_in_attempt_at", "at"))

    who: Mapped[str]
    at: Mapped[datetime]
