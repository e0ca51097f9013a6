"""Which package draws which kind of voucher, so that one register can open every PDF.

A package registers at import, from its edge: ``@paper_of("transfer")`` over ``def note(voucher) -> bytes``. A paper is
drawn from what was stored at posting alone, so it never changes; only the mark of a cancelled one comes upon it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.stock.models import Voucher

Drawer = Callable[["Voucher"], bytes]

ANY = ""
"""The form for kinds that nobody has registered."""

PAPERS: dict[str, Drawer] = {}


def paper_of(kind: str) -> Callable[[Drawer], Drawer]:
    """Register who draws a kind of voucher: receipt, issue, transfer, delivery, write_off, stocktake, certificate."""

    def register(drawer: Drawer) -> Drawer:
        PAPERS[kind] = drawer
        return drawer

    return register


def draw(voucher: Voucher) -> bytes:
    """Return a voucher as PDF, in the reader's language."""
    return (PAPERS.get(voucher.kind) or PAPERS[ANY])(voucher)
