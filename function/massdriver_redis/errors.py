"""The exceptions of this package; each message can be CloudFormation's Reason."""

from __future__ import annotations

REASON_LIMIT = 240
"""Characters of a Reason; CloudFormation shows about that many in its list of events."""


class ResourceError(Exception):
    """A failure with a message for the user: first what is wrong, then what to do; never a property's value.

    `code` is AWS's wire code where AWS caused the failure.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class EnvelopeError(ResourceError):
    """The event is not CloudFormation's, or must not be answered."""


class InvalidRequestError(ResourceError):
    """The properties violate the schema or a rule about several properties."""


class NotUpdatableError(ResourceError):
    """The change can't be made in place, or not at all; nothing was changed."""


class TransientError(ResourceError):
    """AWS can't execute the call now; a later attempt may succeed."""


class NotYetVisibleError(ResourceError):
    """A resource is not visible yet, or AWS lacks capacity: worth minutes of retries, not an hour."""


class AccessDeniedError(ResourceError):
    """The role lacks a permission, or can't be assumed."""


def shorten(reason: str, limit: int = REASON_LIMIT) -> str:
    """Return `reason` as one line of at most `limit` characters, cut at its end."""
    line = " ".join(reason.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
