"""Run sheet, loading list, packing list and delivery note as PDF; the words come in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.delivery import queries
from app.delivery.words import RELATIONS, STORAGE
from app.foundation.documents import paper, pdf
from app.foundation.language import amount, date_, language, time_, translate, weight
from app.foundation.words import say
from app.stock.voucher_papers import paper_of

if TYPE_CHECKING:
    from app.stock.models import Voucher

FOLDER = Path(__file__).parent / "documents"


def run_sheet(run: Any, stops: Sequence[queries.StopSeen], contacts: Mapping[int, Any], warehouse: str) -> bytes:
    """Return the driver's sheet: stops in order, addresses where they may be read, a box for each hand-over."""
    rows = [
        {
            "position": str(seen.stop.position),
            "settlement": seen.settlement,
            "arrives": time_(seen.stop.arrives_at),
            "window": _window(seen.stop),
            "parcels": [
                {
                    "code": each.parcel.code,
                    "weight": weight(each.parcel.weight_g),
                    "contents": _contents(each),
                    "address": _address(contacts.get(each.parcel.household_id)),
                }
                for each in seen.parcels
            ],
        }
        for seen in stops
        if seen.parcels
    ]
    return _pdf("run_sheet.typ", run, warehouse, say("Run sheet"), {"stops": rows})


def loading_list(run: Any, stops: Sequence[queries.StopSeen], warehouse: str) -> bytes:
    """Return the order of loading: what is handed over last goes in first. Codes only."""
    rows = [
        {
            "position": str(seen.stop.position),
            "code": each.parcel.code,
            "weight": weight(each.parcel.weight_g),
            "storage": _storage(each.parcel.storage_classes),
        }
        for seen in reversed(stops)
        for each in seen.parcels
    ]
    return _pdf("loading_list.typ", run, warehouse, say("Loading list, last in first out"), {"rows": rows})


def packing_list(run: Any, stops: Sequence[queries.StopSeen], warehouse: str) -> bytes:
    """Return what goes into each parcel and from which shelf; no place, no family."""
    parcels = sorted((each for seen in stops for each in seen.parcels), key=lambda each: each.parcel.id)
    rows = [
        {
            "code": each.parcel.code,
            "lines": [
                {
                    "place": line.place,
                    "item": _item(line),
                    "quantity": amount(line.quantity, line.unit_en if language() == "en" else line.unit_hu),
                    "lot": f"L-{line.lot_id}",
                    "expiry": date_(line.expires_on),
                }
                for line in sorted(each.lines, key=lambda line: line.place)
            ],
        }
        for each in parcels
    ]
    return _pdf("packing_list.typ", run, warehouse, say("Packing list"), {"parcels": rows})


@paper_of("delivery")
def delivery_note(voucher: Voucher) -> bytes:
    """Return what left with a run: lots and quantities, the parcels by their codes."""
    content = voucher.content
    return paper(
        title=say("Delivery note"),
        code=voucher.code,
        cancelled=say("Cancelled") if voucher.cancelled_at else None,
        facts=[
            [say("Run"), content["run"]],
            [say("Vehicle"), content["plate"]],
            [say("Day"), date_(date.fromisoformat(content["on"]))],
            [say("Departure"), f"{date_(voucher.posted_at)} {time_(voucher.posted_at)}"],
            [say("Parcels"), ", ".join(content["parcels"])],
        ],
        wide=1,
        heads=[say("Lot"), say("Item"), say("Quantity")],
        rows=[
            [line["lot"], line[f"item_{language()}"], amount(line["quantity"], line[f"unit_{language()}"])]
            for line in content["lines"]
        ],
        signatures=[say("Handed over by"), say("Driver")],
    )


def _pdf(template: str, run: Any, warehouse: str, title: Any, content: Mapping[str, Any]) -> bytes:
    data = {
        **content,
        "title": title,
        "head": [
            [say("Run"), f"{run.number}. · {run.code}"],
            [say("Day"), date_(run.on)],
            [say("Warehouse"), warehouse],
            [say("Vehicle"), f"{run.vehicle.model} {run.vehicle.plate}".strip()],
            [say("Driver"), run.driver.name if run.driver else "–"],
            [say("Departure"), time_(run.departs_at)],
            [say("Return"), time_(run.returns_at)],
        ],
        "words": WORDS,
        "relations": [word for _, word, _ in RELATIONS],
    }
    return pdf(FOLDER / template, data)


WORDS = {
    "stop": say("Stop"),
    "arrives": say("Arrival"),
    "window": say("Window"),
    "parcel": say("Parcel"),
    "weight": say("Weight"),
    "received": say("Received by"),
    "signature": say("Code or signature"),
    "storage": say("Storage"),
    "loaded": say("Loaded"),
    "place": say("Place"),
    "item": say("Item"),
    "quantity": say("Quantity"),
    "lot": say("Lot"),
    "expiry": say("Best before"),
    "hidden": say("contents on the parcel's own list"),
    "private": say("Addresses on this sheet: destroy it after the run."),
    "page": say("Page"),
}


def _window(stop: Any) -> str:
    if stop.window_from is None or stop.window_until is None:
        return ""
    return f"{time_(stop.window_from)}–{time_(stop.window_until)}"


def _contents(seen: queries.ParcelSeen) -> str | None:
    """Return what is in it; None where that would tell of health."""
    if seen.parcel.health_related:
        return None
    return ", ".join(f"{_item(line)} {line.quantity}" for line in seen.lines)


def _item(line: queries.LineSeen) -> str:
    return line.name_en if language() == "en" else line.name_hu


def _address(contact: Any) -> str:
    if contact is None:
        return ""
    return " · ".join(each for each in (contact.name, contact.street, contact.phone) if each)


def _storage(classes: Sequence[str]) -> str:
    return ", ".join(translate(STORAGE[each]) for each in classes if each != "ambient" and each in STORAGE)
