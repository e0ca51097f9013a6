"""The serial shipping container code: 18 digits that name one box or pallet in the world. Pure.

Extension digit, the company's GS1 prefix, a serial number, a check digit (GS1 General Specifications, 2.4.1 and 7.9).
"""

from __future__ import annotations

from app.catalogue.gtin import check_digit

PREFIX = "0499999"
"""For use within one organisation: GS1 leaves 04 to each company for itself, so it never meets a real prefix. Whoever
sends boxes to others sets GS1_PREFIX to the prefix that GS1 has given them."""
LENGTH = 18


def sscc(prefix: str, serial: int, *, extension: int = 0) -> str:
    """Return the 18 digits; the serial must fit: see ``serials_max``."""
    width = LENGTH - 2 - len(prefix)
    assert 0 <= serial < 10**width, "the serial has room in the code"
    digits = f"{extension}{prefix}{serial:0{width}}"
    return digits + check_digit(digits)


def serials_max(prefix: str) -> int:
    """Return how many serials the prefix leaves room for."""
    return int(10 ** (LENGTH - 2 - len(prefix)))


def is_sscc(text: str) -> bool:
    """Tell whether these are 18 digits whose last one is right."""
    return (
        len(text) == LENGTH
        and text.isascii()
        and text.isdigit()
        and len(set(text)) > 1
        and check_digit(text[:-1]) == text[-1]
    )


def read(text: str) -> str | None:
    """Return the SSCC of what was typed or scanned: with or without (00), spaces; None where it is none."""
    digits = "".join(letter for letter in text if letter not in " ()-\x1d")
    if len(digits) == LENGTH + 2 and digits.startswith("00"):
        digits = digits[2:]
    return digits if is_sscc(digits) else None


def spaced(code: str) -> str:
    """Return the digits in groups, as people read them."""
    return f"{code[:1]} {code[1:8]} {code[8:-1]} {code[-1:]}"
