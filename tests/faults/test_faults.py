"""Any fault at any AWS call of any operation ends right: a seeded share here, all by `make faults`."""

from __future__ import annotations

import random
import re
import sys
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from massdriver_redis.aws.poll_schedule import PollSchedules
from massdriver_redis.cloudformation import poll_event
from massdriver_redis.handler import PollingResource
from massdriver_redis.planner import delete as teardown
from massdriver_redis.planner.decision import Reject, UpToDate
from massdriver_redis.reconciler.loop import Reconciliation as Handling
from massdriver_redis.reconciler.retries import RetryPolicy
from tests.harness.schedules import Schedules

from . import explorer, search
from .explorer import every, pairs, record, replay
from .faults import KINDS, PUT
from .judge import Fault
from .operations import OPERATIONS

SEED = 20260701
SHARE = 6
"""Faults of each operation that are tried here."""

CALLS = {
    "create": 72,
    "create replicated": 74,
    "create sharded": 72,
    "create that fails": 69,
    "update node type": 85,
    "update replicas up": 55,
    "update replicas down": 54,
    "update shards out": 54,
    "update shards in": 54,
    "update engine": 85,
    "update tags": 66,
    "update access": 31,
    "update settings": 39,
    "update that is refused": 26,
    "replacement": 151,
    "clean-up of a replacement": 72,
    "rollback of a failed update": 95,
    "rollback of a failed replacement": 139,
    "rollback of a finished replacement": 67,
    "delete": 72,
    "delete of a failed create": 63,
    "delete of a cancelled create": 106,
}
"""Calls recorded of each operation: what is explored can't shrink unseen, and docs/faults.md shows it."""

BY_NAME = {operation.name: operation for operation in OPERATIONS}
operations = pytest.mark.parametrize("name", [*BY_NAME])


