"""What the menu of each role holds. A line whose page does not exist yet is left out."""

from __future__ import annotations

from typing import NamedTuple

from app.accounts.roles import Role
from app.foundation.words import Message, say


class Line(NamedTuple):
    """A line of a menu: the page, what it is called, its sign."""

    endpoint: str
    label: Message
    icon: str


ROLE_NAMES: dict[str, Message] = {
    Role.ADMIN: say("Administrator"),
    Role.NATIONAL_COORDINATOR: say("National coordinator"),
    Role.COUNTY_COORDINATOR: say("County coordinator"),
    Role.WAREHOUSE_MANAGER: say("Warehouse manager"),
    Role.WAREHOUSE_WORKER: say("Warehouse worker"),
    Role.DISPATCHER: say("Dispatcher"),
    Role.DRIVER: say("Driver"),
    Role.PARTNER: say("Signalling partner"),
    Role.DONOR: say("Donor"),
    Role.AUDITOR: say("Auditor"),
}

HOME = Line("reports.home", say("Home"), icon="home")
SIGNALS = Line("needs.signals", say("Signals"), icon="message-report")
NEEDS = Line("needs.needs", say("Needs"), icon="clipboard-list")
HOUSEHOLDS = Line("needs.households", say("Households"), icon="users")
ALLOCATION = Line("allocation.runs", say("Allocation"), icon="scale")
PARTNERS = Line("partners.organisations", say("Partners"), icon="building-community")
STOCK = Line("stock.stock", say("Stock"), icon="packages")
SCAN = Line("floor.scan", say("Scan"), icon="scan")
MOVEMENTS = Line("stock.movements", say("Movements"), icon="arrows-exchange")
LEDGER = Line("stock.proof", say("Ledger"), icon="book-2")
DONATIONS = Line("donations.offers", say("Donations"), icon="gift")
PLANS = Line("planning.plans", say("Planning"), icon="route")
RUNS = Line("delivery.runs", say("Runs"), icon="truck")
VEHICLES = Line("delivery.vehicles", say("Vehicles"), icon="car")
ITEMS = Line("catalogue.items", say("Items"), icon="box")
SETTLEMENTS = Line("geography.settlements", say("Settlements"), icon="map-pin")
USERS = Line("accounts.users", say("Users"), icon="users")
JOURNAL = Line("audit.journal", say("Journal"), icon="history")
ALL_JOBS = Line("audit.jobs", say("Jobs"), icon="progress")

MENU: dict[str, list[Line]] = {
    Role.ADMIN: [HOME, USERS, ITEMS, PARTNERS, SETTLEMENTS, ALL_JOBS, JOURNAL],
    Role.NATIONAL_COORDINATOR: [HOME, SIGNALS, NEEDS, ALLOCATION, PLANS, STOCK, DONATIONS],
    Role.COUNTY_COORDINATOR: [HOME, SIGNALS, NEEDS, ALLOCATION, HOUSEHOLDS, DONATIONS, STOCK],
    Role.WAREHOUSE_MANAGER: [HOME, STOCK, SCAN, DONATIONS, MOVEMENTS, RUNS, LEDGER],
    Role.WAREHOUSE_WORKER: [HOME, SCAN, STOCK, RUNS, DONATIONS],
    Role.DISPATCHER: [HOME, PLANS, RUNS, NEEDS, VEHICLES, STOCK],
    Role.DRIVER: [HOME, RUNS],
    Role.PARTNER: [
        HOME,
        Line("needs.report_form", say("New signal"), icon="plus"),
        Line("needs.signals", say("Own signals"), icon="list"),
    ],
    Role.DONOR: [HOME, Line("donations.offers", say("Own offers"), icon="gift")],
    Role.AUDITOR: [HOME, JOURNAL, LEDGER, STOCK, RUNS, ALL_JOBS, PARTNERS],
}
"""At most seven words each; the first three are the places at the thumb on a phone."""

OWN: list[Line] = [
    Line("accounts.sessions", say("Sign-ins and password"), icon="user"),
    Line("accounts.tokens", say("API tokens"), icon="key"),
]

SEARCH: dict[str, str] = {
    Role.NATIONAL_COORDINATOR: "needs.needs",
    Role.COUNTY_COORDINATOR: "needs.needs",
    Role.DISPATCHER: "needs.needs",
    Role.WAREHOUSE_MANAGER: "stock.stock",
    Role.WAREHOUSE_WORKER: "stock.stock",
    Role.PARTNER: "needs.signals",
    Role.ADMIN: "accounts.users",
    Role.AUDITOR: "stock.stock",
}
"""Where the search of the bar asks, by ``?q=``."""
JOBS = "audit.jobs"
