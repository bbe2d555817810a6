"""The exceptions of this package; the message of each is fit to be CloudFormation's Reason."""

from __future__ import annotations

REASON_LIMIT = 240
"""Characters a Reason may have; CloudFormation shows about that many in its event list."""


class ResourceError(Exception):
    """A failure with a message for the user: what is wrong first, then what to do; never a value.

    `code` is AWS's wire code where one stands behind it.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class EnvelopeError(ResourceError):
    """The event is not one of CloudFormation's, or must not be answered."""


class InvalidRequestError(ResourceError):
    """The properties break the schema or a rule that spans properties."""


class NotUpdatableError(ResourceError):
    """The change can't be made in place, or not at all; nothing was written."""


class TransientError(ResourceError):
    """AWS can't take the call now; the next look may make it."""


class NotYetVisibleError(ResourceError):
    """Something isn't there yet, or capacity is short: worth some minutes of waiting, not an hour."""


class AccessDeniedError(ResourceError):
    """The role lacks a permission, or could not be assumed."""


def shorten(reason: str, limit: int = REASON_LIMIT) -> str:
    """Return `reason` in one line of at most `limit` characters, its useful head kept."""
    line = " ".join(reason.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
