"""The country through pages and the API: what is asked, answered and refused."""

import io

import pytest

from app.factory import create_app
from app.foundation.actor import NOBODY, Actor, Scope
from app.geography import queries
from tests.conftest import EVERYTHING
from tests.geography.conftest import CSENYETE, FAJ, as_csv
from tests.untranslated import untranslated

READER = Actor(7, "Reader", "driver", grants={"geography.read": Scope.ALL})


@pytest.fixture
def web(settings, sessions, clock):
    """Return a maker of browsers; the last actor it was called with is who asks."""
    asking = {}
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: asking["who"])
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=True)

    def make(actor=EVERYTHING, **config):
        asking["who"] = actor
        app.config.update(config)
        return app.test_client()

    return make


@pytest.fixture
def ids(work):
    with work() as uow:
        return {each.name: each.id for each in queries.settlements(uow.session).rows}


def upload(client, content, path="/api/v1/registers", name="register.csv"):
    return client.post(path, data={"file": (io.BytesIO(content), name)}, content_type="multipart/form-data")


def test_the_picker_finds_settlements_as_one_types(web, ids):
    found = web(READER).get("/api/v1/settlements/search?q=csenyete").json["items"]
    assert [(each["id"], each["text"], each["sub"]) for each in found] == [
        (ids["Csenyéte"], "Csenyéte", "3837 · Borsod-Abaúj-Zemplén")
    ]
    assert web(READER).get("/api/v1/settlements/search?q=").json == {"items": []}


def test_settlements_are_listed_in_pages(web, ids):
    client = web(READER)
    first = client.get("/api/v1/settlements?size=5").json
    second = client.get(f"/api/v1/settlements?size=50&after={first['next_after']}").json
    assert [each["id"] for each in first["items"] + second["items"]] == list(ids.values())
    assert first["total"] == 12
    assert first["items"][1]["postal_codes"] == ["3837"]
    assert first["items"][1]["district"]["name"] == "Szikszói járás"


