"""Wire shapes of the views of the stock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from app.foundation.fields import QUANTITY_MAX, Asked, Choice, Form, Id, Line, Moment, WholeNumber, Wire, Worded
from app.foundation.paging import PAGE_SIZE_MAX
from app.inventory.queries import GROUPS, Filters
from app.stock.past import CLOCKS, PERIODS

STORAGE = ("ambient", "chilled", "frozen", "bulky", "hazardous")
SPANS = ("7", "30", "90", "expired")
PAST_GROUPS = ("item", "category", "warehouse")
LEVEL_VIEWS = ("below", "above")
VIEWS = ("overview", "expiring", "levels", "at", "counties", "stock", "movements")
FORMS = ("csv", "xlsx")


def filters_of(asked: dict[str, Any], *, today: date, language: str) -> Filters:
    """Take the filters of a view out of what was asked."""
    names = ("q", "category_id", "county_id", "warehouse_id", "storage_class")
    return Filters(today=today, language=language, **{name: asked.pop(name) for name in names if name in asked})


def days_of(span: str) -> int | None:
    """Return the days of a span; none for what has expired."""
    return None if span == "expired" else int(span)


class Narrowed(Asked):
    """What every view can be narrowed to."""

    q = Line(most=100)
    category_id = Id()
    county_id = Id()
    warehouse_id = Id()
    storage_class = Choice(STORAGE)


class Paged(Narrowed):
    """Which page of a view."""

    after = Line(most=500)
    size = WholeNumber(least=1, most=PAGE_SIZE_MAX)


class OverviewQuery(Paged):
    """What there is, and how it is grouped."""

    by = Choice(GROUPS, load_default="item")


class ExpiringQuery(Paged):
    """What expires within so many days, or has expired."""

    days = Choice(SPANS, load_default="30")


class LevelsQuery(Paged):
    """Levels, or only those that are not kept."""

    view = Choice(LEVEL_VIEWS)


class PastQuery(Narrowed):
    """The end of which day, by which clock, by what."""

    on = fields.Date()
    clock = Choice(tuple(CLOCKS), load_default="recorded", metadata={"description": "recorded: as the books said then"})
    by = Choice(PAST_GROUPS, load_default="item")


class CardQuery(Asked):
    """Which periods of an item's ledger card."""

    period = Choice(tuple(PERIODS), load_default="month")
    until = fields.Date()
    county_id = Id()
    warehouse_id = Id()


class CountiesQuery(Asked):
    """Totals of which things."""

    item_id = Id()
    category_id = Id()


