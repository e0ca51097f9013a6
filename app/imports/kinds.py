"""What a file may hold."""

from __future__ import annotations

from enum import StrEnum


class ImportKind(StrEnum):
    """What the file holds."""

    OPENING_STOCK = "opening_stock"
    CATALOGUE = "catalogue"
