"""Every page of accounts speaks the reader's language, at a constant number of statements."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event

from app.accounts import keys
from tests.accounts.conftest import PASSWORD
from tests.untranslated import untranslated
from tests.world import TOTP


@pytest.fixture
def spoken(app):
    app.config["PSEUDO_LANGUAGE"] = True
    return app


def test_signing_in_is_translated(spoken, browser, clock):
    assert untranslated(browser.get("/sign-in").get_data(as_text=True)) == []
    assert untranslated(browser.sign_in("admin", "wrong").get_data(as_text=True)) == []
    browser.sign_in("county_coordinator")
    assert untranslated(browser.get("/sign-in/code").get_data(as_text=True)) == []
    assert untranslated(browser.type_code("000000").get_data(as_text=True)) == []


def test_setting_codes_up_is_translated(spoken, browser, sessions):
    from sqlalchemy import text

    with sessions.begin() as session:
        session.execute(text("UPDATE app_user SET totp_sealed = NULL"))
    browser.sign_in("county_coordinator")
    assert untranslated(browser.get("/sign-in/set-up").get_data(as_text=True)) == []


@pytest.mark.parametrize("path", ["/me", "/me/tokens", "/users", "/users?q=nobody-at-all", "/users/new"])
def test_pages_of_accounts_are_translated(spoken, browser, path):
    browser.sign_in("admin")
    assert untranslated(browser.get(path).get_data(as_text=True)) == []


def test_a_user_beside_the_list_is_translated(spoken, browser, world):
    browser.sign_in("admin")
    address = f"/users/{world.user_ids['partner']}"
    for path in (address, f"{address}/edit"):
        assert untranslated(browser.get(path).get_data(as_text=True)) == []
    browser.get(address)
    page = browser.post(f"{address}/invite").get_data(as_text=True)
    assert untranslated(page) == []
    link = re.search(r"/invitation/[\w.-]+", page)
    assert link
    assert untranslated(browser.get(link[0]).get_data(as_text=True)) == []


def test_what_waits_to_be_sent_again_is_translated(spoken, browser, clock):
    from datetime import timedelta

    browser.sign_in("admin")
    browser.get("/me")
    clock.now += timedelta(hours=1)
    page = browser.post("/me/language", {"language": "en"}).get_data(as_text=True)
    assert untranslated(page) == []
    again = page.split('name="again" value="')[1].split('"')[0]
    page = browser.post("/sign-in", {"email": "admin@example.org", "password": PASSWORD, "again": again})
    assert untranslated(page.get_data(as_text=True)) == []


def test_the_users_page_speaks_hungarian_and_english(browser):
    browser.sign_in("admin")
    assert "Felhasználók" in browser.get("/users").get_data(as_text=True)
    assert "New user" in browser.get("/users?lang=en").get_data(as_text=True)


def test_codes_are_shown_to_nobody_outside_a_demo(settings, clock, world):
    from dataclasses import replace

    from app.factory import create_app
    from tests.accounts.conftest import Browser

    page = Browser(create_app(replace(settings, demo=False), clock=clock, ring=lambda _: None)).get("/sign-in")
    assert "@example.org" not in page.get_data(as_text=True)
    assert keys.totp_now(TOTP, clock.now) not in page.get_data(as_text=True)


def test_a_longer_list_of_users_costs_no_more_statements(browser, app, work):
    from tests import builders as make

    browser.sign_in("admin")
    engine = app.extensions["edge"].sessions.kw["bind"]

    def statements():
        seen = []
        listen = lambda *args: seen.append(args[2])
        event.listen(engine, "before_cursor_execute", listen)
        assert browser.get("/users").status_code == 200
        event.remove(engine, "before_cursor_execute", listen)
        return len(seen)

    few = statements()
    with work() as uow:
        for _ in range(100):
            make.a_user(uow, "auditor")
    assert statements() <= few <= 12
