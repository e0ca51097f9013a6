"""What a scanned or typed code says. Pure: text in, a ``Scanned`` out; no database, no catalogue.

The browser has the same grammar (static/js/scan/grammar.js) and this one is the authority: a test demands that both
answer alike. biip keeps the table of GS1 application identifiers (AI) and their patterns; here they are applied
strictly: every character belongs to an element, a field of variable length ends at a separator or at the end.

What a misread can and cannot do. Behind each promise stands a test over mutants with one place damaged (a character
dropped, put in, replaced, swapped with its neighbour, a separator lost, the end cut off).

1. Content alone (``parse``) refuses what breaks a check digit (GTIN, SSCC, location number), a date, a length, a
   character set or the table of identifiers, an identifier said twice with two values, and fields that exclude each
   other. It marks as ``uncertain`` what is valid yet looks like a lost separator: a lot number in which a date, a
   product number, an SSCC or a measure goes on.
2. Content alone cannot see: two neighbouring digits that differ by five swapped in a GTIN (the check digit is blind to
   it), a character changed in a lot number, a lot number that was cut off or ran on with something that no rule knows,
   a field cut off whole. The checksum of the symbol guards these on every scan of a camera or scanner; text that was
   typed has no such guard.
3. So there is a second wall, ``doubts``: a GTIN that the catalogue does not know (``unknown_gtin``), an SSCC that no
   box has (``unknown_box``), a lot number that this GTIN never had (``unknown_lot``), a lot number missing where this
   GTIN has some (``missing_lot``) are each a question to a person; and so are, of text that no checksum guarded, a
   known product or lot that is one slip away from another known one (``similar_gtin``, ``similar_lot``). The scan
   page (static/js/scan/flow.js) asks each before it books, but for a new or missing lot number where goods come in:
   there it books in amber, to be taken back with one touch.

Together, with the catalogue, the boxes and the lots known: no single slip gives another GTIN or another lot without a
refusal, a mark or a question. Other fields (dates, counts, weights) are guarded by point 1 only: a replaced digit can
make another valid date. Codes of our own carry two check characters: no single replaced or swapped character passes, a
dropped or added one in 1 of 1,021.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from biip import ParseError
from biip.gs1_application_identifiers import GS1ApplicationIdentifier

from app.catalogue.gtin import check_digit
from app.foundation.words import Message, say

SEPARATOR = "\x1d"
"""What scanners send for FNC1."""

LONGEST = 512
MULTIPLIERS = range(2, 101)


class What(StrEnum):
    """What was scanned."""

    PLACE = "place"
    BOX = "box"
    LOT = "lot"
    PARCEL = "parcel"
    RUN = "run"
    TRANSFER = "transfer"
    STOCKTAKE = "stocktake"
    OFFER = "offer"
    GTIN = "gtin"
    GS1 = "gs1"
    MULTIPLIER = "multiplier"
    UNKNOWN = "unknown"
    REFUSED = "refused"


ITEMS = frozenset({What.LOT, What.GTIN, What.GS1})
"""What a quantity can belong to."""

DOCUMENTS = frozenset({What.RUN, What.TRANSFER, What.STOCKTAKE, What.OFFER})

LETTERS: dict[str, What] = {
    "H": What.PLACE,
    "B": What.BOX,
    "L": What.LOT,
    "P": What.PARCEL,
    "R": What.RUN,
    "A": What.TRANSFER,
    "S": What.STOCKTAKE,
    "F": What.OFFER,
    "X": What.MULTIPLIER,
}
"""The kinds of our own codes: AB:L:20811:7K. People type L-20811."""
SAID = {letter: letter for letter in LETTERS} | {"S": "LEL"}
"""How people write them: a stocktake is LEL-3, because S-3 is a write-off."""


class Reason(StrEnum):
    """Why something was refused, or is uncertain."""

    EMPTY = "empty"
    UNREADABLE = "unreadable"
    KEYBOARD = "keyboard"
    OWN_CODE = "own_code"
    CHECK_DIGIT = "check_digit"
    NOT_GS1 = "not_gs1"
    DATE = "date"
    DATES_DISAGREE = "dates_disagree"
    TWICE = "twice"
    EXCLUDE = "exclude"
    QUANTITY = "quantity"
    TWO_LOTS = "two_lots"
    SWALLOWED = "swallowed"
    NO_COUNT = "no_count"
    ODD_DATE = "odd_date"
    SHOP_NUMBER = "shop_number"
    SHORT_NUMBER = "short_number"


SENTENCES: dict[Reason, Message] = {
    Reason.EMPTY: say("There is no code in it."),
    Reason.UNREADABLE: say("This is not a code: too long, or with signs that no code has."),
    Reason.KEYBOARD: say("The scanner types for another keyboard. Set it to the language of this device."),
    Reason.OWN_CODE: say("The code was misread. Scan it again."),
    Reason.CHECK_DIGIT: say("A digit is wrong or missing. Scan it again."),
    Reason.NOT_GS1: say("The fields of this code do not add up. Scan it again, or type the numbers under it."),
    Reason.DATE: say("There is no such day as the code says. Scan it again."),
    Reason.DATES_DISAGREE: say("By its code it was made after it expired. Scan it again."),
    Reason.TWICE: say("The code says one thing twice, and not the same. Scan it again."),
    Reason.EXCLUDE: say("The code is of one piece and of a pallet at once. Scan it again."),
    Reason.QUANTITY: say("A quantity belongs to an item: 12, then the item."),
    Reason.TWO_LOTS: say("Two different lot numbers. Scan the item and its lot again."),
    Reason.SWALLOWED: say("The lot number runs on into the next field. Compare it with the label."),
    Reason.NO_COUNT: say("The code does not say how many are on the pallet. Count them."),
    Reason.ODD_DATE: say("The expiry is far away from today. Compare it with the label."),
    Reason.SHOP_NUMBER: say("A shop's own number: another shop uses it for something else. Choose the item by name."),
    Reason.SHORT_NUMBER: say("Eight digits can be read in two ways. Compare the name of the item."),
}
"""What is said about each reason."""


@dataclass(frozen=True)
class Scanned:
    """What a code says. Fields that it does not say are None."""

    kind: What
    text: str
    """As it came, without the scanner's own signs around it."""
    code: str | None = None
    """How people call it: L-20811, MIS-A-03-2, an SSCC, or the text of an unknown code."""
    id: int | None = None
    gtin: str | None = None
    """14 digits."""
    content: bool = False
    """The GTIN is of what is in the box or on the pallet, ``count`` times."""
    batch: str | None = None
    expires_on: date | None = None
    use_by: bool | None = None
    produced_on: date | None = None
    count: int | None = None
    weight_g: int | None = None
    sscc: str | None = None
    quantity: int | None = None
    """Typed before the code, or of a multiplier."""
    uncertain: bool = False
    """Valid, but a person should look."""
    reason: Reason | None = None

    @property
    def half(self) -> bool:
        """Tell whether a product number is still to come: lots and dates are often on a code of their own."""
        return self.kind == What.GS1 and self.gtin is None

    def to_json(self) -> dict[str, Any]:
        """Return what the browser's grammar returns: days as text, no field that is not said."""
        said = {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in asdict(self).items()
            if value is not None and value is not False
        }
        return said | ({"use_by": self.use_by} if self.use_by is not None else {})


