"""The massdriver bundle's interface as facts to test against, and property blocks made from its presets."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

ACCOUNT = "123456789012"

FREE_TIER = {
    "__name": "Free Tier",
    "allow_vpc_access": True,
    "cluster_mode_enabled": False,
    "node_type": "cache.t3.micro",
    "redis_version": "6.x",
    "replicas": 0,
    "secure": True,
}
HIGHLY_AVAILABLE = {
    "__name": "Highly Available",
    "allow_vpc_access": True,
    "cluster_mode_enabled": False,
    "node_type": "cache.t3.micro",
    "redis_version": "6.x",
    "replicas": 1,
    "secure": True,
}
SHARDED_CLUSTER = {
    "__name": "Sharded Cluster",
    "allow_vpc_access": True,
    "cluster_mode_enabled": True,
    "node_groups": 2,
    "node_type": "cache.r5.large",
    "redis_version": "6.x",
    "replicas": 1,
    "secure": True,
}
PRESETS = (FREE_TIER, HIGHLY_AVAILABLE, SHARDED_CLUSTER)

_SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "12xlarge", "24xlarge")
NODE_TYPES = [
    *(f"cache.m5.{size}" for size in _SIZES),
    *(f"cache.r5.{size}" for size in _SIZES),
    "cache.t3.micro",
    "cache.t3.small",
    "cache.t3.medium",
]

PARAMS: dict[str, dict[str, Any]] = {
    "cluster_mode_enabled": {"type": "boolean", "default": False},
    "node_groups": {"type": "integer", "minimum": 2, "maximum": 250, "default": 2},
    "node_type": {"type": "string", "enum": NODE_TYPES},
    "redis_version": {"type": "string", "enum": ["3.2", "4.0", "5.0", "6.x"], "default": "6.x"},
    "replicas": {"type": "integer", "enum": [0, 1, 2, 3, 4, 5], "default": 0},
    "secure": {"type": "boolean", "default": True},
    "subnet_type": {"type": "string", "enum": ["internal", "private"], "default": "internal"},
}
"""Every param with its type, limits and default."""

CONNECTIONS = {
    "aws_authentication": "object, closed",
    "aws_authentication.data": "object",
    "aws_authentication.data.arn": "string",
    "aws_authentication.data.external_id": "string",
    "aws_authentication.specs": "object",
    "aws_authentication.specs.aws": "object",
    "aws_authentication.specs.aws.region": "string",
    "vpc": "object, closed",
    "vpc.data": "object",
    "vpc.data.infrastructure": "object",
    "vpc.data.infrastructure.arn": "string",
    "vpc.data.infrastructure.cidr": "string",
    **{
        f"vpc.data.infrastructure.{kind}_subnets{suffix}": form
        for kind in ("internal", "private", "public")
        for suffix, form in (
            ("", "array"),
            ("[]", "object"),
            ("[].arn", "string"),
            ("[].aws_zone", "string"),
            ("[].cidr", "string"),
        )
    },
    "vpc.specs": "object",
    "vpc.specs.aws": "object",
    "vpc.specs.aws.region": "string",
}
"""Every name of the connections; "closed" where the document allows no additional properties."""

_AWS, _GCP, _AZURE = (
    "data.security<AWS Security information>",
    "data.security<Security>",
    "data.security<Security 2>",
)
_INFRASTRUCTURE = "data.infrastructure"

ARTIFACT = {
    "": "object, closed",
    "data": "object",
    "data.authentication": "object",
    "data.authentication.hostname": "string",
    "data.authentication.password": "string",
    "data.authentication.port": "integer",
    "data.authentication.username": "string",
    _INFRASTRUCTURE: "object",
    f"{_INFRASTRUCTURE}<AWS Infrastructure ARN>": "object, closed",
    f"{_INFRASTRUCTURE}<AWS Infrastructure ARN>.arn": "string",
    f"{_INFRASTRUCTURE}<GCP Infrastructure GRN>": "object, closed",
    f"{_INFRASTRUCTURE}<GCP Infrastructure GRN>.grn": "string",
    f"{_INFRASTRUCTURE}<Azure Redis Cache infrastructure config>": "object, closed",
    f"{_INFRASTRUCTURE}<Azure Redis Cache infrastructure config>.ari": "string",
    "data.security": "object",
    _AWS: "object, closed",
    f"{_AWS}.iam": "object, closed",
    f"{_AWS}.iam./^[a-z-/]+$/": "object",
    f"{_AWS}.iam./^[a-z-/]+$/.policy_arn": "string",
    f"{_AWS}.identity": "object, closed",
    f"{_AWS}.identity.role_arn": "string",
    f"{_AWS}.network": "object, closed",
    f"{_AWS}.network./^[a-z-]+$/": "object",
    f"{_AWS}.network./^[a-z-]+$/.arn": "string",
    f"{_AWS}.network./^[a-z-]+$/.port": "integer",
    f"{_AWS}.network./^[a-z-]+$/.protocol": "string",
    _GCP: "object, closed",
    f"{_GCP}.iam": "object, closed",
    f"{_GCP}.iam./^[a-z-/]+$/": "object",
    f"{_GCP}.iam./^[a-z-/]+$/.condition": "string",
    f"{_GCP}.iam./^[a-z-/]+$/.role": "any",
    _AZURE: "object, closed",
    f"{_AZURE}.iam": "object, closed",
    f"{_AZURE}.iam./^[a-z]+[a-z_]*[a-z]$/": "object",
    f"{_AZURE}.iam./^[a-z]+[a-z_]*[a-z]$/.role": "any",
    f"{_AZURE}.iam./^[a-z]+[a-z_]*[a-z]$/.scope": "string",
    "specs": "object",
    "specs.cache": "object",
    "specs.cache.engine": "string",
    "specs.cache.version": "string",
}
"""Every name of the artifact; a branch of oneOf or anyOf stands in <> by its title, a pattern in //."""

