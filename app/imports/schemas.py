"""Wire shapes of imports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from app.foundation.fields import Asked, Choice, Form, Line, Moment, WholeNumber, Wire, Worded
from app.foundation.shape_words import all_in_words
from app.imports.kinds import ImportKind

FIELDS_MAX = 30


class UploadForm(Form):
    """Beside the file: what it holds, and where an opening stock lies."""

    kind = Choice(ImportKind, required=True, metadata={"example": "opening_stock"})
    warehouse_id = WholeNumber(least=1, load_default=None, allow_none=True, metadata={"example": 1})
    sheet = Line(
        most=80,
        load_default=None,
        allow_none=True,
        metadata={"example": "Készlet", "description": "Of a workbook; none: the one whose headings are known best"},
    )


class SheetIn(Wire):
    """The sheet of the workbook that is meant."""

    sheet = Line(least=1, most=80, required=True, metadata={"example": "Készlet"})


class SheetForm(Form):
    """The sheet of the workbook that is meant, by form."""

    sheet = Line(least=1, most=80, required=True)


class UploadFile(Asked):
    """A table as a file, XLSX, ODS or CSV."""

    file = fields.Raw(required=True, metadata={"type": "string", "format": "binary"})


class ColumnsIn(Wire):
    """Our field → the file's column."""

    fields_ = fields.Dict(
        keys=Line(most=60),
        values=Line(most=200),
        required=True,
        data_key="fields",
        metadata={"example": {"name": "Megnevezés", "quantity": "Mennyiség", "unit": "Egység"}},
    )

    @validates_schema
    def not_endless(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse more fields than there are."""
        if len(data.get("fields_", {})) > FIELDS_MAX:
            raise ValidationError(all_in_words({"fields": ["Longer than maximum length 30."]}))


class LoadIn(Wire):
    """Whether the same file is meant a second time."""

    again = fields.Boolean(load_default=False, metadata={"example": False})


class LoadForm(Form):
    """Whether the same file is meant a second time, by form."""

    again = fields.Boolean(load_default=False)


class WrongCellView(Schema):
    """What is wrong with a cell, and what to do."""

    column = fields.String()
    value = fields.String()
    message = Worded()


class WrongRowView(Schema):
    """A row that cannot be loaded."""

    row = fields.Integer()
    wrong = fields.List(fields.Nested(WrongCellView))


class MappingView(Schema):
    """How the file's columns are understood."""

    sheets = fields.List(fields.String(), metadata={"description": "Of a workbook; empty for a text file"})
    sheet = fields.String(allow_none=True, metadata={"description": "The one that is read"})
    columns = fields.List(fields.String())
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), attribute="fields", data_key="fields")
    remembered = fields.Boolean()


class ImportView(Schema):
    """A file that somebody brought in, and how far it is."""

    id = fields.Integer()
    kind = fields.String(metadata={"enum": [str(kind) for kind in ImportKind]})
    state = fields.String()
    warehouse_id = fields.Integer(allow_none=True)
    file_name = fields.String()
    rows = fields.Integer(attribute="rows_count", allow_none=True)
    wrong = fields.Function(lambda upload: (upload.figures or {}).get("wrong"), metadata={"type": "integer"})
    failure = Worded(allow_none=True)
    uploaded_at = Moment()
    loaded_at = Moment(allow_none=True)
    reversed_at = Moment(allow_none=True)


class ImportWhole(ImportView):
    """An import with its columns, its wrong rows and the note of what was loaded."""

    voucher_id = fields.Function(
        lambda upload: (upload.made or {}).get("voucher_id"),
        metadata={"type": "integer", "description": "The goods-received note of an opening stock, once it is loaded"},
    )
    mapping = fields.Nested(MappingView)
    problems = fields.List(fields.Nested(WrongRowView), allow_none=True)


class ImportsView(Schema):
    """A page of imports."""

    items = fields.List(fields.Nested(ImportView))
    next_after = fields.String(allow_none=True)
