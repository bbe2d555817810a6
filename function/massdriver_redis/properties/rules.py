"""The rules about several properties, and those that a schema can't express; each yields violations."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from massdriver_redis import catalog
from massdriver_redis.properties import arns, suggestions, windows
from massdriver_redis.properties.view import INFRASTRUCTURE, ROLE_REGION, VPC_REGION, PropertyView
from massdriver_redis.properties.violations import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SUBNETS = 20
"""Subnets per subnet group (ElastiCache quotas)."""

MAX_TAGS = 40
"""AWS's 50 tags per resource, less ten for the provider's own."""

_TAG_TEXT = re.compile(r"[\w .:/=+@-]*")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
"""AssumeRole's own rule (STS API reference)."""


def is_external_id(text: str) -> bool:
    """Return whether AssumeRole takes a text as an external id."""
    return bool(_EXTERNAL_ID.fullmatch(text))


def broken(view: PropertyView) -> Iterator[Violation]:
    """Yield the violations of every rule."""
    for rule in _RULES:
        yield from rule(view)


def _regions(view: PropertyView) -> Iterator[Violation]:
    vpc, role = view.text(*VPC_REGION), view.text(*ROLE_REGION)
    for path, region in ((VPC_REGION, vpc), (ROLE_REGION, role)):
        if region is not None and not arns.is_region(region):
            yield Violation(path, "not the name of a Region; write it as us-west-2")
    if vpc and role and vpc != role:
        yield Violation(VPC_REGION, "differs from aws_authentication.specs.aws.region; use one Region")


def _vpc(view: PropertyView) -> Iterator[Violation]:
    path = (*INFRASTRUCTURE, "arn")
    arn = view.text(*path)
    if arn is None:
        return
    vpc, region = arns.vpc(arn), view.region()
    if vpc is None:
        yield Violation(path, "not the ARN of a VPC; it ends in vpc/vpc-<id>")
    elif vpc.region and region and arns.is_region(region) and region != vpc.region:
        yield Violation(path, "has another Region than specs.aws.region; use one Region")


def _cidr(view: PropertyView) -> Iterator[Violation]:
    path = (*INFRASTRUCTURE, "cidr")
    cidr = view.text(*path)
    if cidr is None:
        if view.flag("allow_vpc_access"):
            needs = view.named("allow_vpc_access")
            yield Violation(path, f"required by {needs}; add it or set allow_vpc_access to false")
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
    path = (*INFRASTRUCTURE, f"{kind}_subnets")
    if kind is None or view.text(*INFRASTRUCTURE, "arn") is None:
        return
    seen = set()
    for item, arn, _ in view.subnets():
        subnet = arns.subnet(arn)
        seen.add(subnet.id if subnet else arn)
        if subnet is None:
            yield Violation((*item, "arn"), "not the ARN of a subnet; it ends in subnet/subnet-<id>")
    if not seen and not view.get(*path):
        other = "private" if kind == "internal" else "internal"
        yield Violation(path, f"no {kind} subnet; add one or set {view.named('subnet_type')} to {other}")
    if len(seen) > MAX_SUBNETS:
        yield Violation(path, f"more than the {MAX_SUBNETS} subnets of a subnet group; remove some")


def _role(view: PropertyView) -> Iterator[Violation]:
    path = ("aws_authentication", "data")
    arn, external_id = view.text(*path, "arn"), view.text(*path, "external_id")
    if arn is not None and not arns.is_role(arn):
        yield Violation(
            (*path, "arn"), "not the ARN of an IAM role, arn:<partition>:iam::<account>:role/<name>"
        )
    if external_id is not None and not is_external_id(external_id):
        yield Violation((*path, "external_id"), "must be 2 to 1224 letters, digits or any of +=,.@:/-_")


def unknown_version(view: PropertyView, version: str) -> Violation:
    """Return the violation of a redis_version that isn't one of the engine's."""
    engine = view.text("engine") or "redis"
    other = "redis" if engine == "valkey" else "valkey"
    listed = ", ".join(catalog.versions(engine))
    mine = f"engine {engine}{' (the default)' if view.is_default('engine') else ''}"
    guess = suggestions.version(engine, other, version)
    if view.is_default("redis_version"):
        remedy = f"choose one of {listed}; the default {version} is no version of {mine}"
    elif guess and guess[0] == engine:
        remedy = f"did you mean {guess[1]}? {mine} has {listed}"
    elif guess and view.is_default("engine"):
        remedy = f"set engine to {other} for {guess[1]}; {mine} has {listed}"
    elif guess:
        remedy = f"{mine} has {listed}; choose one of them, or set engine to {other} for {guess[1]}"
    else:
        remedy = f"{mine} has {listed}; choose one of them"
    return Violation(("redis_version",), remedy)


def _engine(view: PropertyView) -> Iterator[Violation]:
    engine, version = view.text("engine"), view.text("redis_version")
    if engine is None or version is None:
        return
    if version not in catalog.versions(engine):
        yield unknown_version(view, version)
        return
    node_type = view.text("node_type")
    if node_type is None or catalog.runs_on(node_type, engine, version):
        return
    minimum = catalog.minimum_version(node_type, engine)
    if minimum:
        remedy = f"needs engine {minimum}; raise redis_version or use an m5, r5 or t3 type"
    else:
        remedy = (
            f"needs Valkey; set {view.named('engine')} to valkey and redis_version to 7.2 or later, "
            "or use an m7g, r7g or c7gn type"
        )
    yield Violation(("node_type",), f"this family {remedy}")


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
        mine, other = "snapshot_window", "maintenance_window"
        if view.is_default(mine):
            mine, other = other, mine
        yield Violation((mine,), f"overlaps {view.named(other)}; move one of them")


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
