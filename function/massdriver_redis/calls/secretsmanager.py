"""The builders of every mutation of Secrets Manager: the secret that holds the token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from massdriver_redis.calls.base import Call, tag_list

RECOVERY_DAYS = 30
"""Secrets Manager's default recovery window, in days."""


def description(marker: str) -> str:
    """Return the description of the secret that holds an owner's token."""
    return f"AUTH token of {marker}"


def create_secret(name: str, marker: str, tags: Iterable[tuple[str, str]]) -> Call:
    """Store a new token; the shell draws it, and the first of two writers wins."""
    return Call(
        "secretsmanager",
        "create_secret",
        {"Name": name, "Description": description(marker), "Tags": tag_list(tags)},
        "store a new token in Secrets Manager",
        token="new",
    )


def restore_secret(name: str) -> Call:
    """Take a secret back out of its recovery window."""
    return Call("secretsmanager", "restore_secret", {"SecretId": name}, "restore the token's secret")


def delete_secret(name: str, *, recoverable: bool) -> Call:
    """Delete the secret: at once, or with a recovery window."""
    how: dict[str, object] = (
        {"RecoveryWindowInDays": RECOVERY_DAYS} if recoverable else {"ForceDeleteWithoutRecovery": True}
    )
    return Call("secretsmanager", "delete_secret", {"SecretId": name, **how}, "delete the token's secret")


def tag_secret(name: str, tags: Mapping[str, str]) -> Call:
    """Set tags of the secret."""
    return Call(
        "secretsmanager",
        "tag_resource",
        {"SecretId": name, "Tags": tag_list(sorted(tags.items()))},
        "tag the secret",
    )


def untag_secret(name: str, keys: Iterable[str]) -> Call:
    """Remove tags of the secret by key."""
    return Call(
        "secretsmanager",
        "untag_resource",
        {"SecretId": name, "TagKeys": sorted(keys)},
        "remove tags of the secret",
    )
