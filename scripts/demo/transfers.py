"""Transfers of the invented country, one at each point of its life, with the differences that real ones have."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from uuid import UUID

from sqlalchemy import select

from app.catalogue.models import Item
from app.foundation.unit_of_work import UnitOfWork
from app.stock.models import Warehouse
from app.stock.picking import may_be_handed_out
from app.transfers import queries, service
from app.transfers.models import Transfer
from app.transfers.service import Counted

LIVES = (
    "requested",
    "received",
    "in_transit",
    "picked",
    "damaged",
    "short",
    "requested",
    "cancelled",
    "in_transit",
    "lost",
    "reserved",
    "over",
    "half",
)
"""What became of each; the later ones are younger."""
NOTES = (
    "Itt fogytán a bébiétel.",
    None,
    "A fagyok előtt kellene.",
    None,
    "Ott hamar lejár, itt pedig szükség van rá.",
)
CARRIERS = ("ABC-123", "Mecsek Fuvar", "NKV-417", "RTS-902")


def invent(uow: UnitOfWork, chance: Random, today: date) -> int:
    """Ask for, pick, send and receive; return how many transfers there are."""
    warehouses = list(uow.session.scalars(select(Warehouse).order_by(Warehouse.id)))
    items = list(uow.session.scalars(select(Item.id).where(Item.retired_at.is_(None)).order_by(Item.id)))
    if len(warehouses) < 2:
        return 0
    made = 0
    for number, life in enumerate(LIVES):
        giver, taker = chance.sample(warehouses, 2)
        shelves = queries.pickable(uow.session, giver.id, chance.sample(items, min(40, len(items))))
        there = {
            item: sum(lot.available for lot in lots if may_be_handed_out(lot, today)) for item, lots in shelves.items()
        }
        wanted = [item for item, pieces in sorted(there.items()) if pieces >= 12][: chance.randint(1, 3)]
        if not wanted:
            continue
        age = timedelta(days=len(LIVES) - number, hours=chance.randint(0, 9))
        transfer = service.request(
            uow,
            from_warehouse_id=giver.id,
            to_warehouse_id=taker.id,
            lines=[{"item_id": item, "quantity": max(6, there[item] // 3)} for item in wanted],
            wanted_on=today + timedelta(days=number - 6),
            note=chance.choice(NOTES),
            operation_id=_operation(chance),
        )
        with uow.office("transfers"):
            transfer.requested_at = uow.now - age
            uow.session.flush()
        _live(uow, chance, transfer, life, today, age)
        made += 1
    return made


def _live(uow: UnitOfWork, chance: Random, transfer: Transfer, life: str, today: date, age: timedelta) -> None:
    """Take a transfer as far as its life goes."""
    begun = uow.now - age
    if life == "requested":
        return
    if life == "cancelled":
        service.cancel(
            uow, transfer_id=transfer.id, reason="Ezen a héten nem megy arra kocsi.", operation_id=_operation(chance)
        )
        return
    service.accept(uow, transfer_id=transfer.id)
    with uow.office("transfers"):
        transfer.accepted_at = begun + timedelta(hours=2)
        uow.session.flush()
    if life == "reserved":
        return
    picked_at, left_at, came_at = (begun + timedelta(hours=hours) for hours in (3, 5, 11))
    service.pick_all(uow, transfer_id=transfer.id, operation_id=_operation(chance), happened_at=picked_at)
    if life == "picked":
        return
    service.send(
        uow,
        transfer_id=transfer.id,
        operation_id=_operation(chance),
        carried_by=chance.choice(CARRIERS),
        expected_on=today if life == "in_transit" else left_at.date(),
        happened_at=left_at,
    )
    if life == "in_transit":
        return
    parts = [seen.part for seen in queries.lots_of(uow.session, transfer.id)]
    counted = [Counted(part.id, part.quantity) for part in parts]
    first = parts[0]
    if life == "damaged":
        counted[0] = Counted(first.id, first.quantity, min(2, first.quantity), "A raklap szöge felszakította.")
    elif life == "over":
        counted[0] = Counted(first.id, first.quantity + 3, 0, "Hárommal több volt a dobozban, mint a bizonylaton.")
    elif life in ("short", "lost"):
        counted[0] = Counted(first.id, first.quantity - min(4, first.quantity), 0, "A lezárt dobozból hiányzik.")
    elif life == "half" and len(counted) > 1:
        counted = counted[:1]
    service.receive(uow, transfer_id=transfer.id, counted=counted, operation_id=_operation(chance), happened_at=came_at)
    if life == "lost":
        service.settle(
            uow,
            transfer_lot_id=first.id,
            outcome="lost",
            reason="A fuvarozó útközben nyitva találta a dobozt.",
            operation_id=_operation(chance),
        )


def _operation(chance: Random) -> UUID:
    return UUID(int=chance.getrandbits(128), version=4)
