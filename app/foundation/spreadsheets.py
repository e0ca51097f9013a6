"""A table out of an uploaded file, CSV, XLSX or ODS, however the office program wrote it.

Every cell comes out as text; a number that a workbook holds as a number comes out as a NumberCell, because it is
written in one way only. A file that would grow beyond measure is refused before anything parses it.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from app.foundation.words import Message, say

FILE_BYTES_MAX = 5_000_000
UNPACKED_BYTES_MAX = 50_000_000
UNPACKED_RATIO_MAX = 100
PARTS_MAX = 500
ROWS_MAX = 20_000
CELLS_MAX = 60
GRID_COLUMNS_MAX = 16_384
GRID_ROWS_MAX = 100_000
GRID_CELLS_MAX = 4_000_000
"""A workbook may say that a cell stands in row 1,000,000: whoever believes it makes room for all before it."""
SHEETS_MAX = 50
"""So many sheets of a workbook are offered."""
LINE_CHARACTERS_MAX = 200_000
HEADING_WITHIN = 20
"""The heading is looked for in this many first rows: offices like titles above it."""

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
DELIMITERS = (",", ";", "\t", "|")


class NumberCell(str):
    """A cell that a workbook holds as a number: digits with a decimal point, never with a comma."""

    __slots__ = ()


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


Grid = list[list[str]]
Recognise = Callable[[str], bool]
"""Tell whether a heading is one that is known."""


def read_table(content: bytes, wanted: Iterable[str]) -> Table:
    """Return the table in a file. Its heading is the first row that names any of the ``wanted`` columns.

    Raises Unreadable for what is too large, damaged, or no table with such a heading.
    """
    known = set(wanted)
    found = grids(content)
    if len(found) == 1:
        return find_heading(found[0], known)
    tables = [table for grid in found if (table := try_grid(grid, known))]
    if not tables:
        raise no_heading(known)
    return max(tables, key=lambda table: len(known & set(table.columns)))


def read_any_table(content: bytes, recognise: Recognise, sheet: str | None = None) -> Table:
    """Return the table in a file whose headings are not known before; as they are written there.

    The heading is the first row with most recognised headings, else the first with two cells that are filled. Columns
    without a heading are named after their letter, a heading that comes again gets a number. ``sheet`` is one of
    ``sheet_names``, else it is the first.
    """
    found = [(heading[0], grid, heading[1]) for grid in grids(content, sheet) if (heading := _heading(grid, recognise))]
    if not found:
        raise Unreadable(say("No table was found: the first row must name the columns."))
    _, grid, number = max(found, key=lambda each: each[0])
    return table_below(_named(grid[number]), grid[number + 1 :], number + 2)


def _heading(grid: Grid, recognise: Recognise) -> tuple[tuple[int, int], int] | None:
    """Return how much the likeliest heading of a grid looks like one, and in which row it stands."""
    best: tuple[tuple[int, int], int] | None = None
    for number, row in enumerate(grid[:HEADING_WITHIN]):
        filled = sum(1 for cell in row if cell.strip())
        score = sum(1 for cell in row if cell.strip() and recognise(cell))
        if not filled or (score == 0 and filled < 2):
            continue
        alike = sum(1 for other in grid[number + 1 : number + 1 + HEADING_WITHIN] if len(other) == len(row))
        key = (score, alike if score == 0 else 0)
        if best is None or key > best[0]:
            best = (key, number)
    return best


def sheet_names(content: bytes) -> list[str]:
    """Return the names of the sheets of a workbook that are shown, each once; none for a text file."""
    return list(_shown(_workbook(content))) if content.startswith(ZIP) else []


def likeliest_sheet(content: bytes, recognise: Recognise) -> str | None:
    """Return the sheet of a workbook whose heading has most recognised headings; the first of those alike."""
    if not content.startswith(ZIP):
        return None
    book = _workbook(content)
    scores: dict[str, int] = {}
    for name, place in _shown(book).items():
        try:
            heading = _heading(_cells(book, place, rows_max=2 * HEADING_WITHIN), recognise)
        except Unreadable:
            heading = None
        scores[name] = heading[0][0] if heading else -1
    return max(scores, key=lambda name: scores[name]) if scores else None


def _named(row: Sequence[str]) -> list[str]:
    cells = [" ".join(str(cell).split())[:80] for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    named: list[str] = []
    for number, cell in enumerate(cells):
        name = cell or _letter(number)
        again = 2
        while name in named:
            name, again = f"{cell or _letter(number)} ({again})", again + 1
        named.append(name)
    return named


def _letter(number: int) -> str:
    return (chr(64 + number // 26) if number >= 26 else "") + chr(65 + number % 26)


def grids(content: bytes, sheet: str | None = None) -> list[Grid]:
    """Return the cells of a file: one sheet of a workbook, of a text file one grid for each way it may be cut."""
    if not content:
        raise Unreadable(say("The file is empty."))
    if len(content) > FILE_BYTES_MAX:
        raise Unreadable(say("The file is too large: at most 5 MB can be read."))
    if content.startswith(OLE):
        raise Unreadable(say("This is an old XLS file. Save it as XLSX or CSV and upload that."))
    if content.startswith(ZIP):
        return [cells_of_workbook(content, sheet)]
    text = decode(content)
    if any(len(line) > LINE_CHARACTERS_MAX for line in text.splitlines()):
        raise Unreadable(say("A line of the file is too long for a table. Save only the table."))
    return [grid for delimiter in DELIMITERS if (grid := cut(text, delimiter))]


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


def check_parts(content: bytes) -> None:
    """Refuse what makes a small workbook endless: entities, archives within it, cells a million rows away."""
    endless = Unreadable(say("The file grows too much when unpacked. Save only the table, without pictures."))
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for part in packed.infolist():
            with packed.open(part) as stream:
                if stream.read(4) in (ZIP, OLE):
                    raise Unreadable(say("The file holds another file. Save only the table, as XLSX, ODS or CSV."))
            if part.filename.lower().endswith((".xml", ".rels")):
                extent = Extent(endless)
                with packed.open(part) as stream:
                    extent.read(stream.read())


class Extent:
    """How far the cells of one XML part of a workbook reach, found without keeping any of them."""

    def __init__(self, endless: Unreadable) -> None:
        self.endless = endless
        self.last_row = self.last_column = self.cells = 0
        self.repeated_rows = 1

    def read(self, xml: bytes) -> None:
        """Refuse a part that declares entities or reaches too far."""
        if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml or b"<\x00!\x00" in xml or b"\x00<\x00!" in xml:
            raise _no_workbook()
        for column, row in CELL_OF_XLSX.findall(xml):
            self.last_row = max(self.last_row, int(row))
            self.last_column = max(self.last_column, _column_number(column))
        if self.last_row > GRID_ROWS_MAX or self.last_column > GRID_COLUMNS_MAX:
            raise self.endless
        if self.last_row * self.last_column > GRID_CELLS_MAX:
            raise self.endless
        if b"-repeated=" in xml:
            reader = expat.ParserCreate()
            reader.StartElementHandler = self._element
            try:
                reader.Parse(xml, True)
            except expat.ExpatError as error:
                raise Unreadable(say("The file is damaged or locked with a password.")) from error

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        if name.endswith("table-row"):
            self.repeated_rows = _times(attributes, "rows")
        elif name.endswith("table-cell") and any(each.endswith("value-type") for each in attributes):
            # Empty cells repeat to the edge of every sheet that an office program writes; they cost nothing.
            self.cells += self.repeated_rows * _times(attributes, "columns")
            if self.cells > GRID_CELLS_MAX:
                raise self.endless


CELL_OF_XLSX = re.compile(rb'<(?:\w+:)?c\b[^>]{0,200}?\br="([A-Z]{1,9})([0-9]{1,12})"')


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _times(attributes: dict[str, str], what: str) -> int:
    for name, value in attributes.items():
        if name.endswith(f"number-{what}-repeated"):
            return int(value) if value.isascii() and value.isdigit() and len(value) < 12 else GRID_CELLS_MAX + 1
    return 1


def cells_of_workbook(content: bytes, sheet: str | None = None) -> Grid:
    """Return the cells of a sheet of a workbook, by its name; of the first without one."""
    book = _workbook(content)
    if sheet is None:
        return _cells(book, 0)
    place = _shown(book).get(sheet)
    if place is None:
        raise Unreadable(say("There is no sheet %(sheet)s in the file. Choose one of the list.", sheet=sheet))
    return _cells(book, place)


def _workbook(content: bytes) -> CalamineWorkbook:
    check_size_unpacked(content)
    check_parts(content)
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(content))
    except (CalamineError, ValueError) as error:
        raise _no_workbook() from error


def _no_workbook() -> Unreadable:
    return Unreadable(say("The file is no workbook that can be read. Save it as XLSX or CSV."))


def _shown(book: CalamineWorkbook) -> dict[str, int]:
    """Return the sheets with cells that a person sees in the office program: name → place, the first fifty."""
    every = list(enumerate(book.sheets_metadata))
    seen = [(place, sheet) for place, sheet in every if sheet.visible == SheetVisibleEnum.Visible]
    shown: dict[str, int] = {}
    for place, sheet in seen or every:
        if sheet.typ == SheetTypeEnum.WorkSheet and len(shown) < SHEETS_MAX:
            name = " ".join("".join(sign if sign.isprintable() else " " for sign in sheet.name).split())[:80]
            shown.setdefault(name or f"{place + 1}.", place)
    return shown


def _cells(book: CalamineWorkbook, place: int, *, rows_max: int = ROWS_MAX + HEADING_WITHIN + 1) -> Grid:
    try:
        rows = book.get_sheet_by_index(place).to_python(skip_empty_area=False, nrows=rows_max)
    except (CalamineError, IndexError, ValueError) as error:
        raise _no_workbook() from error
    return [[cell_text(value) for value in row[: CELLS_MAX + 1]] for row in rows]


def cell_text(value: Any) -> str:
    """Return a cell as text; whole numbers lose the ".0" that workbooks give them, dates the midnight."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float | int):
        whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e15)
        return NumberCell(int(value) if whole else repr(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def decode(content: bytes) -> str:
    """Return the text of a CSV file: UTF-8, UTF-16, or Windows-1250 (Latin-2 writes Hungarian alike)."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    elif (without_mark := _utf_16_without_mark(content)) is not None:
        text = content.decode(without_mark, errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1250", errors="replace")
    if "\x00" in text:
        raise Unreadable(say("This is no text: the file holds characters that no table has."))
    return text


def _utf_16_without_mark(content: bytes) -> str | None:
    """Return which UTF-16 it is where most letters are one byte and a zero."""
    head = content[:2000]
    half = max(1, len(head) // 2)
    if head[1::2].count(0) > 0.7 * half and head[0::2].count(0) == 0:
        return "utf-16-le"
    if head[0::2].count(0) > 0.7 * half and head[1::2].count(0) == 0:
        return "utf-16-be"
    return None


def cut(text: str, delimiter: str) -> Grid:
    """Return the cells as this delimiter cuts them; none where the quotes do not match."""
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return []


def try_grid(grid: Grid, known: set[str]) -> Table | None:
    """Return the table below a heading, or None where there is no heading."""
    try:
        return find_heading(grid, known)
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
        cells = [cell if isinstance(cell, NumberCell) else cell.strip() for cell in row]
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
