"""The record of a write-off (selejtezési jegyzőkönyv) as PDF, with a line for each of the three to sign."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.foundation import language
from app.foundation.documents import paper
from app.foundation.words import Message, say
from app.stock.voucher_papers import paper_of
from app.write_offs.words import REASONS

if TYPE_CHECKING:
    from app.stock.models import Voucher


@paper_of("write_off")
def record(voucher: Voucher) -> bytes:
    """Return the record, as it was at posting."""
    content: dict[str, Any] = voucher.content
    lines: list[dict[str, Any]] = content.get("lines", [])
    said = language.language()
    facts: list[list[Any]] = [
        [say("Warehouse"), content.get("warehouse", "")],
        [say("Proposal"), content.get("code", "")],
        [say("Proposed on"), _day(content.get("proposed_at"))],
        [say("Decided on"), _day(content.get("decided_at"))],
        [say("Reason"), REASONS.get(content.get("reason", ""), content.get("reason", ""))],
    ]
    if content.get("proposed_by"):
        facts.insert(3, [say("Proposed by"), content["proposed_by"]])
    for label, name in ((say("Note"), "note"), (say("Note of the committee"), "decision_note")):
        if content.get(name):
            facts.append([label, content[name]])
    if content.get("photos"):
        facts.append([say("Pictures"), language.number(content["photos"])])
    return paper(
        title=say("Write-off record"),
        code=voucher.code,
        cancelled=_cancelled(voucher),
        facts=facts,
        wide=1,
        heads=[say("Lot"), say("Item"), say("Quantity"), say("Place"), say("Expiry"), say("Value")],
        rows=[
            [
                line["lot"],
                f"{line[f'item_{said}']}{_batch(line)}",
                f"{language.number(line['quantity'])} {line[f'unit_{said}']}",
                line["place"],
                language.date_(line["expires_on"]) if line["expires_on"] else "–",
                language.money(line["value_huf"] / 100),
            ]
            for line in lines
        ],
        sums=[
            [say("Weight"), language.weight(sum(line["weight_g"] for line in lines))],
            [say("Value"), language.money(sum(line["value_huf"] for line in lines) / 100)],
        ],
        closing=say("The committee has looked at the goods listed above and found that they can no longer be given."),
        signatures=content.get("committee") or [say("Member of the committee")] * 3,
    )


def _batch(line: dict[str, Any]) -> str:
    return f" ({line['batch']})" if line.get("batch") else ""


def _day(stored: str | None) -> str:
    return language.date_(datetime.fromisoformat(stored)) if stored else "–"


def _cancelled(voucher: Voucher) -> Message | None:
    if voucher.cancelled_at is None:
        return None
    reason = getattr(voucher, "cancel_reason", None)
    return say("Cancelled: %(reason)s", reason=reason) if reason else say("Cancelled")
