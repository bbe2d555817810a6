"""Create and Update: whose the cluster is, which one is meant, replacement and its way back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from massdriver_redis.state.naming import Owner
from tests.harness.cloudformation import PREFIX, KilledError
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
from tests.harness.stack import BRISK, NAME, StackUnderTest, failing

REPLACED = {"secure": False, "allow_replacement": True}
"""A create-only change that may make a new cluster."""


def groups(stack):
    return sorted(group.id for group in stack.simulator.groups())


def untouched(stack, physical_id):
    """Return whether the only writes since the calls were forgotten were notes on the security group."""
    notes = {"ec2:CreateTags"}
    mine = [
        call
        for call in stack.recorder.mutations()
        if physical_id in json.dumps(dict(call.params), default=str)
    ]
    return {call.name for call in mine if call.service != "scheduler"} <= notes


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
    marker = Owner(real.stack_id, "Redis").marker
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
        (FREE_TIER, {"node_type": "cache.c7gn.large"}),
        (FREE_TIER, {"engine": "valkey", "redis_version": "7.2", "node_type": "cache.m8g.large"}),
        (SHARDED_CLUSTER, {"secure": False, "replicas": 0}),
        (SHARDED_CLUSTER, {"engine": "valkey", "redis_version": "9.1", "node_groups": 3}),
        (SHARDED_CLUSTER, {"redis_version": "5.0", "secure": True, "allow_vpc_access": False}),
    ],
)
def test_every_variant_is_created_as_asked_and_a_second_look_changes_nothing(stack, preset, changes):
    properties = stack.properties(preset, **changes)
    physical_id = stack.created(properties)
    group = stack.simulator.group(physical_id)

    assert group.engine == properties.get("engine", "redis")
    assert group.tls is properties["secure"] is bool(group.tokens)
    assert group.cluster_enabled is properties["cluster_mode_enabled"]
    assert {shard.replicas for shard in group.node_groups} == {properties["replicas"]}
    assert len(group.node_groups) == properties.get("node_groups", 1)
    assert bool(stack.secrets()) is properties["secure"]
    (security_group,) = stack.security_groups().values()
    assert bool(security_group["IpPermissions"]) is properties["allow_vpc_access"]
    assert stack.changed(properties).ok
    assert stack.writes() == []


def test_ingress_is_the_port_from_the_vpc_and_nothing_else(real):
    real.created()

    (group,) = real.security_groups().values()
    (rule,) = group["IpPermissions"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 6379, 6379)
    assert [item["CidrIp"] for item in rule["IpRanges"]] == ["10.1.0.0/16"]


def test_with_all_subnets_in_one_zone_multi_az_is_off_and_a_warning_says_so():
    with StackUnderTest(zones="aa", real=True) as stack:
        response = stack.create(NAME, stack.properties(HIGHLY_AVAILABLE))

        assert response.ok
        assert "Multi-AZ is left off" in response.data["warnings"]
        assert "Multi-AZ is left off" in stack.logs.getvalue()
        assert stack.group(response.physical_id)["MultiAZ"] == "disabled"


def test_private_subnets_are_used_when_asked_for(stack):
    vpc = stack.vpc(internal=stack.cloud.subnets[:1], private=stack.cloud.subnets[1:])

    stack.created(subnet_type="private", vpc=vpc)

    (shown,) = stack.elasticache.describe_cache_subnet_groups()["CacheSubnetGroups"]
    assert {each["SubnetIdentifier"] for each in shown["Subnets"]} == set(stack.cloud.subnets[1:])


def test_without_a_password_attribute_the_token_stays_in_its_secret(stack):
    response = stack.create(NAME, stack.properties(password_attribute=False))

    assert response.ok
    assert response.data["password"] == response.data["data.authentication.password"] == ""
    assert stack.token(response.physical_id) not in json.dumps(response.data)
    assert response.data["secret_arn"].startswith("arn:aws:secretsmanager:")


def test_an_insecure_cluster_has_no_password_and_no_secret(stack):
    response = stack.create(NAME, stack.properties(secure=False))

    assert (response.data["password"], response.data["secret_arn"]) == ("", "")
    assert stack.calls("secretsmanager:CreateSecret") == []


def test_an_engine_near_its_end_is_warned_of(stack):
    response = stack.create(NAME, stack.properties(redis_version="5.0"))

    assert "Extended Support" in response.data["warnings"]


# Engine versions on offer


def test_a_version_no_longer_sold_is_refused_at_once_naming_the_others(stack):
    response = stack.create(NAME, stack.properties(redis_version="3.2"))

    assert response.reason == (
        "redis_version: AWS doesn't offer redis 3.2 in this Region; choose one of 4.0, 5.0, 6.x, 7.0, 7.1"
    )
    assert (response.seconds, stack.writes()) == (0, [])
    assert stack.roll_back(NAME).ok


def test_a_node_type_of_valkey_alone_follows_the_upgrade_to_it(stack):
    physical_id = stack.created(redis_version="7.1", node_type="cache.r7g.large")

    response = stack.changed(
        stack.properties(engine="valkey", redis_version="8.0", node_type="cache.r8g.large")
    )

    assert response.ok, response.reason
    group = stack.simulator.group(physical_id)
    assert (group.engine, group.node_type) == ("valkey", "cache.r8g.large")
    modified = [call.params for call in stack.recorder.calls if call.operation == "ModifyReplicationGroup"]
    assert [("Engine" in each, "CacheNodeType" in each) for each in modified] == [
        (True, False),
        (False, True),
    ]


def test_without_permission_to_ask_for_versions_the_create_goes_on(stack):
    stack.recorder.before = failing(
        "elasticache:DescribeCacheEngineVersions", "AccessDenied", times=None, status=403
    )

    assert stack.create(NAME, stack.properties()).ok


def test_without_that_permission_the_catalog_still_knows_what_is_not_sold(stack):
    stack.recorder.before = failing(
        "elasticache:DescribeCacheEngineVersions", "AccessDenied", times=None, status=403
    )

    response = stack.create(NAME, stack.properties(redis_version="3.2"))

    assert "doesn't offer redis 3.2 in this Region" in response.reason
    assert stack.writes() == []


# A create that AWS fails


def test_a_failed_create_says_what_aws_s_events_say(stack):
    stack.simulator.fail_next_create("Insufficient free IP addresses in the subnets.")

    response = stack.create(NAME, stack.properties())

    assert response.reason == (
        "ElastiCache could not create it: Insufficient free IP addresses in the subnets. "
        "Fix the cause and deploy again"
    )
    assert stack.roll_back(NAME).ok
    assert stack.leftovers() == []


def test_a_failed_create_without_an_event_says_so(stack):
    stack.simulator.fail_next_create("Hm.")

    assert "no event says why" in stack.create(NAME, stack.properties()).reason


def test_a_create_over_the_leftover_of_a_failed_one_starts_again(stack):
    stack.simulator.fail_next_create("Cannot do it.")
    failed = stack.create(NAME, stack.properties())

    response = stack.create(NAME, stack.properties())

    assert response.ok, response.reason
    assert response.physical_id == failed.physical_id
    assert groups(stack) == [response.physical_id]


# Identity


def test_the_id_of_an_update_is_the_event_s_own_whatever_a_new_provider_would_compute(stack):
    old = "shop-redis-abcdefghij"
    made = stack.created()
    group = stack.simulator.group(made)
    assert made != old

    for changes in (
        {"vpc": stack.vpc(stack.cloud.subnets[:2])},
        {"replicas": 1},
        {"tags": {"team": "shop"}},
        {"snapshot_window": "03:00-04:00"},
    ):
        response = stack.changed(stack.properties(**changes))
        assert response.ok, response.reason
        assert response.physical_id == made
    assert stack.simulator.group(made) is group


def test_a_failed_update_carries_the_event_s_own_id(stack):
    physical_id = stack.created()

    assert stack.changed(stack.properties(**REPLACED, redis_version="3.2")).physical_id == physical_id


def test_an_update_of_something_that_never_was_says_what_to_do(stack):
    failed = stack.create(NAME, stack.properties(node_type="cache.t3.mikro"))

    response = stack.changed(stack.properties())

    assert response.physical_id == failed.physical_id
    assert "nothing was ever made. Remove the resource" in response.reason


def test_an_update_of_a_lost_cluster_says_what_to_do_and_writes_nothing(stack):
    physical_id = stack.created()
    stack.elasticache.delete_replication_group(ReplicationGroupId=physical_id)
    stack.clock.advance(60)

    response = stack.changed(stack.properties(replicas=1))

    assert f"replication group {physical_id} was not found" in response.reason
    assert stack.writes() == []


# What isn't ours


def foreign_group(stack, physical_id):
    stack.cloud.make_subnet_group()
    stack.elasticache.create_replication_group(**stack.cloud.request(ReplicationGroupId=physical_id))


def foreign_subnet_group(stack, physical_id):
    stack.cloud.make_subnet_group(f"{PREFIX}-{physical_id}")


def foreign_security_group(stack, physical_id):
    stack.cloud.make_security_group(stack.cloud.vpc, f"{PREFIX}-{physical_id}")


def foreign_secret(stack, physical_id):
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
    real.recorder.clear()

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
            real.recorder.before = None
            foreign_group(real, physical_id)

    real.recorder.before = meanwhile
    response = real.create(NAME, real.properties())

    assert "isn't this resource's" in response.reason
    assert real.roll_back(NAME).ok
    assert groups(real) == [physical_id]
    assert list(real.security_groups()) == []
    assert real.secrets() == []


def test_an_update_never_touches_a_cluster_of_another_owner(stack):
    physical_id = stack.created()
    request = stack.prepare("Update", stack.properties(replicas=1))
    url = stack._response_url("Other", request.id)
    request.event = {**request.event, "LogicalResourceId": "Other", "ResponseURL": url}

    stack.invoke(request.event)

    assert not request.response.ok
    assert "isn't this resource's" in request.response.reason
    assert request.response.physical_id == physical_id
    assert stack.writes() == []


def test_a_create_over_a_cluster_in_service_leaves_it_alone(stack):
    physical_id = stack.created()

    response = stack.create(NAME, stack.properties())

    assert f"{physical_id} still exists from an earlier deployment" in response.reason
    assert response.physical_id.startswith("none:")
    assert stack.roll_back(NAME).ok
    assert groups(stack) == [physical_id]
    assert stack.writes() == []


# Replacement


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("secure", {"secure": False}),
        ("cluster_mode_enabled", {"cluster_mode_enabled": True, "replicas": 1}),
        ("md_metadata.name_prefix", {"md_metadata": {"name_prefix": "other"}}),
    ],
)
def test_a_create_only_change_is_refused_with_the_way_out(stack, name, change):
    physical_id = stack.created()

    response = stack.changed(stack.properties(**change))

    assert response.reason == (
        f"{name}: can't change on a live cluster. Restore the old value, or set "
        "allow_replacement: true for a new, empty cluster in its place"
    )
    assert response.physical_id == physical_id
    assert stack.writes() == []


def test_other_subnets_of_another_type_are_a_create_only_change(stack):
    vpc = stack.vpc(stack.cloud.subnets[:1], stack.cloud.subnets[1:])
    stack.created(vpc=vpc)

    response = stack.changed(stack.properties(vpc=vpc, subnet_type="private"))

    assert response.reason.startswith("subnet_type: can't change on a live cluster")


def test_all_other_subnets_at_once_are_refused_with_the_way_there(stack):
    stack.created(vpc=stack.vpc(stack.cloud.subnets[:1]))

    response = stack.changed(stack.properties(vpc=stack.vpc(stack.cloud.subnets[1:])))

    assert "add the new ones to the old in one update" in response.reason
    assert stack.writes() == []


def test_a_replacement_is_complete_before_the_old_cluster_goes(stack):
    original = stack.created()
    stack.recorder.clear()

    response = stack.update(NAME, stack.properties(**REPLACED), clean_up=False)

    assert response.ok, response.reason
    assert response.physical_id != original
    assert untouched(stack, original)
    assert groups(stack) == sorted([original, response.physical_id])
    assert stack.group(response.physical_id)["Status"] == "available"
    stack.clean_up(NAME)
    assert groups(stack) == [response.physical_id]
    assert len(stack.snapshots()) == 1
    assert len(stack.security_groups()) == 1
    assert stack.armed() == []


def test_a_replacement_that_fails_leaves_the_original_and_nothing_else(stack):
    original = stack.created()
    stack.simulator.fail_next_create("Cannot do it.")

    response = stack.changed(stack.properties(**REPLACED))

    assert not response.ok
    assert response.physical_id == original
    assert len(groups(stack)) == 2
    rolled_back = stack.roll_back(NAME)
    assert rolled_back.ok, rolled_back.reason
    assert rolled_back.physical_id == original
    assert groups(stack) == [original]
    assert len(stack.security_groups()) == len(stack.secrets()) == 1
    assert len(stack.simulator.leftovers()) == 2
    assert stack.snapshots() == []
    assert stack.armed() == []


@pytest.mark.parametrize(
    "step",
    ["ec2:CreateSecurityGroup", "elasticache:CreateCacheSubnetGroup", "elasticache:CreateReplicationGroup"],
)
def test_a_replacement_that_stops_at_any_step_leaves_nothing_after_the_rollback(stack, step):
    original = stack.created(secure=False)
    stack.recorder.before = failing(step, "InvalidParameterValue", times=None)

    assert not stack.changed(stack.properties(secure=True, allow_replacement=True)).ok
    stack.recorder.before = None

    assert stack.roll_back(NAME).ok
    assert groups(stack) == [original]
    assert len(stack.security_groups()) == 1
    assert stack.secrets(deleted=True) == []


@pytest.mark.parametrize("status", ["is known", "is denied"])
def test_a_replacement_that_fails_after_its_cluster_was_marked_as_in_service_is_removed(stack, status):
    original = stack.created(secure=False)
    in_service = []

    def meanwhile(call, _index):
        in_service.extend(tag["Key"] for tag in call.params.get("Tags", []) if "in-service" in tag["Key"])
        if in_service and call.name == "secretsmanager:GetSecretValue":
            raise client_error("AccessDeniedException", operation=call.operation)

    stack.recorder.before = meanwhile
    assert not stack.changed(stack.properties(secure=True, allow_replacement=True)).ok
    assert len(groups(stack)) == 2
    denied = failing("cloudformation:DescribeStacks", "AccessDenied", times=None, status=403)
    stack.recorder.before = denied if status == "is denied" else None

    assert stack.roll_back(NAME).ok
    assert groups(stack) == [original]
    assert len(stack.security_groups()) == 1
    assert stack.secrets() == []


def test_a_replacement_that_timed_out_is_removed_while_it_is_still_being_made():
    with StackUnderTest(replace(BRISK, create=250)) as stack:
        original = stack.created()

        response = stack.changed(stack.properties(**REPLACED, ServiceTimeout=200))

        assert "Timed out" in response.reason
        assert stack.roll_back(NAME).ok
        assert groups(stack) == [original]
        assert len(stack.security_groups()) == 1


def test_a_replacement_cancelled_under_way_is_stopped_and_removed():
    with StackUnderTest(replace(BRISK, create=100)) as stack:
        original = stack.created()
        replacing = stack.properties(**REPLACED)
        cancelled = stack.prepare("Update", replacing)
        assert stack.invoke(cancelled.event)["status"] == "PENDING"
        stack.resources[NAME].properties = stringified(replacing)
        swapped = stack.prepare("Update", stack.properties())

        response = stack.run_from(swapped)

        assert response.ok, response.reason
        assert response.physical_id == original
        assert cancelled.puts == []
        assert groups(stack) == [original]
        assert len(stack.security_groups()) == 1
        assert stack.armed() == []


def test_a_replacement_finished_when_the_stack_had_cancelled_it_is_removed(stack):
    original = stack.created()
    assert stack.update(NAME, stack.properties(**REPLACED), clean_up=False).ok
    stack.resources[NAME].physical_id = original  # the answer came too late

    response = stack.roll_back(NAME)

    assert response.ok, response.reason
    assert response.physical_id == original
    assert groups(stack) == [original]
    assert len(stack.security_groups()) == 1


def test_a_copy_of_a_replacement_that_comes_after_its_clean_up_is_silent(stack):
    stack.created()
    replacing = stack.properties(**REPLACED)
    update = stack.prepare("Update", replacing)
    response = stack.run_from(update)
    stack.resources[NAME].physical_id = response.physical_id
    assert stack.clean_up(NAME).ok

    assert stack.invoke(update.event)["status"] == "IGNORED"

    assert len(update.puts) == 1


def rolled_back_after_a_finished_replacement(stack, **drift):
    """Return the original's id and the response to the swapped update, clean-up left to the caller."""
    original = stack.created()
    assert stack.update(NAME, stack.properties(**REPLACED), clean_up=False).ok
    if drift:
        client("ec2").revoke_security_group_ingress(
            GroupId=stack.security_groups()[f"{PREFIX}-{original}"]["GroupId"],
            IpPermissions=stack.security_groups()[f"{PREFIX}-{original}"]["IpPermissions"],
        )
    stack.recorder.clear()
    return original, stack.roll_back(NAME)


