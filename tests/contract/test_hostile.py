"""Hostile input to the handler: one clear response where a stack waits for it, none elsewhere, no crash.

Events that are not CloudFormation's get no response. A valid event with invalid properties gets exactly one:
FAILED with a Reason for Create and Update, SUCCESS for Delete.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.cloudformation import KilledError, StackResource, judge
from tests.harness.recorder import client_error
from tests.harness.samples import put
from tests.harness.stack import NAME, StackUnderTest
from tests.unit.properties.test_parse import PATHS, WHOLE

ID = "shop-redis-abcdefghij"
MEGABYTE = 1_000_000

TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(codec=None, categories=("Cc", "Cs", "Cf", "Zl", "Zp", "So", "Lo")), max_size=20),
    st.sampled_from(
        [
            "",
            " ",
            "\x00",
            "\u202etxt",
            "${jndi:x}",
            "{{resolve:ssm:x}}",
            "'; --",
            "../..",
            "%s%n",
            "A" * 70_000,
        ]
    ),
)
NUMBERS = st.one_of(
    st.integers(), st.floats(allow_nan=True, allow_infinity=True), st.just(10**400), st.just(-1)
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


@st.composite
def broken(draw: Any) -> Any:
    """Draw valid properties with strange values at some paths of the schema, or any other value."""
    if draw(st.integers(0, 9)) == 0:
        return draw(VALUES)
    made = deepcopy(WHOLE)
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=4)):
        try:
            made = put(made, path, draw(VALUES))
        except (TypeError, KeyError, IndexError, AttributeError):
            continue  # a value above it has been replaced
    return made


@pytest.fixture(scope="module")
def denied():
    """A stack that can't make anything: valid properties end in a denial."""
    with StackUnderTest() as stack:

        def deny(call, _index):
            if call.mutates and call.service not in ("sts", "scheduler"):
                raise client_error("AccessDenied", operation=call.operation, status=403)

        stack.recorder.before = deny
        yield stack


def answered(stack: StackUnderTest, kind: str, properties: Any, old: Any = None) -> dict[str, Any]:
    """Deliver a request with these properties and return its one response."""
    stack.resources[NAME] = StackResource(None if kind == "Create" else ID, {})
    request = stack.prepare(kind, {})
    request.event["ResourceProperties"] = properties
    if old is not None:
        request.event["OldResourceProperties"] = old
    stack.adopt(request.event)
    adopted = stack.requests[request.id]
    stack.idle(900)
    assert stack.armed() == []
    (body,) = adopted.puts
    assert list(judge(adopted, json.dumps(body).encode(), body)) == []
    stack.requests.clear()
    return body


COMMON = {
    "deadline": None,
    "suppress_health_check": [
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
}
SHARE = settings(max_examples=40, derandomize=True, **COMMON)
THOUSAND = settings(max_examples=1000, print_blob=True, **COMMON)


def check_create(stack: StackUnderTest, properties: Any) -> None:
    body = answered(stack, "Create", properties)

    assert body["Status"] == "FAILED"
    assert "Internal error" not in body["Reason"]


def check_update(stack: StackUnderTest, properties: Any, old: Any) -> None:
    body = answered(stack, "Update", properties, old)

    assert body["Status"] == "FAILED"
    assert body["PhysicalResourceId"] == ID
    assert "Internal error" not in body["Reason"]


def check_delete(stack: StackUnderTest, properties: Any) -> None:
    assert answered(stack, "Delete", properties)["Status"] == "SUCCESS"


@SHARE
@given(broken())
def test_a_create_of_any_input_gets_one_clear_response(denied, properties) -> None:
    check_create(denied, properties)


@SHARE
@given(broken(), broken())
def test_an_update_to_and_from_any_input_gets_one_clear_response(denied, properties, old) -> None:
    check_update(denied, properties, old)


@SHARE
@given(broken())
def test_a_delete_of_any_input_succeeds(denied, properties) -> None:
    check_delete(denied, properties)


@pytest.mark.full
@THOUSAND
@given(broken())
def test_a_thousand_creates_of_any_input_get_a_response(denied, properties) -> None:
    check_create(denied, properties)


@pytest.mark.full
@THOUSAND
@given(broken(), broken())
def test_a_thousand_updates_to_and_from_any_input_get_a_response(denied, properties, old) -> None:
    check_update(denied, properties, old)


@pytest.mark.full
@THOUSAND
@given(broken())
def test_a_thousand_deletes_of_any_input_succeed(denied, properties) -> None:
    check_delete(denied, properties)


def nested(depth: int, kind: str) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value] if kind == "list" else {"a": value}
    return value


