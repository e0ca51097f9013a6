"""What is done with a transfer: ask for it, reserve, pick, send, receive with differences, settle them, cancel.

Rights: to ask, ``transfers.request`` over one of the two warehouses; to pick and send, ``stock.operate`` where the
goods are; to receive, ``stock.operate`` where they arrive. Every piece is at all times in one place with a name: on a
shelf, in staging, in transit, on the receiver's dock, in quarantine, or in a place for what nobody can explain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.foundation.unit_of_work import UnitOfWork
from app.stock import service as stock
from app.stock.models import Kind
from app.transfers import queries
from app.transfers.errors import BelongsToTransfer
from app.transfers.preparing import Proposed, accept, finish, pick, pick_all, pick_box, propose, revise, unpick
from app.transfers.receiving import Counted, add, receive, receive_box, settle
from app.transfers.requesting import cancel, request
from app.transfers.sending import note, send

if TYPE_CHECKING:
    from app.stock.models import Movement

__all__ = [
    "Counted",
    "Proposed",
    "accept",
    "add",
    "cancel",
    "finish",
    "note",
    "pick",
    "pick_all",
    "pick_box",
    "propose",
    "receive",
    "receive_box",
    "request",
    "revise",
    "send",
    "settle",
    "unpick",
]


@stock.asked_before_reversal
def _not_alone(uow: UnitOfWork, movement: Movement) -> None:
    """What belongs to a transfer is not taken back alone: its lots would say otherwise."""
    if movement.kind in (Kind.TRANSFER_OUT, Kind.TRANSFER_IN):
        raise BelongsToTransfer
    if movement.kind in (Kind.PICK, Kind.FIND, Kind.LOSE):
        with uow.office("transfers"):
            if queries.belongs_to_transfer(uow.session, movement.operation_id):
                raise BelongsToTransfer
