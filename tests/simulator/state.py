"""The state of ElastiCache: replication groups, shards, members, subnet groups, snapshots, events."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .surroundings import Subnet


@dataclass
class Member:
    """One node, which ElastiCache also shows as a cache cluster."""

    id: str
    zone: str
    subnet: str
    node_type: str
    engine: str
    version: str
    created: float
    status: str = "creating"
    pending: dict[str, str] = field(default_factory=dict)


@dataclass
class NodeGroup:
    """One shard: members in service, the primary first, and members in creation (`arriving`).

    A shard without slots is not `serving`.
    """

    id: str
    members: list[Member]
    arriving: list[Member] = field(default_factory=list)
    status: str = "creating"
    serving: bool = True

    @property
    def replicas(self) -> int:
        return len(self.members) - 1

    @property
    def size(self) -> int:
        return len(self.members) + len(self.arriving)


@dataclass(frozen=True)
class Effect:
    """One property that a modification changes: at its end, of the members a little later.

    `seconds` is how long it takes, `pending` what members show until then.
    """

    kind: str
    seconds: float
    apply: Callable[[], None]
    pending: dict[str, str] = field(default_factory=dict)
    begin: Callable[[], None] = lambda: None
    undo: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Maintenance:
    """One maintenance by AWS: the status shown, and its length in seconds."""

    status: str
    seconds: float


@dataclass(frozen=True)
class GroupState:
    """The state of a replication group from `at` (simulated epoch seconds) until the next one.

    `replicas` is the smallest number in any serving shard, `shards` the number of serving shards.
    """

    at: float
    status: str
    shards: int
    replicas: int
    automatic_failover: str
    multi_az: bool
    node_type: str
    engine: str
    version: str
    security_groups: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """What the Describe calls show at one time: the replication group and its members, or neither."""

    group: dict[str, Any] | None
    members: dict[str, dict[str, Any]]


@dataclass
class ReplicationGroup:
    """A replication group.

    `tls_mode` is required, preferred, or empty without encryption in transit; `cluster_mode` is enabled,
    compatible or disabled.
    """

    id: str
    arn: str
    description: str
    engine: str
    version: str
    parameter_group: str
    node_type: str
    cluster_mode: str
    node_groups: list[NodeGroup]
    subnet_group: str
    security_groups: tuple[str, ...]
    port: int
    tls_mode: str
    at_rest: bool
    kms_key: str | None
    failover: str
    multi_az: bool
    maintenance_window: str
    snapshot_window: str
    retention: int
    snapshotting_member: str | None
    auto_minor: bool
    created: float
    tokens: list[str] = field(default_factory=list)
    token_changed: float | None = None
    user_groups: tuple[str, ...] = ()
    global_datastore: str = ""
    status: str = "creating"
    pending: dict[str, Any] = field(default_factory=dict)
    pending_security_groups: tuple[str, ...] = ()
    resharding: tuple[float, float] | None = None
    leaving: list[Member] = field(default_factory=list)
    deferred: list[Effect] = field(default_factory=list)
    next_shard: int = 2
    maintenance: deque[Maintenance] = field(default_factory=deque)
    stale_view: View | None = None
    stale_until: float = 0.0
    history: list[GroupState] = field(default_factory=list)
    snapshots: list[float] = field(default_factory=list)

    @property
    def tls(self) -> bool:
        return self.tls_mode != ""

    @property
    def cluster_enabled(self) -> bool:
        return self.cluster_mode != "disabled"

    @property
    def serving(self) -> list[NodeGroup]:
        return [node_group for node_group in self.node_groups if node_group.serving]

    @property
    def replicas(self) -> int:
        return min(node_group.replicas for node_group in self.serving)

    @property
    def in_service(self) -> list[Member]:
        return [member for node_group in self.node_groups for member in node_group.members]

    def every_member(self) -> Iterator[Member]:
        """Yield the members in service, in creation and in deletion."""
        for node_group in self.node_groups:
            yield from node_group.members
            yield from node_group.arriving
        yield from self.leaving

    def state_at(self, at: float) -> GroupState:
        return GroupState(
            at=at,
            status=self.status,
            shards=len(self.serving),
            replicas=self.replicas,
            automatic_failover=self.failover,
            multi_az=self.multi_az,
            node_type=self.node_type,
            engine=self.engine,
            version=self.version,
            security_groups=self.security_groups,
        )


@dataclass
class SubnetGroup:
    """A cache subnet group, with its subnets by id."""

    name: str
    arn: str
    description: str
    vpc: str
    subnets: dict[str, Subnet]
    created: float

    @property
    def zones(self) -> list[str]:
        return sorted({subnet.zone for subnet in self.subnets.values()})

    @property
    def network_types(self) -> list[str]:
        """What every subnet supports."""
        supported = [set(subnet.network_types) for subnet in self.subnets.values()]
        return sorted(set.intersection(*supported))

    def by_zone(self) -> list[tuple[str, list[str]]]:
        """Return each zone with its subnets."""
        return [
            (zone, [name for name, subnet in self.subnets.items() if subnet.zone == zone])
            for zone in self.zones
        ]


@dataclass
class Snapshot:
    """A manual snapshot, with what DescribeSnapshots repeats of its replication group."""

    name: str
    arn: str
    group_id: str
    created: float
    facts: dict[str, Any]
    status: str = "creating"


@dataclass(frozen=True)
class Event:
    """An entry of DescribeEvents."""

    source_id: str
    source_type: str
    message: str
    at: float


@dataclass(frozen=True)
class Change:
    """What `on_change` gets: created, available, token, members or deleted, and the replication group."""

    kind: str
    account: str
    region: str
    group_id: str


@dataclass
class Script:
    """Scripted misbehaviour; of each kind the first entry is used first."""

    failed_creates: deque[str] = field(default_factory=deque)
    rollbacks: list[tuple[str, str]] = field(default_factory=list)
    partial_removals: deque[int] = field(default_factory=deque)
    shortages: int = 0

    def rollback_of(self, kind: str) -> str | None:
        """Return and remove the message of the next rollback scripted for `kind`."""
        for index, (wanted, message) in enumerate(self.rollbacks):
            if wanted == kind:
                del self.rollbacks[index]
                return message
        return None
