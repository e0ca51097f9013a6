"""The catalogue that comes with the house, and its changes."""

import pytest

from app.catalogue import facts, queries, service
from app.catalogue.errors import BarcodeTaken, BarcodeWrong, CodeTaken
from app.catalogue.gtin import check_digit, normalised
from app.catalogue.icons import ICONS
from app.foundation.actor import NOBODY
from app.foundation.errors import NotAllowed, Stale
from app.stock import scanning
from scripts.local import browser

NEW = {
    "name_hu": "Esőkabát",
    "name_en": "Raincoat",
    "weight_mg": 400_000,
    "volume_ul": 2_000_000,
}


@pytest.fixture
def loaded(work):
    with work() as uow:
        service.load_catalogue(uow)
    return work


def test_the_catalogue_that_comes_with_the_house_is_complete_and_consistent():
    items, codes = facts.items(), {row["code"] for row in facts.items()}
    branches = {row["code"] for row in facts.categories()}
    assert len(items) >= 120 and len(codes) == len(items)
    assert len({row["name_hu"] for row in items}) == len(items) == len({row["name_en"] for row in items})
    assert {row["category"] for row in items} <= branches
    assert {row["item"] for row in facts.packs()} <= codes
    assert {row[end] for row in facts.substitutes() for end in ("item", "substitute")} <= codes
    assert all(row["weight_mg"] > 0 and row["volume_ul"] > 0 and row["value_huf"] > 0 for row in items)
    assert {row["icon"] for row in [*items, *facts.categories()]} <= set(ICONS)


def test_every_icon_of_an_item_exists():
    if not (browser.MODULES / "@tabler/icons").is_dir():
        pytest.skip("browser libraries are not installed")
    assert [name for name in ICONS if not browser.icon_file(name).is_file()] == []


def test_packs_carry_valid_numbers_that_name_no_real_product():
    numbers = [row["gtin"] for row in facts.packs()]
    assert len(set(numbers)) == len(numbers)
    for number in numbers:
        assert len(number) == 14 and check_digit(number[:-1]) == number[-1]
        assert number[1:4] == "952", "GS1 keeps these for demonstrations"


def test_the_scan_page_takes_every_pack_without_a_question():
    known = {row["gtin"] for row in facts.packs()}
    for number in known:
        read = [(number, "ITF", False), (number, None, True)]
        read += [(number[1:], "EAN_13", False), (number[1:], None, True)] if number[0] == "0" else []
        for text, symbology, typed in read:
            scanned = scanning.parse(text, symbology, year=2026)
            assert scanned.gtin == number
            assert scanning.doubts(scanned, known_gtins=known, known_lots=set(), typed=typed) == (), text


def test_loading_twice_adds_nothing_and_keeps_what_people_changed(loaded):
    with loaded() as uow:
        flour = queries.item_by_code(uow.session, "FLOUR-BL55-1KG")
        service.change_item(uow, item_id=flour.id, version=flour.version, value_huf=31_000)
    with loaded() as uow:
        assert service.load_catalogue(uow) == 0
        assert queries.item_by_code(uow.session, "FLOUR-BL55-1KG").value_huf == 31_000


def test_items_are_found_without_accents_in_either_language_and_by_barcode(loaded):
    with loaded() as uow:
        assert queries.find_items(uow.session, "buzaliszt")[0].code == "FLOUR-BL55-1KG"
        assert queries.find_items(uow.session, "INFANT")[0].code == "FORMULA-1-800G"
        assert [found.code for found in queries.find_items(uow.session, "9520000000103")] == ["FLOUR-BL55-1KG"]
        assert queries.pack_by_gtin(uow.session, "9520000000103").quantity == 1
        assert queries.find_items(uow.session, "100%_") == []


def test_a_page_of_items_goes_on_where_the_last_one_ended(loaded):
    with loaded() as uow:
        seen, after = [], None
        while True:
            page = queries.item_page(uow.session, after=after, size=50)
            seen += [item.id for item in page.rows]
            after = page.next_after
            if after is None:
                break
        assert len(seen) == len(set(seen)) == len(facts.items())


def test_a_category_holds_what_is_below_it(loaded):
    with loaded() as uow:
        baby = next(row for row in queries.categories(uow.session) if row.code == "baby")
        found = queries.item_page(uow.session, category_id=baby.id, size=200).rows
        assert {"FORMULA-1-800G", "DIAPER-4", "PRAM"} <= {item.code for item in found}
        assert "FLOUR-BL55-1KG" not in {item.code for item in found}


def test_substitutes_come_with_the_share_that_replaces(loaded):
    with loaded() as uow:
        double = queries.item_by_code(uow.session, "BLANKET-DOUBLE")
        single = queries.item_by_code(uow.session, "BLANKET-SINGLE")
        assert (single.id, 200) in queries.substitutes_of(uow.session, [double.id])[double.id]


def test_a_code_is_given_once(loaded):
    with loaded() as uow, pytest.raises(CodeTaken):
        category = queries.categories(uow.session)[0]
        service.create_item(uow, code="flour-bl55-1kg", base_unit="piece", category_id=category.id, **NEW)


def test_a_change_against_an_old_version_is_refused(loaded):
    with loaded() as uow:
        item = queries.item_by_code(uow.session, "PRAM")
        service.change_item(uow, item_id=item.id, version=1, name_en="Pushchair")
    with loaded() as uow, pytest.raises(Stale):
        service.change_item(uow, item_id=item.id, version=1, name_en="Stroller")


def test_a_retired_item_leaves_the_list_but_not_the_catalogue(loaded):
    with loaded() as uow:
        item = queries.item_by_code(uow.session, "PRAM")
        service.retire_item(uow, item_id=item.id)
        assert queries.find_items(uow.session, "babakocsi") == []
        assert queries.item(uow.session, item.id).retired_at is not None


def test_a_barcode_is_learnt_once_for_one_item(loaded):
    body = "299999999999"
    gtin = body + check_digit(body)
    with loaded() as uow:
        soap, comb = (queries.item_by_code(uow.session, code) for code in ("SOAP-100G", "COMB"))
        pack = service.learn_pack(uow, item_id=soap.id, gtin=gtin, quantity=6)
        assert service.learn_pack(uow, item_id=soap.id, gtin=gtin, quantity=6).id == pack.id
        with pytest.raises(BarcodeTaken):
            service.learn_pack(uow, item_id=comb.id, gtin=gtin, quantity=6)
        with pytest.raises(BarcodeWrong):
            service.learn_pack(uow, item_id=comb.id, gtin="2999999999999", quantity=6)


@pytest.mark.parametrize("text", ["", "12", "abcdefgh", "2000001001005", "١٢٣٤٥٦٧٨", "12345678901234567"])
def test_what_is_no_barcode_number_is_not_read_as_one(text):
    assert normalised(text) is None


def test_nobody_changes_the_catalogue_without_the_right(loaded):
    with loaded(NOBODY) as uow, pytest.raises(NotAllowed):
        service.load_catalogue(uow)
