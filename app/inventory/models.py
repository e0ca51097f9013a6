"""The tables of exported files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
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


class ExportPart(Numbered, Base):
    """A mebibyte of an exported file, or what is left of it at the end."""

    __tablename__ = "stock_export_part"
    __table_args__ = (UniqueConstraint("export_id", "number"),)

    export_id: Mapped[int] = mapped_column(ForeignKey("stock_export.id", ondelete="CASCADE"))
    number: Mapped[int]
    """0, 1, …"""
    content: Mapped[bytes] = mapped_column(LargeBinary)
