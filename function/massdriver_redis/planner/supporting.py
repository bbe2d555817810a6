"""The supporting resources of a replication group: security group, secret and subnet group."""

from __future__ import annotations

from collections.abc import Iterator

from massdriver_redis.calls import ec2, elasticache, secretsmanager
from massdriver_redis.calls.base import Call
from massdriver_redis.planner.decision import Decision, PlanContext, Reject, apply_all
from massdriver_redis.state.desired import Desired
from massdriver_redis.state.observed import Observed, ReplicationGroup
from massdriver_redis.state.record import LAST_ACCEPTED_REQUEST, RequestVersion


def missing(desired: Desired, observed: Observed, request_version: RequestVersion) -> Iterator[Call]:
    """Yield the calls that make what is missing; none depends on another.

    The security group is first: it carries the record, and its tags include the accepted request from the
    start.
    """
    tags, marker = sorted(desired.tags.items()), desired.owner.marker
    if observed.security_group is None:
        yield _security_group(desired, request_version)
    if desired.secure and observed.secret is None:
        yield secretsmanager.create_secret(desired.names.secret, marker, tags)
    elif desired.secure and observed.secret and observed.secret.deleting:
        yield secretsmanager.restore_secret(desired.names.secret)
    if observed.subnet_group is None:
        yield elasticache.create_subnet_group(desired.names.subnet_group, marker, desired.subnets, tags)


def ingress(desired: Desired, observed: Observed) -> Iterator[Call]:
    """Yield the calls that allow exactly the desired CIDRs; rules of others stay."""
    security_group = observed.security_group
    if security_group is None:
        return
    for cidr in sorted(desired.ingress - security_group.cidrs):
        yield ec2.allow_ingress(security_group.id, cidr)
    for cidr in sorted(security_group.cidrs - desired.ingress):
        yield ec2.revoke_ingress(security_group.id, cidr)


def restore(
    desired: Desired, _live: ReplicationGroup, observed: Observed, context: PlanContext
) -> Decision | None:
    """Recreate what was deleted out of band, except for the token, and update the ingress rules."""
    if desired.secure and observed.secret is None:
        return Reject(
            f"the secret {desired.names.secret} is gone and AWS never shows a token again; recreate it "
            "with the token as JSON key password and this resource's description, then update"
        )
    again = apply_all(missing(desired, observed, context.request_version))
    return again or apply_all(ingress(desired, observed))


def _security_group(desired: Desired, request_version: RequestVersion) -> Call:
    name = desired.names.security_group
    tags = {**desired.tags, "Name": name, LAST_ACCEPTED_REQUEST: request_version.text()}
    return ec2.create_security_group(name, desired.owner.marker, desired.vpc_id, sorted(tags.items()))
