"""Which replication group a Create or an Update targets: a new one, the current one, or an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from massdriver_redis.calls import elasticache
from massdriver_redis.planner import replacement
from massdriver_redis.planner.decision import Apply, Ignore, Observation, Reject, Requeue
from massdriver_redis.planner.plan import foreign_reason
from massdriver_redis.properties.model import PreviousProperties, Properties
from massdriver_redis.state import naming
from massdriver_redis.state.desired import Desired, desired
from massdriver_redis.state.naming import Owner
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.record import OperationRecord, RequestVersion
from massdriver_redis.state.stack import Stack


@dataclass(frozen=True)
class Intent:
    """What a request asks for: its properties, those before, and the ids that they lead to.

    `reverts` says that the properties before are others, and `is_dated` that the request's signing time is
    exact. `current_id` is the event's own id, or for a Create the derived one.
    """

    owner: Owner
    version: RequestVersion
    updates: bool
    reverts: bool
    properties: Properties
    previous: PreviousProperties
    current_id: str
    derived_id: str
    prefix: str
    is_dated: bool = True

    def is_late(self, stack: Stack) -> bool:
        """Return whether the request is a late copy, from before the present update of its stack."""
        return self.is_dated and stack.is_past(self.version)

    def desired(self, physical_id: str) -> Desired:
        """Return what these properties mean under an id."""
        return desired(self.properties, self.owner, physical_id, self.prefix)

    def differences(self, current: Observed) -> list[str]:
        """Return the create-only properties that differ from what is live under the current id."""
        return replacement.create_only_differences(self.properties, self.owner, self.current_id, current)


@dataclass(frozen=True)
class Target:
    """The replication group that a request brings to its properties, or what stands in the way of it."""

    physical_id: str = ""
    obstacle: Apply | Requeue | Reject | Ignore | None = None


@dataclass(frozen=True)
class Situation(Observation):
    """What lives under the ids of an intent, and what its stack does; empty where it plays no part.

    `taggings` counts how often this invocation set tags of ElastiCache. `owned` are the records of all the
    owner's clusters by physical id. `target` is what the rest makes the target, and `observed` what lives
    under its id, with the details that its plan needs. `abandoned` is what is left under `abandoned_id`, of a
    cluster that CloudFormation knows nothing of.
    """

    current: Observed = field(default_factory=Observed)
    derived: Observed | None = None
    stack: Stack = field(default_factory=Stack)
    unused_subnets_kept: bool = False
    taggings: int = 0
    owned: Mapping[str, OperationRecord] = field(default_factory=dict)
    target: Target = field(default_factory=Target)
    observed: Observed = field(default_factory=Observed)
    abandoned_id: str = ""
    abandoned: Observed = field(default_factory=Observed)


def resolve_target(intent: Intent, situation: Situation) -> Target:
    """Return the replication group that a Create or an Update targets."""
    if not intent.updates:
        return _new(intent, situation)
    current = situation.current
    foreign = foreign_reason(intent.current_id, current)
    if foreign:
        return Target(obstacle=Reject(foreign))
    if current.replication_group is None:
        return _without_current(intent, situation)
    differing = intent.differences(current)
    return _replacement(intent, situation, differing) if differing else Target(intent.current_id)


def _without_current(intent: Intent, situation: Situation) -> Target:
    """An Update of what is gone: out of band, or by the clean-up after this very request's replacement."""
    derived, stack = situation.derived, situation.stack
    if derived and derived.record.was_accepted(intent.version.request_id):
        return Target(intent.derived_id)  # judged before
    if stack.being_deleted or intent.is_late(stack):
        return Target(obstacle=Ignore("the stack updates nothing now; this Update is a late copy"))
    return Target(
        obstacle=Reject(
            replacement.moved(intent.previous, intent.properties)
            or f"replication group {intent.current_id} was not found; restore it under this id, or remove "
            "the resource from the template and add it again"
        )
    )


def _new(intent: Intent, situation: Situation) -> Target:
    """A Create: nothing there, our own earlier try, or a leftover that was never in service."""
    physical_id, observed, stack = intent.derived_id, situation.current, situation.stack
    foreign = foreign_reason(physical_id, observed)
    if foreign:
        # Where something of ours stands alongside it, the clean-up must find that by the id.
        mine = observed.exists and not observed.record.in_service
        return Target(obstacle=Reject(foreign) if mine else _nothing_made(intent, foreign))
    if stack.going_away or intent.is_late(stack):
        late = "the stack creates nothing now; this Create is a late copy"
        return Target(obstacle=Ignore(late, superseded=True))
    if observed.record.was_accepted(intent.version.request_id):
        return Target(physical_id)
    if observed.unrecorded:
        # Only its record shows whether this Create made it: a Delete of this id looks again.
        unknown = naming.unknown_outcome(intent.owner)
        return Target(obstacle=Reject(_still_exists(physical_id), unknown))
    if observed.record.in_service:
        return Target(obstacle=_nothing_made(intent, _still_exists(physical_id)))
    return _unless_failed(physical_id, observed)


def _replacement(intent: Intent, situation: Situation, differing: list[str]) -> Target:
    physical_id, observed = intent.derived_id, situation.derived
    if physical_id == intent.current_id or observed is None:
        return Target(obstacle=Reject(replacement.same_name(differing, situation.current.replication_group)))
    foreign = foreign_reason(physical_id, observed)
    if foreign:
        return Target(obstacle=Reject(foreign))
    if observed.record.was_accepted(intent.version.request_id):
        return Target(physical_id)  # judged before
    if observed.unrecorded or (observed.replication_group and observed.record.in_service):
        return _earlier(intent, situation, observed)
    if not intent.properties.allow_replacement:
        return Target(obstacle=Reject(replacement.not_allowed(differing)))
    return _unless_failed(physical_id, observed)


def _earlier(intent: Intent, situation: Situation, observed: Observed) -> Target:
    """The target was in service before: the original of a rollback, or a leftover to leave alone."""
    if observed.replication_group and observed.replication_group.status == "deleting":
        if intent.properties.allow_replacement:
            return Target(obstacle=Requeue("an earlier cluster of the same name is being deleted"))
    elif situation.stack.rolling_back:
        return Target(intent.derived_id)
    return Target(obstacle=Reject(_still_exists(intent.derived_id)))


def _unless_failed(physical_id: str, observed: Observed) -> Target:
    """A leftover that ElastiCache could not create is deleted first."""
    if observed.replication_group and observed.replication_group.status == "create-failed":
        return Target(obstacle=Apply(elasticache.delete_replication_group(physical_id, None)))
    return Target(physical_id)


def _nothing_made(intent: Intent, reason: str) -> Reject:
    return Reject(reason, physical_id=naming.nothing_made(intent.owner))


def _still_exists(physical_id: str) -> str:
    return (
        f"{physical_id} still exists from an earlier deployment and was left alone: delete it, or set "
        "md_metadata.name_prefix to another value"
    )
