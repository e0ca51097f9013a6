"""The record of a write-off (selejtezési jegyzőkönyv) as PDF, with a line for each of the three to sign; pictures."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response

from app.foundation import language
from app.foundation.documents import paper
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import voucher_papers
from app.stock.voucher_papers import paper_of
from app.write_offs import queries
from app.write_offs.errors import NoRecordYet
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
                language.amount(line["quantity"], line[f"unit_{said}"]),
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


def record_of(uow: UnitOfWork, write_off_id: int) -> Response:
    """Return the record as PDF; there is none before it was decided."""
    found = queries.write_off(uow.session, uow.actor, write_off_id)
    voucher = queries.voucher(uow.session, uow.actor, found)
    if voucher is None:
        raise NoRecordYet(write_off_id=write_off_id)
    headers = {"Content-Disposition": "inline"}
    return Response(voucher_papers.draw(voucher), mimetype="application/pdf", headers=headers)


def photo_of(uow: UnitOfWork, photo_id: int) -> Response:
    """Return a picture as it was drawn anew."""
    found = queries.photo(uow.session, uow.actor, photo_id)
    headers = {"Content-Disposition": "inline", "Cache-Control": "private, max-age=86400"}
    return Response(found.jpeg, mimetype="image/jpeg", headers=headers)
