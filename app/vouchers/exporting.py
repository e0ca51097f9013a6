"""The register as a table for the auditor: every paper in the order of posting, then the check of each series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from app.foundation.sheets import ROWS_MAX, Cell, Sheet, written_as
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.vouchers import queries
from app.vouchers.errors import RegisterTooLong
from app.vouchers.queries import VouchersAsked
from app.vouchers.words import KIND_NAMES

HEADS = [
    say("Number of the voucher"),
    say("Kind"),
    say("Warehouse"),
    say("Year"),
    say("Running number"),
    say("Posted"),
    say("Posted by"),
    say("About"),
    say("Lines"),
    say("Cancelled"),
    say("Why it was cancelled"),
]


def register(uow: UnitOfWork, asked: VouchersAsked, form: str) -> Sheet:
    """Return the register as CSV or XLSX; rows come in chunks, so that its length costs little room."""
    if queries.count_vouchers(uow.session, uow.actor, asked) > ROWS_MAX:
        raise RegisterTooLong(most=ROWS_MAX)
    names = queries.warehouse_names(uow.session, uow.actor)
    uow.record("voucher.register_exported", form=form)
    return written_as(form, HEADS, _rows(uow, asked, names))


def _rows(uow: UnitOfWork, asked: VouchersAsked, names: dict[int, str]) -> Iterator[Sequence[Cell]]:
    for row in queries.register(uow.session, uow.actor, asked):
        _, code, kind, warehouse_id, year, number, posted_at, by, about, about_id, lines, cancelled_at, why = row
        said: Any = KIND_NAMES.get(kind, kind)
        yield (
            code, said, names.get(warehouse_id, ""), year, number, posted_at, by, f"{about} {about_id}", lines,
            cancelled_at, why,
        )  # fmt: skip
    yield ()
    yield (say("Check of the series"), say("Kind"), say("Warehouse"), say("Year"), say("First"), say("Last"),
           say("Count"), say("Cancelled"), say("Missing"))  # fmt: skip
    for each in queries.series(uow.session, uow.actor, asked):
        yield (
            "", KIND_NAMES.get(each.kind, each.kind), names.get(each.warehouse_id, ""), each.year, each.first,
            each.last, each.count, each.cancelled, each.missing,
        )  # fmt: skip
