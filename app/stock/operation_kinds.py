"""What a device may ask of the stock: receive, put away, move, pick, load, hand over, bring back, write off, reverse.

What belongs to a parcel is asked of ``delivery``, which registers kinds of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.catalogue import queries as catalogue
from app.catalogue.errors import NoSuchItem
from app.foundation.fields import QUANTITY_MAX
from app.foundation.unit_of_work import UnitOfWork
from app.stock import issuing, queries, service
from app.stock.errors import NoSuchLot, NoSuchMovement, NoSuchPlace
from app.stock.models import Kind, PlaceKind
from app.stock.operations import Done, operation
from app.stock.schemas import (
    LeavePayload,
    MovePayload,
    PickItemPayload,
    ReceivePayload,
    ReversePayload,
    reads,
)


def _nothing_else(_: Mapping[str, Any]) -> Sequence[tuple[int, int]]:
    """A new lot: nobody else knows of it yet."""
    return ()


def _both_ends(facts: Mapping[str, Any]) -> Sequence[tuple[int, int]]:
    """The lot at both ends, where the payload names them by their numbers."""
    lot_id, ends = facts.get("lot_id"), (facts.get("from_place_id"), facts.get("to_place_id"))
    return [(lot_id, place_id) for place_id in ends if place_id] if lot_id else ()


def _places_and_items(uow: UnitOfWork, many: Sequence[Mapping[str, Any]]) -> None:
    place_ids = {facts["place_id"] for facts in many if facts.get("place_id")}
    service.look_up(uow, place_ids, {facts["item_id"] for facts in many if facts.get("item_id")})


@operation("receive", reads(ReceivePayload()), touches=_nothing_else, ahead=_places_and_items)
def receive(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, quantity: int, **facts: Any
) -> Done:
    """Receive goods from outside into a place."""
    uow.actor.require("stock.operate")
    place = _place(uow, facts.pop("place_id", None), facts.pop("place", None))
    item_id, packed = named_item(uow, facts.pop("item_id", None), facts.pop("item_code", None), facts.pop("gtin", None))
    quantity *= packed
    if quantity > QUANTITY_MAX:
        quantity = reads(MovePayload(only=("quantity",)))({"quantity": quantity})["quantity"]
    lot = service.receive(
        uow,
        operation_id=operation_id,
        item_id=item_id,
        quantity=quantity,
        place_id=place.id,
        warehouse_id=place.warehouse_id,
        happened_at=happened_at,
        **facts,
    )
    return Done({"lot_id": lot.id, "place_id": place.id, "quantity": quantity})


def _mover(kind: Kind, target: PlaceKind | None = None) -> Callable[..., Done]:
    def handler(
        uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, quantity: int, **facts: Any
    ) -> Done:
        uow.actor.require("stock.write_off" if kind == Kind.WRITE_OFF else "stock.operate")
        from_place_id = facts.get("from_place_id") or _place(uow, None, facts["from_place"]).id
        if target and not (facts.get("to_place_id") or facts.get("to_place")):
            home = queries.place(uow.session, from_place_id).warehouse_id
            to_place_id = queries.virtual_place(uow.session, home, target).id
        else:
            to_place_id = facts.get("to_place_id") or _place(uow, None, facts["to_place"]).id
        lot_id = _lot(uow, facts.get("lot_id"), facts.get("lot_operation_id"))
        done = facts.get("done", late)
        later = []
        if kind == Kind.PICK:
            later = service.first_or_why(
                uow, lot_id=lot_id, from_place_id=from_place_id, reason=facts.get("reason"), done=done
            )
        booked = service.book(
            uow,
            operation_id=operation_id,
            lot_id=lot_id,
            from_place_id=from_place_id,
            to_place_id=to_place_id,
            quantity=quantity,
            kind=kind,
            reason=facts.get("reason"),
            happened_at=happened_at,
            done=done,
        )
        if kind == Kind.HAND_OVER:
            issuing.paper_hand_out(uow, booked.movement)
        result = {
            "movement_id": booked.movement.id,
            "lot_id": booked.movement.lot_id,
            "from_place_id": booked.movement.from_place_id,
            "to_place_id": booked.movement.to_place_id,
            "quantity": quantity,
        }
        return Done(result, [*later, *booked.review])

    return handler


for _kind in (Kind.PUT_AWAY, Kind.MOVE, Kind.PICK, Kind.LOAD, Kind.BRING_BACK):
    operation(_kind.value, reads(MovePayload()), touches=_both_ends)(_mover(_kind))
operation(Kind.HAND_OVER.value, reads(LeavePayload()), touches=_both_ends)(
    _mover(Kind.HAND_OVER, PlaceKind.HANDED_OVER)
)
operation(Kind.WRITE_OFF.value, reads(LeavePayload()), touches=_both_ends)(_mover(Kind.WRITE_OFF, PlaceKind.LOSS))


@operation("pick_item", reads(PickItemPayload()))
def pick_item(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, quantity: int, **facts: Any
) -> Done:
    """Pick so many of an item, whatever lots: the first to expire first."""
    uow.actor.require("stock.operate")
    to_place_id = facts.get("to_place_id") or _place(uow, None, facts["to_place"]).id
    item_id, packed = named_item(uow, facts.get("item_id"), facts.get("item_code"), facts.get("gtin"))
    movements = service.pick_item(
        uow,
        operation_id=operation_id,
        warehouse_id=queries.place(uow.session, to_place_id).warehouse_id,
        item_id=item_id,
        quantity=min(quantity * packed, QUANTITY_MAX),
        to_place_id=to_place_id,
        happened_at=happened_at,
    )
    lines = [
        {"lot_id": each.lot_id, "from_place_id": each.from_place_id, "quantity": each.quantity} for each in movements
    ]
    return Done({"item_id": item_id, "to_place_id": to_place_id, "lines": lines})


@operation("reverse", reads(ReversePayload()))
def reverse(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    reason: str,
    movement_id: int | None = None,
    reversed_operation_id: UUID | None = None,
) -> Done:
    """Take a movement back; of an operation with several, the last."""
    uow.actor.require("stock.operate")
    if movement_id is None:
        assert reversed_operation_id is not None, "the payload names one of both"
        movements = queries.movements_of_operation(uow.session, reversed_operation_id)
        if not movements:
            raise NoSuchMovement(movement_id=0)
        movement_id = movements[-1].id
    back = service.reverse(
        uow, operation_id=operation_id, movement_id=movement_id, reason=reason, happened_at=happened_at
    )
    return Done({"movement_id": back.id, "lot_id": back.lot_id, "reverses_id": movement_id, "quantity": back.quantity})


def _place(uow: UnitOfWork, place_id: int | None, code: str | None) -> Any:
    if place_id is not None:
        return queries.place(uow.session, place_id)
    if code is None:
        raise NoSuchPlace()
    return queries.place_by_code(uow.session, code)


def named_item(uow: UnitOfWork, item_id: int | None, code: str | None, gtin: str | None) -> tuple[int, int]:
    """Return the item, and how many base units one of what was counted is."""
    if item_id is not None:
        return item_id, 1
    if code is not None:
        return catalogue.item_by_code(uow.session, code.strip().upper()).id, 1
    pack = catalogue.pack_by_gtin(uow.session, gtin or "")
    if pack is None:
        raise NoSuchItem(gtin=gtin or "")
    return pack.item_id, pack.quantity


def _lot(uow: UnitOfWork, lot_id: int | None, receiving: UUID | None) -> int:
    if lot_id is not None:
        return lot_id
    assert receiving is not None, "the payload names one of both"
    movements = queries.movements_of_operation(uow.session, receiving)
    if not movements:
        raise NoSuchLot(lot_id=0)
    return movements[0].lot_id
