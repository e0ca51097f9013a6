"""A workbook of several sheets: the likeliest is looked at, a person or a program may choose another one."""

import io

import pytest

from app.imports import service
from app.imports.errors import FileUnreadable, LoadedBefore, NotNow
from tests.imports.conftest import HEADING, as_book
from tests.imports.test_opening_stock import everything
from tests.imports.test_pages import pages, upload  # noqa: F401

FLOUR = ("búzaliszt bl 55, 1 kg", "", "12", "db", "MIS-A-01", "", "", "")
RICE = ("Rizs, ömlesztett", "", "500", "g", "", "", "", "")
BOOK = as_book(
    {
        "Borító": [("Nyitókészlet", "2026"), ("Készítette", "raktár")],
        "Miskolc": [("Leltár",), HEADING, FLOUR, FLOUR],
        "Külső raktár": [HEADING, RICE],
        "Segéd": [HEADING, RICE, RICE, RICE],
    },
    hidden=("Segéd",),
)


def test_the_sheet_with_known_headings_is_looked_at_and_hidden_ones_are_not_offered(work, house):
    with work() as uow:
        taken = service.upload(
            uow, kind="opening_stock", warehouse_id=house.warehouse_id, file_name="a.xlsx", content=BOOK
        )
        assert taken.mapping["sheets"] == ["Borító", "Miskolc", "Külső raktár"]
        assert (taken.mapping["sheet"], taken.rows_count) == ("Miskolc", 2)


def test_another_sheet_is_chosen_previewed_and_loaded(work, house, the, deed, run_jobs):
    with work() as uow:
        taken = service.upload(
            uow, kind="opening_stock", warehouse_id=house.warehouse_id, file_name="a.xlsx", content=BOOK
        )
        import_id = taken.id
        service.understand(uow, import_id=import_id, fields=taken.mapping["fields"])
    run_jobs()
    assert [row["item"] for row in the(import_id).figures["shown"]] == ["Búzaliszt BL 55, 1 kg"] * 2
    with work() as uow:
        chosen = service.choose_sheet(uow, import_id=import_id, sheet="Külső raktár")
        assert (chosen.state, chosen.figures, chosen.rows_count) == ("uploaded", None, 1)
        service.understand(uow, import_id=import_id, fields=chosen.mapping["fields"])
    run_jobs()
    assert [row["item"] for row in the(import_id).figures["shown"]] == ["Rizs, ömlesztett"]
    deed("load", import_id)
    assert everything(work) == (1, 1, 500)
    with pytest.raises(NotNow), work() as uow:
        service.choose_sheet(uow, import_id=import_id, sheet="Miskolc")


def test_two_sheets_of_one_file_are_two_stocks_but_one_sheet_twice_must_be_meant(work, house, deed, run_jobs):
    loaded = []
    for sheet in ("Miskolc", "Külső raktár", "Miskolc"):
        with work() as uow:
            taken = service.upload(
                uow,
                kind="opening_stock",
                warehouse_id=house.warehouse_id,
                file_name="a.xlsx",
                content=BOOK,
                sheet=sheet,
            )
            assert taken.mapping["sheet"] == sheet
            service.understand(uow, import_id=taken.id, fields=taken.mapping["fields"])
            loaded.append(taken.id)
        run_jobs()
        if len(loaded) < 3:
            deed("load", loaded[-1])
    assert everything(work) == (3, 3, 524)
    with pytest.raises(LoadedBefore, match=f"import {loaded[0]}"), work() as uow:
        service.load(uow, import_id=loaded[2])


@pytest.mark.parametrize("sheet", ["Nincs ilyen", "Segéd", "Üres"])
def test_a_sheet_that_is_not_there_or_holds_no_table_is_refused_and_the_first_choice_stays(work, house, the, sheet):
    book = as_book({"Miskolc": [HEADING, FLOUR], "Üres": [], "Segéd": [HEADING, RICE]}, hidden=("Segéd",))
    with work() as uow:
        import_id = service.upload(
            uow, kind="opening_stock", warehouse_id=house.warehouse_id, file_name="a.xlsx", content=book
        ).id
    with pytest.raises(FileUnreadable) as refused, work() as uow:
        service.choose_sheet(uow, import_id=import_id, sheet=sheet)
    assert list(refused.value.fields) == ["sheet"]
    assert the(import_id).mapping["sheet"] == "Miskolc"


def test_a_person_chooses_the_sheet_on_the_page_and_sees_which_is_read(pages, house, run_jobs, the):  # noqa: F811
    address = upload(pages, house, BOOK, name="készlet.xlsx").headers["Location"]
    page = pages.get(f"{address}?lang=en").text
    assert "Which sheet of the workbook?" in page
    assert '<option value="Miskolc" selected' in page
    assert "Segéd" not in page
    assert pages.post(f"{address}/sheet", data={"sheet": "Külső raktár"}).status_code == 302
    fields = {f"field-{ours}": column for ours, column in the(1).mapping["fields"].items()}
    assert pages.post(f"{address}/columns", data=fields).status_code == 302
    run_jobs()
    page = pages.get(f"{address}?lang=en").text
    assert 'sheet <bdi translate="no">Külső raktár</bdi>' in page
    assert "Other sheet or columns" in page
    refused = pages.post(f"{address}/sheet", data={"sheet": "Nincs"})
    assert refused.status_code == 422
    assert "Nincs" in refused.text


def test_a_program_names_the_sheet_with_the_file_or_afterwards(pages, house):  # noqa: F811
    data = {
        "kind": "opening_stock",
        "warehouse_id": str(house.warehouse_id),
        "sheet": "Külső raktár",
        "file": (io.BytesIO(BOOK), "a.xlsx"),
    }
    made = pages.post("/api/v1/imports", data=data, content_type="multipart/form-data")
    assert made.status_code == 201, made.text
    assert (made.json["mapping"]["sheet"], made.json["rows"]) == ("Külső raktár", 1)
    address = f"/api/v1/imports/{made.json['id']}/sheet"
    answer = pages.post(address, json={"sheet": "Miskolc"})
    assert (answer.status_code, answer.json["mapping"]["sheet"], answer.json["rows"]) == (200, "Miskolc", 2)
    refused = pages.post(address, json={"sheet": "Segéd"})
    assert (refused.status_code, refused.mimetype) == (422, "application/problem+json")
    assert pages.get(f"/api/v1/imports/{made.json['id']}").json["mapping"]["sheets"][0] == "Borító"
