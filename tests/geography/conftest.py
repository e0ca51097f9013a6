"""A small country for tests of the geography: real names and points, few of them."""

import csv
import io
import json
from pathlib import Path

import pytest

from app.foundation.database import make_engine, make_sessions
from app.foundation.unit_of_work import unit_of_work
from app.geography import service
from tests.conftest import EVERYTHING, NOON

COUNTIES = [
    ("BU", "HU110", "Budapest", "Budapest", 8, [("Budapest", "Budapest")]),
    (
        *("BZ", "HU311", "Borsod-Abaúj-Zemplén", "Miskolc", 4),
        [("Encsi járás", "Encs"), ("Miskolci járás", "Miskolc"), ("Szikszói járás", "Szikszó")],
    ),
    ("CS", "HU333", "Csongrád-Csanád", "Szeged", 6, [("Szegedi járás", "Szeged")]),
    ("BA", "HU231", "Baranya", "Pécs", 7, [("Pécsi járás", "Pécs")]),
]
SETTLEMENTS = [
    ("Budapest", "Budapest", 47.497879, 19.040238, ["1011", "1181"], "Budapest", 1741041),
    ("Csenyéte", "Borsod-Abaúj-Zemplén", 48.4342, 20.9693, ["3837"], "Szikszói járás", None),
    ("Encs", "Borsod-Abaúj-Zemplén", 48.330597, 21.121714, ["3860"], "Encsi járás", 6000),
    ("Fáj", "Borsod-Abaúj-Zemplén", 48.421203, 21.076386, ["3865"], "Encsi járás", None),
    ("Fulókércs", "Borsod-Abaúj-Zemplén", 48.43, 21.1, ["3864"], "Encsi járás", None),
    ("Miskolc", "Borsod-Abaúj-Zemplén", 48.103477, 20.778438, ["3500", "3530"], "Miskolci járás", 150000),
    ("Szikszó", "Borsod-Abaúj-Zemplén", 48.195, 20.9297, ["3800"], "Szikszói járás", 5500),
    ("Dóc", "Csongrád-Csanád", 46.437948, 20.136937, ["6766"], "Szegedi járás", None),
    ("Szeged", "Csongrád-Csanád", 46.25301, 20.14824, ["6700", "6720"], "Szegedi járás", 158000),
    ("Szentkirályszabadja", "Baranya", 46.1, 18.3, ["7600"], "Pécsi járás", 2000),
    ("Szentlőrinc", "Baranya", 46.04016, 17.98719, ["7940"], "Pécsi járás", 6200),
    ("Pécs", "Baranya", 46.07308, 18.22857, ["7600", "7621"], "Pécsi járás", 140000),
]

FAJ = {
    "ksh_code": "10001",
    "name": "Fáj",
    "county": "Borsod-Abaúj-Zemplén",
    "county_code": "05",
    "nuts3": "HU311",
    "district": "Encsi",
    "district_code": "201",
    "district_seat": "Encs",
    "legal_status": "község",
    "population_2024": "500",
    "postal_codes": "3865",
    "lat": "48.421203",
    "lon": "21.076386",
    "benef_settlement_code": "1",
    "benef_district_code": "3",
}
"""A row of a register; codes and figures are invented, the codes' last digits fit."""
CSENYETE = FAJ | {
    "ksh_code": "20002",
    "name": "Csenyéte",
    "population_2024": "400",
    "postal_codes": "3837",
    "lat": "48.4342",
    "lon": "20.9693",
    "benef_settlement_code": "3",
}
DOC = FAJ | {
    "ksh_code": "30003",
    "name": "Dóc",
    "county": "Csongrád-Csanád",
    "county_code": "06",
    "nuts3": "HU333",
    "district": "Szegedi",
    "district_code": "202",
    "district_seat": "Szeged",
    "population_2024": "700",
    "postal_codes": "6766",
    "lat": "46.437948",
    "lon": "20.136937",
    "benef_district_code": "0",
}
HEADING = list(FAJ)


def as_csv(rows, *, delimiter=",", heading=HEADING, encoding="utf-8"):
    """Write rows as an office program would."""
    text = io.StringIO()
    writer = csv.DictWriter(text, heading, delimiter=delimiter, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def write_gazetteer(folder: Path, settlements=SETTLEMENTS) -> Path:
    """Write the files that scripts/gazetteer would write for a country this small."""
    counties = [
        {
            **dict(zip(("code", "nuts3", "name", "seat", "hue"), row[:5], strict=True)),
            "districts": [{"name": name, "seat": seat} for name, seat in row[5]],
        }
        for row in COUNTIES
    ]
    names = ("name", "county", "lat", "lon", "postal_codes", "district", "population")
    rows = [dict(zip(names, row, strict=True)) | {"provisional": row[1] != "Budapest"} for row in settlements]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "counties.json").write_text(json.dumps(counties))
    (folder / "settlements.json").write_text(json.dumps(rows))
    return folder


def fill_with(folder: Path):
    """Return what fills a template with the gazetteer of a folder and a person who may upload registers."""

    def fill(database_url: str) -> None:
        engine = make_engine(database_url, pool_size=1)
        with unit_of_work(make_sessions(engine), EVERYTHING, lambda: NOON) as uow:
            service.load_gazetteer(uow, folder=folder)
            a_person(uow)
        engine.dispose()

    return fill


def a_person(uow) -> None:
    """Store the person that EVERYTHING stands for."""
    from app.accounts.models import User

    uow.session.add(
        User(email="everything@example.org", name="Everything", name_key="everything", role="admin", created_at=uow.now)
    )


@pytest.fixture(scope="session")
def small_country(tmp_path_factory):
    return write_gazetteer(tmp_path_factory.mktemp("gazetteer"))


@pytest.fixture
def template(template_with, small_country):
    return template_with("small_country", fill_with(small_country))
