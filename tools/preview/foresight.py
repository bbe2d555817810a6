"""The steps an update would take, found by the provider's own planner on a predicted AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from massdriver_redis.calls.base import Call
from massdriver_redis.errors import InvalidRequestError
from massdriver_redis.planner import replacement
from massdriver_redis.planner.decision import Apply, Decision, PlanContext, Reject, UpToDate
from massdriver_redis.planner.plan import plan
from massdriver_redis.planner.warnings import warnings
from massdriver_redis.properties import parse as properties
from massdriver_redis.properties.model import Properties
from massdriver_redis.state import naming
from massdriver_redis.state.desired import Desired, desired
from massdriver_redis.state.naming import Owner
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.record import RequestVersion
from tools.preview.details import details
from tools.preview.prediction import predict

_STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/preview/00000000-0000-4000-8000-000000000000"
OWNER = Owner(_STACK, "Redis")
PREFIX = "mdr-preview"
_MOST_STEPS = 60


@dataclass(frozen=True)
class Foreseen:
    """An update foreseen: a `refusal`, or its calls in order, each with what is observed before it.

    `replaced` names the properties for which a new cluster is made.
    """

    steps: tuple[tuple[Call, Observed], ...] = ()
    refusal: str = ""
    replaced: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def foresee(old: Mapping[str, object], new: Mapping[str, object], today: date) -> Foreseen:
    """Return what an update from `old` to `new` properties does to a cluster that is as `old` says.

    Raises InvalidRequestError where the old properties are not valid.
    """
    before = properties.read(old, today=today)
    try:
        wanted = properties.read(new, today=today)
    except InvalidRequestError as error:
        return Foreseen(refusal=str(error))
    moved = replacement.moved(properties.read_previous(old), wanted)
    return Foreseen(refusal=moved) if moved else between(before, wanted)


def between(before: Properties, wanted: Properties) -> Foreseen:
    """Return what an update from `before` to `wanted` does, in the same Region and account."""
    current_id = physical_id(before)
    current = _made(before, current_id)
    differing = replacement.create_only_differences(wanted, OWNER, current_id, current)
    if differing and physical_id(wanted) == current_id:
        return Foreseen(refusal=replacement.same_name(differing, current.replication_group))
    if differing and not wanted.allow_replacement:
        return Foreseen(refusal=replacement.not_allowed(differing))
    target_id, start = (physical_id(wanted), Observed()) if differing else (current_id, current)
    target = desired(wanted, OWNER, target_id, PREFIX)
    context = _context(
        may_create=bool(differing),
        version_requested=(before.engine, before.redis_version) != (wanted.engine, wanted.redis_version),
        dropped_tags=frozenset(dict(before.tags)) - frozenset(dict(wanted.tags)),
    )
    steps, end, observed = _walk(target, start, context)
    refusal = end.reason if isinstance(end, Reject) else ""
    return Foreseen(
        steps, refusal, tuple(differing), (*wanted.warnings, *warnings(target, observed, context))
    )


def physical_id(wanted: Properties) -> str:
    """Return the id a cluster of these properties has in the preview."""
    return naming.physical_id(OWNER, wanted.name_prefix, wanted.create_only())


def _made(wanted: Properties, current_id: str) -> Observed:
    """Return what is observed after a create. A version that AWS no longer sells still runs where it is."""
    target = desired(wanted, OWNER, current_id, PREFIX)
    _, _, observed = _walk(target, Observed(), _context(may_create=True), off_sale=True)
    return observed


def _context(
    *, may_create: bool, version_requested: bool = False, dropped_tags: frozenset[str] = frozenset()
) -> PlanContext:
    return PlanContext(
        now=0.0,
        request_version=RequestVersion("preview"),
        may_create=may_create,
        version_requested=version_requested,
        dropped_tags=dropped_tags,
    )


def _walk(
    target: Desired, observed: Observed, context: PlanContext, *, off_sale: bool = False
) -> tuple[tuple[tuple[Call, Observed], ...], Decision, Observed]:
    """Follow the planner from one predicted observation to the next until it has nothing more to do."""
    steps: list[tuple[Call, Observed]] = []
    decision: Decision = UpToDate()
    for _ in range(_MOST_STEPS):
        seen = details(observed, target.engine, off_sale=off_sale)
        decision = plan(target, seen, context)
        if not isinstance(decision, Apply):
            break
        for call in decision.calls:
            steps.append((call, observed))
            observed = predict(observed, call, target.subnets)
    return tuple(steps), decision, observed
