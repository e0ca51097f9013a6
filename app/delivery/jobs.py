"""What the worker runs: packing what was approved, and taking out what an ended need had."""

from __future__ import annotations

from typing import Any

from app.delivery import service
from app.foundation.job_queue import Run, job
from app.foundation.words import say


@job("delivery.pack", title=say("Packing of approved shares"), seconds_max=300)
def pack(run: Run, *, run_id: int | None = None) -> dict[str, Any] | None:
    """Put every approved share into a parcel; doing it twice packs nothing twice."""
    with run.work() as uow:
        return dict(service.pack(uow))


@job("delivery.drop_need", title=say("What an ended need had is taken out of parcels"))
def drop_need(run: Run, *, need_id: int) -> dict[str, Any] | None:
    """Take the goods of an ended need out of parcels that have not left."""
    with run.work() as uow:
        return {"lines": service.drop_need(uow, need_id=need_id)}


@job("delivery.revise", title=say("What is not there any more is taken out of parcels"))
def revise(run: Run, *, share_ids: list[int]) -> dict[str, Any] | None:
    """Take out of parcels in the hall what their shares lost."""
    with run.work() as uow:
        return {"needs": service.revise(uow, share_ids=share_ids)}
