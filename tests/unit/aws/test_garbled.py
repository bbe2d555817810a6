"""Answers that AWS didn't write: whatever the body and the status, the call is made again later."""

from __future__ import annotations

from unittest import mock

import pytest

from massdriver_redis.aws.errors import call
from massdriver_redis.errors import TransientError
from tests.harness import garbled

READS = [
    ("elasticache", "describe_replication_groups"),
    ("ec2", "describe_security_groups"),
    ("secretsmanager", "get_secret_value"),
    ("scheduler", "list_schedules"),
    ("cloudformation", "describe_stacks"),
    ("sts", "assume_role"),
]
WRITES = [
    ("elasticache", "create_replication_group"),
    ("ec2", "create_tags"),
    ("secretsmanager", "create_secret"),
    ("scheduler", "create_schedule"),
]


def garbled_client(operation, service, body, status):
    name = "".join(word.capitalize() for word in operation.split("_"))
    client = mock.Mock(spec=[operation])
    getattr(client, operation).side_effect = lambda **_: garbled.answer(service, name, body, status)
    return client


@pytest.mark.parametrize("status", [200, 301, 400, 403, 404, 408, 429, 500, 503])
@pytest.mark.parametrize("body", garbled.BODIES)
@pytest.mark.parametrize(("service", "operation"), READS)
def test_a_read_with_a_garbled_answer_is_made_again(service, operation, body, status):
    with pytest.raises(TransientError):
        call(garbled_client(operation, service, body, status), service, operation)


@pytest.mark.parametrize("status", [400, 403, 404, 500])
@pytest.mark.parametrize("body", garbled.BODIES)
@pytest.mark.parametrize(("service", "operation"), WRITES)
def test_a_write_that_is_refused_in_no_words_of_aws_is_made_again(service, operation, body, status):
    with pytest.raises(TransientError):
        call(garbled_client(operation, service, body, status), service, operation)
