"""A small AWS for one test: moto, the simulator, a clock, a VPC with subnets and a security group."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, cached_property
from typing import Any, Self
from unittest import mock

import boto3
from botocore.client import BaseClient
from moto import mock_aws
from moto.ec2.models import ec2_backends

from tests.simulator import Quotas, Simulator, Timing
from tests.simulator.errors import Refusal

from .clock import SimulatedClock
from .late import Late
from .schedules import ACCOUNT, REGION, Schedules
from .wire import answered, reported

TOKEN = "correct-horse-battery-staple"
_KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    # moto's catalogue of machine images takes longer to load than most tests run.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}


@cache
def client(service: str) -> Any:
    """Return a client shared by all tests; make the first one inside `Cloud`."""
    return boto3.client(service, REGION, **_KEYS)


class MotoAws:
    """moto with the simulator inside, as a context manager.

    `subnets` lie in the zones a, b and a; `other_subnet` and `other_security_group` in a second VPC.
    """

    def __init__(
        self, timing: Timing | None = None, quotas: Quotas | None = None, zones: str = "aba"
    ) -> None:
        self.clock = SimulatedClock()
        self.late = Late(self.clock)
        self.simulator = Simulator(self.clock, timing, quotas=quotas, hides=self.late.hides_from_elasticache)
        self.schedules = Schedules(self.clock)
        self._zones = zones
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(mock.patch.dict("os.environ", _CREDENTIALS))
        self._stack.enter_context(mock_aws())
        self._stack.enter_context(self.simulator)
        self._stack.enter_context(mock.patch.object(BaseClient, "_make_api_call", self._route()))
        self.ec2 = client("ec2")
        self.elasticache = client("elasticache")
        self.vpc, self.subnets, self.security_group = self._network("10.1", self._zones)
        return self

    def _route(self) -> Callable[..., Any]:
        """Return the way of a call: to the schedules in memory, or to moto."""
        to_moto = BaseClient._make_api_call

        def schedule(_service: str, operation: str, params: dict[str, Any]) -> Any:
            return getattr(self.schedules, operation)(**params) or {}

        def call(client: BaseClient, operation: str, params: dict[str, Any]) -> Any:
            service = client.meta.service_model.service_name
            if service == "scheduler":
                return answered(client, operation, params, schedule)
            try:
                if operation == "CreateSecurityGroup":
                    _check_vpc(client.meta.region_name, params["VpcId"])
                self.late.check(service, operation, params)
            except Refusal as refusal:
                raise reported(client, operation, refusal) from None
            return self.late.seen(operation, to_moto(client, operation, params))

        return call

    @cached_property
    def _elsewhere(self) -> tuple[str, list[str], str]:
        return self._network("10.2", "a")

    @property
    def other_subnet(self) -> str:
        return self._elsewhere[1][0]

    @property
    def other_security_group(self) -> str:
        return self._elsewhere[2]

    def __exit__(self, *failure: Any) -> None:
        self._stack.__exit__(*failure)

    def _network(self, prefix: str, zones: str) -> tuple[str, list[str], str]:
        vpc = self.ec2.create_vpc(CidrBlock=f"{prefix}.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            self.ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"{prefix}.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
            )["Subnet"]["SubnetId"]
            for number, zone in enumerate(zones)
        ]
        return vpc, subnets, self.make_security_group(vpc, "redis")

    def make_security_group(self, vpc: str, name: str, description: str = "") -> str:
        made = self.ec2.create_security_group(GroupName=name, Description=description or name, VpcId=vpc)
        return str(made["GroupId"])

    def make_subnet_group(
        self, name: str = "subnets", subnets: list[str] | None = None, description: str = ""
    ) -> None:
        self.elasticache.create_cache_subnet_group(
            CacheSubnetGroupName=name,
            CacheSubnetGroupDescription=description or name,
            SubnetIds=self.subnets if subnets is None else subnets,
        )

    def request(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of a plain create: one node of Redis 6.2; a change to None leaves one out."""
        params = {
            "ReplicationGroupId": "cache",
            "ReplicationGroupDescription": "a cache",
            "Engine": "redis",
            "EngineVersion": "6.2",
            "CacheNodeType": "cache.t3.small",
            "CacheParameterGroupName": "default.redis6.x",
            "NumNodeGroups": 1,
            "ReplicasPerNodeGroup": 0,
            "CacheSubnetGroupName": "subnets",
            "SecurityGroupIds": [self.security_group],
            "SnapshotWindow": "07:00-08:00",
            "PreferredMaintenanceWindow": "sun:09:00-sun:10:00",
            **changes,
        }
        return {name: value for name, value in params.items() if value is not None}

    def cluster_request(self, shards: int = 2, replicas: int = 1, **changes: Any) -> dict[str, Any]:
        """Return the parameters of a create with cluster mode enabled."""
        return self.request(
            **{
                "CacheParameterGroupName": "default.redis6.x.cluster.on",
                "NumNodeGroups": shards,
                "ReplicasPerNodeGroup": replicas,
                "AutomaticFailoverEnabled": True,
                **changes,
            }
        )

    def replicated_request(self, replicas: int = 1, **changes: Any) -> dict[str, Any]:
        """Return the parameters of a create with replicas, failover on, cluster mode disabled."""
        return self.request(**{"ReplicasPerNodeGroup": replicas, "AutomaticFailoverEnabled": True, **changes})

    def make(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make a group and its subnet group, wait until all is quiet, and return it."""
        wanted = params or self.request()
        if not self.elasticache.describe_cache_subnet_groups()["CacheSubnetGroups"]:
            self.make_subnet_group()
        self.elasticache.create_replication_group(**wanted)
        self.settle()
        return self.group(wanted["ReplicationGroupId"])

    def settle(self) -> None:
        """Let an hour pass: long enough for any one change, its members included."""
        self.clock.advance(3600)

    def group(self, group_id: str = "cache") -> dict[str, Any]:
        """Return one group as DescribeReplicationGroups shows it."""
        found = self.elasticache.describe_replication_groups(ReplicationGroupId=group_id)
        shown: dict[str, Any] = found["ReplicationGroups"][0]
        return shown

    def members(self) -> list[dict[str, Any]]:
        """Return every member as DescribeCacheClusters shows it."""
        shown: list[dict[str, Any]] = self.elasticache.describe_cache_clusters()["CacheClusters"]
        return shown

    def events(self, group_id: str = "cache") -> list[str]:
        """Return the messages of a group's events of the last day, newest first."""
        found = self.elasticache.describe_events(
            SourceType="replication-group", SourceIdentifier=group_id, Duration=1440
        )
        return [event["Message"] for event in found["Events"]]

    def modify(self, group_id: str = "cache", **params: Any) -> dict[str, Any]:
        """Modify a group at once and return it as the response shows it."""
        answer = self.elasticache.modify_replication_group(
            ReplicationGroupId=group_id, ApplyImmediately=True, **params
        )
        shown: dict[str, Any] = answer["ReplicationGroup"]
        return shown


def _check_vpc(region: str, vpc: str) -> None:
    """Refuse a VPC that the Region doesn't have, which moto takes."""
    if vpc not in ec2_backends[ACCOUNT][region].vpcs:
        raise Refusal("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")
