"""Refusals of the geography."""

from __future__ import annotations

from app.foundation.errors import Conflict, Invalid
from app.foundation.words import Message, say


class RegisterUnreadable(Invalid):
    """The file is no register of settlements."""

    kind = "register-unreadable"

    def __init__(self, why: Message) -> None:
        super().__init__(why, fields={"file": [why]})


class RegisterWrong(Invalid):
    """Rows of the register are wrong, so none is loaded."""

    kind = "register-wrong"

    def __init__(self, *, rows: int, wrong: int) -> None:
        super().__init__(
            say(
                "Nothing was loaded: %(wrong)s of %(rows)s rows are wrong. Mend the file and upload it again.",
                wrong=wrong,
                rows=rows,
            )
        )


class RegisterNotReady(Conflict):
    """The register is not in the state that this deed needs."""

    kind = "register-not-ready"


class GazetteerMissing(Conflict):
    """The files of the gazetteer have not been built."""

    kind = "gazetteer-missing"

    def __init__(self, file: str) -> None:
        super().__init__(say("The gazetteer is not built: %(file)s is missing. Run scripts/gazetteer.", file=file))
