"""One call of AWS, and the one table of what its error code means."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from massdriver_redis.calls.base import action
from massdriver_redis.errors import AccessDeniedError, NotYetVisibleError, ResourceError, TransientError

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

_NAMED_ACTION = re.compile(r"not authorized to perform: (\w+:\w+)")
_NO_POLICY_ALLOWS = "no identity-based policy allows"
_NEEDS_THE_TAG = frozenset(
    f"elasticache:{name}"
    for name in (
        "ModifyReplicationGroup",
        "ModifyReplicationGroupShardConfiguration",
        "IncreaseReplicaCount",
        "DecreaseReplicaCount",
        "DeleteReplicationGroup",
        "CreateSnapshot",
        "AddTagsToResource",
        "RemoveTagsFromResource",
    )
)
"""Actions that docs/iam.md allows on replication groups with the provider's tag alone."""

NO_SUCH_SCHEDULE = "ResourceNotFoundException"
"""Scheduler's code for a schedule that does not exist, and for a schedule group."""

_MUST_ASSUME = "to assume"
"""What CreateSchedule says of an execution role that IAM does not know yet, or of one with a wrong trust."""


def call(client: Any, service: str, operation: str, **parameters: Any) -> Any:
    """Make one call by a client of boto3; raises the exceptions of `translate`, and no other.

    What botocore's parsers raise on a damaged body is of any type: KeyError, ValueError and others.
    """
    try:
        return getattr(client, operation)(**parameters)
    except Exception as error:
        raise translate(error, service, operation) from None


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
    if not isinstance(error, ClientError):
        return TransientError(f"{call} gave an answer that can't be read ({type(error).__name__})")
    code = code_of(error)
    if code in _DENIED:
        return AccessDeniedError(_denied(call, code, message_of(error)), code)
    if code in _TRANSIENT or _status(error) >= 500:
        return TransientError(f"{call}: {code}", code)
    if code in _NOT_YET_VISIBLE:
        return NotYetVisibleError(f"{call}: {code}{_advice(code)}", code)
    return ResourceError(f"{call} refused ({code}): {message_of(error)}", code)


def explain_create_schedule(error: ResourceError) -> ResourceError:
    """Return what a refused CreateSchedule means for the request."""
    if _MUST_ASSUME in str(error):
        # A provider deployed seconds ago gets this until IAM knows the role everywhere.
        return AccessDeniedError(
            "EventBridge Scheduler can't assume the provider's execution role; deploy the provider again",
            error.code,
        )
    if error.code == NO_SUCH_SCHEDULE:
        return ResourceError(
            "The provider's schedule group is gone: the provider is being removed. Deploy it again first",
            error.code,
        )
    if error.code == "ServiceQuotaExceededException":
        return ResourceError(
            "EventBridge Scheduler takes no more schedules in this Region; delete some, or ask AWS for a "
            "higher quota, then deploy again",
            error.code,
        )
    return error


def _denied(call: str, code: str, message: str) -> str:
    """Return the Reason of a denial: the action that AWS names, which may be another than the call.

    A write to a replication group whose provider tag was removed is denied by the provider's own policy.
    """
    named = _NAMED_ACTION.search(message)
    denied = named[1] if named else call
    if denied in _NEEDS_THE_TAG and ":replicationgroup:" in message and _NO_POLICY_ALLOWS in message:
        return (
            f"{denied} was denied ({code}); if the replication group lacks the tag "
            "massdriver-redis:provider, put it back, else grant the action to the role in use; then deploy "
            "again"
        )
    return f"{denied} was denied ({code}); grant it to the role in use and deploy again"


def _advice(code: str) -> str:
    if code == "InsufficientCacheClusterCapacity":
        return "; AWS lacks capacity: wait, or choose another node_type or fewer nodes"
    return "; what it needs wasn't found, deploy again"


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
