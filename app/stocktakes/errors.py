"""Refusals about stocktakes."""

from __future__ import annotations

from app.foundation.errors import Conflict, Invalid, NotFound
from app.foundation.words import say


class NoSuchStocktake(NotFound):
    """There is no such stocktake, or it is not this person's to know."""

    kind = "no-such-stocktake"

    def __init__(self, *, stocktake_id: int) -> None:
        super().__init__(say("There is no such stocktake, or it is not yours to see."), stocktake_id=stocktake_id)


class NothingToCount(Invalid):
    """There is no place to be counted in what was chosen."""

    kind = "nothing-to-count"

    def __init__(self) -> None:
        sentence = say("Choose places of this warehouse, or leave it empty for all of them.")
        super().__init__(say("No stocktake was opened: nothing of it is to be counted."), {"place_ids": [sentence]})


class BeingCounted(Conflict):
    """A place is counted once at a time."""

    kind = "being-counted"

    def __init__(self, *, place: str, stocktake: int) -> None:
        super().__init__(
            say(
                "No stocktake was opened: the place %(place)s is being counted in stocktake %(stocktake)s.",
                place=place,
                stocktake=str(stocktake),
            )
        )


class NotInStocktake(Invalid):
    """The place or the item is not counted in this stocktake."""

    kind = "not-in-stocktake"

    def __init__(self, *, name: str) -> None:
        super().__init__(say("Nothing was counted: %(name)s is not part of this stocktake.", name=name))


class StocktakeOver(Conflict):
    """It is posted or cancelled."""

    kind = "stocktake-over"

    def __init__(self, *, stocktake: int, state: str) -> None:
        super().__init__(
            say("Nothing was counted: stocktake %(stocktake)s is closed.", stocktake=str(stocktake)), state=state
        )


class FirstCountOpen(Conflict):
    """A place is counted a second time after the first count of it is closed."""

    kind = "first-count-open"

    def __init__(self, *, place: str) -> None:
        super().__init__(
            say("Nothing was counted: the first count of the place %(place)s is not closed yet.", place=place)
        )


class FirstCountClosed(Conflict):
    """The first count of the place is over."""

    kind = "first-count-closed"

    def __init__(self, *, place: str) -> None:
        super().__init__(say("Nothing was counted: the first count of the place %(place)s is over.", place=place))


class NoRecount(Conflict):
    """The place need not be counted again."""

    kind = "no-recount"

    def __init__(self, *, place: str) -> None:
        super().__init__(
            say("Nothing was counted: the place %(place)s need not be counted again. Thank you.", place=place)
        )


class SameCounter(Conflict):
    """The second count is somebody else's."""

    kind = "same-counter"

    def __init__(self, *, place: str) -> None:
        super().__init__(
            say(
                "Nothing was counted: you counted the place %(place)s the first time. "
                "Somebody else counts it again, so that two people have seen it.",
                place=place,
            )
        )


class CounterApproves(Conflict):
    """Who counted does not approve."""

    kind = "counter-approves"

    def __init__(self) -> None:
        super().__init__(
            say("Nothing was posted: you counted in this stocktake. A manager who did not count approves it.")
        )


class NotToApprove(Conflict):
    """It is not at the step in which it is approved."""

    kind = "not-to-approve"

    def __init__(self, *, state: str) -> None:
        super().__init__(
            say("Nothing was posted: places are still to be counted, or it is closed already."), state=state
        )


class DifferencesChanged(Conflict):
    """What was shown is not what would be posted now."""

    kind = "differences-changed"

    def __init__(self) -> None:
        super().__init__(
            say("Nothing was posted: the differences changed meanwhile. Look at them again, then approve.")
        )


class NoSuchLine(Invalid):
    """There is no such line to decide about."""

    kind = "no-such-line"

    def __init__(self) -> None:
        super().__init__(say("Nothing was decided: there is no such line in this stocktake."))


class StillCounting(Conflict):
    """Places are left out only by saying so."""

    kind = "still-counting"

    def __init__(self, *, places: int) -> None:
        super().__init__(
            say(
                "Nothing was closed: %(places)s places are not counted yet. Leave them out, or count them.",
                places=places,
            )
        )


class WhatWasCounted(Invalid):
    """A lot, or an item."""

    kind = "what-was-counted"

    def __init__(self) -> None:
        super().__init__(say("Nothing was counted: name the lot or the item."))


class DateNeeded(Invalid):
    """The lot of a thing that expires is told by its date."""

    kind = "date-needed"

    def __init__(self, *, item: str) -> None:
        sentence = say("Write the date that stands on the pack.")
        super().__init__(
            say("Nothing was counted: %(item)s has a date of expiry, and no lot of it lies here.", item=item),
            {"expires_on": [sentence]},
        )


class RecordMissing(Conflict):
    """The record is written when it is posted."""

    kind = "record-missing"

    def __init__(self) -> None:
        super().__init__(say("The record is written when the stocktake is posted."))