def test_a_settlement_has_an_etag(web, ids):
    client = web(READER)
    answer = client.get(f"/api/v1/settlements/{ids['Fáj']}")
    assert answer.json["county"]["code"] == "BZ"
    again = client.get(f"/api/v1/settlements/{ids['Fáj']}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_neighbours_distances_counties_and_districts(web, ids):
    client = web(READER)
    near = client.get(f"/api/v1/settlements/{ids['Csenyéte']}/near?limit=1").json
    assert near == [
        {"id": ids["Fáj"], "name": "Fáj", "county": "Borsod-Abaúj-Zemplén", "distance_m": pytest.approx(8052, abs=30)}
    ]
    answer = client.get(f"/api/v1/settlements/distance?from_id={ids['Csenyéte']}&to_id={ids['Fáj']}").json
    assert answer["distance_m"] == near[0]["distance_m"]
    counties = client.get("/api/v1/counties").json
    assert [each["name"] for each in counties] == ["Baranya", "Borsod-Abaúj-Zemplén", "Budapest", "Csongrád-Csanád"]
    districts = client.get(f"/api/v1/districts?county_id={counties[1]['id']}").json
    assert [each["seat"] for each in districts] == ["Encs", "Miskolc", "Szikszó"]


def test_an_address_is_found_through_its_settlement(web, ids):
    found = web(READER).get("/api/v1/addresses?address=3837 Csenyéte, Fő utca 1").json["items"]
    assert found == [
        {
            "label": "Csenyéte, Borsod-Abaúj-Zemplén",
            "lat": 48.4342,
            "lon": 20.9693,
            "exactness": "settlement",
            "settlement_id": ids["Csenyéte"],
        }
    ]


def test_the_map_is_given_once_and_then_not_again(web, monkeypatch):
    from app.geography import gazetteer

    monkeypatch.setattr(gazetteer, "country_map", lambda: gazetteer.Map('{"outline":{}}', "mark"))
    answer = web(READER).get("/api/v1/map/base")
    assert answer.json == {"outline": {}}
    assert web(READER).get("/api/v1/map/base", headers={"If-None-Match": '"mark"'}).status_code == 304


ODD_QUESTIONS = [
    ("/api/v1/settlements/999999999", 404),
    ("/api/v1/settlements/99999999999999999999999999", 422),
    ("/api/v1/settlements?county_id=abc", 422),
    ("/api/v1/settlements?county_id=99999999999999999999", 422),
    ("/api/v1/settlements?after=damaged", 422),
    ("/api/v1/settlements?size=0", 422),
    ("/api/v1/settlements/search?q=%00", 422),
    ("/api/v1/settlements/search?q=%ED%A0%80", 200),
    ("/api/v1/settlements/search?q=" + "x" * 5000, 422),
    ("/api/v1/settlements/search?q=%25_%5C'\"", 200),
    ("/api/v1/settlements/distance?from_id=1", 422),
    ("/api/v1/addresses?address=%00%00", 422),
    ("/settlements?county_id=abc", 422),
    ("/settlements?after=damaged", 422),
    ("/settlements?q=%00", 422),
    ("/settlements?settlement_id=1&endpoint=x&_external=1&_anchor=a", 200),
    ("/settlements/registers/999999", 404),
    ("/settlements/999999999999999999999999", 422),
]


def test_odd_questions_get_clear_answers(web):
    client = web()
    answers = [(path, client.get(path).status_code) for path, _ in ODD_QUESTIONS]
    assert answers == ODD_QUESTIONS


@pytest.mark.parametrize("path", ["/settlements/registers", "/api/v1/registers"])
def test_registers_are_for_who_may_import(web, path):
    assert web(READER).get(path).status_code == 403
    assert web(NOBODY).get(path).status_code == (401 if path.startswith("/api") else 302)
    assert upload(web(READER), as_csv([FAJ]), path).status_code == 403


def test_a_register_goes_in_and_out_through_the_api(web, ids):
    client = web()
    answer = upload(client, as_csv([FAJ, CSENYETE]))
    assert answer.status_code == 201
    assert answer.json["figures"]["rows"] == 2
    address = f"/api/v1/registers/{answer.json['id']}"
    assert client.post(f"{address}/load").json["state"] == "loaded"
    assert client.post(f"{address}/load").status_code == 409
    assert client.get(f"/api/v1/settlements/{ids['Fáj']}").json["ksh_code"] == "10001"
    assert client.post(f"{address}/reverse").json["state"] == "reversed"
    assert client.get(f"/api/v1/settlements/{ids['Fáj']}").json["ksh_code"] is None
    assert [each["id"] for each in client.get("/api/v1/registers").json["items"]] == [answer.json["id"]]


def test_wrong_rows_are_said_in_the_readers_language(web):
    client = web()
    answer = upload(client, as_csv([FAJ, CSENYETE | {"name": "Csenyte"}]))
    address = f"/api/v1/registers/{answer.json['id']}"
    rows = client.get(f"{address}/rows?show=wrong&lang=en").json
    assert rows["total"] == 1
    assert rows["items"][0]["problems"] == ["Unknown settlement: “Csenyte”. Is it Csenyéte?"]
    rows = client.get(f"{address}/rows?show=wrong&lang=hu").json
    assert rows["items"][0]["problems"] == ["Ismeretlen település: „Csenyte”. Talán erről van szó: Csenyéte?"]
    refused = client.post(f"{address}/load?lang=en")
    assert refused.status_code == 422
    assert refused.json["type"] == "register-wrong"


def test_files_that_are_no_register_are_a_422(web):
    client = web()
    for content in (b"", b"nonsense", b"PK\x03\x04nonsense", b"\x00\x01\x02" * 100):
        answer = upload(client, content)
        assert answer.status_code == 422, content
        assert answer.json["type"] == "register-unreadable"
        assert answer.json["fields"]["file"]


def test_a_form_without_a_file_comes_back_with_the_reason(web):
    client = web()
    for data in ({}, {"file": "text"}, {"file": (io.BytesIO(b""), "")}):
        answer = client.post("/settlements/registers?lang=en", data=data, content_type="multipart/form-data")
        assert answer.status_code == 422
        assert "Choose a file first." in answer.text
    assert client.post("/api/v1/registers", data={}).status_code == 422


def test_a_register_goes_in_and_out_through_the_pages(web, ids):
    client = web()
    preview = upload(client, as_csv([FAJ, CSENYETE]), "/settlements/registers")
    assert preview.status_code == 302
    page = client.get(preview.location + "?lang=en").text
    assert "Load 2 rows" in page
    assert "until now: " in page
    loaded = client.post(preview.location + "/load")
    assert loaded.status_code == 302
    page = client.get(loaded.location).text
    assert "The register is loaded: 2 settlements." in page
    assert f'action="{preview.location}/reverse"' in page, "the toast takes it back"
    twice = client.post(preview.location + "/load")
    assert twice.status_code == 409
    assert "loaded already" in twice.text
    assert client.post(preview.location + "/reverse").status_code == 302
    assert "Upload another file" in client.get(preview.location).text


def test_a_wrong_register_offers_no_loading(web):
    client = web()
    preview = upload(client, as_csv([FAJ | {"ksh_code": "99999"}]), "/settlements/registers")
    page = client.get(preview.location + "?show=wrong&lang=en").text
    assert "its last digit does not match" in page
    assert "/load" not in page


def test_no_page_shows_an_untranslated_word(web, ids):
    client = web(PSEUDO_LANGUAGE=True)
    good = upload(client, as_csv([FAJ, CSENYETE]), "/settlements/registers").location
    bad = upload(client, as_csv([FAJ | {"name": "Faj", "lat": "x"}]), "/settlements/registers").location
    client.post(f"{good}/load")
    for path in (
        "/settlements",
        "/settlements?q=zzz",
        f"/settlements/{ids['Csenyéte']}",
        f"/settlements/{ids['Fáj']}?q=f",
        "/settlements/registers",
        good,
        bad,
        f"{good}?show=wrong",
    ):
        assert untranslated(client.get(path).text) == [], path


def test_lists_take_few_statements_however_long(web, sessions):
    from sqlalchemy import event

    said = []
    engine = sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    client = web(READER)
    client.get("/settlements?size=3")
    few = len(said)
    said.clear()
    client.get("/settlements?size=200")
    assert len(said) == few <= 12
