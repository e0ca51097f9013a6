"""Work that nobody waits for: urgency grows while a need waits."""

from __future__ import annotations

from datetime import time
from typing import Any

from app.foundation.job_queue import Run, job
from app.foundation.words import say
from app.needs import service


@job("needs.judge", title=say("Urgency of the needs that wait"), daily_at=time(4, 10))
def judge(run: Run) -> dict[str, Any]:
    """Judge every need that waits, and every signal nobody has decided on, by the table as it is now."""
    with run.work() as uow:
        return {"changed": service.judge_needs(uow), "signals": service.judge_signals(uow)}
