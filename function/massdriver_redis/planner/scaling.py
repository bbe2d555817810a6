"""Node groups, replicas, failover and Multi-AZ of a replication group that has stabilized."""

from __future__ import annotations

from massdriver_redis import catalog
from massdriver_redis.calls import elasticache
from massdriver_redis.calls.base import Call, ExpectedChange, FieldValue
from massdriver_redis.planner.decision import PlanContext
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import Observed, ReplicationGroup


def more_node_groups(
    desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Call | None:
    """Add node groups; remove replicas first where both together would exceed the node quota."""
    have = len(live.node_groups)
    if "node_groups" in context.kept_counts or not live.cluster_mode or desired.node_groups <= have:
        return None
    nodes = len(live.member_ids) + (desired.node_groups - have) * (live.fewest_replicas + 1)
    first = fewer_replicas(desired, live, observed, context) if nodes > catalog.NODE_QUOTA else None
    return first or elasticache.set_node_groups(live.id, have, desired.node_groups)


def fewer_node_groups(
    desired: Desired, live: ReplicationGroup, _observed: Observed, context: PlanContext
) -> Call | None:
    """Remove the node groups with the highest ids."""
    have = len(live.node_groups)
    if "node_groups" in context.kept_counts or not live.cluster_mode or desired.node_groups >= have:
        return None
    # Ids are those of the live replication group: after resharding they need not be contiguous
    # (hashicorp/terraform-provider-aws#43884).
    removed = sorted(node_group.id for node_group in live.node_groups)[desired.node_groups :]
    return elasticache.set_node_groups(live.id, have, desired.node_groups, removed)


def more_replicas(
    desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Call | None:
    """Add replicas; remove node groups first where both together would exceed the node quota."""
    if "replicas" in context.kept_counts or live.fewest_replicas >= desired.replicas:
        return None
    nodes = len(live.node_groups) * (desired.replicas + 1)
    first = fewer_node_groups(desired, live, observed, context) if nodes > catalog.NODE_QUOTA else None
    if first:
        return first
    lacking = [each.id for each in live.node_groups if each.replicas < desired.replicas]
    return _set_replicas(desired, live, live.fewest_replicas, lacking)


def fewer_replicas(
    desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Call | None:
    """Remove replicas, after failover and Multi-AZ are disabled where they would be left without any."""
    if "replicas" in context.kept_counts or live.most_replicas <= desired.replicas:
        return None
    surplus = [each.id for each in live.node_groups if each.replicas > desired.replicas]
    return failover_off(desired, live, observed, context) or _set_replicas(
        desired, live, live.most_replicas, surplus
    )


def failover_on(
    desired: Desired, live: ReplicationGroup, observed: Observed, _context: PlanContext
) -> Call | None:
    """Enable failover and Multi-AZ, once every node group has a replica."""
    if live.fewest_replicas < 1:
        return None
    return _set_failover(
        live,
        failover=not live.cluster_mode and desired.failover and live.automatic_failover != "enabled",
        multi_az=desired.multi_az(observed.zones) and not live.multi_az,
        to=True,
    )


def failover_off(
    desired: Desired, live: ReplicationGroup, observed: Observed, _context: PlanContext
) -> Call | None:
    """Disable failover and Multi-AZ where they are not desired."""
    return _set_failover(
        live,
        failover=not live.cluster_mode and not desired.failover and live.automatic_failover == "enabled",
        multi_az=not desired.multi_az(observed.zones) and live.multi_az,
        to=False,
    )


def _set_replicas(desired: Desired, live: ReplicationGroup, previous: int, node_groups: list[str]) -> Call:
    """Set the count for all node groups at once, or only for `node_groups` where counts are uneven."""
    uneven = live.fewest_replicas != live.most_replicas
    return elasticache.set_replicas(live.id, previous, desired.replicas, node_groups if uneven else ())


def _set_failover(live: ReplicationGroup, *, failover: bool, multi_az: bool, to: bool) -> Call | None:
    """Send only what differs: with cluster mode failover may never be sent again (aws/aws-cdk#13389)."""
    settings: dict[str, object] = {}
    fields: list[tuple[str, FieldValue]] = []
    if failover:
        settings["AutomaticFailoverEnabled"] = to
        fields.append(("failover", "enabled" if to else "disabled"))
    if multi_az:
        settings["MultiAZEnabled"] = to
        fields.append(("multi_az", to))
    if not settings:
        return None
    what = " and ".join(name for name, wanted in (("failover", failover), ("Multi-AZ", multi_az)) if wanted)
    summary = f"turn {what} {'on' if to else 'off'}"
    return elasticache.modify_replication_group(live.id, settings, summary, ExpectedChange(tuple(fields)))
