"""What Lambda passes on when the provider function failed, and what may be shown of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

NOTHING_MADE = "none:"
"""The beginning of a physical id that says a Create made nothing; a Delete of it has nothing to do."""

UNKNOWN = "unknown:"
"""The beginning of a physical id under which a Delete looks again: what the Create made is not known."""

_SIZES = {"StackId": 1024, "RequestId": 128, "LogicalResourceId": 255, "ResponseURL": 4096}
_STACK_ID = re.compile(r"arn:[a-z0-9-]+:cloudformation:[a-z0-9-]*:\w*:stack/[^/\s]+/[^/\s]+", re.ASCII)
_SCHEDULE_NAME = re.compile(r"(?=.{1,64}$)([a-z0-9-]{1,40})-\d{10}-[a-z2-7]{12}", re.ASCII)
_VISIBLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")
_SIGNATURES = re.compile(r"((?:X-Amz-)?(?:Signature|Security-Token))=[^&\s\"']+", re.IGNORECASE)


@dataclass(frozen=True)
class Failure:
    """An invocation that failed at every try: the event it got and why it failed, both as Lambda gives them.

    `schedule_name` names the schedule of a poll; it is empty for an event of CloudFormation.
    `response_host` is one more host that may be answered.
    """

    payload: dict[str, Any] = field(repr=False)
    cause: str = field(repr=False)
    schedule_name: str
    response_host: str


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


def read(record: object, response_host: str = "") -> Failure | None:
    """Return the failure that an on-failure record describes; None for anything else.

    A poll that names no schedule of the provider's form is nothing either.
    """
    payload = record.get("requestPayload") if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(payload, dict):
        return None
    name = ""
    if payload.get("CrHelperPoll") is True:
        name = payload.get("ScheduleName", "")
        if not isinstance(name, str) or not _SCHEDULE_NAME.fullmatch(name):
            return None
    return Failure(payload, _cause(record), name, response_host)


def request_in(failure: Failure, carried: object) -> FailedEvent | None:
    """Return the request in `carried`, an event or the text of one; None where it must not be answered."""
    event = _parsed(carried) if isinstance(carried, str) else carried
    if not isinstance(event, dict) or not _is_sound(event, failure.response_host):
        return None
    cause = _redacted(_redacted(failure.cause, event), failure.payload)
    deadline = _deadline(event) if failure.schedule_name else None
    return FailedEvent(event, cause, failure.schedule_name, deadline)


def may_answer(url: str, response_host: str) -> bool:
    """Return whether `url` is https and of AWS, or of the one extra host ("host" or "host:port")."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host, name = parts.netloc.lower(), parts.hostname or ""
    if parts.scheme != "https" or not _HOST.fullmatch(host):
        return False
    if response_host and response_host.lower() in (name, host):
        return True
    return name.endswith((".amazonaws.com", ".amazonaws.com.cn")) and port in (None, 443)


def reason(text: str, limit: int) -> str:
    """Return `text` in one line of at most `limit` characters, its head kept."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _is_sound(event: dict[str, Any], response_host: str) -> bool:
    physical_id = event.get("PhysicalResourceId")
    return (
        event.get("RequestType") in ("Create", "Update", "Delete")
        and all(_is_text(event.get(key), size) for key, size in _SIZES.items())
        and isinstance(physical_id, str | None)
        and len(physical_id or "") <= 1024
        and bool(_STACK_ID.fullmatch(event["StackId"]))
        and may_answer(event["ResponseURL"], response_host)
    )


def _is_text(value: object, size: int) -> bool:
    return isinstance(value, str) and len(value) <= size and bool(_VISIBLE.fullmatch(value))


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
    secrets += [_external_id(event.get(key)) for key in ("ResourceProperties", "OldResourceProperties")]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return _SIGNATURES.sub(r"\1=***", text)


def _external_id(value: Any) -> str:
    for key in ("aws_authentication", "data", "external_id"):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
