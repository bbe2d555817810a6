"""From CloudFormation's strings to frozen properties: what is read, rejected, and warned about."""

from __future__ import annotations

import re
import time
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from massdriver_redis.errors import REASON_LIMIT, InvalidRequestError
from massdriver_redis.properties import schemas
from massdriver_redis.properties.coercion import coerce
from massdriver_redis.properties.model import Authentication
from massdriver_redis.properties.parse import read, read_leniently, read_previous
from massdriver_redis.properties.violations import Violation, summary
from massdriver_redis.state import naming
from tests.harness import samples as document
from tests.harness.samples import FREE_TIER, SHARDED_CLUSTER, put, stringified, subnet, vpc

TODAY = date(2026, 3, 1)
"""A day long before the end of support of 6.x."""

INFRASTRUCTURE = "vpc.data.infrastructure"


def rejected(raw: Any) -> str:
    """Return the Reason of rejected properties; it is short and printable."""
    with pytest.raises(InvalidRequestError) as caught:
        read(raw, today=TODAY)
    reason = str(caught.value)
    assert 0 < len(reason) <= REASON_LIMIT
    assert reason.isprintable()
    return reason


def reason_of(raw: Any) -> InvalidRequestError | None:
    """Return the error of rejected properties, None of accepted ones; any other exception passes through."""
    try:
        read(raw, today=TODAY)
    except InvalidRequestError as error:
        return error
    return None


def valid_properties(**changes: Any) -> dict[str, Any]:
    return document.properties(FREE_TIER, **changes)


# --- what is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", document.PRESETS, ids=lambda preset: preset["__name"])
@pytest.mark.parametrize("form", ["strings", "types"])
def test_a_preset_is_read_unchanged(preset: dict[str, Any], form: str) -> None:
    raw = document.properties(preset)
    got = read(stringified(raw) if form == "strings" else raw, today=TODAY)
    assert got.node_type == preset["node_type"]
    assert got.replicas == preset["replicas"]
    assert got.cluster_mode_enabled is preset["cluster_mode_enabled"]
    assert got.node_groups == preset.get("node_groups", 1)
    assert got.redis_version == "6.x"
    assert got.secure is True
    assert got.allow_vpc_access is True
    assert got.warnings == ()


def test_an_absent_property_has_its_default() -> None:
    got = read({"node_type": "cache.t3.micro", "vpc": vpc()}, today=TODAY)
    assert (got.engine, got.redis_version, got.replicas, got.node_groups) == ("redis", "6.x", 0, 1)
    assert (got.cluster_mode_enabled, got.secure, got.subnet_type, got.allow_vpc_access) == (
        False,
        True,
        "internal",
        True,
    )
    assert (got.snapshot_retention_limit, got.snapshot_window, got.maintenance_window) == (
        7,
        "07:00-08:00",
        "sun:09:00-sun:10:00",
    )
    assert (got.auto_minor_version_upgrade, got.allow_replacement, got.password_attribute) == (
        True,
        False,
        True,
    )
    assert (got.authentication, got.name_prefix, got.tags) == (None, None, ())


def test_two_node_groups_are_the_default_of_cluster_mode_and_count_only_in_it() -> None:
    assert read(valid_properties(cluster_mode_enabled="true"), today=TODAY).node_groups == 2
    assert read(valid_properties(cluster_mode_enabled="false", node_groups="9"), today=TODAY).node_groups == 1


def test_cloudformations_own_keys_are_not_properties() -> None:
    assert read(valid_properties(ServiceTimeout="900"), today=TODAY) == read(valid_properties(), today=TODAY)
    assert read(valid_properties(ServiceTimeout="soon"), today=TODAY) == read(valid_properties(), today=TODAY)


@pytest.mark.parametrize("empty", [None, ""])
@pytest.mark.parametrize(
    "name", ["replicas", "secure", "redis_version", "aws_authentication", "tags", "__name"]
)
def test_a_null_and_an_empty_optional_string_count_as_absent(name: str, empty: str | None) -> None:
    raw = {key: value for key, value in valid_properties().items() if key != name}
    assert read({**raw, name: empty}, today=TODAY) == read(raw, today=TODAY)


def test_an_empty_string_inside_a_connection_counts_as_absent() -> None:
    raw = put(
        valid_properties(aws_authentication=document.authentication()),
        "aws_authentication.data.external_id",
        "",
    )
    assert read(raw, today=TODAY).authentication == Authentication(
        arn="arn:aws:iam::123456789012:role/massdriver/provisioner", external_id=None
    )


def test_an_empty_tag_value_stays_a_tag() -> None:
    assert read(valid_properties(tags={"team": ""}), today=TODAY).tags == (("team", ""),)


