"""A transfer is asked for, and called off before it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from app.foundation.errors import NotAllowed
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import service as stock
from app.stock.errors import NoSuchWarehouse, OperationDiffers
from app.transfers import life, preparing, queries
from app.transfers.errors import LinesWrong
from app.transfers.models import Transfer, TransferLine, TransferState


def request(
    uow: UnitOfWork,
    *,
    from_warehouse_id: int,
    to_warehouse_id: int,
    lines: Sequence[Mapping[str, Any]],
    wanted_on: date | None = None,
    note: str | None = None,
    operation_id: UUID | None = None,
) -> Transfer:
    """Ask for goods of another warehouse: lines of ``item_id quantity``. Asked twice under one number, asked once."""
    warehouses = queries.warehouses(uow.session)
    for warehouse_id in (from_warehouse_id, to_warehouse_id):
        if warehouse_id not in warehouses:
            raise NoSuchWarehouse(warehouse_id=warehouse_id)
    ends = [warehouses[from_warehouse_id], warehouses[to_warehouse_id]]
    if not any(uow.actor.covers("transfers.request", warehouse=each.id, county=each.county_id) for each in ends):
        raise NotAllowed(permission="transfers.request")
    if from_warehouse_id == to_warehouse_id:
        raise LinesWrong({"to_warehouse_id": [say("Choose another warehouse: it is there already.")]})
    asked = _asked(uow, lines)
    with uow.office("transfers"):
        known = queries.requested_by(uow.session, operation_id) if operation_id else None
        if known is not None:
            same = {line.item_id: line.quantity for line in known.lines} == asked
            if not same or (known.from_warehouse_id, known.to_warehouse_id) != (from_warehouse_id, to_warehouse_id):
                raise OperationDiffers
            return known
        made = Transfer(
            from_warehouse_id=from_warehouse_id,
            to_warehouse_id=to_warehouse_id,
            from_county_id=ends[0].county_id,
            to_county_id=ends[1].county_id,
            state=TransferState.REQUESTED.value,
            wanted_on=wanted_on,
            note=note,
            requested_at=uow.now,
            requested_by_id=uow.actor.id,
            operation_id=operation_id,
        )
        made.lines = [TransferLine(item_id=item_id, quantity=quantity) for item_id, quantity in asked.items()]
        uow.session.add(made)
        uow.session.flush()
    uow.record("transfer.requested", subject=("transfer", made.id), lines=len(asked), pieces=sum(asked.values()))
    return made


def _asked(uow: UnitOfWork, lines: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Return quantities by item; an item that stands twice is asked for once, together."""
    items = queries.items_by_id(uow.session, {line["item_id"] for line in lines})
    wrong: dict[str, list[Message | str]] = {}
    asked: dict[int, int] = {}
    for number, line in enumerate(lines):
        item = items.get(line["item_id"])
        if item is None or item.retired_at is not None:
            wrong[f"lines.{number}.item_id"] = [say("Choose an item of the catalogue.")]
        asked[line["item_id"]] = asked.get(line["item_id"], 0) + line["quantity"]
    if not lines:
        wrong["lines"] = [say("Name at least one item.")]
    if wrong:
        raise LinesWrong(wrong)
    return asked


def cancel(
    uow: UnitOfWork,
    *,
    transfer_id: int,
    reason: str,
    operation_id: UUID,
    version: int | None = None,
) -> Transfer:
    """Cancel a transfer that has not left: nothing stays reserved, what was picked goes back to its shelf."""
    with uow.office("transfers"):
        transfer = queries.transfer_for_change(uow.session, transfer_id)
        parts = queries.lots_for_change(uow.session, transfer_id)
        _may_cancel(uow, transfer, anything_picked=bool(parts))
        if transfer.state == TransferState.CANCELLED:
            return transfer
        transfer, parts = life.locked(uow, transfer_id, "cancel", version=version)
        if parts:
            preparing.put_back(uow, transfer, parts, operation_id, None, reason="transfer cancelled")
        stock.release_many(uow, [each.id for each in queries.spoken_for(uow.session, transfer.id)])
        life.go_on(transfer, "cancel")
        transfer.cancelled_at, transfer.cancel_reason = uow.now, reason
        uow.session.flush()
    uow.record("transfer.cancelled", subject=("transfer", transfer.id), lots=len(parts))
    return transfer


def _may_cancel(uow: UnitOfWork, transfer: Transfer, *, anything_picked: bool) -> None:
    """Whoever may ask for it may call it off; once something was picked, those who have to put it back."""
    giver = {"warehouse": transfer.from_warehouse_id, "county": transfer.from_county_id}
    taker = {"warehouse": transfer.to_warehouse_id, "county": transfer.to_county_id}
    if uow.actor.covers("stock.operate", **giver):
        return
    if not any(uow.actor.covers("transfers.request", **end) for end in (giver, taker)):
        raise NotAllowed(permission="transfers.request")
    if anything_picked:
        raise NotAllowed(
            say("Something was picked already: the giving warehouse cancels the transfer, and puts it back."),
            permission="stock.operate",
        )
