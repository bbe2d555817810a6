"""The rules about several properties, and those that a schema can't express; each yields violations."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from massdriver_redis import catalog
from massdriver_redis.properties import arns, windows
from massdriver_redis.properties.violations import Path, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

MAX_SUBNETS = 20
"""Subnets per subnet group (ElastiCache quotas)."""

MAX_TAGS = 40
"""AWS's 50 tags per resource, less ten for the provider's own."""

_INFRASTRUCTURE = ("vpc", "data", "infrastructure")
_VPC_REGION = ("vpc", "specs", "aws", "region")
_ROLE_REGION = ("aws_authentication", "specs", "aws", "region")
_TAG_TEXT = re.compile(r"[\w .:/=+@-]*")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
"""AssumeRole's own rule (STS API reference)."""


class PropertyView:
    """The typed properties; a value with a violation counts as absent."""

    def __init__(self, properties: object, broken: AbstractSet[Path]) -> None:
        self._properties = properties
        self._broken = broken

    def get(self, *path: str | int) -> object:
        """Return the value at a path, None if it or a value above it is absent or broken."""
        if self.is_broken(path):
            return None
        value = self._properties
        for key in path:
            value = _item(value, key)
        return value

    def is_broken(self, path: Path) -> bool:
        """Return whether a path, or one above it, has a violation."""
        return any(path[:depth] in self._broken for depth in range(1, len(path) + 1))

    def text(self, *path: str | int) -> str | None:
        """Return the string at a path, None if there is none."""
        value = self.get(*path)
        return value if isinstance(value, str) else None

    def number(self, *path: str | int) -> int | None:
        """Return the whole number at a path, None if there is none."""
        value = self.get(*path)
        return value if isinstance(value, int) else None

    def flag(self, *path: str | int) -> bool:
        """Return whether the value at a path is true."""
        return self.get(*path) is True

    def texts(self, *path: str | int) -> dict[str, str]:
        """Return the strings of the map at a path."""
        value = self.get(*path)
        entries = value.items() if isinstance(value, dict) else ()
        return {key: item for key, item in entries if isinstance(item, str)}

    def region(self) -> str | None:
        """Return the cluster's Region: that of one of the specs, else that of the VPC's ARN."""
        vpc = arns.vpc(self.text(*_INFRASTRUCTURE, "arn") or "")
        return self.text(*_VPC_REGION) or self.text(*_ROLE_REGION) or (vpc.region if vpc else None)

    def subnets(self) -> Iterator[tuple[Path, str, str | None]]:
        """Yield path, ARN and zone of every subnet of the chosen type, duplicates included."""
        path = (*_INFRASTRUCTURE, f"{self.text('subnet_type')}_subnets")
        items = self.get(*path)
        for index in range(len(items) if isinstance(items, list) else 0):
            item = (*path, index)
            arn = self.text(*item, "arn")
            if arn is not None:
                yield item, arn, self.text(*item, "aws_zone")

    def tags(self) -> dict[str, str]:
        """Return the tags by key; `tags` override `md_metadata.default_tags`."""
        return {**self.texts("md_metadata", "default_tags"), **self.texts("tags")}


def broken(view: PropertyView) -> Iterator[Violation]:
    """Yield the violations of every rule."""
    for rule in _RULES:
        yield from rule(view)


def _regions(view: PropertyView) -> Iterator[Violation]:
    vpc, role = view.text(*_VPC_REGION), view.text(*_ROLE_REGION)
    for path, region in ((_VPC_REGION, vpc), (_ROLE_REGION, role)):
        if region is not None and not arns.is_region(region):
            yield Violation(path, "not the name of a Region; write it as us-west-2")
    if vpc and role and vpc != role:
        yield Violation(_VPC_REGION, "differs from aws_authentication.specs.aws.region; use one Region")


def _vpc(view: PropertyView) -> Iterator[Violation]:
    path = (*_INFRASTRUCTURE, "arn")
    arn = view.text(*path)
    if arn is None:
        return
    vpc, region = arns.vpc(arn), view.region()
    if vpc is None:
        yield Violation(path, "not the ARN of a VPC; it ends in vpc/vpc-<id>")
    elif vpc.region and region and arns.is_region(region) and region != vpc.region:
        yield Violation(path, "has another Region than specs.aws.region; use one Region")


def _cidr(view: PropertyView) -> Iterator[Violation]:
    path = (*_INFRASTRUCTURE, "cidr")
    cidr = view.text(*path)
    if cidr is None:
        if view.flag("allow_vpc_access"):
            yield Violation(path, "required by allow_vpc_access; add it or set allow_vpc_access to false")
        return
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError:
        yield Violation(path, "not an IPv4 network; write it as 10.100.0.0/16")
        return
    if "/" not in cidr or network.prefixlen < 8:
        yield Violation(path, "not the network of a VPC; write it as 10.100.0.0/16")


