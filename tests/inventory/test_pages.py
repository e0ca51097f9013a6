"""The views of the stock as pages, programs and files: they open for who may, cost little, and tell nothing more."""

import csv
import io
from contextlib import closing
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from psycopg import ServerCursor
from sqlalchemy import func, select

from app.foundation.journal import JournalEntry
from app.foundation.sheets import written_as
from app.inventory import exports, queries
from app.inventory.models import Export, ExportPart
from app.stock.models import Balance, Lot, Place, StockLevel
from tests.builders import a_lot, an_item, the_place
from tests.conftest import EVERYTHING
from tests.inventory.conftest import moved
from tests.untranslated import untranslated

PAGES = [
    "/inventory/",
    "/inventory/?by=lot",
    "/inventory/?by=place",
    "/inventory/?by=warehouse",
    "/inventory/?by=county",
    "/inventory/?q=liszt&category_id=1&county_id={c.county}&warehouse_id={c.here}&storage_class=ambient",
    "/inventory/counties",
    "/inventory/counties?item_id={c.flour}",
    "/inventory/counties/{c.other_county}",
    "/inventory/expiring",
    "/inventory/expiring?days=7",
    "/inventory/expiring?days=90&q=liszt",
    "/inventory/expiring?days=expired",
    "/inventory/levels",
    "/inventory/levels?view=below",
    "/inventory/levels?view=above",
    "/inventory/levels/new?item_id={c.soap}",
    "/inventory/levels/{c.level}",
    "/inventory/at",
    "/inventory/at?on=2026-11-20&clock=happened&by=category",
    "/inventory/at?by=warehouse&category_id=1&storage_class=ambient",
    "/inventory/items/{c.flour}",
    "/inventory/items/{c.flour}?period=day&until=2026-11-01",
    "/inventory/items/{c.flour}?period=week&warehouse_id={c.here}",
    "/inventory/lots/{c.lot}",
    "/inventory/lots/{c.kit_lot}",
    "/inventory/offers/{c.offer}",
]


def test_every_page_opens_in_both_languages_and_says_nothing_untranslated(serve, country):
    plain, pseudo = serve(), serve(pseudo=True)
    for path in PAGES:
        address = path.format(c=country)
        for language in ("hu", "en"):
            response = plain.get(address, headers={"Accept-Language": language})
            assert response.status_code == 200, address
            assert 'style="' not in response.text, address
        assert untranslated(pseudo.get(address).text) == [], address


def test_a_page_asks_the_database_a_constant_number_of_times_at_most_twelve(serve, work, country, statements):
    asked = counted(serve, country, statements)
    with work() as uow:
        for number in range(8):
            name = f"Thing {number}"
            item = an_item(uow, f"T{number}", name_hu=name, name_en=name, name_hu_key=name, name_en_key=name)
            today = uow.now.date()
            warehouse = uow.session.get_one(type(a_lot(uow, _warehouse(uow, country), 3, item=item)), country.lot)
            assert warehouse
            a_lot(uow, _warehouse(uow, country), 5, item=item, expires_on=today + timedelta(days=number))
    assert counted(serve, country, statements) == asked
    assert {path: number for path, number in asked.items() if number > 12} == {}


def _warehouse(uow, country):
    from app.stock.models import Warehouse

    return uow.session.get_one(Warehouse, country.here)


def counted(serve, country, statements):
    browser, found = serve(country.manager()), {}
    for path in PAGES:
        statements.clear()
        assert browser.get(path.format(c=country)).status_code in (200, 404), path
        found[path] = len(statements)
    return found


@pytest.mark.parametrize(
    "address",
    [
        "/inventory/?by=colour",
        "/inventory/?after=nonsense",
        "/inventory/?warehouse_id=99999999999999999999",
        "/inventory/?q=%00",
        "/inventory/expiring?days=8",
        "/inventory/at?on=2027-01-01",
        "/inventory/at?on=9999-12-31",
        "/inventory/at?on=yesterday",
        "/inventory/items/1?until=32",
        "/inventory/export?view=movements&form=pdf",
        "/inventory/export?view=at&by=lot",
    ],
)
def test_odd_questions_are_refused_politely(serve, country, address):
    assert serve().get(address).status_code == 422


