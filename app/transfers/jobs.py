"""What the worker runs for transfers: what was reserved for them and is not there any more."""

from __future__ import annotations

from typing import Any

from app.foundation.job_queue import Run, job
from app.foundation.words import say
from app.transfers import service


@job("transfers.revise", title=say("What is not there any more does not travel"))
def revise(run: Run, *, reservation_ids: list[int]) -> dict[str, Any] | None:
    """Take out of transfers what was picked for them and is not there."""
    with run.work() as uow:
        return {"transfers": service.revise(uow, reservation_ids=reservation_ids)}
