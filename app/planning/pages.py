"""Plans as pages: ask for one, watch it get better, read it, publish it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, make_response, redirect, render_template, request, url_for

from app.foundation.clock import HOME
from app.foundation.errors import Invalid
from app.foundation.http import in_unit_of_work
from app.foundation.language import kilometres, number, translate
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.planning import picture, queries, service
from app.planning.problem import Plan as Answer

blueprint = Blueprint("planning", __name__, url_prefix="/plans")

LEFT_SHOWN = 60
PLANS_KEPT = 6


@blueprint.get("")
@in_unit_of_work("plans.read")
def plans(uow: UnitOfWork) -> str:
    """Show every plan, the newest first."""
    return render_template(
        "planning/plans.html",
        page=queries.plans_page(uow.session, uow.actor, after=request.args.get("after")),
        waiting=_waiting(uow),
        tomorrow=_tomorrow(uow),
    )


@blueprint.post("")
@in_unit_of_work("plans.plan", form_view=plans)
def start(uow: UnitOfWork) -> Any:
    """Ask for a plan of a day."""
    try:
        on = date.fromisoformat(request.form.get("on", ""))
    except ValueError as error:
        unknown = say("Choose a day.")
        raise Invalid(unknown, {"on": [unknown]}) from error
    asked = service.start(uow, on=on)
    return redirect(url_for(".plan", plan_id=asked.id))


@blueprint.get("/<int:plan_id>")
@in_unit_of_work("plans.read")
def plan(uow: UnitOfWork, plan_id: int) -> str:
    """Show a plan: its runs, the map, what was left out."""
    return render_template("planning/plan.html", **_shown(uow, plan_id))


@blueprint.get("/<int:plan_id>/map.json")
@in_unit_of_work("plans.read")
def plan_map(uow: UnitOfWork, plan_id: int) -> Response:
    """Give what the map of a plan draws."""
    shown = _read(uow, queries.plan(uow.session, uow.actor, plan_id))
    if shown is None:
        return jsonify({"depots": [], "runs": [], "left": []})
    return jsonify(picture.drawing(shown.question, shown.answer, shown.view, shown.hues))


@blueprint.get("/<int:plan_id>/runs/<int:run_id>")
@in_unit_of_work("plans.read")
def plan_run(uow: UnitOfWork, plan_id: int, run_id: int) -> Any:
    """Show one run's day, as a part of the page."""
    if not request.headers.get("HX-Request"):
        return redirect(url_for(".plan", plan_id=plan_id, run=run_id))
    shown = _read(uow, queries.plan(uow.session, uow.actor, plan_id))
    day = picture.day(shown.question, shown.answer, shown.view, run_id) if shown is not None else None
    return render_template("planning/_day.html", day=day)


@blueprint.get("/<int:plan_id>/progress")
@in_unit_of_work("plans.read")
def plan_progress(uow: UnitOfWork, plan_id: int) -> Any:
    """Show how far the search is; when it has ended, tell the page to draw itself anew."""
    found = queries.plan(uow.session, uow.actor, plan_id)
    if found.state not in queries.LIVE:
        response = make_response("", 200)
        response.headers["HX-Refresh"] = "true"
        return response
    return render_template("planning/_solving.html", plan=found, **_progress(uow, found))


@blueprint.post("/<int:plan_id>/stop")
@in_unit_of_work("plans.plan")
def stop(uow: UnitOfWork, plan_id: int) -> Any:
    """End the search; the best plan so far is kept."""
    service.cancel(uow, plan_id=plan_id)
    done(say("The search ends; the best plan so far is kept."))
    return redirect(url_for(".plan", plan_id=plan_id))


@blueprint.post("/<int:plan_id>/serve")
@in_unit_of_work("plans.plan", form_view=plan)
def serve(uow: UnitOfWork, plan_id: int) -> Any:
    """Serve a left-out stop by a change that its explanation offers."""
    stop_id, seen = _number(request.form.get("stop_id")), _number(request.form.get("version"))
    if stop_id is None:
        queries.plan(uow.session, uow.actor, plan_id)
        raise Invalid(say("Say which stop is to be served."))
    service.serve(uow, plan_id=plan_id, stop_id=stop_id, code=request.form.get("code", ""), version=seen)
    done(say("The stop is served now: %(name)s.", name=request.form.get("name", "")[:100]))
    return redirect(url_for(".plan", plan_id=plan_id))


@blueprint.get("/<int:plan_id>/publish")
@in_unit_of_work("plans.publish")
def publish_form(uow: UnitOfWork, plan_id: int) -> Any:
    """Show what publishing would change, before it is done."""
    shown = _shown(uow, plan_id)
    if shown["view"] is None:
        return redirect(url_for(".plan", plan_id=plan_id))
    valid = queries.published_plan(uow.session, uow.actor, shown["plan"].on, shown["plan"].county_ids)
    before = _read(uow, valid) if valid is not None else None
    after = shown["read"]
    shown |= {
        "published": valid,
        "compared": _compared(before, after),
        "changes": picture.difference(before.pair if before is not None else None, after.pair),
    }
    return render_template("planning/publish.html", **shown)


