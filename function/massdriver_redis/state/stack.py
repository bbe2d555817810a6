"""What CloudFormation reports of the stack that a resource belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from massdriver_redis.state.record import RequestVersion

MISSING = "MISSING"
"""The status of a stack that DescribeStacks says does not exist; no status of CloudFormation's own."""

_ROLLING_BACK = ("ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED")
_GOING = ("ROLLBACK_", "DELETE_", "UPDATE_ROLLBACK_")

_SKEW = 60.0
"""Seconds by which two clocks may differ."""


@dataclass(frozen=True)
class Stack:
    """A stack's status, and its creation and last update in seconds since 1970; each empty where unknown."""

    status: str = ""
    created_at: float | None = None
    updated_at: float | None = None

    @property
    def operating(self) -> bool:
        """Whether an operation is in progress, so that CloudFormation sends requests; unknown counts as yes.

        A stack in REVIEW_IN_PROGRESS has a change set that nobody has executed.
        """
        in_progress = self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"
        return not self.status or in_progress

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

    def is_past(self, version: RequestVersion) -> bool:
        """Return whether a request was signed before the present update of this very stack began.

        A request that is wrongly ignored blocks its stack for an hour: one without a known time is never
        past.
        """
        if self.created_at is None or version.signed_at < self.created_at - _SKEW:
            return False
        return self.updated_at is not None and version.signed_at < self.updated_at - _SKEW

    def reverts(self, version: RequestVersion) -> bool:
        """Return whether the operation that this request was part of is the one being reverted.

        CloudFormation gives no time for a rollback or a deletion: both revert what the stack's creation
        or its last update began. Where a time is unknown nothing is reverted.
        """
        began = self.updated_at or self.created_at
        # Signing times are whole seconds.
        return self.going_away and began is not None and version.signed_at >= int(began)
