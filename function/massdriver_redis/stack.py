"""What CloudFormation says of the stack itself, read with the function's own role."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from massdriver_redis.aws import code_of, own_client
from massdriver_redis.log import logger

_ROLLING_BACK = ("ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED")
_GOING = ("ROLLBACK_", "DELETE_", "UPDATE_ROLLBACK_")


def rolling_back(stack_id: str) -> bool:
    """Tell whether the stack is on its way back to what it was; unknown counts as not."""
    return _status(stack_id).startswith(_ROLLING_BACK)


def going_away(stack_id: str) -> bool:
    """Tell whether a Create can only be a late copy: the stack goes back, or is being deleted.

    A complete stack proves nothing: what DescribeStacks shows may be a moment old, and a Create that is
    wrongly ignored would hang its stack for an hour.
    """
    return _status(stack_id).startswith(_GOING)


def being_deleted(stack_id: str) -> bool:
    """Tell whether the stack is being deleted or is gone, so that an Update can only be a late copy."""
    return _status(stack_id).startswith("DELETE_")


def _status(stack_id: str) -> str:
    try:
        stacks = own_client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"]
        return str(stacks[0]["StackStatus"])
    except (ClientError, BotoCoreError, LookupError) as error:
        logger.warning(
            "The stack's status is unknown; taken as not rolling back",
            cause=code_of(error) or type(error).__name__,
        )
        return ""
