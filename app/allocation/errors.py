"""Refusals of allocation."""

from __future__ import annotations

from app.foundation.errors import Conflict, Invalid
from app.foundation.words import say


class NotProposed(Conflict):
    """Only a proposal that waits can be approved."""

    kind = "not-proposed"

    def __init__(self, *, run_id: int, state: str) -> None:
        super().__init__(
            say("Nothing was approved: this proposal is not waiting any more. Open the newest one."),
            run_id=run_id,
            state=state,
        )


class ShareGone(Conflict):
    """The share is past the state in which this can be done."""

    kind = "share-gone"

    def __init__(self, *, share_id: int, state: str) -> None:
        super().__init__(
            say("Nothing changed: this share is packed, handed over or released already."),
            share_id=share_id,
            state=state,
        )


class ReasonMissing(Invalid):
    """A decision by hand needs a reason that others can read."""

    kind = "reason-missing"

    def __init__(self) -> None:
        sentence = say("Write why, in a few words: the next person will ask.")
        super().__init__(sentence, {"reason": [sentence]})
