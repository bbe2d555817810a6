"""A bench for the planner: the real observe, plan and act against the simulator, in a plain loop.

What the bench leaves out is CloudFormation: requests, polls, the choice of the group and the answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from massdriver_redis import catalog, log
from massdriver_redis.aws.session import Aws
from massdriver_redis.errors import NotYetVisibleError, ResourceError, TransientError
from massdriver_redis.planner.decision import Apply, Decision, PlanContext, Reject, Requeue, UpToDate
from massdriver_redis.planner.plan import plan
from massdriver_redis.properties import parse as properties
from massdriver_redis.properties.model import Properties
from massdriver_redis.reconciler.external import ExternalResource
from massdriver_redis.state.desired import Desired, desired
from massdriver_redis.state.naming import Owner, names
from massdriver_redis.state.record import COUNTS_REQUESTED, LAST_REQUESTED_CHANGE, RequestVersion
from tests.simulator import Quotas, Timing

from .clock import MIDSUMMER_2026
from .inmemory_aws import ACCOUNT, REGION, VPC, InMemoryAws, client
from .logs import captured
from .recorder import Call, Recorder

_STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/0a1b2c3d-0000-4000-8000-000000000000"
OWNER = Owner(_STACK, "Redis")
GROUP = "shop-redis-abcdefghij"
PREFIX = "mdr-1a2b3c4d"
_RECORD = {LAST_REQUESTED_CHANGE, *COUNTS_REQUESTED.values()}
_LOOK_EVERY = 60.0
_LOOKS = 600


@dataclass(frozen=True)
class Stopped:
    """The request was cut off, as by a rollback, after its share of calls."""


@dataclass(frozen=True)
class Update:
    """One request: `old` are the properties before it, `steps` cuts it off after so many calls."""

    properties: Properties
    old: Properties | None = None
    may_create: bool = False
    rolling_back: bool = False
    steps: int = -1
    request_id: str = ""

    def context(self, now: float, request_version: RequestVersion, *, subnets_kept: bool) -> PlanContext:
        old = self.old or self.properties
        return PlanContext(
            now=now,
            request_version=request_version,
            may_create=self.may_create,
            version_requested=_version(old) != _version(self.properties),
            rolling_back=self.rolling_back,
            unused_subnets_kept=subnets_kept,
            dropped_tags=frozenset(dict(old.tags)) - frozenset(dict(self.properties.tags)),
        )


def wanted(subnets: str = "a1 b1 a2", **changes: Any) -> Properties:
    """Return valid properties: one small node of Redis 6.2, no TLS, no snapshots; `subnets` by zone."""
    infrastructure = {
        "arn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/{VPC}",
        "cidr": changes.pop("cidr", "10.1.0.0/16"),
        "internal_subnets": [
            {"arn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/subnet-0000{name}", "aws_zone": REGION + name[0]}
            for name in subnets.split()
        ],
        "private_subnets": [],
        "public_subnets": [],
    }
    vpc = {"data": {"infrastructure": infrastructure}, "specs": {"aws": {"region": REGION}}}
    raw = {"node_type": "cache.t3.small", "secure": False, "snapshot_retention_limit": 0, **changes}
    today = datetime.fromtimestamp(MIDSUMMER_2026, UTC).date()
    return properties.read({**raw, "vpc": vpc}, today=today)


class PlannerBench:
    """One cluster: `made_by(properties)` makes it, `converge(properties)` changes it."""

    def __init__(self, timing: Timing | None = None, quotas: Quotas | None = None) -> None:
        self.inmemory_aws = InMemoryAws(timing, quotas)
        self.simulator, self.clock = self.inmemory_aws.simulator, self.inmemory_aws.clock
        self.recorder = Recorder()
        self.reason = ""
        self.looks = 0
        self._requests = itertools.count(1)
        log.forget()

    @staticmethod
    def made_by(
        properties: Properties, timing: Timing | None = None, quotas: Quotas | None = None
    ) -> PlannerBench:
        """Return a bench with a settled cluster of these properties, its calls forgotten."""
        bench = PlannerBench(timing, quotas)
        assert bench.converge(properties, may_create=True) == UpToDate(), bench.reason
        bench.clock.advance(600)
        bench.forget()
        return bench

    def forget(self) -> None:
        """Forget calls and looks."""
        self.recorder.clear()
        self.looks = 0

    # --- one request -------------------------------------------------------------------------------

    def converge(self, properties: Properties, **how: Any) -> UpToDate | Reject | Stopped:
        """Do what one request does; `how` are the other fields of `Update`."""
        update = Update(properties, **how)
        with ExitStack() as stack:
            for part in (self.inmemory_aws, self.recorder, captured()):
                stack.enter_context(part)
            end = self._converge(
                update, RequestVersion(update.request_id or f"request-{next(self._requests)}")
            )
        self.reason = end.reason if isinstance(end, Reject) else ""
        return end

    def _converge(self, update: Update, request_version: RequestVersion) -> UpToDate | Reject | Stopped:
        aws = Aws(client("elasticache"), client("ec2"), client("secretsmanager"), REGION, "aws")
        external = ExternalResource(aws, names(GROUP, PREFIX), OWNER, self.clock)
        target = desired(update.properties, OWNER, GROUP, PREFIX)
        began, left, subnets_kept = self.clock.now(), update.steps, False
        for _ in range(_LOOKS):
            if left == 0:
                return Stopped()
            self.looks += 1
            try:
                context = update.context(self.clock.now(), request_version, subnets_kept=subnets_kept)
                decision = _decide(external, target, context, began)
                if isinstance(decision, Apply):
                    made = _apply(external, decision, request_version, left)
                    left -= made
                    if made:
                        continue
            except (TransientError, NotYetVisibleError) as error:
                decision = Requeue(str(error))
            except ResourceError as error:
                if error.code != "SubnetInUse" or not update.rolling_back:
                    return Reject(str(error))
                subnets_kept = True
            if isinstance(decision, UpToDate | Reject):
                return decision
            self.clock.sleep(_LOOK_EVERY)
        raise AssertionError(f"no end after {_LOOKS} looks: {decision}")

    # --- what was done -----------------------------------------------------------------------------

    def security_group(self) -> dict[str, Any]:
        """Return our security group as EC2 keeps it."""
        ours = names(GROUP, PREFIX).security_group
        return next(each for each in self.inmemory_aws.ec2.groups.values() if each["GroupName"] == ours)

    def subnets(self) -> set[str]:
        """Return the subnets of the subnet group."""
        answer = self.simulator.act(ACCOUNT, REGION, "DescribeCacheSubnetGroups", {}) or {}
        return {each["SubnetIdentifier"] for each in answer["CacheSubnetGroups"][0]["Subnets"]}

    def subnet_group_tags(self) -> dict[str, str]:
        """Return the tags of the subnet group."""
        arn = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:subnetgroup:{names(GROUP, PREFIX).subnet_group}"
        answer = self.simulator.act(ACCOUNT, REGION, "ListTagsForResource", {"ResourceName": arn}) or {}
        return {tag["Key"]: tag["Value"] for tag in answer["TagList"]}

    def mutations(self) -> list[Call]:
        """Return the ElastiCache calls that write, in order."""
        return [call for call in self.recorder.mutations() if call.service == "elasticache"]

    def writes(self) -> list[Call]:
        """Return all calls that write but the record's own."""
        return [call for call in self.recorder.mutations() if not _is_record(call)]


