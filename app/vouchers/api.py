"""The register of vouchers, as JSON, CSV and XLSX."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.foundation.http import in_unit_of_work
from app.foundation.sheets import TYPES
from app.foundation.unit_of_work import UnitOfWork
from app.stock import voucher_papers
from app.vouchers import exporting, papers, queries, schemas, service
from app.vouchers.queries import VouchersAsked

blueprint = Blueprint("vouchers-api", __name__, description="Numbered papers, and that no number is missing")
KNOWN = (papers,)
"""Imported for what it registers."""


@blueprint.get("/vouchers")
@blueprint.arguments(schemas.FindVouchers, location="query", as_kwargs=True)
@blueprint.response(200, schemas.VouchersPage)
@in_unit_of_work("stock.read")
def vouchers(uow: UnitOfWork, after: str | None, **asked: Any) -> Any:
    """List vouchers, newest first."""
    found = queries.vouchers(uow.session, uow.actor, VouchersAsked(**asked), after=after)
    return {"items": found.rows, "next_after": found.next_after}


@blueprint.get("/vouchers/series")
@blueprint.arguments(schemas.FindVouchers, location="query", as_kwargs=True)
@blueprint.response(200, schemas.AllSeries)
@in_unit_of_work("stock.read")
def series(uow: UnitOfWork, after: str | None, **asked: Any) -> Any:
    """Show each series: its first and last number, how many papers, how many numbers are missing."""
    return {"items": queries.series(uow.session, uow.actor, VouchersAsked(**asked))}


@blueprint.get("/vouchers/register")
@blueprint.arguments(schemas.ExportVouchers, location="query", as_kwargs=True)
@blueprint.response(200, content_type="text/csv", description="The register; with form=xlsx a workbook")
@blueprint.alt_response(422, description="register-too-long")
@in_unit_of_work("stock.read")
def register(uow: UnitOfWork, form: str, after: str | None, **asked: Any) -> Response:
    """Return the register as a table for the auditor, with the check of each series at its end."""
    made = exporting.register(uow, VouchersAsked(**asked), form)
    return Response(
        made, content_type=TYPES[form], headers={"Content-Disposition": f'attachment; filename="vouchers.{form}"'}
    )


@blueprint.get("/vouchers/<int:voucher_id>")
@blueprint.etag
@blueprint.response(200, schemas.VoucherSheet)
@in_unit_of_work("stock.read")
def voucher(uow: UnitOfWork, voucher_id: int) -> Any:
    """Show a voucher with what its paper shows."""
    found = queries.voucher(uow.session, uow.actor, voucher_id)
    blueprint.set_etag(_tag(found))
    return found


def _tag(voucher: Any) -> dict[str, Any]:
    return {"id": voucher.id, "cancelled": voucher.cancelled_at is not None}


@blueprint.get("/vouchers/<int:voucher_id>/paper.pdf")
@blueprint.response(200, content_type="application/pdf", description="The paper")
@in_unit_of_work("stock.read")
def paper(uow: UnitOfWork, voucher_id: int) -> Response:
    """Return the paper, as it was at posting."""
    found = queries.voucher(uow.session, uow.actor, voucher_id)
    return Response(voucher_papers.draw(found), mimetype="application/pdf")


@blueprint.post("/vouchers/<int:voucher_id>/cancel")
@blueprint.etag
@blueprint.arguments(schemas.CancelVoucher, example={"reason": "Posted twice by mistake; see BEV/MIS/2026/00483."})
@blueprint.response(200, schemas.VoucherSheet)
@in_unit_of_work("vouchers.cancel")
def cancel(uow: UnitOfWork, body: dict[str, Any], voucher_id: int) -> Any:
    """Cancel a voucher; its number stays. No goods move by it."""
    blueprint.check_etag(_tag(queries.voucher(uow.session, uow.actor, voucher_id)))
    found = service.cancel(uow, voucher_id=voucher_id, **body)
    blueprint.set_etag(_tag(found))
    return found
