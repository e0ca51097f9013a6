"""What the states, reasons and steps of a stocktake are called."""

from __future__ import annotations

from app.foundation.words import Message, say
from app.stocktakes.models import Deed, StocktakeState

STATES: dict[str, Message] = {
    StocktakeState.COUNTING: say("being counted"),
    StocktakeState.RECOUNTING: say("being counted again"),
    StocktakeState.TO_APPROVE: say("to approve"),
    StocktakeState.POSTED: say("posted"),
    StocktakeState.CANCELLED: say("given up"),
}
LOOKS: dict[str, tuple[str, str]] = {
    StocktakeState.COUNTING: ("clipboard-list", "act"),
    StocktakeState.RECOUNTING: ("refresh", "attention"),
    StocktakeState.TO_APPROVE: ("eye", "attention"),
    StocktakeState.POSTED: ("circle-check", "good"),
    StocktakeState.CANCELLED: ("ban", ""),
}
PLACES: dict[str, Message] = {
    "open": say("to be counted"),
    "recount": say("somebody else counts again"),
    "done": say("counted"),
}
REASONS: dict[str, Message] = {
    "unbooked": say("it was moved and not booked"),
    "miscounted": say("it was miscounted before"),
    "misplaced": say("it lay at another place"),
    "damaged": say("damaged"),
    "spoiled": say("spoiled"),
    "stolen": say("stolen"),
    "unknown": say("not known"),
}
DEEDS: dict[str, Message] = {
    Deed.COUNTED: say("counted"),
    Deed.EMPTY: say("found empty"),
    Deed.DONE: say("closed"),
}
ROUNDS: dict[int, Message] = {
    1: say("first count"),
    2: say("second count"),
    3: say("chosen at approval"),
}
