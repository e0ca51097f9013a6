"""Settlements and the official register as pages."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from app.foundation.errors import Invalid
from app.foundation.http import in_unit_of_work
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.geography import queries, register, schemas, service
from app.geography.point import Point

blueprint = Blueprint("geography", __name__, url_prefix="/settlements")

FILTERS = ("q", "county_id", "district_id", "provisional", "sort")
"""What of the list's address a settlement's own address keeps."""


@blueprint.get("")
@in_unit_of_work("geography.read")
def settlements(uow: UnitOfWork) -> str:
    """List settlements."""
    return render_template("geography/settlements.html", **_list(uow))


@blueprint.get("/<int:settlement_id>")
@in_unit_of_work("geography.read")
def settlement(uow: UnitOfWork, settlement_id: int) -> str:
    """Show a settlement beside the list."""
    here = queries.settlement(uow.session, settlement_id)
    near = queries.nearest(uow.session, Point(here.lat, here.lon), limit=6, leave_out=here.id)
    return render_template("geography/settlement.html", settlement=here, near=near, **_list(uow))


@blueprint.get("/<int:settlement_id>/map.json")
@in_unit_of_work("geography.read")
def settlement_map(uow: UnitOfWork, settlement_id: int) -> dict[str, Any]:
    """Give what the map of a settlement draws."""
    here = queries.settlement(uow.session, settlement_id)
    place = {"lat": here.lat, "lon": here.lon, "name": here.name}
    return {"dots": [place | {"hue": here.county.hue}], "towns": [place]}


def _list(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.SettlementsListed().load(request.args)
    sort = asked.pop("sort")
    kept = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    return {
        "page": queries.settlements(uow.session, by=sort.removeprefix("-"), descending=sort.startswith("-"), **asked),
        "kept": kept,
        "counties": [(county.id, county.name) for county in queries.counties(uow.session)],
        "districts": [
            (district.id, district.name) for district in queries.districts(uow.session, county_id=asked["county_id"])
        ]
        if asked["county_id"]
        else [],
        "figures": queries.gazetteer_figures(uow.session),
    }


# --- the register ---------------------------------------------------------------------------------------------------


@blueprint.get("/registers")
@in_unit_of_work("geography.import")
def registers(uow: UnitOfWork) -> str:
    """Show where a register is uploaded, and the earlier ones."""
    return render_template(
        "geography/registers.html",
        page=queries.register_imports(uow.session, after=request.args.get("after")),
        figures=queries.gazetteer_figures(uow.session),
        columns_needed=register.COLUMNS_NEEDED,
        columns_taken=register.COLUMNS_TAKEN,
    )


@blueprint.post("/registers")
@in_unit_of_work("geography.import", form_view=registers)
def upload(uow: UnitOfWork) -> Any:
    """Take a register in and judge it."""
    file = request.files.get("file")
    if file is None or not file.filename:
        missing = say("Choose a file first.")
        raise Invalid(missing, {"file": [missing]})
    previewed = service.preview_register(uow, file_name=file.filename, content=file.read())
    return redirect(url_for(".register_preview", import_id=previewed.id))


@blueprint.get("/registers/<int:import_id>")
@in_unit_of_work("geography.import")
def register_preview(uow: UnitOfWork, import_id: int) -> str:
    """Show a register row by row before it is loaded, and afterwards what became of it."""
    found = queries.register_import(uow.session, import_id)
    asked = request.args.get("show", "")
    show = asked if asked in schemas.ROWS else ""
    page = queries.register_rows(found, show=show, after=request.args.get("after"))
    return render_template("geography/register.html", register=found, page=page, show=show)


@blueprint.post("/registers/<int:import_id>/load")
@in_unit_of_work("geography.import", form_view=register_preview)
def load(uow: UnitOfWork, import_id: int) -> Any:
    """Load a previewed register."""
    loaded = service.load_register(uow, import_id=import_id)
    done(
        say("The register is loaded: %(rows)s settlements.", rows=loaded.figures["rows"]),
        undo=url_for(".reverse", import_id=import_id),
    )
    return redirect(url_for(".register_preview", import_id=import_id))


@blueprint.post("/registers/<int:import_id>/reverse")
@in_unit_of_work("geography.import", form_view=register_preview)
def reverse(uow: UnitOfWork, import_id: int) -> Any:
    """Take a loaded register back."""
    service.reverse_register(uow, import_id=import_id)
    done(say("The register is reversed: everything is as it was before."))
    return redirect(url_for(".register_preview", import_id=import_id))
