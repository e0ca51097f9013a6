"""A running house and a real browser for stories."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest

from scripts.local import servers
from tests.journeys import house as houses


@pytest.fixture(scope="session")
def country(shared_template_with: Any, run_folder: Path) -> tuple[str, Path]:
    """A small country: the name of its template, and the folder with what belongs to it."""
    folder = run_folder / "country"
    return shared_template_with("country", lambda url: houses.fill(url, folder)), folder


@pytest.fixture(scope="session")
def house(
    country: tuple[str, Path], new_database: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[houses.House]:
    """One running house a process, on a small country; stories use families of their own.

    Its Valkey is its own: its workers listen until the process ends, and would answer the bells of other tests.
    """
    template, folder = country
    data_dir = tmp_path_factory.mktemp("house")
    shutil.copytree(folder, data_dir, dirs_exist_ok=True)
    with (
        servers.fleeting_valkey() as valkey,
        new_database(template) as url,
        houses.running(url, valkey.url, data_dir) as running,
    ):
        yield running


@pytest.fixture
def sign_in(browser: Any, house: houses.House) -> Iterator[Callable[..., Any]]:
    """Open a page as one of the demo people: `page = sign_in("partner")`; `phone=True` for a phone."""
    contexts = []

    def make(who: str, *, phone: bool = False, language: str = "en") -> Any:
        size = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
        context = browser.new_context(viewport=size, base_url=house.url, locale=language, has_touch=phone)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        account = house.accounts[who]
        page.goto(f"/sign-in?lang={language}")
        page.fill("input[name=email]", account["email"])
        page.fill("input[name=password]", account["password"])
        page.press("input[name=password]", "Enter")
        if account["totp_secret"]:
            page.wait_for_selector("input[name=code]")
            page.fill("input[name=code]", pyotp.TOTP(account["totp_secret"]).now())
            page.press("input[name=code]", "Enter")
        page.wait_for_selector("nav", state="attached")
        return page

    yield make
    for context in contexts:
        context.close()


SHOTS = Path(os.environ["SCREENSHOTS"]) if os.environ.get("SCREENSHOTS") else None


@pytest.fixture
def shoot() -> Callable[[Any, str], None]:
    """Keep a picture of a page in the folder SCREENSHOTS, where that is set."""

    def take(page: Any, name: str) -> None:
        if SHOTS:
            SHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SHOTS / f"{name}.png")

    return take
