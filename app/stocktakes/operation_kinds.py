"""What a phone may ask of a stocktake: count, and say that a place is counted or empty. Registered with the stock."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.catalogue import queries as catalogue
from app.catalogue.errors import NoSuchItem
from app.foundation.unit_of_work import UnitOfWork
from app.stock import queries as stock
from app.stock.operations import Done, operation
from app.stock.schemas import reads
from app.stocktakes import schemas, service
from app.stocktakes.errors import FirstCountOpen, NoRecount, SameCounter

POLITE = (FirstCountOpen, NoRecount, SameCounter)
"""Refusals after which nothing is lost: somebody else counts, or nobody need."""


def _place_id(uow: UnitOfWork, place_id: int | None, code: str | None) -> int:
    return place_id if place_id is not None else stock.place_by_code(uow.session, code or "").id


@operation("count", reads(schemas.CountPayload()), plain=POLITE)
def count(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    stocktake_id: int,
    quantity: int,
    place_id: int | None = None,
    place: str | None = None,
    item_id: int | None = None,
    item_code: str | None = None,
    gtin: str | None = None,
    **facts: Any,
) -> Done:
    """Count a lot or an item in a place. The answer never tells what the books hold."""
    uow.actor.require("stock.operate")
    if item_code is not None:
        item_id = catalogue.item_by_code(uow.session, item_code.strip().upper()).id
    elif gtin is not None:
        pack = catalogue.pack_by_gtin(uow.session, gtin)
        if pack is None:
            raise NoSuchItem(gtin=gtin)
        item_id, quantity = pack.item_id, quantity * pack.quantity
    written = service.count(
        uow,
        operation_id=operation_id,
        stocktake_id=stocktake_id,
        place_id=_place_id(uow, place_id, place),
        item_id=item_id,
        quantity=quantity,
        happened_at=happened_at,
        **facts,
    )
    return Done({"count_id": written.id, "round": written.round, "lot_id": written.lot_id, "quantity": quantity})


def _closer(kind: str, *, empty: bool) -> None:
    @operation(kind, reads(schemas.PlaceCountedPayload()), plain=POLITE)
    def close(
        uow: UnitOfWork,
        *,
        operation_id: UUID,
        happened_at: datetime,
        late: bool,
        stocktake_id: int,
        place_id: int | None = None,
        place: str | None = None,
        round: int | None = None,
    ) -> Done:
        """Say that a place is counted, or that nothing is in it."""
        uow.actor.require("stock.operate")
        part = service.close_place(
            uow,
            operation_id=operation_id,
            stocktake_id=stocktake_id,
            place_id=_place_id(uow, place_id, place),
            round=round,
            empty=empty,
            happened_at=happened_at,
        )
        return Done({"place_id": part.place_id, "round": 2 if part.second_at is not None else 1})


_closer("place_counted", empty=False)
_closer("count_place_empty", empty=True)
