from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.needs.working_days import easter_sunday, holidays, is_working_day, one_working_day_after

HOME = ZoneInfo("Europe/Budapest")


def after(*parts):
    return one_working_day_after(datetime(*parts, tzinfo=HOME)).astimezone(HOME).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("year", "sunday"),
    [(2024, (3, 31)), (2025, (4, 20)), (2026, (4, 5)), (2027, (3, 28)), (2038, (4, 25)), (2008, (3, 23))],
)
def test_easter_is_computed(year, sunday):
    assert easter_sunday(year) == date(year, *sunday)


def test_holidays_of_2026_are_known():
    days = {day.strftime("%m-%d") for day in holidays(2026)}
    assert days == {
        "01-01", "03-15", "04-03", "04-05", "04-06", "05-01", "05-24", "05-25", "08-20", "10-23", "11-01", "12-24",
        "12-25", "12-26",
    }  # fmt: skip
    assert not is_working_day(date(2026, 11, 22)) and is_working_day(date(2026, 11, 23))


def test_one_working_day_is_the_same_hour_of_the_next_one():
    assert after(2026, 11, 23, 14, 32) == "11-24 14:32"


def test_friday_is_answered_on_monday_and_a_weekend_counts_from_monday_morning():
    assert after(2026, 11, 27, 14, 32) == "11-30 14:32"
    assert after(2026, 11, 28, 9, 0) == "12-01 08:00"


def test_christmas_is_left_out():
    assert after(2026, 12, 23, 10, 0) == "12-28 10:00"


def test_the_hour_stands_when_the_clocks_change():
    # The clocks go back on the night of 25 October 2026, a Sunday.
    before = datetime(2026, 10, 22, 14, 0, tzinfo=HOME)
    assert one_working_day_after(before).astimezone(HOME).strftime("%m-%d %H:%M") == "10-26 14:00"
    assert one_working_day_after(before).tzinfo is UTC
