"""The PUT of a response: retries within a time limit, and the HTTP status decides."""

from __future__ import annotations

import http.client
import itertools
import os
import ssl
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from massdriver_redis.clock import Clock

SOCKET_TIMEOUT = 10.0
"""Seconds for a connection, and for its answer."""

_PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts; the last goes on."""

_AGAIN = (
    http.client.BAD_REQUEST,  # S3's RequestTimeout
    http.client.REQUEST_TIMEOUT,
    http.client.TOO_MANY_REQUESTS,
)
_CA_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


class ResponderError(Exception):
    """The response was not delivered; the message never contains the URL."""


class RefusedError(ResponderError):
    """The server refuses this URL, most often because it has expired; a retry changes nothing."""


class UnreachableError(ResponderError):
    """The network or the server failed at every attempt; a later attempt may succeed."""


class Sender(Protocol):
    """The PUT of a response; raises RefusedError or UnreachableError."""

    def __call__(self, url: str, body: bytes, *, until: float, clock: Clock) -> None:
        """Deliver `body` to `url` before `until`."""


def send(url: str, body: bytes, *, until: float, clock: Clock) -> None:
    """PUT `body` to `url`, with retries while `clock` is before `until`; at least one attempt is made.

    A redirect, a server's error and S3's own time-outs are tried again.

    Raises RefusedError for a status that a retry doesn't change, otherwise UnreachableError.
    """
    for pause in itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1])):
        timeout = min(SOCKET_TIMEOUT, max(1.0, until - clock.now()))
        status, failure = _attempt(url, body, timeout)
        if 200 <= status < 300:
            return
        if 400 <= status < 500 and status not in _AGAIN:
            raise RefusedError(f"the response was refused with HTTP status {status}")
        if clock.now() + pause >= until:
            raise UnreachableError(f"the response could not be delivered: {failure}")
        clock.sleep(pause)


def _attempt(url: str, body: bytes, timeout: float) -> tuple[int, str]:
    """Make one PUT; return its status, 0 where there is none, and a short description of the failure.

    Raises nothing: exceptions of http.client may contain the URL.
    """
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=timeout, context=_tls()
        )
        try:
            # S3's signature covers an empty content type.
            headers = {"Content-Type": "", "Content-Length": str(len(body))}
            connection.request("PUT", target, body=body, headers=headers)
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return 0, type(error).__name__
    return status, f"HTTP status {status}"


def _tls() -> ssl.SSLContext:
    """Return a verifying context that also trusts the certificates an emulator names in the environment."""
    context = ssl.create_default_context()
    for bundle in filter(None, map(os.environ.get, _CA_VARIABLES)):
        if Path(bundle).is_file():
            context.load_verify_locations(cafile=bundle)
    return context
