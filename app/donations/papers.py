"""The papers of a gift as PDF: the goods-received note and the donor's certificate. They name no family."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response

from app.donations.errors import NoSuchArrival
from app.foundation import language
from app.foundation.documents import paper
from app.foundation.words import Message, say
from app.stock.voucher_papers import paper_of

if TYPE_CHECKING:
    from app.stock.models import Voucher


INSPECTIONS: dict[str, Message] = {
    "accept": say("accepted"),
    "quarantine": say("in quarantine"),
    "refuse": say("refused"),
}
CONDITION_NAMES: dict[str, Message] = {"new": say("new"), "good": say("good"), "worn": say("worn")}


@paper_of("receipt")
def note(voucher: Voucher | None) -> bytes:
    """Return the goods-received note."""
    if voucher is None:
        raise NoSuchArrival
    content = voucher.content
    arrived_at = datetime.fromisoformat(content["arrived_at"])
    return paper(
        title=say("Goods-received note"),
        code=voucher.code,
        cancelled=say("Cancelled") if voucher.cancelled_at else None,
        facts=[
            [say("Warehouse"), content["warehouse"]],
            *_origin(content),
            [say("Arrived"), f"{language.date_(arrived_at)} {language.time_(arrived_at)}"],
        ],
        wide=1,
        heads=[say("Lot"), say("Item"), say("Quantity"), say("Expiry"), say("Inspection")],
        rows=[
            [
                line["lot"] or _several(line),
                line[f"item_{language.language()}"],
                language.amount(line["quantity"], line[f"unit_{language.language()}"]),
                language.date_(line["expires_on"]) if line["expires_on"] else "–",
                _inspected(line),
            ]
            for line in content["lines"]
        ],
        sums=_sums(content["lines"]),
        closing=None,
        signatures=[say("Handed over by"), say("Received by")],
    )


@paper_of("certificate")
def certificate(voucher: Voucher) -> bytes:
    """Return the donor's certificate."""
    content = voucher.content
    return paper(
        title=say("Donor's certificate"),
        code=voucher.code,
        cancelled=say("Cancelled") if voucher.cancelled_at else None,
        facts=[
            [say("Donor"), content["donor"]],
            [say("Offer"), content["offer"]],
            [say("Arrived"), ", ".join(language.date_(day) for day in content["arrived_on"])],
        ],
        heads=[say("Item"), say("Quantity"), say("Condition"), say("Value")],
        rows=[
            [
                line[f"item_{language.language()}"],
                language.amount(line["quantity"], line[f"unit_{language.language()}"]),
                CONDITION_NAMES.get(line["condition"], line["condition"]),
                language.money(line["value_huf"] / 100),
            ]
            for line in content["lines"]
        ],
        sums=_sums(content["lines"]),
        closing=say(
            "We thank you for this gift. It is given free of charge to families whom professionals of the "
            "signalling network have reported."
        ),
        signatures=[say("For the mission")],
    )


def _origin(content: Mapping[str, Any]) -> list[list[Any]]:
    """Return where it came from: a donor and an offer, or an opening stock that was brought in by a file."""
    if "import" in content:
        return [[say("Opening stock"), content["import"]]]
    return [[say("Donor"), content["donor"]], [say("Offer"), content["offer"] or say("unannounced")]]


def _several(line: Mapping[str, Any]) -> Message | str:
    """Return how many lots a line stands for, where it is not one."""
    return say("%(lots)s lots", lots=line["lots"]) if line.get("lots") else "–"


def _inspected(line: Mapping[str, Any]) -> str:
    said = language.translate(INSPECTIONS[line["inspection"]])
    return f"{said}: {line['reason']}" if line["reason"] else said


def _sums(lines: list[dict[str, Any]]) -> list[list[Any]]:
    kept = [line for line in lines if line["inspection"] != "refuse"]
    return [
        [say("Weight"), language.weight(sum(line["weight_g"] for line in kept))],
        [say("Value"), language.money(sum(line["value_huf"] for line in kept) / 100)],
    ]


def as_response(document: bytes) -> Response:
    """Return a PDF for the browser to show."""
    return Response(document, mimetype="application/pdf", headers={"Content-Disposition": "inline"})
