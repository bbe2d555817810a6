"""The first event delivered twice: the copy meets trouble, or the event's first minutes do.

A first delivery dies at a call, and Lambda delivers the event again; or another container gets the same
event while the first is suspended at that call, or once it is answered. Every call of one family is in
trouble for as long as that copy lasts.
"""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.harness.recorder import Call

from .containers import CLOSES_AFTER, Containers
from .explorer import Verdict, bounded, drain, ended, prepared
from .faults import hit, is_read
from .judge import CANT_RUN, End, Plain, as_ever, mended, polls
from .operations import Operation
from .recorder import Send, straight
from .secrecy import findings
from .stack import SERVICE_TIMEOUT

WAYS = ("killed before", "killed after", "suspended")
ANSWERED = "answered"
"""How the event comes to be delivered again; once it is answered, no call of the first delivery is left."""

TROUBLES = ("throttled", "denied", "garbled")
FAMILIES: dict[str, Callable[[Call], bool]] = {
    "Scheduler": lambda call: call.service == "scheduler",
    "reads": lambda call: is_read(call.name),
    "EC2 writes": lambda call: call.service == "ec2" and not is_read(call.name),
    "STS": lambda call: call.service == "sts",
}
ARMING = "CreateSchedule"
ROLE = "the role's calls"
_OF_A_SPELL: dict[str, Callable[[Call], bool]] = {
    **FAMILIES,
    ARMING: lambda call: call.operation == ARMING,
    ROLE: lambda call: call.service in {"elasticache", "ec2", "secretsmanager", "sts"},
}

SPELLS = (30.0, 120.0, 240.0)
"""Seconds for which a family of calls is in trouble from the first delivery on, and then is well again."""

LATE_IAM = (30.0, 100.0)
"""Seconds for which IAM may deny what a role or a policy of the same template allows."""

OUTAGE = 700.0
"""Seconds of trouble in which Lambda makes every try of an event, so that the fallback answers it."""

_OUTLASTING = 1200
"""A ServiceTimeout that outlasts it: otherwise the last try fails the request at its deadline."""

_NOTHING_MADE = "none:"


@dataclass(frozen=True)
class Copy:
    """How the event comes to be delivered again, at which call of the first delivery, into which trouble."""

    index: int
    name: str
    way: str
    family: str
    trouble: str

    def __str__(self) -> str:
        return f"#{self.index} {self.name} {self.way}, copy: {self.family} {self.trouble}"


@dataclass(frozen=True)
class Spell:
    """Trouble of all calls of one family for so many seconds from the first delivery on."""

    family: str
    trouble: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.family} {self.trouble} for {self.seconds:.0f} s"


Trial = Copy | Spell


class _Delivered:
    """The hook that kills or suspends a first delivery at a call, and makes trouble for its copy."""

    def __init__(self, faulty: Containers, copy: Copy) -> None:
        self._faulty = faulty
        self._copy = copy
        self._first = ""
        self._at = 0
        self.calls: list[str] = []

    def __call__(self, index: int, call: Call, send: Send) -> Any:
        bounded(index)
        now = self._faulty.running[-1]
        self._first = self._first or (now.request_id if now.delivery else "")
        if now.request_id == self._first and now.delivery == 1:
            self.calls.append(call.name)
            if len(self.calls) - 1 == self._copy.index:
                return self._interrupted(call, send)
        elif now.request_id == self._first and now.delivery == 2 and FAMILIES[self._copy.family](call):
            return hit(self._copy.trouble, index, call, send)
        return send()

    def _interrupted(self, call: Call, send: Send) -> Any:
        if self._copy.way in ("killed before", "killed after"):
            return hit(self._copy.way, 0, call, send)
        self._faulty.meanwhile(self.deliver_again)
        return send()

    def deliver_again(self) -> None:
        """Have another container handle the event."""
        self._faulty.invoke(self._faulty.requests[self._first])


class _Spell:
    """The hook that makes trouble until a spell is over."""

    def __init__(self, faulty: Containers, spell: Spell) -> None:
        self._clock = faulty.clock
        self._until = faulty.clock.now() + spell.seconds
        self._spell = spell

    def __call__(self, index: int, call: Call, send: Send) -> Any:
        bounded(index)
        if self._clock.now() < self._until and _OF_A_SPELL[self._spell.family](call):
            return hit(self._spell.trouble, index, call, send)
        return send()


