"""Denials in AWS's words: the action, which may be another than the call, and the kind of policy.

Source: the IAM user guide, "Troubleshoot access denied error messages"; aws-controllers-k8s/community#367 and
ministryofjustice/modernisation-platform#12326 quote them as seen.
"""

from __future__ import annotations

from typing import Literal

from tests.simulator.errors import Refusal

from .recorder import Call, client_error
from .schedules import ACCOUNT
from .stack import Fault

Policy = Literal["identity", "boundary", "session", "control", "resource"]

_CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/provider-Role/provider"
_BECAUSE: dict[Policy, str] = {
    "identity": "because no identity-based policy allows the {action} action",
    "boundary": "because no permissions boundary allows the {action} action",
    "session": "because no session policy allows the {action} action",
    "control": "with an explicit deny in a service control policy",
    "resource": "with an explicit deny in a resource-based policy",
}
_CODES = {"ec2": "UnauthorizedOperation", "secretsmanager": "AccessDeniedException"}


def denial(service: str, action: str, resource: str, policy: Policy = "identity") -> Refusal:
    """Return what a service answers when `policy` denies `action` on `resource`."""
    because = _BECAUSE[policy].format(action=action)
    said = f"User: {_CALLER} is not authorized to perform: {action} on resource: {resource} {because}"
    if service == "ec2":
        said = (
            f"You are not authorized to perform this operation. {said}. "
            f"Encoded authorization failure message: {'4kjF' * 40}"
        )
    return Refusal(_CODES.get(service, "AccessDenied"), said)


def denying(call: str, action: str, resource: str = "*", policy: Policy = "identity") -> Fault:
    """Return a fault that denies every call of a name, such as "ec2:CreateSecurityGroup", for `action`."""

    def fault(made: Call, _index: int) -> None:
        if made.name == call:
            refusal = denial(made.service, action, resource, policy)
            raise client_error(str(refusal.code), str(refusal.message), made.operation, 403)

    return fault
