"""Warnings about a cluster that is up to date."""

from __future__ import annotations

from massdriver_redis.planner.engine import keeps_newer
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import Observed


def warnings(desired: Desired, observed: Observed) -> tuple[str, ...]:
    """Return where the cluster differs from the properties although nothing is left to do."""
    found: list[str] = []
    live = observed.replication_group
    if live and live.nodes and keeps_newer(desired, live):
        found.append(f"The live engine {live.engine} is newer than redis_version and was kept.")
    if observed.zones.keys() - desired.subnets.keys():
        found.append("Subnets that the cluster still uses were kept.")
    unknown_zones = "" in desired.subnets.values()  # else the properties' own warnings say it
    if unknown_zones and desired.replicas >= 1 and not desired.multi_az(observed.zones):
        found.append("Multi-AZ is left off: all subnets lie in one zone.")
    return tuple(found)
