"""Delete: it trusts the id and the marker, takes nothing that isn't ours, and always ends."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from massdriver_redis.reconciler.lease import DRAIN_TIME
from massdriver_redis.state.record import IN_SERVICE
from tests.harness.cloudformation import PREFIX, KilledError
from tests.harness.moto_aws import client
from tests.harness.recorder import client_error
from tests.harness.samples import authentication
from tests.harness.stack import BRISK, NAME, StackUnderTest, failing

INVENTED = "shop-Redis-1OPG6JWK4V6NX"
"""What CloudFormation makes up when it deletes what it was still creating."""


def deletions(stack):
    return [name for name in stack.writes() if "Delete" in name]


# Order and what counts as left


def test_a_delete_goes_replication_group_subnet_group_secret_security_group_and_leaves_nothing(real):
    real.created()

    assert real.delete(NAME).ok

    assert list(dict.fromkeys(deletions(real))) == [
        "elasticache:DeleteReplicationGroup",
        "elasticache:DeleteCacheSubnetGroup",
        "secretsmanager:DeleteSecret",
        "ec2:DeleteSecurityGroup",
    ]
    assert real.leftovers() == []


def test_each_thing_goes_only_once_the_one_before_it_is_gone(stack):
    physical_id = stack.created()
    seen = []

    def watch(call, _index):
        if call.name == "elasticache:DeleteCacheSubnetGroup":
            seen.append([group.id for group in stack.simulator.groups()])

    stack.recorder.before = watch
    assert stack.delete(NAME).ok

    assert seen == [[]]
    assert physical_id not in str(stack.simulator.leftovers())


def test_a_delete_is_accepted_on_record_before_its_first_step(stack):
    stack.created()

    stack.delete(NAME)

    assert stack.writes()[:2] == ["ec2:CreateTags", "elasticache:DeleteReplicationGroup"]


def test_what_is_gone_already_is_a_success_once_no_call_of_an_older_request_can_arrive(stack):
    stack.created()
    assert stack.delete(NAME).ok

    again = stack.delete(NAME)

    assert again.ok
    assert again.seconds >= DRAIN_TIME
    assert again.polls == 1


def test_a_create_that_made_nothing_has_nothing_to_delete(stack):
    failed = stack.create(NAME, stack.properties(node_type="cache.t3.mikro"))
    assert failed.physical_id.startswith("none:")
    stack.recorder.clear()

    assert stack.roll_back(NAME).ok

    assert {call.name for call in stack.recorder.calls} <= {"events:ListRules"}  # the test's own


@pytest.mark.parametrize("gone", ["group", "subnet group", "security group", "secret"])
def test_what_was_deleted_out_of_band_is_not_missed(stack, gone):
    physical_id = stack.created()
    name = f"{PREFIX}-{physical_id}"
    if gone == "secret":
        client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    else:
        stack.elasticache.delete_replication_group(ReplicationGroupId=physical_id)
        stack.clock.advance(60)
    if gone == "subnet group":
        stack.elasticache.delete_cache_subnet_group(CacheSubnetGroupName=name)
    if gone == "security group":
        stack.ec2.delete_security_group(GroupId=stack.security_groups()[name]["GroupId"])

    assert stack.delete(NAME).ok

    assert stack.leftovers() == []


# Final snapshot


def test_a_final_snapshot_is_taken_and_named_for_the_group_and_the_request(stack):
    physical_id = stack.created()

    response = stack.delete(NAME)

    assert stack.snapshots() == [
        f"{physical_id[:25].rstrip('-')}-{response.request_id.replace('-', '')[:12]}"
    ]


def test_the_longest_id_still_gets_its_final_snapshot(stack):
    stack.created(md_metadata={"name_prefix": "a-prefix-as-long-as-it-may-be"})

    assert stack.delete(NAME).ok

    assert len(stack.snapshots()) == 1


def test_a_group_whose_creation_failed_goes_without_a_snapshot_and_with_its_token(stack):
    stack.simulator.fail_next_create("no")
    assert not stack.create(NAME, stack.properties()).ok

    assert stack.roll_back(NAME).ok

    assert stack.leftovers() == []
    assert stack.snapshots() == []
    assert stack.secrets(deleted=True) == []


def test_a_group_that_never_answered_success_goes_without_a_snapshot_and_with_its_token():
    with StackUnderTest(replace(BRISK, create=300)) as stack:
        assert not stack.create(NAME, stack.properties(ServiceTimeout=200)).ok
        del stack.resources[NAME].properties["ServiceTimeout"]

        assert stack.roll_back(NAME).ok

        assert stack.leftovers() == []
        assert stack.snapshots() == []
        assert stack.secrets(deleted=True) == []


def test_a_snapshot_of_another_time_under_the_same_name_is_not_taken_for_ours(stack):
    physical_id = stack.created()
    request = stack.prepare("Delete")
    name = f"{physical_id[:25].rstrip('-')}-{request.id.replace('-', '')[:12]}"
    stack.elasticache.create_snapshot(ReplicationGroupId=physical_id, SnapshotName=name)
    stack.clock.advance(300)
    now = datetime.fromtimestamp(stack.clock.now(), UTC)
    url = re.sub("X-Amz-Date=[^&]*", f"X-Amz-Date={now:%Y%m%dT%H%M%SZ}", request.event["ResponseURL"])
    request.event = {**request.event, "ResponseURL": url}

    stack.invoke(request.event)

    assert sorted(stack.snapshots()) == [name, f"{name}-2"]


def test_a_snapshot_made_by_this_very_delete_is_not_taken_twice(stack):
    stack.created()
    refused = []

    def busy(call, _index):
        if call.name == "elasticache:DeleteReplicationGroup" and not refused:
            refused.append(call)
            name = call.params["FinalSnapshotIdentifier"]
            group = call.params["ReplicationGroupId"]
            stack.elasticache.create_snapshot(ReplicationGroupId=group, SnapshotName=name)
            raise client_error("InternalFailure", status=500)

    stack.recorder.before = busy

    assert stack.delete(NAME).ok

    assert len(stack.snapshots()) == 1
    assert stack.leftovers() == []


def test_where_snapshots_are_unsupported_the_group_goes_without(stack):
    stack.simulator.forbid_snapshots(stack.created())

    assert stack.delete(NAME).ok

    assert stack.snapshots() == []
    assert "delete the replication group without a snapshot" in stack.logs.getvalue()


def test_where_no_more_snapshots_fit_the_delete_fails_and_the_data_stays(stack):
    physical_id = stack.created()
    stack.recorder.before = failing("elasticache:DeleteReplicationGroup", "SnapshotQuotaExceededFault")

    response = stack.delete(NAME)

    assert not response.ok
    assert "SnapshotQuotaExceededFault" in response.reason
    assert stack.simulator.group(physical_id).status == "available"
    assert stack.delete(NAME).ok


# The token's secret


def test_the_token_of_a_cluster_in_use_is_kept_for_its_recovery_window(stack):
    physical_id = stack.created()

    stack.delete(NAME)

    (deleted,) = stack.calls("secretsmanager:DeleteSecret")
    assert deleted.params["RecoveryWindowInDays"] == 30
    assert "ForceDeleteWithoutRecovery" not in deleted.params
    assert stack.secrets(deleted=True) == [f"{PREFIX}-{physical_id}"]


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
def test_a_busy_group_is_waited_for(stack, status):
    stack.simulator.maintenance(stack.created(), status, seconds=100)

    response = stack.delete(NAME)

    assert response.ok
    assert response.seconds >= 100
    assert stack.leftovers() == []


def test_a_group_that_is_being_created_is_waited_for():
    with StackUnderTest(replace(BRISK, create=100)) as stack:
        request = stack.prepare("Create", stack.properties())
        stack.resources[NAME].physical_id = stack.invoke(request.event)["physical_resource_id"]

        assert stack.delete(NAME).ok

        assert stack.leftovers() == []


def test_a_group_that_is_being_deleted_out_of_band_is_waited_for(stack):
    physical_id = stack.created()
    stack.elasticache.delete_replication_group(ReplicationGroupId=physical_id)

    assert stack.delete(NAME).ok

    assert stack.leftovers() == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("elasticache:DeleteCacheSubnetGroup", "CacheSubnetGroupInUse"),
        ("ec2:DeleteSecurityGroup", "DependencyViolation"),
        ("elasticache:DeleteReplicationGroup", "InvalidCacheClusterState"),
        ("secretsmanager:DeleteSecret", "InvalidRequestException"),
    ],
)
def test_what_is_still_held_is_tried_again(stack, name, code):
    stack.created()
    stack.recorder.before = failing(name, code, times=3)

    assert stack.delete(NAME).ok

    assert stack.leftovers() == []


def test_a_security_group_that_others_use_for_good_ends_with_the_remedy(stack):
    stack.created()
    stack.recorder.before = failing("ec2:DeleteSecurityGroup", "DependencyViolation", times=None)

    response = stack.delete(NAME)

    assert not response.ok
    assert (
        "remove what still uses it, such as a rule of another security group or a network interface"
        in response.reason
    )


def test_interfaces_that_hold_the_security_group_for_a_while_are_waited_for():
    with StackUnderTest(replace(BRISK, eni_lag=90)) as stack:
        stack.created()

        assert stack.delete(NAME).ok

        assert stack.leftovers() == []


def test_a_member_of_a_global_datastore_is_left_with_the_remedy(stack):
    stack.created()

    def member(call, _index):
        if call.name == "elasticache:DescribeReplicationGroups":
            stack.recorder.before = None
            answer = stack.elasticache.describe_replication_groups(**call.params)
            stack.recorder.before = member
            answer["ReplicationGroups"][0]["GlobalReplicationGroupInfo"] = {"GlobalReplicationGroupId": "g"}
            return answer
        return None

    stack.recorder.before = member
    response = stack.delete(NAME)

    assert not response.ok
    assert "global datastore; disassociate it there" in response.reason
    assert deletions(stack) == []


# Properties that can't be trusted


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"node_type": "nonsense", "vpc": "nonsense", "aws_authentication": "x", "replicas": "-1"},
        {"vpc": {"data": None}, "unknown": "x", "tags": "y"},
    ],
)
def test_broken_properties_do_not_stand_in_the_way(stack, properties):
    stack.created()
    stack.resources[NAME].properties = properties

    assert stack.delete(NAME).ok

    assert stack.leftovers() == []


def test_a_service_timeout_that_can_not_be_read_does_not_stand_in_the_way(stack):
    stack.created()
    request = stack.prepare("Delete", {"ServiceTimeout": "soon"})

    stack.invoke(request.event)

    assert request.response.ok


def test_the_role_of_the_properties_is_assumed_for_the_delete_too(stack):
    stack.created(aws_authentication=authentication("us-east-1"))

    assert stack.delete(NAME).ok

    assert stack.calls("sts:AssumeRole")[0].params["ExternalId"] == "s3cret-external-id"
    assert stack.leftovers() == []


# Ids that aren't ours, and things that aren't


def test_the_invented_id_of_a_cancelled_create_finds_what_was_made():
    with StackUnderTest(replace(BRISK, create=100)) as stack:
        stack.invoke(stack.prepare("Create", stack.properties()).event)
        stack.resources[NAME].physical_id = INVENTED

        response = stack.delete(NAME)

        assert response.ok
        assert response.physical_id == INVENTED
        assert stack.leftovers() == []
        assert stack.snapshots() == []


def test_a_delete_without_any_id_finds_what_was_made():
    with StackUnderTest(replace(BRISK, create=100)) as stack:
        stack.invoke(stack.prepare("Create", stack.properties()).event)

        assert stack.delete(NAME).ok

        assert stack.leftovers() == []


def test_an_invented_id_never_leads_to_a_cluster_in_use(stack):
    physical_id = stack.created()
    stack.resources[NAME].physical_id = INVENTED

    response = stack.delete(NAME)

    assert response.ok
    assert stack.writes() == []
    assert stack.simulator.group(physical_id).status == "available"


def test_an_invented_id_with_broken_properties_leads_nowhere(stack):
    stack.created()
    stack.resources[NAME].physical_id = INVENTED
    stack.resources[NAME].properties = {"node_type": "nonsense"}

    assert stack.delete(NAME).ok

    assert stack.writes() == []


def test_an_id_of_our_form_that_names_nothing_is_a_success(stack):
    stack.created()
    stack.resources[NAME].physical_id = "shop-redis-aaaaaaaaaa"

    assert stack.delete(NAME).ok

    assert stack.writes() == []


def test_another_resource_s_cluster_is_never_touched(stack):
    physical_id = stack.created()
    request = stack.prepare("Delete")
    url = stack._response_url("Other", request.id)
    request.event = {**request.event, "LogicalResourceId": "Other", "ResponseURL": url}

    assert stack.run_from(request).ok

    assert stack.writes() == []
    assert stack.simulator.group(physical_id).status == "available"


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


def test_a_create_that_is_stopped_between_its_mark_and_its_response_is_in_service_for_nobody(stack):
    def stop(call, _index):
        token = call.name == "secretsmanager:GetSecretValue"
        if token and IN_SERVICE in stack.tags(call.params["SecretId"].removeprefix(f"{PREFIX}-")):
            stack.stack_status("ROLLBACK_IN_PROGRESS")
            stack.recorder.before = None
            raise KilledError

    stack.recorder.before = stop
    assert stack.create(NAME, stack.properties()).ok  # as the invocation that died may have said already
    stack.resources[NAME].physical_id = INVENTED
    assert stack.delete(NAME).ok
    assert stack.leftovers() == []


def test_a_record_that_one_read_leaves_out_does_not_change_how_a_cluster_is_deleted(stack):
    physical_id = stack.created()
    group = stack.security_groups()[f"{PREFIX}-{physical_id}"]
    group["Tags"] = [tag for tag in group["Tags"] if tag["Key"] != IN_SERVICE]
    stale = [{"SecurityGroups": []}]

    def read(call, _index):
        return stale.pop() if stale and call.name == "ec2:DescribeSecurityGroups" else None

    stack.recorder.before = read

    assert stack.delete(NAME).ok
    assert stack.snapshots() == []  # without its record it would count as in service
    assert stack.leftovers() == []
