"""Imports as pages and for programs: upload, columns, rows, load, take back."""

import io

import pytest

from app.accounts.roles import GRANTS, Role
from app.factory import create_app
from app.foundation.actor import Actor, Scope
from tests.imports.conftest import as_csv
from tests.imports.test_opening_stock import GOOD
from tests.untranslated import untranslated


@pytest.fixture
def pages(settings, sessions, clock, house):
    """The application in the hands of the warehouse's manager; ``pages.as_role`` changes who it is."""
    people = {
        "manager": Actor(
            11, "Kovács Anna", "warehouse_manager", grants=GRANTS[Role.WAREHOUSE_MANAGER],
            reach={Scope.WAREHOUSE: (house.warehouse_id,), Scope.OWN: (11,)},
        ),
        "admin": Actor(12, "Admin", "admin", grants=GRANTS[Role.ADMIN], reach={Scope.OWN: (12,)}),
    }  # fmt: skip
    who = {"is": "manager"}
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: people[who["is"]])
    app.config["TESTING"] = True
    browser = app.test_client()
    browser.as_role = lambda role: who.update({"is": role})
    return browser


def upload(pages, house, content, kind="opening_stock", name="nyitó.csv"):
    data = {"kind": kind, "file": (io.BytesIO(content), name)}
    if kind == "opening_stock":
        data["warehouse_id"] = str(house.warehouse_id)
    return pages.post("/imports", data=data, content_type="multipart/form-data")


def test_a_manager_walks_from_the_file_to_the_stock_and_back(pages, house, run_jobs, the):
    assert "No file was brought in yet" in pages.get("/imports?lang=en").text
    assert pages.get("/imports/new").status_code == 200
    answer = upload(pages, house, as_csv(GOOD))
    assert answer.status_code == 302, answer.text
    address = answer.headers["Location"]
    page = pages.get(f"{address}?lang=en").text
    assert "Which column is what?" in page
    assert '<option value="Megnevezés" selected' in page
    import_id = int(address.rsplit("/", 1)[1])
    fields = {f"field-{ours}": column for ours, column in the(import_id).mapping["fields"].items()}
    assert pages.post(f"{address}/columns", data=fields).status_code == 302
    assert "This page can be closed" in pages.get(f"{address}?lang=en").text
    run_jobs()
    page = pages.get(f"{address}?lang=en").text
    assert "Every row can be loaded" in page
    assert "Load 4 rows" in page
    assert pages.post(f"{address}/load").status_code == 302
    run_jobs()
    page = pages.get(f"{address}?lang=en").text
    assert "Take it back" in page
    again = upload(pages, house, as_csv(GOOD)).headers["Location"]
    pages.post(f"{again}/columns", data=fields)
    run_jobs()
    assert "This same file is loaded already" in pages.get(f"{again}?lang=en").text
    assert pages.post(f"{again}/load").status_code == 409
    assert pages.post(f"{address}/reverse").status_code == 302
    run_jobs()
    assert the(import_id).state == "reversed"
    assert "nyitó.csv" in pages.get("/imports").text


def test_wrong_rows_are_shown_and_given_back_as_a_file_that_no_office_program_computes(pages, house, run_jobs, the):
    rows = [GOOD[0], ('=HYPERLINK("http://x")', "", "5", "", "", "", "@SUM(1)", "")]
    address = upload(pages, house, as_csv(rows)).headers["Location"]
    fields = {f"field-{ours}": column for ours, column in the(1).mapping["fields"].items()}
    pages.post(f"{address}/columns", data=fields)
    run_jobs()
    page = pages.get(f"{address}?lang=en").text
    assert "No such item" in page
    assert "Nothing can be loaded while 1 row is wrong" in page
    answer = pages.get(f"{address}/wrong.csv?lang=en")
    assert answer.mimetype == "text/csv"
    written = answer.data.decode("utf-8-sig")
    lines = written.splitlines()
    assert lines[0].startswith("Megnevezés;Vonalkód;Mennyiség")
    assert lines[1].startswith("\"'=HYPERLINK(")
    assert ";'@SUM(1);" in lines[1]
    assert "No such item" in lines[1]
    again = upload(pages, house, answer.data, name="javított.csv")
    assert again.status_code == 302, "the file that was given can be mended and uploaded"


def test_what_is_no_table_is_refused_with_the_reason_beside_the_field(pages, house):
    pages.get("/imports?lang=en")
    answer = upload(pages, house, b"", name="x.csv")
    assert answer.status_code == 422
    assert 'id="f-file-e"' in answer.text
    assert "The file is empty." in answer.text
    answer = pages.post("/imports", data={"kind": "opening_stock"})
    assert answer.status_code == 422
    assert 'id="f-file-e"' in answer.text and "Choose a file first." in answer.text


def test_a_program_does_the_same(pages, house, run_jobs):
    answer = pages.post(
        "/api/v1/imports",
        data={
            "kind": "opening_stock",
            "warehouse_id": str(house.warehouse_id),
            "file": (io.BytesIO(as_csv(GOOD)), "nyito.csv"),
        },
        content_type="multipart/form-data",
    )
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert made["mapping"]["fields"]["quantity"] == "Mennyiség"
    address = f"/api/v1/imports/{made['id']}"
    assert pages.post(f"{address}/columns", json={"fields": {"name": "Nincs"}}).status_code == 422
    answer = pages.post(f"{address}/columns", json={"fields": made["mapping"]["fields"]})
    assert (answer.status_code, answer.json["state"]) == (202, "reading")
    run_jobs()
    assert pages.get(address).json["state"] == "previewed"
    assert pages.post(f"{address}/load", json={}).status_code == 202
    run_jobs()
    found = pages.get(address).json
    assert (found["state"], found["wrong"], found["rows"]) == ("loaded", 0, 4)
    assert pages.get("/api/v1/imports").json["items"][0]["id"] == made["id"]
    assert pages.post(f"{address}/reverse").status_code == 202
    run_jobs()
    assert pages.get(address).json["state"] == "reversed"


def test_a_catalogue_is_the_offices_and_a_stock_is_the_warehouses(pages, house):
    assert upload(pages, house, b"Kod;Nev\nA1;Alma\n", kind="catalogue").status_code == 403
    address = upload(pages, house, as_csv(GOOD)).headers["Location"]
    pages.as_role("admin")
    assert pages.get(address).status_code == 404
    assert upload(pages, house, as_csv(GOOD)).status_code == 403
    assert upload(pages, house, b"Kod;Nev\nA1;Alma\n", kind="catalogue", name="k.csv").status_code == 302


def test_every_word_of_the_pages_is_translated(pages, house, run_jobs, the):
    pages.application.config["PSEUDO_LANGUAGE"] = True
    rows = [*GOOD, ("Nincs ilyen", "", "x", "", "NINCS", "", "", "")]
    address = upload(pages, house, as_csv(rows)).headers["Location"]
    for page in ("/imports", "/imports/new", address):
        assert untranslated(pages.get(page).text) == [], page
    pages.post(f"{address}/columns", data={f"field-{o}": c for o, c in the(1).mapping["fields"].items()})
    assert untranslated(pages.get(address).text) == []
    run_jobs()
    assert untranslated(pages.get(address).text) == []
