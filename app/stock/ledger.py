"""The only writer of movements and balances.

Every change goes hold → judge → post: ``hold`` locks the balances, always in the order of their ids, so that opposite
moves cannot deadlock; the caller judges what it sees; ``post`` writes the movements and carries the balances forward.
The statements are plain SQL over whole sets: one scan and ten thousand lots cost the same number of round trips.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.orm import ORMExecuteState, Session, make_transient_to_detached

from app.foundation.actor import Actor, Scope
from app.foundation.unit_of_work import UnitOfWork
from app.stock.errors import NoSuchLot, NoSuchPlace, NotEnoughStock
from app.stock.models import REAL, Kind, Movement

OFFICE = "stock"
WRITERS = ("stock.operate", "stock.write_off", "donations.receive")
"""Rights that write balances."""

Key = tuple[int, int]
"""A lot and a place."""


@dataclass(slots=True)
class Held:
    """A balance under lock, with what a judge needs to know about its lot and place."""

    id: int | None
    """None where there is none yet: it holds nothing."""
    lot_id: int
    place_id: int
    on_hand: int
    reserved: int
    place_kind: str
    warehouse_id: int
    county_id: int
    place_code: str
    place_retired: bool
    lot_state: str
    expires_on: date | None
    item_id: int
    item_name: str
    storage_class: str
    """Of the item: how it must be kept."""
    kept: str
    """How things are kept in this place."""
    boxed: bool
    """It is a box; ``place_kind`` is that of the place where it stands."""

    @property
    def guarded(self) -> bool:
        """Tell whether it must not go below zero."""
        return self.place_kind in REAL

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


Changed = tuple[Held, int, int]
"""A balance, and by how much it changes: on hand, reserved."""


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


# FOR UPDATE reads the newest row. These are rows, not ORM objects, so that no stale object is handed back. A balance
# that is missing holds nothing; ``post`` makes it.
_LOCKED = """
    SELECT locked.id, lot.id, place.id, coalesce(locked.on_hand, 0), coalesce(locked.reserved, 0),
           coalesce(root.kind, place.kind), place.warehouse_id, place.county_id, place.code,
           place.retired_at IS NOT NULL, lot.state, lot.expires_on, lot.item_id, item.name_hu, item.storage_class,
           coalesce(root.storage_class, place.storage_class), root.id IS NOT NULL
"""

_HOLD = text(
    f"""
    WITH wanted AS (
        SELECT lot_id, place_id
        FROM unnest(CAST(:lots AS bigint[]), CAST(:places AS bigint[])) AS wanted (lot_id, place_id)
    ),
    locked AS (
        SELECT balance.id, balance.lot_id, balance.place_id, balance.on_hand, balance.reserved
        FROM wanted JOIN balance ON balance.lot_id = wanted.lot_id AND balance.place_id = wanted.place_id
        ORDER BY balance.id
        FOR UPDATE OF balance
    )
    {_LOCKED}
    FROM wanted
    JOIN lot ON lot.id = wanted.lot_id
    JOIN item ON item.id = lot.item_id
    JOIN place ON place.id = wanted.place_id
    LEFT JOIN place AS root ON root.id = place.root_id
    LEFT JOIN locked ON locked.lot_id = wanted.lot_id AND locked.place_id = wanted.place_id
    """
)

_HOLD_TWO = text(
    f"""
    WITH locked AS (
        SELECT id, place_id, on_hand, reserved FROM balance
        WHERE lot_id = :lot AND place_id IN (:one, :other)
        ORDER BY id
        FOR UPDATE
    )
    {_LOCKED}
    FROM lot
    JOIN item ON item.id = lot.item_id
    JOIN place ON place.id IN (:one, :other)
    LEFT JOIN place AS root ON root.id = place.root_id
    LEFT JOIN locked ON locked.place_id = place.id
    WHERE lot.id = :lot
    """
)

_CARRY = """
    UPDATE balance
    SET on_hand = balance.on_hand + change.on_hand, reserved = balance.reserved + change.reserved
    FROM unnest(CAST(:ids AS bigint[]), CAST(:on_hand AS bigint[]), CAST(:reserved AS bigint[]))
         AS change (id, on_hand, reserved)
    WHERE balance.id = change.id
