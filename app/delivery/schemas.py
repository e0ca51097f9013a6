"""Wire shapes of delivery: queries, forms, operations' payloads, JSON bodies and answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from app.delivery.states import FAILURES, ParcelState, RunState, StopState
from app.foundation.fields import QUANTITY_MAX, Choice, Form, Id, Line, Moment, Paged, WholeNumber, Wire
from app.foundation.words import say

RELATIONS = ("self", "family_member", "neighbour", "institution")
STORAGE = ("ambient", "chilled", "frozen", "bulky", "hazardous")
LICENCES = ("B", "BE", "C1", "C", "CE")
UUID_EXAMPLE = "0192f6a0-7c1b-7d55-8a3e-1f2d3c4b5a69"


# Queries --------------------------------------------------------------------------------------------------------------


class FindRuns(Paged):
    """What a list of runs is narrowed to."""

    on = fields.Date(load_default=None)
    since = fields.Date(load_default=None)
    warehouse_id = Id(load_default=None)
    county_id = Id(load_default=None)
    state = Choice(RunState, load_default=None)
    vehicle_id = Id(load_default=None)
    driver_id = Id(load_default=None)


class FindRunsOnPage(FindRuns):
    """The same on a page: the view says which day."""

    view = Choice(("today", "tomorrow", "all"), load_default="today")


class FindFleet(Paged):
    """What a list of vehicles or drivers is narrowed to."""

    q = Line(load_default=None, most=60)
    warehouse_id = Id(load_default=None)
    retired = fields.Boolean(load_default=False)


# Bodies ---------------------------------------------------------------------------------------------------------------


class Deed(Wire):
    """One deed with its own number: sent twice it is done once."""

    operation_id = fields.UUID(required=True, metadata={"example": UUID_EXAMPLE})
    happened_at = Moment(load_default=None, allow_none=True)


class LineGiven(Wire):
    """How much of one line was handed over."""

    line_id = Id(required=True)
    quantity = WholeNumber(least=0, most=QUANTITY_MAX, required=True)


class _Quantities:
    """Turns [{line_id, quantity}] into a mapping."""

    @post_load
    def as_mapping(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return quantities by line."""
        given = data.get("quantities")
        if given is not None:
            if len({each["line_id"] for each in given}) < len(given):
                raise ValidationError({"quantities": [say("Name each line once.")]})
            data["quantities"] = {each["line_id"]: each["quantity"] for each in given}
        return data


class HandOver(_Quantities, Deed):
    """A parcel handed over, with a code or a signature."""

    relation = Choice(RELATIONS, required=True, metadata={"example": "self"})
    code = Line(load_default=None, allow_none=True, most=20, metadata={"example": "482913"})
    signature = fields.List(
        fields.List(fields.List(fields.Float())),
        load_default=None,
        allow_none=True,
        metadata={"description": "strokes: [[[x, y, milliseconds], …], …]"},
    )
    quantities = fields.List(fields.Nested(LineGiven), load_default=None, allow_none=True)


class Failure(Wire):
    """Why a parcel could not be handed over."""

    reason = Choice(FAILURES, required=True)
    happened_at = Moment(load_default=None, allow_none=True)


class BringBack(Deed):
    """A parcel back at the warehouse."""

    reason = Line(load_default=None, allow_none=True, most=200)
    to_place_id = Id(load_default=None, allow_none=True)


class Close(Wire):
    """The end of a run; what is missing is explained by whoever may write off."""

    explanation = Line(load_default=None, allow_none=True, most=300)


class Withdraw(Wire):
    """A run that will not happen."""

    reason = Line(load_default=None, allow_none=True, most=300)


class DriverGiven(Wire):
    """Another driver for a run."""

    driver_id = Id(required=True, allow_none=True)


class StopIn(Wire):
    """A stop of a run drafted by hand."""

    settlement_id = Id(required=True)
    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    lon = fields.Float(required=True, validate=validate.Range(-180, 180))
    arrives_at = Moment(required=True)
    leaves_at = Moment(required=True)
    window_from = Moment(load_default=None, allow_none=True)
    window_until = Moment(load_default=None, allow_none=True)
    parcel_ids = fields.List(Id(), required=True, validate=validate.Length(min=1, max=500))


