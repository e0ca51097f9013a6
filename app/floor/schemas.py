"""Wire shapes of the floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.floor.protocol import PROTOCOL, brought_up
from app.foundation.fields import Asked, Id, Line, Moment, Quantity, Wire
from app.stock.schemas import reads

RECEIPTS_MAX = 1000


def reads_since(kind: str, schema: Schema) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return a reader of payloads that understands what pages two versions old write."""
    read = reads(schema)
    return lambda payload: read(brought_up(kind, payload))


class LearnPackPayload(Wire):
    """A barcode that was not known: what it is, and how many base units one of it holds."""

    gtin = Line(least=8, most=20, required=True)
    item_id = Id(required=True)
    quantity = Quantity(required=True)


class GoodsReceivedPayload(Wire):
    """Everything that was scanned in of one delivery, so that it gets its goods-received note."""

    warehouse_id = Id(required=True)
    receipts = fields.List(
        fields.UUID(),
        required=True,
        validate=validate.Length(min=1, max=RECEIPTS_MAX),
        metadata={"description": "The operations that received it."},
    )
    offer_id = Id(load_default=None, allow_none=True)


class AskSnapshot(Asked):
    """What a phone holds already."""

    warehouse_id = Id(metadata={"description": "Missing: the one warehouse where the person works."})
    since = Line(most=200, metadata={"description": "The mark of the snapshot at hand: equal parts are left out."})
    protocol = Quantity(load_default=PROTOCOL)


class PartsOut(Schema):
    """Rows as lists, in the order of the named columns; a part equal to what the phone has is left out."""

    places = fields.List(fields.Raw(), metadata={"description": "[id, code, kind, storage_class]"})
    items = fields.List(
        fields.Raw(),
        metadata={
            "description": "[id, code, name_hu, name_en, unit_hu, unit_en, tracks_expiry, days_left_min, icon, "
            "category_hu, category_en, [[gtin, quantity], …]]"
        },
    )
    lots = fields.List(
        fields.Raw(),
        metadata={"description": "[lot, item, place, available, on_hand, expires_on, use_by, state, batch]"},
    )
    runs = fields.List(
        fields.Raw(),
        metadata={"description": "[id, on, number, state, plate, departs_at, [[parcel, state, stop, weight_g], …]]"},
    )
    boxes = fields.List(fields.Raw(), metadata={"description": "[id, sscc, kind, state, place, stands_on, root]"})
    offers = fields.List(
        fields.Raw(),
        metadata={"description": "[id, donor, until, [[line, item, quantity, arrived, expires_on, value], …]]"},
    )
    transfers = fields.List(
        fields.Raw(),
        metadata={
            "description": "[id, direction, other_warehouse, state, expected_on, "
            "[[line, item, quantity], …], [[id, lot, item, place, quantity, received, expires_on, box], …], "
            "[[lot, place, quantity], …] reserved for it]"
        },
    )
    stocktakes = fields.List(
        fields.Raw(),
        metadata={"description": "[id, state, [place, …], [category, …], opened_at]; never what the books expect"},
    )


class FloorWarehouse(Schema):
    """A warehouse, by name."""

    id = fields.Integer()
    code = fields.String()
    name = fields.String()


class SnapshotOut(Schema):
    """What a phone needs to know to work without a network."""

    protocol = fields.Integer(metadata={"example": PROTOCOL})
    oldest = fields.Integer(metadata={"description": "The oldest version of a page that is understood."})
    warehouse = fields.Nested(FloorWarehouse)
    made_at = Moment()
    mark = fields.String(metadata={"example": "1f0c9a3b.77ab01c2.9e1d0f44"})
    whole = fields.Boolean(metadata={"description": "False: only the parts that differ from `since` are here."})
    parts = fields.Nested(PartsOut)


class HolderOut(Schema):
    """Who is signed in."""

    id = fields.Integer()
    name = fields.String()


class PhoneOut(Schema):
    """Whose phone this is now, and the token that its next request must carry."""

    person = fields.Nested(HolderOut)
    language = fields.String()
    warehouses = fields.List(fields.Nested(FloorWarehouse))
    scanner = fields.Boolean()
    csrf_token = fields.String(allow_none=True)
    protocol = fields.Integer()
    oldest = fields.Integer()
    permissions = fields.List(fields.String())


class ScannerIn(Wire):
    """Whether this phone is a scanner: its session lasts a shift, and its page is locked by a PIN."""

    scanner = fields.Boolean(required=True)


class ScannerOut(Schema):
    """What the session is now."""

    scanner = fields.Boolean()
