"""A SUCCESS that CloudFormation takes no more: it cancels the operation while the response is being PUT.

S3 takes the PUT and the function hears of nothing. CloudFormation then deletes the resource under an id of
its own making, or without one, or it swaps the Update back.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from massdriver_redis.cloudformation.delivery import UnreachableError
from massdriver_redis.state.record import LAST_ANSWERED_REQUEST
from tests.harness import samples as document
from tests.harness.cloudformation import ReceivedResponse, SentRequest, StackResource, stringify
from tests.harness.recorder import Call

from .containers import Containers
from .explorer import Verdict, bounded, drain
from .faults import PUT
from .operations import SMALL
from .recorder import Send, straight
from .secrecy import findings
from .stack import INVENTED_ID, NAME

CALLS_BEFORE_PUT = 8
"""Calls before the PUT at which the operation may be cancelled: the last observation, and what follows it."""

DELAYS = ("at once", "after the invocation", "after two polls")
"""When the next request is delivered; at once is while the invocation is suspended."""

_TWO_POLLS = 150.0
_PARTS = 4
"""Replication group, subnet group, security group, secret."""

_REPLACED = {"secure": False, "allow_replacement": True}


@dataclass(frozen=True)
class Setting:
    """An operation that is cancelled: how it begins, and the stack's status from then on.

    `ids` are those with which the Delete comes; none says that the swapped Update comes instead.
    """

    name: str
    prepare: Callable[[Containers], None]
    begin: Callable[[Containers], SentRequest]
    status: str
    ids: tuple[str | None, ...] = (INVENTED_ID, None)


@dataclass(frozen=True)
class Cancellation:
    """Before which call of the operation it is cancelled, when the next request comes, and with which id.

    `unreachable` says that the call, a PUT, meets HTTP status 503 first, so that a later poll repeats it.
    """

    index: int
    name: str
    unreachable: bool
    delay: str
    physical_id: str | None

    def __str__(self) -> str:
        after = " after a 503" if self.unreachable else ""
        told = f"next request {self.delay}, id {self.physical_id}"
        return f"#{self.index} cancelled before {self.name}{after}, {told}"


# --- settings --------------------------------------------------------------------------------------


def _new_stack(faulty: Containers) -> None:
    faulty.stack_status("CREATE_IN_PROGRESS")


def _old_stack(faulty: Containers) -> None:
    """Begin an update of a stack that was made an hour ago."""
    faulty.clock.advance(3600)
    faulty.stack_status("UPDATE_IN_PROGRESS")


def _retained(faulty: Containers) -> None:
    """Leave a cluster in service that the template retained, and begin an update that adds the resource."""
    _new_stack(faulty)
    assert faulty.create(NAME, faulty.properties(SMALL)).ok
    _old_stack(faulty)
    faulty.stack_status("UPDATE_COMPLETE")
    _old_stack(faulty)


def _created(faulty: Containers) -> None:
    assert faulty.create(NAME, faulty.properties(document.FREE_TIER)).ok
    _old_stack(faulty)


def _create(faulty: Containers) -> SentRequest:
    faulty.resources[NAME] = StackResource(properties=stringify(faulty.properties(document.FREE_TIER)))
    return faulty.send("Create", NAME)


def _replace(faulty: Containers) -> SentRequest:
    resource = faulty.resources[NAME]
    resource.before = (resource.physical_id, resource.properties)
    resource.properties = stringify(faulty.properties(document.FREE_TIER, **_REPLACED))
    return faulty.send("Update", NAME)


_CLEANED = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
SETTINGS = (
    Setting("create, rolled back", _new_stack, _create, "ROLLBACK_IN_PROGRESS"),
    Setting("create, stack deleted", _new_stack, _create, "DELETE_IN_PROGRESS"),
    Setting("added by an update", _old_stack, _create, "UPDATE_ROLLBACK_IN_PROGRESS"),
    Setting("added by an update, cleaned up", _old_stack, _create, _CLEANED),
    Setting("added next to a retained one", _retained, _create, "UPDATE_ROLLBACK_IN_PROGRESS"),
    Setting("added next to a retained one, cleaned up", _retained, _create, _CLEANED),
    Setting("replacement, rolled back", _created, _replace, "UPDATE_ROLLBACK_IN_PROGRESS", ()),
)


# --- one run ---------------------------------------------------------------------------------------


class _Cancelling:
    """The hook that cancels the operation before a call; the next request may come while it is suspended."""

    def __init__(self, faulty: Containers, setting: Setting, cancellation: Cancellation) -> None:
        self._faulty = faulty
        self._setting = setting
        self._cancellation = cancellation
        self.next: SentRequest | None = None
        self.done = False

    def __call__(self, index: int, call: Call, send: Send) -> Any:
        bounded(index)
        if index == self._cancellation.index and not self.done:
            assert call.name == self._cancellation.name, (
                "the run left the recorded way before it was cancelled"
            )
            self.done = True
            self._faulty.stack_status(self._setting.status)
            if self._cancellation.delay == "at once":
                self._faulty.meanwhile(self._interrupt)
            if self._cancellation.unreachable:
                raise UnreachableError("the response could not be delivered: HTTP status 503")
        return send()

    def _interrupt(self) -> None:
        self.next = self.send_next()
        self._faulty.invoke(self.next)

    def send_next(self) -> SentRequest:
        faulty, resource = self._faulty, self._faulty.resources[NAME]
        if self._setting.ids:
            return faulty.send("Delete", NAME, physical_id=self._cancellation.physical_id)
        assert resource.before
        given_up = (resource.physical_id, resource.properties)
        resource.properties, resource.before = resource.before[1], given_up
        return faulty.send("Update", NAME)


def calls_of(setting: Setting) -> tuple[str, ...]:
    """Return the calls of an operation that nobody cancels, by name."""
    with Containers() as faulty:
        setting.prepare(faulty)
        faulty.recorder.clear()
        response = faulty.run(setting.begin(faulty))
        assert response.ok, response.reason
        return tuple(call.name for call in faulty.recorder.calls)


def every_cancellation(setting: Setting) -> Iterator[Cancellation]:
    """Yield every way in which an operation can be cancelled around the PUT of its SUCCESS."""
    calls = calls_of(setting)
    put = calls.index(PUT)
    places = [(index, False) for index in range(put - CALLS_BEFORE_PUT, len(calls))]
    for index, unreachable in (*places, (put, True)):
        for delay in DELAYS:
            for physical_id in setting.ids or (None,):
                yield Cancellation(index, calls[index], unreachable, delay, physical_id)


def cancel(setting: Setting, cancellation: Cancellation) -> Verdict:
    """Run an operation that is cancelled and what CloudFormation does next, and judge what is left."""
    began = time.monotonic()
    status = "LOST"
    with Containers() as faulty:
        try:
            setting.prepare(faulty)
            faulty.idle(60)
            before, left = faulty.state(), faulty.leftovers()
            faulty.recorder.clear()
            response = _next_answer(setting, faulty, cancellation)
            status = response.status
            faulty.recorder.hook = straight
            drain(faulty)
            found = [f"the next request failed: {response.reason}"] * (not response.ok)
            found += _differing(before, left, faulty)
        except Exception as error:
            found = [f"{type(error).__name__}: {error}", traceback.format_exc()[-1500:]]
        found += [f"a secret is told: {where}" for where in sorted(set(findings(faulty)))]
    told = (str(cancellation),)
    return Verdict(setting.name, told, status, tuple(found), time.monotonic() - began, "cancelled")


def _next_answer(setting: Setting, faulty: Containers, cancellation: Cancellation) -> ReceivedResponse:
    faulty.recorder.hook = hook = _Cancelling(faulty, setting, cancellation)
    request = setting.begin(faulty)
    while not hook.done:
        assert faulty.step(until=request.sent_at + request.timeout), "it was never cancelled"
    if cancellation.delay == "after two polls":
        faulty.idle(_TWO_POLLS)
    return faulty.run(hook.next or hook.send_next())


def _kept(faulty: Containers) -> bool:
    """Return whether a cluster stays, whole, of which the deletion of a stack can't know that it is unused.

    Its SUCCESS was noted as answered before the deletion began (docs/adr/0011-found-by-tag.md).
    """
    tags = [tag["Key"] for group in faulty.swift.ec2.groups.values() for tag in group["Tags"]]
    deleted = faulty.swift.stack_status == "DELETE_IN_PROGRESS"
    return deleted and LAST_ANSWERED_REQUEST in tags and len(faulty.leftovers()) == _PARTS


def _differing(before: dict[str, Any], left: list[str], faulty: Containers) -> Iterator[str]:
    """Yield what is left, gone or changed, compared with what was there before the operation."""
    yield from faulty.violations
    if faulty.leftovers() != left and not _kept(faulty):
        yield f"left are {faulty.leftovers()} and not {left}"
    after = faulty.state()
    for kind in ("groups", "subnet groups", "security groups"):
        for name in before[kind].keys() & after[kind].keys():
            if before[kind][name] != after[kind][name]:
                yield f"{name} is {after[kind][name]} and not {before[kind][name]}"
