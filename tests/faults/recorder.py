"""The handler's AWS calls, numbered, with a hook around each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Self
from unittest import mock

from botocore.client import BaseClient

from tests.harness.recorder import Call

Send = Callable[[], Any]
Hook = Callable[[int, Call, Send], Any]


def straight(_index: int, _call: Call, send: Send) -> Any:
    """Put nothing in the call's way."""
    return send()


class Recorder:
    """Numbers the calls made inside `handling()`, from 0, and puts `hook` around each.

    `history` keeps all of them, whatever `clear` forgets.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.history: list[Call] = []
        self.hook: Hook = straight
        self._inside = False
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        answer = BaseClient._make_api_call

        def made(client: BaseClient, operation: str, params: Mapping[str, Any]) -> Any:
            call = Call(client.meta.service_model.service_name, operation, dict(params))
            return self.around(call, lambda: answer(client, operation, params))

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
        self.history.append(call)
        return self.hook(len(self.calls) - 1, call, send)

    def clear(self) -> None:
        """Begin again: numbers start at 0 again."""
        self.calls.clear()
