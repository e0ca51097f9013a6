"""What devices ask for: each operation acts once and for ever, in its own transaction, and gets a final answer.

A package registers its kinds at import: ``@operation("receive", reader)`` over a handler; the reader turns a payload
into the handler's arguments and refuses what has the wrong shape. The device keeps an operation until its answer.
What was refused, or booked though the books disagreed, is kept as a discrepancy for a person to look at.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import structlog
from psycopg import errors as pg
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.foundation.actor import Actor
from app.foundation.errors import Conflict, Invalid, Refusal, Stale
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import discrepancies, ledger, queries
from app.stock.errors import CannotDoAgain, DeviceCloned, OperationDiffers, OperationFault, UnknownKind
from app.stock.models import Movement, Operation, Review

OPERATIONS_MAX = 100
BYTES_MAX = 256 * 1024
TRIES = 5
AHEAD_MAX = timedelta(minutes=5)
BEHIND_MAX = timedelta(days=30)
LATE = timedelta(minutes=10)
"""What is told so much later was done while nobody could be asked: the world wins over the books."""
SEQUENCE_MAX = 2**63 - 1

Reader = Callable[[Mapping[str, Any]], Mapping[str, Any]]
UnitsOfWork = Callable[[], AbstractContextManager[UnitOfWork]]


@dataclass(frozen=True)
class Done:
    """What a handler did: ids for the device, and what a person must look at."""

    result: Mapping[str, Any] = field(default_factory=dict)
    review: Sequence[Message] = ()


Handler = Callable[..., Done]
Touches = Callable[[Mapping[str, Any]], Sequence[tuple[int, int]]]
"""Tells from the handler's arguments which lots in which places it changes, where it changes nothing else that a
judge of the next operation looks at: neither a lot's state, nor a place."""
Ahead = Callable[[UnitOfWork, Sequence[Mapping[str, Any]]], None]
"""Reads at once what several operations of the kind would else ask for one by one; gets the arguments of each."""
Home = Callable[[UnitOfWork, Mapping[str, Any]], int | None]
"""Tells the warehouse of what a payload names, where neither a place nor a lot tells it."""


@dataclass(frozen=True)
class Registered:
    """A kind of operation."""

    kind: str
    reader: Reader
    handler: Handler
    home: Home | None = None
    plain: tuple[type[Refusal], ...] = ()
    touches: Touches | None = None
    ahead: Ahead | None = None


KINDS: dict[str, Registered] = {}


def operation(
    kind: str,
    reader: Reader,
    *,
    home: Home | None = None,
    plain: tuple[type[Refusal], ...] = (),
    touches: Touches | None = None,
    ahead: Ahead | None = None,
) -> Callable[[Handler], Handler]:
    """Register a kind: ``handler(uow, *, operation_id, happened_at, late, **what the reader returned) -> Done``.

    ``late`` tells that it was done long before we learnt of it. ``plain`` are refusals behind which no goods stand:
    nobody need look at them. With ``touches`` the balances of several operations are locked at once, and with
    ``ahead`` what they ask for is read at once.
    """

    def register(handler: Handler) -> Handler:
        KINDS[kind] = Registered(kind, reader, handler, home, plain, touches, ahead)
        return handler

    return register


@dataclass(frozen=True)
class Contained:
    """That something counted already held what a late operation booked: by how much a balance is wrong now."""

    lot_id: int
    place_id: int
    quantity: int
    """How much too many (positive) or too few the books have."""
    stocktake_id: int


Looker = Callable[[UnitOfWork, Sequence[Movement]], Sequence[Contained]]
_LOOKERS: list[Looker] = []
LOOKED_AT = timedelta(seconds=1)
"""Whoever counts, compares and approves needs longer: what is told sooner cannot have been counted already."""


def asked_about_late_entries(looker: Looker) -> Looker:
    """Let a package above say what of a late operation the books contain already."""
    _LOOKERS.append(looker)
    return looker


