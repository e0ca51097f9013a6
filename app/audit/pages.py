"""The journal and the jobs as pages."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from markupsafe import Markup

from app.accounts import queries as accounts
from app.accounts.menu import ROLE_NAMES
from app.audit import queries
from app.audit.words import CODES, DEEDS, DETAILS, KINDS, NOT_PEOPLE
from app.audit.words import THINGS as THING_NAMES
from app.foundation import job_life, job_queue
from app.foundation.http import EITHER, SIGNED_IN, in_unit_of_work, permission_of
from app.foundation.language import translate
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say

blueprint = Blueprint("audit", __name__)

YES, NO = say("yes"), say("no")

THINGS = {
    "data_import": ("imports.data_import", "data_import_id"),
    "plan": ("planning.plan", "plan_id"),
    "allocation_run": ("allocation.run", "run_id"),
    "run": ("delivery.run", "run_id"),
    "need": ("needs.need", "need_id"),
    "signal": ("needs.signal", "signal_id"),
    "household": ("needs.household", "household_id"),
    "lot": ("stock.lot", "lot_id"),
    "offer": ("donations.offer", "offer_id"),
    "transfer": ("transfers.transfer", "transfer_id"),
    "voucher": ("vouchers.voucher", "voucher_id"),
    "job": ("audit.job", "job_id"),
    "organisation": ("partners.organisation", "organisation_id"),
    "user": ("accounts.user", "user_id"),
}
"""Where a subject's own page is, if it has one: endpoint, name of its id."""


@blueprint.app_template_filter("journal_value")
def journal_value(value: Any) -> Any:
    """Return a detail as people read it: yes and no, a list by its parts, codes and names as they are."""
    if isinstance(value, bool):
        return translate(YES if value else NO)
    if isinstance(value, list):
        return Markup(", ").join(journal_value(each) for each in value) if value else "–"
    if isinstance(value, dict):
        pairs = [
            Markup("{} {}").format(translate(DETAILS[name]) if name in DETAILS else _plain(name), journal_value(each))
            for name, each in value.items()
        ]
        return Markup(", ").join(pairs) if pairs else "–"
    if isinstance(value, int | float):
        return str(value)
    return _plain(value)


def _plain(value: Any) -> Markup:
    return Markup('<bdi translate="no">{}</bdi>').format(value)


def address_of(kind: str | None, subject_id: int | None) -> str | None:
    """Return the address of a thing's page; None where there is none, or none for this reader."""
    endpoint, argument = THINGS.get(kind or "", ("", ""))
    if subject_id is None or endpoint not in current_app.view_functions:
        return None
    permission = permission_of(endpoint, "GET") or ""
    if permission != SIGNED_IN and not any(g.actor.may(each) for each in permission.split(EITHER)):
        return None
    arguments = {rule_argument for rule in current_app.url_map.iter_rules(endpoint) for rule_argument in rule.arguments}
    values: dict[str, Any] = {argument if argument in arguments else next(iter(arguments), argument): subject_id}
    return url_for(endpoint, **values)


@blueprint.get("/journal")
@in_unit_of_work("journal.read")
def journal(uow: UnitOfWork) -> Any:
    """Show who did what, newest first."""
    subject_kind, _, subject_id = request.args.get("subject", "").partition(":")
    page = queries.journal(
        uow.session,
        uow.actor,
        deed=request.args.get("deed") or None,
        role=request.args.get("role") or None,
        person_id=_whole(request.args.get("person")),
        subject=(subject_kind, int(subject_id)) if subject_id.isdigit() and len(subject_id) < 19 else None,
        on=_day(request.args.get("on")),
        after=request.args.get("after"),
    )
    kinds = [(kind, KINDS.get(kind, kind)) for kind in queries.deed_kinds(uow.session)]
    return render_template(
        "audit/journal.html",
        page=page,
        kinds=kinds,
        roles=list(ROLE_NAMES.items()),
        role_names={**ROLE_NAMES, **NOT_PEOPLE},
        codes=CODES,
        thing_names=THING_NAMES,
        deeds=DEEDS,
        details=DETAILS,
        address_of=address_of,
    )


@blueprint.get("/jobs")
@in_unit_of_work("jobs.read")
def jobs(uow: UnitOfWork) -> Any:
    """Show promised work: what waits, runs, and how it ended."""
    state = request.args.get("state", "")
    but_idle = () if request.args.get("idle") == "1" else job_queue.routine_names()
    after = request.args.get("after")
    page = queries.jobs(uow.session, uow.actor, state=state or None, but_idle=but_idle, after=after)
    return render_template(
        "audit/jobs.html",
        page=page,
        state=state,
        counts=queries.job_counts(uow.session, uow.actor),
        title_of=job_queue.title_of,
        live=any(job.state in queries.OPEN for job in page.rows),
    )


@blueprint.get("/jobs/<int:job_id>")
@in_unit_of_work("jobs.read")
def job(uow: UnitOfWork, job_id: int) -> Any:
    """Show one job: how far it is, what it has done, how it ended."""
    found = queries.job(uow.session, uow.actor, job_id)
    return render_template(
        "audit/job.html",
        job=found,
        title=job_queue.title_of(found.name),
        result_url=address_of(found.subject_kind, found.subject_id),
        asked_by=accounts.names_of(uow.session, [found.promised_by_id]).get(found.promised_by_id or 0),
        others=[other for other in queries.jobs(uow.session, uow.actor, state="open").rows if other.id != job_id][:6],
        title_of=job_queue.title_of,
        seconds_left=job_life.seconds_left(found, uow.now),
        steps_ahead=job_queue.steps_ahead(found),
    )


@blueprint.post("/jobs/<int:job_id>/stop")
@in_unit_of_work("jobs.cancel")
def stop_job(uow: UnitOfWork, job_id: int) -> Any:
    """Stop a job."""
    stopped = job_life.cancel(uow, job_id=job_id)
    done(say("Stopping: %(job)s", job=job_queue.title_of(stopped.name)))
    return redirect(url_for("audit.job", job_id=job_id))


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and len(text) < 19 else None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
