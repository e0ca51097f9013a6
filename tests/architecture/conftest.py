"""The whole application on the two counties, and a program of each role that calls it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from app.accounts import service
from app.accounts.roles import Role
from app.factory import create_app
from app.foundation.http import EITHER, permission_of
from tests import world as worlds

TABLE_OF = {
    "missing_id": "missing_share",
    "import_id": "register_import",
    "session_id": "web_session",
    "token_id": "api_token",
    "rule_id": "urgency_rule",
    "user_id": "app_user",
}
"""Where the name of an argument is not the table's."""


@dataclass(frozen=True)
class Route:
    """One address and method: what it asks for, and the table of the thing that its last argument names."""

    method: str
    rule: str
    endpoint: str
    permission: str | None
    arguments: tuple[str, ...]

    @property
    def permissions(self) -> list[str]:
        return (self.permission or "").split(EITHER)

    @property
    def table(self) -> str | None:
        if "stop_id" in self.arguments:
            return "stop"  # The driver's pages of a stop name its households, and show them by other rights.
        return self.table_of(self.arguments[-1]) if self.arguments else None

    def table_of(self, argument: str) -> str:
        if self.endpoint == "planning.plan_run":
            return "plan"  # A run of the plan's own counting.
        if argument == "run_id" and self.endpoint.startswith("allocation"):
            return "allocation_run"
        return TABLE_OF.get(argument, argument.removesuffix("_id"))

    def address(self, ids: dict[str, int]) -> str | None:
        """Return the address of these things; None if one of them is not in the world."""
        address = self.rule
        for argument in self.arguments:
            if self.table_of(argument) not in ids:
                return None
            address = address.replace(f"<int:{argument}>", str(ids[self.table_of(argument)]))
        return None if "<" in address else address

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


def routes_of(app: Any) -> Iterator[Route]:
    """Return every route, in order; an argument comes in the order of the address."""
    with app.app_context():
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
            arguments = tuple(part.partition(":")[2] or part for part in _arguments(rule.rule))
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Route(method, rule.rule, rule.endpoint, permission_of(rule.endpoint, method), arguments)


def _arguments(rule: str) -> list[str]:
    return [part.split(">")[0] for part in rule.split("<")[1:]]


@pytest.fixture(scope="module")
def template(template_with: Any) -> str:
    return template_with("world", worlds.fill)


@pytest.fixture
def world(database_url: str) -> worlds.World:
    return worlds.the_world()


@pytest.fixture
def app(settings: Any, clock: Any, world: Any) -> Any:
    made = create_app(settings, clock=clock, ring=lambda _: None)
    made.config["TESTING"] = True
    return made


@pytest.fixture
def token_of(work: Any, world: worlds.World) -> Any:
    """Return a new API token of somebody of the role."""

    def make(role: Role) -> str:
        with work() as uow:
            return service.make_token(uow, world.user_ids[role], "test", 1)[1]

    return make
