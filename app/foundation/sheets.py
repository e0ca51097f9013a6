"""Tables that leave the house as CSV or XLSX. A cell that a spreadsheet would take for a formula is made inert.

Rows are taken one by one and written to a file of their own, in memory only while it is small: two hundred thousand
rows need no more room than a thousand. The file is whole before the first byte is sent, so that nobody saves half a
table, and a slow reader holds no connection to the database.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from types import SimpleNamespace
from typing import IO, Any
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
IN_MEMORY_BYTES_MAX = 2**20
"""A longer file lies on disk."""
PIECE_BYTES = 2**16

Cell = str | int | float | date | datetime | bool | Message | None


class Sheet:
    """A written table. It is read once, piece by piece, and gone then."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.rows = 0
        """How many, the heading not counted."""
        self.file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES_MAX)  # noqa: SIM115 - closed when read

    @property
    def size(self) -> int:
        """Return how many bytes there are."""
        at = self.file.tell()
        size = self.file.seek(0, 2)
        self.file.seek(at)
        return size

    def pieces(self, size: int = PIECE_BYTES) -> Iterator[bytes]:
        """Yield the file from its beginning."""
        self.file.seek(0)
        while piece := self.file.read(size):
            yield piece
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        return self.pieces()

    def close(self) -> None:
        """Drop the file."""
        self.file.close()


def written_as(form: str, heads: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> Sheet:
    """Write the table in a form, "csv" or "xlsx", taking one row after the other."""
    sheet = Sheet(form)
    (_write_xlsx if form == "xlsx" else _write_csv)(sheet.file, heads, _counted(sheet, rows))
    return sheet


def _counted(sheet: Sheet, rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    for row in rows:
        sheet.rows += 1
        yield row


def as_csv(heads: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a short table as CSV."""
    return b"".join(written_as("csv", heads, rows))


def as_xlsx(heads: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a short table as a workbook."""
    return b"".join(written_as("xlsx", heads, rows))


def inert(value: Cell) -> Cell:
    """Return what may stand in a cell: texts that begin like a formula get an apostrophe before them."""
    if isinstance(value, Message):
        value = translate(value)
    if isinstance(value, str):
        text = "".join(letter for letter in value if letter in "\n\t" or letter.isprintable())
        return f"'{text}" if text.startswith(RISKY) else text
    return value


def _write_csv(file: IO[bytes], heads: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> None:
    """Write UTF-8 with a mark, semicolons between, so that Hungarian office programs open it."""
    file.write(b"\xef\xbb\xbf")
    lines = SimpleNamespace(write=lambda line: file.write(line.encode()))
    writer = csv.writer(lines, delimiter=";", lineterminator="\r\n")
    writer.writerow([_plain(inert(each)) for each in heads])
    for row in rows:
        writer.writerow([_plain(inert(each)) for each in row])


def _plain(value: Cell) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(HOME).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value


def _write_xlsx(file: IO[bytes], heads: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a workbook of one sheet, its heading bold and fixed; texts are texts, whatever they say."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Adománybank")
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
    book.save(file)


def _cell(sheet: Any, value: Cell) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(HOME).replace(tzinfo=None)
    if isinstance(value, str) and value.startswith(("=", "#")):
        # The library would take it for a formula or for an error such as #N/A.
        cell = WriteOnlyCell(sheet, value=value)
        cell.data_type = "s"
        return cell
    return value
