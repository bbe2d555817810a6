"""`make plan`: what it foresees is what happens, and what it prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from massdriver_redis.planner.decision import Reject, UpToDate
from tests.harness import planner_bench as the_bench
from tests.harness.planner_bench import PlannerBench
from tests.harness.samples import FREE_TIER, SHARDED_CLUSTER, properties, put
from tests.unit.planner.test_plan_laws import Given, cases
from tools.preview.__main__ import main
from tools.preview.foresight import PREFIX, between, foresee, physical_id
from tools.preview.page import page
from tools.preview.reading import UnreadableError, read
from tools.preview.report import lines

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 7, 1)
EXAMPLES = ROOT / "examples"


def told(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [line for line in lines(foresee(old, new, TODAY)) if not line.startswith("warning")]


# --- what it foresees is what happens ---------------------------------------------------------------


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_the_calls_foreseen_are_the_calls_made(case: Given) -> None:
    bench = PlannerBench.made_by(case.old)
    end = bench.converge(case.new, old=case.old)
    foreseen = between(case.old, case.new)
    if foreseen.refusal:
        assert isinstance(end, Reject)
        assert end.reason.split(":")[0] == foreseen.refusal.split(":")[0]
        return
    assert end == UpToDate()
    expected = [
        (call.operation.replace("_", ""), _same(bench, case, call.request)) for call, _ in foreseen.steps
    ]
    made = [(call.operation.lower(), _without_arn(call.params)) for call in bench.writes()]
    assert made == expected


def _same(bench: PlannerBench, case: Given, request: Mapping[str, object]) -> dict[str, Any]:
    """Return a request of the preview with the names and ids of the bench."""
    text = json.dumps(request)
    current_id = physical_id(case.old)
    for mine, theirs in (
        ("the new one", bench.security_group()["GroupId"]),
        (f"{PREFIX}-{current_id}", f"{the_bench.PREFIX}-{the_bench.GROUP}"),
        (current_id, the_bench.GROUP),
    ):
        text = text.replace(mine, theirs)
    return _without_arn(json.loads(text))


def _without_arn(params: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in params.items() if key != "ResourceName"}


# --- what it prints ---------------------------------------------------------------------------------


def test_the_page_of_changes_is_what_the_planner_says() -> None:
    assert (ROOT / "docs" / "changes.md").read_text("utf-8") == page(), "run `make docs`"


def test_the_readme_shows_what_the_planner_says() -> None:
    (block,) = re.findall(r"```console\n(\$ make plan .*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    for run in block.split("$ make plan ")[1:]:
        command, *shown = run.strip().splitlines()
        old, new = (read(ROOT / word.partition("=")[2]) for word in command.split())
        assert told(old, new) == shown


@pytest.mark.parametrize(
    "path",
    sorted(path for path in EXAMPLES.glob("*.yaml") if "Type: Custom::" in path.read_text()),
    ids=lambda path: path.stem,
)
def test_an_example_against_itself_is_nothing_to_do(path: Path) -> None:
    assert told(read(path), read(path)) == ["nothing to do"]


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ({"redis_version": "7.1"}, {"engine": "valkey", "redis_version": "7.2"}, "rolls back"),
        ({"engine": "valkey", "redis_version": "7.2"}, {"redis_version": "7.1"}, "rolls back"),
        ({"redis_version": "7.1"}, {"engine": "valkey", "redis_version": "8.0"}, "stays"),
    ],
)
def test_an_upgrade_rolls_back_where_elasticache_has_a_way_back(
    old: dict[str, Any], new: dict[str, Any], step: str
) -> None:
    base = {**properties(SHARDED_CLUSTER), "node_type": "cache.r5.large"}
    first, *rest = told({**base, **old}, {**base, **new})
    assert first.endswith(f"; {step}")
    assert rest == []


def test_each_step_says_what_it_interrupts_how_long_it_takes_and_whether_it_rolls_back() -> None:
    old = properties(SHARDED_CLUSTER)
    new = {**old, "node_groups": 3, "node_type": "cache.m5.large", "redis_version": "7.1", "tags": {"a": "b"}}
    assert told(old, new) == [
        "1. upgrade redis 6.2 to redis 7.1: interruption of seconds; 10 minutes and more; stays",
        (
            "2. add node groups: 2 to 3: in place; about a minute for each GB that moves; "
            "rolls back by moving the data again"
        ),
        (
            "3. change the node type: cache.r5.large to cache.m5.large: in place; "
            "10 minutes and more, with the data; rolls back"
        ),
        "4. tag the security group: in place; seconds; rolls back",
        "5. tag the secret: in place; seconds; rolls back",
        "6. tag the subnet group: in place; seconds; rolls back",
        "7. tag the replication group: in place; a minute or two; rolls back",
    ]


def test_a_node_type_changes_with_an_interruption_on_an_old_engine_without_cluster_mode() -> None:
    old = properties(FREE_TIER, redis_version="4.0")
    assert told(old, {**old, "node_type": "cache.r5.large"}) == [
        (
            "1. change the node type: cache.t3.micro to cache.r5.large: interruption of seconds; "
            "10 minutes and more, with the data; rolls back"
        )
    ]


def test_settings_change_in_one_step_and_say_what_a_rollback_leaves() -> None:
    old = properties(FREE_TIER)
    assert told(
        old, {**old, "auto_minor_version_upgrade": False, "maintenance_window": "mon:01:00-mon:02:00"}
    ) == [("1. set maintenance window, auto minor version upgrade: in place; a minute or two; rolls back")]
    assert told(old, {**old, "auto_minor_version_upgrade": False, "snapshot_retention_limit": 1}) == [
        (
            "1. set snapshot retention limit, auto minor version upgrade: in place; a minute or two; "
            "rolls back; snapshots that expired stay gone"
        )
    ]


def test_a_replacement_says_for_what_and_ends_with_the_old_cluster_gone() -> None:
    old = properties(FREE_TIER)
    first, *_, last = told(old, {**old, "secure": False, "allow_replacement": True})
    assert first == "replacement, for secure: a new, empty cluster in place of the old"
    assert last.endswith("CloudFormation deletes the old cluster, after a final snapshot")


def test_a_version_that_is_no_longer_sold_can_still_be_left() -> None:
    old = properties(FREE_TIER, redis_version="3.2")
    assert told(old, {**old, "redis_version": "6.x"})[0].startswith("1. upgrade redis 3.2.6 to redis 6.2:")


REFUSED = {
    "secure": ({"secure": False}, "secure: can't change on a live cluster."),
    "an older version": ({"redis_version": "5.0"}, "redis_version: ElastiCache can't downgrade"),
    "properties that are not valid": ({"replicas": 9}, "replicas: "),
    "another account": (
        {"aws_authentication": {"data": {"arn": "arn:aws:iam::999999999999:role/redis"}}},
        "aws_authentication.data.arn: a cluster can't move to another account",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_update_says_why_and_shows_no_step(case: str) -> None:
    changes, words = REFUSED[case]
    role = {"data": {"arn": "arn:aws:iam::123456789012:role/redis"}}
    old = properties(FREE_TIER, aws_authentication=role)
    (line,) = told(old, {**old, **changes})
    assert line.startswith(f"refused: {words}")


def test_other_subnets_altogether_are_refused_with_the_way_there() -> None:
    old = properties(FREE_TIER)
    subnets = old["vpc"]["data"]["infrastructure"]["internal_subnets"]
    others = [{**each, "arn": each["arn"] + "ff"} for each in subnets]
    (line,) = told(old, put(old, "vpc.data.infrastructure.internal_subnets", others))
    assert line.startswith("refused: subnet_type: none of the cluster's subnets is in the list")


# --- on the command line ----------------------------------------------------------------------------


def test_the_command_reads_json_yaml_and_templates(tmp_path: Path, capsys: Any) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.yaml"
    before.write_text(json.dumps(properties(FREE_TIER)))
    after.write_text(json.dumps(properties(FREE_TIER, replicas=1)))  # JSON is YAML too
    assert main([str(before), str(after)]) == 0
    assert capsys.readouterr().out.startswith("1. add replicas: 0 to 1 per node group")
    assert main([str(EXAMPLES / "free-tier.yaml"), str(EXAMPLES / "sharded-cluster.yaml")]) == 1
    assert capsys.readouterr().out.startswith("refused: cluster_mode_enabled")


def test_the_command_runs_as_a_module() -> None:
    files = [str(EXAMPLES / f"{name}.yaml") for name in ("free-tier", "highly-available")]
    run = subprocess.run(
        [sys.executable, "-m", "tools.preview", *files],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "function"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert "turn failover and Multi-AZ on" in run.stdout


UNREADABLE = {
    "a file that is not there": None,
    "no YAML": "{",
    "a list": "[]",
    "a template without our resource": '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}',
    "a condition": (
        '{"Resources": {"Redis": {"Type": "Custom::MassdriverRedis", '
        '"Properties": {"replicas": {"Fn::If": ["Big", 2, 0]}}}}}'
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_can_not_be_used_is_named(case: str, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "file.yaml"
    text = UNREADABLE[case]
    if text is not None:
        path.write_text(text)
    with pytest.raises(UnreadableError):
        read(path)
    assert main([str(path), str(path)]) == 2
    assert capsys.readouterr().out == ""


def test_old_properties_that_are_not_valid_and_a_missing_file_name_end_in_2(
    tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("replicas: 9")
    assert main([str(path), str(path)]) == 2
    assert main([]) == 2
    assert "usage: make plan" in capsys.readouterr().err
