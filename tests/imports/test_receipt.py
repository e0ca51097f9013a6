"""An opening stock has a goods-received note: one for its warehouse, without a gap, cancelled when it is taken back."""

import pypdfium2
import pytest
from sqlalchemy import select

from app.catalogue.models import Item
from app.foundation.actor import Actor
from app.imports import service
from app.stock.models import Lot, Voucher
from app.vouchers import queries as vouchers
from tests.conftest import EVERYTHING
from tests.imports.conftest import as_csv
from tests.imports.test_killed import again, killed_at  # noqa: F401
from tests.imports.test_opening_stock import GOOD
from tests.imports.test_pages import pages  # noqa: F401

MANAGER = Actor(77, "Kovács Anna", "warehouse_manager", grants=EVERYTHING.grants, reach=EVERYTHING.reach)
ROWS = [
    *GOOD,
    ("UHT tej, 1 l", "", "6", "", "", "2027. 03. 31.", "L-8", "400"),
    ("UHT tej, 1 l", "", "6", "", "", "2027. 04. 30.", "L-9", ""),
]


@pytest.fixture
def notes(work):
    """Read all vouchers, in the order of their numbers."""

    def read():
        with work() as uow:
            found = uow.session.scalars(select(Voucher).order_by(Voucher.id)).all()
            uow.session.expunge_all()
            return list(found)

    return read


@pytest.fixture
def loaded(work, taken_in, deed):
    """Load an opening stock as its manager."""

    def load(rows=ROWS, **again):
        import_id = taken_in(as_csv(rows))
        with work(MANAGER) as uow:
            service.load(uow, import_id=import_id, **again)
        deed("load", import_id)
        return import_id

    return load


def test_one_note_is_numbered_with_like_lots_in_one_line(work, house, loaded, notes, the):
    import_id = loaded()
    [note] = notes()
    assert (note.kind, note.number, note.code) == ("receipt", 1, f"BEV/MIS/{note.posted_at.year}/00001")
    assert (note.subject_kind, note.subject_id, note.posted_by_id) == ("data_import", import_id, MANAGER.id)
    assert note.content["import"] == f"I-{import_id}"
    assert [
        (line["item_en"], line["quantity"], line["lots"], line["expires_on"]) for line in note.content["lines"]
    ] == [
        ("Wheat flour, 1 kg", 1230, 2, None),
        ("Rice, loose", 1_234_500, 1, None),
        ("UHT milk, 1 l", 30, 2, "2027-03-31"),
        ("UHT milk, 1 l", 6, 1, "2027-04-30"),
    ]
    with work() as uow:
        last_milk = uow.session.scalars(select(Lot).where(Lot.batch == "L-9")).one()
    assert [line["lot"] for line in note.content["lines"]][2:] == [None, f"L-{last_milk.id}"]
    assert note.content["lines"][0]["weight_g"] == 1_230_000
    assert the(import_id).made["voucher_id"] == note.id


def test_what_somebody_valued_counts_at_that_and_the_rest_at_the_catalogues_value(work, house, loaded, notes):
    values = {house.flour: 31_000, house.milk: 42_000, house.rice: 60}
    with work() as uow:
        for item_id, value_huf in values.items():
            uow.session.get_one(Item, item_id).value_huf = value_huf
    loaded()
    [note] = notes()
    flour, rice, milk, late = (line["value_huf"] for line in note.content["lines"])
    assert flour == 1200 * 29_050 + 30 * values[house.flour]
    assert milk == 24 * values[house.milk] + 6 * 40_000
    assert (late, rice) == (6 * values[house.milk], 1_234_500 * values[house.rice])


def test_taking_back_cancels_the_note_and_its_number_stays(work, loaded, deed, notes):
    first = loaded()
    deed("reverse", first)
    [note] = notes()
    assert (note.number, note.cancelled_at is not None) == (1, True)
    assert f"I-{first}" in note.cancel_reason
    loaded()
    assert [(each.number, each.cancelled_at is None) for each in notes()] == [(1, False), (2, True)]
    with work() as uow:
        [series] = vouchers.series(uow.session, uow.actor, vouchers.VouchersAsked())
    assert (series.count, series.drawn, series.cancelled, series.missing) == (2, 2, 1, 0)


def test_what_cannot_be_taken_back_keeps_its_note(work, house, loaded, deed, notes, the):
    from app.stock import service as stock

    import_id = loaded()
    with work() as uow:
        lot = uow.session.scalars(select(Lot).where(Lot.batch == "L-7")).one()
        stock.move(
            uow,
            operation_id=service.operation_of(999, 1),
            lot_id=lot.id,
            from_place_id=house.shelves[1],
            to_place_id=house.shelves[0],
            quantity=4,
        )
    deed("reverse", import_id)
    assert the(import_id).state == "loaded"
    assert [note.cancelled_at for note in notes()] == [None]


def test_a_loading_that_was_killed_leaves_no_gap(sessions, taken_in, killed_at, run_jobs, notes, loaded):  # noqa: F811
    import_id = taken_in(as_csv(GOOD))
    job_id = killed_at("load", import_id)
    assert notes() == []
    again(sessions, job_id)
    run_jobs()
    assert [note.number for note in notes()] == [1]
    loaded(again=True)
    assert [note.number for note in notes()] == [1, 2]


def test_the_note_is_opened_from_the_import_and_says_where_the_goods_came_from(pages, loaded, notes):  # noqa: F811
    import_id = loaded()
    [note] = notes()
    page = pages.get(f"/imports/{import_id}?lang=en").text
    assert f'href="/vouchers/{note.id}"' in page
    assert f'href="/imports/{import_id}"' in pages.get(f"/vouchers/{note.id}?lang=en").text
    assert pages.get(f"/api/v1/imports/{import_id}").json["voucher_id"] == note.id
    paper = pages.get(f"/vouchers/{note.id}/paper.pdf?lang=en")
    assert (paper.status_code, paper.mimetype) == (200, "application/pdf")
    said = "".join(sheet.get_textpage().get_text_range() for sheet in pypdfium2.PdfDocument(paper.data))
    for words in (note.code, "Opening stock", f"I-{import_id}", "2 lots", "Wheat flour, 1 kg", "1,230"):
        assert words in said, words
    assert "nyitó.csv" not in said
