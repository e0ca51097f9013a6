"""Where a transfer stands, who may take it on from there, and what is reserved for it meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm.attributes import flag_modified

from app.foundation.errors import Stale
from app.foundation.unit_of_work import UnitOfWork
from app.stock import service as stock
from app.transfers import queries
from app.transfers.errors import TransferPast
from app.transfers.models import Transfer, TransferLot, TransferState

RESERVED_DAYS = 7
"""So long the goods of a transfer stay reserved on their shelves; then somebody else may take them."""
WAITING_DAYS = 30
"""So long what was picked stays reserved in staging."""
MOVES: dict[tuple[str, str], str] = {
    (TransferState.REQUESTED, "accept"): TransferState.REQUESTED,
    (TransferState.REQUESTED, "pick"): TransferState.REQUESTED,
    (TransferState.REQUESTED, "finish"): TransferState.PICKED,
    (TransferState.REQUESTED, "unpick"): TransferState.REQUESTED,
    (TransferState.PICKED, "unpick"): TransferState.REQUESTED,
    (TransferState.REQUESTED, "send"): TransferState.IN_TRANSIT,
    (TransferState.PICKED, "send"): TransferState.IN_TRANSIT,
    (TransferState.IN_TRANSIT, "receive"): TransferState.IN_TRANSIT,
    (TransferState.IN_TRANSIT, "add"): TransferState.IN_TRANSIT,
    (TransferState.RECEIVED, "add"): TransferState.RECEIVED,
    (TransferState.IN_TRANSIT, "settle"): TransferState.IN_TRANSIT,
    (TransferState.RECEIVED, "settle"): TransferState.RECEIVED,
    (TransferState.REQUESTED, "cancel"): TransferState.CANCELLED,
    (TransferState.PICKED, "cancel"): TransferState.CANCELLED,
}
"""The life of a transfer. With its last lot it is received."""


def locked(
    uow: UnitOfWork, transfer_id: int, verb: str, *, version: int | None = None, again: UUID | None = None
) -> tuple[Transfer, list[TransferLot]]:
    """Return a transfer under lock with its lots, if the verb is of this point of its life, or was done already."""
    transfer = queries.transfer_for_change(uow.session, transfer_id)
    parts = queries.lots_for_change(uow.session, transfer_id)
    done = again is not None and any(again in (part.operation_id, part.receipt_id) for part in parts)
    if not done and (transfer.state, verb) not in MOVES:
        raise TransferPast(transfer=transfer.code, state=transfer.state, verb=verb)
    if version is not None and transfer.version != version:
        raise Stale(version=transfer.version)
    return transfer, parts


def go_on(transfer: Transfer, verb: str) -> None:
    """Let the transfer be where the verb leads."""
    transfer.state = MOVES[TransferState(transfer.state), verb]


def touch(transfer: Transfer) -> None:
    """Let what changed around a transfer change its version."""
    flag_modified(transfer, "state")


def must_give(uow: UnitOfWork, transfer: Transfer) -> None:
    """Refuse whoever does not work where the goods are."""
    uow.actor.require_for("stock.operate", warehouse=transfer.from_warehouse_id, county=transfer.from_county_id)


def must_take(uow: UnitOfWork, transfer: Transfer) -> None:
    """Refuse whoever does not work where the goods arrive."""
    uow.actor.require_for("stock.operate", warehouse=transfer.to_warehouse_id, county=transfer.to_county_id)


def reservation(transfer: Transfer, lot_id: int, place_id: int, quantity: int, until: datetime) -> dict[str, Any]:
    """Return what ``stock.reserve_many`` takes."""
    return {
        "lot_id": lot_id,
        "place_id": place_id,
        "quantity": quantity,
        "purpose_kind": queries.PURPOSE,
        "purpose_id": transfer.id,
        "expires_at": until,
    }


def speak(uow: UnitOfWork, transfer: Transfer, lot_id: int, place_id: int, change: int, *, days: int) -> None:
    """Reserve more or less of a lot in a place for a transfer: what was reserved is released, what is left reserved."""
    held = [
        each
        for each in queries.spoken_for(uow.session, transfer.id)
        if each.lot_id == lot_id and each.place_id == place_id
    ]
    quantity = max(0, sum(each.quantity for each in held) + change)
    stock.release_many(uow, [each.id for each in held])
    if quantity:
        until = uow.now + timedelta(days=days)
        stock.reserve_many(uow, [reservation(transfer, lot_id, place_id, quantity, until)], skip_short=True)
