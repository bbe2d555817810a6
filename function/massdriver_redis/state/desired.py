"""What must be true of AWS, worked out from the properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from massdriver_redis import catalog
from massdriver_redis.calls.base import FieldValue
from massdriver_redis.properties.model import Properties
from massdriver_redis.state import naming, record
from massdriver_redis.state.naming import Names, Owner, names
from massdriver_redis.state.settings import SETTINGS


@dataclass(frozen=True)
class Desired:
    """The wanted state of one replication group and of what belongs to it."""

    owner: Owner
    names: Names
    engine: str
    redis_version: str
    node_type: str
    node_groups: int
    replicas: int
    cluster_mode: bool
    secure: bool
    vpc_id: str
    subnets: Mapping[str, str]
    """Subnet id to zone, "" where the properties name none."""
    ingress: frozenset[str]
    settings: Mapping[str, FieldValue]
    """The value of each row of state/settings.py."""
    tags: Mapping[str, str]

    @property
    def id(self) -> str:
        """The replication group's id."""
        return self.names.replication_group

    @property
    def failover(self) -> bool:
        """Automatic failover: always in cluster mode, else with a replica to fail over to."""
        return self.cluster_mode or self.replicas >= 1

    def multi_az(self, zones: Mapping[str, str]) -> bool:
        """Whether Multi-AZ can be had: a replica, and subnets in two zones (live ones win)."""
        seen = {zones.get(subnet_id) or zone for subnet_id, zone in self.subnets.items()} - {""}
        return self.replicas >= 1 and len(seen) >= 2

    def parameter_group(self, version: str) -> str:
        """The default parameter group of an engine version, the clustered one in cluster mode."""
        return catalog.parameter_group(self.engine, version, self.cluster_mode)


def derived_id(properties: Properties, owner: Owner) -> str:
    """Return the id under which a Create of `properties` makes its replication group."""
    return naming.physical_id(owner, properties.name_prefix, properties.create_only())


def desired(properties: Properties, owner: Owner, physical_id: str, prefix: str) -> Desired:
    """Return what `properties` ask for under the name `physical_id`."""
    marks = {record.OWNER: owner.marker, record.PROVIDER: prefix}
    return Desired(
        owner=owner,
        names=names(physical_id, prefix),
        engine=properties.engine,
        redis_version=properties.redis_version,
        node_type=properties.node_type,
        node_groups=properties.node_groups,
        replicas=properties.replicas,
        cluster_mode=properties.cluster_mode_enabled,
        secure=properties.secure,
        vpc_id=properties.vpc.id,
        subnets={subnet.id: subnet.zone or "" for subnet in properties.vpc.subnets},
        ingress=frozenset({properties.vpc.cidr})
        if properties.allow_vpc_access and properties.vpc.cidr
        else frozenset(),
        settings={setting.name: setting.desired(properties) for setting in SETTINGS},
        tags={**dict(properties.tags), **marks},
    )
