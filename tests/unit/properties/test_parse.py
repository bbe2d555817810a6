"""From CloudFormation's strings to frozen properties: read, refused, warned of, carried by a poll."""

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
from massdriver_redis.properties.parse import (
    Authentication,
    read,
    read_leniently,
    read_previous,
)
from massdriver_redis.properties.violations import Violation, summary
from massdriver_redis.state import naming
from tests.harness import samples as document
from tests.harness.samples import FREE_TIER, SHARDED_CLUSTER, put, stringified, subnet, vpc

TODAY = date(2026, 3, 1)
"""A day on which 6.x is not near the end of its support."""

INFRASTRUCTURE = "vpc.data.infrastructure"


def refused(raw: Any) -> str:
    """Return the Reason of refused properties, which every test here wants short."""
    with pytest.raises(InvalidRequestError) as caught:
        read(raw, today=TODAY)
    reason = str(caught.value)
    assert 0 < len(reason) <= REASON_LIMIT
    assert reason.isprintable()
    return reason


def reason_of(raw: Any) -> InvalidRequestError | None:
    """Return why properties are refused, None if they aren't; anything else that is raised comes through."""
    try:
        read(raw, today=TODAY)
    except InvalidRequestError as error:
        return error
    return None


def sound(**changes: Any) -> dict[str, Any]:
    return document.properties(FREE_TIER, **changes)


# --- what is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", document.PRESETS, ids=lambda preset: preset["__name"])
@pytest.mark.parametrize("form", ["strings", "types"])
def test_a_preset_pasted_unchanged_is_read_as_it_is_written(preset: dict[str, Any], form: str) -> None:
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


def test_what_is_left_out_has_the_documents_and_the_extensions_defaults() -> None:
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
    assert (got.allow_replacement, got.password_attribute) == (False, True)
    assert (got.authentication, got.name_prefix, got.tags) == (None, None, ())


def test_two_node_groups_are_the_default_of_cluster_mode_and_count_only_there() -> None:
    assert read(sound(cluster_mode_enabled="true"), today=TODAY).node_groups == 2
    assert read(sound(cluster_mode_enabled="false", node_groups="9"), today=TODAY).node_groups == 1


def test_cloudformations_own_keys_are_not_properties() -> None:
    assert read(sound(ServiceTimeout="900"), today=TODAY) == read(sound(), today=TODAY)
    assert read(sound(ServiceTimeout="soon"), today=TODAY) == read(sound(), today=TODAY)


@pytest.mark.parametrize("empty", [None, ""])
@pytest.mark.parametrize(
    "name", ["replicas", "secure", "redis_version", "aws_authentication", "tags", "__name"]
)
def test_a_null_and_an_empty_optional_string_count_as_absent(name: str, empty: str | None) -> None:
    raw = {key: value for key, value in sound().items() if key != name}
    assert read({**raw, name: empty}, today=TODAY) == read(raw, today=TODAY)


def test_an_empty_string_inside_a_connection_counts_as_absent() -> None:
    raw = put(sound(aws_authentication=document.authentication()), "aws_authentication.data.external_id", "")
    assert read(raw, today=TODAY).authentication == Authentication(
        arn="arn:aws:iam::123456789012:role/massdriver/provisioner", external_id=None
    )


def test_an_empty_tag_value_stays_a_tag() -> None:
    assert read(sound(tags={"team": ""}), today=TODAY).tags == (("team", ""),)


@pytest.mark.parametrize("written", ["true", "True", "TRUE", True])
def test_true_may_be_written_in_any_case(written: object) -> None:
    assert read(sound(cluster_mode_enabled=written), today=TODAY).cluster_mode_enabled is True


@pytest.mark.parametrize("written", ["3", 3, 3.0])
def test_a_whole_number_may_be_a_string_or_a_number(written: object) -> None:
    replicas = read(sound(replicas=written), today=TODAY).replicas
    assert replicas == 3
    assert isinstance(replicas, int)


