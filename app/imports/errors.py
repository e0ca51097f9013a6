"""Refusals about imports."""

from __future__ import annotations

from app.foundation.errors import Conflict, Invalid, NotFound, TooMany
from app.foundation.words import Message, say


class NoSuchImport(NotFound):
    """There is no such import, or it is somebody else's."""

    kind = "no-such-import"

    def __init__(self) -> None:
        super().__init__(say("There is no such import."))


class FileUnreadable(Invalid):
    """The file is no table that can be read."""

    kind = "file-unreadable"

    def __init__(self, why: Message, *, field: str = "file") -> None:
        super().__init__(why, {field: [why]})


class MappingIncomplete(Invalid):
    """The columns do not say all that is needed."""

    kind = "mapping-incomplete"

    def __init__(self, lacks: list[Message]) -> None:
        super().__init__(say("Nothing was read: please look at the columns."), {"": list(lacks)})


class NotNow(Conflict):
    """The import is at another step."""

    kind = "import-at-another-step"

    def __init__(self, message: Message, *, state: str) -> None:
        super().__init__(message, state=state)


class RowsWrong(Conflict):
    """Nothing is loaded while a row is wrong."""

    kind = "rows-wrong"

    def __init__(self, *, rows: int, wrong: int) -> None:
        super().__init__(
            say(
                "Nothing was loaded: %(wrong)s of %(rows)s rows are wrong. Mend the file and upload it again.",
                rows=rows,
                wrong=wrong,
            )
        )


class LoadedBefore(Conflict):
    """The same file is loaded already."""

    kind = "file-loaded-before"

    def __init__(self, *, import_id: int) -> None:
        super().__init__(
            say(
                "Nothing was loaded: this same file is loaded already, as import %(import_id)s. Say that it is meant "
                "again, or leave it.",
                import_id=str(import_id),
            )
        )


class TooManyWaiting(TooMany):
    """Somebody has many files open that are neither loaded nor given up."""

    kind = "too-many-imports"

    def __init__(self, *, most: int) -> None:
        super().__init__(
            say("Nothing was uploaded: %(most)s files were uploaded within an hour. Wait a little.", most=most),
            retry_after_seconds=600,
        )
