"""What a run has in the account: everything of its own, found by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.acceptance.run import Run

_LISTS = (
    (
        "subnet group",
        "elasticache",
        "describe_cache_subnet_groups",
        "CacheSubnetGroups",
        "CacheSubnetGroupName",
    ),
    ("security group", "ec2", "describe_security_groups", "SecurityGroups", "GroupName"),
    ("schedule", "scheduler", "list_schedules", "Schedules", "Name"),
    ("final snapshot", "elasticache", "describe_snapshots", "Snapshots", "SnapshotName"),
)
"""Kind, service, operation, the list in its answer, and the name of an item."""


@dataclass(frozen=True)
class Leftover:
    """Something that exists; `expected` after a deletion are final snapshots and secrets in recovery.

    `id` is what its removal takes: a security group's id, a secret's ARN, the group of a schedule.
    """

    kind: str
    name: str
    id: str
    expected: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def groups(run: Run) -> list[dict[str, Any]]:
    """Return the replication groups of the run, as AWS describes them."""
    pages = run.client("elasticache").get_paginator("describe_replication_groups").paginate()
    found = [item for page in pages for item in page["ReplicationGroups"]]
    return [item for item in found if run.name in item["ReplicationGroupId"]]


def find(run: Run) -> list[Leftover]:
    """Return all of the run that exists, but for the stacks themselves and what is in the provider's."""
    return list(_find(run))


def _find(run: Run) -> Iterator[Leftover]:
    for group in groups(run):
        name = str(group["ReplicationGroupId"])
        yield Leftover("replication group", name, name)
    for kind, service, operation, listed, key in _LISTS:
        for page in run.client(service).get_paginator(operation).paginate():
            for item in (each for each in page[listed] if run.name in str(each.get(key))):
                known_by = item.get("GroupId") or item.get("GroupName") or item[key]
                yield Leftover(kind, item[key], str(known_by), kind == "final snapshot")
    pages = run.client("secretsmanager").get_paginator("list_secrets").paginate(IncludePlannedDeletion=True)
    for secret in (item for page in pages for item in page["SecretList"] if run.name in item["Name"]):
        yield Leftover("secret", secret["Name"], secret["ARN"], bool(secret.get("DeletedDate")))
