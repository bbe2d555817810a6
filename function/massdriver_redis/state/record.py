"""What AWS itself can't tell, kept as tags of our security group (readable in every state).

Three things: the last accepted and last answered request, whether a first SUCCESS was sent, and the
change last requested of ElastiCache. Each value fits EC2's 256 characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from massdriver_redis.calls.base import ExpectedChange

PREFIX = "massdriver-redis:"
OWNER = PREFIX + "owner"
PROVIDER = PREFIX + "provider"
LAST_ACCEPTED_REQUEST = PREFIX + "last-accepted-request"
LAST_ANSWERED_REQUEST = PREFIX + "last-answered-request"
IN_SERVICE = PREFIX + "in-service"
LAST_REQUESTED_CHANGE = PREFIX + "last-requested-change"

_LIMIT = 256
_LONGEST_ID = 128


@dataclass(frozen=True)
class RequestVersion:
    """A request and where it stands in the order of requests: its signing time, or 0 if unknown."""

    request_id: str
    signed_at: float = 0.0

    def text(self) -> str:
        """Return the tag's value, in characters that Secrets Manager takes in a tag too."""
        return f"{self.signed_at:.0f} {self.request_id[:_LONGEST_ID]}"

    def later_than(self, signed_at: float) -> bool:
        """Tell whether this request was signed after `signed_at`; never where a time is unknown."""
        return 0 < signed_at < self.signed_at


@dataclass(frozen=True)
class RequestedChange:
    """A change asked of ElastiCache: by which request, and when."""

    change: ExpectedChange
    request_id: str
    at: float

    def text(self) -> str:
        """Return the tag's value; where it is too long the end of the request's id is cut."""
        change = self.change
        values = ",".join(f"{key}={value}" for key, value in change.values)
        text = f"{self.at:.0f}|{change.attempt}|{change.was}|{values}|{self.request_id}"
        return text[:_LIMIT]

    def by(self, request_id: str) -> bool:
        """Tell whether `request_id` asked for it, as far as the tag's value could hold it."""
        return replace(self, request_id=request_id).text() == self.text()


@dataclass(frozen=True)
class OperationRecord:
    """The ledger of one replication group."""

    accepted: RequestVersion | None = None
    answered: RequestVersion | None = None
    in_service: bool = False
    requested: RequestedChange | None = None

    @staticmethod
    def read(tags: Mapping[str, str]) -> OperationRecord:
        """Return the ledger in `tags`; a value that can't be read counts as absent."""
        return OperationRecord(
            accepted=_stamp(tags.get(LAST_ACCEPTED_REQUEST, "")),
            answered=_stamp(tags.get(LAST_ANSWERED_REQUEST, "")),
            in_service=IN_SERVICE in tags,
            requested=_requested(tags.get(LAST_REQUESTED_CHANGE, "")),
        )

    @property
    def open(self) -> bool:
        """Whether a request was accepted and never noted as answered."""
        return self.accepted is not None and not self.was_answered(self.accepted.request_id)

    @property
    def delivered(self) -> bool:
        """Whether CloudFormation took a SUCCESS: the mark alone is set before the response goes out."""
        return self.in_service and self.answered is not None

    def was_accepted(self, request_id: str) -> bool:
        """Tell whether `request_id` is the last accepted request."""
        return self.accepted is not None and self.accepted.request_id == request_id[:_LONGEST_ID]

    def was_answered(self, request_id: str) -> bool:
        """Tell whether `request_id` is the last answered request."""
        return self.answered is not None and self.answered.request_id == request_id[:_LONGEST_ID]

    def newer_than(self, signed_at: float) -> bool:
        """Tell whether a request signed after `signed_at` was accepted or answered."""
        return any(
            request_version.later_than(signed_at)
            for request_version in (self.accepted, self.answered)
            if request_version
        )


def _stamp(text: str) -> RequestVersion | None:
    signed_at, _, request_id = text.partition(" ")
    try:
        return RequestVersion(request_id, float(signed_at)) if request_id else None
    except ValueError:
        return None


def _requested(text: str) -> RequestedChange | None:
    parts = text.split("|", 4)
    if len(parts) != 5:
        return None
    at, attempt, was, values, request_id = parts
    pairs = tuple(
        (key, value) for key, _, value in (item.partition("=") for item in values.split(",") if item)
    )
    try:
        return RequestedChange(ExpectedChange(pairs, was, int(attempt)), request_id, float(at))
    except ValueError:
        return None
