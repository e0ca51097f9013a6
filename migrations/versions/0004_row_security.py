"""Row-level security: the second wall around what each role may see.

A row is seen if one of the table's read permissions is granted in a scope that covers it, and written likewise.
Who acts is told by ``app.grants`` and ``app.reach``, for one transaction; who was told nothing sees nothing.
``app.office`` names the package that acts on its own tables (see ``UnitOfWork.office``).
"""

from __future__ import annotations

from typing import NamedTuple

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


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


RULES = [
    Rule(
        "organisation",
        read=["partners.read", "signals.report", "signals.read"],
        write=["partners.manage"],
        offices=["partners"],
        scoped_by={"county": "county_id", "organisation": "id"},
    ),
    Rule(
        "agreement",
        read=["partners.read", "signals.report", "signals.read"],
        write=["partners.manage"],
        offices=["partners"],
        follows=("organisation", "organisation_id"),
    ),
    Rule(
        "service_area",
        read=["partners.read", "signals.report", "signals.read"],
        write=["partners.manage"],
        offices=["partners"],
        follows=("organisation", "organisation_id"),
    ),
    Rule(
        "household",
        read=["households.read"],
        write=["signals.triage", "needs.change"],
        offices=["needs"],
        scoped_by={"county": "county_id"},
    ),
    Rule(
        "signal",
        read=["signals.read"],
        write=["signals.report", "signals.triage"],
        offices=["needs"],
        scoped_by={"county": "county_id", "organisation": "organisation_id"},
    ),
    Rule(
        "signal_line",
        read=["signals.read"],
        write=["signals.report", "signals.triage"],
        offices=["needs"],
        follows=("signal", "signal_id"),
    ),
    Rule(
        "need",
        read=["needs.read", "signals.read", "allocation.read"],
        write=["needs.change", "signals.triage", "allocation.run", "allocation.approve"],
        offices=["needs"],
        read_offices=("allocation",),
        scoped_by={"county": "county_id", "organisation": "organisation_id"},
    ),
    Rule(
        "share",
        read=["allocation.read"],
        write=["allocation.run", "allocation.approve"],
        offices=["allocation"],
        scoped_by={"county": "county_id"},
    ),
    Rule(
        "missing_share",
        read=["allocation.read"],
        write=["allocation.run", "allocation.approve"],
        offices=["allocation"],
        scoped_by={"county": "county_id"},
    ),
    Rule(
        "need_exclusion",
        read=["allocation.read"],
        write=["allocation.run", "allocation.approve"],
        offices=["allocation"],
        scoped_by={"county": "county_id"},
    ),
    Rule(
        "warehouse",
        read=["catalogue.read"],
        write=["warehouses.manage"],
        offices=["stock"],
        scoped_by={"county": "county_id", "warehouse": "id"},
    ),
    Rule(
        "place",
        read=["catalogue.read"],
        write=["warehouses.manage", "fleet.manage", "stock.operate"],
        offices=["stock"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "movement",
        read=["stock.read"],
        write=["stock.operate", "stock.write_off", "donations.receive"],
        offices=["stock"],
        read_offices=("allocation",),
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "balance",
        read=["stock.read"],
        write=["stock.operate", "stock.write_off", "donations.receive"],
        offices=["stock"],
        read_offices=("allocation",),
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "voucher",
        read=["stock.read", "donations.read", "runs.read"],
        write=["stock.operate", "donations.receive", "runs.load"],
        offices=["stock"],
        read_offices=("donations", "delivery"),
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "donor",
        read=["donations.read", "donations.receive", "offers.own", "users.manage"],
        write=["donations.offer", "donations.decide", "donations.receive", "offers.own"],
        offices=["donations"],
        anywhere=True,
        scoped_by={"own": "id"},
    ),
    Rule(
        "offer",
        read=["donations.read", "donations.receive", "offers.own"],
        write=["donations.offer", "donations.decide", "donations.receive", "offers.own"],
        offices=["donations"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id", "own": "donor_id"},
    ),
    Rule(
        "offer_line",
        read=["donations.read", "donations.receive", "offers.own"],
        write=["donations.offer", "donations.decide", "donations.receive", "offers.own"],
        offices=["donations"],
        follows=("offer", "offer_id"),
    ),
    Rule(
        "arrival",
        read=["donations.read", "donations.receive", "stock.read"],
        write=["donations.receive", "donations.decide"],
        offices=["donations"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "arrival_line",
        read=["donations.read", "donations.receive", "stock.read"],
        write=["donations.receive", "donations.decide"],
        offices=["donations"],
        follows=("arrival", "arrival_id"),
    ),
    Rule(
        "vehicle",
        read=["fleet.read", "runs.read", "plans.read"],
        write=["fleet.manage"],
        offices=["delivery"],
        anywhere=True,
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "vehicle_absence",
        read=["fleet.read", "runs.read", "plans.read"],
        write=["fleet.manage"],
        offices=["delivery"],
        anywhere=True,
        follows=("vehicle", "vehicle_id"),
    ),
    Rule(
        "driver",
        read=["fleet.read", "runs.read", "plans.read"],
        write=["fleet.manage"],
        offices=["delivery"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id", "own": "id"},
    ),
    Rule(
        "run",
        read=["runs.read", "runs.load", "runs.drive", "plans.read"],
        write=["plans.publish", "runs.change", "runs.load", "runs.drive"],
        offices=["delivery"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id", "own": "driver_id"},
    ),
    Rule(
        "stop",
        read=["runs.read", "runs.load", "runs.drive", "plans.read"],
        write=["plans.publish", "runs.change", "runs.load", "runs.drive"],
        offices=["delivery"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id", "own": "driver_id"},
    ),
    Rule(
        "parcel",
        read=["runs.read", "runs.load", "runs.drive", "plans.read", "allocation.read"],
        write=["runs.load", "runs.drive", "runs.change", "plans.publish", "allocation.approve"],
        offices=["delivery"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id", "own": "driver_id"},
    ),
    Rule(
        "parcel_line",
        read=["runs.read", "runs.load", "runs.drive", "plans.read", "allocation.read"],
        write=["runs.load", "runs.drive", "runs.change", "plans.publish", "allocation.approve"],
        offices=["delivery"],
        follows=("parcel", "parcel_id"),
    ),
    Rule(
        "proof",
        read=["runs.read", "runs.drive"],
        write=["runs.drive"],
        offices=["delivery"],
        scoped_by={"county": "county_id", "own": "driver_id"},
    ),
    Rule(
        "plan",
        read=["plans.read"],
        write=["plans.plan", "plans.publish", "plans.import"],
        offices=["planning"],
    ),
    Rule(
        "plan_version",
        read=["plans.read"],
        write=["plans.plan", "plans.publish", "plans.import"],
        offices=["planning"],
        follows=("plan", "plan_id"),
    ),
]
READS_ALL = "backup"
SCOPES = ("county", "warehouse", "organisation", "own")

# plpgsql, because its plans are kept; each is called at most once a statement, from a subselect that depends on no row.
FUNCTIONS = """
CREATE FUNCTION app_everywhere(permissions text[]) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    grants jsonb := nullif(current_setting('app.grants', true), '')::jsonb;
    permission text;
BEGIN
    FOREACH permission IN ARRAY permissions LOOP
        IF grants ->> permission = 'all' THEN RETURN true; END IF;
    END LOOP;
    RETURN false;
END $$;

CREATE FUNCTION app_somewhere(permissions text[], scopes text[]) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    grants jsonb := nullif(current_setting('app.grants', true), '')::jsonb;
    permission text;
BEGIN
    FOREACH permission IN ARRAY permissions LOOP
        IF grants ->> permission = ANY (scopes) THEN RETURN true; END IF;
    END LOOP;
    RETURN false;
END $$;

CREATE FUNCTION app_reach(scope text, permissions text[]) RETURNS bigint[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    grants jsonb := nullif(current_setting('app.grants', true), '')::jsonb;
    permission text;
BEGIN
    FOREACH permission IN ARRAY permissions LOOP
        IF grants ->> permission = scope THEN
            RETURN ARRAY(SELECT jsonb_array_elements_text(current_setting('app.reach', true)::jsonb -> scope)::bigint);
        END IF;
    END LOOP;
    RETURN '{}';
END $$;

CREATE FUNCTION app_in_office(offices text[]) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN coalesce(current_setting('app.office', true), '') = ANY (offices);
END $$;

CREATE FUNCTION app_today() RETURNS date LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (nullif(current_setting('app.now', true), '')::timestamptz AT TIME ZONE 'Europe/Budapest')::date;
END $$;
"""

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


def upgrade() -> None:
    """Go forward."""
    op.execute(FUNCTIONS)
    by_table = {rule.table: rule for rule in RULES}
    for rule in RULES:
        read, write = readable(rule), writable(rule, by_table)
        op.execute(
            f"""
            ALTER TABLE "{rule.table}" ENABLE ROW LEVEL SECURITY;
            ALTER TABLE "{rule.table}" FORCE ROW LEVEL SECURITY;
            CREATE POLICY readable ON "{rule.table}" FOR SELECT USING ({read});
            CREATE POLICY insertable ON "{rule.table}" FOR INSERT WITH CHECK ({write});
            CREATE POLICY changeable ON "{rule.table}" FOR UPDATE USING ({write}) WITH CHECK ({write});
            CREATE POLICY deletable ON "{rule.table}" FOR DELETE USING ({write});
            """
        )


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
    covered = " OR ".join(scopes(by_table[parent], rule.write))
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


def downgrade() -> None:
    """Go back."""
    for rule in RULES:
        op.execute(
            f"""
            DROP POLICY readable ON "{rule.table}";
            DROP POLICY insertable ON "{rule.table}";
            DROP POLICY changeable ON "{rule.table}";
            DROP POLICY deletable ON "{rule.table}";
            ALTER TABLE "{rule.table}" NO FORCE ROW LEVEL SECURITY;
            ALTER TABLE "{rule.table}" DISABLE ROW LEVEL SECURITY;
            """
        )
    op.execute(
        """
        DROP FUNCTION app_today();
        DROP FUNCTION app_in_office(text[]);
        DROP FUNCTION app_reach(text, text[]);
        DROP FUNCTION app_somewhere(text[], text[]);
        DROP FUNCTION app_everywhere(text[]);
        """
    )
