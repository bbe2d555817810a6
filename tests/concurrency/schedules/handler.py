"""The real handler under random schedules: one resource, and all that may happen to its requests."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from massdriver_redis.state.record import IN_SERVICE
from tests.harness.cloudformation import KilledError, ReceivedResponse, SentRequest, stringify
from tests.harness.interleaved import LOGICAL_ID, SLOW, Interleaved, Made
from tests.harness.recorder import client_error
from tests.harness.stack import BRISK

INVENTED = "shop-Redis-1ABCDEFGHIJK"

_LATEST = 420.0
"""Seconds after its sending within which an event may come again: Lambda drops one of five minutes, and
tries it once more."""

_BETWEEN = 65.0
"""Seconds between two operations of a stack, for its end takes a while too: `stack` allows for two clocks
that differ by a minute."""

_BY_THE_FALLBACK = ("could not run", "has failed for")
_STILL_EXISTS = "still exists from an earlier deployment"

_IN_FLIGHT = 14.0
"""Seconds that a call may be on its way: `aws` tries it for fifteen."""

_DENIED = ("ec2:DescribeSecurityGroups", "elasticache:DescribeReplicationGroups", "ec2:CreateTags")

Troubles = list[tuple[str, int]]
_POINTS = st.integers(0, 100)
_TROUBLES = st.lists(
    st.tuples(st.sampled_from(["again", "kill", "kill", "an older event", "an older poll"]), _POINTS),
    max_size=3,
)


@dataclass(frozen=True)
class Move:
    """What CloudFormation does next, and what happens meanwhile.

    Where `cut`, it cancels the request at this call, or after its end; `in_flight` is how many seconds that
    call is on its way meanwhile. Where `unheard`, only the stack's status changes at that call: what the
    request answers from then on is not taken, and the next request follows `lag` seconds later. `given` is
    the id by which it deletes a Create that it cancelled. `denied` is a call that is refused to the rollback
    of an update; if that fails for it, the resource is `skipped`, or else the rollback is continued.
    `retained` is a deletion that sends no Delete. `troubles` are put before calls of the request, `more`
    before those of the one that takes it back or cleans up. `late` are events that come again, and the
    seconds before each.
    """

    change: dict[str, Any]
    delete: bool
    whole: bool
    allowed: bool
    cut: int | None
    in_flight: float | None
    unheard: bool
    lag: int
    given: str | None
    denied: str | None
    skipped: bool
    retained: bool
    troubles: Troubles
    more: Troubles
    late: list[tuple[int, int]]


CHANGES = st.fixed_dictionaries(
    {
        "node_type": st.sampled_from(["cache.t3.micro", "cache.t3.small"]),
        "replicas": st.integers(0, 1),
        "secure": st.sampled_from([True, True, False]),
    },
    optional={"tags": st.sampled_from([{}, {"a": "1"}, {"b": "2"}]), "password_attribute": st.booleans()},
)
MOVES = st.builds(
    Move,
    change=CHANGES,
    delete=st.sampled_from([False, False, False, True]),
    whole=st.booleans(),
    allowed=st.sampled_from([True, True, True, False]),
    cut=st.none() | _POINTS,
    in_flight=st.sampled_from([None, None, _IN_FLIGHT]),
    unheard=st.booleans(),
    lag=st.sampled_from([0, 0, 30, 90]),
    given=st.sampled_from([None, INVENTED]),
    denied=st.sampled_from([None, None, None, *_DENIED]),
    skipped=st.booleans(),
    retained=st.sampled_from([False, False, False, True]),
    troubles=_TROUBLES,
    more=_TROUBLES,
    late=st.lists(st.tuples(st.integers(0, 20), st.sampled_from([0, 1, 60, 600])), max_size=2),
)


class Handler(RuleBasedStateMachine):
    """One resource of one stack under everything CloudFormation, Lambda and EventBridge may do to it.

    Creates, updates, replacements and deletes, cancelled at any call, also while an answer is on its way;
    rollbacks that fail, and are continued or skip the resource; retained clusters; events again, late and as
    old polls at any call; a kill at any call; rules that fire up to a minute late. Where Lambda gives an
    event up, the fallback has it.
    """

    @initialize(brisk=st.booleans(), stands=st.booleans(), lateness=st.integers(0, 2**16))
    def begin(self, brisk: bool, stands: bool, lateness: int) -> None:
        late = random.Random(lateness)
        self.interleaved = Interleaved(
            BRISK if brisk else SLOW, lateness=lambda: late.uniform(0, 60)
        ).__enter__()
        self.interleaved.simulator.on_change = self._watch
        self.stands = stands
        self.live: dict[str, Any] | None = None
        self.held: set[str | None] = set()
        self.retained: set[str | None] = set()
        self.stranded: set[str | None] = set()
        self.apart: set[str | None] = set()
        self.taken: set[bool] = set()
        self.differs = self.was_skipped = False
        self.wrongs: list[str] = []
        self.past: list[SentRequest] = []

    def _watch(self, change: Any) -> None:
        if change.kind == "deleted" and change.group_id in self.held | self.retained:
            self.wrongs.append("a live cluster was deleted")
        if change.kind == "created" and len(self.interleaved.groups().keys() - self.apart) > 2:
            self.wrongs.append("a third cluster was made")

    # --- what happens

    @rule(move=MOVES)
    def goes_on(self, move: Move) -> None:
        if self.live is None:
            self._create(move)
        elif move.delete:
            self._delete(move)
        else:
            self._update(move)
        for which, after in move.late:
            self.interleaved.cloudformation.idle(after)
            self._come_late(self.past[which % len(self.past)])

    def _create(self, move: Move) -> None:
        wished = self.interleaved.properties(**move.change)
        request = self._begin_create(wished)
        kind = "UPDATE_ROLLBACK" if self.stands else "DELETE" if move.whole else "ROLLBACK"

        def take_back() -> None:
            known = move.given if request.given_up or not request.response else request.response.physical_id
            self._take_back_create(kind, known, move.more)

        response = self._end(request, move, kind, take_back)
        if response and response.ok:
            self.interleaved.resource.physical_id = response.physical_id
            self.live, self.held = wished, {response.physical_id}
            self.differs = self.was_skipped = False
            self._complete("UPDATE" if self.stands else "CREATE")
            self.stands = True
        elif response:
            assert self._is_taken(wished, response) or _by_the_fallback(response), response.reason
            take_back()

    def _update(self, move: Move) -> None:
        assert self.live
        wished = self.interleaved.properties(**move.change, allow_replacement=move.allowed)
        replaces = wished["secure"] != self.live["secure"]
        if replaces:
            self._leave(self.stranded)
        request = self.interleaved.begin_update(wished)

        def take_back() -> None:
            if request.response and not request.given_up:
                self.interleaved.resource.physical_id = request.response.physical_id
            self._take_back_update(move)

        response = self._end(request, move, "UPDATE_ROLLBACK", take_back)
        if response and response.ok:
            assert move.allowed or not replaces
            self.live, self.differs, self.stranded = wished, False, set()
            self.apart.discard(response.physical_id)
            self.interleaved.resource.physical_id = response.physical_id
            self._clean_up("UPDATE", move.more)
        elif response:
            refused = replaces and (not move.allowed or self._is_taken(wished, response))
            assert refused or _by_the_fallback(response), response.reason
            take_back()

    def _delete(self, move: Move) -> None:
        assert self.live
        if move.retained and not self.differs:
            self.retained |= self.held
            self._leave(self.held)
            self.held = set()
        else:
            self.held = set()
            if not move.whole:
                self._leave(self._unnamed_in_service(self.interleaved.resource.physical_id))
            running = ["DELETE"] if move.whole else ["UPDATE", "UPDATE_COMPLETE_CLEANUP"]
            for kind in running:
                self.interleaved.cloudformation.stack_status(f"{kind}_IN_PROGRESS")
            self._insist(lambda: self.interleaved.cloudformation.send("Delete", LOGICAL_ID), move.troubles)
        self.live = None
        self._complete("DELETE" if move.whole else "UPDATE")

    # --- what must hold

    @invariant()
    def nothing_is_wrong(self) -> None:
        if not hasattr(self, "interleaved"):
            return
        wrongs = [*self.wrongs, *self.interleaved.cloudformation.violations]
        assert not wrongs, wrongs
        assert self.held <= self.interleaved.groups().keys(), "a live cluster is lost"

    def teardown(self) -> None:
        if not hasattr(self, "interleaved"):
            return
        try:
            self._end_of_all()
        finally:
            self.interleaved.__exit__(None, None, None)

    def _end_of_all(self) -> None:
        self.interleaved.forget_cuts()
        self.interleaved.settle()
        self.nothing_is_wrong()
        if self.live is not None:
            if not self.differs:
                self._is_as_desired(stringify(self.live))
            self.held = set()
            response = self.interleaved.cloudformation.delete(LOGICAL_ID)
            assert response.ok, response.reason
            self.interleaved.settle()
            self.nothing_is_wrong()
        left = self._left()
        assert not left, f"left behind: {left}"

    def _is_as_desired(self, live: dict[str, Any]) -> None:
        (group_id,) = self.held
        group = self.interleaved.groups()[group_id]
        tags = {key: value for key, value in self.interleaved.simulator.tags(group.id).items() if key in "ab"}
        assert self.interleaved.groups().keys() - self.apart == self.held
        assert group.node_type == live["node_type"]
        assert str(group.replicas) == live["replicas"]
        assert group.tls == (live["secure"] == "true")
        # The tags of an update that failed, and whose rollback was given up, no later request knows of.
        assert (
            tags.items() >= live.get("tags", {}).items() if self.was_skipped else tags == live.get("tags", {})
        )
        # Alongside the group and its subnet group: the security group, and the secret of a token.
        assert len(self._left()) == 3 + group.tls

    def _left(self) -> list[str]:
        """Return all that is left, without what may be left."""
        left = self.interleaved.leftovers()
        return [each for each in left if not any(kept in each for kept in self._parts(self.apart))]

    def _parts(self, ids: set[str | None]) -> list[str]:
        """Return what the names and ids of everything of these clusters contain."""
        groups = self.interleaved.security_groups().items()
        return [
            *map(str, ids),
            *(key for key, name in groups if any(name.endswith(str(each)) for each in ids)),
        ]

    # --- inside

    def _begin_create(self, wished: dict[str, Any]) -> SentRequest:
        request = self.interleaved.begin_create(wished)
        if self.stands:
            self.interleaved.cloudformation.stack_status("UPDATE_IN_PROGRESS")
        return request

    def _take_back_create(self, kind: str, physical_id: str | None, troubles: Troubles) -> None:
        """Delete what was to be created; where the stack was new, it goes with it."""
        running = "UPDATE_ROLLBACK_COMPLETE_CLEANUP" if self.stands else kind
        self.interleaved.cloudformation.stack_status(f"{running}_IN_PROGRESS")
        self._insist(
            lambda: self.interleaved.cloudformation.send("Delete", LOGICAL_ID, physical_id=physical_id),
            troubles,
        )
        self._complete(kind)

    def _take_back_update(self, move: Move) -> None:
        """Swap the update back, then clean up: what lived before must live after it.

        Where that fails it is done once more, or the resource is skipped and stays as it is.
        """
        resource = self.interleaved.resource
        assert resource.before
        (original,) = self.held
        self.held.add(resource.physical_id)
        self.interleaved.cloudformation.stack_status("UPDATE_ROLLBACK_IN_PROGRESS")
        given_up = (resource.physical_id, resource.properties)
        resource.properties, resource.before = resource.before[1], given_up
        if move.denied and not self._rolled_back_under(move.denied, move.more).ok:
            self._rest("UPDATE_ROLLBACK_FAILED")
            self.interleaved.cloudformation.idle(_BETWEEN)
            self.interleaved.cloudformation.stack_status("UPDATE_ROLLBACK_IN_PROGRESS")
            # A replacement that CloudFormation took the answer of leaves two clusters in service if skipped.
            if move.skipped and resource.physical_id == original:
                self._skip(original)
                self._clean_up("UPDATE_ROLLBACK", [])
                return
        response = self._insist(lambda: self.interleaved.cloudformation.send("Update", LOGICAL_ID), move.more)
        assert response.physical_id == original
        resource.physical_id = original
        self.differs, self.stranded = False, set()
        self._clean_up("UPDATE_ROLLBACK", move.more)

    def _skip(self, original: str | None) -> None:
        """Leave the resource as a failed rollback left it: the next Update of it removes what is half-made.

        What came into service is left for good where no such Update follows: if it is skipped again, deleted
        on its own, or replaced by a request that is cancelled.
        """
        self._leave(self.stranded)
        self.differs = self.was_skipped = True
        self.stranded = self._unnamed_in_service(original)

    def _unnamed_in_service(self, named: str | None) -> set[str | None]:
        """Return the clusters that came into service under another id than the one CloudFormation knows."""
        others = self.interleaved.groups().keys() - self.apart - {named}
        return {each for each in others if IN_SERVICE in self.interleaved.tags(each)}

    def _leave(self, ids: set[str | None]) -> None:
        """Take note of clusters that may be left: no Delete will name them."""
        groups = self.interleaved.groups()
        self.taken |= {groups[each].tls for each in ids & groups.keys()}
        self.apart |= ids

    def _rolled_back_under(self, denied: str, troubles: Troubles) -> ReceivedResponse:
        """Send the swapped Update while a call is refused to it; return its answer, whatever it is."""
        request = self.interleaved.cloudformation.send("Update", LOGICAL_ID)

        def fault(made: Made) -> None:
            if made.request_id == request.id and made.call.name == denied:
                raise client_error("UnauthorizedOperation", operation=made.call.operation)

        self._trouble(request, troubles)
        with mock.patch.object(self.interleaved, "fault", fault):
            response = self.interleaved.cloudformation.run(request)
        self.interleaved.forget_cuts()
        return response

    def _clean_up(self, kind: str, troubles: Troubles) -> None:
        """Delete the old cluster of a replacement."""
        resource = self.interleaved.resource
        before, resource.before = resource.before, None
        self.held = {resource.physical_id}
        self.interleaved.cloudformation.stack_status(f"{kind}_COMPLETE_CLEANUP_IN_PROGRESS")
        if before and before[0] != resource.physical_id:
            old = {"physical_id": before[0], "properties": before[1]}
            self._insist(lambda: self.interleaved.cloudformation.send("Delete", LOGICAL_ID, **old), troubles)
        self._complete(kind)

    def _rest(self, status: str) -> None:
        """Let an operation end: from then on CloudFormation takes no answer to any of its requests."""
        self.interleaved.cloudformation.stack_status(status)
        for request in self.past:
            request.given_up = True

    def _complete(self, kind: str) -> None:
        self._rest(f"{kind}_COMPLETE")
        self.interleaved.cloudformation.idle(_BETWEEN)
        if kind in ("ROLLBACK", "DELETE"):
            self.interleaved.begin_another_stack()
            self.stands = False
            self.taken, self.stranded = set(), set()

    def _end(
        self, request: SentRequest, move: Move, kind: str, take_back: Callable[[], None]
    ) -> ReceivedResponse | None:
        """Wait for the answer; None where CloudFormation cancels the request, at a call or after its end."""
        self._trouble(request, [each for each in move.troubles if each[1] != move.cut])
        if move.cut is None:
            return self.interleaved.cloudformation.run(request)
        cancelled: list[bool] = []

        def cancel() -> None:
            request.given_up |= request.response is None
            self.interleaved.cloudformation.stack_status(f"{kind}_IN_PROGRESS")
            if not move.unheard:
                take_back()
            cancelled.append(True)

        if move.in_flight is None:
            self.interleaved.cut(request, move.cut, cancel)
        else:
            self.interleaved.cut_in_flight(request, move.cut, cancel, move.in_flight)
        until = self.interleaved.clock.now() + request.timeout
        while not (request.response or cancelled) and self.interleaved.cloudformation.step(until=until):
            pass
        self.interleaved.forget_cuts()
        if not cancelled:
            cancel()
        if move.unheard:
            self.interleaved.cloudformation.idle(move.lag)
            take_back()
        return None

    def _is_taken(self, wished: dict[str, Any], response: ReceivedResponse) -> bool:
        """Return whether a cluster that no request may touch stands under the id that was asked for."""
        return _STILL_EXISTS in response.reason and (self.was_skipped or wished["secure"] in self.taken)

    def _insist(self, send: Callable[[], SentRequest], troubles: Troubles | None = None) -> ReceivedResponse:
        """Send a request until it succeeds, which only kills at every try of Lambda may prevent."""
        for _ in range(3):
            request = send()
            self._trouble(request, troubles)
            troubles = None
            response = self.interleaved.cloudformation.run(request)
            if response.ok:
                return response
            assert _by_the_fallback(response), response.reason
        raise AssertionError(response.reason)

    def _trouble(self, request: SentRequest, troubles: Troubles | None) -> None:
        for what, at in troubles or ():
            self.interleaved.cut(request, at, lambda what=what, at=at: self._hit(what, at, request))
        self.past.append(request)

    def _hit(self, what: str, at: int, request: SentRequest) -> None:
        older = self.past[at % len(self.past)]
        match what:
            case "kill":
                raise KilledError("killed")
            case "again":
                self.interleaved.again(request)
            case "an older event":
                self._come_late(older)
            case "an older poll":
                polls = [text for text in self.interleaved.cloudformation.schedule_inputs if older.id in text]
                if polls:
                    self._come_late(older, json.loads(polls[-1]))

    def _come_late(self, older: SentRequest, event: dict[str, Any] | None = None) -> None:
        if self.interleaved.clock.now() <= older.sent_at + _LATEST:
            self.interleaved.invoke(event or older.event)


def _by_the_fallback(response: ReceivedResponse) -> bool:
    return any(words in response.reason for words in _BY_THE_FALLBACK)
