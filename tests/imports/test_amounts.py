"""Numbers, quantities and days as offices write them: exactly, or not at all."""

from datetime import date
from decimal import Decimal

import pytest

from app.foundation.spreadsheets import NumberCell
from app.imports import amounts
from app.imports.amounts import Measured, NotUnderstood

BAG = Measured("piece", ("csomag", "packs"), 1_000_000, 1_500_000)
BOTTLE = Measured("piece", ("üveg", "bottles"), 1_030_000, 750_000)
LOOSE = Measured("g", ("g", "g"), 1000, 1500)
OIL = Measured("ml", ("ml", "ml"), 920, 1000)
CASE = Measured("piece", ("db", "pcs"), 500_000, 800_000, pack_quantity=12)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("5", "5"), ("1 234,5", "1234.5"), ("1\u00a0234,5", "1234.5"), ("1.234,5", "1234.5"), ("1,234.5", "1234.5"),
        ("1.234.567", "1234567"), ("0,25", "0.25"), ("0.25", "0.25"), ("12,50", "12.50"), ("1'200", "1200"),
        ("+3", "3"), ("0.125", "0.125"), (NumberCell("1.234"), "1.234"), (NumberCell("1e-05"), "0.00001"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_was_meant(written, meant):
    assert amounts.number(written) == Decimal(meant)


@pytest.mark.parametrize(
    "written",
    ["", "öt", "1.234", "12.500", "1 23", "1 2345", "1,2,3", "1..2", "١٢", "1e400", "NaN", "inf", "0x10", "5-3", "--5",
     "1,234,5", NumberCell("nan"), NumberCell("inf"), "9" * 40],
)  # fmt: skip
def test_what_could_be_two_numbers_or_none_is_refused(written):
    with pytest.raises(NotUnderstood):
        amounts.number(written)


@pytest.mark.parametrize(
    ("cell", "unit", "item", "meant"),
    [
        ("12", "", BAG, 12), ("12 db", "", BAG, 12), ("12", "csomag", BAG, 12), ("12 csomag", "", BAG, 12),
        ("25 kg", "", BAG, 25), ("0,5 t", "", BAG, 500), ("3 l", "", BOTTLE, 4), ("1 234,5 kg", "", LOOSE, 1_234_500),
        ("1,5", "kg", LOOSE, 1500), ("20 dkg", "", LOOSE, 200), ("2 dl", "", OIL, 200), ("1,5 l", "", OIL, 1500),
        ("3", "karton", CASE, 36), ("3", "db", CASE, 3), (NumberCell("2.5"), "kg", LOOSE, 2500),
    ],
)  # fmt: skip
def test_a_quantity_is_turned_into_base_units_exactly(cell, unit, item, meant):
    assert amounts.quantity(cell, unit, item) == meant


@pytest.mark.parametrize(
    ("cell", "unit", "item", "said"),
    [
        ("2,5", "", BAG, "Nothing is rounded"),
        ("2,5 kg", "", BAG, "no whole number"),
        ("1 kg", "", BOTTLE, "no whole number"),
        ("0,0005 kg", "", LOOSE, "Nothing is rounded"),
        ("3", "", CASE, "pack of 12"),
        ("3", "karton", BAG, "no unit of this item"),
        ("3", "l", LOOSE, "no unit of this item"),
        ("3 kg", "db", BAG, "Keep one of them"),
        ("0", "", BAG, "not more than nothing"),
        ("-3", "", BAG, "not more than nothing"),
        ("3 akármi", "", BAG, "no unit of this item"),
    ],
)
def test_a_quantity_that_would_have_to_be_rounded_or_guessed_is_refused(cell, unit, item, said):
    with pytest.raises(NotUnderstood, match=said):
        amounts.quantity(cell, unit, item)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-12-31", (2026, 12, 31)), ("2026.12.31.", (2026, 12, 31)), ("2026. 12. 31.", (2026, 12, 31)),
        ("2026/12/31", (2026, 12, 31)), ("2026. december 31.", (2026, 12, 31)), ("2026. márc. 5.", (2026, 3, 5)),
        ("31.12.2026", (2026, 12, 31)), ("12/31/2026", (2026, 12, 31)), ("05.04.2027", (2027, 4, 5)),
        ("2026-12-31 00:00:00", (2026, 12, 31)), ("46387", (2026, 12, 31)), (NumberCell("46387"), (2026, 12, 31)),
        ("2027.02", (2027, 2, 28)), ("02/2028", (2028, 2, 29)), ("2027. június", (2027, 6, 30)),
        ("2028-02-29", (2028, 2, 29)),
    ],
)  # fmt: skip
def test_a_day_is_read_as_it_was_meant(written, meant):
    assert amounts.day(written) == date(*meant)


@pytest.mark.parametrize(
    "written",
    ["2026-02-29", "2026-13-01", "5/4/2027", "soon", "26.12.31", "1899-01-01", "9", "99999999", "2026-12-31x"],
)
def test_what_could_be_two_days_or_none_is_refused(written):
    with pytest.raises(NotUnderstood):
        amounts.day(written)


def test_money_is_kept_to_the_hundredth_and_no_further():
    assert amounts.forints("290,50 Ft") == 29050
    assert amounts.forints("1 200 Ft/db") == 120000
    with pytest.raises(NotUnderstood):
        amounts.forints("1,005")
