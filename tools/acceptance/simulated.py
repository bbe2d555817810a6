"""The same life on the simulator, led by the same provider, as entries like those of a transcript."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from unittest import mock

from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.harness.stack import NAME, StackUnderTest
from tests.simulator import Timing
from tools.acceptance.redaction import redacted
from tools.acceptance.script import QUESTIONS, QUESTIONS_AFTER, STEPS, Step
from tools.acceptance.transcript import Entry


def life() -> tuple[list[Entry], dict[str, float]]:
    """Return the provider's reads of ElastiCache, and how long each step took in simulated seconds.

    The simulator takes as long as it believes that AWS takes. The real function runs in this process, and
    `tests/harness` is CloudFormation to it.
    """
    with StackUnderTest(Timing()) as stack:
        recording = _Recording(stack)
        with mock.patch.object(BaseClient, "_make_api_call", recording.call):
            for step in STEPS:
                recording.take(step)
                if step.name == QUESTIONS_AFTER:
                    recording.ask()
        return recording.entries, recording.seconds


class _Recording:
    def __init__(self, stack: StackUnderTest) -> None:
        self.entries: list[Entry] = []
        self.seconds: dict[str, float] = {}
        self._stack = stack
        self._step = ""

    def take(self, step: Step) -> None:
        """Do to the resource what CloudFormation does to it in this step."""
        self._step = step.name
        began = self._stack.clock.now()
        properties = self._stack.properties(step.properties)
        if step.kind == "create":
            response = self._stack.create(NAME, properties)
        elif step.kind == "update":
            response = self._stack.update(NAME, properties, clean_up=not step.fails_afterwards)
        else:
            response = self._stack.delete(NAME)
        if not response.ok:
            raise RuntimeError(f"the simulator can't lead this life: {step.name}: {response.reason}")
        if step.fails_afterwards:
            self._stack.roll_back(NAME)
        self.seconds[step.name] = self._stack.clock.now() - began

    def ask(self) -> None:
        """Ask the script's questions."""
        self._step = "questions"
        cache, cluster = self._stack.elasticache, self._stack.resources[NAME].physical_id
        for question in QUESTIONS:
            given = {key: value.format(cluster=cluster) for key, value in question.params.items()}
            with suppress(ClientError):
                getattr(cache, xform_name(question.operation))(**given)

    @property
    def call(self) -> Any:
        """What takes the place of boto3's own call: the same, and noted if it is one of ElastiCache."""
        send = BaseClient._make_api_call

        def noted(client: Any, operation: str, params: Mapping[str, Any]) -> Any:
            try:
                result = send(client, operation, params)
            except ClientError as error:
                self._note(client, operation, params, {"error": error.response["Error"]})
                raise
            self._note(client, operation, params, {"response": result})
            return result

        return noted

    def _note(self, client: Any, operation: str, params: Any, answer: Mapping[str, Any]) -> None:
        if client.meta.service_model.service_name == "elasticache":
            entry = {"step": self._step, "service": "elasticache", "operation": operation, "request": params}
            self.entries.append(redacted({**entry, **answer}))