def test_the_rollback_of_a_finished_replacement_lands_on_the_original_untouched(real):
    original, response = rolled_back_after_a_finished_replacement(real)

    assert response.ok, response.reason
    assert response.physical_id == original
    assert untouched(real, original)
    assert groups(real) == [original]
    assert len(real.security_groups()) == 1


def test_the_rollback_of_a_replacement_heals_an_original_that_was_changed_out_of_band(stack):
    original, response = rolled_back_after_a_finished_replacement(stack, drift=True)

    assert response.ok, response.reason
    assert response.physical_id == original
    assert stack.security_groups()[f"{PREFIX}-{original}"]["IpPermissions"]


def test_where_the_stack_s_status_is_denied_a_replacement_s_rollback_fails_and_touches_nothing(stack):
    original = stack.created()
    assert stack.update(NAME, stack.properties(**REPLACED), clean_up=False).ok
    stack.recorder.before = failing("cloudformation:DescribeStacks", "AccessDenied", times=None, status=403)

    response = stack.roll_back(NAME)

    assert not response.ok
    assert f"{original} still exists" in response.reason
    assert "taken as in progress and not rolling back" in stack.logs.getvalue()
    assert len(groups(stack)) == 2


def test_a_replacement_onto_a_cluster_that_still_exists_is_refused(stack):
    original = stack.created()
    assert stack.update(NAME, stack.properties(**REPLACED), clean_up=False).ok
    stack.recorder.clear()

    response = stack.update(NAME, stack.properties(allow_replacement=True), clean_up=False)

    assert f"{original} still exists from an earlier deployment" in response.reason
    assert stack.writes() == []


