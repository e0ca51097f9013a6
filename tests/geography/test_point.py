"""Points and distances: geopy's geodesic, and coordinates that cannot be right."""

import pytest

from app.foundation.errors import Invalid
from app.geography.point import Point, distance_m, point_in_hungary

BUDAPEST = Point(47.497879, 19.040238)
DEBRECEN = Point(47.531399, 21.625978)


def test_the_distance_is_the_geodesic_in_whole_metres():
    # A degree of latitude at 47°: 111.17 km by the WGS 84 series.
    assert distance_m(Point(46.5, 19.0), Point(47.5, 19.0)) == pytest.approx(111_170, abs=15)
    assert distance_m(BUDAPEST, DEBRECEN) == distance_m(DEBRECEN, BUDAPEST) == pytest.approx(194_600, abs=400)
    assert distance_m(BUDAPEST, BUDAPEST) == 0


def test_a_point_in_hungary_is_taken():
    assert point_in_hungary(48.4342, 20.9693) == Point(48.4342, 20.9693)


def test_swapped_coordinates_are_named_and_the_other_order_is_offered():
    with pytest.raises(Invalid, match=r"swapped: 47\.5, 19\.04 would be in Hungary") as refused:
        point_in_hungary(19.04, 47.5)
    assert refused.value.facts["suggested"] == {"lat": 47.5, "lon": 19.04}
    assert set(refused.value.fields) == {"lat", "lon"}


@pytest.mark.parametrize(
    ("lat", "lon", "why"),
    [
        (48.20, 16.37, "outside Hungary"),  # Vienna
        (47.06, 21.92, "outside Hungary"),  # Oradea
        (50.08, 14.44, "outside Hungary"),
        (0.0, 0.0, "outside Hungary"),
        (475.0, 190.4, "no such place"),
        (float("nan"), 19.0, "must be numbers"),
        (47.0, float("inf"), "must be numbers"),
    ],
)
def test_a_point_elsewhere_is_refused_with_the_reason(lat, lon, why):
    with pytest.raises(Invalid, match=why):
        point_in_hungary(lat, lon)
