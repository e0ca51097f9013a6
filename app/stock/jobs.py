"""What the worker does for the stock."""

from __future__ import annotations

import time
from datetime import time as time_of_day
from datetime import timedelta
from typing import Any

import structlog

from app.foundation.job_queue import Run, job
from app.foundation.words import say
from app.stock import sealing, service

log = structlog.get_logger("stock")


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
    work.progress(60, say("Checking the seals of the ledger"))
    with work.work() as uow:
        sealing.use_memory(uow)
        chain = sealing.verify(uow)
    if not (proof.holds and chain.holds):
        log.error("the ledger does not hold", count=len(proof.differences) + len(chain.breaches))
    return {**proof.as_json(), "chain": chain.as_json(), "seconds": round(time.monotonic() - started, 2)}


@job("stock.seal_ledger", title=say("Sealing the ledger"), every=timedelta(minutes=1))
def seal_ledger(work: Run) -> dict[str, Any]:
    """Seal what was written since the last time; the heads go to the log too, outside the database."""
    with work.work() as uow:
        sealing.use_memory(uow)
        sealed = sealing.seal(uow)
    heads = {str(each.warehouse_id): f"{each.number}:{each.hash}" for each in sealed.heads}
    for warehouse_id, head in heads.items():
        log.info("ledger sealed", seal=f"{warehouse_id}:{head}")
    return {"seals": sealed.seals, "movements": sealed.movements, "heads": heads}
