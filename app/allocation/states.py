"""The life of an allocation run and of a share, as one table each."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """The life of an allocation run."""

    QUEUED = "queued"
    THINKING = "thinking"
    PROPOSED = "proposed"
    APPROVED = "approved"
    SUPERSEDED = "superseded"
    FAILED = "failed"


class ShareState(StrEnum):
    """The life of a share."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    PACKED = "packed"
    HANDED_OVER = "handed_over"
    RELEASED = "released"


RUN_MOVES = {
    (RunState.QUEUED, "think"): RunState.THINKING,
    (RunState.THINKING, "think"): RunState.THINKING,
    (RunState.THINKING, "propose"): RunState.PROPOSED,
    (RunState.THINKING, "fail"): RunState.FAILED,
    (RunState.QUEUED, "fail"): RunState.FAILED,
    (RunState.PROPOSED, "approve"): RunState.APPROVED,
    (RunState.PROPOSED, "supersede"): RunState.SUPERSEDED,
    (RunState.QUEUED, "supersede"): RunState.SUPERSEDED,
}

SHARE_MOVES = {
    (ShareState.PROPOSED, "approve"): ShareState.APPROVED,
    (ShareState.APPROVED, "pack"): ShareState.PACKED,
    (ShareState.PACKED, "hand_over"): ShareState.HANDED_OVER,
    (ShareState.PROPOSED, "release"): ShareState.RELEASED,
    (ShareState.APPROVED, "release"): ShareState.RELEASED,
    (ShareState.PACKED, "release"): ShareState.RELEASED,
}

HOLDING = (ShareState.PROPOSED, ShareState.APPROVED, ShareState.PACKED)
"""States in which a share holds goods for its need."""

PIECES_LOST = "pieces_lost"
"""The code of a missing share whose pieces were promised already, and are not there."""
