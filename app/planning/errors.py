"""Refusals of planning."""

from __future__ import annotations

from collections.abc import Sequence

from app.foundation.errors import Conflict, Invalid, NotFound, TooMany
from app.foundation.words import Message, say


class NoSuchPlan(NotFound):
    """There is no such plan, or it is of counties that are not the reader's."""

    kind = "no-such-plan"


class NotADraft(Conflict):
    """Only a draft can be published."""

    kind = "not-a-draft"

    def __init__(self, *, plan_id: int, state: str) -> None:
        super().__init__(
            say("Nothing was published: this plan is not a draft any more. Open the newest one."),
            plan_id=plan_id,
            state=state,
        )


class NothingToPublish(Conflict):
    """The plan has no run, or was made from a problem that was sent in."""

    kind = "nothing-to-publish"

    def __init__(self, *, plan_id: int) -> None:
        super().__init__(say("Nothing was published: no run of this plan carries a parcel of ours."), plan_id=plan_id)


class PlanOutOfDate(Conflict):
    """Parcels or vehicles of the plan were taken meanwhile."""

    kind = "plan-out-of-date"

    def __init__(self, *, plan_id: int) -> None:
        super().__init__(
            say("Nothing was published: parcels or vehicles of this plan were taken meanwhile. Plan again."),
            plan_id=plan_id,
        )


class NotToBeServed(Conflict):
    """The change is not among those that were found, cannot be made by a button, or the run has changed since."""

    kind = "not-to-be-served"

    def __init__(self, *, stop_id: int, code: str) -> None:
        super().__init__(
            say("Nothing changed: this run cannot take the stop any more, or not by this change alone. Plan again."),
            stop_id=stop_id,
            code=code,
        )


class NoAnswerYet(Conflict):
    """The plan has nothing to show yet."""

    kind = "no-answer-yet"

    def __init__(self, *, plan_id: int) -> None:
        super().__init__(say("There is no answer yet: the planning has only begun."), plan_id=plan_id)


class NoCounty(Invalid):
    """A plan needs at least one county."""

    kind = "no-county"

    def __init__(self) -> None:
        message = say("Choose at least one county.")
        super().__init__(message, {"county_ids": [message]})


class DayTooFar(Invalid):
    """So far ahead nobody knows what there will be."""

    kind = "day-too-far"

    def __init__(self, *, days: int) -> None:
        message = say("This day is too far: choose one within %(days)s days.", days=days)
        super().__init__(message, {"on": [message]})


class TooManyProblems(TooMany):
    """One problem that was sent in is being worked on, and one waits."""

    kind = "too-many-problems"

    def __init__(self) -> None:
        super().__init__(
            say("Nothing was read in: a problem that was sent in is being worked on, and another one waits."),
            retry_after_seconds=60,
        )


class PastDay(Invalid):
    """Yesterday cannot be planned."""

    kind = "past-day"

    def __init__(self) -> None:
        message = say("This day has passed: choose today or a later day.")
        super().__init__(message, {"on": [message]})


class ProblemUnreadable(Invalid):
    """What was sent is no problem in the exchange format."""

    kind = "problem-unreadable"

    def __init__(self, *, where: str, message: Message) -> None:
        super().__init__(
            say("The problem cannot be read at %(where)s: %(why)s", where=where, why=message), {where: [message]}
        )


class PlanWrong(Conflict):
    """The search's answer does not hold when it is computed again; nothing of it is kept."""

    kind = "plan-wrong"

    def __init__(self, *, violations: int, first: Message) -> None:
        super().__init__(
            say(
                "The answer did not hold when it was computed again: %(first)s (%(violations)s in all)",
                first=first,
                violations=violations,
            ),
        )


class SearchDied(Conflict):
    """Every search crashed, ran out of memory or had to be ended."""

    kind = "search-died"

    def __init__(self, *, notes: Sequence[Message]) -> None:
        first = notes[0] if notes else say("A search crashed")
        super().__init__(say("No plan could be made: %(why)s (%(times)s times)", why=first, times=len(notes)))
