"""IAM: MiniStack authenticates, and tests/iam decides, on every resource of a request.

MiniStack checks one ARN per request and `*` where it knows none, without the tags of ElastiCache's
resources and without a role that is passed. So a policy scoped to subnet groups, tags or schedules of a
group fails there though AWS allows it, and one that forgets the second resource of a call succeeds though
AWS denies it. It also leaves the resource out of a denial's sentence. What it decides alone is STS, where the
trust policy of a role and the external id are its own matter.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

from tests.iam import policy
from tests.iam.checks import Check, Place, Tags, checks

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Response]]
TagsOf = Callable[[str], Tags]

SERVICES = ("elasticache", "ec2", "scheduler", "secretsmanager", "cloudformation")
VPC_OWNER = "emulator:owner"
"""The tag that makes a VPC one of another account, shared with this one by AWS RAM."""

_TAG_KEY = re.compile(r"(?:.*\.)?Tag\.\d+\.Key")


def close(tags_of_elasticache: TagsOf) -> None:
    """Take the decision from MiniStack wherever tests/iam knows what AWS evaluates."""
    from ministack import app
    from ministack.core import iam_actions

    stock = iam_actions.extract_iam_action

    def action(  # noqa: PLR0917 - MiniStack's own signature
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> str | None:
        """Return None, which leaves the authentication alone, for what is decided here."""
        if service in SERVICES:
            operation, params = request(service, method, path, headers, body, query)
            if checks(service, operation, params, Place("", "")):
                return None
        found: str | None = stock(service, method, path, headers, body, query)
        return found

    iam_actions.extract_iam_action = action
    for service in SERVICES:
        app.SERVICE_HANDLERS[service] = checked(service, app.SERVICE_HANDLERS[service], tags_of_elasticache)


def checked(service: str, handler: Handler, tags_of_elasticache: TagsOf) -> Handler:
    """Return a service's handler behind the decision."""

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        from ministack.core.iam_evaluator import resolve_principal
        from ministack.core.responses import get_account_id
        from ministack.core.router import extract_access_key_id

        principal = resolve_principal(extract_access_key_id(headers, query) or "", get_account_id())
        if principal.policies is not None:
            operation, params = request(service, method, path, headers, body, query)
            place = _place(service, tags_of_elasticache)
            # Tags of ElastiCache's resources come over HTTP, from a server that asks EC2 here.
            asked = await asyncio.to_thread(checks, service, operation, params, place)
            for check in asked:
                refusal = policy.refusal(check, *layers(principal.policies, principal.limits))
                if refusal:
                    return _denied(service, check, principal.arn, refusal, headers)
        return await handler(method, path, headers, body, query)

    return handle


def layers(policies: Any, limits: Any) -> list[list[dict[str, Any]]]:
    """Return a principal's statements, and those of its permissions boundary where it has one."""
    return [statements(policies), *(statements(each) for each in limits)]


def statements(policies: Iterable[Iterable[Any]]) -> list[dict[str, Any]]:
    """Return MiniStack's parsed policies as statements again."""
    return [
        {
            "Effect": each.effect,
            **({"NotAction": each.not_actions} if each.not_actions else {"Action": each.actions}),
            **({"NotResource": each.not_resources} if each.not_resources else {"Resource": each.resources}),
            "Condition": each.conditions,
        }
        for parsed in policies
        for each in parsed
    ]


def _place(service: str, tags_of_elasticache: TagsOf) -> Place:
    from ministack.core.responses import get_account_id, get_region

    tags = {"elasticache": tags_of_elasticache, "ec2": lambda arn: _ec2_tags(arn.rsplit("/", 1)[-1])}
    return Place(
        get_region(),
        get_account_id(),
        tags=tags.get(service, lambda _arn: {}),
        owner=lambda vpc: _ec2_tags(vpc).get(VPC_OWNER),
    )


def _ec2_tags(resource: str) -> dict[str, str]:
    from ministack.services import ec2

    return {tag["Key"]: tag["Value"] for tag in ec2._tags.get(resource) or []}


def sentence(service: str, check: Check, principal: str, refusal: str) -> str:
    """Return what AWS says of a denial; EC2 has words of its own around it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (UnauthorizedOperation)
    """
    said = (
        f"User: {principal} is not authorized to perform: {check.action} on resource: {check.arn} {refusal}"
    )
    if service == "ec2":
        encoded = "Encoded authorization failure message: 4HSHU9oYjRY3AlxnnZtx"
        return f"You are not authorized to perform this operation. {said}. {encoded}"
    return said


def _denied(service: str, check: Check, principal: str, refusal: str, headers: dict[str, str]) -> Response:
    from ministack.core.iam_actions import access_denied_response
    from ministack.core.responses import new_uuid

    status, answered, body = access_denied_response(
        service,
        check.action,
        principal,
        new_uuid(),
        message=sentence(service, check, principal, refusal),
        headers=headers,
    )
    return status, answered, body


def request(  # noqa: PLR0917 - what MiniStack's handlers get
    service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return a request's operation, and its parameters in boto3's form."""
    if service == "scheduler":
        given = scheduler_parameters(method, path, body, query)
    else:
        given = parameters(headers, body, query)
    return str(given.get("Action", "")), {**given, **_lists(given)}


def parameters(headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's parameters as one flat mapping, for the query and the JSON protocol alike."""
    target = headers.get("x-amz-target", "")
    if target:
        return {**_json(body), "Action": target.rsplit(".", 1)[-1]}
    merged = {**query, **parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)}
    return {key: value[0] if isinstance(value, list) else value for key, value in merged.items()}


def _lists(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tags and the ids of the query protocol as lists."""
    keys = [key for key in given if _TAG_KEY.fullmatch(key)]
    tags = [{"Key": given[key], "Value": given.get(f"{key[:-3]}Value", "")} for key in keys]
    ids = [value for key, value in given.items() if key.startswith("ResourceId.")]
    found: dict[str, Any] = {"Resources": ids} if ids else {}
    if tags and keys[0].startswith("TagSpecification."):
        found["TagSpecifications"] = [{"Tags": tags}]
    elif tags:
        found["Tags"] = tags
    return found


def scheduler_parameters(method: str, path: str, body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request about schedules; empty for one about schedule groups or tags."""
    found = re.fullmatch(r"/schedules(?:/([^/]+))?/?", path)
    if not found:
        return {}
    given = _json(body)
    asked = query.get("groupName") or given.get("GroupName") or "default"
    given["GroupName"] = asked[0] if isinstance(asked, list) else asked
    if found[1] is None:
        return {**given, "Action": "ListSchedules"}
    verbs = {"POST": "Create", "GET": "Get", "PUT": "Update", "DELETE": "Delete"}
    return {**given, "Name": found[1], "Action": f"{verbs.get(method, '')}Schedule"}


def _json(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
