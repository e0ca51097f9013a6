"""What is done in a stocktake: open, count blind, recount by somebody else, decide, approve and post, cancel.

Rights: counting is ``stock.operate``; opening, deciding, approving and cancelling is ``stocktakes.manage``. Who
counted anything in a stocktake does not approve it. Until a place is closed, nobody is told what the books hold there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import flag_modified

from app.accounts import queries as accounts
from app.catalogue import queries as catalogue
from app.foundation.bulk import insert_rows
from app.foundation.errors import Stale
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.stock import discrepancies, shortages
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.discrepancies import Adjustment
from app.stock.models import PlaceKind
from app.stock.operations import Contained, asked_about_late_entries
from app.stocktakes import counting, queries
from app.stocktakes.errors import (
    BeingCounted,
    CounterApproves,
    DateNeeded,
    DifferencesChanged,
    FirstCountClosed,
    FirstCountOpen,
    NoRecount,
    NoSuchLine,
    NothingToCount,
    NotInStocktake,
    NotToApprove,
    SameCounter,
    StillCounting,
    StocktakeOver,
    WhatWasCounted,
)
from app.stocktakes.models import Count, Deed, Stocktake, StocktakeLine, StocktakePlace, StocktakeState

if TYPE_CHECKING:
    from app.stock.models import Movement, Place, Review

REASONS = ("unbooked", "miscounted", "misplaced", "damaged", "spoiled", "stolen", "unknown")
"""Why a difference is accepted."""
TO_LOSS = frozenset({"damaged", "spoiled", "stolen"})
"""What is gone for these reasons is lost; all else may still turn up."""
RECORD_LINES_MAX = 3000


# Opening and ending -------------------------------------------------------------------------------------------------


def open_stocktake(
    uow: UnitOfWork,
    *,
    warehouse_id: int,
    place_ids: Iterable[int] = (),
    category_ids: Iterable[int] = (),
    note: str | None = None,
) -> Stocktake:
    """Open a stocktake of some places (with their bins and boxes), of some categories, or of a whole warehouse."""
    warehouse = stock_queries.warehouse(uow.session, uow.actor, warehouse_id)
    uow.actor.require_for("stocktakes.manage", warehouse=warehouse.id, county=warehouse.county_id)
    chosen, categories = sorted(set(place_ids)), sorted(set(category_ids))
    counted = (
        queries.places_below(uow.session, warehouse_id, chosen)
        if chosen
        else queries.all_places(uow.session, warehouse_id)
    )
    if not set(chosen) <= set(counted):
        raise NothingToCount
    if categories:
        counted = queries.places_holding(uow.session, counted, queries.categories_below(uow.session, categories))
    if not counted:
        raise NothingToCount
    _must_not_overlap(uow, counted, categories)
    made = Stocktake(
        warehouse_id=warehouse.id,
        county_id=warehouse.county_id,
        place_ids=counted if chosen else [],
        category_ids=categories,
        note=note,
        opened_at=uow.now,
        opened_by_id=uow.actor.id,
    )
    uow.session.add(made)
    uow.session.flush()
    insert_rows(
        uow.session, StocktakePlace, [{"stocktake_id": made.id, "place_id": each, "recount": False} for each in counted]
    )
    uow.record("stocktake.opened", subject=("stocktake", made.id), warehouse_id=warehouse.id, places=len(counted))
    return made


def open_for_review(uow: UnitOfWork, *, review: Review) -> Stocktake:
    """Open a stocktake of the place of a discrepancy, or return the one that counts it already."""
    if review.place_id is None:
        raise NothingToCount
    for _, running in queries.being_counted(uow.session, [review.place_id]):
        if not running.category_ids:
            return running
    return open_stocktake(uow, warehouse_id=review.warehouse_id, place_ids=[review.place_id])


def _must_not_overlap(uow: UnitOfWork, places: Sequence[int], categories: Sequence[int]) -> None:
    """Refuse what another stocktake counts already; different categories of one place do not meet."""
    # Two that open at once wait here for each other.
    uow.session.execute(text("SELECT pg_advisory_xact_lock(7302, 0)"))
    mine = queries.categories_below(uow.session, categories)
    for code, other in queries.being_counted(uow.session, places):
        theirs = queries.categories_below(uow.session, other.category_ids)
        if not mine or not theirs or mine & theirs:
            raise BeingCounted(place=code, stocktake=other.id)


def cancel(uow: UnitOfWork, *, stocktake_id: int, reason: str, version: int | None = None) -> Stocktake:
    """Give a stocktake up; its counts stay to be read, nothing is posted."""
    found = _for_change(uow, stocktake_id, version)
    if found.state not in queries.RUNNING:
        raise StocktakeOver(stocktake=found.id, state=found.state)
    found.state = StocktakeState.CANCELLED.value
    found.cancelled_at, found.cancel_reason = uow.now, reason
    uow.record("stocktake.cancelled", subject=("stocktake", found.id))
    uow.session.flush()
    return found


def _for_change(uow: UnitOfWork, stocktake_id: int, version: int | None) -> Stocktake:
    found = queries.stocktake_for(uow.session, uow.actor, stocktake_id, alone=True)
    uow.actor.require_for("stocktakes.manage", warehouse=found.warehouse_id, county=found.county_id)
    if version is not None and version != found.version:
        raise Stale(version=found.version)
    return found


# Counting -----------------------------------------------------------------------------------------------------------


def count(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    stocktake_id: int,
    place_id: int,
    quantity: int,
    round: int | None = None,
    lot_id: int | None = None,
    item_id: int | None = None,
    expires_on: date | None = None,
    batch: str | None = None,
    happened_at: datetime | None = None,
) -> Count:
    """Write down what was counted of a lot, or of an item, in a place; a newer count of the round replaces it."""
    before = queries.part(uow.session, stocktake_id, place_id)
    closed = before is not None and before.first_at is not None
    round = round or _round_of(uow, before, happened_at)
    found, place, part = _may_count(uow, stocktake_id, place_id, round, happened_at, closing=False, alone=closed)
    if lot_id is None and item_id is None:
        raise WhatWasCounted
    if lot_id is not None:
        lot = queries.lot_here(uow.session, lot_id, found.warehouse_id)
        item_id = lot.item_id
    item = catalogue.plain_item(uow.session, item_id or 0)
    if found.category_ids and item.category_id not in queries.categories_below(uow.session, found.category_ids):
        raise NotInStocktake(name=item.name_hu)
    if lot_id is None:
        lot_id = _lot_of(uow, found, place, item, expires_on, batch)
    row = _write(
        uow, found, place, operation_id, round, Deed.COUNTED, happened_at,
        lot_id=lot_id, item_id=item_id, expires_on=None if lot_id else expires_on, quantity=quantity,
    )  # fmt: skip
    if closed:
        _compare_places(uow, found, [part])
        _advance(uow, found)
    return row


def _lot_of(
    uow: UnitOfWork, found: Stocktake, place: Place, item: Any, expires_on: date | None, batch: str | None
) -> int | None:
    """Return the lot that what was counted must be; None where it may be several that lie there together."""
    wanted: dict[str, Any] = {"item_id": item.id, "warehouse_id": found.warehouse_id, "expires_on": expires_on}
    here = queries.lots_for(uow.session, **wanted, place_id=place.id, batch=batch)
    if len(here) == 1:
        return here[0].id
    if here:
        return None
    if item.tracks_expiry and expires_on is None:
        raise DateNeeded(item=item.name_hu)
    there = queries.lots_for(uow.session, **wanted, place_id=None, batch=batch)
    if there:
        return there[0].id
    opened = discrepancies.open_lot(
        uow,
        item_id=item.id,
        warehouse_id=found.warehouse_id,
        expires_on=expires_on,
        batch=batch,
        source=f"LEL-{found.id}",
    )
    return opened.id


def close_place(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    stocktake_id: int,
    place_id: int,
    round: int | None = None,
    empty: bool = False,
    happened_at: datetime | None = None,
) -> StocktakePlace:
    """Say that a place is counted: what was not counted in it is not there. ``empty``: nothing is."""
    round = round or _round_of(uow, queries.part(uow.session, stocktake_id, place_id), happened_at)
    found, place, part = _may_count(uow, stocktake_id, place_id, round, happened_at, closing=True, alone=True)
    if queries.count_of_operation(uow.session, operation_id) is not None:
        return part
    deed = Deed.EMPTY if empty else Deed.DONE
    row = _write(uow, found, place, operation_id, round, deed, happened_at)
    if round == 1:
        part.first_at, part.first_by_id = max(row.counted_at, part.first_at or row.counted_at), uow.actor.id
    else:
        part.second_at, part.second_by_id = max(row.counted_at, part.second_at or row.counted_at), uow.actor.id
    uow.session.flush()
    _compare_places(uow, found, [part])
    _advance(uow, found)
    return part


def _round_of(uow: UnitOfWork, part: StocktakePlace | None, happened_at: datetime | None) -> int:
    """Return which count of a place it is, where the device does not say: after the first is closed, the second."""
    if part is None or part.first_at is None or not part.recount:
        return 1
    counted_at = _when(uow, happened_at)
    return 1 if counted_at < part.first_at or (counted_at, uow.actor.id) == (part.first_at, part.first_by_id) else 2


def _may_count(
    uow: UnitOfWork,
    stocktake_id: int,
    place_id: int,
    round: int,
    happened_at: datetime | None,
    *,
    closing: bool,
    alone: bool,
) -> tuple[Stocktake, Place, StocktakePlace]:
    found = queries.stocktake_for(uow.session, uow.actor, stocktake_id, alone=alone)
    uow.actor.require_for("stock.operate", warehouse=found.warehouse_id, county=found.county_id)
    place = stock_queries.place(uow.session, place_id)
    if found.state not in queries.RUNNING:
        raise StocktakeOver(stocktake=found.id, state=found.state)
    part = queries.part(uow.session, found.id, place.id, lock=True) or _box_that_came(uow, found, place)
    counted_at = _when(uow, happened_at)
    if round == 1:
        over = found.counted_at is not None and counted_at > found.counted_at
        if over or (part.first_at is not None and (part.recount or closing) and counted_at > part.first_at):
            raise FirstCountClosed(place=place.code)
    else:
        if part.first_at is None:
            raise FirstCountOpen(place=place.code)
        if uow.actor.id in queries.counters(uow.session, found.id, place_id=place.id, round=1):
            raise SameCounter(place=place.code)
        if not part.recount or (part.second_at is not None and counted_at > part.second_at):
            raise NoRecount(place=place.code)
    return found, place, part


def _when(uow: UnitOfWork, happened_at: datetime | None) -> datetime:
    """Return when it was counted: by the device, but never after we learnt of it."""
    return min(happened_at or uow.now, uow.now)


def _box_that_came(uow: UnitOfWork, found: Stocktake, place: Place) -> StocktakePlace:
    """Let a box be counted that came to stand in the places of the stocktake since it was opened."""
    stands = place.kind == PlaceKind.BOX and place.warehouse_id == found.warehouse_id and place.root_id
    if not stands or queries.part(uow.session, found.id, place.root_id or 0) is None:
        raise NotInStocktake(name=place.code)
    statement = insert(StocktakePlace).values(stocktake_id=found.id, place_id=place.id, recount=False)
    uow.session.execute(statement.on_conflict_do_nothing(index_elements=["stocktake_id", "place_id"]))
    part = queries.part(uow.session, found.id, place.id, lock=True)
    assert part is not None, "it was just written"
    return part


def _write(
    uow: UnitOfWork,
    found: Stocktake,
    place: Place,
    operation_id: UUID,
    round: int,
    deed: Deed,
    happened_at: datetime | None,
    *,
    lot_id: int | None = None,
    item_id: int | None = None,
    expires_on: date | None = None,
    quantity: int = 0,
) -> Count:
    earlier = queries.count_of_operation(uow.session, operation_id)
    if earlier is not None:
        return earlier
    row = Count(
        operation_id=operation_id,
        stocktake_id=found.id,
        round=round,
        place_id=place.id,
        deed=deed.value,
        lot_id=lot_id,
        item_id=item_id,
        expires_on=expires_on,
        quantity=quantity,
        counted_at=_when(uow, happened_at),
        recorded_at=uow.now,
        counted_by_id=uow.actor.id,
        warehouse_id=found.warehouse_id,
        county_id=found.county_id,
    )
    uow.session.add(row)
    uow.session.flush()
    uow.record("stocktake.counted", subject=("stocktake", found.id), place_id=place.id, round=round, said=deed.value)
    return row


def complete(uow: UnitOfWork, *, stocktake_id: int, leave_out: bool = False, version: int | None = None) -> Stocktake:
    """Close the first count. Places that nobody counted are left out of the stocktake, if one says so."""
    found = _for_change(uow, stocktake_id, version)
    if found.state != StocktakeState.COUNTING:
        raise NotToApprove(state=found.state)
    parts = queries.parts(uow.session, found.id)
    waiting = [each for each in parts if each.first_at is None]
    if waiting and (not leave_out or len(waiting) == len(parts)):
        raise StillCounting(places=len(waiting))
    for each in waiting:
        uow.session.delete(each)
    uow.session.flush()
    if waiting:
        uow.record("stocktake.left_out", subject=("stocktake", found.id), places=len(waiting))
    _advance(uow, found)
    return found


def _advance(uow: UnitOfWork, found: Stocktake) -> None:
    """Go to the next step when all places allow it."""
    parts = queries.parts(uow.session, found.id)
    if any(each.first_at is None for each in parts):
        return
    if found.counted_at is None:
        found.counted_at = uow.now
    waiting = any(each.recount and each.second_at is None for each in parts)
    found.state = (StocktakeState.RECOUNTING if waiting else StocktakeState.TO_APPROVE).value
    uow.session.flush()


def _compare_places(uow: UnitOfWork, found: Stocktake, parts: Sequence[StocktakePlace]) -> None:
    """Mark the places whose first count differs from the books: somebody else counts them again."""
    lines = lines_of(uow, found, parts)
    for part in parts:
        if part.second_at is None:
            part.recount = any(line.recount for line in lines if line.place_id == part.place_id)
    uow.session.flush()


# Comparing ----------------------------------------------------------------------------------------------------------


def lines_of(uow: UnitOfWork, found: Stocktake, parts: Sequence[StocktakePlace] | None = None) -> list[counting.Line]:
    """Return what was expected and counted in the places whose first count is closed."""
    chosen = parts if parts is not None else queries.parts(uow.session, found.id)
    closed = [
        counting.Closed(each.place_id, each.first_at, each.second_at) for each in chosen if each.first_at is not None
    ]
    if not closed:
        return []
    places = [each.place_id for each in closed]
    counts = queries.counts(uow.session, found.id, places)
    moments = [each.counted_at for each in counts] + [each.first_at for each in closed]
    categories = queries.categories_below(uow.session, found.category_ids)
    booked = queries.booked(uow.session, places, categories)
    moved = discrepancies.moved_since(
        uow, lot_ids={each.lot_id for each in booked}, place_ids=places, since=min(moments)
    )
    decided = [
        counting.Chosen(each.place_id, each.lot_id, each.counted)
        for each in queries.choices(uow.session, found.id)
        if each.round == counting.CHOSEN
    ]
    return counting.compare(counts, closed, counting.Books(booked, _steps(moved, set(places))), decided)


def _steps(moved: Iterable[tuple[int, int, int, int, datetime]], places: set[int]) -> list[counting.Moved]:
    steps = []
    for lot_id, source, target, quantity, happened_at in moved:
        if source in places:
            steps.append(counting.Moved(lot_id, source, -quantity, happened_at))
        if target in places:
            steps.append(counting.Moved(lot_id, target, quantity, happened_at))
    return steps


def digest(lines: Iterable[counting.Line]) -> str:
    """Return the mark of what an approver has seen."""
    plain = "|".join(f"{each.place_id},{each.lot_id},{each.difference}" for each in lines if each.difference)
    return hashlib.sha256(plain.encode()).hexdigest()[:32]


def missing(lines: Iterable[counting.Line]) -> dict[tuple[int, int], int]:
    """Return how many pieces are missing of lots in places."""
    return {(each.lot_id, each.place_id): -each.difference for each in lines if each.difference < 0}


def recounted_lots(uow: UnitOfWork, found: Stocktake, part: StocktakePlace) -> set[int]:
    """Return which lots of a place are to be counted again; by how much they differ is not told."""
    return {line.lot_id for line in lines_of(uow, found, [part]) if line.recount or line.second is not None}


def decide(
    uow: UnitOfWork,
    *,
    stocktake_id: int,
    place_id: int,
    lot_id: int,
    reason: str,
    quantity: int | None = None,
    version: int | None = None,
) -> Stocktake:
    """Say why a difference is so, or choose a third quantity instead of both counts."""
    found = _for_change(uow, stocktake_id, version)
    if found.state not in queries.RUNNING:
        raise StocktakeOver(stocktake=found.id, state=found.state)
    part = queries.part(uow.session, found.id, place_id)
    line = next((each for each in lines_of(uow, found, [part] if part else []) if each.lot_id == lot_id), None)
    if part is None or line is None:
        raise NoSuchLine
    if quantity is not None and uow.actor.id in queries.counters(uow.session, found.id):
        raise CounterApproves
    written = {
        "expected": line.expected,
        "counted": line.counted if quantity is None else quantity,
        "counted_at": line.counted_at,
        "round": line.round if quantity is None else counting.CHOSEN,
        "reason": reason,
    }
    key = {"stocktake_id": found.id, "place_id": place_id, "lot_id": lot_id}
    statement = insert(StocktakeLine).values(**key, **written)
    uow.session.execute(
        statement.on_conflict_do_update(index_elements=["stocktake_id", "place_id", "lot_id"], set_=written)
    )
    if quantity is not None and part.recount and part.second_at is None:
        _compare_places(uow, found, [part])
        _advance(uow, found)
    uow.record(
        "stocktake.decided", subject=("stocktake", found.id), place_id=place_id, lot_id=lot_id, reason=reason,
        quantity=quantity,
    )  # fmt: skip
    # What the approver looks at is another now, so its version is.
    flag_modified(found, "note")
    uow.session.flush()
    return found


# Posting ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Short:
    """A difference that could not be posted whole: what is missing has been moved on."""

    line: counting.Line
    missing: int


def approve(
    uow: UnitOfWork, *, stocktake_id: int, operation_id: UUID, seen: str | None = None, version: int | None = None
) -> Stocktake:
    """Post the differences, number the record, close the stocktake. Sent twice, it is posted once.

    ``seen`` is the digest of the differences that were shown: others are not posted. Whoever was promised what is not
    there loses it, and is told; what has been moved on meanwhile waits among the discrepancies.
    """
    found = queries.stocktake_for(uow.session, uow.actor, stocktake_id, alone=True)
    uow.actor.require_for("stocktakes.manage", warehouse=found.warehouse_id, county=found.county_id)
    if found.state == StocktakeState.POSTED and found.approved_by_id == uow.actor.id:
        return found
    if version is not None and version != found.version:
        raise Stale(version=found.version)
    if found.state != StocktakeState.TO_APPROVE:
        raise NotToApprove(state=found.state)
    counters = queries.counters(uow.session, found.id)
    if uow.actor.id in counters:
        raise CounterApproves
    parts = queries.parts(uow.session, found.id)
    held = discrepancies.hold(uow, [(each.lot_id, each.place_id) for each in lines_of(uow, found, parts)])
    # Balances first, then this: who books late asks in the same order, so that they wait and never block each other.
    _lock_late_entries(uow, found.warehouse_id, alone=True)
    lines = lines_of(uow, found, parts)
    if seen is not None and digest(lines) != seen:
        raise DifferencesChanged
    reasons = {(each.place_id, each.lot_id): each.reason for each in queries.choices(uow.session, found.id)}
    lost = shortages.give_up(uow, missing(lines))
    if lost:
        held |= discrepancies.hold(uow, missing(lines))
    adjustments, shorts = _to_post(lines, reasons, held)
    movements = discrepancies.adjust(uow, operation_id=operation_id, adjustments=adjustments)
    posted = {(each.place_id, each.lot_id): row.id for each, row in zip(adjustments, movements, strict=True)}
    _store_lines(uow, found, lines, reasons, posted)
    _open_reviews(uow, found, shorts)
    content = _record(uow, found, lines, reasons, parts)
    voucher = stock.issue_voucher(
        uow, kind="stocktake", warehouse_id=found.warehouse_id, subject=("stocktake", found.id), content=content
    )
    found.state = StocktakeState.POSTED.value
    found.approved_at, found.approved_by_id, found.voucher_id = uow.now, uow.actor.id, voucher.id
    uow.record(
        "stocktake.posted", subject=("stocktake", found.id), lines=len(lines), differences=len(adjustments),
        short=len(shorts), promises_lost=len(lost), voucher_id=voucher.id,
    )  # fmt: skip
    uow.session.flush()
    return found


def promises_losing(uow: UnitOfWork, found: Stocktake) -> int:
    """Return how many shares of needs would lose something, were it posted now."""
    return shortages.families(shortages.foreseen(uow, missing(lines_of(uow, found))))


def _to_post(
    lines: Iterable[counting.Line], reasons: Mapping[counting.Key, str | None], held: Mapping[Any, Any]
) -> tuple[list[Adjustment], list[Short]]:
    adjustments, shorts = [], []
    for line in lines:
        reason = reasons.get((line.place_id, line.lot_id))
        balance = held.get((line.lot_id, line.place_id))
        free = max(0, balance.available) if balance is not None else 0
        quantity = line.difference if line.difference > 0 else -min(-line.difference, free)
        if quantity != line.difference:
            shorts.append(Short(line, quantity - line.difference))
        if quantity:
            loss = quantity < 0 and reason in TO_LOSS
            adjustments.append(
                Adjustment(line.lot_id, line.place_id, quantity, reason or "stocktake", line.counted_at, loss)
            )
    return adjustments, shorts


def _store_lines(
    uow: UnitOfWork,
    found: Stocktake,
    lines: Iterable[counting.Line],
    reasons: Mapping[counting.Key, str | None],
    posted: Mapping[counting.Key, int],
) -> None:
    uow.session.execute(
        delete(StocktakeLine).where(StocktakeLine.stocktake_id == found.id),
        execution_options={"synchronize_session": False},
    )
    insert_rows(
        uow.session,
        StocktakeLine,
        [
            {
                "stocktake_id": found.id,
                "place_id": line.place_id,
                "lot_id": line.lot_id,
                "expected": line.expected,
                "counted": line.counted,
                "counted_at": line.counted_at,
                "round": line.round,
                "reason": reasons.get((line.place_id, line.lot_id)),
                "movement_id": posted.get((line.place_id, line.lot_id)),
            }
            for line in lines
        ],
    )


def _open_reviews(uow: UnitOfWork, found: Stocktake, shorts: Iterable[Short]) -> None:
    for short in shorts:
        line = short.line
        discrepancies.open_review(
            uow,
            operation_id=uuid4(),
            kind="stocktake",
            outcome="rejected",
            payload={"stocktake_id": found.id, "lot_id": line.lot_id, "place_id": line.place_id},
            said=[
                say(
                    "The stocktake found %(missing)s too few, but they have been moved on meanwhile.",
                    missing=short.missing,
                )
            ],
            happened_at=line.counted_at,
            warehouse_id=found.warehouse_id,
            lot_id=line.lot_id,
            place_id=line.place_id,
            missing=short.missing,
        )


def _record(
    uow: UnitOfWork,
    found: Stocktake,
    lines: Sequence[counting.Line],
    reasons: Mapping[counting.Key, str | None],
    parts: Sequence[StocktakePlace],
) -> dict[str, Any]:
    """Return what the record shows, as it is now."""
    told = [each for each in lines if each.difference]
    if len(lines) <= RECORD_LINES_MAX:
        told = list(lines)
    facts = queries.facts_of(uow.session, [(each.place_id, each.lot_id) for each in lines])
    rows = queries.counts(uow.session, found.id)
    names = accounts.names_of(uow.session, {row.by for row in rows} | {uow.actor.id, found.opened_by_id})
    value = sum(each.difference * facts[each.place_id, each.lot_id].unit_value_huf for each in lines)
    return {
        "warehouse": stock_queries.warehouse(uow.session, uow.actor, found.warehouse_id).name,
        "opened_at": found.opened_at.isoformat(),
        "posted_at": uow.now.isoformat(),
        "opened_by": names.get(found.opened_by_id or 0, ""),
        "counted_by": sorted({names.get(row.by or 0, "") for row in rows if row.round == 1} - {""}),
        "recounted_by": sorted({names.get(row.by or 0, "") for row in rows if row.round == 2} - {""}),
        "approved_by": names.get(uow.actor.id or 0, uow.actor.name),
        "places": len(parts),
        "lines_in_all": len(lines),
        "value_huf": value,
        "lines": [
            {
                "place": facts[line.place_id, line.lot_id].place,
                "lot": f"L-{line.lot_id}",
                "item_hu": facts[line.place_id, line.lot_id].item.name_hu,
                "item_en": facts[line.place_id, line.lot_id].item.name_en,
                "unit_hu": facts[line.place_id, line.lot_id].item.unit_name_hu,
                "unit_en": facts[line.place_id, line.lot_id].item.unit_name_en,
                "expected": line.expected,
                "counted": line.counted,
                "round": line.round,
                "reason": reasons.get((line.place_id, line.lot_id)),
                "value_huf": line.difference * facts[line.place_id, line.lot_id].unit_value_huf,
            }
            for line in told
        ],
    }


# Late entries -------------------------------------------------------------------------------------------------------


def _lock_late_entries(uow: UnitOfWork, warehouse_id: int, *, alone: bool) -> None:
    """Let late bookings and a posting in one warehouse come one after the other."""
    name = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    uow.session.execute(text(f"SELECT {name}(7301, CAST(:key AS integer))"), {"key": warehouse_id % 2**31})


@asked_about_late_entries
def contained_already(uow: UnitOfWork, movements: Sequence[Movement]) -> Sequence[Contained]:
    """Say what of a late operation a posted stocktake had counted already: booked now, it is booked twice."""
    places = stock_queries.places_by_id(
        uow.session, {place for each in movements for place in (each.from_place_id, each.to_place_id)}
    )
    signed = [
        (place, each.lot_id, sign * each.quantity, each.happened_at)
        for each in movements
        for place, sign in ((each.from_place_id, -1), (each.to_place_id, 1))
        if places[place].guarded
    ]
    if not signed:
        return []
    for warehouse_id in sorted({places[place].warehouse_id for place, *_ in signed}):
        _lock_late_entries(uow, warehouse_id, alone=False)
    keys = sorted({(place, lot) for place, lot, *_ in signed})
    with uow.office("stocktakes"):
        covered = queries.covered(uow.session, keys, min(each[3] for each in signed))
    wrong = counting.contained(signed, {key: at for key, (_, at) in covered.items()})
    return [Contained(lot, place, quantity, covered[place, lot][0]) for (place, lot), quantity in sorted(wrong.items())]
