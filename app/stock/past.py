"""What lay where at the end of a day, and how it came and went: recomputed from the movements, never stored.

Two clocks: *recorded* asks what the books said that evening; *happened* asks what we know today about that evening,
late entries included. It is counted from the nearer side: from today's balances back, or from the first movement on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import text

from app.foundation.clock import HOME
from app.foundation.unit_of_work import UnitOfWork
from app.stock.models import REAL

CLOCKS = {"recorded": "recorded_at", "happened": "happened_at"}
PERIODS = {"day": 31, "week": 26, "month": 12}
"""How many of them a ledger card shows."""
_REAL = sorted(REAL)

_BACK = """
    WITH later AS (
        SELECT lot_id, place_id, sum(quantity) AS quantity FROM (
            SELECT lot_id, to_place_id AS place_id, quantity FROM movement WHERE {clock} > :until
            UNION ALL
            SELECT lot_id, from_place_id, -quantity FROM movement WHERE {clock} > :until
        ) AS side GROUP BY lot_id, place_id
    ),
    had AS (
        SELECT balance.warehouse_id, balance.item_id, balance.lot_id,
               balance.on_hand - coalesce(later.quantity, 0) AS quantity
        FROM balance LEFT JOIN later ON later.lot_id = balance.lot_id AND later.place_id = balance.place_id
        WHERE balance.guarded AND balance.warehouse_id = ANY (CAST(:warehouses AS bigint[]))
    )
"""

_ON = """
    WITH earlier AS (
        SELECT lot_id, place_id, sum(quantity) AS quantity FROM (
            SELECT lot_id, to_place_id AS place_id, quantity FROM movement WHERE {clock} <= :until
            UNION ALL
            SELECT lot_id, from_place_id, -quantity FROM movement WHERE {clock} <= :until
        ) AS side GROUP BY lot_id, place_id
    ),
    had AS (
        SELECT balance.warehouse_id, balance.item_id, balance.lot_id, earlier.quantity
        FROM earlier JOIN balance ON balance.lot_id = earlier.lot_id AND balance.place_id = earlier.place_id
        WHERE balance.guarded AND balance.warehouse_id = ANY (CAST(:warehouses AS bigint[]))
    )
"""

_SUMS = """
    SELECT had.warehouse_id, had.item_id, sum(had.quantity)::bigint,
           sum(had.quantity * coalesce(lot.unit_value_huf, item.value_huf))::bigint,
           (sum(had.quantity * item.weight_mg) / 1000)::bigint
    FROM had JOIN lot ON lot.id = had.lot_id JOIN item ON item.id = had.item_id
    WHERE had.quantity <> 0 AND (CAST(:items AS bigint[]) IS NULL OR item.id = ANY (CAST(:items AS bigint[])))
    GROUP BY had.warehouse_id, had.item_id
    ORDER BY had.warehouse_id, had.item_id
