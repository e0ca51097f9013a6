"""Refusals about transfers."""

from __future__ import annotations

from collections.abc import Mapping

from app.foundation.errors import Conflict, Invalid, NotFound
from app.foundation.words import Message, say


class NoSuchTransfer(NotFound):
    """There is no such transfer."""

    kind = "no-such-transfer"

    def __init__(self, *, transfer_id: int) -> None:
        super().__init__(say("There is no such transfer."), transfer_id=transfer_id)


class NoSuchTransferLot(NotFound):
    """The transfer holds no such lot."""

    kind = "no-such-transfer-lot"

    def __init__(self, **facts: int) -> None:
        super().__init__(say("Nothing was changed: this is not among what was picked for the transfer."), **facts)


class TransferPast(Conflict):
    """The transfer is not at the point of its life where this can be done."""

    kind = "transfer-past"

    def __init__(self, *, transfer: str, state: str, verb: str) -> None:
        super().__init__(
            say("Nothing was changed: the transfer %(transfer)s is not there any more, or not yet.", transfer=transfer),
            state=state,
            verb=verb,
        )


class NothingPicked(Conflict):
    """A transfer without goods does not leave."""

    kind = "nothing-picked"

    def __init__(self, *, transfer: str) -> None:
        super().__init__(
            say("Nothing was sent: nothing was picked for the transfer %(transfer)s yet.", transfer=transfer)
        )


class NotAsked(Conflict):
    """The lot's item is not among what was asked for."""

    kind = "not-asked"

    def __init__(self, *, item: str, transfer: str) -> None:
        super().__init__(
            say(
                "Nothing was moved: %(item)s was not asked for by the transfer %(transfer)s.",
                item=item,
                transfer=transfer,
            )
        )


class MoreThanAsked(Conflict):
    """More would be picked than was asked for."""

    kind = "more-than-asked"

    def __init__(self, *, item: str, wanted: int, left: int) -> None:
        super().__init__(
            say(
                "Nothing was moved: %(wanted)s picked, %(left)s left to pick. %(item)s",
                wanted=wanted,
                left=left,
                item=item,
            )
        )


class AlreadyReceived(Conflict):
    """The lot of the transfer was received by somebody before."""

    kind = "already-received"

    def __init__(self, *, lot_id: int, received: int) -> None:
        super().__init__(
            say(
                "Nothing was changed: lot L-%(lot)s was received already, %(received)s pieces.",
                lot=str(lot_id),
                received=received,
            ),
            lot_id=lot_id,
        )


class NoDifference(Conflict):
    """Nothing is missing, or it was settled before."""

    kind = "no-difference"

    def __init__(self) -> None:
        super().__init__(say("Nothing was changed: nothing is missing here any more."))


class BelongsToTransfer(Conflict):
    """A movement of a transfer is taken back with the transfer, never alone."""

    kind = "belongs-to-transfer"

    def __init__(self) -> None:
        super().__init__(
            say("Nothing was moved: this movement belongs to a transfer. Change it on the page of the transfer.")
        )


class LinesWrong(Invalid):
    """Lines that cannot be right, by the names of their fields."""

    kind = "lines-wrong"

    def __init__(self, fields: Mapping[str, list[Message | str]]) -> None:
        super().__init__(say("Nothing was saved: please look at the marked fields."), fields)


class BoxCannotTravel(Conflict):
    """The box holds nothing, or something that somebody else has spoken for."""

    kind = "box-cannot-travel"

    def __init__(self, *, box: str, why: Message) -> None:
        super().__init__(say("Nothing was moved: the box %(box)s. %(why)s", box=box, why=why))
