"""The search: record an operation's calls once, then replay it with every fault at every one of them."""

from __future__ import annotations

import random
import time
import traceback
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.harness.cloudformation import HungError
from tests.harness.recorder import Call

from .faults import KINDS, hit, possible
from .judge import End, Fault, Plain, wrongs
from .operations import Operation
from .recorder import Send, straight
from .secrecy import findings
from .stack import FaultyStack

Wanted = Callable[[Fault], bool]
AFTERMATH = 840
"""Seconds for which a fault stays after the answer: by then the fallback has given up on any poll, and every
schedule has come to its EndDate."""

LAST_POLLS = 180
"""Seconds after the answer within which a poll finds the request answered and deletes its schedule."""

MOST_CALLS = 3000
"""Calls of one run; more would mean that it never ends."""


@dataclass(frozen=True)
class Verdict:
    """One run: what was put in its way, its end, what was wrong with it, and its part of the search."""

    operation: str
    faults: tuple[str, ...]
    status: str
    wrongs: tuple[str, ...]
    seconds: float
    part: str = "faults"


class CircleError(AssertionError):
    """A run makes calls without end."""


def bounded(index: int) -> None:
    """Raise CircleError where a run has made too many calls."""
    if index > MOST_CALLS:
        raise CircleError(f"more than {MOST_CALLS} calls")


class _Injection:
    """Puts faults in the way of the calls they are meant for; a fault without a name takes any call."""

    def __init__(self, *faults: Fault) -> None:
        self._faults = faults

    def __call__(self, index: int, call: Call, send: Send) -> Any:
        bounded(index)
        for fault in self._faults:
            here = index == fault.index or (fault.for_good and index > fault.index)
            named = call.name == (fault.name or call.name)
            if here and named and possible(call.name, fault.kind, for_good=fault.for_good):
                return hit(fault.kind, index, call, send)
        return send()


def record(operation: Operation, *, real: bool = False) -> Plain:
    """Run an operation without a fault; `real` runs it on moto, where only calls and end are told."""
    with FaultyStack(real=real) as faulty:
        before = prepared(operation, faulty)
        end = ended(operation, faulty)
        calls = tuple(call.name for call in faulty.recorder.calls)
        if real:
            return Plain(end, {}, {}, calls)
        faulty.idle(300)
        plain = Plain(end, before, faulty.state(), calls)
        found = list(wrongs(operation, plain, (), end, faulty))
        assert not found, f"{operation.name} without a fault: {found}"
        return plain


def replay(operation: Operation, plain: Plain, *faults: Fault) -> Verdict:
    """Run an operation with faults, judge its end, and search all that was told for secrets."""
    began = time.monotonic()
    status = "LOST"
    with FaultyStack() as faulty:
        try:
            prepared(operation, faulty)
            faulty.recorder.hook = _Injection(*faults)
            end = ended(operation, faulty)
            status = end.status
            _same_way(plain, faults[0], faulty)
            if end.status != "HUNG":
                # What is wrong for good doesn't end with the answer.
                drain(faulty)
            faulty.recorder.hook = straight
            faulty.idle(300)
            found = list(wrongs(operation, plain, faults, end, faulty))
        except Exception as error:
            found = [f"{type(error).__name__}: {error}", traceback.format_exc()[-1500:]]
        found += [f"a secret is told: {where}" for where in sorted(set(findings(faulty)))]
    part = "pairs" if len(faults) > 1 else "faults"
    told = tuple(map(str, faults))
    return Verdict(operation.name, told, status, tuple(found), time.monotonic() - began, part)


def drain(faulty: FaultyStack) -> None:
    """Let every schedule come to its end, and note which ones last too long."""
    faulty.idle(LAST_POLLS)
    faulty.polled_on = faulty.armed()
    faulty.idle(AFTERMATH - LAST_POLLS)
    faulty.outlived = faulty.armed()


def explore(operation: Operation, plain: Plain, wanted: Wanted) -> Iterator[Verdict]:
    """Yield the verdicts on all wanted faults."""
    for index, name in enumerate(plain.calls):
        for fault in every(index, name):
            if wanted(fault):
                yield replay(operation, plain, fault)


def pairs(operation: Operation, plain: Plain, number: int, seed: int) -> Iterator[Verdict]:
    """Yield the verdicts on `number` pairs of faults, drawn by `seed`; each happens once."""
    draw = random.Random(f"{seed} {operation.name}")
    for _ in range(number):
        first = draw.randrange(len(plain.calls))
        kinds = [kind for kind in KINDS if possible(plain.calls[first], kind, for_good=False)]
        one = Fault(first, plain.calls[first], draw.choice(kinds), for_good=False)
        # What is called at the second place depends on the first fault.
        other = Fault(first + draw.randint(1, 20), "", draw.choice(KINDS), for_good=False)
        yield replay(operation, plain, one, other)


def every(index: int, name: str) -> Iterable[Fault]:
    """Yield every fault a call can have."""
    for kind in KINDS:
        for for_good in (False, True):
            if possible(name, kind, for_good=for_good):
                yield Fault(index, name, kind, for_good)


def in_share(what: object, seed: int, share: float) -> bool:
    """Return whether something belongs to a share of all that is drawn by `seed`."""
    return zlib.crc32(f"{seed} {what}".encode()) % 10_000 < share * 10_000


def prepared(operation: Operation, faulty: FaultyStack) -> dict[str, Any]:
    """Make an operation's setting, and return what lives in it; calls are counted from here on."""
    operation.prepare(faulty)
    faulty.recorder.clear()
    return {} if faulty.real else faulty.state()


def _same_way(plain: Plain, fault: Fault, faulty: FaultyStack) -> None:
    """Hold that the replay came to the fault by the recorded way: else it tests something else."""
    came = tuple(call.name for call in faulty.recorder.calls[: fault.index + 1])
    assert came == plain.calls[: fault.index + 1], "the replay left the recorded way before its fault"


def ended(operation: Operation, faulty: FaultyStack) -> End:
    """Send an operation's request, and return how it ended."""
    try:
        response = operation.act(faulty)
    except HungError as error:
        return End("HUNG", "", str(error), tuple(faulty.violations))
    return End(response.status, response.physical_id, response.reason, tuple(faulty.violations))
