"""Wire shapes of transfers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate, validates_schema

from app.foundation.fields import (
    QUANTITY_MAX,
    Asked,
    Choice,
    Expiry,
    Form,
    Id,
    Line,
    Moment,
    Quantity,
    WholeNumber,
    Wire,
    exactly_one,
)
from app.transfers.models import Outcome, TransferState
from app.transfers.queries import VIEWS

LINES_MAX = 100
REASON_MOST = 300


def Pieces(**kwargs: Any) -> WholeNumber:  # noqa: N802  # reads as a field
    """A whole number of base units, or none."""
    return WholeNumber(least=0, most=QUANTITY_MAX, **kwargs)


# Bodies -------------------------------------------------------------------------------------------------------------


class TransferLineIn(Wire):
    """How much of an item, in base units."""

    item_id = Id(required=True)
    quantity = Quantity(required=True)


class TransferRequestIn(Wire):
    """What is asked of whom; ``operation_id`` is a UUID made before it is sent: sent twice, asked for once."""

    operation_id = fields.UUID(load_default=None, allow_none=True)
    from_warehouse_id = Id(required=True)
    to_warehouse_id = Id(required=True)
    wanted_on = fields.Date(load_default=None, allow_none=True)
    note = Line(most=1000, load_default=None, allow_none=True)
    lines = fields.List(fields.Nested(TransferLineIn), required=True, validate=validate.Length(1, LINES_MAX))


class TransferOperationIn(Wire):
    """A deed of its own number."""

    operation_id = fields.UUID(required=True)


class TransferPickIn(TransferOperationIn):
    """What was moved from a shelf to staging."""

    lot_id = Id(required=True)
    from_place_id = Id(required=True)
    quantity = Quantity(required=True)


class TransferBoxIn(TransferOperationIn):
    """A whole box or pallet, by its SSCC or its place's code."""

    box = Line(required=True, least=1, most=40)


class TransferSendIn(TransferOperationIn):
    """How it travels."""

    carried_by = Line(most=120, load_default=None, allow_none=True)
    expected_on = fields.Date(load_default=None, allow_none=True)


class TransferCountedIn(Wire):
    """What was found of one lot."""

    transfer_lot_id = Id(required=True)
    received = Pieces(required=True)
    damaged = Pieces(load_default=0)
    reason = Line(most=REASON_MOST, load_default=None, allow_none=True)
    to_place_id = Id(load_default=None, allow_none=True)


class TransferReceiveIn(TransferOperationIn):
    """What was counted at the other end, lot by lot."""

    lines = fields.List(fields.Nested(TransferCountedIn), required=True, validate=validate.Length(1, 500))


