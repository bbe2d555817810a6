"""Where the clusters go: the user's VPC and subnets, read from EC2, and the consumer's template for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.acceptance.run import FailedError, Run
from tools.acceptance.script import Step

_FAILS = {
    "NeverSignalled": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Fails": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": "Redis",
        "Properties": {"Handle": {"Ref": "NeverSignalled"}, "Timeout": "1"},
    },
}
_OUTPUTS = ("hostname", "port", "secret_arn", "warnings")
"""What the stack shows: not the password, which an output would show in clear."""


@dataclass(frozen=True)
class Place:
    """A VPC with its CIDR, and the zone of each subnet."""

    vpc_id: str
    cidr: str
    zones: Mapping[str, str]


def find(run: Run) -> Place:
    """Return the place that the settings name. Raises FailedError where it can't hold a cluster."""
    ec2, wanted = run.client("ec2"), run.settings
    vpcs = ec2.describe_vpcs(VpcIds=[wanted.vpc_id])["Vpcs"]
    subnets = ec2.describe_subnets(SubnetIds=list(wanted.subnet_ids))["Subnets"]
    strangers = [each["SubnetId"] for each in subnets if each["VpcId"] != wanted.vpc_id]
    if strangers:
        raise FailedError(f"SUBNET_IDS: not in {wanted.vpc_id}: {', '.join(strangers)}")
    zones = {each["SubnetId"]: each["AvailabilityZone"] for each in subnets}
    if len(set(zones.values())) < 2:
        raise FailedError("SUBNET_IDS: the subnets are all in one zone; give two zones")
    return Place(wanted.vpc_id, vpcs[0]["CidrBlock"], zones)


def template(run: Run, place: Place, step: Step) -> str:
    """Return the consumer's template for a step, as JSON."""
    redis = {
        "Type": "Custom::MassdriverRedis",
        "Properties": {
            "ServiceToken": {"Fn::ImportValue": f"{run.provider}-ServiceToken"},
            "md_metadata": {"name_prefix": run.name},
            "vpc": _artifact(run, place),
            **step.properties,
        },
    }
    outputs = {name.title().replace("_", ""): {"Value": {"Fn::GetAtt": ["Redis", name]}} for name in _OUTPUTS}
    return json.dumps(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": f"Acceptance run {run.name}",
            "Resources": {"Redis": redis, **(_FAILS if step.fails_afterwards else {})},
            "Outputs": outputs,
        }
    )


def _artifact(run: Run, place: Place) -> dict[str, Any]:
    arn = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:"
    subnets = [
        {"arn": {"Fn::Sub": f"{arn}subnet/{name}"}, "aws_zone": zone} for name, zone in place.zones.items()
    ]
    infrastructure = {
        "arn": {"Fn::Sub": f"{arn}vpc/{place.vpc_id}"},
        "cidr": place.cidr,
        "internal_subnets": subnets,
    }
    return {
        "data": {"infrastructure": infrastructure},
        "specs": {"aws": {"region": run.settings.region}},
    }
