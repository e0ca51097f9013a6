"""The pages and the API, asked as a browser and a program ask them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from app.factory import create_app
from app.foundation.journal import AccessEntry
from app.needs import service
from app.needs.models import Need, Signal
from tests import builders
from tests.conftest import NOON
from tests.needs.world import need_of
from tests.untranslated import untranslated


@pytest.fixture
def site(settings, clock):
    """Return a maker of browsers: ``site(actor)`` is somebody's."""
    acting = {}
    app = create_app(settings, clock=clock, ring=lambda _: None, identify=lambda: acting["who"])
    app.config["TESTING"] = True

    def browser(who):
        acting["who"] = who
        return app.test_client()

    browser.app = app
    return browser


def form_of(page: str) -> dict[str, str]:
    """Return the hidden fields of the page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: value for name, value in found if name in ("csrf_token", "form_id", "version")}


def post(browser, address, data, form_at=None):
    hidden = form_of(browser.get(form_at or address).text)
    return browser.post(address, data={**hidden, **data})


def a_report(village, **more):
    item = str(village.items["FORMULA"])
    return {
        "settlement_id": str(village.settlement_id),
        "age_0_1": "1",
        "age_18_64": "2",
        "item": item,
        f"quantity-{item}": "4",
        **more,
    }


def count(work, table):
    with work() as uow:
        return uow.session.scalar(select(func.count()).select_from(table))


def test_a_partner_reports_on_one_page_and_is_told_what_comes_next(site, village, work):
    browser = site(village.partner)
    page = browser.get("/signals/new").text
    assert "/child-in-danger" in page
    answer = post(browser, "/signals/new", a_report(village, baby_without_formula="1", reference="CSSK-118"))
    assert answer.status_code == 302 and answer.location.endswith("/sent")
    sent = browser.get(answer.location).text
    assert "J-1" in sent and "kedd 12:00" in sent and "Csenyéte" in sent
    assert "urg-1" in sent
    with work() as uow:
        signal = uow.session.scalar(select(Signal))
        assert (signal.reference, signal.channel, signal.urgency) == ("CSSK-118", "page", 1)
        assert signal.facts["baby_without_formula"] is True and signal.facts["size"] == 3


def test_a_double_click_reports_once(site, village, work):
    browser = site(village.partner)
    hidden = form_of(browser.get("/signals/new").text)
    first = browser.post("/signals/new", data={**hidden, **a_report(village)})
    second = browser.post("/signals/new", data={**hidden, **a_report(village)})
    assert first.location == second.location
    assert count(work, Signal) == 1


def test_a_settlement_may_be_typed_without_scripts_and_another_thing_be_chosen_from_a_list(site, village, work):
    browser = site(village.partner)
    data = {"settlement_id_text": "csenyete", "age_18_64": "1", "other-0": str(village.items["WOOD"])}
    answer = post(browser, "/signals/new", data | {"quantity-other-0": "20", "no_heating": "1"})
    assert answer.status_code == 302
    with work() as uow:
        signal = uow.session.scalar(select(Signal))
        assert signal.settlement_id == village.settlement_id
        assert signal.facts["heating"] == "none"


def test_a_refused_report_comes_back_filled_with_what_is_wrong_at_its_field(site, village, work):
    browser = site(village.partner)
    item = str(village.items["FORMULA"])
    data = a_report(village, settlement_id="", settlement_id_text="Sehonna", street="Fő út 3.")
    answer = post(browser, "/signals/new", data | {f"quantity-{item}": "0", "age_18_64": "99"})
    assert answer.status_code == 422
    page = answer.text
    assert 'value="Sehonna"' in page and 'value="Fő út 3."' in page and 'value="99"' in page
    assert f'href="#f-quantity-{item}"' in page and 'href="#f-settlement-id"' in page and 'href="#f-age-18-64"' in page
    assert re.search(rf'name="item" value="{item}" checked', page)
    assert count(work, Signal) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"note": "a\x00b"},
        {"note": "x" * 3000},
        {"age_18_64": "١٢"},
        {"age_18_64": "9" * 40},
        {"settlement_id": "99999999999999999999999"},
        {"item": "abc"},
        {"heating": "nuclear"},
        {"contact_name": "y" * 1_000_000},
    ],
)
def test_bad_input_is_a_422_with_the_form_again(site, village, work, wrong):
    browser = site(village.partner)
    answer = post(browser, "/signals/new", a_report(village, **wrong))
    assert answer.status_code == 422
    assert 'id="report"' in answer.text
    assert count(work, Signal) == 0


def test_the_writer_is_warned_and_the_box_that_lets_it_stay_appears(site, village, work):
    browser = site(village.partner)
    assert "words_checked" not in browser.get("/signals/new").text
    answer = post(browser, "/signals/new", a_report(village, note="Roma család"))
    assert answer.status_code == 422
    assert "words_checked" in answer.text and "Roma család" in answer.text
    answer = post(browser, "/signals/new", a_report(village, note="Roma család", words_checked="1"))
    assert answer.status_code == 302


def test_a_coordinator_decides_from_the_queue(site, village, work):
    browser = site(village.partner)
    post(browser, "/signals/new", a_report(village, contact_name="Kiss Ilona"))
    browser = site(village.coordinator)
    queue = browser.get("/signals").text
    assert "Csenyéte" in queue and "J-1" in queue and "Ilona" not in queue
    sheet = browser.get("/signals/1").text
    assert "Kiss Ilona" in sheet
    assert post(browser, "/signals/1/acknowledge", {}, form_at="/signals/1").status_code == 302
    assert post(browser, "/signals/1/confirm", {}, form_at="/signals/1").status_code == 302
    with work() as uow:
        need = need_of(uow, 1, village.items["FORMULA"])
        assert need.quantity == 4 and need.household_id == 1
        looks = uow.session.execute(select(AccessEntry.subject_kind, AccessEntry.why)).all()
        assert ("signal", "sheet") in [tuple(row) for row in looks]
    again = post(browser, "/signals/1/confirm", {}, form_at="/signals/1")
    assert again.status_code == 409 and "J-1" in again.text
    households = browser.get("/households").text
    assert "H-1" in households and "Ilona" not in households
    assert "Kiss Ilona" in browser.get("/households/1").text
    with work() as uow:
        looks = uow.session.execute(select(AccessEntry.subject_kind, AccessEntry.subject_id, AccessEntry.why)).all()
        assert ("household", 1, "list") in [tuple(row) for row in looks]
        assert ("household", 1, "sheet") in [tuple(row) for row in looks]


def test_a_refusal_is_read_by_the_reporter(site, village):
    browser = site(village.partner)
    post(browser, "/signals/new", a_report(village))
    browser = site(village.coordinator)
    without = post(browser, "/signals/1/refuse", {"reason": ""}, form_at="/signals/1")
    assert without.status_code == 422
    assert post(browser, "/signals/1/refuse", {"reason": "not_found"}, form_at="/signals/1").status_code == 302
    browser = site(village.partner)
    assert "A háztartás nem található" in browser.get("/signals/1").text


def test_the_outcome_of_each_line_reaches_the_reporter_though_another_partner_was_first(site, village, work):
    with work(village.partner) as uow:
        first = service.report(uow, **village.report()).id
    with work(village.other_partner) as uow:
        second = service.report(
            uow, **village.report(organisation_id=village.other_organisation_id, note="Hátul kell bemenni")
        ).id
    with work(village.coordinator) as uow:
        household = service.confirm(uow, first)
        service.merge(uow, second, household.id)
    with work() as uow:
        service.handed_over(uow, need_of(uow, first, village.items["FORMULA"]).id, 4)
    browser = site(village.other_partner)
    page = browser.get(f"/signals/{second}").text
    assert "Átadva" in page
    shown = browser.get(f"/api/v1/signals/{second}").json
    assert (shown["state"], shown["outcome"]) == ("answered", "handed_over")
    assert shown["lines"][0]["need_state"] == "handed_over" and shown["lines"][0]["handed_over"] == 4
    assert shown["contact"] is None and shown["household_id"] is None
    browser = site(village.partner)
    assert browser.get(f"/signals/{second}").status_code == 404
    assert "Hátul" not in browser.get(f"/signals/{first}").text


def test_a_need_is_put_into_another_class_and_closed_on_its_sheet(site, village, work):
    with work(village.partner) as uow:
        signal_id = service.report(uow, **village.report()).id
    with work(village.coordinator) as uow:
        service.confirm(uow, signal_id)
    browser = site(village.coordinator)
    without = post(browser, "/needs/1/urgency", {"urgency": "1"}, form_at="/needs/1")
    assert without.status_code == 422
    assert post(browser, "/needs/1/urgency", {"urgency": "1", "reason": "x"}, form_at="/needs/1").status_code == 302
    stale = browser.post(
        "/needs/1/urgency",
        data={**form_of(browser.get("/needs/1").text), "version": "1", "urgency": "2", "reason": "late"},
    )
    assert stale.status_code == 412
    closing = {"state": "cannot_be_met", "reason": "Nincs ilyen"}
    assert post(browser, "/needs/1/close", closing, form_at="/needs/1").status_code == 302
    with work() as uow:
        need = uow.session.get(Need, 1)
        assert (need.state, need.urgency, need.close_reason) == ("cannot_be_met", 1, "Nincs ilyen")
    assert post(browser, "/needs/1/reopen", {}, form_at="/needs/1").status_code == 302


def test_filters_of_needs_find_by_code_item_settlement_and_say_when_nothing_fits(site, village, work):
    with work(village.partner) as uow:
        signal_id = service.report(uow, **village.report()).id
    with work(village.coordinator) as uow:
        household_id = service.confirm(uow, signal_id).id
    browser = site(village.coordinator)

    def found(query):
        return "row-1" in browser.get(f"/needs?{query}").text

    assert (
        found("") and found(f"q=H-{household_id}") and found("q=csenye") and found("q=TAPSZER") and found("state=open")
    )
    assert found(f"q=J-{signal_id}") and found("urgency=2") and found("view=open")
    assert not found("q=H-99") and not found("urgency=1") and not found("view=over") and not found("q=%25")
    for damaged in ("after=xyz", "urgency=9", "county_id=99999999999999999999", "view=nothing", "q=" + "x" * 200):
        assert browser.get(f"/needs?{damaged}").status_code == 422


def test_a_stranger_is_told_that_there_is_nothing(site, village, work):
    with work(village.partner) as uow:
        signal_id = service.report(uow, **village.report()).id
    with work(village.coordinator) as uow:
        service.confirm(uow, signal_id)
    browser = site(village.stranger)
    for address in (f"/signals/{signal_id}", "/households/1", "/needs/1"):
        assert browser.get(address).status_code == 404
    browser = site(village.partner)
    for address in ("/households", "/needs", "/urgency"):
        assert browser.get(address).status_code == 403


def test_the_api_answers_a_repeated_report_with_the_same_signal_and_another_with_a_conflict(site, village):
    browser = site(village.partner)
    body = {
        "reference": "A-1",
        "settlement": "csenyéte",
        "facts": {"age_18_64": 2},
        "lines": [{"item": "FORMULA", "quantity": 2}],
    }
    first = browser.post("/api/v1/signals", json=body)
    assert first.status_code == 201, first.json
    again = browser.post("/api/v1/signals", json=body)
    assert (again.status_code, again.json["id"]) == (200, first.json["id"])
    other = browser.post("/api/v1/signals", json={**body, "lines": [{"item": "FORMULA", "quantity": 3}]})
    assert other.status_code == 409
    assert (other.json["type"], other.json["signal"], other.json["reference"]) == ("reference-used", "J-1", "A-1")
    unknown = browser.post("/api/v1/signals", json={**body, "ethnicity": "x"})
    assert unknown.status_code == 422 and "ethnicity" in unknown.json["fields"]
    nul = browser.post("/api/v1/signals", json={**body, "reference": "B", "note": "a\x00b"})
    assert nul.status_code == 422
    lone = browser.post("/api/v1/signals", data='{"reference": "\\ud800"}', content_type="application/json")
    assert lone.status_code == 422


def test_documents_of_the_api_carry_etags_and_a_stale_one_is_refused(site, village, work):
    with work(village.partner) as uow:
        signal_id = service.report(uow, **village.report()).id
    with work(village.coordinator) as uow:
        service.confirm(uow, signal_id)
    browser = site(village.coordinator)
    seen = browser.get("/api/v1/needs/1")
    etag = seen.headers["ETag"]
    assert browser.get("/api/v1/needs/1", headers={"If-None-Match": etag}).status_code == 304
    change = {"urgency": 1, "reason": "burnt"}
    assert browser.put("/api/v1/needs/1/urgency", json=change).status_code == 428
    done = browser.put("/api/v1/needs/1/urgency", json=change, headers={"If-Match": etag})
    assert done.status_code == 200 and done.json["urgency"] == 1
    stale = browser.put("/api/v1/needs/1/urgency", json=change, headers={"If-Match": etag})
    assert stale.status_code == 412


def test_the_urgency_table_is_read_by_coordinators_and_changed_by_the_national_one(site, village, work):
    browser = site(village.coordinator)
    page = browser.get("/urgency").text
    assert "Ma nincs mit adni a csecsemőnek" in page and "/urgency?rule=" not in page
    rules = browser.get("/api/v1/urgency-rules").json
    rule = next(each for each in rules if each["fact"] == "waiting_days")
    assert post(browser, f"/urgency/{rule['id']}", {"urgency": "1"}, form_at="/urgency").status_code == 403
    from tests.conftest import EVERYTHING

    browser = site(EVERYTHING)
    form_at = f"/urgency?rule={rule['id']}"
    wrong = post(browser, f"/urgency/{rule['id']}", {"urgency": "1", "threshold": "", "active": "1"}, form_at=form_at)
    assert wrong.status_code == 422
    good = {"urgency": "1", "threshold": "60", "active": "1"}
    assert post(browser, f"/urgency/{rule['id']}", good, form_at=form_at).status_code == 302
    assert "osztály: 2 → 1" in browser.get("/urgency").text or "osztály: 3 → 1" in browser.get("/urgency").text


def test_lists_cost_the_same_few_statements_however_long(site, village, work):
    with work(village.partner) as uow:
        for number in range(30):
            service.report(uow, **village.report(reference=f"r{number}"))
    with work(village.coordinator) as uow:
        for signal_id in range(1, 16):
            service.confirm(uow, signal_id)
    browser = site(village.coordinator)
    engine = site.app.extensions["edge"].sessions.kw["bind"]
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    for address in ("/signals", "/needs", "/households", "/urgency", "/signals/20", "/needs/3", "/households/3"):
        statements.clear()
        assert browser.get(address).status_code == 200
        assert len(statements) <= 12, (address, statements)
    browser = site(village.partner)
    for address in ("/signals", "/signals/new", "/signals/20"):
        statements.clear()
        assert browser.get(address).status_code == 200
        assert len(statements) <= 12, (address, statements)


def test_no_page_shows_a_sentence_that_no_translator_has_seen(site, village, work, clock):
    with work(village.partner) as uow:
        for number in range(3):
            service.report(uow, **village.report(reference=f"r{number}", note="Hátul kell bemenni", phone="06 46 1"))
    with work(village.coordinator) as uow:
        service.confirm(uow, 1)
        service.refuse(uow, 2, "not_found")
    clock.now = NOON + timedelta(days=2)
    site.app.config["PSEUDO_LANGUAGE"] = True
    coordinator = (
        "/signals",
        "/signals?view=all",
        "/signals/1",
        "/signals/2",
        "/signals/3",
        "/households",
        "/households/1",
    )
    coordinator += ("/needs", "/needs/1", "/urgency", "/partners", "/partners/1", "/signals?q=nothing")
    partner = ("/signals", "/signals/1", "/signals/2", "/signals/new", "/signals/1/sent", "/child-in-danger")
    for who, addresses in ((village.coordinator, coordinator), (village.partner, partner)):
        browser = site(who)
        for address in addresses:
            answer = browser.get(address)
            assert answer.status_code == 200, address
            assert untranslated(answer.text) == [], address


def test_a_partner_is_taken_in_and_gets_its_agreement_on_pages(site, village, work):
    from tests.conftest import EVERYTHING

    browser = site(EVERYTHING)
    assert post(browser, "/partners/new", {"name": "", "kind": "ngo"}).status_code == 422
    data = {"name": "Encsi Védőnők", "kind": "health_visitor", "settlement_id_text": "Csenyéte"}
    made = post(browser, "/partners/new", data)
    assert made.status_code == 302
    sheet = browser.get(made.location).text
    assert "Nem jelezhet" in sheet
    agreement = {"starts_on": "2026-11-23", "ends_on": "2027-11-22", "may_report": "1"}
    late = post(browser, f"{made.location}/agreements", agreement | {"ends_on": "2020-01-01"}, form_at=made.location)
    assert late.status_code == 422
    assert post(browser, f"{made.location}/agreements", agreement, form_at=made.location).status_code == 302
    assert "érvényben" in browser.get(made.location).text
    with work() as uow:
        builders.a_settlement(uow, name="Szendrő")
    page = f"{made.location}/edit"
    changed = post(browser, page, data | {"settlement_id_text": "Szendrő", "active": "1"}, form_at=page)
    assert changed.status_code == 302
    assert "Szendrő" in browser.get(made.location).text
