from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from app.accounts.roles import Role
from app.foundation.errors import Invalid, NotAllowed, NotFound, Stale
from app.foundation.job import Job
from app.foundation.journal import AccessEntry, JournalEntry
from app.needs import queries, service
from app.needs.errors import (
    AlreadyDecided,
    GivenRecently,
    HouseholdElsewhere,
    NeedOver,
    NeedUnderWay,
    ReasonMissing,
    ReferenceUsed,
    ReportInvalid,
    RuleInvalid,
    WordsToCheck,
)
from app.needs.models import Household, Need, Signal, UrgencyRule
from app.partners import service as partners
from app.partners.errors import NoAgreement
from app.partners.models import Agreement
from tests import builders
from tests.conftest import NOON
from tests.needs.world import actor, need_of, signal_of

DRIVER = actor(Role.DRIVER, 31)


def received(work, village, actor=None, **more):
    with work(actor or village.partner) as uow:
        return service.report(uow, **village.report(**more)).id


def confirmed(work, village, **more):
    signal_id = received(work, village, **more)
    with work(village.coordinator) as uow:
        return signal_id, service.confirm(uow, signal_id).id


# Reporting


def test_a_report_is_received_with_its_number_and_its_working_day(work, village):
    signal_id = received(work, village, contact_name="Kiss Ilona", phone="06 46 123 456", note="Csengetni kell")
    with work() as uow:
        signal = signal_of(uow, signal_id)
        assert signal.code == f"J-{signal_id}" and signal.state == "received"
        assert signal.acknowledge_by == NOON + timedelta(days=1)
        assert signal.facts["size"] == 3 and signal.facts["heating"] == "unknown"
        assert signal.contact_name == "Kiss Ilona" and signal.note == "Csengetni kell"
        assert signal.reporter_id == village.partner.id
        raw = uow.session.execute(text("SELECT * FROM signal")).one()
        assert b"Ilona" not in repr(raw).encode()


def test_the_same_partner_and_reference_is_the_same_signal(work, village):
    first = received(work, village)
    assert received(work, village) == first
    with work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Signal)) == 1
        deeds = uow.session.scalars(select(JournalEntry.deed)).all()
        assert deeds.count("signal.received") == 1


def test_the_order_and_the_spelling_of_lines_make_no_other_report(work, village):
    lines = [
        {"item_id": village.items["FORMULA"], "quantity": 4},
        {"item_id": village.items["FLOUR"], "quantity": 5},
    ]
    first = received(work, village, lines=lines)
    again = [{"item": "FLOUR", "quantity": 5}, {"item": "FORMULA", "quantity": 3}, {"item": "FORMULA", "quantity": 1}]
    assert received(work, village, lines=again) == first


def test_another_report_under_the_same_reference_is_refused_with_what_stands_there(work, village):
    first = received(work, village)
    with pytest.raises(ReferenceUsed) as refusal, work(village.partner) as uow:
        service.report(uow, **village.report(lines=[{"item_id": village.items["FORMULA"], "quantity": 5}]))
    assert refusal.value.facts["signal"] == f"J-{first}"
    assert refusal.value.facts["reference"] == "CSSK-118"
    with work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Signal)) == 1


def test_another_partner_may_use_the_same_reference(work, village):
    first = received(work, village)
    second = received(work, village, actor=village.other_partner, organisation_id=village.other_organisation_id)
    assert first != second


def test_a_partner_reports_for_itself_only(work, village):
    with pytest.raises(NotAllowed), work(village.partner) as uow:
        service.report(uow, **village.report(organisation_id=village.other_organisation_id))


def test_a_coordinator_types_during_a_call_in_their_own_county_only(work, village):
    assert received(work, village, actor=village.coordinator, channel="phone")
    with pytest.raises(NotAllowed), work(village.stranger) as uow:
        service.report(uow, **village.report(reference="other", channel="phone"))


