"""The contracts of CloudFormation: 15 that a resource type must keep, and 12 that a custom resource needs.

The first 15 are named and worded after the contract tests of CloudFormation's own test tool (`cfn test`,
aws-cloudformation/cloudformation-cli), in what they mean where events and responses are all there is.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from massdriver_redis.aws.poll_rule import LARGEST_INPUT
from massdriver_redis.clock import SystemClock
from massdriver_redis.cloudformation import delivery as responder
from massdriver_redis.cloudformation.delivery import RefusedError, UnreachableError
from massdriver_redis.cloudformation.request import parse, slim_event
from massdriver_redis.state import naming
from tests.harness import samples as document
from tests.harness.cloudformation import PREFIX, KilledError, Resource, judge, stringify
from tests.harness.moto_aws import client
from tests.harness.put_server import PutServer
from tests.harness.recorder import client_error
from tests.harness.samples import FREE_TIER, HIGHLY_AVAILABLE, PRESETS, SHARDED_CLUSTER
from tests.harness.stack import NAME, SLOW, Stage, failing
from tests.repository import test_template
from tests.unit.properties import test_parse as test_properties

from . import test_events

INVENTED = "shop-Redis-1OPG6JWK4V6NX"
ATTRIBUTES = frozenset(
    json.loads((Path(__file__).parents[2] / "schemas/attributes.json").read_text())["properties"]
)


def live(stage, physical_id):
    """Return what the properties ask for, as AWS describes it."""
    shown = stage.group(physical_id)
    members = stage.elasticache.describe_cache_clusters()["CacheClusters"]
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
    }


def asked(properties):
    """Return the same of the properties, the engine's version by its major one."""
    wanted = {"snapshot_retention_limit": 7, "node_groups": 1, **properties}
    if not wanted["cluster_mode_enabled"]:
        wanted["node_groups"] = 1
    return wanted


def assert_live(stage, physical_id, properties):
    shown, wanted = live(stage, physical_id), asked(properties)
    for name in shown.keys() & wanted.keys():
        if name == "redis_version":
            assert shown[name].startswith(wanted[name].removesuffix("x"))
        else:
            assert shown[name] == wanted[name], name


def marked(stage):
    """Return the ids of the groups that carry this stack's marker: what a list handler would list."""
    owner = naming.Owner(stage.stack_id, NAME)
    shown = stage.elasticache.describe_replication_groups()["ReplicationGroups"]
    return [group["ReplicationGroupId"] for group in shown if group["Description"] == owner.marker]


def tags_of(stage, physical_id):
    found = stage.elasticache.list_tags_for_resource(ResourceName=stage.group(physical_id)["ARN"])["TagList"]
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


def test_contract_create_create_of_a_foreign_id_fails_and_touches_nothing(real):
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


def test_contract_create_create_of_the_same_request_makes_one_cluster(stage):
    request = stage.prepare("Create", stage.properties())
    stage.deliver(request.event)
    stage.deliver(request.event, after=5)
    stage.deliver(request.event, after=90)

    created = stage.run(request)
    stage.idle(600)

    assert created.ok
    assert [group.id for group in stage.simulator.groups()] == [created.physical_id]
    assert len(stage.calls("elasticache:CreateReplicationGroup")) == 1


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset["__name"])
def test_contract_create_read(stage, preset):
    physical_id = stage.created(stage.properties(preset))

    assert_live(stage, physical_id, preset)


def test_contract_create_list(stage):
    physical_id = stage.created()

    assert marked(stage) == [physical_id]


def test_contract_create_taggable(stage):
    metadata = {"name_prefix": "shop", "default_tags": {"team": "a", "cost": "1"}}
    physical_id = stage.created(md_metadata=metadata, tags={"team": "b"})

    owner = naming.Owner(stage.stack_id, NAME)
    marks = {"massdriver-redis:owner": owner.marker, "massdriver-redis:provider": PREFIX}
    assert tags_of(stage, physical_id) == {"team": "b", "cost": "1", **marks}


