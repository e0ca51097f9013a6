"""Users: who they are, where they work, invitations, tokens; and what a database dump gives away (D7)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from app.accounts import queries, service
from app.accounts.errors import EmailTaken, LastAdmin, LinkSpent, ScopeMissing, WeakPassword
from app.accounts.roles import Role
from app.foundation.errors import Stale
from tests.accounts.conftest import PASSWORD
from tests.world import TOTP


def test_an_invited_person_chooses_a_password_once(browser, new_browser, work):
    browser.sign_in("admin")
    browser.get("/users/new")
    page = browser.post(
        "/users", {"name": "Új Ember", "email": "Uj@Example.org", "role": "auditor", "language": "hu"}
    ).get_data(as_text=True)
    address = page.split("/invitation/")[1].split("<")[0]
    invited = new_browser()
    assert invited.get(f"/invitation/{address}").status_code == 200
    assert invited.post(f"/invitation/{address}", {"password": "short"}).status_code == 422
    assert invited.post(f"/invitation/{address}", {"password": "four words make one"}).status_code == 302
    assert invited.get(f"/invitation/{address}").status_code == 409
    assert invited.sign_in("uj", "four words make one").status_code == 302


def test_an_invitation_expires_and_cannot_be_made_up(work, clock, world):
    with work() as uow:
        link = service.invite(uow, user_id=world.user_ids[Role.PARTNER])
    other_id = world.user_ids[Role.ADMIN]
    for broken in ("", "x", "1.2.3", link + "x", ".".join([str(other_id), *link.split(".")[1:]]), "9" * 30 + ".1.a"):
        with pytest.raises(LinkSpent), work() as uow:
            service.invited(uow, link=broken)
    clock.now += timedelta(hours=73)
    with pytest.raises(LinkSpent), work() as uow:
        service.invited(uow, link=link)


def test_rights_follow_the_role_at_the_next_request(browser, new_browser, work, world):
    browser.sign_in("warehouse_worker")
    assert "stock.write_off" not in browser.get("/api/v1/me").json["grants"]
    user_id = world.user_ids[Role.WAREHOUSE_WORKER]
    with work() as uow:
        person = queries.user(uow.session, user_id)
        service.change_user(
            uow,
            user_id=user_id,
            version=person.version,
            email=person.email,
            name=person.name,
            role="warehouse_manager",
            warehouse_id=world.other["warehouse"],
        )
    me = browser.get("/api/v1/me").json
    assert "stock.write_off" in me["grants"] and me["reach"]["warehouse"] == [world.other["warehouse"]]


def test_a_deactivated_person_is_out_at_once_with_sessions_and_tokens(browser, work, world):
    browser.sign_in("partner")
    user_id = world.user_ids[Role.PARTNER]
    with work() as uow:
        _, clear = service.make_token(uow, user_id, "their program", 30)
        version = queries.user(uow.session, user_id).version
    bearer = {"Authorization": f"Bearer {clear}"}
    assert browser.client.get("/api/v1/me", headers=bearer).status_code == 200
    with work() as uow:
        service.set_active(uow, user_id=user_id, version=version, active=False)
    assert browser.get("/api/v1/me").status_code == 401
    assert browser.client.get("/api/v1/me", headers=bearer).status_code == 401
    assert browser.sign_in("partner").status_code == 401


def test_a_token_ends_when_it_expires_or_is_revoked(browser, work, clock, world):
    user_id = world.user_ids[Role.PARTNER]
    with work() as uow:
        _, first = service.make_token(uow, user_id, "first", 5)
        _, second = service.make_token(uow, user_id, "second", 50)

    def status(token):
        return browser.client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code

    assert (status(first), status(second)) == (200, 200)
    clock.now += timedelta(days=6)
    assert (status(first), status(second)) == (401, 200)
    browser.sign_in("partner")
    tokens = browser.get("/api/v1/me/tokens").json
    assert {each["name"] for each in tokens} == {"first", "second"} and all("token" not in each for each in tokens)
    assert next(each for each in tokens if each["name"] == "second")["last_used_at"]
    browser.get("/me/tokens")
    token_id = next(each["id"] for each in tokens if each["name"] == "second")
    browser.post(f"/me/tokens/{token_id}/revoke")
    assert status(second) == 401


def test_nobody_revokes_another_persons_token(browser, work, world):
    with work() as uow:
        token, clear = service.make_token(uow, world.user_ids[Role.PARTNER], "theirs", 5)
    browser.sign_in("admin")
    browser.get("/me/tokens")
    assert browser.post(f"/me/tokens/{token.id}/revoke").status_code == 404
    assert browser.client.get("/api/v1/me", headers={"Authorization": f"Bearer {clear}"}).status_code == 200


def test_a_role_is_told_where_it_works(work):
    for role, field in (
        ("county_coordinator", "county_ids"),
        ("warehouse_worker", "warehouse_id"),
        ("partner", "organisation_id"),
        ("driver", "driver_id"),
        ("donor", "donor_id"),
    ):
        with pytest.raises(ScopeMissing) as refused, work() as uow:
            service.create_user(uow, f"{role}.new@example.org", "New", role)
        assert list(refused.value.fields) == [field]


def test_a_user_cannot_work_where_nothing_is(work):
    for role, facts in (
        ("county_coordinator", {"county_ids": [999]}),
        ("warehouse_worker", {"warehouse_id": 999}),
        ("partner", {"organisation_id": 999}),
        ("driver", {"driver_id": 2**62}),
        ("donor", {"donor_id": 999}),
    ):
        with pytest.raises(ScopeMissing) as refused, work() as uow:
            service.create_user(uow, f"{role}.new@example.org", "New", role, **facts)
        assert list(refused.value.fields) == list(facts)


def test_only_what_the_role_works_by_is_kept(work, world):
    with work() as uow:
        made = service.create_user(
            uow,
            "somebody@example.org",
            "Somebody",
            "warehouse_worker",
            county_ids=[world.own["county"]],
            warehouse_id=world.own["warehouse"],
            organisation_id=world.own["organisation"],
        )
        assert (made.counties, made.organisation_id, made.warehouse_id) == ([], None, world.own["warehouse"])


def test_an_address_belongs_to_one_person_whatever_its_case(work):
    with pytest.raises(EmailTaken), work() as uow:
        service.create_user(uow, "ADMIN@Example.org", "Another", "auditor")


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "mynewuser2026!", "x" * 257])
def test_weak_passwords_are_refused(work, password):
    with pytest.raises(WeakPassword), work() as uow:
        service.create_user(uow, "newuser@example.org", "New", "auditor", password=password)


def test_the_last_administrator_stays(work, world):
    user_id = world.user_ids[Role.ADMIN]
    with work() as uow:
        admin = queries.user(uow.session, user_id)
        version, email, name = admin.version, admin.email, admin.name
    with pytest.raises(LastAdmin), work() as uow:
        service.set_active(uow, user_id=user_id, version=version, active=False)
    with pytest.raises(LastAdmin), work() as uow:
        service.change_user(uow, user_id=user_id, version=version, email=email, name=name, role="auditor")


def test_a_user_that_changed_meanwhile_is_not_overwritten(work, world):
    user_id = world.user_ids[Role.AUDITOR]
    facts = {"email": "auditor@example.org", "role": "auditor"}
    with work() as uow:
        version = queries.user(uow.session, user_id).version
        service.change_user(uow, user_id=user_id, version=version, name="First", **facts)
    with pytest.raises(Stale), work() as uow:
        service.change_user(uow, user_id=user_id, version=version, name="Second", **facts)


def test_the_api_asks_for_the_version_that_was_seen(browser, work, world):
    user_id = world.user_ids[Role.DISPATCHER]
    with work() as uow:
        _, clear = service.make_token(uow, world.user_ids[Role.ADMIN], "program", 5)
    program, bearer = browser.client, {"Authorization": f"Bearer {clear}"}
    seen = program.get(f"/api/v1/users/{user_id}", headers=bearer)
    names = (
        "email",
        "name",
        "role",
        "language",
        "county_ids",
        "warehouse_id",
        "organisation_id",
        "driver_id",
        "donor_id",
    )
    body = {name: seen.json[name] for name in names} | {
        "county_ids": [world.own["county"], world.other["county"]],
    }
    address = f"/api/v1/users/{user_id}"
    assert program.put(address, json=body, headers=bearer).status_code == 428
    changed = program.put(address, json=body, headers={**bearer, "If-Match": seen.headers["ETag"]})
    assert changed.status_code == 200 and len(changed.json["county_ids"]) == 2
    assert changed.headers["ETag"] != seen.headers["ETag"]
    assert program.put(address, json=body, headers={**bearer, "If-Match": seen.headers["ETag"]}).status_code == 412
    again = program.get(address, headers={**bearer, "If-None-Match": changed.headers["ETag"]})
    assert again.status_code == 304


def test_users_are_found_without_accents_and_paged_without_gaps(browser, work):
    from tests import builders as make

    with work() as uow:
        for number in range(120):
            make.a_user(uow, "auditor", name=f"Kőszegi Ágnes {number:03}")
    browser.sign_in("admin")
    seen, after = [], ""
    while True:
        page = browser.get(f"/api/v1/users?q=koszegi agnes&size=50&after={after}").json
        seen += [each["name"] for each in page["rows"]]
        after = page["next_after"]
        if not after:
            break
    assert len(seen) == len(set(seen)) == 120 and page["total"] == 120
    assert "Kőszegi Ágnes 000" in browser.get("/users?q=ágnes").get_data(as_text=True)


def test_a_lost_second_factor_is_taken_away_and_set_up_anew(browser, new_browser, world):
    browser.sign_in("admin")
    user_id = world.user_ids[Role.COUNTY_COORDINATOR]
    browser.get(f"/users/{user_id}")
    assert browser.post(f"/users/{user_id}/reset-second-factor").status_code == 302
    person = new_browser()
    person.sign_in("county_coordinator")
    assert person.get("/sign-in/code").headers["Location"] == "/sign-in/set-up"


def test_a_database_dump_holds_no_usable_secret(browser, work, world, database_url, superuser_url):
    browser.sign_in("admin")
    with work() as uow:
        token, clear = service.make_token(uow, world.user_ids[Role.PARTNER], "program", 30)
        link = service.invite(uow, user_id=world.user_ids[Role.PARTNER])
    session_key = browser.cookie()
    import psycopg

    dumped = []
    with psycopg.connect(superuser_url) as database:
        tables = database.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for (table,) in tables.fetchall():
            dumped += [row[0] for row in database.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t').fetchall()]
    dump = "\n".join(dumped)
    assert token.prefix in dump
    for secret in (PASSWORD, clear, session_key, TOTP, link.split(".")[2], "Minta Anna", "+36 30 000 0000", "Fő utca"):
        assert secret and secret not in dump and json.dumps(secret)[1:-1] not in dump
    assert "$argon2id$" in dump