@pytest.mark.parametrize("day", ["0001-01-01", "1900-02-28", "2026-11-23"])
def test_any_day_that_has_been_can_be_asked_for(serve, country, day):
    assert serve().get(f"/inventory/at?on={day}").status_code == 200
    assert serve().get(f"/inventory/items/{country.flour}?until={day}&period=week").status_code == 200


def test_a_manager_sees_the_own_rows_and_of_others_only_sums(serve, country):
    browser = serve(country.manager())
    page = browser.get("/inventory/?by=lot&lang=en").text
    assert f"L-{country.lot}" in page and f"L-{country.other_lot}" not in page
    assert browser.get(f"/inventory/lots/{country.other_lot}").status_code == 404
    totals = browser.get("/api/v1/inventory/counties", query_string={"item_id": country.soap}).json["items"]
    assert {row["code"]: row["on_hand"] for row in totals} == {"AAA": 34, "BBB": 500}
    assert browser.get(f"/inventory/counties/{country.other_county}").status_code == 200
    assert serve(country.worker()).get("/inventory/counties").status_code == 403


def test_what_is_wanted_is_told_only_where_enough_households_wait(serve, work, country):
    asked = {"item_id": country.flour}
    totals = serve(country.manager()).get("/api/v1/inventory/counties", query_string=asked).json["items"]
    # Six households wait in one county for nine each, one in the other: the one is not told.
    assert {row["code"]: row["wanted"] for row in totals} == {"AAA": 0, "BBB": 54}


def test_the_map_shades_the_counties_by_what_they_have(serve, country):
    areas = serve().get(f"/inventory/counties/map.json?item_id={country.soap}").json["areas"]
    assert {area["code"]: area["share"] for area in areas} == {"AAA": 0.068, "BBB": 1.0}


def test_what_expires_comes_with_what_could_be_done(serve, country):
    rows = serve(country.manager()).get("/api/v1/inventory/expiring?days=30").json["items"]
    first = next(row for row in rows if row["lot_id"] == country.lot)
    assert [each["kind"] for each in first["proposals"]] == ["transfer", "transfer"]
    assert first["proposals"][0]["arguments"] == {
        "from_warehouse_id": country.here,
        "to_warehouse_id": country.there,
        "item_id": country.flour,
        "quantity": 60,
    }
    expired = serve(country.manager()).get("/api/v1/inventory/expiring?days=expired").json["items"]
    assert [(row["lot_id"], row["proposals"][0]["kind"]) for row in expired] == [(country.old_lot, "write_off")]


def test_who_may_not_know_totals_gets_proposals_without_them(serve, country):
    rows = serve(country.worker()).get("/api/v1/inventory/expiring?days=30").json["items"]
    assert [each["kind"] for row in rows for each in row["proposals"]] == ["offer"]


def test_a_level_that_is_not_kept_says_where_more_can_come_from(serve, country):
    page = serve(country.manager()).get("/inventory/levels?view=below&lang=en").text
    # 34 of at least 100 are there, 5 are coming: 111 are missing to the most, half of 500 can be spared.
    assert "34" in page and "111 from" in page and "which has 250 to spare" in page