IN_PLACE = [
    {"node_type": "cache.t3.small"},
    {"replicas": 1},
    {"redis_version": "7.1"},
    {"engine": "valkey", "redis_version": "8.0"},
    {"allow_vpc_access": False},
    {"snapshot_retention_limit": 7},
    {"snapshot_window": "05:00-06:00"},
    {"maintenance_window": "wed:05:00-wed:06:00", "snapshot_window": "01:00-02:00"},
    {"tags": {"a": "1"}},
    {"password_attribute": False},
]


@pytest.mark.parametrize("change", IN_PLACE, ids=lambda change: next(iter(change)))
def test_contract_update_read(stage, change):
    physical_id = stage.created()

    updated = stage.changed(stage.properties(**change))

    assert updated.ok, updated.reason
    assert updated.physical_id == physical_id
    assert_live(stage, physical_id, {**FREE_TIER, **change})
    assert updated.data.keys() == ATTRIBUTES


def test_contract_update_read_of_shards(stage):
    physical_id = stage.created(stage.properties(SHARDED_CLUSTER))

    assert stage.changed(stage.properties(SHARDED_CLUSTER, node_groups=3)).ok

    assert_live(stage, physical_id, {**SHARDED_CLUSTER, "node_groups": 3})


@pytest.mark.parametrize("change", IN_PLACE, ids=lambda change: next(iter(change)))
def test_contract_update_list(stage, change):
    physical_id = stage.created()

    assert stage.changed(stage.properties(**change)).ok

    assert marked(stage) == [physical_id]


def test_contract_update_tag_updatable(stage):
    physical_id = stage.created(tags={"kept": "1", "changed": "1", "removed": "1"})

    assert stage.changed(stage.properties(tags={"kept": "1", "changed": "2", "added": "1"})).ok

    shown = tags_of(stage, physical_id)
    assert {key: value for key, value in shown.items() if ":" not in key} == {
        "kept": "1",
        "changed": "2",
        "added": "1",
    }


def test_contract_update_without_create(stage):
    stage.resources[NAME] = Resource("shop-redis-abcdefghij", stringify(stage.properties()))

    updated = stage.update(NAME, stage.properties(replicas=1))

    assert not updated.ok
    assert "shop-redis-abcdefghij was not found" in updated.reason
    assert updated.physical_id == "shop-redis-abcdefghij"
    assert stage.writes() == []


def test_contract_delete_read(stage):
    physical_id = stage.created()

    assert stage.delete(NAME).ok

    with pytest.raises(ClientError, match="ReplicationGroupNotFoundFault"):
        stage.group(physical_id)
    assert stage.secrets() == []
    assert stage.secrets(deleted=True) == [f"{PREFIX}-{physical_id}"]


def test_contract_delete_list(stage):
    stage.created()

    assert stage.delete(NAME).ok

    assert marked(stage) == []
    assert stage.leftovers() == []


def test_contract_delete_update(stage):
    physical_id = stage.created()
    assert stage.delete(NAME).ok
    stage.wire.clear()

    updated = stage.update(NAME, stage.properties(replicas=1))

    assert not updated.ok
    assert updated.physical_id == physical_id
    assert stage.writes() == []


def test_contract_delete_delete_is_inverted_for_a_custom_resource(stage):
    physical_id = stage.created()
    assert stage.delete(NAME).ok

    again = stage.delete(NAME)

    assert again.ok
    assert again.physical_id == physical_id


def test_contract_delete_create(stage):
    physical_id = stage.created(snapshot_retention_limit=1)
    token = stage.token(physical_id)
    assert stage.delete(NAME).ok
    (taken,) = stage.snapshots()

    created = stage.create(NAME, stage.properties())

    assert created.ok, created.reason
    assert created.physical_id == physical_id
    assert stage.token(physical_id) == token == stage.simulator.auth_token(physical_id)
    assert stage.delete(NAME).ok
    assert taken in stage.snapshots()
    assert stage.leftovers() == []


def test_contract_check_asserts_work():
    done = subprocess.run([sys.executable, "-c", "assert False"], check=False, capture_output=True)

    assert done.returncode != 0
    with pytest.raises(AssertionError):
        assert not ATTRIBUTES


# --- 12 more that a custom resource needs -------------------------------------------------------------


def test_extra_contract_1_there_is_one_effective_response_with_the_ids_as_they_came(stage):
    request = stage.prepare("Create", stage.properties())
    assert stage.run_from(request).ok
    stage.deliver(request.event)
    stage.idle(600)

    (body,) = request.puts
    assert list(judge(request, json.dumps(body).encode(), body)) == []
    assert body["RequestId"] == request.event["RequestId"]
    json.dumps(body)


