"""Every property in every direction and mode: exactly these calls, in this order, and the state asked for.

Each row runs the real observe, plan and act against the simulator, which refuses what AWS refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from massdriver_redis import catalog
from massdriver_redis.planner.decision import Reject, UpToDate
from tests.harness.planner_bench import GROUP, PlannerBench, differences, wanted
from tests.harness.recorder import Call

Made = tuple[str, dict[str, Any]]
ENGINES = [("redis", "4.0"), ("redis", "5.0"), ("redis", "6.x"), ("redis", "7.1"), ("valkey", "8.0")]
BACK = (("valkey", "7.2"), ("redis", "7.1"))
"""The only way back that ElastiCache has."""
VERSIONS = [(engine, version) for engine in ("redis", "valkey") for version in catalog.versions(engine)]
"""All of them, oldest first; the first, Redis 3.2, AWS no longer creates."""

MODES: dict[str, dict[str, Any]] = {
    "one node": {"replicas": 0},
    "replicas": {"replicas": 2},
    "cluster mode": {"cluster_mode_enabled": True, "node_groups": 3, "replicas": 0},
    "cluster mode with replicas": {"cluster_mode_enabled": True, "node_groups": 3, "replicas": 2},
}
_OURS = {
    "ReplicationGroupId",
    "ApplyImmediately",
    "CacheSubnetGroupName",
    "ResourceName",
    "Resources",
    "GroupId",
}


# --- calls as the tables write them -----------------------------------------------------------------


def modify(**settings: Any) -> Made:
    return "ModifyReplicationGroup", settings


def replicas_up(count: int) -> Made:
    return "IncreaseReplicaCount", {"NewReplicaCount": count}


def replicas_down(count: int) -> Made:
    return "DecreaseReplicaCount", {"NewReplicaCount": count}


def uneven(operation: str, **count: int) -> Made:
    entries = [{"NodeGroupId": key.removeprefix("_"), "NewReplicaCount": n} for key, n in count.items()]
    return operation, {"ReplicaConfiguration": entries}


def shards(count: int, *removed: str) -> Made:
    settings: dict[str, Any] = {"NodeGroupCount": count}
    if removed:
        settings["NodeGroupsToRemove"] = list(removed)
    return "ModifyReplicationGroupShardConfiguration", settings


def subnets(names: str) -> Made:
    return "ModifyCacheSubnetGroup", {"SubnetIds": [f"subnet-0000{name}" for name in names.split()]}


def allow(cidr: str) -> Made:
    return "AuthorizeSecurityGroupIngress", {"cidr": cidr}


def deny(cidr: str) -> Made:
    return "RevokeSecurityGroupIngress", {"cidr": cidr}


def tag_all(**tags: str) -> list[Made]:
    """The replication group comes last: tagging it makes it busy."""
    return [("CreateTags", tags), ("AddTagsToResource", tags), ("AddTagsToResource", tags)]


def made(calls: list[Call]) -> list[Made]:
    """Return calls without what is the same in all of them, which is checked here."""
    for call in calls:
        assert call.service != "elasticache" or call.params.get("ReplicationGroupId", GROUP) == GROUP
        assert call.params.get("ApplyImmediately", True) is True
        assert ("ApplyImmediately" in call.params) == (call.operation in _AT_ONCE)
    return [(call.operation, _significant(call.params)) for call in calls]


_AT_ONCE = {
    "ModifyReplicationGroup",
    "IncreaseReplicaCount",
    "DecreaseReplicaCount",
    "ModifyReplicationGroupShardConfiguration",
}


def _significant(params: Mapping[str, Any]) -> dict[str, Any]:
    if "IpPermissions" in params:
        (permission,) = params["IpPermissions"]
        (allowed,) = permission["IpRanges"]
        return {"cidr": allowed["CidrIp"]}
    if "Tags" in params:
        return {tag["Key"]: tag.get("Value", "gone") for tag in params["Tags"]}
    return {key: value for key, value in params.items() if key not in _OURS}


def check(
    bench: PlannerBench, new: dict[str, Any], calls: list[Made], old: dict[str, Any] | None = None
) -> None:
    """Update to `new` and demand these calls, the state asked for, and that a second update does nothing."""
    before = wanted(**old) if old is not None else None
    assert bench.converge(wanted(**new), old=before) == UpToDate(), bench.reason
    assert made(bench.writes()) == calls
    assert differences(bench, wanted(**new)) == []
    bench.forget()
    assert bench.converge(wanted(**new)) == UpToDate()
    assert bench.writes() == []


# --- one property, in all modes and engines ---------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """From `old` to `new` on top of a mode and an engine: these calls."""

    name: str
    old: dict[str, Any]
    new: dict[str, Any]
    calls: list[Made] = field(default_factory=list)


SIMPLE = [
    Row("nothing", {}, {}),
    Row(
        "a larger node type",
        {"node_type": "cache.t3.small"},
        {"node_type": "cache.m5.large"},
        [modify(CacheNodeType="cache.m5.large")],
    ),
    Row(
        "a smaller node type",
        {"node_type": "cache.r5.large"},
        {"node_type": "cache.t3.micro"},
        [modify(CacheNodeType="cache.t3.micro")],
    ),
    Row(
        "snapshots off",
        {"snapshot_retention_limit": 7},
        {"snapshot_retention_limit": 0},
        [modify(SnapshotRetentionLimit=0)],
    ),
    Row(
        "snapshots kept longer",
        {"snapshot_retention_limit": 7},
        {"snapshot_retention_limit": 35},
        [modify(SnapshotRetentionLimit=35)],
    ),
    Row(
        "another snapshot window",
        {},
        {"snapshot_window": "01:00-02:00"},
        [modify(SnapshotWindow="01:00-02:00")],
    ),
    Row(
        "another maintenance window",
        {},
        {"maintenance_window": "tue:01:00-tue:02:00"},
        [modify(PreferredMaintenanceWindow="tue:01:00-tue:02:00")],
    ),
    Row(
        "windows that would overlap one by one",
        {"snapshot_window": "07:00-08:00", "maintenance_window": "sun:09:00-sun:10:00"},
        {"snapshot_window": "09:30-10:30", "maintenance_window": "wed:07:30-wed:08:30"},
        [modify(PreferredMaintenanceWindow="wed:07:30-wed:08:30", SnapshotWindow="09:30-10:30")],
    ),
    Row("tags added", {}, {"tags": {"team": "a"}}, tag_all(team="a")),
    Row("a tag changed", {"tags": {"team": "a"}}, {"tags": {"team": "b"}}, tag_all(team="b")),
    Row(
        "a tag removed",
        {"tags": {"team": "a", "cost": "1"}},
        {"tags": {"cost": "1"}},
        [("DeleteTags", {"team": "gone"}), *[("RemoveTagsFromResource", {"TagKeys": ["team"]})] * 2],
    ),
    Row("access closed", {}, {"allow_vpc_access": False}, [deny("10.1.0.0/16")]),
    Row("access opened", {"allow_vpc_access": False}, {}, [allow("10.1.0.0/16")]),
    Row("another CIDR", {}, {"cidr": "10.9.0.0/16"}, [allow("10.9.0.0/16"), deny("10.1.0.0/16")]),
    Row("a subnet more", {"subnets": "a1 b1"}, {"subnets": "a1 b1 a2"}, [subnets("a1 b1 a2")]),
    Row("permission to replace", {}, {"allow_replacement": True}),
    Row("no password attribute", {}, {"password_attribute": False}),
]


@pytest.mark.parametrize("engine", ENGINES, ids=" ".join)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("row", SIMPLE, ids=lambda row: row.name)
def test_one_property_takes_its_own_calls_in_every_mode_and_engine(
    row: Row, mode: str, engine: tuple[str, str]
) -> None:
    base = {**MODES[mode], "engine": engine[0], "redis_version": engine[1]}
    old, new = base | row.old, base | row.new
    check(PlannerBench.made_by(wanted(**old)), new, row.calls, old)


@pytest.mark.parametrize("mode", MODES)
def test_snapshots_turned_on_name_a_member_only_without_cluster_mode(mode: str) -> None:
    named = {} if "cluster" in mode else {"SnapshottingClusterId": f"{GROUP}-00{MODES[mode]['replicas'] + 1}"}
    check(
        PlannerBench.made_by(wanted(**MODES[mode])),
        {**MODES[mode], "snapshot_retention_limit": 7},
        [modify(SnapshotRetentionLimit=7, **named)],
    )


@pytest.mark.parametrize("engine", ENGINES, ids=" ".join)
@pytest.mark.parametrize("mode", MODES)
def test_minor_upgrades_are_switched_only_where_the_engine_has_them(
    mode: str, engine: tuple[str, str]
) -> None:
    base = {**MODES[mode], "engine": engine[0], "redis_version": engine[1]}
    has_them = engine not in (("redis", "4.0"), ("redis", "5.0"))
    for value in (False, True):
        old, new = ({**base, "auto_minor_version_upgrade": each} for each in (not value, value))
        calls = [modify(AutoMinorVersionUpgrade=value)] if has_them else []
        check(PlannerBench.made_by(wanted(**old)), new, calls, old)


def test_an_upgrade_to_an_engine_with_minor_upgrades_disables_them_where_they_are_not_wanted() -> None:
    off = {"auto_minor_version_upgrade": False}
    old, new = {"redis_version": "5.0", **off}, {"redis_version": "7.1", **off}
    upgrade = modify(EngineVersion="7.1", CacheParameterGroupName="default.redis7")
    check(PlannerBench.made_by(wanted(**old)), new, [upgrade, modify(AutoMinorVersionUpgrade=False)], old)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("mode", ["replicas", "cluster mode"])
@pytest.mark.parametrize("old", VERSIONS[1:], ids=" ".join)
def test_an_upgrade_takes_version_and_parameter_group_in_one_call_and_a_downgrade_none(
    old: tuple[str, str], mode: str, secure: bool
) -> None:
    base = {**MODES[mode], "secure": secure}
    for new in VERSIONS:
        before = {**base, "engine": old[0], "redis_version": old[1]}
        after = {**base, "engine": new[0], "redis_version": new[1]}
        bench = PlannerBench.made_by(wanted(**before))
        if catalog.compare(*old, *new) > 0 and (old, new) != BACK:
            assert isinstance(bench.converge(wanted(**after), old=wanted(**before)), Reject)
            assert bench.writes() == []
        elif old == new:
            check(bench, after, [], before)
        else:
            check(bench, after, [modify(**_upgrade(old, new, mode))], before)


def _upgrade(old: tuple[str, str], new: tuple[str, str], mode: str) -> dict[str, Any]:
    version = {"4.0": "4.0.10", "5.0": "5.0.6", "6.x": "6.2"}.get(new[1], new[1])
    major = {"4.0": "4.0", "5.0": "5.0", "6.x": "6.x"}.get(new[1], new[1][0])
    parameters = f"default.{new[0]}{major}{'.cluster.on' if 'cluster' in mode else ''}"
    engine = {"Engine": new[0]} if new[0] != old[0] else {}
    return {"EngineVersion": version, "CacheParameterGroupName": parameters, **engine}


# --- replicas, failover and node groups -------------------------------------------------------------

CMD, CME = MODES["one node"], MODES["cluster mode"]
ON = modify(AutomaticFailoverEnabled=True, MultiAZEnabled=True)
OFF = modify(AutomaticFailoverEnabled=False, MultiAZEnabled=False)
SHAPES = [
    Row("0 to 1", CMD, {**CMD, "replicas": 1}, [replicas_up(1), ON]),
    Row("0 to 5", CMD, {**CMD, "replicas": 5}, [replicas_up(5), ON]),
    Row("1 to 3", {**CMD, "replicas": 1}, {**CMD, "replicas": 3}, [replicas_up(3)]),
    Row("3 to 1", {**CMD, "replicas": 3}, {**CMD, "replicas": 1}, [replicas_down(1)]),
    Row("5 to 0", {**CMD, "replicas": 5}, CMD, [OFF, replicas_down(0)]),
    Row(
        "0 to 1 in one zone",
        {**CMD, "subnets": "a1 a2"},
        {**CMD, "subnets": "a1 a2", "replicas": 1},
        [replicas_up(1), modify(AutomaticFailoverEnabled=True)],
    ),
    Row(
        "1 to 0 in one zone",
        {**CMD, "subnets": "a1", "replicas": 1},
        {**CMD, "subnets": "a1"},
        [modify(AutomaticFailoverEnabled=False), replicas_down(0)],
    ),
    Row(
        "a second zone for a replica",
        {**CMD, "subnets": "a1", "replicas": 1},
        {**CMD, "subnets": "a1 b1", "replicas": 1},
        [subnets("a1 b1"), modify(MultiAZEnabled=True)],
    ),
    Row("cluster mode, 0 to 2", CME, {**CME, "replicas": 2}, [replicas_up(2), modify(MultiAZEnabled=True)]),
    Row("cluster mode, 2 to 3", {**CME, "replicas": 2}, {**CME, "replicas": 3}, [replicas_up(3)]),
    Row("cluster mode, 3 to 2", {**CME, "replicas": 3}, {**CME, "replicas": 2}, [replicas_down(2)]),
    Row(
        "cluster mode, 2 to 0", {**CME, "replicas": 2}, CME, [modify(MultiAZEnabled=False), replicas_down(0)]
    ),
    Row(
        "cluster mode in one zone",
        {**CME, "subnets": "a1"},
        {**CME, "subnets": "a1", "replicas": 1},
        [replicas_up(1)],
    ),
    Row("3 to 5 shards", CME, {**CME, "node_groups": 5}, [shards(5)]),
    Row("3 to 2 shards", CME, {**CME, "node_groups": 2}, [shards(2, "0003")]),
    Row(
        "more shards with more replicas",
        {**CME, "replicas": 1},
        {**CME, "node_groups": 4, "replicas": 2},
        [shards(4), replicas_up(2)],
    ),
    Row(
        "fewer shards with fewer replicas",
        {**CME, "replicas": 2},
        {**CME, "node_groups": 2, "replicas": 1},
        [shards(2, "0003"), replicas_down(1)],
    ),
    Row(
        "more shards than the quota of nodes holds with the old replicas",
        {**CME, "node_groups": 15, "replicas": 5},
        {**CME, "node_groups": 30, "replicas": 2},
        [replicas_down(2), shards(30)],
    ),
    Row(
        "more replicas than the quota of nodes holds with the old shards",
        {**CME, "node_groups": 6, "replicas": 1} | {"node_groups": 30, "replicas": 2},
        {**CME, "node_groups": 15, "replicas": 5},
        [shards(15, *(f"{n:04d}" for n in range(16, 31))), replicas_up(5)],
    ),
    Row(
        "a larger node with fewer shards",
        {**CME, "node_type": "cache.m5.large"},
        {**CME, "node_type": "cache.r5.xlarge", "node_groups": 2},
        [modify(CacheNodeType="cache.r5.xlarge"), shards(2, "0003")],
    ),
    Row(
        "a smaller node with more shards",
        {**CME, "node_type": "cache.r5.xlarge"},
        {**CME, "node_type": "cache.m5.large", "node_groups": 4},
        [shards(4), modify(CacheNodeType="cache.m5.large")],
    ),
    Row(
        "engine, larger node, shards and replicas up",
        {**CME, "node_groups": 2, "replicas": 1},
        {**CME, "node_groups": 4, "replicas": 2, "redis_version": "7.1", "node_type": "cache.m5.large"},
        [
            modify(
                EngineVersion="7.1",
                CacheParameterGroupName="default.redis7.cluster.on",
                CacheNodeType="cache.m5.large",
            ),
            shards(4),
            replicas_up(2),
        ],
    ),
    Row(
        "engine up, everything else down",
        {**CME, "node_groups": 4, "replicas": 2, "node_type": "cache.m5.large", "redis_version": "6.x"},
        {**CME, "node_groups": 2, "replicas": 0, "redis_version": "7.0", "tags": {"team": "a"}},
        [
            modify(EngineVersion="7.0", CacheParameterGroupName="default.redis7.cluster.on"),
            shards(2, "0003", "0004"),
            modify(CacheNodeType="cache.t3.small"),
            modify(MultiAZEnabled=False),
            replicas_down(0),
            *tag_all(team="a"),
        ],
    ),
    Row(
        "a family that only the new engine knows",
        {**CMD, "redis_version": "4.0"},
        {**CMD, "redis_version": "6.x", "node_type": "cache.r7g.large"},
        [
            modify(EngineVersion="6.2", CacheParameterGroupName="default.redis6.x"),
            modify(CacheNodeType="cache.r7g.large"),
        ],
    ),
    Row(
        "a smaller type that only the new engine knows, with fewer shards",
        {**CME, "redis_version": "4.0", "node_type": "cache.m5.large"},
        {**CME, "redis_version": "5.0", "node_type": "cache.t4g.medium", "node_groups": 2},
        [
            modify(EngineVersion="5.0.6", CacheParameterGroupName="default.redis5.0.cluster.on"),
            shards(2, "0003"),
            modify(CacheNodeType="cache.t4g.medium"),
        ],
    ),
    Row(
        "one subnet for another",
        {**CMD, "subnets": "b1 a1"},
        {**CMD, "subnets": "a1 a2"},
        [subnets("b1 a1 a2"), subnets("a1 a2")],
    ),
    Row(
        "the subnet of the replica that goes",
        {**CMD, "subnets": "a1 b1", "replicas": 1},
        {**CMD, "subnets": "a1"},
        [OFF, replicas_down(0), subnets("a1")],
    ),
]


@pytest.mark.parametrize("row", SHAPES, ids=lambda row: row.name)
def test_replicas_shards_and_nodes_change_in_the_safest_order(row: Row) -> None:
    check(PlannerBench.made_by(wanted(**row.old)), row.new, row.calls, row.old)
