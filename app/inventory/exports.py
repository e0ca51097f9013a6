"""Tables that leave the house: straight where they are short, by a job and kept for a week where they are long."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import delete, insert, select

from app.foundation import sheets
from app.foundation.clock import HOME
from app.foundation.job import Job
from app.foundation.paging import PAGE_SIZE_MAX
from app.foundation.sheets import Cell, Sheet
from app.foundation.unit_of_work import UnitOfWork
from app.inventory import queries
from app.inventory.errors import NoSuchExport
from app.inventory.models import Export, ExportPart
from app.inventory.queries import Filters
from app.inventory.service import counties, stock_at

STRAIGHT_ROWS_MAX = 5_000
"""So many rows are written while one waits; more are a job's."""
KEPT = timedelta(days=7)
PART_BYTES = 2**20
EXPORT_JOB = "inventory.export"

Rows = Generator[Sequence[Cell]]


def _all_pages(read: Callable[..., Any]) -> Iterator[Any]:
    """Yield the rows of every page, read when they are asked for."""
    after: str | None = None
    while True:
        found = read(after=after, size=PAGE_SIZE_MAX)
        yield from found.rows
        after = found.next_after
        if after is None:
            return


def _iso(day: date | None) -> date | None:
    return None if day == queries.NO_EXPIRY else day


def _overview_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any]) -> Rows:
    def read(**paging: Any) -> Any:
        return queries.overview(uow.session, uow.actor, filters, by=asked.get("by", "item"), **paging)

    for line in _all_pages(read):
        yield (
            line.name, line.sub, line.unit, line.on_hand, line.reserved, line.available, line.coming, line.asked_for,
            line.weight_g / 1000, line.value / 100, line.expires_on,
        )  # fmt: skip


def _expiring_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any]) -> Rows:
    def read(**paging: Any) -> Any:
        return queries.expiring(uow.session, uow.actor, filters, days=asked.get("days", 30), **paging)

    for row in _all_pages(read):
        yield (
            f"L-{row.lot.id}", row.item.code, row.item.name(filters.language), row.warehouse.name, row.place.code,
            row.lot.expires_on, row.balance.on_hand, row.balance.reserved, row.balance.available,
        )  # fmt: skip


def _level_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any]) -> Rows:
    def read(**paging: Any) -> Any:
        return queries.levels(uow.session, uow.actor, filters, view=asked.get("view"), **paging)

    for line in _all_pages(read):
        yield (
            line.warehouse.name, line.item.code, line.item.name(filters.language), line.level.least, line.level.most,
            line.available, line.coming,
        )  # fmt: skip


def _past_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any]) -> Rows:
    found = stock_at(
        uow,
        filters,
        on=date.fromisoformat(asked["on"]) if asked.get("on") else filters.today,
        clock=asked.get("clock", "recorded"),
        by=asked.get("by", "item"),
    )
    for line in found.lines:
        yield line.name, line.sub, line.quantity, line.unit, line.weight_g / 1000, line.value / 100


def _county_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any]) -> Rows:
    rows = counties(uow, today=filters.today, item_id=asked.get("item_id"), category_id=filters.category_id)
    for row in rows:
        yield row.name, row.items, row.on_hand, row.reserved, row.available, row.weight_g / 1000


def _stock_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any]) -> Rows:
    for row in queries.balances_to_export(uow.session, uow.actor, filters):
        yield f"L-{row[0]}", *row[1:6], _iso(row[6]), *row[7:15], row[15] / 100


def _movement_rows(uow: UnitOfWork, filters: Filters, asked: dict[str, Any]) -> Rows:
    since = date.fromisoformat(asked["since"]) if asked.get("since") else filters.today - timedelta(days=30)
    until = date.fromisoformat(asked["until"]) if asked.get("until") else filters.today
    words = asked.get("words", {})
    for row in queries.movements_to_export(
        uow.session,
        uow.actor,
        filters,
        since=datetime.combine(since, time(), HOME),
        until=datetime.combine(until, time.max, HOME),
    ):
        yield *row[:3], words.get(row[3], row[3]), f"L-{row[4]}", *row[5:13]


ROWS: dict[str, Callable[[UnitOfWork, Filters, dict[str, Any]], Rows]] = {
    "overview": _overview_rows,
    "expiring": _expiring_rows,
    "levels": _level_rows,
    "at": _past_rows,
    "counties": _county_rows,
    "stock": _stock_rows,
    "movements": _movement_rows,
}
"""What can be exported: the views, the stock list and the movements. Rows are read as they are asked for."""


def export(
    uow: UnitOfWork, filters: Filters, *, view: str, form: str, heads: Sequence[str], asked: dict[str, Any]
) -> Sheet | Export:
    """Return the file, or where it is long the promise of it. What the actor may not see is in neither."""
    uow.actor.require("stock.read")
    with closing(ROWS[view](uow, filters, asked)) as every:
        rows = list(islice(every, STRAIGHT_ROWS_MAX + 1))
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


def write_export(uow: UnitOfWork, *, export_id: int, today: date) -> Sheet:
    """Return a promised file; ``uow`` acts as who asked for it."""
    found = uow.session.get_one(Export, export_id)
    asked = dict(found.asked)
    filters = Filters(today=today, **asked.pop("filters"))
    with closing(ROWS[found.view](uow, filters, asked)) as rows:
        return sheets.written_as(found.form, asked["heads"], islice(rows, sheets.ROWS_MAX))


def keep_export(uow: UnitOfWork, *, export_id: int, sheet: Sheet) -> None:
    """Keep a file until its week is over, in parts: no part of the house ever holds all of it at once."""
    found = uow.session.get_one(Export, export_id)
    found.rows, found.made_at = sheet.rows, uow.now
    for number, piece in enumerate(sheet.pieces(PART_BYTES)):
        uow.session.execute(insert(ExportPart).values(export_id=export_id, number=number, content=piece))


def kept_export(uow: UnitOfWork, export_id: int) -> Sheet | None:
    """Return a kept file to who asked for it; None while it is being made."""
    found = own_export(uow, export_id)
    if found.made_at is None:
        return None
    parts = select(ExportPart.content).where(ExportPart.export_id == export_id).order_by(ExportPart.number)
    sheet = Sheet(found.form)
    for piece in uow.session.scalars(parts.execution_options(yield_per=1)):
        sheet.file.write(piece)
    return sheet


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
