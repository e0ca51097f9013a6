"""Pages of signals, households and needs: for the partner who reports, and for the coordinator who decides."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.foundation.actor import Scope
from app.foundation.errors import Invalid
from app.foundation.http import in_unit_of_work
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.needs import queries, schemas, service, triage, word_check
from app.needs.errors import GivenRecently, ReportInvalid, WordsToCheck
from app.needs.words import CIRCUMSTANCES, HEATINGS, REFUSALS, STATES, URGENT_FACTS
from app.needs.working_days import HOME
from app.partners import queries as partners

blueprint = Blueprint("needs", __name__)

OTHER_ROWS = 3
"""How many things can be named beside the tiles without scripts."""


# Reporting


@blueprint.get("/signals/new")
@in_unit_of_work("signals.report")
def report_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask five questions about a household."""
    own = _own_organisation(uow)
    today = uow.now.astimezone(HOME).date()
    organisations = [] if own else partners.reporting_organisations(uow.session, uow.actor, on=today)
    may_report = partners.may_report(uow.session, own, today) if own else bool(organisations)
    recent = service.signals(uow, view="all", organisation_id=own, size=3) if own else None
    refusal = g.get("refusal")
    return render_template(
        "needs/report.html",
        form={},
        form_id=request.form.get("form_id") or uuid4().hex,
        organisation=partners.names(uow.session, [own]).get(own) if own else None,
        organisations=organisations,
        may_report=may_report,
        places=queries.recent_places(uow.session, own) if own else [],
        tiles=queries.items_at_hand(uow.session, own),
        others=queries.items_by_category(uow.session),
        other_rows=range(OTHER_ROWS),
        heatings=HEATINGS,
        circumstances=CIRCUMSTANCES,
        urgent_facts=URGENT_FACTS,
        recent=recent,
        recent_total=queries.count_signals(uow.session, uow.actor, own) if own else 0,
        words_found=isinstance(refusal, WordsToCheck),
        today=today,
    )


@blueprint.post("/signals/new")
@in_unit_of_work("signals.report", form_view=report_form)
def report(uow: UnitOfWork) -> ResponseReturnValue:
    """Take in a report; the answer says that it arrived, its number and what comes next."""
    wrong: dict[str, list[Message | str]] = {}
    facts = _load(schemas.ReportFields(), request.form, wrong)
    people = _load(schemas.People(), request.form, wrong)
    names, lines = _things(request.form, wrong)
    own = _own_organisation(uow)
    organisation_id = own or facts.get("organisation_id")
    if organisation_id is None:
        wrong["organisation_id"] = [say("Say for which organisation this is reported.")]
    settlement_id = _settlement(uow, facts, wrong)
    if not any(people.values()):
        wrong.setdefault("age_18_64", [say("Say how many people live there: 1 to 30.")])
    if not lines and not any(name.startswith("quantity") or name == "lines" for name in wrong):
        wrong["lines"] = [say("Say what is missing: choose at least one thing.")]
    if wrong:
        raise ReportInvalid(wrong)
    assert organisation_id is not None, "a missing organisation was refused above"
    heating = "none" if facts["no_heating"] else facts["heating"]
    circumstances = ("no_running_water", "no_fridge", "no_road_in_winter", "lone_parent", "access_need")
    told = {name: facts[name] for name in (*circumstances, "baby_without_formula", "sudden_event")}
    try:
        made = service.report(
            uow,
            organisation_id=organisation_id,
            settlement_id=settlement_id,
            reference=facts["reference"] or f"~{facts['form_id'][:32] or uuid4().hex}",
            channel="page" if own else "phone",
            facts={**people, **told, "heating": heating},
            lines=lines,
            **{name: facts[name] for name in ("contact_name", "phone", "street", "note", "words_checked")},
        )
    except Invalid as refusal:
        refusal.fields = {_form_name(name, names): said for name, said in refusal.fields.items()}
        raise
    return redirect(url_for(".sent", signal_id=made.id))


