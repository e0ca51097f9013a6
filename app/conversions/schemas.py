"""Wire shapes of kits and conversions. They check shape; what may be done is the service's to judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate, validates_schema

from app.conversions.kit_parts import PARTS_MAX, TOLERANCE_MAX
from app.conversions.models import ConversionKind
from app.foundation.fields import Asked, Choice, Form, Id, Line, Moment, Quantity, WholeNumber, Wire, exactly_one

KINDS = tuple(each.value for each in ConversionKind)
COUNT_MAX = 100_000


def Tolerance(**kwargs: Any) -> WholeNumber:  # noqa: N802  # reads as a field
    """Thousandths of the weight."""
    return WholeNumber(least=0, most=TOLERANCE_MAX, **kwargs)


def Count(**kwargs: Any) -> WholeNumber:  # noqa: N802
    """How many kits."""
    return WholeNumber(least=1, most=COUNT_MAX, **kwargs)


# Asked --------------------------------------------------------------------------------------------------------------


class ConversionQuery(Asked):
    """Filters of the conversions."""

    warehouse_id = Id()
    kind = Choice(KINDS)
    kit_id = Id()
    after = Line(most=500)
    size = WholeNumber(least=1, most=200)


class KitQuery(Asked):
    """Filters of the kits."""

    warehouse_id = Id()
    retired = fields.Boolean(load_default=False)


class LotQuery(Asked):
    """Which lot, where."""

    lot_id = Id()
    at = Id()


# JSON ---------------------------------------------------------------------------------------------------------------


class KitPartIn(Wire):
    """How much of an item goes into one kit."""

    item_id = Id(required=True)
    quantity = Quantity(required=True)


class KitIn(Wire):
    """What an item is made up from."""

    item_id = Id(required=True)
    parts = fields.List(fields.Nested(KitPartIn), required=True, validate=validate.Length(1, PARTS_MAX))
    tolerance_permille = Tolerance(load_default=20)


class KitChange(Wire):
    """What a kit is made up from, said anew."""

    parts = fields.List(fields.Nested(KitPartIn), required=True, validate=validate.Length(1, PARTS_MAX))
    tolerance_permille = Tolerance(load_default=20)


class KitPartOut(Schema):
    """How much of an item goes into one kit."""

    item_id = fields.Integer()
    quantity = fields.Integer()


class KitOut(Schema):
    """A kit."""

    id = fields.Integer()
    item_id = fields.Integer()
    tolerance_permille = fields.Integer()
    retired_at = Moment(allow_none=True)
    version = fields.Integer()
    parts = fields.List(fields.Nested(KitPartOut))


class MakeableOut(Schema):
    """How many kits can be made up in a warehouse from what lies there."""

    warehouse_id = fields.Integer()
    makeable = fields.Integer()
    scarcest_item_ids = fields.List(fields.Integer())


class KitSheet(KitOut):
    """A kit, and how many can be made where."""

    makeable = fields.List(fields.Nested(MakeableOut))


class KitsOut(Schema):
    """Kits by name."""

    items = fields.List(fields.Nested(KitSheet))


class AssembleIn(Wire):
    """Kits to be made up."""

    operation_id = fields.UUID(required=True)
    kit_id = Id(required=True)
    count = Count(required=True)
    to_place_id = Id(required=True)
    from_place_ids = fields.List(Id(), validate=validate.Length(1, 200))
    note = Line(most=300)


class TakeApartIn(Wire):
    """Kits to be taken apart."""

    operation_id = fields.UUID(required=True)
    lot_id = Id(required=True)
    from_place_id = Id(required=True)
    count = Count(required=True)
    to_place_id = Id(required=True)
    note = Line(most=300)


class RepackIn(Wire):
    """Some of a lot to be repacked into another item."""

    operation_id = fields.UUID(required=True)
    lot_id = Id(required=True)
    from_place_id = Id(required=True)
    quantity = Quantity(required=True)
    to_item_id = Id(required=True)
    to_quantity = Quantity(required=True, metadata={"description": "What came out, with what was lost on the way."})
    to_place_id = Id(required=True)
    lost = WholeNumber(least=0, most=10**9, load_default=0)
    lost_reason = Line(most=200)
    tolerance_permille = Tolerance(load_default=20)
    note = Line(most=300)


class UndoIn(Wire):
    """Why a conversion is taken back."""

    operation_id = fields.UUID(required=True)
    reason = Line(least=3, most=200, required=True)


class ConvertedLotOut(Schema):
    """A lot that went in or came out."""

    lot_id = fields.Integer()
    place_id = fields.Integer()
    quantity = fields.Integer()


class ConversionOut(Schema):
    """A conversion."""

    id = fields.Integer()
    operation_id = fields.UUID()
    kind = fields.String(metadata={"enum": list(KINDS)})
    kit_id = fields.Integer(allow_none=True)
    warehouse_id = fields.Integer()
    weight_in_g = fields.Integer()
    weight_out_g = fields.Integer()
    tolerance_permille = fields.Integer()
    note = fields.String(allow_none=True)
    happened_at = Moment()
    undone_at = Moment(allow_none=True)


class ConversionSheet(ConversionOut):
    """A conversion, and its lots."""

    went_in = fields.List(fields.Nested(ConvertedLotOut))
    came_out = fields.List(fields.Nested(ConvertedLotOut))


class ConversionsPage(Schema):
    """A page of conversions, the newest first."""

    items = fields.List(fields.Nested(ConversionSheet))
    next_after = fields.String(allow_none=True)


# Operations of phones -----------------------------------------------------------------------------------------------


class AssemblePayload(Wire):
    """Kits made up on the floor: by the kit's number or its item's code, into a place by number or printed code."""

    kit_id = Id()
    kit = Line(most=60)
    quantity = Count(required=True)
    to_place_id = Id()
    to_place = Line(most=40)
    from_places = fields.List(Line(least=1, most=40), validate=validate.Length(1, 50))
    note = Line(most=300)
    done = fields.Boolean(metadata={"description": "They stand there already: book it where the books disagree, too."})

    @validates_schema
    def one_of_each(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of the kit and of the place."""
        exactly_one(data, "kit_id", "kit")
        exactly_one(data, "to_place_id", "to_place")


