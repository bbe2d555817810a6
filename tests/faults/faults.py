"""The faults, and what each of them looks like at each call, in the services' own error codes.

Codes are those of botocore's service models and of the services' pages of common errors. A fault that a
call can't have, such as a state conflict at a read, is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ReadTimeoutError

from massdriver_redis.cloudformation.delivery import RefusedError, UnreachableError
from tests.harness import garbled
from tests.harness.cloudformation import KilledError
from tests.harness.recorder import Call, client_error

from .recorder import Send

PUT = "response:Put"
"""The name under which the PUT of the response is recorded."""

KINDS = (
    "killed before",
    "killed after",
    "throttled",
    "server error",
    "timeout after success",
    *(f"garbled {body}" for body in garbled.BODIES),
    "denied",
    "conflict",
    "not found",
)

_THROTTLED = {
    "ec2": "RequestLimitExceeded",
    "elasticache": "Throttling",
    "cloudformation": "Throttling",
    "sts": "Throttling",
}
_SERVER_ERROR = {
    "elasticache": "InternalFailure",
    "ec2": "InternalError",
    "secretsmanager": "InternalServiceError",
    "scheduler": "InternalServerException",
    "cloudformation": "InternalFailure",
    "sts": "InternalFailure",
}
_DENIED = {
    "elasticache": "AccessDenied",
    "ec2": "UnauthorizedOperation",
    "secretsmanager": "AccessDeniedException",
    "scheduler": "AccessDeniedException",
    "cloudformation": "AccessDenied",
    "sts": "AccessDenied",
}

_GROUP_BUSY = "InvalidReplicationGroupState"
_SECRET_BUSY = "InvalidRequestException"
CONFLICTS = {
    "elasticache:CreateReplicationGroup": "ReplicationGroupAlreadyExists",
    "elasticache:CreateCacheSubnetGroup": "CacheSubnetGroupAlreadyExists",
    "elasticache:ModifyCacheSubnetGroup": "SubnetInUse",
    "elasticache:DeleteCacheSubnetGroup": "CacheSubnetGroupInUse",
    "elasticache:ModifyReplicationGroup": _GROUP_BUSY,
    "elasticache:ModifyReplicationGroupShardConfiguration": _GROUP_BUSY,
    "elasticache:IncreaseReplicaCount": _GROUP_BUSY,
    "elasticache:DecreaseReplicaCount": _GROUP_BUSY,
    "elasticache:DeleteReplicationGroup": _GROUP_BUSY,
    "elasticache:AddTagsToResource": _GROUP_BUSY,
    "elasticache:RemoveTagsFromResource": _GROUP_BUSY,
    "elasticache:ListTagsForResource": _GROUP_BUSY,
    "ec2:CreateSecurityGroup": "InvalidGroup.Duplicate",
    "ec2:DeleteSecurityGroup": "DependencyViolation",
    "ec2:AuthorizeSecurityGroupIngress": "InvalidPermission.Duplicate",
    "secretsmanager:CreateSecret": "ResourceExistsException",
    "secretsmanager:DeleteSecret": _SECRET_BUSY,
    "secretsmanager:RestoreSecret": _SECRET_BUSY,
    "secretsmanager:TagResource": _SECRET_BUSY,
    "secretsmanager:GetSecretValue": _SECRET_BUSY,
    "scheduler:CreateSchedule": "ConflictException",
    "scheduler:DeleteSchedule": "ConflictException",
}

_NO_GROUP = "ReplicationGroupNotFoundFault"
_NO_SUBNETS = "CacheSubnetGroupNotFoundFault"
_NO_SECURITY_GROUP = "InvalidGroup.NotFound"
_NO_SECRET = "ResourceNotFoundException"
_NOTHING = {
    "elasticache:DescribeCacheClusters": {"CacheClusters": []},
    "ec2:DescribeSecurityGroups": {"SecurityGroups": []},
    "scheduler:ListSchedules": {"Schedules": []},
}
"""Reads that say "not found" by an empty list."""

NOT_FOUND = {
    "elasticache:DescribeReplicationGroups": _NO_GROUP,
    "elasticache:DescribeCacheSubnetGroups": _NO_SUBNETS,
    "elasticache:ListAllowedNodeTypeModifications": _NO_GROUP,
    "elasticache:ListTagsForResource": _NO_GROUP,
    "elasticache:CreateReplicationGroup": _NO_SUBNETS,
    "elasticache:ModifyCacheSubnetGroup": _NO_SUBNETS,
    "elasticache:DeleteCacheSubnetGroup": _NO_SUBNETS,
    "elasticache:ModifyReplicationGroup": _NO_GROUP,
    "elasticache:ModifyReplicationGroupShardConfiguration": _NO_GROUP,
    "elasticache:IncreaseReplicaCount": _NO_GROUP,
    "elasticache:DecreaseReplicaCount": _NO_GROUP,
    "elasticache:DeleteReplicationGroup": _NO_GROUP,
    "elasticache:AddTagsToResource": _NO_GROUP,
    "elasticache:RemoveTagsFromResource": _NO_GROUP,
    "ec2:CreateTags": _NO_SECURITY_GROUP,
    "ec2:DeleteTags": _NO_SECURITY_GROUP,
    "ec2:DeleteSecurityGroup": _NO_SECURITY_GROUP,
    "ec2:AuthorizeSecurityGroupIngress": _NO_SECURITY_GROUP,
    "ec2:RevokeSecurityGroupIngress": "InvalidPermission.NotFound",
    "secretsmanager:DescribeSecret": _NO_SECRET,
    "secretsmanager:GetSecretValue": _NO_SECRET,
    "secretsmanager:DeleteSecret": _NO_SECRET,
    "secretsmanager:RestoreSecret": _NO_SECRET,
    "secretsmanager:TagResource": _NO_SECRET,
    "secretsmanager:UntagResource": _NO_SECRET,
    "scheduler:GetSchedule": "ResourceNotFoundException",
}
"""Left out: that a schedule to be deleted is gone, which needs nothing more; that the provider's schedule
group or the stack of the request is gone, which doesn't pass."""