def _own_organisation(uow: UnitOfWork) -> int | None:
    if uow.actor.grants.get("signals.report") is not Scope.ORGANISATION:
        return None
    return next(iter(uow.actor.reach.get(Scope.ORGANISATION, ())), None)


def _load(schema: Any, values: Any, wrong: dict[str, list[Message | str]], prefix: str = "") -> dict[str, Any]:
    """Read fields by a schema; what is wrong is gathered, so that the writer sees all of it at once."""
    errors = schema.validate(values)
    for name, said in errors.items():
        wrong[f"{name}{prefix}"] = list(said) if isinstance(said, list) else [str(said)]
    read: dict[str, Any] = schema.load(
        MultiDict((name, value) for name, value in values.items(multi=True) if name not in errors)
        if hasattr(values, "getlist")
        else {name: value for name, value in values.items() if name not in errors},
        partial=True,
    )
    return {name: field.load_default for name, field in schema.fields.items() if name not in read} | read


def _things(form: MultiDict[str, str], wrong: dict[str, list[Message | str]]) -> tuple[list[str], list[dict[str, Any]]]:
    """Return what was chosen, tiles by the item's id and other things by their row: the form's names, and the lines."""
    names, lines = [], []
    chosen = [(each, each) for each in dict.fromkeys(form.getlist("item"))]
    chosen += [(form[f"other-{row}"], f"other-{row}") for row in range(OTHER_ROWS) if form.get(f"other-{row}")]
    for item_id, name in chosen:
        errors: dict[str, list[Message | str]] = {}
        given = {
            "item_id": item_id,
            "quantity": form.get(f"quantity-{name}", ""),
            "wanted_by": form.get(f"wanted_by-{name}", ""),
            "exact": form.get(f"exact-{name}", ""),
        }
        line = _load(schemas.ThingForm(), given, errors)
        if "item_id" in errors:
            wrong["lines"] = [say("There is no such item. Choose one from the list.")]
            continue
        if not given["quantity"]:
            errors["quantity"] = [say("Write how many.")]
        wrong |= {f"{field}-{name}": said for field, said in errors.items()}
        if not errors:
            names.append(name)
            exact = bool(line.pop("exact"))
            lines.append(line | {"substitutes_accepted": not exact})
    return names, lines


def _form_name(field: str, names: list[str]) -> str:
    """Return the form's name of a field that the service names: lines.0.quantity → quantity-17."""
    parts = field.split(".")
    if len(parts) == 3 and parts[0] == "lines" and parts[1].isdigit() and int(parts[1]) < len(names):
        return f"{parts[2]}-{names[int(parts[1])]}" if parts[2] != "item_id" else "lines"
    return "age_18_64" if field == "size" else field


def _settlement(uow: UnitOfWork, facts: dict[str, Any], wrong: dict[str, list[Message | str]]) -> int | None:
    typed, chosen = facts.get("settlement_id_text") or "", facts.get("settlement_id")
    if chosen is None and not typed:
        wrong.setdefault("settlement_id", [say("Say where the household lives: settlement or postal code.")])
        return None
    if chosen is not None:
        return int(chosen)
    try:
        return queries.settlement_typed(uow.session, settlement_id=None, text=typed)
    except Invalid as refusal:
        wrong |= refusal.fields
        return None


@blueprint.get("/signals/<int:signal_id>/sent")
@in_unit_of_work("signals.report")
def sent(uow: UnitOfWork, signal_id: int) -> ResponseReturnValue:
    """Say that the report arrived, its number, what comes next and by when."""
    row = service.signal(uow, signal_id)
    return render_template(
        "needs/sent.html", row=row, signal=row.signal, verdict=service.preview(uow, row), told=_told(row)
    )


