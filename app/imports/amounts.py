"""Numbers, quantities and days as offices write them, understood exactly or not at all. Pure.

Nothing is rounded: "2,5 kg" of flour in bags of 1 kg is refused, because two and a half bags are no bags.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from app.foundation.spreadsheets import NumberCell
from app.foundation.text import fold
from app.foundation.words import Message, say

AMOUNT_MAX = Decimal(10**12)
WEIGHTS_MG = {"kg": 1_000_000, "kilo": 1_000_000, "kilogramm": 1_000_000, "dkg": 10_000, "dag": 10_000, "deka": 10_000,
              "g": 1_000, "gr": 1_000, "gramm": 1_000, "gram": 1_000, "mg": 1, "t": 10**9, "tonna": 10**9}  # fmt: skip
VOLUMES_UL = {"l": 1_000_000, "liter": 1_000_000, "litre": 1_000_000, "dl": 100_000, "cl": 10_000, "ml": 1_000,
              "hl": 10**8}  # fmt: skip
PIECES = frozenset({"db", "darab", "pc", "pcs", "piece", "pieces", "stk"})
PACKS = frozenset({"karton", "gyujto", "gyujtocsomag", "rekesz", "lada", "case", "carton", "tray", "talca", "zsugor"})
"""Words for what holds several; how many, only a barcode of such a pack tells."""

EXCEL_DAY_ZERO = date(1899, 12, 30)
EXCEL_DAYS = range(20_000, 80_000)
"""From 1954 to 2119: other numbers are no days of ours."""
YEARS = range(2000, 2101)
MONTHS = {name: number for number, names in enumerate(
    (("jan", "januar", "january"), ("feb", "februar", "february"), ("marc", "marcius", "march", "mar"),
     ("apr", "aprilis", "april"), ("maj", "majus", "may"), ("jun", "junius", "june"), ("jul", "julius", "july"),
     ("aug", "augusztus", "august"), ("szept", "szeptember", "sep", "sept", "september"),
     ("okt", "oktober", "oct", "october"), ("nov", "november"), ("dec", "december")), 1) for name in names}  # fmt: skip

_SPACES = re.compile(r"[\s\u00a0\u202f\u2009']+")
_WRITTEN = re.compile(r"([+-]?[0-9][0-9.,\s\u00a0\u202f\u2009']*)\s*([^\d\s].*)?")
_ISO = re.compile(r"(\d{4})\s*[-./]\s*(\d{1,2})\s*[-./]\s*(\d{1,2})\.?(?:[T ]00:00(?::00(?:\.0+)?)?)?")
_DAY_FIRST = re.compile(r"(\d{1,2})\s*([-./])\s*(\d{1,2})\s*[-./]\s*(\d{4})\.?")
_MONTH_ONLY = re.compile(r"(\d{4})\s*[-./]\s*(\d{1,2})\.?|(\d{1,2})\s*[-./]\s*(\d{4})\.?")
_NAMED = re.compile(r"(\d{4})\.?\s+([a-z]+)\.?\s*(\d{1,2})?\.?")


class NotUnderstood(Exception):
    """A cell that cannot be taken; the message says what to write."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(str(message))


def number(cell: str) -> Decimal:
    """Return a number. A comma is a decimal comma; a point before three digits could be either and is refused."""
    text = cell if isinstance(cell, NumberCell) else _SPACES.sub("", _grouped(cell))
    if isinstance(cell, NumberCell):
        try:
            return _in_range(Decimal(text), cell)
        except InvalidOperation as error:
            raise _no_number(cell) from error
    if not re.fullmatch(r"[+-]?[0-9]+(?:[.,][0-9]+)*", text) or not text.isascii():
        raise _no_number(cell)
    points, commas = text.count("."), text.count(",")
    if points and commas:
        last = max(text.rfind("."), text.rfind(","))
        whole, part = text[:last], text[last + 1 :]
        if text.count(text[last]) > 1 or not re.fullmatch(r"[+-]?[0-9]{1,3}(?:[.,][0-9]{3})+", whole):
            raise _no_number(cell)
        text = f"{re.sub('[.,]', '', whole)}.{part}"
    elif points > 1 or commas > 1:
        if not re.fullmatch(r"[+-]?[0-9]{1,3}(?:[.][0-9]{3})+|[+-]?[0-9]{1,3}(?:,[0-9]{3})+", text):
            raise _no_number(cell)
        text = re.sub("[.,]", "", text)
    elif points and re.fullmatch(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}", text):
        raise NotUnderstood(
            say(
                "“%(cell)s” may be %(whole)s or %(decimal)s: write one of these.",
                cell=str(cell),
                whole=text.replace(".", ""),
                decimal=text.replace(".", ","),
            )
        )
    return _in_range(Decimal(text.replace(",", ".")), cell)