"""

# A twin may open the same balance at this moment: then both quantities are in it. Opened in one order, because two
# that insert the same pairs wait for each other.
_POST = text(
    f"""
    WITH carried AS ({_CARRY}),
    opened AS (
        INSERT INTO balance
               (lot_id, place_id, item_id, expires_on, warehouse_id, county_id, guarded, on_hand, reserved)
        SELECT lot.id, place.id, lot.item_id, coalesce(lot.expires_on, DATE '9999-12-31'), place.warehouse_id,
               place.county_id, place.kind = ANY (CAST(:real AS text[])), change.on_hand, 0
        FROM unnest(CAST(:new_lots AS bigint[]), CAST(:new_places AS bigint[]), CAST(:new_on_hand AS bigint[]))
             AS change (lot_id, place_id, on_hand)
        JOIN lot ON lot.id = change.lot_id
        JOIN place ON place.id = change.place_id
        ORDER BY lot.id, place.id
        ON CONFLICT (lot_id, place_id) DO UPDATE SET on_hand = balance.on_hand + excluded.on_hand
    ),
    written AS (
        INSERT INTO movement
               (id, operation_id, line, lot_id, from_place_id, to_place_id, quantity, kind, happened_at, recorded_at,
                reverses_id, reason, actor_id, warehouse_id, county_id, inside)
        SELECT coalesce(id, nextval('movement_id_seq')), operation_id, line, lot_id, from_place_id, to_place_id,
               quantity, kind, happened_at, :recorded_at, reverses_id, reason, :actor_id, warehouse_id, county_id,
               inside
        FROM unnest(CAST(:id AS bigint[]), CAST(:operation_id AS uuid[]), CAST(:line AS bigint[]),
                    CAST(:lot_id AS bigint[]), CAST(:from_place_id AS bigint[]), CAST(:to_place_id AS bigint[]),
                    CAST(:quantity AS bigint[]), CAST(:kind AS text[]), CAST(:happened_at AS timestamptz[]),
                    CAST(:reverses_id AS bigint[]), CAST(:reason AS text[]), CAST(:warehouse_id AS bigint[]),
                    CAST(:county_id AS bigint[]), CAST(:inside AS boolean[]))
             WITH ORDINALITY AS line (id, operation_id, line, lot_id, from_place_id, to_place_id, quantity, kind,
                                      happened_at, reverses_id, reason, warehouse_id, county_id, inside, position)
        ORDER BY position
        RETURNING id, operation_id, line, lot_id, from_place_id, to_place_id, quantity, kind
    ),
    noted AS (
        INSERT INTO journal_entry (at, actor_id, actor_role, deed, subject_kind, subject_id, details)
        SELECT :recorded_at, :actor_id, :actor_role, 'stock.' || kind, 'lot', lot_id,
               jsonb_build_object('movement_id', id, 'quantity', quantity, 'from_place_id', from_place_id,
                                  'to_place_id', to_place_id)
        FROM written
        WHERE :noted
    )
    SELECT id, operation_id, line FROM written
    """
)

_CARRY_ONLY = text(_CARRY)
_NUMBERS = text("SELECT nextval('movement_id_seq') FROM generate_series(1, :count)")
_REAL = sorted(REAL)

_WRITTEN = (
    "id", "operation_id", "line", "lot_id", "from_place_id", "to_place_id", "quantity", "kind", "happened_at",
    "reverses_id", "reason", "warehouse_id", "county_id", "inside",
)  # fmt: skip


_TOGETHER = "stock.together"


@dataclass(slots=True)
class Together:
    """What operations that are done together share: balances under lock, and movements that are not written yet."""

    uow: UnitOfWork
    held: dict[Key, Held]
    numbers: list[int]
    """Ids of movements that nobody else gets."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[Key, Changed] = field(default_factory=dict)


