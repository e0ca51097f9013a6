"""Wire formats that JSON and HTML forms share. They check shape; rules are the services'."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, pre_load, validate

from app.foundation.errors import Invalid
from app.foundation.paging import PAGE_SIZE, PAGE_SIZE_MAX
from app.foundation.shape_words import all_in_words
from app.foundation.text import tidy

WHOLE_MAX = 2**63 - 1
TEXT_MAX = 500
QUANTITY_MAX = 1_000_000_000
"""Base units in one movement."""
YEARS = range(2000, 2101)
"""What can stand on a package as its year."""


def exactly_one(data: Mapping[str, Any], *names: str) -> None:
    """Refuse what names a thing in no way, or in several."""
    given = [name for name in names if data.get(name) is not None]
    if len(given) != 1:
        raise ValidationError("Give exactly one of: " + ", ".join(names) + ".", given[-1] if given else names[0])


class InWords(Schema):
    """A schema whose refusals are sentences that translate."""

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        """Say what is wrong in the words of the project."""
        error.messages = all_in_words(error.messages)


class Wire(InWords):
    """A body: a key that is not known is refused, never ignored."""

    class Meta:
        """Refuse unknown keys."""

        unknown = RAISE


class Asked(InWords):
    """A query string: keys that are not known are left alone, an empty value is a missing one."""

    class Meta:
        """Leave unknown keys."""

        unknown = EXCLUDE

    @pre_load
    def leave_out_empty(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """Treat ``?q=`` as no question."""
        return {name: value for name, value in data.items() if value != ""}


class Form(InWords):
    """An HTML form: an empty field is a missing one, the CSRF token and button names are left alone."""

    class Meta:
        """Leave unknown keys: buttons and tokens."""

        unknown = EXCLUDE

    @pre_load
    def leave_out_empty(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """Treat a field left blank as not given; a repeated field becomes a list where the schema wants one."""
        lists = {name for name, field in self.fields.items() if isinstance(field, fields.List)}
        values = {
            name: data.getlist(name) if name in lists and hasattr(data, "getlist") else value
            for name, value in data.items()
        }
        return {name: value for name, value in values.items() if value not in ("", [], [""])}


class WholeNumber(fields.Integer):
    """Accepts 5 and "5"; turns away 5.5, "", true, "١٢" and what 64 bits cannot hold."""

    default_error_messages = {  # noqa: RUF012
        "invalid": "Write a whole number, such as 12.",
        "too_large": "Write a whole number, such as 12.",
    }

    def __init__(self, *, least: int | None = None, most: int = WHOLE_MAX, **kwargs: Any) -> None:
        least = -WHOLE_MAX if least is None else least
        super().__init__(validate=validate.Range(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str):
            digits = value.strip().removeprefix("-")
            if digits.isascii() and digits.isdigit() and len(digits) < 20:
                return int(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self.make_error("invalid", input=value)


def Id(**kwargs: Any) -> WholeNumber:  # noqa: N802  # reads as a field
    """The number of a row."""
    return WholeNumber(least=1, **kwargs)


def Quantity(**kwargs: Any) -> WholeNumber:  # noqa: N802
    """A whole number of base units, at least one."""
    return WholeNumber(least=1, most=QUANTITY_MAX, **kwargs)


class Line(fields.String):
    """Text in one Unicode form, trimmed, of limited length; NUL bytes and lone surrogates are turned away."""

    def __init__(self, *, least: int = 0, most: int = TEXT_MAX, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(min=least, max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return tidy(str(text))
        except Invalid as refusal:
            raise ValidationError(str(refusal)) from refusal


class Paged(Asked):
    """Which page of a list."""

    after = Line(load_default=None, most=500, metadata={"description": "next_after of the page before"})
    size = WholeNumber(least=1, most=PAGE_SIZE_MAX, load_default=PAGE_SIZE)


class Moment(fields.AwareDateTime):
    """A time with its zone; one without is read as UTC. Answers are ISO 8601."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", default_timezone=UTC, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            moment = super()._deserialize(value, attr, data, **kwargs)
            return moment.astimezone(UTC)
        except (OverflowError, TypeError, AttributeError) as error:
            raise self.make_error("invalid", input=value, obj_type="datetime") from error


class Expiry(fields.Date):
    """The day on a package; a year that a finger slipped on is none. Lots are given away by it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        day = super()._deserialize(value, attr, data, **kwargs)
        if day.year not in YEARS:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return day


class Choice(fields.String):
    """One of a few words."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf([str(choice) for choice in choices]), **kwargs)


class Worded(fields.Field[Any]):
    """A Message (or a stored one) said in the reader's language; only written, never read."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        from app.foundation.language import translate

        return None if value is None else translate(value)
