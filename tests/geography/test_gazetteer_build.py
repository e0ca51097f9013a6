"""The gazetteer's build: what it holds, that its checks can fail, and that the map's areas fit together."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from app.geography.point import Point, is_in_hungary
from scripts.local import county_map, gazetteer, gazetteer_files

pytestmark = pytest.mark.skipif(
    not gazetteer_files.OUTLINE.is_file(), reason="the outline of the country comes with scripts/assets"
)


@pytest.fixture(scope="module")
def sources():
    return gazetteer.read_sources()


@pytest.fixture(scope="module")
def settlements(sources):
    report = gazetteer.Report()
    built = gazetteer.build(sources, gazetteer.read_corrections(), report)
    assert report.wrong == []
    return built


@pytest.fixture(scope="module")
def country():
    return county_map.read_outline(gazetteer_files.OUTLINE)


@pytest.fixture(scope="module")
def areas(settlements, country):
    return county_map.county_areas(settlements, country)


def test_every_settlement_has_county_point_postal_code_and_district(settlements):
    assert len(settlements) == 3155
    assert all(each.postal_codes for each in settlements)
    assert len({each.district for each in settlements}) == 174 + 1, "the districts, and Budapest as its own"
    assert all(is_in_hungary(Point(each.lat, each.lon)) for each in settlements)


def test_known_settlements_are_as_the_official_register_has_them(settlements):
    by_name = {each.name: each for each in settlements}
    assert by_name["Gödre"].postal_codes == ("7385", "7386")
    assert by_name["Surd"].district == "Nagykanizsai járás"
    assert by_name["Kecskemét"].postal_codes == ("6000", "6008", "6044")
    assert by_name["Csongrád"].county == "Csongrád-Csanád"
    assert "4025" in by_name["Debrecen"].postal_codes
    assert by_name["Balatonvilágos"].county == "Somogy"


def test_without_the_corrections_the_checks_fail(sources):
    report = gazetteer.Report()
    gazetteer.build(sources, [], report)
    wrong = "\n".join(report.wrong)
    for expected in (
        "3145 instead of 3155",
        "Nógrád has 129, officially 131",
        "Barabás (Szabolcs-Szatmár-Bereg) lies among other counties",
        "Békés is 12 km off",
    ):
        assert expected in wrong


def test_a_correction_that_meets_nothing_stops_the_build():
    listed = [("Aba", "Fejér", 47.03, 18.52)]
    row = {"listed_as": "Óhid", "name": "Óhíd", "county": "Zala", "lat": "46.96", "lon": "17.17", "why": ""}
    with pytest.raises(SystemExit, match="Óhid meets nothing"):
        gazetteer.correct(listed, [row])
    with pytest.raises(SystemExit, match="Aba is no longer missing"):
        gazetteer.correct(listed, [{**row, "listed_as": "", "name": "Aba"}])


def test_one_misplaced_settlement_is_found(settlements):
    moved = [replace(each, lat=46.25, lon=20.15) if each.name == "Csenyéte" else each for each in settlements]
    report = gazetteer.Report()
    gazetteer.check_neighbourhood(moved, report)
    gazetteer.check_postal_codes(moved, {each.name: set(each.postal_codes) for each in moved}, report)
    assert [line for line in report.wrong if "Csenyéte (Borsod-Abaúj-Zemplén) lies among other counties" in line]
    assert [line for line in report.wrong if "Csenyéte is" in line and "38xx" in line]


def test_neighbouring_counties_never_share_a_hue(areas):
    near = county_map.neighbours(areas)
    hues = county_map.colour(near)
    assert near["Budapest"] == {"Pest"}
    assert near["Zala"] == {"Vas", "Veszprém", "Somogy"}
    assert set(hues.values()) <= set(range(1, 9))
    assert all(hues[name] != hues[other] for name in near for other in near[name])


def test_the_map_is_small_and_draws_each_border_once(areas):
    drawn = county_map.draw(areas, county_map.colour(county_map.neighbours(areas)))
    assert len(json.dumps(drawn).encode()) < 60_000
    assert len(drawn["counties"]["features"]) == 20
    lines = drawn["borders"]["geometry"]["coordinates"]
    pieces = [frozenset(map(tuple, pair)) for line in lines for pair in pairwise(line)]
    assert len(pieces) == len(set(pieces))


def test_two_builds_are_equal_to_the_byte(sources):
    one, two = (gazetteer_files.build(sources, gazetteer_files.OUTLINE, gazetteer.Report()) for _ in range(2))
    assert one == two
    assert tuple(one) == gazetteer_files.NAMES
