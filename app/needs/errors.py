"""Refusals about signals, households and needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.foundation.errors import Conflict, Invalid, NotFound
from app.foundation.words import Message, say


class SignalNotFound(NotFound):
    """There is no such signal, or it is not for this person to know of."""

    kind = "signal-not-found"


class HouseholdNotFound(NotFound):
    """There is no such household, or it is not for this person to know of."""

    kind = "household-not-found"


class NeedNotFound(NotFound):
    """There is no such need, or it is not for this person to know of."""

    kind = "need-not-found"


class RuleNotFound(NotFound):
    """There is no such row in the urgency table."""

    kind = "rule-not-found"


class ReferenceUsed(Conflict):
    """The same partner sent another report under the same reference."""

    kind = "reference-used"

    def __init__(self, *, reference: str, signal: str, received_at: str) -> None:
        super().__init__(
            say(
                "Nothing was sent: the reference %(reference)s stands for %(signal)s already, with other content. "
                "Choose another reference.",
                reference=reference,
                signal=signal,
            ),
            received_at=received_at,
        )


class AlreadyDecided(Conflict):
    """Somebody else has decided on the signal."""

    kind = "already-decided"

    def __init__(self, *, signal: str, state: str, decided_at: str | None) -> None:
        super().__init__(
            say("Nothing was changed: %(signal)s has been decided on already. Look at it again.", signal=signal),
            state=state,
            decided_at=decided_at,
        )


class NeedOver(Conflict):
    """The need is over: handed over, not needed or impossible."""

    kind = "need-over"

    def __init__(self, *, need_id: int, state: str) -> None:
        super().__init__(say("Nothing was changed: this need is over."), need_id=need_id, state=state)


class NeedUnderWay(Conflict):
    """Goods for the need are packed or on a van."""

    kind = "need-under-way"

    def __init__(self, *, need_id: int, state: str) -> None:
        super().__init__(
            say("Nothing was changed: goods for this need are on their way. Take them off the run first."),
            need_id=need_id,
            state=state,
        )


class GivenRecently(Conflict):
    """The household got the same thing a short while ago."""

    kind = "given-recently"

    def __init__(self, *, household: str, items: Sequence[Mapping[str, str | int]]) -> None:
        super().__init__(
            say(
                "Nothing was confirmed yet: %(household)s was given the same a short while ago. "
                "Say why it is needed again, then confirm.",
                household=household,
            ),
            items=[dict(item) for item in items],
        )


class ReportInvalid(Invalid):
    """Something in the report cannot be right."""

    kind = "report-invalid"

    def __init__(self, fields: Mapping[str, list[Message | str]]) -> None:
        super().__init__(say("Nothing was sent: please look at the marked fields."), fields)


class WordsToCheck(Invalid):
    """The free text holds words that must not be kept here. Whoever has looked at it may send it."""

    kind = "words-to-check"

    def __init__(self, fields: Mapping[str, list[Message | str]], kinds: Sequence[str]) -> None:
        super().__init__(
            say(
                "Not sent yet: the text tells something that must not be kept here. Change it, or say that it may stay."
            ),
            fields,
            kinds=list(kinds),
            repair="words_checked",
        )


class ReasonMissing(Invalid):
    """A decision against the table or the reporter needs its reason."""

    kind = "reason-missing"

    def __init__(self, field: str = "reason") -> None:
        sentence = say("Give the reason: whoever reads this later wants to know.")
        super().__init__(sentence, {field: [sentence]})


class RuleInvalid(Invalid):
    """A row of the urgency table cannot be right."""

    kind = "rule-invalid"

    def __init__(self, field: str, sentence: Message) -> None:
        super().__init__(sentence, {field: [sentence]})


class HouseholdElsewhere(Conflict):
    """The household lives in another county than the signal says."""

    kind = "household-elsewhere"

    def __init__(self, *, household: str, signal: str) -> None:
        super().__init__(
            say(
                "Nothing was changed: %(household)s lives in another county than %(signal)s says.",
                household=household,
                signal=signal,
            )
        )
