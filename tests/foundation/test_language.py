import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask, render_template_string

from app.foundation import language
from app.foundation.words import Message, say
from scripts.local import translations
from tests.untranslated import untranslated


@pytest.fixture
def app():
    app = Flask("app", static_folder=None)
    language.init_app(app)
    return app


def said(app, wanted, call, *arguments):
    with app.test_request_context(f"/?lang={wanted}"):
        return call(*arguments)


def test_numbers_are_written_as_the_reader_writes_them(app):
    assert said(app, "hu", language.number, 1842) == "1\u202f842"
    assert said(app, "en", language.number, 1842) == "1,842"
    assert said(app, "hu", language.number, -3.75, 1) == "−3,8"
    assert said(app, "hu", language.percent, 0.038) == "3,8%"
    assert said(app, "hu", language.percent, 0.71) == "71%"
    assert said(app, "hu", language.kilometres, 3_537_000) == "3\u202f537\u00a0km"
    assert said(app, "hu", language.kilometres, 6_400) == "6,4\u00a0km"
    assert said(app, "hu", language.weight, 38_600_000) == "38,6\u00a0t"
    assert said(app, "hu", language.weight, 450) == "450\u00a0g"


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("packs", "pack"), ("boxes", "box"), ("pcs", "pc"), ("bunches", "bunch"), ("glasses", "glass"),
        ("trays", "tray"), ("bodies", "body"), ("g", "g"), ("ml", "ml"), ("glass", "glass"), ("s", "s"),
    ],
)  # fmt: skip
def test_after_a_one_an_english_unit_is_one_and_a_hungarian_unit_stays(app, many, one):
    assert [said(app, "en", language.unit_after, number, many) for number in (1, -1, 2, 0, 1.5, None)] == [
        one, one, many, many, many, many,
    ]  # fmt: skip
    assert said(app, "hu", language.unit_after, 1, "zacskos") == "zacskos"
    assert said(app, "en", language.amount, 1, many) == f"1 {one}"
    assert said(app, "en", language.amount, 1842, many) == f"1,842 {many}"
    step = say("%(quantity)s %(unit)s handed over", quantity=1, unit=many)
    assert said(app, "en", language.translate, step) == f"1 {one} handed over"
    page = "{{ name|unit(1) }} {{ name|unit(3) }} {{ none|unit(1) }}"
    written = said(app, "en", lambda: render_template_string(page, name=many))
    assert written == " ".join(f'<bdi translate="no">{each}</bdi>' for each in (one, many, "–"))


AFTER_A_NUMBER = re.compile(r"\|num \}\}(</b>|</span>|\s|&nbsp;|<span[^>]*>)*\{\{ [^}]*\bunit[^}]*\|data \}\}")


def test_every_template_says_the_unit_by_the_number_before_it():
    templates = Path(language.__file__).parents[1] / "templates"
    found = {
        path.name: match[0] for path in templates.rglob("*.html") for match in AFTER_A_NUMBER.finditer(path.read_text())
    }
    assert found == {}


def test_a_moment_is_told_in_the_time_of_home(app):
    at = datetime(2026, 11, 24, 15, 5, tzinfo=UTC)
    assert said(app, "hu", language.day, at) == "2026. nov. 24., kedd"
    assert said(app, "en", language.day, at) == "Tuesday, 24 Nov 2026"
    assert said(app, "hu", language.time_, at) == "16:05"
    assert said(app, "hu", language.time_, datetime(2026, 7, 1, 6, 20, tzinfo=UTC)) == "8:20"


def test_a_span_is_as_exact_as_it_is_useful(app):
    assert [said(app, "hu", language.span, s) for s in (4, 72, 1800, 7500, 3600, 5 * 86400)] == [
        "4 mp",
        "1 p 12 mp",
        "30 perc",
        "2 óra 5 perc",
        "1 óra",
        "5 nap",
    ]


def test_a_message_says_its_facts_by_the_unit_in_their_names(app):
    message = Message("%(missing_g)s %(detour_m)s %(late_seconds)s %(expires_on)s %(n)s %(name)s", {
        "missing_g": 40_000, "detour_m": 11_000, "late_seconds": 1800, "expires_on": "2026-12-01", "n": 1842,
        "name": "Tarpa",
    })  # fmt: skip
    expected = "40\u00a0kg 11\u00a0km 30 perc 2026. dec. 1. 1\u202f842 Tarpa"
    assert said(app, "hu", language.translate, message) == expected
    assert said(app, "hu", language.translate, message.to_json()) == expected


def test_a_message_inside_a_message_is_translated_too(app):
    assert said(app, "hu", language.translate, say("before: %(value)s", value=say("today"))) == "előtte ma"


@pytest.mark.parametrize(
    ("query", "cookie", "header", "expected"),
    [
        ("", None, None, "hu"),
        ("", None, "en-GB,en;q=0.8", "en"),
        ("", None, "de", "hu"),
        ("", "en", "hu", "en"),
        ("?lang=hu", "en", "en", "hu"),
        ("?lang=xx", None, None, "hu"),
    ],
)
def test_the_reader_is_answered_in_the_language_asked_for(app, query, cookie, header, expected):
    app.add_url_rule("/", view_func=language.language)
    client = app.test_client()
    if cookie:
        client.set_cookie(language.COOKIE, cookie)
    assert client.get(f"/{query}", headers={"Accept-Language": header} if header else {}).text == expected


def test_every_sentence_can_be_said_in_hungarian():
    assert not translations.faults(translations.extract())


def test_text_that_no_translator_has_seen_is_found(app):
    app.config["PSEUDO_LANGUAGE"] = True
    page = """<h1>{{ _("Home") }}</h1><p>Forgotten words</p><p translate="no">Kovács Anna</p><img alt="A van">
    <p>{{ _("before: %(value)s", value="Tarpa"|data) }}</p><td class="code">MIS-A-03-2</td><p>12 km</p>"""
    with app.test_request_context("/"):
        assert sorted(untranslated(render_template_string(page))) == ["<img alt>: A van", "<p>: Forgotten words"]
