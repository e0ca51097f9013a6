"""The papers of a stocktake as PDF: blind sheets for counting by hand, and the record of what was posted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response

from app.foundation import language
from app.foundation.documents import paper
from app.foundation.words import say
from app.stock.voucher_papers import paper_of
from app.stocktakes.errors import RecordMissing
from app.stocktakes.words import REASONS

if TYPE_CHECKING:
    from app.stock.models import Voucher
    from app.stocktakes.models import Stocktake
    from app.stocktakes.queries import SheetLine


def record(voucher: Voucher | None) -> bytes:
    """Return the record of a posted stocktake; before, there is none."""
    if voucher is None:
        raise RecordMissing
    return draw(voucher)


@paper_of("stocktake")
def draw(voucher: Voucher) -> bytes:
    """Return the record from what was stored at posting."""
    content = voucher.content
    said = language.language()
    lines = content["lines"]
    short = -sum(line["value_huf"] for line in lines if line["value_huf"] < 0)
    over = sum(line["value_huf"] for line in lines if line["value_huf"] > 0)
    return paper(
        title=say("Stocktake record"),
        code=voucher.code,
        cancelled=say("Cancelled") if voucher.cancelled_at else None,
        facts=[
            [say("Warehouse"), content["warehouse"]],
            [say("Opened"), _when(content["opened_at"], content["opened_by"])],
            [say("Counted by"), ", ".join(content["counted_by"]) or "–"],
            [say("Counted again by"), ", ".join(content["recounted_by"]) or "–"],
            [say("Approved"), _when(content["posted_at"], content["approved_by"])],
            [say("Places"), language.number(content["places"])],
        ],
        wide=1,
        heads=[say("Place"), say("Item"), say("Expected"), say("Counted"), say("Difference"), say("Value"), say("Why")],
        rows=[
            [
                line["place"],
                f"{line[f'item_{said}']} ({line['lot']})",
                language.number(line["expected"]),
                language.amount(line["counted"], line[f"unit_{said}"]),
                _signed(line["counted"] - line["expected"]),
                language.money(line["value_huf"] / 100) if line["value_huf"] else "–",
                language.translate(REASONS[line["reason"]]) if line["reason"] else "–",
            ]
            for line in lines
        ],
        sums=[
            [say("Lines compared"), language.number(content["lines_in_all"])],
            [say("Missing, value"), language.money(short / 100)],
            [say("Found, value"), language.money(over / 100)],
            [say("Difference, value"), language.money(content["value_huf"] / 100)],
        ],
        closing=say(
            "Each quantity was compared with the books of the moment at which it was counted. "
            "Whoever counted did not approve."
        ),
        signatures=[say("Counted by"), say("Approved by")],
    )


def _when(at: str, who: str) -> str:
    moment = datetime.fromisoformat(at)
    told = f"{language.date_(moment)} {language.time_(moment)}"
    return f"{told}, {who}" if who else told


def _signed(difference: int) -> str:
    return f"+{language.number(difference)}" if difference > 0 else language.number(difference) if difference else "0"


def sheets(found: Stocktake, warehouse: str, lines: Sequence[SheetLine]) -> bytes:
    """Return the sheets for counting by hand: places and lots in order, with room for the number; nothing expected."""
    rows: list[list[Any]] = [
        [
            line.place,
            line.item.name(language.language()) if line.item else say("(nothing by the books)"),
            f"L-{line.lot.id}" if line.lot else "",
            language.date_(line.lot.expires_on) if line.lot and line.lot.expires_on else "",
            "__________",
        ]
        for line in lines
    ]
    return paper(
        title=say("Counting sheet"),
        code=f"LEL-{found.id}",
        facts=[
            [say("Warehouse"), warehouse],
            [say("Opened"), _when(found.opened_at.isoformat(), "")],
            [say("First count / second count"), ""],
            [say("Counted on"), ""],
        ],
        wide=1,
        heads=[say("Place"), say("Item"), say("Lot"), say("Expiry"), say("Counted")],
        rows=rows,
        closing=say(
            "Write what is there, not what should be. What lies there and is not on the sheet is written below it. "
            "Who counts the first time does not count the second time."
        ),
        signatures=[say("Counted by"), say("Typed in by")],
    )


def as_response(document: bytes, name: str) -> Response:
    """Return a PDF for the browser to show."""
    return Response(
        document, mimetype="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}.pdf"'}
    )
