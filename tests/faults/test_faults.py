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
from botocore.exceptions import BotoCoreError, ClientError

from massdriver_redis.aws import errors
from massdriver_redis.aws.poll_schedule import PollSchedules
from massdriver_redis.cloudformation import poll_event
from massdriver_redis.handler import PollingResource
from massdriver_redis.planner import delete as teardown
from massdriver_redis.planner.decision import Reject, UpToDate
from massdriver_redis.reconciler.loop import Reconciliation as Handling
from massdriver_redis.reconciler.retries import RetryPolicy
from massdriver_redis.state import naming
from tests.harness import fallback
from tests.harness.schedules import Schedules

from . import explorer, search
from .cancelled import SETTINGS, cancel, every_cancellation
from .copies import ARMING, OUTAGE, SPELLS, Copy, Spell, drawn, every_spell, first_calls, play
from .explorer import every, pairs, record, replay
from .faults import KINDS, PUT
from .judge import Fault
from .operations import OPERATIONS

SEED = 20260701
SHARE = 6
"""Faults of each operation that are tried here."""

COPIES = 3
"""Copies of each operation's first event that are tried here, and spells of trouble."""

CANCELLATIONS = 6
"""Cancellations around the PUT of each setting's SUCCESS that are tried here."""

CALLS = {
    "create": 74,
    "create replicated": 84,
    "create sharded": 74,
    "create that fails": 71,
    "update node type": 87,
    "update replicas up": 58,
    "update replicas down": 56,
    "update shards out": 55,
    "update shards in": 55,
    "update engine": 87,
    "update tags": 67,
    "update access": 31,
    "update settings": 41,
    "update that is refused": 26,
    "replacement": 153,
    "clean-up of a replacement": 73,
    "rollback of a failed update": 108,
    "rollback of a failed replacement": 140,
    "rollback of a finished replacement": 67,
    "delete": 79,
    "delete of a failed create": 64,
    "delete of a cancelled create": 108,
}
"""Calls recorded of each operation: what is explored can't shrink unseen, and docs/faults.md shows it."""

BY_NAME = {operation.name: operation for operation in OPERATIONS}
BY_SETTING = {setting.name: setting for setting in SETTINGS}
operations = pytest.mark.parametrize("name", [*BY_NAME])
settings = pytest.mark.parametrize("name", [*BY_SETTING])


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
    copies = sum(len(drawn(operation, search.COPIES, 1)) for operation in OPERATIONS)
    spells = len([*every_spell()]) * len(BY_NAME)
    cancelled = sum(len([*every_cancellation(setting)]) for setting in SETTINGS)
    runs = faults + of_two + copies + spells + cancelled

    assert {name: int(calls) for name, calls in told} == CALLS
    assert f"**{runs:,} runs**: {faults:,} faults, {of_two:,} pairs" in " ".join(page.split())
    assert f"{copies:,} copies" in page
    assert f"{spells:,} spells" in page
    assert f"{cancelled:,} cancellations" in page
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


@operations
def test_a_copy_of_the_first_event_in_trouble_does_no_harm(plain, name):
    copies = drawn(BY_NAME[name], COPIES, SEED)[:COPIES]

    wrong = [
        verdict for verdict in (play(BY_NAME[name], plain(name), each) for each in copies) if verdict.wrongs
    ]

    assert wrong == []


@operations
def test_an_operation_goes_on_after_a_spell_of_trouble(plain, name):
    spells = random.Random(f"{SEED} {name}").sample([*every_spell()], COPIES)

    wrong = [
        verdict for verdict in (play(BY_NAME[name], plain(name), each) for each in spells) if verdict.wrongs
    ]

    assert wrong == []


@settings
def test_nothing_is_left_of_an_operation_that_is_cancelled_while_its_success_is_put(name):
    setting = BY_SETTING[name]
    drawn_here = random.Random(f"{SEED} {name}").sample([*every_cancellation(setting)], CANCELLATIONS)

    wrong = [verdict for verdict in (cancel(setting, each) for each in drawn_here) if verdict.wrongs]

    assert wrong == []


