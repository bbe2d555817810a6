"""The Lambda function of Custom::MassdriverRedis: wiring only."""

from __future__ import annotations

import os

from massdriver_redis.aws.poll_rule import PollRule
from massdriver_redis.aws.session import own_client
from massdriver_redis.clock import Clock, SystemClock
from massdriver_redis.cloudformation import delivery as responder
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.handler import LambdaContext, PollingResource, Sender
from massdriver_redis.reconciler.loop import Reconciliation, Settings
from massdriver_redis.state.naming import names


def wire(clock: Clock, send: Sender) -> PollingResource:
    """Return the resource as the environment of this function describes it."""
    prefix = os.environ["RESOURCE_PREFIX"]
    response_host = os.environ.get("RESPONSE_HOST", "")

    def rule_for(physical_id: str, context: LambdaContext) -> PollRule:
        name = names(physical_id, prefix).rule
        return PollRule(own_client("events"), name, context.invoked_function_arn, clock.sleep)

    def begin(request: Request, context: LambdaContext) -> Reconciliation:
        ends = clock.now() + context.get_remaining_time_in_millis() / 1000
        return Reconciliation(
            request, lambda id_: rule_for(id_, context), clock, Settings(prefix, ends, response_host)
        )

    def disarm(request: Request, context: LambdaContext) -> None:
        rule_for(request.physical_id or "", context).disarm(request.request_id)

    return PollingResource(begin, disarm, clock, send, response_host)


resource = wire(SystemClock(), responder.send)


def handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Handle an event of CloudFormation or of a poll rule; return a small summary without secrets."""
    return resource(event, context)
