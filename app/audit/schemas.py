"""Wire shapes of jobs and the journal."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from app.foundation import job_life, job_queue
from app.foundation.fields import Choice, Line, Moment, Paged, WholeNumber, Worded
from app.foundation.job import Job, JobState


class JobsAsked(Paged):
    """What a list of jobs is narrowed to."""

    state = Choice(["open", *JobState], load_default=None, metadata={"description": "open: queued or running"})
    idle = fields.Boolean(
        load_default=False, metadata={"description": "Also routine work that found nothing to do, such as each minute."}
    )


class StepView(Schema):
    """A step that a job has said."""

    at = fields.String()
    progress = fields.Integer()
    said = Worded(attribute="step")


class JobView(Schema):
    """A job: what was promised, how far it is, how it ended."""

    id = fields.Integer()
    name = fields.String()
    title = fields.Method("say_title", metadata={"type": "string"})
    state = fields.String(metadata={"enum": list(JobState)})
    progress = fields.Integer(metadata={"description": "percent"})
    seconds_left = fields.Function(job_life.seconds_left, metadata={"type": ["integer", "null"]})
    step = Worded(allow_none=True)
    attempt = fields.Integer()
    promised_at = Moment()
    started_at = Moment(allow_none=True)
    finished_at = Moment(allow_none=True)
    subject_kind = fields.String(allow_none=True)
    subject_id = fields.Integer(allow_none=True)
    error = Worded(allow_none=True)

    def say_title(self, job: Job) -> str:
        """Return what people call it, in the reader's language."""
        from app.foundation.language import translate

        return translate(job_queue.title_of(job.name))


class WholeJobView(JobView):
    """One job with its steps and its result."""

    steps = fields.List(fields.Nested(StepView))
    result = fields.Dict(allow_none=True)


class JobsPage(Schema):
    """Some jobs, and the mark of the next ones."""

    items = fields.List(fields.Nested(JobView), attribute="rows")
    next_after = fields.String(allow_none=True)


class JournalAsked(Paged):
    """What the journal is narrowed to."""

    deed = Line(load_default=None, most=100, metadata={"description": "a deed, or the part before its dot"})
    role = Line(load_default=None, most=50)
    person_id = WholeNumber(least=1, load_default=None)
    subject_kind = Line(load_default=None, most=50)
    subject_id = WholeNumber(least=1, load_default=None)
    on = fields.Date(load_default=None)

    def question(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of the query: kind and id of a subject are one question."""
        kind, number = asked.pop("subject_kind"), asked.pop("subject_id")
        return {**asked, "subject": (kind, number) if kind and number else None}


class JournalLineView(Schema):
    """A deed: who did what to which thing, when. Details hold codes and figures."""

    id = fields.Integer()
    at = Moment()
    actor_id = fields.Integer(allow_none=True)
    actor_role = fields.String()
    deed = fields.String()
    subject_kind = fields.String(allow_none=True)
    subject_id = fields.Integer(allow_none=True)
    details = fields.Dict()


class JournalPage(Schema):
    """Some lines of the journal, newest first."""

    items = fields.List(fields.Nested(JournalLineView), attribute="rows")
    next_after = fields.String(allow_none=True)