_OF_PUT = {
    "throttled": UnreachableError("the response could not be delivered: HTTP status 429"),
    "server error": UnreachableError("the response could not be delivered: HTTP status 503"),
    "denied": RefusedError("the response was refused with HTTP status 403"),
}
_AT_PUT = ("killed before", "killed after", "timeout after success", *_OF_PUT)


def possible(name: str, kind: str, *, for_good: bool) -> bool:
    """Return whether a call of this name can have this fault, once or for good.

    A read that finds nothing is stale, and no read is stale for good. A presigned URL that S3 refuses is
    refused for good. The PUT's answer has no body that anybody reads.
    """
    if name == PUT:
        return kind in _AT_PUT and (kind != "denied" or for_good)
    if kind == "conflict":
        return name in CONFLICTS
    if kind == "not found":
        return (name in NOT_FOUND or name in _NOTHING) and not (is_read(name) and for_good)
    return True


def is_read(name: str) -> bool:
    """Return whether a call of this name changes nothing."""
    return name.split(":")[1].startswith(("Describe", "List", "Get"))


def hit(kind: str, index: int, call: Call, send: Send) -> Any:
    """Let the fault happen at a call, the operation's call number `index`."""
    match kind:
        case "killed before":
            raise KilledError(f"killed before {call.name}")
        case "killed after":
            send()
            raise KilledError(f"killed after {call.name}")
        case "timeout after success":
            send()
            if call.name == PUT:
                raise UnreachableError("the response could not be delivered: TimeoutError")
            raise ReadTimeoutError(endpoint_url=f"https://{call.service}.us-east-1.amazonaws.com/")
        case _ if kind.startswith("garbled"):
            # The answer came, so that a write was made; one that was not is as after a server error.
            send()
            body = (
                kind.removeprefix("garbled ") if " " in kind else garbled.BODIES[index % len(garbled.BODIES)]
            )
            status = garbled.STATUSES[index % len(garbled.STATUSES)]
            return garbled.answer(call.service, call.operation, body, status)
        case _ if call.name == PUT:
            raise _OF_PUT[kind]
        case _ if kind == "not found" and call.name in _NOTHING:
            return _NOTHING[call.name]
        case _:
            raise _ERRORS[kind](call)


_ERRORS: dict[str, Callable[[Call], Exception]] = {
    "throttled": lambda call: client_error(
        _THROTTLED.get(call.service, "ThrottlingException"), "Rate exceeded", call.operation
    ),
    "server error": lambda call: client_error(
        _SERVER_ERROR[call.service], "An internal error occurred", call.operation, 500
    ),
    "denied": lambda call: client_error(
        _DENIED[call.service], "You are not authorized to perform this operation", call.operation, 403
    ),
    "conflict": lambda call: client_error(CONFLICTS[call.name], "State conflict", call.operation),
    "not found": lambda call: client_error(NOT_FOUND[call.name], "Not found", call.operation, 404),
}
