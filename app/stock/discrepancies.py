"""What a person must look at (eltérés): what a phone saw and the books did not. Nothing is dropped, nothing negative.

Review: one such thing, open until somebody says what was so.  Adjustment: the books are brought to what is there,
against the place of discrepancies (or loss): found pieces come out of it, missing ones go into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from app.foundation.actor import Actor, Scope
from app.foundation.bulk import among
from app.foundation.errors import NotAllowed
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message
from app.stock import ledger, queries, shortages
from app.stock.errors import NoteNeeded, ReviewResolved, WhereNeeded
from app.stock.ledger import Held, Line
from app.stock.models import Kind, Lot, Movement, Place, PlaceKind, Review, ReviewState, Warehouse

PLACES = ("place_id", "from_place_id", "to_place_id")
CODES = ("place", "from_place", "to_place")
RESOLUTIONS = ("found", "lost", "contained", "again", "counted", "nothing")
"""found: booked in.  lost: booked out.  contained: a stocktake had it already, the opposite was booked.  again: done
now.  counted: a stocktake of the place decides.  nothing: the books are right."""


# Opening ------------------------------------------------------------------------------------------------------------


def open_review(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    kind: str,
    outcome: str,
    payload: Mapping[str, Any],
    said: Sequence[Message],
    happened_at: datetime,
    warehouse_id: int | None = None,
    lot_id: int | None = None,
    place_id: int | None = None,
    missing: int | None = None,
) -> int | None:
    """Put something before the manager of the warehouse that it concerns; the same operation once.

    The warehouse is that of the place or lot, else ``warehouse_id``, else the actor's own: nobody writes into the
    queue of a warehouse where they do not work. Without any there is nobody to look, and None is returned.
    """
    with uow.office("stock"):
        booked = queries.movements_of_operation(uow.session, operation_id)
        place = uow.session.get(Place, place_id) if place_id else _place(uow, payload, booked)
        lot = uow.session.get(Lot, lot_id) if lot_id else _lot(uow, payload, booked)
        home = _home(uow.actor, place, warehouse_id, lot)
        warehouse = uow.session.get(Warehouse, home) if home is not None else None
        if warehouse is None:
            return None
        here = place if place is not None and place.warehouse_id == home else None
        statement = (
            insert(Review)
            .values(
                operation_id=operation_id,
                kind=kind,
                outcome=outcome,
                payload=dict(payload),
                said=[sentence.to_json() for sentence in said],
                lot_id=lot.id if lot is not None else None,
                place_id=here.id if here is not None else None,
                quantity=missing if missing is not None else _lacking(uow, booked),
                happened_at=happened_at,
                opened_at=uow.now,
                actor_id=uow.actor.id,
                warehouse_id=warehouse.id,
                county_id=warehouse.county_id,
                state=ReviewState.OPEN,
            )
            .on_conflict_do_nothing(index_elements=["operation_id"])
            .returning(Review.id)
        )
        review_id = uow.session.scalar(statement)
        if review_id is not None:
            uow.record("review.opened", subject=("review", review_id), operation=kind, outcome=outcome)
    return review_id


def _place(uow: UnitOfWork, payload: Mapping[str, Any], booked: Sequence[Movement]) -> Place | None:
    for movement in booked:
        for place_id in (movement.from_place_id, movement.to_place_id):
            found = uow.session.get_one(Place, place_id)
            if found.guarded:
                return found
    for name in PLACES:
        if _is_number(payload.get(name)):
            named = uow.session.get(Place, payload[name])
            if named is not None:
                return named
    codes = [str(payload[name]).strip().upper() for name in CODES if isinstance(payload.get(name), str)]
    return uow.session.scalar(select(Place).where(Place.code.in_(codes)).limit(1)) if codes else None


def _is_number(value: Any) -> bool:
    """Tell a number from true and false, which are numbers to Python."""
    return isinstance(value, int) and not isinstance(value, bool)


def _lot(uow: UnitOfWork, payload: Mapping[str, Any], booked: Sequence[Movement]) -> Lot | None:
    if booked:
        return uow.session.get(Lot, booked[-1].lot_id)
    if _is_number(payload.get("lot_id")):
        return uow.session.get(Lot, payload["lot_id"])
    try:
        received = queries.movements_of_operation(uow.session, UUID(str(payload.get("lot_operation_id"))))
    except ValueError:
        return None
    return uow.session.get(Lot, received[0].lot_id) if received else None


def _home(actor: Actor, place: Place | None, told: int | None, lot: Lot | None) -> int | None:
    own = actor.reach.get(Scope.WAREHOUSE, ())
    everywhere = any(actor.grants.get(each) is Scope.ALL for each in ("stock.operate", "donations.receive"))
    named = [place.warehouse_id if place else None, told, lot.warehouse_id if lot else None]
    for each in named:
        if each is not None and (everywhere or each in own):
            return each
    # What a package above told was seen with this person's own eyes: a parcel of their run.
    return own[0] if own else told


def _lacking(uow: UnitOfWork, booked: Sequence[Movement]) -> int | None:
    """Return how many pieces the books lacked: what came out of the place of discrepancies."""
    places = queries.places_by_id(uow.session, {movement.from_place_id for movement in booked})
    lacking = sum(each.quantity for each in booked if places[each.from_place_id].kind == PlaceKind.DISCREPANCY)
    return lacking or None


# Adjusting ----------------------------------------------------------------------------------------------------------


def moved_since(
    uow: UnitOfWork, *, lot_ids: Iterable[int], place_ids: Iterable[int], since: datetime
) -> list[tuple[int, int, int, int, datetime]]:
    """Return what happened to lots in places after a moment: (lot, from, to, quantity, when), whoever recorded it."""
    places = list(place_ids)
    statement = select(
        Movement.lot_id, Movement.from_place_id, Movement.to_place_id, Movement.quantity, Movement.happened_at
    ).where(
        among(Movement.lot_id, lot_ids),
        Movement.happened_at > since,
        or_(among(Movement.from_place_id, places), among(Movement.to_place_id, places)),
    )
    with uow.office("stock"):
        return [(row[0], row[1], row[2], row[3], row[4]) for row in uow.session.execute(statement)]


@dataclass(frozen=True)
class Adjustment:
    """By how much the books of a lot in a place are brought to what is there: found (positive) or missing."""

    lot_id: int
    place_id: int
    quantity: int
    reason: str | None = None
    happened_at: datetime | None = None
    loss: bool = False
    """It is gone for a known reason: it goes to loss, not to discrepancies."""


def hold(uow: UnitOfWork, keys: Iterable[ledger.Key]) -> dict[ledger.Key, Held]:
    """Lock promises and balances until the commit, so that nobody changes them between comparing and adjusting."""
    keys = list(keys)
    shortages.lock_promises(uow, keys)
    with uow.office("stock"):
        return ledger.hold(uow, keys)


def adjust(uow: UnitOfWork, *, operation_id: UUID, adjustments: Sequence[Adjustment]) -> list[Movement]:
    """Bring books to what is there, as lines of one operation in the order given; more than is free is refused."""
    if not adjustments:
        return []
    with uow.office("stock"):
        places = queries.places_by_id(uow.session, {each.place_id for each in adjustments})
        homes = {place.warehouse_id for place in places.values()}
        accounts = {
            kind: queries.virtual_places(uow.session, homes, kind) for kind in (PlaceKind.DISCREPANCY, PlaceKind.LOSS)
        }
        lines = []
        for number, each in enumerate(adjustments):
            place = places[each.place_id]
            _may_adjust(uow.actor, place, each)
            account = accounts[PlaceKind.LOSS if each.loss else PlaceKind.DISCREPANCY][place.warehouse_id].id
            found = each.quantity > 0
            lines.append(
                Line(
                    lot_id=each.lot_id,
                    from_place_id=account if found else each.place_id,
                    to_place_id=each.place_id if found else account,
                    quantity=abs(each.quantity),
                    kind=Kind.FIND if found else Kind.LOSE,
                    operation_id=operation_id,
                    number=number,
                    reason=each.reason,
                    happened_at=each.happened_at,
                )
            )
        keys = {(line.lot_id, place_id) for line in lines for place_id in (line.from_place_id, line.to_place_id)}
        return ledger.post(uow, ledger.hold(uow, keys), lines)


def _may_adjust(actor: Actor, place: Place, adjustment: Adjustment) -> None:
    permission = "stock.write_off" if adjustment.loss else "stock.operate"
    if not actor.covers(permission, warehouse=place.warehouse_id, county=place.county_id):
        raise NotAllowed(permission=permission)
    if not place.guarded:
        raise WhereNeeded


def open_lot(
    uow: UnitOfWork, *, item_id: int, warehouse_id: int, expires_on: Any = None, batch: str | None = None, source: str
) -> Lot:
    """Open a lot for something that is there and that no lot explains; whoever calls books what was found of it.

    Who may, the caller has judged.
    """
    lot = Lot(
        item_id=item_id,
        expires_on=expires_on,
        batch=batch,
        source=source,
        warehouse_id=warehouse_id,
        received_at=uow.now,
    )
    with uow.office("stock"):
        uow.session.add(lot)
    uow.record("lot.opened", subject=("lot", lot.id), item_id=item_id, warehouse_id=warehouse_id)
    return lot


# Resolving ----------------------------------------------------------------------------------------------------------


def review_to_resolve(uow: UnitOfWork, *, review_id: int) -> Review:
    """Return a discrepancy under lock for who may resolve it."""
    uow.actor.require("stock.review")
    return queries.review(uow.session, uow.actor, review_id, permission="stock.review", lock=True)


def is_resolved(uow: UnitOfWork, review: Review, resolution: str) -> bool:
    """Tell whether this person has resolved it so already: sent twice, done once. Otherwise it must be open."""
    if review.state == ReviewState.OPEN:
        return False
    if (review.resolution, review.resolved_by_id) == (resolution, uow.actor.id):
        return True
    raise ReviewResolved


def resolve(
    uow: UnitOfWork, *, review: Review, resolution: str, note: str | None, movement_id: int | None = None
) -> Review:
    """Close a discrepancy with what was done about it."""
    review.state = ReviewState.RESOLVED.value
    review.resolution, review.note, review.movement_id = resolution, note, movement_id
    review.resolved_at, review.resolved_by_id = uow.now, uow.actor.id
    uow.record("review.resolved", subject=("review", review.id), resolution=resolution, movement_id=movement_id)
    uow.session.flush()
    return review


def book_found(
    uow: UnitOfWork,
    *,
    review_id: int,
    operation_id: UUID,
    lot_id: int | None = None,
    place_id: int | None = None,
    quantity: int | None = None,
    note: str | None = None,
) -> Review:
    """Book in what is there though the books did not have it."""
    return _book(uow, "found", 1, review_id, operation_id, lot_id, place_id, quantity, note)


def book_lost(
    uow: UnitOfWork,
    *,
    review_id: int,
    operation_id: UUID,
    lot_id: int | None = None,
    place_id: int | None = None,
    quantity: int | None = None,
    note: str | None = None,
) -> Review:
    """Book out what is not there. What the books had taken from the place of discrepancies goes back there.

    Whoever was promised it loses it, and is told.
    """
    return _book(uow, "lost", -1, review_id, operation_id, lot_id, place_id, quantity, note)


def _book(
    uow: UnitOfWork,
    resolution: str,
    sign: int,
    review_id: int,
    operation_id: UUID,
    lot_id: int | None,
    place_id: int | None,
    quantity: int | None,
    note: str | None,
) -> Review:
    review = review_to_resolve(uow, review_id=review_id)
    if is_resolved(uow, review, resolution):
        return review
    lot_id, place_id, quantity = lot_id or review.lot_id, place_id or review.place_id, quantity or review.quantity
    if not (lot_id and place_id and quantity):
        raise WhereNeeded
    queries.place(uow.session, place_id)
    adjustment = Adjustment(
        lot_id=lot_id,
        place_id=place_id,
        quantity=sign * quantity,
        reason=note,
        loss=sign < 0 and review.outcome == "rejected",
    )
    if adjustment.quantity < 0:
        # What is not there can be promised to nobody.
        shortages.give_up(uow, {(lot_id, place_id): quantity})
    (movement,) = adjust(uow, operation_id=operation_id, adjustments=[adjustment])
    return resolve(uow, review=review, resolution=resolution, note=note, movement_id=movement.id)


def book_contained(uow: UnitOfWork, *, review_id: int, operation_id: UUID, note: str | None = None) -> Review:
    """Book the opposite of what a stocktake had contained before we learnt of it."""
    review = review_to_resolve(uow, review_id=review_id)
    if is_resolved(uow, review, "contained"):
        return review
    contained = review.payload.get("contained")
    if not contained:
        raise WhereNeeded
    adjustments = [
        Adjustment(each["lot_id"], each["place_id"], -each["quantity"], "stocktake", review.happened_at)
        for each in contained
        if each["quantity"]
    ]
    shortages.give_up(uow, {(each.lot_id, each.place_id): -each.quantity for each in adjustments if each.quantity < 0})
    movements = adjust(uow, operation_id=operation_id, adjustments=adjustments)
    last = movements[-1].id if movements else None
    return resolve(uow, review=review, resolution="contained", note=note, movement_id=last)


def close_without(uow: UnitOfWork, *, review_id: int, note: str | None) -> Review:
    """Close a discrepancy: the books are right, and the note says why."""
    review = review_to_resolve(uow, review_id=review_id)
    if is_resolved(uow, review, "nothing"):
        return review
    if not note:
        raise NoteNeeded
    return resolve(uow, review=review, resolution="nothing", note=note)


def leave_to_stocktake(uow: UnitOfWork, *, review_id: int, note: str | None = None) -> Review:
    """Close a discrepancy: the place is counted, and the count decides."""
    review = review_to_resolve(uow, review_id=review_id)
    if is_resolved(uow, review, "counted"):
        return review
    return resolve(uow, review=review, resolution="counted", note=note)
