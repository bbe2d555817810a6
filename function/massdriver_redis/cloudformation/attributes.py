"""The massdriver artifact `redis-authentication`, and the attributes that Fn::GetAtt returns."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from massdriver_redis.calls.base import PORT
from massdriver_redis.errors import ResourceError
from massdriver_redis.properties import schemas
from massdriver_redis.state.observed import Endpoint, Observed, ReplicationGroup, SecurityGroup

NETWORK = "redis"
"""The key of the cluster's rule under `security.network`."""


@dataclass(frozen=True)
class Credentials:
    """The secret of the token, and the token itself unless it is left out ("" for a cluster without one).

    `made_at` is when the token was stored (seconds since the epoch), 0 where it is unknown.
    """

    secret_arn: str = ""
    secret_version_id: str = ""
    password: str = field(default="", repr=False)
    made_at: float = 0.0


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


def partial(observed: Observed, kept: str) -> dict[str, str]:
    """Return the attributes of a cluster of which some may be gone: every name, empty where unknown.

    `kept` is the Reason for which it was left so. There is no password: whether it is in use is not known.
    """
    warning = f"Nothing was left to undo, and the cluster is not as it should be: {kept}."
    group, security_group, secret = observed.replication_group, observed.security_group, observed.secret
    credentials = Credentials(secret.arn if secret else "")
    known: dict[str, str] = {"secret_arn": credentials.secret_arn, "warnings": warning}
    if security_group:
        known["security_group_id"] = security_group.id
    if security_group and group and group.nodes and _endpoint_of(group):
        known = attributes(group, security_group, credentials, (warning,))
    return {**dict.fromkeys(schemas.property_names("attributes.json"), ""), **known}


def _endpoint(group: ReplicationGroup) -> Endpoint:
    endpoint = _endpoint_of(group)
    if endpoint is None:
        raise ResourceError(
            f"replication group {group.id} has no endpoint; check it in the ElastiCache console"
        )
    return endpoint


def _endpoint_of(group: ReplicationGroup) -> Endpoint | None:
    return group.configuration if group.cluster_mode else group.primary


def _flatten(value: object, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        flat: dict[str, str] = {}
        for key, item in value.items():
            flat |= _flatten(item, f"{path}.{key}" if path else key)
        return flat
    return {path: str(value)}
