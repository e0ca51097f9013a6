"""Metres agree with Karney's geodesic; longer ways never take less time; a country is measured in seconds."""

from __future__ import annotations

import time
from random import Random

import numpy as np
import pytest
from geopy.distance import geodesic

from app.planning.problem import Point
from app.planning.travel import Travel, matrices, straight_metres


def scattered(count: int, south: float, north: float, west: float, east: float) -> list[Point]:
    chance = Random(1)
    return [Point(chance.uniform(south, north), chance.uniform(west, east)) for _ in range(count)]


@pytest.mark.parametrize(
    ("box", "error_m_max"),
    [((45.7, 48.6, 16.1, 22.9), 0.001), ((40.0, 52.0, 8.0, 25.0), 0.2)],
    ids=["Hungary", "Europe"],
)
def test_straight_metres_are_those_of_the_geodesic(box, error_m_max):
    points = scattered(40, *box)
    ours = straight_metres(points)
    worst = max(abs(ours[i, j] - geodesic(points[i], points[j]).m) for i in range(40) for j in range(40))
    print(f"largest error {worst:.6f} m over {ours.max() / 1000:.0f} km")
    assert worst < error_m_max


def test_a_country_is_measured_in_seconds():
    began = time.monotonic()
    distances_m, durations_seconds = matrices(scattered(3_155, 45.7, 48.6, 16.1, 22.9))
    assert time.monotonic() - began < 10
    assert distances_m.shape == durations_seconds.shape == (3_155, 3_155)
    assert distances_m.dtype == np.int32 and (np.diag(distances_m) == 0).all()
    assert (distances_m == distances_m.T).all()


def test_a_longer_way_never_takes_less_time():
    metres = np.arange(0, 300_000, 100, dtype=float)
    seconds = Travel().seconds(metres)
    assert (np.diff(seconds) > 0).all()
    assert 3.6 * 100_000 / 85 < Travel().seconds(np.array([100_000.0]))[0] < 3.6 * 100_000 / 60


def test_a_road_server_is_asked_if_there_is_one():
    roads = (np.array([[0, 7], [8, 0]], dtype=np.int32), np.array([[0, 1], [2, 0]], dtype=np.int32))
    asked = []
    answer = matrices(scattered(2, 46, 47, 18, 19), road_server=lambda points: asked.append(len(points)) or roads)
    assert asked == [2] and answer is roads


def test_how_metres_and_seconds_were_made_can_be_written_and_read():
    travel = Travel(1_400, ((5_000, 30), (2**40, 70)))
    assert Travel.from_json(travel.to_json()) == travel
    for wrong in ({}, {"circuity_permille": 900, "speeds": [[None, 50]]}, {"circuity_permille": 1_300, "speeds": []},
                  {"circuity_permille": 1_300, "speeds": [[5, 50], [4, 50]]}):  # fmt: skip
        with pytest.raises(ValueError, match="must"):
            Travel.from_json(wrong)
