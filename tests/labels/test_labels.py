"""Labels: every symbol on every label is read back as what was printed (C4), and no label says too much."""

from __future__ import annotations

import random
import string
from collections import Counter
from datetime import date
from functools import partial
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from app.accounts.roles import GRANTS, Role
from app.boxes.sscc import sscc
from app.catalogue.gtin import check_digit
from app.catalogue.models import Pack
from app.factory import create_app
from app.foundation.actor import Actor, Scope
from app.geography.models import Settlement
from app.labels import faces
from app.labels.faces import SIZES, Face, Goods, Size
from app.stock.models import Balance
from app.stock.scanning import Session, What, parse
from tests import builders as a

FORMATS = zxingcpp.barcode_formats_from_str("EAN13,EAN8,UPCA,UPCE,Code128,ITF,DataBar,DataBarExp,QRCode,DataMatrix")
"""What the scan page looks for; a reader of all formats sees old ones without checksums in the pattern of a QR code."""
DOTS = [8, 12]
"""Dots a millimetre: printers sold as 203 dpi and as 305 dpi."""
YEAR = 2026


def pages(document: bytes, dots: float) -> list[Any]:
    """Return the pages as a printer's dots."""
    # A hair less, so that a page of 62 mm is 496 dots and not 497 of which each is a little narrower.
    scale = dots * 25.4 / 72 * 0.999999
    return [page.render(scale=scale).to_pil().convert("L") for page in pypdfium2.PdfDocument(document)]


def decoded(document: bytes, dots: float) -> Counter[str]:
    """Return every text on the pages; GS1 symbols with their identifier."""
    found: Counter[str] = Counter()
    for page in pages(document, dots):
        for result in zxingcpp.read_barcodes(page, formats=FORMATS, text_mode=zxingcpp.TextMode.Plain):
            # Like the scan page, believe bars that three lines agree on; two can agree on small print.
            if result.position.bottom_left.y - result.position.top_left.y < 2:
                continue
            found[("]C1" if result.symbology_identifier == "]C1" else "") + result.text] += 1
    return found


@pytest.fixture(autouse=True)
def speaks(app: Any) -> Any:
    """Labels are in the reader's language."""
    with app.test_request_context():
        yield


def a_gtin(chance: random.Random) -> str:
    body = f"0599{chance.randrange(10**9):09}"
    return body + check_digit(body)


def goods(chance: random.Random, *, long: bool = False) -> Goods:
    signs = string.ascii_letters + string.digits + "-./_()+"
    batch = "".join(chance.choice(signs) for _ in range(20 if long else chance.randrange(1, 20)))
    pack = chance.choice([1, 6, 12])
    return Goods(
        item_hu="Gesztenyepüré árvíztűrő tükörfúrógéppel, tizenkétdarabos gyűjtőcsomagolásban",
        item_en="Chestnut purée",
        unit_hu="darab",
        unit_en="piece",
        quantity=pack * chance.randrange(1, 9999),
        expires_on=date(2027, chance.randrange(1, 13), 28) if long or chance.random() < 0.8 else None,
        use_by=chance.random() < 0.5,
        batch=batch,
        gtin=a_gtin(chance),
        pack=pack,
    )


def some(kind: str, size: Size, chance: random.Random) -> Face:
    """Return a label of a kind with contents that are as awkward as they get."""
    number = chance.choice([chance.randrange(1, 10**9), 10**15 - 1])
    if kind == "place":
        parts = ["".join(chance.choice(string.ascii_uppercase + "0123456789") for _ in range(chance.randrange(1, 9)))
                 for _ in range(chance.randrange(1, 4))]  # fmt: skip
        return faces.place(size, "-".join(["MIS", *parts])[:40].rstrip("-"), ["Miskolc"])
    if kind == "lot":
        return faces.lot(size, number, goods(chance, long=True), "új")
    if kind in ("box", "pallet"):
        code = sscc("0499999", chance.randrange(10**9))
        inside = [goods(chance, long=True) for _ in range(1 if kind == "pallet" else 3)]
        return faces.box(size, code, "MIS-R-000124", inside, pallet=kind == "pallet")
    if kind == "parcel":
        return faces.parcel(
            size,
            f"P-{number}",
            number,
            weight_g=12_400,
            settlement="Hernádszentandrás",
            run="12. járat",
            cold=["Hűtött"],
        )
    if kind == "multiplier":
        return chance.choice(faces.multipliers(size))
    return faces.document(size, What(kind), number, f"{kind[0].upper()}-{number}", ["Szállítás"])


KINDS = ["place", "lot", "box", "pallet", "parcel", "multiplier", "run", "transfer", "stocktake", "offer"]


