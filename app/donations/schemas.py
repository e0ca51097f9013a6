"""Wire shapes of donors, offers and arrivals."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from app.donations.models import Inspection, OfferState
from app.foundation.fields import Asked, Choice, Expiry, Form, Id, Line, Moment, WholeNumber, Wire

DONOR_KINDS = ("person", "company", "parish", "institution", "anonymous")
CONDITIONS = ("new", "good", "worn")
LINES_MAX = 200
INSPECTIONS = ("accept", "quarantine", "refuse")
QUANTITY_MAX = 100_000_000


def Quantity(**kwargs: Any) -> WholeNumber:  # noqa: N802
    """A whole number of base units, at least one."""
    return WholeNumber(least=1, most=QUANTITY_MAX, **kwargs)


class OfferLineIn(Wire):
    """One thing that is offered, in base units of the item."""

    item_id = WholeNumber(required=True, least=1)
    quantity = WholeNumber(required=True, least=1, most=QUANTITY_MAX)
    condition = Choice(CONDITIONS, load_default="new")
    expires_on = Expiry(load_default=None, allow_none=True)
    unit_value_huf = WholeNumber(
        least=0, load_default=None, allow_none=True, metadata={"description": "Hundredths of a forint, one base unit"}
    )


class DonorIn(Wire):
    """Who gives."""

    kind = Choice(DONOR_KINDS, required=True)
    name = Line(required=True, least=2, most=120)
    settlement_id = WholeNumber(least=1, load_default=None, allow_none=True)
    contact_name = Line(most=120, load_default=None, allow_none=True)
    email = Line(most=200, load_default=None, allow_none=True)
    phone = Line(most=40, load_default=None, allow_none=True)


class OfferIn(Wire):
    """An offer."""

    reference = Line(
        most=80, load_default=None, allow_none=True, metadata={"description": "Your own; sent twice, stored once"}
    )
    donor_id = WholeNumber(least=1, load_default=None, allow_none=True)
    donor = fields.Nested(DonorIn, load_default=None, allow_none=True)
    settlement_id = WholeNumber(required=True, least=1)
    collection = fields.Boolean(load_default=False)
    until = fields.Date(load_default=None, allow_none=True)
    note = Line(most=1000, load_default=None, allow_none=True)
    lines = fields.List(fields.Nested(OfferLineIn), required=True, validate=validate.Length(1, LINES_MAX))


class AcceptIn(Wire):
    """Which warehouse takes it, and how it gets there."""

    warehouse_id = WholeNumber(required=True, least=1)
    collection = fields.Boolean(load_default=None, allow_none=True)


class DeclineIn(Wire):
    """Why not."""

    reason = Line(required=True, least=3, most=300)


class ArrivalLineIn(Wire):
    """One inspected line."""

    item_id = WholeNumber(required=True, least=1)
    quantity = WholeNumber(required=True, least=1, most=QUANTITY_MAX)
    inspection = Choice(list(Inspection), required=True)
    expires_on = Expiry(load_default=None, allow_none=True)
    use_by = fields.Boolean(load_default=False)
    condition = Choice(CONDITIONS, load_default="new")
    batch = Line(most=40, load_default=None, allow_none=True)
    reason = Line(most=300, load_default=None, allow_none=True)
    offer_line_id = WholeNumber(least=1, load_default=None, allow_none=True)


class ArrivalIn(Wire):
    """Goods that stand at the gate; ``operation_id`` is a UUID made before it is sent."""

    operation_id = fields.UUID(required=True)
    warehouse_id = WholeNumber(required=True, least=1)
    offer_id = WholeNumber(least=1, load_default=None, allow_none=True)
    donor_id = WholeNumber(least=1, load_default=None, allow_none=True)
    lines = fields.List(fields.Nested(ArrivalLineIn), required=True, validate=validate.Length(1, LINES_MAX))


class FindOffers(Asked):
    """Which offers to list."""

    view = Choice(("waiting", "coming", "past"), load_default=None)
    q = Line(most=100, load_default=None)
    county_id = WholeNumber(least=1, load_default=None)
    warehouse_id = WholeNumber(least=1, load_default=None)
    after = Line(most=400, load_default=None)


class FindArrivals(Asked):
    """Which arrivals to list."""

    warehouse_id = WholeNumber(least=1, load_default=None)
    after = Line(most=400, load_default=None)


class FindDonors(Asked):
    """Which donors to list."""

    q = Line(most=100, load_default=None)
    after = Line(most=400, load_default=None)


class OfferLineOut(Wire):
    """One thing that is offered, and how much of it has come."""

    id = fields.Integer()
    item_id = fields.Integer()
    quantity = fields.Integer()
    condition = fields.String()
    expires_on = fields.Date(allow_none=True)
    arrived = fields.Integer()


class OfferOut(Wire):
    """An offer."""

    id = fields.Integer()
    code = fields.Function(lambda row: f"F-{row.id}", metadata={"type": "string", "example": "F-2214"})
    state = Choice(list(OfferState))
    donor_id = fields.Integer()
    county_id = fields.Integer()
    settlement_id = fields.Integer(allow_none=True)
    warehouse_id = fields.Integer(allow_none=True)
    collection = fields.Boolean()
    until = fields.Date(allow_none=True)
    note = fields.String(allow_none=True)
    decline_reason = fields.String(allow_none=True)
    offered_at = Moment()
    decided_at = Moment(allow_none=True)
    closed_at = Moment(allow_none=True)
    version = fields.Integer()


class OfferSheet(OfferOut):
    """An offer with its lines."""

    lines = fields.List(fields.Nested(OfferLineOut))


class OffersPage(Wire):
    """Some offers, and the mark after which the next begin."""

    items = fields.List(fields.Nested(OfferOut))
    next_after = fields.String(allow_none=True)


class OpenArrivalIn(Wire):
    """Goods that begin to come in."""

    operation_id = fields.UUID(required=True)
    warehouse_id = Id(required=True)
    offer_id = Id()
    donor_id = Id()


class WriteNoteIn(Wire):
    """The note of what phones have scanned in for an offer."""

    operation_id = fields.UUID(required=True)


class ReceivedLineIn(Wire):
    """One line of an arrival."""

    operation_id = fields.UUID(required=True)
    item_id = Id(required=True)
    quantity = Quantity(required=True)
    inspection = Choice(INSPECTIONS, load_default="accept")
    expires_on = Expiry()
    use_by = fields.Boolean(load_default=False)
    batch = Line(most=60)
    condition = Choice(CONDITIONS, load_default="new")
    reason = Line(most=300)
    offer_line_id = Id()


class ArrivalLineOut(Wire):
    """One inspected line and the lot it became."""

    item_id = fields.Integer()
    quantity = fields.Integer()
    inspection = fields.String()
    expires_on = fields.Date(allow_none=True)
    condition = fields.String()
    reason = fields.String(allow_none=True)
    lot_id = fields.Integer(allow_none=True)


class ArrivalOut(Wire):
    """An arrival; the note is at /arrivals/{id}/note.pdf."""

    id = fields.Integer()
    offer_id = fields.Integer(allow_none=True)
    donor_id = fields.Integer()
    warehouse_id = fields.Integer()
    arrived_at = Moment()
    voucher_id = fields.Integer(allow_none=True)
    lines = fields.List(fields.Nested(ArrivalLineOut))


class ArrivalsPage(Wire):
    """Some arrivals, and the mark after which the next begin."""

    items = fields.List(fields.Nested(ArrivalOut))
    next_after = fields.String(allow_none=True)


class DonorOut(Wire):
    """A donor by the public name; contacts are on the page only."""

    id = fields.Integer()
    kind = fields.String()
    name = fields.String()
    settlement_id = fields.Integer(allow_none=True)
    created_at = Moment()


class DonorsPage(Wire):
    """Some donors, and the mark after which the next begin."""

    items = fields.List(fields.Nested(DonorOut))
    next_after = fields.String(allow_none=True)


class OfferFields(Form):
    """The page's own fields of an offer; its lines are read beside them."""

    donor_id = WholeNumber(least=1, load_default=None)
    kind = Choice(DONOR_KINDS, load_default="person")
    name = Line(most=120, load_default=None)
    contact_name = Line(most=120, load_default=None)
    email = Line(most=200, load_default=None)
    phone = Line(most=40, load_default=None)
    settlement_id = WholeNumber(least=1, load_default=None)
    settlement_id_text = Line(most=100, load_default="")
    collection = fields.Boolean(load_default=False)
    until = fields.Date(load_default=None)
    note = Line(most=1000, load_default=None)
    form_id = Line(most=40, load_default=None)


class AcceptForm(AcceptIn, Form):
    """The same from a form."""

    version = WholeNumber(least=1, load_default=None)

    class Meta(Form.Meta):
        """Leave unknown keys."""


class DeclineForm(Form):
    """Why not, from a form."""

    reason = Line(most=300, load_default=None)
    version = WholeNumber(least=1, load_default=None)


class NoteForm(Form):
    """The note of what was scanned in, by form."""

    operation_id = fields.UUID(required=True)


class ArrivalFields(Form):
    """The page's own fields of an arrival; its lines are read beside them."""

    operation_id = fields.UUID(required=True)
    warehouse_id = WholeNumber(least=1, required=True)
    donor_id = WholeNumber(least=1, load_default=None)
