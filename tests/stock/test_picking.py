"""First to expire, first out."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.stock.picking import LotOnShelf, first_to_expire, may_be_handed_out

ON = date(2026, 11, 23)


def lot(number, available=10, days=None, state="free"):
    return LotOnShelf(number, 1, available, None if days is None else ON + timedelta(days=days), state)


def picked(lots, quantity, days_left_min=0):
    return [(each.lot_id, part) for each, part in first_to_expire(lots, quantity, ON, days_left_min)]


def test_the_soonest_expiry_goes_first_and_undated_lots_last():
    assert picked([lot(1), lot(2, days=90), lot(3, days=9)], 25) == [(3, 10), (2, 10), (1, 5)]


def test_what_is_expired_blocked_or_too_short_is_never_picked():
    lots = [lot(1, days=-1), lot(2, days=5), lot(3, days=30), lot(4, days=60, state="blocked"), lot(5, available=0)]
    assert picked(lots, 99, days_left_min=30) == [(3, 10)]
    assert may_be_handed_out(lot(1, days=0), ON)
    assert not may_be_handed_out(lot(1, days=0), ON, 1)


def test_less_is_picked_where_there_is_less():
    assert picked([lot(1, available=3)], 5) == [(1, 3)]
    assert picked([], 5) == []
    assert picked([lot(1)], 0) == []


LOTS = st.lists(
    st.builds(
        LotOnShelf,
        lot_id=st.integers(1, 50),
        place_id=st.integers(1, 3),
        available=st.integers(0, 20),
        expires_on=st.none() | st.dates(ON - timedelta(days=40), ON + timedelta(days=400)),
        state=st.sampled_from(["free", "blocked", "quarantined"]),
    ),
    max_size=12,
    unique_by=lambda each: (each.lot_id, each.place_id),
)


@given(LOTS, st.integers(0, 60), st.integers(0, 60))
def test_never_more_than_wanted_never_more_than_there_never_a_later_lot_before_a_sooner(lots, quantity, days):
    parts = first_to_expire(lots, quantity, ON, days)
    there = sum(each.available for each in lots if may_be_handed_out(each, ON, days))
    assert sum(part for _, part in parts) == min(quantity, there)
    assert all(0 < part <= each.available for each, part in parts)
    expiries = [each.expires_on or date.max for each, _ in parts]
    assert expiries == sorted(expiries)
    assert all(part == each.available for each, part in parts[:-1])
