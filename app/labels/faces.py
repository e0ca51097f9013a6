"""What stands on each kind of label, and how large. Faces become PDF by typst; none of them names a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from app.foundation.documents import pdf
from app.foundation.language import date_, language, weight
from app.foundation.words import Message, say
from app.labels.symbols import Symbol, bars, gs1_bars, square
from app.stock.scanning import What, printed

TEMPLATE = Path(__file__).parent / "documents" / "labels.typ"
BATCH_MAX = 20
COUNT_MAX = 99_999_999
BATCH_SIGNS = frozenset("!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
"""What GS1 lets a lot number hold."""


@dataclass(frozen=True)
class Size:
    """A label, the room on it for a symbol, and how many of them are on a sheet."""

    name: str
    title: Message
    bars_mm: float
    bars_height_mm: float
    square_mm: float
    large: bool = False


SIZES: dict[str, Size] = {
    "a4": Size("a4", say("A4 sheet, 3 × 8 labels of 70 × 37 mm"), 62, 9, 28),
    "62": Size("62", say("Endless tape, 62 mm wide"), 57, 10, 28),
    "100x150": Size("100x150", say("Label of 100 × 150 mm"), 92, 20, 60, large=True),
}
PER_SHEET = 24
LOGISTIC_HEIGHT_MM = 32
"""GS1 asks for at least 31.75 mm on a logistic label."""


@dataclass(frozen=True)
class Face:
    """One label: a large code, lines under it, and its symbols."""

    title: str
    lines: Sequence[Any]
    square: Symbol | None = None
    bars: Sequence[Symbol] = field(default_factory=tuple)
    foot: Any = ""

    @property
    def symbols(self) -> list[Symbol]:
        """Return every symbol on it."""
        return [*([self.square] if self.square else []), *self.bars]


@dataclass(frozen=True)
class Goods:
    """So many of one lot, as a label tells of them."""

    item_hu: str
    item_en: str
    unit_hu: str
    unit_en: str
    quantity: int
    expires_on: date | None
    use_by: bool
    batch: str | None
    gtin: str | None = None
    """Of the largest pack that the quantity is a whole number of."""
    pack: int = 1

    @property
    def item(self) -> str:
        """Return the item's name in the reader's language."""
        return self.item_en if language() == "en" else self.item_hu

    @property
    def unit(self) -> str:
        """Return the base unit's name in the reader's language."""
        return self.unit_en if language() == "en" else self.unit_hu

    @property
    def expiry(self) -> Message | None:
        """Return the day that counts."""
        if self.expires_on is None:
            return None
        said = date_(self.expires_on)
        return say("Use by %(day)s", day=said) if self.use_by else say("Best before %(day)s", day=said)


def own(size: Size, kind: What, body: str | int, title: str, lines: Sequence[Any], foot: Any = "") -> Face:
    """Return a label with a code of our own: a square code, and bars for old scanners where there is room."""
    text = printed(kind, body)
    wide = bars(text, most_mm=size.bars_mm, height_mm=size.bars_height_mm) if size.large else None
    return Face(title, lines, square(text, most_mm=size.square_mm), (wide,) if wide else (), foot)


def place(size: Size, code: str, lines: Sequence[Any]) -> Face:
    """Return a place's label."""
    return own(size, What.PLACE, code, code, lines)


def lot(size: Size, lot_id: int, goods: Goods, condition: Any) -> Face:
    """Return a lot's label."""
    lines = [goods.item, goods.expiry or say("Does not expire")]
    if goods.batch:
        lines.append(say("Maker's lot %(batch)s", batch=goods.batch))
    return own(size, What.LOT, lot_id, f"L-{lot_id}", lines, condition)


def box(size: Size, sscc: str, code: str, contents: Sequence[Goods], *, pallet: bool) -> Face:
    """Return the label of a box or pallet: its SSCC, and on a large label of one kind of goods their fields too.

    The GS1 logistic label: the SSCC stands lowest; what is in it above, when all of it is one lot of one product.
    """
    lines = [
        say("%(quantity)s %(unit)s %(item)s", quantity=each.quantity, unit=each.unit, item=each.item)
        for each in contents[: 6 if size.large else 2]
    ]
    if len(contents) > len(lines):
        lines.append(say("and %(more)s more", more=len(contents) - len(lines)))
    symbols = []
    alike = contents[0] if len(contents) == 1 else None
    if alike:
        lines += [alike.expiry] if alike.expiry else []
        lines += [say("Maker's lot %(batch)s", batch=alike.batch)] if alike.batch else []
        if size.large:
            symbols += logistic(size, alike)
    height = LOGISTIC_HEIGHT_MM if size.large else size.bars_height_mm
    number = gs1_bars([("00", sscc)], most_mm=size.bars_mm, height_mm=height)
    assert number is not None, "an SSCC fits on every label"
    return Face(code, lines or [say("Empty")], None, (*symbols, number), say("Pallet") if pallet else say("Box"))


def logistic(size: Size, goods: Goods) -> list[Symbol]:
    """Return the symbols of what is on a pallet, split where one would be too wide; none without a GTIN."""
    count = goods.quantity // goods.pack
    if goods.gtin is None or not 0 < count <= COUNT_MAX:
        return []
    fields = [("02", goods.gtin)]
    if goods.expires_on:
        fields.append(("17" if goods.use_by else "15", f"{goods.expires_on:%y%m%d}"))
    fields.append(("37", str(count)))
    made = [gs1_bars(fields, most_mm=size.bars_mm, height_mm=16, most_module_mm=0.25)]
    if goods.batch and len(goods.batch) <= BATCH_MAX and BATCH_SIGNS.issuperset(goods.batch):
        made.append(gs1_bars([("10", goods.batch)], most_mm=size.bars_mm, height_mm=16, most_module_mm=0.25))
    return [symbol for symbol in made if symbol]


def parcel(
    size: Size, code: str, parcel_id: int, *, weight_g: int, settlement: str, run: Any, cold: Sequence[Any] = ()
) -> Face:
    """Return a parcel's label: its code, weight, run and settlement; nothing about whom it is for or what is in it."""
    return own(size, What.PARCEL, parcel_id, code, [settlement, *([run] if run else []), *cold], weight(weight_g))


def document(size: Size, kind: What, number: int, title: str, lines: Sequence[Any]) -> Face:
    """Return the label of a run, transfer, stocktake or offer, to begin the work with."""
    return own(size, kind, number, title, lines)


MULTIPLIERS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 18, 20, 24, 25, 30, 36, 40, 48, 50, 60, 100)
"""As many as a sheet holds."""


def multipliers(size: Size) -> list[Face]:
    """Return the labels that say "so many of the next item"."""
    return [
        own(size, What.MULTIPLIER, times, f"× {times}", [say("of the next item that is scanned")])
        for times in MULTIPLIERS
    ]


def drawn(faces: Sequence[Face], size: Size, *, start: int = 1) -> bytes:
    """Return the PDF. ``start`` is the first label of an A4 sheet that has not been used yet."""
    return pdf(
        TEMPLATE,
        {
            "size": size.name,
            "skipped": start - 1 if size.name == "a4" else 0,
            "faces": [
                {
                    "title": face.title,
                    "lines": list(face.lines),
                    "foot": face.foot,
                    "square": _drawing(face.square) if face.square else None,
                    "bars": [_drawing(symbol) for symbol in face.bars],
                }
                for face in faces
            ],
        },
    )


def _drawing(symbol: Symbol) -> dict[str, Any]:
    return {"svg": symbol.svg, "width": symbol.width_mm, "height": symbol.height_mm, "under": symbol.under}
