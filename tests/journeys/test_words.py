"""No page shows a sentence that no translator has seen, for any role."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import g, request
from sqlalchemy import select

from app.accounts import queries as accounts
from app.accounts import web
from app.accounts.models import User
from app.accounts.roles import Role
from app.config import Settings
from app.factory import create_app
from app.foundation.database import make_engine, make_sessions
from tests.journeys import house as houses
from tests.untranslated import untranslated

PAGES_MIN, PAGES_MAX = 10, 250
"""Kinds of pages that a role can read at least; and so many that something else than a number must be in addresses."""
PAPER = re.compile(r"\.(pdf|xlsx|csv|ods|png|svg|json)$")
LINK = re.compile(r'href="(/[^"#]*)')


@pytest.fixture(scope="module")
def pseudo(country: tuple[str, Path], new_database: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The application over a small country, in a language where every translated sentence is marked."""
    data_dir = tmp_path_factory.mktemp("words")
    with new_database(country[0]) as url:
        settings = Settings.from_environment(houses.environment(url, "redis://127.0.0.1:1", data_dir))
        engine = make_engine(url, pool_size=3)
        sessions = make_sessions(engine)
        with sessions() as session:
            people = session.scalars(select(User).where(User.active).order_by(User.id.desc()))
            actors = {person.role: accounts.actor_of(person) for person in people}

        def identify() -> Any:
            actor = actors[request.headers["X-Role"]]
            g.signed_in_by = web.SignedInBy(session_id=1, user_id=actor.id)
            return actor

        app = create_app(settings, sessions=sessions, ring=lambda _: None, identify=identify)
        app.config.update(TESTING=True, PSEUDO_LANGUAGE=True, PROPAGATE_EXCEPTIONS=True)
        yield app
        engine.dispose()


def plain_pages(app: Any) -> list[str]:
    """Return the addresses of all pages that need no argument."""
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in rule.methods
        and not rule.arguments
        and not rule.rule.startswith(("/api/", "/static", "/metrics", "/healthz", "/readyz"))
    )


def kind_of(address: str) -> str:
    """Return the address without its numbers and query: one page of a kind is enough."""
    return re.sub(r"\d+", "#", address.partition("?")[0])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", list(Role))
def test_every_page_of_a_role_is_translated_and_leads_only_where_the_role_may_go(pseudo: Any, role: Role) -> None:
    client = pseudo.test_client()
    waiting, seen, wrong = plain_pages(pseudo), set(), []
    read: set[str] = set()
    linked: set[str] = set()
    refused: dict[str, int] = {}
    while waiting:
        address = waiting.pop(0)
        kind = kind_of(address)
        if kind in seen or "sign-out" in address or PAPER.search(kind):
            continue
        seen.add(kind)
        answer = client.get(address, headers={"X-Role": role})
        assert answer.status_code < 500, f"{address}: {answer.status}"
        if answer.status_code >= 400:
            refused[kind] = answer.status_code
        if answer.status_code >= 300 or answer.mimetype != "text/html":
            continue
        read.add(kind)
        assert len(read) < PAGES_MAX, f"addresses of one kind of page differ by more than numbers: {sorted(read)}"
        wrong += [f"{kind} {found}" for found in untranslated(answer.text)]
        links = [unescape(link) for link in LINK.findall(answer.text)]
        linked |= {kind_of(link) for link in links}
        waiting += [link for link in links if kind_of(link) not in seen]
    assert len(read) >= PAGES_MIN, sorted(read)
    assert {kind: status for kind, status in refused.items() if kind in linked} == {}
    assert not wrong, "\n".join(sorted(set(wrong)))
