"""The wiring: the handler's path, its environment, and the whole way to a real response server."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from massdriver_redis.clock import SystemClock
from massdriver_redis.cloudformation import delivery as responder
from tests.harness.context import FUNCTION as FUNCTION_ARN
from tests.harness.context import Context
from tests.harness.envelope import SIGNATURE, event
from tests.harness.moto_aws import MotoAws
from tests.harness.put_server import PutServer
from tests.harness.schedules import GROUP, ROLE_ARN

FUNCTION = Path(__file__).parents[2] / "function"


@pytest.fixture
def app(monkeypatch):
    for name, value in {
        "RESOURCE_PREFIX": "mdr-1a2b3c4d",
        "RESPONSE_HOST": "",
        "SCHEDULE_GROUP": GROUP,
        "SCHEDULER_ROLE_ARN": ROLE_ARN,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SAM_LOCAL", raising=False)
    return importlib.import_module("app")


@pytest.fixture
def server(monkeypatch):
    with PutServer() as running:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(running.bundle))
        monkeypatch.setenv("RESPONSE_HOST", running.host)
        yield running


def refused_create(server):
    """A create that fails on its properties, so that no AWS is needed."""
    url = f"https://{server.host}/key?X-Amz-Signature={SIGNATURE}"
    return event(ResponseURL=url, ResourceProperties={"node_type": "cache.t3.mikro"})


def test_the_response_goes_the_whole_way_to_the_named_host(app, server, monkeypatch):
    monkeypatch.setattr(app, "resource", app.wire(SystemClock(), responder.send))

    summary = app.handler(refused_create(server), Context(SystemClock()))

    (put,) = server.puts
    assert put.json()["Status"] == summary["status"] == "FAILED"
    assert "node_type" in put.json()["Reason"]
    assert put.path == f"/key?X-Amz-Signature={SIGNATURE}"


def nested(depth):
    value = "end"
    for _ in range(depth):
        value = {"data": value}
    return value


@pytest.mark.parametrize(
    "properties",
    [
        {"node_type": "x" * 1_000_000, "vpc": {}},
        {"vpc": nested(900), "tags": nested(900), "aws_authentication": nested(900)},
        {"tags": {str(number): "v" for number in range(20_000)}},
        {"vpc": {"data": {"infrastructure": {"internal_subnets": [{}] * 10_000}}}},
        {"no\x00de\ud800_typ\u202ee\n" * 50: "\x1b[31m", "md_metadata": {"name_prefix": "\u0000\ud83d"}},
        {"aws_authentication": {"data": {"external_id": "e" * 500_000, "arn": ["x"]}}},
    ],
    ids=["megabyte", "deep", "many-tags", "many-subnets", "control-characters", "long-external-id"],
)
@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_hostile_properties_are_refused_in_words(app, server, monkeypatch, kind, properties):
    monkeypatch.setattr(app, "resource", app.wire(SystemClock(), responder.send))
    changed = {**refused_create(server), "RequestType": kind, "ResourceProperties": properties}
    if kind == "Update":
        changed |= {"PhysicalResourceId": "shop-redis-abcdefghij", "OldResourceProperties": properties}

    app.handler(changed, Context(SystemClock()))

    (put,) = server.puts
    assert put.json()["Status"] == "FAILED"
    assert not put.json()["Reason"].startswith("Internal error")
    assert 0 < len(put.json()["Reason"]) <= 240
    assert len(put.body) <= 4096


def test_without_the_extra_host_nothing_but_aws_is_answered(app, server, monkeypatch):
    monkeypatch.setenv("RESPONSE_HOST", "")
    monkeypatch.setattr(app, "resource", app.wire(SystemClock(), responder.send))

    summary = app.handler(refused_create(server), Context(SystemClock()))

    assert summary["status"] == "REFUSED"
    assert server.puts == []


def test_on_a_developer_s_machine_a_refusal_is_returned_and_not_sent(app, server, monkeypatch):
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")
    monkeypatch.setattr(app, "resource", app.wire(SystemClock(), responder.send))

    summary = app.handler(refused_create(server), Context(SystemClock()))

    assert server.puts == []
    assert summary["response"]["Status"] == "FAILED"
    assert SIGNATURE not in json.dumps(summary)


MADE_UP = "arn:aws:lambda:us-east-1:012345678912:function:ProviderFunction"


@pytest.mark.parametrize(("local", "status"), [("true", "FAILED"), ("", "REFUSED")])
def test_the_account_of_the_function_counts_but_for_the_made_up_one_of_sam_local(
    app, server, monkeypatch, local, status
):
    monkeypatch.setenv("AWS_SAM_LOCAL", local)
    monkeypatch.setattr(app, "resource", app.wire(SystemClock(), responder.send))
    context = Context(SystemClock())
    context.invoked_function_arn = MADE_UP

    assert app.handler(refused_create(server), context)["status"] == status
    assert server.puts == []


def test_the_parameter_admits_stacks_of_further_accounts(app, server, monkeypatch):
    monkeypatch.setenv("STACK_ACCOUNT_IDS", "111122223333,123456789012")
    monkeypatch.setattr(app, "resource", app.wire(SystemClock(), responder.send))
    context = Context(SystemClock())
    context.invoked_function_arn = MADE_UP

    assert app.handler(refused_create(server), context)["status"] == "FAILED"
    assert len(server.puts) == 1


def test_a_poll_that_can_not_begin_deletes_its_own_schedule_and_no_other(app, server):
    names = [f"shop-redis-abcdefghij-{second}-aaaabbbbcccc" for second in (1782864000, 1782864001)]
    with MotoAws() as cloud:
        resource = app.wire(cloud.clock, responder.send)
        scheduler = app.own_client("scheduler")
        for name in names:
            carried = {**refused_create(server), "CrHelperPoll": True, "ScheduleName": name}
            scheduler.create_schedule(
                Name=name,
                GroupName=GROUP,
                ScheduleExpression="rate(1 minute)",
                FlexibleTimeWindow={"Mode": "OFF"},
                Target={"Arn": FUNCTION_ARN, "RoleArn": ROLE_ARN, "Input": json.dumps(carried)},
            )

        resource({"CrHelperPoll": True, "ScheduleName": names[0]}, Context(cloud.clock))

        assert cloud.schedules.names() == names[1:]
    assert [put.json()["Status"] for put in server.puts] == ["FAILED"]


def test_the_wiring_is_short_and_nothing_else():
    assert len((FUNCTION / "app.py").read_text().splitlines()) <= 80


def test_importing_the_handler_makes_no_client_and_leaves_the_root_logger_alone():
    script = (
        "import logging, boto3\n"
        "def forbidden(*_, **__): raise SystemExit('a client was made at import')\n"
        "boto3.client = boto3.Session = forbidden\n"
        "level = logging.getLogger().level\n"
        "import app\n"
        "assert callable(app.handler) and logging.getLogger().level == level\n"
    )
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(FUNCTION),
        "RESOURCE_PREFIX": "mdr-1a2b3c4d",
        "SCHEDULE_GROUP": GROUP,
        "SCHEDULER_ROLE_ARN": ROLE_ARN,
    }

    done = subprocess.run(
        [sys.executable, "-c", script], check=False, env=environ, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
