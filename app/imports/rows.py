"""A row of a file on its way to be judged: what it is held against, what it would write, what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from app.catalogue.gtin import normalised
from app.foundation.spreadsheets import NumberCell
from app.foundation.text import fold
from app.foundation.words import Message, say
from app.imports.amounts import NotUnderstood

LIKENESS = 0.6
"""How alike a name must be to be suggested."""
RISKY = ("=", "+", "-", "@")
"""An apostrophe before these was put there so that an office program does not compute the cell."""

Meant = Mapping[str, str]
"""Our field → the heading of its column."""
Cell = Callable[[str], str]
"""What stands in the column of one of our fields."""


@dataclass(frozen=True)
class KnownItem:
    """An item of the catalogue as rows are held against it."""

    id: int
    code: str
    name_hu: str
    name_en: str
    base_unit: str
    unit_name_hu: str
    unit_name_en: str
    weight_mg: int
    volume_ul: int
    tracks_expiry: bool
    retired: bool
    version: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else of it may change: used by a catalogue."""


@dataclass(frozen=True)
class Known:
    """What a file is held against."""

    today: date
    items: tuple[KnownItem, ...]
    packs: Mapping[str, tuple[int, int]]
    """GTIN → (item, quantity)."""
    places: Mapping[str, tuple[int, bool]] = field(default_factory=dict)
    """Folded code → (place, in use)."""
    dock_id: int = 0
    categories: Mapping[str, int] = field(default_factory=dict)
    """Folded code or name → category."""

    @cached_property
    def by_id(self) -> dict[int, KnownItem]:
        """The items by their ids."""
        return {item.id: item for item in self.items}

    @cached_property
    def by_code(self) -> dict[str, KnownItem]:
        """The items by their folded codes."""
        return {fold(item.code): item for item in self.items}

    @cached_property
    def by_name(self) -> dict[str, list[KnownItem]]:
        """The items by their folded names."""
        found: dict[str, list[KnownItem]] = {}
        for item in self.items:
            for name in {fold(item.name_hu), fold(item.name_en)}:
                found.setdefault(name, []).append(item)
        return found

    @cached_property
    def begun(self) -> set[str]:
        """Codes of new items of which the file has a row already: another one only adds a barcode."""
        return set()

    @cached_property
    def near(self) -> dict[str, list[str]]:
        """Suggestions by folded name, each looked for once."""
        return {}


@dataclass
class Judged:
    """A row with what it would write, what is wrong with it and what is odd about it."""

    line: int
    cells: list[str]
    values: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)
    wrong: list[dict[str, Any]] = field(default_factory=list)
    odd: list[Message] = field(default_factory=list)

    def refuse(self, column: str | None, cell: str, message: Message) -> None:
        """Note what is wrong in which column."""
        self.wrong.append({"column": column or "", "value": str(cell)[:200], "message": message.to_json()})


def clean(cell: str) -> str:
    """Return a cell without what only an office program needs; numbers stay what they are."""
    if isinstance(cell, NumberCell):
        return cell
    text = "".join(
        letter
        for letter in cell.replace("\u00ad", "")
        if letter == " " or letter.isprintable() or letter in "\u00a0\u202f"
    )
    return text[1:] if text.startswith("'") and text[1:].startswith(RISKY) else text


def take(judged: Judged, meant: Meant, name: str, cell: str, read: Callable[[str], Any]) -> Any:
    """Return what a cell says, or note what is wrong with it; an empty cell says nothing."""
    if not cell.strip():
        return None
    try:
        return read(cell)
    except NotUnderstood as refused:
        judged.refuse(meant.get(name), cell, refused.message)
        return None


def barcode(judged: Judged, gtin: str, meant: Meant) -> str | None:
    """Return a barcode as 14 digits, or note what is wrong with it."""
    digits = gtin.replace(" ", "").replace("-", "")
    found = normalised(digits)
    if found is None and digits.isascii() and digits.isdigit() and len(digits) in (7, 11):
        # A workbook that holds it as a number has lost a leading zero.
        found = normalised(f"0{digits}")
    if found is None:
        lost = "e+" in digits.lower()
        judged.refuse(
            meant.get("gtin"),
            gtin,
            say("The barcode lost its digits in the spreadsheet. Format the column as text.")
            if lost
            else say("This is no barcode number: 8, 12, 13 or 14 digits are needed, the last one is a check digit."),
        )
    return found
