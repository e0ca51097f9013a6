"""What is wanted, as sums for everybody who may know totals: never whose, never of so few households that it shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select

from app.foundation.bulk import among
from app.foundation.unit_of_work import UnitOfWork
from app.needs.models import WAITING, Need

HOUSEHOLDS_LEAST = 5
"""A sum over fewer households is not said."""


@dataclass
class Wanted:
    """How much of an item is missing: in all, and in the counties where enough households wait for it."""

    quantity: int = 0
    by_county: dict[int, int] = field(default_factory=dict)


def wanted(uow: UnitOfWork, item_ids: Iterable[int]) -> dict[int, Wanted]:
    """Return what of some items is neither reserved nor handed over; one statement."""
    uow.actor.require_for("totals.read")
    missing = Need.quantity - Need.quantity_reserved - Need.quantity_handed_over
    statement = (
        select(Need.item_id, Need.county_id, func.sum(missing), func.count(Need.household_id.distinct()))
        .where(among(Need.item_id, item_ids), Need.state.in_(WAITING), Need.closed_at.is_(None), missing > 0)
        .group_by(Need.item_id, Need.county_id)
        .order_by(Need.item_id, Need.county_id)
    )
    found: dict[int, Wanted] = {}
    households: dict[int, int] = {}
    with uow.office("needs"):
        for item_id, county_id, quantity, number in uow.session.execute(statement):
            of = found.setdefault(item_id, Wanted())
            of.quantity += int(quantity)
            households[item_id] = households.get(item_id, 0) + number
            if number >= HOUSEHOLDS_LEAST:
                of.by_county[county_id] = int(quantity)
    for item_id, of in found.items():
        _hide(of, households[item_id])
    return {item_id: of for item_id, of in found.items() if of.quantity}


def _hide(of: Wanted, households: int) -> None:
    """Leave out what a subtraction would show: all but a few households' share is told in one sum only."""
    if households < HOUSEHOLDS_LEAST:
        of.quantity, of.by_county = 0, {}
    elif sum(of.by_county.values()) != of.quantity:
        # What is missing to the whole belongs to few households: the whole is then the counties that are told.
        of.quantity = sum(of.by_county.values())
