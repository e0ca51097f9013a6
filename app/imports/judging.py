"""The rows of an opening stock or of a catalogue, judged one by one before anything is written. Pure.

Runs in a child process with limits of time and memory: what a file holds hurts nobody else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.foundation.errors import Invalid
from app.foundation.spreadsheets import (
    Recognise,
    Row,
    Table,
    Unreadable,
    likeliest_sheet,
    read_any_table,
    sheet_names,
)
from app.foundation.text import tidy
from app.foundation.words import Message, say
from app.imports import catalogue_rows, columns, stock_rows
from app.imports.kinds import ImportKind
from app.imports.rows import Cell, Judged, Known, Meant, clean

SAMPLE_ROWS = 5
SHOWN_ROWS = 50
WRONG_ROWS_MAX = 1000


@dataclass(frozen=True)
class Glance:
    """What a file looks like: its headings and first rows."""

    columns: list[str]
    sample: list[list[str]]
    rows: int
    sheets: list[str] = field(default_factory=list)
    """Of a workbook: all that can be chosen."""
    sheet: str | None = None
    """The one that was looked at."""


@dataclass(frozen=True)
class Examined:
    """The judged file: what is wrong, what would be written, and its figures."""

    problems: list[dict[str, Any]]
    figures: dict[str, Any]
    rows: list[dict[str, Any]]
    """Empty where only the judgement was asked for."""


def glance(
    content: bytes, kind: str, sheet: str | None = None, *, say: Callable[[object], None] = lambda _: None
) -> Glance | Message:
    """Return what a file looks like, or why it cannot be read; of a workbook the sheet, or the likeliest one."""
    del say  # a short job: it has nothing to tell before it ends
    recognise = _heading_of(kind)
    try:
        sheets = sheet_names(content)
        sheet = sheet or likeliest_sheet(content, recognise)
        table = read_any_table(content, recognise, sheet)
        sample = [[clean(row.cells[column])[:60] for column in table.columns] for row in table.rows[:SAMPLE_ROWS]]
        return Glance([tidy(column) for column in table.columns], sample, len(table.rows), sheets, sheet)
    except (Unreadable, Invalid) as refused:
        return refused.message


def _heading_of(kind: str) -> Recognise:
    return lambda heading: columns.known_heading(kind, heading)


def examine(
    content: bytes,
    kind: str,
    fields: Mapping[str, str],
    known: Known,
    with_rows: bool,
    sheet: str | None = None,
    *,
    say: Callable[[object], None] = lambda _: None,
) -> Examined | Message:
    """Return the judged rows of a file, or why it cannot be read. ``say`` is told the percent done."""
    try:
        table = read_any_table(content, _heading_of(kind), sheet)
    except Unreadable as refused:
        return refused.message
    say(10)
    by_tidy = {tidy(column): column for column in table.columns}
    meant = {ours: by_tidy[column] for ours, column in fields.items() if column in by_tidy}
    judge = stock_rows.judge if kind == ImportKind.OPENING_STOCK else catalogue_rows.judge
    rows: list[Judged] = []
    for number, row in enumerate(table.rows):
        if number % 2000 == 1999:
            say(10 + 80 * number // len(table.rows))
        rows.append(_judge(row, table, meant, known, judge))
    if kind == ImportKind.CATALOGUE:
        catalogue_rows.judge_repeats(rows, meant)
    return _told(rows, kind, with_rows)


Judge = Callable[[Judged, Cell, Meant, Known], None]


def _judge(row: Row, table: Table, meant: Meant, known: Known, judge: Judge) -> Judged:
    cells = [row.cells.get(column, "") for column in table.columns]
    judged = Judged(row.line, [clean(cell) for cell in cells])
    if row.width > len(table.columns):
        judged.refuse(
            None,
            "",
            say(
                "The row has %(cells)s cells, the heading %(columns)s. Is a separator inside a number or a name?",
                cells=row.width,
                columns=len(table.columns),
            ),
        )
        return judged

    def cell(field_name: str) -> str:
        column = meant.get(field_name)
        return clean(row.cells.get(column, "")) if column is not None else ""

    try:
        for value in row.cells.values():
            tidy(value)
    except Invalid as refused:
        judged.refuse(None, "", refused.message)
        return judged
    judge(judged, cell, meant, known)
    return judged


def _told(rows: list[Judged], kind: str, with_rows: bool) -> Examined:
    wrong = [row for row in rows if row.wrong]
    good = [row for row in rows if not row.wrong]
    values = [row.values for row in good]
    figures: dict[str, Any] = {
        "rows": len(rows),
        "wrong": len(wrong),
        "odd": sum(1 for row in rows if row.odd),
        "mark": hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest(),
        "shown": [{**row.shown, "odd": [each.to_json() for each in row.odd]} for row in good[:SHOWN_ROWS]],
    }
    if kind == ImportKind.OPENING_STOCK:
        figures |= {
            "items": len({each["item_id"] for each in values}),
            "places": len({each["place_id"] for each in values}),
            "expired": sum(1 for row in good if row.odd),
        }
    else:
        figures |= {
            "new": sum(1 for row in good if row.shown["deed"] == "new" and not row.values.get("again")),
            "changed": sum(1 for row in good if row.shown["deed"] == "changed" and not row.values.get("again")),
            "packs": sum(1 for each in values if each["pack"]),
        }
    problems = [{"row": row.line, "cells": row.cells, "wrong": row.wrong} for row in wrong[:WRONG_ROWS_MAX]]
    return Examined(problems, figures, values if with_rows else [])
