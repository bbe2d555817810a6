"""IAM's decision on one check: the subset of the policy language that the template uses.

Another element or operator would change a decision unseen, so it raises. The sentences are AWS's own:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .checks import Check

Statement = Mapping[str, Any]

_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


def refusal(check: Check, identity: Iterable[Statement], boundary: Iterable[Statement] | None = None) -> str:
    """Return why a check is denied, in AWS's words; "" where it is allowed.

    `identity` are the statements of the role's policies, `boundary` those of its permissions boundary.
    """
    layers = {"identity-based policy": list(identity)}
    if boundary is not None:
        layers["permissions boundary"] = list(boundary)
    for kind, statements in layers.items():
        if any(each["Effect"] == "Deny" and applies(each, check) for each in statements):
            return f"with an explicit deny in {'an' if kind.startswith('i') else 'a'} {kind}"
    for kind, statements in layers.items():
        if not any(each["Effect"] == "Allow" and applies(each, check) for each in statements):
            return f"because no {kind} allows the {check.action} action"
    return ""


def trusts(document: Mapping[str, Any], service: str, context: Mapping[str, str]) -> bool:
    """Return whether a role's trust policy lets a service assume it."""
    check = Check("sts:AssumeRole", "*", context)
    ours = [each for each in document["Statement"] if service in listed(each["Principal"].get("Service", []))]
    return {each["Effect"] for each in ours if applies({**each, "Resource": "*"}, check)} == {"Allow"}


def applies(statement: Statement, check: Check) -> bool:
    """Return whether a statement is about a check."""
    unknown = set(statement) - _ELEMENTS
    if unknown:
        raise NotImplementedError(f"not evaluated here: {', '.join(sorted(unknown))}")
    return (
        any(like(each.lower(), check.action.lower()) for each in listed(statement["Action"]))
        and any(like(each, check.arn) for each in listed(statement["Resource"]))
        and all(
            _holds(operator, key, listed(values), check.context)
            for operator, block in statement.get("Condition", {}).items()
            for key, values in block.items()
        )
    )


def like(pattern: str, text: str) -> bool:
    """Return whether a text matches IAM's wildcards: * for any characters, ? for one."""
    parts = {"*": ".*", "?": "."}
    return re.fullmatch("".join(parts.get(each, re.escape(each)) for each in pattern), text) is not None


def listed(value: Any) -> list[Any]:
    """Return a list of what IAM takes as one or several."""
    return value if isinstance(value, list) else [value]


def _holds(operator: str, key: str, values: list[str], context: Mapping[str, str]) -> bool:
    """Keys are not case-sensitive; one that the request doesn't have satisfies neither operator."""
    found = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if operator == "StringEquals":
        return found in values
    if operator == "StringLike":
        return found is not None and any(like(each, found) for each in values)
    raise NotImplementedError(f"not evaluated here: {operator}")
