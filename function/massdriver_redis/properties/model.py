"""The resource's properties, valid and frozen, as the rest of the provider reads them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Subnet:
    """One subnet of the chosen type."""

    id: str
    zone: str | None


@dataclass(frozen=True)
class Vpc:
    """The VPC; `subnets` are those of the chosen type, in order, without duplicates."""

    id: str
    arn: str
    cidr: str | None
    subnets: tuple[Subnet, ...]


@dataclass(frozen=True)
class Authentication:
    """The role that makes every resource of the cluster."""

    arn: str
    external_id: str | None = field(repr=False)


@dataclass(frozen=True)
class Properties:
    """All properties, valid and with defaults; `node_groups` is 1 without cluster mode.

    A field of type str, int or bool is the property of the same name.
    """

    node_type: str
    engine: str
    redis_version: str
    replicas: int
    cluster_mode_enabled: bool
    node_groups: int
    secure: bool
    subnet_type: str
    allow_vpc_access: bool
    vpc: Vpc
    authentication: Authentication | None
    region: str | None
    name_prefix: str | None
    tags: tuple[tuple[str, str], ...]
    snapshot_retention_limit: int
    snapshot_window: str
    maintenance_window: str
    auto_minor_version_upgrade: bool
    allow_replacement: bool
    password_attribute: bool
    warnings: tuple[str, ...] = ()

    def create_only(self) -> dict[str, object]:
        """Return the properties that can't change in place: the input of `naming.physical_id`."""
        return {
            "cluster_mode_enabled": self.cluster_mode_enabled,
            "secure": self.secure,
            "subnet_type": self.subnet_type,
            "vpc": self.vpc.arn,
            "name_prefix": self.name_prefix,
        }


@dataclass(frozen=True)
class PreviousProperties:
    """What is read from OldResourceProperties; None or empty where a value is absent or unreadable."""

    engine: str | None
    redis_version: str | None
    region: str | None
    authentication: Authentication | None
    tag_keys: frozenset[str]
    node_groups: int | None
    replicas: int | None
