"""Create and Update: which replication group is meant, and what brings it to the properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from massdriver_redis.aws import execute as act
from massdriver_redis.aws.session import connect
from massdriver_redis.aws.stack import read_stack
from massdriver_redis.calls import base as calls
from massdriver_redis.clock import Clock
from massdriver_redis.cloudformation import attributes as artifact
from massdriver_redis.cloudformation.outcome import Ignored, Outcome, Response
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.errors import InvalidRequestError, NotUpdatableError, ResourceError
from massdriver_redis.log import logger
from massdriver_redis.planner.decision import Apply, Decision, Look, PlanContext, Reject, Requeue, UpToDate
from massdriver_redis.planner.delete import DeletionScope, own_security_group, owned, plan_deletion
from massdriver_redis.planner.plan import plan, warnings
from massdriver_redis.properties import parse as properties
from massdriver_redis.reconciler.controller import LoopState
from massdriver_redis.reconciler.external import ExternalResource
from massdriver_redis.reconciler.target import Choice, Intent
from massdriver_redis.state import naming
from massdriver_redis.state.observed import Observed, SecurityGroup
from massdriver_redis.state.record import IN_SERVICE, LAST_ACCEPTED_REQUEST, OperationRecord, RequestVersion

_LOOK_BACK = 60.0
"""Seconds before a request from which on events are read."""


class ApplyController:
    """One Create or Update. Raises InvalidRequestError where its properties can't be meant."""

    def __init__(self, request: Request, clock: Clock, prefix: str) -> None:
        if request.service_timeout_error:
            raise InvalidRequestError(request.service_timeout_error)
        self._request = request
        self._clock = clock
        self._prefix = prefix
        today = datetime.fromtimestamp(clock.now(), UTC).date()
        wanted = properties.read(request.properties, today=today)
        computed = naming.physical_id(request.owner, wanted.name_prefix, wanted.create_only())
        self._updates = request.kind == "Update"
        current_id = str(request.physical_id) if self._updates else computed
        if not naming.is_legal(current_id):
            raise NotUpdatableError(
                "PhysicalResourceId names no replication group: nothing was ever made. Remove the "
                "resource from the template, deploy, and add it again"
            )
        old = properties.read_previous(request.old_properties)
        self._wish = Intent(request, wanted, old, current_id, computed, prefix)
        self._choice = Choice(self._wish, self._look, self._is_rolling_back, clock.now)
        self._stamp = RequestVersion(request.request_id, request.signed_at or 0.0)
        self._rolling_back: bool | None = None
        self._subnets_stay = False
        self._in_vain = False
        self._sites: dict[str, ExternalResource] = {}
        self._target = self._wish.current_id
        self.rule_id = self._wish.current_id
        self.physical_id = (
            str(request.physical_id) if request.physical_id else naming.nothing_made(request.owner)
        )

    # --- one look ----------------------------------------------------------------------------------

    def decide(self, turn: LoopState) -> Decision | Outcome:
        """Look at AWS anew and return what is to be done, or how the request ends."""
        decision = self._decide(turn)
        if not isinstance(decision, UpToDate):
            return decision
        return self._note(turn) or self._finish(turn)

    def _decide(self, turn: LoopState) -> Decision | Outcome:
        """Return what is to be done, or Done where everything is as desired."""
        self._rolling_back = None
        home = self._look(self._wish.current_id)
        if not self._updates:
            # From here on a Delete of the computed id finds whatever is made.
            self.physical_id = self._wish.computed
        stale = self._stale(home)
        if stale:
            return stale
        chosen = self._choice.of(home)
        if isinstance(chosen, Reject | Ignored | Requeue | Apply | Response):
            return chosen
        self._target = chosen
        accepted = self._accept(turn)
        if accepted:
            return accepted
        swept = self._sweep()
        if isinstance(swept, Apply | Reject):
            return swept
        decision = self._plan()
        return swept if swept and isinstance(decision, UpToDate) else decision

    def make(self, step: Apply) -> act.Effect:
        """Make the planned call; a rollback goes on where nodes have moved into a subnet that was added."""
        try:
            return self._site(self._target).make(step.call, self._stamp)
        except ResourceError as error:
            if error.code != "SubnetInUse" or not self._is_rolling_back():
                raise
            self._subnets_stay = True
            return "already"

    def abandon(self) -> Decision:
        """Plan the removal of what this superseded request made after everyone else had left.

        A replication group is never among it: it can't be made once its subnet group is gone.
        """
        if self._updates and self._target == self._wish.current_id:
            return UpToDate()
        observed = self._look(self._target)
        made_by_me = observed.record.was_accepted(self._request.request_id) or not observed.security_group
        if observed.group or observed.record.in_service or not made_by_me:
            return UpToDate()
        return plan_deletion(self._demolition(self._target), observed)

    def mark(self, tags: dict[str, str], *, succeeded: bool) -> None:
        """Write ledger tags on every group this request concerns.

        After a failure only on the one CloudFormation knows: a new one would pass for handed over. So would
        that of a Create which the stack has stopped.
        """
        if self._in_vain:
            return
        for physical_id, site in self._sites.items():
            known = succeeded or physical_id == self._wish.current_id
            if known and own_security_group(self._request.owner, site.observed):
                site.mark(tags)

    def late(self, waiting: str) -> str:
        """Return the Reason of a request that ran out of time."""
        after = "rolls back, waiting for it first" if self._updates else "deletes it"
        way = "Change less at once" if self._updates else "Use fewer nodes"
        return (
            f"Out of time while {waiting}. CloudFormation now {after}. {way} or, to look into it, "
            "deploy with --disable-rollback"
        )

    # --- sites -------------------------------------------------------------------------------------

    def _site(self, physical_id: str) -> ExternalResource:
        if physical_id not in self._sites:
            aws = next((site.aws for site in self._sites.values()), None) or connect(
                self._wish.properties.authentication, self._wish.properties.region
            )
            self._sites[physical_id] = ExternalResource(
                aws, naming.names(physical_id, self._prefix), self._clock
            )
        return self._sites[physical_id]

    def _look(self, physical_id: str) -> Observed:
        return self._site(physical_id).look()

    def _moment(self) -> PlanContext:
        new_keys = {key for key, _ in self._wish.properties.tags}
        return PlanContext(
            now=self._clock.now(),
            request_version=self._stamp,
            may_create=not self._updates or self._target != self._wish.current_id,
            version_asked=self._updates and self._version_asked(),
            rolling_back=self._rolling_back,
            subnets_stay=self._subnets_stay,
            dropped_tags=frozenset(self._wish.old.tag_keys - new_keys) if self._updates else frozenset(),
        )

    def _is_rolling_back(self) -> bool:
        if self._rolling_back is None:
            self._rolling_back = read_stack(self._request.stack_id).rolling_back
        return self._rolling_back

    def _version_asked(self) -> bool:
        old = (self._wish.old.engine, self._wish.old.redis_version)
        return old != (self._wish.properties.engine, self._wish.properties.redis_version)

    # --- order -------------------------------------------------------------------------------------

    def _stale(self, observed: Observed) -> Ignored | None:
        if not own_security_group(self._request.owner, observed):
            return None
        if observed.record.was_answered(self._request.request_id):
            return Ignored("this request was answered already")
        if observed.record.newer_than(self._stamp.signed_at):
            return Ignored("a newer request was accepted", superseded=True)
        return None

    def _accept(self, turn: LoopState) -> Apply | None:
        """Write down that this request is the last one, before its first change of anything."""
        for physical_id in dict.fromkeys((self._wish.current_id, self._target)):
            observed = self._site(physical_id).observed
            group = own_security_group(self._request.owner, observed)
            if not group or observed.record.was_accepted(self._request.request_id):
                continue
            if turn.armed or turn.took_over or observed.record.open:
                return Apply(calls.tag_security_group(group.id, {LAST_ACCEPTED_REQUEST: self._stamp.text()}))
        return None

    def _note(self, turn: LoopState) -> Apply | None:
        """Note a request with nothing to do, where a late copy of the update it takes back would act."""
        old, new = self._request.old_properties, self._request.properties
        group = own_security_group(self._request.owner, self._site(self._wish.current_id).observed)
        if turn.armed or not self._updates or not group or old == new:
            return None
        if group.record.was_accepted(self._request.request_id):
            return None
        try:
            earlier = ApplyController(
                replace(self._request, properties=old, old_properties=new), self._clock, self._prefix
            )
            late = earlier._decide(turn)
        except (InvalidRequestError, NotUpdatableError):
            return None
        if not isinstance(late, Apply | Requeue):
            return None
        return Apply(
            calls.tag_security_group(group.id, {LAST_ACCEPTED_REQUEST: self._stamp.text()}), needs_poll=False
        )

    # --- leftovers of a failed replacement ---------------------------------------------------------

    def _sweep(self) -> Apply | Requeue | Reject | None:
        """Remove the half-made group of a replacement that failed: CloudFormation never learnt of it."""
        physical_id = self._abandoned_id()
        if not physical_id:
            return None
        observed = self._look(physical_id)
        if not observed.security_group:
            # What is missing here is left behind for good: not on the word of a single read.
            observed = self._look(physical_id)
        if not owned(self._request.owner, observed) or self._was_taken(observed.record):
            return None
        group = own_security_group(self._request.owner, observed)
        if observed.group and not group:
            return None
        if group and not observed.record.was_accepted(self._request.request_id):
            return Apply(calls.tag_security_group(group.id, {LAST_ACCEPTED_REQUEST: self._stamp.text()}))
        decision = plan_deletion(self._demolition(physical_id), observed)
        return decision if isinstance(decision, Apply | Requeue | Reject) else None

    def _was_taken(self, record: OperationRecord) -> bool:
        """Tell whether a stack was given the cluster: not by an answer to the very update that is taken back.

        CloudFormation had cancelled that update, or the id of this request would be the cluster's.
        """
        if not record.delivered or record.answered is None:
            return False
        stack = read_stack(self._request.stack_id)
        began = stack.updated_at if stack.rolling_back else None
        return began is None or record.answered.signed_at < began

    def _abandoned_id(self) -> str:
        old = self._wish.old
        if not self._updates or not old.create_only.get("vpc"):
            return ""
        old_id = naming.physical_id(self._request.owner, old.name_prefix, old.create_only)
        return "" if old_id in (self._wish.current_id, self._target) else old_id

    def _demolition(self, physical_id: str) -> DeletionScope:
        return DeletionScope(self._request.owner, naming.names(physical_id, self._prefix), snapshot=None)

    # --- plan and end ------------------------------------------------------------------------------

    def _plan(self) -> Decision:
        """Plan, reading what the plan asks for; each detail is read at most once in a look."""
        site, wanted = self._site(self._target), self._wish.desired(self._target)
        for _ in range(8):
            decision = plan(wanted, site.observed, self._moment())
            if not isinstance(decision, Look):
                return decision
            if decision.detail == "rolling_back":
                self._is_rolling_back()
                continue
            asked = site.observed.record.requested
            since = asked.at if asked else self._request.started_at
            site.observe_detail(decision, wanted.engine, since - _LOOK_BACK)
        raise ResourceError("the planner asks in a circle; report this with the log")

    def _finish(self, turn: LoopState) -> Decision | Outcome:
        """Everything is as desired: hand it over, once the operation taken over has surely stopped."""
        if not turn.calm:
            return Requeue("an operation taken over to stop")
        site = self._site(self._target)
        observed = site.observed
        if observed.group is None or observed.security_group is None:
            return Requeue("the replication group to show")
        hand_over = self._hand_over(observed, observed.security_group) if turn.armed else None
        if turn.armed and not self._updates and read_stack(self._request.stack_id).going_away:
            # Handed over to nobody: the Delete that comes may only know an id of CloudFormation's making.
            if hand_over:
                return Response("FAILED", self._target, "the stack stopped this Create; it is to be deleted")
            # It was marked, and perhaps answered: then the same again.
            self._in_vain = True
        if hand_over:
            return hand_over
        told = (*self._wish.properties.warnings, *warnings(self._wish.desired(self._target), observed))
        for warning in told:
            logger.warning("The cluster is ready, with a warning", warning=warning)
        attributes = artifact.attributes(
            observed.group, observed.security_group, self._credentials(site, observed), told
        )
        return Response("SUCCESS", self._target, attributes=attributes)

    def _hand_over(self, observed: Observed, group: SecurityGroup) -> Apply | None:
        """Mark the cluster as the stack's before saying so; the secret's own mark outlives the group."""
        mark = {IN_SERVICE: self._stamp.text()}
        if self._wish.properties.secure and observed.secret and IN_SERVICE not in observed.secret.tags:
            return Apply(calls.tag_secret(self._site(self._target).names.secret, mark))
        return None if observed.record.in_service else Apply(calls.tag_security_group(group.id, mark))

    def _credentials(self, site: ExternalResource, observed: Observed) -> artifact.Credentials:
        if not self._wish.properties.secure or observed.secret is None:
            return artifact.Credentials()
        token, version = act.stored_token(site.aws, site.names.secret)
        shown = token if self._wish.properties.password_attribute else ""
        return artifact.Credentials(observed.secret.arn, version, shown)
