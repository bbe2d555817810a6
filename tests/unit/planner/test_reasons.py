"""Reasons to wait: each completes the sentence "Timed out while ..."."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3] / "function" / "massdriver_redis"
CLAUSE = re.compile(r"(waiting for .+|[^.]+ (is|are) .+)")
"""A participle, or a clause with its verb; never a bare noun, an infinitive or a second sentence."""


def text(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    return None


def reasons():
    for file in (ROOT / "planner").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Requeue":
                yield text(node.args[0])
    for node in ast.walk(ast.parse((ROOT / "state" / "observed.py").read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.lstrip("_").startswith("not_stabilized"):
            yield from (text(each.value) for each in ast.walk(node) if isinstance(each, ast.Return))


REASONS = sorted({each for each in reasons() if each})


def test_the_reasons_are_found():
    assert len(REASONS) > 12


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_to_wait_completes_timed_out_while(reason):
    assert CLAUSE.fullmatch(reason)
    assert reason[0].islower()
    assert not reason.endswith(".")
