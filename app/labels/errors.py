"""Refusals about labels."""

from __future__ import annotations

from app.foundation.errors import Invalid, NotFound
from app.foundation.words import say


class NothingToPrint(NotFound):
    """What was asked for is not there, or is not this person's to see."""

    kind = "nothing-to-print"

    def __init__(self) -> None:
        super().__init__(say("There is nothing to print a label for. Choose something else."))


class TooManyLabels(Invalid):
    """More labels than a person wants by mistake."""

    kind = "too-many-labels"

    def __init__(self, *, labels: int, most: int) -> None:
        super().__init__(
            say("%(labels)s labels at once are too many; at most %(most)s.", labels=labels, most=most),
        )


class CodeCannotBePrinted(Invalid):
    """A place's code has signs that no label can carry back to the scanner."""

    kind = "code-cannot-be-printed"

    def __init__(self, *, place: str) -> None:
        super().__init__(
            say(
                "The code %(place)s cannot be read back from a label: use capital letters without accents, digits and "
                "hyphens, such as MIS-A-03-2.",
                place=place,
            )
        )
