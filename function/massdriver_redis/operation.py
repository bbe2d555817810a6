"""The loop of one invocation: look, take one step, look again; then answer, or leave it to the poll rule.

Nothing is remembered between invocations but what AWS shows. The poll rule is armed before the first
mutation, so that a crash at any line is picked up by the next poll; what needs no mutation and no
waiting is answered at once and leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from massdriver_redis import request as envelope
from massdriver_redis.clock import Clock
from massdriver_redis.converge import Convergence
from massdriver_redis.decision import Decision, Done, Failed, Look, Step, Wait
from massdriver_redis.errors import (
    AccessDeniedError,
    BusyError,
    EnvelopeError,
    PatientError,
    ResourceError,
)
from massdriver_redis.job import Job, Turn
from massdriver_redis.ledger import ANSWERED, Stamp
from massdriver_redis.log import logger
from massdriver_redis.outcome import Answer, Outcome, Pending, Silent
from massdriver_redis.poll_rule import PollRule
from massdriver_redis.removal import Removal
from massdriver_redis.request import Request

_STRIKES = 3
"""Looks in a row that must be denied before it is believed: IAM takes a moment to spread."""

_PATIENCE = 300.0
"""Seconds after the request from which on a missing thing or a lack of capacity is final."""

_CALM_AFTER = 30.0
"""Seconds after taking over in which a call of the other operation may still arrive."""

_TO_ANSWER = 30.0
"""Seconds of an invocation kept for a last look and the response."""

_NEXT_POLL = 2.0 * envelope.POLL_INTERVAL
"""Seconds within which the next poll surely comes."""

_MOST_TURNS = 60
"""Looks of one invocation; more would mean that steps have no effect."""

_CLEAN_UPS = 10


@dataclass(frozen=True)
class Settings:
    """The provider's own settings; times in seconds.

    `prefix` begins every name; `ends` is when Lambda ends this invocation, in seconds since the epoch;
    `window` is how long one invocation goes on looking, `look_every` the pause between two looks while
    AWS is at work.
    """

    prefix: str
    ends: float
    response_host: str = ""
    window: float = 45.0
    look_every: float = 10.0


class Operation:
    """One invocation's work on one request; raises InvalidRequestError for broken properties."""

    def __init__(
        self, request: Request, rule_for: Callable[[str], PollRule], clock: Clock, settings: Settings
    ) -> None:
        self._request = request
        self._clock = clock
        self._settings = settings
        self._began = clock.now()
        self._until = min(self._began + self._window(), settings.ends - _TO_ANSWER)
        self._strikes = 0
        self._took_over = False
        make = Removal if request.kind == "Delete" else Convergence
        self._job: Job = make(request, clock, settings.prefix)
        self._rule = rule_for(self._job.rule_id) if self._job.rule_id else None
        self._armed = request.is_poll

    @property
    def physical_id(self) -> str:
        """The id that any answer must carry."""
        return self._job.physical_id

    @property
    def armed(self) -> bool:
        """Whether a poll will come for this request."""
        return self._armed

    def run(self) -> Outcome:
        """Go on until the request is answered, superseded, or this invocation's window is over."""
        for _ in range(_MOST_TURNS):
            turn = self._turn()
            if isinstance(turn, Silent):
                return self._leave(turn)
            if isinstance(turn, Answer | Pending):
                return turn
            if turn is None:
                continue
            if self._late:
                return self._failed(self._job.late(turn.why))
            if self._clock.now() + self._settings.look_every > self._until:
                return self._pause(turn.why)
            self._clock.sleep(self._settings.look_every)
        return self._pause("many steps at once")

    @property
    def _late(self) -> bool:
        return self._clock.now() >= self._request.deadline

    def after_answer(self, answer: Answer, *, delivered: bool = True) -> None:
        """Note that the request was answered, then disarm; what fails here is logged and left.

        An answer that CloudFormation never took is not noted: the next operation must know.
        """
        if not self._armed:
            return
        if delivered and (answer.status == "FAILED" or self._request.kind != "Delete"):
            try:
                stamp = Stamp(self._request.request_id, self._request.signed_at or 0.0)
                self._job.mark({ANSWERED: stamp.text()})
            except ResourceError as error:
                logger.warning("The answer is not on record", reason=str(error))
        self._disarm()

    def _window(self) -> float:
        """Return how long to go on looking: to a deadline that the next poll might come too late for."""
        left = self._request.deadline - self._began
        return max(self._settings.window, left + self._settings.look_every if left <= _NEXT_POLL else 0.0)

    # --- one turn ----------------------------------------------------------------------------------

    def _turn(self) -> Outcome | Wait | None:
        """Make one look and at most one step; None after a step."""
        try:
            turn = self._look_and_step()
        except BusyError as error:
            return self._hold(Wait(str(error)))
        except (AccessDeniedError, PatientError) as error:
            if self._gives_up(error):
                return self._failed(str(error))
            return self._hold(Wait(str(error)))
        except ResourceError as error:
            return self._failed(str(error))
        if turn is None or isinstance(turn, Wait):
            self._strikes = 0
        return turn

    def _look_and_step(self) -> Outcome | Wait | None:
        overtaken = self._standing()
        if overtaken:
            return overtaken
        calm = not self._took_over or self._clock.now() >= self._began + _CALM_AFTER
        decision = self._job.decide(Turn(self._armed, self._took_over, calm))
        match decision:
            case Step() if self._late and decision.call.service == "elasticache":
                return Wait(f"still to {decision.call.summary}")
            case Step():
                # Armed first and looked again: the job notes the request as accepted before its first step.
                if self._arm() or self._job.make(decision) == "made":
                    return None
                return Wait("AWS to show what is there already")
            case Wait():
                self._arm()
                return decision
            case Failed():
                return self._failed(decision.reason)
            case Done() | Look():
                raise ResourceError("the planner came to no end; report this with the log")
            case _:
                return decision

    def _gives_up(self, error: ResourceError) -> bool:
        self._strikes += 1
        if self._strikes < _STRIKES:
            return False
        return (
            isinstance(error, AccessDeniedError) or self._clock.now() > self._request.started_at + _PATIENCE
        )

    def _hold(self, wait: Wait) -> Wait | Answer:
        """Wait out a trouble, with the rule armed so that the next poll goes on."""
        try:
            self._arm()
        except ResourceError as error:
            self._strikes += 1
            if self._strikes >= _STRIKES:
                return self._failed(str(error))
            return Wait(str(error))
        return wait

    def _pause(self, waiting: str) -> Outcome:
        if not self._armed:
            return self._failed(waiting)
        return Pending(self.physical_id, waiting)

    def _failed(self, reason: str) -> Answer:
        return Answer("FAILED", self.physical_id, reason)

    # --- the rule ----------------------------------------------------------------------------------

    def _standing(self) -> Silent | None:
        """Tell whether this request may still act: whose rule is armed?"""
        current = self._rule.current() if self._rule else None
        if current is not None and current.get("RequestId") == self._request.request_id:
            self._armed = True
            return None
        if self._armed:
            self._armed = False
            return Silent("the poll rule is gone or another request's", superseded=current is None)
        if current is not None:
            if self._older_than(current):
                return Silent("a newer request is being worked on")
            self._took_over = True
        return None

    def _older_than(self, current: dict[str, object]) -> bool:
        try:
            other = envelope.parse(current, self._clock.now(), self._settings.response_host).signed_at
        except EnvelopeError:
            return False
        mine = self._request.signed_at
        return mine is not None and other is not None and other > mine

    def _arm(self) -> bool:
        """Arm the poll rule unless it is armed; tell whether it was done now."""
        if self._armed or self._rule is None:
            return False
        self._rule.arm(envelope.slim_event(self._request, self.physical_id))
        self._armed = True
        return True

    def _disarm(self) -> None:
        """Remove the rule unless a newer operation has taken it."""
        if self._rule is None:
            return
        try:
            current = self._rule.current()
        except ResourceError as error:
            logger.warning("The poll rule stays until the next poll", reason=str(error))
            return
        if current is None or current.get("RequestId") == self._request.request_id:
            self._rule.disarm()

    def _leave(self, silent: Silent) -> Silent:
        """Go without an answer, and without leaving behind what only this invocation knows of."""
        if not silent.superseded:
            if self._armed:
                self._disarm()
            return silent
        for _ in range(_CLEAN_UPS):
            try:
                decision: Decision = self._job.abandon()
                if not isinstance(decision, Step):
                    break
                self._job.make(decision)
            except ResourceError as error:
                logger.warning("Clean-up after being superseded goes on", reason=str(error))
                self._clock.sleep(self._settings.look_every / 10)
        return silent
