"""Create and Update: whose the cluster is, which one is meant, replacement and its way back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.harness.cloudformation import PREFIX
from tests.harness.moto_aws import client
from tests.harness.recorder import client_error
from tests.harness.samples import (
    FREE_TIER,
    HIGHLY_AVAILABLE,
    SHARDED_CLUSTER,
    authentication,
    put,
    stringified,
)
from tests.harness.stack import BRISK, NAME, Stage, failing

REPLACED = {"secure": False, "allow_replacement": True}
"""A create-only change that may make a new cluster."""


def groups(stage):
    return sorted(group.id for group in stage.simulator.groups())


def untouched(stage, physical_id):
    """Tell whether the only writes since the calls were forgotten were notes on the security group."""
    notes = {"ec2:CreateTags"}
    mine = [
        call for call in stage.wire.mutations() if physical_id in json.dumps(dict(call.params), default=str)
    ]
    return {call.name for call in mine if call.service != "events"} <= notes


# Create


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        (
            FREE_TIER,
            {
                "CacheNodeType": "cache.t3.micro",
                "CacheParameterGroupName": "default.redis6.x",
                "NumNodeGroups": 1,
                "ReplicasPerNodeGroup": 0,
                "AutomaticFailoverEnabled": False,
                "MultiAZEnabled": False,
            },
        ),
        (
            HIGHLY_AVAILABLE,
            {
                "CacheNodeType": "cache.t3.micro",
                "CacheParameterGroupName": "default.redis6.x",
                "NumNodeGroups": 1,
                "ReplicasPerNodeGroup": 1,
                "AutomaticFailoverEnabled": True,
                "MultiAZEnabled": True,
            },
        ),
        (
            SHARDED_CLUSTER,
            {
                "CacheNodeType": "cache.r5.large",
                "CacheParameterGroupName": "default.redis6.x.cluster.on",
                "NumNodeGroups": 2,
                "ReplicasPerNodeGroup": 1,
                "AutomaticFailoverEnabled": True,
                "MultiAZEnabled": True,
            },
        ),
    ],
)
def test_each_preset_is_created_with_exactly_these_parameters(real, preset, expected):
    response = real.create(NAME, real.properties(preset))

    assert response.ok, response.reason
    (call,) = real.calls("elasticache:CreateReplicationGroup")
    sent = dict(call.params)
    (security_group,) = real.security_groups().values()
    marker = f"Custom::MassdriverRedis {real.stack_id.rsplit('/', 1)[1]}/Redis"
    assert sent.pop("AuthToken") == real.token(response.physical_id)
    assert {tag["Key"]: tag["Value"] for tag in sent.pop("Tags")} == {
        "massdriver-redis:owner": marker,
        "massdriver-redis:provider": PREFIX,
    }
    assert sent == {
        "ReplicationGroupId": response.physical_id,
        "ReplicationGroupDescription": marker,
        "Engine": "redis",
        "EngineVersion": "6.2",
        "CacheSubnetGroupName": f"{PREFIX}-{response.physical_id}",
        "SecurityGroupIds": [security_group["GroupId"]],
        "Port": 6379,
        "AtRestEncryptionEnabled": True,
        "TransitEncryptionEnabled": True,
        "SnapshotRetentionLimit": 7,
        "SnapshotWindow": "07:00-08:00",
        "PreferredMaintenanceWindow": "sun:09:00-sun:10:00",
        "AutoMinorVersionUpgrade": True,
        **expected,
    }


@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        (FREE_TIER, {"secure": False}),
        (FREE_TIER, {"redis_version": "4.0", "secure": False}),
        (FREE_TIER, {"redis_version": "5.0", "replicas": 2}),
        (HIGHLY_AVAILABLE, {"redis_version": "7.1", "node_type": "cache.r7g.large"}),
        (HIGHLY_AVAILABLE, {"engine": "valkey", "redis_version": "8.0"}),
        (SHARDED_CLUSTER, {"secure": False, "replicas": 0}),
        (SHARDED_CLUSTER, {"engine": "valkey", "redis_version": "9.1", "node_groups": 3}),
        (SHARDED_CLUSTER, {"redis_version": "5.0", "secure": True, "allow_vpc_access": False}),
    ],
)
def test_every_variant_is_created_as_asked_and_a_second_look_changes_nothing(stage, preset, changes):
    properties = stage.properties(preset, **changes)
    physical_id = stage.created(properties)
    group = stage.simulator.group(physical_id)

    assert group.engine == properties.get("engine", "redis")
    assert group.tls is properties["secure"] is bool(group.tokens)
    assert group.cluster_enabled is properties["cluster_mode_enabled"]
    assert {shard.replicas for shard in group.node_groups} == {properties["replicas"]}
    assert len(group.node_groups) == properties.get("node_groups", 1)
    assert bool(stage.secrets()) is properties["secure"]
    (security_group,) = stage.security_groups().values()
    assert bool(security_group["IpPermissions"]) is properties["allow_vpc_access"]
    assert stage.changed(properties).ok
    assert stage.wire.mutations() == []


def test_ingress_is_the_port_from_the_vpc_and_nothing_else(real):
    real.created()

    (group,) = real.security_groups().values()
    (rule,) = group["IpPermissions"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 6379, 6379)
    assert [item["CidrIp"] for item in rule["IpRanges"]] == ["10.1.0.0/16"]


def test_with_all_subnets_in_one_zone_multi_az_is_off_and_a_warning_says_so():
    with Stage(zones="aa", real=True) as stage:
        response = stage.create(NAME, stage.properties(HIGHLY_AVAILABLE))

        assert response.ok
        assert "Multi-AZ is left off" in response.data["warnings"]
        assert "Multi-AZ is left off" in stage.logs.getvalue()
        assert stage.group(response.physical_id)["MultiAZ"] == "disabled"


def test_private_subnets_are_used_when_asked_for(stage):
    vpc = stage.vpc(internal=stage.cloud.subnets[:1], private=stage.cloud.subnets[1:])

    stage.created(subnet_type="private", vpc=vpc)

    (shown,) = stage.elasticache.describe_cache_subnet_groups()["CacheSubnetGroups"]
    assert {each["SubnetIdentifier"] for each in shown["Subnets"]} == set(stage.cloud.subnets[1:])


def test_without_a_password_attribute_the_token_stays_in_its_secret(stage):
    response = stage.create(NAME, stage.properties(password_attribute=False))

    assert response.ok
    assert response.data["password"] == response.data["data.authentication.password"] == ""
    assert stage.token(response.physical_id) not in json.dumps(response.data)
    assert response.data["secret_arn"].startswith("arn:aws:secretsmanager:")


def test_an_insecure_cluster_has_no_password_and_no_secret(stage):
    response = stage.create(NAME, stage.properties(secure=False))

    assert (response.data["password"], response.data["secret_arn"]) == ("", "")
    assert stage.calls("secretsmanager:CreateSecret") == []


def test_an_engine_near_its_end_is_warned_of(stage):
    response = stage.create(NAME, stage.properties(redis_version="5.0"))

    assert "Extended Support" in response.data["warnings"]


# Engine versions on offer


def test_a_version_no_longer_sold_is_refused_at_once_naming_the_others(stage):
    response = stage.create(NAME, stage.properties(redis_version="3.2"))

    assert response.reason == (
        "redis_version: AWS no longer creates this redis version; choose one of 4.0, 5.0, 6.x, 7.0, 7.1"
    )
    assert (response.seconds, stage.wire.mutations()) == (0, [])
    assert stage.roll_back(NAME).ok


def test_without_permission_to_ask_for_versions_the_create_goes_on(stage):
    stage.wire.before = failing(
        "elasticache:DescribeCacheEngineVersions", "AccessDenied", times=None, status=403
    )

    assert stage.create(NAME, stage.properties()).ok


def test_without_that_permission_the_catalog_still_knows_what_is_not_sold(stage):
    stage.wire.before = failing(
        "elasticache:DescribeCacheEngineVersions", "AccessDenied", times=None, status=403
    )

    response = stage.create(NAME, stage.properties(redis_version="3.2"))

    assert "no longer creates" in response.reason
    assert stage.writes() == []


# A create that AWS fails


def test_a_failed_create_tells_what_aws_s_events_tell(stage):
    stage.simulator.fail_next_create("Insufficient free IP addresses in the subnets.")

    response = stage.create(NAME, stage.properties())

    assert response.reason == (
        "ElastiCache could not create it: Insufficient free IP addresses in the subnets. "
        "Fix the cause and deploy again"
    )
    assert stage.roll_back(NAME).ok
    assert stage.leftovers() == []


def test_a_failed_create_without_an_event_says_so(stage):
    stage.simulator.fail_next_create("Hm.")

    assert "no event tells why" in stage.create(NAME, stage.properties()).reason


def test_a_create_over_the_leftover_of_a_failed_one_starts_anew(stage):
    stage.simulator.fail_next_create("Cannot do it.")
    failed = stage.create(NAME, stage.properties())

    response = stage.create(NAME, stage.properties())

    assert response.ok, response.reason
    assert response.physical_id == failed.physical_id
    assert groups(stage) == [response.physical_id]


# Identity


def test_the_id_of_an_update_is_the_event_s_own_whatever_a_new_provider_would_compute(stage):
    old = "shop-redis-abcdefghij"
    made = stage.created()
    group = stage.simulator.group(made)
    assert made != old

    for changes in (
        {"vpc": stage.vpc(stage.cloud.subnets[:2])},
        {"replicas": 1},
        {"tags": {"team": "shop"}},
        {"snapshot_window": "03:00-04:00"},
    ):
        response = stage.changed(stage.properties(**changes))
        assert response.ok, response.reason
        assert response.physical_id == made
    assert stage.simulator.group(made) is group


def test_a_failed_update_carries_the_event_s_own_id(stage):
    physical_id = stage.created()

    assert stage.changed(stage.properties(**REPLACED, redis_version="3.2")).physical_id == physical_id


def test_an_update_of_something_that_never_was_says_what_to_do(stage):
    failed = stage.create(NAME, stage.properties(node_type="cache.t3.mikro"))

    response = stage.changed(stage.properties())

    assert response.physical_id == failed.physical_id
    assert "nothing was ever made. Remove the resource" in response.reason


def test_an_update_of_a_lost_cluster_says_what_to_do_and_writes_nothing(stage):
    physical_id = stage.created()
    stage.elasticache.delete_replication_group(ReplicationGroupId=physical_id)
    stage.clock.advance(60)

    response = stage.changed(stage.properties(replicas=1))

    assert f"replication group {physical_id} was not found" in response.reason
    assert stage.writes() == []


# What isn't ours


def foreign_group(stage, physical_id):
    stage.cloud.make_subnet_group()
    stage.elasticache.create_replication_group(**stage.cloud.request(ReplicationGroupId=physical_id))


def foreign_subnet_group(stage, physical_id):
    stage.cloud.make_subnet_group(f"{PREFIX}-{physical_id}")


def foreign_security_group(stage, physical_id):
    stage.cloud.make_security_group(stage.cloud.vpc, f"{PREFIX}-{physical_id}")


def foreign_secret(stage, physical_id):
    client("secretsmanager").create_secret(Name=f"{PREFIX}-{physical_id}", SecretString="theirs")


@pytest.mark.parametrize(
    ("what", "make"),
    [
        ("replication group", foreign_group),
        ("subnet group", foreign_subnet_group),
        ("security group", foreign_security_group),
        ("secret", foreign_secret),
    ],
)
def test_something_of_the_same_name_is_never_touched(real, what, make):
    physical_id = real.created()
    assert real.delete(NAME).ok
    client("secretsmanager").delete_secret(
        SecretId=f"{PREFIX}-{physical_id}", ForceDeleteWithoutRecovery=True
    )
    make(real, physical_id)
    left = real.leftovers()
    real.wire.clear()

    response = real.create(NAME, real.properties())
    rolled_back = real.roll_back(NAME)

    assert not response.ok
    assert f"a {what} named for {physical_id} exists and isn't this resource's" in response.reason
    assert response.physical_id.startswith("none:")
    assert rolled_back.ok
    assert real.writes() == []
    assert real.leftovers() == left


def test_a_namesake_that_appears_half_way_stays_and_what_was_made_goes(real):
    physical_id = real.created()
    real.delete(NAME)

    def meanwhile(call, _index):
        if call.name == "elasticache:CreateReplicationGroup":
            real.wire.before = None
            foreign_group(real, physical_id)

    real.wire.before = meanwhile
    response = real.create(NAME, real.properties())

    assert "isn't this resource's" in response.reason
    assert real.roll_back(NAME).ok
    assert groups(real) == [physical_id]
    assert list(real.security_groups()) == []
    assert real.secrets() == []


def test_an_update_never_touches_a_cluster_of_another_owner(stage):
    physical_id = stage.created()
    request = stage.prepare("Update", stage.properties(replicas=1))
    request.event = {**request.event, "LogicalResourceId": "Other"}

    stage.invoke(request.event)

    assert not request.response.ok
    assert "isn't this resource's" in request.response.reason
    assert request.response.physical_id == physical_id
    assert stage.wire.mutations() == []


def test_a_create_over_a_cluster_that_was_handed_over_leaves_it_alone(stage):
    physical_id = stage.created()

    response = stage.create(NAME, stage.properties())

    assert f"{physical_id} still exists from an earlier deployment" in response.reason
    assert response.physical_id.startswith("none:")
    assert stage.roll_back(NAME).ok
    assert groups(stage) == [physical_id]
    assert stage.writes() == []


# Replacement


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("secure", {"secure": False}),
        ("cluster_mode_enabled", {"cluster_mode_enabled": True, "replicas": 1}),
        ("md_metadata.name_prefix", {"md_metadata": {"name_prefix": "other"}}),
    ],
)
def test_a_create_only_change_is_refused_with_the_way_out(stage, name, change):
    physical_id = stage.created()

    response = stage.changed(stage.properties(**change))

    assert response.reason == (
        f"{name}: can't change on a live cluster. Restore the old value, or set "
        "allow_replacement: true for a new, empty cluster in its place"
    )
    assert response.physical_id == physical_id
    assert stage.wire.mutations() == []


def test_other_subnets_of_another_type_are_a_create_only_change(stage):
    vpc = stage.vpc(stage.cloud.subnets[:1], stage.cloud.subnets[1:])
    stage.created(vpc=vpc)

    response = stage.changed(stage.properties(vpc=vpc, subnet_type="private"))

    assert response.reason.startswith("subnet_type: can't change on a live cluster")


def test_all_other_subnets_at_once_are_refused_with_the_way_there(stage):
    stage.created(vpc=stage.vpc(stage.cloud.subnets[:1]))

    response = stage.changed(stage.properties(vpc=stage.vpc(stage.cloud.subnets[1:])))

    assert "add the new ones beside the old in one update" in response.reason
    assert stage.wire.mutations() == []


def test_a_replacement_is_complete_before_the_old_cluster_goes(stage):
    original = stage.created()
    stage.wire.clear()

    response = stage.update(NAME, stage.properties(**REPLACED), clean_up=False)

    assert response.ok, response.reason
    assert response.physical_id != original
    assert untouched(stage, original)
    assert groups(stage) == sorted([original, response.physical_id])
    assert stage.group(response.physical_id)["Status"] == "available"
    stage.clean_up(NAME)
    assert groups(stage) == [response.physical_id]
    assert len(stage.snapshots()) == 1
    assert len(stage.security_groups()) == 1
    assert stage.armed() == []


def test_a_replacement_that_fails_leaves_the_original_and_nothing_else(stage):
    original = stage.created()
    stage.simulator.fail_next_create("Cannot do it.")

    response = stage.changed(stage.properties(**REPLACED))

    assert not response.ok
    assert response.physical_id == original
    assert len(groups(stage)) == 2
    rolled_back = stage.roll_back(NAME)
    assert rolled_back.ok, rolled_back.reason
    assert rolled_back.physical_id == original
    assert groups(stage) == [original]
    assert len(stage.security_groups()) == len(stage.secrets()) == 1
    assert len(stage.simulator.leftovers()) == 2
    assert stage.snapshots() == []
    assert stage.armed() == []


@pytest.mark.parametrize(
    "step",
    ["ec2:CreateSecurityGroup", "elasticache:CreateCacheSubnetGroup", "elasticache:CreateReplicationGroup"],
)
def test_a_replacement_that_stops_at_any_step_leaves_nothing_after_the_rollback(stage, step):
    original = stage.created(secure=False)
    stage.wire.before = failing(step, "InvalidParameterValue", times=None)

    assert not stage.changed(stage.properties(secure=True, allow_replacement=True)).ok
    stage.wire.before = None

    assert stage.roll_back(NAME).ok
    assert groups(stage) == [original]
    assert len(stage.security_groups()) == 1
    assert stage.secrets(deleted=True) == []


@pytest.mark.parametrize("status", ["is known", "is denied"])
def test_a_replacement_that_fails_after_its_cluster_was_marked_as_handed_over_is_taken_back(stage, status):
    original = stage.created(secure=False)
    handed_over = []

    def meanwhile(call, _index):
        handed_over.extend(tag["Key"] for tag in call.params.get("Tags", []) if "handed-over" in tag["Key"])
        if handed_over and call.name == "secretsmanager:GetSecretValue":
            raise client_error("AccessDeniedException", operation=call.operation)

    stage.wire.before = meanwhile
    assert not stage.changed(stage.properties(secure=True, allow_replacement=True)).ok
    assert len(groups(stage)) == 2
    denied = failing("cloudformation:DescribeStacks", "AccessDenied", times=None, status=403)
    stage.wire.before = denied if status == "is denied" else None

    assert stage.roll_back(NAME).ok
    assert groups(stage) == [original]
    assert len(stage.security_groups()) == 1
    assert stage.secrets() == []


def test_a_replacement_out_of_time_is_taken_back_while_it_is_still_being_made():
    with Stage(replace(BRISK, create=250)) as stage:
        original = stage.created()

        response = stage.changed(stage.properties(**REPLACED, ServiceTimeout=200))

        assert "Out of time" in response.reason
        assert stage.roll_back(NAME).ok
        assert groups(stage) == [original]
        assert len(stage.security_groups()) == 1


def test_a_replacement_cancelled_under_way_is_stopped_and_taken_back():
    with Stage(replace(BRISK, create=100)) as stage:
        original = stage.created()
        replacing = stage.properties(**REPLACED)
        cancelled = stage.prepare("Update", replacing)
        assert stage.invoke(cancelled.event)["status"] == "PENDING"
        stage.resources[NAME].properties = stringified(replacing)
        swapped = stage.prepare("Update", stage.properties())

        response = stage.run_from(swapped)

        assert response.ok, response.reason
        assert response.physical_id == original
        assert cancelled.puts == []
        assert groups(stage) == [original]
        assert len(stage.security_groups()) == 1
        assert stage.armed() == []


def test_a_replacement_finished_when_the_stack_had_cancelled_it_is_taken_back(stage):
    original = stage.created()
    assert stage.update(NAME, stage.properties(**REPLACED), clean_up=False).ok
    stage.resources[NAME].physical_id = original  # the answer came too late

    response = stage.roll_back(NAME)

    assert response.ok, response.reason
    assert response.physical_id == original
    assert groups(stage) == [original]
    assert len(stage.security_groups()) == 1


def test_a_copy_of_a_replacement_that_comes_after_its_clean_up_is_silent(stage):
    stage.created()
    replacing = stage.properties(**REPLACED)
    update = stage.prepare("Update", replacing)
    response = stage.run_from(update)
    stage.resources[NAME].physical_id = response.physical_id
    assert stage.clean_up(NAME).ok

    assert stage.invoke(update.event)["status"] == "SILENT"

    assert len(update.puts) == 1


def rolled_back_after_a_finished_replacement(stage, **drift):
    """Return the original's id and the response to the swapped update, clean-up left to the caller."""
    original = stage.created()
    assert stage.update(NAME, stage.properties(**REPLACED), clean_up=False).ok
    if drift:
        client("ec2").revoke_security_group_ingress(
            GroupId=stage.security_groups()[f"{PREFIX}-{original}"]["GroupId"],
            IpPermissions=stage.security_groups()[f"{PREFIX}-{original}"]["IpPermissions"],
        )
    stage.wire.clear()
    return original, stage.roll_back(NAME)


