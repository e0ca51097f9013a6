"""What the worker does for the views of the stock: long exports, and their end."""

from __future__ import annotations

from datetime import time
from typing import Any

from app.accounts import queries as accounts
from app.foundation.clock import HOME
from app.foundation.job_queue import Run, job
from app.foundation.unit_of_work import unit_of_work
from app.foundation.words import say
from app.inventory import exports


@job(exports.EXPORT_JOB, title=say("Export of the stock"))
def export(work: Run, *, export_id: int) -> dict[str, Any]:
    """Write a long table with the rights of who asked for it, as they are now."""
    with work.work() as uow:
        asker = accounts.actor_of(accounts.user(uow.session, exports.asker_of(uow, export_id)))
        today = uow.now.astimezone(HOME).date()
    work.progress(10, say("Reading the rows"))
    with unit_of_work(work.sessions, asker, work.worker.clock) as uow:
        sheet = exports.write_export(uow, export_id=export_id, today=today)
    work.progress(90, say("Keeping the file"))
    made = {"rows": sheet.rows, "bytes": sheet.size}
    with work.work() as uow:
        exports.keep_export(uow, export_id=export_id, sheet=sheet)
    return made


@job("inventory.drop_exports", title=say("Dropping exported files after a week"), daily_at=time(3, 40))
def drop_exports(work: Run) -> dict[str, Any]:
    """Throw exported files away whose week is over."""
    with work.work() as uow:
        return {"dropped": exports.drop_old_exports(uow)}
