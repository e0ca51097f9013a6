"""An opening stock from a file: judged row by row, loaded whole or not at all, once, and taken back."""

import pytest
from sqlalchemy import func, select

from app.foundation.journal import JournalEntry
from app.foundation.words import Message
from app.imports import service
from app.imports.errors import LoadedBefore, NotNow, RowsWrong
from app.imports.models import Import
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.models import Balance, Lot, Movement
from tests.conftest import EVERYTHING
from tests.imports.conftest import as_csv, as_xlsx

GOOD = [
    ("búzaliszt bl 55, 1 KG", "", "1 200", "db", "MIS-A-01", "", "", "290,50"),
    ("UHT tej, 1 l", "", "24", "", "mis-a-02", "2027. 03. 31.", "L-7", ""),
    ("Rizs, ömlesztett", "", "1 234,5 kg", "", "", "", "", ""),
    ("", "12000001001001", "3", "karton", "MIS-A-01", "", "", ""),
]


def said(problem):
    return [(each["column"], str(Message.from_json(each["message"]))) for each in problem["wrong"]]


def everything(work):
    with work() as uow:
        lots = uow.session.scalar(select(func.count()).select_from(Lot))
        movements = uow.session.scalar(select(func.count()).select_from(Movement))
        on_hand = uow.session.scalar(select(func.sum(Balance.on_hand)).where(Balance.guarded)) or 0
        assert stock_queries.verify(uow.session).holds
        return lots, movements, int(on_hand)


def test_a_file_is_understood_loaded_and_stands_in_the_books_exactly(work, house, taken_in, deed, the):
    import_id = taken_in(as_csv(GOOD))
    found = the(import_id)
    assert (found.state, found.problems, found.rows_count) == ("previewed", [], 4)
    assert {name: found.figures[name] for name in ("rows", "wrong", "items", "places")} == {
        "rows": 4, "wrong": 0, "items": 3, "places": 3,
    }  # fmt: skip
    assert everything(work) == (0, 0, 0), "a preview writes nothing into the books"
    deed("load", import_id)
    assert the(import_id).state == "loaded"
    with work() as uow:
        rows = uow.session.execute(
            select(
                Lot.item_id,
                Balance.on_hand,
                Balance.place_id,
                Lot.expires_on,
                Lot.batch,
                Lot.unit_value_huf,
                Lot.source,
            )
            .join(Balance, Balance.lot_id == Lot.id)
            .where(Balance.guarded)
            .order_by(Lot.id)
        ).all()
    source = f"NYITÓ I-{import_id}"
    assert [(row[0], row[1], row[2], str(row[3]), row[4], row[5], row[6]) for row in rows] == [
        (house.flour, 1200, house.shelves[0], "None", None, 29050, source),
        (house.milk, 24, house.shelves[1], "2027-03-31", "L-7", None, source),
        (house.rice, 1_234_500, house.dock_id, "None", None, None, source),
        (house.flour, 30, house.shelves[0], "None", None, None, source),
    ]
    assert everything(work) == (4, 4, 1200 + 24 + 1_234_500 + 30)