@blueprint.post("/<int:plan_id>/publish")
@in_unit_of_work("plans.publish", form_view=publish_form)
def publish(uow: UnitOfWork, plan_id: int) -> Any:
    """Publish a plan: its runs stand, drivers and warehouses see them."""
    published = service.publish(uow, plan_id=plan_id, version=_number(request.form.get("version")))
    done(say("The plan is published: %(plan_on)s.", plan_on=published.on.isoformat()))
    return redirect(url_for(".plan", plan_id=plan_id))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _tomorrow(uow: UnitOfWork) -> date:
    return uow.now.astimezone(HOME).date() + timedelta(days=1)


def _waiting(uow: UnitOfWork) -> int | None:
    """Return how many parcels wait for a run where this person plans."""
    counties = queries.county_ids(uow.session, uow.actor, "plans.read")
    return queries.waiting_parcels(uow.session, counties) if counties else None


@dataclass(frozen=True)
class Shown:
    """A plan's newest answer and its picture."""

    question: picture.Question
    answer: Answer
    view: picture.Picture
    hues: Mapping[int, int]

    @property
    def pair(self) -> tuple[picture.Question, Answer]:
        """Question and answer."""
        return self.question, self.answer


def _read(uow: UnitOfWork, found: Any) -> Shown | None:
    """Return what is shown of a plan. A country's plan is a second's reading: the last few are kept as they are."""
    kept: OrderedDict[tuple[int, int, str], Shown] = current_app.extensions.setdefault("plans_read", OrderedDict())
    key = (found.id, found.version, found.state)
    if key not in kept:
        read = queries.shown(uow.session, found.id)
        if read is None:
            return None
        hues = queries.hues(uow.session)
        kept[key] = Shown(*read, picture.picture(*read, hues), hues)
        while len(kept) > PLANS_KEPT:
            kept.popitem(last=False)
    return kept[key]


def _shown(uow: UnitOfWork, plan_id: int) -> dict[str, Any]:
    found = queries.plan(uow.session, uow.actor, plan_id)
    read = _read(uow, found)
    chosen_id = _number(request.args.get("run"))
    day = None
    if read is not None and chosen_id is not None:
        day = picture.day(read.question, read.answer, read.view, chosen_id)
    settings = current_app.config["SETTINGS"]
    return {
        "plan": found,
        "read": read,
        "view": read.view if read is not None else None,
        "day": day,
        "chosen_id": chosen_id if day else None,
        "published": None,
        "shown_left": 10_000 if request.args.get("left") == "all" else LEFT_SHOWN,
        "map_base": url_for("geography-api.base_map"),
        "tiles": settings.tiles_url,
        **_progress(uow, found),
    }


def _progress(uow: UnitOfWork, found: Any) -> dict[str, Any]:
    """Return how far the search is, as the panel over the map shows it."""
    figures: Mapping[str, Any] = found.figures or {}
    bound, objective = figures.get("bound"), figures.get("objective")
    job = queries.job_of(uow.session, found)
    since: datetime | None = job.started_at if job is not None else None
    gone = max(0, int((uow.now - since).total_seconds())) if since is not None else 0
    course = found.course or []
    return {
        "error": job.error if job is not None and found.state == "failed" else None,
        "gap": (objective - bound) / objective if bound and objective and objective >= bound else None,
        "gone_seconds": min(gone, found.seconds_max),
        "progress": job.progress if job is not None else 0,
        "line": picture.falling(course, found.seconds_max, bound),
        "saved_m": max(0, (figures.get("first_distance_m") or 0) - (figures.get("distance_m") or 0)),
    }


def _compared(before: Shown | None, after: Shown) -> list[dict[str, Any]]:
    """Return the figures of two plans side by side, and whether each became better."""

    def served(of: Shown) -> int:
        return sum(len(route.visits) for route in of.answer.routes)

    rows: list[tuple[Message, Callable[[Shown], int], Callable[[float], str], bool]] = [
        (say("Stops served"), served, number, True),
        (say("Left out stops"), lambda of: len(of.answer.unserved), number, False),
        (say("Runs"), lambda of: sum(1 for route in of.answer.routes if route.visits), number, False),
        (say("Way"), lambda of: of.answer.distance_m, kilometres, False),
        (say("Driving and service time"), lambda of: of.answer.duration_seconds, _hours, False),
    ]
    compared = []
    for name, count, said, more_is_better in rows:
        now = count(after)
        row: dict[str, Any] = {"name": name, "after": said(now)}
        if before is not None:
            change = now - count(before)
            sign = "+" if change > 0 else "−" if change < 0 else ""
            better = None if change == 0 else (change > 0) is more_is_better
            row |= {"before": said(count(before)), "change": f"{sign}{said(abs(change))}", "better": better}
        compared.append(row)
    return compared


def _hours(seconds: float) -> str:
    return translate(say("%(hours)s hours", hours=round(seconds / 3600)))
