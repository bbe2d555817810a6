"""CloudFormation's envelope: what an event is, and when its request began."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from massdriver_redis.cloudformation import response_url
from massdriver_redis.errors import EnvelopeError
from massdriver_redis.state.naming import Owner
from massdriver_redis.state.record import RequestVersion

Kind = Literal["Create", "Update", "Delete"]

LONGEST_OPERATION = 3600
"""Seconds CloudFormation waits for a custom resource at most, and by default (ServiceTimeout)."""

POLL_INTERVAL = 60
"""Seconds between two firings of a poll schedule; Scheduler has no shorter rate."""

POLL_MARK = "CrHelperPoll"
"""The key by which crhelper 2.0.12 knows a poll from a request of CloudFormation."""

_MARGIN = POLL_INTERVAL + 60
_OLDEST_FIRST_DELIVERY = 900
_STACK_ID = re.compile(r"arn:[a-z0-9-]+:cloudformation:[a-z0-9-]*:\w*:stack/[^/\s]+/[^/\s]+", re.ASCII)
_VISIBLE = re.compile(r"[!-~]+")
_SIZES = {
    "StackId": 1024,
    "RequestId": 128,
    "LogicalResourceId": 255,
    "ResponseURL": 4096,
    "ScheduleName": 64,
}


@dataclass(frozen=True)
class Request:
    """One request of CloudFormation, as first delivered or as its poll schedule carries it.

    `event` is the request as it came. `signed_at` orders requests (None where the ResponseURL carries no
    time); `started_at` is when the request's time began to run; `schedule_name` and `armed_at` name its
    poll schedule and when that was created (empty and None in a first delivery). Times are seconds since
    the epoch. `service_timeout_error` is a Reason for Create and Update; a Delete runs with the default.
    """

    event: Mapping[str, object] = field(repr=False)

    kind: Kind
    request_id: str
    stack_id: str
    logical_id: str
    response_url: str = field(repr=False)
    physical_id: str | None
    properties: Mapping[str, object] = field(repr=False)
    old_properties: Mapping[str, object] = field(repr=False)
    service_timeout: int
    service_timeout_error: str | None
    signed_at: float | None
    started_at: float
    schedule_name: str = ""
    armed_at: float | None = None

    @property
    def owner(self) -> Owner:
        """The stack and logical id this request is about."""
        return Owner(self.stack_id, self.logical_id)

    @property
    def version(self) -> RequestVersion:
        """This request's place in the order of requests."""
        return RequestVersion(self.request_id, self.signed_at or 0.0)

    @property
    def is_poll(self) -> bool:
        """Whether a poll schedule carried this request, rather than CloudFormation itself."""
        return bool(self.schedule_name)

    @property
    def gives_up_at(self) -> float:
        """When CloudFormation gives up and takes no answer any more, in seconds since the epoch."""
        return self.started_at + self.service_timeout

    @property
    def deadline(self) -> float:
        """When to answer at the latest: a poll and a minute before CloudFormation gives up.

        Of a short ServiceTimeout the margin takes no more than half.
        """
        return self.gives_up_at - min(_MARGIN, self.service_timeout / 2)


