"""Forms of our own pages only, what was typed is never lost, headers of every answer, cookies (D5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.factory import create_app
from tests.accounts.conftest import PASSWORD, Browser


def new_user(**facts):
    return {"name": "Új Ember", "email": "uj@example.org", "role": "auditor", "language": "hu", **facts}


def test_a_form_without_our_token_is_not_taken(browser):
    browser.sign_in("admin")
    assert browser.client.post("/users", data=new_user()).status_code == 403
    assert browser.client.post("/users", data={**new_user(), "csrf_token": "wrong"}).status_code == 403
    browser.get("/users/new")
    assert browser.client.post("/users", data=new_user(), headers={"X-CSRF-Token": "é" * 10}).status_code == 403
    assert browser.post("/users", new_user()).status_code == 200


def test_the_token_may_come_in_a_header_and_json_needs_it_too(browser):
    browser.sign_in("admin")
    browser.get("/users")
    body = {"name": "program", "days": 5}
    assert browser.client.post("/api/v1/me/tokens", json=body).status_code == 403
    answer = browser.client.post("/api/v1/me/tokens", json=body, headers={"X-CSRF-Token": browser.token})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost.evil.example"},
    ],
)
def test_a_form_from_another_site_is_not_taken_even_with_our_token(browser, headers):
    browser.sign_in("admin")
    browser.get("/users/new")
    assert browser.post("/users", new_user(), headers=headers).status_code == 403


def test_a_name_and_password_that_a_browser_adds_by_itself_do_not_stand_for_the_token(browser):
    browser.sign_in("admin")
    browser.get("/users")
    body = {"name": "program", "days": 5}
    answer = browser.client.post("/api/v1/me/tokens", json=body, headers={"Authorization": "Basic eDp5"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": "http://localhost"}, {"Origin": "null"}]
)
def test_our_own_pages_may_send_forms_from_old_and_new_browsers(browser, headers):
    browser.sign_in("admin")
    browser.get("/users/new")
    assert browser.post("/users", new_user(), headers=headers).status_code == 200


def test_nobody_is_signed_in_by_a_form_of_another_site(browser):
    answer = browser.client.post("/sign-in", data={"email": "admin@example.org", "password": PASSWORD})
    assert answer.status_code == 403
    assert browser.cookie() is None


def test_a_token_of_another_session_does_not_fit(browser, new_browser):
    browser.sign_in("admin")
    other = new_browser()
    other.sign_in("admin")
    other.get("/users/new")
    browser.token = other.token
    assert browser.post("/users", new_user()).status_code == 403


def test_a_program_with_a_token_needs_no_form_token_and_is_not_helped_by_a_cookie(browser, new_browser):
    browser.sign_in("admin")
    browser.get("/me/tokens")
    made = browser.client.post(
        "/api/v1/me/tokens", json={"name": "program", "days": 5}, headers={"X-CSRF-Token": browser.token}
    ).json
    program = new_browser().client
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert program.get("/api/v1/me", headers=bearer).json["role"] == "admin"
    assert program.post("/api/v1/me/tokens", json={"name": "second", "days": 5}, headers=bearer).status_code == 201
    # A wrong token is nobody, whatever the cookie says.
    assert browser.client.get("/api/v1/me", headers={"Authorization": "Bearer ab_wrong"}).status_code == 401


def test_a_form_whose_session_has_ended_can_be_sent_after_signing_in_again(browser, clock):
    browser.sign_in("admin")
    browser.get("/users/new")
    clock.now += timedelta(hours=1)
    ended = browser.post("/users", new_user(name='Kovács "Anna" <b>'))
    page = ended.get_data(as_text=True)
    assert ended.status_code == 401 and 'name="again"' in page
    again = page.split('name="again" value="')[1].split('"')[0]
    welcome = browser.post("/sign-in", {"email": "admin@example.org", "password": PASSWORD, "again": again})
    page = welcome.get_data(as_text=True)
    assert welcome.status_code == 200 and 'action="/users"' in page
    assert "Kovács &#34;Anna&#34; &lt;b&gt;</bdi>" in page
    sent = browser.post("/users", new_user(name='Kovács "Anna" <b>'))
    assert sent.status_code == 200


def test_what_was_typed_also_waits_for_the_code(browser, clock):
    from app.accounts import keys
    from tests.world import TOTP

    browser.sign_in("county_coordinator")
    browser.type_code(keys.totp_now(TOTP, clock.now))
    browser.get("/me")
    clock.now += timedelta(hours=1)
    page = browser.post("/me/language", {"language": "en"}).get_data(as_text=True)
    again = page.split('name="again" value="')[1].split('"')[0]
    asked = browser.post("/sign-in", {"email": "county_coordinator@example.org", "password": PASSWORD, "again": again})
    assert again in asked.get_data(as_text=True)
    welcome = browser.post("/sign-in/code", {"code": keys.totp_now(TOTP, clock.now), "again": again})
    assert 'action="/me/language"' in welcome.get_data(as_text=True)
    assert browser.post("/me/language", {"language": "en"}).status_code == 302


def test_a_kept_form_that_is_not_ours_is_dropped(browser):
    browser.get("/sign-in")
    forged = "0" * 64 + ".W10="
    answer = browser.post("/sign-in", {"email": "admin@example.org", "password": PASSWORD, "again": forged})
    assert answer.status_code == 302 and answer.headers["Location"] == "/"


def test_passwords_are_not_kept(browser, clock):
    browser.sign_in("admin")
    browser.get("/me")
    clock.now += timedelta(hours=1)
    page = browser.post("/me/password", {"present": "x", "password": "my new secret password"})
    import base64
    import re

    kept = re.search(r'name="again" value="[0-9a-f]+\.([^"]+)"', page.get_data(as_text=True))
    assert kept is None or b"my new secret" not in base64.urlsafe_b64decode(kept[1])


def test_scripts_and_programs_are_told_401_and_nothing_else(browser):
    assert browser.client.get("/users", headers={"HX-Request": "true"}).status_code == 401
    answer = browser.client.get("/api/v1/users")
    assert answer.status_code == 401 and answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/sign-in", "/api/v1/me", "/no-such-page", "/users", "/static/css/app.css"])
def test_every_answer_carries_the_headers_that_browsers_obey(browser, path):
    headers = browser.get(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    if not path.startswith("/static"):
        assert headers["Cache-Control"] == "no-store"


def test_no_page_of_ours_needs_an_inline_script_or_style(browser):
    browser.sign_in("admin")
    for path in ("/sign-in", "/me", "/me/tokens", "/users", "/users/new"):
        page = browser.get(path).get_data(as_text=True)
        assert " style=" not in page and "<style" not in page and " onclick" not in page
        assert all("src=" in script for script in page.split("<script")[1:])


def test_behind_https_cookies_are_bound_to_this_host_and_never_sent_in_clear(settings, clock, world):
    made = create_app(replace(settings, secure_cookies=True), clock=clock, ring=lambda _: None)
    browser = Browser(made)
    browser.get("/sign-in", base_url="https://adomany.example")
    answer = browser.post(
        "/sign-in", {"email": "admin@example.org", "password": PASSWORD}, base_url="https://adomany.example"
    )
    cookies = {cookie.split("=")[0]: cookie for cookie in answer.headers.getlist("Set-Cookie")}
    assert set(cookies) >= {"__Host-session", "__Host-device"}
    for cookie in cookies.values():
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; ")) and "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
