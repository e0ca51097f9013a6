"""A table out of an uploaded file, CSV or XLSX, however the office program wrote it.

Every cell comes out as text. A file that would grow beyond measure is refused before anything parses it.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from app.foundation.words import Message, say

FILE_BYTES_MAX = 5_000_000
UNPACKED_BYTES_MAX = 50_000_000
UNPACKED_RATIO_MAX = 100
PARTS_MAX = 500
ROWS_MAX = 20_000
CELLS_MAX = 60
HEADING_WITHIN = 20
"""The heading is looked for in this many first rows: offices like titles above it."""

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Row:
    """One row below the heading: its number in the file and its cells by column name."""

    line: int
    cells: dict[str, str]
    width: int
    """How many cells it really has; the heading's number unless something slipped."""


@dataclass(frozen=True)
class Table:
    """What a file holds."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


class Unreadable(Exception):
    """The file is no table that we can read; the message says why and what to do."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(str(message))


def read_table(content: bytes, wanted: Iterable[str]) -> Table:
    """Return the table in a file. Its heading is the first row that names any of the ``wanted`` columns.

    Raises Unreadable for what is too large, damaged, or no table with such a heading.
    """
    if not content:
        raise Unreadable(say("The file is empty."))
    if len(content) > FILE_BYTES_MAX:
        raise Unreadable(say("The file is too large: at most 5 MB can be read."))
    if content.startswith(OLE):
        raise Unreadable(say("This is an old XLS file. Save it as XLSX or CSV and upload that."))
    known = set(wanted)
    if content.startswith(ZIP):
        check_size_unpacked(content)
        return find_heading(cells_of_workbook(content), known)
    text = decode(content)
    tables = [table for delimiter in DELIMITERS if (table := try_delimiter(text, delimiter, known))]
    if not tables:
        raise no_heading(known)
    return max(tables, key=lambda table: len(known & set(table.columns)))


def check_size_unpacked(content: bytes) -> None:
    """Refuse a ZIP that is damaged, or grows past 50 MB or a hundredfold. It is unpacked in pieces and thrown away.

    The sizes a ZIP declares may lie; reading a part to its end checks them against its checksum.
    """
    too_large = Unreadable(say("The file grows too much when unpacked. Save only the table, without pictures."))
    limit = min(UNPACKED_BYTES_MAX, max(1_000_000, UNPACKED_RATIO_MAX * len(content)))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > limit:
                raise too_large
            seen = 0
            for part in parts:
                with packed.open(part) as stream:
                    while piece := stream.read(1 << 16):
                        seen += len(piece)
                        if seen > limit:
                            raise too_large
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Unreadable(say("The file is damaged or locked with a password.")) from error


def cells_of_workbook(content: bytes) -> list[list[str]]:
    """Return the cells of the first sheet of a workbook."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False, nrows=ROWS_MAX + HEADING_WITHIN + 1)
    except (CalamineError, IndexError, ValueError) as error:
        raise Unreadable(say("The file is no workbook that can be read. Save it as XLSX or CSV.")) from error
    return [[cell_text(value) for value in row[: CELLS_MAX + 1]] for row in rows]


def cell_text(value: Any) -> str:
    """Return a cell as text; whole numbers lose the ".0" that workbooks give them."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else str(value)


def decode(content: bytes) -> str:
    """Return the text of a CSV file: UTF-8, UTF-16 with a mark, or Windows-1250 (Latin-2 writes Hungarian alike)."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1250", errors="replace")
    if "\x00" in text:
        raise Unreadable(say("This is no text: the file holds characters that no table has."))
    return text


def try_delimiter(text: str, delimiter: str, known: set[str]) -> Table | None:
    """Return the table as this delimiter cuts it, or None where it shows no heading."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return None
    try:
        return find_heading(rows, known)
    except Unreadable as refused:
        if refused.message.text == no_heading(known).message.text:
            return None
        raise


def find_heading(rows: Sequence[Sequence[str]], known: set[str]) -> Table:
    """Return the table below the first row that names at least two wanted columns."""
    for number, row in enumerate(rows[:HEADING_WITHIN]):
        columns = [cell.strip().lower() for cell in row]
        while columns and not columns[-1]:
            columns.pop()
        if len(known & set(columns)) >= min(2, len(known)):
            return table_below(columns, rows[number + 1 :], number + 2)
    raise no_heading(known)


def table_below(columns: list[str], rows: Sequence[Sequence[str]], first_line: int) -> Table:
    """Return the rows that are not empty, each with its line in the file."""
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise Unreadable(say("The column %(column)s is there twice. Keep one of them.", column=twice[0]))
    if len(columns) > CELLS_MAX:
        raise Unreadable(say("The table is too wide: at most %(most)s columns can be read.", most=CELLS_MAX))
    filled = []
    for line, row in enumerate(rows, first_line):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        while len(cells) > len(columns) and not cells[-1]:
            cells.pop()
        by_column = dict(zip(columns, cells + [""] * (len(columns) - len(cells)), strict=False))
        filled.append(Row(line, by_column, len(cells)))
    if not filled:
        raise Unreadable(say("The table has a heading but no rows."))
    if len(filled) > ROWS_MAX:
        raise Unreadable(say("The table is too long: at most %(most)s rows can be read.", most=ROWS_MAX))
    return Table(tuple(columns), tuple(filled))


def no_heading(known: set[str]) -> Unreadable:
    """Say which heading was looked for."""
    return Unreadable(
        say("No heading was found. The first row must name the columns: %(columns)s.", columns=", ".join(sorted(known)))
    )
