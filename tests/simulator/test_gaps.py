"""The list of what is not simulated: complete by botocore's model, true to the code, and in README.md."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import pytest
from botocore.session import get_session

from tests.harness.inmemory_aws import InMemoryAws

from . import actions, gaps, modify_engine, modify_token, pages, windows

MODEL = get_session().get_service_model("elasticache")
HERE = Path(__file__).parent
HELPERS = {"ModifyReplicationGroup": (modify_engine, modify_token, windows)}
"""Modules that read parameters for an operation, with that of its function."""
OPERATIONS = sorted(actions.OPERATIONS)


def reading(operation: str) -> str:
    """Return the source that reads an operation's parameters."""
    module = sys.modules[actions.OPERATIONS[operation].__module__]
    return "".join(inspect.getsource(each) for each in (module, pages, *HELPERS.get(operation, ())))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_parameter_is_read_or_listed_as_a_gap(operation: str) -> None:
    source = reading(operation)
    read = {name for name in MODEL.operation_model(operation).input_shape.members if f'"{name}"' in source}
    always = {gap.parameter for gap in gaps.PARAMETERS if gap.operation == operation and not gap.when}
    assert read | always == set(MODEL.operation_model(operation).input_shape.members)


@pytest.mark.parametrize("gap", gaps.PARAMETERS, ids=lambda gap: f"{gap.operation}-{gap.parameter}")
def test_every_gap_is_a_parameter_that_raises(gap: gaps.Gap) -> None:
    assert gap.parameter in MODEL.operation_model(gap.operation).input_shape.members
    assert gap.source
    if gap.when:
        assert re.search(rf'gaps\.met\([^)]*"{gap.parameter}"', reading(gap.operation), re.DOTALL)
    else:
        with pytest.raises(gaps.NotSimulatedError, match=f"not simulated: {gap.parameter}$"):
            InMemoryAws().answer("elasticache", gap.operation, {gap.parameter: "x"})


@pytest.mark.parametrize("operation", sorted(set(MODEL.operation_names) - set(OPERATIONS)))
def test_every_other_operation_is_listed_and_raises(operation: str) -> None:
    assert gaps.source_of(operation)
    with pytest.raises(gaps.NotSimulatedError, match=f"not simulated: {operation}$"):
        InMemoryAws().answer("elasticache", operation, {})


def test_no_simulated_operation_is_listed_as_a_gap() -> None:
    assert [operation for operation in OPERATIONS if gaps.source_of(operation)] == []


def test_the_code_raises_for_a_gap_by_the_list_only() -> None:
    sources = {path.name: path.read_text() for path in HERE.glob("*.py") if "test_" not in path.name}
    assert [name for name, text in sources.items() if "raise NotImplementedError" in text] == []


def test_the_readme_shows_the_list() -> None:
    assert gaps.table() in (HERE / "README.md").read_text()