def shown(face: Face, size: Size) -> list[str]:
    """Return what a scanner should read from a label: small ones carry one symbol."""
    symbols = face.symbols if size.large else face.symbols[-1:]
    return [symbol.reads for symbol in symbols]


@pytest.mark.parametrize("dots", DOTS)
@pytest.mark.parametrize("size", list(SIZES.values()), ids=list(SIZES))
def test_every_printed_label_decodes_to_the_same_content(size: Size, dots: int) -> None:
    chance = random.Random(f"{size.name} {dots}")
    printed = [some(kind, size, chance) for kind in KINDS for _ in range(3)]
    expected = Counter(text for face in printed for text in shown(face, size))
    document = faces.drawn(printed, size, start=3)
    assert decoded(document, dots) == expected


@pytest.mark.parametrize("size", list(SIZES.values()), ids=list(SIZES))
def test_what_is_read_from_a_label_is_what_was_printed(size: Size) -> None:
    chance = random.Random(5)
    for kind in KINDS:
        for _ in range(20):
            face = some(kind, size, chance)
            found = [parse(text, year=YEAR) for text in shown(face, size)]
            assert not any(each.kind in (What.REFUSED, What.UNKNOWN) or each.uncertain for each in found), face.title
            last = found[-1]
            if kind in ("box", "pallet"):
                assert (last.kind, last.sscc, len(str(last.sscc))) == (What.BOX, last.code, 18)
            elif kind == "multiplier":
                assert (last.kind, f"× {last.quantity}") == (What.MULTIPLIER, face.title)
            elif kind == "place":
                assert (last.kind, last.code) == (What.PLACE, face.title)
            else:
                assert (last.kind, last.id) == (What(kind), int(face.title.split("-")[1]))