ARNS = ("arn:aws:rds::ACCOUNT_NUMBER:db/prod", "arn:aws:ec2::ACCOUNT_NUMBER:vpc/vpc-foo")
CIDRS = ("10.100.0.0/16", "192.24.12.0/22")
WORDS = {
    "node_type": "AWS node type to use for the cluster.",
    "redis_version": "Major Redis version to use.",
    "cluster_mode_enabled": (
        "Cluster mode allows you to scale your cluster horizontally across multiple node groups. "
        "This is useful at massive scale (beyond limits of vertical scaling). "
        "NOTE: this setting cannot be changed after cluster creation."
    ),
    "node_groups": (
        "Number of node groups (shards) in the cluster. "
        "Each node group will have a primary node and the number of read replicas specified above."
    ),
    "replicas": (
        "Number of read replicas per node group. "
        "Each node group will have a single primary instace, and 0 to 5 read replicas. "
        "If you would like automatic fail-over for high-availability, you need at least 1 replica."
    ),
    "secure": (
        "Enabling this will auto-generate an auth token (password) "
        "and enable TLS encrypted client connections. "
        "NOTE: this setting cannot be changed after cluster creation."
    ),
    "subnet_type": (
        "Deploy Redis to internal subnets (cannot reach the internet) "
        "or private subnets (internet egress traffic allowed)."
    ),
}
"""The params' descriptions, word for word, the document's own spelling included."""


def subnet(number: int, zone: str, region: str = "us-west-2", partition: str = "aws") -> dict[str, str]:
    """Return one subnet of the VPC artifact."""
    return {
        "arn": f"arn:{partition}:ec2:{region}:{ACCOUNT}:subnet/subnet-{number:017x}",
        "aws_zone": f"{region}{zone}",
        "cidr": f"10.100.{number}.0/24",
    }


def vpc(region: str = "us-west-2", partition: str = "aws", subnets: int = 2) -> dict[str, Any]:
    """Return a VPC artifact with as many internal, and as many private, subnets over three zones."""
    internal = [subnet(number, "abc"[number % 3], region, partition) for number in range(subnets)]
    private = [subnet(100 + number, "abc"[number % 3], region, partition) for number in range(subnets)]
    arn = f"arn:{partition}:ec2:{region}:{ACCOUNT}:vpc/vpc-0a1b2c3d4e5f60718"
    return _vpc_artifact(arn, "10.100.0.0/16", region, internal, private)


def vpc_in(
    region: str,
    vpc_id: str,
    internal: Mapping[str, str],
    private: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the artifact of a VPC that a test's AWS has; the ids of its subnets come with their zones."""
    arn = f"arn:aws:ec2:{region}:{ACCOUNT}:"
    internal_subnets, private_subnets = (
        [
            {"arn": f"{arn}subnet/{name}", "aws_zone": zone, "cidr": f"10.1.{number}.0/24"}
            for number, (name, zone) in enumerate(subnets.items())
        ]
        for subnets in (internal, private or {})
    )
    return _vpc_artifact(f"{arn}vpc/{vpc_id}", "10.1.0.0/16", region, internal_subnets, private_subnets)


def _vpc_artifact(
    arn: str, cidr: str, region: str, internal: list[dict[str, str]], private: list[dict[str, str]]
) -> dict[str, Any]:
    infrastructure = {
        "arn": arn,
        "cidr": cidr,
        "internal_subnets": internal,
        "private_subnets": private,
        "public_subnets": [],
    }
    return {"data": {"infrastructure": infrastructure}, "specs": {"aws": {"region": region}}}


def authentication(region: str = "us-west-2") -> dict[str, Any]:
    """Return the artifact of an IAM role."""
    return {
        "data": {
            "arn": f"arn:aws:iam::{ACCOUNT}:role/massdriver/provisioner",
            "external_id": "s3cret-external-id",
        },
        "specs": {"aws": {"region": region}},
    }


def properties(preset: dict[str, Any] = FREE_TIER, **changes: Any) -> dict[str, Any]:
    """Return typed properties from a preset and a VPC; a change to None removes its key."""
    merged = {"ServiceToken": "arn:aws:lambda:x", **deepcopy(preset), "vpc": vpc(), **changes}
    return {name: value for name, value in merged.items() if value is not None}


def stringified(value: Any) -> Any:
    """Return the value as CloudFormation sends it: every scalar a string, nested ones too."""
    if isinstance(value, dict):
        return {key: stringified(item) for key, item in value.items()}
    if isinstance(value, list):
        return [stringified(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def put(properties: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with the value at a dotted path replaced; numbers index lists, `...` removes."""
    copy = deepcopy(properties)
    *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    node: Any = copy
    for key in above:
        node = node[key] if isinstance(key, int) else node.setdefault(key, {})
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return copy
