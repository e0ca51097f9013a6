"""What the worker runs: the proposal, letting go of what an ended need held, and what promises lost."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from app.allocation import service
from app.foundation.job_queue import Cancelled, Run, job
from app.foundation.words import say


@job(
    "allocation.run",
    title=say("Allocation proposal"),
    steps=(
        say("Needs and stock are gathered"),
        say("Dealt out, the household furthest from enough first"),
        say("Reserved in the ledger"),
    ),
    seconds_max=300,
)
def run_allocation(run: Run, *, run_id: int) -> dict[str, Any] | None:
    """Read in one transaction, think with none open, write in another."""
    began = perf_counter()
    try:
        run.progress(2, say("Needs and stock are gathered"))
        with run.work() as uow:
            question = service.take_up(uow, run_id=run_id)
        if question is None:
            return None
        run.check()
        proposal = service.think(question, on_step=run.progress)
        run.check()
        run.progress(85, say("Reserving %(shares)s shares in the ledger", shares=len(proposal.shares)))
        with run.work() as uow:
            return service.propose(uow, question=question, proposal=proposal, seconds=perf_counter() - began)
    except Cancelled:
        with run.work() as uow:
            service.fail(uow, run_id=run_id)
        raise


@job("allocation.release", title=say("What an ended need held is put back"))
def release(run: Run, *, need_id: int) -> dict[str, Any] | None:
    """Let go of what is held for a need that has ended."""
    with run.work() as uow:
        return {"shares": service.release_for_need(uow, need_id=need_id)}


@job("allocation.revise", title=say("Pieces that were promised are not there: their needs are open again"))
def revise(run: Run, *, reservation_ids: list[int]) -> dict[str, Any] | None:
    """Let shares go, or shrink, whose reservations lost pieces."""
    with run.work() as uow:
        return service.revise(uow, reservation_ids=reservation_ids)
