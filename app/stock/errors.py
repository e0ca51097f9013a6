"""Refusals of the stock. Where something would have moved, they say that nothing did."""

from __future__ import annotations

from datetime import date

from app.foundation.errors import Conflict, Invalid, NotFound, Refusal
from app.foundation.words import Message, say


class NoSuchLot(NotFound):
    """There is no such lot."""

    kind = "no-such-lot"

    def __init__(self, *, lot_id: int) -> None:
        super().__init__(say("Nothing was moved: there is no lot L-%(lot)s.", lot=str(lot_id)), lot_id=lot_id)


class NoSuchPlace(NotFound):
    """There is no such place, or it is not this person's to know."""

    kind = "no-such-place"

    def __init__(self, **facts: int | str) -> None:
        super().__init__(say("There is no such place, or it is not yours to see."), **facts)


class NoSuchWarehouse(NotFound):
    """There is no such warehouse, or it is not this person's to know."""

    kind = "no-such-warehouse"

    def __init__(self, **facts: int | str) -> None:
        super().__init__(say("There is no such warehouse, or it is not yours to see."), **facts)


class NoSuchMovement(NotFound):
    """There is no such movement, or it is not this person's to know."""

    kind = "no-such-movement"

    def __init__(self, *, movement_id: int) -> None:
        super().__init__(say("There is no such movement, or it is not yours to see."), movement_id=movement_id)


class NoSuchReservation(NotFound):
    """There is no such reservation."""

    kind = "no-such-reservation"

    def __init__(self, *, reservation_id: int) -> None:
        super().__init__(say("There is no such reservation."), reservation_id=reservation_id)


class NotEnoughStock(Conflict):
    """More is wanted than nobody has spoken for."""

    kind = "not-enough-stock"

    def __init__(
        self, *, item: str, place: str, wanted: int, available: int, on_hand: int, lot_id: int, place_id: int
    ) -> None:
        super().__init__(
            say(
                "Nothing was moved: %(wanted)s wanted, %(available)s available. %(item)s, place: %(place)s.",
                wanted=wanted,
                available=available,
                item=item,
                place=place,
            ),
            on_hand=on_hand,
            lot_id=lot_id,
            place_id=place_id,
        )


class NotEnoughOfItem(Conflict):
    """Fewer of an item can be picked in the warehouse than are wanted."""

    kind = "not-enough-of-item"

    def __init__(self, *, item: str, wanted: int, available: int) -> None:
        super().__init__(
            say(
                "Nothing was moved: %(wanted)s wanted, %(available)s can be picked here. %(item)s.",
                wanted=wanted,
                available=available,
                item=item,
            )
        )


class SamePlace(Invalid):
    """From and to are one place."""

    kind = "same-place"

    def __init__(self) -> None:
        sentence = say("Choose another place: it is there already.")
        super().__init__(say("Nothing was moved: it is there already."), {"to_place_id": [sentence]})


class PlaceRetired(Conflict):
    """Nothing is put into a place that is no longer used."""

    kind = "place-retired"

    def __init__(self, *, place: str) -> None:
        super().__init__(say("Nothing was moved: the place %(place)s is not used any more.", place=place))


class WrongPlace(Invalid):
    """This kind of deed cannot end or begin there."""

    kind = "wrong-place"

    def __init__(self, *, place: str, deed: str) -> None:
        super().__init__(
            say("Nothing was moved: this cannot be done with the place %(place)s.", place=place), deed=deed
        )


class WrongStorage(Conflict):
    """The item must be kept in another way than this place keeps things."""

    kind = "wrong-storage"

    def __init__(self, *, item: str, needs: str, place: str, kept: str) -> None:
        super().__init__(
            say(
                "Nothing was moved: %(item)s needs: %(needs)s. The place %(place)s is: %(kept)s. Choose another place.",
                item=item,
                needs=STORAGE_NAMES[needs],
                place=place,
                kept=STORAGE_NAMES[kept],
            ),
            needs_class=needs,
            place_class=kept,
        )


STORAGE_NAMES: dict[str, Message] = {
    "ambient": say("Ambient"),
    "chilled": say("Chilled"),
    "frozen": say("Frozen"),
    "bulky": say("Bulky"),
    "hazardous": say("Hazardous"),
}


class EarlierExpires(Invalid):
    """Another free lot of the item expires earlier; taking this one needs a reason."""

    kind = "earlier-expires"

    def __init__(self, *, item: str, lot_id: int, place: str, expires_on: date, taken_lot_id: int) -> None:
        super().__init__(
            say(
                "Nothing was moved: of %(item)s the lot L-%(lot)s expires earlier: %(expires_on)s, place: %(place)s. "
                "Take that one, or write why not.",
                item=item,
                lot=str(lot_id),
                expires_on=expires_on.isoformat(),
                place=place,
            ),
            {"reason": [say("Write why.")]},
            lot_id=lot_id,
            place=place,
            taken_lot_id=taken_lot_id,
        )


class NotToBeHandedOut(Conflict):
    """The lot is expired, quarantined or blocked."""

    kind = "not-to-be-handed-out"

    def __init__(self, *, lot_id: int, item: str, state: str, expires_on: date | None, today: date) -> None:
        if expires_on is not None and expires_on < today:
            sentence = say(
                "Nothing was moved: %(item)s expired: %(expired_on)s. Move it to quarantine, or write it off.",
                item=item,
                expired_on=expires_on.isoformat(),
            )
        else:
            sentence = say(
                "Nothing was moved: this lot of %(item)s may not be handed out. It is in quarantine, or blocked.",
                item=item,
            )
        super().__init__(sentence, lot_id=lot_id, state=state)