def _decide(external: ExternalResource, target: Desired, context: PlanContext, began: float) -> Decision:
    external.observe()
    requested = external.observed.record.requested
    since = (requested.at if requested else began) - 60.0
    return plan(target, external.observe_details(target, context, since), context)


def _apply(external: ExternalResource, step: Apply, request_version: RequestVersion, left: int) -> int:
    """Make the step's calls, `left` at the most unless negative, up to a no-op; return how many were made."""
    made = 0
    for call in step.calls:
        if made == left or not external.apply(call, request_version):
            break
        made += 1
    return made


def differences(bench: PlannerBench, properties: Properties, *, after_rollback: bool = False) -> list[str]:
    """Return in words where the true state, not what describes show, is not as `properties` say.

    What can't be undone may stay after a rollback: a newer engine, subnets with nodes in them.
    """
    group = bench.simulator.group(GROUP)
    zones = {subnet.zone for subnet in properties.vpc.subnets}
    failover = properties.cluster_mode_enabled or properties.replicas > 0
    live = (group.engine, group.version)
    met = live[0] == properties.engine and catalog.matches(properties.redis_version, live[1])
    newer = catalog.compare(*live, properties.engine, properties.redis_version) > 0
    parameters = catalog.parameter_group(*live, properties.cluster_mode_enabled)
    upgrades, minor = catalog.auto_minor_upgrade(*live), properties.auto_minor_version_upgrade
    security_group = bench.security_group()
    cidrs = {each["CidrIp"] for rule in security_group["IpPermissions"] for each in rule["IpRanges"]}
    tags = dict(properties.tags)
    names = {subnet.id for subnet in properties.vpc.subnets}
    subnets = bench.subnets()
    found = {
        "subnets": (names <= subnets if after_rollback else names == subnets, True),
        "engine": (met or (after_rollback and newer), True),
        "parameter_group": (group.parameter_group, parameters),
        "node_type": (group.node_type, properties.node_type),
        "shards": (len(group.node_groups), properties.node_groups),
        "replicas": ({each.replicas for each in group.node_groups}, {properties.replicas}),
        "failover": (group.failover, "enabled" if failover else "disabled"),
        "multi_az": (group.multi_az, properties.replicas > 0 and len(zones) > 1),
        "retention": (group.retention, properties.snapshot_retention_limit),
        "snapshot_window": (group.snapshot_window, properties.snapshot_window),
        "maintenance_window": (group.maintenance_window, properties.maintenance_window),
        "minor upgrades": (group.auto_minor if upgrades else minor, minor),
        "security_groups": (group.security_groups, (security_group["GroupId"],)),
        "cidrs": (cidrs, {properties.vpc.cidr} if properties.allow_vpc_access else set()),
        "tags": (_users(bench.simulator.tags(GROUP)), tags),
        "tags of the subnet group": (_users(bench.subnet_group_tags()), tags),
        "tags of the security group": (
            _users({tag["Key"]: tag["Value"] for tag in security_group["Tags"]}),
            tags,
        ),
    }
    return [f"{key}: {there} instead of {due}" for key, (there, due) in found.items() if there != due]


def _users(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key != "Name" and ":" not in key}


def _version(properties: Properties) -> tuple[str, str]:
    return properties.engine, properties.redis_version


def _is_record(call: Call) -> bool:
    if call.operation not in {"CreateTags", "DeleteTags"}:
        return False
    return all(tag["Key"] in _RECORD for tag in call.params["Tags"])
