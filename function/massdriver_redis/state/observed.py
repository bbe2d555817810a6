"""What was seen of AWS in one look, as frozen data, and the judgement whether it has settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from massdriver_redis.state.record import OperationRecord

Detail = Literal["versions", "node_types", "tags", "events", "rolling_back"]
"""What a look leaves out and a plan may ask for."""

TERMINAL_NODE_STATES = frozenset({"incompatible-network", "restore-failed"})
"""Node states nothing leads out of (botocore's cache_cluster_available waiter)."""


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
    subnet_group: str
    auto_minor_version_upgrade: bool
    maintenance_window: str
    pending: frozenset[str] = frozenset()


@dataclass(frozen=True)
class NodeGroup:
    """One node group (shard): its id, state and member nodes."""

    id: str
    status: str
    node_ids: tuple[str, ...]

    @property
    def replicas(self) -> int:
        """How many members stand beside the primary."""
        return max(len(self.node_ids) - 1, 0)


@dataclass(frozen=True)
class Endpoint:
    """An address and a port."""

    address: str
    port: int


@dataclass(frozen=True)
class Group:
    """A replication group, from DescribeReplicationGroups and the clusters that are its members."""

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
    snapshot_retention_limit: int
    snapshot_window: str
    pending: frozenset[str] = frozenset()
    primary: Endpoint | None = None
    reader: Endpoint | None = None
    configuration: Endpoint | None = None
    global_datastore: str = ""

    @property
    def node(self) -> Node | None:
        """A member that speaks for the group in what only members show."""
        return self.nodes[0] if self.nodes else None

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
        """The three things AWS can't tell, read from the tags."""
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

    up: frozenset[str]
    down: frozenset[str]


@dataclass(frozen=True)
class Observed:
    """One look. What follows the four things costs calls of its own and is filled when the plan asks."""

    group: Group | None = None
    subnet_group: SubnetGroup | None = None
    security_group: SecurityGroup | None = None
    secret: Secret | None = None
    node_types: NodeTypes | None = None
    versions: tuple[str, ...] | None = None
    tags: Mapping[str, str] | None = None
    subnet_group_tags: Mapping[str, str] = field(default_factory=dict)
    events: tuple[str, ...] | None = None
    versions_unknown: bool = field(default=False)

    @property
    def record(self) -> OperationRecord:
        """The ledger of the security group, empty where there is none."""
        return self.security_group.record if self.security_group else OperationRecord()

    @property
    def empty(self) -> bool:
        """Whether nothing at all was found."""
        return not (self.group or self.subnet_group or self.security_group or self.secret)


def not_stabilized_reason(group: Group) -> str | None:
    """Return what still moves, or None once the group is settled on all levels.

    The group's own status is not enough: it may say available while members are still being made
    (hashicorp/terraform-provider-aws#50096, aws-controllers-k8s/community#529).
    """
    if group.status != "available":
        return f"the replication group is {group.status}"
    for node_group in group.node_groups:
        if node_group.status != "available":
            return f"node group {node_group.id} is {node_group.status}"
    if sum(len(node_group.node_ids) for node_group in group.node_groups) != len(group.member_ids):
        return "the member list is changing"
    if group.automatic_failover not in {"enabled", "disabled"}:
        return f"automatic failover is {group.automatic_failover}"
    if group.pending:
        return f"pending: {', '.join(sorted(group.pending))}"
    return _unsettled_nodes(group)


def _unsettled_nodes(group: Group) -> str | None:
    if {node.id for node in group.nodes} != set(group.member_ids):
        return "not every member is listed yet"
    for node in group.nodes:
        if node.status != "available":
            return f"node {node.id} is {node.status}"
        if node.pending:
            return f"node {node.id} has pending {', '.join(sorted(node.pending))}"
    return None
