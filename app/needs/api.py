"""Signals, households, needs and the urgency table, as JSON."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from app.foundation.actor import Scope
from app.foundation.http import in_unit_of_work
from app.foundation.paging import Page
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.needs import queries, schemas, service, triage
from app.needs.errors import ReportInvalid

blueprint = Blueprint("needs-api", __name__, description="Signals, households, needs and how urgent they are")

REPORT_EXAMPLE = {
    "reference": "CSSK-118",
    "settlement": "Csenyéte",
    "facts": {
        "age_0_1": 1,
        "age_2_5": 1,
        "age_6_13": 2,
        "age_18_64": 2,
        "heating": "wood",
        "baby_without_formula": True,
    },
    "lines": [{"item": "FORMULA-1-400G", "quantity": 4}, {"item": "FLOUR-BL55-1KG", "quantity": 5}],
}


# Signals


@blueprint.post("/signals")
@blueprint.etag
@blueprint.arguments(schemas.Report, example=REPORT_EXAMPLE)
@blueprint.response(201, schemas.SignalOut)
@blueprint.alt_response(200, schema=schemas.SignalOut, description="The same report was sent before: this is it")
@blueprint.alt_response(409, description="The reference stands for another report: reference-used")
@in_unit_of_work("signals.report")
def report(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Report a household that lacks something.

    The same organisation and reference is the same signal: sent again with the same content it is answered with what
    is stored; with other content it is refused and nothing changes.
    """
    organisation_id = body.pop("organisation_id") or own_organisation(uow)
    if organisation_id is None:
        raise ReportInvalid({"organisation_id": [say("Say for which organisation this is reported.")]})
    typed = body.pop("settlement")
    settlement_id = body.pop("settlement_id")
    if settlement_id is None:
        settlement_id = queries.settlement_typed(uow.session, settlement_id=None, text=typed)
    told_before = queries.signal_by_reference(uow.session, organisation_id, body["reference"]) is not None
    made = service.report(uow, organisation_id=organisation_id, settlement_id=settlement_id, **body)
    return _signal_out(service.signal(uow, made.id)), 200 if told_before else 201


def own_organisation(uow: UnitOfWork) -> int | None:
    """Return the organisation that the actor reports for."""
    return next(iter(uow.actor.reach.get(Scope.ORGANISATION, ())), None)


@blueprint.get("/signals")
@blueprint.arguments(schemas.FindSignals, location="query", as_kwargs=True)
@blueprint.response(200, schemas.SignalsPage)
@in_unit_of_work("signals.read")
def signals(uow: UnitOfWork, **asked: Any) -> Any:
    """List signals: those that wait by urgency and age, the rest newest first."""
    return _page(service.signals(uow, **asked), _signal_out)


@blueprint.get("/signals/<int:signal_id>")
@blueprint.etag
@blueprint.response(200, schemas.SignalSheet)
@in_unit_of_work("signals.read")
def signal(uow: UnitOfWork, signal_id: int) -> Any:
    """Show a signal. Coordinators see the contact, the grounds and households that may be the same; it is logged."""
    return _signal_sheet(uow, service.signal(uow, signal_id))


@blueprint.post("/signals/<int:signal_id>/acknowledge")
@blueprint.etag
@blueprint.response(200, schemas.SignalOut)
@in_unit_of_work("signals.triage")
def acknowledge(uow: UnitOfWork, signal_id: int) -> Any:
    """Say that somebody has seen the signal; the clock of one working day stops."""
    service.acknowledge(uow, signal_id)
    return _signal_out(service.signal(uow, signal_id))


@blueprint.post("/signals/<int:signal_id>/confirm")
@blueprint.etag
@blueprint.arguments(schemas.ConfirmSignal, example={"household_id": None})
@blueprint.response(200, schemas.SignalSheet)
@blueprint.alt_response(409, description="already-decided, or given-recently: say why it is needed again")
@in_unit_of_work("signals.triage")
def confirm(uow: UnitOfWork, body: dict[str, Any], signal_id: int) -> Any:
    """Confirm a signal: its household is kept, its needs are opened."""
    service.confirm(uow, signal_id, **body)
    return _signal_sheet(uow, service.signal(uow, signal_id))


@blueprint.post("/signals/<int:signal_id>/merge")
@blueprint.etag
@blueprint.arguments(schemas.MergeSignal, example={"household_id": 1204})
@blueprint.response(200, schemas.SignalSheet)
@in_unit_of_work("signals.triage")
def merge(uow: UnitOfWork, body: dict[str, Any], signal_id: int) -> Any:
    """Merge a signal into a known household; what it waits for already is not asked for twice."""
    service.merge(uow, signal_id, body["household_id"], again_reason=body["again_reason"])
    return _signal_sheet(uow, service.signal(uow, signal_id))


