"""Two requests at once: an older one suspended at each of its AWS calls while a newer one, or a copy, runs.

`make test` suspends at a seeded share of the calls, `make full` at every one. After each: the newer
answer stands, what is live is what it says, nothing is left, and the older one took no further step once
it could know (clean-up apart).
"""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from massdriver_redis.properties import parse as properties
from massdriver_redis.state import naming
from tests.harness.cloudformation import FakeCloudFormation, SentRequest, stringify
from tests.harness.interleaved import LOGICAL_ID, SLOW, Interleaved

SEED = 20260701
SHARE = 5
LATE_SHARE = 25
PARTS = 10
"""Tests that the longest check is divided into, so that every core has its share."""
INVENTED = "shop-Redis-1ABCDEFGHIJK"
BIGGER = {"node_type": "cache.t3.small"}
COPIES = {"replicas": 1}
REPLACED = {"secure": False, "allow_replacement": True}

Play = Callable[[Interleaved, int | None], SentRequest]


@dataclass(frozen=True)
class Race:
    """`play(scene, at)` runs it with the older request suspended at its call `at`, or not at all; it returns
    that request. `least` is how many calls it has at the least: coverage can't shrink unseen."""

    name: str
    play: Play
    least: int
    slow: bool = False

    def interleaved(self) -> Interleaved:
        return Interleaved(SLOW) if self.slow else Interleaved()

    def points(self) -> int:
        with self.interleaved() as interleaved:
            return len(interleaved.calls_of(self.play(interleaved, None)))


def computed_id(cloudformation: FakeCloudFormation, wanted: dict[str, Any]) -> str:
    read = properties.read(stringify(wanted), today=datetime.date(2026, 7, 1))
    owner = naming.Owner(cloudformation.stack_id, LOGICAL_ID)
    return naming.physical_id(owner, read.name_prefix, read.create_only())


def until_answered(interleaved: Interleaved, request: SentRequest) -> None:
    """Let time pass until a request is answered or nothing is left that could answer it."""
    until = interleaved.clock.now() + 3600
    while request.response is None and interleaved.cloudformation.step(until=until):
        pass


def with_itself(begin: Callable[[Interleaved], SentRequest]) -> Play:
    """A request and a second delivery of the same event."""

    def play(interleaved: Interleaved, at: int | None) -> SentRequest:
        request = begin(interleaved)
        if at is not None:
            interleaved.cut(request, at, lambda: interleaved.again(request))
        response = interleaved.end(request)
        assert response.ok, response.reason
        if at is None:
            return request
        if request.event["RequestType"] == "Delete":
            interleaved.settle()
            assert interleaved.leftovers() == []
            return request
        interleaved.cloudformation.clean_up(LOGICAL_ID)
        interleaved.settle()
        assert list(interleaved.groups()) == [response.physical_id]
        interleaved.finish()
        return request

    return play


def cancelled_create(known: Callable[[Interleaved], str | None], flight: float | None = None) -> Play:
    """A create and the Delete that CloudFormation sends for it, under its id, an invented one or none."""

    def play(interleaved: Interleaved, at: int | None) -> SentRequest:
        older = interleaved.begin_create(interleaved.properties())

        def cancel() -> None:
            physical_id = older.response.physical_id if older.response else known(interleaved)
            assert interleaved.cancel_create(physical_id).ok

        suspend(interleaved, older, at, cancel, flight)
        until_answered(interleaved, older)
        if at is None:
            return older
        interleaved.settle()
        assert interleaved.leftovers() == []
        assert interleaved.steps_after_knowing(older, at) == []
        return older

    return play


def rolled_back(
    change: dict[str, Any], base: dict[str, Any] | None = None, flight: float | None = None
) -> Play:
    """An update, cancelled, and the swapped Update that follows."""

    def play(interleaved: Interleaved, at: int | None) -> SentRequest:
        before = interleaved.properties(**(base or {}))
        original = interleaved.create(before).physical_id
        live = look(interleaved, original)
        older = interleaved.begin_update({**before, **change})

        def roll_back() -> None:
            if older.response:
                interleaved.resource.physical_id = older.response.physical_id
            response = interleaved.cloudformation.roll_back(LOGICAL_ID)
            assert response.ok, response.reason
            assert response.physical_id == original

        suspend(interleaved, older, at, roll_back, flight)
        until_answered(interleaved, older)
        if at is None:
            return older
        nothing_changed(interleaved, original, live)
        assert interleaved.steps_after_knowing(older, at) == []
        interleaved.finish()
        return older

    return play


