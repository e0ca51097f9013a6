"""Tables of imports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.actor import Scope
from app.foundation.database import Base, Numbered
from app.imports.kinds import BUSY, ImportKind, ImportState

__all__ = ["BUSY", "Import", "ImportKind", "ImportState"]


class Import(Numbered, Base):
    """A file that somebody brought in: how its columns were understood, what is wrong in it, what it made."""

    __tablename__ = "data_import"
    SCOPED_BY = {Scope.WAREHOUSE: "warehouse_id"}  # noqa: RUF012
    __table_args__ = (Index("ix_data_import_uploaded_by_id_id", "uploaded_by_id", "id"),)

    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default=ImportState.UPLOADED)
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    """Where an opening stock lies."""
    file_name: Mapped[str]
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The file itself, until it is loaded or a week old."""
    content_hash: Mapped[str]
    mapping: Mapped[dict[str, Any]]
    """shape: the mark of its headings; sheet: which sheet of a workbook is meant; columns, sample: what it looks
    like; fields: our field → its column."""
    rows_count: Mapped[int | None]
    problems: Mapped[list[Any] | None]
    """[{row, cells, wrong: [{column, value, message}]}], the first thousand."""
    figures: Mapped[dict[str, Any] | None]
    made: Mapped[dict[str, Any] | None]
    """What it wrote (lots and their note, or items and barcodes), so that it can be taken back; what stood in its
    way last time."""
    uploaded_by_id: Mapped[int | None]
    uploaded_at: Mapped[datetime]
    loaded_at: Mapped[datetime | None]
    reversed_at: Mapped[datetime | None]
    failure: Mapped[dict[str, Any] | None]
