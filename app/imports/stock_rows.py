"""A row of an opening stock: what, how much, where, until when. Pure."""

from __future__ import annotations

from difflib import get_close_matches

from app.foundation.text import fold, tidy
from app.foundation.words import Message, say
from app.imports import amounts
from app.imports.amounts import Measured
from app.imports.rows import LIKENESS, Cell, Judged, Known, KnownItem, Meant, barcode, take

CONDITIONS = {
    "uj": "new",
    "new": "new",
    "jo": "good",
    "good": "good",
    "hasznalt": "worn",
    "worn": "worn",
    "kopott": "worn",
}


def judge(judged: Judged, cell: Cell, meant: Meant, known: Known) -> None:
    """Judge a row of an opening stock."""
    item, pack_quantity = _find_item(judged, cell, meant, known)
    quantity = None
    if not cell("quantity").strip():
        judged.refuse(meant.get("quantity"), "", say("The quantity is missing."))
    elif item is not None:
        measured = Measured(
            item.base_unit, (item.unit_name_hu, item.unit_name_en), item.weight_mg, item.volume_ul, pack_quantity
        )
        quantity = take(
            judged, meant, "quantity", cell("quantity"), lambda text: amounts.quantity(text, cell("unit"), measured)
        )
    place_id = _find_place(judged, cell("place"), meant, known)
    expires_on = take(judged, meant, "expires_on", cell("expires_on"), amounts.day)
    if item is not None and item.tracks_expiry and not cell("expires_on").strip():
        judged.refuse(meant.get("expires_on"), "", say("%(item)s has an expiry: write the day.", item=item.name_hu))
    if expires_on is not None and expires_on < known.today:
        judged.odd.append(say("It has expired already; nobody can be given of it."))
    condition = CONDITIONS.get(fold(cell("condition")), "") if cell("condition").strip() else "new"
    if not condition:
        judged.refuse(meant.get("condition"), cell("condition"), say("Write új, jó or használt."))
    value = take(judged, meant, "value", cell("value"), amounts.forints)
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


def _find_item(judged: Judged, cell: Cell, meant: Meant, known: Known) -> tuple[KnownItem | None, int | None]:
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
        digits = barcode(judged, gtin, meant)
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


def _find_place(judged: Judged, written: str, meant: Meant, known: Known) -> int:
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
