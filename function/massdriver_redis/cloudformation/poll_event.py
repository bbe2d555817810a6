"""The poll of a request as data: its schedule's name, Input and dates, and what a delivered poll says.

The name is computed from the request alone, so that copies of one event meet at the same schedule, and
it sorts the requests of one resource by their signing times.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from massdriver_redis.cloudformation.request import POLL_INTERVAL, POLL_MARK, Request
from massdriver_redis.errors import ResourceError
from massdriver_redis.state import naming
from massdriver_redis.state.record import LATEST_AHEAD

LARGEST_INPUT = 262_144
"""Bytes of a schedule's Input (EventBridge Scheduler quotas: 256 KB)."""

STALE_AFTER = 1200.0
"""Seconds after its scheduled time from which on a poll is late: later ones have come since.

A poll that fails must reach the fallback: Lambda tries it again one and then two minutes after a failure,
and each try may last three minutes. And the function's clock may be ten minutes ahead of Scheduler's: were
every poll late by it, nobody would ever answer.
"""

_READ_BY_A_DELETE = ("ServiceTimeout", "aws_authentication", "vpc")
_LARGEST_PROPERTY = 65_536
_AFTER_THE_END = 300.0
_SHORTEST_LIFE = 120.0
_LAST_SECOND = 9_999_999_999
_SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
_NAME = re.compile(r"(?P<id>.{1,40})-(?P<signed>\d{10})-[a-z2-7]{12}", re.ASCII)


def schedule_name(request: Request, physical_id: str) -> str:
    """Return the name of the request's schedule: id, signing time, hash of the request; 64 characters."""
    text = f"{request.stack_id}\n{request.logical_id}\n{request.request_id}"
    signed_at = min(int(request.signed_at or 0), _LAST_SECOND)
    return f"{physical_id}-{signed_at:010d}-{naming.hash_of(text, 12)}"


def id_in(name: str) -> str:
    """Return the physical id in a schedule's name, "" where it is no name of ours."""
    found = _NAME.fullmatch(name)
    return found["id"] if found else ""


def signed_at_in(name: str) -> int:
    """Return the signing time in a schedule's name, 0 where the request carried none."""
    found = _NAME.fullmatch(name)
    return int(found["signed"]) if found else 0


def is_newer(name: str, mine: str, created: Mapping[str, float], now: float) -> bool:
    """Return whether the request of the schedule `name` is newer than that of `mine`.

    By signing time, or where one is unknown or in the future, by the time at which each schedule was created.
    """
    signed_at, my_time = signed_at_in(name), signed_at_in(mine)
    if my_time and 0 < signed_at <= now + LATEST_AHEAD and signed_at != my_time:
        return signed_at > my_time
    return (created[name], name) > (created[mine], mine)


def schedule_input(request: Request, name: str, armed_at: float) -> str:
    """Return the Input: the request unabridged, with what a poll needs as well.

    Scheduler replaces `<aws.scheduler.…>` anywhere in an Input, so that every `<` of the request is
    escaped. Raises ResourceError where Scheduler would not take the text.
    """
    added = {
        POLL_MARK: True,
        "ScheduleName": name,
        "StartedAt": request.started_at,
        "ArmedAt": armed_at,
    }
    text = _text({**request.event, **added})
    if len(text) > LARGEST_INPUT and request.kind == "Delete":
        read = {"ResourceProperties": _read_by_a_delete(request.properties), "OldResourceProperties": {}}
        text = _text({**request.event, **read, **added})
    if len(text) > LARGEST_INPUT:
        raise ResourceError(
            f"The properties are too large: a poll with them has {len(text)} bytes, and EventBridge "
            f"Scheduler takes {LARGEST_INPUT}. Shorten them, then deploy again"
        )
    return text


def _text(event: Mapping[str, object]) -> str:
    text = json.dumps(event, separators=(",", ":")).replace("<", "\\u003c")
    return f'{text[:-1]},"ScheduledTime":"{_SCHEDULED_TIME}"}}'


def _read_by_a_delete(properties: Mapping[str, object]) -> dict[str, object]:
    """Return what a Delete reads of its properties: it must end whatever the rest holds."""
    read = {key: properties[key] for key in _READ_BY_A_DELETE if key in properties}
    return {key: value for key, value in read.items() if len(json.dumps(value)) <= _LARGEST_PROPERTY}


def schedule_dates(request: Request, now: float) -> tuple[datetime, datetime]:
    """Return StartDate and EndDate: a minute ahead, and some minutes after CloudFormation gave up."""
    start = now + POLL_INTERVAL
    end = max(request.gives_up_at + _AFTER_THE_END, start + _SHORTEST_LIFE)
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)


def is_poll(event: object) -> bool:
    """Return whether a delivered event says that it is a poll; crhelper uses the same key."""
    return isinstance(event, Mapping) and POLL_MARK in event


def owner_in(event: Mapping[str, object]) -> naming.Owner:
    """Return whose resource a carried event is about."""
    return naming.Owner(str(event.get("StackId", "")), str(event.get("LogicalResourceId", "")))


def schedule_of(event: object) -> str:
    """Return the name of the schedule that a poll says it comes from, "" where it is no name of ours."""
    name = event.get("ScheduleName") if isinstance(event, Mapping) else None
    return name if isinstance(name, str) and id_in(name) else ""


def is_stale(event: object, now: float) -> bool:
    """Return whether a delivered poll is so late that others have come since."""
    try:
        scheduled = datetime.fromisoformat(
            str(event.get("ScheduledTime", "") if isinstance(event, Mapping) else "")
        )
        return now - scheduled.timestamp() > STALE_AFTER
    except ValueError:
        return False
