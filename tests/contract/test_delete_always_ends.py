"""Delete always ends: whatever there is, whatever its id and properties say, and at AWS's own pace.

Each state of the world meets each form of the id and of the properties. A Delete that may act leaves
nothing; one that may not touches nothing; both answer SUCCESS, within CloudFormation's hour.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from massdriver_redis.state import naming
from tests.harness.cloudformation import PREFIX, Response, stringify
from tests.harness.moto_aws import client
from tests.harness.stack import NAME, Stage, failing
from tests.simulator import Timing

AWS_PACE = Timing()


@dataclass(frozen=True)
class State:
    """`make` brings the world there; `handed_over` says whether the stack was ever given the cluster."""

    name: str
    make: Callable[[Stage], None]
    handed_over: bool


def never_made(stage: Stage) -> None:
    stage.prepare("Create", stage.properties())


def creating(stage: Stage) -> None:
    stage.invoke(stage.prepare("Create", stage.properties()).event)


def half_made(stage: Stage) -> None:
    stage.wire.before = failing("elasticache:CreateReplicationGroup", "InvalidParameterValue", times=None)
    assert not stage.create(NAME, stage.properties()).ok
    stage.wire.before = None


def create_failed(stage: Stage) -> None:
    stage.simulator.fail_next_create("no capacity")
    assert not stage.create(NAME, stage.properties()).ok


def settled(stage: Stage) -> None:
    stage.created()


def modifying(stage: Stage) -> None:
    physical_id = stage.created()
    stage.elasticache.modify_replication_group(
        ReplicationGroupId=physical_id, CacheNodeType="cache.t3.medium", ApplyImmediately=True
    )


def snapshotting(stage: Stage) -> None:
    physical_id = stage.created(node_type="cache.m5.large")
    stage.elasticache.create_snapshot(ReplicationGroupId=physical_id, SnapshotName="by-hand")


def deleting(stage: Stage) -> None:
    physical_id = stage.created()
    stage.elasticache.delete_replication_group(ReplicationGroupId=physical_id)


def group_gone(stage: Stage) -> None:
    deleting(stage)
    stage.clock.advance(3600)


def all_gone(stage: Stage) -> None:
    stage.created()
    assert stage.delete(NAME).ok


def token_in_recovery(stage: Stage) -> None:
    physical_id = stage.created()
    client("secretsmanager").delete_secret(SecretId=f"{PREFIX}-{physical_id}", RecoveryWindowInDays=7)


def snapshots_unsupported(stage: Stage) -> None:
    physical_id = stage.created()
    stage.simulator.forbid_snapshots(physical_id)


STATES = [
    State("never made", never_made, handed_over=False),
    State("creating", creating, handed_over=False),
    State("half made", half_made, handed_over=False),
    State("create-failed", create_failed, handed_over=False),
    State("settled", settled, handed_over=True),
    State("modifying", modifying, handed_over=True),
    State("snapshotting", snapshotting, handed_over=True),
    State("already deleting", deleting, handed_over=True),
    State("the group is gone", group_gone, handed_over=True),
    State("all is gone", all_gone, handed_over=False),
    State("the token is in its recovery window", token_in_recovery, handed_over=True),
    State("snapshots are unsupported", snapshots_unsupported, handed_over=True),
]
IDS = ["its own", "invented", "none", "nothing made", "another of our form"]
PROPERTIES = ["the same", "broken", "of an old shape"]


def id_of(stage: Stage, kind: str) -> str | None:
    owner = naming.Owner(stage.stack_id, NAME)
    made = [group.id for group in stage.simulator.groups()]
    known = stage.resources[NAME].physical_id or (made[0] if made else naming.nothing_made(owner))
    return {
        "its own": known,
        "invented": "shop-Redis-1OPG6JWK4V6NX",
        "none": None,
        "nothing made": naming.nothing_made(owner),
        "another of our form": "shop-redis-zzzzzzzzzz",
    }[kind]


def properties_of(stage: Stage, kind: str) -> dict[str, Any]:
    same = stringify(stage.properties())
    return {
        "the same": same,
        "broken": {**same, "node_type": "?", "redis_version": [], "vpc": {"data": "x"}},
        "of an old shape": {"NodeType": "cache.t2.micro", "Subnets": "subnet-1,subnet-2"},
    }[kind]


def finds_it(id_kind: str, properties_kind: str) -> bool:
    """Tell whether these lead to the cluster at all: the id itself, or else the properties."""
    return id_kind == "its own" or (id_kind in ("invented", "none") and properties_kind == "the same")


def deleted(stage: Stage, id_kind: str, properties_kind: str) -> Response:
    request = stage.prepare(
        "Delete", properties_of(stage, properties_kind), physical_id=id_of(stage, id_kind)
    )
    # A create under way is over for CloudFormation; its poll goes on until it finds out.
    return stage.run_from(request)


GRID = [
    (state, id_kind, properties_kind)
    for state, id_kind, properties_kind in itertools.product(STATES, IDS, PROPERTIES)
]


@pytest.mark.parametrize(
    ("state", "id_kind", "properties_kind"),
    GRID,
    ids=[f"{state.name}, id {id_kind}, properties {kind}" for state, id_kind, kind in GRID],
)
def test_a_delete_in_any_state_ends_and_takes_all_that_it_may(
    state: State, id_kind: str, properties_kind: str
) -> None:
    with Stage(AWS_PACE) as stage:
        state.make(stage)
        before = {group.id for group in stage.simulator.groups()}

        response = deleted(stage, id_kind, properties_kind)

        assert response.ok, response.reason
        assert response.seconds < 3600
        may_act = finds_it(id_kind, properties_kind) and (id_kind == "its own" or not state.handed_over)
        if may_act:
            stage.idle(1200)
            assert stage.leftovers() == []
        elif state.handed_over and state.make is not deleting:
            assert {group.id for group in stage.simulator.groups()} == before


@pytest.mark.parametrize("kind", ["group", "subnet group", "security group", "secret"])
def test_what_someone_else_made_under_our_names_is_never_touched(kind: str) -> None:
    with Stage(AWS_PACE, real=True) as stage:
        physical_id = stage.created()
        assert stage.delete(NAME).ok
        name = f"{PREFIX}-{physical_id}"
        if kind == "group":
            stage.cloud.make_subnet_group()
            stage.elasticache.create_replication_group(**stage.cloud.request(ReplicationGroupId=physical_id))
        elif kind == "subnet group":
            stage.cloud.make_subnet_group(name)
        elif kind == "security group":
            stage.cloud.make_security_group(stage.cloud.vpc, name)
        else:
            client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
            client("secretsmanager").create_secret(Name=name, SecretString="{}", Description="theirs")
        there = stage.leftovers()

        assert stage.delete(NAME).ok

        assert stage.leftovers() == there != []


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("elasticache:DeleteReplicationGroup", "InvalidReplicationGroupState"),
        ("elasticache:DeleteCacheSubnetGroup", "CacheSubnetGroupInUse"),
        ("ec2:DeleteSecurityGroup", "DependencyViolation"),
        ("secretsmanager:DeleteSecret", "InvalidRequestException"),
        ("elasticache:DeleteReplicationGroup", "Throttling"),
    ],
)
def test_what_is_held_for_half_an_hour_is_waited_for(call: str, code: str) -> None:
    with Stage(AWS_PACE) as stage:
        stage.created()
        held_until = stage.clock.now() + 1800

        def held(made: Any, index: int) -> None:
            if stage.clock.now() < held_until:
                failing(call, code, times=None)(made, index)

        stage.wire.before = held

        response = stage.delete(NAME)

        assert response.ok
        assert response.seconds >= 1790
        assert stage.leftovers() == []


@pytest.mark.parametrize("taken", [1])
def test_a_final_snapshot_whose_name_is_taken_goes_by_another(taken: int) -> None:
    with Stage(AWS_PACE) as stage:
        physical_id = stage.created(node_type="cache.m5.large")
        request = stage.prepare("Delete")
        name = naming.final_snapshot(physical_id, request.id)
        for number in range(taken):
            stage.elasticache.create_snapshot(
                ReplicationGroupId=physical_id, SnapshotName=name + ("-2" if number else "")
            )
            stage.clock.advance(600)
        # Signed after they were made: they are not this Delete's.
        request.event["ResponseURL"] = stage._response_url(NAME, request.id)
        request.sent_at = stage.clock.now()

        response = stage.run_from(request)

        assert response.ok, response.reason
        assert len(stage.snapshots()) == taken + 1
        assert stage.leftovers() == []


def test_a_delete_that_runs_out_of_time_says_so_and_the_next_one_ends_it() -> None:
    with Stage(Timing(delete=5000)) as stage:
        stage.created()

        late = stage.delete(NAME)

        assert not late.ok
        assert late.reason.startswith("Out of time while")
        assert stage.delete(NAME).ok
        assert stage.leftovers() == []
