"""The hooks into moto: ElastiCache's actions, EC2's DeleteSecurityGroup, subnets and security groups.

moto finds an action by the name of a function on its response class and serialises what it returns
from botocore's model, so each operation is one function set on that class for as long as the
simulator runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores
from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import ec2_backends
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.elasticache.responses import ElastiCacheResponse

from .actions import OPERATIONS
from .surroundings import Subnet

Act = Callable[[str, str, str, dict[str, Any]], dict[str, Any] | None]


class Patch:
    """Replaces moto's ElastiCache by `act`; its EC2 calls `in_use` before it deletes a security group."""

    def __init__(self, act: Act, in_use: Callable[[str], bool]) -> None:
        self._patchers: list[Any] = [
            mock.patch.object(
                ElastiCacheResponse, camelcase_to_underscores(operation), _action(act, operation), create=True
            )
            for operation in OPERATIONS
        ]
        self._patchers.append(
            mock.patch.object(SecurityGroupBackend, "delete_security_group", _guarded_delete(in_use))
        )

    def start(self) -> None:
        for patcher in self._patchers:
            patcher.start()

    def stop(self) -> None:
        for patcher in reversed(self._patchers):
            patcher.stop()


def response_class(act: Act) -> type[ElastiCacheResponse]:
    """Return moto's response class with `act` behind every simulated operation, for use outside moto."""
    functions = {camelcase_to_underscores(operation): _action(act, operation) for operation in OPERATIONS}
    return type("SimulatedElastiCacheResponse", (ElastiCacheResponse,), functions)


def subnet(account: str, region: str, subnet_id: str) -> Subnet | None:
    """Return a subnet from moto's EC2."""
    for subnets in ec2_backends[account][region].subnets.values():
        if subnet_id in subnets:
            found = subnets[subnet_id]
            return Subnet(found.vpc_id, found.availability_zone, _network_types(found))
    return None


def _network_types(subnet: Any) -> tuple[str, ...]:
    """Return what a cluster in a subnet may speak (user guide, network-type)."""
    if subnet.ipv6_native:
        return ("ipv6",)
    return ("dual_stack", "ipv4") if subnet.ipv6_cidr_block_associations else ("ipv4",)


def security_group(account: str, region: str, group_id: str) -> str | None:
    """Return a security group's VPC from moto's EC2."""
    found = ec2_backends[account][region].get_security_group_from_id(group_id)
    return found.vpc_id if found else None


def _action(act: Act, operation: str) -> Callable[[ElastiCacheResponse], ActionResult]:
    def action(response: ElastiCacheResponse) -> ActionResult:
        params = dict(response._get_params())
        result = act(response.current_account, response.region, operation, params)
        return EmptyResult() if result is None else ActionResult(result)

    return action


def _guarded_delete(in_use: Callable[[str], bool]) -> Callable[..., None]:
    original = SecurityGroupBackend.delete_security_group

    def delete_security_group(
        backend: SecurityGroupBackend, name: str | None = None, group_id: str | None = None
    ) -> None:
        if group_id and (in_use(group_id) or _referenced(backend, group_id)):
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
        original(backend, name, group_id)

    return delete_security_group


def _referenced(backend: SecurityGroupBackend, group_id: str) -> bool:
    """Return whether a rule of another security group names this one, which EC2 counts as a dependency."""
    return any(
        rule.source_group.get("GroupId") == group_id
        for groups in backend.groups.values()
        for other in groups.values()
        if other.id != group_id
        for rule in (*other.ingress_rules, *other.egress_rules)
    )
