"""One call of AWS, and the exception of this package that its failure comes to."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from massdriver_redis.aws import error_codes
from massdriver_redis.aws.error_codes import Meaning
from massdriver_redis.calls.base import action
from massdriver_redis.errors import AccessDeniedError, NotYetVisibleError, ResourceError, TransientError

_PASSING_STATUS = frozenset({408, 429})
"""HTTP statuses below 500 that mean "again, later", whatever the body says."""

_UNKNOWN_OF_EC2 = re.compile(
    r"security group.*(not found|not exist)|invalid security group|input subnets.* are invalid", re.IGNORECASE
)
"""How ElastiCache words, by InvalidParameterValue, that what EC2 made has not reached it: as quoted in
floci-io/floci#2401 and ansible/ansible#6794."""

_NAMED_ACTION = re.compile(r"not authorized to perform: (\w+:\w+)(?: on resource: \S+?:\d*:(\S+))?")
_NAMED_POLICY = re.compile(r"(with an explicit deny in an?|because no) ([\w -]*?(?:policy|boundary))")
"""The action and, unless any will do, the resource within its account; and what kind of policy denies it (IAM
user guide, troubleshooting access denied messages)."""
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

_MEMBERS = {
    "assume_role": "Credentials",
    "describe_cache_clusters": "CacheClusters",
    "describe_cache_engine_versions": "CacheEngineVersions",
    "describe_cache_subnet_groups": "CacheSubnetGroups",
    "describe_events": "Events",
    "describe_replication_groups": "ReplicationGroups",
    "describe_secret": "ARN",
    "describe_security_groups": "SecurityGroups",
    "describe_snapshots": "Snapshots",
    "describe_stacks": "Stacks",
    "get_schedule": "Target",
    "get_secret_value": "SecretString",
    "list_schedules": "Schedules",
    "list_tags_for_resource": "TagList",
}
"""The member without which an answer says nothing: botocore doesn't notice a body that was cut."""


def call(client: Any, service: str, operation: str, **parameters: Any) -> Any:
    """Make one call by a client of boto3; raises the exceptions of `translate`, and no other.

    What botocore's parsers raise on a damaged body is of any type: KeyError, ValueError and others.
    """
    try:
        answer = getattr(client, operation)(**parameters)
    except Exception as error:
        raise translate(error, service, operation) from None
    member = _MEMBERS.get(operation)
    if member and member not in answer:
        raise TransientError(f"{action(service, operation)} gave an answer without {member}")
    return answer


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
    return _refused(error, service, call)


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


def _refused(error: ClientError, service: str, call: str) -> ResourceError:
    """Return what an answer with an HTTP status of failure comes to."""
    answer = error.response.get("Error", {})
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in ("", str(status)):
        # No code of AWS's: a proxy's page, or a body that was damaged on its way.
        return TransientError(f"{call} gave an answer that can't be read (HTTP {status})")
    known = error_codes.code(service, code)
    meaning = Meaning.SOON if _UNKNOWN_OF_EC2.search(message) else known.meaning
    if status >= 500 or status in _PASSING_STATUS:
        meaning = Meaning.TRANSIENT
    match meaning:
        case Meaning.DENIED:
            return AccessDeniedError(_denied(call, code, message), code)
        case Meaning.TRANSIENT:
            return TransientError(f"{call}: {code}{known.advice}: {message}", code)
        case Meaning.SOON:
            return NotYetVisibleError(f"{call}: {code}{known.advice}: {message}", code)
    said = message.rstrip(". ") + known.advice if known.advice else message
    return ResourceError(f"{call} refused ({code}): {said}", code)


def _denied(call: str, code: str, message: str) -> str:
    """Return the Reason of a denial: the action that AWS names, which may be another than the call.

    A write to a replication group whose provider tag was removed is denied by the provider's own policy.
    """
    named = _NAMED_ACTION.search(message)
    denied = named[1] if named else call
    on = f" on {named[2]}" if named and named[2] else ""
    if denied in _NEEDS_THE_TAG and on.startswith(" on replicationgroup:") and _NO_POLICY_ALLOWS in message:
        return (
            f"{denied} was denied ({code}); if the replication group lacks the tag "
            "massdriver-redis:provider, put it back, else grant the action to the role in use; then deploy "
            "again"
        )
    return f"{denied} was denied ({code}{on}); {_remedy(message)}"


def _remedy(message: str) -> str:
    """Return what to do about a denial, by the kind of policy that AWS names."""
    by = _NAMED_POLICY.search(message)
    if by and by[1].startswith("with"):
        return f"remove the explicit deny in the {by[2]} and deploy again"
    if by and _NO_POLICY_ALLOWS not in message:
        return f"have the {by[2]} allow it and deploy again"
    return "grant it to the role in use and deploy again"
