"""Lambda's queue of asynchronous events: a limited concurrency, back-off, ages, and what becomes of failures.

"Asynchronous invocation" and "How Lambda handles errors and retries" in the Lambda Developer Guide: a
throttled event goes back to the queue, and the interval to its next try grows from one second to five
minutes. A free slot is not given to the event that has waited longest: whoever tries next has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.harness.cloudformation import LAMBDA_TIMEOUT, RETRY_AFTER, KilledError, on_failure_record

from .timeline import Timeline

MAXIMUM_AGE = 1800.0
"""Seconds, as the template's EventInvokeConfig says."""

_LONGEST_INTERVAL = 300.0
Event = dict[str, Any]


@dataclass
class _Queued:
    event: Event
    sent_at: float
    throttled: int = 0
    attempt: int = 1


class LambdaQueue:
    """The queue of one function; `run` handles an event, `failed` takes the record of a lost one."""

    def __init__(
        self,
        timeline: Timeline,
        concurrency: int,
        run: Callable[[Event], None],
        failed: Callable[[dict[str, Any]], None],
        random: Random,
    ) -> None:
        self.invocations = self.throttled = self.busiest = 0
        self._timeline = timeline
        self._concurrency = concurrency
        self._run = run
        self._failed = failed
        self._random = random
        self._busy = 0

    def send(self, event: Event) -> None:
        """Queue an event, which is tried at once."""
        self._try(_Queued(event, self._timeline.now()))

    def _try(self, queued: _Queued) -> None:
        if self._timeline.now() - queued.sent_at > MAXIMUM_AGE:
            self._failed(_never_ran(queued.event))
        elif self._busy < self._concurrency:
            self._busy += 1
            self.invocations += 1
            self.busiest = max(self.busiest, self._busy)
            self._timeline.start(lambda: self._invoke(queued), LAMBDA_TIMEOUT)
        else:
            self.throttled += 1
            interval = min(_LONGEST_INTERVAL, 2.0**queued.throttled)
            queued.throttled += 1
            self._again(queued, interval * self._random.uniform(0.5, 1.0))

    def _invoke(self, queued: _Queued) -> None:
        try:
            self._run(queued.event)
        except (Exception, KilledError) as error:
            if queued.attempt > len(RETRY_AFTER):
                self._failed(on_failure_record(queued.event, error))
            else:
                queued.attempt += 1
                self._again(queued, RETRY_AFTER[queued.attempt - 2])
        finally:
            self._busy -= 1

    def _again(self, queued: _Queued, after: float) -> None:
        self._timeline.at(self._timeline.now() + after, lambda: self._try(queued))


def _never_ran(event: Event) -> dict[str, Any]:
    """Return the on-failure record of an event that grew too old in the queue."""
    record = on_failure_record(event, RuntimeError())
    context = {**record["requestContext"], "condition": "EventAgeExceeded"}
    return {"version": "1.0", "requestContext": context, "requestPayload": record["requestPayload"]}
