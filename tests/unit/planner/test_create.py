"""What is made for a new cluster, in which order, and with exactly which parameters."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from massdriver_redis.planner.create import create, creation_request
from massdriver_redis.planner.decision import Apply, PlanContext, Reject
from massdriver_redis.planner.plan import required_details
from massdriver_redis.state.observed import Observed
from massdriver_redis.state.record import LAST_ACCEPTED_REQUEST, OWNER, RequestVersion
from tests.harness.builders import (
    ID,
    MINE,
    NAMES,
    ZONES,
    desired,
    observed,
    secret,
    security_group,
    subnet_group,
)

CONTEXT = PlanContext(now=1000.0, request_version=RequestVersion("request", 999.0), may_create=True)
OFFERED = ("4.0.10", "5.0.6", "6.0", "6.2", "7.0", "7.1")
NOTHING = Observed(versions=OFFERED, details=frozenset({"versions"}))


def calls(decision):
    assert isinstance(decision, Apply)
    return decision.calls


def operations(decision):
    return [call.operation for call in calls(decision)]


def test_the_versions_on_offer_are_needed_before_anything_is_made():
    assert required_details(desired(), Observed(), CONTEXT) == {"versions"}
    assert required_details(desired(), NOTHING, CONTEXT) == frozenset()


@pytest.mark.parametrize("secure", [True, False])
def test_the_supporting_resources_are_made_in_one_step_the_record_s_carrier_first(secure):
    made = operations(create(desired(secure=secure), NOTHING, CONTEXT))

    every = ["create_security_group", "create_secret", "create_cache_subnet_group"]
    assert made == [name for name in every if secure or name != "create_secret"]


@pytest.mark.parametrize("missing", ["security_group", "secret", "subnet_group"])
def test_the_replication_group_waits_until_every_supporting_resource_is_observed(missing):
    seen = replace(observed(), replication_group=None, versions=OFFERED, **{missing: None})

    (call,) = calls(create(desired(), seen, CONTEXT))

    assert call.operation != "create_replication_group"


@pytest.mark.parametrize("is_open", [True, False])
def test_the_port_is_opened_in_the_step_that_makes_the_replication_group(is_open):
    group = security_group() if is_open else replace(security_group(), cidrs=frozenset())
    seen = replace(observed(), replication_group=None, versions=OFFERED, security_group=group)

    made = operations(create(desired(), seen, CONTEXT))

    opening = [] if is_open else ["authorize_security_group_ingress"]
    assert made == [*opening, "create_replication_group"]


def test_the_security_group_carries_owner_and_request_from_the_start():
    call = calls(create(desired(), NOTHING, CONTEXT))[0]

    (specification,) = call.request["TagSpecifications"]
    tags = {tag["Key"]: tag["Value"] for tag in specification["Tags"]}
    assert call.request["Description"] == tags[OWNER] == MINE.marker
    assert tags[LAST_ACCEPTED_REQUEST] == CONTEXT.request_version.text()
    assert tags["Name"] == call.request["GroupName"] == NAMES.security_group
    assert call.request["VpcId"] == "vpc-1"


def test_a_secret_in_its_recovery_window_is_restored_and_not_made_again():
    seen = replace(NOTHING, security_group=security_group(), secret=secret(deleting=True))

    assert operations(create(desired(), seen, CONTEXT)) == ["restore_secret", "create_cache_subnet_group"]


def test_the_token_is_never_part_of_a_call():
    seen = replace(NOTHING, security_group=security_group())
    call = calls(create(desired(), seen, CONTEXT))[0]

    assert (call.operation, call.token) == ("create_secret", "new")
    assert "SecretString" not in call.request


@pytest.mark.parametrize("versions", [OFFERED, None])
def test_a_version_that_is_not_on_offer_is_refused_before_any_write(versions):
    seen = Observed(versions=versions, details=frozenset({"versions"}))

    decision = create(desired(redis_version="3.2"), seen, CONTEXT)

    assert isinstance(decision, Reject)
    assert decision.reason == (
        "redis_version: AWS doesn't offer redis 3.2 in this Region; choose one of 4.0, 5.0, 6.x, 7.0, 7.1"
    )


def test_without_the_list_the_create_goes_on():
    unknown = Observed(details=frozenset({"versions"}))

    assert operations(create(desired(), unknown, CONTEXT))[0] == "create_security_group"


MODES = list(itertools.product([True, False], [True, False], [0, 1, 5], [ZONES, {"a": "z", "b": "z"}]))


@pytest.mark.parametrize(("secure", "cluster_mode", "replicas", "zones"), MODES)
def test_the_request_follows_the_rules_of_every_mode(secure, cluster_mode, replicas, zones):
    wanted = desired(
        secure=secure,
        cluster_mode=cluster_mode,
        replicas=replicas,
        node_groups=3 if cluster_mode else 1,
        subnets=zones,
    )
    seen = replace(NOTHING, security_group=security_group(), subnet_group=subnet_group(subnets=zones))

    request = creation_request(wanted, seen, "6.2")

    assert request["AtRestEncryptionEnabled"] is True
    assert request["TransitEncryptionEnabled"] is secure
    assert request["AutomaticFailoverEnabled"] is (cluster_mode or replicas > 0)
    assert request["MultiAZEnabled"] is (replicas > 0 and zones is ZONES)
    assert request["CacheParameterGroupName"] == "default.redis6.x" + (".cluster.on" if cluster_mode else "")
    assert (request["NumNodeGroups"], request["ReplicasPerNodeGroup"]) == (wanted.node_groups, replicas)
    assert request["ReplicationGroupId"] == ID
    assert not {"AuthToken", "NumCacheClusters", "TransitEncryptionMode", "SnapshottingClusterId"} & set(
        request
    )


@pytest.mark.parametrize(
    ("engine", "asked", "sent", "family", "auto"),
    [
        ("redis", "4.0", "4.0.10", "redis4.0", False),
        ("redis", "5.0", "5.0.6", "redis5.0", False),
        ("redis", "6.x", "6.2", "redis6.x", True),
        ("redis", "7.1", "7.1", "redis7", True),
        ("valkey", "8.0", "8.0", "valkey8", True),
    ],
)
def test_version_and_parameter_group_go_together(engine, asked, sent, family, auto):
    versions = OFFERED if engine == "redis" else ("7.2", "8.0", "8.1")
    seen = replace(observed(), replication_group=None, versions=versions)

    (call,) = calls(create(desired(engine=engine, redis_version=asked), seen, CONTEXT))

    assert (call.request["Engine"], call.request["EngineVersion"]) == (engine, sent)
    assert call.request["CacheParameterGroupName"] == f"default.{family}"
    assert call.request.get("AutoMinorVersionUpgrade", False) is auto


def test_zones_that_the_properties_do_not_name_are_those_of_the_subnet_group():
    wanted = desired(replicas=1, subnets=dict.fromkeys(ZONES, ""))

    assert creation_request(wanted, replace(NOTHING, subnet_group=subnet_group()), "6.2")["MultiAZEnabled"]
    assert not creation_request(wanted, NOTHING, "6.2")["MultiAZEnabled"]
