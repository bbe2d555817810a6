"""What was observed of AWS, as frozen data, and whether it has stabilized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import Literal, NamedTuple

from massdriver_redis import catalog
from massdriver_redis.calls.base import FieldValue
from massdriver_redis.state.record import OperationRecord

Detail = Literal["versions", "node_types", "tags", "events"]
"""What an observation leaves out and a plan may need."""

TERMINAL_NODE_STATES = frozenset({"incompatible-network", "restore-failed"})
"""Node states nothing leads out of (botocore's cache_cluster_available waiter)."""


class Engine(NamedTuple):
    """An engine and its version: ("redis", "6.2.6")."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


def _compared(a: Engine, b: Engine) -> int:
    return catalog.compare(*a, *b)


@dataclass(frozen=True)
class Node:
    """One member of a replication group, from DescribeCacheClusters."""

    id: str
    status: str
    node_type: str
    engine: str
    engine_version: str
    parameter_group: str
    security_groups: frozenset[str]
    pending: frozenset[str] = frozenset()
    zone: str = ""


@dataclass(frozen=True)
class NodeGroup:
    """One node group (shard): its id, state and member nodes."""

    id: str
    status: str
    node_ids: tuple[str, ...]

    @property
    def replicas(self) -> int:
        """How many members there are besides the primary."""
        return max(len(self.node_ids) - 1, 0)


@dataclass(frozen=True)
class Endpoint:
    """An address and a port."""

    address: str
    port: int


@dataclass(frozen=True)
class ReplicationGroup:
    """A replication group, from DescribeReplicationGroups and the clusters that are its members.

    Times are seconds since the epoch, 0 where unknown; `tls_mode` and `cluster_mode_setting` are empty then,
    and `auth_token_enabled` None.
    """

    id: str
    arn: str
    status: str
    description: str
    cluster_mode: bool
    node_type: str
    node_groups: tuple[NodeGroup, ...]
    member_ids: tuple[str, ...]
    nodes: tuple[Node, ...]
    automatic_failover: str
    multi_az: bool
    tls: bool
    settings: Mapping[str, tuple[FieldValue, ...]]
    """What is shown for each row of state/settings.py, by the replication group or by each member."""
    pending: frozenset[str] = frozenset()
    primary: Endpoint | None = None
    reader: Endpoint | None = None
    configuration: Endpoint | None = None
    global_datastore: str = ""
    created_at: float = 0.0
    auth_token_enabled: bool | None = None
    auth_token_changed_at: float = 0.0
    tls_mode: str = ""
    cluster_mode_setting: str = ""

    @property
    def engine(self) -> Engine:
        """The engine of the member with the oldest version; empty where no member is listed."""
        engines = [Engine(node.engine, node.engine_version) for node in self.nodes]
        return min(engines, key=cmp_to_key(_compared), default=Engine("", ""))

    @property
    def fewest_replicas(self) -> int:
        """The smallest number of replicas of any node group."""
        return min((group.replicas for group in self.node_groups), default=0)

    @property
    def most_replicas(self) -> int:
        """The largest number of replicas of any node group."""
        return max((group.replicas for group in self.node_groups), default=0)


@dataclass(frozen=True)
class SubnetGroup:
    """A cache subnet group; `subnets` maps a subnet's id to its zone ("" where unknown)."""

    name: str
    description: str
    vpc_id: str
    subnets: Mapping[str, str]
    arn: str = ""


@dataclass(frozen=True)
class SecurityGroup:
    """Our security group; `cidrs` are those of our own ingress rule."""

    id: str
    arn: str
    vpc_id: str
    description: str
    tags: Mapping[str, str]
    cidrs: frozenset[str]

    @property
    def record(self) -> OperationRecord:
        """What AWS itself can't report, read from the tags."""
        return OperationRecord.read(self.tags)


@dataclass(frozen=True)
class Secret:
    """The token's secret, without its value."""

    arn: str
    description: str
    deleting: bool
    tags: Mapping[str, str]


@dataclass(frozen=True)
class NodeTypes:
    """The node types AWS lets this group change to, from ListAllowedNodeTypeModifications."""

    up: frozenset[str] = frozenset()
    down: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Observed:
    """What one observation found of ours.

    `foreign` names the kinds of resources that have our names but not our marker. What follows is read on
    demand, for it costs calls of its own; `details` says what was read. `versions` is None where the list
    of engine versions is unknown.
    """

    replication_group: ReplicationGroup | None = None
    subnet_group: SubnetGroup | None = None
    security_group: SecurityGroup | None = None
    secret: Secret | None = None
    foreign: tuple[str, ...] = ()
    details: frozenset[Detail] = frozenset()
    versions: tuple[str, ...] | None = None
    node_types: NodeTypes = NodeTypes()
    tags: Mapping[str, str] = field(default_factory=dict)
    subnet_group_tags: Mapping[str, str] = field(default_factory=dict)
    events: tuple[str, ...] = ()

    @property
    def record(self) -> OperationRecord:
        """The record on the security group, empty where there is none."""
        return self.security_group.record if self.security_group else OperationRecord()

    @property
    def zones(self) -> Mapping[str, str]:
        """The zone of each subnet of the subnet group."""
        return self.subnet_group.subnets if self.subnet_group else {}

    @property
    def partial(self) -> bool:
        """Whether something of ours shows without its record: a stale read may have left it out."""
        return self.exists and self.security_group is None

    @property
    def unrecorded(self) -> bool:
        """Whether a replication group shows without its record: it counts as in service."""
        return self.replication_group is not None and self.security_group is None

    @property
    def exists(self) -> bool:
        """Whether anything of ours is left; a secret in its recovery window doesn't count."""
        in_use = self.secret is not None and not self.secret.deleting
        return bool(self.replication_group or self.subnet_group or self.security_group or in_use)


def not_stabilized_reason(live: ReplicationGroup) -> str | None:
    """Return what still changes, or None once the replication group has stabilized on all levels.

    Its own status is not enough: it may be available while members are still being made
    (hashicorp/terraform-provider-aws#50096, aws-controllers-k8s/community#529).
    """
    if live.status != "available":
        return f"the replication group is {live.status}"
    for node_group in live.node_groups:
        if node_group.status != "available":
            return f"node group {node_group.id} is {node_group.status}"
    if sum(len(node_group.node_ids) for node_group in live.node_groups) != len(live.member_ids):
        return "the member list is changing"
    if live.automatic_failover not in {"enabled", "disabled"}:
        return f"automatic failover is {live.automatic_failover}"
    if live.pending:
        return f"changes are pending: {', '.join(sorted(live.pending))}"
    return _not_stabilized_node(live)


def _not_stabilized_node(live: ReplicationGroup) -> str | None:
    if {node.id for node in live.nodes} != set(live.member_ids):
        return "members are missing from the list of clusters"
    for node in live.nodes:
        if node.status != "available":
            return f"node {node.id} is {node.status}"
        if node.pending:
            return f"changes of node {node.id} are pending: {', '.join(sorted(node.pending))}"
    return None