def first_look_of_the_rollback(change: dict[str, Any]) -> Play:
    """The swapped Update's first invocation falls between two calls of the older one; both go on by polls."""

    def play(interleaved: Interleaved, at: int | None) -> SentRequest:
        before = interleaved.properties()
        original = interleaved.create(before).physical_id
        live = look(interleaved, original)
        older = interleaved.begin_update({**before, **change})
        newer: list[SentRequest] = []

        def begin() -> None:
            if older.response:
                interleaved.resource.physical_id = older.response.physical_id
            newer.append(interleaved.begin_roll_back())
            interleaved.deliver_first(newer[0])

        suspend(interleaved, older, at, begin, None)
        until_answered(interleaved, older)
        if at is None:
            return older
        response = interleaved.end(newer[0])
        assert response.ok, response.reason
        assert response.physical_id == original
        interleaved.cloudformation.clean_up(LOGICAL_ID)
        nothing_changed(interleaved, original, live)
        assert interleaved.steps_after_knowing(older, at) == []
        interleaved.finish()
        return older

    return play


def old_poll_within(change: dict[str, Any]) -> Play:
    """A poll of the older update, fired before it was superseded, runs within the swapped Update."""

    def play(interleaved: Interleaved, at: int | None) -> SentRequest:
        before = interleaved.properties()
        original = interleaved.create(before).physical_id
        live = look(interleaved, original)
        interleaved.begin_update({**before, **change})
        interleaved.cloudformation.step(until=interleaved.clock.now() + 1)
        (poll,) = interleaved.cloudformation.polls()
        newer = interleaved.begin_roll_back()
        suspend(interleaved, newer, at, lambda: interleaved.invoke(poll), None)
        response = interleaved.end(newer)
        assert response.ok, response.reason
        interleaved.resource.before = None
        if at is None:
            return newer
        nothing_changed(interleaved, original, live)
        interleaved.finish()
        return newer

    return play


def suspend(
    interleaved: Interleaved,
    request: SentRequest,
    at: int | None,
    then: Callable[[], None],
    flight: float | None,
) -> None:
    if at is None:
        return
    if flight is None:
        interleaved.cut(request, at, then)
    else:
        interleaved.cut_in_flight(request, at, then, flight)


def look(interleaved: Interleaved, group_id: str) -> tuple[object, ...]:
    group = interleaved.groups()[group_id]
    return group.node_type, group.replicas, group.failover, group.multi_az, group.tls, group.version


def nothing_changed(interleaved: Interleaved, original: str, live: tuple[object, ...]) -> None:
    """Once nothing moves any more, the cluster of before is the only one, as it was."""
    interleaved.settle()
    assert list(interleaved.groups()) == [original]
    assert look(interleaved, original) == live


def begun_create(interleaved: Interleaved) -> SentRequest:
    return interleaved.begin_create(interleaved.properties())


def begun_update(change: dict[str, Any]) -> Callable[[Interleaved], SentRequest]:
    def begin(interleaved: Interleaved) -> SentRequest:
        interleaved.create(interleaved.properties())
        return interleaved.begin_update(interleaved.properties(**change))

    return begin


def begun_delete(interleaved: Interleaved) -> SentRequest:
    interleaved.create(interleaved.properties())
    return interleaved.begin_delete()


def life(interleaved: Interleaved, between: Callable[[str, SentRequest], None]) -> None:
    """Create, grow, replace and delete one cluster; `between` is told of each request before it runs."""
    request = interleaved.begin_create(interleaved.properties())
    between("create", request)
    assert interleaved.end(request).ok
    for name, change in (("grow", BIGGER), ("replace", {**BIGGER, **REPLACED})):
        request = interleaved.begin_update(interleaved.properties(**change))
        between(name, request)
        assert interleaved.end(request).ok
        replaced = interleaved.resource.before
        assert replaced
        if replaced[0] != interleaved.resource.physical_id:
            interleaved.cloudformation.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            request = interleaved.cloudformation.send(
                "Delete", LOGICAL_ID, physical_id=replaced[0], properties=replaced[1]
            )
            between("clean up", request)
            assert interleaved.cloudformation.run(request).ok
        interleaved.resource.before = None
    request = interleaved.begin_delete()
    between("delete", request)
    assert interleaved.end(request).ok


@dataclass(frozen=True)
class Late:
    """During the call `at` of one operation of a life, an event of the same or an earlier one comes again."""

    within: str
    at: int
    again: str
    poll: bool


def points_of_a_life() -> list[Late]:
    """Return every late or second delivery there can be: each event and each poll, at each later call."""
    requests: dict[str, SentRequest] = {}
    with Interleaved(SLOW) as interleaved:
        life(interleaved, requests.__setitem__)
        calls = {name: len(interleaved.calls_of(request)) for name, request in requests.items()}
    names = list(calls)
    return [
        Late(within, at, again, poll)
        for within in names
        for at in range(calls[within])
        for again in names[: names.index(within) + 1]
        for poll in (False, True)
    ]


def live_with(late: Late) -> None:
    requests: dict[str, SentRequest] = {}
    copies: list[dict[str, Any]] = []

    def deliver(interleaved: Interleaved) -> None:
        event = requests[late.again].event
        polls = [json.loads(text) for text in interleaved.cloudformation.schedule_inputs]
        mine = [poll for poll in polls if poll["RequestId"] == event["RequestId"]]
        copies.append(mine[-1] if late.poll and mine else event)
        interleaved.invoke(copies[-1])

    def between(name: str, request: SentRequest) -> None:
        requests[name] = request
        if name == late.within:
            interleaved.cut(request, late.at, lambda: deliver(interleaved))

    with Interleaved(SLOW) as interleaved:
        life(interleaved, between)
        interleaved.settle()
        assert len(copies) == 1
        assert interleaved.leftovers() == []


