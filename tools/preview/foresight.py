"""The steps an update would take, found by the provider's own planner on a predicted world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from massdriver_redis.calls.base import Call
from massdriver_redis.errors import InvalidRequestError
from massdriver_redis.planner import replacement
from massdriver_redis.planner.decision import Decision, Failed, Look, Moment, Step
from massdriver_redis.planner.plan import plan, warnings
from massdriver_redis.properties import parse as properties
from massdriver_redis.properties.parse import Properties
from massdriver_redis.state import naming
from massdriver_redis.state.desired import Desired, desired
from massdriver_redis.state.naming import Owner
from massdriver_redis.state.observed import World
from massdriver_redis.state.record import Stamp
from tools.preview.details import details
from tools.preview.prediction import predict

_STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/preview/00000000-0000-4000-8000-000000000000"
OWNER = Owner(_STACK, "Redis")
PREFIX = "mdr-preview"
_MOST_STEPS = 60


@dataclass(frozen=True)
class Foreseen:
    """An update foreseen: a `refusal`, or its calls in order, each with the world it meets.

    `replaced` names the properties for which a new cluster is made.
    """

    steps: tuple[tuple[Call, World], ...] = ()
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
    moved = replacement.moved(properties.read_old(old), wanted)
    return Foreseen(refusal=moved) if moved else between(before, wanted)


def between(before: Properties, wanted: Properties) -> Foreseen:
    """Return what an update from `before` to `wanted` does, in the same Region and account."""
    home_id = physical_id(before)
    home = _made(before, home_id)
    differing = replacement.create_only_differences(wanted, OWNER, home_id, home)
    if differing and physical_id(wanted) == home_id:
        return Foreseen(refusal=replacement.same_name(differing))
    if differing and not wanted.allow_replacement:
        return Foreseen(refusal=replacement.not_allowed(differing))
    target_id, start = (physical_id(wanted), World()) if differing else (home_id, home)
    target = desired(wanted, OWNER, target_id, PREFIX)
    moment = _moment(
        may_create=bool(differing),
        version_asked=(before.engine, before.redis_version) != (wanted.engine, wanted.redis_version),
        dropped_tags=frozenset(dict(before.tags)) - frozenset(dict(wanted.tags)),
    )
    steps, end, world = _walk(target, start, moment)
    refusal = end.reason if isinstance(end, Failed) else ""
    return Foreseen(steps, refusal, tuple(differing), (*wanted.warnings, *warnings(target, world)))


def physical_id(wanted: Properties) -> str:
    """Return the id a cluster of these properties has in the preview."""
    return naming.physical_id(OWNER, wanted.name_prefix, wanted.create_only())


def _made(wanted: Properties, home_id: str) -> World:
    """Return the world after a create. A version that AWS no longer sells still runs where it is."""
    target = desired(wanted, OWNER, home_id, PREFIX)
    _, _, world = _walk(target, World(), _moment(may_create=True), off_sale=True)
    return world


def _moment(
    *, may_create: bool, version_asked: bool = False, dropped_tags: frozenset[str] = frozenset()
) -> Moment:
    return Moment(
        now=0.0,
        stamp=Stamp("preview"),
        may_create=may_create,
        version_asked=version_asked,
        rolling_back=False,
        dropped_tags=dropped_tags,
    )


def _walk(
    target: Desired, world: World, moment: Moment, *, off_sale: bool = False
) -> tuple[tuple[tuple[Call, World], ...], Decision, World]:
    """Follow the planner from one predicted world to the next until it has nothing more to do."""
    steps: list[tuple[Call, World]] = []
    decision: Decision = Look("versions")
    for _ in range(_MOST_STEPS):
        seen = details(world, target.engine, off_sale=off_sale)
        decision = plan(target, seen, moment)
        if not isinstance(decision, Step):
            break
        steps.append((decision.call, seen))
        world = predict(world, decision.call, target.subnets)
    return tuple(steps), decision, world
