"""The artifact and the flat attributes: the same names in every mode, valid by the schema."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from massdriver_redis.cloudformation.attributes import Credentials, artifact, attributes
from massdriver_redis.cloudformation.outcome import Response
from massdriver_redis.cloudformation.request import parse
from massdriver_redis.cloudformation.response import LARGEST_BODY, build
from massdriver_redis.errors import ResourceError
from massdriver_redis.properties import schemas
from massdriver_redis.state.observed import Endpoint, NodeGroup, ReplicationGroup, SecurityGroup
from tests.harness.builders import node
from tests.harness.envelope import NOW, event

REGIONS = {"us-east-1": "aws", "eu-central-1": "aws", "us-gov-west-1": "aws-us-gov", "cn-north-1": "aws-cn"}
NAMES = {
    "data.authentication.hostname",
    "data.authentication.password",
    "data.authentication.port",
    "data.authentication.username",
    "data.infrastructure.arn",
    "data.security.network.redis.arn",
    "data.security.network.redis.port",
    "data.security.network.redis.protocol",
    "specs.cache.engine",
    "specs.cache.version",
    "hostname",
    "port",
    "username",
    "password",
    "arn",
    "artifact",
    "secret_arn",
    "secret_version_id",
    "reader_hostname",
    "security_group_id",
    "warnings",
}


def group(*, cluster_mode=False, region="us-east-1", name="shop-redis-abcdefghij"):
    partition, zone = REGIONS[region], f"{name}.abcdef.{region}.cache.amazonaws.com"
    return ReplicationGroup(
        id=name,
        arn=f"arn:{partition}:elasticache:{region}:123456789012:replicationgroup:{name}",
        status="available",
        description="",
        cluster_mode=cluster_mode,
        node_type="cache.t3.micro",
        node_groups=(NodeGroup("0001", "available", ("shop-001",)),),
        member_ids=("shop-001",),
        nodes=(node(),),
        automatic_failover="disabled",
        multi_az=False,
        tls=True,
        settings={},
        primary=None if cluster_mode else Endpoint(f"master.{zone}", 6379),
        reader=None if cluster_mode else Endpoint(f"replica.{zone}", 6379),
        configuration=Endpoint(f"clustercfg.{zone}", 6379) if cluster_mode else None,
    )


def security_group(region="us-east-1"):
    arn = f"arn:{REGIONS[region]}:ec2:{region}:123456789012:security-group/sg-0123456789abcdef0"
    return SecurityGroup("sg-0123456789abcdef0", arn, "vpc-1", "", {}, frozenset())


def credentials(secure=True, region="us-east-1"):
    arn = f"arn:{REGIONS[region]}:secretsmanager:{region}:123456789012:secret:mdr-1a2b3c4d-shop-AbCdEf"
    return Credentials(arn, "0f6f6d4e-9d3b-4f4d-9f0e-1a2b3c4d5e6f", "t" * 64) if secure else Credentials()


MODES = list(itertools.product((True, False), (True, False), REGIONS))


@pytest.mark.parametrize(("secure", "cluster_mode", "region"), MODES)
def test_the_artifact_is_valid_in_every_mode_and_region(secure, cluster_mode, region):
    made = artifact(
        group(cluster_mode=cluster_mode, region=region), security_group(region), credentials(secure, region)
    )

    assert list(schemas.errors("artifact.json", made)) == []
    assert made == {
        "data": {
            "authentication": {
                "hostname": f"{'clustercfg' if cluster_mode else 'master'}.shop-redis-abcdefghij.abcdef."
                f"{region}.cache.amazonaws.com",
                "password": "t" * 64 if secure else "",
                "port": 6379,
                "username": "",
            },
            "infrastructure": {
                "arn": f"arn:{REGIONS[region]}:elasticache:{region}:123456789012:replicationgroup:"
                "shop-redis-abcdefghij"
            },
            "security": {
                "network": {"redis": {"arn": security_group(region).arn, "port": 6379, "protocol": "tcp"}}
            },
        },
        "specs": {"cache": {"engine": "redis", "version": "6.2.6"}},
    }


@pytest.mark.parametrize(("secure", "cluster_mode", "region"), MODES)
def test_the_attributes_have_the_same_names_in_every_mode_and_are_all_strings(secure, cluster_mode, region):
    made = attributes(
        group(cluster_mode=cluster_mode, region=region),
        security_group(region),
        credentials(secure, region),
        (),
    )

    assert set(made) == NAMES
    assert all(isinstance(value, str) for value in made.values())
    for short in ("hostname", "port", "username", "password"):
        assert made[short] == made[f"data.authentication.{short}"]


@pytest.mark.parametrize(("secure", "cluster_mode", "region"), MODES)
def test_every_response_fits_with_the_longest_names(secure, cluster_mode, region):
    made = attributes(
        group(cluster_mode=cluster_mode, region=region, name="x" * 40),
        security_group(region),
        credentials(secure, region),
        ("w" * 200, "v" * 200),
    )
    longest = event(
        StackId=f"arn:aws:cloudformation:{region}:123456789012:stack/{'s' * 128}/51af3dc0-da77-11e4-872e",
        LogicalResourceId="L" * 255,
    )

    body = build(parse(longest, NOW), Response("SUCCESS", "x" * 40, "", made))

    assert len(body) <= LARGEST_BODY
    assert json.loads(body)["Status"] == "SUCCESS"


def test_the_whole_artifact_is_one_of_the_attributes_as_json():
    made = attributes(group(), security_group(), credentials(), ())

    assert json.loads(made["artifact"]) == artifact(group(), security_group(), credentials())


def test_the_reader_hostname_is_the_reader_endpoint_or_in_cluster_mode_the_configuration_endpoint():
    plain = attributes(group(), security_group(), credentials(), ())
    clustered = attributes(group(cluster_mode=True), security_group(), credentials(), ())

    assert plain["reader_hostname"].startswith("replica.")
    assert clustered["reader_hostname"] == clustered["hostname"]


def test_engine_and_version_are_the_observed_ones():
    valkey = replace(group(), nodes=(node(engine="valkey", engine_version="8.0.1"),))

    made = attributes(valkey, security_group(), credentials(), ())

    assert (made["specs.cache.engine"], made["specs.cache.version"]) == ("valkey", "8.0.1")


def test_warnings_are_one_text():
    assert attributes(group(), security_group(), credentials(), ("One.", "Two."))["warnings"] == "One. Two."


@pytest.mark.parametrize("cluster_mode", [True, False])
def test_a_replication_group_without_an_endpoint_is_an_error(cluster_mode):
    bare = replace(group(cluster_mode=cluster_mode), primary=None, configuration=None)

    with pytest.raises(ResourceError, match="has no endpoint"):
        artifact(bare, security_group(), credentials())


def test_an_invalid_artifact_is_an_error_without_its_values():
    broken = replace(group(), arn="not an arn")

    with pytest.raises(ResourceError) as raised:
        artifact(broken, security_group(), credentials())

    assert "data.infrastructure" in str(raised.value)
    assert "t" * 64 not in str(raised.value)


def test_the_token_is_in_no_repr():
    assert "t" * 64 not in repr(credentials())
