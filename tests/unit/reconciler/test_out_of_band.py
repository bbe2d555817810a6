"""What others changed, removed or broke: what an Update leaves alone, and what its rollback comes to."""

from __future__ import annotations

import pytest

from massdriver_redis.properties import schemas
from tests.harness.samples import FREE_TIER, HIGHLY_AVAILABLE, SHARDED_CLUSTER, authentication
from tests.harness.stack import NAME, failing
from tests.simulator import views

COUNT_CALLS = {
    "elasticache:IncreaseReplicaCount",
    "elasticache:DecreaseReplicaCount",
    "elasticache:ModifyReplicationGroupShardConfiguration",
}
TAGGED = {"tags": {"team": "shop"}}
CONTINUE = "run aws cloudformation continue-update-rollback"


def scaled(stack, physical_id, *, node_groups=0, replicas=0):
    """Scale a cluster as auto scaling does."""
    if node_groups:
        stack.elasticache.modify_replication_group_shard_configuration(
            ReplicationGroupId=physical_id, NodeGroupCount=node_groups, ApplyImmediately=True
        )
        stack.clock.advance(600)
    if replicas:
        stack.elasticache.increase_replica_count(
            ReplicationGroupId=physical_id, NewReplicaCount=replicas, ApplyImmediately=True
        )
        stack.clock.advance(600)


def counts(stack, physical_id):
    """Return the number of node groups, and the replicas of each."""
    group = stack.simulator.group(physical_id)
    (replicas,) = {each.replicas for each in group.node_groups}
    return len(group.node_groups), replicas


def count_calls(stack):
    return COUNT_CALLS & set(stack.writes())


# Counts that auto scaling changed


@pytest.mark.parametrize(
    ("preset", "by", "warned"),
    [
        (SHARDED_CLUSTER, {"node_groups": 5}, ["node_groups was left at 5 and not set to 2"]),
        (SHARDED_CLUSTER, {"replicas": 3}, ["replicas was left at 3 and not set to 1"]),
        (HIGHLY_AVAILABLE, {"replicas": 2}, ["replicas was left at 2 and not set to 1"]),
        (SHARDED_CLUSTER, {"node_groups": 3, "replicas": 2}, ["node_groups was left at 3", "left at 2"]),
    ],
)
def test_an_update_that_changes_no_count_leaves_scaled_counts_alone_and_says_so(stack, preset, by, warned):
    physical_id = stack.created(stack.properties(preset))
    scaled(stack, physical_id, **by)
    before = counts(stack, physical_id)

    response = stack.changed(stack.properties(preset, **TAGGED))

    assert response.ok, response.reason
    assert counts(stack, physical_id) == before
    assert not count_calls(stack)
    assert all(words in response.data["warnings"] for words in warned)


def test_counts_are_compared_after_their_defaults(stack):
    properties = stack.properties(SHARDED_CLUSTER)
    del properties["replicas"]
    physical_id = stack.created(properties)
    scaled(stack, physical_id, replicas=3)
    (default,) = {each["default"] for each in [schemas.schema("properties.json")["properties"]["replicas"]]}

    response = stack.changed({**properties, "replicas": str(default)})

    assert response.ok, response.reason
    assert counts(stack, physical_id) == (2, 3)


def test_an_update_of_one_count_sets_that_one_alone(stack):
    physical_id = stack.created(stack.properties(SHARDED_CLUSTER))
    scaled(stack, physical_id, node_groups=4, replicas=2)

    response = stack.changed(stack.properties(SHARDED_CLUSTER, replicas=3))

    assert response.ok, response.reason
    assert counts(stack, physical_id) == (4, 3)


def test_a_rollback_leaves_counts_alone_that_the_update_did_not_request(stack):
    physical_id = stack.created(stack.properties(SHARDED_CLUSTER))
    scaled(stack, physical_id, node_groups=5)
    assert stack.update(NAME, stack.properties(SHARDED_CLUSTER, **TAGGED), clean_up=False).ok

    response = stack.roll_back(NAME)

    assert response.ok, response.reason
    assert counts(stack, physical_id) == (5, 1)


def test_a_rollback_leaves_a_count_alone_whose_change_was_refused(stack):
    physical_id = stack.created(stack.properties(SHARDED_CLUSTER))
    scaled(stack, physical_id, node_groups=5)
    shards = "elasticache:ModifyReplicationGroupShardConfiguration"
    stack.recorder.before = failing(shards, "NodeGroupsPerReplicationGroupQuotaExceeded", times=None)
    assert not stack.changed(stack.properties(SHARDED_CLUSTER, node_groups=6)).ok
    stack.recorder.before = None

    response = stack.roll_back(NAME)

    assert response.ok, response.reason
    assert counts(stack, physical_id) == (5, 1)