class TakeApartPayload(Wire):
    """Kits taken apart on the floor."""

    lot_id = Id()
    lot_operation_id = fields.UUID()
    from_place_id = Id()
    from_place = Line(most=40)
    quantity = Count(required=True)
    to_place_id = Id()
    to_place = Line(most=40)
    note = Line(most=300)
    done = fields.Boolean()

    @validates_schema
    def one_of_each(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of the lot and of each place."""
        exactly_one(data, "lot_id", "lot_operation_id")
        exactly_one(data, "from_place_id", "from_place")
        exactly_one(data, "to_place_id", "to_place")


class RepackPayload(TakeApartPayload):
    """Goods repacked on the floor."""

    quantity = Quantity(required=True)
    to_item_id = Id()
    to_item = Line(most=60)
    to_quantity = Quantity(required=True)
    lost = WholeNumber(least=0, most=10**9, load_default=0)
    lost_reason = Line(most=200)
    tolerance_permille = Tolerance(load_default=20)

    @validates_schema
    def an_item(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of what it becomes."""
        exactly_one(data, "to_item_id", "to_item")


# Forms --------------------------------------------------------------------------------------------------------------


class KitForm(Form):
    """A kit, by form; its parts are read beside it."""

    item_id = Id(required=True)
    tolerance_permille = Tolerance(load_default=20)


class KitChangeForm(Form):
    """A changed kit, by form."""

    version = WholeNumber(least=1, required=True)
    tolerance_permille = Tolerance(load_default=20)


class AssembleForm(Form):
    """Kits to be made up, by form."""

    operation_id = fields.UUID(required=True)
    count = Count(required=True)
    to_place_id = Id(required=True)
    from_place_ids = fields.List(Id(), validate=validate.Length(max=200))
    note = Line(most=300)


class TakeApartForm(Form):
    """Kits to be taken apart, by form."""

    operation_id = fields.UUID(required=True)
    from_place_id = Id(required=True)
    count = Count(required=True)
    to_place_id = Id(required=True)
    note = Line(most=300)


class RepackForm(Form):
    """Some of a lot to be repacked, by form."""

    operation_id = fields.UUID(required=True)
    from_place_id = Id(required=True)
    quantity = Quantity(required=True)
    to_item_id = Id(required=True)
    to_quantity = Quantity(required=True)
    to_place_id = Id(required=True)
    lost = WholeNumber(least=0, most=10**9, load_default=0)
    lost_reason = Line(most=200)
    tolerance_permille = Tolerance(load_default=20)
    note = Line(most=300)


class UndoForm(Form):
    """Why a conversion is taken back, by form."""

    operation_id = fields.UUID(required=True)
    reason = Line(most=200, load_default="")
