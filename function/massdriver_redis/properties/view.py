"""A view of the coerced properties in which whatever is invalid is absent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from massdriver_redis.properties import arns
from massdriver_redis.properties.violations import Path

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from collections.abc import Set as AbstractSet

INFRASTRUCTURE = ("vpc", "data", "infrastructure")
VPC_REGION = ("vpc", "specs", "aws", "region")
ROLE_REGION = ("aws_authentication", "specs", "aws", "region")


class PropertyView:
    """The typed properties; a value with a violation counts as absent.

    `written` are the properties without their defaults.
    """

    def __init__(self, properties: object, broken: AbstractSet[Path], written: Container[str]) -> None:
        self._properties = properties
        self._broken = broken
        self._written = written

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

    def is_default(self, name: str) -> bool:
        """Return whether a property has its default because it was not written."""
        return name not in self._written

    def named(self, name: str) -> str:
        """Return a property's name for a Reason, with its value where that is the default."""
        return (
            f"{name} (default {json.dumps(self.get(name))})".replace('"', "")
            if self.is_default(name)
            else name
        )

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
        vpc = arns.vpc(self.text(*INFRASTRUCTURE, "arn") or "")
        return self.text(*VPC_REGION) or self.text(*ROLE_REGION) or (vpc.region if vpc else None)

    def subnets(self) -> Iterator[tuple[Path, str, str | None]]:
        """Yield path, ARN and zone of every subnet of the chosen type, duplicates included."""
        path = (*INFRASTRUCTURE, f"{self.text('subnet_type')}_subnets")
        items = self.get(*path)
        for index in range(len(items) if isinstance(items, list) else 0):
            item = (*path, index)
            arn = self.text(*item, "arn")
            if arn is not None:
                yield item, arn, self.text(*item, "aws_zone")

    def tags(self) -> dict[str, str]:
        """Return the tags by key; `tags` override `md_metadata.default_tags`."""
        return {**self.texts("md_metadata", "default_tags"), **self.texts("tags")}


def _item(value: object, key: str | int) -> object:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int):
        return value[key]
    return None
