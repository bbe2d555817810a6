"""What IAM evaluates for a request: every action on every resource, with the condition keys it has.

The facts are those of AWS's service authorization reference (authorization.json). The emulator and the test
of the template's policies ask here, so that both evaluate the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

Params = Mapping[str, Any]
Tags = Mapping[str, str]

ON_ALL = {"scheduler:ListSchedules": "arn:${Partition}:scheduler:${Region}:${Account}:schedule/*/*"}
"""What is evaluated, instead of *, for an action without a resource type (aws/aws-cdk#38201)."""

CREATED = {
    "CreateReplicationGroup": "replicationgroup",
    "CreateCacheSubnetGroup": "subnetgroup",
    "CreateSecurityGroup": "security-group",
    "CreateSecret": "Secret",
}
"""The type of the new resource, which the tags of a create are for."""

NAMES = {
    "SnapshotName": ("SnapshotName", "FinalSnapshotIdentifier"),
    "SecurityGroupId": ("GroupId",),
    "SecretId": ("SecretId", "Name"),
    "ScheduleName": ("Name",),
    "RoleNameWithPath": ("RoleArn",),
}
"""The parameters that name a resource, by the placeholder in its ARN; else the placeholder's own name."""

_TAGGING = ("AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource", "CreateTags", "DeleteTags")


@dataclass(frozen=True)
class Check:
    """One action on one resource, with the condition keys of the request."""

    action: str
    arn: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where a request goes, and what is there: a resource's tags by its ARN, a VPC's owner by its id."""

    region: str
    account: str
    tags: Callable[[str], Tags] = lambda _arn: {}
    owner: Callable[[str], str | None] = lambda _vpc: None


@cache
def reference() -> dict[str, Any]:
    """Return the facts by service."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "authorization.json").read_text("utf-8"))
    return dict(found["services"])


def checks(service: str, operation: str, params: Params, place: Place) -> list[Check]:
    """Return what IAM evaluates for a request in boto3's form; empty for an action that isn't described."""
    if operation not in reference().get(service, {"actions": {}})["actions"]:
        return []
    found = list(_checks(f"{service}:{operation}", operation, params, place))
    for action, parameter in reference()[service].get("operations", {}).get(operation, {}).items():
        if params.get(parameter):
            found += _checks(action, operation, _asked(action, params), place)
    return found


def _asked(action: str, params: Params) -> Params:
    """Return the parameters of an action that another one needs."""
    if action == "iam:PassRole":
        return dict(params["Target"])
    if action == "elasticache:CreateSnapshot":
        # "ElastiCache creates the snapshot from the primary node" (API_DeleteReplicationGroup).
        return {**params, "CacheClusterId": f"{params['ReplicationGroupId']}-001"}
    return params


def _checks(action: str, operation: str, params: Params, place: Place) -> Iterator[Check]:
    service, name = action.split(":")
    facts = reference()[service]["actions"][name]
    for arn, row in _resources(action, operation, params, place):
        keys = {*facts["keys"], *facts["resources"].get(row, []), *facts["resources"].get(f"{row}*", [])}
        yield Check(action, arn, dict(_context(keys, action, operation, params, place.tags(arn))))


def _resources(action: str, operation: str, params: Params, place: Place) -> Iterator[tuple[str, str]]:
    """Yield the ARN and the type of every resource that an action is evaluated on."""
    service, name = action.split(":")
    types = reference()[service]["actions"][name]["resources"]
    if not types:
        yield _filled(ON_ALL.get(action, "*"), {}, place), ""
    elif name in _TAGGING and name == operation:
        yield from _tagged(service, params, place)
    else:
        created = CREATED.get(operation) if name != operation else None
        for each in types if created is None else [f"{created}*"]:
            form = reference()[service]["resources"][each.rstrip("*")]
            named = _named(form, params)
            if named or each.endswith("*"):
                yield _filled(form, named, place), each.rstrip("*")


def _tagged(service: str, params: Params, place: Place) -> Iterator[tuple[str, str]]:
    if service == "elasticache":
        yield params["ResourceName"], params["ResourceName"].split(":")[5]
        return
    for each in params["Resources"]:
        kind = "security-group" if each.startswith("sg-") else "vpc"
        placeholder = {"security-group": "SecurityGroupId", "vpc": "VpcId"}[kind]
        yield _filled(reference()[service]["resources"][kind], {placeholder: each}, place), kind


def _named(form: str, params: Params) -> dict[str, str]:
    found = {}
    for placeholder in re.findall(r"\$\{(\w+)\}", form):
        for parameter in NAMES.get(placeholder, (placeholder,)):
            if params.get(parameter):
                found[placeholder] = str(params[parameter])
    return found


def _filled(form: str, named: Mapping[str, str], place: Place) -> str:
    """Return an ARN; a parameter that is one already is taken whole, and what has no name is *."""
    whole = [value for value in named.values() if value.startswith("arn:")]
    owner = place.owner(named["VpcId"]) if "VpcId" in named else None
    known = {"Partition": "aws", "Region": place.region, "Account": owner or place.account, **named}
    return whole[0] if whole else re.sub(r"\$\{(\w+)\}", lambda found: known.get(found[1], "*"), form)


def _context(
    keys: set[str], action: str, operation: str, params: Params, tags: Tags
) -> Iterator[tuple[str, str]]:
    if "aws:RequestTag/" in keys:
        specifications = params.get("TagSpecifications") or [{}]
        for tag in params.get("Tags") or specifications[0].get("Tags", []):
            yield f"aws:RequestTag/{tag['Key']}", str(tag.get("Value", ""))
    if "aws:ResourceTag/" in keys:
        yield from ((f"aws:ResourceTag/{key}", value) for key, value in tags.items())
    if "ec2:CreateAction" in keys and not action.endswith(f":{operation}"):
        yield "ec2:CreateAction", operation
    if "iam:PassedToService" in keys:
        yield "iam:PassedToService", "scheduler.amazonaws.com"
    if "iam:AWSServiceName" in keys and "AWSServiceName" in params:
        yield "iam:AWSServiceName", params["AWSServiceName"]