def parse(event: object, now: float, response_host: str = "") -> Request:
    """Return the request in `event`: CloudFormation's own, or the Input of its poll schedule.

    `now` is in seconds since the epoch; `response_host` is one more host ("host" or "host:port") that may
    be answered. Raises EnvelopeError for anything that must not be answered; its message names keys only.
    """
    if not isinstance(event, dict):
        raise EnvelopeError("Not a CloudFormation event: it is no JSON object.")
    kind = _kind(event)
    physical_id = _physical_id(event, kind)
    raw = _mapping(event.get("ResourceProperties"))
    timeout, timeout_error = _service_timeout(raw.get("ServiceTimeout"))
    url = response_url.checked(_text(event, "ResponseURL"), response_host)
    amz_date, expires = response_url.signing_times(url)
    is_poll = POLL_MARK in event
    return Request(
        event=event,
        kind=kind,
        request_id=_text(event, "RequestId"),
        stack_id=_stack_id(event),
        logical_id=_text(event, "LogicalResourceId"),
        response_url=url,
        physical_id=physical_id,
        properties=raw,
        old_properties=_mapping(event.get("OldResourceProperties")),
        service_timeout=timeout,
        service_timeout_error=timeout_error,
        signed_at=expires if amz_date is None else amz_date,
        started_at=_started_at(event.get("StartedAt") if is_poll else None, amz_date, now),
        schedule_name=_text(event, "ScheduleName") if is_poll else "",
        armed_at=_past(event.get("ArmedAt"), now) if is_poll else None,
    )


def secrets_of(request: Request) -> tuple[str, ...]:
    """Return the texts of this request that no log and no Reason may show.

    They are those of the ResponseURL, and the external ids.
    """
    external_ids = [_external_id(raw) for raw in (request.properties, request.old_properties)]
    found = [*response_url.secrets_in(request.response_url), *external_ids]
    return tuple(text for text in found if text)


def _kind(event: Mapping[str, object]) -> Kind:
    kind = event.get("RequestType")
    if kind in ("Create", "Update", "Delete"):
        return kind
    raise EnvelopeError("Not a CloudFormation event: RequestType is not Create, Update or Delete.")


def _text(event: Mapping[str, object], key: str) -> str:
    value = event.get(key)
    if not isinstance(value, str) or not _VISIBLE.fullmatch(value):
        raise EnvelopeError(f"Not a CloudFormation event: {key} is not a plain, non-empty string.")
    if len(value) > _SIZES[key]:
        raise EnvelopeError(f"Not a CloudFormation event: {key} is longer than {_SIZES[key]} characters.")
    return value


def _stack_id(event: Mapping[str, object]) -> str:
    value = _text(event, "StackId")
    if not _STACK_ID.fullmatch(value):
        raise EnvelopeError("Not a CloudFormation event: StackId is no stack's ARN.")
    return value


def _physical_id(event: Mapping[str, object], kind: Kind) -> str | None:
    """Return the event's own id; a Delete after a cancelled create may come without one."""
    value = event.get("PhysicalResourceId")
    if value is None or value == "":
        if kind == "Update":
            raise EnvelopeError("Not a CloudFormation event: an Update without PhysicalResourceId.")
        return None
    if not isinstance(value, str) or len(value) > 1024:
        raise EnvelopeError(
            "Not a CloudFormation event: PhysicalResourceId is no string of 1,024 characters."
        )
    return value


def _started_at(carried: object, amz_date: float | None, now: float) -> float:
    """Return when the request's time began.

    Lambda drops an asynchronous event older than MaximumEventAgeInSeconds, so a much older date is not
    this request's; neither is one in the future. Expires says nothing of the start.
    """
    past = _past(carried, now)
    if past is not None:
        return past
    if amz_date is not None and 0 <= now - amz_date <= _OLDEST_FIRST_DELIVERY:
        return amz_date
    return now


def _past(value: object, now: float) -> float | None:
    """Return a time that a poll carries, None for anything else."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 <= value <= now else None  # type: ignore[arg-type,operator]


def _service_timeout(value: object) -> tuple[int, str | None]:
    if value is None or value == "":
        return LONGEST_OPERATION, None
    text = str(value)
    if re.fullmatch(r"\d{1,4}", text, re.ASCII) and 1 <= int(text) <= LONGEST_OPERATION:
        return int(text), None
    return LONGEST_OPERATION, "ServiceTimeout: must be a whole number of seconds from 1 to 3600."


def _external_id(raw: Mapping[str, object]) -> str:
    value: object = raw
    for key in ("aws_authentication", "data", "external_id"):
        value = _mapping(value).get(key)
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
