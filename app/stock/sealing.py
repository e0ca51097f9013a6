"""The ledger's seals: a chain of hashes for each warehouse, so that what was rewritten by force is found and named.

Digest: the SHA-256 of a movement's ids, quantity, kind and times; never of a reason or of who did it.
Seal: the digests of the movements that no seal held yet; its hash is over the hash before it and these digests.
Head: the number and hash of the newest seal. It is in the journal too, and on a page to be written down, so that a
chain that was cut short is noticed as well.

Sealing follows some seconds behind the ledger: a scan never waits for another one's hash. What waits is counted.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.foundation.actor import Scope
from app.foundation.unit_of_work import UnitOfWork
from app.stock import queries

SEAL_MOVEMENTS_MAX = 2_000
LATE = timedelta(minutes=30)
"""A movement may commit so much later than one with a higher number; jobs and statements end long before."""
BEHIND = timedelta(minutes=5)
"""What waits for its seal longer than this shows that nobody seals."""
RECENT_SEALS = 200
"""Among so many seals there is one that holds more than stragglers."""
NEWEST_SEALS = 5
"""So many are looked at to count what waits."""
BREACHES_MAX = 100
SEALED = "ledger.sealed"
_LOCK = 7_316_204_959
_DIGEST_BYTES = 16

# Fixed widths, the kind at the end: no two movements can give the same bytes.
_DIGEST = """
    substring(sha256(
        int8send(m.id) || uuid_send(m.operation_id) || int8send(m.line) || int8send(m.lot_id)
        || int8send(m.from_place_id) || int8send(m.to_place_id) || int8send(m.quantity) || int8send(m.warehouse_id)
        || timestamptz_send(m.happened_at) || timestamptz_send(m.recorded_at) || int8send(coalesce(m.reverses_id, 0))
        || convert_to(m.kind, 'UTF8')
    ) FROM 1 FOR 16)
"""

# Where sealing begins to look: below the floor everything was sealed, or was put there by force. A seal's ids ascend.
_FLOORS = f"""
    floors AS (
        SELECT warehouse.id AS warehouse_id, coalesce(below.highest, 0) AS floor, coalesce(below.first, 0) AS first
        FROM warehouse
        CROSS JOIN (SELECT max(sealed_at) - CAST(:late AS interval) AS at FROM ledger_seal) AS cut
        LEFT JOIN LATERAL (
            SELECT max(old.movement_ids[cardinality(old.movement_ids)]) AS highest, min(old.number) AS first
            FROM (
                SELECT movement_ids, number FROM ledger_seal
                WHERE ledger_seal.warehouse_id = warehouse.id AND sealed_at < cut.at
                ORDER BY number DESC LIMIT {RECENT_SEALS}
            ) AS old
        ) AS below ON true
        WHERE CAST(:warehouses AS bigint[]) IS NULL OR warehouse.id = ANY (CAST(:warehouses AS bigint[]))
    )
"""

_WAITING = f"""
    {_FLOORS},
    held AS (
        SELECT unnest(ledger_seal.movement_ids) AS id
        FROM floors JOIN ledger_seal ON ledger_seal.warehouse_id = floors.warehouse_id
                                    AND ledger_seal.number >= floors.first
    ),
    waiting AS (
        SELECT movement.* FROM floors
        JOIN movement ON movement.warehouse_id = floors.warehouse_id AND movement.id > floors.floor
        WHERE NOT EXISTS (SELECT FROM held WHERE held.id = movement.id)
    )
