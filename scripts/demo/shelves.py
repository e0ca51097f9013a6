"""Lots on the shelves of the invented country, each with the two movements that brought it there."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from random import Random
from uuid import UUID

from sqlalchemy import func, insert, select

from app.catalogue.models import Item
from app.donations.models import Offer
from app.foundation.unit_of_work import UnitOfWork
from app.geography.models import County
from app.stock.models import Balance, Kind, Lot, LotState, Movement, Place, PlaceKind, Warehouse
from scripts.demo.country import Rows
from scripts.demo.plan import WEIGHT, Size

NO_EXPIRY = date(9999, 12, 31)


def fill(
    uow: UnitOfWork, chance: Random, opened: list[Warehouse], offers: list[Offer], size: Size, today: date
) -> None:
    """Receive and put away every lot: donor → dock → shelf, so that the ledger explains each piece."""
    items = list(uow.session.scalars(select(Item).where(Item.retired_at.is_(None)).order_by(Item.id)))
    county_names = {county.id: county.name for county in uow.session.scalars(select(County))}
    places = defaultdict(list)
    kinds: dict[tuple[int, str], int] = {}
    for place in uow.session.scalars(select(Place).order_by(Place.id)):
        kinds[place.warehouse_id, place.kind] = place.id
        if place.kind == PlaceKind.SHELF:
            places[place.warehouse_id, place.storage_class].append(place.id)
    weights = [WEIGHT.get(county_names[warehouse.county_id], 1.0) + 1.0 for warehouse in opened]
    next_lot = (uow.session.scalar(select(func.max(Lot.id))) or 20_000) + 1
    # Some things are plentiful and some never last: only then does a fair share mean anything.
    plenty = {item.id: chance.choices((0.2, 0.7, 1.4, 3.0), (2, 2, 4, 3))[0] for item in items}
    lots: Rows = []
    movements: Rows = []
    balances: Rows = []
    for number in range(size.lots):
        # Before chance decides, every item lies in every warehouse: 7 steps through 20 warehouses, one more a round.
        turn = 7 * number + number // len(items)
        in_turn = number < len(items) * len(opened)
        warehouse = opened[turn % len(opened)] if in_turn else chance.choices(opened, weights)[0]
        item = items[number % len(items)] if in_turn else chance.choice(items)
        quantity = max(1, round(item.usual_quantity * plenty[item.id] * chance.choice((1, 1, 2, 2, 4, 6))))
        expires_on = None
        if item.tracks_expiry:
            expires_on = today + timedelta(days=_days_left(chance, item.shelf_life_left_days_min))
        quarantined = chance.random() < 0.006
        received_at = uow.now - timedelta(days=chance.randint(1, 150), minutes=chance.randint(0, 600))
        lot_id = next_lot + number
        lots.append(
            {
                "id": lot_id,
                "item_id": item.id,
                "expires_on": expires_on,
                "use_by": item.storage_class in ("chilled", "frozen"),
                "condition": chance.choices(("new", "good", "worn"), (8, 2, 0.3))[0]
                if not item.tracks_expiry
                else "new",
                "state": LotState.QUARANTINED if quarantined else LotState.FREE,
                "source": f"F-{chance.choice(offers).id}",
                "warehouse_id": warehouse.id,
                "received_at": received_at,
            }
        )
        storage = item.storage_class if places[warehouse.id, item.storage_class] else "ambient"
        shelf = (
            kinds[warehouse.id, PlaceKind.QUARANTINE] if quarantined else chance.choice(places[warehouse.id, storage])
        )
        donor, dock = kinds[warehouse.id, PlaceKind.DONOR], kinds[warehouse.id, PlaceKind.DOCK]
        for step, (source, target, kind) in enumerate(((donor, dock, Kind.RECEIVE), (dock, shelf, Kind.PUT_AWAY))):
            happened_at = received_at + timedelta(minutes=25 * step)
            movements.append(
                {
                    "operation_id": UUID(int=chance.getrandbits(128), version=4),
                    "line": 0,
                    "lot_id": lot_id,
                    "from_place_id": source,
                    "to_place_id": target,
                    "quantity": quantity,
                    "kind": kind,
                    "happened_at": happened_at,
                    "recorded_at": happened_at,
                    "warehouse_id": warehouse.id,
                    "county_id": warehouse.county_id,
                }
            )
        for place_id, on_hand, guarded in ((donor, -quantity, False), (dock, 0, True), (shelf, quantity, True)):
            balances.append(
                {
                    "lot_id": lot_id,
                    "place_id": place_id,
                    "item_id": item.id,
                    "expires_on": expires_on or NO_EXPIRY,
                    "warehouse_id": warehouse.id,
                    "county_id": warehouse.county_id,
                    "guarded": guarded,
                    "on_hand": on_hand,
                    "reserved": 0,
                }
            )
    # The ledger posts one movement at a time; an empty book is opened in one go, and proved afterwards like any other.
    movements.sort(key=lambda movement: movement["recorded_at"])
    for table, rows in ((Lot, lots), (Movement, movements), (Balance, balances)):
        uow.session.execute(insert(table), rows)
    uow.session.execute(select(func.setval(func.pg_get_serial_sequence("lot", "id"), next_lot + size.lots)))


def _days_left(chance: Random, least: int) -> int:
    draw = chance.random()
    if draw < 0.015:
        return -chance.randint(1, 20)
    if draw < 0.06:
        return chance.randint(1, max(2, least))
    return least + chance.randint(10, 420)
