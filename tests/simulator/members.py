"""New members: their ids and their zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .state import Member, NodeGroup, ReplicationGroup

if TYPE_CHECKING:
    from .region import Region


def shard(region: Region, group: ReplicationGroup, number: int, size: int) -> NodeGroup:
    """Return a new shard with `size` members in creation."""
    node_group = NodeGroup(id=f"{number:04d}", members=[])
    for _ in range(size):
        node_group.members.append(new_member(region, group, node_group))
    return node_group


def new_member(region: Region, group: ReplicationGroup, node_group: NodeGroup) -> Member:
    """Return a member with the lowest free number of its shard, in the shard's next zone."""
    prefix = f"{group.id}-{node_group.id}" if group.cluster_enabled else group.id
    taken = {member.id for member in [*node_group.members, *node_group.arriving, *group.leaving]}
    name = next(f"{prefix}-{n:03d}" for n in range(1, 100) if f"{prefix}-{n:03d}" not in taken)
    zones = region.subnet_groups[group.subnet_group].by_zone()
    position = int(node_group.id) + node_group.size - 1
    zone, subnets = zones[position % len(zones)]
    subnet = subnets[position // len(zones) % len(subnets)]
    return Member(
        id=name,
        zone=zone,
        subnet=subnet,
        node_type=group.node_type,
        engine=group.engine,
        version=group.version,
        created=region.now,
    )