@pytest.fixture(scope="module")
def plain():
    """Return each operation's run without a fault, made when it is first asked for."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = record(BY_NAME[name])
        return made[name]

    return of


@operations
def test_an_operation_makes_as_many_calls_as_are_on_record(plain, name):
    calls = plain(name).calls

    assert len(calls) == CALLS[name]
    assert PUT in calls


def test_the_page_on_faults_shows_the_operations_and_how_many_runs_there_are(plain):
    page = (Path(__file__).parents[2] / "docs" / "faults.md").read_text("utf-8")
    told = re.findall(r"^\| ([\w -]+) \| (\d+) \|$", page, re.MULTILINE)
    faults = sum(len([*every(n, call)]) for name in BY_NAME for n, call in enumerate(plain(name).calls))
    of_two = search.PAIRS * len(BY_NAME)

    assert {name: int(calls) for name, calls in told} == CALLS
    assert f"**{faults + of_two:,} runs**: {faults:,} faults, and {of_two:,} pairs" in page
    assert all(f"`{kind}`" in page for kind in KINDS)


@operations
def test_a_seeded_share_of_all_faults_ends_right(plain, name):
    of = plain(name)
    faults = [fault for index, call in enumerate(of.calls) for fault in every(index, call)]
    drawn = random.Random(f"{SEED} {name}").sample(faults, SHARE)
    print(f"seed {SEED}: {SHARE} of {len(faults)} faults")

    wrong = [verdict for verdict in (replay(BY_NAME[name], of, fault) for fault in drawn) if verdict.wrongs]

    assert wrong == []


@operations
def test_two_faults_in_one_operation_end_right(plain, name):
    (verdict,) = pairs(BY_NAME[name], plain(name), 1, SEED)

    assert verdict.wrongs == ()


@pytest.mark.parametrize("name", ["create replicated", "update access", "delete"])
def test_moto_is_called_as_the_swift_aws_is(plain, name):
    on_moto = record(BY_NAME[name], real=True)

    assert on_moto.calls == plain(name).calls
    assert on_moto.end.status == plain(name).end.status


def test_every_service_and_every_fault_is_explored(plain):
    calls = {call for name in BY_NAME for call in plain(name).calls}
    kinds = {fault.kind for call in calls for fault in every(0, call)}

    services = {"elasticache", "ec2", "secretsmanager", "scheduler", "cloudformation", "sts", "response"}
    assert {call.split(":")[0] for call in calls} == services
    assert kinds == set(KINDS)


# The explorer finds what is wrong


@pytest.fixture
def found_in_create(plain):
    """Return what is found wrong with a fault at a create's first call of a name, in one text.

    The create is recorded before anything is planted.
    """
    of = plain("create")

    def found(call, kind, for_good):
        fault = Fault(of.calls.index(call), call, kind, for_good)
        return " ".join(replay(BY_NAME["create"], of, fault).wrongs)

    return found


def test_it_finds_a_cluster_left_behind(found_in_create, monkeypatch):
    monkeypatch.setattr(teardown, "_replication_group", lambda *_: UpToDate())

    assert "left behind" in found_in_create("elasticache:DescribeCacheClusters", "denied", True)


def test_it_finds_a_schedule_left_behind(found_in_create, monkeypatch):
    monkeypatch.setattr(PollSchedules, "delete", lambda *_: None)

    assert "still polled" in found_in_create(PUT, "throttled", False)


def test_it_finds_a_schedule_that_does_not_end_by_itself(found_in_create, monkeypatch):
    dates = poll_event.schedule_dates

    def long(*given):
        start, end = dates(*given)
        return start, end + timedelta(days=1)

    monkeypatch.setattr(poll_event, "schedule_dates", long)

    assert "doesn't end by itself" in found_in_create("scheduler:DeleteSchedule", "denied", True)


def test_it_finds_a_fault_that_is_taken_for_the_end(found_in_create, monkeypatch):
    monkeypatch.setattr(RetryPolicy, "judge", lambda self, error: Reject(str(error)))

    assert "ended FAILED" in found_in_create("ec2:CreateSecurityGroup", "throttled", False)


def test_it_finds_a_reason_that_does_not_name_the_call(found_in_create, monkeypatch):
    honest = Handling._failed
    monkeypatch.setattr(Handling, "_failed", lambda self, *_: honest(self, "something went wrong"))

    assert "doesn't name" in found_in_create("ec2:CreateSecurityGroup", "denied", True)


def test_it_finds_a_request_that_nobody_answers(found_in_create, monkeypatch):
    monkeypatch.setattr(Schedules, "CreateSchedule", lambda *_, **__: {"ScheduleArn": "arn:aws:x"})

    assert "nobody is left to answer" in found_in_create("ec2:CreateSecurityGroup", "throttled", True)


def test_it_finds_a_second_answer_that_says_something_else(found_in_create, monkeypatch):
    first = PollingResource._presentable

    def fickle(self, answer):
        return replace(first(self, answer), physical_id=f"shop-{self._clock.now():.0f}")

    monkeypatch.setattr(PollingResource, "_presentable", fickle)

    assert "a second response" in found_in_create(PUT, "timeout after success", False)


@pytest.mark.parametrize("planted", [False, True])
def test_the_search_reports_its_runs_and_fails_on_a_violation(monkeypatch, capsys, planted):
    asked = ["faults", "create", "--at", "0", "--kind", "throttled", "--pairs", "2"]
    monkeypatch.setattr(sys, "argv", asked)
    # In this process: another would not see what is planted.
    monkeypatch.setattr(search, "ProcessPoolExecutor", lambda _: nullcontext(SimpleNamespace(map=map)))
    if planted:
        honest = explorer.wrongs
        monkeypatch.setattr(
            explorer, "wrongs", lambda *run: [*honest(*run), *(["planted"] if run[2] else [])]
        )

    assert search.main() == (1 if planted else 0)

    told = capsys.readouterr().out
    row = ["create", str(CALLS["create"]), "2", "2", "4" if planted else "0"]
    assert row in [line.split()[:5] for line in told.splitlines()]
    assert "4 runs (" in told
    assert ("WRONG create: #0 scheduler:CreateSchedule throttled: SUCCESS" in told) is planted
    assert told.endswith(f"{row[-1]} violations\n")
