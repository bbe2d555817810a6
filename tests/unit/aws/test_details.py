"""Details read when they are needed: versions, node types, tags, events, the final snapshot."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from massdriver_redis.aws import details, observe
from massdriver_redis.aws.session import connect
from massdriver_redis.state.naming import names
from massdriver_redis.state.observed import Observed
from tests.harness.builders import MINE
from tests.harness.moto_aws import REGION, MotoAws
from tests.harness.recorder import Recorder, client_error
from tests.simulator import Quotas

OURS = {"ReplicationGroupDescription": MINE.marker}
NAMES = names("cache", "mdr-1a2b3c4d")


@pytest.fixture
def cloud():
    with MotoAws(quotas=Quotas(nodes_per_region=1000)) as made:
        yield made


def look():
    return observe.observe(connect(None, REGION, "shop.Redis"), NAMES, MINE)


def closer(observed, *wanted, since=0.0, engine="redis"):
    return details.observe_details(connect(None, REGION, "shop.Redis"), observed, wanted, engine, since)


def test_versions_are_those_of_the_engine_from_every_page(cloud):
    def paged(call, _index):
        if call.operation != "DescribeCacheEngineVersions":
            return None
        first = "Marker" not in call.params
        version = {"Engine": "redis", "EngineVersion": "6.2" if first else "7.1"}
        return {"CacheEngineVersions": [version], **({"Marker": "more"} if first else {})}

    assert set(closer(Observed(), "versions", engine="valkey").versions) >= {"7.2", "8.0"}
    with Recorder(before=paged):
        assert closer(Observed(), "versions").versions == ("6.2", "7.1")


@pytest.mark.parametrize("error", [client_error("AccessDenied", status=403), client_error("Throttling")])
def test_versions_that_can_not_be_read_are_unknown_and_no_error(cloud, error):
    def refuse(call, _index):
        raise error

    with Recorder(before=refuse):
        observed = closer(Observed(), "versions")

    assert observed == Observed(details=frozenset({"versions"}))


def test_node_types_tags_and_events_of_no_group_are_empty(cloud):
    with Recorder() as recorder:
        observed = closer(Observed(), "tags", "events", "node_types")

    assert observed == Observed(details=frozenset({"tags", "events", "node_types"}))
    assert recorder.calls == []


def test_node_types_are_what_aws_allows_this_group(cloud):
    cloud.make(cloud.request(**OURS))

    allowed = closer(look(), "node_types").node_types

    assert "cache.r5.large" in allowed.up
    assert "cache.t3.micro" in allowed.down


def test_tags_are_the_group_s(cloud):
    cloud.make(cloud.request(**OURS, Tags=[{"Key": "a", "Value": "b"}]))

    assert closer(look(), "tags").tags == {"a": "b"}


def test_events_are_the_bad_news_since_the_request_newest_first(cloud):
    cloud.make(cloud.request(**OURS))
    start = cloud.clock.now()
    for text in ("Unable to modify: not enough memory.", "Node type change failed."):
        cloud.simulator.roll_back_next("node_type", text)
        cloud.modify(CacheNodeType="cache.r5.large")
        cloud.settle()

    told = closer(look(), "events", since=start).events

    assert told[:2] == ("Node type change failed.", "Unable to modify: not enough memory.")
    assert not any("created" in text for text in told)
    assert closer(look(), "events", since=cloud.clock.now() - 10).events == ()


def test_a_look_reads_events_of_few_members_however_many_there_are(cloud):
    cloud.make(cloud.cluster_request(shards=10, replicas=2, **OURS))
    observed = look()

    with Recorder() as recorder:
        closer(observed, "events", since=cloud.clock.now())

    assert len(recorder.calls) == 6


def test_a_snapshot_shows_when_it_was_made(cloud):
    aws = connect(None, REGION, "shop.Redis")
    assert not details.was_snapshot_made(aws, "final", since=0.0)
    cloud.make(cloud.request(**OURS))
    cloud.elasticache.create_snapshot(ReplicationGroupId="cache", SnapshotName="final")

    assert details.was_snapshot_made(aws, "final", since=cloud.clock.now())
    assert not details.was_snapshot_made(aws, "final", since=cloud.clock.now() + 1)


def test_a_snapshot_that_shows_no_time_yet_is_later_than_any_request(cloud):
    def untimed(_call, _index):
        return {"Snapshots": [{"SnapshotName": "final", "NodeSnapshots": [{}]}]}

    with Recorder(before=untimed):
        since = datetime(2999, 1, 1, tzinfo=UTC).timestamp()
        assert details.was_snapshot_made(connect(None, REGION, "shop.Redis"), "final", since)


# Refusals
