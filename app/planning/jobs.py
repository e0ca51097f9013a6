"""What the worker runs: the search, and settling plans whose search ended without a word."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import structlog

from app.foundation.job_queue import Cancelled, Run, job
from app.foundation.words import Message, say
from app.planning import explain, service, solver
from app.planning.errors import PlanWrong, SearchDied
from app.planning.problem import Plan
from app.planning.solver import Progress

log = structlog.get_logger("planning")

KEEP_SECONDS = 1.5
"""The best plan so far is stored at most this often."""


@job(
    "planning.solve",
    title=say("Plan of the day"),
    steps=(
        say("Parcels, vehicles and distances are gathered"),
        say("First plan of every warehouse"),
        say("Made better until the time is up"),
        say("Computed again and checked"),
    ),
    # Twice the longest search and more: the search has its own limit, this one is for when that fails.
    seconds_max=3 * service.SECONDS_MAX,
)
def solve(run: Run, *, plan_id: int) -> dict[str, Any] | None:
    """Read in one transaction, think with none open, write in others; told to stop, keep the best so far."""
    run.progress(1, say("Parcels, vehicles and distances are gathered"))
    with run.work() as uow:
        taken = service.take_up(uow, plan_id=plan_id)
    if taken is None:
        return None
    keeper = Keeper(run, taken)
    try:
        answer = solver.solve(
            taken.problem,
            seconds_max=taken.seconds_max,
            seed=taken.seed,
            engine=taken.engine,
            processes=max(1, getattr(run.settings, "solver_processes", 1)),
            on_progress=keeper.better,
            should_stop=run.should_stop,
        )
        run.progress(96, say("Computed again and checked"))
        answer = explain.explain(taken.problem, answer)
        with run.work() as uow:
            return service.finish(uow, taken=taken, answer=answer, progress=keeper.last)
    except solver.NoAnswer as died:
        log.error("every search died", plan_id=plan_id, details=died.details[:5])
        _failed(run, plan_id)
        raise SearchDied(notes=died.notes) from died
    except (PlanWrong, Cancelled):
        _failed(run, plan_id)
        raise


def _failed(run: Run, plan_id: int) -> None:
    with run.work() as uow:
        service.fail(uow, plan_id=plan_id)


class Keeper:
    """Stores the best plan so far, not too often, and says how far the search is."""

    def __init__(self, run: Run, taken: service.TakenUp) -> None:
        self.run, self.taken = run, taken
        self.kept_at = 0.0
        self.kept_stage = ""
        self.last = Progress("first", 0.0, float(taken.seconds_max), 0, 0)

    def better(self, plan: Plan, progress: Progress) -> None:
        """Hear of a better plan."""
        self.last = progress
        self.run.progress(self._percent(progress), self._step(progress))
        now = time.monotonic()
        if progress.stage == "done" or (progress.stage == self.kept_stage and now - self.kept_at < KEEP_SECONDS):
            return
        self.kept_at, self.kept_stage = now, progress.stage
        with self.run.work() as uow:
            service.keep(uow, taken=self.taken, answer=plan, progress=progress)

    @staticmethod
    def _percent(progress: Progress) -> int:
        return min(95, 2 + int(93 * progress.seconds / max(1.0, progress.seconds_max)))

    @staticmethod
    def _step(progress: Progress) -> Message:
        if progress.stage == "first":
            return say("First plan of every warehouse")
        return say("Made better until the time is up")


@job("planning.settle", title=say("Plans left behind"), every=timedelta(minutes=5))
def settle(run: Run) -> dict[str, Any]:
    """Settle plans whose search ended without a word."""
    with run.work() as uow:
        return {"plans": service.settle(uow)}
