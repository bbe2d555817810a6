"""Reads the resource's properties: coerced, validated, with defaults, and frozen."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from massdriver_redis import catalog
from massdriver_redis.errors import InvalidRequestError
from massdriver_redis.properties import arns, rules, schemas
from massdriver_redis.properties.coercion import SERVICE_KEYS, bounded, coerce, defaults
from massdriver_redis.properties.forms import documented
from massdriver_redis.properties.model import Authentication, PreviousProperties, Properties, Subnet, Vpc
from massdriver_redis.properties.view import PropertyView
from massdriver_redis.properties.violations import Path, Violation, independent, reject, violations_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

_SCHEMA = "properties.json"
_VERSION: Path = ("redis_version",)

_SCALARS = [each.name for each in dataclasses.fields(Properties) if each.type in {"str", "int", "bool"}]
"""Properties that are read as the schema leaves them; the others are composed."""


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
    return PreviousProperties(
        engine=view.text("engine"),
        redis_version=view.text("redis_version"),
        region=_region(view),
        authentication=_authentication(view),
        tag_keys=frozenset(view.tags()),
        node_groups=_node_groups(view),
        replicas=view.number("replicas"),
    )


def _examine(raw: object) -> tuple[PropertyView, list[Violation]]:
    if not isinstance(raw, Mapping):
        reject(Violation((), "must be a map of properties"))
    schema = schemas.schema(_SCHEMA)
    own = {key: value for key, value in raw.items() if key not in SERVICE_KEYS}
    coerced = coerce(documented(own), schema)
    written = coerced if isinstance(coerced, Mapping) else {}
    typed = defaults(written, schema)
    found: dict[Path, Violation] = {}
    for error in schemas.errors(_SCHEMA, typed):
        for violation in violations_of(error):
            found.setdefault(violation.path, violation)
    view = PropertyView(typed, found.keys(), written)
    version = typed.get("redis_version")
    if _VERSION in found and isinstance(version, str) and view.text("engine"):
        found[_VERSION] = rules.unknown_version(view, version)
    return view, independent(found.values())


def _lenient_view(raw: object) -> PropertyView:
    """Return the readable part of `raw`, without the properties that the validator can't process."""
    known = schemas.property_names(_SCHEMA)
    given = raw if isinstance(raw, Mapping) else {}
    return _examine({key: value for key, value in given.items() if key in known and _is_bounded(value)})[0]


def _is_bounded(value: object) -> bool:
    try:
        bounded({"": value})
    except InvalidRequestError:
        return False
    return True


def _properties(view: PropertyView, today: date) -> Properties:
    scalars: dict[str, Any] = {name: view.get(name) for name in _SCALARS}
    scalars["node_groups"] = _node_groups(view)
    properties = Properties(
        **scalars,
        vpc=_vpc(view),
        authentication=_authentication(view),
        region=view.region(),
        name_prefix=view.text("md_metadata", "name_prefix"),
        tags=tuple(sorted(view.tags().items())),
    )
    return dataclasses.replace(properties, warnings=tuple(_warnings(properties, today)))


def _node_groups(view: PropertyView) -> int | None:
    return view.number("node_groups") if view.flag("cluster_mode_enabled") else 1


def _vpc(view: PropertyView) -> Vpc:
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


def _authentication(view: PropertyView) -> Authentication | None:
    arn = view.text("aws_authentication", "data", "arn")
    if arn is None or not arns.is_role(arn):
        return None
    external_id = view.text("aws_authentication", "data", "external_id")
    return Authentication(arn, external_id if external_id and rules.is_external_id(external_id) else None)


def _region(view: PropertyView) -> str | None:
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
