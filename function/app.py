"""The Lambda function of Custom::MassdriverRedis: wiring only."""

from __future__ import annotations

import functools
import os

from massdriver_redis.aws.poll_schedule import PollSchedules
from massdriver_redis.aws.session import own_client
from massdriver_redis.clock import Clock, SystemClock
from massdriver_redis.cloudformation import delivery
from massdriver_redis.cloudformation.genuine import Recipient
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.cloudformation.work import LambdaContext, Limits
from massdriver_redis.handler import PollingResource
from massdriver_redis.reconciler.lease import Lease
from massdriver_redis.reconciler.loop import Reconciliation


class Provider:
    """The provider as the environment of this function describes it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._prefix = os.environ["RESOURCE_PREFIX"]
        self._group = os.environ["SCHEDULE_GROUP"]
        self._role = os.environ["SCHEDULER_ROLE_ARN"]

    def begin(self, request: Request, context: LambdaContext) -> Reconciliation:
        """Return this invocation's work on a request."""
        clock, schedules = self._clock, self._schedules(context)
        ends = clock.now() + context.get_remaining_time_in_millis() / 1000
        limits = Limits(ends, functools.cache(schedules.is_crowded))

        def lease_for(resource_id: str) -> Lease:
            return Lease(schedules, request, resource_id, clock)

        return Reconciliation(request, lease_for, self._prefix, clock, limits)

    def carried(self, schedule: str, context: LambdaContext) -> object:
        """Return the event that a poll schedule carries, None where it is gone."""
        return self._schedules(context).read(schedule)

    def stop_polling(self, request: Request, context: LambdaContext) -> None:
        """Delete the schedule of a poll whose work can't begin."""
        self._schedules(context).delete(request.schedule_name)

    def _schedules(self, context: LambdaContext) -> PollSchedules:
        client, function = own_client("scheduler"), context.invoked_function_arn
        return PollSchedules(client, self._group, function, self._role, self._clock.sleep)


def wire(clock: Clock, send: delivery.Sender) -> PollingResource:
    """Return the resource as the environment of this function describes it."""
    return PollingResource(Provider(clock), clock, send, Recipient.from_environment(os.environ))


resource = wire(SystemClock(), delivery.send)


def handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Handle an event of CloudFormation or of a poll schedule; return a small summary without secrets."""
    return resource(event, context)
