"""The response PUT of the fallback."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from envelope import FailedEvent

_TIMEOUT = 10.0
_CA_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_PAUSES = (0.0, 1.0, 3.0)
_AGAIN = (
    http.client.BAD_REQUEST,  # S3's RequestTimeout
    http.client.REQUEST_TIMEOUT,
    http.client.TOO_MANY_REQUESTS,
)


class UndeliveredError(Exception):
    """The response met no server that took or refused it; the message never holds the URL."""


def build(failed: FailedEvent, status: Literal["SUCCESS", "FAILED"], reason: str) -> bytes:
    """Return the response to the request that failed, its ids verbatim."""
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": failed.physical_id,
        "StackId": failed.event["StackId"],
        "RequestId": failed.event["RequestId"],
        "LogicalResourceId": failed.event["LogicalResourceId"],
        "NoEcho": True,
        "Data": {},
    }
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")


def put(url: str, body: bytes, sleep: Callable[[float], None] = time.sleep) -> int:
    """PUT `body` to `url` and return the status that settled it: 2xx, or a refusal that stays.

    Raises UndeliveredError after three attempts.
    """
    failure = ""
    for pause in _PAUSES:
        if pause:
            sleep(pause)
        status, failure = _attempt(url, body)
        if 200 <= status < 300 or (400 <= status < 500 and status not in _AGAIN):
            return status
    raise UndeliveredError(f"the response could not be delivered: {failure}")


def _attempt(url: str, body: bytes) -> tuple[int, str]:
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=_TIMEOUT, context=_tls()
        )
        try:
            # S3's signature covers an empty content type.
            connection.request("PUT", target, body=body, headers={"Content-Type": ""})
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return 0, type(error).__name__
    return status, f"HTTP status {status}"


def _tls() -> ssl.SSLContext:
    """Return a verifying context that also trusts the bundle an emulator names in the environment."""
    context = ssl.create_default_context()
    for bundle in filter(None, map(os.environ.get, _CA_VARIABLES)):
        if Path(bundle).is_file():
            context.load_verify_locations(cafile=bundle)
    return context
