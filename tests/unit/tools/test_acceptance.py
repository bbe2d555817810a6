"""`make acceptance`: what it refuses, what it estimates, what its transcript hides, and what diverges."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from tools.acceptance import __main__ as command
from tools.acceptance import budget, cleanup, divergence, leftovers, settings, simulated
from tools.acceptance.leftovers import Leftover
from tools.acceptance.redaction import ACCOUNT, HIDDEN, redacted
from tools.acceptance.run import FailedError, Run
from tools.acceptance.script import QUESTIONS, STEPS
from tools.acceptance.transcript import Entry, Transcript

GIVEN = {
    "I_ACCEPT_COSTS": "yes",
    "REGION": "eu-west-1",
    "VPC_ID": "vpc-1",
    "SUBNET_IDS": "subnet-1, subnet-2",
}
BY_MAKE = {"TEMPLATE", "SAM", "AWS_ENDPOINT_URL"}
"""Settings that the Makefile or an emulator gives."""
ANSWER = "DescribeReplicationGroupsResult"


# --- what it refuses --------------------------------------------------------------------------------


@pytest.mark.parametrize("consent", [None, "", "no", "YES", "true"])
def test_without_consent_it_says_in_one_line_what_it_costs_and_what_to_do(
    consent: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {key: value for key, value in {**GIVEN, "I_ACCEPT_COSTS": consent}.items() if value is not None}

    assert command.main([], environ) == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert "make acceptance I_ACCEPT_COSTS=yes REGION=" in told.err
    assert budget.summary() in told.err


@pytest.mark.parametrize("name", ["REGION", "VPC_ID", "SUBNET_IDS"])
def test_without_a_place_it_says_what_is_missing(name: str) -> None:
    with pytest.raises(settings.RefusedError, match=f"^Missing: {name}. Say where"):
        settings.read({**GIVEN, name: " "})


def test_one_subnet_is_not_enough() -> None:
    with pytest.raises(settings.RefusedError, match="two subnets of two zones"):
        settings.read({**GIVEN, "SUBNET_IDS": "subnet-1,subnet-1"})


def test_the_settings_are_those_of_the_environment_and_an_emulator_answers_at_its_own_host() -> None:
    read = settings.read(GIVEN)
    assert (read.region, read.vpc_id, read.subnet_ids) == ("eu-west-1", "vpc-1", ("subnet-1", "subnet-2"))
    assert (read.look_seconds, read.response_host) == (10, "")
    assert settings.read({**GIVEN, "AWS_ENDPOINT_URL": "https://localhost:4566"}).response_host == (
        "localhost:4566"
    )


def test_every_setting_of_the_user_is_in_the_documentation() -> None:
    root = Path(__file__).resolve().parents[3]
    source = (root / "tools" / "acceptance" / "settings.py").read_text("utf-8")
    page = (root / "docs" / "acceptance.md").read_text("utf-8")
    read = set(re.findall(r'"([A-Z][A-Z_]+)"', source))

    assert set(GIVEN) < read
    assert [name for name in read - BY_MAKE if f"`{name}`" not in page] == []


def test_a_check_of_the_settings_begins_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--check"], GIVEN) == 0
    assert capsys.readouterr() == ("", "")


# --- what it estimates ------------------------------------------------------------------------------


def test_the_estimate_is_the_sum_of_the_steps() -> None:
    told = list(budget.lines())

    assert budget.minutes() == sum(step.minutes for step in STEPS) + budget.PROVIDER_MINUTES
    assert [line.split()[0] for line in told[1 : len(STEPS) + 1]] == [step.name.split()[0] for step in STEPS]
    assert f"about {budget.minutes()} minutes" in told[-2]
    assert f"{budget.node_hours() * budget.NODE_HOUR:.2f} USD" in told[-2]
    assert f"budget: {3 * budget.node_hours() * budget.NODE_HOUR + budget.SMALL_THINGS:.2f} USD" in told[-1]


def test_no_step_is_estimated_shorter_than_what_the_simulator_takes() -> None:
    _, seconds = simulated.life()
    assert {step.name for step in STEPS} == set(seconds)
    assert [step.name for step in STEPS if seconds[step.name] > 60 * step.minutes] == []


# --- what its transcript hides ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"AuthToken": "s3cret"},
        {"SecretString": '{"password": "s3cret"}'},
        {"Credentials": {"SecretAccessKey": "s3cret", "SessionToken": "s3cret"}},
        {"Outputs": [{"OutputKey": "Password", "OutputValue": "s3cret"}]},
        {"Parameters": [{"ParameterKey": "AuthToken", "ParameterValue": "s3cret"}]},
        {"UserId": "s3cret"},
        {"Arn": "arn:aws:sts::210987654321:assumed-role/admin/s3cret"},
        {"Message": "User: arn:aws:iam::210987654321:user/s3cret is not authorized"},
        {"Url": "https://b.s3.amazonaws.com/x?X-Amz-Signature=s3cret&X-Amz-Expires=7200"},
        {"Text": b"X-Amz-Security-Token=s3cret"},
        {"Log": "ResponseURL https://b.s3.amazonaws.com/x?AWSAccessKeyId=s3cret&Signature=s3cret"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_a_secret_is_replaced(given: dict[str, Any]) -> None:
    assert "s3cret" not in json.dumps(redacted(given))


def test_an_account_is_replaced_and_everything_else_stays() -> None:
    found = redacted(
        {
            "Account": "210987654321",
            "ARN": "arn:aws:elasticache:us-east-1:210987654321:replicationgroup:acc1-abc",
            "AuthTokenEnabled": True,
            "Port": 6379,
            "Date": datetime(2026, 7, 1, tzinfo=UTC),
            "Key": "the key AKIAIOSFODNN7EXAMPLE",
            "None": None,
        }
    )
    assert found == {
        "Account": ACCOUNT,
        "ARN": f"arn:aws:elasticache:us-east-1:{ACCOUNT}:replicationgroup:acc1-abc",
        "AuthTokenEnabled": True,
        "Port": 6379,
        "Date": "2026-07-01T00:00:00+00:00",
        "Key": f"the key {HIDDEN}",
        "None": None,
    }


class Raw(BytesIO):
    """A body as urllib3 hands it to botocore."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answering(session: boto3.Session, *answers: tuple[int, str]) -> Any:
    """Return a client of ElastiCache whose requests are answered in process, one after the other."""
    left = list(answers)

    def send(request: Any, **_: Any) -> AWSResponse:
        status, body = left.pop(0)
        return AWSResponse(request.url, status, {"Content-Type": "text/xml"}, Raw(body.encode()))

    session.events.register("before-send.*.*", send)
    return session.client("elasticache", config=Config(retries={"total_max_attempts": 2}))


