"""Refusals about kits and conversions. They say that nothing was moved."""

from __future__ import annotations

from collections.abc import Mapping

from app.foundation.errors import Conflict, Invalid, NotFound
from app.foundation.words import Message, say


class NoSuchKit(NotFound):
    """There is no such kit."""

    kind = "no-such-kit"

    def __init__(self, **facts: int) -> None:
        super().__init__(say("There is no such kit."), **facts)


class NoSuchConversion(NotFound):
    """There is no such conversion, or it is not this person's to know."""

    kind = "no-such-conversion"

    def __init__(self, **facts: int) -> None:
        super().__init__(say("There is no such conversion, or it is not yours to see."), **facts)


class KitExists(Conflict):
    """An item is made up in one way."""

    kind = "kit-exists"

    def __init__(self, *, item: str, kit_id: int) -> None:
        super().__init__(
            say("Nothing was saved: %(item)s is a kit already. Change that one.", item=item), kit_id=kit_id
        )


class KitRetired(Conflict):
    """The kit is not made any more."""

    kind = "kit-retired"

    def __init__(self, *, item: str) -> None:
        super().__init__(say("Nothing was moved: the kit %(item)s is not made any more.", item=item))


class PartsWrong(Invalid):
    """The parts cannot make up the kit."""

    kind = "parts-wrong"

    def __init__(self, fields: Mapping[str, list[Message | str]], message: Message | None = None) -> None:
        super().__init__(message or say("Nothing was saved: please look at the marked fields."), fields)


class WeightDiffers(Conflict):
    """What comes out does not weigh what goes in."""

    kind = "weight-differs"

    def __init__(self, *, weight_in_mg: int, weight_out_mg: int, tolerance_permille: int) -> None:
        super().__init__(
            say(
                "Nothing was moved: %(in_g)s go in and %(out_g)s come out, more than %(tolerance)s‰ apart. "
                "Look at the quantities, or at the weights in the catalogue.",
                in_g=round(weight_in_mg / 1000),
                out_g=round(weight_out_mg / 1000),
                tolerance=tolerance_permille,
            ),
            weight_in_mg=weight_in_mg,
            weight_out_mg=weight_out_mg,
            tolerance_permille=tolerance_permille,
        )


class NotEnoughParts(Conflict):
    """A part is missing."""

    kind = "not-enough-parts"

    def __init__(self, *, item: str, wanted: int, available: int, makeable: int) -> None:
        super().__init__(
            say(
                "Nothing was moved: %(wanted)s of %(item)s wanted, %(available)s available. Enough for %(makeable)s.",
                item=item,
                wanted=wanted,
                available=available,
                makeable=makeable,
            )
        )


class NotAKit(Conflict):
    """Nobody knows what it is made up from."""

    kind = "not-a-kit"

    def __init__(self, *, item: str) -> None:
        super().__init__(say("Nothing was moved: it is not known what %(item)s is made up from.", item=item))


class NotHere(Conflict):
    """Conversions happen on the dock, on shelves and in staging."""

    kind = "not-here"

    def __init__(self, *, place: str) -> None:
        super().__init__(say("Nothing was moved: nothing is made up or repacked at the place %(place)s.", place=place))


class ReleaseFirst(Conflict):
    """What lies in quarantine does not leave it by being repacked."""

    kind = "release-first"

    def __init__(self, *, place: str) -> None:
        super().__init__(
            say("Nothing was moved: %(place)s is a quarantine. Release the goods first, with a reason.", place=place)
        )


class LossTooLarge(Invalid):
    """A large loss is a write-off."""

    kind = "loss-too-large"

    def __init__(self, *, lost: int, most: int) -> None:
        sentence = say("At most %(most)s may be lost on the way. Propose a write-off for more.", most=most)
        super().__init__(
            say("Nothing was moved: %(lost)s were lost.", lost=lost), {"lost": [sentence]}, lost=lost, most=most
        )


class LossReasonNeeded(Invalid):
    """What is lost is explained."""

    kind = "loss-reason-needed"

    def __init__(self) -> None:
        super().__init__(
            say("Nothing was moved: some of it was lost."), {"lost_reason": [say("Write how it was lost.")]}
        )


class PartOfConversion(Conflict):
    """A line of a conversion is taken back with the whole of it."""

    kind = "part-of-conversion"

    def __init__(self, *, conversion_id: int) -> None:
        super().__init__(
            say(
                "Nothing was taken back: it is part of the conversion A-%(conversion)s. Take that back.",
                conversion=str(conversion_id),
            ),
            conversion_id=conversion_id,
        )


class MoreThanMade(Conflict):
    """More kits are taken apart than were made up."""

    kind = "more-than-made"

    def __init__(self, *, made: int) -> None:
        super().__init__(
            say("Nothing was moved: only %(made)s kits of this lot were made up, and some are taken apart.", made=made)
        )
