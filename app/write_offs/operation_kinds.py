"""What a device may ask about goods that can no longer be given: propose a write-off, withdraw it, hold apart, release.

Pictures are added later, over a connection: they do not fit into the queue of a phone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.foundation.errors import Refusal
from app.foundation.unit_of_work import UnitOfWork
from app.stock import queries as stock
from app.stock.errors import NoSuchLot
from app.stock.operations import Done, operation
from app.stock.schemas import reads
from app.write_offs import queries, service
from app.write_offs.errors import NoSuchWriteOff
from app.write_offs.schemas import ProposalPayload, QuarantinePayload, ReleasePayload, WithdrawPayload


@operation("propose_write_off", reads(ProposalPayload()))
def propose_write_off(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, lines: list[Any], **facts: Any
) -> Done:
    """Propose to write goods off."""
    proposed = service.propose(
        uow,
        operation_id=operation_id,
        lines=[{**_named(uow, line), "quantity": line["quantity"]} for line in lines],
        happened_at=happened_at,
        done=late,
        **facts,
    )
    return Done({"write_off_id": proposed.write_off.id, "state": proposed.write_off.state}, proposed.review)


@operation("withdraw_write_off", reads(WithdrawPayload()), plain=(Refusal,))
def withdraw_write_off(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, proposal_operation_id: UUID
) -> Done:
    """Take a proposal back that the device has made. No goods stand behind it: what is refused of it lies as it lay."""
    uow.actor.require("stock.operate")
    proposed = queries.of_operation(uow.session, proposal_operation_id)
    if proposed is None:
        raise NoSuchWriteOff(write_off_id=0)
    found = service.withdraw(uow, write_off_id=proposed.id)
    return Done({"write_off_id": found.id, "state": found.state})


@operation("quarantine", reads(QuarantinePayload()))
def quarantine(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, quantity: int, reason: str, **facts: Any
) -> Done:
    """Hold some of a lot apart."""
    uow.actor.require("stock.operate")
    named = _named(uow, facts)
    booked = service.quarantine(
        uow,
        operation_id=operation_id,
        lot_id=named["lot_id"],
        from_place_id=named["place_id"],
        quantity=quantity,
        reason=reason,
        happened_at=happened_at,
        done=late,
    )
    return Done(_moved(booked.movement), booked.review)


@operation("release_quarantine", reads(ReleasePayload()))
def release_quarantine(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    quantity: int,
    reason: str,
    to_place_id: int | None = None,
    to_place: str | None = None,
    **facts: Any,
) -> Done:
    """Put some of a lot back among the rest."""
    uow.actor.require("stock.operate")
    named = _named(uow, facts)
    booked = service.release(
        uow,
        operation_id=operation_id,
        lot_id=named["lot_id"],
        from_place_id=named["place_id"],
        to_place_id=to_place_id or stock.place_by_code(uow.session, to_place or "").id,
        quantity=quantity,
        reason=reason,
        happened_at=happened_at,
        done=late,
    )
    return Done(_moved(booked.movement), booked.review)


def _named(uow: UnitOfWork, line: Mapping[str, Any]) -> dict[str, int]:
    lot_id = line.get("lot_id")
    if lot_id is None:
        movements = stock.movements_of_operation(uow.session, line["lot_operation_id"])
        if not movements:
            raise NoSuchLot(lot_id=0)
        lot_id = movements[0].lot_id
    place_id = line.get("place_id") or stock.place_by_code(uow.session, line["place"]).id
    return {"lot_id": lot_id, "place_id": place_id}


def _moved(movement: Any) -> dict[str, int]:
    names = ("lot_id", "from_place_id", "to_place_id", "quantity")
    return {"movement_id": movement.id, **{name: getattr(movement, name) for name in names}}
