"""Refusals of the views of the stock."""

from __future__ import annotations

from app.foundation.errors import Invalid, NotFound
from app.foundation.words import say


class NoSuchExport(NotFound):
    """There is no such file, it is somebody else's, or its week is over."""

    kind = "no-such-export"

    def __init__(self, *, export_id: int) -> None:
        super().__init__(
            say("There is no such file, or its week is over. Export it again from its list."), export_id=export_id
        )


class DayToCome(Invalid):
    """What will lie where on a day to come is not known."""

    kind = "day-to-come"

    def __init__(self) -> None:
        sentence = say("Choose today or an earlier day.")
        super().__init__(say("Nothing was computed: that day has not come yet."), {"on": [sentence]})
