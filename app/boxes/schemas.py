"""Wire shapes of boxes. They check shape; what may be done is the service's to judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema, fields, validate, validates_schema

from app.foundation.fields import (
    Asked,
    Choice,
    Expiry,
    Form,
    Id,
    Line,
    Moment,
    Paged,
    Quantity,
    WholeNumber,
    Wire,
    exactly_one,
)
from app.stock.schemas import CONDITIONS

KINDS = ("box", "pallet")
STATES = ("open", "closed", "dissolved")
LINES_MAX = 200
QUARANTINE = "Why; needed where it goes into quarantine or out of it."


class OneOf(Wire):
    """A body that names each thing in exactly one of a few ways."""

    NAMED: ClassVar[tuple[tuple[str, ...], ...]] = ()

    @validates_schema
    def one_of_each(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of each."""
        for names in self.NAMED:
            exactly_one(data, *names)


BOX = ("box_id", "box", "box_operation_id")
LOT = ("lot_id", "lot_operation_id")


class BoxPayload(OneOf):
    """A box: by number, by its SSCC or printed code, or by the operation that opened it."""

    NAMED: ClassVar[tuple[tuple[str, ...], ...]] = (BOX,)

    box_id = Id()
    box = Line(most=40, metadata={"description": "SSCC, with or without (00), or the printed code"})
    box_operation_id = fields.UUID()


class OpenPayload(OneOf):
    """A new box at a place, or in the box that the place is."""

    NAMED = (("place_id", "place"),)

    kind = Choice(KINDS, load_default="box")
    place_id = Id()
    place = Line(most=40, metadata={"description": "Printed code of a place or box, or the SSCC of a box"})
    sscc = Line(most=24, metadata={"description": "What its sender has printed on it; none: it is given one."})
    note = Line(most=200)


class ReceiveIntoPayload(BoxPayload):
    """Goods that arrived, straight into a box."""

    NAMED = (BOX, ("item_id", "item_code", "gtin"))

    item_id = Id()
    item_code = Line(most=60)
    gtin = Line(most=20)
    quantity = Quantity(required=True, metadata={"description": "Base units; with gtin: packs of that barcode."})
    expires_on = Expiry()
    use_by = fields.Boolean(load_default=False)
    batch = Line(most=60)
    condition = Choice(CONDITIONS, load_default="new")
    source = Line(most=60)
    unit_value_huf = WholeNumber(least=0, most=10**12)


class FillPayload(BoxPayload):
    """Some of a lot into a box."""

    NAMED = (BOX, LOT, ("from_place_id", "from_place"))

    lot_id = Id()
    lot_operation_id = fields.UUID()
    from_place_id = Id()
    from_place = Line(most=40)
    quantity = Quantity(required=True)
    reason = Line(most=200, metadata={"description": QUARANTINE})
    done = fields.Boolean(
        metadata={"description": "It lies there by hand already: book it even where the books disagree."}
    )


class EmptyPayload(BoxPayload):
    """Some of a lot out of a box; without a place, to where the box stands."""

    NAMED = (BOX, LOT)

    lot_id = Id()
    lot_operation_id = fields.UUID()
    to_place_id = Id()
    to_place = Line(most=40)
    quantity = Quantity(required=True)
    reason = Line(most=200, metadata={"description": QUARANTINE})
    done = fields.Boolean()


class MovePayload(OneOf):
    """Boxes with all that is in them, to a place or into a box."""

    NAMED = ((*BOX, "boxes"), ("to_place_id", "to_place"))

    box_id = Id()
    box = Line(most=40)
    box_operation_id = fields.UUID()
    boxes = fields.List(Line(least=1, most=40), validate=validate.Length(1, LINES_MAX))
    to_place_id = Id()
    to_place = Line(most=40)
    reason = Line(most=200, metadata={"description": QUARANTINE})
    done = fields.Boolean()


class NestPayload(BoxPayload):
    """A box into another one, or onto a pallet."""

    NAMED = (BOX, ("into_box_id", "into_box", "into_box_operation_id"))

    into_box_id = Id()
    into_box = Line(most=40)
    into_box_operation_id = fields.UUID()


class UnnestPayload(BoxPayload):
    """A box out of the one it stands in; without a place, to where that one finally stands."""

    to_place_id = Id()
    to_place = Line(most=40)


class MergePayload(NestPayload):
    """Everything of one box into another; ``pieces`` is what was counted."""

    pieces = Quantity(required=True, metadata={"description": "How many pieces are moved, counted by hand."})
    dissolve = fields.Boolean(load_default=False)


class SplitLine(OneOf):
    """Some of a lot in the box."""

    NAMED = (LOT,)

    lot_id = Id()
    lot_operation_id = fields.UUID()
    quantity = Quantity(required=True)


class SplitPayload(BoxPayload):
    """Some of what is in a box into a new box beside it."""

    lines = fields.List(fields.Nested(SplitLine), required=True, validate=validate.Length(1, LINES_MAX))


# API ----------------------------------------------------------------------------------------------------------------


