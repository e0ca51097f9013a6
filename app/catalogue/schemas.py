"""Wire shapes of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, pre_load

from app.catalogue.icons import ICONS
from app.foundation.fields import Asked, Choice, Form, Id, Line, Moment, WholeNumber, Wire

UNITS = ("piece", "g", "ml")
STORAGE = ("ambient", "chilled", "frozen", "bulky", "hazardous")
MASS_MAX = 10**12


class ItemsAsked(Asked):
    """Filters of the items."""

    q = Line(most=100)
    category_id = Id()
    retired = fields.Boolean()
    after = Line(most=500)
    size = WholeNumber(least=1, most=200)


class Typed(Asked):
    """What is being typed."""

    q = Line(most=100, load_default="")


class CategoryView(Schema):
    """A branch of the catalogue."""

    id = fields.Integer()
    parent_id = fields.Integer(allow_none=True)
    code = fields.String()
    name_hu = fields.String()
    name_en = fields.String()
    icon = fields.String()


class CategoriesView(Schema):
    """Every category, parents before children."""

    items = fields.List(fields.Nested(CategoryView))


class PackView(Schema):
    """n base units under one GTIN."""

    id = fields.Integer()
    gtin = fields.String()
    quantity = fields.Integer()


class ItemView(Schema):
    """An item."""

    id = fields.Integer()
    code = fields.String()
    category_id = fields.Integer()
    name_hu = fields.String()
    name_en = fields.String()
    base_unit = fields.String()
    unit_name_hu = fields.String()
    unit_name_en = fields.String()
    weight_mg = fields.Integer()
    volume_ul = fields.Integer()
    storage_class = fields.String()
    tracks_expiry = fields.Boolean()
    shelf_life_left_days_min = fields.Integer()
    value_huf = fields.Integer(metadata={"description": "Of one base unit, in hundredths of a forint."})
    usual_quantity = fields.Integer()
    given_again_after_days = fields.Integer(allow_none=True)
    health_related = fields.Boolean()
    icon = fields.String()
    retired_at = Moment(allow_none=True)
    version = fields.Integer()


class ItemWithPacks(ItemView):
    """An item with its packs."""

    packs = fields.List(fields.Nested(PackView))


class ItemsView(Schema):
    """A page of items."""

    items = fields.List(fields.Nested(ItemView))
    next_after = fields.String(allow_none=True)


class ItemChange(Wire):
    """What may be changed of an item. The base unit may not: stock is counted in it."""

    category_id = Id()
    name_hu = Line(least=1, most=120)
    name_en = Line(least=1, most=120)
    unit_name_hu = Line(least=1, most=20)
    unit_name_en = Line(least=1, most=20)
    weight_mg = WholeNumber(least=0, most=MASS_MAX)
    volume_ul = WholeNumber(least=0, most=MASS_MAX)
    storage_class = Choice(STORAGE)
    tracks_expiry = fields.Boolean()
    shelf_life_left_days_min = WholeNumber(least=0, most=3650)
    value_huf = WholeNumber(least=0, most=MASS_MAX)
    usual_quantity = WholeNumber(least=1, most=10**6)
    given_again_after_days = WholeNumber(least=0, most=36_500, allow_none=True)
    health_related = fields.Boolean()
    icon = Choice(ICONS)


class ItemIn(ItemChange):
    """A new item."""

    code = Line(least=2, most=40, required=True)
    base_unit = Choice(UNITS, required=True)
    category_id = Id(required=True)
    name_hu = Line(least=1, most=120, required=True)
    name_en = Line(least=1, most=120, required=True)
    weight_mg = WholeNumber(least=0, most=MASS_MAX, required=True)
    volume_ul = WholeNumber(least=0, most=MASS_MAX, required=True)


class PackIn(Wire):
    """A barcode to be learnt."""

    gtin = Line(least=8, most=20, required=True)
    quantity = WholeNumber(least=1, most=10**6, required=True)


class ItemForm(Form):
    """An item, by form; grams, millilitres and forints as people write them."""

    category_id = Id(required=True)
    name_hu = Line(least=1, most=120, required=True)
    name_en = Line(least=1, most=120, required=True)
    unit_name_hu = Line(least=1, most=20, required=True)
    unit_name_en = Line(least=1, most=20, required=True)
    weight_g = fields.Float(required=True, validate=lambda value: 0 <= value <= 10**7)
    volume_ml = fields.Float(required=True, validate=lambda value: 0 <= value <= 10**7)
    storage_class = Choice(STORAGE, required=True)
    tracks_expiry = fields.Boolean(load_default=False)
    shelf_life_left_days_min = WholeNumber(least=0, most=3650, load_default=0)
    value_ft = fields.Float(required=True, validate=lambda value: 0 <= value <= 10**9)
    usual_quantity = WholeNumber(least=1, most=10**6, required=True)
    given_again_after_days = WholeNumber(least=0, most=36_500, load_default=None)
    health_related = fields.Boolean(load_default=False)
    icon = Choice(ICONS, required=True)

    @pre_load
    def decimal_comma(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """Read "1,5" as it is written here."""
        read = dict(data)
        for name in ("weight_g", "volume_ml", "value_ft"):
            if isinstance(read.get(name), str):
                read[name] = read[name].replace(",", ".").replace(" ", "")
        return read


class NewItemForm(ItemForm):
    """A new item, by form."""

    code = Line(least=2, most=40, required=True)
    base_unit = Choice(UNITS, required=True)


class VersionForm(Form):
    """The version that was read."""

    version = WholeNumber(least=1, required=True)


class PackForm(Form):
    """A barcode to be learnt, by form."""

    gtin = Line(least=8, most=20, required=True)
    quantity = WholeNumber(least=1, most=10**6, required=True)