def test_a_version_stays_the_string_it_is() -> None:
    assert read(sound(redis_version="5.0"), today=TODAY).redis_version == "5.0"


def test_any_mapping_is_read() -> None:
    assert read(MappingProxyType(sound()), today=TODAY) == read(sound(), today=TODAY)


def test_the_subnets_are_those_of_the_chosen_type_in_order_and_each_once() -> None:
    doubled = [subnet(3, "a"), subnet(1, "b"), {**subnet(3, "c")}]
    raw = put(sound(subnet_type="private"), f"{INFRASTRUCTURE}.private_subnets", doubled)
    got = read(raw, today=TODAY).vpc
    assert [each.id for each in got.subnets] == ["subnet-00000000000000003", "subnet-00000000000000001"]
    assert [each.zone for each in got.subnets] == ["us-west-2a", "us-west-2b"]
    assert got.id == "vpc-0a1b2c3d4e5f60718"


def test_tags_override_the_default_tags_key_by_key() -> None:
    got = read(
        sound(md_metadata={"name_prefix": "shop", "default_tags": {"b": "1", "a": "1"}}, tags={"b": "2"}),
        today=TODAY,
    )
    assert got.tags == (("a", "1"), ("b", "2"))
    assert got.name_prefix == "shop"


def test_what_else_massdriver_puts_into_its_metadata_is_accepted() -> None:
    raw = sound(
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
def test_the_region_is_that_of_either_connection_else_of_the_vpcs_arn(
    specs: str | None, auth: str | None, arn_region: str, expected: str | None
) -> None:
    raw = sound()
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
    got = read(sound(vpc=vpc(region, partition)), today=TODAY)
    assert (got.region, got.vpc.id) == (region, "vpc-0a1b2c3d4e5f60718")


def test_the_create_only_properties_name_the_cluster() -> None:
    got = read(sound(md_metadata={"name_prefix": "shop"}), today=TODAY)
    assert got.create_only() == {
        "cluster_mode_enabled": False,
        "secure": True,
        "subnet_type": "internal",
        "vpc": got.vpc.arn,
        "name_prefix": "shop",
    }
    owner = naming.Owner("arn:aws:cloudformation:us-west-2:1:stack/shop/guid", "Redis")
    assert naming.is_ours(naming.physical_id(owner, got.name_prefix, got.create_only()))


def test_the_external_id_is_kept_out_of_every_representation() -> None:
    got = read(sound(aws_authentication=document.authentication()), today=TODAY)
    assert got.authentication is not None
    assert got.authentication.external_id == "s3cret-external-id"
    assert "s3cret" not in repr(got)


# --- what the examples use -------------------------------------------------------------------------

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "examples").glob("*.yaml"))
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


# --- what is refused -------------------------------------------------------------------------------

OTHER_VPC = "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1"
MANY = [subnet(number, "a") for number in range(21)]

BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    ("a missing node type", {"node_type": None}, "node_type", "required; add it"),
    ("a missing VPC", {"vpc": ...}, "vpc", "required; add it"),
    ("a mistyped node type", {"node_type": "cache.t3.mirco"}, "node_type", "did you mean cache.t3.micro?"),
    ("a node type far from any", {"node_type": "?"}, "node_type", "docs/properties.md"),
    (
        "a version AWS never had",
        {"redis_version": "6.9"},
        "redis_version",
        "must be one of 3.2, 4.0, 5.0, 6.x",
    ),
    ("a version as a number", {"redis_version": 6}, "redis_version", "must be a string, in quotes"),
    ("too many replicas", {"replicas": "6"}, "replicas", "must be one of 0, 1, 2, 3, 4, 5"),
    ("replicas in words", {"replicas": "two"}, "replicas", "must be a whole number"),
    ("one node group", {"node_groups": "1"}, "node_groups", "must be 2 or more (2 to 250)"),
    ("too many node groups", {"node_groups": "251"}, "node_groups", "must be 250 or less (2 to 250)"),
    ("neither true nor false", {"secure": "yes"}, "secure", "must be true or false"),
    ("a third subnet type", {"subnet_type": "public"}, "subnet_type", "must be one of internal, private"),
    ("an unknown engine", {"engine": "memcached"}, "engine", "must be one of redis, valkey"),
    ("a mistyped property", {"cluster_mode": "true"}, "cluster_mode", "did you mean cluster_mode_enabled?"),
    ("a property from elsewhere", {"QQQ": "1"}, "QQQ", "unknown property; remove it"),
    ("more than the connection has", {"vpc.extra": "1"}, "vpc.extra", "unknown property; remove it"),
    ("a VPC without data", {"vpc": {}}, "vpc.data", "required; add it"),
    ("a VPC without an ARN", {f"{INFRASTRUCTURE}.arn": ...}, f"{INFRASTRUCTURE}.arn", "required; add it"),
    ("no ARN at all", {f"{INFRASTRUCTURE}.arn": "vpc-1"}, f"{INFRASTRUCTURE}.arn", "must be an ARN"),
    (
        "the ARN of something else",
        {f"{INFRASTRUCTURE}.arn": "arn:aws:ec2:us-west-2:1:subnet/subnet-1"},
        f"{INFRASTRUCTURE}.arn",
        "ends in vpc/vpc-<id>",
    ),
    (
        "a VPC of another Region",
        {f"{INFRASTRUCTURE}.arn": OTHER_VPC},
        f"{INFRASTRUCTURE}.arn",
        "names another Region",
    ),
    (
        "two Regions",
        {"aws_authentication": document.authentication("eu-west-1")},
        "vpc.specs.aws.region",
        "differs from aws_authentication.specs.aws.region; name one Region",
    ),
    (
        "a Region that can't be one",
        {"vpc.specs.aws.region": "evil.example.com/"},
        "vpc.specs.aws.region",
        "write it as us-west-2",
    ),
    (
        "no CIDR to let in",
        {f"{INFRASTRUCTURE}.cidr": ...},
        f"{INFRASTRUCTURE}.cidr",
        "set allow_vpc_access to false",
    ),
    (
        "no CIDR",
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
        "the whole internet",
        {f"{INFRASTRUCTURE}.cidr": "0.0.0.0/0"},
        f"{INFRASTRUCTURE}.cidr",
        "network of a VPC",
    ),
    (
        "no subnet of the type",
        {f"{INFRASTRUCTURE}.internal_subnets": []},
        f"{INFRASTRUCTURE}.internal_subnets",
        "set subnet_type to private",
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
        "a subnet that is none",
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
        "a role that is none",
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
        "an external id STS refuses",
        {"aws_authentication": put(document.authentication(), "data.external_id", "x")},
        "aws_authentication.data.external_id",
        "2 to 1224",
    ),
    ("valkey without its version", {"engine": "valkey"}, "redis_version", "engine valkey has 7.2, 8.0"),
    ("a valkey version on redis", {"redis_version": "8.0"}, "redis_version", "engine redis has 3.2, 4.0"),
    (
        "a family ahead of the engine",
        {"node_type": "cache.m6g.large", "redis_version": "4.0"},
        "node_type",
        "needs engine 5.0.6; raise redis_version",
    ),
    (
        "a newer family ahead of the engine",
        {"node_type": "cache.r7g.large", "redis_version": "5.0"},
        "node_type",
        "needs engine 6.2",
    ),
    (
        "more nodes than AWS has at all",
        {"cluster_mode_enabled": "true", "node_groups": "100", "replicas": "5"},
        "node_groups",
        "must be 500 nodes or fewer",
    ),
    (
        "more nodes than an old engine has",
        {"cluster_mode_enabled": "true", "node_groups": "251", "redis_version": "4.0"},
        "node_groups",
        "250",
    ),
    (
        "more nodes than an old engine takes",
        {"cluster_mode_enabled": "true", "node_groups": "126", "replicas": "1", "redis_version": "4.0"},
        "node_groups",
        "250 nodes or fewer, below engine 5.0.6",
    ),
    ("a snapshot window out of form", {"snapshot_window": "7-8"}, "snapshot_window", "hh:mm-hh:mm in UTC"),
    ("an hour that isn't", {"snapshot_window": "24:00-25:00"}, "snapshot_window", "hh:mm-hh:mm in UTC"),
    (
        "a short snapshot window",
        {"snapshot_window": "07:00-07:59"},
        "snapshot_window",
        "shorter than 60 minutes",
    ),
    (
        "a window of no length",
        {"snapshot_window": "07:00-07:00"},
        "snapshot_window",
        "shorter than 60 minutes",
    ),
    (
        "a maintenance window out of form",
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
        "overlaps maintenance_window; move one",
    ),
    ("too long a retention", {"snapshot_retention_limit": "36"}, "snapshot_retention_limit", "(0 to 35)"),
    ("a tag of AWS", {"tags": {"aws:x": "1"}}, "tags.aws:x", "reserved; rename it"),
    ("a tag of ours", {"tags": {"massdriver-redis:owner": "1"}}, "tags.massdriver-redis:owner", "reserved"),
    (
        "a reserved default tag",
        {"md_metadata": {"default_tags": {"AWS:x": "1"}}},
        "md_metadata.default_tags.AWS:x",
        "reserved",
    ),
    ("a long tag value", {"tags": {"x": "v" * 257}}, "tags.x", "longer than 256 characters"),
    ("an empty tag key", {"tags": {"": "v"}}, 'tags.""', "name it"),
    ("a tag letter AWS refuses", {"tags": {"x": "a*b"}}, "tags.x", "change key or value"),
    ("too many tags", {"tags": {f"k{number}": "v" for number in range(41)}}, "tags", "at most 40"),
    (
        "too many tags in all",
        {
            "tags": {f"k{number}": "" for number in range(30)},
            "md_metadata": {"default_tags": {f"d{number}": "" for number in range(30)}},
        },
        "tags",
        "more than 40 tags with md_metadata.default_tags",
    ),
    (
        "too much text in the tags",
        {"tags": {f"k{number}": "v" * 200 for number in range(8)}},
        "tags",
        "more than 1200 characters",
    ),
    ("a tag of another type", {"tags": {"x": ["v"]}}, "tags.x", "must be a string"),
    ("a long name", {"md_metadata": {"name_prefix": "n" * 129}}, "md_metadata.name_prefix", "128 characters"),
]


