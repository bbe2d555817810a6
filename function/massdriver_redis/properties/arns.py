"""ARNs and Region names of every AWS partition, with bounded lengths."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REGION = re.compile(r"[a-z]{2,5}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")
_HEAD = r"arn:aws(?:-[a-z]{1,12}){0,3}"
_EC2 = rf"{_HEAD}:ec2:(?P<region>[a-z0-9-]{{0,32}}):[A-Za-z0-9_-]{{0,32}}"
_VPC = re.compile(rf"{_EC2}:vpc/(?P<id>vpc-[A-Za-z0-9-]{{1,40}})")
_SUBNET = re.compile(rf"{_EC2}:subnet/(?P<id>subnet-[A-Za-z0-9-]{{1,40}})")
_ROLE = re.compile(rf"{_HEAD}:iam::[A-Za-z0-9_]{{1,32}}:role/[\x21-\x7e]{{1,576}}")
"""A role's path and name take at most 512 and 64 characters (IAM quotas)."""


@dataclass(frozen=True)
class Ec2Arn:
    """The parts of an EC2 ARN that are used; `region` is None where the ARN has none."""

    id: str
    region: str | None


def vpc(arn: str) -> Ec2Arn | None:
    """Return the parts of a VPC's ARN, None for another text."""
    return _read(_VPC.fullmatch(arn))


def subnet(arn: str) -> Ec2Arn | None:
    """Return the parts of a subnet's ARN, None for another text."""
    return _read(_SUBNET.fullmatch(arn))


def is_role(arn: str) -> bool:
    """Return whether this is the ARN of an IAM role."""
    return bool(_ROLE.fullmatch(arn))


def is_region(name: str) -> bool:
    """Return whether this can be the name of a Region; it becomes part of host names."""
    return bool(_REGION.fullmatch(name))


def _read(found: re.Match[str] | None) -> Ec2Arn | None:
    return Ec2Arn(found["id"], found["region"] or None) if found else None