def hold_together(uow: UnitOfWork, keys: Iterable[Key], movements: int) -> None:
    """Lock the balances of several operations at once, in the order of their ids; ``hold`` then finds them here.

    What does not exist is left to the operation that names it. About so many ``movements`` will be made: instead of
    one statement each, they are written as soon as the database is asked for anything else.
    """
    wanted = sorted(set(keys))
    rows = uow.session.execute(
        _HOLD, {"lots": [lot_id for lot_id, _ in wanted], "places": [place_id for _, place_id in wanted]}
    )
    held = {(row[1], row[2]): Held(*row) for row in rows}
    together = Together(uow, held, _numbers(uow.session, movements))
    uow.kept[_TOGETHER] = uow.session.info[_TOGETHER] = together


def _numbers(session: Session, count: int) -> list[int]:
    return list(session.scalars(_NUMBERS, {"count": count}))[::-1]


@event.listens_for(Session, "do_orm_execute")
def _write_first(state: ORMExecuteState) -> None:
    """Write what waits before the database is asked for anything, so that nobody reads balances of before."""
    together: Together | None = state.session.info.get(_TOGETHER)
    if together is not None and together.rows:
        _write_together(together)


def _write_together(together: Together) -> None:
    rows, changed = together.rows, list(together.changes.values())
    together.rows, together.changes = [], {}
    _store(together.uow, rows, changed, noted=True)


def forget_held(uow: UnitOfWork) -> None:
    """Read balances anew from here on: something was done that may have changed what judges look at."""
    together: Together | None = uow.kept.get(_TOGETHER)
    if together is not None:
        together.held.clear()


def hold(uow: UnitOfWork, keys: Iterable[Key]) -> dict[Key, Held]:
    """Lock the balances of lots in places; nobody changes them until we commit."""
    wanted = sorted(set(keys))
    together: Together | None = uow.kept.get(_TOGETHER)
    if together is not None and not uow._office and all(key in together.held for key in wanted):
        # Locked already, and carried forward by every ``post`` since.
        held = {key: together.held[key] for key in wanted}
        _must_reach(uow.actor, held.values())
        return held
    if len(wanted) == 2 and wanted[0][0] == wanted[1][0]:
        parameters: dict[str, Any] = {"lot": wanted[0][0], "one": wanted[0][1], "other": wanted[1][1]}
        rows = uow.session.execute(_HOLD_TWO, parameters)
    else:
        rows = uow.session.execute(
            _HOLD, {"lots": [lot_id for lot_id, _ in wanted], "places": [place_id for _, place_id in wanted]}
        )
    held = {(row[1], row[2]): Held(*row) for row in rows}
    for lot_id, place_id in wanted:
        if (lot_id, place_id) not in held:
            _say_what_is_missing(uow.session, lot_id, place_id)
    if together is not None:
        together.held.update(held)
    if uow._office != OFFICE:
        _must_reach(uow.actor, held.values())
    return held


def _must_reach(actor: Actor, held: Iterable[Held]) -> None:
    """Refuse places where this actor sees no balances: row-level security would show them empty."""
    scopes = [actor.grants.get(permission) for permission in WRITERS]
    if Scope.ALL in scopes:
        return
    warehouses = actor.reach.get(Scope.WAREHOUSE, ()) if Scope.WAREHOUSE in scopes else ()
    counties = actor.reach.get(Scope.COUNTY, ()) if Scope.COUNTY in scopes else ()
    for each in held:
        if each.warehouse_id not in warehouses and each.county_id not in counties:
            raise NoSuchPlace(place_id=each.place_id)


def _say_what_is_missing(session: Session, lot_id: int, place_id: int) -> None:
    if session.scalar(text("SELECT 1 FROM lot WHERE id = :id"), {"id": lot_id}) is None:
        raise NoSuchLot(lot_id=lot_id)
    raise NoSuchPlace(place_id=place_id)


