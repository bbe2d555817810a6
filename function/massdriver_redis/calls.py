"""One AWS request as plain data, and the builders of every mutation this resource makes.

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
class Change:
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
    change: Change | None = None
    token: Literal["none", "new", "stored"] = field(default="none")

    @property
    def name(self) -> str:
        """The call as IAM and AWS's documentation name it, such as "ec2:CreateTags"."""
        return f"{self.service}:{''.join(word.capitalize() for word in self.operation.split('_'))}"


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


# --- ElastiCache: subnet group ---------------------------------------------------------------------


def create_subnet_group(
    name: str, marker: str, subnet_ids: Iterable[str], tags: Iterable[tuple[str, str]]
) -> Call:
    """Make the subnet group."""
    return Call(
        "elasticache",
        "create_cache_subnet_group",
        {
            "CacheSubnetGroupName": name,
            "CacheSubnetGroupDescription": marker,
            "SubnetIds": list(subnet_ids),
            "Tags": tag_list(tags),
        },
        "create the subnet group",
    )


def modify_subnet_group(name: str, subnet_ids: Iterable[str]) -> Call:
    """Give the subnet group another list of subnets; one that nodes use can't be dropped."""
    return Call(
        "elasticache",
        "modify_cache_subnet_group",
        {"CacheSubnetGroupName": name, "SubnetIds": list(subnet_ids)},
        "change the subnets of the subnet group",
    )


def delete_subnet_group(name: str) -> Call:
    """Delete the subnet group; refused while a node uses it."""
    return Call(
        "elasticache", "delete_cache_subnet_group", {"CacheSubnetGroupName": name}, "delete the subnet group"
    )


# --- ElastiCache: replication group ----------------------------------------------------------------


def create_group(request: Mapping[str, object], *, secure: bool) -> Call:
    """Make the replication group; the stored token is added by the shell."""
    return Call(
        "elasticache",
        "create_replication_group",
        request,
        "create the replication group",
        token="stored" if secure else "none",
    )


def modify_group(group_id: str, settings: Mapping[str, object], summary: str, change: Change) -> Call:
    """Change what differs, at once: without ApplyImmediately it waits for the maintenance window."""
    return Call(
        "elasticache",
        "modify_replication_group",
        {"ReplicationGroupId": group_id, "ApplyImmediately": True, **settings},
        summary,
        change,
    )


def set_replicas(group_id: str, wanted: int, node_group_ids: tuple[str, ...], change: Change) -> Call:
    """Give every node group `wanted` replicas, or only the named ones where they are uneven."""
    upwards = int(change.was or 0) < wanted
    count: dict[str, object] = (
        {
            "ReplicaConfiguration": [
                {"NodeGroupId": node_group_id, "NewReplicaCount": wanted} for node_group_id in node_group_ids
            ]
        }
        if node_group_ids
        else {"NewReplicaCount": wanted}
    )
    return Call(
        "elasticache",
        "increase_replica_count" if upwards else "decrease_replica_count",
        {"ReplicationGroupId": group_id, "ApplyImmediately": True, **count},
        f"{'add' if upwards else 'remove'} replicas: {change.was} to {wanted} per node group",
        change,
    )


def set_node_groups(group_id: str, wanted: int, removed: tuple[str, ...], change: Change) -> Call:
    """Reshard online to `wanted` node groups, removing exactly the named ones when scaling in."""
    request: dict[str, object] = {
        "ReplicationGroupId": group_id,
        "NodeGroupCount": wanted,
        "ApplyImmediately": True,
    }
    if removed:
        request["NodeGroupsToRemove"] = list(removed)
    return Call(
        "elasticache",
        "modify_replication_group_shard_configuration",
        request,
        f"{'remove' if removed else 'add'} node groups: {change.was} to {wanted}",
        change,
    )


def delete_group(group_id: str, final_snapshot: str | None) -> Call:
    """Delete the replication group, with a final snapshot where one is wanted."""
    request: dict[str, object] = {"ReplicationGroupId": group_id}
    if final_snapshot:
        request["FinalSnapshotIdentifier"] = final_snapshot
    how = "with a final snapshot" if final_snapshot else "without a snapshot"
    return Call("elasticache", "delete_replication_group", request, f"delete the replication group {how}")


def tag_group(arn: str, tags: Mapping[str, str], what: str = "replication group") -> Call:
    """Set tags of the replication group, which makes it `modifying` for a while, or of the subnet group."""
    return Call(
        "elasticache",
        "add_tags_to_resource",
        {"ResourceName": arn, "Tags": tag_list(sorted(tags.items()))},
        f"tag the {what}",
    )


def untag_group(arn: str, keys: Iterable[str], what: str = "replication group") -> Call:
    """Remove tags of the replication group, or of the subnet group, by key."""
    return Call(
        "elasticache",
        "remove_tags_from_resource",
        {"ResourceName": arn, "TagKeys": sorted(keys)},
        f"remove tags of the {what}",
    )
