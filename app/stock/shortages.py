"""What happens to a promise when its pieces are not there, or not fit to be given: it shrinks, and is told.

A reservation cannot hold what does not exist. The last to be promised loses first; what is left of it stays reserved
for the same purpose. Whoever promised it learns of it by a job, and promises anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import TextClause, select, text

from app.foundation.bulk import among
from app.foundation.unit_of_work import UnitOfWork
from app.stock import ledger, queries, service
from app.stock.models import Balance, Lot, LotState, ReservationState

SHARE, TRANSFER, WRITE_OFF = "share", "transfer", "write_off"
LOSES = (WRITE_OFF, TRANSFER, SHARE)
"""Who loses first: nobody waits for what was to be destroyed; a family comes last."""


@dataclass(frozen=True)
class Promised:
    """A reservation, and what it is for."""

    id: int
    lot_id: int
    place_id: int
    quantity: int
    purpose_kind: str
    purpose_id: int
    expires_at: datetime


@dataclass(frozen=True)
class Lost:
    """A promise that lost pieces: ``quantity`` of them."""

    promised: Promised
    quantity: int


_PROMISED = """
    SELECT reservation.id, reservation.lot_id, reservation.place_id, quantity, purpose_kind, purpose_id, expires_at
    FROM reservation
    JOIN unnest(CAST(:lots AS bigint[]), CAST(:places AS bigint[])) AS wanted (lot_id, place_id)
        ON wanted.lot_id = reservation.lot_id AND wanted.place_id = reservation.place_id
    WHERE reservation.state = 'pending'
    ORDER BY reservation.id
"""
_READ = text(_PROMISED)
_LOCK = text(_PROMISED + "FOR UPDATE OF reservation")


def lock_promises(uow: UnitOfWork, keys: Iterable[ledger.Key]) -> list[Promised]:
    """Return what is reserved of lots in places, under lock: always before the balances, in the order of ids."""
    return _promised(uow, keys, _LOCK)


def _promised(uow: UnitOfWork, keys: Iterable[ledger.Key], statement: TextClause) -> list[Promised]:
    wanted = sorted(set(keys))
    if not wanted:
        return []
    parameters = {"lots": [lot_id for lot_id, _ in wanted], "places": [place_id for _, place_id in wanted]}
    with uow.office("stock"):
        return [Promised(*row) for row in uow.session.execute(statement, parameters)]


def give_up(uow: UnitOfWork, wanted: Mapping[ledger.Key, int], *, but: Collection[str] = ()) -> list[Lost]:
    """Let promises go until ``wanted`` pieces of lots in places are free, as far as there are so many.

    Promises of the kinds in ``but`` are kept. Who may do what follows, the caller judges.
    """
    promised = lock_promises(uow, wanted)
    if not promised:
        return []
    with uow.office("stock"):
        held = ledger.hold(uow, wanted)
    lost = _losing(promised, wanted, {key: (each.on_hand, each.reserved) for key, each in held.items()}, but)
    if lost:
        _shrink(uow, lost)
        _tell(uow, lost)
    return lost


def foreseen(uow: UnitOfWork, wanted: Mapping[ledger.Key, int], *, but: Collection[str] = ()) -> list[Lost]:
    """Return who would lose what by ``give_up``; nothing is locked, nothing changes."""
    promised = _promised(uow, wanted, _READ)
    if not promised:
        return []
    statement = select(Balance.lot_id, Balance.place_id, Balance.on_hand, Balance.reserved).where(
        among(Balance.lot_id, {lot_id for lot_id, _ in wanted}),
        among(Balance.place_id, {place_id for _, place_id in wanted}),
    )
    with uow.office("stock"):
        there = {(row[0], row[1]): (row[2], row[3]) for row in uow.session.execute(statement)}
    return _losing(promised, wanted, there, but)


def _losing(
    promised: Iterable[Promised],
    wanted: Mapping[ledger.Key, int],
    there: Mapping[ledger.Key, tuple[int, int]],
    but: Collection[str],
) -> list[Lost]:
    """Return which promises lose how much; ``there`` holds what is on hand and reserved of a lot in a place."""
    lost = []
    for key, of in groupby(sorted(promised, key=_last_first), key=lambda each: (each.lot_id, each.place_id)):
        on_hand, reserved = there.get(key, (0, 0))
        short = min(wanted[key], on_hand) - (on_hand - reserved)
        for each in of:
            if short > 0 and each.purpose_kind not in but:
                lost.append(Lost(each, min(each.quantity, short)))
                short -= lost[-1].quantity
    return lost


def _last_first(each: Promised) -> tuple[int, int, int, int]:
    loses = LOSES.index(each.purpose_kind) if each.purpose_kind in LOSES else len(LOSES)
    return each.lot_id, each.place_id, loses, -each.id


def _shrink(uow: UnitOfWork, lost: Iterable[Lost]) -> None:
    """End the promises that lost pieces; what is left of each is reserved again for its purpose, as long as before."""
    service.release_many(uow, [each.promised.id for each in lost])
    rest = [
        {
            "lot_id": each.promised.lot_id,
            "place_id": each.promised.place_id,
            "quantity": each.promised.quantity - each.quantity,
            "purpose_kind": each.promised.purpose_kind,
            "purpose_id": each.promised.purpose_id,
            "expires_at": each.promised.expires_at,
        }
        for each in lost
        if each.promised.quantity > each.quantity
    ]
    service.reserve_many(uow, rest)


def _tell(uow: UnitOfWork, lost: Iterable[Lost]) -> None:
    by_kind: dict[str, list[int]] = {}
    for each in lost:
        by_kind.setdefault(each.promised.purpose_kind, []).append(each.promised.id)
        uow.record(
            "stock.promise_lost",
            subject=("lot", each.promised.lot_id),
            place_id=each.promised.place_id,
            quantity=each.quantity,
            purpose=[each.promised.purpose_kind, each.promised.purpose_id],
        )
    if SHARE in by_kind:
        uow.promise("allocation.revise", reservation_ids=by_kind[SHARE])
    if TRANSFER in by_kind:
        uow.promise("transfers.revise", reservation_ids=by_kind[TRANSFER])


def give_up_lots(uow: UnitOfWork, lot_ids: Collection[int]) -> list[Lost]:
    """Let go of every promise of lots that may not be given any more; what waits to be destroyed still waits."""
    statement = select(Balance.lot_id, Balance.place_id, Balance.on_hand).where(
        among(Balance.lot_id, lot_ids), Balance.reserved > 0
    )
    with uow.office("stock"):
        wanted = {(row[0], row[1]): row[2] for row in uow.session.execute(statement)}
    return give_up(uow, wanted, but=(WRITE_OFF,))


def revise_lot(uow: UnitOfWork, lot: Lot) -> list[Lost]:
    """Let go of every promise of a lot, and of what was made of it, once it may not be given any more."""
    return give_up_lots(uow, [lot.id, *service.made_of(uow, lot.id)]) if lot.state != LotState.FREE else []


def still_held(uow: UnitOfWork, purpose_kind: str, purpose_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return what purposes still hold: ``{purpose_id: (reservation_id, quantity)}``."""
    with uow.office("stock"):
        return {
            each.purpose_id: (each.id, each.quantity)
            for each in queries.reservations_for(uow.session, purpose_kind, purpose_ids)
            if each.state == ReservationState.PENDING
        }


def families(lost: Iterable[Lost]) -> int:
    """Return how many shares of needs lost something."""
    return len({each.promised.purpose_id for each in lost if each.promised.purpose_kind == SHARE})
