"""The contracts of CloudFormation: 15 of a resource type, and 12 more of a custom resource.

The first 15 have the names of the contract tests of CloudFormation's own tool (`cfn test`,
aws-cloudformation/cloudformation-cli), with the meaning that events and responses can have.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from massdriver_redis.clock import SystemClock
from massdriver_redis.cloudformation import delivery as responder
from massdriver_redis.cloudformation import poll_event
from massdriver_redis.cloudformation.delivery import RefusedError, UnreachableError
from massdriver_redis.cloudformation.request import parse
from massdriver_redis.state import naming
from tests.harness import samples as document
from tests.harness.cloudformation import PREFIX, KilledError, StackResource, judge, stringify
from tests.harness.context import FUNCTION
from tests.harness.envelope import response_url
from tests.harness.moto_aws import client
from tests.harness.put_server import PutServer
from tests.harness.recorder import client_error
from tests.harness.samples import FREE_TIER, HIGHLY_AVAILABLE, PRESETS, SHARDED_CLUSTER
from tests.harness.schedules import GROUP, ROLE_ARN
from tests.harness.stack import NAME, SLOW, StackUnderTest, failing
from tests.repository import test_template
from tests.unit.properties import test_parse as test_properties

from . import test_events

INVENTED = "shop-Redis-1OPG6JWK4V6NX"
ATTRIBUTES = frozenset(
    json.loads((Path(__file__).parents[2] / "schemas/attributes.json").read_text())["properties"]
)


def live(stack, physical_id):
    """Return the observed values of the properties, as AWS describes them."""
    shown = stack.group(physical_id)
    members = stack.elasticache.describe_cache_clusters()["CacheClusters"]
    member = next(each for each in members if each["ReplicationGroupId"] == physical_id)
    return {
        "node_type": shown["CacheNodeType"],
        "cluster_mode_enabled": shown["ClusterEnabled"],
        "node_groups": len(shown["NodeGroups"]),
        "replicas": len(shown["NodeGroups"][0]["NodeGroupMembers"]) - 1,
        "secure": shown["TransitEncryptionEnabled"],
        "redis_version": member["EngineVersion"],
        "snapshot_retention_limit": shown["SnapshotRetentionLimit"],
        "snapshot_window": shown["SnapshotWindow"],
        "maintenance_window": member["PreferredMaintenanceWindow"],
        "auto_minor_version_upgrade": member["AutoMinorVersionUpgrade"],
    }


def asked(properties):
    """Return the same values as the properties give them."""
    wanted = {"snapshot_retention_limit": 7, "node_groups": 1, **properties}
    if not wanted["cluster_mode_enabled"]:
        wanted["node_groups"] = 1
    return wanted


def assert_live(stack, physical_id, properties):
    shown, wanted = live(stack, physical_id), asked(properties)
    for name in shown.keys() & wanted.keys():
        if name == "redis_version":
            assert shown[name].startswith(wanted[name].removesuffix("x"))
        else:
            assert shown[name] == wanted[name], name


def marked(stack):
    """Return the ids of the replication groups with this stack's marker: what a list handler would list."""
    owner = naming.Owner(stack.stack_id, NAME)
    shown = stack.elasticache.describe_replication_groups()["ReplicationGroups"]
    return [group["ReplicationGroupId"] for group in shown if group["Description"] == owner.marker]


def tags_of(stack, physical_id):
    found = stack.elasticache.list_tags_for_resource(ResourceName=stack.group(physical_id)["ARN"])["TagList"]
    return {tag["Key"]: tag["Value"] for tag in found}


# --- the 15 contracts of a resource type --------------------------------------------------------------


def test_contract_create_delete(real):
    created = real.create(NAME, real.properties())
    assert created.ok
    assert_live(real, created.physical_id, FREE_TIER)

    deleted = real.delete(NAME)

    assert deleted.ok
    assert deleted.data == {}
    assert deleted.physical_id == created.physical_id
    assert real.leftovers() == []


