"""Create and Update: observe what the request is about, and bring it to the properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from massdriver_redis.aws import auth_token
from massdriver_redis.aws.session import connect
from massdriver_redis.aws.stack import read_stack
from massdriver_redis.calls.base import Call
from massdriver_redis.clock import Clock
from massdriver_redis.cloudformation import attributes, poll_event
from massdriver_redis.cloudformation.outcome import Response
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.errors import InvalidRequestError, NotUpdatableError, ResourceError
from massdriver_redis.log import logger
from massdriver_redis.planner.decision import LoopState, Verdict
from massdriver_redis.planner.request import decide, plan_context, scope_of
from massdriver_redis.planner.target import Intent, Situation, resolve_target
from massdriver_redis.planner.warnings import warnings
from massdriver_redis.properties import parse
from massdriver_redis.reconciler.external import ExternalResource
from massdriver_redis.state import naming
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.record import IN_SERVICE, LAST_ANSWERED_REQUEST
from massdriver_redis.state.stack import Stack

_EVENTS_SINCE = 60.0
"""Seconds before a request, or before its last change, from which on events are read."""


def read_intent(request: Request, now: float, prefix: str) -> Intent:
    """Return what a Create or an Update asks for; raises InvalidRequestError for broken properties.

    The poll of a Create keeps the id of its schedule: a provider deployed meanwhile may derive another one.
    """
    if request.service_timeout_error:
        raise InvalidRequestError(request.service_timeout_error)
    owner, updates = request.owner, request.kind == "Update"
    properties = parse.read(request.properties, today=datetime.fromtimestamp(now, UTC).date())
    derived_id = naming.physical_id(owner, properties.name_prefix, properties.create_only())
    if request.is_poll and not updates:
        derived_id = poll_event.id_in(request.schedule_name)
    current_id = str(request.physical_id) if updates else derived_id
    if not naming.is_legal(current_id):
        raise NotUpdatableError(
            "PhysicalResourceId names no replication group: nothing was ever made. Remove the "
            "resource from the template, deploy, and add it again"
        )
    return Intent(
        owner=owner,
        version=request.version,
        updates=updates,
        reverts=updates and request.properties != request.old_properties,
        properties=properties,
        previous=parse.read_previous(request.old_properties),
        current_id=current_id,
        derived_id=derived_id,
        prefix=prefix,
    )


class ApplyController:
    """One Create or Update. Raises InvalidRequestError where its properties can't be meant."""

    def __init__(self, request: Request, clock: Clock, prefix: str) -> None:
        self._request = request
        self._clock = clock
        self._intent = intent = read_intent(request, clock.now(), prefix)
        self._keeps_subnets = False
        self._resources: dict[str, ExternalResource] = {}
        self.resource_id = intent.current_id
        # Until it was looked, nobody knows what an earlier delivery of a Create has made.
        self.physical_id = str(request.physical_id or naming.unknown_outcome(request.owner))

    # --- observe -------------------------------------------------------------------------------------

    def observe(self) -> Situation:
        """Read what lives under this request's ids, what its stack does, and the details to plan with."""
        taken_at, intent = self._clock.now(), self._intent
        current = self._resource(intent.current_id).observe()
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
        )
        seen = replace(seen, target=resolve_target(intent, seen))
        return seen if seen.target.obstacle else self._with_details(seen)

    def _with_details(self, seen: Situation) -> Situation:
        """Return the situation with what its plan needs, and with what may be left of a replacement."""
        intent, target = self._intent, seen.target.physical_id
        resource, abandoned = self._resource(target), Observed()
        change = resource.observed.record.requested
        since = (change.at if change else self._request.started_at) - _EVENTS_SINCE
        observed = resource.observe_details(intent.desired(target), plan_context(intent, seen), since)
        partial = seen.partial or observed.partial
        if intent.abandoned_id not in ("", target):
            abandoned = self._resource(intent.abandoned_id).observe()
            # What doesn't show here is left for good: not on the word of a single read.
            partial |= abandoned.security_group is None
        return replace(seen, partial=partial, observed=observed, abandoned=abandoned)

    def _resource(self, physical_id: str) -> ExternalResource:
        if physical_id not in self._resources:
            aws = next((each.aws for each in self._resources.values()), None) or connect(
                self._intent.properties.authentication, self._intent.properties.region
            )
            names = naming.names(physical_id, self._intent.prefix)
            self._resources[physical_id] = ExternalResource(aws, names, self._request.owner, self._clock)
        return self._resources[physical_id]

    # --- decide and apply ----------------------------------------------------------------------------

    def decide(self, seen: Situation, state: LoopState) -> Verdict:
        """Return the next change, or how the request ends or waits."""
        return decide(self._intent, seen, state)

    def apply(self, call: Call, seen: Situation) -> bool:
        """Make a call; a rollback goes on where nodes have moved into a subnet that was added."""
        resource = self._resource(seen.target.physical_id or self._intent.current_id)
        try:
            return resource.apply(call, self._intent.version)
        except ResourceError as error:
            if error.code != "SubnetInUse" or not seen.stack.rolling_back:
                raise
            self._keeps_subnets = True
            return False

    def conclude(self, seen: Situation) -> Response:
        """Return the response of a request whose cluster is as desired, recorded as in service before."""
        properties, target = self._intent.properties, seen.target.physical_id
        if not seen.observed.record.in_service:
            if not self._intent.updates and read_stack(self._request.stack_id).going_away:
                reason = "The stack stopped this Create; its Delete removes what was made"
                return Response("FAILED", self.physical_id, reason)
            self._resource(target).mark({IN_SERVICE: self._intent.version.text()})
        told = (*properties.warnings, *warnings(self._intent.desired(target), seen.observed))
        for warning in told:
            logger.warning("The cluster is ready, with a warning", warning=warning)
        credentials = self._credentials(self._resource(target))
        group, security_group = seen.observed.replication_group, seen.observed.security_group
        assert group  # noqa: S101  # the plan says that nothing is missing
        assert security_group  # noqa: S101
        flat = attributes.attributes(group, security_group, credentials, told)
        return Response("SUCCESS", target, attributes=flat)

    def _credentials(self, resource: ExternalResource) -> attributes.Credentials:
        properties, secret = self._intent.properties, resource.observed.secret
        if not properties.secure or secret is None:
            return attributes.Credentials()
        token, version = auth_token.stored(resource.aws, resource.names.secret)
        return attributes.Credentials(secret.arn, version, token if properties.password_attribute else "")

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
        self._resource(physical_id).collect_garbage(scope_of(physical_id, self._intent), self._intent.version)

    def timed_out(self, waiting: str) -> str:
        """Return the Reason of a request that timed out while `waiting`."""
        after = "rolls back, waiting for it first" if self._intent.updates else "deletes it"
        way = "Change less at once" if self._intent.updates else "Use fewer nodes"
        return (
            f"Timed out while {waiting}. CloudFormation now {after}. {way} or, to look into it, "
            "deploy with --disable-rollback"
        )