BOMBS = {
    "a megabyte in one value": {**WHOLE, "node_type": "x" * MEGABYTE},
    "a megabyte in one key": {**WHOLE, "k" * MEGABYTE: "x"},
    "a megabyte of tags": {**WHOLE, "tags": {f"key-{n}": "v" * 100 for n in range(10_000)}},
    "100,000 unknown properties": {f"p{n}": "x" for n in range(100_000)},
    "100,000 subnets": put(
        WHOLE, "vpc.data.infrastructure.internal_subnets", [{"arn": "x"} for _ in range(100_000)]
    ),
    "lists 900 deep": {**WHOLE, "tags": nested(900, "list")},
    "maps 900 deep": {**WHOLE, "vpc": nested(900, "map")},
    "a huge number": {**WHOLE, "replicas": "9" * 100_000},
    "a list for everything": [],
    "nothing": None,
}


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_json_bomb_gets_a_response_like_any_input(denied, kind, bomb) -> None:
    body = answered(denied, kind, BOMBS[bomb], old=BOMBS[bomb])

    assert body["Status"] == ("SUCCESS" if kind == "Delete" else "FAILED")
    assert len(body["Reason"]) <= 240


NAMES = ["\x00", "a\x1b[31mb", "\u202egnp", "\ud800", "\N{PILE OF POO}", "a\nb", "A" * 300, "  ", "--", "9"]


@pytest.mark.parametrize("name", NAMES)
def test_a_strange_name_prefix_gives_a_legal_id_or_a_clear_reason(stack, name) -> None:
    response = stack.create(NAME, stack.properties(md_metadata={"name_prefix": name}))

    assert response.ok or response.reason.startswith("md_metadata.name_prefix")
    assert response.physical_id.isascii()
    assert stack.delete(NAME).ok
    assert stack.leftovers() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_strange_tag_is_set_verbatim_or_rejected_with_a_clear_reason(stack, name) -> None:
    response = stack.create(NAME, stack.properties(tags={name: name}))

    assert response.ok or response.reason.startswith("tags")
    assert stack.delete(NAME).ok
    assert stack.leftovers() == []


# --- events that are not CloudFormation's ---------------------------------------------------------


def valid_event(stack: StackUnderTest) -> dict[str, Any]:
    event = stack.prepare("Create", stack.properties()).event
    return deepcopy(event)


FOREIGN_EVENTS: list[Any] = [
    None,
    [],
    "Create",
    7,
    {},
    {"RequestType": "Create"},
    {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    {"Records": [{"s3": {"bucket": {"name": "x"}}}]},
    {"CrHelperPoll": True},
    {"httpMethod": "GET", "body": None},
]


@pytest.mark.parametrize("event", FOREIGN_EVENTS, ids=lambda event: str(event)[:40])
def test_an_event_that_is_not_cloudformation_s_causes_no_call_and_no_response(stack, event) -> None:
    summary = stack._app.handler(event, context_of(stack))

    assert summary["status"] == "REFUSED"
    assert stack.recorder.calls == []


@pytest.mark.parametrize("key", ["RequestType", "RequestId", "StackId", "LogicalResourceId", "ResponseURL"])
@pytest.mark.parametrize("value", [None, "", 7, [], {}, "a b", "\x00", "x" * 5000, "\N{PILE OF POO}"])
def test_an_event_with_an_invalid_part_causes_no_write_and_no_response(stack, key, value) -> None:
    event = {**valid_event(stack), key: value}

    assert stack._app.handler(event, context_of(stack))["status"] == "REFUSED"
    assert [call for call in stack.recorder.calls if call.mutates] == []


@pytest.mark.parametrize("event", FOREIGN_EVENTS, ids=lambda event: str(event)[:40])
def test_a_foreign_event_on_a_warm_container_responds_to_no_earlier_url(event) -> None:
    with StackUnderTest() as stack:
        request = stack.prepare("Create", stack.properties())
        stack.recorder.before = killed_after(20)
        with pytest.raises(KilledError):
            stack.invoke(request.event)
        stack.recorder.before = None

        stack._app.handler(event, context_of(stack))

        assert request.puts == []


def killed_after(calls: int) -> Any:
    def fault(_call: Any, index: int) -> None:
        if index == calls:
            raise KilledError

    return fault


def context_of(stack: StackUnderTest) -> Any:
    from tests.harness.context import Context

    return Context(stack.clock, 120.0)
