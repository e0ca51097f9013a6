"""What a device may ask while goods come in: begin an arrival, receive a scanned line, end it. Kinds of the stock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.catalogue import queries as catalogue
from app.catalogue.errors import NoSuchItem
from app.donations import queries, schemas, service
from app.donations.errors import NoSuchArrival
from app.foundation.unit_of_work import UnitOfWork
from app.stock.operations import Done, operation
from app.stock.schemas import reads


@operation("arrival_open", reads(schemas.OpenArrivalPayload()))
def arrival_open(uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, **facts: Any) -> Done:
    """Begin to receive what came, of an offer or unannounced."""
    uow.actor.require("donations.receive")
    arrival = service.open_arrival(uow, operation_id=operation_id, happened_at=happened_at, **facts)
    return Done({"arrival_id": arrival.id, "offer_id": arrival.offer_id})


@operation("arrival_line", reads(schemas.ArrivalLinePayload()))
def arrival_line(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, quantity: int, **facts: Any
) -> Done:
    """Receive one scanned line: it is on the dock at once."""
    uow.actor.require("donations.receive")
    arrival_id = _arrival(uow, facts.pop("arrival_id", None), facts.pop("arrival_operation_id", None))
    item_id, packed = _item(uow, facts)
    line = service.receive_line(
        uow,
        operation_id=operation_id,
        arrival_id=arrival_id,
        item_id=item_id,
        quantity=quantity * packed,
        happened_at=happened_at,
        **facts,
    )
    told = {"arrival_id": arrival_id, "line_id": line.id, "lot_id": line.lot_id, "quantity": line.quantity}
    return Done({**told, "offer_line_id": line.offer_line_id, "inspection": line.inspection})


@operation("arrival_close", reads(schemas.CloseArrivalPayload()))
def arrival_close(uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, **facts: Any) -> Done:
    """End an arrival; its goods-received note is numbered."""
    uow.actor.require("donations.receive")
    arrival_id = _arrival(uow, facts.get("arrival_id"), facts.get("arrival_operation_id"))
    arrival = service.close_arrival(uow, arrival_id=arrival_id)
    note = queries.vouchers(uow.session, [arrival.voucher_id])[arrival.voucher_id or 0]
    of_offer = queries.offer(uow.session, uow.actor, arrival.offer_id) if arrival.offer_id else None
    differs = [vars(each) for each in service.differences(arrival, of_offer)]
    return Done({"arrival_id": arrival.id, "voucher": note.code, "lines": len(arrival.lines), "differences": differs})


def _arrival(uow: UnitOfWork, arrival_id: int | None, begun_by: UUID | None) -> int:
    if arrival_id is not None:
        return arrival_id
    found = queries.arrival_by_operation(uow.session, begun_by)
    if found is None:
        raise NoSuchArrival(operation_id=str(begun_by))
    return found.id


def _item(uow: UnitOfWork, facts: dict[str, Any]) -> tuple[int, int]:
    """Return the item, and how many base units one of what was counted is."""
    named: Mapping[str, Any] = {name: facts.pop(name, None) for name in ("item_id", "item_code", "gtin")}
    if named["item_id"] is not None:
        return int(named["item_id"]), 1
    if named["item_code"] is not None:
        return catalogue.item_by_code(uow.session, named["item_code"].strip().upper()).id, 1
    pack = catalogue.pack_by_gtin(uow.session, named["gtin"] or "")
    if pack is None:
        raise NoSuchItem(gtin=named["gtin"] or "")
    return pack.item_id, pack.quantity