def test_contract_create_create_of_a_foreign_id_fails_and_changes_nothing(real):
    physical_id = real.create(NAME, real.properties()).physical_id
    assert real.delete(NAME).ok
    real.cloud.make_subnet_group()
    real.elasticache.create_replication_group(**real.cloud.request(ReplicationGroupId=physical_id))
    before = real.simulator.history(physical_id)

    again = real.create(NAME, real.properties())

    assert not again.ok
    assert "isn't this resource's" in again.reason
    assert naming.is_nothing_made(again.physical_id)
    assert real.delete(NAME).ok
    assert real.simulator.history(physical_id)[: len(before)] == before
    assert physical_id in {group.id for group in real.simulator.groups()}


def test_contract_create_create_of_the_same_request_makes_one_cluster(stack):
    request = stack.prepare("Create", stack.properties())
    stack.deliver(request.event)
    stack.deliver(request.event, after=5)
    stack.deliver(request.event, after=90)

    created = stack.run(request)
    stack.idle(600)

    assert created.ok
    assert [group.id for group in stack.simulator.groups()] == [created.physical_id]
    assert len(stack.calls("elasticache:CreateReplicationGroup")) == 1


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset["__name"])
def test_contract_create_read(stack, preset):
    physical_id = stack.created(stack.properties(preset))

    assert_live(stack, physical_id, preset)


def test_contract_create_list(stack):
    physical_id = stack.created()

    assert marked(stack) == [physical_id]


def test_contract_create_taggable(stack):
    metadata = {"name_prefix": "shop", "default_tags": {"team": "a", "cost": "1"}}
    physical_id = stack.created(md_metadata=metadata, tags={"team": "b"})

    owner = naming.Owner(stack.stack_id, NAME)
    marks = {"massdriver-redis:owner": owner.marker, "massdriver-redis:provider": PREFIX}
    assert tags_of(stack, physical_id) == {"team": "b", "cost": "1", **marks}


IN_PLACE = [
    {"node_type": "cache.t3.small"},
    {"replicas": 1},
    {"redis_version": "7.1"},
    {"engine": "valkey", "redis_version": "8.0"},
    {"allow_vpc_access": False},
    {"snapshot_retention_limit": 7},
    {"snapshot_window": "05:00-06:00"},
    {"maintenance_window": "wed:05:00-wed:06:00", "snapshot_window": "01:00-02:00"},
    {"auto_minor_version_upgrade": False},
    {"tags": {"a": "1"}},
    {"password_attribute": False},
]


@pytest.mark.parametrize("change", IN_PLACE, ids=lambda change: next(iter(change)))
def test_contract_update_read(stack, change):
    physical_id = stack.created()

    updated = stack.changed(stack.properties(**change))

    assert updated.ok, updated.reason
    assert updated.physical_id == physical_id
    assert_live(stack, physical_id, {**FREE_TIER, **change})
    assert updated.data.keys() == ATTRIBUTES


def test_contract_update_read_of_shards(stack):
    physical_id = stack.created(stack.properties(SHARDED_CLUSTER))

    assert stack.changed(stack.properties(SHARDED_CLUSTER, node_groups=3)).ok

    assert_live(stack, physical_id, {**SHARDED_CLUSTER, "node_groups": 3})


@pytest.mark.parametrize("change", IN_PLACE, ids=lambda change: next(iter(change)))
def test_contract_update_list(stack, change):
    physical_id = stack.created()

    assert stack.changed(stack.properties(**change)).ok

    assert marked(stack) == [physical_id]


def test_contract_update_tag_updatable(stack):
    physical_id = stack.created(tags={"kept": "1", "changed": "1", "removed": "1"})

    assert stack.changed(stack.properties(tags={"kept": "1", "changed": "2", "added": "1"})).ok

    shown = tags_of(stack, physical_id)
    assert {key: value for key, value in shown.items() if ":" not in key} == {
        "kept": "1",
        "changed": "2",
        "added": "1",
    }


