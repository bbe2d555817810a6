"""What Lambda hands on when the provider function failed, and what may be told of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

NOTHING_MADE = "none:"
"""The beginning of a physical id that says a create made nothing; a Delete of it has nothing to do."""

_SIZES = {"StackId": 1024, "RequestId": 128, "LogicalResourceId": 255, "ResponseURL": 4096}
_STACK_ID = re.compile(r"arn:[a-z0-9-]+:cloudformation:[a-z0-9-]*:\w*:stack/[^/\s]+/[^/\s]+", re.ASCII)
_VISIBLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")
_SIGNATURES = re.compile(r"((?:X-Amz-)?(?:Signature|Security-Token))=[^&\s\"']+", re.IGNORECASE)


@dataclass(frozen=True)
class FailedEvent:
    """A request of CloudFormation that the provider function failed on.

    `cause` is fit to be shown; `deadline` (seconds since the epoch) is known of a poll only.
    """

    event: dict[str, Any] = field(repr=False)
    cause: str
    is_poll: bool
    deadline: float | None

    @property
    def request_id(self) -> str:
        """The request that CloudFormation waits for."""
        return str(self.event["RequestId"])

    @property
    def physical_id(self) -> str:
        """The event's own id; for a create that never armed its rule, the mark of nothing made."""
        return str(self.event.get("PhysicalResourceId") or "") or self._nothing_made()

    @property
    def succeeds(self) -> bool:
        """Tell whether there is nothing to do that could fail: the Delete of what was never made."""
        return self.event["RequestType"] == "Delete" and str(
            self.event.get("PhysicalResourceId") or ""
        ).startswith(NOTHING_MADE)

    def _nothing_made(self) -> str:
        owner = json.dumps([self.event["StackId"], self.event["LogicalResourceId"]])
        digest = hashlib.sha256(owner.encode()).digest()
        return NOTHING_MADE + base64.b32encode(digest).decode().lower()[:10]


def read(record: object, response_host: str = "") -> FailedEvent | None:
    """Return the failed request in an on-failure record; None for anything that must not be answered."""
    event = record.get("requestPayload") if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(event, dict):
        return None
    if event.get("RequestType") not in ("Create", "Update", "Delete"):
        return None
    if not all(_sound(event.get(key), size) for key, size in _SIZES.items()):
        return None
    physical_id = event.get("PhysicalResourceId")
    if not isinstance(physical_id, str | None) or len(physical_id or "") > 1024:
        return None
    if not _STACK_ID.fullmatch(event["StackId"]) or not may_answer(event["ResponseURL"], response_host):
        return None
    is_poll = event.get("CrHelperPoll") is True
    return FailedEvent(
        event, _redacted(_cause(record), event), is_poll, _deadline(event) if is_poll else None
    )


def may_answer(url: str, response_host: str) -> bool:
    """Tell whether `url` is https and of AWS, or of the one extra host ("host" or "host:port")."""
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


def _sound(value: object, size: int) -> bool:
    return isinstance(value, str) and len(value) <= size and bool(_VISIBLE.fullmatch(value))


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
    url = event["ResponseURL"]
    query = urlsplit(url).query
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
