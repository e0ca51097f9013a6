"""Wire shapes of signals, households and needs."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from app.foundation.fields import Choice, Form, Line, Moment, Paged, WholeNumber, Wire, Worded
from app.needs import queries, triage
from app.needs.models import AGE_BANDS, Heating, NeedState, SignalState
from app.needs.service import CHANNELS, LINES_MAX, QUANTITY_MAX

NOTE_MAX = 2000
REASON_MAX = 500


# What is asked --------------------------------------------------------------------------------------------------------


class FindSignals(Paged):
    """What a list of signals is narrowed to."""

    view = Choice(queries.SIGNAL_VIEWS, load_default="waiting", metadata={"description": "saved view of the queue"})
    q = Line(load_default=None, most=100, metadata={"description": "code, settlement or the partner's reference"})
    county_id = WholeNumber(least=1, load_default=None)
    urgency = WholeNumber(least=1, most=4, load_default=None)
    organisation_id = WholeNumber(least=1, load_default=None)


class FindHouseholds(Paged):
    """What a list of households is narrowed to."""

    view = Choice(("waiting", "all"), load_default="waiting")
    q = Line(load_default=None, most=100, metadata={"description": "code or settlement"})
    county_id = WholeNumber(least=1, load_default=None)


class FindNeeds(Paged):
    """What a list of needs is narrowed to."""

    view = Choice(queries.NEED_VIEWS, load_default="waiting")
    state = Choice(NeedState, load_default=None)
    urgency = WholeNumber(least=1, most=4, load_default=None)
    category_id = WholeNumber(least=1, load_default=None)
    item_id = WholeNumber(least=1, load_default=None)
    county_id = WholeNumber(least=1, load_default=None)
    settlement_id = WholeNumber(least=1, load_default=None)
    q = Line(load_default=None, most=100, metadata={"description": "code of household or signal, item, settlement"})


class HouseholdFacts(Wire):
    """Who lives there and how; what is not known is left out."""

    size = WholeNumber(least=1, most=30, load_default=None, allow_none=True, metadata={"example": 6})
    age_0_1 = WholeNumber(least=0, most=30, load_default=0, metadata={"example": 1})
    age_2_5 = WholeNumber(least=0, most=30, load_default=0, metadata={"example": 1})
    age_6_13 = WholeNumber(least=0, most=30, load_default=0, metadata={"example": 2})
    age_14_17 = WholeNumber(least=0, most=30, load_default=0)
    age_18_64 = WholeNumber(least=0, most=30, load_default=0, metadata={"example": 2})
    age_65_up = WholeNumber(least=0, most=30, load_default=0)
    heating = Choice(Heating, load_default=str(Heating.UNKNOWN))
    no_running_water = fields.Boolean(load_default=False)
    no_fridge = fields.Boolean(load_default=False)
    no_road_in_winter = fields.Boolean(load_default=False)
    lone_parent = fields.Boolean(load_default=False)
    access_need = fields.Boolean(load_default=False)
    baby_formula = fields.Boolean(load_default=False)
    baby_without_formula = fields.Boolean(
        load_default=False, metadata={"description": "there is nothing to feed the baby today", "example": True}
    )
    sudden_event = fields.Boolean(load_default=False, metadata={"description": "fire, eviction or death"})


class AskedLine(Wire):
    """One thing that is missing: an item by id or by code."""

    item_id = WholeNumber(least=1, load_default=None, allow_none=True)
    item = Line(most=100, load_default=None, allow_none=True, metadata={"example": "FLOUR-BL55-1KG"})
    quantity = WholeNumber(least=1, most=QUANTITY_MAX, required=True, metadata={"example": 5})
    wanted_by = fields.Date(load_default=None, allow_none=True)
    substitutes_accepted = fields.Boolean(load_default=True)


class Report(Wire):
    """A household that lacks something. The same organisation and reference is the same signal."""

    organisation_id = WholeNumber(
        least=1, load_default=None, allow_none=True, metadata={"description": "left out: the reporter's own"}
    )
    reference = Line(
        required=True,
        least=1,
        most=100,
        metadata={
            "description": "your own number of the case; sent again it is the same signal",
            "example": "CSSK-118",
        },
    )
    settlement_id = WholeNumber(least=1, load_default=None, allow_none=True)
    settlement = Line(
        load_default="",
        most=100,
        metadata={"description": "name or postal code instead of the id", "example": "Csenyéte"},
    )
    facts = fields.Nested(HouseholdFacts, required=True)
    lines = fields.List(fields.Nested(AskedLine), required=True, validate=validate.Length(min=1, max=LINES_MAX))
    channel = Choice(CHANNELS, load_default="api")
    contact_name = Line(load_default=None, allow_none=True, most=200)
    phone = Line(load_default=None, allow_none=True, most=100)
    street = Line(load_default=None, allow_none=True, most=200)
    note = Line(load_default=None, allow_none=True, most=NOTE_MAX)
    words_checked = fields.Boolean(
        load_default=False,
        metadata={"description": "the writer has looked at the words the check found, and they may stay"},
    )


class ConfirmSignal(Wire):
    """Confirm a signal; with a household when it is known."""

    household_id = WholeNumber(least=1, load_default=None, allow_none=True)
    again_reason = Line(load_default=None, allow_none=True, most=REASON_MAX)


class ConfirmForm(Form):
    """The same from a form."""

    again_reason = Line(load_default=None, most=REASON_MAX)


class MergeSignal(Wire):
    """Merge a signal into a known household."""

    household_id = WholeNumber(least=1, required=True)
    again_reason = Line(load_default=None, allow_none=True, most=REASON_MAX)


class MergeForm(Form):
    """The same from a form."""

    household_id = WholeNumber(least=1, required=True)
    again_reason = Line(load_default=None, most=REASON_MAX)


class RefuseSignal(Wire):
    """Say no to a signal."""

    reason = Line(required=True, least=1, most=REASON_MAX, metadata={"example": "not_found"})


class RefuseForm(Form):
    """The same from a form: a reason from the list, or in words."""

    reason = Line(load_default="", most=REASON_MAX)
    reason_text = Line(load_default="", most=REASON_MAX)


CLOSING = (str(NeedState.NOT_NEEDED), str(NeedState.CANNOT_BE_MET))


class CloseNeed(Wire):
    """Close a need."""

    state = Choice(CLOSING, load_default=str(NeedState.NOT_NEEDED))
    reason = Line(required=True, least=1, most=REASON_MAX)


class CloseForm(Form):
    """The same from a form."""

    state = Choice(CLOSING, load_default=str(NeedState.NOT_NEEDED))
    reason = Line(load_default="", most=REASON_MAX)


class NeedUrgency(Wire):
    """Another class than the table says; null lets the table decide again."""

    urgency = WholeNumber(least=1, most=4, required=True, allow_none=True)
    reason = Line(load_default=None, allow_none=True, most=REASON_MAX)


class UrgencyForm(Form):
    """The same from a form."""

    urgency = WholeNumber(least=1, most=4, load_default=None)
    reason = Line(load_default="", most=REASON_MAX)
    version = WholeNumber(least=1, load_default=None)


class UrgencyRuleChange(Wire):
    """A row of the urgency table."""

    urgency = WholeNumber(least=1, most=4, required=True)
    threshold = WholeNumber(least=0, most=3650, load_default=None, allow_none=True)
    category = Line(load_default=None, allow_none=True, most=60)
    active = fields.Boolean(load_default=True)


class NewUrgencyRule(Wire):
    """A new row of the urgency table."""

    fact = Choice(triage.FACTS, required=True)
    urgency = WholeNumber(least=1, most=4, required=True)
    threshold = WholeNumber(least=0, most=3650, load_default=None, allow_none=True)
    category = Line(load_default=None, allow_none=True, most=60)


class RuleForm(Form):
    """A changed row from a form."""

    urgency = WholeNumber(least=1, most=4, required=True)
    threshold = WholeNumber(least=0, most=3650, load_default=None)
    category = Line(load_default=None, most=60)
    active = fields.Boolean(load_default=False)
    version = WholeNumber(least=1, required=True)


class NewRuleForm(Form):
    """A new row from a form."""

    fact = Choice(triage.FACTS, required=True)
    urgency = WholeNumber(least=1, most=4, required=True)
    threshold = WholeNumber(least=0, most=3650, load_default=None)
    category = Line(load_default=None, most=60)


class ReportFields(Form):
    """The fields of the report page that stand alone; people and things are gathered beside them."""

    organisation_id = WholeNumber(least=1, load_default=None)
    reference = Line(load_default="", most=100)
    form_id = Line(load_default="", most=40)
    settlement_id = WholeNumber(least=1, load_default=None)
    settlement_id_text = Line(load_default="", most=100)
    heating = Choice(Heating, load_default=str(Heating.UNKNOWN))
    no_heating = fields.Boolean(load_default=False)
    no_running_water = fields.Boolean(load_default=False)
    no_fridge = fields.Boolean(load_default=False)
    no_road_in_winter = fields.Boolean(load_default=False)
    lone_parent = fields.Boolean(load_default=False)
    access_need = fields.Boolean(load_default=False)
    baby_without_formula = fields.Boolean(load_default=False)
    sudden_event = fields.Boolean(load_default=False)
    contact_name = Line(load_default=None, most=200)
    phone = Line(load_default=None, most=100)
    street = Line(load_default=None, most=200)
    note = Line(load_default=None, most=NOTE_MAX)
    words_checked = fields.Boolean(load_default=False)


class People(Form):
    """How many people of each age."""

    age_0_1 = WholeNumber(least=0, most=30, load_default=0)
    age_2_5 = WholeNumber(least=0, most=30, load_default=0)
    age_6_13 = WholeNumber(least=0, most=30, load_default=0)
    age_14_17 = WholeNumber(least=0, most=30, load_default=0)
    age_18_64 = WholeNumber(least=0, most=30, load_default=0)
    age_65_up = WholeNumber(least=0, most=30, load_default=0)


assert tuple(People().fields) == AGE_BANDS, "the page asks for every age band"


class ThingForm(Form):
    """One thing chosen on the report page."""

    item_id = WholeNumber(least=1, required=True)
    quantity = WholeNumber(least=1, most=QUANTITY_MAX, required=True)
    wanted_by = fields.Date(load_default=None)
    exact = fields.Boolean(load_default=False)


# Answers --------------------------------------------------------------------------------------------------------------


class SignalLineOut(Wire):
    """One thing asked for, and what became of it."""

    item_id = fields.Integer()
    item = fields.String(metadata={"description": "the item's code"})
    quantity = fields.Integer()
    wanted_by = fields.Date(allow_none=True)
    substitutes_accepted = fields.Boolean()
    need_state = fields.String(allow_none=True, metadata={"enum": [str(state) for state in NeedState]})
    handed_over = fields.Integer(metadata={"description": "how many of it were handed over"})


class SignalOut(Wire):
    """A signal as its reporter and the coordinators see it."""

    id = fields.Integer()
    code = fields.String(metadata={"example": "J-4711"})
    reference = fields.String(allow_none=True)
    organisation_id = fields.Integer()
    organisation = fields.String()
    channel = fields.String()
    state = fields.String(metadata={"enum": [str(state) for state in SignalState]})
    outcome = fields.String(
        metadata={
            "enum": [
                "received", "acknowledged", "refused", "helping", "on_the_way", "handed_over", "partly", "not_met",
            ]
        }
    )  # fmt: skip
    settlement_id = fields.Integer()
    settlement = fields.String()
    county = fields.String()
    urgency = fields.Integer()
    facts = fields.Dict(keys=fields.String())
    lines = fields.List(fields.Nested(SignalLineOut))
    refusal_reason = fields.String(allow_none=True)
    received_at = Moment()
    acknowledge_by = Moment()
    acknowledged_at = Moment(allow_none=True)
    decided_at = Moment(allow_none=True)
    answered_at = Moment(allow_none=True)
    version = fields.Integer()


class HouseholdContact(Wire):
    """How the household is reached; each look is logged."""

    contact_name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    street = fields.String(allow_none=True)


class KnownHousehold(Wire):
    """A known household that may be the same."""

    household_id = fields.Integer()
    code = fields.String()
    percent = fields.Integer()
    grounds = fields.List(Worded())


class SignalSheet(SignalOut):
    """A signal with all that a coordinator decides by."""

    household_id = fields.Integer(allow_none=True)
    merged_into_id = fields.Integer(allow_none=True)
    contact = fields.Nested(HouseholdContact, allow_none=True)
    note = fields.String(allow_none=True)
    urgency_grounds = fields.List(Worded(), allow_none=True)
    suggestions = fields.List(fields.Nested(KnownHousehold), allow_none=True)


class SignalsPage(Wire):
    """Some signals, and the mark after which the next begin."""

    items = fields.List(fields.Nested(SignalOut))
    next_after = fields.String(allow_none=True)


class NeedOut(Wire):
    """A need."""

    id = fields.Integer()
    household_id = fields.Integer()
    household = fields.String(metadata={"example": "H-1204"})
    signal_id = fields.Integer(allow_none=True)
    item_id = fields.Integer()
    item = fields.String(metadata={"description": "the item's code"})
    settlement_id = fields.Integer()
    settlement = fields.String()
    county_id = fields.Integer()
    quantity = fields.Integer()
    quantity_reserved = fields.Integer()
    quantity_handed_over = fields.Integer()
    state = fields.String(metadata={"enum": [str(state) for state in NeedState]})
    urgency = fields.Integer()
    urgency_grounds = fields.List(Worded())
    urgency_override = fields.Integer(allow_none=True)
    urgency_override_reason = fields.String(allow_none=True)
    substitutes_accepted = fields.Boolean()
    wanted_by = fields.Date(allow_none=True)
    opened_at = Moment()
    closed_at = Moment(allow_none=True)
    close_reason = fields.String(allow_none=True)
    version = fields.Integer()


class NeedsPage(Wire):
    """Some needs, and the mark after which the next begin."""

    items = fields.List(fields.Nested(NeedOut))
    next_after = fields.String(allow_none=True)


class HouseholdOut(Wire):
    """A household: its code and facts, no name."""

    id = fields.Integer()
    code = fields.String(metadata={"example": "H-1204"})
    settlement_id = fields.Integer()
    settlement = fields.String()
    county_id = fields.Integer()
    facts = fields.Dict(keys=fields.String())
    waiting = fields.Integer(metadata={"description": "needs that wait"})
    urgency = fields.Integer(allow_none=True, metadata={"description": "class of the most urgent need that waits"})
    opened_at = Moment()
    last_handed_over_at = Moment(allow_none=True)
    version = fields.Integer()


class HouseholdSheet(HouseholdOut):
    """A household with its contact and needs. Each look is logged."""

    contact = fields.Nested(HouseholdContact)
    needs = fields.List(fields.Nested(NeedOut))


class HouseholdsPage(Wire):
    """Some households, and the mark after which the next begin."""

    items = fields.List(fields.Nested(HouseholdOut))
    next_after = fields.String(allow_none=True)


class UrgencyRuleOut(Wire):
    """A row of the urgency table."""

    id = fields.Integer()
    position = fields.Integer()
    fact = fields.String()
    title = Worded()
    threshold = fields.Integer(allow_none=True)
    category = fields.String(allow_none=True)
    urgency = fields.Integer()
    active = fields.Boolean()
    changed_at = Moment()
    version = fields.Integer()


def lines_out(row: queries.SignalRow) -> list[dict[str, Any]]:
    """Return the lines of a signal as the answer shows them."""
    return [
        {
            "item_id": each.item.id,
            "item": each.item.code,
            "quantity": each.line.quantity,
            "wanted_by": each.line.wanted_by,
            "substitutes_accepted": each.line.substitutes_accepted,
            "need_state": each.need.state if each.need else None,
            "handed_over": min(each.need.quantity_handed_over, each.line.quantity) if each.need else 0,
        }
        for each in row.asked
    ]
