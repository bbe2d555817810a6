"""The simulator's interface: a clock, a state per account and Region, and scripted misbehaviour."""

from __future__ import annotations

import threading
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol, Self

from . import actions, checks, http, moto_extension
from .modify_engine import upgrade_by_aws
from .out_of_band import OutOfBand
from .region import Region
from .state import Change, GroupState, Maintenance, ReplicationGroup, Script
from .surroundings import Subnet, Surroundings
from .timing import Quotas, Timing

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """Where the simulated time comes from."""

    def now(self) -> float: ...


class Simulator:
    """ElastiCache as an extension of moto, with a clock.

    As a context manager it takes over moto's ElastiCache (enter it inside `mock_aws`), and makes
    EC2 refuse to delete security groups that a cluster uses. `handle` answers raw requests.

    `network` maps a Region and a subnet id to the subnet, `security_group` a Region and a security group id
    to its VPC; both return None for what does not exist there, and default to moto's EC2. What `hides` says
    is not visible yet is unknown, too. `endpoint` may replace a cluster's address and port:
    `(replication group id, address, port) -> (address, port)`.
    `on_change` is called when a replication group is created, available or deleted, and when its tokens
    or members change.
    """

    def __init__(
        self,
        clock: Clock,
        timing: Timing | None = None,
        *,
        quotas: Quotas | None = None,
        network: Callable[[str, str], Subnet | None] | None = None,
        security_group: Callable[[str, str], str | None] | None = None,
        hides: Callable[[str], bool] = lambda _name: False,
        endpoint: Callable[[str, str, int], tuple[str, int]] | None = None,
        on_change: Callable[[Change], None] | None = None,
    ) -> None:
        self._clock = clock
        self.timing = timing or Timing()
        self._quotas = quotas or Quotas()
        self._network = network
        self._security_group = security_group
        self._hides = hides
        self._endpoint = endpoint or (lambda _group, address, port: (address, port))
        self.on_change = on_change or (lambda _change: None)
        self._regions: dict[tuple[str, str], Region] = {}
        self._script = Script()
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()

    @cached_property
    def _patch(self) -> moto_extension.Patch:
        return moto_extension.Patch(self.act, self.security_group_in_use)

    @cached_property
    def _responses(self) -> type:
        return moto_extension.response_class(self.act)

    # requests

    def act(self, account: str, region: str, operation: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """Do one operation of ElastiCache; raise Refusal where AWS refuses."""
        with self._lock:
            found = self._region(account, region)
            result = actions.act(found, operation, params)
            found.note()
            return result

    def handle(self, method: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Answer a raw request of the query protocol: (status, headers, body).

        Region and account come from the Authorization header's credential; an `x-moto-account-id`
        header overrides the account.
        """
        return http.answer(self._responses, method, headers, body)

    # what tests read

    def groups(self) -> list[ReplicationGroup]:
        """Return every replication group, the failed ones included."""
        with self._lock:
            return [group for region in self._up_to_date() for group in region.groups.values()]

    def group(self, group_id: str) -> ReplicationGroup:
        """Return the true state of one replication group."""
        return self._find(group_id)[1]

    def history(self, group_id: str) -> list[GroupState]:
        """Return the states of a replication group in order, also of a deleted one."""
        with self._lock:
            for region in self._up_to_date():
                if group_id in region.history:
                    return list(region.history[group_id])
        raise KeyError(group_id)

    def auth_token(self, group_id: str) -> str | None:
        """Return the newest token of a replication group, None without one."""
        tokens = self.auth_tokens(group_id)
        return tokens[-1] if tokens else None

    def auth_tokens(self, group_id: str) -> tuple[str, ...]:
        """Return every token that a replication group accepts, the newest last."""
        return tuple(self.group(group_id).tokens)

    def tags(self, group_id: str) -> dict[str, str]:
        """Return the tags of a replication group in any state."""
        region, group = self._find(group_id)
        return dict(region.tags[group.arn])

    def leftovers(self) -> list[str]:
        """Return the ARNs of every replication group and subnet group that exists."""
        with self._lock:
            regions = self._up_to_date()
            groups = [group.arn for region in regions for group in region.groups.values()]
            subnets = [group.arn for region in regions for group in region.subnet_groups.values()]
            return sorted(groups + subnets)

    def security_group_in_use(self, security_group: str) -> bool:
        """Return whether a cluster, or an interface of a deleted one, holds a security group."""
        with self._lock:
            return any(region.holds(security_group) for region in self._up_to_date())

    # scripted misbehaviour

    def fail_next_create(self, message: str) -> None:
        """Accept the next create and end it in `create-failed`, with the reason only in an event."""
        self._script.failed_creates.append(message)

    def lose_capacity(self) -> None:
        """Accept the next create and end it in `create-failed` for lack of capacity, as AWS mostly does.

        Source: ministryofjustice/cloud-platform#8304 (the words are those of a call refused for it).
        """
        self.fail_next_create(checks.NO_CAPACITY)

    def roll_back_next(self, kind: str, message: str) -> None:
        """Accept the next change of `kind` and undo it at its end, with the reason only in an event.

        Kinds: node_type, engine_version, security_groups, automatic_failover, multi_az, auth_token,
        replicas, node_groups.
        """
        self._script.rollbacks.append((kind, message))

    def partial_shard_removal(self, reached: int) -> None:
        """Stop the next removal of shards when `reached` shards are left."""
        self._script.partial_removals.append(reached)

    def capacity_shortage(self, calls: int) -> None:
        """Refuse the next `calls` calls that need nodes with InsufficientCacheClusterCapacity."""
        self._script.shortages = calls

    def maintenance(self, group_id: str, status: str = "modifying", seconds: float = 120.0) -> None:
        """Begin maintenance of `seconds`, now or, during a change, after it."""
        with self._lock:
            region, group = self._find(group_id)
            group.maintenance.append(Maintenance(status, seconds))
            if group.status == "available":
                region.maintain(group)
                region.note()

    def upgrade_engine(self, group_id: str, version: str) -> None:
        """Upgrade a replication group as AWS does by itself, to a full version such as '6.2.6'."""
        with self._lock:
            region, group = self._find(group_id)
            upgrade_by_aws(region, group, version)
            region.note()

    def withdraw(self, account: str, region: str, *names: str) -> None:
        """Stop offering node types, and versions such as "valkey 8.1", in a Region.

        Regions differ: the user guide, supported node types by Region.
        """
        with self._lock:
            self._region(account, region).withdrawn.update(names)

    def out_of_band(self, group_id: str) -> OutOfBand:
        """Return what somebody else may do to a replication group now."""
        return OutOfBand(*self._find(group_id))

    def forbid_snapshots(self, group_id: str) -> None:
        """Refuse snapshots of a replication group with SnapshotFeatureNotSupportedFault."""
        region, group = self._find(group_id)
        region.unsupported_snapshots.add(group.id)

    # internal

    def _region(self, account: str, name: str) -> Region:
        key = (account, name)
        if key not in self._regions:
            subnet = self._network or partial(moto_extension.subnet, account)
            security_group = self._security_group or partial(moto_extension.security_group, account)
            around = Surroundings(
                subnet=lambda subnet_id: None if self._hides(subnet_id) else subnet(name, subnet_id),
                security_group=lambda group: None if self._hides(group) else security_group(name, group),
                endpoint=self._endpoint,
                notify=self.on_change,
            )
            self._regions[key] = Region(
                account=account,
                name=name,
                start=self._clock.now(),
                timing=self.timing,
                quotas=self._quotas,
                script=self._script,
                around=around,
            )
        self._regions[key].run_until(self._clock.now())
        return self._regions[key]

    def _up_to_date(self) -> list[Region]:
        return [self._region(*key) for key in list(self._regions)]

    def _find(self, group_id: str) -> tuple[Region, ReplicationGroup]:
        with self._lock:
            for region in self._up_to_date():
                if group_id in region.groups:
                    return region, region.groups[group_id]
        raise KeyError(group_id)
