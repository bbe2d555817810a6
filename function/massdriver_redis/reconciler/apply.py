"""Create and Update: observe what the request is about, and bring it to the properties."""

from __future__ import annotations

from dataclasses import replace

from massdriver_redis.aws import auth_token, observe
from massdriver_redis.aws.session import connect
from massdriver_redis.aws.stack import read_stack
from massdriver_redis.calls.base import Call
from massdriver_redis.clock import Clock
from massdriver_redis.cloudformation import attributes
from massdriver_redis.cloudformation.outcome import Response
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.errors import ResourceError
from massdriver_redis.intent import read_intent
from massdriver_redis.log import logger
from massdriver_redis.planner import request as planner
from massdriver_redis.planner.decision import LoopState, Verdict
from massdriver_redis.planner.target import Situation, resolve_target
from massdriver_redis.reconciler.external import ExternalResource
from massdriver_redis.state import naming
from massdriver_redis.state.record import IN_SERVICE, LAST_ANSWERED_REQUEST
from massdriver_redis.state.stack import Stack

_EVENTS_SINCE = 60.0
"""Seconds before a request, or before its last change, from which on events are read."""


class ApplyController:
    """One Create or Update. Raises InvalidRequestError where its properties can't be meant."""

    def __init__(self, request: Request, clock: Clock, prefix: str) -> None:
        self._request = request
        self._clock = clock
        self._intent = intent = read_intent(request, clock.now(), prefix)
        self._keeps_subnets, self._taggings, self._stack = False, 0, Stack()
        self._resources: dict[str, ExternalResource] = {}
        self.resource_id = intent.current_id
        # Until it was looked, nobody knows what an earlier delivery of a Create has made.
        self.physical_id = str(request.physical_id or naming.unknown_outcome(request.owner))

    # --- observe -------------------------------------------------------------------------------------

    def observe(self) -> Situation:
        """Read what lives under this request's ids, what its stack does, and the details to plan with."""
        taken_at, intent, resource = self._clock.now(), self._intent, self._resource(self._intent.current_id)
        # Before the rest: the record that a decision is made on is never older than another that was read.
        owned = observe.owned(resource.aws, intent.owner, intent.prefix) if intent.updates else {}
        current = resource.observe()
        if not intent.updates:
            # From here on a Delete of the derived id finds whatever is made.
            self.physical_id = intent.derived_id
        elsewhere = intent.derived_id != intent.current_id and (
            current.replication_group is None or intent.differences(current)
        )
        accepted = not intent.updates and current.record.was_accepted(intent.version.request_id)
        # A security group that arrives at AWS after the Delete was answered says that this Create may go on.
        judged = accepted and current.replication_group is not None
        seen = Situation(
            taken_at,
            current.partial,
            current=current,
            derived=self._resource(intent.derived_id).observe() if elsewhere else None,
            stack=Stack() if judged else read_stack(self._request.stack_id),
            unused_subnets_kept=self._keeps_subnets,
            taggings=self._taggings,
            owned=owned,
        )
        self._stack = seen.stack
        seen = replace(seen, target=resolve_target(intent, seen))
        return self._with_abandoned(seen if seen.target.obstacle else self._with_details(seen))

    def _with_details(self, seen: Situation) -> Situation:
        """Return the situation with what its plan needs."""
        intent, target = self._intent, seen.target.physical_id
        resource = self._resource(target)
        change = resource.observed.record.requested
        since = (change.at if change else self._request.started_at) - _EVENTS_SINCE
        context = planner.plan_context(intent, seen)
        observed = resource.observe_details(intent.desired(target), context, since)
        return replace(seen, partial=seen.partial or observed.partial, observed=observed)

    def _with_abandoned(self, seen: Situation) -> Situation:
        """Return the situation with what is left of a cluster that CloudFormation knows nothing of."""
        known = (self._intent.current_id, seen.target.physical_id)
        found = planner.abandoned_id(seen.owned, known, seen.stack)
        seen = replace(seen, abandons=bool(found) or seen.stack.rolling_back)
        abandoned = self._resource(found).observe() if found else seen.abandoned
        return replace(seen, abandoned_id=found, abandoned=abandoned)

    def _resource(self, physical_id: str) -> ExternalResource:
        if physical_id not in self._resources:
            aws = next((each.aws for each in self._resources.values()), None) or connect(
                self._intent.properties.authentication,
                self._intent.properties.region,
                self._intent.owner.session_name,
            )
            names = naming.names(physical_id, self._intent.prefix)
            self._resources[physical_id] = ExternalResource(aws, names, self._request.owner, self._clock)
        return self._resources[physical_id]

    # --- decide and apply ----------------------------------------------------------------------------

    def decide(self, seen: Situation, state: LoopState) -> Verdict:
        """Return the next change, or how the request ends or waits."""
        return planner.decide(self._intent, seen, state)

    def apply(self, call: Call, seen: Situation) -> bool:
        """Make a call; a rollback goes on where nodes have moved into a subnet that was added."""
        resource = self._resource(seen.target.physical_id or self._intent.current_id)
        try:
            made = resource.apply(call, self._intent.version)
        except ResourceError as error:
            if error.code != "SubnetInUse" or not seen.stack.rolling_back:
                raise
            self._keeps_subnets = True
            return False
        self._taggings += call.operation == "add_tags_to_resource"
        return made

    def conclude(self, seen: Situation, kept: str = "") -> Response:
        """Return the response of a request whose cluster is as desired, recorded as in service before."""
        target = seen.target.physical_id or self._intent.current_id
        resource = self._resource(target)
        if kept:
            return Response("SUCCESS", target, attributes=attributes.partial(resource.observed, kept))
        if not seen.observed.record.in_service:
            stopped = not self._intent.updates and read_stack(self._request.stack_id).going_away
            if stopped and resource.observe().record.in_service is None:  # no copy sent its SUCCESS since
                reason = "The stack stopped this Create; its Delete removes what was made"
                return Response("FAILED", self.physical_id, reason)
            resource.mark({IN_SERVICE: self._intent.version.text()})
        credentials = self._credentials(resource)
        told = planner.all_warnings(self._intent, seen, credentials.made_at)
        for warning in told:
            logger.warning("The cluster is ready, with a warning", warning=warning)
        group, security_group = seen.observed.replication_group, seen.observed.security_group
        assert group and security_group  # noqa: PT018, S101  # the plan says that nothing is missing
        flat = attributes.attributes(group, security_group, credentials, told)
        return Response("SUCCESS", target, attributes=flat)

    def _credentials(self, resource: ExternalResource) -> attributes.Credentials:
        properties, secret = self._intent.properties, resource.observed.secret
        if not properties.secure or secret is None:
            return attributes.Credentials()
        token, version, made_at = auth_token.stored(resource.aws, resource.names.secret)
        password = token if properties.password_attribute else ""
        return attributes.Credentials(secret.arn, version, password, made_at)

    def record_response(self, response: Response) -> None:
        """Record a response that CloudFormation took.

        A FAILED is recorded on an Update's current cluster alone: a new one was never in service. Nor is a
        cluster whose first SUCCESS met a stack that goes back: the Delete that comes may know no id of ours.
        """
        resource = self._resources.get(response.physical_id)
        first = response.status == "SUCCESS" and resource and not resource.observed.record.delivered
        if first and read_stack(self._request.stack_id).going_away:
            return
        for physical_id, resource in self._resources.items():
            accepted = resource.observed.record.was_accepted(self._request.request_id)
            known = response.status == "SUCCESS" or physical_id == self._request.physical_id
            if accepted and known:
                resource.mark({LAST_ANSWERED_REQUEST: self._intent.version.text()})

    def collect_garbage(self) -> None:
        """Remove what this superseded request made after the newer one had looked.

        A replication group is never part of it: it can't be made once its subnet group is gone.
        """
        physical_id = self._intent.derived_id
        if self._intent.updates and physical_id == self._intent.current_id:
            return
        self._resource(physical_id).collect_garbage(self._intent.version)

    def advised(self, reason: str) -> str:
        """Return the Reason of a failure; that of a rollback says how the stack goes on."""
        if self._intent.updates and not self._stack.status:
            self._stack = read_stack(self._request.stack_id)
        return planner.to_continue(reason) if self._intent.updates and self._stack.rolling_back else reason

    def timed_out(self, waiting: str) -> str:
        """Return the Reason of a request that timed out while `waiting`."""
        timeout, rolls_back = self._request.service_timeout, self._stack.rolling_back
        return planner.timed_out(self._intent, waiting, rolling_back=rolls_back, service_timeout=timeout)