def test_the_rollback_of_a_finished_replacement_lands_on_the_original_untouched(real):
    original, response = rolled_back_after_a_finished_replacement(real)

    assert response.ok, response.reason
    assert response.physical_id == original
    assert untouched(real, original)
    assert groups(real) == [original]
    assert len(real.security_groups()) == 1


def test_the_rollback_of_a_replacement_heals_an_original_that_was_changed_by_hand(stage):
    original, response = rolled_back_after_a_finished_replacement(stage, drift=True)

    assert response.ok, response.reason
    assert response.physical_id == original
    assert stage.security_groups()[f"{PREFIX}-{original}"]["IpPermissions"]


def test_where_the_stack_s_status_is_denied_a_replacement_s_rollback_fails_and_touches_nothing(stage):
    original = stage.created()
    assert stage.update(NAME, stage.properties(**REPLACED), clean_up=False).ok
    stage.wire.before = failing("cloudformation:DescribeStacks", "AccessDenied", times=None, status=403)

    response = stage.roll_back(NAME)

    assert not response.ok
    assert f"{original} still exists" in response.reason
    assert "taken as not rolling back" in stage.logs.getvalue()
    assert len(groups(stage)) == 2


def test_a_replacement_onto_a_cluster_that_still_exists_is_refused(stage):
    original = stage.created()
    assert stage.update(NAME, stage.properties(**REPLACED), clean_up=False).ok
    stage.wire.clear()

    response = stage.update(NAME, stage.properties(allow_replacement=True), clean_up=False)

    assert f"{original} still exists from an earlier deployment" in response.reason
    assert stage.wire.mutations() == []


