"""CloudFormation's envelope: what an event is, and when its request began."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast
from urllib.parse import parse_qs, unquote, urlsplit

from massdriver_redis.cloudformation import genuine
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
_OLDEST_FIRST_DELIVERY = 1860
"""Seconds after which Lambda surely drops an event that it could not start (the template's event age)."""

_LONGEST_SCHEDULE_NAME = 64
_SECRET_PARAMETERS = ("X-Amz-Signature", "Signature", "X-Amz-Security-Token", "x-amz-security-token")


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
    def is_dated(self) -> bool:
        """Whether the time that orders this request is the exact one of its signing."""
        return genuine.signing_times(self.response_url)[0] is not None

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


def parse(event: object, now: float, *, recipient: genuine.Recipient = genuine.UNKNOWN) -> Request:
    """Return the request in `event`: CloudFormation's own, or the Input of its poll schedule.

    `now` is in seconds since the epoch; `recipient` is the function that an event must be meant for. Raises
    EnvelopeError for anything that must not be answered; its message names keys only.
    """
    if not isinstance(event, dict):
        raise EnvelopeError("Not a CloudFormation event: it is no JSON object.")
    is_poll = POLL_MARK in event
    refused = genuine.refusal(event, recipient, now)
    if is_poll and not refused:
        refused = genuine.refused_text(event, "ScheduleName", _LONGEST_SCHEDULE_NAME)
    if refused:
        raise EnvelopeError(refused)
    raw = _mapping(event.get("ResourceProperties"))
    timeout, timeout_error = _service_timeout(raw.get("ServiceTimeout"))
    amz_date, expires = genuine.signing_times(event["ResponseURL"])
    started_at = _started_at(event.get("StartedAt") if is_poll else None, amz_date, now)
    return Request(
        event=event,
        kind=cast(Kind, event["RequestType"]),
        request_id=event["RequestId"],
        stack_id=event["StackId"],
        logical_id=event["LogicalResourceId"],
        response_url=event["ResponseURL"],
        physical_id=event.get("PhysicalResourceId") or None,
        properties=raw,
        old_properties=_mapping(event.get("OldResourceProperties")),
        service_timeout=timeout,
        service_timeout_error=timeout_error,
        signed_at=_signed_at(amz_date, expires, started_at),
        started_at=started_at,
        schedule_name=event["ScheduleName"] if is_poll else "",
        armed_at=_past(event.get("ArmedAt"), now) if is_poll else None,
    )


def secrets_of(request: Request) -> tuple[str, ...]:
    """Return the texts of this request that no log and no Reason may show.

    They are the ResponseURL, its query (a capability), its signature, and the external ids.
    """
    query = urlsplit(request.response_url).query
    signatures = [
        value for name, values in parse_qs(query).items() if name in _SECRET_PARAMETERS for value in values
    ]
    external_ids = [*_external_ids(request.properties), *_external_ids(request.old_properties)]
    found = [request.response_url, query, unquote(query), *signatures, *external_ids]
    return tuple(text for text in found if text)


def _signed_at(amz_date: float | None, expires: float | None, started_at: float) -> float | None:
    """Return the time that orders this request among others, None where the ResponseURL carries none.

    Of an older form of URL only the end is known, so its signing time is estimated by the lifetime that all
    have. One in the future would leave every later request behind. It is compared with the start, which a
    poll carries, so that each poll comes to the same result.
    """
    signed = amz_date
    if signed is None and expires is not None:
        signed = expires - genuine.URL_LIFETIME
    return signed if signed is not None and 0 < signed <= started_at + genuine.CLOCK_SKEW else None


def _started_at(carried: object, amz_date: float | None, now: float) -> float:
    """Return when the request's time began.

    Lambda drops an asynchronous event older than MaximumEventAgeInSeconds, so an older date is not this
    request's; neither is one in the future. Expires says nothing of the start.
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


def _external_ids(raw: Mapping[str, object]) -> list[str]:
    """Return the external id, which may stand in the connection's `data` level or without that level."""
    connection = _mapping(raw.get("aws_authentication"))
    found = [_mapping(level).get("external_id") for level in (connection, connection.get("data"))]
    return [value for value in found if isinstance(value, str)]


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
