"""In-place changes of a replication group that has stabilized, and the order in which they are made.

Memory and copies grow before they shrink. Where that would exceed the node quota, the decrease is first.
"""

from __future__ import annotations

from collections.abc import Callable

from massdriver_redis.calls.base import Call
from massdriver_redis.planner import engine, scaling, settings, subnets
from massdriver_redis.planner.decision import PlanContext
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import Observed, ReplicationGroup

Change = Callable[[Desired, ReplicationGroup, Observed, PlanContext], Call | None]

_ORDER: tuple[Change, ...] = (
    engine.upgrade,
    subnets.add,
    engine.scale_up,
    scaling.more_node_groups,
    scaling.more_replicas,
    scaling.failover_on,
    scaling.fewer_node_groups,
    engine.scale_down,
    scaling.failover_off,
    scaling.fewer_replicas,
    settings.change,
    subnets.drop_unused,
)


def next_change(
    desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Call | None:
    """Return the first call that brings the replication group closer to `desired`, or None."""
    calls = (change(desired, live, observed, context) for change in _ORDER)
    return next((call for call in calls if call), None)