def test_without_an_agreement_in_force_nobody_reports(work, village, clock):
    with work() as uow:
        agreement = uow.session.scalar(select(Agreement).where(Agreement.organisation_id == village.organisation_id))
        partners.end_agreement(
            uow, village.organisation_id, agreement_id=agreement.id, ends_on=NOON.date() - timedelta(days=1)
        )
    with pytest.raises(NoAgreement, match="ended on 2026-11-22"), work(village.partner) as uow:
        service.report(uow, **village.report())
    with work() as uow:
        partners.agree(uow, village.organisation_id, starts_on=NOON.date(), ends_on=date(2027, 12, 31))
    assert received(work, village)
    clock.now = datetime(2028, 1, 2, tzinfo=UTC)
    with pytest.raises(NoAgreement, match="ended on 2027-12-31"), work(village.partner) as uow:
        service.report(uow, **village.report(reference="later"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"settlement_id": 999_999}, "settlement_id"),
        ({"settlement_id": None}, "settlement_id"),
        ({"lines": []}, "lines"),
        ({"lines": [{"item_id": 999_999, "quantity": 1}]}, "lines.0.item_id"),
        ({"facts": {"age_18_64": 31}}, "age_18_64"),
        ({"facts": {}}, "size"),
        ({"facts": {"size": 2, "age_18_64": 3}}, "size"),
        ({"facts": {"size": 3, "heating": "nuclear"}}, "heating"),
        ({"facts": {"size": 3, "ethnicity": "x"}}, "facts"),
        ({"facts": {"size": 3, "lone_parent": "maybe"}}, "lone_parent"),
        ({"facts": {"size": 3, "baby_without_formula": True}}, "baby_without_formula"),
        ({"channel": "pigeon"}, "channel"),
    ],
)
def test_what_cannot_be_right_is_refused_by_field(work, village, change, field):
    with pytest.raises(ReportInvalid) as refusal, work(village.coordinator) as uow:
        service.report(uow, **village.report(**change))
    assert field in refusal.value.fields


@pytest.mark.parametrize("quantity", [0, -1, 10**9, True, "4"])
def test_a_quantity_is_a_whole_number_in_its_range(work, village, quantity):
    with pytest.raises(ReportInvalid) as refusal, work(village.partner) as uow:
        lines = [{"item_id": village.items["FLOUR"], "quantity": quantity}]
        service.report(uow, **village.report(lines=lines))
    assert "lines.0.quantity" in refusal.value.fields


def test_a_day_that_is_past_is_no_day_to_want_it_by(work, village):
    lines = [{"item_id": village.items["FLOUR"], "quantity": 1, "wanted_by": NOON.date() - timedelta(days=1)}]
    with pytest.raises(ReportInvalid) as refusal, work(village.partner) as uow:
        service.report(uow, **village.report(lines=lines))
    assert "lines.0.wanted_by" in refusal.value.fields


def test_the_writer_is_warned_of_words_that_must_not_be_kept_and_may_insist(work, village):
    note = "Roma család, hátul kell bemenni"
    with pytest.raises(WordsToCheck) as refusal, work(village.partner) as uow:
        service.report(uow, **village.report(note=note))
    assert refusal.value.facts["kinds"] == ["origin"]
    assert "note" in refusal.value.fields
    signal_id = received(work, village, note=note, words_checked=True)
    with work() as uow:
        entry = uow.session.scalar(select(JournalEntry).where(JournalEntry.deed == "signal.received"))
        assert entry.details["words_kept"] == ["origin"]
        assert "Roma" not in str(entry.details)
        assert signal_of(uow, signal_id).note == note


def test_text_that_cannot_be_stored_is_refused(work, village):
    with pytest.raises(Invalid), work(village.partner) as uow:
        service.report(uow, **village.report(note="a\x00b"))


# Deciding


def test_an_acknowledged_signal_keeps_its_first_moment(work, village, clock):
    signal_id = received(work, village)
    clock.now = NOON + timedelta(hours=2)
    for hours in (2, 5):
        clock.now = NOON + timedelta(hours=hours)
        with work(village.coordinator) as uow:
            service.acknowledge(uow, signal_id)
    with work() as uow:
        signal = signal_of(uow, signal_id)
        assert signal.state == "acknowledged" and signal.acknowledged_at == NOON + timedelta(hours=2)
        entries = uow.session.scalars(select(JournalEntry).where(JournalEntry.deed == "signal.acknowledged")).all()
        assert [entry.details["in_time"] for entry in entries] == [True]


