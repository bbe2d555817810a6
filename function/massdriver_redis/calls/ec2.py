"""The builders of every mutation of EC2: the security group, its tags and its ingress rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from massdriver_redis.calls.base import PORT, Call, tag_list

INGRESS_NOTE = "Custom::MassdriverRedis VPC access"
"""Marks our own ingress rule, so that rules of others in the group are left alone."""


def create_security_group(name: str, marker: str, vpc_id: str, tags: Iterable[tuple[str, str]]) -> Call:
    """Make the security group, born with its tags."""
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