@pytest.mark.parametrize(
    ("changes", "path", "remedy"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
@pytest.mark.parametrize("form", ["strings", "types"])
def test_a_broken_rule_is_named_by_its_path_first_and_with_its_remedy(
    changes: dict[str, Any], path: str, remedy: str, form: str
) -> None:
    raw = {**sound(), "vpc": vpc()}
    for place, value in changes.items():
        raw = put(raw, place, ... if value is None else value)
    if form == "strings" and raw.get("redis_version") != 6:
        raw = stringified(raw)
    reason = refused(raw)
    assert reason.startswith(f"{path}: ")
    assert remedy in reason
    assert reason.count(": ") == 1, "one rule gives one complaint"


def test_all_mistakes_are_told_at_once_sorted_by_path() -> None:
    reason = refused(sound(secure="yes", replicas="9", engine="redes", snapshot_window="09:30-10:30"))
    assert reason == (
        "engine: must be one of redis, valkey (did you mean redis?); "
        "replicas: must be one of 0, 1, 2, 3, 4, 5; "
        "secure: must be true or false; "
        "snapshot_window: overlaps maintenance_window; move one of them"
    )


def test_items_are_sorted_as_numbers() -> None:
    subnets = [subnet(number, "a") for number in range(12)]
    subnets[2] = subnets[10] = {}
    reason = refused(put(sound(), f"{INFRASTRUCTURE}.internal_subnets", subnets))
    assert reason.index("[2]") < reason.index("[10]")


def test_what_does_not_fit_is_counted() -> None:
    reason = refused({f"wrong_property_number_{number}": "1" for number in range(30)})
    assert reason.endswith(" more)")
    told, _, rest = reason.rpartition(" (+")
    assert told.count(": ") + int(rest.removesuffix(" more)")) == 32


def test_one_long_complaint_keeps_its_head_and_the_count_of_the_rest() -> None:
    long, short = Violation(("a",), "remedy " * 60), Violation(("b",), "remedy")
    assert summary([long]).startswith("a: remedy remedy")
    assert summary([short, long]).endswith("… (+1 more)")
    assert len(summary([long])) == len(summary([short, long])) == REASON_LIMIT


def test_a_missing_parent_is_told_once_and_not_for_all_it_would_hold() -> None:
    assert refused({"node_type": "cache.t3.micro"}) == "vpc: required; add it"


def test_a_broken_value_is_not_complained_of_twice() -> None:
    raw = sound(cluster_mode_enabled="true", node_groups="1000", replicas="5")
    assert refused(raw) == "node_groups: must be 250 or less (2 to 250)"


def test_subnets_of_the_other_types_may_be_many() -> None:
    raw = put(sound(), f"{INFRASTRUCTURE}.public_subnets", MANY)
    assert read(raw, today=TODAY) == read(sound(), today=TODAY)


def test_the_vpcs_network_is_not_needed_when_it_is_not_let_in() -> None:
    raw = put(sound(allow_vpc_access="false"), f"{INFRASTRUCTURE}.cidr", ...)
    assert read(raw, today=TODAY).vpc.cidr is None


@pytest.mark.parametrize(
    ("snapshot", "maintenance", "meets"),
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
def test_windows_meet_over_midnight_and_over_the_end_of_the_week(
    snapshot: str, maintenance: str, meets: bool
) -> None:
    raw = sound(snapshot_window=snapshot, maintenance_window=maintenance)
    if meets:
        assert refused(raw) == "snapshot_window: overlaps maintenance_window; move one of them"
    else:
        assert read(raw, today=TODAY).snapshot_window == snapshot


def test_500_nodes_are_allowed_and_every_family_runs_on_valkey() -> None:
    most = document.properties(SHARDED_CLUSTER, node_groups="250", replicas="1")
    assert read(most, today=TODAY).node_groups == 250
    graviton = sound(node_type="cache.m7g.large", engine="valkey", redis_version="7.2")
    assert read(graviton, today=TODAY).engine == "valkey"
    assert read(sound(node_type="cache.m6g.large", redis_version="5.0"), today=TODAY).redis_version == "5.0"


# --- warnings --------------------------------------------------------------------------------------


def test_more_nodes_than_the_default_quota_are_a_warning() -> None:
    at_quota = document.properties(SHARDED_CLUSTER, node_groups="15", replicas="5")
    assert read(at_quota, today=TODAY).warnings == ()
    above = document.properties(SHARDED_CLUSTER, node_groups="46", replicas="1")
    assert read(above, today=TODAY).warnings == (
        "92 nodes exceed the default quota of 90 per cluster; have it raised.",
    )


@pytest.mark.parametrize(
    ("zones", "replicas", "warned"),
    [("aa", "1", True), ("a", "1", True), ("ab", "1", False), ("aa", "0", False), ("a?", "1", False)],
)
def test_replicas_in_one_known_zone_are_a_warning(zones: str, replicas: str, warned: bool) -> None:
    subnets = [subnet(number, zone) for number, zone in enumerate(zones)]
    for each in subnets:
        if each["aws_zone"].endswith("?"):
            del each["aws_zone"]
    raw = put(sound(replicas=replicas), f"{INFRASTRUCTURE}.internal_subnets", subnets)
    expected = ("Multi-AZ is left off: all subnets lie in one zone.",) if warned else ()
    assert read(raw, today=TODAY).warnings == expected


def test_an_engine_at_the_end_of_its_support_is_a_warning() -> None:
    (warning,) = read(sound(), today=date(2026, 12, 1)).warnings
    assert warning.startswith("redis 6.x leaves standard support on 2027-01-31")
    (warning,) = read(sound(redis_version="4.0"), today=TODAY).warnings
    assert "paid Extended Support since 2026-02-01" in warning
    assert read(sound(redis_version="7.1"), today=date(2030, 1, 1)).warnings == ()


# --- secrecy ---------------------------------------------------------------------------------------


def leaves(value: Any, path: str = "") -> list[str]:
    """Return the dotted path of everything below and including `value`."""
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
    md_metadata={"name_prefix": "shop", "default_tags": {"team": "a"}},
    tags={"team": "b"},
    allow_replacement=False,
    password_attribute=True,
)
PATHS = [path for path in leaves(WHOLE) if path != "ServiceToken"]


@pytest.mark.parametrize("path", PATHS)
def test_no_value_is_ever_told_at_any_path(path: str) -> None:
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
def test_hostile_input_is_refused_in_a_moment_and_never_raises_anything_else(raw: Any) -> None:
    started = time.perf_counter()
    reason = refused(raw)
    assert time.perf_counter() - started < 10
    assert reason.isascii() or "…" in reason


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_never_stops_a_delete_or_an_update(raw: Any) -> None:
    assert read_leniently(raw)[0] is None
    read_previous(raw)


def test_hostile_parts_do_not_hide_the_role_and_the_region_from_a_delete() -> None:
    raw = {**WHOLE, "node_type": NESTED, "junk": "x" * 1_000_000, "tags": CIRCLE}
    role, region = read_leniently(raw)
    assert role == read(WHOLE, today=TODAY).authentication
    assert region == "us-west-2"


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
def test_wrong_types_at_any_path_are_read_or_refused_and_nothing_else(changes: list[tuple[str, Any]]) -> None:
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
def test_any_json_is_refused_and_nothing_else(raw: Any) -> None:
    with pytest.raises(InvalidRequestError):
        read(raw, today=TODAY)
    read_leniently(raw)
    read_previous(raw)


# --- laws ------------------------------------------------------------------------------------------

KEYS = st.from_regex(r"(?!aws:|AWS:|massdriver)[A-Za-z0-9 _.:/=+@-]{1,12}", fullmatch=True).filter(
    lambda key: not key.lower().startswith("aws:")
)
TAGS = st.dictionaries(KEYS, st.from_regex(r"[A-Za-z0-9 _.:/=+@-]{0,12}", fullmatch=True), max_size=8)


@st.composite
def valid(draw: st.DrawFn) -> dict[str, Any]:
    """Draw typed, valid properties; what is optional may be left out."""
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
def test_coercing_the_strings_of_valid_properties_gives_them_back(typed: dict[str, Any]) -> None:
    schema = schemas.schema("properties.json")
    assert coerce(stringified(typed), schema) == typed
    assert coerce(typed, schema) == typed


@settings(max_examples=200, deadline=None)
@given(valid())
def test_strings_and_types_are_read_alike(typed: dict[str, Any]) -> None:
    assert read(stringified(typed), today=TODAY) == read(typed, today=TODAY)


@settings(max_examples=200, deadline=None)
@given(valid())
def test_the_previous_properties_are_read_as_they_were(typed: dict[str, Any]) -> None:
    raw = stringified(typed)
    now, old = read(raw, today=TODAY), read_previous(raw)
    assert old.create_only == now.create_only()
    assert (old.name_prefix, old.engine, old.redis_version) == (
        now.name_prefix,
        now.engine,
        now.redis_version,
    )
    assert old.region == now.region
    assert old.tag_keys == {key for key, _ in now.tags}
    assert (old.authentication and old.authentication.arn) == (now.authentication and now.authentication.arn)


@settings(max_examples=200, deadline=None)
@given(valid())
def test_the_lenient_reading_finds_the_same_role_and_region(typed: dict[str, Any]) -> None:
    got = read(typed, today=TODAY)
    assert read_leniently(stringified(typed)) == (got.authentication, got.region)
    assert read_leniently({**typed, "node_type": "gone", "more": 1}) == (got.authentication, got.region)
