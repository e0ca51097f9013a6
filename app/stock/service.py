"""What is done in a warehouse: open it, receive, move, take back, reserve, release, number a document.

Rights: ``stock.operate`` where the goods are. What follows from a deed that another package has judged (a donation
received, a parcel loaded, handed over or brought back, a share reserved) is done in the office of the stock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.catalogue import queries as catalogue
from app.catalogue.errors import ItemRetired
from app.foundation.actor import Scope
from app.foundation.bulk import among, insert_rows
from app.foundation.errors import NotAllowed, Stale
from app.foundation.job import Job
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.geography import queries as geography
from app.stock import ledger, queries, scanning, storage
from app.stock.errors import (
    AlreadyReversed,
    CannotReverse,
    CodeTaken,
    CodeUnreadable,
    EarlierExpires,
    ExpiryNeeded,
    NoSuchPlace,
    NoSuchReservation,
    NotEnoughOfItem,
    NotToBeHandedOut,
    PlaceNotEmpty,
    PlaceRetired,
    ReasonNeeded,
    ReservationEnded,
    SamePlace,
    SettlementElsewhere,
    WrongPlace,
    WrongStorage,
)
from app.stock.ledger import Held, Line
from app.stock.models import (
    REAL,
    Balance,
    Kind,
    Lot,
    LotState,
    Movement,
    Place,
    PlaceKind,
    Reservation,
    ReservationState,
    Voucher,
    VoucherSeries,
    Warehouse,
)
from app.stock.picking import LotOnShelf, first_to_expire

if TYPE_CHECKING:
    from app.catalogue.models import Item

FIRST_PLACES = {
    PlaceKind.DOCK: "DOK",
    PlaceKind.QUARANTINE: "KAR",
    PlaceKind.STAGING: "KI",
    PlaceKind.DONOR: "DONOR",
    PlaceKind.HANDED_OVER: "ATADVA",
    PlaceKind.LOSS: "VESZT",
    PlaceKind.DISCREPANCY: "ELTER",
    PlaceKind.IN_TRANSIT: "UTON",
    PlaceKind.CONVERSION: "ATALAK",
}
"""What every warehouse has from its first day, and how the codes end."""

ENDS: dict[Kind, tuple[frozenset[PlaceKind], frozenset[PlaceKind]]] = {
    Kind.RECEIVE: (frozenset({PlaceKind.DONOR}), REAL),
    Kind.PUT_AWAY: (REAL, frozenset({PlaceKind.SHELF, PlaceKind.QUARANTINE})),
    Kind.MOVE: (REAL, REAL),
    Kind.PICK: (REAL, frozenset({PlaceKind.STAGING, PlaceKind.VEHICLE})),
    Kind.LOAD: (REAL, frozenset({PlaceKind.VEHICLE})),
    Kind.HAND_OVER: (REAL, frozenset({PlaceKind.HANDED_OVER})),
    Kind.BRING_BACK: (frozenset({PlaceKind.VEHICLE, PlaceKind.HANDED_OVER}), REAL),
    Kind.WRITE_OFF: (REAL, frozenset({PlaceKind.LOSS})),
    Kind.TRANSFER_OUT: (REAL, frozenset({PlaceKind.IN_TRANSIT})),
    Kind.TRANSFER_IN: (frozenset({PlaceKind.IN_TRANSIT, PlaceKind.DISCREPANCY}), REAL),
    Kind.FIND: (frozenset({PlaceKind.DISCREPANCY}), REAL),
    Kind.LOSE: (
        REAL | {PlaceKind.IN_TRANSIT, PlaceKind.DISCREPANCY},
        frozenset({PlaceKind.DISCREPANCY, PlaceKind.LOSS}),
    ),
    Kind.CONVERT: (REAL | {PlaceKind.CONVERSION}, REAL | {PlaceKind.CONVERSION}),
}
"""Where each kind of movement may begin and end."""

LEAVING = frozenset({Kind.PICK, Kind.LOAD, Kind.HAND_OVER})
"""Ways to somebody: only free lots that have not expired take them."""

ONTO_SHELVES = frozenset({Kind.PUT_AWAY, Kind.MOVE})
"""Deeds that leave things on a shelf, where they must be kept as they need it."""

CARRIED = frozenset({Kind.PUT_AWAY, Kind.MOVE, Kind.BRING_BACK})
"""Deeds that carry goods into quarantine or out of it. Those that arrive damaged say why where they arrive."""

JUDGED_BY_RUN = {
    Kind.PICK: frozenset({"runs.load"}),
    Kind.LOAD: frozenset({"runs.load", "runs.drive"}),
    Kind.HAND_OVER: frozenset({"runs.drive", "runs.load", "runs.change"}),
    Kind.BRING_BACK: frozenset({"runs.drive", "runs.load", "runs.change"}),
}
"""Rights over a run with which ``delivery`` has judged already; whose run it is, it knows and we do not."""

NOTED_ONE_BY_ONE_MAX = 500
"""Of more movements than these at once the journal keeps one line; the ledger has them all."""

VOUCHER_CODES = {
    "receipt": "BEV",
    "issue": "KIA",
    "transfer": "ATA",
    "delivery": "SZL",
    "write_off": "SEL",
    "stocktake": "LEL",
    "certificate": "IGA",
}


# Warehouses and places ----------------------------------------------------------------------------------------------


def open_warehouse(
    uow: UnitOfWork,
    *,
    code: str,
    name: str,
    county_id: int,
    settlement_id: int,
    lat: float,
    lon: float,
    storage_classes: Sequence[str],
    opens_at: time = time(6),
    closes_at: time = time(18),
    loading_bays: int = 4,
) -> Warehouse:
    """Open a warehouse with its dock, quarantine, staging and the places without walls."""
    uow.actor.require("warehouses.manage")
    code = code.upper()
    if not scanning.names_a_place(f"{code}-{FIRST_PLACES[PlaceKind.DOCK]}"):
        raise CodeUnreadable(code=code)
    if uow.session.scalar(select(Warehouse.id).where(Warehouse.code == code)) is not None:
        raise CodeTaken(code=code)
    if geography.settlement(uow.session, settlement_id).county_id != county_id:
        raise SettlementElsewhere
    geography.checked_point(lat, lon)
    warehouse = Warehouse(
        code=code,
        name=name,
        county_id=county_id,
        settlement_id=settlement_id,
        lat=lat,
        lon=lon,
        storage_classes=list(storage_classes),
        opens_at=opens_at,
        closes_at=closes_at,
        loading_bays=loading_bays,
    )
    uow.session.add(warehouse)
    uow.session.flush()
    for kind, ending in FIRST_PLACES.items():
        uow.session.add(Place(warehouse_id=warehouse.id, county_id=county_id, code=f"{code}-{ending}", kind=kind.value))
    uow.record("warehouse.opened", subject=("warehouse", warehouse.id), code=code)
    uow.session.flush()
    return warehouse


def change_warehouse(uow: UnitOfWork, *, warehouse_id: int, version: int, **changes: Any) -> Warehouse:
    """Change name, hours, bays or storage classes of a warehouse that was read at ``version``."""
    uow.actor.require("warehouses.manage")
    allowed = {"name", "opens_at", "closes_at", "loading_bays", "storage_classes", "lat", "lon"}
    assert set(changes) <= allowed, f"unknown fields: {set(changes) - allowed}"
    warehouse = queries.warehouse(uow.session, uow.actor, warehouse_id)
    if warehouse.version != version:
        raise Stale(version=warehouse.version)
    changed = sorted(name for name, value in changes.items() if getattr(warehouse, name) != value)
    for name in changed:
        setattr(warehouse, name, changes[name])
    if changed:
        uow.record("warehouse.changed", subject=("warehouse", warehouse.id), fields=changed)
    uow.session.flush()
    return warehouse


def open_place(
    uow: UnitOfWork,
    *,
    warehouse_id: int,
    code: str,
    kind: str,
    storage_class: str = "ambient",
    parent_id: int | None = None,
) -> Place:
    """Open a shelf, a bin, a vehicle. Codes begin with the warehouse's: "MIS-A-03-2"."""
    warehouse = queries.warehouse(uow.session, uow.actor, warehouse_id)
    vehicle = kind == PlaceKind.VEHICLE and uow.actor.may("fleet.manage")
    if not vehicle and not uow.actor.covers("warehouses.manage", warehouse=warehouse.id, county=warehouse.county_id):
        uow.actor.require_for("stock.operate", warehouse=warehouse.id, county=warehouse.county_id)
    if PlaceKind(kind) not in REAL or kind == PlaceKind.BOX:
        raise WrongPlace(place=code, deed="open")
    code = code.upper()
    if not scanning.names_a_place(code):
        raise CodeUnreadable(code=code)
    if uow.session.scalar(select(Place.id).where(Place.code == code)) is not None:
        raise CodeTaken(code=code)
    if parent_id is not None and queries.place(uow.session, parent_id).warehouse_id != warehouse_id:
        raise WrongPlace(place=code, deed="open")
    place = Place(
        warehouse_id=warehouse_id,
        county_id=warehouse.county_id,
        code=code,
        kind=PlaceKind(kind).value,
        storage_class=storage_class,
        parent_id=parent_id,
    )
    uow.session.add(place)
    uow.session.flush()
    uow.record("place.opened", subject=("place", place.id), code=code, warehouse_id=warehouse_id)
    return place


