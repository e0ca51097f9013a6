"""What a device may ask about parcels: pack, load, take off, hand over, could not, bring back. Kinds of the stock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.delivery import queries, schemas, service
from app.foundation.unit_of_work import UnitOfWork
from app.stock.operations import Done, operation
from app.stock.schemas import reads


def _home(uow: UnitOfWork, payload: Mapping[str, Any]) -> int | None:
    """Return the warehouse of a parcel that this person may see; else where the driver belongs."""
    parcel_id = payload.get("parcel_id")
    # Whatever a device sent comes here, and to Python true is a number: the database would stop over it.
    named = None if isinstance(parcel_id, bool) else parcel_id
    return queries.warehouse_of_operation(uow.session, uow.actor, named)


@operation("pack_parcel", reads(schemas.PackPayload()))
def pack_parcel(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    parcel_id: int,
    to_place_id: int | None,
) -> Done:
    """Take what is reserved for a parcel to staging, where it is packed."""
    uow.actor.require("runs.load")
    parcel = service.pack_parcel(
        uow, parcel_id=parcel_id, operation_id=operation_id, to_place_id=to_place_id, happened_at=happened_at
    )
    return Done({"parcel_id": parcel.id, "state": parcel.state, "packed": True})


@operation("load_parcel", reads(schemas.LoadPayload()), home=_home)
def load_parcel(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, parcel_id: int, run_id: int
) -> Done:
    """Put a parcel on the vehicle of its run."""
    uow.actor.require("runs.load")
    parcel = service.load(uow, parcel_id=parcel_id, run_id=run_id, operation_id=operation_id, happened_at=happened_at)
    return Done({"parcel_id": parcel.id, "state": parcel.state})


@operation("unload_parcel", reads(schemas.ParcelPayload()), home=_home)
def unload_parcel(uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, parcel_id: int) -> Done:
    """Take a parcel off again, before the run leaves."""
    uow.actor.require("runs.load")
    parcel = service.unload(uow, parcel_id=parcel_id, operation_id=operation_id, happened_at=happened_at)
    return Done({"parcel_id": parcel.id, "state": parcel.state})


@operation("hand_over_parcel", reads(schemas.HandOverPayload()), home=_home)
def hand_over_parcel(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, parcel_id: int, **proof: Any
) -> Done:
    """Hand a parcel over at a door."""
    parcel = service.hand_over(uow, parcel_id=parcel_id, operation_id=operation_id, happened_at=happened_at, **proof)
    return Done({"parcel_id": parcel.id, "state": parcel.state})


@operation("fail_parcel", reads(schemas.FailPayload()), home=_home)
def fail_parcel(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, parcel_id: int, reason: str
) -> Done:
    """Note why a parcel could not be handed over."""
    parcel = service.fail(uow, parcel_id=parcel_id, reason=reason, happened_at=happened_at)
    return Done({"parcel_id": parcel.id, "state": parcel.state})


@operation("bring_back_parcel", reads(schemas.BringBackPayload()), home=_home)
def bring_back_parcel(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    parcel_id: int,
    reason: str | None,
    to_place_id: int | None,
) -> Done:
    """Bring a parcel, or the rest of it, back to the warehouse."""
    parcel = service.bring_back(
        uow,
        parcel_id=parcel_id,
        operation_id=operation_id,
        reason=reason,
        to_place_id=to_place_id,
        happened_at=happened_at,
    )
    return Done({"parcel_id": parcel.id, "state": parcel.state})