def test_a_replacement_onto_a_cluster_that_is_being_deleted_waits_and_then_makes_it_again(stack):
    original = stack.created()
    assert stack.update(NAME, stack.properties(**REPLACED), clean_up=False).ok
    before = stack.simulator.group(original)
    stack.elasticache.delete_replication_group(ReplicationGroupId=original)

    response = stack.update(NAME, stack.properties(allow_replacement=True), clean_up=False)

    assert response.ok, response.reason
    assert response.physical_id == original
    assert stack.simulator.group(original) is not before


def test_a_rollback_onto_a_cluster_that_is_being_deleted_fails_and_touches_nothing(stack):
    original = stack.created()
    assert stack.update(NAME, stack.properties(**REPLACED), clean_up=False).ok
    stack.elasticache.delete_replication_group(ReplicationGroupId=original)
    stack.recorder.clear()

    response = stack.roll_back(NAME)

    assert not response.ok
    assert f"{original} still exists" in response.reason
    assert stack.writes() == []


def test_a_replacement_tried_again_over_its_own_failed_try_starts_again(stack):
    stack.created()
    replacing = stack.properties(**REPLACED)
    stack.simulator.fail_next_create("Cannot do it.")
    assert not stack.changed(replacing).ok
    (failed,) = [group.id for group in stack.simulator.groups() if group.status == "create-failed"]
    stack.resources[NAME].properties = stringified(stack.properties())

    response = stack.changed(replacing)

    assert response.ok, response.reason
    assert response.physical_id == failed
    assert groups(stack) == [failed]


