"""Refusals of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from app.foundation.errors import Conflict, Invalid, NotFound
from app.foundation.words import say


class NoSuchItem(NotFound):
    """The catalogue holds no such item."""

    kind = "no-such-item"

    def __init__(self, **facts: object) -> None:
        super().__init__(say("There is no such item in the catalogue."), **facts)


class NoSuchCategory(Invalid):
    """The catalogue holds no such category."""

    kind = "no-such-category"

    def __init__(self) -> None:
        sentence = say("There is no such category.")
        super().__init__(say("Nothing was saved: please look at the marked fields."), {"category_id": [sentence]})


class CodeTaken(Conflict):
    """Another item bears the code."""

    kind = "code-taken"

    def __init__(self, *, code: str) -> None:
        super().__init__(say("Nothing was saved: another item has the code %(code)s.", code=code))


class CatalogueChangedSince(Conflict):
    """What an import brought was changed or used since."""

    kind = "catalogue-changed-since"

    def __init__(self, *, codes: Sequence[str], used: bool = False) -> None:
        named = ", ".join(codes[:10])
        sentence = (
            say("Nothing was taken back: these items are in use already: %(codes)s.", codes=named)
            if used
            else say("Nothing was taken back: these items were changed since: %(codes)s.", codes=named)
        )
        super().__init__(sentence)


class BarcodeTaken(Conflict):
    """The GTIN belongs to another item."""

    kind = "barcode-taken"

    def __init__(self, *, gtin: str, item: str) -> None:
        super().__init__(say("Nothing was saved: the barcode %(gtin)s belongs to %(item)s.", gtin=gtin, item=item))


class BarcodeWrong(Invalid):
    """The digits are no GTIN."""

    kind = "barcode-wrong"

    def __init__(self, *, gtin: str) -> None:
        sentence = say("This is no barcode number: 8, 12, 13 or 14 digits are needed, the last one is a check digit.")
        super().__init__(say("Nothing was saved: please look at the marked fields."), {"gtin": [sentence]}, gtin=gtin)


class ItemRetired(Conflict):
    """The item is not given any more."""

    kind = "item-retired"

    def __init__(self, *, item: str) -> None:
        super().__init__(say("%(item)s is retired: nothing new can be received of it.", item=item))
