"""AWS without HTTP, twenty times as fast as moto: what tests over thousands of schedules run on.

The clients are boto3's own and each request is checked against botocore's model; only the wire is
replaced. `test_inmemory_aws.py` holds it to the same calls and answers as moto.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any, Self
from unittest import mock

import boto3
from botocore.client import BaseClient

from tests.simulator import Quotas, Simulator, Subnet, Timing
from tests.simulator.errors import Refusal

from .clock import SimulatedClock
from .late import Late
from .schedules import ACCOUNT, REGION, Schedules
from .wire import answered

VPC = "vpc-0a1b2c3d"
SUBNETS = ["subnet-0000a1", "subnet-0000b1", "subnet-0000a2"]
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}
Params = dict[str, Any]


@cache
def client(service: str) -> Any:
    """Return a client shared by all tests; its region and keys are given, not read."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, REGION, **keys)


class InMemoryAws:
    """Everything the function speaks to, in one VPC of one Region, with subnets in the zones a, b and a."""

    def __init__(
        self, timing: Timing | None = None, quotas: Quotas | None = None, clock: SimulatedClock | None = None
    ) -> None:
        self.clock = clock or SimulatedClock()
        self.vpc, self.subnets = VPC, list(SUBNETS)
        self.late = Late(self.clock)
        self.ec2 = SecurityGroups(self._in_use, {VPC})
        self._elsewhere = SecurityGroups(self._in_use, ())
        self.secrets = Secrets(self.clock)
        self.schedules = Schedules(self.clock)
        self._status: str | None = "CREATE_IN_PROGRESS"
        self._created = self._today()
        self._updated: datetime | None = None
        self._earlier_stacks: dict[str, Params] = {}
        self.simulator = Simulator(
            self.clock,
            timing,
            quotas=quotas,
            network=_network,
            security_group=lambda region, group: self._ec2(region).vpc_of(group),
            hides=self.late.hides_from_elasticache,
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(mock.patch.dict("os.environ", _CREDENTIALS))
        self._stack.enter_context(mock.patch.object(BaseClient, "_make_api_call", self._call))
        return self

    def __exit__(self, *failure: Any) -> None:
        self._stack.__exit__(*failure)

    def begin_another_stack(self, ended: str) -> None:
        """Keep the stack of the id `ended` as it stands; another one is created now."""
        self._earlier_stacks[ended] = self._stack_shown()
        self._created, self._updated = self._today(), None

    @property
    def stack_status(self) -> str | None:
        """What DescribeStacks says of the stack; None denies it."""
        return self._status

    @stack_status.setter
    def stack_status(self, status: str | None) -> None:
        self._status = status
        if status == "UPDATE_IN_PROGRESS":
            self._updated = self._today()

    def _stack_shown(self) -> Params:
        updated = {"LastUpdatedTime": self._updated} if self._updated else {}
        return {"StackStatus": self._status, "CreationTime": self._created, **updated}

    def _today(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def _in_use(self, group_id: str) -> bool:
        return self.simulator.security_group_in_use(group_id)

    @property
    def _call(self) -> Callable[..., Any]:
        def call(client: BaseClient, operation: str, params: Params) -> Any:
            return answered(client, operation, params, partial(self.answer, region=client.meta.region_name))

        return call

    def answer(self, service: str, operation: str, params: Params, region: str = REGION) -> Any:
        """Do one operation of a service, nothing validated or copied; raise Refusal where AWS refuses."""
        self.late.check(service, operation, params)
        return self.late.seen(operation, self._act(service, operation, params, region) or {})

    def _ec2(self, region: str) -> SecurityGroups:
        return self.ec2 if region == REGION else self._elsewhere

    def _act(self, service: str, operation: str, params: Params, region: str) -> Any:
        if service == "elasticache":
            return self.simulator.act(ACCOUNT, region, operation, params)
        if service == "cloudformation":
            if self.stack_status is None:
                raise Refusal("AccessDenied", "not authorized")
            return {"Stacks": [self._earlier_stacks.get(params["StackName"]) or self._stack_shown()]}
        if service == "sts":
            return {"Credentials": {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}}
        services: dict[str, Any] = {
            "ec2": self._ec2(region),
            "secretsmanager": self.secrets,
            "scheduler": self.schedules,
        }
        return getattr(services[service], operation)(**params)


class SecurityGroups:
    """EC2's security groups of one Region, by id; `in_use` says whether a network interface holds one."""

    def __init__(self, in_use: Callable[[str], bool], vpcs: Collection[str]) -> None:
        self.groups: dict[str, dict[str, Any]] = {}
        self._in_use = in_use
        self._vpcs = vpcs
        self._numbers = itertools.count(1)

    def vpc_of(self, group_id: str) -> str | None:
        return self.groups[group_id]["VpcId"] if group_id in self.groups else None

    def DescribeSecurityGroups(self, Filters: list[Params]) -> Params:  # noqa: N802, N803
        return {
            "SecurityGroups": [
                group for group in self.groups.values() if all(_shows(group, each) for each in Filters)
            ]
        }

    def CreateSecurityGroup(self, **params: Any) -> Params:  # noqa: N802
        if params["VpcId"] not in self._vpcs:
            raise Refusal("InvalidVpcID.NotFound", f"The vpc ID '{params['VpcId']}' does not exist")
        if any(each["GroupName"] == params["GroupName"] for each in self.groups.values()):
            raise Refusal("InvalidGroup.Duplicate", "The security group already exists")
        group_id = f"sg-{next(self._numbers):017x}"
        tags = params.pop("TagSpecifications")[0]["Tags"]
        self.groups[group_id] = {
            "GroupId": group_id,
            "OwnerId": ACCOUNT,
            "IpPermissions": [],
            "Tags": tags,
            **params,
        }
        return {"GroupId": group_id}

    def DeleteSecurityGroup(self, GroupId: str) -> None:  # noqa: N802, N803
        self._find(GroupId)
        if self._in_use(GroupId):
            raise Refusal("DependencyViolation", f"resource {GroupId} has a dependent object")
        del self.groups[GroupId]

    def CreateTags(self, Resources: list[str], Tags: list[Params]) -> None:  # noqa: N802, N803
        group = self._find(Resources[0])
        group["Tags"] = _merged(group["Tags"], Tags)

    def DeleteTags(self, Resources: list[str], Tags: list[Params]) -> None:  # noqa: N802, N803
        group = self._find(Resources[0])
        group["Tags"] = _without(group["Tags"], [tag["Key"] for tag in Tags])

    def AuthorizeSecurityGroupIngress(self, GroupId: str, IpPermissions: list[Params]) -> None:  # noqa: N802, N803
        group = self._find(GroupId)
        if IpPermissions[0] in group["IpPermissions"]:
            raise Refusal("InvalidPermission.Duplicate", "the specified rule already exists")
        group["IpPermissions"] += IpPermissions

    def RevokeSecurityGroupIngress(self, GroupId: str, IpPermissions: list[Params]) -> None:  # noqa: N802, N803
        group = self._find(GroupId)
        if IpPermissions[0] not in group["IpPermissions"]:
            raise Refusal("InvalidPermission.NotFound", "the specified rule does not exist")
        group["IpPermissions"].remove(IpPermissions[0])

    def _find(self, group_id: str) -> dict[str, Any]:
        if group_id not in self.groups:
            raise Refusal("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        return self.groups[group_id]


def _shows(group: Params, wanted: Params) -> bool:
    """Return whether a filter of DescribeSecurityGroups, by name or by tag, lets a group through."""
    shown = {"group-name": group["GroupName"]}
    shown |= {f"tag:{tag['Key']}": tag["Value"] for tag in group["Tags"]}
    return shown.get(wanted["Name"]) in wanted["Values"]


class Secrets:
    """Secrets Manager's secrets by name, with their recovery window."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.secrets: dict[str, dict[str, Any]] = {}
        self._clock = clock

    def DescribeSecret(self, SecretId: str) -> Params:  # noqa: N802, N803
        return {key: value for key, value in self._find(SecretId).items() if key != "SecretString"}

    def GetSecretValue(self, SecretId: str) -> Params:  # noqa: N802, N803
        secret = self._alive(SecretId)
        return {
            "SecretString": secret["SecretString"],
            "VersionId": "11111111-2222-4333-8444-555555555555",
            "CreatedDate": secret["CreatedDate"],
        }

    def CreateSecret(self, Name: str, **params: Any) -> Params:  # noqa: N802, N803
        if Name in self.secrets:
            self._alive(Name)
            raise Refusal("ResourceExistsException", f"{Name} already exists")
        params.pop("ClientRequestToken", None)
        arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{Name}-AbCdEf"
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        self.secrets[Name] = {"Name": Name, "ARN": arn, "CreatedDate": now, **params}
        return {"ARN": arn}

    def DeleteSecret(  # noqa: N802
        self,
        SecretId: str,  # noqa: N803
        RecoveryWindowInDays: int = 30,  # noqa: N803
        ForceDeleteWithoutRecovery: bool = False,  # noqa: N803
    ) -> None:
        if ForceDeleteWithoutRecovery:
            self.secrets.pop(SecretId, None)
            return
        secret = self._alive(SecretId)
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        secret["DeletedDate"] = now + timedelta(days=RecoveryWindowInDays)

    def RestoreSecret(self, SecretId: str) -> None:  # noqa: N802, N803
        self._find(SecretId).pop("DeletedDate", None)

    def TagResource(self, SecretId: str, Tags: list[Params]) -> None:  # noqa: N802, N803
        secret = self._alive(SecretId)
        secret["Tags"] = _merged(secret["Tags"], Tags)

    def UntagResource(self, SecretId: str, TagKeys: list[str]) -> None:  # noqa: N802, N803
        secret = self._alive(SecretId)
        secret["Tags"] = _without(secret["Tags"], TagKeys)

    def _find(self, name: str) -> dict[str, Any]:
        if name not in self.secrets:
            raise Refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        return self.secrets[name]

    def _alive(self, name: str) -> dict[str, Any]:
        secret = self._find(name)
        if "DeletedDate" in secret:
            raise Refusal("InvalidRequestException", "the secret was marked for deletion")
        return secret


def _network(region: str, subnet_id: str) -> Subnet | None:
    known = region == REGION and subnet_id in SUBNETS
    return Subnet(VPC, f"{REGION}{subnet_id[-2]}") if known else None


def _merged(tags: list[Params], more: list[Params]) -> list[Params]:
    merged: Mapping[str, str] = {tag["Key"]: tag["Value"] for tag in (*tags, *more)}
    return [{"Key": key, "Value": value} for key, value in merged.items()]


def _without(tags: list[Params], keys: list[str]) -> list[Params]:
    return [tag for tag in tags if tag["Key"] not in keys]
