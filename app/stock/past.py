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

# What moved between places of one warehouse changed nothing there and is left out at once: that is most of it. Whose
# the other movements were, they say themselves: a box may be at home elsewhere by now.
_HOMES = """
    CASE WHEN source.kind = ANY (CAST(:real AS text[])) THEN movement.warehouse_id END AS left_home,
    CASE WHEN target.kind = ANY (CAST(:real AS text[])) THEN
         CASE WHEN source.kind = ANY (CAST(:real AS text[])) THEN target.warehouse_id
              ELSE movement.warehouse_id END
    END AS came_home
"""

_CHANGED = f"""
    WITH moved AS (
        SELECT movement.lot_id, movement.quantity, {_HOMES}
        FROM movement
        JOIN place AS source ON source.id = movement.from_place_id
        JOIN place AS target ON target.id = movement.to_place_id
        WHERE movement.{{clock}} {{compared}} :until AND NOT movement.inside
    ),
    side AS (
        SELECT lot_id, came_home AS home, quantity FROM moved WHERE came_home = ANY (CAST(:warehouses AS bigint[]))
        UNION ALL
        SELECT lot_id, left_home, -quantity FROM moved WHERE left_home = ANY (CAST(:warehouses AS bigint[]))
    ),
    changed AS (
        SELECT side.home AS warehouse_id, lot.item_id, sum(side.quantity) AS quantity,
               sum(side.quantity * coalesce(lot.unit_value_huf, item.value_huf)) AS value
        FROM side
        JOIN lot ON lot.id = side.lot_id
        JOIN item ON item.id = lot.item_id
        WHERE (CAST(:items AS bigint[]) IS NULL OR lot.item_id = ANY (CAST(:items AS bigint[])))
        GROUP BY side.home, lot.item_id
    )
"""

_BACK = """,
    now AS (
        SELECT balance.warehouse_id, balance.item_id, sum(balance.on_hand) AS quantity,
               sum(balance.on_hand * coalesce(stated.unit_value_huf, item.value_huf)) AS value
        FROM balance
        JOIN item ON item.id = balance.item_id
        LEFT JOIN lot AS stated ON stated.id = balance.lot_id AND stated.unit_value_huf IS NOT NULL
        WHERE balance.stocked
          AND balance.warehouse_id = ANY (CAST(:warehouses AS bigint[]))
          AND (CAST(:items AS bigint[]) IS NULL OR balance.item_id = ANY (CAST(:items AS bigint[])))
        GROUP BY balance.warehouse_id, balance.item_id
    ),
    had AS (
        SELECT warehouse_id, item_id, coalesce(now.quantity, 0) - coalesce(changed.quantity, 0) AS quantity,
               coalesce(now.value, 0) - coalesce(changed.value, 0) AS value
        FROM now FULL JOIN changed USING (warehouse_id, item_id)
    )
"""

_ON = """, had AS (SELECT * FROM changed)"""

_SUMS = """
    SELECT had.warehouse_id, had.item_id, had.quantity::bigint, had.value::bigint,
           (had.quantity * item.weight_mg / 1000)::bigint
    FROM had JOIN item ON item.id = had.item_id
    WHERE had.quantity <> 0
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
        back = (side or _nearer(uow, until)) == "back"
        counted = _CHANGED.format(clock=CLOCKS[clock], compared=">" if back else "<=") + (_BACK if back else _ON)
        rows = uow.session.execute(
            text(counted + _SUMS),
            {
                "until": until,
                "real": _REAL,
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
    WHERE stocked AND item_id = :item AND warehouse_id = ANY (CAST(:warehouses AS bigint[]))
    """
)

# Between places of these warehouses nothing comes and nothing goes.
_CHANGES = text(
    f"""
    SELECT date_trunc(:period, moved.recorded_at AT TIME ZONE 'Europe/Budapest')::date AS since, moved.kind,
           coalesce(sum(moved.quantity) FILTER (WHERE moved.change > 0), 0)::bigint,
           coalesce(sum(moved.quantity) FILTER (WHERE moved.change < 0), 0)::bigint
    FROM (
        SELECT crossed.recorded_at, crossed.kind, crossed.quantity,
               coalesce(came_home = ANY (CAST(:warehouses AS bigint[])), false)::int
               - coalesce(left_home = ANY (CAST(:warehouses AS bigint[])), false)::int AS change
        FROM (
            SELECT movement.recorded_at, movement.kind, movement.quantity, {_HOMES}
            FROM lot
            JOIN movement ON movement.lot_id = lot.id
            JOIN place AS source ON source.id = movement.from_place_id
            JOIN place AS target ON target.id = movement.to_place_id
            WHERE lot.item_id = :item AND movement.recorded_at >= :since AND NOT movement.inside
        ) AS crossed
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
