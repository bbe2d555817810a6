"""Clients of AWS, and the one table of what an AWS error code means."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from massdriver_redis.calls.base import action
from massdriver_redis.errors import AccessDeniedError, NotYetVisibleError, ResourceError, TransientError
from massdriver_redis.properties.model import Authentication

_CONNECT, _READ, _ATTEMPTS = 5, 10, 3
_CONFIG = Config(
    connect_timeout=_CONNECT,
    read_timeout=_READ,
    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
)
SLOWEST_CALL = float(_ATTEMPTS * (_CONNECT + _READ))
"""Seconds within which a call has reached AWS, or never will."""

_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthFailure",
        "NotAuthorized",
        "ServiceLinkedRoleNotFoundFault",
    }
)
_TRANSIENT = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "LimitExceededException",
        "APICallRateForCustomerExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "InternalFailure",
        "InternalError",
        "InternalServiceError",
        "InternalException",
        "ServiceUnavailable",
        "Unavailable",
        "ConcurrentModificationException",
        "InvalidReplicationGroupState",
        "InvalidCacheClusterState",
        "CacheSubnetGroupInUse",
        "DependencyViolation",
        "InvalidGroup.InUse",
        "InvalidRequestException",
    }
)
_NOT_YET_VISIBLE = frozenset(
    {
        "CacheSubnetGroupNotFoundFault",
        "ReplicationGroupNotFoundFault",
        "CacheClusterNotFound",
        "InvalidGroup.NotFound",
        "InvalidSecurityGroupID.NotFound",
        "ResourceNotFoundException",
        "InsufficientCacheClusterCapacity",
    }
)
"""Codes that end by themselves: a new resource becomes visible, or capacity returns."""


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


def connect(authentication: Authentication | None, region: str | None) -> Aws:
    """Return the clients for a cluster, with the user's role where one is given, else the function's own.

    Raises AccessDeniedError where the role can't be assumed, and TransientError where STS doesn't answer.
    """
    if authentication is None:
        where = region or own_client("scheduler").meta.region_name
        return _aws(lambda service: own_client(service, where), where)
    credentials = _assume(authentication)
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


def _assume(authentication: Authentication) -> Any:
    request = {"RoleArn": authentication.arn, "RoleSessionName": "massdriver-redis"}
    if authentication.external_id:
        request["ExternalId"] = authentication.external_id
    try:
        return own_client("sts").assume_role(**request)["Credentials"]
    except (ClientError, BotoCoreError) as error:
        failure = translate(error, "sts", "assume_role")
        if isinstance(failure, AccessDeniedError):
            raise AccessDeniedError(
                "aws_authentication.data.arn: the role can't be assumed; let its trust policy name the "
                "function's role and the external id, and list it in the provider's AllowedRoleArns"
            ) from None
        raise failure from None


def code_of(error: Exception) -> str:
    """Return the wire code of a client error, "" for any other exception."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def message_of(error: Exception) -> str:
    """Return AWS's own words of a client error, "" for any other exception."""
    return str(error.response.get("Error", {}).get("Message", "")) if isinstance(error, ClientError) else ""


def translate(error: Exception, service: str, operation: str) -> ResourceError:
    """Return the exception of this package that an AWS error corresponds to.

    TransientError: observe again later. NotYetVisibleError: the same, for some minutes. AccessDeniedError:
    a permission is missing. Otherwise a ResourceError for the user. botocore's parameter validation is not
    quoted, because it repeats values.
    """
    call = action(service, operation)
    if isinstance(error, ParamValidationError):
        return ResourceError(f"{call} was given parameters it doesn't take; report this with the log")
    if isinstance(error, BotoCoreError):
        return TransientError(f"{call} didn't answer ({type(error).__name__})")
    code = code_of(error)
    if code in _DENIED:
        return AccessDeniedError(
            f"{call} was denied ({code}); grant it to the role in use and deploy again", code
        )
    if code in _TRANSIENT or _status(error) >= 500:
        return TransientError(f"{call}: {code}", code)
    if code in _NOT_YET_VISIBLE:
        return NotYetVisibleError(f"{call}: {code}{_advice(code)}", code)
    return ResourceError(f"{call} refused ({code}): {message_of(error)}", code)


def _advice(code: str) -> str:
    if code == "InsufficientCacheClusterCapacity":
        return "; AWS lacks capacity: wait, or choose another node_type or fewer nodes"
    return "; what it needs wasn't found, deploy again"


def _status(error: Exception) -> int:
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
