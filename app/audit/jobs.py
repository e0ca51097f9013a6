"""What the worker runs for the jobs themselves: rows of routine work do not pile up."""

from __future__ import annotations

from datetime import time
from typing import Any

from app.foundation import job_life, job_queue
from app.foundation.job_queue import Run, job
from app.foundation.words import say


@job("audit.tidy_jobs", title=say("Clearing away old routine work"), daily_at=time(3, 50))
def tidy_jobs(run: Run) -> dict[str, Any]:
    """Delete old rows of routine work that ended well."""
    with run.work() as uow:
        return job_life.tidy_up(uow, job_queue.routine_names())