def test_a_confirmed_signal_opens_a_household_and_its_needs_with_their_urgency(work, village):
    lines = [
        {"item_id": village.items["FORMULA"], "quantity": 4},
        {"item_id": village.items["BLANKET"], "quantity": 2, "substitutes_accepted": False},
    ]
    facts = {"age_0_1": 1, "age_18_64": 2, "heating": "wood", "lone_parent": True, "baby_without_formula": True}
    signal_id, household_id = confirmed(
        work, village, lines=lines, facts=facts, contact_name="Kiss Ilona", phone="06 46 123 456", street="Fő út 3."
    )
    with work() as uow:
        household = uow.session.get(Household, household_id)
        assert (household.size, household.age_0_1, household.heating, household.lone_parent) == (3, 1, "wood", True)
        assert (household.contact_name, household.street) == ("Kiss Ilona", "Fő út 3.")
        signal = signal_of(uow, signal_id)
        assert signal.state == "confirmed" and signal.household_id == household_id
        assert signal.acknowledged_at == NOON and signal.contact_name is None
        formula = need_of(uow, signal_id, village.items["FORMULA"])
        assert (formula.quantity, formula.state, formula.urgency) == (4, "open", 1)
        assert formula.urgency_grounds[0]["text"] == "There is nothing to feed the baby today"
        assert formula.opened_at == signal.received_at and formula.organisation_id == village.organisation_id
        blanket = need_of(uow, signal_id, village.items["BLANKET"])
        assert blanket.urgency == 4 and blanket.substitutes_accepted is False


def test_nobody_decides_twice(work, village):
    signal_id, _ = confirmed(work, village)
    for deed in (service.acknowledge, service.confirm):
        with pytest.raises(AlreadyDecided), work(village.coordinator) as uow:
            deed(uow, signal_id)
    with pytest.raises(AlreadyDecided), work(village.coordinator) as uow:
        service.refuse(uow, signal_id, "no")


def test_a_partner_and_a_stranger_cannot_decide(work, village):
    signal_id = received(work, village)
    with pytest.raises(NotAllowed), work(village.partner) as uow:
        service.confirm(uow, signal_id)
    with pytest.raises(NotFound), work(village.stranger) as uow:
        service.confirm(uow, signal_id)


def test_a_refusal_needs_a_reason_and_tells_it_to_the_reporter(work, village):
    signal_id = received(work, village, contact_name="Kiss Ilona")
    with pytest.raises(ReasonMissing), work(village.coordinator) as uow:
        service.refuse(uow, signal_id, "  ")
    with work(village.coordinator) as uow:
        service.refuse(uow, signal_id, "not_found")
    with work(village.partner) as uow:
        row = queries.signal(uow.session, uow.actor, signal_id)
        assert (row.signal.state, row.signal.refusal_reason, row.outcome) == ("refused", "not_found", "refused")
        assert row.signal.contact_name is None


def test_a_known_family_is_suggested_to_the_coordinator_and_never_merged_by_itself(work, village):
    _, household_id = confirmed(work, village, contact_name="Kiss Ilona")
    second = received(
        work,
        village,
        actor=village.other_partner,
        organisation_id=village.other_organisation_id,
        contact_name="KISS  ilona",
        facts={"size": 5},
    )
    stranger = received(work, village, reference="3", contact_name="Nagy Pál", facts={"size": 5})
    with work(village.coordinator) as uow:
        found = service.suggestions(uow, service.signal(uow, second))
        assert [(each.household_id, each.percent) for each in found] == [(household_id, 80)]
        assert str(found[0].grounds[0]) == "The same contact in the same settlement"
        assert service.suggestions(uow, service.signal(uow, stranger)) == []
        assert uow.session.scalar(select(func.count()).select_from(Household)) == 1
    with pytest.raises(NotAllowed), work(village.other_partner) as uow:
        service.suggestions(uow, service.signal(uow, second))


