"""A deed asked for directly, under a number of its own: sent again it is answered again, and is not done again.

It shares its numbers with what devices queue, so that one number never acts twice, whichever way it came.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, select

from app.foundation.unit_of_work import UnitOfWork
from app.stock import queries
from app.stock.errors import OperationDiffers
from app.stock.models import Operation

T = TypeVar("T")


def once(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    kind: str,
    asked: Mapping[str, Any],
    deed: Callable[[], T],
    again: Callable[[], T],
) -> T:
    """Do the deed and keep its number; with the same number and content ``again`` answers, other content is refused."""
    # Twins wait for each other here: the second then finds what the first has stored.
    uow.session.execute(select(func.pg_advisory_xact_lock(operation_id.int % 2**63)))
    plain = json.dumps([kind, asked], sort_keys=True, separators=(",", ":"), default=str)
    mark = hashlib.sha256(plain.encode()).hexdigest()
    earlier = queries.operations(uow.session, [operation_id]).get(operation_id)
    if earlier is not None:
        if earlier.payload_hash != mark:
            raise OperationDiffers
        return again()
    result = deed()
    uow.session.add(
        Operation(
            id=operation_id,
            # It came from no device: its own number stands for one, so that no two share a sequence.
            device_id=operation_id,
            sequence=0,
            kind=kind,
            payload_hash=mark,
            happened_at=asked.get("happened_at") or uow.now,
            recorded_at=uow.now,
            actor_id=uow.actor.id,
            outcome="applied",
            answer={"result": {}},
        )
    )
    uow.session.flush()
    return result
