"""What a right end is, with a fault once and with a fault for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .faults import PUT
from .operations import NAME, Operation
from .stack import FaultyStack

OPTIONAL = {
    # The create itself is the last judge of a version; the list only gives a better Reason.
    "elasticache:DescribeCacheEngineVersions",
    # A stack whose status can't be read counts as not rolling back (docs/design.md, replacement).
    "cloudformation:DescribeStacks",
    # A Delete asks for members only while there is a group, which may go while the call is denied.
    "elasticache:DescribeCacheClusters",
}
"""Calls that may be denied for good and yet the request succeeds."""

NOTE = ("elasticache:ModifyReplicationGroup", "ec2:CreateTags")
"""A change of settings, and the note that it was accepted; before a change there is always another note."""

CANT_RUN = "The provider function could not run"
"""The fallback's word where Lambda lost both tries of an event (docs/operations.md)."""

_IN_OTHER_WORDS = {"sts:AssumeRole": "can't be assumed"}
DISARMS = {"scheduler:DeleteSchedule"}
"""Calls after the answer, and those that stop the polls of an operation taken over. Where they fail for good,
the schedule deletes itself after its EndDate."""


@dataclass(frozen=True)
class Fault:
    """A fault at one call of the recorded operation: once, or from there on at every call of that name."""

    index: int
    name: str
    kind: str
    for_good: bool

    def __str__(self) -> str:
        return f"#{self.index} {self.name} {self.kind}{' for good' if self.for_good else ''}"


@dataclass(frozen=True)
class End:
    """How a request ended; `status` is HUNG where nobody answered."""

    status: str
    physical_id: str
    reason: str
    violations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plain:
    """The run without a fault: its end, what lived before and after it, and its calls by name."""

    end: End
    before: dict[str, Any]
    after: dict[str, Any]
    calls: tuple[str, ...]

    @property
    def answered_at(self) -> int:
        return self.calls.index(PUT)


def wrongs(
    operation: Operation, plain: Plain, faults: Sequence[Fault], end: End, faulty: FaultyStack
) -> Iterator[str]:
    """Yield what is wrong with the end of a run; may go on with the run to see what is left after it.

    Of several faults each happens once.
    """
    fault = faults[0] if faults else None
    yield from end.violations
    if faulty.unheard and not _lost_twice(faults):
        yield f"answered once more, otherwise: {faulty.unheard}"
    yield from polls(faults, faulty)
    if end.status == plain.end.status:
        yield from as_ever(operation, plain, fault, end, faulty)
    elif _lost_twice(faults) and end.status == "FAILED" and CANT_RUN in end.reason:
        pass  # Lambda lost both tries of one event: the function can't run, whoever is to blame.
    elif fault is None or not fault.for_good:
        yield f"ended {end.status}: {end.reason}"
    elif end.status == "HUNG":
        # A response that never arrives leaves CloudFormation to its own time-out, whatever is done here.
        if fault.name != PUT:
            yield f"nobody answered: {end.reason}"
    elif end.status != "FAILED":
        yield f"ended {end.status} where the plain run ended {plain.end.status}"
    elif not _names(fault, end.reason) and fault.name not in OPTIONAL:
        yield f"the Reason doesn't name the call: {end.reason}"
    if end.status != "SUCCESS" or (fault and fault.for_good and fault.name in DISARMS):
        yield from mended(operation, plain, end, faulty)


def as_ever(
    operation: Operation, plain: Plain, fault: Fault | None, end: End, faulty: FaultyStack
) -> Iterator[str]:
    """Yield what is otherwise than after the run without a fault."""
    if not operation.fails:
        if end.physical_id != plain.end.physical_id:
            yield f"the id is {end.physical_id} and not {plain.end.physical_id}"
        yield from _differences(plain.after, faulty.state())
    if fault and end.status == "SUCCESS" and _must_fail(plain, fault):
        yield "succeeded although the call was denied"


def polls(faults: Sequence[Fault], faulty: FaultyStack) -> Iterator[str]:
    """Yield what is wrong with the schedules that were left after the answer."""
    if faulty.polled_on and not any(map(_keeps_polling, faults)):
        yield f"still polled some minutes after the answer: {faulty.polled_on}"
    if faulty.outlived:
        yield f"a schedule that doesn't end by itself: {faulty.outlived}"


def _keeps_polling(fault: Fault) -> bool:
    """Return whether a fault may keep a schedule until its EndDate.

    No invocation can delete it, or none learns that CloudFormation took the response.
    """
    stays = fault.name.startswith(("scheduler:", PUT)) or fault.kind.startswith("killed")
    return fault.for_good and stays


def _lost_twice(faults: Sequence[Fault]) -> bool:
    """Return whether both tries of an event can have been lost.

    The process died, or what became of the response is not known and there is no poll to send it again.
    """
    losses = [fault for fault in faults if fault.kind.startswith("killed") or fault.name in ("", PUT)]
    return len(losses) > 1 or any(fault.for_good for fault in losses)


def _must_fail(plain: Plain, fault: Fault) -> bool:
    """Return whether the request can't be done: a call it needs before the answer is denied for good."""
    needed = fault.index < plain.answered_at and fault.name not in OPTIONAL | DISARMS
    return needed and fault.for_good and fault.kind == "denied" and not _is_note(plain, fault)


def _is_note(plain: Plain, fault: Fault) -> bool:
    """Return whether a call only notes that AWS accepted settings: those that show need no note."""
    return (plain.calls[fault.index - 1], fault.name) == NOTE


def _names(fault: Fault, reason: str) -> bool:
    """Return whether the Reason says where the trouble is; of a process that died nobody knows where."""
    if fault.kind.startswith("killed") or fault.name == PUT:
        return bool(reason)
    words = (fault.name.split(":")[1], _IN_OTHER_WORDS.get(fault.name, fault.name))
    return any(each in reason for each in words)


def mended(operation: Operation, plain: Plain, end: End, faulty: FaultyStack) -> Iterator[str]:
    """Do what CloudFormation does next, now without a fault, then delete all."""
    if end.status == "SUCCESS":
        faulty.clean_up(NAME)
    else:
        operation.mend(faulty)
        faulty.idle(300)
        if operation.restores and faulty.resources[NAME].physical_id and plain.before["groups"]:
            # What was in service, if only for CloudFormation to revert, leaves a final snapshot.
            before, after = ({**each, "snapshots": None} for each in (plain.before, faulty.state()))
            yield from (f"after the rollback: {what}" for what in _differences(before, after))
    if faulty.resources[NAME].physical_id and faulty.leftovers():
        response = faulty.delete(NAME)
        if not response.ok:
            yield f"the final Delete failed: {response.reason}"
    faulty.idle(300)
    left = faulty.leftovers()
    if left:
        yield f"left behind: {', '.join(left)}"


def _differences(wanted: dict[str, Any], found: dict[str, Any], path: str = "") -> Iterator[str]:
    for key in sorted(wanted.keys() | found.keys()):
        here = f"{path}/{key}"
        one, other = wanted.get(key), found.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other, here)
        elif one != other:
            yield f"{here} is {other!r} and not {one!r}"