def test_a_merged_signal_joins_what_waits_and_opens_the_rest(work, village):
    first, household_id = confirmed(work, village)
    second = received(
        work,
        village,
        actor=village.other_partner,
        organisation_id=village.other_organisation_id,
        facts={"size": 4, "age_0_1": 1, "age_18_64": 2},
        lines=[
            {"item_id": village.items["FORMULA"], "quantity": 2},
            {"item_id": village.items["BLANKET"], "quantity": 3},
        ],
    )
    with work(village.coordinator) as uow:
        service.merge(uow, second, household_id)
    with work() as uow:
        signal = signal_of(uow, second)
        assert (signal.state, signal.household_id, signal.merged_into_id) == ("merged", household_id, first)
        assert uow.session.scalar(select(func.count()).select_from(Need)) == 2
        joined = need_of(uow, second, village.items["FORMULA"])
        assert joined.signal_id == first and joined.quantity == 4
        assert uow.session.get(Household, household_id).size == 4


def test_a_household_of_another_county_cannot_take_the_signal(work, village):
    signal_id = received(work, village)
    with work() as uow:
        far = builders.a_household(uow, builders.a_county(uow, "SZA")).id
    with pytest.raises(NotFound), work(village.coordinator) as uow:
        service.merge(uow, signal_id, far)
    with pytest.raises(HouseholdElsewhere), work() as uow:
        service.merge(uow, signal_id, far)


def test_what_was_given_lately_is_given_again_only_with_a_reason(work, village, clock):
    with work() as uow:
        uow.session.execute(text("UPDATE item SET given_again_after_days = 30"))
    signal_id, household_id = confirmed(work, village)
    with work() as uow:
        service.handed_over(uow, need_of(uow, signal_id, village.items["FORMULA"]).id, 4)
    clock.now = NOON + timedelta(days=10)
    second = received(work, village, reference="2")
    with pytest.raises(GivenRecently) as refusal, work(village.coordinator) as uow:
        service.merge(uow, second, household_id)
    assert refusal.value.facts["items"][0]["interval_days"] == 30
    with work(village.coordinator) as uow:
        service.merge(uow, second, household_id, again_reason="used up")
    clock.now = NOON + timedelta(days=60)
    third = received(work, village, reference="3")
    with work() as uow:
        service.handed_over(uow, need_of(uow, second, village.items["FORMULA"]).id, 4)
    clock.now = NOON + timedelta(days=91)
    with work(village.coordinator) as uow:
        service.merge(uow, third, household_id)


# The life of needs


def test_a_need_goes_from_open_to_handed_over_and_its_signal_is_answered(work, village):
    signal_id, household_id = confirmed(work, village)
    with work() as uow:
        need_id = need_of(uow, signal_id, village.items["FORMULA"]).id
        service.reserved(uow, {need_id: 4})
        need = uow.session.get(Need, need_id)
        assert (need.state, need.quantity_reserved, need.missing) == ("reserved", 4, 0)
        service.planned(uow, [need_id])
        assert need.state == "planned"
        service.loaded(uow, [need_id])
        assert need.state == "loaded"
    with work(DRIVER) as uow:
        # A driver reads no needs; what follows from the hand-over is written all the same.
        service.handed_over(uow, need_id, 4)
    with work(village.partner) as uow:
        row = queries.signal(uow.session, uow.actor, signal_id)
        assert (row.signal.state, row.outcome) == ("answered", "handed_over")
        assert row.signal.answered_at == NOON
        need = row.asked[0].need
        assert (need.state, need.quantity_handed_over, need.quantity_reserved) == ("handed_over", 4, 0)
        assert need.closed_at == NOON
    with work() as uow:
        assert uow.session.get(Household, household_id).last_handed_over_at == NOON


def test_a_part_handed_over_leaves_the_rest_open_and_the_signal_unanswered(work, village):
    signal_id, _ = confirmed(work, village)
    with work() as uow:
        need_id = need_of(uow, signal_id, village.items["FORMULA"]).id
        service.reserved(uow, {need_id: 3})
        service.handed_over(uow, need_id, 3)
        need = need_of(uow, signal_id, village.items["FORMULA"])
        assert (need.state, need.missing, need.closed_at) == ("open", 1, None)
        assert signal_of(uow, signal_id).state == "confirmed"
    with work(village.coordinator) as uow:
        service.close(uow, need_id, reason="The rest is not needed")
    with work(village.partner) as uow:
        row = queries.signal(uow.session, uow.actor, signal_id)
        assert (row.signal.state, row.outcome) == ("answered", "partly")