class ExportQuery(Narrowed):
    """Which view leaves the house, in which form, narrowed how."""

    view = Choice(VIEWS, load_default="stock")
    form = Choice(FORMS, load_default="csv")
    by = Choice(tuple(dict.fromkeys((*GROUPS, *PAST_GROUPS))), load_default="item")
    days = Choice(SPANS, load_default="30")
    level = Choice(LEVEL_VIEWS)
    on = fields.Date()
    clock = Choice(tuple(CLOCKS), load_default="recorded")
    since = fields.Date()
    until = fields.Date()
    item_id = Id()

    @validates_schema
    def groups_of_the_view(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for a group that the view has."""
        known = {"overview": GROUPS, "at": PAST_GROUPS}.get(data["view"])
        if known is not None and data["by"] not in known:
            raise ValidationError("Choose one of what is listed.", "by")


class LevelIn(Wire):
    """How much of an item a warehouse should have."""

    warehouse_id = Id(required=True)
    item_id = Id(required=True)
    least = WholeNumber(least=0, most=QUANTITY_MAX, required=True)
    most = WholeNumber(least=0, most=QUANTITY_MAX, allow_none=True)


class LevelForm(Form):
    """The same, by form."""

    warehouse_id = Id(required=True)
    item_id = Id(required=True)
    least = WholeNumber(least=0, most=QUANTITY_MAX, required=True)
    most = WholeNumber(least=0, most=QUANTITY_MAX)
    version = WholeNumber(least=1)


class StockLineOut(Schema):
    """One line of what there is."""

    id = fields.Integer()
    name = fields.String()
    sub = fields.String(data_key="code")
    unit = fields.String(allow_none=True)
    on_hand = fields.Integer()
    reserved = fields.Integer()
    available = fields.Integer()
    coming = fields.Integer()
    asked_for = fields.Integer()
    weight_g = fields.Integer()
    value = fields.Integer(metadata={"description": "In hundredths of a forint."})
    expires_on = fields.Date(allow_none=True)
    lots = fields.Integer()


class OverviewOut(Schema):
    """A page of what there is."""

    items = fields.List(fields.Nested(StockLineOut))
    next_after = fields.String(allow_none=True)


class ProposalOut(Schema):
    """What could be done."""

    kind = fields.String(metadata={"enum": ["give", "transfer", "kit", "offer", "write_off", "hold"]})
    quantity = fields.Integer()
    text = Worded()
    arguments = fields.Dict()


class ExpiringOut(Schema):
    """A balance that expires, and what could be done."""

    balance_id = fields.Integer()
    lot_id = fields.Integer()
    item_id = fields.Integer()
    item = fields.String()
    warehouse_id = fields.Integer()
    place = fields.String()
    expires_on = fields.Date()
    on_hand = fields.Integer()
    reserved = fields.Integer()
    available = fields.Integer()
    proposals = fields.List(fields.Nested(ProposalOut))


class ExpiringPage(Schema):
    """A page of what expires."""

    items = fields.List(fields.Nested(ExpiringOut))
    next_after = fields.String(allow_none=True)


class StockLevelOut(Schema):
    """A level, and how it is kept."""

    id = fields.Integer()
    warehouse_id = fields.Integer()
    item_id = fields.Integer()
    least = fields.Integer()
    most = fields.Integer(allow_none=True)
    available = fields.Integer()
    coming = fields.Integer()
    below = fields.Boolean()
    version = fields.Integer()


class StockLevelsOut(Schema):
    """A page of levels."""

    items = fields.List(fields.Nested(StockLevelOut))
    next_after = fields.String(allow_none=True)


class LevelSet(Schema):
    """A level as it was set."""

    id = fields.Integer()
    warehouse_id = fields.Integer()
    item_id = fields.Integer()
    least = fields.Integer()
    most = fields.Integer(allow_none=True)
    version = fields.Integer()


class PastLineOut(Schema):
    """What there was."""

    id = fields.Integer()
    name = fields.String()
    sub = fields.String(data_key="code")
    quantity = fields.Integer(allow_none=True)
    unit = fields.String(allow_none=True)
    weight_g = fields.Integer()
    value = fields.Integer()


class PastOut(Schema):
    """The stock at the end of a day."""

    day = fields.Date()
    clock = fields.String()
    value = fields.Integer(metadata={"description": "In hundredths of a forint."})
    weight_g = fields.Integer()
    lines = fields.List(fields.Nested(PastLineOut))


class CardPeriodOut(Schema):
    """A line of a ledger card."""

    since = fields.Date()
    until = fields.Date()
    opening = fields.Integer()
    came = fields.Integer()
    went = fields.Integer()
    closing = fields.Integer()


class LedgerCardOut(Schema):
    """An item's ledger card, the newest period first."""

    item_id = fields.Integer()
    periods = fields.List(fields.Nested(CardPeriodOut))


class CountyStockOut(Schema):
    """What a county has: sums only."""

    id = fields.Integer()
    code = fields.String()
    name = fields.String()
    on_hand = fields.Integer()
    reserved = fields.Integer()
    available = fields.Integer()
    expiring = fields.Integer()
    weight_g = fields.Integer()
    items = fields.Integer()
    wanted = fields.Integer()


class CountiesStockOut(Schema):
    """Every county by name."""

    items = fields.List(fields.Nested(CountyStockOut))


class LotStepOut(Schema):
    """One movement of a lot."""

    movement_id = fields.Integer()
    kind = fields.String()
    quantity = fields.Integer()
    from_place = fields.String()
    to_place = fields.String()
    happened_at = Moment()
    recorded_at = Moment()
    reversed = fields.Boolean()


class KinOut(Schema):
    """A lot on the other side of a conversion."""

    lot_id = fields.Integer()
    from_lot_id = fields.Integer()
    conversion_id = fields.Integer()
    kind = fields.String()
    happened_at = Moment()
    quantity = fields.Integer()
    item_id = fields.Integer(attribute="item.id")


class TransferStepOut(Schema):
    """A transfer that a lot travelled with."""

    transfer_id = fields.Integer(attribute="id")
    state = fields.String()
    source = fields.String(data_key="from")
    target = fields.String(data_key="to")
    quantity = fields.Integer()
    received = fields.Integer()
    sent_at = Moment(allow_none=True)
    received_at = Moment(allow_none=True)


class ParcelStepOut(Schema):
    """A parcel that some of a lot went into; never whose."""

    parcel_id = fields.Integer(attribute="id")
    state = fields.String()
    lot_id = fields.Integer()
    quantity = fields.Integer()
    quantity_handed_over = fields.Integer()
    settlement = fields.String()
    run_id = fields.Integer(allow_none=True)
    ended_at = Moment(allow_none=True)


class LotOriginOut(Schema):
    """Where a lot came from, as far as the reader may know."""

    offer_id = fields.Integer(allow_none=True)
    donor = fields.String(allow_none=True)
    arrival_id = fields.Integer(allow_none=True)
    arrived_at = Moment(allow_none=True)


class LotHistoryOut(Schema):
    """The way of a lot, both ways."""

    lot_id = fields.Integer()
    item_id = fields.Integer()
    source = fields.String(allow_none=True)
    origin = fields.Nested(LotOriginOut)
    pieces = fields.Dict(keys=fields.String(), values=fields.Integer())
    parents = fields.List(fields.Nested(KinOut))
    children = fields.List(fields.Nested(KinOut))
    movements = fields.List(fields.Nested(LotStepOut))
    transfers = fields.List(fields.Nested(TransferStepOut))
    parcels = fields.List(fields.Nested(ParcelStepOut))
