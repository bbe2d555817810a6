"""What CloudFormation reports of the stack that a resource belongs to."""

from __future__ import annotations

from dataclasses import dataclass

_ROLLING_BACK = ("ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED")
_GOING = ("ROLLBACK_", "DELETE_", "UPDATE_ROLLBACK_")

_LATE = 120.0
"""Seconds after a request was signed, from which the stack's status is newer than the request."""

_SKEW = 60.0
"""Seconds by which two clocks may differ."""


@dataclass(frozen=True)
class Stack:
    """A stack's status, and its creation and last update in seconds since 1970; each empty where unknown."""

    status: str = ""
    created_at: float | None = None
    updated_at: float | None = None

    @property
    def rolling_back(self) -> bool:
        """Whether the stack is rolling back; unknown counts as not."""
        return self.status.startswith(_ROLLING_BACK)

    @property
    def going_away(self) -> bool:
        """Whether the stack is rolling back or being deleted, and so creates nothing more."""
        return self.status.startswith(_GOING)

    @property
    def being_deleted(self) -> bool:
        """Whether the stack is being deleted or is gone."""
        return self.status.startswith("DELETE_")

    def is_past(self, signed_at: float, now: float) -> bool:
        """Return whether the operation of a request signed at `signed_at` is over in this stack.

        `signed_at` is 0 where it is unknown; such a request is never past. DescribeStacks may be stale, and
        a request that is wrongly ignored blocks its stack for an hour. So a request is past only if it was
        signed after this very stack was created, and either minutes ago with the stack complete now, or
        before the present update began.
        """
        if self.created_at is None or signed_at < self.created_at - _SKEW:
            return False
        if self.updated_at is not None and signed_at < self.updated_at - _SKEW:
            return True
        return "_COMPLETE" in self.status and signed_at < now - _LATE
