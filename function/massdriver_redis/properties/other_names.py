"""Names that other descriptions of a replication group use, and what to write here instead.

They are those of the resource types AWS::ElastiCache::ReplicationGroup and CacheCluster, of ElastiCache's
CreateReplicationGroup and ModifyReplicationGroup, of Terraform's aws_elasticache_replication_group (the names
that its version 5 removed too), and words in common use.
"""

from __future__ import annotations

import re

_OF_THE_CLUSTER = "remove it; the cluster's security group is its own, and allow_vpc_access opens it"
_ZONES = "remove it; ElastiCache spreads the nodes over the zones of the subnets"
_TOKEN = "remove it; secure makes the password, kept in AWS Secrets Manager"
_USERS = "remove it; clients log in with the password that secure makes"
_EMPTY = "remove it; a new cluster is empty, no snapshot is restored"
_IPV4 = "remove it; the network type is ipv4"
_RETURNED = "remove it; it is an attribute (docs/attributes.md)"
_OUTSIDE = "move it out of Properties, next to Type"
_NODES = "use replicas, which is the number of nodes less the primary"
_SHARDS = "use node_groups, 2 or more, with cluster_mode_enabled"
_NAME = "use md_metadata.name_prefix, the head of every name"
_SUBNETS = "give the subnets in vpc.data.infrastructure"

