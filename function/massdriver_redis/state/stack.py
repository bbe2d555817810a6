"""What CloudFormation reports of the stack that a resource belongs to."""

from __future__ import annotations

from dataclasses import dataclass

_ROLLING_BACK = ("ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED")
_GOING = ("ROLLBACK_", "DELETE_", "UPDATE_ROLLBACK_")

_LATE = 120.0
"""Seconds after its signing from which on a stack's status is surely newer than a request."""

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
        """Whether the stack is on its way back to what it was; unknown counts as not."""
        return self.status.startswith(_ROLLING_BACK)

    @property
    def going_away(self) -> bool:
        """Whether the stack goes back or is being deleted, and so creates nothing more."""
        return self.status.startswith(_GOING)

    @property
    def being_deleted(self) -> bool:
        """Whether the stack is being deleted or is gone."""
        return self.status.startswith("DELETE_")

    def is_past(self, signed_at: float, now: float) -> bool:
        """Tell whether what a request signed at `signed_at` asked for is over: the stack has gone on since.

        `signed_at` is 0 where it is unknown; such a request is never past.
        What DescribeStacks shows may be a moment old, and a request that is wrongly ignored would hang its
        stack for an hour. So only one that was signed in the lifetime of this very stack can be a copy that
        was overtaken: minutes ago if the stack has completed, or before its present update began.
        """
        if self.created_at is None or signed_at < self.created_at - _SKEW:
            return False
        if self.updated_at is not None and signed_at < self.updated_at - _SKEW:
            return True
        return "_COMPLETE" in self.status and signed_at < now - _LATE