def retire_place(uow: UnitOfWork, *, place_id: int) -> Place:
    """Use a place no more; it must be empty, and those without walls stay."""
    place = queries.place(uow.session, place_id)
    scope = {"warehouse": place.warehouse_id, "county": place.county_id}
    if not any(uow.actor.covers(permission, **scope) for permission in ("warehouses.manage", "stock.operate")):
        raise NoSuchPlace(place_id=place_id)
    if not place.guarded or place.kind == PlaceKind.BOX:
        raise WrongPlace(place=place.code, deed="retire")
    if queries.holds_anything(uow.session, place_id):
        raise PlaceNotEmpty(place=place.code)
    if place.retired_at is None:
        place.retired_at = uow.now
        uow.record("place.retired", subject=("place", place.id), code=place.code)
    uow.session.flush()
    return place


# Boxes as places ----------------------------------------------------------------------------------------------------

told_of_boxes = ledger.told_of_boxes


def open_box_place(uow: UnitOfWork, *, code: str, at: Place) -> Place:
    """Open the place that a new box is; it stands at ``at``. ``boxes`` has judged who may, and keeps the rest."""
    if uow.session.scalar(select(Place.id).where(Place.code == code)) is not None:
        raise CodeTaken(code=code)
    place = Place(
        warehouse_id=at.warehouse_id,
        county_id=at.county_id,
        code=code,
        kind=PlaceKind.BOX.value,
        storage_class=at.storage_class,
        parent_id=at.id,
        root_id=at.root_id or at.id,
    )
    uow.session.add(place)
    uow.session.flush()
    return place


def stand_boxes(uow: UnitOfWork, *, place_id: int, on: Place, with_place_ids: Iterable[int] = ()) -> None:
    """Let a box stand on (or in) another place, with the boxes in it: they all stand where that one finally stands."""
    root_id = on.root_id or on.id
    moved = uow.session.get_one(Place, place_id)
    moved.parent_id = on.id
    for each in (moved, *(uow.session.get_one(Place, other) for other in with_place_ids)):
        each.root_id, each.storage_class = root_id, on.storage_class
    uow.session.flush()


def retire_box_place(uow: UnitOfWork, *, place_id: int) -> None:
    """Use a box's place no more; nothing may be in it."""
    place = uow.session.get_one(Place, place_id)
    with _office(uow, "stock.read"):
        if queries.holds_anything(uow.session, place_id):
            raise PlaceNotEmpty(place=place.code)
    place.retired_at = place.retired_at or uow.now
    uow.session.flush()


# Arriving -----------------------------------------------------------------------------------------------------------


