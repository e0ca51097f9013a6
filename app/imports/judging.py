"""The rows of an opening stock or of a catalogue, judged one by one before anything is written. Pure.

Runs in a child process with limits of time and memory: what a file holds hurts nobody else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from app.catalogue.gtin import normalised
from app.foundation.errors import Invalid
from app.foundation.spreadsheets import (
    NumberCell,
    Recognise,
    Row,
    Table,
    Unreadable,
    likeliest_sheet,
    read_any_table,
    sheet_names,
)
from app.foundation.text import fold, tidy
from app.foundation.words import Message, say
from app.imports import amounts, columns
from app.imports.amounts import Measured, NotUnderstood
from app.imports.kinds import ImportKind

SAMPLE_ROWS = 5
SHOWN_ROWS = 50
WRONG_ROWS_MAX = 1000
LIKENESS = 0.6
CONDITIONS = {
    "uj": "new",
    "new": "new",
    "jo": "good",
    "good": "good",
    "hasznalt": "worn",
    "worn": "worn",
    "kopott": "worn",
}
STORAGE = {
    "ambient": "ambient", "szobahomerseklet": "ambient", "szaraz": "ambient", "normal": "ambient",
    "chilled": "chilled", "hutott": "chilled", "frozen": "frozen", "fagyasztott": "frozen",
    "melyhutott": "frozen", "bulky": "bulky", "terjedelmes": "bulky", "nagymeretu": "bulky",
    "hazardous": "hazardous", "veszelyes": "hazardous",
}  # fmt: skip
BASE_UNITS = {"piece": "piece", "db": "piece", "darab": "piece", "pcs": "piece", "g": "g", "gramm": "g", "ml": "ml",
              "milliliter": "ml"}  # fmt: skip
UNIT_NAMES = {"piece": ("db", "pcs"), "g": ("g", "g"), "ml": ("ml", "ml")}
RISKY = ("=", "+", "-", "@")
"""An apostrophe before these was put there so that an office program does not compute the cell."""


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


@dataclass(frozen=True)
class Glance:
    """What a file looks like: its headings and first rows."""

    columns: list[str]
    sample: list[list[str]]
    rows: int
    sheets: list[str] = field(default_factory=list)
    """Of a workbook: all that can be chosen."""
    sheet: str | None = None
    """The one that was looked at."""


@dataclass(frozen=True)
class Examined:
    """The judged file: what is wrong, what would be written, and its figures."""

    problems: list[dict[str, Any]]
    figures: dict[str, Any]
    rows: list[dict[str, Any]]
    """Empty where only the judgement was asked for."""


def glance(
    content: bytes, kind: str, sheet: str | None = None, *, say: Callable[[object], None] = lambda _: None
) -> Glance | Message:
    """Return what a file looks like, or why it cannot be read; of a workbook the sheet, or the likeliest one."""
    del say  # a short job: it has nothing to tell before it ends
    recognise = _heading_of(kind)
    try:
        sheets = sheet_names(content)
        sheet = sheet or likeliest_sheet(content, recognise)
        table = read_any_table(content, recognise, sheet)
        sample = [[_clean(row.cells[column])[:60] for column in table.columns] for row in table.rows[:SAMPLE_ROWS]]
        return Glance([tidy(column) for column in table.columns], sample, len(table.rows), sheets, sheet)
    except (Unreadable, Invalid) as refused:
        return refused.message


def _heading_of(kind: str) -> Recognise:
    return lambda heading: columns.known_heading(kind, heading)


def examine(
    content: bytes,
    kind: str,
    fields: Mapping[str, str],
    known: Known,
    with_rows: bool,
    sheet: str | None = None,
    *,
    say: Callable[[object], None] = lambda _: None,
) -> Examined | Message:
    """Return the judged rows of a file, or why it cannot be read. ``say`` is told the percent done."""
    try:
        table = read_any_table(content, _heading_of(kind), sheet)
    except Unreadable as refused:
        return refused.message
    say(10)
    by_tidy = {tidy(column): column for column in table.columns}
    meant = {ours: by_tidy[column] for ours, column in fields.items() if column in by_tidy}
    judge = _judge_stock if kind == ImportKind.OPENING_STOCK else _judge_item
    rows: list[Judged] = []
    for number, row in enumerate(table.rows):
        if number % 2000 == 1999:
            say(10 + 80 * number // len(table.rows))
        rows.append(_judge(row, table, meant, known, judge))
    if kind == ImportKind.CATALOGUE:
        _judge_repeats(rows, meant)
    return _told(rows, kind, with_rows)


Judge = Callable[[Judged, Callable[[str], str], Mapping[str, str], Known], None]


def _judge(row: Row, table: Table, meant: Mapping[str, str], known: Known, judge: Judge) -> Judged:
    cells = [row.cells.get(column, "") for column in table.columns]
    judged = Judged(row.line, [_clean(cell) for cell in cells])
    if row.width > len(table.columns):
        judged.refuse(
            None,
            "",
            say(
                "The row has %(cells)s cells, the heading %(columns)s. Is a separator inside a number or a name?",
                cells=row.width,
                columns=len(table.columns),
            ),
        )
        return judged

    def cell(field_name: str) -> str:
        column = meant.get(field_name)
        return _clean(row.cells.get(column, "")) if column is not None else ""

    try:
        for value in row.cells.values():
            tidy(value)
    except Invalid as refused:
        judged.refuse(None, "", refused.message)
        return judged
    judge(judged, cell, meant, known)
    return judged


def _clean(cell: str) -> str:
    """Return a cell without what only an office program needs; numbers stay what they are."""
    if isinstance(cell, NumberCell):
        return cell
    text = "".join(
        letter
        for letter in cell.replace("\u00ad", "")
        if letter == " " or letter.isprintable() or letter in "\u00a0\u202f"
    )
    return text[1:] if text.startswith("'") and text[1:].startswith(RISKY) else text


def _take(judged: Judged, meant: Mapping[str, str], name: str, cell: str, read: Callable[[str], Any]) -> Any:
    """Return what a cell says, or note what is wrong with it; an empty cell says nothing."""
    if not cell.strip():
        return None
    try:
        return read(cell)
    except NotUnderstood as refused:
        judged.refuse(meant.get(name), cell, refused.message)
        return None


# An opening stock ---------------------------------------------------------------------------------------------------


def _judge_stock(judged: Judged, cell: Callable[[str], str], meant: Mapping[str, str], known: Known) -> None:
    """Judge a row of an opening stock: what, how much, where, until when."""
    item, pack_quantity = _find_item(judged, cell, meant, known)
    quantity = None
    if not cell("quantity").strip():
        judged.refuse(meant.get("quantity"), "", say("The quantity is missing."))
    elif item is not None:
        measured = Measured(
            item.base_unit, (item.unit_name_hu, item.unit_name_en), item.weight_mg, item.volume_ul, pack_quantity
        )
        quantity = _take(
            judged, meant, "quantity", cell("quantity"), lambda text: amounts.quantity(text, cell("unit"), measured)
        )
    place_id = _find_place(judged, cell("place"), meant, known)
    expires_on = _take(judged, meant, "expires_on", cell("expires_on"), amounts.day)
    if item is not None and item.tracks_expiry and not cell("expires_on").strip():
        judged.refuse(meant.get("expires_on"), "", say("%(item)s has an expiry: write the day.", item=item.name_hu))
    if expires_on is not None and expires_on < known.today:
        judged.odd.append(say("It has expired already; nobody can be given of it."))
    condition = CONDITIONS.get(fold(cell("condition")), "") if cell("condition").strip() else "new"
    if not condition:
        judged.refuse(meant.get("condition"), cell("condition"), say("Write új, jó or használt."))
    value = _take(judged, meant, "value", cell("value"), amounts.forints)
    batch = tidy(cell("batch"))
    if len(batch) > 60:
        judged.refuse(meant.get("batch"), batch, say("It is too long: at most %(most)s letters.", most=60))
    if judged.wrong or item is None or quantity is None:
        return
    judged.values = {
        "line": judged.line,
        "item_id": item.id,
        "quantity": quantity,
        "place_id": place_id,
        "expires_on": expires_on.isoformat() if expires_on else None,
        "batch": batch or None,
        "condition": condition,
        "unit_value_huf": value,
    }
    judged.shown = {
        "line": judged.line,
        "item_id": item.id,
        "item": item.name_hu,
        "quantity": quantity,
        "unit": item.unit_name_hu,
        "place": cell("place").strip(),
        "expires_on": expires_on.isoformat() if expires_on else None,
        "batch": batch,
    }


def _find_item(
    judged: Judged, cell: Callable[[str], str], meant: Mapping[str, str], known: Known
) -> tuple[KnownItem | None, int | None]:
    """Return the item that a row means and what its barcode holds; what is given must agree."""
    item: KnownItem | None = None
    pack_quantity = None
    code, gtin, name = cell("code").strip(), cell("gtin").strip(), cell("name").strip()
    if not code and not gtin and not name:
        judged.refuse(meant.get("name") or meant.get("code"), "", say("The row names no item."))
        return None, None
    if code:
        item = known.by_code.get(fold(code))
        if item is None:
            judged.refuse(meant.get("code"), code, _unknown(code, known, by_code=True))
            return None, None
    if gtin:
        digits = _barcode(judged, gtin, meant)
        if digits is None:
            return None, None
        pack = known.packs.get(digits)
        if pack is None and item is None and not (name and fold(name) in known.by_name):
            judged.refuse(
                meant.get("gtin"), gtin, say("No item has this barcode. Add it to the catalogue, or name the item.")
            )
            return None, None
        if pack is not None:
            if item is not None and item.id != pack[0]:
                judged.refuse(meant.get("gtin"), gtin, _other("barcode", known.by_id[pack[0]], item))
                return None, None
            item, pack_quantity = known.by_id.get(pack[0]), pack[1]
    if name:
        same = known.by_name.get(fold(name), [])
        if item is None:
            in_use = [each for each in same if not each.retired] or same
            if len(in_use) > 1:
                names = ", ".join(each.code for each in in_use[:3])
                judged.refuse(
                    meant.get("name"),
                    name,
                    say("More than one item has this name: %(codes)s. Give the code.", codes=names),
                )
                return None, None
            if not in_use:
                judged.refuse(meant.get("name"), name, _unknown(name, known))
                return None, None
            item = in_use[0]
        elif same and all(each.id != item.id for each in same):
            judged.refuse(meant.get("name"), name, _other("name", same[0], item))
            return None, None
    if item is not None and item.retired:
        judged.refuse(
            meant.get("name") or meant.get("code"),
            name or code or gtin,
            say("%(item)s is retired: nothing new can be received of it.", item=item.name_hu),
        )
        return None, None
    return item, pack_quantity


def _barcode(judged: Judged, gtin: str, meant: Mapping[str, str]) -> str | None:
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


def _other(by: str, found: KnownItem, given: KnownItem) -> Message:
    if by == "barcode":
        return say(
            "The barcode belongs to %(found)s, the row names %(given)s.", found=found.name_hu, given=given.name_hu
        )
    return say("The name is that of %(found)s, the row means %(given)s.", found=found.name_hu, given=given.name_hu)


def _unknown(written: str, known: Known, *, by_code: bool = False) -> Message:
    """Say that no item is meant, with the names that look most like it."""
    key = fold(written)
    if key not in known.near:
        if by_code:
            codes = {code: item.code for code, item in known.by_code.items() if not item.retired}
            known.near[key] = [codes[each] for each in get_close_matches(key, codes, n=3, cutoff=LIKENESS)]
        else:
            names = {name: same[0].name_hu for name, same in known.by_name.items() if not same[0].retired}
            words = set(key.split())
            likely = get_close_matches(key, names, n=3, cutoff=LIKENESS)
            likely += [name for name in names if len(words & set(name.split())) >= max(1, len(words) - 1)]
            likely += [name for name in names if len(key) > 3 and key in name]
            known.near[key] = list(dict.fromkeys(names[each] for each in likely))[:3]
    near = known.near[key]
    if near:
        return say("No such item: “%(written)s”. Is it %(near)s?", written=written[:80], near=" / ".join(near))
    return say("No such item: “%(written)s”. Add it to the catalogue first.", written=written[:80])


def _find_place(judged: Judged, written: str, meant: Mapping[str, str], known: Known) -> int:
    code = fold(written)
    if not code:
        return known.dock_id
    found = known.places.get(code)
    if found is None:
        near = get_close_matches(code, known.places, n=1, cutoff=0.8)
        judged.refuse(
            meant.get("place"),
            written,
            say(
                "There is no place %(place)s. Is it %(near)s?",
                place=written[:60],
                near=near[0].upper().replace(" ", "-"),
            )
            if near
            else say("There is no place %(place)s. Open it first, or leave the cell empty.", place=written[:60]),
        )
        return 0
    if not found[1]:
        judged.refuse(meant.get("place"), written, say("The place %(place)s is not used any more.", place=written[:60]))
    return found[0]


# A catalogue --------------------------------------------------------------------------------------------------------

ITEM_TEXTS = {"name_hu": 120, "name_en": 120, "unit_name_hu": 20, "unit_name_en": 20}
ITEM_NUMBERS = {
    "shelf_life_left_days_min": (0, 3650),
    "usual_quantity": (1, 10**6),
    "given_again_after_days": (0, 36_500),
}
MASS_MAX = 10**12


def _judge_item(judged: Judged, cell: Callable[[str], str], meant: Mapping[str, str], known: Known) -> None:
    """Judge a row of a catalogue: a new item whole, a known one as far as cells are filled, and perhaps a barcode."""
    code = tidy(cell("code")).upper()
    if not 2 <= len(code) <= 40:
        judged.refuse(meant.get("code"), code, say("Every row needs the item's code, of 2 to 40 letters."))
        return
    facts = _facts_of(judged, cell, meant, known)
    base_unit = BASE_UNITS.get(fold(cell("base_unit")), "") if cell("base_unit").strip() else None
    if base_unit == "":
        judged.refuse(meant.get("base_unit"), cell("base_unit"), say("Write piece (darab), g or ml."))
    there = known.by_code.get(fold(code))
    if there is not None and there.code != code:
        judged.refuse(
            meant.get("code"), code, say("The code is too much like that of another item: %(code)s.", code=there.code)
        )
    elif there is None and code not in known.begun:
        known.begun.add(code)
        _must_be_whole(judged, facts, meant)
        base_unit = base_unit or "piece"
        facts = {"unit_name_hu": UNIT_NAMES[base_unit][0], "unit_name_en": UNIT_NAMES[base_unit][1], **facts}
        facts.setdefault("name_en", facts.get("name_hu"))
    elif there is not None and base_unit and base_unit != there.base_unit:
        judged.refuse(
            meant.get("base_unit"),
            cell("base_unit"),
            say("The base unit of an item cannot change: stock is counted in it."),
        )
    changes = facts if there is None else {name: value for name, value in facts.items() if there.facts[name] != value}
    pack = _pack_of(judged, cell, meant, known, there)
    if judged.wrong:
        return
    judged.values = {
        "line": judged.line,
        "code": code,
        "item_id": there.id if there else None,
        "version": there.version if there else None,
        "base_unit": base_unit if there is None else None,
        "facts": changes,
        "pack": pack,
    }
    judged.shown = {
        "line": judged.line,
        "code": code,
        "item": facts.get("name_hu") or (there.name_hu if there else ""),
        "deed": "new" if there is None else "changed" if changes else "same",
        "fields": sorted(changes) if there else [],
        "gtin": pack[0] if pack else None,
    }


def _facts_of(judged: Judged, cell: Callable[[str], str], meant: Mapping[str, str], known: Known) -> dict[str, Any]:
    """Return the item's fields that the row fills."""
    facts: dict[str, Any] = {}
    for name, most in ITEM_TEXTS.items():
        text = tidy(cell(name))
        if len(text) > most:
            judged.refuse(meant.get(name), text, say("It is too long: at most %(most)s letters.", most=most))
        elif text:
            facts[name] = text
    if cell("category").strip():
        category_id = known.categories.get(fold(cell("category")))
        if category_id is None:
            near = get_close_matches(fold(cell("category")), known.categories, n=1, cutoff=LIKENESS)
            judged.refuse(
                meant.get("category"),
                cell("category"),
                say("There is no such category. Is it %(near)s?", near=near[0])
                if near
                else say("There is no such category."),
            )
        else:
            facts["category_id"] = category_id
    if cell("storage_class").strip():
        stored = STORAGE.get(fold(cell("storage_class")))
        if stored is None:
            judged.refuse(
                meant.get("storage_class"),
                cell("storage_class"),
                say("Write ambient, chilled, frozen, bulky or hazardous (szobahőmérséklet, hűtött, fagyasztott …)."),
            )
        else:
            facts["storage_class"] = stored
    readers: dict[str, tuple[str, Callable[[str], Any]]] = {
        "weight": ("weight_mg", lambda text: amounts.measure(text, amounts.WEIGHTS_MG, "g")),
        "volume": ("volume_ul", lambda text: amounts.measure(text, amounts.VOLUMES_UL, "ml")),
        "tracks_expiry": ("tracks_expiry", amounts.truth),
        "value": ("value_huf", amounts.forints),
    }
    for name, (least, most) in ITEM_NUMBERS.items():
        readers[name] = (name, lambda text, most=most: amounts.whole(text, most=most))  # type: ignore[misc]
        del least
    for name, (ours, read) in readers.items():
        value = _take(judged, meant, name, cell(name), read)
        if value is None:
            continue
        if (ours in ("weight_mg", "volume_ul", "value_huf") and value > MASS_MAX) or (
            name == "usual_quantity" and value < 1
        ):
            judged.refuse(meant.get(name), cell(name), say("“%(cell)s” is past its range.", cell=cell(name)[:60]))
        else:
            facts[ours] = value
    return facts