_REMEDIES = {
    # --- the same under another name ---
    **dict.fromkeys(("CacheNodeType", "InstanceType", "InstanceClass", "NodeSize"), "use node_type"),
    **dict.fromkeys(
        ("EngineVersion", "EngineVersionActual", "MajorEngineVersion", "Version"), "use redis_version"
    ),
    **dict.fromkeys(("ReplicasPerNodeGroup", "ClusterModeReplicasPerNodeGroup"), "use replicas"),
    **dict.fromkeys(("ReplicaCount", "NumReplicas", "ReadReplicas"), "use replicas"),
    **dict.fromkeys(("NumNodeGroups", "ClusterModeNumNodeGroups", "NumShards"), _SHARDS),
    **dict.fromkeys(("Shards", "ShardCount", "NodeGroupCount", "NumberNodeGroups"), _SHARDS),
    **dict.fromkeys(("NumCacheClusters", "NumberCacheClusters", "NumCacheNodes"), _NODES),
    **dict.fromkeys(("ClusterSize", "NumNodes", "NodeCount", "InstanceCount"), _NODES),
    **dict.fromkeys(("ClusterMode", "ClusterEnabled"), "use cluster_mode_enabled, true or false"),
    **dict.fromkeys(("TransitEncryptionEnabled", "TransitEncryption", "TLS"), "use secure"),
    **dict.fromkeys(
        ("TLSEnabled", "SSL", "EncryptionInTransit", "AuthTokenEnabled", "AuthEnabled"), "use secure"
    ),
    "TransitEncryptionMode": "use secure; TLS is then required",
    "PreferredMaintenanceWindow": "use maintenance_window",
    **dict.fromkeys(("BackupRetentionPeriod", "SnapshotRetention"), "use snapshot_retention_limit"),
    **dict.fromkeys(("BackupWindow", "PreferredBackupWindow", "DailySnapshotTime"), "use snapshot_window"),
    **dict.fromkeys(("Tag", "TagList", "TagsAll"), "use tags"),
    "DefaultTags": "use tags, or md_metadata.default_tags",
    "Metadata": _OUTSIDE,
    "NamePrefix": _NAME,
    **dict.fromkeys(
        ("ReplicationGroupId", "ClusterName", "ClusterId", "ServerlessCacheName", "Name", "Id"), _NAME
    ),
    "Timeouts": "use ServiceTimeout, in seconds",
    **dict.fromkeys(("Region", "AwsRegion"), "use vpc.specs.aws.region"),
    **dict.fromkeys(("Role", "RoleArn", "AssumeRole", "IamRole"), "use aws_authentication.data.arn"),
    "Infrastructure": "use vpc.data.infrastructure",
    "Data": "use vpc.data",
    "Specs": "use vpc.specs",
    "ExternalId": "use aws_authentication.data.external_id",
    **dict.fromkeys(("VpcId", "VpcArn"), "use vpc.data.infrastructure.arn, the VPC's ARN"),
    **dict.fromkeys(("Subnets", "SubnetIds", "InternalSubnets", "PrivateSubnets", "PublicSubnets"), _SUBNETS),
    **dict.fromkeys(
        ("Cidr", "VpcCidr", "CidrBlocks", "AllowedCidrBlocks"),
        "use vpc.data.infrastructure.cidr, which allow_vpc_access lets in",
    ),
    # --- what follows from other properties ---
    "AutomaticFailoverEnabled": "use replicas; with 1 or more, failover is automatic",
    **dict.fromkeys(
        ("MultiAZEnabled", "MultiAZ", "AZMode"),
        "use replicas; with 1 or more in two zones, Multi-AZ is on",
    ),
    **dict.fromkeys(("NodeGroupConfiguration", "NodeGroupId"), "use node_groups and replicas, alike for all"),
    **dict.fromkeys(("PreferredCacheClusterAZs", "PreferredAvailabilityZone"), _ZONES),
    **dict.fromkeys(("PreferredAvailabilityZones", "AvailabilityZone", "AvailabilityZones"), _ZONES),
    **dict.fromkeys(("SecurityGroupIds", "SecurityGroupNames", "SecurityGroups"), _OF_THE_CLUSTER),
    **dict.fromkeys(("CacheSecurityGroupNames", "VpcSecurityGroupIds"), _OF_THE_CLUSTER),
    **dict.fromkeys(("AllowedSecurityGroups", "AllowedSecurityGroupIds"), _OF_THE_CLUSTER),
    **dict.fromkeys(
        ("CacheSubnetGroupName", "SubnetGroupName", "ElasticacheSubnetGroupName"),
        "remove it; a subnet group is made of the vpc's subnets of subnet_type",
    ),
    **dict.fromkeys(
        (
            "CacheParameterGroupName",
            "ParameterGroupName",
            "Family",
            "Parameter",
            "Parameters",
            "MaxmemoryPolicy",
        ),
        "remove it; the default parameter group of redis_version is used",
    ),
    **dict.fromkeys(("AuthToken", "AuthTokenUpdateStrategy", "Password"), _TOKEN),
    **dict.fromkeys(("UserGroupIds", "UserGroupIdsToAdd", "UserGroupIdsToRemove"), _USERS),
    **dict.fromkeys(("RemoveUserGroups", "Username"), _USERS),
    **dict.fromkeys(
        ("ReplicationGroupDescription", "Description"), "remove it; the description names the owning stack"
    ),
    # --- what is always the same ---
    "Port": "remove it; the port is 6379",
    "ApplyImmediately": "remove it; changes are made at once",
    **dict.fromkeys(
        ("AtRestEncryptionEnabled", "EncryptionAtRest"), "remove it; data at rest is always encrypted"
    ),
    **dict.fromkeys(("KmsKeyId", "KmsKeyArn"), "remove it; AWS's own key encrypts the data at rest"),
    **dict.fromkeys(
        ("FinalSnapshotIdentifier", "SkipFinalSnapshot"), "remove it; a Delete takes a final snapshot"
    ),
    **dict.fromkeys(("NetworkType", "IpDiscovery"), _IPV4),
    "SnapshottingClusterId": "remove it; ElastiCache chooses the node to snapshot",
    "PrimaryClusterId": "remove it; the cluster makes its own primary",
    # --- what there is none of ---
    **dict.fromkeys(("SnapshotArns", "SnapshotName", "ServerlessCacheSnapshotName"), _EMPTY),
    **dict.fromkeys(
        ("LogDeliveryConfigurations", "LogDeliveryConfiguration"), "remove it; logs can't be delivered yet"
    ),
    **dict.fromkeys(
        ("NotificationTopicArn", "NotificationTopicStatus"), "remove it; there are no notifications yet"
    ),
    "GlobalReplicationGroupId": "remove it; a global datastore is not offered",
    "DataTieringEnabled": "remove it; no node type on offer has data tiering",
    "Durability": "remove it; AWS's default durability is used",
    # --- what is not a property ---
    **dict.fromkeys(
        ("ConfigurationEndPoint", "PrimaryEndPoint", "ReadEndPoint", "ReaderEndPoint"), _RETURNED
    ),
    **dict.fromkeys(("RedisEndpoint", "EffectiveDurability", "Arn"), _RETURNED),
    **dict.fromkeys(("DeletionPolicy", "UpdateReplacePolicy", "DependsOn", "Condition", "Type"), _OUTSIDE),
}


def plain(name: str) -> str:
    """Return a name without the differences of CacheNodeType, cacheNodeType and cache_node_type."""
    return re.sub("[^a-z0-9]", "", name.lower())


REMEDIES = {plain(name): remedy for name, remedy in _REMEDIES.items()}
"""What to do about a property of another description, by its plain name."""
