"""Tables that leave the house: straight where they are short, by a job and kept for a week where they are long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import delete, select

from app.foundation import sheets
from app.foundation.clock import HOME
from app.foundation.job import Job
from app.foundation.paging import PAGE_SIZE_MAX
from app.foundation.unit_of_work import UnitOfWork
from app.inventory import queries
from app.inventory.errors import NoSuchExport
from app.inventory.models import Export
from app.inventory.queries import Filters
from app.inventory.service import counties, stock_at

STRAIGHT_ROWS_MAX = 5_000
"""So many rows are written while one waits; more are a job's."""
KEPT = timedelta(days=7)
EXPORT_JOB = "inventory.export"


def _all_pages(read: Callable[..., Any], most: int) -> list[Any]:
    """Return the rows of every page, up to one more than ``most``."""
    rows: list[Any] = []
    after: str | None = None
    while len(rows) <= most:
        found = read(after=after, size=PAGE_SIZE_MAX)
        rows += found.rows
        after = found.next_after
        if after is None:
            break
    return rows[: most + 1]


def _iso(day: date | None) -> date | None:
    return None if day == queries.NO_EXPIRY else day


def _overview_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any], most: int) -> list[Any]:
    def read(**paging: Any) -> Any:
        return queries.overview(uow.session, uow.actor, filters, by=asked.get("by", "item"), **paging)

    return [
        (line.name, line.sub, line.unit, line.on_hand, line.reserved, line.available, line.coming, line.asked_for,
         line.weight_g / 1000, line.value / 100, line.expires_on)
        for line in _all_pages(read, most)
    ]  # fmt: skip


def _expiring_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any], most: int) -> list[Any]:
    def read(**paging: Any) -> Any:
        return queries.expiring(uow.session, uow.actor, filters, days=asked.get("days", 30), **paging)

    return [
        (f"L-{row.lot.id}", row.item.code, row.item.name(filters.language), row.warehouse.name, row.place.code,
         row.lot.expires_on, row.balance.on_hand, row.balance.reserved, row.balance.available)
        for row in _all_pages(read, most)
    ]  # fmt: skip


def _level_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any], most: int) -> list[Any]:
    def read(**paging: Any) -> Any:
        return queries.levels(uow.session, uow.actor, filters, view=asked.get("view"), **paging)

    return [
        (line.warehouse.name, line.item.code, line.item.name(filters.language), line.level.least, line.level.most,
         line.available, line.coming)
        for line in _all_pages(read, most)
    ]  # fmt: skip


def _past_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any], most: int) -> list[Any]:
    found = stock_at(
        uow,
        filters,
        on=date.fromisoformat(asked["on"]) if asked.get("on") else filters.today,
        clock=asked.get("clock", "recorded"),
        by=asked.get("by", "item"),
    )
    return [
        (line.name, line.sub, line.quantity, line.unit, line.weight_g / 1000, line.value / 100) for line in found.lines
    ]


def _county_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any], most: int) -> list[Any]:
    rows = counties(uow, today=filters.today, item_id=asked.get("item_id"), category_id=filters.category_id)
    return [(row.name, row.items, row.on_hand, row.reserved, row.available, row.weight_g / 1000) for row in rows]


def _stock_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any], most: int) -> list[Any]:
    return [
        (f"L-{row[0]}", *row[1:6], _iso(row[6]), *row[7:15], row[15] / 100)
        for row in queries.balances_to_export(uow.session, uow.actor, filters, most=most + 1)
    ]


def _movement_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any], most: int) -> list[Any]:
    since = date.fromisoformat(asked["since"]) if asked.get("since") else filters.today - timedelta(days=30)
    until = date.fromisoformat(asked["until"]) if asked.get("until") else filters.today
    rows = queries.movements_to_export(
        uow.session,
        uow.actor,
        filters,
        since=datetime.combine(since, time(), HOME),
        until=datetime.combine(until, time.max, HOME),
        most=most + 1,
    )
    words = asked.get("words", {})
    return [(*row[:3], words.get(row[3], row[3]), f"L-{row[4]}", *row[5:13]) for row in rows]


ROWS: dict[str, Callable[[UnitOfWork, Filters, dict[str, Any], int], list[Any]]] = {
    "overview": _overview_rows,
    "expiring": _expiring_rows,
    "levels": _level_rows,
    "at": _past_rows,
    "counties": _county_rows,
    "stock": _stock_rows,
    "movements": _movement_rows,
}
"""What can be exported: the views, the stock list and the movements."""


def export(
    uow: UnitOfWork, filters: Filters, *, view: str, form: str, heads: Sequence[str], asked: dict[str, Any]
) -> bytes | Export:
    """Return the file, or where it is long the promise of it. What the actor may not see is in neither."""
    uow.actor.require("stock.read")
    rows = ROWS[view](uow, filters, asked, STRAIGHT_ROWS_MAX)
    narrowed = {name: value for name, value in asdict(filters).items() if value is not None and name != "today"}
    if len(rows) <= STRAIGHT_ROWS_MAX:
        uow.record("stock.exported", subject=("ledger", None), view=view, form=form, rows=len(rows))
        return sheets.written_as(form, heads, rows)
    assert uow.actor.id is not None, "somebody asked for it"
    promised = Export(
        asked_by_id=uow.actor.id,
        asked_at=uow.now,
        view=view,
        form=form,
        asked={"filters": narrowed, "heads": list(heads), **asked},
    )
    uow.session.add(promised)
    uow.session.flush()
    job = uow.promise(EXPORT_JOB, subject=("stock_export", promised.id), export_id=promised.id)
    uow.session.flush()
    promised.job_id = job.id
    uow.record("stock.exported", subject=("ledger", None), view=view, form=form, rows=None)
    return promised


def write_export(uow: UnitOfWork, *, export_id: int, today: date) -> tuple[bytes, int]:
    """Return a promised file and how many rows it has; ``uow`` acts as who asked for it."""
    found = uow.session.get_one(Export, export_id)
    asked = dict(found.asked)
    filters = Filters(today=today, **asked.pop("filters"))
    rows = ROWS[found.view](uow, filters, asked, sheets.ROWS_MAX)[: sheets.ROWS_MAX]
    return sheets.written_as(found.form, asked["heads"], rows), len(rows)


def keep_export(uow: UnitOfWork, *, export_id: int, content: bytes, rows: int) -> None:
    """Keep a file until its week is over."""
    found = uow.session.get_one(Export, export_id)
    found.content, found.rows, found.made_at = content, rows, uow.now


def own_export(uow: UnitOfWork, export_id: int) -> Export:
    """Return a file to who asked for it, and to nobody else."""
    found = uow.session.get(Export, export_id)
    if found is None or found.asked_by_id != uow.actor.id or found.asked_at < uow.now - KEPT:
        raise NoSuchExport(export_id=export_id)
    return found


def drop_old_exports(uow: UnitOfWork) -> int:
    """Throw files away whose week is over."""
    gone = uow.session.execute(delete(Export).where(Export.asked_at < uow.now - KEPT).returning(Export.id))
    return len(gone.all())


def asker_of(uow: UnitOfWork, export_id: int) -> int:
    """Return who asked for a file."""
    return uow.session.scalars(select(Export.asked_by_id).where(Export.id == export_id)).one()


def job_of(uow: UnitOfWork, of: Export) -> Job | None:
    """Return the job that makes a file."""
    return uow.session.get(Job, of.job_id) if of.job_id is not None else None
