"""The number under a barcode: GTIN-8, -12, -13 and -14, kept as 14 digits. Pure."""

from __future__ import annotations


def check_digit(body: str) -> str:
    """Return the GS1 check digit of the digits before it."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


def normalised(text: str) -> str | None:
    """Return a GTIN as 14 digits, or None where it cannot be one: wrong length, other signs, wrong check digit."""
    digits = text.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) in (8, 12, 13, 14)):
        return None
    return digits.zfill(14) if check_digit(digits[:-1]) == digits[-1] else None
