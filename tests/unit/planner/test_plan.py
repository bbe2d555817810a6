"""The planner and AWS's misbehaviour: changes that are silently reverted, half done, or shown late."""

from __future__ import annotations

from typing import Any

import pytest

from massdriver_redis.planner.decision import PlanContext, Reject, Requeue, UpToDate
from massdriver_redis.planner.plan import plan
from massdriver_redis.state.desired import desired
from massdriver_redis.state.observed import Observed, ReplicationGroup
from massdriver_redis.state.record import RequestVersion
from tests.harness.planner_bench import GROUP, OWNER, PREFIX, PlannerBench, Stopped, differences, wanted
from tests.harness.recorder import Call
from tests.simulator import Timing

ONE = {"node_type": "cache.m5.large"}
REPLICATED = {**ONE, "replicas": 2}
SHARDED = {**REPLICATED, "cluster_mode_enabled": True, "node_groups": 4}
NO_MEMORY = "Failed to scale down to cache node type cache.t3.micro because the node has insufficient memory"


def operations(calls: list[Call]) -> list[str]:
    return [call.operation for call in calls]


# --- changes that AWS accepts and reverts --------------------------------------------------------


@pytest.mark.parametrize("old", [ONE, REPLICATED, SHARDED], ids=["one node", "replicas", "cluster mode"])
def test_a_scale_down_silently_reverted_fails_with_the_events_text(old: dict[str, Any]) -> None:
    bench = PlannerBench.made_by(wanted(**old))
    bench.simulator.roll_back_next("node_type", NO_MEMORY)
    end = bench.converge(wanted(**{**old, "node_type": "cache.t3.micro"}))
    assert isinstance(end, Reject)
    assert end.reason == (
        "node_type: AWS accepted the change to cache.t3.micro but the cluster is at cache.m5.large: "
        f"{NO_MEMORY}. Free memory or choose a smaller change, then update again"
    )
    assert operations(bench.writes()) == ["ModifyReplicationGroup"]


def test_a_reshard_silently_reverted_fails_with_the_events_text() -> None:
    bench = PlannerBench.made_by(wanted(**SHARDED))
    bench.simulator.roll_back_next("node_groups", "Resharding failed: items larger than 256 MB")
    end = bench.converge(wanted(**{**SHARDED, "node_groups": 6}))
    assert isinstance(end, Reject)
    assert end.reason.startswith(
        "node_groups: AWS accepted the change to 6 but the cluster is at 4: Resharding failed: items larger"
    )
    assert operations(bench.writes()) == ["ModifyReplicationGroupShardConfiguration"]


@pytest.mark.parametrize(
    ("kind", "new", "word"),
    [
        ("engine_version", {"redis_version": "7.1"}, "redis_version"),
        ("replicas", {"replicas": 3}, "replicas"),
        ("automatic_failover", {"replicas": 0}, "failover"),
        ("multi_az", {"replicas": 0}, "multi_az"),
    ],
)
def test_whatever_aws_reverts_is_named(kind: str, new: dict[str, Any], word: str) -> None:
    bench = PlannerBench.made_by(wanted(**REPLICATED))
    bench.simulator.roll_back_next(kind, "Unable to apply the change")
    end = bench.converge(wanted(**{**REPLICATED, **new}))
    assert isinstance(end, Reject)
    assert end.reason.startswith(f"{word}: AWS accepted the change to ")
    assert "Unable to apply the change" in end.reason


def test_of_two_changes_in_one_call_the_reverted_one_is_named() -> None:
    bench = PlannerBench.made_by(wanted(**ONE))
    bench.simulator.roll_back_next("node_type", "Failed to scale up")
    end = bench.converge(wanted(node_type="cache.r5.large", redis_version="7.1"))
    assert isinstance(end, Reject)
    assert end.reason.startswith("node_type: AWS accepted the change to cache.r5.large but")


def test_the_rollback_after_a_reverted_change_goes_to_the_old_properties() -> None:
    old, new = {**SHARDED}, {**SHARDED, "replicas": 3, "node_groups": 6, "node_type": "cache.t3.micro"}
    bench = PlannerBench.made_by(wanted(**old))
    bench.simulator.roll_back_next("node_type", NO_MEMORY)
    assert isinstance(bench.converge(wanted(**new), old=wanted(**old)), Reject)
    assert bench.converge(wanted(**old), old=wanted(**new), rolling_back=True) == UpToDate(), bench.reason
    assert differences(bench, wanted(**old)) == []


