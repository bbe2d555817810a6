"""Every AWS call a client makes, recorded, and faults put in its way.

The recording sits under `boto3.client(...).operation(...)` and above botocore's validator, so an
invalid request is still refused by botocore itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Self
from unittest import mock

from botocore.client import BaseClient
from botocore.exceptions import ClientError

Before = Callable[["Call", int], Mapping[str, Any] | None]
After = Callable[["Call", int, Mapping[str, Any]], None]

_READS = ("Describe", "List", "Get", "Lookup")


class Killed(BaseException):
    """The process ends here: no `except Exception` may catch it."""


@dataclass(frozen=True)
class Call:
    """One AWS request: the service as boto3 names it, the operation, its parameters."""

    service: str
    operation: str
    params: Mapping[str, Any] = field(hash=False)

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def mutates(self) -> bool:
        return not self.operation.startswith(_READS)


class Recorder:
    """Records the calls of every client of this process, as a context manager.

    `before(call, index)` may raise instead of the call, or return a response in its place;
    `after(call, index, result)` may raise although the call was made (a timeout after success).
    `index` counts calls from 0.
    """

    def __init__(self, *, before: Before | None = None, after: After | None = None) -> None:
        self.calls: list[Call] = []
        self.before = before
        self.after = after
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        send = BaseClient._make_api_call

        def recorded(client: BaseClient, operation: str, params: Mapping[str, Any]) -> Any:
            call = Call(client.meta.service_model.service_name, operation, dict(params))
            index = len(self.calls)
            self.calls.append(call)
            if self.before and (answer := self.before(call, index)) is not None:
                return answer
            result = send(client, operation, params)
            if self.after:
                self.after(call, index, result)
            return result

        self._stack.enter_context(mock.patch.object(BaseClient, "_make_api_call", recorded))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def mutations(self) -> list[Call]:
        """Return the calls that write: all but Describe, List, Get and Lookup."""
        return [call for call in self.calls if call.mutates]

    def clear(self) -> None:
        """Forget what was recorded; indexes start at 0 again."""
        self.calls.clear()


def client_error(
    code: str, message: str = "Injected", operation: str = "Operation", status: int = 400
) -> ClientError:
    """Return the exception botocore raises for an error response with this wire code and HTTP status."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "0" * 8,
                "HTTPHeaders": {},
                "HostId": "",
                "RetryAttempts": 0,
            },
        },
        operation,
    )