def parse(text: str, symbology: str | None = None, *, year: int | None = None) -> Scanned:
    """Return what a code says.

    ``symbology`` is how the symbol was found: a symbology identifier ("]C1") or a format's name ("EAN_13"); None if it
    was typed or came from a scanner that does not tell. ``year`` places years of two digits; none: the present one.
    """
    text = text.strip(" \t\r\n")
    said = re.match(r"\]([A-Za-z])([0-9A-Za-z])", text)
    if said:
        symbology, text = said[0], text[3:]
    if not text.strip(SEPARATOR):
        return _refused(text, Reason.EMPTY)
    if len(text) > LONGEST or any((ord(sign) < 32 and sign != SEPARATOR) or ord(sign) == 127 for sign in text):
        return _refused(text, Reason.UNREADABLE)
    year = datetime.now(UTC).year if year is None else year
    by_hand = re.fullmatch(r"([0-9]{1,5}) ?[*xX×] ?(.*)", text, re.DOTALL)
    # A scanned "10X7…" is a lot number, not ten of something.
    if by_hand and not symbology and SEPARATOR not in text:
        return _with_quantity(text, int(by_hand[1]), by_hand[2], year)
    return _one(text, _format(symbology), year)


def _with_quantity(text: str, quantity: int, rest: str, year: int) -> Scanned:
    if not 1 <= quantity <= 9999:
        return _refused(text, Reason.QUANTITY)
    if not rest:
        return Scanned(What.MULTIPLIER, text, quantity=quantity)
    item = parse(rest, year=year)
    if item.kind == What.REFUSED:
        return replace(item, text=text)
    if item.kind not in ITEMS or item.quantity is not None:
        return _refused(text, Reason.QUANTITY)
    return replace(item, text=text, quantity=quantity)


