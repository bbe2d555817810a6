"""The provider and its consumers as stacks: deployed with SAM, watched, and looked for afterwards."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from .emulator import REGION, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from .emulator import Emulator

SAM = ROOT / ".build" / "sam" / "bin" / "sam"
BUILT = ROOT / ".build" / "emulated" / "template.yaml"
PROVIDER = "massdriver-redis-provider"
LONGEST_WAIT = 400.0
"""Seconds a stack may take here; a create takes about 15, a change that AWS silently reverts 210."""

Watch = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Network:
    """A VPC with two subnets in two zones."""

    vpc: str
    subnets: tuple[str, str]
    zones: tuple[str, str]

    def parameters(self) -> dict[str, str]:
        """Return the parameters that the examples take for it."""
        (a, b), (zone_a, zone_b) = self.subnets, self.zones
        return {"VpcId": self.vpc, "SubnetA": a, "ZoneA": zone_a, "SubnetB": b, "ZoneB": zone_b}


def make_network(emulator: Emulator) -> Network:
    """Make the network that a user of the examples has already."""
    ec2 = emulator.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zones = (f"{REGION}a", f"{REGION}b")
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]
        for number, zone in enumerate(zones)
    ]
    return Network(vpc, (subnets[0]["SubnetId"], subnets[1]["SubnetId"]), zones)


def deploy_provider(
    emulator: Emulator, template: Path = BUILT, parameters: Mapping[str, str] | None = None
) -> str:
    """Run `sam deploy` on the built template; return what it said. Raises RuntimeError with that."""
    given = {"ResponseHost": emulator.host, "LogLevel": "DEBUG", **(parameters or {})}
    command = [
        str(SAM),
        "deploy",
        "--config-file",
        str(ROOT / "samconfig.toml"),
        "--template-file",
        str(template),
        "--stack-name",
        PROVIDER,
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in given.items()),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=emulator.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_WAIT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"sam deploy failed:\n{done.stdout}")
    return done.stdout


class Stack:
    """A consumer's stack; every method waits for the operation's end and returns the stack's status."""

    def __init__(
        self,
        emulator: Emulator,
        name: str,
        watch: Watch | None = None,
        at_each_look: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self._at_each_look = at_each_look or (lambda: None)
        self._cloudformation = emulator.client("cloudformation")
        self._watch = watch or (lambda _logical_id, _status, _reason: None)
        self._seen: set[str] = set()

    def create(self, template: str, parameters: Mapping[str, str]) -> str:
        """Create the stack."""
        self._cloudformation.create_stack(**self._given(template, parameters))
        return self._wait()

    def update(self, template: str, parameters: Mapping[str, str]) -> str:
        """Update the stack to another template or other parameters."""
        self._cloudformation.update_stack(**self._given(template, parameters))
        return self._wait()

    def delete(self) -> str:
        """Delete the stack."""
        self._cloudformation.delete_stack(StackName=self.name)
        return self._wait()

    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs."""
        found = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}

    def physical_id(self, logical_id: str = "Redis") -> str:
        """Return a resource's physical id."""
        found = self._cloudformation.describe_stack_resources(
            StackName=self.name, LogicalResourceId=logical_id
        )
        return str(found["StackResources"][0]["PhysicalResourceId"])

    def reasons(self) -> list[str]:
        """Return the reasons of every event so far, the newest first."""
        return [each.get("ResourceStatusReason", "") for each in self._events()]

    def _given(self, template: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        return {
            "StackName": self.name,
            "TemplateBody": template,
            "Parameters": given,
            "Capabilities": ["CAPABILITY_IAM"],
        }

    def _wait(self) -> str:
        end = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < end:
            status = self._status()
            self._report()
            self._at_each_look()
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.5)
        raise TimeoutError(f"{self.name} is still {status} after {LONGEST_WAIT:.0f} s")

    def _status(self) -> str:
        try:
            return str(self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])
        except ClientError:
            return "DELETE_COMPLETE"

    def _report(self) -> None:
        for event in reversed(self._events()):
            if event["EventId"] not in self._seen:
                self._seen.add(event["EventId"])
                status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
                self._watch(event["LogicalResourceId"], status, reason)

    def _events(self) -> list[dict[str, Any]]:
        try:
            return list(self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"])
        except ClientError:
            return []


def left_over(emulator: Emulator) -> list[str]:
    """Return everything a consumer's stack might have left: clusters, subnet groups, security groups of
    the provider, secrets that are not scheduled for deletion, and poll schedules.
    """
    cache, ec2 = emulator.client("elasticache"), emulator.client("ec2")
    found = [each["ReplicationGroupId"] for each in cache.describe_replication_groups()["ReplicationGroups"]]
    groups = cache.describe_cache_subnet_groups()["CacheSubnetGroups"]
    found += [each["CacheSubnetGroupName"] for each in groups if each["CacheSubnetGroupName"] != "default"]
    tagged = [{"Name": "tag-key", "Values": ["massdriver-redis:provider"]}]
    found += [each["GroupId"] for each in ec2.describe_security_groups(Filters=tagged)["SecurityGroups"]]
    found += [each["Name"] for each in emulator.client("secretsmanager").list_secrets()["SecretList"]]
    return found + still_polled(emulator, seconds=10)


def schedules(emulator: Emulator) -> list[str]:
    """Return the names of the poll schedules there are."""
    return [each["Name"] for each in emulator.client("scheduler").list_schedules()["Schedules"]]


def still_polled(emulator: Emulator, seconds: float) -> list[str]:
    """Return the poll schedules that are still there after so long; each goes only after its response."""
    end = time.monotonic() + seconds
    while schedules(emulator) and time.monotonic() < end:
        time.sleep(0.25)
    return schedules(emulator)


@contextlib.contextmanager
def forbidden(emulator: Emulator, action: str) -> Iterator[None]:
    """Take one action from the function's own role for a while."""
    iam, role = emulator.client("iam"), Stack(emulator, PROVIDER).outputs()["RoleArn"]
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": action, "Resource": "*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    boundary = iam.create_policy(PolicyName="forbidden", PolicyDocument=document)["Policy"]["Arn"]
    name = role.rsplit("/", 1)[-1]
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    try:
        yield
    finally:
        iam.delete_role_permissions_boundary(RoleName=name)
        iam.delete_policy(PolicyArn=boundary)
