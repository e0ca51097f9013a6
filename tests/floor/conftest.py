"""Two counties with people who can sign in, and a worker's phone in the first warehouse."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import uuid4

import pytest

from app.factory import create_app
from tests import world as worlds
from tests.accounts.conftest import Browser, fill

SEQUENCE = itertools.count(1)


@pytest.fixture(scope="module")
def template(template_with: Any) -> str:
    return template_with("floor_people", fill)


@pytest.fixture
def world(database_url: str) -> worlds.World:
    return worlds.the_world()


@pytest.fixture
def app(settings: Any, clock: Any, sessions: Any) -> Any:
    made = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None)
    made.config["TESTING"] = True
    return made


class Phone(Browser):
    """A worker's phone: a browser that speaks to the API as the page does."""

    device = ""

    def me(self) -> Any:
        return self.get("/api/v1/floor/me").json

    def snapshot(self, **asked: Any) -> Any:
        return self.get("/api/v1/floor/snapshot", query_string=asked)

    def send(self, *operations: dict[str, Any]) -> list[dict[str, Any]]:
        token = self.me()["csrf_token"]
        answer = self.client.post(
            "/api/v1/operations", json={"operations": list(operations)}, headers={"X-CSRF-Token": token}
        )
        assert answer.status_code == 200, answer.json
        return answer.json["answers"]

    def operation(self, kind: str, **payload: Any) -> dict[str, Any]:
        self.device = self.device or str(uuid4())
        return {
            "operation_id": str(uuid4()),
            "device_id": self.device,
            "sequence": next(SEQUENCE),
            "happened_at": "2026-11-23T11:00:00Z",
            "kind": kind,
            "payload": payload,
        }


@pytest.fixture
def phone(app: Any, world: Any) -> Phone:
    made = Phone(app)
    assert made.sign_in("warehouse_worker").status_code == 302
    return made