class TransferAddIn(TransferOperationIn):
    """What came though nobody had sent it: a lot of the giver's, else an item with what its pack says."""

    lot_id = Id()
    item_id = Id()
    expires_on = Expiry()
    batch = Line(most=60)
    quantity = Quantity(required=True)
    reason = Line(required=True, least=3, most=REASON_MOST)
    to_place_id = Id()

    @validates_schema
    def one_of_both(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for the lot or the item."""
        exactly_one(data, "lot_id", "item_id")


class TransferSettleIn(TransferOperationIn):
    """What became of what did not arrive."""

    outcome = Choice(list(Outcome), required=True)
    reason = Line(required=True, least=3, most=REASON_MOST)


class TransferCancelIn(TransferOperationIn):
    """Why not."""

    reason = Line(required=True, least=3, most=REASON_MOST)


# Payloads of operations ---------------------------------------------------------------------------------------------


class PickPayload(Wire):
    """A scanned pick for a transfer: from a place, by number or printed code."""

    transfer_id = Id(required=True)
    lot_id = Id(required=True)
    from_place_id = Id()
    from_place = Line(most=40)
    quantity = Quantity(required=True)
    done = fields.Boolean(metadata={"description": "It was moved by hand already: book it even against the books."})


class PickBoxPayload(Wire):
    """A whole box or pallet for a transfer, by its SSCC or its place's code."""

    transfer_id = Id(required=True)
    box = Line(required=True, least=1, most=40)


class ReceiveBoxPayload(Wire):
    """A whole box or pallet that arrived as it was sent."""

    transfer_id = Id(required=True)
    box = Line(required=True, least=1, most=40)
    to_place_id = Id()
    to_place = Line(most=40)


class UnpickPayload(Wire):
    """A pick to be put back, by its number or by the operation that made it."""

    transfer_lot_id = Id()
    picked_operation_id = fields.UUID()


class ReceiveLinePayload(Wire):
    """One lot of a transfer, counted at the other end: named by its number, or by the lot's code that was scanned."""

    transfer_id = Id(required=True)
    transfer_lot_id = Id()
    lot_id = Id()
    received = Pieces(required=True)
    damaged = Pieces(load_default=0)
    reason = Line(most=REASON_MOST)
    to_place_id = Id()
    to_place = Line(most=40)


class AddPayload(Wire):
    """What came though nobody had sent it, as a phone scanned it; with a GTIN the quantity is in its packs."""

    transfer_id = Id(required=True)
    lot_id = Id()
    item_id = Id()
    item_code = Line(most=60)
    gtin = Line(most=20)
    expires_on = Expiry()
    batch = Line(most=60)
    quantity = Quantity(required=True)
    reason = Line(required=True, least=1, most=REASON_MOST)
    to_place_id = Id()
    to_place = Line(most=40)

    @validates_schema
    def one_name(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of what came."""
        exactly_one(data, "lot_id", "item_id", "item_code", "gtin")


# Queries ------------------------------------------------------------------------------------------------------------


class FindTransfers(Asked):
    """Which transfers to list."""

    view = Choice(VIEWS, load_default=None)
    q = Line(most=100, load_default=None)
    warehouse_id = Id(load_default=None)
    state = Choice(list(TransferState), load_default=None)
    after = Line(most=400, load_default=None)


# Answers ------------------------------------------------------------------------------------------------------------


class TransferLineOut(Wire):
    """How much of an item was asked for."""

    id = fields.Integer()
    item_id = fields.Integer()
    quantity = fields.Integer()


class TransferOut(Wire):
    """A transfer."""

    id = fields.Integer()
    code = fields.String(metadata={"example": "A-17"})
    state = Choice(list(TransferState))
    from_warehouse_id = fields.Integer()
    to_warehouse_id = fields.Integer()
    wanted_on = fields.Date(allow_none=True)
    expected_on = fields.Date(allow_none=True)
    carried_by = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    requested_at = Moment()
    accepted_at = Moment(allow_none=True)
    picked_at = Moment(allow_none=True)
    sent_at = Moment(allow_none=True)
    received_at = Moment(allow_none=True)
    cancelled_at = Moment(allow_none=True)
    cancel_reason = fields.String(allow_none=True)
    version = fields.Integer()
    lines = fields.List(fields.Nested(TransferLineOut))


class TransferLotOut(Wire):
    """A lot that was picked, and what became of it."""

    id = fields.Integer(attribute="part.id")
    line_id = fields.Integer(attribute="part.line_id", allow_none=True)
    lot_id = fields.Integer(attribute="part.lot_id")
    item_id = fields.Integer(attribute="item.id")
    box_id = fields.Integer(attribute="part.box_id", allow_none=True)
    expires_on = fields.Date(attribute="lot.expires_on", allow_none=True)
    quantity = fields.Integer(attribute="part.quantity")
    received = fields.Integer(attribute="part.received")
    damaged = fields.Integer(attribute="part.damaged")
    short = fields.Integer(attribute="part.short", metadata={"description": "Not arrived, and not settled"})
    reason = fields.String(attribute="part.reason", allow_none=True)
    received_at = Moment(attribute="part.received_at", allow_none=True)
    outcome = fields.String(attribute="part.outcome", allow_none=True)


class TransferSheet(TransferOut):
    """A transfer with its lots."""

    lots = fields.List(fields.Nested(TransferLotOut))


class TransfersPage(Wire):
    """Some transfers, and the mark after which the next begin."""

    items = fields.List(fields.Nested(TransferOut))
    next_after = fields.String(allow_none=True)


class TransferProposed(Wire):
    """What to take from where."""

    line_id = fields.Integer()
    item_id = fields.Integer()
    lot_id = fields.Integer()
    place_id = fields.Integer()
    quantity = fields.Integer()


class TransferProposal(Wire):
    """What would be picked, first to expire first."""

    items = fields.List(fields.Nested(TransferProposed))


# Forms --------------------------------------------------------------------------------------------------------------


class RequestForm(Form):
    """The page's own fields of a request; its lines are read beside them."""

    operation_id = fields.UUID(required=True)
    from_warehouse_id = Id(required=True)
    to_warehouse_id = Id(required=True)
    wanted_on = fields.Date(load_default=None)
    note = Line(most=1000, load_default=None)


class VersionForm(Form):
    """A deed on what was seen."""

    version = WholeNumber(least=1, load_default=None)


class OperationForm(Form):
    """A deed of its own number."""

    operation_id = fields.UUID(required=True)


class PickForm(OperationForm):
    """What was moved from a shelf to staging."""

    lot_id = Id(required=True)
    from_place_id = Id(required=True)
    quantity = Quantity(required=True)


class BoxForm(OperationForm):
    """A whole box or pallet, by its SSCC or its place's code."""

    box = Line(required=True, least=1, most=40)


class SendForm(OperationForm):
    """How it travels."""

    carried_by = Line(most=120, load_default=None)
    expected_on = fields.Date(load_default=None)
    version = WholeNumber(least=1, load_default=None)


class CountedForm(Form):
    """What was found of one lot."""

    received = Pieces(required=True)
    damaged = Pieces(load_default=0)
    reason = Line(most=REASON_MOST, load_default=None)
    to_place_id = Id(load_default=None)


class AddForm(OperationForm):
    """What came though nobody had sent it."""

    lot = Line(most=20)
    item_id = Id()
    expires_on = Expiry()
    batch = Line(most=60)
    quantity = Quantity(required=True)
    reason = Line(required=True, least=3, most=REASON_MOST)
    to_place_id = Id()


class SettleForm(OperationForm):
    """What became of what did not arrive."""

    transfer_lot_id = Id(required=True)
    outcome = Choice(list(Outcome), required=True)
    reason = Line(required=True, least=3, most=REASON_MOST)


class CancelForm(OperationForm):
    """Why not."""

    reason = Line(required=True, least=3, most=REASON_MOST)
    version = WholeNumber(least=1, load_default=None)


class UnpickForm(OperationForm):
    """Which pick goes back."""

    transfer_lot_id = Id(required=True)