def test_a_level_is_set_changed_seen_and_dropped(serve, work, country):
    browser = serve(country.manager())
    body = {"warehouse_id": country.here, "item_id": country.flour, "least": 20, "most": 60}
    made = browser.post("/api/v1/stock-levels", json=body).json
    assert (made["least"], made["most"]) == (20, 60)
    form = {"warehouse_id": country.here, "item_id": country.flour, "least": "30", "version": made["version"]}
    assert browser.post("/inventory/levels", data=form).status_code == 302
    assert browser.post("/inventory/levels", data=form).status_code == 412
    with work() as uow:
        level = uow.session.get_one(StockLevel, made["id"])
        assert (level.least, level.most) == (30, None)
    wrong = browser.post("/inventory/levels", data={**form, "most": "5", "version": ""})
    assert wrong.status_code == 422 and 'id="f-most"' in wrong.text
    elsewhere = {**body, "warehouse_id": country.there}
    assert browser.post("/api/v1/stock-levels", json=elsewhere).status_code == 404
    seen = browser.get(f"/api/v1/stock-levels/{made['id']}")
    assert browser.delete(f"/api/v1/stock-levels/{made['id']}").status_code == 428
    gone = browser.delete(f"/api/v1/stock-levels/{made['id']}", headers={"If-Match": seen.headers["ETag"]})
    assert gone.status_code == 204
    assert browser.get(f"/api/v1/stock-levels/{made['id']}").status_code == 404
    assert serve(country.worker()).post("/api/v1/stock-levels", json=body).status_code == 403
    with work() as uow:
        deeds = list(uow.session.scalars(select(JournalEntry.deed).where(JournalEntry.deed.like("stock.level%"))))
    assert deeds == ["stock.level", "stock.level", "stock.level_dropped"]


def test_the_way_of_a_lot_names_parcels_and_settlements_and_no_family(serve, country):
    found = serve().get(f"/api/v1/lots/{country.lot}/history").json
    assert found["origin"]["donor"] == "Tisza Malom"
    assert [each["lot_id"] for each in found["children"]] == [country.kit_lot]
    assert [each["parcel_id"] for each in found["parcels"]] == [country.parcel]
    assert not any("household" in name for each in found["parcels"] for name in each)
    back = serve().get(f"/api/v1/lots/{country.kit_lot}/history").json
    assert [each["lot_id"] for each in back["parents"]] == [country.lot]
    worker = serve(country.worker()).get(f"/api/v1/lots/{country.lot}/history").json
    assert (worker["origin"]["donor"], worker["parcels"], worker["transfers"]) == (None, [], [])


def test_a_gift_is_followed_by_counts(serve, country):
    page = serve(country.manager()).get(f"/inventory/offers/{country.offer}?lang=en").text
    assert "Tisza Malom" in page and "<b>100 <small>pieces" in page and "H-" not in page


# Exports ------------------------------------------------------------------------------------------------------------


def test_every_view_leaves_the_house_as_csv_and_as_a_workbook(serve, country):
    browser = serve(country.manager())
    for view in exports.ROWS:
        heads = None
        for form in ("csv", "xlsx"):
            answer = browser.get(f"/inventory/export?view={view}&form={form}&lang=en")
            assert answer.status_code == 200, view
            rows = table(answer.data, form)
            heads = heads or rows[0]
            assert (rows[0], len(rows) > 1 or view == "movements") == (heads, True), view
            assert all(len(row) == len(heads) for row in rows), view


def table(content, form):
    if form == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    return [[str(cell) for cell in row] for row in load_workbook(io.BytesIO(content)).active.values]


def test_an_export_holds_what_its_reader_may_see_and_is_written_in_the_journal(serve, work, country):
    rows = table(serve(country.manager()).get("/inventory/export?view=stock").data, "csv")
    lots = {row[0] for row in rows[1:]}
    assert f"L-{country.lot}" in lots and f"L-{country.other_lot}" not in lots
    with work() as uow:
        entry = uow.session.scalars(select(JournalEntry).where(JournalEntry.deed == "stock.exported")).one()
    assert (entry.actor_id, entry.details) == (7, {"view": "stock", "form": "csv", "rows": len(rows) - 1})


