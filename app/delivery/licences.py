"""What a driving licence lets its holder drive. Pure."""

from __future__ import annotations

DRIVES = {
    "B": frozenset({"B"}),
    "BE": frozenset({"B", "BE"}),
    "C1": frozenset({"B", "C1"}),
    "C": frozenset({"B", "C1", "C"}),
    "CE": frozenset({"B", "BE", "C1", "C", "CE"}),
}
"""By licence, those that vehicles may ask for."""


def may_drive(licence: str, needed: str) -> bool:
    """Tell whether the holder of a licence may drive a vehicle that needs one."""
    return not needed or needed in DRIVES.get(licence, {licence})
