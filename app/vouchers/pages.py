"""Pages of the register of vouchers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts import queries as accounts
from app.foundation.http import in_unit_of_work
from app.foundation.language import today
from app.foundation.look import done, opens
from app.foundation.sheets import TYPES
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.stock import voucher_papers
from app.vouchers import exporting, papers, queries, schemas, service
from app.vouchers.queries import VouchersAsked
from app.vouchers.words import KIND_NAMES

blueprint = Blueprint("vouchers", __name__, url_prefix="/vouchers")
KNOWN = (papers,)
"""Imported for what it registers."""

SUBJECTS = {
    "arrival": "donations.arrival",
    "offer": "donations.offer",
    "run": "delivery.run",
    "transfer": "transfers.transfer",
    "write_off": "write_offs.write_off",
    "stocktake": "stocktakes.stocktake",
    "data_import": "imports.data_import",
}
"""The page of what a voucher papers."""
YEARS = 8
"""Papers are kept so long."""


@blueprint.get("/")
@in_unit_of_work("stock.read")
def vouchers(uow: UnitOfWork) -> ResponseReturnValue:
    """List vouchers, and the check of their series."""
    asked = schemas.FindVouchers().load(request.args)
    after = asked.pop("after")
    filters = VouchersAsked(**asked)
    names = queries.warehouse_names(uow.session, uow.actor)
    found = queries.series(uow.session, uow.actor, filters)
    return render_template(
        "vouchers/vouchers.html",
        page=queries.vouchers(uow.session, uow.actor, filters, after=after),
        total=queries.count_vouchers(uow.session, uow.actor, filters),
        series=found,
        missing=sum(each.missing for each in found),
        warehouses=names,
        kinds=KIND_NAMES,
        years=[(year, str(year)) for year in range(today().year, today().year - YEARS, -1)],
        forms=list(TYPES),
    )


@blueprint.get("/register")
@in_unit_of_work("stock.read")
def register(uow: UnitOfWork) -> Response:
    """Give the register as a table."""
    asked = schemas.ExportVouchers().load(request.args)
    form, _ = asked.pop("form"), asked.pop("after")
    made = exporting.register(uow, VouchersAsked(**asked), form)
    name = f"vouchers-{today().isoformat()}.{form}"
    return Response(made, content_type=TYPES[form], headers={"Content-Disposition": f'attachment; filename="{name}"'})


@blueprint.get("/<int:voucher_id>")
@in_unit_of_work("stock.read")
def voucher(uow: UnitOfWork, voucher_id: int) -> ResponseReturnValue:
    """Show a voucher: what it papers, its paper, and whether it holds."""
    found = queries.voucher(uow.session, uow.actor, voucher_id)
    scope = {"warehouse": found.warehouse_id, "county": found.county_id}
    return render_template(
        "vouchers/voucher.html",
        voucher=found,
        kind=KIND_NAMES.get(found.kind, found.kind),
        warehouse=queries.warehouse_names(uow.session, uow.actor).get(found.warehouse_id),
        posted_by=accounts.names_of(uow.session, [found.posted_by_id]).get(found.posted_by_id or 0),
        subject=_address(found),
        may_cancel=found.cancelled_at is None and uow.actor.covers("vouchers.cancel", **scope),
        form={},
    )


def _address(voucher: Any) -> str | None:
    """Return the page of what a voucher papers, if there is one that this person may open."""
    endpoint = SUBJECTS.get(voucher.subject_kind)
    if endpoint is None or endpoint not in current_app.view_functions or not opens(endpoint):
        return None
    names = [name for rule in current_app.url_map.iter_rules(endpoint) for name in rule.arguments]
    return url_for(endpoint, **{names[0]: voucher.subject_id}) if len(names) == 1 else None


@blueprint.get("/<int:voucher_id>/paper.pdf")
@in_unit_of_work("stock.read")
def paper(uow: UnitOfWork, voucher_id: int) -> Response:
    """Show the paper, as it was at posting."""
    found = queries.voucher(uow.session, uow.actor, voucher_id)
    return Response(voucher_papers.draw(found), mimetype="application/pdf", headers={"Content-Disposition": "inline"})


@blueprint.post("/<int:voucher_id>/cancel")
@in_unit_of_work("vouchers.cancel", form_view=voucher)
def cancel(uow: UnitOfWork, voucher_id: int) -> ResponseReturnValue:
    """Cancel a voucher with a reason."""
    found = service.cancel(uow, voucher_id=voucher_id, **schemas.CancelForm().load(request.form))
    done(say("Voucher %(code)s was cancelled. Its number stays.", code=found.code))
    return redirect(url_for(".voucher", voucher_id=voucher_id))
