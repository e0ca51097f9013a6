"""The only writer of movements and balances.

Every change goes hold → judge → post: ``hold`` locks the balances, always in the order of their ids, so that opposite
moves cannot deadlock; the caller judges what it sees; ``post`` writes the movements and carries the balances forward.
The statements are plain SQL over whole sets: one scan and ten thousand lots cost the same number of round trips.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session, make_transient_to_detached

from app.foundation.actor import Scope
from app.foundation.unit_of_work import UnitOfWork
from app.stock.errors import NoSuchLot, NoSuchPlace, NotEnoughStock
from app.stock.models import REAL, Kind, Movement

NEVER = date(9999, 12, 31)
"""The expiry of what does not expire, in balances."""

OFFICE = "stock"
WRITERS = ("stock.operate", "stock.write_off", "donations.receive")
"""Rights that write balances."""

Key = tuple[int, int]
"""A lot and a place."""


@dataclass(slots=True)
class Held:
    """A balance under lock, with what a judge needs to know about its lot and place."""

    id: int
    lot_id: int
    place_id: int
    on_hand: int
    reserved: int
    guarded: bool
    warehouse_id: int
    county_id: int
    place_code: str
    place_kind: str
    place_retired: bool
    lot_state: str
    expires_on: date | None
    item_id: int
    item_name: str

    @property
    def available(self) -> int:
        """Return what nobody has spoken for."""
        return self.on_hand - self.reserved

    def must_cover(self, wanted: int) -> None:
        """Refuse to take more out of a real place than is available there."""
        if self.guarded and wanted > self.available:
            raise NotEnoughStock(
                item=self.item_name,
                place=self.place_code,
                wanted=wanted,
                available=self.available,
                on_hand=self.on_hand,
                lot_id=self.lot_id,
                place_id=self.place_id,
            )


@dataclass(frozen=True, slots=True)
class Line:
    """One movement to be made. ``reserved`` of its quantity was spoken for by a reservation that it consumes."""

    lot_id: int
    from_place_id: int
    to_place_id: int
    quantity: int
    kind: Kind
    operation_id: UUID
    number: int = 0
    reason: str | None = None
    happened_at: datetime | None = None
    reverses_id: int | None = None
    reserved: int = 0


# FOR UPDATE reads the newest row. These are rows, not ORM objects, so that no stale object is handed back.
_LOCK = text(
    """
    SELECT balance.id, balance.lot_id, balance.place_id, balance.on_hand, balance.reserved, balance.guarded,
           balance.warehouse_id, balance.county_id, place.code, place.kind, place.retired_at IS NOT NULL,
           lot.state, lot.expires_on, lot.item_id, item.name_hu
    FROM unnest(CAST(:lots AS bigint[]), CAST(:places AS bigint[])) AS wanted (lot_id, place_id)
    JOIN balance ON balance.lot_id = wanted.lot_id AND balance.place_id = wanted.place_id
    JOIN place ON place.id = balance.place_id
    JOIN lot ON lot.id = balance.lot_id
    JOIN item ON item.id = lot.item_id
    ORDER BY balance.id
    FOR UPDATE OF balance
    """
)

_LOCK_TWO = text(
    """
    SELECT balance.id, balance.lot_id, balance.place_id, balance.on_hand, balance.reserved, balance.guarded,
           balance.warehouse_id, balance.county_id, place.code, place.kind, place.retired_at IS NOT NULL,
           lot.state, lot.expires_on, lot.item_id, item.name_hu
    FROM balance
    JOIN place ON place.id = balance.place_id
    JOIN lot ON lot.id = balance.lot_id
    JOIN item ON item.id = lot.item_id
    WHERE balance.lot_id = :lot AND balance.place_id IN (:one, :other)
    ORDER BY balance.id
    FOR UPDATE OF balance
    """
)

# In one order, because two that insert the same pairs wait for each other.
_OPEN = text(
    """
    INSERT INTO balance
           (lot_id, place_id, item_id, expires_on, warehouse_id, county_id, guarded, on_hand, reserved)
    SELECT lot.id, place.id, lot.item_id, coalesce(lot.expires_on, :never), place.warehouse_id, place.county_id,
           place.kind = ANY (CAST(:real AS text[])), 0, 0
    FROM unnest(CAST(:lots AS bigint[]), CAST(:places AS bigint[])) AS wanted (lot_id, place_id)
    JOIN lot ON lot.id = wanted.lot_id
    JOIN place ON place.id = wanted.place_id
    WHERE :everywhere OR place.warehouse_id = ANY (CAST(:warehouses AS bigint[]))
       OR place.county_id = ANY (CAST(:counties AS bigint[]))
    ORDER BY lot.id, place.id
    ON CONFLICT (lot_id, place_id) DO NOTHING
    """
)

_CARRY = text(
    """
    UPDATE balance
    SET on_hand = balance.on_hand + change.on_hand, reserved = balance.reserved + change.reserved
    FROM unnest(CAST(:ids AS bigint[]), CAST(:on_hand AS bigint[]), CAST(:reserved AS bigint[]))
         AS change (id, on_hand, reserved)
    WHERE balance.id = change.id
    """
)

_WRITE = text(
    """
    INSERT INTO movement
           (operation_id, line, lot_id, from_place_id, to_place_id, quantity, kind, happened_at, recorded_at,
            reverses_id, reason, actor_id, warehouse_id, county_id)
    SELECT operation_id, line, lot_id, from_place_id, to_place_id, quantity, kind, happened_at, :recorded_at,
           reverses_id, reason, :actor_id, warehouse_id, county_id
    FROM unnest(CAST(:operation_id AS uuid[]), CAST(:line AS bigint[]), CAST(:lot_id AS bigint[]),
                CAST(:from_place_id AS bigint[]), CAST(:to_place_id AS bigint[]), CAST(:quantity AS bigint[]),
                CAST(:kind AS text[]), CAST(:happened_at AS timestamptz[]), CAST(:reverses_id AS bigint[]),
                CAST(:reason AS text[]), CAST(:warehouse_id AS bigint[]), CAST(:county_id AS bigint[]))
         WITH ORDINALITY AS line (operation_id, line, lot_id, from_place_id, to_place_id, quantity, kind, happened_at,
                                  reverses_id, reason, warehouse_id, county_id, position)
    ORDER BY position
    RETURNING id, operation_id, line
    """
)

_WRITTEN = (
    "operation_id", "line", "lot_id", "from_place_id", "to_place_id", "quantity", "kind", "happened_at", "reverses_id",
    "reason", "warehouse_id", "county_id",
)  # fmt: skip


def hold(uow: UnitOfWork, keys: Iterable[Key], *, new: bool = False) -> dict[Key, Held]:
    """Lock the balances of lots in places, making those that are missing; nobody changes them until we commit.

    ``new`` spares a look at balances that cannot be there yet.
    """
    session = uow.session
    wanted = sorted(set(keys))
    held = {} if new else _lock(session, wanted)
    missing = [key for key in wanted if key not in held]
    if missing:
        lots, places = [lot_id for lot_id, _ in missing], [place_id for _, place_id in missing]
        session.execute(_OPEN, {"lots": lots, "places": places, "never": NEVER, "real": sorted(REAL), **_reach(uow)})
        held = _lock(session, wanted)
        for lot_id, place_id in missing:
            if (lot_id, place_id) not in held:
                _say_what_is_missing(session, lot_id, place_id)
    return held


def _lock(session: Session, keys: Sequence[Key]) -> dict[Key, Held]:
    if len(keys) == 2 and keys[0][0] == keys[1][0]:
        parameters: dict[str, Any] = {"lot": keys[0][0], "one": keys[0][1], "other": keys[1][1]}
        rows = session.execute(_LOCK_TWO, parameters)
    else:
        rows = session.execute(_LOCK, {"lots": [key[0] for key in keys], "places": [key[1] for key in keys]})
    return {(row[1], row[2]): Held(*row) for row in rows}


def _reach(uow: UnitOfWork) -> dict[str, Any]:
    """Return where this actor may open balances; elsewhere row-level security would answer with a fault."""
    held = [uow.actor.grants.get(permission) for permission in WRITERS]
    return {
        "everywhere": uow._office == OFFICE or Scope.ALL in held,
        "warehouses": list(uow.actor.reach.get(Scope.WAREHOUSE, ())) if Scope.WAREHOUSE in held else [],
        "counties": list(uow.actor.reach.get(Scope.COUNTY, ())) if Scope.COUNTY in held else [],
    }


def _say_what_is_missing(session: Session, lot_id: int, place_id: int) -> None:
    if session.scalar(text("SELECT 1 FROM lot WHERE id = :id"), {"id": lot_id}) is None:
        raise NoSuchLot(lot_id=lot_id)
    raise NoSuchPlace(place_id=place_id)


def post(uow: UnitOfWork, held: Mapping[Key, Held], lines: Sequence[Line]) -> list[Movement]:
    """Write movements over held balances, in order; refuse all of them when one takes more than is there.

    ``held`` is carried forward too. The movements come back as plain, unattached objects: they never change.
    """
    before = {key: (each.on_hand, each.reserved) for key, each in held.items()}
    try:
        for line in lines:
            _carry_forward(held, line)
    except NotEnoughStock:
        for key, (on_hand, reserved) in before.items():
            held[key].on_hand, held[key].reserved = on_hand, reserved
        raise
    changes = [
        (each.id, each.on_hand - before[key][0], each.reserved - before[key][1])
        for key, each in held.items()
        if (each.on_hand, each.reserved) != before[key]
    ]
    _carry(uow.session, changes)
    rows = [_row(uow, held, line) for line in lines]
    parameters: dict[str, Any] = {name: [row[name] for row in rows] for name in _WRITTEN}
    written = uow.session.execute(_WRITE, {**parameters, "recorded_at": uow.now, "actor_id": uow.actor.id})
    ids = {(row[1], row[2]): row[0] for row in written}
    return [_movement(ids[row["operation_id"], row["line"]], uow, row) for row in rows]


def _carry_forward(held: Mapping[Key, Held], line: Line) -> None:
    assert line.quantity > 0, "a movement moves something"
    assert line.from_place_id != line.to_place_id, "a movement has two ends"
    source, target = held[line.lot_id, line.from_place_id], held[line.lot_id, line.to_place_id]
    source.must_cover(line.quantity - line.reserved)
    assert line.reserved <= source.reserved, "what a reservation holds is reserved"
    source.on_hand -= line.quantity
    source.reserved -= line.reserved
    target.on_hand += line.quantity


def _row(uow: UnitOfWork, held: Mapping[Key, Held], line: Line) -> dict[str, Any]:
    source, target = held[line.lot_id, line.from_place_id], held[line.lot_id, line.to_place_id]
    home = source if source.guarded else target
    return {
        "operation_id": line.operation_id,
        "line": line.number,
        "lot_id": line.lot_id,
        "from_place_id": line.from_place_id,
        "to_place_id": line.to_place_id,
        "quantity": line.quantity,
        "kind": line.kind.value,
        "happened_at": line.happened_at or uow.now,
        "reverses_id": line.reverses_id,
        "reason": line.reason,
        "warehouse_id": home.warehouse_id,
        "county_id": home.county_id,
    }


def _movement(movement_id: int, uow: UnitOfWork, row: Mapping[str, Any]) -> Movement:
    movement = Movement(id=movement_id, recorded_at=uow.now, actor_id=uow.actor.id, **row)
    make_transient_to_detached(movement)
    return movement


def speak_for(session: Session, held: Mapping[Key, Held], changes: Mapping[Key, int]) -> None:
    """Change how much of held balances is reserved; more than is available is refused, less than nothing is a bug."""
    for key, change in changes.items():
        if change > 0:
            held[key].must_cover(change)
        assert held[key].reserved + change >= 0, "no more is released than was reserved"
    for key, change in changes.items():
        held[key].reserved += change
    _carry(session, [(held[key].id, 0, change) for key, change in changes.items() if change])


def _carry(session: Session, changes: Sequence[tuple[int, int, int]]) -> None:
    if changes:
        ids, on_hand, reserved = zip(*changes, strict=True)
        session.execute(_CARRY, {"ids": list(ids), "on_hand": list(on_hand), "reserved": list(reserved)})
