"""What the words of delivery are called on pages and documents."""

from __future__ import annotations

from app.delivery.states import ParcelState, RunState, StopState
from app.foundation.words import Message, say

RUN_STATES: dict[str, Message] = {
    RunState.DRAFT: say("Draft"),
    RunState.PUBLISHED: say("Published"),
    RunState.LOADING: say("Loading"),
    RunState.ON_THE_ROAD: say("On the road"),
    RunState.CLOSED: say("Closed"),
    RunState.CANCELLED: say("Withdrawn"),
}

PARCEL_STATES: dict[str, Message] = {
    ParcelState.READY: say("Waits for a run"),
    ParcelState.PLANNED: say("To be loaded"),
    ParcelState.LOADED: say("On the vehicle"),
    ParcelState.PARTLY: say("Partly handed over"),
    ParcelState.HANDED_OVER: say("Handed over"),
    ParcelState.BROUGHT_BACK: say("Brought back"),
    ParcelState.CANCELLED: say("Dissolved"),
}

FAILURES: dict[str, Message] = {
    StopState.NOBODY_HOME: say("Nobody at home"),
    StopState.REFUSED: say("They did not want it"),
}

RELATIONS: list[tuple[str, Message, str]] = [
    ("self", say("Addressee"), "user"),
    ("family_member", say("Family member"), "users"),
    ("neighbour", say("Neighbour"), "home"),
    ("institution", say("Institution"), "building-community"),
]

STORAGE: dict[str, Message] = {
    "ambient": say("Ambient"),
    "chilled": say("Chilled"),
    "frozen": say("Frozen"),
    "bulky": say("Bulky"),
    "hazardous": say("Hazardous"),
}

EVENTS: dict[str, Message] = {
    "run.drafted": say("Drafted"),
    "run.published": say("Published"),
    "run.withdrawn": say("Withdrawn"),
    "run.left": say("Left the warehouse"),
    "run.closed": say("Closed"),
    "run.driver_given": say("Driver changed"),
}
