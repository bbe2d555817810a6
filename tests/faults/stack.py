"""CloudFormation, Lambda, the fallback, Scheduler and AWS around the real handler, all in one process."""

from __future__ import annotations

import functools
import io
import json
import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, Self
from unittest import mock

import boto3

from massdriver_redis import log
from tests.harness import fallback
from tests.harness import samples as document
from tests.harness.cloudformation import (
    ACCOUNT,
    PREFIX,
    REGION,
    Delivery,
    FakeCloudFormation,
    ReceivedResponse,
)
from tests.harness.inmemory_aws import InMemoryAws
from tests.harness.moto_aws import MotoAws
from tests.harness.recorder import Call
from tests.simulator import Timing

from .faults import PUT
from .recorder import Recorder

NAME = "Redis"
INVENTED_ID = "shop-Redis-1XK2P3Q4R5S6T"
"""An id as CloudFormation makes one up for a create that it never heard of again."""

SERVICE_TIMEOUT = 480
TIMING = Timing(
    create=70,
    delete=25,
    minor=5,
    failover=5,
    security_groups=5,
    node_type=70,
    engine=70,
    auth_token=5,
    replica=20,
    reshard=20,
    snapshot=10,
    tag=5,
    node_group_lag=2,
    member_lag=4,
    eni_lag=12,
)
"""Slow things outlast an invocation, so that polls are explored too; the rest keeps runs short."""

_RECORD = "massdriver-redis:"
_LASTING = {"massdriver-redis:owner", "massdriver-redis:provider", "massdriver-redis:in-service"}


