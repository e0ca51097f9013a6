"""The settlement picker, a settlement's sheet and the register's page in a real browser, by mouse and by keys alone."""

import threading
from pathlib import Path

import pytest
from flask import render_template_string
from werkzeug.serving import make_server

from app.factory import create_app
from app.foundation.http import PUBLIC
from app.geography import gazetteer, queries
from scripts.local.browser import VENDOR
from tests.conftest import CHROMIUM, EVERYTHING
from tests.geography.conftest import CSENYETE, FAJ, as_csv

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium here"),
    pytest.mark.skipif(not (VENDOR / "htmx").is_dir(), reason="scripts/assets has not been run"),
]

FORM = """
{% extends "base.html" %}{% import "_ui.html" as ui %}
{% from "geography/_picker.html" import settlement_picker %}
{% block content %}<form method="get" action="/chosen">{{ settlement_picker({}, label="Where") }}
<button>Send</button></form>{% endblock %}
"""


ICONLESS = '<link rel="icon" href="data:,">chosen'
"""A page that asks for no picture of its own, which would be a 404."""


@pytest.fixture
def page(browser, settings, sessions, clock):
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: EVERYTHING)
    for path, view in (("/try", lambda: render_template_string(FORM)), ("/chosen", lambda: ICONLESS)):
        view.permission = PUBLIC
        app.add_url_rule(path, view_func=view, endpoint=path)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context(base_url=f"http://127.0.0.1:{server.server_port}", locale="en")
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))
    page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    server.shutdown()
    assert page.faults == []


def test_a_settlement_is_picked_with_the_keys_alone(page, work):
    page.goto("/try?lang=en")
    field = page.get_by_role("combobox", name="Where")
    field.press_sequentially("sze")
    options = page.get_by_role("option")
    options.first.wait_for()
    assert [text.split("\n")[0] for text in options.all_inner_texts()] == [
        *("Szeged", "Szentlőrinc", "Szentkirályszabadja"),
    ]
    assert field.get_attribute("aria-expanded") == "true"
    field.press("ArrowDown")
    chosen = page.locator(f"#{field.get_attribute('aria-activedescendant')}")
    assert "Szentlőrinc" in chosen.inner_text()
    assert chosen.get_attribute("aria-selected") == "true"
    field.press("Enter")
    assert field.input_value() == "Szentlőrinc"
    assert field.get_attribute("aria-expanded") == "false"
    with work() as uow:
        wanted = queries.settlement_named(uow.session, "Szentlőrinc").id
    page.get_by_role("button", name="Send").click()
    assert f"settlement_id={wanted}&" in page.url + "&"


def test_escape_closes_the_choices_and_nothing_is_picked(page):
    page.goto("/try?lang=en")
    field = page.get_by_role("combobox", name="Where")
    field.press_sequentially("3837")
    page.get_by_role("option", name="Csenyéte").wait_for()
    field.press("Escape")
    assert not page.get_by_role("option").count()
    assert page.locator("input[name=settlement_id]").input_value() == ""


def test_a_settlement_is_picked_with_the_mouse(page):
    page.goto("/try?lang=en")
    page.get_by_role("combobox", name="Where").press_sequentially("faj")
    page.get_by_role("option", name="Fáj").click()
    assert page.locator("input[name=settlement_id]").input_value() != ""


@pytest.mark.skipif(not (gazetteer.DATA / "map.json").is_file(), reason="scripts/gazetteer has not been run")
def test_a_settlement_opens_beside_the_list_with_its_map(page):
    page.goto("/settlements?lang=en")
    page.get_by_role("link", name="Csenyéte").click()
    page.locator("#sheet path.land").wait_for(state="attached")
    assert "Nearest settlements" in page.locator("#sheet").inner_text()
    assert page.url.rsplit("/", 1)[1].isdigit() or "?" in page.url
    page.keyboard.press("Escape")
    assert not page.locator("#sheet .sheet").count()


def test_a_register_is_checked_loaded_and_taken_back(page, work, tmp_path):
    file = tmp_path / "register.csv"
    file.write_bytes(as_csv([FAJ, CSENYETE]))
    page.goto("/settlements/registers?lang=en")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check the rows").click()
    page.get_by_role("button", name="Load 2 rows").click()
    page.get_by_text("The register is loaded: 2 settlements.").wait_for()
    with work() as uow:
        assert queries.settlement_named(uow.session, "Fáj").ksh_code == "10001"
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("The register is reversed").wait_for()
    with work() as uow:
        assert queries.settlement_named(uow.session, "Fáj").ksh_code is None


@pytest.mark.parametrize("path", ["/settlements", "/settlements/registers"])
def test_pages_do_not_scroll_sideways_on_a_phone(page, path):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
