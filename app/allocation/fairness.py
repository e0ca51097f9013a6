"""Who is furthest from enough, and how much each need gets of what there is. Pure.

Enough: a household has enough when everything it needs is handed over or reserved for it.
Level: how near it is, from 0 to FULL. Each of its needs counts the same, by the fraction that is covered, for a blanket
cannot be weighed against flour. A need's quantity was asked for that household with its size, so the fraction is
already per head: a family of eight with four of eight blankets stands where a couple with one of two stands. Needs met
in the last months count as covered, so that who was helped yesterday does not come before who never was. While a class
is dealt with, only its needs and more urgent ones count: asking for many things that can wait buys no place in front.

A class is dealt with in three steps. (1) Whoever asks for what there is plenty of gets it. (2) The rest is poured into
connected vessels: again and again the household furthest from enough takes one portion (a twentieth of a need, at
least one unit) of the need it has least of (max-min fairness by progressive filling; Bertsekas & Gallager, Data
Networks, §6.5.2). (3) As households climb by other things later, portions are passed on: from whoever could give one
and still stand higher, to the lowest who lacks it. In the end nobody who lacks a thing stands lower than somebody who
got it by more than the worth of one portion.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace
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
    """A household while classes are dealt with: the sum of its needs' levels, and how many count so far."""

    __slots__ = ("covered", "done", "needs")

    def __init__(self, standing: Standing) -> None:
        self.done = standing.levels
        self.needs = standing.needs
        self.covered: dict[int, int] = {}

    def enlist(self, want: Want) -> None:
        """Let a need count from now on."""
        self.covered[want.need_id] = want.covered
        self.done += level_of(want.covered, want.quantity)
        self.needs += 1

    def missing(self, want: Want) -> int:
        return want.quantity - self.covered[want.need_id]

    def cover(self, want: Want, change: int) -> None:
        """Cover more of a need, or less."""
        before = self.covered[want.need_id]
        self.covered[want.need_id] = before + change
        self.done += level_of(before + change, want.quantity) - level_of(before, want.quantity)

    def level(self) -> int:
        return self.done // self.needs

    def level_without(self, want: Want, units: int) -> int:
        """Return where it would stand with so much less of a need."""
        covered = self.covered[want.need_id]
        lost = level_of(covered, want.quantity) - level_of(covered - units, want.quantity)
        return (self.done - lost) // self.needs


