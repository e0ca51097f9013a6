"""Keyset pages: any depth costs the same, and nothing is skipped when rows arrive meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, SQLColumnExpression, tuple_
from sqlalchemy.orm import Session

from app.foundation.errors import Invalid
from app.foundation.words import say

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200


Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and the mark after which the next ones begin (None: these were the last)."""

    rows: Sequence[Row]
    next_after: str | None
    total: int | None = None


def page(
    session: Session,
    statement: Select[Any],
    *,
    order: Sequence[SQLColumnExpression[Any]],
    after: str | None = None,
    size: int = PAGE_SIZE,
    descending: bool = False,
) -> Page[Any]:
    """Return one page of ``statement``, ordered by ``order``, whose last column must be unique and none null.

    ``after`` is the ``next_after`` of the page before. One SQL statement, whatever the depth.
    """
    size = max(1, min(size, PAGE_SIZE_MAX))
    keys = list(order)
    single = len(statement.column_descriptions) == 1
    # A label never meets a column of the same name in the row.
    statement = statement.add_columns(*[key.label(f"_key_{number}") for number, key in enumerate(keys)])
    if after:
        values = _read_mark(after, keys)
        mark = tuple_(*keys)
        statement = statement.where(mark < tuple_(*values) if descending else mark > tuple_(*values))
    statement = statement.order_by(*[key.desc() if descending else key.asc() for key in keys]).limit(size + 1)
    found = session.execute(statement).all()
    rows = [row[0] if single else row[: -len(keys)] for row in found[:size]]
    next_after = _write_mark(found[size - 1][-len(keys) :]) if len(found) > size else None
    return Page(rows, next_after)


def _write_mark(values: Sequence[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, date | datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _read_mark(mark: str, keys: Sequence[SQLColumnExpression[Any]]) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
        if not isinstance(values, list) or len(values) != len(keys):
            raise ValueError(mark)
        return [_read_value(value, key) for value, key in zip(values, keys, strict=True)]
    except (ValueError, TypeError, binascii.Error, UnicodeDecodeError, OverflowError) as error:
        raise Invalid(say("The address of this page is damaged. Open the list again from its beginning.")) from error


def _read_value(value: Any, key: Any) -> Any:
    wanted = key.type.python_type
    if wanted in (date, datetime) and isinstance(value, str):
        return wanted.fromisoformat(value)
    if isinstance(value, bool) or not isinstance(value, wanted) or "\x00" in str(value):
        raise ValueError(value)
    if wanted is int and not -(2**63) <= value < 2**63:
        raise ValueError(value)
    if wanted is str:
        value.encode()  # Half a character (a lone surrogate) is a ValueError here, not a fault further down.
    return value
