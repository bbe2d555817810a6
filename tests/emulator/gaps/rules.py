"""EventBridge: schedules run faster, and a rule invokes as AWS does.

MiniStack looks at schedules every 10 s of real time, ignores the function's resource policy, and invokes
once, without the retries and the on-failure destination of an asynchronous invocation. Here rate() is
`speed` times faster. A poll that works longer than that would meet the next one, which on AWS it never
does (45 s of 60), so a rule's interval counts from the end of the invocation it made.
"""

from __future__ import annotations

import contextvars
import fnmatch
import json
import logging
import threading
import time
from typing import Any

logger = logging.getLogger("emulator.rules")


def close(speed: float) -> None:
    """Wrap the scheduler; `speed` divides every rate()."""
    from ministack.services import eventbridge

    rate, invoke = eventbridge._parse_rate_seconds, eventbridge._invoke_target
    busy: set[str] = set()

    def faster(expression: str) -> float | None:
        seconds = rate(expression)
        return None if seconds is None else seconds / speed

    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any) -> None:
        if ":lambda:" not in target["Arn"]:
            invoke(target, event, rule, view)
            return
        arn = rule["Arn"].replace(":rule/default/", ":rule/")
        if arn in busy:
            return
        busy.add(arn)
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(_poll, target, arn, busy), daemon=True).start()

    eventbridge._SCHEDULER_TICK_INTERVAL = 0.25
    eventbridge._parse_rate_seconds = faster
    eventbridge._invoke_target = invoke_target


def _poll(target: dict[str, Any], rule_arn: str, busy: set[str]) -> None:
    from ministack.services import lambda_svc

    from tests.emulator.gaps import invocations

    try:
        func, config, name = lambda_svc._get_func_record_for_ref(target["Arn"])
        if not func or not config:
            logger.warning("rule %s: function %s not found", rule_arn, name)
        elif not _permitted(func, rule_arn):
            logger.warning("rule %s may not invoke %s: its policy has no such permission", rule_arn, name)
        else:
            invocations.invoke(func, config, json.loads(target["Input"]))
    finally:
        time.sleep(0.1)
        busy.discard(rule_arn)


def _permitted(func: dict[str, Any], rule_arn: str) -> bool:
    """Tell whether the function's policy lets EventBridge invoke it for this rule."""
    for statement in (func.get("policy") or {}).get("Statement", []):
        source = statement.get("Condition", {}).get("ArnLike", {})
        pattern = source.get("AWS:SourceArn") or source.get("aws:SourceArn") or ""
        service = (statement.get("Principal") or {}).get("Service")
        if service == "events.amazonaws.com" and fnmatch.fnmatchcase(rule_arn, pattern):
            return True
    return False
