"""Updates that need another replication group, and their Reasons where that is not allowed."""

from __future__ import annotations

from massdriver_redis.properties.model import PreviousProperties, Properties
from massdriver_redis.state import naming
from massdriver_redis.state.naming import Owner
from massdriver_redis.state.observed import Observed, ReplicationGroup, SubnetGroup


def create_only_differences(
    wanted: Properties, owner: Owner, physical_id: str, observed: Observed
) -> list[str]:
    """Return the create-only properties that differ from what is live under `physical_id`.

    The previous properties don't count: those of a rejected update never took effect.
    """
    differing: list[str] = []
    if observed.replication_group:
        differing += _differing_modes(wanted, observed.replication_group)
    if observed.subnet_group:
        differing += _differing_network(wanted, observed.subnet_group)
    head = naming.id_prefix(owner, wanted.name_prefix)
    if naming.is_ours(physical_id) and naming.prefix_of(physical_id) != head:
        differing.append("md_metadata.name_prefix")
    return differing


def _differing_modes(wanted: Properties, live: ReplicationGroup) -> list[str]:
    modes = {
        "cluster_mode_enabled": (live.cluster_mode, wanted.cluster_mode_enabled),
        "secure": (live.tls, wanted.secure),
    }
    return [name for name, (present, desired) in modes.items() if present != desired]


def _differing_network(wanted: Properties, subnet_group: SubnetGroup) -> list[str]:
    if subnet_group.vpc_id and subnet_group.vpc_id != wanted.vpc.id:
        return ["vpc"]
    in_use = subnet_group.subnets.keys() & {subnet.id for subnet in wanted.vpc.subnets}
    return [] if in_use else ["subnet_type"]


def same_name(differing: list[str], live: ReplicationGroup | None) -> str:
    """Return the Reason where the replacement would have the same id.

    The properties are those that the cluster was made with: either it was changed out of band, or only the
    subnets differ.
    """
    if live and "secure" in differing:
        if live.tls:
            return "secure: TLS was enabled out of band; disable it again, or set secure: true"
        return "secure: TLS was disabled out of band; enable it again, or set secure: false"
    if live and "cluster_mode_enabled" in differing:
        if live.cluster_mode_setting == "compatible":
            return (
                "cluster_mode_enabled: the cluster mode is compatible, set out of band; set it to disabled "
                "again, or to enabled and cluster_mode_enabled to true"
            )
        return (
            "cluster_mode_enabled: the live cluster's mode was changed out of band; set "
            f"cluster_mode_enabled: {str(live.cluster_mode).lower()}, which is what it is now"
        )
    return (
        f"{', '.join(differing)}: none of the cluster's subnets is in the list; add the new ones "
        "to the old in one update, then remove the unused in another"
    )


def not_allowed(differing: list[str]) -> str:
    """Return the Reason of a replacement that `allow_replacement` doesn't allow."""
    return (
        f"{', '.join(differing)}: can't change on a live cluster. Restore the old value, or set "
        "allow_replacement: true for a new, empty cluster in its place"
    )


def moved(old: PreviousProperties, wanted: Properties) -> str | None:
    """Return the Reason of an update to another Region or account, None for any other update."""
    if old.region and wanted.region and old.region != wanted.region:
        return "specs.aws.region: a cluster can't move to another region; restore the old value"
    old_account = old.authentication and old.authentication.arn.split(":")[4:5]
    account = wanted.authentication and wanted.authentication.arn.split(":")[4:5]
    if old_account and account and old_account != account:
        return "aws_authentication.data.arn: a cluster can't move to another account; restore the old role"
    return None