@dataclass(frozen=True)
class Asked:
    """One operation as a device sent it."""

    operation_id: UUID
    device_id: UUID
    sequence: int
    happened_at: datetime
    kind: str
    payload: Mapping[str, Any]

    @property
    def payload_hash(self) -> str:
        """Return the mark of what is asked for: SHA-256 of kind and payload as canonical JSON."""
        plain = json.dumps([self.kind, self.payload], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """The final answer to one operation: applied, duplicate, rejected or needs_review."""

    operation_id: str | None
    outcome: str
    kept: Mapping[str, Any] = field(default_factory=dict)
    """result, review, problem, clock; as they are stored, in no language yet."""
    first_outcome: str | None = None


def apply_batch(units_of_work: UnitsOfWork, actor: Actor, operations: Sequence[Any]) -> list[Answer]:
    """Apply operations and answer each, in the order they were sent; a bad one stops no other.

    Those of one device are done in the order of their sequence numbers. ``actor`` is who acts in the units of work.
    """
    if len(operations) > OPERATIONS_MAX:
        raise Invalid(say("Send at most %(most)s operations at once.", most=OPERATIONS_MAX))
    answers: dict[int, Answer] = {}
    asked: list[tuple[int, Asked]] = []
    for number, raw in enumerate(operations):
        try:
            asked.append((number, read(raw)))
        except Invalid as refusal:
            answers[number] = Answer(_name_of(raw), "rejected", {"problem": kept(refusal)})
    asked.sort(key=lambda each: (str(each[1].device_id), each[1].sequence))
    for (number, _), answer in zip(asked, _apply_all(units_of_work, [each for _, each in asked]), strict=True):
        answers[number] = answer
    return [answers[number] for number in range(len(operations))]


TOGETHER_MAX = 25
"""So many operations share a transaction: more would keep others waiting for the balances that are locked in it."""
FAILURES_MAX = 3
"""So often may something stop operations that were tried together, before all others of the batch go one by one."""


def _apply_all(units_of_work: UnitsOfWork, asked: Sequence[Asked]) -> list[Answer]:
    """Apply operations in their order: together as long as nothing is in the way, else each by itself.

    Either way an operation and its answer are stored in one transaction, and what refuses one undoes no other.
    """
    if len(asked) == 1:
        # One alone is tried at once: if it was done before, the database says so.
        return [_apply(units_of_work, asked[0], {})]
    known: dict[UUID, Operation] = {}
    answers: list[Answer] = []
    if asked:
        with units_of_work() as uow:
            known = queries.operations(uow.session, [each.operation_id for each in asked])
    failures = 0
    while len(answers) < len(asked):
        left = asked[len(answers) :][:TOGETHER_MAX]
        if failures < FAILURES_MAX:
            done, alone = _together(units_of_work, _new(left, known))
            failures += alone > 0
        else:
            # Too much is in the way today: trying together would only be work done twice.
            done, alone = [], len(left)
        answers += done
        answers += [_apply(units_of_work, each, known) for each in left[len(done) : len(done) + alone]]
    return answers


def _new(asked: Sequence[Asked], known: Mapping[UUID, Operation]) -> list[Asked]:
    """Return those, from the first on, that were not answered before, nor stand here twice."""
    found: dict[UUID, Asked] = {}
    for each in asked:
        if each.operation_id in known or each.operation_id in found:
            break
        found[each.operation_id] = each
    return list(found.values())


def _together(units_of_work: UnitsOfWork, group: Sequence[Asked]) -> tuple[list[Answer], int]:
    """Apply operations in one transaction, from the first on as far as nothing refuses them.

    Returns their answers, and how many of the next must be done one by one before the rest is tried again.
    """
    ready = _readable(group)
    alone = 0 if len(ready) == len(group) > 0 else 1
    while len(ready) > 1:
        begun: list[UUID] = []
        try:
            with units_of_work() as uow:
                return _act_together(uow, ready, begun), alone
        except _CountedAlready:
            return [], len(ready)
        except (Refusal, SQLAlchemyError):
            if len(begun) == len(ready):
                # The last one, or the end of the transaction: each by itself tells which.
                return [], len(ready)
            # Those before it are done without it; it gets an answer of its own.
            ready, alone = ready[: max(0, len(begun) - 1)], 1
    return [], max(1, len(ready))


class _CountedAlready(Exception):
    """Something of these was counted already: which, is found one by one."""


@dataclass(frozen=True)
class _Ready:
    """An operation whose payload has the right shape."""

    asked: Asked
    registered: Registered
    arguments: Mapping[str, Any]


def _readable(group: Sequence[Asked]) -> list[_Ready]:
    ready = []
    for each in group:
        registered = KINDS.get(each.kind)
        if registered is None:
            break
        try:
            ready.append(_Ready(each, registered, registered.reader(each.payload)))
        except Refusal:
            break
    return ready


def _act_together(uow: UnitOfWork, ready: Sequence[_Ready], begun: list[UUID]) -> list[Answer]:
    """Do operations one after the other under locks that were taken at once; ``begun`` tells how far they came."""
    keys = [key for each in ready if each.registered.touches for key in each.registered.touches(each.arguments)]
    ledger.hold_together(uow, keys, movements=len(ready))
    for registered in {each.registered.kind: each.registered for each in ready if each.registered.ahead}.values():
        assert registered.ahead is not None, "chosen because it is there"
        registered.ahead(uow, [each.arguments for each in ready if each.registered is registered])
    answers, rows, old = [], [], []
    for each in ready:
        begun.append(each.asked.operation_id)
        answer, row = _do(uow, each.asked, each.registered, each.arguments)
        answers.append(answer)
        rows.append(row)
        if uow.now - each.asked.happened_at > LOOKED_AT:
            old.append(each.asked.operation_id)
        if each.registered.touches is None:
            ledger.forget_held(uow)
    if _LOOKERS and old and _contained(uow, old):
        raise _CountedAlready
    uow.session.execute(_STORE, rows)
    return answers


def _apply(
    units_of_work: UnitsOfWork, asked: Asked, known: dict[UUID, Operation], look_up: Sequence[UUID] = ()
) -> Answer:
    for attempt in range(TRIES):
        try:
            with units_of_work() as uow:
                if look_up:
                    known.update(queries.operations(uow.session, look_up))
                if asked.operation_id in known:
                    return _again(asked, known[asked.operation_id], uow)
                return _act(uow, asked)
        except Refusal as refusal:
            return _reject(units_of_work, asked, refusal)
        except StaleDataError:
            if attempt + 1 == TRIES:
                return _reject(units_of_work, asked, Stale())
        except DataError:
            return _reject(units_of_work, asked, _past_its_range())
        except (IntegrityError, OperationalError) as error:
            if not isinstance(error.orig, RACES):
                if isinstance(error, OperationalError):
                    raise
                # What it refers to is there no more, or contradicts it: that will not change by sending it again.
                return _reject(units_of_work, asked, _gone())
            earlier = _answered_meanwhile(units_of_work, asked)
            if earlier is not None:
                return earlier
            if attempt + 1 == TRIES:
                if isinstance(error.orig, pg.UniqueViolation):
                    # Its twin is one that this actor cannot see. Raised, it would keep all behind it without an answer.
                    return _reject(units_of_work, asked, _gone())
                raise
    raise AssertionError("the last try answers or raises")


def _past_its_range() -> Refusal:
    return Invalid(say("Nothing was changed: a value is past its range, or cannot be stored."))


def _gone() -> Refusal:
    return Conflict(say("Nothing was changed: what this refers to is not there any more."))


RACES = (pg.UniqueViolation, pg.DeadlockDetected, pg.SerializationFailure, pg.LockNotAvailable)


def _act(uow: UnitOfWork, asked: Asked) -> Answer:
    registered = KINDS.get(asked.kind)
    if registered is None:
        raise UnknownKind(operation=asked.kind)
    contained: list[Contained] = []
    answer, row = _do(uow, asked, registered, registered.reader(asked.payload), contained)
    uow.session.execute(_STORE, row)
    return answer


def _do(
    uow: UnitOfWork,
    asked: Asked,
    registered: Registered,
    arguments: Mapping[str, Any],
    contained: list[Contained] | None = None,
) -> tuple[Answer, dict[str, Any]]:
    """Do an operation; return its answer and the row that is to keep it.

    With ``contained`` it is asked at once whether something counted held it already; without, the caller asks.
    """
    age = uow.now - asked.happened_at
    try:
        done = registered.handler(
            uow,
            operation_id=asked.operation_id,
            happened_at=believed(asked.happened_at, uow.now),
            late=LATE < age <= BEHIND_MAX,
            **arguments,
        )
    except (Refusal, SQLAlchemyError):
        raise
    except Exception as error:
        # Our mistake must not stop a phone for ever: it is refused, a person sees it, and it can be done again.
        structlog.get_logger().error("bug in an operation", kind=asked.kind, exc_info=error)
        raise OperationFault(operation=asked.kind) from error
    contained = _contained(uow, [asked.operation_id]) if contained is not None and _LOOKERS and age > LOOKED_AT else []
    review = [*done.review, *[_told_before(uow, each) for each in contained]]
    outcome = "needs_review" if review else "applied"
    answer: dict[str, Any] = {"result": dict(done.result)}
    if review:
        answer["review"] = [sentence.to_json() for sentence in review]
    if done.review:
        _open_review(uow, asked, outcome, done.review)
    if contained:
        # A matter of its own: the one is looked for on the shelf, the other is undone by one click.
        number = uuid5(asked.operation_id, CONTAINED)
        _open_review(uow, asked, outcome, review[len(done.review) :], contained=contained, operation_id=number)
    _mark_clock(answer, age)
    return Answer(str(asked.operation_id), outcome, answer), _row(uow, asked, outcome, answer)


def _contained(uow: UnitOfWork, operation_ids: Sequence[UUID]) -> list[Contained]:
    with uow.office("stock"):
        movements = queries.movements_of_operations(uow.session, operation_ids)
    return [each for looker in _LOOKERS for each in looker(uow, movements)] if movements else []


def _told_before(uow: UnitOfWork, contained: Contained) -> Message:
    return say(
        "It happened before a stocktake counted it, and was told after: the stocktake contained it already. "
        "Stocktake %(stocktake)s, lot L-%(lot)s, place: %(place)s.",
        stocktake=str(contained.stocktake_id),
        lot=str(contained.lot_id),
        place=queries.place(uow.session, contained.place_id).code,
    )


def believed(told: datetime, now: datetime) -> datetime:
    """Return when it happened: as the device told it, or now, where its clock cannot be right.

    A phone that wakes up in 1970 or 9999 would else put its deeds before or behind all others; what it told stays in
    the row of the operation.
    """
    return now if _impossible(now - told) else min(told, now)


def _impossible(age: timedelta) -> bool:
    return age < -AHEAD_MAX or age > BEHIND_MAX


def _mark_clock(answer: dict[str, Any], age: timedelta) -> None:
    """Say that the device's own time cannot be right."""
    if _impossible(age):
        answer["clock"] = {"state": "ahead" if age < timedelta() else "behind", "seconds": int(age.total_seconds())}


def _reject(units_of_work: UnitsOfWork, asked: Asked, refusal: Refusal) -> Answer:
    """Keep the refusal as the final answer, unless a twin was answered meanwhile."""
    answer: dict[str, Any] = {"problem": kept(refusal)}
    with units_of_work() as uow:
        _mark_clock(answer, uow.now - asked.happened_at)
        stored = uow.session.execute(_STORE_IF_NEW, _row(uow, asked, "rejected", answer)).first()
        if stored is not None and refusal.remember is not None:
            refusal.remember(uow)
        if stored is not None and _concerns_goods(uow, asked, refusal):
            _open_review(uow, asked, "rejected", [refusal.message], refusal=refusal)
    if stored is None:
        earlier = _answered_meanwhile(units_of_work, asked)
        assert earlier is not None, "what cannot be stored is there already"
        return earlier
    return Answer(str(asked.operation_id), "rejected", answer)


def _answered_meanwhile(units_of_work: UnitsOfWork, asked: Asked) -> Answer | None:
    """Return the answer where the operation, or another under the device's number, is stored already."""
    with units_of_work() as uow:
        earlier = queries.operations(uow.session, [asked.operation_id]).get(asked.operation_id)
        if earlier is not None:
            return _again(asked, earlier, uow)
        if _number_taken(uow.session, asked):
            uow.record("operation.device_cloned", device_id=str(asked.device_id), sequence=asked.sequence)
            cloned = DeviceCloned(sequence=asked.sequence)
            if _concerns_goods(uow, asked, cloned):
                _open_review(uow, asked, "rejected", [cloned.message], refusal=cloned)
            return Answer(str(asked.operation_id), "rejected", {"problem": kept(cloned)})
    return None


def _number_taken(session: Session, asked: Asked) -> bool:
    statement = text("SELECT 1 FROM operation WHERE device_id = :device AND sequence = :sequence")
    return session.scalar(statement, {"device": asked.device_id, "sequence": asked.sequence}) is not None


def _again(asked: Asked, earlier: Operation, uow: UnitOfWork) -> Answer:
    """Answer an operation that was answered before; other content under its number is refused."""
    if earlier.payload_hash != asked.payload_hash:
        differs = OperationDiffers()
        if _concerns_goods(uow, asked, differs):
            # The number is taken; the same other content has the same number of its own.
            other = uuid5(asked.operation_id, asked.payload_hash)
            _open_review(uow, asked, "rejected", [differs.message], refusal=differs, operation_id=other)
        return Answer(str(asked.operation_id), "rejected", {"problem": kept(OperationDiffers())})
    return Answer(str(asked.operation_id), "duplicate", earlier.answer, earlier.outcome)


_INSERT = """
    INSERT INTO operation
           (id, device_id, sequence, kind, payload_hash, happened_at, recorded_at, actor_id, outcome, answer)
    VALUES (:id, :device_id, :sequence, :kind, :payload_hash, :happened_at, :recorded_at, :actor_id, :outcome,
            CAST(:answer AS jsonb))
"""
_STORE = text(_INSERT)
_STORE_IF_NEW = text(_INSERT + "ON CONFLICT DO NOTHING RETURNING id")


def _row(uow: UnitOfWork, asked: Asked, outcome: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": asked.operation_id,
        "device_id": asked.device_id,
        "sequence": asked.sequence,
        "kind": asked.kind,
        "payload_hash": asked.payload_hash,
        "happened_at": asked.happened_at,
        "recorded_at": uow.now,
        "actor_id": uow.actor.id,
        "outcome": outcome,
        "answer": json.dumps(answer),
    }


# What a person must look at ------------------------------------------------------------------------------------------

OPERATING = ("stock.operate", "runs.load", "runs.drive", "donations.receive")
"""Rights of those who have goods in their hands: what others send is refused, and that is all."""
LOOKED_AT_FIELDS = frozenset(
    {
        "item_id", "item_code", "gtin", "quantity", "place_id", "place", "from_place_id", "from_place", "to_place_id",
        "to_place", "lot_id", "lot_operation_id", "expires_on", "use_by", "batch", "condition", "source",
        "unit_value_huf", "movement_id", "reversed_operation_id", "parcel_id", "run_id", "done", "stocktake_id",
        "round", "box_id", "box", "to_box_id", "sscc", "transfer_id", "line_id", "write_off_id", "reason",
    }
)  # fmt: skip
"""What is kept of a payload: which goods, how many, where. Never who received them, a code, a signature."""
OF_PARCELS = LOOKED_AT_FIELDS - {"reason"}
"""Why something went wrong with a parcel may tell of a family."""
LEFT_OUT = "left_out"
CONTAINED = "contained"


def what_is_kept(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a person may see of a payload; says if anything was left out."""
    fields = OF_PARCELS if "parcel_id" in payload or "household_id" in payload else LOOKED_AT_FIELDS
    kept_fields = {
        name: value[:200] if isinstance(value, str) else value
        for name, value in payload.items()
        if name in fields and (value is None or isinstance(value, str | bool) or _is_storable_number(value))
    }
    found: dict[str, Any] = _storable(kept_fields)
    return found if len(found) == len(payload) else {**found, LEFT_OUT: True}


def _is_storable_number(value: Any) -> bool:
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _concerns_goods(uow: UnitOfWork, asked: Asked, refusal: Refusal) -> bool:
    registered = KINDS.get(asked.kind)
    plain = registered.plain if registered else ()
    return not isinstance(refusal, plain) and any(uow.actor.may(each) for each in OPERATING)


def _open_review(
    uow: UnitOfWork,
    asked: Asked,
    outcome: str,
    said: Sequence[Message],
    *,
    refusal: Refusal | None = None,
    contained: Sequence[Contained] = (),
    operation_id: UUID | None = None,
) -> None:
    payload = what_is_kept(asked.payload)
    registered = KINDS.get(asked.kind)
    home = registered.home(uow, payload) if registered and registered.home else None
    facts = refusal.facts if refusal else {}
    if contained:
        payload[CONTAINED] = [vars(each) for each in contained]
    discrepancies.open_review(
        uow,
        operation_id=operation_id or asked.operation_id,
        kind=asked.kind,
        outcome=outcome,
        payload=payload,
        said=said,
        happened_at=believed(asked.happened_at, uow.now),
        warehouse_id=home,
        missing=abs(contained[0].quantity) if contained else _missing(facts),
        lot_id=contained[0].lot_id if contained else None,
        place_id=contained[0].place_id if contained else None,
    )


def _missing(facts: Mapping[str, Any]) -> int | None:
    wanted, available = facts.get("wanted"), facts.get("available")
    return wanted - available if isinstance(wanted, int) and isinstance(available, int) else None


def do_again(uow: UnitOfWork, *, review_id: int, operation_id: UUID, note: str | None = None) -> Review:
    """Do now what was refused then, under a number of its own; refused again, nothing changes."""
    review = discrepancies.review_to_resolve(uow, review_id=review_id)
    if discrepancies.is_resolved(uow, review, "again"):
        return review
    registered = KINDS.get(review.kind)
    if registered is None or not may_be_done_again(review):
        raise CannotDoAgain
    done = registered.handler(
        uow,
        operation_id=operation_id,
        happened_at=review.happened_at,
        late=False,
        **registered.reader(review.payload),
    )
    if done.review:
        uow.record("review.done_again", subject=("review", review.id), sentences=len(done.review))
    movements = queries.movements_of_operation(uow.session, operation_id)
    last = movements[-1].id if movements else None
    return discrepancies.resolve(uow, review=review, resolution="again", note=note, movement_id=last)


def resolve(
    uow: UnitOfWork,
    *,
    review_id: int,
    resolution: str,
    operation_id: UUID,
    lot_id: int | None = None,
    place_id: int | None = None,
    quantity: int | None = None,
    note: str | None = None,
) -> Review:
    """Do about a discrepancy what was chosen: found, lost, contained, again, nothing."""
    deed: dict[str, Any] = {"review_id": review_id, "operation_id": operation_id, "note": note}
    where: dict[str, Any] = {"lot_id": lot_id, "place_id": place_id, "quantity": quantity}
    if resolution == "found":
        return discrepancies.book_found(uow, **deed, **where)
    if resolution == "lost":
        return discrepancies.book_lost(uow, **deed, **where)
    if resolution == "contained":
        return discrepancies.book_contained(uow, **deed)
    if resolution == "again":
        return do_again(uow, **deed)
    return discrepancies.close_without(uow, review_id=review_id, note=note)


def may_be_done_again(review: Review) -> bool:
    """Tell whether all that the device asked for is still known, and was not booked."""
    whole = LEFT_OUT not in review.payload and CONTAINED not in review.payload
    return review.outcome == "rejected" and review.kind in KINDS and bool(review.payload) and whole


def kept(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal as plain values that can be stored, and said in any language later."""
    problem: dict[str, Any] = {
        "type": refusal.kind,
        "status": refusal.status,
        "message": refusal.message.to_json(),
        "facts": {name: fact for name, fact in refusal.facts.items() if isinstance(fact, int | float | str | None)},
    }
    if isinstance(refusal, Invalid) and refusal.fields:
        problem["fields"] = {
            str(name)[:100]: [each.to_json() if isinstance(each, Message) else str(each) for each in said]
            for name, said in list(refusal.fields.items())[:20]
        }
    storable: dict[str, Any] = _storable(problem)
    return storable


def _storable(value: Any) -> Any:
    """Drop what JSONB cannot hold: NUL and lone surrogates that came in with names of fields."""
    if isinstance(value, str):
        return "".join(letter for letter in value if letter != "\x00" and not 0xD800 <= ord(letter) <= 0xDFFF)
    if isinstance(value, Mapping):
        return {_storable(name): _storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return value


# Reading ------------------------------------------------------------------------------------------------------------

_FIELDS = frozenset({"operation_id", "device_id", "sequence", "happened_at", "kind", "payload"})
_KIND = re.compile(r"[a-z][a-z_]{0,39}")


def read(raw: Any) -> Asked:
    """Return one operation, or refuse what has not the shape of one."""
    wrong: dict[str, list[Message | str]] = {}
    if not isinstance(raw, Mapping):
        raise Invalid(say("This is no operation."))
    for name in sorted(set(raw) - _FIELDS):
        wrong[name] = [say("This field is not known.")]
    operation_id, device_id = (_uuid(raw, name, wrong) for name in ("operation_id", "device_id"))
    sequence, kind, payload = raw.get("sequence"), raw.get("kind"), raw.get("payload")
    if not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 <= sequence <= SEQUENCE_MAX:
        wrong["sequence"] = [say("Write a whole number, such as 12.")]
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        wrong["kind"] = [say("This kind of operation is not known.")]
    if not isinstance(payload, Mapping):
        wrong["payload"] = [say("This must be an object.")]
    happened_at = _moment(raw.get("happened_at"))
    if happened_at is None:
        wrong["happened_at"] = [say("Write a time with its zone, such as 2026-11-24T08:14:00Z.")]
    if wrong:
        raise Invalid(say("Nothing was changed: the operation is not complete."), wrong)
    assert operation_id and device_id and happened_at, "what is missing was refused"
    assert isinstance(sequence, int) and isinstance(kind, str) and isinstance(payload, Mapping), "checked above"
    return Asked(operation_id, device_id, sequence, happened_at, kind, payload)


def _uuid(raw: Mapping[str, Any], name: str, wrong: dict[str, list[Message | str]]) -> UUID | None:
    value = raw.get(name)
    try:
        if isinstance(value, str) and len(value) == 36:
            return UUID(value)
    except ValueError:
        pass
    wrong[name] = [say("Write a UUID, such as 0192f6a0-7c1b-7d55-8a3e-1f2d3c4b5a69.")]
    return None


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _name_of(raw: Any) -> str | None:
    value = raw.get("operation_id") if isinstance(raw, Mapping) else None
    return value[:36] if isinstance(value, str) else None
