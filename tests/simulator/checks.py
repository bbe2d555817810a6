"""Refusals shared by CreateReplicationGroup and ModifyReplicationGroup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import catalog
from .errors import Refusal, bad_combination, bad_value

if TYPE_CHECKING:
    from collections.abc import Collection

    from .catalog import EngineVersion
    from .state import ReplicationGroup, SubnetGroup
    from .timing import Quotas

CLUSTER_ON = ".cluster.on"
NO_CAPACITY = "Insufficient capacity for the requested node type in the requested Availability Zones."
_GROUP_ID = re.compile(r"(?!.*--)[a-z][a-z0-9-]{0,38}[a-z0-9]|[a-z]", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9!&#$^<>-]{16,128}")


def legal_name(name: str, parameter: str) -> str:
    """Return a replication group's or snapshot's id in lower case, or refuse."""
    if not _GROUP_ID.fullmatch(name):
        raise bad_value(
            f"The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; "
            "must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain "
            "two consecutive hyphens."
        )
    return name.lower()


def tls_changes(engine: str, full: str) -> bool:
    """Return whether encryption in transit has a mode (cloudposse/terraform-aws-elasticache-redis#231)."""
    return engine != "redis" or catalog.numbers(full) >= (7, 0, 5)


def engine_version(engine: str, wanted: str, withdrawn: Collection[str]) -> EngineVersion:
    """Return an offered version, or refuse as AWS does.

    Sources: crossplane-contrib/provider-aws#1617 (a patch of 6 and later) and
    ministryofjustice/cloud-platform-environments#5753 (a version that does not exist).
    """
    parts = wanted.split(".")
    if len(parts) == 3 and parts[0].isdigit() and int(parts[0]) >= 6:
        raise bad_value(
            f"Specific version selection is not allowed for '{wanted}', please use '{'.'.join(parts[:2])}'"
        )
    found = catalog.offered(engine, wanted)
    if found is None or f"{engine} {found.version}" in withdrawn:
        raise bad_combination(f"Cannot find version {wanted} for {engine}")
    return found


def parameter_group(name: str, engine: str, family: str) -> None:
    """Refuse a parameter group that does not exist or belongs to another family.

    Sources: hashicorp/terraform-provider-aws#27748 (family) and
    aws-controllers-k8s/elasticache-controller#188 (engine).
    """
    named = name.removeprefix("default.").removesuffix(CLUSTER_ON)
    if not name.startswith("default.") or named not in catalog.FAMILIES:
        raise Refusal("CacheParameterGroupNotFound", f"CacheParameterGroup not found: {name}")
    if not named.startswith(engine):
        other = named.rstrip("0123456789.x")
        raise bad_combination(f"{other} parameter group is not applicable to engine {engine}")
    if named != family:
        raise bad_combination(
            f"Expected a parameter group of family {family} but found one of family {named}"
        )


def node_type(name: str, full_version: str, withdrawn: Collection[str]) -> None:
    """Refuse a node type that is not offered or needs a newer engine (user guide, supported node types)."""
    kind = catalog.NODE_TYPES.get(name)
    if kind is None or name in withdrawn:
        raise bad_value(f"The node type {name} is not supported.")
    if kind.minimum_engine > catalog.numbers(full_version):
        raise bad_combination(f"The node type {name} is not supported for engine version {full_version}.")


def auth_token(token: str) -> None:
    """Refuse a token outside the length and characters of the AUTH page of the user guide.

    The text is that of magenx/Magento-2-aws-cluster-terraform#43.
    """
    if not _TOKEN.fullmatch(token):
        raise bad_value("Invalid AuthToken provided.")


def in_global_datastore(group: ReplicationGroup) -> None:
    """Refuse a member of a global datastore (hashicorp/terraform-provider-aws#27875)."""
    if group.global_datastore:
        raise bad_value(
            f"Cluster [{group.id}] is part of a global cluster [{group.global_datastore}]. Request rejected."
        )


def compatible(group: ReplicationGroup) -> None:
    """Refuse scaling and upgrades between cluster modes (user guide, modify-cluster-mode; text inferred)."""
    if group.cluster_mode == "compatible":
        raise bad_combination(f"{group.id} can not be scaled or upgraded while cluster mode is compatible.")


def retention(days: int) -> None:
    if not 0 <= days <= 35:
        raise bad_value("SnapshotRetentionLimit must be between 0 and 35.")


def two_zones(subnets: SubnetGroup) -> None:
    """Refuse Multi-AZ in one zone: the user guide asks for subnets in at least two."""
    if len(subnets.zones) < 2:
        raise bad_combination(
            f"Multi-AZ needs subnets in at least two Availability Zones; {subnets.name} has {subnets.zones}."
        )


def replicas_per_shard(replicas: int) -> None:
    if not 0 <= replicas <= 5:
        raise bad_value("The number of replicas per node group must be between 0 and 5.")


def nodes_of_one_cluster(nodes: int, quotas: Quotas, code: str) -> None:
    if nodes > quotas.nodes_per_group:
        raise Refusal(code, f"{nodes} nodes exceed the quota of {quotas.nodes_per_group} nodes per cluster.")


def nodes_of_the_region(nodes: int, quotas: Quotas) -> None:
    if nodes > quotas.nodes_per_region:
        raise Refusal(
            "NodeQuotaForCustomerExceeded",
            f"{nodes} nodes exceed the quota of {quotas.nodes_per_region} nodes in this Region.",
        )
