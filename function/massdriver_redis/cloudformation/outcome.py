"""What one invocation ends in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Pending:
    """Work is open: nothing is answered; `reason` completes "Timed out while …"."""

    physical_id: str
    reason: str


@dataclass(frozen=True)
class Ignored:
    """The event is stale, superseded or already answered: nothing is done and nothing is sent."""

    reason: str


@dataclass(frozen=True)
class Response:
    """The one response to a request; `attributes` may hold the token and is kept out of repr."""

    status: Literal["SUCCESS", "FAILED"]
    physical_id: str
    reason: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)


Outcome = Response | Pending | Ignored
