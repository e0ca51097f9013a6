"""Refusals about donors, offers and arrivals."""

from __future__ import annotations

from app.foundation.errors import Conflict, Invalid, NotFound
from app.foundation.words import Message, say

STATE_NAMES: dict[str, Message] = {
    "offered": say("offered"),
    "accepted": say("accepted"),
    "declined": say("declined"),
    "arrived": say("arrived"),
    "closed": say("closed"),
}


class NoSuchOffer(NotFound):
    """There is no such offer, or it is not for this person to know of."""

    kind = "offer-not-found"


class NoSuchDonor(NotFound):
    """There is no such donor, or it is not for this person to know of."""

    kind = "donor-not-found"


class NoSuchArrival(NotFound):
    """There is no such arrival, or it is not for this person to know of."""

    kind = "arrival-not-found"


class OfferPast(Conflict):
    """The offer's life has gone on; this can no longer be done with it."""

    kind = "offer-past"

    def __init__(self, *, offer: str, state: str) -> None:
        super().__init__(
            say(
                "Nothing was changed: the offer %(offer)s is %(state)s by now. Look at it again.",
                offer=offer,
                state=STATE_NAMES[state],
            )
        )


class ReferenceUsed(Conflict):
    """The same sender offered something else under the same reference."""

    kind = "reference-used"

    def __init__(self, *, reference: str, offer: str) -> None:
        super().__init__(
            say(
                "Nothing was stored: the reference %(reference)s stands for the offer %(offer)s already, with other "
                "content. Choose another reference.",
                reference=reference,
                offer=offer,
            )
        )


class ArrivalKnown(Conflict):
    """The same operation was sent before with other content."""

    kind = "operation-reused"
    status = 422

    def __init__(self) -> None:
        super().__init__(say("Nothing was received: this operation was sent before with other content."))


class ArrivalEnded(Conflict):
    """The goods-received note is numbered; what comes later is another arrival."""

    kind = "arrival-ended"

    def __init__(self) -> None:
        super().__init__(say("Nothing was received: this arrival has its note already. Begin another one."))


class ReasonNeeded(Invalid):
    """A decision that somebody will ask about needs its reason."""

    kind = "reason-needed"

    def __init__(self, field: str = "reason") -> None:
        super().__init__(say("Nothing was saved: please look at the marked fields."), {field: [say("Write why.")]})


class LinesWrong(Invalid):
    """Lines that cannot be stored; each sentence names its line."""

    kind = "lines-wrong"

    def __init__(self, wrong: dict[str, list[Message | str]]) -> None:
        super().__init__(say("Nothing was saved: please look at the marked fields."), wrong)


class NothingToNote(Conflict):
    """Nothing of what was scanned is left to write a note of."""

    kind = "nothing-to-note"

    def __init__(self) -> None:
        super().__init__(say("No note was written: all of it was taken back, or stands on a note already."))


class ScannedIn(Conflict):
    """Phones have brought in goods of the offer, and their note is not written yet."""

    kind = "scanned-in"

    def __init__(self, *, offer: str, lots: int) -> None:
        super().__init__(
            say(
                "Nothing was changed: goods of the offer %(offer)s were scanned in and have no note yet (%(lots)s). "
                "Write their note first, at the offer.",
                offer=offer,
                lots=lots,
            ),
            lots=lots,
        )