def test_goods_that_came_back_open_the_need_again(work, village):
    signal_id, _ = confirmed(work, village)
    with work() as uow:
        need_id = need_of(uow, signal_id, village.items["FORMULA"]).id
        service.reserved(uow, {need_id: 4})
        service.loaded(uow, [need_id])
        service.reopen(uow, {need_id: 1})
        need = need_of(uow, signal_id, village.items["FORMULA"])
        assert (need.state, need.quantity_reserved) == ("reserved", 3)
        service.reopen(uow, [need_id])
        need = need_of(uow, signal_id, village.items["FORMULA"])
        assert (need.state, need.quantity_reserved, need.missing) == ("open", 0, 4)


def test_what_is_not_reserved_any_more_is_missing_again(work, village):
    signal_id, _ = confirmed(work, village)
    with work() as uow:
        need_id = need_of(uow, signal_id, village.items["FORMULA"]).id
        service.reserved(uow, {need_id: 4})
        service.unreserved(uow, {need_id: 1})
        need = need_of(uow, signal_id, village.items["FORMULA"])
        assert (need.state, need.quantity_reserved) == ("reserved", 3)
        service.unreserved(uow, {need_id: 3})
        assert need_of(uow, signal_id, village.items["FORMULA"]).state == "open"


def test_a_need_that_nobody_finds_stops_the_work(work, village):
    with pytest.raises(AssertionError, match="0 of 1 needs"), work(DRIVER) as uow:
        service.handed_over(uow, 999_999, 1)


def test_ten_thousand_needs_are_reserved_in_two_statements(work, village):
    with work() as uow:
        household = builders.a_household(uow)
        uow.session.execute(
            text(
                "INSERT INTO need (household_id, county_id, settlement_id, item_id, quantity, quantity_reserved, "
                "quantity_handed_over, state, urgency, urgency_grounds, substitutes_accepted, opened_at, version) "
                "SELECT :household, :county, :settlement, :item, 5, 0, 0, 'open', 3, '[]', true, now(), 1 "
                "FROM generate_series(1, 10000)"
            ),
            {
                "household": household.id,
                "county": household.county_id,
                "settlement": household.settlement_id,
                "item": village.items["FLOUR"],
            },
        )
        ids = uow.session.scalars(select(Need.id)).all()
        service.reserved(uow, dict.fromkeys(ids, 2))
        figures = uow.session.execute(
            text("SELECT count(*), sum(quantity_reserved), min(state), max(state) FROM need")
        ).one()
        assert tuple(figures) == (10_000, 20_000, "reserved", "reserved")
        assert len(queries.open_needs_for_allocation(uow.session)) == 10_000
        service.reserved(uow, dict.fromkeys(ids[:4000], 3))
        assert len(queries.open_needs_for_allocation(uow.session, household.county_id)) == 6_000
        assert len(queries.open_needs_for_allocation(uow.session, only_missing=False)) == 10_000


def test_open_needs_carry_what_allocation_asks_for(work, village):
    signal_id, household_id = confirmed(work, village, facts={"size": 3, "age_0_1": 1, "no_fridge": True})
    with work() as uow:
        [row] = queries.open_needs_for_allocation(uow.session)
        assert (row.need_id, row.household_id, row.size, row.no_fridge) == (
            need_of(uow, signal_id, village.items["FORMULA"]).id,
            household_id,
            3,
            True,
        )
        assert (row.missing, row.covered, row.settlement, row.lat) == (4, 0, "Csenyéte", 48.3)


