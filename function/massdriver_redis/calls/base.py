"""One AWS request as plain data, and the builders of every mutation of EC2 and Secrets Manager.

Wire names are those of the botocore service models. The token never stands in a `Call`: `token` says
where the shell puts it at the last moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

PORT = 6379
INGRESS_NOTE = "Custom::MassdriverRedis VPC access"
"""Marks our own ingress rule, so that rules of others in the group are left alone."""

RECOVERY_DAYS = 30
"""Secrets Manager's default recovery window, in days."""

_DESCRIPTION_OF_SECRET = "AUTH token of"


@dataclass(frozen=True)
class ExpectedChange:
    """What one ElastiCache call asks for: `values` maps a live property to its wanted value as text.

    `was` is the live value of the first property when asked, `attempt` counts from 1.
    """

    values: tuple[tuple[str, str], ...]
    was: str = ""
    attempt: int = 1


@dataclass(frozen=True)
class Call:
    """One mutation: boto3 service and method, its parameters, and a line for people.

    `change` is recorded before an ElastiCache modification is sent, so that one which AWS takes back
    in silence is noticed.
    """

    service: Literal["elasticache", "ec2", "secretsmanager"]
    operation: str
    request: Mapping[str, object]
    summary: str
    change: ExpectedChange | None = None
    token: Literal["none", "new", "stored"] = field(default="none")

    @property
    def name(self) -> str:
        """The call as IAM and AWS's documentation name it, such as "ec2:CreateTags"."""
        return action(self.service, self.operation)


def action(service: str, operation: str) -> str:
    """Return how IAM and AWS's documentation name the call that boto3 makes by the method `operation`."""
    return f"{service}:{''.join(word.capitalize() for word in operation.split('_'))}"


def tag_list(tags: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Return tags in AWS's list form."""
    return [{"Key": key, "Value": value} for key, value in tags]


# --- EC2 -------------------------------------------------------------------------------------------


def create_security_group(name: str, marker: str, vpc_id: str, tags: Iterable[tuple[str, str]]) -> Call:
    """Make the security group, its ledger tags included from its first moment."""
    return Call(
        "ec2",
        "create_security_group",
        {
            "GroupName": name,
            "Description": marker,
            "VpcId": vpc_id,
            "TagSpecifications": [{"ResourceType": "security-group", "Tags": tag_list(tags)}],
        },
        "create the security group",
    )


def tag_security_group(group_id: str, tags: Mapping[str, str]) -> Call:
    """Set tags of the security group."""
    return Call(
        "ec2",
        "create_tags",
        {"Resources": [group_id], "Tags": tag_list(sorted(tags.items()))},
        "tag the security group",
    )


def untag_security_group(group_id: str, keys: Iterable[str]) -> Call:
    """Remove tags of the security group by key."""
    return Call(
        "ec2",
        "delete_tags",
        {"Resources": [group_id], "Tags": [{"Key": key} for key in sorted(keys)]},
        "remove tags of the security group",
    )


def _ingress(cidr: str) -> list[dict[str, object]]:
    return [
        {
            "IpProtocol": "tcp",
            "FromPort": PORT,
            "ToPort": PORT,
            "IpRanges": [{"CidrIp": cidr, "Description": INGRESS_NOTE}],
        }
    ]


def allow_ingress(group_id: str, cidr: str) -> Call:
    """Let a CIDR reach the port."""
    return Call(
        "ec2",
        "authorize_security_group_ingress",
        {"GroupId": group_id, "IpPermissions": _ingress(cidr)},
        "allow access from the VPC",
    )


def revoke_ingress(group_id: str, cidr: str) -> Call:
    """Close the port to a CIDR."""
    return Call(
        "ec2",
        "revoke_security_group_ingress",
        {"GroupId": group_id, "IpPermissions": _ingress(cidr)},
        "stop access from a CIDR of the VPC",
    )


def delete_security_group(group_id: str) -> Call:
    """Delete the security group; refused while network interfaces still hold it."""
    return Call("ec2", "delete_security_group", {"GroupId": group_id}, "delete the security group")


# --- Secrets Manager -------------------------------------------------------------------------------


def create_secret(name: str, marker: str, tags: Iterable[tuple[str, str]]) -> Call:
    """Store a new token; the shell draws it, and the first of two writers wins."""
    return Call(
        "secretsmanager",
        "create_secret",
        {"Name": name, "Description": f"{_DESCRIPTION_OF_SECRET} {marker}", "Tags": tag_list(tags)},
        "store a new token in Secrets Manager",
        token="new",
    )


def owns_secret(description: str, marker: str) -> bool:
    """Tell whether a secret's description carries our marker."""
    return description == f"{_DESCRIPTION_OF_SECRET} {marker}"


def restore_secret(name: str) -> Call:
    """Take a secret back out of its recovery window."""
    return Call("secretsmanager", "restore_secret", {"SecretId": name}, "restore the token's secret")


def delete_secret(name: str, *, recoverable: bool) -> Call:
    """Delete the secret: at once, or with a recovery window."""
    how: dict[str, object] = (
        {"RecoveryWindowInDays": RECOVERY_DAYS} if recoverable else {"ForceDeleteWithoutRecovery": True}
    )
    return Call("secretsmanager", "delete_secret", {"SecretId": name, **how}, "delete the token's secret")


def tag_secret(name: str, tags: Mapping[str, str]) -> Call:
    """Set tags of the secret."""
    return Call(
        "secretsmanager",
        "tag_resource",
        {"SecretId": name, "Tags": tag_list(sorted(tags.items()))},
        "tag the secret",
    )


def untag_secret(name: str, keys: Iterable[str]) -> Call:
    """Remove tags of the secret by key."""
    return Call(
        "secretsmanager",
        "untag_resource",
        {"SecretId": name, "TagKeys": sorted(keys)},
        "remove tags of the secret",
    )
