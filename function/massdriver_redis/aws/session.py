"""Clients of AWS, with the function's own role or the user's."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from massdriver_redis.aws.errors import call
from massdriver_redis.errors import AccessDeniedError
from massdriver_redis.properties.model import Authentication

_CONNECT, _READ, _ATTEMPTS = 5, 10, 3
_CONFIG = Config(
    connect_timeout=_CONNECT,
    read_timeout=_READ,
    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
)
SLOWEST_CALL = float(_ATTEMPTS * (_CONNECT + _READ))
"""Seconds within which a call has reached AWS, or never will."""


@dataclass(frozen=True)
class Aws:
    """Clients for every resource of the cluster, in its Region and with its role."""

    elasticache: Any
    ec2: Any
    secretsmanager: Any
    region: str
    partition: str

    def client(self, service: str) -> Any:
        """Return the client of one of the three services."""
        return getattr(self, service)


@functools.cache
def own_client(service: str, region: str | None = None) -> Any:
    """Return a client with the function's own role; warm invocations reuse it."""
    return boto3.client(service, region_name=region, config=_CONFIG)


def connect(authentication: Authentication | None, region: str | None, session_name: str) -> Aws:
    """Return the clients for a cluster, with the user's role where one is given, else the function's own.

    `session_name` is what the role's account reads in CloudTrail. Raises AccessDeniedError where the role
    can't be assumed, and TransientError where STS doesn't answer.
    """
    if authentication is None:
        where = region or own_client("scheduler").meta.region_name
        return _aws(lambda service: own_client(service, where), where)
    credentials = _assume(authentication, session_name)
    where = region or own_client("scheduler").meta.region_name

    def client(service: str) -> Any:
        # boto3's default session caches the services' models; a new session would parse EC2's in every
        # invocation.
        return boto3.client(
            service,
            region_name=where,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            config=_CONFIG,
        )

    return _aws(client, where)


def _aws(client: Any, region: str) -> Aws:
    elasticache = client("elasticache")
    return Aws(
        elasticache=elasticache,
        ec2=client("ec2"),
        secretsmanager=client("secretsmanager"),
        region=region,
        partition=elasticache.meta.partition,
    )


def _assume(authentication: Authentication, session_name: str) -> Any:
    request = {"RoleArn": authentication.arn, "RoleSessionName": session_name}
    if authentication.external_id:
        request["ExternalId"] = authentication.external_id
    try:
        return call(own_client("sts"), "sts", "assume_role", **request)["Credentials"]
    except AccessDeniedError:
        raise AccessDeniedError(
            "aws_authentication.data.arn: the role can't be assumed; let its trust policy name the "
            "function's role and the external id, and list it in the provider's AllowedRoleArns"
        ) from None
