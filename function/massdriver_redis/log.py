"""Structured logs, and the secrets that no log line and no Reason may show."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit

MASK = "***"

_LONG_ENOUGH = 8
_secrets: set[str] = set()


def protect(*secrets: str | None) -> None:
    """Hide each of `secrets`, also URL-quoted or JSON-escaped, until `forget()`."""
    for secret in filter(None, secrets):
        _secrets.update({secret, quote(secret, safe=""), unquote(secret), json.dumps(secret)[1:-1]})


def forget() -> None:
    """Stop hiding the secrets of an earlier invocation: a warm container serves many stacks."""
    _secrets.clear()


def redact(text: str) -> str:
    """Return `text` with every protected secret replaced by `***`.

    A secret shorter than eight characters (an external id may have two) is replaced only as a whole word,
    so that other words stay readable.
    """
    for secret in sorted(_secrets, key=len, reverse=True):
        if len(secret) >= _LONG_ENOUGH:
            text = text.replace(secret, MASK)
        else:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", MASK, text)
    return text


class RedactingFormatter(LambdaPowertoolsFormatter):
    """Powertools' JSON, redacted value by value so that it stays JSON."""

    def serialize(self, log: Any) -> str:
        """Return one line of JSON without secrets, in message, keys, extra fields and stack traces."""
        return super().serialize(_redacted(log))


def _redacted(value: object) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, Mapping):
        return {redact(str(key)): _redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(item) for item in value]
    return redact(str(value))


def quiet_libraries() -> None:
    """Keep libraries at WARNING whatever Lambda's own log level is.

    crhelper logs the event, the URL and the body, and botocore every request, all at DEBUG.
    """
    for name in ("crhelper", "boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)


logger = Logger(logger_formatter=RedactingFormatter())
# Otherwise Lambda's own handler prints each record a second time, and not redacted.
logging.getLogger(logger.service).propagate = False


def refused(reason: str, response_url: str) -> None:
    """Log that an event is refused, and count it in CloudWatch by a line in the embedded metric format."""
    logger.error("Event refused, nothing is answered", reason=reason, response_url=response_url)
    with single_metric(name="RefusedEvents", unit=MetricUnit.Count, value=1, namespace="MassdriverRedis"):
        pass
