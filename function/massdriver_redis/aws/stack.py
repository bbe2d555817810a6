"""The one read of CloudFormation: what DescribeStacks reports of a stack, by the function's own role."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from massdriver_redis.aws.session import code_of, own_client, translate
from massdriver_redis.errors import TransientError
from massdriver_redis.log import logger
from massdriver_redis.state.stack import Stack


def read_stack(stack_id: str) -> Stack:
    """Return what DescribeStacks reports of a stack; where it can't be read it is unknown, as the log says.

    Raises TransientError where CloudFormation doesn't answer now. Where there is no route to it, the stack
    is unknown too.
    """
    try:
        shown = own_client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"][0]
        times = (shown.get("CreationTime"), shown.get("LastUpdatedTime"))
        return Stack(str(shown["StackStatus"]), *(time.timestamp() if time else None for time in times))
    except (ClientError, BotoCoreError, LookupError) as error:
        if not isinstance(error, (EndpointConnectionError, ConnectTimeoutError)):
            failure = translate(error, "cloudformation", "describe_stacks")
            if isinstance(failure, TransientError):
                raise failure from None
        logger.warning(
            "The stack's status is unknown; taken as not rolling back",
            cause=code_of(error) or type(error).__name__,
        )
        return Stack()
