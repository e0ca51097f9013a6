"""Row-level security: the second wall around what each role may see.

A row is seen if one of the table's read permissions is granted in a scope that covers it, and written likewise.
Who acts is told by ``app.grants`` and ``app.reach``, for one transaction; who was told nothing sees nothing.
``app.office`` names the package that acts on its own tables (see ``UnitOfWork.office``).
"""

from __future__ import annotations

from alembic import op

from migrations.policies import Rule, guard, unguard

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

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


def upgrade() -> None:
    """Go forward."""
    op.execute(FUNCTIONS)
    by_table = {rule.table: rule for rule in RULES}
    for rule in RULES:
        op.execute(guard(rule, by_table))


def downgrade() -> None:
    """Go back."""
    for rule in RULES:
        op.execute(unguard(rule))
    op.execute(
        """
        DROP FUNCTION app_today();
        DROP FUNCTION app_in_office(text[]);
        DROP FUNCTION app_reach(text, text[]);
        DROP FUNCTION app_somewhere(text[], text[]);
        DROP FUNCTION app_everywhere(text[]);
        """
    )