@pytest.mark.parametrize("name", ["create", "update node type", "delete"])
@pytest.mark.parametrize("family", [ARMING, "reads"])
def test_half_a_minute_without_arming_or_looking_fails_nothing(plain, name, family):
    verdict = play(BY_NAME[name], plain(name), Spell(family, "throttled", SPELLS[0]))

    assert (verdict.status, verdict.wrongs) == ("SUCCESS", ())


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


def test_it_finds_an_exception_of_the_sdk_that_gets_through(found_in_create, monkeypatch):
    honest = errors.translate

    def translate(error, *call):
        if not isinstance(error, ClientError | BotoCoreError):
            raise error
        return honest(error, *call)

    monkeypatch.setattr(errors, "translate", translate)

    found = found_in_create("ec2:CreateSecurityGroup", "garbled binary", False)

    assert "ended FAILED: Internal error" in found


@pytest.fixture
def found_with(plain):
    """Return what is found wrong with a create whose first event meets a trial, in one text.

    The create is recorded before anything is planted.
    """
    of = plain("create")
    return lambda trial: " ".join(play(BY_NAME["create"], of, trial).wrongs)


def test_it_finds_a_copy_that_contradicts_an_answer_just_given(plain, monkeypatch):
    of = plain("update access")
    calls = first_calls(BY_NAME["update access"])
    at = calls.index(PUT) + 1
    monkeypatch.setattr(RetryPolicy, "judge", lambda self, error: Reject(str(error)))

    verdict = play(BY_NAME["update access"], of, Copy(at, calls[at], "suspended", "reads", "denied"))

    assert "answered SUCCESS" in " ".join(verdict.wrongs)


def test_it_finds_a_copy_that_says_of_a_cluster_that_nothing_was_made(found_with, monkeypatch):
    calls = first_calls(BY_NAME["create"])
    monkeypatch.setattr(naming, "unknown_outcome", naming.nothing_made)
    at = calls.index("elasticache:CreateReplicationGroup")

    found = found_with(Copy(at, calls[at], "killed after", "reads", "denied"))

    assert "said that nothing was made" in found
    assert "left behind" in found


def test_it_finds_a_spell_that_is_taken_for_the_end(found_with, monkeypatch):
    monkeypatch.setattr(RetryPolicy, "judge", lambda self, error: Reject(str(error)))

    assert "ended FAILED" in found_with(Spell(ARMING, "throttled", SPELLS[0]))


def test_it_finds_a_fallback_that_says_of_a_create_that_nothing_was_made(found_with, monkeypatch):
    monkeypatch.setattr(fallback.MODULES["envelope"], "UNKNOWN", "none:")

    assert "said that nothing was made" in found_with(Spell(ARMING, "throttled", OUTAGE))


@pytest.mark.parametrize(
    ("name", "planted"),
    [
        ("create, rolled back", lambda record, _: record.in_service is None),
        ("added next to a retained one", lambda *_: True),
    ],
    ids=["a cluster whose SUCCESS nobody took", "a retained cluster that is deleted"],
)
def test_it_finds_what_a_cancelled_operation_leaves_or_takes(monkeypatch, name, planted):
    setting = BY_SETTING[name]
    cancellation = next(each for each in every_cancellation(setting) if each.name == PUT)
    monkeypatch.setattr(teardown, "never_in_service", planted)

    assert "left are" in " ".join(cancel(setting, cancellation).wrongs)


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
    row = ["create", str(CALLS["create"]), "2", "2", "0", "0", "0", "4" if planted else "0"]
    assert row in [line.split()[:8] for line in told.splitlines()]
    assert "4 runs (" in told
    assert ("WRONG create: #0 scheduler:CreateSchedule throttled: SUCCESS" in told) is planted
    assert told.endswith(f"{row[-1]} violations\n")
