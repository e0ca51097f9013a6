"""Pages of partner organisations."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.foundation.http import in_unit_of_work
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.geography import queries as geography
from app.partners import queries, schemas, service
from app.partners.words import KINDS

blueprint = Blueprint("partners", __name__)

FILTERS = ("agreement", "q", "kind", "county_id")


def _today(uow: UnitOfWork) -> date:
    return uow.now.astimezone(ZoneInfo("Europe/Budapest")).date()


@blueprint.get("/partners")
@in_unit_of_work("partners.read")
def organisations(uow: UnitOfWork) -> ResponseReturnValue:
    """List the organisations of the network."""
    return render_template("partners/list.html", **_list(uow))


def _list(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.FindOrganisations().load(request.args)
    text = asked.pop("q")
    today = _today(uow)
    return {
        "page": queries.organisations(uow.session, uow.actor, on=today, text=text, **asked),
        "totals": queries.totals(uow.session, uow.actor, on=today),
        "agreement": asked["agreement"],
        "kinds": KINDS,
        "counties": queries.counties(uow.session),
        "soon": today + timedelta(days=queries.ENDS_SOON_DAYS),
        "kept": {
            name: request.args[name] for name in ("agreement", "q", "kind", "county_id") if request.args.get(name)
        },
    }


@blueprint.get("/partners/<int:organisation_id>")
@in_unit_of_work("partners.read")
def organisation(uow: UnitOfWork, organisation_id: int, **_: Any) -> ResponseReturnValue:
    """Show an organisation beside the list."""
    found = queries.organisation(uow.session, uow.actor, organisation_id)
    today = _today(uow)
    return render_template(
        "partners/organisation.html",
        **_list(uow),
        organisation=found,
        where=queries.place_of(uow.session, found.settlement_id),
        area=queries.area_names(uow.session, found.service_area),
        may_report=queries.may_report(uow.session, organisation_id, today),
        on=today,
        next_start=max([today, *(each.ends_on + timedelta(days=1) for each in found.agreements)]),
        form={},
    )


@blueprint.get("/partners/new")
@in_unit_of_work("partners.manage")
def new(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask what is known of a new organisation."""
    return render_template("partners/edit.html", organisation=None, where=None, kinds=KINDS, form={})


@blueprint.post("/partners/new")
@in_unit_of_work("partners.manage", form_view=new)
def create(uow: UnitOfWork) -> ResponseReturnValue:
    """Take an organisation into the network."""
    asked = _settled(uow, schemas.OrganisationForm().load(request.form))
    del asked["version"], asked["active"]
    made = service.create(uow, **asked)
    done(say("%(name)s is in the network. It may report once it has an agreement.", name=made.name))
    return redirect(url_for(".organisation", organisation_id=made.id))


@blueprint.get("/partners/<int:organisation_id>/edit")
@in_unit_of_work("partners.manage")
def edit(uow: UnitOfWork, organisation_id: int) -> ResponseReturnValue:
    """Ask what is to be changed."""
    found = queries.organisation(uow.session, uow.actor, organisation_id)
    place = queries.place_of(uow.session, found.settlement_id)
    area = found.service_area
    return render_template(
        "partners/edit.html",
        organisation=found,
        where=place,
        kinds=KINDS,
        counties=geography.counties(uow.session),
        districts=geography.districts(uow.session, county_id=found.county_id),
        county_ids=[each.county_id for each in area if each.county_id],
        district_ids=[each.district_id for each in area if each.district_id],
        settlement_ids=[each.settlement_id for each in area if each.settlement_id],
        form={},
    )


@blueprint.post("/partners/<int:organisation_id>/edit")
@in_unit_of_work("partners.manage", form_view=edit)
def change(uow: UnitOfWork, organisation_id: int) -> ResponseReturnValue:
    """Change what is known of an organisation."""
    asked = _settled(uow, schemas.OrganisationForm().load(request.form))
    service.change(uow, organisation_id, **asked)
    done(say("Saved."))
    return redirect(url_for(".organisation", organisation_id=organisation_id))


def _settled(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    typed = asked.pop("settlement_id_text")
    chosen = geography.settlement_typed(uow.session, settlement_id=asked["settlement_id"], text=typed)
    return asked | {"settlement_id": chosen.id}


@blueprint.post("/partners/<int:organisation_id>/area")
@in_unit_of_work("partners.manage", form_view=edit)
def serve(uow: UnitOfWork, organisation_id: int) -> ResponseReturnValue:
    """Say where an organisation works."""
    service.serve(uow, organisation_id, **schemas.AreaForm().load(request.form))
    done(say("Saved."))
    return redirect(url_for(".organisation", organisation_id=organisation_id))


@blueprint.post("/partners/<int:organisation_id>/agreements")
@in_unit_of_work("partners.manage", form_view=organisation)
def agree(uow: UnitOfWork, organisation_id: int) -> ResponseReturnValue:
    """Add a dated agreement."""
    made = service.agree(uow, organisation_id, **schemas.AgreementForm().load(request.form))
    done(say("The agreement is in force until %(ends_on)s.", ends_on=made.ends_on.isoformat()))
    return redirect(url_for(".organisation", organisation_id=organisation_id))


@blueprint.post("/partners/<int:organisation_id>/agreements/<int:agreement_id>")
@in_unit_of_work("partners.manage", form_view=organisation)
def end_agreement(uow: UnitOfWork, organisation_id: int, agreement_id: int) -> ResponseReturnValue:
    """Let an agreement end on another day."""
    asked = schemas.EndAgreementForm().load(request.form)
    made = service.end_agreement(uow, organisation_id, agreement_id=agreement_id, **asked)
    done(say("The agreement is in force until %(ends_on)s.", ends_on=made.ends_on.isoformat()))
    return redirect(url_for(".organisation", organisation_id=organisation_id))
