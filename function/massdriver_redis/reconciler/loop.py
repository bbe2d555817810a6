"""The loop of one invocation: look, take one step, look again; then answer, or leave it to the poll rule.

Nothing is remembered between invocations but what AWS shows. The poll rule is armed before the first
mutation, so that a crash at any line is picked up by the next poll; what needs no mutation and no
waiting is answered at once and leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from massdriver_redis.aws.poll_rule import PollRule
from massdriver_redis.clock import Clock
from massdriver_redis.cloudformation import request as envelope
from massdriver_redis.cloudformation.outcome import Ignored, Outcome, Pending, Response
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.errors import (
    AccessDeniedError,
    EnvelopeError,
    NotYetVisibleError,
    ResourceError,
    TransientError,
)
from massdriver_redis.log import logger
from massdriver_redis.planner.decision import Apply, Decision, Look, Reject, Requeue, UpToDate
from massdriver_redis.reconciler.apply import ApplyController
from massdriver_redis.reconciler.controller import Controller, LoopState
from massdriver_redis.reconciler.delete import DeleteController
from massdriver_redis.reconciler.external import MAX_OBSERVATION_AGE
from massdriver_redis.state.record import LAST_ANSWERED_REQUEST, RequestVersion

_DENIALS_BELIEVED = 3
"""Looks in a row that must be denied before it is believed: IAM takes a moment to spread."""

RETRY_WINDOW = 300.0
"""Seconds after the request from which on a missing thing or a lack of capacity is final."""

_CALM_AFTER = 60.0
"""Seconds after taking over in which a call of the other operation may still arrive: its look is at most
ten seconds old (`FRESH`), and its request is tried three times for 15 seconds."""

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


class Reconciliation:
    """One invocation's work on one request; raises InvalidRequestError for broken properties."""

    def __init__(
        self, request: Request, rule_for: Callable[[str], PollRule], clock: Clock, settings: Settings
    ) -> None:
        self._request = request
        self._clock = clock
        self._settings = settings
        self._began = clock.now()
        self._until = min(self._began + settings.window, settings.ends - _TO_ANSWER)
        self._strikes = 0
        self._took_over = False
        self._noted = False
        self._trouble = ""
        self._doubted: Response | None = None
        self._looked_at = self._began
        self._armed_at = request.armed_at
        self._calm_at = 0.0 if request.armed_at is None else request.armed_at + _CALM_AFTER
        make = DeleteController if request.kind == "Delete" else ApplyController
        self._job: Controller = make(request, clock, settings.prefix)
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
        given_up = self._request.started_at + self._request.service_timeout
        if self._request.is_poll and self._clock.now() >= given_up:
            # An answer now would be noted as taken, and what it speaks of as handed over.
            return self._leave(Ignored("CloudFormation waits no longer"))
        for _ in range(_MOST_TURNS):
            turn = self._turn()
            if isinstance(turn, Ignored):
                return self._leave(turn)
            if isinstance(turn, Response | Pending):
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

    def after_answer(self, answer: Response, *, delivered: bool = True) -> None:
        """Note that the request was answered, then disarm; what fails here is logged and left.

        An answer that CloudFormation never took is not noted: the next operation must know.
        """
        of_use = answer.status == "FAILED" or self._request.kind != "Delete"
        if delivered and of_use and (self._armed or self._noted):
            try:
                request_version = RequestVersion(self._request.request_id, self._request.signed_at or 0.0)
                self._job.mark(
                    {LAST_ANSWERED_REQUEST: request_version.text()}, succeeded=answer.status == "SUCCESS"
                )
            except ResourceError as error:
                logger.warning("The answer is not on record", reason=str(error))
        self._disarm()

    # --- one turn ----------------------------------------------------------------------------------

    def _turn(self) -> Outcome | Requeue | None:
        """Make one look and at most one step; None after a step."""
        try:
            turn = self._look_and_step()
        except TransientError as error:
            return self._hold(Requeue(str(error)))
        except (AccessDeniedError, NotYetVisibleError) as error:
            if self._gives_up(error):
                return self._failed(str(error))
            return self._hold(Requeue(str(error)))
        except ResourceError as error:
            return self._failed(str(error))
        self._trouble = ""
        if turn is None or isinstance(turn, Requeue):
            self._strikes = 0
        return turn

    def _look_and_step(self) -> Outcome | Requeue | None:
        self._looked_at = self._clock.now()
        doubted, self._doubted = self._doubted, None
        overtaken = self._standing()
        if overtaken:
            return overtaken
        calm = self._clock.now() >= self._calm_at
        decision = self._job.decide(LoopState(self._armed, self._took_over, calm))
        match decision:
            case Apply() if self._late and decision.call.service == "elasticache":
                return Requeue(self._trouble or f"still to {decision.call.summary} ({decision.call.name})")
            case Apply():
                return self._step(decision)
            case Requeue():
                self._arm()
                return decision
            case Reject():
                return self._seen_twice(self._failed(decision.reason), doubted)
            case Response() if decision.status == "FAILED" or self._request.kind == "Delete":
                return self._seen_twice(decision, doubted)
            case UpToDate() | Look():
                raise ResourceError("the planner came to no end; report this with the log")
            case _:
                return decision

    def _step(self, step: Apply) -> Requeue | None:
        """Make the step, with the rule armed and from a look that is not old."""
        self._noted |= not step.needs_poll
        # Armed first and looked again: the job notes the request as accepted before its first step.
        if step.needs_poll and self._arm():
            return None
        if self._clock.now() > self._looked_at + MAX_OBSERVATION_AGE:
            return None
        if self._job.make(step) == "made":
            return None
        return Requeue(f"AWS to show what {step.call.name} found done already")

    def _seen_twice(self, answer: Response, doubted: Response | None) -> Response | None:
        """Answer once a second look says the same.

        Another invocation's step may fall into the midst of a look, and what was made a moment ago may
        be missing in one.
        """
        if answer == doubted:
            return answer
        self._doubted = answer
        return None

    def _gives_up(self, error: ResourceError) -> bool:
        self._strikes += 1
        if self._strikes < _DENIALS_BELIEVED:
            return False
        return (
            isinstance(error, AccessDeniedError)
            or self._clock.now() > self._request.started_at + RETRY_WINDOW
        )

    def _hold(self, wait: Requeue) -> Requeue | Response:
        """Wait out a trouble, with the rule armed so that the next poll goes on."""
        self._trouble = wait.why
        try:
            self._arm()
        except ResourceError as error:
            self._strikes += 1
            if self._strikes >= _DENIALS_BELIEVED:
                return self._failed(str(error))
            return Requeue(str(error))
        return wait

    def _pause(self, waiting: str) -> Outcome:
        if not self._armed:
            return self._failed(waiting)
        if self._clock.now() + _NEXT_POLL > self._request.started_at + self._request.service_timeout:
            # A short ServiceTimeout: the next poll may come when CloudFormation has given up.
            return self._failed(self._job.late(waiting))
        if self._trouble and self._began + envelope.POLL_INTERVAL >= self._request.deadline:
            # The next poll would be too late to try again, and would no longer know the trouble's name.
            return self._failed(self._job.late(waiting))
        return Pending(self.physical_id, waiting)

    def _failed(self, reason: str) -> Response:
        return Response("FAILED", self.physical_id, reason)

    # --- the rule ----------------------------------------------------------------------------------

    def _standing(self) -> Ignored | None:
        """Tell whether this request may still act: what else does its rule poll for?"""
        if self._rule is None:
            return None
        carried = self._rule.carried()
        others = [each for each in carried if each.get("RequestId") != self._request.request_id]
        before, self._armed = self._armed, len(others) < len(carried)
        if any(self._older_than(each) for each in others):
            return Ignored("a newer request is being worked on")
        if before and not self._armed:
            return Ignored("the poll rule is gone or another request's", superseded=not others)
        if others:
            self._took_over = True
            if self._armed_at is None:
                # From then on the other one finds this one's poll and stops, even if its own stays.
                self._calm_at = self._clock.now() + _CALM_AFTER
        if others and self._armed:
            self._rule.drop(str(each.get("RequestId", "")) for each in others)
        return None

    def _older_than(self, carried: dict[str, object]) -> bool:
        """Tell whether another request is newer: by signing time, else by who armed last."""
        try:
            other = envelope.parse(carried, self._clock.now(), self._settings.response_host)
        except EnvelopeError:
            return False
        mine = self._request
        if mine.signed_at and other.signed_at and mine.signed_at != other.signed_at:
            return other.signed_at > mine.signed_at
        if not self._armed:
            return False
        return (other.armed_at or 0.0, other.request_id) > (self._armed_at or 0.0, mine.request_id)

    def _arm(self) -> bool:
        """Arm the poll rule unless it is armed; tell whether it was done now."""
        if self._armed or self._rule is None:
            return False
        self._armed_at = self._clock.now()
        event = envelope.slim_event(self._request, self.physical_id)
        self._rule.arm({**event, "ArmedAt": self._armed_at})
        self._armed = True
        return True

    def _disarm(self) -> None:
        """Stop polling; a rule that another operation has taken stays."""
        if self._rule and (self._armed or self._rule.idle):
            self._rule.disarm(self._request.request_id)

    def _leave(self, silent: Ignored) -> Ignored:
        """Go without an answer, and without leaving behind what only this invocation knows of."""
        self._disarm()
        if not silent.superseded:
            return silent
        for _ in range(_CLEAN_UPS):
            try:
                decision: Decision = self._job.abandon()
                if not isinstance(decision, Apply):
                    break
                self._job.make(decision)
            except ResourceError as error:
                logger.warning("Clean-up after being superseded goes on", reason=str(error))
                self._clock.sleep(self._settings.look_every / 10)
        return silent