@blueprint.get("/child-in-danger")
@in_unit_of_work("signals.report")
def child_in_danger(uow: UnitOfWork) -> ResponseReturnValue:
    """Lead to the service that protects children: that is another way, and it is not kept here."""
    return render_template("needs/child_in_danger.html", today=uow.now)


# Signals: the coordinator's queue, the partner's own


@blueprint.get("/signals")
@in_unit_of_work("signals.read")
def signals(uow: UnitOfWork) -> ResponseReturnValue:
    """List signals: the queue for who decides, one's own for who reported."""
    if uow.actor.may("signals.triage"):
        return render_template("needs/signals.html", **_queue(uow))
    return render_template("needs/my_signals.html", **_own_signals(uow))


def _queue(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.FindSignals().load(request.args)
    return {
        "page": service.signals(uow, **asked),
        "totals": queries.signal_totals(uow.session, uow.actor, now=uow.now),
        "view": asked["view"],
        "counties": queries.counties(uow.session) if _several_counties(uow, "signals.read") else [],
        "clock": uow.now,
        "due": service.due,
        "kept": _kept("view", "q", "county_id", "urgency"),
    }


def _own_signals(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.FindSignals().load(request.args)
    view = request.args.get("view", "all")
    asked["view"] = view if view in queries.SIGNAL_VIEWS else "all"
    own = next(iter(uow.actor.reach.get(Scope.ORGANISATION, ())), None)
    return {
        "page": service.signals(uow, **asked),
        "total": queries.count_signals(uow.session, uow.actor, own) if own and asked["view"] == "all" else None,
        "view": asked["view"],
        "kept": _kept("view", "q"),
    }


def _kept(*names: str) -> dict[str, str]:
    """Return the filters of the list that a sheet stands beside, for its addresses."""
    return {name: request.args[name] for name in names if request.args.get(name)}


def _several_counties(uow: UnitOfWork, permission: str) -> bool:
    scope = uow.actor.grants.get(permission)
    return scope is Scope.ALL or len(uow.actor.reach.get(Scope.COUNTY, ())) > 1


@blueprint.get("/signals/<int:signal_id>")
@in_unit_of_work("signals.read")
def signal(uow: UnitOfWork, signal_id: int) -> ResponseReturnValue:
    """Show a signal beside its list."""
    row = service.signal(uow, signal_id)
    uow.saw(("signal", signal_id), why="sheet")
    verdict = service.preview(uow, row)
    if not uow.actor.may("signals.triage"):
        shown = _own_signals(uow) | {"row": row, "signal": row.signal, "verdict": verdict, "told": _told(row)}
        shown["refusals"] = REFUSALS
        return render_template("needs/my_signal.html", **shown)
    waits = row.signal.decided_at is None
    refusal = g.get("refusal")
    suggested = service.suggestions(uow, row) if waits else []
    return render_template(
        "needs/signal.html",
        **_queue(uow),
        row=row,
        signal=row.signal,
        verdict=verdict,
        told=_told(row),
        suggested=suggested,
        refusals=REFUSALS,
        given=refusal.facts["items"] if isinstance(refusal, GivenRecently) else None,
        form={},
    )


@blueprint.post("/signals/<int:signal_id>/acknowledge")
@in_unit_of_work("signals.triage", form_view=signal)
def acknowledge(uow: UnitOfWork, signal_id: int) -> ResponseReturnValue:
    """Say that somebody has seen the signal."""
    found = service.acknowledge(uow, signal_id)
    done(say("%(signal)s is acknowledged: its reporter sees that somebody has read it.", signal=found.code))
    return redirect(url_for(".signal", signal_id=signal_id))


@blueprint.post("/signals/<int:signal_id>/confirm")
@in_unit_of_work("signals.triage", form_view=signal)
def confirm(uow: UnitOfWork, signal_id: int) -> ResponseReturnValue:
    """Confirm a signal: a new household, and its needs."""
    asked = schemas.ConfirmForm().load(request.form)
    household = service.confirm(uow, signal_id, again_reason=asked["again_reason"])
    done(say("Confirmed: %(household)s is open, allocation counts with its needs.", household=household.code))
    return redirect(url_for(".signal", signal_id=signal_id))


@blueprint.post("/signals/<int:signal_id>/merge")
@in_unit_of_work("signals.triage", form_view=signal)
def merge(uow: UnitOfWork, signal_id: int) -> ResponseReturnValue:
    """Merge a signal into a known household."""
    asked = schemas.MergeForm().load(request.form)
    household = service.merge(uow, signal_id, asked["household_id"], again_reason=asked["again_reason"])
    done(say("Merged into %(household)s: what it waits for already is not asked for twice.", household=household.code))
    return redirect(url_for(".signal", signal_id=signal_id))


@blueprint.post("/signals/<int:signal_id>/refuse")
@in_unit_of_work("signals.triage", form_view=signal)
def refuse(uow: UnitOfWork, signal_id: int) -> ResponseReturnValue:
    """Say no to a signal, with a reason."""
    asked = schemas.RefuseForm().load(request.form)
    found = service.refuse(uow, signal_id, asked["reason_text"] or asked["reason"])
    done(say("%(signal)s is refused; its reporter reads the reason.", signal=found.code))
    return redirect(url_for(".signal", signal_id=signal_id))


def _told(row: queries.SignalRow) -> dict[str, Any]:
    """Return what a signal tells, ready to be shown."""
    facts = row.signal.facts
    return {
        "size": facts.get("size"),
        "ages": {band: facts.get(band) or 0 for band in queries.HOUSEHOLD_FACTS if band.startswith("age_")},
        "babies": facts.get("age_0_1") or 0,
        "heating": dict(HEATINGS).get(facts.get("heating") or ""),
        "circumstances": [title for name, title in (*URGENT_FACTS, *CIRCUMSTANCES) if facts.get(name) is True],
        "words": [word_check.TITLES[kind] for kind in word_check.kinds([row.signal.note])],
    }


# Households


@blueprint.get("/households")
@in_unit_of_work("households.read")
def households(uow: UnitOfWork) -> ResponseReturnValue:
    """List households by code; each one shown is logged."""
    return render_template("needs/households.html", **_households(uow))


def _households(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.FindHouseholds().load(request.args)
    page = queries.households(uow.session, uow.actor, **asked)
    for row in page.rows:
        uow.saw(("household", row.household.id), why="list")
    return {
        "page": page,
        "view": asked["view"],
        "total": queries.count_households(uow.session, uow.actor) if asked["view"] == "all" else None,
        "counties": queries.counties(uow.session) if _several_counties(uow, "households.read") else [],
        "kept": _kept("view", "q", "county_id"),
    }


@blueprint.get("/households/<int:household_id>")
@in_unit_of_work("households.read")
def household(uow: UnitOfWork, household_id: int) -> ResponseReturnValue:
    """Show a household with its contact; the look is logged."""
    row = queries.household(uow.session, uow.actor, household_id)
    uow.saw(("household", household_id), why="sheet")
    facts = {name: getattr(row.household, name) for name in queries.HOUSEHOLD_FACTS}
    return render_template(
        "needs/household.html",
        **_households(uow),
        row=row,
        household=row.household,
        heating=dict(HEATINGS).get(row.household.heating),
        circumstances=[title for name, title in CIRCUMSTANCES if facts.get(name) is True],
        needs=queries.needs_of(uow.session, household_id),
        signals=queries.signals_of(uow.session, uow.actor, household_id),
        states=STATES,
    )


# Needs


@blueprint.get("/needs")
@in_unit_of_work("needs.read")
def needs(uow: UnitOfWork) -> ResponseReturnValue:
    """List needs."""
    return render_template("needs/needs.html", **_needs(uow))


def _needs(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.FindNeeds().load(request.args)
    if asked["state"] and "view" not in request.args:
        asked["view"] = "all" if asked["state"] in service.OVER else "waiting"
    return {
        "page": queries.needs(uow.session, uow.actor, **asked),
        "totals": queries.need_totals(uow.session, uow.actor),
        "view": asked["view"],
        "states": STATES,
        "categories": [each for each in queries.categories(uow.session) if each.parent_id is None],
        "counties": queries.counties(uow.session) if _several_counties(uow, "needs.read") else [],
        "kept": _kept("view", "state", "urgency", "category_id", "item_id", "county_id", "settlement_id", "q"),
    }


@blueprint.get("/needs/<int:need_id>")
@in_unit_of_work("needs.read")
def need(uow: UnitOfWork, need_id: int) -> ResponseReturnValue:
    """Show a need beside its list."""
    row = queries.need(uow.session, uow.actor, need_id)
    return render_template(
        "needs/need.html",
        **_needs(uow),
        row=row,
        need=row.need,
        history=queries.need_history(uow.session, need_id),
        form={},
    )


@blueprint.post("/needs/<int:need_id>/close")
@in_unit_of_work("needs.change", form_view=need)
def close(uow: UnitOfWork, need_id: int) -> ResponseReturnValue:
    """Close a need; it can be taken back."""
    asked = schemas.CloseForm().load(request.form)
    service.close(uow, need_id, **asked)
    done(say("The need is closed."), undo=url_for(".reopen", need_id=need_id))
    return redirect(url_for(".need", need_id=need_id))


@blueprint.post("/needs/<int:need_id>/reopen")
@in_unit_of_work("needs.change", form_view=need)
def reopen(uow: UnitOfWork, need_id: int) -> ResponseReturnValue:
    """Take back a closing."""
    service.reopen_closed(uow, need_id)
    done(say("The need waits again."))
    return redirect(url_for(".need", need_id=need_id))


@blueprint.post("/needs/<int:need_id>/urgency")
@in_unit_of_work("needs.change", form_view=need)
def override_urgency(uow: UnitOfWork, need_id: int) -> ResponseReturnValue:
    """Put a need into another class, with a reason."""
    asked = schemas.UrgencyForm().load(request.form)
    found = service.override_urgency(uow, need_id, **asked)
    done(say("Urgency class of the need: %(urgency)s.", urgency=found.urgency))
    return redirect(url_for(".need", need_id=need_id))


# The urgency table


@blueprint.get("/urgency")
@in_unit_of_work("needs.read")
def urgency(uow: UnitOfWork, rule_id: int | None = None) -> ResponseReturnValue:
    """Show the urgency table, its changes, and how many needs each class holds."""
    categories = queries.categories(uow.session)
    return render_template(
        "needs/urgency.html",
        rules=queries.rules(uow.session, active=False),
        facts=triage.FACTS,
        categories=categories,
        category_of={each.code: each for each in categories},
        totals=queries.need_totals(uow.session, uow.actor),
        history=queries.rule_history(uow.session),
        opened=rule_id or request.args.get("rule", type=int),
        form={},
    )


@blueprint.post("/urgency/<int:rule_id>")
@in_unit_of_work("urgency.manage", form_view=urgency)
def change_rule(uow: UnitOfWork, rule_id: int) -> ResponseReturnValue:
    """Change a row of the urgency table."""
    asked = schemas.RuleForm().load(request.form)
    service.change_rule(uow, rule_id, **asked)
    done(say("The urgency table is changed; the needs that wait are being judged anew."))
    return redirect(url_for(".urgency"))


@blueprint.post("/urgency")
@in_unit_of_work("urgency.manage", form_view=urgency)
def add_rule(uow: UnitOfWork) -> ResponseReturnValue:
    """Add a row to the urgency table."""
    service.add_rule(uow, **schemas.NewRuleForm().load(request.form))
    done(say("The urgency table has a new row; the needs that wait are being judged anew."))
    return redirect(url_for(".urgency"))