class AlreadyReversed(Conflict):
    """A movement is taken back once."""

    kind = "already-reversed"

    def __init__(self, *, movement_id: int) -> None:
        super().__init__(say("It was taken back already."), movement_id=movement_id)


class CannotReverse(Conflict):
    """A reversal is not reversed; the right movement is made instead."""

    kind = "cannot-reverse"

    def __init__(self, *, movement_id: int) -> None:
        super().__init__(
            say("This movement took another one back. Move the goods again instead."), movement_id=movement_id
        )


class ReservationEnded(Conflict):
    """The reservation was consumed, released or has expired."""

    kind = "reservation-ended"

    def __init__(self, *, reservation_id: int, state: str) -> None:
        super().__init__(
            say("Nothing was moved: what was reserved here is not reserved any more."),
            reservation_id=reservation_id,
            state=state,
        )


class ExpiryNeeded(Invalid):
    """The item's expiry must be known."""

    kind = "expiry-needed"

    def __init__(self, *, item: str) -> None:
        sentence = say("Write the date that stands on the pack.")
        super().__init__(
            say("Nothing was received: %(item)s has a date of expiry.", item=item), {"expires_on": [sentence]}
        )


class CodeTaken(Conflict):
    """Another place or warehouse bears the code."""

    kind = "code-taken"

    def __init__(self, *, code: str) -> None:
        super().__init__(say("Nothing was saved: the code %(code)s is taken.", code=code))


class CodeUnreadable(Invalid):
    """No label could carry the code back to a scanner."""

    kind = "code-unreadable"

    def __init__(self, *, code: str) -> None:
        better = say("Use letters without accents, digits and hyphens, in parts of at most 12: MIS-A-03-2.")
        super().__init__(
            say("Nothing was saved: no scanner could read the code %(code)s from a label.", code=code),
            {"code": [better]},
            code=code,
        )


class SettlementElsewhere(Invalid):
    """The settlement is not in the county."""

    kind = "settlement-elsewhere"

    def __init__(self) -> None:
        sentence = say("This settlement is in another county.")
        super().__init__(say("Nothing was saved: please look at the marked fields."), {"settlement_id": [sentence]})


class PlaceNotEmpty(Conflict):
    """A place that holds something stays in use."""

    kind = "place-not-empty"

    def __init__(self, *, place: str) -> None:
        super().__init__(say("Nothing was changed: something is still at the place %(place)s.", place=place))


class OperationDiffers(Invalid):
    """The same operation id came with other content."""

    kind = "operation-differs"

    def __init__(self) -> None:
        super().__init__(
            say(
                "Nothing was changed: another deed was sent under this number before. Send this one under a new number."
            )
        )


class DeviceCloned(Conflict):
    """Two phones send under one number."""

    kind = "device-cloned"

    def __init__(self, *, sequence: int) -> None:
        super().__init__(
            say(
                "Nothing was changed: another phone sends under this phone's number. Sign in on it again, then repeat."
            ),
            sequence=sequence,
        )


class UnknownKind(Invalid):
    """No such operation is known."""

    kind = "unknown-operation"

    def __init__(self, *, operation: str) -> None:
        super().__init__(say("Nothing was changed: this kind of operation is not known."), operation=operation)


# Discrepancies ------------------------------------------------------------------------------------------------------


class OperationFault(Refusal):
    """We made a mistake while it was done."""

    status = 500
    kind = "fault"

    def __init__(self, *, operation: str) -> None:
        super().__init__(
            say("Nothing was changed: this is our mistake, not yours. The warehouse's manager sees it."),
            operation=operation,
        )


class NoSuchReview(NotFound):
    """There is no such discrepancy, or it is not this person's to know."""

    kind = "no-such-discrepancy"

    def __init__(self, *, review_id: int) -> None:
        super().__init__(say("There is no such discrepancy, or it is not yours to see."), review_id=review_id)


class ReviewResolved(Conflict):
    """Somebody has resolved it already."""

    kind = "discrepancy-resolved"

    def __init__(self) -> None:
        super().__init__(say("Nothing was booked: this discrepancy was resolved already."))


class CannotDoAgain(Conflict):
    """Not all that was asked for is known any more, or it was booked already."""

    kind = "cannot-do-again"

    def __init__(self) -> None:
        super().__init__(say("Nothing was booked: this cannot be done again from here."))


class NoteNeeded(Invalid):
    """Nothing is closed without a word."""

    kind = "note-needed"

    def __init__(self) -> None:
        sentence = say("Write in a few words why nothing is to be done.")
        super().__init__(say("Nothing was closed: say why."), {"note": [sentence]})


class WhereNeeded(Invalid):
    """It is not known of which lot, where, or how many."""

    kind = "where-needed"

    def __init__(self) -> None:
        sentence = say("Choose the lot and the place, and write how many.")
        super().__init__(
            say("Nothing was booked: the lot, the place or the quantity is missing."), {"lot_id": [sentence]}
        )


class ReasonNeeded(Invalid):
    """Goods go into quarantine, and out of it, with a reason only."""

    kind = "reason-needed"

    def __init__(self) -> None:
        super().__init__(
            say("Nothing was changed: what goes into quarantine or out of it needs a reason."),
            {"reason": [say("Write why, in a few words.")]},
        )
