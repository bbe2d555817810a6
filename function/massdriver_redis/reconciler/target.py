"""Which replication group a Create or an Update is about: a new one, the one at home, or one from before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from massdriver_redis.aws.stack import Stack, read_stack
from massdriver_redis.calls import elasticache as group_calls
from massdriver_redis.cloudformation.outcome import Ignored, Response
from massdriver_redis.cloudformation.request import Request
from massdriver_redis.planner import replacement
from massdriver_redis.planner.decision import Apply, Reject, Requeue
from massdriver_redis.planner.delete import owned
from massdriver_redis.planner.plan import not_ours
from massdriver_redis.properties.parse import PreviousProperties, Properties
from massdriver_redis.state import naming
from massdriver_redis.state.desired import Desired, desired
from massdriver_redis.state.observed import Observed


@dataclass(frozen=True)
class Intent:
    """What a request asks for: its properties, those before, and the two ids they lead to."""

    request: Request
    properties: Properties
    old: PreviousProperties
    current_id: str
    computed: str
    prefix: str

    def desired(self, physical_id: str) -> Desired:
        """Return what these properties mean under an id."""
        return desired(self.properties, self.request.owner, physical_id, self.prefix)


class Choice:
    """Chooses by what lives; `look` reads what lives under an id."""

    def __init__(
        self,
        wish: Intent,
        look: Callable[[str], Observed],
        rolling_back: Callable[[], bool],
        now: Callable[[], float],
    ) -> None:
        self._wish = wish
        self._look = look
        self._rolling_back = rolling_back
        self._now = now

    def of(self, home: Observed) -> str | Reject | Ignored | Requeue | Apply | Response:
        """Return the physical id that this request brings to its properties, or how it ends or waits.

        `home` is what lives under the event's own id, or under the computed one for a Create.
        """
        if self._wish.request.kind == "Create":
            return self._choose_new(home)
        foreign = not_ours(self._wish.desired(self._wish.current_id), home)
        if foreign:
            return Reject(foreign, refused=True)
        if home.group is None:
            return self._choose_without_home()
        differing = replacement.create_only_differences(
            self._wish.properties, self._wish.request.owner, self._wish.current_id, home
        )
        return self._choose_replacement(differing) if differing else self._wish.current_id

    def _choose_without_home(self) -> Reject | Ignored:
        """An Update of what is gone: by hand, or by the clean-up after this very request's replacement."""
        request = self._wish.request
        new = self._look(self._wish.computed) if self._wish.computed != self._wish.current_id else None
        if new and new.record.was_answered(request.request_id):
            return Ignored("this request was answered already")
        stack = read_stack(request.stack_id)
        if stack.being_deleted or self._is_over(stack):
            return Ignored("the stack updates nothing now; this Update is a late copy")
        return Reject(self._lost(), refused=True)

    def _choose_new(self, observed: Observed) -> str | Reject | Ignored | Apply | Response:
        """A Create: nothing there, our own earlier try, or a leftover that was never handed over."""
        foreign = not_ours(self._wish.desired(self._wish.computed), observed)
        if foreign:
            # Where something of ours stands beside it, the clean-up must find that by the id.
            mine = owned(self._wish.request.owner, observed) and not observed.record.in_service
            return Reject(foreign, refused=True) if mine else self._nothing_made(foreign)
        if observed.record.was_accepted(self._wish.request.request_id):
            return self._wish.computed
        stack = read_stack(self._wish.request.stack_id)
        if stack.going_away or self._is_over(stack):
            return Ignored("the stack creates nothing now; this Create is a late copy", superseded=True)
        if not owned(self._wish.request.owner, observed):
            return self._wish.computed
        if observed.record.in_service or (observed.group and not observed.security_group):
            return self._nothing_made(self._still_exists(self._wish.computed))
        if observed.group and observed.group.status == "create-failed":
            return Apply(group_calls.delete_group(observed.group.id, None))
        return self._wish.computed

    def _choose_replacement(self, differing: list[str]) -> str | Reject | Requeue | Apply:
        if self._wish.computed == self._wish.current_id:
            return Reject(replacement.same_name(differing), refused=True)
        observed = self._look(self._wish.computed)
        stale = not_ours(self._wish.desired(self._wish.computed), observed)
        if stale:
            return Reject(stale, refused=True)
        if observed.record.was_accepted(self._wish.request.request_id):
            return self._wish.computed  # judged before
        if observed.group and (observed.record.in_service or not observed.security_group):
            return self._choose_earlier(observed)
        if not self._wish.properties.allow_replacement:
            return Reject(replacement.not_allowed(differing), refused=True)
        if observed.group and observed.group.status == "create-failed":
            return Apply(group_calls.delete_group(observed.group.id, None))
        return self._wish.computed

    def _choose_earlier(self, observed: Observed) -> str | Reject | Requeue:
        """The target was handed over before: the original of a rollback, or a leftover to leave alone."""
        if observed.group and observed.group.status == "deleting":
            if self._wish.properties.allow_replacement:
                return Requeue("an earlier cluster of the same name is being deleted")
        elif self._rolling_back():
            return self._wish.computed
        return Reject(self._still_exists(self._wish.computed), refused=True)

    def _is_over(self, stack: Stack) -> bool:
        return stack.is_past(self._wish.request.signed_at, self._now())

    def _nothing_made(self, reason: str) -> Response:
        return Response("FAILED", naming.nothing_made(self._wish.request.owner), reason)

    def _still_exists(self, physical_id: str) -> str:
        return (
            f"{physical_id} still exists from an earlier deployment and was left alone: delete it, or set "
            "md_metadata.name_prefix to another value"
        )

    def _lost(self) -> str:
        return replacement.moved(self._wish.old, self._wish.properties) or (
            f"replication group {self._wish.current_id} was not found; restore it under this id, or "
            "remove the resource from the template and add it again"
        )
