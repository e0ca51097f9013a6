"""Every kind of page, on a desktop and a phone: nothing for axe to find, no scrolling sideways, no script error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).resolve().parents[2] / "scripts/browser/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
FIND = """async (rules) => (await axe.run(document, {runOnly: rules})).violations.map(
    (found) => found.id + ": " + found.nodes.slice(0, 3).map((node) => node.html.slice(0, 140)).join(" | "))"""
PEOPLE = ["coordinator", "county", "dispatcher", "manager", "worker", "driver", "partner", "donor", "auditor", "admin"]
LOOKED_AT: set[str] = set()
"""Kinds of pages that an earlier person has shown us; a page looks alike for all."""
PAGES_MAX = 14
STANDING_STILL = re.compile(r"^target-size")
"""A row that stands half under the tab bar until one scrolls."""


def kind_of(address: str) -> str:
    """Return the address without its numbers and query."""
    return re.sub(r"\d+", "#", address.partition("?")[0])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_can_be_read_and_reached_by_everybody(who: str, sign_in: Any, shoot: Any) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run scripts/assets")
    page = sign_in(who)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda said: errors.append(f"{page.url}: {said.text}") if "Content Security Policy" in said.text else None,
    )
    waiting, seen, wrong, looked = ["/"], set(), [], 0
    while waiting and len(seen) < PAGES_MAX:
        address = waiting.pop(0)
        kind = kind_of(address)
        if kind in seen or (kind in LOOKED_AT and kind != "/"):
            continue
        seen.add(kind)
        page.set_viewport_size({"width": 1440, "height": 900})
        answer = page.goto(address)
        assert answer.status < 500, f"{address}: {answer.status}"
        assert "/sign-in" not in page.url, f"{address}: {who} is signed in no more"
        if answer.status >= 400 or "text/html" not in answer.headers.get("content-type", ""):
            continue
        looked += 1
        waiting += page.eval_on_selector_all(
            "a[href^='/']", "links => links.filter(a => !a.hasAttribute('download')).map(a => a.getAttribute('href'))"
        )
        for width, height in ((1440, 900), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(150)
            shoot(page, f"{who}{kind.replace('/', '-')}-{width}")
            page.evaluate(f"{AXE.read_text()}; 0")
            found = page.evaluate(FIND, RULES)
            wrong += [f"{kind} {width}: {each}" for each in found if width > 400 or not STANDING_STILL.match(each)]
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                wrong.append(f"{kind} {width}: scrolls sideways to {wide}")
    LOOKED_AT.update(seen)
    assert looked, "the first page at least"
    assert not wrong + errors, "\n".join(wrong + errors)
