"""What the loop asks of the two controllers: the one for Create and Update, and the one for Delete."""

from __future__ import annotations

from typing import Protocol, TypeVar

from massdriver_redis.calls.base import Call
from massdriver_redis.cloudformation.outcome import Response
from massdriver_redis.planner.decision import LoopState, Observation, Verdict

Seen = TypeVar("Seen", bound=Observation)


class Controller(Protocol[Seen]):
    """One request's own work.

    `decide` is pure. `resource_id` is the id under which requests for the resource meet, "" where nothing
    was ever made; `physical_id` is the id that any response must carry.
    """

    resource_id: str
    physical_id: str

    def observe(self) -> Seen:
        """Read all that a decision needs."""

    def decide(self, seen: Seen, state: LoopState) -> Verdict:
        """Return the next change, or how the request ends or waits."""

    def apply(self, call: Call, seen: Seen) -> bool:
        """Make one call of a change; False where AWS says that nothing was left to do."""

    def conclude(self, seen: Seen, kept: str = "") -> Response:
        """Return the response of a request whose resource is as desired, or `kept` for this Reason."""

    def advised(self, reason: str) -> str:
        """Return the Reason of a failure with what to do about the stack; by default as it is."""
        return reason

    def record_response(self, response: Response) -> None:  # noqa: ARG002
        """Record that CloudFormation took the response; nothing by default."""
        return

    def collect_garbage(self) -> None:
        """Remove what this superseded request may have made too late; nothing by default."""
        return

    def timed_out(self, waiting: str) -> str:
        """Return the Reason of a request that timed out while `waiting`."""
