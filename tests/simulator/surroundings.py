"""What a region knows of the world outside ElastiCache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .state import Change


@dataclass(frozen=True)
class Surroundings:
    """What a region knows of the world outside it.

    `subnet` maps an id to (VPC, availability zone), `security_group` an id to its VPC; both answer
    None for what does not exist. `endpoint` may move a cluster's address and port elsewhere.
    """

    subnet: Callable[[str], tuple[str, str] | None]
    security_group: Callable[[str], str | None]
    endpoint: Callable[[str, str, int], tuple[str, int]]
    tell: Callable[[Change], None]
