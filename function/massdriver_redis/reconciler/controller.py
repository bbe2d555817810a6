"""What the operation's loop asks of the two jobs, converging and removing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from massdriver_redis.aws.execute import Effect
from massdriver_redis.cloudformation.outcome import Outcome
from massdriver_redis.planner.decision import Apply, Decision


@dataclass(frozen=True)
class LoopState:
    """How the loop stands: whether its rule is armed, and whether another operation was found open.

    `calm` is False for a while after taking over: a call of the other one may still be on its way.
    """

    armed: bool
    took_over: bool
    calm: bool


class Controller(Protocol):
    """One request's own work; `rule_id` names its poll rule ("" where there is nothing to poll)."""

    rule_id: str
    physical_id: str

    def decide(self, turn: LoopState) -> Decision | Outcome:
        """Look at AWS anew and return the next step, or how the request ends."""

    def make(self, step: Apply) -> Effect:
        """Make the call of a step just decided."""

    def abandon(self) -> Decision:
        """Plan the removal of what this superseded request may have made too late."""

    def mark(self, tags: dict[str, str], *, succeeded: bool) -> None:
        """Write ledger tags that note the answer."""

    def late(self, waiting: str) -> str:
        """Return the Reason of a request that ran out of time."""
