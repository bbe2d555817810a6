"""In-place changes of a settled replication group, one rule a function, in the order they are made.

So memory and copies grow before they shrink; where growing first would pass the node quota, the
decrease goes first.
"""

from __future__ import annotations

from collections.abc import Callable

from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.calls.base import Call, ExpectedChange
from massdriver_redis.planner.decision import Decision, PlanContext
from massdriver_redis.planner.engine import node_type_refusal, scale_down, scale_up, upgrade, version_refusal
from massdriver_redis.planner.settings import fewer_subnets, more_subnets, settings
from massdriver_redis.state.desired import DEFAULT_NODE_QUOTA, Desired
from massdriver_redis.state.fields import zones
from massdriver_redis.state.observed import Group, Observed

Rule = Callable[[Desired, Group, Observed], Call | None]


def refusal(desired: Desired, group: Group, observed: Observed, moment: PlanContext) -> Decision | None:
    """Say before the first write what can't be done in place, or None; a `Look` asks for what it needs."""
    return version_refusal(desired, group, observed, moment) or node_type_refusal(desired, group, observed)


def next_change(desired: Desired, group: Group, observed: Observed, *, subnets_stay: bool) -> Call | None:
    """Return the first call that brings the group nearer to what is desired, or None."""
    order = _ORDER if subnets_stay else (*_ORDER, fewer_subnets)
    calls_due = (rule(desired, group, observed) for rule in order)
    return next((call for call in calls_due if call), None)


# --- node groups -----------------------------------------------------------------------------------


def _node_groups_out(desired: Desired, group: Group, observed: Observed) -> Call | None:
    have = len(group.node_groups)
    if not group.cluster_mode or desired.node_groups <= have:
        return None
    nodes = len(group.member_ids) + (desired.node_groups - have) * (group.fewest_replicas + 1)
    if nodes > DEFAULT_NODE_QUOTA and group.most_replicas > desired.replicas:
        return _fewer_replicas(desired, group, observed)
    return group_calls.set_node_groups(group.id, desired.node_groups, (), _node_group_change(desired, have))


def _node_groups_in(desired: Desired, group: Group, _world: Observed) -> Call | None:
    have = len(group.node_groups)
    if not group.cluster_mode or desired.node_groups >= have:
        return None
    # Ids are those of the live group: after resharding they need not be contiguous
    # (hashicorp/terraform-provider-aws#43884).
    removed = tuple(sorted(node_group.id for node_group in group.node_groups)[desired.node_groups :])
    return group_calls.set_node_groups(
        group.id, desired.node_groups, removed, _node_group_change(desired, have)
    )


def _node_group_change(desired: Desired, have: int) -> ExpectedChange:
    return ExpectedChange((("node_groups", str(desired.node_groups)),), was=str(have))


# --- replicas and failover -------------------------------------------------------------------------


def _more_replicas(desired: Desired, group: Group, observed: Observed) -> Call | None:
    if group.fewest_replicas >= desired.replicas:
        return None
    nodes = len(group.node_groups) * (desired.replicas + 1)
    if nodes > DEFAULT_NODE_QUOTA and len(group.node_groups) > desired.node_groups:
        return _node_groups_in(desired, group, observed)
    return _set_replicas(desired, group, group.fewest_replicas)


def _fewer_replicas(desired: Desired, group: Group, observed: Observed) -> Call | None:
    if group.most_replicas <= desired.replicas:
        return None
    return _failover_off(desired, group, observed) or _set_replicas(desired, group, group.most_replicas)


def _set_replicas(desired: Desired, group: Group, was: int) -> Call:
    wrong = tuple(
        node_group.id
        for node_group in group.node_groups
        if (node_group.replicas < desired.replicas) == (was < desired.replicas)
        and node_group.replicas != desired.replicas
    )
    uneven = len({node_group.replicas for node_group in group.node_groups}) > 1
    change = ExpectedChange((("replicas", str(desired.replicas)),), was=str(was))
    return group_calls.set_replicas(group.id, desired.replicas, wrong if uneven else (), change)


def _failover_on(desired: Desired, group: Group, observed: Observed) -> Call | None:
    if group.fewest_replicas < 1:
        return None
    return _set_failover(
        group,
        failover=not group.cluster_mode and desired.failover and group.automatic_failover != "enabled",
        multi_az=desired.multi_az(zones(observed)) and not group.multi_az,
        to=True,
    )


def _failover_off(desired: Desired, group: Group, observed: Observed) -> Call | None:
    return _set_failover(
        group,
        failover=not group.cluster_mode and not desired.failover and group.automatic_failover == "enabled",
        multi_az=not desired.multi_az(zones(observed)) and group.multi_az,
        to=False,
    )


def _set_failover(group: Group, *, failover: bool, multi_az: bool, to: bool) -> Call | None:
    """Send only what differs: on a cluster-mode group failover may never be sent again (aws-cdk#13389)."""
    settings: dict[str, object] = {}
    values: list[tuple[str, str]] = []
    if failover:
        settings["AutomaticFailoverEnabled"] = to
        values.append(("failover", "enabled" if to else "disabled"))
    if multi_az:
        settings["MultiAZEnabled"] = to
        values.append(("multi_az", str(to)))
    if not settings:
        return None
    what = " and ".join(name for name, wanted in (("failover", failover), ("Multi-AZ", multi_az)) if wanted)
    return group_calls.modify_group(
        group.id,
        settings,
        f"turn {what} {'on' if to else 'off'}",
        ExpectedChange(tuple(values), was=str(not to)),
    )


_ORDER: tuple[Rule, ...] = (
    upgrade,
    more_subnets,
    scale_up,
    _node_groups_out,
    _more_replicas,
    _failover_on,
    _node_groups_in,
    scale_down,
    _failover_off,
    _fewer_replicas,
    settings,
)