def test_a_closed_need_gives_its_goods_back_by_a_promise(work, village):
    signal_id, _ = confirmed(work, village)
    with work() as uow:
        need_id = need_of(uow, signal_id, village.items["FORMULA"]).id
        service.reserved(uow, {need_id: 4})
    with pytest.raises(ReasonMissing), work(village.coordinator) as uow:
        service.close(uow, need_id, reason="")
    with work(village.coordinator) as uow:
        service.close(uow, need_id, reason="They got it elsewhere")
    with work() as uow:
        job = uow.session.scalar(select(Job).where(Job.name == "allocation.release"))
        assert job.arguments == {"need_id": need_id}
        assert uow.session.get(Need, need_id).state == "not_needed"
        assert signal_of(uow, signal_id).state == "answered"
    with pytest.raises(NeedOver), work(village.coordinator) as uow:
        service.close(uow, need_id, reason="again")
    with work(village.coordinator) as uow:
        assert service.reopen_closed(uow, need_id).closed_at is None


def test_goods_on_a_van_keep_their_need(work, village):
    signal_id, _ = confirmed(work, village)
    with work() as uow:
        need_id = need_of(uow, signal_id, village.items["FORMULA"]).id
        service.reserved(uow, {need_id: 4})
        service.loaded(uow, [need_id])
    with pytest.raises(NeedUnderWay), work(village.coordinator) as uow:
        service.close(uow, need_id, reason="changed")


# Urgency


def test_a_person_puts_a_need_into_another_class_with_a_reason_and_can_take_it_back(work, village):
    signal_id, _ = confirmed(work, village, lines=[{"item_id": village.items["BLANKET"], "quantity": 2}])
    with work() as uow:
        need = need_of(uow, signal_id, village.items["BLANKET"])
        need_id, version = need.id, need.version
        assert need.urgency == 4
    with pytest.raises(ReasonMissing), work(village.coordinator) as uow:
        service.override_urgency(uow, need_id, urgency=1, reason=" ")
    with work(village.coordinator) as uow:
        service.override_urgency(uow, need_id, urgency=1, reason="The old one burnt", version=version)
    with pytest.raises(Stale), work(village.coordinator) as uow:
        service.override_urgency(uow, need_id, urgency=2, reason="late", version=version)
    with work() as uow:
        need = uow.session.get(Need, need_id)
        assert (need.urgency, need.urgency_override, need.urgency_override_reason) == (1, 1, "The old one burnt")
        assert service.judge_needs(uow) == 0
    with work(village.coordinator) as uow:
        assert service.override_urgency(uow, need_id, urgency=None, reason=None).urgency == 4
    with work() as uow:
        entries = uow.session.scalars(select(JournalEntry).where(JournalEntry.deed == "need.urgency")).all()
        assert [(entry.details["before"], entry.details["urgency"]) for entry in entries] == [(4, 1), (1, 4)]
        assert "burnt" not in str([entry.details for entry in entries])


def test_waiting_makes_a_need_more_urgent_and_says_so(work, village, clock):
    signal_id, _ = confirmed(work, village, lines=[{"item_id": village.items["BLANKET"], "quantity": 2}])
    clock.now = NOON + timedelta(days=14)
    with work() as uow:
        assert service.judge_needs(uow) == 1
        assert service.judge_needs(uow) == 0
        need = need_of(uow, signal_id, village.items["BLANKET"])
        assert need.urgency == 3
        assert need.urgency_grounds[0] == {"text": "Days of waiting: %(n)s", "facts": {"n": 14}}


def test_a_signal_that_nobody_decides_on_climbs_in_the_queue(work, village, clock):
    asked = [{"item": "BLANKET", "quantity": 1}, {"item": "FLOUR", "quantity": 1}]
    calm = received(work, village, facts={"size": 3}, lines=asked)
    decided, _ = confirmed(work, village, reference="2", lines=[{"item": "BLANKET", "quantity": 1}])
    clock.now = NOON + timedelta(days=14)
    with work() as uow:
        assert service.judge_signals(uow) == 1
        assert service.judge_signals(uow) == 0
        assert (signal_of(uow, calm).urgency, signal_of(uow, decided).urgency) == (3, 4)


