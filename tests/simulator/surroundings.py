"""What ElastiCache knows of the rest of AWS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .state import Change


class Subnet(NamedTuple):
    """A subnet of EC2; `network_types` is what a cluster in it may speak: ipv4, ipv6, dual_stack."""

    vpc: str
    zone: str
    network_types: tuple[str, ...] = ("ipv4",)


@dataclass(frozen=True)
class Surroundings:
    """What one Region's ElastiCache knows of EC2, of endpoints and of its observers.

    `subnet` maps an id to a subnet, `security_group` an id to its VPC; both return None for what does not
    exist in the Region. `endpoint` may replace a cluster's address and port.
    """

    subnet: Callable[[str], Subnet | None]
    security_group: Callable[[str], str | None]
    endpoint: Callable[[str, str, int], tuple[str, int]]
    notify: Callable[[Change], None]
