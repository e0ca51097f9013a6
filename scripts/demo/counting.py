"""Stocktakes of one warehouse, one of them still running, and what its phones saw and the books did not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from app.accounts import service as accounts
from app.accounts.models import User
from app.accounts.queries import actor_of
from app.accounts.roles import SYSTEM, Role
from app.foundation.actor import Actor
from app.foundation.unit_of_work import UnitOfWork, unit_of_work, utc_now
from app.stock import discrepancies, operation_kinds, operations
from app.stock.models import Balance, Place, PlaceKind, Review, Warehouse
from app.stocktakes import counting, queries, service
from app.stocktakes import operation_kinds as more_kinds
from scripts.demo.people import DOMAIN

assert operation_kinds and more_kinds, "importing them registers what phones may ask"
SHELVES = 3
"""How many shelves each of the small stocktakes counts."""


class Hall:
    """A warehouse, who works in it, and a way to act there at some time."""

    def __init__(self, sessions: sessionmaker[Session], chance: Random, code: str) -> None:
        self.sessions, self.chance = sessions, chance
        with self.work(SYSTEM) as uow:
            self.warehouse_id = uow.session.scalars(select(Warehouse.id).filter_by(code=code)).one()
            self.first = _person(uow, "worker", None, self.warehouse_id, Role.WAREHOUSE_WORKER)
            self.second = _person(uow, "counter", "Számláló Sára", self.warehouse_id, Role.WAREHOUSE_WORKER)
            self.manager = _person(uow, "manager", None, self.warehouse_id, Role.WAREHOUSE_MANAGER)
            self.shelves = [
                row[0]
                for row in uow.session.execute(
                    select(Place.id)
                    .join(Balance, Balance.place_id == Place.id)
                    .where(Place.warehouse_id == self.warehouse_id, Place.kind == PlaceKind.SHELF, Balance.on_hand > 0)
                    .distinct()
                    .order_by(Place.id)
                    .limit(SHELVES * 3)
                )
            ]

    def work(self, actor: Actor, at: datetime | None = None) -> Any:
        """Act as somebody at some time."""
        return unit_of_work(self.sessions, actor, (lambda: at) if at else utc_now)

    def number(self) -> UUID:
        """Return a number for a deed."""
        return UUID(int=self.chance.getrandbits(128), version=4)

    def there(self, uow: UnitOfWork, place_id: int, at: datetime) -> dict[int, int]:
        """Return what lay in a place at some time, by lot."""
        booked = queries.booked(uow.session, [place_id])
        lots = {each.lot_id for each in booked}
        moved = discrepancies.moved_since(uow, lot_ids=lots, place_ids=[place_id], since=at)
        steps = [
            counting.Moved(lot, place_id, quantity if target == place_id else -quantity, happened_at)
            for lot, _, target, quantity, happened_at in moved
        ]
        books = counting.Books(booked, steps)
        return {lot: held for lot in sorted(lots) if (held := books.at(place_id, lot, at)) > 0}


def _person(uow: UnitOfWork, word: str, name: str | None, warehouse_id: int, role: Role) -> Actor:
    email = f"{word}@{DOMAIN}"
    found = uow.session.scalar(select(User).where(User.email == email))
    if found is None:
        assert name is not None, "the accounts are invented before"
        found = accounts.create_user(
            uow, email=email, name=name, role=role, password=None, language="hu", warehouse_id=warehouse_id
        )
        uow.session.flush()
    return actor_of(found)


def invent(sessions: sessionmaker[Session], seed: int, code: str = "MIS") -> None:
    """Count two parts of a warehouse in the past weeks and a third today, and leave a handful of discrepancies."""
    hall = Hall(sessions, Random(f"{seed} counted"), code)
    now = utc_now()
    parts = [hall.shelves[SHELVES * each : SHELVES * (each + 1)] for each in range(3)]
    for days, shelves, note in ((23, parts[0], "Negyedéves, első sor"), (6, parts[1], "Áthelyezés után")):
        if shelves:
            counted(hall, shelves, now - timedelta(days=days, hours=3), note, whole=True)
    if parts[2]:
        counted(hall, parts[2], now - timedelta(hours=2), "Negyedéves, harmadik sor", whole=False)
    told_by_phones(hall, now)


def counted(hall: Hall, shelves: list[int], at: datetime, note: str, *, whole: bool) -> None:
    """Count shelves: now and then a piece is missing or too many; counted again, approved, posted."""
    with hall.work(hall.manager, at) as uow:
        opened = service.open_stocktake(uow, warehouse_id=hall.warehouse_id, place_ids=shelves, note=note).id
        places = [each.place_id for each in queries.parts(uow.session, opened)]
    wrong: dict[tuple[int, int], int] = {}
    first, again = (hall.first, hall.second) if whole else (hall.second, hall.first)
    for position, place_id in enumerate(places):
        if not whole and position == len(places) - 1:
            break
        moment = at + timedelta(minutes=20 * (position + 1))
        with hall.work(first, moment) as uow:
            for number, (lot, held) in enumerate(hall.there(uow, place_id, moment).items()):
                if number == 0:
                    wrong[place_id, lot] = max(0, held + hall.chance.choice((-2, -1, 1)))
                quantity = wrong.get((place_id, lot), held)
                at_place = {"stocktake_id": opened, "place_id": place_id, "round": 1}
                service.count(uow, operation_id=hall.number(), lot_id=lot, quantity=quantity, **at_place)
            service.close_place(uow, operation_id=hall.number(), stocktake_id=opened, place_id=place_id, round=1)
    if not whole:
        return
    for (place_id, lot), quantity in wrong.items():
        moment = at + timedelta(hours=2)
        with hall.work(again, moment) as uow:
            at_place = {"stocktake_id": opened, "place_id": place_id, "round": 2}
            service.count(uow, operation_id=hall.number(), lot_id=lot, quantity=quantity, **at_place)
            service.close_place(uow, operation_id=hall.number(), **at_place)
    with hall.work(hall.manager, at + timedelta(hours=3)) as uow:
        for place_id, lot in wrong:
            reason = hall.chance.choice(("unbooked", "misplaced", "miscounted"))
            service.decide(uow, stocktake_id=opened, place_id=place_id, lot_id=lot, reason=reason)
        service.approve(uow, stocktake_id=opened, operation_id=hall.number())


def told_by_phones(hall: Hall, now: datetime) -> None:
    """Tell what does not fit: more than there is, too late, from a place that is not there; one is resolved."""
    with hall.work(SYSTEM) as uow:
        rows = uow.session.execute(
            select(Balance.lot_id, Balance.place_id, Balance.on_hand)
            .join(Place, Place.id == Balance.place_id)
            .where(Balance.warehouse_id == hall.warehouse_id, Place.kind == PlaceKind.SHELF, Balance.on_hand > 4)
            .order_by(Balance.id)
            .limit(40)
        ).all()
        staging = uow.session.scalars(
            select(Place.id).where(Place.warehouse_id == hall.warehouse_id, Place.kind == PlaceKind.STAGING)
        ).first()
        early = uow.session.execute(
            select(Balance.lot_id, Balance.place_id, Balance.on_hand)
            .where(Balance.place_id.in_(hall.shelves[:SHELVES]), Balance.on_hand > 2)
            .order_by(Balance.id)
            .limit(1)
        ).first()
    if len(rows) < 5 or early is None:
        return
    device = hall.number()

    def told(sequence: int, kind: str, payload: dict[str, Any], at: datetime) -> dict[str, Any]:
        return {
            "operation_id": str(hall.number()), "device_id": str(device), "sequence": sequence,
            "happened_at": at.isoformat(), "kind": kind, "payload": payload,
        }  # fmt: skip

    def carried(row: Any, quantity: int, **more: Any) -> dict[str, Any]:
        return {
            "lot_id": row.lot_id, "from_place_id": row.place_id, "to_place_id": staging, "quantity": quantity, **more,
        }  # fmt: skip

    last = rows[-1]
    sent = [
        told(1, "move", carried(early, 2), now - timedelta(days=24)),
        told(2, "move", carried(last, last.on_hand + 2), now - timedelta(hours=4)),
        told(3, "move", carried(rows[-2], rows[-2].on_hand + 6), now - timedelta(minutes=2)),
        told(4, "move", {**carried(rows[-3], 3), "from_place_id": 10**9}, now - timedelta(minutes=9)),
        told(5, "receive", {"gtin": "9529999999993", "quantity": 3, "place_id": rows[-4].place_id}, now),
        told(6, "move", carried(rows[-5], rows[-5].on_hand + 1), now - timedelta(days=1)),
    ]
    operations.apply_batch(unit_of_phone(hall), hall.first, sent)
    with hall.work(hall.manager) as uow:
        review = uow.session.scalar(select(Review).order_by(Review.id.desc()))
        if review is not None:
            discrepancies.close_without(uow, review_id=review.id, note="A polc végén volt még egy.")


def unit_of_phone(hall: Hall) -> Callable[[], Any]:
    """Return the maker of units of work in which a phone's owner acts."""
    return lambda: hall.work(hall.first)
