"""The planted bugs in what is made of a cluster that others have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massdriver_redis.aws import errors
from massdriver_redis.errors import TransientError
from massdriver_redis.planner import replacement, request, requested_change, scaling, subnets
from massdriver_redis.planner import warnings as planner_warnings
from massdriver_redis.reconciler.external import ExternalResource
from massdriver_redis.state.record import RequestedChange

from .changes import do_nothing, drop_guard, replaced_by, set_condition, set_return
from .planting import Bug

if TYPE_CHECKING:
    from massdriver_redis.planner.decision import PlanContext
    from massdriver_redis.planner.target import Intent, Situation
    from massdriver_redis.state.observed import Observed

_TESTS = ("unit/reconciler/test_out_of_band.py",)


def _no_counts(intent: Intent, seen: Situation) -> frozenset[str]:
    return frozenset()


def _change_alone(self: RequestedChange) -> dict[str, str]:
    from massdriver_redis.state.record import LAST_REQUESTED_CHANGE

    return {LAST_REQUESTED_CHANGE: self.text()}


def _every_setting(observed: Observed, context: PlanContext) -> frozenset[str]:
    from massdriver_redis.state.settings import SETTING_NAMES

    return SETTING_NAMES


OUT_OF_BAND_BUGS: tuple[Bug, ...] = (
    Bug(
        "an update sets counts that it doesn't change",
        request._kept_counts,
        replaced_by(_no_counts),
        _TESTS,
    ),
    Bug(
        "a rollback leaves every count alone",
        scaling.fewer_replicas,
        set_return(None, at=-1),
        _TESTS,
    ),
    Bug("no count is recorded as requested", RequestedChange.tags, replaced_by(_change_alone), _TESTS),
    Bug(
        "a refused change of a count stays on record",
        ExternalResource._forget,
        do_nothing(),
        _TESTS,
    ),
    Bug(
        "every rollback that is rejected succeeds",
        request._nothing_to_undo,
        set_return(True, at=-1),
        _TESTS,
    ),
    Bug(
        "a rollback that fails doesn't say how to go on",
        request.to_continue,
        set_condition(True),
        _TESTS,
    ),
    Bug(
        "a setting counts as accepted before AWS took it",
        requested_change.left_alone,
        replaced_by(_every_setting),
        _TESTS,
    ),
    Bug(
        "a zone with a node is dropped",
        subnets.reject_in_use,
        set_return(None, at=-1),
        _TESTS,
    ),
    Bug(
        "a token changed out of band is not warned of",
        planner_warnings._access,
        set_condition(False, at=0),
        _TESTS,
    ),
    Bug(
        "cluster mode compatible is taken for enabled",
        replacement.same_name,
        set_condition(False, mentions="compatible"),
        _TESTS,
    ),
    Bug(
        "an answer without a code of AWS's is final",
        errors._refused,
        drop_guard(mentions=TransientError),
        ("unit/aws/test_garbled.py",),
    ),
)
