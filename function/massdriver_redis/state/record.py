"""What AWS itself can't report, kept as tags of our security group (readable in every state).

Four things: the last accepted and last answered request, whether a first SUCCESS was sent, the change
last requested of ElastiCache, and when each count was last requested. Each value fits EC2's 256
characters. Values are typed; only here are they text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from massdriver_redis.calls.base import ExpectedChange, FieldValue, text_of

PREFIX = "massdriver-redis:"
OWNER = PREFIX + "owner"
PROVIDER = PREFIX + "provider"
LAST_ACCEPTED_REQUEST = PREFIX + "last-accepted-request"
LAST_ANSWERED_REQUEST = PREFIX + "last-answered-request"
IN_SERVICE = PREFIX + "in-service"
LAST_REQUESTED_CHANGE = PREFIX + "last-requested-change"
COUNTS_REQUESTED = {
    "node_groups": PREFIX + "node-groups-requested",
    "replicas": PREFIX + "replicas-requested",
}
"""For each count, the tag that says when it was last requested, and how many."""

LATEST_AHEAD = 900.0
"""Seconds that a recorded signing time may be ahead of the clock: two clocks may differ by 15 minutes."""

_LIMIT = 256
_LONGEST_ID = 128


@dataclass(frozen=True)
class RequestVersion:
    """A request and its place in the order of requests: the signing time, 0 where it is unknown.

    `a < b` says that `a` was signed before `b`. Where a time is unknown neither is less.
    """

    request_id: str
    signed_at: float = 0.0

    def __lt__(self, other: RequestVersion) -> bool:
        return 0 < self.signed_at < other.signed_at

    def text(self) -> str:
        """Return the tag's value."""
        return f"{self.signed_at:.0f} {self.request_id[:_LONGEST_ID]}"


@dataclass(frozen=True)
class RequestedChange:
    """A change requested of ElastiCache, when (seconds since the epoch), and by a digest by whom."""

    change: ExpectedChange
    requester: str
    at: float

    @staticmethod
    def of(change: ExpectedChange, request_id: str, at: float) -> RequestedChange:
        """Return the change as the request of this id asks for it."""
        return RequestedChange(change, _digest(request_id), at)

    def by(self, request_id: str) -> bool:
        """Return whether the request of this id asked for it."""
        return self.requester == _digest(request_id)

    def tags(self) -> dict[str, str]:
        """Return the tags that record the change."""
        counts = {
            COUNTS_REQUESTED[name]: f"{self.at:.0f} {count}"
            for name, count in self.change.fields
            if name in COUNTS_REQUESTED
        }
        return {LAST_REQUESTED_CHANGE: self.text(), **counts}

    def text(self) -> str:
        """Return the tag's value, with as many fields as it holds: the first ones."""
        change = self.change
        previous = "" if change.previous is None else text_of(change.previous)
        head = f"{self.at:.0f}|{self.requester}|{change.attempt}|{previous}|"
        items = [*change.accepted, *(f"{name}={text_of(value)}" for name, value in change.fields)]
        fields = ""
        for item in items:
            more = f"{fields},{item}".removeprefix(",")
            if len(head) + len(more) > _LIMIT:
                break
            fields = more
        return head + fields


class RequestedCount(NamedTuple):
    """How many node groups or replicas were requested of ElastiCache, and when (seconds since the epoch)."""

    at: float
    number: int


@dataclass(frozen=True)
class OperationRecord:
    """The record of one replication group.

    `in_service` is the request whose SUCCESS was the first: from right before it was sent, the cluster
    counts as in use.
    """

    accepted: RequestVersion | None = None
    answered: RequestVersion | None = None
    in_service: RequestVersion | None = None
    requested: RequestedChange | None = None
    counts_requested: Mapping[str, RequestedCount] = field(default_factory=dict)

    @staticmethod
    def read(tags: Mapping[str, str]) -> OperationRecord:
        """Return the record in `tags`; a value that can't be read counts as absent."""
        return OperationRecord(
            accepted=_request_version(tags.get(LAST_ACCEPTED_REQUEST, "")),
            answered=_request_version(tags.get(LAST_ANSWERED_REQUEST, "")),
            in_service=_mark(tags.get(IN_SERVICE)),
            requested=_requested_change(tags.get(LAST_REQUESTED_CHANGE, "")),
            counts_requested=_requested_counts(tags),
        )

    @property
    def open(self) -> bool:
        """Whether a request was accepted and never noted as answered."""
        return self.accepted is not None and not self.was_answered(self.accepted.request_id)

    @property
    def delivered(self) -> bool:
        """Whether CloudFormation took a SUCCESS: the mark alone is set before the response goes out."""
        return self.in_service is not None and self.answered is not None

    def was_accepted(self, request_id: str) -> bool:
        """Return whether `request_id` is the last accepted request."""
        return self.accepted is not None and self.accepted.request_id == request_id[:_LONGEST_ID]

    def was_answered(self, request_id: str) -> bool:
        """Return whether `request_id` is the last answered request."""
        return self.answered is not None and self.answered.request_id == request_id[:_LONGEST_ID]

    def newer_than(self, request_version: RequestVersion, now: float) -> bool:
        """Return whether a request signed later was accepted or answered; a future time says nothing."""
        known = (each for each in (self.accepted, self.answered) if each)
        return any(request_version < each and each.signed_at <= now + LATEST_AHEAD for each in known)


def _digest(request_id: str) -> str:
    return hashlib.sha256(request_id.encode()).hexdigest()[:16]


def _mark(text: str | None) -> RequestVersion | None:
    """Return the request that a mark names, an unknown one where its value can't be read."""
    return None if text is None else _request_version(text) or RequestVersion("unknown")


def _request_version(text: str) -> RequestVersion | None:
    signed_at, _, request_id = text.partition(" ")
    try:
        return RequestVersion(request_id, float(signed_at)) if request_id else None
    except ValueError:
        return None


def _requested_counts(tags: Mapping[str, str]) -> dict[str, RequestedCount]:
    parts = {name: tags.get(tag, "").split(" ") for name, tag in COUNTS_REQUESTED.items()}
    return {
        name: RequestedCount(float(known[0]), int(known[1]))
        for name, known in parts.items()
        if len(known) == 2 and all(map(str.isdecimal, known))
    }


def _requested_change(text: str) -> RequestedChange | None:
    parts = text.split("|", 4)
    if len(parts) != 5:
        return None
    at, requester, attempt, previous, fields = parts
    pairs = [item.partition("=") for item in fields.split(",") if item]
    expected = tuple((name, _field_value(value)) for name, is_set, value in pairs if is_set)
    accepted = tuple(name for name, is_set, _ in pairs if not is_set)
    try:
        change = ExpectedChange(
            expected, _field_value(previous) if previous else None, int(attempt), accepted
        )
        return RequestedChange(change, requester, float(at))
    except ValueError:
        return None


def _field_value(text: str) -> FieldValue:
    """Return the value that `text_of` wrote; no value that is a string looks like another type's."""
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if text.isdecimal() else text
