"""Refusals of the floor."""

from __future__ import annotations

from app.foundation.errors import Conflict
from app.foundation.words import say


class PhoneTooOld(Conflict):
    """The page on the phone is older than what the server still understands."""

    kind = "phone-too-old"

    def __init__(self, protocol: int, oldest: int) -> None:
        super().__init__(
            say("This phone's page is too old. Open the scan page again while there is a network; nothing is lost."),
            protocol=protocol,
            oldest=oldest,
        )
