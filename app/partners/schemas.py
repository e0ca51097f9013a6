"""Wire shapes of partner organisations."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from app.foundation.fields import Asked, Choice, Form, Line, Moment, WholeNumber, Wire
from app.foundation.paging import PAGE_SIZE, PAGE_SIZE_MAX
from app.partners.models import OrganisationKind

AGREEMENTS = ("in_force", "ending", "none")
PLACES_MAX = 200


class FindOrganisations(Asked):
    """What a list of organisations is narrowed to."""

    q = Line(load_default=None, most=100, metadata={"description": "part of a name, or a settlement"})
    kind = Choice(OrganisationKind, load_default=None)
    county_id = WholeNumber(least=1, load_default=None)
    agreement = Choice(
        AGREEMENTS, load_default=None, metadata={"description": "ending: within 60 days; none: it may not report"}
    )
    after = Line(load_default=None, most=500, metadata={"description": "next_after of the page before"})
    size = WholeNumber(least=1, most=PAGE_SIZE_MAX, load_default=PAGE_SIZE)


class OrganisationFields(Wire):
    """What is known of an organisation."""

    name = Line(required=True, least=1, most=200, metadata={"example": "Encsi Család- és Gyermekjóléti Szolgálat"})
    kind = Choice(OrganisationKind, required=True)
    settlement_id = WholeNumber(least=1, required=True)
    email = Line(load_default=None, allow_none=True, most=200)
    phone = Line(load_default=None, allow_none=True, most=60)


class ChangeOrganisation(Wire):
    """What is to be changed; what is left out stays."""

    name = Line(least=1, most=200)
    kind = Choice(OrganisationKind)
    settlement_id = WholeNumber(least=1)
    email = Line(allow_none=True, most=200)
    phone = Line(allow_none=True, most=60)
    active = fields.Boolean()


class OrganisationForm(Form):
    """An organisation from a form."""

    name = Line(required=True, least=1, most=200)
    kind = Choice(OrganisationKind, required=True)
    settlement_id = WholeNumber(least=1, load_default=None)
    settlement_id_text = Line(load_default="", most=100)
    email = Line(load_default=None, most=200)
    phone = Line(load_default=None, most=60)
    active = fields.Boolean(load_default=False)
    version = WholeNumber(least=1, load_default=None)


class NewAgreement(Wire):
    """A dated agreement."""

    starts_on = fields.Date(required=True, metadata={"example": "2026-12-01"})
    ends_on = fields.Date(required=True, metadata={"example": "2027-11-30"})
    may_report = fields.Boolean(load_default=True)


class AgreementForm(Form):
    """The same from a form."""

    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)
    may_report = fields.Boolean(load_default=False)


class EndAgreement(Wire):
    """When an agreement ends."""

    ends_on = fields.Date(required=True)


class EndAgreementForm(Form):
    """The same from a form."""

    ends_on = fields.Date(required=True)


class OrganisationArea(Wire):
    """Where an organisation works; what stood there before is replaced."""

    county_ids = fields.List(WholeNumber(least=1), load_default=list, validate=validate.Length(max=PLACES_MAX))
    district_ids = fields.List(WholeNumber(least=1), load_default=list, validate=validate.Length(max=PLACES_MAX))
    settlement_ids = fields.List(WholeNumber(least=1), load_default=list, validate=validate.Length(max=PLACES_MAX))


class AreaForm(Form):
    """The same from a form."""

    county_ids = fields.List(WholeNumber(least=1), load_default=list, validate=validate.Length(max=PLACES_MAX))
    district_ids = fields.List(WholeNumber(least=1), load_default=list, validate=validate.Length(max=PLACES_MAX))
    settlement_ids = fields.List(WholeNumber(least=1), load_default=list, validate=validate.Length(max=PLACES_MAX))


class AgreementOut(Wire):
    """A dated agreement."""

    id = fields.Integer()
    starts_on = fields.Date()
    ends_on = fields.Date()
    may_report = fields.Boolean()


class AreaOut(Wire):
    """One place of the service area: exactly one of the three is told."""

    county_id = fields.Integer(allow_none=True)
    district_id = fields.Integer(allow_none=True)
    settlement_id = fields.Integer(allow_none=True)


class OrganisationOut(Wire):
    """An organisation."""

    id = fields.Integer()
    name = fields.String()
    kind = fields.String()
    county_id = fields.Integer()
    settlement_id = fields.Integer()
    email = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    active = fields.Boolean()
    created_at = Moment()
    version = fields.Integer()


class OrganisationRowOut(OrganisationOut):
    """An organisation in a list."""

    settlement = fields.String()
    county = fields.String()
    may_report_until = fields.Date(allow_none=True, metadata={"description": "null: it may not report today"})


class OrganisationSheet(OrganisationOut):
    """An organisation with its agreements and the places it works in."""

    agreements = fields.List(fields.Nested(AgreementOut))
    service_area = fields.List(fields.Nested(AreaOut))
    may_report = fields.Boolean()


class OrganisationsPage(Wire):
    """Some organisations, and the mark after which the next begin."""

    items = fields.List(fields.Nested(OrganisationRowOut))
    next_after = fields.String(allow_none=True)


def sheet(organisation: Any, may_report: bool) -> dict[str, Any]:
    """Return an organisation as the answer shows it."""
    names = ("id", "name", "kind", "county_id", "settlement_id", "email", "phone", "active", "created_at", "version")
    return {name: getattr(organisation, name) for name in names} | {
        "agreements": list(organisation.agreements),
        "service_area": list(organisation.service_area),
        "may_report": may_report,
    }
