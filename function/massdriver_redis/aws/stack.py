"""The one read of CloudFormation: what DescribeStacks reports of a stack, by the function's own role."""

from __future__ import annotations

from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from massdriver_redis.aws.errors import code_of, message_of, translate
from massdriver_redis.aws.session import own_client
from massdriver_redis.errors import TransientError
from massdriver_redis.log import logger
from massdriver_redis.state.stack import MISSING, Stack

_NO_SUCH_STACK = "does not exist"


def read_stack(stack_id: str) -> Stack:
    """Return what DescribeStacks reports of a stack; where it can't be read it is unknown, as the log says.

    It is asked for by its id, which finds a deleted one too. Raises TransientError where CloudFormation
    doesn't answer now. Where there is no route to it, the stack is unknown.
    """
    try:
        shown = own_client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"][0]
        times = (shown.get("CreationTime"), shown.get("LastUpdatedTime"))
        return Stack(str(shown["StackStatus"]), *(time.timestamp() if time else None for time in times))
    except Exception as error:
        if _NO_SUCH_STACK in message_of(error):
            return Stack(MISSING)
        if not isinstance(error, (EndpointConnectionError, ConnectTimeoutError, LookupError)):
            failure = translate(error, "cloudformation", "describe_stacks")
            if isinstance(failure, TransientError):
                raise failure from None
        logger.warning(
            "The stack's status is unknown; taken as in progress and not rolling back",
            cause=code_of(error) or type(error).__name__,
        )
        return Stack()
