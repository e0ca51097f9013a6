"""What a file may hold, and how far its import may be."""

from __future__ import annotations

from enum import StrEnum


class ImportKind(StrEnum):
    """What the file holds."""

    OPENING_STOCK = "opening_stock"
    CATALOGUE = "catalogue"


class ImportState(StrEnum):
    """The life of an import."""

    UPLOADED = "uploaded"
    READING = "reading"
    PREVIEWED = "previewed"
    LOADING = "loading"
    LOADED = "loaded"
    REVERSING = "reversing"
    REVERSED = "reversed"
    FAILED = "failed"


BUSY = {
    ImportState.READING: ImportState.UPLOADED,
    ImportState.LOADING: ImportState.PREVIEWED,
    ImportState.REVERSING: ImportState.LOADED,
}
"""States in which a job works on it, and what it goes back to when the job comes to nothing."""
