"""The one EventBridge rule of a resource: it invokes the function every minute while work is open."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from massdriver_redis.aws import translate
from massdriver_redis.errors import BusyError, ResourceError
from massdriver_redis.log import logger

TARGET = "poll"
LARGEST_INPUT = 8192
"""Characters of a target's Input (botocore's model of EventBridge, TargetInput)."""

_ATTEMPTS = 4
_GONE = "ResourceNotFoundException"
_QUOTA = "LimitExceededException"


class PollRule:
    """The rule called `name` on the default bus, whose only target is the function itself.

    `events_client` is boto3's client of the function's own role and region, whatever role makes the
    cluster. Every method is safe beside the same method of another invocation.
    """

    def __init__(
        self,
        events_client: Any,
        name: str,
        function_arn: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._client = events_client
        self._function_arn = function_arn
        self._sleep = sleep

    def current(self) -> dict[str, object] | None:
        """Return the event the armed rule carries; None where no rule is armed. Raises ResourceError."""
        try:
            answer = self._call("list_targets_by_rule", Rule=self.name)
        except ResourceError as error:
            if error.code == _GONE:
                return None
            raise
        carried = (target.get("Input") for target in answer["Targets"] if target["Id"] == TARGET)
        return _event(next(carried, None))

    def arm(self, event: Mapping[str, object]) -> None:
        """Make the rule fire `event` every minute, in place of what it fired before.

        Raises ResourceError, leaving no rule, where EventBridge refuses or the event is too large.
        """
        text = json.dumps(event, separators=(",", ":"))
        if len(text) > LARGEST_INPUT:
            raise ResourceError(
                f"The properties are too large to be carried by a poll ({len(text)} characters, EventBridge "
                f"takes {LARGEST_INPUT}). List fewer subnets or tags."
            )
        for _ in range(_ATTEMPTS):
            self._put_rule()
            if self._put_target(text):
                return
        raise BusyError("The poll rule could not be armed: it is removed as often as it is made.")

    def disarm(self) -> None:
        """Remove the target and the rule; a rule already gone is done, any other failure is logged."""
        removals: tuple[tuple[str, dict[str, object]], ...] = (
            ("remove_targets", {"Rule": self.name, "Ids": [TARGET]}),
            ("delete_rule", {"Name": self.name}),
        )
        for operation, wanted in removals:
            try:
                self._call(operation, **wanted)
            except ResourceError as error:
                if error.code != _GONE:
                    logger.warning("The poll rule was not removed", rule=self.name, error=str(error))

    def _put_rule(self) -> None:
        try:
            self._call(
                "put_rule",
                Name=self.name,
                ScheduleExpression="rate(1 minute)",
                State="ENABLED",
                Description="Looks at an ElastiCache cluster until it is settled; removed by itself.",
            )
        except ResourceError as error:
            if error.code != _QUOTA:
                raise
            raise ResourceError(
                "EventBridge takes no more rules in this Region (300 by default); remove some or ask AWS "
                "for a higher quota.",
                _QUOTA,
            ) from None

    def _put_target(self, text: str) -> bool:
        """Set the target; False where an older operation's poll has just removed the rule."""
        target = {"Id": TARGET, "Arn": self._function_arn, "Input": text}
        try:
            answer = self._call("put_targets", Rule=self.name, Targets=[target])
        except ResourceError as error:
            if error.code == _GONE:
                return False
            self.disarm()
            raise
        if answer.get("FailedEntryCount"):
            entry = (answer.get("FailedEntries") or [{}])[0]
            self.disarm()
            raise ResourceError(f"The poll rule could not be armed: {entry.get('ErrorMessage', '')}")
        return True

    def _call(self, operation: str, **wanted: object) -> Any:
        """Make one call, again while EventBridge or another invocation's change stands in the way."""
        for attempt in range(1, _ATTEMPTS):
            try:
                return self._try(operation, wanted)
            except BusyError as error:
                if error.code == _QUOTA:
                    raise
            self._sleep(0.2 * attempt)
        return self._try(operation, wanted)

    def _try(self, operation: str, wanted: Mapping[str, object]) -> Any:
        try:
            return getattr(self._client, operation)(**wanted)
        except (ClientError, BotoCoreError) as error:
            raise translate(error, "events", operation) from None


def _event(text: str | None) -> dict[str, object] | None:
    try:
        event = json.loads(text or "null")
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
