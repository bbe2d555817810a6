"""The PUT of the response, and the whole way to it with the SDK over HTTP."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from massdriver_redis.clock import SystemClock
from tests.harness.context import Context
from tests.harness.envelope import event
from tests.harness.fallback import FOLDER
from tests.harness.put_server import HANG, PutServer
from tests.harness.schedules import GROUP

from .stage import answer, app, record, schedules


@pytest.fixture
def server(monkeypatch):
    with PutServer() as running:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(running.bundle))
        yield running


@pytest.fixture
def moto(monkeypatch) -> Iterator[None]:
    """Serve moto's Scheduler over HTTP, with the provider's schedule group."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "SCHEDULE_GROUP": GROUP,
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("scheduler").create_schedule_group(Name=GROUP)
    yield
    running.stop()


@pytest.mark.usefixtures("moto")
def test_the_whole_way_from_the_record_to_the_put(server, monkeypatch):
    monkeypatch.setenv("RESPONSE_HOST", server.host)
    url = f"https://{server.host}/key?X-Amz-Signature=1"

    outcome = app.handler(record(event(ResponseURL=url)), Context(SystemClock()))

    (put,) = server.puts
    assert outcome["status"] == put.json()["Status"] == "FAILED"
    assert put.headers["Content-Type"] == ""
    assert put.headers["Content-Length"] == str(len(put.body))


@pytest.mark.usefixtures("moto")
def test_where_scheduler_can_not_be_reached_lambda_tries_again(server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(schedules.SchedulerError, match="list_schedules got no answer"):
        app.handler(record(event()), Context(SystemClock()))

    assert server.puts == []


def test_a_put_is_tried_again_and_a_refusal_is_final(server):
    url = f"https://{server.host}/key"

    server.statuses = [503, 429, 200]
    assert answer.put(url, b"{}", sleep=lambda _: None) == 200
    server.statuses = [403]
    assert answer.put(url, b"{}", sleep=lambda _: None) == 403
    server.statuses = [503] * 3
    with pytest.raises(answer.UndeliveredError) as failure:
        answer.put(url + "?secret", b"{}", sleep=lambda _: None)

    assert "secret" not in str(failure.value)
    assert len(server.puts) == 7


def test_a_put_that_hangs_is_left(server, monkeypatch):
    monkeypatch.setattr(answer, "_TIMEOUT", 0.3)
    server.statuses = [HANG] * 3

    with pytest.raises(answer.UndeliveredError, match="TimeoutError"):
        answer.put(f"https://{server.host}/key", b"{}", sleep=lambda _: None)


SHARED = "massdriver_redis.cloudformation.genuine"


def test_it_imports_the_standard_library_the_runtimes_sdk_itself_and_one_module_of_the_provider():
    allowed = sys.stdlib_module_names | {path.stem for path in FOLDER.glob("*.py")} | {"boto3", "botocore"}
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name == SHARED or name.split(".")[0] in allowed, f"{path.name}: {name}"
