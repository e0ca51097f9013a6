"""How things must be kept, and which places keep them so. Pure."""

from __future__ import annotations

from collections.abc import Mapping

KEPT_IN: Mapping[str, tuple[str, ...]] = {
    "ambient": ("ambient", "bulky", "chilled"),
    "bulky": ("bulky", "ambient"),
    "chilled": ("chilled",),
    "frozen": ("frozen",),
    "hazardous": ("hazardous",),
}
"""By the item's storage class, the classes of places that will do, the best one first."""


def fits(item_class: str, place_class: str) -> bool:
    """Tell whether an item of one storage class may lie in a place of another."""
    return place_class in KEPT_IN.get(item_class, (item_class,))


def rank(item_class: str, place_class: str) -> int:
    """Return how well the place suits: 0 is best."""
    return KEPT_IN.get(item_class, (item_class,)).index(place_class)
