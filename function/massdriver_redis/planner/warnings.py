"""Warnings about a cluster that is up to date."""

from __future__ import annotations

from collections.abc import Iterator

from massdriver_redis.calls.base import text_of
from massdriver_redis.planner.decision import PlanContext
from massdriver_redis.planner.engine import keeps_newer
from massdriver_redis.planner.requested_change import left_alone
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.fields import described, values
from massdriver_redis.state.observed import Observed, ReplicationGroup

_TOKEN_LAG = 1800.0
"""Seconds after the secret's version, or the cluster's creation, in which AWS may date the token itself."""


def warnings(
    desired: Desired, observed: Observed, context: PlanContext, token_made_at: float = 0.0
) -> tuple[str, ...]:
    """Return where the cluster differs from the properties although nothing is left to do.

    `token_made_at` is when the secret's token was stored (seconds since the epoch), 0 where it is unknown.
    """
    live = observed.replication_group
    return (
        *(_engine(desired, live, context) if live else ()),
        *(_counts(desired, live, context.kept_counts) if live else ()),
        *(_unshown(desired, live, observed, context) if live else ()),
        *(_access(live, token_made_at) if live and desired.secure else ()),
        *_subnets(desired, observed),
    )


def _engine(desired: Desired, live: ReplicationGroup, context: PlanContext) -> Iterator[str]:
    if live.nodes and keeps_newer(desired, live, context):
        yield f"The live engine {live.engine} is newer than redis_version and was kept."
    if live.cluster_mode_setting == "compatible":
        yield "The cluster mode is compatible, set out of band: finish the migration or take it back."


def _counts(desired: Desired, live: ReplicationGroup, kept: frozenset[str]) -> Iterator[str]:
    for name, count in (("node_groups", desired.node_groups), ("replicas", desired.replicas)):
        if name in kept and values(live, name) != (count,):
            there = described(live, name)
            yield f"{name} was left at {there} and not set to {count}: an update that changes it does that."


def _unshown(
    desired: Desired, live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Iterator[str]:
    for name in sorted(left_alone(observed, context)):
        if values(live, name) != (desired.settings[name],):
            asked = text_of(desired.settings[name])
            yield f"{name}: AWS accepted {asked} but shows {described(live, name)}."
    if context.tags_unshown:
        yield "tags: AWS accepted them but doesn't show them."


def _access(live: ReplicationGroup, token_made_at: float) -> Iterator[str]:
    """Yield what makes the password that is returned a wrong one, or none that is needed."""
    known = max(token_made_at, live.created_at)
    if live.auth_token_enabled is False:
        yield "AUTH was turned off out of band: the password is not in use."
    elif token_made_at and live.auth_token_changed_at > known + _TOKEN_LAG:
        yield (
            "The AUTH token was changed out of band, after the secret: the password can't be right. "
            "Store the token in use as the secret's key password."
        )
    if live.tls_mode == "preferred":
        yield "TLS is preferred and not required: the cluster accepts connections without it."


def _subnets(desired: Desired, observed: Observed) -> Iterator[str]:
    if observed.zones.keys() - desired.subnets.keys():
        yield "Subnets that the cluster still uses were kept."
    unknown_zones = "" in desired.subnets.values()  # else the properties' own warnings say it
    if unknown_zones and desired.replicas >= 1 and not desired.multi_az(observed.zones):
        yield "Multi-AZ is left off: all subnets lie in one zone."
