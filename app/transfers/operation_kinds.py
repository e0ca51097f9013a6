"""What a device may ask about transfers: pick, put back, receive what was counted. Registered with the stock."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.boxes import travelling
from app.foundation.fields import QUANTITY_MAX
from app.foundation.unit_of_work import UnitOfWork
from app.stock import queries as stock_queries
from app.stock.operation_kinds import named_item
from app.stock.operations import Done, operation
from app.stock.schemas import reads
from app.transfers import queries, schemas, service
from app.transfers.service import Counted


@operation("pick_transfer", reads(schemas.PickPayload()))
def pick_transfer(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    transfer_id: int,
    lot_id: int,
    quantity: int,
    **facts: Any,
) -> Done:
    """Move some of a lot from its shelf to staging for a transfer."""
    uow.actor.require("stock.operate")
    part, review = service.pick(
        uow,
        transfer_id=transfer_id,
        lot_id=lot_id,
        from_place_id=_place(uow, facts.get("from_place_id"), facts.get("from_place")),
        quantity=quantity,
        operation_id=operation_id,
        happened_at=happened_at,
        done=facts.get("done", late),
    )
    return Done({"transfer_id": transfer_id, "transfer_lot_id": part.id, "quantity": quantity}, review)


@operation("pick_transfer_box", reads(schemas.PickBoxPayload()))
def pick_transfer_box(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, transfer_id: int, box: str
) -> Done:
    """Pick a whole box or pallet for a transfer."""
    uow.actor.require("stock.operate")
    box_id = travelling.named(uow, box)
    made = service.pick_box(
        uow, transfer_id=transfer_id, box_id=box_id, operation_id=operation_id, happened_at=happened_at
    )
    pieces = sum(part.quantity for part in made)
    return Done({"transfer_id": transfer_id, "box_id": box_id, "transfer_lot_id": made[0].id, "quantity": pieces})


@operation("receive_transfer_box", reads(schemas.ReceiveBoxPayload()))
def receive_transfer_box(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, transfer_id: int, box: str, **facts: Any
) -> Done:
    """Take a whole box or pallet of a transfer in, as it was sent."""
    uow.actor.require("stock.operate")
    to_place_id = None
    if facts.get("to_place_id") or facts.get("to_place"):
        to_place_id = _place(uow, facts.get("to_place_id"), facts.get("to_place"))
    transfer = service.receive_box(
        uow,
        transfer_id=transfer_id,
        box=box,
        to_place_id=to_place_id,
        operation_id=operation_id,
        happened_at=happened_at,
    )
    return Done({"transfer_id": transfer.id, "state": str(transfer.state)})


@operation("unpick_transfer", reads(schemas.UnpickPayload()))
def unpick_transfer(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    transfer_lot_id: int | None = None,
    picked_operation_id: UUID | None = None,
) -> Done:
    """Put a pick back on its shelf."""
    uow.actor.require("stock.operate")
    if transfer_lot_id is None:
        transfer_lot_id = queries.lot_picked_by(uow.session, picked_operation_id)
    transfer = service.unpick(uow, transfer_lot_id=transfer_lot_id, operation_id=operation_id, happened_at=happened_at)
    return Done({"transfer_id": transfer.id, "transfer_lot_id": transfer_lot_id})


@operation("receive_transfer_line", reads(schemas.ReceiveLinePayload()))
def receive_transfer_line(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    transfer_id: int,
    received: int,
    damaged: int,
    reason: str | None = None,
    **facts: Any,
) -> Done:
    """Take a counted lot of a transfer in."""
    uow.actor.require("stock.operate")
    part_id = facts.get("transfer_lot_id")
    if part_id is None:
        part_id = queries.waiting_lot(uow.session, transfer_id, facts.get("lot_id"))
    to_place_id = None
    if facts.get("to_place_id") or facts.get("to_place"):
        to_place_id = _place(uow, facts.get("to_place_id"), facts.get("to_place"))
    transfer = service.receive(
        uow,
        transfer_id=transfer_id,
        counted=[Counted(part_id, received, damaged, reason, to_place_id)],
        operation_id=operation_id,
        happened_at=happened_at,
    )
    return Done({"transfer_id": transfer.id, "transfer_lot_id": part_id, "state": str(transfer.state)})


@operation("receive_transfer_extra", reads(schemas.AddPayload()))
def receive_transfer_extra(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    transfer_id: int,
    quantity: int,
    reason: str,
    **facts: Any,
) -> Done:
    """Take in what came with a transfer though nobody had sent it."""
    uow.actor.require("stock.operate")
    to_place_id = None
    if facts.get("to_place_id") or facts.get("to_place"):
        to_place_id = _place(uow, facts.get("to_place_id"), facts.get("to_place"))
    item_id, packed = None, 1
    if facts.get("lot_id") is None:
        item_id, packed = named_item(uow, facts.get("item_id"), facts.get("item_code"), facts.get("gtin"))
    part = service.add(
        uow,
        transfer_id=transfer_id,
        operation_id=operation_id,
        quantity=min(quantity * packed, QUANTITY_MAX),
        reason=reason,
        lot_id=facts.get("lot_id"),
        item_id=item_id,
        expires_on=facts.get("expires_on"),
        batch=facts.get("batch"),
        to_place_id=to_place_id,
        happened_at=happened_at,
    )
    came = {"transfer_lot_id": part.id, "lot_id": part.lot_id, "quantity": part.received}
    return Done({"transfer_id": transfer_id, **came})


def _place(uow: UnitOfWork, place_id: int | None, code: str | None) -> int:
    if place_id is not None:
        return stock_queries.place(uow.session, place_id).id
    return stock_queries.place_by_code(uow.session, code or "").id