def test_each_wrong_row_is_named_with_its_column_and_what_to_do(work, taken_in, the, deed):
    rows = [
        GOOD[0],
        ("Buzalist BL55 1 kg", "", "5", "", "", "", "", ""),
        ("UHT tej, 1 l", "", "5", "", "", "", "", ""),
        ("UHT tej, 1 l", "", "öt", "", "", "2027.02.30", "", ""),
        ("Búzaliszt BL 55, 1 kg", "", "2,5", "", "MIS-Z-99", "", "", ""),
        ("Búzaliszt BL 55, 1 kg", "12000001001001", "3", "", "", "", "", ""),
        ("Búzaliszt BL 55, 1 kg", "2000001001005", "3", "", "", "", "", ""),
        ("Rizs, ömlesztett", "", "1.234", "kg", "", "", "", ""),
        ("Rizs, ömlesztett", "", "0,0005 kg", "", "", "", "", "-5"),
        ("", "", "3", "", "", "", "", ""),
    ]
    import_id = taken_in(as_csv(rows))
    found = the(import_id)
    assert (found.state, found.figures["wrong"], found.figures["rows"]) == ("previewed", 9, 10)
    assert [problem["row"] for problem in found.problems] == [3, 4, 5, 6, 7, 8, 9, 10, 11]
    told = [said(problem) for problem in found.problems]
    assert told[0] == [("Megnevezés", "No such item: “Buzalist BL55 1 kg”. Is it Búzaliszt BL 55, 1 kg?")]
    assert told[1] == [("Lejárat", "UHT tej, 1 l has an expiry: write the day.")]
    assert [column for column, _ in told[2]] == ["Mennyiség", "Lejárat"]
    assert told[3][0][1].startswith("“2,5 ” is no whole number of")
    assert told[3][1] == ("Hely", "There is no place MIS-Z-99. Open it first, or leave the cell empty.")
    assert "pack of 10" in told[4][0][1]
    assert told[5][0][0] == "Vonalkód"
    assert "may be 1234 or 1,234" in told[6][0][1]
    assert [column for column, _ in told[7]] == ["Mennyiség", "Egységár"]
    assert told[8] == [("Megnevezés", "The row names no item.")]
    with pytest.raises(RowsWrong, match="9 of 10 rows are wrong"), work() as uow:
        service.load(uow, import_id=import_id)
    assert everything(work) == (0, 0, 0)


def test_loading_twice_acts_once_and_the_same_file_again_must_be_meant(work, taken_in, deed, the):
    import_id = taken_in(as_csv(GOOD))
    with work() as uow:
        service.load(uow, import_id=import_id)
    with work() as uow:
        service.load(uow, import_id=import_id)
    ended = deed("load", import_id)
    assert [name for name, _, _ in ended] == ["imports.load"], "pressed three times, promised once"
    deed("load", import_id)
    assert everything(work) == (4, 4, 1_235_754)
    again = taken_in(as_csv(GOOD))
    with pytest.raises(LoadedBefore, match=f"import {import_id}"), work() as uow:
        service.load(uow, import_id=again)
    deed("load", again, again=True)
    assert everything(work)[:2] == (8, 8)


def test_what_was_loaded_is_taken_back_whole(work, taken_in, deed, the):
    import_id = taken_in(as_csv(GOOD))
    deed("load", import_id)
    deed("reverse", import_id)
    found = the(import_id)
    assert (found.state, found.reversed_at is not None) == ("reversed", True)
    assert everything(work) == (4, 8, 0), "the opposite movements stand beside the first ones"
    deed("reverse", import_id)
    assert everything(work) == (4, 8, 0)


def test_what_was_touched_since_stands_in_the_way_and_is_named(work, house, taken_in, deed, the):
    import_id = taken_in(as_csv(GOOD))
    deed("load", import_id)
    with work() as uow:
        lot = uow.session.scalar(select(Lot).where(Lot.item_id == house.milk))
        stock.move(
            uow,
            operation_id=service.operation_of(999, 1),
            lot_id=lot.id,
            from_place_id=house.shelves[1],
            to_place_id=house.shelves[0],
            quantity=4,
        )
    before = everything(work)
    deed("reverse", import_id)
    found = the(import_id)
    assert found.state == "loaded"
    assert [(each["item"], each["received"], each["on_hand"]) for each in found.made["obstacles"]] == [
        ("UHT tej, 1 l", 24, 20)
    ]
    assert everything(work) == before
    with work() as uow:
        stock.move(
            uow,
            operation_id=service.operation_of(999, 2),
            lot_id=lot.id,
            from_place_id=house.shelves[0],
            to_place_id=house.shelves[1],
            quantity=4,
        )
    deed("reverse", import_id)
    assert the(import_id).state == "reversed"
    assert everything(work)[2] == 0


