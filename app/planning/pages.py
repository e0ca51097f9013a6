"""Plans as pages: ask for one, watch it get better, read it, publish it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, make_response, redirect, render_template, request, url_for

from app.foundation.errors import Invalid
from app.foundation.http import in_unit_of_work
from app.foundation.language import HOME, kilometres, number, span
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.planning import picture, queries, service
from app.planning.models import Plan

blueprint = Blueprint("planning", __name__, url_prefix="/plans")

LEFT_SHOWN = 60


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
    queries.plan(uow.session, uow.actor, plan_id)
    hues, found = queries.hues(uow.session), queries.shown(uow.session, plan_id)
    if found is None:
        return jsonify({"depots": [], "runs": [], "left": []})
    question, answer = found
    view = picture.picture(question, answer, hues)
    return jsonify(picture.drawing(question, answer, view, hues))


@blueprint.get("/<int:plan_id>/runs/<int:run_id>")
@in_unit_of_work("plans.read")
def plan_run(uow: UnitOfWork, plan_id: int, run_id: int) -> Any:
    """Show one run's day, as a part of the page."""
    if not request.headers.get("HX-Request"):
        return redirect(url_for(".plan", plan_id=plan_id, run=run_id))
    queries.plan(uow.session, uow.actor, plan_id)
    found = queries.shown(uow.session, plan_id)
    day = None
    if found is not None:
        view = picture.picture(*found, queries.hues(uow.session))
        day = picture.day(*found, view, run_id)
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


@blueprint.get("/<int:plan_id>/publish")
@in_unit_of_work("plans.publish")
def publish_form(uow: UnitOfWork, plan_id: int) -> Any:
    """Show what publishing would change, before it is done."""
    shown = _shown(uow, plan_id)
    if shown["view"] is None:
        return redirect(url_for(".plan", plan_id=plan_id))
    valid = queries.published_plan(uow.session, uow.actor, shown["plan"].on, shown["plan"].county_ids)
    before = queries.shown(uow.session, valid.id) if valid is not None else None
    after = shown["answer"]
    shown |= {
        "published": valid,
        "compared": _compared(before, after),
        "changes": picture.difference(before, after),
    }
    return render_template("planning/publish.html", **shown)


@blueprint.post("/<int:plan_id>/publish")
@in_unit_of_work("plans.publish", form_view=publish_form)
def publish(uow: UnitOfWork, plan_id: int) -> Any:
    """Publish a plan: its runs stand, drivers and warehouses see them."""
    seen = request.form.get("version", "")
    version = int(seen) if seen.isdigit() and len(seen) < 10 else None
    published = service.publish(uow, plan_id=plan_id, version=version)
    done(say("The plan is published: %(plan_on)s.", plan_on=published.on.isoformat()))
    return redirect(url_for(".plan", plan_id=plan_id))


def _tomorrow(uow: UnitOfWork) -> date:
    return uow.now.astimezone(HOME).date() + timedelta(days=1)


def _waiting(uow: UnitOfWork) -> int | None:
    """Return how many parcels wait for a run where this person plans."""
    counties = queries.county_ids(uow.session, uow.actor, "plans.read")
    return queries.waiting_parcels(uow.session, counties) if counties else None


def _shown(uow: UnitOfWork, plan_id: int) -> dict[str, Any]:
    found = queries.plan(uow.session, uow.actor, plan_id)
    answer = queries.shown(uow.session, plan_id)
    view, day = None, None
    asked = request.args.get("run", "")
    chosen_id = int(asked) if asked.isdigit() and len(asked) < 19 else None
    if answer is not None:
        view = picture.picture(*answer, queries.hues(uow.session))
        day = picture.day(*answer, view, chosen_id) if chosen_id is not None else None
    settings = current_app.config["SETTINGS"]
    return {
        "plan": found,
        "answer": answer,
        "view": view,
        "day": day,
        "chosen_id": chosen_id if day else None,
        "published": None,
        "shown_left": 10_000 if request.args.get("left") == "all" else LEFT_SHOWN,
        "map_base": url_for("geography-api.base_map"),
        "tiles": settings.tiles_url,
        **_progress(uow, found),
    }


def _progress(uow: UnitOfWork, found: Plan) -> dict[str, Any]:
    """Return how far the search is, as the panel over the map shows it."""
    figures: Mapping[str, Any] = found.figures or {}
    bound, objective = figures.get("bound"), figures.get("objective")
    job = queries.job_of(uow.session, found)
    since: datetime | None = job.started_at if job is not None else None
    gone = max(0, int((uow.now - since).total_seconds())) if since is not None else 0
    course = found.course or []
    return {
        "gap": (objective - bound) / objective if bound and objective and objective >= bound else None,
        "gone_seconds": min(gone, found.seconds_max),
        "progress": job.progress if job is not None else 0,
        "line": picture.falling(course, found.seconds_max, bound),
        "saved_m": max(0, (figures.get("first_distance_m") or 0) - (figures.get("distance_m") or 0)),
    }


Answer = tuple[picture.Question, Any]


def _compared(before: Answer | None, after: Answer) -> list[dict[str, Any]]:
    """Return the figures of two plans side by side, and whether each became better."""

    def served(of: Answer) -> int:
        return sum(len(route.visits) for route in of[1].routes)

    rows: list[tuple[Message, Callable[[Answer], int], Callable[[float], str], bool]] = [
        (say("Stops served"), served, number, True),
        (say("Left out stops"), lambda of: len(of[1].unserved), number, False),
        (say("Runs"), lambda of: sum(1 for route in of[1].routes if route.visits), number, False),
        (say("Way"), lambda of: of[1].distance_m, kilometres, False),
        (say("Driving and service time"), lambda of: of[1].duration_seconds, span, False),
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
