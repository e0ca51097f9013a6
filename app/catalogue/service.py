"""Changes of the catalogue: load ours, add and change items, retire them, learn barcodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app.catalogue import facts, queries
from app.catalogue.errors import (
    BarcodeTaken,
    BarcodeWrong,
    CatalogueChangedSince,
    CodeTaken,
    ItemRetired,
    NoSuchCategory,
)
from app.catalogue.gtin import normalised
from app.catalogue.models import Category, Item, Pack, Substitute
from app.foundation.bulk import among, insert_rows
from app.foundation.errors import Stale
from app.foundation.text import fold
from app.foundation.unit_of_work import UnitOfWork

CHANGEABLE = frozenset(
    {
        "category_id", "name_hu", "name_en", "unit_name_hu", "unit_name_en", "weight_mg", "volume_ul", "storage_class",
        "tracks_expiry", "shelf_life_left_days_min", "value_huf", "usual_quantity", "given_again_after_days",
        "health_related", "icon",
    }
)  # fmt: skip
"""The base unit is not among them: what is counted in pieces cannot become grams under the stock that exists."""


def load_catalogue(uow: UnitOfWork) -> int:
    """Add what is missing of the catalogue that comes with the house; return how many items that were.

    What people have changed stays.
    """
    uow.actor.require("catalogue.manage")
    session = uow.session
    ids: dict[str, int] = {row.code: row.id for row in session.execute(select(Category.code, Category.id))}
    for row in facts.categories():
        if row["code"] not in ids:
            parent = row.pop("parent")
            category = Category(**row, parent_id=ids[parent] if parent else None)
            session.add(category)
            session.flush()
            ids[category.code] = category.id
    items = [
        {
            **{name: value for name, value in row.items() if name != "category"},
            "category_id": ids[row["category"]],
            "name_hu_key": fold(row["name_hu"]),
            "name_en_key": fold(row["name_en"]),
            "version": 1,
        }
        for row in facts.items()
    ]
    added = session.scalars(insert(Item).on_conflict_do_nothing().returning(Item.id), items).all()
    item_ids: dict[str, int] = {row.code: row.id for row in session.execute(select(Item.code, Item.id))}
    packs = [
        {"item_id": item_ids[row["item"]], "gtin": row["gtin"], "quantity": row["quantity"], "learnt_at": uow.now}
        for row in facts.packs()
    ]
    session.execute(insert(Pack).on_conflict_do_nothing(), packs)
    substitutes = [
        {
            "item_id": item_ids[row["item"]],
            "substitute_id": item_ids[row["substitute"]],
            "quantity_percent": row["quantity_percent"],
        }
        for row in facts.substitutes()
    ]
    session.execute(insert(Substitute).on_conflict_do_nothing(), substitutes)
    if added:
        uow.record("catalogue.loaded", items=len(added))
    return len(added)


def create_item(uow: UnitOfWork, *, code: str, base_unit: str, **values: Any) -> Item:
    """Add an item; ``values`` are the fields named in CHANGEABLE."""
    uow.actor.require("catalogue.manage")
    assert set(values) <= CHANGEABLE, f"unknown fields: {set(values) - CHANGEABLE}"
    code = code.strip().upper()
    if uow.session.scalar(select(Item.id).where(Item.code == code)) is not None:
        raise CodeTaken(code=code)
    _must_be_a_category(uow, values["category_id"])
    item = Item(code=code, base_unit=base_unit, **values)
    item.name_hu_key, item.name_en_key = fold(item.name_hu), fold(item.name_en)
    uow.session.add(item)
    uow.session.flush()
    uow.record("item.created", subject=("item", item.id), code=item.code)
    return item


def change_item(uow: UnitOfWork, *, item_id: int, version: int, **changes: Any) -> Item:
    """Change an item that was read at ``version``."""
    uow.actor.require("catalogue.manage")
    assert set(changes) <= CHANGEABLE, f"unknown fields: {set(changes) - CHANGEABLE}"
    item = queries.item(uow.session, item_id)
    if item.version != version:
        raise Stale(version=item.version)
    if "category_id" in changes:
        _must_be_a_category(uow, changes["category_id"])
    changed = sorted(name for name, value in changes.items() if getattr(item, name) != value)
    for name in changed:
        setattr(item, name, changes[name])
    item.name_hu_key, item.name_en_key = fold(item.name_hu), fold(item.name_en)
    if changed:
        uow.record("item.changed", subject=("item", item.id), fields=changed)
    uow.session.flush()
    return item


def _must_be_a_category(uow: UnitOfWork, category_id: int) -> None:
    if uow.session.get(Category, category_id) is None:
        raise NoSuchCategory


def retire_item(uow: UnitOfWork, *, item_id: int) -> Item:
    """Give no more of an item; what lies on the shelves stays and can be handed out."""
    uow.actor.require("catalogue.manage")
    item = queries.item(uow.session, item_id)
    if item.retired_at is None:
        item.retired_at = uow.now
        uow.record("item.retired", subject=("item", item.id))
        uow.session.flush()
    return item


def bring_back_item(uow: UnitOfWork, *, item_id: int) -> Item:
    """Take a retired item into use again."""
    uow.actor.require("catalogue.manage")
    item = queries.item(uow.session, item_id)
    if item.retired_at is not None:
        item.retired_at = None
        uow.record("item.brought_back", subject=("item", item.id))
        uow.session.flush()
    return item


def learn_pack(uow: UnitOfWork, *, item_id: int, gtin: str, quantity: int) -> Pack:
    """Learn that a barcode holds ``quantity`` base units of an item. Learnt twice is learnt once."""
    if not uow.actor.may("catalogue.manage"):
        uow.actor.require("stock.operate")
    digits = normalised(gtin)
    if digits is None:
        raise BarcodeWrong(gtin=gtin)
    item = queries.item(uow.session, item_id)
    if item.retired_at is not None:
        raise ItemRetired(item=item.name_hu)
    known = queries.pack_by_gtin(uow.session, digits)
    if known is not None:
        if known.item_id == item_id and known.quantity == quantity:
            return known
        raise BarcodeTaken(gtin=digits, item=known.item.name_hu)
    pack = Pack(item_id=item_id, gtin=digits, quantity=quantity, learnt_at=uow.now)
    uow.session.add(pack)
    uow.session.flush()
    uow.record("pack.learnt", subject=("item", item_id), gtin=digits, quantity=quantity)
    return pack


def set_substitutes(uow: UnitOfWork, *, item_id: int, substitutes: list[tuple[int, int]]) -> None:
    """Say what may be given instead of an item: [(substitute_id, percent of the quantity asked)]."""
    uow.actor.require("catalogue.manage")
    queries.item(uow.session, item_id)
    known = queries.items_by_id(uow.session, [substitute_id for substitute_id, _ in substitutes])
    uow.session.execute(delete(Substitute).where(Substitute.item_id == item_id))
    for substitute_id, percent in dict(substitutes).items():
        if substitute_id in known and substitute_id != item_id:
            uow.session.add(Substitute(item_id=item_id, substitute_id=substitute_id, quantity_percent=percent))
    uow.record("item.substitutes", subject=("item", item_id), substitutes=len(substitutes))
    uow.session.flush()


# Many at once -------------------------------------------------------------------------------------------------------


def load_items(
    uow: UnitOfWork,
    *,
    new: Sequence[Mapping[str, Any]],
    changed: Mapping[int, tuple[int, Mapping[str, Any]]],
    packs: Sequence[tuple[str, str, int]],
) -> dict[str, Any]:
    """Add and change many items and barcodes: all of them, or none; return what was written, for ``unload_items``.

    ``new`` are whole items with their code and base unit, ``changed`` maps an item to the version that was read and
    its new facts, ``packs`` are (code of the item, GTIN, quantity).
    """
    uow.actor.require("catalogue.manage")
    session = uow.session
    icons = {category.id: category.icon for category in queries.categories(session)}
    rows = [
        {
            "storage_class": "ambient",
            "tracks_expiry": False,
            "shelf_life_left_days_min": 0,
            "value_huf": 0,
            "usual_quantity": 1,
            "given_again_after_days": None,
            "health_related": False,
            "icon": icons[item["category_id"]],
            **item,
            "name_hu_key": fold(item["name_hu"]),
            "name_en_key": fold(item["name_en"]),
            "version": 1,
        }
        for item in new
    ]
    created = insert_rows(session, Item, rows)
    before = [_change(session, item_id, *each) for item_id, each in _held(session, changed)]
    session.flush()
    for each in before:
        each["version"] = session.get_one(Item, each["id"]).version
    ids = {row.code: row.id for row in session.execute(select(Item.code, Item.id))} if packs else {}
    learnt = [
        {"item_id": ids[code], "gtin": gtin, "quantity": quantity, "learnt_at": uow.now}
        for code, gtin, quantity in packs
    ]
    pack_ids = insert_rows(session, Pack, learnt)
    uow.record("catalogue.imported", created=len(created), changed=len(before), packs=len(pack_ids))
    return {"created": created, "changed": before, "packs": pack_ids}


def _held(session: Any, changed: Mapping[int, Any]) -> list[tuple[int, tuple[Item, int, Mapping[str, Any]]]]:
    statement = select(Item).where(among(Item.id, changed)).order_by(Item.id).with_for_update()
    items = session.scalars(statement.execution_options(populate_existing=True)).all()
    return [(item.id, (item, *changed[item.id])) for item in items]


def _change(session: Any, item_id: int, item: Item, version: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    assert set(facts) <= CHANGEABLE, f"unknown fields: {set(facts) - CHANGEABLE}"
    if item.version != version:
        raise Stale(version=item.version)
    before = {name: getattr(item, name) for name in facts}
    for name, value in facts.items():
        setattr(item, name, value)
    item.name_hu_key, item.name_en_key = fold(item.name_hu), fold(item.name_en)
    return {"id": item_id, "before": before}


def unload_items(uow: UnitOfWork, *, made: Mapping[str, Any]) -> None:
    """Make the catalogue what it was before ``load_items``; refused where somebody changed or uses it since."""
    uow.actor.require("catalogue.manage")
    session = uow.session
    wanted = {each["id"]: each["version"] for each in made["changed"]} | dict.fromkeys(made["created"], 1)
    statement = select(Item).where(among(Item.id, wanted)).order_by(Item.id).with_for_update()
    items = {item.id: item for item in session.scalars(statement.execution_options(populate_existing=True))}
    moved = [item.code for item_id, item in items.items() if item.version != wanted[item_id] or item.retired_at]
    if moved:
        raise CatalogueChangedSince(codes=moved)
    session.execute(delete(Pack).where(among(Pack.id, made["packs"])), execution_options={"synchronize_session": False})
    for each in made["changed"]:
        item = items[each["id"]]
        for name, value in each["before"].items():
            setattr(item, name, value)
        item.name_hu_key, item.name_en_key = fold(item.name_hu), fold(item.name_en)
    session.flush()
    _delete(session, made["created"], {item_id: item.code for item_id, item in items.items()})
    session.expire_all()
    uow.record("catalogue.unloaded", created=len(made["created"]), changed=len(made["changed"]))


USED_NAMED_MAX = 10


def _delete(session: Any, item_ids: Sequence[int], codes: Mapping[int, str]) -> None:
    """Delete items that nothing refers to; name some of those that are in use."""
    gone = {"execution_options": {"synchronize_session": False}}
    try:
        with session.begin_nested():
            session.execute(delete(Item).where(among(Item.id, item_ids)), **gone)
        return
    except IntegrityError:
        used: list[str] = []
    for item_id in item_ids:
        try:
            with session.begin_nested():
                session.execute(delete(Item).where(Item.id == item_id), **gone)
        except IntegrityError:
            used.append(codes[item_id])
        if len(used) == USED_NAMED_MAX:
            break
    raise CatalogueChangedSince(codes=used, used=True)
