"""Thousands of rows in one statement: they travel as one JSON value, so their number costs no round trips."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, any_, literal, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_rows(session: Session, model: Any, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows that all have the same columns; return their ids in the order of the rows.

    Nothing is defaulted but the id: name every column that must not be null.
    """
    if not rows:
        return []
    table = model.__table__
    names = list(rows[0])
    listed = ", ".join(f'"{name}"' for name in names)
    typed = ", ".join(f'"{name}" {table.c[name].type.compile(dialect=_DIALECT)}' for name in names)
    statement = text(
        f'INSERT INTO "{table.name}" ({listed}) SELECT {listed} '
        f'FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row ({typed}, "_position" bigint) '
        'ORDER BY "_position" RETURNING id'
    )
    numbered = [{**row, "_position": position} for position, row in enumerate(rows)]
    session.flush()
    made = session.scalars(statement, {"rows": json.dumps(numbered, default=_plain)})
    # Identities are drawn in the order of the select.
    return sorted(made)


def among(column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """Return the condition that the column is one of these ids; they travel as one array, however many they are."""
    condition: ColumnElement[bool] = column == any_(literal(list(ids), postgresql.ARRAY(BigInteger)))
    return condition


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise TypeError(f"{value!r} cannot travel as JSON")
