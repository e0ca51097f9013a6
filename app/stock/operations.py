"""What devices ask for: each operation acts once and for ever, in its own transaction, and gets a final answer.

A package registers its kinds at import: ``@operation("receive", reader)`` over a handler; the reader turns a payload
into the handler's arguments and refuses what has the wrong shape. The device keeps an operation until its answer.
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
from uuid import UUID

from psycopg import errors as pg
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from app.foundation.actor import Actor
from app.foundation.errors import Invalid, Refusal
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import queries
from app.stock.errors import DeviceCloned, OperationDiffers, UnknownKind
from app.stock.models import Operation

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


@dataclass(frozen=True)
class Registered:
    """A kind of operation."""

    kind: str
    reader: Reader
    handler: Handler


KINDS: dict[str, Registered] = {}


def operation(kind: str, reader: Reader) -> Callable[[Handler], Handler]:
    """Register a kind: ``handler(uow, *, operation_id, happened_at, late, **what the reader returned) -> Done``.

    ``late`` tells that it was done long before we learnt of it.
    """

    def register(handler: Handler) -> Handler:
        KINDS[kind] = Registered(kind, reader, handler)
        return handler

    return register


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
    known: dict[UUID, Operation] | None = None
    for number, each in asked:
        if known is None:
            known = {}
            # One alone is tried at once: if it was done before, the database says so.
            others = [other.operation_id for _, other in asked] if len(asked) > 1 else []
            answers[number] = _apply(units_of_work, each, known, others)
        else:
            answers[number] = _apply(units_of_work, each, known)
    return [answers[number] for number in range(len(operations))]


def _apply(
    units_of_work: UnitsOfWork, asked: Asked, known: dict[UUID, Operation], look_up: Sequence[UUID] = ()
) -> Answer:
    for attempt in range(TRIES):
        try:
            with units_of_work() as uow:
                if look_up:
                    known.update(queries.operations(uow.session, look_up))
                if asked.operation_id in known:
                    return _again(asked, known[asked.operation_id])
                return _act(uow, asked)
        except Refusal as refusal:
            return _reject(units_of_work, asked, refusal)
        except (IntegrityError, OperationalError) as error:
            if not isinstance(error.orig, RACES):
                raise
            earlier = _answered_meanwhile(units_of_work, asked)
            if earlier is not None:
                return earlier
            if attempt + 1 == TRIES:
                raise
    raise AssertionError("the last try answers or raises")


RACES = (pg.UniqueViolation, pg.DeadlockDetected, pg.SerializationFailure, pg.LockNotAvailable)


def _act(uow: UnitOfWork, asked: Asked) -> Answer:
    registered = KINDS.get(asked.kind)
    if registered is None:
        raise UnknownKind(operation=asked.kind)
    age = uow.now - asked.happened_at
    done = registered.handler(
        uow,
        operation_id=asked.operation_id,
        happened_at=asked.happened_at,
        late=LATE < age <= BEHIND_MAX,
        **registered.reader(asked.payload),
    )
    outcome = "needs_review" if done.review else "applied"
    answer: dict[str, Any] = {"result": dict(done.result)}
    if done.review:
        answer["review"] = [sentence.to_json() for sentence in done.review]
    _mark_clock(answer, age)
    uow.session.execute(_STORE, _row(uow, asked, outcome, answer))
    return Answer(str(asked.operation_id), outcome, answer)


def _mark_clock(answer: dict[str, Any], age: timedelta) -> None:
    """Keep the device's own time, but say that it cannot be right."""
    if age < -AHEAD_MAX or age > BEHIND_MAX:
        answer["clock"] = {"state": "ahead" if age < timedelta() else "behind", "seconds": int(age.total_seconds())}


def _reject(units_of_work: UnitsOfWork, asked: Asked, refusal: Refusal) -> Answer:
    """Keep the refusal as the final answer, unless a twin was answered meanwhile."""
    answer: dict[str, Any] = {"problem": kept(refusal)}
    with units_of_work() as uow:
        _mark_clock(answer, uow.now - asked.happened_at)
        stored = uow.session.execute(_STORE_IF_NEW, _row(uow, asked, "rejected", answer)).first()
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
            return _again(asked, earlier)
        if _number_taken(uow.session, asked):
            uow.record("operation.device_cloned", device_id=str(asked.device_id), sequence=asked.sequence)
            cloned = DeviceCloned(sequence=asked.sequence)
            return Answer(str(asked.operation_id), "rejected", {"problem": kept(cloned)})
    return None


def _number_taken(session: Session, asked: Asked) -> bool:
    statement = text("SELECT 1 FROM operation WHERE device_id = :device AND sequence = :sequence")
    return session.scalar(statement, {"device": asked.device_id, "sequence": asked.sequence}) is not None


def _again(asked: Asked, earlier: Operation) -> Answer:
    """Answer an operation that was answered before; other content under its number is refused."""
    if earlier.payload_hash != asked.payload_hash:
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