def test_a_replacement_onto_a_namesake_of_another_owner_is_refused(real):
    original = real.created()
    assert real.changed(real.properties(**REPLACED)).ok
    client("secretsmanager").delete_secret(SecretId=f"{PREFIX}-{original}", ForceDeleteWithoutRecovery=True)
    foreign_security_group(real, original)
    real.recorder.clear()

    response = real.changed(real.properties(allow_replacement=True))

    assert f"a security group named for {original} exists and isn't this resource's" in response.reason
    assert real.writes() == []


def test_there_and_back_again_ends_with_one_cluster(stack):
    original = stack.created()
    assert stack.changed(stack.properties(**REPLACED)).ok

    response = stack.changed(stack.properties(allow_replacement=True))

    assert response.ok, response.reason
    assert response.physical_id == original
    assert groups(stack) == [original]
    assert len(stack.security_groups()) == len(stack.secrets()) == 1


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
    assert real.writes() == []


def test_another_account_s_role_is_refused_before_any_write(real):
    real.created(aws_authentication=authentication("us-east-1"))
    other = authentication("us-east-1")
    other["data"]["arn"] = other["data"]["arn"].replace("123456789012", "210987654321")

    response = real.changed(real.properties(aws_authentication=other))

    assert "a cluster can't move to another account; restore the old role" in response.reason
    assert real.writes() == []
    assert real.armed() == []