def receive(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    item_id: int,
    quantity: int,
    place_id: int,
    warehouse_id: int,
    expires_on: date | None = None,
    use_by: bool = False,
    batch: str | None = None,
    condition: str = "new",
    unit_value_huf: int | None = None,
    source: str | None = None,
    state: str = LotState.FREE,
    happened_at: datetime | None = None,
) -> Lot:
    """Receive goods from a donor into a place, as a new lot."""
    arrival = {
        "operation_id": operation_id,
        "item_id": item_id,
        "quantity": quantity,
        "place_id": place_id,
        "warehouse_id": warehouse_id,
        "expires_on": expires_on,
        "use_by": use_by,
        "batch": batch,
        "condition": condition,
        "unit_value_huf": unit_value_huf,
        "source": source,
        "state": state,
        "happened_at": happened_at,
    }
    return receive_many(uow, [arrival])[0]


def receive_many(uow: UnitOfWork, arrivals: Sequence[Mapping[str, Any]]) -> list[Lot]:
    """Receive many lots at once; each is what ``receive`` takes, by the same names. The same few statements for all."""
    if not arrivals:
        return []
    with _office(uow, "stock.operate"):
        facts = _lots(uow, arrivals)
        lots = [Lot(**each) for each in facts]
        uow.session.add_all(lots)
        uow.session.flush()
        lines = _receipts(uow, arrivals, [lot.id for lot in lots])
        ledger.post(uow, _nothing_yet(uow, facts, lines), lines, noted=len(lines) == 1)
    if len(lines) > 1:
        _note_received(uow, arrivals)
    return lots


def receive_thousands(uow: UnitOfWork, arrivals: Sequence[Mapping[str, Any]]) -> list[int]:
    """Receive the lots of a whole list, as ``receive_many`` does at a third of its cost: only their ids are told."""
    with _office(uow, "stock.operate"):
        facts = _lots(uow, arrivals)
        lot_ids = insert_rows(uow.session, Lot, facts)
        lines = _receipts(uow, arrivals, lot_ids)
        ledger.post(uow, _nothing_yet(uow, facts, lines), lines, noted=False)
    _note_received(uow, arrivals)
    return lot_ids


