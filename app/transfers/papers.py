"""The transfer note as PDF: what left, for whom, and the two who sign."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from app.foundation.documents import paper
from app.foundation.language import amount, date_, language, time_, weight
from app.foundation.words import say
from app.stock.voucher_papers import paper_of

if TYPE_CHECKING:
    from app.stock.models import Voucher


@paper_of("transfer")
def note(voucher: Voucher) -> bytes:
    """Return the transfer note."""
    content = voucher.content
    left_at = datetime.fromisoformat(content["left_at"])
    expected = content["expected_on"]
    lines = content["lines"]
    return paper(
        title=say("Transfer note"),
        code=voucher.code,
        cancelled=say("Cancelled") if voucher.cancelled_at else None,
        facts=[
            [say("Transfer"), content["transfer"]],
            [say("From"), content["from"]],
            [say("To"), content["to"]],
            [say("Left"), f"{date_(left_at)} {time_(left_at)}"],
            [say("Carried by"), content["carried_by"] or "–"],
            [say("Expected"), date_(date.fromisoformat(expected)) if expected else "–"],
        ],
        wide=1,
        heads=[say("Lot"), say("Item"), say("Best before"), say("Box"), say("Quantity"), say("Arrived")],
        rows=[
            [
                line["lot"],
                line[f"item_{language()}"],
                date_(date.fromisoformat(line["expires_on"])) if line["expires_on"] else "–",
                line["box"] or "–",
                amount(line["quantity"], line[f"unit_{language()}"]),
                "",
            ]
            for line in lines
        ],
        sums=[[say("Weight"), weight(sum(line["weight_g"] for line in lines))]],
        closing=say("The receiver counts each line, writes what differs beside it, and signs for what arrived."),
        signatures=[say("Handed over by"), say("Carrier"), say("Received by")],
    )