def test_a_name_that_begins_like_a_formula_is_inert_in_the_file(serve, work, country):
    with work() as uow:
        item = an_item(uow, "EVIL", name_hu="=HYPERLINK(1)", name_en="=HYPERLINK(1)", name_hu_key="a", name_en_key="a")
        a_lot(uow, _warehouse(uow, country), 3, item=item, batch="@SUM(A1)")
    rows = table(serve(country.manager()).get("/inventory/export?view=stock").data, "csv")
    assert any(row[2] == "'=HYPERLINK(1)" and row[3] == "'@SUM(A1)" for row in rows)


def test_a_long_export_is_a_job_whose_file_only_its_asker_gets_for_a_week(serve, work, country, clock, monkeypatch):
    monkeypatch.setattr(exports, "STRAIGHT_ROWS_MAX", 1)
    browser = serve(country.manager())
    asked = browser.get("/inventory/export?view=stock&form=xlsx")
    assert asked.status_code == 302
    address = asked.headers["Location"]
    assert browser.get(f"{address}/file").status_code == 302
    assert browser.get(address).status_code == 200
    with work() as uow:
        export_id = uow.session.scalars(select(Export.id)).one()
    with work(country.manager()) as uow:
        sheet = exports.write_export(uow, export_id=export_id, today=uow.now.date())
    monkeypatch.setattr(exports, "PART_BYTES", 1_000)
    with work() as uow:
        exports.keep_export(uow, export_id=export_id, sheet=sheet)
        parts = list(uow.session.scalars(select(ExportPart.content).order_by(ExportPart.number)))
    assert len(parts) > 3 and {len(part) for part in parts[:-1]} == {1_000}
    answer = browser.get(f"{address}/file")
    assert answer.data == b"".join(parts) and int(answer.headers["Content-Length"]) == len(answer.data)
    assert "attachment" in answer.headers["Content-Disposition"]
    assert f"L-{country.other_lot}" not in {row[0] for row in table(answer.data, "xlsx")}
    assert serve(country.worker()).get(f"{address}/file").status_code == 404
    assert serve(EVERYTHING).get(address).status_code == 404
    clock.now += timedelta(days=8)
    assert browser.get(f"{address}/file").status_code == 404
    with work() as uow:
        assert exports.drop_old_exports(uow) == 1
        assert list(uow.session.scalars(select(ExportPart.id))) == []


@pytest.mark.parametrize("view", ["stock", "movements"])
def test_a_long_table_is_fetched_some_rows_at_a_time(work, country, monkeypatch, view):
    fetched: list[int] = []
    fetch = ServerCursor.fetchmany

    def counted(cursor, size=0):
        rows = fetch(cursor, size)
        fetched.append(len(rows))
        return rows

    monkeypatch.setattr(ServerCursor, "fetchmany", counted)
    monkeypatch.setattr(queries, "ROWS_AT_A_TIME", 4)
    with work() as uow:
        for _ in range(11):
            a_lot(uow, _warehouse(uow, country), 5)
        lots = len(list(uow.session.scalars(select(Lot.id))))
    with work() as uow:
        filters = queries.Filters(today=uow.now.date())
        # The movements of builders are made now.
        asked = {"since": str(filters.today), "until": str(filters.today)}
        with closing(exports.ROWS[view](uow, filters, asked)) as rows:
            next(rows)
            assert sum(fetched) == 4
            sheet = written_as("csv", ["x"], rows)
    assert max(fetched) <= 4 and sum(fetched) >= lots
    assert len(b"".join(sheet).splitlines()) == sheet.rows + 1 == sum(fetched)


