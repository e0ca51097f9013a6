"""Refusals of delivery. They say what did not happen, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from app.foundation.errors import Conflict, Invalid, NotFound, TooMany
from app.foundation.words import Message, say


class NoSuchRun(NotFound):
    """There is no such run, or it is not this person's to know."""

    kind = "no-such-run"


class NoSuchParcel(NotFound):
    """There is no such parcel, or it is not this person's to know."""

    kind = "no-such-parcel"


class NoSuchVehicle(NotFound):
    """There is no such vehicle, or it is not this person's to know."""

    kind = "no-such-vehicle"


class NoSuchDriver(NotFound):
    """There is no such driver, or it is not this person's to know."""

    kind = "no-such-driver"


class RunPast(Conflict):
    """The run is not in a state in which this can be done."""

    kind = "run-not-in-state"

    def __init__(self, *, run: str, state: str, verb: str) -> None:
        sentence = _RUN.get(verb, _RUN["change"])
        super().__init__(Message(sentence.text, {"run": run}), state=state, verb=verb)


_RUN = {
    "publish": say("Nothing was published: run %(run)s is not a draft any more."),
    "pack": say("Nothing was packed: parcel %(parcel)s is on a vehicle, or has ended."),
    "load": say("Nothing was loaded: run %(run)s is not published, or has left already."),
    "unload": say("Nothing was unloaded: run %(run)s is not being loaded."),
    "depart": say("The run did not leave: nothing is loaded on run %(run)s yet, or it has left already."),
    "hand_over": say("Nothing was handed over: run %(run)s is not on the road."),
    "fail": say("Nothing was noted: run %(run)s is not on the road."),
    "bring_back": say("Nothing was brought back: run %(run)s is not on the road."),
    "close": say("The run was not closed: run %(run)s is not on the road."),
    "cancel": say("The run was not withdrawn: run %(run)s is being loaded, or has left."),
    "change": say("Nothing changed: run %(run)s is not in a state in which this can be done."),
}


class ParcelKeeps(Conflict):
    """The movement is part of a parcel's way: it is undone with the parcel, never alone."""

    kind = "belongs-to-a-parcel"

    def __init__(self, *, parcel: str) -> None:
        super().__init__(
            say(
                "Nothing was taken back: these goods went with parcel %(parcel)s. "
                "Unload it or bring it back on the page of its run.",
                parcel=parcel,
            )
        )


class ParcelPast(Conflict):
    """The parcel is not in a state in which this can be done."""

    kind = "parcel-not-in-state"

    def __init__(self, *, parcel: str, state: str, verb: str) -> None:
        sentence = _PARCEL.get(verb, _PARCEL["change"])
        super().__init__(Message(sentence.text, {"parcel": parcel}), state=state, verb=verb)


_PARCEL = {
    "plan": say("Nothing was planned: parcel %(parcel)s is on another run, or has left already."),
    "load": say("Nothing was loaded: parcel %(parcel)s is not planned for a run any more."),
    "unload": say("Nothing was unloaded: parcel %(parcel)s is not on the vehicle."),
    "hand_over": say("Nothing was handed over: parcel %(parcel)s is not on the vehicle."),
    "bring_back": say("Nothing was brought back: parcel %(parcel)s is not on the vehicle."),
    "change": say("Nothing changed: parcel %(parcel)s is past that."),
}


class ParcelElsewhere(Conflict):
    """The parcel belongs to another run."""

    kind = "parcel-elsewhere"

    def __init__(self, *, parcel: str, run: str | None) -> None:
        message = (
            say("Nothing was loaded: parcel %(parcel)s belongs to run %(other)s.", parcel=parcel, other=run)
            if run
            else say("Nothing was loaded: parcel %(parcel)s belongs to no run.", parcel=parcel)
        )
        super().__init__(message)


class VehicleBusy(Conflict):
    """The vehicle is on another run at that time."""

    kind = "vehicle-busy"

    def __init__(self, *, plate: str, run: str) -> None:
        super().__init__(
            say("No run was made: vehicle %(plate)s is on run %(run)s at that time.", plate=plate, run=run)
        )


class NotItsDriver(Invalid):
    """The driver is of another county, does not drive any more, or has not the licence for the vehicle."""

    kind = "not-its-driver"

    def __init__(self, message: Message) -> None:
        super().__init__(say("No run was made: please look at its driver."), {"driver_id": [message]})


class VehicleRetired(Conflict):
    """The vehicle is not used any more."""

    kind = "vehicle-retired"

    def __init__(self, *, plate: str) -> None:
        super().__init__(say("No run was made: vehicle %(plate)s is not used any more.", plate=plate))


class WrongCode(Invalid):
    """The six digits are not the ones the household was given."""

    kind = "wrong-code"

    def __init__(self, *, parcel_id: int) -> None:
        sentence = say("These are not the six digits that the household was given.")
        super().__init__(say("Nothing was handed over: the code is not right."), {"code": [sentence]})
        self.remember = lambda uow: uow.record("parcel.code_wrong", subject=("parcel", parcel_id))


class CodesTried(TooMany):
    """Too many wrong codes were tried on a parcel: somebody is guessing."""

    kind = "codes-tried"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(
            say("Nothing was handed over: too many wrong codes were tried. Let it be signed for, or wait 15 minutes."),
            retry_after_seconds=retry_after_seconds,
        )


class ProofMissing(Invalid):
    """A hand-over needs a code or a signature, and who received."""

    kind = "proof-missing"

    def __init__(self, field: str, sentence: Message) -> None:
        super().__init__(say("Nothing was handed over: the proof is not complete."), {field: [sentence]})


class QuantitiesWrong(Invalid):
    """More than the parcel holds, or nothing at all."""

    kind = "quantities-wrong"

    def __init__(self) -> None:
        sentence = say("Give for each line what was handed over: from 0 to what is in the parcel, and not 0 for all.")
        super().__init__(say("Nothing was handed over: the quantities cannot be right."), {"quantities": [sentence]})


class VehicleNotEmpty(Conflict):
    """Goods are still on the vehicle."""

    kind = "vehicle-not-empty"

    def __init__(self, *, run: str, parcels: Sequence[str], pieces: int) -> None:
        super().__init__(
            say(
                "The run was not closed: %(pieces)s pieces are still on the vehicle. Bring them back, or explain them.",
                pieces=pieces,
            ),
            run=run,
            parcels=list(parcels),
        )


class VehicleInvalid(Invalid):
    """Something about a vehicle or a driver cannot be right."""

    kind = "vehicle-invalid"

    def __init__(self, field: str, sentence: Message) -> None:
        super().__init__(sentence, {field: [sentence]})


class ContactClosed(NotFound):
    """Addresses are shown from loading to the end of the day and one day more."""

    kind = "contact-closed"

    def __init__(self) -> None:
        super().__init__(say("Addresses are shown from loading until a day after the run."))
