"""Reads of vouchers: seen by those who may see the stock of their warehouse; the auditor sees all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session, defer

from app.accounts.models import User
from app.foundation.actor import Actor
from app.foundation.clock import HOME
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.scope import visible
from app.stock.models import Voucher, VoucherSeries, Warehouse
from app.vouchers.errors import NoSuchVoucher

CHUNK = 5_000


@dataclass(frozen=True)
class VouchersAsked:
    """The filters of the register."""

    q: str | None = None
    kind: str | None = None
    warehouse_id: int | None = None
    year: int | None = None
    since: date | None = None
    until: date | None = None
    cancelled: bool | None = None


def voucher(session: Session, actor: Actor, voucher_id: int) -> Voucher:
    """Return a voucher with its content."""
    found = session.scalar(select(Voucher).where(Voucher.id == voucher_id, visible(actor, "stock.read", Voucher)))
    if found is None:
        raise NoSuchVoucher(voucher_id=voucher_id)
    return found


def _asked(actor: Actor, asked: VouchersAsked) -> Select[Any]:
    statement = (
        select(Voucher)
        .join(VoucherSeries, VoucherSeries.id == Voucher.series_id)
        .where(visible(actor, "stock.read", Voucher))
    )
    if asked.kind:
        statement = statement.where(Voucher.kind == asked.kind)
    if asked.warehouse_id is not None:
        statement = statement.where(Voucher.warehouse_id == asked.warehouse_id)
    if asked.year is not None:
        statement = statement.where(VoucherSeries.year == asked.year)
    if asked.since is not None:
        statement = statement.where(Voucher.posted_at >= datetime.combine(asked.since, time(), HOME))
    if asked.until is not None:
        # Up to its last instant, not before the next day: the last day of the calendar has none.
        statement = statement.where(Voucher.posted_at <= datetime.combine(asked.until, time.max, HOME))
    if asked.cancelled is not None:
        cancelled = Voucher.cancelled_at.is_not(None)
        statement = statement.where(cancelled if asked.cancelled else ~cancelled)
    if asked.q and asked.q.strip():
        statement = statement.where(Voucher.code.icontains(asked.q.strip(), autoescape=True))
    return statement


def vouchers(
    session: Session, actor: Actor, asked: VouchersAsked, *, after: str | None = None, size: int = PAGE_SIZE
) -> Page[Voucher]:
    """Return one page of the register, the newest first."""
    statement = _asked(actor, asked).options(defer(Voucher.content))
    return page(session, statement, order=[Voucher.id], after=after, size=size, descending=True)


def count_vouchers(session: Session, actor: Actor, asked: VouchersAsked) -> int:
    """Return how many vouchers the register shows."""
    statement = _asked(actor, asked).with_only_columns(func.count(), maintain_column_froms=True)
    return session.scalar(statement) or 0


@dataclass(frozen=True)
class Series:
    """The running number of a kind, in a warehouse and a year, as the papers show it."""

    kind: str
    warehouse_id: int
    year: int
    first: int
    last: int
    count: int
    drawn: int
    """The last number that was given."""
    cancelled: int

    @property
    def missing(self) -> int:
        """Return how many numbers from 1 to the last given one no paper has; 0 is the only good answer."""
        return max(self.last, self.drawn) - self.count


def series(session: Session, actor: Actor, asked: VouchersAsked) -> list[Series]:
    """Return the series that the register touches, each whole whatever the days asked for, in one statement."""
    whole = VouchersAsked(kind=asked.kind, warehouse_id=asked.warehouse_id, year=asked.year)
    statement = (
        _asked(actor, whole)
        .with_only_columns(
            VoucherSeries.kind,
            VoucherSeries.warehouse_id,
            VoucherSeries.year,
            func.min(Voucher.number),
            func.max(Voucher.number),
            func.count(),
            VoucherSeries.last_number,
            func.count(Voucher.cancelled_at),
            maintain_column_froms=True,
        )
        .group_by(VoucherSeries.id)
        .order_by(VoucherSeries.year.desc(), VoucherSeries.warehouse_id, VoucherSeries.kind)
    )
    rows: list[Any] = list(session.execute(statement))
    return [Series(*row) for row in rows]


def register(session: Session, actor: Actor, asked: VouchersAsked) -> Iterator[Sequence[Any]]:
    """Yield the rows of the register, oldest first, in chunks that each begin after the last one.

    (id, code, kind, warehouse_id, year, number, posted_at, posted by, subject_kind, subject_id, lines, cancelled_at,
    cancel_reason)
    """
    lines = case(
        (func.jsonb_typeof(Voucher.content["lines"]) == "array", func.jsonb_array_length(Voucher.content["lines"])),
        else_=None,
    )
    statement = (
        _asked(actor, asked)
        .outerjoin(User, User.id == Voucher.posted_by_id)
        .with_only_columns(
            Voucher.id,
            Voucher.code,
            Voucher.kind,
            Voucher.warehouse_id,
            VoucherSeries.year,
            Voucher.number,
            Voucher.posted_at,
            User.name,
            Voucher.subject_kind,
            Voucher.subject_id,
            lines,
            Voucher.cancelled_at,
            Voucher.cancel_reason,
            maintain_column_froms=True,
        )
        .order_by(Voucher.id)
        .limit(CHUNK)
    )
    after = 0
    while True:
        rows = session.execute(statement.where(Voucher.id > after)).all()
        yield from rows
        if len(rows) < CHUNK:
            return
        after = rows[-1][0]


def warehouse_names(session: Session, actor: Actor) -> dict[int, str]:
    """Return the warehouses whose vouchers the actor may see, by name."""
    statement = select(Warehouse.id, Warehouse.name).where(visible(actor, "stock.read", Warehouse))
    return {row[0]: row[1] for row in session.execute(statement.order_by(Warehouse.name, Warehouse.id))}
