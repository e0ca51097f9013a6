"""The issue note (kiadási bizonylat), and the plain form of a voucher that no package draws."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from app.foundation.documents import paper
from app.foundation.language import amount, date_, language, number, time_
from app.foundation.words import say
from app.stock.voucher_papers import ANY, paper_of
from app.vouchers.words import KIND_NAMES

if TYPE_CHECKING:
    from app.stock.models import Voucher


@paper_of("issue")
def issue_note(voucher: Voucher) -> bytes:
    """Return what was handed out at the gate, to nobody by name."""
    content: dict[str, Any] = voucher.content
    return paper(
        title=KIND_NAMES["issue"],
        code=voucher.code,
        cancelled=say("Cancelled") if voucher.cancelled_at else None,
        facts=[
            [say("Warehouse"), content.get("warehouse", "")],
            [say("Posted"), f"{date_(voucher.posted_at)} {time_(voucher.posted_at)}"],
            [say("Why"), content.get("reason") or "–"],
        ],
        wide=1,
        heads=[say("Lot"), say("Item"), say("Best before"), say("Place"), say("Quantity")],
        rows=[
            [
                line["lot"],
                line[f"item_{language()}"],
                date_(date.fromisoformat(line["expires_on"])) if line["expires_on"] else "–",
                line["place"],
                amount(line["quantity"], line[f"unit_{language()}"]),
            ]
            for line in content.get("lines", [])
        ],
        signatures=[say("Handed over by"), say("Received by")],
    )


@paper_of(ANY)
def plain(voucher: Voucher) -> bytes:
    """Return the number, the day and what was stored in plain words."""
    told = [[name, value] for name, value in voucher.content.items() if isinstance(value, str | int | float)]
    return paper(
        title=KIND_NAMES.get(voucher.kind, say("Voucher")),
        code=voucher.code,
        cancelled=say("Cancelled") if voucher.cancelled_at else None,
        facts=[[say("Posted"), f"{date_(voucher.posted_at)} {time_(voucher.posted_at)}"], *told],
        heads=[say("Number")],
        rows=[[number(voucher.number)]],
        signatures=[say("For the mission")],
    )