@pytest.mark.parametrize(
    ("fault", "comes"), [(RefusedError("403"), False), (UnreachableError("HTTP status 503"), True)]
)
def test_extra_contract_1_an_expired_url_ends_it_and_a_failing_server_is_asked_again(stage, fault, comes):
    request = stage.prepare("Create", stage.properties())
    stage.put_faults.append(fault)
    stage.deliver(request.event)
    stage.idle(300)

    assert bool(request.puts) is comes
    assert stage.armed() == []


@pytest.mark.parametrize(("statuses", "raised"), [([403], RefusedError), ([503, 503, 200], None)])
def test_extra_contract_1_http_403_is_final_and_503_is_repeated(monkeypatch, statuses, raised):
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


def test_extra_contract_2_every_failed_has_the_one_id_wherever_it_breaks():
    with Stage() as counted:
        counted.create(NAME, counted.properties())
        calls = len(counted.wire.calls)
    ids = set()
    for at in range(calls):
        with Stage() as stage:
            stage.wire.before = raising_at(at)
            response = stage.create(NAME, stage.properties())
            ids.add(response.physical_id)
            assert response.ok or "boom" in response.reason
            stage.wire.before = None
            assert stage.delete(NAME).ok
            assert stage.leftovers() == []
    assert len(ids) == 2  # the cluster's, and the one that says nothing was made
    assert sum(map(naming.is_nothing_made, ids)) == 1


def raising_at(at):
    def fault(call, index):
        if index == at and call.name != "events:ListRules":  # the driver's own
            raise RuntimeError("boom")

    return fault


DELETED = {
    "an unknown id of our form": ("shop-redis-zzzzzzzzzz", {}),
    "an id that CloudFormation invented": (INVENTED, {}),
    "the mark of nothing made": ("none:abcdefghij", {}),
    "no id": (None, {}),
    "invalid properties": (INVENTED, {"node_type": "?", "replicas": "many"}),
    "properties of an old shape": (INVENTED, {"nodeType": "cache.t2.micro", "vpc": None}),
}


@pytest.mark.parametrize(("physical_id", "changes"), DELETED.values(), ids=DELETED.keys())
def test_extra_contract_3_a_delete_of_anything_succeeds_in_the_end(stage, physical_id, changes):
    kept = stage.created()
    broken = stringify({**stage.properties(), **changes})

    deleted = stage.run_from(stage.prepare("Delete", broken, physical_id=physical_id))

    assert deleted.ok
    assert marked(stage) == [kept]  # the cluster in use stays


@pytest.mark.parametrize("state", ["creating", "deleting", "gone between two looks"])
def test_extra_contract_3_a_delete_of_what_is_on_its_way_succeeds_in_the_end(state):
    with Stage(SLOW) as stage:
        if state == "creating":
            stage.invoke(stage.prepare("Create", stage.properties()).event)
            stage.resources[NAME].physical_id = INVENTED
        else:
            physical_id = stage.created(secure=False)
        if state == "deleting":
            stage.elasticache.delete_replication_group(ReplicationGroupId=physical_id)
        if state == "gone between two looks":
            stage.wire.before = vanishing(stage)

        assert stage.delete(NAME).ok
        assert stage.leftovers() == []


def vanishing(stage):
    """Return a fault that deletes the group by hand just before our own delete of it."""
    left = [1]

    def fault(call, _index):
        if call.operation == "DeleteReplicationGroup" and left:
            left.clear()
            stage.elasticache.delete_replication_group(ReplicationGroupId=call.params["ReplicationGroupId"])
            stage.clock.advance(600)

    return fault


CHANGES = [{"node_type": "cache.t3.small"}, {"replicas": 2}, {"redis_version": "7.1"}, {"tags": {"a": "1"}}]