def test_a_replacement_onto_a_cluster_that_is_being_deleted_waits_and_then_makes_it_anew(stage):
    original = stage.created()
    assert stage.update(NAME, stage.properties(**REPLACED), clean_up=False).ok
    before = stage.simulator.group(original)
    stage.elasticache.delete_replication_group(ReplicationGroupId=original)

    response = stage.update(NAME, stage.properties(allow_replacement=True), clean_up=False)

    assert response.ok, response.reason
    assert response.physical_id == original
    assert stage.simulator.group(original) is not before


def test_a_rollback_onto_a_cluster_that_is_being_deleted_fails_and_touches_nothing(stage):
    original = stage.created()
    assert stage.update(NAME, stage.properties(**REPLACED), clean_up=False).ok
    stage.elasticache.delete_replication_group(ReplicationGroupId=original)
    stage.wire.clear()

    response = stage.roll_back(NAME)

    assert not response.ok
    assert f"{original} still exists" in response.reason
    assert stage.writes() == []


def test_a_replacement_tried_again_over_its_own_failed_try_starts_anew(stage):
    stage.created()
    replacing = stage.properties(**REPLACED)
    stage.simulator.fail_next_create("Cannot do it.")
    assert not stage.changed(replacing).ok
    (failed,) = [group.id for group in stage.simulator.groups() if group.status == "create-failed"]
    stage.resources[NAME].properties = stringified(stage.properties())

    response = stage.changed(replacing)

    assert response.ok, response.reason
    assert response.physical_id == failed
    assert groups(stage) == [failed]


