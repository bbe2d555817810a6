"""What of ElastiCache is not simulated, with the public source of what AWS does: it raises.

README.md lists the same; a test holds both to botocore's model.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple


class NotSimulatedError(NotImplementedError):
    """A call or a parameter that AWS takes and the simulator doesn't know."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not simulated: {what}")


class Gap(NamedTuple):
    """A parameter that is not simulated: always, or in the case `when`, which is met where it is read."""

    operation: str
    parameter: str
    source: str
    when: str = ""


_CREATE, _MODIFY = "CreateReplicationGroup", "ModifyReplicationGroup"
_RBAC = "user guide, RBAC; hashicorp/terraform-provider-aws#42966; out of band: set_user_groups"
_TLS = "hashicorp/terraform-provider-aws#30403 (in place from 7.0.5 on); out of band: encrypt"
_MODE = (
    "user guide, modify-cluster-mode; hashicorp/terraform-provider-aws#35636; out of band: set_cluster_mode"
)
_NETWORK = "user guide, network-type"
_DURABILITY = "user guide, Durability"
_LOGS = "user guide, Log_Delivery"
_TOPIC = "user guide, ElastiCacheSNS"
_SEED = "user guide, backups-seeding-redis"
_GLOBAL = "user guide, Redis-Global-Datastore; out of band: join_global_datastore"

PARAMETERS = (
    Gap(_CREATE, "ClusterMode", _MODE),
    Gap(_CREATE, "DataTieringEnabled", "user guide, data-tiering"),
    Gap(_CREATE, "Durability", _DURABILITY),
    Gap(_CREATE, "GlobalReplicationGroupId", _GLOBAL),
    Gap(_CREATE, "IpDiscovery", _NETWORK),
    Gap(_CREATE, "LogDeliveryConfigurations", _LOGS),
    Gap(_CREATE, "NetworkType", _NETWORK),
    Gap(_CREATE, "NodeGroupConfiguration", "API_NodeGroupConfiguration"),
    Gap(_CREATE, "NotificationTopicArn", _TOPIC),
    Gap(_CREATE, "PreferredCacheClusterAZs", "API_CreateReplicationGroup", when="with one shard"),
    Gap(_CREATE, "PrimaryClusterId", "API_CreateReplicationGroup"),
    Gap(_CREATE, "ServerlessCacheSnapshotName", "API_CreateReplicationGroup"),
    Gap(_CREATE, "SnapshotArns", _SEED),
    Gap(_CREATE, "UserGroupIds", _RBAC),
    Gap(_MODIFY, "ClusterMode", _MODE),
    Gap(_MODIFY, "Durability", _DURABILITY),
    Gap(_MODIFY, "IpDiscovery", _NETWORK),
    Gap(_MODIFY, "LogDeliveryConfigurations", _LOGS),
    Gap(_MODIFY, "NodeGroupId", "API_ModifyReplicationGroup (deprecated)"),
    Gap(_MODIFY, "NotificationTopicArn", _TOPIC),
    Gap(_MODIFY, "NotificationTopicStatus", _TOPIC),
    Gap(_MODIFY, "PrimaryClusterId", "API_ModifyReplicationGroup; out of band: fail_over"),
    Gap(_MODIFY, "RemoveUserGroups", _RBAC),
    Gap(_MODIFY, "TransitEncryptionEnabled", _TLS, when="to another value, from 7.0.5 on"),
    Gap(_MODIFY, "TransitEncryptionMode", _TLS, when="from 7.0.5 on"),
    Gap(_MODIFY, "UserGroupIdsToAdd", _RBAC),
    Gap(_MODIFY, "UserGroupIdsToRemove", _RBAC),
    Gap("ModifyReplicationGroupShardConfiguration", "ReshardingConfiguration", "API_ReshardingConfiguration"),
    Gap("DeleteReplicationGroup", "RetainPrimaryCluster", "API_DeleteReplicationGroup", when="true"),
    Gap("ListAllowedNodeTypeModifications", "CacheClusterId", "API_ListAllowedNodeTypeModifications"),
    Gap("CreateSnapshot", "CacheClusterId", "API_CreateSnapshot"),
    Gap("CreateSnapshot", "KmsKeyId", "API_CreateSnapshot"),
    Gap("DescribeSnapshots", "CacheClusterId", "API_DescribeSnapshots"),
    Gap("DescribeSnapshots", "ShowNodeGroupConfig", "API_DescribeSnapshots"),
    Gap(
        "ListTagsForResource",
        "ResourceName",
        "user guide, Tagging-Resources",
        when="of other kinds than replication groups, subnet groups and snapshots, as in every call on tags",
    ),
)

OPERATIONS = {
    r"TestFailover": "user guide, AutoFailover; out of band: fail_over",
    r"\w+GlobalReplicationGroups?": _GLOBAL,
    r"\w+User(s|Groups?)?": _RBAC,
    r"\w+Serverless\w+": "user guide, serverless caches",
    r"\w+Migration": "user guide, OnlineMigration",
    r"\w+CacheCluster": "clusters outside of replication groups; user guide, Clusters",
    r"\w+CacheSecurityGroup\w*": "EC2-Classic only",
    r"(Create|Delete|Modify|Reset)CacheParameterGroup": "user guide, ParameterGroups",
    r"Describe(Cache|EngineDefault)Parameters": "user guide, ParameterGroups",
    r"\w+ReservedCacheNodes\w*": "user guide, reserved-nodes",
    r"\w+Update(s|Actions?)": "user guide, Self-Service-Updates",
    r"CopySnapshot": "user guide, backups-copying",
}
"""Operations by a pattern of their names."""


def check(operation: str, params: Collection[str]) -> None:
    """Raise for a parameter that is never simulated."""
    for gap in PARAMETERS:
        if gap.operation == operation and gap.parameter in params and not gap.when:
            raise NotSimulatedError(gap.parameter)


def met(operation: str, parameter: str) -> NotSimulatedError:
    """Return what to raise where a parameter is used in a way that is not simulated; it must be listed."""
    assert any(gap[:2] == (operation, parameter) and gap.when for gap in PARAMETERS), parameter
    return NotSimulatedError(parameter)


def source_of(operation: str) -> str | None:
    """Return the source for an operation that is not simulated, None for one that is not listed."""
    return next((source for name, source in OPERATIONS.items() if re.fullmatch(name, operation)), None)


def table() -> str:
    """Return both lists as README.md shows them."""
    parameters = (
        f"| `{operation}` | `{parameter}`{f', {when}' if when else ''} | {source} |"
        for operation, parameter, source, when in PARAMETERS
    )
    names = {name.replace("|", r"\|"): source for name, source in OPERATIONS.items()}
    operations = (f"| `{name}` | all | {source} |" for name, source in names.items())
    head = ("| operation | parameter | what AWS does |", "| --- | --- | --- |")
    return "\n".join((*head, *parameters, *operations))
