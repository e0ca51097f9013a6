"""Signing in: password, one-time code, limits that let the owner through, sessions (D4, D6)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.accounts import keys, signing_in
from app.accounts.errors import TooManyTries, WrongCode
from app.accounts.models import WebSession
from app.accounts.roles import Role
from tests.accounts.conftest import PASSWORD
from tests.world import TOTP


def code(clock, slots=0):
    return keys.totp_now(TOTP, clock.now + timedelta(seconds=30 * slots))


def test_a_right_password_leads_where_the_person_was_going(browser):
    assert browser.get("/users?q=anna").headers["Location"].endswith("/sign-in?next=/users?q%3Danna")
    browser.get("/sign-in?next=/users?q=anna")
    answer = browser.post("/sign-in", {"email": "ADMIN@example.org ", "password": PASSWORD, "next": "/users?q=anna"})
    assert answer.status_code == 302 and answer.headers["Location"] == "/users?q=anna"
    assert browser.get("/users").status_code == 200


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_no_link_leads_to_another_site_after_signing_in(browser, target):
    browser.get("/sign-in")
    answer = browser.post("/sign-in", {"email": "admin@example.org", "password": PASSWORD, "next": target})
    assert answer.headers["Location"] == "/"


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(browser):
    wrong = browser.sign_in("admin", "wrong password")
    unknown = browser.sign_in("nobody-here", "wrong password")
    assert wrong.status_code == unknown.status_code == 401
    assert "nobody-here@example.org" in unknown.get_data(as_text=True)  # What was typed comes back …
    assert "wrong password" not in unknown.get_data(as_text=True)  # … but the password.
    assert browser.cookie() is None


def test_roles_that_see_families_open_nothing_before_their_code(browser, clock):
    answer = browser.sign_in("county_coordinator")
    assert answer.headers["Location"] == "/sign-in/code"
    assert browser.get("/me").headers["Location"].startswith("/sign-in/code")
    assert browser.get("/api/v1/me").status_code == 401
    assert browser.type_code(code(clock)).status_code == 302
    assert browser.get("/api/v1/me").json["role"] == "county_coordinator"


def test_a_code_works_once(browser, new_browser, clock):
    browser.sign_in("county_coordinator")
    used = code(clock)
    assert browser.type_code(used).status_code == 302
    second = new_browser()
    second.sign_in("county_coordinator")
    assert second.type_code(used).status_code == 401
    assert second.type_code(code(clock, -1)).status_code == 401  # An older one neither.
    assert second.type_code(code(clock, 1)).status_code == 302


def test_a_code_of_the_neighbouring_half_minute_is_taken_and_no_other(work, clock, world):
    user_id = world.user_ids[Role.COUNTY_COORDINATOR]
    for slots, fits in ((-2, False), (-1, True), (2, False), (1, True)):
        with work() as uow:
            opened = WebSession(key_hash=str(slots), user_id=user_id, created_at=clock.now, last_seen_at=clock.now)
            uow.session.add(opened)
            uow.session.flush()
            if fits:
                signing_in.prove_code(uow, session_id=opened.id, code=code(clock, slots))
            else:
                with pytest.raises(WrongCode):
                    signing_in.prove_code(uow, session_id=opened.id, code=code(clock, slots))


def test_the_second_factor_is_set_up_by_its_first_code(browser, sessions, clock):
    with sessions.begin() as session:
        session.execute(text("UPDATE app_user SET totp_sealed = NULL WHERE role = 'national_coordinator'"))
    browser.sign_in("national_coordinator")
    page = browser.get("/sign-in/set-up").get_data(as_text=True)
    secret, proof = (page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("secret", "secret_proof"))
    assert "<svg" in page and "style=" not in page
    wrong = browser.post("/sign-in/set-up", {"secret": secret, "secret_proof": proof, "code": "000000"})
    assert wrong.status_code == 401 and secret in wrong.get_data(as_text=True)
    right = browser.post(
        "/sign-in/set-up", {"secret": secret, "secret_proof": proof, "code": keys.totp_now(secret, clock.now)}
    )
    assert right.status_code == 302
    assert browser.get("/api/v1/me").json["role"] == "national_coordinator"


def test_a_secret_that_we_did_not_offer_is_not_set_up(browser, sessions, clock):
    with sessions.begin() as session:
        session.execute(text("UPDATE app_user SET totp_sealed = NULL WHERE role = 'national_coordinator'"))
    browser.sign_in("national_coordinator")
    browser.get("/sign-in/set-up")
    answer = browser.post("/sign-in/set-up", {"secret": TOTP, "secret_proof": "0", "code": code(clock)})
    assert answer.headers["Location"] == "/sign-in/set-up"
    assert browser.get("/api/v1/me").status_code == 401


def test_a_stranger_who_guesses_is_slowed_and_the_owner_still_gets_in(browser, new_browser, clock):
    browser.sign_in("admin")  # The owner's own browser is known from now on.
    stranger = new_browser("203.0.113.7")
    answers = [stranger.sign_in("admin", f"guess number {number}").status_code for number in range(7)]
    assert answers == [401] * 5 + [429] * 2
    refused = stranger.sign_in("admin", PASSWORD)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) <= 10
    assert new_browser("198.51.100.9").sign_in("admin").status_code == 429  # The account is slowed everywhere …
    assert browser.get("/users").status_code == 200  # … but who is signed in stays,
    browser.post("/sign-out")
    assert browser.sign_in("admin").status_code == 302  # and a browser that was the owner's before is let in.


def test_the_wait_grows_and_ends(new_browser, clock):
    stranger, waits = new_browser(), []
    for number in range(9):
        answer = stranger.sign_in("admin", f"guess number {number}")
        if answer.status_code == 429:
            waits.append(int(answer.headers["Retry-After"]))
            clock.now += timedelta(seconds=waits[-1])
            assert stranger.sign_in("admin", "still wrong").status_code == 401
    assert waits == [10, 20, 40, 80]
    clock.now += timedelta(hours=2)
    assert stranger.sign_in("admin").status_code == 302


def test_one_address_cannot_try_many_accounts(new_browser, clock):
    stranger = new_browser("203.0.113.7")
    answers = [stranger.sign_in(f"somebody{number}", "password1").status_code for number in range(32)]
    assert answers.count(401) == signing_in.FREE_TRIES["address"] and answers[-1] == 429
    assert new_browser("198.51.100.9").sign_in("partner").status_code == 302


def test_tries_that_come_at_once_are_counted_one_by_one(work, clock):
    from concurrent.futures import ThreadPoolExecutor

    def guess(_: int) -> bool:
        try:
            with work() as uow:
                signing_in.count_try(uow, email="admin@example.org", address="203.0.113.7", device=None)
        except TooManyTries:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(guess, range(40))) == signing_in.FREE_TRIES["account"]


def test_codes_cannot_be_guessed_either(browser, clock):
    browser.sign_in("county_coordinator")
    answers = [browser.type_code(f"{number:06}").status_code for number in range(7)]
    assert answers == [401] * 5 + [429] * 2


def test_who_tries_is_kept_as_keyed_hashes_only(browser, sessions):
    browser.sign_in("admin", "wrong password")
    with sessions.begin() as session:
        kept = session.execute(text("SELECT who FROM sign_in_attempt")).scalars().all()
    assert len(kept) == 2
    assert not any("admin" in who or "10.0.0.1" in who or keys.digest("admin@example.org") == who for who in kept)


def test_each_sign_in_has_a_new_session_and_ends_the_one_before(browser, sessions):
    browser.sign_in("admin")
    first = browser.cookie()
    browser.client.set_cookie("session", first)
    browser.post("/sign-out")
    browser.sign_in("admin")
    assert browser.cookie() not in (None, first)
    browser.client.set_cookie("session", first)
    assert browser.get("/api/v1/me").status_code == 401


def test_a_session_nobody_uses_ends_after_half_an_hour(browser, clock):
    browser.sign_in("admin")
    clock.now += timedelta(minutes=29)
    assert browser.get("/api/v1/me").status_code == 200
    clock.now += timedelta(minutes=31)
    assert browser.get("/api/v1/me").status_code == 401


def test_a_session_ends_after_half_a_day_however_busy(browser, clock):
    browser.sign_in("admin")
    started = clock.now
    while browser.get("/api/v1/me").status_code == 200:
        clock.now += timedelta(minutes=20)
        assert clock.now - started < timedelta(hours=13)
    assert clock.now - started >= timedelta(hours=12)


def test_last_use_is_written_at_most_once_a_minute(browser, clock, sessions):
    browser.sign_in("admin")

    def last_seen():
        with sessions.begin() as session:
            return session.execute(text("SELECT max(last_seen_at) FROM web_session")).scalar()

    first = last_seen()
    clock.now += timedelta(seconds=50)
    browser.get("/api/v1/me")
    assert last_seen() == first
    clock.now += timedelta(seconds=20)
    browser.get("/api/v1/me")
    assert last_seen() == clock.now


def test_signing_out_ends_the_session_on_the_server(browser):
    browser.sign_in("admin")
    key = browser.cookie()
    browser.get("/me")
    assert browser.post("/sign-out").status_code == 302
    assert browser.cookie() is None
    browser.client.set_cookie("session", key)
    assert browser.get("/api/v1/me").status_code == 401


def test_other_browsers_can_be_signed_out_one_by_one_or_all(browser, new_browser):
    browser.sign_in("admin")
    second, third = new_browser(), new_browser()
    second.sign_in("admin")
    third.sign_in("admin")
    page = browser.get("/me").get_data(as_text=True)
    assert page.count('/end"') == 2
    own = [each["id"] for each in browser.get("/api/v1/me/sessions").json if each["current"]]
    others = [each["id"] for each in browser.get("/api/v1/me/sessions").json if not each["current"]]
    assert len(own) == 1 and len(others) == 2
    browser.get("/me")
    browser.post(f"/me/sessions/{others[0]}/end")
    assert sorted([second.get("/api/v1/me").status_code, third.get("/api/v1/me").status_code]) == [200, 401]
    browser.post("/me/sessions/end-others")
    assert {second.get("/api/v1/me").status_code, third.get("/api/v1/me").status_code} == {401}
    assert browser.get("/api/v1/me").status_code == 200


def test_nobody_ends_another_persons_session(browser, new_browser):
    browser.sign_in("admin")
    session_id = browser.get("/api/v1/me/sessions").json[0]["id"]
    other = new_browser()
    other.sign_in("partner")
    other.get("/me")
    assert other.post(f"/me/sessions/{session_id}/end").status_code == 404
    assert browser.get("/api/v1/me").status_code == 200


def test_a_changed_password_signs_the_others_out(browser, new_browser):
    browser.sign_in("admin")
    other = new_browser()
    other.sign_in("admin")
    browser.get("/me")
    refused = browser.post("/me/password", {"present": "wrong", "password": "another long password"})
    assert refused.status_code == 422
    weak = browser.post("/me/password", {"present": PASSWORD, "password": "short"})
    assert weak.status_code == 422
    assert browser.post("/me/password", {"present": PASSWORD, "password": "another long password"}).status_code == 302
    assert browser.get("/api/v1/me").status_code == 200
    assert other.get("/api/v1/me").status_code == 401
    assert new_browser().sign_in("admin").status_code == 401
    assert new_browser().sign_in("admin", "another long password").status_code == 302


def test_identifying_costs_one_statement(browser, app, clock):
    from sqlalchemy import event

    browser.sign_in("admin")
    engine = app.extensions["edge"].sessions.kw["bind"]
    seen = []
    event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    assert browser.get("/api/v1/me").status_code == 200
    assert sum("web_session" in statement or "app_user" in statement for statement in seen) == 1
    assert len(seen) == 2, seen  # The other tells the database who acts.
