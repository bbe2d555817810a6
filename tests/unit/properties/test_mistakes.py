"""Mistakes that users make in the properties, and the remedy that the Reason gives for each.

Many write the names and values of AWS::ElastiCache::ReplicationGroup, of Terraform's
aws_elasticache_replication_group, or of earlier versions of massdriver's bundle.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore.loaders
import cfnlint
import pytest

from massdriver_redis.errors import REASON_LIMIT
from massdriver_redis.properties import schemas, suggestions
from massdriver_redis.properties.other_names import REMEDIES
from tests.harness.samples import put, stringified
from tests.harness.stack import NAME, StackUnderTest

INFRASTRUCTURE = "vpc.data.infrastructure"

Row = tuple[dict[str, Any], str, str]
"""The properties that are changed in a valid template (... removes one), the path and the remedy."""

NATIVE: list[Row] = [
    ({"CacheNodeType": "cache.t3.micro", "node_type": ...}, "CacheNodeType", "use node_type"),
    ({"NumNodeGroups": "3"}, "NumNodeGroups", "use node_groups, 2 or more, with cluster_mode_enabled"),
    ({"ReplicasPerNodeGroup": "1"}, "ReplicasPerNodeGroup", "use replicas"),
    ({"NumCacheClusters": "2"}, "NumCacheClusters", "use replicas, which is the number of nodes less"),
    ({"EngineVersion": "7.1"}, "EngineVersion", "use redis_version"),
    ({"Engine": "redis"}, "Engine", "use engine"),
    ({"TransitEncryptionEnabled": "true"}, "TransitEncryptionEnabled", "use secure"),
    ({"AtRestEncryptionEnabled": "true"}, "AtRestEncryptionEnabled", "remove it; data at rest is always"),
    ({"KmsKeyId": "alias/redis"}, "KmsKeyId", "remove it; AWS's own key"),
    ({"AuthToken": "a-long-password-of-mine"}, "AuthToken", "remove it; secure makes the password"),
    ({"UserGroupIds": ["app"]}, "UserGroupIds", "remove it; clients log in with the password"),
    ({"SnapshotRetentionLimit": "3"}, "SnapshotRetentionLimit", "use snapshot_retention_limit"),
    (
        {"PreferredMaintenanceWindow": "sun:05:00-sun:06:00"},
        "PreferredMaintenanceWindow",
        "use maintenance_w",
    ),
    ({"SecurityGroupIds": ["sg-1"]}, "SecurityGroupIds", "allow_vpc_access opens it"),
    ({"CacheSubnetGroupName": "db"}, "CacheSubnetGroupName", "made of the vpc's subnets of subnet_type"),
    ({"CacheParameterGroupName": "default.redis7"}, "CacheParameterGroupName", "group of redis_version"),
    ({"AutomaticFailoverEnabled": "true"}, "AutomaticFailoverEnabled", "use replicas; with 1 or more"),
    ({"MultiAZEnabled": "true"}, "MultiAZEnabled", "use replicas; with 1 or more in two zones"),
    ({"ReplicationGroupId": "shop"}, "ReplicationGroupId", "use md_metadata.name_prefix"),
    ({"ReplicationGroupDescription": "shop"}, "ReplicationGroupDescription", "remove it; the description"),
    ({"Port": "6380"}, "Port", "remove it; the port is 6379"),
    ({"NotificationTopicArn": "arn:aws:sns:us-west-2:1:x"}, "NotificationTopicArn", "remove it"),
    ({"SnapshotName": "nightly"}, "SnapshotName", "a new cluster is empty"),
    ({"ClusterMode": "enabled"}, "ClusterMode", "use cluster_mode_enabled, true or false"),
    ({"Tags": [{"Key": "team", "Value": "shop"}]}, "Tags", "use tags"),
    ({"DeletionPolicy": "Retain"}, "DeletionPolicy", "move it out of Properties"),
    ({"cluster_mode_enabled": "compatible"}, "cluster_mode_enabled", "must be true or false"),
    ({"tags": [{"Key": "team", "Value": "shop"}]}, "tags", 'such as {"team": "shop"}, not a list of Key and'),
    (
        {"md_metadata": {"default_tags": [{"Key": "team", "Value": "shop"}]}},
        "md_metadata.default_tags",
        "not a list of Key and Value",
    ),
    ({"engine": "memcached"}, "engine", "must be one of redis, valkey"),
    ({"redis_version": "6.2"}, "redis_version", "did you mean 6.x?"),
    ({"redis_version": "5.0.6"}, "redis_version", "did you mean 5.0?"),
    ({"redis_version": "7.0.7"}, "redis_version", "did you mean 7.0?"),
]

TERRAFORM: list[Row] = [
    ({"num_node_groups": "3"}, "num_node_groups", "use node_groups, 2 or more"),
    ({"replicas_per_node_group": "1"}, "replicas_per_node_group", "use replicas"),
    ({"num_cache_clusters": "2"}, "num_cache_clusters", "use replicas, which is the number of nodes less"),
    ({"number_cache_clusters": "2"}, "number_cache_clusters", "use replicas, which is the number of nodes"),
    ({"engine_version": "7.1"}, "engine_version", "use redis_version"),
    ({"transit_encryption_enabled": "true"}, "transit_encryption_enabled", "use secure"),
    ({"auth_token": "a-long-password-of-mine"}, "auth_token", "remove it; secure makes the password"),
    ({"apply_immediately": "true"}, "apply_immediately", "remove it; changes are made at once"),
    ({"multi_az_enabled": "true"}, "multi_az_enabled", "use replicas"),
    ({"parameter_group_name": "default.redis7"}, "parameter_group_name", "remove it; the default parameter"),
    ({"subnet_group_name": "db"}, "subnet_group_name", "remove it; a subnet group is made"),
    ({"security_group_ids": ["sg-1"]}, "security_group_ids", "allow_vpc_access opens it"),
    ({"final_snapshot_identifier": "last"}, "final_snapshot_identifier", "a Delete takes a final snapshot"),
    ({"subnet_ids": ["subnet-1"]}, "subnet_ids", "give the subnets in vpc.data.infrastructure"),
    ({"timeouts": {"create": "60m"}}, "timeouts", "use ServiceTimeout"),
    ({"cluster_mode_enabled": "enabled"}, "cluster_mode_enabled", "true or false (did you mean true?)"),
    ({"redis_version": "7"}, "redis_version", "did you mean 7.1?"),
    ({"redis_version": "default.redis6.x"}, "redis_version", "did you mean 6.x?"),
    ({"engine": "valkey", "redis_version": "8.x"}, "redis_version", "did you mean 8.2?"),
]

EARLIER_BUNDLES: list[Row] = [
    (
        {f"{INFRASTRUCTURE}.internal_subnets": ...},
        f"{INFRASTRUCTURE}.internal_subnets",
        "no internal subnet; add one or set subnet_type (default internal) to private",
    ),
    ({"redis_version": "3.2.10"}, "redis_version", "did you mean 3.2?"),
    ({"redis_version": "REDIS_7_0"}, "redis_version", "did you mean 7.0?"),
    ({"node_type": "t3.micro"}, "node_type", "did you mean cache.t3.micro?"),
    ({"name_prefix": "shop-prod"}, "name_prefix", "use md_metadata.name_prefix"),
    ({"default_tags": {"team": "shop"}}, "default_tags", "use tags, or md_metadata.default_tags"),
    ({"region": "us-west-2"}, "region", "use vpc.specs.aws.region"),
]

OTHERS: list[Row] = [
    ({"NodeType": "cache.t3.micro", "node_type": ...}, "NodeType", "use node_type"),
    ({"nodetyp": "cache.t3.micro", "node_type": ...}, "nodetyp", "did you mean node_type?"),
    ({"cluster-mode-enabled": "true"}, "cluster-mode-enabled", "use cluster_mode_enabled"),
    ({"service_timeout": "900"}, "service_timeout", "use ServiceTimeout"),
    ({"node_type": "cache.m5.8xlarge"}, "node_type", "m5 has large, xlarge, 2xlarge, 4xlarge, 12xlarge"),
    ({"node_type": "cache.t2.micro"}, "node_type", "did you mean cache.t3.micro?"),
    ({"node_type": "cache.r6gd.xlarge"}, "node_type", "did you mean cache.r6g.xlarge?"),
    ({"node_type": "cache.t3.mirco"}, "node_type", "did you mean cache.t3.micro?"),
    (
        {"node_type": "cache.m8g.large", "redis_version": "7.1"},
        "node_type",
        "needs Valkey; set engine (default redis) to valkey and redis_version to 7.2 or later",
    ),
    (
        {"node_type": "cache.c7gn.large", "redis_version": "5.0"},
        "node_type",
        "needs engine 6.2; raise redis_version",
    ),
    ({"redis_version": "6.2.6"}, "redis_version", "did you mean 6.x? engine redis (the default) has 3.2"),
    ({"redis_version": "v7.1"}, "redis_version", "did you mean 7.1?"),
    ({"redis_version": "redis7"}, "redis_version", "did you mean 7.1?"),
    ({"redis_version": "8"}, "redis_version", "set engine to valkey for 8.2; engine redis (the default) has"),
    ({"redis_version": "2.8"}, "redis_version", "has 3.2, 4.0, 5.0, 6.x, 7.0, 7.1; choose one of them"),
    ({"engine": "valkey", "redis_version": "7"}, "redis_version", "did you mean 7.2?"),
    ({"engine": "valkey", "redis_version": "9.1.0"}, "redis_version", "did you mean 9.1?"),
    ({"engine": "valkey", "redis_version": "7.1"}, "redis_version", "set engine to redis for 7.1"),
    (
        {"engine": "valkey", "redis_version": ...},
        "redis_version",
        "choose one of 7.2, 8.0, 8.1, 8.2, 9.0, 9.1; the default 6.x is no version of engine valkey",
    ),
    ({"engine": "Redis"}, "engine", "did you mean redis?"),
    ({"secure": "yes"}, "secure", "must be true or false (did you mean true?)"),
    ({"allow_vpc_access": "off"}, "allow_vpc_access", "must be true or false (did you mean false?)"),
    ({"subnet_type": "Private"}, "subnet_type", "did you mean private?"),
    ({"FailoverEnabled": "true"}, "FailoverEnabled", "use replicas; with 1 or more, failover is automatic"),
    ({"auto_minor_upgrade": "no"}, "auto_minor_upgrade", "did you mean auto_minor_version_upgrade?"),
    ({"colour": "red"}, "colour", "unknown property; remove it"),
    ({"node_type": "cache.r7g.metal"}, "node_type", "r7g has large, xlarge, 2xlarge, 4xlarge, 8xlarge"),
    ({"vpc": {"VpcId": "vpc-1"}}, "vpc.data", "required; add it, with infrastructure in it"),
    ({"aws_authentication": {"RoleArn": "x"}}, "aws_authentication.data", "required; add it, with arn in it"),
    ({"replicas": "6"}, "replicas", "must be one of 0, 1, 2, 3, 4, 5"),
    ({"node_groups": "1"}, "node_groups", "for one, set cluster_mode_enabled to false and leave it out"),
    (
        {"snapshot_window": "09:30-10:30"},
        "snapshot_window",
        "overlaps maintenance_window (default sun:09:00-sun:10:00); move one of them",
    ),
    (
        {"maintenance_window": "sun:07:30-sun:08:30"},
        "maintenance_window",
        "overlaps snapshot_window (default 07:00-08:00); move one of them",
    ),
    ({"maintenance_window": "05:00-06:00"}, "maintenance_window", "such as sun:09:00-sun:10:00"),
    ({"snapshot_window": "5am"}, "snapshot_window", "such as 07:00-08:00"),
    (
        {f"{INFRASTRUCTURE}.cidr": ..., "allow_vpc_access": ...},
        f"{INFRASTRUCTURE}.cidr",
        "required by allow_vpc_access (default true); add it or set allow_vpc_access to false",
    ),
    ({"vpc": "vpc-1"}, "vpc", "the VPC's ARN goes into vpc.data.infrastructure.arn"),
    (
        {"aws_authentication": "arn:aws:iam::123456789012:role/x"},
        "aws_authentication",
        "the role's ARN goes into aws_authentication.data.arn",
    ),
    (
        {f"{INFRASTRUCTURE}.internal_subnets.0": "subnet-1"},
        f"{INFRASTRUCTURE}.internal_subnets[0]",
        "a subnet's ARN goes into its arn",
    ),
    ({"ServiceTimeout": "7200"}, "ServiceTimeout", "must be a whole number of seconds from 1 to 3600"),
]

FOREIGN = [*NATIVE, *TERRAFORM, *EARLIER_BUNDLES]
ROWS = [*FOREIGN, *OTHERS]


def name_of(row: Row) -> str:
    return json.dumps(row[0], default=lambda _: "absent")


def test_there_are_60_mistakes_of_which_20_are_names_and_values_of_others() -> None:
    assert len({name_of(row) for row in ROWS}) == len(ROWS) >= 60
    assert len(FOREIGN) >= 20


@pytest.mark.parametrize(("changes", "path", "remedy"), ROWS, ids=map(name_of, ROWS))
def test_a_mistaken_property_is_refused_with_its_remedy(
    stack: StackUnderTest, changes: dict[str, Any], path: str, remedy: str
) -> None:
    properties = stack.properties(vpc=stack.vpc(private=stack.cloud.subnets))
    for changed, value in changes.items():
        properties = put(properties, changed, value)

    response = stack.create(NAME, stringified(properties))

    assert not response.ok
    assert response.reason.startswith(f"{path}: ")
    assert remedy in response.reason
    assert len(re.findall(r"(?:^|; )[][\w.-]+: ", response.reason)) == 1, "one mistake gives one violation"
    assert len(response.reason) <= REASON_LIMIT
    assert stack.writes() == []


# --- names ------------------------------------------------------------------------------------------

OURS = [name for name in schemas.source("properties.json")["properties"] if not name.startswith("__")]

TERRAFORM_ARGUMENTS = re.findall(
    r"\w+",
    """
    apply_immediately at_rest_encryption_enabled auth_token auth_token_update_strategy
    auto_minor_version_upgrade automatic_failover_enabled availability_zones cluster_mode data_tiering_enabled
    description durability engine engine_version engine_version_actual final_snapshot_identifier
    global_replication_group_id ip_discovery kms_key_id log_delivery_configuration maintenance_window
    multi_az_enabled network_type node_group_configuration node_type notification_topic_arn
    num_cache_clusters num_node_groups number_cache_clusters parameter_group_name port
    preferred_cache_cluster_azs region replicas_per_node_group replication_group_description
    replication_group_id security_group_ids security_group_names snapshot_arns snapshot_name
    snapshot_retention_limit snapshot_window subnet_group_name tags tags_all timeouts
    transit_encryption_enabled transit_encryption_mode user_group_ids
    """,
)
"""The arguments in the documentation of aws_elasticache_replication_group, versions 4 to 6."""


def resource_properties(kind: str) -> list[str]:
    """The properties of one of AWS's resource types, by cfn-lint's copy of its schema."""
    folder = Path(cfnlint.__file__).parent / "data" / "schemas"
    file = json.loads((folder / "providers" / "us-east-1.json").read_text("utf-8"))[kind]
    return list(json.loads((folder / "resources" / f"{file}.json").read_text("utf-8"))["properties"])


def parameters(operation: str) -> list[str]:
    """The parameters of one of ElastiCache's calls, by botocore's model."""
    model = botocore.loaders.Loader().load_service_model("elasticache", "service-2")
    return list(model["shapes"][f"{operation}Message"]["members"])


@pytest.mark.parametrize(
    "names",
    [
        resource_properties("AWS::ElastiCache::ReplicationGroup"),
        resource_properties("AWS::ElastiCache::CacheCluster"),
        parameters("CreateReplicationGroup"),
        parameters("ModifyReplicationGroup"),
        TERRAFORM_ARGUMENTS,
    ],
    ids=["ReplicationGroup", "CacheCluster", "CreateReplicationGroup", "ModifyReplicationGroup", "Terraform"],
)
def test_every_name_of_another_description_has_a_remedy(names: list[str]) -> None:
    assert len(names) > 20
    assert [name for name in names if not suggestions.known_name(name, OURS)] == []


@pytest.mark.parametrize("remedy", sorted(set(REMEDIES.values())))
def test_a_remedy_says_to_use_a_property_that_exists_or_to_remove_it(remedy: str) -> None:
    verb, *rest = remedy.split()
    assert len(remedy) <= 90
    if verb != "use":
        assert remedy.startswith(("remove it; ", "move it out of Properties", "give the subnets in vpc."))
        return
    head, *path = rest[0].strip(",;").split(".")
    node = schemas.schema("properties.json")["properties"][head]
    for part in path:
        node = node["properties"][part]


def test_no_property_of_ours_is_taken_for_anothers() -> None:
    assert not {suggestions.plain(name) for name in OURS} & set(REMEDIES)


@pytest.mark.parametrize("name", ["nodeType", "NODE_TYPE", "node-type", "NodeType", "node type"])
def test_another_spelling_of_ours_is_recognised(name: str) -> None:
    assert suggestions.known_name(name, OURS) == "use node_type"


# --- versions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("engine", "written", "meant"),
    [
        *(("redis", written, ("redis", "6.x")) for written in ("6", "6.0", "6.2", "6.2.6", "6.9", "v6.x")),
        *(("redis", written, ("redis", "7.1")) for written in ("7", "7.x", "7.1.0", "redis7", "7.9")),
        ("redis", "7.0.7", ("redis", "7.0")),
        ("redis", "REDIS_5_0", ("redis", "5.0")),
        ("redis", "3", ("redis", "3.2")),
        ("redis", "7.2.6", ("valkey", "7.2")),
        ("redis", "9", ("valkey", "9.1")),
        *(("valkey", written, ("valkey", "8.2")) for written in ("8", "8.x", "valkey8", "8.9")),
        ("valkey", "7", ("valkey", "7.2")),
        ("valkey", "7.0.7", ("redis", "7.0")),
        ("valkey", "6.2", ("redis", "6.x")),
        ("valkey", "12", None),
        ("redis", "2.8", None),
        ("redis", "latest", None),
        ("redis", "9" * 10_000, None),
    ],
)
def test_a_version_is_read_as_the_engines_own_first(
    engine: str, written: str, meant: tuple[str, str] | None
) -> None:
    other = "redis" if engine == "valkey" else "valkey"
    assert suggestions.version(engine, other, written) == meant
