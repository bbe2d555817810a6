"""One account's ElastiCache in one Region: its state, and how it changes as time passes.

Nothing runs in the background: the next call first does what is due, in order.
"""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

from moto.utilities.utils import get_partition

from . import checks, views
from .errors import Refusal, bad_value, group_busy, member_busy
from .state import (
    Change,
    Effect,
    Event,
    GroupState,
    Member,
    ReplicationGroup,
    Script,
    Snapshot,
    SubnetGroup,
    View,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .surroundings import Surroundings
    from .timing import Quotas, Timing


class Region:
    """The state of ElastiCache for one account and Region."""

    def __init__(
        self,
        *,
        account: str,
        name: str,
        start: float,
        timing: Timing,
        quotas: Quotas,
        script: Script,
        around: Surroundings,
    ) -> None:
        self.account = account
        self.name = name
        self.now = start
        self.timing = timing
        self.quotas = quotas
        self.script = script
        self.around = around
        self.groups: dict[str, ReplicationGroup] = {}
        self.subnet_groups: dict[str, SubnetGroup] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.events: list[Event] = []
        self.tags: dict[str, dict[str, str]] = {}
        self.history: dict[str, list[GroupState]] = {}
        self.unsupported_snapshots: set[str] = set()
        self.withdrawn: set[str] = set()
        self._released: dict[str, float] = {}
        self._gone: dict[str, tuple[View, float]] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    # time

    def at(self, seconds_from_now: float, action: Callable[[], None]) -> None:
        """Do `action` after `seconds_from_now`."""
        heapq.heappush(self._due, (self.now + seconds_from_now, next(self._order), action))

    def run_until(self, now: float) -> None:
        """Do everything that is due by `now`."""
        while self._due and self._due[0][0] <= now:
            self.now, _, action = heapq.heappop(self._due)
            action()
            self.note()
        self.now = max(self.now, now)

    def note(self) -> None:
        """Append each replication group's state to its history where it has changed."""
        for group in self.groups.values():
            state = group.state_at(self.now)
            if not group.history or _facts(group.history[-1]) != _facts(state):
                group.history.append(state)

    # lookups

    def arn(self, kind: str, name: str) -> str:
        return f"arn:{get_partition(self.name)}:elasticache:{self.name}:{self.account}:{kind}:{name}"

    def group(self, group_id: str) -> ReplicationGroup:
        found = self.groups.get(group_id.lower())
        if found is None:
            raise Refusal("ReplicationGroupNotFoundFault", f"ReplicationGroup {group_id} not found.")
        return found

    def subnet_group(self, name: str) -> SubnetGroup:
        found = self.subnet_groups.get(name.lower())
        if found is None:
            raise Refusal("CacheSubnetGroupNotFoundFault", f"Cache Subnet Group {name} does not exist.")
        return found

    def available_group(self, group_id: str, purpose: str) -> ReplicationGroup:
        """Return a replication group whose own status is `available`, or refuse."""
        group = self.group(group_id)
        if group.status != "available":
            raise group_busy(
                f"Replication group {group.id} has status {group.status} which is not valid for {purpose}."
            )
        return group

    def settled_group(self, group_id: str, purpose: str = "modification") -> ReplicationGroup:
        """Return a replication group that accepts changes, or refuse.

        Members may still be changing when the replication group reports `available`
        (hashicorp/terraform-provider-aws#50096).
        """
        group = self.available_group(group_id, purpose)
        checks.in_global_datastore(group)
        for node_group in group.node_groups:
            if node_group.status != "available":
                raise group_busy(
                    f"Node group {node_group.id} of {group.id} has status {node_group.status} "
                    f"which is not valid for {purpose}."
                )
        for member in group.every_member():
            if member.status != "available":
                raise member_busy(f"Cache cluster {member.id} is not in a valid state for {purpose}.")
        return group

    def nodes(self) -> int:
        return sum(len(list(group.every_member())) for group in self.groups.values())

    # what the Describe calls show

    def shown(self) -> list[View]:
        """Return what the Describe calls show now: the state before a change while that change is fresh."""
        fresh = [
            group.stale_view if group.stale_view and self.now < group.stale_until else views.view(self, group)
            for group in self.groups.values()
        ]
        gone = [view for view, until in self._gone.values() if self.now < until]
        return [view for view in fresh + gone if view.group is not None]

    def about_to_change(self, group: ReplicationGroup) -> None:
        """Keep what the Describe calls show of `group` before a change, if they lag behind it."""
        if self.timing.stale > 0 and self.now >= group.stale_until:
            group.stale_view = views.view(self, group)
            group.stale_until = self.now + self.timing.stale

    # events

    def notify(self, kind: str, group: ReplicationGroup) -> None:
        self.around.notify(Change(kind, self.account, self.name, group.id))

    def event(self, source_id: str, message: str, source_type: str = "replication-group") -> None:
        self.events.append(Event(source_id, source_type, message, self.now))

    # changes that take time

    def change(
        self,
        group: ReplicationGroup,
        effects: list[Effect],
        moving: Callable[[], list[Member]],
        notice: str = "",
    ) -> None:
        """Begin `effects` now and end them after the longest; the `moving` members become available later.

        An effect whose kind is scripted to be rolled back is undone at the end, with an event only.
        `moving` is called once the effects have begun. `notice` is the kind of Change to report at the end.
        """
        self.about_to_change(group)
        for effect in effects:
            effect.begin()
        members = moving()
        self._busy(group, members, effects)
        messages = [self.script.rollback_of(effect.kind) for effect in effects]

        def end() -> None:
            for effect, message in zip(effects, messages, strict=True):
                self._finish(group, effect, message)
            group.pending.clear()
            group.resharding = None
            self.settle(group, members)
            if notice:
                self.notify(notice, group)

        self.at(max(effect.seconds for effect in effects), end)

    def _busy(self, group: ReplicationGroup, members: list[Member], effects: list[Effect]) -> None:
        group.status = "modifying"
        for node_group in group.node_groups:
            if node_group.status == "available":
                node_group.status = "modifying"
        for member in members:
            if member.status == "available":
                member.status = "modifying"
            for effect in effects:
                member.pending.update(effect.pending)

    def _finish(self, group: ReplicationGroup, effect: Effect, message: str | None) -> None:
        if message is None:
            effect.apply()
        else:
            effect.undo()
            self.event(group.id, message)

    def settle(self, group: ReplicationGroup, members: Iterable[Member]) -> None:
        """Make the replication group available now; node groups and members follow after their lag."""
        self._rest(group)
        moving = list(members)

        def node_groups_rest() -> None:
            for node_group in group.node_groups:
                node_group.status = "available"

        def members_rest() -> None:
            for member in moving:
                member.status = "available"
                member.pending.clear()
                member.node_type, member.engine, member.version = group.node_type, group.engine, group.version
            group.leaving.clear()

        self.at(self.timing.node_group_lag, node_groups_rest)
        self.at(self.timing.member_lag, members_rest)

    def _rest(self, group: ReplicationGroup) -> None:
        group.status = "available"
        if group.maintenance:
            self.maintain(group)

    def maintain(self, group: ReplicationGroup) -> None:
        """Begin the next maintenance of AWS."""
        pause = group.maintenance.popleft()
        self.pause(group, pause.status, pause.seconds)

    def pause(self, group: ReplicationGroup, status: str, seconds: float) -> None:
        """Show `status` for `seconds`, in which the replication group takes no changes."""
        self.about_to_change(group)
        group.status = status
        self.at(seconds, lambda: self._rest(group))

    def remove(self, group: ReplicationGroup) -> None:
        """Remove the replication group; its interfaces hold the security groups a little longer."""
        if self.now < group.stale_until and group.stale_view:
            self._gone[group.id] = (group.stale_view, group.stale_until)
        self.release(group.security_groups)
        del self.groups[group.id]
        self.tags.pop(group.arn, None)
        self.event(group.id, f"Replication group {group.id} deleted")
        self.notify("deleted", group)

    def release(self, security_groups: Iterable[str]) -> None:
        for security_group in security_groups:
            self._released[security_group] = self.now + self.timing.eni_lag

    def holds(self, security_group: str) -> bool:
        """Return whether an interface of a cluster is in `security_group`."""
        used = any(
            security_group in group.security_groups or security_group in group.pending_security_groups
            for group in self.groups.values()
        )
        return used or self.now < self._released.get(security_group, 0.0)

    # shared checks

    def check_capacity(self) -> None:
        if self.script.shortages > 0:
            self.script.shortages -= 1
            raise Refusal("InsufficientCacheClusterCapacity", checks.NO_CAPACITY)

    def check_security_groups(self, wanted: tuple[str, ...], subnets: SubnetGroup) -> None:
        for security_group in wanted:
            vpc = self.around.security_group(security_group)
            if vpc is None:
                # The words of ansible/ansible#6794.
                raise bad_value(f"Invalid security group , groupId= {security_group}, groupName=.")
            if vpc != subnets.vpc:
                raise Refusal(
                    "InvalidParameterCombination",
                    f"Subnet group [{subnets.name}] belongs to a different VPC [{subnets.vpc}] than [{vpc}]",
                )


def _facts(state: GroupState) -> tuple[object, ...]:
    return tuple(value for name, value in vars(state).items() if name != "at")
