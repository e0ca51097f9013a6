"""The snapshot of a warehouse: what changed since the one a phone has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.floor import queries
from app.floor.errors import PhoneTooOld
from app.floor.protocol import OLDEST, PROTOCOL, parts_of
from app.foundation.unit_of_work import UnitOfWork
from app.stock.errors import NoSuchWarehouse


@dataclass(frozen=True)
class Snapshot:
    """Parts that the phone does not have yet, and the mark of all of them."""

    warehouse: Any
    mark: str
    whole: bool
    parts: Mapping[str, queries.Rows]
    protocol: int


def snapshot(
    uow: UnitOfWork, *, warehouse_id: int | None = None, since: str | None = None, protocol: int = PROTOCOL
) -> Snapshot:
    """Return what a phone needs to know of a warehouse; ``since`` is the mark of what it has."""
    if protocol < OLDEST:
        raise PhoneTooOld(protocol, OLDEST)
    own = queries.warehouses(uow.session, uow.actor)
    warehouse = next((each for each in own if warehouse_id in (None, each.id)), None)
    if warehouse is None:
        raise NoSuchWarehouse(warehouse_id=warehouse_id or 0)
    names = parts_of(min(protocol, PROTOCOL))
    found = queries.parts(uow.session, uow.actor, warehouse, names)
    marks = {name: _mark(warehouse.id, found[name]) for name in names}
    known = dict(zip(names, (since or "").split("."), strict=False)) if since else {}
    fresh = {name: rows for name, rows in found.items() if known.get(name) != marks[name]}
    return Snapshot(warehouse, ".".join(marks.values()), len(fresh) == len(found), fresh, min(protocol, PROTOCOL))


def _mark(warehouse_id: int, rows: queries.Rows) -> str:
    plain = json.dumps([warehouse_id, rows], separators=(",", ":")).encode()
    return hashlib.sha256(plain).hexdigest()[:12]
