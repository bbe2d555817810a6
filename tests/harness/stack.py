"""A stage: the driver with the AWS it acts on, every call recorded, and faults put in the way on order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

from botocore.exceptions import ReadTimeoutError

from tests.simulator import Quotas, Timing

from . import samples as document
from .cloudformation import (
    LAMBDA_TIMEOUT,
    PREFIX,
    REGION,
    FakeCloudFormation,
    Kind,
    ReceivedResponse,
    SentRequest,
    StackResource,
)
from .context import Context
from .inmemory_aws import InMemoryAws
from .moto_aws import MotoAws, client
from .recorder import Call, Recorder, client_error

NAME = "Redis"
"""The logical id of the one resource on a stage."""

BRISK = Timing(
    create=20,
    delete=15,
    minor=5,
    failover=5,
    security_groups=5,
    node_type=15,
    engine=15,
    auth_token=5,
    encryption=5,
    cluster_mode=5,
    replica=15,
    reshard=15,
    snapshot=5,
    tag=5,
    node_group_lag=2,
    member_lag=4,
    eni_lag=2,
)
"""Everything ends within one invocation's window, which keeps tests about something else short."""

SLOW = Timing(create=100, delete=70, replica=90, node_type=200, snapshot=30)
"""Everything of weight takes a poll or two, as with AWS, only fewer of them."""

Fault = Callable[[Call, int], Mapping[str, Any] | None]


