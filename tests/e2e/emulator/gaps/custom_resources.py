"""CloudFormation: custom resources get the events that AWS sends, and their responses are judged.

Unlike AWS, MiniStack invokes synchronously and once, signs no ResponseURL, takes any response, drops the
PhysicalResourceId of a FAILED one, sends no Delete after a failed create, and deletes a replacement in a
rollback without the swapped Update. The tests of the provider need all of these:

- Create fails: in the rollback a Delete with the id of the FAILED response follows, or with an id that
  CloudFormation made up where there was none.
- Update fails: a swapped Update follows, with the id that the FAILED response carried.
- An update that replaced is rolled back: a swapped Update with the new id, then a Delete of whichever id
  the answer leaves behind.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger("emulator.custom_resources")

LARGEST_RESPONSE = 4096
_Stack = dict[str, Any]


class FailedError(RuntimeError):
    """The provider answered FAILED, with this physical id."""

    def __init__(self, reason: str, physical_id: str) -> None:
        super().__init__(reason)
        self.physical_id = physical_id


def close() -> None:
    """Wrap the invocation of custom resources and the rollback of a stack."""
    from ministack.services.cloudformation import custom_resource, provisioners, stacks

    ids = _FailedIds()
    custom_resource.invoke_custom_resource = _invoke
    for name, request in (("create", "Create"), ("update", "Update")):
        stock = getattr(provisioners, f"_custom_resource_{name}")
        setattr(provisioners, f"_custom_resource_{name}", ids.remembering(stock, request))
    for kind in ("AWS::CloudFormation::CustomResource",):
        provisioners._RESOURCE_HANDLERS[kind]["create"] = provisioners._custom_resource_create
    stacks._roll_back_operation = _rolling_back(stacks._roll_back_operation, ids)


def _invoke(  # noqa: PLR0917 - MiniStack's own signature
    request_type: str,
    logical_id: str,
    props: dict[str, Any],
    stack_name: str,
    stack_id: str,
    resource_type: str,
    physical_id: str | None = None,
    old_props: dict[str, Any] | None = None,
) -> tuple[str, dict[str, str]]:
    """Send one event and wait for its response; returns the physical id and the attributes."""
    import contextvars

    from ministack.core.responses import new_uuid
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import custom_resource

    from . import invocations

    func, config, _ = lambda_svc._get_func_record_for_ref(props.get("ServiceToken", ""))
    if not func or not config:
        raise ValueError(f"{logical_id}: the ServiceToken names no function")
    token, request_id = new_uuid(), new_uuid()
    event: dict[str, Any] = {
        "RequestType": request_type,
        "ServiceToken": props["ServiceToken"],
        "ResponseURL": _signed(custom_resource._response_url(token)),
        "StackId": stack_id,
        "RequestId": request_id,
        "LogicalResourceId": logical_id,
        "ResourceType": resource_type,
        "ResourceProperties": custom_resource._normalise_resource_properties(props),
    }
    if physical_id is not None:
        event["PhysicalResourceId"] = physical_id
    if old_props is not None:
        event["OldResourceProperties"] = custom_resource._normalise_resource_properties(old_props)
    logger.info("%s %s %s", request_type, logical_id, physical_id or "")

    answered = custom_resource.register_token(token)
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(invocations.invoke, func, config, event), daemon=True).start()
    timeout = min(int(props.get("ServiceTimeout") or 3600), 3600)
    answered.wait(timeout)
    with custom_resource._lock:
        response = (custom_resource._pending.pop(token, None) or {}).get("result")
    if response is None:
        reason = "CloudFormation did not receive a response from your Custom Resource."
        raise FailedError(f"{reason} Please check your logs for requestId [{request_id}].", "")
    return _judged(response, event)


def _signed(url: str) -> str:
    """Return `url` with the parameters of a presigned S3 URL; the signature is random, never checked."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    signed = f"X-Amz-Date={now}&X-Amz-Expires=7200&X-Amz-Signature={secrets.token_hex(32)}"
    return f"{url}?X-Amz-Algorithm=AWS4-HMAC-SHA256&{signed}"