@pytest.mark.parametrize("change", [{"node_groups": 3}, {"replicas": 2}, {"node_groups": 3, "replicas": 2}])
def test_a_rollback_sets_the_counts_that_the_update_requested(stack, change):
    physical_id = stack.created(stack.properties(SHARDED_CLUSTER))
    assert stack.update(NAME, stack.properties(SHARDED_CLUSTER, **change), clean_up=False).ok

    response = stack.roll_back(NAME)

    assert response.ok, response.reason
    assert counts(stack, physical_id) == (2, 1)


def test_a_rollback_sets_a_count_although_it_may_move_the_time_of_the_stack_s_last_update(stack):
    physical_id = stack.created(stack.properties(SHARDED_CLUSTER))
    assert stack.update(NAME, stack.properties(SHARDED_CLUSTER, replicas=2), clean_up=False).ok
    stack.clock.advance(600)
    stack.cloud.stack_status = "UPDATE_IN_PROGRESS"  # moves the time

    assert stack.roll_back(NAME).ok
    assert counts(stack, physical_id) == (2, 1)


def test_a_rollback_sets_both_counts_though_the_update_failed_after_one(stack):
    physical_id = stack.created(stack.properties(SHARDED_CLUSTER))
    quota = "NodeQuotaForClusterExceeded"
    stack.recorder.before = failing("elasticache:IncreaseReplicaCount", quota, times=None)
    assert not stack.changed(stack.properties(SHARDED_CLUSTER, node_groups=3, replicas=2)).ok
    stack.recorder.before = None

    response = stack.roll_back(NAME)

    assert response.ok, response.reason
    assert counts(stack, physical_id) == (2, 1)


# A rollback with nothing to undo


def lose_the_cluster(stack, physical_id):
    stack.elasticache.delete_replication_group(ReplicationGroupId=physical_id)
    stack.clock.advance(60)


def lose_the_secret(stack, physical_id):
    stack.cloud.secrets.secrets.clear()


def break_a_node(stack, physical_id):
    member, *_ = stack.group(physical_id)["MemberClusters"]
    stack.simulator.out_of_band(physical_id).strand(member)


def make_compatible(stack, physical_id):
    stack.simulator.out_of_band(physical_id).set_cluster_mode("compatible")
    stack.clock.advance(600)


def disable_tls(stack, physical_id):
    stack.simulator.out_of_band(physical_id).encrypt("")
    stack.clock.advance(600)


LOST = [
    (lose_the_cluster, "was not found"),
    (lose_the_secret, "is gone and AWS never shows a token again"),
    (disable_tls, "TLS was disabled out of band"),
    (break_a_node, "is incompatible-network"),
    (make_compatible, "cluster_mode_enabled: the cluster mode is compatible, set out of band"),
]


@pytest.mark.parametrize(("lose", "words"), LOST)
def test_a_rollback_of_an_update_that_changed_nothing_succeeds_with_a_warning(stack, lose, words):
    physical_id = stack.created()
    lose(stack, physical_id)
    failed = stack.changed(stack.properties(**TAGGED))
    assert not failed.ok
    assert words in failed.reason
    stack.recorder.clear()

    response = stack.roll_back(NAME)

    assert response.ok, response.reason
    assert response.physical_id == physical_id
    assert response.data.keys() == schemas.schema("attributes.json")["properties"].keys()
    assert words in response.data["warnings"]
    assert response.data["password"] == ""
    assert stack.writes() == []


@pytest.mark.parametrize(("lose", "words"), LOST[:2])
def test_a_stack_goes_on_after_such_a_rollback_and_can_be_deleted(stack, lose, words):
    physical_id = stack.created()
    lose(stack, physical_id)
    assert not stack.changed(stack.properties(**TAGGED)).ok
    assert stack.roll_back(NAME).ok

    assert words in stack.changed(stack.properties(**TAGGED)).reason
    assert stack.roll_back(NAME).ok
    assert stack.delete(NAME).ok
    assert stack.leftovers() == []


def test_a_rollback_to_the_properties_that_all_that_is_left_has_succeeds(stack):
    """The update had set its tags before the cluster was deleted: nothing of that is left."""
    physical_id = stack.created()
    assert stack.update(NAME, stack.properties(node_type="cache.t3.small"), clean_up=False).ok
    lose_the_cluster(stack, physical_id)

    response = stack.roll_back(NAME)

    assert response.ok, response.reason
    assert "was not found" in response.data["warnings"]


