"""The real handler under random schedules: one resource, and all that may happen to its requests."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.driver import KilledError, Request, Response, stringify
from tests.support.interleave import BRISK, LOGICAL_ID, SLOW, Scene

INVENTED = "shop-Redis-1ABCDEFGHIJK"

_LATEST = 420.0
"""Seconds after its sending within which an event may come again: Lambda drops one of five minutes, and
tries it once more."""

_BETWEEN = 65.0
"""Seconds between two operations of a stack, for its end takes a while too: `stack` allows for two clocks
that differ by a minute."""

_BY_THE_FALLBACK = ("could not run", "has failed for")

_IN_FLIGHT = 14.0
"""Seconds that a call may be on its way: `aws` tries it for fifteen."""

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "node_type": st.sampled_from(["cache.t3.micro", "cache.t3.small"]),
        "replicas": st.integers(0, 1),
        "secure": st.booleans(),
        "tags": st.sampled_from([{}, {"a": "1"}, {"b": "2"}]),
        "password_attribute": st.booleans(),
    },
)
POINTS = st.integers(0, 140)
Troubles = Sequence[tuple[str, int]]
TROUBLES = st.lists(
    st.tuples(st.sampled_from(["again", "kill", "kill", "an older event", "an older poll"]), POINTS),
    max_size=3,
)
FLIGHTS = st.sampled_from([None, None, _IN_FLIGHT])


class Handler(RuleBasedStateMachine):
    """One resource of one stack under everything CloudFormation, Lambda and EventBridge may do to it.

    Creates, updates, replacements and deletes, cancelled at any call; events again, late and as old polls
    at any call; a kill at any call; rules that fire up to a minute late. Where Lambda gives an event up,
    the fallback has it.
    """

    @initialize(brisk=st.booleans(), stands=st.booleans(), lateness=st.integers(0, 2**16))
    def begin(self, brisk: bool, stands: bool, lateness: int) -> None:
        late = random.Random(lateness)
        self.scene = Scene(BRISK if brisk else SLOW, lateness=lambda: late.uniform(0, 60))
        self.scene.__enter__()
        self.scene.simulator.on_change = self._watch
        self.stands = stands
        self.live: dict[str, Any] | None = None
        self.held: set[str | None] = set()
        self.wrongs: list[str] = []
        self.past: list[Request] = []

    def _watch(self, change: Any) -> None:
        if change.kind == "deleted" and change.group_id in self.held:
            self.wrongs.append("a live cluster was deleted")
        if change.kind == "created" and len(self.scene.groups()) > 2:
            self.wrongs.append("a third cluster was made")

    # --- what CloudFormation does

    @precondition(lambda self: self.live is None)
    @rule(change=CHANGES, troubles=TROUBLES)
    def create(self, change: dict[str, Any], troubles: Troubles) -> None:
        wished = self.scene.properties(**change)
        response = self._end(self._begin_create(wished), troubles)
        if response.ok:
            self.scene.resource.physical_id = response.physical_id
            self.live, self.held = wished, {response.physical_id}
            self._complete("UPDATE" if self.stands else "CREATE")
            self.stands = True
        else:
            assert _by_the_fallback(response), response.reason
            self._take_back_create(response.physical_id)

    @precondition(lambda self: self.live is None)
    @rule(
        change=CHANGES,
        at=POINTS,
        given=st.sampled_from([None, INVENTED]),
        flight=FLIGHTS,
        troubles=TROUBLES,
        more=TROUBLES,
    )
    def create_and_cancel(
        self,
        *,
        change: dict[str, Any],
        at: int,
        given: str | None,
        flight: float | None,
        troubles: Troubles,
        more: Troubles,
    ) -> None:
        older = self._begin_create(self.scene.properties(**change))

        def cancel() -> None:
            self._take_back_create(older.response.physical_id if older.response else given, more)

        self._cancel(older, at, cancel, flight, troubles)

    @precondition(lambda self: self.live)
    @rule(change=CHANGES, allowed=st.booleans(), troubles=TROUBLES, more=TROUBLES)
    def update(self, change: dict[str, Any], allowed: bool, troubles: Troubles, more: Troubles) -> None:
        assert self.live
        wished = self.scene.properties(**change, allow_replacement=allowed)
        refused = wished["secure"] != self.live["secure"] and not allowed
        response = self._end(self.scene.begin_update(wished), troubles)
        if response.ok:
            assert not refused
            self.live = wished
            self.scene.resource.physical_id = response.physical_id
            self._clean_up("UPDATE", more)
        else:
            assert refused or _by_the_fallback(response), response.reason
            self._take_back_update(more)

    @precondition(lambda self: self.live)
    @rule(change=CHANGES, allowed=st.booleans(), at=POINTS, flight=FLIGHTS, troubles=TROUBLES, more=TROUBLES)
    def update_and_cancel(
        self,
        *,
        change: dict[str, Any],
        allowed: bool,
        at: int,
        flight: float | None,
        troubles: Troubles,
        more: Troubles,
    ) -> None:
        older = self.scene.begin_update(self.scene.properties(**change, allow_replacement=allowed))

        def cancel() -> None:
            if older.response:
                self.scene.resource.physical_id = older.response.physical_id
            self._take_back_update(more)

        self._cancel(older, at, cancel, flight, troubles)

    @precondition(lambda self: self.live)
    @rule(troubles=TROUBLES, whole=st.booleans())
    def delete(self, troubles: Troubles, whole: bool) -> None:
        self.held = set()
        self.scene.driver.stack_status(
            "DELETE_IN_PROGRESS" if whole else "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        )
        self._insist(lambda: self.scene.driver.send("Delete", LOGICAL_ID), troubles)
        self.live = None
        self._complete("DELETE" if whole else "UPDATE")

    # --- what Lambda and EventBridge do

    @precondition(lambda self: self.past)
    @rule(which=st.integers(0, 50))
    def an_event_comes_late(self, which: int) -> None:
        self._come_late(self.past[which % len(self.past)])

    @rule(seconds=st.sampled_from([1, 60, 600]))
    def time_passes(self, seconds: int) -> None:
        self.scene.driver.idle(seconds)

    # --- what must hold

    @invariant()
    def nothing_is_wrong(self) -> None:
        if not hasattr(self, "scene"):
            return
        wrongs = [*self.wrongs, *self.scene.driver.violations]
        assert not wrongs, wrongs
        assert self.held <= self.scene.groups().keys(), "a live cluster is lost"

    def teardown(self) -> None:
        if not hasattr(self, "scene"):
            return
        try:
            self._end_of_all()
        finally:
            self.scene.__exit__(None, None, None)

    def _end_of_all(self) -> None:
        self.scene.forget_cuts()
        self.scene.settle()
        self.nothing_is_wrong()
        if self.live is None:
            left = self.scene.leftovers()
            assert not left, f"left behind: {left}"
            return
        (group,) = self.scene.groups().values()
        live = stringify(self.live)
        tags = {key: value for key, value in self.scene.simulator.tags(group.id).items() if key in "ab"}
        assert {group.id} == self.held
        assert group.node_type == live["node_type"]
        assert str(group.replicas) == live["replicas"]
        assert group.tls == (live["secure"] == "true")
        assert tags == live.get("tags", {})
        # Beside the group and its subnet group: the security group, and the secret of a token.
        assert len(self.scene.leftovers()) == 3 + group.tls
        self.held = set()
        self.scene.finish()

    # --- inside

    def _begin_create(self, wished: dict[str, Any]) -> Request:
        request = self.scene.begin_create(wished)
        if self.stands:
            self.scene.driver.stack_status("UPDATE_IN_PROGRESS")
        return request

    def _take_back_create(self, physical_id: str | None, troubles: Troubles = ()) -> None:
        """Delete what was to be created; where the stack was new, it goes with it."""
        kind = "UPDATE_ROLLBACK" if self.stands else "ROLLBACK"
        running = "UPDATE_ROLLBACK_COMPLETE_CLEANUP" if self.stands else "ROLLBACK"
        self.scene.driver.stack_status(f"{running}_IN_PROGRESS")
        self._insist(lambda: self.scene.driver.send("Delete", LOGICAL_ID, physical_id=physical_id), troubles)
        self._complete(kind)

    def _take_back_update(self, troubles: Troubles = ()) -> None:
        """Swap the update back, then clean up: what lived before must live after it."""
        resource = self.scene.resource
        assert resource.before
        (original,) = self.held
        self.held.add(resource.physical_id)
        self.scene.driver.stack_status("UPDATE_ROLLBACK_IN_PROGRESS")
        given_up = (resource.physical_id, resource.properties)
        resource.properties, resource.before = resource.before[1], given_up
        response = self._insist(lambda: self.scene.driver.send("Update", LOGICAL_ID), troubles)
        assert response.physical_id == original
        resource.physical_id = original
        self._clean_up("UPDATE_ROLLBACK", troubles)

    def _clean_up(self, kind: str, troubles: Troubles) -> None:
        """Delete the old cluster of a replacement."""
        resource = self.scene.resource
        before, resource.before = resource.before, None
        self.held = {resource.physical_id}
        self.scene.driver.stack_status(f"{kind}_COMPLETE_CLEANUP_IN_PROGRESS")
        if before and before[0] != resource.physical_id:
            old = {"physical_id": before[0], "properties": before[1]}
            self._insist(lambda: self.scene.driver.send("Delete", LOGICAL_ID, **old), troubles)
        self._complete(kind)

    def _complete(self, kind: str) -> None:
        self.scene.driver.stack_status(f"{kind}_COMPLETE")
        self.scene.driver.idle(_BETWEEN)
        if kind in ("ROLLBACK", "DELETE"):
            self.scene.begin_another_stack()
            self.stands = False

    def _cancel(
        self, older: Request, at: int, cancel: Callable[[], None], flight: float | None, troubles: Troubles
    ) -> None:
        """Let CloudFormation cancel a request at its call `at`, or after its end."""
        done: list[bool] = []

        def once() -> None:
            cancel()
            done.append(True)

        self._trouble(older, [each for each in troubles if each[1] != at])
        if flight is None:
            self.scene.cut(older, at, once)
        else:
            self.scene.cut_in_flight(older, at, once, flight)
        until = self.scene.clock.now() + older.timeout
        while not (older.response or done) and self.scene.driver.step(until=until):
            pass
        self.scene.forget_cuts()
        if not done:
            once()

    def _end(self, request: Request, troubles: Troubles) -> Response:
        self._trouble(request, troubles)
        return self.scene.driver.run(request)

    def _insist(self, send: Callable[[], Request], troubles: Troubles = ()) -> Response:
        """Send a request until it succeeds, which only kills at every try of Lambda may prevent."""
        for _ in range(3):
            request = send()
            self._trouble(request, troubles)
            troubles = ()
            response = self.scene.driver.run(request)
            if response.ok:
                return response
            assert _by_the_fallback(response), response.reason
        raise AssertionError(response.reason)

    def _trouble(self, request: Request, troubles: Troubles) -> None:
        for what, at in troubles:
            self.scene.cut(request, at, lambda what=what, at=at: self._strike(what, at, request))
        self.past.append(request)

    def _strike(self, what: str, at: int, request: Request) -> None:
        older = self.past[at % len(self.past)]
        match what:
            case "kill":
                raise KilledError("killed")
            case "again":
                self.scene.again(request)
            case "an older event":
                self._come_late(older)
            case "an older poll":
                polls = [text for text in self.scene.driver.rule_inputs if older.id in text]
                if polls:
                    self._come_late(older, json.loads(polls[-1]))

    def _come_late(self, older: Request, event: dict[str, Any] | None = None) -> None:
        if self.scene.clock.now() <= older.sent_at + _LATEST:
            self.scene.invoke(event or older.event)


def _by_the_fallback(response: Response) -> bool:
    return any(words in response.reason for words in _BY_THE_FALLBACK)
