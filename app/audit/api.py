"""Jobs and the journal as JSON."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from app.audit import queries, schemas
from app.foundation import job_life, job_queue
from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork

blueprint = Blueprint("audit-api", __name__, description="Jobs: promised work and how far it is. Journal: who did what")


@blueprint.get("/jobs")
@blueprint.arguments(schemas.JobsAsked, location="query", as_kwargs=True)
@blueprint.response(200, schemas.JobsPage)
@in_unit_of_work("jobs.read")
def jobs(uow: UnitOfWork, *, idle: bool, **asked: Any) -> Any:
    """List jobs, newest first: all of them, or those one has asked for. Routine work that did nothing is left out."""
    return queries.jobs(uow.session, uow.actor, but_idle=() if idle else job_queue.routine_names(), **asked)


@blueprint.get("/jobs/<int:job_id>")
@blueprint.response(200, schemas.WholeJobView)
@in_unit_of_work("jobs.read")
def job(uow: UnitOfWork, job_id: int) -> Any:
    """Show a job: its steps, its progress, its result."""
    return queries.job(uow.session, uow.actor, job_id)


@blueprint.post("/jobs/<int:job_id>/stop")
@blueprint.response(202, schemas.WholeJobView)
@in_unit_of_work("jobs.cancel")
def stop(uow: UnitOfWork, job_id: int) -> Any:
    """Stop a job. One that waits is cancelled at once; one that runs keeps what it has, or its process is ended."""
    return job_life.cancel(uow, job_id=job_id)


@blueprint.get("/journal")
@blueprint.arguments(schemas.JournalAsked, location="query")
@blueprint.response(200, schemas.JournalPage)
@in_unit_of_work("journal.read")
def journal(uow: UnitOfWork, asked: dict[str, Any]) -> Any:
    """List deeds, newest first."""
    return queries.journal(uow.session, uow.actor, **schemas.JournalAsked().question(asked))
