"""Movements between two warehouses, for a package that has judged who may.

A transfer is received out of the giver's place in transit, which its receiver may not touch by any right of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import aliased

from app.foundation.unit_of_work import UnitOfWork
from app.stock import ledger
from app.stock.errors import PlaceNotEmpty, PlaceRetired, WrongPlace
from app.stock.ledger import Line
from app.stock.models import Balance, Kind, Lot, Movement, Place
from app.stock.service import ENDS, Step, stand_boxes


def carry(
    uow: UnitOfWork, *, operation_id: UUID, steps: Sequence[Step], happened_at: datetime | None = None
) -> list[Movement]:
    """Move everything, or nothing. Places and quantities are judged here; the right is the caller's to judge, before.

    The same few statements for one step and for a thousand.
    """
    if not steps:
        return []
    lines = [
        Line(
            lot_id=step.lot_id,
            from_place_id=step.from_place_id,
            to_place_id=step.to_place_id,
            quantity=step.quantity,
            kind=Kind(step.kind),
            operation_id=operation_id,
            number=number,
            reason=step.reason,
            happened_at=happened_at,
        )
        for number, step in enumerate(steps)
    ]
    with uow.office("stock"):
        held = ledger.hold(
            uow, [(each.lot_id, place) for each in lines for place in (each.from_place_id, each.to_place_id)]
        )
        for each in lines:
            source, target = held[each.lot_id, each.from_place_id], held[each.lot_id, each.to_place_id]
            begins, ends = ENDS[each.kind]
            if source.place_kind not in begins:
                raise WrongPlace(place=source.place_code, deed=each.kind)
            if target.place_kind not in ends:
                raise WrongPlace(place=target.place_code, deed=each.kind)
            if target.place_retired:
                raise PlaceRetired(place=target.place_code)
        return ledger.post(uow, held, lines)


def stand(uow: UnitOfWork, *, place_id: int, on: Place, with_place_ids: Sequence[int]) -> None:
    """Let a box's place, and those in it, stand in another place."""
    with uow.office("stock"):
        stand_boxes(uow, place_id=place_id, on=on, with_place_ids=with_place_ids)
        uow.session.flush()


def bring_home(uow: UnitOfWork, *, place_ids: Collection[int], to: Place) -> None:
    """Let empty places of boxes, with their balances, belong to the warehouse of ``to``. What moved before stays told
    where it moved.
    """
    with uow.office("stock"):
        uow.session.execute(
            select(Balance.id).where(Balance.place_id.in_(place_ids)).order_by(Balance.id).with_for_update()
        )
        held = or_(Balance.on_hand != 0, Balance.reserved != 0)
        if uow.session.scalar(select(func.count()).where(Balance.place_id.in_(place_ids), held)):
            raise PlaceNotEmpty(place=to.code)
        home = {"warehouse_id": to.warehouse_id, "county_id": to.county_id}
        for table, column in ((Place, Place.id), (Balance, Balance.place_id)):
            changed = update(table).where(column.in_(place_ids)).values(**home)
            uow.session.execute(changed, execution_options={"synchronize_session": "fetch"})


def was_there(uow: UnitOfWork, *, lot_id: int, warehouse_id: int) -> Lot | None:
    """Return a lot that lies, or once lay, in a warehouse; None where it never did."""
    lay = select(Balance.id).where(Balance.lot_id == lot_id, Balance.warehouse_id == warehouse_id)
    with uow.office("stock"):
        return uow.session.scalar(select(Lot).where(Lot.id == lot_id, lay.exists()))


def taken_back(uow: UnitOfWork, *, lot_ids: Sequence[int]) -> set[int]:
    """Return those of these lots whose receiving was taken back: they never came."""
    back = aliased(Movement)
    statement = (
        select(Movement.lot_id)
        .join(back, back.reverses_id == Movement.id)
        .where(Movement.lot_id.in_(lot_ids), Movement.kind == Kind.RECEIVE.value)
    )
    with uow.office("stock"):
        return set(uow.session.scalars(statement))
