"""Pages of imports: the list, a file taken in, its columns, its rows, loaded and taken back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from app.foundation import job_queue, sheets
from app.foundation.actor import Scope
from app.foundation.errors import Invalid
from app.foundation.http import in_unit_of_work
from app.foundation.job import JobState
from app.foundation.job_life import seconds_left
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.imports import columns, faulty, queries, schemas, service
from app.imports.kinds import BUSY, ImportKind, ImportState
from app.stock import queries as stock

blueprint = Blueprint("imports", __name__, url_prefix="/imports")

MAY = "stock.import|catalogue.manage"
KINDS = {
    ImportKind.OPENING_STOCK: say("Opening stock"),
    ImportKind.CATALOGUE: say("Catalogue"),
}
STATES: dict[str, tuple[Message, str, str]] = {
    ImportState.UPLOADED: (say("columns to be chosen"), "clock", ""),
    ImportState.READING: (say("being read"), "loader-2", "act"),
    ImportState.PREVIEWED: (say("to be loaded"), "clock", "attention"),
    ImportState.LOADING: (say("being loaded"), "loader-2", "act"),
    ImportState.LOADED: (say("loaded"), "check", "good"),
    ImportState.REVERSING: (say("being taken back"), "loader-2", "act"),
    ImportState.REVERSED: (say("taken back"), "arrow-back-up", ""),
    ImportState.FAILED: (say("not readable"), "alert-circle", "refused"),
}
WRONG_SHOWN = 50
FIELD_NAMES = {field.name: field.label for fields in columns.FIELDS.values() for field in fields}


@blueprint.get("")
@in_unit_of_work(MAY)
def imports(uow: UnitOfWork) -> Any:
    """List the imports, newest first."""
    page = queries.imports(uow.session, uow.actor, after=request.args.get("after"))
    return render_template("imports/imports.html", page=page, kinds=KINDS, states=STATES, names=_warehouses(uow))


def _warehouses(uow: UnitOfWork) -> dict[int, str]:
    if not uow.actor.may("stock.import"):
        return {}
    return {each.id: each.name for each in stock.warehouses(uow.session, uow.actor)}


@blueprint.get("/new")
@in_unit_of_work(MAY)
def upload_form(uow: UnitOfWork) -> Any:
    """Show where a file is taken in."""
    scope = uow.actor.grants.get("stock.import")
    reach = uow.actor.reach.get(Scope.WAREHOUSE, ())
    warehouses = [
        (each_id, name) for each_id, name in _warehouses(uow).items() if scope is Scope.ALL or each_id in reach
    ]
    kinds = [
        (kind.value, label)
        for kind, label in KINDS.items()
        if uow.actor.may("stock.import" if kind == ImportKind.OPENING_STOCK else "catalogue.manage")
    ]
    return render_template(
        "imports/upload.html", kinds=kinds, warehouses=warehouses, fields=columns.FIELDS, names=KINDS
    )


@blueprint.post("")
@in_unit_of_work(MAY, form_view=upload_form)
def upload(uow: UnitOfWork) -> Any:
    """Take a file in."""
    asked = schemas.UploadForm().load(request.form)
    file = request.files.get("file")
    if file is None or not file.filename:
        missing = say("Choose a file first.")
        raise Invalid(missing, {"file": [missing]})
    if asked["kind"] == ImportKind.CATALOGUE:
        asked["warehouse_id"] = None
    taken = service.upload(uow, file_name=file.filename, content=file.read(), **asked)
    return redirect(url_for(".data_import", data_import_id=taken.id))


@blueprint.get("/<int:data_import_id>")
@in_unit_of_work(MAY)
def data_import(uow: UnitOfWork, data_import_id: int) -> Any:
    """Show an import at its step: its columns, the work on it, its rows, what became of it."""
    found = queries.data_import(uow.session, uow.actor, data_import_id)
    job = queries.job_of(uow.session, found.id)
    broken = found.state in BUSY and job is not None and job.state in (JobState.FAILED, JobState.CANCELLED)
    state = BUSY[ImportState(found.state)] if broken else ImportState(found.state)
    sheets = found.mapping.get("sheets", [])
    choosing = state in (ImportState.UPLOADED, ImportState.FAILED) or "columns" in request.args
    return render_template(
        "imports/import.html",
        upload=found,
        state=state,
        choosing=choosing and state in (ImportState.UPLOADED, ImportState.FAILED, ImportState.PREVIEWED),
        kinds=KINDS,
        states=STATES,
        job=job if found.state in BUSY else None,
        title_of=job_queue.title_of,
        seconds_left=seconds_left(job, uow.now) if job else None,
        steps_ahead=job_queue.steps_ahead(job) if job else [],
        busy=found.state in BUSY and not broken,
        before=queries.loaded_before(uow.session, found) if state == ImportState.PREVIEWED else None,
        sheet=found.mapping.get("sheet") if len(sheets) > 1 else None,
        sheets=[(name, name) for name in sheets],
        fields=columns.FIELDS[found.kind],
        field_names=FIELD_NAMES,
        wrong=(found.problems or [])[:WRONG_SHOWN],
        figures=found.figures or {},
        warehouse=_warehouses(uow).get(found.warehouse_id or 0),
        example={
            column: [row[number] for row in found.mapping["sample"] if len(row) > number and row[number]][:3]
            for number, column in enumerate(found.mapping["columns"])
        },
    )


@blueprint.post("/<int:data_import_id>/sheet")
@in_unit_of_work(MAY, form_view=data_import)
def choose_sheet(uow: UnitOfWork, data_import_id: int) -> Any:
    """Take the choice of another sheet of the workbook."""
    service.choose_sheet(uow, import_id=data_import_id, **schemas.SheetForm().load(request.form))
    return redirect(url_for(".data_import", data_import_id=data_import_id))


@blueprint.post("/<int:data_import_id>/columns")
@in_unit_of_work(MAY, form_view=data_import)
def understand(uow: UnitOfWork, data_import_id: int) -> Any:
    """Take the choice of columns; the rows are then read by a job."""
    fields = {name.removeprefix("field-"): column for name, column in request.form.items() if name.startswith("field-")}
    service.understand(uow, import_id=data_import_id, fields=fields)
    return redirect(url_for(".data_import", data_import_id=data_import_id))


@blueprint.post("/<int:data_import_id>/load")
@in_unit_of_work(MAY, form_view=data_import)
def load(uow: UnitOfWork, data_import_id: int) -> Any:
    """Load every row, or none."""
    asked = schemas.LoadForm().load(request.form)
    service.load(uow, import_id=data_import_id, **asked)
    return redirect(url_for(".data_import", data_import_id=data_import_id))


@blueprint.post("/<int:data_import_id>/reverse")
@in_unit_of_work(MAY, form_view=data_import)
def reverse(uow: UnitOfWork, data_import_id: int) -> Any:
    """Take back what was loaded."""
    held = service.reverse(uow, import_id=data_import_id)
    done(say("Taking back: %(file)s", file=held.file_name))
    return redirect(url_for(".data_import", data_import_id=data_import_id))


@blueprint.get("/<int:data_import_id>/wrong.csv")
@in_unit_of_work(MAY)
def wrong_rows(uow: UnitOfWork, data_import_id: int) -> Any:
    """Give the wrong rows as a file that can be mended and uploaded again."""
    found = queries.data_import(uow.session, uow.actor, data_import_id)
    name = f"import-{found.id}-wrong.csv"
    return Response(
        faulty.as_csv(found),
        mimetype=sheets.TYPES["csv"],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
