"""A refusal as AWS sends it: moto finds the HTTP status by the code in botocore's model."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class Refusal(ServiceException):
    """An error response: `code` is the code on the wire, `message` its text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


def bad_value(message: str) -> Refusal:
    return Refusal("InvalidParameterValue", message)


def bad_combination(message: str) -> Refusal:
    return Refusal("InvalidParameterCombination", message)


def group_busy(message: str) -> Refusal:
    return Refusal("InvalidReplicationGroupState", message)


def member_busy(message: str) -> Refusal:
    return Refusal("InvalidCacheClusterState", message)