def test_a_pallet_of_one_lot_says_what_is_on_it() -> None:
    chance = random.Random(9)
    for _ in range(60):
        on_it = goods(chance)
        face = faces.box(SIZES["100x150"], sscc("0499999", 7), "MIS-R-000007", [on_it], pallet=True)
        session = Session()
        for symbol in face.symbols[:-1]:
            session.feed(parse(symbol.reads, year=YEAR), 0)
        (line,) = session.lines
        assert (line.item.gtin, line.item.count, line.item.content) == (on_it.gtin, on_it.quantity // on_it.pack, True)
        assert (line.item.batch, line.item.expires_on) == (on_it.batch, on_it.expires_on)
        assert line.item.use_by == (on_it.use_by if on_it.expires_on else None)
        assert parse(face.symbols[-1].reads).kind == What.BOX


def test_a_mixed_pallet_says_its_number_only() -> None:
    chance = random.Random(2)
    face = faces.box(SIZES["100x150"], sscc("0499999", 7), "MIS-R-000007", [goods(chance), goods(chance)], pallet=True)
    assert [parse(symbol.reads).kind for symbol in face.symbols] == [What.BOX]


@pytest.mark.parametrize("dots", DOTS)
@pytest.mark.parametrize("size", list(SIZES.values()), ids=list(SIZES))
def test_every_bar_begins_and_ends_on_a_dot_of_the_printer(size: Size, dots: int) -> None:
    chance = random.Random(1)
    face = some("pallet", size, chance)
    (page,) = pages(faces.drawn([face], size), dots)
    modules_mm = face.symbols[-1].width_mm
    height = {"a4": 0.5 + 4 + 29 - 3.5 - 4, "62": 3 + 34 - 3.5 - 4, "100x150": 4 + 142 - 5.5 - 10}[size.name]
    row = [page.getpixel((x, int(height * dots))) for x in range(int(70 * dots) if size.name == "a4" else page.width)]
    assert set(row) == {0, 255}
    assert 0 < sum(value == 0 for value in row) / dots < modules_mm


def test_modules_are_whole_dots_on_both_printers() -> None:
    chance = random.Random(8)
    for size in SIZES.values():
        for kind in KINDS:
            for symbol in some(kind, size, chance).symbols:
                modules = int(symbol.svg.split('width="')[1].split('"')[0])
                module = symbol.width_mm / modules
                assert module * 8 == int(module * 8)
                assert module * 12 == int(module * 12)
                assert module >= 0.25


def test_a_sheet_holds_twenty_four_and_begins_where_it_was_left() -> None:
    many = faces.multipliers(SIZES["a4"])
    assert len(many) == 24
    assert len(pages(faces.drawn(many, SIZES["a4"]), 2)) == 1
    assert len(pages(faces.drawn(many, SIZES["a4"], start=2), 2)) == 2
    (page,) = pages(faces.drawn(many[:1], SIZES["a4"], start=24), 2)
    assert page.crop((0, 0, page.width, int(page.height * 0.85))).getextrema() == (255, 255)


# Through the application


@pytest.fixture
def hall(work: Any) -> dict[str, Any]:
    """A warehouse with a shelf, a lot with a GTIN, a pallet of it, a parcel on a run; and another warehouse."""
    with work() as uow:
        county = a.a_county(uow)
        warehouse = a.a_warehouse(uow, county, code="MIS")
        other = a.a_warehouse(uow, a.a_county(uow, "VAS"), code="SZO")
        shelf = a.a_place(uow, warehouse, code="MIS-A-03-2")
        a.a_place(uow, warehouse, code="MIS-A-04")
        a.a_place(uow, warehouse, code="MIS-B-01")
        a.a_place(uow, other, code="SZO-A-01")
        lot = a.a_lot(uow, warehouse, batch="L0412A", expires_on=date(2027, 3, 31))
        pallet = a.a_box(uow, warehouse, kind="pallet")
        uow.session.add(
            Balance(
                lot_id=lot.id, place_id=pallet.place_id, item_id=lot.item_id, expires_on=lot.expires_on,
                warehouse_id=warehouse.id, county_id=county.id, guarded=True, on_hand=144,
            )
        )  # fmt: skip
        uow.session.add(Pack(item_id=lot.item_id, gtin="09501101530003", quantity=12, learnt_at=uow.now))
        household = a.a_household(uow, county, contact_name="Kovács Béla", street="Fő utca 7.")
        need = a.a_need(uow, household)
        share = a.a_share(uow, need, lot, warehouse)
        run = a.a_run(uow, a.a_vehicle(uow, warehouse))
        stop = a.a_stop(uow, run, a.a_settlement(uow, county, "Encs"))
        parcel = a.a_parcel(uow, share, stop, health_related=True)
        transfer = a.a_transfer(uow, warehouse, other)
        return {
            "warehouse": warehouse.id, "other": other.id, "shelf": shelf.id, "lot": lot.id, "pallet": pallet.id,
            "sscc": pallet.sscc, "run": run.id, "parcel": parcel.id, "transfer": transfer.id,
            "household": household.id, "village": uow.session.get_one(Settlement, parcel.settlement_id).name,
        }  # fmt: skip


@pytest.fixture
def ask(settings: Any, sessions: Any) -> Any:
    """Return a browser of somebody with a role in a warehouse."""

    def make(role: Role, warehouse_id: int) -> Any:
        actor = Actor(1, "Raktáros", role, grants=dict(GRANTS[role]), reach={Scope.WAREHOUSE: (warehouse_id,)})
        made = create_app(settings, sessions=sessions, identify=lambda: actor)
        made.config["TESTING"] = True
        return partial(made.test_client().get, headers={"Accept": "*/*"})

    return make


@pytest.mark.parametrize("prefix", ["/labels/{}.pdf", "/api/v1/labels/{}"])
def test_a_worker_prints_the_labels_of_the_own_warehouse(ask: Any, hall: Any, prefix: str) -> None:
    get = ask(Role.WAREHOUSE_WORKER, hall["warehouse"])

    def read(what: str, **asked: Any) -> set[tuple[str, Any]]:
        answer = get(prefix.format(what), query_string={"size": "100x150", **asked})
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf"), answer.text
        found = [parse(text, year=YEAR) for text in decoded(answer.data, 8)]
        return {(each.kind, each.code or each.quantity) for each in found if each.kind != What.GS1}

    assert read("places", ids=hall["shelf"]) == {("place", "MIS-A-03-2")}
    assert read("places", warehouse_id=hall["warehouse"], first="mis-a", kind="shelf") == {
        ("place", "MIS-A-01-1"),
        ("place", "MIS-A-03-2"),
        ("place", "MIS-A-04"),
    }
    assert read("places", first="MIS-A-04", last="MIS-B", kind="shelf") == {
        ("place", "MIS-A-04"),
        ("place", "MIS-B-01"),
    }
    assert read("lots", ids=f"L-{hall['lot']}", copies=2) == {("lot", f"L-{hall['lot']}")}
    assert read("boxes", ids=hall["pallet"]) == {("box", hall["sscc"])}
    assert read("parcels", run_id=hall["run"]) == {("parcel", f"P-{hall['parcel']}")}
    assert read("runs", ids=hall["run"]) == {("run", f"R-{hall['run']}")}
    assert read("documents", ids=hall["transfer"], kind="transfer") == {("transfer", f"A-{hall['transfer']}")}
    assert ("multiplier", 100) in read("multipliers")


def test_the_label_of_a_stored_pallet_says_what_is_on_it(ask: Any, hall: Any) -> None:
    get = ask(Role.WAREHOUSE_WORKER, hall["warehouse"])
    answer = get("/labels/boxes.pdf", query_string={"size": "100x150", "ids": hall["pallet"]})
    session = Session()
    for text in sorted(decoded(answer.data, 8), reverse=True):
        session.feed(parse(text, year=YEAR), 0)
    on_it = next(line.item for line in session.lines if line.item.gtin)
    assert (on_it.gtin, on_it.count, on_it.batch) == ("09501101530003", 12, "L0412A")
    assert (on_it.expires_on, on_it.use_by) == (date(2027, 3, 31), False)


def test_nobody_prints_the_labels_of_another_warehouse(ask: Any, hall: Any) -> None:
    get = ask(Role.WAREHOUSE_WORKER, hall["other"])
    for what, asked in {
        "places": {"ids": hall["shelf"]}, "lots": {"ids": hall["lot"]}, "boxes": {"ids": hall["pallet"]},
        "parcels": {"ids": hall["parcel"]}, "runs": {"ids": hall["run"]},
    }.items():  # fmt: skip
        assert get(f"/api/v1/labels/{what}", query_string=asked).status_code == 404, what
    assert ask(Role.DRIVER, hall["warehouse"])("/api/v1/labels/multipliers").status_code == 403


def test_a_parcel_label_says_nothing_about_the_household(ask: Any, hall: Any) -> None:
    get = ask(Role.WAREHOUSE_MANAGER, hall["warehouse"])
    answer = get("/labels/parcels.pdf", query_string={"run_id": hall["run"], "size": "100x150"})
    text = pypdfium2.PdfDocument(answer.data)[0].get_textpage().get_text_range()
    assert f"P-{hall['parcel']}" in text.replace("\u200b", "")
    assert hall["village"] in text
    for secret in ("Kovács", "Fő utca", f"H-{hall['household']}", "FLOUR", "Flour", "Liszt"):
        assert secret not in text


def test_what_cannot_be_printed_is_refused_politely(ask: Any, hall: Any) -> None:
    get = ask(Role.WAREHOUSE_MANAGER, hall["warehouse"])
    for what, asked, status in [
        ("places", {}, 404), ("lots", {}, 404), ("boxes", {}, 404), ("parcels", {}, 404), ("runs", {}, 422),
        ("lots", {"ids": "9223372036854775807"}, 404), ("lots", {"ids": "9223372036854775808"}, 422),
        ("lots", {"ids": "x"}, 422), ("lots", {"ids": ",".join(["1"] * 481)}, 422), ("lots", {"ids": "1\x00"}, 422),
        ("places", {"first": "\x00"}, 422), ("places", {"first": "%_\\"}, 404), ("multipliers", {"size": "a5"}, 422),
        ("multipliers", {"start": 25}, 422), ("multipliers", {"copies": 51}, 422), ("multipliers", {"copies": 50}, 422),
        ("documents", {"ids": "1", "kind": "household"}, 422),
    ]:  # fmt: skip
        answer = get(f"/api/v1/labels/{what}", query_string=asked)
        assert answer.status_code == status, (what, asked, answer.text)
        assert answer.mimetype == "application/problem+json"


def test_a_place_whose_code_no_label_can_carry_is_named(ask: Any, hall: Any, work: Any) -> None:
    with work() as uow:
        place = a.a_place(uow, uow.session.get(type(a.a_warehouse(uow)), hall["warehouse"]), code="MIS Ősz")
        place_id = place.id
    get = ask(Role.WAREHOUSE_MANAGER, hall["warehouse"])
    answer = get("/api/v1/labels/places", query_string={"ids": place_id})
    assert (answer.status_code, answer.json["place"]) == (422, "MIS Ősz")


@pytest.mark.parametrize("what", ["places", "lots", "boxes", "parcels", "documents", "multipliers", "nonsense"])
def test_the_page_asks_what_to_print_and_says_what_was_wrong(ask: Any, hall: Any, what: str) -> None:
    get = ask(Role.WAREHOUSE_WORKER, hall["warehouse"])
    answer = get("/labels/", query_string={"what": what, "ids": hall["lot"]})
    assert answer.status_code == 200
    assert 'method="get"' in answer.text
    refused = get("/labels/lots.pdf", query_string={"ids": "99999"}, headers={"Accept": "text/html"})
    assert refused.status_code == 404
    assert 'role="alert"' in refused.text
    assert 'value="99999"' in refused.text


def test_as_many_labels_as_a_house_has_take_five_statements(ask: Any, hall: Any, sessions: Any) -> None:
    from sqlalchemy import event

    get = ask(Role.WAREHOUSE_WORKER, hall["warehouse"])
    asked: list[str] = []
    engine = sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *facts: asked.append(facts[2]))
    get("/labels/boxes.pdf", query_string={"warehouse_id": hall["warehouse"]})
    selects = [each for each in asked if each.lstrip().upper().startswith(("SELECT", "WITH"))]
    assert len(selects) <= 8, selects
