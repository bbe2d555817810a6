"""Reads of AWS, and AWS's form of tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from massdriver_redis.aws.session import Aws, code_of, translate

PAGE = 100
"""Items per page of a list."""


def read(aws: Aws, service: str, operation: str, absent: Iterable[str] = (), **request: Any) -> Any:
    """Make one read; a code in `absent` says that nothing is there, and the answer is empty.

    Raises the exceptions of `session.translate`.
    """
    try:
        return getattr(aws.client(service), operation)(**request)
    except (ClientError, BotoCoreError) as error:
        if code_of(error) in set(absent):
            return {}
        raise translate(error, service, operation) from None


def pages(aws: Aws, operation: str, **request: Any) -> Iterator[Any]:
    """Yield one list of ElastiCache page by page; a page is read when it is asked for.

    Raises the exceptions of `session.translate`.
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