def test_a_catalogue_that_changed_after_the_preview_is_shown_before_anything_is_loaded(
    work, house, taken_in, deed, the
):
    from app.catalogue import service as catalogue

    import_id = taken_in(as_csv(GOOD))
    with work() as uow:
        catalogue.retire_item(uow, item_id=house.milk)
    deed("load", import_id)
    found = the(import_id)
    assert (found.state, found.figures["wrong"]) == ("previewed", 1)
    assert "changed after this preview" in found.failure["text"]
    assert everything(work) == (0, 0, 0)


def test_columns_that_a_person_chose_are_remembered_for_files_of_that_shape(work, house, taken_in, the):
    rows = [("x", "búzaliszt BL 55, 1 kg", "7")]
    heading = ("Akármi", "Mi az", "Hány")
    with work() as uow:
        first = service.upload(
            uow, kind="opening_stock", warehouse_id=house.warehouse_id, file_name="a.csv",
            content=as_csv(rows, heading=heading),
        )  # fmt: skip
        assert first.mapping["fields"] == {}
        with pytest.raises(Exception, match="look at the columns"):
            service.understand(uow, import_id=first.id, fields={"name": "Mi az"})
    taken_in(as_csv(rows, heading=heading), fields={"name": "Mi az", "quantity": "Hány"})
    with work() as uow:
        third = service.upload(
            uow, kind="opening_stock", warehouse_id=house.warehouse_id, file_name="b.csv",
            content=as_csv([*rows, *rows], heading=("AKARMI", "mi az", "hány")),
        )  # fmt: skip
        assert third.mapping["remembered"] is False, "other headings, even if alike, are mapped by their own names"
        fourth = service.upload(
            uow, kind="opening_stock", warehouse_id=house.warehouse_id, file_name="c.csv",
            content=as_csv([*rows, *rows], heading=heading),
        )  # fmt: skip
        assert fourth.mapping["fields"] == {"name": "Mi az", "quantity": "Hány"}


def test_workbooks_give_numbers_as_numbers_and_days_as_days(work, house, taken_in, deed, the):
    from datetime import date

    rows = [
        ("Rizs, ömlesztett", None, 1.234, "kg", None, None, None, None),
        ("UHT tej, 1 l", None, 12, None, None, date(2027, 5, 1), None, 450),
        ("UHT tej, 1 l", None, 12, None, None, 46508, None, None),
    ]
    import_id = taken_in(as_xlsx(rows), name="nyitó.xlsx")
    assert the(import_id).problems == []
    deed("load", import_id)
    with work() as uow:
        found = uow.session.execute(
            select(Balance.on_hand, Lot.expires_on)
            .join(Lot, Lot.id == Balance.lot_id)
            .where(Balance.guarded)
            .order_by(Lot.id)
        ).all()
    assert [(row[0], str(row[1])) for row in found] == [(1234, "None"), (12, "2027-05-01"), (12, "2027-05-01")]


def test_a_file_of_another_warehouse_is_nobodys_business(work, house, taken_in):
    from app.foundation.actor import Actor, Scope
    from app.imports.errors import NoSuchImport

    import_id = taken_in(as_csv(GOOD))
    other = Actor(
        2, "Other", "warehouse_manager", grants={"stock.import": Scope.WAREHOUSE}, reach={Scope.WAREHOUSE: (10**9,)}
    )
    with pytest.raises(NoSuchImport), work(other) as uow:
        service.load(uow, import_id=import_id)


def test_a_step_cannot_be_skipped(work, house, the):
    with work() as uow:
        taken = service.upload(
            uow, kind="opening_stock", warehouse_id=house.warehouse_id, file_name="a.csv", content=as_csv(GOOD)
        )
        import_id = taken.id
    for deed in (service.load, service.reverse):
        with pytest.raises(NotNow), work() as uow:
            deed(uow, import_id=import_id)
    with work() as uow:
        deeds = uow.session.scalars(select(JournalEntry.deed).where(JournalEntry.subject_kind == "data_import")).all()
        assert deeds == ["import.uploaded"]
        assert uow.session.get_one(Import, import_id).state == "uploaded"
        assert uow.actor is EVERYTHING