def _must_be_whole(judged: Judged, facts: Mapping[str, Any], meant: Mapping[str, str]) -> None:
    wanted = {"name_hu": "name_hu", "category_id": "category", "weight_mg": "weight", "volume_ul": "volume"}
    refused = {each["column"] for each in judged.wrong}
    labels = {each.name: each.label for each in columns.CATALOGUE}
    for fact, name in wanted.items():
        column = meant.get(name)
        if fact not in facts and (column is None or column not in refused):
            judged.refuse(column, "", say("A new item needs this too: %(field)s", field=labels[name]))


def _pack_of(
    judged: Judged, cell: Callable[[str], str], meant: Mapping[str, str], known: Known, there: KnownItem | None
) -> tuple[str, int] | None:
    """Return the barcode that the row teaches; None where there is none or it is known."""
    if not cell("gtin").strip():
        return None
    digits = _barcode(judged, cell("gtin").strip(), meant)
    quantity = _take(
        judged, meant, "pack_quantity", cell("pack_quantity") or "1", lambda text: amounts.whole(text, most=10**6)
    )
    if digits is None or quantity is None:
        return None
    if quantity < 1:
        judged.refuse(meant.get("pack_quantity"), cell("pack_quantity"), say("A pack holds at least one."))
        return None
    taken = known.packs.get(digits)
    if taken is None:
        return digits, quantity
    if there is None or taken[0] != there.id:
        judged.refuse(
            meant.get("gtin"), digits, say("The barcode belongs to %(item)s.", item=known.by_id[taken[0]].name_hu)
        )
    elif taken[1] != quantity:
        judged.refuse(
            meant.get("pack_quantity"),
            cell("pack_quantity"),
            say("The barcode is known with %(pack)s pieces.", pack=taken[1]),
        )
    return None


