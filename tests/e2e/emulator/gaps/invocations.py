"""Lambda: asynchronous invocation with the retries, event age and on-failure destination of the function."""

from __future__ import annotations

import logging
import time
from typing import Any

logger = logging.getLogger("emulator.invocations")

_working: set[tuple[str, str]] = set()

PAUSE = 3.0
"""Seconds before the first retry, twice as many before the second; on AWS one and two minutes."""


def invoke(func: dict[str, Any], config: dict[str, Any], event: dict[str, Any]) -> None:
    """Invoke as AWS does asynchronously, and return when the last try or the destination has ended."""
    from ministack.services import lambda_svc

    settings = (
        func.get("event_invoke_config") or (func.get("event_invoke_configs") or {}).get("$LATEST") or {}
    )
    record = lambda_svc._execution_record_for_config(func, config)
    tries = int(settings.get("MaximumRetryAttempts", 2)) + 1
    result: dict[str, Any] = {}
    for attempt in range(tries):
        if attempt:
            time.sleep(PAUSE * attempt)
        _working.add(_resource(event))
        try:
            result = lambda_svc._execute_function_with_config_scope(record, event) or {}
        finally:
            _working.discard(_resource(event))
        if not result.get("error"):
            return
    logger.warning("%s failed %d times", config.get("FunctionName"), tries)
    destination = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if destination:
        _on_failure(destination, config, event, result, tries)


def is_working(event: dict[str, Any]) -> bool:
    """Return whether an invocation for the same custom resource is under way."""
    return _resource(event) in _working


def _resource(event: dict[str, Any]) -> tuple[str, str]:
    return str(event.get("StackId")), str(event.get("LogicalResourceId"))


def _on_failure(
    destination: str, config: dict[str, Any], event: dict[str, Any], result: dict[str, Any], tries: int
) -> None:
    """Hand the record of the failure to a function (Lambda developer guide: asynchronous invocation)."""
    from ministack.services import lambda_svc

    func, found, _ = lambda_svc._get_func_record_for_ref(destination)
    if not func or not found:
        logger.warning("on-failure destination %s not found", destination)
        return
    envelope = {
        "version": "1.0",
        "requestContext": {
            "functionArn": f"{config.get('FunctionArn', '')}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": tries,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": result.get("body"),
    }
    record = lambda_svc._execution_record_for_config(func, found)
    lambda_svc._execute_function_with_config_scope(record, envelope)
