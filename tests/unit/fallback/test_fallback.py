"""When the function can't run: who answers, when, and with what; EventBridge is moto over HTTP."""

from __future__ import annotations

import ast
import json
import sys

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from massdriver_redis.cloudformation.request import parse
from massdriver_redis.errors import EnvelopeError
from massdriver_redis.state.naming import Owner, nothing_made
from tests.harness.cloudformation import FakeCloudFormation, StackResource
from tests.harness.envelope import HOST, NOW, RESPONSE_URL, SIGNATURE, STACK_ID, event
from tests.harness.fallback import FOLDER, MODULES, LastResort
from tests.harness.moto_aws import MotoAws
from tests.harness.put_server import HANG, PutServer

PREFIX = "mdr-1a2b3c4d"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:provider"
ID = "shop-redis-abcdefghij"


answer, envelope, eventbridge, app = (MODULES[name] for name in ("answer", "envelope", "eventbridge", "app"))


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def world(monkeypatch, moto):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "session",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": moto,
        "RESOURCE_PREFIX": PREFIX,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RESPONSE_HOST", raising=False)
    world = World(eventbridge.EventBridge(sleep=lambda _: None))
    yield world
    world.clear()


class World:
    """The fallback with EventBridge behind it, and what it PUT."""

    def __init__(self, rules):
        self.rules = rules
        self.events = boto3.client("events")
        self.puts = []
        self.status = 200

    def arm(self, request_id=None, name=ID):
        rule = f"{PREFIX}-{name}"
        carried = {"CrHelperPoll": True, "RequestId": request_id or event()["RequestId"]}
        self.events.put_rule(Name=rule, ScheduleExpression="rate(1 minute)")
        self.events.put_targets(
            Rule=rule, Targets=[{"Id": "poll", "Arn": FUNCTION, "Input": json.dumps(carried)}]
        )

    def fail(self, payload, now=NOW, **changes):
        return app.handle(record(payload, **changes), self.rules, self._put, now)

    def _put(self, url, body):
        assert url == RESPONSE_URL
        self.puts.append(json.loads(body))
        assert len(body) <= 4096
        return self.status

    def armed(self):
        pages = self.events.get_paginator("list_rules").paginate()
        return [rule["Name"] for page in pages for rule in page["Rules"]]

    @property
    def response(self):
        (body,) = self.puts
        return body

    def clear(self):
        for name in self.armed():
            self.events.remove_targets(Rule=name, Ids=["poll"])
            self.events.delete_rule(Name=name)


def record(payload, **changes):
    """What Lambda sends to an on-failure destination."""
    return {
        "version": "1.0",
        "timestamp": "2026-09-21T14:16:00.000Z",
        "requestContext": {
            "requestId": "6f9d7d1e",
            "functionArn": f"{FUNCTION}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 2,
        },
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {
            "errorMessage": "Unable to import module 'app': No module named 'crhelper'",
            "errorType": "Runtime.ImportModuleError",
        },
        **changes,
    }


def poll(kind="Create", **changes):
    return event(kind, **{"PhysicalResourceId": ID, "CrHelperPoll": True, "StartedAt": NOW - 60.0, **changes})


# The first event


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_function_that_can_not_start_fails_the_stack_with_the_cause(world, kind):
    world.fail(event(kind))

    assert world.response["Status"] == "FAILED"
    assert "Runtime.ImportModuleError" in world.response["Reason"]
    assert "No module named 'crhelper'" in world.response["Reason"]
    for key in ("StackId", "RequestId", "LogicalResourceId"):
        assert world.response[key] == event(kind)[key]


def test_a_failed_create_carries_the_mark_of_nothing_made_that_the_function_knows(world):
    world.fail(event("Create"))

    assert world.response["PhysicalResourceId"] == nothing_made(Owner(STACK_ID, "Redis"))


@pytest.mark.parametrize("kind", ["Update", "Delete"])
def test_a_failed_update_or_delete_keeps_its_id(world, kind):
    world.fail(event(kind))

    assert world.response["PhysicalResourceId"] == event(kind)["PhysicalResourceId"]


def test_an_armed_rule_means_that_polls_go_on(world):
    world.arm()

    outcome = world.fail(event())

    assert outcome["status"] == "LEFT"
    assert world.puts == []
    assert len(world.armed()) == 1


def test_a_rule_armed_for_another_request_or_provider_polls_for_nobody_here(world):
    world.arm(request_id="another")
    world.events.put_rule(Name="another-provider", ScheduleExpression="rate(1 minute)")

    world.fail(event())

    assert world.response["Status"] == "FAILED"
    assert len(world.armed()) == 2


def test_the_right_rule_is_found_among_many(world):
    for number in range(120):
        world.events.put_rule(Name=f"{PREFIX}-a{number:03}", ScheduleExpression="rate(1 minute)")
    world.arm(name="zz-last")

    assert world.fail(event())["status"] == "LEFT"


