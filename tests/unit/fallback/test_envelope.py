"""What counts as a failed request of CloudFormation, and where it may be answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis.cloudformation.request import parse
from massdriver_redis.errors import EnvelopeError
from tests.harness.envelope import HOST, NOW, RESPONSE_URL, event

from .stage import app, envelope, poll, record


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        [],
        "text",
        {},
        {"requestPayload": None},
        record("text"),
        record({}),
        record(event(RequestType="Read")),
        record(event(StackId="shop")),
        record(event(RequestId="")),
        record(event(LogicalResourceId=7)),
        record(event(PhysicalResourceId=7)),
        record(event(ResponseURL="https://example.com/?X-Amz-Signature=1")),
        record({**poll(), "ScheduleName": None}),
        record({**poll(), "ScheduleName": "another"}),
        record({**poll(), "ScheduleName": "../x-1789999980-abcdefghijkl"}),
        record({**poll(), "ScheduleName": "x" * 41 + "-1789999980-abcdefghijkl"}),
    ],
    ids=range(17),
)
def test_garbage_is_ignored_without_a_call_or_an_answer(garbage):
    def never(*_):
        raise AssertionError("answered")

    assert app.handle(garbage, None, never, NOW) == {"status": "IGNORED"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=9), children, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from([*sorted(poll("Update")), "requestContext", "responsePayload"]))
def test_no_json_makes_the_reader_raise(value, key):
    payload = poll("Update")
    whole = record({**payload, key: value}) if key in payload else record(payload, **{key: value})

    envelope.read(value)
    failure = envelope.read(whole)
    failed = failure and envelope.request_in(failure, failure.payload)
    if failed:
        assert isinstance(failed.physical_id, str)
        assert isinstance(failed.schedule_suffix, str)
        assert failed.cause


URLS = [
    RESPONSE_URL,
    "http://bucket.s3.amazonaws.com/key",
    "https://BUCKET.s3.amazonaws.com/key",
    "https://bucket.s3.cn-north-1.amazonaws.com.cn/key",
    "https://evilamazonaws.com/key",
    "https://example.com/.amazonaws.com",
    "https://example.com\\.amazonaws.com/key",
    "https://user@bucket.s3.amazonaws.com/key",
    "https://bucket.s3.amazonaws.com:8443/key",
    "https://bucket.s3.amazonaws.com:port/key",
    "https://[::1/key",
    "https://localhost:4566/key",
    "https://localhost:4567/key",
    "http://localhost:4566/key",
    f"https://{HOST}./key",
]


@pytest.mark.parametrize("host", ["", "localhost", "localhost:4566"])
@pytest.mark.parametrize("url", URLS)
def test_the_fallback_answers_exactly_where_the_function_does(url, host):
    try:
        parse(event(ResponseURL=url), NOW, host)
        answered = True
    except EnvelopeError:
        answered = False

    assert envelope.may_answer(url, host) == answered
