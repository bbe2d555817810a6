"""The daily snapshot window and the weekly maintenance window in minutes, UTC."""

from __future__ import annotations

import re

MINIMUM = 60
"""Minimum length of a window (CreateReplicationGroup, SnapshotWindow and PreferredMaintenanceWindow)."""

_DAY = 24 * 60
_WEEK = 7 * _DAY
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = r"([01][0-9]|2[0-3]):([0-5][0-9])"
_DAILY = re.compile(f"{_TIME}-{_TIME}")
_WEEKLY = re.compile(rf"({'|'.join(_DAYS)}):{_TIME}-({'|'.join(_DAYS)}):{_TIME}")

Window = tuple[int, int]
"""Start in minutes since Monday 00:00, and length in minutes; it may end in the next week."""


def daily(text: str) -> Window | None:
    """Return the window "hh:mm-hh:mm", which may include midnight; None for another form."""
    found = _DAILY.fullmatch(text)
    if not found:
        return None
    start_hour, start_minute, end_hour, end_minute = map(int, found.groups())
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    return start, (end - start) % _DAY


def weekly(text: str) -> Window | None:
    """Return the window "ddd:hh:mm-ddd:hh:mm", which may end in the next week; None for another form."""
    found = _WEEKLY.fullmatch(text)
    if not found:
        return None
    start_day, start_hour, start_minute, end_day, end_hour, end_minute = found.groups()
    start = _DAYS.index(start_day) * _DAY + int(start_hour) * 60 + int(start_minute)
    end = _DAYS.index(end_day) * _DAY + int(end_hour) * 60 + int(end_minute)
    return start, (end - start) % _WEEK


def overlap(snapshot: Window, maintenance: Window) -> bool:
    """Return whether a daily and a weekly window overlap on any day; one may begin where the other ends."""
    return any(_overlaps((snapshot[0] + day * _DAY, snapshot[1]), maintenance) for day in range(7))


def _overlaps(a: Window, b: Window) -> bool:
    return (b[0] - a[0]) % _WEEK < a[1] or (a[0] - b[0]) % _WEEK < b[1]