def test_contract_update_without_create(stack):
    stack.resources[NAME] = StackResource("shop-redis-abcdefghij", stringify(stack.properties()))

    updated = stack.update(NAME, stack.properties(replicas=1))

    assert not updated.ok
    assert "shop-redis-abcdefghij was not found" in updated.reason
    assert updated.physical_id == "shop-redis-abcdefghij"
    assert stack.writes() == []


def test_contract_delete_read(stack):
    physical_id = stack.created()

    assert stack.delete(NAME).ok

    with pytest.raises(ClientError, match="ReplicationGroupNotFoundFault"):
        stack.group(physical_id)
    assert stack.secrets() == []
    assert stack.secrets(deleted=True) == [f"{PREFIX}-{physical_id}"]


def test_contract_delete_list(stack):
    stack.created()

    assert stack.delete(NAME).ok

    assert marked(stack) == []
    assert stack.leftovers() == []


def test_contract_delete_update(stack):
    physical_id = stack.created()
    assert stack.delete(NAME).ok
    stack.recorder.clear()

    updated = stack.update(NAME, stack.properties(replicas=1))

    assert not updated.ok
    assert updated.physical_id == physical_id
    assert stack.writes() == []


def test_contract_delete_delete_is_inverted_for_a_custom_resource(stack):
    physical_id = stack.created()
    assert stack.delete(NAME).ok

    again = stack.delete(NAME)

    assert again.ok
    assert again.physical_id == physical_id


def test_contract_delete_create(stack):
    physical_id = stack.created(snapshot_retention_limit=1)
    token = stack.token(physical_id)
    assert stack.delete(NAME).ok
    (taken,) = stack.snapshots()

    created = stack.create(NAME, stack.properties())

    assert created.ok, created.reason
    assert created.physical_id == physical_id
    assert stack.token(physical_id) == token == stack.simulator.auth_token(physical_id)
    assert stack.delete(NAME).ok
    assert taken in stack.snapshots()
    assert stack.leftovers() == []


def test_contract_check_asserts_work():
    done = subprocess.run([sys.executable, "-c", "assert False"], check=False, capture_output=True)

    assert done.returncode != 0
    with pytest.raises(AssertionError):
        assert not ATTRIBUTES


# --- 12 more of a custom resource -------------------------------------------------------------


def test_extra_contract_1_there_is_one_effective_response_with_the_ids_verbatim(stack):
    request = stack.prepare("Create", stack.properties())
    assert stack.run_from(request).ok
    stack.deliver(request.event)
    stack.idle(600)

    (body,) = request.puts
    assert list(judge(request, json.dumps(body).encode(), body)) == []
    assert body["RequestId"] == request.event["RequestId"]
    json.dumps(body)


@pytest.mark.parametrize(
    ("fault", "delivered"), [(RefusedError("403"), False), (UnreachableError("HTTP status 503"), True)]
)
def test_extra_contract_1_an_expired_url_ends_it_and_a_failing_server_is_retried(stack, fault, delivered):
    request = stack.prepare("Create", stack.properties())
    stack.put_faults.append(fault)
    stack.deliver(request.event)
    stack.idle(300)

    assert bool(request.puts) is delivered
    assert stack.armed() == []


@pytest.mark.parametrize(("statuses", "raised"), [([403], RefusedError), ([503, 503, 200], None)])
def test_extra_contract_1_http_403_is_final_and_503_is_retried(monkeypatch, statuses, raised):
    monkeypatch.setattr(responder, "_PAUSES", (0.01, 0.01))
    with PutServer(list(statuses)) as server:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(server.bundle))
        until = SystemClock().now() + 30
        if raised:
            with pytest.raises(raised):
                responder.send(f"https://{server.host}/x", b"{}", until=until, clock=SystemClock())
        else:
            responder.send(f"https://{server.host}/x", b"{}", until=until, clock=SystemClock())
        assert len(server.puts) == len(statuses)


