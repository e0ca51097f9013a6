"""Invented households, the signals that told of them, and what they need."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy import func, insert, select

from app.catalogue.models import Category, Item
from app.foundation.personal import PersonalKey, blind
from app.foundation.unit_of_work import UnitOfWork
from app.geography.models import County, Settlement
from app.needs import triage
from app.needs.models import AGE_BANDS, Heating, Household, Need, Signal, SignalLine, SignalState, UrgencyRule
from app.partners.models import Organisation
from scripts.demo import names
from scripts.demo.country import Rows
from scripts.demo.plan import WEIGHT, Size

FACTS = (
    *("size", *AGE_BANDS),
    *("heating", "no_running_water", "no_fridge", "no_road_in_winter", "lone_parent", "access_need", "baby_formula"),
)


def homes(uow: UnitOfWork, chance: Random, size: Size) -> list[Settlement]:
    """Return a settlement for each household: many small and poor ones, every chosen one at least once."""
    counties = {county.id: county.name for county in uow.session.scalars(select(County))}
    settlements = list(uow.session.scalars(select(Settlement).order_by(Settlement.id)))
    weights = []
    for settlement in settlements:
        weight = WEIGHT.get(counties[settlement.county_id], 1.0)
        if settlement.population:
            weight *= min(6.0, (settlement.population / 3_000) ** 0.5)
        weights.append(weight)
    csenyete = next(settlement for settlement in settlements if settlement.name == "Csenyéte")
    # Weighted sampling without replacement (Efraimidis and Spirakis 2006): the largest u^(1/w) win.
    keys = [
        (chance.random() ** (1 / weight), settlement.id)
        for settlement, weight in zip(settlements, weights, strict=True)
    ]
    wanted = min(size.settlements_at_least + size.settlements_at_least // 20, len(settlements), size.households)
    chosen_ids = {settlement_id for _, settlement_id in sorted(keys, reverse=True)[:wanted]} | {csenyete.id}
    chosen = [settlement for settlement in settlements if settlement.id in chosen_ids]
    by_id = dict(zip((settlement.id for settlement in settlements), weights, strict=True))
    more = chance.choices(chosen, [by_id[settlement.id] for settlement in chosen], k=size.households - len(chosen))
    found = chosen + more
    chance.shuffle(found)
    return found


def facts_of(chance: Random) -> dict[str, Any]:
    """Return the facts of an invented household, by the names of its columns."""
    lone_parent = chance.random() < 0.22
    ages = dict.fromkeys(AGE_BANDS, 0)
    ages["age_18_64"] = 1 if lone_parent else chance.choices((1, 2, 3), (2, 7, 2))[0]
    if chance.random() < 0.28:
        ages["age_65_up"] = chance.randint(1, 2)
    for band, likely in (("age_0_1", 0.25), ("age_2_5", 0.4), ("age_6_13", 0.55), ("age_14_17", 0.3)):
        if chance.random() < likely:
            ages[band] = chance.choices((1, 2, 3), (6, 3, 1))[0]
    heating = chance.choices(
        (Heating.WOOD, Heating.GAS, Heating.ELECTRIC, Heating.NONE, Heating.UNKNOWN), (60, 20, 8, 5, 7)
    )[0]
    return {
        "size": sum(ages.values()),
        **ages,
        "heating": str(heating),
        "no_running_water": chance.random() < 0.12,
        "no_fridge": chance.random() < 0.07,
        "no_road_in_winter": chance.random() < 0.03,
        "lone_parent": lone_parent,
        "access_need": chance.random() < 0.06,
        "baby_formula": ages["age_0_1"] > 0 and chance.random() < 0.6,
    }


def wishes(chance: Random, facts: dict[str, Any], pool: dict[str, list[Item]], many: int) -> list[tuple[Item, int]]:
    """Return what a household with these facts lacks: (item, quantity), no item twice."""
    likely = {"food": 9.0, "hygiene": 4.0, "bedding": 2.5, "clothing": 3.0, "household": 1.5, "furniture": 0.5}
    if facts["age_0_1"] or facts["age_2_5"]:
        likely["baby"] = 6.0
    if facts["age_6_13"] or facts["age_14_17"]:
        likely["school"] = 3.0
    if facts["heating"] in ("wood", "none"):
        likely["fuel"] = 1.2
    if facts["age_65_up"] or facts["access_need"]:
        likely["medical"] = 0.8
    roots = [root for root in likely if pool.get(root)]
    found: dict[int, tuple[Item, int]] = {}
    while len(found) < many:
        item = chance.choice(pool[chance.choices(roots, [likely[root] for root in roots])[0]])
        factor = max(1, round(facts["size"] / 3)) if item.tracks_expiry else 1
        found.setdefault(item.id, (item, item.usual_quantity * factor))
    return list(found.values())


def invent(
    uow: UnitOfWork, chance: Random, partners: list[Organisation], size: Size, today: date
) -> tuple[Tables, Tables]:
    """Invent signals, households and needs; return those confirmed in time for a first allocation, and the rest."""
    categories = {category.id: category for category in uow.session.scalars(select(Category))}
    pool: dict[str, list[Item]] = defaultdict(list)
    codes: dict[int, str] = {}
    for item in uow.session.scalars(select(Item).where(Item.retired_at.is_(None)).order_by(Item.id)):
        top = categories[item.category_id]
        while top.parent_id:
            top = categories[top.parent_id]
        codes[item.id] = top.code
        pool[top.code].append(item)
    by_county: dict[int, list[Organisation]] = defaultdict(list)
    for partner in partners:
        by_county[partner.county_id].append(partner)
    rules = [
        triage.Rule(row.fact, row.urgency, row.threshold, row.category)
        for row in uow.session.scalars(select(UrgencyRule).where(UrgencyRule.active))
    ]
    places = homes(uow, chance, size)
    in_time, late = Tables(household=1000, signal=4000, need=10_000), Tables(household=0, signal=0, need=0)
    for number, (home, many) in enumerate(zip(places, _needs_per_household(chance, size), strict=True)):
        if number == size.households - size.late_households:
            late = in_time.following()
        tables = in_time if number < size.households - size.late_households else late
        opened_at = uow.now - (
            timedelta(days=chance.randint(2, 45), hours=2)
            if tables is in_time
            else timedelta(hours=chance.randint(2, 40))
        )
        facts = facts_of(chance)
        partner = chance.choice(by_county.get(home.county_id) or partners)
        wanted = wishes(chance, facts, pool, many)
        tables.confirmed(chance, facts, home, partner, wanted, opened_at, today, rules, codes)
    for _ in range(size.waiting_signals):
        home = chance.choice(places)
        partner = partners[0] if chance.random() < 0.05 else chance.choice(by_county.get(home.county_id) or partners)
        received_at = uow.now - timedelta(hours=chance.randint(1, 60))
        facts = facts_of(chance)
        wanted = wishes(chance, facts, pool, chance.randint(1, 4))
        late.waiting(chance, facts, home, partner, wanted, received_at, today)
    return in_time, late


def _needs_per_household(chance: Random, size: Size) -> list[int]:
    counts = [1] * size.households
    for _ in range(size.needs - size.households):
        while True:
            index = chance.randrange(size.households)
            if counts[index] < 6:
                counts[index] += 1
                break
    return counts


class Tables:
    """Rows waiting to be written in one statement a table; ids begin after the given ones."""

    def __init__(self, *, household: int, signal: int, need: int) -> None:
        self.keys: Rows = []
        self.households: Rows = []
        self.signals: Rows = []
        self.lines: Rows = []
        self.needs: Rows = []
        self.household_id, self.signal_id, self.need_id = household + 1, signal + 1, need + 1

    def following(self) -> Tables:
        """Return empty tables whose ids go on after these."""
        return Tables(household=self.household_id - 1, signal=self.signal_id - 1, need=self.need_id - 1)

    def _sealed(self, record: type, **clear: str) -> dict[str, Any]:
        key = PersonalKey.new()
        self.keys.append({"id": key.id, "master_key": key.master_key, "wrapped": key.wrapped})
        row = record(personal_key=key)
        for name, text in clear.items():
            setattr(row, name, text)
        return {"personal_key_id": key.id, **{f"{name}_sealed": getattr(row, f"{name}_sealed") for name in clear}}

    def _signal(
        self,
        chance: Random,
        facts: dict[str, Any],
        home: Settlement,
        partner: Organisation,
        received_at: Any,
        **more: Any,
    ) -> int:
        signal_id = self.signal_id
        self.signal_id += 1
        reference = f"D{signal_id}"
        row = {
            "id": signal_id,
            "organisation_id": partner.id,
            "reference": reference,
            "channel": chance.choices(("page", "api", "phone"), (7, 2, 1))[0],
            "state": SignalState.RECEIVED,
            "settlement_id": home.id,
            "county_id": home.county_id,
            "facts": facts,
            "content_hash": hashlib.sha256(reference.encode()).hexdigest(),
            "received_at": received_at,
            "acknowledge_by": received_at + timedelta(days=1),
            "version": 1,
            "household_id": None,
            "acknowledged_at": None,
            "decided_at": None,
        }
        sealed = self._sealed(
            Signal,
            contact_name=names.person(chance),
            phone=names.phone(chance),
            street=names.street(chance),
            note="",
        )
        self.signals.append(row | sealed | more)
        return signal_id

    def _lines(
        self, signal_id: int, wanted: list[tuple[Item, int]], wanted_by: date | None, first_need_id: int | None = None
    ) -> None:
        for number, (item, quantity) in enumerate(wanted):
            need_id = None if first_need_id is None else first_need_id + number
            row = {"signal_id": signal_id, "item_id": item.id, "quantity": quantity, "wanted_by": wanted_by}
            self.lines.append(row | {"need_id": need_id})

    def confirmed(
        self,
        chance: Random,
        facts: dict[str, Any],
        home: Settlement,
        partner: Organisation,
        wanted: list[tuple[Item, int]],
        opened_at: Any,
        today: date,
        rules: Any,
        codes: dict[int, str],
    ) -> None:
        """Add a confirmed signal, its household and its needs."""
        household_id = self.household_id
        self.household_id += 1
        name = names.person(chance)
        self.households.append(
            {
                "id": household_id,
                "county_id": home.county_id,
                "settlement_id": home.id,
                **facts,
                "name_index": blind(name, str(home.id)),
                "opened_at": opened_at,
                "version": 1,
            }
            | self._sealed(Household, contact_name=name, phone=names.phone(chance), street=names.street(chance))
        )
        wanted_by = today + timedelta(days=chance.randint(1, 20)) if chance.random() < 0.25 else None
        told = {
            **facts,
            "baby_without_formula": facts["baby_formula"] and chance.random() < 0.1,
            "sudden_event": chance.random() < 0.01,
        }
        signal_id = self._signal(
            chance,
            told,
            home,
            partner,
            opened_at - timedelta(hours=5),
            state=SignalState.CONFIRMED,
            household_id=household_id,
            acknowledged_at=opened_at - timedelta(hours=3),
            decided_at=opened_at,
        )
        self._lines(signal_id, wanted, wanted_by, first_need_id=self.need_id)
        for item, quantity in wanted:
            known = triage.facts_of(
                told,
                on=today,
                waiting_since=opened_at.date(),
                wanted_by=wanted_by,
                medical_item=codes[item.id] == "medical",
            )
            verdict = triage.judge(rules, known, categories=(codes[item.id],))
            self.needs.append(
                {
                    "id": self.need_id,
                    "household_id": household_id,
                    "signal_id": signal_id,
                    "organisation_id": partner.id,
                    "county_id": home.county_id,
                    "settlement_id": home.id,
                    "item_id": item.id,
                    "quantity": quantity,
                    "urgency": verdict.urgency,
                    "urgency_grounds": [ground.to_json() for ground in verdict.grounds],
                    "substitutes_accepted": chance.random() < 0.85,
                    "wanted_by": wanted_by,
                    "opened_at": opened_at,
                    "version": 1,
                }
            )
            self.need_id += 1

    def waiting(
        self,
        chance: Random,
        facts: dict[str, Any],
        home: Settlement,
        partner: Organisation,
        wanted: list[tuple[Item, int]],
        received_at: Any,
        today: date,
    ) -> None:
        """Add a signal that nobody has decided on."""
        acknowledged = chance.random() < 0.4
        signal_id = self._signal(
            chance,
            facts,
            home,
            partner,
            received_at,
            state=SignalState.ACKNOWLEDGED if acknowledged else SignalState.RECEIVED,
            acknowledged_at=received_at + timedelta(minutes=40) if acknowledged else None,
        )
        self._lines(signal_id, wanted, today + timedelta(days=5) if chance.random() < 0.3 else None)

    def write(self, uow: UnitOfWork) -> None:
        """Write all rows, and let the running numbers go on after them."""
        for table, rows in (
            (PersonalKey, self.keys),
            (Household, self.households),
            (Signal, self.signals),
            (Need, self.needs),
            (SignalLine, self.lines),
        ):
            if rows:
                uow.session.execute(insert(table), rows)
        for table_name, following in (
            ("household", self.household_id),
            ("signal", self.signal_id),
            ("need", self.need_id),
        ):
            uow.session.execute(select(func.setval(func.pg_get_serial_sequence(table_name, "id"), following)))
