"""Wire shapes of the country and of registers."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.foundation.fields import Asked, Choice, Line, Moment, Paged, WholeNumber, Worded
from app.foundation.words import Message
from app.geography.queries import FOUND_MAX

ROWS = ("wrong", "odd", "moved")
"""Which rows of a register can be asked for alone."""


class SettlementsAsked(Paged):
    """What a list of settlements is narrowed to."""

    q = Line(load_default="", most=100, metadata={"description": "part of a name, or the beginning of a postal code"})
    county_id = WholeNumber(least=1, load_default=None)
    district_id = WholeNumber(least=1, load_default=None)
    provisional = fields.Boolean(
        load_default=None, metadata={"description": "is the district only the nearest seat's?"}
    )
    deprivation_class = WholeNumber(least=0, most=9, load_default=None)


class SettlementsListed(SettlementsAsked):
    """The same from the page's address, where a filter may hold anything that was typed into it."""

    sort = Choice(["name", "-name", "population", "-population"], load_default="name")


class SettlementTyped(Asked):
    """A settlement's name or postal code, as far as it is typed."""

    q = Line(load_default="", most=100)
    county_id = WholeNumber(least=1, load_default=None)
    limit = WholeNumber(least=1, most=FOUND_MAX, load_default=10)


class NearAsked(Asked):
    """How many neighbours."""

    limit = WholeNumber(least=1, most=50, load_default=5)


class DistanceAsked(Asked):
    """Between which two settlements."""

    from_id = WholeNumber(least=1, required=True)
    to_id = WholeNumber(least=1, required=True)


class DistrictsAsked(Asked):
    """Districts of which county."""

    county_id = WholeNumber(least=1, load_default=None)


class AddressAsked(Asked):
    """An address that begins with a settlement."""

    address = Line(required=True, least=2, most=200)


class RegisterRowsAsked(Paged):
    """Which rows of a register."""

    show = Choice(ROWS, load_default="")


# --- answers --------------------------------------------------------------------------------------------------------


class CountyBrief(Asked):
    """A county in another's answer."""

    id = fields.Integer()
    code = fields.String()
    name = fields.String()


class CountyView(CountyBrief):
    """A county, with how many settlements and districts it has."""

    nuts3 = fields.String()
    seat = fields.String()
    hue = fields.Integer(metadata={"description": "1–8, the colour of its depots on maps"})
    settlements = fields.Integer()
    provisional = fields.Integer(metadata={"description": "settlements whose district is not official yet"})
    districts = fields.Integer()


class DistrictView(Asked):
    """A district."""

    id = fields.Integer()
    name = fields.String()
    seat = fields.String()
    code = fields.String(allow_none=True)
    deprivation_class = fields.Integer(allow_none=True)
    county = fields.Nested(CountyBrief)


class DistrictBrief(Asked):
    """A district in a settlement's answer."""

    id = fields.Integer()
    name = fields.String()
    deprivation_class = fields.Integer(allow_none=True)


class SettlementView(Asked):
    """A settlement."""

    id = fields.Integer()
    name = fields.String()
    county = fields.Nested(CountyBrief)
    district = fields.Nested(DistrictBrief)
    district_provisional = fields.Boolean()
    postal_codes = fields.Function(lambda settlement: [each.code for each in settlement.postal_codes])
    ksh_code = fields.String(allow_none=True)
    lat = fields.Float()
    lon = fields.Float()
    population = fields.Integer(allow_none=True)
    deprivation_class = fields.Integer(allow_none=True)


class SettlementsPage(Asked):
    """Some settlements, and the mark after which the next begin."""

    items = fields.List(fields.Nested(SettlementView), attribute="rows")
    next_after = fields.String(allow_none=True)
    total = fields.Integer()


class FoundView(Asked):
    """A settlement to choose: ``text`` names it, ``sub`` tells it from others."""

    id = fields.Integer()
    text = fields.String(attribute="name")
    sub = fields.String()
    county = fields.String()
    district = fields.String()
    postal_code = fields.String()
    population = fields.Integer(allow_none=True)
    lat = fields.Float()
    lon = fields.Float()


class FoundPage(Asked):
    """What fits, the best first."""

    items = fields.List(fields.Nested(FoundView))


class NeighbourView(Asked):
    """A settlement near another."""

    id = fields.Integer()
    name = fields.String()
    county = fields.String()
    distance_m = fields.Integer()


class DistanceView(Asked):
    """A distance over the ellipsoid."""

    from_id = fields.Integer()
    to_id = fields.Integer()
    distance_m = fields.Integer()


class LocatedView(Asked):
    """A place found for an address."""

    label = fields.String()
    lat = fields.Float(attribute="point.lat")
    lon = fields.Float(attribute="point.lon")
    exactness = fields.String(metadata={"enum": ["street", "settlement"]})
    settlement_id = fields.Integer()


class LocatedPage(Asked):
    """Places, the most exact first."""

    items = fields.List(fields.Nested(LocatedView))


class RegisterUpload(Asked):
    """A register as a file, CSV or XLSX."""

    file = fields.Raw(required=True, metadata={"type": "string", "format": "binary"})


class RegisterView(Asked):
    """An uploaded register."""

    id = fields.Integer()
    file_name = fields.String()
    state = fields.String(metadata={"enum": ["previewed", "loaded", "reversed"]})
    figures = fields.Dict(keys=fields.String(), values=fields.Integer())
    uploaded_at = Moment()
    loaded_at = Moment(allow_none=True)
    reversed_at = Moment(allow_none=True)


class RegistersPage(Asked):
    """Uploaded registers, newest first."""

    items = fields.List(fields.Nested(RegisterView), attribute="rows")
    next_after = fields.String(allow_none=True)


class RegisterRowView(Asked):
    """A row of a register, with what is wrong with it in the reader's language."""

    line = fields.Integer()
    name = fields.String()
    county = fields.String()
    settlement_id = fields.Integer(allow_none=True)
    values = fields.Dict()
    now = fields.Dict()
    problems = fields.List(Worded())
    remarks = fields.List(Worded())


class RegisterRowsPage(Asked):
    """Some rows of a register."""

    items = fields.List(fields.Nested(RegisterRowView), attribute="rows")
    next_after = fields.String(allow_none=True)
    total = fields.Integer()


def said(row: dict[str, Any]) -> dict[str, Any]:
    """Return a register's row with its problems and remarks as messages."""
    return row | {name: [Message.from_json(each) for each in row[name]] for name in ("problems", "remarks")}