"""

_TO_SEAL = text(
    f"""
    WITH {_WAITING}
    SELECT warehouse_id, array_agg(id ORDER BY id), string_agg(digest, ''::bytea ORDER BY id)
    FROM (
        SELECT m.warehouse_id, m.id, {_DIGEST} AS digest,
               (row_number() OVER (PARTITION BY m.warehouse_id ORDER BY m.id) - 1) / {SEAL_MOVEMENTS_MAX} AS part
        FROM waiting AS m
    ) AS one
    GROUP BY warehouse_id, part
    ORDER BY warehouse_id, part
    """
)

_HEADS = text(
    """
    SELECT DISTINCT ON (warehouse_id) warehouse_id, number, hash, sealed_at FROM ledger_seal
    WHERE CAST(:warehouses AS bigint[]) IS NULL OR warehouse_id = ANY (CAST(:warehouses AS bigint[]))
    ORDER BY warehouse_id, number DESC
    """
)

_WRITE = text(
    """
    INSERT INTO ledger_seal (warehouse_id, number, movement_ids, digests, hash, sealed_at)
    VALUES (:warehouse_id, :number, :movement_ids, :digests, :hash, :sealed_at)
    """
)


@dataclass(frozen=True)
class Head:
    """The newest seal of a warehouse."""

    warehouse_id: int
    number: int
    hash: str
    sealed_at: datetime | None = None


@dataclass(frozen=True)
class Sealed:
    """What one sealing did."""

    seals: int
    movements: int
    heads: Sequence[Head]
    """The new heads."""


def use_memory(uow: UnitOfWork) -> None:
    """Let this transaction sort and join a whole ledger in memory: for a job or a script, of which there is one."""
    uow.session.execute(text("SET LOCAL work_mem = '256MB'"))


def seal(uow: UnitOfWork) -> Sealed:
    """Seal every movement that no seal holds yet, and write the new heads in the journal."""
    uow.actor.require_for("ledger.verify")
    session, movements, written = uow.session, 0, []
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    with uow.office("stock"):
        everywhere = {"warehouses": None}
        heads = {row[0]: (row[1], bytes(row[2])) for row in session.execute(_HEADS, everywhere)}
        for warehouse_id, ids, digests in session.execute(_TO_SEAL, {**everywhere, "late": LATE}):
            number, before = heads.get(warehouse_id, (0, origin(warehouse_id)))
            heads[warehouse_id] = (number + 1, link(before, bytes(digests)))
            movements += len(ids)
            written.append(
                {
                    "warehouse_id": warehouse_id,
                    "number": number + 1,
                    "movement_ids": ids,
                    "digests": bytes(digests),
                    "hash": heads[warehouse_id][1],
                    "sealed_at": uow.now,
                }
            )
        if written:
            session.execute(_WRITE, written)
    new = []
    for warehouse_id in sorted({row["warehouse_id"] for row in written}):
        number, hashed = heads[warehouse_id]
        new.append(Head(warehouse_id, number, hashed.hex(), uow.now))
        uow.record("ledger.sealed", subject=("warehouse", warehouse_id), number=number, hash=hashed.hex())
    return Sealed(len(written), movements, new)


def origin(warehouse_id: int) -> bytes:
    """Return what the first seal of a warehouse is linked to."""
    return hashlib.sha256(warehouse_id.to_bytes(8, "big", signed=True)).digest()


def link(before: bytes, digests: bytes) -> bytes:
    """Return the hash of a seal after the one before it."""
    return hashlib.sha256(before + digests).digest()


# The check ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Breach:
    """Something that nobody could have done through the application."""

    kind: str
    """changed, missing, inserted (a movement); seal_changed, seal_missing, head_differs (a seal)."""
    warehouse_id: int
    number: int | None = None
    """The seal."""
    movement_id: int | None = None


@dataclass
class Chain:
    """The seals of one warehouse."""

    warehouse_id: int
    code: str
    name: str
    number: int = 0
    hash: str = ""
    """The head, in hexadecimal digits."""
    sealed_at: datetime | None = None
    waiting: int = 0
    """Movements without a seal yet."""
    waiting_since: datetime | None = None
    breaches: int | None = None
    """None: not looked for."""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        times = {"sealed_at": self.sealed_at, "waiting_since": self.waiting_since}
        return {**vars(self), **{name: at and at.isoformat() for name, at in times.items()}}


@dataclass(frozen=True)
class ChainProof:
    """The chains of some warehouses, and what is broken in them."""

    chains: Sequence[Chain]
    seals: int = 0
    movements: int = 0
    """Sealed ones."""
    breaches: Sequence[Breach] = ()

    @property
    def holds(self) -> bool:
        """Tell whether nothing is broken."""
        return not self.breaches

    @property
    def waiting(self) -> int:
        """Return how many movements have no seal yet."""
        return sum(each.waiting for each in self.chains)

    def behind(self, now: datetime) -> bool:
        """Tell whether movements wait for their seal longer than they should."""
        return any(each.waiting_since is not None and now - each.waiting_since > BEHIND for each in self.chains)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values, the first breaches with it."""
        return {
            "holds": self.holds,
            "seals": self.seals,
            "movements": self.movements,
            "waiting": self.waiting,
            "breaches": [vars(each) for each in self.breaches[:BREACHES_MAX]],
            "breaches_in_all": len(self.breaches),
            "chains": [each.as_json() for each in self.chains],
        }