def test_a_replacement_onto_a_namesake_of_another_owner_is_refused(real):
    original = real.created()
    assert real.changed(real.properties(**REPLACED)).ok
    client("secretsmanager").delete_secret(SecretId=f"{PREFIX}-{original}", ForceDeleteWithoutRecovery=True)
    foreign_security_group(real, original)
    real.wire.clear()

    response = real.changed(real.properties(allow_replacement=True))

    assert f"a security group named for {original} exists and isn't this resource's" in response.reason
    assert real.writes() == []


def test_there_and_back_again_ends_with_one_cluster(stage):
    original = stage.created()
    assert stage.changed(stage.properties(**REPLACED)).ok

    response = stage.changed(stage.properties(allow_replacement=True))

    assert response.ok, response.reason
    assert response.physical_id == original
    assert groups(stage) == [original]
    assert len(stage.security_groups()) == len(stage.secrets()) == 1


# Never, whatever is allowed


def test_another_region_is_refused_before_any_write(real):
    real.created()
    moved = put(real.properties(), "vpc.specs.aws.region", "us-west-2")
    infrastructure = moved["vpc"]["data"]["infrastructure"]
    moved["vpc"]["data"]["infrastructure"] = json.loads(
        json.dumps(infrastructure).replace("us-east-1", "us-west-2")
    )

    response = real.changed(moved)

    assert "specs.aws.region: a cluster can't move to another region" in response.reason
    assert real.wire.mutations() == []