IN_FLIGHT = 45.0
"""Seconds a call may be on its way: three attempts of 15 seconds each."""

RACES = [
    Race("a create with itself", with_itself(begun_create), 45),
    Race("an update with itself", with_itself(begun_update(BIGGER)), 40),
    Race("a replacement with itself", with_itself(begun_update(REPLACED)), 90),
    Race("a delete with itself", with_itself(begun_delete), 50),
    Race(
        "a create and its delete",
        cancelled_create(
            lambda interleaved: computed_id(interleaved.cloudformation, interleaved.properties())
        ),
        45,
    ),
    Race("a create and a delete under an invented id", cancelled_create(lambda _: INVENTED), 45),
    Race("a create and a delete without an id", cancelled_create(lambda _: None), 45),
    Race("a node type and its rollback", rolled_back(BIGGER), 40),
    Race("replicas and their rollback", rolled_back(COPIES), 50),
    Race("fewer replicas and their rollback", rolled_back({"replicas": 0}, COPIES), 50),
    Race("a replacement and its rollback", rolled_back(REPLACED), 90),
    Race(
        "a node type and the first look of its rollback", first_look_of_the_rollback(BIGGER), 120, slow=True
    ),
    Race("replicas and the first look of their rollback", first_look_of_the_rollback(COPIES), 150, slow=True),
    Race(
        "a replacement and the first look of its rollback",
        first_look_of_the_rollback(REPLACED),
        190,
        slow=True,
    ),
    Race("a rollback and an old poll of the node type", old_poll_within(BIGGER), 190, slow=True),
    Race("a rollback and an old poll of the replacement", old_poll_within(REPLACED), 340, slow=True),
]

LANDINGS = [
    Race(
        "calls of a create that land in its delete",
        cancelled_create(lambda _: INVENTED, flight=IN_FLIGHT),
        45,
    ),
    Race("calls of a node type that land in its rollback", rolled_back(BIGGER, flight=IN_FLIGHT), 40),
    Race("calls of replicas that land in their rollback", rolled_back(COPIES, flight=IN_FLIGHT), 50),
    Race("calls of a replacement that land in its rollback", rolled_back(REPLACED, flight=IN_FLIGHT), 90),
]


def run(race: Race, points: Iterable[int]) -> None:
    for at in points:
        try:
            with race.interleaved() as interleaved:
                race.play(interleaved, at)
        except BaseException as error:
            raise AssertionError(f"{race.name}, suspended at call {at}: {error!r}") from error


@pytest.mark.parametrize("race", [*RACES, *LANDINGS], ids=lambda race: race.name)
def test_a_seeded_share_of_all_points_of_a_race_ends_right(race: Race) -> None:
    points = race.points()
    print(f"seed {SEED}: {SHARE} of {points} points")
    assert points >= race.least
    run(race, sorted(random.Random(f"{SEED} {race.name}").sample(range(points), SHARE)))


@pytest.mark.full
@pytest.mark.parametrize("race", [*RACES, *LANDINGS], ids=lambda race: race.name)
def test_every_point_of_a_race_ends_right(race: Race) -> None:
    points = race.points()
    print(f"{points} points")
    run(race, range(points))


def test_any_event_of_a_life_may_come_again_or_late_at_any_point() -> None:
    points = points_of_a_life()
    print(f"seed {SEED}: {LATE_SHARE} of {len(points)} deliveries")
    assert len(points) >= 3000
    for late in random.Random(SEED).sample(points, LATE_SHARE):
        retell(late)


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_every_event_of_a_life_may_come_again_or_late_at_every_point(part: int) -> None:
    points = points_of_a_life()
    print(f"part {part} of {len(points)} deliveries")
    for late in points[part::PARTS]:
        retell(late)


def retell(late: Late) -> None:
    try:
        live_with(late)
    except BaseException as error:
        raise AssertionError(f"{late}: {error!r}") from error


def test_after_a_life_no_copy_of_any_of_its_events_does_or_answers_anything() -> None:
    requests: dict[str, SentRequest] = {}
    with Interleaved(SLOW) as interleaved:
        life(interleaved, requests.__setitem__)
        interleaved.settle()
        polls = [json.loads(text) for text in dict.fromkeys(interleaved.cloudformation.schedule_inputs)]
        assert {poll["RequestId"] for poll in polls} == {request.id for request in requests.values()}
        interleaved.made.clear()
        for event in (*(request.event for request in requests.values()), *polls):
            interleaved.invoke(event)
            interleaved.settle()
        kept = [made.call.name for made in interleaved.made if made.call.mutates]
        assert interleaved.leftovers() == []
        assert set(kept) <= {"scheduler:CreateSchedule", "scheduler:DeleteSchedule"}
