"""IAM: every resource of a request is checked, by the ARN that AWS evaluates.

MiniStack checks one ARN per request and `*` where it knows none, so a policy scoped to subnet groups,
tags or schedules of a group fails there though AWS allows it, and one that forgets the second resource of a
call, or a role that it passes, succeeds though AWS denies it. The ARNs follow AWS's service authorization
reference (elasticache, ec2, scheduler, secretsmanager, cloudformation).
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Response]]

_SUBNET_GROUP = (
    "CreateCacheSubnetGroup",
    "DescribeCacheSubnetGroups",
    "ModifyCacheSubnetGroup",
    "DeleteCacheSubnetGroup",
)


@dataclass(frozen=True)
class Check:
    """One action on one resource, with the condition keys that the request adds to it."""

    action: str
    arn: str
    context: Mapping[str, object] = field(default_factory=dict)


def close() -> None:
    """Replace MiniStack's ARN of a request by the first of ours, and check the others before the service."""
    from ministack import app
    from ministack.core import iam_actions
    from ministack.services import tagging

    stock = iam_actions.extract_resource_arn

    def resource_arn(  # noqa: PLR0917 - MiniStack's own signature
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        given = _parameters(headers, body, query)
        if service == "scheduler":
            given = scheduler_parameters(method, path, body, query)
        found = checks(service, given, region, account)
        return found[0].arn if found else stock(service, method, path, headers, body, query, region, account)

    iam_actions.extract_resource_arn = resource_arn
    # Without this, EC2's requests have no aws:RequestTag: their tags are in TagSpecifications.
    iam_actions._TAG_MEMBERS |= {"TagSpecifications"}
    tagging._RESOURCE_TAG_COLLECTORS["ec2"] = _security_group_tags
    for service in ("elasticache", "ec2", "scheduler", "secretsmanager"):
        app.SERVICE_HANDLERS[service] = _checked(service, app.SERVICE_HANDLERS[service])


def _security_group_tags() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield every security group's ARN and tags, for aws:ResourceTag."""
    from ministack.services import ec2

    for group in list(ec2._security_groups):
        yield ec2._security_group_arn(group), ec2._tags.get(group, [])


def checks(service: str, parameters: Mapping[str, Any], region: str, account: str) -> list[Check]:
    """Return what IAM evaluates for a request; empty where MiniStack's own answer is right."""
    action = parameters.get("Action", "")
    arn = f"arn:aws:{service}:{region}:{account}:"
    if service == "elasticache":
        return _elasticache(action, parameters, arn)
    if service == "ec2":
        return _ec2(action, parameters, arn)
    if service == "scheduler":
        return _scheduler(action, parameters, arn)
    if service == "secretsmanager" and action == "CreateSecret" and parameters.get("Tags"):
        named = f"{arn}secret:{parameters.get('Name', '')}"
        tagged = Check("secretsmanager:TagResource", named, _json_tags(parameters))
        return [Check("secretsmanager:CreateSecret", named), tagged]
    if service == "cloudformation" and str(parameters.get("StackName", "")).startswith("arn:"):
        return [Check(f"cloudformation:{action}", parameters["StackName"])]
    return []


def _elasticache(action: str, given: Mapping[str, Any], arn: str) -> list[Check]:
    name = f"elasticache:{action}"
    if action.endswith(("TagsToResource", "TagsFromResource", "TagsForResource")):
        return [Check(name, given.get("ResourceName", "*"))]
    if action in ("DescribeCacheEngineVersions", "DescribeEvents"):
        return [Check(name, "*")]
    arns = [arn + each for each in _elasticache_resources(action, given)]
    found = [Check(name, each) for each in arns]
    if given.get("FinalSnapshotIdentifier"):
        found.append(Check("elasticache:CreateSnapshot", arns[0]))
    if any(key.startswith("Tags.") for key in given):
        found.append(Check("elasticache:AddTagsToResource", arns[0], _query_tags(given)))
    return found


def _elasticache_resources(action: str, given: Mapping[str, Any]) -> list[str]:
    """Return the resource part of every ARN of a request, the main one first."""
    subnet_group = given.get("CacheSubnetGroupName")
    if action in _SUBNET_GROUP:
        return [f"subnetgroup:{subnet_group or '*'}"]
    if action == "DescribeCacheClusters":
        return [f"cluster:{given.get('CacheClusterId', '*')}"]
    if action == "DescribeSnapshots":
        return [f"snapshot:{given.get('SnapshotName', '*')}"]
    others = {
        "subnetgroup": subnet_group,
        "parametergroup": given.get("CacheParameterGroupName"),
        "snapshot": given.get("SnapshotName") or given.get("FinalSnapshotIdentifier"),
    }
    main = f"replicationgroup:{given.get('ReplicationGroupId', '*')}"
    return [main, *(f"{kind}:{name}" for kind, name in others.items() if name)]


def _ec2(action: str, given: Mapping[str, Any], arn: str) -> list[Check]:
    groups = f"{arn}security-group/"
    if action == "DescribeSecurityGroups":
        return [Check(f"ec2:{action}", "*")]
    if action in ("CreateTags", "DeleteTags"):
        ids = [value for key, value in given.items() if key.startswith("ResourceId.")]
        return [Check(f"ec2:{action}", groups + each) for each in ids if each.startswith("sg-")]
    if action != "CreateSecurityGroup":
        return []
    tags = _query_tags(given)
    found = [Check("ec2:CreateSecurityGroup", f"{groups}*", tags)]
    if given.get("VpcId"):
        found.append(Check("ec2:CreateSecurityGroup", f"{arn}vpc/{given['VpcId']}"))
    if tags:
        found.append(Check("ec2:CreateTags", f"{groups}*", {**tags, "ec2:CreateAction": action}))
    return found


def _scheduler(action: str, given: Mapping[str, Any], arn: str) -> list[Check]:
    if action == "ListSchedules":
        return [Check(f"scheduler:{action}", f"{arn}schedule/*/*")]
    if not given.get("Name"):
        return []
    found = [Check(f"scheduler:{action}", f"{arn}schedule/{given['GroupName']}/{given['Name']}")]
    role = (given.get("Target") or {}).get("RoleArn")
    if role:
        found.append(Check("iam:PassRole", role, {"iam:PassedToService": "scheduler.amazonaws.com"}))
    return found


def _parameters(headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's parameters as one flat mapping, for the query and the JSON protocol alike."""
    target = headers.get("x-amz-target", "")
    if target:
        return {**_json(body), "Action": target.rsplit(".", 1)[-1]}
    merged = {**query, **parse_qs(body.decode("utf-8", "replace"))}
    return {key: value[0] if isinstance(value, list) else value for key, value in merged.items()}


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


def _query_tags(given: Mapping[str, Any]) -> dict[str, object]:
    named = [key for key in given if ".Key" in key and "Tag" in key]
    return {f"aws:RequestTag/{given[key]}": given.get(key[: -len("Key")] + "Value", "") for key in named}


def _json_tags(given: Mapping[str, Any]) -> dict[str, object]:
    return {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in given["Tags"]}


def _checked(service: str, handler: Handler) -> Handler:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        from ministack.core.responses import get_account_id, get_region

        given = _parameters(headers, body, query)
        if service == "scheduler":
            given = scheduler_parameters(method, path, body, query)
        for check in checks(service, given, get_region(), get_account_id())[1:]:
            denied = _denied(service, check, headers, query)
            if denied:
                return denied
        return await handler(method, path, headers, body, query)

    return handle


def _denied(service: str, check: Check, headers: dict[str, str], query: dict[str, Any]) -> Response | None:
    from ministack import app
    from ministack.core.iam_actions import access_denied_response
    from ministack.core.iam_evaluator import AuthError, enforce
    from ministack.core.responses import get_region, new_uuid
    from ministack.core.router import extract_access_key_id

    if not app.AUTH:
        return None
    key = extract_access_key_id(headers, query)
    refused = enforce(
        key, check.action, service, get_region(), resource_arn=check.arn, service_context=dict(check.context)
    )
    if not refused:
        return None
    if isinstance(refused, AuthError):
        return app._credential_failure(service, check.action, new_uuid(), refused, headers)
    return access_denied_response(
        service,
        check.action,
        refused.principal_arn,
        new_uuid(),
        headers=headers,
        resource_arn=check.arn,
        explicit_deny=refused.decision == "Deny",
        resource_policy_arn=refused.resource_policy_arn,
    )