def test_another_role_or_external_id_of_the_same_account_changes_nothing_else(stack):
    stack.created(aws_authentication=authentication("us-east-1"))
    other = authentication("us-east-1")
    other["data"] |= {"arn": other["data"]["arn"] + "2", "external_id": "another-external-id"}

    response = stack.changed(stack.properties(aws_authentication=other))

    assert response.ok
    assert set(stack.writes()) == {"ec2:CreateTags"}  # on record as accepted and answered


def test_valkey_can_not_go_back_to_redis_and_the_reason_says_how_to_move(stack):
    stack.created(engine="valkey", redis_version="8.0")

    response = stack.changed(stack.properties(engine="redis", redis_version="7.1"))

    assert "valkey can't go back to redis in place; make a second resource" in response.reason
    assert stack.writes() == []


# A rollback, and AWS's own upgrades


def test_an_upgrade_that_aws_made_by_itself_is_kept(stack):
    physical_id = stack.created(redis_version="7.0", node_type="cache.r5.large")
    stack.simulator.upgrade_engine(physical_id, "7.1.0")
    stack.clock.advance(3600)

    response = stack.changed(stack.properties(redis_version="7.0", node_type="cache.r5.large"))

    assert response.ok, response.reason
    assert "newer than redis_version and was kept" in response.data["warnings"]
    assert response.data["specs.cache.version"] == "7.1.0"


