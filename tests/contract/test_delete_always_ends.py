"""Delete always ends: in every state of AWS, with every id and properties, and with AWS's own timing.

Every state is combined with every form of the id and of the properties. A Delete that may act leaves
nothing; one that may not changes nothing; both respond SUCCESS within CloudFormation's hour.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from massdriver_redis.state import naming
from tests.harness.cloudformation import PREFIX, ReceivedResponse, stringify
from tests.harness.moto_aws import client
from tests.harness.stack import NAME, StackUnderTest, failing
from tests.simulator import Timing

AWS_TIMING = Timing()


@dataclass(frozen=True)
class State:
    """`make` establishes the state; `in_service` says whether the stack ever got the cluster's attributes."""

    name: str
    make: Callable[[StackUnderTest], None]
    in_service: bool


def never_made(stack: StackUnderTest) -> None:
    stack.prepare("Create", stack.properties())


def creating(stack: StackUnderTest) -> None:
    stack.invoke(stack.prepare("Create", stack.properties()).event)


def half_made(stack: StackUnderTest) -> None:
    stack.recorder.before = failing("elasticache:CreateReplicationGroup", "InvalidParameterValue", times=None)
    assert not stack.create(NAME, stack.properties()).ok
    stack.recorder.before = None


def create_failed(stack: StackUnderTest) -> None:
    stack.simulator.fail_next_create("no capacity")
    assert not stack.create(NAME, stack.properties()).ok


def settled(stack: StackUnderTest) -> None:
    stack.created()


def modifying(stack: StackUnderTest) -> None:
    physical_id = stack.created()
    stack.elasticache.modify_replication_group(
        ReplicationGroupId=physical_id, CacheNodeType="cache.t3.medium", ApplyImmediately=True
    )


def snapshotting(stack: StackUnderTest) -> None:
    physical_id = stack.created(node_type="cache.m5.large")
    stack.elasticache.create_snapshot(ReplicationGroupId=physical_id, SnapshotName="manual")


def deleting(stack: StackUnderTest) -> None:
    physical_id = stack.created()
    stack.elasticache.delete_replication_group(ReplicationGroupId=physical_id)


def replication_group_gone(stack: StackUnderTest) -> None:
    deleting(stack)
    stack.clock.advance(3600)


def all_gone(stack: StackUnderTest) -> None:
    stack.created()
    assert stack.delete(NAME).ok


def token_in_recovery(stack: StackUnderTest) -> None:
    physical_id = stack.created()
    client("secretsmanager").delete_secret(SecretId=f"{PREFIX}-{physical_id}", RecoveryWindowInDays=7)


def snapshots_unsupported(stack: StackUnderTest) -> None:
    physical_id = stack.created()
    stack.simulator.forbid_snapshots(physical_id)


STATES = [
    State("never made", never_made, in_service=False),
    State("creating", creating, in_service=False),
    State("half made", half_made, in_service=False),
    State("create-failed", create_failed, in_service=False),
    State("settled", settled, in_service=True),
    State("modifying", modifying, in_service=True),
    State("snapshotting", snapshotting, in_service=True),
    State("already deleting", deleting, in_service=True),
    State("the replication group is gone", replication_group_gone, in_service=True),
    State("everything is gone", all_gone, in_service=False),
    State("the token is in its recovery window", token_in_recovery, in_service=True),
    State("snapshots are unsupported", snapshots_unsupported, in_service=True),
]
IDS = ["its own", "invented", "none", "nothing made", "another of our form"]
PROPERTIES = ["the same", "broken", "of an old shape"]


def id_of(stack: StackUnderTest, kind: str) -> str | None:
    owner = naming.Owner(stack.stack_id, NAME)
    made = [group.id for group in stack.simulator.groups()]
    known = stack.resources[NAME].physical_id or (made[0] if made else naming.nothing_made(owner))
    return {
        "its own": known,
        "invented": "shop-Redis-1OPG6JWK4V6NX",
        "none": None,
        "nothing made": naming.nothing_made(owner),
        "another of our form": "shop-redis-zzzzzzzzzz",
    }[kind]


def properties_of(stack: StackUnderTest, kind: str) -> dict[str, Any]:
    same = stringify(stack.properties())
    return {
        "the same": same,
        "broken": {**same, "node_type": "?", "redis_version": [], "vpc": {"data": "x"}},
        "of an old shape": {"NodeType": "cache.t2.micro", "Subnets": "subnet-1,subnet-2"},
    }[kind]


def finds_it(id_kind: str, properties_kind: str) -> bool:
    """Return whether the id, or else the properties, lead to the cluster."""
    return id_kind == "its own" or (id_kind in ("invented", "none") and properties_kind == "the same")