def _grouped(cell: str) -> str:
    """Return the cell; digits apart must be groups of three, or two numbers stand in it."""
    groups = [group for group in _SPACES.split(cell.strip()) if group]
    for group in groups[1:]:
        if not re.match(r"[0-9]{3}(?![0-9])", group):
            raise _no_number(cell)
    return cell


def _in_range(value: Decimal, cell: str) -> Decimal:
    if not value.is_finite() or abs(value) > AMOUNT_MAX:
        raise _no_number(cell)
    return value


def _no_number(cell: str) -> NotUnderstood:
    return NotUnderstood(say("“%(cell)s” is no number. Write it as 1234,5.", cell=str(cell)[:60]))


def whole(cell: str, *, most: int) -> int:
    """Return a whole number from 0 to ``most``."""
    value = number(cell)
    if value != value.to_integral_value() or not 0 <= value <= most:
        raise NotUnderstood(
            say("“%(cell)s” is no whole number from 0 to %(most)s.", cell=str(cell)[:60], most=str(most))
        )
    return int(value)


def split_unit(cell: str) -> tuple[str, str]:
    """Return the number and the unit that stand in one cell: "1 234,5 kg"."""
    if isinstance(cell, NumberCell):
        return cell, ""
    found = _WRITTEN.fullmatch(cell.strip())
    if not found:
        raise _no_number(cell)
    return found[1].strip(), (found[2] or "").strip()


@dataclass(frozen=True)
class Measured:
    """What one of an item is, as far as a quantity of it can be written in other units."""

    base_unit: str
    unit_names: tuple[str, ...]
    weight_mg: int
    volume_ul: int
    pack_quantity: int | None = None
    """How many the barcode of the row holds, if there is one."""


def quantity(cell: str, unit: str, item: Measured) -> int:
    """Return a quantity in base units, exactly. ``unit`` is the unit's own cell; one in the cell itself must agree."""
    digits, written = split_unit(cell)
    if written and unit.strip() and _plain(written) != _plain(unit):
        raise NotUnderstood(
            say("The quantity says %(one)s, the unit says %(other)s. Keep one of them.", one=written, other=unit)
        )
    meant = written or unit.strip()
    value = number(digits)
    if value <= 0:
        raise NotUnderstood(say("“%(cell)s” is not more than nothing. Leave the row out.", cell=str(cell)[:60]))
    exact = _in_base(value, _plain(meant), meant, item)
    if exact != exact.to_integral_value():
        raise NotUnderstood(
            say(
                "“%(cell)s %(unit)s” is no whole number of %(base)s. Nothing is rounded: write what is there.",
                cell=str(cell)[:60],
                unit=unit if not written else "",
                base=item.unit_names[0],
            )
        )
    if exact > 2**53:
        raise _no_number(cell)
    return int(exact)


def _plain(unit: str) -> str:
    return fold(unit).replace(" ", "")


def _in_base(value: Decimal, unit: str, written: str, item: Measured) -> Decimal:
    """Return so many of a unit in base units, exactly."""
    own = {_plain(each) for each in item.unit_names}
    if not unit:
        if item.pack_quantity and item.pack_quantity > 1:
            raise NotUnderstood(
                say(
                    "The barcode is of a pack of %(pack)s: write in the unit whether these are pieces (db) or packs "
                    "(karton).",
                    pack=item.pack_quantity,
                )
            )
        return value
    if unit in PACKS and item.pack_quantity and unit not in own:
        return value * item.pack_quantity
    if item.base_unit == "g" and unit in WEIGHTS_MG:
        return value * WEIGHTS_MG[unit] / 1_000
    if item.base_unit == "ml" and unit in VOLUMES_UL:
        return value * VOLUMES_UL[unit] / 1_000
    if item.base_unit == "piece":
        if unit in PIECES or unit in own:
            return value
        for units, one in ((WEIGHTS_MG, item.weight_mg), (VOLUMES_UL, item.volume_ul)):
            if unit in units and one:
                pieces, left = divmod(value * units[unit], one)
                if left == 0:
                    return pieces
                raise NotUnderstood(
                    say(
                        "%(value)s %(unit)s is no whole number of %(base)s of this item. Write how many there are.",
                        value=str(value),
                        unit=written,
                        base=item.unit_names[0],
                    )
                )
    raise NotUnderstood(
        say(
            "“%(unit)s” is no unit of this item: it is counted in %(base)s.", unit=written[:30], base=item.unit_names[0]
        )
    )


