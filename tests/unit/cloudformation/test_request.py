"""The envelope: which events are sound, when they began, and what of them is secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis.cloudformation.request import parse, secrets_of
from massdriver_redis.errors import EnvelopeError
from tests.harness.envelope import HOST, NOW, RESPONSE_URL, SIGNATURE, SIGNED, STACK_ID, event, response_url

SCHEDULE = "shop-redis-abcdefghij-1789999980-aaaabbbbcccc"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12), children, max_size=4)
    ),
    max_leaves=12,
)


def test_a_create_is_read_with_the_defaults_of_cloudformation():
    request = parse(event(), NOW)

    assert (request.kind, request.physical_id, request.is_poll) == ("Create", None, False)
    assert request.owner.stack_id == STACK_ID
    assert request.owner.logical_id == "Redis"
    assert request.service_timeout == 3600
    assert request.old_properties == {}


def test_neither_the_url_nor_the_properties_show_in_a_repr():
    shown = repr(parse(event("Update"), NOW))

    assert SIGNATURE not in shown
    assert "node_type" not in shown


@pytest.mark.parametrize(
    "change",
    [
        {"RequestType": "Read"},
        {"RequestType": None},
        {"RequestType": ["Create"]},
        {"StackId": None},
        {"StackId": "shop"},
        {"StackId": "arn:aws:lambda:us-east-1:123456789012:function:shop"},
        {"StackId": STACK_ID + "\n"},
        {"RequestId": None},
        {"RequestId": ""},
        {"RequestId": 7},
        {"RequestId": "r" * 129},
        {"LogicalResourceId": None},
        {"LogicalResourceId": "R" * 256},
        {"LogicalResourceId": "Red\x00is"},
        {"ResponseURL": None},
        {"ResponseURL": "https://" + HOST + "/" + "x" * 4096},
        {"PhysicalResourceId": {"Ref": "Redis"}},
        {"PhysicalResourceId": "x" * 1025},
    ],
    ids=str,
)
def test_an_event_without_a_sound_envelope_is_refused(change):
    with pytest.raises(EnvelopeError):
        parse({**event(), **change}, NOW)


@pytest.mark.parametrize("anything", [None, [], "event", 7, {}, {"source": "aws.events"}, [event()]])
def test_what_is_no_cloudformation_event_is_refused(anything):
    with pytest.raises(EnvelopeError):
        parse(anything, NOW)


@given(JSON)
def test_no_json_makes_the_parser_fail_otherwise_than_by_refusing(value):
    with pytest.raises(EnvelopeError):
        parse(value, NOW)


@given(st.sampled_from(sorted(event("Update"))), JSON)
def test_one_odd_value_in_a_sound_event_is_read_or_refused(key, value):
    try:
        request = parse({**event("Update"), key: value}, NOW)
    except EnvelopeError:
        return
    assert request.kind in ("Create", "Update", "Delete")
    assert request.deadline > request.started_at


def test_an_update_needs_the_id_it_updates():
    with pytest.raises(EnvelopeError, match="PhysicalResourceId"):
        parse(event("Update", PhysicalResourceId=None), NOW)


def test_a_delete_after_a_cancelled_create_may_come_without_an_id():
    assert parse(event("Delete", PhysicalResourceId=None), NOW).physical_id is None
    assert parse(event("Delete", PhysicalResourceId=""), NOW).physical_id is None


@pytest.mark.parametrize(
    ("query", "signed_at", "started_at"),
    [
        ("X-Amz-Date=20260921T141300Z", SIGNED, SIGNED),
        ("X-Amz-Date=20260921T141300Z&Expires=1790000500", SIGNED, SIGNED),
        ("Expires=1790007200", NOW, NOW),
        ("Expires=1790000500", NOW - 6700, NOW),
        ("Expires=7201", 1.0, NOW),
        ("Expires=7200", None, NOW),
        ("X-Amz-Date=00010101T000000Z", None, NOW),
        ("X-Amz-Date=20260921T134320Z", NOW - 1800, NOW - 1800),
        ("X-Amz-Date=20260921T130000Z", NOW - 4400, NOW),
        ("X-Amz-Date=20260921T141321Z", NOW + 1, NOW),
        ("X-Amz-Date=20261399T999999Z", None, NOW),
        ("X-Amz-Date=soon", None, NOW),
        ("Expires=never", None, NOW),
        ("", None, NOW),
    ],
)
def test_the_signing_time_orders_requests_and_starts_their_time(query, signed_at, started_at):
    request = parse(event(ResponseURL=response_url(query=query)), NOW)

    assert (request.signed_at, request.started_at) == (signed_at, started_at)


def test_a_poll_carries_on_the_time_of_its_request():
    poll = event(CrHelperPoll=True, ScheduleName=SCHEDULE, StartedAt=SIGNED - 3000)

    request = parse(poll, NOW)

    assert request.is_poll
    assert request.started_at == SIGNED - 3000


@pytest.mark.parametrize("started_at", [None, "yesterday", True, -1, NOW + 60])
def test_a_poll_with_no_sensible_start_falls_back_on_the_signature(started_at):
    poll = event(CrHelperPoll=True, ScheduleName=SCHEDULE, StartedAt=started_at)

    assert parse(poll, NOW).started_at == SIGNED


@pytest.mark.parametrize("name", [None, "", 7, "s" * 65])
def test_a_poll_without_the_name_of_its_schedule_is_refused(name):
    with pytest.raises(EnvelopeError, match="ScheduleName"):
        parse(event(CrHelperPoll=True, ScheduleName=name), NOW)


def test_a_first_event_can_not_name_a_schedule():
    assert not parse(event(ScheduleName=SCHEDULE), NOW).is_poll


def test_a_first_event_can_not_set_its_own_start():
    assert parse(event(StartedAt=5.0), NOW).started_at == SIGNED


@pytest.mark.parametrize(
    ("timeout", "deadline"),
    [("3600", 3480), ("600", 480), ("240", 120), ("100", 50), ("1", 0.5), (None, 3480)],
)
def test_the_deadline_is_a_poll_and_a_minute_before_cloudformation_gives_up(timeout, deadline):
    request = parse(event(ResourceProperties={"ServiceTimeout": timeout}), NOW)

    assert request.deadline - request.started_at == deadline
    assert request.service_timeout_error is None


@pytest.mark.parametrize("timeout", ["0", "3601", "7200", "-5", "1h", "60.5", "٣٠", True, ["60"], {}])
def test_a_service_timeout_that_cloudformation_would_not_keep_is_reported(timeout):
    request = parse(event(ResourceProperties={"ServiceTimeout": timeout}), NOW)

    assert request.service_timeout == 3600
    assert "ServiceTimeout" in (request.service_timeout_error or "")


@pytest.mark.parametrize("properties", [None, [], "text", 7])
def test_missing_or_odd_properties_are_left_to_the_validation(properties):
    changed = event(ResourceProperties=properties)

    assert parse(changed, NOW).properties == {}


def test_the_secrets_of_a_request_are_its_url_its_signature_and_the_external_ids():
    def with_external_id(text):
        return {"aws_authentication": {"data": {"external_id": text}}}

    request = parse(
        event(
            "Update",
            ResourceProperties=with_external_id("new-one"),
            OldResourceProperties=with_external_id("old-one"),
        ),
        NOW,
    )

    assert {RESPONSE_URL, SIGNATURE, "new-one", "old-one"} <= set(secrets_of(request))
    assert "" not in secrets_of(request)
