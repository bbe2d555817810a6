"""The one EventBridge rule of a resource: it invokes the function every minute while work is open.

Each request has a target of its own in it. So two requests can never overwrite or remove each other's
poll, whatever the order of their calls, and EventBridge itself refuses to delete a rule that still has
a target: the compare-and-set that it lacks otherwise.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from massdriver_redis.aws.session import translate
from massdriver_redis.errors import AccessDeniedError, ResourceError, TransientError
from massdriver_redis.log import logger

LARGEST_INPUT = 8192
"""Characters of a target's Input (botocore's model of EventBridge, TargetInput)."""

_ATTEMPTS = 4
_GONE = "ResourceNotFoundException"
_QUOTA = "LimitExceededException"
_STILL_POLLED = "ValidationException"
"""DeleteRule's code for a rule that has targets."""


def target_id(request_id: str) -> str:
    """Return the id of a request's target, within EventBridge's 64 characters and its alphabet."""
    return f"poll-{hashlib.sha256(request_id.encode()).hexdigest()[:16]}"


class PollRule:
    """The rule called `name` on the default bus, whose targets are the function itself, one per request.

    `events_client` is boto3's client of the function's own role and region, whatever role makes the
    cluster. Every method is safe beside the same method of another invocation. `idle` tells whether the
    rule, when its targets were last read, stood there without any: an invocation died on its way.
    """

    def __init__(
        self,
        events_client: Any,
        name: str,
        function_arn: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.idle = False
        self._client = events_client
        self._function_arn = function_arn
        self._sleep = sleep

    def carried(self) -> tuple[dict[str, object], ...]:
        """Return the events the armed rule carries; none where no rule is armed. Raises ResourceError."""
        self.idle = False
        try:
            answer = self._call("list_targets_by_rule", Rule=self.name)
        except ResourceError as error:
            if error.code == _GONE:
                return ()
            raise
        self.idle = not answer["Targets"]
        events = (_event(target.get("Input")) for target in answer["Targets"])
        return tuple(event for event in events if event is not None)

    def arm(self, event: Mapping[str, object]) -> None:
        """Make the rule fire `event` every minute, beside what it fires for other requests.

        Raises ResourceError, leaving nothing of this request, where EventBridge refuses or the event is
        too large.
        """
        text = json.dumps(event, separators=(",", ":"))
        if len(text) > LARGEST_INPUT:
            raise ResourceError(
                f"The properties are too large to be carried by a poll ({len(text)} characters, EventBridge "
                f"takes {LARGEST_INPUT}). List fewer subnets or tags."
            )
        request_id = str(event.get("RequestId", ""))
        for _ in range(_ATTEMPTS):
            self._put_rule()
            if self._put_target(request_id, text):
                return
        self.disarm(request_id)
        raise TransientError(
            "events:PutTargets: the poll rule can't be armed, it is removed as often as made"
        )

    def drop(self, request_ids: Iterable[str]) -> None:
        """Stop polling for these requests; one not polled for is done, any other failure is logged."""
        ids = [target_id(request_id) for request_id in request_ids]
        self._remove("remove_targets", {"Rule": self.name, "Ids": ids})

    def disarm(self, request_id: str) -> None:
        """Stop polling for this request, and remove the rule unless it polls for another."""
        self.drop([request_id])
        self._remove("delete_rule", {"Name": self.name})

    def _remove(self, operation: str, wanted: Mapping[str, object]) -> None:
        try:
            try:
                self._call(operation, **wanted)
            except AccessDeniedError:
                # Asked twice, for what isn't removed now stays: IAM takes a moment to spread.
                self._call(operation, **wanted)
        except ResourceError as error:
            if error.code not in (_GONE, _STILL_POLLED):
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
                # A call without an answer may have made the rule all the same.
                self._remove("delete_rule", {"Name": self.name})
                raise
            raise ResourceError(
                "EventBridge takes no more rules in this Region (300 by default); remove some or ask AWS "
                "for a higher quota.",
                _QUOTA,
            ) from None

    def _put_target(self, request_id: str, text: str) -> bool:
        """Set the target; False where an older operation's poll has just removed the rule."""
        target = {"Id": target_id(request_id), "Arn": self._function_arn, "Input": text}
        try:
            answer = self._call("put_targets", Rule=self.name, Targets=[target])
        except ResourceError as error:
            if error.code == _GONE:
                return False
            self.disarm(request_id)
            raise
        if answer.get("FailedEntryCount"):
            entry = (answer.get("FailedEntries") or [{}])[0]
            self.disarm(request_id)
            raise ResourceError(f"The poll rule could not be armed: {entry.get('ErrorMessage', '')}")
        return True

    def _call(self, operation: str, **wanted: object) -> Any:
        """Make one call, again while EventBridge or another invocation's change stands in the way."""
        for attempt in range(1, _ATTEMPTS):
            try:
                return self._try(operation, wanted)
            except TransientError as error:
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
