"""Delete: it trusts the id and the marker, takes nothing that isn't ours, and always ends."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from massdriver_redis.state.record import HANDED_OVER
from tests.harness.cloudformation import PREFIX, KilledError
from tests.harness.moto_aws import client
from tests.harness.recorder import client_error
from tests.harness.samples import authentication
from tests.harness.stack import BRISK, NAME, Stage, failing

INVENTED = "shop-Redis-1OPG6JWK4V6NX"
"""What CloudFormation makes up when it deletes what it was still creating."""


def deletions(stage):
    return [name for name in stage.writes() if "Delete" in name]


# Order and what counts as left


def test_a_delete_goes_group_subnet_group_security_group_secret_and_leaves_nothing(real):
    real.created()

    assert real.delete(NAME).ok

    assert list(dict.fromkeys(deletions(real))) == [
        "elasticache:DeleteReplicationGroup",
        "elasticache:DeleteCacheSubnetGroup",
        "ec2:DeleteSecurityGroup",
        "secretsmanager:DeleteSecret",
    ]
    assert real.leftovers() == []


def test_each_thing_goes_only_once_the_one_before_it_is_gone(stage):
    physical_id = stage.created()
    seen = []

    def watch(call, _index):
        if call.name == "elasticache:DeleteCacheSubnetGroup":
            seen.append([group.id for group in stage.simulator.groups()])

    stage.wire.before = watch
    assert stage.delete(NAME).ok

    assert seen == [[]]
    assert physical_id not in str(stage.simulator.leftovers())


def test_a_delete_is_accepted_on_record_before_its_first_step(stage):
    stage.created()

    stage.delete(NAME)

    assert stage.writes()[:2] == ["ec2:CreateTags", "elasticache:DeleteReplicationGroup"]


def test_what_is_gone_already_is_a_success(stage):
    stage.created()
    assert stage.delete(NAME).ok

    again = stage.delete(NAME)

    assert again.ok
    assert (again.seconds, again.polls) == (0, 0)


def test_a_create_that_made_nothing_has_nothing_to_delete(stage):
    failed = stage.create(NAME, stage.properties(node_type="cache.t3.mikro"))
    assert failed.physical_id.startswith("none:")
    stage.wire.clear()

    assert stage.roll_back(NAME).ok

    assert {call.name for call in stage.wire.calls} <= {"events:ListRules"}  # the test's own


@pytest.mark.parametrize("gone", ["group", "subnet group", "security group", "secret"])
def test_what_was_deleted_by_hand_is_not_missed(stage, gone):
    physical_id = stage.created()
    name = f"{PREFIX}-{physical_id}"
    if gone == "secret":
        client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    else:
        stage.elasticache.delete_replication_group(ReplicationGroupId=physical_id)
        stage.clock.advance(60)
    if gone == "subnet group":
        stage.elasticache.delete_cache_subnet_group(CacheSubnetGroupName=name)
    if gone == "security group":
        stage.ec2.delete_security_group(GroupId=stage.security_groups()[name]["GroupId"])

    assert stage.delete(NAME).ok

    assert stage.leftovers() == []


# Final snapshot


def test_a_final_snapshot_is_taken_and_named_for_the_group_and_the_request(stage):
    physical_id = stage.created()

    response = stage.delete(NAME)

    assert stage.snapshots() == [
        f"{physical_id[:25].rstrip('-')}-{response.request_id.replace('-', '')[:12]}"
    ]


def test_the_longest_id_still_gets_its_final_snapshot(stage):
    stage.created(md_metadata={"name_prefix": "a-prefix-as-long-as-it-may-be"})

    assert stage.delete(NAME).ok

    assert len(stage.snapshots()) == 1


def test_a_group_whose_creation_failed_goes_without_a_snapshot_and_with_its_token(stage):
    stage.simulator.fail_next_create("no")
    assert not stage.create(NAME, stage.properties()).ok

    assert stage.roll_back(NAME).ok

    assert stage.leftovers() == []
    assert stage.snapshots() == []
    assert stage.secrets(deleted=True) == []


def test_a_group_that_never_answered_success_goes_without_a_snapshot_and_with_its_token():
    with Stage(replace(BRISK, create=300)) as stage:
        assert not stage.create(NAME, stage.properties(ServiceTimeout=200)).ok
        del stage.resources[NAME].properties["ServiceTimeout"]

        assert stage.roll_back(NAME).ok

        assert stage.leftovers() == []
        assert stage.snapshots() == []
        assert stage.secrets(deleted=True) == []


def test_a_snapshot_of_another_time_under_the_same_name_is_not_taken_for_ours(stage):
    physical_id = stage.created()
    request = stage.prepare("Delete")
    name = f"{physical_id[:25].rstrip('-')}-{request.id.replace('-', '')[:12]}"
    stage.elasticache.create_snapshot(ReplicationGroupId=physical_id, SnapshotName=name)
    stage.clock.advance(300)
    now = datetime.fromtimestamp(stage.clock.now(), UTC)
    url = re.sub("X-Amz-Date=[^&]*", f"X-Amz-Date={now:%Y%m%dT%H%M%SZ}", request.event["ResponseURL"])
    request.event = {**request.event, "ResponseURL": url}

    stage.invoke(request.event)

    assert sorted(stage.snapshots()) == [name, f"{name}-2"]


def test_a_snapshot_made_by_this_very_delete_is_not_taken_twice(stage):
    stage.created()
    refused = []

    def busy(call, _index):
        if call.name == "elasticache:DeleteReplicationGroup" and not refused:
            refused.append(call)
            name = call.params["FinalSnapshotIdentifier"]
            group = call.params["ReplicationGroupId"]
            stage.elasticache.create_snapshot(ReplicationGroupId=group, SnapshotName=name)
            raise client_error("InternalFailure", status=500)

    stage.wire.before = busy

    assert stage.delete(NAME).ok

    assert len(stage.snapshots()) == 1
    assert stage.leftovers() == []


def test_where_snapshots_are_unsupported_the_group_goes_without(stage):
    stage.simulator.forbid_snapshots(stage.created())

    assert stage.delete(NAME).ok

    assert stage.snapshots() == []
    assert "deleted without a final snapshot" in stage.logs.getvalue()


def test_where_no_more_snapshots_fit_the_delete_fails_and_the_data_stays(stage):
    physical_id = stage.created()
    stage.wire.before = failing("elasticache:DeleteReplicationGroup", "SnapshotQuotaExceededFault")

    response = stage.delete(NAME)

    assert not response.ok
    assert "SnapshotQuotaExceededFault" in response.reason
    assert stage.simulator.group(physical_id).status == "available"
    assert stage.delete(NAME).ok


# The token's secret


def test_the_token_of_a_cluster_in_use_is_kept_for_its_recovery_window(stage):
    physical_id = stage.created()

    stage.delete(NAME)

    (deleted,) = stage.calls("secretsmanager:DeleteSecret")
    assert deleted.params["RecoveryWindowInDays"] == 30
    assert "ForceDeleteWithoutRecovery" not in deleted.params
    assert stage.secrets(deleted=True) == [f"{PREFIX}-{physical_id}"]


def test_a_cluster_made_again_under_the_same_id_gets_its_token_back(real):
    physical_id = real.created()
    token = real.token(physical_id)
    real.delete(NAME)

    response = real.create(NAME, real.properties())

    assert response.ok
    assert response.physical_id == physical_id
    assert response.data["password"] == token == real.simulator.auth_token(physical_id)


# What is busy


@pytest.mark.parametrize("status", ["modifying", "snapshotting"])
def test_a_busy_group_is_waited_for(stage, status):
    stage.simulator.maintenance(stage.created(), status, seconds=100)

    response = stage.delete(NAME)

    assert response.ok
    assert response.seconds >= 100
    assert stage.leftovers() == []


def test_a_group_that_is_being_created_is_waited_for():
    with Stage(replace(BRISK, create=100)) as stage:
        request = stage.prepare("Create", stage.properties())
        stage.resources[NAME].physical_id = stage.invoke(request.event)["physical_resource_id"]

        assert stage.delete(NAME).ok

        assert stage.leftovers() == []


def test_a_group_that_is_being_deleted_by_hand_is_waited_for(stage):
    physical_id = stage.created()
    stage.elasticache.delete_replication_group(ReplicationGroupId=physical_id)

    assert stage.delete(NAME).ok

    assert stage.leftovers() == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("elasticache:DeleteCacheSubnetGroup", "CacheSubnetGroupInUse"),
        ("ec2:DeleteSecurityGroup", "DependencyViolation"),
        ("elasticache:DeleteReplicationGroup", "InvalidCacheClusterState"),
        ("secretsmanager:DeleteSecret", "InvalidRequestException"),
    ],
)
def test_what_is_still_held_is_tried_again(stage, name, code):
    stage.created()
    stage.wire.before = failing(name, code, times=3)

    assert stage.delete(NAME).ok

    assert stage.leftovers() == []


def test_interfaces_that_hold_the_security_group_for_a_while_are_waited_for():
    with Stage(replace(BRISK, eni_lag=90)) as stage:
        stage.created()

        assert stage.delete(NAME).ok

        assert stage.leftovers() == []


def test_a_member_of_a_global_datastore_is_left_with_the_remedy(stage):
    stage.created()

    def member(call, _index):
        if call.name == "elasticache:DescribeReplicationGroups":
            stage.wire.before = None
            answer = stage.elasticache.describe_replication_groups(**call.params)
            stage.wire.before = member
            answer["ReplicationGroups"][0]["GlobalReplicationGroupInfo"] = {"GlobalReplicationGroupId": "g"}
            return answer
        return None

    stage.wire.before = member
    response = stage.delete(NAME)

    assert not response.ok
    assert "global datastore; disassociate it there" in response.reason
    assert deletions(stage) == []


# Properties that can't be trusted


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"node_type": "nonsense", "vpc": "nonsense", "aws_authentication": "x", "replicas": "-1"},
        {"vpc": {"data": None}, "unknown": "x", "tags": "y"},
    ],
)
def test_broken_properties_do_not_stand_in_the_way(stage, properties):
    stage.created()
    stage.resources[NAME].properties = properties

    assert stage.delete(NAME).ok

    assert stage.leftovers() == []


def test_a_service_timeout_that_can_not_be_read_does_not_stand_in_the_way(stage):
    stage.created()
    request = stage.prepare("Delete", {"ServiceTimeout": "soon"})

    stage.invoke(request.event)

    assert request.response.ok


def test_the_role_of_the_properties_is_assumed_for_the_delete_too(stage):
    stage.created(aws_authentication=authentication("us-east-1"))

    assert stage.delete(NAME).ok

    assert stage.calls("sts:AssumeRole")[0].params["ExternalId"] == "s3cret-external-id"
    assert stage.leftovers() == []


# Ids that aren't ours, and things that aren't


def test_the_invented_id_of_a_cancelled_create_finds_what_was_made():
    with Stage(replace(BRISK, create=100)) as stage:
        stage.invoke(stage.prepare("Create", stage.properties()).event)
        stage.resources[NAME].physical_id = INVENTED

        response = stage.delete(NAME)

        assert response.ok
        assert response.physical_id == INVENTED
        assert stage.leftovers() == []
        assert stage.snapshots() == []


def test_a_delete_without_any_id_finds_what_was_made():
    with Stage(replace(BRISK, create=100)) as stage:
        stage.invoke(stage.prepare("Create", stage.properties()).event)

        assert stage.delete(NAME).ok

        assert stage.leftovers() == []


def test_an_invented_id_never_leads_to_a_cluster_in_use(stage):
    physical_id = stage.created()
    stage.resources[NAME].physical_id = INVENTED

    response = stage.delete(NAME)

    assert response.ok
    assert stage.writes() == []
    assert stage.simulator.group(physical_id).status == "available"


def test_an_invented_id_with_broken_properties_leads_nowhere(stage):
    stage.created()
    stage.resources[NAME].physical_id = INVENTED
    stage.resources[NAME].properties = {"node_type": "nonsense"}

    assert stage.delete(NAME).ok

    assert stage.writes() == []


def test_an_id_of_our_form_that_names_nothing_is_a_success(stage):
    stage.created()
    stage.resources[NAME].physical_id = "shop-redis-aaaaaaaaaa"

    assert stage.delete(NAME).ok

    assert stage.writes() == []


def test_another_resource_s_cluster_is_never_touched(stage):
    physical_id = stage.created()
    request = stage.prepare("Delete", LogicalResourceId="Other")
    other = {**request.event, "LogicalResourceId": "Other"}
    request.event = other

    stage.invoke(other)

    assert request.response.ok
    assert stage.writes() == []
    assert stage.simulator.group(physical_id).status == "available"


def test_a_namesake_in_another_vpc_keeps_its_rules_and_tags(real):
    physical_id = real.created()
    other_vpc = real.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    namesake = real.cloud.make_security_group(other_vpc, f"{PREFIX}-{physical_id}")

    assert real.delete(NAME).ok

    found = real.ec2.describe_security_groups(GroupIds=[namesake])["SecurityGroups"][0]
    assert found.get("Tags", []) == []
    assert real.simulator.leftovers() == []
    assert real.secrets() == []
    assert list(real.security_groups()) == [f"{PREFIX}-{physical_id}"]


def test_the_namesake_of_a_lost_security_group_is_not_marked(real):
    physical_id = real.created()
    name = f"{PREFIX}-{physical_id}"
    real.elasticache.delete_replication_group(ReplicationGroupId=physical_id)
    real.clock.advance(60)
    real.ec2.delete_security_group(GroupId=real.security_groups()[name]["GroupId"])
    namesake = real.cloud.make_security_group(real.cloud.vpc, name)

    assert real.delete(NAME).ok

    found = real.ec2.describe_security_groups(GroupIds=[namesake])["SecurityGroups"][0]
    assert found.get("Tags", []) == []
    assert real.simulator.leftovers() == []


def test_a_create_that_is_stopped_between_its_mark_and_its_answer_is_handed_over_to_nobody(stage):
    def stop(call, _index):
        token = call.name == "secretsmanager:GetSecretValue"
        if token and HANDED_OVER in stage.tags(call.params["SecretId"].removeprefix(f"{PREFIX}-")):
            stage.stack_status("ROLLBACK_IN_PROGRESS")
            stage.wire.before = None
            raise KilledError

    stage.wire.before = stop
    assert stage.create(NAME, stage.properties()).ok  # as the invocation that died may have said already
    stage.resources[NAME].physical_id = INVENTED
    assert stage.delete(NAME).ok
    assert stage.leftovers() == []
