"""Working days in Hungary: by when a signal must be looked at."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

HOME = ZoneInfo("Europe/Budapest")
OFFICE_OPENS = time(8)

_SAME_DAY_EVERY_YEAR = ((1, 1), (3, 15), (5, 1), (8, 20), (10, 23), (11, 1), (12, 24), (12, 25), (12, 26))
_FROM_EASTER_SUNDAY = (-2, 0, 1, 49, 50)
"""Good Friday, Easter Sunday and Monday, Whit Sunday and Monday."""


def easter_sunday(year: int) -> date:
    """Return Easter Sunday of a year of the Gregorian calendar (Meeus, Jones, Butcher)."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leaps, rest = divmod(century, 4)
    moon_shift = (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + century - leaps - moon_shift + 15) % 30
    quarter, of_quarter = divmod(of_century, 4)
    weekday = (32 + 2 * rest + 2 * quarter - moon - of_quarter) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=256)
def holidays(year: int) -> frozenset[date]:
    """Return the public holidays of a year. Days moved by decree are not among them."""
    fixed = {date(year, month, day) for month, day in _SAME_DAY_EVERY_YEAR}
    return frozenset(fixed | {easter_sunday(year) + timedelta(days=gap) for gap in _FROM_EASTER_SUNDAY})


def is_working_day(day: date) -> bool:
    """Tell whether offices work on this day."""
    return day.weekday() < 5 and day not in holidays(day.year)


def next_working_day(day: date) -> date:
    """Return the first working day after this one."""
    day += timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def one_working_day_after(moment: datetime) -> datetime:
    """Return the moment one working day later, by clocks in Budapest.

    Monday 14:32 gives Tuesday 14:32. What comes on a day off counts as come when the next working day opens.
    """
    local = moment.astimezone(HOME)
    day, at = local.date(), local.time()
    if not is_working_day(day):
        day, at = next_working_day(day), OFFICE_OPENS
    return datetime.combine(next_working_day(day), at, HOME).astimezone(UTC)
