"""A row of a catalogue: a new item whole, a known one as far as cells are filled, and perhaps a barcode. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from app.foundation.text import fold, tidy
from app.foundation.words import say
from app.imports import amounts, columns
from app.imports.rows import LIKENESS, Cell, Judged, Known, KnownItem, Meant, barcode, take

STORAGE = {
    "ambient": "ambient", "szobahomerseklet": "ambient", "szaraz": "ambient", "normal": "ambient",
    "chilled": "chilled", "hutott": "chilled", "frozen": "frozen", "fagyasztott": "frozen",
    "melyhutott": "frozen", "bulky": "bulky", "terjedelmes": "bulky", "nagymeretu": "bulky",
    "hazardous": "hazardous", "veszelyes": "hazardous",
}  # fmt: skip
BASE_UNITS = {"piece": "piece", "db": "piece", "darab": "piece", "pcs": "piece", "g": "g", "gramm": "g", "ml": "ml",
              "milliliter": "ml"}  # fmt: skip
UNIT_NAMES = {"piece": ("db", "pcs"), "g": ("g", "g"), "ml": ("ml", "ml")}
ITEM_TEXTS = {"name_hu": 120, "name_en": 120, "unit_name_hu": 20, "unit_name_en": 20}
ITEM_NUMBERS = {
    "shelf_life_left_days_min": (0, 3650),
    "usual_quantity": (1, 10**6),
    "given_again_after_days": (0, 36_500),
}
MASS_MAX = 10**12


def judge(judged: Judged, cell: Cell, meant: Meant, known: Known) -> None:
    """Judge a row of a catalogue."""
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


def _facts_of(judged: Judged, cell: Cell, meant: Meant, known: Known) -> dict[str, Any]:
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
        value = take(judged, meant, name, cell(name), read)
        if value is None:
            continue
        if (ours in ("weight_mg", "volume_ul", "value_huf") and value > MASS_MAX) or (
            name == "usual_quantity" and value < 1
        ):
            judged.refuse(meant.get(name), cell(name), say("“%(cell)s” is past its range.", cell=cell(name)[:60]))
        else:
            facts[ours] = value
    return facts


def _must_be_whole(judged: Judged, facts: Mapping[str, Any], meant: Meant) -> None:
    wanted = {"name_hu": "name_hu", "category_id": "category", "weight_mg": "weight", "volume_ul": "volume"}
    refused = {each["column"] for each in judged.wrong}
    labels = {each.name: each.label for each in columns.CATALOGUE}
    for fact, name in wanted.items():
        column = meant.get(name)
        if fact not in facts and (column is None or column not in refused):
            judged.refuse(column, "", say("A new item needs this too: %(field)s", field=labels[name]))


def _pack_of(judged: Judged, cell: Cell, meant: Meant, known: Known, there: KnownItem | None) -> tuple[str, int] | None:
    """Return the barcode that the row teaches; None where there is none or it is known."""
    if not cell("gtin").strip():
        return None
    digits = barcode(judged, cell("gtin").strip(), meant)
    quantity = take(
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


def judge_repeats(rows: Iterable[Judged], meant: Meant) -> None:
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
