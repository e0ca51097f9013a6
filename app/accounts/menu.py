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

MENU: dict[str, list[tuple[str, Message, str]]] = {
    Role.ADMIN: [("accounts.users", say("Users"), "users")],
}

OWN: list[tuple[str, Message, str]] = [
    ("accounts.sessions", say("Sign-ins and password"), "user"),
    ("accounts.tokens", say("API tokens"), "key"),
]

SEARCH: dict[str, str] = {}
JOBS = "audit.jobs"
