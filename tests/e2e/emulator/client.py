"""What an app does with a cluster: connects with the artifact's values, over TLS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .emulator import Emulator


def showing_artifact(template: str) -> str:
    """Return an example with one more output, the artifact; only to look at it, for it holds the password."""
    return f"{template.rstrip()}\n  Artifact:\n    Value: !GetAtt Redis.artifact\n"


def artifact(outputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the artifact out of a stack's outputs."""
    found = json.loads(outputs["Artifact"])
    assert isinstance(found, dict)
    return found


def masked(found: dict[str, Any]) -> str:
    """Return an artifact as JSON text without its password."""
    text = json.dumps(found)
    password = found["data"]["authentication"]["password"]
    return text.replace(password, "********") if password else text


def ping(emulator: Emulator, found: dict[str, Any], password: str | None = None) -> bool:
    """Return whether the cluster of an artifact answers PING over TLS.

    `password` replaces the artifact's own; a wrong one raises redis.AuthenticationError.
    """
    login = found["data"]["authentication"]
    client = redis.Redis(
        host=login["hostname"],
        port=int(login["port"]),
        username=login["username"] or None,
        password=login["password"] if password is None else password,
        ssl=True,
        ssl_ca_certs=str(emulator.certificates.authority),
        socket_timeout=5,
        retry=Retry(NoBackoff(), 0),
    )
    with client:
        return bool(client.ping())