@pytest.mark.parametrize("written", ["true", "True", "TRUE", True])
def test_true_can_be_written_in_any_case(written: object) -> None:
    assert read(valid_properties(cluster_mode_enabled=written), today=TODAY).cluster_mode_enabled is True


@pytest.mark.parametrize("written", ["3", 3, 3.0])
def test_a_whole_number_can_be_a_string_or_a_number(written: object) -> None:
    replicas = read(valid_properties(replicas=written), today=TODAY).replicas
    assert replicas == 3
    assert isinstance(replicas, int)


def test_a_version_stays_a_string() -> None:
    assert read(valid_properties(redis_version="5.0"), today=TODAY).redis_version == "5.0"


def test_any_mapping_is_read() -> None:
    assert read(MappingProxyType(valid_properties()), today=TODAY) == read(valid_properties(), today=TODAY)


def test_the_subnets_are_those_of_the_chosen_type_in_order_without_duplicates() -> None:
    doubled = [subnet(3, "a"), subnet(1, "b"), {**subnet(3, "c")}]
    raw = put(valid_properties(subnet_type="private"), f"{INFRASTRUCTURE}.private_subnets", doubled)
    got = read(raw, today=TODAY).vpc
    assert [each.id for each in got.subnets] == ["subnet-00000000000000003", "subnet-00000000000000001"]
    assert [each.zone for each in got.subnets] == ["us-west-2a", "us-west-2b"]
    assert got.id == "vpc-0a1b2c3d4e5f60718"


def test_tags_override_default_tags_by_key() -> None:
    got = read(
        valid_properties(
            md_metadata={"name_prefix": "shop", "default_tags": {"b": "1", "a": "1"}}, tags={"b": "2"}
        ),
        today=TODAY,
    )
    assert got.tags == (("a", "1"), ("b", "2"))
    assert got.name_prefix == "shop"


def test_other_metadata_of_massdriver_is_accepted() -> None:
    raw = valid_properties(
        md_metadata={"name_prefix": "shop", "deployment": {"id": "1"}, "observability": {"alarm": "x"}}
    )
    assert read(raw, today=TODAY).name_prefix == "shop"


@pytest.mark.parametrize(
    ("specs", "auth", "arn_region", "expected"),
    [
        ("us-west-2", None, "us-west-2", "us-west-2"),
        (None, "us-west-2", "us-west-2", "us-west-2"),
        ("us-west-2", "us-west-2", "", "us-west-2"),
        (None, None, "us-west-2", "us-west-2"),
        (None, None, "", None),
    ],
)
def test_the_region_is_that_of_a_connection_else_of_the_vpcs_arn(
    specs: str | None, auth: str | None, arn_region: str, expected: str | None
) -> None:
    raw = valid_properties()
    raw = put(raw, "vpc.specs.aws.region", specs or ...)
    raw = put(raw, f"{INFRASTRUCTURE}.arn", f"arn:aws:ec2:{arn_region}:123456789012:vpc/vpc-1")
    if auth:
        raw["aws_authentication"] = document.authentication(auth)
    assert read(raw, today=TODAY).region == expected


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
        ("ap-southeast-7", "aws"),
    ],
)
def test_every_partition_and_its_regions_are_read(region: str, partition: str) -> None:
    got = read(valid_properties(vpc=vpc(region, partition)), today=TODAY)
    assert (got.region, got.vpc.id) == (region, "vpc-0a1b2c3d4e5f60718")


def test_the_create_only_properties_determine_the_physical_id() -> None:
    got = read(valid_properties(md_metadata={"name_prefix": "shop"}), today=TODAY)
    assert got.create_only() == {
        "cluster_mode_enabled": False,
        "secure": True,
        "subnet_type": "internal",
        "vpc": got.vpc.arn,
        "name_prefix": "shop",
    }
    owner = naming.Owner("arn:aws:cloudformation:us-west-2:1:stack/shop/guid", "Redis")
    assert naming.is_ours(naming.physical_id(owner, got.name_prefix, got.create_only()))


def test_the_external_id_is_in_no_representation() -> None:
    got = read(valid_properties(aws_authentication=document.authentication()), today=TODAY)
    assert got.authentication is not None
    assert got.authentication.external_id == "s3cret-external-id"
    assert "s3cret" not in repr(got)


# --- what the examples use -------------------------------------------------------------------------

