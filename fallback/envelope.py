"""What Lambda passes on when the provider function failed, and what may be shown of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from massdriver_redis.cloudformation.genuine import Recipient, refusal, shown

NOTHING_MADE = "none:"
"""The beginning of a physical id that says a Create made nothing; a Delete of it has nothing to do."""

UNKNOWN = "unknown:"
"""The beginning of a physical id under which a Delete looks again: what the Create made is not known."""

_SCHEDULE_NAME = re.compile(r"(?=.{1,64}$)([a-z0-9-]{1,40})-\d{10}-[a-z2-7]{12}", re.ASCII)
_SIGNATURES = re.compile(r"((?:X-Amz-)?(?:Signature|Security-Token))=[^&\s\"']+", re.IGNORECASE)


class RefusedError(Exception):
    """A request that must not be answered: the message says why, `url` is where it wanted to be answered.

    Both are fit to be logged.
    """

    def __init__(self, why: str, url: str = "") -> None:
        super().__init__(why)
        self.url = url


@dataclass(frozen=True)
class Failure:
    """An invocation that failed at every try: the event it got and why it failed, both as Lambda gives them.

    `schedule_name` names the schedule of a poll; it is empty for an event of CloudFormation.
    """

    payload: dict[str, Any] = field(repr=False)
    cause: str = field(repr=False)
    schedule_name: str


@dataclass(frozen=True)
class FailedEvent:
    """A request of CloudFormation that the provider function failed on.

    `cause` is fit to be shown. `schedule_name` (empty for an event of CloudFormation) and `deadline` (seconds
    since the epoch) are known of a poll only.
    """

    event: dict[str, Any] = field(repr=False)
    cause: str
    schedule_name: str
    deadline: float | None

    @property
    def schedule_suffix(self) -> str:
        """The end of the name of this request's schedule."""
        text = "\n".join(self.event[key] for key in ("StackId", "LogicalResourceId", "RequestId"))
        return f"-{_hash(text, 12)}"

    @property
    def physical_id(self) -> str:
        """The event's own id; for a Create the id that its schedule is named after, else an unknown one."""
        named = _SCHEDULE_NAME.fullmatch(self.schedule_name)
        return str(self.event.get("PhysicalResourceId") or "") or (named[1] if named else self._unknown())

    @property
    def succeeds(self) -> bool:
        """Return whether there is nothing to do that could fail: the Delete of what was never made."""
        return self.event["RequestType"] == "Delete" and self.physical_id.startswith(NOTHING_MADE)

    def _unknown(self) -> str:
        return UNKNOWN + _hash(json.dumps([self.event["StackId"], self.event["LogicalResourceId"]]), 10)


def read(record: object) -> Failure:
    """Return the failure that an on-failure record describes.

    Raises RefusedError for anything else, and for a poll that names no schedule of the provider's form.
    """
    payload = record.get("requestPayload") if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(payload, dict):
        raise RefusedError("no record of a failed event")
    name = ""
    if payload.get("CrHelperPoll") is True:
        name = payload.get("ScheduleName", "")
        if not isinstance(name, str) or not _SCHEDULE_NAME.fullmatch(name):
            raise RefusedError("a poll that names no schedule", shown(payload))
    return Failure(payload, _cause(record), name)


def request_in(failure: Failure, carried: object, recipient: Recipient, now: float) -> FailedEvent:
    """Return the request in `carried`, an event or the text of one; raises RefusedError as the provider does.

    `recipient` is whom the event must be meant for; `now` is in seconds since the epoch.
    """
    event = _parsed(carried) if isinstance(carried, str) else carried
    if not isinstance(event, dict):
        raise RefusedError("Not a CloudFormation event: it is no JSON object.")
    refused = refusal(event, recipient, now)
    if refused:
        raise RefusedError(refused, shown(event))
    cause = _redacted(_redacted(failure.cause, event), failure.payload)
    deadline = _deadline(event) if failure.schedule_name else None
    return FailedEvent(event, cause, failure.schedule_name, deadline)


def reason(text: str, limit: int) -> str:
    """Return `text` in one line of at most `limit` characters, its head kept."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _hash(text: str, length: int) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:length]


def _cause(record: dict[str, Any]) -> str:
    """Return what went wrong: the function's error, else why Lambda never ran it."""
    payload = record.get("responsePayload")
    if isinstance(payload, dict) and payload.get("errorMessage"):
        kind = payload.get("errorType")
        return f"{kind}: {payload['errorMessage']}" if kind else str(payload["errorMessage"])
    context = record.get("requestContext")
    condition = context.get("condition") if isinstance(context, dict) else None
    return str(condition or "no cause was given")


def _deadline(event: dict[str, Any]) -> float | None:
    """Return when a poll's request must be answered: two minutes before CloudFormation gives up."""
    started = event.get("StartedAt")
    if not isinstance(started, int | float) or isinstance(started, bool):
        return None
    properties = event.get("ResourceProperties")
    text = str(properties.get("ServiceTimeout", "")) if isinstance(properties, dict) else ""
    timeout = int(text) if re.fullmatch(r"\d{1,4}", text, re.ASCII) else 3600
    return started + timeout - min(120.0, timeout / 2)


def _redacted(text: str, event: dict[str, Any]) -> str:
    """Return `text` without the ResponseURL, any signature, or an external id."""
    url = str(event.get("ResponseURL", ""))
    query = url.partition("?")[2]
    values = [value for values in parse_qs(query).values() for value in values if len(value) >= 16]
    secrets = [url, query, unquote(query), *values]
    for key in ("ResourceProperties", "OldResourceProperties"):
        secrets += _external_ids(event.get(key))
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return _SIGNATURES.sub(r"\1=***", text)


def _external_ids(properties: Any) -> list[str]:
    """Return the external id, which may stand in the connection's `data` level or without that level."""
    connection = properties.get("aws_authentication") if isinstance(properties, dict) else None
    levels = (connection, connection.get("data") if isinstance(connection, dict) else None)
    found = [level.get("external_id") for level in levels if isinstance(level, dict)]
    return [value for value in found if isinstance(value, str)]
