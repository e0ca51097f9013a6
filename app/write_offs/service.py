"""What is done with goods that can no longer be given: proposed, decided by three, recorded; held apart, released.

Rights: ``stock.operate`` proposes, withdraws its own, moves into quarantine and out of it; ``stock.write_off`` decides
what somebody else proposed, takes a record back and blocks a batch. What is proposed is reserved until it is decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.accounts import queries as accounts
from app.foundation.errors import Stale
from app.foundation.text import fold
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import queries as stock
from app.stock import service as ledger
from app.stock import shortages
from app.stock.errors import WrongPlace
from app.stock.models import Kind, LotState, PlaceKind
from app.write_offs import queries
from app.write_offs.errors import (
    CommitteeWrong,
    LinesWrong,
    NoSuchBatch,
    NothingToPropose,
    NotInQuarantine,
    NotYourProposal,
    OwnProposal,
    PartOfWriteOff,
    StillBlocked,
    TooManyPictures,
    WriteOffPast,
)
from app.write_offs.models import WriteOff, WriteOffLine, WriteOffPhoto, WriteOffReason, WriteOffState
from app.write_offs.picture import redraw
from app.write_offs.words import STATES

if TYPE_CHECKING:
    from app.stock.models import Lot, Movement

LINES_MAX = 500
PHOTOS_MAX = 6
COMMITTEE = 3
RESERVED_FOR = timedelta(days=365)
"""A proposal that nobody decides gives its goods back after so long."""


@dataclass(frozen=True)
class Proposed:
    """What was proposed, and what a person must look at."""

    write_off: WriteOff
    review: list[Message] = field(default_factory=list)
    needs_lost: int = 0
    """How many shares of needs lost pieces that were reserved for them."""


# Proposing ----------------------------------------------------------------------------------------------------------


def propose(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    reason: str,
    lines: Sequence[Mapping[str, Any]],
    note: str | None = None,
    happened_at: datetime | None = None,
    done: bool = False,
) -> Proposed:
    """Propose to write lots off; each line is ``lot_id place_id quantity``. They are reserved until it is decided.

    What is not fit to be given is promised to nobody: whoever was promised it loses it, and is told. With ``done`` it
    was said while nobody could be asked: what is not there any more is left out, and said.
    """
    uow.actor.require("stock.operate")
    earlier = queries.of_operation(uow.session, operation_id)
    if earlier is not None:
        return Proposed(earlier)
    wanted: dict[queries.Key, int] = {}
    for line in lines:
        key = (line["lot_id"], line["place_id"])
        wanted[key] = wanted.get(key, 0) + line["quantity"]
    if not wanted or len(wanted) > LINES_MAX:
        raise LinesWrong({"lines": [say("Name between 1 and %(most)s lines.", most=LINES_MAX)]})
    held = queries.held(uow.session, uow.actor, wanted)
    lost = shortages.give_up(uow, {key: wanted[key] for key in held}, but=(queries.PURPOSE,))
    if lost:
        held = queries.held(uow.session, uow.actor, wanted)
    review = []
    wrong: dict[str, list[Message | str]] = {}
    for number, (key, quantity) in enumerate(list(wanted.items())):
        available = held[key].balance.available if key in held else 0
        if done and available < quantity:
            review.append(_missing(key[0], quantity, available))
            wanted[key] = available
            if available < 1:
                del wanted[key]
        elif key not in held:
            wrong[f"lines.{number}.lot_id"] = [say("Nothing of this lot lies there.")]
    if wrong or not wanted:
        raise LinesWrong(wrong, None if wrong else say("Nothing was proposed: nothing of it lies there."))
    warehouse_id, county_id = _home(uow, [held[key] for key in wanted])
    made = WriteOff(
        operation_id=operation_id,
        warehouse_id=warehouse_id,
        county_id=county_id,
        reason=WriteOffReason(reason).value,
        note=note or None,
        proposed_at=happened_at or uow.now,
        proposed_by_id=uow.actor.id,
        committee=[],
    )
    uow.session.add(made)
    uow.session.flush()
    expires_at = uow.now + RESERVED_FOR
    reservations = ledger.reserve_many(
        uow,
        [
            {
                "lot_id": lot_id,
                "place_id": place_id,
                "quantity": quantity,
                "purpose_kind": queries.PURPOSE,
                "purpose_id": made.id,
                "expires_at": expires_at,
            }
            for (lot_id, place_id), quantity in wanted.items()
        ],
    )
    for ((lot_id, place_id), quantity), reservation_id in zip(wanted.items(), reservations, strict=True):
        made.lines.append(
            WriteOffLine(lot_id=lot_id, place_id=place_id, quantity=quantity, reservation_id=reservation_id)
        )
    uow.session.flush()
    uow.record(
        "write_off.proposed",
        subject=("write_off", made.id),
        reason=made.reason,
        lines=len(wanted),
        pieces=sum(wanted.values()),
    )
    return Proposed(made, review, shortages.families(lost))


def _missing(lot_id: int, wanted: int, available: int) -> Message:
    return say(
        "%(wanted)s of L-%(lot)s were to be written off, %(available)s are there and free.",
        lot=str(lot_id),
        wanted=wanted,
        available=available,
    )


def _home(uow: UnitOfWork, held: Sequence[queries.Held]) -> tuple[int, int]:
    """Return the one warehouse of all lines, and refuse whoever does not work there."""
    homes = {(each.balance.warehouse_id, each.balance.county_id) for each in held}
    if len(homes) > 1:
        sentence = say("All lines of one write-off lie in one warehouse.")
        raise LinesWrong({"lines": [sentence]})
    warehouse_id, county_id = homes.pop()
    uow.actor.require_for("stock.operate", warehouse=warehouse_id, county=county_id)
    return warehouse_id, county_id


def propose_expired(uow: UnitOfWork, *, operation_id: UUID, warehouse_id: int) -> WriteOff:
    """Propose everything of a warehouse that has expired and that nobody has spoken for, in one step."""
    warehouse = stock.warehouse(uow.session, uow.actor, warehouse_id)
    uow.actor.require_for("stock.operate", warehouse=warehouse.id, county=warehouse.county_id)
    earlier = queries.of_operation(uow.session, operation_id)
    if earlier is not None:
        return earlier
    today = uow.now.astimezone(stock.HOME).date()
    gone = queries.expired_in(uow.session, uow.actor, warehouse.id, today, most=LINES_MAX)
    if not gone:
        raise NothingToPropose
    lines = [{"lot_id": each.lot_id, "place_id": each.place_id, "quantity": each.available} for each in gone]
    return propose(uow, operation_id=operation_id, reason=WriteOffReason.EXPIRED, lines=lines).write_off


def add_photo(uow: UnitOfWork, *, write_off_id: int, content: bytes) -> WriteOffPhoto:
    """Add a picture of the goods to a proposal, drawn anew; the same picture is stored once."""
    found = queries.write_off(uow.session, uow.actor, write_off_id, locked=True)
    uow.actor.require_for("stock.operate", warehouse=found.warehouse_id, county=found.county_id)
    _must_be_open(found)
    jpeg = redraw(content)
    earlier = queries.same_photo(uow.session, found.id, jpeg)
    if earlier is not None:
        return earlier
    if len(queries.photo_ids(uow.session, found.id)) >= PHOTOS_MAX:
        raise TooManyPictures(most=PHOTOS_MAX)
    made = WriteOffPhoto(write_off_id=found.id, jpeg=jpeg, added_at=uow.now, added_by_id=uow.actor.id)
    uow.session.add(made)
    uow.session.flush()
    uow.record("write_off.photo", subject=("write_off", found.id), photo_id=made.id, bytes=len(jpeg))
    return made


# Deciding -----------------------------------------------------------------------------------------------------------


def decide(
    uow: UnitOfWork,
    *,
    write_off_id: int,
    operation_id: UUID,
    committee: Sequence[str],
    note: str | None = None,
    version: int | None = None,
    happened_at: datetime | None = None,
) -> WriteOff:
    """Write off what somebody else proposed: three names, a numbered record, and the goods go to the loss."""
    found = _to_judge(uow, write_off_id, "stock.write_off")
    if found.state == WriteOffState.POSTED and _posted_by(uow, found, operation_id):
        return found
    _must_be_open(found, version)
    if found.proposed_by_id is not None and found.proposed_by_id == uow.actor.id:
        raise OwnProposal
    names = [" ".join(name.split()) for name in committee if name.strip()]
    if len(names) != COMMITTEE or len({fold(name) for name in names}) != COMMITTEE:
        raise CommitteeWrong(len({fold(name) for name in names}))
    loss = stock.virtual_place(uow.session, found.warehouse_id, PlaceKind.LOSS)
    rows = queries.lines_of(uow.session, found.id)
    _write(uow, found, rows, operation_id, loss.id, happened_at)
    found.state = WriteOffState.POSTED.value
    found.committee = names
    found.decision_note = note or None
    found.decided_at = happened_at or uow.now
    found.decided_by_id = uow.actor.id
    voucher = ledger.issue_voucher(
        uow,
        kind="write_off",
        warehouse_id=found.warehouse_id,
        subject=("write_off", found.id),
        content=_content(uow, found, rows),
    )
    found.voucher_id = voucher.id
    uow.session.flush()
    uow.record(
        "write_off.posted", subject=("write_off", found.id), voucher_id=voucher.id, lines=len(rows), reason=found.reason
    )
    return found


def _write(
    uow: UnitOfWork,
    found: WriteOff,
    rows: Sequence[queries.LineRow],
    operation_id: UUID,
    loss_id: int,
    happened_at: datetime | None,
) -> None:
    """Move every line to the loss; a line whose reservation has run out takes what is free."""
    reserved = [row.line for row in rows if row.reserved and row.line.reservation_id is not None]
    free = [row.line for row in rows if row.line not in reserved]
    moved: list[Movement] = []
    if reserved:
        moved += ledger.consume_many_and_move(
            uow,
            operation_id=operation_id,
            reservation_ids=[line.reservation_id for line in reserved if line.reservation_id],
            to_place_id=loss_id,
            kind=Kind.WRITE_OFF,
            happened_at=happened_at,
            reason=found.reason,
        )
    moved += ledger.move_all(
        uow,
        operation_id=operation_id,
        steps=[
            ledger.Step(line.lot_id, line.place_id, loss_id, line.quantity, Kind.WRITE_OFF, found.reason)
            for line in free
        ],
        happened_at=happened_at,
        line=len(reserved),
    )
    for line, movement in zip([*reserved, *free], moved, strict=True):
        line.movement_id = movement.id


def _content(uow: UnitOfWork, found: WriteOff, rows: Sequence[queries.LineRow]) -> dict[str, Any]:
    """Return what the record shows, as it is now."""
    names = accounts.names_of(uow.session, [found.proposed_by_id, found.decided_by_id])
    assert found.decided_at is not None, "it was just decided"
    return {
        "code": f"S-{found.id}",
        "warehouse": stock.warehouse(uow.session, uow.actor, found.warehouse_id).name,
        "reason": found.reason,
        "note": found.note,
        "decision_note": found.decision_note,
        "proposed_at": found.proposed_at.isoformat(),
        "proposed_by": names.get(found.proposed_by_id or 0),
        "decided_at": found.decided_at.isoformat(),
        "committee": found.committee,
        "photos": len(queries.photo_ids(uow.session, found.id)),
        "lines": [
            {
                "lot": f"L-{row.lot.id}",
                "item_hu": row.item.name_hu,
                "item_en": row.item.name_en,
                "unit_hu": row.item.unit_name_hu,
                "unit_en": row.item.unit_name_en,
                "quantity": row.line.quantity,
                "place": row.place.shown,
                "batch": row.lot.batch,
                "expires_on": row.lot.expires_on.isoformat() if row.lot.expires_on else None,
                "value_huf": row.value,
                "weight_g": row.item.weight_mg * row.line.quantity // 1000,
            }
            for row in rows
        ],
    }


def refuse(uow: UnitOfWork, *, write_off_id: int, note: str | None = None, version: int | None = None) -> WriteOff:
    """Refuse a proposal: the goods stay, and are free again."""
    found = _to_judge(uow, write_off_id, "stock.write_off")
    return _end(uow, found, WriteOffState.REFUSED, note, version)


def withdraw(uow: UnitOfWork, *, write_off_id: int, note: str | None = None, version: int | None = None) -> WriteOff:
    """Withdraw a proposal: whoever proposed it, or a manager."""
    found = _to_judge(uow, write_off_id, "stock.operate")
    manager = uow.actor.covers("stock.write_off", warehouse=found.warehouse_id, county=found.county_id)
    if found.proposed_by_id != uow.actor.id and not manager:
        raise NotYourProposal
    return _end(uow, found, WriteOffState.WITHDRAWN, note, version)


def _end(uow: UnitOfWork, found: WriteOff, state: WriteOffState, note: str | None, version: int | None) -> WriteOff:
    if found.state == state:
        return found
    _must_be_open(found, version)
    ledger.release_many(uow, [line.reservation_id for line in found.lines if line.reservation_id])
    found.state = state.value
    found.decision_note = note or None
    found.decided_at = uow.now
    found.decided_by_id = uow.actor.id
    uow.session.flush()
    uow.record(f"write_off.{state}", subject=("write_off", found.id))
    return found


def take_back(
    uow: UnitOfWork, *, write_off_id: int, operation_id: UUID, reason: str, version: int | None = None
) -> WriteOff:
    """Take a posted write-off back: the goods return where they were, the record stays with its number, cancelled."""
    found = _to_judge(uow, write_off_id, "stock.write_off")
    if found.state == WriteOffState.TAKEN_BACK:
        return found
    if found.state != WriteOffState.POSTED:
        raise WriteOffPast(write_off_id=found.id, state=STATES[found.state])
    if version is not None and found.version != version:
        raise Stale(version=found.version)
    movement_ids = [line.movement_id for line in found.lines if line.movement_id]
    if movement_ids:
        ledger.take_back(uow, operation_id=operation_id, movement_ids=movement_ids, reason=reason)
    if found.voucher_id is not None:
        ledger.cancel_voucher(uow, voucher_id=found.voucher_id, reason=reason)
    found.state = WriteOffState.TAKEN_BACK.value
    uow.session.flush()
    uow.record("write_off.taken_back", subject=("write_off", found.id), voucher_id=found.voucher_id)
    return found


def _to_judge(uow: UnitOfWork, write_off_id: int, permission: str) -> WriteOff:
    found = queries.write_off(uow.session, uow.actor, write_off_id, locked=True)
    uow.actor.require_for(permission, warehouse=found.warehouse_id, county=found.county_id)
    return found


def _must_be_open(found: WriteOff, version: int | None = None) -> None:
    if found.state != WriteOffState.PROPOSED:
        raise WriteOffPast(write_off_id=found.id, state=STATES[found.state])
    if version is not None and found.version != version:
        raise Stale(version=found.version)


def _posted_by(uow: UnitOfWork, found: WriteOff, operation_id: UUID) -> bool:
    ids = {movement.id for movement in stock.movements_of_operation(uow.session, operation_id)}
    return any(line.movement_id in ids for line in found.lines)


@ledger.asked_before_reversal
def _whole_records_only(uow: UnitOfWork, movement: Movement) -> None:
    """Refuse to take one line of a record back: the record would say what is not so."""
    if movement.kind != Kind.WRITE_OFF:
        return
    found = queries.holding(uow.session, movement.id)
    if found is not None:
        codes = queries.voucher_codes(uow.session, [found.voucher_id])
        raise PartOfWriteOff(write_off_id=found.id, voucher=codes.get(found.voucher_id or 0, ""))


# Quarantine ---------------------------------------------------------------------------------------------------------


def quarantine(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    lot_id: int,
    from_place_id: int,
    quantity: int,
    reason: str,
    happened_at: datetime | None = None,
    done: bool = False,
) -> ledger.Booked:
    """Move some of a lot into the quarantine of its warehouse, with the reason why.

    Whoever was promised it loses it, and is told.
    """
    source = stock.place(uow.session, from_place_id)
    uow.actor.require_for("stock.operate", warehouse=source.warehouse_id, county=source.county_id)
    target = stock.virtual_place(uow.session, source.warehouse_id, PlaceKind.QUARANTINE)
    shortages.give_up(uow, {(lot_id, from_place_id): quantity}, but=(queries.PURPOSE,))
    return ledger.book(
        uow,
        operation_id=operation_id,
        lot_id=lot_id,
        from_place_id=from_place_id,
        to_place_id=target.id,
        quantity=quantity,
        kind=Kind.MOVE,
        reason=reason,
        happened_at=happened_at,
        done=done,
    )


def release(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    lot_id: int,
    from_place_id: int,
    to_place_id: int,
    quantity: int,
    reason: str,
    happened_at: datetime | None = None,
    done: bool = False,
) -> ledger.Booked:
    """Move some of a lot from quarantine back to the dock or a shelf, with the reason why."""
    lot = stock.lot(uow.session, uow.actor, lot_id)
    source = stock.place(uow.session, from_place_id)
    target = stock.place(uow.session, to_place_id)
    if source.stands_in != PlaceKind.QUARANTINE:
        raise NotInQuarantine(place=source.code)
    if target.kind not in (PlaceKind.DOCK, PlaceKind.SHELF) or target.warehouse_id != source.warehouse_id:
        raise WrongPlace(place=target.code, deed="release")
    if lot.state == LotState.BLOCKED:
        raise StillBlocked(lot_id=lot.id)
    booked = ledger.book(
        uow,
        operation_id=operation_id,
        lot_id=lot_id,
        from_place_id=from_place_id,
        to_place_id=to_place_id,
        quantity=quantity,
        kind=Kind.PUT_AWAY if target.kind == PlaceKind.SHELF else Kind.MOVE,
        reason=reason,
        happened_at=happened_at,
        done=done,
    )
    if lot.state == LotState.QUARANTINED:
        ledger.change_lot_state(uow, lot_id=lot.id, state=LotState.FREE, reason=reason)
    return booked


def block_batch(uow: UnitOfWork, *, item_id: int, batch: str, reason: str) -> list[Lot]:
    """Block every lot of a maker's batch that lies where this manager works: it was called back."""
    uow.actor.require("stock.write_off")
    lots = queries.lots_of_batch(uow.session, uow.actor, item_id, batch)
    if not lots:
        raise NoSuchBatch(batch=batch)
    for lot in lots:
        if lot.state != LotState.BLOCKED:
            ledger.change_lot_state(uow, lot_id=lot.id, state=LotState.BLOCKED, reason=reason)
    for lot in lots:
        shortages.revise_lot(uow, lot)
    uow.record("batch.blocked", subject=("item", item_id), lots=len(lots))
    return lots