# What is added up ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", queries.GROUPS)
def test_every_view_adds_up_to_the_same_on_one_page_and_on_many(work, country, by):
    with work() as uow:
        today = uow.now.date()
        for number in range(6):
            a_lot(uow, _warehouse(uow, country), 3 + number, expires_on=today + timedelta(days=number // 2))
    with work() as uow:
        filters = queries.Filters(today=uow.now.date(), language="en")
        whole = queries.overview(uow.session, uow.actor, filters, by=by, size=200)
        one_by_one, after = [], None
        while True:
            page = queries.overview(uow.session, uow.actor, filters, by=by, after=after, size=1)
            one_by_one += page.rows
            after = page.next_after
            if after is None:
                break
        sums = queries.sums(uow.session, uow.actor, filters, by=by)
        lying = uow.session.execute(
            select(func.sum(Balance.on_hand), func.count(), func.sum(Balance.reserved)).where(
                Balance.guarded, Balance.on_hand > 0
            )
        ).one()
    assert one_by_one == list(whole.rows)
    assert len({line.id for line in whole.rows}) == len(whole.rows) == sums.lines
    found = [sum(getattr(line, name) for line in whole.rows) for name in ("on_hand", "lots", "reserved")]
    assert found == list(lying)
    assert sum(line.value for line in whole.rows) == sums.value
    assert abs(sum(line.weight_g for line in whole.rows) - sums.weight_g) <= len(whole.rows)


def test_a_view_values_by_the_donor_and_calls_available_what_may_be_given(work, country):
    with work() as uow:
        uow.session.get_one(Lot, country.kit_lot).state = "blocked"
    with work() as uow:
        filters = queries.Filters(today=uow.now.date(), warehouse_id=country.here, language="en")
        lines = {line.id: line for line in queries.overview(uow.session, uow.actor, filters).rows}
        soap, flour = lines[country.soap], lines[country.flour]
        # 30 for 100 Ft as stated, 4 for 250 Ft by the catalogue; the four are blocked, seven of the flour have expired.
        assert (soap.on_hand, soap.available, soap.value) == (34, 30, 30 * 10_000 + 4 * 25_000)
        assert (flour.on_hand, flour.on_hand - flour.available) == (107, 7)
        assert queries.sums(uow.session, uow.actor, filters).value == soap.value + flour.value


@pytest.mark.parametrize(
    ("q", "lots"),
    [
        ("szappan", ["kit_lot", "other_lot", "stated"]),
        ("SOAP", ["kit_lot", "other_lot", "stated"]),
        ("L-{lot}", ["lot"]),
        ("{place}", ["kit_lot", "lot", "old_lot", "stated"]),
        ("{hall}", ["kit_lot", "lot", "old_lot", "stated"]),
        ("aaa", ["kit_lot", "lot", "old_lot", "stated"]),
        ("no such thing", []),
        ("%", []),
    ],
)
def test_a_search_finds_by_item_lot_place_warehouse_and_county(work, country, q, lots):
    with work() as uow:
        stated = uow.session.scalars(select(Lot.id).where(Lot.unit_value_huf == 10_000)).one()
        place = uow.session.get_one(Place, country.shelf).code
        asked = q.format(lot=country.lot, place=place, hall=_warehouse(uow, country).name)
        filters = queries.Filters(today=uow.now.date(), q=asked)
        found = queries.overview(uow.session, uow.actor, filters, by="lot", size=200)
        wanted = {stated if name == "stated" else getattr(country, name) for name in lots}
        assert {line.id for line in found.rows} == wanted
        assert queries.sums(uow.session, uow.actor, filters, by="lot").lines == len(wanted)


def test_a_balance_says_by_itself_whether_something_lies_there(work, country):
    with work() as uow:
        shelf, out = country.shelf, the_place(uow, _warehouse(uow, country), "handed_over").id
        moved(uow, country.lot, shelf, out, 100 - _reserved(uow, country), kind="hand_over")
        rows = uow.session.execute(select(Balance.guarded, Balance.on_hand, Balance.stocked)).all()
    assert {row.stocked for row in rows} == {True, False}
    assert all(row.stocked == (row.guarded and row.on_hand > 0) for row in rows)


def _reserved(uow, country):
    at = (Balance.lot_id == country.lot, Balance.place_id == country.shelf)
    return uow.session.scalar(select(Balance.reserved).where(*at))
