"""What the menu of each role holds. A line whose page does not exist yet is left out."""

from __future__ import annotations

from app.accounts.roles import Role
from app.foundation.words import Message, say

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

HOME = ("reports.home", say("Home"), "home")
SIGNALS = ("needs.signals", say("Signals"), "message-report")
NEEDS = ("needs.needs", say("Needs"), "clipboard-list")
HOUSEHOLDS = ("needs.households", say("Households"), "users")
ALLOCATION = ("allocation.runs", say("Allocation"), "scale")
PARTNERS = ("partners.organisations", say("Partners"), "building-community")
STOCK = ("stock.stock", say("Stock"), "packages")
SCAN = ("stock.scan", say("Scan"), "scan")
MOVEMENTS = ("stock.movements", say("Movements"), "arrows-exchange")
LEDGER = ("stock.proof", say("Ledger"), "book-2")
DONATIONS = ("donations.offers", say("Donations"), "gift")
PLANS = ("planning.plans", say("Planning"), "route")
RUNS = ("delivery.runs", say("Runs"), "truck")
VEHICLES = ("delivery.vehicles", say("Vehicles"), "car")
ITEMS = ("catalogue.items", say("Items"), "box")
SETTLEMENTS = ("geography.settlements", say("Settlements"), "map-pin")
USERS = ("accounts.users", say("Users"), "users")
JOURNAL = ("audit.journal", say("Journal"), "history")
ALL_JOBS = ("audit.jobs", say("Jobs"), "progress")

MENU: dict[str, list[tuple[str, Message, str]]] = {
    Role.ADMIN: [HOME, USERS, ITEMS, PARTNERS, SETTLEMENTS, ALL_JOBS, JOURNAL],
    Role.NATIONAL_COORDINATOR: [HOME, SIGNALS, NEEDS, ALLOCATION, PLANS, STOCK, DONATIONS],
    Role.COUNTY_COORDINATOR: [HOME, SIGNALS, NEEDS, ALLOCATION, HOUSEHOLDS, DONATIONS, STOCK],
    Role.WAREHOUSE_MANAGER: [HOME, STOCK, DONATIONS, MOVEMENTS, RUNS, LEDGER],
    Role.WAREHOUSE_WORKER: [HOME, SCAN, STOCK, RUNS, DONATIONS],
    Role.DISPATCHER: [HOME, PLANS, RUNS, NEEDS, VEHICLES, STOCK],
    Role.DRIVER: [HOME, RUNS],
    Role.PARTNER: [
        HOME,
        ("needs.report_form", say("New signal"), "plus"),
        ("needs.signals", say("Own signals"), "list"),
    ],
    Role.DONOR: [HOME, ("donations.offers", say("Own offers"), "gift")],
    Role.AUDITOR: [HOME, JOURNAL, LEDGER, STOCK, RUNS, ALL_JOBS, PARTNERS],
}
"""At most seven words each; the first three are the places at the thumb on a phone."""

OWN: list[tuple[str, Message, str]] = [
    ("accounts.sessions", say("Sign-ins and password"), "user"),
    ("accounts.tokens", say("API tokens"), "key"),
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
