"""Maintenance and snapshot windows: their form, their minimum length, and whether they overlap."""

from __future__ import annotations

import re

from .errors import bad_combination, bad_value

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60
_TIME = r"([01]\d|2[0-3]):([0-5]\d)"
_SNAPSHOT = re.compile(rf"{_TIME}-{_TIME}")
_MAINTENANCE = re.compile(rf"({'|'.join(_DAYS)}):{_TIME}-({'|'.join(_DAYS)}):{_TIME}", re.IGNORECASE)


def check_windows(snapshot: str, maintenance: str) -> None:
    """Refuse windows that are malformed, shorter than an hour, or overlap on any day.

    Day names are taken in any case, and kept in lower case (crossplane-contrib/provider-aws#1303).
    """
    daily_start, daily_length = _snapshot(snapshot)
    weekly_start, weekly_length = _maintenance(maintenance)
    for day in range(-1, 8):
        start = day * _DAY + daily_start
        for week in (0, 7 * _DAY):
            later = max(start, weekly_start + week)
            if later < min(start + daily_length, weekly_start + week + weekly_length):
                raise bad_combination("The snapshot window and maintenance window must not overlap.")


def _snapshot(text: str) -> tuple[int, int]:
    match = _SNAPSHOT.fullmatch(text)
    if not match:
        raise bad_value(f"Invalid snapshot window format: {text}")
    start, end = _minutes(*match.groups()[:2]), _minutes(*match.groups()[2:])
    return start, _long_enough((end - start) % _DAY, "snapshot", text)


def _maintenance(text: str) -> tuple[int, int]:
    match = _MAINTENANCE.fullmatch(text)
    if not match:
        raise bad_value(f"Invalid maintenance window format: {text}")
    first, hour, minute, last, end_hour, end_minute = match.groups()
    start = _DAYS.index(first.lower()) * _DAY + _minutes(hour, minute)
    end = _DAYS.index(last.lower()) * _DAY + _minutes(end_hour, end_minute)
    return start, _long_enough((end - start) % (7 * _DAY), "maintenance", text)


def _minutes(hour: str, minute: str) -> int:
    return int(hour) * 60 + int(minute)


def _long_enough(length: int, name: str, text: str) -> int:
    if length < 60:
        raise bad_value(f"The {name} window must be at least 60 minutes long: {text}")
    return length
