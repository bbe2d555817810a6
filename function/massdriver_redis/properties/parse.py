"""The resource's properties: coerced, validated and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from massdriver_redis import catalog
from massdriver_redis.errors import InvalidRequestError
from massdriver_redis.properties import arns, rules, schemas
from massdriver_redis.properties.coercion import SERVICE_KEYS, bounded, coerce, defaults
from massdriver_redis.properties.violations import Path, Violation, reject, violations_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

__all__ = [
    "SERVICE_KEYS",
    "Authentication",
    "PreviousProperties",
    "Properties",
    "Subnet",
    "Vpc",
    "read",
    "read_leniently",
    "read_previous",
]

_SCHEMA = "properties.json"


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
    """All properties, valid and with defaults; `node_groups` is 1 without cluster mode."""

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

    create_only: Mapping[str, object]
    name_prefix: str | None
    engine: str | None
    redis_version: str | None
    region: str | None
    authentication: Authentication | None
    tag_keys: frozenset[str]


def read(raw: Mapping[str, object], *, today: date) -> Properties:
    """Return the valid properties; `today` decides the warnings about the end of support.

    Raises InvalidRequestError with every violation, path first, sorted, in at most 240 characters. The
    message contains no value, and no input raises anything else.
    """
    bounded(raw)
    view, violations = _examine(raw)
    violations += [each for each in rules.broken(view) if not view.is_broken(each.path)]
    if violations:
        reject(*violations)
    return _properties(view, today)


def read_leniently(raw: object) -> tuple[Authentication | None, str | None]:
    """Return the role and the Region of a Delete, None where they can't be read; never raises."""
    view = _lenient_view(raw)
    return _authentication(view), _region(view)


def read_previous(raw: object) -> PreviousProperties:
    """Return what OldResourceProperties say; never raises."""
    view = _lenient_view(raw)
    prefix = view.text("md_metadata", "name_prefix")
    return PreviousProperties(
        create_only={
            "cluster_mode_enabled": view.flag("cluster_mode_enabled"),
            "secure": view.flag("secure"),
            "subnet_type": view.text("subnet_type"),
            "vpc": view.text("vpc", "data", "infrastructure", "arn"),
            "name_prefix": prefix,
        },
        name_prefix=prefix,
        engine=view.text("engine"),
        redis_version=view.text("redis_version"),
        region=_region(view),
        authentication=_authentication(view),
        tag_keys=frozenset(view.tags()),
    )


def _examine(raw: object) -> tuple[rules.PropertyView, list[Violation]]:
    if not isinstance(raw, Mapping):
        reject(Violation((), "must be a map of properties"))
    schema = schemas.schema(_SCHEMA)
    own = {key: value for key, value in raw.items() if key not in SERVICE_KEYS}
    coerced = coerce(own, schema)
    typed = defaults(coerced if isinstance(coerced, Mapping) else {}, schema)
    found: dict[Path, Violation] = {}
    for error in schemas.errors(_SCHEMA, typed):
        for violation in violations_of(error):
            found.setdefault(violation.path, violation)
    return rules.PropertyView(typed, found.keys()), list(found.values())


def _lenient_view(raw: object) -> rules.PropertyView:
    """Return the readable part of `raw`, without the properties that the validator can't process."""
    declared = schemas.schema(_SCHEMA)["properties"]
    known = declared.keys() if isinstance(declared, Mapping) else ()
    given = raw if isinstance(raw, Mapping) else {}
    return _examine({key: value for key, value in given.items() if key in known and _is_bounded(value)})[0]


def _is_bounded(value: object) -> bool:
    try:
        bounded({"": value})
    except InvalidRequestError:
        return False
    return True


def _properties(view: rules.PropertyView, today: date) -> Properties:
    cluster_mode = view.flag("cluster_mode_enabled")
    properties = Properties(
        node_type=_text(view, "node_type"),
        engine=_text(view, "engine"),
        redis_version=_text(view, "redis_version"),
        replicas=view.number("replicas") or 0,
        cluster_mode_enabled=cluster_mode,
        node_groups=(view.number("node_groups") or 1) if cluster_mode else 1,
        secure=view.flag("secure"),
        subnet_type=_text(view, "subnet_type"),
        allow_vpc_access=view.flag("allow_vpc_access"),
        vpc=_vpc(view),
        authentication=_authentication(view),
        region=view.region(),
        name_prefix=view.text("md_metadata", "name_prefix"),
        tags=tuple(sorted(view.tags().items())),
        snapshot_retention_limit=view.number("snapshot_retention_limit") or 0,
        snapshot_window=_text(view, "snapshot_window"),
        maintenance_window=_text(view, "maintenance_window"),
        allow_replacement=view.flag("allow_replacement"),
        password_attribute=view.flag("password_attribute"),
    )
    return replace(properties, warnings=tuple(_warnings(properties, today)))


def _text(view: rules.PropertyView, name: str) -> str:
    return view.text(name) or ""


def _vpc(view: rules.PropertyView) -> Vpc:
    arn = view.text("vpc", "data", "infrastructure", "arn") or ""
    vpc = arns.vpc(arn)
    subnets: dict[str, Subnet] = {}
    for _, subnet_arn, zone in view.subnets():
        subnet = arns.subnet(subnet_arn)
        if subnet:
            subnets.setdefault(subnet.id, Subnet(subnet.id, zone))
    return Vpc(
        id=vpc.id if vpc else "",
        arn=arn,
        cidr=view.text("vpc", "data", "infrastructure", "cidr"),
        subnets=tuple(subnets.values()),
    )


def _authentication(view: rules.PropertyView) -> Authentication | None:
    arn = view.text("aws_authentication", "data", "arn")
    if arn is None or not arns.is_role(arn):
        return None
    return Authentication(arn, view.text("aws_authentication", "data", "external_id"))


def _region(view: rules.PropertyView) -> str | None:
    region = view.region()
    return region if region and arns.is_region(region) else None


def _warnings(properties: Properties, today: date) -> Iterator[str]:
    nodes = properties.node_groups * (1 + properties.replicas)
    if nodes > catalog.NODE_QUOTA:
        yield f"{nodes} nodes exceed the default quota of {catalog.NODE_QUOTA} per cluster; raise it first."
    zones = {subnet.zone for subnet in properties.vpc.subnets}
    if properties.replicas and None not in zones and len(zones) == 1:
        yield "Multi-AZ is left off: all subnets lie in one zone."
    support = catalog.support_warning(properties.engine, properties.redis_version, today)
    if support:
        yield support
