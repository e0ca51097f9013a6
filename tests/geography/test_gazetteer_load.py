"""Loading the gazetteer into the database, and finding settlements in it."""

import json

import pytest
from sqlalchemy import func, select

from app.foundation.actor import Actor, Scope
from app.foundation.errors import NotAllowed, NotFound
from app.geography import queries, service
from app.geography.errors import GazetteerMissing
from app.geography.models import District, PostalCode, Settlement
from tests.geography.conftest import SETTLEMENTS, write_gazetteer


def names(found):
    return [each.name for each in found]


def test_the_gazetteer_is_stored_with_counties_districts_and_postal_codes(work):
    with work() as uow:
        csenyete = queries.settlement_named(uow.session, "Csenyéte")
        assert csenyete.county.name == "Borsod-Abaúj-Zemplén"
        assert csenyete.county.hue == 4
        assert csenyete.district.name == "Szikszói járás"
        assert csenyete.district_provisional
        assert [each.code for each in csenyete.postal_codes] == ["3837"]
        assert not queries.settlement_named(uow.session, "Budapest").district_provisional


def test_loading_it_again_changes_nothing(work, small_country):
    def everything(session):
        return [
            session.execute(select(table.__table__).order_by(*table.__table__.primary_key)).all()
            for table in (Settlement, District, PostalCode)
        ]

    with work() as uow:
        before = everything(uow.session)
        figures = service.load_gazetteer(uow, folder=small_country)
    assert figures == {"counties": 4, "districts": 6, "settlements": 12, "postal_codes": 16}
    with work() as uow:
        assert everything(uow.session) == before


def test_a_changed_gazetteer_moves_points_and_replaces_postal_codes(work, tmp_path):
    moved = [("Fáj", *row[1:2], 48.5, 21.0, ["3866"], *row[5:]) if row[0] == "Fáj" else row for row in SETTLEMENTS]
    with work() as uow:
        service.load_gazetteer(uow, folder=write_gazetteer(tmp_path, moved))
    with work() as uow:
        faj = queries.settlement_named(uow.session, "Fáj")
        assert (faj.lat, faj.lon) == (48.5, 21.0)
        assert [each.code for each in faj.postal_codes] == ["3866"]
        assert uow.session.scalar(select(func.count()).select_from(Settlement)) == 12


def test_a_gazetteer_that_was_not_built_is_named(work, tmp_path):
    with pytest.raises(GazetteerMissing, match=r"counties\.json is missing"), work() as uow:
        service.load_gazetteer(uow, folder=tmp_path)


def test_only_who_may_import_may_load(work, small_country):
    reader = Actor(2, "Reader", "driver", grants={"geography.read": Scope.ALL})
    with pytest.raises(NotAllowed), work(reader) as uow:
        service.load_gazetteer(uow, folder=small_country)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("csenyete", ["Csenyéte"]),
        ("CSENYÉTE", ["Csenyéte"]),
        ("  fáj ", ["Fáj"]),
        ("3837", ["Csenyéte"]),
        ("38", ["Encs", "Szikszó", "Csenyéte", "Fáj", "Fulókércs"]),
        ("38 faj", ["Fáj"]),
        ("3865 Fáj", ["Fáj"]),
        ("szent", ["Szentlőrinc", "Szentkirályszabadja"]),
        ("sz", ["Szeged", "Szentlőrinc", "Szikszó", "Szentkirályszabadja"]),
        ("enyet", ["Csenyéte"]),
        ("7600", ["Pécs", "Szentkirályszabadja"]),
        ("nowhere", []),
        ("%", []),
        ("_", []),
        ("", []),
    ],
)
def test_settlements_are_found_as_one_types_the_best_first(work, typed, expected):
    with work() as uow:
        found = names(queries.find_settlements(uow.session, typed))
    if typed == "sz":
        found = found[:4]
    assert found == expected


def test_a_found_settlement_tells_itself_from_others(work):
    with work() as uow:
        miskolc = queries.find_settlements(uow.session, "3530")[0]
        assert miskolc.sub == "3530 · Borsod-Abaúj-Zemplén"
        assert miskolc.postal_codes == 2


def test_the_whole_name_comes_before_longer_ones(work, tmp_path):
    more = [*SETTLEMENTS, ("Encsencs", "Borsod-Abaúj-Zemplén", 48.2, 21.0, ["4374"], "Encsi járás", 90000)]
    with work() as uow:
        service.load_gazetteer(uow, folder=write_gazetteer(tmp_path, more))
        assert names(queries.find_settlements(uow.session, "encs")) == ["Encs", "Encsencs"]


def test_lists_are_paged_by_key_and_filtered(work):
    with work() as uow:
        first = queries.settlements(uow.session, size=5)
        second = queries.settlements(uow.session, size=20, after=first.next_after)
        assert first.total == 12
        assert names(first.rows) + names(second.rows) == [
            *("Budapest", "Csenyéte", "Dóc", "Encs", "Fáj", "Fulókércs", "Miskolc", "Pécs", "Szeged"),
            *("Szentkirályszabadja", "Szentlőrinc", "Szikszó"),
        ]
        assert second.next_after is None
        county = queries.settlement_named(uow.session, "Fáj").county_id
        assert queries.settlements(uow.session, county_id=county).total == 6
        assert names(queries.settlements(uow.session, by="population", descending=True, size=3).rows) == [
            "Budapest",
            "Szeged",
            "Miskolc",
        ]
        assert names(queries.settlements(uow.session, q="366", provisional=True).rows) == []
        assert names(queries.settlements(uow.session, provisional=False).rows) == ["Budapest"]


def test_near_means_near_on_the_ground(work):
    with work() as uow:
        csenyete = queries.settlement_named(uow.session, "Csenyéte")
        near = queries.nearest(uow.session, queries.points(uow.session, [csenyete.id])[csenyete.id], limit=3)
        assert names(each for each, _ in near) == ["Csenyéte", "Fáj", "Fulókércs"]
        assert [metres for _, metres in near] == sorted(metres for _, metres in near)
        faj = queries.settlement_named(uow.session, "Fáj")
        assert queries.distance_between(uow.session, csenyete.id, faj.id) == pytest.approx(8052, abs=30)
        with pytest.raises(NotFound):
            queries.distance_between(uow.session, csenyete.id, 999999)


def test_counties_come_with_their_figures(work):
    with work() as uow:
        by_code = {each.code: each for each in queries.county_figures(uow.session)}
    assert by_code["BZ"].settlements == 6
    assert by_code["BZ"].provisional == 6
    assert by_code["BU"].provisional == 0
    assert json.dumps(by_code["BZ"].name, ensure_ascii=False) == '"Borsod-Abaúj-Zemplén"'
