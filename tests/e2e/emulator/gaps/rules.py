"""EventBridge: schedules run faster, and a rule invokes as AWS does.

MiniStack looks at schedules every 10 s of real time, ignores the function's resource policy, and invokes
once, without the retries and the on-failure destination of an asynchronous invocation. Here rate() is
`speed` times faster. An invocation that works for longer than that would meet the next poll, which on AWS
it does not (45 s of 60), so a rule does not fire while an invocation for the same resource is under way.
"""

from __future__ import annotations

import contextvars
import fnmatch
import json
import logging
import threading
from typing import Any

from . import invocations

logger = logging.getLogger("emulator.rules")


def close(speed: float) -> None:
    """Wrap the scheduler; `speed` divides every rate()."""
    from ministack.services import eventbridge

    rate, invoke = eventbridge._parse_rate_seconds, eventbridge._invoke_target

    def faster(expression: str) -> float | None:
        seconds = rate(expression)
        return None if seconds is None else seconds / speed

    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any) -> None:
        if ":lambda:" not in target["Arn"]:
            invoke(target, event, rule, view)
            return
        poll = json.loads(target["Input"])
        if not invocations.is_working(poll):
            arn = rule["Arn"].replace(":rule/default/", ":rule/")
            context = contextvars.copy_context()
            threading.Thread(target=context.run, args=(_poll, target["Arn"], arn, poll), daemon=True).start()

    eventbridge._SCHEDULER_TICK_INTERVAL = 0.25
    eventbridge._parse_rate_seconds = faster
    eventbridge._invoke_target = invoke_target


def _poll(function_arn: str, rule_arn: str, event: dict[str, Any]) -> None:
    from ministack.services import lambda_svc

    func, config, name = lambda_svc._get_func_record_for_ref(function_arn)
    if not func or not config:
        logger.warning("rule %s: function %s not found", rule_arn, name)
    elif not _permitted(func, rule_arn):
        logger.warning("rule %s may not invoke %s: its policy has no such permission", rule_arn, name)
    else:
        invocations.invoke(func, config, event)


def _permitted(func: dict[str, Any], rule_arn: str) -> bool:
    """Tell whether the function's policy lets EventBridge invoke it for this rule."""
    for statement in (func.get("policy") or {}).get("Statement", []):
        source = statement.get("Condition", {}).get("ArnLike", {})
        pattern = source.get("AWS:SourceArn") or source.get("aws:SourceArn") or ""
        service = (statement.get("Principal") or {}).get("Service")
        if service == "events.amazonaws.com" and fnmatch.fnmatchcase(rule_arn, pattern):
            return True
    return False
