"""An optional geocoder behind the gazetteer: streets, where the operator has set one.

The gazetteer answers first and bounds every answer: a street is believed only near its settlement. What is sent out is
a street, a settlement and a postal code, never a name. The address of the geocoder is the operator's setting; it is
asked directly, without proxy, and may not send us on to anywhere else.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, build_opener

from geopy.adapters import URLLibAdapter
from geopy.exc import GeopyError
from geopy.geocoders import Nominatim

from app.geography.point import Point, distance_m, is_in_hungary

SECONDS_MAX = 3
ANSWER_BYTES_MAX = 1_000_000
FROM_SETTLEMENT_M_MAX = 15_000


class GeocoderAway(Exception):
    """The geocoder did not answer, or not in a way that can be understood."""


@dataclass(frozen=True)
class Address:
    """What is looked for; the settlement is known to the gazetteer."""

    settlement: str
    postal_code: str
    street: str
    near: Point


@dataclass(frozen=True)
class Street:
    """A place that a geocoder found."""

    label: str
    point: Point


class Geocoder(Protocol):
    """Whatever finds streets."""

    def find(self, address: Address) -> Sequence[Street]:
        """Return places for the address, best first; raise GeocoderAway where it cannot answer."""


class _NoFurther(HTTPRedirectHandler):
    """Takes no redirect: an answer from elsewhere is no answer."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class _DirectAdapter(URLLibAdapter):  # type: ignore[misc]  # geopy has no types
    """Asks the geocoder itself, and reads no more than an answer can hold."""

    def __init__(self, *, proxies: Any, ssl_context: ssl.SSLContext) -> None:
        super().__init__(proxies={}, ssl_context=ssl_context)
        self.urlopen = build_opener(HTTPSHandler(context=ssl_context), ProxyHandler({}), _NoFurther()).open

    def _decode_page(self, page: Any) -> str:
        body: bytes = page.read(ANSWER_BYTES_MAX)
        return body.decode(page.headers.get_content_charset() or "utf-8", errors="replace")


class NominatimGeocoder:
    """A Nominatim server, asked through geopy."""

    def __init__(self, url: str, *, seconds_max: float = SECONDS_MAX) -> None:
        parts = urlsplit(url)
        self._nominatim = Nominatim(
            domain=parts.netloc + parts.path.rstrip("/"),
            scheme=parts.scheme or "https",
            user_agent="adomanybank",
            timeout=seconds_max,
            adapter_factory=_DirectAdapter,
        )

    def find(self, address: Address) -> Sequence[Street]:
        """Return the streets that Nominatim finds near the settlement."""
        question = {"street": address.street, "city": address.settlement, "country": "Hungary"}
        if address.postal_code:
            question["postalcode"] = address.postal_code
        try:
            answers = self._nominatim.geocode(question, exactly_one=False, limit=5, country_codes="hu") or []
            found = [Street(str(each.address), Point(float(each.latitude), float(each.longitude))) for each in answers]
        except (GeopyError, ValueError, TypeError, KeyError, OSError) as error:
            raise GeocoderAway from error
        return [
            street
            for street in found
            if is_in_hungary(street.point) and distance_m(street.point, address.near) <= FROM_SETTLEMENT_M_MAX
        ]


@lru_cache(maxsize=4)
def from_url(url: str | None) -> Geocoder | None:
    """Return the geocoder of the setting, or None where none is set."""
    return NominatimGeocoder(url) if url else None
