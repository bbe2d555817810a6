"""CloudFormation, Lambda, the fallback, EventBridge and AWS around the real handler, all in one process."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from unittest import mock

import boto3
from botocore.exceptions import ClientError

from massdriver_redis import log
from tests.simulator import Timing
from tests.support import document
from tests.support.cloud import Cloud
from tests.support.driver import ACCOUNT, PREFIX, REGION, Delivery, Driver, Response
from tests.support.wire import Call

from .faults import PUT
from .wire import Wire

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

FALLBACK = Path(__file__).parents[2] / "fallback"
_LEDGER = "massdriver-redis:"
_LASTING = {"massdriver-redis:owner", "massdriver-redis:provider", "massdriver-redis:handed-over"}


class World(Driver):
    """One stack with one resource, `NAME`, driven as CloudFormation does; a context manager.

    `wire` numbers the handler's calls, the PUT of the response among them.
    """

    def __init__(self, *, quick: bool = True, stack_name: str = "shop") -> None:
        self.cloud = Cloud(TIMING)
        self.wire = Wire(self.cloud.simulator, quick=quick)
        self.fallback_reasons: list[str] = []
        self._fallback = _load_fallback()
        super().__init__(self.cloud.clock, stack_name=stack_name, failed=self._fall_back)

    def __enter__(self) -> Self:
        self._exit.enter_context(self.cloud)
        self._exit.enter_context(self.wire)
        self._exit.callback(log.forget)
        super().__enter__()
        # Those of the role that a test's properties name are the test's own; the function's stay.
        self._exit.enter_context(mock.patch.dict("os.environ", {"RESPONSE_HOST": ""}))
        return self

    # --- properties --------------------------------------------------------------------------------

    def properties(self, preset: Mapping[str, Any] = document.FREE_TIER, **changes: Any) -> dict[str, Any]:
        """Return a preset's properties in this VPC; a change to None removes a key."""
        wanted = {"vpc": self.vpc(), "ServiceTimeout": SERVICE_TIMEOUT, **changes}
        made: dict[str, Any] = document.properties(dict(preset), **wanted)
        return made

    def vpc(self) -> dict[str, Any]:
        arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:"
        subnets = [
            {"arn": f"{arn}subnet/{name}", "aws_zone": f"{REGION}{zone}", "cidr": ""}
            for name, zone in zip(self.cloud.subnets, "aba", strict=True)
        ]
        infrastructure = {
            "arn": f"{arn}vpc/{self.cloud.vpc}",
            "cidr": "10.1.0.0/16",
            "internal_subnets": subnets,
            "private_subnets": [],
            "public_subnets": [],
        }
        return {"data": {"infrastructure": infrastructure}, "specs": {"aws": {"region": REGION}}}

    # --- further moves of CloudFormation -----------------------------------------------------------

    def swap(self) -> Response:
        """Send the swapped Update of a rollback, without the clean-up that follows it."""
        self.stack_status("UPDATE_ROLLBACK_IN_PROGRESS")
        resource = self.resources[NAME]
        assert resource.before
        given_up = (resource.physical_id, resource.properties)
        resource.properties, resource.before = resource.before[1], given_up
        return self.swap_again()

    def swap_again(self) -> Response:
        """Send that Update once more, as ContinueUpdateRollback does."""
        self.stack_status("UPDATE_ROLLBACK_IN_PROGRESS")
        response = self.run(self.send("Update", NAME))
        if response.ok:
            self.resources[NAME].physical_id = response.physical_id
        return response

    def clean_up_old(self) -> Response:
        """Send the clean-up Delete of a replacement; it can be sent again."""
        self.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        before = self.resources[NAME].before
        assert before
        return self.run(self.send("Delete", NAME, physical_id=before[0], properties=before[1]))

    # --- what there is -----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return what lives, as plain data: nothing in it depends on the path that led there."""
        with self.wire.handling(False):
            return {
                "groups": {group.id: self._group(group) for group in self.cloud.simulator.groups()},
                "subnet groups": self._subnet_groups(),
                "security groups": self._security_groups(),
                "secrets": self._secrets(),
                "rules": self.armed(),
                "snapshots": self._snapshots(),
            }

    def leftovers(self) -> list[str]:
        """Return what is left of what counts as left: not snapshots, nor secrets about to go."""
        state = self.state()
        secrets = [name for name, secret in state["secrets"].items() if not secret["deleting"]]
        kinds = ("groups", "subnet groups", "security groups", "rules")
        return [f"{kind}: {name}" for kind in kinds for name in state[kind]] + [
            f"secrets: {name}" for name in secrets
        ]

    def _group(self, group: Any) -> dict[str, Any]:
        names = {found["GroupId"]: found["GroupName"] for found in self._every_security_group()}
        return {
            "status": group.status,
            "description": group.description,
            "engine": f"{group.engine} {group.version}",
            "parameter group": group.parameter_group,
            "node type": group.node_type,
            "members": {each.id: len(each.members) for each in group.node_groups},
            "failover": group.failover,
            "multi-AZ": group.multi_az,
            "tls": group.tls,
            "snapshots": f"{group.retention} {group.snapshot_window}",
            "maintenance": group.maintenance_window,
            "security groups": sorted(names.get(each, each) for each in group.security_groups),
            "token is the secret's": self._has_stored_token(group),
            "tags": self.cloud.simulator.tags(group.id),
        }

    def _has_stored_token(self, group: Any) -> bool:
        if not group.tokens:
            return True
        try:
            value = boto3.client("secretsmanager", REGION).get_secret_value(SecretId=f"{PREFIX}-{group.id}")
        except ClientError:
            return False
        return group.tokens[-1] in value["SecretString"]

    def _subnet_groups(self) -> dict[str, Any]:
        found = self.cloud.elasticache.describe_cache_subnet_groups()["CacheSubnetGroups"]
        return {
            group["CacheSubnetGroupName"]: sorted(subnet["SubnetIdentifier"] for subnet in group["Subnets"])
            for group in found
        }

    def _every_security_group(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cloud.ec2.describe_security_groups()["SecurityGroups"]
        return found

    def _security_groups(self) -> dict[str, Any]:
        return {
            group["GroupName"]: {
                "cidrs": [
                    cidr["CidrIp"] for rule in group["IpPermissions"] for cidr in rule.get("IpRanges", [])
                ],
                "tags": _lasting(group.get("Tags", [])),
            }
            for group in self._every_security_group()
            if group["GroupName"].startswith(PREFIX)
        }

    def _secrets(self) -> dict[str, Any]:
        found = boto3.client("secretsmanager", REGION).list_secrets(IncludePlannedDeletion=True)
        return {
            secret["Name"]: {
                "deleting": bool(secret.get("DeletedDate")),
                "tags": _lasting(secret.get("Tags", [])),
            }
            for secret in found["SecretList"]
        }

    def _snapshots(self) -> list[str]:
        return [shown["SnapshotName"] for shown in self.cloud.elasticache.describe_snapshots()["Snapshots"]]

    # --- inside ------------------------------------------------------------------------------------

    def _invoke(self, delivery: Delivery) -> None:
        with self.wire.handling():
            super()._invoke(delivery)

    def _receive(self, url: str, body: bytes, **how: Any) -> None:
        call = Call("response", "Put", {})
        assert call.name == PUT
        self.wire.around(call, lambda: super(World, self)._receive(url, body, **how))

    def _fall_back(self, record: dict[str, Any]) -> None:
        """Run the fallback on an event that failed at both tries."""
        with self.wire.handling(False):
            rules = self._fallback.rules()
            self._fallback.app.handle(record, rules, self._put_of_fallback, self.clock.now())

    def _put_of_fallback(self, url: str, body: bytes) -> int:
        return self.put(url, body)


def _lasting(tags: list[dict[str, str]]) -> dict[str, str]:
    """Return tags without the ledger's notes, which name the requests that came by."""
    return {
        tag["Key"]: "" if tag["Key"].endswith("handed-over") else tag["Value"]
        for tag in tags
        if not tag["Key"].startswith(_LEDGER) or tag["Key"] in _LASTING
    }


class _Fallback:
    """The fallback's modules, its EventBridge reached through boto3 instead of hand-signed HTTP."""

    def __init__(self) -> None:
        with mock.patch.object(sys, "path", [str(FALLBACK), *sys.path]):
            self._eventbridge = importlib.import_module("eventbridge")
            spec = importlib.util.spec_from_file_location("fallback_app", FALLBACK / "app.py")
            assert spec
            assert spec.loader
            self.app = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(self.app)

    def rules(self) -> Any:
        error = self._eventbridge.EventBridgeError

        class Rules(self._eventbridge.EventBridge):  # type: ignore[misc, name-defined]
            def _try(self, operation: str, wanted: Mapping[str, Any]) -> Any:
                client = boto3.client("events", REGION)
                try:
                    return client._make_api_call(operation, dict(wanted))
                except ClientError as failure:
                    raise error(str(failure), failure.response["Error"]["Code"]) from None

        return Rules({}, sleep=lambda _: None)


_loaded: list[_Fallback] = []


def _load_fallback() -> _Fallback:
    if not _loaded:
        _loaded.append(_Fallback())
    return _loaded[0]
