"""Refusals of sign-in and of managing users."""

from __future__ import annotations

from app.foundation.errors import Conflict, Invalid, Refusal, TooMany
from app.foundation.words import say


class WrongSignIn(Refusal):
    """The e-mail and the password do not belong together; which of the two is wrong is not told."""

    status = 401
    kind = "wrong-sign-in"

    def __init__(self) -> None:
        super().__init__(say("Signing in did not succeed: the e-mail address or the password is wrong."))


class WrongCode(Refusal):
    """The one-time code is wrong, too old, or was used before."""

    status = 401
    kind = "wrong-code"

    def __init__(self) -> None:
        super().__init__(say("This code does not fit, or it was used before. Wait for the next one and type that."))


class TooManyTries(TooMany):
    """Too many wrong tries in a row: the next one has to wait."""

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(
            say(
                "Too many wrong tries. The next one is possible in %(wait_seconds)s.", wait_seconds=retry_after_seconds
            ),
            retry_after_seconds=retry_after_seconds,
        )


class EmailTaken(Invalid):
    """Somebody else signs in with this address."""

    kind = "email-taken"

    def __init__(self) -> None:
        said = say("Another user has this e-mail address.")
        super().__init__(said, {"email": [said]})


class WeakPassword(Invalid):
    """The password is too easy to guess."""

    kind = "weak-password"

    def __init__(self, *, field: str, characters_min: int) -> None:
        said = say(
            "The password needs %(characters_min)s characters at least, five of them different, and must not hold the "
            "e-mail address.",
            characters_min=characters_min,
        )
        super().__init__(said, {field: [said]})


class WrongPassword(Invalid):
    """The present password was typed wrong."""

    kind = "wrong-password"

    def __init__(self, *, field: str) -> None:
        said = say("The present password is another one.")
        super().__init__(said, {field: [said]})


class ScopeMissing(Invalid):
    """The role works somewhere, and it was not said where."""

    kind = "scope-missing"

    def __init__(self, *, field: str) -> None:
        said = say("This role needs to be told where it works.")
        super().__init__(said, {field: [said]})


class LinkSpent(Conflict):
    """The invitation was used, replaced or has expired."""

    kind = "link-spent"

    def __init__(self) -> None:
        super().__init__(say("This link was used before, or it has expired. Ask an administrator for a new one."))


class LastAdmin(Conflict):
    """Nobody would be left to manage users."""

    kind = "last-admin"

    def __init__(self) -> None:
        super().__init__(say("Nothing was changed: this is the last active administrator."))