def post(uow: UnitOfWork, held: Mapping[Key, Held], lines: Sequence[Line], *, noted: bool = True) -> list[Movement]:
    """Write movements over held balances, in order; refuse all of them when one takes more than is there.

    Balances, movements and (``noted``) their lines in the journal are one statement. ``held`` is carried forward too.
    The movements come back as plain, unattached objects: they never change. Of operations that are done together the
    statement waits for the others.
    """
    before = {key: (each.on_hand, each.reserved) for key, each in held.items()}
    try:
        for line in lines:
            _carry_forward(held, line)
    except NotEnoughStock:
        for key, (on_hand, reserved) in before.items():
            held[key].on_hand, held[key].reserved = on_hand, reserved
        raise
    changed = [
        (each, each.on_hand - on_hand, each.reserved - reserved)
        for key, each in held.items()
        for on_hand, reserved in [before[key]]
    ]
    rows = [_row(uow, held, line) for line in lines]
    together: Together | None = uow.kept.get(_TOGETHER)
    if together is not None and noted and not uow._office:
        _keep_for_later(together, rows, changed)
    else:
        _store(uow, rows, changed, noted=noted)
    boxes = {each.place_id for each, more, _ in changed if each.boxed and more}
    for watcher in _BOX_WATCHERS if boxes else ():
        watcher(uow, boxes)
    return [_movement(uow, row) for row in rows]


def _keep_for_later(together: Together, rows: Sequence[dict[str, Any]], changed: Sequence[Changed]) -> None:
    if len(together.numbers) < len(rows):
        together.numbers = _numbers(together.uow.session, len(rows))
    for row in rows:
        row["id"] = together.numbers.pop()
    together.rows += rows
    for each, more, spoken in changed:
        _, before, spoken_before = together.changes.get((each.lot_id, each.place_id), (each, 0, 0))
        together.changes[each.lot_id, each.place_id] = (each, before + more, spoken_before + spoken)


def _store(uow: UnitOfWork, rows: Sequence[dict[str, Any]], changed: Iterable[Changed], *, noted: bool) -> None:
    """Write movements, the balances they change and their lines in the journal in one statement; number the rows."""
    known = [(each.id, more, spoken) for each, more, spoken in changed if each.id is not None and (more or spoken)]
    new = [(each.lot_id, each.place_id, more) for each, more, _ in changed if each.id is None and more]
    parameters: dict[str, Any] = {name: [row[name] for row in rows] for name in _WRITTEN}
    parameters |= {
        **_columns(known, "ids", "on_hand", "reserved"),
        **_columns(new, "new_lots", "new_places", "new_on_hand"),
        "real": _REAL,
        "recorded_at": uow.now,
        "actor_id": uow.actor.id,
        "actor_role": uow.actor.role,
        "noted": noted,
    }
    ids = {(row[1], row[2]): row[0] for row in uow.session.execute(_POST, parameters)}
    for row in rows:
        row["id"] = ids[row["operation_id"], row["line"]]


BoxWatcher = Callable[[UnitOfWork, Collection[int]], None]
_BOX_WATCHERS: list[BoxWatcher] = []


def told_of_boxes(watcher: BoxWatcher) -> BoxWatcher:
    """Tell a package above of each change inside boxes, with the ids of their places."""
    _BOX_WATCHERS.append(watcher)
    return watcher


def _columns(rows: Sequence[tuple[Any, ...]], *names: str) -> dict[str, list[Any]]:
    return {name: [row[number] for row in rows] for number, name in enumerate(names)}


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
        "id": None,
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
        "inside": source.guarded and target.guarded and source.warehouse_id == target.warehouse_id,
    }


def _movement(uow: UnitOfWork, row: Mapping[str, Any]) -> Movement:
    movement = Movement(recorded_at=uow.now, actor_id=uow.actor.id, **row)
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
    known = [(held[key].id, 0, change) for key, change in changes.items() if change]
    if known:
        session.execute(_CARRY_ONLY, _columns(known, "ids", "on_hand", "reserved"))