class FindBoxes(Paged):
    """Filters of the boxes."""

    q = Line(most=60)
    warehouse_id = Id()
    kind = Choice(KINDS)
    state = Choice(STATES)
    place_id = Id()


class FindByCode(Asked):
    """An SSCC or a printed code."""

    code = Line(least=1, most=60, required=True)


class BoxOut(Schema):
    """A box."""

    id = fields.Integer()
    sscc = fields.String()
    kind = fields.String()
    state = fields.String()
    place_id = fields.Integer(metadata={"description": "The place of the ledger that the box is."})
    code = fields.String(attribute="place.code")
    stands_on_id = fields.Integer(attribute="place.parent_id", allow_none=True)
    root_id = fields.Integer(
        attribute="place.root_id", allow_none=True, metadata={"description": "The place with walls where it stands."}
    )
    parent_id = fields.Integer(allow_none=True)
    warehouse_id = fields.Integer()
    opened_at = Moment()
    closed_at = Moment(allow_none=True)
    dissolved_at = Moment(allow_none=True)
    note = fields.String(allow_none=True)


class BoxListed(BoxOut):
    """A box in a list, with what is in it and in the boxes in it."""

    pieces = fields.Integer()
    weight_g = fields.Integer()
    lots = fields.Integer()
    boxes = fields.Integer()


class BoxesOut(Schema):
    """A page of boxes."""

    items = fields.List(fields.Nested(BoxListed))
    next_after = fields.String(allow_none=True)


class ContentOut(Schema):
    """So many of a lot in a box."""

    box_id = fields.Integer()
    lot_id = fields.Integer()
    item_id = fields.Integer(attribute="item.id")
    on_hand = fields.Integer()
    reserved = fields.Integer()
    available = fields.Integer()
    expires_on = fields.Date(attribute="lot.expires_on", allow_none=True)


class BranchOut(Schema):
    """A box in the tree, how deep, and what lies in it."""

    box = fields.Nested(BoxOut)
    depth = fields.Integer()
    contents = fields.List(fields.Nested(ContentOut))


class BoxSheetOut(BoxListed):
    """A box with its tree."""

    tree = fields.List(fields.Nested(BranchOut))


class Deed(Wire):
    """A deed with its own number: sent twice, done once."""

    operation_id = fields.UUID(required=True)


class OpenIn(Deed):
    """A new box."""

    kind = Choice(KINDS, load_default="box")
    place_id = Id(required=True)
    code = Line(
        most=24,
        data_key="sscc",
        metadata={"description": "What its sender has printed on it; none: it is given one."},
    )
    note = Line(most=200)


class FillIn(Deed):
    """Some of a lot into the box."""

    lot_id = Id(required=True)
    from_place_id = Id(required=True)
    quantity = Quantity(required=True)
    reason = Line(most=200, metadata={"description": QUARANTINE})


class EmptyIn(Deed):
    """Some of a lot out of the box."""

    lot_id = Id(required=True)
    to_place_id = Id()
    quantity = Quantity(required=True)
    reason = Line(most=200, metadata={"description": QUARANTINE})


class MoveIn(Deed):
    """The box to another place, or into the box that the place is."""

    to_place_id = Id(required=True)
    reason = Line(most=200, metadata={"description": QUARANTINE})


class MergeIn(Deed):
    """Everything into another box; ``pieces`` is what was counted."""

    into_box_id = Id(required=True)
    pieces = Quantity(required=True)
    dissolve = fields.Boolean(load_default=False)


class SplitLineIn(Wire):
    """Some of a lot in the box."""

    lot_id = Id(required=True)
    quantity = Quantity(required=True)


class SplitIn(Deed):
    """Some of what is in it into a new box."""

    lines = fields.List(fields.Nested(SplitLineIn), required=True, validate=validate.Length(1, LINES_MAX))


# Forms --------------------------------------------------------------------------------------------------------------


class OpenForm(Form):
    """A new box, by form."""

    operation_id = fields.UUID(required=True)
    kind = Choice(KINDS, load_default="box")
    place_id = Id(required=True)
    note = Line(most=200)


class FillForm(Form):
    """Some of a lot into the box, by form: what lies where is one choice, "lot-place"."""

    operation_id = fields.UUID(required=True)
    from_ = Line(required=True, most=40, data_key="from")
    quantity = Quantity(required=True)
    reason = Line(most=200)


class EmptyForm(Form):
    """Some of a lot out of the box, by form."""

    operation_id = fields.UUID(required=True)
    lot_id = Id(required=True)
    to_place_id = Id()
    quantity = Quantity(required=True)
    reason = Line(most=200)


class MoveForm(Form):
    """The box to another place, by form; several at once from the list."""

    operation_id = fields.UUID(required=True)
    to_place_id = Id(required=True)
    reason = Line(most=200)


class MergeForm(Form):
    """Everything into another box, by form."""

    operation_id = fields.UUID(required=True)
    into_box_id = Id(required=True)
    pieces = Quantity(required=True)
    dissolve = fields.String()
