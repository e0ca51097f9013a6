"""Every route × method × role × own and other scope is what the table of rights says (D1), and the database alone
lets nobody read more when the application forgets to ask (D2)."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from app.accounts.roles import GRANTS, PERMISSIONS, Role
from app.accounts.row_security import RULES
from app.foundation import unit_of_work
from app.foundation.actor import Scope
from app.foundation.http import PUBLIC, SIGNED_IN
from tests.architecture.conftest import Route, routes_of
from tests.architecture.test_rights_of_rows import reaches, scoped_by

OPEN_TO_ALL = {
    "accounts.invitation",
    "accounts.invitation_now",
    "accounts.second_factor",
    "accounts.second_factor_now",
    "accounts.set_up",
    "accounts.set_up_now",
    "accounts.sign_in",
    "accounts.sign_in_now",
    "accounts.sign_out",
    "donations.public_form",
    "donations.public_offer",
    "floor.decoder",
    "floor.icon",
    "floor.manifest",
    "floor.service_worker",
    "healthz",
    "metrics",
    "readyz",
}
"""What nobody needs to sign in for. Whoever adds one says so here."""
OUTSIDE = {"static", "api-docs.openapi_json", "api-docs.openapi_swagger_ui"}
"""Files and the description of the API; they hold nothing of anybody."""

NOT_ALWAYS = {
    # An opening stock is its warehouse's business, a catalogue the office's: each has the right to one of both.
    *(f"imports.{view}" for view in ("data_import", "choose_sheet", "understand", "load", "reverse", "wrong_rows")),
    *(f"imports-api.{view}" for view in ("data_import", "sheet", "columns", "load", "reverse", "wrong_rows")),
    "delivery-api.contacts",  # A driver's, from loading to the end of the next day.
    "donations-api.note",  # Once the arrival's voucher is posted.
    "donations.note",
    "write_offs-api.record",  # Once the write-off is decided.
    "write_offs.record",
    "transfers-api.note",  # Once it has left.
    "transfers.note",
}
"""Addresses of things that are not there at every time of their parent's life."""

FORM = {
    "version": "1",
    "reason": "because the test says so",
    "quantity": "1",
    "urgency": "1",
    "language": "hu",
    "state": "free",
}
"""Enough for many forms to be judged by their rules, not by their shape."""


def asked(app: Any, route: Route, address: str, token: str | None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if route.method == "GET" and not route.rule.startswith("/api/"):
        headers["HX-Request"] = "true"
    body: dict[str, Any] = {}
    if route.method != "GET":
        body = {"json": {}} if route.rule.startswith("/api/") else {"data": FORM}
    return app.test_client().open(address, method=route.method, headers=headers, **body)


def lines(found: list[Any]) -> str:
    return "\n".join(map(str, found))


def guarded(app: Any) -> list[Route]:
    return [route for route in routes_of(app) if route.endpoint not in OPEN_TO_ALL | OUTSIDE]


def test_every_route_names_a_permission_of_the_table(app):
    known = PERMISSIONS | {SIGNED_IN}
    assert [str(route) for route in guarded(app) if not known.issuperset(route.permissions)] == []


def test_what_is_open_to_all_is_named_here(app):
    found = {route.endpoint for route in routes_of(app) if route.permission == PUBLIC}
    assert found == OPEN_TO_ALL


def test_no_address_is_claimed_twice(app):
    claimed = Counter((route.method, route.rule) for route in routes_of(app))
    assert [key for key, times in claimed.items() if times > 1] == []


def test_nobody_passes_without_signing_in(app, world):
    passed = []
    for route in guarded(app):
        address = route.address(world.own | {"app_user": world.user_ids[Role.ADMIN]})
        if address is None:
            continue
        answer = asked(app, route, address, None)
        if answer.status_code != 401:
            passed.append((str(route), answer.status_code))
    assert lines(passed) == ""


@pytest.mark.slow
@pytest.mark.parametrize("role", list(Role))
def test_a_role_passes_where_the_table_lets_it_and_nowhere_else(app, world, token_of, superuser_url, role):
    token, wrong = token_of(role), []
    people = {"app_user": world.user_ids[Role.AUDITOR]}
    for route in guarded(app):
        own, other = route.address(world.own | people), route.address(world.other | people)
        if own is None or other is None:
            continue
        granted = route.permission == SIGNED_IN or any(each in GRANTS[role] for each in route.permissions)
        answer = asked(app, route, own, token)
        if not granted:
            if answer.status_code != 403:
                wrong.append((str(route), "not granted", answer.status_code))
            continue
        whole = bool(route.arguments) or Scope.ALL in scopes_of(role, route)
        if answer.status_code == 401 or (answer.status_code == 403 and whole) or answer.status_code >= 500:
            wrong.append((str(route), "own", answer.status_code))
        elif answer.status_code == 404 and reach_of(role, route)[0] and route.endpoint not in NOT_ALWAYS:
            wrong.append((str(route), "own not found", 404))
        if own == other or reach_of(role, route)[1] is not False:
            continue
        before = fingerprint(superuser_url, world.other)
        answer = asked(app, route, other, token)
        if route.method == "GET" and answer.status_code != 404:
            wrong.append((str(route), "other", answer.status_code))
        if answer.status_code < 400 or answer.status_code == 403 or answer.status_code >= 500:
            wrong.append((str(route), "other", answer.status_code))
        if fingerprint(superuser_url, world.other) != before:
            wrong.append((str(route), "other was changed", answer.status_code))
    assert lines(wrong) == ""


def reach_of(role: Role, route: Route) -> tuple[bool | None, bool | None]:
    """Return whether the route's permission reaches the (own, other) thing; None where its table has no scope."""
    table = route.table
    if table not in RULES or route.permission == SIGNED_IN:
        return None, None
    scopes = scopes_of(role, route)
    if Scope.ALL in scopes:
        return True, True
    return (True, False) if scopes & set(scoped_by(table)) else (None, None)


def scopes_of(role: Role, route: Route) -> set[Scope]:
    return {GRANTS[role][each] for each in route.permissions if each in GRANTS[role]}


def fingerprint(url: str, ids: dict[str, int]) -> str:
    with psycopg.connect(url) as database:
        rows = [
            database.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t WHERE id = %s', [ids[table]]).fetchone()
            for table in RULES
        ]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("role", list(Role))
def test_with_the_applications_checks_off_the_database_still_shows_nobody_elses_things(
    app, world, token_of, monkeypatch, role
):
    token, seen = token_of(role), []
    everything = dict.fromkeys(PERMISSIONS, Scope.ALL)
    true_actor = world.actors[role]
    tell = unit_of_work.tell_database
    monkeypatch.setattr(unit_of_work, "tell_database", lambda session, _, now: tell(session, true_actor, now))
    edge = app.extensions["edge"]
    identify = edge.identify
    app.extensions["edge"] = replace(edge, identify=lambda: replace(identify(), grants=everything))
    people = {"app_user": world.user_ids[Role.AUDITOR]}
    for route in guarded(app):
        if route.method != "GET" or route.table not in RULES:
            continue
        for ids, reached in zip(
            (world.own, world.other), reaches(role, RULES[route.table].read, route.table), strict=True
        ):
            address = route.address(ids | people)
            if reached or address is None or (route.table == "household" and role is Role.DISPATCHER):
                continue
            status = asked(app, route, address, token).status_code
            if status < 300:
                seen.append((str(route), "own" if ids is world.own else "other", status))
    assert lines(seen) == ""