class FaultyStack(FakeCloudFormation):
    """One stack with one resource, `NAME`, driven as CloudFormation does; a context manager.

    `wire` numbers the handler's calls, the PUT of the response among them.
    """

    def __init__(self, *, real: bool = False, stack_name: str = "shop") -> None:
        self.real = real
        self.aws: InMemoryAws | MotoAws = MotoAws(TIMING) if real else InMemoryAws(TIMING)
        self.recorder = Recorder()
        self.told: list[str] = []
        self.other_logs = io.StringIO()
        self.printed = io.StringIO()
        self.unheard: list[bytes] = []
        self.polled_on: list[str] = []
        self.outlived: list[str] = []
        super().__init__(self.aws.clock, self.aws.schedules, stack_name=stack_name, failed=self._fall_back)

    def __enter__(self) -> Self:
        self._exit.enter_context(self.aws)
        if not self.real:
            self._exit.enter_context(mock.patch.object(boto3, "client", _client))
        self._exit.enter_context(self.recorder)
        self._exit.callback(log.forget)
        self._exit.enter_context(_every_log_to(self.other_logs))
        super().__enter__()
        self._handler = self._app.handler
        self._exit.enter_context(mock.patch.object(self._app, "handler", self._listen))
        return self

    # --- properties --------------------------------------------------------------------------------

    def properties(self, preset: Mapping[str, Any] = document.FREE_TIER, **changes: Any) -> dict[str, Any]:
        """Return a preset's properties in this VPC; a change to None removes a key."""
        wanted = {"vpc": self.vpc(), "ServiceTimeout": SERVICE_TIMEOUT, **changes}
        made: dict[str, Any] = document.properties(dict(preset), **wanted)
        return made

    def vpc(self) -> dict[str, Any]:
        zones = {name: REGION + zone for name, zone in zip(self.aws.subnets, "aba", strict=True)}
        made: dict[str, Any] = document.vpc_in(REGION, self.aws.vpc, zones)
        return made

    # --- further moves of CloudFormation -----------------------------------------------------------

    def swap(self) -> ReceivedResponse:
        """Send the swapped Update of a rollback, without the clean-up that follows it."""
        self.stack_status("UPDATE_ROLLBACK_IN_PROGRESS")
        resource = self.resources[NAME]
        assert resource.before
        given_up = (resource.physical_id, resource.properties)
        resource.properties, resource.before = resource.before[1], given_up
        return self.swap_again()

    def swap_again(self) -> ReceivedResponse:
        """Send that Update once more, as ContinueUpdateRollback does."""
        self.stack_status("UPDATE_ROLLBACK_IN_PROGRESS")
        response = self.run(self.send("Update", NAME))
        if response.ok:
            self.resources[NAME].physical_id = response.physical_id
        return response

    def clean_up_old(self) -> ReceivedResponse:
        """Send the clean-up Delete of a replacement; it can be sent again."""
        self.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        before = self.resources[NAME].before
        assert before
        return self.run(self.send("Delete", NAME, physical_id=before[0], properties=before[1]))

    # --- what there is -----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return what lives, as plain data: nothing in it depends on the path that led there."""
        with self.recorder.handling(False):
            return {
                "groups": {group.id: self._group(group) for group in self.aws.simulator.groups()},
                "subnet groups": self._subnet_groups(),
                "security groups": self._security_groups(),
                "secrets": self._secrets(),
                "schedules": self.armed(),
                "snapshots": self._snapshots(),
            }

    def leftovers(self) -> list[str]:
        """Return what is left of what counts as left: not snapshots, nor secrets about to go."""
        state = self.state()
        secrets = [name for name, secret in state["secrets"].items() if not secret["deleting"]]
        kinds = ("groups", "subnet groups", "security groups", "schedules")
        return [f"{kind}: {name}" for kind in kinds for name in state[kind]] + [
            f"secrets: {name}" for name in secrets
        ]

    def _group(self, group: Any) -> dict[str, Any]:
        names = {key: found["GroupName"] for key, found in self.swift.ec2.groups.items()}
        return {
            "status": group.status,
            "description": group.description,
            "engine": f"{group.engine} {group.version}",
            "parameter group": group.parameter_group,
            "node type": group.node_type,
            "members": sorted(len(each.members) for each in group.node_groups),
            "failover": group.failover,
            "multi-AZ": group.multi_az,
            "tls": group.tls,
            "snapshots": f"{group.retention} {group.snapshot_window}",
            "maintenance": group.maintenance_window,
            "security groups": sorted(names.get(each, each) for each in group.security_groups),
            "token is the secret's": self._has_stored_token(group),
            "tags": self.aws.simulator.tags(group.id),
        }

    def _has_stored_token(self, group: Any) -> bool:
        secret = self.swift.secrets.secrets.get(f"{PREFIX}-{group.id}", {})
        return not group.tokens or group.tokens[-1] in secret.get("SecretString", "")

    def _subnet_groups(self) -> dict[str, Any]:
        found = self.swift.simulator.act(ACCOUNT, REGION, "DescribeCacheSubnetGroups", {})
        assert found
        return {
            group["CacheSubnetGroupName"]: sorted(subnet["SubnetIdentifier"] for subnet in group["Subnets"])
            for group in found["CacheSubnetGroups"]
        }

    def _security_groups(self) -> dict[str, Any]:
        return {
            group["GroupName"]: {
                "cidrs": [cidr["CidrIp"] for rule in group["IpPermissions"] for cidr in rule["IpRanges"]],
                "tags": _lasting(group["Tags"]),
            }
            for group in self.swift.ec2.groups.values()
        }

    def _secrets(self) -> dict[str, Any]:
        return {
            name: {"deleting": "DeletedDate" in secret, "tags": _lasting(secret["Tags"])}
            for name, secret in self.swift.secrets.secrets.items()
        }

    def _snapshots(self) -> list[str]:
        found = self.swift.simulator.act(ACCOUNT, REGION, "DescribeSnapshots", {})
        assert found
        return [shown["SnapshotName"] for shown in found["Snapshots"]]

    @property
    def swift(self) -> InMemoryAws:
        """The AWS of a stack that isn't `real`."""
        assert isinstance(self.aws, InMemoryAws)
        return self.aws

    # --- inside ------------------------------------------------------------------------------------

    def _invoke(self, delivery: Delivery) -> None:
        with self.recorder.handling():
            super()._invoke(delivery)

    def _receive(self, url: str, body: bytes, **how: Any) -> None:
        call = Call("response", "Put", {})
        assert call.name == PUT
        self.recorder.around(call, lambda: super(FaultyStack, self)._receive(url, body, **how))

    def _listen(self, event: Any, context: Any) -> Any:
        """Run the handler and keep what it returns, raises or prints, which Lambda would log."""
        try:
            with self._overheard():
                told = self._handler(event, context)
        except BaseException:
            self.told.append(traceback.format_exc())
            raise
        self.told.append(repr(told))
        return told

    @contextmanager
    def _overheard(self) -> Iterator[None]:
        with redirect_stdout(self.printed), redirect_stderr(self.printed):
            yield

    def _make_stack(self) -> None:
        if self.real:
            super()._make_stack()

    def stack_status(self, status: str) -> None:
        if self.real:
            super().stack_status(status)
        else:
            self.swift.stack_status = status

    def _fall_back(self, record: dict[str, Any]) -> None:
        """Run the fallback on an event that failed at every try."""
        with self.recorder.handling(False), self._overheard():
            done = fallback.take(record, self._put_late, self.clock.now())
        self.told.append(repr(done))

    def _put_late(self, url: str, body: bytes) -> int:
        """Take the fallback's response; CloudFormation has closed a request that was answered before."""
        sent = json.loads(body)
        answered = self.requests[sent["RequestId"]].response
        if answered and (answered.status, answered.physical_id) != (
            sent["Status"],
            sent["PhysicalResourceId"],
        ):
            self.unheard.append(body)
            return 200
        return self.put(url, body)


@functools.cache
def _client(service: str, region_name: str | None = None, **how: Any) -> Any:
    """Return boto3's client, made once for all runs: what they change is not in it."""
    return _make_client(service, region_name or REGION, **how)


_make_client = boto3.client


@contextmanager
def _every_log_to(stream: io.StringIO) -> Iterator[None]:
    """Collect what loggers other than the function's own say, at the most talkative level."""
    root, handler = logging.getLogger(), logging.StreamHandler(stream)
    level, handlers = root.level, root.handlers[:]
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def _lasting(tags: list[dict[str, str]]) -> dict[str, str]:
    """Return tags without the record's notes, which name the requests that came by."""
    return {
        tag["Key"]: "" if tag["Key"].endswith("in-service") else tag["Value"]
        for tag in tags
        if not tag["Key"].startswith(_RECORD) or tag["Key"] in _LASTING
    }