def test_an_upgrade_done_is_kept_by_the_rollback_which_succeeds_with_a_warning(stack):
    physical_id = stack.created(redis_version="6.x")
    assert stack.update(NAME, stack.properties(redis_version="7.1"), clean_up=False).ok

    response = stack.roll_back(NAME)

    assert response.ok, response.reason
    assert "newer than redis_version and was kept" in response.data["warnings"]
    assert stack.simulator.group(physical_id).version == "7.1.0"


# Roles


def test_the_user_s_role_makes_the_cluster_and_the_function_s_own_polls(stack):
    stack.created(aws_authentication=authentication("us-east-1"))
    assert stack.group(stack.resources[NAME].physical_id)["Status"] == "available"

    def denied(call, _index):
        if call.operation == "AssumeRole":
            raise client_error("AccessDenied", status=403)

    stack.recorder.before = denied
    response = stack.changed(stack.properties(aws_authentication=authentication("us-east-1"), replicas=1))

    assert response.reason.startswith("aws_authentication.data.arn: the role can't be assumed")
    assert stack.writes() == []
    assert stack.armed() == []


def test_a_create_whose_role_can_not_be_assumed_says_that_nothing_was_made(stack):
    stack.recorder.before = failing("sts:AssumeRole", "AccessDenied", times=None)

    response = stack.create(NAME, stack.properties(aws_authentication=authentication("us-east-1")))

    assert response.reason.startswith("aws_authentication.data.arn: the role can't be assumed")
    assert response.physical_id.startswith("none:")
    assert stack.roll_back(NAME).ok
    assert stack.leftovers() == []