def deleted(stack: StackUnderTest, id_kind: str, properties_kind: str) -> ReceivedResponse:
    request = stack.prepare(
        "Delete", properties_of(stack, properties_kind), physical_id=id_of(stack, id_kind)
    )
    # For CloudFormation a create in progress has ended; its polls continue until they see the Delete.
    return stack.run_from(request)


GRID = [
    (state, id_kind, properties_kind)
    for state, id_kind, properties_kind in itertools.product(STATES, IDS, PROPERTIES)
]


@pytest.mark.parametrize(
    ("state", "id_kind", "properties_kind"),
    GRID,
    ids=[f"{state.name}, id {id_kind}, properties {kind}" for state, id_kind, kind in GRID],
)
def test_a_delete_in_any_state_ends_and_deletes_all_that_it_may(
    state: State, id_kind: str, properties_kind: str
) -> None:
    with StackUnderTest(AWS_TIMING) as stack:
        state.make(stack)
        before = {group.id for group in stack.simulator.groups()}

        response = deleted(stack, id_kind, properties_kind)

        assert response.ok, response.reason
        assert response.seconds < 3600
        may_act = finds_it(id_kind, properties_kind) and (id_kind == "its own" or not state.in_service)
        if may_act:
            stack.idle(1200)
            assert stack.leftovers() == []
        elif state.in_service and state.make is not deleting:
            assert {group.id for group in stack.simulator.groups()} == before


@pytest.mark.parametrize("kind", ["replication group", "subnet group", "security group", "secret"])
def test_a_foreign_resource_with_a_name_of_the_provider_is_never_deleted(kind: str) -> None:
    with StackUnderTest(AWS_TIMING, real=True) as stack:
        physical_id = stack.created()
        assert stack.delete(NAME).ok
        name = f"{PREFIX}-{physical_id}"
        if kind == "replication group":
            stack.cloud.make_subnet_group()
            stack.elasticache.create_replication_group(**stack.cloud.request(ReplicationGroupId=physical_id))
        elif kind == "subnet group":
            stack.cloud.make_subnet_group(name)
        elif kind == "security group":
            stack.cloud.make_security_group(stack.cloud.vpc, name)
        else:
            client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
            client("secretsmanager").create_secret(Name=name, SecretString="{}", Description="theirs")
        foreign = stack.leftovers()

        assert stack.delete(NAME).ok

        assert stack.leftovers() == foreign != []


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("elasticache:DeleteReplicationGroup", "InvalidReplicationGroupState"),
        ("elasticache:DeleteCacheSubnetGroup", "CacheSubnetGroupInUse"),
        ("ec2:DeleteSecurityGroup", "DependencyViolation"),
        ("elasticache:DeleteReplicationGroup", "Throttling"),
    ],
)
def test_a_delete_waits_for_a_resource_that_is_in_use_for_half_an_hour(call: str, code: str) -> None:
    with StackUnderTest(AWS_TIMING) as stack:
        stack.created()
        held_until = stack.clock.now() + 1800

        def held(made: Any, index: int) -> None:
            if stack.clock.now() < held_until:
                failing(call, code, times=None)(made, index)

        stack.recorder.before = held

        response = stack.delete(NAME)

        assert response.ok
        assert response.seconds >= 1790
        assert stack.leftovers() == []


@pytest.mark.parametrize("taken", [1])
def test_a_final_snapshot_gets_another_name_where_its_own_is_taken(taken: int) -> None:
    with StackUnderTest(AWS_TIMING) as stack:
        physical_id = stack.created(node_type="cache.m5.large")
        request = stack.prepare("Delete")
        name = naming.final_snapshot(physical_id, request.id)
        for number in range(taken):
            stack.elasticache.create_snapshot(
                ReplicationGroupId=physical_id, SnapshotName=name + ("-2" if number else "")
            )
            stack.clock.advance(600)
        # Signed after the snapshots were made: they are not this Delete's.
        request.event["ResponseURL"] = stack._response_url(NAME, request.id)
        request.sent_at = stack.clock.now()

        response = stack.run_from(request)

        assert response.ok, response.reason
        assert len(stack.snapshots()) == taken + 1
        assert stack.leftovers() == []


def test_a_delete_that_times_out_reports_it_and_the_next_delete_ends() -> None:
    with StackUnderTest(Timing(delete=5000)) as stack:
        stack.created()

        late = stack.delete(NAME)

        assert not late.ok
        assert late.reason.startswith("Timed out while")
        assert stack.delete(NAME).ok
        assert stack.leftovers() == []