def test_a_changed_row_is_in_the_journal_and_judges_anew(work, village):
    signal_id, _ = confirmed(work, village, facts={"size": 3, "age_0_1": 1})
    with work() as uow:
        rule = uow.session.scalar(select(UrgencyRule).where(UrgencyRule.fact == "baby", UrgencyRule.category == "baby"))
        rule_id, version = rule.id, rule.version
        assert need_of(uow, signal_id, village.items["FORMULA"]).urgency == 2
        service.change_rule(uow, rule_id, urgency=3, category="baby", version=version)
        assert service.judge_needs(uow) == 1
        assert need_of(uow, signal_id, village.items["FORMULA"]).urgency == 3
    with pytest.raises(Stale), work() as uow:
        service.change_rule(uow, rule_id, urgency=1, version=version)
    with work() as uow:
        [entry] = queries.rule_history(uow.session)
        assert (entry.details["before"]["urgency"], entry.details["after"]["urgency"]) == (2, 3)
        assert uow.session.scalar(select(func.count()).where(Job.name == "needs.judge")) == 1
    with pytest.raises(NotAllowed), work(village.coordinator) as uow:
        service.change_rule(uow, rule_id, urgency=1)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"fact": "full_moon", "urgency": 1}, "fact"),
        ({"fact": "baby", "urgency": 5}, "urgency"),
        ({"fact": "baby", "urgency": 1, "threshold": 3}, "threshold"),
        ({"fact": "waiting_days", "urgency": 1}, "threshold"),
        ({"fact": "waiting_days", "urgency": 1, "threshold": 9999}, "threshold"),
        ({"fact": "baby", "urgency": 1, "category": "weapons"}, "category"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused(work, village, values, field):
    with pytest.raises(RuleInvalid) as refusal, work() as uow:
        service.add_rule(uow, **values)
    assert field in refusal.value.fields


def test_a_new_row_stands_last(work, village):
    with work() as uow:
        service.add_rule(uow, fact="household_size", threshold=8, urgency=3, category="food")
        assert queries.rules(uow.session)[-1].fact == "household_size"


# Who sees what


def test_a_stranger_sees_nothing_and_a_partner_only_its_own(work, village):
    signal_id, household_id = confirmed(work, village)
    for somebody in (village.other_partner, village.stranger):
        with pytest.raises(NotFound), work(somebody) as uow:
            queries.signal(uow.session, uow.actor, signal_id)
    for read in (queries.household, queries.need):
        with pytest.raises(NotFound), work(village.stranger) as uow:
            read(uow.session, uow.actor, household_id)
    with work(village.partner) as uow:
        assert queries.signals(uow.session, uow.actor, now=NOON, view="all").rows[0].signal.id == signal_id
    with work(village.other_partner) as uow:
        assert queries.signals(uow.session, uow.actor, now=NOON, view="all").rows == []


def test_the_queue_is_ordered_by_urgency_and_age_and_knows_who_waits_too_long(work, village, clock):
    calm = received(work, village, reference="1", lines=[{"item": "BLANKET", "quantity": 1}])
    urgent = received(work, village, reference="2", facts={"age_0_1": 1, "baby_without_formula": True})
    clock.now = NOON + timedelta(days=3)
    fresh = received(work, village, reference="3", lines=[{"item": "BLANKET", "quantity": 1}])
    with work(village.coordinator) as uow:
        page = queries.signals(uow.session, uow.actor, now=uow.now)
        assert [row.signal.id for row in page.rows] == [urgent, calm, fresh]
        assert [row.late for row in page.rows] == [True, True, False]
        assert [row.signal.urgency for row in page.rows] == [1, 4, 4]
        totals = queries.signal_totals(uow.session, uow.actor, now=uow.now)
        assert (totals.waiting, totals.late) == (3, 2)
        late = queries.signals(uow.session, uow.actor, now=uow.now, view="late")
        assert [row.signal.id for row in late.rows] == [urgent, calm]


def test_reading_a_known_household_for_a_merge_is_logged(work, village):
    _, household_id = confirmed(work, village)
    second = received(work, village, reference="2")
    with work(village.coordinator) as uow:
        service.merge(uow, second, household_id)
    with work() as uow:
        entries = uow.session.scalars(select(AccessEntry)).all()
        assert [(entry.subject_kind, entry.subject_id, entry.why) for entry in entries] == [
            ("household", household_id, "signal")
        ]