def test_the_next_update_may_ask_for_the_same_again() -> None:
    bench = PlannerBench.made_by(wanted(**ONE))
    bench.simulator.roll_back_next("node_type", NO_MEMORY)
    new = wanted(node_type="cache.t3.micro")
    assert isinstance(bench.converge(new), Reject)
    assert bench.converge(new) == UpToDate()


# --- shards removed in part -------------------------------------------------------------------------


def test_a_partial_removal_of_shards_is_tried_once_more() -> None:
    bench = PlannerBench.made_by(wanted(**SHARDED))
    bench.simulator.partial_shard_removal(3)
    new = wanted(**{**SHARDED, "node_groups": 2})
    assert bench.converge(new) == UpToDate(), bench.reason
    removed = [call.params["NodeGroupsToRemove"] for call in bench.mutations()]
    assert removed == [["0003", "0004"], ["0004"]]
    assert differences(bench, new) == []


def test_a_second_partial_removal_fails_with_the_count_reached() -> None:
    old = {**SHARDED, "node_groups": 6}
    bench = PlannerBench.made_by(wanted(**old))
    bench.simulator.partial_shard_removal(5)
    bench.simulator.partial_shard_removal(4)
    end = bench.converge(wanted(**{**old, "node_groups": 2}))
    assert isinstance(end, Reject)
    assert end.reason.startswith(
        "node_groups: AWS accepted the change to 2 but the cluster is at 4: Scale-in of "
    )
    assert len(bench.mutations()) == 2
    assert bench.converge(wanted(**old), rolling_back=True) == UpToDate(), bench.reason
    assert differences(bench, wanted(**old)) == []


# --- a change that never was ------------------------------------------------------------------------


def test_a_change_recorded_by_an_invocation_that_died_is_asked_for_again() -> None:
    bench = PlannerBench.made_by(wanted(**ONE))

    def die(call: Call, _index: int) -> None:
        if call.operation == "IncreaseReplicaCount" and not died:
            died.append(True)
            raise KeyboardInterrupt

    died: list[bool] = []
    bench.recorder.before = die
    with pytest.raises(KeyboardInterrupt):
        bench.converge(wanted(**REPLICATED), request_id="the same")
    assert bench.converge(wanted(**REPLICATED), request_id="the same") == UpToDate(), bench.reason
    assert differences(bench, wanted(**REPLICATED)) == []


# --- what describes show ----------------------------------------------------------------------------


@pytest.mark.parametrize("stale", [20.0, 70.0, 170.0])
def test_describes_that_lag_behind_a_call_do_not_lead_to_a_second_one(stale: float) -> None:
    old, new = wanted(**SHARDED), wanted(**{**SHARDED, "node_groups": 6, "replicas": 3})
    bench = PlannerBench.made_by(old, Timing(stale=stale))
    assert bench.converge(new) == UpToDate(), bench.reason
    assert operations(bench.writes()) == ["ModifyReplicationGroupShardConfiguration", "IncreaseReplicaCount"]


def test_the_status_alone_ends_no_wait() -> None:
    """Members go on moving while the group says available (hashicorp/terraform-provider-aws#50096)."""
    bench = PlannerBench.made_by(wanted(**ONE), Timing(member_lag=500, node_group_lag=300))
    assert bench.converge(wanted(node_type="cache.r5.large", replicas=1)) == UpToDate(), bench.reason
    assert {member.status for member in bench.simulator.group(GROUP).every_member()} == {"available"}


@pytest.mark.parametrize("status", ["modifying", "snapshotting"])
def test_aws_may_take_the_cluster_for_itself_at_any_time(status: str) -> None:
    old, new = (
        wanted(**SHARDED),
        wanted(**{**SHARDED, "node_groups": 6, "replicas": 3, "redis_version": "7.1"}),
    )
    bench = PlannerBench.made_by(old)
    for seconds in (120, 700):
        bench.simulator.maintenance(GROUP, status, seconds)
    busy: list[str] = []

    def flip(call: Call, _index: int) -> None:
        """Between the look and the call."""
        if (
            call.operation in {"IncreaseReplicaCount", "ModifyReplicationGroupShardConfiguration"}
            and not busy
        ):
            busy.append(call.operation)
            bench.simulator.maintenance(GROUP, status, 300)

    bench.recorder.before = flip
    assert bench.converge(new) == UpToDate(), bench.reason
    assert differences(bench, new) == []
    assert busy


