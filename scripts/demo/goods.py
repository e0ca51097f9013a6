"""Kits and what was made up of them, a few sacks repacked, what lies in quarantine and why, and some write-offs."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from PIL import Image, ImageDraw
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from app.accounts.models import User
from app.accounts.queries import actor_of
from app.accounts.roles import SYSTEM
from app.catalogue import service as catalogue
from app.catalogue.models import Category, Item
from app.conversions import kit_parts
from app.conversions import service as conversions
from app.foundation.actor import Actor
from app.foundation.unit_of_work import UnitOfWork, unit_of_work, utc_now
from app.stock import service as stock
from app.stock.models import Balance, Lot, Place, PlaceKind, Warehouse
from app.write_offs import service as write_offs
from scripts.demo.people import DOMAIN

KITS: dict[str, dict[str, Any]] = {
    "KIT-FAMILY-FOOD": {
        "category": "food-staple", "name_hu": "Családi élelmiszercsomag", "name_en": "Family food parcel",
        "weight_g": 7560, "volume_ml": 15_400, "icon": "basket", "days": 30,
        "parts": {
            "FLOUR-BL55-1KG": 2, "SUGAR-1KG": 1, "RICE-1KG": 1, "PASTA-500G": 2, "OIL-SUN-1L": 1,
            "BEAN-CAN-400G": 3, "TEA-20": 1,
        },
    },
    "KIT-HYGIENE": {
        "category": "hygiene-body", "name_hu": "Higiéniai csomag", "name_en": "Hygiene parcel",
        "weight_g": 4190, "volume_ml": 17_000, "icon": "droplet", "days": 0,
        "parts": {
            "SOAP-100G": 4, "SHAMPOO-400ML": 1, "TOOTHPASTE-75ML": 2, "TOOTHBRUSH": 4, "TOILET-PAPER-10": 1,
            "DETERGENT-2KG": 1,
        },
    },
    "KIT-BABY": {
        "category": "baby-care", "name_hu": "Babacsomag", "name_en": "Baby parcel",
        "weight_g": 3970, "volume_ml": 23_500, "icon": "baby-carriage", "days": 45,
        "parts": {"DIAPER-3": 80, "WIPES-72": 2, "BABY-CREAM-100ML": 1, "BABY-CEREAL-250G": 2},
    },
}  # fmt: skip
SACK = {"code": "RICE-25KG", "name_hu": "Rizs, zsák, 25 kg", "name_en": "Rice, sack, 25 kg", "weight_g": 25_300}
WHYS = ("Ázott dobozok", "Egérrágás nyoma", "Szakadt csomagolás, vizsgálatra vár", "Hiányzó magyar címke")
COMMITTEE = ["Raktárvezető Réka", "Könyvelő Klára", "Önkéntes Ödön"]
HOME = "MIS"
OTHERS = ("DEB", "NYI")


class Room:
    """A warehouse and who acts there; every deed at its own time."""

    def __init__(self, sessions: sessionmaker[Session], chance: Random, code: str) -> None:
        self.sessions, self.chance = sessions, chance
        with self.work(SYSTEM) as uow:
            self.id = uow.session.scalars(select(Warehouse.id).filter_by(code=code)).one()
            places = uow.session.execute(
                select(Place.kind, Place.id).filter_by(warehouse_id=self.id).order_by(Place.id)
            )
            self.places: dict[str, int] = {row[0]: row[1] for row in reversed(places.all())}

    def work(self, actor: Actor, at: datetime | None = None) -> Any:
        """Act as somebody at some time."""
        return unit_of_work(self.sessions, actor, (lambda: at) if at else utc_now)

    def number(self) -> UUID:
        """Return a number for a deed."""
        return UUID(int=self.chance.getrandbits(128), version=4)


def invent(sessions: sessionmaker[Session], seed: int, today: date) -> None:
    """Define the kits, make some up, repack, hold apart, propose and decide."""
    chance = Random(seed + 5)
    home = Room(sessions, chance, HOME)
    with home.work(SYSTEM) as uow:
        worker, manager = (_person(uow, word) for word in ("worker", "manager"))
        kits = _define(uow)
    now = utc_now()
    for room, share in ((home, 14), *((Room(sessions, chance, code), 5) for code in OTHERS)):
        with room.work(SYSTEM, now - timedelta(days=6)) as uow:
            _parts_arrive(uow, room, share, today)
        for word, count in (("KIT-FAMILY-FOOD", share), ("KIT-HYGIENE", share // 2), ("KIT-BABY", share // 3)):
            actor = worker if room is home else SYSTEM
            with room.work(actor, now - timedelta(days=4, minutes=chance.randint(0, 300))) as uow:
                made = _assemble(uow, room, kits[word], max(1, count - 1))
            if word == "KIT-FAMILY-FOOD" and room is home:
                with room.work(actor, now - timedelta(days=2, hours=3)) as uow:
                    _take_apart(uow, room, made, 2)
    with home.work(worker, now - timedelta(days=3, hours=1)) as uow:
        _repack(uow, home, today)
    _hold_apart(home, worker, now)
    _write_off(home, worker, manager, now)


def _person(uow: UnitOfWork, word: str) -> Actor:
    return actor_of(uow.session.scalars(select(User).filter_by(email=f"{word}@{DOMAIN}")).one())


def _define(uow: UnitOfWork) -> dict[str, int]:
    categories = {row.code: row.id for row in uow.session.execute(select(Category.code, Category.id))}
    items = {row.code: row.id for row in uow.session.execute(select(Item.code, Item.id))}
    made = {}
    for code, kit in KITS.items():
        item = catalogue.create_item(
            uow,
            code=code,
            base_unit="piece",
            category_id=categories[kit["category"]],
            name_hu=kit["name_hu"],
            name_en=kit["name_en"],
            unit_name_hu="csomag",
            unit_name_en="parcels",
            weight_mg=kit["weight_g"] * 1000,
            volume_ul=kit["volume_ml"] * 1000,
            shelf_life_left_days_min=kit["days"],
            icon=kit["icon"],
        )
        parts = [{"item_id": items[part], "quantity": quantity} for part, quantity in kit["parts"].items()]
        made[code] = kit_parts.define(uow, item_id=item.id, parts=parts).id
    catalogue.create_item(
        uow,
        code=SACK["code"],
        base_unit="piece",
        category_id=categories["food-staple"],
        name_hu=SACK["name_hu"],
        name_en=SACK["name_en"],
        unit_name_hu="zsák",
        unit_name_en="sacks",
        weight_mg=int(SACK["weight_g"]) * 1000,
        volume_ul=32_000_000,
        tracks_expiry=True,
        value_huf=1_200_000,
        icon="bowl",
    )
    return made


def _parts_arrive(uow: UnitOfWork, room: Room, kits: int, today: date) -> None:
    """Receive what the kits are made up from, a little more than they take."""
    items = {item.code: item for item in uow.session.scalars(select(Item))}
    arrivals = []
    for kit in KITS.values():
        for code, quantity in kit["parts"].items():
            item = items[code]
            arrivals.append(
                {
                    "operation_id": room.number(),
                    "item_id": item.id,
                    "quantity": quantity * (kits + room.chance.randint(1, 6)),
                    "place_id": room.places[PlaceKind.SHELF],
                    "warehouse_id": room.id,
                    "expires_on": today + timedelta(days=room.chance.randint(150, 420)) if item.tracks_expiry else None,
                    "source": "GYŰJTÉS",
                }
            )
    stock.receive_many(uow, arrivals)


def _assemble(uow: UnitOfWork, room: Room, kit_id: int, count: int) -> int:
    made = conversions.assemble(
        uow, operation_id=room.number(), kit_id=kit_id, count=count, to_place_id=room.places[PlaceKind.DOCK]
    )
    return uow.session.scalars(select(Lot.id).filter_by(source=f"A-{made.conversion.id}")).one()


def _take_apart(uow: UnitOfWork, room: Room, lot_id: int, count: int) -> None:
    conversions.take_apart(
        uow,
        operation_id=room.number(),
        lot_id=lot_id,
        from_place_id=room.places[PlaceKind.DOCK],
        to_place_id=room.places[PlaceKind.SHELF],
        count=count,
        note="Cukorbetegnek más összeállítás kell",
    )


def _repack(uow: UnitOfWork, room: Room, today: date) -> None:
    items = {row.code: row.id for row in uow.session.execute(select(Item.code, Item.id))}
    sacks = stock.receive(
        uow,
        operation_id=room.number(),
        item_id=items[str(SACK["code"])],
        quantity=4,
        place_id=room.places[PlaceKind.SHELF],
        warehouse_id=room.id,
        expires_on=today + timedelta(days=300),
        batch="R-2611-B",
        source="F-1",
    )
    conversions.repack(
        uow,
        operation_id=room.number(),
        lot_id=sacks.id,
        from_place_id=room.places[PlaceKind.SHELF],
        quantity=2,
        to_item_id=items["RICE-1KG"],
        to_quantity=50,
        to_place_id=room.places[PlaceKind.SHELF],
        lost=1,
        lost_reason="Egy zacskó kiszakadt",
    )


def _free(uow: UnitOfWork, room: Room, most: int) -> list[Balance]:
    """Return some of what lies free on the shelves and keeps long."""
    statement = (
        select(Balance)
        .join(Place, Place.id == Balance.place_id)
        .join(Lot, Lot.id == Balance.lot_id)
        .where(
            Balance.warehouse_id == room.id,
            Place.kind == PlaceKind.SHELF,
            Balance.on_hand - Balance.reserved > 3,
            Lot.state == "free",
            ~Lot.source.like("A-%"),
            Lot.source != "GYŰJTÉS",
            Balance.expires_on > date.today() + timedelta(days=40),
        )
        .order_by(Balance.id)
        .limit(most)
    )
    return list(uow.session.scalars(statement))


def _hold_apart(room: Room, worker: Actor, now: datetime) -> None:
    with room.work(worker) as uow:
        chosen = [(each.lot_id, each.place_id, min(3, each.available)) for each in _free(uow, room, len(WHYS))]
    for number, ((lot_id, place_id, quantity), why) in enumerate(zip(chosen, WHYS, strict=False)):
        with room.work(worker, now - timedelta(days=2 * number + 1, hours=number)) as uow:
            write_offs.quarantine(
                uow,
                operation_id=room.number(),
                lot_id=lot_id,
                from_place_id=place_id,
                quantity=quantity,
                reason=why,
            )


def _write_off(room: Room, worker: Actor, manager: Actor, now: datetime) -> None:
    """One decided, one refused, one with a picture that waits; and what has expired, if anything has."""
    with room.work(worker) as uow:
        chosen = [(each.lot_id, each.place_id, min(2, each.available)) for each in _free(uow, room, 9)][-3:]
    cases = (
        ("damaged", "Leesett a raklap", 5),
        ("unusable", "Hiányos készlet", 3),
        ("spoiled", "Felpuffadt dobozok", 1),
    )
    for (lot_id, place_id, quantity), (reason, note, days) in zip(chosen, cases, strict=False):
        line = {"lot_id": lot_id, "place_id": place_id, "quantity": quantity}
        at = now - timedelta(days=days)
        with room.work(worker, at) as uow:
            made = write_offs.propose(
                uow, operation_id=room.number(), reason=reason, note=note, lines=[line]
            ).write_off.id
            if reason != "unusable":
                write_offs.add_photo(uow, write_off_id=made, content=a_picture(room.chance))
        with room.work(manager, at + timedelta(hours=20)) as uow:
            if reason == "damaged":
                write_offs.decide(uow, write_off_id=made, operation_id=room.number(), committee=COMMITTEE)
            elif reason == "unusable":
                write_offs.refuse(uow, write_off_id=made, note="A hiányzó darab pótolható.")


def a_picture(chance: Random) -> bytes:
    """Return a drawn picture of torn boxes on a pallet."""
    picture = Image.new("RGB", (640, 480), (214, 208, 198))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 360, 640, 480), fill=(150, 146, 140))
    for number in range(5):
        left, top = 60 + number % 3 * 180, 250 - number // 3 * 110
        brown = (170 + chance.randint(-12, 12), 128, 82)
        pen.rectangle((left, top, left + 165, top + 105), fill=brown, outline=(96, 70, 42), width=3)
        pen.line((left + 82, top, left + 82, top + 105), fill=(206, 178, 128), width=14)
    tear = [(250, 300), (300, 275), (330, 320), (372, 300), (350, 352), (282, 350)]
    pen.polygon(tear, fill=(240, 236, 226), outline=(96, 70, 42))
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()
