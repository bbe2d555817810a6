"""The execution role of a schedule: may Scheduler assume it, and may it invoke the function?

MiniStack evaluates the policies of whoever signs a request; Scheduler signs none here. So the role's trust
policy, its policies and its permissions boundary are evaluated by MiniStack's own evaluator, for the one
principal and the one action.
"""

from __future__ import annotations

import json
from typing import Any

SERVICE = "scheduler.amazonaws.com"


def refusal(role_arn: str, group: str, function_arn: str) -> str:
    """Return why schedules of a schedule group can't invoke a function by this role, "" if they can."""
    return trust_refusal(role_arn, group) or _invoke_refusal(role_arn, function_arn)


def trust_refusal(role_arn: str, group: str) -> str:
    """Return why Scheduler can't assume a role for schedules of a schedule group, "" if it can."""
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id, get_region

    role, account = _role(role_arn), get_account_id()
    if role is None:
        return f"there is no role {role_arn}"
    source = f"arn:aws:scheduler:{get_region()}:{account}:schedule-group/{group}"
    context = _context("sts:AssumeRole", role_arn, SERVICE)
    context.service_context = {"aws:sourceaccount": account, "aws:sourcearn": source}
    document = role["AssumeRolePolicyDocument"]
    statements = json.loads(document) if isinstance(document, str) else document
    matching = [
        each["Effect"]
        for each in statements["Statement"]
        if iam_evaluator._service_principal_matches(each.get("Principal"), SERVICE)
        and iam_evaluator._action_matches("sts:AssumeRole", _listed(each["Action"]), [])
        and iam_evaluator._conditions_met(each.get("Condition", {}), context)
    ]
    return "" if matching and "Deny" not in matching else f"{role_arn} does not trust {SERVICE} for {source}"


def _invoke_refusal(role_arn: str, function_arn: str) -> str:
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id
    from ministack.services import iam

    name, account = role_arn.rsplit("/", 1)[-1], get_account_id()
    decision = iam_evaluator.evaluate(
        _context("lambda:InvokeFunction", function_arn, role_arn),
        iam_evaluator._gather_role_policies(name, account),
        *iam_evaluator._permissions_boundary(iam._roles, name, account),
    ).decision
    return "" if decision == "Allow" else f"{role_arn} is not allowed lambda:InvokeFunction ({decision})"


def _role(role_arn: str) -> dict[str, Any] | None:
    from ministack.core.responses import get_account_id
    from ministack.services import iam

    found: dict[str, Any] | None = iam._roles.get_scoped(get_account_id(), None, role_arn.rsplit("/", 1)[-1])
    return found if found and found.get("Arn") == role_arn else None


def _context(action: str, resource_arn: str, principal: str) -> Any:
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id, get_region

    return iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
    )


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
