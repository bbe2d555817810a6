"""The body of a response: every field, strings only, at most CloudFormation's 4,096 bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis.cloudformation.outcome import Response
from massdriver_redis.cloudformation.request import parse
from massdriver_redis.cloudformation.response import LARGEST_BODY, build, masked
from tests.harness.envelope import NOW, STACK_ID, event

REQUEST = parse(event(), NOW)
ID = "id-abcdefghij"


def body(answer):
    encoded = build(REQUEST, answer)
    assert len(encoded) <= LARGEST_BODY
    return json.loads(encoded)


def test_a_response_has_every_field_and_the_ids_verbatim():
    sent = body(Response("SUCCESS", "shop-redis-abcdefghij", "", {"hostname": "h"}))

    assert sent == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "shop-redis-abcdefghij",
        "StackId": STACK_ID,
        "RequestId": REQUEST.request_id,
        "LogicalResourceId": "Redis",
        "NoEcho": True,
        "Data": {"hostname": "h"},
    }


def test_warnings_are_shortened_first_and_keep_their_beginning():
    attributes = {"artifact": "a" * 2000, "hostname": "h", "warnings": "Node quota. " + "more " * 500}

    sent = body(Response("SUCCESS", "id-abcdefghij", "", attributes))

    assert sent["Status"] == "SUCCESS"
    assert sent["Data"]["artifact"] == "a" * 2000
    assert sent["Data"]["warnings"].startswith("Node quota.")


def test_warnings_are_dropped_where_no_room_is_left():
    room = LARGEST_BODY - len(build(REQUEST, Response("SUCCESS", ID, "", {"artifact": "", "warnings": ""})))

    sent = body(Response("SUCCESS", ID, "", {"artifact": "a" * room, "warnings": "w" * 900}))

    assert sent["Status"] == "SUCCESS"
    assert sent["Data"] == {"artifact": "a" * room, "warnings": ""}


def test_a_response_that_stays_too_long_fails_with_its_size_and_the_remedy():
    sent = body(Response("SUCCESS", ID, "", {"artifact": "a" * 5000}))

    assert sent["Status"] == "FAILED"
    assert sent["PhysicalResourceId"] == ID
    assert "4096" in sent["Reason"]
    assert sent["Data"] == {}


def test_a_failed_response_that_is_too_long_keeps_its_id_and_the_beginning_of_its_reason():
    sent = body(Response("FAILED", ID, "head " + "x" * 5000))

    assert (sent["Status"], sent["PhysicalResourceId"]) == ("FAILED", ID)
    assert sent["Reason"].startswith("head x")


@given(
    st.sampled_from(["SUCCESS", "FAILED"]),
    st.text(min_size=1, max_size=1024).filter(lambda text: len(text.encode("utf-8", "replace")) <= 1024),
    st.text(max_size=240),
    st.dictionaries(st.text(max_size=40), st.text(max_size=1500), max_size=5),
)
def test_any_response_fits_with_its_id_verbatim(status, physical_id, reason, attributes):
    sent = body(Response(status, physical_id, reason, attributes))

    assert sent["PhysicalResourceId"] == physical_id
    assert all(isinstance(value, str) for value in sent["Data"].values())


@pytest.mark.parametrize("value", [6379, True, None, {"a": 1}, object()])
def test_a_value_that_is_not_a_string_becomes_one(value):
    sent = body(Response("SUCCESS", ID, "", {"port": value}))

    assert isinstance(sent["Data"]["port"], str)


def test_a_masked_response_hides_every_form_of_the_password():
    attributes = {
        "password": "p4ss",
        "data.authentication.password": "p4ss",
        "artifact": "{p4ss}",
        "port": "1",
    }

    shown = masked(build(REQUEST, Response("SUCCESS", ID, "", attributes)))

    assert "p4ss" not in json.dumps(shown)
    assert shown["Data"]["port"] == "1"
