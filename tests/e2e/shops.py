"""A consumer's stack as the tests of updates see it: its cluster, its artifact, and whether it answers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.e2e.emulator.redis_server import INSTALLED

from .emulator import client, stacks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.e2e.emulator.emulator import Emulator

SHORT_TIMEOUT = 120
"""Seconds of a ServiceTimeout with a deadline after a minute, at which a denial is believed if not before."""

_FAILS = """\
  NeverSignalled:
    Type: AWS::CloudFormation::WaitConditionHandle
  Fails:
    Type: AWS::CloudFormation::WaitCondition
    DependsOn: Redis
    Properties: {Handle: !Ref NeverSignalled, Timeout: "1"}

"""


@dataclass(frozen=True)
class Cluster:
    """What a replication group is, as AWS describes it."""

    status: str
    engine: str
    node_type: str
    cluster_mode: bool
    tls: bool
    shards: int
    nodes: int


class Shop:
    """One stack of an example; `seen` is each cluster's id with every node type it had meanwhile."""

    def __init__(self, emulator: Emulator, network: stacks.Network, name: str) -> None:
        self.emulator = emulator
        self._given = network.parameters()
        self._stack = stacks.Stack(emulator, name, at_each_look=self._look)
        self._cache = emulator.client("elasticache")
        self.seen: set[tuple[str, str]] = set()

    def create(self, template: str) -> None:
        """Create the stack, which must succeed."""
        status = self._stack.create(client.showing_artifact(template), self._given)
        assert status == "CREATE_COMPLETE", self.reasons()

    def update(self, template: str) -> str:
        """Update the stack; return its status."""
        return self._stack.update(client.showing_artifact(template), self._given)

    def delete(self) -> str:
        """Delete the stack; return its status."""
        return self._stack.delete()

    def reasons(self) -> list[str]:
        """Return the reasons of every event so far, the newest first."""
        return self._stack.reasons()

    def physical_id(self) -> str:
        """Return the id of the cluster the stack has."""
        return self._stack.physical_id()

    def artifact(self) -> dict[str, Any]:
        """Return the artifact, as the stack shows it."""
        return client.artifact(self._stack.outputs())

    def answers_ping(self) -> bool:
        """Return whether the stack's cluster answers a PING over TLS, with the artifact's password."""
        return client.ping(self.emulator, self.artifact()) if INSTALLED else True

    def cluster(self) -> Cluster:
        """Return what the stack's cluster is."""
        found = self._cache.describe_replication_groups(ReplicationGroupId=self.physical_id())
        group = found["ReplicationGroups"][0]
        member = self._cache.describe_cache_clusters(CacheClusterId=group["MemberClusters"][0])
        return Cluster(
            status=group["Status"],
            engine=member["CacheClusters"][0]["EngineVersion"],
            node_type=group["CacheNodeType"],
            cluster_mode=group["ClusterEnabled"],
            tls=group["TransitEncryptionEnabled"],
            shards=len(group["NodeGroups"]),
            nodes=len(group["MemberClusters"]),
        )

    def made(self) -> list[str]:
        """Return all the provider has made in the account, by name."""
        return sorted(stacks.left_over(self.emulator))

    def snapshots(self, physical_id: str) -> list[str]:
        """Return the names of the final snapshots of a cluster."""
        found = self._cache.describe_snapshots()["Snapshots"]
        return [each["SnapshotName"] for each in found if each["ReplicationGroupId"] == physical_id]

    def _look(self) -> None:
        found = self._cache.describe_replication_groups()["ReplicationGroups"]
        self.seen |= {(each["ReplicationGroupId"], each["CacheNodeType"]) for each in found}


@contextlib.contextmanager
def opened(emulator: Emulator, network: stacks.Network, name: str) -> Iterator[Shop]:
    """Yield a shop, and delete its stack at the end, which must succeed."""
    shop = Shop(emulator, network, name)
    yield shop
    assert shop.delete() == "DELETE_COMPLETE", shop.reasons()


def changed(template: str, changes: Mapping[str, str]) -> str:
    """Return the template with other properties; each key must stand in it once."""
    for old, new in changes.items():
        assert template.count(f" {old}\n") == 1, old
        template = template.replace(f" {old}\n", f" {new}\n")
    return template


def failing_afterwards(template: str) -> str:
    """Return the template with a resource that fails once the cluster is done."""
    return template.replace("\n# Everything an app needs", f"\n{_FAILS}# Everything an app needs")


def with_a_short_timeout(template: str) -> str:
    """Return the template with SHORT_TIMEOUT for its cluster."""
    return template.replace("      node_type:", f"      ServiceTimeout: {SHORT_TIMEOUT}\n      node_type:")
