"""The handler's AWS calls, numbered, with a hook around each, and a short way to what answers them.

The hook stands under `boto3.client(...).operation(...)`. ElastiCache requests are checked against
botocore's model and handed to the simulator without HTTP. Reads of moto's services are answered once and
kept until something of that service is written. Both ways only save time: `quick=False` leaves them out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Self
from unittest import mock

from botocore.client import BaseClient
from botocore.exceptions import ParamValidationError
from botocore.validate import ParamValidator

from tests.simulator import Simulator
from tests.simulator.errors import Refusal
from tests.support.wire import Call, client_error

Send = Callable[[], Any]
Hook = Callable[[int, Call, Send], Any]

_KEPT = ("ec2", "events", "secretsmanager")
_ACCOUNT = "123456789012"


def straight(_index: int, _call: Call, send: Send) -> Any:
    """Put nothing in the call's way."""
    return send()


class Wire:
    """Numbers the calls made inside `handling()`, from 0, and puts `hook` around each."""

    def __init__(self, simulator: Simulator, *, quick: bool = True) -> None:
        self.calls: list[Call] = []
        self.hook: Hook = straight
        self._simulator = simulator
        self._quick = quick
        self._inside = False
        self._kept: dict[str, dict[str, Any]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._original = BaseClient._make_api_call

        def made(client: BaseClient, operation: str, params: Mapping[str, Any]) -> Any:
            call = Call(client.meta.service_model.service_name, operation, dict(params))
            return self.around(call, lambda: self._send(client, call))

        self._stack.enter_context(mock.patch.object(BaseClient, "_make_api_call", made))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def handling(self, yes: bool = True) -> Iterator[None]:
        """Count what is called in this block as the handler's, or not."""
        before, self._inside = self._inside, yes
        try:
            yield
        finally:
            self._inside = before

    def around(self, call: Call, send: Send) -> Any:
        """Number a call and let the hook make it."""
        if not self._inside:
            return send()
        self.calls.append(call)
        return self.hook(len(self.calls) - 1, call, send)

    def clear(self) -> None:
        """Forget what was recorded; numbers start at 0 again."""
        self.calls.clear()

    def _send(self, client: BaseClient, call: Call) -> Any:
        if not self._quick:
            return self._original(client, call.operation, call.params)
        if call.service == "elasticache":
            return self._simulated(client, call)
        if call.service not in _KEPT:
            return self._original(client, call.operation, call.params)
        if call.mutates:
            self._kept.pop(call.service, None)
            return self._original(client, call.operation, call.params)
        kept = self._kept.setdefault(call.service, {})
        key = call.operation + json.dumps(call.params, sort_keys=True, default=str)
        if key not in kept:
            kept[key] = self._original(client, call.operation, call.params)
        return kept[key]

    def _simulated(self, client: BaseClient, call: Call) -> Any:
        model = client.meta.service_model.operation_model(call.operation)
        report = ParamValidator().validate(call.params, model.input_shape)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())
        region = client.meta.region_name
        try:
            return self._simulator.act(_ACCOUNT, region, call.operation, dict(call.params)) or {}
        except Refusal as refusal:
            raise client_error(refusal.code, refusal.message, call.operation) from None
