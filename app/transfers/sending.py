"""What was picked leaves: out of staging into transit, with a numbered note."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.boxes import travelling
from app.foundation.unit_of_work import UnitOfWork
from app.stock import carrying, issuing
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.models import Kind, PlaceKind
from app.stock.service import Step
from app.transfers import life, queries
from app.transfers.errors import NothingPicked
from app.transfers.models import Transfer, TransferState

if TYPE_CHECKING:
    from app.stock.models import Voucher


def send(
    uow: UnitOfWork,
    *,
    transfer_id: int,
    operation_id: UUID,
    carried_by: str | None = None,
    expected_on: date | None = None,
    happened_at: datetime | None = None,
    version: int | None = None,
) -> Transfer:
    """Let the picked goods leave; the transfer note is numbered. What is not picked by now does not travel."""
    with uow.office("transfers"):
        transfer = queries.transfer_for_change(uow.session, transfer_id)
        life.must_give(uow, transfer)
        if transfer.state == TransferState.IN_TRANSIT:
            return transfer
        transfer, parts = life.locked(uow, transfer_id, "send", version=version)
        if not parts:
            raise NothingPicked(transfer=transfer.code)
        stock.release_many(uow, [each.id for each in queries.spoken_for(uow.session, transfer.id)])
        transit = stock_queries.virtual_place(uow.session, transfer.from_warehouse_id, PlaceKind.IN_TRANSIT)
        steps = [Step(each.lot_id, each.place_id, transit.id, each.quantity, Kind.TRANSFER_OUT) for each in parts]
        boxed = {part.box_id for part in parts if part.box_id}
        closed = travelling.closed(uow, boxed)
        carrying.carry(uow, operation_id=operation_id, steps=steps, happened_at=happened_at)
        travelling.close_again(uow, closed)
        travelling.leave(
            uow,
            box_ids=travelling.outermost(uow, boxed),
            transit=transit,
            operation_id=operation_id,
            happened_at=happened_at,
        )
        transfer.carried_by, transfer.expected_on = carried_by, expected_on
        transfer.picked_at = transfer.picked_at or happened_at or uow.now
        transfer.sent_at = happened_at or uow.now
        life.go_on(transfer, "send")
        note = stock.issue_voucher(
            uow,
            kind="transfer",
            warehouse_id=transfer.from_warehouse_id,
            subject=("transfer", transfer.id),
            content=_note(uow, transfer),
        )
        transfer.voucher_id = note.id
        uow.session.flush()
    uow.record("transfer.sent", subject=("transfer", transfer.id), lots=len(parts), voucher=note.code)
    return transfer


def _note(uow: UnitOfWork, transfer: Transfer) -> dict[str, Any]:
    """Return what the transfer note shows, with the names of this day."""
    warehouses = queries.warehouses(uow.session)
    lines = [
        {
            "lot": f"L-{seen.lot.id}",
            "item_hu": seen.item.name_hu,
            "item_en": seen.item.name_en,
            "unit_hu": seen.item.unit_name_hu,
            "unit_en": seen.item.unit_name_en,
            "quantity": seen.part.quantity,
            "expires_on": seen.lot.expires_on.isoformat() if seen.lot.expires_on else None,
            "batch": seen.lot.batch,
            "box": seen.place.code if seen.part.box_id else None,
            "weight_g": seen.part.quantity * seen.item.weight_mg // 1000,
        }
        for seen in queries.lots_of(uow.session, transfer.id)
    ]
    giver, taker = warehouses[transfer.from_warehouse_id], warehouses[transfer.to_warehouse_id]
    return {
        "transfer": transfer.code,
        "from": giver.name,
        "to": taker.name,
        "carried_by": transfer.carried_by,
        "left_at": transfer.sent_at.isoformat() if transfer.sent_at else None,
        "expected_on": transfer.expected_on.isoformat() if transfer.expected_on else None,
        "lines": lines,
    }


def note(uow: UnitOfWork, *, transfer_id: int) -> Voucher | None:
    """Return the transfer note; both warehouses read it."""
    found = queries.transfer(uow.session, uow.actor, transfer_id)
    return None if found.voucher_id is None else issuing.issued(uow, voucher_id=found.voucher_id)