@blueprint.post("/signals/<int:signal_id>/refuse")
@blueprint.etag
@blueprint.arguments(schemas.RefuseSignal)
@blueprint.response(200, schemas.SignalOut)
@in_unit_of_work("signals.triage")
def refuse(uow: UnitOfWork, body: dict[str, Any], signal_id: int) -> Any:
    """Say no to a signal; the reporter reads the reason."""
    service.refuse(uow, signal_id, **body)
    return _signal_out(service.signal(uow, signal_id))


def _signal_out(row: queries.SignalRow) -> dict[str, Any]:
    signal = row.signal
    names = (
        *("id", "code", "organisation_id", "channel", "state", "settlement_id", "urgency", "facts", "refusal_reason"),
        *("received_at", "acknowledge_by", "acknowledged_at", "decided_at", "answered_at", "version"),
    )
    return {name: getattr(signal, name) for name in names} | {
        "reference": None if signal.reference.startswith("~") else signal.reference,
        "organisation": row.organisation,
        "outcome": row.outcome,
        "settlement": row.settlement,
        "county": row.county,
        "lines": schemas.lines_out(row),
    }


def _signal_sheet(uow: UnitOfWork, row: queries.SignalRow) -> dict[str, Any]:
    shown = _signal_out(row) | {"household_id": None, "merged_into_id": None, "contact": None, "note": None}
    shown |= {"urgency_grounds": None, "suggestions": None}
    signal = row.signal
    if not uow.actor.may("signals.triage"):
        return shown
    uow.saw(("signal", signal.id), why="api")
    verdict = service.preview(uow, row)
    found = service.suggestions(uow, row) if signal.decided_at is None else []
    return shown | {
        "household_id": signal.household_id,
        "merged_into_id": signal.merged_into_id,
        "contact": _contact(signal),
        "note": signal.note,
        "urgency_grounds": list(verdict.grounds),
        "suggestions": [
            {
                "household_id": each.household_id,
                "code": f"H-{each.household_id}",
                "percent": each.percent,
                "grounds": list(each.grounds),
            }
            for each in found
        ],
    }


def _contact(record: Any) -> dict[str, str | None]:
    return {name: getattr(record, name) for name in ("contact_name", "phone", "street")}


def _page(page: Page[Any], shape: Any) -> dict[str, Any]:
    return {"items": [shape(row) for row in page.rows], "next_after": page.next_after}


# Households


@blueprint.get("/households")
@blueprint.arguments(schemas.FindHouseholds, location="query", as_kwargs=True)
@blueprint.response(200, schemas.HouseholdsPage)
@in_unit_of_work("households.read")
def households(uow: UnitOfWork, **asked: Any) -> Any:
    """List households, newest first, without names. Each one shown is logged."""
    found = queries.households(uow.session, uow.actor, **asked)
    for row in found.rows:
        uow.saw(("household", row.household.id), why="list")
    return _page(found, _household_out)


@blueprint.get("/households/<int:household_id>")
@blueprint.etag
@blueprint.response(200, schemas.HouseholdSheet)
@in_unit_of_work("households.read")
def household(uow: UnitOfWork, household_id: int) -> Any:
    """Show a household with its contact and needs. The look is logged."""
    row = queries.household(uow.session, uow.actor, household_id)
    uow.saw(("household", household_id), why="api")
    needs = queries.needs_of(uow.session, household_id)
    return _household_out(row) | {
        "contact": _contact(row.household),
        "needs": [_need_out(queries.NeedRow(need, item, row.settlement, row.county, 0)) for need, item in needs],
    }


def _household_out(row: queries.HouseholdRow) -> dict[str, Any]:
    household = row.household
    names = ("id", "code", "settlement_id", "county_id", "opened_at", "last_handed_over_at", "version")
    return {name: getattr(household, name) for name in names} | {
        "settlement": row.settlement,
        "facts": {name: getattr(household, name) for name in queries.HOUSEHOLD_FACTS},
        "waiting": row.waiting,
        "urgency": row.urgency,
    }


# Needs


@blueprint.get("/needs")
@blueprint.arguments(schemas.FindNeeds, location="query", as_kwargs=True)
@blueprint.response(200, schemas.NeedsPage)
@in_unit_of_work("needs.read")
def needs(uow: UnitOfWork, **asked: Any) -> Any:
    """List needs: those that wait by urgency and age, the rest newest first."""
    return _page(queries.needs(uow.session, uow.actor, **asked), _need_out)


@blueprint.get("/needs/<int:need_id>")
@blueprint.etag
@blueprint.response(200, schemas.NeedOut)
@in_unit_of_work("needs.read")
def need(uow: UnitOfWork, need_id: int) -> Any:
    """Show a need."""
    row = queries.need(uow.session, uow.actor, need_id)
    _tell_version(row.need)
    return _need_out(row)


