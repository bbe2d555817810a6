"""What AWS itself can't tell, kept as tags of our security group (readable in every state).

Three things: the last accepted and last answered request, whether a first SUCCESS was sent, and the
change last requested of ElastiCache. Each value fits EC2's 256 characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from massdriver_redis.calls.base import Change

PREFIX = "massdriver-redis:"
OWNER = PREFIX + "owner"
PROVIDER = PREFIX + "provider"
ACCEPTED = PREFIX + "accepted"
ANSWERED = PREFIX + "answered"
HANDED_OVER = PREFIX + "handed-over"
REQUESTED = PREFIX + "requested"

_LIMIT = 256
_LONGEST_ID = 128


@dataclass(frozen=True)
class Stamp:
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
class Requested:
    """A change asked of ElastiCache: by which request, and when."""

    change: Change
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
class Ledger:
    """The ledger of one replication group."""

    accepted: Stamp | None = None
    answered: Stamp | None = None
    handed_over: bool = False
    requested: Requested | None = None

    @staticmethod
    def read(tags: Mapping[str, str]) -> Ledger:
        """Return the ledger in `tags`; a value that can't be read counts as absent."""
        return Ledger(
            accepted=_stamp(tags.get(ACCEPTED, "")),
            answered=_stamp(tags.get(ANSWERED, "")),
            handed_over=HANDED_OVER in tags,
            requested=_requested(tags.get(REQUESTED, "")),
        )

    @property
    def open(self) -> bool:
        """Whether a request was accepted and never noted as answered."""
        return self.accepted is not None and not self.was_answered(self.accepted.request_id)

    @property
    def delivered(self) -> bool:
        """Whether CloudFormation took a SUCCESS: the mark alone is set before the response goes out."""
        return self.handed_over and self.answered is not None

    def was_accepted(self, request_id: str) -> bool:
        """Tell whether `request_id` is the last accepted request."""
        return self.accepted is not None and self.accepted.request_id == request_id[:_LONGEST_ID]

    def was_answered(self, request_id: str) -> bool:
        """Tell whether `request_id` is the last answered request."""
        return self.answered is not None and self.answered.request_id == request_id[:_LONGEST_ID]

    def newer_than(self, signed_at: float) -> bool:
        """Tell whether a request signed after `signed_at` was accepted or answered."""
        return any(stamp.later_than(signed_at) for stamp in (self.accepted, self.answered) if stamp)


def _stamp(text: str) -> Stamp | None:
    signed_at, _, request_id = text.partition(" ")
    try:
        return Stamp(request_id, float(signed_at)) if request_id else None
    except ValueError:
        return None


def _requested(text: str) -> Requested | None:
    parts = text.split("|", 4)
    if len(parts) != 5:
        return None
    at, attempt, was, values, request_id = parts
    pairs = tuple(
        (key, value) for key, _, value in (item.partition("=") for item in values.split(",") if item)
    )
    try:
        return Requested(Change(pairs, was, int(attempt)), request_id, float(at))
    except ValueError:
        return None