def test_every_attempt_is_written_down_with_its_answer_and_without_the_clusters_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    shown = "".join(
        f"<ReplicationGroup><ReplicationGroupId>{name}</ReplicationGroupId></ReplicationGroup>"
        for name in ("acc1-a", "shop-b")
    )
    error = (
        "<ErrorResponse><Error><Code>{}</Code><Message>account 210987654321</Message></Error></ErrorResponse>"
    )
    transcript = Transcript(tmp_path / "acc1.jsonl", "acc1")
    session = boto3.Session("key", "secret", region_name="us-east-1")
    transcript.attach(session.events)
    transcript.step = "create"
    cache = answering(
        session,
        (503, error.format("ServiceUnavailable")),
        (200, f"<R><{ANSWER}><ReplicationGroups>{shown}</ReplicationGroups></{ANSWER}></R>"),
        (404, error.format("ReplicationGroupNotFoundFault")),
    )

    cache.describe_replication_groups(MaxRecords=20)
    with pytest.raises(ClientError):
        cache.describe_replication_groups(ReplicationGroupId="acc1-x")

    written = [json.loads(line) for line in transcript.path.read_text("utf-8").splitlines()]
    assert written == transcript.entries
    first, second, third = written
    assert {(each["step"], each["operation"]) for each in written} == {
        ("create", "DescribeReplicationGroups")
    }
    assert [each["status"] for each in written] == [503, 200, 404]
    assert [each["request"] for each in written] == [
        {"MaxRecords": 20},
        {"MaxRecords": 20},
        {"ReplicationGroupId": "acc1-x"},
    ]
    assert first["error"]["Message"] == f"account {ACCOUNT}"
    assert second["response"] == {
        "ReplicationGroups": [{"ReplicationGroupId": "acc1-a"}],
        "LeftOut": "1 of others",
    }
    assert third["error"]["Code"] == "ReplicationGroupNotFoundFault"