def _judge_repeats(rows: Iterable[Judged], meant: Mapping[str, str]) -> None:
    """A code may come again with another barcode, as long as it says the same of the item; a barcode comes once."""
    seen: dict[str, Judged] = {}
    packs: dict[str, tuple[int, str, int]] = {}
    for row in rows:
        if not row.values:
            continue
        first = seen.setdefault(row.values["code"], row)
        if first is not row:
            same = all(first.values["facts"].get(name) == value for name, value in row.values["facts"].items())
            if not same:
                row.refuse(
                    meant.get("code"),
                    row.values["code"],
                    say("The item stands in row %(line)s already, with other facts.", line=str(first.line)),
                )
            row.values = {**row.values, "facts": {}, "again": True}
        if row.values["pack"]:
            digits, quantity = row.values["pack"]
            known = packs.setdefault(digits, (row.line, row.values["code"], quantity))
            if known[0] != row.line:
                row.refuse(
                    meant.get("gtin"), digits, say("The barcode stands in row %(line)s already.", line=str(known[0]))
                )


# Telling ------------------------------------------------------------------------------------------------------------


def _told(rows: list[Judged], kind: str, with_rows: bool) -> Examined:
    wrong = [row for row in rows if row.wrong]
    good = [row for row in rows if not row.wrong]
    values = [row.values for row in good]
    figures: dict[str, Any] = {
        "rows": len(rows),
        "wrong": len(wrong),
        "odd": sum(1 for row in rows if row.odd),
        "mark": hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest(),
        "shown": [{**row.shown, "odd": [each.to_json() for each in row.odd]} for row in good[:SHOWN_ROWS]],
    }
    if kind == ImportKind.OPENING_STOCK:
        figures |= {
            "items": len({each["item_id"] for each in values}),
            "places": len({each["place_id"] for each in values}),
            "expired": sum(1 for row in good if row.odd),
        }
    else:
        figures |= {
            "new": sum(1 for row in good if row.shown["deed"] == "new" and not row.values.get("again")),
            "changed": sum(1 for row in good if row.shown["deed"] == "changed" and not row.values.get("again")),
            "packs": sum(1 for each in values if each["pack"]),
        }
    problems = [{"row": row.line, "cells": row.cells, "wrong": row.wrong} for row in wrong[:WRONG_ROWS_MAX]]
    return Examined(problems, figures, values if with_rows else [])


def plain(known: Known) -> dict[str, Any]:
    """Return what a file is held against as plain values, for tests that compare."""
    return asdict(known)
