"""Is this household already known? Suggests, and says why; a person decides.

Partners report the same family more than once. Likeness is judged on what both records hold; names are compared
by their blind index only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.foundation.words import Message, say

AGE_BANDS = ("age_0_1", "age_2_5", "age_6_13", "age_14_17", "age_18_64", "age_65_up")


@dataclass(frozen=True)
class Known:
    """A household that may be the one in the signal."""

    household_id: int
    name_index: str | None
    settlement_id: int
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Suggestion:
    """A household, how alike it is (0 to 100), and why it is suggested."""

    household_id: int
    percent: int
    grounds: tuple[Message, ...]


def suggest(
    *, name_index: str | None, settlement_id: int, facts: Mapping[str, Any], known: Iterable[Known]
) -> list[Suggestion]:
    """Return the households that may be the same one, the likeliest first.

    Without an equal name only households of the same settlement whose every age band is equal are suggested.
    """
    found = []
    for household in known:
        same_name = name_index is not None and household.name_index == name_index
        same_place = household.settlement_id == settlement_id
        same_people = _people(facts) == _people(household.facts) and sum(_people(facts)) > 0
        if not same_place or not (same_name or (same_people and not _named_apart(name_index, household))):
            continue
        grounds = [say("The same contact in the same settlement")] if same_name else []
        if same_people:
            grounds.append(say("The same number of people in each age band"))
        percent = (80 if same_name else 30) + (20 if same_people else 0)
        found.append(Suggestion(household.household_id, percent, tuple(grounds)))
    return sorted(found, key=lambda suggestion: (-suggestion.percent, suggestion.household_id))


def _named_apart(name_index: str | None, household: Known) -> bool:
    return name_index is not None and household.name_index is not None and name_index != household.name_index


def _people(facts: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(facts.get(band) or 0) for band in AGE_BANDS)
