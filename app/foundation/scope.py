"""The one function through which every scoped read goes.

A table says by which columns it is scoped: ``SCOPED_BY = {Scope.COUNTY: "county_id"}``. Row-level security in
PostgreSQL holds the same rule a second time, for the day somebody forgets this one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, false, true

from app.foundation.actor import Actor, Scope


def visible(actor: Actor, permission: str, table: Any) -> ColumnElement[bool]:
    """Return the condition that leaves only the rows of ``table`` on which ``actor`` holds ``permission``."""
    scope = actor.grants.get(permission)
    if scope is Scope.ALL:
        return true()
    column = table.SCOPED_BY.get(scope) if scope else None
    if scope is None or column is None:
        return false()
    condition: ColumnElement[bool] = getattr(table, column).in_(actor.reach.get(scope, ()))
    return condition


def scoped(statement: Select[Any], actor: Actor, permission: str, table: Any) -> Select[Any]:
    """Narrow a select to the rows that ``actor`` may see."""
    return statement.where(visible(actor, permission, table))
