"""A browser that signs in, on two counties full of people."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import text

from app.accounts import keys
from app.factory import create_app
from tests import world as worlds

PASSWORD = "correct horse battery"


class Browser:
    """A browser that keeps cookies and sends each form with the token of the page it saw."""

    def __init__(self, app: Any, address: str = "10.0.0.1") -> None:
        self.client = app.test_client()
        self.address = address
        self.token = ""

    def get(self, path: str, **options: Any) -> Any:
        answer = self.client.get(path, environ_base={"REMOTE_ADDR": self.address}, **options)
        self._read(answer)
        return answer

    def post(self, path: str, form: dict[str, Any] | None = None, **options: Any) -> Any:
        form = {"csrf_token": self.token, **(form or {})}
        answer = self.client.post(path, data=form, environ_base={"REMOTE_ADDR": self.address}, **options)
        self._read(answer)
        return answer

    def sign_in(self, who: str, password: str = PASSWORD) -> Any:
        self.get("/sign-in")
        return self.post("/sign-in", {"email": f"{who}@example.org", "password": password})

    def type_code(self, code: str) -> Any:
        self.get("/sign-in/code")
        return self.post("/sign-in/code", {"code": code})

    def cookie(self, name: str = "session") -> str | None:
        found = self.client.get_cookie(name)
        return found.value if found else None

    def _read(self, answer: Any) -> None:
        if answer.mimetype != "text/html":
            return
        found = re.search(r'name="csrf-token" content="([^"]+)"', answer.get_data(as_text=True))
        if found:
            self.token = found[1]


def fill(database_url: str) -> None:
    """Fill the world and give everybody a password."""
    worlds.fill(database_url)
    from app.foundation.database import make_engine

    engine = make_engine(database_url, pool_size=1)
    with engine.begin() as connection:
        connection.execute(text("UPDATE app_user SET password_hash = :hash"), {"hash": keys.hash_password(PASSWORD)})
    engine.dispose()


@pytest.fixture(scope="module")
def template(template_with: Any) -> str:
    return template_with("people", fill)


@pytest.fixture
def world(database_url: str) -> worlds.World:
    return worlds.the_world()


@pytest.fixture
def app(settings: Any, clock: Any, world: Any) -> Any:
    made = create_app(settings, clock=clock, ring=lambda _: None)
    made.config["TESTING"] = True
    return made


@pytest.fixture
def browser(app: Any) -> Browser:
    return Browser(app)


@pytest.fixture
def new_browser(app: Any) -> Any:
    """Make another browser, at an address of its own."""
    return lambda address="10.0.0.2": Browser(app, address)
