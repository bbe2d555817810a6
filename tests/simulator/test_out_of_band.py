"""What others change of a replication group, and how the Describe calls show it, pending and done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.harness.moto_aws import TOKEN, MotoAws

from .test_refusals_scaling import decrease, increase, reshard


@pytest.fixture
def made(cloud: MotoAws) -> MotoAws:
    """Return a cloud with a replicated group of Redis 7.1 that has TLS and a token."""
    cloud.make(
        cloud.replicated_request(
            EngineVersion="7.1",
            CacheParameterGroupName="default.redis7",
            TransitEncryptionEnabled=True,
            AuthToken=TOKEN,
        )
    )
    return cloud


def shown(cloud: MotoAws, *names: str) -> dict[str, Any]:
    """Return some members of the group as DescribeReplicationGroups shows it; an absent one is left out."""
    group = cloud.group()
    return {name: group[name] for name in names if name in group}


TLS = ("TransitEncryptionEnabled", "TransitEncryptionMode")
ACCESS = ("AuthTokenEnabled", "UserGroupIds")
CLUSTER_MODE = ("ClusterEnabled", "ClusterMode")


@pytest.mark.parametrize("version", ["5.0.6", "6.2", "7.1"])
def test_tls_is_shown_with_its_mode_on_every_version_and_without_one_when_it_is_off(
    cloud: MotoAws, version: str
) -> None:
    """hashicorp/terraform-provider-aws, the acceptance tests transitEncryption5x and 7x."""
    request = cloud.request(EngineVersion=version, CacheParameterGroupName=None)
    cloud.make(request)
    assert shown(cloud, *TLS) == {"TransitEncryptionEnabled": False}
    cloud.make({**request, "ReplicationGroupId": "secure", "TransitEncryptionEnabled": True})
    assert cloud.group("secure")["TransitEncryptionMode"] == "required"


def test_a_mode_of_tls_can_be_given_to_create_from_7_0_5_on(cloud: MotoAws) -> None:
    """hashicorp/terraform-provider-aws#30403."""
    mode = {"TransitEncryptionEnabled": True, "TransitEncryptionMode": "preferred"}
    cloud.make(cloud.request(EngineVersion="7.1", CacheParameterGroupName="default.redis7", **mode))
    assert shown(cloud, *TLS) == mode


@pytest.mark.parametrize("mode", ["preferred", ""])
def test_a_change_of_tls_is_pending_until_it_is_done_and_takes_access_control_away(
    made: MotoAws, mode: str
) -> None:
    """API_ReplicationGroupPendingModifiedValues; hashicorp/terraform-provider-aws#30403."""
    made.simulator.out_of_band("cache").encrypt(mode)
    after = {"TransitEncryptionEnabled": mode != ""} | ({"TransitEncryptionMode": mode} if mode else {})
    assert made.group()["Status"] == "modifying"
    assert made.group()["PendingModifiedValues"] == after
    assert shown(made, *TLS) == {"TransitEncryptionEnabled": True, "TransitEncryptionMode": "required"}
    made.settle()
    assert made.group()["PendingModifiedValues"] == {}
    assert shown(made, *TLS, *ACCESS) == {**after, "AuthTokenEnabled": False}
    assert made.members()[0]["TransitEncryptionEnabled"] is (mode != "")


@pytest.mark.parametrize("mode", ["compatible", "enabled"])
def test_a_change_of_cluster_mode_is_pending_until_it_is_done(made: MotoAws, mode: str) -> None:
    """hashicorp/terraform-provider-aws#38002: compatible shows ClusterEnabled, too."""
    made.simulator.out_of_band("cache").set_cluster_mode(mode)
    assert made.group()["PendingModifiedValues"] == {"ClusterMode": mode}
    assert shown(made, *CLUSTER_MODE) == {"ClusterEnabled": False, "ClusterMode": "disabled"}
    made.settle()
    assert made.group()["PendingModifiedValues"] == {}
    assert shown(made, *CLUSTER_MODE) == {"ClusterEnabled": True, "ClusterMode": mode}
    assert "ConfigurationEndpoint" in made.group()
    assert {each["CacheParameterGroup"]["CacheParameterGroupName"] for each in made.members()} == {
        "default.redis7.cluster.on"
    }


def test_compatible_cluster_mode_can_be_set_back(made: MotoAws) -> None:
    """User guide, modify-cluster-mode."""
    before = made.group()
    for mode in ("compatible", "disabled"):
        made.simulator.out_of_band("cache").set_cluster_mode(mode)
        made.settle()
    assert made.group() == before


@pytest.mark.parametrize(
    "change",
    [
        increase(NewReplicaCount=2),
        decrease(NewReplicaCount=0),
        reshard(2),
        lambda cloud: cloud.modify(CacheNodeType="cache.t3.medium"),
        lambda cloud: cloud.modify(
            Engine="valkey", EngineVersion="8.0", CacheParameterGroupName="default.valkey8.cluster.on"
        ),
    ],
    ids=["replicas", "fewer-replicas", "shards", "node-type", "engine"],
)
def test_nothing_is_scaled_or_upgraded_while_cluster_mode_is_compatible(
    made: MotoAws, change: Callable[[MotoAws], object]
) -> None:
    """User guide, modify-cluster-mode (the text is inferred)."""
    made.simulator.out_of_band("cache").set_cluster_mode("compatible")
    made.settle()
    with pytest.raises(made.elasticache.exceptions.InvalidParameterCombinationException):
        change(made)


