"""Laws of the planner, held against the simulator for random clusters and changes of them.

`make test` runs a fixed share, `make full` thousands of random ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from massdriver_redis import catalog
from massdriver_redis.planner.decision import Reject, UpToDate
from massdriver_redis.properties.model import Properties
from tests.harness.planner_bench import GROUP, PlannerBench, differences, wanted
from tests.harness.recorder import Call
from tests.simulator import Timing
from tests.simulator.state import GroupState

MOST_STEPS = 14
"""No change of any number of properties takes more ElastiCache calls than this."""

ENGINES = [
    (engine, version)
    for engine in ("redis", "valkey")
    for version in catalog.versions(engine)
    if version != "3.2"
]
SMALL = [(2, 0), (2, 1), (3, 2), (4, 0), (5, 1), (2, 5)]
LARGE = [(15, 5), (18, 4), (30, 2), (45, 1), (90, 0)]
"""Node groups and replicas; the large ones just fit AWS's default quota of 90 nodes."""
WINDOWS = [("07:00-08:00", "sun:09:00-sun:10:00"), ("09:30-10:30", "wed:08:00-wed:09:00")]
TYPES = [
    "cache.t3.micro",
    "cache.t3.medium",
    "cache.m5.large",
    "cache.r5.xlarge",
    "cache.t4g.small",
    "cache.r7g.large",
]


TOGETHER = [
    ("engine", "redis_version", "node_type"),
    ("node_groups", "replicas"),
    ("snapshot_window", "maintenance_window"),
    ("snapshot_retention_limit",),
    ("auto_minor_version_upgrade",),
    ("allow_vpc_access", "cidr"),
    ("tags",),
]
"""Properties that only fit together: an update leaves all of a row, or none, as it was."""


@dataclass(frozen=True)
class Given:
    """A cluster as `old` had it, an update to `new` cut off after `steps` calls, and how AWS behaves."""

    old: Properties
    new: Properties
    steps: int
    pause: int
    timing: Timing


@st.composite
def settings_of(draw: Callable[..., Any], cluster_mode: bool, secure: bool) -> dict[str, Any]:
    engine, version = draw(st.sampled_from(ENGINES))
    fitting = [each for each in TYPES if catalog.runs_on(each, engine, version)]
    shards, replicas = draw(st.sampled_from(SMALL * 4 + LARGE if cluster_mode else SMALL))
    snapshot, maintenance = draw(st.sampled_from(WINDOWS))
    return {
        "engine": engine,
        "redis_version": version,
        "node_type": draw(st.sampled_from(fitting)),
        "cluster_mode_enabled": cluster_mode,
        "secure": secure,
        "node_groups": shards if cluster_mode else 2,
        "replicas": replicas,
        "snapshot_retention_limit": draw(st.sampled_from([0, 1, 7])),
        "snapshot_window": snapshot,
        "maintenance_window": maintenance,
        "auto_minor_version_upgrade": draw(st.booleans()),
        "allow_vpc_access": draw(st.booleans()),
        "cidr": draw(st.sampled_from(["10.1.0.0/16", "10.2.0.0/16"])),
        "tags": draw(st.sampled_from([{}, {"a": "1"}, {"a": "2", "b": "1"}])),
    }


@st.composite
def cases(draw: Callable[..., Any]) -> Given:
    cluster_mode, secure = draw(st.booleans()), draw(st.booleans())
    old = draw(settings_of(cluster_mode, secure))
    new = draw(settings_of(cluster_mode, secure))
    rank = ENGINES.index
    if rank((old["engine"], old["redis_version"])) > rank((new["engine"], new["redis_version"])):
        # Mostly upwards: a downgrade is refused, and that is all there is to it.
        for key in TOGETHER[0] if draw(st.integers(0, 9)) else ():
            old[key], new[key] = new[key], old[key]
    for keys in draw(st.sets(st.sampled_from(TOGETHER))):
        new |= {key: old[key] for key in keys}
    subnets, grown = draw(
        st.sampled_from([("a1", "a1 a2"), ("a1 b1", "a1 b1"), ("a1 b1", "a1 b1 a2"), ("a1", "a1 b1")])
    )
    return Given(
        old=wanted(subnets, **old),
        new=wanted(grown, **new),
        steps=draw(st.integers(0, 6)),
        pause=draw(st.sampled_from([0, 20, 200, 1000])),
        timing=Timing(stale=draw(st.sampled_from([0.0, 0.0, 45.0, 120.0]))),
    )


