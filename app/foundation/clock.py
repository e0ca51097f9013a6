"""Where days begin: times are kept in UTC, dates are those of Budapest."""

from __future__ import annotations

from zoneinfo import ZoneInfo

HOME = ZoneInfo("Europe/Budapest")
