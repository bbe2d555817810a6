"""What is explored: each operation as its setting, its one request, and what CloudFormation does next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.harness import samples as document
from tests.harness.cloudformation import ReceivedResponse, StackResource, stringify

from .stack import INVENTED_ID, NAME, FaultyStack

Act = Callable[[FaultyStack], ReceivedResponse]

SMALL = {**document.FREE_TIER, "secure": False}
_FAILED_CREATE = "Could not create the cache cluster: insufficient capacity in the zone"
_REVERTED = "Unable to add replicas: not enough addresses in the subnets"


@dataclass(frozen=True)
class Operation:
    """One request in its setting.

    `prepare` makes the setting and `act` sends the request; `mend` is what CloudFormation or its user does
    where it failed, up to the deletion of the stack. `fails` says that it ends in FAILED without any fault.
    `restores` says that `mend` first brings back what was before (a rolled back Update).
    """

    name: str
    prepare: Callable[[FaultyStack], None]
    act: Act
    mend: Callable[[FaultyStack], None]
    fails: bool = False
    restores: bool = True


# --- what follows a failure ------------------------------------------------------------------------


class UnmendedError(AssertionError):
    """A rollback or a Delete failed although no fault stood in its way."""


def _demand(response: ReceivedResponse, what: str) -> None:
    if not response.ok:
        raise UnmendedError(f"{what}: {response.reason}")


def delete_created(faulty: FaultyStack) -> None:
    """Delete what a failed create may have left, by the id it answered or one that was made up."""
    resource = faulty.resources[NAME]
    if resource.physical_id is None:
        resource.physical_id = INVENTED_ID
    _demand(faulty.roll_back(NAME), "the Delete of the failed create")


def swap(faulty: FaultyStack) -> None:
    """Send the swapped Update."""
    _demand(faulty.swap(), "the swapped Update")


def swap_again(faulty: FaultyStack) -> None:
    """Continue a rollback that failed, then clean up as after any."""
    _demand(faulty.swap_again(), "the continued rollback")
    cleaned = faulty.clean_up(NAME)
    if cleaned:
        _demand(cleaned, "the clean-up")


def clean_up(faulty: FaultyStack) -> None:
    """Send the clean-up Delete again."""
    _demand(faulty.clean_up_old(), "the repeated clean-up")


def nothing(_faulty: FaultyStack) -> None:
    """Leave it to the Delete that ends every run."""


# --- settings --------------------------------------------------------------------------------------


def _bare(_faulty: FaultyStack) -> None:
    """Nothing is there yet."""


def _created(preset: Mapping[str, Any], **changes: Any) -> Callable[[FaultyStack], None]:
    def prepare(faulty: FaultyStack) -> None:
        response = faulty.create(NAME, faulty.properties(preset, **changes))
        assert response.ok, response.reason

    return prepare


def _create(preset: Mapping[str, Any], **changes: Any) -> Act:
    return lambda faulty: faulty.create(NAME, faulty.properties(preset, **changes))


def _update(preset: Mapping[str, Any], **changes: Any) -> Act:
    return lambda faulty: faulty.update(NAME, faulty.properties(preset, **changes), clean_up=False)


def _updated(
    preset: Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    fails: bool,
    order: Callable[[FaultyStack], None] = _bare,
    **before: Any,
) -> Callable[[FaultyStack], None]:
    """Prepare a resource whose Update with `changes` ended as told, after `order` was given."""

    def prepare(faulty: FaultyStack) -> None:
        _created(preset, **before)(faulty)
        order(faulty)
        response = _update(preset, **{**before, **changes})(faulty)
        assert response.ok is not fails, response.reason

    return prepare


def _fail_create(faulty: FaultyStack) -> None:
    faulty.aws.simulator.fail_next_create(_FAILED_CREATE)


def _revert_replicas(faulty: FaultyStack) -> None:
    faulty.aws.simulator.roll_back_next("replicas", _REVERTED)


def _failed_create(faulty: FaultyStack) -> None:
    _fail_create(faulty)
    response = faulty.create(NAME, faulty.properties(document.FREE_TIER))
    assert not response.ok


def _cancelled_create(faulty: FaultyStack) -> None:
    """CloudFormation cancels a create that runs, and deletes it under an id of its own making."""
    faulty.stack_status("CREATE_IN_PROGRESS")
    properties = stringify(faulty.properties(document.FREE_TIER))
    faulty.resources[NAME] = StackResource(INVENTED_ID, properties)
    faulty.send("Create", NAME)
    faulty.step(until=faulty.clock.now())


# --- the list --------------------------------------------------------------------------------------

_ROLE = {
    "data": {
        "arn": f"arn:aws:iam::{document.ACCOUNT}:role/massdriver/provisioner",
        "external_id": "3a9f0f2c-external-id-7b1d",
    },
    "specs": {"aws": {"region": "us-east-1"}},
}
_REPLICATED = document.HIGHLY_AVAILABLE
_SHARDED = document.SHARDED_CLUSTER
_TWICE = {"node_type": "cache.t3.small", "replicas": 2}
_REPLACE = {"secure": False, "allow_replacement": True}
_CHANGEABLE = {"allow_replacement": True}


def _create_of(name: str, preset: Mapping[str, Any], **changes: Any) -> Operation:
    return Operation(name, _bare, _create(preset, **changes), delete_created)


def _update_of(name: str, preset: Mapping[str, Any], change: Mapping[str, Any], **before: Any) -> Operation:
    restores = "redis_version" not in change
    act = _update(preset, **{**before, **change})
    return Operation(name, _created(preset, **before), act, swap, restores=restores)


def _with_role(preset: Mapping[str, Any]) -> dict[str, Any]:
    return {**preset, "aws_authentication": _ROLE}


OPERATIONS = (
    _create_of("create", document.FREE_TIER),
    _create_of("create replicated", _with_role(_REPLICATED)),
    _create_of("create sharded", _SHARDED),
    Operation(
        "create that fails",
        _fail_create,
        _create(document.FREE_TIER),
        delete_created,
        fails=True,
    ),
    _update_of("update node type", SMALL, {"node_type": "cache.t3.small"}),
    _update_of("update replicas up", _with_role(_REPLICATED), {"replicas": 2}),
    _update_of("update replicas down", _REPLICATED, {"replicas": 1}, replicas=2),
    _update_of("update shards out", _SHARDED, {"node_groups": 3}),
    _update_of("update shards in", _SHARDED, {"node_groups": 2}, node_groups=3),
    _update_of("update engine", SMALL, {"redis_version": "6.x"}, redis_version="5.0"),
    _update_of("update tags", document.FREE_TIER, {"tags": {"team": "b"}}, tags={"team": "a", "old": "1"}),
    _update_of("update access", SMALL, {"allow_vpc_access": False}),
    _update_of(
        "update settings",
        SMALL,
        {"snapshot_retention_limit": 3, "maintenance_window": "tue:09:00-tue:10:00"},
    ),
    Operation(
        "update that is refused",
        _created(SMALL),
        _update(SMALL, secure=True),
        swap,
        fails=True,
    ),
    Operation("replacement", _created(document.FREE_TIER), _update(document.FREE_TIER, **_REPLACE), swap),
    Operation(
        "clean-up of a replacement",
        _updated(document.FREE_TIER, _REPLACE, fails=False),
        FaultyStack.clean_up_old,
        clean_up,
        restores=False,
    ),
    Operation(
        "rollback of a failed update",
        _updated(_REPLICATED, _TWICE, fails=True, order=_revert_replicas),
        FaultyStack.swap,
        swap_again,
        restores=False,
    ),
    Operation(
        "rollback of a failed replacement",
        _updated(document.FREE_TIER, _REPLACE, fails=True, order=_fail_create),
        FaultyStack.swap,
        swap_again,
        restores=False,
    ),
    Operation(
        "rollback of a finished replacement",
        _updated(document.FREE_TIER, _REPLACE, fails=False, **_CHANGEABLE),
        FaultyStack.swap,
        swap_again,
        restores=False,
    ),
    Operation(
        "delete",
        _created(_with_role(_REPLICATED)),
        lambda faulty: faulty.delete(NAME),
        nothing,
        restores=False,
    ),
    Operation(
        "delete of a failed create",
        _failed_create,
        lambda faulty: faulty.roll_back(NAME),
        nothing,
        restores=False,
    ),
    Operation(
        "delete of a cancelled create",
        _cancelled_create,
        lambda faulty: faulty.roll_back(NAME),
        nothing,
        restores=False,
    ),
)