def play(operation: Operation, plain: Plain, trial: Trial) -> Verdict:
    """Run an operation whose first event meets what `trial` says, and judge its end."""
    began = time.monotonic()
    status = "LOST"
    outage = isinstance(trial, Spell) and trial.seconds == OUTAGE
    with Containers(_OUTLASTING if outage else SERVICE_TIMEOUT) as faulty:
        try:
            prepared(operation, faulty)
            end = _ended(operation, faulty, trial)
            status = end.status
            found = list(_wrongs(operation, plain, trial, end, faulty))
        except Exception as error:
            found = [f"{type(error).__name__}: {error}", traceback.format_exc()[-1500:]]
        found += [f"a secret is told: {where}" for where in sorted(set(findings(faulty)))]
    part = "copies" if isinstance(trial, Copy) else "spells"
    return Verdict(operation.name, (str(trial),), status, tuple(found), time.monotonic() - began, part)


def first_calls(operation: Operation) -> tuple[str, ...]:
    """Return the calls of an operation's first delivery, by name."""
    with Containers() as faulty:
        prepared(operation, faulty)
        faulty.recorder.hook = hook = _Delivered(faulty, Copy(-1, "", ANSWERED, "Scheduler", "throttled"))
        ended(operation, faulty)
        return tuple(hook.calls)


def every_copy(operation: Operation) -> Iterator[Copy]:
    """Yield every copy that an operation's first event can have."""
    calls = first_calls(operation)
    families = [each for each in FAMILIES if each != "STS" or "sts:AssumeRole" in calls]
    places = [(index, name, way) for index, name in enumerate(calls) for way in WAYS]
    for index, name, way in (*places, (len(calls), "", ANSWERED)):
        for family in families:
            for trouble in TROUBLES:
                yield Copy(index, name, way, family, trouble)


def drawn(operation: Operation, number: int, seed: int) -> list[Copy]:
    """Return `number` copies drawn by `seed`, and all of those that come after the answer."""
    copies = list(every_copy(operation))
    late = [copy for copy in copies if copy.way == ANSWERED]
    early = [copy for copy in copies if copy.way != ANSWERED]
    return [*random.Random(f"{seed} {operation.name}").sample(early, min(number, len(early))), *late]


def every_spell() -> Iterator[Spell]:
    """Yield the spells of trouble in which an operation must go on, and those that end in the fallback."""
    for family in (ARMING, "Scheduler", "reads"):
        for trouble in ("throttled", "garbled"):
            for seconds in (*SPELLS, OUTAGE):
                yield Spell(family, trouble, seconds)
    for family in (ARMING, ROLE):
        for seconds in LATE_IAM:
            yield Spell(family, "denied", seconds)


def _ended(operation: Operation, faulty: Containers, trial: Trial) -> End:
    if isinstance(trial, Spell):
        faulty.recorder.hook = _Spell(faulty, trial)
        end = ended(operation, faulty)
    else:
        faulty.recorder.hook = hook = _Delivered(faulty, trial)
        end = ended(operation, faulty)
        if trial.way == ANSWERED:
            hook.deliver_again()
    drain(faulty)
    faulty.recorder.hook = straight
    return end


def _wrongs(operation: Operation, plain: Plain, trial: Trial, end: End, faulty: Containers) -> Iterator[str]:
    yield from end.violations
    yield from _contradictions(faulty)
    if CANT_RUN in end.reason:
        # The fallback takes nothing over: what an older request left polling goes on to its own end.
        faulty.polled_on.clear()
    yield from polls((), faulty)
    if end.status == plain.end.status:
        yield from as_ever(operation, plain, None, end, faulty)
    elif end.status != "FAILED" or not _may_fail(trial, end):
        yield f"ended {end.status}: {end.reason}"
    if end.status == "FAILED":
        if end.physical_id.startswith(_NOTHING_MADE) and (isinstance(trial, Spell) or faulty.leftovers()):
            yield f"said that nothing was made: {', '.join(faulty.leftovers())}"
        yield from mended(operation, plain, end, faulty)


def _may_fail(trial: Trial, end: End) -> bool:
    """Return whether a request may end in FAILED: a denial was believed, or no try of Lambda's could arm."""
    if isinstance(trial, Copy):
        return trial.trouble == "denied"
    return trial.seconds == OUTAGE and CANT_RUN in end.reason


def _contradictions(faulty: Containers) -> Iterator[str]:
    """Yield what was said of a request, otherwise, before CloudFormation had closed it."""
    for request in faulty.requests.values():
        answers = faulty.answers(request)
        for other in answers[1:]:
            first = answers[0]
            if other.contradicts(first) and other.at < first.at + CLOSES_AFTER:
                yield f"answered {first.status} {first.physical_id}, then {other.status} {other.physical_id}"