GS1_IDENTIFIERS = frozenset({"]C1", "]e0", "]e1", "]e2", "]d2", "]Q3", "]J1"})

FORMATS = {"]E4": "EAN8", "]E0": "EAN13", "]I0": "ITF", "]I1": "ITF", "]C0": "CODE128", "]d1": "DATAMATRIX"}


def _format(symbology: str | None) -> str | None:
    """Return a name without its writing: EAN_13, EAN-13 and EAN13 are one; GS1 for all that carry element strings."""
    if not symbology:
        return None
    if symbology in GS1_IDENTIFIERS:
        return "GS1"
    if symbology.startswith("]"):
        return FORMATS.get(symbology, "OTHER")
    name = re.sub("[^A-Z0-9]", "", symbology.upper())
    return "GS1" if name.startswith("GS1") else name


def _one(text: str, symbology: str | None, year: int) -> Scanned:
    if symbology == "GS1" or SEPARATOR in text:
        return _element_string(text, year)
    own = _own(text)
    if own:
        return own
    if re.match(r"https?://", text, re.IGNORECASE):
        return _digital_link(text, year)
    if text.startswith("("):
        return _bracketed(text, year)
    digits = re.sub(r"[ -]", "", text)
    if re.fullmatch("[0-9]+", digits) and re.fullmatch("[0-9 -]+", text):
        return _digits(text, digits, symbology, year)
    if re.match("0[012]", text) and symbology in (None, "CODE128", "DATAMATRIX", "QRCODE", "OTHER"):
        # A scanner that does not tell: nothing else begins with a right GTIN or SSCC behind its identifier.
        long = 20 if text.startswith("00") else 16
        if re.fullmatch("[0-9]+", text[:long]) and len(text) >= long and _checked(text[2:long]):
            return _element_string(text, year)
    if re.fullmatch("[0-9öÖ]{8,}", text) or re.match("ab[éÉ]", text, re.IGNORECASE):
        return _refused(text, Reason.KEYBOARD)
    return Scanned(What.UNKNOWN, text, code=text)


# Our own codes

PRINTED = re.compile(r"AB:([A-Z]):([0-9A-Z.-]{1,40}):([0-9A-Z]{2})")
TYPED = re.compile(r"(L|P|R|A|LEL|F)-([1-9][0-9]{0,14})")
PLACE = re.compile(r"[A-Z0-9]{2,8}(-[A-Z0-9]{1,12}){1,6}")
PLACE_SIGNS = 40
SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PRIME = 1021