def test_extra_contract_2_every_failed_response_has_the_same_id_at_whatever_call_it_fails():
    with StackUnderTest() as counted:
        counted.create(NAME, counted.properties())
        calls = len(counted.recorder.calls)
    ids = set()
    for at in range(calls):
        with StackUnderTest() as stack:
            stack.recorder.before = raising_at(at)
            response = stack.create(NAME, stack.properties())
            ids.add(response.physical_id)
            assert response.ok or "boom" in response.reason
            stack.recorder.before = None
            assert stack.delete(NAME).ok
            assert stack.leftovers() == []
    # The cluster's, the one that says nothing was made, and the one of which nobody knows.
    assert len(ids) == 3
    assert sum(map(naming.is_nothing_made, ids)) == 1


def raising_at(at):
    def fault(call, index):
        if index == at and call.name != "events:ListRules":  # the driver's own
            raise client_error("InvalidParameterValue", "boom", operation=call.operation)

    return fault


DELETED = {
    "an unknown id of our form": ("shop-redis-zzzzzzzzzz", {}),
    "an id that CloudFormation invented": (INVENTED, {}),
    "the id that says nothing was made": ("none:abcdefghij", {}),
    "no id": (None, {}),
    "invalid properties": (INVENTED, {"node_type": "?", "replicas": "many"}),
    "properties of an old shape": (INVENTED, {"nodeType": "cache.t2.micro", "vpc": None}),
}


@pytest.mark.parametrize(("physical_id", "changes"), DELETED.values(), ids=DELETED.keys())
def test_extra_contract_3_a_delete_of_any_id_and_properties_succeeds(stack, physical_id, changes):
    kept = stack.created()
    broken = stringify({**stack.properties(), **changes})

    deleted = stack.run_from(stack.prepare("Delete", broken, physical_id=physical_id))

    assert deleted.ok
    assert marked(stack) == [kept]  # the cluster in use stays


@pytest.mark.parametrize("state", ["creating", "deleting", "gone between two observations"])
def test_extra_contract_3_a_delete_during_creation_or_deletion_succeeds(state):
    with StackUnderTest(SLOW) as stack:
        if state == "creating":
            stack.invoke(stack.prepare("Create", stack.properties()).event)
            stack.resources[NAME].physical_id = INVENTED
        else:
            physical_id = stack.created(secure=False)
        if state == "deleting":
            stack.elasticache.delete_replication_group(ReplicationGroupId=physical_id)
        if state == "gone between two observations":
            stack.recorder.before = vanishing(stack)

        assert stack.delete(NAME).ok
        assert stack.leftovers() == []


def vanishing(stack):
    """Return a fault that deletes the replication group out of band just before the provider does."""
    left = [1]

    def fault(call, _index):
        if call.operation == "DeleteReplicationGroup" and left:
            left.clear()
            stack.elasticache.delete_replication_group(ReplicationGroupId=call.params["ReplicationGroupId"])
            stack.clock.advance(600)

    return fault


CHANGES = [{"node_type": "cache.t3.small"}, {"replicas": 2}, {"redis_version": "7.1"}, {"tags": {"a": "1"}}]


@pytest.mark.parametrize(
    ("before", "after"),
    list(itertools.permutations(CHANGES, 2)),
    ids=lambda change: next(iter(change)),
)
def test_extra_contract_4_an_update_that_fails_at_any_step_rolls_back_to_the_former_state(before, after):
    for step in range(20):
        with StackUnderTest() as stack:
            original = {**stack.properties(), **before}
            physical_id = stack.created(original)
            was = live(stack, physical_id)
            stack.recorder.before = denied_from(stack, step)
            failed = stack.update(NAME, {**original, **after})
            stack.recorder.before = None
            if failed.ok:
                assert step > 0
                return
            back = stack.roll_back(NAME)
            assert back.ok, back.reason
            assert back.physical_id == physical_id
            now = live(stack, physical_id)
            if "redis_version" in after:  # an upgrade can't be undone
                now["redis_version"] = was["redis_version"]
            assert now == was
            stack.recorder.clear()
            assert stack.changed(original).ok
            assert [name for name in stack.writes() if not name.startswith("ec2:")] == []
    raise AssertionError("the update fails at every step")


