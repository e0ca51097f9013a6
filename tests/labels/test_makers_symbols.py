"""What a camera reads from symbols that makers print is understood: every symbology that the scan page looks for."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
import zint
import zxingcpp
from PIL import Image

from app.stock.scanning import Scanned, What, parse

GTIN = "09501101530003"
LOT = "AB-12/x"
LINK = f"https://id.example.org/01/{GTIN}/10/AB-12%2Fx?17=270331"
FULL = f"[01]{GTIN}[10]{LOT}[17]270331"


def read(symbology: Any, text: str, **options: Any) -> Scanned:
    """Draw a symbol, read it as the scan page does, and parse it as the scan page does."""
    symbol = zint.Symbol()
    symbol.symbology = symbology
    symbol.scale = 3
    symbol.show_hrt = False
    symbol.whitespace_width = symbol.whitespace_height = 12
    symbol.output_options = zint.OutputOptions.BARCODE_MEMORY_FILE
    for name, value in options.items():
        setattr(symbol, name, value)
    symbol.outfile = "symbol.png"
    symbol.encode(text)
    symbol.print()
    picture = Image.open(io.BytesIO(bytes(symbol.memfile or b""))).convert("L")
    (found,) = zxingcpp.read_barcodes(picture, text_mode=zxingcpp.TextMode.Plain)
    return parse(found.text, found.symbology_identifier, year=2026)


@pytest.mark.parametrize(
    ("symbology", "text", "gtin"),
    [
        (zint.Symbology.EANX, "590123412345", "05901234123457"),
        (zint.Symbology.EANX, "4851234", "00000048512343"),
        (zint.Symbology.UPCA, "78173580204", "00781735802045"),
        (zint.Symbology.UPCE, "0425261", "00042100005264"),
        (zint.Symbology.ITF14, "1590123412345", "15901234123454"),
        (zint.Symbology.DBAR_OMN, GTIN[:-1], GTIN),
        (zint.Symbology.DBAR_LTD, GTIN[:-1], GTIN),
        (zint.Symbology.DBAR_STK, GTIN[:-1], GTIN),
        (zint.Symbology.GS1_128, f"[01]{GTIN}", GTIN),
    ],
)
def test_a_product_number_is_the_same_in_every_symbology(symbology: Any, text: str, gtin: str) -> None:
    found = read(symbology, text)
    assert (found.kind, found.gtin, found.uncertain) == (What.GTIN, gtin, False)


@pytest.mark.parametrize(
    ("symbology", "text", "gs1"),
    [
        (zint.Symbology.GS1_128, FULL, True),
        (zint.Symbology.DATAMATRIX, FULL, True),
        (zint.Symbology.QRCODE, FULL, True),
        (zint.Symbology.DBAR_EXP, FULL, True),
        (zint.Symbology.DBAR_EXPSTK, FULL, True),
        (zint.Symbology.QRCODE, LINK, False),
        (zint.Symbology.DATAMATRIX, LINK, False),
    ],
)
def test_product_lot_and_expiry_are_the_same_in_every_symbology(symbology: Any, text: str, gs1: bool) -> None:
    options = {"input_mode": zint.InputMode.GS1} if gs1 else {}
    found = read(symbology, text, **options)
    assert (found.kind, found.gtin, found.batch) == (What.GS1, GTIN, LOT)
    assert (found.expires_on, found.use_by, found.uncertain) == (date(2027, 3, 31), True, False)


def test_a_lot_in_a_plain_code_128_is_no_quantity() -> None:
    assert read(zint.Symbology.CODE128, "12X4711").kind == What.UNKNOWN


def test_a_code_of_another_trade_is_unknown_and_not_a_product() -> None:
    for symbology, text in [(zint.Symbology.CODE128, "10068408"), (zint.Symbology.C25INTER, "0829220874")]:
        assert read(symbology, text).kind == What.UNKNOWN
