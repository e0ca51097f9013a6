"""Refusals: the reasons we say no. Each kind is one HTTP status.

A refusal carries its facts, so that a page, a program and a log can each use them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.foundation.words import Message, say


class Refusal(Exception):
    """A rule said no. The message is written for the person who asked."""

    status = 400
    kind = "refused"
    """The problem's type, in the form that programs compare."""

    remember: Callable[[Any], object] | None = None
    """What must be kept although the deed is undone, written in a unit of work of its own: a wrong code was tried."""

    def __init__(self, message: Message | str, **facts: Any) -> None:
        self.message = message if isinstance(message, Message) else Message(message)
        self.facts: dict[str, Any] = {**self.message.facts, **facts}
        super().__init__(str(self.message))


class NotSignedIn(Refusal):
    """Nobody is signed in, or the session has ended."""

    status = 401
    kind = "not-signed-in"

    def __init__(self, message: Message | str | None = None) -> None:
        super().__init__(message or say("Please sign in. What you have typed so far is kept."))


class NotAllowed(Refusal):
    """This person may not do this."""

    status = 403
    kind = "not-allowed"

    def __init__(self, message: Message | str | None = None, **facts: Any) -> None:
        super().__init__(message or say("Your role does not allow this."), **facts)


class NotFound(Refusal):
    """There is no such thing, or it is not for this person to know of."""

    status = 404
    kind = "not-found"

    def __init__(self, message: Message | str | None = None, **facts: Any) -> None:
        super().__init__(message or say("There is nothing here, or it is not yours to see."), **facts)


class Conflict(Refusal):
    """The world has moved on: look again, then retry."""

    status = 409
    kind = "conflict"


class Stale(Refusal):
    """Somebody else changed it since it was read."""

    status = 412
    kind = "changed-meanwhile"

    def __init__(self, message: Message | str | None = None, **facts: Any) -> None:
        super().__init__(
            message or say("It was changed meanwhile. Nothing was overwritten: look at it again, then repeat."), **facts
        )


class Invalid(Refusal):
    """What was sent cannot be right. ``fields`` maps a field's name to the sentences about it."""

    status = 422
    kind = "invalid"

    def __init__(
        self, message: Message | str, fields: Mapping[str, list[Message | str]] | None = None, **facts: Any
    ) -> None:
        super().__init__(message, **facts)
        self.fields: dict[str, list[Message | str]] = dict(fields or {})


class TooMany(Refusal):
    """Too many tries; ``retry_after_seconds`` says when to come back."""

    status = 429
    kind = "too-many"

    def __init__(self, message: Message | str, *, retry_after_seconds: int) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds
