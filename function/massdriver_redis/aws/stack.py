"""The one read of CloudFormation: what DescribeStacks reports of a stack, by the function's own role."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from massdriver_redis.aws.errors import call
from massdriver_redis.aws.session import own_client
from massdriver_redis.errors import ResourceError, TransientError
from massdriver_redis.log import logger
from massdriver_redis.state.stack import MISSING, Stack

_NO_SUCH_STACK = "does not exist"
_NO_ROUTE = re.compile("EndpointConnectionError|ConnectTimeoutError")


def read_stack(stack_id: str) -> Stack:
    """Return what DescribeStacks reports of a stack; where it can't be read it is unknown, as the log says.

    It is asked for by its id, which finds a deleted one too. Raises TransientError where CloudFormation
    doesn't answer now. Where there is no route to it, the stack is unknown.
    """
    try:
        stacks = call(own_client("cloudformation"), "cloudformation", "describe_stacks", StackName=stack_id)
    except ResourceError as error:
        cause = str(error)
        if isinstance(error, TransientError) and not _NO_ROUTE.search(cause):
            raise
        if _NO_SUCH_STACK in cause:
            return Stack(MISSING)
        logger.warning(
            "The stack's status is unknown; taken as in progress and not rolling back", cause=cause
        )
        return Stack()
    shown: Mapping[str, Any] = next(iter(stacks["Stacks"]), {})
    times = (shown.get("CreationTime"), shown.get("LastUpdatedTime"))
    return Stack(str(shown.get("StackStatus", "")), *(time.timestamp() if time else None for time in times))
