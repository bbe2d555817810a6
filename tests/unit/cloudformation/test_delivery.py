"""The PUT of a response against a real https server on this machine."""

from __future__ import annotations

import time
import traceback

import pytest

from massdriver_redis.cloudformation.delivery import RefusedError, ResponderError, UnreachableError, send
from tests.harness.clock import SimulatedClock
from tests.harness.put_server import DROP, HANG, PutServer

BODY = b'{"Status":"SUCCESS"}'
QUERY = "X-Amz-Signature=5f2d1c0b9a8e7d6c"


@pytest.fixture
def server(monkeypatch):
    with PutServer() as running:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(running.bundle))
        yield running


@pytest.fixture
def clock():
    return SimulatedClock()


def put(server, clock, seconds=60.0):
    send(f"https://{server.host}/key%3Awith?{QUERY}", BODY, until=clock.now() + seconds, clock=clock)


def test_the_body_arrives_once_with_the_headers_that_s3_signs(server, clock):
    put(server, clock)

    (arrived,) = server.puts
    assert arrived.path == f"/key%3Awith?{QUERY}"
    assert arrived.body == BODY
    assert arrived.headers["Content-Type"] == ""
    assert arrived.headers["Content-Length"] == str(len(BODY))


@pytest.mark.parametrize("status", [500, 503, 429, 408, 400, 301, 307, DROP])
def test_a_transient_failure_is_retried(server, clock, status):
    server.statuses = [status, status]

    put(server, clock)

    assert len(server.puts) == 3
    assert clock.now() > SimulatedClock().now()


@pytest.mark.parametrize("status", [403, 404, 405])
def test_a_refused_response_is_not_retried(server, clock, status):
    server.statuses = [status]

    with pytest.raises(RefusedError, match=str(status)):
        put(server, clock)

    assert len(server.puts) == 1


def test_attempts_go_on_while_time_lasts(server, clock):
    server.statuses = [400] * 9

    put(server, clock, seconds=100)

    assert len(server.puts) == 10


def test_attempts_end_when_no_time_is_left(server, clock):
    server.statuses = [503] * 50
    end = clock.now() + 3.5

    with pytest.raises(UnreachableError):
        put(server, clock, seconds=3.5)

    assert 1 < len(server.puts) < 5
    assert clock.now() < end


def test_one_attempt_is_made_even_with_no_time_left(server, clock):
    put(server, clock, seconds=-1)

    assert len(server.puts) == 1


def test_a_server_that_never_answers_ends_in_a_timeout(server, clock):
    server.statuses = [HANG]
    began = time.monotonic()

    with pytest.raises(UnreachableError, match="TimeoutError"):
        put(server, clock, seconds=1.0)

    assert time.monotonic() - began < 5


def test_a_closed_port_is_unreachable(server, clock, monkeypatch):
    server.__exit__()

    with pytest.raises(UnreachableError, match="ConnectionRefusedError"):
        put(server, clock, seconds=0)


def test_an_unknown_certificate_is_never_trusted(server, clock, monkeypatch):
    monkeypatch.delenv("AWS_CA_BUNDLE")

    with pytest.raises(UnreachableError, match="SSL"):
        put(server, clock, seconds=0)

    assert server.puts == []


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_named_in_the_environment_are_trusted(server, clock, monkeypatch, variable):
    monkeypatch.delenv("AWS_CA_BUNDLE")
    monkeypatch.setenv(variable, str(server.bundle))

    put(server, clock)

    assert len(server.puts) == 1


def test_a_missing_file_of_certificates_is_ignored(server, clock, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")

    put(server, clock)

    assert len(server.puts) == 1


@pytest.mark.parametrize("statuses", [[403], [503] * 20, [DROP] * 20])
def test_no_failure_contains_the_url(server, clock, statuses):
    server.statuses = statuses

    with pytest.raises(ResponderError) as failure:
        put(server, clock)

    assert QUERY not in "".join(traceback.format_exception(failure.value))
    assert failure.value.__context__ is None


def test_a_path_that_http_refuses_is_unreachable_without_being_shown(server, clock):
    with pytest.raises(UnreachableError) as failure:
        send(f"https://{server.host}/a b?{QUERY}", BODY, until=0, clock=clock)

    assert QUERY not in "".join(traceback.format_exception(failure.value))
