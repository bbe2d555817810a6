"""What one look costs: a fixed number of calls and pages of members, never one call per member."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from massdriver_redis.planner.decision import Reject, UpToDate
from tests.harness.planner_bench import PlannerBench, wanted
from tests.simulator import Quotas

RAISED = Quotas(nodes_per_group=500, nodes_per_region=1000)
ONCE = {
    "DescribeReplicationGroups": 1,
    "DescribeCacheSubnetGroups": 1,
    "DescribeSecurityGroups": 1,
    "DescribeSecret": 1,
}
"""What a look reads besides the pages of members."""


def shaped(shards: int, replicas: int, **changes: Any) -> dict[str, Any]:
    return {
        "cluster_mode_enabled": True,
        "node_groups": shards,
        "replicas": replicas,
        "node_type": "cache.r5.large",
        "secure": True,
        **changes,
    }


@pytest.mark.parametrize(
    ("shards", "replicas", "pages"),
    [(2, 1, 1), (15, 5, 1), (20, 4, 1), (50, 1, 1), (83, 5, 5), (250, 1, 5)],
    ids=["4 nodes", "90 nodes", "100 nodes", "100 nodes of 50 shards", "498 nodes", "500 nodes"],
)
def test_an_update_with_nothing_to_do_takes_one_look(shards: int, replicas: int, pages: int) -> None:
    properties = wanted(**shaped(shards, replicas))
    bench = PlannerBench.made_by(properties, quotas=RAISED)
    assert bench.converge(properties) == UpToDate()
    assert bench.looks == 1
    calls = Counter(call.operation for call in bench.recorder.calls)
    assert calls == {**ONCE, "DescribeCacheClusters": pages, "ListTagsForResource": 2}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (shaped(15, 5), shaped(30, 2, redis_version="7.1", node_type="cache.m5.large", tags={"a": "b"})),
        (shaped(50, 4), shaped(100, 4, redis_version="7.1", node_type="cache.r5.xlarge", tags={"a": "b"})),
    ],
    ids=["90 nodes", "250 to 500 nodes"],
)
def test_every_look_of_a_great_change_keeps_to_the_budget(old: dict[str, Any], new: dict[str, Any]) -> None:
    """A look reads the pages of members and at most two details more, tags being two calls."""
    bench = PlannerBench.made_by(wanted(**old), quotas=RAISED)
    assert bench.converge(wanted(**new)) == UpToDate(), bench.reason
    reads = [call.operation for call in bench.recorder.calls if not call.mutates]
    starts = [index for index, name in enumerate(reads) if name == "DescribeReplicationGroups"]
    looks = [Counter(reads[a:b]) for a, b in zip(starts, [*starts[1:], len(reads)], strict=True)]
    nodes = max(each["node_groups"] * (each["replicas"] + 1) for each in (old, new))
    for look in looks:
        pages = look.pop("DescribeCacheClusters")
        assert pages <= -(-nodes // 100)
        assert sum(look.values()) <= len(ONCE) + 3


def test_asking_why_a_change_was_reverted_costs_six_calls_whatever_the_size() -> None:
    bench = PlannerBench.made_by(wanted(**shaped(83, 5)), quotas=RAISED)
    bench.simulator.roll_back_next("node_type", "Failed to scale")
    assert isinstance(bench.converge(wanted(**shaped(83, 5, node_type="cache.m5.large"))), Reject)
    assert Counter(call.operation for call in bench.recorder.calls)["DescribeEvents"] == 6
