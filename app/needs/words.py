"""What people call the facts, states and reasons of this package."""

from __future__ import annotations

from app.foundation.words import Message, say
from app.needs.models import Heating, NeedState, SignalState

HEATINGS: list[tuple[str, Message]] = [
    (str(Heating.WOOD), say("Wood")),
    (str(Heating.GAS), say("Gas")),
    (str(Heating.ELECTRIC), say("Electricity")),
    (str(Heating.DISTRICT), say("District heating")),
    (str(Heating.NONE), say("No heating")),
    (str(Heating.UNKNOWN), say("Not known")),
]

URGENT_FACTS: list[tuple[str, Message]] = [
    ("baby_without_formula", say("There is nothing to feed the baby today")),
    ("no_heating", say("There is no heating")),
    ("no_running_water", say("There is no drinking water in the house")),
    ("sudden_event", say("Something happened: fire, eviction, death")),
]
"""What the report page asks instead of "how urgent"."""

CIRCUMSTANCES: list[tuple[str, Message]] = [
    ("lone_parent", say("One parent brings the children up alone")),
    ("no_fridge", say("There is no fridge")),
    ("access_need", say("Somebody cannot come to the gate or use steps")),
    ("no_road_in_winter", say("The road may be closed in winter")),
]

STATES: dict[str, Message] = {
    NeedState.OPEN: say("Open"),
    NeedState.RESERVED: say("Reserved"),
    NeedState.PLANNED: say("Planned"),
    NeedState.LOADED: say("Loaded"),
    NeedState.HANDED_OVER: say("Handed over"),
    NeedState.NOT_NEEDED: say("Not needed any more"),
    NeedState.CANNOT_BE_MET: say("Cannot be met"),
}

SIGNAL_STATES: dict[str, Message] = {
    SignalState.RECEIVED: say("Received"),
    SignalState.ACKNOWLEDGED: say("Acknowledged"),
    SignalState.CONFIRMED: say("Confirmed"),
    SignalState.REFUSED: say("Refused"),
    SignalState.MERGED: say("Merged"),
    SignalState.ANSWERED: say("Answered"),
}

REFUSALS: dict[str, Message] = {
    "not_found": say("The household was not found"),
    "outside": say("The mission does not give this"),
    "helped_elsewhere": say("Somebody else has helped already"),
    "not_needed": say("The household does not want it"),
    "wrong_data": say("The report cannot be understood"),
    "child_protection": say("It belongs to the child-welfare service"),
}
"""Why a signal is refused, as its reporter reads it."""
