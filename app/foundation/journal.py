"""Who did what, when; and who looked at whose data. Both only grow."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, Numbered


class JournalEntry(Numbered, Base):
    """One deed, written in the transaction that did it. Holds ids and figures, never personal data."""

    __tablename__ = "journal_entry"
    __table_args__ = (
        Index("ix_journal_entry_subject", "subject_kind", "subject_id", "id"),
        Index("ix_journal_entry_actor_id_id", "actor_id", "id"),
        Index("ix_journal_entry_deed_id", "deed", "id"),
    )

    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor_role: Mapped[str]
    deed: Mapped[str]
    subject_kind: Mapped[str | None]
    subject_id: Mapped[int | None]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class AccessEntry(Numbered, Base):
    """Somebody read personal data: who, of what, why, when."""

    __tablename__ = "access_entry"
    __table_args__ = (Index("ix_access_entry_subject", "subject_kind", "subject_id", "id"),)

    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor_role: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[int]
    why: Mapped[str]
