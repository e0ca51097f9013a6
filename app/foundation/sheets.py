"""Tables that leave the house as CSV or XLSX. A cell that a spreadsheet would take for a formula is made inert."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from app.foundation.language import translate
from app.foundation.words import Message

HOME = ZoneInfo("Europe/Budapest")
RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is computed by office programs: a name such as =HYPERLINK(…) would act."""
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
ROWS_MAX = 200_000

Cell = str | int | float | date | datetime | bool | Message | None


def inert(value: Cell) -> Cell:
    """Return what may stand in a cell: texts that begin like a formula get an apostrophe before them."""
    if isinstance(value, Message):
        value = translate(value)
    if isinstance(value, str):
        text = "".join(letter for letter in value if letter in "\n\t" or letter.isprintable())
        return f"'{text}" if text.startswith(RISKY) else text
    return value


def as_csv(heads: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return the table as CSV: UTF-8 with a mark, semicolons between, so that Hungarian office programs open it."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";", lineterminator="\r\n")
    for row in (heads, *rows):
        writer.writerow([_written(inert(each)) for each in row])
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def _written(value: Cell) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(HOME).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value


def as_xlsx(heads: Sequence[Cell], rows: Iterable[Sequence[Cell]], *, title: str = "Adománybank") -> bytes:
    """Return the table as a workbook of one sheet, its heading bold and fixed; texts are texts, whatever they say."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    bold = Font(bold=True)
    heading = []
    for head in heads:
        cell = WriteOnlyCell(sheet, value=inert(head))
        cell.font = bold
        heading.append(cell)
    sheet.append(heading)
    for row in rows:
        sheet.append([_cell(sheet, inert(each)) for each in row])
    stored = io.BytesIO()
    book.save(stored)
    return stored.getvalue()


def _cell(sheet: Any, value: Cell) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(HOME).replace(tzinfo=None)
    if isinstance(value, str):
        cell = WriteOnlyCell(sheet, value=value)
        cell.data_type = "s"
        return cell
    return value


def written_as(form: str, heads: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return the table in a form: "csv" or "xlsx"."""
    return as_xlsx(heads, rows) if form == "xlsx" else as_csv(heads, rows)
