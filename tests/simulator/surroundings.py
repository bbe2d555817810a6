"""What ElastiCache knows of the rest of AWS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .state import Change


@dataclass(frozen=True)
class Surroundings:
    """What one Region's ElastiCache knows of EC2, of endpoints and of its observers.

    `subnet` maps an id to (VPC, availability zone), `security_group` an id to its VPC; both return
    None for what does not exist. `endpoint` may replace a cluster's address and port.
    """

    subnet: Callable[[str], tuple[str, str] | None]
    security_group: Callable[[str], str | None]
    endpoint: Callable[[str, str, int], tuple[str, int]]
    notify: Callable[[Change], None]
