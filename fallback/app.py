"""The last resort: answers CloudFormation when the provider function itself can't run.

Lambda hands it the event of an invocation that failed at every try. It needs nothing but Python's
standard library, for a package that doesn't import may be just what went wrong.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import Literal, Protocol

import answer
from envelope import FailedEvent, read, reason
from eventbridge import EventBridge

PATIENCE = 600
"""Seconds that polls may go on failing: one lost poll means nothing, the next comes within a minute."""

LARGEST_GAP = 180
"""Seconds between two failures after which a poll in between must have gone well."""

_SINCE = "massdriver-redis:polls-fail-since"
_LAST = "massdriver-redis:poll-failed-last"

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


class Rules(Protocol):
    """What the fallback asks of EventBridge."""

    def armed(self, prefix: str, request_id: str) -> list[dict[str, str]]:
        """Return the rules (Name, Arn) that poll for `request_id`."""

    def tags(self, arn: str) -> dict[str, str]:
        """Return a rule's tags."""

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        """Set a rule's tags."""

    def remove(self, name: str, request_id: str) -> None:
        """Stop a rule from polling for a request."""

    def sweep(self, prefix: str) -> None:
        """Remove the rules that poll for nothing."""


def handler(record: object, _context: object) -> dict[str, str]:
    """Handle one on-failure record of the provider function."""
    return handle(record, EventBridge(), answer.put, time.time())


def handle(record: object, rules: Rules, put: Callable[[str, bytes], int], now: float) -> dict[str, str]:
    """Answer the request in `record` if nobody else will, and tell what was done.

    Raises where EventBridge or the ResponseURL can't be reached: Lambda then delivers the record again.
    """
    failed = read(record, os.environ.get("RESPONSE_HOST", ""))
    if failed is None:
        log.error("Ignored: no failed event of CloudFormation that may be answered")
        return {"status": "IGNORED"}
    prefix = os.environ["RESOURCE_PREFIX"]
    armed = rules.armed(prefix, failed.request_id)
    waiting = _polls_may_recover(failed, armed, rules, now) if failed.is_poll else bool(armed)
    if waiting or (failed.is_poll and not armed):
        log.warning("Left to the polls: %s", failed.cause)
        rules.sweep(prefix)
        return {"status": "LEFT", "cause": failed.cause}
    status = _answer(failed, put)
    for rule in armed:
        rules.remove(rule["Name"], failed.request_id)
    rules.sweep(prefix)
    return {"status": status, "physical_resource_id": failed.physical_id, "cause": failed.cause}


def _answer(failed: FailedEvent, put: Callable[[str, bytes], int]) -> str:
    status: Literal["SUCCESS", "FAILED"] = "SUCCESS" if failed.succeeds else "FAILED"
    text = "Nothing was ever made." if failed.succeeds else _explained(failed)
    code = put(failed.event["ResponseURL"], answer.build(failed, status, text))
    log.error("Answered %s (HTTP status %s): %s", status, code, failed.cause)
    return status


def _explained(failed: FailedEvent) -> str:
    cause = reason(failed.cause, limit=150)
    if failed.is_poll:
        return f"The provider function has failed for {PATIENCE // 60} minutes: {cause}; see its log group."
    return f"The provider function could not run: {cause}; see its log group."


def _polls_may_recover(failed: FailedEvent, armed: list[dict[str, str]], rules: Rules, now: float) -> bool:
    """Tell whether to wait for a better poll, noting on the rule since when they fail."""
    if not armed or (failed.deadline is not None and now >= failed.deadline):
        return False
    arn = armed[0]["Arn"]
    tags = rules.tags(arn)
    since, last = _seconds(tags.get(_SINCE)), _seconds(tags.get(_LAST))
    if since is None or last is None or now - last > LARGEST_GAP:
        since = now
    rules.tag(arn, {_SINCE: str(int(since)), _LAST: str(int(now))})
    return now - since < PATIENCE


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
