"""Wire shapes of write-offs and quarantine. They check shape; what may be done is the service's to judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate, validates_schema

from app.foundation.fields import Asked, Choice, Form, Id, Line, Moment, Quantity, WholeNumber, Wire, exactly_one
from app.write_offs.models import WriteOffReason, WriteOffState

REASONS = tuple(each.value for each in WriteOffReason)
STATES = tuple(each.value for each in WriteOffState)
LINES_MAX = 500


# Asked --------------------------------------------------------------------------------------------------------------


class WriteOffQuery(Asked):
    """Filters of the write-offs."""

    state = Choice((*STATES, "decided"))
    warehouse_id = Id()
    reason = Choice(REASONS)
    after = Line(most=500)
    size = WholeNumber(least=1, most=200)


class HeldQuery(Asked):
    """Filters of what lies in quarantine or expires."""

    warehouse_id = Id()
    after = Line(most=500)
    size = WholeNumber(least=1, most=200)


class ChosenQuery(Asked):
    """What was chosen in a list: "lot-place", several times."""

    warehouse_id = Id()
    at = Id()
    reason = Choice(REASONS)


# JSON ---------------------------------------------------------------------------------------------------------------


class WriteOffLineIn(Wire):
    """A quantity of a lot in a place."""

    lot_id = Id(required=True)
    place_id = Id(required=True)
    quantity = Quantity(required=True)


class ProposalIn(Wire):
    """A proposal to write goods off."""

    operation_id = fields.UUID(required=True)
    reason = Choice(REASONS, required=True)
    note = Line(most=500)
    lines = fields.List(fields.Nested(WriteOffLineIn), required=True, validate=validate.Length(1, LINES_MAX))


class ExpiredIn(Wire):
    """Propose everything of a warehouse that has expired."""

    operation_id = fields.UUID(required=True)
    warehouse_id = Id(required=True)


class DecisionIn(Wire):
    """The decision of the committee."""

    operation_id = fields.UUID(required=True)
    committee = fields.List(Line(least=1, most=80), required=True, validate=validate.Length(3, 3))
    note = Line(most=500)


class NoteIn(Wire):
    """Why it is refused or withdrawn."""

    note = Line(most=500)


class TakeBackIn(Wire):
    """Why a record is taken back."""

    operation_id = fields.UUID(required=True)
    reason = Line(least=3, most=200, required=True)


class QuarantineIn(Wire):
    """A quantity of a lot to be held apart, and why."""

    operation_id = fields.UUID(required=True)
    lot_id = Id(required=True)
    from_place_id = Id(required=True)
    quantity = Quantity(required=True)
    reason = Line(least=3, most=200, required=True)


class ReleaseIn(Wire):
    """A quantity of a lot to be put back among the rest."""

    operation_id = fields.UUID(required=True)
    lot_id = Id(required=True)
    from_place_id = Id(required=True)
    to_place_id = Id(required=True)
    quantity = Quantity(required=True)
    reason = Line(least=3, most=200, required=True)


class BatchIn(Wire):
    """A maker's batch that was called back."""

    item_id = Id(required=True)
    batch = Line(least=1, most=60, required=True)
    reason = Line(least=3, most=200, required=True)


class WriteOffLineOut(Schema):
    """A line of a write-off."""

    lot_id = fields.Integer()
    place_id = fields.Integer()
    quantity = fields.Integer()
    movement_id = fields.Integer(allow_none=True)


class WriteOffOut(Schema):
    """A write-off."""

    id = fields.Integer()
    operation_id = fields.UUID()
    warehouse_id = fields.Integer()
    state = fields.String(metadata={"enum": list(STATES)})
    reason = fields.String(metadata={"enum": list(REASONS)})
    note = fields.String(allow_none=True)
    proposed_at = Moment()
    committee = fields.List(fields.String())
    decided_at = Moment(allow_none=True)
    decision_note = fields.String(allow_none=True)
    voucher_id = fields.Integer(allow_none=True)
    version = fields.Integer()


class WriteOffSheet(WriteOffOut):
    """A write-off with its lines and pictures."""

    lines = fields.List(fields.Nested(WriteOffLineOut))
    photo_ids = fields.List(fields.Integer())


class WriteOffsPage(Schema):
    """A page of write-offs, the newest first."""

    items = fields.List(fields.Nested(WriteOffOut))
    next_after = fields.String(allow_none=True)


class PhotoOut(Schema):
    """A picture that was stored."""

    id = fields.Integer()
    write_off_id = fields.Integer()
    bytes = fields.Integer()