def _subnets(view: PropertyView) -> Iterator[Violation]:
    kind = view.text("subnet_type")
    path = (*_INFRASTRUCTURE, f"{kind}_subnets")
    if kind is None or view.text(*_INFRASTRUCTURE, "arn") is None:
        return
    seen = set()
    for item, arn, _ in view.subnets():
        subnet = arns.subnet(arn)
        seen.add(subnet.id if subnet else arn)
        if subnet is None:
            yield Violation((*item, "arn"), "not the ARN of a subnet; it ends in subnet/subnet-<id>")
    if not seen and not view.get(*path):
        other = "private" if kind == "internal" else "internal"
        remedy = f"no {kind} subnet; add one or set subnet_type to {other}"
        yield Violation(path, remedy)
    if len(seen) > MAX_SUBNETS:
        yield Violation(path, f"more than the {MAX_SUBNETS} subnets of a subnet group; remove some")


def _role(view: PropertyView) -> Iterator[Violation]:
    path = ("aws_authentication", "data")
    arn, external_id = view.text(*path, "arn"), view.text(*path, "external_id")
    if arn is not None and not arns.is_role(arn):
        yield Violation(
            (*path, "arn"), "not the ARN of an IAM role, arn:<partition>:iam::<account>:role/<name>"
        )
    if external_id is not None and not _EXTERNAL_ID.fullmatch(external_id):
        yield Violation((*path, "external_id"), "must be 2 to 1224 letters, digits or any of +=,.@:/-_")


def _engine(view: PropertyView) -> Iterator[Violation]:
    engine, version = view.text("engine"), view.text("redis_version")
    if engine is None or version is None:
        return
    if version not in catalog.versions(engine):
        allowed = ", ".join(catalog.versions(engine))
        yield Violation(
            ("redis_version",), f"engine {engine} has {allowed}; choose one of them or the other engine"
        )
        return
    node_type = view.text("node_type")
    if node_type is None or engine != "redis":
        return
    minimum = catalog.minimum_engine(node_type)
    if catalog.compare("redis", version, "redis", minimum) < 0:
        remedy = f"this family needs engine {minimum}; raise redis_version or use an m5, r5 or t3 type"
        yield Violation(("node_type",), remedy)


def _nodes(view: PropertyView) -> Iterator[Violation]:
    groups, replicas = view.number("node_groups"), view.number("replicas")
    if not view.flag("cluster_mode_enabled") or groups is None or replicas is None:
        return
    old = view.text("engine") == "redis" and view.text("redis_version") in ("3.2", "4.0")
    limit = 250 if old else 500
    if groups * (1 + replicas) > limit:
        engine = " below engine 5.0.6" if old else ""
        yield Violation(
            ("node_groups",),
            f"more than {limit} nodes with the replicas, AWS's limit{engine}; reduce one of them",
        )


def _windows(view: PropertyView) -> Iterator[Violation]:
    read = {}
    for name, reader, form in (
        ("snapshot_window", windows.daily, "hh:mm-hh:mm"),
        ("maintenance_window", windows.weekly, "ddd:hh:mm-ddd:hh:mm"),
    ):
        text = view.text(name)
        if text is None:
            return
        window = reader(text)
        if window is None:
            yield Violation((name,), f"must be {form} in UTC")
            return
        if window[1] < windows.MINIMUM:
            yield Violation((name,), f"shorter than {windows.MINIMUM} minutes; extend it")
        read[name] = window
    if windows.overlap(read["snapshot_window"], read["maintenance_window"]):
        yield Violation(("snapshot_window",), "overlaps maintenance_window; move one of them")


def _tags(view: PropertyView) -> Iterator[Violation]:
    for path in (("md_metadata", "default_tags"), ("tags",)):
        for key, value in view.texts(*path).items():
            if not _TAG_TEXT.fullmatch(key) or not _TAG_TEXT.fullmatch(value):
                remedy = "a tag has letters, digits, spaces and _.:/=+-@ only; change its key or value"
                yield Violation((*path, key), remedy)
    tags = view.tags()
    path = ("tags",) if view.texts("tags") else ("md_metadata", "default_tags")
    if len(tags) > MAX_TAGS:
        yield Violation(path, f"more than {MAX_TAGS} tags with md_metadata.default_tags; remove some")


_RULES = (_regions, _vpc, _cidr, _subnets, _role, _engine, _nodes, _windows, _tags)


def _item(value: object, key: str | int) -> object:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int):
        return value[key]
    return None
