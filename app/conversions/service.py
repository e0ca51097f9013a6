"""What is made of what: kits are made up and taken apart, goods are repacked; what goes in weighs what comes out.

Rights: ``stock.operate`` makes, takes apart and repacks where the goods are. What a kit is made up from, ``kit_parts``
says. Every conversion is one operation of the ledger: into the place of conversion, and out of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from app.catalogue import queries as catalogue
from app.conversions import kit_parts, makeup, queries
from app.conversions.errors import (
    KitRetired,
    LossReasonNeeded,
    LossTooLarge,
    NotAKit,
    NotEnoughParts,
    NotHere,
    PartOfConversion,
    ReleaseFirst,
)
from app.conversions.makeup import Portion
from app.conversions.models import Conversion, ConversionKind, ConversionLot, Kit
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import queries as stock
from app.stock import service as ledger
from app.stock.errors import ExpiryNeeded
from app.stock.models import Kind, LotState, PlaceKind
from app.stock.picking import LotOnShelf, first_to_expire

if TYPE_CHECKING:
    from app.stock.models import Lot, Movement, Place

LOST_MAX_PERMILLE = 100
"""Losing more than a tenth on the way is no repacking: it is written off."""
WORKROOMS = frozenset({PlaceKind.DOCK, PlaceKind.SHELF, PlaceKind.STAGING, PlaceKind.QUARANTINE})


@dataclass(frozen=True)
class Made:
    """What was converted, and what a person must look at."""

    conversion: Conversion
    review: list[Message] = field(default_factory=list)


# Making up ----------------------------------------------------------------------------------------------------------


def assemble(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    kit_id: int,
    count: int,
    to_place_id: int,
    from_place_ids: Sequence[int] | None = None,
    note: str | None = None,
    happened_at: datetime | None = None,
    done: bool = False,
) -> Made:
    """Make up kits: parts that expire first are taken first, from the places that are named or from all shelves.

    The kits expire with the part that expires first, are as worn as the worst part and worth what went in. With
    ``done`` they stand there already: parts that the books lack come out of the discrepancy place.
    """
    uow.actor.require("stock.operate")
    earlier = queries.of_operation(uow.session, operation_id)
    if earlier is not None:
        return Made(earlier)
    kit = queries.kit(uow.session, kit_id)
    item = catalogue.plain_item(uow.session, kit.item_id)
    if kit.retired_at is not None and not done:
        raise KitRetired(item=item.name_hu)
    target = _workroom(uow, to_place_id)
    if target.stands_in == PlaceKind.QUARANTINE:
        raise NotHere(place=target.code)
    portions, covering, review = _take_parts(uow, kit, count, target.warehouse_id, from_place_ids, done=done)
    weight_in, weight_out = makeup.weight_mg(portions), item.weight_mg * count
    kit_parts.must_agree(weight_in, weight_out, kit.tolerance_permille)
    made = _conversion(
        uow,
        operation_id,
        ConversionKind.KIT,
        target,
        kit_id=kit.id,
        weights=(weight_in, weight_out),
        permille=kit.tolerance_permille,
        note=note,
        happened_at=happened_at,
    )
    lot = ledger.open_lot(
        uow,
        warehouse_id=target.warehouse_id,
        item_id=item.id,
        expires_on=makeup.soonest(portion.expires_on for portion in portions),
        use_by=any(portion.use_by for portion in portions),
        condition=makeup.worst(portion.condition for portion in portions),
        unit_value_huf=makeup.value_of_one(portions, count),
        source=f"A-{made.id}",
        happened_at=happened_at,
    )
    taken = [(portion.lot_id, portion.place_id, portion.quantity) for portion in portions]
    _write(uow, made, covering, taken, [(lot.id, target.id, count)], happened_at)
    return Made(made, review)


def _take_parts(
    uow: UnitOfWork, kit: Kit, count: int, warehouse_id: int, place_ids: Sequence[int] | None, *, done: bool
) -> tuple[list[Portion], list[ledger.Step], list[Message]]:
    """Choose the lots of every part; with ``done`` what is missing is found first."""
    parts = {part.item_id: part.quantity for part in kit.parts}
    rows = queries.part_lots(uow.session, uow.actor, warehouse_id, parts, place_ids)
    items = catalogue.items_by_id(uow.session, parts)
    by_key = {(row.lot.id, row.place.id): row for row in rows}
    today = _today(uow)
    portions: list[Portion] = []
    covering: list[ledger.Step] = []
    review: list[Message] = []
    missing: list[tuple[int, int, int]] = []
    for item_id, each in parts.items():
        wanted = each * count
        lying = [
            LotOnShelf(row.lot.id, row.place.id, row.balance.available, row.lot.expires_on, row.lot.state)
            for row in rows
            if row.lot.item_id == item_id
        ]
        picked = first_to_expire(lying, wanted, today, items[item_id].shelf_life_left_days_min)
        portions += [_portion(by_key[one.lot_id, one.place_id], quantity) for one, quantity in picked]
        short = wanted - sum(quantity for _, quantity in picked)
        if short > 0:
            missing.append((item_id, wanted, wanted - short))
    if missing and not done:
        item_id, wanted, there = missing[0]
        free = {item: sum(row.balance.available for row in rows if row.lot.item_id == item) for item in parts}
        free |= {item: had for item, _, had in missing}
        raise NotEnoughParts(
            item=items[item_id].name_hu, wanted=wanted, available=there, makeable=makeup.makeable(free, parts)
        )
    for item_id, wanted, there in missing:
        found = queries.last_lot(uow.session, uow.actor, warehouse_id, item_id)
        if found is None:
            raise NotEnoughParts(item=items[item_id].name_hu, wanted=wanted, available=there, makeable=0)
        portions.append(_portion(found, wanted - there))
        covering.append(_find(uow, found.lot.id, found.place, wanted - there))
        review.append(
            say(
                "The books had %(available)s of %(item)s, %(wanted)s went into kits. Look at the difference.",
                available=there,
                item=items[item_id].name_hu,
                wanted=wanted,
            )
        )
    return portions, covering, review


def _portion(row: queries.PartLot, quantity: int) -> Portion:
    return Portion(
        lot_id=row.lot.id,
        place_id=row.place.id,
        item_id=row.lot.item_id,
        quantity=quantity,
        weight_mg=row.item.weight_mg,
        value=row.item.value_huf if row.lot.unit_value_huf is None else row.lot.unit_value_huf,
        expires_on=row.lot.expires_on,
        use_by=row.lot.use_by,
        condition=row.lot.condition,
    )


# Taking apart -------------------------------------------------------------------------------------------------------


def take_apart(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    lot_id: int,
    from_place_id: int,
    count: int,
    to_place_id: int,
    note: str | None = None,
    happened_at: datetime | None = None,
    done: bool = False,
) -> Made:
    """Take kits apart: the lots that went in come back; kits that came ready-made give new lots with their expiry."""
    uow.actor.require("stock.operate")
    earlier = queries.of_operation(uow.session, operation_id)
    if earlier is not None:
        return Made(earlier)
    lot, source, target = _ends(uow, lot_id, from_place_id, to_place_id)
    item = catalogue.plain_item(uow.session, lot.item_id)
    making = queries.making_of(uow.session, lot.id)
    kit = queries.kit_of_item(uow.session, item.id)
    if making is None and kit is None:
        raise NotAKit(item=item.name_hu)
    permille = making.conversion.tolerance_permille if making else kit.tolerance_permille if kit else 0
    covering, review = _covered(uow, lot, source, count, done=done)
    if making is not None:
        back = makeup.allot(making.went_in, making.came_back, making.made, count)
        item_of = {part_lot: part_item for part_lot, part_item, _ in making.went_in}
        items = catalogue.items_by_id(uow.session, item_of.values())
        weight_out = sum(items[item_of[part_lot]].weight_mg * quantity for part_lot, quantity in back)
        new: list[tuple[int, int]] = []
    else:
        assert kit is not None, "one of both is known"
        back = []
        new = [(part.item_id, part.quantity * count) for part in kit.parts]
        items = catalogue.items_by_id(uow.session, [item_id for item_id, _ in new])
        weight_out = sum(items[item_id].weight_mg * quantity for item_id, quantity in new)
    weight_in = item.weight_mg * count
    kit_parts.must_agree(weight_in, weight_out, permille)
    made = _conversion(
        uow,
        operation_id,
        ConversionKind.TAKE_APART,
        target,
        kit_id=making.conversion.kit_id if making else kit.id if kit else None,
        weights=(weight_in, weight_out),
        permille=permille,
        note=note,
        happened_at=happened_at,
    )
    for item_id, quantity in new:
        part = ledger.open_lot(
            uow,
            warehouse_id=target.warehouse_id,
            item_id=item_id,
            expires_on=lot.expires_on,
            use_by=lot.use_by,
            condition=lot.condition,
            state=lot.state,
            source=f"A-{made.id}",
            happened_at=happened_at,
        )
        back.append((part.id, quantity))
    came_out = [(part_lot, target.id, quantity) for part_lot, quantity in back]
    _write(uow, made, covering, [(lot.id, source.id, count)], came_out, happened_at)
    return Made(made, review)


# Repacking ----------------------------------------------------------------------------------------------------------


def repack(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    lot_id: int,
    from_place_id: int,
    quantity: int,
    to_item_id: int,
    to_quantity: int,
    to_place_id: int,
    lost: int = 0,
    lost_reason: str | None = None,
    tolerance_permille: int = kit_parts.TOLERANCE_PERMILLE,
    note: str | None = None,
    happened_at: datetime | None = None,
    done: bool = False,
) -> Made:
    """Repack some of a lot into another item: one sack of 25 kg into 25 bags of 1 kg, one of them spilt.

    ``to_quantity`` counts what came out and what was ``lost`` on the way; the loss is a movement of its own.
    """
    uow.actor.require("stock.operate")
    earlier = queries.of_operation(uow.session, operation_id)
    if earlier is not None:
        return Made(earlier)
    lot, source, target = _ends(uow, lot_id, from_place_id, to_place_id)
    item = catalogue.plain_item(uow.session, lot.item_id)
    into = catalogue.plain_item(uow.session, to_item_id)
    if into.tracks_expiry and lot.expires_on is None:
        raise ExpiryNeeded(item=into.name_hu)
    most = to_quantity * LOST_MAX_PERMILLE // 1000
    if lost > most:
        raise LossTooLarge(lost=lost, most=most)
    if lost and not (lost_reason or "").strip():
        raise LossReasonNeeded
    weight_in, weight_out = item.weight_mg * quantity, into.weight_mg * to_quantity
    kit_parts.must_agree(weight_in, weight_out, tolerance_permille)
    covering, review = _covered(uow, lot, source, quantity, done=done)
    made = _conversion(
        uow,
        operation_id,
        ConversionKind.REPACK,
        target,
        kit_id=None,
        weights=(weight_in, weight_out),
        permille=tolerance_permille,
        note=note,
        happened_at=happened_at,
    )
    value = (item.value_huf if lot.unit_value_huf is None else lot.unit_value_huf) * quantity
    out = ledger.open_lot(
        uow,
        warehouse_id=target.warehouse_id,
        item_id=into.id,
        expires_on=lot.expires_on,
        use_by=lot.use_by,
        batch=lot.batch,
        condition=lot.condition,
        state=LotState(lot.state),
        unit_value_huf=min(value // to_quantity, makeup.VALUE_MAX),
        source=f"A-{made.id}",
        happened_at=happened_at,
    )
    came_out = [(out.id, target.id, to_quantity)]
    _write(uow, made, covering, [(lot.id, source.id, quantity)], came_out, happened_at, lost=(lost, lost_reason))
    return Made(made, review)


# Taking back --------------------------------------------------------------------------------------------------------


def undo(uow: UnitOfWork, *, conversion_id: int, operation_id: UUID, reason: str) -> Conversion:
    """Take a conversion back as a whole, if what came out is still there; the ledger shows both."""
    found = queries.conversion(uow.session, uow.actor, conversion_id, locked=True)
    uow.actor.require_for("stock.operate", warehouse=found.warehouse_id, county=found.county_id)
    if found.undone_at is not None:
        return found
    movement_ids = queries.movements_of(uow.session, found.operation_id)
    if movement_ids:
        ledger.take_back(uow, operation_id=operation_id, movement_ids=movement_ids, reason=reason)
    found.undone_at = uow.now
    uow.session.flush()
    uow.record("conversion.undone", subject=("conversion", found.id), kind=found.kind)
    return found


@ledger.asked_before_reversal
def _whole_conversions_only(uow: UnitOfWork, movement: Movement) -> None:
    """Refuse to take one line of a conversion back: goods would come from nothing."""
    if movement.kind not in (Kind.CONVERT, Kind.LOSE, Kind.FIND):
        return
    with uow.office("conversions"):
        found = queries.of_operation(uow.session, movement.operation_id)
    if found is not None:
        raise PartOfConversion(conversion_id=found.id)


@ledger.blocked_with
def _what_holds_it(uow: UnitOfWork, lot_id: int) -> list[int]:
    """Name the kits and repacked goods that hold some of a lot."""
    with uow.office("conversions"):
        return queries.made_with(uow.session, lot_id)


# Small parts --------------------------------------------------------------------------------------------------------


def _today(uow: UnitOfWork) -> date:
    return uow.now.astimezone(stock.HOME).date()


def _workroom(uow: UnitOfWork, place_id: int) -> Place:
    """Return a place where goods may be converted, for whoever works there."""
    place = stock.place(uow.session, place_id)
    uow.actor.require_for("stock.operate", warehouse=place.warehouse_id, county=place.county_id)
    if place.stands_in not in WORKROOMS:
        raise NotHere(place=place.code)
    return place


def _ends(uow: UnitOfWork, lot_id: int, from_place_id: int, to_place_id: int) -> tuple[Lot, Place, Place]:
    lot = stock.lot(uow.session, uow.actor, lot_id)
    source, target = _workroom(uow, from_place_id), _workroom(uow, to_place_id)
    if source.warehouse_id != target.warehouse_id:
        raise NotHere(place=target.code)
    if source.stands_in == PlaceKind.QUARANTINE and target.stands_in != PlaceKind.QUARANTINE:
        raise ReleaseFirst(place=source.code)
    return lot, source, target


def _covered(
    uow: UnitOfWork, lot: Lot, source: Place, quantity: int, *, done: bool
) -> tuple[list[ledger.Step], list[Message]]:
    """Find what the books lack of a lot that has been converted by hand already."""
    free = queries.free_of(uow.session, uow.actor, lot.id, source.id) if done else quantity
    if free >= quantity:
        return [], []
    sentence = say(
        "The books had %(available)s available at %(place)s, %(wanted)s were taken. The difference is to be looked at.",
        available=free,
        place=source.code,
        wanted=quantity,
    )
    return [_find(uow, lot.id, source, quantity - max(free, 0))], [sentence]


def _find(uow: UnitOfWork, lot_id: int, place: Place, quantity: int) -> ledger.Step:
    unknown = stock.virtual_place(uow.session, place.warehouse_id, PlaceKind.DISCREPANCY)
    return ledger.Step(lot_id, unknown.id, place.id, quantity, Kind.FIND, "discrepancy")


def _conversion(
    uow: UnitOfWork,
    operation_id: UUID,
    kind: ConversionKind,
    target: Place,
    *,
    kit_id: int | None,
    weights: tuple[int, int],
    permille: int,
    note: str | None,
    happened_at: datetime | None,
) -> Conversion:
    made = Conversion(
        operation_id=operation_id,
        kind=kind.value,
        kit_id=kit_id,
        warehouse_id=target.warehouse_id,
        county_id=target.county_id,
        weight_in_g=round(weights[0] / 1000),
        weight_out_g=round(weights[1] / 1000),
        tolerance_permille=permille,
        note=note or None,
        happened_at=happened_at or uow.now,
        recorded_at=uow.now,
        done_by_id=uow.actor.id,
    )
    uow.session.add(made)
    uow.session.flush()
    return made


Taken = tuple[int, int, int]
"""A lot, a place, a quantity."""


def _write(
    uow: UnitOfWork,
    made: Conversion,
    covering: Sequence[ledger.Step],
    went_in: Sequence[Taken],
    came_out: Sequence[Taken],
    happened_at: datetime | None,
    *,
    lost: tuple[int, str | None] = (0, None),
) -> None:
    """Write the movements as one operation, and remember which lots went in and came out."""
    workbench = stock.virtual_place(uow.session, made.warehouse_id, PlaceKind.CONVERSION)
    reason = f"A-{made.id}"
    steps = [
        *covering,
        *(ledger.Step(lot, place, workbench.id, quantity, Kind.CONVERT, reason) for lot, place, quantity in went_in),
        *(ledger.Step(lot, workbench.id, place, quantity, Kind.CONVERT, reason) for lot, place, quantity in came_out),
    ]
    if lost[0]:
        loss = stock.virtual_place(uow.session, made.warehouse_id, PlaceKind.LOSS)
        lot_id, place_id, _ = came_out[-1]
        steps.append(ledger.Step(lot_id, place_id, loss.id, lost[0], Kind.LOSE, lost[1]))
    ledger.move_all(uow, operation_id=made.operation_id, steps=steps, happened_at=happened_at)
    for rows, comes_out in ((went_in, False), (came_out, True)):
        uow.session.add_all(
            ConversionLot(conversion_id=made.id, lot_id=lot, place_id=place, comes_out=comes_out, quantity=quantity)
            for lot, place, quantity in rows
        )
        uow.session.flush()
    uow.record(
        "conversion.made",
        subject=("conversion", made.id),
        kind=made.kind,
        weight_in_g=made.weight_in_g,
        weight_out_g=made.weight_out_g,
        lost=lost[0],
    )
