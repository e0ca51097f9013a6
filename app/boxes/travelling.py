"""Boxes that leave one warehouse for another. What is in them goes by the ledger; the boxes stand in transit, then
belong where they arrive. Rights: whoever sends and receives a transfer has been judged by ``transfers``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from sqlalchemy import select, update

from app.boxes import queries
from app.boxes.models import Box, BoxState
from app.boxes.service import note_move
from app.foundation.unit_of_work import UnitOfWork
from app.stock import carrying
from app.stock import queries as stock_queries
from app.stock import service as stock

if TYPE_CHECKING:
    from app.stock.models import Place


def named(uow: UnitOfWork, typed: str) -> int:
    """Return the box of an SSCC or a place's code, in whichever warehouse it is at home."""
    with uow.office("boxes"):
        return queries.box_id_named(uow.session, typed)


def with_inner(uow: UnitOfWork, box_id: int) -> list[int]:
    """Return a box and all boxes in it."""
    with uow.office("boxes"):
        return [box_id, *(row.id for row in queries.below(uow.session, box_id))]


def outermost(uow: UnitOfWork, box_ids: Iterable[int]) -> list[int]:
    """Return the boxes in which some boxes finally stand, each once, in the order of their numbers."""
    with uow.office("boxes"):
        return sorted({queries.above(uow.session, box_id)[-1] for box_id in sorted(set(box_ids))})


def closed(uow: UnitOfWork, box_ids: Iterable[int]) -> list[int]:
    """Return which of some boxes are closed."""
    with uow.office("boxes"):
        statement = select(Box.id).where(Box.id.in_(list(box_ids)), Box.state == BoxState.CLOSED).order_by(Box.id)
        return list(uow.session.scalars(statement))


def close_again(uow: UnitOfWork, box_ids: Iterable[int]) -> None:
    """Note that boxes stayed closed though the ledger took their content out of one warehouse and into another."""
    ids = list(box_ids)
    if ids:
        with uow.office("boxes"):
            uow.session.execute(
                update(Box)
                .where(Box.id.in_(ids), Box.state == BoxState.OPEN)
                .values(state=BoxState.CLOSED.value, closed_at=uow.now)
            )


def leave(
    uow: UnitOfWork, *, box_ids: Iterable[int], transit: Place, operation_id: UUID, happened_at: datetime | None = None
) -> None:
    """Let boxes, each with those in it, stand in transit; the ledger has taken their content there."""
    with uow.office("boxes"):
        for box in queries.boxes_for_change(uow.session, box_ids).values():
            before = _stands_at(uow, box)
            inner = [row.place_id for row in queries.below(uow.session, box.id)]
            stock.stand_boxes(uow, place_id=box.place_id, on=transit, with_place_ids=inner)
            box.parent_id = None
            note_move(uow, box, uuid5(operation_id, f"leaves/{box.id}"), before, transit, happened_at)
        uow.session.flush()


def arrive(uow: UnitOfWork, *, box_id: int, to: Place, operation_id: UUID, happened_at: datetime | None = None) -> None:
    """Let a box that comes from another warehouse, with those in it, be at home where it stands now."""
    with uow.office("boxes"):
        ids = [box_id, *(row.id for row in queries.below(uow.session, box_id))]
        boxes = queries.boxes_for_change(uow.session, ids)
        box = boxes[box_id]
        before = _stands_at(uow, box)
        carrying.bring_home(uow, place_ids=[each.place_id for each in boxes.values()], to=to)
        inner = [each.place_id for each in boxes.values() if each.id != box_id]
        carrying.stand(uow, place_id=box.place_id, on=to, with_place_ids=inner)
        for each in boxes.values():
            each.warehouse_id, each.county_id = to.warehouse_id, to.county_id
        note_move(uow, box, uuid5(operation_id, f"arrives/{box.id}"), before, to, happened_at)
        uow.session.flush()
    uow.record("box.moved", subject=("box", box.id), from_place_id=before.id, to_place_id=to.id)


def _stands_at(uow: UnitOfWork, box: Box) -> Place:
    assert box.place.parent_id is not None, "a box stands somewhere"
    return stock_queries.place(uow.session, box.place.parent_id)
