"""Refusals about vouchers."""

from __future__ import annotations

from app.foundation.errors import Invalid, NotFound
from app.foundation.words import say


class NoSuchVoucher(NotFound):
    """There is no such voucher, or it is not this person's to see."""

    kind = "no-such-voucher"

    def __init__(self, *, voucher_id: int) -> None:
        super().__init__(say("There is no such voucher, or it is not yours to see."), voucher_id=voucher_id)


class RegisterTooLong(Invalid):
    """More vouchers than one table may hold."""

    kind = "register-too-long"

    def __init__(self, *, most: int) -> None:
        sentence = say("Choose a kind, a warehouse or a year: one table holds at most %(most)s vouchers.", most=most)
        super().__init__(sentence, {"year": [sentence]}, most=most)
