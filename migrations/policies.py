"""Policies of row-level security as migrations write them: from who reads and writes a table to SQL."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """Who reads and writes the rows of a table, as app/accounts/row_security.py says it."""

    table: str
    read: list[str]
    write: list[str]
    offices: list[str]
    read_offices: tuple[str, ...] = ()
    anywhere: bool = False
    scoped_by: dict[str, str] = {}  # noqa: RUF012
    follows: tuple[str, str] | None = None


READS_ALL = "backup"
SCOPES = ("county", "warehouse", "organisation", "own")

# Need to know: contact of a household for the driver from loading to the end of the day and the next one, for the
# dispatcher while a parcel of it is on a run.
CONTACT = """
    (SELECT app_somewhere('{stops.contact}', '{own}')) AND EXISTS (
        SELECT FROM parcel JOIN stop ON stop.id = parcel.stop_id JOIN run ON run.id = stop.run_id
        WHERE parcel.household_id = household.id
          AND run.driver_id = ANY ((SELECT app_reach('own', '{stops.contact}'))::bigint[])
          AND run.state IN ('loading', 'on_the_road', 'closed') AND run."on" >= (SELECT app_today()) - 1
    )
    OR (SELECT app_somewhere('{stops.contact}', '{county}')) AND EXISTS (
        SELECT FROM parcel
        WHERE parcel.household_id = household.id AND parcel.state IN ('planned', 'loaded')
          AND parcel.county_id = ANY ((SELECT app_reach('county', '{stops.contact}'))::bigint[])
    )
"""


def guard(rule: Rule, by_table: dict[str, Rule]) -> str:
    """Return the statements that put a table behind its rule."""
    read, write = readable(rule), writable(rule, by_table)
    return f"""
        ALTER TABLE "{rule.table}" ENABLE ROW LEVEL SECURITY;
        ALTER TABLE "{rule.table}" FORCE ROW LEVEL SECURITY;
        CREATE POLICY readable ON "{rule.table}" FOR SELECT USING ({read});
        CREATE POLICY insertable ON "{rule.table}" FOR INSERT WITH CHECK ({write});
        CREATE POLICY changeable ON "{rule.table}" FOR UPDATE USING ({write}) WITH CHECK ({write});
        CREATE POLICY deletable ON "{rule.table}" FOR DELETE USING ({write});
    """


def unguard(rule: Rule) -> str:
    """Return the statements that take the rule from a table."""
    return f"""
        DROP POLICY readable ON "{rule.table}";
        DROP POLICY insertable ON "{rule.table}";
        DROP POLICY changeable ON "{rule.table}";
        DROP POLICY deletable ON "{rule.table}";
        ALTER TABLE "{rule.table}" NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE "{rule.table}" DISABLE ROW LEVEL SECURITY;
    """


def readable(rule: Rule) -> str:
    """Return the condition under which a row is seen."""
    offices = array([*rule.offices, *rule.read_offices, READS_ALL])
    arms = [f"(SELECT app_everywhere({array(rule.read)}))", f"(SELECT app_in_office({offices}))"]
    if rule.follows:
        parent, column = rule.follows
        return " OR ".join([*arms, f'EXISTS (SELECT FROM "{parent}" WHERE "{parent}".id = "{rule.table}".{column})'])
    arms += scopes(rule, rule.read)
    if rule.table == "household":
        arms.append(CONTACT)
    return " OR ".join(arms)


def writable(rule: Rule, by_table: dict[str, Rule]) -> str:
    """Return the condition under which a row is written."""
    arms = [f"(SELECT app_everywhere({array(rule.write)}))", f"(SELECT app_in_office({array(rule.offices)}))"]
    if not rule.follows:
        return " OR ".join([*arms, *scopes(rule, rule.write)])
    parent, column = rule.follows
    covered = " OR ".join(scopes(by_table[parent], rule.write)) or "false"
    arms.append(f'EXISTS (SELECT FROM "{parent}" WHERE "{parent}".id = "{rule.table}".{column} AND ({covered}))')
    return " OR ".join(arms)


def scopes(rule: Rule, permissions: list[str]) -> list[str]:
    """Return a condition for each scope by which the table's rows are told apart."""
    if rule.table == "plan":
        return [f"county_ids <@ (SELECT app_reach('county', {array(permissions)}))"]
    arms = [
        f"\"{rule.table}\".{column} = ANY ((SELECT app_reach('{scope}', {array(permissions)}))::bigint[])"
        for scope, column in rule.scoped_by.items()
    ]
    if rule.anywhere:
        others = array([scope for scope in SCOPES if scope not in rule.scoped_by])
        arms.append(f"(SELECT app_somewhere({array(permissions)}, {others}))")
    return arms


def array(words: list[str]) -> str:
    """Return a text array as SQL."""
    return "'{" + ",".join(words) + "}'"
