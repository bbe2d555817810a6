"""What one invocation ends in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Pending:
    """Work is open: nothing is answered and the armed rule looks again within a minute."""

    physical_id: str
    waiting_for: str


@dataclass(frozen=True)
class Ignored:
    """The event is stale, superseded or already answered: nothing is done and nothing is sent."""

    why: str
    superseded: bool = False
    """Whether a later operation came by, so that what this one made last may have been overlooked."""


@dataclass(frozen=True)
class Response:
    """The one response of a request; `attributes` may hold the token and is kept out of repr."""

    status: Literal["SUCCESS", "FAILED"]
    physical_id: str
    reason: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)


Outcome = Pending | Ignored | Response