@pytest.mark.parametrize(
    ("before", "after"),
    list(itertools.permutations(CHANGES, 2)),
    ids=lambda change: next(iter(change)),
)
def test_extra_contract_4_an_update_that_fails_at_any_step_rolls_back_to_what_was(before, after):
    for step in range(20):
        with Stage() as stage:
            original = {**stage.properties(), **before}
            physical_id = stage.created(original)
            was = live(stage, physical_id)
            stage.wire.before = denied_from(stage, step)
            failed = stage.update(NAME, {**original, **after})
            stage.wire.before = None
            if failed.ok:
                assert step > 0
                return
            back = stage.roll_back(NAME)
            assert back.ok, back.reason
            assert back.physical_id == physical_id
            now = live(stage, physical_id)
            if "redis_version" in after:  # an upgrade can't be undone
                now["redis_version"] = was["redis_version"]
            assert now == was
            stage.wire.clear()
            assert stage.changed(original).ok
            assert [name for name in stage.writes() if not name.startswith("ec2:")] == []
    raise AssertionError("it fails for ever")


def denied_from(stage, step):
    """Return a fault: every write to ElastiCache from number `step` on is denied."""

    def fault(call, _index):
        if call.service == "elasticache" and call.mutates:
            made = [each for each in stage.wire.mutations() if each.service == "elasticache"]
            if len(made) > step:
                raise client_error("AccessDenied", operation=call.operation, status=403)

    return fault


def test_extra_contract_5_a_superseded_poller_stops_and_its_copies_are_harmless():
    # Every point at which the two can meet stands in tests/test_races.py.
    with Stage(SLOW) as stage:
        physical_id = stage.created()
        update = stage.prepare("Update", stage.properties(node_type="cache.t3.small"))
        stage.invoke(update.event)
        (poll,) = stage.polls()
        stage.resources[NAME].properties = stringify(stage.properties())
        rollback = stage.prepare("Update", stage.properties())
        stage.invoke(rollback.event)
        stage.wire.clear()

        assert stage.invoke(poll)["status"] == "SILENT"
        assert stage.invoke(update.event)["status"] == "SILENT"
        assert stage.writes() == []
        assert stage.run(rollback).ok
        assert update.puts == []
        stage.wire.clear()
        for late in (poll, update.event, rollback.event):
            assert stage.invoke(late)["status"] == "SILENT"
        assert stage.writes() == []
        assert live(stage, physical_id)["node_type"] == "cache.t3.micro"


def test_extra_contract_5_ownership_is_seen_while_tags_can_not_be_read(stage):
    stage.created()
    stage.wire.before = failing("elasticache:ListTagsForResource", "InvalidReplicationGroupState", times=None)

    assert stage.delete(NAME).ok
    assert stage.leftovers() == []


ONCE = {
    "throttled": lambda call: client_error("Throttling", operation=call.operation, status=400),
    "5xx": lambda call: client_error("InternalFailure", operation=call.operation, status=500),
    "denied": lambda call: client_error("AccessDenied", operation=call.operation, status=403),
    "timed out": lambda call: ReadTimeoutError(endpoint_url="https://aws"),
}


# AWS says of no call that it made but that it timed out.
@pytest.mark.parametrize(("fault", "after"), [*((fault, False) for fault in ONCE), ("timed out", True)])
def test_extra_contract_6_a_passing_fault_of_any_call_ends_as_if_it_had_not_been(fault, after):
    # Every call of every operation with every fault stands in tests/faults.
    with Stage() as counted:
        counted.create(NAME, counted.properties())
        names = dict.fromkeys(call.name for call in counted.wire.calls if call.operation != "ListRules")
    for name in names:
        with Stage() as stage:
            strike_once(stage, name, ONCE[fault], after=after)
            created = stage.create(NAME, stage.properties())
            assert created.ok, (name, created.reason)
            assert [group.id for group in stage.simulator.groups()] == [created.physical_id]
            assert stage.armed() == []
            assert stage.delete(NAME).ok
            assert stage.leftovers() == []


def strike_once(stage, name, make, *, after):
    left = [name]

    def strike(call, *_):
        if call.name in left:
            left.clear()
            raise make(call)

    if after:
        stage.wire.after = strike
    else:
        stage.wire.before = strike


def test_extra_contract_7_every_kind_of_leftover_is_seen(stage):
    stage.created()

    found = " ".join(stage.leftovers())
    client("events").put_rule(Name=f"{PREFIX}-left", ScheduleExpression="rate(1 minute)")

    assert [kind in found for kind in (":replicationgroup:", ":subnetgroup:")] == [True, True]
    assert len(stage.leftovers()) == 5  # these, the security group, the secret, and the rule
    assert any(name.endswith("-left") for name in stage.leftovers())