def denied_from(stack, step):
    """Return a fault that denies every write to ElastiCache from number `step` on."""

    def fault(call, _index):
        if call.service == "elasticache" and call.mutates:
            made = [each for each in stack.recorder.mutations() if each.service == "elasticache"]
            if len(made) > step:
                raise client_error("AccessDenied", operation=call.operation, status=403)

    return fault


def test_extra_contract_5_a_superseded_poller_stops_and_its_copies_are_harmless():
    # Every point at which the two can meet is in tests/concurrency/test_races.py.
    with StackUnderTest(SLOW) as stack:
        physical_id = stack.created()
        update = stack.prepare("Update", stack.properties(node_type="cache.t3.small"))
        stack.invoke(update.event)
        (poll,) = stack.polls()
        stack.resources[NAME].properties = stringify(stack.properties())
        rollback = stack.prepare("Update", stack.properties())
        stack.invoke(rollback.event)
        stack.recorder.clear()

        assert stack.invoke(poll)["status"] == "IGNORED"
        assert stack.invoke(update.event)["status"] == "IGNORED"
        assert stack.writes() == []
        assert stack.run(rollback).ok
        assert update.puts == []
        stack.recorder.clear()
        for late in (poll, update.event, rollback.event):
            assert stack.invoke(late)["status"] == "IGNORED"
        assert stack.writes() == []
        assert live(stack, physical_id)["node_type"] == "cache.t3.micro"


def test_extra_contract_5_ownership_is_known_while_tags_can_not_be_read(stack):
    stack.created()
    stack.recorder.before = failing(
        "elasticache:ListTagsForResource", "InvalidReplicationGroupState", times=None
    )

    assert stack.delete(NAME).ok
    assert stack.leftovers() == []


ONCE = {
    "throttled": lambda call: client_error("Throttling", operation=call.operation, status=400),
    "5xx": lambda call: client_error("InternalFailure", operation=call.operation, status=500),
    "denied": lambda call: client_error("AccessDenied", operation=call.operation, status=403),
    "timed out": lambda call: ReadTimeoutError(endpoint_url="https://aws"),
}


# Only a timeout leaves open whether AWS executed the call.
@pytest.mark.parametrize(("fault", "after"), [*((fault, False) for fault in ONCE), ("timed out", True)])
def test_extra_contract_6_a_transient_fault_of_any_call_changes_nothing_in_the_end(fault, after):
    # Every call of every operation with every fault is in tests/faults.
    with StackUnderTest() as counted:
        counted.create(NAME, counted.properties())
        names = dict.fromkeys(call.name for call in counted.recorder.calls if call.operation != "ListRules")
    for name in names:
        with StackUnderTest() as stack:
            fail_once(stack, name, ONCE[fault], after=after)
            created = stack.create(NAME, stack.properties())
            assert created.ok, (name, created.reason)
            assert [group.id for group in stack.simulator.groups()] == [created.physical_id]
            stack.idle(120)  # what one call failed to delete is deleted by the next poll
            assert stack.armed() == []
            assert stack.delete(NAME).ok
            assert stack.leftovers() == []


def fail_once(stack, name, make, *, after):
    left = [name]

    def fail(call, *_):
        if call.name in left:
            left.clear()
            raise make(call)

    if after:
        stack.recorder.after = fail
    else:
        stack.recorder.before = fail


def test_extra_contract_7_every_kind_of_leftover_is_found(stack):
    stack.created()

    found = " ".join(stack.leftovers())
    client("scheduler").create_schedule(
        Name="shop-left",
        GroupName=GROUP,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": FUNCTION, "RoleArn": ROLE_ARN, "Input": "{}"},
    )

    assert [kind in found for kind in (":replicationgroup:", ":subnetgroup:")] == [True, True]
    assert len(stack.leftovers()) == 5  # these, the security group, the secret, and the schedule
    assert any(name.endswith("-left") for name in stack.leftovers())


