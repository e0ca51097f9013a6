"""The one table of who may do what. What is not here is refused.

Each role maps its permissions to the scope in which they hold: all, county, warehouse, organisation or own.
Other counties see totals, never families. A warehouse never sees families. An admin is not a reader of families.
"""

from __future__ import annotations

from enum import StrEnum

from app.foundation.actor import Actor, Scope


class Role(StrEnum):
    """What a person is here."""

    ADMIN = "admin"
    NATIONAL_COORDINATOR = "national_coordinator"
    COUNTY_COORDINATOR = "county_coordinator"
    WAREHOUSE_MANAGER = "warehouse_manager"
    WAREHOUSE_WORKER = "warehouse_worker"
    DISPATCHER = "dispatcher"
    DRIVER = "driver"
    PARTNER = "partner"
    DONOR = "donor"
    AUDITOR = "auditor"


ALL, COUNTY, WAREHOUSE, ORGANISATION, OWN = (
    Scope.ALL,
    Scope.COUNTY,
    Scope.WAREHOUSE,
    Scope.ORGANISATION,
    Scope.OWN,
)

EVERYBODY = {"geography.read": ALL, "catalogue.read": ALL, "account.own": OWN}

GRANTS: dict[Role, dict[str, Scope]] = {
    Role.ADMIN: {
        **EVERYBODY,
        "users.manage": ALL,
        "settings.manage": ALL,
        "geography.import": ALL,
        "catalogue.manage": ALL,
        "partners.read": ALL,
        "partners.manage": ALL,
        "warehouses.manage": ALL,
        "jobs.read": ALL,
        "jobs.cancel": ALL,
        "journal.read": ALL,
        "stock.read": ALL,
        "transfers.read": ALL,
        "kits.manage": ALL,
        "ledger.verify": ALL,
        "fleet.read": ALL,
        "fleet.manage": ALL,
        "plans.read": ALL,
        "plans.import": ALL,
        "totals.read": ALL,
    },
    Role.NATIONAL_COORDINATOR: {
        **EVERYBODY,
        "partners.read": ALL,
        "partners.manage": ALL,
        "signals.report": ALL,
        "signals.read": ALL,
        "signals.triage": ALL,
        "households.read": ALL,
        "needs.read": ALL,
        "needs.change": ALL,
        "urgency.manage": ALL,
        "stock.read": ALL,
        "stock.levels": ALL,
        "transfers.read": ALL,
        "transfers.request": ALL,
        "kits.manage": ALL,
        "donations.read": ALL,
        "donations.offer": ALL,
        "donations.decide": ALL,
        "allocation.read": ALL,
        "allocation.run": ALL,
        "allocation.approve": ALL,
        "plans.read": ALL,
        "plans.plan": ALL,
        "plans.publish": ALL,
        "fleet.read": ALL,
        "runs.read": ALL,
        "jobs.read": OWN,
        "jobs.cancel": OWN,
        "journal.read": ALL,
        "ledger.verify": ALL,
        "totals.read": ALL,
    },
    Role.COUNTY_COORDINATOR: {
        **EVERYBODY,
        "partners.read": COUNTY,
        "signals.report": COUNTY,
        "signals.read": COUNTY,
        "signals.triage": COUNTY,
        "households.read": COUNTY,
        "needs.read": COUNTY,
        "needs.change": COUNTY,
        "stock.read": COUNTY,
        "stock.levels": COUNTY,
        "transfers.read": ALL,
        "transfers.request": COUNTY,
        "donations.read": COUNTY,
        "donations.offer": COUNTY,
        "donations.decide": COUNTY,
        "allocation.read": COUNTY,
        "allocation.run": COUNTY,
        "allocation.approve": COUNTY,
        "runs.read": COUNTY,
        "jobs.read": OWN,
        "jobs.cancel": OWN,
        "totals.read": ALL,
    },
    Role.WAREHOUSE_MANAGER: {
        **EVERYBODY,
        "stock.read": WAREHOUSE,
        "stock.operate": WAREHOUSE,
        "stock.write_off": WAREHOUSE,
        "stock.levels": WAREHOUSE,
        "stock.review": WAREHOUSE,
        "stock.import": WAREHOUSE,
        "stocktakes.manage": WAREHOUSE,
        "vouchers.cancel": WAREHOUSE,
        "transfers.read": ALL,
        "transfers.request": WAREHOUSE,
        "kits.manage": ALL,
        "donations.read": WAREHOUSE,
        "donations.offer": WAREHOUSE,
        "donations.decide": WAREHOUSE,
        "donations.receive": WAREHOUSE,
        "runs.read": WAREHOUSE,
        "runs.load": WAREHOUSE,
        "ledger.verify": WAREHOUSE,
        "totals.read": ALL,
    },
    Role.WAREHOUSE_WORKER: {
        **EVERYBODY,
        "stock.read": WAREHOUSE,
        "stock.operate": WAREHOUSE,
        "transfers.read": ALL,
        "donations.read": WAREHOUSE,
        "donations.offer": WAREHOUSE,
        "donations.receive": WAREHOUSE,
        "runs.read": WAREHOUSE,
        "runs.load": WAREHOUSE,
    },
    Role.DISPATCHER: {
        **EVERYBODY,
        "stock.read": COUNTY,
        "transfers.read": ALL,
        "transfers.request": COUNTY,
        "needs.read": COUNTY,
        "plans.read": COUNTY,
        "plans.plan": COUNTY,
        "plans.publish": COUNTY,
        "fleet.read": COUNTY,
        "fleet.manage": COUNTY,
        "runs.read": COUNTY,
        "runs.change": COUNTY,
        "stops.contact": COUNTY,
        "jobs.read": OWN,
        "jobs.cancel": OWN,
        "totals.read": ALL,
    },
    Role.DRIVER: {
        **EVERYBODY,
        "runs.read": OWN,
        "runs.drive": OWN,
        "stops.contact": OWN,
    },
    Role.PARTNER: {
        **EVERYBODY,
        "signals.report": ORGANISATION,
        "signals.read": ORGANISATION,
    },
    Role.DONOR: {
        **EVERYBODY,
        "offers.own": OWN,
        "donations.read": OWN,
        "donations.offer": OWN,
    },
    Role.AUDITOR: {
        **EVERYBODY,
        "stock.read": ALL,
        "transfers.read": ALL,
        "ledger.verify": ALL,
        "donations.read": ALL,
        "journal.read": ALL,
        "access.read": ALL,
        "jobs.read": ALL,
        "runs.read": ALL,
        "plans.read": ALL,
        "allocation.read": ALL,
        "partners.read": ALL,
        "fleet.read": ALL,
        "totals.read": ALL,
    },
}

PERMISSIONS = frozenset(permission for grants in GRANTS.values() for permission in grants)

SEES_FAMILIES = frozenset(role for role, grants in GRANTS.items() if "households.read" in grants)
"""Roles that must sign in with a second factor."""

SYSTEM = Actor(None, "job", "job", grants=dict.fromkeys(sorted(PERMISSIONS), Scope.ALL))
"""Whom promised work acts as: whoever promised it was asked for the permission then."""
