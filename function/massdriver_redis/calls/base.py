"""One AWS request as plain data; the builders of all mutations stand in a module per service.

Wire names are those of the botocore service models. A `Call` never holds the token: `token` says where
the executing side takes it from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

PORT = 6379


FieldValue = str | int | bool
"""A value of one field of a replication group."""


@dataclass(frozen=True)
class ExpectedChange:
    """What one ElastiCache call asks for: fields of the replication group, each with the value expected.

    `previous` is the observed value of the first field at the time of the call, None where nothing depends
    on it; `attempt` counts from 1. `accepted` names settings that AWS is known to have accepted from the same
    request.
    """

    fields: tuple[tuple[str, FieldValue], ...]
    previous: FieldValue | None = None
    attempt: int = 1
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """One mutation: boto3 service and method, its parameters, and a summary for people.

    `accepts` says that the call records its request as the last one, over the record of any other.
    `change` is recorded before an ElastiCache modification is sent, so that one which AWS silently
    reverts is noticed.
    """

    service: Literal["elasticache", "ec2", "secretsmanager"]
    operation: str
    request: Mapping[str, object]
    summary: str
    change: ExpectedChange | None = None
    token: Literal["none", "new", "stored"] = field(default="none")
    accepts: bool = False

    @property
    def creates_record(self) -> bool:
        """Whether the call makes the security group, and so is the one write that no record precedes."""
        return self.operation == "create_security_group"

    @property
    def name(self) -> str:
        """The call as IAM and AWS's documentation name it, such as "ec2:CreateTags"."""
        return action(self.service, self.operation)


def action(service: str, operation: str) -> str:
    """Return how IAM and AWS's documentation name the call that boto3 makes by the method `operation`."""
    return f"{service}:{''.join(word.capitalize() for word in operation.split('_'))}"


def text_of(value: FieldValue) -> str:
    """Return a value as people and tags write it: true, 3, cache.t3.micro."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def tag_list(tags: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Return tags in AWS's list form."""
    return [{"Key": key, "Value": value} for key, value in tags]
