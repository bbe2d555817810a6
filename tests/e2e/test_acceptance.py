"""`make acceptance` as a person runs it, on the emulator: a whole life, an interrupted one, and a refusal."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.emulator.emulator import ACCOUNT
from tools.acceptance.script import STEPS

from .emulator import acceptance, stacks

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.e2e.emulator.emulator import Emulator

pytestmark = pytest.mark.full


def entries(folder: Path) -> list[dict[str, Any]]:
    """Return the transcript in a folder, after a look for what must not stand in it."""
    (path,) = folder.glob("*.jsonl")
    text = path.read_text("utf-8")
    assert ACCOUNT not in text
    return [json.loads(line) for line in text.splitlines()]


def said(running: subprocess.Popen[str]) -> str:
    return running.communicate(timeout=stacks.LONGEST_WAIT)[0]


def check_nothing_of_a_run_is_left(emulator: Emulator) -> None:
    """Not even what a deleted stack leaves on purpose: final snapshots, and secrets in their recovery."""
    found = emulator.client("cloudformation").describe_stacks()["Stacks"]
    assert [each["StackName"] for each in found if each["StackName"].startswith("acc")] == []
    assert emulator.client("elasticache").describe_snapshots()["Snapshots"] == []
    listed = emulator.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)
    assert listed["SecretList"] == []


def test_a_whole_life_leaves_a_transcript_a_report_and_nothing_else(
    emulator: Emulator, network: stacks.Network, tmp_path: Path
) -> None:
    running = acceptance.start(emulator, network, {"ACCEPTANCE_DIR": str(tmp_path)})
    told = said(running)

    assert running.returncode == 0, told
    assert told.index("budget: ") < told.index("sam deploy")
    recorded = entries(tmp_path)
    steps = list(dict.fromkeys(each["step"] for each in recorded))
    assert [each for each in steps if each in {step.name for step in STEPS}] == [step.name for step in STEPS]
    (deployed,) = [each for each in recorded if each["operation"] == "sam deploy"]
    assert deployed["status"] == 0
    logged = [each["response"] for each in recorded if each["operation"] == "FilterLogEvents"]
    assert "create the replication group" in json.dumps(logged)
    (report,) = tmp_path.glob("*.divergence.txt")
    # The emulator's ElastiCache is the simulator: it must agree with itself.
    assert report.read_text("utf-8").splitlines()[-1] == "0 divergence(s)"
    assert report.read_text("utf-8") in told
    check_nothing_of_a_run_is_left(emulator)


def test_an_interrupted_life_is_cleaned_up(
    emulator: Emulator, network: stacks.Network, tmp_path: Path
) -> None:
    running = acceptance.start(emulator, network, {"ACCEPTANCE_DIR": str(tmp_path)})
    assert running.stdout
    before: list[str] = []
    for line in running.stdout:
        before.append(line)
        if len(before) > 1 and "] scale: " in before[-2]:
            # What Ctrl-C does: everything in the foreground gets the signal.
            os.killpg(running.pid, signal.SIGINT)
            break
    told = said(running)

    assert running.returncode != 0, before
    assert "FAILED: interrupted" in told
    assert "NOT REMOVED" not in told
    assert {"create", "scale", "clean-up"} <= {each["step"] for each in entries(tmp_path)}
    check_nothing_of_a_run_is_left(emulator)


def test_without_consent_nothing_begins(emulator: Emulator, network: stacks.Network, tmp_path: Path) -> None:
    given = {"ACCEPTANCE_DIR": str(tmp_path), "I_ACCEPT_COSTS": "no"}
    running = acceptance.start(emulator, network, given)
    told = said(running)

    assert running.returncode != 0
    assert "I_ACCEPT_COSTS=yes" in told
    assert "deploy" not in told
    assert list(tmp_path.iterdir()) == []
