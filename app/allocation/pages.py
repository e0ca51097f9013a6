"""Pages of allocation: the proposal with its fairness, missing shares first, and each row's why."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.allocation import queries, schemas, service
from app.allocation.states import PIECES_LOST, RunState, ShareState
from app.foundation.actor import Scope
from app.foundation.fields import Paged
from app.foundation.http import in_unit_of_work
from app.foundation.language import language
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say

blueprint = Blueprint("allocation", __name__)

CODES = {
    "more_urgent_first": say("More urgent needs came first"),
    "others_further_from_enough": say("Others were further from enough"),
    "nowhere_in_stock": say("Nowhere in stock"),
    "expires_before_hand_over": say("Expires before hand-over"),
    "substitutes_not_accepted": say("Substitutes not accepted"),
    "no_fridge": say("No fridge"),
    "held_for_others": say("Reserved for others"),
    "quarantined": say("In quarantine"),
    "other_counties": say("Only in other counties"),
    "excluded": say("Kept out by hand"),
    "taken_meanwhile": say("Taken meanwhile"),
    PIECES_LOST: say("Reserved, then not there"),
}
"""Why something is missing, in two words."""

CLASSES = {1: say("at once"), 2: say("this week"), 3: say("this month"), 4: say("can wait")}
LIVE = (RunState.QUEUED, RunState.THINKING)


@blueprint.get("/allocation")
@in_unit_of_work("allocation.read")
def runs(uow: UnitOfWork) -> ResponseReturnValue:
    """Lead to the newest proposal, or say how the first one comes about."""
    latest = queries.latest_run(uow.session, uow.actor)
    if latest is not None:
        return redirect(url_for(".run", run_id=latest.id))
    return render_template("allocation/first.html", scopes=_scopes(uow))


@blueprint.get("/allocation/history")
@in_unit_of_work("allocation.read")
def history(uow: UnitOfWork) -> ResponseReturnValue:
    """List earlier proposals."""
    asked = Paged().load(request.args)
    page = queries.runs(uow.session, uow.actor, **asked)
    names = dict(queries.all_counties(uow.session))
    return render_template("allocation/history.html", page=page, names=names, LIVE=LIVE)


@blueprint.post("/allocation/start")
@in_unit_of_work("allocation.run")
def start(uow: UnitOfWork) -> ResponseReturnValue:
    """Start a run; its page shows how far it is."""
    county_id = schemas.StartForm().load(request.form)["county_id"]
    if county_id is None and uow.actor.grants.get("allocation.run") is Scope.COUNTY:
        county_id = next(iter(uow.actor.reach.get(Scope.COUNTY, ())), None)
    made = service.start(uow, county_id=county_id)
    return redirect(url_for(".run", run_id=made.id))


def _scopes(uow: UnitOfWork) -> list[tuple[int | None, str]]:
    """Return where the person may start a run: None is the whole country."""
    scope = uow.actor.grants.get("allocation.run")
    if scope is None:
        return []
    counties: list[tuple[int | None, str]] = list(queries.counties(uow.session, uow.actor))
    return counties if scope is Scope.COUNTY else [(None, ""), *counties]


@blueprint.get("/allocation/<int:run_id>")
@in_unit_of_work("allocation.read")
def run(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Show a proposal: fairness before and after, missing shares first."""
    return render_template("allocation/run.html", **_run(uow, run_id))


