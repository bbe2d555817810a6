"""EventBridge Scheduler: schedules run faster, and invoke as AWS does.

MiniStack looks at schedules every 10 s, takes whatever it is given, returns a list in one piece, delivers an
Input as it stands, asks nobody whether the execution role may be assumed or may invoke, and invokes once,
without the retries and the on-failure destination of an asynchronous invocation.

Here a schedule's time runs `speed` times faster, from its creation on: StartDate, EndDate and rate() alike.
An invocation that works for longer than that would meet the next poll, which on AWS it does not (45 s of 60),
so a schedule does not fire while an invocation for the same resource is under way.
"""

from __future__ import annotations

import contextvars
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from . import execution_role, invocations

logger = logging.getLogger("emulator.schedules")

LARGEST_INPUT = 262_144
_TICK = 0.25
_PAST = 300
_NAME = re.compile(r"[0-9a-zA-Z-_.]{1,64}", re.ASCII)

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def close(speed: float) -> None:
    """Replace the ticker of MiniStack's Scheduler, and check what it is given; `speed` divides all times."""
    from ministack.services import scheduler

    scheduler._SCHEDULE_TICK_INTERVAL = _TICK
    scheduler._tick_schedules = Ticker(speed).tick
    scheduler._create_schedule = _checked(scheduler._create_schedule)
    scheduler._update_schedule = _checked(scheduler._update_schedule)
    scheduler._list_schedules = _list


class Ticker:
    """Fires what is due; of several firings missed it makes one."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._next: dict[tuple[Any, float], float] = {}

    def tick(self) -> None:
        """Look at every schedule once: remove what ended and deletes itself, and fire what is due."""
        from ministack.services import scheduler

        now = time.time()
        for key, schedule in list(scheduler._schedules._data.items()):
            if now >= self._real(schedule, "EndDate", float("inf")):
                if schedule["ActionAfterCompletion"] == "DELETE":
                    scheduler._schedules._data.pop(key, None)
            elif schedule["State"] == "ENABLED":
                self._fire_if_due((key, schedule["CreationDate"]), schedule, now)

    def _fire_if_due(self, key: tuple[Any, float], schedule: Record, now: float) -> None:
        from ministack.services import eventbridge

        interval = eventbridge._parse_rate_seconds(schedule["ScheduleExpression"])
        if interval is None:
            return
        every = interval / self._speed
        due = self._next.setdefault(key, self._real(schedule, "StartDate", schedule["CreationDate"]))
        if now < due:
            return
        self._next[key] = due + every * ((now - due) // every + 1)
        (account, region, _), _ = key
        _in_own_context(account, region, fire, dict(schedule), due)

    def _real(self, schedule: Record, key: str, absent: float) -> float:
        """Return when a date of a schedule comes on this machine's clock."""
        if schedule.get(key) is None:
            return absent
        created = float(schedule["CreationDate"])
        return created + (float(schedule[key]) - created) / self._speed


def fire(schedule: Record, scheduled: float) -> None:
    """Invoke the function of a schedule as Scheduler does, if its role may do so."""
    from ministack.services import lambda_svc

    target, arn = schedule["Target"], schedule["Arn"]
    event = json.loads(filled_in(target.get("Input") or "{}", arn, scheduled))
    if invocations.is_working(event):
        return
    func, config, name = lambda_svc._get_func_record_for_ref(target["Arn"])
    if not func or not config:
        logger.warning("%s: function %s not found", arn, name)
    elif refusal := execution_role.refusal(target["RoleArn"], schedule["GroupName"], target["Arn"]):
        logger.warning("%s can't invoke %s: %s", arn, name, refusal)
    else:
        invocations.invoke(func, config, event)


def filled_in(text: str, schedule_arn: str, scheduled: float) -> str:
    """Return an Input as it is delivered: with Scheduler's own attributes wherever they stand in it."""
    values = {
        "schedule-arn": schedule_arn,
        "scheduled-time": datetime.fromtimestamp(scheduled, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": f"{scheduled:.3f}",
        "attempt-number": "1",
    }
    return re.sub(r"<aws\.scheduler\.([a-z-]+)>", lambda found: values.get(found[1], found[0]), text)


def refusal(name: str, body: Mapping[str, Any], now: float) -> str:
    """Return why AWS would not take a schedule, "" where it would."""
    start, end = body.get("StartDate") or now, body.get("EndDate") or float("inf")
    target = body.get("Target") or {}
    if not _NAME.fullmatch(name):
        return "Invalid name."
    if start < now - _PAST:
        return "The StartDate you specify cannot be earlier than 5 minutes ago."
    if end <= start or end <= now:
        return "The EndDate must be in the future and after the StartDate."
    if len((target.get("Input") or "").encode()) > LARGEST_INPUT:
        return f"Input exceeds the limit of {LARGEST_INPUT} bytes."
    if execution_role.trust_refusal(target.get("RoleArn") or "", body.get("GroupName", "default")):
        return "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    return ""


def _checked(stock: Callable[[str, Record], Response]) -> Callable[[str, Record], Response]:
    def write(name: str, body: Record) -> Response:
        from ministack.services import scheduler

        found = refusal(name, body, time.time())
        return scheduler._error(400, "ValidationException", found) if found else stock(name, body)

    return write


def _list(query: Mapping[str, str]) -> Response:
    """List schedules in pages; of a schedule group that isn't there, as AWS does."""
    from ministack.services import scheduler

    group, prefix = query.get("ScheduleGroup"), query.get("NamePrefix", "")
    if group not in (None, "default") and group not in scheduler._schedule_groups:
        return scheduler._error(404, "ResourceNotFoundException", f"Schedule group {group} does not exist.")
    keys = ("Arn", "Name", "GroupName", "State", "CreationDate", "LastModificationDate")
    found = sorted(
        (each["GroupName"], each["Name"], each)
        for _, each in scheduler._schedules.items()
        if group in (None, each["GroupName"]) and each["Name"].startswith(prefix)
    )
    after = tuple(query.get("NextToken", "/").split("/", 1))
    rest = [each for *place, each in found if tuple(place) > after]
    page = rest[: int(query.get("MaxResults", 100))]
    answer: dict[str, Any] = {
        "Schedules": [
            {**{key: each[key] for key in keys}, "Target": {"Arn": each["Target"]["Arn"]}} for each in page
        ]
    }
    if len(page) < len(rest):
        answer["NextToken"] = f"{page[-1]['GroupName']}/{page[-1]['Name']}"
    response: Response = scheduler._json_resp(200, answer)
    return response


def _in_own_context(account: str, region: str, act: Callable[..., None], *arguments: object) -> None:
    """Run `act` on a thread of its own, in an account and region."""
    from ministack.core import responses

    def run() -> None:
        responses.set_request_account_id(account)
        responses.set_request_region(region)
        act(*arguments)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