@pytest.mark.parametrize(
    ("lose", "words"),
    [(disable_tls, "secure: TLS was disabled out of band"), (break_a_node, "node ")],
)
def test_a_rollback_that_has_something_to_undo_and_can_not_fails_and_says_how_to_go_on(stack, lose, words):
    physical_id = stack.created()
    assert stack.update(NAME, stack.properties(node_type="cache.t3.small"), clean_up=False).ok
    lose(stack, physical_id)

    response = stack.roll_back(NAME)

    assert not response.ok
    assert response.reason.startswith(words)
    assert response.reason.endswith(CONTINUE)


def test_a_denied_role_is_no_reason_to_succeed(stack):
    role = {"aws_authentication": authentication("us-east-1")}
    stack.created(**role)
    stack.recorder.before = failing("sts:AssumeRole", "AccessDenied", times=None, status=403)
    assert not stack.changed(stack.properties(**role, **TAGGED)).ok

    response = stack.roll_back(NAME)

    assert not response.ok
    assert "can't be assumed" in response.reason
    assert response.reason.endswith(CONTINUE)
    assert len(response.reason) <= 240


def test_a_failed_update_does_not_speak_of_a_rollback_that_failed(stack):
    physical_id = stack.created()
    lose_the_cluster(stack, physical_id)

    assert CONTINUE not in stack.changed(stack.properties(**TAGGED)).reason


# The token, TLS and cluster mode


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda cluster: cluster.set_token("t" * 32), "the password can't be right"),
        (lambda cluster: cluster.set_user_groups("readers"), "AUTH was turned off out of band"),
        (lambda cluster: cluster.encrypt("preferred"), "TLS is preferred and not required"),
    ],
)
def test_an_update_warns_of_a_password_that_is_wrong_or_not_needed(stack, change, words):
    properties = stack.properties(HIGHLY_AVAILABLE, redis_version="7.1")
    physical_id = stack.created(properties)
    stack.clock.advance(7200)
    change(stack.simulator.out_of_band(physical_id))
    stack.clock.advance(600)

    response = stack.changed({**properties, **TAGGED})

    assert response.ok, response.reason
    assert words in response.data["warnings"]


def test_a_new_cluster_is_not_warned_of_its_own_token(stack):
    assert stack.create(NAME, stack.properties(redis_version="7.1")).data["warnings"] == ""


def test_a_token_that_a_restored_secret_holds_from_long_ago_is_not_warned_of(stack):
    stack.created(redis_version="7.1")
    assert stack.delete(NAME).ok
    stack.clock.advance(7 * 86400)

    assert stack.create(NAME, stack.properties(redis_version="7.1")).data["warnings"] == ""


# Subnets with nodes


def test_a_zone_that_holds_a_node_is_refused_before_the_first_write(stack):
    properties = stack.properties(HIGHLY_AVAILABLE)
    physical_id = stack.created(properties)
    zones = {
        each["PreferredAvailabilityZone"]
        for each in stack.elasticache.describe_cache_clusters()["CacheClusters"]
    }
    assert len(zones) == 2
    one_zone = [stack.cloud.subnets[0], stack.cloud.subnets[2]]

    response = stack.changed({**properties, "vpc": stack.vpc(internal=one_zone)})

    assert response.reason.startswith("vpc: zone us-east-1b still has a node of the cluster")
    assert stack.writes() == []
    assert stack.simulator.group(physical_id).multi_az


def test_a_zone_without_a_node_can_go(stack):
    stack.created(stack.properties(FREE_TIER))
    (node,) = stack.elasticache.describe_cache_clusters()["CacheClusters"]
    used = [
        subnet
        for subnet, zone in zip(stack.cloud.subnets, "aba", strict=True)
        if node["PreferredAvailabilityZone"].endswith(zone)
    ]

    response = stack.changed(stack.properties(FREE_TIER, vpc=stack.vpc(internal=used)))

    assert response.ok, response.reason


def test_a_subnet_with_a_node_and_another_of_its_zone_is_refused_with_what_to_do(stack):
    """No describe shows in which of a zone's subnets a node is: only ElastiCache can say it."""
    stack.created(stack.properties(HIGHLY_AVAILABLE))
    in_use = "elasticache:ModifyCacheSubnetGroup"
    stack.recorder.before = failing(in_use, "SubnetInUse", times=None)
    fewer = stack.vpc(internal=stack.cloud.subnets[1:])

    response = stack.changed(stack.properties(HIGHLY_AVAILABLE, vpc=fewer))

    assert response.reason.startswith(f"{in_use} refused (SubnetInUse): ")
    assert response.reason.endswith("; keep the subnet, for ElastiCache can't move a node")