"""


@dataclass(frozen=True, slots=True)
class Then:
    """How much of an item a warehouse had, and what it was worth in hundredths of a forint."""

    warehouse_id: int
    item_id: int
    quantity: int
    value: int
    weight_g: int


def end_of(day: date) -> datetime:
    """Return the last instant of a day at home."""
    return datetime.combine(day, time.max, HOME)


def stock_at(
    uow: UnitOfWork,
    *,
    day: date,
    clock: str = "recorded",
    warehouse_ids: Iterable[int],
    item_ids: Iterable[int] | None = None,
    side: str | None = None,
) -> list[Then]:
    """Return what some warehouses had at the end of a day. The ids must be of warehouses that the actor may see.

    ``side`` forces the way it is counted: "back" or "on".
    """
    uow.actor.require("stock.read")
    until = end_of(day)
    with uow.office("stock"):
        counted = _ON if (side or _nearer(uow, until)) == "on" else _BACK
        rows = uow.session.execute(
            text(counted.format(clock=CLOCKS[clock]) + _SUMS),
            {
                "until": until,
                "warehouses": list(warehouse_ids),
                "items": None if item_ids is None else list(item_ids),
            },
        )
        return [Then(*row) for row in rows]


def _nearer(uow: UnitOfWork, until: datetime) -> str:
    """Return from which side fewer movements lie between; movements come in the order of their ids."""
    first = uow.session.scalar(text("SELECT recorded_at FROM movement ORDER BY id LIMIT 1"))
    return "back" if first is None or until - first > uow.now - until else "on"


_NOW = text(
    """
    SELECT coalesce(sum(on_hand), 0)::bigint FROM balance
    WHERE guarded AND item_id = :item AND warehouse_id = ANY (CAST(:warehouses AS bigint[]))
    """
)

# Between places of these warehouses nothing comes and nothing goes.
_CHANGES = text(
    """
    SELECT date_trunc(:period, moved.recorded_at AT TIME ZONE 'Europe/Budapest')::date AS since, moved.kind,
           coalesce(sum(moved.quantity) FILTER (WHERE moved.change > 0), 0)::bigint,
           coalesce(sum(moved.quantity) FILTER (WHERE moved.change < 0), 0)::bigint
    FROM (
        SELECT movement.recorded_at, movement.kind, movement.quantity,
               (target.kind = ANY (CAST(:real AS text[]))
                AND target.warehouse_id = ANY (CAST(:warehouses AS bigint[])))::int
               - (source.kind = ANY (CAST(:real AS text[]))
                  AND source.warehouse_id = ANY (CAST(:warehouses AS bigint[])))::int AS change
        FROM lot
        JOIN movement ON movement.lot_id = lot.id
        JOIN place AS source ON source.id = movement.from_place_id
        JOIN place AS target ON target.id = movement.to_place_id
        WHERE lot.item_id = :item AND movement.recorded_at >= :since
    ) AS moved
    WHERE moved.change <> 0
    GROUP BY 1, 2
    ORDER BY 1, 2
    """
)


@dataclass(frozen=True)
class Period:
    """A line of an item's ledger card."""

    since: date
    until: date
    opening: int
    came: int
    went: int
    closing: int
    kinds: Sequence[tuple[str, int, int]]
    """(kind of movement, came, went)."""


def card(
    uow: UnitOfWork, *, item_id: int, warehouse_ids: Iterable[int], period: str = "month", until: date
) -> list[Period]:
    """Return an item's ledger card: opening, in, out and closing of each period, the newest first, as recorded."""
    uow.actor.require("stock.read")
    starts = _starts(period, until)
    chosen = {"item": item_id, "warehouses": list(warehouse_ids)}
    since = datetime.combine(starts[-1], time(), HOME)
    with uow.office("stock"):
        now = int(uow.session.scalar(_NOW, chosen) or 0)
        rows = uow.session.execute(_CHANGES, {**chosen, "period": period, "since": since, "real": _REAL}).all()
    ends = [_last_day(period, starts[0]), *(start - timedelta(days=1) for start in starts[:-1])]
    closing = now - sum(came - went for day, _, came, went in rows if day > starts[0])
    lines = []
    for start, end in zip(starts, ends, strict=True):
        kinds = [(kind, int(came), int(went)) for day, kind, came, went in rows if day == start]
        came, went = sum(each[1] for each in kinds), sum(each[2] for each in kinds)
        lines.append(Period(start, end, closing - came + went, came, went, closing, kinds))
        closing += went - came
    return lines


def _last_day(period: str, start: date) -> date:
    if period == "month":
        return (start + timedelta(days=31)).replace(day=1) - timedelta(days=1) if start.year < 9999 else start
    return start + timedelta(days=6 if period == "week" else 0)


def _starts(period: str, until: date) -> list[date]:
    """Return the first days of the newest periods up to a day, the newest first."""
    if period == "month":
        start = until.replace(day=1)
    else:
        start = until - timedelta(days=until.weekday() if period == "week" else 0)
    found = [start]
    while len(found) < PERIODS[period] and start.year > 1900:
        back = start - timedelta(days=7 if period == "week" else 1)
        start = back.replace(day=1) if period == "month" else back
        found.append(start)
    return found
