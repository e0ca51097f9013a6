"""What the worker does for imports."""

from __future__ import annotations

from datetime import time as time_of_day
from typing import Any

from app.foundation.job_queue import Run, job
from app.foundation.words import say
from app.imports import service


@job("imports.preview", title=say("Reading an import"), seconds_max=180)
def preview(run: Run, *, import_id: int) -> dict[str, Any]:
    """Judge every row of a file."""
    run.progress(2, say("Reading the rows"))
    return service.preview(run.work, import_id, lambda percent: run.progress(_whole(percent)), run.should_stop)


@job("imports.load", title=say("Loading an import"), seconds_max=600)
def load(run: Run, *, import_id: int) -> dict[str, Any]:
    """Write every row of a file, or none."""
    run.progress(2, say("Reading the rows"))

    def told(percent: object) -> None:
        number = _whole(percent)
        run.progress(number // 2 if number < 92 else 50, say("Writing the rows") if number >= 92 else None)

    return service.write(run.work, import_id, told, run.should_stop)


@job("imports.reverse", title=say("Taking an import back"), seconds_max=600)
def reverse(run: Run, *, import_id: int) -> dict[str, Any]:
    """Take back what an import wrote, or say what stands in the way."""
    run.progress(2, say("Looking at what was done since"))
    return service.take_back(run.work, import_id, lambda percent: run.progress(_whole(percent)))


@job("imports.forget_files", title=say("Deleting files that nobody loaded"), daily_at=time_of_day(3, 40))
def forget_files(run: Run) -> dict[str, Any]:
    """Delete uploaded files that are older than a week."""
    with run.work() as uow:
        return {"files": service.forget_files(uow)}


def _whole(percent: object) -> int:
    return percent if isinstance(percent, int) else 0