@blueprint.put("/needs/<int:need_id>/urgency")
@blueprint.etag
@blueprint.arguments(schemas.NeedUrgency, example={"urgency": 1, "reason": "The old blanket burnt."})
@blueprint.response(200, schemas.NeedOut)
@in_unit_of_work("needs.change")
def override_urgency(uow: UnitOfWork, body: dict[str, Any], need_id: int) -> Any:
    """Put a need into another class, with a reason; null lets the table decide again."""
    _check_version(queries.need(uow.session, uow.actor, need_id).need)
    service.override_urgency(uow, need_id, **body)
    return _need_again(uow, need_id)


@blueprint.post("/needs/<int:need_id>/close")
@blueprint.etag
@blueprint.arguments(schemas.CloseNeed, example={"state": "not_needed", "reason": "They got it elsewhere."})
@blueprint.response(200, schemas.NeedOut)
@in_unit_of_work("needs.change")
def close(uow: UnitOfWork, body: dict[str, Any], need_id: int) -> Any:
    """Close a need: not needed any more, or it cannot be met. What was reserved goes back to the shelf."""
    service.close(uow, need_id, **body)
    return _need_again(uow, need_id)


@blueprint.post("/needs/<int:need_id>/reopen")
@blueprint.etag
@blueprint.response(200, schemas.NeedOut)
@in_unit_of_work("needs.change")
def reopen(uow: UnitOfWork, need_id: int) -> Any:
    """Take back a closing."""
    service.reopen_closed(uow, need_id)
    return _need_again(uow, need_id)


def _need_again(uow: UnitOfWork, need_id: int) -> dict[str, Any]:
    uow.session.flush()
    row = queries.need(uow.session, uow.actor, need_id)
    _tell_version(row.need)
    return _need_out(row)


def _need_out(row: queries.NeedRow) -> dict[str, Any]:
    need = row.need
    names = (
        *("id", "household_id", "signal_id", "item_id", "settlement_id", "county_id", "quantity", "quantity_reserved"),
        *("quantity_handed_over", "state", "urgency", "urgency_grounds", "urgency_override"),
        *("urgency_override_reason", "substitutes_accepted", "wanted_by", "opened_at", "closed_at", "close_reason"),
        "version",
    )
    return {name: getattr(need, name) for name in names} | {
        "household": f"H-{need.household_id}",
        "item": row.item.code,
        "settlement": row.settlement,
    }


def _tell_version(record: Any) -> None:
    blueprint.set_etag({"id": record.id, "version": record.version})


def _check_version(record: Any) -> None:
    blueprint.check_etag({"id": record.id, "version": record.version})


# The urgency table


@blueprint.get("/urgency-rules")
@blueprint.etag
@blueprint.response(200, schemas.UrgencyRuleOut(many=True))
@in_unit_of_work("needs.read")
def rules(uow: UnitOfWork) -> Any:
    """Show the urgency table in its order."""
    return [_rule_out(rule) for rule in queries.rules(uow.session, active=False)]


@blueprint.post("/urgency-rules")
@blueprint.etag
@blueprint.arguments(schemas.NewUrgencyRule, example={"fact": "waiting_days", "threshold": 30, "urgency": 2})
@blueprint.response(201, schemas.UrgencyRuleOut)
@in_unit_of_work("urgency.manage")
def add_rule(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Add a row; needs that wait are judged anew."""
    made = service.add_rule(uow, **body)
    _tell_version(made)
    return _rule_out(made)


@blueprint.get("/urgency-rules/<int:rule_id>")
@blueprint.etag
@blueprint.response(200, schemas.UrgencyRuleOut)
@in_unit_of_work("needs.read")
def rule(uow: UnitOfWork, rule_id: int) -> Any:
    """Show one row."""
    found = _rule(uow, rule_id)
    _tell_version(found)
    return _rule_out(found)


@blueprint.put("/urgency-rules/<int:rule_id>")
@blueprint.etag
@blueprint.arguments(
    schemas.UrgencyRuleChange, example={"urgency": 2, "threshold": 30, "category": None, "active": True}
)
@blueprint.response(200, schemas.UrgencyRuleOut)
@in_unit_of_work("urgency.manage")
def change_rule(uow: UnitOfWork, body: dict[str, Any], rule_id: int) -> Any:
    """Change a row; needs that wait are judged anew."""
    _check_version(_rule(uow, rule_id))
    changed = service.change_rule(uow, rule_id, **body)
    _tell_version(changed)
    return _rule_out(changed)


def _rule(uow: UnitOfWork, rule_id: int) -> Any:
    return queries.rule(uow.session, rule_id)


def _rule_out(rule: Any) -> dict[str, Any]:
    names = ("id", "position", "fact", "threshold", "category", "urgency", "active", "changed_at", "version")
    return {name: getattr(rule, name) for name in names} | {"title": triage.FACTS[rule.fact].title}