@pytest.mark.parametrize("is_poll", [False, True])
def test_the_delete_of_what_was_never_made_succeeds(world, is_poll):
    delete = event("Delete", PhysicalResourceId=nothing_made(Owner(STACK_ID, "Redis")))
    if is_poll:
        world.arm()
        delete = {**delete, "CrHelperPoll": True, "StartedAt": NOW - 7200}

    world.fail(delete)

    assert world.response["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        (
            {"responsePayload": {"errorMessage": "2026 6f9d Task timed out after 120.00 seconds"}},
            "timed out after 120",
        ),
        ({"responsePayload": None, "requestContext": {"condition": "EventAgeExceeded"}}, "EventAgeExceeded"),
        ({"responsePayload": "text", "requestContext": None}, "no cause"),
    ],
)
def test_the_cause_is_told_whatever_lambda_knows_of_it(world, changes, cause):
    world.fail(event(), **changes)

    assert cause in world.response["Reason"]


def test_a_long_cause_keeps_its_head_and_the_place_to_look(world):
    world.fail(event(), responsePayload={"errorMessage": "head " + "x" * 5000, "errorType": "E"})

    assert "E: head" in world.response["Reason"]
    assert world.response["Reason"].endswith("see its log group.")
    assert len(world.response["Reason"]) <= 240


def test_no_secret_is_told(world, caplog):
    secret = {"aws_authentication": {"data": {"external_id": "external-id-0815"}}}
    cause = f"PUT {RESPONSE_URL} as external-id-0815, X-Amz-Signature=0123, {SIGNATURE}"
    caplog.set_level("DEBUG")

    outcome = world.fail(event(ResourceProperties=secret), responsePayload={"errorMessage": cause})

    for text in (json.dumps(world.response), json.dumps(outcome), caplog.text):
        assert SIGNATURE not in text
        assert "external-id-0815" not in text
        assert "0123," not in text


# Polls


def failing_polls(world, minutes, start=NOW, **changes):
    return [world.fail(poll(**changes), now=start + 60 * minute)["status"] for minute in range(minutes + 1)]


def test_polls_that_fail_for_less_than_ten_minutes_are_left_alone(world):
    world.arm()

    assert set(failing_polls(world, 9)) == {"LEFT"}
    assert world.puts == []
    assert len(world.armed()) == 1


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_polls_that_fail_for_ten_minutes_end_in_failed_with_the_id_and_without_the_rule(world, kind):
    world.arm()

    outcomes = failing_polls(world, 10, kind=kind)

    assert outcomes == ["LEFT"] * 10 + ["FAILED"]
    assert world.response["PhysicalResourceId"] == ID
    assert "10 minutes" in world.response["Reason"]
    assert world.armed() == []


def test_a_poll_that_went_well_in_between_starts_the_count_anew(world):
    world.arm()

    failing_polls(world, 9)
    outcomes = failing_polls(world, 9, start=NOW + 9 * 60 + 181)

    assert set(outcomes) == {"LEFT"}


def test_odd_tags_on_the_rule_start_the_count_anew(world):
    world.arm()
    arn = world.events.describe_rule(Name=f"{PREFIX}-{ID}")["Arn"]
    tags = {"massdriver-redis:polls-fail-since": "x", "massdriver-redis:poll-failed-last": "-1"}
    world.rules.tag(arn, tags)

    assert world.fail(poll())["status"] == "LEFT"


def test_a_poll_that_fails_past_its_deadline_is_answered_at_once(world):
    world.arm()
    late = poll(StartedAt=NOW - 500, ResourceProperties={"ServiceTimeout": "600"})

    assert world.fail(late)["status"] == "FAILED"
    assert world.armed() == []


@pytest.mark.parametrize("rule", [None, "another"])
def test_a_failed_poll_of_a_finished_or_superseded_request_answers_nobody(world, rule):
    if rule:
        world.arm(request_id=rule)

    world.fail(poll(), now=NOW + 7200)

    assert world.puts == []
    assert len(world.armed()) == (1 if rule else 0)


def test_an_expired_url_still_removes_the_rule(world):
    world.arm()
    world.status = 403

    world.fail(poll(StartedAt=NOW - 3600))

    assert world.armed() == []


# Garbage


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
    ],
    ids=range(13),
)
def test_garbage_is_ignored_and_answers_nobody(world, garbage):
    def never(*_):
        raise AssertionError("answered")

    assert app.handle(garbage, world.rules, never, NOW) == {"status": "IGNORED"}


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
    failed = envelope.read(whole)
    if failed:
        assert isinstance(failed.physical_id, str)
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


# The whole way, on a simulated clock


@pytest.fixture
def stack():
    last_resort = LastResort()
    with MotoAws() as cloud, FakeCloudFormation(cloud.clock, failed=last_resort) as cloudformation:
        last_resort.cloudformation = cloudformation
        cloudformation.last_resort = last_resort
        yield cloudformation