class StackUnderTest(FakeCloudFormation):
    """One stack with one resource, in the AWS it acts on; a context manager.

    `wire` records every AWS call, and `wire.before` may raise or answer in its place. `real` stands on
    moto instead of the swift AWS, for what only moto has: a second VPC, another's things.
    """

    def __init__(
        self, timing: Timing = BRISK, quotas: Quotas | None = None, zones: str = "aba", *, real: bool = False
    ) -> None:
        self.real = real
        self.cloud: Any = MotoAws(timing, quotas, zones) if real else InMemoryAws(timing, quotas)
        super().__init__(self.cloud.clock, self.cloud.schedules)
        self.simulator = self.cloud.simulator
        self.recorder = Recorder()
        self._zones = zones

    def __enter__(self) -> Self:
        self._exit.enter_context(self.cloud)
        self._exit.enter_context(self.recorder)
        super().__enter__()
        self.elasticache, self.ec2 = client("elasticache"), client("ec2")
        self.recorder.clear()
        return self

    def _make_stack(self) -> None:
        if self.real:
            super()._make_stack()

    def stack_status(self, status: str) -> None:
        if self.real:
            super().stack_status(status)
        else:
            self.cloud.stack_status = status

    # --- what a user writes -------------------------------------------------------------------------

    def properties(self, preset: Mapping[str, Any] = document.FREE_TIER, **changes: Any) -> dict[str, Any]:
        """Return a preset's properties in this VPC; a change to None removes its key."""
        return document.properties(dict(preset), **{"vpc": self.vpc(), **changes})

    def vpc(self, internal: list[str] | None = None, private: list[str] | None = None) -> dict[str, Any]:
        """Return the VPC artifact; its internal subnets are all there are unless given."""
        zones = {subnet: REGION + zone for subnet, zone in zip(self.cloud.subnets, self._zones, strict=True)}
        shown = zones if internal is None else {subnet: zones[subnet] for subnet in internal}
        hidden = {subnet: zones[subnet] for subnet in private or []}
        return document.vpc_in(REGION, self.cloud.vpc, shown, hidden)

    # --- requests -----------------------------------------------------------------------------------

    def created(self, properties: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Create the resource, demand success, forget the calls, and return the physical id."""
        response = self.create(NAME, properties or self.properties(**changes))
        assert response.ok, response.reason
        self.recorder.clear()
        return response.physical_id

    def changed(self, properties: Mapping[str, Any], **changes: Any) -> ReceivedResponse:
        """Forget the calls so far and update the resource."""
        self.recorder.clear()
        return self.update(NAME, {**properties, **changes})

    def prepare(self, kind: Kind, properties: Mapping[str, Any] | None = None, **changes: Any) -> SentRequest:
        """Return a request signed now and not yet delivered; an Update's old properties are the present."""
        self.stack_status(f"{kind.upper()}_IN_PROGRESS")
        resource = self.resources.setdefault(NAME, StackResource())
        if kind == "Update":
            resource.before = (resource.physical_id, resource.properties)
        if properties is not None:
            changes["properties"] = document.stringified(properties)
        if kind == "Create":
            resource.properties = changes["properties"]
        request = self.send(kind, NAME, **changes)
        self._queue.clear()
        return request

    def run_from(self, request: SentRequest) -> ReceivedResponse:
        """Deliver a prepared request and let time pass until it is answered."""
        self.deliver(request.event)
        return self.run(request)

    def invoke(self, event: Mapping[str, Any], seconds: float = LAMBDA_TIMEOUT) -> dict[str, object]:
        """Let Lambda handle one event now; return the handler's summary."""
        summary: dict[str, object] = self._app.handler(
            json.loads(json.dumps(event)), Context(self.clock, seconds)
        )
        assert not self.violations, self.violations
        return summary

    def invoke_elsewhere(self, event: Mapping[str, Any]) -> dict[str, object]:
        """Let another container handle an event, even while one is at work."""
        container = self._app.wire(self.clock, self._receive)
        summary: dict[str, object] = container(
            json.loads(json.dumps(event)), Context(self.clock, LAMBDA_TIMEOUT)
        )
        assert not self.violations, self.violations
        return summary

    def poll(self) -> list[dict[str, object]]:
        """Let a minute pass and fire every armed schedule once; return the summaries."""
        self.clock.advance(60)
        return [self.invoke(event) for event in self.polls()]

    # --- what is there ------------------------------------------------------------------------------

    def group(self, physical_id: str) -> dict[str, Any]:
        """Return a cluster as DescribeReplicationGroups shows it."""
        found = self.elasticache.describe_replication_groups(ReplicationGroupId=physical_id)
        shown: dict[str, Any] = found["ReplicationGroups"][0]
        return shown

    def security_groups(self) -> dict[str, dict[str, Any]]:
        """Return the security groups named by this provider's prefix, by name."""
        found = (
            self.ec2.describe_security_groups()["SecurityGroups"]
            if self.real
            else self.cloud.ec2.groups.values()
        )
        return {group["GroupName"]: group for group in found if group["GroupName"].startswith(PREFIX)}

    def tags(self, physical_id: str) -> dict[str, str]:
        """Return the tags of a cluster's security group."""
        group = self.security_groups()[f"{PREFIX}-{physical_id}"]
        return {tag["Key"]: tag["Value"] for tag in group["Tags"]}

    def secrets(self, *, deleted: bool = False) -> list[str]:
        """Return the names of the secrets, those in their recovery window only if asked."""
        if not self.real:
            kept = self.cloud.secrets.secrets.values()
            return [secret["Name"] for secret in kept if deleted or "DeletedDate" not in secret]
        found = client("secretsmanager").list_secrets(IncludePlannedDeletion=deleted)["SecretList"]
        return [secret["Name"] for secret in found]

    def token(self, physical_id: str) -> str:
        """Return the token in a cluster's secret."""
        value = client("secretsmanager").get_secret_value(SecretId=f"{PREFIX}-{physical_id}")
        return str(json.loads(value["SecretString"])["password"])

    def snapshots(self) -> list[str]:
        """Return the names of all snapshots."""
        return [shown["SnapshotName"] for shown in self.elasticache.describe_snapshots()["Snapshots"]]

    def leftovers(self) -> list[str]:
        """Return what counts as left: everything but snapshots and secrets in their recovery window."""
        return [*self.simulator.leftovers(), *self.security_groups(), *self.secrets(), *self.armed()]

    # --- what was done ------------------------------------------------------------------------------

    def writes(self) -> list[str]:
        """Return the writes by name, such as "ec2:CreateTags"; those of the poll schedule are left out."""
        return [call.name for call in self.recorder.mutations() if call.service in _CLUSTER]

    def calls(self, name: str) -> list[Call]:
        """Return the recorded calls of one name."""
        return [call for call in self.recorder.calls if call.name == name]

    def told(self) -> Iterator[str]:
        """Yield every text that left the function for other eyes than CloudFormation's and the secret's."""
        yield self.logs.getvalue()
        for request in self.requests.values():
            yield from (put["Reason"] for put in request.puts)
        for call in self.recorder.mutations():
            yield json.dumps([call.params.get("Tags"), call.params.get("TagSpecifications")])


_CLUSTER = ("elasticache", "ec2", "secretsmanager")


def failing(name: str, code: str, times: int | None = 1, status: int = 400) -> Fault:
    """Return a fault that refuses calls of this name with `code`, so many of them or (None) all."""
    left = [10**9 if times is None else times]

    def fault(call: Call, _index: int) -> None:
        if call.name == name and left[0] > 0:
            left[0] -= 1
            raise client_error(code, operation=call.operation, status=status)

    return fault


def lost_response(name: str) -> Callable[[Call, int, Mapping[str, Any]], None]:
    """Return a fault for `wire.after`: the first call of this name is made, but its response is lost."""
    left = [1]

    def fault(call: Call, _index: int, _result: Mapping[str, Any]) -> None:
        if call.name == name and left[0]:
            left[0] = 0
            raise ReadTimeoutError(endpoint_url="https://aws")

    return fault