# Settings that AWS accepts and doesn't show


def hidden(monkeypatch, key, shown):
    """Have describes show `shown` for a setting of every cluster, whatever it is."""
    for name in ("replication_group", "cache_cluster"):
        view = getattr(views, name)

        def changed(*args, view=view):
            found = view(*args)
            return {**found, key: shown} if key in found else found

        monkeypatch.setattr(views, name, changed)


SETTINGS = {
    "AutoMinorVersionUpgrade": ("auto_minor_version_upgrade", False, "accepted true but shows false"),
    "PreferredMaintenanceWindow": ("maintenance_window", "mon:01:00-mon:02:00", "shows mon:01:00"),
    "SnapshotWindow": ("snapshot_window", "23:00-23:59", "accepted 07:00-08:00 but shows 23:00-23:59"),
    "SnapshotRetentionLimit": ("snapshot_retention_limit", 3, "accepted 7 but shows 3"),
}


@pytest.mark.parametrize("key", SETTINGS)
def test_a_setting_that_does_not_show_is_a_warning_of_a_create(stack, monkeypatch, key):
    name, shown, words = SETTINGS[key]
    hidden(monkeypatch, key, shown)

    response = stack.create(NAME, stack.properties())

    assert response.ok, response.reason
    assert name in response.data["warnings"]
    assert words in response.data["warnings"]
    assert stack.writes().count("elasticache:ModifyReplicationGroup") == 1


def test_all_settings_and_the_tags_at_once_end_in_warnings(stack, monkeypatch):
    for key, (_, shown, _) in SETTINGS.items():
        hidden(monkeypatch, key, shown)
    stack.created()
    stack.recorder.after = None
    tags = "elasticache:ListTagsForResource"
    stack.recorder.before = lambda call, _: {"TagList": []} if call.name == tags else None

    response = stack.changed(stack.properties(maintenance_window="tue:03:00-tue:04:00", **TAGGED))

    assert response.ok, response.reason
    assert "maintenance_window: AWS accepted tue:03:00-tue:04:00" in response.data["warnings"]
    assert "tags: AWS accepted them" in response.data["warnings"]


def test_a_setting_that_aws_refuses_fails_the_update(stack):
    stack.created()
    stack.recorder.before = failing("elasticache:ModifyReplicationGroup", "InvalidParameterValue", times=None)

    response = stack.changed(stack.properties(maintenance_window="tue:03:00-tue:04:00"))

    assert not response.ok
    assert "InvalidParameterValue" in response.reason


# Valkey 7.2 and Redis OSS 7.1


def test_a_rollback_takes_valkey_7_2_back_to_redis_7_1(stack):
    physical_id = stack.created(redis_version="7.1")
    valkey = stack.properties(engine="valkey", redis_version="7.2")
    assert stack.update(NAME, valkey, clean_up=False).ok

    response = stack.roll_back(NAME)

    assert response.ok, response.reason
    assert response.data["specs.cache.engine"] == "redis"
    assert stack.simulator.group(physical_id).version == "7.1.0"
    assert response.data["warnings"] == ""


def test_an_update_takes_valkey_7_2_back_to_redis_7_1(stack):
    physical_id = stack.created(engine="valkey", redis_version="7.2")

    response = stack.changed(stack.properties(engine="redis", redis_version="7.1"))

    assert response.ok, response.reason
    assert (stack.simulator.group(physical_id).engine, response.data["specs.cache.version"]) == (
        "redis",
        "7.1.0",
    )


@pytest.mark.parametrize(
    ("live", "wanted"), [(("valkey", "8.0"), "7.1"), (("valkey", "7.2"), "7.0"), (("valkey", "7.2"), "6.x")]
)
def test_every_other_way_back_from_valkey_is_refused(stack, live, wanted):
    stack.created(engine=live[0], redis_version=live[1])

    response = stack.changed(stack.properties(engine="redis", redis_version=wanted))

    assert "valkey can't go back to redis in place" in response.reason
    assert stack.writes() == []


def test_valkey_that_somebody_upgraded_to_is_kept_while_the_properties_stay(stack):
    physical_id = stack.created(redis_version="7.1")
    stack.elasticache.modify_replication_group(
        ReplicationGroupId=physical_id,
        Engine="valkey",
        EngineVersion="7.2",
        CacheParameterGroupName="default.valkey7",
        ApplyImmediately=True,
    )
    stack.clock.advance(3600)

    response = stack.changed(stack.properties(redis_version="7.1", **TAGGED))

    assert response.ok, response.reason
    assert "valkey 7.2.6 is newer than redis_version and was kept" in response.data["warnings"]
