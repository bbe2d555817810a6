"""crhelper, subclassed: who answers when, with which physical id, and what happens when nobody can.

crhelper 2.0.12 calls the function for an event, then polls or responds. Its way of doing either loses
clusters (a random physical id), leaks rules and secrets, or answers too early, so this class keeps its
life cycle and replaces those parts; each override says which behaviour forces it.
"""

from __future__ import annotations

import os
from typing import Any

from crhelper import FAILED, CfnResource

from massdriver_redis import log
from massdriver_redis.clock import Clock
from massdriver_redis.cloudformation import poll_event, response
from massdriver_redis.cloudformation.delivery import RefusedError, Sender, UnreachableError
from massdriver_redis.cloudformation.genuine import Recipient, shown
from massdriver_redis.cloudformation.outcome import Ignored, Outcome, Pending, Response
from massdriver_redis.cloudformation.request import parse, secrets_of
from massdriver_redis.cloudformation.work import LambdaContext, Provider, Work
from massdriver_redis.errors import EnvelopeError, InvalidRequestError, ResourceError, shorten
from massdriver_redis.log import logger
from massdriver_redis.state.naming import nothing_made, unknown_outcome

_RESERVE = 5.0
"""Seconds of an invocation kept back from the response PUT, to record it and stop polling."""


class UndeliveredError(Exception):
    """Neither a response nor a poll to come: Lambda must deliver the event again."""


