"""Pages of labels: choose what and in which size, then the PDF."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.foundation.http import in_unit_of_work
from app.foundation.language import today
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.labels import printing, queries, schemas
from app.labels.faces import SIZES, Face
from app.stock.words import PLACE_KINDS

blueprint = Blueprint("labels", __name__, url_prefix="/labels")

SHEETS: dict[str, Message] = {
    "places": say("Places"),
    "lots": say("Lots"),
    "boxes": say("Boxes and pallets"),
    "parcels": say("Parcels"),
    "documents": say("Papers"),
    "multipliers": say("Multipliers"),
}
"""What labels are printed for."""
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
    what = what if what in SHEETS else "places"
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
            for name, title in SHEETS.items()
        ],
        title=SHEETS[what],
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


def _chooser(what: str) -> Callable[..., str]:
    """Return the view that asks again after a refusal."""

    def choose(uow: UnitOfWork) -> str:
        return _choose(uow, what)

    return choose


def _pdf(make: Callable[..., list[Face]], uow: UnitOfWork, schema: type[schemas.LabelsAsked], name: str) -> Response:
    asked = schema().load(request.args)
    start, copies = asked.pop("start"), asked.pop("copies")
    document = printing.printed(make(uow, **asked), size=asked["size"], start=start, copies=copies)
    headers = {"Content-Disposition": f'inline; filename="{name}-labels.pdf"'}
    return Response(document, mimetype="application/pdf", headers=headers)


@blueprint.get("/places.pdf")
@in_unit_of_work("stock.operate", form_view=_chooser("places"))
def places(uow: UnitOfWork) -> ResponseReturnValue:
    """Print the labels of places."""
    return _pdf(printing.places, uow, schemas.PlacesAsked, "place")


@blueprint.get("/lots.pdf")
@in_unit_of_work("stock.operate", form_view=_chooser("lots"))
def lots(uow: UnitOfWork) -> ResponseReturnValue:
    """Print the labels of lots."""
    return _pdf(printing.lots, uow, schemas.LotsAsked, "lot")


@blueprint.get("/boxes.pdf")
@in_unit_of_work("stock.operate", form_view=_chooser("boxes"))
def boxes(uow: UnitOfWork) -> ResponseReturnValue:
    """Print the labels of boxes and pallets."""
    return _pdf(printing.boxes, uow, schemas.BoxesAsked, "box")


@blueprint.get("/parcels.pdf")
@in_unit_of_work("runs.load", form_view=_chooser("parcels"))
def parcels(uow: UnitOfWork) -> ResponseReturnValue:
    """Print the labels of parcels."""
    return _pdf(printing.parcels, uow, schemas.ParcelsAsked, "parcel")


@blueprint.get("/runs.pdf")
@in_unit_of_work("runs.load", form_view=_chooser("parcels"))
def runs(uow: UnitOfWork) -> ResponseReturnValue:
    """Print the labels of runs."""
    return _pdf(printing.runs, uow, schemas.RunsAsked, "run")


@blueprint.get("/documents.pdf")
@in_unit_of_work("stock.operate", form_view=_chooser("documents"))
def documents(uow: UnitOfWork) -> ResponseReturnValue:
    """Print the labels of transfers, stocktakes or offers."""
    return _pdf(printing.documents, uow, schemas.DocumentsAsked, "document")


@blueprint.get("/multipliers.pdf")
@in_unit_of_work("stock.operate", form_view=_chooser("multipliers"))
def multipliers(uow: UnitOfWork) -> ResponseReturnValue:
    """Print the sheet of multipliers."""
    return _pdf(printing.multipliers, uow, schemas.LabelsAsked, "multiplier")
