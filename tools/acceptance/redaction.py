"""What must not stand in a transcript, replaced: secrets, account ids, and who asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

HIDDEN = "<hidden>"
ACCOUNT = "123456789012"
"""What stands for every account, so that ARNs stay ARNs."""

_SECRET_KEYS = frozenset(
    {
        "authtoken",
        "password",
        "secretaccesskey",
        "secretbinary",
        "secretstring",
        "sessiontoken",
        "accesskeyid",
        "userid",
        "externalid",
        "artifact",
    }
)
_PATTERNS = (
    (re.compile(r"\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,}\b"), HIDDEN),
    (
        re.compile(r"(arn:[a-z-]*:(?:iam|sts)::\d{12}:(?:user|assumed-role|federated-user)/)[^\s\"']+"),
        r"\1who",
    ),
    (
        re.compile(r"((?:Signature|Credential|Security-Token|AWSAccessKeyId)=)[^&\s\"']+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])"), ACCOUNT),
)


def redacted(value: Any) -> Any:
    """Return a request or an answer as plain JSON without secrets; whoever calls botocore gives its dicts."""
    if isinstance(value, Mapping):
        pair = _named(value)
        return {
            str(key): HIDDEN if _is_secret(str(key), item, pair) else redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float):
        return value
    return text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def text(given: str) -> str:
    """Return a text without account ids, credentials and the caller's name."""
    for pattern, instead in _PATTERNS:
        given = pattern.sub(instead, given)
    return given


def _named(value: Mapping[Any, Any]) -> str:
    """Return the name in a pair of name and value: a stack's output or parameter."""
    return str(value.get("OutputKey") or value.get("ParameterKey") or "")


def _is_secret(key: str, item: Any, pair: str) -> bool:
    if isinstance(item, Mapping | list | bool) or not item:
        return False
    in_pair = key in {"OutputValue", "ParameterValue"} and pair.lower() in _SECRET_KEYS
    return in_pair or key.lower() in _SECRET_KEYS
