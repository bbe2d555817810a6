"""Reads of AWS, and AWS's form of tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from massdriver_redis.aws.errors import call
from massdriver_redis.aws.session import Aws
from massdriver_redis.errors import ResourceError

PAGE = 100
"""Items per page of a list."""


def read(aws: Aws, service: str, operation: str, absent: Iterable[str] = (), **request: Any) -> Any:
    """Make one read; a code in `absent` says that nothing is there, and the answer is empty.

    Raises the exceptions of `errors.translate`.
    """
    try:
        return call(aws.client(service), service, operation, **request)
    except ResourceError as error:
        if error.code in set(absent):
            return {}
        raise


def pages(aws: Aws, operation: str, **request: Any) -> Iterator[Any]:
    """Yield one list of ElastiCache page by page; a page is read when it is asked for.

    Raises the exceptions of `errors.translate`.
    """
    marker: dict[str, str] = {}
    while True:
        answer = read(aws, "elasticache", operation, MaxRecords=PAGE, **request, **marker)
        yield answer
        if not answer.get("Marker"):
            return
        marker = {"Marker": answer["Marker"]}


def tags_of(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return a list of tags as a dict."""
    return {str(item.get("Key", "")): str(item.get("Value", "")) for item in items}


def epoch(value: object) -> float:
    """Return a time of AWS's in seconds since the epoch, 0 where there is none."""
    return value.timestamp() if isinstance(value, datetime) else 0.0