_SEALS = """
    seals AS (
        SELECT * FROM ledger_seal
        WHERE CAST(:warehouses AS bigint[]) IS NULL OR warehouse_id = ANY (CAST(:warehouses AS bigint[]))
    )
"""

# What waits is counted above the highest number that is sealed: whoever is below it gets its seal at the next turn.
_CHAINS = text(
    f"""
    SELECT warehouse.id, warehouse.code, warehouse.name, coalesce(head.number, 0), head.hash, head.sealed_at,
           late.number, late.since
    FROM warehouse
    LEFT JOIN LATERAL (
        SELECT number, hash, sealed_at FROM ledger_seal
        WHERE ledger_seal.warehouse_id = warehouse.id ORDER BY number DESC LIMIT 1
    ) AS head ON true
    LEFT JOIN LATERAL (
        SELECT max(newest.movement_ids[cardinality(newest.movement_ids)]) AS highest
        FROM (
            SELECT movement_ids FROM ledger_seal WHERE ledger_seal.warehouse_id = warehouse.id
            ORDER BY number DESC LIMIT {NEWEST_SEALS}
        ) AS newest
    ) AS sealed ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS number, min(recorded_at) AS since FROM movement
        WHERE movement.warehouse_id = warehouse.id AND movement.id > coalesce(sealed.highest, 0)
    ) AS late
    WHERE CAST(:warehouses AS bigint[]) IS NULL OR warehouse.id = ANY (CAST(:warehouses AS bigint[]))
    ORDER BY warehouse.name, warehouse.id
    """
)

# One statement finds everything. Whole seals are compared first: only where one differs is it looked through movement
# by movement. All that the journal ever said is compared: a seal that was removed and made again has two entries.
_BREACHES = text(
    f"""
    WITH {_FLOORS}, {_SEALS},
    linked AS (
        SELECT warehouse_id, number, hash, digests, cardinality(movement_ids) AS movements,
               coalesce(lag(number) OVER in_order, 0) + 1 AS expected,
               coalesce(lag(hash) OVER in_order, sha256(int8send(warehouse_id))) AS before
        FROM seals WINDOW in_order AS (PARTITION BY warehouse_id ORDER BY number)
    ),
    held AS MATERIALIZED (
        SELECT seals.id AS seal_id, one.id, one.position
        FROM seals CROSS JOIN LATERAL unnest(seals.movement_ids) WITH ORDINALITY AS one (id, position)
    ),
    again AS (
        SELECT held.seal_id, string_agg({_DIGEST}, ''::bytea ORDER BY held.position) AS digests
        FROM held JOIN movement AS m ON m.id = held.id
        GROUP BY held.seal_id
    ),
    other AS (
        SELECT seals.* FROM seals LEFT JOIN again ON again.seal_id = seals.id
        WHERE seals.digests IS DISTINCT FROM again.digests
    )
    SELECT 'seal_missing', warehouse_id, gone.number, NULL::bigint
    FROM linked CROSS JOIN LATERAL generate_series(expected, least(number, expected + {BREACHES_MAX}) - 1)
         AS gone (number)
    UNION
    SELECT 'seal_changed', warehouse_id, number, NULL FROM linked
    WHERE number = expected
      AND (hash <> sha256(before || digests) OR length(digests) <> {_DIGEST_BYTES} * movements)
    UNION
    SELECT CASE WHEN seals.hash IS NULL THEN 'seal_missing' ELSE 'head_differs' END, entry.subject_id,
           (entry.details->>'number')::bigint, NULL
    FROM journal_entry AS entry
    LEFT JOIN seals ON seals.warehouse_id = entry.subject_id AND seals.number = (entry.details->>'number')::bigint
    WHERE entry.deed = '{SEALED}' AND entry.subject_kind = 'warehouse'
      AND (CAST(:warehouses AS bigint[]) IS NULL OR entry.subject_id = ANY (CAST(:warehouses AS bigint[])))
      AND (seals.hash IS NULL OR encode(seals.hash, 'hex') <> entry.details->>'hash')
    UNION
    SELECT CASE WHEN m.id IS NULL THEN 'missing' ELSE 'changed' END, other.warehouse_id, other.number, one.id
    FROM other
    CROSS JOIN LATERAL unnest(other.movement_ids) WITH ORDINALITY AS one (id, position)
    LEFT JOIN movement AS m ON m.id = one.id
    WHERE m.id IS NULL
       OR {_DIGEST} <> substring(other.digests FROM {_DIGEST_BYTES} * (one.position::int - 1) + 1
                                 FOR {_DIGEST_BYTES})
    UNION
    SELECT 'inserted', movement.warehouse_id, NULL, movement.id
    FROM floors JOIN movement ON movement.warehouse_id = floors.warehouse_id AND movement.id <= floors.floor
    WHERE NOT EXISTS (SELECT FROM held WHERE held.id = movement.id)
    UNION
    SELECT '', NULL, count(*), coalesce(sum(cardinality(movement_ids)), 0)::bigint FROM seals
    ORDER BY 2, 3, 4
    """
)