def test_a_copy_of_a_create_whose_role_can_no_longer_be_assumed_does_not_say_so(stack):
    request = stack.prepare("Create", stack.properties(aws_authentication=authentication("us-east-1")))
    died = []

    def die(call, _index):
        if call.operation == "CreateSecret" and not died:
            died.append(call)
            raise KilledError

    stack.recorder.before = die
    with pytest.raises(KilledError):
        stack.invoke(request.event)
    stack.recorder.before = failing("sts:AssumeRole", "AccessDenied", times=None)

    response = stack.run_from(request)

    assert response.physical_id.startswith("unknown:")
    stack.recorder.before = None
    stack.resources[NAME].physical_id = response.physical_id
    assert stack.delete(NAME).ok
    assert stack.leftovers() == []


# What was changed out of band


@pytest.mark.parametrize("allowed", [False, True])
def test_tls_that_was_turned_off_out_of_band_is_named_with_the_way_out(stack, allowed):
    physical_id = stack.created()
    stack.simulator.out_of_band(physical_id).encrypt("")
    stack.clock.advance(60)

    response = stack.changed(stack.properties(tags={"a": "b"}, allow_replacement=allowed))

    assert response.reason.startswith("secure: TLS was disabled out of band; enable it again")
    assert stack.writes() == []


def test_cluster_mode_that_was_turned_on_out_of_band_is_named_with_the_way_out(stack):
    physical_id = stack.created()
    stack.simulator.out_of_band(physical_id).set_cluster_mode("enabled")
    stack.clock.advance(60)

    response = stack.changed(stack.properties(tags={"a": "b"}))

    assert response.reason.startswith("cluster_mode_enabled: the live cluster's mode was changed out of band")
    assert "set cluster_mode_enabled: true" in response.reason


def test_a_rollback_that_times_out_says_how_it_is_continued():
    with StackUnderTest(replace(BRISK, node_type=2000)) as stack:
        stack.created()
        assert not stack.changed(stack.properties(node_type="cache.t3.small", ServiceTimeout=300)).ok
        stack.resources[NAME].before = (
            stack.resources[NAME].physical_id,
            stringified(stack.properties(ServiceTimeout=300)),
        )

        response = stack.roll_back(NAME)

        assert "the stack is now UPDATE_ROLLBACK_FAILED" in response.reason
        assert response.reason.endswith("run aws cloudformation continue-update-rollback")


def test_a_cluster_retained_from_before_stays_when_the_resource_is_updated(stack):
    retained = stack.created(secure=False)
    current = stack.created()

    assert stack.changed(stack.properties(tags={"team": "shop"})).ok

    assert groups(stack) == sorted([retained, current])