def _lots(uow: UnitOfWork, arrivals: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Judge arrivals; return what the lots of them are, in their order."""
    if len(arrivals) > 1:
        look_up(uow, {each["place_id"] for each in arrivals}, {each["item_id"] for each in arrivals})
    lots = []
    for arrival in arrivals:
        place = queries.place(uow.session, arrival["place_id"])
        item = catalogue.plain_item(uow.session, arrival["item_id"])
        _keep(uow, place, item)
        _may_receive(uow, place, arrival["warehouse_id"], item, arrival.get("expires_on"))
        lots.append(_lot(uow, item, arrival))
    return lots


def look_up(uow: UnitOfWork, place_ids: Collection[int], item_ids: Collection[int]) -> None:
    """Read at once the places and items that would else be asked for one by one; they are known until we commit."""
    _keep(uow, *queries.places_by_id(uow.session, place_ids).values())
    _keep(uow, *catalogue.items_by_id(uow.session, item_ids).values())


def _keep(uow: UnitOfWork, *seen: Place | Item) -> None:
    # The session finds again what somebody holds, and forgets what nobody does.
    uow.kept.setdefault("stock.seen", {}).update({each.code: each for each in seen})


def _nothing_yet(
    uow: UnitOfWork, lots: Sequence[Mapping[str, Any]], lines: Sequence[Line]
) -> dict[ledger.Key, ledger.Held]:
    """Return the balances of lots that nobody else knows yet: they hold nothing, and there is nothing to lock."""
    found = {}
    for lot, line in zip(lots, lines, strict=True):
        item = catalogue.plain_item(uow.session, lot["item_id"])
        for lot_id, place_id in _ends(line):
            place = queries.place(uow.session, place_id)
            walls = place.root or place
            found[lot_id, place_id] = ledger.Held(
                id=None,
                lot_id=lot_id,
                place_id=place_id,
                on_hand=0,
                reserved=0,
                place_kind=walls.kind,
                warehouse_id=place.warehouse_id,
                county_id=place.county_id,
                place_code=place.code,
                place_retired=place.retired_at is not None,
                lot_state=lot["state"],
                expires_on=lot["expires_on"],
                item_id=item.id,
                item_name=item.name_hu,
                storage_class=item.storage_class,
                kept=walls.storage_class,
                boxed=place.root_id is not None,
            )
    return found


def _lot(uow: UnitOfWork, item: Item, arrival: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "item_id": item.id,
        "expires_on": arrival.get("expires_on"),
        "use_by": arrival.get("use_by", False),
        "batch": arrival.get("batch"),
        "condition": arrival.get("condition", "new"),
        "state": LotState(arrival.get("state", LotState.FREE)).value,
        "unit_value_huf": arrival.get("unit_value_huf"),
        "source": arrival.get("source"),
        "warehouse_id": arrival["warehouse_id"],
        "received_at": arrival.get("happened_at") or uow.now,
    }


def _receipts(uow: UnitOfWork, arrivals: Sequence[Mapping[str, Any]], lot_ids: Sequence[int]) -> list[Line]:
    """Return the movements by which lots come from their donors."""
    donors = _donors(uow, {arrival["warehouse_id"] for arrival in arrivals})
    return [
        Line(
            lot_id=lot_id,
            from_place_id=donors[arrival["warehouse_id"]].id,
            to_place_id=arrival["place_id"],
            quantity=arrival["quantity"],
            kind=Kind.RECEIVE,
            operation_id=arrival["operation_id"],
            happened_at=arrival.get("happened_at"),
        )
        for lot_id, arrival in zip(lot_ids, arrivals, strict=True)
    ]


def _note_received(uow: UnitOfWork, arrivals: Sequence[Mapping[str, Any]]) -> None:
    uow.record("stock.received", lots=len(arrivals), warehouses=len({each["warehouse_id"] for each in arrivals}))


def _donors(uow: UnitOfWork, warehouse_ids: Iterable[int]) -> dict[int, Place]:
    """Return the places from which gifts come, by warehouse; looked up once in a transaction."""
    known: dict[int, Place] = uow.kept.setdefault("stock.donors", {})
    if not known.keys() >= set(warehouse_ids):
        known.update(queries.virtual_places(uow.session, warehouse_ids, PlaceKind.DONOR))
    return known


def _may_receive(uow: UnitOfWork, place: Place, warehouse_id: int, item: Item, expires_on: date | None) -> None:
    if not uow.actor.covers("stock.operate", warehouse=place.warehouse_id, county=place.county_id):
        uow.actor.require_for("donations.receive", warehouse=place.warehouse_id, county=place.county_id)
    if place.warehouse_id != warehouse_id or not place.guarded:
        raise WrongPlace(place=place.code, deed=Kind.RECEIVE)
    if place.retired_at is not None:
        raise PlaceRetired(place=place.code)
    if item.retired_at is not None:
        raise ItemRetired(item=item.name_hu)
    if item.tracks_expiry and expires_on is None:
        raise ExpiryNeeded(item=item.name_hu)


# Moving -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Booked:
    """What a deed wrote into the ledger, and what a person must look at."""

    movement: Movement
    movements: list[Movement]
    review: list[Message] = field(default_factory=list)


def move(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    lot_id: int,
    from_place_id: int,
    to_place_id: int,
    quantity: int,
    kind: Kind | str = Kind.MOVE,
    reason: str | None = None,
    happened_at: datetime | None = None,
    line: int = 0,
) -> Movement:
    """Move a quantity of a lot from one place to another; more than is available is refused."""
    booked = book(
        uow,
        operation_id=operation_id,
        lot_id=lot_id,
        from_place_id=from_place_id,
        to_place_id=to_place_id,
        quantity=quantity,
        kind=kind,
        reason=reason,
        happened_at=happened_at,
        line=line,
    )
    return booked.movement


def book(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    lot_id: int,
    from_place_id: int,
    to_place_id: int,
    quantity: int,
    kind: Kind | str = Kind.MOVE,
    reason: str | None = None,
    happened_at: datetime | None = None,
    done: bool = False,
    line: int = 0,
) -> Booked:
    """Move a quantity of a lot; with ``done`` it has been moved by hand already, and the world wins.

    Then what the books lack comes out of the discrepancy place, so that nothing goes negative, and the answer says
    what a person must look at.
    """
    if from_place_id == to_place_id:
        raise SamePlace
    kind = Kind(kind)
    keys = [(lot_id, from_place_id), (lot_id, to_place_id)]
    with _office(uow, "stock.write_off" if kind == Kind.WRITE_OFF else "stock.operate"):
        held = ledger.hold(uow, keys)
        source, target = held[keys[0]], held[keys[1]]
        _may_move(uow, kind, source, target)
        review = _judge(uow, kind, source, target, done=done)
        review += needs_reason(kind, source.place_kind, target.place_kind, reason, done=done)
        lines = []
        missing = quantity - source.available if source.guarded else 0
        if done and missing > 0:
            unknown = queries.virtual_place(uow.session, source.warehouse_id, PlaceKind.DISCREPANCY)
            held = ledger.hold(uow, [*keys, (lot_id, unknown.id)])
            # A balance that was not there could not be locked: meanwhile somebody may have put the pieces there.
            missing = quantity - held[keys[0]].available
        if done and missing > 0:
            review.append(_shortage(held[keys[0]], quantity))
            lines.append(
                Line(
                    lot_id,
                    unknown.id,
                    from_place_id,
                    missing,
                    Kind.MOVE,
                    operation_id,
                    line,
                    "discrepancy",
                    happened_at,
                )
            )
            line += 1
        lines.append(Line(lot_id, from_place_id, to_place_id, quantity, kind, operation_id, line, reason, happened_at))
        movements = ledger.post(uow, held, lines)
    if review:
        uow.record("stock.needs_review", subject=("lot", lot_id), movement_id=movements[-1].id, missing=max(missing, 0))
    return Booked(movements[-1], movements, review)


@dataclass(frozen=True)
class Step:
    """One movement of an operation that has several."""

    lot_id: int
    from_place_id: int
    to_place_id: int
    quantity: int
    kind: Kind | str
    reason: str | None = None


def move_all(
    uow: UnitOfWork, *, operation_id: UUID, steps: Sequence[Step], happened_at: datetime | None = None, line: int = 0
) -> list[Movement]:
    """Make several movements as lines of one operation, in their order: all of them, or none."""
    if not steps:
        return []
    lines = [
        Line(
            lot_id=step.lot_id,
            from_place_id=step.from_place_id,
            to_place_id=step.to_place_id,
            quantity=step.quantity,
            kind=Kind(step.kind),
            operation_id=operation_id,
            number=line + number,
            reason=step.reason,
            happened_at=happened_at,
        )
        for number, step in enumerate(steps)
    ]
    with _office(uow, "stock.operate"):
        held = ledger.hold(uow, [key for each in lines for key in _ends(each)])
        for each in lines:
            source, target = (held[key] for key in _ends(each))
            _may_move(uow, each.kind, source, target)
            _judge(uow, each.kind, source, target, done=False)
        return ledger.post(uow, held, lines)


def open_lot(uow: UnitOfWork, *, warehouse_id: int, item_id: int, **facts: Any) -> Lot:
    """Open a lot that holds nothing yet: what comes out of a conversion. Facts are those of ``receive``."""
    warehouse = queries.warehouse(uow.session, uow.actor, warehouse_id)
    uow.actor.require_for("stock.operate", warehouse=warehouse.id, county=warehouse.county_id)
    item = catalogue.plain_item(uow.session, item_id)
    if item.retired_at is not None:
        raise ItemRetired(item=item.name_hu)
    lot = Lot(**_lot(uow, item, {"warehouse_id": warehouse_id, **facts}))
    uow.session.add(lot)
    uow.session.flush()
    return lot


def take_back(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    movement_ids: Sequence[int],
    reason: str,
    happened_at: datetime | None = None,
) -> list[Movement]:
    """Take several movements back by their opposites, the last one first, as one operation: all of them, or none.

    For packages whose deed is several movements; nobody else is asked.
    """
    originals = queries.movements_by_id(uow.session, uow.actor, movement_ids)
    reversed_already = queries.reversed_among(uow.session, movement_ids)
    for original in originals:
        if original.kind == Kind.REVERSE:
            raise CannotReverse(movement_id=original.id)
        if original.id in reversed_already:
            raise AlreadyReversed(movement_id=original.id)
        permission = "stock.write_off" if original.kind == Kind.WRITE_OFF else "stock.operate"
        uow.actor.require_for(permission, warehouse=original.warehouse_id, county=original.county_id)
    lines = [
        Line(
            lot_id=original.lot_id,
            from_place_id=original.to_place_id,
            to_place_id=original.from_place_id,
            quantity=original.quantity,
            kind=Kind.REVERSE,
            operation_id=operation_id,
            number=number,
            reason=reason,
            happened_at=happened_at,
            reverses_id=original.id,
        )
        for number, original in enumerate(sorted(originals, key=lambda each: each.id, reverse=True))
    ]
    many = len(lines) > NOTED_ONE_BY_ONE_MAX
    with _office(uow, "stock.operate"):
        held = ledger.hold(uow, [key for each in lines for key in _ends(each)])
        movements = ledger.post(uow, held, lines, noted=not many)
    if many:
        uow.record("stock.taken_back", movements=len(movements))
    return movements


def first_or_why(uow: UnitOfWork, *, lot_id: int, from_place_id: int, reason: str | None, done: bool) -> list[Message]:
    """Refuse to pick a lot while another free one of its item in the warehouse expires earlier, unless it is said why.

    What was done already is only noted.
    """
    taken = uow.session.get(Lot, lot_id)
    if taken is None or reason:
        return []
    home = queries.place(uow.session, from_place_id).warehouse_id
    today = uow.now.astimezone(queries.HOME).date()
    with _office(uow, "stock.read"):
        rows = queries.pickable(uow.session, home, [taken.item_id], today)
    first = next((row for row in rows if row.lot_id != lot_id), None)
    if first is None or first.expires_on >= (taken.expires_on or date.max):
        return []
    item = catalogue.plain_item(uow.session, taken.item_id)
    if done:
        return [say("Another lot of %(item)s expires earlier: L-%(lot)s.", item=item.name_hu, lot=str(first.lot_id))]
    raise EarlierExpires(
        item=item.name_hu,
        lot_id=first.lot_id,
        place=first.place if first.box is None else f"{first.place} · {first.box}",
        expires_on=first.expires_on,
        taken_lot_id=lot_id,
    )


def pick_item(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    warehouse_id: int,
    item_id: int,
    quantity: int,
    to_place_id: int,
    happened_at: datetime | None = None,
) -> list[Movement]:
    """Pick so many of an item, whatever lots they are: the first to expire first, in as many movements as it takes."""
    today = uow.now.astimezone(queries.HOME).date()
    with _office(uow, "stock.operate"):
        rows = queries.pickable(uow.session, warehouse_id, [item_id], today)
        keys = [(row.lot_id, row.place_id) for row in rows]
        held = ledger.hold(uow, keys) if keys else {}
        # What another picker has taken meanwhile is seen only now, under the lock.
        there = [
            LotOnShelf(each.lot_id, each.place_id, each.available, each.expires_on, each.lot_state)
            for each in held.values()
        ]
        item = catalogue.plain_item(uow.session, item_id)
        chosen = first_to_expire(there, quantity, today, item.shelf_life_left_days_min)
        if sum(part for _, part in chosen) < quantity:
            raise NotEnoughOfItem(item=item.name_hu, wanted=quantity, available=sum(part for _, part in chosen))
        steps = [Step(lot.lot_id, lot.place_id, to_place_id, part, Kind.PICK) for lot, part in chosen]
        return move_all(uow, operation_id=operation_id, steps=steps, happened_at=happened_at)


def _may_move(uow: UnitOfWork, kind: Kind, source: Held, target: Held) -> None:
    permission = "stock.write_off" if kind == Kind.WRITE_OFF else "stock.operate"
    ends = [{"warehouse": each.warehouse_id, "county": each.county_id} for each in (source, target)]
    if all(uow.actor.covers(permission, **end) for end in ends):
        return
    if not any(uow.actor.may(each) for each in JUDGED_BY_RUN.get(kind, ())):
        raise NotAllowed(permission=permission)


def _judge(uow: UnitOfWork, kind: Kind, source: Held, target: Held, *, done: bool) -> list[Message]:
    """Refuse what must not be; what was done already is only noted."""
    begins, ends = ENDS[kind]
    if source.place_kind not in begins:
        raise WrongPlace(place=source.place_code, deed=kind)
    if target.place_kind not in ends:
        raise WrongPlace(place=target.place_code, deed=kind)
    review = []
    if target.place_retired:
        if not done:
            raise PlaceRetired(place=target.place_code)
        review.append(say("The place %(place)s is not used any more.", place=target.place_code))
    today = uow.now.astimezone(queries.HOME).date()
    expired = source.expires_on is not None and source.expires_on < today
    held_back = source.lot_state != LotState.FREE or source.place_kind == PlaceKind.QUARANTINE
    if kind in LEAVING and (expired or held_back):
        if not done:
            raise NotToBeHandedOut(
                lot_id=source.lot_id,
                item=source.item_name,
                state=source.lot_state,
                expires_on=source.expires_on,
                today=today,
            )
        review.append(say("The lot had expired, or was not free."))
    if (
        kind in ONTO_SHELVES
        and target.place_kind == PlaceKind.SHELF
        and not storage.fits(source.storage_class, target.kept)
    ):
        if not done:
            raise WrongStorage(
                item=source.item_name, needs=source.storage_class, place=target.place_code, kept=target.kept
            )
        review.append(
            say("%(item)s is not kept in such a place: %(place)s.", item=source.item_name, place=target.place_code)
        )
    return review


def needs_reason(kind: Kind, source: str, target: str, reason: str | None, *, done: bool) -> list[Message]:
    """Refuse to carry goods into quarantine, or out of it, without a reason; what was done already is only noted."""
    apart = (source == PlaceKind.QUARANTINE) != (target == PlaceKind.QUARANTINE)
    if not apart or kind not in CARRIED or (reason or "").strip():
        return []
    if not done:
        raise ReasonNeeded
    return [say("It went into quarantine, or out of it, and nobody said why.")]


def _shortage(source: Held, wanted: int) -> Message:
    return say(
        "The books had %(available)s available at %(place)s, %(wanted)s were taken. The difference is to be looked at.",
        available=source.available,
        place=source.place_code,
        wanted=wanted,
    )


Keeper = Callable[[UnitOfWork, Movement], None]
_KEEPERS: list[Keeper] = []


def asked_before_reversal(keeper: Keeper) -> Keeper:
    """Let a package above refuse, by raising, that a movement is taken back on which something of its own rests."""
    _KEEPERS.append(keeper)
    return keeper


def reverse(
    uow: UnitOfWork, *, operation_id: UUID, movement_id: int, reason: str, happened_at: datetime | None = None
) -> Movement:
    """Take a movement back by its opposite; both stay in the ledger."""
    original = queries.movement(uow.session, uow.actor, movement_id)
    if original.kind == Kind.REVERSE:
        raise CannotReverse(movement_id=movement_id)
    if queries.is_reversed(uow.session, movement_id):
        raise AlreadyReversed(movement_id=movement_id)
    permission = "stock.write_off" if original.kind == Kind.WRITE_OFF else "stock.operate"
    uow.actor.require_for(permission, warehouse=original.warehouse_id, county=original.county_id)
    for keeper in _KEEPERS:
        keeper(uow, original)
    back = Line(
        lot_id=original.lot_id,
        from_place_id=original.to_place_id,
        to_place_id=original.from_place_id,
        quantity=original.quantity,
        kind=Kind.REVERSE,
        operation_id=operation_id,
        reason=reason,
        happened_at=happened_at,
        reverses_id=original.id,
    )
    with _office(uow, permission):
        held = ledger.hold(uow, _ends(back))
        return ledger.post(uow, held, [back])[0]


def change_lot_state(uow: UnitOfWork, *, lot_id: int, state: str, reason: str) -> Lot:
    """Block a lot, put it into quarantine as a whole, or free it again. What was made of a blocked lot is blocked too.

    Whoever works where the lot was received, or where some of it lies, may say so.
    """
    lot = queries.lot(uow.session, uow.actor, lot_id)
    if not uow.actor.covers("stock.operate", warehouse=lot.warehouse_id):
        here = queries.balances_of_lot(uow.session, uow.actor, lot_id)
        ends = [{"warehouse": each.warehouse_id, "county": each.county_id} for each in here if each.guarded]
        if not any(uow.actor.covers("stock.operate", **end) for end in ends):
            uow.actor.require_for("stock.operate", warehouse=lot.warehouse_id)
    before, lot.state = lot.state, LotState(state).value
    uow.record("lot.state", subject=("lot", lot.id), before=before, state=lot.state, reason=reason)
    if lot.state == LotState.BLOCKED:
        for made in made_of(uow, lot.id):
            child = uow.session.get_one(Lot, made)
            if child.state != LotState.BLOCKED:
                uow.record("lot.state", subject=("lot", made), before=child.state, state="blocked", reason=reason)
                child.state = LotState.BLOCKED.value
    uow.session.flush()
    return lot


def made_of(uow: UnitOfWork, lot_id: int) -> list[int]:
    """Return the lots that hold some of a lot."""
    return [made for follower in _FOLLOWERS for made in follower(uow, lot_id)]


Follower = Callable[[UnitOfWork, int], Iterable[int]]
_FOLLOWERS: list[Follower] = []


def blocked_with(follower: Follower) -> Follower:
    """Let a package above name the lots that hold some of a blocked one: they are blocked with it."""
    _FOLLOWERS.append(follower)
    return follower


# Reserving ----------------------------------------------------------------------------------------------------------


def reserve(
    uow: UnitOfWork, *, lot_id: int, place_id: int, quantity: int, purpose: tuple[str, int], expires_at: datetime
) -> Reservation:
    """Speak for a quantity of a lot in a place, until a time. Who may decide that, the caller has judged."""
    row = {
        "lot_id": lot_id,
        "place_id": place_id,
        "quantity": quantity,
        "purpose_kind": purpose[0],
        "purpose_id": purpose[1],
        "expires_at": expires_at,
    }
    reservation_id = reserve_many(uow, [row])[0]
    return uow.session.get_one(Reservation, reservation_id)


def reserve_many(uow: UnitOfWork, rows: Sequence[Mapping[str, Any]], *, skip_short: bool = False) -> list[int | None]:
    """Speak for many at once: rows of ``lot_id place_id quantity purpose_kind purpose_id expires_at``.

    Returns the ids in the order of the rows. A row that does not fit refuses all of them; with ``skip_short`` it is
    left out and its id is None. A fixed number of statements.
    """
    if not rows:
        return []
    with uow.office("stock"):
        held = ledger.hold(uow, [(row["lot_id"], row["place_id"]) for row in rows])
        changes: dict[ledger.Key, int] = {}
        fits = []
        for row in rows:
            key = (row["lot_id"], row["place_id"])
            wanted = changes.get(key, 0) + row["quantity"]
            short = wanted > held[key].available or not held[key].guarded
            if short and not skip_short:
                held[key].must_cover(wanted)
            fits.append(not short)
            if not short:
                changes[key] = wanted
        ledger.speak_for(uow.session, held, changes)
        values = [
            {
                "lot_id": row["lot_id"],
                "place_id": row["place_id"],
                "quantity": row["quantity"],
                "state": ReservationState.PENDING.value,
                "purpose_kind": row["purpose_kind"],
                "purpose_id": row["purpose_id"],
                "made_at": uow.now,
                "expires_at": row["expires_at"],
            }
            for row, fit in zip(rows, fits, strict=True)
            if fit
        ]
        made = iter(insert_rows(uow.session, Reservation, values))
    if len(values) > 1:
        uow.record("stock.reserved", reservations=len(values), pieces=sum(row["quantity"] for row in values))
    elif values:
        uow.record("stock.reserved", subject=("lot", values[0]["lot_id"]), quantity=values[0]["quantity"])
    return [next(made) if fit else None for fit in fits]


def release(uow: UnitOfWork, *, reservation_id: int) -> Reservation:
    """Give back what was reserved. What has ended already stays as it is."""
    if uow.session.get(Reservation, reservation_id) is None:
        raise NoSuchReservation(reservation_id=reservation_id)
    release_many(uow, [reservation_id])
    return uow.session.get_one(Reservation, reservation_id, populate_existing=True)


def release_many(uow: UnitOfWork, reservation_ids: Iterable[int]) -> int:
    """Give back many reservations at once; return how many were still pending."""
    with uow.office("stock"):
        rows = _pending(uow, reservation_ids)
        changes: dict[ledger.Key, int] = {}
        for row in rows:
            key = (row.lot_id, row.place_id)
            changes[key] = changes.get(key, 0) - row.quantity
        if rows:
            ledger.speak_for(uow.session, ledger.hold(uow, changes), changes)
            _end(uow, [row.id for row in rows], ReservationState.RELEASED)
    if rows:
        uow.record("stock.released", reservations=len(rows), pieces=sum(row.quantity for row in rows))
    return len(rows)


def keep_reserved(uow: UnitOfWork, reservation_ids: Iterable[int], *, expires_at: datetime) -> int:
    """Let pending reservations end later (or sooner); return how many were still pending."""
    rows = _pending(uow, reservation_ids)
    if rows:
        changed = update(Reservation).where(Reservation.id.in_([row.id for row in rows])).values(expires_at=expires_at)
        uow.session.execute(changed, execution_options={"synchronize_session": False})
    return len(rows)


def expire_reservations(uow: UnitOfWork, *, most: int = 5000) -> int:
    """Give back what was reserved until a time that has come; return how many."""
    statement = (
        select(Reservation.id)
        .where(Reservation.state == ReservationState.PENDING, Reservation.expires_at <= uow.now)
        .order_by(Reservation.id)
        .limit(most)
    )
    return release_many(uow, uow.session.scalars(statement).all())


def consume_and_move(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    line: int,
    reservation_id: int,
    to_place_id: int,
    kind: Kind,
    happened_at: datetime | None = None,
) -> Movement:
    """Move what was reserved; the reservation is consumed by the movement in one step."""
    return consume_many_and_move(
        uow,
        operation_id=operation_id,
        reservation_ids=[reservation_id],
        to_place_id=to_place_id,
        kind=kind,
        happened_at=happened_at,
        line=line,
    )[0]


def consume_many_and_move(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    reservation_ids: Sequence[int],
    to_place_id: int,
    kind: Kind,
    happened_at: datetime | None = None,
    line: int = 0,
    reason: str | None = None,
) -> list[Movement]:
    """Move everything that some reservations hold into one place, as lines of one operation, in their order."""
    kind = Kind(kind)
    with uow.office("stock"):
        rows = {row.id: row for row in _pending(uow, reservation_ids)}
        for reservation_id in reservation_ids:
            if reservation_id not in rows:
                ended = uow.session.get(Reservation, reservation_id)
                if ended is None:
                    raise NoSuchReservation(reservation_id=reservation_id)
                raise ReservationEnded(reservation_id=reservation_id, state=ended.state)
        ordered = [rows[reservation_id] for reservation_id in reservation_ids]
        lines = [
            Line(
                lot_id=row.lot_id,
                from_place_id=row.place_id,
                to_place_id=to_place_id,
                quantity=row.quantity,
                kind=kind,
                operation_id=operation_id,
                number=line + number,
                reason=reason,
                happened_at=happened_at,
                reserved=row.quantity,
            )
            for number, row in enumerate(ordered)
        ]
        held = ledger.hold(uow, [key for each in lines for key in _ends(each)])
        for each in lines:
            source, target = (held[key] for key in _ends(each))
            _may_move(uow, kind, source, target)
            _judge(uow, kind, source, target, done=False)
        movements = ledger.post(uow, held, lines)
        _end(uow, list(rows), ReservationState.CONSUMED)
    return movements


def move_reserved(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    reservation_ids: Sequence[int],
    to_place_id: int,
    kind: Kind | str = Kind.PICK,
    happened_at: datetime | None = None,
    line: int = 0,
) -> list[Movement]:
    """Move what reservations hold, and the reservations with it: it stays spoken for by the same purpose.

    What lies there already stays. A reservation that has ended is refused.
    """
    kind = Kind(kind)
    with uow.office("stock"):
        rows = {row.id: row for row in _pending(uow, reservation_ids)}
        for reservation_id in reservation_ids:
            if reservation_id not in rows:
                ended = uow.session.get(Reservation, reservation_id)
                if ended is None:
                    raise NoSuchReservation(reservation_id=reservation_id)
                raise ReservationEnded(reservation_id=reservation_id, state=ended.state)
        wanted = [rows[each] for each in reservation_ids if rows[each].place_id != to_place_id]
        return _follow(uow, operation_id, wanted, [], to_place_id, kind, happened_at, line)


def empty_into(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    from_place_id: int,
    to_place_id: int,
    kind: Kind | str = Kind.MOVE,
    happened_at: datetime | None = None,
) -> list[Movement]:
    """Move everything that a place holds into another; what is reserved there stays reserved where it goes."""
    kind = Kind(kind)
    with uow.office("stock"):
        pending = select(Reservation.id).where(
            Reservation.place_id == from_place_id, Reservation.state == ReservationState.PENDING
        )
        rows = _pending(uow, uow.session.scalars(pending).all())
        lots = uow.session.scalars(
            select(Balance.lot_id)
            .where(Balance.place_id == from_place_id, Balance.on_hand > 0)
            .order_by(Balance.lot_id)
        ).all()
        held = ledger.hold(uow, [(lot_id, from_place_id) for lot_id in lots]) if lots else {}
        free = [(each.lot_id, each.place_id, each.available) for each in held.values() if each.available > 0]
        return _follow(uow, operation_id, rows, free, to_place_id, kind, happened_at, 0)


def _follow(
    uow: UnitOfWork,
    operation_id: UUID,
    reserved: Sequence[Any],
    free: Sequence[tuple[int, int, int]],
    to_place_id: int,
    kind: Kind,
    happened_at: datetime | None,
    line: int,
) -> list[Movement]:
    """Move what is reserved, with its reservations, and what is free."""
    whole = [(row.lot_id, row.place_id, row.quantity, row.quantity) for row in reserved]
    whole += [(lot_id, place_id, quantity, 0) for lot_id, place_id, quantity in free]
    lines = [
        Line(
            lot_id, place_id, to_place_id, quantity, kind, operation_id, line + number, None, happened_at, None, spoken
        )
        for number, (lot_id, place_id, quantity, spoken) in enumerate(whole)
    ]
    if not lines:
        return []
    held = ledger.hold(uow, [key for each in lines for key in _ends(each)])
    for each in lines:
        source, target = (held[key] for key in _ends(each))
        _may_move(uow, kind, source, target)
        _judge(uow, kind, source, target, done=False)
    movements = ledger.post(uow, held, lines)
    if reserved:
        spoken_for: dict[ledger.Key, int] = {}
        for row in reserved:
            spoken_for[row.lot_id, to_place_id] = spoken_for.get((row.lot_id, to_place_id), 0) + row.quantity
        ledger.speak_for(uow.session, ledger.hold(uow, spoken_for), spoken_for)
        followed = update(Reservation).where(Reservation.id.in_([row.id for row in reserved]))
        uow.session.execute(
            followed.values(place_id=to_place_id), execution_options={"synchronize_session": "evaluate"}
        )
    return movements


def _pending(uow: UnitOfWork, reservation_ids: Iterable[int]) -> list[Any]:
    """Lock the reservations that are still pending; always before balances, always in the order of ids."""
    statement = (
        select(Reservation.id, Reservation.lot_id, Reservation.place_id, Reservation.quantity)
        .where(among(Reservation.id, reservation_ids), Reservation.state == ReservationState.PENDING)
        .order_by(Reservation.id)
        .with_for_update()
    )
    return list(uow.session.execute(statement))


def _end(uow: UnitOfWork, reservation_ids: Sequence[int], state: ReservationState) -> None:
    ended = update(Reservation).where(Reservation.id.in_(reservation_ids)).values(state=state, ended_at=uow.now)
    uow.session.execute(ended, execution_options={"synchronize_session": "evaluate"})


# Documents ----------------------------------------------------------------------------------------------------------


def issue_voucher(
    uow: UnitOfWork,
    *,
    kind: str,
    warehouse_id: int,
    subject: tuple[str, int],
    content: dict[str, Any],
    posted_by_id: int | None = None,
) -> Voucher:
    """Number a document. The number is drawn in this transaction, so that an undone deed leaves no gap.

    ``posted_by_id`` is who asked for it, where a job writes it.
    """
    with uow.office("stock"):
        warehouse = uow.session.get_one(Warehouse, warehouse_id)
        year = uow.now.astimezone(queries.HOME).year
        drawn = (
            insert(VoucherSeries)
            .values(kind=kind, warehouse_id=warehouse_id, year=year, last_number=1)
            .on_conflict_do_update(
                index_elements=["kind", "warehouse_id", "year"], set_={"last_number": VoucherSeries.last_number + 1}
            )
            .returning(VoucherSeries.id, VoucherSeries.last_number)
        )
        series_id, number = uow.session.execute(drawn).one()
        code = f"{VOUCHER_CODES.get(kind, kind[:3].upper())}/{warehouse.code}/{year}/{number:05d}"
        voucher = Voucher(
            series_id=series_id,
            number=number,
            code=code,
            kind=kind,
            warehouse_id=warehouse_id,
            county_id=warehouse.county_id,
            posted_at=uow.now,
            posted_by_id=posted_by_id or uow.actor.id,
            subject_kind=subject[0],
            subject_id=subject[1],
            content=content,
        )
        uow.session.add(voucher)
        uow.session.flush()
    uow.record("voucher.issued", subject=subject, voucher_id=voucher.id, code=code)
    return voucher


def cancel_voucher(uow: UnitOfWork, *, voucher_id: int, reason: str) -> Voucher:
    """Cancel a document; it stays with its number. No goods move by it. Who may, the caller has judged."""
    with uow.office("stock"):
        voucher = uow.session.get_one(Voucher, voucher_id, with_for_update=True, populate_existing=True)
        if voucher.cancelled_at is None:
            voucher.cancelled_at, voucher.cancel_reason = uow.now, reason
            uow.record("voucher.cancelled", subject=("voucher", voucher.id), code=voucher.code)
    return voucher


# Small parts --------------------------------------------------------------------------------------------------------


def _ends(line: Line) -> list[ledger.Key]:
    return [(line.lot_id, line.from_place_id), (line.lot_id, line.to_place_id)]


def _office(uow: UnitOfWork, permission: str) -> AbstractContextManager[None]:
    """Whoever works in the stock sees its rows by their own right; for others it is opened, and we judge."""
    return nullcontext() if uow.actor.may(permission) else uow.office("stock")


def pieces_in(uow: UnitOfWork, *, place_id: int) -> int:
    """Return how many pieces a place holds by the books: told to whoever answers for it, such as a vehicle's driver."""
    with uow.office("stock"):
        return queries.pieces_in(uow.session, place_id)


def prove(uow: UnitOfWork, *, warehouse_ids: Iterable[int] | None = None) -> queries.Proof:
    """Recompute every balance of some warehouses, or of all that the actor may prove."""
    scope = uow.actor.grants.get("ledger.verify")
    if scope is not Scope.ALL:
        uow.actor.require("ledger.verify")
        reach = uow.actor.reach.get(Scope.WAREHOUSE, ()) if scope is Scope.WAREHOUSE else ()
        warehouse_ids = [each for each in (warehouse_ids or reach) if each in reach]
    with uow.office("stock"):
        return queries.verify(uow.session, warehouse_ids)


def promise_proof(uow: UnitOfWork) -> Job:
    """Promise a proof of the whole ledger; what is being proved already is not promised again."""
    uow.actor.require_for("ledger.verify")
    running = queries.open_proof(uow.session)
    if running is not None:
        return running
    job = uow.promise(queries.PROOF_JOB)
    uow.session.flush()
    return job
