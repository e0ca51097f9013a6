"""Wire shapes of vouchers."""

from __future__ import annotations

from marshmallow import fields

from app.foundation.fields import Asked, Choice, Form, Id, Line, Moment, WholeNumber, Wire
from app.foundation.sheets import TYPES
from app.vouchers.words import KIND_NAMES

REASON_MOST = 300


class FindVouchers(Asked):
    """Which vouchers to list."""

    q = Line(most=60, load_default=None)
    kind = Choice(list(KIND_NAMES), load_default=None)
    warehouse_id = Id(load_default=None)
    year = WholeNumber(least=2000, most=9999, load_default=None)
    since = fields.Date(load_default=None)
    until = fields.Date(load_default=None)
    cancelled = fields.Boolean(load_default=None)
    after = Line(most=400, load_default=None)


class ExportVouchers(FindVouchers):
    """Which vouchers to write into a table, and in which form."""

    form = Choice(list(TYPES), load_default="csv")


class CancelVoucher(Wire):
    """Why it holds no longer."""

    reason = Line(required=True, least=3, most=REASON_MOST)


class CancelForm(Form):
    """Why it holds no longer, from a form."""

    reason = Line(required=True, least=3, most=REASON_MOST)


class VoucherOut(Wire):
    """A voucher."""

    id = fields.Integer()
    code = fields.String(metadata={"example": "BEV/MIS/2026/00482"})
    kind = fields.String()
    number = fields.Integer()
    warehouse_id = fields.Integer()
    posted_at = Moment()
    posted_by_id = fields.Integer(allow_none=True)
    subject_kind = fields.String()
    subject_id = fields.Integer()
    cancelled_at = Moment(allow_none=True)
    cancel_reason = fields.String(allow_none=True)


class VoucherSheet(VoucherOut):
    """A voucher with what its paper shows."""

    content = fields.Dict()


class VouchersPage(Wire):
    """Some vouchers, and the mark after which the next begin."""

    items = fields.List(fields.Nested(VoucherOut))
    next_after = fields.String(allow_none=True)


class SeriesOut(Wire):
    """A series: its numbers run from 1 to the last without a gap."""

    kind = fields.String()
    warehouse_id = fields.Integer()
    year = fields.Integer()
    first = fields.Integer()
    last = fields.Integer()
    count = fields.Integer()
    cancelled = fields.Integer()
    missing = fields.Integer(metadata={"description": "Numbers that no paper has; 0 is the only good answer"})


class AllSeries(Wire):
    """Every series of the warehouses that may be seen."""

    items = fields.List(fields.Nested(SeriesOut))
