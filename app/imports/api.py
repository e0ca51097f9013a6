"""Imports for programs: take a file in, map its columns, wait for the preview, load, take back."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.foundation import sheets
from app.foundation.fields import Paged
from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork
from app.imports import faulty, queries, schemas, service

blueprint = Blueprint("imports-api", __name__, description="Imports of an opening stock and of a catalogue")

MAY = "stock.import|catalogue.manage"


@blueprint.get("/imports")
@blueprint.arguments(Paged, location="query", as_kwargs=True)
@blueprint.response(200, schemas.ImportsView)
@in_unit_of_work(MAY)
def imports(uow: UnitOfWork, *, after: str | None, size: int) -> Any:
    """List the imports, newest first."""
    page = queries.imports(uow.session, uow.actor, after=after, size=size)
    return {"items": page.rows, "next_after": page.next_after}


@blueprint.post("/imports")
@blueprint.arguments(schemas.UploadFile, location="files", as_kwargs=True)
@blueprint.arguments(schemas.UploadForm, location="form", as_kwargs=True)
@blueprint.response(201, schemas.ImportWhole)
@in_unit_of_work(MAY)
def upload(uow: UnitOfWork, *, file: Any, **asked: Any) -> Any:
    """Upload a table; its columns are guessed, nothing of it is read yet."""
    return service.upload(uow, file_name=file.filename or "", content=file.read(), **asked)


@blueprint.get("/imports/<int:data_import_id>")
@blueprint.response(200, schemas.ImportWhole)
@in_unit_of_work(MAY)
def data_import(uow: UnitOfWork, data_import_id: int) -> Any:
    """Show an import with its columns and wrong rows."""
    return queries.data_import(uow.session, uow.actor, data_import_id)


@blueprint.post("/imports/<int:data_import_id>/sheet")
@blueprint.arguments(schemas.SheetIn, as_kwargs=True)
@blueprint.response(200, schemas.ImportWhole)
@in_unit_of_work(MAY)
def sheet(uow: UnitOfWork, data_import_id: int, *, sheet: str) -> Any:
    """Choose another sheet of the workbook; its columns are guessed anew."""
    return service.choose_sheet(uow, import_id=data_import_id, sheet=sheet)


@blueprint.post("/imports/<int:data_import_id>/columns")
@blueprint.arguments(schemas.ColumnsIn, as_kwargs=True)
@blueprint.response(202, schemas.ImportWhole)
@in_unit_of_work(MAY)
def columns(uow: UnitOfWork, data_import_id: int, *, fields_: dict[str, str]) -> Any:
    """Say which column is meant by which field; a job then judges the rows."""
    return service.understand(uow, import_id=data_import_id, fields=fields_)


@blueprint.post("/imports/<int:data_import_id>/load")
@blueprint.arguments(schemas.LoadIn, as_kwargs=True)
@blueprint.response(202, schemas.ImportView)
@in_unit_of_work(MAY)
def load(uow: UnitOfWork, data_import_id: int, *, again: bool) -> Any:
    """Load every row of a previewed import, or none, by a job."""
    return service.load(uow, import_id=data_import_id, again=again)


@blueprint.post("/imports/<int:data_import_id>/reverse")
@blueprint.response(202, schemas.ImportView)
@in_unit_of_work(MAY)
def reverse(uow: UnitOfWork, data_import_id: int) -> Any:
    """Take back what an import wrote, by a job; what stands in the way is said."""
    return service.reverse(uow, import_id=data_import_id)


@blueprint.get("/imports/<int:data_import_id>/wrong.csv")
@blueprint.response(200, content_type="text/csv")
@in_unit_of_work(MAY)
def wrong_rows(uow: UnitOfWork, data_import_id: int) -> Any:
    """Give the wrong rows as CSV, each with what is wrong; no cell of it acts in an office program."""
    found = queries.data_import(uow.session, uow.actor, data_import_id)
    return Response(faulty.as_csv(found), mimetype=sheets.TYPES["csv"])
