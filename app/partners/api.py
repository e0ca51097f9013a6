"""Partner organisations as JSON."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask_smorest import Blueprint

from app.foundation.http import SIGNED_IN, in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork
from app.partners import queries, schemas, service

blueprint = Blueprint("partners-api", __name__, description="Partner organisations, agreements and service areas")

EXAMPLE = {"name": "Encsi Család- és Gyermekjóléti Szolgálat", "kind": "family_support", "settlement_id": 1}


def _today(uow: UnitOfWork) -> date:
    return uow.now.astimezone(ZoneInfo("Europe/Budapest")).date()


@blueprint.get("/organisations")
@blueprint.arguments(schemas.FindOrganisations, location="query", as_kwargs=True)
@blueprint.response(200, schemas.OrganisationsPage)
@in_unit_of_work("partners.read")
def organisations(uow: UnitOfWork, *, q: str | None, **asked: Any) -> Any:
    """List organisations by name."""
    found = queries.organisations(uow.session, uow.actor, on=_today(uow), text=q, **asked)
    names = ("id", "name", "kind", "county_id", "settlement_id", "email", "phone", "active", "created_at", "version")
    return {
        "items": [
            {name: getattr(row.organisation, name) for name in names}
            | {"settlement": row.settlement, "county": row.county, "may_report_until": row.may_report_until}
            for row in found.rows
        ],
        "next_after": found.next_after,
    }


@blueprint.post("/organisations")
@blueprint.etag
@blueprint.arguments(schemas.OrganisationFields, example=EXAMPLE)
@blueprint.response(201, schemas.OrganisationSheet)
@in_unit_of_work("partners.manage")
def create(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Take an organisation into the network; it may not report before it has an agreement."""
    return _shown(uow, service.create(uow, **body).id)


@blueprint.get("/organisations/<int:organisation_id>")
@blueprint.etag
@blueprint.response(200, schemas.OrganisationSheet)
@in_unit_of_work(SIGNED_IN)
def organisation(uow: UnitOfWork, organisation_id: int) -> Any:
    """Show an organisation with its agreements: to who manages partners, and to who reports for it."""
    return _shown(uow, organisation_id)


@blueprint.patch("/organisations/<int:organisation_id>")
@blueprint.etag
@blueprint.arguments(schemas.ChangeOrganisation, example={"phone": "+36 46 123 456"})
@blueprint.response(200, schemas.OrganisationSheet)
@in_unit_of_work("partners.manage")
def change(uow: UnitOfWork, body: dict[str, Any], organisation_id: int) -> Any:
    """Change what is known of an organisation; what is left out stays."""
    _check_version(queries.organisation(uow.session, uow.actor, organisation_id))
    service.change(uow, organisation_id, **body)
    return _shown(uow, organisation_id)


@blueprint.post("/organisations/<int:organisation_id>/agreements")
@blueprint.etag
@blueprint.arguments(schemas.NewAgreement)
@blueprint.response(201, schemas.OrganisationSheet)
@in_unit_of_work("partners.manage")
def agree(uow: UnitOfWork, body: dict[str, Any], organisation_id: int) -> Any:
    """Add a dated agreement."""
    service.agree(uow, organisation_id, **body)
    return _shown(uow, organisation_id)


@blueprint.put("/organisations/<int:organisation_id>/agreements/<int:agreement_id>")
@blueprint.etag
@blueprint.arguments(schemas.EndAgreement, example={"ends_on": "2027-05-31"})
@blueprint.response(200, schemas.OrganisationSheet)
@in_unit_of_work("partners.manage")
def end_agreement(uow: UnitOfWork, body: dict[str, Any], organisation_id: int, agreement_id: int) -> Any:
    """Let an agreement end on another day."""
    _check_version(queries.organisation(uow.session, uow.actor, organisation_id))
    service.end_agreement(uow, organisation_id, agreement_id=agreement_id, ends_on=body["ends_on"])
    return _shown(uow, organisation_id)


@blueprint.put("/organisations/<int:organisation_id>/service-area")
@blueprint.etag
@blueprint.arguments(schemas.OrganisationArea, example={"county_ids": [5], "district_ids": [], "settlement_ids": []})
@blueprint.response(200, schemas.OrganisationSheet)
@in_unit_of_work("partners.manage")
def serve(uow: UnitOfWork, body: dict[str, Any], organisation_id: int) -> Any:
    """Say where an organisation works; what was said before is replaced."""
    _check_version(queries.organisation(uow.session, uow.actor, organisation_id))
    service.serve(uow, organisation_id, **body)
    return _shown(uow, organisation_id)


def _shown(uow: UnitOfWork, organisation_id: int) -> dict[str, Any]:
    uow.session.flush()
    found = queries.organisation(uow.session, uow.actor, organisation_id)
    blueprint.set_etag({"id": found.id, "version": found.version})
    return schemas.sheet(found, queries.may_report(uow.session, organisation_id, _today(uow)))


def _check_version(organisation: Any) -> None:
    blueprint.check_etag({"id": organisation.id, "version": organisation.version})