def chains(session: Session, warehouse_ids: Iterable[int] | None = None) -> list[Chain]:
    """Return each warehouse's head and what waits for a seal, without checking anything."""
    rows = session.execute(_CHAINS, _chosen(warehouse_ids))
    return [
        Chain(row[0], row[1], row[2], row[3], bytes(row[4]).hex() if row[4] else "", row[5], row[6], row[7])
        for row in rows
    ]


def verify_chain(session: Session, warehouse_ids: Iterable[int] | None = None) -> ChainProof:
    """Compute every digest and every link again, and say what is not as it was sealed.

    The session must see all rows: an actor with all grants, or the office of the stock.
    """
    rows = session.execute(_BREACHES, {**_chosen(warehouse_ids), "late": LATE}).all()
    seals, movements = next((row[2], row[3]) for row in rows if not row[0])
    breaches = [Breach(*row) for row in rows if row[0]]
    found = chains(session, warehouse_ids)
    by_warehouse: dict[int, int] = defaultdict(int)
    for breach in breaches:
        by_warehouse[breach.warehouse_id] += 1
    for chain in found:
        chain.breaches = by_warehouse[chain.warehouse_id]
    return ChainProof(found, int(seals), int(movements), tuple(breaches))


def _chosen(warehouse_ids: Iterable[int] | None) -> dict[str, Any]:
    return {"warehouses": None if warehouse_ids is None else list(warehouse_ids)}


def verify(uow: UnitOfWork, *, check: bool = True) -> ChainProof:
    """Check the chains of all warehouses that the actor may prove; without ``check`` only say where they stand."""
    ids = _provable(uow)
    with uow.office("stock"):
        return verify_chain(uow.session, ids) if check else ChainProof(chains(uow.session, ids))


def prove(uow: UnitOfWork) -> tuple[queries.Proof, ChainProof]:
    """Return the proof of the balances and the check of the chains of all warehouses that the actor may prove."""
    ids = _provable(uow)
    with uow.office("stock"):
        return queries.verify(uow.session, ids), verify_chain(uow.session, ids)


def _provable(uow: UnitOfWork) -> Iterable[int] | None:
    uow.actor.require("ledger.verify")
    scope = uow.actor.grants["ledger.verify"]
    return None if scope is Scope.ALL else uow.actor.reach.get(Scope.WAREHOUSE, ())