def portion_of(want: Want) -> int:
    """Return how much of a need is given at once."""
    return -(-want.quantity // PORTIONS)


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
    households: dict[int, _Hungry] = {}
    gifts: list[Gift] = []
    by_class: dict[int, list[Want]] = defaultdict(list)
    for want in sorted(wants, key=lambda want: want.need_id):
        by_class[want.urgency].append(want)
    for urgency in sorted(by_class):
        waiting = _enlist(by_class[urgency], households, standing or {})
        began = len(gifts)
        _give_plenty(waiting, households, left, gifts)
        _fill(waiting, households, left, gifts)
        while _pass_on(by_class[urgency], households, gifts, began):
            # Who has passed something on may take what is left of another thing instead.
            _fill(_lacking(by_class[urgency], households), households, left, gifts)
    return gifts, {household_id: household.level() for household_id, household in sorted(households.items())}


def _enlist(
    wants: Iterable[Want], households: dict[int, _Hungry], standing: Mapping[int, Standing]
) -> dict[int, list[Want]]:
    """Let the needs of a class count; return by household those that can be served."""
    waiting: dict[int, list[Want]] = defaultdict(list)
    for want in wants:
        household = households.get(want.household_id)
        if household is None:
            household = households[want.household_id] = _Hungry(standing.get(want.household_id, Standing()))
        household.enlist(want)
        if want.covered < want.quantity and want.sources:
            waiting[want.household_id].append(want)
    return waiting


def _lacking(wants: Iterable[Want], households: Mapping[int, _Hungry]) -> dict[int, list[Want]]:
    """Return by household the needs that lack something and could be served."""
    lacking: dict[int, list[Want]] = defaultdict(list)
    for want in wants:
        if want.sources and households[want.household_id].missing(want) > 0:
            lacking[want.household_id].append(want)
    return lacking


def _give_plenty(
    waiting: dict[int, list[Want]], households: Mapping[int, _Hungry], left: dict[int, int], gifts: list[Gift]
) -> None:
    """Give what is there for everybody who might want it, so that only what is short is dealt out by levels."""
    demand: Counter[int] = Counter()
    for household_id, wants in waiting.items():
        for want in wants:
            for item_id, percent in want.sources:
                demand[item_id] += -(-households[household_id].missing(want) * percent // 100)
    plenty = {item_id for item_id, units in demand.items() if units <= left.get(item_id, 0)}
    for household_id in list(waiting):
        household = households[household_id]
        rest = []
        for want in waiting[household_id]:
            item_id, percent = want.sources[0]
            if item_id not in plenty:
                rest.append(want)
                continue
            missing = household.missing(want)
            units = -(-missing * percent // 100)
            gifts.append(Gift(want.need_id, item_id, units, missing, household.level()))
            left[item_id] -= units
            household.cover(want, missing)
        waiting[household_id] = rest


def _fill(
    waiting: Mapping[int, list[Want]], households: Mapping[int, _Hungry], left: dict[int, int], gifts: list[Gift]
) -> None:
    """Whoever has least takes a portion, until nobody can take any more."""
    queue = []
    for household_id, wants in waiting.items():
        if wants:
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
        missing = household.missing(want)
        portion = min(missing, portion_of(want))
        for item_id, percent in want.sources:
            there = left.get(item_id, 0)
            units = min(there, -(-portion * percent // 100))
            covers = min(missing, units * 100 // percent)
            if covers <= 0:
                continue
            left[item_id] = there - units
            household.cover(want, covers)
            if covers == missing:
                wants.remove(want)
            return Gift(want.need_id, item_id, units, covers, level)
        wants.remove(want)
    return None


def _pass_on(wants: Iterable[Want], households: Mapping[int, _Hungry], gifts: list[Gift], began: int) -> bool:
    """Pass portions on until nobody who has got a thing could give one of it and still stand above who lacks it.

    Each step raises the lower of two households and leaves the other above where that one stood, so it comes to an end.
    What is passed on is written as a gift taken back and a gift made.
    """
    by_need = {want.need_id: want for want in wants}
    held: dict[int, Counter[int]] = defaultdict(Counter)
    for gift in gifts[began:]:
        if (gift.item_id, 100) in by_need[gift.need_id].sources:
            held[gift.item_id][gift.need_id] += gift.units
    lacking: dict[int, list[Want]] = defaultdict(list)
    for want in by_need.values():
        for item_id, percent in want.sources:
            if percent == 100 and item_id in held:
                lacking[item_id].append(want)
    before = len(gifts)
    moved = True
    while moved:
        moved = False
        for item_id in sorted(held):
            moved |= _pass_item_on(item_id, lacking[item_id], held[item_id], by_need, households, gifts)
    return len(gifts) > before


def _pass_item_on(
    item_id: int,
    wants: Iterable[Want],
    held: Counter[int],
    by_need: Mapping[int, Want],
    households: Mapping[int, _Hungry],
    gifts: list[Gift],
) -> bool:
    """Pass on portions of one item, the lowest first; tell whether any was."""
    lowest = [
        (households[want.household_id].level(), want.need_id)
        for want in wants
        if households[want.household_id].missing(want) > 0
    ]
    if not lowest:
        return False
    highest = [
        (-households[by_need[need_id].household_id].level(), need_id) for need_id, units in held.items() if units
    ]
    heapify(lowest)
    heapify(highest)
    moved = False
    while lowest and highest:
        low_level, low_need = lowest[0]
        taker = by_need[low_need]
        low = households[taker.household_id]
        if low.level() != low_level:
            heapreplace(lowest, (low.level(), low_need))
            continue
        high_level, high_need = highest[0]
        giver = by_need[high_need]
        high = households[giver.household_id]
        if high.level() != -high_level:
            heapreplace(highest, (-high.level(), high_need))
            continue
        units = min(portion_of(giver), held[high_need], low.missing(taker))
        if giver.household_id == taker.household_id or high.level_without(giver, units) <= low_level:
            # It cannot give to the lowest, so to nobody else either.
            heappop(highest)
            continue
        gifts.append(Gift(high_need, item_id, -units, -units, -high_level))
        gifts.append(Gift(low_need, item_id, units, units, low_level))
        high.cover(giver, -units)
        low.cover(taker, units)
        held[high_need] -= units
        held[low_need] += units
        moved = True
        if not held[high_need]:
            heappop(highest)
        if low.missing(taker):
            heapreplace(lowest, (low.level(), low_need))
        else:
            heappop(lowest)
        heappush(lowest, (high.level(), high_need))
    return moved


def gini(levels: Iterable[int]) -> float:
    """Return how unequal the levels are: 0 all alike, towards 1 one has everything (Gini 1912)."""
    ordered = sorted(levels)
    total, count = sum(ordered), len(ordered)
    if not total:
        return 0.0
    weighted = sum(place * level for place, level in enumerate(ordered, start=1))
    return round(max(0.0, 2 * weighted / (count * total) - (count + 1) / count), 4)