@blueprint.get("/allocation/<int:run_id>/progress")
@in_unit_of_work("allocation.read")
def progress(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Show how far the thinking is; the open page is drawn anew when it has ended."""
    found = queries.run(uow.session, uow.actor, run_id)
    job = queries.job_of(uow.session, found)
    response = make_response(render_template("allocation/progress.html", run=found, job=job))
    if found.state not in LIVE:
        response.headers["HX-Redirect"] = url_for(".run", run_id=run_id)
    return response


def _run(uow: UnitOfWork, run_id: int) -> dict[str, Any]:
    """Return what the page of a run shows, whatever sheet is open on it."""
    asked = schemas.FindOnPage().load(request.args)
    found = queries.run(uow.session, uow.actor, run_id)
    filters = queries.Filters(**schemas.filters(asked))
    view = asked["view"]
    if view == "nowhere":
        filters = queries.Filters(
            q=filters.q, urgency=filters.urgency, county_id=filters.county_id, code="nowhere_in_stock"
        )
    if view in ("missing", "nowhere"):
        page = queries.missing_page(uow.session, uow.actor, run_id, filters, after=asked["after"])
    else:
        page = queries.shares_page(
            uow.session, uow.actor, run_id, filters, pinned=view == "pinned", after=asked["after"]
        )
    counties = queries.counties(uow.session, uow.actor)
    return {
        "run": found,
        "job": queries.job_of(uow.session, found) if found.state in LIVE else None,
        "scope_name": dict(queries.all_counties(uow.session)).get(found.county_id or 0),
        "counts": queries.counts(uow.session, uow.actor, run_id),
        "view": view,
        "page": page,
        "groups": _groups(found, {county_id for county_id, _ in counties}),
        "counties": counties,
        "warehouses": queries.warehouses(uow.session) if view in ("shares", "pinned") else [],
        "codes": list(CODES.items()),
        "CODES": CODES,
        "CLASSES": CLASSES,
        "LIVE": LIVE,
        "scopes": _scopes(uow),
        "lost": queries.needs_that_lost(uow.session, uow.actor, run_id),
        "PIECES_LOST": PIECES_LOST,
        "newer": queries.newer_run(uow.session, found),
        "kept": {name: value for name, value in request.args.items() if name != "after"},
        "name": _name,
        "unit": _unit,
    }


def _groups(of: Any, county_ids: set[int]) -> dict[str, Any]:
    """Return the bars of coverage: counties, or the districts of the one county that the person looks at."""
    figures = of.figures or {}
    one = of.county_id or (next(iter(county_ids)) if len(county_ids) == 1 else None)
    if one:
        rows = [row for row in figures.get("districts", []) if row["county_id"] == one]
        title = say("Coverage by district")
    else:
        rows, title = figures.get("counties", []), say("Coverage by county")
    rows = sorted(rows, key=lambda row: (row["after"], row["name"]))
    low = min([40, *(min(row["before"], row["after"]) // 20 * 20 for row in rows)])
    return {"title": title, "rows": rows, "low": low, "worst": rows[0] if rows else None}


def _name(row: Any, given: bool = False) -> str:
    """Return the item's name in the reader's language: what was asked for, or what is given."""
    if given:
        return str(row.given_en if language() == "en" else row.given_hu)
    return str(row.name_en if language() == "en" else row.name_hu)


def _unit(row: Any, given: bool = False) -> str:
    if given:
        return str(row.given_unit_en if language() == "en" else row.given_unit_hu)
    return str(row.unit_name_en if language() == "en" else row.unit_name_hu)


@blueprint.get("/allocation/<int:run_id>/missing/<int:missing_id>")
@in_unit_of_work("allocation.read")
def missing(uow: UnitOfWork, run_id: int, missing_id: int) -> ResponseReturnValue:
    """Open a missing share: why this much, and what can be done."""
    row = queries.missing_row(uow.session, uow.actor, missing_id)
    item_ids = [each["item_id"] for each in (*row[0].grounds, *row[0].remedies) if each.get("item_id")]
    shares, _ = queries.need_shares(uow.session, uow.actor, row[0].need_id)
    return render_template(
        "allocation/missing.html",
        row=row,
        one=row[0],
        names=queries.item_names(uow.session, item_ids, language()),
        shares=[each for each in shares if each[0].state != ShareState.RELEASED],
        excluded=queries.exclusion(uow.session, row[0].need_id),
        **_run(uow, run_id),
    )


@blueprint.get("/allocation/<int:run_id>/shares/<int:share_id>")
@in_unit_of_work("allocation.read")
def share(uow: UnitOfWork, run_id: int, share_id: int) -> ResponseReturnValue:
    """Open a share: why this much, why this lot, why from there."""
    row = queries.share_row(uow.session, uow.actor, share_id)
    return render_template("allocation/share.html", row=row, one=row[0], **_run(uow, run_id))


@blueprint.get("/allocation/<int:run_id>/approve")
@in_unit_of_work("allocation.approve")
def approve_form(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Show what approving brings, before it is done."""
    found = queries.run(uow.session, uow.actor, run_id)
    return render_template(
        "allocation/approve.html",
        run=found,
        counts=queries.counts(uow.session, uow.actor, run_id),
        scope_name=dict(queries.all_counties(uow.session)).get(found.county_id or 0),
        mine=queries.counties(uow.session, uow.actor) if uow.actor.grants["allocation.approve"] is Scope.COUNTY else [],
        newer=queries.newer_run(uow.session, found),
    )


@blueprint.post("/allocation/<int:run_id>/approve")
@in_unit_of_work("allocation.approve", form_view=approve_form)
def approve(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Approve; the parcels are packed by themselves."""
    before = queries.counts(uow.session, uow.actor, run_id)["proposed"]
    service.approve(uow, run_id=run_id)
    done(say("%(shares)s shares approved. Their parcels are being packed.", shares=before))
    return redirect(url_for(".run", run_id=run_id))


# Decisions on one share or need; the reason comes from a short form in the sheet


@blueprint.post("/allocation/<int:run_id>/shares/<int:share_id>/pin")
@in_unit_of_work("allocation.approve", form_view=share)
def pin(uow: UnitOfWork, run_id: int, share_id: int) -> ResponseReturnValue:
    """Pin a share."""
    service.pin(uow, share_id=share_id, reason=schemas.ReasonForm().load(request.form)["reason"])
    done(say("Pinned: the next proposal keeps it."), undo=url_for(".unpin", run_id=run_id, share_id=share_id))
    return redirect(url_for(".share", run_id=run_id, share_id=share_id))


@blueprint.post("/allocation/<int:run_id>/shares/<int:share_id>/unpin")
@in_unit_of_work("allocation.approve", form_view=share)
def unpin(uow: UnitOfWork, run_id: int, share_id: int) -> ResponseReturnValue:
    """Unpin a share."""
    service.unpin(uow, share_id=share_id)
    done(say("Not pinned any more."))
    return redirect(url_for(".share", run_id=run_id, share_id=share_id))


@blueprint.post("/allocation/<int:run_id>/shares/<int:share_id>/release")
@in_unit_of_work("allocation.approve", form_view=share)
def release(uow: UnitOfWork, run_id: int, share_id: int) -> ResponseReturnValue:
    """Release a share."""
    service.release(uow, share_id=share_id, reason=schemas.ReasonForm().load(request.form)["reason"])
    done(say("Back on the shelf; the need is open again."))
    return redirect(url_for(".share", run_id=run_id, share_id=share_id))


@blueprint.post("/allocation/<int:run_id>/missing/<int:missing_id>/exclude")
@in_unit_of_work("allocation.approve", form_view=missing)
def exclude(uow: UnitOfWork, run_id: int, missing_id: int) -> ResponseReturnValue:
    """Keep a need out of allocation."""
    row = queries.missing_row(uow.session, uow.actor, missing_id)
    service.exclude(uow, need_id=row[0].need_id, reason=schemas.ReasonForm().load(request.form)["reason"])
    done(
        say("Kept out: no proposal will deal with it."),
        undo=url_for(".include", run_id=run_id, missing_id=missing_id),
    )
    return redirect(url_for(".missing", run_id=run_id, missing_id=missing_id))


@blueprint.post("/allocation/<int:run_id>/missing/<int:missing_id>/include")
@in_unit_of_work("allocation.approve", form_view=missing)
def include(uow: UnitOfWork, run_id: int, missing_id: int) -> ResponseReturnValue:
    """Let a need take part again."""
    row = queries.missing_row(uow.session, uow.actor, missing_id)
    service.include(uow, need_id=row[0].need_id)
    done(say("It takes part in the next proposal again."))
    return redirect(url_for(".missing", run_id=run_id, missing_id=missing_id))


@blueprint.get("/needs/<int:need_id>/shares")
@in_unit_of_work("allocation.read")
def need_shares(uow: UnitOfWork, need_id: int) -> ResponseReturnValue:
    """Say what a need gets and why not more: a part of the need's own page."""
    shares, lacking = queries.need_shares(uow.session, uow.actor, need_id)
    return render_template("allocation/need_shares.html", shares=shares, missing=lacking)