FOLDER = Path(__file__).resolve().parents[3] / "examples"
EXAMPLES = sorted(path for path in FOLDER.glob("*.yaml") if "Type: Custom::" in path.read_text())
PARAMETERS = {
    "VpcId": "vpc-0a1b",
    "VpcCidr": "10.0.0.0/16",
    "AWS::Partition": "aws",
    "AWS::Region": "us-west-2",
    "AWS::AccountId": "123456789012",
    **{f"Subnet{letter}": f"subnet-0{letter.lower()}" for letter in "ABC"},
    **{f"Zone{letter}": f"us-west-2{letter.lower()}" for letter in "ABC"},
}


class Template(yaml.SafeLoader):
    """Reads a template with its references filled from PARAMETERS and its other functions as text."""


def function(loader: Template, name: str, node: yaml.Node) -> Any:
    if name == "Ref":
        return PARAMETERS.get(str(node.value), str(node.value))
    if name == "Sub" and isinstance(node, yaml.ScalarNode):
        return re.sub(r"\$\{([^}]+)\}", lambda found: PARAMETERS.get(found[1], found[0]), node.value)
    return f"{name} {node.value}"


Template.add_multi_constructor("!", function)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_properties_of_every_example_are_read_and_its_attributes_exist(example: Path) -> None:
    template = yaml.load(example.read_text("utf-8"), Template)  # a safe loader, for templates
    used = [each for each in template["Resources"].values() if each["Type"] == "Custom::MassdriverRedis"]
    assert used
    for resource in used:
        assert read(stringified(resource["Properties"]), today=TODAY).vpc.id == "vpc-0a1b"
    attributes = set(re.findall(r"!GetAtt Redis\.([a-z_.]+)", example.read_text("utf-8")))
    assert attributes
    assert attributes <= set(schemas.schema("attributes.json")["properties"])
    assert not attributes & {"password", "data.authentication.password", "artifact"}


# --- what is rejected -------------------------------------------------------------------------------

OTHER_VPC = "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1"
MANY = [subnet(number, "a") for number in range(21)]

BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    ("a missing node type", {"node_type": None}, "node_type", "required; add it"),
    ("a missing VPC", {"vpc": ...}, "vpc", "required; add it"),
    ("a mistyped node type", {"node_type": "cache.t3.mirco"}, "node_type", "did you mean cache.t3.micro?"),
    ("a node type far from any", {"node_type": "?"}, "node_type", "docs/properties.md"),
    (
        "a version that never existed",
        {"redis_version": "6.9"},
        "redis_version",
        "did you mean 6.x? engine redis (the default) has 3.2, 4.0, 5.0, 6.x, 7.0, 7.1",
    ),
    ("a version as a number", {"redis_version": 6}, "redis_version", "must be a string, in quotes"),
    ("too many replicas", {"replicas": "6"}, "replicas", "must be one of 0, 1, 2, 3, 4, 5"),
    ("replicas in words", {"replicas": "two"}, "replicas", "must be a whole number"),
    ("one node group", {"node_groups": "1"}, "node_groups", "must be 2 or more (2 to 250); for one, set"),
    ("too many node groups", {"node_groups": "251"}, "node_groups", "must be 250 or less (2 to 250)"),
    ("neither true nor false", {"secure": "yes"}, "secure", "must be true or false"),
    ("an unknown subnet type", {"subnet_type": "public"}, "subnet_type", "must be one of internal, private"),
    ("an unknown engine", {"engine": "memcached"}, "engine", "must be one of redis, valkey"),
    ("a property of Terraform's", {"cluster_mode": "true"}, "cluster_mode", "use cluster_mode_enabled"),
    ("a mistyped property", {"replica": "1"}, "replica", "did you mean replicas?"),
    ("an unknown property", {"QQQ": "1"}, "QQQ", "unknown property; remove it"),
    ("a VPC without data", {"vpc": {}}, "vpc.data", "required; add it"),
    ("a VPC without an ARN", {f"{INFRASTRUCTURE}.arn": ...}, f"{INFRASTRUCTURE}.arn", "required; add it"),
    ("a VPC's id for its ARN", {f"{INFRASTRUCTURE}.arn": "vpc-1"}, f"{INFRASTRUCTURE}.arn", "must be an ARN"),
    (
        "the ARN of a subnet for a VPC",
        {f"{INFRASTRUCTURE}.arn": "arn:aws:ec2:us-west-2:1:subnet/subnet-1"},
        f"{INFRASTRUCTURE}.arn",
        "ends in vpc/vpc-<id>",
    ),
    (
        "a VPC in another Region",
        {f"{INFRASTRUCTURE}.arn": OTHER_VPC},
        f"{INFRASTRUCTURE}.arn",
        "has another Region",
    ),
    (
        "two Regions",
        {"aws_authentication": document.authentication("eu-west-1")},
        "vpc.specs.aws.region",
        "differs from aws_authentication.specs.aws.region; use one Region",
    ),
    (
        "an impossible Region",
        {"vpc.specs.aws.region": "evil.example.com/"},
        "vpc.specs.aws.region",
        "write it as us-west-2",
    ),
    (
        "no CIDR with VPC access",
        {f"{INFRASTRUCTURE}.cidr": ...},
        f"{INFRASTRUCTURE}.cidr",
        "required by allow_vpc_access; add it or set allow_vpc_access to false",
    ),
    (
        "an invalid CIDR",
        {f"{INFRASTRUCTURE}.cidr": "10.0.0.1/99"},
        f"{INFRASTRUCTURE}.cidr",
        "write it as 10.100.0.0/16",
    ),
    (
        "a CIDR with host bits",
        {f"{INFRASTRUCTURE}.cidr": "10.0.0.1/16"},
        f"{INFRASTRUCTURE}.cidr",
        "write it as",
    ),
    (
        "all of IPv4",
        {f"{INFRASTRUCTURE}.cidr": "0.0.0.0/0"},
        f"{INFRASTRUCTURE}.cidr",
        "network of a VPC",
    ),
    (
        "no subnet of the type",
        {f"{INFRASTRUCTURE}.internal_subnets": []},
        f"{INFRASTRUCTURE}.internal_subnets",
        "set subnet_type (default internal) to private",
    ),
    (
        "no list of subnets of the type",
        {f"{INFRASTRUCTURE}.private_subnets": ..., "subnet_type": "private"},
        f"{INFRASTRUCTURE}.private_subnets",
        "set subnet_type to internal",
    ),
    (
        "too many subnets",
        {f"{INFRASTRUCTURE}.internal_subnets": MANY},
        f"{INFRASTRUCTURE}.internal_subnets",
        "more than the 20 subnets",
    ),
    (
        "the ARN of a VPC for a subnet",
        {f"{INFRASTRUCTURE}.internal_subnets.1.arn": OTHER_VPC},
        f"{INFRASTRUCTURE}.internal_subnets[1].arn",
        "ends in subnet/subnet-<id>",
    ),
    (
        "a subnet as a string",
        {f"{INFRASTRUCTURE}.internal_subnets.0": "subnet-1"},
        f"{INFRASTRUCTURE}.internal_subnets[0]",
        "must be a map of properties",
    ),
    (
        "subnets as a string",
        {f"{INFRASTRUCTURE}.internal_subnets": "subnet-1,subnet-2"},
        f"{INFRASTRUCTURE}.internal_subnets",
        "must be a list",
    ),
    (
        "an ARN that is not a role's",
        {"aws_authentication": {"data": {"arn": document.ARNS[0]}}},
        "aws_authentication.data.arn",
        "arn:<partition>:iam::<account>:role/<name>",
    ),
    (
        "a connection without a role",
        {"aws_authentication": {"specs": {}}},
        "aws_authentication.data",
        "required; add it",
    ),
    (
        "an external id that STS refuses",
        {"aws_authentication": put(document.authentication(), "data.external_id", "x")},
        "aws_authentication.data.external_id",
        "2 to 1224",
    ),
    ("a redis version on valkey", {"engine": "valkey"}, "redis_version", "or set engine to redis for 6.x"),
    ("a valkey version on redis", {"redis_version": "8.0"}, "redis_version", "set engine to valkey for 8.0"),
    (
        "a node family that needs a newer engine",
        {"node_type": "cache.m6g.large", "redis_version": "4.0"},
        "node_type",
        "needs engine 5.0.6; raise redis_version",
    ),
    (
        "a newer node family that needs a newer engine",
        {"node_type": "cache.r7g.large", "redis_version": "5.0"},
        "node_type",
        "needs engine 6.2",
    ),
    (
        "more nodes than AWS allows",
        {"cluster_mode_enabled": "true", "node_groups": "100", "replicas": "5"},
        "node_groups",
        "more than 500 nodes with the replicas",
    ),
    (
        "more node groups than an old engine allows",
        {"cluster_mode_enabled": "true", "node_groups": "251", "redis_version": "4.0"},
        "node_groups",
        "250",
    ),
    (
        "more nodes than an old engine allows",
        {"cluster_mode_enabled": "true", "node_groups": "126", "replicas": "1", "redis_version": "4.0"},
        "node_groups",
        "more than 250 nodes with the replicas, AWS's limit below engine 5.0.6",
    ),
    ("a malformed snapshot window", {"snapshot_window": "7-8"}, "snapshot_window", "hh:mm-hh:mm in UTC"),
    ("an impossible hour", {"snapshot_window": "24:00-25:00"}, "snapshot_window", "hh:mm-hh:mm in UTC"),
    (
        "a short snapshot window",
        {"snapshot_window": "07:00-07:59"},
        "snapshot_window",
        "shorter than 60 minutes",
    ),
    (
        "a window without length",
        {"snapshot_window": "07:00-07:00"},
        "snapshot_window",
        "shorter than 60 minutes",
    ),
    (
        "a malformed maintenance window",
        {"maintenance_window": "sunday 9am"},
        "maintenance_window",
        "ddd:hh:mm-ddd:hh:mm",
    ),
    (
        "a short maintenance window",
        {"maintenance_window": "sun:23:30-mon:00:29"},
        "maintenance_window",
        "shorter than 60 minutes",
    ),
    (
        "windows that overlap",
        {"snapshot_window": "09:30-10:30"},
        "snapshot_window",
        "overlaps maintenance_window (default sun:09:00-sun:10:00); move one",
    ),
    (
        "a retention that is too long",
        {"snapshot_retention_limit": "36"},
        "snapshot_retention_limit",
        "(0 to 35)",
    ),
    ("a tag with the prefix aws:", {"tags": {"aws:x": "1"}}, "tags.aws:x", "reserved; rename it"),
    (
        "a tag with the provider's prefix",
        {"tags": {"massdriver-redis:owner": "1"}},
        "tags.massdriver-redis:owner",
        "reserved",
    ),
    (
        "a reserved default tag",
        {"md_metadata": {"default_tags": {"AWS:x": "1"}}},
        "md_metadata.default_tags.AWS:x",
        "reserved",
    ),
    ("a long tag value", {"tags": {"x": "v" * 257}}, "tags.x", "longer than 256 characters"),
    ("an empty tag key", {"tags": {"": "v"}}, 'tags.""', "name it"),
    ("a character that AWS refuses in a tag", {"tags": {"x": "a*b"}}, "tags.x", "change its key or value"),
    ("too many tags", {"tags": {f"k{number}": "v" for number in range(41)}}, "tags", "at most 40"),
    (
        "too many tags with the default tags",
        {
            "tags": {f"k{number}": "" for number in range(30)},
            "md_metadata": {"default_tags": {f"d{number}": "" for number in range(30)}},
        },
        "tags",
        "more than 40 tags with md_metadata.default_tags",
    ),
    ("a tag of another type", {"tags": {"x": ["v"]}}, "tags.x", "must be a string"),
    ("a long name", {"md_metadata": {"name_prefix": "n" * 129}}, "md_metadata.name_prefix", "128 characters"),
]