def test_extra_contract_8_no_secret_is_told_in_a_whole_life(stage):
    login = document.authentication("us-east-1")
    login["data"]["external_id"] = external_id = "3xternal-0f-this-test"
    wanted = stage.properties(HIGHLY_AVAILABLE, aws_authentication=login)
    created = stage.create(NAME, wanted)
    token = stage.token(created.physical_id)
    assert stage.changed({**wanted, "secure": False}).reason
    assert stage.roll_back(NAME).ok
    assert stage.delete(NAME).ok

    told = "\n".join(stage.told())
    carried = "\n".join(stage.rule_inputs)
    signatures = [request.event["ResponseURL"].rsplit("=", 1)[1] for request in stage.requests.values()]
    assert created.data["data.authentication.password"] == token
    assert [secret for secret in (token, external_id, *signatures) if secret in told] == []
    assert token not in carried


def test_extra_contract_9_a_poll_of_18_subnets_fits_and_so_does_the_rule_of_the_longest_logical_id():
    wanted = document.properties(vpc=document.vpc(subnets=18), aws_authentication=document.authentication())
    event = {
        "RequestType": "Update",
        "ResponseURL": "https://s3.amazonaws.com/" + "x" * 1500,
        "StackId": f"arn:aws:cloudformation:us-east-1:123456789012:stack/{'s' * 128}/51af3dc0-da77-11e4-872e",
        "RequestId": "r" * 36,
        "LogicalResourceId": "L" * 255,
        "PhysicalResourceId": "p" * 40,
        "ResourceProperties": stringify(wanted),
        "OldResourceProperties": stringify(wanted),
    }
    owner = naming.Owner(event["StackId"], event["LogicalResourceId"])

    carried = {**slim_event(parse(event, 0.0), "p" * 40), "ArmedAt": 1_782_864_000.123}

    assert len(json.dumps(carried, separators=(",", ":"))) <= LARGEST_INPUT
    assert len(naming.names(naming.physical_id(owner, None, {}), PREFIX).rule) <= 64


def test_extra_contract_10_every_call_that_was_seen_is_granted_and_nothing_beyond_the_list():
    seen = set()
    for preset in PRESETS:
        with Stage() as stage:
            stage.create(NAME, stage.properties(preset, snapshot_retention_limit=1))
            grown = stage.properties(preset, replicas=2, tags={"a": "1"}, allow_vpc_access=False)
            assert stage.update(NAME, grown).ok
            assert stage.update(NAME, {**grown, "tags": {}, "secure": False, "allow_replacement": True}).ok
            assert stage.delete(NAME).ok
            seen |= {call.name for call in stage.wire.calls if call.name != "events:ListRules"}
    granted = test_template.granted("ProviderRole")

    assert len(seen) > 20
    assert seen - granted == set()
    test_template.test_nothing_is_granted_that_the_code_does_not_use("ProviderFunction")


def test_extra_contract_11_what_cloudformation_makes_strings_of_comes_back_as_it_was():
    test_properties.test_coercing_the_strings_of_valid_properties_gives_them_back()


def test_extra_contract_12_every_event_in_the_folder_runs_end_to_end():
    # Of every preset, and the broken ones too, in tests/test_events.py.
    test_events.test_a_cluster_is_created_updated_and_deleted_by_its_events("free-tier")
    test_events.test_a_poll_event_goes_on_with_the_create("free-tier")
    ran = test_events.test_a_cluster_is_created_updated_and_deleted_by_its_events.pytestmark[0].args[1]
    assert {path.stem.rsplit("-", 1)[0] for path in test_events.FOLDER.iterdir()} == set(ran)


def test_extra_contract_12_a_crash_of_the_function_is_no_end(stage):
    request = stage.prepare("Create", stage.properties())
    stage.wire.before = killed_at("CreateReplicationGroup")

    assert stage.run_from(request).ok


def killed_at(operation):
    left = [operation]

    def fault(call, _index):
        if call.operation in left:
            left.clear()
            raise KilledError

    return fault
