"""Row-level security alone: what each role reads and writes when the application forgets to ask (D2)."""

from __future__ import annotations

import importlib.util
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.accounts.roles import GRANTS, PERMISSIONS, Role
from app.accounts.row_security import RULES, Rule
from app.foundation.actor import NOBODY, Scope
from app.foundation.database import Base
from app.needs.models import Need
from tests.conftest import NOON

MODELS: dict[str, Any] = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
LEDGER_IS_CLOSED = {"movement", "box_move", "stocktake_count"}
"""Tables whose rows nobody changes, whatever their rights."""


def scoped_by(table: str) -> dict[Scope, str]:
    rule = RULES[table]
    if table == "plan":
        return {Scope.COUNTY: "county_ids"}
    if rule.follows:
        return scoped_by(rule.follows[0])
    return MODELS[table].SCOPED_BY


def reaches(role: Role, permissions: tuple[str, ...], table: str) -> tuple[bool, bool]:
    """Return whether the role's rights reach (its own, another's) row, by the table of roles alone."""
    own = other = False
    columns = scoped_by(table)
    for scope in (GRANTS[role][permission] for permission in permissions if permission in GRANTS[role]):
        if scope is Scope.ALL or (RULES[table].anywhere and scope not in columns):
            own = other = True
        own = own or scope in columns
    return own, other


def written(rule: Rule, table: str) -> dict[str, Any]:
    scopes = {} if rule.follows or table == "plan" else {scope.value: name for scope, name in scoped_by(table).items()}
    return {
        "table": table,
        "read": list(rule.read),
        "write": list(rule.write),
        "offices": list(rule.offices),
        "read_offices": tuple(rule.read_offices),
        "anywhere": rule.anywhere,
        "scoped_by": scopes,
        "follows": rule.follows,
    }


def test_the_migration_holds_the_same_rules_as_the_models_and_the_table():
    # A later migration's rule stands in place of an earlier one's.
    migrations = ("0004_row_security", "0007_floor_row_security", "0008_totals_and_own_arrivals")
    rules = {rule.table: rule._asdict() for name in migrations for rule in rules_of(name)}
    assert list(rules.values()) == [written(rule, table) for table, rule in RULES.items()]


def rules_of(migration: str) -> list[Any]:
    path = Path(__file__).parents[2] / f"migrations/versions/{migration}.py"
    spec = importlib.util.spec_from_file_location(migration, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.RULES


def test_every_table_that_is_scoped_has_a_rule_and_no_rule_names_an_unknown_permission():
    scoped = {name for name, model in MODELS.items() if hasattr(model, "SCOPED_BY")}
    assert scoped <= set(RULES)
    for table, rule in RULES.items():
        assert set(rule.read) | set(rule.write) <= PERMISSIONS, table


def test_the_database_forces_the_rules_also_on_the_owner(superuser_url):
    with psycopg.connect(superuser_url) as database:
        forced = database.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        ).fetchall()
    assert {name for (name,) in forced} == set(RULES)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_reads_exactly_the_rows_its_rights_reach(work, world, role):
    found, expected = {}, {}
    with work(world.actors[role]) as uow:
        for table in RULES:
            seen = {row.id for row in uow.session.execute(text(f'SELECT id FROM "{table}"'))}
            found[table] = (world.own[table] in seen, world.other[table] in seen)
            expected[table] = reaches(role, RULES[table].read, table)
    if role is Role.DISPATCHER:
        expected["household"] = (True, False)  # A parcel of it is on a run.
    assert found == expected


@pytest.mark.parametrize("role", list(Role))
def test_a_role_changes_exactly_the_rows_its_rights_reach(work, world, role):
    found, expected = {}, {}
    with work(world.actors[role]) as uow:
        for table, rule in RULES.items():
            if table in LEDGER_IS_CLOSED:
                continue
            column = next(each.name for each in MODELS[table].__table__.columns if each.name != "id")
            statement = text(f'UPDATE "{table}" SET "{column}" = "{column}" WHERE id = :id')
            found[table] = tuple(
                uow.session.execute(statement, {"id": ids[table]}).rowcount == 1 for ids in (world.own, world.other)
            )
            read, write = reaches(role, rule.read, table), reaches(role, rule.write, table)
            expected[table] = (read[0] and write[0], read[1] and write[1])
    assert found == expected


@pytest.mark.parametrize("role", list(Role))
def test_a_role_adds_no_need_outside_its_reach(work, world, role):
    read, write = reaches(role, RULES["need"].read, "need"), reaches(role, RULES["need"].write, "need")
    for ids, allowed in zip((world.own, world.other), (read[0] and write[0], read[1] and write[1]), strict=True):
        need = Need(
            household_id=ids["household"],
            county_id=ids["county"],
            settlement_id=ids["settlement"],
            item_id=ids["item"],
            quantity=1,
            urgency=1,
            opened_at=NOON,
        )
        if allowed:
            with work(world.actors[role]) as uow:
                uow.session.add(need)
        else:
            with pytest.raises(ProgrammingError, match="row-level security"), work(world.actors[role]) as uow:
                uow.session.add(need)


def test_nobody_and_who_says_nothing_see_nothing(work, sessions, world):
    with work(NOBODY) as uow:
        assert {table: count(uow.session, table) for table in RULES} == dict.fromkeys(RULES, 0)
    with sessions() as session:
        assert {table: count(session, table) for table in RULES} == dict.fromkeys(RULES, 0)


def count(session: Any, table: str) -> int:
    return session.execute(text(f'SELECT count(*) FROM "{table}"')).scalar()


def test_a_driver_reads_a_familys_address_from_loading_to_the_end_of_the_next_day_only(work, clock, world):
    def sees() -> bool:
        with work(world.actors[Role.DRIVER]) as uow:
            return count(uow.session, "household") == 1

    def turn(state: str) -> None:
        with work() as uow:
            uow.session.execute(text("UPDATE run SET state = :state"), {"state": state})

    assert not sees()
    for state in ("loading", "on_the_road", "closed"):
        turn(state)
        assert sees(), state
    clock.now = NOON + timedelta(days=2)  # The run was tomorrow; this is the day after it.
    assert sees()
    clock.now = NOON + timedelta(days=3)
    assert not sees()


def test_an_office_opens_the_packages_own_tables_and_shuts_again(work, world):
    with work(world.actors[Role.DRIVER]) as uow:
        with uow.office("stock"):
            assert count(uow.session, "balance") > 0
            assert count(uow.session, "household") == 0
            with uow.office("needs"):
                assert count(uow.session, "need") == 2
                assert count(uow.session, "balance") == 0
            assert count(uow.session, "balance") > 0
        assert count(uow.session, "balance") == 0


def test_an_office_shuts_also_when_what_happens_in_it_is_refused(work, world):
    with work(world.actors[Role.DRIVER]) as uow:
        with pytest.raises(LookupError), uow.office("stock"):
            raise LookupError
        assert count(uow.session, "balance") == 0