class RunIn(Wire):
    """A run drafted by hand."""

    on = fields.Date(required=True)
    vehicle_id = Id(required=True)
    driver_id = Id(load_default=None, allow_none=True)
    departs_at = Moment(required=True)
    returns_at = Moment(required=True)
    distance_m = WholeNumber(least=0, most=2_000_000, required=True)
    cost_huf = WholeNumber(least=0, most=10**9, load_default=0)
    stops = fields.List(fields.Nested(StopIn), required=True, validate=validate.Length(min=1, max=200))

    @validates_schema
    def ends_after_start(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse a run that comes back before it leaves."""
        if data.get("departs_at") and data.get("returns_at") and data["returns_at"] <= data["departs_at"]:
            raise ValidationError("Must be after departs_at.", "returns_at")


class VehicleFacts(Wire):
    """What a vehicle is and costs."""

    model = Line(most=80)
    capacity_g = WholeNumber(least=1, most=40_000_000)
    capacity_ml = WholeNumber(least=1, most=100_000_000)
    capacity_pallets = WholeNumber(least=0, most=40)
    storage_classes = fields.List(Choice(STORAGE), validate=validate.Length(min=1))
    tail_lift = fields.Boolean()
    licence = Choice(LICENCES)
    cost_fixed_huf = WholeNumber(least=0, most=10**9)
    cost_per_km_huf = WholeNumber(least=0, most=10**6)
    cost_per_hour_huf = WholeNumber(least=0, most=10**6)
    lent_by = Line(most=120, allow_none=True)
    active = fields.Boolean()


class VehicleIn(VehicleFacts):
    """A vehicle for the fleet."""

    plate = Line(required=True, least=2, most=20, metadata={"example": "PLN-407"})
    warehouse_id = Id(required=True)
    capacity_g = WholeNumber(least=1, most=40_000_000, required=True)
    capacity_ml = WholeNumber(least=1, most=100_000_000, required=True)


class AbsenceIn(Wire):
    """Days on which a vehicle is not to be had."""

    since = fields.Date(required=True)
    until = fields.Date(required=True)
    reason = Line(load_default=None, allow_none=True, most=120)


class DriverFacts(Wire):
    """What a driver may drive, and when."""

    name = Line(least=1, most=120)
    licence = Choice(LICENCES)
    vehicle_id = Id(allow_none=True)
    shift_starts_at = fields.Time()
    shift_ends_at = fields.Time()
    volunteer = fields.Boolean()
    active = fields.Boolean()


class DriverIn(DriverFacts):
    """A driver for the fleet."""

    name = Line(required=True, least=1, most=120, metadata={"example": "Tóth Béla"})
    warehouse_id = Id(required=True)


# Operations' payloads -------------------------------------------------------------------------------------------------


class LoadPayload(Wire):
    """A parcel put on the vehicle of a run."""

    parcel_id = Id(required=True)
    run_id = Id(required=True)


class PackPayload(Wire):
    """A parcel packed in staging, or in another place."""

    parcel_id = Id(required=True)
    to_place_id = Id(load_default=None, allow_none=True)


class Pack(Deed):
    """A parcel packed in staging, or in another place."""

    to_place_id = Id(load_default=None, allow_none=True)


class PickedLine(Schema):
    """So much of a lot for a parcel, to be taken from a place or from the box that stands there."""

    place = fields.String()
    box = fields.String(allow_none=True)
    place_id = fields.Integer()
    lot_id = fields.Integer()
    item_id = fields.Integer()
    quantity = fields.Integer()
    expires_on = fields.Date(allow_none=True)
    reservation_id = fields.Integer()
    parcel_id = fields.Integer()


class RunPickListOut(Schema):
    """What to take for the parcels of a run, as one walks."""

    items = fields.List(fields.Nested(PickedLine))
    packed = fields.List(fields.Integer(), metadata={"description": "Parcels of which nothing is left to be taken."})


class ParcelPayload(Wire):
    """A parcel taken off again."""

    parcel_id = Id(required=True)


class HandOverPayload(_Quantities, Wire):
    """A parcel handed over at a door."""

    parcel_id = Id(required=True)
    relation = Choice(RELATIONS, required=True)
    code = Line(load_default=None, allow_none=True, most=20)
    signature = fields.List(fields.List(fields.List(fields.Float())), load_default=None, allow_none=True)
    quantities = fields.List(fields.Nested(LineGiven), load_default=None, allow_none=True)


class FailPayload(Wire):
    """A parcel that could not be handed over."""

    parcel_id = Id(required=True)
    reason = Choice(FAILURES, required=True)


class BringBackPayload(Wire):
    """A parcel back at the warehouse."""

    parcel_id = Id(required=True)
    reason = Line(load_default=None, allow_none=True, most=200)
    to_place_id = Id(load_default=None, allow_none=True)


# Forms ----------------------------------------------------------------------------------------------------------------


class DeedForm(Form):
    """A button with its own number."""

    operation_id = fields.UUID(load_default=None)


class HandOverForm(Form):
    """The proof as the driver's page sends it."""

    operation_id = fields.UUID(load_default=None)
    relation = Choice(RELATIONS, load_default="")
    proof = Choice(("code", "signature"), load_default="code")
    code = Line(load_default=None, most=20)
    signature = fields.Raw(load_default=None)

    @post_load
    def read_strokes(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Read the strokes out of the hidden field."""
        written = data.get("signature")
        try:
            data["signature"] = json.loads(written) if isinstance(written, str) and len(written) < 400_000 else None
        except (ValueError, RecursionError):
            data["signature"] = None
        return data


class FailureForm(Form):
    """Why it could not be handed over."""

    reason = Choice(FAILURES, load_default="")


class CloseForm(Form):
    """The end of a run."""

    explanation = Line(load_default=None, most=300)


class DriverGivenForm(Form):
    """Another driver for a run."""

    driver_id = Id(load_default=None)


class VehicleForm(Form):
    """A vehicle as its form sends it: kilograms and litres."""

    plate = Line(load_default="", most=20)
    warehouse_id = Id(load_default=None)
    model = Line(load_default="", most=80)
    capacity_kg = WholeNumber(least=1, most=40_000, required=True)
    capacity_l = WholeNumber(least=1, most=100_000, required=True)
    capacity_pallets = WholeNumber(least=0, most=40, load_default=0)
    storage_classes = fields.List(Choice(STORAGE), load_default=lambda: ["ambient"])
    tail_lift = fields.Boolean(load_default=False)
    licence = Choice(LICENCES, load_default="B")
    cost_fixed_huf = WholeNumber(least=0, most=10**9, load_default=0)
    cost_per_km_huf = WholeNumber(least=0, most=10**6, load_default=0)
    cost_per_hour_huf = WholeNumber(least=0, most=10**6, load_default=0)
    lent_by = Line(load_default=None, most=120)
    active = fields.Boolean(load_default=False)
    version = WholeNumber(least=1, load_default=None)

    @post_load
    def in_small_units(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return grams and millilitres."""
        data["capacity_g"] = data.pop("capacity_kg") * 1000
        data["capacity_ml"] = data.pop("capacity_l") * 1000
        return data


class DriverForm(Form):
    """A driver as the form sends it."""

    name = Line(load_default="", most=120)
    warehouse_id = Id(load_default=None)
    licence = Choice(LICENCES, load_default="B")
    vehicle_id = Id(load_default=None)
    shift_starts_at = fields.Time(required=True)
    shift_ends_at = fields.Time(required=True)
    volunteer = fields.Boolean(load_default=False)
    active = fields.Boolean(load_default=False)
    version = WholeNumber(least=1, load_default=None)


class AbsenceForm(Form):
    """Days away, as the form sends them."""

    since = fields.Date(required=True)
    until = fields.Date(required=True)
    reason = Line(load_default=None, most=120)


# Answers --------------------------------------------------------------------------------------------------------------


class VehicleOut(Schema):
    """A vehicle."""

    id = fields.Integer()
    plate = fields.String()
    model = fields.String()
    warehouse_id = fields.Integer()
    county_id = fields.Integer()
    place_id = fields.Integer(metadata={"description": "its place in the ledger"})
    capacity_g = fields.Integer()
    capacity_ml = fields.Integer()
    capacity_pallets = fields.Integer()
    storage_classes = fields.List(fields.String())
    tail_lift = fields.Boolean()
    licence = fields.String()
    cost_fixed_huf = fields.Integer()
    cost_per_km_huf = fields.Integer()
    cost_per_hour_huf = fields.Integer()
    lent_by = fields.String(allow_none=True)
    active = fields.Boolean()
    version = fields.Integer()


class VehiclesOut(Schema):
    """Some vehicles."""

    items = fields.List(fields.Nested(VehicleOut))
    next_after = fields.String(allow_none=True)


class AbsenceOut(Schema):
    """Days on which a vehicle is not to be had."""

    id = fields.Integer()
    vehicle_id = fields.Integer()
    since = fields.Date()
    until = fields.Date()
    reason = fields.String(allow_none=True)


class DriverOut(Schema):
    """A driver."""

    id = fields.Integer()
    name = fields.String()
    licence = fields.String()
    warehouse_id = fields.Integer()
    county_id = fields.Integer()
    vehicle_id = fields.Integer(allow_none=True)
    shift_starts_at = fields.Time()
    shift_ends_at = fields.Time()
    volunteer = fields.Boolean()
    active = fields.Boolean()
    version = fields.Integer()


class DriversOut(Schema):
    """Some drivers."""

    items = fields.List(fields.Nested(DriverOut))
    next_after = fields.String(allow_none=True)


class LineOut(Schema):
    """One thing in a parcel."""

    id = fields.Integer()
    item_id = fields.Integer()
    item = fields.String(attribute="name_hu")
    quantity = fields.Integer()
    handed_over = fields.Integer()
    lot_id = fields.Integer()
    place = fields.String(metadata={"description": "the shelf it is picked from"})


class ParcelOut(Schema):
    """A parcel. Health-related ones show their code only."""

    id = fields.Integer()
    code = fields.String()
    state = fields.String(metadata={"enum": list(ParcelState)})
    urgency = fields.Integer()
    weight_g = fields.Integer()
    volume_ml = fields.Integer()
    storage_classes = fields.List(fields.String())
    end_reason = fields.String(allow_none=True)
    contents_hidden = fields.Boolean()
    lines = fields.List(fields.Nested(LineOut))


class StopOut(Schema):
    """A stop of a run."""

    id = fields.Integer()
    position = fields.Integer()
    settlement_id = fields.Integer()
    settlement = fields.String()
    lat = fields.Float()
    lon = fields.Float()
    arrives_at = fields.AwareDateTime()
    leaves_at = fields.AwareDateTime()
    window_from = fields.AwareDateTime(allow_none=True)
    window_until = fields.AwareDateTime(allow_none=True)
    state = fields.String(metadata={"enum": list(StopState)})
    reached_at = fields.AwareDateTime(allow_none=True)
    parcels = fields.List(fields.Nested(ParcelOut))


class DeliveryRunOut(Schema):
    """A run."""

    id = fields.Integer()
    code = fields.String()
    number = fields.Integer()
    on = fields.Date()
    state = fields.String(metadata={"enum": list(RunState)})
    warehouse_id = fields.Integer()
    county_id = fields.Integer()
    vehicle_id = fields.Integer()
    driver_id = fields.Integer(allow_none=True)
    plan_id = fields.Integer(allow_none=True)
    departs_at = fields.AwareDateTime()
    returns_at = fields.AwareDateTime()
    distance_m = fields.Integer()
    cost_huf = fields.Integer()
    published_at = fields.AwareDateTime(allow_none=True)
    left_at = fields.AwareDateTime(allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)
    version = fields.Integer()


class RunSheetOut(DeliveryRunOut):
    """A run with its stops and parcels."""

    stops = fields.List(fields.Nested(StopOut))


class DeliveryRunsOut(Schema):
    """Some runs, the newest day first."""

    items = fields.List(fields.Nested(DeliveryRunOut))
    next_after = fields.String(allow_none=True)


class ContactOut(Schema):
    """Whom to hand over to; each look is written down."""

    household = fields.Function(lambda contact: f"H-{contact.household_id}")
    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    street = fields.String(allow_none=True)
    access_need = fields.Boolean()
    no_road_in_winter = fields.Boolean()


class ContactsOut(Schema):
    """The households of a stop."""

    items = fields.List(fields.Nested(ContactOut))


class ParcelToPlan(Schema):
    """A parcel that waits for a run."""

    parcel_id = fields.Integer()
    warehouse_id = fields.Integer()
    settlement_id = fields.Integer()
    lat = fields.Float()
    lon = fields.Float()
    weight_g = fields.Integer()
    volume_ml = fields.Integer()
    storage_classes = fields.List(fields.String())
    urgency = fields.Integer()


class ParcelsToPlan(Schema):
    """Parcels that wait for a run."""

    items = fields.List(fields.Nested(ParcelToPlan))
