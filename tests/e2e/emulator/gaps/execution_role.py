"""The execution role of a schedule: may Scheduler assume it, and may it invoke the function?

The policies evaluated are those of whoever signs a request; Scheduler signs none here. So the role's trust
policy, its policies and its permissions boundary are evaluated for the one principal and the one action.
"""

from __future__ import annotations

import json
from typing import Any

from tests.iam import policy
from tests.iam.checks import Check

from . import permissions

SERVICE = "scheduler.amazonaws.com"


def refusal(role_arn: str, group: str, function_arn: str) -> str:
    """Return why schedules of a schedule group can't invoke a function by this role, "" if they can."""
    return trust_refusal(role_arn, group) or _invoke_refusal(role_arn, function_arn)


def trust_refusal(role_arn: str, group: str) -> str:
    """Return why Scheduler can't assume a role for schedules of a schedule group, "" if it can."""
    from ministack.core.responses import get_account_id, get_region

    role, account = _role(role_arn), get_account_id()
    if role is None:
        return f"there is no role {role_arn}"
    source = f"arn:aws:scheduler:{get_region()}:{account}:schedule-group/{group}"
    document = role["AssumeRolePolicyDocument"]
    trusted = policy.trusts(
        json.loads(document) if isinstance(document, str) else document,
        SERVICE,
        {"aws:SourceAccount": account, "aws:SourceArn": source},
    )
    return "" if trusted else f"{role_arn} does not trust {SERVICE} for {source}"


def _invoke_refusal(role_arn: str, function_arn: str) -> str:
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id
    from ministack.services import iam

    name, account = role_arn.rsplit("/", 1)[-1], get_account_id()
    policies = iam_evaluator._gather_role_policies(name, account)
    boundary = iam_evaluator._permissions_boundary(iam._roles, name, account)
    check = Check("lambda:InvokeFunction", function_arn)
    refused = policy.refusal(check, *permissions.layers(policies, boundary))
    return f"{role_arn} is not allowed lambda:InvokeFunction, {refused}" if refused else ""


def _role(role_arn: str) -> dict[str, Any] | None:
    from ministack.core.responses import get_account_id
    from ministack.services import iam

    found: dict[str, Any] | None = iam._roles.get_scoped(get_account_id(), None, role_arn.rsplit("/", 1)[-1])
    return found if found and found.get("Arn") == role_arn else None
