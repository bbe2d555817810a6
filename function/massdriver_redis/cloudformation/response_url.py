"""The ResponseURL: whether it may be answered, when it was signed, and what of it is secret."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

from massdriver_redis.errors import EnvelopeError

_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")
_SECRET_PARAMETERS = ("X-Amz-Signature", "Signature", "X-Amz-Security-Token", "x-amz-security-token")


def checked(url: str, response_host: str) -> str:
    """Return `url` if answering it can't show this stack's data to someone else.

    `response_host` is one more host ("host" or "host:port"). Raises EnvelopeError.
    """
    refusal = EnvelopeError("ResponseURL is refused: it is not an https URL of AWS.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise refusal from None
    host = parts.netloc.lower()
    if parts.scheme != "https" or not _HOST.fullmatch(host):
        raise refusal
    name = parts.hostname or ""
    if response_host and response_host.lower() in (name, host):
        return url
    if not name.endswith(_AWS_HOSTS) or port not in (None, 443):
        raise refusal
    return url


def signing_times(url: str) -> tuple[float | None, float | None]:
    """Return when the URL was signed (X-Amz-Date) and when it ends (Expires), each None where absent."""
    query = parse_qs(urlsplit(url).query)
    return _amz_date(query.get("X-Amz-Date", [""])[0]), _epoch(query.get("Expires", [""])[0])


def secrets_in(url: str) -> tuple[str, ...]:
    """Return what no log may show of a URL: the whole, its query (a capability), and the signature."""
    query = urlsplit(url).query
    signatures = [
        value for name, values in parse_qs(query).items() if name in _SECRET_PARAMETERS for value in values
    ]
    return (url, query, unquote(query), *signatures)


def _amz_date(text: str) -> float | None:
    if not re.fullmatch(r"\d{8}T\d{6}Z", text, re.ASCII):
        return None
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _epoch(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,12}", text, re.ASCII) else None