def check_update(case: Given) -> None:
    old, new = case.old, case.new
    bench = PlannerBench.made_by(old, case.timing)
    if ahead(old, new):
        assert isinstance(bench.converge(new, old=old), Reject)
        assert bench.writes() == []
        return
    assert bench.converge(new, old=old) == UpToDate(), bench.reason
    assert differences(bench, new) == []
    assert len(bench.mutations()) <= MOST_STEPS
    check_history(bench, 0, old, new)
    bench.forget()
    assert bench.converge(new, old=new) == UpToDate()
    assert bench.writes() == []


def check_interrupted(case: Given, *, back: bool) -> None:
    old, new = case.old, case.new
    if ahead(old, new):
        return
    bench = PlannerBench.made_by(old, case.timing)
    bench.converge(new, old=old, steps=case.steps)
    bench.clock.advance(case.pause)
    target = old if back else new
    bench.forget()
    first = first_step(bench)
    assert bench.converge(target, old=new if back else old, rolling_back=back) == UpToDate(), bench.reason
    assert differences(bench, target, after_rollback=back) == []
    assert len(bench.mutations()) <= MOST_STEPS
    # What the first request had asked for may still happen; from its own first step the second is judged.
    for since in first:
        check_history(bench, since, bench.simulator.history(GROUP)[since], target)
    if bench.subnets() == {subnet.id for subnet in target.vpc.subnets}:
        bench.forget()
        assert bench.converge(target, old=target) == UpToDate()
        assert bench.writes() == []


def first_step(bench: PlannerBench) -> list[int]:
    """Return a list that will hold where the history stands at the first call that changes the group."""
    found: list[int] = []

    def note(call: Call, _index: int) -> None:
        if call.mutates and call.service == "elasticache" and not found:
            found.append(len(bench.simulator.history(GROUP)) - 1)

    bench.recorder.before = note
    return found


def check_history(bench: PlannerBench, since: int, start: Properties | GroupState, end: Properties) -> None:
    """Never fewer copies or shards than both ends have, never failover lost that the end has."""
    shards, replicas = (
        (start.shards, start.replicas)
        if isinstance(start, GroupState)
        else (start.node_groups, start.replicas)
    )
    states = bench.simulator.history(GROUP)[since:]
    assert min(state.shards for state in states) >= min(shards, end.node_groups)
    assert min(state.replicas for state in states) >= min(replicas, end.replicas)
    if end.replicas or end.cluster_mode_enabled:
        failover = [state.automatic_failover for state in states]
        lost = [after for before, after in itertools.pairwise(failover) if (before, after) in LOSSES]
        assert lost == []


LOSSES = {("enabled", "disabling"), ("enabled", "disabled"), ("enabling", "disabling")}


def ahead(old: Properties, new: Properties) -> bool:
    return catalog.compare(old.engine, old.redis_version, new.engine, new.redis_version) > 0


SHARE = settings(
    max_examples=120, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
THOUSANDS = settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SHARE
@given(cases())
def test_any_update_reaches_the_new_properties_and_a_second_one_does_nothing(case: Given) -> None:
    check_update(case)


@SHARE
@given(cases())
def test_an_update_cut_off_anywhere_is_finished_by_the_next(case: Given) -> None:
    check_interrupted(case, back=False)


@SHARE
@given(cases())
def test_an_update_cut_off_anywhere_rolls_back_to_the_old_properties(case: Given) -> None:
    check_interrupted(case, back=True)


@pytest.mark.full
@THOUSANDS
@given(cases())
def test_thousands_of_updates_reach_the_new_properties(case: Given) -> None:
    check_update(case)


@pytest.mark.full
@THOUSANDS
@given(cases())
def test_thousands_of_updates_cut_off_anywhere_are_finished_by_the_next(case: Given) -> None:
    check_interrupted(case, back=False)


@pytest.mark.full
@THOUSANDS
@given(cases())
def test_thousands_of_updates_cut_off_anywhere_roll_back_to_the_old_properties(case: Given) -> None:
    check_interrupted(case, back=True)