@pytest.mark.parametrize(
    ("changes", "path", "remedy"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
@pytest.mark.parametrize("form", ["strings", "types"])
def test_a_violation_has_its_path_first_and_then_the_remedy(
    changes: dict[str, Any], path: str, remedy: str, form: str
) -> None:
    raw = {**valid_properties(), "vpc": vpc()}
    for changed, value in changes.items():
        raw = put(raw, changed, ... if value is None else value)
    if form == "strings" and raw.get("redis_version") != 6:
        raw = stringified(raw)
    reason = rejected(raw)
    assert reason.startswith(f"{path}: ")
    assert remedy in reason
    assert reason.count(": ") == 1, "one rule gives one violation"


def test_all_violations_are_reported_together_sorted_by_path() -> None:
    reason = rejected(
        valid_properties(secure="?", replicas="9", engine="redes", snapshot_window="09:30-10:30")
    )
    assert reason == (
        "engine: must be one of redis, valkey (did you mean redis?); "
        "replicas: must be one of 0, 1, 2, 3, 4, 5; "
        "secure: must be true or false; "
        "snapshot_window: overlaps maintenance_window (default sun:09:00-sun:10:00); move one of them"
    )


def test_items_of_a_list_are_sorted_as_numbers() -> None:
    subnets = [subnet(number, "a") for number in range(12)]
    subnets[2] = subnets[10] = {}
    reason = rejected(put(valid_properties(), f"{INFRASTRUCTURE}.internal_subnets", subnets))
    assert reason.index("[2]") < reason.index("[10]")


def test_violations_that_do_not_fit_are_counted() -> None:
    reason = rejected({f"wrong_property_number_{number}": "1" for number in range(30)})
    assert reason.endswith(" more)")
    shown, _, rest = reason.rpartition(" (+")
    assert shown.count(": ") + int(rest.removesuffix(" more)")) == 32


def test_a_long_violation_keeps_its_beginning_and_the_count_of_the_others() -> None:
    long, short = Violation(("a",), "remedy " * 60), Violation(("b",), "remedy")
    assert summary([long]).startswith("a: remedy remedy")
    assert summary([short, long]).endswith("… (+1 more)")
    assert len(summary([long])) == len(summary([short, long])) == REASON_LIMIT


def test_a_missing_parent_is_reported_once_and_not_for_its_children() -> None:
    assert rejected({"node_type": "cache.t3.micro"}) == "vpc: required; add it"


def test_a_broken_value_has_one_violation() -> None:
    raw = valid_properties(cluster_mode_enabled="true", node_groups="1000", replicas="5")
    assert rejected(raw) == "node_groups: must be 250 or less (2 to 250)"


def test_the_number_of_subnets_of_other_types_is_free() -> None:
    raw = put(valid_properties(), f"{INFRASTRUCTURE}.public_subnets", MANY)
    assert read(raw, today=TODAY) == read(valid_properties(), today=TODAY)


def test_the_cidr_of_the_vpc_is_not_required_without_vpc_access() -> None:
    raw = put(valid_properties(allow_vpc_access="false"), f"{INFRASTRUCTURE}.cidr", ...)
    assert read(raw, today=TODAY).vpc.cidr is None


@pytest.mark.parametrize(
    ("snapshot", "maintenance", "overlaps"),
    [
        ("07:00-08:00", "sun:08:00-sun:09:00", False),
        ("07:00-08:01", "sun:08:00-sun:09:00", True),
        ("23:30-00:30", "mon:00:00-mon:01:00", True),
        ("23:30-00:30", "mon:00:30-mon:01:30", False),
        ("00:00-01:00", "sun:23:30-mon:00:30", True),
        ("12:00-13:00", "sat:00:00-mon:00:00", True),
        ("05:00-06:00", "tue:05:59-tue:07:00", True),
    ],
)
def test_windows_overlap_across_midnight_and_across_the_end_of_the_week(
    snapshot: str, maintenance: str, overlaps: bool
) -> None:
    raw = valid_properties(snapshot_window=snapshot, maintenance_window=maintenance)
    if overlaps:
        assert rejected(raw) == "snapshot_window: overlaps maintenance_window; move one of them"
    else:
        assert read(raw, today=TODAY).snapshot_window == snapshot


def test_500_nodes_are_allowed_and_every_node_family_runs_valkey() -> None:
    most = document.properties(SHARDED_CLUSTER, node_groups="250", replicas="1")
    assert read(most, today=TODAY).node_groups == 250
    graviton = valid_properties(node_type="cache.m7g.large", engine="valkey", redis_version="7.2")
    assert read(graviton, today=TODAY).engine == "valkey"
    assert (
        read(valid_properties(node_type="cache.m6g.large", redis_version="5.0"), today=TODAY).redis_version
        == "5.0"
    )


# --- warnings --------------------------------------------------------------------------------------


def test_more_nodes_than_the_default_quota_give_a_warning() -> None:
    at_quota = document.properties(SHARDED_CLUSTER, node_groups="15", replicas="5")
    assert read(at_quota, today=TODAY).warnings == ()
    above = document.properties(SHARDED_CLUSTER, node_groups="46", replicas="1")
    assert read(above, today=TODAY).warnings == (
        "92 nodes exceed the default quota of 90 per cluster; raise it first.",
    )


@pytest.mark.parametrize(
    ("zones", "replicas", "warned"),
    [("aa", "1", True), ("a", "1", True), ("ab", "1", False), ("aa", "0", False), ("a?", "1", False)],
)
def test_replicas_in_one_known_zone_give_a_warning(zones: str, replicas: str, warned: bool) -> None:
    subnets = [subnet(number, zone) for number, zone in enumerate(zones)]
    for each in subnets:
        if each["aws_zone"].endswith("?"):
            del each["aws_zone"]
    raw = put(valid_properties(replicas=replicas), f"{INFRASTRUCTURE}.internal_subnets", subnets)
    expected = ("Multi-AZ is left off: all subnets lie in one zone.",) if warned else ()
    assert read(raw, today=TODAY).warnings == expected


def test_an_engine_near_the_end_of_its_support_gives_a_warning() -> None:
    (warning,) = read(valid_properties(), today=date(2026, 12, 1)).warnings
    assert warning.startswith("redis 6.x leaves standard support on 2027-01-31")
    (warning,) = read(valid_properties(redis_version="4.0"), today=TODAY).warnings
    assert "paid Extended Support since 2026-02-01" in warning
    assert read(valid_properties(redis_version="7.1"), today=date(2030, 1, 1)).warnings == ()


# --- secrecy ---------------------------------------------------------------------------------------


def leaves(value: Any, path: str = "") -> list[str]:
    """Return the dotted paths of `value` and of everything in it."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [
        found for key, item in below for found in leaves(item, f"{path}.{key}".removeprefix("."))
    ]


WHOLE = document.properties(
    SHARDED_CLUSTER,
    aws_authentication=document.authentication(),
    engine="redis",
    subnet_type="internal",
    snapshot_retention_limit=7,
    snapshot_window="07:00-08:00",
    maintenance_window="sun:09:00-sun:10:00",
    auto_minor_version_upgrade=True,
    md_metadata={"name_prefix": "shop", "default_tags": {"team": "a"}},
    tags={"team": "b"},
    allow_replacement=False,
    password_attribute=True,
)
PATHS = [path for path in leaves(WHOLE) if path != "ServiceToken"]


@pytest.mark.parametrize("path", PATHS)
def test_no_reason_contains_a_value_of_any_path(path: str) -> None:
    for value in ("hunter2-secret-value", ["hunter2-secret-value"], {"key": "hunter2-secret-value"}):
        error = reason_of(put(WHOLE, path, value))
        assert "hunter2" not in str(error)
        assert error is None or (error.__cause__, error.__context__) == (None, None)


# --- hostile input ---------------------------------------------------------------------------------

NESTED: Any = {}
for _ in range(100_000):
    NESTED = {"a": NESTED}
CIRCLE: dict[str, Any] = {}
CIRCLE["again"] = CIRCLE
LISTS: Any = []
for _ in range(100_000):
    LISTS = [LISTS]

HOSTILE: dict[str, Any] = {
    "nothing": None,
    "a list": [],
    "a string": "properties",
    "an empty map": {},
    "deep nesting": {"vpc": NESTED},
    "deep lists": {"vpc": LISTS},
    "deep nesting in a free map": {"tags": {"x": NESTED}},
    "a circle": {"vpc": CIRCLE},
    "a megabyte": {"node_type": "x" * 1_000_000},
    "a megabyte for a key": {"k" * 1_000_000: "x"},
    "megabytes in pieces": {"tags": {f"k{number}": "x" * 10_000 for number in range(1_000)}},
    "many keys": {f"key{number}": "x" for number in range(9_000)},
    "too many keys": {f"key{number}": "x" for number in range(200_000)},
    "too many items": {"vpc": list(range(200_000))},
    "many broken subnets": put(document.properties(), f"{INFRASTRUCTURE}.internal_subnets", [{}] * 9_000),
    "control characters in a key": {"a\x00\x1b[31m\r\nb": "x"},
    "unicode in a key": {"réplicas\u202e\U0001f600": "1"},
    "half a character": {"node_type": "\ud800"},
    "half a character in a key": {"\udfff": "1"},
    "a number for a key": {1: "x"},
    "bytes": {"node_type": b"cache.t3.micro"},
    "a set": {"node_type": {1}},
    "a number too large": {"replicas": 10**5000},
    "a number too large as a string": {"replicas": "9" * 5000},
    "not a number": {"replicas": float("nan")},
    "infinity": {"replicas": float("inf")},
    "digits of another script": {"replicas": "\u0661"},
    "a line feed after a window": {"snapshot_window": "07:00-08:00\n"},
    "a line feed after a weekly window": {"maintenance_window": "sun:09:00-sun:10:00\n"},
    "a line feed after an ARN": put(
        document.properties(), f"{INFRASTRUCTURE}.arn", "arn:aws:ec2:us-west-2:1:vpc/vpc-1\n"
    ),
    "slow patterns": put(document.properties(), f"{INFRASTRUCTURE}.arn", "arn:aws" + "-a" * 8_000),
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_is_rejected_in_seconds_and_raises_nothing_else(raw: Any) -> None:
    started = time.perf_counter()
    reason = rejected(raw)
    assert time.perf_counter() - started < 10
    assert reason.isascii() or "…" in reason


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_stops_neither_a_delete_nor_an_update(raw: Any) -> None:
    assert read_leniently(raw)[0] is None
    read_previous(raw)


def test_a_delete_finds_role_and_region_among_hostile_parts() -> None:
    raw = {**WHOLE, "node_type": NESTED, "junk": "x" * 1_000_000, "tags": CIRCLE}
    role, region = read_leniently(raw)
    assert role == read(WHOLE, today=TODAY).authentication
    assert region == "us-west-2"


@pytest.mark.parametrize("external_id", ["0", "", "no spaces", "e" * 1225])
def test_an_external_id_that_sts_never_takes_does_not_stop_a_delete(external_id: str) -> None:
    raw = put(WHOLE, "aws_authentication.data.external_id", external_id)
    role, _ = read_leniently(raw)
    assert role is not None
    assert role.external_id is None


WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=40),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    st.binary(max_size=4),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PATHS), WRONG), min_size=1, max_size=3))
def test_wrong_types_at_any_path_are_read_or_rejected(changes: list[tuple[str, Any]]) -> None:
    raw = WHOLE
    for path, value in changes:
        try:
            raw = put(raw, path, value)
        except (TypeError, AttributeError, KeyError, IndexError):
            continue
    assert len(str(reason_of(raw))) <= REASON_LIMIT
    read_leniently(raw)
    read_previous(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["vpc", "data", "tags", "aws", "arn", "specs"]) | st.text(max_size=9), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_other_json_is_rejected(raw: Any) -> None:
    with pytest.raises(InvalidRequestError):
        read(raw, today=TODAY)
    read_leniently(raw)
    read_previous(raw)


# --- invariants ------------------------------------------------------------------------------------------

KEYS = st.from_regex(r"(?!aws:|AWS:|massdriver)[A-Za-z0-9 _.:/=+@-]{1,12}", fullmatch=True).filter(
    lambda key: not key.lower().startswith("aws:")
)
TAGS = st.dictionaries(KEYS, st.from_regex(r"[A-Za-z0-9 _.:/=+@-]{0,12}", fullmatch=True), max_size=8)


@st.composite
def valid(draw: st.DrawFn) -> dict[str, Any]:
    """Draw typed, valid properties; optional ones may be absent."""
    region = draw(st.sampled_from(["us-west-2", "eu-central-1", "cn-north-1"]))
    partition = "aws-cn" if region.startswith("cn") else "aws"
    engine = draw(st.sampled_from(["redis", "valkey"]))
    versions = ["5.0", "6.x", "7.0", "7.1"] if engine == "redis" else ["7.2", "8.0", "8.2", "9.1"]
    optional: dict[str, st.SearchStrategy[Any]] = {
        "__name": st.text("abc ", min_size=1, max_size=9),
        "allow_vpc_access": st.booleans(),
        "cluster_mode_enabled": st.booleans(),
        "node_groups": st.integers(2, 83),
        "replicas": st.integers(0, 5),
        "secure": st.booleans(),
        "subnet_type": st.sampled_from(["internal", "private"]),
        "snapshot_retention_limit": st.integers(0, 35),
        "snapshot_window": st.sampled_from(["07:00-08:00", "23:30-00:30"]),
        "maintenance_window": st.sampled_from(["sun:09:00-sun:10:00", "mon:11:30-mon:13:00"]),
        "auto_minor_version_upgrade": st.booleans(),
        "md_metadata": st.fixed_dictionaries({"name_prefix": st.text("abc-", min_size=1, max_size=30)}),
        "tags": TAGS,
        "allow_replacement": st.booleans(),
        "password_attribute": st.booleans(),
        "aws_authentication": st.just(document.authentication(region)),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(optional))))
    return {
        "node_type": draw(st.sampled_from(["cache.t3.micro", "cache.r5.large", "cache.m6g.xlarge"])),
        "engine": engine,
        "redis_version": draw(st.sampled_from(versions)),
        "vpc": vpc(region, partition, subnets=draw(st.integers(1, 20))),
        **{name: draw(optional[name]) for name in sorted(chosen)},
    }


@settings(max_examples=200, deadline=None)
@given(valid())
def test_the_strings_of_valid_properties_are_coerced_to_the_same_properties(typed: dict[str, Any]) -> None:
    schema = schemas.schema("properties.json")
    assert coerce(stringified(typed), schema) == typed
    assert coerce(typed, schema) == typed


@settings(max_examples=200, deadline=None)
@given(valid())
def test_strings_and_types_are_read_as_the_same_properties(typed: dict[str, Any]) -> None:
    assert read(stringified(typed), today=TODAY) == read(typed, today=TODAY)


@settings(max_examples=200, deadline=None)
@given(valid())
def test_the_previous_properties_are_read_as_they_were(typed: dict[str, Any]) -> None:
    raw = stringified(typed)
    now, old = read(raw, today=TODAY), read_previous(raw)
    assert (old.engine, old.redis_version) == (now.engine, now.redis_version)
    assert old.region == now.region
    assert old.tag_keys == {key for key, _ in now.tags}
    assert (old.authentication and old.authentication.arn) == (now.authentication and now.authentication.arn)


@settings(max_examples=200, deadline=None)
@given(valid())
def test_reading_leniently_finds_the_same_role_and_region(typed: dict[str, Any]) -> None:
    got = read(typed, today=TODAY)
    assert read_leniently(stringified(typed)) == (got.authentication, got.region)
    assert read_leniently({**typed, "node_type": "gone", "more": 1}) == (got.authentication, got.region)