def day(cell: str) -> date:
    """Return a day: ISO, Hungarian, with the month's name, day.month.year where it can mean one day only, or Excel's
    number. A month alone means its last day, as on goods."""
    text = str(cell).strip()
    if text.isascii() and text.isdigit() and int(text[:9]) in EXCEL_DAYS:
        return EXCEL_DAY_ZERO + timedelta(days=int(text))
    if found := _ISO.fullmatch(text):
        return _date(cell, int(found[1]), int(found[2]), int(found[3]))
    if found := _DAY_FIRST.fullmatch(text):
        one, other, year = int(found[1]), int(found[3]), int(found[4])
        if one <= 12 and other <= 12 and one != other and found[2] != ".":
            raise NotUnderstood(say("“%(cell)s” may be two different days. Write it as 2026-12-31.", cell=text[:60]))
        return _date(cell, year, other, one) if other <= 12 else _date(cell, year, one, other)
    if found := _MONTH_ONLY.fullmatch(text):
        year, month = (int(found[1]), int(found[2])) if found[1] else (int(found[4]), int(found[3]))
        return _end_of_month(cell, year, month)
    plain = " ".join(re.sub(r"[.,]", " ", fold(text)).split())
    if (found := _NAMED.fullmatch(plain)) and found[2] in MONTHS:
        if found[3]:
            return _date(cell, int(found[1]), MONTHS[found[2]], int(found[3]))
        return _end_of_month(cell, int(found[1]), MONTHS[found[2]])
    raise _no_day(cell)


def _date(cell: str, year: int, month: int, of_month: int) -> date:
    try:
        found = date(year, month, of_month)
    except ValueError as error:
        raise _no_day(cell) from error
    if found.year not in YEARS:
        raise _no_day(cell)
    return found


def _end_of_month(cell: str, year: int, month: int) -> date:
    if year not in YEARS or not 1 <= month <= 12:
        raise _no_day(cell)
    return date(year, month, calendar.monthrange(year, month)[1])


def _no_day(cell: str) -> NotUnderstood:
    return NotUnderstood(say("“%(cell)s” is no day. Write it as 2026-12-31.", cell=str(cell)[:60]))


YES = frozenset({"igen", "i", "yes", "y", "true", "igaz", "1", "x", "van"})
NO = frozenset({"nem", "n", "no", "false", "hamis", "0", "", "nincs"})


def truth(cell: str) -> bool:
    """Return yes or no."""
    plain = fold(str(cell))
    if plain in YES:
        return True
    if plain in NO:
        return False
    raise NotUnderstood(say("“%(cell)s” is neither yes nor no. Write igen or nem.", cell=str(cell)[:60]))


def measure(cell: str, units: dict[str, int], default: str) -> int:
    """Return a weight in milligrams or a volume in microlitres, exactly; a bare number is in the ``default`` unit."""
    digits, written = split_unit(cell)
    unit = _plain(written) or default
    if unit not in units:
        raise NotUnderstood(say("“%(unit)s” is no unit that is known here.", unit=written[:30]))
    exact = number(digits) * units[unit]
    if exact != exact.to_integral_value() or exact < 0:
        raise _no_number(cell)
    return int(exact)


def forints(cell: str) -> int:
    """Return an amount of money in hundredths of a forint, exactly."""
    digits, written = split_unit(cell)
    if _plain(written) not in ("", "ft", "huf", "forint", "ftdb"):
        raise NotUnderstood(say("“%(cell)s” is no amount of forints.", cell=str(cell)[:60]))
    exact = number(digits) * 100
    if exact != exact.to_integral_value() or exact < 0:
        raise NotUnderstood(say("“%(cell)s” is no amount of forints.", cell=str(cell)[:60]))
    return int(exact)