class PollingResource(CfnResource):
    """A custom resource whose work is the same for the first delivery of a request and for each poll."""

    def __init__(self, provider: Provider, clock: Clock, send: Sender, recipient: Recipient) -> None:
        # Not crhelper's own __init__: it builds three boto3 clients that only its own polling uses, and
        # sets the root logger's level. A test holds that every other attribute of it is set here.
        self._sleep_on_delete = 0
        self._polling_interval = 1
        self._json_logging = False
        self._log_level = "INFO"
        self._boto_level = "ERROR"
        self._ssl_verify = None
        self._timer = None
        self._init_failed = None
        self._send_response = False
        self._sam_local = os.getenv("AWS_SAM_LOCAL")
        self._region = os.getenv("AWS_REGION")
        self._response_url = ""
        self._event: dict[str, object] = {}
        self._context: Any = None
        self.Status = self.Reason = self.PhysicalResourceId = ""
        self.StackId = self.RequestId = self.LogicalResourceId = ""
        self.Data: dict[str, str] = {}
        self.NoEcho = True
        for register in (self.create, self.update, self.delete):
            register(self._run)
        for register in (self.poll_create, self.poll_update, self.poll_delete):
            register(self._run)
        self._provider = provider
        self._clock = clock
        self._put = send
        self._recipient = recipient
        log.quiet_libraries()

    def __call__(  # type: ignore[override]
        self, event: object, context: LambdaContext
    ) -> dict[str, object]:
        """Handle one event of CloudFormation or of a poll schedule; return a summary without secrets.

        Raises UndeliveredError where only another delivery of the event by Lambda can help, and ResourceError
        where a poll's schedule can't be read.
        """
        log.forget()
        try:
            if poll_event.is_poll(event):
                event = self._carried(event, context)
                if event is None:
                    return self._unanswered("IGNORED", "the poll is late, or its schedule is gone")
            # Before crhelper sees the event: it would answer a malformed one to the previous stack's URL.
            recipient = self._recipient.at(context.invoked_function_arn)
            self._request = parse(event, self._clock.now(), recipient=recipient)
        except EnvelopeError as error:
            log.refused(str(error), shown(event))
            return self._unanswered("REFUSED", str(error))
        self._handle(event, context)
        return self._summary()

    def _carried(self, poll: object, context: LambdaContext) -> object:
        """Return the event that a poll's schedule carries, None where the poll is late or its schedule gone.

        Whoever may invoke the function can forge a poll: what it says of itself is never acted on.
        """
        schedule = poll_event.schedule_of(poll)
        if not schedule:
            raise EnvelopeError("Not a poll: ScheduleName is no name of a poll schedule.")
        late = poll_event.is_stale(poll, self._clock.now())
        return None if late else self._provider.carried(schedule, context)

    def _handle(self, event: object, context: LambdaContext) -> None:
        """Let crhelper run the work on the request; demand that a poll comes where it is left open."""
        log.protect(*secrets_of(self._request))
        self._work: Work | None = None
        self._outcome: Outcome = Ignored("")
        self._unreachable = False
        super().__call__(event, context)
        if self._sam_local and isinstance(self._outcome, Response):
            # crhelper sends nothing on a developer's machine; showing the response is the delivery.
            self._after_response(self._outcome, delivered=True)
        open_ = self._unreachable or isinstance(self._outcome, Pending)
        if open_ and not self._polling():
            raise UndeliveredError("the request is open and no poll comes for it")

    def _unanswered(self, status: str, reason: str) -> dict[str, object]:
        return {"status": status, "physical_resource_id": "", "reason": reason}

    def _run(self, _event: object, context: LambdaContext) -> str:
        """Do the work; crhelper calls this for every kind of event. It never raises."""
        try:
            self._work = self._provider.begin(self._request, context)
            self._outcome = self._work.run()
        except InvalidRequestError as error:
            physical_id = self._request.physical_id or nothing_made(self._request.owner)
            self._outcome = Response("FAILED", physical_id, str(error))
        except ResourceError as error:
            self._outcome = self._failed(str(error))
        except Exception as error:
            logger.exception("Request failed unexpectedly")
            self._outcome = self._failed(f"Internal error, {type(error).__name__}: {error}")
        logger.info("Invocation done", outcome=repr(self._outcome))
        return self._physical_id()

    def _failed(self, reason: str) -> Response:
        return Response("FAILED", self._physical_id(), reason)

    def _physical_id(self) -> str:
        """Return the id every response of this request carries: never empty, True, None or random."""
        candidates = [getattr(self._outcome, "physical_id", None), getattr(self._work, "physical_id", None)]
        for candidate in (*candidates, self._request.physical_id):
            if isinstance(candidate, str) and candidate:
                return candidate
        return unknown_outcome(self._request.owner)

    def _polling_init(self, event: object) -> None:  # noqa: ARG002
        # crhelper arms a rule here after the function ran and takes the id for "done". Here the work has
        # created its schedule before anything else, and only a Response ends it.
        self._send_response = isinstance(self._outcome, Response)

    def _cfn_response(self, event: object) -> None:  # noqa: ARG002
        # crhelper invents an id here; a changed id makes CloudFormation delete the live cluster.
        self._send()

    def _send(self, status: str | None = None, reason: str = "", send_response: object = None) -> None:  # noqa: ARG002
        """Deliver the response, then have it recorded and polling stopped; never raises.

        The PUT goes first: after a crash in between, the next poll gives the same response again. crhelper
        itself calls this with a status after an exception of its own.
        """
        if status == FAILED:
            self._outcome = self._failed(reason)
        if not isinstance(self._outcome, Response):
            return
        answer = self._outcome = self._presentable(self._outcome)
        delivered = True
        try:
            self._put(
                self._request.response_url,
                response.build(self._request, answer),
                until=self._clock.now() + self._seconds_left(),
                clock=self._clock,
            )
        except RefusedError as error:
            logger.error("The response is lost: CloudFormation no longer takes it", error=str(error))
            delivered = False
        except UnreachableError as error:
            logger.error("The response is not delivered yet", error=str(error))
            self._unreachable = True
            return
        self._after_response(answer, delivered=delivered)

    def _presentable(self, answer: Response) -> Response:
        # AWS's words and a user's names may hold control characters, which have no place in a Reason.
        printable = "".join(char if char.isprintable() else " " for char in log.redact(answer.reason))
        reason = shorten(printable)
        if answer.status == FAILED and not reason:
            reason = "Failed without a reason; see the provider function's log group."
        attributes = {} if answer.status == FAILED else answer.attributes
        return Response(answer.status, self._physical_id(), reason, attributes)

    def _after_response(self, answer: Response, *, delivered: bool) -> None:
        try:
            if self._work:
                self._work.after_response(answer, delivered=delivered)
            elif self._request.is_poll:
                self._provider.stop_polling(self._request, self._context)
        except Exception:
            logger.exception("The response was delivered but not recorded; the next poll repeats it")

    def _polling(self) -> bool:
        """Return whether a poll will deliver the response later."""
        return self._request.is_poll or (self._work is not None and self._work.polling)

    def _seconds_left(self) -> float:
        return float(self._context.get_remaining_time_in_millis()) / 1000 - _RESERVE

    def _summary(self) -> dict[str, object]:
        outcome = self._outcome
        summary: dict[str, object] = {"physical_resource_id": self._physical_id()}
        match outcome:
            case Pending():
                summary |= {"status": "PENDING", "reason": log.redact(outcome.reason)}
            case Ignored():
                summary |= {"status": "IGNORED", "reason": log.redact(outcome.reason)}
            case Response():
                answer = self._presentable(outcome)
                summary |= {"status": answer.status, "reason": answer.reason}
                if self._sam_local:
                    summary["response"] = response.masked(response.build(self._request, answer))
        return summary

    def _log_setup(self, event: object, context: object) -> None:
        """Leave the logs as `log` has set them up; crhelper would reset the root logger."""

    def _set_timeout(self) -> None:
        """Start no timer: after a time-out of Lambda comes its retry, the poll, then the fallback."""

    def _timeout(self) -> None:
        """Send nothing: crhelper's timer would answer FAILED while AWS is still at work."""

    def _put_rule(self) -> None:
        """Make no rule: the work polls by a schedule of its own."""

    def _put_targets(self, func_name: str) -> None:
        """Set no target: there is no rule."""

    def _add_permission(self, rule_arn: str) -> None:
        """Add no permission: Scheduler invokes the function by an execution role."""

    def _remove_permission(self, sid: str) -> None:
        """Remove no permission: there is none."""

    def _remove_polling(self) -> None:
        """Remove nothing: the work deletes its schedule after the response, and never fails on it."""
