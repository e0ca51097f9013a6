"""Refusals about write-offs and quarantine."""

from __future__ import annotations

from collections.abc import Mapping

from app.foundation.errors import Conflict, Invalid, NotFound
from app.foundation.words import Message, say


class NoSuchWriteOff(NotFound):
    """There is no such write-off, or it is not this person's to know."""

    kind = "no-such-write-off"

    def __init__(self, **facts: int) -> None:
        super().__init__(say("There is no such write-off, or it is not yours to see."), **facts)


class NoSuchPicture(NotFound):
    """There is no such picture."""

    kind = "no-such-picture"

    def __init__(self, **facts: int) -> None:
        super().__init__(say("There is no such picture, or it is not yours to see."), **facts)


class NoRecordYet(NotFound):
    """The record is written when the write-off is posted."""

    kind = "no-record-yet"

    def __init__(self, **facts: int) -> None:
        super().__init__(say("There is no record: this was not written off."), **facts)


class WriteOffPast(Conflict):
    """It was decided, or withdrawn, before."""

    kind = "write-off-past"

    def __init__(self, *, write_off_id: int, state: Message) -> None:
        super().__init__(
            say("Nothing was changed: S-%(write_off)s is %(state)s.", write_off=str(write_off_id), state=state)
        )


class OwnProposal(Conflict):
    """Whoever proposed does not decide."""

    kind = "own-proposal"

    def __init__(self) -> None:
        super().__init__(say("Nothing was written off: who proposed it does not decide it. Another manager must."))


class NotYourProposal(Conflict):
    """It is withdrawn by whoever proposed it, or by a manager."""

    kind = "not-your-proposal"

    def __init__(self) -> None:
        super().__init__(say("Nothing was changed: only who proposed it, or a manager, withdraws it."))


class CommitteeWrong(Invalid):
    """The committee is three different people."""

    kind = "committee-wrong"

    def __init__(self, names: int) -> None:
        sentence = say("Write the names of three different colleagues.")
        super().__init__(
            say("Nothing was written off: the committee has three members, %(names)s were named.", names=names),
            {"committee": [sentence]},
        )


class LinesWrong(Invalid):
    """What is to be written off cannot be so."""

    kind = "lines-wrong"

    def __init__(self, fields: Mapping[str, list[Message | str]], message: Message | None = None) -> None:
        super().__init__(message or say("Nothing was proposed: please look at the marked fields."), fields)


class NothingToPropose(Conflict):
    """Nothing has expired, or all of it is proposed."""

    kind = "nothing-to-propose"

    def __init__(self) -> None:
        super().__init__(
            say("Nothing was proposed: nothing that has expired lies here, or all of it is spoken for already.")
        )


class PictureRefused(Invalid):
    """The file is no picture that we draw anew."""

    kind = "picture-refused"

    def __init__(self, why: Message) -> None:
        super().__init__(say("The picture was not stored."), {"photo": [why]})


class TooManyPictures(Conflict):
    """A write-off has a few pictures."""

    kind = "too-many-pictures"

    def __init__(self, *, most: int) -> None:
        super().__init__(say("The picture was not stored: there are %(most)s already.", most=most))


class NotInQuarantine(Conflict):
    """It lies elsewhere."""

    kind = "not-in-quarantine"

    def __init__(self, *, place: str) -> None:
        super().__init__(say("Nothing was released: the place %(place)s is no quarantine.", place=place))


class StillBlocked(Conflict):
    """A blocked lot is freed first, by name."""

    kind = "still-blocked"

    def __init__(self, *, lot_id: int) -> None:
        super().__init__(
            say("Nothing was released: L-%(lot)s is blocked. Free the lot first, if it may go out.", lot=str(lot_id)),
            lot_id=lot_id,
        )


class NoSuchBatch(NotFound):
    """No lot of that batch lies where this person works."""

    kind = "no-such-batch"

    def __init__(self, *, batch: str) -> None:
        super().__init__(say("Nothing was blocked: no lot with the maker's mark %(batch)s lies here.", batch=batch))


class PartOfWriteOff(Conflict):
    """A line of a record is taken back with the whole record."""

    kind = "part-of-write-off"

    def __init__(self, *, write_off_id: int, voucher: str) -> None:
        super().__init__(
            say(
                "Nothing was taken back: it is in the record %(voucher)s. Take the write-off S-%(write_off)s back.",
                voucher=voucher,
                write_off=str(write_off_id),
            ),
            write_off_id=write_off_id,
        )
