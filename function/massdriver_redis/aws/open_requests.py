"""How many requests are open: what an invocation may keep to itself while it only waits."""

from __future__ import annotations

from typing import Any

from massdriver_redis.aws.errors import call
from massdriver_redis.errors import ResourceError

_A_FEW = 5
"""Open requests of which each may have an invocation wait: a new account's concurrency may be ten
(Lambda Developer Guide, "Lambda quotas"), and other functions share it."""


def is_crowded(scheduler: Any, group: str) -> bool:
    """Return whether more than a few requests are open, each of which has a schedule in this group.

    So it is where the schedules can't be listed now: a poll may always leave the rest to the next.
    """
    try:
        answer = call(scheduler, "scheduler", "list_schedules", GroupName=group, MaxResults=_A_FEW + 1)
    except ResourceError:
        return True
    return len(answer["Schedules"]) > _A_FEW