class HeldOut(Schema):
    """What lies in quarantine, or expires."""

    lot_id = fields.Integer(attribute="lot.id")
    place_id = fields.Integer(attribute="place.id")
    place = fields.String(attribute="place.code")
    warehouse_id = fields.Integer(attribute="balance.warehouse_id")
    item_id = fields.Integer(attribute="item.id")
    state = fields.String(attribute="lot.state")
    expires_on = fields.Date(attribute="lot.expires_on", allow_none=True)
    on_hand = fields.Integer(attribute="balance.on_hand")
    available = fields.Integer(attribute="balance.available")
    proposed = fields.Integer()
    proposed_in = fields.Integer(allow_none=True)
    why = fields.String(allow_none=True)
    since = Moment(allow_none=True)


class HeldPage(Schema):
    """A page of places and lots, the first to expire first."""

    items = fields.List(fields.Nested(HeldOut))
    next_after = fields.String(allow_none=True)


class MovedOut(Schema):
    """What was moved."""

    movement_id = fields.Integer(attribute="id")
    lot_id = fields.Integer()
    from_place_id = fields.Integer()
    to_place_id = fields.Integer()
    quantity = fields.Integer()


class BlockedOut(Schema):
    """The lots of a batch that are blocked now."""

    lot_ids = fields.List(fields.Integer())


# Operations of phones -----------------------------------------------------------------------------------------------


class PhoneLine(Wire):
    """A quantity of a lot in a place, each by its number, or by the receiving operation and the printed code."""

    lot_id = Id()
    lot_operation_id = fields.UUID()
    place_id = Id()
    place = Line(most=40)
    quantity = Quantity(required=True)

    @validates_schema
    def one_of_each(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of the lot and of the place."""
        exactly_one(data, "lot_id", "lot_operation_id")
        exactly_one(data, "place_id", "place")


class ProposalPayload(Wire):
    """A proposal made on the floor."""

    reason = Choice(REASONS, required=True)
    note = Line(most=500)
    lines = fields.List(fields.Nested(PhoneLine), required=True, validate=validate.Length(1, 100))


class WithdrawPayload(Wire):
    """A proposal that is taken back, by the operation that made it."""

    proposal_operation_id = fields.UUID(required=True)


class QuarantinePayload(PhoneLine):
    """A quantity held apart on the floor, and why."""

    reason = Line(least=1, most=200, required=True)


class ReleasePayload(PhoneLine):
    """A quantity put back among the rest."""

    to_place_id = Id()
    to_place = Line(most=40)
    reason = Line(least=1, most=200, required=True)

    @validates_schema
    def a_target(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of where it goes."""
        exactly_one(data, "to_place_id", "to_place")


# Forms --------------------------------------------------------------------------------------------------------------


class ProposalForm(Form):
    """A proposal, by form; its quantities are read beside it."""

    operation_id = fields.UUID(required=True)
    reason = Choice(REASONS, required=True)
    note = Line(most=500)


class QuantityField(Form):
    """One quantity of a form."""

    quantity = Quantity(required=True)


class ExpiredForm(Form):
    """Propose everything that has expired, by form."""

    operation_id = fields.UUID(required=True)
    warehouse_id = Id(required=True)


class DecisionForm(Form):
    """The decision of the committee, by form."""

    operation_id = fields.UUID(required=True)
    member_1 = Line(least=1, most=80, required=True)
    member_2 = Line(least=1, most=80, required=True)
    member_3 = Line(least=1, most=80, required=True)
    note = Line(most=500)
    version = WholeNumber(least=1)


class NoteForm(Form):
    """Why it is refused or withdrawn, by form."""

    note = Line(most=500)
    version = WholeNumber(least=1)


class TakeBackForm(Form):
    """Why a record is taken back, by form."""

    operation_id = fields.UUID(required=True)
    reason = Line(least=3, most=200, required=True)


class QuarantineForm(Form):
    """Holding some of a lot apart, by form."""

    operation_id = fields.UUID(required=True)
    from_place_id = Id(required=True)
    quantity = Quantity(required=True)
    reason = Line(least=3, most=200, required=True)


class ReleaseForm(Form):
    """Putting some of a lot back among the rest, by form."""

    operation_id = fields.UUID(required=True)
    from_place_id = Id(required=True)
    to_place_id = Id(required=True)
    quantity = Quantity(required=True)
    reason = Line(least=3, most=200, required=True)


class BatchForm(Form):
    """A batch that was called back, by form."""

    item_id = Id(required=True)
    batch = Line(least=1, most=60, required=True)
    reason = Line(least=3, most=200, required=True)
