"""The events in events/: shaped as CloudFormation's, and each runs end to end through the handler."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest

from massdriver_redis.cloudformation import poll_event
from massdriver_redis.cloudformation.genuine import signing_times
from massdriver_redis.cloudformation.request import parse
from massdriver_redis.properties import parse as properties
from massdriver_redis.state import naming
from tests.harness.cloudformation import FakeCloudFormation, SentRequest, stringify
from tests.harness.context import FUNCTION
from tests.harness.moto_aws import MotoAws, client
from tests.harness.samples import PRESETS
from tests.harness.schedules import GROUP, ROLE_ARN

FOLDER = Path(__file__).parents[2] / "events"
NAMES = ["free-tier", "highly-available", "sharded-cluster"]
STEPS = ["create", "update", "delete", "poll", "broken"]


def load(name, step):
    return json.loads((FOLDER / f"{name}-{step}.json").read_text())


def infrastructure(event):
    return event["ResourceProperties"]["vpc"]["data"]["infrastructure"]


def last_part(item):
    return item["arn"].rsplit("/", 1)[1]


@contextmanager
def provider(name):
    """Yield a driver in a cloud that holds the VPC and the subnets of the preset's events."""
    wanted = infrastructure(load(name, "create"))
    vpc = wanted["arn"].rsplit("/", 1)[1]
    with MotoAws() as cloud:
        ec2 = client("ec2")
        with mock.patch("moto.ec2.models.vpcs.random_vpc_id", return_value=vpc):
            ec2.create_vpc(CidrBlock=wanted["cidr"])
        for subnet in wanted["internal_subnets"]:
            with mock.patch("moto.ec2.models.subnets.random_subnet_id", return_value=last_part(subnet)):
                ec2.create_subnet(VpcId=vpc, CidrBlock=subnet["cidr"], AvailabilityZone=subnet["aws_zone"])
        cloudformation = FakeCloudFormation(cloud.clock, cloud.schedules)
        cloudformation.stack_id = load(name, "create")["StackId"]
        with cloudformation:
            yield cloudformation


def run(cloudformation, event):
    """Deliver the event at its signing time, or now if that time has passed."""
    signed, _ = signing_times(event["ResponseURL"])
    cloudformation.clock.advance(max(1.0, signed - cloudformation.clock.now()))
    cloudformation.stack_status(f"{event['RequestType'].upper()}_IN_PROGRESS")
    return cloudformation.run(cloudformation.adopt(event))


def group_of(physical_id):
    found = client("elasticache").describe_replication_groups(ReplicationGroupId=physical_id)
    return found["ReplicationGroups"][0]


def test_every_preset_has_five_events():
    assert {path.stem for path in FOLDER.iterdir()} == {f"{name}-{step}" for name in NAMES for step in STEPS}


@pytest.mark.parametrize(("name", "preset"), list(zip(NAMES, PRESETS, strict=True)))
def test_a_create_event_contains_the_preset_of_the_document(name, preset):
    held = load(name, "create")["ResourceProperties"]

    assert {key: held[key] for key in preset} == stringify(preset)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", STEPS)
def test_every_scalar_is_a_string_as_cloudformation_sends_it(name, step):
    sent = load(name, step)["ResourceProperties"]

    assert sent == stringify(sent)


@pytest.mark.parametrize("name", NAMES)
def test_the_later_events_have_the_id_that_the_create_returns(name):
    create = load(name, "create")
    today = datetime(2026, 7, 1, tzinfo=UTC).date()
    read = properties.read(create["ResourceProperties"], today=today)
    owner = naming.Owner(create["StackId"], create["LogicalResourceId"])
    physical_id = naming.physical_id(owner, read.name_prefix, read.create_only())

    for step in ("update", "delete"):
        assert load(name, step)["PhysicalResourceId"] == physical_id
    assert poll_event.id_in(load(name, "poll")["ScheduleName"]) == physical_id


