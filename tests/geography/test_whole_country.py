"""The built gazetteer in the database: all of it is found, walked and measured, fast enough to type by."""

import statistics
import time

import pytest

from app.geography import gazetteer, queries
from tests.geography.conftest import fill_with

pytestmark = pytest.mark.skipif(
    not (gazetteer.DATA / "settlements.json").is_file(), reason="scripts/gazetteer has not been run"
)


@pytest.fixture
def template(template_with):
    return template_with("whole_country", fill_with(gazetteer.DATA))


def test_a_search_answers_within_20_ms_at_every_letter(work):
    words = ("csenyéte", "szentgotthárd", "nagykanizsa", "3837", "11", "hódmezővásárhely")
    beginnings = [word[:length] for word in words for length in range(1, len(word) + 1)]
    with work() as uow:
        queries.find_settlements(uow.session, "a")
        took = []
        for beginning in beginnings:
            began = time.perf_counter()
            found = queries.find_settlements(uow.session, beginning)
            took.append((time.perf_counter() - began) * 1000)
            assert found, beginning
    assert statistics.median(took) < 20, f"{statistics.median(took):.1f} ms"


def test_every_name_finds_its_settlement_without_its_accents_first(work):
    with work() as uow:
        first = None
        walked = []
        while True:
            page = queries.settlements(uow.session, size=200, after=first)
            walked += [each.name for each in page.rows]
            first = page.next_after
            if first is None:
                break
        assert len(walked) == len(set(walked)) == page.total == 3155
        for name in walked[::150]:
            assert queries.find_settlements(uow.session, name.upper())[0].name == name


def test_every_county_has_its_official_number_of_settlements(work):
    with work() as uow:
        figures = {each.code: each.settlements for each in queries.county_figures(uow.session)}
    assert len(figures) == 20
    assert sum(figures.values()) == 3155
    assert figures["BZ"] == 358
    assert figures["BU"] == 1
