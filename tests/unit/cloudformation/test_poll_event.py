"""The poll as data: its schedule's name, what the schedule carries, and how long it lives."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis.cloudformation import poll_event
from massdriver_redis.cloudformation.request import parse
from massdriver_redis.errors import ResourceError
from tests.harness.envelope import NOW, SIGNED, event, response_url

ID = "shop-redis-abcdefghij"
LONGEST_ID = "a" * 29 + "-abcdefghij"


def name_of(**changes):
    return poll_event.schedule_name(parse(event("Update", **changes), NOW), ID)


def carried(text, scheduled="2026-09-21T14:14:20Z"):
    """Return what a poll delivers: Scheduler replaces its own attributes, here the one that is used."""
    return json.loads(text.replace("<aws.scheduler.scheduled-time>", scheduled))


# --- the name --------------------------------------------------------------------------------------


def test_copies_of_one_event_meet_at_one_name():
    assert name_of() == name_of() == name_of(ResourceProperties={"node_type": "cache.r7g.large"})


@pytest.mark.parametrize(
    "change",
    [
        {"RequestId": "another"},
        {"LogicalResourceId": "Cache"},
        {"StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/0a1b2c3d"},
    ],
    ids=str,
)
def test_another_request_has_another_name(change):
    assert name_of(**change) != name_of()


def test_the_name_shows_id_and_signing_time():
    name = name_of()

    assert name.startswith(f"{ID}-{SIGNED:.0f}-")
    assert (poll_event.id_in(name), poll_event.signed_at_in(name)) == (ID, SIGNED)


def test_the_longest_name_is_one_that_scheduler_takes():
    name = poll_event.schedule_name(parse(event(), NOW), LONGEST_ID)

    assert re.fullmatch(r"[0-9a-zA-Z\-_.]{64}", name)


@pytest.mark.parametrize("query", ["", "Expires=999999999999"], ids=["no time", "a time far away"])
def test_a_request_with_an_odd_signing_time_has_ten_digits_all_the_same(query):
    url = response_url(query=query)
    name = poll_event.schedule_name(parse(event(ResponseURL=url), NOW), ID)

    assert re.fullmatch(rf"{ID}-\d{{10}}-[a-z2-7]{{12}}", name)


@pytest.mark.parametrize(
    "name", ["", ID, f"{ID}-123-aaaabbbbcccc", f"{ID}-1789999980-short", f"{ID}-1789999980-AAAABBBBCCCC"]
)
def test_a_name_of_another_form_belongs_to_nobody(name):
    assert (poll_event.id_in(name), poll_event.signed_at_in(name)) == ("", 0)


def test_a_resource_whose_id_begins_with_another_s_is_told_apart():
    name = poll_event.schedule_name(parse(event(), NOW), f"{ID}-klmnopqrst")

    assert poll_event.id_in(name) == f"{ID}-klmnopqrst"


# --- the Input -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_poll_is_the_same_request_again(kind):
    first = parse(event(kind), NOW)
    name = poll_event.schedule_name(first, ID)
    poll = parse(carried(poll_event.schedule_input(first, name, NOW + 1)), NOW + 3000)

    assert (poll.is_poll, poll.schedule_name, poll.armed_at) == (True, name, NOW + 1)
    for kept in ("kind", "request_id", "owner", "response_url", "signed_at", "started_at", "deadline"):
        assert getattr(poll, kept) == getattr(first, kept)
    for kept in ("physical_id", "properties", "old_properties"):
        assert getattr(poll, kept) == getattr(first, kept)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=9), children, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=12), JSON, max_size=4))
def test_no_property_is_lost_and_none_is_replaced_by_scheduler(properties):
    properties["tags"] = {"note": "<aws.scheduler.execution-id> <aws.scheduler.schedule-arn>"}
    text = poll_event.schedule_input(parse(event(ResourceProperties=properties), NOW), "name", NOW)

    assert re.findall("<[^>]*>?", text) == ["<aws.scheduler.scheduled-time>"]
    assert carried(text)["ResourceProperties"] == properties


def test_a_key_of_the_poll_in_a_first_event_is_overwritten():
    first = parse(event(StartedAt=1.0, ArmedAt=2.0, ScheduleName="x", ScheduledTime="y"), NOW)
    poll = carried(poll_event.schedule_input(first, "name", NOW), "2026-09-21T14:14:20Z")

    assert (poll["StartedAt"], poll["ArmedAt"], poll["ScheduleName"]) == (SIGNED, NOW, "name")
    assert poll["ScheduledTime"] == "2026-09-21T14:14:20Z"


def test_the_largest_request_that_aws_takes_is_carried_whole():
    def subnets(kind):
        return [
            {"arn": f"arn:aws:ec2:us-east-1:123456789012:subnet/subnet-0{kind}{number:014x}", "aws_zone": "a"}
            for number in range(20)
        ]

    lists = {f"{kind}_subnets": subnets(kind[0]) for kind in ("internal", "private", "public")}
    tags = {f"{number:0128}": "v" * 256 for number in range(40)}
    raw = {"vpc": {"data": {"infrastructure": lists}}, "tags": tags}
    first = parse(event("Update", ResourceProperties=raw, OldResourceProperties=raw), NOW)

    assert carried(poll_event.schedule_input(first, "name", NOW))["OldResourceProperties"] == raw


def test_a_request_larger_than_scheduler_takes_is_refused_with_its_size():
    first = parse(event(ResourceProperties={"tags": {"x": "v" * poll_event.LARGEST_INPUT}}), NOW)

    with pytest.raises(ResourceError, match=r"too large: a poll with them has 26\d{4} bytes.*takes 262144"):
        poll_event.schedule_input(first, "name", NOW)


# --- the dates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timeout", "late", "lives"),
    [("3600", 0, 3600 + 300), ("600", 100, 600 + 300), ("1", 0, 301), ("1", 400, 400 + 180)],
)
def test_a_schedule_ends_after_cloudformation_gave_up_and_never_before_its_second_poll(timeout, late, lives):
    request = parse(event(ResourceProperties={"ServiceTimeout": timeout}), NOW)
    now = request.started_at + late

    start, end = poll_event.schedule_dates(request, now)

    assert start == datetime.fromtimestamp(now + 60, UTC)
    assert end == datetime.fromtimestamp(request.started_at + lives, UTC)


# --- a delivered poll ------------------------------------------------------------------------------


def test_a_poll_names_its_schedule():
    delivered = event(CrHelperPoll=True, ScheduleName=name_of())

    assert poll_event.is_poll(delivered)
    assert poll_event.schedule_of(delivered) == name_of()


@pytest.mark.parametrize(
    "delivered", [None, [], "poll", ["CrHelperPoll"], event(), event(ScheduleName="x")], ids=str
)
def test_any_other_event_is_no_poll(delivered):
    assert not poll_event.is_poll(delivered)


@pytest.mark.parametrize("mark", [True, "true", False, 0], ids=str)
@pytest.mark.parametrize("name", [None, 7, "", "../default/other"], ids=str)
def test_a_poll_that_names_no_schedule_of_ours_names_none(mark, name):
    delivered = {**event(), "CrHelperPoll": mark, "ScheduleName": name}

    assert poll_event.is_poll(delivered)
    assert poll_event.schedule_of(delivered) == ""


@pytest.mark.parametrize(
    ("scheduled", "stale"),
    [
        ("2026-09-21T14:13:20Z", False),
        ("2026-09-21T13:53:21Z", False),
        ("2026-09-21T13:53:19Z", True),
        ("2026-09-20T14:13:20Z", True),
        ("2027-09-21T14:13:20Z", False),
        ("<aws.scheduler.scheduled-time>", False),
        ("", False),
        (7, False),
        (None, False),
    ],
)
def test_a_poll_that_lambda_can_not_be_trying_any_more_is_stale(scheduled, stale):
    assert poll_event.is_stale({"ScheduledTime": scheduled}, NOW) is stale
