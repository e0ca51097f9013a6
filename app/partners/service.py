"""Changes of partner organisations."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy.orm.attributes import flag_modified

from app.foundation.errors import Stale
from app.foundation.text import fold
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.partners import queries
from app.partners.errors import PartnerInvalid
from app.partners.models import Agreement, Organisation, OrganisationKind, ServiceArea

CHANGEABLE = ("name", "kind", "settlement_id", "email", "phone", "active")


def create(
    uow: UnitOfWork,
    *,
    name: str,
    kind: str,
    settlement_id: int,
    email: str | None = None,
    phone: str | None = None,
) -> Organisation:
    """Take an organisation into the network. It may not report until it has an agreement."""
    uow.actor.require("partners.manage")
    created = Organisation(
        kind=OrganisationKind(kind),
        name=name,
        name_key=fold(name),
        settlement_id=settlement_id,
        county_id=_county_of(uow, settlement_id),
        email=email,
        phone=phone,
        created_at=uow.now,
    )
    uow.actor.require_for("partners.manage", county=created.county_id)
    uow.session.add(created)
    uow.session.flush()
    uow.record("organisation.created", subject=("organisation", created.id), kind=kind)
    return created


def change(uow: UnitOfWork, organisation_id: int, *, version: int | None = None, **values: Any) -> Organisation:
    """Change what is known of an organisation; only the values given are touched."""
    uow.actor.require("partners.manage")
    changed = queries.organisation_for_change(uow.session, uow.actor, organisation_id)
    if version is not None and changed.version != version:
        raise Stale(version=changed.version)
    touched = []
    for field in CHANGEABLE:
        if field in values and getattr(changed, field) != values[field]:
            setattr(changed, field, values[field])
            touched.append(field)
    if "name" in touched:
        changed.name_key = fold(changed.name)
    if "settlement_id" in touched:
        changed.county_id = _county_of(uow, changed.settlement_id)
    if touched:
        uow.record("organisation.changed", subject=("organisation", organisation_id), fields=touched)
        uow.session.flush()
    return changed


def agree(
    uow: UnitOfWork, organisation_id: int, *, starts_on: date, ends_on: date, may_report: bool = True
) -> Agreement:
    """Add a dated agreement. Agreements stay; a new one follows an old one."""
    uow.actor.require("partners.manage")
    if ends_on < starts_on:
        raise PartnerInvalid("ends_on", say("The agreement would end before it starts."))
    if ends_on.year > 2100 or starts_on.year < 1990:
        raise PartnerInvalid("ends_on", say("Dates of an agreement are between 1990 and 2100."))
    organisation = queries.organisation_for_change(uow.session, uow.actor, organisation_id)
    agreement = Agreement(starts_on=starts_on, ends_on=ends_on, may_report=may_report)
    organisation.agreements.append(agreement)
    _touch(uow, organisation)
    uow.record(
        "organisation.agreed",
        subject=("organisation", organisation_id),
        agreement_id=agreement.id,
        starts_on=starts_on.isoformat(),
        ends_on=ends_on.isoformat(),
        may_report=may_report,
    )
    return agreement


def end_agreement(uow: UnitOfWork, organisation_id: int, *, agreement_id: int, ends_on: date) -> Agreement:
    """Let an agreement end earlier (or later) than written."""
    uow.actor.require("partners.manage")
    organisation = queries.organisation_for_change(uow.session, uow.actor, organisation_id)
    agreement = next((each for each in organisation.agreements if each.id == agreement_id), None)
    if agreement is None:
        raise PartnerInvalid("agreement_id", say("This organisation has no such agreement."))
    if ends_on < agreement.starts_on or ends_on.year > 2100:
        raise PartnerInvalid("ends_on", say("The agreement would end before it starts."))
    before, agreement.ends_on = agreement.ends_on, ends_on
    _touch(uow, organisation)
    uow.record(
        "organisation.agreement_ends",
        subject=("organisation", organisation_id),
        agreement_id=agreement_id,
        before=before.isoformat(),
        ends_on=ends_on.isoformat(),
    )
    return agreement


def serve(
    uow: UnitOfWork,
    organisation_id: int,
    *,
    county_ids: Collection[int] = (),
    district_ids: Collection[int] = (),
    settlement_ids: Collection[int] = (),
) -> Organisation:
    """Say where an organisation works; what was said before is replaced."""
    uow.actor.require("partners.manage")
    organisation = queries.organisation_for_change(uow.session, uow.actor, organisation_id)
    if not queries.known_areas(
        uow.session, county_ids=county_ids, district_ids=district_ids, settlement_ids=settlement_ids
    ):
        raise PartnerInvalid("service_area", say("One of these places does not exist."))
    organisation.service_area[:] = [
        *(ServiceArea(county_id=each) for each in dict.fromkeys(county_ids)),
        *(ServiceArea(district_id=each) for each in dict.fromkeys(district_ids)),
        *(ServiceArea(settlement_id=each) for each in dict.fromkeys(settlement_ids)),
    ]
    _touch(uow, organisation)
    uow.record(
        "organisation.serves",
        subject=("organisation", organisation_id),
        counties=len(county_ids),
        districts=len(district_ids),
        settlements=len(settlement_ids),
    )
    return organisation


def _touch(uow: UnitOfWork, organisation: Organisation) -> None:
    """Give the organisation a new version: its agreements and area are part of the document that people edit."""
    flag_modified(organisation, "name")
    uow.session.flush()


def _county_of(uow: UnitOfWork, settlement_id: int) -> int:
    place = queries.place_of(uow.session, settlement_id)
    if place is None:
        raise PartnerInvalid("settlement_id", say("There is no such settlement. Choose one from the list."))
    return place[2]