# --- what diverges ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def life() -> list[Entry]:
    return simulated.life()[0]


def test_the_simulator_does_not_diverge_from_itself(life: list[Entry]) -> None:
    assert divergence.report(life, life) == []


def test_the_simulated_life_shows_every_cluster_in_every_step(life: list[Entry]) -> None:
    seen = divergence.observed(life)
    assert seen["create"]["cluster 1"].statuses == ["creating", "available"]
    assert seen["replace"]["cluster 1"].statuses[-2:] == ["deleting", divergence.GONE]
    assert seen["replace"]["cluster 2"].statuses == ["creating", "available"]
    assert seen["delete"]["cluster 2"].statuses[-2:] == ["deleting", divergence.GONE]


def changed(life: list[Entry], step: str, operation: str, change: Any) -> list[Entry]:
    """Return the recording with every answer to an operation changed in one step."""
    copy = deepcopy(life)
    for entry in copy:
        if (entry["step"], entry["operation"]) == (step, operation) and "response" in entry:
            change(entry["response"])
    return copy


def groups(change: Any) -> Any:
    return lambda response: [change(each) for each in response["ReplicationGroups"]]


def nodes(change: Any) -> Any:
    return lambda response: [change(each) for each in response["CacheClusters"]]


@pytest.mark.parametrize(
    ("step", "operation", "change", "said"),
    [
        (
            "delete",
            "DescribeReplicationGroups",
            groups(lambda group: group.update(Status=group["Status"].replace("deleting", "snapshotting"))),
            (
                "delete: cluster 2: AWS was available > snapshotting > gone; "
                "the simulator is available > deleting > gone"
            ),
        ),
        (
            "create",
            "DescribeCacheClusters",
            nodes(lambda node: node.update(CacheClusterStatus="create-failed")),
            "create: cluster 1: nodes were create-failed on AWS, never on the simulator",
        ),
        (
            "scale",
            "DescribeReplicationGroups",
            groups(lambda group: group.update(Durability="default")),
            "replication group: only AWS shows Durability (default)",
        ),
        (
            "scale",
            "DescribeReplicationGroups",
            groups(lambda group: [each.pop("ReaderEndpoint") for each in group["NodeGroups"]]),
            "replication group: only the simulator shows NodeGroups[].ReaderEndpoint.Port (6379)",
        ),
        (
            "scale",
            "DescribeCacheClusters",
            nodes(lambda node: node.update(EngineVersion="6.2.7")),
            "node: EngineVersion is 6.2.7 on AWS, 6.2.6 on the simulator",
        ),
        (
            "questions",
            "ListAllowedNodeTypeModifications",
            lambda response: response["ScaleUpModifications"].append("cache.z9.large"),
            "ListAllowedNodeTypeModifications({cluster}): AWS also has cache.z9.large",
        ),
    ],
    ids=["status", "node status", "more shown", "less shown", "value", "answer"],
)
def test_a_divergence_is_reported_once(
    life: list[Entry], step: str, operation: str, change: Any, said: str
) -> None:
    assert said in divergence.report(changed(life, step, operation, change), life)
    assert divergence.report(changed(life, step, operation, change), life).count(said) == 1


def test_what_is_each_accounts_own_and_what_is_too_short_to_see_are_no_divergences(life: list[Entry]) -> None:
    text = json.dumps(life).replace(".use1.cache.amazonaws.com", ".euw1.cache.amazonaws.com")
    brief = [
        entry
        for entry in json.loads(text)
        if not (entry["step"] == "scale" and '"Status": "modifying"' in json.dumps(entry))
    ]
    assert len(brief) < len(life)
    assert divergence.report(brief, life) == []


def test_a_question_that_is_refused_otherwise_is_reported_and_one_that_was_throttled_is_not(
    life: list[Entry],
) -> None:
    asked = next(
        each for each in life if each["step"] == "questions" and each["operation"] == QUESTIONS[0].operation
    )
    throttled = {key: value for key, value in asked.items() if key != "response"}
    throttled["error"] = {"Code": "Throttling", "Message": "Rate exceeded"}
    place = life.index(asked)

    assert divergence.report([*life[:place], throttled, *life[place:]], life) == []
    [said] = divergence.report([*life[:place], throttled, *life[place + 1 :]], life)
    assert said.startswith("DescribeCacheEngineVersions(redis): AWS also has error Throttling and lacks")