def test_extra_contract_8_no_secret_is_shown_from_create_to_delete(stack):
    login = document.authentication("us-east-1")
    login["data"]["external_id"] = external_id = "3xternal-0f-this-test"
    wanted = stack.properties(HIGHLY_AVAILABLE, aws_authentication=login)
    created = stack.create(NAME, wanted)
    token = stack.token(created.physical_id)
    assert stack.changed({**wanted, "secure": False}).reason
    assert stack.roll_back(NAME).ok
    assert stack.delete(NAME).ok

    told = "\n".join(stack.told())
    carried = "\n".join(stack.schedule_inputs)
    signatures = [request.event["ResponseURL"].rsplit("=", 1)[1] for request in stack.requests.values()]
    assert created.data["data.authentication.password"] == token
    assert [secret for secret in (token, external_id, *signatures) if secret in told] == []
    assert token not in carried


def test_extra_contract_9_a_poll_carries_the_largest_request_whole_and_the_longest_id_has_a_schedule():
    wanted = document.properties(vpc=document.vpc(subnets=20), aws_authentication=document.authentication())
    wanted["tags"] = {f"{number:0128}": "v" * 256 for number in range(40)}
    ids = {
        "StackId": f"arn:aws:cloudformation:us-east-1:123456789012:stack/{'s' * 128}/51af3dc0-da77-11e4-872e",
        "LogicalResourceId": "L" * 255,
        "RequestId": "r" * 36,
    }
    event = {
        **ids,
        "RequestType": "Update",
        "ResponseURL": response_url(*ids.values(), query="X-Amz-Security-Token=" + "x" * 1000),
        "PhysicalResourceId": "p" * 29 + "-abcdefghij",
        "ResourceProperties": stringify(wanted),
        "OldResourceProperties": stringify(wanted),
    }
    request = parse(event, 0.0)
    name = poll_event.schedule_name(request, event["PhysicalResourceId"])

    carried = json.loads(poll_event.schedule_input(request, name, 1_782_864_000.123))

    assert {key: carried[key] for key in event} == event
    assert len(name) <= 64


def test_extra_contract_10_every_recorded_call_is_granted_and_nothing_else():
    seen = set()
    for preset in PRESETS:
        with StackUnderTest() as stack:
            stack.create(NAME, stack.properties(preset, snapshot_retention_limit=1))
            grown = stack.properties(preset, replicas=2, tags={"a": "1"}, allow_vpc_access=False)
            assert stack.update(NAME, grown).ok
            assert stack.update(NAME, {**grown, "tags": {}, "secure": False, "allow_replacement": True}).ok
            assert stack.delete(NAME).ok
            seen |= {call.name for call in stack.recorder.calls}
    granted = test_template.granted("ProviderRole")

    assert len(seen) > 20
    assert seen - granted == set()
    test_template.test_nothing_is_granted_that_the_code_does_not_use("ProviderFunction")


def test_extra_contract_11_the_strings_of_cloudformation_become_the_original_values():
    test_properties.test_the_strings_of_valid_properties_are_coerced_to_the_same_properties()


def test_extra_contract_12_every_event_in_the_folder_runs_end_to_end():
    # Of every preset, and the broken ones too, in tests/test_events.py.
    test_events.test_a_cluster_is_created_updated_and_deleted_by_its_events("free-tier")
    test_events.test_a_poll_event_goes_on_with_the_create("free-tier")
    ran = test_events.test_a_cluster_is_created_updated_and_deleted_by_its_events.pytestmark[0].args[1]
    assert {path.stem.rsplit("-", 1)[0] for path in test_events.FOLDER.iterdir()} == set(ran)


def test_extra_contract_12_a_crash_of_the_function_does_not_end_the_request(stack):
    request = stack.prepare("Create", stack.properties())
    stack.recorder.before = killed_at("CreateReplicationGroup")

    assert stack.run_from(request).ok


def killed_at(operation):
    left = [operation]

    def fault(call, _index):
        if call.operation in left:
            left.clear()
            raise KilledError

    return fault
