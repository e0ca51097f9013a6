"""Refusals about boxes and pallets. They say that nothing was moved."""

from __future__ import annotations

from app.foundation.errors import Conflict, Invalid, NotFound
from app.foundation.words import Message, say

STATE_NAMES: dict[str, Message] = {
    "open": say("open"),
    "closed": say("closed"),
    "dissolved": say("dissolved"),
}


class NoSuchBox(NotFound):
    """There is no such box, or it is not this person's to know."""

    kind = "no-such-box"

    def __init__(self, **facts: int | str) -> None:
        super().__init__(say("There is no such box, or it is not yours to see."), **facts)


class BoxNotOpen(Conflict):
    """Only an open box is filled, emptied, split or merged."""

    kind = "box-not-open"

    def __init__(self, *, box: str, state: str) -> None:
        super().__init__(
            say("Nothing was moved: the box %(box)s is %(state)s. Open it first.", box=box, state=STATE_NAMES[state]),
            box=box,
        )


class BoxDissolved(Conflict):
    """A dissolved box is used no more."""

    kind = "box-dissolved"

    def __init__(self, *, box: str) -> None:
        super().__init__(say("Nothing was changed: the box %(box)s is not used any more.", box=box), box=box)


class BoxNotEmpty(Conflict):
    """Only an empty box is dissolved."""

    kind = "box-not-empty"

    def __init__(self, *, box: str, pieces: int, boxes: int) -> None:
        super().__init__(
            say(
                "Nothing was changed: in %(box)s there are still %(pieces)s pieces and %(boxes)s boxes. Take them out "
                "first.",
                box=box,
                pieces=pieces,
                boxes=boxes,
            ),
            box=box,
        )


class BoxIsEmpty(Conflict):
    """There is nothing to move into the other box."""

    kind = "box-is-empty"

    def __init__(self, *, box: str) -> None:
        super().__init__(say("Nothing was moved: there is nothing in %(box)s.", box=box), box=box)


class CannotNest(Conflict):
    """This box cannot stand in that one."""

    kind = "cannot-nest"

    def __init__(self, *, box: str, into: str, why: Message) -> None:
        super().__init__(
            say("Nothing was moved: %(box)s cannot stand in %(into)s. %(why)s", box=box, into=into, why=why), box=box
        )


class OtherWarehouse(Conflict):
    """Between warehouses goods go by a transfer."""

    kind = "other-warehouse"

    def __init__(self, *, box: str, place: str) -> None:
        super().__init__(
            say(
                "Nothing was moved: %(place)s is in another warehouse than %(box)s. Between warehouses goods go by a "
                "transfer.",
                box=box,
                place=place,
            ),
            box=box,
        )


class CannotStand(Invalid):
    """A box stands where there are walls."""

    kind = "cannot-stand-there"

    def __init__(self, *, place: str) -> None:
        sentence = say("Choose a place with walls, or a box.")
        super().__init__(
            say("Nothing was moved: no box stands at %(place)s.", place=place), {"to_place_id": [sentence]}
        )


class CountDiffers(Conflict):
    """Whoever merges says how many pieces they move; the books say another number."""

    kind = "count-differs"

    def __init__(self, *, box: str, told: int, known: int) -> None:
        super().__init__(
            say(
                "Nothing was moved: %(told)s pieces were counted, the books have %(known)s in %(box)s. Count again, or "
                "move them lot by lot.",
                told=told,
                known=known,
                box=box,
            ),
            box=box,
        )


class SerialsUsedUp(Conflict):
    """The company prefix has no free serial numbers."""

    kind = "serials-used-up"

    def __init__(self, *, prefix: str) -> None:
        super().__init__(
            say("No box was opened: the numbers of the company prefix %(prefix)s are used up.", prefix=prefix)
        )


class NotSenders(Invalid):
    """What is printed on the box is no SSCC."""

    kind = "no-sscc"

    def __init__(self, code: str) -> None:
        said = say("An SSCC has 18 digits, and the last one must be right.")
        super().__init__(say("No box was opened: the number on it is not right."), {"sscc": [said]})


class CodeTaken(Conflict):
    """The number on the box is ours to give, or is that of another box."""

    kind = "box-code-taken"

    def __init__(self, code: str) -> None:
        super().__init__(say("No box was opened: %(code)s is the number of another box.", code=code), code=code)
