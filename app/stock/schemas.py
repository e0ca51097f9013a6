"""Wire shapes of the stock. They check shape; what may be done is the service's to judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validate, validates_schema

from app.foundation.errors import Invalid
from app.foundation.fields import (
    QUANTITY_MAX,
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
from app.foundation.http import flat
from app.foundation.words import say

STORAGE = ("ambient", "chilled", "frozen", "bulky", "hazardous")
CONDITIONS = ("new", "good", "worn")
PLACE_KINDS = ("dock", "shelf", "quarantine", "staging", "vehicle")
KINDS = (
    *("receive", "put_away", "move", "pick", "load", "hand_over", "bring_back", "write_off", "reverse"),
    *("transfer_out", "transfer_in", "find", "lose", "convert"),
)
VIEWS = ("expiring", "expired", "quarantine", "discrepancy")


def reads(schema: Schema) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return a reader of payloads for ``operations.operation``: wrong shapes become refusals."""

    def read(payload: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            loaded: Mapping[str, Any] = schema.load(payload)
        except ValidationError as error:
            wrong = flat(error.messages if isinstance(error.messages, dict) else {"_schema": error.messages})
            raise Invalid(say("Nothing was changed: the operation is not complete."), wrong) from error
        return loaded

    return read


# Payloads of operations ---------------------------------------------------------------------------------------------


class ReceivePayload(Wire):
    """Goods that arrived: of an item (by number, code or barcode) into a place (by number or printed code)."""

    item_id = Id()
    item_code = Line(most=60)
    gtin = Line(most=20)
    quantity = Quantity(required=True, metadata={"description": "Base units; with gtin: packs of that barcode."})
    place_id = Id()
    place = Line(most=40)
    expires_on = Expiry()
    use_by = fields.Boolean(load_default=False)
    batch = Line(most=60)
    condition = Choice(CONDITIONS, load_default="new")
    source = Line(most=60)
    unit_value_huf = WholeNumber(least=0, most=10**12)

    @validates_schema
    def one_of_each(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of the item and of the place."""
        exactly_one(data, "item_id", "item_code", "gtin")
        exactly_one(data, "place_id", "place")


class MovePayload(Wire):
    """A quantity of a lot from one place to another. A lot just received is named by its receiving operation."""

    lot_id = Id()
    lot_operation_id = fields.UUID()
    quantity = Quantity(required=True)
    from_place_id = Id()
    from_place = Line(most=40)
    to_place_id = Id()
    to_place = Line(most=40)
    reason = Line(most=200)
    done = fields.Boolean(
        metadata={"description": "It has been moved by hand already: book it even where the books disagree."}
    )

    @validates_schema
    def one_of_each(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of the lot and of the place it leaves."""
        exactly_one(data, "lot_id", "lot_operation_id")
        exactly_one(data, "from_place_id", "from_place")
        if self.target_needed or "to_place" in data or "to_place_id" in data:
            exactly_one(data, "to_place_id", "to_place")

    target_needed = True


class LeavePayload(MovePayload):
    """Like a move; where it goes is known from the kind."""

    target_needed = False


class PickItemPayload(Wire):
    """So many of an item to a staging place or vehicle; which lots, first to expire first, we say."""

    item_id = Id()
    item_code = Line(most=60)
    gtin = Line(most=20)
    quantity = Quantity(required=True, metadata={"description": "Base units; with gtin: packs of that barcode."})
    to_place_id = Id()
    to_place = Line(most=40)

    @validates_schema
    def one_of_each(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name of the item and of the place."""
        exactly_one(data, "item_id", "item_code", "gtin")
        exactly_one(data, "to_place_id", "to_place")


class ReversePayload(Wire):
    """A movement to be taken back, by its number or by the operation that made it."""

    movement_id = Id()
    reversed_operation_id = fields.UUID()
    reason = Line(most=200, load_default="")

    @validates_schema
    def one_of_each(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for exactly one name."""
        exactly_one(data, "movement_id", "reversed_operation_id")


class OperationsBody(Wire):
    """At most 100 operations, 256 KiB; each {operation_id, device_id, sequence, happened_at, kind, payload}."""

    operations = fields.List(fields.Raw(allow_none=True), required=True)


class OperationAnswer(Schema):
    """The final answer to one operation."""

    operation_id = fields.String(allow_none=True)
    outcome = fields.String(metadata={"enum": ["applied", "duplicate", "rejected", "needs_review"]})
    first_outcome = fields.String()
    result = fields.Dict()
    review = fields.List(fields.String())
    problem = fields.Dict()
    clock = fields.Dict()


class OperationsAnswer(Schema):
    """The answers, in the order of the operations."""

    answers = fields.List(fields.Nested(OperationAnswer))


# Reads --------------------------------------------------------------------------------------------------------------


class StockQuery(Paged):
    """Filters of the stock list."""

    q = Line(most=100)
    warehouse_id = Id()
    category_id = Id()
    item_id = Id()
    place_id = Id()
    lot_id = Id()
    within_days = WholeNumber(least=0, most=36_500)
    view = Choice(VIEWS)
    sort = Choice([way + name for name in ("expiry", "name", "place", "on_hand") for way in ("", "-")])


class MovementQuery(Paged):
    """Filters of the movements."""

    warehouse_id = Id()
    kind = Choice(KINDS)
    place_id = Id()
    lot_id = Id()
    on = fields.Date()


class PlaceQuery(Paged):
    """Filters of the places."""

    q = Line(most=60)
    warehouse_id = Id()
    kind = Choice(PLACE_KINDS)


class FindQuery(Asked):
    """What is being typed."""

    q = Line(most=60, load_default="")
    warehouse_id = Id()


class PickQuery(Asked):
    """Where is picked."""

    warehouse_id = Id()


class WantedItem(Wire):
    """So many of an item."""

    item_id = Id(required=True)
    quantity = Quantity(required=True)


class PickAsked(Asked):
    """A pick list for so many of some items: ``items=3:10,4:2``."""

    warehouse_id = Id(required=True)
    items = Line(least=3, most=500, required=True, metadata={"description": "item:quantity, item:quantity, …"})


def wanted_items(text: str) -> dict[int, int]:
    """Return what ``3:10,4:2`` asks for; what has another shape is refused."""
    wanted: dict[int, int] = {}
    for part in text.split(","):
        item_id, _, quantity = part.strip().partition(":")
        try:
            line = WantedItem().load({"item_id": item_id, "quantity": quantity})
        except ValidationError as error:
            raise ValidationError({"items": ["Write item:quantity, such as 3:10,4:2."]}) from error
        wanted[line["item_id"]] = min(wanted.get(line["item_id"], 0) + line["quantity"], QUANTITY_MAX)
    return wanted


class ReservedAsked(Asked):
    """A pick list for what is reserved for a purpose."""

    purpose_kind = Line(least=1, most=20, required=True, metadata={"description": "such as transfer"})
    purpose_id = Id(required=True)


class PickOut(Schema):
    """So much of a lot to be taken from a place, or from the box that stands there."""

    item_id = fields.Integer()
    lot_id = fields.Integer()
    place_id = fields.Integer()
    quantity = fields.Integer()
    place = fields.String()
    box = fields.String(allow_none=True)
    expires_on = fields.Date(allow_none=True)
    purpose_id = fields.Integer(allow_none=True)
    reservation_id = fields.Integer(allow_none=True)


class InsteadOut(Schema):
    """What may be given instead; ``quantity`` of it stands for what is missing."""

    item_id = fields.Integer()
    percent = fields.Integer()
    quantity = fields.Integer()
    available = fields.Integer()


class ShortOut(Schema):
    """What the shelves do not hold enough of."""

    item_id = fields.Integer()
    wanted = fields.Integer()
    missing = fields.Integer()
    instead = fields.List(fields.Nested(InsteadOut))


class PickListOut(Schema):
    """What to take, in walking order, and what is short."""

    items = fields.List(fields.Nested(PickOut))
    short = fields.List(fields.Nested(ShortOut))


class PutAwayAsked(Asked):
    """In which warehouse."""

    warehouse_id = Id(required=True)


class SuggestedOut(Schema):
    """A shelf on which it might be put."""

    place_id = fields.Integer()
    code = fields.String()
    storage_class = fields.String()
    same_item = fields.Integer(metadata={"description": "Pieces of the same item that lie there."})
    pieces = fields.Integer()


class SuggestionsOut(Schema):
    """Shelves, the best first."""

    items = fields.List(fields.Nested(SuggestedOut))


class WarehouseOut(Schema):
    """A warehouse."""

    id = fields.Integer()
    code = fields.String()
    name = fields.String()
    county_id = fields.Integer()
    settlement_id = fields.Integer()
    lat = fields.Float()
    lon = fields.Float()
    opens_at = fields.Time("%H:%M")
    closes_at = fields.Time("%H:%M")
    loading_bays = fields.Integer()
    storage_classes = fields.List(fields.String())
    version = fields.Integer()


class WarehousesOut(Schema):
    """Warehouses by name."""

    items = fields.List(fields.Nested(WarehouseOut))


class WarehouseIn(Wire):
    """A new warehouse."""

    code = Line(least=2, most=10, required=True)
    name = Line(least=1, most=100, required=True)
    county_id = Id(required=True)
    settlement_id = Id(required=True)
    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    lon = fields.Float(required=True, validate=validate.Range(-180, 180))
    storage_classes = fields.List(Choice(STORAGE), load_default=["ambient"])


class WarehouseChange(Wire):
    """What may be changed of a warehouse."""

    name = Line(least=1, most=100)
    opens_at = fields.Time()
    closes_at = fields.Time()
    loading_bays = WholeNumber(least=1, most=100)
    storage_classes = fields.List(Choice(STORAGE))


class PlaceOut(Schema):
    """A place."""

    id = fields.Integer()
    warehouse_id = fields.Integer()
    parent_id = fields.Integer(allow_none=True)
    code = fields.String()
    kind = fields.String()
    storage_class = fields.String()
    retired_at = Moment(allow_none=True)


class PlaceTotalOut(PlaceOut):
    """A place, and what is in it."""

    lots = fields.Integer()
    weight_g = fields.Integer()


class PlacesOut(Schema):
    """A page of places."""

    items = fields.List(fields.Nested(PlaceTotalOut))
    next_after = fields.String(allow_none=True)


class PlaceIn(Wire):
    """A new place."""

    warehouse_id = Id(required=True)
    code = Line(least=2, most=40, required=True)
    kind = Choice(PLACE_KINDS, load_default="shelf")
    storage_class = Choice(STORAGE, load_default="ambient")
    parent_id = Id()


class PlaceForm(Form):
    """A new place, by form."""

    warehouse_id = Id(required=True)
    code = Line(least=2, most=40, required=True)
    kind = Choice(PLACE_KINDS, required=True)
    storage_class = Choice(STORAGE, load_default="ambient")


class LotOut(Schema):
    """A lot."""

    id = fields.Integer()
    item_id = fields.Integer()
    expires_on = fields.Date(allow_none=True)
    use_by = fields.Boolean()
    batch = fields.String(allow_none=True)
    condition = fields.String()
    state = fields.String()
    unit_value_huf = fields.Integer(allow_none=True)
    source = fields.String(allow_none=True)
    warehouse_id = fields.Integer()
    received_at = Moment()


class BalanceOut(Schema):
    """How much of a lot a place holds."""

    id = fields.Integer()
    lot_id = fields.Integer()
    place_id = fields.Integer()
    place = fields.String(attribute="place.code")
    warehouse_id = fields.Integer()
    item_id = fields.Integer()
    expires_on = fields.Date(attribute="lot.expires_on", allow_none=True)
    state = fields.String(attribute="lot.state")
    condition = fields.String(attribute="lot.condition")
    on_hand = fields.Integer()
    reserved = fields.Integer()
    available = fields.Integer()


class BalancesOut(Schema):
    """A page of balances."""

    items = fields.List(fields.Nested(BalanceOut))
    next_after = fields.String(allow_none=True)


class LotWithBalances(LotOut):
    """A lot and where it lies."""

    balances = fields.List(fields.Nested(BalanceOut))


class MovementOut(Schema):
    """A movement."""

    id = fields.Integer()
    operation_id = fields.UUID()
    line = fields.Integer()
    lot_id = fields.Integer()
    from_place_id = fields.Integer()
    to_place_id = fields.Integer()
    quantity = fields.Integer()
    kind = fields.String()
    happened_at = Moment()
    recorded_at = Moment()
    reverses_id = fields.Integer(allow_none=True)
    reason = fields.String(allow_none=True)
    warehouse_id = fields.Integer()


class MovementsOut(Schema):
    """A page of movements, the newest first."""

    items = fields.List(fields.Nested(MovementOut))
    next_after = fields.String(allow_none=True)


class LotStateIn(Wire):
    """Whether a lot may be picked."""

    state = Choice(("free", "quarantined", "blocked"), required=True)
    reason = Line(least=1, most=200, required=True)


class ProofOut(Schema):
    """The ledger against the balances."""

    holds = fields.Boolean()
    movements = fields.Integer()
    balances = fields.Integer()
    difference = fields.Integer()
    differences = fields.List(fields.Dict())
    differences_in_all = fields.Integer()
    items_out_of_balance = fields.List(fields.Integer())
    negative = fields.Integer()
    warehouses = fields.List(fields.Dict())
    seconds = fields.Float()
    proved_at = Moment()


# Forms --------------------------------------------------------------------------------------------------------------


class ReceiveForm(Form):
    """Goods that arrived, by form."""

    operation_id = fields.UUID(required=True)
    item_id = Id(required=True)
    quantity = Quantity(required=True)
    place_id = Id(required=True)
    expires_on = Expiry()
    use_by = fields.Boolean(load_default=False)
    batch = Line(most=60)
    condition = Choice(CONDITIONS, load_default="new")
    source = Line(most=60)

    @pre_load
    def tick(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """Read a ticked box as true."""
        return {**data, "use_by": "true"} if data.get("use_by") else dict(data)


class MoveForm(Form):
    """A move, by form."""

    operation_id = fields.UUID(required=True)
    from_place_id = Id(required=True)
    to_place_id = Id(required=True)
    quantity = Quantity(required=True)
    reason = Line(most=200)


class PickForm(Form):
    """A line of a pick list that was taken, by form."""

    operation_id = fields.UUID(required=True)
    lot_id = Id(required=True)
    from_place_id = Id(required=True)
    quantity = Quantity(required=True)
    reason = Line(most=200)


class ReverseForm(Form):
    """Taking a movement back, by form."""

    operation_id = fields.UUID(required=True)
    reason = Line(most=200, load_default="")


class LotStateForm(Form):
    """Blocking or freeing a lot, by form."""

    state = Choice(("free", "quarantined", "blocked"), required=True)
    reason = Line(least=3, most=200, required=True)
