"""The four calls on cache subnet groups."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import checks, views
from .errors import Refusal, bad_value
from .pages import page
from .state import SubnetGroup

if TYPE_CHECKING:
    from .region import Region
    from .surroundings import Subnet

_NAME = re.compile(r"[a-z0-9-]{1,255}")


def create_cache_subnet_group(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    name = params["CacheSubnetGroupName"].lower()
    if not _NAME.fullmatch(name) or name == "default":
        raise bad_value("The parameter CacheSubnetGroupName is not a valid identifier.")
    if name in region.subnet_groups:
        raise Refusal("CacheSubnetGroupAlreadyExists", f"Cache subnet group {name} already exists.")
    if len(region.subnet_groups) >= region.quotas.subnet_groups:
        raise Refusal(
            "CacheSubnetGroupQuotaExceeded", f"At most {region.quotas.subnet_groups} groups are allowed."
        )
    vpc, subnets = _resolve(region, params["SubnetIds"])
    group = SubnetGroup(
        name=name,
        arn=region.arn("subnetgroup", name),
        description=params["CacheSubnetGroupDescription"],
        vpc=vpc,
        subnets=subnets,
        created=region.now,
    )
    region.subnet_groups[name] = group
    region.tags[group.arn] = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}
    return {"CacheSubnetGroup": views.subnet_group(group)}


def modify_cache_subnet_group(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    group = region.subnet_group(params["CacheSubnetGroupName"])
    description = params.get("CacheSubnetGroupDescription", group.description)
    subnets = group.subnets
    if "SubnetIds" in params:
        vpc, subnets = _resolve(region, params["SubnetIds"])
        if vpc != group.vpc:
            raise Refusal("InvalidSubnet", f"The subnets are not in the VPC {group.vpc} of {group.name}.")
        _check_removal(region, group, subnets)
    if description == group.description and set(subnets) == set(group.subnets):
        raise bad_value("No modifications were requested.")
    group.description, group.subnets = description, subnets
    return {"CacheSubnetGroup": views.subnet_group(group)}


def delete_cache_subnet_group(region: Region, params: dict[str, Any]) -> None:
    group = region.subnet_group(params["CacheSubnetGroupName"])
    if any(user.subnet_group == group.name for user in region.groups.values()):
        raise Refusal("CacheSubnetGroupInUse", f"Cache subnet group {group.name} is currently in use.")
    del region.subnet_groups[group.name]
    region.tags.pop(group.arn, None)


def describe_cache_subnet_groups(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    if "CacheSubnetGroupName" in params:
        groups = [region.subnet_group(params["CacheSubnetGroupName"])]
    else:
        groups = [region.subnet_groups[name] for name in sorted(region.subnet_groups)]
    return page("CacheSubnetGroups", [views.subnet_group(group) for group in groups], params)


def _resolve(region: Region, wanted: list[str]) -> tuple[str, dict[str, Subnet]]:
    """Return the VPC and the subnets; texts as quoted in floci-io/floci#2401.

    A subnet of another Region is unknown, too (openedx-unsupported/configuration#313).
    """
    if len(set(wanted)) > region.quotas.subnets_per_group:
        raise Refusal(
            "CacheSubnetQuotaExceededFault", f"At most {region.quotas.subnets_per_group} subnets are allowed."
        )
    found = {name: region.around.subnet(name) for name in wanted}
    missing = [name for name, subnet in found.items() if subnet is None]
    if missing or not wanted:
        raise bad_value(f"Some input subnets in :[{', '.join(missing)}] are invalid.")
    subnets = {name: subnet for name, subnet in found.items() if subnet is not None}
    first, (vpc, *_) = next(iter(subnets.items()))
    for name, subnet in subnets.items():
        if subnet.vpc != vpc:
            raise Refusal("InvalidSubnet", f"Subnets {first} and {name} are not in the same VPC.")
    return vpc, subnets


def _check_removal(region: Region, group: SubnetGroup, remaining: dict[str, Subnet]) -> None:
    """Refuse to drop a subnet in use, or to leave a Multi-AZ group fewer than two subnets.

    Source: the user guide's pages on modifying and deleting subnet groups.
    """
    users = [user for user in region.groups.values() if user.subnet_group == group.name]
    used = {member.subnet for user in users for member in user.every_member()}
    dropped = sorted(used - set(remaining))
    if dropped:
        raise Refusal("SubnetInUse", f"The subnet {dropped[0]} is currently in use by a cache cluster.")
    if any(user.multi_az for user in users):
        checks.two_zones(replace(group, subnets=remaining))
