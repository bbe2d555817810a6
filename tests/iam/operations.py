"""Every operation of the provider and of its fallback in process, as what IAM evaluates for their calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from tests.harness import samples
from tests.harness.envelope import event
from tests.harness.inmemory_aws import InMemoryAws
from tests.harness.recorder import Before, Call, Recorder
from tests.harness.samples import FREE_TIER, SHARDED_CLUSTER
from tests.harness.schedules import ACCOUNT, REGION
from tests.harness.stack import NAME, StackUnderTest, failing
from tests.unit.fallback.stage import Stage, poll

from .checks import Check, Place, checks
from .tags import of_elasticache


@dataclass(frozen=True)
class Asked:
    """One check, with the operation, the role and the call it is for."""

    operation: str
    role: str
    call: str
    check: Check


Noted = list[Asked]

UNKNOWN = Check("", "")
"""Noted for a call that authorization.json doesn't describe."""


@cache
def asked() -> tuple[Asked, ...]:
    """Return the checks of every operation, each with the tags that the resource has at that time."""
    found: Noted = []
    for operation in (_free_tier, _sharded, _replacement, _failed_create, _clash, _given_role, _fallback):
        operation(found)
    return tuple(found)


def unknown_calls() -> set[str]:
    """Return the calls of these operations that authorization.json doesn't describe."""
    return {each.call for each in asked() if each.check is UNKNOWN}


def tags_of(cloud: Any, arn: str) -> dict[str, str]:
    """Return the tags of a security group or of something of ElastiCache, in an AWS in memory."""
    if arn.startswith("arn:aws:elasticache:"):
        return of_elasticache(cloud.simulator, arn)
    group = cloud.ec2.groups.get(arn.rsplit("/", 1)[-1], {"Tags": []})
    return {tag["Key"]: tag["Value"] for tag in group["Tags"]}


def _noting(
    found: Noted, operation: str, role: str, cloud: Any, fault: Callable[[Call, int], Any] | None = None
) -> Before:
    """Return a hook of the recorder that notes what IAM evaluates, before a fault may stop the call."""
    place = Place(REGION, ACCOUNT, tags=lambda arn: tags_of(cloud, arn))

    def note(call: Call, index: int) -> Mapping[str, Any] | None:
        evaluated = checks(call.service, call.operation, call.params, place) or [UNKNOWN]
        found.extend(Asked(operation, role, call.name, each) for each in evaluated)
        return fault(call, index) if fault else None

    return note


@contextmanager
def _stack(found: Noted, operation: str, fault: Callable[[Call, int], Any] | None = None) -> Iterator[Any]:
    with StackUnderTest() as stack:
        stack.recorder.before = _noting(found, operation, "ProviderRole", stack.cloud, fault)
        yield stack


def _free_tier(found: Noted) -> None:
    """Every property of one node that changes in place, and back where AWS allows it."""
    with _stack(found, "free tier") as stack:
        first = stack.properties(tags={"team": "shop"}, vpc=stack.vpc(stack.cloud.subnets[:2]))
        stack.created(first)
        later = {
            "node_type": "cache.t3.small",
            "redis_version": "7.1",
            "replicas": 2,
            "allow_vpc_access": False,
            "snapshot_retention_limit": 3,
            "tags": {"stage": "live"},
        }
        assert stack.changed(stack.properties(**later)).ok
        # What can't go back stays: the newer engine, and a subnet that has nodes.
        assert stack.changed(stack.properties(redis_version="7.1", tags={"team": "shop"})).ok
        assert stack.delete(NAME).ok


def _sharded(found: Noted) -> None:
    """The second create takes the secret back out of its recovery window."""
    with _stack(found, "sharded cluster") as stack:
        stack.created(stack.properties(SHARDED_CLUSTER))
        for node_groups in (3, 2):
            assert stack.changed(stack.properties(SHARDED_CLUSTER, node_groups=node_groups)).ok
        assert stack.delete(NAME).ok
        assert stack.create(NAME, stack.properties(SHARDED_CLUSTER)).ok
        assert stack.delete(NAME).ok


def _replacement(found: Noted) -> None:
    with _stack(found, "replacement") as stack:
        stack.created()
        assert stack.changed(stack.properties(secure=False, allow_replacement=True)).ok
        assert stack.delete(NAME).ok


def _failed_create(found: Noted) -> None:
    with _stack(found, "a create that fails later") as stack:
        stack.simulator.fail_next_create("Create failed: the subnets have no free addresses.")
        assert not stack.create(NAME, stack.properties()).ok
        assert stack.delete(NAME).ok


def _clash(found: Noted) -> None:
    """The final snapshot's name is taken, so its owner is looked up."""
    clash = failing("elasticache:DeleteReplicationGroup", "SnapshotAlreadyExistsFault")
    with _stack(found, "a delete whose snapshot exists", clash) as stack:
        stack.created()
        assert stack.delete(NAME).ok


def _given_role(found: Noted) -> None:
    with _stack(found, "aws_authentication") as stack:
        given = samples.authentication(REGION)
        given["data"]["arn"] = f"arn:aws:iam::{ACCOUNT}:role/redis-maker"
        stack.created(stack.properties(FREE_TIER, aws_authentication=given))
        assert stack.delete(NAME).ok


def _fallback(found: Noted) -> None:
    """The function can't start, then its polls fail for so long that the fallback answers."""
    with pytest.MonkeyPatch.context() as patch, InMemoryAws() as cloud:
        patch.delenv("RESPONSE_HOST", raising=False)
        stage = Stage(cloud)
        stage.arm(poll())
        with Recorder(before=_noting(found, "fallback", "FallbackRole", cloud)):
            stage.fail(event())
            assert stage.fail_every_minute(poll(), 10)[-1] == "FAILED"
