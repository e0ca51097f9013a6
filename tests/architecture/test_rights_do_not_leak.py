"""Connections are shared, rights are not: a small pool serves many at once, and nobody sees another's rows (D3)."""

from __future__ import annotations

import ast
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.accounts.row_security import RULES
from app.foundation.actor import NOBODY, Actor, Scope
from app.foundation.database import make_engine, make_sessions
from app.foundation.unit_of_work import unit_of_work
from tests.conftest import NOON

APP = Path(__file__).resolve().parents[2] / "app"


def coordinator(county_id: int) -> Actor:
    grants = {"households.read": Scope.COUNTY, "needs.read": Scope.COUNTY}
    return Actor(1, "Somebody", "county_coordinator", grants, {Scope.COUNTY: (county_id,)})


class Broken(Exception):
    pass


def test_a_shared_connection_never_carries_rights_over(database_url, world):
    """Three connections, 16 threads, 1,200 transactions: some break, some open an office, some say nothing."""
    engine = make_engine(database_url, pool_size=3)
    engine.pool._max_overflow = 0  # type: ignore[attr-defined]
    engine.pool._timeout = 60  # type: ignore[attr-defined]
    sessions = make_sessions(engine)
    own, other = world.own, world.other
    leaks: list[Any] = []

    def visit(number: int) -> None:
        chance = random.Random(number)
        mine, theirs = chance.choice([(own, other), (other, own)])
        kind = chance.choice(["reads", "breaks", "fails in SQL", "opens an office", "says nothing", "is nobody"])
        try:
            if kind == "says nothing":
                with sessions() as session:
                    check(session, set(), number, kind)
                return
            actor = NOBODY if kind == "is nobody" else coordinator(mine["county"])
            with unit_of_work(sessions, actor, lambda: NOON) as uow:
                if kind == "opens an office":
                    with uow.office("needs"):
                        found = households(uow.session)
                        if not {mine["household"], theirs["household"]} <= found:
                            leaks.append((number, "the office is shut", found))
                check(uow.session, set() if kind == "is nobody" else {mine["household"]}, number, kind)
                if kind == "breaks":
                    raise Broken
                if kind == "fails in SQL":
                    with uow.office("stock"):
                        uow.session.execute(text("SELECT 1 / 0"))
        except Broken:
            pass
        except Exception as error:
            if "division by zero" not in str(error):
                raise

    def check(session: Any, expected: set[int], number: int, kind: str) -> None:
        found = households(session)
        if found != expected:
            leaks.append((number, kind, found, expected))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(visit, range(1200)))
    engine.dispose()
    assert leaks == []


def households(session: Any) -> set[int]:
    return set(session.execute(text("SELECT id FROM household")).scalars())


def test_requests_of_two_people_in_turn_never_mix(app, world, work):
    """Sixteen browsers of two counties ask for their lists through the whole application on a pool of two."""
    from app.accounts import service
    from tests import builders as make

    tokens = []
    with work() as uow:
        for ids in (world.own, world.other):
            person = make.a_user(uow, "county_coordinator", county_ids=[ids["county"]])
            tokens.append((service.make_token(uow, person.id, "test", 1)[1], ids["household"]))
    engine = app.extensions["edge"].sessions.kw["bind"]
    engine.pool._max_overflow = 0
    engine.pool._timeout = 60

    def ask(number: int) -> tuple[int, set[int]]:
        token, household_id = tokens[number % 2]
        answer = app.test_client().get("/api/v1/households", headers={"Authorization": f"Bearer {token}"})
        rows = answer.json.get("items") or answer.json.get("rows") or []
        return household_id, {row["id"] for row in rows}

    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(ask, range(160)))
    assert [found for household_id, found in seen if found != {household_id}] == []


def offices_in(path: Path) -> list[str]:
    """Return the names of the offices that a file opens; "?" where a name is not written out."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "office":
            name = node.args[0] if node.args else None
            found.append(name.value if isinstance(name, ast.Constant) else "?")
    return found


@pytest.mark.parametrize("path", sorted(APP.rglob("*.py")), ids=lambda path: str(path.relative_to(APP)))
def test_a_package_opens_its_own_office_only_and_not_from_its_edges(path):
    package = path.relative_to(APP).parts[0]
    opened = set(offices_in(path))
    assert opened <= {package}, f"{path} opens the office of another package"
    assert not opened or path.name not in ("api.py", "pages.py"), f"{path} is an edge: let its service open the office"


def test_every_office_of_the_rules_is_a_package():
    offices = {office for rule in RULES.values() for office in (*rule.offices, *rule.read_offices)}
    assert offices <= {path.name for path in APP.iterdir() if path.is_dir()}