def test_user_groups_take_the_place_of_the_token(made: MotoAws) -> None:
    """aws-cloudformation/cloudformation-coverage-roadmap#2356; API_UserGroupsUpdateStatus."""
    made.simulator.out_of_band("cache").set_user_groups("admins", "readers")
    assert made.group()["PendingModifiedValues"] == {
        "UserGroups": {"UserGroupIdsToAdd": ["admins", "readers"], "UserGroupIdsToRemove": []}
    }
    assert shown(made, *ACCESS) == {"AuthTokenEnabled": True}
    made.settle()
    assert shown(made, *ACCESS) == {"AuthTokenEnabled": False, "UserGroupIds": ["admins", "readers"]}
    assert made.members()[0]["AuthTokenEnabled"] is False
    made.simulator.out_of_band("cache").set_user_groups()
    pending = made.group()["PendingModifiedValues"]["UserGroups"]
    assert pending["UserGroupIdsToRemove"] == ["admins", "readers"]
    made.settle()
    assert shown(made, *ACCESS) == {"AuthTokenEnabled": False}


def test_a_token_set_by_somebody_else_has_a_later_date(made: MotoAws) -> None:
    """hashicorp/terraform-provider-aws#34609; API_ReplicationGroup, AuthTokenLastModifiedDate."""
    before = made.group()["AuthTokenLastModifiedDate"]
    made.simulator.out_of_band("cache").set_token("b" * 20)
    assert made.group()["PendingModifiedValues"] == {"AuthTokenStatus": "SETTING"}
    made.settle()
    assert made.simulator.auth_tokens("cache") == ("b" * 20,)
    assert made.group()["AuthTokenLastModifiedDate"] > before


def test_a_group_that_never_had_a_token_shows_no_date(cloud: MotoAws) -> None:
    """API_ReplicationGroup, AuthTokenLastModifiedDate."""
    cloud.make()
    assert shown(cloud, "AuthTokenLastModifiedDate", *ACCESS) == {"AuthTokenEnabled": False}


def roles(cloud: MotoAws) -> dict[str, str]:
    (shard,) = cloud.group()["NodeGroups"]
    return {member["CacheClusterId"]: member["CurrentRole"] for member in shard["NodeGroupMembers"]}


def test_a_failover_moves_the_primary_and_keeps_the_endpoints(made: MotoAws) -> None:
    """User guide, AutoFailover, and its page on testing it, for the events."""
    before = made.group()["NodeGroups"][0]
    made.simulator.out_of_band("cache").fail_over()
    assert made.group()["Status"] == "modifying"
    made.settle()
    after = made.group()["NodeGroups"][0]
    assert roles(made) == {"cache-001": "replica", "cache-002": "primary"}
    for name in ("PrimaryEndpoint", "ReaderEndpoint"):
        assert after[name] == before[name]
    assert made.events()[:2] == [
        "Failover from primary node cache-001 to replica node cache-002 completed",
        "Test Failover API called for node group 0001",
    ]


def test_the_member_that_became_primary_is_not_removed(made: MotoAws) -> None:
    """User guide, decrease-replica-count: the primary can't be removed."""
    made.simulator.out_of_band("cache").fail_over()
    made.settle()
    with pytest.raises(made.elasticache.exceptions.InvalidParameterValueException):
        decrease(ReplicasToRemove=["cache-002"])(made)
    made.modify(AutomaticFailoverEnabled=False)
    made.settle()
    decrease(NewReplicaCount=0)(made)
    made.settle()
    assert roles(made) == {"cache-002": "primary"}


def test_a_member_of_a_global_datastore_shows_it_and_refuses_every_change_and_deletion(made: MotoAws) -> None:
    """hashicorp/terraform-provider-aws#27875; crossplane-contrib/provider-upjet-aws#1595."""
    made.simulator.out_of_band("cache").join_global_datastore("ldgnf-shop")
    assert made.group()["GlobalReplicationGroupInfo"] == {
        "GlobalReplicationGroupId": "ldgnf-shop",
        "GlobalReplicationGroupMemberRole": "PRIMARY",
    }
    for change in (
        lambda cloud: cloud.modify(CacheNodeType="cache.t3.medium"),
        increase(NewReplicaCount=2),
        lambda cloud: cloud.elasticache.delete_replication_group(ReplicationGroupId="cache"),
    ):
        with pytest.raises(ClientError) as refused:
            change(made)
        error = refused.value.response["Error"]
        assert (error["Code"], error["Message"]) == (
            "InvalidParameterValue",
            "Cluster [cache] is part of a global cluster [ldgnf-shop]. Request rejected.",
        )


@pytest.mark.parametrize("status", ["incompatible-network", "restore-failed"])
def test_a_group_with_a_stranded_member_refuses_changes_but_can_be_deleted(
    made: MotoAws, status: str
) -> None:
    """User guide, Nodes.viewing (the remedy is to delete); hashicorp/terraform#1331 quotes AWS's list."""
    made.simulator.out_of_band("cache").strand("cache-002", status)
    assert made.members()[1]["CacheClusterStatus"] == status
    with pytest.raises(made.elasticache.exceptions.InvalidCacheClusterStateFault):
        made.modify(CacheNodeType="cache.t3.medium")
    made.elasticache.delete_replication_group(ReplicationGroupId="cache")
    made.settle()
    assert made.simulator.groups() == []
