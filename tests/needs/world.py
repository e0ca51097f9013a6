"""A small village for stories about needs: a partner, its county's coordinator, a few things that can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from app.accounts.roles import GRANTS, Role
from app.catalogue.models import Category, Item
from app.foundation.actor import Actor, Scope
from app.foundation.text import sort_key
from app.needs.models import Need, Signal, SignalLine
from tests import builders

ITEMS = {
    "FORMULA": ("baby-food", "Tápszer, 400 g", "Baby formula, 400 g"),
    "FLOUR": ("food", "Búzaliszt, 1 kg", "Wheat flour, 1 kg"),
    "BLANKET": ("bedding", "Takaró", "Blanket"),
    "WOOD": ("fuel", "Tűzifa", "Firewood"),
}


@dataclass
class Village:
    """Ids of the village, and who acts in it."""

    county_id: int
    settlement_id: int
    organisation_id: int
    other_organisation_id: int
    items: dict[str, int]
    partner: Actor
    other_partner: Actor
    coordinator: Actor
    stranger: Actor
    """The coordinator of another county."""

    def report(self, **more):
        """Return the arguments of a plain report."""
        return {
            "organisation_id": self.organisation_id,
            "settlement_id": self.settlement_id,
            "reference": "CSSK-118",
            "facts": {"age_0_1": 1, "age_18_64": 2, "baby_formula": True},
            "lines": [{"item_id": self.items["FORMULA"], "quantity": 4}],
            **more,
        }


def actor(role: Role, id: int, **reach: int) -> Actor:
    return Actor(
        id,
        f"{role} {id}",
        role,
        GRANTS[role],
        {Scope(scope): (value,) for scope, value in reach.items()} | {Scope.OWN: (id,)},
    )


def a_village(uow) -> Village:
    county, elsewhere = builders.a_county(uow, "BAZ"), builders.a_county(uow, "SZA")
    settlement = builders.a_settlement(uow, county, "Csenyéte")
    mine, other = builders.an_organisation(uow, county), builders.an_organisation(uow, county)
    return Village(
        county_id=county.id,
        settlement_id=settlement.id,
        organisation_id=mine.id,
        other_organisation_id=other.id,
        items={code: an_item(uow, code).id for code in ITEMS},
        partner=actor(Role.PARTNER, 11, organisation=mine.id),
        other_partner=actor(Role.PARTNER, 12, organisation=other.id),
        coordinator=actor(Role.COUNTY_COORDINATOR, 21, county=county.id),
        stranger=actor(Role.COUNTY_COORDINATOR, 22, county=elsewhere.id),
    )


def an_item(uow, code: str, **facts) -> Item:
    found = uow.session.scalar(select(Item).where(Item.code == code))
    if found:
        return found
    category_code, name_hu, name_en = ITEMS[code]
    category = uow.session.scalar(select(Category).where(Category.code == category_code))
    if category is None:
        parent_id = None
        if category_code == "baby-food":
            parent = Category(code="baby", name_hu="Baba", name_en="Baby")
            uow.session.add(parent)
            uow.session.flush()
            parent_id = parent.id
        category = Category(code=category_code, parent_id=parent_id, name_hu=category_code, name_en=category_code)
        uow.session.add(category)
        uow.session.flush()
    item = Item(
        code=code,
        category_id=category.id,
        name_hu=name_hu,
        name_en=name_en,
        name_hu_key=sort_key(name_hu),
        name_en_key=sort_key(name_en),
        unit_name_hu="doboz",
        unit_name_en="boxes",
        usual_quantity=4,
        weight_mg=400_000,
        volume_ul=900_000,
        **facts,
    )
    uow.session.add(item)
    uow.session.flush()
    return item


def need_of(uow, signal_id: int, item_id: int) -> Need:
    found = uow.session.scalar(
        select(Need)
        .join(SignalLine, SignalLine.need_id == Need.id)
        .where(SignalLine.signal_id == signal_id, SignalLine.item_id == item_id)
        .execution_options(populate_existing=True)
    )
    assert found is not None, f"signal {signal_id} has opened no need for item {item_id}"
    return found


def signal_of(uow, signal_id: int) -> Signal:
    found = uow.session.get(Signal, signal_id, populate_existing=True)
    assert found is not None
    return found


TODAY = date(2026, 11, 23)
