"""A catalogue from a file: new items whole, known ones as far as cells are filled, barcodes; and back."""

import pytest
from sqlalchemy import func, select

from app.catalogue import queries as catalogue_queries
from app.catalogue import service as catalogue
from app.catalogue.models import Item, Pack
from app.foundation.words import Message
from tests import builders as make
from tests.imports.conftest import as_csv

HEADING = ("Cikkszám", "Magyar név", "Kategória", "Tömeg", "Térfogat", "Lejáratos", "Ár", "Vonalkód", "Kiszerelés")
ROWS = [
    ("BEANS-400", "Bab, Őrség tűzdelt űr 400 g", "Élelmiszer", "410 g", "0,5 l", "igen", "399,9", "", ""),
    ("FLOUR", "", "", "", "", "", "310", "4006381333931", "12"),
    ("BEANS-400", "", "", "", "", "", "", "5901234123457", "6"),
]


def items(work):
    with work() as uow:
        table = Item.__table__
        columns = [column for column in table.c if column.name != "version"]
        return (
            uow.session.execute(select(*columns).order_by(table.c.id)).all(),
            uow.session.execute(select(Pack.gtin, Pack.item_id, Pack.quantity).order_by(Pack.gtin)).all(),
        )


def said(problem):
    return [(each["column"], str(Message.from_json(each["message"]))) for each in problem["wrong"]]


def test_items_are_made_changed_and_taken_back_as_if_nothing_had_been(work, taken_in, deed, the):
    before = items(work)
    import_id = taken_in(as_csv(ROWS, heading=HEADING), kind="catalogue")
    found = the(import_id)
    assert found.problems == []
    assert {name: found.figures[name] for name in ("new", "changed", "packs")} == {"new": 1, "changed": 1, "packs": 2}
    assert items(work) == before, "a preview changes nothing"
    deed("load", import_id)
    with work() as uow:
        beans = catalogue_queries.item_by_code(uow.session, "BEANS-400")
        assert (beans.name_hu, beans.weight_mg, beans.volume_ul, beans.tracks_expiry, beans.value_huf) == (
            "Bab, Őrség tűzdelt űr 400 g", 410_000, 500_000, True, 39_990,
        )  # fmt: skip
        assert (beans.name_hu_key, beans.unit_name_hu) == ("bab orseg tuzdelt ur 400 g", "db")
        assert catalogue_queries.item_by_code(uow.session, "FLOUR").value_huf == 31_000
        assert catalogue_queries.pack_by_gtin(uow.session, "4006381333931").quantity == 12
        assert catalogue_queries.pack_by_gtin(uow.session, "5901234123457").item_id == beans.id
    deed("reverse", import_id)
    assert the(import_id).state == "reversed"
    assert items(work) == before


def test_what_was_changed_or_used_since_stands_in_the_way(work, house, taken_in, deed, the):
    import_id = taken_in(as_csv(ROWS, heading=HEADING), kind="catalogue")
    deed("load", import_id)
    with work() as uow:
        flour = catalogue_queries.item(uow.session, house.flour)
        catalogue.change_item(uow, item_id=flour.id, version=flour.version, value_huf=99)
    loaded = items(work)
    deed("reverse", import_id)
    found = the(import_id)
    assert found.state == "loaded"
    assert str(Message.from_json(found.failure)) == "Nothing was taken back: these items were changed since: FLOUR."
    assert items(work) == loaded


def test_an_item_that_is_in_use_stays(work, house, taken_in, deed, the):
    import_id = taken_in(as_csv(ROWS[:1], heading=HEADING), kind="catalogue")
    deed("load", import_id)
    with work() as uow:
        from app.stock.models import Warehouse

        beans = catalogue_queries.item_by_code(uow.session, "BEANS-400")
        make.a_level(uow, uow.session.get_one(Warehouse, house.warehouse_id), beans)
    deed("reverse", import_id)
    found = the(import_id)
    assert found.state == "loaded"
    assert str(Message.from_json(found.failure)) == "Nothing was taken back: these items are in use already: BEANS-400."
    with work() as uow:
        assert uow.session.scalar(select(func.count()).where(Item.code == "BEANS-400")) == 1


@pytest.mark.parametrize(
    ("row", "column", "told"),
    [
        (("", "Név", "Élelmiszer", "1 kg", "1 l", "", "", "", ""), "Cikkszám", "Every row needs the item's code"),
        (("NEW-1", "", "Élelmiszer", "1 kg", "1 l", "", "", "", ""), "Magyar név", "A new item needs this too"),
        (("NEW-1", "Név", "Elelmiszr", "1 kg", "1 l", "", "", "", ""), "Kategória", "Is it elelmiszer?"),
        (("NEW-1", "Név", "Élelmiszer", "1 köb", "1 l", "", "", "", ""), "Tömeg", "no unit that is known"),
        (("NEW-1", "Név", "Élelmiszer", "1 kg", "1 l", "talán", "", "", ""), "Lejáratos", "neither yes nor no"),
        (("NEW-1", "Név", "Élelmiszer", "1 kg", "1 l", "", "", "4006381333932", ""), "Vonalkód", "no barcode number"),
        (("NEW-1", "Név", "Élelmiszer", "1 kg", "1 l", "", "", "4.00638E+12", ""), "Vonalkód", "lost its digits"),
        (("MILK", "", "", "", "", "", "", "02000001001004", ""), "Vonalkód", "The barcode belongs to Búzaliszt"),
        (("FLOUR", "", "", "", "", "", "", "12000001001001", "9"), "Kiszerelés", "known with 10 pieces"),
    ],
)
def test_each_wrong_cell_is_named(work, taken_in, the, row, column, told):
    found = the(taken_in(as_csv([row], heading=HEADING), kind="catalogue"))
    assert found.figures["wrong"] == 1
    assert [each[0] for each in said(found.problems[0])] == [column]
    assert told in said(found.problems[0])[0][1]


def test_a_code_with_other_facts_and_a_barcode_twice_are_named_with_their_rows(taken_in, the):
    rows = [
        ROWS[0],
        ("BEANS-400", "Más bab", "Élelmiszer", "410 g", "0,5 l", "igen", "399,9", "", ""),
        ("FLOUR", "", "", "", "", "", "", "4006381333931", "1"),
        ("MILK", "", "", "", "", "", "", "4006381333931", "1"),
    ]
    found = the(taken_in(as_csv(rows, heading=HEADING), kind="catalogue"))
    assert [(problem["row"], said(problem)[0][1]) for problem in found.problems] == [
        (3, "The item stands in row 2 already, with other facts."),
        (5, "The barcode stands in row 4 already."),
    ]
