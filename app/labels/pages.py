"""Pages of labels: choose what and in which size, then the PDF."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.foundation.http import in_unit_of_work
from app.foundation.language import today
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.labels import queries
from app.labels.faces import SIZES
from app.labels.sheets import SHEETS, Sheet
from app.stock.words import PLACE_KINDS

blueprint = Blueprint("labels", __name__, url_prefix="/labels")

TABS: dict[str, Message] = {
    "places": say("Places"),
    "lots": say("Lots"),
    "boxes": say("Boxes and pallets"),
    "parcels": say("Parcels"),
    "documents": say("Papers"),
    "multipliers": say("Multipliers"),
}
"""What labels are chosen for."""
CHOSEN_WITH = {"runs": "parcels"}
"""Sheets without a tab of their own."""
DOCUMENTS: dict[str, Message] = {
    "transfer": say("Transfer"),
    "stocktake": say("Stocktake"),
    "offer": say("Offer"),
}
BOX_KINDS: dict[str, Message] = {"box": say("Boxes"), "pallet": say("Pallets")}


@blueprint.get("/")
@in_unit_of_work("stock.operate")
def labels(uow: UnitOfWork) -> ResponseReturnValue:
    """Choose what to print labels for."""
    return _choose(uow, request.args.get("what", "places"))


def _choose(uow: UnitOfWork, what: str) -> str:
    what = what if what in TABS else "places"
    warehouses = queries.warehouses(uow.session, uow.actor)
    values: dict[str, Any] = {"size": "a4", "start": 1, "copies": 1, **request.args.to_dict()}
    if len(warehouses) == 1:
        values.setdefault("warehouse_id", warehouses[0].id)
    place_text = ""
    if what == "lots" and str(values.get("place_id", "")).isdigit():
        asked = queries.PlacesAsked(ids=(int(str(values["place_id"])[:18]),))
        place_text = next((each.code for each in queries.places(uow.session, uow.actor, asked, most=1)), "")
    return render_template(
        "labels/labels.html",
        what=what,
        sheets=[
            {"label": title, "href": url_for(".labels", what=name, size=values["size"]), "current": name == what}
            for name, title in TABS.items()
        ],
        title=TABS[what],
        form={"values": values},
        action=url_for(f".{what}"),
        sizes=[(size.name, size.title) for size in SIZES.values()],
        warehouse_options=[(each.id, each.name) for each in warehouses],
        kind_options=[(kind, PLACE_KINDS[kind]) for kind in queries.PLACES],
        box_options=list(BOX_KINDS.items()),
        document_options=list(DOCUMENTS.items()),
        run_options=_runs(uow) if what == "parcels" else [],
        place_text=place_text,
    )


def _runs(uow: UnitOfWork) -> list[tuple[int, Message]]:
    return [
        (each.id, say("Run %(run)s, %(run_on)s, %(plate)s", run=each.number, run_on=each.on, plate=each.vehicle.plate))
        for each in queries.runs_ahead(uow.session, uow.actor, today())
    ]


def _offer(sheet: Sheet) -> None:
    def print_them(uow: UnitOfWork) -> ResponseReturnValue:
        return sheet.pdf(uow, sheet.asked().load(request.args))

    def choose_again(uow: UnitOfWork) -> ResponseReturnValue:
        return _choose(uow, CHOSEN_WITH.get(sheet.name, sheet.name))

    view = in_unit_of_work(sheet.permission, form_view=choose_again)(print_them)
    blueprint.add_url_rule(f"/{sheet.name}.pdf", sheet.name, view, methods=["GET"])


for each in SHEETS:
    _offer(each)
