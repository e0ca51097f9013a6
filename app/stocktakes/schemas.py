"""Wire formats of stocktakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validates_schema

from app.foundation.fields import (
    QUANTITY_MAX,
    Asked,
    Choice,
    Expiry,
    Form,
    Id,
    Line,
    Moment,
    WholeNumber,
    Wire,
    exactly_one,
)
from app.foundation.paging import PAGE_SIZE_MAX
from app.stocktakes.service import REASONS

VIEWS = ("running", "posted", "cancelled")
PLACES_MAX = 5000


class Counted(WholeNumber):
    """A quantity that was counted: nothing is a count too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(least=0, most=QUANTITY_MAX, **kwargs)


# Payloads of operations ---------------------------------------------------------------------------------------------


class PlaceCountedPayload(Wire):
    """A place is counted; what was not counted in it is not there."""

    stocktake_id = Id(required=True)
    place_id = Id()
    place = Line(most=40)
    round = WholeNumber(least=1, most=2)

    @validates_schema
    def one_place(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of the place."""
        exactly_one(data, "place_id", "place")


class CountPayload(PlaceCountedPayload):
    """What was counted of a lot, or of an item by its number, code or barcode."""

    lot_id = Id()
    item_id = Id()
    item_code = Line(most=60)
    gtin = Line(most=20)
    expires_on = Expiry()
    batch = Line(most=60)
    quantity = Counted(required=True, metadata={"description": "Base units; with gtin: packs of that barcode."})

    @validates_schema
    def one_thing(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of the thing; a lot may come with its item."""
        if data.get("lot_id") is None:
            exactly_one(data, "item_id", "item_code", "gtin")


# The API ------------------------------------------------------------------------------------------------------------


class StocktakesQuery(Asked):
    """Which stocktakes."""

    view = Choice(VIEWS, load_default=None)
    warehouse_id = Id(load_default=None)
    after = Line(load_default=None)
    size = WholeNumber(least=1, most=PAGE_SIZE_MAX)


class StocktakeIn(Wire):
    """What is to be counted."""

    warehouse_id = Id(required=True)
    place_ids = fields.List(Id(), load_default=list, metadata={"description": "With their bins and boxes; none: all"})
    category_ids = fields.List(Id(), load_default=list, metadata={"description": "With all below; none: all"})
    note = Line(most=200, load_default=None, allow_none=True)

    @validates_schema
    def not_too_many(self, data: Mapping[str, Any], **_: Any) -> None:
        """Keep the lists short."""
        for name in ("place_ids", "category_ids"):
            if len(data.get(name) or ()) > PLACES_MAX:
                raise ValidationError("Longer than maximum length.", name)


class CompleteIn(Wire):
    """The first count is over."""

    leave_out = fields.Boolean(load_default=False)


class DecideIn(Wire):
    """Why a line differs, or a third quantity."""

    place_id = Id(required=True)
    lot_id = Id(required=True)
    reason = Choice(REASONS, required=True)
    quantity = Counted(load_default=None, allow_none=True)


class ApproveIn(Wire):
    """Post what was seen."""

    operation_id = fields.UUID(required=True)
    seen = Line(most=64, load_default=None, allow_none=True)


class CancelIn(Wire):
    """Why it is given up."""

    reason = Line(least=1, most=200, required=True)


class StocktakeOut(Schema):
    """A stocktake."""

    id = fields.Integer()
    warehouse_id = fields.Integer()
    state = fields.String()
    place_ids = fields.List(fields.Integer())
    category_ids = fields.List(fields.Integer())
    note = fields.String(allow_none=True)
    opened_at = Moment()
    counted_at = Moment(allow_none=True)
    approved_at = Moment(allow_none=True)
    cancelled_at = Moment(allow_none=True)
    voucher_id = fields.Integer(allow_none=True)
    version = fields.Integer()


class StocktakesOut(Schema):
    """A page of stocktakes."""

    items = fields.List(fields.Nested(StocktakeOut))
    next_after = fields.String(allow_none=True)


class StocktakePlaceOut(Schema):
    """A place of a stocktake and how far it is: open, recount or done."""

    place_id = fields.Integer(attribute="part.place_id")
    code = fields.String(attribute="place.code")
    kind = fields.String(attribute="place.kind")
    stands_at = fields.String(allow_none=True)
    state = fields.String()
    counts = fields.Integer()
    first_at = Moment(attribute="part.first_at", allow_none=True)
    second_at = Moment(attribute="part.second_at", allow_none=True)


class StocktakeSheet(StocktakeOut):
    """A stocktake with its places."""

    places = fields.List(fields.Nested(StocktakePlaceOut))


class ToCountOut(Schema):
    """A lot to be counted, without what the books hold of it."""

    lot_id = fields.Integer(attribute="lot.id")
    item_id = fields.Integer(attribute="item.id")
    item = fields.String(attribute="item.name_hu")
    expires_on = fields.Date(attribute="lot.expires_on", allow_none=True)
    counted = fields.Integer(allow_none=True)


class BlindListOut(Schema):
    """What is to be counted in a place."""

    place_id = fields.Integer()
    round = fields.Integer()
    items = fields.List(fields.Nested(ToCountOut))


class DifferenceOut(Schema):
    """A line of closed places."""

    place_id = fields.Integer()
    lot_id = fields.Integer()
    expected = fields.Integer()
    counted = fields.Integer()
    difference = fields.Integer()
    counted_at = Moment()
    round = fields.Integer()
    first = fields.Integer(allow_none=True)
    second = fields.Integer(allow_none=True)
    recount = fields.Boolean()
    reason = fields.String(allow_none=True)
    value_huf = fields.Integer(metadata={"description": "Of the difference, in hundredths of a forint"})


class DifferencesOut(Schema):
    """The lines, and the mark of what was seen for approving."""

    items = fields.List(fields.Nested(DifferenceOut))
    seen = fields.String()


# Forms --------------------------------------------------------------------------------------------------------------


class OpenForm(Form):
    """What is to be counted, by form."""

    warehouse_id = Id(required=True)
    place_ids = fields.List(Id(), load_default=list)
    category_ids = fields.List(Id(), load_default=list)
    note = Line(most=200, load_default=None)


class CompleteForm(Form):
    """The first count is over, by form."""

    leave_out = Line(load_default="")


class DecideForm(Form):
    """Why a line differs, by form; the line is the place and the lot: "412-20811"."""

    place_id = Id(required=True)
    lot_id = Id(required=True)
    reason = Choice(REASONS, required=True)
    quantity = Counted(load_default=None)

    @pre_load
    def take_line_apart(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """Read the place and the lot from the line that was chosen."""
        values = dict(data)
        place, _dash, lot = str(values.pop("line", "")).partition("-")
        return {"place_id": place, "lot_id": lot, **values} if lot else values


class ApproveForm(Form):
    """Post what was seen, by form."""

    operation_id = fields.UUID(required=True)
    seen = Line(most=64, load_default=None)


class CancelForm(Form):
    """Why it is given up, by form."""

    reason = Line(least=3, most=200, required=True)


class FoundForm(Form):
    """Something in the place that is not on the list."""

    operation_id = fields.UUID(required=True)
    item_id = Id(required=True)
    expires_on = Expiry(load_default=None)
    batch = Line(most=60, load_default=None)
    quantity = Counted(required=True)


class PlaceForm(Form):
    """A place is counted, by form."""

    operation_id = fields.UUID(required=True)
    round = WholeNumber(least=1, most=2, required=True)