def test_a_run_that_ended_early_is_compared_for_the_steps_it_took(life: list[Entry]) -> None:
    assert divergence.report([each for each in life if each["step"] == "create"], life) == []
    assert list(command.report_lines([], [], {"create": 500.4}, {"create": 452.0}))[1:] == [
        "  create: 500 s here, 452 s on the simulator",
        "0 divergence(s)",
    ]


# --- the clean-up -----------------------------------------------------------------------------------


class Account:
    """What the clean-up meets: stacks by name with their status, and things that are left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.stacks = {"acc1-redis": "CREATE_COMPLETE", "acc1-provider": "CREATE_COMPLETE"}
        self.left = [Leftover("replication group", "acc1-a", "acc1-a"), Leftover("secret", "acc1-s", "arn")]
        self.stubborn: set[str] = set()
        self.done: list[str] = []
        self.run = SimpleNamespace(
            name="acc1",
            consumer="acc1-redis",
            provider="acc1-provider",
            settings=SimpleNamespace(look_seconds=0),
            transcript=SimpleNamespace(step=""),
            say=lambda _text: None,
        )
        monkeypatch.setattr(cleanup, "Stack", lambda _run, name: _Stack(self, name))
        monkeypatch.setattr(leftovers, "find", lambda _run: list(self.left))
        monkeypatch.setattr(cleanup, "_remove", lambda _run, each: self.remove(each))
        monkeypatch.setattr(cleanup, "_keep_log", lambda *_: self.done.append("log"))

    def remove(self, each: Leftover) -> None:
        if each.name in self.stubborn:
            raise FailedError("denied")
        self.left.remove(each)
        self.done.append(each.name)


class _Stack:
    def __init__(self, account: Account, name: str) -> None:
        self.name, self._account = name, account

    def status(self) -> str:
        return self._account.stacks.get(self.name, "DELETE_COMPLETE")

    def cancel_update(self) -> None:
        """Nothing is under way."""

    def wait(self) -> str:
        return self.status()

    def reasons(self) -> list[str]:
        return ["Redis: denied"]

    def delete(self, retained: tuple[str, ...] = ()) -> None:
        if self.name in self._account.stubborn and not retained:
            self._account.stacks[self.name] = "DELETE_FAILED"
        else:
            del self._account.stacks[self.name]
            self._account.done.append(self.name)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    return Account(monkeypatch, tmp_path)


def cleaned(account: Account) -> list[str]:
    run: Any = account.run
    return cleanup.clean_up(run)


def test_the_clean_up_removes_the_cluster_then_what_is_left_and_the_provider_last(account: Account) -> None:
    assert cleaned(account) == []
    assert account.done == ["acc1-redis", "acc1-a", "acc1-s", "log", "acc1-provider"]


def test_a_stack_that_its_provider_cant_delete_goes_without_the_resource_once_that_is_removed(
    account: Account,
) -> None:
    account.stubborn = {"acc1-redis"}
    assert cleaned(account) == []
    assert account.done == ["acc1-a", "acc1-s", "acc1-redis", "log", "acc1-provider"]


def test_what_can_t_be_removed_is_named_with_its_reason_and_the_rest_is_removed(account: Account) -> None:
    account.stubborn = {"acc1-a"}
    [problem] = cleaned(account)
    assert problem == "what the stack left: replication group acc1-a (denied)"
    assert account.done == ["acc1-redis", "acc1-s", "log", "acc1-provider"]


@pytest.mark.parametrize(
    "end",
    [KeyboardInterrupt(), FailedError("x"), ClientError({}, "CreateStack"), OSError("no sam"), KeyError("x")],
)
def test_it_cleans_up_whatever_ended_the_life_and_names_at_last_what_is_left(
    end: BaseException, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cleaned_up: list[Run] = []

    def led(_run: Run) -> None:
        raise end

    monkeypatch.setattr(command.life, "lead", led)
    monkeypatch.setattr(
        command.cleanup, "clean_up", lambda run: cleaned_up.append(run) or ["stack x: denied"]
    )
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(command.simulated, "life", lambda: ([], {}))

    assert command.main([], {**GIVEN, "ACCEPTANCE_DIR": str(tmp_path)}) == 1
    assert len(cleaned_up) == 1
    *_, left, failed = capsys.readouterr().out.splitlines()
    assert left.endswith("NOT REMOVED: stack x: denied")
    assert "FAILED: " in failed
