"""Logs and Reasons show no secret in any of its forms."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis import log
from massdriver_redis.log import forget, logger, protect, quiet_libraries, redact
from tests.harness.logs import captured

SECRET = 'p&ss "word"/\\+tökén'
URL = "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=0a1b2c3d4e5f"


@pytest.fixture(autouse=True)
def nothing_protected():
    forget()
    yield
    forget()


@pytest.fixture
def lines():
    with captured() as stream:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_secret_is_masked_in_message_fields_and_keys(lines):
    protect(SECRET)

    logger.info(f"token {SECRET} made", detail={"list": [SECRET], SECRET: 1, "n": 2, "no": None})

    (line,) = lines()
    assert line["message"] == "token *** made"
    assert line["detail"] == {"list": ["***"], "***": 1, "n": 2, "no": None}


def test_a_secret_is_masked_in_exceptions_their_causes_and_their_stack_traces(lines):
    protect(SECRET)

    try:
        try:
            raise ValueError(f"cause {SECRET}")
        except ValueError as cause:
            raise KeyError(SECRET) from cause
    except KeyError:
        logger.exception("failed")

    assert SECRET not in json.dumps(lines(), ensure_ascii=False)
    assert json.dumps(SECRET)[1:-1] not in json.dumps(lines())
    assert lines()[0]["exception_name"] == "KeyError"


def test_an_object_is_redacted_as_text(lines):
    protect(SECRET)

    logger.info("request", event=Exception(SECRET))

    assert "***" in lines()[0]["event"]


def test_logs_are_json_of_level_info_and_above(lines):
    logger.debug("hidden")
    logger.info("shown")

    (line,) = lines()
    assert (line["level"], line["message"]) == ("INFO", "shown")


@given(st.text(min_size=8, max_size=40).filter(lambda text: "*" not in text))
def test_no_long_secret_survives_redaction_plain_quoted_or_escaped(secret):
    forget()
    protect(secret)

    for form in (secret, json.dumps(secret)[1:-1]):
        assert form not in redact(f"<<{form}>>")


def test_a_url_is_masked_as_a_whole_before_its_parts():
    protect(URL, "0a1b2c3d4e5f")

    assert redact(f"PUT {URL} failed") == "PUT *** failed"
    assert redact("signature 0a1b2c3d4e5f") == "signature ***"


def test_a_short_secret_is_masked_only_as_a_whole_word():
    protect("ab")

    assert redact("external id ab, fabric, AB, 'ab'") == "external id ***, fabric, AB, '***'"


def test_an_absent_secret_masks_nothing():
    protect(None, "")

    assert redact("text") == "text"


def test_the_next_invocation_does_not_mask_the_secrets_of_the_last():
    protect(SECRET)
    forget()

    assert redact(SECRET) == SECRET


def test_libraries_log_warnings_only_at_any_level_of_lambda(monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)

    quiet_libraries()

    for name in ("botocore.endpoint", "crhelper.utils", "urllib3.connectionpool"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)


def test_the_logger_uses_the_redacting_formatter():
    assert isinstance(logger.registered_formatter, log.RedactingFormatter)