def check_signs(kind: str, body: str) -> str:
    """Return the two check characters of a code of our own.

    A polynomial over a prime field: each replaced sign and each swap of two neighbours changes it.
    """
    rest = 0
    for sign in f"{kind}:{body}":
        rest = (rest * 31 + ord(sign)) % PRIME
    return SIGNS[rest // 32] + SIGNS[rest % 32]


def names_a_place(code: str) -> bool:
    """Tell whether a place's code can be printed, and read back by every scanner: MIS-A-03-2.

    Scanners that type press the keys of the keyboard that is set, and bars hold no accents.
    """
    typed = _own(code)
    return len(code) <= PLACE_SIGNS and typed is not None and (typed.kind, typed.code) == (What.PLACE, code)


def printed(kind: What, body: str | int) -> str:
    """Return the text of a symbol of our own: ``printed(What.LOT, 20811)``."""
    letter = next(each for each, of_kind in LETTERS.items() if of_kind == kind)
    body = str(body).upper()
    return f"AB:{letter}:{body}:{check_signs(letter, body)}"


def _own(text: str) -> Scanned | None:
    upper = text.upper() if text.isascii() else text
    if upper.startswith("AB:"):
        found = PRINTED.fullmatch(upper)
        if not found or found[1] not in LETTERS or check_signs(found[1], found[2]) != found[3]:
            return _refused(text, Reason.OWN_CODE)
        return _own_of(text, LETTERS[found[1]], found[1], found[2])
    found = TYPED.fullmatch(upper)
    if found:
        letter = next(letter for letter, said in SAID.items() if said == found[1])
        return Scanned(LETTERS[letter], text, code=upper, id=int(found[2]))
    if PLACE.fullmatch(upper) and re.search("[A-Z]", upper.split("-")[0]):
        return Scanned(What.PLACE, text, code=upper)
    return None


def _own_of(text: str, kind: What, letter: str, body: str) -> Scanned:
    if kind == What.PLACE:
        return Scanned(kind, text, code=body) if PLACE.fullmatch(body) else _refused(text, Reason.OWN_CODE)
    if kind == What.BOX:
        good = re.fullmatch("[0-9]{18}", body) and _checked(body)
        return Scanned(kind, text, code=body, sscc=body) if good else _refused(text, Reason.OWN_CODE)
    if not re.fullmatch("[1-9][0-9]{0,14}", body):
        return _refused(text, Reason.OWN_CODE)
    if kind == What.MULTIPLIER:
        good = int(body) in MULTIPLIERS
        return Scanned(kind, text, quantity=int(body)) if good else _refused(text, Reason.OWN_CODE)
    return Scanned(kind, text, code=f"{SAID[letter]}-{body}", id=int(body))


# Plain numbers


def _digits(text: str, digits: str, symbology: str | None, year: int) -> Scanned:
    length = len(digits)
    if symbology == "UPCE":
        whole = _upc_a_of(digits) if length == 8 else None
        return _product(text, whole) if whole else _refused(text, Reason.CHECK_DIGIT)
    strict = {"EAN8": (8,), "EAN13": (8, 12, 13), "UPCA": (12, 13)}.get(symbology or "")
    if strict:
        good = length in strict and _checked(digits)
        return _product(text, digits) if good else _refused(text, Reason.CHECK_DIGIT)
    if symbology is None:
        if length == 8:
            return _eight(text, digits)
        if length in (12, 13, 14):
            return _product(text, digits) if _checked(digits) else _refused(text, Reason.CHECK_DIGIT)
    elif length in (13, 14) and _checked(digits) and (symbology != "ITF" or length == 14):
        return _product(text, digits)
    if symbology != "ITF":
        if length == 18:
            box = Scanned(What.BOX, text, code=digits, sscc=digits)
            return box if _checked(digits) else _refused(text, Reason.CHECK_DIGIT)
        if (length == 20 and digits[:2] == "00" and _checked(digits[2:])) or (
            length >= 16 and digits[:2] in ("01", "02") and _checked(digits[2:16])
        ):
            return _element_string(digits, year)
    return Scanned(What.UNKNOWN, text, code=text)


def _eight(text: str, digits: str) -> Scanned:
    whole = _upc_a_of(digits)
    if _checked(digits):
        found = _product(text, digits)
        return replace(found, uncertain=True, reason=Reason.SHORT_NUMBER) if whole and not found.uncertain else found
    return _product(text, whole) if whole else _refused(text, Reason.CHECK_DIGIT)


def _upc_a_of(digits: str) -> str | None:
    """Return the twelve digits that a UPC-E of eight stands for; None where its check digit is wrong."""
    system, one, two, three, four, five, last, check = list(digits)
    if system not in "01":
        return None
    if last in "012":
        body = system + one + two + last + "0000" + three + four + five
    elif last == "3":
        body = system + one + two + three + "00000" + four + five
    elif last == "4":
        body = system + one + two + three + four + "00000" + five
    else:
        body = system + one + two + three + four + five + "0000" + last
    return body + check if check_digit(body) == check else None


def _product(text: str, digits: str) -> Scanned:
    return _marked(Scanned(What.GTIN, text, gtin=digits.zfill(14)), None)


def _checked(digits: str) -> bool:
    """Tell whether the last digit is the check digit; a row of noughts is no number."""
    return digits.strip("0") != "" and check_digit(digits[:-1]) == digits[-1]


# GS1

Element = tuple[str, str]


def _element_string(text: str, year: int) -> Scanned:
    elements: list[Element] = []
    rest = text.removeprefix(SEPARATOR)
    while rest:
        identifier = _identifier(rest)
        if identifier is None:
            return _refused(text, Reason.NOT_GS1)
        if identifier.separator_required:
            piece = rest.split(SEPARATOR, 1)[0]
        else:
            piece = rest[: len(identifier.ai) + _fixed_length(identifier)]
        if not _fits(identifier, piece):
            return _refused(text, Reason.NOT_GS1)
        elements.append((identifier.ai, piece[len(identifier.ai) :]))
        # One separator ends a field; two in a row mean that something between them was lost.
        rest = rest[len(piece) :].removeprefix(SEPARATOR)
    return _meaning(text, elements, year)


def _bracketed(text: str, year: int) -> Scanned:
    """Read "(01)0950…(10)AB": as printed under the bars, and as people type it."""
    compact = text.replace(" ", "")
    if not re.fullmatch(r"(\([0-9]{2,4}\)[^()]+)+", compact):
        return _refused(text, Reason.NOT_GS1)
    return _pairs(text, re.findall(r"\(([0-9]{2,4})\)([^()]+)", compact), year)


def _digital_link(text: str, year: int) -> Scanned:
    """Read a GS1 Digital Link; any other address is unknown."""
    address = re.match(r"https?://[^/?#]*([^?#]*)\??([^#]*)", text, re.IGNORECASE)
    steps = address[1].split("/") if address else []
    starts = [at for at in range(len(steps) - 1) if steps[at] in ("00", "01") and re.match("[0-9]{8}", steps[at + 1])]
    if not address or not starts or not text.isascii():
        return Scanned(What.UNKNOWN, text, code=text)
    found = steps[starts[0] :]
    if found[-1] == "":
        found.pop()
    if len(found) % 2:
        return _refused(text, Reason.NOT_GS1)
    pairs = [(found[at], _unquoted(found[at + 1])) for at in range(0, len(found), 2)]
    for each in re.split("[&;]", address[2]):
        name, _, value = each.partition("=")
        if re.fullmatch("[0-9]{2,4}", name):
            pairs.append((name, _unquoted(value)))
    pairs = [(name, value.zfill(14) if name in ("01", "02") and len(value) < 14 else value) for name, value in pairs]
    return _pairs(text, pairs, year)


def _unquoted(value: str) -> str:
    return re.sub("%([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), value)


def _pairs(text: str, pairs: list[Element], year: int) -> Scanned:
    for name, value in pairs:
        identifier = _identifier(name)
        if identifier is None or identifier.ai != name or not _fits(identifier, name + value):
            return _refused(text, Reason.NOT_GS1)
    return _meaning(text, pairs, year)


def _identifier(rest: str) -> GS1ApplicationIdentifier | None:
    try:
        return GS1ApplicationIdentifier.extract(rest)
    except ParseError:
        return None


def _fixed_length(identifier: GS1ApplicationIdentifier) -> int:
    return sum(int(part[1:]) for part in identifier.format.split("+")[1:])


ANY_SIGNS = r"[!%-?A-Z_a-z\x22]{1,200}"


def _fits(identifier: GS1ApplicationIdentifier, piece: str) -> bool:
    value = piece[len(identifier.ai) :]
    pattern = identifier.pattern
    if "|%" in pattern:
        # Its alternatives overlap: matching could take for ever. None of these fields is ours to read.
        pattern = f"{identifier.ai}{ANY_SIGNS}"
    return value != "" and value.isascii() and re.fullmatch(pattern.removesuffix("$"), piece) is not None


NUMBERED = frozenset({"00", "01", "02", "03", *(f"41{last}" for last in range(8))})
"""Fields whose last digit is a check digit."""

DAYS = ("11", "12", "13", "15", "16", "17")


def _meaning(text: str, elements: list[Element], year: int) -> Scanned:
    said: dict[str, str] = {}
    for name, value in elements:
        if said.setdefault(name, value) != value:
            return _refused(text, Reason.TWICE)
        if name in NUMBERED and not _checked(value):
            return _refused(text, Reason.CHECK_DIGIT)
    days: dict[str, date] = {}
    for name in (*DAYS, "7003"):
        if name in said:
            day = _day(said[name][:6], year)
            if day is None:
                return _refused(text, Reason.DATE)
            days[name] = day
    if "01" in said and ("02" in said or "37" in said):
        return _refused(text, Reason.EXCLUDE)
    last = days.get("17") or days.get("7003") or days.get("15")
    if last and "11" in days and days["11"] > last:
        return _refused(text, Reason.DATES_DISAGREE)
    gtin = said.get("01") or said.get("02")
    weights = {_grams(name, value) for name, value in said.items() if re.fullmatch("310[0-5]", name)}
    if len(weights) > 1:
        return _refused(text, Reason.TWICE)
    counted = said.get("37") or said.get("30")
    found = Scanned(
        What.BOX if "00" in said else What.GS1,
        text,
        code=said.get("00"),
        gtin=gtin,
        content="02" in said,
        batch=said.get("10"),
        expires_on=last,
        use_by=(None if last is None else "17" in days or "7003" in days),
        produced_on=days.get("11"),
        count=int(counted) if counted else None,
        weight_g=next(iter(weights), None),
        sscc=said.get("00"),
    )
    if found.kind == What.GS1 and not (gtin or found.batch or last or found.count or found.weight_g is not None):
        return Scanned(What.UNKNOWN, text, code=text)
    if found.kind == What.GS1 and set(said) == {"01"}:
        found = replace(found, kind=What.GTIN)
    if found.count == 0:
        return _refused(text, Reason.NOT_GS1)
    return _marked(found, year, said.get("21"))


def _day(digits: str, year: int) -> date | None:
    """Return the day of YYMMDD; day 00 is the month's last. Years lie 49 before to 50 after this one."""
    short, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    full = year - year % 100 + short
    if short - year % 100 >= 51:
        full -= 100
    elif short - year % 100 <= -50:
        full += 100
    if not 1 <= month <= 12:
        return None
    last = monthrange(full, month)[1]
    return date(full, month, day or last) if day <= last else None


def _grams(name: str, value: str) -> int:
    """Return the grams of kilograms with as many decimals as the identifier's last digit says."""
    return int(value) * 1000 // int("1" + "0" * int(name[3]))


def _marked(found: Scanned, year: int | None, serial: str | None = None) -> Scanned:
    """Mark what is valid but looks wrong."""
    reason = None
    if any(_runs_on(each, year) for each in (found.batch, serial) if each and year):
        reason = Reason.SWALLOWED
    elif found.content and found.count is None:
        reason = Reason.NO_COUNT
    elif found.expires_on and year and not year - 10 <= found.expires_on.year <= year + 30:
        reason = Reason.ODD_DATE
    elif found.gtin and _of_a_shop(found.gtin):
        reason = Reason.SHOP_NUMBER
    return replace(found, uncertain=reason is not None, reason=reason)


def _runs_on(value: str, year: int | None) -> bool:
    """Tell whether a lot or serial number contains another field, as when the separator before it was lost."""
    for at in range(1, len(value) - 7):
        rest = value[at:]
        if re.match("1[1-7][0-9]{6}", rest) and rest[:2] in DAYS:
            day = _day(rest[2:8], year or 0)
            if day and abs(day.year - (year or 0)) <= 15:
                return True
        if re.match("0[12][0-9]{14}", rest) and _checked(rest[2:16]):
            return True
        if re.match("00[0-9]{18}", rest) and _checked(rest[2:20]):
            return True
        if re.match("31[0-6][0-5][0-9]{6}", rest):
            return True
    return False


def _of_a_shop(gtin: str) -> bool:
    """Tell whether a shop gave the number to itself (restricted circulation): it names no product elsewhere."""
    if gtin.startswith("000000"):
        return gtin[6] in "02"
    return gtin[0] == "0" and (gtin[1] == "2" or gtin[1:3] in ("02", "04"))


def _refused(text: str, reason: Reason) -> Scanned:
    return Scanned(What.REFUSED, text, reason=reason)


# What the catalogue and the lots know


class Doubt(StrEnum):
    """A question to a person before a valid code is believed."""

    UNCERTAIN = "uncertain"
    UNKNOWN_GTIN = "unknown_gtin"
    UNKNOWN_BOX = "unknown_box"
    UNKNOWN_LOT = "unknown_lot"
    MISSING_LOT = "missing_lot"
    SIMILAR_GTIN = "similar_gtin"
    SIMILAR_LOT = "similar_lot"


DOUBTS: dict[Doubt, Message] = {
    Doubt.UNCERTAIN: say("Compare it with the label."),
    Doubt.UNKNOWN_GTIN: say("Nobody has scanned this product yet. Which item is it?"),
    Doubt.UNKNOWN_BOX: say("Nobody has scanned this box yet. Is it a new one?"),
    Doubt.UNKNOWN_LOT: say("This product has not come with this lot number yet. Is it what the label says?"),
    Doubt.MISSING_LOT: say("This product comes with lot numbers. Scan the lot too."),
    Doubt.SIMILAR_GTIN: say("Another product's number looks almost the same. Is it what the label says?"),
    Doubt.SIMILAR_LOT: say("Another lot number looks almost the same. Is it what the label says?"),
}


def doubts(
    scanned: Scanned,
    *,
    known_gtins: Collection[str] | None = None,
    known_lots: Collection[str] | None = None,
    known_boxes: Collection[str] | None = None,
    typed: bool = True,
) -> tuple[Doubt, ...]:
    """Return what a person must be asked. ``known_lots``: the makers' lot numbers of this GTIN; None: not known.

    ``typed`` is False where a symbol with a checksum was read: then what merely looks like something else is believed.
    """
    asked = [Doubt.UNCERTAIN] if scanned.uncertain else []
    if scanned.sscc and known_boxes is not None and scanned.sscc not in known_boxes:
        asked.append(Doubt.UNKNOWN_BOX)
    if scanned.gtin is None:
        return tuple(asked)
    if known_gtins is not None and scanned.gtin not in known_gtins:
        return (*asked, Doubt.UNKNOWN_GTIN)
    if typed and known_gtins is not None and any(each in known_gtins for each in _swaps(scanned.gtin)):
        asked.append(Doubt.SIMILAR_GTIN)
    if known_lots is not None:
        if scanned.batch is None:
            asked += [Doubt.MISSING_LOT] if known_lots else []
        elif scanned.batch not in known_lots:
            asked.append(Doubt.UNKNOWN_LOT)
        elif typed and any(each != scanned.batch and alike(each, scanned.batch) for each in known_lots):
            asked.append(Doubt.SIMILAR_LOT)
    return tuple(asked)


def _swaps(gtin: str) -> Iterator[str]:
    """Yield the numbers with two neighbours swapped that the check digit cannot tell from this one."""
    for at in range(len(gtin) - 1):
        if abs(int(gtin[at]) - int(gtin[at + 1])) == 5:
            yield gtin[:at] + gtin[at + 1] + gtin[at] + gtin[at + 2 :]


def alike(one: str, other: str) -> bool:
    """Tell whether one slip makes one text of the other: a sign dropped, put in, replaced, swapped, or the end lost."""
    if len(one) > len(other):
        one, other = other, one
    if other.startswith(one):
        return True
    head = next(at for at, sign in enumerate(one) if sign != other[at])
    if len(one) == len(other):
        swapped = one[:head] + one[head : head + 2][::-1] + one[head + 2 :]
        return one[head + 1 :] == other[head + 1 :] or swapped == other
    return len(other) - len(one) == 1 and one[head:] == other[head + 1 :]


def pieces(scanned: Scanned, pack: int = 1, quantity: int = 1) -> int:
    """Return base units: scans of a code whose GTIN stands for ``pack`` pieces, ``count`` times if the code says so."""
    return quantity * (scanned.count or 1) * pack


# Codes that complete each other


@dataclass
class Line:
    """An item, box or parcel that was scanned, and where to."""

    number: int
    item: Scanned
    quantity: int
    place: Scanned | None
    document: Scanned | None
    scanned_at: float

    def to_json(self) -> dict[str, Any]:
        """Return what the browser's session says of a line."""
        return {
            "number": self.number,
            "item": self.item.to_json(),
            "quantity": self.quantity,
            "place": self.place.code if self.place else None,
            "document": self.document.code if self.document else None,
        }


@dataclass
class Event:
    """What a scan did: place, box, document, multiplier, half, line, amended, placed, dropped, unknown or refused."""

    event: str
    scanned: Scanned | None = None
    line: Line | None = None
    reason: Reason | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what the browser's session returns."""
        told: dict[str, Any] = {"event": self.event}
        if self.scanned:
            told["scanned"] = self.scanned.to_json()
        if self.line:
            told["line"] = self.line.to_json()
        if self.reason:
            told["reason"] = self.reason
        return told


PATIENCE = 60.0
"""Seconds that a multiplier, a lot without its product and a product without its lot wait for the other scan."""


@dataclass
class Session:
    """Combines scans to lines. The same scans at the same times always give the same events.

    Place and item come in either order, and the first scan decides: after a place, each item goes there until another
    place is scanned; after items, the next place takes all that wait, and is forgotten. ``order`` fixes it
    ("place_first", "item_first"). A box is a place for items and an item for a place. A multiplier or a typed quantity
    counts for the next item only. A product and its lot number on two codes make one line, whichever comes first.
    """

    order: str | None = None
    place: Scanned | None = None
    document: Scanned | None = None
    lines: list[Line] = field(default_factory=list)
    _decided: str | None = None
    _multiplier: tuple[Scanned, float] | None = None
    _half: tuple[Scanned, float] | None = None
    _box: Scanned | None = None
    _numbers: int = 0

    def feed(self, scanned: Scanned, now: float) -> list[Event]:
        """Take one scan, at ``now`` in seconds, and return what it did."""
        events = list(self._stale(now))
        if scanned.kind == What.REFUSED:
            return [*events, Event("refused", scanned, reason=scanned.reason)]
        if scanned.kind == What.UNKNOWN:
            return [*events, Event("unknown", scanned)]
        if scanned.kind == What.MULTIPLIER:
            self._multiplier = (scanned, now)
            return [*events, Event("multiplier", scanned)]
        if scanned.kind in DOCUMENTS:
            self.document = scanned
            return [*events, Event("document", scanned)]
        if scanned.kind == What.PLACE:
            return events + self._at(scanned, now)
        if scanned.kind == What.BOX:
            return events + self._boxed(scanned, now)
        return events + self._item(scanned, now)

    def forget(self, number: int) -> None:
        """Take a line back."""
        self.lines = [line for line in self.lines if line.number != number]

    def _stale(self, now: float) -> Iterator[Event]:
        if self._multiplier and now - self._multiplier[1] > PATIENCE:
            yield Event("dropped", self._multiplier[0])
            self._multiplier = None
        if self._half and now - self._half[1] > PATIENCE:
            yield Event("dropped", self._half[0])
            self._half = None

    def _waiting(self) -> list[Line]:
        return [line for line in self.lines if line.place is None]

    def _at(self, place: Scanned, now: float) -> list[Event]:
        box, self._box = self._box, None
        if box:
            self._decided = self._decided or "item_first"
            made = [self._line(box, now, quantity=1, place=place)]
            if self._first() == "place_first":
                self.place = place
            return made
        waiting = self._waiting()
        if waiting and self._first() != "place_first":
            for line in waiting:
                line.place = place
            return [Event("placed", line=line) for line in waiting]
        self._decided = self._decided or "place_first"
        self.place = place
        return [Event("place", place)]

    def _boxed(self, box: Scanned, now: float) -> list[Event]:
        if self._multiplier:
            self._multiplier = None
            return [Event("refused", box, reason=Reason.QUANTITY)]
        waiting = self._waiting()
        if waiting and self._first() == "item_first":
            for line in waiting:
                line.place = box
            return [Event("placed", line=line) for line in waiting]
        if self.place and self.place.kind == What.PLACE:
            return [self._line(box, now, quantity=1, place=self.place)]
        if self.place:
            self.place = box
            return [Event("place", box)]
        self._box = box
        return [Event("box", box)]

    def _item(self, item: Scanned, now: float) -> list[Event]:
        events: list[Event] = []
        if self._box:
            self.place, self._box = self._box, None
            self._decided = "place_first"
            events.append(Event("place", self.place))
        self._decided = self._decided or "item_first"
        if item.kind == What.PARCEL:
            if self._multiplier:
                self._multiplier = None
                return [*events, Event("refused", item, reason=Reason.QUANTITY)]
            return [*events, self._line(item, now, quantity=1, place=self.place)]
        if item.half:
            return events + self._lot_alone(item, now)
        if self._half:
            half, self._half = self._half[0], None
            if item.gtin is None:
                events.append(Event("dropped", half))
            elif _disagree(item, half):
                return [*events, Event("refused", item, reason=Reason.TWO_LOTS)]
            else:
                item = _joined(item, half)
        quantity = item.quantity or (self._multiplier[0].quantity if self._multiplier else None) or 1
        self._multiplier = None
        return [*events, self._line(item, now, quantity=quantity, place=self.place)]

    def _lot_alone(self, half: Scanned, now: float) -> list[Event]:
        last = self.lines[-1] if self.lines else None
        if (
            last
            and not self._multiplier
            and half.quantity is None
            and last.item.gtin
            and last.item.batch is None
            and now - last.scanned_at <= PATIENCE
            and not _disagree(last.item, half)
        ):
            last.item = _joined(last.item, half)
            return [Event("amended", line=last)]
        self._half = (half, now)
        return [Event("half", half)]

    def _line(self, item: Scanned, now: float, *, quantity: int, place: Scanned | None) -> Event:
        self._numbers += 1
        line = Line(self._numbers, item, quantity, place, self.document, now)
        self.lines.append(line)
        return Event("line", line=line)

    def _first(self) -> str | None:
        return self.order or self._decided


def _disagree(item: Scanned, half: Scanned) -> bool:
    return bool(
        (item.batch and half.batch and item.batch != half.batch)
        or (item.expires_on and half.expires_on and item.expires_on != half.expires_on)
    )


def _joined(item: Scanned, half: Scanned) -> Scanned:
    dated = item if item.expires_on else half
    return replace(
        item,
        kind=What.GS1,
        batch=item.batch or half.batch,
        expires_on=dated.expires_on,
        use_by=dated.use_by,
        produced_on=item.produced_on or half.produced_on,
        count=item.count or half.count,
        weight_g=item.weight_g if item.weight_g is not None else half.weight_g,
        quantity=item.quantity or half.quantity,
        uncertain=item.uncertain or half.uncertain,
        reason=item.reason or half.reason,
    )
