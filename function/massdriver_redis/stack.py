"""What CloudFormation says of the stack itself, read with the function's own role.

All raise BusyError where CloudFormation can't answer now.
"""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from massdriver_redis.aws import code_of, own_client, translate
from massdriver_redis.errors import BusyError
from massdriver_redis.log import logger

_ROLLING_BACK = ("ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED")
_GOING = ("ROLLBACK_", "DELETE_", "UPDATE_ROLLBACK_")


def rolling_back(stack_id: str) -> bool:
    """Tell whether the stack is on its way back to what it was; unknown counts as not."""
    return _status(stack_id).startswith(_ROLLING_BACK)


def creates_no_more(stack_id: str, *, late: bool) -> bool:
    """Tell whether a Create can only be a late copy: the stack goes back, or is being deleted.

    A complete stack proves it only of a `late` one: what DescribeStacks shows may be a moment old, and a
    Create that is wrongly ignored would hang its stack for an hour.
    """
    status = _status(stack_id)
    return status.startswith(_GOING) or (late and "_COMPLETE" in status)


def updates_no_more(stack_id: str, *, late: bool) -> bool:
    """Tell whether an Update can only be a late copy: the stack is deleted, or complete and it is `late`."""
    status = _status(stack_id)
    return status.startswith("DELETE_") or (late and "_COMPLETE" in status)


def _status(stack_id: str) -> str:
    try:
        stacks = own_client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"]
        return str(stacks[0]["StackStatus"])
    except (ClientError, BotoCoreError, LookupError) as error:
        failure = translate(error, "cloudformation", "describe_stacks")
        if isinstance(failure, BusyError):
            raise failure from None
        logger.warning(
            "The stack's status is unknown; taken as not rolling back",
            cause=code_of(error) or type(error).__name__,
        )
        return ""
