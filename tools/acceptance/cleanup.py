"""The clean-up: it goes on whatever fails, and names what is still there at its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from tools.acceptance import leftovers
from tools.acceptance.leftovers import Leftover
from tools.acceptance.run import FailedError, Run
from tools.acceptance.stacks import GONE, Stack

TRIES = 40
"""Rounds of removing: a cluster takes minutes to go, and holds its security group until then."""


def clean_up(run: Run) -> list[str]:
    """Remove all that the run made; return what could not be removed, each with the reason."""
    run.transcript.step = "clean-up"
    problems: dict[str, str] = {}
    consumer, provider = Stack(run, run.consumer), Stack(run, run.provider)
    _guarded(problems, f"stack {consumer.name}", lambda: _remove_stack(run, consumer))
    _guarded(problems, "what the stack left", lambda: _remove_leftovers(run))
    if consumer.name in " ".join(problems):
        # Its provider could not do it, and what it had is gone now: leave the resource out.
        _guarded(problems, f"stack {consumer.name}", lambda: _remove_stack(run, consumer, ("Redis",)))
    with suppress(Exception):
        _keep_log(run, provider)
    # The provider goes last: CloudFormation asks it to delete what the consumer's stack has.
    _guarded(problems, f"stack {provider.name}", lambda: _remove_stack(run, provider))
    return [f"{what}: {why}" for what, why in problems.items()]


def _guarded(problems: dict[str, str], what: str, remove: Callable[[], None]) -> None:
    """Note what went wrong under `what`, or that it went well at last."""
    try:
        remove()
    except Exception as error:  # whatever it is: the rest must be removed, too
        problems[what] = str(error)
    else:
        problems.pop(what, None)


def _remove_stack(run: Run, stack: Stack, retained: tuple[str, ...] = ()) -> None:
    """Delete a stack. Raises FailedError if it is still there."""
    if stack.status() == GONE:
        return
    run.say(f"clean up: delete the stack {stack.name}")
    with suppress(Exception):
        stack.cancel_update()
    stack.wait()
    stack.delete(retained)
    status = stack.wait()
    if status != GONE:
        raise FailedError(f"{status}: {'; '.join(stack.reasons()[:2])}")


def _keep_log(run: Run, provider: Stack) -> None:
    """Copy what the function logged into the transcript: each change it asked AWS for, and why it waited."""
    group = provider.physical_id("ProviderLogGroup")
    pages = run.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    count = sum(len(page["events"]) for page in pages)
    run.say(f"the provider's log: {count} lines, in the transcript")


def _remove_leftovers(run: Run) -> None:
    """Remove, in rounds, what has the run's name. Raises FailedError with what is still there."""
    problems: dict[str, str] = {}
    for _ in range(TRIES):
        found = leftovers.find(run)
        if not found:
            return
        for each in found:
            run.say(f"clean up: remove {each}")
            _guarded(problems, str(each), lambda each=each: _remove(run, each))  # type: ignore[misc]
        time.sleep(3 * run.settings.look_seconds)
    left = [f"{each} ({problems.get(str(each), 'still going')})" for each in leftovers.find(run)]
    if left:
        raise FailedError(", ".join(left))


def _remove(run: Run, left: Leftover) -> None:
    """Ask for the removal of one thing; a final snapshot of a cluster is not taken any more."""
    cache = run.client("elasticache")
    if left.kind == "replication group":
        cache.delete_replication_group(ReplicationGroupId=left.id)
    elif left.kind == "subnet group":
        cache.delete_cache_subnet_group(CacheSubnetGroupName=left.id)
    elif left.kind == "final snapshot":
        cache.delete_snapshot(SnapshotName=left.id)
    elif left.kind == "security group":
        run.client("ec2").delete_security_group(GroupId=left.id)
    elif left.kind == "secret":
        run.client("secretsmanager").delete_secret(SecretId=left.id, ForceDeleteWithoutRecovery=True)
    elif left.kind == "schedule":
        run.client("scheduler").delete_schedule(Name=left.name, GroupName=left.id)
