"""What the worker does for the stock."""

from __future__ import annotations

import time
from datetime import time as time_of_day
from datetime import timedelta
from typing import Any

from app.foundation.job_queue import Run, job
from app.foundation.words import say
from app.stock import service


@job("stock.expire_reservations", title=say("Giving back what was reserved too long"), every=timedelta(minutes=5))
def expire_reservations(work: Run) -> dict[str, Any]:
    """Give back reservations whose time has come."""
    released = 0
    while True:
        with work.work() as uow:
            number = service.expire_reservations(uow)
        released += number
        if number == 0:
            return {"released": released}
        work.check()


@job("stock.verify_ledger", title=say("Proof of the ledger"), daily_at=time_of_day(2, 30))
def verify_ledger(work: Run) -> dict[str, Any]:
    """Recompute every balance from the movements."""
    started = time.monotonic()
    work.progress(5, say("Adding up all movements"))
    with work.work() as uow:
        proof = service.prove(uow)
    return {**proof.as_json(), "seconds": round(time.monotonic() - started, 2)}