def test_a_group_that_could_not_be_made_fails_with_the_events_text() -> None:
    bench = PlannerBench()
    bench.simulator.fail_next_create("Insufficient capacity of cache.m5.large in us-east-1a")
    end = bench.converge(wanted(**ONE), may_create=True)
    assert isinstance(end, Reject)
    assert "Insufficient capacity of cache.m5.large in us-east-1a" in end.reason


def test_a_group_that_is_being_deleted_is_never_changed() -> None:
    bench = PlannerBench.made_by(wanted(**ONE))
    bench.simulator.act("123456789012", "us-east-1", "DeleteReplicationGroup", {"ReplicationGroupId": GROUP})
    end = bench.converge(wanted(**REPLICATED))
    assert isinstance(end, Reject)
    assert "is being deleted" in end.reason
    assert bench.writes() == []


# --- refusals ---------------------------------------------------------------------------------------

REFUSED = {
    "an older version": ({"redis_version": "7.1"}, {"redis_version": "6.x"}, "ElastiCache can't downgrade"),
    "from valkey to redis": (
        {"engine": "valkey", "redis_version": "8.0"},
        {"redis_version": "7.1"},
        "valkey can't go back to redis in place; make a second resource with engine redis and move the data",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_done_is_refused_before_any_write(case: str) -> None:
    old, new, words = REFUSED[case]
    bench = PlannerBench.made_by(wanted(**old))
    end = bench.converge(wanted(replicas=3, tags={"a": "b"}, **new), old=wanted(**old))
    assert isinstance(end, Reject)
    assert words in end.reason
    assert bench.recorder.mutations() == []
    # The swapped Update that follows is a success without a call.
    assert bench.converge(wanted(**old), old=wanted(**new), rolling_back=True) == UpToDate()
    assert bench.recorder.mutations() == []


def test_a_version_that_aws_does_not_offer_is_refused_with_those_it_does() -> None:
    bench = PlannerBench.made_by(wanted(**ONE))
    bench.recorder.before = lambda call, _index: (
        {"CacheEngineVersions": [{"EngineVersion": "7.2"}, {"EngineVersion": "8.0"}]}
        if call.operation == "DescribeCacheEngineVersions"
        else None
    )
    end = bench.converge(wanted(engine="valkey", redis_version="9.1", replicas=1), old=wanted(**ONE))
    assert isinstance(end, Reject)
    assert end.reason.endswith("choose one of 7.2, 8.0")
    assert bench.recorder.mutations() == []


def test_a_node_type_that_aws_does_not_list_is_refused_with_those_it_does() -> None:
    bench = PlannerBench.made_by(wanted(**ONE))
    bench.recorder.before = lambda call, _index: (
        {"ScaleUpModifications": ["cache.r5.large"], "ScaleDownModifications": []}
        if call.operation == "ListAllowedNodeTypeModifications"
        else None
    )
    end = bench.converge(wanted(node_type="cache.m5.24xlarge", replicas=1))
    assert end == Reject(
        "node_type: AWS can't change this cluster to cache.m5.24xlarge; it allows cache.r5.large"
    )
    assert bench.recorder.mutations() == []


# --- pure -------------------------------------------------------------------------------------------


def test_a_status_never_heard_of_is_waited_out() -> None:
    target = desired(wanted(), OWNER, GROUP, PREFIX)
    group = ReplicationGroup(
        id=GROUP,
        arn="",
        status="meditating",
        description=OWNER.marker,
        cluster_mode=False,
        node_type="cache.t3.small",
        node_groups=(),
        member_ids=(),
        nodes=(),
        automatic_failover="disabled",
        multi_az=False,
        tls=False,
        settings={},
    )
    decision = plan(
        target, Observed(replication_group=group), PlanContext(now=0, request_version=RequestVersion("r"))
    )
    assert decision == Requeue("the replication group is meditating")


def test_an_update_cut_off_leaves_the_rest_to_the_next() -> None:
    bench = PlannerBench.made_by(wanted(**ONE))
    new = wanted(**{**REPLICATED, "redis_version": "7.1"})
    assert bench.converge(new, steps=1) == Stopped()
    assert bench.converge(new) == UpToDate()
    assert operations(bench.writes()) == [
        "ModifyReplicationGroup",
        "IncreaseReplicaCount",
        "ModifyReplicationGroup",
    ]
