"""What phones and the server say to each other has a version; a page two versions old is still understood. Pure.

Rules, so that a phone that lay in a drawer with unsent scans loses nothing:

* A kind of operation only gains fields, and a new field may be missing. Where a field had to be renamed or change
  its meaning, a step here brings the older payload up, one version at a time. A payload says its version in
  ``protocol``; one that says nothing is of version 1, which had no such field.
* The snapshot only gains parts. A phone that asks with ``protocol=1`` gets the parts that version 1 knew.
* The oldest version that is understood goes up only when the version itself has gone up three times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

PROTOCOL = 3
"""Version 1: receive, move, parcels. 2: boxes, offers, learning a pack. 3: transfers, stocktakes, goods received."""
OLDEST = PROTOCOL - 2

PARTS = {
    "places": 1,
    "items": 1,
    "lots": 1,
    "runs": 1,
    "boxes": 2,
    "offers": 2,
    "transfers": 3,
    "stocktakes": 3,
}
"""The parts of the snapshot, each with the version that brought it. Their order is that of the mark."""

Step = Callable[[dict[str, Any]], dict[str, Any]]


def _renamed(**names: str) -> Step:
    """Return a step that gives fields their new names: ``old="new"``."""

    def step(payload: dict[str, Any]) -> dict[str, Any]:
        return {names.get(name, name): value for name, value in payload.items()}

    return step


STEPS: Mapping[str, Mapping[int, Step]] = {
    # Until version 2 the phone said how many "pieces" one pack holds; until 1 it called the code "barcode".
    "learn_pack": {1: _renamed(barcode="gtin"), 2: _renamed(pieces="quantity")},
    # Version 2 sent what one scan of an offer had received as "operations".
    "goods_received": {2: _renamed(operations="receipts")},
}
"""Kind → version → what brings a payload of that version up to the next."""


def brought_up(kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload as today's version writes it, without its version."""
    current = dict(payload)
    version = current.pop("protocol", 1)
    if not isinstance(version, int) or isinstance(version, bool):
        version = PROTOCOL
    for older in range(max(version, OLDEST), PROTOCOL):
        step = STEPS.get(kind, {}).get(older)
        if step is not None:
            current = step(current)
    return current


def parts_of(protocol: int) -> list[str]:
    """Return the parts of the snapshot that a version knows."""
    return [part for part, since in PARTS.items() if since <= protocol]
