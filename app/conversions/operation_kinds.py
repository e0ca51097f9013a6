"""What a device may ask about kits: make up, take apart, repack."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.catalogue import queries as catalogue
from app.conversions import queries, service
from app.conversions.schemas import AssemblePayload, RepackPayload, TakeApartPayload
from app.foundation.unit_of_work import UnitOfWork
from app.stock import queries as stock
from app.stock.errors import NoSuchLot
from app.stock.operations import Done, operation
from app.stock.schemas import reads


@operation("assemble_kit", reads(AssemblePayload()))
def assemble_kit(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, quantity: int, **facts: Any
) -> Done:
    """Make up kits."""
    uow.actor.require("stock.operate")
    kit_id = facts.get("kit_id") or queries.kit_by_code(uow.session, facts["kit"]).id
    made = service.assemble(
        uow,
        operation_id=operation_id,
        kit_id=kit_id,
        count=quantity,
        to_place_id=_place(uow, facts, "to_place"),
        from_place_ids=[stock.place_by_code(uow.session, code).id for code in facts.get("from_places", [])] or None,
        note=facts.get("note"),
        happened_at=happened_at,
        done=facts.get("done", late),
    )
    return _done(uow, made)


@operation("take_apart", reads(TakeApartPayload()))
def take_apart(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, quantity: int, **facts: Any
) -> Done:
    """Take kits apart."""
    uow.actor.require("stock.operate")
    made = service.take_apart(
        uow,
        operation_id=operation_id,
        lot_id=_lot(uow, facts),
        from_place_id=_place(uow, facts, "from_place"),
        count=quantity,
        to_place_id=_place(uow, facts, "to_place"),
        note=facts.get("note"),
        happened_at=happened_at,
        done=facts.get("done", late),
    )
    return _done(uow, made)


@operation("repack", reads(RepackPayload()))
def repack(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, quantity: int, **facts: Any
) -> Done:
    """Repack some of a lot."""
    uow.actor.require("stock.operate")
    to_item_id = facts.get("to_item_id")
    made = service.repack(
        uow,
        operation_id=operation_id,
        lot_id=_lot(uow, facts),
        from_place_id=_place(uow, facts, "from_place"),
        quantity=quantity,
        to_item_id=to_item_id or catalogue.item_by_code(uow.session, facts["to_item"].strip().upper()).id,
        to_quantity=facts["to_quantity"],
        to_place_id=_place(uow, facts, "to_place"),
        lost=facts["lost"],
        lost_reason=facts.get("lost_reason"),
        tolerance_permille=facts["tolerance_permille"],
        note=facts.get("note"),
        happened_at=happened_at,
        done=facts.get("done", late),
    )
    return _done(uow, made)


def _place(uow: UnitOfWork, facts: Mapping[str, Any], name: str) -> int:
    return facts.get(f"{name}_id") or stock.place_by_code(uow.session, facts[name]).id


def _lot(uow: UnitOfWork, facts: Mapping[str, Any]) -> int:
    lot_id: int | None = facts.get("lot_id")
    if lot_id is not None:
        return lot_id
    movements = stock.movements_of_operation(uow.session, facts["lot_operation_id"])
    if not movements:
        raise NoSuchLot(lot_id=0)
    return movements[-1].lot_id


def _done(uow: UnitOfWork, made: service.Made) -> Done:
    rows = queries.lots_of(uow.session, [made.conversion.id]).get(made.conversion.id, [])
    out = [row.lot.id for row in rows if row.part.comes_out]
    return Done({"conversion_id": made.conversion.id, "lot_id": out[0], "lot_ids": out}, made.review)
