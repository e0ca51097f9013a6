"""What pages and programs are shown of a stocktake, put together in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response

from app.foundation.unit_of_work import UnitOfWork
from app.stock import queries as stock
from app.stocktakes import counting, papers, queries, service
from app.stocktakes.errors import NotInStocktake

if TYPE_CHECKING:
    from app.stock.models import Place
    from app.stocktakes.models import Stocktake, StocktakePlace


@dataclass(frozen=True)
class LineShown:
    """A line with its lot, its value, and what was said of it."""

    line: counting.Line
    facts: queries.LineFacts
    reason: str | None

    @property
    def value_huf(self) -> int:
        """Return the value of the difference in hundredths of a forint."""
        return self.line.difference * self.facts.unit_value_huf

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("place_id", "lot_id", "expected", "counted", "counted_at", "round", "first", "second", "recount")
        plain = {name: getattr(self.line, name) for name in names}
        return {
            **plain, "difference": self.line.difference, "reason": self.reason, "value_huf": self.value_huf,
        }  # fmt: skip


def lines(uow: UnitOfWork, found: Stocktake) -> list[LineShown]:
    """Return the lines of closed places; after posting, as they were posted."""
    stored = queries.choices(uow.session, found.id)
    reasons = {(each.place_id, each.lot_id): each.reason for each in stored}
    if found.state == "posted":
        compared = [
            counting.Line(
                each.place_id, each.lot_id, each.expected, each.counted, each.counted_at, each.round, each.counted,
                None, recount=False,
            )
            for each in stored
        ]  # fmt: skip
    else:
        compared = service.lines_of(uow, found)
    facts = queries.facts_of(uow.session, [(each.place_id, each.lot_id) for each in compared])
    return [
        LineShown(each, facts[each.place_id, each.lot_id], reasons.get((each.place_id, each.lot_id)))
        for each in compared
    ]


def mark(uow: UnitOfWork, found: Stocktake) -> str:
    """Return the mark of what differs now."""
    return service.digest([each.line for each in lines(uow, found)])


@dataclass(frozen=True)
class CountingAt:
    """What somebody counts in a place."""

    part: StocktakePlace
    round: int
    rows: list[queries.ToCount]
    mine: bool
    """This person counted it the first time: somebody else must count it again."""


def counting_at(uow: UnitOfWork, found: Stocktake, place: Place) -> CountingAt:
    """Return the blind list of a place for the round that is due."""
    part = queries.part(uow.session, found.id, place.id)
    if part is None:
        raise NotInStocktake(name=place.code)
    round = 2 if part.first_at is not None and part.recount else 1
    only = service.recounted_lots(uow, found, part) if round == 2 else None
    rows = queries.blind_list(uow.session, found, place.id, round, only=only)
    mine = round == 2 and uow.actor.id in queries.counters(uow.session, found.id, place_id=place.id, round=1)
    return CountingAt(part, round, rows, mine)


def sheets(uow: UnitOfWork, stocktake_id: int) -> Response:
    """Return the sheets for counting by hand."""
    found = queries.stocktake(uow.session, uow.actor, stocktake_id)
    warehouse = stock.warehouse(uow.session, uow.actor, found.warehouse_id)
    document = papers.sheets(found, warehouse.name, queries.sheet_lines(uow.session, found))
    return papers.as_response(document, f"LEL-{found.id}-sheets")
