from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.accounts.roles import Role
from app.foundation.errors import NotAllowed, NotFound, Stale
from app.foundation.journal import JournalEntry
from app.partners import queries, service
from app.partners.errors import PartnerInvalid
from app.partners.models import Agreement
from tests import builders
from tests.conftest import NOON
from tests.needs.world import actor

TODAY = NOON.date()


def test_a_new_organisation_may_not_report_before_it_has_an_agreement(work, village):
    with work() as uow:
        made = service.create(uow, name="Encsi Védőnők", kind="health_visitor", settlement_id=village.settlement_id)
        assert made.county_id == village.county_id and made.name_key == "encsi vedonok"
        assert not queries.may_report(uow.session, made.id, TODAY)
        service.agree(uow, made.id, starts_on=TODAY, ends_on=TODAY)
        assert queries.may_report(uow.session, made.id, TODAY)
        assert not queries.may_report(uow.session, made.id, TODAY + timedelta(days=1))
        assert not queries.may_report(uow.session, made.id, TODAY - timedelta(days=1))


def test_an_agreement_without_reporting_and_a_partner_that_left_may_not_report(work, village):
    with work() as uow:
        made = service.create(uow, name="Plébánia", kind="parish", settlement_id=village.settlement_id)
        service.agree(uow, made.id, starts_on=TODAY, ends_on=TODAY, may_report=False)
        assert not queries.may_report(uow.session, made.id, TODAY)
        assert queries.may_report(uow.session, village.organisation_id, TODAY)
        service.change(uow, village.organisation_id, active=False)
        assert not queries.may_report(uow.session, village.organisation_id, TODAY)


def test_an_agreement_cannot_end_before_it_starts(work, village):
    with pytest.raises(PartnerInvalid) as refusal, work() as uow:
        service.agree(uow, village.organisation_id, starts_on=TODAY, ends_on=TODAY - timedelta(days=1))
    assert "ends_on" in refusal.value.fields
    with work() as uow:
        agreement_id = uow.session.scalar(
            select(Agreement.id).where(Agreement.organisation_id == village.other_organisation_id)
        )
    with pytest.raises(PartnerInvalid, match="no such agreement"), work() as uow:
        service.end_agreement(uow, village.organisation_id, agreement_id=agreement_id, ends_on=TODAY)


def test_every_change_gives_a_new_version_and_a_stale_one_is_refused(work, village):
    with work() as uow:
        version = queries.organisation(uow.session, uow.actor, village.organisation_id).version
        service.change(uow, village.organisation_id, phone="+36 46 123 456", version=version)
    with pytest.raises(Stale), work() as uow:
        service.change(uow, village.organisation_id, phone="late", version=version)
    for deed in (
        lambda uow: service.agree(uow, village.organisation_id, starts_on=TODAY, ends_on=date(2027, 1, 1)),
        lambda uow: service.serve(uow, village.organisation_id, county_ids=[village.county_id]),
    ):
        with work() as uow:
            before = queries.organisation(uow.session, uow.actor, village.organisation_id).version
            deed(uow)
            assert queries.organisation(uow.session, uow.actor, village.organisation_id).version == before + 1
    with work() as uow:
        deeds = uow.session.scalars(select(JournalEntry.deed).order_by(JournalEntry.id)).all()
        assert deeds == ["organisation.changed", "organisation.agreed", "organisation.serves"]
        assert "46 123" not in str(uow.session.scalars(select(JournalEntry.details)).all())


def test_a_service_area_is_replaced_as_a_whole_by_places_that_exist(work, village):
    with work() as uow:
        service.serve(
            uow, village.organisation_id, county_ids=[village.county_id], settlement_ids=[village.settlement_id]
        )
        service.serve(uow, village.organisation_id, settlement_ids=[village.settlement_id, village.settlement_id])
        found = queries.organisation(uow.session, uow.actor, village.organisation_id)
        assert queries.area_names(uow.session, found.service_area) == ["Csenyéte"]
    with pytest.raises(PartnerInvalid), work() as uow:
        service.serve(uow, village.organisation_id, district_ids=[999_999])


def test_each_sees_what_is_theirs(work, village):
    with work() as uow:
        far = builders.an_organisation(uow, builders.a_county(uow, "SZA"), name="Far away").id
    with work(village.coordinator) as uow:
        rows = queries.organisations(uow.session, uow.actor, on=TODAY).rows
        assert {row.organisation.id for row in rows} == {village.organisation_id, village.other_organisation_id}
        assert queries.totals(uow.session, uow.actor, on=TODAY).all == 2
        with pytest.raises(NotFound):
            queries.organisation(uow.session, uow.actor, far)
    with work(village.partner) as uow:
        assert queries.organisation(uow.session, uow.actor, village.organisation_id).id == village.organisation_id
        with pytest.raises(NotFound):
            queries.organisation(uow.session, uow.actor, village.other_organisation_id)
    with pytest.raises(NotAllowed), work(village.coordinator) as uow:
        service.change(uow, village.organisation_id, phone="1")
    with pytest.raises(NotAllowed), work(actor(Role.DONOR, 5)) as uow:
        service.create(uow, name="x", kind="ngo", settlement_id=village.settlement_id)


def test_the_list_finds_by_name_settlement_kind_and_agreement(work, village):
    with work() as uow:
        home = builders.a_settlement(uow, builders.a_county(uow, "BAZ"), "Szendrőlád")
        ending = service.create(uow, name="Árvíztűrő Óvoda", kind="kindergarten", settlement_id=home.id)
        service.agree(uow, ending.id, starts_on=TODAY, ends_on=TODAY + timedelta(days=60))
        bare = service.create(uow, name="Új egyesület", kind="ngo", settlement_id=home.id)

        def found(**asked):
            page = queries.organisations(uow.session, uow.actor, on=TODAY, **asked)
            return [row.organisation.id for row in page.rows]

        assert found(text="arvizturo") == [ending.id]
        assert found(text="SZENDRŐ") == [ending.id, bare.id]
        assert found(text="100%_") == []
        assert found(kind="ngo") == [bare.id]
        assert found(agreement="ending") == [ending.id]
        assert found(agreement="none") == [bare.id]
        totals = queries.totals(uow.session, uow.actor, on=TODAY)
        assert (totals.all, totals.ending, totals.without) == (4, 1, 1)
        first = queries.organisations(uow.session, uow.actor, on=TODAY, size=1)
        second = queries.organisations(uow.session, uow.actor, on=TODAY, size=1, after=first.next_after)
        assert first.rows[0].organisation.id == ending.id != second.rows[0].organisation.id
