"""The massdriver artifact `redis-authentication`, and the attributes that Fn::GetAtt returns."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from massdriver_redis.calls.base import PORT
from massdriver_redis.errors import ResourceError
from massdriver_redis.properties import schemas
from massdriver_redis.state.observed import Endpoint, ReplicationGroup, SecurityGroup

NETWORK = "redis"
"""The key of the cluster's rule under `security.network`."""


@dataclass(frozen=True)
class Credentials:
    """The secret of the token, and the token itself unless it is left out ("" for a cluster without one)."""

    secret_arn: str = ""
    secret_version_id: str = ""
    password: str = field(default="", repr=False)


def artifact(
    group: ReplicationGroup, security_group: SecurityGroup, credentials: Credentials
) -> dict[str, object]:
    """Return the artifact of a settled replication group, validated against its schema.

    Raises ResourceError where the replication group has no endpoint, SchemaError for an invalid artifact.
    """
    endpoint = _endpoint(group)
    built: dict[str, object] = {
        "data": {
            "authentication": {
                "hostname": endpoint.address,
                "password": credentials.password,
                "port": endpoint.port,
                "username": "",
            },
            "infrastructure": {"arn": group.arn},
            "security": {
                "network": {NETWORK: {"arn": security_group.arn, "port": PORT, "protocol": "tcp"}},
            },
        },
        "specs": {
            "cache": {
                "engine": group.engine.name or "redis",
                "version": group.engine.version,
            }
        },
    }
    schemas.check_artifact(built)
    return built


def attributes(
    group: ReplicationGroup,
    security_group: SecurityGroup,
    credentials: Credentials,
    warnings: tuple[str, ...],
) -> dict[str, str]:
    """Return the flat attributes: the same names in every mode, and every value a string.

    Names have dots because Fn::GetAtt looks up a whole name, never a path.
    """
    document = artifact(group, security_group, credentials)
    flat = _flatten(document)
    reader = group.reader or _endpoint(group)
    return {
        **flat,
        "hostname": flat["data.authentication.hostname"],
        "port": flat["data.authentication.port"],
        "username": flat["data.authentication.username"],
        "password": flat["data.authentication.password"],
        "arn": flat["data.infrastructure.arn"],
        "artifact": json.dumps(document, separators=(",", ":")),
        "secret_arn": credentials.secret_arn,
        "secret_version_id": credentials.secret_version_id,
        "reader_hostname": reader.address,
        "security_group_id": security_group.id,
        "warnings": " ".join(warnings),
    }


def _endpoint(group: ReplicationGroup) -> Endpoint:
    endpoint = group.configuration if group.cluster_mode else group.primary
    if endpoint is None:
        raise ResourceError(
            f"replication group {group.id} has no endpoint; check it in the ElastiCache console"
        )
    return endpoint


def _flatten(value: object, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        flat: dict[str, str] = {}
        for key, item in value.items():
            flat |= _flatten(item, f"{path}.{key}" if path else key)
        return flat
    return {path: str(value)}
