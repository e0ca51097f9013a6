"""What a device may ask about boxes and pallets. Registered with the stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.boxes import queries, schemas, service, sscc
from app.boxes.errors import NoSuchBox
from app.foundation.unit_of_work import UnitOfWork
from app.stock import queries as stock_queries
from app.stock.errors import NoSuchLot
from app.stock.operation_kinds import receive
from app.stock.operations import Done, operation
from app.stock.schemas import reads


@operation("open_box", reads(schemas.OpenPayload()))
def open_box(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, kind: str, **facts: Any
) -> Done:
    """Open a box or pallet; it gets its SSCC, unless its sender has printed one on it."""
    uow.actor.require("stock.operate")
    made = service.open_box(
        uow,
        operation_id=operation_id,
        place_id=facts.get("place_id") or _place(uow, facts["place"]),
        kind=kind,
        code=facts.get("sscc"),
        note=facts.get("note"),
        happened_at=happened_at,
    )
    return Done(_told(made))


@operation("receive_into_box", reads(schemas.ReceiveIntoPayload()))
def receive_into_box(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, quantity: int, **facts: Any
) -> Done:
    """Receive goods from outside straight into a box, as where gifts are sorted: one that is new has no place yet."""
    names = ("box_id", "box", "box_operation_id")
    box_id = _box(uow, {name: facts.pop(name, None) for name in names})
    place_id = queries.box(uow.session, uow.actor, box_id).place_id
    return receive(
        uow,
        operation_id=operation_id,
        happened_at=happened_at,
        late=late,
        quantity=quantity,
        place_id=place_id,
        **facts,
    )


@operation("fill_box", reads(schemas.FillPayload()))
def fill_box(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, quantity: int, **facts: Any
) -> Done:
    """Put some of a lot into a box."""
    uow.actor.require("stock.operate")
    box_id = _box(uow, facts)
    booked = service.fill_box(
        uow,
        operation_id=operation_id,
        box_id=box_id,
        lot_id=_lot(uow, facts),
        from_place_id=facts.get("from_place_id") or _place(uow, facts["from_place"]),
        quantity=quantity,
        reason=facts.get("reason"),
        happened_at=happened_at,
        done=facts.get("done", late),
    )
    return Done({"box_id": box_id, **_moved(booked.movement)}, booked.review)


@operation("empty_box", reads(schemas.EmptyPayload()))
def empty_box(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, quantity: int, **facts: Any
) -> Done:
    """Take some of a lot out of a box."""
    uow.actor.require("stock.operate")
    box_id = _box(uow, facts)
    booked = service.empty_box(
        uow,
        operation_id=operation_id,
        box_id=box_id,
        lot_id=_lot(uow, facts),
        to_place_id=_target(uow, facts),
        quantity=quantity,
        reason=facts.get("reason"),
        happened_at=happened_at,
        done=facts.get("done", late),
    )
    return Done({"box_id": box_id, **_moved(booked.movement)}, booked.review)


@operation("move_box", reads(schemas.MovePayload()))
def move_box(uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, **facts: Any) -> Done:
    """Move boxes, each with all that is in it."""
    uow.actor.require("stock.operate")
    if "boxes" in facts:
        ids = [queries.box_by_code(uow.session, uow.actor, code).id for code in facts["boxes"]]
    else:
        ids = [_box(uow, facts)]
    to_place_id = _target(uow, facts)
    assert to_place_id is not None, "the payload names one"
    moved = service.move_boxes(
        uow,
        operation_id=operation_id,
        box_ids=ids,
        to_place_id=to_place_id,
        reason=facts.get("reason"),
        happened_at=happened_at,
        done=facts.get("done", late),
    )
    return Done({"box_ids": [box.id for box in moved], "to_place_id": to_place_id})


@operation("nest_box", reads(schemas.NestPayload()))
def nest_box(uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, **facts: Any) -> Done:
    """Put a box into another one, or onto a pallet."""
    uow.actor.require("stock.operate")
    box = service.nest_box(
        uow,
        operation_id=operation_id,
        box_id=_box(uow, facts),
        into_box_id=_box(uow, facts, "into_"),
        happened_at=happened_at,
    )
    return Done(_told(box))


@operation("unnest_box", reads(schemas.UnnestPayload()))
def unnest_box(uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, **facts: Any) -> Done:
    """Take a box out of the one that it stands in."""
    uow.actor.require("stock.operate")
    box = service.unnest_box(
        uow,
        operation_id=operation_id,
        box_id=_box(uow, facts),
        to_place_id=_target(uow, facts),
        happened_at=happened_at,
    )
    return Done(_told(box))


@operation("close_box", reads(schemas.BoxPayload()))
def close_box(uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, **facts: Any) -> Done:
    """Close a box."""
    uow.actor.require("stock.operate")
    return Done(_told(service.close_box(uow, box_id=_box(uow, facts), happened_at=happened_at)))


@operation("reopen_box", reads(schemas.BoxPayload()))
def reopen_box(uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, **facts: Any) -> Done:
    """Open a closed box again."""
    uow.actor.require("stock.operate")
    return Done(_told(service.reopen_box(uow, box_id=_box(uow, facts))))


@operation("dissolve_box", reads(schemas.BoxPayload()))
def dissolve_box(uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, **facts: Any) -> Done:
    """Use an empty box no more."""
    uow.actor.require("stock.operate")
    return Done(_told(service.dissolve_box(uow, box_id=_box(uow, facts), happened_at=happened_at)))


@operation("merge_boxes", reads(schemas.MergePayload()))
def merge_boxes(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    pieces: int,
    dissolve: bool,
    **facts: Any,
) -> Done:
    """Put everything of one box into another: so many pieces, counted by hand."""
    uow.actor.require("stock.operate")
    merged = service.merge_boxes(
        uow,
        operation_id=operation_id,
        box_id=_box(uow, facts),
        into_box_id=_box(uow, facts, "into_"),
        pieces=pieces,
        dissolve=dissolve,
        happened_at=happened_at,
    )
    return Done({**_told(merged.into), "pieces": pieces, "movements": len(merged.movements), "boxes": merged.boxes})


@operation("split_box", reads(schemas.SplitPayload()))
def split_box(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    lines: Sequence[Mapping[str, Any]],
    **facts: Any,
) -> Done:
    """Put some of what is in a box into a new one."""
    uow.actor.require("stock.operate")
    made = service.split_box(
        uow,
        operation_id=operation_id,
        box_id=_box(uow, facts),
        lines=[{"lot_id": _lot(uow, line), "quantity": line["quantity"]} for line in lines],
        happened_at=happened_at,
    )
    return Done(_told(made))


# Names --------------------------------------------------------------------------------------------------------------


def _box(uow: UnitOfWork, facts: Mapping[str, Any], prefix: str = "") -> int:
    given = facts.get(f"{prefix}box_id")
    if given is not None:
        return int(given)
    opened = facts.get(f"{prefix}box_operation_id")
    if opened is not None:
        move = queries.move_of_operation(uow.session, opened)
        if move is None:
            raise NoSuchBox(operation_id=str(opened))
        return move.box_id
    return queries.box_by_code(uow.session, uow.actor, facts[f"{prefix}box"]).id


def _place(uow: UnitOfWork, code: str) -> int:
    """Return the place of a printed code, or of a box's SSCC."""
    if sscc.read(code):
        return queries.box_by_code(uow.session, uow.actor, code).place_id
    return stock_queries.place_by_code(uow.session, code).id


def _target(uow: UnitOfWork, facts: Mapping[str, Any]) -> int | None:
    if facts.get("to_place_id") is not None:
        return int(facts["to_place_id"])
    return _place(uow, facts["to_place"]) if facts.get("to_place") else None


def _lot(uow: UnitOfWork, facts: Mapping[str, Any]) -> int:
    if facts.get("lot_id") is not None:
        return int(facts["lot_id"])
    movements = stock_queries.movements_of_operation(uow.session, facts["lot_operation_id"])
    if not movements:
        raise NoSuchLot(lot_id=0)
    return movements[0].lot_id


def _told(box: Any) -> dict[str, Any]:
    return {
        "box_id": box.id,
        "sscc": box.sscc,
        "code": box.place.code,
        "place_id": box.place_id,
        "state": box.state,
        "stands_on_id": box.place.parent_id,
        "root_id": box.place.root_id,
    }


def _moved(movement: Any) -> dict[str, Any]:
    return {
        "movement_id": movement.id,
        "lot_id": movement.lot_id,
        "from_place_id": movement.from_place_id,
        "to_place_id": movement.to_place_id,
        "quantity": movement.quantity,
    }
