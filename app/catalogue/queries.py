"""Reads of the catalogue. Everybody signed in may know what can be given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.catalogue.errors import NoSuchItem
from app.catalogue.gtin import normalised
from app.catalogue.models import Category, Item, Pack, Substitute
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.text import fold


def item(session: Session, item_id: int) -> Item:
    """Return an item with its category and packs."""
    statement = select(Item).where(Item.id == item_id).options(joinedload(Item.category), selectinload(Item.packs))
    found = session.scalar(statement)
    if found is None:
        raise NoSuchItem(item_id=item_id)
    return found


def plain_item(session: Session, item_id: int) -> Item:
    """Return an item alone."""
    found = session.get(Item, item_id)
    if found is None:
        raise NoSuchItem(item_id=item_id)
    return found


def items(session: Session, ids: Iterable[int] | None = None, *, retired: bool = False) -> list[Item]:
    """Return items in the order of their Hungarian names; retired ones only when named or asked for."""
    statement = select(Item).order_by(Item.name_hu_key, Item.id)
    if ids is not None:
        statement = statement.where(Item.id.in_(list(ids)))
    elif not retired:
        statement = statement.where(Item.retired_at.is_(None))
    return list(session.scalars(statement))


def items_by_id(session: Session, ids: Iterable[int]) -> dict[int, Item]:
    """Return items by their ids."""
    return {found.id: found for found in items(session, ids)}


def item_by_code(session: Session, code: str) -> Item:
    """Return the item of a code."""
    found = session.scalar(select(Item).where(Item.code == code))
    if found is None:
        raise NoSuchItem(code=code)
    return found


def pack_by_gtin(session: Session, gtin: str) -> Pack | None:
    """Return the pack of a barcode number, in any of its lengths."""
    digits = normalised(gtin)
    return session.scalar(select(Pack).where(Pack.gtin == digits).options(joinedload(Pack.item))) if digits else None


def categories(session: Session) -> list[Category]:
    """Return every category, parents before children."""
    return list(session.scalars(select(Category).order_by(Category.position, Category.id)))


def category_ids_below(session: Session, category_id: int) -> list[int]:
    """Return a category and everything below it."""
    every = categories(session)
    found = [category_id]
    for branch in every:
        if branch.parent_id in found and branch.id not in found:
            found.append(branch.id)
    return found


def substitutes_of(session: Session, item_ids: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
    """Return what may be given instead: item_id → [(substitute_id, percent of the quantity asked)]."""
    rows = session.execute(
        select(Substitute.item_id, Substitute.substitute_id, Substitute.quantity_percent)
        .where(Substitute.item_id.in_(list(item_ids)))
        .order_by(Substitute.item_id, Substitute.quantity_percent, Substitute.substitute_id)
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for item_id, substitute_id, percent in rows:
        found.setdefault(item_id, []).append((substitute_id, percent))
    return found


def substitute_items(session: Session, item_id: int) -> Sequence[tuple[Item, int]]:
    """Return what may be given instead of one item, as items, with their percents."""
    statement = (
        select(Item, Substitute.quantity_percent)
        .join(Substitute, Substitute.substitute_id == Item.id)
        .where(Substitute.item_id == item_id)
        .order_by(Item.name_hu_key)
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def matching(q: str | None = None, category_ids: Sequence[int] | None = None, *, retired: bool = False) -> Select[Item]:
    """Return the select of items whose name, code or barcode holds ``q``."""
    statement = select(Item)
    if not retired:
        statement = statement.where(Item.retired_at.is_(None))
    if category_ids:
        statement = statement.where(Item.category_id.in_(category_ids))
    key = fold(q) if q else ""
    if q and key:
        digits = normalised(q)
        conditions = [
            Item.name_hu_key.contains(key, autoescape=True),
            Item.name_en_key.contains(key, autoescape=True),
            Item.code.icontains(q.strip(), autoescape=True),
        ]
        if digits:
            conditions.append(Item.id.in_(select(Pack.item_id).where(Pack.gtin == digits)))
        statement = statement.where(or_(*conditions))
    return statement


def item_page(
    session: Session,
    *,
    q: str | None = None,
    category_id: int | None = None,
    retired: bool = False,
    language: str = "hu",
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[Item]:
    """Return one page of items by name."""
    ids = category_ids_below(session, category_id) if category_id else None
    statement = matching(q, ids, retired=retired).options(joinedload(Item.category))
    key = Item.name_en_key if language == "en" else Item.name_hu_key
    return page(session, statement, order=[key, Item.id], after=after, size=size)


def count_items(
    session: Session, *, q: str | None = None, category_id: int | None = None, retired: bool = False
) -> int:
    """Return how many items a list holds."""
    ids = category_ids_below(session, category_id) if category_id else None
    return session.scalar(select(func.count()).select_from(matching(q, ids, retired=retired).subquery())) or 0


def find_items(session: Session, text: str, *, language: str = "hu", limit: int = 10) -> list[Item]:
    """Return a few items for search as you type: those whose name begins so come first."""
    key = fold(text)
    column = Item.name_en_key if language == "en" else Item.name_hu_key
    statement = matching(text).order_by(column.startswith(key, autoescape=True).desc(), column, Item.id).limit(limit)
    return list(session.scalars(statement))
