"""How urgent a need is, from facts, by a table that a coordinator can read and change.

Fact: something known about the household, the signal or the thing asked for.  Rule: if the fact holds, the need is at
least this urgent.  The class is the most urgent one of the rules that hold; each of them is a ground, said in words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from app.foundation.words import Message, say

CALMEST = 4
"""The class of a need for which no rule holds: it can wait."""


@dataclass(frozen=True)
class Fact:
    """Something a rule may ask about. ``ground`` is what a need's sheet says when a rule on it decided."""

    title: Message
    ground: Message
    counts: bool = False
    """True: a number, compared with the rule's threshold."""
    at_most: bool = False
    """True: the rule holds up to the threshold; False: from it on."""


def _yes(title: Message, ground: Message | None = None) -> Fact:
    return Fact(title, ground or title)


FACTS: Mapping[str, Fact] = {
    "baby_without_formula": _yes(say("There is nothing to feed the baby today")),
    "baby": _yes(say("A baby under two lives there")),
    "small_child": _yes(say("A child of two to five lives there")),
    "no_heating_below_zero": _yes(say("The home has no heating, and it freezes at this time of the year")),
    "no_heating": _yes(say("The home has no heating")),
    "sudden_event": _yes(say("Something happened: fire, eviction or death")),
    "no_running_water": _yes(say("There is no drinking water in the house")),
    "no_fridge": _yes(say("There is no fridge")),
    "no_road_in_winter": _yes(say("The road may be closed in winter, and winter is here")),
    "lone_parent": _yes(say("One parent brings the children up alone")),
    "access_need": _yes(say("Somebody cannot come to the gate or use steps")),
    "only_old": _yes(say("Everybody there is over 65")),
    "medical_item": _yes(say("It is a medical aid")),
    "children": Fact(say("Children under 18"), say("Children under 18: %(n)s"), counts=True),
    "household_size": Fact(say("People in the household"), say("People in the household: %(n)s"), counts=True),
    "waiting_days": Fact(say("Days of waiting"), say("Days of waiting: %(n)s"), counts=True),
    "wanted_in_days": Fact(
        say("Days until it is wanted"), say("Days until it is wanted: %(n)s"), counts=True, at_most=True
    ),
}
"""Every fact that a rule can ask about, by its name in the table."""

NO_GROUND = say("No row of the urgency table holds: it can wait")


@dataclass(frozen=True)
class Rule:
    """One row of the table: if the fact holds for a need of this category, it is at least this urgent."""

    fact: str
    urgency: int
    threshold: int | None = None
    category: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The class and its grounds, the deciding one first."""

    urgency: int
    grounds: tuple[Message, ...]


def freezes(on: date) -> bool:
    """Tell whether nights below zero are usual in Hungary on this day: 15 November to 15 March."""
    return (on.month, on.day) >= (11, 15) or (on.month, on.day) <= (3, 15)


def facts_of(
    household: Mapping[str, Any],
    *,
    on: date,
    waiting_since: date,
    wanted_by: date | None,
    medical_item: bool,
) -> dict[str, bool | int | None]:
    """Return what the table may ask about one need.

    ``household`` holds the columns of a household (size, age bands, heating, circumstances) and the facts of its
    signal (``baby_without_formula``, ``sudden_event``). ``on`` is the day on which it is judged.
    """

    def yes(name: str) -> bool:
        return bool(household.get(name))

    def number(name: str) -> int:
        return int(household.get(name) or 0)

    people = number("size")
    no_heating = household.get("heating") == "none"
    return {
        "baby_without_formula": yes("baby_without_formula"),
        "baby": number("age_0_1") > 0,
        "small_child": number("age_2_5") > 0,
        "no_heating": no_heating,
        "no_heating_below_zero": no_heating and freezes(on),
        "sudden_event": yes("sudden_event"),
        "no_running_water": yes("no_running_water"),
        "no_fridge": yes("no_fridge"),
        "no_road_in_winter": yes("no_road_in_winter") and freezes(on),
        "lone_parent": yes("lone_parent"),
        "access_need": yes("access_need"),
        "only_old": 0 < people == number("age_65_up"),
        "medical_item": medical_item,
        "children": sum(number(band) for band in ("age_0_1", "age_2_5", "age_6_13", "age_14_17")),
        "household_size": people,
        "waiting_days": max((on - waiting_since) // timedelta(days=1), 0),
        "wanted_in_days": None if wanted_by is None else max((wanted_by - on) // timedelta(days=1), 0),
    }


def judge(rules: Iterable[Rule], facts: Mapping[str, bool | int | None], categories: Collection[str] = ()) -> Verdict:
    """Return the class of a need and why.

    ``categories`` are the codes of the item's category and of those above it; a rule for another category is silent.
    """
    held: dict[str, tuple[int, Message]] = {}
    for rule in rules:
        if rule.category is not None and rule.category not in categories:
            continue
        if not _holds(rule, facts.get(rule.fact)):
            continue
        # One fact is said once, with the most urgent of its rows.
        if rule.fact not in held or rule.urgency < held[rule.fact][0]:
            held[rule.fact] = (rule.urgency, _ground(rule.fact, facts[rule.fact]))
    if not held:
        return Verdict(CALMEST, (NO_GROUND,))
    grounds = sorted(held.values(), key=lambda each: each[0])
    return Verdict(grounds[0][0], tuple(ground for _, ground in grounds))


def _holds(rule: Rule, value: bool | int | None) -> bool:
    fact = FACTS.get(rule.fact)
    if fact is None or value is None:
        return False
    if not fact.counts:
        return bool(value)
    limit = rule.threshold or 0
    return value <= limit if fact.at_most else value >= limit


def _ground(name: str, value: bool | int | None) -> Message:
    fact = FACTS[name]
    return say(fact.ground.text, n=int(value or 0)) if fact.counts else fact.ground
