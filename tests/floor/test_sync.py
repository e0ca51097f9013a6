"""When a phone sends again after it was told to wait: never sooner, and not all phones in the same moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SYNC = Path(__file__).resolve().parents[2] / "app/static/js/scan/sync.js"

SEND = """async ([status, after]) => {
  const { Sync } = await import("/static/js/scan/sync.js");
  const told = after === null ? {} : { "Retry-After": String(after) };
  const headers = { "Content-Type": "application/problem+json", ...told };
  window.fetch = async () => new Response("{}", { status, headers });
  const waits = [];
  window.setTimeout = (work, wait) => { waits.push(wait); return 0; };
  const person = { id: 7 };
  const line = { id: "a", device_id: "b", sequence: 1, kind: "move", payload: {}, person: person.id };
  const forgotten = [];
  for (let phone = 0; phone < 30; phone += 1) {
    const on = { state: () => {}, answered: (lines) => forgotten.push(lines), me: () => {} };
    const store = { queue: async () => [line], answered: async (answers) => answers };
    const sync = new Sync({ store, api: "/api/v1", on });
    sync.me = { person, csrf_token: "x" };
    await sync.now();
  }
  return [waits.filter((wait) => wait !== 30_000), forgotten.length];
}"""


@pytest.fixture
def waits(browser: Any) -> Any:
    """Return ``waits(status, after)``: how many milliseconds each of thirty phones waits, and what they forgot."""
    page = browser.new_page()

    def serve(route: Any) -> None:
        script = route.request.url.endswith("sync.js")
        route.fulfill(
            body=SYNC.read_bytes() if script else "<!doctype html>",
            content_type="text/javascript" if script else "text/html",
        )

    page.route("http://localhost/**", serve)
    page.goto("http://localhost/")
    yield lambda status, after: page.evaluate(SEND, [status, after])
    page.close()


@pytest.mark.parametrize("status", [429, 503])
def test_the_moment_that_was_told_is_kept_and_spread(waits, status):
    found, forgotten = waits(status, 4)
    assert len(found) == 30 and forgotten == 0, "nothing is forgotten without its own answer"
    assert min(found) >= 4000 and max(found) <= 8000
    assert max(found) - min(found) > 1000, "they do not come back together"


@pytest.mark.parametrize("status", [429, 503])
def test_without_a_moment_a_random_part_of_the_first_span_is_waited(waits, status):
    found, _ = waits(status, None)
    assert len(found) == 30 and min(found) >= 500 and max(found) <= 1000
