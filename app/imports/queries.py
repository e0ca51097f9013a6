"""Reads of imports, and of what a file is held against."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, defer

from app.catalogue import queries as catalogue
from app.catalogue.models import Item, Pack
from app.catalogue.service import CHANGEABLE
from app.foundation.actor import Actor
from app.foundation.clock import HOME
from app.foundation.job import Job
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.scope import visible
from app.foundation.text import fold
from app.imports.errors import NoSuchImport
from app.imports.models import Import, ImportKind, ImportState
from app.imports.rows import Known, KnownItem
from app.stock.models import Place, PlaceKind

SUBJECT = "data_import"
STANDING = (PlaceKind.SHELF, PlaceKind.DOCK, PlaceKind.QUARANTINE, PlaceKind.STAGING)
"""Places where an opening stock may lie."""


def readable(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that leaves the imports an actor may see: their warehouse's, or those of the catalogue."""
    return or_(
        and_(visible(actor, "stock.import", Import), Import.kind == ImportKind.OPENING_STOCK),
        and_(visible(actor, "catalogue.manage", Import), Import.kind == ImportKind.CATALOGUE),
    )


def imports(session: Session, actor: Actor, *, after: str | None = None, size: int = PAGE_SIZE) -> Page[Import]:
    """Return a page of imports, newest first, without their files."""
    statement = (
        select(Import)
        .where(readable(actor))
        .options(defer(Import.content), defer(Import.problems), defer(Import.made), defer(Import.mapping))
    )
    return page(session, statement, order=[Import.id.expression], after=after, size=size, descending=True)


def data_import(session: Session, actor: Actor, import_id: int, *, for_change: bool = False) -> Import:
    """Return an import, locked if it is about to change."""
    statement = select(Import).where(Import.id == import_id, readable(actor)).options(defer(Import.content))
    if for_change:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(statement)
    if found is None:
        raise NoSuchImport
    return found


def content(session: Session, import_id: int) -> bytes | None:
    """Return an import's file, if it is still kept."""
    return session.scalar(select(Import.content).where(Import.id == import_id))


def loaded_before(session: Session, upload: Import) -> Import | None:
    """Return an import of the same file, and sheet of it, into the same warehouse that is loaded already."""
    statement = (
        select(Import)
        .where(
            Import.content_hash == upload.content_hash,
            Import.kind == upload.kind,
            Import.mapping["sheet"].astext.is_not_distinct_from(upload.mapping.get("sheet")),
            Import.warehouse_id.is_not_distinct_from(upload.warehouse_id),
            Import.state == ImportState.LOADED,
            Import.id != upload.id,
        )
        .options(defer(Import.content), defer(Import.problems), defer(Import.made))
        .order_by(Import.id.desc())
        .limit(1)
    )
    return session.scalar(statement)


def uploaded_lately(session: Session, user_id: int | None, since: datetime) -> int:
    """Return how many files somebody uploaded since a time."""
    statement = select(func.count()).where(Import.uploaded_by_id == user_id, Import.uploaded_at > since)
    return session.scalar(statement) or 0


def remembered(session: Session, kind: str, shape: str) -> dict[str, str] | None:
    """Return how a person mapped the columns of the last file of this shape."""
    statement = (
        select(Import.mapping["fields"])
        .where(
            Import.kind == kind,
            Import.mapping["shape"].astext == shape,
            Import.state.in_((ImportState.PREVIEWED, ImportState.LOADED, ImportState.LOADING, ImportState.REVERSED)),
        )
        .order_by(Import.id.desc())
        .limit(1)
    )
    found = session.scalar(statement)
    return dict(found) if found else None


def job_of(session: Session, import_id: int) -> Job | None:
    """Return the newest job that works, or worked, on an import."""
    statement = select(Job).where(Job.subject_kind == SUBJECT, Job.subject_id == import_id)
    return session.scalar(statement.order_by(Job.id.desc()).limit(1))


def old_files(session: Session, before: datetime, most: int = 200) -> list[int]:
    """Return imports whose file is kept longer than it is needed."""
    statement = select(Import.id).where(Import.content.is_not(None), Import.uploaded_at < before).limit(most)
    return list(session.scalars(statement))


def known(session: Session, upload: Import, now: datetime) -> Known:
    """Return what a file is held against: the catalogue, and for an opening stock the warehouse's places."""
    items = tuple(
        KnownItem(
            id=item.id,
            code=item.code,
            name_hu=item.name_hu,
            name_en=item.name_en,
            base_unit=item.base_unit,
            unit_name_hu=item.unit_name_hu,
            unit_name_en=item.unit_name_en,
            weight_mg=item.weight_mg,
            volume_ul=item.volume_ul,
            tracks_expiry=item.tracks_expiry,
            retired=item.retired_at is not None,
            version=item.version,
            facts={name: getattr(item, name) for name in CHANGEABLE} if upload.kind == ImportKind.CATALOGUE else {},
        )
        for item in session.scalars(select(Item).order_by(Item.id))
    )
    packs = {
        gtin: (item_id, quantity)
        for gtin, item_id, quantity in session.execute(select(Pack.gtin, Pack.item_id, Pack.quantity))
    }
    today = now.astimezone(HOME).date()
    if upload.kind == ImportKind.CATALOGUE:
        categories = {
            fold(written): category.id
            for category in catalogue.categories(session)
            for written in (category.name_en, category.name_hu, category.code)
        }
        return Known(today, items, packs, categories=categories)
    places = session.execute(
        select(Place.id, Place.code, Place.kind, Place.retired_at).where(
            Place.warehouse_id == upload.warehouse_id, Place.kind.in_(STANDING)
        )
    ).all()
    dock_id = next(row.id for row in places if row.kind == PlaceKind.DOCK)
    return Known(
        today,
        items,
        packs,
        places={fold(row.code): (row.id, row.retired_at is None) for row in places},
        dock_id=dock_id,
    )