def broken(*_):
    raise ImportError("No module named 'crhelper'")


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_function_that_fails_to_import_fails_the_stack_in_under_five_minutes(stack, monkeypatch, kind):
    monkeypatch.setattr(stack._app, "handler", broken)
    stack.resources["Redis"] = StackResource(
        ID if kind != "Create" else None, {"node_type": "cache.t3.micro"}
    )

    response = stack.run(stack.send(kind, "Redis"))

    assert response.status == "FAILED"
    assert "No module named 'crhelper'" in response.reason
    assert response.seconds < 300
    assert response.physical_id == (ID if kind != "Create" else nothing_made(Owner(stack.stack_id, "Redis")))


def test_the_delete_after_such_a_create_succeeds_with_the_function_still_broken(stack, monkeypatch):
    monkeypatch.setattr(stack._app, "handler", broken)
    stack.create("Redis", {"node_type": "cache.t3.micro"})

    assert stack.roll_back("Redis").ok


def test_a_function_that_breaks_while_work_is_open_fails_the_stack_and_leaves_no_rule(stack, monkeypatch):
    stack.resources["Redis"] = StackResource(None, {"node_type": "cache.t3.micro"})
    request = stack.send("Create", "Redis")
    carried = {**request.event, "CrHelperPoll": True, "PhysicalResourceId": ID, "StartedAt": request.sent_at}
    stack._events.put_rule(Name=f"{PREFIX}-{ID}", ScheduleExpression="rate(1 minute)")
    stack._events.put_targets(
        Rule=f"{PREFIX}-{ID}", Targets=[{"Id": "poll", "Arn": FUNCTION, "Input": json.dumps(carried)}]
    )
    monkeypatch.setattr(stack._app, "handler", broken)

    response = stack.run(request)

    assert (response.status, response.physical_id) == ("FAILED", ID)
    assert 600 <= response.seconds <= 900
    assert stack.armed() == []
    assert stack.last_resort.outcomes[0] == "LEFT"


# EventBridge and the PUT


@pytest.mark.parametrize("token", ["", "session-token"])
def test_the_signature_is_the_one_botocore_makes(token):
    environ = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_REGION": "eu-west-1",
        "AWS_SESSION_TOKEN": token,
    }
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "Host": "events.eu-west-1.amazonaws.com",
        "X-Amz-Target": "AWSEvents.ListRules",
    }
    body = b'{"NamePrefix":"mdr"}'

    ours = eventbridge.sign(headers, body, environ, NOW)

    request = AWSRequest("POST", "https://events.eu-west-1.amazonaws.com/", headers=dict(headers), data=body)
    keys = Credentials(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], token or None)
    signer = SigV4Auth(keys, "events", "eu-west-1")
    request.context["timestamp"] = ours["X-Amz-Date"]
    if token:
        request.headers["X-Amz-Security-Token"] = token
    request.headers["X-Amz-Date"] = ours["X-Amz-Date"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert ours["Authorization"].endswith(f"Signature={signer.signature(text, request)}")


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({"AWS_REGION": "eu-west-1"}, "https://events.eu-west-1.amazonaws.com"),
        ({"AWS_REGION": "us-gov-west-1"}, "https://events.us-gov-west-1.amazonaws.com"),
        ({"AWS_REGION": "cn-north-1"}, "https://events.cn-north-1.amazonaws.com.cn"),
        ({"AWS_REGION": "x", "AWS_ENDPOINT_URL": "https://localhost:4566"}, "https://localhost:4566"),
        (
            {"AWS_ENDPOINT_URL": "https://a", "AWS_ENDPOINT_URL_EVENTBRIDGE": "https://b"},
            "https://b",
        ),
    ],
)
def test_the_endpoint_is_the_region_s_or_the_emulator_s(environ, endpoint):
    assert eventbridge.EventBridge(environ)._endpoint() == endpoint


def test_a_rule_removed_meanwhile_is_no_failure(world):
    world.rules.remove("mdr-1a2b3c4d-gone", "r-1")


def test_where_eventbridge_can_not_be_asked_lambda_delivers_again(world, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(eventbridge.EventBridgeError) as failure:
        world.fail(event())

    assert "ListRules" in str(failure.value)
    assert world.puts == []


@pytest.fixture
def server(monkeypatch):
    with PutServer() as running:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(running.bundle))
        yield running


def test_the_whole_way_from_the_record_to_the_put(world, server, monkeypatch):
    monkeypatch.setenv("RESPONSE_HOST", server.host)
    url = f"https://{server.host}/key?X-Amz-Signature=1"

    outcome = app.handler(record(event(ResponseURL=url)), None)

    (put,) = server.puts
    assert outcome["status"] == put.json()["Status"] == "FAILED"
    assert put.headers["Content-Type"] == ""
    assert put.headers["Content-Length"] == str(len(put.body))


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


def test_it_imports_nothing_but_the_standard_library_and_itself():
    own = {path.stem for path in FOLDER.glob("*.py")}
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names | own, f"{path.name}: {name}"
