"""The table of exported files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, Numbered


class Export(Numbered, Base):
    """A table that was too long to wait for: made by a job, kept for a week, given to nobody but who asked for it."""

    __tablename__ = "stock_export"
    __table_args__ = (Index("ix_stock_export_asked_by_id_id", "asked_by_id", "id"),)

    asked_by_id: Mapped[int]
    asked_at: Mapped[datetime]
    view: Mapped[str]
    form: Mapped[str]
    asked: Mapped[dict[str, Any]]
    """The filters, the headings and the words of the asker's language."""
    job_id: Mapped[int | None]
    made_at: Mapped[datetime | None]
    rows: Mapped[int | None]
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
