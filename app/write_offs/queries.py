"""Reads of write-offs, of what lies in quarantine and why, and of what expires."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload, selectinload

from app.accounts import queries as accounts
from app.catalogue.models import Item
from app.foundation.actor import Actor
from app.foundation.journal import JournalEntry
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.scope import visible
from app.foundation.text import fold
from app.stock.models import (
    Balance,
    Lot,
    LotState,
    Movement,
    Place,
    PlaceKind,
    Reservation,
    ReservationState,
    Voucher,
    Warehouse,
)
from app.write_offs.errors import NoSuchPicture, NoSuchWriteOff
from app.write_offs.models import WriteOff, WriteOffLine, WriteOffPhoto, WriteOffState

SOON_DAYS = 30
PURPOSE = "write_off"
Key = tuple[int, int]
"""A lot and a place."""
ROOT = aliased(Place, name="root_place")


# Write-offs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WriteOffRow:
    """A write-off in a list."""

    write_off: WriteOff
    warehouse: str
    lines: int
    items_hu: str
    items_en: str
    """The first few items by name."""
    weight_g: int
    photos: int
    voucher: str | None
    proposer: str | None


def write_off(session: Session, actor: Actor, write_off_id: int, *, locked: bool = False) -> WriteOff:
    """Return a write-off that the actor may see; ``locked`` against whoever else would decide it."""
    statement = select(WriteOff).where(WriteOff.id == write_off_id, visible(actor, "stock.read", WriteOff))
    statement = statement.options(selectinload(WriteOff.lines))
    if locked:
        statement = statement.with_for_update(of=WriteOff).execution_options(populate_existing=True)
    found = session.scalar(statement)
    if found is None:
        raise NoSuchWriteOff(write_off_id=write_off_id)
    return found


def of_operation(session: Session, operation_id: UUID) -> WriteOff | None:
    """Return what was proposed by an operation before."""
    return session.scalar(select(WriteOff).where(WriteOff.operation_id == operation_id))


def holding(session: Session, movement_id: int) -> WriteOff | None:
    """Return the posted write-off to which a movement belongs."""
    statement = select(WriteOff).join(WriteOff.lines).where(WriteOffLine.movement_id == movement_id)
    return session.scalar(statement.where(WriteOff.state == WriteOffState.POSTED))


def write_off_page(
    session: Session,
    actor: Actor,
    *,
    state: str | None = None,
    warehouse_id: int | None = None,
    reason: str | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[WriteOffRow]:
    """Return one page of write-offs, the newest first: "proposed", "decided" (all others), or one state."""
    statement = select(WriteOff).where(visible(actor, "stock.read", WriteOff))
    if state == "decided":
        statement = statement.where(WriteOff.state != WriteOffState.PROPOSED)
    elif state:
        statement = statement.where(WriteOff.state == state)
    if warehouse_id is not None:
        statement = statement.where(WriteOff.warehouse_id == warehouse_id)
    if reason:
        statement = statement.where(WriteOff.reason == reason)
    found = page(session, statement, order=[WriteOff.id], after=after, size=size, descending=True)
    return Page(_rows(session, found.rows), found.next_after)


def _rows(session: Session, found: Sequence[WriteOff]) -> list[WriteOffRow]:
    ids = [each.id for each in found]
    lines = {
        row[0]: row
        for row in session.execute(
            select(
                WriteOffLine.write_off_id,
                func.count(),
                func.array_agg(Item.name_hu.distinct()),
                func.array_agg(Item.name_en.distinct()),
                func.sum(WriteOffLine.quantity * Item.weight_mg) / 1000,
            )
            .join(Lot, Lot.id == WriteOffLine.lot_id)
            .join(Item, Item.id == Lot.item_id)
            .where(WriteOffLine.write_off_id.in_(ids))
            .group_by(WriteOffLine.write_off_id)
        )
    }
    counted = select(WriteOffPhoto.write_off_id, func.count()).where(WriteOffPhoto.write_off_id.in_(ids))
    photos = {row[0]: row[1] for row in session.execute(counted.group_by(WriteOffPhoto.write_off_id))}
    homes = {row[0]: row[1] for row in session.execute(select(Warehouse.id, Warehouse.name))}
    vouchers = voucher_codes(session, [each.voucher_id for each in found])
    names = accounts.names_of(session, [each.proposed_by_id for each in found])
    return [
        WriteOffRow(
            write_off=each,
            warehouse=homes.get(each.warehouse_id, ""),
            lines=int(lines[each.id][1]) if each.id in lines else 0,
            items_hu=_few(lines[each.id][2]) if each.id in lines else "",
            items_en=_few(lines[each.id][3]) if each.id in lines else "",
            weight_g=int(lines[each.id][4]) if each.id in lines else 0,
            photos=photos.get(each.id, 0),
            voucher=vouchers.get(each.voucher_id or 0),
            proposer=names.get(each.proposed_by_id or 0),
        )
        for each in found
    ]


def _few(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")


def voucher_codes(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """Return the numbers of vouchers by their ids."""
    wanted = [each for each in ids if each]
    if not wanted:
        return {}
    return {row[0]: row[1] for row in session.execute(select(Voucher.id, Voucher.code).where(Voucher.id.in_(wanted)))}


def voucher(session: Session, actor: Actor, found: WriteOff) -> Voucher | None:
    """Return the record of a write-off."""
    if found.voucher_id is None:
        return None
    return session.scalar(select(Voucher).where(Voucher.id == found.voucher_id, visible(actor, "stock.read", Voucher)))


@dataclass(frozen=True)
class LineRow:
    """A line of a write-off with what a reader wants to know about it."""

    line: WriteOffLine
    lot: Lot
    item: Item
    place: Place
    reserved: bool
    """Nobody else can take it."""

    @property
    def value(self) -> int:
        """Return its value in hundredths of a forint."""
        unit = self.item.value_huf if self.lot.unit_value_huf is None else self.lot.unit_value_huf
        return unit * self.line.quantity


def lines_of(session: Session, write_off_id: int) -> list[LineRow]:
    """Return the lines of a write-off, in order."""
    statement = (
        select(WriteOffLine, Lot, Item, Place, Reservation.state)
        .join(Lot, Lot.id == WriteOffLine.lot_id)
        .join(Item, Item.id == Lot.item_id)
        .join(Place, Place.id == WriteOffLine.place_id)
        .outerjoin(Reservation, Reservation.id == WriteOffLine.reservation_id)
        .options(joinedload(Place.root))
        .where(WriteOffLine.write_off_id == write_off_id)
        .order_by(WriteOffLine.id)
    )
    return [LineRow(*row[:4], row[4] == ReservationState.PENDING) for row in session.execute(statement)]


def photo_ids(session: Session, write_off_id: int) -> list[int]:
    """Return the pictures of a write-off, the oldest first."""
    statement = select(WriteOffPhoto.id).where(WriteOffPhoto.write_off_id == write_off_id).order_by(WriteOffPhoto.id)
    return list(session.scalars(statement))


def photo(session: Session, actor: Actor, photo_id: int) -> WriteOffPhoto:
    """Return a picture of goods that the actor may see."""
    found = session.scalar(
        select(WriteOffPhoto)
        .join(WriteOff, WriteOff.id == WriteOffPhoto.write_off_id)
        .where(WriteOffPhoto.id == photo_id, visible(actor, "stock.read", WriteOff))
    )
    if found is None:
        raise NoSuchPicture(photo_id=photo_id)
    return found


def same_photo(session: Session, write_off_id: int, jpeg: bytes) -> WriteOffPhoto | None:
    """Return the picture that is the same to the last byte."""
    return session.scalar(
        select(WriteOffPhoto).where(WriteOffPhoto.write_off_id == write_off_id, WriteOffPhoto.jpeg == jpeg)
    )


def pending(session: Session, reservation_ids: Iterable[int | None]) -> set[int]:
    """Return which of the reservations still hold."""
    wanted = [each for each in reservation_ids if each]
    statement = select(Reservation.id).where(Reservation.id.in_(wanted), Reservation.state == ReservationState.PENDING)
    return set(session.scalars(statement)) if wanted else set()


# What lies where ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """What a place holds of a lot."""

    balance: Balance
    lot: Lot
    place: Place
    item: Item
    why: str | None = None
    """The reason with which it was put there, or its lot was blocked."""
    since: datetime | None = None
    by: str | None = None
    proposed_in: int | None = None
    """The write-off that has spoken for some of it."""
    proposed: int = 0

    @property
    def blocked(self) -> bool:
        """Tell whether the whole lot is blocked, wherever it lies."""
        return self.lot.state == LotState.BLOCKED


def _held(actor: Actor) -> Any:
    return (
        select(Balance, Lot, Place, Item)
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Place, Place.id == Balance.place_id)
        .outerjoin(ROOT, ROOT.id == Place.root_id)
        .join(Item, Item.id == Balance.item_id)
        .options(contains_eager(Place.root.of_type(ROOT)))
        .where(visible(actor, "stock.read", Balance), Balance.stocked)
    )


_IN_QUARANTINE: ColumnElement[bool] = or_(
    Place.kind == PlaceKind.QUARANTINE, ROOT.kind == PlaceKind.QUARANTINE, Lot.state != LotState.FREE
)
_NOT_ON_THE_ROAD: ColumnElement[bool] = and_(
    Place.kind != PlaceKind.VEHICLE, func.coalesce(ROOT.kind, "") != PlaceKind.VEHICLE
)


def held(session: Session, actor: Actor, keys: Iterable[Key]) -> dict[Key, Held]:
    """Return what some places hold of some lots; what the actor may not see is missing."""
    wanted = list(keys)
    if not wanted:
        return {}
    statement = _held(actor).where(tuple_(Balance.lot_id, Balance.place_id).in_(wanted))
    statement = statement.execution_options(populate_existing=True)
    return {(row[0].lot_id, row[0].place_id): Held(*row) for row in session.execute(statement)}


def held_of_lot(session: Session, actor: Actor, lot_id: int) -> list[Held]:
    """Return where a lot lies."""
    statement = _held(actor).where(Balance.lot_id == lot_id).order_by(Place.code)
    return [Held(*row) for row in session.execute(statement)]


def expired_in(session: Session, actor: Actor, warehouse_id: int, today: date, *, most: int) -> list[Balance]:
    """Return what has expired in a warehouse and nobody has spoken for, not what is on the road."""
    statement = (
        _held(actor)
        .where(
            Balance.warehouse_id == warehouse_id,
            Balance.expires_on < today,
            Balance.on_hand > Balance.reserved,
            _NOT_ON_THE_ROAD,
        )
        .order_by(Balance.expires_on, Balance.id)
        .limit(most)
    )
    return list(session.scalars(statement))


def expiring_page(
    session: Session,
    actor: Actor,
    today: date,
    *,
    warehouse_id: int | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[Held]:
    """Return one page of what has expired or soon will, the first to expire first."""
    statement = _held(actor).where(Balance.expires_on <= today + timedelta(days=SOON_DAYS), _NOT_ON_THE_ROAD)
    return _held_page(session, statement, warehouse_id, after, size, why=False)


def quarantine_page(
    session: Session,
    actor: Actor,
    *,
    warehouse_id: int | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[Held]:
    """Return one page of what lies in quarantine or is blocked: why, since when, and who put it there."""
    return _held_page(session, _held(actor).where(_IN_QUARANTINE), warehouse_id, after, size, why=True)


def _held_page(
    session: Session, statement: Select[Any], warehouse_id: int | None, after: str | None, size: int, *, why: bool
) -> Page[Held]:
    if warehouse_id is not None:
        statement = statement.where(Balance.warehouse_id == warehouse_id)
    found = page(session, statement, order=[Balance.expires_on, Balance.id], after=after, size=size)
    keys = [(row[0].lot_id, row[0].place_id) for row in found.rows]
    spoken = _proposed(session, keys)
    moved = _last_moves(session, keys) if why else {}
    judged = _last_judgements(session, {key[0] for key in keys}) if why else {}
    names = accounts.names_of(session, [row[3] for row in (*moved.values(), *judged.values())]) if why else {}
    rows = []
    for row in found.rows:
        key = (row[0].lot_id, row[0].place_id)
        told = judged.get(key[0]) if row[1].state != LotState.FREE else None
        told = told or moved.get(key)
        rows.append(
            Held(
                row[0],
                row[1],
                row[2],
                row[3],
                why=told[1] if told else None,
                since=told[2] if told else row[1].received_at,
                by=names.get(told[3] or 0) if told else None,
                proposed_in=spoken.get(key, (None, 0))[0],
                proposed=spoken.get(key, (None, 0))[1],
            )
        )
    return Page(rows, found.next_after)


def _proposed(session: Session, keys: Sequence[Key]) -> dict[Key, tuple[int, int]]:
    """Return which write-off has spoken for how much: (its number, the quantity)."""
    if not keys:
        return {}
    statement = (
        select(
            Reservation.lot_id,
            Reservation.place_id,
            func.max(Reservation.purpose_id),
            func.sum(Reservation.quantity),
        )
        .where(
            Reservation.purpose_kind == PURPOSE,
            Reservation.state == ReservationState.PENDING,
            tuple_(Reservation.lot_id, Reservation.place_id).in_(keys),
        )
        .group_by(Reservation.lot_id, Reservation.place_id)
    )
    return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in session.execute(statement)}


def _last_moves(session: Session, keys: Sequence[Key]) -> dict[Key, tuple[Any, ...]]:
    """Return the last movement of each lot into its place: (key, reason, when, who)."""
    if not keys:
        return {}
    statement = (
        select(Movement.lot_id, Movement.to_place_id, Movement.reason, Movement.happened_at, Movement.actor_id)
        .ext(distinct_on(Movement.lot_id, Movement.to_place_id))
        .where(tuple_(Movement.lot_id, Movement.to_place_id).in_(keys))
        .order_by(Movement.lot_id, Movement.to_place_id, Movement.id.desc())
    )
    return {(row[0], row[1]): ((row[0], row[1]), *row[2:]) for row in session.execute(statement)}


def _last_judgements(session: Session, lot_ids: Iterable[int]) -> dict[int, tuple[Any, ...]]:
    """Return who blocked each lot last, and why: (lot, reason, when, who)."""
    ids = list(lot_ids)
    if not ids:
        return {}
    statement = (
        select(JournalEntry.subject_id, JournalEntry.details, JournalEntry.at, JournalEntry.actor_id)
        .ext(distinct_on(JournalEntry.subject_id))
        .where(JournalEntry.subject_kind == "lot", JournalEntry.subject_id.in_(ids), JournalEntry.deed == "lot.state")
        .order_by(JournalEntry.subject_id, JournalEntry.id.desc())
    )
    return {row[0]: (row[0], row[1].get("reason"), row[2], row[3]) for row in session.execute(statement)}


@dataclass(frozen=True)
class Totals:
    """What waits in each part of the page."""

    proposed: int
    quarantine: int
    expired: int
    """Lots in places that have expired and that nobody has spoken for."""
    expiring: int
    """Expired or soon to expire."""


def totals(session: Session, actor: Actor, today: date, warehouse_id: int | None = None) -> Totals:
    """Count what waits: proposals in one statement, places in another."""
    proposals = select(func.count()).where(
        visible(actor, "stock.read", WriteOff), WriteOff.state == WriteOffState.PROPOSED
    )
    lying = _held(actor).with_only_columns(
        func.count().filter(_IN_QUARANTINE),
        func.count().filter(and_(Balance.expires_on < today, Balance.on_hand > Balance.reserved, _NOT_ON_THE_ROAD)),
        func.count().filter(and_(Balance.expires_on <= today + timedelta(days=SOON_DAYS), _NOT_ON_THE_ROAD)),
        maintain_column_froms=True,
    )
    if warehouse_id is not None:
        proposals = proposals.where(WriteOff.warehouse_id == warehouse_id)
        lying = lying.where(Balance.warehouse_id == warehouse_id)
    row = session.execute(lying).one()
    return Totals(session.scalar(proposals) or 0, int(row[0]), int(row[1]), int(row[2]))


def lots_of_batch(session: Session, actor: Actor, item_id: int, batch: str) -> list[Lot]:
    """Return the lots of an item with the maker's mark, however it was typed, that lie where the actor sees."""
    here = (
        select(Balance.lot_id)
        .where(Balance.item_id == item_id, Balance.stocked)
        .where(visible(actor, "stock.read", Balance))
    )
    statement = select(Lot).where(Lot.item_id == item_id, Lot.batch.is_not(None), Lot.id.in_(here)).order_by(Lot.id)
    wanted = _mark(batch)
    return [lot for lot in session.scalars(statement) if _mark(lot.batch or "") == wanted]


def _mark(batch: str) -> str:
    return "".join(letter for letter in fold(batch) if letter.isalnum())


def held_with(session: Session, rows: Sequence[Held]) -> list[Held]:
    """Return the rows of which something is left to propose: what is promised to others may be, once."""
    spoken = _proposed(session, [(row.balance.lot_id, row.balance.place_id) for row in rows])
    return [row for row in rows if row.balance.on_hand > spoken.get((row.lot.id, row.place.id), (None, 0))[1]]


def moved_before(session: Session, operation_id: UUID) -> Movement | None:
    """Return what an operation moved, if it was sent before."""
    statement = select(Movement).where(Movement.operation_id == operation_id).order_by(Movement.line).limit(1)
    return session.scalar(statement)
