"""Who is furthest from enough, and how much each need gets of what there is. Pure.

Enough: a household has enough when everything it needs is handed over or reserved for it.
Level: how near it is, from 0 to FULL. Each of its needs counts the same, by the fraction that is covered, for a blanket
cannot be weighed against flour. A need's quantity was asked for that household with its size, so the fraction is
already per head: a family of eight with four of eight blankets stands where a couple with one of two stands. Needs met
in the last months count as covered, so that who was helped yesterday does not come before who never was.

Portions: a class is filled like connected vessels. Again and again the household furthest from enough takes one portion
(a twentieth of a need, at least one unit) of the need it has least of. Nobody of a class is therefore ahead of another
by more than one portion, unless what the other lacks is nowhere to be had (max-min fairness by progressive filling;
Bertsekas & Gallager, Data Networks, §6.5.2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from typing import NamedTuple

FULL = 1_000_000
"""The level of a household that has enough."""

PORTIONS = 20
"""Into how many portions a need is dealt out, where its quantity is that large."""


@dataclass(frozen=True, slots=True)
class Want:
    """A need as fairness sees it. ``sources`` are (item, percent): what may be given, the best first.

    ``percent`` units of the source replace a hundred units of what was asked for.
    """

    need_id: int
    household_id: int
    urgency: int
    quantity: int
    covered: int
    size: int
    waiting_since: int
    """The day it was opened, as a number that grows with time."""
    sources: tuple[tuple[int, int], ...]


class Standing(NamedTuple):
    """What else a household needs or got: the sum of the levels of those needs, and how many they are."""

    levels: int = 0
    needs: int = 0


class Gift(NamedTuple):
    """One portion: ``units`` of an item cover ``covers`` of the need; the household stood at ``level`` before."""

    need_id: int
    item_id: int
    units: int
    covers: int
    level: int


class _Hungry:
    """A household while its class is dealt with."""

    __slots__ = ("covered", "done", "needs", "wants")

    def __init__(self, standing: Standing) -> None:
        self.done = standing.levels
        self.needs = standing.needs
        self.wants: list[Want] = []
        self.covered: dict[int, int] = {}

    def level(self) -> int:
        return self.done // self.needs


def level_of(covered: int, quantity: int) -> int:
    """Return how near one need is to enough."""
    return min(covered, quantity) * FULL // quantity


def deal(
    wants: Iterable[Want], stock: Mapping[int, int], standing: Mapping[int, Standing] | None = None
) -> tuple[list[Gift], dict[int, int]]:
    """Deal the stock (item → units) out to the wants, class by class; return the portions and each household's level.

    ``standing`` holds what a household needs or got beside the wants given here. The answer depends on nothing but the
    values: the order in which wants arrive does not matter.
    """
    left = dict(stock)
    households = _households(wants, standing or {})
    gifts: list[Gift] = []
    by_class: dict[int, dict[int, list[Want]]] = defaultdict(lambda: defaultdict(list))
    for household_id, household in households.items():
        for want in household.wants:
            if want.covered < want.quantity and want.sources:
                by_class[want.urgency][household_id].append(want)
    for urgency in sorted(by_class):
        _fill(by_class[urgency], households, left, gifts)
    return gifts, {household_id: household.level() for household_id, household in sorted(households.items())}


def _households(wants: Iterable[Want], standing: Mapping[int, Standing]) -> dict[int, _Hungry]:
    households: dict[int, _Hungry] = {}
    for want in sorted(wants, key=lambda want: want.need_id):
        household = households.get(want.household_id)
        if household is None:
            household = households[want.household_id] = _Hungry(standing.get(want.household_id, Standing()))
        household.wants.append(want)
        household.covered[want.need_id] = want.covered
        household.done += level_of(want.covered, want.quantity)
        household.needs += 1
    return households


def _fill(
    waiting: Mapping[int, list[Want]], households: Mapping[int, _Hungry], left: dict[int, int], gifts: list[Gift]
) -> None:
    """Deal with one class: whoever has least takes a portion, until nobody can take any more."""
    queue = []
    for household_id, wants in waiting.items():
        size = max(want.size for want in wants)
        since = min(want.waiting_since for want in wants)
        # Among equals more people come first, then who has waited longer.
        queue.append((households[household_id].level(), -size, since, household_id))
    heapify(queue)
    while queue:
        level, size, since, household_id = queue[0]
        household, wants = households[household_id], waiting[household_id]
        gift = _portion(household, wants, left, level)
        if gift is None:
            heappop(queue)
            continue
        gifts.append(gift)
        heapreplace(queue, (household.level(), size, since, household_id))


def _portion(household: _Hungry, wants: list[Want], left: dict[int, int], level: int) -> Gift | None:
    """Take one portion for the household's least covered want that can be served; drop wants that cannot."""
    while wants:
        want = wants[0]
        if len(wants) > 1:
            want = min(wants, key=lambda one: (level_of(household.covered[one.need_id], one.quantity), one.need_id))
        covered = household.covered[want.need_id]
        missing = want.quantity - covered
        portion = min(missing, -(-want.quantity // PORTIONS))
        for item_id, percent in want.sources:
            there = left.get(item_id, 0)
            units = min(there, -(-portion * percent // 100))
            covers = min(missing, units * 100 // percent)
            if covers <= 0:
                continue
            left[item_id] = there - units
            household.covered[want.need_id] = covered + covers
            household.done += level_of(covered + covers, want.quantity) - level_of(covered, want.quantity)
            if covers == missing:
                wants.remove(want)
            return Gift(want.need_id, item_id, units, covers, level)
        wants.remove(want)
    return None


def gini(levels: Iterable[int]) -> float:
    """Return how unequal the levels are: 0 all alike, towards 1 one has everything (Gini 1912)."""
    ordered = sorted(levels)
    total, count = sum(ordered), len(ordered)
    if not total:
        return 0.0
    weighted = sum(place * level for place, level in enumerate(ordered, start=1))
    return round(max(0.0, 2 * weighted / (count * total) - (count + 1) / count), 4)
