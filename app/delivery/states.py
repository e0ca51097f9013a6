"""The life of a parcel, of a run and of a stop, as one table each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar


class ParcelState(StrEnum):
    """The life of a parcel."""

    READY = "ready"
    """Its shares are reserved; it waits for a run."""
    PLANNED = "planned"
    LOADED = "loaded"
    PARTLY = "partly"
    """Something of it was handed over; the rest is still on the vehicle."""
    HANDED_OVER = "handed_over"
    BROUGHT_BACK = "brought_back"
    """Its goods are on the shelf again and its needs are open again."""
    CANCELLED = "cancelled"


class RunState(StrEnum):
    """The life of a run."""

    DRAFT = "draft"
    PUBLISHED = "published"
    LOADING = "loading"
    ON_THE_ROAD = "on_the_road"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class StopState(StrEnum):
    """The life of a stop."""

    PLANNED = "planned"
    DONE = "done"
    PARTLY = "partly"
    REFUSED = "refused"
    NOBODY_HOME = "nobody_home"


PARCEL_MOVES = {
    (ParcelState.READY, "plan"): ParcelState.PLANNED,
    (ParcelState.PLANNED, "unplan"): ParcelState.READY,
    (ParcelState.PLANNED, "load"): ParcelState.LOADED,
    (ParcelState.LOADED, "unload"): ParcelState.PLANNED,
    (ParcelState.LOADED, "hand_over"): ParcelState.HANDED_OVER,
    (ParcelState.LOADED, "hand_over_partly"): ParcelState.PARTLY,
    (ParcelState.LOADED, "bring_back"): ParcelState.BROUGHT_BACK,
    (ParcelState.PARTLY, "bring_back"): ParcelState.HANDED_OVER,
    (ParcelState.READY, "cancel"): ParcelState.CANCELLED,
}

RUN_MOVES = {
    (RunState.DRAFT, "publish"): RunState.PUBLISHED,
    (RunState.PUBLISHED, "load"): RunState.LOADING,
    (RunState.LOADING, "load"): RunState.LOADING,
    (RunState.LOADING, "unload"): RunState.LOADING,
    (RunState.LOADING, "depart"): RunState.ON_THE_ROAD,
    (RunState.ON_THE_ROAD, "hand_over"): RunState.ON_THE_ROAD,
    (RunState.ON_THE_ROAD, "fail"): RunState.ON_THE_ROAD,
    (RunState.ON_THE_ROAD, "bring_back"): RunState.ON_THE_ROAD,
    (RunState.LOADING, "bring_back"): RunState.LOADING,
    (RunState.ON_THE_ROAD, "close"): RunState.CLOSED,
    (RunState.DRAFT, "cancel"): RunState.CANCELLED,
    (RunState.PUBLISHED, "cancel"): RunState.CANCELLED,
}

FAILURES = (StopState.REFUSED, StopState.NOBODY_HOME)
"""How a stop can end without a hand-over."""

ON_VEHICLE = (ParcelState.LOADED, ParcelState.PARTLY)
"""States in which goods of the parcel are on the vehicle."""

State = TypeVar("State", bound=StrEnum)


def after(moves: Mapping[tuple[State, str], State], state: str, verb: str) -> State | None:
    """Return the state that a verb leads to; None where it cannot be done in this state."""
    for (before, name), to in moves.items():
        if before == state and name == verb:
            return to
    return None


def stop_state(parcels: Iterable[tuple[str, str | None]]) -> StopState:
    """Return where a stop stands, from its parcels' (state, end reason)."""
    found = list(parcels)
    ended = [_outcome(state, reason) for state, reason in found]
    if not found or None in ended:
        return StopState.PLANNED
    if all(outcome is StopState.DONE for outcome in ended):
        return StopState.DONE
    if any(outcome in (StopState.DONE, StopState.PARTLY) for outcome in ended):
        return StopState.PARTLY
    return StopState.NOBODY_HOME if StopState.NOBODY_HOME in ended else StopState.REFUSED


def _outcome(state: str, reason: str | None) -> StopState | None:
    if state == ParcelState.PARTLY or (state == ParcelState.HANDED_OVER and reason):
        return StopState.PARTLY
    if state == ParcelState.HANDED_OVER:
        return StopState.DONE
    if state in (ParcelState.LOADED, ParcelState.BROUGHT_BACK) and reason:
        return StopState.NOBODY_HOME if reason == StopState.NOBODY_HOME else StopState.REFUSED
    return None
