"""Cancelling a voucher. Papers do not move goods: what went wrong with the goods is put right where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.foundation.unit_of_work import UnitOfWork
from app.stock import issuing
from app.stock import service as stock
from app.vouchers import queries

if TYPE_CHECKING:
    from app.stock.models import Movement, Voucher

TAKEN_BACK = "the hand-over was taken back"


def cancel(uow: UnitOfWork, *, voucher_id: int, reason: str) -> Voucher:
    """Cancel a voucher with a reason; its number stays with it. Cancelled before, it stays as it was."""
    found = queries.voucher(uow.session, uow.actor, voucher_id)
    uow.actor.require_for("vouchers.cancel", warehouse=found.warehouse_id, county=found.county_id)
    return stock.cancel_voucher(uow, voucher_id=voucher_id, reason=reason)


@stock.asked_before_reversal
def _paper_of_what_is_taken_back(uow: UnitOfWork, movement: Movement) -> None:
    """An issue note holds no longer once the hand-over that it papers is taken back."""
    if movement.kind == "hand_over":
        for paper in issuing.papers_of(uow, subject=("movement", movement.id)):
            stock.cancel_voucher(uow, voucher_id=paper.id, reason=TAKEN_BACK)
