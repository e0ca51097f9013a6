"""The home page of each role: what waits, what runs now, one chart."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, current_app, jsonify, render_template, url_for

from app.foundation.clock import HOME
from app.foundation.http import SIGNED_IN, in_unit_of_work
from app.foundation.language import language
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.reports import queries

blueprint = Blueprint("reports", __name__)

PLACES: dict[str, tuple[str, dict[str, str]]] = {
    "signals": ("needs.signals", {"view": "waiting"}),
    "needs": ("needs.needs", {"view": "open"}),
    "allocation": ("allocation.run", {}),
    "offers": ("donations.offers", {"view": "waiting"}),
    "arrivals": ("donations.offers", {"view": "coming"}),
    "stock_expiring": ("stock.stock", {"view": "expiring"}),
    "stock_expired": ("stock.stock", {"view": "expired"}),
    "stock_quarantine": ("stock.stock", {"view": "quarantine"}),
    "levels_below": ("inventory.levels", {"view": "below"}),
    "stock_differences": ("stock.stock", {"view": "discrepancy"}),
    "discrepancies": ("stock.reviews", {}),
    "stocktakes": ("stocktakes.stocktakes", {"view": "running"}),
    "transfers_differences": ("transfers.transfers", {"view": "differences"}),
    "transfers_pick": ("transfers.transfers", {"view": "pick"}),
    "transfers_expected": ("transfers.transfers", {"view": "expected"}),
    "put_away": ("stock.stock", {}),
    "receive": ("stock.receive_form", {}),
    "scan": ("floor.scan", {}),
    "plan": ("planning.plan", {}),
    "plans": ("planning.plans", {}),
    "runs": ("delivery.runs", {}),
    "run": ("delivery.run", {}),
    "drive": ("delivery.drive", {}),
    "vehicles": ("delivery.vehicles", {}),
    "own_signals": ("needs.signals", {}),
    "report": ("needs.report_form", {}),
    "own_offers": ("donations.offers", {}),
    "offer": ("donations.offer_form", {}),
    "jobs_failed": ("audit.jobs", {"state": "failed"}),
}
"""Where a task is done: the page, and how its list is narrowed."""

DEEDS: dict[str, tuple[str, Message, str]] = {
    "partner": ("report", say("New signal"), "plus"),
    "warehouse_worker": ("scan", say("Scan"), "scan"),
    "warehouse_manager": ("receive", say("Receive"), "package-import"),
    "donor": ("offer", say("Offer something"), "gift"),
}
"""The one filled button of a role's home page."""


def address(place: str, arguments: dict[str, Any] | None = None) -> str | None:
    """Return the address of a place; None where the program has no page for it."""
    endpoint, narrowed = PLACES.get(place, ("", {}))
    if endpoint not in current_app.view_functions:
        return None
    wanted = {name for rule in current_app.url_map.iter_rules(endpoint) for name in rule.arguments}
    values: dict[str, Any] = {**narrowed, **(arguments or {})}
    return url_for(endpoint, **values) if wanted <= set(values) else None


@blueprint.get("/")
@in_unit_of_work(SIGNED_IN)
def home(uow: UnitOfWork) -> Any:
    """Show the person what waits for them."""
    actor, now = uow.actor, uow.now
    role = actor.role
    deed = DEEDS.get(role)
    tasks = queries.tasks(uow.session, actor, now)
    context: dict[str, Any] = {"tasks": tasks, "address": address, "role": role, "now_at": now}
    if deed and address(deed[0]):
        context["deed"] = {"href": address(deed[0]), "label": deed[1], "icon": deed[2]}
    if role in ("dispatcher", "national_coordinator"):
        context["deed"] = _tomorrow(tasks)
        context["left_seconds"] = _until(now, queries.PUBLISH_BY.hour)
    if actor.may("runs.read") and role != "driver":
        on = queries.day_of_runs(uow.session, actor, now)
        context["runs"], context["runs_total"] = queries.runs_of(uow.session, actor, now, on)
        context |= {"runs_on": on, "runs_today": on == queries.today(now)}
        context["days"] = queries.handed_over(uow.session, actor, now)
    if actor.may("needs.read"):
        context["classes"] = queries.needs_by_class(uow.session, actor)
    if role == "partner":
        context["signals"] = queries.recent_signals(uow.session, actor)
    if role in ("warehouse_worker", "warehouse_manager"):
        context["warehouse"] = queries.warehouse_name(uow.session, actor)
        context["categories"] = queries.stock_by_category(uow.session, actor, language())
    return render_template("reports/home.html", **context)


@blueprint.get("/home/map.json")
@in_unit_of_work("runs.read")
def home_map(uow: UnitOfWork) -> Any:
    """Return the runs of today, or of the next day that has any, for the map."""
    on = queries.day_of_runs(uow.session, uow.actor, uow.now)
    return jsonify(queries.drawing_of(uow.session, uow.actor, on))


def _tomorrow(tasks: list[queries.Task]) -> dict[str, Any] | None:
    draft = next((task for task in tasks if task.place == "plan"), None)
    href = address("plan", draft.arguments) if draft else address("plans")
    label = say("Open the draft plan") if draft else say("Plan tomorrow")
    return {"href": href, "label": label, "icon": "route"} if href else None


def _until(now: datetime, hour: int) -> int | None:
    """Return the seconds until an hour of today, if it is still to come."""
    local = now.astimezone(HOME)
    left = local.replace(hour=hour, minute=0, second=0, microsecond=0) - local
    return int(left.total_seconds()) if left > timedelta() else None