def test_another_account_s_role_is_refused_before_any_write(real):
    real.created(aws_authentication=authentication("us-east-1"))
    other = authentication("us-east-1")
    other["data"]["arn"] = other["data"]["arn"].replace("123456789012", "210987654321")

    response = real.changed(real.properties(aws_authentication=other))

    assert "a cluster can't move to another account; restore the old role" in response.reason
    assert real.writes() == []
    assert real.armed() == []


def test_another_role_or_external_id_of_the_same_account_changes_nothing_else(stage):
    stage.created(aws_authentication=authentication("us-east-1"))
    other = authentication("us-east-1")
    other["data"] |= {"arn": other["data"]["arn"] + "2", "external_id": "another-external-id"}

    response = stage.changed(stage.properties(aws_authentication=other))

    assert response.ok
    assert stage.writes() == []


def test_valkey_can_not_go_back_to_redis_and_the_reason_says_how_to_move(stage):
    stage.created(engine="valkey", redis_version="8.0")

    response = stage.changed(stage.properties(engine="redis", redis_version="7.1"))

    assert "valkey can't go back to redis in place; make a second resource" in response.reason
    assert stage.wire.mutations() == []


# A rollback, and AWS's own upgrades


def test_an_upgrade_that_aws_made_by_itself_is_kept(stage):
    physical_id = stage.created(redis_version="7.0", node_type="cache.r5.large")
    stage.simulator.upgrade_engine(physical_id, "7.1.0")
    stage.clock.advance(3600)

    response = stage.changed(stage.properties(redis_version="7.0", node_type="cache.r5.large"))

    assert response.ok, response.reason
    assert "newer than redis_version and was kept" in response.data["warnings"]
    assert response.data["specs.cache.version"] == "7.1.0"


def test_an_upgrade_done_is_kept_by_the_rollback_which_succeeds_with_a_warning(stage):
    physical_id = stage.created(redis_version="6.x")
    assert stage.update(NAME, stage.properties(redis_version="7.1"), clean_up=False).ok

    response = stage.roll_back(NAME)

    assert response.ok, response.reason
    assert "newer than redis_version and was kept" in response.data["warnings"]
    assert stage.simulator.group(physical_id).version == "7.1.0"


# Roles


def test_the_user_s_role_makes_the_cluster_and_the_function_s_own_polls(stage):
    stage.created(aws_authentication=authentication("us-east-1"))
    assert stage.group(stage.resources[NAME].physical_id)["Status"] == "available"

    def denied(call, _index):
        if call.operation == "AssumeRole":
            raise client_error("AccessDenied", status=403)

    stage.wire.before = denied
    response = stage.changed(stage.properties(aws_authentication=authentication("us-east-1"), replicas=1))

    assert response.reason.startswith("aws_authentication.data.arn: the role can't be assumed")
    assert stage.writes() == []
    assert stage.armed() == []