@pytest.mark.parametrize("name", NAMES)
def test_a_poll_event_is_what_the_schedule_of_the_create_carries_but_for_its_times(name):
    # Without its times the file can be used at any time, after the create of the same folder.
    poll = load(name, "poll")
    request = parse(load(name, "create"), 1_782_864_000.0)
    schedule = poll_event.schedule_name(request, poll_event.id_in(poll["ScheduleName"]))
    carried = json.loads(poll_event.schedule_input(request, schedule, 1_782_864_000.0))
    for time in ("StartedAt", "ArmedAt", "ScheduledTime"):
        del carried[time]

    assert poll == carried


@pytest.mark.parametrize("name", NAMES)
def test_a_cluster_is_created_updated_and_deleted_by_its_events(name):
    with provider(name) as cloudformation:
        created = run(cloudformation, load(name, "create"))
        made = group_of(created.physical_id)
        updated = run(cloudformation, load(name, "update"))
        changed = group_of(created.physical_id)
        deleted = run(cloudformation, load(name, "delete"))

        assert [created.reason, updated.reason, deleted.reason] == ["", "", ""]
        assert created.physical_id == updated.physical_id == deleted.physical_id
        assert created.data.keys() == updated.data.keys()
        assert made["ClusterEnabled"] == (name == "sharded-cluster")
        if name == "free-tier":
            assert (made["CacheNodeType"], changed["CacheNodeType"]) == ("cache.t3.micro", "cache.t3.small")
        if name == "highly-available":
            assert (len(made["MemberClusters"]), len(changed["MemberClusters"])) == (2, 3)
        assert cloudformation.armed() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_poll_event_goes_on_with_the_create(name):
    create, poll = load(name, "create"), load(name, "poll")
    with provider(name) as cloudformation:
        request = parse(create, cloudformation.clock.now())
        schedule, now = poll["ScheduleName"], cloudformation.clock.now()
        client("scheduler").create_schedule(
            Name=schedule,
            GroupName=GROUP,
            ScheduleExpression="rate(1 minute)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": FUNCTION,
                "RoleArn": ROLE_ARN,
                "Input": poll_event.schedule_input(request, schedule, now),
            },
        )
        sent = cloudformation.requests[create["RequestId"]] = SentRequest(create, now)
        cloudformation.deliver(poll)

        response = cloudformation.run(sent)

        assert response.ok
        assert response.physical_id == poll_event.id_in(schedule)
        assert cloudformation.armed() == []


@pytest.mark.parametrize(
    ("name", "mentioned"),
    [("free-tier", "cache.t3.micro"), ("highly-available", "replicas"), ("sharded-cluster", "vpc")],
)
def test_a_broken_event_fails_at_once_with_the_path_and_the_remedy_and_makes_nothing(name, mentioned):
    with provider(name) as cloudformation:
        response = run(cloudformation, load(name, "broken"))

        assert response.status == "FAILED"
        assert mentioned in response.reason
        assert response.polls == 0
        assert cloudformation.armed() == []
        assert client("elasticache").describe_replication_groups()["ReplicationGroups"] == []
        assert cloudformation.clock.now() < parse(load(name, "broken"), cloudformation.clock.now()).deadline


@pytest.mark.parametrize("name", NAMES)
def test_the_delete_after_a_broken_create_succeeds(name):
    with provider(name) as cloudformation:
        failed = run(cloudformation, load(name, "broken"))
        delete = {**load(name, "broken"), "RequestType": "Delete", "PhysicalResourceId": failed.physical_id}
        delete["RequestId"] = "11111111-2222-4333-9444-555555555555"
        delete["ResponseURL"] = (
            delete["ResponseURL"]
            .replace(load(name, "broken")["RequestId"], delete["RequestId"])
            .replace("20260630T235950Z", "20260701T000100Z")
        )

        assert run(cloudformation, delete).ok