def _judged(response: Mapping[str, Any], event: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return a valid SUCCESS; everything else raises FailedError, in AWS's words if known."""
    physical_id = response.get("PhysicalResourceId")
    physical_id = physical_id if isinstance(physical_id, str) else ""
    size = len(json.dumps(response, separators=(",", ":")).encode())
    if size > LARGEST_RESPONSE:
        raise FailedError("Response object is too long.", physical_id)
    for key in ("StackId", "RequestId", "LogicalResourceId"):
        if response.get(key) != event[key]:
            raise FailedError(f"Invalid response: {key} differs from the request's", physical_id)
    if not 0 < len(physical_id) <= 1024:
        raise FailedError("Invalid PhysicalResourceId", physical_id)
    if response.get("Status") == "FAILED":
        reason = response.get("Reason")
        raise FailedError(
            f"Received response status [FAILED] from custom resource. Message returned: {reason} "
            f"(RequestId: {event['RequestId']})"
            if reason
            else "Invalid response: a FAILED response needs a Reason",
            physical_id,
        )
    if response.get("Status") != "SUCCESS":
        raise FailedError("Invalid response: Status is neither SUCCESS nor FAILED", physical_id)
    return physical_id, dict(response.get("Data") or {})


class _FailedIds:
    """What a failed create or update answered, for the rollback of the same stack."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[str, Any]] = {}

    def remembering(self, stock: Callable[..., Any], request: str) -> Callable[..., Any]:
        """Return `stock`, keeping the physical id and the properties of a failure."""

        def call(*args: Any, **named: Any) -> Any:
            try:
                return stock(*args, **named)
            except FailedError as failure:
                if request == "Create":
                    logical_id, props, stack_name = args[0], args[1], args[2]
                    rtype = args[3] if len(args) > 3 else "AWS::CloudFormation::CustomResource"
                else:
                    logical_id, props, stack_name = named["logical_id"], args[2], args[3]
                    rtype = named["resource_type"]
                self._found[stack_name, logical_id] = {
                    "PhysicalResourceId": failure.physical_id,
                    "ResourceType": rtype,
                    "LogicalResourceId": logical_id,
                    "ResourceStatus": f"{request.upper()}_FAILED",
                    "Properties": props,
                    "Attributes": {},
                    "Timestamp": "",
                }
                raise

        return call

    def take(self, stack_name: str, logical_id: str | None) -> dict[str, Any] | None:
        """Return and forget what is known of a failed resource."""
        return self._found.pop((stack_name, logical_id or ""), None)


def _rolling_back(stock: Callable[..., Any], ids: _FailedIds) -> Callable[..., Any]:
    async def roll_back(
        stack_name: str, stack_id: str, stack: _Stack, operation: dict[str, Any], *rest: Any
    ) -> None:
        failed = ids.take(stack_name, operation.get("failed_logical_id"))
        if failed and operation.get("failed_update") is None:
            _delete_the_failed_create(stack, operation, failed)
        elif failed and failed["PhysicalResourceId"]:
            logical_id, rtype, _, *others = operation["failed_update"]
            operation["failed_update"] = (logical_id, rtype, failed["PhysicalResourceId"], *others)
        await _revert_replacements(stack_name, stack_id, stack, operation)
        await stock(stack_name, stack_id, stack, operation, *rest)

    return roll_back


def _delete_the_failed_create(stack: _Stack, operation: dict[str, Any], failed: dict[str, Any]) -> None:
    """Let the stock rollback delete the resource whose create failed, first of all."""
    logical_id = failed["LogicalResourceId"]
    invented = f"{stack['StackName']}-{logical_id}-{secrets.token_hex(6).upper()}"
    record = {**failed, "PhysicalResourceId": failed["PhysicalResourceId"] or invented}
    stack.setdefault("_resources", {})[logical_id] = record
    operation["created"] = [*operation.get("created", []), logical_id]


async def _revert_replacements(
    stack_name: str, stack_id: str, stack: _Stack, operation: dict[str, Any]
) -> None:
    """Send the swapped Update of each finished replacement; what its answer leaves behind, the stock
    rollback deletes in its clean-up, for it is listed there as created.
    """
    from ministack.services.cloudformation import stacks

    before = (operation.get("previous_stack") or {}).get("_resources", {})
    for logical_id in list(reversed(operation.get("created", []))):
        now, then = stack["_resources"].get(logical_id, {}), before.get(logical_id)
        custom = stacks._sends_back_failed_update(now.get("ResourceType", ""))
        if not custom or not then or then["PhysicalResourceId"] == now["PhysicalResourceId"]:
            continue
        stack["StackStatus"] = "UPDATE_ROLLBACK_IN_PROGRESS"
        record = dict(now)
        await stacks._revert_update(
            stack_id,
            stack_name,
            logical_id,
            now["ResourceType"],
            now["PhysicalResourceId"],
            now["Properties"],
            then["Properties"],
            now.get("Attributes", {}),
            record,
        )
        then["PhysicalResourceId"] = record["PhysicalResourceId"]
        if record["PhysicalResourceId"] == now["PhysicalResourceId"]:
            operation["created"] = [each for each in operation["created"] if each != logical_id]
